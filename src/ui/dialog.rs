//! The one dialog of the page: help, sharing, the command palette, experiments, branches, or the verdict on pasted texts.

use super::View;
use super::dom::{El, create, el};
use super::help::help;
use super::icons::{Icon, icon};
use super::palette::palette;
use super::share::share;
use super::views::branches::branches;
use super::views::experiments::experiments;
use super::views::told::told;
use web_sys::HtmlDialogElement;
use yew::NodeRef;

/// What the dialog shows.
#[derive(Clone, Copy, PartialEq)]
pub enum Dialog {
    Help,
    Share,
    Find,
    Told,
    Experiments,
    Branches,
}

pub fn dialog(v: &View<'_>) -> El {
    let (class, body) = match v.open {
        None => ("help", None),
        Some(Dialog::Help) => ("help", Some(help(v).key("help"))),
        Some(Dialog::Share) => ("help share wide", Some(share(v).key("share"))),
        Some(Dialog::Told) => ("help share wide", Some(told(v).key("told"))),
        Some(Dialog::Experiments) => ("help share", Some(experiments(v).key("try"))),
        Some(Dialog::Branches) => ("help branching", Some(branches(v).key("branches"))),
        Some(Dialog::Find) => ("help palette", Some(palette(v).key("find"))),
    };
    let close = el("button plain only close data-do=close")
        .key("close")
        .named(v.t.close)
        .put(icon(Icon::Close));
    let mut all: Vec<El> = body.into_iter().collect();
    let out = create("dialog", class.into()).at(&v.dialog);
    if v.open == Some(Dialog::Find) {
        return out.a("aria-label", v.t.find).list(all);
    }
    all.insert(0, close);
    out.a("aria-labelledby", "dialog-title").list(all)
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
