//! Small worlds, looked at from end to end: one master and two replicas, a few writes, cuts, promotions and other masters,
//! and every order in which things can happen. It is the real engine that is played, and the [`Oracle`] judges every
//! event; from every state it must also come to rest once the world is healed (L1).
//!
//! *What is tried.* In every state: each deed that the bounds still allow, and each thing that can come next if all the
//! others are slower ([`hurry`](super::hurry)). A state that was seen before, told by its
//! [`essence`](super::essence), is not looked at again.
//!
//! *What is not.* Steps that commute with all others are taken at once, as one: the handshake up to PSYNC,
//! acknowledgements, `+FULLRESYNC`, the child's work before its end. Time passes only when nothing else can happen and a
//! node waits for its cron. Two connections between the same machines keep the order of what was sent. A process that ends
//! is started again at once, no path stays cut, and nothing times out: that is for the [`swarm`](super::swarm).

use super::action::{Action, Disk, Told, Way, When};
use super::cluster::{Cluster, Due, Options};
use super::hurry::Next;
use super::machine::Machine;
use super::network::Item;
use super::swarm::{Case, Step};
use crate::node::{Loading, Node, ReplicaState, Stage};
use crate::time::SECOND_US;
use foldhash::fast::FixedState;
use indexmap::IndexSet;

/// Who follows whom in the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Both replicas follow the master.
    Star,
    /// One replica follows the other.
    Chain,
}

/// How often each deed is done at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub writes: u8,
    /// A cut comes between two packets, or in the middle of one.
    pub cuts: u8,
    pub promotions: u8,
    /// `REPLICAOF` with another master.
    pub reparents: u8,
    /// A process ends and starts again, from its last file or from none.
    pub ends: u8,
    /// Whether that may close a circle in which nobody is a master. There everybody gets a new copy again and again,
    /// which is most of what there is to see in a chain, and of little interest.
    pub loops: bool,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Report {
    /// States that differ, and ways from one to another that were tried.
    pub states: u64,
    pub edges: u64,
    /// The longest way that was gone.
    pub depth: usize,
    /// Steps of healing, and the most that one state needed until it met one that was known to heal.
    pub healing: u64,
    pub healing_depth: usize,
    /// The law that was broken, and how to come there.
    pub failure: Option<(String, Case)>,
}

/// Bytes of the ring: one less than the transaction that is written, with its SELECT; the other writes fit in.
const RING: u64 = 93;
/// More than any small world needs to heal.
const HEALING_MAX: usize = 2000;
/// What everybody does before: nothing happens by itself while a second passes but the cron.
const SETTINGS: [&str; 4] = [
    "NODE> CONFIG SET repl-ping-replica-period 1000000",
    "NODE> CONFIG SET repl-timeout 1000000",
    "NODE> CONFIG SET repl-backlog-ttl 0",
    "slow NODE 100",
];

/// Something that a search can do in a state.
#[derive(Clone, Debug)]
enum Move {
    Next(Next),
    /// Lines that belong together, and what they cost.
    Deed(Vec<Action>, Bounds),
    Second,
}

/// A state on the way that is being gone.
struct Place {
    world: Cluster,
    left: Bounds,
    /// What was not tried here yet.
    moves: Vec<Move>,
    /// Steps that led here.
    steps: usize,
}

/// Looks at every state of a small world.
pub struct Search {
    options: Options,
    way: Vec<Place>,
    steps: Vec<Step>,
    seen: IndexSet<u128, FixedState>,
    healing: IndexSet<u128, FixedState>,
    report: Report,
}

impl Search {
    pub fn new(layout: Layout, bounds: Bounds) -> Self {
        let options = Options {
            backlog_size: RING,
            keys: Vec::new(),
            ..Options::default()
        };
        let mut world = Cluster::ready(options.clone());
        world.unwatched();
        world.judge();
        let mut search = Self {
            options,
            way: Vec::new(),
            steps: Vec::new(),
            seen: IndexSet::default(),
            healing: IndexSet::default(),
            report: Report {
                states: 0,
                edges: 0,
                depth: 0,
                healing: 0,
                healing_depth: 0,
                failure: None,
            },
        };
        search.prepare(&mut world, layout);
        search.arrive(world, bounds);
        search
    }

