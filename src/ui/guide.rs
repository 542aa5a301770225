//! The left column: what one sees, what to try first, and what can be done to the node or wire that is selected.

use super::View;
use super::dom::{El, el, int, leaf};
use super::icons::{Icon, glyph, icon};
use super::text::{Text, fill};
use super::views::words as w;
use crate::player::Line;
use crate::sim::snapshot::{LinkView, NodeView, Outcome, Snapshot};
use yew::AttrValue;

/// The lines of the first half minute; the last step is the world's own.
const FIRST_LINES: [&str; 5] = [
    "SET hello world",
    ":cut m r1",
    "SET city Oslo",
    ":restore m r1",
    "",
];

/// Which steps of the guide have been seen to happen. A step once done stays done.
#[derive(Clone, Copy, Default, PartialEq)]
pub struct Progress {
    pub done: [bool; 5],
}

impl Progress {
    pub fn count(&self) -> usize {
        self.done.iter().filter(|d| **d).count()
    }

    /// Reads the world; the visitor may have used buttons, keys or the console, in any order that makes sense.
    pub fn observe(&mut self, s: &Snapshot, lines: &[Line]) {
        let offset = |name: &str| {
            s.nodes
                .iter()
                .find(|n| n.name == name)
                .map_or(0, |n| n.offset)
        };
        let cut = s.links.iter().any(|l| l.cut);
        let gap = s
            .links
            .iter()
            .any(|l| l.cut && offset(&l.master) > offset(&l.replica));
        let wrote = self.done[0]
            || lines.iter().any(|l| {
                matches!(
                    l,
                    Line::Input {
                        offsets: Some(_),
                        ..
                    }
                )
            });
        let mended = self.done[1] && !cut;
        let partial = s
            .verdict
            .as_ref()
            .is_some_and(|v| matches!(v.outcome, Outcome::Continue { bytes } if bytes > 0));
        let seen = [
            wrote || gap,
            cut,
            gap,
            self.done[1] && self.done[2] && mended,
            self.done[3] && partial,
        ];
        for (done, seen) in self.done.iter_mut().zip(seen) {
            *done |= seen;
        }
    }
}

/// A console line that a click runs on the master.
fn try_line(line: &'static str, run_it: &'static str) -> El {
    leaf("button line translate=no", line)
        .a("title", run_it)
        .does(["try ", line].concat())
}

pub fn guide(v: &View<'_>) -> El {
    let t = v.t;
    if v.s.nodes.iter().any(|n| n.outside()) {
        // `bridge.js` writes into it what is real.
        return el("section intro id=bridge-card");
    }
    let next = v.progress.done.iter().position(|d| !d);
    let mut text = el("p prose");
    for line in t.guide_text {
        text = text.put(leaf("span", line).text(t.gap));
    }
    let mut steps = Vec::new();
    if next.is_some() {
        for i in 0..FIRST_LINES.len() {
            steps.push(step(v, i, next));
        }
    } else {
        for (line, why) in t.done_more {
            let more = el("div more").put(try_line(line, t.run_it));
            steps.push(
                el("li further")
                    .key(line)
                    .put(el("div").put(leaf("p", why)).put(more)),
            );
        }
    }
    el("section intro")
        .put(leaf("h2", t.guide_title))
        .put(text)
        .put(leaf(
            "h3",
            if next.is_some() {
                t.try_title
            } else {
                t.all_done
            },
        ))
        .put(el("ol steps").list(steps))
}

/// The next step alone, below the nodes of a phone.
pub fn next(v: &View<'_>) -> Option<El> {
    let i = v.progress.done.iter().position(|d| !d)?;
    let line = FIRST_LINES[i];
    let go = (!line.is_empty()).then(|| try_line(line, v.t.run_it).class(&[("line strong", true)]));
    let seen = i.checked_sub(1).map(|i| leaf("p muted", v.t.steps[i].seen));
    Some(
        el("div next-step")
            .slot(seen)
            .put(el("div").put(leaf("p", v.t.steps[i].todo)).slot(go)),
    )
}

