//! The top line: name, experiments, undo, reset, share, embed, language, theme, help.

use super::View;
use super::app::Theme;
use super::dom::{El, el, leaf};
use super::icons::{Icon, icon};
use super::share::{EMBED, EMBED_TITLE};
use super::text::Lang;
use super::views::experiments::EXPERIMENTS;
use super::views::words::UNDO;

pub fn header(v: &View<'_>) -> El {
    let t = v.t;
    let sure = v.asked.is_some();
    let theme = match v.theme {
        Theme::Auto => t.theme_auto,
        Theme::Light => t.theme_light,
        Theme::Dark => t.theme_dark,
    };
    let language = |line, label, lang| leaf(line, label).class(&[("on", v.lang == lang)]);
    let small = |what, name, line: &'static str| {
        el("button plain only")
            .named(name)
            .does(line)
            .put(icon(what))
    };
    el("header top")
        .put(el("h1").child(v.logo.clone()))
        .put(leaf("p tagline", t.tagline))
        .put(
            el("button plain find data-do=find")
                .a("title", t.find)
                .put(leaf("span", t.find))
                .put(leaf("kbd", "Ctrl K")),
        )
        .put(
            el("button plain roomy data-do=experiments")
                .named(v.w(&EXPERIMENTS))
                .put(icon(Icon::Try))
                .put(leaf("span", v.w(&EXPERIMENTS))),
        )
        .put(
            el("button plain roomy data-do=undo")
                .a("title", "Ctrl Z")
                .a("aria-label", v.w(&UNDO))
                .put(icon(Icon::Undo))
                .put(leaf("span", v.w(&UNDO))),
        )
        .put(
            el("button data-do=reset")
                .class(&[("plain", true), ("sure", sure)])
                .a("title", t.reset_title)
                .put(icon(Icon::Reset))
                .put(leaf("span", if sure { t.reset_sure } else { t.reset })),
        )
        .put(
            el("button plain share-open data-do=share")
                .named(t.share)
                .put(icon(Icon::Share))
                .put(leaf("span", t.share)),
        )
        .put(
            el("button plain roomy")
                .does("share embed")
                .a("title", v.w(&EMBED_TITLE))
                .put(icon(Icon::Embed))
                .put(leaf("span", v.w(&EMBED))),
        )
        .put(leaf("button plain full data-do=full", t.open_full))
        .put(
            el("button plain lang data-do=language")
                .a("title", t.lang_title)
                .put(language("span lang=en", "EN", Lang::En))
                .put(leaf("span aria-hidden=true", "/"))
                .put(language("span lang=zh-CN", "中文", Lang::Zh)),
        )
        .put(small(Icon::Theme, theme, "theme"))
        .put(small(Icon::Help, t.help, "help"))
}