    /// Looks at up to `edges` more ways; `None` when there are more.
    pub fn run(&mut self, edges: u64) -> Option<&Report> {
        for _ in 0..edges {
            if self.report.failure.is_some() {
                return Some(&self.report);
            }
            let Some(place) = self.way.last_mut() else {
                return Some(&self.report);
            };
            self.steps.truncate(place.steps);
            let Some(step) = place.moves.pop() else {
                self.way.pop();
                continue;
            };
            let left = place.left;
            let mut world = place.world.clone();
            self.report.edges += 1;
            let left = self.go(&mut world, &step, left);
            self.arrive(world, left);
        }
        None
    }

    /// What was found so far.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Lines before the search begins: the layout, and settings with which nothing happens by itself for a second.
    fn prepare(&mut self, world: &mut Cluster, layout: Layout) {
        let names = names(world);
        if layout == Layout::Chain {
            self.line(world, "r2> REPLICAOF 127.0.0.1 6380");
            self.steps.push(Step::Run(5 * SECOND_US));
            world.run_until(world.now.after(5 * SECOND_US));
        }
        for name in &names {
            for line in SETTINGS {
                self.line(world, &line.replace("NODE", name));
            }
            for other in names.iter().filter(|other| *other < name) {
                self.line(world, &format!("latency {name} {other} 30s"));
            }
        }
        // The stream has a database that is not the first one.
        for line in ["m> SELECT 1", "m> INCR a"] {
            self.line(world, line);
        }
        while let Some((next, _)) = world.pending().first() {
            let next = *next;
            self.next(world, next);
        }
    }

    fn line(&mut self, world: &mut Cluster, line: &str) {
        let action = Action::parse(line).expect("a line of this file");
        self.act(world, action);
    }

    fn act(&mut self, world: &mut Cluster, action: Action) {
        if world.act(&action).is_ok() {
            self.steps.push(Step::Act(action));
        }
    }

    fn next(&mut self, world: &mut Cluster, next: Next) {
        world.happen_next(next);
        let name = |i: usize| world.machines[i].name.clone();
        self.steps.push(Step::Act(match next {
            Next::Way(from, to) => Action::Hurry {
                node: name(from),
                to: Some(name(to)),
            },
            Next::Job(i) => Action::Hurry {
                node: name(i),
                to: None,
            },
        }));
    }

    /// Does one thing, and all that commutes with everything; what is left of the bounds.
    fn go(&mut self, world: &mut Cluster, step: &Move, left: Bounds) -> Bounds {
        let mut after = left;
        match step {
            Move::Next(next) => self.next(world, *next),
            Move::Deed(actions, left) => {
                for action in actions {
                    self.act(world, action.clone());
                }
                after = *left;
            }
            Move::Second => {
                self.steps.push(Step::Run(SECOND_US));
                world.run_until(world.now.after(SECOND_US));
            }
        }
        while let Some(next) = certain(world) {
            self.next(world, next);
        }
        after
    }

    /// A state: is it new, is it right, does it heal, and what can be done in it?
    fn arrive(&mut self, world: Cluster, left: Bounds) {
        if let Some(law) = broken(&world) {
            return self.fails(law);
        }
        let budget = [
            left.writes,
            left.cuts,
            left.promotions,
            left.reparents,
            left.ends,
        ];
        if !self.seen.insert(world.essence(&budget, left.ends > 0)) {
            return;
        }
        self.report.states += 1;
        self.report.depth = self.report.depth.max(self.way.len());
        let steps = self.steps.len();
        if let Some(law) = self.heals(world.clone()) {
            return self.fails(law);
        }
        self.steps.truncate(steps);
        let moves = moves(&world, left);
        self.way.push(Place {
            world,
            left,
            moves,
            steps,
        });
    }

    fn fails(&mut self, law: String) {
        let case = Case {
            options: self.options.clone(),
            steps: self.steps.clone(),
            outside: Vec::new(),
        };
        self.report.failure = Some((law, case));
    }