fn step(v: &View<'_>, i: usize, next: Option<usize>) -> El {
    let (line, step) = (FIRST_LINES[i], &v.t.steps[i]);
    let (done, now) = (v.progress.done[i], next == Some(i));
    let tick = el("span tick");
    let tick = if done {
        tick.put(icon(Icon::Check))
            .put(leaf("span hidden", v.t.step_done))
    } else {
        tick.put(el("span box"))
    };
    let mut more = el("div more");
    // What was seen is told for the step before only: the column stays short.
    if done && next == Some(i + 1) {
        more = more.put(leaf("p muted", step.seen));
    } else if now && !line.is_empty() {
        more = more.put(try_line(line, v.t.run_it).class(&[("line strong", true)]));
    }
    el("li")
        .nth(i)
        .class(&[("done", done), ("now", now)])
        .a("data-testid", ["step-", &int(i as u64 + 1)].concat())
        .put(tick)
        .put(el("div").put(leaf("p", step.todo)).put(more))
}

/// Label, microseconds.
const DELAYS: [(&str, u64); 4] = [
    ("10 ms", 10_000),
    ("100 ms", 100_000),
    ("400 ms", 400_000),
    ("2 s", 2_000_000),
];
const SPEEDS: [(&str, u64); 3] = [("1 kB/s", 1_000), ("64 B/s", 64), ("", 0)];
/// The first one ends the load.
const RATES: [(&str, u64); 4] = [("", 0), ("5/s", 5), ("50/s", 50), ("500/s", 500)];
const FACTORS: [(&str, u64); 3] = [("1×", 1), ("10×", 10), ("100×", 100)];

/// Controls for the node or wire that is selected; without a selection for the node in focus.
pub fn act(v: &View<'_>) -> El {
    let Some(node) = v.node() else {
        return el("section act");
    };
    let t = v.t;
    let title = el("h3")
        .put(leaf("span", t.act))
        .put(glyph(node))
        .put(leaf("b", node.name.clone()))
        .put(leaf("span muted", role(t, node)))
        .put(
            leaf("button faults-open data-do=faults", v.w(&w::FAULTS_MORE))
                .a("title", v.w(&w::FAULTS_TITLE)),
        );
    let link = v.s.links.iter().find(|l| l.replica == node.name);
    let mut rows = Vec::new();
    follow(v, node, &mut rows);
    if let Some(link) = link {
        wire(t, link, &mut rows);
    }
    if !node.outside() {
        machine(v, node, &mut rows);
    }
    el("section act")
        .a("aria-label", [t.act, " ", &node.name].concat())
        .put(title)
        .put(el("div buttons").list(buttons(t, node, link)))
        .put(el("div rows").list(rows))
}

/// The role in a word.
pub fn role(t: &Text, node: &NodeView) -> &'static str {
    match (node.replica, node.depth) {
        (false, _) => t.master,
        (true, 0 | 1) => t.replica,
        (true, _) => t.sub_replica,
    }
}

fn buttons(t: &Text, node: &NodeView, link: Option<&LinkView>) -> Vec<El> {
    let mut out = Vec::new();
    for (line, label, title) in deeds(t, node, link) {
        let plus = line.starts_with("act add").then(|| icon(Icon::Plus));
        out.push(
            el("button act-on")
                .key(title)
                .a("title", title)
                .does(line)
                .slot(plus)
                .text(label),
        );
    }
    out
}

/// What can be done to a node now: line, label, title.
pub fn deeds(
    t: &Text,
    node: &NodeView,
    link: Option<&LinkView>,
) -> Vec<(String, &'static str, &'static str)> {
    let mut out = Vec::new();
    let mut button =
        |line: &'static str, label: &'static str, title: &'static str, values: &[&str]| {
            out.push((fill(line, values), label, title));
        };
    let name: &[&str] = &[&node.name];
    if node.outside() {
        // Nothing can be done to it from here.
    } else if !node.alive {
        button("act start {}", t.start, t.start_title, name);
        button(
            "act start {} empty",
            t.start_empty,
            t.start_empty_title,
            name,
        );
    } else {
        button("write {}", t.write, t.write_title, name);
        if node.replica {
            button("promote {}", t.promote, t.promote_title, name);
            button("full-sync {}", t.full_sync, t.full_sync_title, name);
        }
        button("act kill {}", t.kill, t.kill_title, name);
    }
    if let Some(l) = link {
        let path: &[&str] = &[&l.master, &l.replica];
        if l.cut {
            button("act restore {} {}", t.restore, t.restore_title, path);
        } else {
            button("act cut {} {}", t.cut, t.cut_title, path);
        }
    }
    let (add, title) = if node.replica {
        (t.add_sub, t.add_sub_title)
    } else {
        (t.add, t.add_title)
    };
    button("act add of {}", add, title, name);
    out
}

