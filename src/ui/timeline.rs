//! The timeline: one lane per node, a mark for each notable moment, the parts of a full sync, quiet stretches folded.
//! A slider at the same time: in the past what is known to come is drawn pale, and branches that were left are kept.

use super::View;
use super::app::State;
use super::dom::{El, create, el, int, leaf, push_num, within};
use super::sentence::{Said, group, seconds, skipped};
use super::story::happened;
use super::text::Lang;
use super::views::words as w;
use crate::player::Player;
use crate::sim::snapshot::{FrameKind, Mark, MarkKind, NodeView, Phase, Snapshot};
use crate::time::{Instant, SECOND_US};
use std::rc::Rc;

/// Left of the first moment: the names of the lanes.
const LEFT: f32 = 44.0;
const RIGHT: f32 = 12.0;
const TOP: f32 = 24.0;
/// Lanes are never closer than their names allow; many of them scroll.
const PITCH: (f32, f32) = (11.5, 18.0);
/// A gap between two marks from this length on is folded, and drawn this long.
const FOLD_US: u64 = 4 * SECOND_US;
const FOLDED_US: u64 = 3 * SECOND_US / 2;

/// The marks of the current branch, also those that are still to come, and how far it goes.
fn known(s: &Snapshot, state: &State, player: &Player) -> (Rc<Vec<Mark>>, Instant) {
    let here = player.position();
    match state.views.futures.of(here.branch) {
        Some(marks) if here.past => (marks, here.end_at.max(s.now)),
        _ => (s.marks.clone(), s.now),
    }
}

/// The moment at a place of the strip, in pixels from its left edge.
pub fn moment(s: &Snapshot, state: &State, player: &Player, x: f32) -> Instant {
    let zero = Instant(s.now.0 - s.elapsed_us.min(s.now.0));
    let (marks, end) = known(s, state, player);
    Axis::new(zero, end, &marks, state.strip.0 - LEFT - RIGHT).at(x)
}

pub fn timeline(v: &View<'_>) -> El {
    let s = v.s;
    let (width, height) = v.strip;
    let (marks, end) = known(s, v.state, v.player);
    let axis = Axis::new(v.zero, end, &marks, width - LEFT - RIGHT);
    let lanes = s.nodes.len().max(1) as f32;
    let pitch = within((height - TOP - 2.0) / lanes, PITCH.0, PITCH.1);
    let height = height.max(TOP + pitch * lanes);
    let down = |from: f32, x: f32| {
        let mut d = String::new();
        at(&mut d, x, from, "V");
        push_num(&mut d, height);
        d
    };
    let mut ticks = Vec::new();
    let here = axis.x(s.now);
    for (i, (x, mut label, folded)) in axis.ticks(v.lang).into_iter().enumerate() {
        // The handle has its own number, at the right.
        if (x - here).abs() < 12.0 + 3.5 * label.len() as f32 {
            label.clear();
        }
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
        let y = TOP + pitch * (i as f32 + 0.35);
        drawn.push(lane(v, n, &marks, &axis, (y, pitch)));
    }
    let mut handle = String::new();
    at(&mut handle, here - 5.0, 4.0, "h10v8l-5 4-5-4z");
    let now = el("g now")
        .put(el("path").a("d", down(6.0, here)))
        .put(el("path handle").a("d", handle));
    // What is known to come is there, but pale.
    let ahead = v.player.position().past.then(|| {
        el("rect ahead y=0")
            .n("x", here)
            .n("width", (width - here).max(0.0))
            .n("height", height)
    });
    let drawing = el("svg aria-hidden=true")
        .n("width", width)
        .n("height", height)
        .put(el("g ticks").list(ticks))
        .put(kept(v, &axis, height))
        .list(drawn)
        .slot(ahead)
        .put(el("g").list(yellow(v, &axis, TOP, pitch)))
        .put(now);
    let p = v.player.position();
    let words = [
        &seconds(s.elapsed_us),
        " s, ",
        v.t.event,
        " ",
        &group(p.event),
        " / ",
        &group(p.end),
        ". ",
        &happened(v),
    ];
    el("section timeline")
        .a("aria-label", v.t.timeline)
        .at(&v.frame)
        .put(
            el("div strip id=time role=slider tabindex=0 aria-valuemin=0 data-testid=strip")
                .a("aria-label", v.t.timeline)
                .a("aria-valuemax", int(p.end))
                .a("aria-valuenow", int(p.event))
                .a("aria-valuetext", words.concat())
                .put(drawing),
        )
}

