//! Five charts over time, each with a sentence that says what it comes to; and the same as a table.

use super::words as w;
use crate::player::Player;
use crate::sim::snapshot::{NodeView, Snapshot};
use crate::time::Instant;
use crate::ui::View;
use crate::ui::dom::{El, create, el, int, leaf, push_num};
use crate::ui::sentence::{Said, group, seconds};

/// Samples that are kept; when there are more, every second one goes.
const KEPT: usize = 480;
/// Between two samples.
const STEP_US: u64 = 50_000;
/// A limit is drawn where it is no more than so many times as high as what was there.
const REACH: u64 = 8;
/// Rows of the table.
const ROWS: usize = 60;

/// What is drawn of one node at one moment, in bytes.
#[derive(Clone, Copy, Default)]
struct Point {
    alive: bool,
    offset: u64,
    behind: Option<u64>,
    kept: u64,
    /// What waits for the one of its replicas for which most does, and at how much that one is disconnected (0: never);
    /// of a node that has or may have replicas.
    waits: Option<(u64, u64)>,
    replica: bool,
}

struct Sample {
    at: Instant,
    /// In the order of the nodes.
    nodes: Vec<Point>,
    /// Acknowledged writes that no node has any more, and reads that a replica answered that was behind.
    counts: [u64; 2],
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
    pub fn observe(&mut self, s: &Snapshot, player: &Player) {
        let all = &mut self.all;
        while all.last().is_some_and(|last| last.at >= s.now) {
            all.pop();
        }
        // The newest is always there; what is kept behind it is a step apart.
        if let [.., before, last] = &all[..]
            && last.at.since(before.at) < STEP_US
        {
            all.pop();
        }
        let point = |n: &std::rc::Rc<NodeView>| Point {
            alive: n.alive,
            offset: n.offset,
            behind: n.behind,
            kept: n.backlog.histlen,
            waits: waits(n),
            replica: n.replica,
        };
        all.push(Sample {
            at: s.now,
            nodes: s.nodes.iter().map(point).collect(),
            // A world in which nothing was written has nothing to lose, and nothing that is old.
            counts: if s.writes.is_empty() {
                [0; 2]
            } else {
                counts(s, player)
            },
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

/// What waits for the replica for which most does, and how much may.
fn waits(n: &NodeView) -> Option<(u64, u64)> {
    let most = n.replicas.iter().map(|r| r.output).max();
    let most = most
        .or_else(|| (!n.replica).then_some(0))
        .filter(|_| n.alive)?;
    Some((most, n.replica_limit))
}

#[inline(never)]
fn counts(s: &Snapshot, player: &Player) -> [u64; 2] {
    [s.lost().count() as u64, player.stale_reads()]
}

/// A curve: the number of its style, and its values with their moments.
struct Curve {
    style: usize,
    name: String,
    unit: &'static str,
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
                out.push(Curve {
                    style: node,
                    name: v.s.nodes[node].name.clone(),
                    unit: " B",
                    points,
                });
            }
        }
        out
    };
    let point = |s: &Sample, i: usize| s.nodes.get(i).copied().filter(|p| p.alive);
    let behind = curves(&|s, i| point(s, i).filter(|p| p.replica)?.behind);
    let offset = curves(&|s, i| Some(point(s, i)?.offset));
    let kept = curves(&|s, i| Some(point(s, i)?.kept));
    let waiting = curves(&|s, i| Some(point(s, i)?.waits?.0));
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
    out.put(
        el("div panels")
            .put(chart(v, &w::C1, behind_says, &behind, ring(size)))
            .put(chart(
                v,
                &w::C2,
                v.put(&w::C_RATE, &[&group(rate)]),
                &offset,
                None,
            ))
            .put(chart(v, &w::C3, kept_says, &kept, ring(size)))
            .put(output(v, &waiting))
            .put(fates(v, samples)),
    )
}

/// A line that a chart has across it: at how much, and the words for it.
type Limit = Option<(u64, &'static Said)>;

fn ring(size: u64) -> Limit {
    (size > 0).then_some((size, &w::C_LIMIT))
}

/// What waits for replicas, and where a replica is disconnected for it.
#[inline(never)]
fn output(v: &View<'_>, curves: &[Curve]) -> El {
    let each =
        v.s.nodes
            .iter()
            .filter_map(|n| waits(n).map(|(most, limit)| (most, limit, &n.name)));
    // The one that is nearest to its end.
    let room = |limit: u64, most: u64| {
        limit
            .checked_sub(1)
            .map_or(u64::MAX, |l| l.saturating_sub(most))
    };
    let Some((most, limit, name)) = each.min_by_key(|(most, limit, _)| room(*limit, *most)) else {
        return chart(v, &w::C4, v.w(&w::C_NOBODY).into(), curves, None);
    };
    let says = match limit {
        0 => v.put(&w::C_NO_END, &[&group(most), name]),
        _ => v.put(&w::C_WAITS, &[&group(most), name, &group(limit)]),
    };
    // Far above all that was there it would only press the curves to the ground.
    let highest = curves.iter().flat_map(|c| &c.points).map(|p| p.1).max();
    let near = limit > 0 && highest.is_some_and(|highest| limit / REACH <= highest);
    chart(v, &w::C4, says, curves, near.then_some((limit, &w::C_HARD)))
}

/// Writes that are lost, and reads that were stale.
#[inline(never)]
fn fates(v: &View<'_>, samples: &[Sample]) -> El {
    let curve = |(i, name): (usize, &Said)| Curve {
        style: i,
        name: v.w(name).into(),
        unit: "",
        points: samples.iter().map(|s| (s.at, s.counts[i])).collect(),
    };
    let curves: Vec<Curve> = w::C5_CURVES.iter().enumerate().map(curve).collect();
    let counts = samples.last().map_or([0; 2], |s| s.counts);
    let say = |n: u64, said: &'static [Said; 3]| v.put(&said[n.min(2) as usize], &[&group(n)]);
    let says = [say(counts[0], &w::C_LOST), say(counts[1], &w::C_STALE)].concat();
    chart(v, &w::C5, says, &curves, None)
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

fn chart(v: &View<'_>, title: &Said, says: String, curves: &[Curve], limit: Limit) -> El {
    let samples = &v.views.samples.all;
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
        return el("figure");
    };
    let span = last.at.since(first.at).max(1) as f32;
    let all = curves.iter().flat_map(|c| c.points.iter().map(|p| p.1));
    let top = all.chain(limit.map(|l| l.0)).max().unwrap_or(1).max(1);
    let top = top + top / 12;
    let y = |value: u64| 96.0 - value as f32 * 92.0 / top as f32;
    let mut drawing = create("svg", "curves".into())
        .a("viewBox", "0 0 1000 100")
        .a("preserveAspectRatio", "none")
        .a("aria-hidden", "true")
        .put(el("path base d=M0,96H1000"));
    if let Some((limit, _)) = limit {
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
        let style = ["curve n0", "curve n1", "curve n2", "curve n3"][curve.style % 4];
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
                .put(leaf("b", curve.name.clone()))
                .put(leaf("span num", [&group(now), curve.unit].concat())),
        );
    }
    let axis = el("p axis")
        .put(leaf(
            "span",
            [&seconds(first.at.since(v.zero)), " s"].concat(),
        ))
        .slot(limit.map(|(at, said)| leaf("span limit", v.put(said, &[&group(at)]))))
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
        for label in [&w::T_OFFSET, &w::T_BEHIND, &w::T_KEPT, &w::T_WAITS] {
            head = head.put(leaf("th num scope=col", v.put(label, &[&n.name])));
        }
    }
    for label in [&w::LOST_WRITES, &w::STALE_READS] {
        head = head.put(leaf("th num scope=col", v.w(label)));
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
                .put(leaf("td num", value(p.kept)))
                .put(leaf("td num", p.waits.map_or(String::new(), out_of)));
        }
        for count in s.counts {
            row = row.put(leaf("td num", group(count)));
        }
        rows.push(row);
    }
    el("table grid")
        .put(el("thead").put(head))
        .put(el("tbody").list(rows))
}

/// What waits, of how much may.
fn out_of((waits, limit): (u64, u64)) -> String {
    match limit {
        0 => [&group(waits), " / –"].concat(),
        _ => [&group(waits), " / ", &group(limit)].concat(),
    }
}
