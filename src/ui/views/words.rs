//! Words of the inspector's pages, both languages of each side by side. Names of commands, fields and settings are
//! Redis's own and stand in the pages, untranslated.

use crate::ui::sentence::Said;

pub const PSYNC: Said = ["PSYNC", "PSYNC"];
pub const BIG: Said = [
    "Larger, in place of the stage (z)",
    "放大，占用舞台的位置（z）",
];
pub const SMALL: Said = ["Back to the stage (z)", "回到舞台（z）"];

// The verdict.
pub const LAST: Said = ["last answer", "最近一次回答"];
pub const IF_ASKED: Said = ["if {} asked now", "若 {} 现在请求"];
pub const WHICH: Said = ["Which request", "哪一次请求"];
pub const BYTE: Said = ["first byte wanted", "想要的第一个字节"];
pub const NO_ANSWER: Said = [
    "No PSYNC was answered yet. Choose a node to see what it would get now.",
    "还没有 PSYNC 得到回答。选一个节点，看看它现在会得到什么。",
];
pub const OUTSIDE: Said = [
    "A real server: here is known what it has told on its link (see Wire), and nothing can be done to it.",
    "真实服务器：这里只知道它在链路上说过的话（见“报文”），不能对它做任何操作。",
];
pub const NOT_SHARED: Said = [
    "This session is bridged to a real server: a link could not bring it back, and would hold the server's data. What passed can be saved as files.",
    "这次会话桥接着真实服务器：链接无法重现它，还会带出服务器的数据。经过的内容可以存成文件。",
];
pub const OUTSIDE_ANSWERED: Said = [
    "A real server has answered; why, stands in its own log.",
    "由真实服务器回答；原因写在它自己的日志里。",
];
pub const NOT_RUNNING: Said = ["One of the two is not running.", "两者之一没有运行。"];
pub const Q_EVERYTHING: Said = ["Does it know any history?", "它有历史吗？"];
pub const Q_ID: Said = ["Is it on my history?", "历史 ID 相同吗？"];
pub const Q_SECOND: Said = ["Or on my second, up to its end?", "或属于第二个 ID？"];
pub const Q_BACKLOG: Said = ["Do I keep a backlog?", "有积压缓冲区吗？"];
pub const Q_BYTE: Said = ["Does it hold that byte?", "那个字节还在吗？"];
pub const NO_SECOND: Said = ["no second id", "没有第二个 ID"];
pub const NOT_ASKED: Said = ["not asked", "不再问"];
pub const YES: Said = ["yes", "是"];
pub const NO: Said = ["no", "否"];
pub const EVERYTHING: Said = ["? -1: everything", "? -1：全部数据"];
pub const BYTES_FOLLOW: Said = ["{} bytes follow, no snapshot", "补发 {} 字节，不用快照"];
pub const SNAPSHOT: Said = ["a snapshot of everything", "一份全量快照"];
pub const LOGGED: Said = ["{} logs", "{} 的日志"];
pub const WOULD_LOG: Said = ["{} would log", "{} 会写入日志"];
pub const SAVED: Said = ["What would have saved it", "怎样才能避免"];
pub const TO_SPARE: Said = ["How close was it", "还差多少"];
pub const SPARE: Said = [
    "{} more bytes written on {} meanwhile, and it would have fallen off.",
    "{1} 在此期间再写 {0} 字节，它就会掉出环。",
];
pub const RING: Said = [
    "A repl-backlog-size of {} bytes or more; it was {}. Or {} fewer bytes written while it was away.",
    "repl-backlog-size 至少 {} 字节（当时是 {}）；或它离开时少写 {} 字节。",
];
pub const AHEAD: Said = [
    "Nothing on {}: {} holds {} bytes that this history never had. Promote the node with the largest offset.",
    "{} 无能为力：{} 多出 {} 字节，这段历史里从未有过。应提升偏移量最大的节点。",
];
pub const SAME_HISTORY: Said = [
    "One history: follow it, or a node promoted from it, and take no writes of one’s own.",
    "同一段历史：跟随它或由它提升的节点，并且自己不接受写入。",
];
pub const ANY_RING: Said = [
    "A backlog. A master creates it for its first replica and frees it after repl-backlog-ttl without any.",
    "一个积压缓冲区。主节点在第一个从节点到来时创建，没有从节点超过 repl-backlog-ttl 后释放。",
];
pub const QUIET: Said = ["Nothing has happened yet.", "还没有发生什么。"];
pub const NOTHING: Said = [
    "Nothing. A first copy is always a full one.",
    "无法避免。第一次复制总是全量的。",
];
pub const ASKED: Said = ["asked", "请求"];

