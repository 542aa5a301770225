//! The ring: the backlog of one node, byte for byte, with the replicas on it and the answer to the last PSYNC.
//! The byte `o` lies at 360° × ((o − origin) mod size) ⁄ size, clockwise from 12 o'clock.

use super::Cx;
use super::browse::about;
use super::pen::{
    D, El, P, arc, bead, circle, curved, curved_over, g, group, int, line, path, place, polar,
    rect, short, sin_cos, text, turn, width,
};
use super::select::bytes_hit;
use super::words::{fill, fill_n};
use crate::sim::snapshot::{
    BacklogView, Cell, FrameKind, FullCause, NodeView, Outcome, Phase, ReplicaView, Verdict,
};

/// Monospaced and proportional letters, as parts of the size.
const MONO: f32 = 0.605;
const SANS: f32 = 0.57;

/// How long a partial one stays in the drawing, at least.
const VERDICT_US: u64 = 4_000_000;

/// Size and place of a ring.
#[derive(Clone, Copy)]
pub struct Look {
    pub c: P,
    pub r0: f32,
    pub r1: f32,
    /// x, y and height of the patch panel: nothing is to lie on it.
    pub panel: Option<(f32, f32, f32)>,
    /// Where the drawing ends on the right.
    pub right: f32,
    /// Tracks and words; without, it is a ring that may be as small as the phone's.
    pub full: bool,
}

impl Look {
    /// The band is broad enough for the names of keys.
    fn labels(self) -> bool {
        self.r1 - self.r0 >= 30.0
    }
}

/// Where bytes lie.
pub struct Dial {
    size: f32,
    origin: i64,
}

impl Dial {
    pub fn of(b: &BacklogView) -> Self {
        Self {
            size: b.size.max(1) as f32,
            origin: b.origin as i64,
        }
    }

    /// How many bytes there are in a turn.
    pub fn bytes(&self) -> u64 {
        self.size as u64
    }

    /// The place of a byte in the array, from 0.
    pub fn slot(&self, offset: i64) -> u64 {
        (offset - self.origin).rem_euclid(self.size as i64) as u64
    }

    pub fn deg(&self, offset: i64) -> f32 {
        self.slot(offset) as f32 / self.size * 360.0
    }

    fn sweep(&self, bytes: u64) -> f32 {
        (bytes as f32 / self.size * 360.0).min(360.0)
    }
}

/// The verdict that the ring of this node still shows.
pub fn verdict<'a>(cx: &'a Cx<'_>, node: &NodeView) -> Option<&'a Verdict> {
    let v = cx
        .snap
        .verdict
        .as_deref()
        .filter(|v| v.master == node.name)?;
    let ago = cx.snap.now.since(v.at);
    let shows = match v.outcome {
        // One that nobody sent is of this very moment.
        _ if ago == 0 => true,
        // What it lacked is no news once it has a copy.
        Outcome::Full { .. } => cx.node(&v.replica).is_some_and(|r| {
            matches!(
                r.phase,
                Phase::Handshake { .. }
                    | Phase::WaitsForSnapshot
                    | Phase::Transfer { .. }
                    | Phase::Storing { .. }
                    | Phase::Loading { .. }
            )
        }),
        Outcome::Continue { .. } => {
            let behind =
                |a: &ReplicaView| a.name == v.replica && a.state == "online" && a.ack < v.offset;
            ago <= VERDICT_US || node.replicas.iter().any(behind)
        }
    };
    shows.then_some(v)
}

/// The oldest byte that the drawing has.
fn oldest(b: &BacklogView, offset: u64) -> u64 {
    b.first.max((offset + 1).saturating_sub(b.size))
}

pub fn ring(cx: &Cx<'_>, node: &NodeView, look: Look) -> El {
    let b = &node.backlog;
    let root = g("ring")
        .a("data-testid", "ring")
        .a("data-node-name", node.name.clone())
        .a("data-first", int(b.first))
        .a("data-histlen", int(b.histlen))
        .a("data-size", int(b.size))
        .a("data-offset", int(node.offset));
    if !b.active || b.size == 0 {
        return empty(cx, root, node, look);
    }
    let dial = Dial::of(b);
    let verdict = verdict(cx, node);
    let other = verdict.filter(|v| {
        matches!(
            v.outcome,
            Outcome::Full {
                cause: FullCause::OtherHistory
            }
        )
    });
    let cells = cells(cx, node, &dial, look);
    root.put(track(cx, node, &dial, look))
        .put(
            g(if other.is_some() {
                "cells faded"
            } else {
                "cells"
            })
            .list(cells),
        )
        .put(inside(node, &dial, look))
        .put(g("").list(second_id(cx, node, &dial, look)))
        .put(g("").list(replicas(cx, node, &dial, look, verdict)))
        .put(head(cx, node, &dial, look, verdict))
        .put(match other {
            Some(v) => ids(cx, node, v, look),
            None => centre(cx, node, look),
        })
}

