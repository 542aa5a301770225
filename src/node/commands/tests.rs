//! Stories about data commands: what they reply, what they change, what they send on.

use super::*;
use crate::wire::resp::Reply;

/// One server's data, a clock that stands still, and what the newest command did.
struct Table {
    keyspace: Keyspace,
    rng: Rng,
    now_ms: i64,
    expired: Expired,
    db: usize,
    dirty: u64,
    stream: Vec<String>,
}

impl Table {
    fn new() -> Self {
        Self {
            keyspace: Keyspace::new(16),
            rng: Rng::new(1),
            now_ms: 1_000_000,
            expired: Expired::Delete,
            db: 0,
            dirty: 0,
            stream: vec![],
        }
    }

    /// Runs a command written as on a command line; the reply as redis-cli prints it, on one line.
    fn run(&mut self, line: &str) -> String {
        let args = resp::split_args(line.as_bytes()).expect("quotes balance");
        let spec = lookup(&args[0]).expect("a data command");
        let Handler::Data(run) = spec.handler else {
            panic!("not a data command")
        };
        let mut reply = resp::Writer::default();
        let mut call = Call {
            args: &args,
            db: self.db,
            now_ms: self.now_ms,
            expired: self.expired,
            keyspace: &mut self.keyspace,
            rng: &mut self.rng,
            reply: &mut reply,
            dirty: 0,
            hits: 0,
            misses: 0,
            before: vec![],
            propagate: Propagate::Verbatim,
            wait: None,
            touch: true,
            share_numbers: true,
            lazy: None,
            notices: None,
        };
        let result = crate::node::session::lookup(&args).and_then(|_| run(&mut call));
        let Call {
            dirty,
            before,
            propagate,
            ..
        } = call;
        let mut stream: Vec<Vec<Bytes>> = before.into_iter().map(|(_, command)| command).collect();
        match propagate {
            _ if dirty == 0 => {}
            Propagate::Verbatim => stream.push(args),
            Propagate::Instead(commands) => stream.extend(commands),
        }
        let words = |command: Vec<Bytes>| {
            command
                .iter()
                .map(|word| String::from_utf8_lossy(word).into_owned())
                .collect::<Vec<_>>()
                .join(" ")
        };
        self.stream = stream.into_iter().map(words).collect();
        self.dirty = dirty;
        if let Err(text) = result {
            assert!(reply.is_empty(), "an error is the whole reply to {line}");
            return text;
        }
        let (decoded, len) = resp::reply(&reply).expect("RESP").expect("a whole reply");
        assert_eq!(len, reply.len(), "one reply to {line}");
        flat(&decoded)
    }

    /// Runs a command; what goes into the stream.
    fn sends(&mut self, line: &str) -> String {
        self.run(line);
        self.stream.join("; ")
    }
}

fn flat(reply: &Reply) -> String {
    match reply {
        Reply::Array(items) => {
            format!("[{}]", items.iter().map(flat).collect::<Vec<_>>().join(" "))
        }
        Reply::Bulk(text) => String::from_utf8_lossy(text).into_owned(),
        Reply::Integer(n) => n.to_string(),
        other => other.pretty(),
    }
}

#[test]
fn an_expiry_travels_as_a_point_in_time() {
    let mut t = Table::new();
    assert_eq!(t.sends("SET k v EX 100"), "SET k v PXAT 1100000");
    assert_eq!(t.sends("set k v nx"), "", "nothing was set");
    assert_eq!(t.sends("SET k v XX PX 5 GET"), "SET k v PXAT 1000005");
    assert_eq!(t.sends("SET k v EXAT 1"), "SET k v PXAT 1000");
    assert_eq!(t.sends("SETEX n 10 v"), "SET n v PXAT 1010000");
    assert_eq!(t.sends("EXPIRE n 20 xx"), "PEXPIREAT n 1020000 xx");
    assert_eq!(t.sends("PEXPIREAT n 2000000"), "PEXPIREAT n 2000000");
    assert_eq!(t.sends("GETEX n PX 7"), "PEXPIREAT n 1000007");
    assert_eq!(t.sends("GETEX n PERSIST"), "PERSIST n");
    assert_eq!(t.sends("GETEX n PERSIST"), "");
}

