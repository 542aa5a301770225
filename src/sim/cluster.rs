//! The only loop: what is due next happens, a node answers, and its answers become due in turn. Ties are broken by a
//! sequence number, so that the same seed and actions give the same trace on every machine.

use super::action::{Action, BadAction};
use super::load::Generator;
use super::machine::{CONSOLE, Client, Machine};
use super::network::{Item, Network};
use super::oracle::Oracle;
use super::outside::{Outside, PASSWORD, REAL};
use super::snapshot::Snapshot;
use super::watch::{STORIES_KEPT, Watch};
use crate::node::config::Config;
use crate::node::{Addr, ConnId, Input, Level, Node, Outbox, Output};
use crate::rng::Rng;
use crate::time::{Instant, SECOND_US};
use crate::wire::resp::{self, Reply};
use crate::wire::{Bytes, tap};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::rc::Rc;

/// How a world begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    pub seed: u64,
    /// Replicas of the first node, which is called `m`; they are `r1`, `r2`, …
    pub replicas: usize,
    /// One-way delay of every path.
    pub latency_us: u64,
    /// `repl-backlog-size` of every node, in bytes. Below Redis's 16384 this is a teaching scale.
    pub backlog_size: u64,
    /// Keys that `m` has before the first replica comes.
    pub keys: Vec<(String, String)>,
    /// A real server takes the place of `m`. Never part of a link or of a file: it is nobody else's.
    #[serde(skip)]
    pub outside: Option<Outside>,
}

impl Default for Options {
    fn default() -> Self {
        let keys = [("user:1", "Ada"), ("lang", "Rust"), ("hits", "41")];
        Self {
            seed: 7,
            replicas: 2,
            latency_us: 100_000,
            backlog_size: 512,
            keys: keys.map(|(k, v)| (k.into(), v.into())).into(),
            outside: None,
        }
    }
}

/// Nodes that one world may have.
pub const NODES_MAX: usize = 8;

/// What is due at some moment. `epoch` names the process that it is meant for.
#[derive(Clone, Debug)]
pub(super) enum Due {
    Wake {
        machine: usize,
        epoch: u32,
    },
    DialFailed {
        machine: usize,
        epoch: u32,
        conn: ConnId,
        why: &'static str,
    },
    /// The kernel has lost a connection: one that stood (`dialed`), or one that was being dialled.
    Lost {
        machine: usize,
        epoch: u32,
        conn: ConnId,
        dialed: bool,
    },
    /// Something comes to side `to` of a connection.
    Arrive {
        conn: u64,
        to: usize,
        item: Item,
    },
    /// What was held somewhere may go on: a stall or a reader's pause is over.
    Release,
    /// Less is pending of what was written to side `to`; see [`Cluster::press`].
    Pressure {
        conn: u64,
        to: usize,
    },
    /// A path stalls, in both directions.
    Stall {
        a: usize,
        b: usize,
        until: Instant,
    },
    /// A paused process goes on.
    Resume {
        machine: usize,
        epoch: u32,
    },
    Dump {
        machine: usize,
        epoch: u32,
    },
    Stored {
        machine: usize,
        epoch: u32,
        total: u64,
    },
    StoreFailed {
        machine: usize,
        epoch: u32,
    },
    Loaded {
        machine: usize,
        epoch: u32,
    },
    Load,
}

/// What copies of a world cost, roughly, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weight {
    /// At once: nodes without their data, what is due, and the pieces of files that are being received.
    at_once: u64,
    /// At most, when it has gone on for long: all keys of each node are copied. Values are shared, and so is most of every
    /// ring.
    keys: u64,
    /// What of keys was copied by now, because a copy still had them.
    copied: u64,
    /// What was told by now: the newest of it is kept for those who look, with the writes and packets that it is of.
    told: u64,
    /// What was done by now: see [`Cluster::work`].
    work: u64,
}

impl Weight {
    /// What a copy that was made at this moment costs at a later one.
    pub fn of_copy(self, later: Self) -> u64 {
        /// Bytes of what belongs to one of the stories that are kept.
        const STORY: u64 = 256;
        self.copied(later) + self.retold(later) * STORY
    }

