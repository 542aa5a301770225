//! The engine against real servers: `ringside server` and Debian's `redis-server` are each other's masters and replicas
//! on loopback. Whether they agree is asked of both: `INFO`, the log, and `DEBUG DIGEST`, a digest of the whole dataset.
//!
//! Every test starts servers of its own on free ports, so they may run side by side. Nothing waits for a fixed time.

#[path = "redis/client.rs"]
#[allow(dead_code)]
mod client;
#[path = "redis/dataset.rs"]
#[allow(dead_code)]
mod dataset;
#[path = "redis/process.rs"]
#[allow(dead_code)]
mod process;
#[path = "redis/proxy.rs"]
mod proxy;

use client::Client;
use dataset::Writes;
use process::{Server, eventually, ours, real};
use proxy::Proxy;
use ringside::wire::resp::{self, Reply};
use std::collections::BTreeMap;
use std::io::Write;
use std::process::Command;

/// Makes `replica` follow the server on `port` and waits for the link.
#[track_caller]
fn follow(replica: &Server, port: u16) {
    let mut client = replica.client();
    client.ok(&format!("REPLICAOF 127.0.0.1 {port}"));
    eventually("the link to the master is up", || client.linked());
}

/// Waits until a master counts its first replica as online: of a snapshot without a file that is after its first
/// acknowledgement, somewhat later than the replica itself thinks.
fn online(master: &mut Client) {
    eventually("the master counts its replica as online", || {
        master.replication("slave0").contains("state=online")
    });
}

/// Waits until both are at the same offset of the same history, with the same data.
#[track_caller]
fn agree(a: &Server, b: &Server) {
    let (mut a, mut b) = (a.client(), b.client());
    let mut seen = (0, 0);
    eventually("both are at the same offset", || {
        seen = (a.offset(), b.offset());
        seen.0 == seen.1
    });
    assert_eq!(
        a.replication("master_replid"),
        b.replication("master_replid")
    );
    // Between the two questions a key may expire, or a PING pass.
    let mut digests = (String::new(), String::new());
    eventually("both have the same data", || {
        digests = (a.digest(), b.digest());
        digests.0 == digests.1
    });
    assert_ne!(digests.0, "0".repeat(40), "the dataset must not be empty");
}

/// A full synchronization, writes, a killed link, and a partial one; both ways round the same story.
#[track_caller]
fn full_then_partial(master: &Server, replica: &Server) {
    let mut m = master.client();
    dataset::fill(&mut m);
    follow(replica, master.port);
    agree(master, replica);
    assert_eq!((m.stat("sync_full"), m.stat("sync_partial_ok")), (1, 0));

    let mut writes = Writes::new(1);
    writes.go_on(&mut m, 1000);
    agree(master, replica);

    for round in 1..=3 {
        assert_eq!(m.number("CLIENT KILL TYPE replica"), 1);
        writes.go_on(&mut m, 500);
        eventually("a partial resynchronization", || {
            m.stat("sync_partial_ok") == round
        });
        agree(master, replica);
    }
    // One request was refused: the first, for a history of the replica's own.
    assert_eq!((m.stat("sync_full"), m.stat("sync_partial_err")), (1, 1));

    // The replica closes the link itself, too. Its master is one of its clients, and the same one afterwards.
    let mut r = replica.client();
    let link = |r: &mut Client| {
        let line = r.text("CLIENT LIST TYPE master");
        let field = |name: &str| {
            line.split(' ')
                .find_map(|w| w.strip_prefix(name).map(String::from))
        };
        (field("id="), field("addr="), field("flags="))
    };
    let before = link(&mut r);
    let addr = format!("127.0.0.1:{}", master.port);
    assert_eq!(before.1.as_ref(), Some(&addr));
    assert_eq!(before.2.as_deref(), Some("M"));
    let kills = ["TYPE master".into(), addr.clone(), format!("ADDR {addr}")];
    for (kill, round) in kills.into_iter().zip(4..) {
        let done = r.run(&format!("CLIENT KILL {kill}"));
        assert!(!matches!(done, Reply::Error(_)), "{kill}: {done:?}");
        eventually("a partial resynchronization", || {
            m.stat("sync_partial_ok") == round
        });
        writes.go_on(&mut m, 100);
        agree(master, replica);
        assert_eq!(link(&mut r), before);
    }
    assert_eq!(m.stat("sync_full"), 1);
}

// --- synchronization -------------------------------------------------------------------------------------------------

#[test]
fn ours_follows_a_real_master_that_streams_its_snapshot() {
    let (master, replica) = (real(&["--repl-diskless-sync", "yes"]), ours(&[]));
    full_then_partial(&master, &replica);
    replica.logs("receiving streamed RDB from master with EOF to disk");
}

#[test]
fn ours_follows_a_real_master_that_sends_a_file() {
    let (master, replica) = (real(&["--repl-diskless-sync", "no"]), ours(&[]));
    full_then_partial(&master, &replica);
}

#[test]
fn a_real_replica_follows_ours() {
    let (master, replica) = (ours(&["--repl-diskless-sync", "no"]), real(&[]));
    full_then_partial(&master, &replica);
}

#[test]
fn a_real_replica_follows_ours_that_streams_its_snapshot() {
    let (master, replica) = (ours(&[]), real(&[]));
    full_then_partial(&master, &replica);
    replica.logs("receiving streamed RDB from master with EOF to disk");
    assert!(!master.snapshot().exists(), "no file was written");
}

#[test]
fn the_stream_waits_until_the_end_of_a_streamed_snapshot_was_found() {
    for server in [real(&[]), ours(&[])] {
        let mut client = server.client();
        client.ok("CONFIG SET repl-ping-replica-period 3600");
        client.ok("SET in snapshot");
        let mut tap = server.client();
        tap.ok("REPLCONF listening-port 1");
        tap.ok("REPLCONF capa eof capa psync2");
        tap.send(b"PSYNC ? -1\r\n");
        let mut line = tap.line();
        while !line.starts_with('$') {
            line = tap.line();
        }
        let mark = line
            .strip_prefix("$EOF:")
            .expect("a mark")
            .as_bytes()
            .to_vec();
        assert_eq!(mark.len(), 40);
        let mut file = tap.exactly(41);
        while !file.ends_with(&mark) {
            file.extend(tap.exactly(1));
        }
        assert!(file.starts_with(b"REDIS0010"));
        eventually("the replica is online", || {
            client.replication("slave0").contains("state=online")
        });
        client.ok("SET after snapshot");
        // The answer to a command of the tap would come before what is held back, but a replica gets no answers: an
        // acknowledgement of nothing is what lets the stream go.
        tap.send(b"REPLCONF ACK 0\r\n");
        assert_eq!(tap.line(), "*2");
        let stream = stream(&server, &mut tap);
        assert!(stream.contains("after"), "{stream}");
    }
}

#[test]
fn replicas_of_ours_join_the_same_streamed_snapshot() {
    let options = [
        "--repl-diskless-sync-delay",
        "600",
        "--repl-diskless-sync-max-replicas",
        "2",
    ];
    let (master, a, b) = (ours(&options), real(&[]), ours(&[]));
    dataset::fill(&mut master.client());
    a.client()
        .ok(&format!("REPLICAOF 127.0.0.1 {}", master.port));
    eventually("the first one waits", || {
        master.client().replication("connected_slaves") == "1"
    });
    assert!(
        master
            .client()
            .replication("slave0")
            .contains("state=wait_bgsave")
    );
    Writes::new(6).go_on(&mut master.client(), 300);
    b.client()
        .ok(&format!("REPLICAOF 127.0.0.1 {}", master.port));
    for replica in [&a, &b] {
        eventually("the link to the master is up", || replica.client().linked());
        agree(&master, replica);
    }
    let started = master.log().matches("target: replicas sockets").count();
    assert_eq!(started, 1);
}