/// The part without bytes.
fn track(cx: &Cx<'_>, node: &NodeView, dial: &Dial, look: Look) -> El {
    let b = &node.backlog;
    let mid = (look.r0 + look.r1) / 2.0;
    let out = g("track").put(circle("rail", look.c, mid).n("stroke-width", look.r1 - look.r0));
    let unused = b.size.saturating_sub(b.histlen);
    let sweep = dial.sweep(unused);
    if unused == 0 || sweep < 1.0 {
        return out;
    }
    let from = dial.deg(node.offset as i64 + 1);
    let mut out = out
        .put(path("track-edge", arc(look.c, look.r1, from, sweep)))
        .put(path("track-edge", arc(look.c, look.r0, from, sweep)));
    let label = fill_n(cx.w.unused, unused);
    if look.full && sweep.to_radians() * mid > width(&label, SANS) * 13.0 + 80.0 {
        out = out.put(curved(
            "muted t13",
            look.c,
            mid,
            from + sweep / 2.0,
            &label,
            13.0,
            SANS,
        ));
        // Which way the head goes.
        for i in 0..2 {
            let p = polar(look.c, mid, from + 8.0 + 4.5 * i as f32);
            let d = D::default().m((-4.0, -7.0)).l((4.0, 0.0)).l((-4.0, 7.0));
            out = out.put(
                path("chevron", d).a("transform", place(p.0, p.1, from + 8.0 + 4.5 * i as f32)),
            );
        }
    }
    out
}

/// Commands as they are drawn, those from byte `start` on: the first of some, from which byte to which, and how many.
/// Those too narrow to see go together.
pub fn runs(
    b: &BacklogView,
    start: u64,
    narrow: impl Fn(u64) -> bool,
) -> Vec<(&Cell, u64, u64, usize)> {
    let mut out: Vec<(&Cell, u64, u64, usize)> = Vec::new();
    let mut before = false;
    for cell in b.cells.iter().filter(|c| c.to >= start) {
        let thin = narrow(cell.to + 1 - cell.from.max(start));
        match out.last_mut() {
            Some((_, from, to, n)) if thin && before && narrow(*to + 1 - *from) => {
                (*to, *n) = (cell.to, *n + 1);
            }
            _ => out.push((cell, cell.from.max(start), cell.to, 1)),
        }
        before = thin;
    }
    out
}

/// One arc for each command that is wide enough to see.
fn cells(cx: &Cx<'_>, node: &NodeView, dial: &Dial, look: Look) -> Vec<El> {
    let b = &node.backlog;
    let start = oldest(b, node.offset);
    let px = |bytes: u64| dial.sweep(bytes).to_radians() * (look.r0 + look.r1) / 2.0;
    let narrow = if look.full { 5.0 } else { 3.5 };
    let mut out: Vec<El> = runs(b, start, |bytes| px(bytes) < narrow)
        .into_iter()
        .map(|(cell, from, to, n)| one_cell(cx, node, dial, look, cell, (from, to, n)))
        .collect();
    if look.full {
        out.extend(brackets(b, start, dial, look));
    }
    out
}

/// `n` commands from `cell` on, drawn from byte `from` to byte `to`.
fn one_cell(
    cx: &Cx<'_>,
    node: &NodeView,
    dial: &Dial,
    look: Look,
    cell: &Cell,
    (from, to, n): (u64, u64, usize),
) -> El {
    let yellow = cx.bytes_on(node);
    let (deg, sweep) = (dial.deg(from as i64), dial.sweep(to + 1 - from));
    let age = 1 + (((node.offset.saturating_sub(to)) as f32 / dial.size * 4.0) as usize).min(3);
    let on = yellow.is_some_and(|(a, z)| from <= z && to >= a);
    let mut class = String::from("cell ");
    class.push_str(if n > 1 {
        "k-write"
    } else {
        kind_class(cell.kind)
    });
    class.push_str(if cell.history % 2 == 1 { " h1 b" } else { " b" });
    class.push((b'0' + age as u8) as char);
    if on {
        class.push_str(" on");
    }
    let eaten = cell.from < from;
    let corner = if look.full { 6.0 } else { 4.0 };
    let gap = if look.full { 1.6 } else { 1.2 };
    let title = if n > 1 {
        fill(cx.w.commands, &[&group(n as u64), &group(to + 1 - from)])
    } else {
        about(cx, node, cell)
    };
    let shape = path(
        "",
        bead(look.c, (look.r0, look.r1), (deg, sweep), gap, corner, eaten),
    );
    let mut out = g(class)
        .key(&int(from))
        .a("data-sel", bytes_hit(&node.name, cell.from, to))
        .put(shape.title(title));
    let mid = (look.r0 + look.r1) / 2.0;
    if look.labels() && n == 1 && matches!(cell.kind, FrameKind::Write) {
        let room = sweep.to_radians() * mid - 8.0;
        let label = cell.label();
        if width(&label, MONO) * 12.0 <= room {
            out = out.put(curved(
                "t12 mono",
                look.c,
                mid,
                deg + sweep / 2.0,
                &label,
                12.0,
                MONO,
            ));
        }
    }
    out
}

