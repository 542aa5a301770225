//! Cases in which Redis itself went wrong once; the numbers are those of its issues. Each is asked of a real server and
//! of ours, so that a test which misunderstands Redis fails as well.
//!
//! Every test starts servers of its own on free ports, so they may run side by side.

#[path = "redis/client.rs"]
#[allow(dead_code)]
mod client;
#[path = "redis/master.rs"]
#[allow(dead_code)]
mod master;
#[path = "redis/process.rs"]
#[allow(dead_code)]
mod process;

use client::Client;
use master::Master;
use process::{Server, eventually, ours, real};
use ringside::wire::rdb::inspect::inspect;
use ringside::wire::resp::{self, Reply};
use std::time::{Duration, Instant};

const ID: &str = "1234567890123456789012345678901234567890";

/// A real server and one of ours, which are asked the same. Without pings, whose moment is luck.
fn both(args: &[&str]) -> [Server; 2] {
    let mut all = vec!["--repl-ping-replica-period", "3600"];
    all.extend(args);
    [real(&all), ours(&all)]
}

fn follow(server: &Server, port: u16) {
    server.client().ok(&format!("REPLICAOF 127.0.0.1 {port}"));
}

fn number(client: &mut Client, field: &str) -> i64 {
    let info = client.info("replication");
    info.get(field).and_then(|n| n.parse().ok()).unwrap_or(-1)
}

