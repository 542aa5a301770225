//! Sentences with names and numbers in them, written from what the engine reports, in each language.

use super::text::Lang;
use crate::sim::snapshot::{FullCause, Happening, Outcome, Phase, Verdict};

/// A number with a narrow space between thousands. For the sans only: in a monospace the space is a full cell.
pub fn group(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + 4);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(c);
    }
    out
}

/// Seconds with three digits after the point, from microseconds.
pub fn seconds(us: u64) -> String {
    let ms = us / 1000;
    let mut out = group(ms / 1000);
    out.push('.');
    let rest = (ms % 1000).to_string();
    out.extend(std::iter::repeat_n('0', 3 - rest.len()));
    out.push_str(&rest);
    out
}

/// A name that fits into a sentence.
fn short(name: &str) -> String {
    if name.chars().count() <= 14 {
        name.to_string()
    } else {
        name.chars().take(13).chain(['…']).collect()
    }
}

fn plural<'a>(n: u64, one: &'a str, many: &'a str) -> &'a str {
    if n == 1 { one } else { many }
}

/// The story line: what just happened, and why.
pub fn story(lang: Lang, what: &Happening) -> String {
    match lang {
        Lang::En => story_en(what),
        Lang::Zh => story_zh(what),
    }
}

fn story_en(what: &Happening) -> String {
    use Happening as H;
    match what {
        H::Ready { replicas: 0 } => "A master on its own: no replica, no stream.".into(),
        H::Ready { replicas: 1 } => "The replica holds the same bytes as its master.".into(),
        H::Ready { replicas: 2 } => "Both replicas hold the same bytes as their master.".into(),
        H::Ready { replicas } => {
            format!("All {replicas} replicas hold the same bytes as their master.")
        }
        H::Written {
            bytes, select, key, ..
        } if *select > 0 => {
            format!(
                "{} bytes entered the ring: {select} for SELECT, {} for {}.",
                group(*bytes),
                group(bytes - select),
                short(key)
            )
        }
        H::Written {
            node, bytes, key, ..
        } => format!(
            "{} bytes for {} entered the ring of {node}.",
            group(*bytes),
            short(key)
        ),
        H::InStep { node } => format!("Every replica has applied every byte of {node}."),
        H::Cut { a, b } => format!("{a} and {b} are cut off from each other."),
        H::Restored { a, b } => format!("The wire between {a} and {b} is whole again."),
        H::Behind {
            replica,
            bytes,
            left,
        } => {
            format!(
                "{replica} is cut off, {} bytes behind; the ring covers {} more.",
                group(*bytes),
                group(*left)
            )
        }
        H::FellOff { replica, gone } => {
            format!(
                "{replica} fell off the ring: {} {} it needs {} gone.",
                group(*gone),
                plural(*gone, "byte", "bytes"),
                plural(*gone, "is", "are")
            )
        }
        H::Partial {
            replica, bytes: 0, ..
        } => format!("{replica} is back and has missed nothing."),
        H::Partial { replica, bytes, .. } => {
            format!(
                "{replica} is back, and the ring still holds the {} {} it missed.",
                group(*bytes),
                plural(*bytes, "byte", "bytes")
            )
        }
        H::FullNeeded {
            replica,
            master,
            cause,
        } => match cause {
            FullCause::New => format!("{replica} asks for everything: it has no history yet."),
            FullCause::OtherHistory => {
                format!("{replica} knows another history, so it needs a full copy.")
            }
            FullCause::BeyondSecond { .. } => {
                format!("{replica} went past where the histories part: a full copy.")
            }
            FullCause::TooOld { gone } => {
                format!(
                    "{replica} fell off the ring: {} bytes are gone, so a full copy.",
                    group(*gone)
                )
            }
            FullCause::TooFar => {
                format!("{replica} asked for a byte {master} never wrote: a full copy.")
            }
            FullCause::NoBacklog => {
                format!("{master} keeps no backlog, so {replica} needs a full copy.")
            }
        },
        H::Forked { node, keys, offset } => {
            format!(
                "{node} forked: a picture of {} {} at offset {}.",
                group(*keys as u64),
                plural(*keys as u64, "key", "keys"),
                group(*offset)
            )
        }
        H::SnapshotSent {
            node,
            replica,
            bytes,
        } => format!(
            "{node} sent {replica} its snapshot: {} bytes.",
            group(*bytes)
        ),
        H::Storing { replica, bytes } => format!(
            "{replica} writes the snapshot to its disk: {} bytes.",
            group(*bytes)
        ),
        H::Loading { replica, bytes } => format!(
            "{replica} drops its old data and loads {} bytes.",
            group(*bytes)
        ),
        H::Loaded {
            replica,
            keys,
            offset,
        } => {
            format!(
                "{replica} loaded {} {} and goes on at byte {}.",
                group(*keys as u64),
                plural(*keys as u64, "key", "keys"),
                group(offset + 1)
            )
        }
        H::Promoted { node, offset } => format!(
            "{node} is a master now; a new history starts at {}.",
            group(offset + 1)
        ),
        H::Killed { node } => format!("{node} is down. Its disk stays."),
        H::Started { node, keys: 0 } => format!("{node} is up again, and empty."),
        H::Started { node, keys } => format!(
            "{node} is up again with {} {} from its disk.",
            group(*keys as u64),
            plural(*keys as u64, "key", "keys")
        ),
        H::Added { node, of } => format!("{node} joined and follows {of}."),
        H::LoadOn { node, per_s } => format!(
            "{node} takes {} writes a second now.",
            group(u64::from(*per_s))
        ),
        H::LoadOff => "The write load has ended.".into(),
    }
}

