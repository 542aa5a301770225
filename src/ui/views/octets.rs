//! Under the ring: what it holds as a sentence, which stays, and the command that is pointed at or chosen, byte by byte.

use super::words as w;
use crate::sim::snapshot::{Cell, NodeView};
use crate::ui::View;
use crate::ui::dom::{El, el, int, leaf};
use crate::ui::field::{fields, letter};
use crate::ui::sentence::group;
use crate::ui::stage::select::{bytes, bytes_hit, shares};
use crate::ui::stage::{about, caption};
use crate::ui::wire::push_hex;
use crate::wire::resp;

/// Bytes that are shown of one command.
const SHOWN: usize = 64;

#[inline(never)]
pub fn under(v: &View<'_>) -> El {
    let out = el("div under-ring");
    let Some(n) = v.s.nodes.get(v.focus) else {
        return out;
    };
    let words = caption(v.lang, n);
    out.put(leaf("p data-testid=caption", words.clone()).a("title", words))
        .slot(meant(v, n).and_then(|(cell, from, to)| command(v, n, cell, (from, to))))
}

/// The command of a ring in which the bytes are that the pointer rests on, or that are chosen; and which of its bytes they are.
fn meant<'a>(v: &View<'_>, n: &'a NodeView) -> Option<(&'a Cell, u64, u64)> {
    [&v.over, &v.selected].into_iter().find_map(|sel| {
        let (name, from, to) = bytes(v.s, sel.as_ref())?;
        // Of several commands the last: a SELECT goes before what was written.
        let cell = n
            .backlog
            .cells
            .iter()
            .rev()
            .find(|c| c.from <= to && c.to >= from)?;
        shares(v.s, name, n).then_some((cell, from, to))
    })
}

#[inline(never)]
fn command(v: &View<'_>, n: &NodeView, cell: &Cell, (from, to): (u64, u64)) -> Option<El> {
    let all = resp::command(&cell.args);
    // What a real server sends may be written in another way.
    if all.len() as u64 != cell.to + 1 - cell.from {
        return None;
    }
    let one = (from == to).then(|| (from - cell.from) as usize);
    let fields = fields(v, &all);
    let of = |at: usize| fields.iter().find(|f| f.from <= at && at < f.to);
    let hit = |at: usize| bytes_hit(&n.name, cell.from + at as u64, cell.from + at as u64);
    let tell = |at: usize| {
        let mut byte = String::new();
        push_hex(&mut byte, all[at]);
        let means = of(at).map_or("", |f| f.means.as_str());
        let offset = group(cell.from + at as u64);
        v.put(&w::OCTET, &[&offset, byte.trim_end(), means])
    };
    let mut row = Vec::new();
    for (at, &byte) in all.iter().enumerate().take(SHOWN) {
        let mut digits = String::new();
        push_hex(&mut digits, byte);
        let gone = cell.from + (at as u64) < n.backlog.first;
        let same = one.and_then(of).is_some_and(|f| f.from <= at && at < f.to);
        let begins = of(at).is_some_and(|f| f.from == at);
        row.push(
            el("span")
                .nth(at)
                .class(&[
                    ("on", one == Some(at)),
                    ("of", same),
                    ("gone", gone),
                    ("first", begins),
                ])
                .does(["select ", &hit(at)].concat())
                .put(leaf("b", digits.trim_end().to_owned()))
                .put(leaf("i", String::from(letter(byte)))),
        );
    }
    // One stop of the Tab key: arrows go from byte to byte, with PageUp and PageDown from field to field.
    let last = all.len().min(SHOWN) - 1;
    let now = one.unwrap_or(0).min(last);
    let before = fields.iter().rfind(|f| f.from < now).map_or(0, |f| f.from);
    let behind = of(now).map_or(last, |f| f.to).min(last);
    let (less, more) = (now.saturating_sub(1), (now + 1).min(last));
    let to = if one.is_none() {
        [0; 8]
    } else {
        [less, less, more, more, before, behind, 0, last]
    };
    let keys = to.map(hit).join(" ");
    let bytes = el("div octets role=slider tabindex=0 data-verb=select translate=no")
        .a("aria-label", v.w(&w::OCTETS))
        .a("aria-valuemin", "1")
        .a("aria-valuemax", int(last as u64 + 1))
        .a("aria-valuenow", int(now as u64 + 1))
        .a("aria-valuetext", tell(now))
        .a("data-keys", keys)
        .a("data-enter", "page wire")
        .list(row);
    let more = all.len().saturating_sub(SHOWN) as u64;
    let told = about(v.s, v.lang, n, cell);
    let (text, told) = told.split_once('\n').unwrap_or((&told, ""));
    let told = match one.filter(|at| *at < all.len()) {
        Some(at) => tell(at),
        None => told.replace('\n', " · "),
    };
    Some(
        el("div octet-card data-testid=octets")
            .put(
                el("p")
                    .put(leaf("code translate=no", text.to_owned()))
                    .put(leaf("span data-testid=octet", told)),
            )
            .put(bytes)
            .slot((more > 0).then(|| leaf("p muted", v.put(&w::OCTETS_MORE, &[&group(more)])))),
    )
}
