//! What the buffers of a client would be in Redis, whose server asks for memory in certain sizes, keeps it for the next
//! command, and gives it back when a client is quiet: `readQueryFromClient`, `clientsCronResizeQueryBuffer`,
//! `clientsCronResizeOutputBuffer`, `getClientMemoryUsage`. Ours has other ones; these are the figures of `CLIENT LIST`,
//! and what `maxmemory-clients` goes by.

use super::downstream::Replica;
use super::session::Client;
use super::{ConnId, Node};
use crate::time::{Instant, MILLISECOND_US, SECOND_US};
use crate::wire::resp::{self, Begun};

/// Read at once (`PROTO_IOBUF_LEN`), and the reply buffer of a new client (`PROTO_REPLY_CHUNK_BYTES`).
const CHUNK: u64 = 16 * 1024;
/// An argument from this size on has the query buffer for itself (`PROTO_MBULK_BIG_ARG`).
pub(super) const BIG: usize = 32 * 1024;
/// The smallest reply buffer.
const REPLY_LEAST: u64 = 1024;
/// How often Redis looks at a client, when there are few.
const TICK_US: u64 = 100 * MILLISECOND_US;
/// A client, and a reply that does not fit its buffer: a block and what it costs beside its bytes.
const CLIENT: u64 = 768;
const BLOCK: u64 = 20 * 1024 - 16;
const BLOCK_COST: u64 = 40;

/// Of one client, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Buffers {
    /// Room in the query buffer, and the most that stood in it since somebody looked.
    pub query: u64,
    query_peak: u64,
    /// The same of the buffer of short replies.
    pub reply: u64,
    pub reply_peak: u64,
    reply_reset: Instant,
    looked: Instant,
}

/// `DEBUG REPLYBUFFER`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shrinking {
    /// After how long the peak is forgotten; `None`: never.
    pub after_us: Option<u64>,
    pub on: bool,
}

impl Default for Shrinking {
    fn default() -> Self {
        Self {
            after_us: Some(5 * SECOND_US),
            on: true,
        }
    }
}

/// What the allocator gives to whoever asks for `n` bytes: four sizes between two powers of two.
fn class(n: u64) -> u64 {
    match n {
        0..=8 => 8,
        n => n.next_multiple_of((n.next_power_of_two() / 8).max(16)),
    }
}

/// What a string of that room costs beside it.
fn header(room: u64) -> u64 {
    match room {
        0..256 => 4,
        256..65536 => 6,
        _ => 10,
    }
}

impl Buffers {
    pub fn new(now: Instant) -> Self {
        Self {
            query: 0,
            query_peak: 0,
            reply: CHUNK,
            reply_peak: CHUNK,
            reply_reset: Instant(0),
            looked: now,
        }
    }

    fn is_due(&self, now: Instant) -> bool {
        now.since(self.looked) >= TICK_US
    }

    /// Whether there is room for so many bytes, which go at once.
    fn takes(&mut self, came: usize) -> bool {
        self.query_peak = self.query_peak.max((came as u64).min(CHUNK));
        self.query >= CHUNK
    }

    /// What the query buffer takes of memory.
    pub fn input(&self) -> u64 {
        class(self.query + header(self.query))
    }

    fn make_room(&mut self, bytes: u64) {
        if bytes > self.query {
            self.query = class(bytes + header(bytes)) - header(bytes);
        }
    }

    /// The client is about to be read.
    pub fn reads(&mut self) {
        self.make_room(CHUNK);
    }

    /// The client sent something, and this is what remains of it.
    pub fn read(&mut self, came: usize, largest: usize, left: &Begun) {
        for big in [largest, left.announced] {
            if big >= BIG {
                self.make_room(big as u64 + 2);
            }
        }
        let rest = left.rest as u64;
        if left.announced < BIG && rest + CHUNK > self.query {
            self.make_room(2 * (rest + CHUNK));
        }
        let most = rest.max(largest as u64).max((came as u64).min(CHUNK));
        self.query_peak = self.query_peak.max(most);
    }

    /// So many bytes stand in the reply buffer, or more than it takes.
    pub fn replied(&mut self, bytes: u64) {
        self.reply_peak = self.reply_peak.max(bytes.min(self.reply));
    }

