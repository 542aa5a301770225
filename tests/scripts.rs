//! Runs every scenario in `tests/scripts` and compares what it prints with what is recorded there.
//! `UPDATE=1 cargo test --test scripts` records anew; read the difference before you commit it.

use ringside::script;
use std::path::PathBuf;

fn scripts() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder of scripts")
        .map(|f| f.expect("a folder entry").path())
        .collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "txt"));
    files.sort();
    files
}

#[test]
fn every_scenario_does_what_is_recorded() {
    let files = scripts();
    assert!(!files.is_empty(), "no scripts found");
    let mut different = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a script can be read");
        let blocks = script::parse(&text);
        let outputs = script::run(&blocks).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let fresh = script::print(&blocks, &outputs);
        if fresh != text {
            if std::env::var_os("UPDATE").is_some() {
                std::fs::write(&file, &fresh).expect("a script can be written");
            } else {
                different.push(format!(
                    "{}:\n{}",
                    file.display(),
                    difference(&text, &fresh)
                ));
            }
        }
    }
    assert!(
        different.is_empty(),
        "recorded output differs (UPDATE=1 records it anew):\n{}",
        different.join("\n")
    );
}

/// The first lines that differ.
fn difference(old: &str, new: &str) -> String {
    let pair = old
        .lines()
        .zip(new.lines())
        .enumerate()
        .find(|(_, (a, b))| a != b);
    match pair {
        Some((i, (a, b))) => format!("  line {}\n  recorded: {a}\n  now:      {b}", i + 1),
        None => format!(
            "  {} lines recorded, {} lines now",
            old.lines().count(),
            new.lines().count()
        ),
    }
}
