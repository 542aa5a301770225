//! A server outside of this world: a real Redis, behind a bridge. It is a machine without a process. A connection to it
//! travels as any other one; where it ends, the bytes are handed out ([`Cluster::take_outgoing`]), and what the server
//! answers comes back as deeds ([`Action::Outside`](super::Action::Outside)) with their bytes and their moment. So the world stays what it
//! is: *seed + actions = everything*, a recorded one plays again without any server, and its trace is a function of
//! the deeds. Whoever holds the sockets compares them with [`Cluster::outside_conns`], and opens and closes what
//! differs.

use super::action::{BadAction, Came};
use super::cluster::{Cluster, Due};
use super::network::Item;
use crate::node::{ConnId, Input};
use crate::time::Instant;

/// How a world with a server outside begins: the server as `real`, and `r1` that is told to follow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outside {
    /// Where it listens, out there.
    pub host: String,
    pub port: u16,
    /// It wants a password, for this user (empty: the default one). The password itself is never in the world: nodes
    /// send [`PASSWORD`], and whoever holds the socket puts the true one into its place.
    pub auth: Option<String>,
    /// The clock out there when the world begins, so that times to live are what they are.
    pub begin: Instant,
}

/// Its name in the world.
pub const REAL: &str = "real";
/// What stands in the place of a password.
pub const PASSWORD: &str = "(the password of the real server)";

/// A connection to the server outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutsideConn {
    pub id: u64,
    /// The other end has answered; without it somebody has to dial.
    pub open: bool,
}

impl Cluster {
    /// The server outside, where there is one.
    pub fn outside(&self) -> Option<&Outside> {
        self.options().outside.as_ref()
    }

    /// Whether a node is none of this world.
    pub(super) fn is_outside(&self, i: usize) -> bool {
        i == 0 && self.options().outside.is_some()
    }

    /// The machine of this name, if it is one of this world.
    pub(super) fn inside(&self, name: &str) -> Result<usize, BadAction> {
        let i = self.index(name)?;
        if self.is_outside(i) {
            return Err(BadAction(format!(
                "'{name}' is a real server: nothing can be done to it from here but to cut the path to it"
            )));
        }
        Ok(i)
    }

    /// Connections to the server outside that have come as far as its door, oldest first.
    pub fn outside_conns(&self) -> Vec<OutsideConn> {
        if self.outside().is_none() {
            return Vec::new();
        }
        let ends = self.network.ends_of(0).into_iter();
        ends.filter(|(_, side)| *side == 1)
            .filter_map(|(id, _)| {
                let end = self.network.conn(id)?.ends[1];
                (end.conn != ConnId(0)).then_some(OutsideConn { id, open: end.open })
            })
            .collect()
    }

    /// Bytes that have come to the server outside since this was asked last, in order.
    pub fn take_outgoing(&mut self) -> Vec<(u64, Vec<u8>)> {
        std::mem::take(&mut self.outgoing)
    }

    /// Something came to the end of a connection that is outside.
    pub(super) fn goes_out(&mut self, i: usize, input: &Input<'_>) {
        if let Input::Bytes(conn, bytes) = input
            && let Some((id, _)) = self.network.find(i, *conn)
        {
            self.outgoing.push((id, bytes.to_vec()));
        }
    }

