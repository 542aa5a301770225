//! What a node has besides its memory: a disk, a child process, a loader, and the speed of each. The speeds are those
//! of a deliberately leisurely machine, so that the phases can be seen; `slow` stretches them further.

use crate::node::child::Save;
use crate::node::config::Config;
use crate::node::{ConnId, Node};
use crate::rng::Rng;
use crate::time::{Instant, MILLISECOND_US, SECOND_US};
use crate::wire::resp::{self, Reply};

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
    /// `dump.rdb`.
    pub dump: Option<Vec<u8>>,
    /// The snapshot that is being received.
    pub temp: Vec<u8>,
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
        self.inbuf.extend_from_slice(bytes);
        while let Ok(Some((reply, len))) = resp::reply(&self.inbuf) {
            self.inbuf.drain(..len);
            self.replies.push(reply);
        }
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
    pub slow: u32,
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
            slow: 1,
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

    fn scaled(&self, us: u64) -> u64 {
        us * u64::from(self.slow)
    }

    pub fn begin_dump(&mut self, save: Save) -> u64 {
        let us = DUMP_US + save.keys_total() as u64 * SECOND_US / DUMP_KEYS_PER_S;
        let keys_a_step = save.keys_total().div_ceil(DUMP_STEPS).max(1);
        let steps = save.keys_total().div_ceil(keys_a_step).max(1) as u64;
        let step_us = self.scaled(us / steps);
        self.child = Some(Child {
            save,
            step_us,
            keys_a_step,
        });
        self.scaled(FORK_US)
    }

    /// Appends to the temporary file; when the disk has all of it.
    pub fn store(&mut self, bytes: &[u8], fresh: bool, now: Instant) -> Instant {
        if fresh {
            self.disk.temp.clear();
            self.storing = None;
        }
        self.disk.temp.extend_from_slice(bytes);
        let (from, base) = match self.storing {
            Some(span) => (span.from, span.to.max(now)),
            None => (now, now.after(self.scaled(STORE_US))),
        };
        let to = base.after(self.scaled(bytes.len() as u64 * SECOND_US / STORE_BYTES_PER_S));
        self.storing = Some(Span {
            from,
            to,
            total: self.disk.temp.len() as u64,
        });
        to
    }

    /// Starts to read `dump.rdb`; when that is done. A missing file takes no time.
    pub fn load(&mut self, install: bool, now: Instant) -> Instant {
        if install {
            self.disk.dump = Some(std::mem::take(&mut self.disk.temp));
            self.storing = None;
        }
        let Some(dump) = &self.disk.dump else {
            return now;
        };
        let total = dump.len() as u64;
        let to = now.after(self.scaled(LOAD_US + total * SECOND_US / LOAD_BYTES_PER_S));
        self.loading = Some(Span {
            from: now,
            to,
            total,
        });
        to
    }
}