#[test]
fn a_real_replica_that_loads_from_the_socket_follows_ours() {
    let (master, replica) = (ours(&[]), real(&["--repl-diskless-load", "swapdb"]));
    full_then_partial(&master, &replica);
}

#[test]
fn real_then_ours_then_real_in_a_chain() {
    let room = ["--repl-backlog-size", "16mb"];
    let (top, middle, last) = (real(&room), ours(&room), real(&room));
    let wire = Proxy::to(top.port);
    let mut t = top.client();
    dataset::fill(&mut t);
    follow(&middle, wire.port);
    follow(&last, middle.port);
    let mut writes = Writes::new(2);
    writes.go_on(&mut t, 500);
    agree(&top, &middle);
    agree(&top, &last);

    // The wire breaks in the middle of a command of a megabyte, and in the middle of a transaction.
    let megabyte = vec![b'm'; 1 << 20];
    for (round, cut) in [1_000, 300_000, 1_048_620].into_iter().enumerate() {
        wire.cut_after(cut);
        t.command(&[
            b"SET".to_vec(),
            b"megabyte".to_vec(),
            megabyte[..(1 << 20) - 100 * round].to_vec(),
        ]);
        writes.go_on(&mut t, 50);
        eventually("the wire is cut", || wire.cuts() == round as u64 + 1);
        eventually("a partial resynchronization", || {
            t.stat("sync_partial_ok") == round as u64 + 1
        });
        agree(&top, &middle);
        agree(&top, &last);
    }
    t.ok("MULTI");
    for i in 0..100 {
        assert_eq!(
            t.run(&format!("SET transaction:{i} whole")),
            Reply::Simple("QUEUED".into())
        );
    }
    wire.cut_after(2_000);
    assert!(matches!(t.run("EXEC"), Reply::Array(replies) if replies.len() == 100));
    eventually("a partial resynchronization", || {
        t.stat("sync_partial_ok") == 4
    });
    agree(&top, &last);
    assert_eq!(
        (t.stat("sync_full"), middle.client().stat("sync_full")),
        (1, 1)
    );
    assert_eq!(
        middle.client().stat("sync_partial_ok"),
        0,
        "the link further down was never lost"
    );
}

#[test]
fn ours_then_real_then_ours_in_a_chain() {
    let (top, middle, last) = (ours(&[]), real(&[]), ours(&[]));
    let mut t = top.client();
    dataset::fill(&mut t);
    follow(&middle, top.port);
    follow(&last, middle.port);
    let mut writes = Writes::new(3);
    writes.go_on(&mut t, 1000);
    agree(&top, &last);
    assert_eq!(middle.client().number("CLIENT KILL TYPE replica"), 1);
    writes.go_on(&mut t, 500);
    eventually("a partial resynchronization", || {
        middle.client().stat("sync_partial_ok") == 1
    });
    agree(&top, &last);
}

#[test]
fn a_large_dataset_from_a_real_master_while_writes_go_on() {
    large_dataset(&real(&[]), &ours(&[]));
}

#[test]
fn a_large_dataset_to_a_real_replica_while_writes_go_on() {
    large_dataset(&ours(&[]), &real(&[]));
}

#[track_caller]
fn large_dataset(master: &Server, replica: &Server) {
    let mut m = master.client();
    dataset::fill_many(&mut m, 50_000);
    let mut r = replica.client();
    r.ok(&format!("REPLICAOF 127.0.0.1 {}", master.port));
    let mut writes = Writes::new(4);
    let mut rounds = 0;
    eventually("the link to the master is up", || {
        writes.go_on(&mut m, 20);
        rounds += 1;
        r.linked()
    });
    assert!(rounds > 1, "no write came in between");
    writes.go_on(&mut m, 500);
    agree(master, replica);
    assert_eq!(m.stat("sync_full"), 1);
}

#[test]
fn several_replicas_share_one_snapshot_of_ours() {
    let (master, a, b, c) = (ours(&[]), real(&[]), real(&[]), ours(&[]));
    dataset::fill(&mut master.client());
    for replica in [&a, &b, &c] {
        replica
            .client()
            .ok(&format!("REPLICAOF 127.0.0.1 {}", master.port));
    }
    Writes::new(5).go_on(&mut master.client(), 300);
    for replica in [&a, &b, &c] {
        eventually("the link to the master is up", || replica.client().linked());
        agree(&master, replica);
    }
    assert_eq!(master.client().stat("sync_full"), 3);
}

#[test]
fn a_snapshot_that_breaks_off_is_asked_for_again() {
    for (master, replica) in [
        (real(&[]), ours(&[])),
        (real(&["--repl-diskless-sync", "no"]), ours(&[])),
        (ours(&[]), real(&[])),
    ] {
        let wire = Proxy::to(master.port);
        let (mut m, mut r) = (master.client(), replica.client());
        dataset::fill(&mut m);
        r.ok("SET earlier life");
        wire.cut_after(40_000);
        r.ok(&format!("REPLICAOF 127.0.0.1 {}", wire.port));
        eventually("the wire is cut", || wire.cuts() == 1);
        eventually("the link to the master is up", || r.linked());
        agree(&master, &replica);
        assert_eq!(m.stat("sync_full"), 2);
    }
}

#[test]
fn whatever_is_lost_on_the_wire_is_made_up_for() {
    let room = ["--repl-backlog-size", "16mb"];
    for (master, replica) in [(real(&room), ours(&room)), (ours(&room), real(&room))] {
        let wire = Proxy::to(master.port);
        let mut m = master.client();
        dataset::fill(&mut m);
        follow(&replica, wire.port);
        let mut writes = Writes::new(12);
        for round in 1..=12 {
            // Somewhere in the answer to PSYNC, in a command, or between two.
            wire.cut_after(round * round * 97);
            eventually("the wire is cut", || {
                writes.go_on(&mut m, 20);
                wire.cuts() == round as u64
            });
        }
        eventually("the link to the master is up", || replica.client().linked());
        agree(&master, &replica);
        assert_eq!(m.stat("sync_full"), 1);
    }
}

#[test]
fn a_replica_that_stands_still_catches_up() {
    for (master, replica) in [(real(&[]), ours(&[])), (ours(&[]), real(&[]))] {
        let mut m = master.client();
        follow(&replica, master.port);
        replica.signal("STOP");
        // More than the sockets between them hold: the master keeps what the replica does not take.
        let value = vec![b'v'; 1 << 20];
        for i in 0..24 {
            m.command(&[
                b"SET".to_vec(),
                format!("key:{i}").into_bytes(),
                value.clone(),
            ]);
        }
        Writes::new(13).go_on(&mut m, 300);
        replica.signal("CONT");
        agree(&master, &replica);
        assert_eq!((m.stat("sync_full"), m.stat("sync_partial_ok")), (1, 0));
    }
}

#[test]
fn without_a_directory_there_is_no_full_synchronization() {
    let open = ["--enable-protected-configs", "yes", "--repl-diskless-sync"];
    for (master, replica) in [
        (real(&[]), ours(&open[..2])),
        (ours(&[&open[..], &["no"]].concat()), real(&[])),
    ] {
        let our_dir = if replica.ours {
            replica.dir.path()
        } else {
            master.dir.path()
        };
        let (mut m, mut r) = (master.client(), replica.client());
        m.ok("SET key value");
        std::fs::remove_dir_all(our_dir).expect("it can be removed");
        r.ok(&format!("REPLICAOF 127.0.0.1 {}", master.port));
        eventually("several attempts fail", || m.stat("sync_full") >= 2);
        assert!(!r.linked());
        // As Redis, the process stands in the old one until it is told of the new one.
        std::fs::create_dir(our_dir).expect("it can be made");
        let ours = if replica.ours { &mut r } else { &mut m };
        ours.ok(&format!("CONFIG SET dir {}", our_dir.display()));
        eventually("the link to the master is up", || r.linked());
        agree(&master, &replica);
    }
}

