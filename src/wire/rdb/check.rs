//! What there is to say of a file that cannot be read, as redis-check-rdb says it: how far it was read, where it is
//! wrong and in which key, and what was whole before.

use super::inspect::{Kind, Trace};
use super::read::{Problem, State, Step};
use super::reader::{Reader, shown};
use std::fmt::Write as _;

/// Reads a file named `name` to its end or its first mistake, and tells of it in lines; true when there is none. `now_ms`
/// is Unix time in milliseconds, for which keys have expired.
pub fn check(bytes: &[u8], name: &str, now_ms: i64) -> (String, bool) {
    let mut text = format!("[offset 0] Checking RDB file {name}\n");
    let mut state = State::default();
    let (mut keys, mut expires, mut expired) = (0, 0, 0);
    let mut at = 0;
    // Writing into a String cannot fail.
    let wrong = loop {
        let mut reader = Reader::new(bytes);
        (reader.at, reader.packs) = (at, true);
        let (auxiliary, db, empty) = (
            state.facts.aux.len(),
            state.db,
            state.facts.empty_keys_skipped,
        );
        match state.step(&mut reader) {
            Err(wrong) => break Some(wrong),
            Ok(Step::End) => {
                let end = reader.at;
                let _ = writeln!(text, "[offset {end}] {}", checksum(&state));
                let _ = writeln!(text, "[offset {end}] \\o/ RDB looks OK! \\o/");
                break None;
            }
            Ok(Step::Entry(entry)) => {
                keys += 1;
                expires += u64::from(entry.expire_at_ms.is_some());
                expired += u64::from(entry.expire_at_ms.is_some_and(|at| at < now_ms));
            }
            Ok(Step::Other) if state.facts.aux.len() > auxiliary => {
                let (name, value) = &state.facts.aux[auxiliary];
                let (name, value) = (shown(name), shown(value));
                let _ = writeln!(text, "[offset {}] AUX FIELD {name} = '{value}'", reader.at);
            }
            Ok(Step::Other) if state.db != db || bytes.get(at) == Some(&super::tag::SELECTDB) => {
                let _ = writeln!(text, "[offset {}] Selecting DB ID {}", reader.at, state.db);
            }
            // A server passes over a key without a value, and the check takes it for the end of the file.
            Ok(Step::Other) if state.facts.empty_keys_skipped > empty => {
                break Some((reader.at, Problem::Truncated { needed: 1, left: 0 }));
            }
            Ok(Step::Other) => {}
        }
        at = reader.at;
    };
    let fine = wrong.is_none();
    if let Some((offset, problem)) = wrong {
        let _ = writeln!(
            text,
            "--- RDB ERROR DETECTED ---\n[offset {offset}] {}",
            why(problem)
        );
        let typed = !matches!(problem, Problem::Unsupported(_));
        keys += usize::from(damage(bytes, at, typed, &mut state, &mut text));
    }
    let _ = write!(
        text,
        "[info] {keys} keys read\n[info] {expires} expires\n[info] {expired} already expired\n"
    );
    (text, fine)
}

fn checksum(state: &State) -> &'static str {
    if state.facts.unchecked {
        "RDB file was saved with checksum disabled: no check performed."
    } else {
        "Checksum OK"
    }
}

fn why(problem: Problem) -> String {
    match problem {
        Problem::Checksum { .. } => "RDB CRC error".into(),
        Problem::Truncated { .. } => "Unexpected EOF reading RDB file".into(),
        other => other.to_string(),
    }
}

/// Reads what is wrong once more, piece by piece, for what was being read; true when the name of a key was, and its type
/// was one that is known.
fn damage(bytes: &[u8], at: usize, typed: bool, state: &mut State, text: &mut String) -> bool {
    let mut reader = Reader::new(bytes);
    reader.at = at;
    reader.trace = Some(Trace::default());
    let _ = state.step(&mut reader);
    let fields = reader.trace.take().unwrap_or_default().fields;
    let last = |label: &str| fields.iter().rfind(|field| field.label == label);
    let doing = match fields.first() {
        None if at == 0 => "start",
        None => "read-type",
        Some(field) if field.kind == Kind::Record => match field.label {
            "AUX" => "read-aux",
            "MODULE_AUX" => "read-module-aux",
            "FUNCTION2" => "read-functions",
            _ => "read-len",
        },
        Some(field) if field.kind == Kind::Opcode => "check-sum",
        Some(_) if !typed => "read-type",
        Some(_) if reader.key.is_some() => "read-object-value",
        Some(_) if last("type").is_some() => "read-key",
        // What comes after the time of an expiry is a type again.
        Some(_) => match fields.last() {
            Some(field) if field.label == "opcode" && field.value.contains("EXPIRETIME") => {
                "read-expire"
            }
            _ => "read-type",
        },
    };
    let _ = writeln!(text, "[additional info] While doing: {doing}");
    if !typed {
        return false;
    }
    if let Some(key) = &reader.key {
        let _ = writeln!(text, "[additional info] Reading key '{}'", shown(key));
    }
    if let Some(field) = last("type") {
        // Such as "18 list as quicklist".
        let (number, name) = field.value.split_once(' ').unwrap_or_default();
        let _ = writeln!(text, "[additional info] Reading type {number} ({name})");
    }
    reader.key.is_some()
}
