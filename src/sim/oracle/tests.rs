//! Can the judge see? Each law is broken on purpose: the judge is told what a node that breaks it would have done, or what
//! he knows is changed under him, or a node's cron does nothing while time passes. (That engines with real bugs are found
//! is for `tests/mutants.rs`; L1 and L7 are broken in `tests/swarm.rs`, S18 and S19 in `swarm`.)

use super::*;
use crate::node::FullCause;
use crate::sim::machine::CONSOLE;
use crate::sim::{Action, Options};
use crate::wire::Bytes;
use crate::wire::resp::Reply;

/// A judged world in step, and lines after each of which half a second passes.
fn world(lines: &[&str]) -> Cluster {
    let mut world = Cluster::ready(Options {
        latency_us: 1000,
        ..Options::default()
    });
    world.judge();
    world.exec("m", &["SET", "a", "1"]);
    world.run_until(world.now.after(SECOND_US / 2));
    for line in lines {
        act(&mut world, line);
        world.run_until(world.now.after(SECOND_US / 2));
    }
    assert_eq!(laws(&world), [""; 0], "nothing is broken yet");
    world
}

fn act(world: &mut Cluster, line: &str) {
    let action = Action::parse(line).expect("a line of this file");
    world.act(&action).expect("it can be done");
}

fn laws(world: &Cluster) -> Vec<&'static str> {
    let oracle = world.oracle().expect("it is judged");
    oracle.violations().iter().map(|v| v.law).collect()
}

/// Tells the judge something, and has him look at machine `i`; the laws that are broken then.
fn told(
    world: &mut Cluster,
    i: usize,
    tell: impl FnOnce(&mut Oracle, &Cluster),
) -> Vec<&'static str> {
    world.with_oracle(|oracle, world| {
        tell(oracle, world);
        oracle.look(world, i);
    });
    laws(world)
}

/// Seconds pass in which the cron of machine `i` does nothing.
fn idle(world: &mut Cluster, i: usize, seconds: u64) -> Vec<&'static str> {
    for _ in 0..seconds {
        world.now = world.now.after(SECOND_US);
        world.with_oracle(|oracle, world| oracle.look(world, i));
    }
    laws(world)
}

fn place(world: &Cluster, name: &str) -> (String, u64) {
    let history = world.node(name).expect("it runs").history();
    (history.replid.clone(), history.offset)
}

fn link(world: &Cluster, name: &str) -> ConnId {
    let node = world.node(name).expect("it runs");
    let upstream = node.upstream().expect("it follows");
    upstream.conn().expect("it is linked")
}

/// What `i` would have written, or applied, from byte `from` on.
fn piece(world: &Cluster, name: &str, from: u64, bytes: &[u8], own: bool) -> Note {
    Note::Stream {
        replid: place(world, name).0,
        from,
        bytes: bytes.to_vec(),
        own,
    }
}

const PING: &[u8] = b"*1\r\n$4\r\nPING\r\n";

fn answered(world: &Cluster, id: &str, asked: u64, outcome: Outcome) -> Note {
    Note::Answered {
        conn: world.node("m").expect("it runs").attached()[0].conn,
        asked_id: id.into(),
        asked: asked as i64,
        outcome,
        log: String::new(),
    }
}

#[test]
fn s1_s12_a_second_writer_of_a_history() {
    let mut w = world(&[]);
    let end = place(&w, "m").1;
    let note = piece(&w, "m", end + 9, PING, true);
    assert!(told(&mut w, 0, |o, _| o.note(0, &note)).contains(&"S1"));
    let mut w = world(&[]);
    let note = piece(&w, "r1", end + 1, PING, true);
    assert!(told(&mut w, 1, |o, _| o.note(1, &note)).contains(&"S12"));
}

#[test]
fn s2_other_data_at_the_same_place() {
    let mut w = world(&["r1> CONFIG SET replica-read-only no"]);
    act(&mut w, "r1> SET a 2");
    act(&mut w, "m> SET b 1");
    w.run_until(w.now.after(SECOND_US));
    assert!(laws(&w).contains(&"S2"));
}

#[test]
fn s3_half_a_command_applied() {
    let mut w = world(&[]);
    act(&mut w, "m> SET b 1");
    w.with_oracle(|o, _| o.ghost.forget_ends());
    w.run_until(w.now.after(SECOND_US / 2));
    assert!(laws(&w).contains(&"S3"));
}

