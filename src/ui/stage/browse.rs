//! The ring for keys and ears: one stop of the Tab key, whose arrows go from command to command; Enter shows the packet.

use super::Cx;
use super::layer::over;
use super::pen::{El, circle, g, group, int};
use super::place::Scene;
use super::select::bytes_hit;
use super::words::fill;
use crate::sim::snapshot::{Cell, NodeView};

/// Nobody goes through more commands than these with arrows; the table has them.
const MOST: usize = 2_000;

/// What there is to say of a command in the ring: its bytes, database and time, and who still needs them.
pub fn about(cx: &Cx<'_>, node: &NodeView, cell: &Cell) -> String {
    let zero = cx.snap.now.0.saturating_sub(cx.snap.elapsed_us);
    let ms = cell.at.0.saturating_sub(zero) / 1000;
    let seconds = [
        int(ms / 1000),
        ".".into(),
        int(ms % 1000 / 100),
        int(ms % 100 / 10),
    ]
    .concat();
    let mut out = cell.text();
    let bytes = cell.to + 1 - cell.from;
    let values = [
        group(cell.from),
        group(cell.to),
        group(bytes),
        int(cell.db as u64),
        seconds,
    ];
    let values = [0, 1, 2, 3, 4].map(|i| values[i].as_str());
    out.push_str(&fill(cx.w.about, &values));
    let mut needs = node.replicas.iter().filter(|r| r.ack < cell.to).peekable();
    if needs.peek().is_some() {
        let names: Vec<&str> = needs.map(|r| r.name.as_str()).collect();
        out.push_str(&fill(cx.w.needed, &[&names.join(" ")]));
    }
    out
}

/// Over the drum.
#[inline(never)]
pub fn browse(cx: &Cx<'_>, scene: &Scene, node: &NodeView) -> Option<El> {
    let all = &node.backlog.cells;
    if !node.backlog.active || all.len() > MOST {
        return None;
    }
    let cells: Vec<&Cell> = all.iter().collect();
    let last = cells.len().checked_sub(1)?;
    let chosen = cx
        .bytes_on(node)
        .and_then(|(from, _)| cells.iter().position(|c| c.from == from));
    let now = chosen.unwrap_or(last);
    // In the order of the needle's keys. The first arrow takes the newest one.
    let older = |n: usize| {
        if chosen.is_some() {
            now.saturating_sub(n)
        } else {
            now
        }
    };
    let newer = |n: usize| (now + n).min(last);
    let mut keys = String::new();
    for to in [
        older(1),
        older(1),
        newer(1),
        newer(1),
        older(10),
        newer(10),
        0,
        last,
    ] {
        if !keys.is_empty() {
            keys.push(' ');
        }
        let cell = cells.get(to)?;
        keys.push_str(&bytes_hit(&node.name, cell.from, cell.to));
    }
    let ring = g("browse")
        .a("role", "slider")
        .a("tabindex", "0")
        .a("aria-label", fill(cx.w.in_ring, &[&node.name]))
        .a("aria-valuemin", "1")
        .a("aria-valuemax", int(last as u64 + 1))
        .a("aria-valuenow", int(now as u64 + 1))
        .a("aria-valuetext", about(cx, node, cells.get(now)?))
        .a("data-verb", "select")
        .a("data-keys", keys)
        .a("data-enter", "page wire")
        .put(circle("", scene.ring, scene.band.1 + 4.0));
    Some(over(scene).put(ring))
}
