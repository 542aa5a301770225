//! What a screen shows: plain data, made on request, with no way back into the world. Big parts are shared (`Rc`), so
//! that a view can tell by pointer that nothing changed. Offsets count bytes of the replication stream from 1; times
//! are virtual.

#[cfg(test)]
use super::fate::WriteTold;
use super::fate::{Lineage, Write};
use super::trail::Trail;
pub use crate::node::{FullCause, Outcome};
use crate::time::Instant;
pub use crate::wire::tap::{Frame, FrameKind};
use crate::wire::{Bytes, tap};
use serde::{Serialize, Serializer};
use std::rc::Rc;

/// The whole world at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Snapshot {
    pub now: Instant,
    /// Microseconds since the world began.
    pub elapsed_us: u64,
    /// How many events happened so far.
    pub event: u64,
    /// In the order in which they were created; the index is the node's colour and key.
    pub nodes: Vec<Rc<NodeView>>,
    /// One for each node that has, or is told to have, a master.
    pub links: Vec<LinkView>,
    /// Packets on their way, oldest first.
    pub in_flight: Vec<Rc<Packet>>,
    /// The newest packets of all fates, oldest first; at most 400 ([`WIRE_KEPT`]).
    pub wire: Rc<Vec<Rc<Packet>>>,
    /// The newest PSYNC verdict of any node.
    pub verdict: Option<Rc<Verdict>>,
    /// The newest notable thing.
    pub story: Option<Rc<Story>>,
    /// Notable moments for the timeline, oldest first.
    pub marks: Rc<Vec<Mark>>,
    /// The newest writes, oldest first, and which history continues which.
    #[cfg_attr(test, ts(as = "Vec<WriteTold>"))]
    pub writes: Rc<Vec<Write>>,
    pub lineage: Rc<Vec<Lineage>>,
    /// The load generator, when one runs.
    pub load: Option<LoadView>,
    /// Nothing but heartbeats (PING, ACK, reconnection attempts) is going on.
    pub idle: bool,
}

/// How many packets [`Snapshot::wire`] keeps.
pub const WIRE_KEPT: usize = 400;

/// A server, alive or dead.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct NodeView {
    pub name: String,
    pub port: u16,
    pub alive: bool,
    /// Has a master configured (`role:slave`).
    pub replica: bool,
    /// Name of the node that it follows.
    pub master: Option<String>,
    /// 0 for a master, 1 for its replicas, 2 for theirs.
    pub depth: usize,
    pub replid: String,
    /// Counts histories: that of `replid`, once something was written under it.
    pub history: Option<u32>,
    /// Forty zeros when there is none.
    pub replid2: String,
    /// -1 when there is none.
    pub second_offset: i64,
    /// `master_repl_offset`.
    pub offset: u64,
    pub phase: Phase,
    /// Bytes behind the master of its chain; nothing when it is not on the same history.
    pub behind: Option<u64>,
    /// Seconds since its master heard an acknowledgement, the `lag` of the master's `INFO replication`; nothing when it is
    /// not online there, or the master is not one of ours.
    pub lag_s: Option<u64>,
    /// Keys of all databases, in a fixed order; of a large database the first 500 only.
    pub keys: Rc<Vec<KeyView>>,
    /// How many keys there are, in all databases.
    pub key_count: u64,
    pub backlog: BacklogView,
    /// Replicas attached to this node.
    pub replicas: Vec<ReplicaView>,
    /// Where so many bytes wait for one of them it is disconnected; 0 is never.
    pub replica_limit: u64,
    pub child: Option<ChildView>,
    /// Newest server log lines, oldest first, as Redis prints them (without pid and time).
    pub log: Rc<Vec<LogLine>>,
    pub sync_full: u64,
    pub sync_partial_ok: u64,
    pub sync_partial_err: u64,
}