    /// Something happened to a connection out there.
    pub(super) fn came(&mut self, name: &str, id: u64, what: &Came) -> Result<(), BadAction> {
        let i = self.index(name)?;
        if !self.is_outside(i) {
            return Err(BadAction(format!(
                "'{name}' is a node of this world and speaks for itself"
            )));
        }
        let known = self.outside_conns().into_iter().find(|c| c.id == id);
        let fits = known.filter(|c| c.open == matches!(what, Came::Bytes(_) | Came::Closed));
        if fits.is_none() {
            return Err(BadAction(format!(
                "'{name}' has no connection {id} to which that could happen"
            )));
        }
        let Some(c) = self.network.conn_mut(id) else {
            return Ok(());
        };
        let [dialer, end] = c.ends;
        match what {
            Came::Opened => {
                c.ends[1].open = true;
                self.travel(id, 0, 0, Item::Dialed);
            }
            Came::Refused => {
                self.network.remove(id);
                let trip = self.network.delay_us(i, dialer.machine);
                let due = Due::DialFailed {
                    machine: dialer.machine,
                    epoch: self.machines[dialer.machine].epoch,
                    conn: dialer.conn,
                    why: "Connection refused",
                };
                self.due(self.now.after(trip), due);
            }
            Came::Bytes(bytes) => self.send(i, end.conn, bytes),
            Came::Closed => self.hang_up(id, 1),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::config::Config;
    use crate::node::{Addr, Node};
    use crate::node::{Outbox, Output};
    use crate::rng::Rng;
    use crate::sim::snapshot::{Happening, MarkKind, Phase};
    use crate::sim::{Action, Options};
    use crate::tape::Tape;
    use crate::wire::resp;

    /// A server that is in no world: the node itself, fed by hand.
    struct Real {
        node: Node,
        conns: Vec<u64>,
        out: Outbox,
    }

    impl Real {
        fn new() -> Self {
            let mut out = Outbox::default();
            let config = Config {
                save: Vec::new(),
                repl_diskless_sync: false,
                ..Config::default()
            };
            let mut real = Self {
                node: Node::start(config, Rng::new(99), Instant::WORLD, &mut out),
                conns: Vec::new(),
                out: Outbox::default(),
            };
            real.node
                .handle(Instant::WORLD, Input::Loaded(None), &mut out);
            real
        }

        fn run(&mut self, now: Instant, args: &[&str]) {
            let conn = ConnId(1_000_001);
            let addr = || Addr {
                host: "127.0.0.1".into(),
                port: 1,
            };
            self.node
                .handle(now, Input::Accepted(conn, addr(), addr()), &mut self.out);
            self.node
                .handle(now, Input::Bytes(conn, &resp::command(args)), &mut self.out);
        }
    }

    /// Lets both live for so long, as a bridge would.
    fn live(tape: &mut Tape, real: &mut Real, ms: u64) {
        for _ in 0..ms / 10 {
            tape.run_until(tape.now().after(10_000));
            let (now, mut out) = (tape.now(), std::mem::take(&mut real.out));
            let act = |tape: &mut Tape, conn, came| {
                let node = REAL.into();
                tape.act(Action::Outside { node, conn, came })
                    .expect("it can happen");
            };
            let conns = tape.world().outside_conns();
            real.conns.retain(|id| {
                let stands = conns.iter().any(|c| c.id == *id);
                if !stands {
                    real.node
                        .handle(now, Input::Closed(ConnId(id * 2 + 1)), &mut out);
                }
                stands
            });
            for c in conns.iter().filter(|c| !c.open) {
                let addr = || Addr {
                    host: "127.0.0.1".into(),
                    port: 1,
                };
                let conn = ConnId(c.id * 2 + 1);
                real.node
                    .handle(now, Input::Accepted(conn, addr(), addr()), &mut out);
                real.conns.push(c.id);
                act(tape, c.id, Came::Opened);
            }
            for (id, bytes) in tape.take_outgoing() {
                real.node
                    .handle(now, Input::Bytes(ConnId(id * 2 + 1), &bytes), &mut out);
            }
            real.node.handle(now, Input::Wake, &mut out);
            while !out.outputs.is_empty() {
                for output in std::mem::take(&mut out.outputs) {
                    match output {
                        Output::Send(ConnId(n), bytes) if n < 1_000_000 => {
                            act(tape, n / 2, Came::Bytes(bytes.into()));
                        }
                        Output::Fork(save) => {
                            real.node.handle(now, Input::Saved(save.finish()), &mut out);
                        }
                        _ => {}
                    }
                }
            }
        }
    }

    fn tape() -> Tape {
        Tape::new(Options {
            replicas: 0,
            latency_us: 20_000,
            outside: Some(Outside {
                host: "127.0.0.1".into(),
                port: 6379,
                auth: None,
                begin: Instant::WORLD.after(7_000_000),
            }),
            ..Options::default()
        })
    }

    fn at(tape: &Tape) -> (String, u64) {
        let h = tape.world().node("r1").expect("it runs").history();
        (h.replid.clone(), h.offset)
    }

    #[test]
    fn a_node_follows_a_server_outside_and_comes_back_after_a_cut() {
        let (mut tape, mut real) = (tape(), Real::new());
        real.run(tape.now(), &["SET", "city", "Oslo"]);
        live(&mut tape, &mut real, 4_000);
        real.run(tape.now(), &["SET", "k", "v"]);
        live(&mut tape, &mut real, 200);
        let h = real.node.history().clone();
        assert_eq!(at(&tape), (h.replid.clone(), h.offset));
        let s = tape.world().snapshot();
        let view = |name: &str| {
            s.nodes
                .iter()
                .find(|n| n.name == name)
                .cloned()
                .expect("it is there")
        };
        assert_eq!(view("r1").keys.len(), 2);
        assert_eq!(view("r1").behind, Some(0));
        assert_eq!(view(REAL).phase, Phase::Outside);
        assert_eq!(
            (&view(REAL).replid, view(REAL).offset),
            (&h.replid, h.offset),
            "as heard"
        );
        assert_eq!(s.handshake("r1", REAL).len(), 4);

        let cut = |line| Action::parse(line).expect("an action");
        tape.act(cut("cut real r1")).expect("a path");
        live(&mut tape, &mut real, 100);
        real.run(tape.now(), &["SET", "k", "w"]);
        assert_eq!(real.node.attached().len(), 0, "it has learned of it");
        tape.act(cut("restore real r1")).expect("a path");
        live(&mut tape, &mut real, 2_500);
        assert_eq!(real.node.stats().sync_partial_ok, 1);
        assert_eq!(at(&tape).1, real.node.history().offset);
        let stories: Vec<_> = tape
            .world()
            .stories(0)
            .map(|s| s.what.to_string())
            .collect();
        assert!(
            stories
                .iter()
                .any(|s| s.starts_with("real answers r1: +FULLRESYNC")),
            "{stories:?}"
        );
        assert!(
            stories
                .iter()
                .any(|s| s.starts_with("real answers r1: +CONTINUE")),
            "{stories:?}"
        );
        assert!(matches!(
            tape.world().stories(0).last().map(|s| s.what.clone()),
            Some(Happening::Answered { .. })
        ));
        let kinds: Vec<_> = tape
            .world()
            .snapshot()
            .marks
            .iter()
            .map(|m| m.kind)
            .collect();
        assert!(kinds.contains(&MarkKind::FullSync) && kinds.contains(&MarkKind::Partial));
    }

    #[test]
    fn what_was_recorded_plays_again_without_any_server() {
        let (mut tape, mut real) = (tape(), Real::new());
        live(&mut tape, &mut real, 4_000);
        real.run(tape.now(), &["SET", "k", "v"]);
        live(&mut tape, &mut real, 3_000);
        let (end, trace) = (tape.end().0, tape.world().trace());
        let seen = format!("{:?}", tape.world().snapshot());
        tape.seek(end / 2);
        tape.seek(end);
        assert_eq!(tape.world().trace(), trace);
        assert_eq!(format!("{:?}", tape.world().snapshot()), seen);
        assert!(
            tape.take_outgoing().is_empty(),
            "what was sent is not sent again"
        );
        // The same deeds in a fresh world.
        let deeds = tape.deeds();
        let mut again = Tape::new(tape.world().options().clone());
        for deed in &deeds {
            again.run_until(deed.at);
            again
                .act(deed.action.clone())
                .expect("it could be done once");
        }
        again.run_until(tape.now());
        assert_eq!(again.world().trace(), trace);
        assert!(
            crate::link::Link::of(&tape, "").is_err(),
            "no link holds the bytes of a real server"
        );
    }

    #[test]
    fn nothing_can_be_done_to_it() {
        let (mut tape, mut real) = (tape(), Real::new());
        live(&mut tape, &mut real, 3_000);
        for line in [
            "real> SET a 1",
            "kill real",
            "start real",
            "pause real",
            "resume real",
            "slow real 2",
            "reads real none",
            "fork real refused",
            "child real dies after 1",
            "disk real full",
            "load real 5/s",
            "interrupt real",
            "hurry real",
            "outside real 99 closed",
            "outside r1 1 closed",
        ] {
            let action = Action::parse(line).unwrap_or_else(|e| panic!("{line}: {e}"));
            assert!(tape.act(action).is_err(), "{line}");
        }
        let open = tape.world().outside_conns();
        assert_eq!(open.len(), 1);
        let again =
            Action::parse(&format!("outside real {} opened", open[0].id)).expect("an action");
        assert!(tape.act(again).is_err(), "it is open");
    }
}
