//! The backlog without the circle: as a line with absolute offsets, and as a table that says all the drawing says.

use super::{blocks, psync, sort_down, words as w};
use crate::sim::snapshot::{Cell, FrameKind, NodeView};
use crate::ui::View;
use crate::ui::dom::{El, create, el, int, leaf, num, within};
use crate::ui::sentence::{group, seconds};
use crate::ui::stage::needle::{Scale, on_line};
use crate::ui::stage::select::bytes_hit;
use crate::ui::stage::{Layout, caption, runs};
use crate::ui::wire::toggle;

/// Rows of the table; a ring of real size has more commands than anybody reads.
const ROWS: usize = 200;

#[inline(never)]
pub fn ring(v: &View<'_>, n: &NodeView) -> El {
    let mut out = el("div backlog tabindex=0 role=region")
        .a("aria-label", v.w(&w::BACKLOG))
        .put(leaf(
            "p caption data-testid=backlog-caption",
            caption(v.lang, n),
        ));
    if n.backlog.active && n.backlog.size > 0 {
        out = out.put(line(v, n)).put(blocks::switch(v)).put(table(v, n));
        if !v.views.face.blocks {
            out = out.put(leaf("p muted note-7", v.w(&w::BLOCKS)));
        }
    }
    out
}

/// Replicas by the byte that they need next, those at the same byte together; nearest to the head first.
fn marks(n: &NodeView) -> Vec<(u64, String, bool)> {
    let mut out: Vec<(u64, String, bool)> = Vec::new();
    for r in &n.replicas {
        let (at, online) = (r.ack + 1, r.state == "online");
        match out.iter_mut().find(|m| m.0 == at && m.2 == online) {
            Some(mark) => mark.1 = [&mark.1, ", ", &r.name].concat(),
            None => out.push((at, r.name.clone(), online)),
        }
    }
    sort_down(&mut out, |m| m.0);
    out
}

/// How old the bytes up to `to` are: 1 for the newest quarter of the ring to 4 for the oldest.
fn age(n: &NodeView, to: u64) -> u64 {
    1 + (n.offset.saturating_sub(to) * 4 / n.backlog.size.max(1)).min(3)
}

/// The ring unrolled, oldest byte left; and below it the blocks of Redis 7, where that layer is on.
#[inline(never)]
pub fn line(v: &View<'_>, n: &NodeView) -> El {
    let held = blocks::of(v, n);
    let low = held.as_ref().map_or(n.backlog.first, |h| h.first);
    let low = low.min(n.backlog.first);
    let all = n.backlog.size + (n.backlog.first - low);
    let x = |o: u64| 2.0 + o.saturating_sub(low) as f32 * 96.0 / all.max(1) as f32;
    // The byte that is asked for, where somebody only asks what would be.
    let drum = v.s.nodes.get(v.focus).is_some_and(|d| d.name == n.name);
    let needle = drum.then(|| psync::needle(v)).flatten();
    let needle = needle.map(|needle| {
        let scale = Scale {
            low,
            bytes: all,
            left: 2.0,
        };
        on_line(&needle, &scale, 35.0)
    });
    let out = el("div lined").put(exact(v, n, &x)).slot(needle);
    match held {
        Some(held) => {
            let lane = out.put(blocks::lane(v, n, &held, &x));
            let words = (!v.views.face.tries()).then(|| blocks::caption(v, n, &held));
            lane.slot(words)
        }
        None => out,
    }
}

