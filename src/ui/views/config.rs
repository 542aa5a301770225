//! The settings of replication, read and set by `CONFIG GET` and `CONFIG SET`; the node itself checks what is entered.

use super::words as w;
use crate::sim::snapshot::NodeView;
use crate::ui::View;
use crate::ui::dom::{El, el, leaf};
use crate::ui::sentence::Said;

/// Name, unit, what of the page it affects (`data-affects` in `views.css`), and what it changes.
const SETTINGS: [(&str, &Said, &str, Said); 20] = [
    (
        "repl-backlog-size",
        &w::U_BYTES,
        "ring",
        [
            "size of the ring: how much a replica may miss",
            "环的大小：从节点最多能错过多少",
        ],
    ),
    (
        "repl-backlog-ttl",
        &w::U_S,
        "ring",
        [
            "a master without replicas frees its ring after this; 0 is never",
            "主节点没有从节点多久后释放环；0 为永不",
        ],
    ),
    (
        "repl-timeout",
        &w::U_S,
        "wire",
        [
            "silence on the link after which it is given up",
            "链路沉默多久后放弃",
        ],
    ),
    (
        "repl-ping-replica-period",
        &w::U_S,
        "ping",
        [
            "a master PINGs its replicas so often; each is 14 bytes of the stream",
            "主节点多久 PING 一次从节点；每次占复制流 14 字节",
        ],
    ),
    (
        "repl-diskless-sync",
        &w::U_NONE,
        "sync",
        ["snapshots go out without a file", "快照不经文件直接发送"],
    ),
    (
        "repl-diskless-sync-delay",
        &w::U_S,
        "sync",
        [
            "waits for more replicas before a diskless snapshot",
            "无盘快照前等待更多从节点",
        ],
    ),
    (
        "repl-diskless-sync-max-replicas",
        &w::U_NONE,
        "sync",
        [
            "so many of them end the wait; 0 is no limit",
            "来够这么多就不再等；0 为不限",
        ],
    ),
    (
        "repl-diskless-load",
        &w::U_NONE,
        "sync",
        [
            "a replica loads what comes without a file: on-empty-db, swapdb",
            "从节点不经文件边收边加载：on-empty-db、swapdb",
        ],
    ),
    (
        "replica-read-only",
        &w::U_NONE,
        "node",
        ["a replica refuses writes", "从节点拒绝写入"],
    ),
    (
        "replica-serve-stale-data",
        &w::U_NONE,
        "node",
        [
            "a replica without its master still answers",
            "与主节点断开时仍然回答",
        ],
    ),
    (
        "replica-priority",
        &w::U_NONE,
        "node",
        [
            "for Sentinel: lower is promoted first, 0 never",
            "供 Sentinel 使用：小者优先提升，0 为永不",
        ],
    ),
    (
        "min-replicas-to-write",
        &w::U_NONE,
        "plate",
        [
            "fewer good replicas than this: NOREPLICAS",
            "可用从节点少于此数：NOREPLICAS",
        ],
    ),
    (
        "min-replicas-max-lag",
        &w::U_S,
        "plate",
        [
            "a replica is good while its last ACK is no older",
            "ACK 不比这更旧，才算可用",
        ],
    ),
    (
        "client-output-buffer-limit",
        &w::U_NONE,
        "wire",
        [
            "class hard soft seconds: when a slow reader is cut off",
            "类别 硬限 软限 秒数：何时断开慢客户端",
        ],
    ),
    (
        "masterauth",
        &w::U_NONE,
        "wire",
        [
            "the password that it sends to its master",
            "发给主节点的密码",
        ],
    ),
    (
        "requirepass",
        &w::U_NONE,
        "node",
        ["the password that it asks for", "它要求的密码"],
    ),
    (
        "maxmemory",
        &w::U_BYTES,
        "keys",
        [
            "what its keys may take; then maxmemory-policy decides; 0 is no limit",
            "键最多占多少内存；超出后由 maxmemory-policy 决定；0 为不限",
        ],
    ),
    (
        "maxmemory-policy",
        &w::U_NONE,
        "keys",
        [
            "what goes when memory is full: noeviction, allkeys-lru, …",
            "内存满时去掉什么：noeviction、allkeys-lru……",
        ],
    ),
    (
        "save",
        &w::U_NONE,
        "dump",
        [
            "seconds and changes after which it saves",
            "多少秒内多少次修改后存盘",
        ],
    ),
    (
        "rdbcompression",
        &w::U_NONE,
        "dump",
        ["LZF in the snapshot", "快照里用 LZF 压缩"],
    ),
];