/// Whom a node follows. As an operator does it: `REPLICAOF` with the address.
#[inline(never)]
fn follow(v: &View<'_>, node: &NodeView, rows: &mut Vec<El>) {
    // A master that others follow has no business here; with more nodes the row would not fit.
    let followed = v.s.links.iter().any(|l| l.master == node.name);
    if !node.alive || !(2..=6).contains(&v.s.nodes.len()) || (!node.replica && followed) {
        return;
    }
    let mut others = Vec::new();
    for other in v.s.nodes.iter().filter(|n| n.name != node.name) {
        let line = fill(
            "run @{} REPLICAOF 127.0.0.1 {}",
            &[&node.name, &int(u64::from(other.port))],
        );
        others.push((
            other.name.clone().into(),
            node.master.as_ref() == Some(&other.name),
            line,
        ));
    }
    rows.push(choice(v.t.follow, v.t.follow_title, others));
}

fn wire(t: &Text, link: &LinkView, rows: &mut Vec<El>) {
    let delay = ["act latency ", &link.master, " ", &link.replica, " {}us"].concat();
    rows.push(choice(
        t.latency,
        t.latency_title,
        values(&DELAYS, "", link.latency_us, &delay),
    ));
    let speed = ["act bandwidth ", &link.master, " ", &link.replica, " {}"].concat();
    rows.push(choice(
        t.bandwidth,
        t.bandwidth_title,
        values(&SPEEDS, t.unlimited, link.bytes_per_s, &speed),
    ));
}

#[inline(never)]
fn machine(v: &View<'_>, node: &NodeView, rows: &mut Vec<El>) {
    let (t, name) = (v.t, node.name.as_str());
    let slow = ["act slow ", name, " {}"].concat();
    rows.push(choice(
        t.slow,
        t.slow_title,
        values(&FACTORS, "", slowness(v.lines, name), &slow),
    ));
    if node.replica {
        return;
    }
    let load = v.s.load.as_ref().filter(|l| l.node == name);
    let mut line = ["act load ", name, " {}/s"].concat();
    for (i, l) in v.s.links.iter().filter(|l| l.master == name).enumerate() {
        line.push_str(if i == 0 { " reads " } else { " " });
        line.push_str(&l.replica);
    }
    let mut rates = values(
        &RATES,
        t.load_off,
        load.map_or(0, |l| u64::from(l.per_s)),
        &line,
    );
    rates[0].2 = ["act load ", name, " 0/s"].concat();
    rows.push(choice(t.load, t.load_title, rates));
}

/// The factor set last: each change of it is a line of the console.
fn slowness(lines: &[Line], node: &str) -> u64 {
    let of_line = |line: &Line| {
        let Line::Input { text, .. } = line else {
            return None;
        };
        text.strip_prefix(":slow ")?
            .strip_prefix(node)?
            .strip_prefix(' ')?
            .trim()
            .parse()
            .ok()
    };
    lines.iter().rev().find_map(of_line).unwrap_or(1)
}

/// A label, whether it holds now, and the line that makes it so.
type Value = (AttrValue, bool, String);

/// The values of a table; `none` is the label of the one without.
fn values(table: &[(&'static str, u64)], none: &'static str, now: u64, line: &str) -> Vec<Value> {
    let mut out = Vec::new();
    for &(label, value) in table {
        out.push((
            if label.is_empty() { none } else { label }.into(),
            value == now,
            fill(line, &[&int(value)]),
        ));
    }
    out
}

/// A row with a few values, of which one holds now.
pub fn choice(label: &'static str, title: impl Into<AttrValue>, values: Vec<Value>) -> El {
    let mut segments = Vec::new();
    for (i, (value, on, line)) in values.into_iter().enumerate() {
        segments.push(leaf("button", value).nth(i).pressed(on).does(line));
    }
    el("div choice role=group")
        .key(label)
        .a("aria-label", label)
        .a("title", title)
        .put(leaf("span", label))
        .put(el("div segments").list(segments))
}
