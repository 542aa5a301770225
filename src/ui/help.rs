//! The help: the idea in five lines, and the keys.

use super::View;
use super::dom::{El, el, leaf};
use super::icons::{Icon, icon};
use web_sys::HtmlDialogElement;
use yew::NodeRef;

pub fn help(v: &View<'_>) -> El {
    let t = v.t;
    let mut idea = el("ol idea");
    for line in t.idea {
        idea = idea.put(leaf("li", line));
    }
    let mut keys = el("dl keys");
    for (key, what) in t.keys {
        keys = keys.put(
            el("div")
                .put(el("dt").put(leaf("kbd", key)))
                .put(leaf("dd", what)),
        );
    }
    el("dialog help aria-labelledby=idea")
        .at(&v.dialog)
        .put(
            el("button plain only close data-do=close")
                .named(t.close)
                .put(icon(Icon::Close)),
        )
        .put(leaf("h2 id=idea", t.idea_title))
        .put(idea)
        .put(leaf("h3", t.keys_title))
        .put(keys)
        .put(leaf("p muted", t.keys_note))
}

/// A dialog opens and closes by a call, not by an attribute.
pub fn show(dialog: &NodeRef, open: bool) {
    let Some(dialog) = dialog.cast::<HtmlDialogElement>() else {
        return;
    };
    if open && !dialog.open() {
        // Throws only for a dialog outside of the document.
        let _ = dialog.show_modal();
    } else if !open && dialog.open() {
        dialog.close();
    }
}
