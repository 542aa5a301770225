//! Facts that Redis's own test suite asks for and that Ringside once had wrong. Each is asked of a real server as well.

#[path = "redis/client.rs"]
#[allow(dead_code)]
mod client;
#[path = "redis/process.rs"]
#[allow(dead_code)]
mod process;

use client::Client;
use process::{Server, eventually, ours, real};
use ringside::rng::Rng;
use ringside::wire::resp::{self, Reply};
use std::time::Duration;

/// Makes `replica` follow the server on `port` and waits for the link.
#[track_caller]
fn follow(replica: &Server, port: u16) -> Client {
    let mut client = replica.client();
    client.ok(&format!("REPLICAOF 127.0.0.1 {port}"));
    eventually("the link to the master is up", || client.linked());
    client
}

#[test]
fn what_is_written_on_a_writable_replica_expires_there() {
    let master = real(&["--repl-diskless-sync-delay", "0"]);
    let mut m = master.client();
    m.ok("DEBUG SET-ACTIVE-EXPIRE 0");
    for replica in [real(&[]), ours(&[])] {
        let mut r = follow(&replica, master.port);
        r.ok("CONFIG SET replica-read-only no");
        m.ok("SET of-the-master 1 PX 100");
        let offset = m.offset();
        eventually("the replica has it", || r.offset() >= offset);
        r.ok("SELECT 5");
        r.ok("SET a 1 PX 100");
        r.ok("SET b 1");
        assert_eq!(r.number("PEXPIRE b 100"), 1);
        r.ok("SET longer 1 PX 100");
        assert_eq!(r.number("PEXPIRE longer 100000"), 1);
        r.ok("SET kept 1 PX 100");
        assert_eq!(r.number("PERSIST kept"), 1);
        assert_eq!(r.stat("slave_expires_tracked_keys"), 4);
        eventually("the keys are gone", || r.number("DBSIZE") == 2);
        assert_eq!(r.number("EXISTS longer kept"), 2);
        eventually("one key is looked after", || {
            r.stat("slave_expires_tracked_keys") == 1
        });
        r.ok("SELECT 0");
        assert_eq!(r.number("DBSIZE"), 1, "this is the master's to delete");
        assert_eq!(r.run("GET of-the-master"), Reply::Nil);
        r.ok("FLUSHALL");
        assert_eq!(r.stat("slave_expires_tracked_keys"), 0);
    }
}

#[test]
fn a_replica_that_cannot_do_what_its_master_did_says_so() {
    let master = real(&["--repl-diskless-sync-delay", "0"]);
    let mut m = master.client();
    for replica in [real(&[]), ours(&[])] {
        let mut r = follow(&replica, master.port);
        m.ok("DEBUG REPLICATE fake-command-1");
        m.ok("DEBUG REPLICATE GET");
        replica.logs(
            "== CRITICAL == This replica is sending an error to its master: 'unknown command 'fake-command-1', with args \
             beginning with: ' after processing the command '<unknown>'",
        );
        replica.logs("Latest backlog is: '\"*1\\r\\n$14\\r\\nfake-command-1\\r\\n\"'");
        r.ok("CONFIG SET replica-read-only no");
        r.ok("SET number text");
        m.run("INCR number");
        m.run("LPUSH number 1");
        replica.logs("out of range' after processing the command 'incr'");
        m.run("DEL number");
        m.run("LPUSH number 1");
        r.ok("SET number text");
        m.run("LPUSH number 1");
        replica.logs("kind of value' after processing the command 'lpush'");
        assert_eq!(r.stat("unexpected_error_replies"), 4);
        m.ok("FLUSHALL");
    }
}

#[test]
fn a_replica_that_asks_for_something_is_disconnected() {
    for server in [real(&[]), ours(&[])] {
        for (command, said) in [
            ("PING", "command 'ping'"),
            ("XINFO HELP", "command 'xinfo|help'"),
            ("SLOWLOG GET", "command 'slowlog|get'"),
            ("GET foo", "command 'get'"),
        ] {
            let mut replica = server.client();
            replica.send(b"SYNC\r\n");
            replica.send(format!("{command}\r\n").as_bytes());
            server.logs(&format!(
                "Replica generated a reply to {said}, disconnecting it: id="
            ));
        }
        server.logs("This master is sending an error to its replica: 'Replica can't interact with the keyspace'");
        assert_eq!(server.client().stat("unexpected_error_replies"), 1);
    }
}

#[test]
fn a_copy_has_the_same_digest_as_its_original() {
    let (a, b) = (real(&[]), ours(&[]));
    let (mut a, mut b) = (a.client(), b.client());
    for make in [
        "SET k 12",
        "SET k hello EX 100",
        "RPUSH k a b 12",
        "SADD k 1 2 3",
        "SADD k a b c",
        "ZADD k 1 a 2.5 b",
        "HSET k f v g 12",
        "XADD k 1-1 f v",
    ] {
        let digests = [&mut a, &mut b].map(|client| {
            client.run("FLUSHALL");
            client.run(make);
            client.run("COPY k copy");
            client.run("DEBUG DIGEST-VALUE k copy none")
        });
        assert_eq!(digests[0], digests[1], "{make}");
        let Reply::Array(parts) = &digests[1] else {
            panic!("{digests:?}")
        };
        assert_eq!(parts[0], parts[1], "{make}");
    }
}