// --- passwords -------------------------------------------------------------------------------------------------------

#[test]
fn a_password_is_asked_for_by_a_real_master() {
    let (master, replica) = (
        real(&["--requirepass", "open sesame"]),
        ours(&["--masterauth", "wrong"]),
    );
    passwords(&master, &replica);
    replica.logs(
        "Unable to AUTH to MASTER: -WRONGPASS invalid username-password pair or user is disabled.",
    );
}

#[test]
fn a_password_is_asked_for_by_ours() {
    let (master, replica) = (
        ours(&["--requirepass", "open sesame"]),
        real(&["--masterauth", "wrong"]),
    );
    passwords(&master, &replica);
    replica.logs(
        "Unable to AUTH to MASTER: -WRONGPASS invalid username-password pair or user is disabled.",
    );
}

#[track_caller]
fn passwords(master: &Server, replica: &Server) {
    let mut m = master.client();
    assert_eq!(
        m.refused("SET key value"),
        "NOAUTH Authentication required."
    );
    assert_eq!(m.refused("PSYNC ? -1"), "NOAUTH Authentication required.");
    assert_eq!(
        m.refused("AUTH wrong"),
        "WRONGPASS invalid username-password pair or user is disabled."
    );
    assert_eq!(
        m.command(&["AUTH", "open sesame"]),
        Reply::Simple("OK".into())
    );
    m.ok("SET key value");
    let mut r = replica.client();
    r.ok(&format!("REPLICAOF 127.0.0.1 {}", master.port));
    replica.logs("Unable to AUTH to MASTER");
    assert_eq!((r.linked(), m.stat("sync_full")), (false, 0));
    r.command(&["CONFIG", "SET", "masterauth", "open sesame"]);
    eventually("the link to the master is up", || r.linked());
    eventually("the key arrives", || {
        r.run("GET key") == Reply::Bulk(b"value"[..].into())
    });
    assert_eq!(m.stat("sync_full"), 1);
}

// --- promotion -------------------------------------------------------------------------------------------------------

#[test]
fn after_a_promotion_of_ours_real_replicas_need_only_what_they_missed() {
    let (old, new, below, beside) = (real(&[]), ours(&[]), real(&[]), real(&[]));
    dataset::fill(&mut old.client());
    follow(&new, old.port);
    follow(&below, new.port);
    follow(&beside, old.port);
    Writes::new(6).go_on(&mut old.client(), 300);
    for replica in [&new, &below, &beside] {
        agree(&old, replica);
    }
    promoted(&old, &new, &below, &beside);
}

#[test]
fn after_a_promotion_of_a_real_server_ours_need_only_what_they_missed() {
    let (old, new, below, beside) = (ours(&[]), real(&[]), ours(&[]), ours(&[]));
    dataset::fill(&mut old.client());
    follow(&new, old.port);
    follow(&below, new.port);
    follow(&beside, old.port);
    Writes::new(7).go_on(&mut old.client(), 300);
    for replica in [&new, &below, &beside] {
        agree(&old, replica);
    }
    promoted(&old, &new, &below, &beside);
}

/// `new` takes over from `old`; the others, and at last the old master itself, follow it without a full
/// synchronization.
#[track_caller]
fn promoted(old: &Server, new: &Server, below: &Server, beside: &Server) {
    let mut n = new.client();
    let full_before = n.stat("sync_full");
    let old_id = n.replication("master_replid");
    n.ok("REPLICAOF NO ONE");
    let id = n.replication("master_replid");
    assert_ne!(id, old_id);
    assert_eq!(n.replication("master_replid2"), old_id);
    assert_eq!(
        n.replication("second_repl_offset").parse(),
        Ok(n.offset() + 1)
    );
    n.ok("SET after promotion");

    // The one below was disconnected, so that it asks and learns the new id.
    eventually("the replica below learns the new id", || {
        below.client().replication("master_replid") == id
    });
    agree(new, below);
    let mut b = below.client();
    assert_eq!(b.replication("master_replid2"), old_id);
    follow(beside, new.port);
    agree(new, beside);
    follow(old, new.port);
    agree(new, old);
    for replica in [below, beside, old] {
        replica.logs(&format!("Master replication ID changed to {id}"));
        replica.logs("MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.");
    }
    assert_eq!(
        (n.stat("sync_full"), n.stat("sync_partial_ok")),
        (full_before, 3)
    );
    Writes::new(8).go_on(&mut n, 300);
    for replica in [below, beside, old] {
        agree(new, replica);
    }
}

#[test]
fn a_master_that_wrote_on_its_own_after_the_promotion_gives_that_up() {
    for (old, new) in [(real(&[]), ours(&[])), (ours(&[]), real(&[]))] {
        let (mut o, mut n) = (old.client(), new.client());
        o.ok("SET key value");
        follow(&new, old.port);
        agree(&old, &new);
        n.ok("REPLICAOF NO ONE");
        o.ok("SET lost in-the-split");
        n.ok("SET kept yes");
        follow(&old, new.port);
        agree(&new, &old);
        assert_eq!(o.run("GET lost"), Reply::Nil);
        assert_eq!((n.stat("sync_full"), n.stat("sync_partial_err")), (1, 1));
    }
}

#[test]
fn a_real_master_hands_over_to_ours_with_failover() {
    let (old, new) = (real(&[]), ours(&[]));
    let (mut o, mut n) = (old.client(), new.client());
    dataset::fill(&mut o);
    follow(&new, old.port);
    Writes::new(9).go_on(&mut o, 100);
    online(&mut o);
    o.ok(&format!("FAILOVER TO 127.0.0.1 {}", new.port));
    eventually("ours is the master", || n.replication("role") == "master");
    eventually("the old master follows it", || {
        o.replication("role") == "slave" && o.linked()
    });
    n.ok("SET after failover");
    agree(&new, &old);
    assert_eq!((n.stat("sync_full"), n.stat("sync_partial_ok")), (0, 1));
}

// --- the stream ------------------------------------------------------------------------------------------------------

/// A connection that asks for the stream as a replica does, and is past the snapshot.
#[track_caller]
fn tap(server: &Server) -> Client {
    let mut tap = server.client();
    tap.ok("REPLCONF listening-port 1");
    tap.send(b"PSYNC ? -1\r\n");
    tap.snapshot();
    tap
}

/// Reads the stream up to a marker that was set.
#[track_caller]
fn stream(server: &Server, tap: &mut Client) -> String {
    server.client().ok("SET end marker");
    let mut all = String::new();
    while !all.ends_with("SET\n$3\nend\n$6\nmarker\n") {
        all.push_str(&tap.line());
        all.push('\n');
    }
    all
}