pub fn kind_class(kind: FrameKind) -> &'static str {
    match kind {
        FrameKind::Ping | FrameKind::Getack => "k-ping",
        FrameKind::Select => "k-select",
        FrameKind::Transaction => "k-tx",
        _ => "k-write",
    }
}

/// MULTI…EXEC, outside the band.
fn brackets(b: &BacklogView, start: u64, dial: &Dial, look: Look) -> Vec<El> {
    let mut out = Vec::new();
    let mut open: Option<u64> = None;
    let kept = b.cells.iter().filter(|c| c.to >= start);
    for cell in kept.filter(|c| c.kind == FrameKind::Transaction) {
        if cell.text() == "MULTI" {
            open = Some(cell.from.max(start));
        } else if let Some(from) = open.take() {
            let (a, sweep) = (dial.deg(from as i64), dial.sweep(cell.to + 1 - from));
            let r = look.r1 + 6.0;
            let d = D::default()
                .m(polar(look.c, look.r1 + 2.0, a + 0.4))
                .l(polar(look.c, r, a + 0.4));
            let long = sweep - 0.8 > 180.0;
            let d = d
                .arc(r, long, true, polar(look.c, r, a + sweep - 0.4))
                .l(polar(look.c, look.r1 + 2.0, a + sweep - 0.4));
            let mut mark = g("bracket")
                .key(&["tx", &int(from)].concat())
                .put(path("", d));
            if sweep.to_radians() * r > 44.0 {
                mark = mark.put(curved(
                    "muted t12 mono",
                    look.c,
                    r + 9.0,
                    a + sweep / 2.0,
                    "MULTI",
                    12.0,
                    MONO,
                ));
            }
            out.push(mark);
        }
    }
    out
}

/// Ticks, the arc of what is kept, and the flag on its oldest byte.
fn inside(node: &NodeView, dial: &Dial, look: Look) -> El {
    let b = &node.backlog;
    let first = oldest(b, node.offset);
    let kept = (node.offset + 1).saturating_sub(first);
    let from = dial.deg(first as i64);
    if !look.full {
        return g("");
    }
    let mut step = 8;
    while b.size / step > 80 {
        step *= 2;
    }
    let mut ticks = D::default();
    let mut long = D::default();
    for i in 0..b.size / step {
        let deg = (i * step) as f32 / dial.size * 360.0;
        if i % 8 == 0 {
            long = long
                .m(polar(look.c, look.r0 - 8.0, deg))
                .l(polar(look.c, look.r0 - 15.0, deg));
        } else {
            ticks =
                ticks
                    .m(polar(look.c, look.r0 - 9.0, deg))
                    .l(polar(look.c, look.r0 - 13.0, deg));
        }
    }
    let flag = D::default()
        .m(polar(look.c, look.r0 - 1.0, from))
        .l(polar(look.c, look.r0 - 15.0, from))
        .l(polar(look.c, look.r0 - 11.0, from + 5.0))
        .l(polar(look.c, look.r0 - 7.0, from));
    g("inside")
        .put(path("tick", ticks))
        .put(path("tick long", long))
        .put(path(
            "kept",
            arc(look.c, look.r0 - 5.0, from, dial.sweep(kept)),
        ))
        .put(path("flag", flag))
}

/// Text inside the band, beside `deg`; none where it would run into the words of the centre.
fn beside(look: Look, deg: f32, class: &'static str, s: String, step: f32) -> Option<El> {
    let p = polar(look.c, look.r0 - 20.0, deg);
    let side = sin_cos(deg).0;
    let dy = p.1 - look.c.1;
    // The words of the centre reach lower than they reach up.
    if dy > -58.0 && dy < 73.0 {
        return None;
    }
    if side.abs() < 0.5 {
        return Some(
            text(
                class,
                look.c.0,
                look.c.1 + if dy < 0.0 { -69.0 } else { 79.0 },
                s,
            )
            .a("text-anchor", "middle"),
        );
    }
    let y = p.1 + if dy < 0.0 { 8.0 } else { 2.0 };
    let (anchor, x) = if side > 0.0 {
        ("end", p.0 - step)
    } else {
        ("start", p.0 + step)
    };
    Some(text(class, x, y, s).a("text-anchor", anchor))
}

