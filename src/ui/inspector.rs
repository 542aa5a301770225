//! The inspector: what passed on the wires, a node's fields under the names of `INFO replication`, its log.

use super::View;
use super::dom::{El, create, el, int, leaf};
use super::guide::role;
use super::icons::glyph;
use super::sentence::{phase, seconds};
use super::story;
use super::text::fill;
use super::wire::wire;
use crate::sim::snapshot::{NodeView, Outcome, Verdict};

/// The pages by their names in the lines of the buttons.
pub const PAGES: [&str; 3] = ["node", "wire", "log"];
pub const NODE: usize = 0;
pub const WIRE: usize = 1;

pub fn inspector(v: &View<'_>) -> El {
    let t = v.t;
    let node = v.node();
    let mut head = el("div head role=tablist").a("aria-label", t.inspector);
    for (i, label) in [t.node, t.wire, t.log].into_iter().enumerate() {
        let tab = leaf("button role=tab aria-controls=inspector", label)
            .does(["page ", PAGES[i]].concat())
            .a("id", ["tab-", &int(i as u64)].concat())
            .a("aria-selected", if v.page == i { "true" } else { "false" });
        head = head.put(tab);
    }
    let mut of = el("span of-node");
    if let Some(n) = node.filter(|_| v.page != WIRE) {
        of = of.put(glyph(n)).put(leaf("b", n.name.clone()));
    }
    let page = match node {
        _ if v.page == WIRE => wire(v),
        Some(n) if v.page == NODE => fields(v, n),
        Some(n) => log(v, n),
        None => leaf("p nothing", t.packet_empty),
    };
    let panel = el("div page id=inspector role=tabpanel")
        .a("aria-labelledby", ["tab-", &int(v.page as u64)].concat());
    el("section inspector")
        .a("aria-label", t.inspector)
        .put(head.put(of))
        .put(panel.list(vec![page.key(PAGES[v.page])]))
}

/// Fields as `INFO replication` names them.
fn fields(v: &View<'_>, n: &NodeView) -> El {
    let b = &n.backlog;
    let attached = n.replicas.iter().filter(|r| r.state != "offline").count();
    let history = [
        ("role", if n.replica { "slave" } else { "master" }.into()),
        ("master", n.master.clone().unwrap_or_default()),
        ("master_replid", n.replid.clone()),
        ("master_replid2", n.replid2.clone()),
        ("master_repl_offset", int(n.offset)),
        ("second_repl_offset", n.second_offset.to_string()),
    ];
    let counts = [
        ("repl_backlog_active", int(u64::from(b.active))),
        ("repl_backlog_size", int(b.size)),
        ("repl_backlog_first_byte_offset", int(b.first)),
        ("repl_backlog_histlen", int(b.histlen)),
        ("sync_full", int(n.sync_full)),
        ("sync_partial_ok", int(n.sync_partial_ok)),
        ("sync_partial_err", int(n.sync_partial_err)),
        ("connected_slaves", int(attached as u64)),
    ];
    let mut replicas = Vec::new();
    for (i, r) in n.replicas.iter().enumerate() {
        let mut state = fill(" state={},offset={}", &[r.state, &int(r.ack)]);
        if r.buffered > 0 {
            state.push_str(",buffered=");
            state.push_str(&int(r.buffered));
        }
        replicas.push(el("li").nth(i).put(leaf("b", r.name.clone())).text(state));
    }
    let verdict =
        v.s.verdict
            .as_deref()
            .filter(|said| said.master == n.name || said.replica == n.name);
    el("div fields tabindex=0 role=region")
        .a("aria-label", v.t.node)
        .put(leaf(
            "p standing",
            [role(v.t, n), " · ", &phase(v.lang, &n.phase, n.lag_s)].concat(),
        ))
        .put(
            el("div columns translate=no")
                .put(rows(&history))
                .put(rows(&counts)),
        )
        .put(el("ul attached translate=no").list(replicas))
        .put(el("div").slot(verdict.map(|said| decision(v, said))))
}

/// Names and values; a field without a value is left out.
fn rows(fields: &[(&'static str, String)]) -> El {
    let mut rows = Vec::new();
    for (name, value) in fields {
        if !value.is_empty() {
            rows.push(
                el("div")
                    .key(name)
                    .put(leaf("dt", *name))
                    .put(leaf("dd", value.clone()).a("title", value.clone())),
            );
        }
    }
    el("dl").list(rows)
}

/// The verdict with the ring unrolled: what was kept, what was asked, and the inequality that decides.
fn decision(v: &View<'_>, said: &Verdict) -> El {
    let good = matches!(said.outcome, Outcome::Continue { .. });
    let asked = u64::try_from(said.asked).ok();
    let next = said.offset + 1;
    let mut code = el("code");
    let mut drawing = el("div");
    if let Some(asked) = asked {
        let sign = |holds: bool| if holds { "≤" } else { "≰" };
        let parts = [
            &int(said.first),
            sign(said.first <= asked),
            &int(asked),
            sign(asked <= next),
            &int(next),
        ];
        code = code.text(fill("{} {} {} {} {}", &parts));
        // The bar spans what the ring held, with a margin for a request on either side of it.
        let (low, high) = (asked.min(said.first), asked.max(next));
        let x = |o: u64| 10 + o.clamp(low, high).saturating_sub(low) * 580 / (high - low).max(1);
        let bar = |line, from: u64| {
            el(line)
                .a("x", int(x(from)))
                .a("width", int(x(next).saturating_sub(x(from))))
        };
        let svg = create("svg", if good { "good" } else { "full" }.into())
            .a("viewBox", "0 0 600 26")
            .a("aria-hidden", "true")
            .put(bar("rect kept y=9 height=10 rx=4", said.first))
            .slot(good.then(|| bar("rect sent y=9 height=10 rx=4", asked)))
            .put(el("path ask").a("d", ["M", &int(x(asked)), " 2V24"].concat()));
        drawing = drawing.put(svg);
    }
    let out = el("div decision");
    let out = if good {
        out
    } else {
        out.a("data-cause", story::cause(&said.outcome))
    };
    out.put(leaf("h4", v.t.decision).put(code))
        .put(drawing)
        .put(leaf("p log-line translate=no lang=en", said.log.clone()))
}

/// The server's own log.
fn log(v: &View<'_>, n: &NodeView) -> El {
    let mut lines = Vec::new();
    if n.log.is_empty() {
        lines.push(leaf("li nothing", v.t.log_empty).key("none"));
    }
    for (i, l) in n.log.iter().enumerate() {
        let line = el("li")
            .nth(i)
            .class(&[("warning", l.level == '#')])
            .put(leaf("span num", seconds(l.at.since(v.zero))))
            .put(leaf("span", String::from(l.level)))
            .put(leaf("span lang=en", l.text.clone()));
        lines.push(line);
    }
    el("ol log tabindex=0 role=region translate=no")
        .a("aria-label", v.t.log)
        .at(&v.log.list)
        .list(lines)
}
