//! Questions to a node that nobody sends: what if `PSYNC` came now, what is on its disk, what is a setting? The answers are the node's own.

use super::cluster::Cluster;
use super::snapshot::{FullCause, Outcome, Verdict};
use super::watch;
use crate::node::config::Config;
use crate::node::{ConnId, Input, Node, Outbox, Output};
use crate::rng::Rng;
use crate::wire::resp;

impl Cluster {
    /// What `master` would answer if `replica` asked it now, for `byte` or for the byte that it would really ask for.
    /// Nothing is sent and nothing changes. `None` when one of the two is not running or not there.
    ///
    /// # Errors
    /// The error that would be replied instead of a verdict.
    pub fn probe(
        &self,
        replica: &str,
        master: &str,
        byte: Option<i64>,
    ) -> Option<Result<Verdict, &'static str>> {
        let (asker, node) = (self.node(replica)?, self.node(master)?);
        let (id, wanted) = asker.would_ask();
        let wanted = byte.unwrap_or(wanted);
        let name = format!("127.0.0.1:{}", self.port(replica)?);
        let answer = node.would_answer(&id, wanted, &name);
        let full = |said| watch::verdict(node, (self.now(), master, replica), (id, wanted), said);
        Some(answer.map(full))
    }

    /// What a node would answer somebody who asked for `byte` (-1 for none) of the history `id` (`?` for any), such as a
    /// client that types it. Nothing is sent and nothing changes. `None` when the node is not running or not there.
    ///
    /// # Errors
    /// The error that would be replied instead of a verdict.
    pub fn try_psync(
        &self,
        master: &str,
        id: &str,
        byte: i64,
    ) -> Option<Result<Verdict, &'static str>> {
        let node = self.node(master)?;
        let answer = node.would_answer(id, byte, "127.0.0.1:<unknown-replica-port>");
        let asked = (id.to_string(), byte);
        let full = |said| watch::verdict(node, (self.now(), master, "?"), asked, said);
        Some(answer.map(full))
    }

    /// The snapshot on a node's disk, also while its process does not run.
    pub fn file(&self, node: &str) -> Option<&[u8]> {
        let machine = self.machines.iter().find(|m| m.name == node)?;
        machine.disk.dump.as_ref().map(|file| file.as_slice())
    }

    /// A setting of a node as `CONFIG GET` prints it: now, at the beginning of this world, and by default.
    pub fn setting(&self, node: &str, name: &str) -> Option<[String; 3]> {
        let now = &self.node(node)?.config;
        let [now, here, usual] = [now, &self.config(), &Config::default()].map(|c| c.get(name));
        Some([now?, here?, usual?])
    }

    /// How the subcommands of a command are called, as a node of the same configuration answers to `HELP`.
    #[inline(never)]
    pub fn calls(&self, command: &str) -> Vec<String> {
        let alive = self.machines.iter().find_map(|m| m.node.as_ref());
        let config = alive.map_or_else(Config::default, |node| node.config.clone());
        let (conn, addr) = (ConnId(1), || self.own_addr(0));
        let mut out = Outbox::default();
        let mut node = Node::start(config, Rng::new(0), self.now, &mut out);
        let asked = resp::command(&[command, "HELP"]);
        node.handle(self.now, Input::Accepted(conn, addr(), addr()), &mut out);
        node.handle(self.now, Input::Bytes(conn, &asked), &mut out);
        let said = out.outputs.iter().find_map(|output| match output {
            Output::Send(to, bytes) if *to == conn => Some(String::from_utf8_lossy(bytes)),
            _ => None,
        });
        let said = said.unwrap_or_default();
        let (_, lines) = said.split_once("Subcommands are:").unwrap_or_default();
        // Below each call, and further right, stands what it does.
        let calls = lines.split("\r\n+").filter(|line| !line.starts_with([' ']));
        calls.skip(1).map(String::from).collect()
    }
}

/// What would have made the difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// It was granted, and would be until this many more bytes are written.
    Spare(u64),
    /// A ring of at least so many bytes.
    Ring(u64),
    /// The asker has this many bytes that the master's history does not have.
    Ahead(u64),
    /// The two would have to share a history.
    SameHistory,
    /// A ring at all.
    AnyRing,
    /// Nothing: a first copy is always a full one.
    Nothing,
}

