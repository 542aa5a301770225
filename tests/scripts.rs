//! Runs every scenario in `tests/scripts` and compares what it prints with what is recorded there, and the table of
//! contents with the folder. `UPDATE=1 cargo test --test scripts` records both anew; read the difference before you
//! commit it.

use ringside::link::LINK_GOOD;
use ringside::native::scenario;
use ringside::script::{Runner, Script};
use ringside::sim::Options;
use std::fmt::Write;
use std::path::Path;

mod folder;

/// The topics, in the order in which they are best read.
const TOPICS: &[(&str, &str)] = &[
    ("handshake", "How a replica introduces itself"),
    ("full-sync", "Everything is copied"),
    ("diskless", "Everything is copied, without a file"),
    ("psync", "Only what was missed is sent"),
    ("ring", "How far back the backlog reaches"),
    ("ack", "Who has what: acknowledgements and WAIT"),
    ("promotion", "A replica becomes a master"),
    ("failover", "Roles change in order"),
    ("chain", "Replicas of replicas"),
    ("expiry", "Keys that end"),
    ("restart", "Processes end and begin again"),
    ("faults", "What can go wrong on the way"),
];

fn read(file: &Path) -> (String, Script) {
    let text = std::fs::read_to_string(file).expect("a script can be read");
    let script = Script::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    (text, script)
}

/// Rewrites a file where `UPDATE` says so; else what differs.
fn keep(file: &Path, old: &str, fresh: &str) -> Option<String> {
    if fresh == old {
        return None;
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(file, fresh).expect("a recorded file can be written");
        return None;
    }
    Some(format!("{}:\n{}", file.display(), difference(old, fresh)))
}

#[test]
fn every_scenario_does_what_is_recorded() {
    let mut different = Vec::new();
    for file in folder::scripts() {
        let (text, script) = read(&file);
        let outputs = script
            .run()
            .unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        different.extend(keep(&file, &text, &script.print(&outputs)));
    }
    assert!(
        different.is_empty(),
        "recorded output differs (UPDATE=1 records it anew):\n{}",
        different.join("\n")
    );
}

#[test]
fn the_table_of_contents_has_every_scenario() {
    let file = folder::root().join("README.md");
    let old = std::fs::read_to_string(&file).expect("the table of contents");
    let (head, _) = old
        .split_once("\n## ")
        .unwrap_or_else(|| (old.trim_end(), ""));
    let mut fresh = head.trim_end().to_string();
    fresh.push('\n');
    let (scripts, mut listed) = (folder::scripts(), 0);
    for (topic, about) in TOPICS {
        let _ = write!(fresh, "\n## {about}\n\n");
        for file in &scripts {
            let name = folder::name(file);
            if name.starts_with(&format!("{topic}/")) {
                let (_, script) = read(file);
                let title = script
                    .title()
                    .unwrap_or_else(|| panic!("{name} has no title"));
                let _ = writeln!(fresh, "- [{title}]({name})");
                listed += 1;
            }
        }
    }
    assert_eq!(
        listed,
        scripts.len(),
        "a folder is no topic; the topics stand in tests/scripts.rs"
    );
    assert!(listed >= 60, "{listed} scenarios");
    let different = keep(&file, &old, &fresh);
    assert!(
        different.is_none(),
        "the table of contents differs (UPDATE=1 writes it anew):\n{different:?}"
    );
}

#[test]
fn every_scenario_can_be_sent_as_a_link() {
    for file in folder::scripts() {
        let bad = |e: &dyn std::fmt::Display| -> ! { panic!("{}: {e}", file.display()) };
        let link = scenario::link(&file, None, None).unwrap_or_else(|e| bad(&e));
        assert!(
            link.len() < LINK_GOOD,
            "{}: {} characters",
            file.display(),
            link.len()
        );
        let opened = scenario::open(&format!("https://example.org/ringside/#{link}"))
            .unwrap_or_else(|e| bad(&e));
        let opened = Script::parse(&opened).unwrap_or_else(|e| bad(&e));
        let played = |script: &Script| {
            let mut runner = Runner::new(Options::default());
            for block in &script.blocks {
                runner.block(block).unwrap_or_else(|e| bad(&e));
            }
            runner.world.run_until(runner.world.now()); // all that is due at the last moment
            runner.world.trace()
        };
        assert_eq!(
            played(&read(&file).1),
            played(&opened),
            "{}",
            file.display()
        );
    }
}

#[test]
fn the_scenarios_of_the_element_are_links_to_their_beginning() {
    let www = Path::new(env!("CARGO_MANIFEST_DIR")).join("www");
    let folder = std::fs::read_dir(www.join("scenarios")).expect("a folder");
    let mut files: Vec<_> = folder.map(|e| e.expect("an entry").path()).collect();
    files.sort();
    let mut links = std::collections::BTreeMap::new();
    for file in files {
        let name = file.file_stem().and_then(|s| s.to_str()).expect("a name");
        let link = scenario::link(&file, None, Some(0)).unwrap_or_else(|e| panic!("{e}"));
        links.insert(name.to_string(), link.trim_end().to_string());
    }
    let fresh = serde_json::to_string_pretty(&links).expect("text is JSON") + "\n";
    let file = www.join("scenarios.json");
    let old = std::fs::read_to_string(&file).expect("the links");
    let different = keep(&file, &old, &fresh);
    assert!(
        different.is_none(),
        "the links differ (UPDATE=1 writes them anew):\n{different:?}"
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
