//! What each [`Action`] does to the world.

use super::action::{Action, BadAction, Disk, Part, Told, Way, When};
use super::cluster::{Cluster, Due, NODES_MAX};
use super::machine::CONSOLE;
use super::network::{Armed, Byte, Connect, FOREVER};
use crate::node::Input;
use crate::time::Instant;
use crate::wire::resp::Reply;

type Done = Result<(), BadAction>;

impl Cluster {
    /// Does what a person wants. A client command is answered at once, when its reply is given at once.
    ///
    /// # Errors
    /// A node that does not exist or is not running, or one too many. Then nothing has changed.
    pub fn act(&mut self, action: &Action) -> Result<Vec<Reply>, BadAction> {
        let before = self.trace;
        match action {
            // Commands are hashed when they are put in.
            Action::Exec { node, .. } | Action::Pipeline { node, .. } => {
                self.hash(node.as_bytes());
            }
            _ => self.hash(action.to_string().as_bytes()),
        }
        let done = match action {
            Action::Exec { node, args } => {
                self.running(node).map(|i| self.exec_on(i, CONSOLE, args))
            }
            Action::Pipeline { node, commands } => self
                .running(node)
                .map(|i| self.pipe_on(i, CONSOLE, commands)),
            _ => self.change(action).map(|()| Vec::new()),
        };
        if done.is_err() {
            self.trace = before; // what could not be done did not happen
        }
        done
    }

    fn change(&mut self, action: &Action) -> Done {
        match action {
            Action::Exec { .. } | Action::Pipeline { .. } => {}
            Action::Cut { a, b, told, when } => self.cut_when(a, b, told, *when)?,
            Action::Restore { way } => self.restore(way)?,
            Action::Latency { way, us } => {
                self.each_way(way, |world, from, to| {
                    world.network.direction_mut(from, to).latency_us = *us;
                })?;
            }
            Action::Bandwidth { way, bytes_per_s } => {
                self.each_way(way, |world, from, to| {
                    world.network.direction_mut(from, to).bytes_per_s = *bytes_per_s;
                })?;
            }
            Action::Segment { way, bytes } => {
                self.each_way(way, |world, from, to| {
                    world.network.direction_mut(from, to).segment = *bytes;
                })?;
            }
            Action::Connect { way, us } => {
                let connect = us.map_or(Connect::Refused, Connect::After);
                self.each_way(way, |world, from, to| {
                    world.network.direction_mut(from, to).connect = connect;
                })?;
            }
            Action::Stall { way, us } => {
                let until = us.map_or(FOREVER, |us| self.now.after(us));
                self.each_way(way, |world, from, to| world.stall(from, to, until))?;
            }
            Action::Partition {
                left,
                right,
                one_way,
            } => self.partition(left, right, *one_way)?,
            Action::Heal => self.heal(),
            Action::Swizzle { us } => self.swizzle(*us),
            Action::Hurry { node, to } => self.hurry(node, to.as_deref())?,
            Action::Add { name, of } => self.add(name.as_deref(), of)?,
            Action::Outside { node, conn, came } => self.came(node, *conn, came)?,
            Action::Load(load) => {
                self.inside(&load.node)?;
                for read in &load.reads {
                    self.index(read)?;
                }
                self.set_load(load);
            }
            _ => self.change_node(action)?,
        }
        Ok(())
    }