/// Waits until this connection does.
#[track_caller]
fn waits(client: &mut Client) {
    eventually("somebody waits", || {
        client.info("clients")["blocked_clients"] == "1"
    });
}

fn transaction(client: &mut Client, lines: &[&str]) {
    client.ok("MULTI");
    for line in lines {
        client.run(line);
    }
    client.run("EXEC");
}

#[test]
fn who_waits_for_entries_that_are_gone_again_gets_none_of_them() {
    let heard = [real(&[]), ours(&[])].map(|server| {
        let (mut a, mut b) = (server.client(), server.client());
        let mut heard = Vec::new();
        for protocol in ["2", "3"] {
            a.run("FLUSHALL");
            a.run("XADD s 1-1 f v");
            a.run("XGROUP CREATE s g $");
            b.run(&format!("HELLO {protocol}"));
            for (wait, lines) in [
                (
                    "XREAD BLOCK 9000 STREAMS s $",
                    ["XADD s 2-1 f v", "XDEL s 2-1"],
                ),
                (
                    "XREADGROUP GROUP g c BLOCK 9000 STREAMS s >",
                    ["XADD s 3-1 f v", "XDEL s 3-1"],
                ),
                (
                    "XREAD BLOCK 9000 STREAMS s 5-0",
                    ["XADD s 6-1 f v", "XTRIM s MAXLEN 0"],
                ),
                (
                    "XREADGROUP GROUP g c BLOCK 9000 STREAMS s >",
                    ["XADD s 7-1 f v", "DEL s"],
                ),
            ] {
                b.send(format!("{wait}\r\n").as_bytes());
                waits(&mut a);
                transaction(&mut a, &lines);
                heard.push(b.reply());
            }
            heard.push(b.run("XREAD BLOCK 10 STREAMS s 5-0"));
        }
        heard
    });
    assert_eq!(heard[0], heard[1]);
}

#[test]
fn who_waits_for_a_key_that_has_expired_meanwhile_waits_on() {
    for server in [real(&[]), ours(&[])] {
        let (mut a, mut b) = (server.client(), server.client());
        a.ok("DEBUG SET-ACTIVE-EXPIRE 0");
        b.send(b"BRPOP k 0\r\n");
        waits(&mut a);
        transaction(
            &mut a,
            &["RPUSH k hello", "PEXPIRE k 50", "DEBUG SLEEP 0.1"],
        );
        waits(&mut a);
        assert_eq!(a.number("EXISTS k"), 0);
        a.run("RPUSH k world");
        assert!(matches!(b.reply(), Reply::Array(_)));
    }
}

#[test]
fn who_wants_no_replies_gets_messages() {
    for server in [real(&[]), ours(&[])] {
        let (mut a, mut b) = (server.client(), server.client());
        b.run("HELLO 3");
        b.send(b"CLIENT REPLY OFF\r\nPING\r\n");
        for (line, message) in [
            ("SSUBSCRIBE shard", "SPUBLISH shard hello"),
            ("SUBSCRIBE channel", "PUBLISH channel hello"),
        ] {
            b.send(format!("{line}\r\nPING\r\n").as_bytes());
            assert!(matches!(b.reply(), Reply::Group('>', _)), "{line}");
            assert_eq!(a.number(message), 1);
            assert!(matches!(b.reply(), Reply::Group('>', _)), "{message}");
        }
        b.send(b"SUNSUBSCRIBE shard\r\n");
        assert!(matches!(b.reply(), Reply::Group('>', _)));
    }
}

/// What a server tells of what happens to keys, up to a mark.
fn events(listener: &mut Client, teller: &mut Client) -> Vec<String> {
    teller.run("PUBLISH __key-end__:x end");
    let mut heard = Vec::new();
    loop {
        let Reply::Array(parts) = listener.reply() else {
            panic!("no message");
        };
        let words: Vec<String> = parts[2..].iter().map(Reply::pretty).collect();
        if words[0].contains("__key-end__") {
            return heard;
        }
        heard.push(words.join(" "));
    }
}