#[test]
fn the_stream_has_the_same_bytes() {
    let commands = "SET a 1|set A b xx|SET a 2 GET|INCR a|APPEND a 5|GETSET a x|SELECT 3|SET b 1|DEL a b c|SELECT 0|MULTI|SET m 1|INCR n|EXEC|\
                    MULTI|SET m 2|EXEC|MULTI|GET m|EXEC|MULTI|SET m 3|SELECT 7|SET o 1|SELECT 0|SET p 1|EXEC|RPUSH l 1 2 3 4|LTRIM l 0 2|LPOP l 2|\
                    LREM l 0 none|SADD s one|SPOP s|SADD s 1 2|SPOP s 5|HSET h f v|HINCRBYFLOAT h x 1.5|HDEL h f g|ZADD z 1 a 2 b|ZADD z 1 a|\
                    ZPOPMIN z|ZINCRBY z 1.5 b|INCRBYFLOAT f 3.0|SET e 1 PXAT 32503680000000|EXPIREAT h 32503680000|PERSIST h|EXPIRE h -1|GETDEL e|\
                    RENAME m q|COPY q r|SETEX r 0 x|FLUSHALL|FLUSHDB|SET x y KEEPTTL|GETEX x PXAT 32503680000000|GETEX x|SETRANGE x 3 z|MSET 1 2 3 4|\
                    MSETNX 1 2|SETNX 9 9|RPUSH v 1|RPOPLPUSH v w|LMOVE w v LEFT RIGHT|LINSERT v BEFORE 1 0|SMOVE s t 1|SADD i 1 2 3|SINTERSTORE j i i|UNLINK i|\
                    PING|ECHO x";
    let mut streams = Vec::new();
    for server in [
        real(&[
            "--repl-diskless-sync",
            "no",
            "--repl-ping-replica-period",
            "3600",
        ]),
        ours(&["--repl-ping-replica-period", "3600"]),
    ] {
        let mut tap = tap(&server);
        let mut client = server.client();
        let replies: Vec<Reply> = commands.split('|').map(|line| client.run(line)).collect();
        // A command that one of the two does not know would make the comparison worthless.
        streams.push((replies, stream(&server, &mut tap)));
    }
    let (theirs, ours) = (&streams[0], &streams[1]);
    for ((line, theirs), ours) in commands.split('|').zip(&theirs.0).zip(&ours.0) {
        assert_eq!(theirs, ours, "the reply to '{line}'");
    }
    assert_eq!(theirs.1, ours.1);
}

/// Several clients talk to a real server and to ours, and both must answer the same and write the same stream. A line
/// is the name of a client and a command; `name> command` waits until the server has the command waiting, and `name<`
/// reads its reply later.
#[track_caller]
fn both_say_the_same(lines: &str) {
    let mut heard = Vec::new();
    for server in [
        real(&[
            "--repl-diskless-sync",
            "no",
            "--repl-ping-replica-period",
            "3600",
        ]),
        ours(&[
            "--repl-diskless-sync",
            "no",
            "--repl-ping-replica-period",
            "3600",
        ]),
    ] {
        let mut tap = tap(&server);
        let mut onlooker = server.client();
        let mut waiting = || -> u64 {
            let clients = onlooker.info("clients");
            clients["blocked_clients"].parse().expect("a number")
        };
        let mut clients: BTreeMap<&str, Client> = BTreeMap::new();
        let mut said = Vec::new();
        for line in lines.lines().map(str::trim).filter(|l| !l.is_empty()) {
            let (name, command) = line.split_once(' ').unwrap_or((line, ""));
            let client = clients
                .entry(name.trim_end_matches(['<', '>']))
                .or_insert_with(|| server.client());
            if name.ends_with('>') {
                let before = waiting();
                client.send(&resp::command(&command.split(' ').collect::<Vec<_>>()));
                eventually("the command waits", || waiting() > before);
            } else {
                let reply = if name.ends_with('<') {
                    client.reply()
                } else {
                    client.run(command)
                };
                said.push(format!("{line} -> {}", reply.pretty()));
            }
        }
        let time = |line: &str| line.len() == 13 && line.starts_with("17");
        let stream = stream(&server, &mut tap);
        let lines = stream.lines().filter(|line| !time(line));
        said.push(lines.collect::<Vec<_>>().join(" "));
        heard.push(said);
    }
    for (theirs, ours) in heard[0].iter().zip(&heard[1]) {
        assert_eq!(theirs, ours);
    }
}

#[test]
fn who_waits_for_a_key_is_served_as_by_a_real_server() {
    both_say_the_same(
        "a BLPOP k 0.05
         a BRPOPLPUSH k l 0.05
         a BLMOVE k l LEFT RIGHT 0.05
         a BZPOPMIN k 0.05
         a BLMPOP 0.05 1 k LEFT
         a BLPOP k abc
         a BLPOP k -1
         a BLMOVE k l UP RIGHT 0
         a BLMPOP 0 0 k LEFT
         a BLMPOP 0 1 k UP
         a BLMPOP 0 3 k LEFT
         a BZMPOP 0 1 k MIN COUNT 0
         a MULTI
         a BLPOP k 0
         a BLMOVE k l LEFT RIGHT 0
         a BZMPOP 0 1 k MIN
         a BRPOPLPUSH k l 0
         a BZPOPMAX k 0
         a EXEC
         a RPUSH have 1 2 3 4 5 6 7
         a blpop none have 0
         a BRPOP have 0
         a BLMPOP 0 2 none have RIGHT COUNT 2
         a BLMOVE have other lEFT RIGHT 0
         a brpoplpush have other 0
         a ZADD scored 1 x 2 y 3 z
         a BZPOPMIN scored 0
         a BZPOPMAX scored 0
         a BZMPOP 0 1 scored MAX COUNT 9
         a> BLPOP k j 0
         b> BRPOP j k 0
         c> BLMOVE k moved LEFT LEFT 0
         d RPUSH k 1 2 3 4
         a<
         b<
         c<
         d LRANGE moved 0 -1
         d DEL k
         d SET string x
         a> BLPOP k j 0
         b> BLMOVE j string LEFT LEFT 0
         d MULTI
         d RPUSH j 1
         d RPUSH k 2
         d RPUSH j 3
         d EXEC
         a<
         b<
         d DEL k j
         a> BZPOPMIN z k 0
         d RPUSH k 1
         d DEL k
         d ZADD z 1 x 2 y
         a<
         b> BZMPOP 0 2 q r MAX COUNT 5
         d ZADD r 1 x 2 y
         b<
         b> BLMPOP 0 2 q g LEFT COUNT 2
         d RPUSH g 1 2 3
         b<
         d DEL string
         b> BLPOP string 0
         d SET string 1
         d RPUSH o 1
         d RENAME o string
         b<
         b> BLPOP swapped 0
         d SELECT 3
         d RPUSH swapped 1
         d SWAPDB 0 3
         b<
         d SELECT 0
         a> BLPOP first 0
         b> BLMOVE second first LEFT LEFT 0
         d RPUSH second 1
         a<
         b<
         a> BLPOP fleeting 0
         d MULTI
         d RPUSH fleeting 1
         d DEL fleeting
         d EXEC
         d RPUSH fleeting 2
         a<",
    );
}

#[test]
fn messages_reach_those_who_listen() {
    both_say_the_same(
        "a SUBSCRIBE one two one
         a<
         a<
         a PSUBSCRIBE o?e z*
         a<
         b PSUBSCRIBE nothing
         c SUBSCRIBE one
         d PUBLISH one hello
         a<
         a<
         c<
         d PUBLISH none hello
         d PUBSUB NUMSUB one two three
         d PUBSUB NUMPAT
         d PUBSUB CHANNELS t*
         d PUBSUB CHANNELS x*
         d PUBSUB NOSUCH
         a PING
         a PING me
         a GET k
         a UNSUBSCRIBE two none
         a<
         a PUNSUBSCRIBE z*
         a PUNSUBSCRIBE
         a UNSUBSCRIBE
         a UNSUBSCRIBE
         a PUNSUBSCRIBE
         a GET k
         c RESET
         d PUBLISH one again
         d MULTI
         d PUBLISH one x
         d SET k 1
         d EXEC
         d SELECT 4
         d publish ONE x",
    );
}

/// What a server counted of the commands that the tests' own questions are not among: calls, and how many failed.
fn counted(server: &Server) -> BTreeMap<String, String> {
    let own = ["info", "debug", "config|resetstat", "replconf"];
    let stats = server.client().info("commandstats");
    let stats = stats.into_iter().map(|(name, counts)| {
        let counts = counts.split(',').filter(|c| !c.starts_with("usec"));
        let counts = counts.collect::<Vec<_>>().join(",");
        (name.replace("cmdstat_", ""), counts)
    });
    stats
        .filter(|(name, _)| !own.contains(&&name[..]))
        .collect()
}

