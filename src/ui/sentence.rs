//! Sentences with names and numbers in them, written from what the engine reports; both languages of a sentence stand
//! side by side.

use super::dom::{grouped, int};
use super::text::{Lang, fill};
use crate::sim::snapshot::{FrameKind, FullCause, Happening, Outcome, Packet, Phase, Verdict};

/// Of what a packet carries so much is said, in characters.
const SAID_LONG: usize = 40;

/// A number with a narrow space between thousands. For the sans only: in a monospace the space is a full cell.
pub fn group(n: u64) -> String {
    grouped(n, '\u{202f}')
}

/// Seconds with three digits after the point, from microseconds.
pub fn seconds(us: u64) -> String {
    let ms = us / 1000;
    let digit = |unit: u64| int(ms / unit % 10);
    [&group(ms / 1000), ".", &digit(100), &digit(10), &digit(1)].concat()
}

/// A name that fits into a sentence.
fn short(name: &str) -> String {
    match name.char_indices().nth(13) {
        Some((at, _)) if name.chars().count() > 14 => [name.split_at(at).0, "…"].concat(),
        _ => name.into(),
    }
}

/// A sentence in two languages: English, Chinese.
pub type Said = [&'static str; 2];

#[inline(never)]
fn say(lang: Lang, [en, zh]: &Said, values: &[&str]) -> String {
    fill(if lang == Lang::En { en } else { zh }, values)
}

fn plural<'a>(n: u64, one: &'a str, many: &'a str) -> &'a str {
    if n == 1 { one } else { many }
}

/// `7 bytes`, in a language that has a plural; the other one takes the number alone.
fn counted(lang: Lang, n: u64, one: &str, many: &str) -> String {
    let n_words = group(n);
    if lang == Lang::En {
        [&n_words, " ", plural(n, one, many)].concat()
    } else {
        n_words
    }
}

/// The story line: what just happened, and why.
pub fn story(lang: Lang, what: &Happening) -> String {
    use Happening as H;
    let say = |said: &Said, values: &[&str]| say(lang, said, values);
    let bytes = |n: u64| counted(lang, n, "byte", "bytes");
    let some_keys = |n: usize| counted(lang, n as u64, "key", "keys");
    match what {
        H::Ready { replicas: 0 } => say(
            &[
                "A master on its own: no replica, no stream.",
                "只有一个主节点：没有从节点，也就没有复制流。",
            ],
            &[],
        ),
        H::Ready { replicas } => {
            let said: &Said = match replicas {
                1 => &[
                    "The replica holds the same bytes as its master.",
                    "{} 个从节点与主节点的字节完全相同。",
                ],
                2 => &[
                    "Both replicas hold the same bytes as their master.",
                    "{} 个从节点与主节点的字节完全相同。",
                ],
                _ => &[
                    "All {} replicas hold the same bytes as their master.",
                    "{} 个从节点与主节点的字节完全相同。",
                ],
            };
            say(said, &[&int(*replicas as u64)])
        }
        H::Written {
            bytes,
            select,
            command,
            ..
        } if *select > 0 => say(
            &[
                "{} bytes entered the ring: {} for SELECT, {} for {}.",
                "{} 个字节进入环：SELECT 占 {}，{3} 占 {2}。",
            ],
            &[
                &group(*bytes),
                &int(*select),
                &group(bytes - select),
                &short(&command.label()),
            ],
        ),
        H::Written {
            node,
            bytes,
            command,
            ..
        } => say(
            &[
                "{} bytes for {2} entered the ring of {1}.",
                "{} 个字节进入 {} 的环：对 {} 的写入。",
            ],
            &[&group(*bytes), node, &short(&command.label())],
        ),
        H::Cut { a, b } => say(
            &[
                "{} and {} are cut off from each other.",
                "{} 与 {} 之间断开了。",
            ],
            &[a, b],
        ),
        H::Restored { a, b } => say(
            &[
                "The wire between {} and {} is whole again.",
                "{} 与 {} 之间的线路恢复了。",
            ],
            &[a, b],
        ),
        H::Behind {
            replica,
            bytes,
            left,
        } => say(
            &[
                "{} is cut off, {} bytes behind; the ring covers {} more.",
                "{} 断开，落后 {} 字节；环还能再撑 {} 字节。",
            ],
            &[replica, &group(*bytes), &group(*left)],
        ),
        H::FellOff { replica, gone } => say(
            &[
                "{} fell off the ring: {} it needs {} gone.",
                "{} 掉出了环：它要的 {} 个字节已被覆盖。",
            ],
            &[replica, &bytes(*gone), plural(*gone, "is", "are")],
        ),
        H::Partial {
            replica, bytes: 0, ..
        } => say(
            &[
                "{} is back and has missed nothing.",
                "{} 回来了，什么也没错过。",
            ],
            &[replica],
        ),
        H::Partial {
            replica, bytes: n, ..
        } => say(
            &[
                "{} is back, and the ring still holds the {} it missed.",
                "{} 回来了，环里还留着它错过的 {} 个字节。",
            ],
            &[replica, &bytes(*n)],
        ),
        H::FullNeeded {
            replica,
            master,
            cause,
        } => {
            let (said, gone): (&Said, u64) = match cause {
                FullCause::New => (
                    &[
                        "{} asks for everything: it has no history yet.",
                        "{} 请求全部数据：它还没有历史。",
                    ],
                    0,
                ),
                FullCause::OtherHistory => (
                    &[
                        "{} knows another history, so it needs a full copy.",
                        "{} 认的是另一段历史，需要全量同步。",
                    ],
                    0,
                ),
                FullCause::BeyondSecond { .. } => (
                    &[
                        "{} went past where the histories part: a full copy.",
                        "{} 已越过两段历史的分界，需要全量同步。",
                    ],
                    0,
                ),
                FullCause::TooOld { gone } => (
                    &[
                        "{} fell off the ring: {2} bytes are gone, so a full copy.",
                        "{} 掉出了环：{2} 个字节已被覆盖，需要全量同步。",
                    ],
                    *gone,
                ),
                FullCause::TooFar => (
                    &[
                        "{} asked for a byte {} never wrote: a full copy.",
                        "{} 要的字节 {} 从未写过，需要全量同步。",
                    ],
                    0,
                ),
                FullCause::NoBacklog => (
                    &[
                        "{1} keeps no backlog, so {0} needs a full copy.",
                        "{1} 没有复制积压缓冲区，{0} 需要全量同步。",
                    ],
                    0,
                ),
            };
            say(said, &[replica, master, &group(gone)])
        }
        H::Forked { node, keys, offset } => say(
            &[
                "{} forked: a picture of {} at offset {}.",
                "{} 派生子进程：在偏移量 {2} 给 {1} 个键拍照。",
            ],
            &[node, &some_keys(*keys), &group(*offset)],
        ),
        H::SnapshotSent {
            node,
            replica,
            bytes,
        } => say(
            &[
                "{} sent {} its snapshot: {} bytes.",
                "{} 已把快照发给 {}：{} 字节。",
            ],
            &[node, replica, &group(*bytes)],
        ),
        H::Storing { replica, bytes } => say(
            &[
                "{} writes the snapshot to its disk: {} bytes.",
                "{} 把快照写入磁盘：{} 字节。",
            ],
            &[replica, &group(*bytes)],
        ),
        H::Loading { replica, bytes } => say(
            &[
                "{} drops its old data and loads {} bytes.",
                "{} 清空旧数据，加载 {} 字节。",
            ],
            &[replica, &group(*bytes)],
        ),
        H::Loaded {
            replica,
            keys,
            offset,
        } => say(
            &[
                "{} loaded {} and goes on at byte {}.",
                "{} 加载了 {} 个键，从字节 {} 继续。",
            ],
            &[replica, &some_keys(*keys), &group(offset + 1)],
        ),
        H::Promoted { node, offset } => say(
            &[
                "{} is a master now; a new history starts at {}.",
                "{} 成为主节点，新的历史从 {} 开始。",
            ],
            &[node, &group(offset + 1)],
        ),
        H::Killed { node } => say(
            &["{} is down. Its disk stays.", "{} 停止了，磁盘还在。"],
            &[node],
        ),
        H::Started { node } => say(&["{} is starting again.", "{} 正在重新启动。"], &[node]),
        H::Served { node, keys } => say(
            &[
                "{} is up again with {} from its disk.",
                "{} 又启动了，从磁盘读回 {} 个键。",
            ],
            &[node, &some_keys(*keys)],
        ),
        H::Added { node, of } => say(
            &["{} joined and follows {}.", "{} 加入，跟随 {}。"],
            &[node, of],
        ),
        H::LoadOn { node, per_s } => say(
            &[
                "{} takes {} writes a second now.",
                "{} 现在每秒写入 {} 次。",
            ],
            &[node, &group(u64::from(*per_s))],
        ),
        H::Answered { replica, line, .. } if line.starts_with("+CONTINUE") => say(
            &[
                "The real server takes {} back: only what it missed comes.",
                "真实服务器接回了 {}：只发送它错过的字节。",
            ],
            &[replica],
        ),
        H::Answered { replica, .. } => say(
            &[
                "The real server sends {} everything: a full copy.",
                "真实服务器把全部数据发给 {}：全量同步。",
            ],
            &[replica],
        ),
        H::LoadOff => say(&["The write load has ended.", "写负载结束了。"], &[]),
    }
}

/// The row under the story line, after the verdict's own word: what was asked, what is kept, what follows.
pub fn verdict(lang: Lang, v: &Verdict) -> Vec<String> {
    let say = |said: &Said, values: &[&str]| say(lang, said, values);
    let id = v.replid.get(..8).unwrap_or(&v.replid);
    let mut out = Vec::with_capacity(4);
    out.push(match u64::try_from(v.asked) {
        Ok(byte) => say(
            &["{} asked for {}", "{} 请求 {}"],
            &[&v.replica, &group(byte)],
        ),
        Err(_) => say(
            &["{} asked for everything", "{} 请求全部数据"],
            &[&v.replica],
        ),
    });
    if v.first > 0 && v.first <= v.offset {
        out.push(say(
            &["{} keeps {} to {}", "{} 保留 {} 到 {}"],
            &[&v.master, &group(v.first), &group(v.offset)],
        ));
    }
    match &v.outcome {
        Outcome::Continue { bytes } => {
            out.push(say(&["same history {}…", "同一历史 {}…"], &[id]));
            out.push(say(
                &["{}, no snapshot", "{} 个字节，不需要快照"],
                &[&counted(lang, *bytes, "byte", "bytes")],
            ));
        }
        Outcome::Full { cause } => {
            out.push(match cause {
                FullCause::New => say(&["no history to compare", "没有历史可比"], &[]),
                FullCause::OtherHistory => {
                    say(&["other history than {}…", "历史不同于 {}…"], &[id])
                }
                FullCause::BeyondSecond { up_to } => say(
                    &["second id ends at {}", "第二个 ID 只到 {}"],
                    &[&up_to.to_string()],
                ),
                FullCause::TooOld { gone } => say(
                    &["{} bytes overwritten", "{} 个字节已被覆盖"],
                    &[&group(*gone)],
                ),
                FullCause::TooFar => say(&["that byte was never written", "这个字节从未写过"], &[]),
                FullCause::NoBacklog => say(&["no backlog", "没有积压缓冲区"], &[]),
            });
            out.push(say(&["a snapshot follows", "接下来发送快照"], &[]));
        }
    }
    out
}

/// How a node stands to its master, in words.
pub fn phase(lang: Lang, phase: &Phase, lag_s: Option<u64>) -> String {
    let percent = |done: &u64, total: &u64| int((done * 100).checked_div(*total).unwrap_or(0));
    let (said, value): (&Said, String) = match phase {
        Phase::Master => (&["accepts writes", "可以写入"], String::new()),
        Phase::Dead => (&["not running", "未运行"], String::new()),
        Phase::Outside => (&["outside of this world", "在这个世界之外"], String::new()),
        Phase::Down { cut: true, .. } => (&["wire cut", "线路断开"], String::new()),
        Phase::Down { .. } => (&["down, dials again", "断线，将重连"], String::new()),
        Phase::Handshake { step, name } => (
            &["handshake {}", "握手 {}"],
            [&int(u64::from(*step)), "/10 ", name].concat(),
        ),
        Phase::WaitsForSnapshot => (&["waits for the snapshot", "等待快照"], String::new()),
        Phase::Transfer { got, total } => (
            &["receives snapshot, {} %", "接收快照 {} %"],
            percent(got, total),
        ),
        Phase::Storing { done, total } => (
            &["stores to disk, {} %", "写入磁盘 {} %"],
            percent(done, total),
        ),
        Phase::Loading { done, total } => (&["loads, {} %", "加载 {} %"], percent(done, total)),
        Phase::Starting { done, total } => (
            &["reads its disk, {} %", "读取磁盘 {} %"],
            percent(done, total),
        ),
        Phase::Online => match lag_s {
            Some(s) => (&["online, lag {} s", "在线，延迟 {} s"], int(s)),
            None => (&["online", "在线"], String::new()),
        },
    };
    say(lang, said, &[&value])
}

/// Bytes behind, next to a stale reply.
pub fn behind(lang: Lang, bytes: u64) -> String {
    say(lang, &["← {} B behind", "← 落后 {} B"], &[&group(bytes)])
}

/// Packets that have left since something was said, the newest first.
#[inline(never)]
pub fn packets(lang: Lang, fresh: &[&Packet]) -> String {
    // Rather what is no heartbeat.
    let telling = |p: &&&Packet| p.frames.iter().any(|f| !f.kind.heartbeat());
    let Some(one) = fresh.iter().find(telling).or_else(|| fresh.first()) else {
        return String::new();
    };
    let ack = |p: &&&Packet| p.frames.iter().all(|f| f.kind == FrameKind::Ack);
    let many = int(fresh.len() as u64);
    if fresh.len() > 1 && fresh.iter().filter(ack).count() == fresh.len() {
        return say(lang, &["{} ACKs went home.", "{} 个 ACK 返回。"], &[&many]);
    }
    let frames: Vec<&str> = one.frames.iter().map(|f| f.text.as_str()).collect();
    let mut text = frames.join("; ");
    if let Some((at, _)) = text.char_indices().nth(SAID_LONG) {
        text.truncate(at);
        text.push('…');
    }
    let values: &[&str] = &[&one.from, &one.to, &text, &many];
    let said: &Said = match fresh.len() {
        1 => &["{} → {}: {}", "{} → {}：{}"],
        _ => &[
            "{} → {}: {}, one of {} packets",
            "{3} 个报文，其中 {0} → {1}：{2}",
        ],
    };
    say(lang, said, values)
}

/// How many commands one packet carries.
pub fn commands(lang: Lang, n: usize) -> String {
    say(lang, &["{} commands", "{} 条命令"], &[&int(n as u64)])
}

/// The label of a folded stretch of the timeline.
pub fn skipped(lang: Lang, us: u64) -> String {
    say(lang, &["{} s folded", "略过 {} s"], &[&int(us / 1_000_000)])
}