    /// Actions on one node.
    fn change_node(&mut self, action: &Action) -> Done {
        match action {
            Action::Interrupt { node } => {
                let i = self.running(node)?;
                if let Some(client) = self.machines[i].clients[CONSOLE].take() {
                    self.input(i, Input::Closed(client.conn));
                }
            }
            Action::Kill { node } => {
                let i = self.inside(node)?;
                if self.machines[i].node.is_none() {
                    self.running(node)?;
                }
                self.kill(i);
            }
            Action::Start { node, from } => self.start_from(node, *from)?,
            Action::Pause { node, us } => {
                let i = self.running(node)?;
                let until = us.map_or(FOREVER, |us| self.now.after(us));
                self.machines[i].paused_until = Some(until);
                let epoch = self.machines[i].epoch;
                if us.is_some() {
                    self.due(until, Due::Resume { machine: i, epoch });
                }
            }
            Action::Resume { node } => {
                let i = self.inside(node)?;
                if self.machines[i].paused_until.is_none() {
                    return Err(BadAction(format!("'{node}' does not stand still")));
                }
                self.resume(i);
            }
            Action::Slow { node, part, factor } => {
                let i = self.inside(node)?;
                let slow = &mut self.machines[i].slow;
                let is = |p| *part == Part::All || *part == p;
                for (part, value) in [
                    (Part::Child, &mut slow.child),
                    (Part::Disk, &mut slow.disk),
                    (Part::Loader, &mut slow.loader),
                ] {
                    if is(part) {
                        *value = *factor;
                    }
                }
            }
            Action::Reads { node, bytes_per_s } => {
                let i = self.inside(node)?;
                self.machines[i].reads = *bytes_per_s;
                self.machines[i].reads_at = self.now;
                self.release();
            }
            Action::Fork { node, refused } => {
                let i = self.inside(node)?;
                self.machines[i].fork_refused = *refused;
                if let Some(node) = &mut self.machines[i].node {
                    node.fork_refused = *refused;
                }
            }
            Action::Psync { node, gone } => {
                let i = self.inside(node)?;
                self.machines[i].psync_gone = *gone;
                if let Some(node) = &mut self.machines[i].node {
                    node.config.know_psync(!gone);
                }
            }
            Action::Child { node, after } => {
                let i = self.inside(node)?;
                self.machines[i].child_dies = Some(*after);
            }
            Action::Disk { node, room } => {
                let i = self.inside(node)?;
                self.machines[i].room = *room;
            }
            _ => {}
        }
        Ok(())
    }

    fn pair(&self, a: &str, b: &str) -> Result<(usize, usize), BadAction> {
        let (i, j) = (self.index(a)?, self.index(b)?);
        if i == j {
            return Err(BadAction(format!("'{a}' has no path to itself")));
        }
        Ok((i, j))
    }

    /// Does something to each direction that is meant.
    fn each_way(&mut self, way: &Way, mut change: impl FnMut(&mut Self, usize, usize)) -> Done {
        let (i, j) = self.pair(&way.a, &way.b)?;
        change(self, i, j);
        if !way.one_way {
            change(self, j, i);
        }
        Ok(())
    }

    fn cut_when(&mut self, a: &str, b: &str, told: &Told, when: When) -> Done {
        let (i, j) = self.pair(a, b)?;
        let told = match told {
            Told::Both => vec![i, j],
            Told::None => Vec::new(),
            Told::One(name) => {
                let one = self.index(name)?;
                if one != i && one != j {
                    return Err(BadAction(format!("'{name}' is neither '{a}' nor '{b}'")));
                }
                vec![one]
            }
        };
        let at = match when {
            When::Now => {
                self.cut(i, j, &told);
                return Ok(());
            }
            When::After(bytes) => Byte::After(bytes),
            When::Offset(offset) => Byte::Offset(offset),
        };
        self.network.path_mut(i, j).armed = Some(Armed { from: i, at, told });
        Ok(())
    }

    /// Breaks a path now; the machines in `told` learn of it.
    pub(super) fn cut(&mut self, i: usize, j: usize, told: &[usize]) {
        let path = self.network.path_mut(i, j);
        path.cut = true;
        path.silent = told.is_empty();
        path.armed = None;
        for conn in self.network.between(i, j) {
            self.break_conn(conn, told);
        }
        let (a, b) = (self.machines[i].name.clone(), self.machines[j].name.clone());
        self.watch.cut(self.now, &a, &b, true);
    }

    fn restore(&mut self, way: &Way) -> Done {
        let (i, j) = self.pair(&way.a, &way.b)?;
        self.network.path_mut(i, j).cut = false;
        self.each_way(way, |world, from, to| {
            world.network.direction_mut(from, to).stalled_until = Instant(0);
        })?;
        self.watch.cut(self.now, &way.a, &way.b, false);
        self.release();
        Ok(())
    }