// The node.
pub const HANDSHAKE: Said = ["Handshake with {}", "与 {} 握手"];
pub const NOT_SET: Said = ["not configured", "未配置"];
pub const FORGOTTEN: Said = [
    "Its packets are no longer kept. Cut and mend the wire to see it again.",
    "它的报文已不再保留。断开再恢复线路，就能重新看到。",
];
pub const COPY_ID: Said = ["Copy the replication ID", "复制这个复制 ID"];
pub const COPIED_TEXT: Said = ["Copied: {}", "已复制：{}"];
pub const FIELDS: Said = ["INFO replication", "INFO replication"];
pub const WHY_PING: Said = [
    "Is a server there, and does it answer?",
    "对面有服务器吗，会回答吗？",
];
pub const WHY_AUTH: Said = [
    "Only where masterauth is set: the master may want a password.",
    "设了 masterauth 才有：主节点可能要密码。",
];
pub const WHY_PORT: Said = [
    "So that the master can name it in INFO and ROLE: the connection has another port.",
    "让主节点在 INFO 和 ROLE 里报出它：连接用的是另一个端口。",
];
pub const WHY_IP: Said = [
    "Only where replica-announce-ip is set: behind NAT the address would be wrong.",
    "设了 replica-announce-ip 才有：NAT 后的地址会不对。",
];
pub const WHY_CAPA: Said = [
    "What it can: a snapshot without a length (eof), a new replication id in +CONTINUE (psync2).",
    "它会什么：不带长度的快照（eof）、+CONTINUE 里的新 ID（psync2）。",
];
pub const LEGACY: Said = ["legacy SYNC", "旧版 SYNC"];
pub const LEGACY_TITLE: Said = [
    "{} does not know PSYNC: at the next handshake its replicas fall back to SYNC",
    "{} 不认识 PSYNC：下一次握手时从节点退回 SYNC",
];
pub const WHY_PSYNC: Said = [
    "The history it knows, and the first byte it wants. +CONTINUE: only the missing bytes. +FULLRESYNC: all of it. An error: try again later, or SYNC.",
    "它知道的历史，和想要的第一个字节。+CONTINUE：只补缺失；+FULLRESYNC：全部重来；错误：稍后再试，或改用 SYNC。",
];
pub const WHY_RDB: Said = [
    "The master's data as of one moment; writes made since wait and follow.",
    "主节点某一刻的数据；此后的写入先等待，随后补上。",
];
pub const WHY_CONNECTED: Said = [
    "From here on every write comes as it happens, and it acknowledges once a second.",
    "从此每次写入即时到来，它每秒确认一次。",
];
pub const ANSWER_COMES: Said = ["waits for the answer", "等待回答"];

// The ring as line and table.
pub const BACKLOG: Said = ["Backlog", "积压"];
pub const UNUSED: Said = ["{} B unused", "{} B 未用"];
pub const NEXT: Said = ["next {}", "下一个 {}"];
pub const OFFSETS: Said = ["Offsets", "偏移量"];
pub const BYTES: Said = ["Bytes", "字节"];
pub const COMMAND: Said = ["Command", "命令"];
pub const DB: Said = ["DB", "库"];
pub const WRITTEN: Said = ["Written", "写入时刻"];
pub const NEEDED: Said = ["Still needed by", "仍被需要"];
pub const EATEN: Said = ["first {} B overwritten", "前 {} B 已被覆盖"];
pub const MARK_ONLINE: Said = ["{}: byte {} comes next", "{} 接下来要字节 {}"];
pub const MARK_AWAY: Said = [
    "{}: disconnected, would ask for byte {}",
    "{} 已断开，会请求字节 {}",
];
pub const MARK_GONE: Said = [
    "✕ {}: would ask for byte {}, which is overwritten",
    "✕ {} 会请求字节 {}，已被覆盖",
];
pub const LAYER: Said = ["Blocks (7+)", "块 (7+)"];
pub const HELD: Said = [
    "The ring is exact, as in Redis ≤ 6.2: bytes {} to {}. Redis 7 would hold {} blocks of {} B, from {} on: {} B more. \
     The output buffers of replicas are these same blocks; a whole one goes once the backlog and all replicas are past it.",
    "环是精确的，同 Redis ≤ 6.2：字节 {} 至 {}。Redis 7 会保存 {} 个 {} B 的块，从 {} 起：多 {} B。\
     从节点的输出缓冲区就是同样这些块；积压和所有从节点都越过后，才整块释放。",
];
pub const DRAWN_SMALL: Said = [
    " Drawn small: real blocks have 16 384 B or more.",
    "这里画得小：真实的块至少 16 384 B。",
];
pub const BLOCKS: Said = [
    "Redis 7 keeps these bytes in blocks of 16 384 or more, shared with the replicas’ output buffers, and frees whole blocks: it may hold more than repl-backlog-size, never less.",
    "Redis 7 把这些字节放在至少 16 384 字节的块里，与从节点的输出缓冲区共用，并整块释放：可能多于 repl-backlog-size，不会更少。",
];

