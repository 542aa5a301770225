//! The help: the idea in five lines, and the keys.

use super::View;
use super::dom::{El, el, leaf};
use super::inspector::PAGES;
use super::palette::{DEEDS, PAGE_KEYS};

#[inline(never)]
pub fn help(v: &View<'_>) -> El {
    let t = v.t;
    let mut idea = el("ol idea");
    for line in t.idea {
        idea = idea.put(leaf("li", line));
    }
    let mut keys = el("dl keys");
    let more = [("1 – 9", t.key_nodes), ("Esc", t.key_leave)];
    let known = DEEDS.into_iter().map(|d| d.1).zip(t.deeds);
    let pages = PAGE_KEYS.into_iter().zip(PAGES.iter().map(|p| v.w(&p.1)));
    for (key, what) in known.filter(|d| !d.0.is_empty()).chain(pages).chain(more) {
        keys = keys.put(
            el("div")
                .put(el("dt").put(leaf("kbd", key)))
                .put(leaf("dd", what)),
        );
    }
    el("div")
        .put(leaf("h2 id=dialog-title", t.idea_title))
        .put(idea)
        .put(leaf("h3", t.keys_title))
        .put(keys)
        .put(leaf("p muted", t.keys_note))
        .put(leaf("button act-on data-do=keys", t.keys_off).pressed(v.keys_off))
}