/// The write head: where the next byte goes.
fn head(cx: &Cx<'_>, node: &NodeView, dial: &Dial, look: Look, verdict: Option<&Verdict>) -> El {
    let deg = dial.deg(node.offset as i64 + 1);
    let c = look.c;
    let mut out = g("head");
    out = out.put(line(
        "",
        polar(c, look.r0 - 3.0, deg),
        polar(c, look.r1 + 3.0, deg),
    ));
    if look.full {
        let tip = D::default()
            .m(polar(c, look.r0 - 2.0, deg))
            .l(polar(c, look.r0 - 19.0, deg - 5.5))
            .l(polar(c, look.r0 - 19.0, deg + 5.5))
            .z();
        out = out.put(path("pointer", tip));
        let next = beside(
            look,
            deg,
            "muted t13",
            fill_n(cx.w.next, node.offset + 1),
            14.0,
        );
        // The byte that was asked for, unless the two numbers would meet.
        if let Some(v) =
            verdict.filter(|v| v.asked > 0 && matches!(v.outcome, Outcome::Continue { bytes: 1.. }))
        {
            let at = dial.deg(v.asked);
            let (p, q) = (polar(c, look.r0 - 20.0, at), polar(c, look.r0 - 20.0, deg));
            if (p.1 < c.1) != (q.1 < c.1) || next.is_none() {
                out = out.put_if(beside(look, at, "t13", group(v.asked as u64), 0.0));
            }
        }
        out = out.put_if(next);
    }
    out
}

/// `histlen` and size where there is no room for words.
fn kept(b: &BacklogView) -> String {
    [&group(b.histlen), " / ", &group(b.size), " B"].concat()
}

/// Offset, histlen and first byte.
fn centre(cx: &Cx<'_>, node: &NodeView, look: Look) -> El {
    let (x, y) = look.c;
    let b = &node.backlog;
    let offset = group(node.offset);
    if !look.full {
        // In the smallest ring, the number alone.
        if look.r0 < 44.0 {
            if width(&offset, SANS) * 14.0 > 2.0 * look.r0 - 4.0 {
                return g("centre");
            }
            return g("centre").put(text("t14 b m", x, y + 5.0, offset));
        }
        let class = match node.offset {
            _ if look.r0 >= 74.0 => "big-n xs",
            100_000.. => "mid-n s",
            _ => "mid-n",
        };
        return g("centre").put(text(class, x, y + 5.0, offset)).put(text(
            "muted t13 m",
            x,
            y + 22.0,
            cx.w.offset,
        ));
    }
    let class = match node.offset {
        0..=99_999 => "big-n",
        100_000..=9_999_999 => "big-n s",
        _ => "big-n xs",
    };
    let mut histlen = fill(cx.w.histlen, &[&group(b.histlen), &group(b.size)]);
    if width(&histlen, SANS) * 14.0 > 1.75 * look.r0 {
        histlen = kept(b);
    }
    g("centre")
        .put(text("mono t13 m soft", x, y - 33.0, "master_repl_offset"))
        .put(text(class, x, y + 13.0, offset))
        .put(text("t14 m", x, y + 36.0, histlen))
        .put(text(
            "t14 m muted",
            x,
            y + 55.0,
            fill_n(cx.w.first, b.first),
        ))
}

fn empty(cx: &Cx<'_>, root: El, node: &NodeView, look: Look) -> El {
    let (x, y) = look.c;
    let mut out = root.put(circle("no-ring", look.c, look.r1));
    if !node.alive {
        return out.put(circle("no-ring", look.c, look.r0)).put(text(
            "t14 m muted",
            x,
            y + 5.0,
            cx.w.dead,
        ));
    }
    if !look.full {
        let [line, ..] = cx.w.no_backlog;
        return out.put(text("t12 m muted", x, y + 22.0, line)).put(text(
            "mid-n",
            x,
            y + 4.0,
            group(node.offset),
        ));
    }
    out = out
        .put(circle("no-ring", look.c, look.r0))
        .put(text("mono t13 m soft", x, y - 47.0, "master_repl_offset"))
        .put(text("big-n", x, y - 2.0, group(node.offset)));
    let [bold, a, b] = cx.w.no_backlog;
    out.put(text("t13 m b", x, y + 29.0, bold))
        .put(text("t13 m muted", x, y + 48.0, a))
        .put(text("t13 m muted", x, y + 66.0, b))
}

