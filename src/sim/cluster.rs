//! The only loop: what is due next happens, a node answers, and its answers become due in turn. Ties are broken by a
//! sequence number, so that the same seed and actions give the same trace on every machine.

use super::action::{Action, BadAction};
use super::machine::{CONSOLE, Client, LOADER, Machine};
use super::network::{Conn, End, Network, PACKET_MAX, Payload};
use super::snapshot::Snapshot;
use super::watch::Watch;
use crate::node::config::Config;
use crate::node::{Addr, ConnId, Input, Level, Node, Outbox, Output};
use crate::rng::Rng;
use crate::time::{Instant, SECOND_US};
use crate::wire::Bytes;
use crate::wire::resp::{self, Reply};
use serde::{Deserialize, Serialize};
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
        }
    }
}

/// Nodes that one world may have.
pub const NODES_MAX: usize = 8;

/// What is due at some moment. `epoch` names the process that it is meant for.
#[derive(Clone, Debug)]
enum Due {
    Wake {
        machine: usize,
        epoch: u32,
    },
    Accept {
        conn: u64,
    },
    Dialed {
        conn: u64,
    },
    DialFailed {
        machine: usize,
        epoch: u32,
        conn: ConnId,
        why: &'static str,
    },
    Arrive {
        conn: u64,
        to: usize,
        bytes: Payload,
        packet: u64,
    },
    Fin {
        conn: u64,
        to: usize,
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
    Loaded {
        machine: usize,
        epoch: u32,
    },
    Load,
}

#[derive(Clone, Debug)]
pub(super) struct Load {
    pub node: String,
    pub per_s: u32,
    pub reads: Vec<String>,
    pub writes: u64,
    pub answered: Vec<u64>,
    rng: Rng,
}

/// Servers, the network between them, their machines and the clock.
#[derive(Clone)]
pub struct Cluster {
    options: Options,
    rng: Rng,
    pub(super) now: Instant,
    seq: u64,
    /// What is due, the next one last.
    queue: Vec<(Instant, u64, Due)>,
    pub(super) machines: Vec<Machine>,
    pub(super) network: Network,
    pub(super) watch: Watch,
    pub(super) load: Option<Load>,
    pub(super) events: u64,
    trace: u64,
}

impl Cluster {
    /// A world in which nothing has happened yet but the start of `m`. See [`Cluster::ready`].
    pub fn new(options: Options) -> Self {
        let rng = Rng::new(options.seed);
        let network = Network::new(options.latency_us);
        let mut world = Self {
            rng,
            now: Instant::WORLD,
            seq: 0,
            queue: Vec::new(),
            machines: Vec::new(),
            network,
            watch: Watch::default(),
            load: None,
            events: 0,
            trace: 0xcbf2_9ce4_8422_2325,
            options,
        };
        world.add_machine("m".into(), None);
        world
    }