// Bytes, one by one.
pub const F_WORDS: Said = ["a command of {} words", "{} 个词的命令"];
pub const F_LENGTH: Said = ["length: {} bytes", "长度：{} 字节"];
pub const F_NUMBER: Said = ["the number {}", "数字 {}"];
pub const F_STATUS: Said = ["a status", "状态回复"];
pub const F_ERROR: Said = ["an error", "错误回复"];
pub const F_NEWLINE: Said = ["a newline that keeps the link alive", "保活换行"];
pub const F_BYTES: Said = ["{} bytes", "{} 字节"];
pub const F_NAME: Said = ["the command", "命令名"];
pub const F_ARGUMENT: Said = ["argument {} of {}", "第 {} 个参数，共 {} 个"];
pub const PARTS: Said = ["Fields", "字段"];
pub const OCTETS: Said = ["Bytes of this command", "此命令的字节"];
pub const OCTET: Said = ["byte {}: {} · {}", "字节 {}：{} · {}"];
pub const OCTETS_MORE: Said = ["+{} more", "还有 {} 个"];

// Keys.
pub const KEYS: Said = ["Keys", "键"];
pub const KEY: Said = ["Key", "键"];
pub const SAME: Said = ["same", "相同"];
pub const OLD: Said = ["differs", "不同"];
pub const EXTRA: Said = ["only here", "仅此处有"];
pub const MISSING: Said = ["missing", "缺失"];
pub const ABSENT: Said = ["not running", "未运行"];
pub const FIND_KEYS: Said = ["Find keys, such as user:*", "查找键，例如 user:*"];
pub const FITTING: Said = ["{} found", "找到 {} 个"];
pub const FITTING_PART: Said = ["{}–{} of {}", "第 {}–{} 个，共 {} 个"];
pub const EARLIER: Said = ["Earlier", "上一批"];
pub const LATER: Said = ["More", "下一批"];
pub const NONE_FITS: Said = ["No node has such a key.", "没有节点有这样的键。"];
pub const DIFFER: Said = ["{} differ", "{} 个不同"];
pub const KEYS_COUNT: Said = ["{} keys", "{} 个键"];
pub const NO_KEYS: Said = [
    "No keys anywhere. Try SET hello world.",
    "哪里都没有键。试试 SET hello world。",
];
pub const NO_DIFFERENCE: Said = ["All nodes hold the same keys.", "所有节点的键都相同。"];
pub const ONLY_DIFFERENCES: Said = ["only differences", "只看不同"];
pub const NOT_IN_STREAM: Said = [
    "Came with a snapshot: its bytes were not in the stream",
    "随快照而来：它的字节不在复制流里",
];

// The sequence.
pub const SEQUENCE: Said = ["Sequence", "时序"];
pub const SEQUENCE_LABEL: Said = ["What passed, oldest first", "经过的报文，旧的在前"];
pub const HEARTBEATS: Said = ["heartbeats", "心跳"];
pub const MERMAID: Said = ["Copy as Mermaid", "复制为 Mermaid"];
pub const MERMAID_TITLE: Said = [
    "The diagram as text for documents",
    "可放进文档的文本时序图",
];