const KEY_EVENTS: &str = "\
SET a 1|SET a 2 EX 100|SETEX a 100 1|PSETEX a 100000 1|SETNX b 1|SETNX b 1|GETSET b 2|MSET c 1 d 2 c 3
MSETNX e 1 f 2|SETRANGE a 1 x|APPEND a y|INCR n|DECR n|INCRBY n 3|DECRBY n 2|INCRBYFLOAT n 1.5|GETEX a EX 10
GETEX a PERSIST|GETEX a|SETBIT bits 3 1|BITFIELD bits SET u8 0 7|BITOP AND bits2 bits a|BITOP AND bits2 none none
PFADD h x|PFADD h x|PFMERGE g h|PFCOUNT h|GETDEL a|GETDEL a|GET a|GETEX b EXAT 1|DEL b c none|UNLINK d e
RPUSH l a b c|LPUSH l d|LPUSHX l e|RPUSHX l f|LPUSHX none e|LINSERT l BEFORE a z|LSET l 0 q|LREM l 1 q|LREM l 1 none
LTRIM l 0 3|LPOP l|RPOP l|LMOVE l m LEFT RIGHT|RPOPLPUSH l m|LMOVE m m LEFT LEFT|LMPOP 1 m RIGHT
LMPOP 2 l m LEFT COUNT 9|RPUSH l a|RPUSH l b|LTRIM l 5 6|RPUSH l a|LREM l 0 a|SADD s 1 2 3|SADD s 1|SREM s 1
SREM s none|SMOVE s t 2|SMOVE s t 3|SPOP t|SPOP t 5|SADD s 1 2|SINTERSTORE u s s|SUNIONSTORE u s t|SDIFFSTORE u s s
SDIFFSTORE u s s|SADD t 1|SMOVE t s 1|SREM s 1 2|HSET hash f 1 g 2|HSETNX hash f 1|HSETNX hash h 1|HMSET hash i 1
HINCRBY hash f 2|HINCRBYFLOAT hash f 1.5|HDEL hash f|HDEL hash none|HDEL hash g h i|ZADD z 1 a 2 b 3 c 4 d
ZADD z 1 a|ZADD z INCR 1 a|ZINCRBY z 1 a|ZREM z a|ZREM z none|ZREMRANGEBYSCORE z 0 2|ZPOPMIN z|ZPOPMAX z
ZADD z 1 a 1 b 1 c|ZREMRANGEBYRANK z 0 0|ZREMRANGEBYLEX z [b [b|ZUNIONSTORE y 1 z|ZINTERSTORE y 2 z z
ZDIFFSTORE y 2 z z|ZRANGESTORE y z 0 -1|ZRANGESTORE y z 5 6|ZMPOP 1 z MAX|ZADD z 1 a|ZPOPMAX z 9|GEOADD geo 13 38 p
GEOADD geo 15 37 q|GEOSEARCHSTORE found geo FROMMEMBER p BYRADIUS 500 km|GEORADIUS geo 15 37 300 km STORE found
GEORADIUS geo 0 0 1 m STORE found|XADD x 1-1 f v|XADD x 2-1 f v|XADD x MAXLEN 2 3-1 f v|XTRIM x MAXLEN 1
XTRIM x MAXLEN 1|XDEL x 3-1|XDEL x 3-1|XSETID x 9-1|XGROUP CREATE x g $|XGROUP SETID x g 0
XGROUP CREATECONSUMER x g c|XGROUP CREATECONSUMER x g c|XGROUP DELCONSUMER x g c|XGROUP DESTROY x g|XADD x 9-2 f v
XADD x 9-3 f v|XGROUP CREATE x g 9-1|XREADGROUP GROUP g c COUNT 1 STREAMS x >|XREADGROUP GROUP g c STREAMS x >
XREADGROUP GROUP g none STREAMS x >|XREADGROUP GROUP g noack NOACK STREAMS x >|XCLAIM x g d 0 9-2|XCLAIM x g d 0 9-9
XAUTOCLAIM x g e 0 0|XACK x g 9-2|XGROUP DESTROY x g|XGROUP DESTROY x g|XGROUP CREATE w g $ MKSTREAM|SET k 1
EXPIRE k 100|PEXPIRE k 100000|EXPIRE k 1 GT|PERSIST k|PERSIST k|EXPIREAT k 1|SET k 1|RENAME k j|RENAME j j
RENAMENX j k|SET j 1|RENAMENX j k|COPY k copied|COPY k copied|MOVE k 3|SELECT 3|DEL k|SELECT 0|RPUSH unsorted 3 1 2
SORT unsorted STORE sorted|SORT none STORE sorted|SORT none STORE sorted|SET short 1 PX 1|DEBUG SLEEP 0.01|GET short
SET short 1 PX 1|DEBUG SLEEP 0.01|INCR short|FLUSHDB|SET k 1|FLUSHALL|ZUNIONSTORE y 1 none|COPY none x
GEOSEARCHSTORE found none FROMLONLAT 1 1 BYRADIUS 1 m|GEORADIUS none 1 1 1 m STORE y|ZRANGESTORE y none 0 -1
GETSET new1 1|GETEX none|SET new2 1 GET|SET new2 1 GET|SINTERSTORE u none s|SDIFFSTORE u none none2|HGET none f
LRANGE none 0 1|EXISTS none|TYPE none|TTL none|LPOP none|MGET none none|STRLEN none|OBJECT ENCODING none|DUMP none
TOUCH none";

#[test]
fn what_happens_to_keys_is_told() {
    let heard = [real(&[]), ours(&[])].map(|server| {
        let (mut a, mut b) = (server.client(), server.client());
        a.ok("DEBUG SET-ACTIVE-EXPIRE 0");
        b.run("PSUBSCRIBE __key*__:*");
        let mut heard = Vec::new();
        for classes in ["KEA", "En", "Kg$", "lE", "tK", "mE", "", "A"] {
            a.command(&["CONFIG", "SET", "notify-keyspace-events", classes]);
            for line in KEY_EVENTS.lines().flat_map(|line| line.split('|')) {
                a.run(line);
                let told = events(&mut b, &mut a);
                heard.push(format!("{classes} {line}: {told:?}"));
            }
        }
        heard
    });
    let pairs = heard[0].iter().zip(&heard[1]);
    let other: Vec<_> = pairs.filter(|(theirs, ours)| theirs != ours).collect();
    assert!(other.is_empty(), "{other:#?}");
}

/// What Redis tells amid a reply of several parts, or of several keys, beside [`KEY_EVENTS`].
const AMID: &str = "\
DEL l m|RPUSH l a b|BLPOP l 0|BLMOVE l m LEFT LEFT 0|BRPOPLPUSH m l 0|BLMPOP 0 2 m l RIGHT COUNT 5|DEL z y|ZADD z 1 a 2 b 3 c
BZPOPMIN y z 0|BZMPOP 0 1 z MAX COUNT 5|ZADD z 1 a|BZPOPMAX z 0|DEL s u|SADD s 1|SPOP s|SPOP s 2|SUNIONSTORE u s s|DEL a b
SET a 1 GET|SET a 2 EX 100 GET|SET a 3 NX GET|MSETNX b 1 b 2|MSET a 1 none2 1|BITFIELD b2 SET u8 0 0 GET u8 0|COPY a b REPLACE
RENAME a b|DEL b none2|MGET a b|RPUSH unsorted 3 1|SORT unsorted BY w_* GET # GET q_*|XREAD STREAMS none x 0 0|XADD v 1-1 f v
XADD x 99-1 f v|XGROUP CREATE x g2 0|XGROUP CREATE v g2 0|XREADGROUP GROUP g2 c STREAMS x v > >|XCLAIM v g2 d 0 1-1
XAUTOCLAIM v g2 e 0 0|PFMERGE h none none3|SET short 1 PX 1|DEBUG SLEEP 0.01|MGET none short|SET short 1 PX 1
DEBUG SLEEP 0.01|SUNIONSTORE short s none|DEL a b c|SET a 1|EXPIRE a -1|SET a 1|GETEX a EXAT 1|FLUSHALL|INCR a|FLUSHDB";

/// Everything that the listener gets while these commands run, in order.
fn amid(server: &Server, own: bool, transaction: bool) -> Vec<String> {
    let (mut a, mut b) = (server.client(), server.client());
    a.ok("FLUSHALL");
    a.ok("DEBUG SET-ACTIVE-EXPIRE 0");
    a.ok("CONFIG SET notify-keyspace-events KEAnm");
    b.run("HELLO 3");
    b.run("PSUBSCRIBE __key*__:*");
    b.ok("CLIENT TRACKING ON");
    let lines = KEY_EVENTS.lines().chain(AMID.lines());
    let lines = lines.flat_map(|line| line.split('|'));
    let by_chance = |line: &&str| !line.starts_with("SPOP t") && !line.starts_with("SELECT 3");
    lines
        .filter(by_chance)
        .map(|line| {
            for word in line.split(' ').skip(1) {
                b.send(format!("TYPE {word}\r\n").as_bytes());
            }
            b.send(b"ECHO --read--\r\n");
            b.until(b"--read--\r\n");
            let line = if transaction {
                format!("MULTI\r\nPING\r\n{line}\r\nINCR n\r\nEXEC\r\n")
            } else {
                format!("{line}\r\n")
            };
            let teller = if own { &mut b } else { &mut a };
            teller.send(format!("{line}ECHO --done--\r\n").as_bytes());
            let mut heard = teller.until(b"--done--\r\n");
            if !own {
                b.send(b"ECHO --done--\r\n");
                heard = b.until(b"--done--\r\n");
            }
            let heard = String::from_utf8_lossy(&heard);
            format!("{line}: {heard}")
        })
        .collect()
}

#[test]
fn what_is_told_stands_where_redis_tells_it() {
    for (own, transaction) in [(true, false), (true, true), (false, false), (false, true)] {
        let servers = [real(&[]), ours(&[])];
        let heard = servers.map(|server| amid(&server, own, transaction));
        let pairs = heard[0].iter().zip(&heard[1]);
        let other: Vec<_> = pairs.filter(|(theirs, ours)| theirs != ours).collect();
        assert!(other.is_empty(), "{other:#?}");
    }
}

#[test]
fn what_happens_to_keys_is_told_by_replicas_too() {
    let master = real(&["--repl-diskless-sync-delay", "0"]);
    let mut m = master.client();
    m.ok("DEBUG SET-ACTIVE-EXPIRE 0");
    let replicas = [real(&[]), ours(&[])];
    let mut listeners = Vec::new();
    for replica in &replicas {
        let mut r = follow(replica, master.port);
        r.ok("CONFIG SET notify-keyspace-events EAn");
        let mut listener = replica.client();
        listener.run("PSUBSCRIBE __key*__:*");
        listeners.push((r, listener));
    }
    for line in KEY_EVENTS.lines().flat_map(|line| line.split('|')) {
        m.run(line);
        let offset = m.offset();
        let heard: Vec<_> = listeners
            .iter_mut()
            .map(|(r, listener)| {
                eventually("the replica has it", || r.offset() >= offset);
                events(listener, r)
            })
            .collect();
        assert_eq!(heard[0], heard[1], "{line}");
    }
}

/// Who says what; `r3` speaks RESP3 and tracks, `r2` speaks RESP2 and lets `ear` hear, `w` writes. Which keys are
/// forgotten when there are too many is luck, and not asked.
const TRACKED: &str = "\
r3 GET a|w SET a 1|r3 GET a|w SET a 1|w SET a 2|r3 MGET a b c|w MSET b 1 c 2|r3 GET a|r3 SET a 3|r3 LRANGE l 0 -1
w RPUSH l 1 2|r3 LLEN l|w LPOP l|r3 SELECT 3|r3 GET a|r3 SELECT 0|w SET a 1|r3 EXISTS a none|w DEL a none
w INCR none|r3 GET x|w FLUSHDB|r3 GET x|r3 FLUSHALL|w SET x 1|w MULTI|w SET x 2|w SET y 2|w EXEC|r3 GET x|r3 GET y
r3 MULTI|r3 SET x 1|r3 GET x|r3 GET y|r3 EXEC|w SET x 9|w SET y 9|r3 GET t|w SET t 1 PX 1|w DEBUG SLEEP 0.01
r3 GET t|w GET t|r3 GET k|w RENAME y k|r3 HGETALL h|w HSET h f v|r3 ZRANGE z 0 -1|w ZADD z 1 m|r3 XREAD STREAMS s 0
w XADD s 1-1 f v|r3 PFCOUNT p|w PFADD p a|r3 GET a|w SET a 1 EX 100|r3 TTL a|w EXPIRE a 200|r3 TTL a|w PERSIST a
r3 DUMP a|w COPY x a REPLACE|r3 TYPE a|w SETRANGE a 0 zz|r2 GET x|w SET x 3|r2 GET x|r2 SET x 4|r2 GET x|w FLUSHALL
r3 CLIENT TRACKINGINFO|r2 CLIENT TRACKINGINFO|r2 CLIENT GETREDIR|w CLIENT GETREDIR|r3 CLIENT TRACKING ON BCAST
r3 CLIENT TRACKING ON PREFIX a|r3 CLIENT TRACKING ON OPTIN OPTOUT|r3 CLIENT TRACKING ON BCAST OPTIN
r3 CLIENT TRACKING ON NOLOOP|r3 GET a|r3 SET a 1|r3 GET a|w SET a 2|r3 CLIENT TRACKING OFF|r3 CLIENT TRACKINGINFO
r3 GET a|w SET a 3|r3 CLIENT CACHING YES|r3 CLIENT TRACKING ON OPTIN|r3 CLIENT CACHING NO|r3 CLIENT CACHING MAYBE
r3 GET a|w SET a 4|r3 CLIENT CACHING YES|r3 GET a|w SET a 5|r3 CLIENT CACHING YES|r3 MULTI|r3 GET a|r3 GET b|r3 EXEC
w MSET a 6 b 6|r3 CLIENT TRACKING ON OPTOUT|r3 CLIENT CACHING YES|r3 CLIENT TRACKINGINFO|r3 CLIENT TRACKING OFF
r3 CLIENT TRACKING ON OPTOUT|r3 GET a|w SET a 7|r3 CLIENT CACHING NO|r3 GET a|w SET a 8|r3 CLIENT TRACKING OFF
r3 CLIENT TRACKING ON BCAST PREFIX a PREFIX b PREFIX ab|r3 CLIENT TRACKING ON BCAST PREFIX a PREFIX b NOLOOP
r3 CLIENT TRACKING ON BCAST PREFIX apple|r3 CLIENT TRACKINGINFO|w SET apple 1|w SET banana 1|w SET cherry 1
r3 SET apple 2|w MSET a2 1 b2 1 a1 1 c 1|w MULTI|w SET a1 1|w SET b1 1|w DEL a1|w EXEC|w FLUSHALL
r3 CLIENT TRACKING ON BCAST PREFIX c|w SET c 1|w SET a 1|r3 CLIENT TRACKING OFF|r3 CLIENT TRACKING ON BCAST
w SET any 1|r3 SET own 1|r3 CLIENT TRACKING OFF|w SET any 1|r3 CLIENT TRACKING|r3 CLIENT TRACKING MAYBE
r3 CLIENT TRACKING ON REDIRECT 999999|r3 CLIENT TRACKING ON REDIRECT x|r3 CLIENT TRACKING ON NONSENSE
w CONFIG SET maxmemory-policy volatile-random|w SETEX e 100 x|r3 GET e|w SETBIT big 16000000 0
w CONFIG SET maxmemory 2000000|r3 GETBIT big 0|w CONFIG SET maxmemory 0|w DEL big
w CONFIG SET tracking-table-max-keys 1|r3 CLIENT TRACKING ON|r3 GET q1|r3 GET q1|w SET q1 1|w SET q2 2|w CONFIG SET tracking-table-max-keys 1000000|r3 GET kept|r3 CLIENT TRACKING OFF
r2 CLIENT TRACKING OFF|w SET kept 1|r3 CLIENT TRACKING ON|w SET kept 2|r3 GET kept|r3 CLIENT TRACKING OFF|w FLUSHALL
r3 CLIENT TRACKING ON|w SET kept 3|r2 CLIENT TRACKING ON REDIRECT EAR|ear RESET|r2 GET x|w SET x 1
r2 CLIENT TRACKINGINFO|r3 RESET|r3 GET x|w SET x 2|w GET x";

#[test]
fn who_keeps_copies_is_told_when_a_key_changes() {
    let heard = [real(&[]), ours(&[])].map(|server| {
        let mut clients: Vec<_> = ["r3", "r2", "ear", "w"]
            .map(|name| (name, server.client()))
            .into();
        let id = clients[2].1.number("CLIENT ID");
        clients[2].1.run("SUBSCRIBE __redis__:invalidate");
        clients[1]
            .1
            .ok(&format!("CLIENT TRACKING ON REDIRECT {id}"));
        clients[0].1.run("HELLO 3");
        clients[0].1.ok("CLIENT TRACKING ON");
        let mut heard = Vec::new();
        for line in TRACKED.lines().flat_map(|line| line.split('|')) {
            let (name, command) = line.split_once(' ').expect("a name and a command");
            let command = command.replace("EAR", &id.to_string());
            let at = clients
                .iter()
                .position(|(n, _)| *n == name)
                .expect("one of them");
            let mut said = vec![format!("{line}: {}", clients[at].1.run(&command).pretty())];
            let quiet = command.starts_with("CLIENT CACHING");
            for (who, client) in clients.iter_mut().filter(|(who, _)| !quiet || *who != name) {
                client.send(b"PING mark\r\n");
                loop {
                    let reply = client.reply().pretty();
                    if reply.contains("mark") || reply.contains("QUEUED") {
                        break;
                    }
                    said.push(format!("{who} hears {reply}"));
                }
            }
            for name in [
                "tracking_clients",
                "tracking_total_keys",
                "tracking_total_items",
                "tracking_total_prefixes",
            ] {
                let info = server.client().info("all");
                said.push(format!("{name} {}", info[name]));
            }
            heard.push(said.join("; ").replace(&format!("(integer) {id}"), "ID"));
        }
        heard
    });
    let pairs = heard[0].iter().zip(&heard[1]);
    let other: Vec<_> = pairs.filter(|(theirs, ours)| theirs != ours).collect();
    assert!(other.is_empty(), "{other:#?}");
}

#[test]
fn less_memory_is_made_do_with_at_once() {
    for server in [real(&[]), ours(&[])] {
        let (mut a, mut b) = (server.client(), server.client());
        a.ok("CONFIG SET notify-keyspace-events Ee");
        a.ok("CONFIG SET maxmemory-policy allkeys-lru");
        a.ok("SET foo bar");
        b.run("SUBSCRIBE __keyevent@0__:evicted");
        a.ok("CONFIG SET maxmemory 1");
        assert_eq!(b.reply().pretty().lines().last(), Some("3) \"foo\""));
    }
}

#[test]
fn what_redis_would_free_later_is_counted() {
    for server in [real(&[]), ours(&[])] {
        let mut client = server.client();
        for i in 0..100 {
            client.run(&format!("HSET small f{i} v"));
            client.run(&format!("HSET large f{i} {}", "v".repeat(100)));
            client.run(&format!("SADD set member{i} {i}"));
            client.run(&format!("XADD few {} f v", i + 1));
        }
        client.ok("CONFIG SET stream-node-max-entries 1");
        for i in 0..100 {
            client.run(&format!("XADD many {} f v", i + 1));
        }
        let freed = |client: &mut Client| client.info("memory")["lazyfreed_objects"].clone();
        for (line, count) in [
            ("UNLINK small few nosuch", "0"),
            ("UNLINK many", "1"),
            ("DEL set", "1"),
            ("SET string x", "1"),
            ("UNLINK string", "1"),
            ("COPY large another", "1"),
            ("UNLINK large", "2"),
            ("FLUSHALL ASYNC", "3"),
            ("CONFIG RESETSTAT", "0"),
        ] {
            client.run(line);
            eventually(line, || freed(&mut client) == count);
        }
    }
}

#[test]
fn a_reply_that_is_longer_than_may_wait_closes_the_connection() {
    for server in [real(&[]), ours(&[])] {
        let mut admin = server.client();
        let limit = [
            "CONFIG",
            "SET",
            "client-output-buffer-limit",
            "normal 1000000 0 0",
        ];
        assert_eq!(admin.command(&limit), Reply::Simple("OK".into()));
        admin.run("HSET hash a b");
        admin.run("SADD set a");
        admin.run("ZADD zset 1 a");
        for line in [
            "HRANDFIELD hash -999999999",
            "SRANDMEMBER set -999999999",
            "ZRANDMEMBER zset -999999999 WITHSCORES",
        ] {
            let mut client = server.client();
            client.send(format!("{line}\r\n").as_bytes());
            assert!(client.closed(), "{line}");
        }
        server.logs("scheduled to be closed ASAP for overcoming of output buffer limits.");
        assert!(admin.answers());
    }
}

#[test]
fn a_string_that_is_written_without_a_change_is_raw_from_then_on() {
    for server in [real(&[]), ours(&[])] {
        let mut client = server.client();
        for (value, line) in [
            ("text", "SETBIT k 7 0"),
            ("12", "SETBIT k 7 1"),
            ("text", "BITFIELD k SET u8 0 116"),
            ("12", "BITFIELD k OVERFLOW FAIL INCRBY u8 0 255"),
        ] {
            client.ok(&format!("SET k {value}"));
            client.run(line);
            assert_eq!(client.text("OBJECT ENCODING k"), "raw", "{line}");
            assert_eq!(client.text("GET k"), value, "{line}");
        }
        client.ok("SET k text");
        client.run("BITFIELD k GET u8 0");
        assert_eq!(client.text("OBJECT ENCODING k"), "embstr");
        client.run("PFADD h x");
        client.run("PFCOUNT h");
        for line in [
            "PFADD h x",
            "PFCOUNT h",
            "PFDEBUG ENCODING h",
            "PFDEBUG DECODE h",
        ] {
            client.ok("DEBUG RELOAD");
            assert_eq!(client.text("OBJECT ENCODING h"), "embstr");
            client.run(line);
            assert_eq!(client.text("OBJECT ENCODING h"), "raw", "{line}");
        }
    }
}

#[test]
fn distances_are_equal_to_the_last_bit() {
    for server in [real(&[]), ours(&[])] {
        let mut client = server.client();
        client.number("GEOADD map 15.087269 39 there");
        client.number("GEOSEARCHSTORE near map FROMLONLAT 13 38 BYBOX 500 800 km STOREDIST");
        assert_eq!(client.text("ZSCORE near there"), "213.02234887517329");
    }
}

#[test]
fn who_does_not_read_for_too_long_is_closed() {
    let limits = ["--client-output-buffer-limit", "pubsub 0 1000000 1"];
    for server in [real(&limits), ours(&limits)] {
        let (mut teller, mut listener) = (server.client(), server.client());
        listener.run("SUBSCRIBE c");
        let message = "x".repeat(200_000);
        for _ in 0..60 {
            teller.number(&format!("PUBLISH c {message}"));
        }
        eventually("it is closed", || teller.number("PUBLISH c m") == 0);
        server.logs(" sub=1 psub=0 ");
        server.logs(" resp=2 closed for overcoming of output buffer limits.");
    }
}

#[test]
fn keys_that_take_long_to_expire_are_remembered() {
    for server in [real(&[]), ours(&[])] {
        let mut client = server.client();
        client.ok("DEBUG SET-ACTIVE-EXPIRE 0");
        client.ok("CONFIG SET latency-monitor-threshold 1");
        // So many at once take more than a millisecond on any machine.
        let set = |i: usize| {
            ["SET", &format!("k{i}"), "v", "PX", "1"]
                .map(|word| word.as_bytes().to_vec())
                .to_vec()
        };
        for batch in 0..20 {
            let commands: Vec<_> = (batch * 5000..(batch + 1) * 5000).map(set).collect();
            client.pipeline(&commands);
        }
        client.ok("DEBUG SET-ACTIVE-EXPIRE 1");
        eventually(
            "it is remembered",
            || matches!(client.run("LATENCY HISTORY expire-cycle"), Reply::Array(all) if !all.is_empty()),
        );
    }
}

#[test]
fn patterns_with_very_many_stars_match_nothing() {
    let ask = |server: &Server| {
        let mut client = server.client();
        client.ok(&format!("SET {} 1", "a".repeat(5000)));
        [999, 1000, 1001, 2000].map(|n| {
            ["*?", "**a", "?*", "?"].map(|part| client.command(&["KEYS", &part.repeat(n)]))
        })
    };
    assert_eq!(ask(&ours(&[])), ask(&real(&[])));
}

#[test]
fn a_pause_is_not_made_shorter_by_another() {
    for server in [real(&[]), ours(&[])] {
        let (mut c, mut writer) = (server.client(), server.client());
        c.ok("CLIENT PAUSE 600000 WRITE");
        c.ok("CLIENT PAUSE 1 WRITE");
        std::thread::sleep(Duration::from_millis(20));
        writer.send(&resp::command(&["SET", "key", "value"]));
        waits(&mut c);
        c.ok("CLIENT UNPAUSE");
        assert_eq!(writer.reply(), Reply::Simple("OK".into()));
    }
}

#[test]
fn streams_without_ids_are_refused_alike() {
    let ask = |server: &Server| {
        let mut client = server.client();
        let lines = [
            "XREAD STREAMS a",
            "XREAD STREAMS a b 0",
            "XREADGROUP GROUP g c STREAMS a b >",
        ];
        lines.map(|line| client.refused(line))
    };
    assert_eq!(ask(&ours(&[])), ask(&real(&[])));
}

#[test]
fn a_dump_is_as_compressed_as_a_snapshot() {
    let ask = |server: &Server| {
        let mut client = server.client();
        client.ok(&format!("SET key {}", "a".repeat(200)));
        ["yes", "no"].map(|way| {
            client.ok(&format!("CONFIG SET rdbcompression {way}"));
            (
                client.run("DUMP key"),
                client
                    .text("DEBUG OBJECT key")
                    .contains("serializedlength:204"),
            )
        })
    };
    assert_eq!(ask(&ours(&[])), ask(&real(&[])));
}

/// Texts of all lengths, with few letters and many, and with pieces of themselves in them.
fn text(rng: &mut Rng) -> Vec<u8> {
    let letters = [2, 3, 16, 256][rng.below(4) as usize];
    let most = [30, 300, 3000, 30_000][rng.below(4) as usize];
    let len = 1 + rng.below(most) as usize;
    let mut text = Vec::new();
    while text.len() < len {
        if text.len() > 8 && rng.below(40) == 0 {
            let from = rng.below(text.len() as u64) as usize;
            let to = (from + rng.below(600) as usize).min(text.len());
            text.extend_from_within(from..to);
        }
        text.push(rng.below(letters) as u8);
    }
    text
}

#[test]
fn long_strings_are_compressed_to_the_same_bytes() {
    let (real, ours) = (real(&[]), ours(&[]));
    let (mut r, mut o) = (real.client(), ours.client());
    let mut rng = Rng::new(7);
    for i in 0..600 {
        let (key, text) = (format!("key {i}"), text(&mut rng));
        let [wanted, found] = [&mut r, &mut o].map(|client| {
            client.command(&[b"SET", key.as_bytes(), &text]);
            client.command(&["DUMP", &key])
        });
        assert_eq!(found, wanted, "{}", text.escape_ascii());
    }
}

/// What a monitor shows, without times and addresses, up to a word.
fn seen(monitor: &mut Client, last: &str) -> Vec<String> {
    let mut seen = Vec::new();
    loop {
        let line = monitor.line();
        let (place, words) = line.split_once("] ").expect("a line of a monitor");
        let db = place.split(['[', ' ']).nth(2).expect("a database");
        seen.push(format!("{db} {words}"));
        if words.contains(last) {
            return seen;
        }
    }
}

#[test]
fn what_a_replica_applies_is_seen_by_its_monitors_and_kept_when_slow() {
    for (replica, leaf) in [(real(&[]), real(&[])), (ours(&[]), ours(&[]))] {
        let master = real(&["--repl-diskless-sync-delay", "0"]);
        let mut m = master.client();
        follow(&replica, master.port);
        follow(&leaf, replica.port);
        let mut monitors = [replica.client(), leaf.client()];
        for monitor in &mut monitors {
            monitor.ok("MONITOR");
        }
        for line in [
            "SELECT 3",
            "MULTI",
            "INCR a",
            "SELECT 5",
            "LPUSH l 1",
            "EXEC",
            "PUBLISH c m",
            "SPOP none",
            "SET gone 1 PX 1",
            "DEBUG SLEEP 0.01",
            "GET gone",
            "SWAPDB 3 5",
            "WAIT 1 5000",
            "PUBLISH c end",
        ] {
            m.run(line);
        }
        for (monitor, port) in monitors.iter_mut().zip([master.port, replica.port]) {
            let mut lines = seen(monitor, "end");
            lines.retain(|line| !line.contains("ping"));
            let set = lines.iter().position(|line| line.contains("SET"));
            let at = set.map(|i| lines.remove(i));
            assert!(at.is_some_and(|line| line.starts_with(r#"5 "SET" "gone" "1" "PXAT""#)));
            let expected = [
                r#"3 "SELECT" "3""#,
                r#"3 "MULTI""#,
                r#"3 "INCR" "a""#,
                r#"5 "SELECT" "5""#,
                r#"5 "LPUSH" "l" "1""#,
                r#"5 "EXEC""#,
                r#"5 "PUBLISH" "c" "m""#,
                r#"5 "DEL" "gone""#,
                r#"5 "SWAPDB" "3" "5""#,
                r#"5 "PUBLISH" "c" "end""#,
            ];
            assert_eq!(lines, expected, "from {port}");
        }
        let mut r = replica.client();
        r.ok("CONFIG SET slowlog-log-slower-than 0");
        m.run("SET slow 1");
        eventually("it is kept as slow", || {
            let entries = r.run("SLOWLOG GET -1").pretty();
            entries.contains("\"SET\"") && entries.contains(&format!("127.0.0.1:{}", master.port))
        });
    }
}

#[test]
fn who_monitors_is_a_replica_of_a_kind() {
    for server in [real(&[]), ours(&[])] {
        let (mut monitor, mut other) = (server.client(), server.client());
        monitor.ok("MONITOR");
        // Neither is answered, as no replica would be.
        monitor.send(b"MONITOR\r\nPSYNC ? -1\r\nSYNC\r\n");
        assert_eq!(monitor.run("PING"), Reply::Simple("PONG".into()));
        assert_eq!(seen(&mut monitor, "PING"), [r#"0 "PING""#]);
        let refused = "ERR Replica can't interact with the keyspace";
        for line in ["GET a", "PFCOUNT a", "PUBLISH c m"] {
            assert_eq!(monitor.refused(line), refused, "{line}");
        }
        let refused = "ERR Command is not valid when client is a replica.";
        assert_eq!(monitor.refused("REPLICAOF 127.0.0.1 1"), refused);
        // It is not made to wait, nor closed when it is silent.
        other.ok("CLIENT PAUSE 60000 ALL");
        assert_eq!(monitor.run("PING"), Reply::Simple("PONG".into()));
        monitor.line();
        assert_eq!(monitor.run("CLIENT UNPAUSE"), Reply::Simple("OK".into()));
        other.ok("CONFIG SET timeout 1");
        std::thread::sleep(Duration::from_millis(2200));
        monitor.send(b"CLIENT REPLY OFF\r\n");
        let mut last = server.client();
        eventually("it is silent", || {
            last.text("CLIENT LIST").contains("cmd=client|reply")
        });
        last.run("ECHO unheard");
        monitor.send(b"CLIENT REPLY ON\r\n");
        assert_eq!(monitor.line(), "+OK");
        last.run("ECHO heard");
        let lines = seen(&mut monitor, r#""heard""#);
        assert_eq!(lines, [r#"0 "CLIENT" "REPLY" "ON""#, r#"0 "ECHO" "heard""#]);
    }
}
