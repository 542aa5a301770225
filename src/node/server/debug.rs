//! `DEBUG`: for tests.

use super::{Done, help, ok};
#[cfg(not(target_arch = "wasm32"))]
use crate::node::buffers::Shrinking;
use crate::node::config::memory;
use crate::node::keyspace::{Entry, Value};
use crate::node::session::lookup;
use crate::node::{Level, Node, Output, Session};
#[cfg(not(target_arch = "wasm32"))]
use crate::time::MILLISECOND_US;
use crate::wire::rdb::number::parse_double;
use crate::wire::resp::{self, parse_i64};
use crate::wire::{Bytes, rdb};

pub(super) fn debug(node: &mut Node, s: &mut Session<'_>) -> Done {
    match (s.word(1).as_str(), s.args.len()) {
        ("digest", 2) => {
            let text = hex(&node.keyspace.digest());
            resp::simple(&mut s.reply, &text);
            Ok(())
        }
        ("digest-value", 2..) => {
            resp::array_len(&mut s.reply, s.args.len() - 2);
            let db = db_of(node, s);
            for i in 2..s.args.len() {
                let digest = node.keyspace.value_digest(db, &s.args[i]);
                let text = hex(&digest.unwrap_or_default());
                resp::simple(&mut s.reply, &text);
            }
            Ok(())
        }
        ("sleep", 3) => {
            let seconds = parse_double(s.text(2).as_bytes()).unwrap_or(0.0);
            let us = (seconds.max(0.0) * 1e6) as u64;
            node.host.sleep(us);
            ok(s)
        }
        ("set-active-expire", 3) => {
            node.active_expire = s.text(2) != "0";
            ok(s)
        }
        ("pause-cron", 3) => {
            node.cron_paused = s.text(2) != "0";
            node.heed_signal(s.out);
            ok(s)
        }
        ("change-repl-id", 2) => {
            let text = "Changing replication IDs after receiving DEBUG change-repl-id";
            s.out.log(Level::Warning, text);
            node.history.renew(&mut node.rng);
            ok(s)
        }
        ("log", 3) => {
            let text = format!("DEBUG LOG: {}", s.text(2));
            s.out.log(Level::Warning, text);
            ok(s)
        }
        ("error", 3) => {
            let text = s.args[2].clone();
            resp::error(&mut s.reply, &text);
            Ok(())
        }
        ("replicate", 3..) => {
            let args = s.args[2..].to_vec();
            node.feed_in_current_db(&args, s.out);
            ok(s)
        }
        ("config-rewrite-force-all", 2) => {
            let written = super::settings::rewrite(node, true);
            written.map_err(|why| format!("ERR CONFIG-REWRITE-FORCE-ALL failed: {why}"))?;
            ok(s)
        }
        ("populate", 3..=5) => populate(node, s),
        ("reload", _) => reload(node, s),
        ("object", 3) => object(node, s),
        ("protocol", 3) => protocol(s),
        ("listpack" | "quicklist", 3..=4) => structure(node, s),
        ("htstats", 3) => {
            let db = parse_i64(&s.args[2]).ok_or("ERR value is not an integer or out of range")?;
            let db = usize::try_from(db)
                .ok()
                .filter(|db| *db < node.keyspace.databases());
            let db = db.ok_or("ERR Out of range database")?;
            let text = format!(
                "[Dictionary HT]\n{}[Expires HT]\n{}",
                table_stats(node.keyspace.len(db)),
                table_stats(node.keyspace.expires(db))
            );
            s.reply.verbatim(*b"txt", text.as_bytes());
            Ok(())
        }
        ("htstats-key", 3) => {
            let entry = entry(node, s, 2)?;
            if !matches!(entry.encoding(), "hashtable" | "skiplist") {
                return Err("ERR The value stored at the specified key is not represented using an hash table".into());
            }
            let text = table_stats(entry.value.size());
            s.reply.verbatim(*b"txt", text.as_bytes());
            Ok(())
        }
        ("sdslen", 3) => {
            let entry = entry(node, s, 2)?;
            let Value::String(text) = &entry.value else {
                return Err("ERR Not an sds encoded string.".into());
            };
            let (key, len) = (s.args[2].len(), text.len());
            let text = format!(
                "key_sds_len:{key}, key_sds_avail:0, key_zmalloc: {key}, val_sds_len:{len}, val_sds_avail:0, val_zmalloc: {len}"
            );
            resp::simple(&mut s.reply, &text);
            Ok(())
        }
        ("structsize", 2) => {
            let text = format!("bits:{} entry:{} ", usize::BITS, size_of::<Entry>());
            resp::bulk(&mut s.reply, text.as_bytes());
            Ok(())
        }
        ("quicklist-packed-threshold", 3) => {
            let size = memory(&s.args[2]).filter(|size| *size < 4 << 30);
            size.ok_or("ERR argument must be a memory value bigger than 1 and smaller than 4gb")?;
            ok(s)
        }
        // What they would change is not here, or not visible.
        ("set-skip-checksum-validation", 3) => {
            node.keyspace.unchecked = s.text(2) != "0";
            ok(s)
        }
        ("aof-flush-sleep" | "set-disable-deny-scripts" | "leak" | "dict-resizing", 3)
        | ("jmap" | "stringmatch-test", 2) => ok(s),
        #[cfg(not(target_arch = "wasm32"))]
        ("replybuffer", 4) if ["peak-reset-time", "resizing"].contains(&s.word(2).as_str()) => {
            reply_buffer(node, s)
        }
        #[cfg(not(target_arch = "wasm32"))]
        ("client-eviction", 2) => client_eviction(node, s),
        ("segfault" | "panic" | "assert" | "oom", 2) => {
            crash(node, s);
            Ok(())
        }
        ("help", 2) => help(s, HELP),
        _ => Err(format!(
            "ERR unknown subcommand or wrong number of arguments for '{}'. Try DEBUG HELP.",
            s.text(1)
        )),
    }
}

