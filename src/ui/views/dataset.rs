//! The keys of all nodes side by side, and where they differ. Where there are more than a look at the world lists, and
//! where somebody looks for some, the world is asked for just those.

use super::words as w;
use crate::sim::FoundKeys;
use crate::sim::snapshot::{KeyView, NodeView};
use crate::ui::View;
use crate::ui::dom::{El, el, int, leaf};
use crate::ui::icons::glyph;
use crate::ui::sentence::{Said, group};
use crate::ui::stage::select::bytes_hit;
use crate::ui::wire::toggle;

const ROWS: usize = 300;

/// How a key of a node stands to the same key of the node at the top.
fn state(own: Option<&KeyView>, top: Option<&KeyView>) -> (&'static str, &'static Said) {
    match (own, top) {
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

/// A key as the rows need it: itself, and what each node has under it.
type Row<'a> = (&'a KeyView, Vec<Option<&'a KeyView>>);

/// All keys of all nodes, as they are listed.
fn all<'a>(nodes: &[&'a NodeView], top: &'a NodeView) -> Vec<Row<'a>> {
    let mut keys: Vec<&KeyView> = top.keys.iter().collect();
    for n in nodes {
        for key in n.keys.iter() {
            if !keys.iter().any(|k| k.name == key.name && k.db == key.db) {
                keys.push(key);
            }
        }
    }
    let of = |key: &'a KeyView| (key, nodes.iter().map(|n| find(n, key)).collect());
    keys.into_iter().map(of).collect()
}

/// A key that was found, as a row.
fn of<'a>(v: &View<'_>, nodes: &[&NodeView], key: &'a [Option<KeyView>]) -> Option<Row<'a>> {
    let own = |n: &&NodeView| {
        let at = v.s.nodes.iter().position(|other| other.name == n.name)?;
        key.get(at)?.as_ref()
    };
    let first = key.iter().flatten().next()?;
    Some((first, nodes.iter().map(own).collect()))
}

/// The keys that are looked for, or those of the page, where there are more than are listed.
fn found(v: &View<'_>, top: &NodeView, nodes: &[&NodeView]) -> Option<FoundKeys> {
    let views = &v.views;
    if views.keys.is_empty() && nodes.iter().all(|n| n.lists_all_keys()) {
        return None;
    }
    let first = v.s.nodes.iter().position(|n| n.name == top.name);
    let part = (views.keys_page * ROWS, ROWS);
    let world = v.player.world();
    Some(world.find_keys(&views.keys, views.differing, first?, part))
}

/// The field, and the way to the other pages.
fn looking(v: &View<'_>, found: Option<&FoundKeys>) -> El {
    let field = el("input type=search data-input=keys-find data-testid=keys-find autocomplete=off spellcheck=false")
        .a("aria-label", v.w(&w::FIND_KEYS))
        .a("placeholder", v.w(&w::FIND_KEYS))
        .value(&v.views.keys);
    let only = leaf("button toggle data-do=differing", v.w(&w::ONLY_DIFFERENCES))
        .pressed(v.views.differing);
    let mut out = el("div keys-bar").put(field).put(only);
    let Some(found) = found else { return out };
    let from = (v.views.keys_page * ROWS) as u64;
    let to = from + found.keys.len() as u64;
    let words = match found.all {
        0 => String::new(),
        all if all <= ROWS as u64 => v.put(&w::FITTING, &[&group(all)]),
        all => v.put(
            &w::FITTING_PART,
            &[&group(from + 1), &group(to), &group(all)],
        ),
    };
    out = out.put(leaf("span muted num data-testid=keys-found", words));
    for (said, page, may) in [
        (&w::EARLIER, v.views.keys_page.wrapping_sub(1), from > 0),
        (&w::LATER, v.views.keys_page + 1, to < found.all),
    ] {
        let button = leaf("button act-on", v.w(said));
        out = out.put(if may {
            button.does(["keys-page ", &int(page as u64)].concat())
        } else {
            button.a("disabled", "disabled")
        });
    }
    out
}

#[inline(never)]
pub fn dataset(v: &View<'_>) -> El {
    let nodes: Vec<&NodeView> =
        v.s.nodes
            .iter()
            .filter(|n| !n.outside())
            .map(|n| &**n)
            .collect();
    // The first master that runs is what the others are compared with.
    let Some(top) = nodes
        .iter()
        .find(|n| n.alive && !n.replica)
        .or_else(|| nodes.first())
    else {
        return el("div");
    };
    let found = found(v, top, &nodes);
    let keys: Vec<Row<'_>> = match &found {
        Some(found) => {
            let keys = found.keys.iter();
            keys.filter_map(|key| of(v, &nodes, key)).collect()
        }
        None => all(&nodes, top),
    };
    let mut head = el("tr").put(leaf("th scope=col", v.w(&w::KEY)));
    let mut differ = vec![0_u64; nodes.len()];
    let mut rows = Vec::new();
    for (key, has) in &keys {
        let (row, differs) = row(v, (key, has), &nodes, top);
        for (sum, differs) in differ.iter_mut().zip(&differs) {
            *sum += u64::from(*differs);
        }
        if (!v.views.differing || differs.contains(&true)) && rows.len() < ROWS {
            rows.push(row);
        }
    }
    if let Some(found) = &found {
        let of = |n: &&NodeView| v.s.nodes.iter().position(|other| other.name == n.name);
        let all = |n| of(n).and_then(|at| found.differ.get(at).copied());
        differ = nodes.iter().map(|n| all(n).unwrap_or(0)).collect();
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
            v.w(match () {
                () if v.views.differing => &w::NO_DIFFERENCE,
                () if v.views.keys.is_empty() => &w::NO_KEYS,
                () => &w::NONE_FITS,
            }),
        )
    });
    el("div dataset tabindex=0 role=region data-testid=dataset")
        .a("aria-label", v.w(&w::KEYS))
        .put(looking(v, found.as_ref()))
        .put(
            el("table grid")
                .put(el("thead").put(head))
                .put(el("tbody").list(rows)),
        )
        .slot(empty)
}

/// One key on all nodes; and on which of them it is not as it is on `top`.
fn row(
    v: &View<'_>,
    (key, has): (&KeyView, &[Option<&KeyView>]),
    nodes: &[&NodeView],
    top: &NodeView,
) -> (El, Vec<bool>) {
    let with = || nodes.iter().zip(has);
    let upper = with().find(|(n, _)| n.name == top.name).and_then(|f| *f.1);
    let set_by = with().find_map(|(n, own)| Some((n, (*own)?.set_by?)));
    let (mut cells, mut all) = (Vec::new(), Vec::new());
    for (n, own) in with() {
        let (class, said) = state(*own, upper);
        let differs = n.alive && !matches!(class, "same" | "");
        all.push(differs);
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
        row = row.does(toggle(v.chosen(&n.name, a, z), &bytes_hit(&n.name, a, z)));
    } else {
        button = button
            .a("disabled", "disabled")
            .a("title", v.w(&w::NOT_IN_STREAM));
    }
    row = row.put(el("th scope=row").put(button));
    (row.list(cells), all)
}
