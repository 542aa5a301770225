//! The same bytes as Redis 7 keeps them: in blocks, under the line of the exact ring. A layer that is switched on.

use super::words as w;
use crate::sim::Blocks;
use crate::sim::snapshot::NodeView;
use crate::ui::View;
use crate::ui::dom::{El, create, el, int, leaf, num};
use crate::ui::sentence::group;

/// Narrower blocks, in percent of the line, are not told apart.
const NARROW: f32 = 0.7;
/// A letter in percent of the narrowest line, the phone's.
const LETTER: f32 = 2.2;

/// Of a node, where the layer is on.
#[inline(never)]
pub fn of(v: &View<'_>, n: &NodeView) -> Option<Blocks> {
    let on = v.views.face.blocks && n.backlog.size > 0;
    v.player.world().node(&n.name).filter(|_| on)?.blocks()
}

/// The switch.
pub fn switch(v: &View<'_>) -> El {
    leaf("button act-on layer", v.w(&w::LAYER))
        .does("face blocks")
        .a("title", v.w(&w::BLOCKS))
        .pressed(v.views.face.blocks)
}

/// Blocks under the line; `x` is where a byte lies on it, in percent.
#[inline(never)]
pub fn lane(v: &View<'_>, n: &NodeView, b: &Blocks, x: &dyn Fn(u64) -> f32) -> El {
    let percent = |p: f32| [&num(p), "%"].concat();
    let (next, exact) = (n.offset + 1, n.backlog.first);
    let rect = |class: &'static str, from: u64, to: u64| {
        create("rect", class.into())
            .a("x", percent(x(from)))
            .a("width", percent((x(to) - x(from)).max(0.2)))
            .a("y", "2")
            .a("height", "20")
            .a("rx", "3")
    };
    let mut out = el("svg blocks-lane aria-hidden=true");
    let step = if x(b.first + b.block) - x(b.first) < NARROW {
        next - b.first
    } else {
        b.block
    };
    let mut boxes = Vec::new();
    let mut from = b.first;
    while from < next {
        let to = (from + step.max(1)).min(next);
        boxes.push(rect("block", from, to).key(&int(from)));
        from = to;
    }
    // What only blocks still have.
    if exact > b.first {
        out = out.put(rect("more", b.first, exact.min(next)));
    }
    out = out.put(el("g").list(boxes));
    let mut refs: Vec<(u64, String)> = vec![(b.first, "backlog".into())];
    for (port, at) in &b.replicas {
        let name = v.s.nodes.iter().find(|n| n.port == *port);
        let name = name.map_or("?", |n| n.name.as_str());
        match refs.iter_mut().find(|r| r.0 == *at) {
            Some(known) => known.1 = [&known.1, " ", name].concat(),
            None => refs.push((*at, name.into())),
        }
    }
    // Names begin where their block does, and after the name before.
    let mut free = 0.0;
    for (at, names) in refs {
        let wide = names.chars().count() as f32 * LETTER + 1.0;
        let (place, anchor) = match x(at) {
            p if p + wide > 98.0 => (x((at + b.block).min(next)), "end"),
            p => (if p < free { free } else { p }, "start"),
        };
        free = place + wide;
        out = out.put(
            leaf("text y=37", names)
                .a("x", percent(place))
                .a("text-anchor", anchor),
        );
    }
    out
}

/// What is exact here, and what Redis 7 would do.
#[inline(never)]
pub fn caption(v: &View<'_>, n: &NodeView, b: &Blocks) -> El {
    let (next, exact) = (n.offset + 1, n.backlog.first);
    let count = (next - b.first.min(next)).div_ceil(b.block.max(1));
    let more = exact.saturating_sub(b.first);
    let mut words = v.put(
        &w::HELD,
        &[
            &group(exact),
            &group(n.offset),
            &group(count),
            &group(b.block),
            &group(b.first),
            &group(more),
        ],
    );
    if b.block < 16_384 {
        words.push_str(v.w(&w::DRAWN_SMALL));
    }
    leaf("p note-7 data-testid=blocks", words)
        .a("data-first", int(b.first))
        .a("data-block", int(b.block))
        .a("data-more", int(more))
}
