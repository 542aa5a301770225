//! The timeline: one lane per node, a mark for each notable moment, quiet stretches folded.

use super::Shared;
use super::sentence::skipped;
use super::stage::select::Sel;
use super::text::Lang;
use crate::sim::snapshot::{Mark, MarkKind, NodeView, Phase, Snapshot};
use crate::time::{Instant, SECOND_US};
use std::fmt::Write;
use web_sys::Element;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub lang: Lang,
    pub snapshot: Shared<Snapshot>,
    /// Only to measure again when it changes.
    pub viewport: (u32, u32),
    pub selected: Option<Sel>,
}

/// Left of the first moment: the names of the lanes.
const LEFT: f64 = 44.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 24.0;
/// Lanes are never closer than their names allow; many of them scroll.
const PITCH: (f64, f64) = (11.5, 18.0);
/// A gap between two marks from this length on is folded, and drawn this long.
const FOLD_US: u64 = 4 * SECOND_US;
const FOLDED_US: u64 = 3 * SECOND_US / 2;

#[component]
pub fn Timeline(props: &Props) -> Html {
    let t = props.lang.text();
    let frame = use_node_ref();
    let size = use_state_eq(|| (800.0, 92.0));
    use_effect_with(props.viewport, {
        let (frame, size) = (frame.clone(), size.setter());
        move |_| {
            if let Some(frame) = frame.cast::<Element>() {
                size.set((
                    f64::from(frame.client_width().max(200)),
                    f64::from(frame.client_height().max(60)),
                ));
            }
        }
    });
    let (width, height) = *size;
    let s = &props.snapshot;
    let zero = Instant(s.now.0 - s.elapsed_us.min(s.now.0));
    let axis = Axis::new(zero, s.now, &s.marks, width - LEFT - RIGHT);
    let lanes = s.nodes.len().max(1) as f64;
    let pitch = ((height - TOP - 2.0) / lanes).clamp(PITCH.0, PITCH.1);
    let height = height.max(TOP + pitch * lanes);
    let y_of = |i: usize| TOP + pitch * (i as f64 + 0.35);
    let end = axis.x(s.now);
    html! {
        <section class="timeline" aria-label={t.timeline} ref={frame}>
            <svg width={width.to_string()} height={height.to_string()} aria-hidden="true">
                <g class="ticks">{ for axis.ticks(props.lang).into_iter().enumerate().map(|(i, (x, label, folded))| html! {
                    <g key={i} class={classes!(folded.then_some("folded"))}>
                        if !folded { <path d={format!("M{x:.1} {}V{height}", TOP - 8.0)} /> }
                        <text x={format!("{x:.1}")} y="14">{ label }</text>
                    </g>
                }) }</g>
                { for s.nodes.iter().enumerate().map(|(i, n)| lane(n, &s.marks, &axis, y_of(i))) }
                <g class="now">
                    <path d={format!("M{end:.1} 6V{height}")} />
                    <path class="handle" d={format!("M{:.1} 4h10v8l-5 4-5-4z", end - 5.0)} />
                </g>
            </svg>
        </section>
    }
}

/// Virtual time to pixels, with long gaps folded.
struct Axis {
    zero: Instant,
    /// Moment and its place before scaling, rising.
    knots: Vec<(Instant, f64)>,
    scale: f64,
}

