//! What an onlooker wants to see and the world itself does not need: packets, verdicts, marks, the newest notable
//! thing, server logs, and which command is where in the ring. Everything is bounded: the oldest goes first. Here is
//! what is kept, and how it is added to; `note` adds what passes and what nodes tell, `look` what has changed after an
//! input, and `view` makes a [`Snapshot`] of it all.

mod keys;
mod look;
mod note;
mod view;

use super::fate::{Lineage, Write};
use super::snapshot::{
    Cell, Frame, FrameKind, Happening, LogLine, Mark, MarkKind, Packet, Phase, Story, Verdict,
    WIRE_KEPT,
};
use super::trail::Trail;
use crate::node::keyspace;
use crate::time::Instant;
use crate::wire::Bytes;
use crate::wire::tap::Twin;
pub use keys::Found;
pub(super) use look::look;
pub(super) use note::{note, packet, verdict};
use std::collections::VecDeque;
use std::rc::Rc;
pub(super) use view::snapshot;

const MARKS_KEPT: usize = 600;
const LOG_KEPT: usize = 200;
pub(super) const STORIES_KEPT: usize = 1000;
const KEYS_SHOWN: usize = 500;
const WRITES_KEPT: usize = 1000;
const PLACES: usize = 4 * KEYS_SHOWN;

/// What is kept for one node, whether its process runs or not.
#[derive(Clone, Debug, Default)]
struct Seen {
    name: Rc<str>,
    log: Rc<Vec<LogLine>>,
    cells: Trail<Cell>,
    /// The newest writes, also those that the ring has lost.
    written: Trail<Cell>,
    origin: Option<u64>,
    /// What it was doing when it was looked at last.
    phase: Phase,
    /// Told once that the ring overwrote what it needs.
    fell_off: bool,
    link_up: bool,
    /// It has loaded a snapshot, and what the master wrote meanwhile goes up to this offset.
    catching: Option<u64>,
    /// The offset that its child froze, while it has one.
    child: Option<u64>,
    /// A client waits for replicas.
    waits: bool,
    /// Of a real server: the history that it named last, and the newest byte that came of it.
    heard: Option<(String, u64)>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    /// Nobody looks.
    off: bool,
    /// By number of the machine.
    seen: Vec<Seen>,
    wire: Rc<Vec<Rc<Packet>>>,
    in_flight: VecDeque<Rc<Packet>>,
    packets: u64,
    /// What was sent to the last replica, for the next one.
    twin: Option<Twin>,
    verdict: Option<Rc<Verdict>>,
    story: Option<Rc<Story>>,
    stories: VecDeque<Rc<Story>>,
    told: u64,
    marks: Rc<Vec<Mark>>,
    /// Replication ids in the order in which something was written under them.
    histories: Vec<String>,
    writes: Rc<Vec<Write>>,
    lineage: Rc<Vec<Lineage>>,
    /// Keys in the order in which they were written or loaded first, so that tiles stay where they are.
    key_order: Rc<keyspace::Map<()>>,
}

impl Watch {
    pub fn off() -> Self {
        Self {
            off: true,
            ..Self::default()
        }
    }

    /// Somebody looks.
    pub fn looks(&self) -> bool {
        !self.off
    }

    pub fn in_flight(&self) -> &VecDeque<Rc<Packet>> {
        &self.in_flight
    }

    pub fn stories(&self) -> &VecDeque<Rc<Story>> {
        &self.stories
    }

    /// Number of the newest story.
    pub fn told(&self) -> u64 {
        self.told
    }

    pub fn ready(&mut self, now: Instant, replicas: usize) {
        self.tell(now, Happening::Ready { replicas });
    }

    fn tell(&mut self, at: Instant, what: Happening) {
        if self.off {
            return;
        }
        self.told += 1;
        let story = Rc::new(Story {
            n: self.told,
            at,
            what,
        });
        self.story = Some(story.clone());
        self.stories.push_back(story);
        if self.stories.len() > STORIES_KEPT {
            // Under load writes, and what is missed of them, come by the thousand; what else happened stays longer.
            let small = |s: &Rc<Story>| {
                matches!(s.what, Happening::Written { .. } | Happening::Behind { .. })
            };
            let oldest = self.stories.iter().position(small);
            self.stories.remove(oldest.unwrap_or(0));
        }
    }

    fn mark(&mut self, at: Instant, node: &str, kind: MarkKind) {
        self.mark_of(at, node.into(), kind);
    }

    fn mark_of(&mut self, at: Instant, node: Rc<str>, kind: MarkKind) {
        if self.off {
            return;
        }
        let marks = Rc::make_mut(&mut self.marks);
        marks.push(Mark { at, node, kind });
        if marks.len() > MARKS_KEPT {
            marks.drain(..MARKS_KEPT / 4);
        }
    }

    pub fn cut(&mut self, at: Instant, a: &str, b: &str, cut: bool) {
        let (a, b) = (a.to_string(), b.to_string());
        self.mark(
            at,
            &b,
            if cut {
                MarkKind::Cut
            } else {
                MarkKind::Restore
            },
        );
        self.tell(
            at,
            if cut {
                Happening::Cut { a, b }
            } else {
                Happening::Restored { a, b }
            },
        );
    }