#[test]
fn what_depends_on_the_server_travels_as_its_result() {
    let mut t = Table::new();
    assert_eq!(t.sends("SET a 1 GET"), "SET a 1");
    assert_eq!(t.sends("GETSET a 2"), "SET a 2");
    assert_eq!(t.sends("INCRBYFLOAT a 0.1"), "SET a 2.1 KEEPTTL");
    assert_eq!(t.sends("GETDEL a"), "DEL a");
    assert_eq!(t.sends("HINCRBYFLOAT h f 0.5"), "HSET h f 0.5");
    t.run("RPUSH l 1 2 3");
    assert_eq!(t.sends("LMPOP 2 none l RIGHT COUNT 2"), "RPOP l 2");
    t.run("SADD s x");
    assert_eq!(t.sends("SPOP s"), "SREM s x");
    t.run("SADD s a b c");
    assert_eq!(t.sends("SPOP s 9"), "DEL s");
    t.run("SADD s a b c");
    assert_eq!(t.sends("SPOP s 2").matches("SREM s").count(), 2);
}

#[test]
fn what_changes_nothing_is_not_sent() {
    let mut t = Table::new();
    t.run("SADD s a");
    t.run("ZADD z 1 a");
    t.run("RPUSH l a");
    for line in [
        "DEL none",
        "SADD s a",
        "SREM s b",
        "ZADD z 1 a",
        "ZADD z NX 5 a",
        "LTRIM l 0 -1",
        "LREM l 0 b",
        "LPUSHX none a",
        "SINTERSTORE d none",
        "RENAME s s",
        "PERSIST s",
    ] {
        assert_eq!((t.sends(line), t.dirty), (String::new(), 0), "{line}");
    }
    assert_eq!(t.sends("FLUSHALL"), "FLUSHALL");
    assert_eq!(
        t.sends("FLUSHDB"),
        "FLUSHDB",
        "even when there is nothing to flush"
    );
}

#[test]
fn a_master_deletes_an_expired_key_before_it_goes_on() {
    let mut t = Table::new();
    t.run("SET k v PX 10");
    t.now_ms += 10;
    assert_eq!(t.run("GET k"), "v", "alive in its last millisecond");
    t.now_ms += 1;
    assert_eq!(t.run("DBSIZE"), "1");
    assert_eq!(t.run("KEYS *"), "[]");
    assert_eq!(t.sends("INCR k"), "DEL k; INCR k");
    assert_eq!(t.sends("EXPIRE k -1"), "DEL k");
    assert_eq!(t.run("EXISTS k"), "0");
}

#[test]
fn a_replica_hides_an_expired_key_and_keeps_it() {
    let mut t = Table::new();
    t.run("SET k v PX 10");
    t.now_ms += 11;
    t.expired = Expired::Hide;
    for (line, reply) in [
        ("GET k", "(nil)"),
        ("EXISTS k", "0"),
        ("TTL k", "-2"),
        ("TYPE k", "none"),
        ("KEYS *", "[]"),
        ("SCAN 0", "[0 []]"),
        ("DBSIZE", "1"),
        ("RANDOMKEY", "k"),
    ] {
        assert_eq!(t.run(line), reply, "{line}");
        assert_eq!(t.stream, [""; 0]);
    }
}

#[test]
fn to_the_master_of_a_replica_every_key_is_alive() {
    let mut t = Table::new();
    t.run("SET n 1 PX 10");
    t.now_ms += 11;
    t.expired = Expired::Ignore;
    assert_eq!(t.run("INCR n"), "2");
    assert_eq!(t.run("PEXPIREAT n 5"), "1");
    assert_eq!(t.run("PTTL n"), "0", "stored, though it is past");
    assert_eq!(t.run("DBSIZE"), "1");
}

