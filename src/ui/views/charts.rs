//! Four curves over time, each with a sentence that says what it comes to; and the same as a table.

use super::words as w;
use crate::sim::snapshot::Snapshot;
use crate::time::Instant;
use crate::ui::View;
use crate::ui::dom::{El, create, el, int, leaf, push_num};
use crate::ui::sentence::{Said, group, seconds};

/// Samples that are kept; when there are more, every second one goes.
const KEPT: usize = 480;
/// Between two samples.
const STEP_US: u64 = 50_000;
/// Rows of the table.
const ROWS: usize = 60;

/// What is drawn of one node at one moment, in bytes.
#[derive(Clone, Copy, Default)]
struct Point {
    alive: bool,
    offset: u64,
    behind: Option<u64>,
    kept: u64,
    buffered: u64,
    replica: bool,
}

struct Sample {
    at: Instant,
    /// In the order of the nodes.
    nodes: Vec<Point>,
}

/// What was seen so far, oldest first.
#[derive(Default)]
pub struct Samples {
    all: Vec<Sample>,
    /// The moment whose values are told, in thousandths of the width; none is the end.
    pub cross: Option<u64>,
}

impl Samples {
    /// Takes a sample, where there is none of this moment. What was seen of a later one is seen anew.
    pub fn observe(&mut self, s: &Snapshot) {
        let all = &mut self.all;
        while all.last().is_some_and(|last| last.at >= s.now) {
            all.pop();
        }
        if all
            .last()
            .is_some_and(|last| s.now.since(last.at) < STEP_US)
            && all.len() > 1
        {
            all.pop();
        }
        let point = |n: &std::rc::Rc<crate::sim::snapshot::NodeView>| Point {
            alive: n.alive,
            offset: n.offset,
            behind: n.behind,
            kept: n.backlog.histlen,
            buffered: n.replicas.iter().map(|r| r.buffered).sum(),
            replica: n.replica,
        };
        all.push(Sample {
            at: s.now,
            nodes: s.nodes.iter().map(point).collect(),
        });
        if all.len() > KEPT {
            let mut even = false;
            all.retain(|_| {
                even = !even;
                even
            });
        }
    }

    pub fn clear(&mut self) {
        self.all.clear();
    }
}

/// A curve: which node, and its values with their moments.
struct Curve {
    node: usize,
    points: Vec<(Instant, u64)>,
}

#[inline(never)]
pub fn charts(v: &View<'_>) -> El {
    let samples = &v.views.samples.all;
    let shown = !v.views.table;
    let tools = el("div tools")
        .put(leaf("button toggle data-do=table", v.w(&w::TABLE)).pressed(v.views.table))
        .slot(shown.then(|| cross(v, samples)).flatten());
    let out = el("div charts tabindex=0 role=region data-testid=charts")
        .a("aria-label", v.w(&w::CHARTS))
        .put(tools);
    if v.views.table {
        return out.put(table(v, samples));
    }
    let curves = |wanted: &dyn Fn(&Sample, usize) -> Option<u64>| {
        let mut out = Vec::new();
        for node in 0..v.s.nodes.len() {
            let value = |s: &Sample| Some((s.at, wanted(s, node)?));
            let points: Vec<(Instant, u64)> = samples.iter().filter_map(value).collect();
            if !points.is_empty() {
                out.push(Curve { node, points });
            }
        }
        out
    };
    let point = |s: &Sample, i: usize| s.nodes.get(i).copied().filter(|p| p.alive);
    let behind = curves(&|s, i| point(s, i).filter(|p| p.replica)?.behind);
    let offset = curves(&|s, i| Some(point(s, i)?.offset));
    let kept = curves(&|s, i| Some(point(s, i)?.kept));
    let waiting = curves(&|s, i| Some(point(s, i)?.buffered).filter(|_| !s.nodes[i].replica));
    let size = v.s.nodes.iter().map(|n| n.backlog.size).max().unwrap_or(0);
    let worst =
        v.s.nodes
            .iter()
            .filter(|n| n.replica)
            .filter_map(|n| Some((n.behind?, &n.name)))
            .max();
    let behind_says = match worst {
        Some((0, _)) | None => v.w(&w::C_IN_STEP).to_string(),
        Some((bytes, name)) => {
            let said: &Said = if bytes > size {
                &w::C_FELL
            } else {
                &w::C_BEHIND
            };
            v.put(said, &[name, &group(bytes)])
        }
    };
    let top = v.s.nodes.iter().find(|n| n.alive && !n.replica);
    let rate = rate(samples);
    let kept_says = top.map_or(String::new(), |n| {
        let gone = (n.backlog.first.max(n.backlog.origin)) - n.backlog.origin;
        v.put(
            &w::C_RING,
            &[
                &group(n.backlog.histlen),
                &group(n.backlog.size),
                &group(gone),
            ],
        )
    });
    let waits: u64 =
        v.s.nodes
            .iter()
            .flat_map(|n| n.replicas.iter())
            .map(|r| r.buffered)
            .sum();
    out.put(
        el("div panels")
            .put(chart(v, &w::C1, behind_says, &behind, Some(size)))
            .put(chart(
                v,
                &w::C2,
                v.put(&w::C_RATE, &[&group(rate)]),
                &offset,
                None,
            ))
            .put(chart(v, &w::C3, kept_says, &kept, Some(size)))
            .put(chart(
                v,
                &w::C4,
                v.put(&w::C_WAITS, &[&group(waits)]),
                &waiting,
                None,
            )),
    )
}

