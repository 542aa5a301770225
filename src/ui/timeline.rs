//! The timeline: one lane per node, a mark for each notable moment, quiet stretches folded.

use super::View;
use super::dom::{El, create, el, int, leaf, push_num};
use super::sentence::skipped;
use super::text::Lang;
use crate::sim::snapshot::{Mark, MarkKind, NodeView, Phase};
use crate::time::{Instant, SECOND_US};

/// Left of the first moment: the names of the lanes.
const LEFT: f32 = 44.0;
const RIGHT: f32 = 12.0;
const TOP: f32 = 24.0;
/// Lanes are never closer than their names allow; many of them scroll.
const PITCH: (f32, f32) = (11.5, 18.0);
/// A gap between two marks from this length on is folded, and drawn this long.
const FOLD_US: u64 = 4 * SECOND_US;
const FOLDED_US: u64 = 3 * SECOND_US / 2;

pub fn timeline(v: &View<'_>) -> El {
    let s = v.s;
    let (width, height) = v.strip;
    let axis = Axis::new(v.zero, s.now, &s.marks, width - LEFT - RIGHT);
    let lanes = s.nodes.len().max(1) as f32;
    let pitch = ((height - TOP - 2.0) / lanes).clamp(PITCH.0, PITCH.1);
    let height = height.max(TOP + pitch * lanes);
    let down = |from: f32, x: f32| {
        let mut d = String::new();
        at(&mut d, x, from, "V");
        push_num(&mut d, height);
        d
    };
    let mut ticks = Vec::new();
    for (i, (x, label, folded)) in axis.ticks(v.lang).into_iter().enumerate() {
        let line = (!folded).then(|| el("path").a("d", down(TOP - 8.0, x)));
        ticks.push(
            el("g")
                .nth(i)
                .class(&[("folded", folded)])
                .slot(line)
                .put(leaf("text y=14", label).n("x", x)),
        );
    }
    let mut drawn = Vec::new();
    for (i, n) in s.nodes.iter().enumerate() {
        drawn.push(lane(n, &s.marks, &axis, TOP + pitch * (i as f32 + 0.35)));
    }
    let end = axis.x(s.now);
    let mut handle = String::new();
    at(&mut handle, end - 5.0, 4.0, "h10v8l-5 4-5-4z");
    let now = el("g now")
        .put(el("path").a("d", down(6.0, end)))
        .put(el("path handle").a("d", handle));
    let drawing = el("svg aria-hidden=true")
        .n("width", width)
        .n("height", height);
    el("section timeline")
        .a("aria-label", v.t.timeline)
        .at(&v.frame)
        .put(drawing.put(el("g ticks").list(ticks)).list(drawn).put(now))
}

/// Goes to a point, and draws a path from there.
fn at(d: &mut String, x: f32, y: f32, path: &str) {
    d.push('M');
    push_num(d, x);
    d.push(' ');
    push_num(d, y);
    d.push_str(path);
}

/// Virtual time to pixels, with long gaps folded.
struct Axis {
    zero: Instant,
    /// Moment and its place before scaling, rising.
    knots: Vec<(Instant, f32)>,
    scale: f32,
}

impl Axis {
    fn new(zero: Instant, now: Instant, marks: &[Mark], width: f32) -> Self {
        let mut knots = vec![(zero, 0.0)];
        let mut at = 0.0;
        let mut last = zero;
        for moment in marks
            .iter()
            .filter(|m| m.kind != MarkKind::Ping)
            .map(|m| m.at)
            .chain([now])
        {
            if moment > last {
                let gap = moment.since(last);
                at += if gap >= FOLD_US { FOLDED_US } else { gap } as f32;
                knots.push((moment, at));
                last = moment;
            }
        }
        Self {
            zero,
            knots,
            scale: if at > 0.0 { width / at } else { 0.0 },
        }
    }

    fn x(&self, at: Instant) -> f32 {
        let i = self.knots.partition_point(|k| k.0 <= at);
        let place = match (self.knots.get(i.wrapping_sub(1)), self.knots.get(i)) {
            (Some(a), Some(b)) => {
                a.1 + (b.1 - a.1) * at.since(a.0) as f32 / b.0.since(a.0).max(1) as f32
            }
            (Some(a), None) => a.1,
            _ => 0.0,
        };
        LEFT + place * self.scale
    }