#[test]
fn a_type_error_changes_nothing() {
    let mut t = Table::new();
    t.run("SET k v");
    let wrong = "WRONGTYPE Operation against a key holding the wrong kind of value";
    for line in [
        "LPUSH k a",
        "HSET k f v",
        "SADD k a",
        "ZADD k 1 a",
        "LRANGE k 0 -1",
        "HGETALL k",
        "SMEMBERS k",
        "ZRANGE k 0 -1",
        "ZUNION 1 k",
    ] {
        assert_eq!((t.run(line), t.dirty), (wrong.to_owned(), 0), "{line}");
    }
    t.run("RPUSH l a");
    assert_eq!(t.run("GET l"), wrong);
    assert_eq!(t.run("MGET l k"), "[(nil) v]");
    assert_eq!(t.run("SET l v"), "OK", "SET takes any key");
}

#[test]
fn a_collection_that_becomes_empty_is_gone() {
    let mut t = Table::new();
    for (fill, drain) in [
        ("RPUSH k a", "LPOP k"),
        ("HSET k f v", "HDEL k f"),
        ("SADD k a", "SREM k a"),
        ("ZADD k 1 a", "ZREM k a"),
        ("RPUSH k a", "RPOPLPUSH k l"),
        ("ZADD k 1 a", "ZPOPMAX k"),
    ] {
        t.run(fill);
        t.run(drain);
        assert_eq!(t.run("EXISTS k"), "0", "{fill}, {drain}");
    }
}

#[test]
fn ranges_of_sorted_sets_are_read_from_either_end() {
    let mut t = Table::new();
    t.run("ZADD z 1 a 2 b 3 c 4 d");
    assert_eq!(t.run("ZRANGE z 0 1 REV WITHSCORES"), "[d 4 c 3]");
    assert_eq!(t.run("ZRANGE z (1 +inf BYSCORE LIMIT 1 2"), "[c d]");
    assert_eq!(t.run("ZRANGE z (4 2 BYSCORE REV"), "[c b]");
    assert_eq!(t.run("ZREVRANGEBYSCORE z 3 -inf LIMIT 1 -1"), "[b a]");
    assert_eq!(t.run("ZCOUNT z (1 3"), "2");
    t.run("ZADD w 0 a 0 b 0 c");
    assert_eq!(t.run("ZRANGE w [b + BYLEX"), "[b c]");
    assert_eq!(t.run("ZLEXCOUNT w - (c"), "2");
    assert_eq!(t.run("ZADD z GT CH 5 a 1 d"), "1");
    assert_eq!(t.run("ZADD z INCR 0.1 b"), "2.1000000000000001");
}

#[test]
fn numbers_at_the_edge_are_refused_rather_than_wrapped() {
    let mut t = Table::new();
    t.run("SET n 9223372036854775807");
    assert_eq!(t.run("INCR n"), "ERR increment or decrement would overflow");
    assert_eq!(
        t.run("DECRBY n -9223372036854775808"),
        "ERR decrement would overflow"
    );
    assert_eq!(
        t.run("SETRANGE n 9223372036854775807 x"),
        "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
    );
    assert_eq!(
        t.run("EXPIRE n 9223372036854775807"),
        "ERR invalid expire time in 'expire' command"
    );
    assert_eq!(
        t.run("LRANGE none -9223372036854775808 9223372036854775807"),
        "[]"
    );
    assert_eq!(
        t.run("GETRANGE n -9223372036854775808 9223372036854775807"),
        "9223372036854775807"
    );
    t.run("RPUSH l a");
    assert_eq!(t.run("LREM l -9223372036854775808 a"), "1");
    assert_eq!(t.run("SRANDMEMBER none -9223372036854775807"), "[]");
}