/// Two ids side by side that are not the same.
fn ids(cx: &Cx<'_>, node: &NodeView, v: &Verdict, look: Look) -> El {
    let (x, y) = look.c;
    let s = if look.full { 1.0 } else { 0.86 };
    let tag = |class: &'static str, dy: f32, id: &str| {
        g(class)
            .put(rect("", x - 47.0 * s, y + dy - 13.0, 94.0 * s, 26.0, 5.0))
            .put(text("mono t13 m", x, y + dy + 4.5, short(id, 9)))
    };
    let mut out = g("ids")
        .put(tag("id-tag", -26.0, &node.replid))
        .put(tag("id-tag wrong", 26.0, &v.asked_id))
        .put(text("neq", x, y + 6.0, "≠"));
    if look.full {
        out = out
            .put(text(
                "t13 m muted",
                x,
                y - 48.0,
                fill(cx.w.is, &[&node.name]),
            ))
            .put(text(
                "t13 m muted",
                x,
                y + 58.0,
                fill(cx.w.asked_for, &[&v.replica]),
            ));
    }
    out
}

/// After a promotion: up to where the second id holds.
fn second_id(cx: &Cx<'_>, node: &NodeView, dial: &Dial, look: Look) -> Vec<El> {
    let b = &node.backlog;
    let at = node.second_offset;
    if at <= 0
        || (at as u64) < oldest(b, node.offset)
        || at as u64 > node.offset + 1
        || node.replid2.starts_with("0000")
    {
        return Vec::new();
    }
    let deg = dial.deg(at);
    let mut out = vec![line(
        "id2",
        polar(look.c, look.r0 - 8.0, deg),
        polar(look.c, look.r1 + 12.0, deg),
    )];
    if look.full {
        let label = fill_n(cx.w.id2_ends, at as u64);
        let r = look.r1 + 12.0;
        let step = ((width(&label, SANS) * 6.0 + 6.0) / r).to_degrees();
        out.push(curved_over(
            "t12",
            look.c,
            r,
            deg - step,
            &label,
            12.0,
            SANS,
        ));
    }
    out
}

/// One pill, for all replicas that wait for the same byte.
struct Pill {
    names: Vec<String>,
    /// The byte it needs next.
    at: u64,
    online: bool,
    /// From there to the head.
    behind: u64,
    /// Not acknowledged; more than `behind` where the ring has passed an online replica.
    open: u64,
    /// Already overwritten of what it needs.
    gone: u64,
}

impl Pill {
    /// `r1 r2`, `r1 r2 +3`.
    fn label(&self, most: usize) -> String {
        if self.names.len() <= most {
            return short(&self.names.join(" "), 14);
        }
        let mut s = short(&self.names[..most.max(2) - 1].join(" "), 10);
        s.push_str(" +");
        s.push_str(&int((self.names.len() + 1 - most.max(2)) as u64));
        s
    }
}

fn pills(cx: &Cx<'_>, node: &NodeView, verdict: Option<&Verdict>) -> Vec<Pill> {
    let first = oldest(&node.backlog, node.offset);
    let mut out: Vec<Pill> = Vec::new();
    let mut add = |name: &str, at: u64, online: bool| {
        let open = (node.offset + 1).saturating_sub(at);
        // What an online one still misses is on its way, out of the ring's reach or not.
        let at = if online { at.max(first) } else { at };
        let gone = first.saturating_sub(at);
        let behind = (node.offset + 1).saturating_sub(at);
        match out.iter_mut().find(|p| p.at == at && p.online == online) {
            Some(p) => p.names.push(name.into()),
            None => out.push(Pill {
                names: vec![name.into()],
                at,
                online,
                behind,
                open,
                gone,
            }),
        }
    };
    let missed = verdict.filter(|v| {
        matches!(
            v.outcome,
            Outcome::Full {
                cause: FullCause::TooOld { .. }
            }
        )
    });
    for r in &node.replicas {
        let online = r.state == "online";
        if (online || r.state == "offline") && missed.is_none_or(|v| v.replica != r.name) {
            // A node of ours that follows another master now is no longer this node's concern.
            let follows = cx
                .node(&r.name)
                .is_none_or(|n| online || n.master.as_deref() == Some(&node.name));
            if follows {
                add(&r.name, r.ack + 1, online);
            }
        }
    }
    if let Some(v) = missed {
        add(&v.replica, v.asked.max(1) as u64, false);
    }
    // What was gone when it asked, not what has gone since.
    if let Some((
        Outcome::Full {
            cause: FullCause::TooOld { gone },
        },
        asked,
    )) = missed.map(|v| (&v.outcome, v.asked.max(1) as u64))
    {
        for p in out.iter_mut().filter(|p| p.at == asked && !p.online) {
            p.gone = *gone;
        }
    }
    let mut sorted: Vec<Pill> = Vec::new();
    for p in out {
        let rank = |p: &Pill| (p.behind, !p.online);
        sorted.insert(sorted.partition_point(|q| rank(q) <= rank(&p)), p);
    }
    sorted
}

