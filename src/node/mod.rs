//! One Redis server, without IO: bytes, timers and finished jobs go in ([`Input`]), bytes and wishes come out
//! ([`Output`]). It knows no clock, no socket and no luck of its own, and cannot tell a simulated world from a real
//! one; the same value stands in the page and behind `ringside server`.
//!
//! **Replication in one breath.** A master numbers every byte of its stream of write commands. A replica asks for the
//! stream from a byte on (`PSYNC id offset`). When the master is on the history with that id and its ring (`backlog`)
//! still holds the byte, it answers `+CONTINUE` and sends what is missing (`downstream`). Otherwise it answers
//! `+FULLRESYNC`, forks a child that dumps the dataset as of now, sends the file, and then the stream that passed in
//! the meantime. The replica stores the file, loads it, applies the stream and reports how far it is (`upstream`), and
//! keeps the very same bytes in a ring of its own, because it may be promoted (`failover`): then it takes a new id and
//! vouches for the old one up to where it is (`history`).
//!
//! A node is two halves, not a role: `upstream` when it has a master, `downstream` for whom it feeds. A replica of a
//! replica has both. Followed here is Redis 7.0.15; what is left out stands in the README.

pub mod backlog;
mod blocked;
mod blocks;
mod buffers;
mod chatter;
pub mod child;
pub mod commands;
pub mod config;
mod downstream;
pub mod essence;
mod evict;
mod failover;
pub mod history;
pub mod host;
mod info;
pub mod keyspace;
mod load;
mod measure;
mod memory;
mod monitor;
pub mod mutant;
mod notify;
mod pause;
mod propagate;
mod protocol;
mod pubsub;
mod registry;
mod server;
mod session;
pub mod told;
mod tracking;
mod upstream;
mod watch;

use crate::rng::Rng;
use crate::time::{Instant, MILLISECOND_US, SECOND_US};
use crate::wire::Bytes;
use backlog::Backlog;
pub use blocks::Blocks;
use child::Save;
use config::Config;
pub use downstream::{Attached, FullCause, Outcome, ReplicaState};
use history::History;
use keyspace::{Clock, Keyspace};
pub use server::{Way, hints};
use session::Client;
pub use session::Session;
use std::collections::BTreeMap;
use upstream::Cached;
pub use upstream::{Stage, Transfer, Upstream};

/// Whether these arguments are a command that only reads keys (`readonly`).
pub fn is_read(args: &[Bytes]) -> bool {
    registry::find(args).is_some_and(|c| c.flags & commands::flag::READONLY != 0)
}

/// A connection, as one node names it: numbers that the world gives to accepted ones are odd, those that the node gives
/// to the ones it dials are even.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// Where a server listens, or a client comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Addr {
    pub host: String,
    pub port: u16,
}

impl Addr {
    /// On this machine.
    pub fn is_local(&self) -> bool {
        let loopback = |ip: std::net::IpAddr| ip.is_loopback();
        self.is_path() || self.host.parse().is_ok_and(loopback)
    }

    /// A socket of this machine has a path and no port.
    pub fn is_path(&self) -> bool {
        self.port == 0
    }
}

