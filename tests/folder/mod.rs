//! The scenarios of `tests/scripts`, a folder a topic.

use std::path::{Path, PathBuf};

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scripts")
}

/// All scenarios, in order.
pub fn scripts() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for topic in std::fs::read_dir(root()).expect("the folder of scripts") {
        let topic = topic.expect("a folder entry").path();
        if topic.is_dir() {
            let entries = std::fs::read_dir(topic).expect("a folder of scripts");
            files.extend(entries.map(|f| f.expect("a folder entry").path()));
        }
    }
    files.retain(|f| f.extension().is_some_and(|e| e == "txt"));
    files.sort();
    files
}

/// `topic/name.txt`.
pub fn name(file: &Path) -> String {
    let below = file
        .strip_prefix(root())
        .expect("below the folder of scripts");
    below.to_string_lossy().into_owned()
}