impl Axis {
    fn new(zero: Instant, now: Instant, marks: &[Mark], width: f64) -> Self {
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
                at += if gap >= FOLD_US { FOLDED_US } else { gap } as f64;
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

    fn x(&self, at: Instant) -> f64 {
        let i = self.knots.partition_point(|k| k.0 <= at);
        let place = match (self.knots.get(i.wrapping_sub(1)), self.knots.get(i)) {
            (Some(a), Some(b)) => {
                a.1 + (b.1 - a.1) * at.since(a.0) as f64 / b.0.since(a.0).max(1) as f64
            }
            (Some(a), None) => a.1,
            _ => 0.0,
        };
        LEFT + place * self.scale
    }

    /// Place, label, and whether it tells of a fold. Labels never touch.
    fn ticks(&self, lang: Lang) -> Vec<(f64, String, bool)> {
        let mut out: Vec<(f64, String, bool)> = vec![(LEFT, "0 s".into(), false)];
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
        .find(|&us| us as f64 * self.scale >= 70.0)
        .unwrap_or(30 * SECOND_US);
        for pair in self.knots.windows(2) {
            let [(from, a), (to, b)] = pair else { continue };
            let free = |out: &[(f64, String, bool)], x: f64, room: f64| {
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
        format!("{}.{}", us / SECOND_US, us / 100_000 % 10)
    } else {
        (us / SECOND_US).to_string()
    }
}

/// How a stretch of a lane is drawn.
#[derive(Clone, Copy, PartialEq)]
enum Run {
    Up,
    Syncing,
    Down,
}

fn lane(n: &NodeView, marks: &[Mark], axis: &Axis, y: f64) -> Html {
    let mut runs = [String::new(), String::new(), String::new()];
    let (mut ticks, mut pings, mut squares, mut dots, mut crosses, mut slashes, mut stars) = (
        String::new(),
        String::new(),
        String::new(),
        String::new(),
        String::new(),
        String::new(),
        String::new(),
    );
    // A master's lane begins with the world, a replica's with its first mark.
    let mut from = (!n.replica).then(|| (axis.x(axis.zero), Run::Up));
    let mut draw = |from: &mut Option<(f64, Run)>, x: f64, next: Run| {
        if let Some((x0, run)) = *from {
            let _ = write!(runs[run as usize], "M{x0:.1} {y:.1}H{x:.1}");
        }
        *from = Some((x, next));
    };
    for m in marks.iter().filter(|m| m.node == n.name) {
        let x = axis.x(m.at);
        let circle = |r: f64| {
            format!(
                "M{:.1} {y:.1}a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0-{d} 0",
                x - r,
                d = 2.0 * r
            )
        };
        match m.kind {
            MarkKind::Write => {
                let _ = write!(ticks, "M{x:.1} {:.1}v9", y - 4.5);
            }
            MarkKind::Ping => pings.push_str(&circle(3.2)),
            MarkKind::FullSync => {
                let _ = write!(squares, "M{:.1} {:.1}h8v8h-8z", x - 4.0, y - 4.0);
                draw(&mut from, x, Run::Syncing);
            }
            MarkKind::Partial => {
                dots.push_str(&circle(4.2));
                draw(&mut from, x, Run::Up);
            }
            MarkKind::LinkDown | MarkKind::Killed => draw(&mut from, x, Run::Down),
            MarkKind::LinkUp => draw(&mut from, x, Run::Up),
            MarkKind::Cut => {
                let _ = write!(crosses, "M{:.1} {:.1}l7 7m0-7l-7 7", x - 3.5, y - 3.5);
            }
            MarkKind::Restore => {
                let _ = write!(slashes, "M{:.1} {:.1}l5-9", x - 2.5, y + 4.5);
            }
            MarkKind::Promotion => {
                let _ = write!(stars, "M{x:.1} {:.1}l5 3.7-1.9 6h-6.2l-1.9-6z", y - 5.5);
                draw(&mut from, x, Run::Up);
            }
            MarkKind::Started => draw(&mut from, x, if n.replica { Run::Syncing } else { Run::Up }),
        }
        if m.kind == MarkKind::Killed {
            let _ = write!(crosses, "M{:.1} {:.1}l7 7m0-7l-7 7", x - 3.5, y - 3.5);
        }
    }
    let now_run = match n.phase {
        Phase::Online | Phase::Master => Run::Up,
        Phase::Dead | Phase::Down { .. } => Run::Down,
        _ => Run::Syncing,
    };
    let end = axis.knots.last().map_or(LEFT, |k| LEFT + k.1 * axis.scale);
    draw(&mut from, end, now_run);
    let class = if !n.replica {
        "lane master"
    } else if n.depth < 2 {
        "lane replica"
    } else {
        "lane sub"
    };
    let [up, syncing, down] = runs;
    html! {
        <g key={n.name.clone()} {class}>
            <text class="name" x={(LEFT - 10.0).to_string()} y={format!("{:.1}", y + 4.0)}>{ n.name.clone() }</text>
            <path class="up" d={up} /><path class="syncing" d={syncing} /><path class="down" d={down} />
            <path class="ticks" d={ticks} /><path class="pings" d={pings} /><path class="squares" d={squares} /><path class="dots" d={dots} />
            <path class="crosses" d={crosses} /><path class="slashes" d={slashes} /><path class="stars" d={stars} />
        </g>
    }
}
