//! The node in focus: the drum with the ring on it, its keys, and its patch panel.

use super::Cx;
use super::keys::{Diff, State, TILES, count, diff};
use super::pen::{D, El, P, circle, el, g, group, int, path, rect, short, text, width};
use super::place::{CHIPS_FROM, LOWEST, Layout, Scene, TIGHT};
use super::plate::{away, data, glyph, lamp, photo, role_class, role_word, state_words, tiles};
use super::ring::{Look, cross, ring};
use super::select::bytes_hit;
use super::words::{fill, fill_n};
use crate::sim::snapshot::NodeView;

/// A box whose right side is a half-circle.
fn body((x, y, w, h): (f32, f32, f32, f32), dx: f32, dy: f32) -> D {
    let (x, y, r, k) = (x + dx, y + dy, h / 2.0, 14.0);
    D::default()
        .m((x + k, y))
        .l((x + w - r, y))
        .arc(r, false, true, (x + w - r, y + h))
        .l((x + k, y + h))
        .q((x, y + h), (x, y + h - k))
        .l((x, y + k))
        .q((x, y), (x + k, y))
        .z()
}

pub fn drum(cx: &Cx<'_>, scene: &Scene, node: &NodeView) -> El {
    let mut class = String::from("drum ");
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
    let mut out = data(g(class), node).a("data-sel", ["node:", &node.name].concat());
    let (dx, dy) = if cx.layout == Layout::Wide {
        (7.0, 8.0)
    } else {
        (5.0, 6.0)
    };
    out = out
        .put(path("shadow", body(scene.drum, dx + 6.0, dy + 7.0)))
        .put(path("casing", body(scene.drum, dx, dy)));
    if let Some((x, y, h)) = scene.panel {
        let w = scene.sockets.first().map_or(46.0, |s| s.0 - x + 6.0);
        out = out.put(rect("panel", x, y, w, h, 8.0));
    }
    out = out.put(path("front", body(scene.drum, 0.0, 0.0)));
    if away(node) {
        out = out.put(path("hatch", body(scene.drum, 0.0, 0.0)));
    }
    if scene.panel.is_some() {
        for s in &scene.sockets {
            out = out.put(circle("socket", *s, 4.6));
        }
    } else if let Some(s) = scene.sockets.first() {
        out = out.put(rect("plug", s.0 - 12.0, s.1 - 4.0, 24.0, 10.0, 2.5));
    }
    let look = Look {
        c: scene.ring,
        r0: scene.band.0,
        r1: scene.band.1,
        panel: scene.panel,
        right: scene.view.0 + scene.view.2,
        full: cx.layout == Layout::Wide,
    };
    let words = match cx.layout {
        Layout::Wide => large(cx, scene, node),
        Layout::Low(..) if scene.drum.3 >= CHIPS_FROM => large(cx, scene, node),
        _ => small(cx, scene, node),
    };
    out.put(words).put(ring(cx, node, look))
}

fn heading(cx: &Cx<'_>, node: &NodeView, x: f32, y: f32) -> El {
    let t = el("text")
        .n("x", x + 29.0)
        .n("y", y + 9.0)
        .put(el("tspan big-name").text(node.name.clone()));
    let role = || el("tspan t14 muted").a("dx", "7").text(role_word(cx, node));
    g("")
        .put(glyph(cx, node, (x + 9.5, y), 10.5))
        .put(t.put_if((!tight(cx)).then(role)))
}

/// A click on an id copies the whole of it; the page of the node has a button for that.
fn copied(out: El, id: &str) -> El {
    out.does(["copy-text ", id].concat()).title(id.into())
}

/// The ring goes between the words.
fn tight(cx: &Cx<'_>) -> bool {
    matches!(cx.layout, Layout::Low(width, _) if width < TIGHT)
}