impl std::fmt::Display for Addr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// What happens to a node.
#[derive(Debug)]
pub enum Input<'a> {
    /// Somebody connected: from where, and to which address of this server.
    Accepted(ConnId, Addr, Addr),
    /// The connection that the node dialled stands.
    Dialed(ConnId),
    /// It does not; why.
    DialFailed(ConnId, &'static str),
    Bytes(ConnId, &'a [u8]),
    Closed(ConnId),
    /// So many bytes that were sent to a connection have not left yet: the other end is slow.
    Pending(ConnId, u64),
    /// More of a snapshot that goes to replicas while the child writes it.
    Dumped(Vec<u8>),
    /// The child wrote the snapshot that [`Output::Fork`] asked for; the file, or the last of it that was not
    /// [`Input::Dumped`].
    Saved(Vec<u8>),
    /// The child could not write it; why.
    SaveFailed(String),
    /// The snapshot that [`Output::Save`] asked for is written, or why it is not.
    SavedNow(Result<(), String>),
    /// This many bytes of [`Output::Store`] are on disk now, in all.
    Stored(u64),
    /// They are not; why.
    StoreFailed(String),
    /// The file that [`Output::Load`] asked for; `None` when there is none.
    Loaded(Option<Vec<u8>>),
    /// A timer of [`Node::next_wake`] is due.
    Wake,
}

/// What a node wants.
#[derive(Clone, Debug)]
pub enum Output {
    Dial(ConnId, Addr),
    Send(ConnId, Vec<u8>),
    Close(ConnId),
    /// A child that writes the snapshot, answered by [`Input::Saved`]. One that is not [`Save::to_disk`] is answered by
    /// [`Input::Dumped`] as it goes, no faster than [`Node::snapshot_readers`] take it.
    Fork(Box<Save>),
    KillChild,
    /// More of a received snapshot, for the temporary file; answered by [`Input::Stored`]. `true`: begin a new file.
    Store(Vec<u8>, bool),
    /// Read the snapshot from disk; `true`: first put the temporary file in its place. Answered by [`Input::Loaded`].
    Load(bool),
    /// Write the snapshot now, in the foreground; answered by [`Input::SavedNow`].
    Save(Box<Save>),
    /// Remove the snapshot from disk, if there is one.
    Remove,
    Log(Level, String),
    /// For whoever takes care that the process runs.
    Reached(Milestone),
    Note(Note),
    /// The process ends, with this exit status.
    Exit(i32),
}

/// How far a process has come, where Redis tells its service manager (`redisCommunicateSystemd`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Milestone {
    /// It has its data and serves; a replica waits for its master.
    Ready,
    /// A full synchronization is done.
    Synced,
    /// A partial one was granted.
    Resumed,
    /// It was asked to end.
    Stopping,
    SavesLast,
    /// It could not save, and goes on.
    CannotStop,
    /// The file on its disk is damaged, and it ends.
    Unreadable,
}

/// Redis's log levels and their marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Debug,
    Verbose,
    Notice,
    Warning,
}

impl Level {
    /// Whether a log of this `loglevel` has lines of this level.
    pub fn is_in(self, loglevel: &str) -> bool {
        let least = match loglevel {
            "debug" => Self::Debug,
            "verbose" => Self::Verbose,
            "warning" => Self::Warning,
            "nothing" => return false,
            _ => Self::Notice,
        };
        self >= least
    }

    pub fn mark(self) -> char {
        match self {
            Self::Debug => '.',
            Self::Verbose => '-',
            Self::Notice => '*',
            Self::Warning => '#',
        }
    }
}

/// What an onlooker may want to know and cannot see from the bytes alone. Costs nothing unless [`Node::watched`].
#[derive(Clone, Debug)]
pub enum Note {
    /// A command entered this node's stream, as bytes `from..=to`.
    Fed {
        from: u64,
        to: u64,
        db: usize,
        args: Vec<Bytes>,
    },
    /// Bytes entered this node's history with that id: its own as a master, or applied as a replica. Only where the node
    /// is [`Node::judged`].
    Stream {
        replid: String,
        from: u64,
        bytes: Vec<u8>,
        own: bool,
    },
    /// A PSYNC or SYNC was answered.
    Answered {
        conn: ConnId,
        asked_id: String,
        asked: i64,
        outcome: Outcome,
        log: String,
    },
}

/// The outputs of one input, in order. Bytes for one connection are joined, as one `write` would.
#[derive(Debug, Default)]
pub struct Outbox {
    pub outputs: Vec<Output>,
    /// Bytes of all [`Output::Send`]s, since somebody counted them, and how many those were.
    sent: u64,
    writes: u64,
    /// Of these bytes the stream and the snapshots for replicas.
    fed: u64,
    /// Where bytes for a connection may be, by the end of its name.
    near: [usize; 4],
}

impl Outbox {
    pub fn send(&mut self, conn: ConnId, bytes: &[u8]) {
        self.sent += bytes.len() as u64;
        let near = &mut self.near[(conn.0 / 2) as usize % 4];
        if let Some(Output::Send(c, buffer)) = self.outputs.get_mut(*near)
            && *c == conn
        {
            return buffer.extend_from_slice(bytes);
        }
        for (i, output) in self.outputs.iter_mut().enumerate().rev() {
            match output {
                Output::Send(c, buffer) if *c == conn => {
                    *near = i;
                    return buffer.extend_from_slice(bytes);
                }
                Output::Close(c) if *c == conn => return,
                _ => {}
            }
        }
        *near = self.outputs.len();
        self.writes += 1;
        self.outputs.push(Output::Send(conn, bytes.to_vec()));
    }