fn replicas(
    cx: &Cx<'_>,
    node: &NodeView,
    dial: &Dial,
    look: Look,
    verdict: Option<&Verdict>,
) -> Vec<El> {
    let c = look.c;
    let list = pills(cx, node, verdict);
    let head_deg = dial.deg(node.offset as i64 + 1);
    let mut under: Vec<El> = Vec::new();
    let mut over: Vec<El> = Vec::new();
    let out_r = look.r1 + if look.full { 28.0 } else { 20.0 };
    let mut before: Option<(f32, f32)> = None;
    let mut taken: Vec<(P, f32)> = Vec::new();
    let mut tracks = 0;
    let mut pill_degs: Vec<(f32, f32)> = Vec::new();
    let mut length: Option<(f32, f32, f32, String)> = None;
    let fallen = list
        .iter()
        .filter(|p| p.gone > 0)
        .max_by_key(|p| p.gone)
        .map(|p| p.at);
    let longest = list
        .iter()
        .filter(|p| p.behind > 0 && p.gone == 0)
        .map(|p| p.behind)
        .max();

    // The bytes that a lost link would still get, or that PSYNC just got.
    match verdict.map(|v| (v, &v.outcome)) {
        Some((v, Outcome::Continue { bytes: 1.. }))
            if v.asked > 0 && v.asked as u64 >= oldest(&node.backlog, node.offset) =>
        {
            let n = (v.offset + 1).saturating_sub(v.asked as u64);
            under.push(path(
                "frame",
                bead(
                    c,
                    (look.r0 - 3.0, look.r1 + 3.0),
                    (dial.deg(v.asked), dial.sweep(n)),
                    0.0,
                    8.0,
                    false,
                ),
            ));
        }
        _ => {
            if let Some(p) = list
                .iter()
                .rfind(|p| !p.online && p.gone == 0 && p.behind > 0)
            {
                under.push(path(
                    "frame away",
                    bead(
                        c,
                        (look.r0 - 3.0, look.r1 + 3.0),
                        (dial.deg(p.at as i64), dial.sweep(p.behind)),
                        0.0,
                        8.0,
                        false,
                    ),
                ));
            }
        }
    }

    for p in &list {
        let deg = dial.deg(p.at as i64);
        // On the left the keys are near.
        let most = if !look.full {
            2
        } else if sin_cos(deg).0 < -0.7 {
            1
        } else {
            3
        };
        let label = p.label(most);
        let (w, h) = (
            width(&label, 0.58) * 13.0 + 18.0,
            if look.full { 22.0 } else { 20.0 },
        );
        if p.gone > 0 {
            if Some(p.at) == fallen {
                over.push(ghost(cx, node, dial, look, p).key("#ghost"));
            }
            continue;
        }
        // Pills must not cover each other: the later one steps back along the ring.
        let wanted = p.behind as f32 / dial.size * 360.0;
        let need = |deg: f32, w: f32| {
            let (sin, cos) = sin_cos(deg);
            (cos.abs() * w + sin.abs() * h) / 2.0 + 3.0
        };
        let back = match before {
            Some((back, extent)) => {
                wanted.max(back + ((extent + need(deg, w)) / out_r).to_degrees())
            }
            // Where a fallen one lies beside the head, the pill steps forward.
            None if fallen.is_some() => -((need(deg, w) + 6.0) / out_r).to_degrees(),
            None => wanted - 3.0,
        };
        pill_degs.push((head_deg - back, w));
        before = Some((back, need(head_deg - back, w)));
        let pill_deg = head_deg - back;
        // Beside a small ring a wide pill steps out, or it would lie on the beads.
        let clear = look.r1 + 4.0 + (h + (w - h) * sin_cos(pill_deg).0.abs()) / 2.0;
        let r = if look.full { out_r } else { clear.max(out_r) };
        let (dot, mut at) = (polar(c, look.r1 + 3.0, deg), polar(c, r, pill_deg));
        at.0 = at.0.min(look.right - w / 2.0 - 2.0);
        if let Some((x, top, tall)) = look.panel.filter(|_| !look.full) {
            let (over, under) = (top - h / 2.0 - 5.0, top + tall + h / 2.0 + 5.0);
            if at.0 + w / 2.0 > x - 4.0 && at.1 > over && at.1 < under {
                let free = |y: f32| {
                    let near = |q: &(P, f32)| {
                        let apart = (w + q.1) / 2.0 + 3.0;
                        (q.0.0 - at.0).abs() < apart && (q.0.1 - y).abs() < h + 2.0
                    };
                    !taken.iter().any(near)
                };
                let upper = at.1 < top + tall / 2.0;
                at.1 = if upper == free(if upper { over } else { under }) {
                    over
                } else {
                    under
                };
            }
        }
        taken.push((at, w));
        if p.behind > 0 {
            let r = out_r - 6.0 + 8.0 * (tracks % 3) as f32 * if look.full { 1.0 } else { 0.5 };
            tracks += 1;
            let sweep = dial.sweep(p.behind) - 1.0;
            // Where a fallen one's bytes are drawn, there is no room for it.
            if sweep > 2.0 && fallen.is_none() {
                under.push(path("lag", arc(c, r, deg, sweep)));
            }
            let label = fill_n(cx.w.bytes, p.open);
            if look.full && fallen.is_none() && longest == Some(p.behind) && length.is_none() {
                length = Some((r, deg, sweep, label));
            }
        }
        let sel = ["node:", p.names.first().map_or("", |n| n)].concat();
        over.push(
            g(if p.online { "pill" } else { "pill off" })
                .key(&p.names.join(" "))
                .a("data-sel", sel)
                .put(line("stem", dot, at))
                .put(circle("dot", dot, 3.2))
                .put(rect("", at.0 - w / 2.0, at.1 - h / 2.0, w, h, h / 2.0))
                .put(text("t13 b m", at.0, at.1 + 4.5, label)),
        );
    }
    // The length stands where no pill is.
    if let Some((r, deg, sweep, label)) = length {
        let half = (width(&label, SANS) * 6.5 + 8.0) / r;
        let free = |mid: f32| {
            let inside = (mid - deg).min(deg + sweep - mid).to_radians() > half;
            inside
                && pill_degs.iter().all(|&(p, w)| {
                    (turn(p - mid + 180.0) - 180.0).abs().to_radians() > half + (w / 2.0) / r
                })
        };
        if let Some(mid) = [0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8]
            .iter()
            .map(|part| deg + sweep * part)
            .find(|&mid| free(mid))
        {
            under.push(curved_over("t13", c, r, mid, &label, 13.0, SANS));
        }
    }
    if let Some(v) = verdict {
        over.extend(miss(cx, node, dial, look, v));
    }
    // Keys on some and none on others would confuse the order: each kind in a group of its own.
    vec![g("").list(under), g("").list(over)]
}