    /// L1: everybody follows the first node, and in the end all are alike. Why not, or the law that was broken.
    fn heals(&mut self, mut world: Cluster) -> Option<String> {
        // Who loads its file obeys nobody.
        for i in 0..world.machines.len() {
            if starts(&world, i) {
                self.next(&mut world, Next::Job(i));
            }
        }
        let mut names = names(&world).into_iter();
        let first = names.next()?;
        self.line(&mut world, &format!("{first}> REPLICAOF NO ONE"));
        for name in names {
            self.line(&mut world, &format!("{name}> REPLICAOF 127.0.0.1 6379"));
        }
        for steps in 0..HEALING_MAX {
            while let Some(next) = certain(&world) {
                self.next(&mut world, next);
            }
            if let Some(law) = broken(&world) {
                return Some(law);
            }
            self.report.healing_depth = self.report.healing_depth.max(steps);
            if !self.healing.insert(world.essence(&[], false)) || alike(&world) {
                return None;
            }
            self.report.healing += 1;
            let next = world.pending().first().map(|(next, _)| *next);
            let step = next.map_or(Move::Second, Move::Next);
            let bounds = Bounds {
                writes: 0,
                cuts: 0,
                promotions: 0,
                reparents: 0,
                ends: 0,
                loops: false,
            };
            self.go(&mut world, &step, bounds);
        }
        Some("L1: it does not come to rest once it is healed".into())
    }
}

fn names(world: &Cluster) -> Vec<String> {
    world.names().into_iter().map(String::from).collect()
}

fn broken(world: &Cluster) -> Option<String> {
    let violations = world.oracle()?.violations();
    violations.first().map(ToString::to_string)
}

/// All replicas are linked to the first node and have all that it has.
fn alike(world: &Cluster) -> bool {
    let mut nodes = world.machines.iter().filter_map(|m| m.node.as_ref());
    let Some(master) = nodes.next() else {
        return false;
    };
    let same = |node: &Node| {
        let (mine, its) = (node.history(), master.history());
        node.upstream().is_some_and(|u| u.connected())
            && (&mine.replid, mine.offset) == (&its.replid, its.offset)
            && node.keyspace().digest() == master.keyspace().digest()
    };
    nodes.all(same)
}

/// The next thing that commutes with all others: it may as well happen at once.
fn certain(world: &Cluster) -> Option<Next> {
    let pending = world.pending();
    let found = pending.iter().find(|(_, due)| match due {
        Due::Arrive { conn, to, item } => arrives_for_sure(world, *conn, *to, item),
        Due::DialFailed { .. } => true,
        Due::Dump { machine, .. } => {
            let child = world.machines[*machine].child.as_ref();
            child.is_none_or(|c| c.save.keys_done() < c.save.keys_total())
        }
        Due::Stored { machine, .. } => {
            let node = world.machines[*machine].node.as_ref();
            let stage = node.and_then(Node::upstream).map(|u| &u.stage);
            !matches!(stage, Some(Stage::Transfer(t)) if t.complete)
        }
        _ => false,
    });
    found.map(|(next, _)| *next)
}

fn arrives_for_sure(world: &Cluster, conn: u64, to: usize, item: &Item) -> bool {
    if to == 1 {
        if matches!(item, Item::Fin) {
            // A replica that was online is gone; one that waits for a snapshot may take the child with it.
            let end = world.end_of(conn, to);
            return end.is_none_or(|end| {
                let node = world.machines[end.machine].node.as_ref();
                let mut attached = node.map(Node::attached).unwrap_or_default().into_iter();
                attached.all(|r| r.conn != end.conn || r.state == ReplicaState::Online)
            });
        }
        let Item::Bytes { bytes, .. } = item else {
            return !matches!(item, Item::Reset);
        };
        // The verdict depends on when it is asked for; the words before it, and acknowledgements, change nothing.
        return !bytes.windows(5).any(|w| w == b"PSYNC");
    }
    let bytes = match item {
        Item::Syn | Item::Accepted | Item::Dialed => return true,
        Item::Fin | Item::Reset => return false,
        Item::Bytes { bytes, .. } => bytes,
    };
    let Some(end) = world.end_of(conn, to) else {
        return true;
    };
    let upstream = world.machines[end.machine].node.as_ref();
    let upstream = upstream.and_then(Node::upstream);
    let Some(upstream) = upstream.filter(|u| u.conn() == Some(end.conn)) else {
        return true; // nobody listens any more
    };
    match &upstream.stage {
        Stage::ReceivePsyncReply => bytes.starts_with(b"+FULLRESYNC") && bytes.ends_with(b"\n"),
        Stage::Transfer(_) => &**bytes == b"\n",
        Stage::Connected => false,
        _ => true,
    }
}