    /// Place, label, and whether it tells of a fold. Labels never touch.
    fn ticks(&self, lang: Lang) -> Vec<(f32, String, bool)> {
        let mut out: Vec<(f32, String, bool)> = vec![(LEFT, "0 s".into(), false)];
        let step = [
            100_000,
            200_000,
            500_000,
            SECOND_US,
            2 * SECOND_US,
            5 * SECOND_US,
            10 * SECOND_US,
        ]
        .into_iter()
        .find(|&us| us as f32 * self.scale >= 70.0)
        .unwrap_or(30 * SECOND_US);
        for pair in self.knots.windows(2) {
            let [(from, a), (to, b)] = pair else { continue };
            let free = |out: &[(f32, String, bool)], x: f32, room: f32| {
                out.last().is_none_or(|l| x - l.0 > room)
            };
            if to.since(*from) >= FOLD_US {
                let x = LEFT + (a + b) / 2.0 * self.scale;
                if (b - a) * self.scale > 70.0 && free(&out, x, 64.0) {
                    out.push((x, skipped(lang, to.since(*from)), true));
                }
                continue;
            }
            let mut us = from.since(self.zero).div_ceil(step) * step;
            while us <= to.since(self.zero) {
                let x = self.x(self.zero.after(us));
                let room = if out.last().is_some_and(|l| l.2) {
                    60.0
                } else {
                    36.0
                };
                if us > 0 && free(&out, x, room) {
                    out.push((x, label(us, step), false));
                }
                us += step;
            }
        }
        out
    }
}

fn label(us: u64, step: u64) -> String {
    if step < SECOND_US {
        [&int(us / SECOND_US), ".", &int(us / 100_000 % 10)].concat()
    } else {
        int(us / SECOND_US)
    }
}

/// What a lane is made of, one path each, in the order of their painting. The first three are its line.
const PATHS: [&str; 10] = [
    "up", "syncing", "down", "ticks", "pings", "squares", "dots", "crosses", "slashes", "stars",
];
const UP: usize = 0;
const SYNCING: usize = 1;
const DOWN: usize = 2;
const TICKS: usize = 3;
const PINGS: usize = 4;
const SQUARES: usize = 5;
const DOTS: usize = 6;
const CROSSES: usize = 7;
const SLASHES: usize = 8;
const STARS: usize = 9;

fn lane(n: &NodeView, marks: &[Mark], axis: &Axis, y: f32) -> El {
    let mut d: [String; 10] = Default::default();
    // Where the present stretch began, and its kind. A master's begins with the world, a replica's with its first mark.
    let mut from = (!n.replica).then(|| (axis.x(axis.zero), UP));
    let mut goes_on = |d: &mut [String; 10], x: f32, next: usize| {
        if let Some((x0, kind)) = from {
            at(&mut d[kind], x0, y, "H");
            push_num(&mut d[kind], x);
        }
        from = Some((x, next));
    };
    for m in marks.iter().filter(|m| m.node == n.name) {
        let x = axis.x(m.at);
        // Its sign, from the sign's left upper corner, and the stretch that begins with it.
        let (kind, dx, dy, sign) = match m.kind {
            MarkKind::Write => (TICKS, 0.0, 4.5, "v9"),
            MarkKind::Ping => (PINGS, 3.2, 0.0, "a3.2 3.2 0 1 0 6.4 0a3.2 3.2 0 1 0-6.4 0"),
            MarkKind::FullSync => (SQUARES, 4.0, 4.0, "h8v8h-8z"),
            MarkKind::Partial => (DOTS, 4.2, 0.0, "a4.2 4.2 0 1 0 8.4 0a4.2 4.2 0 1 0-8.4 0"),
            MarkKind::Cut | MarkKind::Killed => (CROSSES, 3.5, 3.5, "l7 7m0-7l-7 7"),
            MarkKind::Restore => (SLASHES, 2.5, -4.5, "l5-9"),
            MarkKind::Promotion => (STARS, 0.0, 5.5, "l5 3.7-1.9 6h-6.2l-1.9-6z"),
            MarkKind::LinkDown | MarkKind::LinkUp | MarkKind::Started => (UP, 0.0, 0.0, ""),
        };
        if !sign.is_empty() {
            at(&mut d[kind], x - dx, y - dy, sign);
        }
        match m.kind {
            MarkKind::Partial | MarkKind::LinkUp | MarkKind::Promotion => goes_on(&mut d, x, UP),
            MarkKind::LinkDown | MarkKind::Killed => goes_on(&mut d, x, DOWN),
            MarkKind::Started if !n.replica => goes_on(&mut d, x, UP),
            MarkKind::FullSync | MarkKind::Started => goes_on(&mut d, x, SYNCING),
            _ => {}
        }
    }
    let now = match n.phase {
        Phase::Online | Phase::Master => UP,
        Phase::Dead | Phase::Down { .. } => DOWN,
        _ => SYNCING,
    };
    let end = axis.knots.last().map_or(LEFT, |k| LEFT + k.1 * axis.scale);
    goes_on(&mut d, end, now);
    let class = if !n.replica {
        "lane master"
    } else if n.depth < 2 {
        "lane replica"
    } else {
        "lane sub"
    };
    let mut out = create("g", class.into()).key(&n.name).put(
        leaf("text name", n.name.clone())
            .n("x", LEFT - 10.0)
            .n("y", y + 4.0),
    );
    for (class, d) in PATHS.into_iter().zip(d) {
        out = out.put(create("path", class.into()).a("d", d));
    }
    out
}