    /// What Redis did when it looked at this client, up to now.
    pub fn look(&mut self, now: Instant, last_at: Instant, left: &Begun, reply: Shrinking) {
        let ticks = now.since(self.looked) / TICK_US;
        if ticks > 0 {
            self.looked = now;
        }
        // Nothing comes of a third time.
        for _ in 0..ticks.min(3) {
            let (rest, announced) = (left.rest as u64, left.announced as u64);
            if self.query.saturating_sub(rest) > 4096 {
                if now.since(last_at) >= 3 * SECOND_US {
                    self.query = rest;
                } else if self.query > BIG as u64 && self.query / 2 > self.query_peak {
                    self.query = rest.max(self.query_peak).max(announced);
                }
            }
            self.query_peak = rest.max(announced);
            if !reply.on {
                continue;
            }
            let (half, double) = (self.reply / 2, self.reply * 2);
            if half >= REPLY_LEAST && self.reply_peak < half {
                self.reply = class(REPLY_LEAST.max(self.reply_peak + 1));
            } else if double < 2 * CHUNK && self.reply_peak == self.reply {
                self.reply = CHUNK.min(double);
            }
            let due = |us: u64| now.since(self.reply_reset) >= us;
            if reply.after_us.is_some_and(due) {
                (self.reply_peak, self.reply_reset) = (0, now);
            }
        }
    }
}

/// The figures of a client.
pub(super) struct Figures {
    pub left: Begun,
    pub buffers: Buffers,
    /// Bytes that do not fit the reply buffer stand in so many blocks, which cost this.
    pub blocks: u64,
    pub omem: u64,
    pub total: u64,
}

impl Client {
    /// What it has sent of a command that is not complete. One that waits is not looked at.
    fn left(&self) -> Begun {
        match &self.blocked {
            None => resp::begun(&self.inbuf, u64::MAX),
            Some(_) => Begun {
                rest: self.inbuf.len(),
                ..Begun::default()
            },
        }
    }

    /// Lets time pass over its buffers.
    pub(super) fn look(&mut self, now: Instant, shrinking: Shrinking) {
        if self.buffers.is_due(now) {
            let left = self.left();
            self.buffers.look(now, self.last_at, &left, shrinking);
        }
    }

    /// It has sent so many bytes; what is complete of them has run, and had no argument of more than `largest` bytes.
    pub(super) fn has_read(&mut self, came: usize, largest: usize) {
        if self.inbuf.is_empty() && largest == 0 && self.buffers.takes(came) {
            return;
        }
        let left = self.left();
        self.buffers.read(came, largest, &left);
    }
}

impl Node {
    pub(super) fn figures(&self, conn: ConnId, client: &Client) -> Figures {
        let left = client.left();
        let mut buffers = client.buffers;
        buffers.look(self.now, client.last_at, &left, self.shrinking);
        // A replica is at a block of the backlog, even if it has all of it.
        let more = |r: &Replica| r.buffer.len() as u64 + u64::from(r.fed > 0);
        let waits = client.pending + client.replica.as_ref().map_or(0, more);
        let blocks = waits.div_ceil(BLOCK);
        let omem = blocks * (BLOCK + BLOCK_COST);
        let table = |n: usize| match n {
            0 => 0,
            n => 24 * n + 8 * n.next_power_of_two().max(4),
        };
        let [channels, patterns, shards] = client.subscriptions;
        let subscribed = table(channels) + table(shards) + 24 * patterns;
        let watched = 56 * client.watched.len();
        let queued = client.multi.as_ref().map_or(0, |multi| {
            let slots = match multi.queue.len() {
                0 => 0,
                n => n.next_power_of_two().max(2),
            };
            multi.bytes + 24 * slots as u64
        });
        let args = client.args_bytes + left.args_bytes + 8 * (client.args_count + left.args);
        let total = omem
            + buffers.input()
            + CLIENT
            + buffers.reply
            + queued
            + (args + subscribed + watched) as u64
            + self.prefix_bytes(conn);
        Figures {
            left,
            buffers,
            blocks,
            omem,
            total,
        }
    }

    /// Bytes of replies in the client's own buffer: those of the commands before in what it sent at once.
    pub(super) fn replied(&self, conn: ConnId, client: &Client) -> u64 {
        match self.tracking.current {
            Some(current) if current == conn => client.unsent.min(CHUNK),
            _ => 0,
        }
    }

    /// Bytes that a client costs.
    pub(super) fn client_memory(&self, conn: ConnId, client: &Client) -> u64 {
        self.figures(conn, client).total
    }
}