    /// Sends a replica something of the stream, or of a snapshot.
    pub(crate) fn feed(&mut self, conn: ConnId, bytes: &[u8]) {
        self.fed += bytes.len() as u64;
        self.send(conn, bytes);
    }

    /// What was to be sent to a connection, in this outbox, is not.
    fn drop_unsent(&mut self, conn: ConnId) {
        self.outputs
            .retain(|output| !matches!(output, Output::Send(c, _) if *c == conn));
    }

    fn push(&mut self, output: Output) {
        if matches!(output, Output::Close(_)) {
            self.near = [usize::MAX; 4]; // nothing is sent to it any more
        }
        self.outputs.push(output);
    }

    fn log(&mut self, level: Level, text: impl Into<String>) {
        self.push(Output::Log(level, text.into()));
    }

    fn reached(&mut self, milestone: Milestone) {
        self.push(Output::Reached(milestone));
    }
}

/// Counters of `INFO stats`.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    pub connections: u64,
    pub rejected_connections: u64,
    pub commands: u64,
    /// Bytes that came and went, in all and of them on replication links.
    pub net_input: u64,
    pub net_output: u64,
    pub net_repl_input: u64,
    pub net_repl_output: u64,
    pub reads: u64,
    pub writes: u64,
    pub sync_full: u64,
    pub sync_partial_ok: u64,
    pub sync_partial_err: u64,
    pub expired_keys: u64,
    pub evicted_keys: u64,
    pub evicted_clients: u64,
    /// Errors where nobody reads them: for a master, or for a replica.
    pub unexpected_errors: u64,
    pub keyspace_hits: u64,
    pub keyspace_misses: u64,
    /// Changes since the last successful save.
    pub dirty: u64,
    pub last_save_unix_s: i64,
    /// The last BGSAVE could not write its file.
    pub bgsave_failed: bool,
    pub forks: u64,
    pub saves: u64,
    /// When the last BGSAVE was tried, and how many seconds the last one took.
    pub bgsave_tried_unix_s: i64,
    pub bgsave_took_s: Option<i64>,
    /// Keys of the snapshot that was loaded last, and how many more of it had expired.
    pub loaded_keys: u64,
    pub loaded_expired_keys: u64,
    pub peak_memory: u64,
    /// Commands, bytes in and bytes out of the last second, and of the bytes those of replication; and their totals at
    /// its end.
    pub rates: [u64; 5],
    rates_from: [u64; 5],
}

/// Buffers that are empty, and kept so that the next command needs no new ones.
#[derive(Clone, Debug, Default)]
struct Spare {
    reply: Vec<u8>,
    /// A command on its way into the stream.
    stream: Vec<u8>,
    args: Vec<Bytes>,
    /// Those of an effect.
    effect: Vec<Bytes>,
}

impl Spare {
    /// The arguments of a command that has run: those of the next may stand in their place, unless they were many.
    fn keep_args(&mut self, args: Vec<Bytes>) {
        keep(&mut self.args, args);
    }

    /// The same of an effect that is in the stream.
    fn keep_effect(&mut self, args: Vec<Bytes>) {
        keep(&mut self.effect, args);
    }
}

fn keep(spare: &mut Vec<Bytes>, mut args: Vec<Bytes>) {
    const MOST: usize = 64;
    if args.capacity() <= MOST {
        args.clear();
        *spare = args;
    }
}

/// Why the dataset is not available now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loading {
    /// The process just started and reads its own snapshot.
    Start,
    /// A snapshot from the master.
    Sync,
}

