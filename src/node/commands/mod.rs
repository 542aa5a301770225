//! The commands: one table (name, arity, flags, key positions) and a file a family. A data command sees a [`Call`] and
//! nothing else: the keyspace, a frozen clock, its arguments and the reply. What it changed and what must go into the
//! replication stream it says in the call; writing the stream is `propagate`'s business.

mod bits;
mod geo;
mod glob;
mod hashes;
mod hll;
mod keys;
mod lists;
mod number;
mod scan;
mod sets;
mod sort;
mod streams;
mod strings;
mod support;
mod table;
#[cfg(test)]
mod tests;
mod zsets;

use super::keyspace::Keyspace;
use crate::rng::Rng;
use crate::wire::{Bytes, resp};

pub use glob::matches;
pub(in crate::node) use sort::BAD_DATA;
pub use support::{REPEATED_MAX, TOO_MANY, wrong_arity};
pub use table::{DATA, lookup};

/// What a logically expired key is to the running command (`expireIfNeeded`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expired {
    /// On a master: deleted, and `DEL key` goes into the stream before the command.
    Delete,
    /// For a client of a replica: reported as missing, but kept until the master's DEL.
    Hide,
    /// For a command that comes from the master: alive.
    Ignore,
}

/// What goes into the replication stream for a command that changed something.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Propagate {
    /// The arguments as the client sent them.
    #[default]
    Verbatim,
    /// These commands instead, in this order; none when empty.
    Instead(Vec<Vec<Bytes>>),
}

/// Whose deletion a `DEL` in the stream is: it says `UNLINK` where the configuration makes that lazy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lazy {
    /// `lazyfree-lazy-expire`.
    Expire,
    /// `lazyfree-lazy-user-del`.
    User,
    /// `lazyfree-lazy-server-del`.
    Server,
}

/// Something that is told of a key while a command runs, and where in its reply that is.
#[derive(Clone, Debug)]
pub struct Notice {
    /// So many bytes of the reply are before it.
    pub at: usize,
    pub db: usize,
    pub key: Bytes,
    pub what: What,
}

#[derive(Clone, Copy, Debug)]
pub enum What {
    /// What somebody read of it is no more what it is (`signalModifiedKey`).
    Changed,
    /// The letter of its class, and its name (`notifyKeyspaceEvent`).
    Event(char, &'static str),
    /// It expired, which is an event as well.
    Expired,
    /// It was evicted before a command, whose client is told at once; an event as well.
    Evicted,
    /// Databases were emptied.
    Flushed,
}

/// One execution of a data command.
pub struct Call<'a> {
    pub args: &'a [Bytes],
    /// The selected database, `0..databases`.
    pub db: usize,
    /// Unix time in milliseconds, frozen when the command started.
    pub now_ms: i64,
    pub expired: Expired,
    pub keyspace: &'a mut Keyspace,
    pub rng: &'a mut Rng,
    /// The reply, in the client's protocol; see the methods below.
    pub reply: &'a mut resp::Writer,
    /// How many changes were made; 0 means that nothing is propagated. Redis's `server.dirty`.
    pub dirty: u64,
    /// Keys that were looked up for reading, and found or not.
    pub hits: u64,
    pub misses: u64,
    /// `(db, command)` that go into the stream before this one: `DEL` of keys found expired.
    pub before: Vec<(usize, Vec<Bytes>)>,
    pub propagate: Propagate,
    /// There was nothing: the client wants to wait so many milliseconds for it, 0 for ever. The reply is for one that
    /// cannot.
    pub wait: Option<(u64, super::blocked::Take)>,
    /// Whether the keys that it looks up count as used.
    pub touch: bool,
    /// Whether small integers are one object for all keys, which they cannot be where each key has its own last use.
    pub share_numbers: bool,
    /// The deletion that goes into the stream is the server's own (an expiry), or the user's by reading: `UNLINK` where
    /// that is lazy.
    pub lazy: Option<Lazy>,
    /// What there is to tell, in order, when somebody wants to hear it.
    pub notices: Option<Vec<Notice>>,
}

/// Redis's error text without the leading `-`, such as `ERR syntax error`.
pub type Failure = String;

impl Call<'_> {
    pub fn ok(&mut self) {
        resp::ok(self.reply);
    }

    pub fn integer(&mut self, n: i64) {
        resp::integer(self.reply, n);
    }

    pub fn bulk(&mut self, bytes: &[u8]) {
        resp::bulk(self.reply, bytes);
    }

    pub fn nil(&mut self) {
        self.reply.nil();
    }

    pub fn array(&mut self, len: usize) {
        resp::array_len(self.reply, len);
    }
}

/// A handler of a data command. On `Err` the dispatcher writes `-text` as the whole reply and nothing was changed.
pub type DataFn = fn(&mut Call<'_>) -> Result<(), Failure>;

/// A handler of a command that concerns the node itself (`REPLICAOF`, `INFO`, …).
pub type NodeFn = fn(&mut super::Node, &mut super::Session<'_>) -> Result<(), Failure>;

#[derive(Clone, Copy)]
pub enum Handler {
    Data(DataFn),
    Node(NodeFn),
}

/// Command flags, a bit set. Redis's names.
pub mod flag {
    pub const WRITE: u32 = 1;
    pub const READONLY: u32 = 1 << 1;
    pub const DENYOOM: u32 = 1 << 2;
    pub const ADMIN: u32 = 1 << 3;
    pub const NOSCRIPT: u32 = 1 << 4;
    pub const LOADING: u32 = 1 << 5;
    pub const STALE: u32 = 1 << 6;
    pub const FAST: u32 = 1 << 7;
    pub const NO_AUTH: u32 = 1 << 8;
    pub const NO_MULTI: u32 = 1 << 9;
    pub const PUBSUB: u32 = 1 << 10;
    pub const BLOCKING: u32 = 1 << 11;
    pub const SKIP_MONITOR: u32 = 1 << 12;
    pub const SKIP_SLOWLOG: u32 = 1 << 13;
    pub const ASKING: u32 = 1 << 14;
    pub const NO_MANDATORY_KEYS: u32 = 1 << 15;
    pub const NO_ASYNC_LOADING: u32 = 1 << 16;
    pub const MOVABLE_KEYS: u32 = 1 << 17;
    pub const ALLOW_BUSY: u32 = 1 << 18;
    /// It may put something into the stream without being a write. `COMMAND` does not tell.
    pub const MAY_REPLICATE: u32 = 1 << 19;
}

/// One row of the command table.
pub struct Spec {
    /// Lower case, as `COMMAND` lists it.
    pub name: &'static str,
    /// Number of arguments with the name; negative for "at least".
    pub arity: i32,
    pub flags: u32,
    /// First key, last key (negative from the end), step; zeros when there are no keys.
    pub keys: (i32, i32, i32),
    /// The arguments as redis-cli hints them, such as `key value [NX|XX]`.
    pub hint: &'static str,
    pub handler: Handler,
}
