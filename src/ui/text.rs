//! Every word that a visitor reads, in each language: short labels here, sentences with numbers in `sentence.rs`, the
//! stage's own words beside the stage. What Redis itself says is never translated and is not here.

/// A language of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    #[default]
    En,
    Zh,
}

impl Lang {
    /// For `<html lang>`.
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh-CN",
        }
    }

    pub fn other(self) -> Self {
        match self {
            Self::En => Self::Zh,
            Self::Zh => Self::En,
        }
    }

    /// The words of this language.
    pub fn text(self) -> &'static Text {
        match self {
            Self::En => &EN,
            Self::Zh => &ZH,
        }
    }
}

/// Puts the values into a template: `{}` takes the next one, `{0}` the one with this number.
pub fn fill(template: &str, values: &[&str]) -> String {
    let mut out = String::with_capacity(template.len() + 16);
    let mut pieces = template.split('{');
    out.push_str(pieces.next().unwrap_or_default());
    for (next, piece) in pieces.enumerate() {
        let (place, rest) = piece.split_once('}').unwrap_or_default();
        let index = match place.as_bytes() {
            [digit] => usize::from(digit - b'0'),
            _ => next,
        };
        out.push_str(values.get(index).copied().unwrap_or_default());
        out.push_str(rest);
    }
    out
}

/// A step of the guide: what to do, and what it shows.
pub struct Step {
    pub todo: &'static str,
    pub seen: &'static str,
}

/// Labels and fixed sentences. Names tell where a text stands.
pub struct Text {
    pub tagline: &'static str,
    pub skip_console: &'static str,
    pub skip_stage: &'static str,
    pub skip_guide: &'static str,
    pub reset: &'static str,
    pub reset_sure: &'static str,
    pub reset_title: &'static str,
    pub lang_title: &'static str,
    pub theme_auto: &'static str,
    pub theme_light: &'static str,
    pub theme_dark: &'static str,
    pub help: &'static str,
    pub close: &'static str,