    /// The name of machine `i`, shared by all that tells of it.
    fn name(&mut self, i: usize, name: &str) -> Rc<str> {
        let seen = self.seen(i);
        if &*seen.name != name {
            seen.name = name.into();
        }
        seen.name.clone()
    }

    /// What is kept for machine `i`.
    fn seen(&mut self, i: usize) -> &mut Seen {
        while self.seen.len() <= i {
            self.seen.push(Seen::default());
        }
        &mut self.seen[i]
    }

    pub fn killed(&mut self, at: Instant, i: usize, node: &str) {
        self.mark(at, node, MarkKind::Killed);
        self.tell(at, Happening::Killed { node: node.into() });
        // The ring was in memory.
        let seen = self.seen(i);
        seen.cells = Trail::default();
        seen.origin = None;
        seen.phase = Phase::Dead;
    }

    pub fn started(&mut self, at: Instant, node: &str) {
        self.mark(at, node, MarkKind::Started);
        self.tell(at, Happening::Started { node: node.into() });
    }

    pub fn added(&mut self, at: Instant, node: &str, of: &str) {
        self.mark(at, node, MarkKind::Started);
        self.tell(
            at,
            Happening::Added {
                node: node.into(),
                of: of.into(),
            },
        );
    }

    pub fn load(&mut self, at: Instant, node: &str, per_s: u32) {
        self.tell(
            at,
            if per_s > 0 {
                Happening::LoadOn {
                    node: node.into(),
                    per_s,
                }
            } else {
                Happening::LoadOff
            },
        );
    }

    pub fn log(&mut self, at: Instant, i: usize, level: char, text: String) {
        if self.off {
            return;
        }
        let log = Rc::make_mut(&mut self.seen(i).log);
        log.push(LogLine { at, level, text });
        if log.len() > LOG_KEPT {
            log.drain(..LOG_KEPT / 4);
        }
    }

    /// A packet was written; its number.
    pub fn packet(
        &mut self,
        from: Rc<str>,
        to: Rc<str>,
        sent: Instant,
        arrives: Instant,
        bytes: Rc<[u8]>,
        frames: Rc<[Frame]>,
    ) -> u64 {
        self.packets += 1;
        if let Some(head) = frames
            .iter()
            .find(|f| f.kind == FrameKind::Rdb && f.label.starts_with('$'))
        {
            let bytes = head.label[1..].parse().unwrap_or(0);
            self.tell(
                sent,
                Happening::SnapshotSent {
                    node: from.to_string(),
                    replica: to.to_string(),
                    bytes,
                },
            );
        }
        let packet = Rc::new(Packet {
            id: self.packets,
            from,
            to,
            sent,
            arrives,
            delivered: None,
            bytes,
            frames,
        });
        self.in_flight.push_back(packet.clone());
        let wire = Rc::make_mut(&mut self.wire);
        wire.push(packet);
        if wire.len() > WIRE_KEPT {
            wire.drain(..WIRE_KEPT / 8);
        }
        self.packets
    }

    pub fn fate(&mut self, id: u64, delivered: bool) {
        let Ok(i) = self.in_flight.binary_search_by_key(&id, |p| p.id) else {
            return;
        };
        self.in_flight.remove(i);
        let wire = Rc::make_mut(&mut self.wire);
        if let Ok(at) = wire.binary_search_by_key(&id, |p| p.id) {
            // A copy only where somebody else looks at it.
            Rc::make_mut(&mut wire[at]).delivered = Some(delivered);
        }
    }

    fn wrote(&mut self, write: Write) {
        let writes = Rc::make_mut(&mut self.writes);
        writes.push(write);
        if writes.len() > WRITES_KEPT {
            writes.drain(..WRITES_KEPT / 4);
        }
    }

    /// A node's second id says which history its first one continues.
    fn continues(&mut self, replid: &str, replid2: &str, second_offset: i64) {
        let Ok(upto) = u64::try_from(second_offset - 1) else {
            return;
        };
        let (child, parent) = (self.history(replid), self.history(replid2));
        if !self.lineage.iter().any(|l| l.child == child) {
            Rc::make_mut(&mut self.lineage).push(Lineage {
                child,
                parent,
                upto,
            });
        }
    }

    /// Gives a place to a key that has none, as long as there are places.
    fn place(&mut self, db: usize, key: &[u8]) {
        if self.key_order.len() < PLACES {
            let id = key_id(db, key);
            if !self.key_order.contains_key(&id) {
                Rc::make_mut(&mut self.key_order).insert(id, ());
            }
        }
    }

    fn history(&mut self, replid: &str) -> u32 {
        let at = self
            .histories
            .iter()
            .position(|h| h == replid)
            .unwrap_or_else(|| {
                self.histories.push(replid.into());
                self.histories.len() - 1
            });
        at as u32
    }
}

/// A key of a numbered database as one string.
fn key_id(db: usize, key: &[u8]) -> Bytes {
    let mut id = vec![db as u8];
    id.extend_from_slice(key);
    id.into()
}
