//! What other people's programs rely on, met when they were run against both: tools that read snapshots and streams,
//! service managers and configurations as they are shipped.

#[allow(dead_code)]
#[path = "redis/client.rs"]
mod client;
#[allow(dead_code)]
#[path = "redis/process.rs"]
mod process;

use process::{Dir, Server, eventually, free_port, ours, real};
use ringside::wire::resp::{self, Reply};
use std::fs::File;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const KINDS: [fn(&[&str]) -> Server; 2] = [ours, real];

fn replica_of(master: &Server, start: fn(&[&str]) -> Server, args: &[&str]) -> Server {
    let of = format!("127.0.0.1 {}", master.port);
    let replica = start(&[args, &["--replicaof", &of]].concat());
    let mut client = replica.client();
    eventually("the replica is in sync", || client.linked());
    replica
}

#[test]
fn how_keys_were_used_is_in_the_snapshot() {
    for (policy, told, question, least) in [
        ("allkeys-lru", "IDLETIME 5000", "OBJECT IDLETIME a", 5000),
        ("volatile-lru", "IDLETIME 100", "OBJECT IDLETIME a", 100),
        ("allkeys-lfu", "FREQ 200", "OBJECT FREQ a", 200),
    ] {
        let mut args = vec!["--maxmemory-policy", policy, "--maxmemory", "1gb"];
        args.extend(["--lfu-decay-time", "0"]);
        let kept = |client: &mut client::Client| {
            let used = client.number(question);
            assert!((least..least + 60).contains(&used), "{policy}: {used}");
        };
        for start in KINDS {
            let mut master = start(&args);
            let mut client = master.client();
            client.ok("SET a v");
            let Reply::Bulk(payload) = client.run("DUMP a") else {
                panic!("there is a key");
            };
            let mut restore = vec![b"RESTORE", &b"a"[..], b"0", &payload, b"REPLACE"];
            restore.extend(told.split(' ').map(str::as_bytes));
            assert_eq!(client.command(&restore), Reply::Simple("OK".into()));
            kept(&mut client);
            for start in KINDS {
                for load in ["disabled", "swapdb"] {
                    let more = [&args[..], &["--repl-diskless-load", load]].concat();
                    kept(&mut replica_of(&master, start, &more).client());
                }
            }
            let saved = Reply::Simple("OK".into());
            eventually("no child is in the way", || client.run("SAVE") == saved);
            master.signal("KILL");
            master.ended();
            master.start_again();
            kept(&mut master.client());
        }
    }
}

#[test]
fn what_is_loaded_beside_the_old_data_has_the_forms_that_settings_ask_for() {
    let master = real(&[]);
    let mut client = master.client();
    client.number("SADD ints 1 2 3");
    client.number("HSET hash a 1 b 2 c 3");
    client.number("ZADD zset 1 a 2 b 3 c");
    let small = "--repl-diskless-load swapdb --set-max-intset-entries 2 --hash-max-listpack-entries 2 \
                 --zset-max-listpack-entries 2";
    for start in KINDS {
        let replica = replica_of(
            &master,
            start,
            &small.split_whitespace().collect::<Vec<_>>(),
        );
        let mut client = replica.client();
        let forms =
            ["ints", "hash", "zset"].map(|key| client.text(&format!("OBJECT ENCODING {key}")));
        assert_eq!(forms, ["hashtable", "hashtable", "skiplist"]);
    }
}

/// A server that a shell starts after these commands, on a port of its own.
struct Shelled {
    dir: Dir,
    child: Child,
    port: u16,
}