    /// Whether so much was done from a copy on that the time that it took is little beside it.
    pub fn paid(self, later: Self) -> bool {
        /// Doing takes some thirty times as long as copying the same number of bytes. Fewer keyframes would do for what
        /// is written, and jumps would take more than twice as long.
        const LITTLE: u64 = 4;
        /// Bytes in the lists of a story's parts, which are copied; the parts are not.
        const STORY: u64 = 64;
        let cost = self.copied(later) + self.retold(later) * STORY;
        cost <= LITTLE * later.work.saturating_sub(self.work)
    }

    /// Bytes that both have, at once and by now.
    fn copied(self, later: Self) -> u64 {
        // Of a node that began anew since then, all is in the copy only.
        let copied = later.copied.checked_sub(self.copied);
        self.at_once + copied.map_or(self.keys, |copied| copied.min(self.keys))
    }

    /// Stories that only one of them has.
    fn retold(self, later: Self) -> u64 {
        let told = later.told.saturating_sub(self.told);
        told.min(STORIES_KEPT as u64)
    }
}

/// What came of commands of a client.
#[derive(Default)]
struct Asked {
    /// Those to earlier commands are `late` ones, and come first.
    replies: Vec<Reply>,
    late: usize,
    /// The node's offset before.
    before: u64,
}

impl Asked {
    fn fresh(&self) -> &[Reply] {
        self.replies.get(self.late..).unwrap_or_default()
    }
}

/// Servers, the network between them, their machines and the clock.
#[derive(Clone)]
pub struct Cluster {
    options: Options,
    pub(super) rng: Rng,
    pub(super) now: Instant,
    seq: u64,
    /// What is due, the next one first. Most of what comes is due last, or nearly.
    pub(super) queue: VecDeque<(Instant, u64, Due)>,
    pub(super) machines: Vec<Machine>,
    pub(super) network: Network,
    pub(super) watch: Watch,
    #[cfg(feature = "judge")]
    oracle: Option<Box<Oracle>>,
    /// Inputs within inputs: only what is whole is judged.
    depth: u32,
    /// The machine and its client that is being answered, so that other replies are known to be late.
    pub(super) executing: Option<(usize, usize)>,
    /// Its replies, where its process died over its commands.
    last_words: Vec<Reply>,
    pub(super) load: Option<Generator>,
    pub(super) swizzles: u64,
    pub(super) events: u64,
    /// Bytes that nodes were given, and some for each event: about how long it would take to do all of it again.
    work: u64,
    pub(super) trace: u64,
    /// Bytes for the server outside, by connection, that nobody has taken yet.
    pub(super) outgoing: Vec<(u64, Vec<u8>)>,
    /// Connections to which what is being put out has sent more than the kernels keep, and to which side.
    pub(super) pressed: Vec<(u64, usize)>,
    spare: Spare,
}

/// An outbox that is empty, and kept so that the next input needs no new one.
#[derive(Default)]
struct Spare(Outbox);

/// Every world has its own.
impl Clone for Spare {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Cluster {
    /// A world in which nothing has happened yet but the start of `m`. See [`Cluster::ready`].
    pub fn new(options: Options) -> Self {
        let rng = Rng::new(options.seed);
        let network = Network::new(options.latency_us, rng.split("network"));
        let mut world = Self {
            rng,
            now: options.outside.as_ref().map_or(Instant::WORLD, |o| o.begin),
            seq: 0,
            queue: VecDeque::new(),
            machines: Vec::new(),
            network,
            watch: Watch::default(),
            #[cfg(feature = "judge")]
            oracle: None,
            depth: 0,
            executing: None,
            last_words: Vec::new(),
            load: None,
            swizzles: 0,
            events: 0,
            work: 0,
            trace: 0xcbf2_9ce4_8422_2325,
            outgoing: Vec::new(),
            pressed: Vec::new(),
            spare: Spare::default(),
            options,
        };
        match &world.options.outside {
            None => world.add_machine("m".into(), None),
            Some(real) => {
                let config = Config {
                    port: real.port,
                    ..Config::default()
                };
                let rng = world.rng.split(REAL);
                world.machines.push(Machine::new(REAL.into(), config, rng));
                world.add_machine("r1".into(), Some(REAL));
            }
        }
        world
    }

    /// A world as the page opens it: `m` has its keys, its replicas are attached and in step, nothing is on its way.
    pub fn ready(options: Options) -> Self {
        let mut world = Self::new(options);
        if world.options.outside.is_some() {
            return world;
        }
        world.run_until(world.now.after(10_000));
        for (key, value) in world.options.keys.clone() {
            world.exec("m", &["SET".as_bytes(), key.as_bytes(), value.as_bytes()]);
        }
        for i in 1..=world.options.replicas {
            world.add_machine(format!("r{i}"), Some("m"));
        }
        world.settle(60 * SECOND_US);
        world.watch.ready(world.now, world.options.replicas);
        world
    }

