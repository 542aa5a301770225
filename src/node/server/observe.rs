//! Looking at a server at work: `SLOWLOG`, `LATENCY`, `MONITOR`.

use super::{Done, help, integer, ok, unknown_subcommand};
use crate::node::measure::{Calls, Peaks};
use crate::node::registry::{self, Command};
use crate::node::{Node, Session};
use crate::wire::resp::{self, Writer, parse_i64};

pub(super) fn slowlog(node: &mut Node, s: &mut Session<'_>) -> Done {
    match s.word(1).as_str() {
        "reset" => {
            node.measures.slow.clear();
            ok(s)
        }
        "len" => integer(s, node.measures.slow.len() as i64),
        "get" if s.args.len() <= 3 => {
            let wrong = "ERR count should be greater than or equal to -1";
            let count = match s.args.get(2) {
                Some(arg) => parse_i64(arg).filter(|n| *n >= -1).ok_or(wrong)?,
                None => 10,
            };
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            let entries = node.measures.slow.iter().take(count);
            resp::array_len(&mut s.reply, entries.len());
            for entry in entries {
                resp::array_len(&mut s.reply, 6);
                resp::integer(&mut s.reply, entry.id as i64);
                resp::integer(&mut s.reply, entry.unix_s);
                resp::integer(&mut s.reply, entry.us as i64);
                resp::command_into(&mut s.reply, &entry.args);
                resp::bulk(&mut s.reply, entry.addr.as_bytes());
                resp::bulk(&mut s.reply, &entry.name);
            }
            Ok(())
        }
        "get" => Err(
            "ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP."
                .into(),
        ),
        "help" => help(
            s,
            &[
                (
                    "GET [<count>]",
                    "The newest entries (10, or -1 for all): number, time, microseconds, arguments, client and its name.",
                ),
                ("LEN", "How many entries there are."),
                ("RESET", "Forgets them."),
            ],
        ),
        _ => unknown_subcommand(s),
    }
}

pub(super) fn monitor(node: &mut Node, s: &mut Session<'_>) -> Done {
    if s.nested {
        return Err("ERR MONITOR isn't allowed for DENY BLOCKING client".into());
    }
    if node.is_replica(s.conn) {
        return Ok(());
    }
    node.monitors.push(s.conn);
    ok(s)
}

pub(super) fn latency(node: &mut Node, s: &mut Session<'_>) -> Done {
    match s.word(1).as_str() {
        "history" => {
            let peaks = node.measures.peaks.get(s.word(2).as_str());
            let samples: Vec<_> = peaks
                .map(|p| p.samples.iter().collect())
                .unwrap_or_default();
            resp::array_len(&mut s.reply, samples.len());
            for (at, ms) in samples {
                resp::array_len(&mut s.reply, 2);
                resp::integer(&mut s.reply, *at);
                resp::integer(&mut s.reply, *ms as i64);
            }
            Ok(())
        }
        "latest" => {
            resp::array_len(&mut s.reply, node.measures.peaks.len());
            for (event, peaks) in &node.measures.peaks {
                let (at, ms) = peaks.samples.back().copied().unwrap_or_default();
                resp::array_len(&mut s.reply, 4);
                resp::bulk(&mut s.reply, event.as_bytes());
                resp::integer(&mut s.reply, at);
                resp::integer(&mut s.reply, ms as i64);
                resp::integer(&mut s.reply, peaks.max as i64);
            }
            Ok(())
        }
        "reset" => {
            let all = node.measures.peaks.len();
            if s.args.len() == 2 {
                node.measures.peaks.clear();
            } else {
                for i in 2..s.args.len() {
                    node.measures.peaks.remove(s.word(i).as_str());
                }
            }
            integer(s, (all - node.measures.peaks.len()) as i64)
        }
        "graph" => {
            let event = s.text(2);
            let peaks = node.measures.peaks.get(event.as_str());
            let peaks =
                peaks.ok_or_else(|| format!("ERR No samples available for event '{event}'"))?;
            let text = graph(&event, peaks, node.now.unix_s());
            s.reply.verbatim(*b"txt", text.as_bytes());
            Ok(())
        }
        "doctor" => {
            let text = doctor(node);
            s.reply.verbatim(*b"txt", text.as_bytes());
            Ok(())
        }
        "histogram" => histogram(node, s),
        "help" => help(
            s,
            &[
                (
                    "DOCTOR",
                    "What there is to say about events that took long.",
                ),
                ("GRAPH <event>", "Samples of one kind of event, drawn."),
                ("HISTORY <event>", "Samples of one kind of event."),
                (
                    "LATEST",
                    "The newest sample of every kind of event, and the largest.",
                ),
                (
                    "RESET [<event> ...]",
                    "Forgets samples, of all events or of some.",
                ),
                (
                    "HISTOGRAM [COMMAND ...]",
                    "How many calls took how many microseconds at most, for all commands or some.",
                ),
            ],
        ),
        _ => unknown_subcommand(s),
    }
}