impl NodeView {
    /// A real server: only what it has told is known of it.
    pub fn outside(&self) -> bool {
        self.phase == Phase::Outside
    }

    /// Whether `keys` are all that there are.
    pub fn lists_all_keys(&self) -> bool {
        self.keys.len() as u64 >= self.key_count
    }
}

/// How a node stands to its master: the word on its plate.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Phase {
    /// Has no master: takes writes.
    #[default]
    Master,
    /// The process is not running.
    Dead,
    /// No connection; tries again at the next cron tick.
    Down {
        since: Instant,
        cut: bool,
    },
    /// Connecting, or in the handshake.
    Handshake {
        /// 1 to 10.
        step: u8,
        /// Such as `PSYNC`.
        name: &'static str,
    },
    /// `+FULLRESYNC` was answered; the child still dumps.
    WaitsForSnapshot,
    /// The snapshot is on its way.
    Transfer {
        /// Bytes received, of all.
        got: u64,
        total: u64,
    },
    /// Received; being written to disk.
    Storing {
        /// Bytes stored, of all.
        done: u64,
        total: u64,
    },
    /// Old data flushed, the file is being loaded.
    Loading {
        /// Bytes loaded, of all.
        done: u64,
        total: u64,
    },
    /// Reading its own snapshot after a start.
    Starting {
        done: u64,
        total: u64,
    },
    Online,
    /// A real server: of it is known what it has told.
    Outside,
}

impl Phase {
    /// Its name in one word, the same that a snapshot has under `is`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::Dead => "dead",
            Self::Down { .. } => "down",
            Self::Handshake { .. } => "handshake",
            Self::WaitsForSnapshot => "waits-for-snapshot",
            Self::Transfer { .. } => "transfer",
            Self::Storing { .. } => "storing",
            Self::Loading { .. } => "loading",
            Self::Starting { .. } => "starting",
            Self::Online => "online",
            Self::Outside => "outside",
        }
    }
}

/// A key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct KeyView {
    pub db: usize,
    pub name: String,
    #[cfg_attr(
        test,
        ts(type = r#""string" | "list" | "hash" | "set" | "zset" | "stream""#)
    )]
    pub kind: &'static str,
    /// The value in a few words, such as `"Oslo"` or `3 members`.
    pub value: String,
    /// Equal digests mean equal values and expiry; outside of Rust 16 hexadecimal digits.
    #[serde(serialize_with = "hex")]
    #[cfg_attr(test, ts(as = "String"))]
    pub digest: u64,
    /// Has a TTL: unix time in ms when it ends.
    #[cfg_attr(test, ts(type = "Wide | null"))]
    pub expire_at_ms: Option<i64>,
    /// The stream bytes of the command that set it last, where it is one of the newest thousand: first, last.
    pub set_by: Option<(u64, u64)>,
}

fn hex<S: Serializer>(n: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format!("{n:016x}"))
}

fn bytes<S: Serializer>(bytes: &Rc<[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

/// The replication backlog of a node: a ring of the newest bytes of its stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct BacklogView {
    /// `repl_backlog_active`.
    pub active: bool,
    /// `repl-backlog-size`.
    pub size: u64,
    pub histlen: u64,
    /// `repl_backlog_first_byte_offset`.
    pub first: u64,
    /// Offset of the first byte ever written into this ring: slot 0 of the drawing.
    pub origin: u64,
    /// Commands in the ring, oldest first; the first may have lost its head.
    #[cfg_attr(test, ts(as = "Vec<CellTold>"))]
    pub cells: Trail<Cell>,
}

/// A command in the ring of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// When the node had it.
    pub at: Instant,
    /// Shared by all nodes that have it.
    pub command: Rc<Command>,
}

/// One command of the stream. Its words are made when somebody reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// First and last byte, inclusive. For a half-overwritten command still its full range.
    pub from: u64,
    pub to: u64,
    pub kind: FrameKind,
    pub args: Vec<Bytes>,
    pub db: usize,
    /// Counts replication ids: 0 for the first history of the world, +1 for each promotion.
    pub history: u32,
}