/// One Redis server.
#[derive(Clone)]
pub struct Node {
    pub config: Config,
    /// Emit [`Note`]s; those with the stream itself are for a judge only.
    pub watched: bool,
    pub judged: bool,
    /// What the system says to the next fork.
    pub fork_refused: bool,
    /// Keys that the child has written, and all that it has to; told by whoever runs it.
    pub child_keys: (usize, usize),
    /// The machine that it runs on.
    pub host: &'static dyn host::Host,
    rng: Rng,
    run_id: String,
    started: Instant,
    now: Instant,
    keyspace: Keyspace,
    history: History,
    backlog: Option<Backlog>,
    clients: BTreeMap<ConnId, Client>,
    /// Connections that are replicas, in the order in which they attached.
    replicas: Vec<ConnId>,
    upstream: Option<Upstream>,
    cached: Option<Cached>,
    child: Option<child::Running>,
    loading: Option<Loading>,
    load: Option<load::Load>,
    /// The database that the stream has selected; `None` before the next command SELECTs (`slaveseldb`).
    stream_db: Option<usize>,
    cron_at: Instant,
    cron_loops: u64,
    /// The file on disk was made for replicas, and nobody asked for it otherwise (`RDBGeneratedByReplication`).
    saved_for_replicas: bool,
    no_replicas_since: Instant,
    active_expire: bool,
    next_conn: u64,
    next_client: u64,
    stats: Stats,
    measures: measure::Measures,
    /// Connections that see every command.
    monitors: Vec<ConnId>,
    /// What the top-level command that runs has changed, by database; propagated at its end.
    effects: Vec<(usize, Vec<Bytes>)>,
    spare: Spare,
    /// Connections whose command waits, in the order in which they began to, and those that wait no more and may have
    /// sent other commands meanwhile.
    blocked: Vec<ConnId>,
    unblocked: Vec<ConnId>,
    /// What the data command that ran last wants to wait for.
    wait: Option<(u64, blocked::Take)>,
    /// Where eviction goes on: candidates, the best last, and the database that lost a key last.
    evict_pool: Vec<evict::Candidate>,
    evict_db: usize,
    shrinking: buffers::Shrinking,
    /// What all clients cost, and when that was found.
    clients_seen: (Instant, u64),
    /// What all clients together may use, in bytes; 0 for as much as they like.
    clients_most: u64,
    /// Keys that came into being and that somebody may wait for.
    ready: Vec<(usize, Bytes)>,
    /// Somebody waits for acknowledgements: the stream will ask for them.
    ask_acks: bool,
    /// Which events of keys are told.
    told: notify::Told,
    /// Who wants to hear of changes of what it has read.
    tracking: tracking::Table,
    /// Who listens to what, in the order in which they began to.
    subscriptions: Vec<pubsub::Subscription>,
    pauses: [Option<pause::Pause>; 3],
    failover: Option<failover::Failover>,
    stopping: Option<server::Stopping>,
    /// The process ends when its last snapshot is written.
    ending: Option<Way>,
    /// `DEBUG PAUSE-CRON`.
    cron_paused: bool,
    /// A signal that asks for the end, which cron sees: the directive that tells how.
    signal: Option<&'static str>,
}

impl Node {
    /// A server that starts now. It asks for its snapshot first ([`Output::Load`]), as a real one reads `dump.rdb`.
    pub fn start(config: Config, mut rng: Rng, now: Instant, out: &mut Outbox) -> Self {
        let keyspace = Keyspace::new(config.databases);
        let history = History::new(&mut rng);
        let upstream = config
            .replicaof
            .clone()
            .map(|(host, port)| Upstream::new(host, port, now));
        let mut node = Self {
            config,
            watched: false,
            judged: false,
            fork_refused: false,
            child_keys: (0, 0),
            host: &host::NoHost,
            run_id: rng.hex40(),
            rng,
            started: now,
            now,
            keyspace,
            history,
            backlog: None,
            clients: BTreeMap::new(),
            replicas: Vec::new(),
            upstream,
            cached: None,
            child: None,
            loading: Some(Loading::Start),
            load: None,
            stream_db: None,
            cron_at: now,
            cron_loops: 0,
            saved_for_replicas: false,
            no_replicas_since: now,
            active_expire: true,
            next_conn: 0,
            // A real server has given two to those that run its scripts and functions.
            next_client: 2,
            stats: Stats {
                last_save_unix_s: now.unix_s(),
                ..Stats::default()
            },
            measures: measure::Measures::default(),
            monitors: Vec::new(),
            effects: Vec::new(),
            spare: Spare::default(),
            blocked: Vec::new(),
            unblocked: Vec::new(),
            wait: None,
            evict_pool: Vec::new(),
            evict_db: 0,
            shrinking: buffers::Shrinking::default(),
            clients_seen: (now, 0),
            clients_most: 0,
            ready: Vec::new(),
            ask_acks: false,
            told: notify::Told::default(),
            tracking: tracking::Table::default(),
            subscriptions: Vec::new(),
            pauses: [None; 3],
            failover: None,
            stopping: None,
            ending: None,
            cron_paused: false,
            signal: None,
        };
        out.log(Level::Warning, "Server initialized");
        out.push(Output::Load(false));
        node.now = now;
        node.configured();
        node
    }

