//! Snapshots on their way: streamed while they are made, loaded in steps, or beside the data that they replace; and what
//! is in them, in both directions and bit by bit. A real server is asked the same as ours.

#[path = "redis/client.rs"]
#[allow(dead_code)]
mod client;
#[path = "redis/dataset.rs"]
#[allow(dead_code)]
mod dataset;
#[path = "redis/master.rs"]
#[allow(dead_code)]
mod master;
#[path = "redis/process.rs"]
#[allow(dead_code)]
mod process;

use client::Client;
use master::{Link, Master, Trickle};
use process::{Dir, Server, eventually, ours, real};
use ringside::node::keyspace::value_from_rdb;
use ringside::rng::Rng;
use ringside::wire::rdb::check::check;
use ringside::wire::rdb::inspect::{Field, Kind, inspect};
use ringside::wire::rdb::read::{Problem, read};
use ringside::wire::resp::{self, Reply};
use std::collections::BTreeMap;
use std::process::Command;

const ID: &str = "1234567890123456789012345678901234567890";
const MARK: &str = "abcdefabcdefabcdefabcdefabcdefabcdefabcd";

fn both(args: &[&str]) -> [Server; 2] {
    let mut all = vec!["--repl-ping-replica-period", "3600"];
    all.extend(args);
    [real(&all), ours(&all)]
}

fn field(client: &mut Client, name: &str) -> String {
    let info = client.info("persistence");
    info.get(name).cloned().unwrap_or_default()
}

// --- streamed --------------------------------------------------------------------------------------------------------

#[test]
fn a_snapshot_is_streamed_while_it_is_made() {
    for server in both(&[
        "--repl-diskless-sync",
        "yes",
        "--rdb-key-save-delay",
        "2000",
    ]) {
        let (mut client, mut tap) = (server.client(), server.client());
        dataset::fill_many(&mut client, 500);
        // Values that fill the pipe before the child is done.
        for i in 0..500 {
            client.ok(&format!("SET large:{i} {}", "x".repeat(2_000)));
        }
        client.ok("CONFIG SET rdbcompression no");
        tap.ok("REPLCONF capa eof capa psync2");
        tap.send(b"PSYNC ? -1\r\n");
        while !tap.line().starts_with("$EOF:") {}
        let mut file = tap.exactly(200_000);
        assert!(file.starts_with(b"REDIS0010"));
        assert_eq!(field(&mut client, "rdb_bgsave_in_progress"), "1");
        assert!(client.replication("slave0").contains("state=wait_bgsave"));
        client.ok("CONFIG SET repl-timeout 60");
        eventually("the child is done", || {
            file.extend(tap.exactly(10_000.min(1_000_000 - file.len().min(999_999))));
            file.len() > 1_000_000
        });
        eventually("the child is done", || {
            field(&mut client, "rdb_bgsave_in_progress") == "0"
        });
    }
}

#[test]
fn one_that_does_not_read_its_snapshot_holds_up_the_others_until_it_is_dropped() {
    for server in both(&[
        "--repl-diskless-sync-delay",
        "600",
        "--repl-diskless-sync-max-replicas",
        "2",
    ]) {
        let mut client = server.client();
        for i in 0..200 {
            client.ok(&format!("SET large:{i} {}", i.to_string().repeat(30_000)));
        }
        client.ok("CONFIG SET rdbcompression no");
        client.ok("CONFIG SET repl-timeout 2");
        let mut taps = [server.client(), server.client()];
        for tap in &mut taps {
            tap.ok("REPLCONF capa eof capa psync2");
            tap.send(b"PSYNC ? -1\r\n");
        }
        let [_stuck, reads] = &mut taps;
        let mut mark = String::new();
        while mark.is_empty() {
            mark = reads
                .line()
                .strip_prefix("$EOF:")
                .unwrap_or_default()
                .into();
        }
        let file = reads.until(mark.as_bytes());
        assert!(read(&file[..file.len() - 40]).is_ok());
        server.logs("Disconnecting timedout replica (full sync)");
    }
}

// --- loaded ----------------------------------------------------------------------------------------------------------