/// Where the selected bytes were written: the highlighter again.
#[inline(never)]
fn yellow(v: &View<'_>, axis: &Axis, top: f32, pitch: f32) -> Vec<El> {
    let mut out = Vec::new();
    if v.bytes().is_none() {
        return out;
    }
    for (i, n) in v.s.nodes.iter().enumerate().filter(|(_, n)| !n.replica) {
        for c in n.backlog.cells.iter() {
            if c.kind == FrameKind::Write && v.lit(&n.name, c.from, c.to) {
                out.push(
                    el("rect lit width=8 height=13 rx=2")
                        .key(&int(c.from))
                        .n("x", axis.x(c.at) - 4.0)
                        .n("y", top + pitch * (i as f32 + 0.35) - 6.5),
                );
            }
        }
    }
    out
}

/// Other branches: pale, below the lanes, from where they leave this one.
#[inline(never)]
fn kept(v: &View<'_>, axis: &Axis, height: f32) -> El {
    let mut out = el("g kept");
    let p = v.player.position();
    let markers = v.player.markers();
    let all = v.player.branches();
    let own = all.iter().find(|b| b.here).and_then(|b| b.from);
    for b in all.iter().filter(|b| !b.here) {
        // Where the two part: it left this one, or this one left it.
        let parted = b
            .from
            .filter(|f| f.0 == p.branch)
            .or_else(|| own.filter(|f| f.0 == b.id));
        let Some((_, event)) = parted else { continue };
        let from = markers.partition_point(|m| m.event <= event);
        let from = from.checked_sub(1).and_then(|i| markers.get(i));
        let x = axis.x(from.map_or(p.begin_at, |m| m.at));
        let mut d = String::new();
        at(&mut d, x, height - 18.0, "q6 13 16 13H");
        push_num(&mut d, axis.x(b.end_at).max(x + 40.0));
        let title = [v.w(&w::BRANCH_GO), ": ", &b.name].concat();
        let lane = el("g")
            .does(["branch ", &int(u64::from(b.id.0))].concat())
            .title(title)
            .put(el("path hit").a("d", d.clone()))
            .put(el("path").a("d", d))
            .put(
                leaf("text", v.put(&w::KEPT, &[&b.name]))
                    .n("x", x + 20.0)
                    .n("y", height - 9.0),
            );
        out = out.put(lane);
    }
    out
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

    fn end(&self) -> Instant {
        self.knots.last().map_or(self.zero, |k| k.0)
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

    /// The moment at a place.
    fn at(&self, x: f32) -> Instant {
        let place = (x - LEFT) / self.scale.max(f32::MIN_POSITIVE);
        let i = self.knots.partition_point(|k| k.1 <= place);
        match (self.knots.get(i.wrapping_sub(1)), self.knots.get(i)) {
            (Some(a), Some(b)) => {
                let part = (place - a.1) / (b.1 - a.1).max(1.0);
                a.0.after((b.0.since(a.0) as f32 * part) as u64)
            }
            (Some(a), None) => a.0,
            _ => self.zero,
        }
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

/// The parts of a full sync, and a `WAIT`: the mark that begins one, its class, and its name.
fn part(kind: MarkKind) -> Option<(&'static str, &'static Said)> {
    Some(match kind {
        MarkKind::Fork => ("part dump", &w::PART_DUMP),
        MarkKind::Transfer => ("part send", &w::PART_SEND),
        MarkKind::Store => ("part store", &w::PART_STORE),
        MarkKind::Load => ("part load", &w::PART_LOAD),
        MarkKind::CatchUp => ("part drain", &w::PART_DRAIN),
        MarkKind::Wait => ("part wait", &w::PART_WAIT),
        _ => return None,
    })
}

/// A stretch of a full sync on a node.
pub struct Part {
    pub begun: MarkKind,
    pub class: &'static str,
    pub said: &'static Said,
    pub from: Instant,
    pub to: Instant,
}

/// The anatomy of the full syncs of a node, from its marks: dump, transfer, store, load, catching up with what was written
/// meanwhile; each ends where the next one begins. And how long its clients waited for replicas.
#[inline(never)]
pub fn parts(marks: &[&Mark], end: Instant) -> Vec<Part> {
    let mut out = Vec::new();
    for (i, m) in marks.iter().enumerate() {
        let Some((class, said)) = part(m.kind) else {
            continue;
        };
        let ends = |next: &&&Mark| match (m.kind, next.kind) {
            (_, MarkKind::Killed) => true,
            (MarkKind::Fork, next) => next == MarkKind::Dumped,
            (MarkKind::Wait, next) => next == MarkKind::Waited,
            (_, next) => !matches!(
                next,
                MarkKind::Write
                    | MarkKind::Ping
                    | MarkKind::Cut
                    | MarkKind::Wait
                    | MarkKind::Waited
            ),
        };
        let next = marks[i + 1..].iter().find(ends);
        out.push(Part {
            begun: m.kind,
            class,
            said,
            from: m.at,
            to: next.map_or(end, |next| next.at),
        });
    }
    out
}

/// The same as bars with their names where there is room.
#[inline(never)]
fn bars(v: &View<'_>, marks: &[&Mark], axis: &Axis, (y, pitch): (f32, f32)) -> Vec<El> {
    let whole = (pitch - 2.0).min(13.0);
    let mut out = Vec::new();
    for (i, part) in parts(marks, axis.end()).into_iter().enumerate() {
        // A client may wait while a child dumps: a foot of the lane tells of it.
        let waits = part.begun == MarkKind::Wait;
        let height = if waits { 4.0 } else { whole };
        let (x, end) = (axis.x(part.from), axis.x(part.to));
        let words = v.w(part.said);
        // About 7 pixels a letter, 12 for a Chinese one.
        let room = words
            .chars()
            .map(|c| if c.is_ascii() { 7.0 } else { 12.5 })
            .sum::<f32>()
            + 4.0;
        let middle = (x + end) / 2.0;
        let label =
            (end - x > room && !waits).then(|| leaf("text", words).n("x", middle).n("y", y + 4.0));
        // A sign that lies on the word would strike it through.
        let struck = marks.iter().any(|m| {
            let sign = matches!(
                m.kind,
                MarkKind::Write | MarkKind::Ping | MarkKind::FullSync
            );
            sign && (axis.x(m.at) - middle).abs() < room / 2.0
        });
        out.push(
            create("g", part.class.into())
                .nth(i)
                .put(
                    el("rect rx=2")
                        .n("x", x)
                        .n("y", y + whole / 2.0 - height)
                        .n("height", height)
                        .n("width", (end - x).max(1.5)),
                )
                .slot(label.filter(|_| !struck))
                .title([words, " ", &seconds(part.to.since(part.from)), " s"].concat()),
        );
    }
    out
}

fn lane(v: &View<'_>, n: &NodeView, marks: &[Mark], axis: &Axis, (y, pitch): (f32, f32)) -> El {
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
    let own: Vec<&Mark> = marks.iter().filter(|m| *m.node == *n.name).collect();
    for m in &own {
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
            _ => (UP, 0.0, 0.0, ""),
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
    goes_on(&mut d, axis.x(axis.end()), now);
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
    for (i, (class, d)) in PATHS.into_iter().zip(d).enumerate() {
        // Bars lie over the line and under the signs.
        if i == TICKS {
            out = out.put(el("g").list(bars(v, &own, axis, (y, pitch))));
        }
        out = out.put(create("path", class.into()).a("d", d));
    }
    out
}