#[test]
fn a_replica_counts_the_commands_of_its_master() {
    let quiet = ["--repl-ping-replica-period", "3600"];
    let (master, a, b) = (real(&quiet), real(&quiet), ours(&quiet));
    for replica in [&a, &b] {
        follow(replica, master.port);
        replica.client().ok("CONFIG RESETSTAT");
    }
    let mut client = master.client();
    for line in [
        "SET a 1",
        "EXPIRE a 100",
        "RPUSH list x y z",
        "BLMOVE list other LEFT RIGHT 1",
        "BRPOPLPUSH list other 1",
        "PUBLISH news hello",
        "SELECT 3",
        "SET b 1",
        "MULTI",
        "INCR b",
        "INCR c",
        "EXEC",
    ] {
        client.run(line);
    }
    for replica in [&a, &b] {
        agree(&master, replica);
    }
    let seen = counted(&b);
    assert!(seen.contains_key("lmove") && seen.contains_key("rpoplpush"));
    assert!(seen.contains_key("multi") && seen.contains_key("exec"));
    assert_eq!(counted(&a), seen);
}

#[test]
fn a_replica_passes_messages_on() {
    for (master, replica) in [(real(&[]), ours(&[])), (ours(&[]), real(&[]))] {
        let (mut m, mut r) = (master.client(), replica.client());
        m.ok("SET some data");
        follow(&replica, master.port);
        r.run("SUBSCRIBE news");
        assert_eq!(m.number("PUBLISH news spreads"), 0);
        assert_eq!(
            r.reply().pretty(),
            "1) \"message\"\n2) \"news\"\n3) \"spreads\""
        );
        let at = m.offset();
        assert_eq!(replica.client().number("PUBLISH news local"), 1);
        assert_eq!(
            r.reply().pretty(),
            "1) \"message\"\n2) \"news\"\n3) \"local\""
        );
        assert!(
            matches!(m.offset() - at, 0 | 14),
            "only a PING may have come"
        );
        agree(&master, &replica);
    }
}

#[test]
fn wait_counts_the_replicas_that_have_it_all() {
    for (master, replica) in [
        (real(&[]), ours(&[])),
        (ours(&[]), real(&[])),
        (ours(&[]), ours(&[])),
    ] {
        let mut m = master.client();
        m.ok("CONFIG SET repl-ping-replica-period 3600");
        m.ok("SET some data");
        follow(&replica, master.port);
        agree(&master, &replica);
        m.ok("SET more data");
        let before = m.offset();
        m.number("WAIT 0 0");
        assert_eq!(m.offset(), before, "nothing was asked");
        assert_eq!(m.number("WAIT 1 0"), 1);
        m.ok("SET even more");
        let before = m.offset();
        assert_eq!(m.number("WAIT 2 50"), 1);
        assert_eq!(m.offset() - before, 37, "one REPLCONF GETACK *");
        m.ok("MULTI");
        m.run("SET more data");
        m.run("WAIT 5 0");
        assert!(m.run("EXEC").pretty().starts_with("1) OK\n2) (integer) "));
        // Two in one go, behind each other.
        m.send(b"SET a b\r\nWAIT 1 0\r\nSET c d\r\nWAIT 1 0\r\n");
        for text in ["OK", "(integer) 1", "OK", "(integer) 1"] {
            assert_eq!(m.reply().pretty(), text);
        }
        replica.signal("STOP");
        let mut other = master.client();
        m.ok("SET late data");
        m.send(b"WAIT 1 0\r\n");
        eventually("it waits", || {
            other.info("clients")["blocked_clients"] == "1"
        });
        other.ok("REPLICAOF 127.0.0.1 1");
        assert!(
            m.reply()
                .pretty()
                .contains("UNBLOCKED force unblock from blocking operation")
        );
        assert!(m.closed());
        assert!(
            other
                .refused("WAIT 1 1")
                .starts_with("ERR WAIT cannot be used with replica instances.")
        );
        replica.signal("CONT");
    }
}

#[test]
fn pauses_and_refusals_are_those_of_a_real_server() {
    both_say_the_same(
        "a CLIENT PAUSE
         a CLIENT PAUSE x
         a CLIENT PAUSE -1
         a CLIENT PAUSE 10 FOO
         a CLIENT UNPAUSE
         a CLIENT NO-EVICT on
         a CLIENT NO-EVICT x
         a CLIENT UNBLOCK 99999
         a CLIENT UNBLOCK 3 FOO
         a FAILOVER ABORT
         a FAILOVER ABORT 1
         a FAILOVER TIMEOUT
         a FAILOVER TIMEOUT 0
         a FAILOVER TIMEOUT x
         a FAILOVER TO a
         a FAILOVER TO a x
         a FAILOVER TIMEOUT 5 TIMEOUT 6
         a FAILOVER BOGUS
         a FAILOVER FORCE FORCE
         a FAILOVER FORCE
         a FAILOVER TIMEOUT 5 FORCE
         a FAILOVER TO 127.0.0.1 2
         a SHUTDOWN ABORT
         a SHUTDOWN FOO
         a SHUTDOWN SAVE NOSAVE
         a SHUTDOWN ABORT NOW
         a SET x 1
         a FAILOVER
         a FAILOVER
         a REPLICAOF 127.0.0.1 1
         a REPLICAOF NO ONE
         b> SET y 2
         c GET y
         c PSYNC ? -1
         a FAILOVER ABORT
         b<
         a FAILOVER TIMEOUT 30
         b SET y 3
         a CLIENT PAUSE 60000 WRITE
         b GET y
         b MULTI
         c> PUBLISH a b
         b> SET y 4
         a PUBLISH
         a CLIENT UNPAUSE
         b<
         c<
         b EXEC
         a CLIENT PAUSE 30
         b GET y
         b SET k 1 PX 20
         a CLIENT PAUSE 60000 WRITE
         b CLIENT PAUSE 60000 WRITE
         b DBSIZE
         a CLIENT UNPAUSE
         a SHUTDOWN ABORT",
    );
}

#[test]
fn a_failover_of_ours_hands_over_without_losing_a_write() {
    let options = ["--repl-ping-replica-period", "3600"];
    for (old, new) in [
        (ours(&options), real(&options)),
        (real(&options), ours(&options)),
        (ours(&options), ours(&options)),
    ] {
        let (mut o, mut n) = (old.client(), new.client());
        dataset::fill(&mut o);
        follow(&new, old.port);
        agree(&old, &new);
        online(&mut o);
        Writes::new(7).go_on(&mut o, 200);
        o.ok(&format!("FAILOVER TO 127.0.0.1 {} TIMEOUT 20000", new.port));
        // A write that comes too late is held, and refused in the end.
        let mut late = old.client();
        late.send(b"SET late write\r\n");
        assert!(late.reply().pretty().contains("READONLY"));
        eventually("the roles are exchanged", || {
            n.replication("role") == "master" && o.linked()
        });
        assert_eq!(o.replication("master_failover_state"), "no-failover");
        n.ok("SET on the-new-master");
        agree(&new, &old);
        assert_eq!((n.stat("sync_full"), n.stat("sync_partial_ok")), (0, 1));
    }
}

#[test]
fn a_failover_that_nobody_takes_over_is_given_up() {
    let (master, replica) = (ours(&[]), ours(&[]));
    let (mut m, mut r) = (master.client(), replica.client());
    m.ok("SET some data");
    follow(&replica, master.port);
    online(&mut m);
    replica.signal("STOP");
    m.ok("SET more data");
    m.ok(&format!(
        "FAILOVER TO 127.0.0.1 {} FORCE TIMEOUT 100",
        replica.port
    ));
    eventually("it is forced", || {
        m.replication("master_failover_state") == "failover-in-progress"
    });
    assert_eq!(m.replication("role"), "slave");
    m.ok("FAILOVER ABORT");
    assert_eq!(m.replication("role"), "master");
    assert_ne!(m.replication("second_repl_offset"), "-1");
    m.ok("SET yet more");
    replica.signal("CONT");
    eventually("the link to the master is up", || r.linked());
    agree(&master, &replica);
}

