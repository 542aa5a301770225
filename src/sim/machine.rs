//! What a node has besides its memory: a disk, a child process, a loader, and the speed of each. The speeds are those
//! of a deliberately leisurely machine, so that the phases can be seen; `slow` stretches them further.

use super::cluster::Due;
use crate::node::child::Save;
use crate::node::config::Config;
use crate::node::{ConnId, Node};
use crate::rng::Rng;
use crate::time::{Instant, MILLISECOND_US, SECOND_US};
use crate::wire::resp::{self, Reply};
use std::rc::Rc;

/// `fork` itself.
pub const FORK_US: u64 = 40 * MILLISECOND_US;
/// The least that a dump takes, in at most this many pieces.
pub const DUMP_US: u64 = 240 * MILLISECOND_US;
pub const DUMP_STEPS: usize = 12;
/// Keys that a child dumps a second.
pub const DUMP_KEYS_PER_S: u64 = 20_000;
/// The least that storing and loading take, and their speed.
pub const STORE_US: u64 = 160 * MILLISECOND_US;
pub const STORE_BYTES_PER_S: u64 = 20_000_000;
pub const LOAD_US: u64 = 240 * MILLISECOND_US;
pub const LOAD_BYTES_PER_S: u64 = 40_000_000;

/// The two files of a Redis that matter here.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    /// `dump.rdb`, and the one before it; copies of a world share them.
    pub dump: Option<Rc<Vec<u8>>>,
    pub older: Option<Rc<Vec<u8>>>,
    /// The snapshot that is being received.
    pub temp: Temp,
}

/// A file that grows at its end. Copies of a world share what is in it: a world is copied often while it grows.
#[derive(Clone, Debug, Default)]
pub struct Temp {
    parts: Vec<Rc<Vec<u8>>>,
    length: u64,
}

impl Temp {
    /// Bytes of the file.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// What a copy costs, roughly, in bytes.
    pub fn weight(&self) -> u64 {
        (self.parts.len() * size_of::<Rc<Vec<u8>>>()) as u64
    }

    fn append(&mut self, bytes: Vec<u8>) {
        self.length += bytes.len() as u64;
        self.parts.push(Rc::new(bytes));
    }

    /// The file as it is by now.
    pub fn bytes(&self) -> Vec<u8> {
        let mut file = Vec::with_capacity(self.length as usize);
        for part in &self.parts {
            file.extend_from_slice(part);
        }
        file
    }
}

impl Disk {
    /// A new `dump.rdb`.
    pub fn put(&mut self, file: Vec<u8>) {
        self.older = self
            .dump
            .replace(Rc::new(file))
            .or_else(|| self.older.take());
    }
}

/// How much longer things take than usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slow {
    pub child: u32,
    pub disk: u32,
    pub loader: u32,
}

/// A job with a beginning and an end, for the page's progress.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub from: Instant,
    pub to: Instant,
    /// Bytes in all.
    pub total: u64,
}

impl Span {
    /// Bytes done by `now`, if it goes evenly.
    pub fn done(&self, now: Instant) -> u64 {
        let all = self.to.since(self.from).max(1);
        (u128::from(self.total) * u128::from(now.since(self.from).min(all)) / u128::from(all))
            as u64
    }
}

#[derive(Clone, Debug)]
pub struct Child {
    pub save: Save,
    pub step_us: u64,
    pub keys_a_step: usize,
}

/// A client of the world itself: the console, or the load generator.
#[derive(Clone, Debug)]
pub struct Client {
    pub conn: ConnId,
    inbuf: Vec<u8>,
    pub replies: Vec<Reply>,
}

impl Client {
    pub fn new(conn: ConnId) -> Self {
        Self {
            conn,
            inbuf: Vec::new(),
            replies: Vec::new(),
        }
    }

    pub fn receive(&mut self, bytes: &[u8]) {
        let mut kept = std::mem::take(&mut self.inbuf);
        let mut rest = bytes;
        if !kept.is_empty() {
            kept.extend_from_slice(bytes);
            rest = &kept;
        }
        while let Ok(Some((reply, len))) = resp::reply(rest) {
            rest = &rest[len..];
            self.replies.push(reply);
        }
        self.inbuf = rest.to_vec();
    }
}