// Charts.
pub const CHARTS: Said = ["Charts", "图表"];
pub const TABLE: Said = ["as a table", "表格"];
pub const C1: Said = ["Bytes behind", "落后字节"];
pub const C2: Said = ["Offset", "偏移量"];
pub const C3: Said = ["Bytes kept in the ring", "环中保留的字节"];
pub const C4: Said = ["Output waiting for replicas", "等待发给从节点的输出"];
pub const C_IN_STEP: Said = ["Every replica is in step.", "所有从节点都已同步。"];
pub const C_BEHIND: Said = [
    "{} is {} B behind, within the ring.",
    "{} 落后 {} B，仍在环内。",
];
pub const C_FELL: Said = [
    "{} is {} B behind, more than the ring keeps.",
    "{} 落后 {} B，超过环能保留的。",
];
pub const C_RATE: Said = [
    "{} B/s entered the stream lately.",
    "近期每秒有 {} B 进入复制流。",
];
pub const C_RING: Said = [
    "{} of {} B; {} overwritten so far.",
    "{} / {} B；已覆盖 {} B。",
];
pub const C_WAITS: Said = [
    "Up to {} B for a replica of {}; at {} B it is disconnected.",
    "至多 {} B 等待发给 {} 的一个从节点；达到 {} B 时断开它。",
];
pub const C_NOBODY: Said = ["No master runs.", "没有正在运行的主节点。"];
pub const C_NO_END: Said = [
    "Up to {} B for a replica of {}; no hard limit is set.",
    "至多 {} B 等待发给 {} 的一个从节点；没有设置硬限制。",
];
pub const C_LIMIT: Said = ["ring {} B", "环 {} B"];
pub const C_HARD: Said = ["limit {} B", "上限 {} B"];
pub const C5: Said = ["Lost writes, stale reads", "丢失的写入，过期的读取"];
pub const C5_CURVES: [Said; 2] = [["lost", "丢失"], ["stale", "过期"]];
pub const LOST_WRITES: Said = ["lost writes", "丢失的写入"];
pub const STALE_READS: Said = ["stale reads", "过期的读取"];
pub const C_LOST: [Said; 3] = [
    ["No acknowledged write is lost; ", "没有已确认的写入丢失；"],
    ["1 acknowledged write is lost; ", "1 个已确认的写入已丢失；"],
    [
        "{} acknowledged writes are lost; ",
        "{} 个已确认的写入已丢失；",
    ],
];
pub const C_STALE: [Said; 3] = [
    ["no read was stale.", "没有读到过期数据。"],
    ["1 read was stale.", "1 次读取过期。"],
    ["{} reads were stale.", "{} 次读取过期。"],
];
pub const T_OFFSET: Said = ["{} offset", "{} 偏移量"];
pub const T_BEHIND: Said = ["{} behind", "{} 落后"];
pub const T_KEPT: Said = ["{} kept", "{} 保留"];
pub const T_WAITS: Said = ["{} waiting / limit", "{} 等待 / 上限"];

// Settings.
pub const CONFIG: Said = ["Config", "配置"];
pub const NAME: Said = ["Name", "名称"];
pub const VALUE: Said = ["Value", "值"];
pub const DEFAULT: Said = ["Default", "默认值"];
pub const U_BYTES: Said = ["B", "B"];
pub const U_S: Said = ["s", "s"];
pub const U_NONE: Said = ["", ""];
pub const SCALE: Said = ["Teaching scale", "教学比例"];
pub const SCALE_REAL: Said = ["Redis’s defaults", "Redis 默认值"];
pub const SCALES: Said = ["Sets on all nodes:", "在所有节点上设置："];
pub const TEACHING: Said = [
    "Teaching scale: here repl-backlog-size may be as small as 1 byte; a real server raises it to 16 384. Nothing else is scaled.",
    "教学比例：这里 repl-backlog-size 最小可到 1 字节；真实服务器会提高到 16 384。其他一切未缩放。",
];

