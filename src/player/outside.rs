//! A world with a real server in it: what came from out there waits here until the world is live and runs, and what the
//! world wants of out there is told in lines. Time is real time, and a paused world is a process that stands still: the
//! server waits for it, and gives it up after its `repl-timeout`.

use super::Player;
use crate::sim::action::Came;
use crate::sim::{Action, REAL};
use crate::tape::BranchId;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The name of a connection for whoever holds the sockets: the same number on another branch is another connection.
fn key(branch: BranchId, conn: u64) -> String {
    [&branch.0.to_string(), ".", &conn.to_string()].concat()
}

impl Player {
    /// Something came from out there: the name of a connection and what follows it in the line of an
    /// [`Action::Outside`]. It happens as soon as the world runs.
    pub fn hear(&mut self, line: &str) {
        let Some((branch, rest)) = line.split_once('.') else {
            return;
        };
        let action = Action::parse(&["outside ", REAL, " ", rest].concat());
        if let (Ok(branch), Ok(action)) = (branch.parse(), action) {
            self.heard.push_back((BranchId(branch), action));
            self.let_in(usize::MAX);
        }
    }

    /// Lets happen what waits, at most so many of it; nothing while the world is paused or in the past.
    pub(super) fn let_in(&mut self, most: usize) {
        if self.heard.is_empty() || self.tape.in_the_past() || !(self.playing || most == 1) {
            return;
        }
        for _ in 0..most.min(self.heard.len()) {
            let Some((branch, action)) = self.heard.pop_front() else {
                break;
            };
            if branch != self.tape.branch() {
                continue; // this branch has connections of its own
            }
            if let Action::Outside { conn, came, .. } = &action
                && let Came::Bytes(bytes) = came
            {
                self.credit.push((key(branch, *conn), bytes.len()));
            }
            // A connection that is gone meanwhile: nobody misses what came on it.
            let _ = self.tape.act(action);
            self.tell_late();
        }
        self.changed();
    }

    /// What the world wants of out there now, a line each: `send CONN BASE64`; `took CONN BYTES`, so much of what came is
    /// done with; and last `conns` with all connections that there are, those that wait to be dialled with a `?`.
    /// `None` where no server is outside, or where the past is looked at.
    pub fn wants(&mut self) -> Option<String> {
        self.world().outside()?;
        if self.tape.in_the_past() {
            return None;
        }
        let (mut out, branch) = (String::new(), self.tape.branch());
        for (conn, bytes) in self.tape.take_outgoing() {
            out.push_str(
                &[
                    "send ",
                    &key(branch, conn),
                    " ",
                    &STANDARD.encode(bytes),
                    "\n",
                ]
                .concat(),
            );
        }
        for (conn, bytes) in std::mem::take(&mut self.credit) {
            out.push_str(&["took ", &conn, " ", &bytes.to_string(), "\n"].concat());
        }
        out.push_str("conns");
        for conn in self.world().outside_conns() {
            out.push_str(if conn.open { " " } else { " ?" });
            out.push_str(&key(branch, conn.id));
        }
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use crate::node::config::Config;
    use crate::node::{Addr, Node};
    use crate::node::{ConnId, Input};
    use crate::node::{Outbox, Output};
    use crate::rng::Rng;
    use crate::sim::action::Came;
    use crate::sim::snapshot::{Happening, MarkKind, Phase};
    use crate::sim::{Action, Options};
    use crate::sim::{Outside, REAL};
    use crate::tape::Tape;
    use crate::time::Instant;
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