fn story_zh(what: &Happening) -> String {
    use Happening as H;
    match what {
        H::Ready { replicas: 0 } => "只有一个主节点：没有从节点，也就没有复制流。".into(),
        H::Ready { replicas } => format!("{replicas} 个从节点与主节点的字节完全相同。"),
        H::Written {
            bytes, select, key, ..
        } if *select > 0 => {
            format!(
                "{} 个字节进入环：SELECT 占 {select}，{} 占 {}。",
                group(*bytes),
                short(key),
                group(bytes - select)
            )
        }
        H::Written {
            node, bytes, key, ..
        } => format!(
            "{} 个字节进入 {node} 的环：对 {} 的写入。",
            group(*bytes),
            short(key)
        ),
        H::InStep { node } => format!("每个从节点都已执行 {node} 的全部字节。"),
        H::Cut { a, b } => format!("{a} 与 {b} 之间断开了。"),
        H::Restored { a, b } => format!("{a} 与 {b} 之间的线路恢复了。"),
        H::Behind {
            replica,
            bytes,
            left,
        } => format!(
            "{replica} 断开，落后 {} 字节；环还能再撑 {} 字节。",
            group(*bytes),
            group(*left)
        ),
        H::FellOff { replica, gone } => format!(
            "{replica} 掉出了环：它要的 {} 个字节已被覆盖。",
            group(*gone)
        ),
        H::Partial {
            replica, bytes: 0, ..
        } => format!("{replica} 回来了，什么也没错过。"),
        H::Partial { replica, bytes, .. } => format!(
            "{replica} 回来了，环里还留着它错过的 {} 个字节。",
            group(*bytes)
        ),
        H::FullNeeded {
            replica,
            master,
            cause,
        } => match cause {
            FullCause::New => format!("{replica} 请求全部数据：它还没有历史。"),
            FullCause::OtherHistory => format!("{replica} 认的是另一段历史，需要全量同步。"),
            FullCause::BeyondSecond { .. } => {
                format!("{replica} 已越过两段历史的分界，需要全量同步。")
            }
            FullCause::TooOld { gone } => format!(
                "{replica} 掉出了环：{} 个字节已被覆盖，需要全量同步。",
                group(*gone)
            ),
            FullCause::TooFar => format!("{replica} 要的字节 {master} 从未写过，需要全量同步。"),
            FullCause::NoBacklog => {
                format!("{master} 没有复制积压缓冲区，{replica} 需要全量同步。")
            }
        },
        H::Forked { node, keys, offset } => format!(
            "{node} 派生子进程：在偏移量 {} 给 {} 个键拍照。",
            group(*offset),
            group(*keys as u64)
        ),
        H::SnapshotSent {
            node,
            replica,
            bytes,
        } => format!("{node} 已把快照发给 {replica}：{} 字节。", group(*bytes)),
        H::Storing { replica, bytes } => {
            format!("{replica} 把快照写入磁盘：{} 字节。", group(*bytes))
        }
        H::Loading { replica, bytes } => {
            format!("{replica} 清空旧数据，加载 {} 字节。", group(*bytes))
        }
        H::Loaded {
            replica,
            keys,
            offset,
        } => format!(
            "{replica} 加载了 {} 个键，从字节 {} 继续。",
            group(*keys as u64),
            group(offset + 1)
        ),
        H::Promoted { node, offset } => {
            format!("{node} 成为主节点，新的历史从 {} 开始。", group(offset + 1))
        }
        H::Killed { node } => format!("{node} 停止了，磁盘还在。"),
        H::Started { node, keys: 0 } => format!("{node} 又启动了，没有数据。"),
        H::Started { node, keys } => {
            format!("{node} 又启动了，从磁盘读回 {} 个键。", group(*keys as u64))
        }
        H::Added { node, of } => format!("{node} 加入，跟随 {of}。"),
        H::LoadOn { node, per_s } => {
            format!("{node} 现在每秒写入 {} 次。", group(u64::from(*per_s)))
        }
        H::LoadOff => "写负载结束了。".into(),
    }
}

