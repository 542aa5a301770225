//! What can be laid over the drawing: the needle on the ring, the borders of the blocks in which Redis 7 keeps it, and bars
//! of what memory is for.

use super::needle::Needle;
use super::pen::{D, El, el, g, num, path, polar, rect, text};
use super::place::{Scene, Size};
use super::ring::Dial;
use crate::sim::Blocks;
use crate::sim::snapshot::NodeView;

/// More borders than these would be a pattern.
const MOST: u64 = 90;

/// What the memory of a node is for.
pub struct Memory {
    /// Index into `Snapshot::nodes`.
    pub node: usize,
    pub name: String,
    /// Keys, backlog, output buffers, what was copied since the fork: in bytes.
    pub parts: [u64; 4],
    /// The whole width: `maxmemory`, or all of the parts.
    pub most: u64,
    pub title: String,
    /// How much it is, where there is room to say so.
    pub label: String,
}

/// The layers that are on.
#[derive(Default)]
pub struct Layers {
    pub memory: Vec<Memory>,
    pub needle: Option<Needle>,
    pub blocks: Option<Blocks>,
}

/// A drawing over the drawing, in its units.
pub fn over(scene: &Scene) -> El {
    let (x, y, w, h) = scene.view;
    el("svg over focusable=false")
        .a("viewBox", [num(x), num(y), num(w), num(h)].join(" "))
        .a("preserveAspectRatio", "xMidYMid meet")
}

/// A mark across the band where each block begins, as far as the ring has its bytes.
#[inline(never)]
pub fn borders(scene: &Scene, n: &NodeView, blocks: &Blocks) -> El {
    let (c, (r0, r1)) = (scene.ring, scene.band);
    let out = over(scene).a("aria-hidden", "true");
    let held = (n.offset + 1).saturating_sub(blocks.first);
    if !n.backlog.active || held / blocks.block.max(1) > MOST {
        return out;
    }
    let dial = Dial::of(&n.backlog);
    let mut marks = D::default();
    let mut at = blocks.first;
    while at <= n.offset {
        if at >= n.backlog.first {
            let deg = dial.deg(at as i64);
            marks = marks.m(polar(c, r0 - 5.0, deg)).l(polar(c, r1 + 5.0, deg));
        }
        at += blocks.block.max(1);
    }
    out.put(path("border", marks))
}

/// A bar at the foot of a plate, or of the words of the drum. A click on it opens what it is for.
#[inline(never)]
pub fn memory(scene: &Scene, focus: usize, all: &[Memory]) -> El {
    let mut bars = Vec::new();
    for m in all {
        let plate = scene.plates.iter().find(|p| p.node == m.node);
        let (x, y, w) = match plate {
            Some(p) if p.size == Size::Line => continue,
            Some(p) => (p.x + 12.0, p.y + p.h - 6.0, p.w - 24.0),
            None if m.node == focus => {
                let (x, y, _, h) = scene.drum;
                (x + 18.0, y + h - 10.0, 128.0)
            }
            None => continue,
        };
        let mut bar = g("mem")
            .key(&m.name)
            .does(["select node:", &m.name].concat())
            .a("data-also", "page node")
            .put(rect("rest", x, y, w, 4.0, 2.0));
        let mut at = x;
        for (part, class) in m.parts.iter().zip(["m0", "m1", "m2", "m3"]) {
            let wide = w * *part as f32 / m.most.max(1) as f32;
            if wide >= 0.5 {
                bar = bar.put(rect(class, at, y, wide, 4.0, 0.0));
                at += wide;
            }
        }
        if plate.is_none() {
            bar = bar.put(text("t12 muted", x + w + 8.0, y + 5.0, m.label.clone()));
        }
        bars.push(bar.title(m.title.clone()));
    }
    over(scene).a("aria-hidden", "true").list(bars)
}