impl Command {
    /// What stands on the bead: the key, or the command where there is none.
    pub fn label(&self) -> String {
        tap::label_of(&self.args)
    }

    /// The command as one would type it.
    pub fn text(&self) -> String {
        tap::text_of(&self.args)
    }

    /// The key that it writes, the first one of several.
    pub fn key(&self) -> Option<&Bytes> {
        self.args.get(1).filter(|_| self.kind == FrameKind::Write)
    }
}

impl std::ops::Deref for Cell {
    type Target = Command;

    fn deref(&self) -> &Command {
        &self.command
    }
}

/// One command of the stream.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "Cell"))]
struct CellTold {
    /// First and last byte, inclusive. For a half-overwritten command still its full range.
    from: u64,
    to: u64,
    kind: FrameKind,
    /// What stands on the bead: the key, or the command where there is none.
    label: String,
    /// The command as one would type it.
    text: String,
    db: usize,
    at: Instant,
    /// Counts replication ids: 0 for the first history of the world, +1 for each promotion.
    history: u32,
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let told = CellTold {
            from: self.from,
            to: self.to,
            kind: self.kind,
            label: self.label(),
            text: self.text(),
            db: self.db,
            at: self.at,
            history: self.history,
        };
        told.serialize(to)
    }
}

fn label<S: Serializer>(command: &Command, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&command.label())
}

/// A replica as its master sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ReplicaView {
    /// Name of the node, or its address when it is not one of ours.
    pub name: String,
    /// As in `INFO replication`, or `offline` for one that is known but not attached now.
    #[cfg_attr(
        test,
        ts(type = r#""wait_bgsave" | "send_bulk" | "online" | "offline""#)
    )]
    pub state: &'static str,
    /// Last byte that it is known to have: acknowledged, or, before its first acknowledgement, where its stream began.
    #[cfg_attr(test, ts(type = "Wide"))]
    pub ack: u64,
    /// Last offset that has been sent into its connection.
    #[cfg_attr(test, ts(type = "Wide"))]
    pub sent: u64,
    /// Bytes waiting in its output buffer for the snapshot to end.
    pub buffered: u64,
    /// Bytes of the stream that wait for it, with those that its connection has not taken yet.
    pub output: u64,
}

/// The forked child that writes the RDB.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ChildView {
    /// `master_repl_offset` when it forked: the snapshot holds exactly the bytes up to here.
    pub frozen_at: u64,
    pub keys_done: usize,
    pub keys_total: usize,
    pub bytes: u64,
    /// Names of the replicas that wait for it.
    pub waiting: Vec<String>,
    /// Shards of the keyspace that writes have copied since the fork, of all.
    pub copied: usize,
    pub shards: usize,
}

/// The way from a node to its master.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LinkView {
    pub replica: String,
    pub master: String,
    /// A TCP connection stands.
    pub up: bool,
    pub cut: bool,
    /// One-way delay.
    pub latency_us: u64,
    /// 0 is unlimited.
    pub bytes_per_s: u64,
    /// The snapshot is on its way.
    pub transfer: bool,
}

/// Bytes that travel together.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Packet {
    /// Counts all packets from 1.
    pub id: u64,
    pub from: Rc<str>,
    pub to: Rc<str>,
    pub sent: Instant,
    pub arrives: Instant,
    /// Nothing while in flight; true: arrived; false: lost with its connection.
    pub delivered: Option<bool>,
    #[serde(serialize_with = "bytes")]
    #[cfg_attr(test, ts(type = "Uint8Array"))]
    pub bytes: Rc<[u8]>,
    /// Shared by the packets to all replicas that are in step.
    pub frames: Rc<[Frame]>,
}