    /// Nothing arrives in this direction before `until`.
    pub(super) fn stall(&mut self, from: usize, to: usize, until: Instant) {
        self.network.direction_mut(from, to).stalled_until = until;
        if until != FOREVER {
            self.due(until, Due::Release);
        }
    }

    fn partition(&mut self, left: &[String], right: &[String], one_way: bool) -> Done {
        let known = |names: &[String]| {
            let index = |name: &String| self.index(name);
            names.iter().map(index).collect::<Result<Vec<_>, _>>()
        };
        let (left, right) = (known(left)?, known(right)?);
        for &i in &left {
            for &j in &right {
                if one_way {
                    self.stall(i, j, FOREVER);
                } else {
                    self.cut(i, j, &[]);
                }
            }
        }
        Ok(())
    }

    fn heal(&mut self) {
        for i in 0..self.machines.len() {
            for j in 0..i {
                if self.network.path(i, j).cut {
                    let (a, b) = (self.machines[j].name.clone(), self.machines[i].name.clone());
                    self.watch.cut(self.now, &a, &b, false);
                }
                let path = self.network.path_mut(i, j);
                path.cut = false;
                path.armed = None;
                for (from, to) in [(i, j), (j, i)] {
                    let direction = self.network.direction_mut(from, to);
                    direction.stalled_until = Instant(0);
                    direction.connect = Connect::After(0);
                }
            }
        }
        self.release();
    }

    /// Every path stalls with even odds, somewhere in the first half of the time, and flows again in the second.
    fn swizzle(&mut self, us: u64) {
        self.swizzles += 1;
        let mut rng = self.rng.split(&format!("swizzle {}", self.swizzles));
        let half = (us / 2).max(1);
        for a in 0..self.machines.len() {
            for b in 0..a {
                let (from, to) = (rng.below(half), half + rng.below(half));
                if rng.below(2) == 0 {
                    let until = self.now.after(to);
                    self.due(self.now.after(from), Due::Stall { a, b, until });
                }
            }
        }
    }

    fn start_from(&mut self, name: &str, from: Disk) -> Done {
        let i = self.inside(name)?;
        if self.machines[i].node.is_some() {
            return Err(BadAction(format!("'{name}' is running")));
        }
        let disk = &mut self.machines[i].disk;
        match from {
            Disk::Last => {}
            Disk::Old => match disk.older.take() {
                Some(older) => disk.dump = Some(older),
                None => {
                    return Err(BadAction(format!(
                        "'{name}' has no snapshot before the last one"
                    )));
                }
            },
            Disk::Empty => (disk.dump, disk.older) = (None, None),
        }
        if let Some(oracle) = self.oracle_mut() {
            oracle.swapped(i, from);
        }
        self.start(i);
        self.watch.started(self.now, name);
        Ok(())
    }