// Time.
pub const BY_STEPS: Said = ["step: press .", "单步：按 ."];
pub const PACE_STEP: Said = ["Step", "单步"];
pub const KEPT: Said = ["{} kept", "保留 {}"];
pub const PART_WAIT: Said = ["WAIT", "WAIT"];
pub const CHILD: Said = ["child", "子进程"];
pub const PART_DUMP: Said = ["dump", "转储"];
pub const PART_SEND: Said = ["send", "传输"];
pub const PART_STORE: Said = ["store", "存盘"];
pub const PART_LOAD: Said = ["load", "加载"];
pub const PART_DRAIN: Said = ["catch up", "追上"];
pub const OLDER: Said = ["An older line", "更早的一行"];
pub const NEWER: Said = ["A newer line", "更新的一行"];
pub const TO_MOMENT: Said = ["Go to this moment", "前往这一刻"];
pub const MOMENT: Said = ["Moment of the values", "数值的时刻"];
pub const FIRST: Said = ["To the beginning (Home)", "回到开头（Home）"];
pub const BACK: Said = ["One event back (,)", "后退一个事件（,）"];
pub const LIVE: Said = ["To the newest moment (End)", "到最新时刻（End）"];
pub const PAST: Said = ["in the past", "在过去"];
pub const VIEWING: Said = [
    "Viewing {} s; live is {} s.",
    "正在查看 {} s；最新是 {} s。",
];
pub const ACTING: Said = [
    "Acting here begins a branch; the future stays.",
    "在这里操作会开始新分支，原来的未来会保留。",
];
pub const TO_LIVE: Said = ["Back to live", "回到最新"];
pub const BRANCHED: Said = [
    "The old future is kept as branch {}.",
    "原来的未来保留为分支 {}。",
];
pub const TAKE_BACK: Said = ["Undo", "撤销"];
pub const BRANCH: Said = ["Branch", "分支"];
pub const BRANCHES: Said = ["Branches", "分支"];
pub const BRANCHES_OPEN: Said = ["Branches…", "分支…"];
pub const BRANCHES_TITLE: Said = [
    "Name, compare and delete branches (Shift B)",
    "命名、比较、删除分支（Shift B）",
];
pub const BRANCHES_HOW: Said = [
    "Acting in the past begins a branch; the future that was left stays here.",
    "在过去操作会开始新分支，离开的未来保留在这里。",
];
pub const BRANCHES_ONE: Said = [
    "There is one so far. Go back on the timeline and act there: another one begins, and this one stays.",
    "目前只有一个。在时间线上回到过去并操作，就会开始另一个，这一个会保留。",
];
pub const BRANCH_NAME: Said = ["Name of branch {}", "分支 {} 的名称"];
pub const BRANCH_RENAME: Said = ["Rename", "重命名"];
pub const BRANCH_END: Said = ["Goes to {} s, event {}.", "到 {} s，事件 {}。"];
pub const BRANCH_FROM: Said = [
    " Leaves {} after event {} with ",
    "在事件 {1} 之后离开 {0}，始于 ",
];
pub const BRANCH_HERE: Said = ["you are here", "当前分支"];
pub const MEMORY: Said = ["Memory", "内存"];
pub const MEMORY_USED: Said = ["memory {} B", "内存 {} B"];
pub const MEMORY_OF: Said = ["memory {} of {} B", "内存 {} / {} B"];
pub const IN_KEYS: Said = ["keys and values", "键和值"];
pub const COPIED: Said = ["copied since the fork", "派生后已复制"];
pub const BRANCH_GO: Said = ["Go there", "切换"];
pub const BRANCH_COMPARE: Said = ["Compare", "比较"];
pub const BRANCH_FORGET: Said = ["Delete", "删除"];
pub const BRANCH_SURE: Said = ["Sure? Delete", "确定删除？"];
pub const BRANCH_PARTS: Said = ["They differ from event {} on.", "从事件 {} 起不同。"];
pub const BRANCH_SAME: Said = [
    "No difference, as far as both go.",
    "在两者都有的部分没有差别。",
];
pub const BRANCH_ENDS: Said = ["ends before it", "在此之前结束"];
pub const BRANCH_TO: Said = ["Go to where they part", "前往分叉处"];

// The snapshot.
pub const RDB: Said = ["RDB", "RDB"];
pub const NO_FILE: Said = [
    "No snapshot is on this disk yet. A full sync or BGSAVE writes one.",
    "这块磁盘上还没有快照。全量同步或 BGSAVE 会写一个。",
];
pub const FILE: Said = ["dump.rdb of {}, {} bytes.", "{} 的 dump.rdb，{} 字节。"];
pub const FROZEN: Said = ["Frozen at offset {}.", "冻结在偏移量 {}。"];
pub const GAP: Said = [" ", ""];
pub const DOWNLOAD: Said = ["Download .rdb", "下载 .rdb"];
pub const FIELDS_OF: Said = ["Fields of the file", "文件的字段"];
pub const COMPARED: Said = [
    "Compared with the keys of {} now: only in the file {}; only there {}",
    "与 {} 现在的键比较：只在文件里 {}；只在那里 {}",
];
pub const NOT_IN_FILE: Said = [
    "Not in this file: {} later writes, {} bytes of stream ({}).",
    "不在此文件里：之后的 {} 次写入，复制流 {} 字节（{}）。",
];
pub const IN_BUFFER: Said = [
    "{} bytes wait in the output buffer of {}.",
    "{} 字节在 {} 的输出缓冲区里等待。",
];