/// How a master answered PSYNC or SYNC.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Verdict {
    pub at: Instant,
    pub master: String,
    pub replica: String,
    /// `?` or 40 hex digits; empty for SYNC.
    pub asked_id: String,
    /// First byte wanted; -1 for none.
    #[cfg_attr(test, ts(type = "Wide"))]
    pub asked: i64,
    pub outcome: Outcome,
    /// The master's own id, newest byte and oldest byte in the ring when it answered (`first` 0: no backlog).
    pub replid: String,
    pub first: u64,
    pub offset: u64,
    /// Its second id, and the first byte that it does not vouch for under that one; -1 for none.
    pub replid2: String,
    pub second_offset: i64,
    /// The size of its ring; 0 for none.
    pub size: u64,
    /// The line in the master's log.
    pub log: String,
}

/// A notable thing, for the story line. The words are the page's.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Story {
    /// Counts all of them from 1.
    pub n: u64,
    pub at: Instant,
    pub what: Happening,
}

/// What a notable thing is; nodes go by their names. Bytes are those of the replication stream, or of the file.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Happening {
    /// The world begins: all replicas in step.
    Ready {
        replicas: usize,
    },
    /// A client's write entered the stream of `node`.
    Written {
        node: Rc<str>,
        /// In all, of them `select` for a SELECT.
        bytes: u64,
        select: u64,
        #[serde(rename = "key", serialize_with = "label")]
        #[cfg_attr(test, ts(rename = "key", as = "String"))]
        command: Rc<Command>,
    },
    Cut {
        a: String,
        b: String,
    },
    Restored {
        a: String,
        b: String,
    },
    /// While the path is cut, a write came.
    Behind {
        replica: String,
        /// So far behind.
        bytes: u64,
        /// The ring covers it for so many more.
        left: u64,
    },
    /// The ring overwrote bytes that `replica` still needs.
    FellOff {
        replica: String,
        /// Bytes that it needs and that are overwritten.
        gone: u64,
    },
    Partial {
        replica: String,
        master: String,
        bytes: u64,
    },
    FullNeeded {
        replica: String,
        master: String,
        cause: FullCause,
    },
    Forked {
        node: String,
        keys: usize,
        offset: u64,
    },
    SnapshotSent {
        node: String,
        replica: String,
        bytes: u64,
    },
    Storing {
        replica: String,
        bytes: u64,
    },
    Loading {
        replica: String,
        bytes: u64,
    },
    Loaded {
        replica: String,
        keys: usize,
        offset: u64,
    },
    Promoted {
        node: String,
        offset: u64,
    },
    Killed {
        node: String,
    },
    Started {
        node: String,
    },
    /// It has read the snapshot of its disk, and serves.
    Served {
        node: String,
        keys: usize,
    },
    Added {
        node: String,
        of: String,
    },
    LoadOn {
        node: String,
        per_s: u32,
    },
    LoadOff,
    Answered {
        node: String,
        replica: String,
        /// With which a real server answered PSYNC or SYNC; why, only its own log tells.
        line: String,
    },
}

/// One mark on a timeline lane.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Mark {
    pub at: Instant,
    pub node: Rc<str>,
    pub kind: MarkKind,
}

/// What a mark on a timeline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum MarkKind {
    Write,
    Ping,
    FullSync,
    Partial,
    /// The node's link to its master went down, or came up.
    LinkDown,
    LinkUp,
    Cut,
    Restore,
    Promotion,
    Killed,
    Started,
    /// The parts of a full sync: a child was forked on the master and is gone; on the replica the snapshot began to come,
    /// to be stored, to be loaded; then what was written meanwhile began to be applied, and was.
    Fork,
    Dumped,
    Transfer,
    Store,
    Load,
    CatchUp,
    CaughtUp,
    /// A client began to wait for replicas (`WAIT`), and nobody does any more.
    Wait,
    Waited,
}