fn histogram(node: &mut Node, s: &mut Session<'_>) -> Done {
    let measured = |(command, calls): (&'static Command, _)| (command, calls);
    let all: Vec<(&'static Command, Calls)> = node
        .measures
        .commands()
        .map(|(command, calls)| measured((command, calls.clone())))
        .filter(|(_, calls): &(_, Calls)| calls.spans.is_some())
        .collect();
    let mut wanted = Vec::new();
    if s.args.len() == 2 {
        wanted.extend(all.iter());
    }
    for name in &s.args[2..] {
        let Some(command) = registry::by_name(name) else {
            continue;
        };
        let own = |c: &Command| c.id == command.id || c.parent == Some(command.id);
        wanted.extend(all.iter().filter(|(c, _)| own(c)));
    }
    s.reply.map(wanted.len());
    for (command, calls) in wanted {
        let Some(spans) = &calls.spans else { continue };
        resp::bulk(&mut s.reply, command.name.as_bytes());
        s.reply.map(2);
        resp::bulk(&mut s.reply, b"calls");
        resp::integer(&mut s.reply, spans.total as i64);
        resp::bulk(&mut s.reply, b"histogram_usec");
        pairs(&mut s.reply, &spans.cumulative());
    }
    Ok(())
}

fn pairs(reply: &mut Writer, pairs: &[(u64, u64)]) {
    reply.map(pairs.len());
    for (us, calls) in pairs {
        resp::integer(reply, *us as i64);
        resp::integer(reply, *calls as i64);
    }
}

/// Bars of the samples, the newest at the right, with their age below.
fn graph(event: &str, peaks: &Peaks, now: i64) -> String {
    const ROWS: u64 = 4;
    let of = |f: fn(u64, u64) -> u64, from| peaks.samples.iter().fold(from, |a, (_, ms)| f(a, *ms));
    let (low, high) = (of(u64::min, u64::MAX), of(u64::max, 0));
    let mut text = format!(
        "{event} - high {high} ms, low {low} ms (all time high {} ms)\n{}\n",
        peaks.max,
        "-".repeat(80)
    );
    let level = |ms: u64| 1 + (ms - low) * (ROWS * 3 - 1) / (high - low).max(1);
    for row in (0..ROWS).rev() {
        let cell = |(_, ms): &(i64, u64)| match level(*ms).saturating_sub(row * 3) {
            0 => ' ',
            1 => '_',
            2 => 'o',
            _ => '#',
        };
        text.extend(peaks.samples.iter().map(cell));
        text.push('\n');
    }
    let ages: Vec<String> = peaks
        .samples
        .iter()
        .map(|(at, _)| match now - at {
            age @ ..60 => format!("{age}s"),
            age @ ..3600 => format!("{}m", age / 60),
            age @ ..86400 => format!("{}h", age / 3600),
            age => format!("{}d", age / 86400),
        })
        .collect();
    let rows = ages.iter().map(String::len).max().unwrap_or(0);
    for row in 0..rows {
        text.push('\n');
        text.extend(
            ages.iter()
                .map(|age| age.as_bytes().get(row).map_or(' ', |b| char::from(*b))),
        );
    }
    text.push('\n');
    text
}

fn doctor(node: &Node) -> String {
    if node.measures.peaks.is_empty() {
        return if node.config.latency_monitor_threshold_ms == 0 {
            "Nothing was measured: latency-monitor-threshold is 0. Set it to the milliseconds above which an event is to be \
             remembered.\n"
                .into()
        } else {
            "No event took longer than latency-monitor-threshold so far.\n".into()
        };
    }
    let mut text = "Events that took longer than latency-monitor-threshold:\n\n".to_string();
    for (i, (event, peaks)) in node.measures.peaks.iter().enumerate() {
        let count = peaks.samples.len().max(1) as u64;
        let sum: u64 = peaks.samples.iter().map(|(_, ms)| ms).sum();
        text.push_str(&format!(
            "{}. {event}: {count} samples, {} ms on average, {} ms at most.\n",
            i + 1,
            sum / count,
            peaks.max
        ));
    }
    text
}