    /// The only way in. Outputs are appended to `out`.
    pub fn handle(&mut self, now: Instant, input: Input<'_>, out: &mut Outbox) {
        self.now = self.now.max(now);
        self.keyspace.clock = self.clock();
        match input {
            Input::Accepted(conn, peer, local) => self.accepted(conn, peer, local, out),
            Input::Dialed(conn) => self.dialed(conn, out),
            Input::DialFailed(conn, why) => self.dial_failed(conn, why, out),
            Input::Bytes(conn, bytes) if self.is_master_link(conn) => self.master_bytes(bytes, out),
            Input::Bytes(conn, bytes) => self.client_bytes(conn, bytes, out),
            Input::Closed(conn) => {
                self.stats.reads += 1;
                self.say_closed(conn, out);
                if self.is_master_link(conn) {
                    self.master_lost(out);
                } else {
                    self.drop_client(conn, out);
                }
            }
            Input::Pending(conn, bytes) => self.check_output(conn, bytes, out),
            Input::Dumped(part) => self.child_wrote(&part, out),
            Input::Saved(file) => self.child_done(file, out),
            Input::SaveFailed(why) => self.child_failed(&why, out),
            Input::SavedNow(result) => self.saved_now(result, out),
            Input::Stored(total) => self.stored(total, out),
            Input::StoreFailed(why) => self.store_failed(&why, out),
            Input::Loaded(file) => self.loaded(file, out),
            Input::Wake => self.wake(out),
        }
        self.before_sleep(out);
        let fed = std::mem::take(&mut out.fed);
        self.stats.net_output += std::mem::take(&mut out.sent).saturating_sub(fed);
        self.stats.net_repl_output += fed;
        self.stats.writes += std::mem::take(&mut out.writes);
    }

    /// The clock by which keys note their use.
    fn clock(&self) -> Clock {
        let config = &self.config;
        let lfu = config.maxmemory_policy.lfu();
        let decay = u32::try_from(config.lfu_decay_time).unwrap_or(u32::MAX);
        Clock::new(
            self.now.unix_s(),
            lfu.then_some((config.lfu_log_factor, decay)),
        )
    }

    /// The configuration changed: what was derived from it follows.
    fn configured(&mut self) {
        self.keyspace.set_limits(self.config.limits());
        self.keyspace.clock = self.clock();
        self.set_notify();
        self.set_tracking();
        self.set_clients_most();
    }

    /// What is left to do once the input was dealt with, in the order of Redis's `beforeSleep`.
    fn before_sleep(&mut self, out: &mut Outbox) {
        loop {
            self.serve_ready(out);
            self.serve_acknowledged(out);
            if self.unblocked.is_empty() {
                break;
            }
            for conn in std::mem::take(&mut self.unblocked) {
                self.client_bytes(conn, &[], out);
            }
        }
        if self.ask_acks && !self.paused() {
            self.ask_acks = false;
            self.ask_for_acks(out);
        }
        self.failover_step(out);
        self.tell_all(out);
        self.evict_clients(out);
        self.stop_when_ready(out);
    }

    /// When the node wants [`Input::Wake`].
    pub fn next_wake(&self) -> Instant {
        let deadlines = [
            self.next_active_expire(),
            self.next_timeout(),
            self.next_pause_end(),
            self.failover_deadline(),
            self.next_load_step(),
            self.stopping.as_ref().map(|stopping| stopping.until),
        ];
        let deadlines = deadlines.into_iter().flatten();
        deadlines.fold(self.cron_at, Instant::min)
    }

    fn next_active_expire(&self) -> Option<Instant> {
        if !self.active_expire || self.paused() || self.loading.is_some() {
            return None;
        }
        // The cycle runs ten times a second; a key is expired when the clock has passed its time.
        let tick = 100 * MILLISECOND_US;
        let first = match &self.upstream {
            Some(_) => self.keyspace.next_noted()?,
            None => self.keyspace.next_expiry()?,
        };
        let due = (first.max(0) as u64 + 1).saturating_mul(MILLISECOND_US);
        let since_start = Instant(due).since(self.started).div_ceil(tick) * tick;
        Some(self.started.after(since_start).max(self.now.after(1)))
    }

    fn wake(&mut self, out: &mut Outbox) {
        self.load_step(out);
        self.end_pauses(out);
        self.time_out_blocked(out);
        if self
            .next_active_expire()
            .is_some_and(|at| at <= self.now.after(1))
        {
            self.expire_some(1000, out);
        }
        if self.now >= self.cron_at {
            self.cron(out);
            let hasty = self.failover.is_some();
            self.cron_at = self.now.after(if hasty {
                failover::FAILOVER_CRON
            } else {
                SECOND_US
            });
        }
    }