#[test]
fn others_are_told_that_it_loads() {
    let slow = [
        "--key-load-delay",
        "3000",
        "--loading-process-events-interval-bytes",
        "1024",
    ];
    for mut server in both(&slow) {
        let mut client = server.client();
        dataset::fill_many(&mut client, 500);
        let digest = client.digest();
        client.send(b"SHUTDOWN SAVE\r\n");
        server.ended();
        server.start_again_without_waiting();
        let mut client = None;
        eventually("it listens", || {
            client = Client::try_connect(server.port);
            client.is_some()
        });
        let mut client = client.expect("it does");
        assert!(
            client
                .refused("GET a")
                .starts_with("LOADING Redis is loading")
        );
        assert_eq!(field(&mut client, "loading"), "1");
        assert_eq!(field(&mut client, "async_loading"), "0");
        let total: u64 = field(&mut client, "loading_total_bytes")
            .parse()
            .expect("a size");
        let done: u64 = field(&mut client, "loading_loaded_bytes")
            .parse()
            .expect("a size");
        assert!(done < total, "{done} of {total}");
        client.ok("CONFIG SET key-load-delay 0");
        eventually("it has loaded", || field(&mut client, "loading") == "0");
        assert_eq!(client.digest(), digest);
    }
}

/// A snapshot that is streamed, all but its last part: that and the mark come later.
fn stream_half(link: &mut Link, id: &str, offset: i64, slowly: bool) -> (Vec<u8>, Option<Trickle>) {
    let file = master::snapshot(id, offset, 0, if slowly { 20_000 } else { 0 });
    link.send(format!("+FULLRESYNC {id} {offset}\r\n$EOF:{MARK}\r\n").as_bytes());
    let (first, second) = file.split_at(file.len() - 12);
    let trickle = if slowly {
        Some(link.trickle(first))
    } else {
        link.send(first);
        None
    };
    (second.to_vec(), trickle)
}

#[test]
fn the_old_data_is_served_until_the_new_is_there() {
    let other = ID.replace('1', "e");
    let options = [
        "--repl-diskless-load",
        "swapdb",
        "--loading-process-events-interval-bytes",
        "1024",
    ];
    for (id, asynchronous) in [(ID, true), (&*other, false)] {
        for server in both(&options) {
            let (master, mut client) = (Master::new(), server.client());
            client.ok(&format!("REPLICAOF 127.0.0.1 {}", master.port));
            let mut link = master.full_sync(ID, 100, 0);
            link.send_command("SELECT 0");
            link.send_command("SET old data");
            let data = Reply::Bulk(b"data".to_vec().into());
            eventually("it has data", || client.run("GET old") == data);
            drop(link);
            let (mut link, psync) = master.handshake();
            let asks = psync[2].clone();
            // Its bytes come slowly: a real server looks at its clients only when more of it comes.
            let (_, trickle) = stream_half(&mut link, id, 500, true);
            server.logs("to parser");
            if asynchronous {
                eventually("it loads", || field(&mut client, "async_loading") == "1");
                assert_eq!(client.text("GET old"), "data");
                assert!(client.refused("REPLICAOF NO ONE").starts_with("LOADING"));
                assert_eq!(field(&mut client, "loading"), "0");
            } else {
                eventually("it loads", || field(&mut client, "loading") == "1");
                assert!(client.refused("GET old").starts_with("LOADING"));
            }
            // It breaks off: nothing has happened, and the rest of the old history is still good.
            trickle.expect("it was slow").end();
            drop(link);
            let (mut link, psync) = master.handshake();
            assert_eq!(psync, ["PSYNC", ID, &asks]);
            server.logs("MASTER <-> REPLICA sync: Discarding temporary DB in background");
            assert_eq!(client.text("GET old"), "data");
            let (rest, _) = stream_half(&mut link, id, 500, false);
            link.send(&rest);
            link.send(MARK.as_bytes());
            link.acked(500);
            assert_eq!(client.text("GET from"), "snapshot");
            assert_eq!(client.run("GET old"), Reply::Nil);
            assert_eq!(
                (client.replication("master_replid"), client.offset()),
                (id.into(), 500)
            );
        }
    }
}