    pub fn options(&self) -> &Options {
        &self.options
    }

    /// What its copies cost; see [`Weight::of_copy`].
    pub fn weight(&self) -> Weight {
        const NODE: u64 = 4096;
        let nodes = || self.machines.iter().filter_map(|m| m.node.as_ref());
        let copied = nodes().map(|node| node.keyspace().copied());
        let (copied, keys) = copied.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
        let files = self.machines.iter().map(|m| m.disk.temp.weight());
        let due = self.queue.len() * size_of::<(Instant, u64, Due)>();
        Weight {
            at_once: nodes().count() as u64 * NODE + due as u64 + files.sum::<u64>(),
            keys,
            copied,
            told: self.watch.told(),
            work: self.work,
        }
    }

    pub fn now(&self) -> Instant {
        self.now
    }

    /// When the world began.
    pub fn began(&self) -> Instant {
        self.outside().map_or(Instant::WORLD, |o| o.begin)
    }

    /// How many events happened.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// A hash of everything that happened so far, byte for byte.
    pub fn trace(&self) -> u64 {
        self.trace
    }

    /// From now on every event is judged; see [`Oracle`].
    #[cfg(feature = "judge")]
    pub fn judge(&mut self) {
        self.oracle = Some(Box::default());
        self.listen();
        for i in 0..self.machines.len() {
            self.with_oracle(|oracle, world| oracle.look(world, i));
        }
    }

    /// The judge, once there is one.
    #[cfg(feature = "judge")]
    pub fn oracle(&self) -> Option<&Oracle> {
        self.oracle.as_deref()
    }

    #[cfg(feature = "judge")]
    pub(super) fn oracle_mut(&mut self) -> Option<&mut Oracle> {
        self.oracle.as_deref_mut()
    }

    /// Without the feature there is none.
    #[cfg(not(feature = "judge"))]
    pub fn oracle(&self) -> Option<&Oracle> {
        None
    }

    #[cfg(not(feature = "judge"))]
    pub(super) fn oracle_mut(&mut self) -> Option<&mut Oracle> {
        None
    }

    /// Keeps nothing for onlookers from now on, which is several times faster; what happens is the same.
    pub fn unwatched(&mut self) {
        self.watch = Watch::off();
        self.listen();
    }

    /// Nodes tell what somebody listens to, and no more.
    fn listen(&mut self) {
        let judged = self.oracle().is_some();
        let watched = judged || self.watch.looks();
        for node in self.machines.iter_mut().filter_map(|m| m.node.as_mut()) {
            (node.watched, node.judged) = (watched, judged);
        }
    }

    pub(super) fn with_oracle(&mut self, tell: impl FnOnce(&mut Oracle, &Self)) {
        #[cfg(feature = "judge")]
        if let Some(mut oracle) = self.oracle.take() {
            tell(&mut oracle, self);
            self.oracle = Some(oracle);
        }
        #[cfg(not(feature = "judge"))]
        let _ = tell;
    }

    /// What a screen shows now.
    pub fn snapshot(&self) -> Snapshot {
        super::watch::snapshot(self)
    }

    /// Packets on their way, oldest first.
    pub fn in_flight(&self) -> &VecDeque<Rc<super::snapshot::Packet>> {
        self.watch.in_flight()
    }

    /// Notable things after number `since`, oldest first; the newest thousand are kept.
    pub fn stories(&self, since: u64) -> impl Iterator<Item = &Rc<super::snapshot::Story>> {
        let stories = self.watch.stories();
        stories
            .iter()
            .skip(stories.partition_point(|s| s.n <= since))
    }

    /// Number of the newest notable thing.
    pub fn told(&self) -> u64 {
        self.watch.told()
    }

    /// Whether the console's connection to a node stands: a command without a reply then waits for it.
    pub fn console_waits(&self, node: &str) -> bool {
        let machine = self.machines.iter().find(|m| m.name == node);
        machine.is_some_and(|m| m.clients[CONSOLE].is_some())
    }