/// The load generator (`load m 50/s reads r1`), and what it did so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LoadView {
    pub node: String,
    pub per_s: u32,
    pub writes: u64,
    /// Node, reads answered by it.
    pub reads: Vec<(String, u64)>,
}

/// A line of a server's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LogLine {
    pub at: Instant,
    /// Redis's level mark: `.` debug, `-` verbose, `*` notice, `#` warning.
    #[cfg_attr(test, ts(type = r##""." | "-" | "*" | "#""##))]
    pub level: char,
    pub text: String,
}

/// One line for a transcript, in English; the page has sentences of its own.
impl std::fmt::Display for Happening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ready { replicas } => write!(f, "{replicas} replicas in step"),
            Self::Written {
                node,
                bytes,
                select,
                command,
            } => {
                write!(f, "{node} writes {bytes} bytes for {}", command.label())?;
                match select {
                    0 => Ok(()),
                    select => write!(f, ", {select} of them SELECT"),
                }
            }
            Self::Cut { a, b } => write!(f, "{a} and {b} are cut off"),
            Self::Restored { a, b } => write!(f, "{a} and {b} can talk again"),
            Self::Behind {
                replica,
                bytes,
                left,
            } => write!(
                f,
                "{replica} is {bytes} bytes behind, covered for {left} more"
            ),
            Self::FellOff { replica, gone } => {
                write!(f, "{replica} fell off the ring, {gone} bytes are gone")
            }
            Self::Partial {
                replica,
                master,
                bytes,
            } => write!(f, "{master} continues {replica} with {bytes} bytes"),
            Self::FullNeeded {
                replica,
                master,
                cause,
            } => {
                write!(f, "{master} has to copy everything to {replica}: ")?;
                match cause {
                    FullCause::New => f.write_str("it is new"),
                    FullCause::OtherHistory => f.write_str("it is on another history"),
                    FullCause::BeyondSecond { up_to } => {
                        write!(f, "it is past byte {up_to}, where the histories parted")
                    }
                    FullCause::TooOld { gone } => {
                        write!(f, "{gone} bytes that it needs are overwritten")
                    }
                    FullCause::TooFar => f.write_str("it asks for bytes that were never written"),
                    FullCause::NoBacklog => f.write_str("there is no backlog"),
                }
            }
            Self::Forked { node, keys, offset } => {
                write!(f, "{node} forks a child, {keys} keys as of byte {offset}")
            }
            Self::SnapshotSent {
                node,
                replica,
                bytes: 0,
            } => write!(f, "{node} streams a snapshot to {replica}"),
            Self::SnapshotSent {
                node,
                replica,
                bytes,
            } => write!(f, "{node} sends {replica} a snapshot of {bytes} bytes"),
            Self::Storing { replica, bytes } => write!(f, "{replica} stores {bytes} bytes on disk"),
            Self::Loading { replica, bytes: 0 } => {
                write!(f, "{replica} loads what the stream brings")
            }
            Self::Loading { replica, bytes } => {
                write!(f, "{replica} flushes its data and loads {bytes} bytes")
            }
            Self::Loaded {
                replica,
                keys,
                offset,
            } => write!(
                f,
                "{replica} has {keys} keys and goes on from byte {offset}"
            ),
            Self::Promoted { node, offset } => write!(f, "{node} is a master, at byte {offset}"),
            Self::Killed { node } => write!(f, "{node} is dead"),
            Self::Started { node } => write!(f, "{node} starts"),
            Self::Served { node, keys } => {
                write!(f, "{node} serves, with {keys} keys from its disk")
            }
            Self::Added { node, of } => write!(f, "{node} joins as a replica of {of}"),
            Self::LoadOn { node, per_s } => write!(f, "{per_s} writes a second on {node}"),
            Self::LoadOff => f.write_str("the load ends"),
            Self::Answered {
                node,
                replica,
                line,
            } => write!(f, "{node} answers {replica}: {line}"),
        }
    }
}
