//! The snapshot on a node's disk, taken apart: fields on the left, bytes on the right, and what came too late for it.

use super::words as w;
use crate::sim::snapshot::{FrameKind, NodeView};
use crate::ui::View;
use crate::ui::dom::{El, el, int, leaf};
use crate::ui::sentence::group;
use crate::ui::stage::select::bytes_hit;
use crate::wire::rdb::inspect::{Field, Kind, inspect};

/// Bytes that are shown; a snapshot of the playground is smaller.
const SHOWN: usize = 1024;
/// A name of so many bytes may have been cut short.
const WHOLE: usize = 32;
/// A file of more bytes is not handed out by the page.
const DOWNLOAD: usize = 256 * 1024;

#[inline(never)]
pub fn rdb(v: &View<'_>, n: &NodeView) -> El {
    let Some(file) = v.player.world().file(&n.name) else {
        let save = leaf("button act-on translate=no", "BGSAVE")
            .does(["run @", &n.name, " BGSAVE"].concat());
        let row = el("div buttons").put(save);
        return el("div nothing")
            .put(leaf("p", v.w(&w::NO_FILE)))
            .put(if n.alive { row } else { el("div") });
    };
    let (body, offset) = taken_apart(v, n, file);
    let names = names(file);
    let mut head = v.put(&w::FILE, &[&n.name, &group(file.len() as u64)]);
    if let Some(offset) = offset {
        head.push_str(v.w(&w::GAP));
        head.push_str(&v.put(&w::FROZEN, &[&group(offset)]));
    }
    let mut tools = el("div tools").put(leaf("span file", head));
    if file.len() <= DOWNLOAD {
        let name = [&n.name, ".rdb"].concat();
        let link = leaf("a act-on", v.w(&w::DOWNLOAD))
            .a("href", link(file))
            .a("download", name);
        tools = tools.put(link);
    }
    el("div rdb data-testid=rdb")
        .put(tools)
        .put(body)
        .slot(offset.and_then(|offset| late(v, n, offset)))
        .slot(compared(v, n, &names))
}

/// The keys in a snapshot.
fn names(file: &[u8]) -> Vec<String> {
    let entries = inspect(file).fields.into_iter();
    let keys = entries.filter(|f| f.kind == Kind::Entry);
    keys.map(|f| f.value).collect()
}

/// What the file has and its node has no more, and the other way round; nothing where not all names are known.
#[inline(never)]
fn compared(v: &View<'_>, n: &NodeView, names: &[String]) -> Option<El> {
    if !n.lists_all_keys() || names.iter().any(|k| k.len() > WHOLE) {
        return None;
    }
    let few = |all: Vec<&str>| match all.len() {
        0 => "–".into(),
        more @ 5.. => [&all[..4].join(", "), ", +", &int(more as u64 - 4)].concat(),
        _ => all.join(", "),
    };
    let gone = names
        .iter()
        .filter(|k| n.keys.iter().all(|own| own.name != **k));
    let come = n.keys.iter().filter(|own| !names.contains(&own.name));
    let gone = few(gone.map(String::as_str).collect());
    let come = few(come.map(|own| own.name.as_str()).collect());
    let words = v.put(&w::COMPARED, &[&n.name, &gone, &come]);
    Some(leaf("p late data-testid=compared", words))
}

/// Fields and bytes of a snapshot of this node, and the offset at which it was frozen, where it says so.
#[inline(never)]
pub fn taken_apart(v: &View<'_>, n: &NodeView, file: &[u8]) -> (El, Option<u64>) {
    let taken = inspect(file);
    let at = v.views.byte.filter(|b| *b < file.len());
    // The narrowest field with the byte that is selected.
    let chosen = at.and_then(|b| {
        let has = |f: &Field| f.at <= b && b < f.at + f.len;
        taken.fields.iter().rposition(has)
    });
    // A click on a field means the field, also where a part of it begins at the same byte.
    let chosen = match (v.views.field, chosen) {
        (Some(field), Some(_)) if taken.fields.get(field).is_some_and(|f| Some(f.at) == at) => {
            Some(field)
        }
        _ => chosen,
    };
    let lit = chosen
        .and_then(|i| taken.fields.get(i))
        .map(|f| (f.at, f.at + f.len));
    let offset = taken
        .fields
        .iter()
        .find_map(|f| f.value.strip_prefix("repl-offset = "))
        .and_then(|o| o.parse::<u64>().ok());
    let body = el("div halves")
        .put(tree(v, n, &taken.fields, chosen))
        .put(hex(v, file, lit, v.views.hex_wide()));
    let error = taken.error.map(|e| leaf("p refused", e.to_string()));
    (el("div taken").put(body).slot(error), offset)
}