/// One server of the world.
#[derive(Clone)]
pub struct Machine {
    pub name: String,
    pub config: Config,
    pub rng: Rng,
    /// `None` while the process is dead.
    pub node: Option<Node>,
    /// Counts starts: what was meant for an earlier process is dropped.
    pub epoch: u32,
    pub wake_at: Option<Instant>,
    pub disk: Disk,
    pub child: Option<Child>,
    pub storing: Option<Span>,
    pub loading: Option<Span>,
    pub slow: Slow,
    /// The process stands still: until then, and what is due for it meanwhile.
    pub paused_until: Option<Instant>,
    pub postponed: Vec<Due>,
    /// Bytes that a process reads a second of what has arrived; `None`: all at once.
    pub reads: Option<u64>,
    /// When it reads again.
    pub reads_at: Instant,
    /// For which moment it was arranged that it does.
    pub release_at: Instant,
    pub fork_refused: bool,
    pub psync_gone: bool,
    /// The child is killed when it has written so much.
    pub child_dies: Option<u64>,
    /// Bytes that a file can have before the disk is full.
    pub room: Option<u64>,
    /// [`CONSOLE`] and [`LOADER`], once they have connected.
    pub clients: [Option<Client>; 2],
    pub next_conn: u64,
    pub started: Option<Instant>,
}

pub const CONSOLE: usize = 0;
pub const LOADER: usize = 1;

impl Machine {
    pub fn new(name: String, config: Config, rng: Rng) -> Self {
        Self {
            name,
            config,
            rng,
            node: None,
            epoch: 0,
            wake_at: None,
            disk: Disk::default(),
            child: None,
            storing: None,
            loading: None,
            slow: Slow {
                child: 1,
                disk: 1,
                loader: 1,
            },
            paused_until: None,
            postponed: Vec::new(),
            reads: None,
            reads_at: Instant(0),
            release_at: Instant(0),
            fork_refused: false,
            psync_gone: false,
            child_dies: None,
            room: None,
            clients: [None, None],
            next_conn: 1,
            started: None,
        }
    }

    /// A name for an accepted connection: odd numbers.
    pub fn accept_id(&mut self) -> ConnId {
        self.next_conn += 2;
        ConnId(self.next_conn)
    }

    pub fn begin_dump(&mut self, save: Save) -> u64 {
        let us = DUMP_US + save.keys_total() as u64 * SECOND_US / DUMP_KEYS_PER_S;
        let keys_a_step = save.keys_total().div_ceil(DUMP_STEPS).max(1);
        let steps = save.keys_total().div_ceil(keys_a_step).max(1) as u64;
        let slow = u64::from(self.slow.child);
        let delay_us = keys_a_step as u64 * save.key_delay_us();
        self.child = Some(Child {
            save,
            step_us: us / steps * slow + delay_us,
            keys_a_step,
        });
        FORK_US * slow
    }

    /// Why the child ends before it is done.
    pub fn child_failure(&self) -> Option<String> {
        let child = self.child.as_ref()?;
        let (bytes, to_disk) = (child.save.bytes(), child.save.to_disk());
        self.too_long(bytes, to_disk)
    }

    /// Why a child cannot have written so many bytes.
    pub fn too_long(&self, bytes: u64, to_disk: bool) -> Option<String> {
        if self.child_dies.is_some_and(|most| bytes >= most) {
            return Some("terminated by signal 9".into());
        }
        let full = to_disk && self.room.is_some_and(|room| bytes > room);
        full.then(|| "No space left on device".into())
    }

    /// Appends to the temporary file; when the disk has taken all of it, and whether it has.
    pub fn store(&mut self, bytes: Vec<u8>, fresh: bool, now: Instant) -> (Instant, bool) {
        if fresh {
            self.disk.temp = Temp::default();
            self.storing = None;
        }
        let slow = u64::from(self.slow.disk);
        let more = bytes.len() as u64;
        self.disk.temp.append(bytes);
        let total = self.disk.temp.len();
        if self.room.is_some_and(|room| total > room) {
            self.disk.temp = Temp::default();
            self.storing = None;
            return (now.after(STORE_US * slow), false);
        }
        let (from, base) = match self.storing {
            Some(span) => (span.from, span.to.max(now)),
            None => (now, now.after(STORE_US * slow)),
        };
        let to = base.after(more * SECOND_US / STORE_BYTES_PER_S * slow);
        self.storing = Some(Span { from, to, total });
        (to, true)
    }

    /// Starts to read `dump.rdb`; when that is done. A missing file takes no time.
    pub fn load(&mut self, install: bool, now: Instant) -> Instant {
        if install {
            let file = std::mem::take(&mut self.disk.temp);
            self.disk.put(file.bytes());
            self.storing = None;
        }
        let Some(dump) = &self.disk.dump else {
            return now;
        };
        let total = dump.len() as u64;
        let us = LOAD_US + total * SECOND_US / LOAD_BYTES_PER_S;
        let to = now.after(us * u64::from(self.slow.loader));
        self.loading = Some(Span {
            from: now,
            to,
            total,
        });
        to
    }
}
