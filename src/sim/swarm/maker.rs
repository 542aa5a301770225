//! What a random world goes through, line by line: how its nodes are set up, what clients ask of them, and what goes
//! wrong.

use crate::node::Stage;
use crate::rng::Rng;
use crate::sim::cluster::Cluster;
use crate::sim::oracle::board::Rare;
use crate::time::MILLISECOND_US;

/// What can go wrong in a world; each class is there with even odds.
#[derive(Clone, Debug)]
struct Classes(u64);

const CLASSES: u64 = 16;
/// The class of cuts at a byte.
const CUT_AT_BYTE: u64 = 1;

impl Classes {
    fn has(&self, class: u64) -> bool {
        self.0 >> class & 1 == 1
    }
}

/// Makes up lines.
pub struct Maker {
    pub rng: Rng,
    classes: Classes,
    /// Something was written that is to be cut on its way.
    aims: bool,
    /// Paths that were cut so; they are soon whole again.
    mends: Vec<String>,
}

impl Maker {
    pub fn new(mut rng: Rng) -> Self {
        Self {
            classes: Classes(rng.next_u64()),
            rng,
            aims: false,
            mends: Vec::new(),
        }
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.rng.below(of.len() as u64) as usize]
    }

    /// From a millisecond to some seconds, each order of magnitude as likely; shorter while there is a snapshot to cut.
    pub fn pause(&mut self, world: &Cluster) -> u64 {
        let transfers = |name: &str| {
            let upstream = world.node(name).and_then(|n| n.upstream());
            upstream.is_some_and(|u| matches!(u.stage, Stage::Transfer(_)))
        };
        let cuts = self.classes.has(CUT_AT_BYTE) && world.names().into_iter().any(transfers);
        let most = if cuts && self.rng.below(8) > 0 {
            self.pick(&[15, 60])
        } else {
            self.pick(&[2, 20, 200, 1000, 4000])
        };
        (1 + self.rng.below(most)) * MILLISECOND_US
    }

    /// How the nodes of this world are set up.
    pub fn settings(&mut self, world: &Cluster) -> Vec<String> {
        let names: Vec<String> = world.names().into_iter().map(String::from).collect();
        let (mut lines, mut floods) = (Vec::new(), false);
        let mut all = |line: &str| lines.extend(names.iter().map(|n| format!("{n}> {line}")));
        if self.rng.below(2) == 0 {
            all("CONFIG SET repl-diskless-sync yes");
            all("CONFIG SET repl-diskless-sync-delay 0");
        }
        if self.rng.below(3) == 0 {
            all("CONFIG SET repl-timeout 5");
        }
        if self.rng.below(3) == 0 {
            all("CONFIG SET replica-serve-stale-data no");
        }
        if self.rng.below(4) == 0 {
            all("CONFIG SET save \"3600 1\"");
        }
        if self.rng.below(4) == 0 {
            all("CONFIG SET client-output-buffer-limit \"replica 3000 0 0\"");
            floods = self.rng.below(4) == 0;
        }
        if self.rng.below(2) == 0 {
            all("CONFIG SET repl-backlog-ttl 5");
        }
        if floods {
            lines.push("load m 20/s keys 4 size 3000".into());
        } else if self.rng.below(2) == 0 {
            let mix = self.pick(&[
                "set",
                "set,incr,del",
                "set,incr,push,add,multi",
                "set,expire,select,multi",
                "multi,multi,set",
            ]);
            let rate = self.pick(&[2, 10, 50]);
            lines.push(format!("load m {rate}/s keys 8 mix {mix}"));
        }
        lines
    }

    /// The next lines: a command, a transaction, or something that goes wrong.
    pub fn lines(&mut self, world: &Cluster) -> Vec<String> {
        if self.classes.has(CUT_AT_BYTE)
            && let Some(line) = self.cut_on_the_way(world)
        {
            return vec![line];
        }
        if self.rng.below(4) == 0
            && let Some(line) = self.mends.pop()
        {
            return vec![line];
        }
        let names = world.names();
        let a = self.pick(&names);
        let b = self.pick(&names);
        loop {
            let class = self.rng.below(CLASSES * 2);
            if class >= CLASSES {
                return self.commands(world, a);
            }
            if self.classes.has(class) {
                return self.fault(world, class, a, b);
            }
        }
    }

    /// A cut in the middle of something that is on its way now; each kind of thing is as likely.
    fn cut_on_the_way(&mut self, world: &Cluster) -> Option<String> {
        let chances = world.oracle()?.chances(world);
        let mut kinds: Vec<Rare> = chances.iter().map(|chance| chance.2).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let rarest = [Rare::CutInMulti, Rare::CutInMark, Rare::CutInRdb];
        let found = kinds.iter().any(|kind| rarest.contains(kind));
        let mark = kinds.contains(&Rare::CutInMark);
        if found {
            kinds.retain(|kind| rarest.contains(kind) && (!mark || *kind == Rare::CutInMark));
        }
        let odds = if mark {
            1
        } else if found {
            2
        } else {
            8
        };
        let aims = std::mem::take(&mut self.aims) || self.rng.below(odds) == 0;
        if kinds.is_empty() || !aims {
            return None;
        }
        let kind = self.pick(&kinds);
        let those = chances.iter().filter(|chance| chance.2 == kind);
        let those: Vec<_> = those.copied().collect();
        let (from, to, _, n) = self.pick(&those);
        self.mends.push(format!("restore {from} {to}"));
        Some(format!("cut {from} {to} after {n}"))
    }

    /// A command of a client, mostly for a master, or a transaction.
    fn commands(&mut self, world: &Cluster, a: &str) -> Vec<String> {
        let masters = world.names().into_iter().filter(|n| {
            let node = world.node(n);
            node.is_some_and(|n| n.upstream().is_none())
        });
        let masters: Vec<&str> = masters.collect();
        let to = if masters.is_empty() || self.rng.below(8) == 0 {
            a
        } else {
            self.pick(&masters)
        };
        if self.rng.below(2) == 0
            && let Some(line) = self.up_to_the_edge(world, to)
        {
            return vec![line];
        }
        if self.rng.below(12) > 0 {
            return vec![format!("{to}> {}", self.command())];
        }
        let mut lines = vec![format!("{to}> MULTI")];
        for _ in 0..1 + self.rng.below(3) {
            lines.push(format!("{to}> {}", self.command()));
        }
        lines.push(format!("{to}> EXEC"));
        lines
    }

    /// A write after which the backlog of a master just covers, or just does not, what an absent replica needs.
    fn up_to_the_edge(&mut self, world: &Cluster, master: &str) -> Option<String> {
        let node = world.node(master)?;
        let (ring, history) = (node.backlog()?, node.history());
        let port = world.port(master)?;
        let needs = |name: &&str| {
            let replica = world.node(name)?;
            let upstream = replica.upstream().filter(|u| u.addr.port == port)?;
            let same = replica.history().replid == history.replid;
            (!upstream.connected() && same).then_some(replica.history().offset)
        };
        let needs: Vec<u64> = world.names().iter().filter_map(needs).collect();
        let last = self.rng.below(12) + ring.size() + needs.first()?;
        // What the command takes besides its value, whose length has two or three digits.
        let value = last.checked_sub(history.offset + 32)?;
        let value = (10..500).contains(&value).then_some(value as usize)?;
        Some(format!("{master}> SET k0 {}", "e".repeat(value)))
    }

    fn command(&mut self) -> String {
        let key = self.rng.below(6);
        match self.rng.below(16) {
            0..=3 => format!("SET k{key} {}", "v".repeat(1 + self.rng.below(90) as usize)),
            4 => format!("RPUSH l{key} {}", self.rng.below(9)),
            5 => format!("SADD s{key} {} {}", self.rng.below(9), self.rng.below(9)),
            6 => format!("SPOP s{key}"),
            7 => format!("SET t{key} v PX {}", 1 + self.rng.below(3000)),
            8 => format!("DEL k{key} l{key}"),
            9 => format!("INCRBY n{key} {}", self.rng.below(100)),
            10 => format!("WAIT {} {}", 1 + self.rng.below(2), 1 + self.rng.below(900)),
            11 => format!("APPEND k{key} {}", self.rng.below(1000)),
            12 => format!("SELECT {}", self.rng.below(3)),
            13 if self.rng.below(3) == 0 => "DEBUG REPLICATE NOSUCHCOMMAND a".into(),
            13 => format!("GET k{key}"),
            14 if self.rng.below(6) == 0 => "FLUSHALL".into(),
            _ => format!("HSET h{key} f{} {}", self.rng.below(3), self.rng.below(50)),
        }
    }

    fn fault(&mut self, world: &Cluster, class: u64, a: &str, b: &str) -> Vec<String> {
        let up = self.master_of(world, a).unwrap_or_else(|| b.into());
        let sometimes = self.rng.below(3) > 0;
        match class {
            CUT_AT_BYTE if self.rng.below(2) == 0 => vec![format!("restore {up} {a}")],
            CUT_AT_BYTE if sometimes => {
                self.aims = true;
                self.commands(world, &up)
            }
            2 if self.rng.below(5) > 0 => {
                let told = self.pick(&["none", a, a, a, a, a, &up]);
                let mut lines = vec![format!("cut {up} {a} told {told}")];
                if told == a || self.rng.below(2) == 0 {
                    lines.push(format!("restore {up} {a}"));
                }
                lines
            }
            _ => vec![self.one_fault(world, class, a, b, &up)],
        }
    }

    fn one_fault(&mut self, world: &Cluster, class: u64, a: &str, b: &str, up: &str) -> String {
        let ms = self.pick(&[5, 50, 400, 3000]);
        let sometimes = self.rng.below(3) > 0;
        match class {
            0 if sometimes => format!("cut {up} {a}"),
            0 => format!("restore {up} {a}"),
            CUT_AT_BYTE => {
                let most = self.pick(&[60, 400]);
                let bytes = 1 + self.rng.below(most);
                format!("cut {up} {a} after {bytes}")
            }
            2 => "heal".into(),
            3 => format!("stall {a} -> {b} {ms}ms"),
            4 => format!("latency {a} {b} 1ms..{ms}ms"),
            5 => format!("bandwidth {a} {b} {}", self.pick(&[0, 1000, 9000])),
            6 => format!("segment {up} -> {a} {}", self.pick(&[0, 1, 7, 100])),
            7 => self.sides(world),
            8 if sometimes => format!("pause {a} {ms}ms"),
            8 => format!("pause {a} 8s"),
            9 if self.rng.below(2) == 0 => format!("kill {a}"),
            9 => format!(
                "start {}{}",
                self.dead(world, a),
                self.pick(&["", "", " empty", " old"])
            ),
            // A replica whose master cannot fork asks again as soon as it is told; a little of that is enough.
            10 if world.node(a).is_some_and(|n| n.fork_refused) => format!("fork {a} ok"),
            10 => match self.rng.below(7) {
                0 => format!("fork {a} refused"),
                2 => format!("child {a} dies after {}", self.rng.below(200)),
                3 => format!("disk {a} full after {}", self.rng.below(200)),
                4 => format!("{a}> BGSAVE"),
                _ => format!("disk {a} ok"),
            },
            11 => format!("slow {a} {}", 1 + self.rng.below(20)),
            12 => format!("reads {a} {}", self.pick(&["none", "2000", "all", "all"])),
            13 if self.rng.below(3) == 0 => format!("{up}> FAILOVER TIMEOUT 2000"),
            13 => format!("{a}> REPLICAOF NO ONE"),
            14 if self.rng.below(5) == 0 && world.names().len() < 5 => format!("add of {a}"),
            14 => {
                let port = world.port(b).unwrap_or(0);
                format!("{a}> REPLICAOF 127.0.0.1 {port}")
            }
            _ if self.rng.below(3) == 0 => format!("swizzle {ms}ms"),
            _ => format!(
                "connect {a} -> {b} {}",
                self.pick(&["refused", "300ms", "0ms"])
            ),
        }
    }

    fn master_of(&self, world: &Cluster, name: &str) -> Option<String> {
        let port = world.node(name)?.upstream()?.addr.port;
        let mut names = world.names().into_iter();
        let up = names.find(|n| world.port(n) == Some(port) && *n != name);
        up.map(String::from)
    }

    fn dead(&mut self, world: &Cluster, otherwise: &str) -> String {
        let names = world.names();
        let dead = names.iter().find(|n| world.node(n).is_none());
        dead.map_or(otherwise, |n| n).to_string()
    }

    fn sides(&mut self, world: &Cluster) -> String {
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for name in world.names() {
            if self.rng.below(2) == 0 {
                left.push(name);
            } else {
                right.push(name);
            }
        }
        if left.is_empty() || right.is_empty() || self.rng.below(2) == 0 {
            return "heal".into();
        }
        let sign = self.pick(&["|", "|", "->"]);
        format!("partition {} {sign} {}", left.join(" "), right.join(" "))
    }
}