    fn server_cron(&mut self, out: &mut Outbox) {
        self.save_by_point(out);
        self.close_idle(out);
        self.close_slow(out);
        self.say_how_much(out);
        self.stats.peak_memory = self.stats.peak_memory.max(self.used_memory());
        let stats = &mut self.stats;
        let totals = [
            stats.commands,
            stats.net_input,
            stats.net_output,
            stats.net_repl_input,
            stats.net_repl_output,
        ];
        for (i, total) in totals.into_iter().enumerate() {
            stats.rates[i] = total.saturating_sub(stats.rates_from[i]);
        }
        stats.rates_from = totals;
    }

    /// `CONFIG RESETSTAT`: the counters begin anew.
    fn reset_stats(&mut self) {
        let old = std::mem::take(&mut self.stats);
        self.stats = Stats {
            dirty: old.dirty,
            last_save_unix_s: old.last_save_unix_s,
            bgsave_failed: old.bgsave_failed,
            bgsave_tried_unix_s: old.bgsave_tried_unix_s,
            bgsave_took_s: old.bgsave_took_s,
            loaded_keys: old.loaded_keys,
            loaded_expired_keys: old.loaded_expired_keys,
            peak_memory: self.used_memory(),
            ..Stats::default()
        };
        self.measures.reset();
        self.keyspace.freed = 0;
    }

    /// Deletes keys whose time is over; each DEL goes into the stream on its own (`activeExpireCycle`). A replica only
    /// deletes those that were written on it, and has no stream of its own to tell it in (`expireSlaveKeys`).
    fn expire_some(&mut self, most: usize, out: &mut Outbox) {
        let (now, replica) = (self.now.unix_ms(), self.upstream.is_some());
        let due = if replica {
            self.keyspace.take_noted(now)
        } else {
            self.keyspace.due(now, most)
        };
        let begin = self.host.micros();
        let lazily = self.config.lazyfree_lazy_expire;
        for (db, key) in due {
            self.let_go(db, &key, lazily);
            self.stats.expired_keys += 1;
            self.stats.dirty += 1;
            self.key_deleted(commands::What::Expired, db, &key);
            if replica {
                self.notify(out);
                continue;
            }
            let del = vec![Bytes::from(&b"DEL"[..]), key];
            let del = session::unlinked(del, lazily);
            self.propagate(&[(db, del)], false, out);
        }
        let us = self.host.micros().saturating_sub(begin);
        self.latency("expire-cycle", us);
    }

    /// Removes a key that the server itself lets go.
    fn let_go(&mut self, db: usize, key: &[u8], lazily: bool) {
        let entry = self.keyspace.remove(db, key);
        if lazily && let Some(entry) = entry {
            self.keyspace.count_freed(&entry);
        }
    }

    /// `serverCron` and `replicationCron`, once a second.
    fn cron(&mut self, out: &mut Outbox) {
        if self.cron_paused {
            return;
        }
        self.server_cron(out);
        self.upstream_cron(out);
        self.downstream_cron(out);
        self.cron_loops += 1;
    }

    fn new_conn(&mut self) -> ConnId {
        self.next_conn += 2;
        ConnId(self.next_conn)
    }

    fn note(&self, out: &mut Outbox, note: impl FnOnce() -> Note) {
        if self.watched {
            out.push(Output::Note(note()));
        }
    }

    // --- for onlookers -----------------------------------------------------------------------------------------------

    pub fn keyspace(&self) -> &Keyspace {
        &self.keyspace
    }

    pub fn history(&self) -> &History {
        &self.history
    }

    pub fn backlog(&self) -> Option<&Backlog> {
        self.backlog.as_ref()
    }

    pub fn upstream(&self) -> Option<&Upstream> {
        self.upstream.as_ref()
    }

    pub fn loading(&self) -> Option<Loading> {
        self.loading
    }

    pub fn child(&self) -> Option<&child::Running> {
        self.child.as_ref()
    }

    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Bytes that Redis would have allocated, roughly.
    fn used_memory(&self) -> u64 {
        let overhead = self.memory_overhead();
        let beside_keys =
            overhead.startup + overhead.backlog + overhead.replicas + overhead.clients;
        beside_keys + self.keyspace.memory()
    }
}
