//! What passed between the nodes as a space-time diagram: a line of life per node, and one for a child while it lives;
//! time downward, slanted by latency; on the lines bars for dump, transfer, store, load and `WAIT`, and where a replica
//! had no link.

use super::labels::{Arrow, LETTER, places};
use super::words as w;
use crate::sim::snapshot::{Mark, MarkKind, NodeView, Packet};
use crate::time::Instant;
use crate::ui::View;
use crate::ui::dom::{El, create, el, int, leaf, num, within};
use crate::ui::icons::{Icon, icon};
use crate::ui::sentence::{seconds, skipped};
use crate::ui::stage::select::Sel;
use crate::ui::stage::{P, short, width};
use crate::ui::timeline::{Part, parts};
use crate::ui::wire::{packet_line, summary, toggle};

/// Packets that are drawn.
const SHOWN: usize = 48;
/// Pixels between two moments; and where the first is.
const STEP: f32 = 26.0;
const TOP: f32 = 16.0;
/// Quiet time from this on is a gap with a label.
const GAP_US: u64 = 1_500_000;

#[inline(never)]
pub fn sequence(v: &View<'_>) -> El {
    let packets = v.s.newest_packets(SHOWN, v.beats);
    let tools = el("div tools")
        .put(
            el("button toggle data-do=heartbeats")
                .pressed(v.beats)
                .put(icon(Icon::Pulse))
                .text(v.w(&w::HEARTBEATS)),
        )
        .put(
            leaf(
                "button toggle data-do=copy-mermaid data-testid=mermaid",
                v.w(&w::MERMAID),
            )
            .a("title", v.w(&w::MERMAID_TITLE)),
        );
    let out = el("div sequence");
    if packets.is_empty() {
        return out.put(tools).put(leaf("p nothing", v.t.wire_empty));
    }
    let lives = lives(v, packets[0].sent);
    let mut head = el("div lives aria-hidden=true");
    for life in &lives {
        head = head.put(match life.child {
            true => leaf("span muted", v.w(&w::CHILD)),
            false => el("span")
                .put(crate::ui::icons::glyph(life.node))
                .put(leaf("b", life.node.name.clone())),
        });
    }
    let region = el("div scroll tabindex=0 role=region data-testid=sequence")
        .a("aria-label", v.w(&w::SEQUENCE_LABEL))
        .at(&v.views.scroll.list);
    out.put(tools)
        .put(region.put(head).put(drawing(v, &packets, &lives)))
}

/// A line of life, with what is drawn on it: of a node, or of the child that it forked.
struct Life<'a> {
    node: &'a NodeView,
    child: bool,
    parts: Vec<Part>,
}

/// All of them from left to right; a child stands beside its node when it lived since the first packet that is shown.
fn lives<'a>(v: &View<'a>, since: Instant) -> Vec<Life<'a>> {
    let mut out = Vec::new();
    for node in &v.s.nodes {
        let mut own = parts(&of(v, node), v.s.now);
        own.retain(|part| part.to > since);
        let (dumps, parts): (Vec<Part>, Vec<Part>) =
            own.into_iter().partition(|p| p.begun == MarkKind::Fork);
        for (child, parts) in [(false, parts), (true, dumps)] {
            if !child || !parts.is_empty() {
                out.push(Life { node, child, parts });
            }
        }
    }
    out
}

/// The marks of a node.
fn of<'a>(v: &View<'a>, node: &NodeView) -> Vec<&'a Mark> {
    let marks = v.s.marks.iter();
    marks.filter(|m| *m.node == *node.name).collect()
}

/// Packets that go the same way in the same moment are one arrow.
fn together<'a>(packets: &[&'a Packet]) -> Vec<Vec<&'a Packet>> {
    let mut out: Vec<Vec<&Packet>> = Vec::new();
    for &p in packets {
        let same = |q: &Packet| {
            let ends = q.from == p.from && q.to == p.to && q.delivered == p.delivered;
            ends && q.sent == p.sent && q.arrives == p.arrives
        };
        match out.iter_mut().rev().find(|all| same(all[0])) {
            Some(all) => all.push(p),
            None => out.push(vec![p]),
        }
    }
    out
}