    /// Whether the console's last command on a node still waits, or what it subscribed to may come.
    pub fn console_blocked(&self, node: &str) -> bool {
        let machine = self.machines.iter().find(|m| m.name == node);
        machine.is_some_and(|m| match (&m.clients[CONSOLE], &m.node) {
            (Some(client), Some(node)) => node.holds_up(client.conn),
            _ => false,
        })
    }

    /// Replies to console commands that were not answered at once (`WAIT`, `BLPOP`), with the node that sent them.
    pub fn take_late_replies(&mut self) -> Vec<(String, Reply)> {
        let mut late = Vec::new();
        for machine in &mut self.machines {
            if let Some(client) = &mut machine.clients[CONSOLE]
                && !client.replies.is_empty()
            {
                let replies = client.replies.drain(..);
                late.extend(replies.map(|reply| (machine.name.clone(), reply)));
            }
        }
        late
    }

    pub fn names(&self) -> Vec<&str> {
        self.machines.iter().map(|m| m.name.as_str()).collect()
    }

    /// The node of this name, while its process runs.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.machines.iter().find(|m| m.name == name)?.node.as_ref()
    }

    pub fn port(&self, name: &str) -> Option<u16> {
        self.machines
            .iter()
            .find(|m| m.name == name)
            .map(|m| m.config.port)
    }

    /// Where to dial a node: every virtual one is on this machine.
    fn host(&self, name: &str) -> String {
        let outside = self.outside().filter(|_| name == REAL);
        outside.map_or("127.0.0.1", |o| &o.host).into()
    }

    pub(super) fn machine_at_port(&self, port: u16) -> Option<usize> {
        self.machines.iter().position(|m| m.config.port == port)
    }

    /// A client command on the console's connection; its reply, when it came at once.
    pub fn exec<A: AsRef<[u8]>>(&mut self, node: &str, args: &[A]) -> Option<Reply> {
        self.act(&Action::exec(node, args)).ok()?.into_iter().next()
    }

    pub(super) fn index(&self, name: &str) -> Result<usize, BadAction> {
        let known = || self.names().join(", ");
        self.machines
            .iter()
            .position(|m| m.name == name)
            .ok_or_else(|| BadAction(format!("there is no node '{name}'; there are {}", known())))
    }

    /// The machine of this name, when its process can answer.
    pub(super) fn running(&self, name: &str) -> Result<usize, BadAction> {
        let i = self.inside(name)?;
        if self.machines[i].node.is_none() {
            return Err(BadAction(format!(
                "'{name}' is not running; start it with :start {name}"
            )));
        }
        if self.machines[i].paused_until.is_some() {
            return Err(BadAction(format!(
                "'{name}' stands still; :resume {name} lets it run on"
            )));
        }
        Ok(i)
    }

    /// Where a machine listens.
    pub(super) fn own_addr(&self, i: usize) -> Addr {
        Addr {
            host: "127.0.0.1".into(),
            port: self.machines[i].config.port,
        }
    }

    pub(super) fn exec_on(&mut self, i: usize, client: usize, args: &[Bytes]) -> Vec<Reply> {
        let asked = self.ask(i, client, &resp::command(args));
        self.with_oracle(|oracle, world| {
            oracle.client(world, i, client, args, asked.fresh(), asked.before);
        });
        asked.replies
    }

    /// Commands in one go. A command that the node does not live to run ends them, as it ends a connection.
    pub(super) fn pipe_on(&mut self, i: usize, client: usize, commands: &[u8]) -> Vec<Reply> {
        let asked = self.ask(i, client, commands);
        self.with_oracle(|oracle, world| {
            oracle.pipeline(world, i, client, commands, asked.fresh(), asked.before);
        });
        asked.replies
    }

    /// What a client of machine `i` sends, and what it has then.
    fn ask(&mut self, i: usize, client: usize, bytes: &[u8]) -> Asked {
        if self.machines[i].clients[client].is_none() {
            let conn = self.machines[i].accept_id();
            self.machines[i].clients[client] = Some(Client::new(conn));
            let addr = Addr {
                host: "127.0.0.1".into(),
                port: 50_000 + conn.0 as u16,
            };
            let own = self.own_addr(i);
            self.input(i, Input::Accepted(conn, addr, own));
        }
        let Some(conn) = self.machines[i].clients[client].as_ref().map(|c| c.conn) else {
            return Asked::default();
        };
        let before = self.machines[i].node.as_ref();
        let before = before.map_or(0, |n| n.history().offset);
        let late = self.machines[i].clients[client].as_ref();
        let late = late.map_or(0, |c| c.replies.len());
        let outer = self.executing.replace((i, client));
        self.input(i, Input::Bytes(conn, bytes));
        self.executing = outer;
        let replies = match &mut self.machines[i].clients[client] {
            Some(client) => &mut client.replies,
            None => &mut self.last_words,
        };
        Asked {
            replies: std::mem::take(replies),
            late,
            before,
        }
    }

