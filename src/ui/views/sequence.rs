//! What passed between the nodes as a space-time diagram: a line of life per node, time downward, slanted by latency.

use super::words as w;
use crate::sim::snapshot::Packet;
use crate::time::Instant;
use crate::ui::View;
use crate::ui::dom::{El, create, el, int, leaf, num};
use crate::ui::icons::{Icon, icon};
use crate::ui::sentence::{seconds, skipped};
use crate::ui::stage::select::Sel;
use crate::ui::wire::{packet_line, summary, toggle};

/// Packets that are drawn.
const SHOWN: usize = 48;
/// Pixels between two moments; and where the first is.
const STEP: f32 = 23.0;
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
    let mut head = el("div lives aria-hidden=true");
    for n in &v.s.nodes {
        head = head.put(
            el("span")
                .put(crate::ui::icons::glyph(n))
                .put(leaf("b", n.name.clone())),
        );
    }
    let region = el("div scroll tabindex=0 role=region data-testid=sequence")
        .a("aria-label", v.w(&w::SEQUENCE_LABEL))
        .at(&v.views.scroll.list);
    out.put(tools)
        .put(region.put(head).put(drawing(v, &packets)))
}

/// Every moment at which something leaves or arrives, with its place.
fn moments(packets: &[&Packet], now: Instant) -> Vec<(Instant, f32)> {
    let mut times: Vec<Instant> = Vec::new();
    for p in packets {
        for at in [p.sent, p.arrives.min(now.max(p.sent))] {
            if let Err(place) = times.binary_search(&at) {
                times.insert(place, at);
            }
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

fn drawing(v: &View<'_>, packets: &[&Packet]) -> El {
    let at = moments(packets, v.s.now);
    let y = |t: Instant| {
        let i = at.partition_point(|m| m.0 <= t);
        at.get(i.saturating_sub(1)).map_or(TOP, |m| m.1)
    };
    let height = at.last().map_or(TOP, |m| m.1) + STEP;
    let count = v.s.nodes.len().max(1) as f32;
    // The heads stand in equal columns right of the times; lines are in their middles.
    let x = |name: &str| {
        let i = v.s.nodes.iter().position(|n| n.name == name).unwrap_or(0) as f32;
        10.0 + 90.0 * (i + 0.5) / count
    };
    let percent = |p: f32| [&num(p), "%"].concat();
    let line = |class: &'static str, a: (f32, f32), b: (f32, f32)| {
        create("line", class.into())
            .a("x1", percent(a.0))
            .n("y1", a.1)
            .a("x2", percent(b.0))
            .n("y2", b.1)
    };
    let mut lives = el("g");
    for n in &v.s.nodes {
        lives = lives.put(line("life", (x(&n.name), 0.0), (x(&n.name), height)));
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
    let mut arrows = Vec::new();
    for p in packets {
        let on = match &v.selected {
            Some(Sel::Packet(id)) => *id == p.id,
            _ => v.carries(p),
        };
        let (from, to) = (
            (x(&p.from), y(p.sent)),
            (x(&p.to), y(p.arrives.min(v.s.now.max(p.sent)))),
        );
        let (kind, info) = summary(v.lang, p);
        let stream = p.frames.iter().any(|f| f.offsets.is_some());
        let lost = p.delivered == Some(false);
        let end = if lost || p.delivered.is_none() {
            // It never came, or is not there yet.
            (
                from.0 + (to.0 - from.0) * 0.6,
                from.1 + (to.1 - from.1) * 0.6,
            )
        } else {
            to
        };
        let class = [
            "arrow",
            if lost { " lost" } else { "" },
            if p.delivered.is_none() { " flying" } else { "" },
            if stream { " stream" } else { "" },
            if p.heartbeat() { " beat" } else { "" },
            if on { " on" } else { "" },
        ]
        .concat();
        let mut words = kind;
        if !info.is_empty() {
            let info = short_ids(&info);
            let short: String = info
                .chars()
                .take(if v.views.big { 40 } else { 14 })
                .collect();
            let more = short.len() < info.len();
            words = [words.as_str(), " ", &short, if more { "…" } else { "" }].concat();
        }
        // Beside the lifeline of its right end: arrows of one moment to or from several nodes part there.
        let at = from.0.max(to.0) - 45.0 / count;
        let middle = (
            at,
            from.1 + (to.1 - from.1) * ((at - from.0) / (to.0 - from.0)) - 4.0,
        );
        let label = leaf("text text-anchor=middle", words)
            .a("x", percent(middle.0))
            .n("y", middle.1);
        let marker = if lost { "url(#sq-x)" } else { "url(#sq-to)" };
        arrows.push(
            create("g", class.into())
                .key(&int(p.id))
                .does(if on && matches!(v.selected, Some(Sel::Packet(_))) {
                    toggle(true, "")
                } else {
                    packet_line(p.id)
                })
                .put(line("reach", from, end))
                .put(line("way", from, end).a("marker-end", marker))
                .put(label),
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
        .put(lives)
        .put(times)
        .put(el("g").list(arrows))
}
