//! Everything that can be done, in one list: the command palette searches it, the help shows those with a key.

use super::View;
use super::dom::{El, create, el, int, leaf};
use super::guide::deeds;
use super::icons::glyph;
use super::inspector::PAGES;
use yew::AttrValue;

/// What a key or a choice means: a line for `App::act`, and the key; the words are `Text::deeds`, in the same order.
/// A line that begins with `key ` means the node or the wire that is looked at.
pub const DEEDS: [(&str, &str); 39] = [
    ("console", "/"),
    ("key open", "Enter"),
    ("play", "Space"),
    ("step", "."),
    ("back", ","),
    ("marker next", "Shift ."),
    ("marker previous", "Shift ,"),
    ("start", "Home"),
    ("live", "End"),
    ("undo", "Ctrl Z"),
    ("reset", "Shift R"),
    ("branches", "Shift B"),
    ("key wire", "x"),
    ("key promote", "p"),
    ("key kill", "k"),
    ("key add", "n"),
    ("key sub", "Shift N"),
    ("key write", "h"),
    ("key follow", "o"),
    ("key apart", "u"),
    ("big", "z"),
    ("face next", "b"),
    ("face try", "m"),
    ("face blocks", "q"),
    ("find", "Ctrl K"),
    ("share", "s"),
    ("share embed", ""),
    ("help", "?"),
    ("learn", "l"),
    ("experiments", ""),
    ("verdict", ""),
    ("save session", ""),
    ("save trace", ""),
    ("save stream", ""),
    ("save rdb", ""),
    ("theme", ""),
    ("say next", ""),
    ("layout", ""),
    ("language", ""),
];

/// The keys of the inspector's pages, in their order.
pub const PAGE_KEYS: [&str; PAGES.len()] =
    ["i", "v", "w", "t", "a", "j", "r", "g", "c", "f", "e", "y"];

/// The line of a key as the browser names it, with `Shift ` before a point or a comma and `Ctrl ` before letters.
pub fn line_of(key: &str) -> Option<String> {
    // Two keys have a second one: a button that has the focus keeps Enter for itself.
    let key = match key {
        "`" => "/",
        "d" => "Enter",
        key => key,
    };
    let page = PAGES.iter().zip(PAGE_KEYS).find(|p| p.1 == key);
    match page {
        Some((page, _)) => Some(["page ", page.0].concat()),
        None => DEEDS.iter().find(|d| d.1 == key).map(|d| d.0.into()),
    }
}

/// One entry: what it is called, its line, its key.
struct Entry {
    label: AttrValue,
    line: AttrValue,
    key: &'static str,
    /// Of which node, as an index.
    node: Option<usize>,
}

/// All entries whose label, line or node has every word of what was typed.
fn found(v: &View<'_>) -> Vec<Entry> {
    let mut all = Vec::new();
    for ((line, key), label) in DEEDS.into_iter().zip(v.t.deeds) {
        if line != "find" {
            all.push(Entry {
                label: label.into(),
                line: line.into(),
                key,
                node: None,
            });
        }
    }
    for ((name, label), key) in PAGES.iter().zip(PAGE_KEYS) {
        all.push(Entry {
            label: [v.t.inspector, ": ", v.w(label)].concat().into(),
            line: ["page ", name].concat().into(),
            key,
            node: None,
        });
    }
    for (i, node) in v.s.nodes.iter().enumerate() {
        let link = v.s.links.iter().find(|l| l.replica == node.name);
        for (line, label, _) in deeds(v.t, node, link) {
            all.push(Entry {
                label: [&node.name, ": ", label].concat().into(),
                line: line.into(),
                key: "",
                node: Some(i),
            });
        }
    }
    let typed = v.find.to_ascii_lowercase();
    let fits = |e: &Entry| {
        let text = [&e.label, " ", &e.line].concat().to_ascii_lowercase();
        typed.split(' ').all(|word| text.contains(word))
    };
    all.retain(fits);
    all
}

/// The line that Enter takes.
pub fn picked(v: &View<'_>) -> Option<AttrValue> {
    let mut all = found(v);
    let at = v.pick.min(all.len().checked_sub(1)?);
    Some(all.swap_remove(at).line)
}

#[inline(never)]
pub fn palette(v: &View<'_>) -> El {
    let all = found(v);
    let at = v.pick.min(all.len().saturating_sub(1));
    let mut rows = Vec::new();
    for (i, e) in all.into_iter().enumerate() {
        let on = i == at;
        let mut row = create("li", if on { "on" } else { "" }.into())
            .key(&e.line)
            .a("role", "option")
            .a("id", ["deed-", &int(i as u64)].concat())
            .a("aria-selected", if on { "true" } else { "false" })
            .does(["take ", &e.line].concat())
            .slot(e.node.map(|n| glyph(&v.s.nodes[n])))
            .text(e.label);
        if !e.key.is_empty() {
            row = row.put(leaf("kbd", e.key));
        } else if e.node.is_some() {
            let shown = e.line.strip_prefix("act ").map(|l| [":", l].concat());
            row = row.slot(shown.map(|l| leaf("code translate=no", l)));
        }
        rows.push(row);
    }
    el("div")
        .put(
            el("input id=find data-input=find data-enter=pick data-arrows= role=combobox aria-expanded=true \
                aria-controls=deeds autocomplete=off spellcheck=false")
            .a("aria-label", v.t.find)
            .a("placeholder", v.t.find)
            .a("aria-activedescendant", ["deed-", &int(at as u64)].concat())
            .value(&v.find),
        )
        .put(el("ul id=deeds role=listbox").a("aria-label", v.t.find).list(rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_means_one_thing() {
        let deeds = DEEDS.iter().map(|d| d.1).filter(|key| !key.is_empty());
        let mut keys: Vec<&str> = deeds.chain(PAGE_KEYS).chain(["`", "d"]).collect();
        keys.sort_unstable();
        let twice: Vec<&str> = keys
            .windows(2)
            .filter(|k| k[0] == k[1])
            .map(|k| k[0])
            .collect();
        assert!(twice.is_empty(), "{twice:?}");
    }
}