/// Words, keys by name, and who could come back.
fn large(cx: &Cx<'_>, scene: &Scene, node: &NodeView) -> El {
    let (left, top, _, height) = scene.drum;
    let (x0, bottom) = (left + 18.0, top + height);
    let mut id = short(&node.replid, 9);
    id.push_str(" :");
    id.push_str(&int(u64::from(node.port)));
    let second = node.second_offset > 0 && !node.replid2.starts_with("0000");
    let (id_y, lamp_y) = if second {
        (top + 58.0, top + 89.0)
    } else {
        (top + 62.0, top + 79.0)
    };
    let mut out = g("words")
        .put(heading(cx, node, x0, top + 30.0))
        .put(copied(
            text("t12 mono muted copies", x0, id_y, id),
            &node.replid,
        ))
        .put(lamp(node, (x0 + 5.0, lamp_y)))
        .put(text("t13", x0 + 18.0, lamp_y + 4.6, state_words(cx, node)));
    if second {
        let mut id2 = String::from("ID2 ");
        id2.push_str(&short(&node.replid2, 9));
        out = out.put(copied(
            text("t12 mono muted copies", x0, top + 73.0, id2),
            &node.replid2,
        ));
    }
    let d = diff(node, cx.reference(node));
    let counted = count(cx.w, d.count);
    // A large number leaves no room for a title, and needs none.
    let title =
        (counted.chars().count() <= 9).then(|| text("t13 b", x0, top + 119.0, cx.w.dataset));
    out = out
        .put_if(title)
        .put(text("t13 muted e", x0 + 128.0, top + 119.0, counted));
    let yellow = cx.bytes_on(node);
    // Below the chips: a photograph, or two replicas that are away.
    let below = if node.child.is_some() { 264.0 } else { 237.0 };
    let rows = (((height - below) / 28.0) as usize).min(TILES / 2);
    let mut chips = Vec::new();
    for (i, tile) in d.tiles.iter().take(rows * 2).enumerate() {
        let (x, y) = (
            x0 + 66.0 * (i % 2) as f32,
            top + 129.0 + 28.0 * (i / 2) as f32,
        );
        let on = tile.state != State::Missing
            && tile
                .set_by
                .zip(yellow)
                .is_some_and(|((a, z), (from, to))| a <= to && z >= from);
        let class = match tile.state {
            State::Missing => "chip missing",
            State::Old => "chip old",
            State::Same => "chip",
        };
        let mut chip = g(if on { "chip on" } else { class }).key(&tile.key.name);
        if let Some((a, z)) = tile.set_by.or(tile.key.set_by) {
            chip = chip.a("data-sel", bytes_hit(&node.name, a, z));
        }
        let title = [&tile.key.name, " = ", &tile.key.value].concat();
        let max = if width(&tile.key.name, 0.605) * 12.0 > 58.0 {
            58.0 / 12.0 / (width(&tile.key.name, 0.605) / tile.key.name.chars().count() as f32)
        } else {
            99.0
        };
        chip = chip
            .put(rect("", x, y, 62.0, 24.0, 5.0).title(title))
            .put(text(
                "t12 mono m",
                x + 31.0,
                y + 16.3,
                short(&tile.key.name, max as usize),
            ));
        if tile.state == State::Old {
            chip = chip.put(super::pen::line(
                "",
                (x + 5.0, y + 19.0),
                (x + 57.0, y + 5.0),
            ));
        }
        chips.push(chip);
    }
    out = out.put(g("chips").list(chips));
    let more = d.count.saturating_sub(rows as u64 * 2);
    if more > 0 {
        out = out.put(text(
            "t12 muted",
            x0,
            top + 143.0 + 28.0 * rows as f32,
            fill_n(cx.w.more, more),
        ));
    }
    if let Some(print) = photo(cx, node, (x0 + 8.0, bottom - 105.0), true) {
        return out.put(print);
    }
    out.put(headroom(cx, node, (x0, bottom)))
}

/// Who could still come back without a snapshot, and how many bytes are left for it.
fn headroom(cx: &Cx<'_>, node: &NodeView, (x, bottom): P) -> El {
    let b = &node.backlog;
    let mut out = g("headroom");
    let mut y = bottom - 76.0;
    if !b.active {
        return out;
    }
    let first = b.first.max((node.offset + 1).saturating_sub(b.size));
    let follows = |name: &str| {
        cx.node(name)
            .is_none_or(|n| n.master.as_deref() == Some(&node.name))
    };
    for r in node
        .replicas
        .iter()
        .filter(|r| r.state == "offline" && follows(&r.name))
        .take(2)
    {
        if r.ack + 1 < first {
            out = out.put(cross((x + 5.0, y - 4.5), 4.5)).put(text(
                "t13 problem b",
                x + 16.0,
                y,
                fill(cx.w.cannot_resume, &[&r.name]),
            ));
            y += 24.0;
            continue;
        }
        let left = b.size.saturating_sub(node.offset.saturating_sub(r.ack));
        let class = if left * 4 < b.size {
            "t13 b caution"
        } else {
            "t13 b"
        };
        out = out
            .put(text("t13 muted", x, y, fill(cx.w.can_resume, &[&r.name])))
            .put(text(class, x, y + 17.0, fill_n(cx.w.left, left)));
        y += 40.0;
    }
    let eaten = first.saturating_sub(b.origin.max(1));
    if eaten > 0 && y < bottom - 16.0 {
        out = out.put(text(
            "t12 muted",
            x,
            bottom - 17.0,
            fill_n(cx.w.overwritten, eaten),
        ));
    }
    out
}