/// The row under the story line, after the verdict's own word: what was asked, what is kept, what follows.
pub fn verdict(lang: Lang, v: &Verdict) -> Vec<String> {
    let id = v.replid.get(..8).unwrap_or(&v.replid);
    let (r, m) = (&v.replica, &v.master);
    let asked = u64::try_from(v.asked).ok().map(group);
    let mut out = Vec::with_capacity(4);
    match lang {
        Lang::En => {
            out.push(asked.map_or_else(
                || format!("{r} asked for everything"),
                |byte| format!("{r} asked for {byte}"),
            ));
            if v.first > 0 && v.first <= v.offset {
                out.push(format!(
                    "{m} keeps {} to {}",
                    group(v.first),
                    group(v.offset)
                ));
            }
            match &v.outcome {
                Outcome::Continue { bytes } => {
                    out.push(format!("same history {id}…"));
                    out.push(format!(
                        "{} {}, no snapshot",
                        group(*bytes),
                        plural(*bytes, "byte", "bytes")
                    ));
                }
                Outcome::Full { cause } => {
                    out.push(match cause {
                        FullCause::New => "no history to compare".into(),
                        FullCause::OtherHistory => format!("other history than {id}…"),
                        FullCause::BeyondSecond { up_to } => format!("second id ends at {up_to}"),
                        FullCause::TooOld { gone } => format!("{} bytes overwritten", group(*gone)),
                        FullCause::TooFar => "that byte was never written".into(),
                        FullCause::NoBacklog => "no backlog".into(),
                    });
                    out.push("a snapshot follows".into());
                }
            }
        }
        Lang::Zh => {
            out.push(asked.map_or_else(
                || format!("{r} 请求全部数据"),
                |byte| format!("{r} 请求 {byte}"),
            ));
            if v.first > 0 && v.first <= v.offset {
                out.push(format!(
                    "{m} 保留 {} 到 {}",
                    group(v.first),
                    group(v.offset)
                ));
            }
            match &v.outcome {
                Outcome::Continue { bytes } => {
                    out.push(format!("同一历史 {id}…"));
                    out.push(format!("{} 个字节，不需要快照", group(*bytes)));
                }
                Outcome::Full { cause } => {
                    out.push(match cause {
                        FullCause::New => "没有历史可比".into(),
                        FullCause::OtherHistory => format!("历史不同于 {id}…"),
                        FullCause::BeyondSecond { up_to } => format!("第二个 ID 只到 {up_to}"),
                        FullCause::TooOld { gone } => format!("{} 个字节已被覆盖", group(*gone)),
                        FullCause::TooFar => "这个字节从未写过".into(),
                        FullCause::NoBacklog => "没有积压缓冲区".into(),
                    });
                    out.push("接下来发送快照".into());
                }
            }
        }
    }
    out
}

/// How a node stands to its master, in words.
pub fn phase(lang: Lang, phase: &Phase, lag_s: Option<u64>) -> String {
    let percent = |done: u64, total: u64| (done * 100).checked_div(total).unwrap_or(0);
    let en = lang == Lang::En;
    match phase {
        Phase::Master => if en { "accepts writes" } else { "可以写入" }.into(),
        Phase::Dead => if en { "not running" } else { "未运行" }.into(),
        Phase::Down { cut: true, .. } => if en { "wire cut" } else { "线路断开" }.into(),
        Phase::Down { .. } => if en {
            "down, dials again"
        } else {
            "断线，将重连"
        }
        .into(),
        Phase::Handshake { step, name } => {
            if en {
                format!("handshake {step}/10 {name}")
            } else {
                format!("握手 {step}/10 {name}")
            }
        }
        Phase::WaitsForSnapshot => if en {
            "waits for the snapshot"
        } else {
            "等待快照"
        }
        .into(),
        Phase::Transfer { got, total } => {
            let p = percent(*got, *total);
            if en {
                format!("receives snapshot, {p} %")
            } else {
                format!("接收快照 {p} %")
            }
        }
        Phase::Storing { done, total } => {
            let p = percent(*done, *total);
            if en {
                format!("stores to disk, {p} %")
            } else {
                format!("写入磁盘 {p} %")
            }
        }
        Phase::Loading { done, total } => {
            let p = percent(*done, *total);
            if en {
                format!("loads, {p} %")
            } else {
                format!("加载 {p} %")
            }
        }
        Phase::Starting { done, total } => {
            let p = percent(*done, *total);
            if en {
                format!("reads its disk, {p} %")
            } else {
                format!("读取磁盘 {p} %")
            }
        }
        Phase::Online => match (lag_s, en) {
            (Some(s), true) => format!("online, lag {s} s"),
            (Some(s), false) => format!("在线，延迟 {s} s"),
            (None, true) => "online".into(),
            (None, false) => "在线".into(),
        },
    }
}

/// Bytes behind, next to a stale reply.
pub fn behind(lang: Lang, bytes: u64) -> String {
    match lang {
        Lang::En => format!("← {} B behind", group(bytes)),
        Lang::Zh => format!("← 落后 {} B", group(bytes)),
    }
}

/// How many commands one packet carries.
pub fn commands(lang: Lang, n: usize) -> String {
    match lang {
        Lang::En => format!("{n} commands"),
        Lang::Zh => format!("{n} 条命令"),
    }
}

/// The label of a folded stretch of the timeline.
pub fn skipped(lang: Lang, us: u64) -> String {
    let s = us / 1_000_000;
    match lang {
        Lang::En => format!("{s} s folded"),
        Lang::Zh => format!("略过 {s} s"),
    }
}