    pub(super) fn add_machine(&mut self, name: String, of: Option<&str>) {
        // A server outside may have any port.
        let ports = 6379 + self.machines.len() as u16..;
        let free = |port: &u16| self.machine_at_port(*port).is_none();
        let port = ports.clone().find(free).unwrap_or(ports.start);
        let auth = self.outside().and_then(|o| o.auth.clone());
        let config = Config {
            port,
            replicaof: of.and_then(|of| Some((self.host(of), self.port(of)?))),
            masterauth: auth.as_ref().map_or("", |_| PASSWORD).into(),
            masteruser: auth.unwrap_or_default(),
            ..self.config()
        };
        let rng = self.rng.split(&name);
        self.machines.push(Machine::new(name, config, rng));
        self.start(self.machines.len() - 1);
    }

    /// What is set on every node here at its beginning; all else is Redis's default.
    pub(super) fn config(&self) -> Config {
        Config {
            backlog_floor: 1,
            repl_backlog_size: self.options.backlog_size,
            save: Vec::new(),
            enable_debug_command: "yes".into(),
            enable_protected_configs: "yes".into(),
            repl_diskless_sync: false,
            ..Config::default()
        }
    }

    pub(super) fn start(&mut self, i: usize) {
        let machine = &mut self.machines[i];
        machine.epoch += 1;
        machine.wake_at = None;
        machine.started = Some(self.now);
        let rng = machine.rng.split(&machine.epoch.to_string());
        let mut out = Outbox::default();
        let mut node = Node::start(machine.config.clone(), rng, self.now, &mut out);
        node.fork_refused = machine.fork_refused;
        node.config.know_psync(!machine.psync_gone);
        machine.node = Some(node);
        self.listen();
        self.outputs(i, &mut out);
    }

    pub(super) fn kill(&mut self, i: usize) {
        let name = self.machines[i].name.clone();
        let machine = &mut self.machines[i];
        if let Some(node) = machine.node.take() {
            // What the console set stays set, as with CONFIG REWRITE: a class should not lose its ring size.
            machine.config = node.config;
        }
        machine.child = None;
        machine.storing = None;
        machine.loading = None;
        if let Some((_, client)) = self.executing.filter(|(at, _)| *at == i) {
            let asks = machine.clients[client].take();
            self.last_words = asks.map(|asks| asks.replies).unwrap_or_default();
        }
        machine.clients = [None, None];
        machine.paused_until = None;
        machine.postponed.clear();
        self.with_oracle(|oracle, world| oracle.killed(world, i));
        for (id, side) in self.network.ends_of(i) {
            self.hang_up(id, side);
        }
        self.watch.killed(self.now, i, &name);
    }

    // --- time --------------------------------------------------------------------------------------------------------

    pub(super) fn due(&mut self, at: Instant, what: Due) {
        self.seq += 1;
        let due = (at.max(self.now), self.seq, what);
        // Nothing that is there has a larger number; and behind what comes are mostly a few timers.
        let mut place = self.queue.len();
        let least = place.saturating_sub(2 * NODES_MAX);
        while place > least && self.queue[place - 1].0 > due.0 {
            place -= 1;
        }
        if place == least {
            place = self.queue.partition_point(|(at, ..)| *at <= due.0);
        }
        self.queue.insert(place, due);
    }

    /// When the next thing is due.
    pub fn next_at(&self) -> Option<Instant> {
        self.queue.front().map(|(at, ..)| *at)
    }

    /// Lets the next thing happen; false when nothing is due ever again.
    pub fn step(&mut self) -> bool {
        let Some((at, _, what)) = self.queue.pop_front() else {
            return false;
        };
        self.now = at;
        self.happen(what);
        true
    }

    /// Lets everything happen that is due until `at`, and moves the clock there.
    pub fn run_until(&mut self, at: Instant) {
        while self.next_at().is_some_and(|next| next <= at) {
            self.step();
        }
        self.now = self.now.max(at);
    }