#[test]
fn s4_s9_an_offset_that_does_not_count_what_was_applied() {
    let mut w = world(&[]);
    let back = |o: &mut Oracle| {
        let place = o.seen(1).place.as_mut().expect("it is somewhere");
        place.1 += 20;
    };
    assert!(told(&mut w, 1, |o, _| back(o)).contains(&"S4"));
    // The last bytes once more.
    let mut w = world(&[]);
    let (_, end) = place(&w, "r1");
    let last = w
        .node("r1")
        .expect("it runs")
        .backlog()
        .expect("a ring")
        .since(end - 4);
    let note = piece(&w, "r1", end - 4, &last, false);
    assert!(told(&mut w, 1, |o, _| o.note(1, &note)).contains(&"S9"));
}

#[test]
fn s5_s6_a_history_continued_that_is_another_one() {
    let mut w = world(&["r1> REPLICAOF NO ONE", "r1> SET b 1"]);
    let (id, offset) = place(&w, "r1");
    let note = answered(&w, &id, offset + 1, Outcome::Continue { bytes: 0 });
    let broken = told(&mut w, 0, |o, _| o.note(0, &note));
    assert!(broken.contains(&"S5"), "{broken:?}");
    assert!(broken.contains(&"S6"), "{broken:?}");
}

#[test]
fn s7_a_ring_that_has_lost_a_byte() {
    let mut w = world(&[]);
    let lose = |o: &mut Oracle| {
        let (kept, _) = o.seen(0).ring.as_mut().expect("a ring");
        *kept -= 1;
    };
    assert!(told(&mut w, 0, |o, _| lose(o)).contains(&"S7"));
    let mut w = world(&[]);
    let end = place(&w, "r1").1;
    let note = piece(&w, "r1", end + 1, PING, false);
    assert!(
        told(&mut w, 1, |o, _| o.note(1, &note)).contains(&"S7"),
        "never written"
    );
}

#[test]
fn s8_bytes_that_were_not_sent() {
    let mut w = world(&[]);
    let conn = w.network.find(1, link(&w, "r1")).expect("a connection").0;
    assert!(told(&mut w, 1, |o, w| o.delivered(w, conn, 0, PING)).contains(&"S8"));
}

#[test]
fn s10_a_snapshot_of_another_moment() {
    let mut w = world(&[]);
    let (id, offset) = place(&w, "m");
    assert!(told(&mut w, 0, |o, w| o.stored(w, 0, &id, offset, [1; 20])).contains(&"S10"));
}

#[test]
fn s11_a_value_out_of_half_a_dataset() {
    let mut w = world(&["slow r1 100"]);
    act(&mut w, "r1> REPLICAOF NO ONE");
    act(&mut w, "r1> SET b 1");
    act(&mut w, "r1> REPLICAOF 127.0.0.1 6379");
    while w.node("r1").is_some_and(|n| n.loading().is_none()) {
        assert!(w.step());
    }
    let get = ["GET", "a"].map(|word| Bytes::from(word.as_bytes()));
    let reply = Reply::Bulk(Bytes::from(&b"1"[..]));
    let tell = |o: &mut Oracle, w: &Cluster| o.client(w, 1, CONSOLE, &get, &[reply], 0);
    assert!(told(&mut w, 1, tell).contains(&"S11"));
}

#[test]
fn s13_a_stale_value_that_should_be_refused() {
    let mut w = world(&["r1> CONFIG SET replica-serve-stale-data no", "cut m r1"]);
    let get = ["GET", "a"].map(|word| Bytes::from(word.as_bytes()));
    let reply = Reply::Bulk(Bytes::from(&b"1"[..]));
    let tell = |o: &mut Oracle, w: &Cluster| o.client(w, 1, CONSOLE, &get, &[reply], 0);
    assert!(told(&mut w, 1, tell).contains(&"S13"));
}

#[test]
fn s14_wait_counts_a_replica_that_has_not_the_write() {
    let mut w = world(&["cut m r1"]);
    act(&mut w, "m> SET b 1");
    act(&mut w, "m> WAIT 2 0");
    w.run_until(w.now.after(SECOND_US / 2));
    let reply = Reply::Integer(2);
    assert_eq!(
        told(&mut w, 0, |o, w| o.replied(w, 0, CONSOLE, &reply)),
        ["S14"]
    );
}