/// The bytes as an address that a browser saves.
fn link(file: &[u8]) -> String {
    let latin: String = file.iter().map(|b| char::from(*b)).collect();
    let text = web_sys::window().and_then(|w| w.btoa(&latin).ok());
    [
        "data:application/octet-stream;base64,",
        &text.unwrap_or_default(),
    ]
    .concat()
}

/// The stream bytes that set a key of this node, when they are known.
fn set_by(n: &NodeView, key: &str) -> Option<(u64, u64)> {
    n.keys.iter().find(|k| k.name == key)?.set_by
}

/// Top fields, and the parts of the one that holds the chosen field.
fn tree(v: &View<'_>, n: &NodeView, fields: &[Field], chosen: Option<usize>) -> El {
    let top = |i: usize| (0..=i).rev().find(|j| fields[*j].depth == 0);
    let open = chosen.and_then(top);
    let mut rows = Vec::new();
    let mut inside = false;
    for (i, f) in fields.iter().enumerate() {
        if f.depth == 0 {
            inside = open == Some(i);
        } else if !inside {
            continue;
        }
        let by = (f.kind == Kind::Entry)
            .then(|| set_by(n, &f.value))
            .flatten();
        let same = by.is_some_and(|(a, z)| v.lit(&n.name, a, z));
        let mut button = el("button")
            .pressed(chosen == Some(i))
            .does(["rdb-field ", &int(i as u64), " ", &int(f.at as u64)].concat())
            .a("title", f.value.clone())
            .put(leaf("span num", int(f.at as u64)))
            .put(leaf("span", f.label))
            .put(leaf("code", f.value.clone()))
            .put(leaf("span num muted", int(f.len as u64)));
        if let Some((a, z)) = by {
            button = button.a("data-also", ["select ", &bytes_hit(&n.name, a, z)].concat());
        }
        let depth = ["d0", "d1", "d2", "d3"][f.depth.min(3)];
        rows.push(
            el("li")
                .nth(i)
                .class(&[(depth, true), ("on", chosen == Some(i)), ("lit", same)])
                .put(button),
        );
    }
    el("ol fieldlist tabindex=0 translate=no")
        .a("aria-label", v.w(&w::FIELDS_OF))
        .list(rows)
}

fn hex(v: &View<'_>, file: &[u8], lit: Option<(usize, usize)>, wide: usize) -> El {
    let mut rows = Vec::new();
    for (i, chunk) in file.chunks(wide).take(SHOWN / wide).enumerate() {
        let mut row = el("div")
            .nth(i)
            .put(leaf("span num muted", int((i * wide) as u64)));
        let mut bytes = el("span row");
        let mut ascii = String::new();
        for (j, byte) in chunk.iter().enumerate() {
            let at = i * wide + j;
            let mut digits = String::new();
            for digit in [byte >> 4, byte & 15] {
                digits.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
            }
            let on = lit.is_some_and(|(a, z)| (a..z).contains(&at));
            bytes = bytes.put(
                leaf("i", digits)
                    .class(&[("on", on)])
                    .does(["rdb-byte ", &int(at as u64)].concat()),
            );
            let plain = byte.is_ascii_graphic() || *byte == b' ';
            ascii.push(if plain { char::from(*byte) } else { '·' });
        }
        row = row.put(bytes).put(leaf("span ascii", ascii));
        rows.push(row);
    }
    let more = file.len().saturating_sub(SHOWN);
    let rest = (more > 0).then(|| {
        leaf(
            "p muted",
            ["+ ", &group(more as u64), " ", v.t.more_bytes].concat(),
        )
    });
    el("div filehex tabindex=0 role=region translate=no")
        .a("aria-label", v.t.hex)
        .at(&v.views.hex)
        .list(rows)
        .slot(rest)
}

/// Writes of this node after the moment of the file, and where they are.
fn late(v: &View<'_>, n: &NodeView, offset: u64) -> Option<El> {
    let after = || {
        n.backlog
            .cells
            .iter()
            .filter(move |c| c.kind == FrameKind::Write && c.from > offset)
    };
    let count = after().count() as u64;
    if count == 0 {
        return None;
    }
    let bytes = n.offset.saturating_sub(offset);
    let names: Vec<String> = after().take(4).map(|c| c.text()).collect();
    let mut words = v.put(
        &w::NOT_IN_FILE,
        &[&group(count), &group(bytes), &names.join(" · ")],
    );
    for r in n.replicas.iter().filter(|r| r.buffered > 0) {
        words.push_str(v.w(&w::GAP));
        words.push_str(&v.put(&w::IN_BUFFER, &[&group(r.buffered), &r.name]));
    }
    Some(leaf("p late data-testid=late", words))
}