#[test]
fn an_empty_server_loads_as_it_comes() {
    for server in both(&["--repl-diskless-load", "on-empty-db"]) {
        let (master, mut client) = (Master::new(), server.client());
        client.ok(&format!("REPLICAOF 127.0.0.1 {}", master.port));
        let (mut link, _) = master.handshake();
        stream_half(&mut link, ID, 100, false);
        server.logs("receiving streamed RDB from master with EOF to parser");
        drop(link);
        let (mut link, psync) = master.handshake();
        assert_eq!(
            psync,
            ["PSYNC", "?", "-1"],
            "the cached master went with the data"
        );
        assert_eq!(client.number("DBSIZE"), 0, "what was half loaded is gone");
        let (rest, _) = stream_half(&mut link, ID, 100, false);
        link.send(&rest);
        link.send(MARK.replace('a', "0").as_bytes());
        server.logs("Replication stream EOF marker is broken");
        let (mut link, _) = master.handshake();
        link.send_snapshot(ID, 100, 0);
        eventually("it is linked", || client.linked());
        assert!(!server.snapshot().exists());
        // Now it has data, and takes the way over the disk.
        drop(link);
        let (mut link, _) = master.handshake();
        link.send_snapshot(&ID.replace('1', "e"), 100, 0);
        server.logs("bytes from master to disk");
        eventually("it is linked", || client.linked());
        assert!(server.snapshot().exists());
    }
}

#[test]
fn a_snapshot_of_a_later_version_is_refused_again_and_again() {
    for way in ["swapdb", "disabled"] {
        for server in both(&["--repl-diskless-load", way]) {
            let (master, mut client) = (Master::new(), server.client());
            client.ok("SET old data");
            client.ok(&format!("REPLICAOF 127.0.0.1 {}", master.port));
            for _ in 0..2 {
                let (mut link, _) = master.handshake();
                let file = b"REDIS0099\xff\0\0\0\0\0\0\0\0";
                link.send(format!("+FULLRESYNC {ID} 100\r\n${}\r\n", file.len()).as_bytes());
                link.send(file);
            }
            master.handshake();
            server.logs("Can't handle RDB format version 99");
            let left = i64::from(way == "swapdb");
            assert_eq!(client.number("DBSIZE"), left);
        }
    }
}

// --- what is in them -------------------------------------------------------------------------------------------------

/// Files of a real server with values of all types, in small forms and large ones.
fn files() -> Vec<Vec<u8>> {
    let server = real(&["--rdbcompression", "no"]);
    let mut client = server.client();
    let mut files = Vec::new();
    let small = "SET s hello|SET n 12|RPUSH l a b 3|SADD i 1 2 300|SADD m x y|HSET h f v g 7|ZADD z 1.5 a 2 b|XADD x 1-1 f v|\
                 XADD x 2-1 f w|XGROUP CREATE x g 0|XREADGROUP GROUP g c COUNT 1 STREAMS x >|SET e v PXAT 32503680000000";
    for line in small.split('|') {
        client.run(line);
    }
    for compress in ["no", "yes"] {
        client.ok(&format!("CONFIG SET rdbcompression {compress}"));
        client.ok("SAVE");
        files.push(std::fs::read(server.snapshot()).expect("it was saved"));
        client.run(&format!("SET long {}", "ab".repeat(60)));
        client.run(&format!("HSET large f {} g 1", "x".repeat(70)));
        client.run(&format!("ZADD zl 1 {} 2.5 b", "x".repeat(70)));
    }
    files
}

/// The real check of a file, which looks at every element.
/// The bytes of each key in a snapshot, by its name.
fn keys(file: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let fields = inspect(file).fields.into_iter();
    let keys = fields.filter(|field| field.kind == Kind::Entry);
    keys.map(|key| (key.value, file[key.at..key.at + key.len].to_vec()))
        .collect()
}