/// The moment of the crosshair.
fn crossed(v: &View<'_>, samples: &[Sample]) -> Option<Instant> {
    let (first, last) = (samples.first()?.at, samples.last()?.at);
    let part = v.views.samples.cross?.min(1000);
    (part < 1000).then(|| Instant(first.0 + last.since(first) / 1000 * part))
}

/// The crosshair of all charts, as a slider for keys and ears.
fn cross(v: &View<'_>, samples: &[Sample]) -> Option<El> {
    let last = samples.last()?.at;
    let at = crossed(v, samples).unwrap_or(last);
    let now = v.views.samples.cross.unwrap_or(1000).min(1000);
    let (less, more) = (|n: u64| now.saturating_sub(n), |n: u64| (now + n).min(1000));
    // In the order of the needle's keys.
    let to = [
        less(10),
        less(10),
        more(10),
        more(10),
        less(100),
        more(100),
        0,
        1000,
    ];
    let keys = to.map(int).join(" ");
    let words = [&seconds(at.since(v.zero)), " s"].concat();
    Some(
        leaf(
            "div cross role=slider tabindex=0 aria-valuemin=0 aria-valuemax=1000 data-verb=cross",
            words.clone(),
        )
        .a("aria-label", v.w(&w::MOMENT))
        .a("aria-valuenow", int(now))
        .a("aria-valuetext", words)
        .a("data-keys", keys),
    )
}

/// Stream bytes a second of the fastest node, over the last two seconds.
fn rate(samples: &[Sample]) -> u64 {
    let Some(last) = samples.last() else { return 0 };
    let window = 2_000_000;
    let Some(first) = samples.iter().find(|s| last.at.since(s.at) <= window) else {
        return 0;
    };
    let us = last.at.since(first.at);
    let gain = |(a, b): (&Point, &Point)| b.offset.saturating_sub(a.offset);
    let most = first
        .nodes
        .iter()
        .zip(&last.nodes)
        .map(gain)
        .max()
        .unwrap_or(0);
    (most * 1_000_000).checked_div(us).unwrap_or(0)
}