impl Verdict {
    /// What would have saved it, or how much it had to spare.
    pub fn remedy(&self) -> Remedy {
        let asked = self.asked.max(0) as u64;
        match &self.outcome {
            Outcome::Continue { bytes } => Remedy::Spare(self.size.saturating_sub(*bytes)),
            Outcome::Full { cause } => match cause {
                FullCause::New => Remedy::Nothing,
                FullCause::OtherHistory => Remedy::SameHistory,
                FullCause::BeyondSecond { up_to } => {
                    Remedy::Ahead((self.asked - up_to).max(0) as u64)
                }
                FullCause::TooOld { .. } => Remedy::Ring((self.offset + 1).saturating_sub(asked)),
                FullCause::TooFar => Remedy::Ahead(asked.saturating_sub(self.offset + 1)),
                FullCause::NoBacklog => Remedy::AnyRing,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Action, Options};

    fn act(world: &mut Cluster, lines: &[&str]) {
        for line in lines {
            let action = Action::parse(line).expect("an action");
            world.act(&action).expect("it can be done");
        }
    }

    fn ask(world: &Cluster, replica: &str, master: &str, byte: Option<i64>) -> Verdict {
        let answer = world.probe(replica, master, byte);
        answer.expect("both run").expect("a verdict")
    }

    #[test]
    fn the_answer_is_the_one_that_the_replica_then_gets() {
        for writes in [1, 3, 30] {
            let mut world = Cluster::ready(Options::default());
            act(&mut world, &["cut m r1"]);
            for i in 0..writes {
                world.exec("m", &["SET", "k", &i.to_string()]);
            }
            let before = world.trace();
            let said = ask(&world, "r1", "m", None);
            assert_eq!(world.trace(), before, "nothing happens");
            act(&mut world, &["restore m r1"]);
            while world.snapshot().verdict.is_none_or(|v| v.at < said.at) {
                world.step();
            }
            let real = world.snapshot().verdict.expect("it was answered");
            let now = Verdict {
                at: real.at,
                ..said
            };
            assert_eq!(now, *real, "{writes} writes");
        }
    }

    #[test]
    fn anybody_may_ask_for_any_byte_of_any_history() {
        let mut world = Cluster::ready(Options::default());
        for i in 0..30 {
            world.exec("m", &["SET", "k", &i.to_string()]);
        }
        let (s, before) = (world.snapshot(), world.trace());
        let (m, ring) = (&s.nodes[0], &s.nodes[0].backlog);
        assert!(ring.first > 1, "the ring went round");
        let tried = |id: &str, byte: u64| {
            let answer = world.try_psync("m", id, byte as i64);
            answer.expect("it runs").expect("a verdict").outcome
        };
        let full = |cause| Outcome::Full { cause };
        let kept = Outcome::Continue {
            bytes: ring.histlen,
        };
        assert_eq!(tried(&m.replid, ring.first), kept);
        assert_eq!(
            tried(&m.replid, m.offset + 1),
            Outcome::Continue { bytes: 0 }
        );
        assert_eq!(
            tried(&m.replid, ring.first - 1),
            full(FullCause::TooOld { gone: 1 })
        );
        assert_eq!(tried(&m.replid, m.offset + 2), full(FullCause::TooFar));
        assert_eq!(
            tried(&"0a".repeat(20), ring.first),
            full(FullCause::OtherHistory)
        );
        let any = world.try_psync("m", "?", -1).expect("it runs");
        assert_eq!(any.expect("a verdict").outcome, full(FullCause::New));
        assert_eq!(world.trace(), before, "nothing happens");
        assert!(world.try_psync("nobody", "?", -1).is_none());
    }

    #[test]
    fn the_remedy_is_the_smallest_ring_that_would_do() {
        let mut world = Cluster::ready(Options::default());
        act(&mut world, &["cut m r1"]);
        for i in 0..30 {
            world.exec("m", &["SET", "k", &i.to_string()]);
        }
        let Remedy::Ring(needed) = ask(&world, "r1", "m", None).remedy() else {
            panic!("the ring went round");
        };
        for (size, enough) in [(needed - 1, false), (needed, true)] {
            let mut world = Cluster::ready(Options {
                backlog_size: size,
                ..Options::default()
            });
            act(&mut world, &["cut m r1"]);
            for i in 0..30 {
                world.exec("m", &["SET", "k", &i.to_string()]);
            }
            let said = ask(&world, "r1", "m", None);
            let granted = matches!(said.outcome, Outcome::Continue { .. });
            assert_eq!(granted, enough, "{size}");
        }
    }

    #[test]
    fn a_byte_that_was_never_written_and_another_history() {
        let world = Cluster::ready(Options::default());
        let m = ask(&world, "r1", "m", Some(100_000));
        assert_eq!(m.remedy(), Remedy::Ahead(100_000 - m.offset - 1));
        let mut world = world;
        world.exec("r2", &["REPLICAOF", "NO", "ONE"]);
        world.exec("r2", &["SET", "a", "b"]);
        assert_eq!(ask(&world, "r2", "m", None).remedy(), Remedy::SameHistory);
        act(&mut world, &["kill m"]);
        assert!(world.probe("r1", "m", None).is_none());
    }
}