#[inline(never)]
pub fn config(v: &View<'_>, n: &NodeView) -> El {
    let mut head = el("tr");
    for label in [&w::NAME, &w::VALUE, &w::DEFAULT] {
        head = head.put(leaf("th scope=col", v.w(label)));
    }
    let mut rows = Vec::new();
    for (name, unit, affects, what) in &SETTINGS {
        if let Some([now, _, usual]) = v.player.world().setting(&n.name, name) {
            let row = row(v, n, (name, v.w(unit), v.w(what)), now, usual);
            // It is the one on the drum that the highlighter finds.
            let there =
                v.s.nodes
                    .get(v.focus)
                    .is_some_and(|drum| drum.name == n.name);
            rows.push(if there {
                row.a("data-affects", *affects)
            } else {
                row
            });
        }
    }
    if rows.is_empty() {
        return leaf("p nothing", v.w(&w::ABSENT));
    }
    el("div config tabindex=0 role=region data-testid=config")
        .a("aria-label", v.w(&w::CONFIG))
        .put(scales(v, n))
        .put(
            el("table grid")
                .put(el("thead").put(head))
                .put(el("tbody").list(rows)),
        )
        .put(leaf("p muted note-7", v.w(&w::TEACHING)))
}

/// The switch between how this world begins and what Redis has by default, for all nodes; it says what it sets.
fn scales(v: &View<'_>, n: &NodeView) -> El {
    let mut both = [String::new(), String::new()];
    let mut is = [true; 2];
    let mut told = leaf("p muted about", v.w(&w::SCALES));
    for (name, ..) in SETTINGS {
        let Some([now, here, usual]) = v.player.world().setting(&n.name, name) else {
            continue;
        };
        if here == usual {
            continue;
        }
        told = told.text(" ").put(leaf("code translate=no", name));
        for (i, value) in [here, usual].into_iter().enumerate() {
            both[i].push_str(&[" ", name, " \"", &value, "\""].concat());
            is[i] &= now == value;
        }
    }
    let mut choice = el("div segments role=group").a("aria-label", v.w(&w::SCALE));
    for (i, label) in [&w::SCALE, &w::SCALE_REAL].into_iter().enumerate() {
        let line = ["run @all CONFIG SET", &both[i]].concat();
        choice = choice.put(leaf("button", v.w(label)).pressed(is[i]).does(line));
    }
    el("div scales").put(choice).put(told)
}

fn row(
    v: &View<'_>,
    n: &NodeView,
    (name, unit, what): (&'static str, &'static str, &'static str),
    now: String,
    usual: String,
) -> El {
    let changed = now != usual;
    let typed = v
        .views
        .setting
        .as_ref()
        .filter(|s| s.0 == n.name && s.1 == name);
    let value = typed.map_or(&now, |s| &s.2);
    let refused = typed.and_then(|s| s.3.as_ref());
    let mut input = el("input type=text autocomplete=off autocapitalize=off spellcheck=false")
        .a("class", "field-small")
        .a("aria-label", name)
        .a("data-input", ["setting ", &n.name, " ", name].concat())
        .a("data-enter", ["set ", &n.name, " ", name].concat())
        .value(value);
    if refused.is_some() {
        input = input.a("aria-invalid", "true");
    }
    let mut cell = el("td").put(input).put(leaf("span muted", unit));
    if typed.is_some_and(|s| s.2 != now) {
        cell = cell.put(
            leaf("button plain apply", "CONFIG SET")
                .does(["set ", &n.name, " ", name, " ", value].concat()),
        );
    }
    let mut about = el("th scope=row")
        .put(leaf("code translate=no", name))
        .put(leaf("p about", what));
    if let Some(error) = refused {
        about = about.put(leaf(
            "p refused lang=en translate=no role=alert",
            error.clone(),
        ));
    }
    el("tr")
        .key(name)
        .class(&[("changed", changed)])
        .put(about)
        .put(cell)
        .put(leaf("td usual translate=no", usual.clone()).a("title", usual))
}