#[test]
fn who_does_not_take_what_it_is_sent_is_disconnected() {
    let limits = [
        "--repl-backlog-size",
        "16kb",
        "--client-output-buffer-limit",
        "normal 2mb 0 0 replica 2mb 1mb 60",
    ];
    for (master, replica) in [(real(&limits), ours(&[])), (ours(&limits), real(&[]))] {
        let mut m = master.client();
        assert!(
            m.run("CONFIG GET client-output-buffer-limit")
                .pretty()
                .contains("normal 2097152 0 0 slave 2097152 1048576 60 pubsub 33554432 8388608 60")
        );
        dataset::fill(&mut m);
        follow(&replica, master.port);
        replica.signal("STOP");
        let megabyte = vec![b'm'; 1 << 20];
        for _ in 0..40 {
            m.command(&[&b"SET"[..], b"big", &megabyte]);
        }
        let told = || {
            master
                .log()
                .matches("overcoming of output buffer limits")
                .count()
        };
        eventually("the replica is disconnected", || told() == 1);
        let mut greedy = master.client();
        greedy.send(&b"GET big\r\n".repeat(40));
        eventually("the client is disconnected", || told() == 2);
        replica.signal("CONT");
        eventually("another full synchronization", || m.stat("sync_full") == 2);
        agree(&master, &replica);
    }
}

#[test]
fn an_orderly_end_waits_for_the_replicas() {
    for (mut master, replica) in [(real(&[]), ours(&[])), (ours(&[]), real(&[]))] {
        let (mut m, mut r) = (master.client(), replica.client());
        m.ok("SET some data");
        follow(&replica, master.port);
        agree(&master, &replica);
        replica.signal("STOP");
        m.ok("SET more data");
        let mut other = master.client();
        other.send(b"SHUTDOWN NOSAVE\r\n");
        eventually("it waits", || {
            master
                .log()
                .contains("Waiting for replicas before shutting down.")
        });
        m.ok("SHUTDOWN ABORT");
        assert!(other.reply().pretty().contains("Errors trying to SHUTDOWN"));
        m.ok("SET even more");
        m.send(b"SHUTDOWN NOSAVE\r\n");
        replica.signal("CONT");
        assert!(m.closed());
        assert!(master.ended().success());
        assert_eq!(r.text("GET even"), "more");
    }
}

#[test]
fn a_transaction_whose_keys_were_touched_is_not_run() {
    both_say_the_same(
        "a SET k 1
         a WATCH k l
         b GET k
         a MULTI
         a WATCH k
         a SET done 1
         a EXEC
         a WATCH k
         b SET k 2
         a MULTI
         a SET done 2
         a EXEC
         a EXEC
         a WATCH l
         b RPUSH l 1
         a MULTI
         a EXEC
         a WATCH k
         a SET k own
         a MULTI
         a EXEC
         a WATCH k
         b SET k 3
         a UNWATCH
         a MULTI
         a PING
         a EXEC
         a WATCH k
         b SET k 4
         a MULTI
         a DISCARD
         a MULTI
         a PING
         a EXEC
         a WATCH none
         b DEL none
         b FLUSHALL
         a MULTI
         a PING
         a EXEC
         b SET k 5
         a WATCH k
         b FLUSHDB
         a MULTI
         a PING
         a EXEC
         b SET k 6 PX 1
         b BLPOP nothing 0.01
         a WATCH k
         a GET k
         a MULTI
         a PING
         a EXEC
         b SET k 7 PX 20
         a WATCH k
         b BLPOP nothing 0.05
         a MULTI
         a PING
         a EXEC
         b GET k
         a SELECT 1
         a WATCH k
         b SET k 8
         a MULTI
         a PING
         a EXEC
         a WATCH k
         b SWAPDB 0 1
         a MULTI
         a PING
         a EXEC
         a WATCH k
         b EXPIRE none 100
         b PERSIST k
         b SADD s 1
         a MULTI
         a PING
         a EXEC
         a WATCH k
         b SWAPDB 1 0
         a MULTI
         a NOSUCH
         a EXEC",
    );
}

#[test]
fn an_expired_key_is_deleted_by_the_master_alone() {
    for (master, replica) in [(real(&[]), ours(&[])), (ours(&[]), real(&[]))] {
        let (mut m, mut r) = (master.client(), replica.client());
        m.ok("SET stays 1");
        follow(&replica, master.port);
        m.ok("DEBUG SET-ACTIVE-EXPIRE 0");
        m.ok("SET goes 1 PX 1");
        eventually("the replica does not show the key", || {
            r.run("GET goes") == Reply::Nil && r.number("DBSIZE") == 2
        });
        let before = m.offset();
        m.ok("DEBUG SET-ACTIVE-EXPIRE 1");
        eventually("the master's DEL arrives", || r.number("DBSIZE") == 1);
        // "DEL goes" is 23 bytes; a PING may have passed too.
        assert!(
            matches!(m.offset() - before, 23 | 37),
            "{} bytes",
            m.offset() - before
        );
        agree(&master, &replica);
    }
}

#[test]
fn a_replica_of_ours_that_knows_only_sync_is_served() {
    let server = ours(&["--repl-ping-replica-period", "3600"]);
    let mut client = server.client();
    client.ok("SET key value");
    let mut old = server.client();
    old.send(b"SYNC\r\n");
    let snapshot = old.snapshot();
    assert!(snapshot.starts_with(b"REDIS0010"));
    client.ok("SET key 2");
    assert_eq!(
        old.exactly(52),
        b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$1\r\n2\r\n"
    );
    // A newline is a sign of life; a command that wants a reply is not for replicas.
    old.send(b"\n");
    client.ok("SET key 3");
    assert_eq!(
        old.exactly(29),
        b"*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$1\r\n3\r\n"
    );
    assert_eq!(client.replication("connected_slaves"), "1");
    old.send(b"PING\r\n");
    assert!(old.closed());
    eventually("it is gone", || {
        client.replication("connected_slaves") == "0"
    });
}

