//! Real servers and ours in one tree that is laid out anew all the time, under load: other parents, cut links, restarts,
//! kills, servers that stand still, promotions. In the end all have the same data at the same offset of the same
//! history, and nobody was fully synchronized who did not have to be.
//!
//! It goes on for half a minute, or for `RINGSIDE_TOPOLOGY_SECONDS`; `RINGSIDE_TOPOLOGY_SEED` repeats a run's decisions.

#[path = "redis/client.rs"]
#[allow(dead_code)]
mod client;
#[path = "redis/dataset.rs"]
#[allow(dead_code)]
mod dataset;
#[path = "redis/process.rs"]
#[allow(dead_code)]
mod process;

use client::Client;
use dataset::Writes;
use process::{Server, eventually, from_file};
use ringside::rng::Rng;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

const CONF: &str = "\
# of a test
save \"\"
enable-debug-command yes
repl-backlog-size 256mb
repl-diskless-sync-delay 0
repl-ping-replica-period 3600
client-output-buffer-limit replica 0 0 0
";

fn setting(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(default, |text| text.parse().expect("a number"))
}

/// Who may write where: a thread does, to the master whose port is in the lock, for as long as nobody else has it.
struct Load {
    master: Arc<Mutex<u16>>,
    over: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<u64>>,
}

impl Load {
    fn on(port: u16, seed: u64) -> Self {
        let (master, over) = (Arc::new(Mutex::new(port)), Arc::new(AtomicBool::new(false)));
        let (lock, stop) = (Arc::clone(&master), Arc::clone(&over));
        let thread = std::thread::spawn(move || {
            let (mut writes, mut batches) = (Writes::new(seed), 0);
            while !stop.load(Ordering::SeqCst) {
                {
                    let port = lock.lock().expect("no panic meanwhile");
                    writes.go_on(&mut Client::connect(*port), 40);
                }
                batches += 1;
                std::thread::sleep(Duration::from_millis(2));
            }
            batches * 40
        });
        Self {
            master,
            over,
            thread: Some(thread),
        }
    }

    fn pause(&self) -> MutexGuard<'_, u16> {
        self.master.lock().expect("no panic meanwhile")
    }

    /// How many writes there were.
    fn end(&mut self) -> u64 {
        self.over.store(true, Ordering::SeqCst);
        let thread = self.thread.take().expect("it ends once");
        thread.join().expect("every write was taken")
    }
}

/// The servers and whose replica each is.
struct Tree {
    servers: Vec<Server>,
    parents: Vec<Option<usize>>,
    rng: Rng,
    /// Full synchronizations that processes which have ended since had given, and how many there may be in all.
    given: u64,
    allowed: u64,
    log: Vec<String>,
}

impl Tree {
    fn new(count: usize, seed: u64) -> Self {
        let servers: Vec<Server> = (0..count)
            .map(|i| {
                let way = ["repl-diskless-sync no", "repl-diskless-load swapdb", ""][i % 3];
                from_file(i % 2 == 1, &format!("{CONF}{way}\n"))
            })
            .collect();
        let mut tree = Self {
            parents: vec![None; count],
            servers,
            rng: Rng::new(seed),
            given: 0,
            allowed: count as u64 - 1,
            log: Vec::new(),
        };
        for i in 1..count {
            let parent = tree.below(i);
            tree.follow(i, parent);
            tree.linked(i);
        }
        tree
    }

    fn below(&mut self, bound: usize) -> usize {
        self.rng.below(bound as u64) as usize
    }

    fn client(&self, i: usize) -> Client {
        self.servers[i].client()
    }

    fn master(&self) -> usize {
        let root = self.parents.iter().position(Option::is_none);
        root.expect("one has no parent")
    }

    /// Any that is not the master.
    fn replica(&mut self) -> usize {
        loop {
            let i = self.below(self.servers.len());
            if self.parents[i].is_some() {
                return i;
            }
        }
    }

    fn is_leaf(&self, i: usize) -> bool {
        !self.parents.contains(&Some(i))
    }

    /// Whether `i` hangs somewhere below `above`, or is it.
    fn hangs_below(&self, i: usize, above: usize) -> bool {
        i == above || self.parents[i].is_some_and(|parent| self.hangs_below(parent, above))
    }

    fn note(&mut self, text: String) {
        self.log.push(text);
    }

    fn follow(&mut self, i: usize, parent: usize) {
        let port = self.servers[parent].port;
        let answer = self.client(i).text(&format!("REPLICAOF 127.0.0.1 {port}"));
        assert!(answer.starts_with("OK"), "{answer}");
        self.parents[i] = Some(parent);
    }

    fn linked(&self, i: usize) {
        eventually(&format!("server {i} is linked"), || self.client(i).linked());
    }

    fn name(&self, i: usize) -> String {
        format!("{}{i}", if self.servers[i].ours { "ours" } else { "real" })
    }

    // --- what happens ------------------------------------------------------------------------------------------------