// Faults.
pub const FAULTS: Said = ["Faults", "故障"];
pub const FAULTS_MORE: Said = ["Faults…", "故障…"];
pub const FAULTS_TITLE: Said = [
    "Everything that can be broken here (f)",
    "这里能弄坏的一切（f）",
];
pub const NO_FAULT: Said = [
    "Nothing is wrong. Each button prints its line in the console; :help lists them all.",
    "一切正常。每个按钮都会在控制台打印对应的那一行；:help 列出全部。",
];
pub const IN_FORCE: Said = ["In force:", "生效中："];
pub const F_WIRE: Said = ["Wire {} – {}", "线路 {} – {}"];
pub const F_NODE: Said = ["Node {}", "节点 {}"];
pub const F_WORLD: Said = ["All of it", "全局"];

// The ledger.
pub const WRITES: Said = ["Writes", "写入"];
pub const WRITE: Said = ["Write", "写入"];
pub const COSTS: Said = ["promoting it loses {}", "提升它会丢 {} 次"];
pub const COSTS_NOTHING: Said = ["has all", "都有"];
pub const FATE: Said = ["Fate", "下落"];
pub const HAS: Said = ["has it", "有"];
pub const LOST: Said = ["lost", "已丢失"];
pub const ONLY_ONE: Said = ["one copy", "仅一份"];
pub const COPIES: Said = ["{} copies", "{} 份"];
pub const NO_WRITES: Said = [
    "No write yet. Try SET hello world.",
    "还没有写入。试试 SET hello world。",
];
pub const LEDGER: Said = [
    "Writes acknowledged: {}. Each is somewhere. OK is said before any replica has it: cut, write, kill and promote to lose one.",
    "已确认 {} 次写入，每一次都还在某处。OK 在任何从节点收到之前就已回复：断开、写入、停止、提升，就会丢。",
];
pub const LEDGER_LOST: Said = [
    "Acknowledged writes lost: {} of {}. No running node has them. WAIT and min-replicas-to-write make that rarer.",
    "{1} 次已确认的写入中丢失了 {0} 次：没有运行中的节点还有。WAIT 和 min-replicas-to-write 能减少这种情况。",
];

// The console.
pub const WAITS: Said = ["{} waits for an answer", "{} 在等待回答"];
pub const PASTED: Said = ["Run {} lines", "执行 {} 行"];
pub const DROP: Said = ["Cancel", "取消"];

pub const BECAME: Said = ["propagated as ", "传播为 "];
pub const IN_ASCII: Said = ["Use ASCII quotes", "改用 ASCII 标点"];
pub const E_READONLY: Said = [
    "A replica takes writes from its master only.",
    "从节点只接受主节点传来的写入。",
];
pub const E_NOAUTH: Said = [
    "It has a password: send AUTH first.",
    "它设了密码：先发送 AUTH。",
];
pub const E_LOADING: Said = [
    "It is reading a snapshot; until then it has no data to answer with.",
    "它正在加载快照，之前没有数据可答。",
];
pub const E_WAIT: Said = [
    "WAIT counts the replicas of a master: send it there.",
    "WAIT 统计主节点的从节点：请发给主节点。",
];
pub const E_NOREPLICAS: Said = [
    "Fewer replicas keep up than min-replicas-to-write wants: rather no write than one that may be lost.",
    "跟得上的从节点少于 min-replicas-to-write：宁可不写，也不冒丢失的风险。",
];
pub const E_MASTERDOWN: Said = [
    "It was told rather not to answer than to give old data.",
    "按配置，它宁可不答，也不给旧数据。",
];
pub const E_NOMASTERLINK: Said = [
    "It has no link to its own master and cannot feed anybody.",
    "它与自己的主节点断开，无法供给别人。",
];
pub const E_ELSEWHERE: Said = [
    "Playground note: Redis has this command, this page has not.",
    "说明：Redis 有这个命令，本页面没有。",
];