const HELP: &[(&str, &str)] = &[
    ("CHANGE-REPL-ID", "Takes a new replication id."),
    ("DIGEST", "A digest of all data."),
    ("DIGEST-VALUE <key> [<key> ...]", "Digests of some keys."),
    ("ERROR <string>", "Answers with this error."),
    ("HTSTATS <dbid>", "How many keys a database has."),
    ("HTSTATS-KEY <key>", "How many elements a value has."),
    (
        "LISTPACK <key>",
        "Writes the elements of a small value into the log.",
    ),
    ("LOG <message>", "Writes a line into the log."),
    ("OBJECT <key>", "How a value is stored."),
    (
        "OOM, PANIC, ASSERT, SEGFAULT",
        "Ends the process as a crash would.",
    ),
    (
        "PAUSE-CRON <0|1>",
        "Stops what is done once a second, or goes on with it.",
    ),
    (
        "POPULATE <count> [<prefix>] [<size>]",
        "Makes keys, of which replicas are not told.",
    ),
    (
        "PROTOCOL <type>",
        "Answers with a value of a type of the protocol.",
    ),
    (
        "QUICKLIST <key> [<0|1>]",
        "Writes the elements of a list into the log.",
    ),
    (
        "RELOAD [MERGE] [NOFLUSH] [NOSAVE]",
        "Writes the snapshot and reads it again.",
    ),
    (
        "REPLICATE <string>",
        "Sends a command to the replicas that is not run here.",
    ),
    (
        "SET-ACTIVE-EXPIRE <0|1>",
        "Whether keys expire that nobody asks for.",
    ),
    ("SLEEP <seconds>", "Does nothing for so long."),
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn db_of(node: &Node, s: &Session<'_>) -> usize {
    node.clients.get(&s.conn).map_or(0, |client| client.db)
}

fn entry<'a>(node: &'a Node, s: &Session<'_>, arg: usize) -> Result<&'a Entry, String> {
    let entry = node.keyspace.get(db_of(node, s), &s.args[arg]);
    entry.ok_or_else(|| "ERR no such key".into())
}

fn table_stats(size: usize) -> String {
    if size == 0 {
        return "No stats available for empty dictionaries\n".into();
    }
    let slots = size.next_power_of_two().max(4);
    format!(
        "Hash table 0 stats (main hash table):\n table size: {slots}\n number of elements: {size}\n"
    )
}

/// Keys `key:0`, `key:1` … with a value; those that exist are left alone.
fn populate(node: &mut Node, s: &mut Session<'_>) -> Done {
    let number = |i: usize| {
        let n = s.args.get(i).map(|arg| parse_i64(arg));
        match n {
            None => Ok(0),
            Some(Some(n)) if n >= 0 => Ok(n as usize),
            Some(Some(_)) => Err("ERR value is out of range, must be positive"),
            Some(None) => Err("ERR value is not an integer or out of range"),
        }
    };
    let (count, size) = (number(2)?, number(4)?);
    let prefix = if s.args.len() > 3 {
        s.text(3)
    } else {
        "key".into()
    };
    let db = db_of(node, s);
    for i in 0..count {
        let key: Bytes = format!("{prefix}:{i}").into_bytes().into();
        if node.keyspace.get(db, &key).is_some() {
            continue;
        }
        let mut value = format!("value:{i}").into_bytes();
        if size > 0 {
            value.resize(size, 0);
        }
        let value = Value::String(value.into());
        node.keyspace.insert(db, key, Entry::new(value));
    }
    ok(s)
}

/// Through the snapshot and back; or, with `NOSAVE`, from the file that is there.
fn reload(node: &mut Node, s: &mut Session<'_>) -> Done {
    let (mut merge, mut flush, mut save) = (false, true, true);
    for i in 2..s.args.len() {
        match s.word(i).as_str() {
            "merge" => merge = true,
            "noflush" => flush = false,
            "nosave" => save = false,
            _ => {
                return Err(
                    "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.".into(),
                );
            }
        }
    }
    let file = if save {
        let work = node.new_save();
        s.out.push(Output::Save(Box::new(work.clone())));
        node.stats.dirty = 0;
        node.stats.last_save_unix_s = node.now.unix_s();
        Some(work.finish())
    } else {
        node.host.snapshot(&node.config.dbfilename)
    };
    let file = file.ok_or("ERR Error trying to load the RDB dump")?;
    if flush {
        node.keyspace.flush_all();
    }
    if node.reload(file, merge, s.out) {
        return ok(s);
    }
    Err("ERR Error trying to load the RDB dump".into())
}

fn object(node: &mut Node, s: &mut Session<'_>) -> Done {
    let entry = entry(node, s, 2)?.clone();
    let encoding = entry.encoding();
    let shape = node.keyspace.shape(&entry.value);
    let value = crate::node::keyspace::rdb_value(&entry.value);
    let bytes = rdb::write::dump(&value, shape, node.config.rdbcompression);
    let len = bytes.len().saturating_sub(11);
    let extra = if let rdb::Value::List(elements) = &value {
        let (nodes, size) = shape.nodes(elements);
        let depth = node.config.get("list-compress-depth").unwrap_or_default();
        format!(
            " ql_nodes:{nodes} ql_avg_node:{:.2} ql_listpack_max:{} ql_compressed:{} ql_uncompressed_size:{size}",
            elements.len() as f64 / nodes as f64,
            shape.list_node,
            u8::from(depth != "0"),
        )
    } else {
        String::new()
    };
    let text = format!(
        "Value at:0x0 refcount:{} encoding:{encoding} serializedlength:{len} lru:{} lru_seconds_idle:{}{extra}",
        entry.refcount(node.shares_numbers()),
        entry.access,
        node.keyspace.clock.idle_s(entry.access),
    );
    resp::simple(&mut s.reply, &text);
    Ok(())
}

fn structure(node: &mut Node, s: &mut Session<'_>) -> Done {
    let kind = s.word(1);
    let entry = entry(node, s, 2)?;
    if entry.encoding() != kind {
        let article = if kind == "listpack" {
            "Not a listpack"
        } else {
            "Not a quicklist"
        };
        return Err(format!("ERR {article} encoded object."));
    }
    let text = format!("{kind} of {} elements", entry.value.size());
    s.out.log(Level::Debug, text);
    let title = if kind == "listpack" {
        "Listpack"
    } else {
        "Quicklist"
    };
    resp::simple(
        &mut s.reply,
        &format!("{title} structure printed on stdout"),
    );
    Ok(())
}

/// A value of each type that the protocol has.
fn protocol(s: &mut Session<'_>) -> Done {
    let kind = s.word(2);
    let reply = &mut s.reply;
    match kind.as_str() {
        "string" => resp::bulk(reply, b"Hello World"),
        "integer" => resp::integer(reply, 12345),
        "double" => reply.number("3.141"),
        "bignum" => reply.big_number("1234567999999999999999999999999999999"),
        "null" => reply.nil(),
        "array" => {
            resp::array_len(reply, 3);
            (0..3).for_each(|n| resp::integer(reply, n));
        }
        "set" => {
            reply.set(3);
            (0..3).for_each(|n| resp::integer(reply, n));
        }
        "map" => {
            reply.map(3);
            for n in 0..3 {
                resp::integer(reply, n);
                reply.boolean(n == 1);
            }
        }
        "attrib" => {
            if reply.resp3 {
                reply.extend_from_slice(b"|1\r\n");
                resp::bulk(reply, b"key-popularity");
                resp::array_len(reply, 2);
                resp::bulk(reply, b"key:123");
                resp::integer(reply, 90);
            }
            resp::bulk(reply, b"Some real reply following the attribute");
        }
        "push" if !reply.resp3 => return Err("ERR RESP2 is not supported by this command".into()),
        "push" => {
            reply.push_len(2);
            resp::bulk(reply, b"server-cpu-usage");
            resp::integer(reply, 42);
            resp::bulk(reply, b"Some real reply following the push reply");
        }
        "true" => reply.boolean(true),
        "false" => reply.boolean(false),
        "verbatim" => reply.verbatim(*b"txt", b"This is a verbatim\nstring"),
        _ => {
            return Err("ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|\
                        array|set|map|attrib|push|verbatim|true|false"
                .into());
        }
    }
    Ok(())
}

/// The process ends at once, with the lines in the log that tools look for.
fn crash(node: &Node, s: &mut Session<'_>) {
    let kind = s.word(1);
    let line = match kind.as_str() {
        "segfault" => "Redis 7.0.15 crashed by signal: 11, si_code: 2".to_string(),
        "oom" => "Out Of Memory allocating 9223372036854775807 bytes!".into(),
        "assert" => "ASSERTION FAILED: '1 == 2' is not true".into(),
        _ => format!(
            "Guru Meditation: DEBUG PANIC called at Unix time {} #debug.rs",
            node.now.unix_s()
        ),
    };
    for text in [
        "=== REDIS BUG REPORT START: Cut & paste starting from here ===",
        &line,
    ] {
        s.out.log(Level::Warning, text);
    }
    let id = lookup(&s.args).map_or(0, |command| command.id);
    let text = format!(
        "command {id}, {} clients, {} keys",
        node.clients.len(),
        node.keyspace.len(0)
    );
    s.out.log(Level::Warning, text);
    s.out.log(Level::Warning, "=== REDIS BUG REPORT END. ===");
    // As a shell tells the end by SIGSEGV (11) or SIGABRT (6).
    s.out
        .push(Output::Exit(if kind == "segfault" { 139 } else { 134 }));
}

// What follows is asked of a server and by its tests, not on the page.

/// `DEBUG REPLYBUFFER PEAK-RESET-TIME never|reset|milliseconds`, `RESIZING 0|1`.
#[cfg(not(target_arch = "wasm32"))]
fn reply_buffer(node: &mut Node, s: &mut Session<'_>) -> Done {
    let shrinking = &mut node.shrinking;
    match (s.word(2).as_str(), s.word(3).as_str()) {
        ("resizing", value) => shrinking.on = value != "0",
        (_, "never") => shrinking.after_us = None,
        (_, "reset") => shrinking.after_us = Shrinking::default().after_us,
        (_, ms) => {
            let ms = parse_i64(ms.as_bytes());
            let ms = ms.ok_or("ERR value is not an integer or out of range")?;
            shrinking.after_us = u64::try_from(ms).ok().map(|ms| ms * MILLISECOND_US);
        }
    }
    ok(s)
}

/// `DEBUG CLIENT-EVICTION`: how many clients use how much, by powers of two.
#[cfg(not(target_arch = "wasm32"))]
fn client_eviction(node: &mut Node, s: &mut Session<'_>) -> Done {
    const FIRST: u32 = 15;
    if node.clients_most == 0 {
        return Err("ERR maxmemory-clients is disabled.".into());
    }
    let mut buckets = [(0, 0); 19];
    for (conn, client) in node.clients.iter().filter(|(_, c)| c.replica.is_none()) {
        let bytes = node.client_memory(*conn, client);
        let place = (bytes.max(1).ilog2() + 1).saturating_sub(FIRST).min(18);
        let bucket = &mut buckets[place as usize];
        *bucket = (bucket.0 + bytes, bucket.1 + 1);
    }
    let mut text = String::new();
    for (i, (bytes, clients)) in (FIRST..).zip(buckets) {
        let from = if i == FIRST { 0 } else { 1_u64 << (i - 1) };
        let to = match i {
            33 => "+            ".into(),
            i => format!(" - {:>10}", (1_u64 << i) - 1),
        };
        text += &format!("bucket {from:>10}{to}: tot-mem: {bytes:>10}, clients: {clients}\n");
    }
    s.reply.verbatim(*b"txt", text.as_bytes());
    Ok(())
}