#[test]
fn no_command_falls_over_odd_arguments() {
    let odd = [
        "k",
        "0",
        "-1",
        "1",
        "",
        "*",
        "-9223372036854775808",
        "9223372036854775807",
        "1e400",
        "nan",
        "(",
        "[",
        "COUNT",
        "LIMIT",
        "BYSCORE",
        "WITHSCORES",
        "EX",
        "LEFT",
        "DB",
    ];
    let mut rng = Rng::new(11);
    let mut t = Table::new();
    for fill in [
        "SET k v",
        "RPUSH k a b",
        "HSET k f 1",
        "SADD k a 1",
        "ZADD k 1 a 2 b",
        "XADD k 1-1 f v",
    ] {
        // the self-test takes its time and no arguments
        for spec in DATA.iter().filter(|spec| spec.name != "pfselftest") {
            for _ in 0..60 {
                t.run("DEL k");
                t.run(fill);
                let least = spec.arity.unsigned_abs() as usize - 1;
                let more = if spec.arity < 0 {
                    rng.below(4) as usize
                } else {
                    0
                };
                let words: Vec<_> = (0..least + more)
                    .map(|i| {
                        if i == 0 && rng.below(2) == 0 {
                            "k"
                        } else {
                            odd[rng.below(odd.len() as u64) as usize]
                        }
                    })
                    .collect();
                t.run(&format!(
                    "{} {}",
                    spec.name,
                    words
                        .iter()
                        .map(|word| format!("'{word}'"))
                        .collect::<Vec<_>>()
                        .join(" ")
                ));
            }
        }
    }
}

#[test]
fn a_group_reads_a_stream_and_its_replicas_know_who_has_what() {
    let mut t = Table::new();
    t.run("XADD s 1-1 f v");
    t.run("XADD s 2-* f w");
    assert_eq!(t.stream, ["XADD s 2-0 f w"]);
    t.run("XGROUP CREATE s g 0");
    t.run("XREADGROUP GROUP g c STREAMS s >");
    let claims = [("1-1", "1-1"), ("2-0", "2-0")].map(|(id, last)| {
        format!("XCLAIM s g c 0 {id} TIME 1000000 RETRYCOUNT 1 FORCE JUSTID LASTID {last}")
    });
    assert_eq!(t.stream, claims);
    t.run("XADD s MAXLEN ~ 1 3-0 f x");
    assert_eq!(t.stream, ["XADD s MAXLEN = 3 3-0 f x"]);
    t.run("XACK s g 1-1 2-0");
    assert!(t.run("XPENDING s g").contains('0'));
    t.run("BITFIELD b OVERFLOW SAT SET u8 0 300 GET u4 0");
    assert_eq!(t.run("BITCOUNT b"), "8");
}

#[test]
fn places_values_and_sorted_lists() {
    let mut t = Table::new();
    t.run("GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania");
    assert_eq!(
        t.stream,
        ["zadd g 3479099956230698 Palermo 3479447370796909 Catania"]
    );
    assert!(t.run("GEOPOS g Palermo").contains("13.36138933897018433"));
    assert!(t.run("GEODIST g Palermo Catania km").contains("166.2742"));
    assert!(t.run("GEOHASH g Palermo").contains("sqc8b49rny0"));
    t.run("RPUSH l 3 1 2");
    t.run("SORT l DESC STORE d");
    assert_eq!(t.stream, ["SORT l DESC STORE d"]);
    assert_eq!(t.run("LINDEX d 0"), t.run("LINDEX l 0"));
    assert!(
        t.run("RESTORE x 0 abc")
            .contains("payload version or checksum")
    );
}

#[test]
fn a_zero_keeps_its_sign_from_the_member_on_that_makes_the_set_large() {
    let mut t = Table::new();
    let long = "x".repeat(65);
    t.run(&format!("ZADD z -0 a -0 {long} -0 b"));
    assert_eq!(t.run("ZSCORE z a"), "0");
    assert_eq!(t.run(&format!("ZSCORE z {long}")), "-0");
    assert_eq!(t.run("ZSCORE z b"), "-0");
}