    /// Runs until nothing but heartbeats is left, for at most `us` of virtual time; whether it came to that.
    pub fn settle(&mut self, us: u64) -> bool {
        let limit = self.now.after(us);
        while !self.idle() {
            if self.now > limit || !self.step() {
                return false;
            }
        }
        true
    }

    pub(super) fn happen(&mut self, what: Due) {
        if let Some(what) = self.postpone(what) {
            self.happen_now(what);
        }
    }

    /// What a process does itself waits while the process stands still.
    fn postpone(&mut self, what: Due) -> Option<Due> {
        let machine = match &what {
            Due::Wake { machine, .. }
            | Due::DialFailed { machine, .. }
            | Due::Lost { machine, .. }
            | Due::Stored { machine, .. }
            | Due::StoreFailed { machine, .. }
            | Due::Loaded { machine, .. } => &mut self.machines[*machine],
            _ => return Some(what),
        };
        if machine.paused_until.is_none() {
            return Some(what);
        }
        machine.postponed.push(what);
        None
    }

    fn happen_now(&mut self, what: Due) {
        let current = |machine: usize, epoch: u32| self.machines[machine].epoch == epoch;
        match what {
            Due::Wake { machine, epoch } => {
                let due = self.machines[machine].wake_at;
                if current(machine, epoch) && due.is_some_and(|at| at <= self.now) {
                    self.machines[machine].wake_at = None;
                    self.input(machine, Input::Wake);
                }
            }
            Due::DialFailed {
                machine,
                epoch,
                conn,
                why,
            } => {
                if current(machine, epoch) {
                    self.input(machine, Input::DialFailed(conn, why));
                }
            }
            Due::Lost {
                machine,
                epoch,
                conn,
                dialed,
            } => {
                let input = if dialed {
                    Input::Closed(conn)
                } else {
                    Input::DialFailed(conn, "Connection reset by peer")
                };
                if current(machine, epoch) {
                    self.input(machine, input);
                }
            }
            Due::Arrive { conn, to, item } => self.arrive(conn, to, item),
            Due::Release => self.release(),
            Due::Pressure { conn, to } => self.press(conn, to),
            Due::Stall { a, b, until } => {
                for (from, to) in [(a, b), (b, a)] {
                    self.stall(from, to, until);
                }
            }
            Due::Resume { machine, epoch } => {
                if current(machine, epoch)
                    && self.machines[machine]
                        .paused_until
                        .is_some_and(|until| until <= self.now)
                {
                    self.resume(machine);
                }
            }
            Due::Dump { machine, epoch } => {
                if current(machine, epoch) {
                    self.dump(machine, epoch);
                }
            }
            Due::Stored {
                machine,
                epoch,
                total,
            } => {
                if current(machine, epoch) && self.machines[machine].disk.temp.len() >= total {
                    self.input(machine, Input::Stored(total));
                }
            }
            Due::StoreFailed { machine, epoch } => {
                if current(machine, epoch) {
                    let why = "No space left on device".into();
                    self.input(machine, Input::StoreFailed(why));
                }
            }
            Due::Loaded { machine, epoch } => {
                if current(machine, epoch) {
                    self.machines[machine].loading = None;
                    let file = self.machines[machine].disk.dump.as_deref().cloned();
                    self.input(machine, Input::Loaded(file));
                }
            }
            Due::Load => self.load_tick(),
        }
    }

    /// The child writes on.
    fn dump(&mut self, i: usize, epoch: u32) {
        let judged = self.oracle().is_some();
        let machine = &mut self.machines[i];
        let Some(child) = &mut machine.child else {
            return;
        };
        let (keys, step) = (child.keys_a_step, child.step_us);
        let worked = child.save.keys_done() < child.save.keys_total();
        let done = child.save.advance(keys) && !worked;
        if !done {
            // Nobody reads the pipe of a process that stands still.
            let reads = !child.save.to_disk() && machine.paused_until.is_none();
            let part = reads.then(|| child.save.take());
            if let Some(why) = machine.child_failure() {
                return self.child_fails(i, epoch, why);
            }
            if let Some(part) = part.filter(|part| !part.is_empty()) {
                self.input(i, Input::Dumped(part));
            }
            return self.due(self.now.after(step), Due::Dump { machine: i, epoch });
        }
        if machine.paused_until.is_some() {
            return machine.postponed.push(Due::Dump { machine: i, epoch });
        }
        let Some(child) = machine.child.take() else {
            return;
        };
        let to_disk = child.save.to_disk();
        let taken = child.save.taken();
        let origin = judged.then(|| child.save.origin());
        let file = child.save.finish();
        if let Some(why) = machine.too_long(taken + file.len() as u64, to_disk) {
            return self.child_fails(i, epoch, why);
        }
        if to_disk {
            self.put(i, file.clone(), origin);
        }
        self.input(i, Input::Saved(file));
    }

