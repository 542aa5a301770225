//! A node: how it stands, its newest handshake step by step, and its fields under the names of `INFO replication`.

use super::{sign, words as w};
use crate::sim::Exchange;
use crate::sim::snapshot::{NodeView, Phase};
use crate::ui::View;
use crate::ui::dom::{El, create, el, int, leaf, num};
use crate::ui::icons::{Icon, icon};
use crate::ui::sentence::{Said, group, phase, seconds};
use crate::ui::stage::layer::Memory;
use crate::ui::stage::select::Sel;
use crate::ui::text::fill;
use crate::ui::wire::packet_line;

#[inline(never)]
pub fn node(v: &View<'_>, n: &NodeView) -> El {
    let mut columns = el("div columns");
    if let Some(master) = &n.master {
        columns = columns.put(handshake(v, n, master));
    }
    el("div fields tabindex=0 role=region")
        .a("aria-label", v.t.node)
        .put(columns.put(info(v, n).slot(memory(v, n))))
}

/// What a node's memory is for, in bytes, under names of `INFO memory`: keys, backlog, output buffers of replicas, and what
/// writes have copied since the fork.
fn parts(v: &View<'_>, n: &NodeView) -> Option<[(&'static str, u64); 4]> {
    let node = v.player.world().node(&n.name)?;
    let keys = node.keyspace().memory();
    let (backlog, output) = node.memory_of_replication();
    let copied = n
        .child
        .as_ref()
        .map_or(0, |c| keys * c.copied as u64 / (c.shards as u64).max(1));
    Some([
        (v.w(&w::IN_KEYS), keys),
        ("mem_replication_backlog", backlog),
        ("mem_clients_slaves", output),
        (v.w(&w::COPIED), copied),
    ])
}

/// The bars on the stage: of the selected node, and wherever it matters: there is a limit, something waits in an output
/// buffer, or writes are copied.
#[inline(never)]
pub fn memories(v: &View<'_>) -> Vec<Memory> {
    let mut out = Vec::new();
    for (i, n) in v.s.nodes.iter().enumerate() {
        let Some(node) = v.player.world().node(&n.name) else {
            continue;
        };
        let limit = node.config.maxmemory;
        let chosen = matches!(&v.selected, Some(Sel::Node(name)) if *name == n.name);
        let copies = n.child.as_ref().is_some_and(|c| c.copied > 0);
        if !(chosen || limit > 0 || copies || n.replicas.iter().any(|r| r.buffered > 0)) {
            continue;
        }
        let Some(parts) = parts(v, n) else { continue };
        let mut title = v.w(&w::MEMORY).to_string();
        for (name, bytes) in parts.iter().filter(|p| p.1 > 0) {
            title.push_str(&["\n", name, " ", &group(*bytes), " B"].concat());
        }
        if limit > 0 {
            title.push_str(&["\nmaxmemory ", &group(limit), " B"].concat());
        }
        let sum = parts.iter().map(|p| p.1).sum::<u64>();
        let label = match limit {
            0 => v.put(&w::MEMORY_USED, &[&group(sum)]),
            limit => v.put(&w::MEMORY_OF, &[&group(sum), &group(limit)]),
        };
        out.push(Memory {
            node: i,
            name: n.name.clone(),
            parts: parts.map(|p| p.1),
            most: sum.max(limit),
            title,
            label,
        });
    }
    out
}

/// The same with its numbers.
fn memory(v: &View<'_>, n: &NodeView) -> Option<El> {
    let mut parts = parts(v, n)?.to_vec();
    if n.child.is_none() {
        parts.pop();
    }
    let all = parts.iter().map(|p| p.1).sum::<u64>().max(1);
    let (mut bar, mut list) = (el("svg memory aria-hidden=true"), el("dl"));
    let mut x = 0.0;
    for (i, (name, bytes)) in parts.into_iter().enumerate() {
        let width = bytes as f32 * 100.0 / all as f32;
        let class = ["m0", "m1", "m2", "m3"][i];
        bar = bar.put(
            create("rect", class.into())
                .a("height", "100%")
                .a("x", [&num(x), "%"].concat())
                .a("width", [&num(width), "%"].concat()),
        );
        x += width;
        let sign = create("i", class.into());
        list = list.put(
            el("div")
                .put(el("dt").put(sign).text(name))
                .put(leaf("dd", [&group(bytes), " B"].concat())),
        );
    }
    Some(
        el("section memory data-testid=memory")
            .put(leaf("h3", v.w(&w::MEMORY)))
            .put(bar)
            .put(list),
    )
}

/// The requests of the handshake in their order: how the line begins, and whether every replica sends it.
const STEPS: [(&str, bool, Said); 6] = [
    ("PING", true, w::WHY_PING),
    ("AUTH", false, w::WHY_AUTH),
    ("REPLCONF listening-port", true, w::WHY_PORT),
    ("REPLCONF ip-address", false, w::WHY_IP),
    ("REPLCONF capa", true, w::WHY_CAPA),
    ("PSYNC", true, w::WHY_PSYNC),
];