    /// A world as the page opens it: `m` has its keys, its replicas are attached and in step, nothing is on its way.
    pub fn ready(options: Options) -> Self {
        let mut world = Self::new(options);
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

    pub fn now(&self) -> Instant {
        self.now
    }

    /// How many events happened.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// A hash of everything that happened so far, byte for byte.
    pub fn trace(&self) -> u64 {
        self.trace
    }

    /// What a screen shows now.
    pub fn snapshot(&self) -> Snapshot {
        super::watch::snapshot(self)
    }

    /// Packets on their way, oldest first.
    pub fn in_flight(&self) -> &[Rc<super::snapshot::Packet>] {
        self.watch.in_flight()
    }

    /// Notable things after number `since`, oldest first; the newest thousand are kept.
    pub fn stories(&self, since: u64) -> impl Iterator<Item = &Rc<super::snapshot::Story>> {
        let stories = self.watch.stories();
        let new = self.told().saturating_sub(since) as usize;
        stories.iter().skip(stories.len().saturating_sub(new))
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

    /// Replies to console commands that were not answered at once (`WAIT`, `BLPOP`), with the node that sent them.
    pub fn take_late_replies(&mut self) -> Vec<(String, Reply)> {
        let mut late = Vec::new();
        for machine in &mut self.machines {
            if let Some(client) = &mut machine.clients[CONSOLE] {
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

    pub(super) fn machine_at_port(&self, port: u16) -> Option<usize> {
        self.machines.iter().position(|m| m.config.port == port)
    }

    // --- actions -----------------------------------------------------------------------------------------------------

    /// Does what a person wants. A client command is answered at once, when its reply is given at once.
    ///
    /// # Errors
    /// A node that does not exist or is not running, or one too many.
    pub fn act(&mut self, action: &Action) -> Result<Vec<Reply>, BadAction> {
        self.hash(action.to_string().as_bytes());
        match action {
            Action::Exec { node, args } => {
                let i = self.running(node)?;
                return Ok(self.exec_on(i, CONSOLE, args));
            }
            Action::Cut { a, b } => {
                let (i, j) = (self.index(a)?, self.index(b)?);
                if i == j {
                    return Err(BadAction(format!("'{a}' has no path to itself")));
                }
                self.network.path_mut(i, j).cut = true;
                for conn in self.network.between(i, j) {
                    self.reset(conn, [true, true]);
                }
                self.watch.cut(self.now, a, b, true);
            }
            Action::Restore { a, b } => {
                let (i, j) = (self.index(a)?, self.index(b)?);
                self.network.path_mut(i, j).cut = false;
                self.watch.cut(self.now, a, b, false);
            }
            Action::Kill { node } => {
                let i = self.running(node)?;
                self.kill(i);
            }
            Action::Start { node, empty } => {
                let i = self.index(node)?;
                if self.machines[i].node.is_some() {
                    return Err(BadAction(format!("'{node}' is running")));
                }
                if *empty {
                    self.machines[i].disk.dump = None;
                }
                self.start(i);
                self.watch.started(self.now, node);
            }
            Action::Add { name, of } => {
                self.index(of)?;
                if self.machines.len() >= NODES_MAX {
                    return Err(BadAction(format!("a world has at most {NODES_MAX} nodes")));
                }
                let free = (1..)
                    .map(|i| format!("r{i}"))
                    .find(|n| !self.machines.iter().any(|m| m.name == *n));
                let name = name.clone().or(free).unwrap_or_default();
                let valid = (1..=12).contains(&name.len())
                    && name.bytes().all(|b| b.is_ascii_alphanumeric())
                    && name != "all";
                if !valid || self.index(&name).is_ok() {
                    return Err(BadAction(format!(
                        "'{name}' is taken, or not a name of 1 to 12 letters and digits"
                    )));
                }
                self.watch.added(self.now, &name, of);
                self.add_machine(name, Some(of));
            }
            Action::Latency { a, b, us } => {
                let (i, j) = (self.index(a)?, self.index(b)?);
                self.network.path_mut(i, j).latency_us = *us;
            }
            Action::Bandwidth { a, b, bytes_per_s } => {
                let (i, j) = (self.index(a)?, self.index(b)?);
                self.network.path_mut(i, j).bytes_per_s = *bytes_per_s;
            }
            Action::Slow { node, factor } => {
                let i = self.index(node)?;
                self.machines[i].slow = *factor;
            }
            Action::Load { node, per_s, reads } => {
                self.index(node)?;
                for read in reads {
                    self.index(read)?;
                }
                let running = self.load.is_some();
                self.load = (*per_s > 0).then(|| Load {
                    node: node.clone(),
                    per_s: *per_s,
                    reads: reads.clone(),
                    writes: 0,
                    answered: vec![0; reads.len()],
                    rng: self.rng.split("load"),
                });
                self.watch.load(self.now, node, *per_s);
                if *per_s > 0 && !running {
                    self.due(self.now.after(SECOND_US / u64::from(*per_s)), Due::Load);
                }
            }
        }
        Ok(Vec::new())
    }

    /// A client command on the console's connection; its reply, when it came at once.
    pub fn exec<A: AsRef<[u8]>>(&mut self, node: &str, args: &[A]) -> Option<Reply> {
        self.act(&Action::exec(node, args)).ok()?.into_iter().next()
    }

    fn index(&self, name: &str) -> Result<usize, BadAction> {
        let known = || self.names().join(", ");
        self.machines
            .iter()
            .position(|m| m.name == name)
            .ok_or_else(|| BadAction(format!("there is no node '{name}'; there are {}", known())))
    }

    fn running(&self, name: &str) -> Result<usize, BadAction> {
        let i = self.index(name)?;
        if self.machines[i].node.is_some() {
            Ok(i)
        } else {
            Err(BadAction(format!(
                "'{name}' is not running; start it with :start {name}"
            )))
        }
    }

    fn exec_on(&mut self, i: usize, client: usize, args: &[Bytes]) -> Vec<Reply> {
        if self.machines[i].clients[client].is_none() {
            let conn = self.machines[i].accept_id();
            self.machines[i].clients[client] = Some(Client::new(conn));
            let addr = Addr {
                host: "127.0.0.1".into(),
                port: 50_000 + conn.0 as u16,
            };
            self.input(i, Input::Accepted(conn, addr));
        }
        let Some(conn) = self.machines[i].clients[client].as_ref().map(|c| c.conn) else {
            return Vec::new();
        };
        self.input(i, Input::Bytes(conn, &resp::command(args)));
        self.machines[i].clients[client]
            .as_mut()
            .map(|c| std::mem::take(&mut c.replies))
            .unwrap_or_default()
    }

    fn add_machine(&mut self, name: String, of: Option<&str>) {
        let port = 6379 + self.machines.len() as u16;
        let backlog = self.options.backlog_size;
        let config = Config {
            port,
            replicaof: of
                .and_then(|of| self.port(of))
                .map(|port| ("127.0.0.1".into(), port)),
            backlog_floor: 1,
            repl_backlog_size: backlog,
            save: String::new(),
            repl_diskless_sync: false,
            ..Config::default()
        };
        let rng = self.rng.split(&name);
        self.machines.push(Machine::new(name, config, rng));
        self.start(self.machines.len() - 1);
    }

    fn start(&mut self, i: usize) {
        let machine = &mut self.machines[i];
        machine.epoch += 1;
        machine.wake_at = None;
        machine.started = Some(self.now);
        let rng = machine.rng.split(&machine.epoch.to_string());
        let mut out = Outbox::default();
        let mut node = Node::start(machine.config.clone(), rng, self.now, &mut out);
        node.watched = true;
        machine.node = Some(node);
        self.outputs(i, out);
    }

    fn kill(&mut self, i: usize) {
        let name = self.machines[i].name.clone();
        let machine = &mut self.machines[i];
        if let Some(node) = machine.node.take() {
            // What the console set stays set, as with CONFIG REWRITE: a class should not lose its ring size.
            machine.config = node.config;
        }
        machine.child = None;
        machine.storing = None;
        machine.loading = None;
        machine.clients = [None, None];
        for (id, side) in self.network.ends_of(i) {
            self.hang_up(id, side);
        }
        self.watch.killed(self.now, i, &name);
    }

    // --- time --------------------------------------------------------------------------------------------------------

    fn due(&mut self, at: Instant, what: Due) {
        self.seq += 1;
        let key = (at.max(self.now), self.seq);
        let place = self.queue.partition_point(|(at, seq, _)| (*at, *seq) > key);
        self.queue.insert(place, (key.0, key.1, what));
    }

    /// When the next thing is due.
    pub fn next_at(&self) -> Option<Instant> {
        self.queue.last().map(|(at, ..)| *at)
    }

    /// Lets the next thing happen; false when nothing is due ever again.
    pub fn step(&mut self) -> bool {
        let Some((at, _, what)) = self.queue.pop() else {
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

    fn happen(&mut self, what: Due) {
        match what {
            Due::Wake { machine, epoch } => {
                if self.machines[machine].epoch == epoch
                    && self.machines[machine].wake_at == Some(self.now)
                {
                    self.machines[machine].wake_at = None;
                    self.input(machine, Input::Wake);
                }
            }
            Due::Accept { conn } => self.accept(conn),
            Due::Dialed { conn } => {
                if let Some(c) = self.network.conn_mut(conn) {
                    c.established = true;
                    let end = c.ends[0];
                    if end.open {
                        self.input(end.machine, Input::Dialed(end.conn));
                    }
                }
            }
            Due::DialFailed {
                machine,
                epoch,
                conn,
                why,
            } => {
                if self.machines[machine].epoch == epoch {
                    self.input(machine, Input::DialFailed(conn, why));
                }
            }
            Due::Arrive {
                conn,
                to,
                bytes,
                packet,
            } => {
                let Some(end) = self
                    .network
                    .conn(conn)
                    .map(|c| c.ends[to])
                    .filter(|e| e.open)
                else {
                    self.watch.fate(packet, false);
                    return;
                };
                self.watch.fate(packet, true);
                self.input(end.machine, Input::Bytes(end.conn, &bytes));
            }
            Due::Fin { conn, to } => {
                let Some(c) = self.network.conn_mut(conn) else {
                    return;
                };
                let end = c.ends[to];
                self.network.remove(conn);
                if end.open {
                    self.input(end.machine, Input::Closed(end.conn));
                }
            }
            Due::Dump { machine, epoch } => self.dump(machine, epoch),
            Due::Stored {
                machine,
                epoch,
                total,
            } => {
                if self.machines[machine].epoch == epoch
                    && self.machines[machine].disk.temp.len() as u64 >= total
                {
                    self.input(machine, Input::Stored(total));
                }
            }
            Due::Loaded { machine, epoch } => {
                if self.machines[machine].epoch == epoch {
                    self.machines[machine].loading = None;
                    let file = self.machines[machine].disk.dump.clone();
                    self.input(machine, Input::Loaded(file));
                }
            }
            Due::Load => self.load_tick(),
        }
    }

    fn dump(&mut self, i: usize, epoch: u32) {
        let machine = &mut self.machines[i];
        if machine.epoch != epoch {
            return;
        }
        let Some(child) = &mut machine.child else {
            return;
        };
        let (keys, step) = (child.keys_a_step, child.step_us);
        let worked = child.save.keys_done() < child.save.keys_total();
        if !child.save.advance(keys) || worked {
            return self.due(self.now.after(step), Due::Dump { machine: i, epoch });
        }
        if let Some(child) = machine.child.take() {
            let to_disk = child.save.to_disk();
            let file = child.save.finish();
            if to_disk {
                machine.disk.dump = Some(file.clone());
            }
            self.input(i, Input::Saved(file));
        }
    }

    fn load_tick(&mut self) {
        let Some(mut load) = self.load.take() else {
            return;
        };
        let key = format!("user:{}", 1 + load.rng.below(20));
        let value = format!("{:06}", load.rng.below(1_000_000));
        let args = |words: &[&str]| {
            words
                .iter()
                .map(|w| Bytes::from(w.as_bytes()))
                .collect::<Vec<_>>()
        };
        if let Ok(i) = self.running(&load.node) {
            let replies = self.exec_on(i, LOADER, &args(&["SET", &key, &value]));
            load.writes += replies
                .iter()
                .filter(|r| !matches!(r, Reply::Error(_)))
                .count() as u64;
        }
        for (n, reader) in load.reads.iter().enumerate() {
            if let Ok(i) = self.running(reader) {
                let replies = self.exec_on(i, LOADER, &args(&["GET", &key]));
                load.answered[n] += replies
                    .iter()
                    .filter(|r| !matches!(r, Reply::Error(_)))
                    .count() as u64;
            }
        }
        self.due(self.now.after(SECOND_US / u64::from(load.per_s)), Due::Load);
        self.load = Some(load);
    }

    // --- a node's inputs and outputs ---------------------------------------------------------------------------------

    fn input(&mut self, i: usize, input: Input<'_>) {
        self.events += 1;
        self.hash(&self.now.0.to_le_bytes());
        self.hash(&[i as u8]);
        match &input {
            Input::Bytes(_, bytes) => self.hash(bytes),
            other => self.hash(&[kind(other)]),
        }
        let Some(mut node) = self.machines[i].node.take() else {
            return;
        };
        let mut out = Outbox::default();
        node.handle(self.now, input, &mut out);
        self.machines[i].node = Some(node);
        self.outputs(i, out);
    }

    fn outputs(&mut self, i: usize, out: Outbox) {
        for output in out.outputs {
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
                Output::Store(bytes, fresh) => {
                    let at = self.machines[i].store(&bytes, fresh, self.now);
                    let total = self.machines[i].disk.temp.len() as u64;
                    self.due(
                        at,
                        Due::Stored {
                            machine: i,
                            epoch,
                            total,
                        },
                    );
                }
                Output::Load(install) => {
                    let at = self.machines[i].load(install, self.now);
                    self.due(at, Due::Loaded { machine: i, epoch });
                }
                Output::Save(save) => self.machines[i].disk.dump = Some(save.finish()),
                Output::Log(level, text) => self.log(i, level, text),
                Output::Note(note) => super::watch::note(self, i, note),
                Output::Exit(_) => {
                    self.kill(i);
                    return;
                }
            }
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
        self.watch.log(self.now, i, level.mark(), text);
    }

    fn client_of(&mut self, i: usize, conn: ConnId) -> Option<&mut Option<Client>> {
        self.machines[i]
            .clients
            .iter_mut()
            .find(|c| c.as_ref().is_some_and(|c| c.conn == conn))
    }

    fn send(&mut self, i: usize, conn: ConnId, bytes: &[u8]) {
        if let Some(Some(client)) = self.client_of(i, conn) {
            client.receive(bytes);
            self.hash(bytes);
            return;
        }
        let Some((id, side)) = self.network.find(i, conn) else {
            return;
        };
        let to = 1 - side;
        for chunk in bytes.chunks(PACKET_MAX) {
            let Some(c) = self.network.conn(id) else {
                return;
            };
            let peer = c.ends[to].machine;
            let path = self.network.path(i, peer).clone();
            let Some(c) = self.network.conn_mut(id) else {
                return;
            };
            let at = c.schedule(to, chunk.len(), &path, self.now);
            let frames = if side == 0 {
                c.tap.up(chunk)
            } else {
                c.tap.down(chunk)
            };
            let payload = Payload::from(chunk);
            let (from, to_name) = (
                self.machines[i].name.clone(),
                self.machines[peer].name.clone(),
            );
            let packet = self
                .watch
                .packet(from, to_name, self.now, at, payload.clone(), frames);
            self.due(
                at,
                Due::Arrive {
                    conn: id,
                    to,
                    bytes: payload,
                    packet,
                },
            );
        }
    }

    fn dial(&mut self, i: usize, conn: ConnId, addr: &Addr) {
        let epoch = self.machines[i].epoch;
        let fail = |why| Due::DialFailed {
            machine: i,
            epoch,
            conn,
            why,
        };
        let named = self.machines.iter().position(|m| m.name == addr.host);
        let Some(peer) = self.machine_at_port(addr.port).or(named) else {
            return self.due(self.now.after(1_000), fail("Connection refused"));
        };
        let path = self.network.path(i, peer).clone();
        if path.cut {
            return self.due(self.now.after(1_000), fail("No route to host"));
        }
        if peer == i || self.machines[peer].node.is_none() {
            return self.due(
                self.now.after(2 * path.latency_us),
                fail("Connection refused"),
            );
        }
        let end = |machine, conn| End {
            machine,
            conn,
            open: true,
        };
        let id = self
            .network
            .open(Conn::new(end(i, conn), end(peer, ConnId(0)), self.now));
        self.due(self.now.after(path.latency_us), Due::Accept { conn: id });
    }

    fn accept(&mut self, id: u64) {
        let Some(c) = self.network.conn(id) else {
            return;
        };
        let (dialer, peer) = (c.ends[0], c.ends[1].machine);
        let path = self.network.path(dialer.machine, peer).clone();
        if self.machines[peer].node.is_none() {
            self.network.remove(id);
            let epoch = self.machines[dialer.machine].epoch;
            let due = Due::DialFailed {
                machine: dialer.machine,
                epoch,
                conn: dialer.conn,
                why: "Connection refused",
            };
            return self.due(self.now.after(path.latency_us), due);
        }
        let conn = self.machines[peer].accept_id();
        if let Some(c) = self.network.conn_mut(id) {
            c.ends[1].conn = conn;
        }
        self.due(self.now.after(path.latency_us), Due::Dialed { conn: id });
        let addr = Addr {
            host: "127.0.0.1".into(),
            port: 40_000 + id as u16,
        };
        self.input(peer, Input::Accepted(conn, addr));
    }

    /// A node closes: the other side learns it after all that was written before.
    fn close(&mut self, i: usize, conn: ConnId) {
        if let Some(client) = self.client_of(i, conn) {
            *client = None;
            return;
        }
        if let Some((id, side)) = self.network.find(i, conn) {
            self.hang_up(id, side);
        }
    }

    fn hang_up(&mut self, id: u64, side: usize) {
        let Some(c) = self.network.conn_mut(id) else {
            return;
        };
        c.ends[side].open = false;
        let (to, a, b) = (1 - side, c.ends[0].machine, c.ends[1].machine);
        let path = self.network.path(a, b).clone();
        let Some(c) = self.network.conn_mut(id) else {
            return;
        };
        let at = c.schedule(to, 0, &path, self.now);
        self.due(at, Due::Fin { conn: id, to });
    }

    /// A connection breaks: what is on its way is lost, and the sides named learn it now.
    fn reset(&mut self, id: u64, learn: [bool; 2]) {
        let Some(c) = self.network.remove(id) else {
            return;
        };
        for (_, _, due) in &self.queue {
            if let Due::Arrive { conn, packet, .. } = due
                && *conn == id
            {
                self.watch.fate(*packet, false);
            }
        }
        self.queue
            .retain(|(_, _, due)| !matches!(due, Due::Arrive { conn, .. } if *conn == id));
        for (end, learn) in c.ends.iter().zip(learn) {
            if end.open && learn {
                let input = if c.established || end.conn.0 % 2 == 1 {
                    Input::Closed(end.conn)
                } else {
                    Input::DialFailed(end.conn, "Connection reset by peer")
                };
                self.input(end.machine, input);
            }
        }
    }

    /// Nothing but heartbeats is going on: all replicas that can be are in step and have said so.
    pub fn idle(&self) -> bool {
        if self.load.is_some()
            || self
                .watch
                .in_flight()
                .iter()
                .any(|p| p.frames.is_empty() || p.frames.iter().any(|f| !f.kind.heartbeat()))
        {
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
            let blocked = peer == i || self.network.path(i, peer).cut;
            let Some(master) = self.machines[peer].node.as_ref() else {
                return true;
            };
            if upstream.connected() {
                let acked = master
                    .attached()
                    .iter()
                    .find(|r| r.port == m.config.port)
                    .is_some_and(|r| r.ack == node.history().offset);
                return node.history().offset == master.history().offset && acked;
            }
            let orphan = master.upstream().is_some_and(|u| !u.connected());
            blocked || orphan
        };
        self.machines.iter().enumerate().all(calm)
    }

    fn hash(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.trace = (self.trace ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

fn kind(input: &Input<'_>) -> u8 {
    match input {
        Input::Accepted(..) => 1,
        Input::Dialed(_) => 2,
        Input::DialFailed(..) => 3,
        Input::Bytes(..) => 4,
        Input::Closed(_) | Input::Pending(..) => 5,
        Input::Saved(_) | Input::SaveFailed(_) => 6,
        Input::Stored(_) | Input::StoreFailed(_) => 7,
        Input::Loaded(_) => 8,
        Input::Wake => 9,
    }
}