// Topology.
pub const APART: Said = ["Cut off from the rest:", "与其余隔开："];
pub const APART_GO: Said = ["Cut off", "隔开"];
pub const APART_MORE: Said = ["Cut off several…", "隔开多个……"];
pub const APART_HEAL: Said = ["Heal all", "全部恢复"];
pub const WHOM: Said = ["{} follows whom?", "{} 跟随谁？"];

// Paste your own.
pub const TOLD: Said = [
    "Your own servers: would it be partial?",
    "你自己的服务器：会是增量同步吗？",
];
pub const TOLD_HOW: Said = [
    "Paste what redis-cli INFO replication prints on both; ask the replica first. Nothing leaves this page.",
    "粘贴两边 redis-cli INFO replication 的输出，先取从节点的。内容不会离开本页。",
];
pub const TOLD_OF: [Said; 2] = [
    [
        "INFO replication of the master",
        "主节点的 INFO replication",
    ],
    [
        "INFO replication of the replica",
        "从节点的 INFO replication",
    ],
];
pub const TOLD_WAITS: Said = [
    "The answer comes when both texts are there.",
    "两段文本齐了就有答案。",
];
pub const TOLD_YES: Said = [
    "Yes: the next reconnect would be partial.",
    "会：下一次重连是增量同步。",
];
pub const TOLD_NO: Said = [
    "No: the next reconnect would copy everything.",
    "不会：下一次重连要复制全部数据。",
];
pub const TOLD_NOTHING: Said = [
    "{}: there is no line like role:master in it. Paste all of it.",
    "{}：里面没有 role:master 这样的行。请粘贴全部输出。",
];
pub const TOLD_MISSING: Said = [
    "{}: the field {} is missing. Paste all of it.",
    "{}：缺少字段 {}。请粘贴全部输出。",
];
pub const TOLD_WRONG: Said = [
    "{}: {} cannot be “{}”. Was it cut, or changed?",
    "{}：{} 不可能是“{}”。是被截断或改动了吗？",
];
pub const TOLD_SWAPPED: Said = [
    "The first text is a replica’s and the second a master’s: they look swapped.",
    "第一段来自从节点，第二段来自主节点：看来放反了。",
];
pub const TOLD_SAME: Said = [
    "Both texts are of the same server.",
    "两段文本来自同一台服务器。",
];
pub const TOLD_NO_LINK: Said = [
    "The first server has lost its own master: it would answer -NOMASTERLINK until it is back.",
    "第一台服务器自己也与主节点断开：在恢复之前它只会回答 -NOMASTERLINK。",
];
pub const TOLD_OPEN: Said = ["Paste INFO texts…", "粘贴 INFO 文本…"];

// The face of the drum.
pub const FACE: Said = ["The backlog as", "积压缓冲区的形式"];
pub const FACE_OF: Said = ["Backlog of {}", "{} 的积压缓冲区"];
pub const TRY_TITLE: Said = ["If somebody asked {} now", "如果现在有人请求 {}"];
pub const TRY_ID: Said = ["History", "历史 ID"];
pub const TRY_OWN: Said = ["its id", "它的 ID"];
pub const TRY_SECOND: Said = ["its second", "第二个 ID"];
pub const TRY_OTHER: Said = ["another", "别的 ID"];
pub const TRY_GONE: Said = ["gone", "已覆盖"];
pub const TRY_OLDEST: Said = ["oldest", "最旧"];
pub const TRY_NEXT: Said = ["next", "下一个"];
pub const TRY_AHEAD: Said = ["ahead", "超前"];
pub const TRY_HOW: Said = [
    "Or click a bead: its first byte is asked for. Nothing is sent.",
    "也可点击一颗珠子，请求它的第一个字节。不会发送任何东西。",
];

// Borders between panels.
pub const SPLITS: Said = ["Sizes of the panels", "面板大小"];
pub const SPLIT_GUIDE: Said = [
    "Width of the guide: drag, or arrow keys; double click resets",
    "指南宽度：拖动或用方向键，双击复原",
];
pub const SPLIT_STAGE: Said = [
    "Height of the stage: drag, or arrow keys; double click resets",
    "舞台高度：拖动或用方向键，双击复原",
];
pub const SPLIT_CONSOLE: Said = [
    "Width of the console: drag, or arrow keys; double click resets",
    "控制台宽度：拖动或用方向键，双击复原",
];

// The top line.
pub const UNDO: Said = ["Undo", "撤销"];