    fn another_parent(&mut self) {
        let (i, parent) = (self.replica(), self.below(self.servers.len()));
        if !self.hangs_below(parent, i) {
            self.note(format!("{} follows {}", self.name(i), self.name(parent)));
            self.follow(i, parent);
        }
    }

    fn cut(&mut self) {
        let i = self.replica();
        self.note(format!("the link of {} is cut", self.name(i)));
        if self.below(2) == 0 {
            self.client(i).run("CLIENT KILL TYPE master");
        } else if let Some(parent) = self.parents[i] {
            self.client(parent).run("CLIENT KILL TYPE replica");
        }
    }

    fn stands_still(&mut self) {
        let i = self.replica();
        self.note(format!("{} stands still", self.name(i)));
        self.servers[i].signal("STOP");
        let ms = 20 + self.below(300) as u64;
        std::thread::sleep(Duration::from_millis(ms));
        self.servers[i].signal("CONT");
    }

    /// In order, with its data and its place in the history on disk: it needs no full synchronization afterwards.
    fn restart(&mut self) {
        let i = self.replica();
        self.linked(i);
        self.note(format!("{} starts again", self.name(i)));
        self.given += self.client(i).stat("sync_full");
        let mut client = self.client(i);
        client.send(b"SHUTDOWN SAVE NOW\r\n");
        self.start(i);
    }

    /// A leaf, without a warning. It may have nothing, or a snapshot of some time ago.
    fn kill(&mut self) {
        let i = self.replica();
        if self.is_leaf(i) {
            self.note(format!("{} is killed", self.name(i)));
            self.given += self.client(i).stat("sync_full");
            self.allowed += 1;
            self.servers[i].signal("KILL");
            self.start(i);
        }
    }

    fn start(&mut self, i: usize) {
        self.servers[i].ended();
        let parent = self.parents[i].expect("only replicas are ended");
        let of = format!("127.0.0.1 {}", self.servers[parent].port);
        self.servers[i].start_again_with(&["--replicaof", &of]);
        self.linked(i);
    }

    /// The master and a replica of it change places while nobody writes.
    fn promotion(&mut self, load: &Load) {
        let mut port = load.pause();
        self.settled();
        let (old, new) = (self.master(), self.replica());
        self.note(format!("{} is promoted", self.name(new)));
        self.client(new).ok("REPLICAOF NO ONE");
        let above = self.parents[new].take();
        self.follow(old, new);
        // What hung between the two would hang below itself.
        if let Some(above) = above.filter(|&above| above != old) {
            self.follow(above, new);
        }
        *port = self.servers[new].port;
    }

    // --- whether all is well -----------------------------------------------------------------------------------------

    /// Waits until all are at the same offset and stay there: keys that expire lengthen the stream, too.
    fn settled(&self) {
        let master = self.master();
        let mut since = (Instant::now(), -1);
        eventually("all are at the same offset", || {
            let offset = self.client(master).offset();
            let same = (0..self.servers.len()).all(|i| {
                let mut client = self.client(i);
                (i == master || client.linked()) && client.offset() == offset
            });
            if !same || offset != since.1 {
                since = (Instant::now(), offset);
            }
            since.0.elapsed() > Duration::from_millis(400)
        });
    }

    fn check(&mut self, load: &Load) {
        let _nobody_writes = load.pause();
        self.settled();
        let facts = |i: usize| {
            let mut client = self.client(i);
            (client.digest(), client.replication("master_replid"))
        };
        let expected = facts(self.master());
        for i in 0..self.servers.len() {
            assert_eq!(
                facts(i),
                expected,
                "{} differs; {:#?}",
                self.name(i),
                self.log
            );
        }
        let now: u64 = (0..self.servers.len())
            .map(|i| self.client(i).stat("sync_full"))
            .sum();
        let (all, allowed) = (self.given + now, self.allowed);
        assert!(
            all <= allowed,
            "{all} full synchronizations, not {allowed}: {:#?}",
            self.log
        );
    }
}

#[test]
fn a_tree_that_is_laid_out_anew_all_the_time_stays_one() {
    let seconds = setting("RINGSIDE_TOPOLOGY_SECONDS", 30);
    let seed = setting("RINGSIDE_TOPOLOGY_SEED", 1);
    let (begin, mut checks) = (Instant::now(), 0);
    let mut tree = Tree::new(5, seed);
    let mut load = Load::on(tree.servers[tree.master()].port, seed);
    while begin.elapsed() < Duration::from_secs(seconds) {
        match tree.below(12) {
            0..4 => tree.another_parent(),
            4..7 => tree.cut(),
            7 => tree.stands_still(),
            8 => tree.restart(),
            9 => tree.kill(),
            10 => tree.promotion(&load),
            _ => {
                tree.check(&load);
                checks += 1;
            }
        }
        let ms = tree.below(400) as u64;
        std::thread::sleep(Duration::from_millis(ms));
    }
    tree.check(&load);
    let writes = load.end();
    eprintln!(
        "seed {seed}: {} happenings, {checks} checks, {writes} writes, {} full synchronizations allowed",
        tree.log.len(),
        tree.allowed
    );
}
