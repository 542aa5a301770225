//! The inspector: a tab strip, and the page that is chosen. The pages are in `views/`; the wire and the log of a server
//! have files of their own beside this one.

use super::View;
use super::dom::{El, el, int, leaf};
use super::guide::role;
use super::icons::{Icon, glyph, icon};
use super::peek::BACKLOG;
use super::sentence::{Said, phase, seconds};
use super::views::{self, words as w};
use super::wire::wire;
use crate::sim::snapshot::NodeView;
use crate::time::Instant;

/// The pages: their names in the lines of the buttons, and their labels.
pub const PAGES: [(&str, Said); 12] = [
    ("node", ["Node", "节点"]),
    ("psync", w::PSYNC),
    ("wire", ["Wire", "报文"]),
    ("sequence", w::SEQUENCE),
    ("keys", w::KEYS),
    ("ring", w::BACKLOG),
    ("rdb", w::RDB),
    ("charts", w::CHARTS),
    ("config", w::CONFIG),
    ("faults", w::FAULTS),
    ("writes", w::WRITES),
    ("log", ["Log", "日志"]),
];
/// The page that the inspector opens with.
pub const WIRE: &str = "wire";

pub fn inspector(v: &View<'_>) -> El {
    let t = v.t;
    let node = v.subject();
    let mut tabs = el("div tabstrip role=tablist").a("aria-label", t.inspector);
    for (name, label) in PAGES {
        let tab = leaf("button role=tab aria-controls=inspector", v.w(&label))
            .does(["page ", name].concat())
            .a("id", ["tab-", name].concat())
            .a(
                "aria-selected",
                if v.page == name { "true" } else { "false" },
            );
        tabs = tabs.put(tab);
    }
    let big = v.views.big;
    let head = el("div head").put(tabs).put(
        el("button plain only grow data-do=big data-testid=big")
            .named(v.w(if big { &w::SMALL } else { &w::BIG }))
            .pressed(big)
            .put(icon(if big { Icon::Shrink } else { Icon::Grow })),
    );
    // On a narrow screen the ring has a tab of its own.
    let name = if v.tab == BACKLOG { "ring" } else { v.page };
    let page = match (name, node) {
        ("wire", _) => wire(v),
        ("psync", _) => views::psync::psync(v),
        ("sequence", _) => views::sequence::sequence(v),
        ("keys", _) => views::dataset::dataset(v),
        ("writes", _) => views::ledger::ledger(v),
        ("charts", _) => views::charts::charts(v),
        ("ring", Some(n)) => of_node(v, n, views::ring::ring(v, n)),
        ("rdb", Some(n)) => of_node(v, n, views::rdb::rdb(v, n)),
        ("faults", Some(n)) => of_node(v, n, views::faults::faults(v, n)),
        ("config", Some(n)) => of_node(v, n, views::config::config(v, n)),
        ("node", Some(n)) => of_node(v, n, views::node::node(v, n)),
        ("log", Some(n)) => of_node(v, n, log(v, n)),
        _ => leaf("p nothing", t.packet_empty),
    };
    let panel = el("div page id=inspector role=tabpanel tabindex=-1")
        .a("aria-labelledby", ["tab-", name].concat());
    el("section inspector")
        .a("aria-label", t.inspector)
        .put(head)
        .put(panel.list(vec![page.key(name)]))
}

/// A page about one node begins with a choice of it.
fn of_node(v: &View<'_>, n: &NodeView, page: El) -> El {
    let mut nodes = Vec::new();
    for other in &v.s.nodes {
        let on = other.name == n.name;
        let button = el("button node-pick")
            .key(&other.name)
            .pressed(on)
            .does(["select node:", &other.name].concat())
            .put(glyph(other))
            .text(other.name.clone());
        nodes.push(button);
    }
    let standing = [role(v.t, n), " · ", &phase(v.lang, &n.phase, n.lag_s)].concat();
    let pick = el("div nodes role=group")
        .a("aria-label", v.t.node)
        .list(nodes)
        .put(leaf("span standing muted", standing));
    let page = match n.outside() {
        true => leaf("p nothing", v.w(&w::OUTSIDE)),
        false => page,
    };
    el("div of-node").put(pick).put(page)
}

/// When something was; a way there, where that can be seen again.
fn moment(v: &View<'_>, at: Instant) -> El {
    let words = seconds(at.since(v.zero));
    if at < v.player.position().begin_at {
        return leaf("span num", words);
    }
    leaf("button num", words)
        .a("title", v.w(&w::TO_MOMENT))
        .does(["seek-us ", &int(at.0)].concat())
}

/// The server's own log.
#[inline(never)]
fn log(v: &View<'_>, n: &NodeView) -> El {
    let mut lines = Vec::new();
    if n.log.is_empty() {
        lines.push(leaf("li nothing", v.t.log_empty).key("none"));
    }
    for (i, l) in n.log.iter().enumerate() {
        let line = el("li")
            .nth(i)
            .class(&[("warning", l.level == '#')])
            .put(moment(v, l.at))
            .put(leaf("span", String::from(l.level)))
            .put(leaf("span lang=en", l.text.clone()));
        lines.push(line);
    }
    el("div log tabindex=0 role=region translate=no")
        .a("aria-label", v.t.log)
        .at(&v.log.list)
        .put(el("ol").list(lines))
}