/// A list keeps the nodes that it has grown at its front, a set of integers the width of one that is gone.
#[test]
fn what_a_replica_did_not_change_it_saves_as_its_master_does() {
    for (of_real, compressed) in [(true, "no"), (true, "yes"), (false, "no")] {
        let args = ["--rdbcompression", compressed];
        let master = if of_real { real(&args) } else { ours(&args) };
        let mut from = master.client();
        for i in 0..600 {
            from.run(&format!("LPUSH list {i}:{}", "x".repeat(i % 50)));
            from.run(&format!("HSET hash:{} f{i} {}", i % 30, i * 77));
            from.run(&format!("ZADD zset:{} {}.50 m{i}", i % 30, i % 7));
            from.run(&format!("SADD ints:{} {}", i % 30, i * i));
        }
        if of_real {
            from.run("SADD ints:1 123456789012");
            from.run("SREM ints:1 123456789012");
            from.ok("CONFIG SET list-max-listpack-size 5");
        }
        let replica = ours(&["--replicaof", &format!("127.0.0.1 {}", master.port)]);
        let mut to = replica.client();
        eventually("the replica is in step", || to.linked());
        from.ok("CONFIG SET rdbcompression no");
        to.ok("CONFIG SET rdbcompression no");
        let saved = |server: &Server| {
            let mut client = server.client();
            client.send(b"SYNC\r\n");
            keys(&client.snapshot())
        };
        let (theirs, own) = (saved(&master), saved(&replica));
        assert_eq!(theirs.len(), 91);
        assert!(theirs == own, "all but {:?}", differing(&theirs, &own));
        // What is changed is written anew.
        from.run("HSET hash:3 f3 other");
        from.run("ZADD zset:4 9 m4");
        from.run("SADD ints:5 -1");
        eventually("the replica has all", || to.offset() == from.offset());
        let (theirs, own) = (saved(&master), saved(&replica));
        assert!(theirs == own, "all but {:?}", differing(&theirs, &own));
        assert_eq!(to.digest(), from.digest());
    }
}

fn differing<'a>(
    a: &'a BTreeMap<String, Vec<u8>>,
    b: &BTreeMap<String, Vec<u8>>,
) -> Vec<&'a String> {
    let differing = a.iter().filter(|(key, bytes)| b.get(*key) != Some(bytes));
    differing.map(|(key, _)| key).collect()
}

fn accepts(dir: &Dir, bytes: &[u8]) -> bool {
    let path = dir.path().join("file.rdb");
    std::fs::write(&path, bytes).expect("a file can be written");
    let checked = Command::new("redis-check-rdb").arg(&path).output();
    checked
        .expect("install redis-tools (make setup)")
        .status
        .success()
}

/// What we say of a file, and would say if we knew no more than 7.0.
fn judged(bytes: &[u8]) -> Result<(), String> {
    let later = |field: &Field| {
        let number = field.value.split(' ').next().unwrap_or_default();
        (field.label == "type"
            && number
                .parse()
                .is_ok_and(|kind: u8| (20..=25).contains(&kind)))
            || field.label == "SLOT_INFO"
    };
    if inspect(bytes).fields.iter().any(later) {
        return Err("a form of later versions".into());
    }
    let rdb = match read(bytes) {
        Ok(rdb) => rdb,
        // The check passes over the data of modules that it does not know; a server refuses it.
        Err(error) if matches!(error.problem, Problem::Module { .. }) => {
            return inspect(bytes)
                .error
                .map_or(Ok(()), |error| Err(error.to_string()));
        }
        Err(error) => return Err(error.to_string()),
    };
    // A server passes over those, which the check does not.
    if rdb.facts.empty_keys_skipped > 0 {
        return Err("a key without a value".into());
    }
    for entry in rdb.entries {
        value_from_rdb(entry.value)?;
    }
    Ok(())
}

/// Changes a byte, or cuts the file; without a checksum, so that it is the reader who has to find out.
fn damaged(file: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = file.to_vec();
    let sum = bytes.len() - 8;
    bytes[sum..].fill(0);
    let at = 9 + rng.below(sum as u64 - 9) as usize;
    match rng.below(4) {
        0 => bytes.truncate(at),
        1 => bytes[at] ^= 1 << rng.below(8),
        2 => bytes[at] = rng.below(256) as u8,
        _ => drop(bytes.remove(at)),
    }
    bytes
}

