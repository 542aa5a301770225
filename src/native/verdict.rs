//! `ringside verdict MASTER.txt REPLICA.txt`: two texts of `INFO replication`, and what they say of the next reconnect.

use crate::sim::Remedy;
use crate::sim::snapshot::{FullCause, Outcome, Verdict};
use crate::sim::told;
use std::fmt::Write;
use std::path::Path;

/// The verdict in some lines.
///
/// # Errors
/// A file that cannot be read, or a text that says too little.
pub fn run(master: &Path, replica: &Path) -> Result<String, String> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|e| format!("ringside: {}: {e}", path.display()))
    };
    let said = told::verdict(&read(master)?, &read(replica)?);
    said.map(|v| text(&v))
        .map_err(|problem| format!("ringside: {problem}"))
}

fn text(v: &Verdict) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(out, "{name:<10} {value}");
    };
    let (answer, why) = answer(v);
    line("answer", answer);
    line("why", why);
    line(
        "asked",
        match v.asked {
            -1 => "PSYNC ? -1".into(),
            byte => format!("PSYNC {} {byte}", v.asked_id),
        },
    );
    line(
        "ids",
        format!("{} and {} up to {}", v.replid, v.replid2, v.second_offset),
    );
    line(
        "ring",
        match v.size {
            0 => "none".into(),
            size => format!(
                "bytes {} to {}, repl-backlog-size {size}",
                v.first, v.offset
            ),
        },
    );
    line("log", v.log.clone());
    line("remedy", remedy(v));
    out
}

fn answer(v: &Verdict) -> (String, String) {
    let full = |why: String| ("+FULLRESYNC, a snapshot of everything".to_string(), why);
    match &v.outcome {
        Outcome::Continue { bytes } => (
            format!("+CONTINUE, and {bytes} bytes"),
            "the master knows the id, and its ring holds the byte".into(),
        ),
        Outcome::Full { cause } => full(match cause {
            FullCause::New => "the replica has no history yet".into(),
            FullCause::OtherHistory => "the replica's id is neither of the master's".into(),
            FullCause::BeyondSecond { up_to } => {
                format!("the master vouches for its second id up to byte {up_to} only")
            }
            FullCause::TooOld { gone } => {
                format!("{gone} bytes that the replica needs are overwritten")
            }
            FullCause::TooFar => "the replica wants a byte that the master never wrote".into(),
            FullCause::NoBacklog => "the master keeps no backlog".into(),
        }),
    }
}

fn remedy(v: &Verdict) -> String {
    match v.remedy() {
        Remedy::Spare(left) => format!("none needed; it will be too late {} bytes later", left + 1),
        Remedy::Ring(size) => format!("repl-backlog-size {size} or more would have saved it"),
        Remedy::Ahead(more) => format!(
            "the replica is {more} bytes past what this history has; if the texts are not of one moment, take them again, \
             the replica's first"
        ),
        Remedy::SameHistory => "the two would have to share a history".into(),
        Remedy::AnyRing => {
            "a backlog: Redis keeps one from the first replica on, until repl-backlog-ttl".into()
        }
        Remedy::Nothing => "none: the first copy is always a full one".into(),
    }
}
