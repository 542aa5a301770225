//! Every word of the drawing, in each language. Redis's own words (`master_repl_offset`, `histlen`, `PSYNC`) stay.

use super::pen::group;
use crate::sim::snapshot::Phase;
use crate::time::Instant;
use crate::ui::text::Lang;
pub use crate::ui::text::fill;

/// `{}` stands for a name or number that is put in.
pub struct Words {
    pub master: &'static str,
    pub replica: &'static str,
    pub sub: &'static str,
    pub accepts: &'static str,
    pub dataset: &'static str,
    pub keys: &'static str,
    pub key: &'static str,
    pub more: &'static str,
    pub more_nodes: &'static str,
    pub same: &'static str,
    pub same_short: &'static str,
    pub missing: &'static str,
    pub old: &'static str,
    pub extra: &'static str,
    pub differ: &'static str,
    pub equal: &'static str,
    pub no_offset: &'static str,
    pub other: &'static str,
    pub dead: &'static str,
    pub down: &'static str,
    pub cut: &'static str,
    pub handshake: &'static str,
    pub waits: &'static str,
    pub transfer: &'static str,
    pub storing: &'static str,
    pub loading: &'static str,
    pub starting: &'static str,
    pub online: &'static str,
    pub online_short: &'static str,
    pub catching_up: &'static str,
    pub real: &'static str,
    pub heard: &'static str,
    pub outside: &'static str,
    pub unused: &'static str,
    pub histlen: &'static str,
    pub first: &'static str,
    pub next: &'static str,
    pub offset: &'static str,
    pub bytes: &'static str,
    pub gone: &'static str,
    pub overwritten: &'static str,
    pub no_backlog: [&'static str; 3],
    pub id2_ends: &'static str,
    pub is: &'static str,
    pub asked_for: &'static str,
    pub asked: &'static str,
    pub new_here: &'static str,
    pub too_far: &'static str,
    pub vouches: &'static str,
    pub can_resume: &'static str,
    pub left: &'static str,
    pub cannot_resume: &'static str,
    pub commands: &'static str,
    pub child: &'static str,
    pub pictures: &'static str,
    pub of_keys: &'static str,
    pub copied: &'static str,
    pub wait: &'static str,
    pub second: &'static str,
    pub per_second: &'static str,
    pub legend: [&'static str; 5],
    pub note_partial: [&'static str; 2],
    pub note_gone: [&'static str; 2],
    pub note_cut: [&'static str; 2],
    pub note_photo: [&'static str; 2],
    pub nodes: &'static str,
    pub link_to: &'static str,
    pub link_cut: &'static str,
    pub link_up: &'static str,
    pub link_down: &'static str,
    /// First byte, last byte, how many, database, seconds.
    pub about: &'static str,
    pub needed: &'static str,
    pub in_ring: &'static str,
    pub caption: &'static str,
    pub caption_empty: &'static str,
    pub caption_step: &'static str,
    pub caption_behind: &'static str,
    pub caption_away: &'static str,
    pub caption_fell: &'static str,
}

static EN: Words = Words {
    master: "master",
    replica: "replica",
    sub: "sub-replica",
    accepts: "accepts writes",
    dataset: "Dataset",
    keys: "{} keys",
    key: "1 key",
    more: "+{} more",
    more_nodes: "+{} more nodes",
    same: "same as {}",
    same_short: "same",
    missing: "{} missing",
    old: "{} old",
    extra: "{} extra",
    differ: "{} differ",
    equal: "= {}",
    no_offset: "no offset yet",
    other: "≠ other history",
    dead: "not running",
    down: "down {}",
    cut: "cut {}",
    handshake: "step {}/10 {}",
    waits: "waits for photo",
    transfer: "receives copy, {} %",
    storing: "stores copy, {} %",
    loading: "loads copy, {} %",
    starting: "starts, {} %",
    online: "online, lag {} s",
    online_short: "online",
    catching_up: "online, catching up",
    real: "REAL SERVER",
    heard: "heard up to byte",
    outside: "outside, read only",
    unused: "{} B unused",
    histlen: "histlen {} of {} B",
    first: "first byte {}",
    next: "next byte {}",
    offset: "offset",
    bytes: "{} bytes",
    gone: "{} B gone",
    overwritten: "overwritten so far: {} B",
    no_backlog: [
        "No backlog yet",
        "Redis creates it when",
        "the first replica connects.",
    ],
    id2_ends: "ID2 ends {}",
    is: "{} is",
    asked_for: "{} asked for",
    asked: "asked {}",
    new_here: "{}, new here: asks for all",
    too_far: "asked {}, never written",
    vouches: "{} vouches up to {}",
    can_resume: "{} can still resume:",
    left: "{} B left",
    cannot_resume: "{} needs a full copy",
    commands: "{} commands, {} B",
    child: "Fork child",
    pictures: "for {}",
    of_keys: "{} of {} keys",
    copied: "{} of {} shards copied",
    wait: "{} B wait",
    second: "{} s",
    per_second: "{} B/s",
    legend: [
        "command, to scale",
        "PING, 14 B",
        "ACK going home",
        "not yet acked",
        "key is old, missing",
    ],
    note_partial: ["the same {} beads,", "{} bytes in one go"],
    note_gone: ["the ring reused the place", "of these {} bytes"],
    note_cut: ["nothing reaches {} now,", "but the ring remembers"],
    note_photo: ["a photo of the data", "as it was at byte {}"],
    nodes: "Nodes and links",
    link_to: "Link {} to {}",
    link_cut: "cut",
    link_up: "connected",
    link_down: "not connected",
    about: "\nbytes {}–{} ({}), db {}, at {} s",
    needed: "\nstill needed by {}",
    in_ring: "Commands in the ring of {}",
    caption: "Backlog of {}: {} of {} bytes, offsets {}–{}.",
    caption_empty: "Backlog of {}: 0 of {} bytes; the next one is byte {}.",
    caption_step: "{} in step.",
    caption_behind: "{} is {} bytes behind.",
    caption_away: "{} disconnected, {} bytes behind, can still resume: {} bytes left.",
    caption_fell: "{} fell off the ring: {} bytes that it needs are overwritten.",
};

static ZH: Words = Words {
    master: "主节点",
    replica: "从节点",
    sub: "级联从节点",
    accepts: "接受写入",
    dataset: "数据集",
    keys: "{} 个键",
    key: "1 个键",
    more: "另有 {} 个",
    more_nodes: "另有 {} 个节点",
    same: "与 {} 相同",
    same_short: "相同",
    missing: "缺 {} 个",
    old: "{} 个旧值",
    extra: "多 {} 个",
    differ: "{} 个不同",
    equal: "= {}",
    no_offset: "尚无偏移量",
    other: "≠ 另一段历史",
    dead: "未运行",
    down: "断线 {}",
    cut: "切断 {}",
    handshake: "第 {}/10 步 {}",
    waits: "等待快照",
    transfer: "接收快照 {} %",
    storing: "写入磁盘 {} %",
    loading: "载入快照 {} %",
    starting: "启动中 {} %",
    online: "在线，延迟 {} 秒",
    online_short: "在线",
    catching_up: "在线，追赶中",
    real: "真实服务器",
    heard: "已收到的字节",
    outside: "页面之外，只读",
    unused: "{} B 未使用",
    histlen: "histlen {} / {} B",
    first: "首字节 {}",
    next: "下一字节 {}",
    offset: "偏移量",
    bytes: "{} 字节",
    gone: "{} B 已被覆盖",
    overwritten: "累计被覆盖：{} B",
    no_backlog: ["尚无积压缓冲区", "第一个从节点连接时", "Redis 才会创建它。"],
    id2_ends: "ID2 止于 {}",
    is: "{} 的 ID",
    asked_for: "{} 请求的 ID",
    asked: "请求 {}",
    new_here: "{} 是新节点：请求全部",
    too_far: "请求 {}，从未写过",
    vouches: "{} 只认到 {}",
    can_resume: "{} 仍可增量同步：",
    left: "还剩 {} B",
    cannot_resume: "{} 需要全量同步",
    commands: "{} 条命令，{} B",
    child: "子进程",
    pictures: "为 {}",
    of_keys: "{} / {} 个键",
    copied: "已复制 {} / {} 片",
    wait: "{} B 等待",
    second: "{} 秒",
    per_second: "{} B/s",
    legend: [
        "命令，按字节长度",
        "PING，14 B",
        "ACK 返回",
        "尚未确认",
        "旧值、缺失的键",
    ],
    note_partial: ["同样的 {} 颗珠子，", "一次送出 {} 字节"],
    note_gone: ["这 {} 字节的位置", "已被新数据占用"],
    note_cut: ["数据到不了 {}，", "但环还记得"],
    note_photo: ["这张快照停在", "第 {} 字节"],
    nodes: "节点与链路",
    link_to: "链路 {} → {}",
    link_cut: "已切断",
    link_up: "已连接",
    link_down: "未连接",
    about: "\n字节 {}–{}（{}），db {}，{} s",
    needed: "\n{} 还需要",
    in_ring: "{} 的环里的命令",
    caption: "{} 的积压缓冲区：{} / {} 字节，偏移量 {}–{}。",
    caption_empty: "{} 的积压缓冲区：0 / {} 字节；下一个是第 {} 个字节。",
    caption_step: "{} 已同步。",
    caption_behind: "{} 落后 {} 字节。",
    caption_away: "{} 已断开，落后 {} 字节，仍可增量同步：还剩 {} 字节。",
    caption_fell: "{} 掉出了环：它需要的 {} 字节已被覆盖。",
};

pub fn words(lang: Lang) -> &'static Words {
    match lang {
        Lang::En => &EN,
        Lang::Zh => &ZH,
    }
}

/// One number into a template.
pub fn fill_n(template: &str, value: u64) -> String {
    fill(template, &[&group(value)])
}

/// `800 ms`, `2 s`, `1.5 s`.
pub fn duration(w: &Words, us: u64) -> String {
    if us < 1_000_000 {
        let mut s = group(us / 1000);
        s.push_str(" ms");
        return s;
    }
    fill(w.second, &[&super::pen::num(us as f32 / 1e6)])
}

/// How many percent `done` is of `total`; 0 of 0 is none.
pub fn percent(done: u64, total: u64) -> u64 {
    (done.min(total) * 100).checked_div(total).unwrap_or(0)
}

/// A node's state in words.
pub fn phase(
    w: &Words,
    phase: &Phase,
    now: Instant,
    lag_s: Option<u64>,
    behind: Option<u64>,
) -> String {
    match phase {
        Phase::Master => w.accepts.into(),
        Phase::Dead => w.dead.into(),
        Phase::Outside => w.outside.into(),
        Phase::Down { since, cut } => {
            let us = now.since(*since);
            // Whole seconds after ten: the plate should not flicker.
            let us = if us > 10_000_000 {
                us / 1_000_000 * 1_000_000
            } else {
                us / 100_000 * 100_000
            };
            fill(
                if *cut { w.cut } else { w.down },
                &[&fill(w.second, &[&super::pen::num(us as f32 / 1e6)])],
            )
        }
        Phase::Handshake { step, name } => fill(
            w.handshake,
            &[
                &group(u64::from(*step)),
                name.rsplit(' ').next().unwrap_or(name),
            ],
        ),
        Phase::WaitsForSnapshot => w.waits.into(),
        Phase::Transfer { got, total } => fill_n(w.transfer, percent(*got, *total)),
        Phase::Storing { done, total } => fill_n(w.storing, percent(*done, *total)),
        Phase::Loading { done, total } => fill_n(w.loading, percent(*done, *total)),
        Phase::Starting { done, total } => fill_n(w.starting, percent(*done, *total)),
        Phase::Online if behind.is_some_and(|b| b > 60) => w.catching_up.into(),
        Phase::Online => match lag_s {
            Some(lag) => fill_n(w.online, lag),
            None => w
                .online
                .split([',', '，'])
                .next()
                .unwrap_or_default()
                .into(),
        },
    }
}