/// `x` is where a byte lies, in percent.
fn exact(v: &View<'_>, n: &NodeView, x: &dyn Fn(u64) -> f32) -> El {
    let b = &n.backlog;
    let part = x(b.first + b.size) - x(b.first);
    let percent = |p: f32| [&num(within(p, 0.0, 100.0)), "%"].concat();
    let next = n.offset + 1;
    let mut cells = Vec::new();
    let narrow = |bytes: u64| bytes as f32 * part / (b.size as f32) < 0.3;
    for (c, from, to, count) in runs(b, b.first, narrow) {
        let width = x(to + 1) - x(from);
        let shape = el("rect y=22 height=26 rx=4")
            .a("x", percent(x(from)))
            .a("width", percent((width - 0.15).max(0.2)));
        // A letter is about one percent of the width of the smallest panel that shows this, two on a phone.
        let letter = if matches!(v.layout, Layout::Phone(_)) {
            2.2
        } else {
            1.4
        };
        let label = (count == 1).then(|| c.label());
        let fits = |label: &String| width > letter * label.chars().count() as f32 + 0.5;
        let label = label.filter(fits).map(|label| {
            leaf("text y=39 text-anchor=middle", label).a("x", percent(x(from) + width / 2.0))
        });
        let class = match c.kind {
            FrameKind::Write => ["cell b", &int(age(n, to))].concat(),
            _ if count > 1 => ["cell b", &int(age(n, to))].concat(),
            _ => "cell hollow".into(),
        };
        let on = v.lit(&n.name, c.from, to);
        cells.push(
            create("g", if on { "cell on".into() } else { class.into() })
                .key(&int(c.from))
                .a("data-sel", bytes_hit(&n.name, c.from, to))
                .put(shape)
                .slot(label)
                .title(if count == 1 {
                    c.text()
                } else {
                    [&group(from), "–", &group(to)].concat()
                }),
        );
    }
    let text = |class: &'static str, o: u64, y: &'static str, words: String| {
        create("text", class.into())
            .a("x", percent(x(o)))
            .a("y", y)
            .a(
                "text-anchor",
                if x(o) < 10.0 {
                    "start"
                } else if x(o) > 88.0 {
                    "end"
                } else {
                    "middle"
                },
            )
            .text(words)
    };
    let mut pills = el("g");
    let (mut free, mut last) = (200.0_f32, -6.0_f32);
    for (at, names, online) in marks(n) {
        let gone = at < b.first;
        let place = x(at.max(b.first)).min(free - 8.0);
        // No room is left at the beginning: then after the last one.
        let place = if place < 2.0 { last + 8.0 } else { place };
        (free, last) = (free.min(place), last.max(place));
        let class = if gone {
            "pill gone"
        } else if online {
            "pill"
        } else {
            "pill away"
        };
        let stem = el("line y1=16 y2=52")
            .a("x1", percent(x(at.max(b.first))))
            .a("x2", percent(x(at.max(b.first))));
        let words = if gone {
            [&names, " −", &group(b.first - at), " B"].concat()
        } else {
            names
        };
        let anchor = match place {
            p if p < 6.0 => "start",
            p if p > 94.0 => "end",
            _ => "middle",
        };
        let name = leaf("text y=12", words)
            .a("x", percent(place))
            .a("text-anchor", anchor);
        pills = pills.put(create("g", class.into()).put(stem).put(name));
    }
    let unused = b.size - b.histlen.min(b.size);
    let rest = (unused * 8 > b.size).then(|| {
        let words = v.put(&w::UNUSED, &[&group(unused)]);
        text("muted", next + unused / 2, "39", words)
    });
    el("svg line-view")
        .a("aria-hidden", "true")
        .put(
            el("rect track y=22 height=26 rx=4")
                .a("x", percent(x(b.first)))
                .a("width", percent(part)),
        )
        .put(el("g").list(cells))
        .slot(rest)
        .put(
            el("line head y1=17 y2=53")
                .a("x1", percent(x(next)))
                .a("x2", percent(x(next))),
        )
        .put(pills)
        .slot((x(next) - x(b.first) > 16.0).then(|| text("", b.first, "66", group(b.first))))
        .put(text("strong", next, "66", v.put(&w::NEXT, &[&group(next)])))
}

/// The same as rows, newest first.
#[inline(never)]
pub fn table(v: &View<'_>, n: &NodeView) -> El {
    let mut head = el("tr");
    for label in [
        &w::OFFSETS,
        &w::BYTES,
        &w::COMMAND,
        &w::DB,
        &w::WRITTEN,
        &w::NEEDED,
    ] {
        head = head.put(leaf("th scope=col", v.w(label)));
    }
    let mut rows = Vec::new();
    let mut marks = marks(n).into_iter().peekable();
    let marker = |at: u64, names: &str, online: bool| {
        let words = if at < n.backlog.first {
            &w::MARK_GONE
        } else if online {
            &w::MARK_ONLINE
        } else {
            &w::MARK_AWAY
        };
        el("tr marker")
            .key(names)
            .put(leaf("td colspan=6", v.put(words, &[names, &group(at)])))
    };
    for c in n.backlog.cells.iter().rev().take(ROWS) {
        while let Some((at, names, online)) = marks.next_if(|m| m.0 > c.to) {
            rows.push(marker(at, &names, online));
        }
        rows.push(row(v, n, c));
    }
    for (at, names, online) in marks {
        rows.push(marker(at, &names, online));
    }
    el("table grid")
        .a("aria-rowcount", int(n.backlog.cells.len() as u64 + 1))
        .put(el("thead").put(head))
        .put(el("tbody").list(rows))
}

fn row(v: &View<'_>, n: &NodeView, c: &Cell) -> El {
    let on = v.lit(&n.name, c.from, c.to);
    let chosen = v.chosen(&n.name, c.from, c.to);
    let range = [&group(c.from), "–", &group(c.to)].concat();
    let mut text = c.text();
    if c.from < n.backlog.first {
        let eaten = v.put(&w::EATEN, &[&group(n.backlog.first - c.from)]);
        text = [&text, "  ", &eaten].concat();
    }
    let mut needed = String::new();
    for r in n.replicas.iter().filter(|r| r.ack < c.to) {
        needed.push_str(&r.name);
        needed.push(' ');
    }
    el("tr")
        .key(&int(c.from))
        .class(&[("on", on)])
        .does(toggle(chosen, &bytes_hit(&n.name, c.from, c.to)))
        .put(el("td").put(leaf("button num", range).pressed(chosen)))
        .put(leaf("td num", int(c.to + 1 - c.from)))
        .put(leaf("td code translate=no", text))
        .put(leaf("td num", int(c.db as u64)))
        .put(leaf(
            "td num",
            [&seconds(c.at.since(v.zero)), " s"].concat(),
        ))
        .put(leaf("td", needed))
}
