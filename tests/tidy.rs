//! Keeps the walls of the project: who may import whom, and what the engine may never use. Every message says what to
//! do instead.

use std::path::{Path, PathBuf};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a source folder") {
        let path = entry.expect("a folder entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Path below `src`, text without comments.
fn sources() -> Vec<(String, String)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    files(&root, &mut found);
    found.sort();
    let code = |path: &Path| {
        let text = std::fs::read_to_string(path).expect("a source file");
        text.lines()
            .map(|l| l.split("//").next().unwrap_or_default())
            .collect::<Vec<_>>()
            .join("\n")
    };
    found
        .iter()
        .map(|p| {
            (
                p.strip_prefix(&root)
                    .expect("below src")
                    .to_string_lossy()
                    .into_owned(),
                code(p),
            )
        })
        .collect()
}

/// The layer of a file: its first folder, or its name.
fn layer(path: &str) -> &str {
    path.split(['/', '.']).next().unwrap_or_default()
}

/// What each layer may import with `crate::`.
const WALLS: &[(&str, &[&str])] = &[
    ("time", &[]),
    ("rng", &[]),
    ("order", &[]),
    ("wire", &["wire", "order"]),
    ("node", &["node", "wire", "time", "rng", "order"]),
    ("sim", &["sim", "node", "wire", "time", "rng", "order"]),
    (
        "script",
        &["script", "sim", "node", "wire", "time", "rng", "order"],
    ),
    (
        "tape",
        &["tape", "sim", "node", "wire", "time", "rng", "order"],
    ),
    (
        "link",
        &[
            "link", "tape", "script", "sim", "node", "wire", "time", "rng", "order",
        ],
    ),
    (
        "player",
        &[
            "player", "link", "script", "tape", "sim", "node", "wire", "time", "rng", "order",
        ],
    ),
    (
        "lessons",
        &[
            "lessons", "player", "link", "script", "tape", "sim", "node", "wire", "time", "order",
        ],
    ),
    (
        "api",
        &["script", "tape", "link", "sim", "wire", "time", "order"],
    ),
    (
        "ui",
        &[
            "ui", "lessons", "script", "player", "link", "tape", "sim", "wire", "time", "order",
        ],
    ),
    (
        "native",
        &[
            "native", "lessons", "player", "link", "script", "tape", "sim", "node", "wire", "time",
            "rng", "order",
        ],
    ),
];

#[test]
fn nobody_imports_what_is_above() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let Some((_, allowed)) = WALLS.iter().find(|(l, _)| *l == layer(&path)) else {
            continue;
        };
        for (i, line) in text.lines().enumerate() {
            for rest in line.split("crate::").skip(1) {
                let module = rest
                    .split(|c: char| !c.is_alphanumeric() && c != '_')
                    .next()
                    .unwrap_or_default();
                let known = WALLS.iter().any(|(l, _)| *l == module);
                if known && !allowed.contains(&module) {
                    wrong.push(format!("src/{path}:{}: imports {module}; {} may import only {allowed:?}. Move the code to the layer that may.", i + 1, layer(&path)));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_engine_has_no_clock_no_luck_and_no_browser() {
    const BANNED: &[(&str, &str)] = &[
        (
            "SystemTime",
            "take the time from Input: crate::time::Instant",
        ),
        (
            "std::time",
            "take the time from Input: crate::time::Instant",
        ),
        ("std::thread", "let the world schedule it"),
        (
            "RandomState",
            "use a map with a fixed hasher or a BTreeMap: order must not depend on luck",
        ),
        (
            "collections::HashMap",
            "use a map with a fixed hasher or a BTreeMap: order must not depend on luck",
        ),
        (
            "collections::HashSet",
            "use a set with a fixed hasher or a BTreeSet: order must not depend on luck",
        ),
        ("web_sys", "only api and ui may see the browser"),
        ("js_sys", "only api and ui may see the browser"),
        ("yew", "only ui may see Yew"),
        (".unwrap()", "say why it holds with expect, or handle it"),
    ];
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        if matches!(layer(&path), "api" | "ui" | "main" | "native" | "bin") {
            continue;
        }
        for (i, line) in text.lines().enumerate() {
            for (word, instead) in BANNED {
                if line.contains(word) {
                    wrong.push(format!("src/{path}:{}: {word}. Instead: {instead}.", i + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_is_in_it() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    files(&root, &mut found);
    let silent: Vec<_> = found
        .iter()
        .filter(|p| {
            !std::fs::read_to_string(p)
                .expect("a source file")
                .starts_with("//!")
        })
        .collect();
    assert!(
        silent.is_empty(),
        "these files do not begin with //! and a sentence: {silent:?}"
    );
}

#[test]
fn the_top_level_holds_what_it_should() {
    const ALLOWED: &[&str] = &[
        "Cargo.toml",
        "Cargo.lock",
        "build.rs",
        "src",
        "www",
        "index.html",
        "Trunk.toml",
        "tests",
        "README.md",
        "Makefile",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "webdriver.json",
        "benches",
        "target",
        "dist",
    ];
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let extra: Vec<String> = std::fs::read_dir(root)
        .expect("the package root")
        .map(|e| {
            e.expect("a folder entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| !name.starts_with('.') && !ALLOWED.contains(&name.as_str()))
        .collect();
    assert!(
        extra.is_empty(),
        "move these into src, www or tests: {extra:?}"
    );
}