    fn add(&mut self, name: Option<&str>, of: &str) -> Done {
        self.index(of)?;
        if self.machines.len() >= NODES_MAX {
            return Err(BadAction(format!("a world has at most {NODES_MAX} nodes")));
        }
        let free = (1..)
            .map(|i| format!("r{i}"))
            .find(|n| !self.machines.iter().any(|m| m.name == *n));
        let name = name.map(String::from).or(free).unwrap_or_default();
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
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::{Node, Stage};
    use crate::sim::Options;

    fn world(replicas: usize) -> Cluster {
        Cluster::ready(Options {
            replicas,
            latency_us: 10_000,
            ..Options::default()
        })
    }

    fn act(world: &mut Cluster, lines: &[&str]) {
        for line in lines {
            let action = Action::parse(line).unwrap_or_else(|e| panic!("{line}: {e}"));
            world.act(&action).unwrap_or_else(|e| panic!("{line}: {e}"));
        }
    }

    fn run(world: &mut Cluster, ms: u64) {
        world.run_until(world.now().after(ms * 1000));
    }

    fn node<'a>(world: &'a Cluster, name: &str) -> &'a Node {
        world.node(name).expect("it runs")
    }

    fn offset(world: &Cluster, name: &str) -> u64 {
        node(world, name).history().offset
    }

    fn linked(world: &Cluster, name: &str) -> bool {
        node(world, name).upstream().is_some_and(|u| u.connected())
    }

    fn attached(world: &Cluster) -> usize {
        node(world, "m").attached().len()
    }

    #[test]
    fn commands_in_one_go_travel_together_and_end_with_the_server() {
        let mut w = world(2);
        let sent = w.snapshot().wire.len();
        let deed = Action::parse(r#"m>> "SET a 1" "INCR a" "GET none""#).expect("an action");
        let replies = w.act(&deed).expect("it can be done");
        let ok = Reply::Simple("OK".into());
        assert_eq!(replies, [ok, Reply::Integer(2), Reply::Nil]);
        assert_eq!(w.snapshot().wire.len() - sent, 2, "a packet to each");
        assert!(w.settle(5_000_000));
        assert_eq!(offset(&w, "r1"), offset(&w, "m"));
        // The server is gone before it reads the last one.
        let deed =
            Action::parse(r#"m>> "ECHO hello" "SHUTDOWN NOSAVE" "GET a""#).expect("an action");
        assert_eq!(
            w.act(&deed).expect("it can be done"),
            [Reply::Bulk("hello".into())]
        );
        assert!(w.node("m").is_none());
        assert!(w.act(&deed).is_err(), "nobody is there");
    }

    #[test]
    fn what_is_pending_is_told_at_once_and_as_it_goes_once_a_moment() {
        const WRITES: usize = 2000;
        let mut w = world(1);
        let value = "v".repeat(64);
        let replica = |w: &mut Cluster| {
            let list = w.exec("m", &["CLIENT", "LIST", "TYPE", "REPLICA"]);
            let line = list.expect("a reply").pretty();
            line.contains("events=rw")
        };
        assert!(!replica(&mut w));
        for _ in 0..WRITES {
            w.exec("m", &["SET", "key", &value]);
        }
        assert!(replica(&mut w), "more than the kernels keep is on its way");
        let (end, mut steps) = (w.now().after(10_000), 0);
        while w.next_at().is_some_and(|at| at <= end) {
            w.step();
            steps += 1;
        }
        assert!(!replica(&mut w), "all has come");
        assert!(steps < WRITES + 20, "{steps}");
        assert_eq!(offset(&w, "r1"), offset(&w, "m"));
    }

    #[test]
    fn what_happens_does_not_depend_on_who_looks() {
        let play = |watched: bool| {
            let mut w = world(3);
            if !watched {
                w.unwatched();
            }
            act(
                &mut w,
                &[
                    "load m 200/s mix set,expire,multi reads r1",
                    "segment m r2 7",
                ],
            );
            run(&mut w, 1500);
            act(&mut w, &["cut m r1", "kill r3", "stall m -> r2 300ms"]);
            run(&mut w, 1500);
            act(&mut w, &["restore m r1", "start r3 empty", "load m 0/s"]);
            let calm = w.settle(60_000_000);
            assert_eq!(w.snapshot().wire.is_empty(), !watched);
            (calm, w.now(), w.events(), w.trace())
        };
        assert_eq!(play(true), play(false));
    }

    #[test]
    fn what_cannot_be_done_changes_nothing() {
        let (mut one, mut other) = (world(7), world(7));
        act(&mut one, &["kill r2"]);
        act(&mut other, &["kill r2"]);
        for line in [
            "nobody> SET a 1",
            "r2> SET a 1",
            "cut m nobody",
            "cut m r1 told r3",
            "restore m nobody",
            "latency m nobody 10ms",
            "partition m | r1 nobody",
            "load m 50/s reads nobody",
            "add r8 of m",
            "start m empty",
            "start r2 old",
            "pause r2 1s",
            "resume m",
            "kill r2",
        ] {
            let action = Action::parse(line).unwrap_or_else(|e| panic!("{line}: {e}"));
            let seen = format!("{:?}", one.snapshot());
            assert!(one.act(&action).is_err(), "{line} cannot be done");
            assert_eq!(format!("{:?}", one.snapshot()), seen, "{line}");
        }
        run(&mut one, 5000);
        run(&mut other, 5000);
        assert_eq!(one.trace(), other.trace());
    }

    #[test]
    fn what_waits_on_the_console_can_be_given_up() {
        let mut w = world(1);
        act(&mut w, &["m> BLPOP list 0"]);
        assert!(w.console_blocked("m") && !w.console_blocked("r1"));
        act(&mut w, &["interrupt m"]);
        assert!(!w.console_blocked("m"));
        assert_eq!(
            w.exec("m", &["RPUSH", "list", "a"]),
            Some(Reply::Integer(1))
        );
        assert_eq!(
            w.exec("m", &["LLEN", "list"]),
            Some(Reply::Integer(1)),
            "nobody took it"
        );
        act(&mut w, &["m> SUBSCRIBE news"]);
        assert!(w.console_blocked("m"), "messages may come");
        act(&mut w, &["kill m"]);
        assert!(!w.console_blocked("m"));
    }

    #[test]
    fn a_cut_after_a_byte_leaves_half_a_command_unapplied() {
        let mut w = world(1);
        let before = offset(&w, "r1");
        act(&mut w, &["cut m r1 after 60", "m> SET a 1", "m> SET b 2"]);
        run(&mut w, 100);
        // SELECT and the first SET are 50 bytes; of the second SET ten bytes came.
        assert_eq!(offset(&w, "m"), before + 77);
        assert_eq!(offset(&w, "r1"), before + 50);
        assert!(!linked(&w, "r1") && attached(&w) == 0);
        act(&mut w, &["restore m r1"]);
        run(&mut w, 3000);
        assert_eq!(offset(&w, "r1"), offset(&w, "m"));
        assert_eq!(node(&w, "m").stats().sync_partial_ok, 1);
    }

    #[test]
    fn a_cut_within_a_transaction_applies_none_of_it() {
        let mut w = world(1);
        act(&mut w, &["m> SET z 0"]);
        run(&mut w, 100);
        let before = offset(&w, "r1");
        // MULTI and the first INCR are 36 bytes, so that the second one is cut.
        let lines = ["m> MULTI", "m> INCR a", "m> INCR b", "m> EXEC"];
        act(&mut w, &["cut m r1 after 40"]);
        act(&mut w, &lines);
        run(&mut w, 100);
        assert_eq!(offset(&w, "r1"), before);
        let value = |w: &mut Cluster, key| w.exec("r1", &["GET", key]);
        assert_eq!(value(&mut w, "a"), Some(Reply::Nil));
        act(&mut w, &["restore m r1"]);
        run(&mut w, 3000);
        assert_eq!(offset(&w, "r1"), offset(&w, "m"));
        for key in ["a", "b"] {
            assert_eq!(value(&mut w, key), Some(Reply::Bulk(b"1"[..].into())));
        }
        assert_eq!(node(&w, "m").stats().sync_partial_ok, 1);
    }

    #[test]
    fn a_cut_at_an_offset_is_between_two_bytes_of_the_stream() {
        let mut w = world(1);
        let first = offset(&w, "m");
        let at = format!("cut m r1 at {}", first + 50);
        act(&mut w, &[&at, "m> SET a 1", "m> SET b 2"]);
        run(&mut w, 100);
        assert_eq!(offset(&w, "r1"), first + 50);
        assert!(!linked(&w, "r1"));
    }

    #[test]
    fn half_a_connection_is_found_out_by_a_reset() {
        let mut w = world(1);
        act(&mut w, &["cut m r1 told m"]);
        run(&mut w, 5000);
        assert!(linked(&w, "r1") && attached(&w) == 0);
        act(&mut w, &["restore m r1"]);
        run(&mut w, 3000);
        assert!(linked(&w, "r1") && attached(&w) == 1);
        assert_eq!(node(&w, "m").stats().sync_partial_ok, 1);
    }

    #[test]
    fn a_silent_cut_ends_by_time_out_on_both_sides() {
        let mut w = world(1);
        act(&mut w, &["cut m r1 told none", "m> SET k v"]);
        run(&mut w, 50_000);
        assert!(linked(&w, "r1") && attached(&w) == 1);
        run(&mut w, 20_000);
        assert!(!linked(&w, "r1") && attached(&w) == 0);
        act(&mut w, &["heal"]);
        run(&mut w, 70_000);
        assert!(linked(&w, "r1"));
        assert_eq!(offset(&w, "r1"), offset(&w, "m"));
    }

    #[test]
    fn a_short_silent_cut_is_only_a_delay() {
        let mut w = world(1);
        act(&mut w, &["cut m r1 told none", "m> SET k v"]);
        run(&mut w, 5000);
        assert!(offset(&w, "r1") < offset(&w, "m"));
        act(&mut w, &["restore m r1"]);
        run(&mut w, 1000);
        assert_eq!(offset(&w, "r1"), offset(&w, "m"));
        assert_eq!(node(&w, "m").stats().sync_partial_ok, 0);
    }

    #[test]
    fn a_delay_is_one_way_and_within_its_range_and_nothing_overtakes() {
        let mut w = world(1);
        act(&mut w, &["latency m -> r1 300ms..500ms"]);
        for n in 0..40 {
            act(&mut w, &[&format!("m> SET k {n}")]);
            run(&mut w, 10);
        }
        run(&mut w, 1000);
        assert_eq!(offset(&w, "r1"), offset(&w, "m"));
        let wire = w.snapshot().wire;
        let delays = |from: &str| {
            let those = wire.iter().filter(|p| *p.from == *from);
            those.map(|p| p.arrives.since(p.sent)).collect::<Vec<_>>()
        };
        let down = &delays("m")[delays("m").len() - 40..];
        assert!(down.iter().all(|us| (300_000..=500_000).contains(us)));
        assert!(down.iter().any(|us| *us != down[0]), "they are drawn");
        assert_eq!(delays("r1").last(), Some(&10_000), "the way back");
        let arrives = wire.iter().filter(|p| &*p.from == "m").map(|p| p.arrives);
        assert!(arrives.is_sorted(), "nothing overtakes");
    }

    #[test]
    fn a_narrow_path_takes_its_time() {
        let mut w = world(1);
        let big = format!("m> SET k {}", "x".repeat(2000));
        act(&mut w, &["bandwidth m -> r1 1000", &big]);
        run(&mut w, 1900);
        assert!(offset(&w, "r1") < offset(&w, "m"));
        run(&mut w, 400);
        assert_eq!(offset(&w, "r1"), offset(&w, "m"));
    }

    #[test]
    fn a_slow_child_disk_or_loader_takes_longer() {
        let until_linked = |slow: Option<&str>| {
            let mut w = world(0);
            act(&mut w, &["add of m"]);
            let lines =
                slow.map(|part| [format!("slow m 20 {part}"), format!("slow r1 20 {part}")]);
            for line in lines.iter().flatten() {
                act(&mut w, &[line]);
            }
            let begin = w.now();
            while !linked(&w, "r1") {
                run(&mut w, 10);
                assert!(w.now().since(begin) < 60_000_000, "{slow:?}");
            }
            w.now().since(begin)
        };
        let usual = until_linked(None);
        for part in ["child", "disk", "loader"] {
            let us = until_linked(Some(part));
            assert!(us > usual + 2_000_000, "{part}: {us} instead of {usual} µs");
        }
    }

    #[test]
    fn a_stall_is_one_way_and_ends_by_itself() {
        let mut w = world(1);
        act(&mut w, &["stall m -> r1 2s", "m> SET k v"]);
        run(&mut w, 1900);
        assert!(offset(&w, "r1") < offset(&w, "m"));
        run(&mut w, 200);
        assert_eq!(offset(&w, "r1"), offset(&w, "m"));
    }

    #[test]
    fn bytes_come_one_at_a_time() {
        let mut w = world(1);
        act(&mut w, &["segment m -> r1 1", "m> SET k v"]);
        let before = w.events();
        run(&mut w, 100);
        assert!(w.events() - before >= 50, "{}", w.events() - before);
        assert_eq!(offset(&w, "r1"), offset(&w, "m"));
    }

    #[test]
    fn a_paused_node_keeps_its_connections_until_the_time_out() {
        let mut w = world(1);
        act(&mut w, &["pause r1 30s", "m> SET k v"]);
        assert!(w.act(&Action::exec("r1", &["PING"])).is_err());
        run(&mut w, 29_000);
        assert!(offset(&w, "r1") < offset(&w, "m") && attached(&w) == 1);
        run(&mut w, 2000);
        assert_eq!(offset(&w, "r1"), offset(&w, "m"));
        act(&mut w, &["pause r1"]);
        run(&mut w, 63_000);
        assert_eq!(attached(&w), 0);
        act(&mut w, &["m> SET k w", "resume r1"]);
        run(&mut w, 5000);
        assert_eq!(offset(&w, "r1"), offset(&w, "m"));
        assert_eq!(node(&w, "m").stats().sync_partial_ok, 1);
    }

    #[test]
    fn a_zero_window_fills_the_output_buffer_until_the_limit() {
        let mut w = world(1);
        let limit = "m> CONFIG SET client-output-buffer-limit \"replica 100000 0 0\"";
        act(&mut w, &[limit, "reads r1 none"]);
        for _ in 0..20 {
            let big = format!("m> SET k {}", "x".repeat(10_000));
            act(&mut w, &[&big]);
            run(&mut w, 100);
        }
        assert_eq!(attached(&w), 0, "closed for overcoming the limit");
        act(&mut w, &["reads r1 all"]);
        run(&mut w, 5000);
        assert!(linked(&w, "r1"));
    }

    #[test]
    fn a_slow_reader_reads_slowly_and_in_order() {
        let mut w = world(1);
        act(&mut w, &["reads r1 1000", "segment m -> r1 100"]);
        let big = format!("m> SET k {}", "x".repeat(2000));
        act(&mut w, &[&big, "m> INCR n"]);
        run(&mut w, 1000);
        assert!(offset(&w, "r1") < offset(&w, "m"));
        run(&mut w, 2000);
        assert_eq!(offset(&w, "r1"), offset(&w, "m"));
    }

    #[test]
    fn connections_are_refused_or_slow() {
        let mut w = world(1);
        act(
            &mut w,
            &["connect r1 -> m refused", "cut m r1", "restore m r1"],
        );
        run(&mut w, 5000);
        assert!(!linked(&w, "r1"));
        act(&mut w, &["connect r1 -> m 2s"]);
        run(&mut w, 2000);
        let stage = |w: &Cluster| node(w, "r1").upstream().expect("a master").stage.clone();
        assert_eq!(stage(&w), Stage::Connecting);
        run(&mut w, 2000);
        assert_eq!(stage(&w), Stage::Connected);
    }

    #[test]
    fn a_fork_that_is_refused_is_told_to_the_replica() {
        let mut w = world(0);
        act(&mut w, &["fork m refused", "add of m"]);
        run(&mut w, 3000);
        assert!(!linked(&w, "r1") && attached(&w) == 0);
        assert_eq!(w.exec("m", &["BGSAVE"]), Some(Reply::Error("ERR".into())));
        act(&mut w, &["fork m ok"]);
        run(&mut w, 5000);
        assert!(linked(&w, "r1"));
    }

    #[test]
    fn a_child_that_dies_is_replaced() {
        let mut w = world(0);
        act(&mut w, &["child m dies after 10", "add of m"]);
        run(&mut w, 8000);
        assert!(linked(&w, "r1"));
        assert!(node(&w, "m").stats().sync_full >= 2);
    }

    #[test]
    fn a_full_disk_stops_the_snapshot_on_either_side() {
        for full in ["disk m full after 10", "disk r1 full after 10"] {
            let mut w = world(0);
            act(&mut w, &["add of m", full]);
            run(&mut w, 10_000);
            assert!(!linked(&w, "r1"), "{full}");
            act(&mut w, &["disk m ok", "disk r1 ok"]);
            run(&mut w, 10_000);
            assert!(linked(&w, "r1"), "{full}");
        }
    }

    #[test]
    fn a_node_starts_from_its_last_its_older_or_no_snapshot() {
        let mut w = world(0);
        for value in ["1", "2"] {
            act(&mut w, &[&format!("m> SET k {value}"), "m> SAVE"]);
        }
        let value = |w: &mut Cluster, line| {
            act(w, &["kill m", line]);
            run(w, 1000);
            w.exec("m", &["GET", "k"])
        };
        assert_eq!(value(&mut w, "start m"), Some(Reply::Bulk(b"2"[..].into())));
        let old = value(&mut w, "start m old");
        assert_eq!(old, Some(Reply::Bulk(b"1"[..].into())));
        assert_eq!(value(&mut w, "start m empty"), Some(Reply::Nil));
        act(&mut w, &["kill m"]);
        let error = w.act(&Action::parse("start m old").expect("a line"));
        assert_eq!(
            error.expect_err("there is none").0,
            "'m' has no snapshot before the last one"
        );
    }

    #[test]
    fn a_partition_splits_and_heals() {
        let mut w = world(3);
        act(&mut w, &["partition m r1 | r2 r3", "m> SET k v"]);
        run(&mut w, 1000);
        assert_eq!(offset(&w, "r1"), offset(&w, "m"));
        assert!(offset(&w, "r2") < offset(&w, "m"));
        act(&mut w, &["heal", "partition r3 -> m", "m> SET k w"]);
        run(&mut w, 1000);
        assert_eq!(offset(&w, "r2"), offset(&w, "m"));
        assert_eq!(offset(&w, "r3"), offset(&w, "m"), "this way it flows");
        run(&mut w, 65_000);
        assert_eq!(attached(&w), 2, "its acknowledgements do not come");
    }

    #[test]
    fn a_swizzle_stalls_and_flows_again() {
        let mut w = world(3);
        // Luck decides which paths; of three times it meets one of these.
        act(&mut w, &["swizzle 10s", "swizzle 10s", "swizzle 10s"]);
        act(&mut w, &["load m 20/s"]);
        let mut behind = false;
        for _ in 0..100 {
            run(&mut w, 100);
            let late = |r: &&str| offset(&w, "m") > offset(&w, r) + 200;
            behind |= ["r1", "r2", "r3"].iter().any(late);
        }
        act(&mut w, &["load m 0/s"]);
        run(&mut w, 2000);
        assert!(behind, "some path stalled");
        for r in ["r1", "r2", "r3"] {
            assert_eq!(offset(&w, r), offset(&w, "m"));
        }
    }

    #[test]
    fn a_load_has_its_rate_its_keys_and_its_size() {
        let mut w = world(1);
        act(&mut w, &["load m 50/s keys 3 size 10"]);
        run(&mut w, 2010);
        act(&mut w, &["load m 0/s"]);
        run(&mut w, 1000);
        let written = w
            .snapshot()
            .writes
            .iter()
            .filter(|w| w.text().starts_with("SET user:"))
            .count();
        assert_eq!(written, 100, "in two seconds");
        let keys = node(&w, "r1").keyspace().iter(0);
        let keys: Vec<_> = keys.filter(|(key, _)| key.starts_with(b"user:")).collect();
        // One of these is the world's own.
        assert!((3..=4).contains(&keys.len()), "{}", keys.len());
        let length = w.exec("r1", &["STRLEN", "user:2"]);
        assert_eq!(length, Some(Reply::Integer(10)));
    }

    #[test]
    fn a_load_of_every_kind_replicates() {
        let mut w = world(1);
        act(
            &mut w,
            &["load m 100/s keys 5 size 30 mix set,incr,push,add,del,expire,multi,select reads r1"],
        );
        run(&mut w, 3000);
        act(&mut w, &["load m 0/s"]);
        run(&mut w, 5000);
        let digest = |n: &str| node(&w, n).keyspace().digest();
        assert_eq!(digest("m"), digest("r1"));
        assert!(node(&w, "m").keyspace().len(1) > 0);
    }
}