/// Words, keys as tiles.
fn small(cx: &Cx<'_>, scene: &Scene, node: &NodeView) -> El {
    let (x, y, _, h) = scene.drum;
    let bottom = y + h;
    let d = diff(node, cx.reference(node));
    let b = &node.backlog;
    let out = g("words").put(heading(cx, node, x + 16.0, y + 27.0));
    if h < LOWEST {
        return lowest(cx, node, &d, (x + 17.0, y + 52.0, h), out);
    }
    let up = if h < 205.0 { 14.0 } else { 0.0 };
    let mut out = out
        .put(text(
            "t12 mono muted",
            x + 17.0,
            y + 57.0 - up / 2.0,
            short(&node.replid, 9),
        ))
        .put(lamp(node, (x + 21.0, y + 74.0 - up / 2.0)))
        .put(text(
            "t13",
            x + 33.0,
            y + 78.6 - up / 2.0,
            state_words(cx, node),
        ))
        .put(tiles(
            cx,
            node,
            &d,
            (x + 17.0, y + 98.0 - up),
            14.5,
            17.8,
            6,
        ))
        .put(text(
            "t13 b",
            x + 17.0,
            y + 151.0 - up,
            count(cx.w, d.count),
        ));
    if let Some(child) = &node.child {
        let row = fill(
            cx.w.of_keys,
            &[
                &group(child.keys_done as u64),
                &group(child.keys_total as u64),
            ],
        );
        out = out
            .put(super::plate::snowflake((x + 24.0, bottom - 40.5)))
            .put(text("t13", x + 36.0, bottom - 36.0, group(child.frozen_at)))
            .put(text("t13 muted", x + 17.0, bottom - 17.0, row));
    } else if b.active {
        out = out
            .put(text(
                "t13 muted",
                x + 17.0,
                bottom - 36.0,
                fill(cx.w.histlen, &[&group(b.histlen), &group(b.size)])
                    .trim_end_matches(" B")
                    .to_string(),
            ))
            .put(text(
                "t13 muted",
                x + 17.0,
                bottom - 17.0,
                fill_n(cx.w.first, b.first),
            ));
    }
    out
}

/// What there is room for on the lowest drum: state, keys, and the photograph as two numbers.
fn lowest(cx: &Cx<'_>, node: &NodeView, d: &Diff<'_>, (x, y, h): (f32, f32, f32), out: El) -> El {
    let keys = match &node.child {
        Some(c) => fill(
            cx.w.of_keys,
            &[&group(c.keys_done as u64), &group(c.keys_total as u64)],
        ),
        None => count(cx.w, d.count),
    };
    // The ring goes between them: keys above, state below it.
    if tight(cx) {
        let foot = y - 52.0 + h - 18.0;
        let out = out.put(lamp(node, (x + 4.0, foot))).put(text(
            "t13",
            x + 16.0,
            foot + 4.6,
            state_words(cx, node),
        ));
        if h < 120.0 {
            return out;
        }
        let out = out
            .put(text("t13 muted", x, y, role_word(cx, node)))
            .put(text("t13 b", x, y + 18.0, keys));
        return match h {
            ..165.0 => out,
            _ => out.put(tiles(cx, node, d, (x, y + 27.0), 14.5, 17.8, 3)),
        };
    }
    let out = out
        .put(lamp(node, (x + 4.0, y)))
        .put(text("t13", x + 16.0, y + 4.6, state_words(cx, node)))
        .put(text("t13 b", x, y + 25.0, keys));
    if h < 130.0 {
        return out;
    }
    out.put(tiles(cx, node, d, (x, y + 36.0), 14.5, 17.8, 6))
}