/// The stepper.
fn handshake(v: &View<'_>, n: &NodeView, master: &str) -> El {
    let said = v.s.handshake(&n.name, master);
    let mut rows = Vec::new();
    let mut step = |done: Option<bool>,
                    now: bool,
                    (line, why): (String, &Said),
                    answer: String,
                    at: String,
                    packet: u64| {
        let mut row = el("button")
            .a("title", v.w(why))
            .put(sign(done))
            .put(leaf("code", line))
            .put(leaf("span answer", answer))
            .put(leaf("span num muted", at))
            .put(leaf("span why", v.w(why)));
        if packet > 0 {
            row = row.does(packet_line(packet));
        } else {
            row = row.a("disabled", "disabled");
        }
        let i = rows.len();
        rows.push(
            el("li")
                .nth(i)
                .class(&[("now", now), ("skipped", done.is_none() && !now)])
                .put(row),
        );
    };
    if said.is_empty() {
        let text = if matches!(n.phase, Phase::Online) {
            w::FORGOTTEN
        } else {
            w::NOT_ASKED
        };
        return el("section handshake")
            .put(leaf("h3", v.put(&w::HANDSHAKE, &[master])))
            .put(leaf("p muted", v.w(&text)));
    }
    for (begins, always, why) in STEPS {
        let is = |e: &&Exchange| {
            e.request
                .get(..begins.len())
                .is_some_and(|r| r.eq_ignore_ascii_case(begins))
                || (begins == "PSYNC" && e.request.eq_ignore_ascii_case("sync"))
        };
        match said.iter().find(is) {
            Some(e) => {
                let at = seconds(e.sent.since(v.zero));
                let (answer, done) = match &e.answer {
                    Some((text, ..)) => (text.clone(), Some(!text.starts_with('-'))),
                    None => (v.w(&w::ANSWER_COMES).into(), None),
                };
                step(
                    done,
                    done.is_none(),
                    (e.request.clone(), &why),
                    answer,
                    at,
                    e.packet,
                );
            }
            None if always => step(
                None,
                false,
                (begins.into(), &why),
                String::new(),
                String::new(),
                0,
            ),
            None => step(
                None,
                false,
                (begins.into(), &why),
                v.w(&w::NOT_SET).into(),
                String::new(),
                0,
            ),
        }
    }
    let full = said.iter().any(|e| {
        e.answer
            .as_ref()
            .is_some_and(|a| a.0.starts_with("+FULLRESYNC"))
    });
    let online = matches!(n.phase, Phase::Online);
    if full {
        let moving = matches!(
            n.phase,
            Phase::WaitsForSnapshot
                | Phase::Transfer { .. }
                | Phase::Storing { .. }
                | Phase::Loading { .. }
        );
        let words = if moving {
            phase(v.lang, &n.phase, None)
        } else {
            String::new()
        };
        step(
            online.then_some(true),
            moving,
            ("RDB".into(), &w::WHY_RDB),
            words,
            String::new(),
            0,
        );
    }
    let word = if online {
        phase(v.lang, &n.phase, n.lag_s)
    } else {
        String::new()
    };
    step(
        online.then_some(true),
        false,
        ("connected".into(), &w::WHY_CONNECTED),
        word,
        String::new(),
        0,
    );
    // As an old master does, and as a proxy may: it answers PSYNC with an error.
    let line = ["psync ", master, " gone"].concat();
    let mut in_force = v.player.world().faults().into_iter();
    let old = in_force.any(|fault| fault.to_string() == line);
    let back = ["psync ", master, " ok"].concat();
    let legacy = leaf("button toggle", v.w(&w::LEGACY))
        .a("title", v.put(&w::LEGACY_TITLE, &[master]))
        .pressed(old)
        .does(["act ", if old { &back } else { &line }].concat());
    el("section handshake data-testid=handshake")
        .put(leaf("h3", v.put(&w::HANDSHAKE, &[master])))
        .put(el("ol translate=no").list(rows))
        .put(legacy)
}

/// Fields as `INFO replication` names them.
fn info(v: &View<'_>, n: &NodeView) -> El {
    let b = &n.backlog;
    let attached = n.replicas.iter().filter(|r| r.state != "offline").count();
    let fields = [
        ("role", if n.replica { "slave" } else { "master" }.into()),
        ("master", n.master.clone().unwrap_or_default()),
        ("master_replid", n.replid.clone()),
        ("master_replid2", n.replid2.clone()),
        ("master_repl_offset", int(n.offset)),
        ("second_repl_offset", n.second_offset.to_string()),
        ("repl_backlog_active", int(u64::from(b.active))),
        ("repl_backlog_size", int(b.size)),
        ("repl_backlog_first_byte_offset", int(b.first)),
        ("repl_backlog_histlen", int(b.histlen)),
        ("sync_full", int(n.sync_full)),
        ("sync_partial_ok", int(n.sync_partial_ok)),
        ("sync_partial_err", int(n.sync_partial_err)),
        ("connected_slaves", int(attached as u64)),
    ];
    let mut rows = Vec::new();
    for (name, value) in fields {
        if !value.is_empty() {
            // That of nobody is no id.
            let copies = name.starts_with("master_replid") && !value.starts_with("0000");
            let copy = copies.then(|| {
                el("button plain only copy")
                    .named(v.w(&w::COPY_ID))
                    .does(["copy-text ", &value].concat())
                    .put(icon(Icon::Copy))
            });
            rows.push(
                el("div").key(name).put(leaf("dt", name)).put(
                    el("dd")
                        .put(leaf("span", value.clone()).a("title", value))
                        .slot(copy),
                ),
            );
        }
    }
    let mut replicas = Vec::new();
    for (i, r) in n.replicas.iter().enumerate() {
        let mut state = fill(" state={},offset={}", &[r.state, &int(r.ack)]);
        if r.buffered > 0 {
            state.push_str(",buffered=");
            state.push_str(&int(r.buffered));
        }
        replicas.push(el("li").nth(i).put(leaf("b", r.name.clone())).text(state));
    }
    el("section info")
        .put(leaf("h3 translate=no", w::FIELDS[0]))
        .put(el("dl translate=no").list(rows))
        .put(el("ul attached translate=no").list(replicas))
}
