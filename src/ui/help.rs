//! The help: the idea in five lines, and the keys; and what the console answers to `:help`.

use super::View;
use super::dom::{El, el, int, leaf};
use super::guide::choice;
use super::inspector::PAGES;
use super::palette::{DEEDS, PAGE_KEYS};
use super::story::{SAY, SAYS};
use super::text::Lang;
use crate::player::{COLON, ELSEWHERE, usage};
use crate::sim::action::VERBS;

/// What the lines that begin with a colon mean, in the order of [`usage`]; English is beside the verbs themselves.
#[rustfmt::skip]
const ZH: [&str; VERBS.len() + COLON.len()] = [
    "断开两个节点之间的路径，现在或到某个字节时；双方、一方得知，或无人得知",
    "恢复它：结束 cut 和 stall",
    "单程延迟，例如 50ms 或 20ms..2s",
    "每秒字节数，例如 64k；0 为不限",
    "什么也过不去，也无人得知：持续一段时间，或直到 restore",
    "每次最多这么多字节；0 为按写入的原样",
    "新连接被拒绝，或多花这么久",
    "两边之间什么也过不去（'m | r1 r2'），或只断一个方向（'m -> r1 r2'）",
    "恢复所有路径，让它们流动",
    "随机的路径逐一停滞，再以另一种顺序恢复",
    "正在去往那里的下一个报文，或它自己的子进程、磁盘、加载的下一步，立刻发生",
    "结束控制台与它的连接，如同 Ctrl+C，也放弃在那里等待的命令",
    "结束节点的进程，磁盘保留",
    "重新启动：从它的快照、更早的快照，或空着启动",
    "它的进程静止，持续一段时间或直到 resume；连接保留",
    "它继续运行",
    "添加一个从节点",
    "它的子进程、磁盘和加载，或其中之一，要多花 FACTOR 倍时间",
    "对到达的数据它每秒读多少；none 为零窗口",
    "系统拒绝 fork",
    "它不认识 PSYNC（rename-command PSYNC \"\"）：下一个请求者退回 SYNC",
    "它的子进程（或下一个）写完这么多字节后被杀死",
    "文件只能再写这么多字节",
    "每秒 N 次写入，并在列出的节点上做同样多的读取；0/s 结束",
    "从真实服务器来的内容；由桥接程序使用",
    "列出以上全部",
    "清空控制台",
    "让时间过去，例如 10s",
    "前进一个事件",
    "后退一个事件",
    "回到上一个操作之前",
    "再做一次",
    "到已发生一切的末尾",
    "让时间走，或停住",
    "时间走得多快",
    "把一个节点放到鼓上",
    "打开查看区的一页",
    "所有节点中符合模式的键，并排显示",
    "若有人用 PSYNC 请求这个字节，鼓上的节点会怎样回答",
    "Redis 7 怎样保存环里的字节，开或关",
    "粘贴两段 INFO replication：下一次重连会是增量同步吗，为什么",
    "打开一门课程，例如 l06",
    "存成文件",
    "指向这一刻的链接",
];
const ELSEWHERE_ZH: &str = "@NODE COMMAND — 给另一个节点的一条命令；@all 问所有节点";

/// The lines of `:help`.
#[inline(never)]
pub fn commands(lang: Lang) -> Vec<String> {
    let mut out = Vec::new();
    for ((verb, args, meaning), zh) in usage().zip(ZH) {
        let meaning = if lang == Lang::Zh { zh } else { meaning };
        let gap = if args.is_empty() { "" } else { " " };
        out.push([":", verb, gap, args, " — ", meaning].concat());
    }
    let last = if lang == Lang::Zh {
        ELSEWHERE_ZH
    } else {
        ELSEWHERE
    };
    out.push(last.into());
    out
}

#[inline(never)]
pub fn help(v: &View<'_>) -> El {
    let t = v.t;
    let mut idea = el("ol idea");
    for line in t.idea {
        idea = idea.put(leaf("li", line));
    }
    let mut keys = el("dl keys");
    let more = [("1 – 9", t.key_nodes), ("Esc", t.key_leave)];
    let known = DEEDS.into_iter().map(|d| d.1).zip(t.deeds);
    let pages = PAGE_KEYS.into_iter().zip(PAGES.iter().map(|p| v.w(&p.1)));
    for (key, what) in known.filter(|d| !d.0.is_empty()).chain(pages).chain(more) {
        keys = keys.put(
            el("div")
                .put(el("dt").put(leaf("kbd", key)))
                .put(leaf("dd", what)),
        );
    }
    let mut says = Vec::new();
    for (i, (said, _)) in SAYS.iter().enumerate() {
        let line = ["say ", &int(i as u64)].concat();
        says.push((v.w(said).into(), i == v.saying.how, line));
    }
    el("div")
        .put(leaf("h2 id=dialog-title", t.idea_title))
        .put(idea)
        .put(leaf("h3", t.keys_title))
        .put(keys)
        .put(leaf("p muted", t.keys_note))
        .put(leaf("button act-on data-do=keys", t.keys_off).pressed(v.keys_off))
        .put(el("div presets says").put(choice(v.w(&SAY), "", says)))
}
