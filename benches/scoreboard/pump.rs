//! Nodes joined by nothing but queues: the engine without a network, a disk or a clock that costs anything. Whatever a
//! node wants from its machine happens at once.

use ringside::node::config::Config;
use ringside::node::{Addr, ConnId, Input, Node, Outbox, Output};
use ringside::rng::Rng;
use ringside::time::Instant;
use std::collections::{HashMap, VecDeque};

/// What is on its way to a node.
enum Due {
    Bytes(ConnId, Vec<u8>),
    Accepted(ConnId),
    Dialed(ConnId),
    Closed(ConnId),
    Saved(Vec<u8>),
    SavedNow,
    Stored(u64),
    Loaded(Option<Vec<u8>>),
}

/// The nodes; number `i` listens on port `7000 + i`.
pub struct Pump {
    pub nodes: Vec<Node>,
    now: Instant,
    queue: VecDeque<(usize, Due)>,
    /// Which connection of which node is at the other end.
    links: HashMap<(usize, ConnId), (usize, ConnId)>,
    files: Vec<Vec<u8>>,
    next: u64,
    /// The file of the last SAVE.
    pub saved: Vec<u8>,
    /// What was sent to connections that no node is at the other end of.
    pub replies: Vec<u8>,
}

impl Pump {
    pub fn new() -> Self {
        Self {
            nodes: Vec::new(),
            now: Instant::WORLD,
            queue: VecDeque::new(),
            links: HashMap::new(),
            files: Vec::new(),
            next: 1,
            saved: Vec::new(),
            replies: Vec::new(),
        }
    }

    /// A master, and so many replicas of it, in step.
    pub fn cluster(replicas: usize, backlog: u64) -> Self {
        let mut pump = Self::new();
        for i in 0..=replicas {
            pump.add(Config {
                port: 7000 + i as u16,
                replicaof: (i > 0).then(|| ("127.0.0.1".to_string(), 7000)),
                repl_backlog_size: backlog,
                repl_diskless_sync: false,
                save: Vec::new(),
                ..Config::default()
            });
        }
        for _ in 0..10 {
            pump.tick(1_000_000);
        }
        for replica in &pump.nodes[1..] {
            let connected = replica.upstream().is_some_and(|u| u.connected());
            assert!(connected, "the replicas of the benchmark are attached");
        }
        pump
    }

    pub fn add(&mut self, config: Config) {
        self.add_with(config, Vec::new());
    }

    /// The same, with a snapshot to begin with.
    pub fn add_with(&mut self, config: Config, file: Vec<u8>) {
        let i = self.nodes.len();
        let mut out = Outbox::default();
        self.nodes.push(Node::start(
            config,
            Rng::new(7 + i as u64),
            self.now,
            &mut out,
        ));
        self.files.push(file);
        self.perform(i, out);
        self.run();
    }

    /// A client of node `i`.
    pub fn client(&mut self, i: usize) -> ConnId {
        self.next += 2;
        let conn = ConnId(self.next);
        self.queue.push_back((i, Due::Accepted(conn)));
        self.run();
        conn
    }

    /// Bytes of a client; what follows from them happens too.
    pub fn send(&mut self, i: usize, conn: ConnId, bytes: &[u8]) {
        self.input(i, Input::Bytes(conn, bytes));
        self.run();
    }

    /// Time passes, for everybody.
    pub fn tick(&mut self, us: u64) {
        self.now = self.now.after(us);
        for i in 0..self.nodes.len() {
            if self.nodes[i].next_wake() <= self.now {
                self.input(i, Input::Wake);
            }
        }
        self.run();
    }

    fn run(&mut self) {
        while let Some((i, due)) = self.queue.pop_front() {
            let peer = Addr {
                host: "127.0.0.1".into(),
                port: 1,
            };
            match due {
                Due::Bytes(conn, bytes) => self.input(i, Input::Bytes(conn, &bytes)),
                Due::Accepted(conn) => self.input(i, Input::Accepted(conn, peer.clone(), peer)),
                Due::Dialed(conn) => self.input(i, Input::Dialed(conn)),
                Due::Closed(conn) => self.input(i, Input::Closed(conn)),
                Due::SavedNow => self.input(i, Input::SavedNow(Ok(()))),
                Due::Saved(file) => self.input(i, Input::Saved(file)),
                Due::Stored(total) => self.input(i, Input::Stored(total)),
                Due::Loaded(file) => self.input(i, Input::Loaded(file)),
            }
        }
    }

    fn input(&mut self, i: usize, input: Input<'_>) {
        let mut out = Outbox::default();
        self.nodes[i].handle(self.now, input, &mut out);
        self.perform(i, out);
    }

    fn perform(&mut self, i: usize, out: Outbox) {
        for output in out.outputs {
            match output {
                Output::Send(conn, bytes) => match self.links.get(&(i, conn)) {
                    Some(&(peer, there)) => self.queue.push_back((peer, Due::Bytes(there, bytes))),
                    None => self.replies.extend_from_slice(&bytes),
                },
                Output::Close(conn) => {
                    if let Some((peer, there)) = self.links.remove(&(i, conn)) {
                        self.links.remove(&(peer, there));
                        self.queue.push_back((peer, Due::Closed(there)));
                    }
                }
                Output::Dial(conn, addr) => self.dial(i, conn, &addr),
                Output::Fork(save) => self.queue.push_back((i, Due::Saved(save.finish()))),
                Output::Store(bytes, fresh) => {
                    if fresh {
                        self.files[i].clear();
                    }
                    self.files[i].extend_from_slice(&bytes);
                    let total = self.files[i].len() as u64;
                    self.queue.push_back((i, Due::Stored(total)));
                }
                Output::Save(save) => {
                    self.saved = save.finish();
                    self.queue.push_back((i, Due::SavedNow));
                }
                Output::Load(synced) => {
                    let file = std::mem::take(&mut self.files[i]);
                    let there = synced || !file.is_empty();
                    self.queue
                        .push_back((i, Due::Loaded(there.then_some(file))));
                }
                _ => {}
            }
        }
    }

    /// The node at that port, or nobody: then what is sent there is a reply, and the caller plays the other end.
    fn dial(&mut self, i: usize, conn: ConnId, addr: &Addr) {
        let peer = usize::from(addr.port.wrapping_sub(7000));
        if peer < self.nodes.len() {
            self.next += 2;
            let there = ConnId(self.next);
            self.links.insert((i, conn), (peer, there));
            self.links.insert((peer, there), (i, conn));
            self.queue.push_back((peer, Due::Accepted(there)));
        }
        self.queue.push_back((i, Due::Dialed(conn)));
    }
}