/// A replica that fell off: its overwritten bytes outside the ring, at their old place, and its pill on a broken stem.
fn ghost(cx: &Cx<'_>, node: &NodeView, dial: &Dial, look: Look, p: &Pill) -> El {
    let c = look.c;
    let (g0, g1) = if look.full {
        (look.r1 + 6.0, look.r1 + 28.0)
    } else {
        (look.r1 + 5.0, look.r1 + 20.0)
    };
    let mid = (g0 + g1) / 2.0;
    let last = p.at + p.gone - 1;
    // No more than most of one turn.
    let from =
        p.at.max((last + 1).saturating_sub((dial.size * 0.8) as u64));
    let mut out = g("ghost");
    let mut at = from;
    for (a, z, label) in cx.old_beads(node, from, last) {
        let (a, z) = (a.max(from), z.min(last));
        if a > at {
            out = out.put(ghost_bead(c, g0, g1, dial, at, a - 1, ""));
        }
        if z >= a && z >= at {
            out = out.put(ghost_bead(
                c,
                g0,
                g1,
                dial,
                a.max(at),
                z,
                if look.full { &label } else { "" },
            ));
            at = z + 1;
        }
    }
    if at <= last {
        out = out.put(ghost_bead(c, g0, g1, dial, at, last, ""));
    }
    let start = dial.deg(from as i64);
    let x = polar(c, mid, start);
    let label = p.label(2);
    let w = width(&label, 0.58) * 13.0 + 18.0;
    let pill = polar(
        c,
        mid + if look.full { 4.0 } else { 8.0 },
        start - ((w / 2.0 + 24.0) / mid).to_degrees(),
    );
    out = out.put(line("stem broken", x, pill)).put(cross(x, 6.0));
    out = out
        .put(rect("tag", pill.0 - w / 2.0, pill.1 - 11.0, w, 22.0, 11.0))
        .put(text("t13 b m", pill.0, pill.1 + 4.5, label));
    if look.full {
        let gone = fill_n(cx.w.gone, p.gone);
        let sweep = dial.sweep(last + 1 - from);
        let half = ((width(&gone, SANS) * 12.0 / 2.0) / g1).to_degrees();
        out = out.put(curved(
            "t12 b problem",
            c,
            g1 + 10.0,
            start + (sweep / 2.0).max(half),
            &gone,
            12.0,
            SANS,
        ));
    }
    out
}

