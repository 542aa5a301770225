//! Every fault of the world, on the thing that it breaks: a wire, a node, all of it. A button does what its `:` line in
//! the console does; what is in force is told by the world.

use super::words as w;
use crate::sim::Action;
use crate::sim::snapshot::NodeView;
use crate::ui::View;
use crate::ui::dom::{El, el, leaf};
use crate::ui::guide::choice;
use crate::ui::sentence::Said;
use crate::ui::text::fill;

/// A label and its line; `{0}` and `{1}` are the two ends of a wire, or `{0}` a node and `{1}` all the others. The first
/// one of a row is how things usually are.
type Choice = (Said, &'static str);

/// A name in both languages, and the verbs whose faults the row shows.
struct Row {
    name: Said,
    verb: &'static str,
    choices: &'static [Choice],
}

const WIRE: [Row; 6] = [
    Row {
        name: ["Cut", "断开"],
        verb: "cut",
        choices: &[
            (["whole", "完好"], "restore {0} {1}"),
            (["both learn it", "双方得知"], "cut {0} {1}"),
            (["only {0}", "仅 {0} 得知"], "cut {0} {1} told {0}"),
            (["only {1}", "仅 {1} 得知"], "cut {0} {1} told {1}"),
            (["nobody", "无人得知"], "cut {0} {1} told none"),
            (["in 40 bytes", "再过 40 字节"], "cut {0} {1} after 40"),
        ],
    },
    Row {
        name: ["Stall", "停滞"],
        verb: "stall",
        choices: &[
            (["flows", "流动"], "restore {0} {1}"),
            (["both ways", "双向"], "stall {0} {1}"),
            (["to {1}", "去往 {1}"], "stall {0} -> {1}"),
            (["to {0}", "去往 {0}"], "stall {1} -> {0}"),
            (["3 s", "3 s"], "stall {0} {1} 3s"),
        ],
    },
    Row {
        name: ["Delay", "延迟"],
        verb: "latency",
        choices: &[
            (["100 ms", "100 ms"], "latency {0} {1} 100ms"),
            (["10 ms", "10 ms"], "latency {0} {1} 10ms"),
            (["400 ms", "400 ms"], "latency {0} {1} 400ms"),
            (["2 s", "2 s"], "latency {0} {1} 2s"),
            (["20 ms – 2 s", "20 ms – 2 s"], "latency {0} {1} 20ms..2s"),
        ],
    },
    Row {
        name: ["Speed", "带宽"],
        verb: "bandwidth",
        choices: &[
            (["no limit", "不限"], "bandwidth {0} {1} 0"),
            (["1 kB/s", "1 kB/s"], "bandwidth {0} {1} 1000"),
            (["64 B/s", "64 B/s"], "bandwidth {0} {1} 64"),
        ],
    },
    Row {
        name: ["Pieces", "分段"],
        verb: "segment",
        choices: &[
            (["as written", "原样"], "segment {0} {1} 0"),
            (["of 7 bytes", "每 7 字节"], "segment {0} {1} 7"),
            (["of 1 byte", "每 1 字节"], "segment {0} {1} 1"),
        ],
    },
    Row {
        name: ["Dialling", "建立连接"],
        verb: "connect",
        choices: &[
            (["at once", "立即"], "connect {0} {1} 0ms"),
            (["2 s longer", "多 2 s"], "connect {0} {1} 2s"),
            (["refused", "被拒绝"], "connect {0} {1} refused"),
        ],
    },
];

const NODE: [Row; 8] = [
    Row {
        name: ["Process", "进程"],
        verb: "pause",
        choices: &[
            (["runs", "运行"], "resume {0}"),
            (["stands still", "静止"], "pause {0}"),
            (["for 3 s", "静止 3 s"], "pause {0} 3s"),
        ],
    },
    Row {
        name: ["Slower by", "放慢"],
        verb: "slow",
        choices: &[
            (["1×", "1×"], "slow {0} 1"),
            (["10×", "10×"], "slow {0} 10"),
            (["child 100×", "子进程 100×"], "slow {0} 100 child"),
            (["disk 100×", "磁盘 100×"], "slow {0} 100 disk"),
            (["loader 100×", "加载 100×"], "slow {0} 100 loader"),
        ],
    },
    Row {
        name: ["Next for it", "它的下一步"],
        verb: "hurry",
        choices: &[(["happens now", "立刻发生"], "hurry {0}")],
    },
    Row {
        name: ["Reads", "读取"],
        verb: "reads",
        choices: &[
            (["at once", "立即"], "reads {0} all"),
            (["64 B/s", "64 B/s"], "reads {0} 64"),
            (["nothing", "不读"], "reads {0} none"),
        ],
    },
    Row {
        name: ["Fork", "派生"],
        verb: "fork",
        choices: &[
            (["allowed", "允许"], "fork {0} ok"),
            (["refused", "被拒绝"], "fork {0} refused"),
        ],
    },
    Row {
        name: ["PSYNC", "PSYNC"],
        verb: "psync",
        choices: &[
            (["known", "认识"], "psync {0} ok"),
            (["unknown: SYNC", "不认识：SYNC"], "psync {0} gone"),
        ],
    },
    Row {
        name: ["Its child", "子进程"],
        verb: "child",
        choices: &[(
            ["dies after 40 bytes", "写 40 字节后死亡"],
            "child {0} dies after 40",
        )],
    },
    Row {
        name: ["Disk", "磁盘"],
        verb: "disk",
        choices: &[
            (["has room", "有空间"], "disk {0} ok"),
            (["full", "已满"], "disk {0} full"),
            (
                ["full in 100 bytes", "再写 100 字节就满"],
                "disk {0} full after 100",
            ),
        ],
    },
];

const DEAD: [Row; 1] = [Row {
    name: ["Start", "启动"],
    verb: "start",
    choices: &[
        (["from its disk", "从磁盘"], "start {0}"),
        (
            ["from the snapshot before", "从更早的快照"],
            "start {0} old",
        ),
        (["empty", "空"], "start {0} empty"),
    ],
}];

const WORLD: [Row; 3] = [
    Row {
        name: ["Partition", "分区"],
        verb: "partition",
        choices: &[
            (["heal all", "全部恢复"], "heal"),
            (["{0} | others", "{0} | 其他"], "partition {0} | {1}"),
            (["{0} unheard", "无人听到 {0}"], "partition {0} -> {1}"),
        ],
    },
    Row {
        name: ["Flaky net", "网络抖动"],
        verb: "swizzle",
        choices: &[
            (["3 s", "3 s"], "swizzle 3s"),
            (["10 s", "10 s"], "swizzle 10s"),
        ],
    },
    Row {
        name: ["Load", "负载"],
        verb: "load",
        choices: &[
            (["off", "关"], "load {0} 0/s"),
            (["5/s", "5/s"], "load {0} 5/s"),
            (["50/s", "50/s"], "load {0} 50/s"),
            (["64 B values", "64 B 的值"], "load {0} 50/s size 64"),
            (
                ["with expiry, MULTI", "带过期、MULTI"],
                "load {0} 20/s mix set,expire,multi,select",
            ),
        ],
    },
];

/// The wire of a node: to its master, or that of its first replica.
fn wire<'a>(v: &View<'a>, n: &NodeView) -> Option<(&'a str, &'a str)> {
    let up = v.s.links.iter().find(|l| l.replica == n.name);
    let link = up.or_else(|| v.s.links.iter().find(|l| l.master == n.name))?;
    Some((&link.master, &link.replica))
}

