//! A node that is not in focus: a plate with its offset, its tiles and its state; and what plates and the drum share.

use super::Cx;
use super::keys::{Diff, State, TILES, count, diff};
use super::pen::{
    D, El, P, circle, create, el, g, group, int, line, path, place, polar, rect, short, text,
};
use super::place::{Plate, Size};
use super::ring;
use super::wires::marks;
use super::words::{fill, percent, phase};
use crate::sim::snapshot::{NodeView, Phase};
use crate::ui::dom::within;

/// The shape that tells the role; a crown where there are several masters.
pub fn glyph(cx: &Cx<'_>, node: &NodeView, c: P, r: f32) -> El {
    match role(node) {
        Role::Master => {
            let mut d = D::default();
            if cx.masters > 1 && node.alive {
                let (x, y) = c;
                d = d
                    .m((x - r, y - r * 0.55))
                    .l((x - r * 0.42, y))
                    .l((x, y - r))
                    .l((x + r * 0.42, y))
                    .l((x + r, y - r * 0.55))
                    .l((x + r * 0.8, y + r * 0.85))
                    .l((x - r * 0.8, y + r * 0.85));
            } else {
                for i in 0..5 {
                    let p = polar(c, r, 72.0 * i as f32);
                    d = if i == 0 { d.m(p) } else { d.l(p) };
                }
            }
            path("glyph master", d.z())
        }
        Role::Replica => circle("glyph replica", c, r * 0.86),
        Role::Sub => {
            let d = D::default()
                .m((c.0, c.1 - r))
                .l((c.0 + r, c.1))
                .l((c.0, c.1 + r))
                .l((c.0 - r, c.1))
                .z();
            path("glyph sub", d)
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Master,
    Replica,
    Sub,
}

pub fn role(node: &NodeView) -> Role {
    match (node.replica, node.depth) {
        (false, _) => Role::Master,
        (true, 0 | 1) => Role::Replica,
        _ => Role::Sub,
    }
}

pub fn role_word(cx: &Cx<'_>, node: &NodeView) -> &'static str {
    match role(node) {
        Role::Master => cx.w.master,
        Role::Replica => cx.w.replica,
        Role::Sub => cx.w.sub,
    }
}

pub fn role_class(node: &NodeView) -> &'static str {
    match role(node) {
        Role::Master => "of-m",
        Role::Replica => "of-r",
        Role::Sub => "of-s",
    }
}

/// Dot good, triangle waiting, hollow off.
pub fn lamp(node: &NodeView, c: P) -> El {
    match node.phase {
        Phase::Master | Phase::Online => circle("lamp good", c, 4.2),
        Phase::Dead | Phase::Down { .. } => circle("lamp off", c, 4.2),
        // Whether it is well is not ours to say.
        Phase::Outside => circle("lamp", c, 4.2),
        _ => path(
            "lamp wait",
            D::default()
                .m((c.0, c.1 - 5.0))
                .l((c.0 + 5.2, c.1 + 4.2))
                .l((c.0 - 5.2, c.1 + 4.2))
                .z(),
        ),
    }
}

pub fn state_words(cx: &Cx<'_>, node: &NodeView) -> String {
    phase(cx.w, &node.phase, cx.snap.now, node.lag_s, node.behind)
}

/// Away: drawn dashed and hatched.
pub fn away(node: &NodeView) -> bool {
    matches!(node.phase, Phase::Dead | Phase::Down { .. })
}

/// How much of the phase is done, in percent.
pub fn progress(node: &NodeView) -> Option<u64> {
    match node.phase {
        Phase::Transfer { got: done, total }
        | Phase::Storing { done, total }
        | Phase::Loading { done, total }
        | Phase::Starting { done, total } => Some(percent(done, total)),
        _ => None,
    }
}

/// The attributes that tests and tools read.
pub fn data(out: El, node: &NodeView) -> El {
    out.a("data-node", node.name.clone())
        .a("data-role", if node.replica { "replica" } else { "master" })
        .a("data-replid", node.replid.clone())
        .a("data-offset", int(node.offset))
        .a("data-link", node.phase.kind())
        .a("data-keys", int(node.key_count))
        .a("data-behind", node.behind.map_or_else(String::new, int))
}

/// `= m`, `−133 B`, `≠ other history`.
pub fn difference(cx: &Cx<'_>, node: &NodeView) -> String {
    let Some(master) = cx.root(node).filter(|root| node.replica && root.alive) else {
        return String::new();
    };
    match node.behind {
        Some(0) => fill(cx.w.equal, &[&master.name]),
        Some(n) => ["−", &group(n), " B"].concat(),
        None if node.offset == 0 || master.replid == node.replid => String::new(),
        None => cx.w.other.into(),
    }
}

/// Nothing of any stream has reached this node.
fn blank(node: &NodeView) -> bool {
    node.replica && node.keys.is_empty() && node.behind.is_none()
}

/// Tiles in rows of `per_row`.
pub fn tiles(
    cx: &Cx<'_>,
    node: &NodeView,
    d: &Diff<'_>,
    at: P,
    side: f32,
    pitch: f32,
    per_row: usize,
) -> El {
    let yellow = cx.bytes_on(node);
    // While a snapshot is loaded, its prints develop into tiles.
    let developed = match node.phase {
        Phase::Loading { done, total } | Phase::Starting { done, total } => {
            Some(TILES as u64 * done / total.max(1))
        }
        _ => None,
    };
    let mut out = Vec::new();
    for (i, tile) in d.tiles.iter().enumerate() {
        let (x, y) = (
            at.0 + pitch * (i % per_row) as f32,
            at.1 + pitch * (i / per_row) as f32,
        );
        let on = tile.state != State::Missing
            && tile
                .set_by
                .zip(yellow)
                .is_some_and(|((a, z), (from, to))| a <= to && z >= from);
        let class = match (tile.state, developed) {
            (_, Some(n)) if (i as u64) < n => "tile",
            (_, Some(_)) => "tile print",
            (State::Missing, _) => "tile missing",
            (State::Old, _) => "tile old",
            (State::Same, _) => "tile",
        };
        let class = if on {
            [class, " on"].concat()
        } else {
            class.into()
        };
        // Too small to be hit: a click is for the plate.
        let mut one = g(class).nth(i).put(
            rect("", x, y, side, side, if side > 11.0 { 3.0 } else { 2.0 })
                .title(tile.key.name.clone()),
        );
        if tile.state == State::Old && developed.is_none() {
            one = one.put(line(
                "",
                (x + 3.0, y + side - 3.0),
                (x + side - 3.0, y + 3.0),
            ));
        }
        out.push(one);
    }
    g("tiles").list(out)
}

/// The file on the replica's disk: prints land on it.
fn disk(at: P, percent: u64) -> El {
    let (x, y) = at;
    let d = D::default()
        .m((x - 13.0, y))
        .l((x - 13.0, y + 7.0))
        .q((x, y + 14.0), (x + 13.0, y + 7.0))
        .l((x + 13.0, y));
    let lid = D::default()
        .m((x - 13.0, y))
        .q((x, y + 7.0), (x + 13.0, y))
        .q((x, y - 7.0), (x - 13.0, y))
        .z();
    let mut out = g("disk").put(path("", d)).put(path("", lid));
    let prints = 1 + percent / 34;
    for i in 0..prints.min(3) {
        out = out.put(rect(
            "print",
            x - 7.0,
            y - 6.0 - 4.5 * i as f32,
            14.0,
            10.0,
            2.0,
        ));
    }
    out
}

/// A real server: the badge, and what it has told of itself.
fn outside(cx: &Cx<'_>, node: &NodeView, p: &Plate, out: El) -> El {
    let (x, y, edge) = (p.x, p.y, p.x + p.w - 12.0);
    let row = within(p.h / 2.0, 17.0, 21.0);
    // Where the plate is narrow, its first word.
    let badge = match p.w < 170.0 {
        true => cx.w.real.split(' ').next().unwrap_or_default(),
        false => cx.w.real,
    };
    let wide = super::pen::width(badge, 0.66) * 12.0 + 12.0;
    let mut out = out
        .put(glyph(cx, node, (x + 19.0, y + row), 7.0))
        .put(names(cx, node, x + 32.0, y + row + 5.5, false))
        .put(rect("badge", edge - wide, y + row - 9.0, wide, 18.0, 4.0))
        .put(text(
            "badge-text t12 m",
            edge - wide / 2.0,
            y + row + 4.3,
            badge,
        ));
    if p.h >= 74.0 {
        let number = match node.offset {
            0 => cx.w.no_offset.into(),
            n => group(n),
        };
        if p.h > 110.0 {
            let id = el("tspan t12 mono muted").a("dx", "9");
            let line = el("text").n("x", x + 14.0).n("y", y + 76.0);
            out = out
                .put(text("t12 muted", x + 14.0, y + 53.0, cx.w.heard))
                .put(
                    line.put(el("tspan off-m").text(number))
                        .put(id.text(short(&node.replid, 9))),
                );
        } else {
            let line = el("text e").n("x", edge).n("y", y + p.h - 9.4);
            out = out.put(line.put(el("tspan off-s").text(number)));
        }
        out = out.put(lamp(node, (x + 18.0, y + p.h - 14.0))).put(text(
            "t13",
            x + 29.0,
            y + p.h - 9.4,
            state_words(cx, node),
        ));
    } else if p.h > 40.0 {
        out = out.put(text("t12", x + 14.0, y + p.h - 8.0, group(node.offset)));
    }
    out
}

pub fn plate(cx: &Cx<'_>, p: &Plate) -> El {
    let node = &*cx.snap.nodes[p.node];
    if node.outside() {
        let mut out = g("plate of-x")
            .key(&node.name)
            .a("data-sel", ["node:", &node.name].concat());
        out = data(out, node)
            .put(rect(
                "shadow",
                p.x + 6.0,
                p.y + 7.0,
                p.w + 7.0,
                p.h + 7.0,
                12.0,
            ))
            .put(rect("casing", p.x + 6.0, p.y + 7.0, p.w, p.h, 12.0))
            .put(rect("front", p.x, p.y, p.w, p.h, 12.0));
        return outside(cx, node, p, out);
    }
    let d = diff(node, cx.reference(node));
    let mut class = String::from("plate ");
    class.push_str(role_class(node));
    if away(node) {
        class.push_str(" away");
    }
    if cx.selected_node(&node.name) {
        class.push_str(" picked");
    }
    if cx.keyboard(&node.name) {
        class.push_str(" kbd");
    }
    let out = data(g(class).key(&node.name), node).a("data-sel", ["focus:", &node.name].concat());
    let (x, y) = (p.x, p.y);
    let radius = if p.h < 40.0 { 8.0 } else { 12.0 };
    let mut out = out
        .put(rect(
            "shadow",
            x + 6.0,
            y + 7.0,
            p.w + 7.0,
            p.h + 7.0,
            radius,
        ))
        .put(rect("casing", x + 6.0, y + 7.0, p.w, p.h, radius))
        .put(rect("front", x, y, p.w, p.h, radius));
    if away(node) {
        out = out.put(rect("hatch", x, y, p.w, p.h, radius));
    }
    match p.size {
        Size::Full => full(cx, node, &d, p, out),
        Size::Mid | Size::Small => mid(cx, node, &d, p, out),
        Size::Mini => mini(cx, node, &d, p, out),
        Size::Flat => flat(cx, node, &d, p, out),
        Size::Line => one_line(cx, node, p, out),
    }
}

fn names(cx: &Cx<'_>, node: &NodeView, x: f32, y: f32, role: bool) -> El {
    let t = el("text")
        .n("x", x)
        .n("y", y)
        .put(el("tspan name").text(node.name.clone()));
    if role {
        t.put(el("tspan t13 muted").a("dx", "8").text(role_word(cx, node)))
    } else {
        t
    }
}

/// Shown where it differs from the master's.
fn own_id(cx: &Cx<'_>, node: &NodeView) -> Option<String> {
    let own = match cx.root(node) {
        Some(root) if node.replica => {
            root.alive && node.behind.is_none() && root.replid != node.replid && !blank(node)
        }
        _ => true,
    };
    own.then(|| short(&node.replid, 9))
}

fn full(cx: &Cx<'_>, node: &NodeView, d: &Diff<'_>, p: &Plate, out: El) -> El {
    let (x, y) = (p.x, p.y);
    let narrow = p.w < 170.0;
    let stores = matches!(node.phase, Phase::Storing { .. });
    let mut out = out
        .put(glyph(cx, node, (x + 20.0, y + 21.0), 7.4))
        .put(names(cx, node, x + 34.0, y + 26.5, !(narrow && stores)));
    if stores {
        out = out.put(disk(
            (x + p.w - 25.0, y + 25.0),
            progress(node).unwrap_or(0),
        ));
    }
    if blank(node) {
        out = out
            .put(text("t14 muted", x + 14.0, y + 56.0, cx.w.no_offset))
            .put(ring::small(node, (x + p.w - 24.0, y + 52.0), 9.5));
    } else {
        if !narrow && !stores {
            out = out.put(ring::small(node, (x + p.w - 22.0, y + 21.0), 8.6));
        }
        let dx = if narrow { "6" } else { "9" };
        let diff = create(
            "tspan",
            if node.behind == Some(0) {
                "t13 muted"
            } else {
                "t13 b"
            }
            .into(),
        )
        .a("dx", dx)
        .text(difference(cx, node));
        let id = own_id(cx, node).map(|id| el("tspan t12 mono muted").a("dx", dx).text(id));
        let t = el("text")
            .n("x", x + 14.0)
            .n("y", y + 56.0)
            .put(el("tspan off-n").text(group(node.offset)));
        out = out.put(if id.is_some() {
            t.put_if(id)
        } else {
            t.put(diff)
        });
    }
    let master = cx.reference(node).map_or("", |m| m.name.as_str());
    let compared = node.replica && !blank(node) && cx.reference(node).is_some();
    let tight = narrow || master.len() > 1 || d.tiles.len() > 6;
    let words = compared.then(|| d.words(cx.w, master, tight));
    // Tiles leave room for the words beside them.
    let counted = count(cx.w, d.count);
    let beside = words.as_ref().filter(|_| d.tiles.len() > 6);
    let wide = [beside, Some(&counted)].into_iter().flatten();
    let wide = wide.fold(0.0, |most, words| {
        within(super::pen::width(words, 0.58) * 12.0, most, 200.0)
    });
    let most = if narrow { 13.2 } else { 15.5 };
    let pitch = within((p.w - 31.0 - wide) / 6.0, 9.0, most);
    let side = pitch - 2.2;
    out = out.put(tiles(cx, node, d, (x + 13.0, y + 67.0), side, pitch, 6));
    let edge = x + p.w - 12.0;
    out = out.put(text("t12 b e", edge, y + 78.0, counted));
    if let Some(words) = words {
        out = out.put(text("t12 muted e", edge, y + 94.0, words));
    }
    state_row(cx, node, out, x + 18.0, y + 109.0, p)
}

/// Lamp, words, and what is under way.
fn state_row(cx: &Cx<'_>, node: &NodeView, out: El, x: f32, y: f32, p: &Plate) -> El {
    let y = if progress(node).is_some() { y - 2.5 } else { y };
    let mut words = state_words(cx, node);
    let narrow = p.w < 170.0;
    if narrow && words.is_ascii() {
        words = short(&words, ((p.w - 32.0) / 7.1) as usize);
    }
    let mut out = out.put(lamp(node, (x, y))).put(text(
        if words.chars().count() > if narrow { 14 } else { 21 } {
            "t12"
        } else {
            "t13"
        },
        x + 11.0,
        y + 4.6,
        words,
    ));
    if let Some(done) = progress(node) {
        out = out.put(bar(p.x + 12.0, p.y + p.h - 5.5, p.w - 24.0, done));
    }
    out
}

pub fn bar(x: f32, y: f32, w: f32, percent: u64) -> El {
    let done = w * percent.min(100) as f32 / 100.0;
    g("bar")
        .put(rect("rest", x, y, w, 3.5, 1.7))
        .put(rect("done", x, y, done, 3.5, 1.7))
}

fn mid(cx: &Cx<'_>, node: &NodeView, d: &Diff<'_>, p: &Plate, out: El) -> El {
    let (x, y, w) = (p.x, p.y, p.w);
    let tall = p.size == Size::Mid;
    let mut out = out
        .put(glyph(cx, node, (x + 19.0, y + 18.0), 7.0))
        .put(names(cx, node, x + 32.0, y + 23.5, false));
    out = out.put(offset_right(
        cx,
        node,
        x + w - 12.0,
        y + 23.5,
        "off-s",
        !tall,
    ));
    let side = (w - 24.0) / 12.0;
    let row = y + if tall { 48.0 } else { 34.0 };
    if tall && !blank(node) {
        out = out
            .put(text(
                "t12 muted",
                x + 13.0,
                y + 41.0,
                own_id(cx, node).unwrap_or_else(|| {
                    d.words(
                        cx.w,
                        cx.reference(node).map_or("", |m| m.name.as_str()),
                        true,
                    )
                }),
            ))
            .put(text(
                "t13 b e",
                x + w - 12.0,
                y + 41.0,
                difference(cx, node),
            ));
    }
    out = out.put(tiles(cx, node, d, (x + 12.0, row), side - 2.4, side, 12));
    state_row(
        cx,
        node,
        out,
        x + 17.0,
        y + p.h - if tall { 19.0 } else { 16.0 },
        p,
    )
}

fn mini(cx: &Cx<'_>, node: &NodeView, d: &Diff<'_>, p: &Plate, out: El) -> El {
    let (x, y, w, h) = (p.x, p.y, p.w, p.h);
    let (a, b) = if h > 54.0 { (21.0, 42.0) } else { (17.0, 35.0) };
    let mut out = out
        .put(glyph(cx, node, (x + 17.0, y + a - 1.0), 6.6))
        .put(names(cx, node, x + 29.0, y + a + 4.5, false));
    out = out.put(offset_right(
        cx,
        node,
        x + w - 10.0,
        y + a + 4.5,
        "off-s",
        w > 150.0,
    ));
    let mut words = match node.phase {
        Phase::Online if h > 54.0 && w < 170.0 && node.behind == Some(0) => {
            cx.w.online_short.to_string()
        }
        _ => state_words(cx, node),
    };
    if h > 54.0
        && (w > 170.0 || node.behind == Some(0))
        && matches!(node.phase, Phase::Online | Phase::Master)
    {
        words.push_str(if words.ends_with(|c: char| c >= '\u{2e80}') {
            "，"
        } else {
            ", "
        });
        words.push_str(&count(cx.w, d.count));
    }
    out = out
        .put(lamp(node, (x + 16.0, y + b)))
        .put(text("t12", x + 26.0, y + b + 4.3, words));
    if let Some(done) = progress(node) {
        out = out.put(bar(x + 10.0, y + h - 5.5, w - 20.0, done));
    }
    out
}

fn one_line(cx: &Cx<'_>, node: &NodeView, p: &Plate, out: El) -> El {
    let (x, y) = (p.x, p.y + p.h / 2.0);
    out.put(glyph(cx, node, (x + 16.0, y), 6.6))
        .put(names(cx, node, x + 28.0, y + 5.5, false))
        .put(lamp(node, (x + 60.0, y)))
        .put(offset_right(
            cx,
            node,
            x + p.w - 10.0,
            y + 5.5,
            "off-s",
            p.w > 150.0,
        ))
}

/// `−133 B 1 101`, ending at `x`; where the history is another one, its id instead of the difference.
fn offset_right(
    cx: &Cx<'_>,
    node: &NodeView,
    x: f32,
    y: f32,
    class: &'static str,
    diff: bool,
) -> El {
    if blank(node) {
        return text("t13 muted e", x, y - 0.5, cx.w.no_offset);
    }
    let t = el("text e").n("x", x).n("y", y);
    let number = create("tspan", class.into()).text(group(node.offset));
    if !diff || difference(cx, node).is_empty() {
        return t.put(number);
    }
    let small = match own_id(cx, node).filter(|_| node.replica) {
        Some(id) => el("tspan t12 mono muted").text(id),
        None => create(
            "tspan",
            if node.behind == Some(0) {
                "t12 muted"
            } else {
                "t12 b"
            }
            .into(),
        )
        .text(difference(cx, node)),
    };
    t.put(small).put(number.a("dx", "8"))
}

fn flat(cx: &Cx<'_>, node: &NodeView, d: &Diff<'_>, p: &Plate, out: El) -> El {
    let (x, y, w) = (p.x, p.y, p.w);
    let tight = w < 280.0;
    let mut out = out
        .put(glyph(cx, node, (x + 19.0, y + 20.0), 7.4))
        .put(names(cx, node, x + 33.0, y + 25.5, !tight));
    out = out.put(offset_right(
        cx,
        node,
        x + w - 14.0,
        y + 26.5,
        "off-m",
        true,
    ));
    out = out.put(tiles(cx, node, d, (x + 12.0, y + 38.0), 13.5, 16.3, 6));
    let stores = matches!(node.phase, Phase::Storing { .. });
    let mut counts = el("text")
        .n("x", x + if stores { 154.0 } else { 118.0 })
        .n("y", y + 48.5)
        .put(el("tspan t13 b").text(count(cx.w, d.count)));
    if node.replica && !blank(node) && cx.reference(node).is_some() {
        counts = counts.put(
            el("tspan t13 muted")
                .a("dx", "8")
                .text(d.words(cx.w, "", true)),
        );
    }
    out = out.put(counts);
    out = out.put(lamp(node, (x + w - 18.0, y + 59.0))).put(text(
        "t13 e",
        x + w - 30.0,
        y + 63.6,
        state_words(cx, node),
    ));
    if let Some(done) = progress(node) {
        out = out.put(bar(x + 12.0, y + p.h - 5.5, w - 24.0, done));
        if matches!(node.phase, Phase::Storing { .. }) {
            out = out.put(disk((x + 132.0, y + 55.0), done));
        }
    }
    if let Phase::Handshake { step, .. } = node.phase {
        out = out.put(marks(step, x + 12.0, y + p.h - 9.0));
    }
    out
}

/// The photograph that a node's child takes: a print leaving its slot, the keys developed so far solid.
pub fn photo(cx: &Cx<'_>, node: &NodeView, at: P, beside: bool) -> Option<El> {
    let child = node.child.as_ref()?;
    let total = child.keys_total.clamp(1, TILES);
    let solid = child.keys_done * total / child.keys_total.max(1);
    let mut print = g("photo").a("transform", place(at.0, at.1, 3.0));
    print = print
        .put(rect("drop", 5.0, 6.0, 76.0, 90.0, 3.0))
        .put(rect("paper", 0.0, 0.0, 76.0, 90.0, 3.0))
        .put(rect("image", 6.0, 6.0, 64.0, 58.0, 2.0));
    for i in 0..total {
        let (x, y) = (12.5 + 13.4 * (i % 4) as f32, 12.0 + 16.0 * (i / 4) as f32);
        print = print.put(rect(
            if i < solid { "dev" } else { "undev" },
            x,
            y,
            11.0,
            11.0,
            2.5,
        ));
    }
    print =
        print
            .put(snowflake((15.0, 77.0)))
            .put(text("t13 b", 26.0, 81.5, group(child.frozen_at)));
    let mut out = g("child")
        .put(rect("slot", at.0 - 8.0, at.1 + 8.0, 4.0, 66.0, 2.0))
        .put(print);
    if beside {
        let (x, y) = (at.0 + 90.0, at.1 + 16.0);
        let who = match child.waiting.as_slice() {
            [] => String::new(),
            [a, b, more @ ..] if more.len() > 1 => {
                let more = group(more.len() as u64);
                fill(cx.w.pictures, &[&[a, ", ", b, " +", &more].concat()])
            }
            few => fill(cx.w.pictures, &[&few.join(", ")]),
        };
        // One line where it fits, else two.
        let room = if at.0 < 600.0 { 104.0 } else { 84.0 };
        let mut dy = 18.0;
        out = out.put(text("t13 b", x, y, cx.w.child));
        if super::pen::width(&who, 0.55) * 12.0 > room {
            if let Some((a, b)) = who.rsplit_once(' ') {
                out = out.put(text("t12 muted", x, y + dy, a.to_string()));
                dy += 16.0;
                out = out.put(text("t12 muted", x, y + dy, b.to_string()));
            }
        } else {
            out = out.put(text("t12 muted", x, y + dy, who));
        }
        dy += 19.0;
        out = out.put(text(
            "t12",
            x,
            y + dy,
            fill(
                cx.w.of_keys,
                &[
                    &group(child.keys_done as u64),
                    &group(child.keys_total as u64),
                ],
            ),
        ));
        out = out.put(g("wide").put(bar(
            x,
            y + dy + 7.0,
            room.min(84.0) - 4.0,
            percent(child.keys_done as u64, child.keys_total as u64),
        )));
        if child.copied > 0 && room > 90.0 {
            out = out.put(text(
                "t12 muted",
                x,
                y + dy + 24.0,
                fill(
                    cx.w.copied,
                    &[&group(child.copied as u64), &group(child.shards as u64)],
                ),
            ));
        }
    }
    Some(out)
}

pub fn snowflake(c: P) -> El {
    let mut d = D::default();
    for i in 0..3 {
        d = d
            .m(polar(c, 6.5, 60.0 * i as f32))
            .l(polar(c, 6.5, 60.0 * i as f32 + 180.0));
    }
    for i in 0..6 {
        let a = 60.0 * i as f32;
        d = d
            .m(polar(c, 6.0, a - 20.0))
            .l(polar(c, 3.6, a))
            .l(polar(c, 6.0, a + 20.0));
    }
    path("flake", d)
}