    /// A snapshot is the file of machine `i` now; the judge is told of what moment it is.
    fn put(&mut self, i: usize, file: Vec<u8>, origin: Option<(String, u64, [u8; 20])>) {
        self.machines[i].disk.put(file);
        if let Some((id, offset, digest)) = origin {
            self.with_oracle(|oracle, world| oracle.stored(world, i, &id, offset, digest));
        }
    }

    fn child_fails(&mut self, i: usize, epoch: u32, why: String) {
        let machine = &mut self.machines[i];
        if machine.paused_until.is_some() {
            return machine.postponed.push(Due::Dump { machine: i, epoch });
        }
        machine.child = None;
        machine.child_dies = None;
        self.input(i, Input::SaveFailed(why));
    }

    /// A paused process runs on, with all that has waited for it.
    pub(super) fn resume(&mut self, i: usize) {
        self.machines[i].paused_until = None;
        if let Some(oracle) = self.oracle_mut() {
            oracle.resumed(i);
        }
        for what in std::mem::take(&mut self.machines[i].postponed) {
            self.due(self.now, what);
        }
        self.release();
    }

    // --- a node's inputs and outputs ---------------------------------------------------------------------------------

    pub(super) fn input(&mut self, i: usize, input: Input<'_>) {
        const EVENT: u64 = 64;
        self.events += 1;
        self.work += EVENT;
        self.hash_word(self.now.0);
        self.hash_word(i as u64 | u64::from(kind(&input)) << 32);
        if let Input::Bytes(_, bytes) = &input {
            self.work += bytes.len() as u64;
            self.hash(bytes);
        }
        let Some(node) = &mut self.machines[i].node else {
            return self.goes_out(i, &input);
        };
        let mut out = std::mem::take(&mut self.spare.0);
        node.handle(self.now, input, &mut out);
        self.depth += 1;
        self.outputs(i, &mut out);
        self.depth -= 1;
        self.spare.0 = out;
        if self.depth == 0 {
            self.with_oracle(|oracle, world| oracle.look(world, i));
        }
    }

    pub(super) fn outputs(&mut self, i: usize, out: &mut Outbox) {
        for output in out.outputs.drain(..) {
            let epoch = self.machines[i].epoch;
            match output {
                Output::Send(conn, bytes) => self.send(i, conn, &bytes),
                Output::Close(conn) => self.close(i, conn),
                Output::Dial(conn, addr) => self.dial(i, conn, &addr),
                Output::Fork(save) => {
                    let us = self.machines[i].begin_dump(*save);
                    self.due(self.now.after(us), Due::Dump { machine: i, epoch });
                }
                Output::KillChild => self.machines[i].child = None,
                Output::Remove => self.machines[i].disk.dump = None,
                Output::Store(bytes, fresh) => {
                    let (at, fits) = self.machines[i].store(bytes, fresh, self.now);
                    let total = self.machines[i].disk.temp.len();
                    let machine = i;
                    let what = if fits {
                        Due::Stored {
                            machine,
                            epoch,
                            total,
                        }
                    } else {
                        Due::StoreFailed { machine, epoch }
                    };
                    self.due(at, what);
                }
                Output::Load(install) => {
                    if install && let Some(oracle) = self.oracle_mut() {
                        oracle.received(i);
                    }
                    let at = self.machines[i].load(install, self.now);
                    self.due(at, Due::Loaded { machine: i, epoch });
                }
                Output::Save(save) => {
                    let origin = self.oracle().is_some().then(|| save.origin());
                    let file = save.finish();
                    let saved = match self.machines[i].too_long(file.len() as u64, true) {
                        None => {
                            self.put(i, file, origin);
                            Ok(())
                        }
                        Some(why) => Err(why),
                    };
                    self.input(i, Input::SavedNow(saved));
                }
                Output::Log(level, text) => self.log(i, level, text),
                Output::Reached(_) => {} // nobody takes care of these
                Output::Note(note) => {
                    if let Some(oracle) = self.oracle_mut() {
                        oracle.note(i, &note);
                    }
                    super::watch::note(self, i, note);
                }
                Output::Exit(_) => {
                    self.kill(i);
                    self.pressed.clear();
                    return;
                }
            }
        }
        while let Some((conn, to)) = self.pressed.pop() {
            self.press(conn, to);
        }
        super::watch::look(self, i);
        let Some(next) = self.machines[i].node.as_ref().map(Node::next_wake) else {
            return;
        };
        if self.machines[i].wake_at.is_none_or(|at| at > next) {
            let next = next.max(self.now);
            self.machines[i].wake_at = Some(next);
            let epoch = self.machines[i].epoch;
            self.due(next, Due::Wake { machine: i, epoch });
        }
    }