/// All that can be done in a state.
fn moves(world: &Cluster, left: Bounds) -> Vec<Move> {
    let mut moves = Vec::new();
    let pending: Vec<Next> = world.pending().iter().map(|(next, _)| *next).collect();
    let nodes = world.machines.iter().filter_map(|m| m.node.as_ref());
    let waits = |node: &Node| node.upstream().is_some_and(|u| !u.connected());
    if let Some(next) = pending
        .iter()
        .find(|next| alone(world, **next, &pending, left))
    {
        return vec![Move::Next(*next)];
    }
    if pending.is_empty() && nodes.clone().any(waits) {
        moves.push(Move::Second);
    }
    for (i, node) in nodes.enumerate() {
        if !starts(world, i) {
            deeds_on(world, i, node, left, &mut moves);
        }
        if left.ends > 0 {
            ends(world, i, left, &mut moves);
        }
    }
    if left.cuts > 0 {
        cuts(world, left, &mut moves);
    }
    moves.extend(pending.into_iter().map(Move::Next));
    moves
}

/// Whether nothing else, now or later, touches the machine at which this happens before it does: then it does not matter
/// when it does, and one order stands for all (a persistent set of one).
fn alone(world: &Cluster, next: Next, pending: &[Next], left: Bounds) -> bool {
    let (Next::Way(_, at) | Next::Job(at)) = next;
    let here = |other: &&Next| matches!(other, Next::Way(_, to) | Next::Job(to) if *to == at);
    let Some(node) = &world.machines[at].node else {
        return false;
    };
    let master = node.upstream().is_none();
    let touched = left.cuts > 0
        || left.reparents > 0
        || left.ends > 0
        || left.promotions > 0 && !master
        || left.writes > 0 && master;
    if touched || pending.iter().filter(here).count() > 1 {
        return false;
    }
    let port = world.machines[at].config.port;
    let upstream = |m: &Machine| m.node.as_ref().and_then(|n| Some(n.upstream()?.addr.port));
    let peers = (0..world.machines.len()).filter(|j| {
        let follows = upstream(&world.machines[*j]) == Some(port);
        *j != at && (follows || !world.network.between(at, *j).is_empty())
    });
    let peers: Vec<usize> = peers.collect();
    match next {
        Next::Way(from, _) => peers.iter().all(|peer| *peer == from),
        // What a master that nobody changes sends meanwhile only waits, as it does until the snapshot is loaded.
        Next::Job(_) => {
            let unchanged = |j: &usize| {
                let follows = upstream(&world.machines[*j]);
                follows.is_none()
                    && upstream(&world.machines[at]) == Some(world.machines[*j].config.port)
            };
            left.writes == 0
                && left.promotions == 0
                && peers.len() <= 1
                && peers.iter().all(unchanged)
        }
    }
}

