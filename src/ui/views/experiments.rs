//! Experiments: a small world made anew and led to the moment before something telling happens, with one click. Each is
//! lines as the console and the buttons have them, so that what was done can be read there and taken back.

use crate::ui::View;
use crate::ui::dom::{El, el, int, leaf};
use crate::ui::sentence::Said;

pub const EXPERIMENTS: Said = ["Experiments", "实验"];
const NOTE: Said = [
    "Each begins with a fresh world; its lines are printed in the console.",
    "每个实验都从全新的世界开始，用到的每一行都会打印在控制台。",
];

/// A heading and what belongs to it.
type Group = (Said, &'static [Experiment]);

/// What it is called, what to look for, and the lines that lead there.
struct Experiment {
    name: Said,
    look: Said,
    lines: &'static str,
}

const GROUPS: [Group; 3] = [
    (
        ["Useful", "实用"],
        &[
            Experiment {
                name: ["Partial resync", "增量同步"],
                look: [
                    "r1 missed two writes. The ring still holds them.",
                    "r1 错过两次写入，环里还有。",
                ],
                lines: "run SET hello world\npass 2\nrun :cut m r1\nrun SET city Oslo\nrun INCR hits\nrun :restore m r1",
            },
            Experiment {
                name: ["Off the ring", "掉出环"],
                look: [
                    "Away for too long: its bytes are overwritten, a snapshot follows.",
                    "断开太久，字节已被覆盖，只能发快照。",
                ],
                lines: "run SET hello world\npass 2\nrun :cut m r1\nrun :load m 50/s\npass 1\nrun :load m 0/s\n\
                        run :restore m r1",
            },
            Experiment {
                name: ["A slow replica", "慢从节点"],
                look: [
                    "64 B/s for r1: the charts show it fall behind.",
                    "r1 每秒只有 64 B：看图表里它怎样落后。",
                ],
                lines: "page charts\nrun :bandwidth m r1 64\nrun :load m 5/s",
            },
            Experiment {
                name: ["A chain", "级联"],
                look: [
                    "r3 follows r1: the same bytes, offsets and ID, one hop later.",
                    "r3 跟随 r1：同样的字节、偏移量和 ID，晚一跳。",
                ],
                lines: "run :add of r1\npass 4\nrun SET hello world",
            },
        ],
    ),
    (
        ["Weird", "怪事"],
        &[
            Experiment {
                name: [
                    "The offset moves while you do nothing",
                    "什么都不做，偏移量也在走",
                ],
                look: [
                    "A PING every 10 s is 14 bytes of the stream.",
                    "每 10 秒一次 PING，占流的 14 字节。",
                ],
                lines: "page ring\npass 32",
            },
            Experiment {
                name: ["The write that never was", "从未存在的写入"],
                look: [
                    "OK was said, then m died. Who has balance?",
                    "已经回复 OK，m 随后停止。谁还有 balance？",
                ],
                lines: "page writes\nrun :latency m r1 2s\nrun :latency m r2 2s\nrun SET balance 100\nrun :kill m\n\
                        run @r1 REPLICAOF NO ONE\nrun @r2 REPLICAOF 127.0.0.1 6380",
            },
            Experiment {
                name: ["The old master returns", "旧主节点回来"],
                look: [
                    "It wrote on alone. Why does it need everything?",
                    "它独自多写了一点，为什么要全量同步？",
                ],
                lines: "page psync\nrun SET hello world\npass 2\nrun :partition m | r1 r2\nrun SET only here\n\
                        run @r1 REPLICAOF NO ONE\nrun @r2 REPLICAOF 127.0.0.1 6380\nrun @r1 SET city Oslo\n\
                        run :heal\nrun @m REPLICAOF 127.0.0.1 6380",
            },
        ],
    ),
    (
        ["Disaster", "灾难"],
        &[
            Experiment {
                name: ["Two masters", "脑裂"],
                look: [
                    "Both sides take writes. Which ones survive?",
                    "两边都接受写入，哪些会留下？",
                ],
                lines: "page writes\nrun SET hello world\npass 2\nrun :partition m | r1 r2\nrun @r1 REPLICAOF NO ONE\n\
                        run @m SET city Oslo\nrun @r1 SET city Rome",
            },
            Experiment {
                name: ["The empty master", "空主灾难"],
                look: [
                    "m comes back without its data, and its replicas copy that.",
                    "m 丢了数据再启动，从节点照样复制。",
                ],
                lines: "page keys\nrun SET hello world\npass 2\nrun :kill m\nrun :start m empty",
            },
        ],
    ),
];

/// The lines of the i-th experiment, counted through all groups.
pub fn lines(i: usize) -> Option<&'static str> {
    GROUPS.iter().flat_map(|g| g.1).nth(i).map(|e| e.lines)
}

/// The dialog.
#[inline(never)]
pub fn experiments(v: &View<'_>) -> El {
    let mut out = el("div")
        .put(leaf("h2 id=dialog-title", v.w(&EXPERIMENTS)))
        .put(leaf("p muted", v.w(&NOTE)));
    let mut i = 0;
    for (name, all) in &GROUPS {
        let mut list = el("ul experiments");
        for e in *all {
            let button = el("button")
                .does(["experiment ", &int(i)].concat())
                .put(leaf("b", v.w(&e.name)))
                .put(leaf("span muted", v.w(&e.look)));
            list = list.put(el("li").put(button));
            i += 1;
        }
        out = out.put(leaf("h3", v.w(name))).put(list);
    }
    out
}