    fn log(&mut self, i: usize, level: Level, text: String) {
        if let Some(oracle) = self.oracle_mut() {
            oracle.log(i, &text);
        }
        self.watch.log(self.now, i, level.mark(), text);
    }

    /// Which client of the world itself a connection of machine `i` is.
    pub(super) fn client_of(&self, i: usize, conn: ConnId) -> Option<usize> {
        let mut clients = self.machines[i].clients.iter();
        clients.position(|c| c.as_ref().is_some_and(|c| c.conn == conn))
    }

    /// Bytes on their way, or held on it, and to which side of their connection.
    fn flying(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let due = self.queue.iter().filter_map(|(_, _, due)| match due {
            Due::Arrive { to, item, .. } => Some((*to, item)),
            _ => None,
        });
        due.chain(self.network.held())
            .filter_map(|(to, item)| match item {
                Item::Bytes { bytes, .. } => Some((to, &bytes[..])),
                _ => None,
            })
    }

    /// Nothing but heartbeats is going on: all replicas that can be are in step and have said so.
    pub fn idle(&self) -> bool {
        if self.load.is_some() {
            return false;
        }
        let calm = |(i, m): (usize, &Machine)| {
            let Some(node) = &m.node else { return true };
            if m.child.is_some()
                || m.storing.is_some()
                || m.loading.is_some()
                || node.loading().is_some()
            {
                return false;
            }
            let Some(upstream) = node.upstream() else {
                return true;
            };
            let Some(peer) = self.machine_at_port(upstream.addr.port) else {
                return true;
            };
            let blocked = peer == i || self.blocked(i, peer) || m.paused_until.is_some();
            let Some(master) = self.machines[peer].node.as_ref() else {
                return true;
            };
            // By SYNC there is no offset to compare, and nothing is acknowledged.
            if upstream.connected() && upstream.legacy {
                return true;
            }
            if upstream.connected() {
                let (offset, acked) = (node.history().offset, master.acked(m.config.port));
                return offset == master.history().offset && acked == Some(offset);
            }
            let orphan = master.upstream().is_some_and(|u| !u.connected());
            blocked || orphan
        };
        // What is on its way comes last: it may be much.
        let mut flying = self.flying();
        self.machines.iter().enumerate().all(calm)
            && flying.all(|(to, bytes)| tap::heartbeats(bytes, to == 1))
    }

    /// Bytes go into the trace, eight at a time, after their number.
    pub(super) fn hash(&mut self, bytes: &[u8]) {
        self.hash_word(bytes.len() as u64);
        let (words, rest) = bytes.as_chunks();
        for word in words {
            self.hash_word(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut word = [0; 8];
            word[..rest.len()].copy_from_slice(rest);
            self.hash_word(u64::from_le_bytes(word));
        }
    }

    /// Whatever was there before, different words give different traces.
    fn hash_word(&mut self, word: u64) {
        let mixed = (self.trace ^ word).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        self.trace = mixed ^ (mixed >> 32);
    }
}

fn kind(input: &Input<'_>) -> u8 {
    match input {
        Input::Accepted(..) => 1,
        Input::Dialed(_) => 2,
        Input::DialFailed(..) => 3,
        Input::Bytes(..) => 4,
        Input::Closed(_) | Input::Pending(..) => 5,
        Input::Dumped(_) | Input::Saved(_) | Input::SaveFailed(_) | Input::SavedNow(_) => 6,
        Input::Stored(_) | Input::StoreFailed(_) => 7,
        Input::Loaded(_) => 8,
        Input::Wake => 9,
    }
}