/// The rows of a table for two names, of which the first `named` are in every line of a fault; a choice is pressed when its line, or the line without its end, is in force.
fn rows(
    v: &View<'_>,
    table: &'static [Row],
    (names, named): (&[&str], usize),
    told: &[String],
) -> El {
    let mut out = Vec::new();
    for row in table {
        let line = |template: &str| fill(template, names);
        let lines: Vec<String> = row.choices.iter().map(|c| line(c.1)).collect();
        let on = |i: usize| told.contains(&lines[i]);
        let begins = [row.verb, " "].concat();
        let mine = |fault: &&String| {
            let about = |name: &&str| fault.split(' ').any(|word| word == *name);
            fault.starts_with(&begins) && names[..named].iter().all(about)
        };
        let usual = row.choices.len() > 1 && !told.iter().any(|t| mine(&t));
        let mut values = Vec::new();
        for (i, (label, _)) in row.choices.iter().enumerate() {
            let pressed = if i == 0 {
                usual && !matches!(row.verb, "partition" | "swizzle" | "start")
            } else {
                on(i)
            };
            let label = fill(v.w(label), names);
            values.push((label.into(), pressed, ["act ", &lines[i]].concat()));
        }
        out.push(choice(
            v.w(&row.name),
            [":", row.verb, " …"].concat(),
            values,
        ));
    }
    el("div rows").list(out)
}

#[inline(never)]
pub fn faults(v: &View<'_>, n: &NodeView) -> El {
    let in_force = v.player.world().faults();
    let mut told: Vec<String> = in_force.iter().map(Action::to_string).collect();
    if let Some(load) = &v.s.load {
        let line = ["load ", &load.node, " ", &load.per_s.to_string(), "/s"].concat();
        told.push(line);
    }
    let mut list = el("p in-force muted");
    if in_force.is_empty() {
        list = list.text(v.w(&w::NO_FAULT));
    } else {
        list = list.text(v.w(&w::IN_FORCE));
        for fault in &in_force {
            list = list.put(leaf(
                "code translate=no",
                [":", &fault.to_string()].concat(),
            ));
        }
    }
    let mut out = el("div faults");
    if let Some((a, b)) = wire(v, n) {
        out = out.put(
            el("section")
                .put(leaf("h3", v.put(&w::F_WIRE, &[a, b])))
                .put(rows(v, &WIRE, (&[a, b], 2), &told)),
        );
    }
    let others: Vec<&str> =
        v.s.nodes
            .iter()
            .map(|o| o.name.as_str())
            .filter(|o| *o != n.name)
            .collect();
    let others = others.join(" ");
    let names: &[&str] = &[&n.name, &others];
    let table: &'static [Row] = if n.alive { &NODE } else { &DEAD };
    let mut world = el("section")
        .put(leaf("h3", v.put(&w::F_NODE, &[&n.name])))
        .put(rows(v, table, (names, 1), &told));
    if !others.is_empty() {
        world = world
            .put(leaf("h3", v.w(&w::F_WORLD)))
            .put(rows(v, &WORLD, (names, 1), &told))
            .put(leaf("button act-on", v.w(&w::APART_MORE)).does(["apart ", &n.name].concat()));
    }
    el("div faultpage tabindex=0 role=region data-testid=faults")
        .a("aria-label", v.w(&w::FAULTS))
        .put(list)
        .put(out.put(world))
}