fn chart(v: &View<'_>, title: &Said, says: String, curves: &[Curve], limit: Option<u64>) -> El {
    let samples = &v.views.samples.all;
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
        return el("figure");
    };
    let span = last.at.since(first.at).max(1) as f32;
    let all = curves.iter().flat_map(|c| c.points.iter().map(|p| p.1));
    let top = all
        .chain(limit.filter(|l| *l > 0))
        .max()
        .unwrap_or(1)
        .max(1);
    let top = top + top / 12;
    let y = |value: u64| 96.0 - value as f32 * 92.0 / top as f32;
    let mut drawing = create("svg", "curves".into())
        .a("viewBox", "0 0 1000 100")
        .a("preserveAspectRatio", "none")
        .a("aria-hidden", "true")
        .put(el("path base d=M0,96H1000"));
    if let Some(limit) = limit.filter(|l| *l > 0) {
        let mut d = String::from("M0 ");
        push_num(&mut d, y(limit));
        d.push_str("H1000");
        drawing = drawing.put(el("path limit").a("d", d));
    }
    let crossed = crossed(v, samples);
    if let Some(at) = crossed {
        let mut d = String::from("M");
        push_num(&mut d, at.since(first.at) as f32 * 1000.0 / span);
        d.push_str(" 0V100");
        drawing = drawing.put(el("path across").a("d", d));
    }
    let mut ends = el("ul ends");
    for curve in curves {
        let Some(node) = v.s.nodes.get(curve.node) else {
            continue;
        };
        let mut d = String::new();
        for (at, value) in &curve.points {
            // A value holds until the next one: offsets move in steps.
            let x = at.since(first.at) as f32 * 1000.0 / span;
            if d.is_empty() {
                d.push('M');
            } else {
                d.push('H');
                push_num(&mut d, x);
                d.push('V');
                push_num(&mut d, y(*value));
                continue;
            }
            push_num(&mut d, x);
            d.push(' ');
            push_num(&mut d, y(*value));
        }
        let style = ["curve n0", "curve n1", "curve n2", "curve n3"][curve.node % 4];
        drawing = drawing.put(create("path", style.into()).a("d", d));
        let until = |at| curve.points.partition_point(|p| p.0 <= at);
        let end = crossed.map_or(curve.points.len(), until);
        let now = curve.points[..end].last().map_or(0, |p| p.1);
        let key = create("svg", "key".into())
            .a("viewBox", "0 0 22 8")
            .a("aria-hidden", "true")
            .put(create("path", style.into()).a("d", "M0 4H22"));
        ends = ends.put(
            el("li")
                .put(key)
                .put(leaf("b", node.name.clone()))
                .put(leaf("span num", [&group(now), " B"].concat())),
        );
    }
    let axis = el("p axis")
        .put(leaf(
            "span",
            [&seconds(first.at.since(v.zero)), " s"].concat(),
        ))
        .slot(
            limit
                .filter(|_| limit != Some(0))
                .map(|l| leaf("span limit", v.put(&w::C_LIMIT, &[&group(l)]))),
        )
        .put(leaf(
            "span",
            [&seconds(last.at.since(v.zero)), " s"].concat(),
        ));
    el("figure")
        .put(
            el("figcaption")
                .put(leaf("b", v.w(title)))
                .put(leaf("span", says)),
        )
        .put(el("div plot").put(drawing).put(ends))
        .put(axis)
}

/// All samples of the end as rows.
fn table(v: &View<'_>, samples: &[Sample]) -> El {
    let mut head = el("tr").put(leaf("th scope=col", "t"));
    for n in &v.s.nodes {
        for label in [&w::T_OFFSET, &w::T_BEHIND, &w::T_KEPT] {
            head = head.put(leaf("th num scope=col", v.put(label, &[&n.name])));
        }
    }
    let mut rows = Vec::new();
    for s in samples.iter().rev().take(ROWS) {
        let mut row = el("tr").key(&int(s.at.0)).put(leaf(
            "td num",
            [&seconds(s.at.since(v.zero)), " s"].concat(),
        ));
        for i in 0..v.s.nodes.len() {
            let p = s.nodes.get(i).copied().unwrap_or_default();
            let behind = p.behind.map_or(String::new(), group);
            let value = |n: u64| if p.alive { group(n) } else { "–".into() };
            row = row
                .put(leaf("td num", value(p.offset)))
                .put(leaf("td num", behind))
                .put(leaf("td num", value(p.kept)));
        }
        rows.push(row);
    }
    el("table grid")
        .put(el("thead").put(head))
        .put(el("tbody").list(rows))
}