/// A master that knows only SYNC names no history and no offset.
#[test]
fn what_comes_from_a_master_without_offsets_counts_from_minus_one() {
    let mut told = Vec::new();
    for replica in [real(&[]), ours(&[])] {
        let master = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = master.local_addr().expect("an address").port();
        let mut client = replica.client();
        client.ok(&format!("REPLICAOF 127.0.0.1 {port}"));
        let (mut link, _) = master.accept().expect("the replica comes");
        let mut bytes =
            b"+PONG\r\n+OK\r\n+OK\r\n-ERR unknown command\r\n$18\r\nREDIS0010\xff".to_vec();
        bytes.extend([0; 8]);
        link.write_all(&bytes).expect("the replica listens");
        eventually("the link to the master is up", || client.linked());
        link.write_all(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n")
            .expect("the replica listens");
        eventually("the write arrives", || client.run("GET k") != Reply::Nil);
        let info = client.info("replication");
        let fields = [
            "master_replid",
            "master_repl_offset",
            "slave_repl_offset",
            "slave_read_repl_offset",
            "repl_backlog_first_byte_offset",
            "repl_backlog_histlen",
        ];
        told.push(fields.map(|field| info[field].clone()));
    }
    assert_eq!(told[0], told[1]);
}

#[test]
fn ours_answers_getack_of_a_real_master_at_once() {
    let (master, replica) = (real(&[]), ours(&[]));
    follow(&replica, master.port);
    let mut m = master.client();
    let begin = std::time::Instant::now();
    for i in 0..20 {
        m.ok(&format!("SET key {i}"));
        assert_eq!(m.number("WAIT 1 30000"), 1);
    }
    // The acknowledgement of every second alone would need 20 s.
    assert!(begin.elapsed().as_secs() < 10, "{:?}", begin.elapsed());
}

#[test]
fn pings_keep_an_idle_link_alive() {
    let idle = ["--repl-ping-replica-period", "1", "--repl-timeout", "2"];
    let (a, b) = ((real(&idle), ours(&idle)), (ours(&idle), real(&idle)));
    let begin = [&a, &b].map(|(master, replica)| {
        follow(replica, master.port);
        master.client().ok("SET key value");
        master.client().offset()
    });
    for ((master, replica), begin) in [&a, &b].into_iter().zip(begin) {
        let mut m = master.client();
        eventually("four PINGs pass", || m.offset() >= begin + 4 * 14);
        agree(master, replica);
        assert_eq!((m.stat("sync_full"), m.stat("sync_partial_ok")), (1, 0));
    }
}

#[test]
fn a_silent_master_is_noticed() {
    let (master, replica) = (
        real(&["--repl-ping-replica-period", "3600"]),
        ours(&["--repl-timeout", "1"]),
    );
    follow(&replica, master.port);
    replica.logs("MASTER timeout: no data nor PING received...");
    eventually("a partial resynchronization", || {
        master.client().stat("sync_partial_ok") >= 1
    });
    assert_eq!(master.client().stat("sync_full"), 1);
}

#[test]
fn a_master_that_is_not_there_yet_is_dialled_until_it_is() {
    let port = process::free_port();
    let replica = ours(&["--replicaof", &format!("127.0.0.1 {port}")]);
    replica.logs("Error condition on socket for SYNC: Connection refused");
    let mut r = replica.client();
    assert_eq!(
        (r.replication("role"), r.replication("master_link_status")),
        ("slave".into(), "down".into())
    );
    assert_eq!(
        r.refused("SET a 1"),
        "READONLY You can't write against a read only replica."
    );
    let master = real(&[]);
    let wire = Proxy::to(master.port);
    r.ok(&format!("REPLICAOF 127.0.0.1 {}", wire.port));
    eventually("the link to the master is up", || r.linked());
    replica.logs("Partial resynchronization not possible (no cached master)");
}

#[test]
fn writes_are_refused_without_enough_replicas() {
    let (master, replica) = (ours(&["--min-replicas-to-write", "1"]), real(&[]));
    let mut m = master.client();
    assert_eq!(
        m.refused("SET a 1"),
        "NOREPLICAS Not enough good replicas to write."
    );
    follow(&replica, master.port);
    m.ok("SET a 1");
    drop(replica);
    eventually("its loss is noticed", || {
        m.replication("connected_slaves") == "0"
    });
    assert_eq!(
        m.refused("SET a 1"),
        "NOREPLICAS Not enough good replicas to write."
    );
}

// --- snapshots on disk -----------------------------------------------------------------------------------------------

#[test]
fn each_starts_from_the_other_ones_snapshot() {
    for (mut writer, mut reader) in [(real(&[]), ours(&[])), (ours(&[]), real(&[]))] {
        let mut w = writer.client();
        dataset::fill(&mut w);
        let digest = w.digest();
        w.ok("SAVE");
        reader.signal("KILL");
        reader.ended();
        std::fs::copy(writer.snapshot(), reader.snapshot()).expect("the snapshot is there");
        reader.start_again();
        assert_eq!(reader.client().digest(), digest);
        writer.signal("TERM");
        assert!(writer.ended().success());
    }
}

/// The files were written by the servers that their names tell: zip lists, quicklists of them, the first streams.
#[test]
fn snapshots_of_older_servers_are_read_as_by_a_real_one() {
    let old: [(&str, &[u8]); 4] = [
        ("3.0.6", include_bytes!("redis/snapshots/redis-3.0.6.rdb")),
        ("4.0.9", include_bytes!("redis/snapshots/redis-4.0.9.rdb")),
        ("5.0.7", include_bytes!("redis/snapshots/redis-5.0.7.rdb")),
        ("6.0.16", include_bytes!("redis/snapshots/redis-6.0.16.rdb")),
    ];
    let (mut real, mut ours) = (real(&[]), ours(&[]));
    for (version, bytes) in old {
        let [wanted, found] = [&mut real, &mut ours].map(|server| {
            server.signal("KILL");
            server.ended();
            std::fs::write(server.snapshot(), bytes).expect("a file can be written");
            server.start_again();
            let mut c = server.client();
            let kinds = "text number int long list long-list shorts ints longs words many hash big-hash zset big-zset";
            let encodings = kinds.split(' ').map(|key| c.run(&format!("OBJECT ENCODING {key}"))).collect::<Vec<_>>();
            let stream = ["XINFO STREAM stream FULL", "XRANGE stream - +", "XINFO STREAM trimmed"].map(|q| c.run(q));
            (c.digest(), c.run("DBSIZE"), encodings, stream)
        });
        assert_eq!(found, wanted, "of {version}");
    }
}

#[test]
fn files_for_replication_alone_are_removed_and_need_no_checksum() {
    let args: Vec<&str> = "--rdb-del-sync-files yes --rdbchecksum no --repl-diskless-sync no --repl-diskless-load disabled"
        .split(' ')
        .collect();
    for (master, replica) in [(real(&args), ours(&args)), (ours(&args), real(&args))] {
        dataset::fill(&mut master.client());
        master.client().ok("SAVE");
        let file = std::fs::read(master.snapshot()).expect("the file is there");
        assert!(file.ends_with(&[0xff, 0, 0, 0, 0, 0, 0, 0, 0]));
        follow(&replica, master.port);
        agree(&master, &replica);
        master.logs("Removing the RDB file used to feed replicas in a persistence-less instance");
        replica.logs(
            "Removing the RDB file obtained from the master. This replica has persistence disabled",
        );
        for server in [&master, &replica] {
            eventually("the file is gone", || !server.snapshot().exists());
        }
        assert!(!replica.log().contains("no check performed"));
    }
}

#[test]
fn a_snapshot_of_ours_passes_the_real_check() {
    let server = ours(&[]);
    dataset::fill(&mut server.client());
    server.client().run("BGSAVE");
    eventually("the snapshot is written", || {
        server.snapshot().exists()
            && server.client().info("persistence")["rdb_bgsave_in_progress"] == "0"
    });
    let output = Command::new("redis-check-rdb")
        .arg(server.snapshot())
        .output()
        .expect("redis-check-rdb comes with redis-tools");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("RDB looks OK"),
        "{text}"
    );
}

#[test]
fn ours_starts_again_as_a_replica_and_needs_only_what_it_missed() {
    let master = real(&[]);
    let replica = ours(&["--replicaof", &format!("127.0.0.1 {}", master.port)]);
    starts_again(&master, replica);
}

#[test]
fn a_real_replica_of_ours_starts_again_and_needs_only_what_it_missed() {
    let master = ours(&[]);
    let replica = real(&["--replicaof", &format!("127.0.0.1 {}", master.port)]);
    starts_again(&master, replica);
}

#[track_caller]
fn starts_again(master: &Server, mut replica: Server) {
    let mut m = master.client();
    dataset::fill(&mut m);
    eventually("the link to the master is up", || replica.client().linked());
    let mut writes = Writes::new(10);
    writes.go_on(&mut m, 200);
    m.ok("SELECT 3");
    m.ok("SET selected 3");
    agree(master, &replica);
    replica.client().send(b"SHUTDOWN SAVE\r\n");
    assert!(replica.ended().success());
    m.ok("SET missed yes");
    writes.go_on(&mut m, 200);
    replica.start_again();
    eventually("the link to the master is up", || replica.client().linked());
    agree(master, &replica);
    assert_eq!((m.stat("sync_full"), m.stat("sync_partial_ok")), (1, 1));
}