/// Every moment at which something leaves or arrives, or a child or a `WAIT` begins or ends, with its place.
fn moments(packets: &[&Packet], lives: &[Life<'_>], now: Instant) -> Vec<(Instant, f32)> {
    let mut times: Vec<Instant> = Vec::new();
    let ways = packets.iter().map(|p| [p.sent, end_of(p, now)]);
    let own = |p: &&Part| matches!(p.begun, MarkKind::Fork | MarkKind::Wait);
    let bars = lives.iter().flat_map(|l| &l.parts).filter(own);
    for at in ways.chain(bars.map(|p| [p.from, p.to])).flatten() {
        if let Err(place) = times.binary_search(&at)
            && at >= packets[0].sent
        {
            times.insert(place, at);
        }
    }
    let mut y = TOP;
    let mut last: Option<Instant> = None;
    let mut out = Vec::new();
    for at in times {
        if let Some(last) = last {
            y += if at.since(last) >= GAP_US {
                2.0 * STEP
            } else {
                STEP
            };
        }
        out.push((at, y));
        last = Some(at);
    }
    out
}

/// When a packet arrived, or how far it is now.
fn end_of(p: &Packet, now: Instant) -> Instant {
    p.arrives.min(now.max(p.sent))
}

/// Replication ids by their first digits: there is no room for forty.
fn short_ids(text: &str) -> String {
    let mut out = String::new();
    for word in text.split(' ') {
        if !out.is_empty() {
            out.push(' ');
        }
        match word.get(..8) {
            Some(first) if word.len() == 40 => out.extend([first, "…"]),
            _ => out.push_str(word),
        }
    }
    out
}

/// What stands at an arrow. A blue one is of the stream.
fn words_of(v: &View<'_>, all: &[&Packet]) -> String {
    let (kind, info) = summary(v.lang, all[0]);
    let mut words = match (kind.as_str(), info.is_empty()) {
        ("STREAM", _) => short_ids(&info),
        (_, true) => kind,
        _ => [&kind, " ", &short_ids(&info)].concat(),
    };
    if all[0].delivered == Some(false) {
        words.push_str(&[" · ", v.t.lost].concat());
    }
    if all.len() > 1 {
        words.push_str(&[" ×", &int(all.len() as u64)].concat());
    }
    words
}

fn drawing(v: &View<'_>, packets: &[&Packet], lives: &[Life<'_>]) -> El {
    let at = moments(packets, lives, v.s.now);
    // Between two moments, what happened there is between them.
    let y = |t: Instant| {
        let i = at.partition_point(|m| m.0 <= t);
        let before = at.get(i.saturating_sub(1)).copied();
        match (before, at.get(i)) {
            (Some((t0, y0)), Some(&(t1, y1))) if t > t0 => {
                y0 + (y1 - y0) * t.since(t0) as f32 / t1.since(t0) as f32
            }
            (before, _) => before.map_or(TOP, |m| m.1),
        }
    };
    let height = at.last().map_or(TOP, |m| m.1) + STEP;
    let count = lives.len().max(1) as f32;
    // The heads stand in equal columns right of the times; lines are in their middles.
    let x_of = |i: usize| 10.0 + 90.0 * (i as f32 + 0.5) / count;
    let x = |name: &str| {
        let at = lives.iter().position(|l| l.node.name == name);
        x_of(at.unwrap_or(0))
    };
    let mut ways = Vec::new();
    let mut drawn = el("g");
    for (i, life) in lives.iter().enumerate() {
        let x = x_of(i);
        if !life.child {
            drawn = drawn.put(line("life", (x, 0.0), (x, height)));
            for (from, to) in down(&of(v, life.node), v.s.now) {
                drawn = drawn.put(line("away", (x, y(from)), (x, y(to))));
            }
        }
        for part in &life.parts {
            let (top, foot) = (y(part.from), y(part.to));
            let bar = el("rect width=8 rx=2")
                .a("x", percent(x))
                .a("transform", "translate(-4)")
                .n("y", top)
                .n("height", (foot - top).max(2.0));
            let span = seconds(part.to.since(part.from));
            let said = [v.w(part.said), " ", &span, " s"].concat();
            drawn = drawn.put(create("g", part.class.into()).put(bar).title(said.clone()));
            if life.child {
                let parent = x_of(i - 1);
                if part.from >= at[0].0 {
                    ways.push(Way::own("fork", (parent, top), (x, top), said.clone()));
                }
                if part.to < v.s.now {
                    ways.push(Way::own("exit", (x, foot), (parent, foot), said));
                }
            }
        }
    }
    let mut times = el("g");
    let mut last: Option<(Instant, f32)> = None;
    let mut free = -99.0;
    for &(t, place) in &at {
        if let Some((before, above)) = last.filter(|l| t.since(l.0) >= GAP_US) {
            let words = skipped(v.lang, t.since(before));
            times = times.put(
                leaf("text gap", words)
                    .a("x", "0.8%")
                    .n("y", (above + place) / 2.0 + 4.0),
            );
            free = (above + place) / 2.0 + 4.0;
        }
        if place - free >= 15.0 {
            times = times.put(
                leaf("text", seconds(t.since(v.zero)))
                    .a("x", "0.8%")
                    .n("y", place + 4.0),
            );
            free = place;
        }
        last = Some((t, place));
    }
    let px = |p: f32| p * v.side / 100.0;
    let nodes: Vec<f32> = (0..lives.len()).map(|i| px(x_of(i))).collect();
    let room = (px(90.0 / count) * if v.views.big { 1.8 } else { 1.25 } / LETTER) as usize;
    for all in together(packets) {
        let p = all[0];
        let from = (x(&p.from), y(p.sent));
        let mut to = (x(&p.to), y(end_of(p, v.s.now)));
        if p.delivered != Some(true) {
            // It never came, or is not there yet.
            to = (
                from.0 + (to.0 - from.0) * 0.6,
                from.1 + (to.1 - from.1) * 0.6,
            );
        }
        let any = matches!(v.selected, Some(Sel::Packet(_)));
        let chosen =
            matches!(&v.selected, Some(Sel::Packet(id)) if all.iter().any(|p| p.id == *id));
        let on = chosen || !any && all.iter().any(|p| v.carries(p));
        let lost = p.delivered == Some(false);
        let class = [
            if lost { " lost" } else { "" },
            if p.delivered.is_none() { " flying" } else { "" },
            if p.frames.iter().any(|f| f.offsets.is_some()) {
                " stream"
            } else {
                ""
            },
            if p.heartbeat() { " beat" } else { "" },
            if on { " on" } else { "" },
        ];
        let does = match chosen {
            true => toggle(true, ""),
            false => packet_line(p.id),
        };
        let whole = words_of(v, &all);
        ways.push(Way {
            from,
            to,
            shown: short(&whole, room.max(10)),
            whole,
            class: class.concat(),
            key: int(p.id),
            does,
        });
    }
    let arrow = |way: &Way| Arrow {
        from: (px(way.from.0), way.from.1),
        to: (px(way.to.0), way.to.1),
        wide: width(&way.shown, 0.604) * 12.0,
    };
    let arrows: Vec<Arrow> = ways.iter().map(arrow).collect();
    let spots = places(&arrows, &nodes, v.side, Vec::new());
    // Words lie over all arrows: a line through them would strike them out.
    let (mut lines, mut said) = (Vec::new(), Vec::new());
    for (way, spot) in ways.into_iter().zip(spots) {
        let part = |class: &str| {
            let out = create("g", [class, &way.class].concat().into()).key(&way.key);
            if way.does.is_empty() {
                out
            } else {
                out.does(way.does.clone())
            }
        };
        let lost = way.class.contains("lost");
        let marker = if lost { "url(#sq-x)" } else { "url(#sq-to)" };
        lines.push(
            part("arrow")
                .put(line("reach", way.from, way.to))
                .put(line("way", way.from, way.to).a("marker-end", marker))
                .title(way.whole.clone()),
        );
        let Some(((x, y), lead)) = spot else { continue };
        let back = x * 100.0 / v.side.max(1.0);
        let lead = lead.map(|(_, foot)| {
            let near = if foot > y { y + 3.0 } else { y - 9.0 };
            line("lead", (back, near), (back, foot))
        });
        said.push(
            part("words")
                .slot(lead)
                .put(
                    leaf("text text-anchor=middle", way.shown)
                        .a("x", percent(back))
                        .n("y", y),
                )
                .title(way.whole),
        );
    }
    let marker = |id: &'static str, path: &'static str| {
        el("marker viewBox=-8,-5,10,10 markerWidth=10 markerHeight=10 markerUnits=userSpaceOnUse orient=auto")
            .a("id", id)
            .put(el("path").a("d", path))
    };
    el("svg aria-hidden=true width=100%")
        .n("height", height)
        .put(
            el("defs")
                .put(marker("sq-to", "M-7-4L0 0-7 4z"))
                .put(marker("sq-x", "M-4-4L4 4M-4 4L4-4")),
        )
        .put(drawn)
        .put(times)
        .put(el("g").list(lines))
        .put(el("g").list(said))
}

