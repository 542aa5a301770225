//! What a narrow screen has instead of space: a strip of nodes above the other panels, and the tabs.

use super::View;
use super::dom::{El, el, int, leaf};
use super::icons::{Icon, glyph, icon};
use super::sentence::group;
use super::views::words as w;

/// The panels that a narrow screen shows, one at a time.
pub const TABS: [&str; 5] = ["learn", "nodes", "backlog", "console", "inspect"];
/// Their places in it.
pub const NODES: usize = 1;
pub const BACKLOG: usize = 2;
pub const CONSOLE: usize = 3;
pub const INSPECT: usize = 4;

/// Nodes with their offsets, so that typing still shows its consequence.
pub fn peek(v: &View<'_>) -> El {
    let mut nodes = Vec::new();
    for (i, n) in v.s.nodes.iter().enumerate() {
        let difference = match n.behind {
            Some(0) | None => String::new(),
            Some(bytes) => ["−", &group(bytes), " B"].concat(),
        };
        let button = el("button")
            .does(["focus ", &int(i as u64)].concat())
            .put(glyph(n))
            .put(leaf("b", n.name.clone()))
            .put(leaf("span num", group(n.offset)))
            .put(leaf("span num less", difference));
        nodes.push(
            el("li")
                .key(&n.name)
                .class(&[("dead", !n.alive), ("focus", v.focus == i)])
                .put(button),
        );
    }
    el("ul peek").list(nodes)
}

pub fn tabs(v: &View<'_>) -> El {
    let t = v.t;
    let labels = [
        t.tab_learn,
        t.tab_nodes,
        v.w(&w::BACKLOG),
        t.tab_console,
        t.tab_inspect,
    ];
    let icons = [
        Icon::Learn,
        Icon::Nodes,
        Icon::Backlog,
        Icon::Console,
        Icon::Inspect,
    ];
    let done = v.progress.count() as u64;
    let mut nav = el("nav tabs");
    for (i, name) in TABS.into_iter().enumerate() {
        let mut button = el("button")
            .does(["tab ", name].concat())
            .put(icon(icons[i]))
            .put(leaf("span", labels[i]));
        if v.tab == i {
            button = button.a("aria-current", "page");
        }
        let badge = (i == 0 && !v.lessons.open() && (1..5).contains(&done))
            .then(|| leaf("b badge", [&int(done), "/5"].concat()));
        nav = nav.put(button.slot(badge));
    }
    nav
}