    pub guide: &'static str,
    pub guide_title: &'static str,
    pub guide_text: [&'static str; 3],
    pub try_title: &'static str,
    pub steps: [Step; 5],
    pub all_done: &'static str,
    pub done_more: [(&'static str, &'static str); 3],
    /// Between two sentences.
    pub gap: &'static str,
    pub run_it: &'static str,
    pub step_done: &'static str,

    pub act: &'static str,
    pub master: &'static str,
    pub replica: &'static str,
    pub sub_replica: &'static str,
    pub promote: &'static str,
    pub promote_title: &'static str,
    pub full_sync: &'static str,
    pub full_sync_title: &'static str,
    pub kill: &'static str,
    pub kill_title: &'static str,
    pub start: &'static str,
    pub start_title: &'static str,
    pub start_empty: &'static str,
    pub start_empty_title: &'static str,
    pub cut: &'static str,
    pub cut_title: &'static str,
    pub restore: &'static str,
    pub restore_title: &'static str,
    pub add: &'static str,
    pub add_title: &'static str,
    pub follow: &'static str,
    pub follow_title: &'static str,
    pub load: &'static str,
    pub load_title: &'static str,
    pub load_off: &'static str,
    pub slow: &'static str,
    pub slow_title: &'static str,
    pub latency: &'static str,
    pub latency_title: &'static str,
    pub bandwidth: &'static str,
    pub bandwidth_title: &'static str,
    pub unlimited: &'static str,

    pub last_verdict: &'static str,
    pub no_verdict: &'static str,
    pub scale: &'static str,

    pub console: &'static str,
    pub console_to: &'static str,
    pub all: &'static str,
    pub output: &'static str,
    pub command_for: &'static str,
    pub try_word: &'static str,
    pub welcome: &'static str,
    pub accepts: &'static str,
    pub run: &'static str,
    pub select_bytes: &'static str,

    pub inspector: &'static str,
    pub wire: &'static str,
    pub node: &'static str,
    pub log: &'static str,
    pub wire_time: &'static str,
    pub wire_way: &'static str,
    pub wire_type: &'static str,
    pub wire_info: &'static str,
    pub wire_len: &'static str,
    pub wire_state: &'static str,
    pub in_flight: &'static str,
    pub lost: &'static str,
    pub heartbeats_title: &'static str,
    pub wire_empty: &'static str,
    pub packet_empty: &'static str,
    pub hex: &'static str,
    pub more_bytes: &'static str,
    pub log_empty: &'static str,
    pub decision: &'static str,

    pub transport: &'static str,
    pub play: &'static str,
    pub pause: &'static str,
    pub step: &'static str,
    pub step_title: &'static str,
    pub pace: &'static str,
    pub pace_title: &'static str,
    pub pace_auto: &'static str,
    pub let_pass: &'static str,
    pub let_pass_title: &'static str,
    pub timeline: &'static str,
    pub event: &'static str,
    pub running: &'static str,
    pub idle: &'static str,
    pub idle_title: &'static str,
    pub paused: &'static str,

    pub tab_learn: &'static str,
    pub tab_nodes: &'static str,
    pub tab_console: &'static str,
    pub tab_inspect: &'static str,

    pub idea_title: &'static str,
    pub idea: [&'static str; 5],
    pub keys_title: &'static str,
    pub keys: [(&'static str, &'static str); 10],
    pub keys_note: &'static str,
}

pub static EN: Text = Text {
    tagline: "Redis replication, byte for byte",
    skip_console: "To the console",
    skip_stage: "To the nodes",
    skip_guide: "To the guide",
    reset: "Reset",
    reset_sure: "Sure? Reset",
    reset_title: "Start again with a fresh world",
    lang_title: "中文界面",
    theme_auto: "Theme: as the system",
    theme_light: "Theme: light",
    theme_dark: "Theme: dark",
    help: "Help and keys",
    close: "Close",

    guide: "Guide",
    guide_title: "Watch the bytes",
    guide_text: [
        "A write becomes bytes.",
        "They stay in the master’s ring for a while and travel to every replica.",
        "One that was away names the next byte it wants: does the ring still hold it?",
    ],
    try_title: "Try this",
    steps: [
        Step {
            todo: "Send a write",
            seen: "It enters the ring and leaves on each wire.",
        },
        Step {
            todo: "Cut the wire to r1",
            seen: "r1 keeps its data and goes stale.",
        },
        Step {
            todo: "Write while it is away",
            seen: "m moves on; the gap to r1 opens in the ring.",
        },
        Step {
            todo: "Mend the wire",
            seen: "r1 dials again within a second.",
        },
        Step {
            todo: "Read the answer: +CONTINUE",
            seen: "Only the missing bytes came, no snapshot.",
        },
    ],
    all_done: "Now make it fail",
    done_more: [
        (
            ":load m 50/s",
            "With r1 cut, let writes push its bytes out of the ring",
        ),
        (":kill m", "Then promote r1 and see who follows"),
        (":add of r1", "A replica of a replica"),
    ],
    gap: " ",
    run_it: "Run this line",
    step_done: "done",

    act: "Act on",
    master: "master",
    replica: "replica",
    sub_replica: "sub-replica",
    promote: "Promote",
    promote_title: "REPLICAOF NO ONE: it stops following and takes writes (p)",
    full_sync: "Full sync",
    full_sync_title: "Makes it forget its history and ask for everything",
    kill: "Kill",
    kill_title: "Ends its process; the disk stays (k)",
    start: "Start",
    start_title: "Starts it again from its disk (k)",
    start_empty: "Start empty",
    start_empty_title: "Starts it again with its disk wiped",
    cut: "Cut wire",
    cut_title: "Breaks the path to its master (x)",
    restore: "Mend wire",
    restore_title: "Mends the path to its master (x)",
    add: "Replica",
    add_title: "Adds a replica of this node (n)",
    follow: "Follows",
    follow_title: "REPLICAOF: whom it copies",
    load: "Write load",
    load_title: "Writes a second on this node",
    load_off: "off",
    slow: "Slower by",
    slow_title: "How much longer its child, disk and loader take",
    latency: "Delay",
    latency_title: "One-way delay of the wire",
    bandwidth: "Speed",
    bandwidth_title: "Bytes a second on the wire",
    unlimited: "no limit",

    last_verdict: "last PSYNC",
    no_verdict: "No PSYNC was answered yet.",
    scale: "teaching scale; the real minimum is 16\u{202f}384 B",

    console: "Console",
    console_to: "Send commands to",
    all: "all",
    output: "Commands and replies",
    command_for: "Command for",
    try_word: "Try",
    welcome: "Type a Redis command, or run the line below. Lines with a colon steer the world: :help lists them.",
    accepts: "accepts",
    run: "Run",
    select_bytes: "Show these bytes everywhere",

    inspector: "Inspector",
    wire: "Wire",
    node: "Node",
    log: "Log",
    wire_time: "t",
    wire_way: "from, to",
    wire_type: "type",
    wire_info: "info",
    wire_len: "len",
    wire_state: "state",
    in_flight: "in flight",
    lost: "lost",
    heartbeats_title: "Also list PING, ACK and keep-alive newlines",
    wire_empty: "Nothing has been sent yet. Try SET hello world.",
    packet_empty: "Select a row to see its bytes.",
    hex: "Bytes",
    more_bytes: "more bytes",
    log_empty: "This server has not logged anything yet.",
    decision: "Would the ring do?",

    transport: "Time",
    play: "Play",
    pause: "Pause",
    step: "One event",
    step_title: "Let exactly one thing happen (.)",
    pace: "Pace",
    pace_title: "How fast virtual time runs",
    pace_auto: "Auto",
    let_pass: "Let pass",
    let_pass_title: "Let this much virtual time go by at once",
    timeline: "Timeline",
    event: "event",
    running: "running",
    idle: "idle",
    idle_title: "Only heartbeats are left, so time stands still",
    paused: "paused",

    tab_learn: "Learn",
    tab_nodes: "Nodes",
    tab_console: "Console",
    tab_inspect: "Inspect",

    idea_title: "The idea in five lines",
    idea: [
        "Every server here is a real replication engine; it runs in this tab, and nothing is faked.",
        "A bead is one command of the replication stream, drawn in its true number of bytes.",
        "The ring is the backlog: the newest bytes, each at offset modulo size; old ones are overwritten.",
        "A pill on the ring is a replica’s last acknowledged byte; the dotted arc is what it still lacks.",
        "Yellow marks the same bytes in every view: ring, wire, console, hex, tile.",
    ],
    keys_title: "Keys",
    keys: [
        ("/", "write a command"),
        ("Space", "play or pause"),
        (".", "one event"),
        ("1 – 9", "look at a node"),
        ("x", "cut or mend the wire"),
        ("p", "promote"),
        ("k", "kill or start"),
        ("n", "add a replica"),
        ("Esc", "leave, close, deselect"),
        ("?", "this help"),
    ],
    keys_note: "Keys work while no text field has the focus. Lines that begin with a colon steer the world; every button prints its line.",
};

pub static ZH: Text = Text {
    tagline: "逐字节看 Redis 复制",
    skip_console: "跳到控制台",
    skip_stage: "跳到节点",
    skip_guide: "跳到指南",
    reset: "重置",
    reset_sure: "确定重置？",
    reset_title: "从一个全新的世界重新开始",
    lang_title: "English",
    theme_auto: "主题：跟随系统",
    theme_light: "主题：浅色",
    theme_dark: "主题：深色",
    help: "帮助与按键",
    close: "关闭",

    guide: "指南",
    guide_title: "盯住字节",
    guide_text: [
        "一次写入，会变成一串字节。",
        "它们在主节点的环里停留一阵，也沿线路送到每个从节点。",
        "断开过的从节点报出它要的下一个字节：环里还有吗？",
    ],
    try_title: "试一试",
    steps: [
        Step {
            todo: "发送一次写入",
            seen: "它进入环，并沿每条线路出发。",
        },
        Step {
            todo: "断开到 r1 的线路",
            seen: "r1 保留数据，但会变旧。",
        },
        Step {
            todo: "趁它不在，再写一次",
            seen: "m 向前走，环上与 r1 的距离拉开。",
        },
        Step {
            todo: "恢复线路",
            seen: "r1 会在一秒内重新连接。",
        },
        Step {
            todo: "读回答：+CONTINUE",
            seen: "只补发缺失的字节，不用快照。",
        },
    ],
    all_done: "现在让它失败",
    done_more: [
        (":load m 50/s", "断开 r1，让写入把它缺的字节挤出环"),
        (":kill m", "再提升 r1，看谁会跟随"),
        (":add of r1", "从节点的从节点"),
    ],
    gap: "",
    run_it: "执行这一行",
    step_done: "已完成",

    act: "操作",
    master: "主节点",
    replica: "从节点",
    sub_replica: "级联从节点",
    promote: "提升为主节点",
    promote_title: "REPLICAOF NO ONE：不再跟随，开始接受写入（p）",
    full_sync: "全量同步",
    full_sync_title: "让它忘掉历史，请求全部数据",
    kill: "停止进程",
    kill_title: "结束它的进程，磁盘保留（k）",
    start: "启动",
    start_title: "从磁盘重新启动（k）",
    start_empty: "空启动",
    start_empty_title: "清空磁盘后重新启动",
    cut: "断开线路",
    cut_title: "断开它与主节点之间的路径（x）",
    restore: "恢复线路",
    restore_title: "恢复它与主节点之间的路径（x）",
    add: "从节点",
    add_title: "给这个节点添加一个从节点（n）",
    follow: "跟随",
    follow_title: "REPLICAOF：它复制谁",
    load: "写负载",
    load_title: "每秒写入这个节点的次数",
    load_off: "关",
    slow: "放慢",
    slow_title: "子进程、磁盘和加载要多花多少倍时间",
    latency: "延迟",
    latency_title: "线路的单程延迟",
    bandwidth: "带宽",
    bandwidth_title: "线路每秒的字节数",
    unlimited: "不限",

    last_verdict: "最近一次 PSYNC",
    no_verdict: "还没有 PSYNC 得到回答。",
    scale: "教学比例；实际最小值 16\u{202f}384 B",

    console: "控制台",
    console_to: "命令发给",
    all: "全部",
    output: "命令与回复",
    command_for: "发给该节点的命令：",
    try_word: "试试",
    welcome: "输入 Redis 命令，或执行下面建议的一行。以冒号开头的行操控世界：:help 可列出。",
    accepts: "接受",
    run: "执行",
    select_bytes: "在各处标出这些字节",

    inspector: "查看",
    wire: "报文",
    node: "节点",
    log: "日志",
    wire_time: "t",
    wire_way: "方向",
    wire_type: "类型",
    wire_info: "内容",
    wire_len: "长度",
    wire_state: "状态",
    in_flight: "在途",
    lost: "丢失",
    heartbeats_title: "同时列出 PING、ACK 和保活换行",
    wire_empty: "还没有发送任何报文。试试 SET hello world。",
    packet_empty: "选择一行，查看它的字节。",
    hex: "字节",
    more_bytes: "个字节未显示",
    log_empty: "这台服务器还没有日志。",
    decision: "环够不够用？",

    transport: "时间",
    play: "播放",
    pause: "暂停",
    step: "单步",
    step_title: "只让一件事发生（.）",
    pace: "节奏",
    pace_title: "虚拟时间走得多快",
    pace_auto: "自动",
    let_pass: "快进",
    let_pass_title: "让这么多虚拟时间立刻过去",
    timeline: "时间线",
    event: "事件",
    running: "进行中",
    idle: "空闲",
    idle_title: "只剩心跳，所以时间停住",
    paused: "已暂停",

    tab_learn: "学习",
    tab_nodes: "节点",
    tab_console: "控制台",
    tab_inspect: "查看",

    idea_title: "五句话说明",
    idea: [
        "这里的每台服务器都是真正的复制引擎，在这个标签页里运行，没有造假。",
        "一颗珠子是复制流里的一条命令，长度就是它真实的字节数。",
        "环就是复制积压缓冲区：只留最新的字节，位置是偏移量对大小取模，旧的会被覆盖。",
        "环上的小牌是从节点最后确认的字节，虚点弧线是它还缺的部分。",
        "黄色在各处标出同一段字节：环、线路、控制台、十六进制、数据块。",
    ],
    keys_title: "按键",
    keys: [
        ("/", "输入命令"),
        ("Space", "播放或暂停"),
        (".", "单步"),
        ("1 – 9", "查看某个节点"),
        ("x", "断开或恢复线路"),
        ("p", "提升为主节点"),
        ("k", "停止或启动进程"),
        ("n", "添加从节点"),
        ("Esc", "离开、关闭、取消选择"),
        ("?", "本帮助"),
    ],
    keys_note: "没有文本框获得焦点时，按键才有效。以冒号开头的行操控世界；每个按钮都会打印出对应的那一行。",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_take_their_values_in_order() {
        assert_eq!(fill("{} of {} keys", &["7", "11"]), "7 of 11 keys");
        assert_eq!(fill("{1} of {0}", &["7", "11"]), "11 of 7");
        assert_eq!(fill("no value", &["7"]), "no value");
    }
}