/// An arrow with its words.
struct Way {
    from: P,
    to: P,
    shown: String,
    whole: String,
    class: String,
    key: String,
    /// What a click on it does.
    does: String,
}

impl Way {
    /// Between a node and its child, named as the system's own call.
    fn own(call: &str, from: P, to: P, whole: String) -> Self {
        Self {
            from,
            to,
            shown: call.into(),
            whole,
            class: [" ", call].concat(),
            key: [call, &num(from.1)].concat(),
            does: String::new(),
        }
    }
}

fn percent(p: f32) -> String {
    [&num(within(p, -10.0, 110.0)), "%"].concat()
}

/// Left and right in percent, up and down in pixels.
fn line(class: &'static str, a: P, b: P) -> El {
    create("line", class.into())
        .a("x1", percent(a.0))
        .n("y1", a.1)
        .a("x2", percent(b.0))
        .n("y2", b.1)
}

/// When a node was without the link to its master, or did not run.
fn down(marks: &[&Mark], now: Instant) -> Vec<(Instant, Instant)> {
    let mut out: Vec<(Instant, Instant)> = Vec::new();
    let mut since = None;
    for m in marks {
        match m.kind {
            MarkKind::LinkDown | MarkKind::Killed => since = since.or(Some(m.at)),
            MarkKind::LinkUp
            | MarkKind::Partial
            | MarkKind::FullSync
            | MarkKind::Started
            | MarkKind::Promotion => out.extend(since.take().map(|from| (from, m.at))),
            _ => {}
        }
    }
    out.extend(since.map(|from| (from, now)));
    out
}