impl Shelled {
    fn start(ours: bool, commands: &str, args: &str) -> Self {
        let server = match ours {
            true => concat!(env!("CARGO_BIN_EXE_ringside"), " server"),
            false => "redis-server",
        };
        // Somebody may take the port meanwhile; then it is another one.
        loop {
            let (dir, port) = (Dir::new(), free_port());
            let script = format!("{commands}; exec {server} --port {port} --save '' {args}");
            let log = File::create(dir.path().join("log")).expect("a log can be written");
            let mut command = Command::new("sh");
            command.args(["-c", &script]).current_dir(dir.path());
            command.stdin(Stdio::null()).stdout(log);
            let child = command.spawn().expect("there is a shell");
            let server = Self { dir, child, port };
            let begun = ["eady to accept", "Failed listening"];
            eventually("it is ready", || {
                begun.iter().any(|text| server.log().contains(text))
            });
            if server.log().contains(begun[0]) {
                return server;
            }
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Shelled {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn as_many_clients_as_the_system_has_files_for() {
    // In the first case there may be more files, in the second not, or only for root.
    for limits in ["ulimit -Sn 64", "ulimit -n 100"] {
        let seen = [true, false].map(|ours| {
            let server = Shelled::start(ours, limits, "--maxclients 500");
            let connect = || client::Client::try_connect(server.port).expect("there is room");
            let mut clients: Vec<_> = (0..60).map(|_| connect()).collect();
            let answers = clients.iter_mut().all(client::Client::answers);
            let client = &mut clients[0];
            let most = client.info("clients").remove("maxclients");
            let log = server.log();
            let more = client.run("CONFIG SET maxclients 600");
            let told = log
                .lines()
                .filter(|line| line.contains(" open files") || line.contains("descriptors"));
            let told = told.filter_map(|line| line.split_once(['*', '#']));
            let told: Vec<_> = told.map(|(_, text)| text.to_string()).collect();
            (answers, most, more, told)
        });
        assert_eq!(seen[0], seen[1], "{limits}");
        assert!(seen[0].0);
    }
}

#[test]
fn systemd_is_told_what_the_server_does() {
    let seen = [true, false].map(|ours| {
        let dir = Dir::new();
        let path = dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket can be made");
        let patience = Some(Duration::from_secs(30));
        socket.set_read_timeout(patience).expect("it takes one");
        let told = || {
            let mut text = [0; 500];
            let len = socket.recv(&mut text).expect("something is told");
            String::from_utf8_lossy(&text[..len]).into_owned()
        };
        let commands = format!("export NOTIFY_SOCKET={}", path.display());
        let args = "--supervised auto --daemonize yes --save 3600 1 --replicaof 127.0.0.1 1";
        let mut server = Shelled::start(ours, &commands, args);
        let mut all = vec![told(), told(), told()];
        let mut client = client::Client::connect(server.port);
        let supervised = client.info("server").remove("process_supervised");
        client.ok("REPLICAOF NO ONE");
        client.send(b"SHUTDOWN\r\n");
        assert!(server.child.wait().expect("it ends").success());
        all.extend([told(), told()]);
        (supervised, all)
    });
    assert_eq!(seen[0], seen[1]);
    // Where nobody listens it says so each time.
    let seen = [true, false].map(|ours| {
        let server = Shelled::start(ours, "unset NOTIFY_SOCKET", "--supervised systemd");
        let text = "systemd supervision error: NOTIFY_SOCKET not found!";
        let log = || server.log().matches(text).count();
        eventually("it complained", || log() >= 3);
        log()
    });
    assert_eq!(seen[0], seen[1]);
}

#[test]
fn a_socket_of_this_machine_is_told_of_in_the_log() {
    for args in ["--port 0", ""] {
        let seen = [true, false].map(|ours| {
            let args = format!("{args} --unixsocket redis.sock --unixsocketperm 700");
            let mut server = Shelled::start(ours, "true", &args);
            let pid = server.child.id().to_string();
            let killed = Command::new("kill").arg(pid).status();
            assert!(killed.is_ok_and(|status| status.success()));
            server.child.wait().expect("it ends");
            let log = server.log();
            let said = log
                .lines()
                .filter(|line| line.contains("socket") || line.contains("accept"));
            let said = said.filter_map(|line| line.split_once(" * "));
            said.map(|(_, text)| text.to_string()).collect::<Vec<_>>()
        });
        assert_eq!(seen[0], seen[1], "{args}");
    }
}

/// `calls` and `failed_calls` of a command.
fn calls(client: &mut client::Client, command: &str) -> Option<String> {
    let line = client
        .info("commandstats")
        .remove(&format!("cmdstat_{command}"))?;
    let (_, failed) = line.split_once("rejected_calls")?;
    Some(format!("{} {failed}", line.split(',').next()?))
}

#[test]
fn whose_call_failed_when_somebody_else_is_told_so() {
    let seen = [true, false].map(|kind| {
        let server = KINDS[usize::from(!kind)](&[]);
        let (mut client, mut waits) = (server.client(), server.client());
        let mut seen = Vec::new();
        for line in [
            "CLIENT UNBLOCK ID ERROR",
            "CLIENT UNBLOCK ID TIMEOUT",
            "REPLICAOF 127.0.0.1 1",
        ] {
            let id = waits.number("CLIENT ID");
            waits.send(b"BLPOP nothing 0\r\n");
            eventually("it waits", || {
                client.info("clients").remove("blocked_clients").as_deref() == Some("1")
            });
            client.run(&line.replace("ID", &id.to_string()));
            let reply = waits.reply();
            let counts =
                ["blpop", "client|unblock", "replicaof"].map(|name| calls(&mut client, name));
            seen.push((line, reply, counts));
        }
        seen
    });
    assert_eq!(seen[0], seen[1]);
}

#[test]
fn what_replication_takes_of_the_network_is_counted_apart() {
    for start in KINDS {
        let (master, other) = (start(&[]), start(&[]));
        let stat = |client: &mut client::Client, way: &str| {
            client.stat(&format!("total_net_repl_{way}_bytes"))
        };
        let (mut from, mut to) = (master.client(), other.client());
        from.ok("SET key value");
        to.ok(&format!("REPLICAOF 127.0.0.1 {}", master.port));
        eventually("it is in sync", || to.linked());
        let (sent, taken) = (stat(&mut from, "output"), stat(&mut to, "input"));
        assert!(sent > 150 && taken > 150, "{sent} {taken}");
        from.ok("CONFIG RESETSTAT");
        to.ok("CONFIG RESETSTAT");
        from.ok("SET key other");
        // SELECT, if it was not said yet, and SET; and perhaps a PING meanwhile.
        let (few, many) = (33, 33 + 23 + 14 * 3);
        eventually("it came", || to.text("GET key") == "other");
        let (sent, taken) = (stat(&mut from, "output"), stat(&mut to, "input"));
        assert!(
            (few..=many).contains(&sent) && (few..=many).contains(&taken),
            "{sent} {taken}"
        );
        assert_eq!((stat(&mut from, "input"), stat(&mut to, "output")), (0, 0));
    }
}

#[test]
fn a_save_that_fails_is_counted_too() {
    for start in KINDS {
        let server = start(&[]);
        let mut client = server.client();
        // It cannot take the place of a folder.
        std::fs::create_dir(server.snapshot()).expect("there is none");
        assert!(matches!(client.run("SAVE"), Reply::Error(_)));
        assert!(matches!(client.run("BGSAVE"), Reply::Simple(_)));
        eventually("it failed", || {
            let info = client.info("persistence");
            info["rdb_last_bgsave_status"] == "err" && info["rdb_bgsave_in_progress"] == "0"
        });
        assert_eq!(client.info("persistence")["rdb_saves"], "2");
    }
}

#[test]
fn what_came_of_a_transfer_that_was_cut_is_removed() {
    for start in KINDS {
        let mut master = real(&["--rdb-key-save-delay", "10000"]);
        let mut client = master.client();
        for i in 0..500 {
            client.command(&[
                "SET".into(),
                format!("key{i}"),
                format!("{i}").repeat(10_000),
            ]);
        }
        let replica = start(&["--replicaof", &format!("127.0.0.1 {}", master.port)]);
        let stored = || {
            let files = std::fs::read_dir(replica.dir.path()).expect("it has a folder");
            let files = files.map(|file| file.expect("it can be read").file_name());
            files
                .filter(|name| name.to_string_lossy().starts_with("temp-"))
                .count()
        };
        eventually("some of it came", || stored() == 1);
        master.signal("KILL");
        master.ended();
        eventually("it is gone", || stored() == 0);
    }
}

#[test]
fn strings_are_as_long_as_proto_max_bulk_len_lets_them() {
    let grow = [
        "SETRANGE a 1048576 x",
        "SETBIT b 8388608 1",
        "BITFIELD c SET u8 8388608 1",
        "SETBIT b 8388607 1",
    ];
    let seen = KINDS.map(|start| {
        let server = start(&["--proto-max-bulk-len", "1mb"]);
        let mut client = server.client();
        client.ok("SET a x");
        let tail = "y".repeat(1 << 20);
        let mut seen = vec![client.command(&["APPEND", "a", &tail])];
        seen.extend(grow.iter().map(|line| client.run(line)));
        client.ok("CONFIG SET proto-max-bulk-len 3mb");
        seen.push(client.command(&["APPEND", "a", &tail]));
        seen.push(client.run("SETRANGE d 3145727 x"));
        seen
    });
    assert_eq!(seen[0], seen[1]);
    // What a master made is made by its replicas, whatever they would let their own clients do.
    for start in KINDS {
        let master = real(&[]);
        let replica = replica_of(&master, start, &["--proto-max-bulk-len", "1mb"]);
        let (mut client, mut other) = (master.client(), replica.client());
        client.number("SETRANGE a 2097152 x");
        client.number("SETBIT b 80000000 1");
        eventually("it has both", || other.offset() == client.offset());
        let lengths = ["a", "b"].map(|key| other.number(&format!("STRLEN {key}")));
        assert_eq!(lengths, [2_097_153, 10_000_001]);
    }
}

#[test]
fn a_trim_that_takes_nothing_away_touches_the_list_all_the_same() {
    let seen = KINDS.map(|start| {
        let server = start(&["--notify-keyspace-events", "KEA"]);
        let (mut client, mut other, mut listener) =
            (server.client(), server.client(), server.client());
        client.number("RPUSH list a b");
        client.run("CONFIG RESETSTAT");
        listener.run("SUBSCRIBE __keyspace@0__:list");
        let mut seen = Vec::new();
        for line in ["LTRIM list 0 -1", "LTRIM none 0 -1", "LTRIM list 1 -1"] {
            client.ok("WATCH list none");
            seen.push(other.run(line));
            client.ok("MULTI");
            seen.push(client.run("EXEC"));
        }
        seen.extend([listener.reply(), listener.reply()]);
        seen.push(other.run("XTRIM stream LIMIT 0"));
        seen.push(other.run("XTRIM stream LIMIT 0 x"));
        seen
    });
    assert_eq!(seen[0], seen[1]);
}

/// Commands on a stream, some of which leave its entries alone.
const ON_A_STREAM: &str = "\
XGROUP CREATE x g2 0|XGROUP SETID x g 0|XGROUP CREATECONSUMER x g c|XREADGROUP GROUP g c COUNT 1 STREAMS x >|XACK x g 1-1|\
XREADGROUP GROUP g new COUNT 1 STREAMS x >|XCLAIM x g d 0 2-1|XAUTOCLAIM x g e 0 0|XREADGROUP GROUP g e STREAMS x 0|\
XGROUP DELCONSUMER x g e|XGROUP DESTROY x g2|XGROUP CREATE new g 0 MKSTREAM|XGROUP CREATE new h 0 MKSTREAM|XTRIM x MAXLEN 9|\
XTRIM x MAXLEN 2|XDEL x 9-9|XDEL x 2-1|XSETID x 10-1|XADD x 11-1 f v|XADD x NOMKSTREAM MAXLEN 1 12-1 f v";

#[test]
fn what_is_about_a_stream_does_not_touch_it() {
    let seen = KINDS.map(|start| {
        let server = start(&[]);
        let (mut client, mut other, mut reader) =
            (server.client(), server.client(), server.client());
        for id in 1..4 {
            client.run(&format!("XADD x {id}-1 f v"));
        }
        client.ok("XGROUP CREATE x g 0");
        reader.run("HELLO 3");
        reader.ok("CLIENT TRACKING ON");
        let mut seen = Vec::new();
        for line in ON_A_STREAM.split('|') {
            client.ok("WATCH x new");
            reader.run("EXISTS x new");
            other.run(line);
            client.ok("MULTI");
            let executed = client.run("EXEC");
            // What it has read comes before the next reply.
            let told = reader.run("PING");
            if told != Reply::Simple("PONG".into()) {
                while reader.reply() != Reply::Simple("PONG".into()) {}
            }
            seen.push((line, executed, told));
        }
        seen
    });
    let some = seen[0]
        .iter()
        .filter(|(_, executed, _)| *executed == seen[0][0].1);
    assert!((2..seen[0].len()).contains(&some.count()));
    assert_eq!(seen[0], seen[1]);
}

#[test]
fn who_is_told_instead_of_another_is_told_before_its_own_reply() {
    let seen = KINDS.map(|start| {
        let server = start(&[]);
        let (mut told, mut tracks) = (server.client(), server.client());
        told.run("HELLO 3");
        let id = told.number("CLIENT ID");
        tracks.ok(&format!("CLIENT TRACKING ON REDIRECT {id}"));
        let mut seen = Vec::new();
        for line in ["SET a 1", "INCR a", "FLUSHALL"] {
            tracks.run("GET a");
            seen.extend([told.run(line), told.reply()]);
        }
        seen
    });
    assert_eq!(seen[0], seen[1]);
}

/// What a client of the third protocol is told while its own commands run, which it sends in one go after `first`. Who
/// tracks `k` and `l` with these options: itself, another who redirects to it, or nobody, and it hears of events.
fn told_amid(
    start: fn(&[&str]) -> Server,
    first: &str,
    tracks: [&str; 2],
    lines: &[&str],
) -> Vec<Reply> {
    let server = start(&[]);
    let (mut told, mut other) = (server.client(), server.client());
    told.run("HELLO 3");
    let id = told.number("CLIENT ID");
    let [who, options] = tracks;
    let tracker = match who {
        "itself" => &mut told,
        _ => &mut other,
    };
    tracker.run("HELLO 3");
    let line = match who {
        "itself" => format!("CLIENT TRACKING ON {options}"),
        "another" => format!("CLIENT TRACKING ON REDIRECT {id} {options}"),
        _ => "CONFIG SET notify-keyspace-events KEA".into(),
    };
    tracker.ok(line.trim_end());
    tracker.run("EXISTS k l");
    told.run(first);
    let lines = [lines, &["CLIENT REPLY ON", "ECHO over"]].concat();
    let sent = lines
        .iter()
        .flat_map(|line| resp::command(&line.split(' ').collect::<Vec<_>>()));
    told.send(&sent.collect::<Vec<_>>());
    // An array is read in pieces: what stands in it is more than it says.
    let mut seen = Vec::new();
    while seen.last() != Some(&Reply::Bulk(b"over"[..].into())) {
        seen.push(told.reply());
    }
    seen
}

#[test]
fn who_runs_commands_is_told_amid_the_replies() {
    let writes = [
        "MULTI", "SET k 1", "PING", "INCR l", "FLUSHALL", "EXEC", "PING",
    ];
    let silent = |how| [&[how], &writes[..]].concat();
    let inside = |how| [&writes[..2], &[how], &writes[2..]].concat();
    let pushes = [
        "MULTI",
        "LPUSH k a",
        "HSET l a b",
        "LPOP k",
        "EXEC",
        "ZADD k 1 a",
    ];
    let says = [
        "MULTI",
        "SET k 1",
        "PUBLISH c m",
        "PUBLISH c n",
        "EXEC",
        "PUBLISH c o",
    ];
    let silently = |how| [&[how], &says[..]].concat();
    let once = [
        "CLIENT REPLY SKIP",
        "SET k 1",
        "CLIENT REPLY SKIP",
        "PUBLISH c m",
        "PING",
    ];
    let [another, itself, nobody] = [["another", ""], ["itself", ""], ["nobody", ""]];
    for (first, tracks, lines) in [
        ("PING", another, writes.to_vec()),
        ("PING", itself, writes.to_vec()),
        ("PING", ["itself", "NOLOOP"], writes.to_vec()),
        ("PING", another, silent("CLIENT REPLY OFF")),
        ("PING", itself, silent("CLIENT REPLY OFF")),
        ("PING", another, silent("CLIENT REPLY SKIP")),
        ("PING", another, inside("CLIENT REPLY OFF")),
        ("PING", another, inside("CLIENT REPLY SKIP")),
        ("PING", another, pushes.to_vec()),
        ("SUBSCRIBE c", another, says.to_vec()),
        ("SUBSCRIBE c", another, silently("CLIENT REPLY OFF")),
        ("SUBSCRIBE c", another, once.to_vec()),
        ("PSUBSCRIBE __key*", nobody, writes.to_vec()),
        ("PSUBSCRIBE __key*", nobody, silent("CLIENT REPLY OFF")),
    ] {
        let seen = KINDS.map(|start| told_amid(start, first, tracks, &lines));
        assert_eq!(seen[0], seen[1], "{first}; {tracks:?}; {lines:?}");
    }
}

#[test]
fn what_counts_as_a_use_of_a_key() {
    let seen = KINDS.map(|start| {
        let policy = ["--maxmemory-policy", "allkeys-lfu", "--maxmemory", "1gb"];
        // Every use is counted, and none is forgotten.
        let certain = ["--lfu-log-factor", "0", "--lfu-decay-time", "0"];
        let server = start(&[policy, certain].concat());
        let mut client = server.client();
        let mut seen = Vec::new();
        for (line, key) in [
            ("SET a 1", "a"),
            ("SET a 2 KEEPTTL", "a"),
            ("SET a 2 EX 100", "a"),
            ("SETEX a 100 1", "a"),
            ("GETSET a 3", "a"),
            ("SETNX a 4", "a"),
            ("MSET a 5 b 6", "a"),
            ("EXPIRE a 100", "a"),
            ("PERSIST a", "a"),
            ("INCR a", "a"),
            ("TTL a", "a"),
            ("COPY a b REPLACE", "b"),
            ("RENAME a c", "c"),
            ("BITOP NOT d c", "d"),
            ("BITOP NOT d c", "d"),
            ("SADD e 1 2", "e"),
            ("SUNIONSTORE f e", "f"),
            ("SUNIONSTORE f e", "f"),
            ("SORT e STORE g", "g"),
            ("SORT e STORE g", "g"),
        ] {
            client.run(line);
            seen.push((line, client.run(&format!("OBJECT FREQ {key}"))));
        }
        seen
    });
    assert_eq!(seen[0], seen[1]);
}
