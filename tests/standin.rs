//! `ringside server` in the place of `redis-server`: what both tell of themselves, and what programs that start one rely
//! on.

#[allow(dead_code)]
#[path = "redis/client.rs"]
mod client;
#[allow(dead_code)]
#[path = "redis/process.rs"]
mod process;

use client::Client;
use process::{Server, eventually, from_file, ours, real};
use ringside::wire::resp::{self, Reply};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

fn text(reply: &Reply) -> String {
    match reply {
        Reply::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Reply::Simple(text) => text.to_string(),
        Reply::Error(text) => text.clone(),
        other => other.pretty(),
    }
}

fn items(reply: Reply) -> Vec<Reply> {
    match reply {
        Reply::Array(items) => items,
        other => panic!("not an array: {other:?}"),
    }
}

fn both(args: &[&str]) -> [(&'static str, Server); 2] {
    [("ours", ours(args)), ("real", real(args))]
}

/// The same lines are played to both; the replies must be equal.
#[track_caller]
fn same(args: &[&str], lines: &[&str]) {
    let play = |server: &Server| {
        let mut client = server.client();
        let replies = lines.iter().map(|line| client.run(line));
        replies.collect::<Vec<_>>()
    };
    let [(_, a), (_, b)] = both(args);
    for ((line, ours), real) in lines.iter().zip(play(&a)).zip(play(&b)) {
        assert_eq!(ours, real, "{line}");
    }
}

#[test]
fn every_directive_is_known_with_its_default() {
    let settings = |server: &Server| {
        let pairs = items(server.client().run("CONFIG GET *"));
        let pairs = pairs.chunks(2).map(|pair| (text(&pair[0]), text(&pair[1])));
        pairs.collect::<BTreeMap<_, _>>()
    };
    let [(_, a), (_, b)] = both(&[]);
    let (mut ours, mut real) = (settings(&a), settings(&b));
    for own in ["dir", "port", "pidfile", "logfile"] {
        assert!(ours.remove(own).is_some() && real.remove(own).is_some());
    }
    assert!(real.len() > 150);
    assert_eq!(ours, real);
}

#[test]
fn settings_are_read_and_refused_alike() {
    same(
        &[],
        &[
            "CONFIG GET nosuch",
            "CONFIG SET nosuch 1",
            "CONFIG SET hz",
            "CONFIG SET hz 1 timeout",
            "CONFIG SET hz x",
            "CONFIG SET timeout -1",
            "CONFIG SET databases 3",
            "CONFIG SET dbfilename a.rdb",
            "CONFIG SET maxmemory 1x",
            "CONFIG SET maxmemory-clients 5x",
            "CONFIG SET loglevel loud",
            "CONFIG SET appendonly maybe",
            "CONFIG SET hz 20 timeout 30 hz 40",
            "CONFIG SET hz 20 timeout x",
            "CONFIG GET hz",
            "CONFIG SET hz 20 timeout 30",
            "CONFIG GET hz",
            "CONFIG GET timeout",
            "CONFIG SET slave-read-only no",
            "CONFIG GET replica-read-only",
            "CONFIG SET notify-keyspace-events AKE",
            "CONFIG GET notify-keyspace-events",
            "CONFIG SET notify-keyspace-events q",
            "CONFIG SET save 1",
            "CONFIG SET shutdown-on-sigterm save",
            "CONFIG GET shutdown-on-sigterm",
            "CONFIG SET client-output-buffer-limit x",
            "CONFIG SET oom-score-adj-values 1",
            "CONFIG SET latency-tracking-info-percentiles 200",
            "CONFIG REWRITE",
            "CONFIG RESETSTAT",
            "CLUSTER",
            "CLUSTER NOSUCH",
            "CLUSTER SLOTS",
            "CLUSTER SLOTS x",
            "CLUSTER HELP x",
            "CLUSTER ADDSLOTS",
            "CONFIG RESETSTAT x",
        ],
    );
}

/// A configuration file as `CONFIG REWRITE` leaves it. What it appends has no order: Redis takes it out of a hash table.
fn file_of(server: &Server) -> (Vec<String>, BTreeSet<String>) {
    let text =
        std::fs::read_to_string(server.dir.path().join("redis.conf")).expect("the file is there");
    let dir = server.dir.path().to_string_lossy();
    let text = text
        .replace(&*dir, "DIR")
        .replace(&server.port.to_string(), "PORT");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let signature = lines
        .iter()
        .position(|line| line.starts_with("# Generated"));
    let added = lines.split_off(signature.map_or(lines.len(), |at| at + 1));
    (lines, added.into_iter().collect())
}

#[test]
fn a_configuration_file_is_rewritten_as_by_a_real_server() {
    let cases: [(&str, &[&str]); 7] = [
        ("", &[]),
        (
            "# c\n\n\n  save 1 2\n# x\nSave   3 4 \nsave 60 7\nmaxmemory 1048576\nappendfsync   always\nslave-priority 7\n\n\
             client-output-buffer-limit replica 1 2 3\n",
            &[
                "CONFIG SET save ",
                "CONFIG SET maxmemory 0",
                "CONFIG SET key-load-delay 3",
                "CONFIG SET repl-timeout 7",
            ],
        ),
        (
            "HZ 10\nloglevel notice\nlogfile \"\"\nrequirepass foo\nrename-command FLUSHALL \"\"\nnotify-keyspace-events KEA\n",
            &[
                "AUTH foo",
                "CONFIG SET requirepass bar",
                "CONFIG SET notify-keyspace-events gx",
            ],
        ),
        (
            "replicaof 127.0.0.1 1\n masterauth \"x y\\x01\"\nmasteruser u\n",
            &["CONFIG SET replica-announced no"],
        ),
        (
            "replicaof 127.0.0.1 1\nsave 1 1\n",
            &[
                "REPLICAOF NO ONE",
                "CONFIG SET timeout 1",
                "CONFIG SET timeout 0",
            ],
        ),
        (
            "save \"\"\n",
            &[
                "REPLICAOF 127.0.0.1 7",
                "CONFIG SET replica-read-only no",
                "CONFIG SET list-max-listpack-size -1",
            ],
        ),
        (
            "client-query-buffer-limit 1mb\nmaxmemory-clients 10%\noom-score-adj-values 1 2 3\nunixsocketperm 700\n\
             latency-tracking-info-percentiles 50 9\nshutdown-on-sigint save now\n",
            &[
                "CONFIG SET repl-backlog-size 3145728",
                "CONFIG SET repl-backlog-ttl 5",
            ],
        ),
    ];
    for (text, commands) in cases {
        let [mut ours, mut real] = [true, false].map(|ours| {
            let server = from_file(ours, text);
            let mut client = server.client();
            commands.iter().for_each(|line| client.ok(line));
            // What was rewritten once is a file like any other.
            client.ok("CONFIG REWRITE");
            client.ok("CONFIG REWRITE");
            server
        });
        assert_eq!(file_of(&ours), file_of(&real), "{text}");
        // And each starts again from what it wrote.
        for server in [&mut ours, &mut real] {
            server.signal("KILL");
            server.ended();
            server.start_again();
        }
        assert!(
            !ours.log().contains("The directive 'user"),
            "{}",
            ours.log()
        );
    }
}

#[test]
fn the_one_user_is_described_alike() {
    let lines = [
        "AUTH foo",
        "ACL LIST",
        "ACL GETUSER default",
        "ACL SETUSER default nopass +@all",
        "ACL LIST",
        "ACL SETUSER default on >bar ~* &*",
        "ACL LIST",
        "AUTH foo",
        "AUTH default bar",
    ];
    same(&["--requirepass", "foo"], &lines);
}

#[test]
fn a_replica_tells_sentinels_whether_it_wants_to_be_told_of() {
    let ask = |server: &Server| {
        let mut client = server.client();
        client.ok("REPLICAOF 127.0.0.1 1");
        ["yes", "no"].map(|value| {
            client.ok(&format!("CONFIG SET replica-announced {value}"));
            client.info("replication")["replica_announced"].clone()
        })
    };
    for (name, server) in both(&[]) {
        assert_eq!(ask(&server), ["1", "0"], "{name}");
    }
}

#[test]
fn info_has_the_same_fields() {
    let fields = |client: &mut Client, what: &str| {
        let info = text(&client.run(what));
        let lines = info.lines().filter(|line| !line.is_empty());
        let names = lines.map(|line| line.split(':').next().unwrap_or_default().to_string());
        names.collect::<Vec<_>>()
    };
    let [(_, a), (_, b)] = both(&[]);
    let (mut a, mut b) = (a.client(), b.client());
    for what in [
        "INFO",
        "INFO all",
        "INFO everything",
        "INFO default",
        "INFO server clients",
        "INFO memory",
        "INFO persistence",
        "INFO stats",
        "INFO replication",
        "INFO cpu",
        "INFO modules",
        "INFO errorstats",
        "INFO cluster",
        "INFO keyspace",
        "INFO nosuch",
        "INFO nosuch server",
    ] {
        for client in [&mut a, &mut b] {
            client.ok("FLUSHALL");
            client.ok("CONFIG RESETSTAT");
            client.ok("SET a b");
            client.refused("nosuch");
        }
        let (ours, real) = (fields(&mut a, what), fields(&mut b, what));
        let missing: Vec<_> = real.iter().filter(|name| !ours.contains(name)).collect();
        let own: Vec<_> = ours.iter().filter(|name| !real.contains(name)).collect();
        assert!(
            missing.is_empty() && own.is_empty(),
            "{what}: without {missing:?}, but with {own:?}"
        );
        // The order of commands is that of a hash table.
        if !what.contains("all") && !what.contains("everything") {
            assert_eq!(ours, real, "{what}");
        }
    }
}

#[test]
fn calls_and_errors_are_counted_alike() {
    let lines = [
        "SET a 1",
        "INCR a",
        "LPUSH a x",
        "GET",
        "nosuch",
        "CONFIG GET hz",
        "CONFIG NOSUCH",
        "MULTI",
        "GET a",
        "LPUSH a x",
        "EXEC",
        "MULTI",
        "GET",
        "EXEC",
        "EXEC x",
        "AUTH x",
        "MGET a b c",
        "TTL a",
        "EXISTS a b",
        "TYPE nosuch",
        "SET a 2 GET",
        "XADD s 1 f v",
        "OBJECT ENCODING a",
        "CLIENT ID",
    ];
    let counted = |server: &Server| {
        let mut client = server.client();
        client.ok("CONFIG RESETSTAT");
        for line in lines {
            client.run(line);
        }
        let info = text(&client.run("INFO commandstats")) + &text(&client.run("INFO errorstats"));
        let stats = text(&client.run("INFO stats"));
        let mut seen = BTreeSet::new();
        seen.extend(
            stats
                .lines()
                .filter(|line| line.starts_with("keyspace_"))
                .map(String::from),
        );
        for line in info.lines().filter(|line| line.contains("stat_")) {
            let (name, counts) = line.split_once(':').expect("name:counts");
            let counts = counts.split(',').filter(|c| !c.starts_with("usec"));
            seen.insert(format!("{name}:{}", counts.collect::<Vec<_>>().join(",")));
        }
        seen
    };
    let [(_, a), (_, b)] = both(&[]);
    assert_eq!(counted(&a), counted(&b));
}

/// Order within a set of names is nobody's promise.
fn sorted(reply: &Reply) -> String {
    match reply {
        Reply::Array(items) => {
            let mut items: Vec<_> = items.iter().map(sorted).collect();
            items.sort();
            format!("[{}]", items.join(" "))
        }
        other => text(other),
    }
}

#[test]
fn every_command_is_described_as_by_a_real_server() {
    let [(_, a), (_, b)] = both(&[]);
    let (mut a, mut b) = (a.client(), b.client());
    let names = items(a.run("COMMAND LIST"));
    assert!(names.len() > 300, "{}", names.len());
    for name in names.iter().map(text) {
        let [ours, real] = [&mut a, &mut b].map(|client| {
            let mut fields = items(items(client.command(&["COMMAND", "INFO", &name])).remove(0));
            // What a place of keys is noted with, in words.
            let specs = fields.remove(8);
            let places: Vec<Reply> = items(specs)
                .into_iter()
                .map(|spec| {
                    let pairs = items(spec);
                    let kept = pairs.chunks(2).filter(|pair| text(&pair[0]) != "notes");
                    Reply::Array(kept.flatten().cloned().collect())
                })
                .collect();
            fields.push(Reply::Array(places));
            // Subcommands come as commands of their own.
            fields.remove(8);
            format!("{} {}", text(&fields[0]), sorted(&Reply::Array(fields)))
        });
        assert_eq!(ours, real);
    }
}

#[test]
fn keys_in_commands_are_found_alike() {
    same(
        &[],
        &[
            "COMMAND GETKEYS GET a",
            "COMMAND GETKEYS MSET a 1 b 2",
            "COMMAND GETKEYS PING",
            "COMMAND GETKEYS nosuch a",
            "COMMAND GETKEYS GET",
            "COMMAND GETKEYS ZUNIONSTORE d 2 a b",
            "COMMAND GETKEYS ZUNIONSTORE d 3 a b",
            "COMMAND GETKEYS ZUNIONSTORE d x a b",
            "COMMAND GETKEYS XREAD COUNT 1 STREAMS a b 0 0",
            "COMMAND GETKEYS SORT a BY b STORE c",
            "COMMAND GETKEYS GEORADIUS a 1 2 3 m STORE b",
            "COMMAND GETKEYS LMPOP 2 a b LEFT",
            "COMMAND GETKEYS BLPOP a b 0",
            "COMMAND GETKEYS MEMORY USAGE a",
            "COMMAND GETKEYS XGROUP CREATE a b 0",
            "COMMAND GETKEYSANDFLAGS SET a b",
            "COMMAND GETKEYSANDFLAGS SET a b GET",
            "COMMAND GETKEYSANDFLAGS BITFIELD a GET u8 0",
            "COMMAND GETKEYSANDFLAGS LMOVE a b LEFT RIGHT",
            "COMMAND LIST FILTERBY NOSUCH x",
            "COMMAND LIST FILTERBY ACLCAT nosuch",
            "COMMAND INFO nosuch",
            "ACL CAT nosuch",
            "ACL WHOAMI",
            "ACL LIST",
            "ACL GETUSER default",
            "ACL GETUSER nosuch",
            "SLOWLOG GET x",
            "SLOWLOG GET -2",
            "LATENCY HISTORY nosuch",
            "LATENCY GRAPH nosuch",
            "CLIENT KILL ID 0",
            "CLIENT KILL TYPE x",
            "CLIENT KILL USER x",
            "CLIENT KILL SKIPME x",
            "CLIENT LIST TYPE x",
            "CLIENT LIST ID x",
            "CLIENT NO-EVICT x",
            "CLIENT TRACKINGINFO",
            "CLIENT GETREDIR",
            "CLIENT CACHING YES",
            "CLIENT UNBLOCK 1 x",
            "MEMORY USAGE nosuch",
            "MEMORY USAGE a SAMPLES -1",
            "DEBUG DIGEST-VALUE nosuch",
            "DEBUG PROTOCOL map",
            "DEBUG PROTOCOL nosuch",
            "DEBUG OBJECT nosuch",
            "DEBUG RELOAD NOSUCH",
            "MODULE LIST",
            "CLUSTER INFO",
            "BGSAVE NOSUCH",
            "SHUTDOWN ABORT",
        ],
    );
}

#[test]
fn places_are_found_in_the_same_order() {
    let [(_, a), (_, b)] = both(&[]);
    let (mut ours, mut real) = (a.client(), b.client());
    let mut rng = ringside::rng::Rng::new(11);
    let degrees = |rng: &mut ringside::rng::Rng, max: u64| {
        let n = rng.below(2 * max * 1000 + 1) as i64 - (max * 1000) as i64;
        format!("{}.{:03}", n / 1000, n.abs() % 1000)
    };
    for i in 0..400 {
        // As many in a corner of the map as elsewhere.
        let (lon, lat) = match i % 2 {
            0 => (degrees(&mut rng, 180), degrees(&mut rng, 85)),
            _ => (degrees(&mut rng, 3), degrees(&mut rng, 2)),
        };
        for client in [&mut ours, &mut real] {
            assert_eq!(client.number(&format!("GEOADD map {lon} {lat} m{i}")), 1);
        }
    }
    for _ in 0..300 {
        let near = rng.below(2) == 0;
        let (lon, lat) = match near {
            false => (degrees(&mut rng, 180), degrees(&mut rng, 85)),
            true => (degrees(&mut rng, 3), degrees(&mut rng, 2)),
        };
        let size = |rng: &mut ringside::rng::Rng| {
            let most = 10u64.pow(1 + rng.below(5) as u32);
            1 + rng.below(most)
        };
        let shape = match rng.below(2) {
            0 => format!("BYRADIUS {} km", size(&mut rng)),
            _ => format!("BYBOX {} {} km", size(&mut rng), size(&mut rng)),
        };
        let order = ["", "ASC", "DESC", "COUNT 7 ANY", "COUNT 5 ANY ASC"];
        let order = order[rng.below(order.len() as u64) as usize];
        let line = format!("GEOSEARCH map FROMLONLAT {lon} {lat} {shape} {order} WITHHASH");
        assert_eq!(ours.run(&line), real.run(&line), "{line}");
    }
}

#[test]
fn values_are_saved_in_the_forms_that_settings_ask_for() {
    let lines = "CONFIG SET rdbcompression no hash-max-listpack-entries 3 zset-max-listpack-value 4|\
        CONFIG SET set-max-intset-entries 2 list-max-listpack-size 2 hash-max-listpack-value 5|\
        SELECT 1|HSET k a 1 b 2 c 3|SELECT 2|HSET k a 123456|SELECT 3|SADD k 1 2|SELECT 4|SADD k 7|\
        SELECT 5|ZADD k 1 four|SELECT 6|ZADD k 1 fives|SELECT 7|RPUSH k a b c d e|\
        CONFIG SET hash-max-listpack-value 64 set-max-intset-entries 1|\
        SELECT 8|RPUSH k a|SELECT 9|SADD k 5|\
        CONFIG SET zset-max-listpack-entries 0|SELECT 10|ZADD k 1 a";
    let [(_, a), (_, b)] = both(&[]);
    let saved = [a, b].map(|server| {
        let mut client = server.client();
        lines.split('|').for_each(|line| {
            client.run(line.trim());
        });
        let of = |client: &mut Client, db: i32| {
            client.ok(&format!("SELECT {db}"));
            client.text("OBJECT ENCODING k")
        };
        let encodings: Vec<_> = (1..11).map(|db| of(&mut client, db)).collect();
        client.ok("SAVE");
        let file = std::fs::read(server.snapshot()).expect("it was saved");
        let facts_end = b"aof-base\xc0\x00";
        let start = file.windows(10).position(|part| part == facts_end);
        let body = &file[start.expect("the last of the facts") + 10..file.len() - 8];
        (encodings, body.escape_ascii().to_string())
    });
    assert_eq!(saved[0], saved[1]);
    assert_eq!(
        saved[0]
            .0
            .iter()
            .filter(|form| *form == "hashtable")
            .count(),
        1
    );
}

#[test]
fn a_client_is_listed_with_the_same_fields() {
    let names = |server: &Server| {
        let mut client = server.client();
        client.ok("CLIENT SETNAME me");
        let line = text(&client.run("CLIENT LIST"));
        assert!(
            line.contains(" name=me ") && line.contains(" cmd=client|list "),
            "{line}"
        );
        let own = |field: &str| {
            let known = [
                "flags", "db", "sub", "multi", "qbuf", "argv-mem", "oll", "events", "user", "resp",
            ];
            known.contains(&field)
        };
        let fields = line.trim_end().split(' ');
        let fields = fields.map(|field| {
            let (name, value) = field.split_once('=').expect("name=value");
            if own(name) {
                field.to_string()
            } else {
                format!("{name}={}", value.is_empty())
            }
        });
        fields.collect::<Vec<_>>()
    };
    let [(_, a), (_, b)] = both(&[]);
    assert_eq!(names(&a), names(&b));
}

#[test]
fn replies_can_be_switched_off_and_monitors_see_what_runs() {
    for (who, server) in both(&[]) {
        let mut client = server.client();
        client.send(b"CLIENT REPLY OFF\r\nPING\r\nCLIENT REPLY ON\r\nCLIENT REPLY SKIP\r\nPING x\r\nPING y\r\n");
        assert_eq!(client.line(), "+OK", "{who}");
        assert_eq!(
            (client.line(), client.line()),
            ("$1".into(), "y".into()),
            "{who}"
        );
        client.send(b"CLIENT REPLY SKIP\r\nCLIENT REPLY ON\r\nPING\r\n");
        assert_eq!(
            (client.line(), client.line()),
            ("+OK".into(), "+PONG".into()),
            "{who}"
        );

        let mut monitor = server.client();
        monitor.ok("MONITOR");
        client.ok("SET a \"b\"");
        client.run("AUTH secret");
        client.ok("MULTI");
        client.run("GET a");
        client.run("EXEC");
        client.run("CONFIG GET hz");
        client.run("PING last");
        let mut seen = Vec::new();
        while !seen
            .last()
            .is_some_and(|line: &String| line.contains("last"))
        {
            let line = monitor.line();
            seen.push(
                line.split_once("] ")
                    .map_or_else(|| line.clone(), |(_, words)| words.into()),
            );
        }
        let expected = [
            r#""SET" "a" "\"b\"""#,
            r#""AUTH" "(redacted)""#,
            r#""MULTI""#,
            r#""GET" "a""#,
            r#""EXEC""#,
            r#""PING" "last""#,
        ];
        assert_eq!(seen, expected, "{who}");
        monitor.send(b"ECHO mine\r\n");
        assert_eq!([monitor.line(), monitor.line()], ["$4", "mine"], "{who}");
        assert!(monitor.line().ends_with(r#""ECHO" "mine""#), "{who}");
    }
}

#[test]
fn a_reply_that_is_too_long_is_not_sent() {
    for (who, server) in both(&[]) {
        let (mut client, mut other) = (server.client(), server.client());
        other.run(&format!("SET big {}", "x".repeat(300_000)));
        other.command(&[
            "CONFIG",
            "SET",
            "client-output-buffer-limit",
            "normal 100000 0 0",
        ]);
        client.send(b"PING\r\nGET big\r\nPING\r\n");
        assert_eq!(client.rest(), b"", "{who}");
        assert_eq!(other.run("PING"), Reply::Simple("PONG".into()), "{who}");
    }
}

#[test]
fn changes_bring_about_a_snapshot_at_a_save_point() {
    for (who, server) in both(&["--save", "1 2", "--hz", "10"]) {
        let mut client = server.client();
        client.ok("SET a 1");
        client.ok("SET b 2");
        client.ok("SET c 3");
        eventually(&format!("{who} saves"), || {
            let info = text(&client.run("INFO persistence"));
            info.contains("rdb_changes_since_last_save:0\r\n") && info.contains("rdb_saves:1\r\n")
        });
        assert!(server.snapshot().exists(), "{who}");
        server.logs("2 changes in 1 seconds. Saving...");
    }
}

#[test]
fn writes_stop_when_snapshots_cannot_be_written() {
    for (who, server) in both(&["--save", "900 1", "--enable-protected-configs", "yes"]) {
        let mut client = server.client();
        client.ok("SET a 1");
        std::fs::create_dir(server.dir.path().join("in-the-way")).expect("a folder can be made");
        client.ok("CONFIG SET dbfilename in-the-way");
        assert_eq!(client.run("SAVE"), Reply::Error("ERR".into()), "{who}");
        client.run("BGSAVE");
        eventually("the failure shows", || {
            text(&client.run("INFO persistence")).contains("rdb_last_bgsave_status:err")
        });
        assert!(
            client
                .refused("SET a 2")
                .starts_with("MISCONF Redis is configured"),
            "{who}"
        );
        assert!(client.refused("PING").starts_with("MISCONF"), "{who}");
        assert_eq!(client.run("GET a"), Reply::Bulk(b"1"[..].into()), "{who}");
        assert_eq!(
            client.run("SHUTDOWN SAVE"),
            Reply::Error("ERR Errors trying to SHUTDOWN. Check logs.".into()),
            "{who}"
        );
        client.ok("CONFIG SET dbfilename dump.rdb");
        client.ok("SAVE");
        client.ok("SET a 2");
    }
}

#[test]
fn who_is_too_many_or_silent_is_sent_away() {
    for (who, server) in both(&["--maxclients", "3"]) {
        let mut first = server.client();
        let _second = server.client();
        let _third = server.client();
        let mut fourth = server.client();
        assert_eq!(fourth.line(), "-ERR max number of clients reached", "{who}");
        assert_eq!(first.run("PING"), Reply::Simple("PONG".into()), "{who}");
        assert!(
            text(&first.run("INFO stats")).contains("rejected_connections:1\r\n"),
            "{who}"
        );
        first.ok("CONFIG SET maxclients 10 timeout 1");
        let mut idle = server.client();
        assert_eq!(idle.rest(), b"", "{who} closes it");
    }
}

#[test]
fn clients_that_use_too_much_are_evicted_the_largest_first() {
    for (who, server) in both(&["--maxmemory-clients", "3mb"]) {
        let (mut watcher, mut kept) = (server.client(), server.client());
        kept.ok("CLIENT NO-EVICT ON");
        let queue = |client: &mut Client, bytes: usize| {
            client.ok("MULTI");
            client.command(&["SET", "k", &"x".repeat(bytes)])
        };
        let queued = Reply::Simple("QUEUED".into());
        assert_eq!(queue(&mut kept, 1 << 20), queued, "{who}");
        // A real server may keep a second buffer of that size for a while: with those of both, it must still be within.
        let mut small = server.client();
        assert_eq!(queue(&mut small, 100_000), queued, "{who}");
        let mut large = server.client();
        large.send(&resp::command(&["MULTI"]));
        large.send_in_vain(&resp::command(&["SET", "k", &"x".repeat(2 << 20)]));
        eventually("the largest is gone", || large.closed());
        let mut sudden = server.client();
        sudden.send_in_vain(&resp::command(&["SET", "k", &"x".repeat(3 << 20)]));
        eventually("who sends too much at once is gone too", || sudden.closed());
        assert_eq!(watcher.number("EXISTS k"), 0, "{who}");
        assert_eq!(small.run("DISCARD"), Reply::Simple("OK".into()), "{who}");
        let stats = text(&watcher.run("INFO stats"));
        assert!(stats.contains("evicted_clients:2\r\n"), "{who}");
        // Percent are of maxmemory; who stays is too large then, and everybody else goes.
        watcher.ok("CONFIG SET maxmemory 100mb");
        watcher.ok("CONFIG SET maxmemory-clients 1%");
        assert_eq!(watcher.rest(), b"", "{who}");
        assert_eq!(kept.run("PING"), queued, "{who}");
    }
}

/// A server that is nobody's child: it ends with the test all the same.
struct Background(String);

impl Drop for Background {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg("-9").arg(&self.0).output();
    }
}

#[test]
fn a_server_goes_on_in_the_background() {
    for ours in [true, false] {
        let dir = process::Dir::new();
        let file = |name: &str| dir.path().join(name).display().to_string();
        let port = process::free_port().to_string();
        let mut command = match ours {
            true => Command::new(env!("CARGO_BIN_EXE_ringside")),
            false => Command::new("redis-server"),
        };
        if ours {
            command.arg("server");
        }
        command.args(["--port", &port, "--bind", "127.0.0.1", "--save", ""]);
        command.args([
            "--dir",
            &file(""),
            "--logfile",
            &file("log"),
            "--pidfile",
            &file("pid"),
        ]);
        let started = command.args(["--daemonize", "yes"]).status();
        assert!(started.expect("it can be started").success());
        let pid = || std::fs::read_to_string(file("pid")).unwrap_or_default();
        eventually("it has written its number", || pid().ends_with('\n'));
        let background = Background(pid().trim().into());
        let mut client = None;
        eventually("it answers", || {
            client = Client::try_connect(port.parse().expect("a number"));
            client.as_mut().is_some_and(Client::answers)
        });
        let mut client = client.expect("it answered");
        assert_eq!(client.info("server")["process_id"], background.0);
        assert_eq!(text(&items(client.run("CONFIG GET daemonize"))[1]), "yes");
        client.send(b"SHUTDOWN NOSAVE\r\n");
        eventually("its number is gone", || pid().is_empty());
    }
}

#[cfg(unix)]
#[test]
fn a_socket_of_this_machine_works_too() {
    use std::io::{Read, Write};
    for (who, server) in both(&["--unixsocket", "sock", "--unixsocketperm", "700"]) {
        let path = server.dir.path().join("sock");
        let mut monitor = server.client();
        monitor.ok("MONITOR");
        let mut stream = std::os::unix::net::UnixStream::connect(&path).expect("it is there");
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .expect("a socket can do that");
        stream
            .write_all(b"PING\r\nCLIENT LIST\r\n")
            .expect("it is open");
        let mut seen = String::new();
        let mut chunk = [0; 4096];
        while !seen.ends_with("\n\r\n") {
            let n = stream.read(&mut chunk).expect("it answers");
            seen.push_str(&String::from_utf8_lossy(&chunk[..n]));
        }
        let told = ["sock:0 ", " flags=U "].map(|word| seen.contains(word));
        assert!(
            seen.starts_with("+PONG\r\n") && told == [true; 2],
            "{who}: {seen}"
        );
        let line = monitor.line();
        assert!(line.ends_with(r#" [0 unix:sock] "PING""#), "{who}: {line}");
    }
}

#[test]
fn slow_commands_are_remembered_without_secrets() {
    for (who, server) in both(&["--slowlog-log-slower-than", "0"]) {
        let mut client = server.client();
        client.ok("SLOWLOG RESET");
        client.run("AUTH secret");
        client.ok("CONFIG SET masterauth secret");
        client.command(&vec!["PING"; 40]);
        client.command(&["ECHO", &"x".repeat(200)]);
        let entries = items(client.run("SLOWLOG GET"));
        let words = |entry: &Reply| {
            let fields = items(entry.clone());
            items(fields[3].clone())
                .iter()
                .map(text)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            words(&entries[0])[1],
            format!("{}... (72 more bytes)", "x".repeat(128)),
            "{who}"
        );
        let all: Vec<String> = entries.iter().map(|entry| words(entry).join(" ")).collect();
        assert!(
            all.contains(&"CONFIG SET masterauth (redacted)".into()),
            "{who}: {all:?}"
        );
        assert!(all.contains(&"AUTH (redacted)".into()), "{who}: {all:?}");
    }
}

/// Starts either with these arguments and this on its standard input, and waits for its end: its status, and what it
/// said in its log and as errors, without the times, process ids and what one of them alone says.
fn said(ours: bool, args: &[&str], input: &str) -> (Option<i32>, Vec<String>) {
    let dir = process::Dir::new();
    let mut command = Command::new(if ours {
        env!("CARGO_BIN_EXE_ringside")
    } else {
        "redis-server"
    });
    command.args(ours.then_some("server")).args(args);
    command.current_dir(dir.path()).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("install redis-server (make setup)");
    let mut stdin = child.stdin.take().expect("it is piped");
    // One that does not read it may be gone.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).replace(&*dir.path().to_string_lossy(), "DIR");
    // pid:role day month year time mark text
    let line = |line: &str| match line.split_once(":C ").or_else(|| line.split_once(":M ")) {
        Some((_, rest)) => rest.splitn(5, ' ').last().unwrap_or_default().to_string(),
        None => line.to_string(),
    };
    let own = [
        "has no effect",
        "Redis version=",
        "WARNING Memory overcommit",
        "open files",
        "file descriptors",
    ];
    let lines = text
        .lines()
        .filter(|line| !own.iter().any(|own| line.contains(own)));
    (output.status.code(), lines.map(line).collect())
}

#[test]
fn a_start_that_fails_does_so_with_the_same_words() {
    let taken = real(&[]);
    let port = taken.port.to_string();
    for (args, input) in [
        (&["/no/such/file"][..], ""),
        (&["-"], "port abc\n"),
        (&["-", "--hz", "x"], "port 0\n"),
        (&["-"], "include /no/such/file\n"),
        (&["--port", "x"], ""),
        (&["--port"], ""),
        (&["--colour", "blue"], ""),
        (&["--dir", "/no/such/folder"], ""),
        (&["--port", "0"], ""),
        (
            &["--port", "0", "--unixsocket", "/no/such/folder/socket"],
            "",
        ),
        (&["--port", &port, "--bind", "127.0.0.1"], ""),
        (&["--port", &port, "--bind", "192.0.2.1"], ""),
        (&["-"], "save 1 2 3\n"),
        (&["-"], "rename-command NOSUCH x\n"),
        (&["-"], "maxclients 0\n"),
        (&["no.conf"], ""),
        (&["--port", "7", "--logfile", "/no/such/log"], ""),
        (&["--port", "7", "--bind"], ""),
        (&["--port", "7", "--bind", "-192.0.2.1"], ""),
        (&["--port", "7", "--bind", "nobody.invalid"], ""),
        (&["", "--port", "0"], ""),
    ] {
        assert_eq!(
            said(true, args, input),
            said(false, args, input),
            "{args:?} {input:?}"
        );
    }
}

#[test]
fn programs_find_the_version_in_what_it_prints() {
    for ours in [true, false] {
        for option in ["--version", "-v"] {
            let (status, lines) = said(ours, &[option], "");
            assert_eq!(status, Some(0));
            let begin = "Redis server v=7.0.15 sha=00000000:0 malloc=";
            assert!(lines.len() == 1 && lines[0].starts_with(begin), "{lines:?}");
        }
    }
}

#[test]
fn what_it_is_asked_instead_of_started_it_answers() {
    for args in [&["--help"], &["-h"]] {
        let shape = |ours| {
            let (status, lines) = said(ours, args, "");
            let usage = lines.iter().filter(|line| line.contains(" or --"));
            let usage = usage.map(|line| line.split("server ").nth(1).map(str::to_string));
            (status, usage.collect::<Vec<_>>())
        };
        assert_eq!(shape(true), shape(false));
    }
    // How fast a clock is, in a busy moment, is another question each time.
    let checks = |ours: bool| {
        let (status, lines) = said(ours, &["--check-system"], "");
        let found = lines.into_iter().filter(|line| line.starts_with('['));
        let found: Vec<_> = found.collect();
        let fine = !found.iter().any(|line| line.ends_with("WARNING:"));
        assert_eq!(status, Some(i32::from(!fine)));
        assert!(found[0].starts_with("[slow-clocksource]..."));
        found[1..].to_vec()
    };
    assert_eq!(checks(true), checks(false));
    for args in [&["--test-memory", "5"][..], &["x.conf", "--sentinel"]] {
        let (status, lines) = said(true, args, "");
        assert_eq!(status, Some(1));
        assert!(lines[0].contains("redis-"), "{lines:?}");
    }
}

#[test]
fn settings_that_do_not_hold_are_told_in_the_log() {
    let told = both(&[]).map(|(_, server)| {
        let taken = ours(&[]);
        let mut client = server.client();
        for line in [
            &format!("CONFIG SET port {}", taken.port),
            "CONFIG SET bind 192.0.2.7",
        ] {
            client.refused(line);
        }
        eventually("the last one is in the log", || {
            server.log().contains("new bind setting")
        });
        let log = server.log();
        let after = log.split("Ready to accept connections").nth(1);
        let lines = after.unwrap_or_default().lines().skip(1);
        let text = |line: &str| line.split_once(['*', '#']).expect("a level").1.to_string();
        let ports = [server.port, taken.port].map(|port| port.to_string());
        let lines = lines.map(|line| text(line).replace(&ports[0], "P").replace(&ports[1], "T"));
        lines.collect::<Vec<_>>()
    });
    assert_eq!(told[0], told[1]);
}

#[test]
fn what_a_real_server_says_in_its_life_ours_says() {
    for server in [ours(&["--pidfile", "p.pid"]), real(&["--pidfile", "p.pid"])] {
        let mut server = server;
        let mut client = server.client();
        server.logs("* Running mode=standalone, port=");
        client.run("BGSAVE");
        server.logs("Background saving started by pid ");
        server.logs("* DB saved on disk");
        server.logs("Background saving terminated with success");
        server.signal("TERM");
        server.ended();
        server.logs(":signal-handler (");
        server.logs(") Received SIGTERM scheduling shutdown...");
        server.logs("* Removing the pid file.");
        assert!(!server.dir.path().join("p.pid").exists());
    }
}

/// Lines of the log about clients, without what is another one's each time.
fn about_clients(server: &Server) -> Vec<String> {
    let vary = ["id=", "addr=", "laddr=", "fd=", "age=", "idle="];
    let log = server.log();
    let lines = log
        .lines()
        .filter_map(|line| line.split_once("Protocol error ("));
    let words = |text: &str| {
        let words = text.split(' ');
        let words = words.filter(|word| !vary.iter().any(|begin| word.starts_with(begin)));
        words.collect::<Vec<_>>().join(" ")
    };
    lines.map(|(_, text)| words(text)).collect()
}

/// These lines of the log, numbers of connections and ports left out.
fn lines_with(server: &Server, begins: &[&str]) -> Vec<String> {
    let log = server.log();
    let lines = log.lines().filter_map(|line| {
        let begin = begins.iter().find_map(|begin| line.find(begin))?;
        let words = line[begin..]
            .split(' ')
            .map(|word| match word.split_once('=') {
                // The peak of the replies begins anew every five seconds, whenever that is.
                Some(("id" | "addr" | "laddr" | "fd" | "age" | "idle" | "rbp", _)) => "",
                _ if word.starts_with("127.0.0.1:") => "(address)",
                _ => word,
            });
        Some(words.collect::<Vec<_>>().join(" "))
    });
    lines.collect()
}

#[test]
fn a_log_that_hides_nothing_has_who_comes_and_goes_and_how_much_there_is() {
    let said = |server: &Server| {
        let mut client = server.client();
        for line in ["SET a 1", "SET b 1 EX 100", "SELECT 3", "LPUSH l x"] {
            client.run(line);
        }
        drop(client);
        let begins = ["Accepted ", "Client closed connection ", "DB "];
        eventually("the data is counted", || server.log().contains("DB 3: "));
        server.logs("0 replicas), ");
        let mut lines = lines_with(server, &begins);
        let once = |begin: &str, lines: &mut Vec<String>| {
            let first = lines.iter().rposition(|line| line.starts_with(begin));
            first.map(|at| lines.swap_remove(at))
        };
        begins.map(|begin| once(begin, &mut lines))
    };
    let [(_, a), (_, b)] = both(&["--loglevel", "debug"]);
    assert_eq!(said(&a), said(&b));
}

#[test]
fn a_client_that_breaks_the_protocol_is_told_in_the_log() {
    let long = [
        &b"*1\r\n$4\r\nPING\r\n*2\r\n$1\r\na\r\n:"[..],
        &[b'x'; 300],
        b"\r\n",
    ]
    .concat();
    let broken: [&[u8]; 8] = [
        b"PING\r\nCLIENT SETNAME x\r\nSET \"a\r\n",
        b"*1\r\n:3\r\n",
        b"NOSUCH\r\n*99999999999\r\n",
        b"CONFIG NOSUCH\r\n*1x\r\nabc",
        b"GET\r\n*2\r\n$3\r\nGET\r\n$-5\r\n",
        b"SET k v\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$99999999999\r\n",
        b"*1\r\n:3\r\nab\x01\xff\0cd\r\n",
        &long,
    ];
    let logged = |server: &Server| {
        for bytes in broken {
            let mut client = server.client();
            client.send(bytes);
            client.rest();
        }
        eventually("all of it is in the log", || {
            about_clients(server).len() == broken.len()
        });
        let mut client = server.client();
        let before = client.number("CLIENT ID") - client.stat("total_connections_received") as i64;
        (before, about_clients(server))
    };
    let [(_, a), (_, b)] = both(&["--loglevel", "verbose"]);
    assert_eq!(logged(&a), logged(&b));
}

#[test]
fn a_folder_that_gets_another_name_is_still_the_folder_of_the_server() {
    for server in [ours(&[]), real(&[])] {
        let mut client = server.client();
        let other = process::Dir::new();
        let moved = other.path().join("moved");
        std::fs::rename(server.dir.path(), &moved).expect("a folder can be moved");
        client.ok("SET a 1");
        client.ok("SAVE");
        assert!(moved.join("dump.rdb").exists());
        std::fs::remove_dir_all(&moved).expect("a folder can be removed");
        assert_eq!(client.run("SAVE"), Reply::Error("ERR".into()));
    }
}

#[test]
fn damaged_payloads_are_told_in_the_log() {
    for server in [
        ours(&["--loglevel", "verbose"]),
        real(&["--loglevel", "verbose"]),
    ] {
        let mut client = server.client();
        client.ok("DEBUG SET-SKIP-CHECKSUM-VALIDATION 1");
        for (payload, text) in [
            (&b"\x0d\x1b\x1b\0\0\0\x16\0\0\0\x04\0\0\x02a\0\x04\x02b\0\x04\x14c\0\x04\x02d\0\xff\x09\0"[..], "integrity check failed"),
            (b"\x12\x01\x01\0\x0a\0", ""),
            (b"\x0e\x01\x13\x13\0\0\0\x0e\0\0\0\x02\0\0\x02a\0\x0e\x02b\0\xff\x09\0", "integrity check failed"),
        ] {
            let payload = [payload, &[0; 8]].concat();
            let reply = client.command(&[&b"RESTORE"[..], b"k", b"0", &payload]);
            assert_eq!(reply, Reply::Error("ERR Bad data format".into()));
            server.logs(text);
        }
        client.ok("DEBUG SET-SKIP-CHECKSUM-VALIDATION 0");
        let payload = b"\0\x01a\x09\0\0\0\0\0\0\0\0\0";
        let reply = client.command(&[&b"RESTORE"[..], b"k", b"0", payload]);
        let text = "ERR DUMP payload version or checksum are wrong";
        assert_eq!(reply, Reply::Error(text.into()));
    }
}

/// What `CLIENT LIST` says of the buffers of the client with this name.
fn buffers(client: &mut Client, name: &str) -> String {
    let list = client.text("CLIENT LIST");
    let line = list
        .lines()
        .find(|line| line.contains(&format!(" name={name} ")));
    let wanted = [
        "qbuf",
        "qbuf-free",
        "argv-mem",
        "multi-mem",
        "omem",
        "tot-mem",
    ];
    let words = line.unwrap_or_default().split(' ');
    let words = words.filter(|word| {
        word.split_once('=')
            .is_some_and(|(name, _)| wanted.contains(&name))
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_buffers_of_a_client_have_the_sizes_that_redis_gives_them() {
    for server in [real(&[]), ours(&[])] {
        let mut watcher = server.client();
        watcher.ok("DEBUG REPLYBUFFER RESIZING 0");
        for (sent, figures) in [
            (
                "",
                "qbuf=0 qbuf-free=20474 argv-mem=0 multi-mem=0 omem=0 tot-mem=37632",
            ),
            (
                "SET inl",
                "qbuf=7 qbuf-free=20467 argv-mem=0 multi-mem=0 omem=0 tot-mem=37632",
            ),
            (
                "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$10000\r\nxxx",
                "qbuf=3 qbuf-free=20471 argv-mem=4 multi-mem=0 omem=0 tot-mem=37652",
            ),
            // What is announced is counted.
            (
                "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000000\r\nxxxx",
                "qbuf=4 qbuf-free=1048562 argv-mem=4 multi-mem=0 omem=0 tot-mem=1065748",
            ),
            (
                "WATCH a b c\r\nMULTI\r\nSET a b\r\nSET aa bb\r\nSET ccc ddd\r\n",
                "qbuf=0 qbuf-free=20474 argv-mem=0 multi-mem=93 omem=0 tot-mem=37989",
            ),
            (
                "SUBSCRIBE a b c\r\nPSUBSCRIBE x y\r\nSSUBSCRIBE q\r\n",
                "qbuf=0 qbuf-free=20474 argv-mem=0 multi-mem=0 omem=0 tot-mem=37840",
            ),
            (
                "CLIENT TRACKING ON BCAST PREFIX aaaa PREFIX bbbb PREFIX cccc\r\n",
                "qbuf=0 qbuf-free=20474 argv-mem=0 multi-mem=0 omem=0 tot-mem=37856",
            ),
        ] {
            // One that is quiet for seconds gives its room back, and what was announced stands elsewhere after a moment.
            let mut last = String::new();
            let seen = (0..100).any(|attempt| {
                let mut client = server.client();
                let name = format!("c{attempt}");
                client.ok(&format!("CLIENT SETNAME {name}"));
                client.send(sent.as_bytes());
                (0..20).any(|_| {
                    last = buffers(&mut watcher, &name);
                    last == figures
                })
            });
            assert!(seen, "{sent:?}: {last}, not {figures}");
        }
        watcher.ok("DEBUG REPLYBUFFER RESIZING 1");
        // Room is given back.
        let mut client = server.client();
        client.ok("CLIENT SETNAME quiet");
        eventually("it has no room left", || {
            buffers(&mut watcher, "quiet")
                == "qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 omem=0 tot-mem=1800"
        });
        assert_eq!(
            watcher.refused("DEBUG CLIENT-EVICTION"),
            "ERR maxmemory-clients is disabled."
        );
        watcher.ok("CONFIG SET maxmemory-clients 100mb");
        let table = watcher.text("DEBUG CLIENT-EVICTION");
        let sizes: Vec<_> = table
            .lines()
            .map(|line| line.split(": tot-mem").next().unwrap_or_default())
            .collect();
        assert_eq!(
            (sizes.len(), sizes[0]),
            (19, "bucket          0 -      32767")
        );
        assert_eq!(sizes[1], "bucket      32768 -      65535");
        assert_eq!(sizes[18], "bucket 4294967296+            ");
    }
}

/// What is told of commands and their subcommands, by command and field, without sentences.
fn docs(reply: Reply) -> BTreeMap<(String, String), String> {
    let mut all = BTreeMap::new();
    for command in items(reply).chunks(2) {
        for field in items(command[1].clone()).chunks(2) {
            let place = (text(&command[0]), text(&field[0]));
            match place.1.as_str() {
                "summary" | "history" | "replaced_by" => {}
                "subcommands" => all.extend(docs(field[1].clone())),
                "complexity" => drop(all.insert(place, text(&field[1]))),
                _ => drop(all.insert(place, format!("{:?}", field[1]))),
            }
        }
    }
    all
}

#[test]
fn what_is_known_of_commands_is_told_as_by_redis() {
    let [ours, real] = both(&[]).map(|(_, server)| docs(server.client().run("COMMAND DOCS")));
    assert!(ours.len() > 1_000, "{}", ours.len());
    for (place, told) in &real {
        let (name, field) = place;
        // What is left out for good is told of by the real one alone.
        if !ours.contains_key(&(name.clone(), "group".into())) {
            continue;
        }
        match ours.get(place) {
            // The formula, without the words around it.
            Some(formula) if field == "complexity" => assert!(told.starts_with(formula), "{name}"),
            None if field == "complexity" => assert!(!told.starts_with("O("), "{name}"),
            known => assert_eq!(known, Some(told), "{name} {field}"),
        }
    }
    assert!(ours.keys().all(|place| real.contains_key(place)));
}

#[test]
fn a_reload_is_told_and_counted_like_a_start() {
    let told = |server: &Server| {
        let mut client = server.client();
        for line in [
            "DEBUG SET-ACTIVE-EXPIRE 0",
            "SET a 1",
            "SET gone 1 PX 1",
            "SET later 1 EX 1000",
        ] {
            client.ok(line);
        }
        eventually("its time is over", || client.number("EXISTS gone") == 0);
        client.ok("SET gone 1 PX 1");
        std::thread::sleep(Duration::from_millis(5));
        client.ok("DEBUG RELOAD");
        client.ok("DEBUG RELOAD NOSAVE");
        client.ok("DEBUG RELOAD NOFLUSH MERGE");
        eventually("the last one is in the log", || {
            server.log().matches("DB saved on disk").count() == 2
        });
        let log = server.log();
        let lines = log.lines().filter(|line| {
            ["Done loading", "Loading RDB", "RDB age", "DB reloaded"]
                .iter()
                .any(|text| line.contains(text))
        });
        let lines = lines.map(|line| line.split_once(['*', '#']).expect("a level").1.to_string());
        let info = client.info("persistence");
        let names = [
            "rdb_saves",
            "rdb_changes_since_last_save",
            "rdb_last_load_keys_loaded",
            "rdb_last_load_keys_expired",
        ];
        let counts = names.map(|name| info[name].clone());
        (lines.collect::<Vec<_>>(), counts)
    };
    let [(_, a), (_, b)] = both(&[]);
    assert_eq!(told(&a), told(&b));
}

#[test]
fn info_tells_how_long_keys_have_left_and_how_often_it_read_and_wrote() {
    for server in [ours(&[]), real(&[])] {
        let mut client = server.client();
        let before = client.info("stats");
        client.ok("SET a 1 EX 1000");
        client.ok("SET b 1 EX 3000");
        client.ok("SET c 1");
        let after = client.info("stats");
        for name in ["total_reads_processed", "total_writes_processed"] {
            let number =
                |info: &BTreeMap<String, String>| info[name].parse::<u64>().expect("a number");
            assert_eq!(number(&after) - number(&before), 4, "{name}");
        }
        // Redis has looked at the keys when the first of its rounds was over.
        eventually("the average is known", || {
            let line = client.text("INFO keyspace");
            let left = line.trim_end().rsplit('=').next().unwrap_or_default();
            let left = left.parse::<i64>().expect("a number");
            (1_900_000..=2_000_000).contains(&left)
        });
    }
}

#[test]
fn the_system_is_told_whom_to_end_when_memory_runs_out() {
    let told = |server: &Server| {
        let mut client = server.client();
        let file = format!(
            "/proc/{}/oom_score_adj",
            client.info("server")["process_id"]
        );
        let score = || {
            std::fs::read_to_string(&file)
                .expect("a process")
                .trim()
                .parse::<i64>()
                .expect("a number")
        };
        let mut seen = Vec::new();
        let before = score();
        let set = |pairs: &[&'static str]| [&["CONFIG", "SET"], pairs].concat();
        for words in [
            set(&["oom-score-adj-values", "10 20 30"]),
            set(&["oom-score-adj", "yes"]),
            set(&["oom-score-adj-values", "15 20 30"]),
            vec!["REPLICAOF", "127.0.0.1", "1"],
            vec!["REPLICAOF", "NO", "ONE"],
            set(&["oom-score-adj", "absolute"]),
            set(&["oom-score-adj", "no"]),
            set(&["oom-score-adj-values", "9 9 9", "oom-score-adj", "relative"]),
            set(&["oom-score-adj", "no"]),
        ] {
            // Who may not make it less likely is told so.
            let reply = client.command(&words);
            seen.push((reply, score() - before));
        }
        seen
    };
    let [(_, a), (_, b)] = both(&[]);
    assert_eq!(told(&a), told(&b));
    let [(_, a), (_, b)] = both(&[
        "--oom-score-adj",
        "yes",
        "--oom-score-adj-values",
        "77",
        "88",
        "99",
    ]);
    let score = |server: &Server| {
        let id = server.client().info("server")["process_id"].clone();
        std::fs::read_to_string(format!("/proc/{id}/oom_score_adj")).expect("a process")
    };
    assert_eq!(score(&a), score(&b));
}

#[test]
fn a_value_leaves_its_small_form_when_something_comes_and_not_when_limits_change() {
    let forms = |server: &Server| {
        let mut client = server.client();
        let lower = |name: &str, n: u32| format!("CONFIG SET {name} {n}");
        let mut seen = Vec::new();
        for line in [
            "HSET h a 1 b 2 c 3 long-long-long 4",
            "ZADD z 1 a 2 b 3 c 4 long-long-long",
            "SADD s 1 2 3 4",
            &lower("hash-max-listpack-value", 8),
            &lower("hash-max-listpack-entries", 2),
            &lower("zset-max-listpack-value", 8),
            &lower("zset-max-listpack-entries", 2),
            &lower("set-max-intset-entries", 2),
            "HDEL h a",
            "ZREM z a",
            "SREM s 1",
            "ZADD z 9 b",
            "SADD s 2",
            "COPY h h2",
            "COPY z z2",
            "COPY s s2",
            "HSETNX h b a-long-one",
            "ZADD z XX 7 none",
            "HSET h2 b 9",
            "ZINCRBY z2 1 d",
            "SADD s2 9",
            &lower("hash-max-listpack-entries", 9),
            &lower("zset-max-listpack-entries", 9),
            "HSET h d 9",
            "ZADD z 9 d",
            "DEBUG RELOAD",
            "HSET h e a-long-one",
            "ZADD z 9 a-long-one",
            "SADD s 9",
        ] {
            client.run(line);
            for key in ["h", "z", "s", "h2", "z2", "s2"] {
                let form = client.run(&format!("OBJECT ENCODING {key}"));
                seen.push(format!("{line}: {key} {form:?}"));
            }
        }
        seen
    };
    let [(_, a), (_, b)] = both(&[]);
    assert_eq!(forms(&a), forms(&b));
}

#[test]
fn a_list_tells_of_its_nodes() {
    let told = [real(&[]), ours(&[])].map(|server| {
        let mut client = server.client();
        let mut told = Vec::new();
        for size in ["-1", "-2", "3", "128"] {
            client.ok(&format!("CONFIG SET list-max-listpack-size {size}"));
            client.run("DEL l");
            for len in [1, 70, 3000, 5000, 1, 9000, 1, 1, 300, 8192, 20] {
                client.command(&["RPUSH", "l", &"x".repeat(len), "7"]);
                let Reply::Simple(text) = client.run("DEBUG OBJECT l") else {
                    panic!("no such list");
                };
                let begins =
                    |word: &&str| ["ql_", "refc", "enc"].iter().any(|b| word.starts_with(b));
                told.push(text.split(' ').filter(begins).collect::<Vec<_>>().join(" "));
            }
        }
        client.ok("SET n 12");
        let Reply::Simple(text) = client.run("DEBUG OBJECT n") else {
            panic!("no such number");
        };
        told.extend(text.split(' ').skip(2).take(3).map(String::from));
        told
    });
    assert_eq!(told[0], told[1]);
}

#[test]
fn a_key_that_comes_twice_is_told_in_the_log() {
    let folder = process::Dir::new();
    let file = b"REDIS0010\xfe\0\0\x01a\x01x\0\x01a\x01y\xff\0\0\0\0\0\0\0\0";
    std::fs::write(folder.path().join("dump.rdb"), file).expect("a file can be written");
    let folder = folder.path().display().to_string();
    for ours in [false, true] {
        let port = process::free_port().to_string();
        let (_, lines) = said(ours, &["--dir", &folder, "--port", &port], "");
        let told = |line: &String| line.ends_with("RDB has duplicated key 'a' in DB 0");
        assert!(lines.iter().any(told), "{lines:?}");
    }
}