fn ghost_bead(c: P, g0: f32, g1: f32, dial: &Dial, from: u64, to: u64, label: &str) -> El {
    let (deg, sweep) = (dial.deg(from as i64), dial.sweep(to + 1 - from));
    let mid = (g0 + g1) / 2.0;
    let mut out = g("").put(path(
        "hatched",
        bead(c, (g0, g1), (deg, sweep), 1.6, 5.0, false),
    ));
    if !label.is_empty() && width(label, MONO) * 12.0 + 8.0 < sweep.to_radians() * mid {
        out = out.put(curved_over(
            "t12 mono problem",
            c,
            mid,
            deg + sweep / 2.0,
            label,
            12.0,
            MONO,
        ));
    }
    out
}

pub fn cross(p: P, r: f32) -> El {
    let d = D::default()
        .m((p.0 - r, p.1 - r))
        .l((p.0 + r, p.1 + r))
        .m((p.0 - r, p.1 + r))
        .l((p.0 + r, p.1 - r));
    path("x", d)
}

/// The refusals that have no ghost: too far, beyond the second id, new.
fn miss(cx: &Cx<'_>, node: &NodeView, dial: &Dial, look: Look, v: &Verdict) -> Vec<El> {
    let Outcome::Full { cause } = &v.outcome else {
        return Vec::new();
    };
    let c = look.c;
    let out_r = look.r1 + if look.full { 32.0 } else { 22.0 };
    match cause {
        FullCause::TooFar | FullCause::BeyondSecond { .. } if v.asked > 0 => {
            let deg = dial.deg(v.asked);
            let mid = polar(c, (look.r0 + look.r1) / 2.0, deg);
            let at = polar(c, out_r, deg);
            let w = width(&v.replica, 0.58) * 13.0 + 18.0;
            let mut out = vec![
                g("ghost")
                    .put(line("stem broken", mid, at))
                    .put(cross(mid, 6.0))
                    .put(rect("tag", at.0 - w / 2.0, at.1 - 11.0, w, 22.0, 11.0))
                    .put(text("t13 b m", at.0, at.1 + 4.5, v.replica.clone()))
                    .key("#miss"),
            ];
            if look.full {
                let label = match cause {
                    FullCause::BeyondSecond { up_to } => {
                        fill(cx.w.vouches, &[&node.name, &group((*up_to).max(0) as u64)])
                    }
                    _ => fill_n(cx.w.too_far, v.asked as u64),
                };
                let side = sin_cos(deg).0 >= 0.0;
                let step = ((w / 2.0 + 12.0 + width(&label, SANS) * 13.0 / 2.0) / (out_r + 4.0))
                    .to_degrees();
                out.push(
                    curved(
                        "t13 problem",
                        c,
                        out_r,
                        deg + if side { -step } else { step },
                        &label,
                        13.0,
                        SANS,
                    )
                    .key("#why"),
                );
            }
            out
        }
        FullCause::New if look.full => {
            let label = fill(cx.w.new_here, &[&v.replica]);
            let w = width(&label, SANS) * 13.0 + 22.0;
            let at = (c.0 - 92.0, c.1 - 187.0);
            vec![
                g("newcomer")
                    .put(rect("", at.0 - w / 2.0, at.1 - 11.0, w, 22.0, 11.0))
                    .put(text("t13 m", at.0, at.1 + 4.5, label))
                    .key("#new"),
            ]
        }
        _ => Vec::new(),
    }
}

/// The ring on a plate: what is kept, its newest quarter, the head.
pub fn small(node: &NodeView, c: P, r: f32) -> El {
    let b = &node.backlog;
    if !b.active || b.size == 0 {
        return circle("no-ring", c, r);
    }
    let dial = Dial::of(b);
    let first = oldest(b, node.offset);
    let kept = (node.offset + 1).saturating_sub(first);
    let newest = kept.min(b.size / 4);
    let head = dial.deg(node.offset as i64 + 1);
    let h1 = b.cells.back().is_some_and(|cell| cell.history % 2 == 1);
    g(if h1 { "mini h1" } else { "mini" })
        .put(circle("rail", c, r))
        .put(path(
            "old",
            arc(c, r, dial.deg(first as i64), dial.sweep(kept)),
        ))
        .put(path(
            "new",
            arc(c, r, head - dial.sweep(newest), dial.sweep(newest)),
        ))
        .put(line("", polar(c, r - 5.0, head), polar(c, r + 6.0, head)))
}