#[test]
fn s15_replicas_kept_under_another_id() {
    let mut w = world(&[]);
    assert!(told(&mut w, 0, |o, _| o.seen(0).id = "0".repeat(40)).contains(&"S15"));
}

#[test]
fn s16_bytes_of_a_master_of_before() {
    let mut w = world(&["r1> REPLICAOF 127.0.0.1 6381"]);
    let before = ConnId(link(&w, "r1").0 - 1);
    act(&mut w, "m> SET b 1");
    w.run_until(w.now.after(1500));
    let end = place(&w, "r1").1;
    let bytes = w
        .node("m")
        .expect("it runs")
        .backlog()
        .expect("a ring")
        .since(end + 1);
    let note = piece(&w, "r1", end + 1, &bytes, false);
    let tell = |o: &mut Oracle| {
        o.note(1, &note);
        o.seen(1).arrived = Some(before);
    };
    assert!(told(&mut w, 1, |o, _| tell(o)).contains(&"S16"));
}

#[test]
fn s17_a_ring_a_buffer_and_a_queue_that_are_too_large() {
    let mut w = world(&[]);
    for _ in 0..4 {
        w.run_until(w.now.after(SECOND_US));
    }
    let config = |w: &mut Cluster, change: &dyn Fn(&mut crate::node::config::Config)| {
        let node = w.machines[0].node.as_mut().expect("it runs");
        change(&mut node.config);
    };
    config(&mut w, &|c| c.repl_backlog_size = 1);
    assert!(told(&mut w, 0, |_, _| {}).contains(&"S17"), "the ring");
    // What r1 does not read waits, and the limits are changed under the node.
    for soft in [false, true] {
        let mut w = world(&["reads r1 none"]);
        for _ in 0..4 {
            let value = "v".repeat(40_000);
            w.exec("m", &["SET", "b", &value]);
            w.run_until(w.now.after(SECOND_US));
        }
        assert_eq!(laws(&w), [""; 0]);
        config(&mut w, &|c| {
            let limit = &mut c.output_limits[1];
            (limit.hard, limit.soft, limit.soft_s) = if soft { (0, 9000, 2) } else { (9000, 0, 0) };
        });
        assert!(
            idle(&mut w, 0, 12).contains(&"S17"),
            "the buffer, soft {soft}"
        );
    }
    let mut w = world(&[]);
    for _ in 0..4 {
        w.run_until(w.now.after(SECOND_US));
    }
    let far = w.now.after(SECOND_US);
    w.queue
        .extend((0..=bounds::DUE_MAX).map(|_| (far, 0, Due::Release)));
    assert!(told(&mut w, 0, |_, _| {}).contains(&"S17"), "the queue");
}

#[test]
fn s20_a_link_lost_for_a_command_that_failed() {
    let mut w = world(&["cut m r1"]);
    let tell = |o: &mut Oracle| {
        o.seen(1).connected = true;
        o.log(
            1,
            "== CRITICAL == This replica is sending an error to its master",
        );
    };
    assert!(told(&mut w, 1, |o, _| tell(o)).contains(&"S20"));
}

#[test]
fn l2_a_full_resync_without_need() {
    let mut w = world(&[]);
    let (id, offset) = place(&w, "m");
    let cause = FullCause::OtherHistory;
    let note = answered(&w, &id, offset + 1, Outcome::Full { cause });
    assert!(told(&mut w, 0, |o, _| o.note(0, &note)).contains(&"L2"));
}

#[test]
fn l4_a_silent_master_and_l5_a_wait_without_end() {
    let mut w = world(&[]);
    assert_eq!(idle(&mut w, 1, 55), [""; 0], "not yet");
    assert!(idle(&mut w, 1, 10).contains(&"L4"));
    let mut w = world(&["cut m r1"]);
    act(&mut w, "m> SET b 1");
    act(&mut w, "m> WAIT 2 1500");
    assert_eq!(idle(&mut w, 0, 1), [""; 0], "not yet");
    assert!(idle(&mut w, 0, 3).contains(&"L5"));
}

#[test]
fn l6_a_replica_that_does_not_dial() {
    let mut w = world(&["cut m r1"]);
    while w
        .node("r1")
        .and_then(Node::upstream)
        .is_some_and(|u| u.stage != Stage::Connect)
    {
        assert!(w.step());
    }
    assert!(idle(&mut w, 1, 8).contains(&"L6"));
}
