//! What can be laid over the ring of the drum: the needle, and the borders of the blocks in which Redis 7 keeps it.

use super::needle::Needle;
use super::pen::{D, El, el, num, path, polar};
use super::place::Scene;
use super::ring::Dial;
use crate::sim::Blocks;
use crate::sim::snapshot::NodeView;

/// More borders than these would be a pattern.
const MOST: u64 = 90;

/// Both layers, where they are on.
#[derive(Default)]
pub struct Layers {
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