#[test]
fn a_master_that_starts_again_vouches_for_its_past() {
    for (mut master, replica) in [(real(&[]), ours(&[])), (ours(&[]), real(&[]))] {
        let mut m = master.client();
        dataset::fill(&mut m);
        follow(&replica, master.port);
        Writes::new(11).go_on(&mut m, 200);
        m.ok("SET brief 1 PX 300");
        agree(&master, &replica);
        let id = m.replication("master_replid");
        m.send(b"SHUTDOWN SAVE\r\n");
        assert!(master.ended().success());
        let mut r = replica.client();
        eventually("the replica does not show the key", || {
            r.run("GET brief") == Reply::Nil
        });
        master.start_again();
        let mut m = master.client();
        eventually("the replica is back", || m.stat("sync_partial_ok") == 1);
        assert_eq!(
            (m.stat("sync_full"), m.replication("master_replid2")),
            (0, id)
        );
        agree(&master, &replica);
    }
}

#[test]
fn the_log_and_the_files_are_those_of_a_server() {
    let mut server = ours(&[
        "--save",
        "3600 1",
        "--logfile",
        "own.log",
        "--pidfile",
        "own.pid",
        "--always-show-logo",
        "yes",
    ]);
    server.client().ok("SET key value");
    let dir = server.dir.path().to_path_buf();
    let log = || std::fs::read_to_string(dir.join("own.log")).unwrap_or_default();
    assert!(log().contains(" PID: "), "{}", log());
    assert!(log().contains("Ready to accept connections"));
    let pid = std::fs::read_to_string(dir.join("own.pid")).expect("a pid file");
    assert!(
        log().starts_with(&format!("{}:C ", pid.trim())),
        "{}",
        log()
    );
    server.signal("TERM");
    assert!(server.ended().success());
    assert!(log().contains("Received SIGTERM scheduling shutdown..."));
    assert!(server.snapshot().exists(), "it had something to save");
    assert!(!dir.join("own.pid").exists());
    server.start_again();
    assert_eq!(server.client().text("GET key"), "value");
}

// --- the command line ------------------------------------------------------------------------------------------------

fn ringside(args: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_ringside"))
        .args(args)
        .output()
        .expect("our binary runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), text)
}

#[test]
fn mistakes_on_the_command_line_are_explained() {
    let server = ours(&[]);
    let (status, text) = ringside(&["server", "--port", &server.port.to_string()]);
    assert_eq!(status, Some(1), "{text}");
    assert!(
        text.contains(&format!("Failed listening on port {}", server.port)),
        "{text}"
    );
    let (status, text) = ringside(&["server", "--port", "nowhere"]);
    assert_eq!(status, Some(1));
    assert!(
        text.contains("FATAL CONFIG FILE ERROR") && text.contains(">>> 'port \"nowhere\"'"),
        "{text}"
    );
    let (status, text) = ringside(&["server", "/no/such/file.conf"]);
    assert_eq!(status, Some(1));
    assert!(
        text.contains("can't open config file '/no/such/file.conf'"),
        "{text}"
    );
    let (status, text) = ringside(&["serve"]);
    assert_eq!(status, Some(2));
    assert!(
        text.contains("there is no command 'serve'") && text.contains("--help"),
        "{text}"
    );
    let (status, text) = ringside(&["--help"]);
    assert_eq!(status, Some(0));
    assert!(text.contains("ringside server [CONF-FILE]"), "{text}");
    assert_eq!(ringside(&["--version"]).0, Some(0));
}

#[test]
fn a_damaged_snapshot_ends_the_process() {
    let dir = process::Dir::new();
    let file = dir.path().join("dump.rdb");
    let port = process::free_port().to_string();
    let path = dir.path().to_str().expect("a path");
    let options = ["--port", &port, "--dir", path];
    let words: Vec<&str> = ["server"].into_iter().chain(options).collect();
    for (bytes, reason) in [
        (
            &b"REDIS0010\xff\x01\0\0\0\0\0\0\0"[..],
            "Wrong RDB checksum expected: (eb7ea789fe37fda9) but got (1)",
        ),
        (b"REDIS0099", "Can't handle RDB format version 99"),
        (b"NOFILE010", "Wrong signature trying to load DB from file"),
        (
            b"none",
            "Short read or OOM loading DB. Unrecoverable error, aborting now.",
        ),
    ] {
        std::fs::write(&file, bytes).expect("a file can be written");
        let output = Command::new("redis-server").args(options).output();
        let output = output.expect("install redis-server (make setup)");
        let real = (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        );
        for (status, text) in [real, ringside(&words)] {
            assert_eq!(status, Some(1), "{text}");
            assert!(text.contains(reason), "{text}");
            // A file that is not for this version is refused by whoever asked for it.
            let refused = reason.starts_with("Can't") || reason.starts_with("Wrong signature");
            let fatal = "Fatal error loading the DB: Invalid argument. Exiting.";
            assert_eq!(text.contains(fatal), refused, "{text}");
            // The other is looked at as by redis-check-rdb.
            let reported = text.contains("--- RDB ERROR DETECTED ---");
            assert_eq!(reported, !refused, "{text}");
        }
    }
}

#[test]
fn a_configuration_file_with_options_after_it() {
    let dir = process::Dir::new();
    let file = dir.path().join("redis.conf");
    std::fs::write(
        &file,
        "# as Redis has it\nmaxmemory 100mb\nrequirepass \"from file\"\nslave-priority 7\n",
    )
    .expect("a file can be written");
    let mut server = ours(&[]);
    server.signal("TERM");
    server.ended();
    let port = server.port.to_string();
    let mut child = Command::new(env!("CARGO_BIN_EXE_ringside"))
        .args([
            "server",
            file.to_str().expect("a path"),
            "--port",
            &port,
            "--requirepass",
            "from options",
            "--dir",
        ])
        .arg(dir.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("our binary runs");
    eventually("it answers", || {
        Client::try_connect(server.port).is_some_and(|mut c| c.answers())
    });
    let mut client = server.client();
    assert_eq!(
        client.command(&["AUTH", "from options"]),
        Reply::Simple("OK".into())
    );
    assert_eq!(client.replication("role"), "master");
    assert!(
        matches!(client.run("CONFIG GET replica-priority"), Reply::Array(pair) if pair[1] == Reply::Bulk(b"7"[..].into()))
    );
    let _ = child.kill();
    let _ = child.wait();
}

#[test]
fn redis_cli_talks_to_ours() {
    let server = ours(&[]);
    let cli = |args: &[&str]| {
        let output = Command::new("redis-cli")
            .args(["-p", &server.port.to_string()])
            .args(args)
            .output()
            .expect("redis-cli comes with redis-tools");
        assert!(
            output.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_string()
    };
    assert_eq!(cli(&["SET", "key", "two words"]), "OK");
    assert_eq!(cli(&["GET", "key"]), "two words");
    assert_eq!(cli(&["-n", "3", "RPUSH", "list", "a", "b"]), "2");
    assert_eq!(cli(&["-n", "3", "LRANGE", "list", "0", "-1"]), "a\nb");
    assert!(cli(&["INFO", "replication"]).contains("role:master"));
    assert_eq!(
        cli(&["--no-raw", "ROLE"]).lines().next(),
        Some("1) \"master\"")
    );
    let dump = server.dir.path().join("cli.rdb");
    cli(&["--rdb", dump.to_str().expect("a path")]);
    assert!(
        std::fs::read(dump)
            .expect("redis-cli wrote it")
            .starts_with(b"REDIS0010")
    );
}

#[test]
fn what_was_sent_before_a_close_arrives() {
    let server = ours(&[]);
    let mut client = server.client();
    client.command(&[b"SET".to_vec(), b"large".to_vec(), vec![b'x'; 8 << 20]]);
    // Far more than the socket takes at once.
    client.send(b"GET large\r\nGET large\r\nQUIT\r\n");
    std::thread::sleep(std::time::Duration::from_millis(50));
    for _ in 0..2 {
        assert_eq!(client.line(), format!("${}", 8 << 20));
        client.exactly((8 << 20) + 2);
    }
    assert_eq!(client.line(), "+OK");
    assert!(client.closed());
}