/// What an operator and a client can do on a node.
fn deeds_on(world: &Cluster, i: usize, node: &Node, left: Bounds, moves: &mut Vec<Move>) {
    let name = &world.machines[i].name;
    let exec = |line: &str| Action::exec(name, &line.split(' ').collect::<Vec<_>>());
    let upstream = node.upstream();
    if left.writes > 0 && upstream.is_none() {
        let lines: &[&str] = match left.writes % 3 {
            2 => &["SELECT 1", "INCR a"],
            1 => &["SELECT 0", "MULTI", "INCR a", "INCR b", "EXEC"],
            _ => &["SELECT 1", "APPEND a x"],
        };
        let writes = left.writes - 1;
        let lines = lines.iter().map(|line| exec(line)).collect();
        moves.push(Move::Deed(lines, Bounds { writes, ..left }));
    }
    if left.promotions > 0 && upstream.is_some() {
        let promotions = left.promotions - 1;
        let line = vec![exec("REPLICAOF NO ONE")];
        moves.push(Move::Deed(line, Bounds { promotions, ..left }));
    }
    if left.reparents > 0 {
        let reparents = left.reparents - 1;
        for (j, other) in world.machines.iter().enumerate() {
            let port = other.config.port;
            if j != i
                && upstream.is_none_or(|u| u.addr.port != port)
                && (left.loops || !follows(world, j, i))
            {
                let line = vec![exec(&format!("REPLICAOF 127.0.0.1 {port}"))];
                moves.push(Move::Deed(line, Bounds { reparents, ..left }));
            }
        }
    }
}

/// A process dies, and another one begins with the file that it left, or with nothing.
fn ends(world: &Cluster, i: usize, left: Bounds, moves: &mut Vec<Move>) {
    let node = &world.machines[i].name;
    let left = Bounds {
        ends: left.ends - 1,
        ..left
    };
    let has_file = world.machines[i].disk.dump.is_some();
    for from in [Disk::Empty, Disk::Last] {
        if from == Disk::Last && !has_file {
            continue;
        }
        let kill = Action::Kill { node: node.clone() };
        let start = Action::Start {
            node: node.clone(),
            from,
        };
        moves.push(Move::Deed(vec![kill, start], left));
    }
}

/// Its process loads the file with which it started.
fn starts(world: &Cluster, i: usize) -> bool {
    let node = world.machines[i].node.as_ref();
    node.is_some_and(|node| node.loading() == Some(Loading::Start))
}

/// Whether one machine follows another, directly or by way of others.
fn follows(world: &Cluster, mut j: usize, i: usize) -> bool {
    for _ in 0..world.machines.len() {
        let node = world.machines[j].node.as_ref();
        let port = node.and_then(|n| Some(n.upstream()?.addr.port));
        match port.and_then(|port| world.machine_at_port(port)) {
            Some(up) if up == i => return true,
            Some(up) => j = up,
            None => return false,
        }
    }
    true
}

/// Every connection that can break: between two packets, and in the middle of the one that comes next.
fn cuts(world: &Cluster, left: Bounds, moves: &mut Vec<Move>) {
    let left = Bounds {
        cuts: left.cuts - 1,
        ..left
    };
    for i in 0..world.machines.len() {
        for j in 0..world.machines.len() {
            let (a, b) = (&world.machines[i].name, &world.machines[j].name);
            if i == j || world.network.between(i, j).is_empty() {
                continue;
            }
            let cut = |when| Action::Cut {
                a: a.clone(),
                b: b.clone(),
                told: Told::Both,
                when,
            };
            let restore = Action::Restore {
                way: Way::path(a, b),
            };
            if i < j {
                moves.push(Move::Deed(vec![cut(When::Now), restore.clone()], left));
            }
            if let Some(bytes) = world.next_bytes(i, j).filter(|&bytes| bytes > 1) {
                let hurry = Action::Hurry {
                    node: a.clone(),
                    to: Some(b.clone()),
                };
                let lines = vec![cut(When::After(bytes / 2)), hurry, restore];
                moves.push(Move::Deed(lines, left));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The larger worlds are looked at by `tests/mutants.rs`, in a faster build.
    #[test]
    fn one_write_and_one_cut_are_without_fault() {
        for (layout, least) in [(Layout::Star, 20), (Layout::Chain, 50)] {
            let bounds = Bounds {
                writes: 1,
                cuts: 1,
                promotions: 0,
                reparents: 0,
                ends: 0,
                loops: true,
            };
            let mut search = Search::new(layout, bounds);
            let report = search.run(10_000).expect("a small world");
            assert!(report.failure.is_none(), "{:?}", report.failure);
            assert!(report.states >= least, "{} states", report.states);
        }
    }
}