/// Waits until a field of `INFO replication` has this value.
#[track_caller]
fn settles(client: &mut Client, field: &str, value: i64) {
    let mut seen = 0;
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(20) {
        seen = number(client, field);
        if seen == value {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("{field} is {seen}, not {value}");
}

/// A replica played by the test, past its snapshot; it can do nothing but read and acknowledge.
fn tap(server: &Server) -> Client {
    let (mut tap, _) = asked(server, "? -1");
    tap.snapshot();
    tap
}

/// A replica that has sent its PSYNC, and the line with which it is answered.
fn asked(server: &Server, psync: &str) -> (Client, String) {
    let mut tap = server.client();
    tap.ok("REPLCONF listening-port 1");
    tap.ok("REPLCONF capa psync2");
    tap.send(format!("PSYNC {psync}\r\n").as_bytes());
    let mut line = String::new();
    while line.is_empty() {
        line = tap.line();
    }
    (tap, line)
}

fn command_of(tap: &mut Client) -> String {
    let mut line = tap.line();
    while line.is_empty() {
        line = tap.line();
    }
    let count: usize = line[1..]
        .parse()
        .unwrap_or_else(|_| panic!("a command, not {line:?}"));
    let words = (0..count).map(|_| {
        let len = tap.line()[1..].parse().expect("a length");
        let word = tap.exactly(len);
        tap.exactly(2);
        String::from_utf8_lossy(&word).into_owned()
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The commands of the stream up to and without `SET end of`.
fn until_end(tap: &mut Client, client: &mut Client) -> Vec<String> {
    client.ok("SET end of");
    let mut all = Vec::new();
    loop {
        let command = command_of(tap);
        if command == "SET end of" {
            return all;
        }
        all.push(command);
    }
}

#[test]
fn edge_01_half_received_command_3899() {
    for server in both(&[]) {
        let (master, mut client) = (Master::new(), server.client());
        follow(&server, master.port);
        let mut link = master.full_sync(ID, 100, 0);
        settles(&mut client, "slave_repl_offset", 100);
        let mut below = tap(&server);
        let mut bytes = resp::command(&["SELECT", "0"]);
        bytes.extend(resp::command(&["SET", "whole", "1"]));
        let whole = bytes.len() as i64;
        bytes.extend(&resp::command(&["SET", "half", "received"])[..20]);
        link.send(&bytes);
        settles(&mut client, "slave_read_repl_offset", 100 + whole + 20);
        settles(&mut client, "slave_repl_offset", 100 + whole);
        settles(&mut client, "master_repl_offset", 100 + whole);
        assert_eq!(
            (command_of(&mut below), command_of(&mut below)),
            ("SELECT 0".into(), "SET whole 1".into())
        );
        // A transaction goes on as a whole, too.
        drop(link);
        let (mut link, psync) = master.handshake();
        assert_eq!(psync, ["PSYNC", ID, &(101 + whole).to_string()]);
        link.send(b"+CONTINUE\r\n");
        let begun = link.send_command("MULTI") + link.send_command("SET in transaction");
        settles(
            &mut client,
            "slave_read_repl_offset",
            100 + whole + begun as i64,
        );
        settles(&mut client, "slave_repl_offset", 100 + whole);
        drop(link);
        let (mut link, psync) = master.handshake();
        assert_eq!(psync[2], (101 + whole).to_string());
        link.send(b"+CONTINUE\r\n");
        link.send_command("SET after losses");
        assert_eq!(command_of(&mut below), "SET after losses");
        assert_eq!(client.number("EXISTS in half"), 0);
    }
}

#[test]
fn edge_02_what_a_restart_remembers_4268_4316_4407() {
    for mut server in both(&[]) {
        let master = Master::new();
        follow(&server, master.port);
        let mut link = master.full_sync(ID, 100, 0);
        let mut sent = link.send_command("SELECT 3") as i64;
        sent += link.send_command("SET in three") as i64;
        settles(&mut server.client(), "slave_repl_offset", 100 + sent);
        // The database that the stream had selected is kept with the data.
        let mut client = server.client();
        client.send(b"SHUTDOWN SAVE\r\n");
        server.ended();
        server.start_again_with(&["--replicaof", &format!("127.0.0.1 {}", master.port)]);
        let (mut link, psync) = master.handshake();
        assert_eq!(psync, ["PSYNC", ID, &(101 + sent).to_string()]);
        link.send(b"+CONTINUE\r\n");
        sent += link.send_command("SET too three") as i64;
        let mut client = server.client();
        settles(&mut client, "slave_repl_offset", 100 + sent);
        client.ok("SELECT 3");
        assert_eq!(client.text("GET too"), "three");
        // As a master it does not pass for the one whose data it has.
        client.send(b"SHUTDOWN SAVE\r\n");
        server.ended();
        server.start_again_with(&["--replicaof", "no one"]);
        let mut client = server.client();
        assert_ne!(client.replication("master_replid"), ID);
        assert_eq!(client.replication("master_replid2"), ID);
        assert_eq!(number(&mut client, "second_repl_offset"), 101 + sent);
    }
}

#[test]
fn edge_03_a_full_resync_of_a_middle_node_drops_those_below_2694_2724() {
    for server in both(&[]) {
        let (master, mut client) = (Master::new(), server.client());
        follow(&server, master.port);
        let mut link = master.full_sync(ID, 100, 0);
        let sent = link.send_command("SELECT 0") + link.send_command("SET a 1");
        settles(&mut client, "slave_repl_offset", 100 + sent as i64);
        let mut below = tap(&server);
        drop(link);
        let (mut link, _) = master.handshake();
        let other = ID.replace('1', "f");
        link.send_snapshot(&other, 500, 0);
        settles(&mut client, "slave_repl_offset", 500);
        assert!(below.closed(), "it has another dataset now");
        assert_eq!(number(&mut client, "repl_backlog_first_byte_offset"), 501);
        let (_, answer) = asked(&server, &format!("{ID} 101"));
        assert_eq!(answer, format!("+FULLRESYNC {other} 500"));
    }
}

/// A server whose snapshots take a second, to a file.
fn slow(args: &[&str]) -> [Server; 2] {
    let mut all = vec![
        "--repl-diskless-sync",
        "no",
        "--rdb-key-save-delay",
        "10000",
    ];
    all.extend(args);
    let servers = both(&all);
    for server in &servers {
        let mut client = server.client();
        for i in 0..100 {
            client.ok(&format!("SET key:{i} {i}"));
        }
    }
    servers
}

#[test]
fn edge_04_who_joins_a_running_bgsave_gets_its_offset_and_all_since_141_2724() {
    for server in slow(&[]) {
        let mut client = server.client();
        let (mut first, promise) = asked(&server, "? -1");
        client.ok("SET between them");
        let (mut second, same) = asked(&server, "? -1");
        assert_eq!(promise, same);
        client.ok("SET after both");
        let (a, b) = (first.snapshot(), second.snapshot());
        assert_eq!(a, b);
        assert!(
            inspect(&a)
                .fields
                .iter()
                .all(|field| field.value != "between")
        );
        let streams = [first, second].map(|mut tap| until_end(&mut tap, &mut client));
        let writes = |stream: &[String]| -> Vec<String> {
            let all = stream.iter().filter(|c| !c.starts_with("SELECT"));
            all.take(2).cloned().collect()
        };
        assert_eq!(writes(&streams[0]), ["SET between them", "SET after both"]);
        assert_eq!(writes(&streams[1]), ["SET between them", "SET after both"]);
    }
}

#[test]
fn edge_05_the_backlog_of_a_promoted_replica_4607_5484() {
    for server in both(&["--repl-backlog-ttl", "2"]) {
        let (master, mut client) = (Master::new(), server.client());
        follow(&server, master.port);
        let mut link = master.full_sync(ID, 100, 0);
        let sent = link.send_command("SELECT 0") as i64 + link.send_command("SET a 1") as i64;
        settles(&mut client, "slave_repl_offset", 100 + sent);
        // Longer than the backlog lives without replicas, but that counts from the promotion on.
        std::thread::sleep(Duration::from_millis(3500));
        client.ok("REPLICAOF NO ONE");
        std::thread::sleep(Duration::from_millis(1200));
        assert_eq!(number(&mut client, "repl_backlog_active"), 1);
        let (_, answer) = asked(&server, &format!("{ID} {}", 101 + sent));
        assert!(answer.starts_with("+CONTINUE"), "{answer}");
        let id = client.replication("master_replid");
        settles(&mut client, "repl_backlog_active", 0);
        // Nothing was written since, but nobody can tell.
        let (_, answer) = asked(&server, &format!("{id} {}", 101 + sent));
        assert!(answer.starts_with("+FULLRESYNC"), "{answer}");
    }
}

#[test]
fn edge_06_a_freed_backlog_ends_the_history() {
    for server in both(&["--repl-backlog-ttl", "1"]) {
        let mut client = server.client();
        let mut below = tap(&server);
        client.ok("SET a 1");
        let id = client.replication("master_replid");
        assert_eq!(until_end(&mut below, &mut client), ["SELECT 0", "SET a 1"]);
        drop(below);
        settles(&mut client, "repl_backlog_active", 0);
        assert_ne!(client.replication("master_replid"), id);
        assert_eq!(client.replication("master_replid2"), "0".repeat(40));
        // What is written now is not counted.
        let offset = client.offset();
        client.ok("SET b 1");
        assert_eq!(client.offset(), offset);
    }
}

#[test]
fn edge_07_pings_count_7031_7032_7143_7314_7320() {
    for server in both(&[]) {
        let (master, mut client) = (Master::new(), server.client());
        let _below = tap(&server);
        client.ok("SET a 1");
        let (id, before) = (client.replication("master_replid"), client.offset());
        client.ok("CONFIG SET repl-ping-replica-period 1");
        // Ahead of where a new master was promoted by nothing but pings: that has to be told, and it is full.
        eventually("a ping", || client.offset() > before);
        client.ok("CONFIG SET repl-ping-replica-period 3600");
        let after = client.offset();
        assert_eq!((after - before) % 14, 0);
        follow(&server, master.port);
        let (_, psync) = master.handshake();
        assert_eq!(psync, ["PSYNC", &id, &(after + 1).to_string()]);
    }
}

#[test]
fn edge_08_a_restarted_master_continues_and_deletes_what_expired_8015() {
    for mut server in both(&[]) {
        let mut client = server.client();
        let below = tap(&server);
        client.ok("SET stays here");
        client.ok("SET goes soon PX 300");
        let (id, offset) = (client.replication("master_replid"), client.offset());
        drop(below);
        client.send(b"SHUTDOWN SAVE NOW\r\n");
        server.ended();
        std::thread::sleep(Duration::from_millis(400));
        server.start_again();
        let mut client = server.client();
        assert_eq!(client.replication("master_replid2"), id);
        assert_eq!(number(&mut client, "second_repl_offset"), offset + 1);
        let del = resp::command(&["SELECT", "0"]).len() + resp::command(&["DEL", "goes"]).len();
        assert_eq!(client.offset(), offset + del as i64);
        let (mut below, answer) = asked(&server, &format!("{id} {}", offset + 1));
        let new = client.replication("master_replid");
        assert_eq!(answer, format!("+CONTINUE {new}"));
        assert_eq!(until_end(&mut below, &mut client), ["SELECT 0", "DEL goes"]);
    }
}

#[test]
fn edge_09_a_pause_stops_offset_expiry_and_getack_9448_8170() {
    for server in both(&[]) {
        let (master, mut client) = (Master::new(), server.client());
        follow(&server, master.port);
        let mut link = master.full_sync(ID, 100, 0);
        settles(&mut client, "slave_repl_offset", 100);
        client.ok("CLIENT PAUSE 60000 WRITE");
        let sent = link.send_command("SELECT 0") as i64 + link.send_command("SET a 1") as i64;
        settles(&mut client, "slave_read_repl_offset", 100 + sent);
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(
            number(&mut client, "slave_repl_offset"),
            123,
            "SELECT is no write"
        );
        client.ok("CLIENT UNPAUSE");
        settles(&mut client, "slave_repl_offset", 100 + sent);
    }
    for server in both(&[]) {
        let (mut client, mut waits) = (server.client(), server.client());
        let mut below = tap(&server);
        client.ok("SET goes soon PX 200");
        waits.ok("SET a 1");
        client.ok("CLIENT PAUSE 60000 WRITE");
        let offset = client.offset();
        waits.send(&resp::command(&["WAIT", "1", "0"]));
        std::thread::sleep(Duration::from_millis(600));
        assert_eq!(client.offset(), offset);
        assert_eq!(client.run("GET goes"), Reply::Nil);
        assert_eq!(client.offset(), offset);
        client.ok("CLIENT UNPAUSE");
        assert_eq!(client.run("GET goes"), Reply::Nil);
        let stream = until_end(&mut below, &mut client);
        let has = |command: &str| stream.iter().any(|c| c == command);
        assert!(has("DEL goes") && has("REPLCONF GETACK *"), "{stream:?}");
    }
}

#[test]
fn edge_10_acknowledgements_are_asked_for_again_6622_6623() {
    for server in both(&[]) {
        let (mut client, mut below) = (server.client(), tap(&server));
        // Both WAITs come at once: the second begins in the very moment in which the first is served.
        let lines = ["SET a 1", "WAIT 1 0", "SET b 1", "WAIT 1 0"];
        let bytes: Vec<u8> = lines
            .iter()
            .flat_map(|line| resp::command(&line.split(' ').collect::<Vec<_>>()))
            .collect();
        client.send(&bytes);
        let mut other = server.client();
        for _ in 0..2 {
            while command_of(&mut below) != "REPLCONF GETACK *" {}
            let offset = other.offset().to_string();
            below.send(&resp::command(&["REPLCONF", "ACK", &offset]));
        }
        let replies: Vec<Reply> = lines.iter().map(|_| client.reply()).collect();
        assert_eq!(
            (&replies[1], &replies[3]),
            (&Reply::Integer(1), &Reply::Integer(1))
        );
        // #11713: what is waited for is the place of the client's own last write, or command.
        assert_eq!(client.number("WAIT 0 0"), 1);
    }
}

/// Reads a streamed snapshot and its mark; the file.
fn streamed(tap: &mut Client) -> Vec<u8> {
    let mut line = tap.line();
    while !line.starts_with('$') {
        line = tap.line();
    }
    let mark = line
        .strip_prefix("$EOF:")
        .expect("a mark")
        .as_bytes()
        .to_vec();
    let mut file = tap.until(&mark);
    file.truncate(file.len() - 40);
    file
}

fn diskless(server: &Server, options: &[&str]) -> Client {
    let mut tap = server.client();
    tap.ok("REPLCONF capa eof capa psync2");
    for option in options {
        tap.ok(option);
    }
    tap.send(b"PSYNC ? -1\r\n");
    tap
}

#[test]
fn edge_11_a_streamed_snapshot_whose_child_dies_drops_its_replicas_2485_6271_7518() {
    let forever = [
        "--repl-diskless-sync",
        "yes",
        "--rdb-key-save-delay",
        "1000000",
    ];
    for server in slow(&forever) {
        let (mut client, mut below) = (server.client(), diskless(&server, &[]));
        eventually("a child works for it", || {
            let saves = client.info("persistence");
            saves
                .get("rdb_bgsave_in_progress")
                .is_some_and(|n| n == "1")
        });
        client.ok("FLUSHALL");
        eventually("the replica is dropped", || {
            client.replication("connected_slaves") == "0"
        });
        while !below.closed() {}
        server.logs("Background transfer terminated by signal 10");
        server.logs("SYNC failed. BGSAVE child returned an error");
        // Whole, it waits for the acknowledgement.
        client.ok("SET a 1");
        let mut below = diskless(&server, &[]);
        let file = streamed(&mut below);
        assert_eq!(inspect(&file).error, None);
        client.ok("SET b 1");
        eventually("the replica is online", || {
            client.replication("slave0").contains("state=online")
        });
        below.send(&resp::command(&["REPLCONF", "ACK", "0"]));
        assert_eq!(until_end(&mut below, &mut client), ["SELECT 0", "SET b 1"]);
    }
}

#[test]
fn edge_12_no_newline_inside_or_after_a_streamed_snapshot_11261() {
    for server in slow(&[
        "--repl-diskless-sync",
        "yes",
        "--rdb-key-save-delay",
        "25000",
    ]) {
        // It takes more than two seconds, in which replicas that wait get newlines; the first one is past that.
        let mut below = diskless(&server, &[]);
        let file = streamed(&mut below);
        let found = inspect(&file);
        assert_eq!(found.error, None);
        assert_eq!(found.fields.last().map(|f| f.at + f.len), Some(file.len()));
        server.client().ok("CONFIG SET rdb-key-save-delay 0");
        let mut below = diskless(&server, &["REPLCONF rdb-only 1"]);
        assert_eq!(inspect(&streamed(&mut below)).error, None);
        assert!(below.closed(), "it wanted no more, and gets no more");
        server.logs("rdb only replica");
    }
}

#[test]
fn edge_13_who_is_blocked_is_sent_away_by_a_demotion_2473() {
    for server in both(&[]) {
        let (master, mut waits) = (Master::new(), server.client());
        waits.send(&resp::command(&["BLPOP", "list", "0"]));
        let mut client = server.client();
        eventually("it waits", || {
            client
                .info("clients")
                .get("blocked_clients")
                .is_some_and(|n| n == "1")
        });
        follow(&server, master.port);
        let text = "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)";
        assert_eq!(waits.reply(), Reply::Error(text.into()));
        assert!(waits.closed());
    }
}

#[test]
fn edge_14_expiry_and_atomicity_1525_6152_6615_11792_9890_11788_11178() {
    let streams = both(&[]).map(|server| {
        let (mut client, mut below) = (server.client(), tap(&server));
        client.ok("DEBUG SET-ACTIVE-EXPIRE 0");
        for key in ["a", "b", "c", "d"] {
            client.ok(&format!("SET {key} 1 PX 1"));
        }
        std::thread::sleep(Duration::from_millis(10));
        // What a write finds expired is deleted before it, in one transaction; a read deletes alone.
        assert_eq!(client.number("INCR a"), 1);
        assert_eq!(client.run("GET b"), Reply::Nil);
        client.ok("MULTI");
        client.run("APPEND c x");
        client.run("GET d");
        client.run("EXEC");
        // The clock stands still inside of a transaction.
        client.ok("MULTI");
        client.run("SET now 1 PX 1");
        client.run("GET now");
        let Reply::Array(replies) = client.run("EXEC") else {
            panic!("no array")
        };
        assert_eq!(replies[1], Reply::Bulk(b"1".to_vec().into()));
        let stream = until_end(&mut below, &mut client);
        stream
            .into_iter()
            .filter(|c| !c.contains("PXAT"))
            .collect::<Vec<_>>()
    });
    assert_eq!(streams[0], streams[1]);
    assert_eq!(
        streams[1][..5],
        ["SELECT 0", "MULTI", "DEL a", "INCR a", "EXEC"]
    );
}

#[test]
fn edge_15_expired_keys_on_a_replica_187_2015_6842_9572() {
    for server in both(&[]) {
        let (master, mut client) = (Master::new(), server.client());
        follow(&server, master.port);
        let mut link = master.full_sync(ID, 100, 0);
        let mut sent = link.send_command("SELECT 0");
        sent += link.send_command("SET gone 5 PXAT 1000");
        sent += link.send_command("SET counts 5 PXAT 1000");
        sent += link.send_command("INCR counts");
        settles(&mut client, "slave_repl_offset", 100 + sent as i64);
        // Clients do not see them, but they are there until the master says otherwise.
        assert_eq!(client.run("GET gone"), Reply::Nil);
        assert_eq!(client.number("EXISTS gone counts"), 0);
        assert_eq!(client.number("TTL gone"), -2);
        assert_eq!(client.number("DBSIZE"), 3);
        client.run("SAVE");
        let file = std::fs::read(server.snapshot()).expect("it was saved");
        let fields = inspect(&file).fields;
        assert!(fields.iter().any(|f| f.label == "key" && f.value == "gone"));
        // One that may be written to sees them as gone when it writes.
        client.ok("CONFIG SET replica-read-only no");
        assert_eq!(client.number("INCR counts"), 1);
        assert_eq!(number(&mut client, "slave_repl_offset"), 100 + sent as i64);
        link.send_command("DEL gone");
        eventually("it is deleted", || client.number("DBSIZE") == 2);
    }
}

#[test]
fn edge_16_a_replica_that_asks_for_more_is_dropped_10242_10076_8712() {
    for server in both(&["--repl-diskless-sync", "no"]) {
        for command in ["PING", "GET from", "SET a 1"] {
            let mut client = server.client();
            client.send(b"SYNC\r\n");
            client.snapshot();
            client.send(&resp::command(&command.split(' ').collect::<Vec<_>>()));
            while !client.closed() {}
        }
        assert_eq!(server.client().number("EXISTS a"), 0);
    }
}

#[test]
fn edge_17_nothing_but_acknowledgements_to_the_master_5962_3612() {
    for server in both(&[]) {
        let (master, mut client) = (Master::new(), server.client());
        follow(&server, master.port);
        let mut link = master.full_sync(ID, 100, 0);
        let lines = [
            "SELECT 0", "SET a x", "INCR a", "GET a", "NONSENSE", "LPOP a", "PING", "SET b 1",
            "WAIT 0 0",
        ];
        let sent: usize = lines.iter().map(|line| link.send_command(line)).sum();
        settles(&mut client, "slave_repl_offset", 100 + sent as i64);
        let asks = link.send_command("REPLCONF GETACK *");
        // The question itself is not yet counted in its answer.
        link.acked(100 + sent as i64);
        link.acked(100 + (sent + asks) as i64);
        assert_eq!(client.text("GET b"), "1");
    }
}

#[test]
fn edge_18_commands_larger_than_the_backlog_11666_11905_11965() {
    for server in both(&["--repl-backlog-size", "16kb"]) {
        let (mut client, below) = (server.client(), tap(&server));
        drop(below);
        let id = client.replication("master_replid");
        for len in [1_000usize, 16_384, 100_000, 20_440, 3] {
            let value = "v".repeat(len);
            let (before, command) = (client.offset(), ["SET", "large", &value]);
            client.command(&command);
            // A replica that joined just before makes the stream select its database anew.
            let grown = client.offset() - before - resp::command(&command).len() as i64;
            assert!(grown == 0 || grown == 23, "{grown}");
            // All that the backlog claims to have is really there, byte for byte.
            let first = number(&mut client, "repl_backlog_first_byte_offset");
            let len = number(&mut client, "repl_backlog_histlen");
            assert_eq!(first + len, client.offset() + 1);
            assert!(len >= 16_384.min(client.offset()));
            let (mut below, answer) = asked(&server, &format!("{id} {first}"));
            assert_eq!(answer, format!("+CONTINUE {id}"));
            let kept = below.exactly(len as usize);
            let whole = resp::command(&command);
            let same = kept.len().min(whole.len());
            assert_eq!(kept[kept.len() - same..], whole[whole.len() - same..]);
            drop(below);
            let (_, answer) = asked(&server, &format!("{id} {}", first - 1));
            assert!(answer.starts_with("+FULLRESYNC"), "{answer}");
        }
    }
}

#[test]
fn edge_19_another_master_right_after_the_link_was_lost_7205() {
    for server in both(&[]) {
        let (old, new, mut client) = (Master::new(), Master::new(), server.client());
        follow(&server, old.port);
        let mut link = old.full_sync(ID, 100, 0);
        let sent = link.send_command("SELECT 0") + link.send_command("SET a 1");
        settles(&mut client, "slave_repl_offset", 100 + sent as i64);
        drop(link);
        eventually("the link is down", || !client.linked());
        follow(&server, new.port);
        let (_, psync) = new.handshake();
        assert_eq!(psync, ["PSYNC", ID, &(101 + sent).to_string()]);
    }
}

#[test]
fn edge_20_no_answer_to_psync_is_no_reason_for_sync_10726() {
    for server in both(&[]) {
        let master = Master::new();
        follow(&server, master.port);
        let (link, first) = master.handshake();
        drop(link);
        let (mut link, second) = master.handshake();
        assert_eq!(first, second);
        server.logs("Master did not reply to PSYNC, will try later");
        // A refusal is one.
        link.send(b"-ERR unknown command 'PSYNC'\r\n");
        assert_eq!(link.command(), ["SYNC"]);
    }
}

#[test]
fn edge_21_writes_to_the_old_master_are_lost_with_a_full_resync_4819_13483() {
    for (old, new) in [(real(&[]), ours(&[])), (ours(&[]), real(&[]))] {
        let (mut o, mut n) = (old.client(), new.client());
        o.ok("SET both know");
        follow(&new, old.port);
        eventually("the link is up", || n.linked());
        eventually("it is online", || {
            o.replication("slave0").contains("online")
        });
        n.ok("REPLICAOF NO ONE");
        o.ok("SET only here");
        eventually("they parted", || o.replication("connected_slaves") == "0");
        follow(&old, new.port);
        eventually("the link is up", || o.linked());
        assert_eq!((n.stat("sync_full"), n.stat("sync_partial_err")), (1, 1));
        assert_eq!(o.run("GET only"), Reply::Nil);
        assert_eq!(o.text("GET both"), "know");
    }
}

#[test]
fn edge_22_very_many_arguments_in_any_pieces_1221() {
    for server in both(&[]) {
        let (master, mut client) = (Master::new(), server.client());
        follow(&server, master.port);
        let mut link = master.full_sync(ID, 100, 0);
        let words: Vec<String> = (0..60_000).map(|i| i.to_string()).collect();
        let mut args = vec!["RPUSH", "list"];
        args.extend(words.iter().map(String::as_str));
        let mut bytes = resp::command(&["SELECT", "0"]);
        bytes.extend(resp::command(&args));
        // Pieces that end in the middle of lengths, of arguments, and between CR and LF.
        for (i, piece) in bytes.chunks(1501).enumerate() {
            link.send(piece);
            if i % 50 == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        settles(&mut client, "slave_repl_offset", 100 + bytes.len() as i64);
        assert_eq!(client.number("LLEN list"), 60_000);
    }
}

#[test]
fn edge_23_a_newline_on_an_online_link_is_counted() {
    for server in both(&[]) {
        let (master, mut client) = (Master::new(), server.client());
        follow(&server, master.port);
        let mut link = master.full_sync(ID, 100, 0);
        let sent = link.send_command("SELECT 0") as i64;
        settles(&mut client, "slave_repl_offset", 100 + sent);
        let mut below = tap(&server);
        link.send(b"\n");
        settles(&mut client, "slave_read_repl_offset", 101 + sent);
        assert_eq!(number(&mut client, "slave_repl_offset"), 100 + sent);
        let more = link.send_command("SET a 1") as i64;
        settles(&mut client, "slave_repl_offset", 101 + sent + more);
        assert_eq!(below.exactly(1), b"\n");
        assert_eq!(command_of(&mut below), "SET a 1");
    }
}

#[test]
fn edge_24_the_case_of_letters_in_the_stream() {
    for server in both(&[]) {
        let (mut client, mut below) = (server.client(), tap(&server));
        let mut waits = server.client();
        client.ok("CONFIG SET repl-ping-replica-period 1");
        let mut seen = String::new();
        while seen != "ping" {
            seen = command_of(&mut below);
        }
        client.ok("CONFIG SET repl-ping-replica-period 3600");
        client.run("geoadd map 13.361389 38.115556 Palermo");
        waits.send(&resp::command(&[
            "BLMOVE", "from", "to", "LEFT", "RIGHT", "0",
        ]));
        eventually("it waits", || {
            client
                .info("clients")
                .get("blocked_clients")
                .is_some_and(|n| n == "1")
        });
        client.run("rpush from x");
        let stream = until_end(&mut below, &mut client);
        let stream: Vec<_> = stream.iter().filter(|c| *c != "ping").collect();
        let [select, zadd, multi @ .., moved] = &stream[..] else {
            panic!("{stream:?}")
        };
        assert_eq!(*select, "SELECT 0");
        assert_eq!(*zadd, "zadd map 3479099956230698 Palermo");
        assert!(multi.iter().any(|c| *c == "rpush from x"), "{multi:?}");
        assert!(
            [*moved, multi[multi.len() - 1]]
                .iter()
                .any(|c| **c == "LMOVE from to left right"),
            "{stream:?}"
        );
    }
}

#[test]
fn edge_25_replicas_that_know_two_channels_get_one_2188() {
    for server in both(&["--repl-diskless-sync", "no"]) {
        let mut client = server.client();
        client.ok("REPLCONF capa eof capa psync2 capa dual-channel capa rdb-channel-repl");
        for option in [
            "version",
            "rdb-channel",
            "set-rdb-client-id",
            "main-ch-client-id",
        ] {
            let text = format!("ERR Unrecognized REPLCONF option: {option}");
            assert_eq!(client.refused(&format!("REPLCONF {option} 1")), text);
        }
        client.send(b"PSYNC ? -1\r\n");
        let mut line = client.line();
        while line.is_empty() {
            line = client.line();
        }
        assert!(line.starts_with("+FULLRESYNC "), "{line}");
        client.snapshot();
        // Later replicas tell what their append-only file has, behind the offset.
        client.send(&resp::command(&["REPLCONF", "ACK", "7", "FACK", "5"]));
        let mut other = server.client();
        eventually("it is acknowledged", || {
            other.replication("slave0").contains("offset=7")
        });
    }
}