#[test]
fn damaged_files_are_refused_as_by_the_real_check() {
    let (dir, files) = (Dir::new(), files());
    let count =
        std::env::var("RINGSIDE_DAMAGED_FILES").map_or(400, |n| n.parse().expect("a number"));
    let mut rng = Rng::new(3);
    let mut differ = Vec::new();
    for file in &files {
        assert!(read(file).is_ok() && accepts(&dir, file));
        for _ in 0..count / files.len() {
            let bytes = damaged(file, &mut rng);
            let found = judged(&bytes);
            if found.is_ok() != accepts(&dir, &bytes) {
                differ.push((found.err(), bytes));
            }
        }
    }
    for (error, bytes) in differ.iter().take(10) {
        eprintln!("{error:?}: {}", bytes.escape_ascii());
    }
    assert_eq!(
        differ.len(),
        0,
        "of {count} files so many are judged differently"
    );
}

/// What a report tells, without the words for what is wrong and the names of types.
fn told(report: &str) -> Vec<String> {
    let mut lines = report.lines();
    let mut told = Vec::new();
    while let Some(line) = lines.next() {
        if line.starts_with("---") {
            lines.next();
        }
        let line = match line.split_once(" (") {
            Some((line, _)) if line.contains("Reading type") => line,
            _ => line,
        };
        // The real one says that it reads a string before it has read anything.
        let reads = ["read-key", "read-object-value", "Reading key"];
        let early = line.contains("Reading type")
            && !told
                .last()
                .is_some_and(|before: &String| reads.iter().any(|at| before.contains(at)));
        let of_it = line.starts_with(['[', '-']);
        if of_it && !line.contains("Checking RDB file") && !early {
            told.push(line.into());
        }
    }
    told
}

#[test]
fn a_cut_file_is_reported_as_by_the_real_check() {
    let (dir, now) = (Dir::new(), 1_000);
    let path = dir.path().join("cut.rdb");
    let without_a_value =
        b"REDIS0010\xfe\x00\x00\x01s\x01x\x01\x01l\x00\x00\x01t\x01x\xff\0\0\0\0\0\0\0\0";
    for file in files().into_iter().chain([without_a_value.into()]) {
        for end in 0..=file.len() {
            std::fs::write(&path, &file[..end]).expect("a file can be written");
            let checked = Command::new("redis-check-rdb").arg(&path).output();
            let checked = checked.expect("redis-check-rdb comes with redis-tools");
            let theirs = String::from_utf8_lossy(&checked.stdout).into_owned();
            let (report, fine) = check(&file[..end], "cut.rdb", now);
            assert_eq!(fine, checked.status.success());
            assert_eq!(
                told(&report),
                told(&theirs),
                "of {end} bytes\n{report}\n{theirs}"
            );
        }
    }
}

#[test]
fn what_one_saved_the_other_has() {
    for seed in 1..=3 {
        for (mut from, to) in [(real(&[]), ours(&[])), (ours(&[]), real(&[]))] {
            let mut client = from.client();
            dataset::fill(&mut client);
            dataset::Writes::new(seed).go_on(&mut client, 3000);
            client.ok("DEBUG SET-ACTIVE-EXPIRE 0");
            std::thread::sleep(std::time::Duration::from_millis(50));
            // A master that loads lets go of what expired.
            for db in [0, 3, 15] {
                client.ok(&format!("SELECT {db}"));
                let gone: Vec<String> = (0..12).map(|key| format!("live:gone{key}")).collect();
                client.run(&format!("DEL {}", gone.join(" ")));
            }
            client.ok(if seed == 1 {
                "CONFIG SET rdbcompression no"
            } else {
                "CONFIG SET rdbcompression yes"
            });
            let digest = client.digest();
            client.send(&resp::command(&["SHUTDOWN", "SAVE"]));
            from.ended();
            let file = std::fs::read(from.snapshot()).expect("it was saved");
            let mut to = to;
            to.client().send(&resp::command(&["SHUTDOWN", "NOSAVE"]));
            to.ended();
            std::fs::write(to.snapshot(), &file).expect("a file can be written");
            to.start_again();
            assert_eq!(to.client().digest(), digest, "seed {seed}");
        }
    }
}
