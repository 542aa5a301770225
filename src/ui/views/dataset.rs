//! The keys of all nodes side by side, and where they differ.

use super::words as w;
use crate::sim::snapshot::{KeyView, NodeView};
use crate::ui::View;
use crate::ui::dom::{El, el, int, leaf};
use crate::ui::icons::glyph;
use crate::ui::sentence::{Said, group};
use crate::ui::stage::select::bytes_hit;
use crate::ui::wire::toggle;

const ROWS: usize = 300;

/// How a key of a node stands to the same key of the node at the top; `all`: no key of theirs is left out.
fn state(own: Option<&KeyView>, top: Option<&KeyView>, all: bool) -> (&'static str, &'static Said) {
    match (own, top) {
        (Some(_), None) | (None, Some(_)) if !all => ("", &w::UNLISTED),
        (Some(a), Some(b)) if a.digest == b.digest => ("same", &w::SAME),
        (Some(_), Some(_)) => ("old", &w::OLD),
        (Some(_), None) => ("extra", &w::EXTRA),
        (None, Some(_)) => ("missing", &w::MISSING),
        (None, None) => ("", &w::ABSENT),
    }
}

fn find<'a>(n: &'a NodeView, key: &KeyView) -> Option<&'a KeyView> {
    n.keys.iter().find(|k| k.name == key.name && k.db == key.db)
}

#[inline(never)]
pub fn dataset(v: &View<'_>) -> El {
    let nodes: Vec<_> = v.s.nodes.iter().filter(|n| !n.outside()).collect();
    // The first master that runs is what the others are compared with.
    let Some(top) = nodes
        .iter()
        .find(|n| n.alive && !n.replica)
        .or_else(|| nodes.first())
    else {
        return el("div");
    };
    let mut all: Vec<&KeyView> = top.keys.iter().collect();
    for n in &nodes {
        for key in n.keys.iter() {
            if !all.iter().any(|k| k.name == key.name && k.db == key.db) {
                all.push(key);
            }
        }
    }
    let only = leaf("button toggle data-do=differing", v.w(&w::ONLY_DIFFERENCES))
        .pressed(v.views.differing);
    let mut head = el("tr").put(leaf("th scope=col", v.w(&w::KEY)).put(only));
    let mut differ = vec![0_u64; nodes.len()];
    let mut rows = Vec::new();
    for key in &all {
        let upper = find(top, key);
        let set_by = nodes.iter().find_map(|n| Some((n, find(n, key)?.set_by?)));
        let mut cells = Vec::new();
        let mut worst = false;
        for (i, n) in nodes.iter().enumerate() {
            let own = find(n, key);
            let all = n.lists_all_keys() && top.lists_all_keys();
            let (class, said) = state(own, upper, all);
            let differs = n.alive && !matches!(class, "same" | "");
            differ[i] += u64::from(differs);
            worst |= differs;
            let value = own.map_or("", |k| k.value.as_str());
            let mut cell = el("td").key(&n.name).class(&[
                ("same", class == "same"),
                ("differs", differs),
                ("dead", !n.alive),
            ]);
            if n.alive {
                cell = cell.put(leaf("code", value.to_string()));
                if own.and_then(|k| k.expire_at_ms).is_some() {
                    cell = cell.put(leaf("span ttl", "TTL"));
                }
                if class != "same" {
                    cell = cell.put(leaf("span mark", v.w(said)));
                }
            }
            cells.push(cell);
        }
        if v.views.differing && !worst {
            continue;
        }
        let lit = set_by.is_some_and(|(n, (a, z))| v.lit(&n.name, a, z));
        let name = if key.db == 0 {
            key.name.clone()
        } else {
            ["db", &int(key.db as u64), " ", &key.name].concat()
        };
        let mut button = el("button")
            .pressed(lit)
            .put(leaf("b", name))
            .put(leaf("span muted", key.kind));
        let mut row = el("tr")
            .key(&[&int(key.db as u64), ":", &key.name].concat())
            .class(&[("on", lit)]);
        if let Some((n, (a, z))) = set_by {
            row = row.does(toggle(lit, &bytes_hit(&n.name, a, z)));
        } else {
            button = button
                .a("disabled", "disabled")
                .a("title", v.w(&w::NOT_IN_STREAM));
        }
        row = row.put(el("th scope=row").put(button));
        if rows.len() < ROWS {
            rows.push(row.list(cells));
        }
    }
    for (n, differ) in nodes.iter().zip(differ) {
        let words = if !n.alive {
            v.w(&w::ABSENT).to_string()
        } else if differ > 0 {
            v.put(&w::DIFFER, &[&group(differ)])
        } else {
            v.put(&w::KEYS_COUNT, &[&group(n.key_count)])
        };
        head = head.put(
            el("th scope=col")
                .put(glyph(n))
                .put(leaf("b", n.name.clone()))
                .put(leaf("span", words).class(&[("mark", differ > 0), ("muted", differ == 0)])),
        );
    }
    let empty = rows.is_empty().then(|| {
        leaf(
            "p nothing",
            v.w(if all.is_empty() {
                &w::NO_KEYS
            } else {
                &w::NO_DIFFERENCE
            }),
        )
    });
    el("div dataset tabindex=0 role=region data-testid=dataset")
        .a("aria-label", v.w(&w::KEYS))
        .put(
            el("table grid")
                .put(el("thead").put(head))
                .put(el("tbody").list(rows)),
        )
        .slot(empty)
        .slot(
            (!nodes.iter().all(|n| n.lists_all_keys()))
                .then(|| leaf("p muted", v.w(&w::LISTED_SOME))),
        )
}
