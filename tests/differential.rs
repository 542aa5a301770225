//! Random commands, played to `ringside server` and to a real `redis-server`: every reply, every byte of the replication
//! stream and `DEBUG DIGEST` must be equal. Each seed is one short stream over one or two families of commands; a stream
//! that differs is cut down to what is needed and printed.
//!
//! `SEEDS=n` plays so many streams, or `SEEDS=a..b` those; by default 2000, or as many as fit into a minute.
//! `FAMILY=name` keeps to one family.

#[path = "redis/client.rs"]
#[allow(dead_code)]
mod client;
#[path = "redis/process.rs"]
#[allow(dead_code)]
mod process;
#[path = "differential/scenes.rs"]
mod scenes;
#[path = "differential/words.rs"]
mod words;

use process::{Server, ours, real};
use ringside::rng::Rng;
use ringside::wire::rdb::stream::{Id, Stream};
use ringside::wire::rdb::write::{Shape, dump};
use ringside::wire::rdb::{Value, read};
use ringside::wire::resp::{self, Reply};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use words::{FAMILIES, OPTIONAL, WORDS};

type Args = Vec<Vec<u8>>;

const PATIENCE: Duration = Duration::from_secs(10);
const MINUTE: Duration = Duration::from_secs(60);

/// A server, a client of it, and a replica that only listens.
struct Side {
    server: Server,
    client: TcpStream,
    inbuf: Vec<u8>,
    replica: TcpStream,
    stream: Vec<u8>,
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("a server that listens");
    stream.set_nodelay(true).expect("a socket");
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("a socket with a timeout");
    stream
}

fn more(from: &mut TcpStream, into: &mut Vec<u8>) -> Result<(), String> {
    let mut chunk = [0; 65536];
    match from.read(&mut chunk) {
        Ok(0) => Err("the connection was closed".into()),
        Ok(n) => {
            into.extend_from_slice(&chunk[..n]);
            Ok(())
        }
        Err(error) => Err(format!("nothing came: {error}")),
    }
}

impl Side {
    fn new(server: Server) -> Self {
        let client = connect(server.port);
        let mut replica = connect(server.port);
        replica.write_all(b"SYNC\r\n").expect("a server that reads");
        let mut stream = vec![];
        loop {
            let start = stream.iter().take_while(|&&b| b == b'\n').count();
            stream.drain(..start);
            let eol = stream.windows(2).position(|w| w == b"\r\n");
            if let Some(eol) = eol {
                let len: usize = String::from_utf8_lossy(&stream[1..eol])
                    .parse()
                    .expect("a snapshot with a length");
                if stream.len() >= eol + 2 + len {
                    stream.drain(..eol + 2 + len);
                    break;
                }
            }
            more(&mut replica, &mut stream).expect("a snapshot");
        }
        let mut side = Self {
            server,
            client,
            inbuf: vec![],
            replica,
            stream,
        };
        side.play(&[line("DEBUG SET-ACTIVE-EXPIRE 0")])
            .expect("a server that answers");
        side
    }

    /// Sends all commands at once, but for the pauses, and collects the replies.
    fn play(&mut self, commands: &[Args]) -> Result<Vec<Reply>, String> {
        let mut replies = vec![];
        for (number, part) in commands.split(is_pause).enumerate() {
            if number > 0 {
                std::thread::sleep(Duration::from_millis(4));
                replies.push(Reply::Nil);
            }
            let mut bytes = vec![];
            part.iter()
                .for_each(|args| resp::command_into(&mut bytes, args));
            self.client.write_all(&bytes).map_err(|e| e.to_string())?;
            for _ in part {
                loop {
                    if let Some((reply, len)) = resp::reply(&self.inbuf)? {
                        self.inbuf.drain(..len);
                        replies.push(reply);
                        break;
                    }
                    more(&mut self.client, &mut self.inbuf)?;
                }
            }
        }
        Ok(replies)
    }

    /// What came down the replication stream before this marker.
    fn until(&mut self, marker: &[u8]) -> Result<Vec<Args>, String> {
        let mut out = vec![];
        loop {
            while let Some(request) = resp::request(&self.stream, resp::Limits::MASTER)? {
                self.stream.drain(..request.len);
                let args: Args = request.args.iter().map(|a| a.to_vec()).collect();
                match args.first().map(Vec::as_slice) {
                    None | Some(b"PING" | b"ping") => {}
                    Some(b"SET") if args.get(1).is_some_and(|a| a == marker) => return Ok(out),
                    _ => out.push(args),
                }
            }
            more(&mut self.replica, &mut self.stream)?;
        }
    }
}

fn line(text: &str) -> Args {
    text.split(' ')
        .map(|word| word.as_bytes().to_vec())
        .collect()
}

fn is_pause(args: &Args) -> bool {
    matches!(&args[..], [one] if one == b"PAUSE")
}

fn shown(args: &Args) -> String {
    let words = args.iter().map(|arg| match arg.len() {
        0..=200 => resp::quote(arg),
        len => format!("<{len} bytes>"),
    });
    words.collect::<Vec<_>>().join(" ")
}

// --- making streams --------------------------------------------------------------------------------------------------

fn pick<'a, T>(rng: &mut Rng, choices: &'a [T]) -> &'a T {
    &choices[rng.below(choices.len() as u64) as usize]
}

fn fill(rng: &mut Rng, word: &str, out: &mut Args) {
    let text = match word {
        "M" => match rng.below(40) {
            0 => "x".repeat(65),
            n @ 1..20 => n.to_string(),
            n => format!("m{n}"),
        },
        "Mi" => rng.below(30).to_string(),
        "MANY" => {
            let from = rng.below(100_000);
            out.extend((from..from + 300).map(|n| n.to_string().into_bytes()));
            return;
        }
        "PAYLOAD" => {
            out.push(payload(rng));
            return;
        }
        _ => match WORDS.iter().find(|(name, _)| *name == word) {
            Some((_, choices)) => (*pick(rng, choices)).to_owned(),
            None => word.to_owned(),
        },
    };
    if OPTIONAL.contains(&word) {
        out.extend(
            text.split(' ')
                .filter(|w| !w.is_empty())
                .map(|w| w.as_bytes().to_vec()),
        );
    } else {
        out.push(text.into_bytes());
    }
}

/// What `DUMP` would give, at times with a byte that is wrong.
fn payload(rng: &mut Rng) -> Vec<u8> {
    let texts = |n: u64| {
        (0..n)
            .map(|i| format!("{}", i * 7).as_bytes().into())
            .collect()
    };
    let value: Value = match rng.below(7) {
        0 => Value::String(b"hello"[..].into()),
        1 => Value::List(texts(30)),
        2 => Value::Set(texts(4)),
        3 => Value::Hash(vec![(b"1"[..].into(), b"2"[..].into())]),
        4 => Value::Zset(vec![(b"1"[..].into(), 2.5), (b"2"[..].into(), -1.0)]),
        _ => {
            let mut stream = Stream::default();
            for seq in 1..=1 + rng.below(5) {
                let field = if seq == 4 { b"h" } else { b"f" };
                stream.push(
                    Id { ms: 5, seq },
                    [field[..].into(), b"v"[..].into()].into(),
                );
            }
            stream.remove(Id { ms: 5, seq: 2 });
            Value::Stream(stream.into())
        }
    };
    let mut bytes = dump(&value, Shape::SMALL, true);
    if rng.below(10) == 0 {
        bytes[1] ^= 1;
    }
    bytes
}

fn command(rng: &mut Rng, template: &str) -> Args {
    let mut out = vec![];
    for (number, word) in template.split(' ').enumerate() {
        match number {
            0 if rng.below(10) == 0 => out.push(word.to_lowercase().into_bytes()),
            0 => out.push(word.as_bytes().to_vec()),
            _ => fill(rng, word, &mut out),
        }
    }
    out
}

/// The stream of a seed.
fn stream(seed: u64, family: Option<&str>) -> Vec<Args> {
    let mut rng = Rng::new(seed);
    let all: Vec<&[&str]> = FAMILIES
        .iter()
        .filter(|(name, _)| family.is_none_or(|f| f == *name))
        .map(|(_, templates)| *templates)
        .collect();
    let families = [*pick(&mut rng, &all), *pick(&mut rng, &all)];
    let mut out = vec![];
    if rng.below(3) == 0 {
        out.push(line("HELLO 3"));
    }
    let mut multi = false;
    for _ in 0..10 + rng.below(30) {
        match rng.below(60) {
            0 if !multi => {
                out.push(line("MULTI"));
                multi = true;
            }
            0..10 if multi => {
                out.push(line(if rng.below(8) == 0 { "DISCARD" } else { "EXEC" }));
                multi = false;
            }
            1 => out.push(line(&format!("SELECT {}", rng.below(3)))),
            2 if !multi => {
                let key = ["a", "l1", "h1", "s1", "z1"][rng.below(5) as usize];
                out.push(line(&format!("PEXPIRE {key} 1")));
                out.push(line("PAUSE"));
            }
            // What was about to expire has done so before the file is written.
            3 if !multi => out.extend(["PAUSE", "DEBUG RELOAD"].map(line)),
            n => {
                let family = families[(n % 4 == 3) as usize];
                let template = *pick(&mut rng, family);
                let args = command(&mut rng, template);
                out.push(args);
            }
        }
    }
    if multi {
        out.push(line("EXEC"));
    }
    out
}

// --- comparing -------------------------------------------------------------------------------------------------------

fn name(args: &Args) -> String {
    String::from_utf8_lossy(&args[0]).to_lowercase()
}

/// Whether what the command does depends on chance or on the clock: its reply is compared by its form, and the stream
/// ends with it.
fn by_chance(args: &Args) -> bool {
    match &name(args)[..] {
        "spop" | "randomkey" => true,
        // which of those at the same distance
        name if name.starts_with("geo") => args.iter().any(|arg| arg == b"COUNT"),
        "xadd" => args.iter().skip(2).any(|arg| arg == b"*"),
        _ => false,
    }
}

fn sorted(reply: &Reply) -> Reply {
    match reply {
        Reply::Array(items) => {
            let mut items: Vec<Reply> = items.iter().map(sorted).collect();
            items.sort_by_key(|item| format!("{item:?}"));
            Reply::Array(items)
        }
        // a map's values stay with their names
        Reply::Group('%', items) => {
            let mut pairs: Vec<_> = items.chunks(2).map(<[Reply]>::to_vec).collect();
            pairs.sort_by_key(|pair| format!("{pair:?}"));
            Reply::Group('%', pairs.concat())
        }
        Reply::Group(mark, items) => {
            let mut items: Vec<Reply> = items.iter().map(sorted).collect();
            items.sort_by_key(|item| format!("{item:?}"));
            Reply::Group(*mark, items)
        }
        other => other.clone(),
    }
}

/// Numbers that are times may differ by the time that the test takes.
fn close(a: i64, b: i64) -> bool {
    a == b || a > 0 && b > 0 && (a - b).abs() < 3000
}

fn form(reply: &Reply) -> String {
    match reply {
        // pairs have a form of their own
        Reply::Array(items) if matches!(items.first(), Some(Reply::Array(_))) => {
            format!("{} times {}", items.len(), form(&items[0]))
        }
        Reply::Array(items) => format!("{} items", items.len()),
        Reply::Group(mark, items) => format!("{mark}{} items", items.len()),
        Reply::Bulk(_) => "bulk".into(),
        Reply::Scalar(mark, _) => format!("{mark}"),
        other => format!("{other:?}"),
    }
}

fn times(a: &Reply, b: &Reply) -> bool {
    match (a, b) {
        (Reply::Integer(a), Reply::Integer(b)) => close(*a, *b),
        (Reply::Array(a), Reply::Array(b)) | (Reply::Group(_, a), Reply::Group(_, b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| times(a, b))
        }
        _ => a == b,
    }
}

fn same(args: &Args, a: &Reply, b: &Reply) -> bool {
    let has = |word: &str| {
        args.iter()
            .any(|arg| arg.eq_ignore_ascii_case(word.as_bytes()))
    };
    match &name(args)[..] {
        _ if a == b => true,
        _ if by_chance(args) => form(a) == form(b),
        "smembers" | "sinter" | "sunion" | "sdiff" | "hgetall" | "hkeys" | "hvals" | "keys"
        | "scan" | "hscan" | "sscan" | "zscan" => sorted(a) == sorted(b),
        "hello" | "srandmember" | "hrandfield" | "zrandmember" => form(a) == form(b),
        "ttl" | "pttl" | "expiretime" | "pexpiretime" | "xpending" | "xinfo" => times(a, b),
        "object" if has("idletime") => times(a, b),
        // LZF may pack the same bytes in more than one way
        "dump" => match (a, b) {
            (Reply::Bulk(a), Reply::Bulk(b)) => {
                let value =
                    |bytes| read::dumped(bytes, false).and_then(|body| read::value(body).ok()?);
                match (value(a), value(b)) {
                    (Some(Value::Set(a)), Some(Value::Set(b))) => a.len() == b.len(),
                    // SORT turns a packed sorted set into a skip list
                    (Some(Value::Zset(a)), Some(Value::Zset(b))) => a.len() == b.len(),
                    (a, b) => a.is_some() && a == b,
                }
            }
            _ => false,
        },
        // among equals there is no order
        "sort" | "sort_ro" if has("alpha") && has("by") => form(a) == form(b),
        _ => false,
    }
}

/// The commands of a replication stream, with the deletions that one command made in some order.
fn tidied(mut stream: Vec<Args>) -> Vec<Args> {
    for part in stream.split_mut(|args| args[0] != b"DEL") {
        part.sort();
    }
    stream
}

fn same_stream(a: &[Args], b: &[Args]) -> bool {
    let same_arg = |a: &Vec<u8>, b: &Vec<u8>| {
        a == b
            || match (resp::parse_i64(a), resp::parse_i64(b)) {
                (Some(a), Some(b)) => a > 1_000_000_000_000 && close(a, b),
                _ => false,
            }
    };
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|(a, b)| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_arg(a, b)))
}

struct Pair {
    real: Side,
    ours: Side,
    runs: u64,
    commands: u64,
}

impl Pair {
    fn new() -> Self {
        let options = ["--repl-ping-replica-period", "3600"];
        Self {
            real: Side::new(real(
                &[&options[..], &["--repl-diskless-sync", "no"]].concat(),
            )),
            ours: Side::new(ours(&options)),
            runs: 0,
            commands: 0,
        }
    }

    /// Plays a stream to both; what differs, if anything.
    fn difference(&mut self, commands: &[Args]) -> Result<Option<String>, String> {
        self.runs += 1;
        let chance = commands.iter().position(by_chance);
        let mut all = commands[..chance.map_or(commands.len(), |at| at + 1)].to_vec();
        let played = all.len();
        self.commands += played as u64;
        let in_multi = all.iter().fold(false, |open, args| match &name(args)[..] {
            "multi" => true,
            "exec" | "discard" => false,
            _ => open,
        });
        if in_multi {
            all.push(line("EXEC"));
        }
        let marker = format!("marker{}", self.runs);
        all.extend([line("DEBUG DIGEST"), line("HELLO 2"), line("SELECT 0")]);
        all.push(line(&format!("SET {marker} 1")));
        all.push(line("FLUSHALL"));
        let a = self.real.play(&all)?;
        let b = self
            .ours
            .play(&all)
            .map_err(|text| format!("ringside: {text}"))?;
        let mut queue: Vec<&Args> = vec![];
        let mut open = false;
        let mut found = None;
        for ((args, a), b) in all.iter().zip(&a).zip(&b) {
            let equal = match (&name(args)[..], a, b) {
                ("exec", Reply::Array(x), Reply::Array(y)) if x.len() == queue.len() => {
                    x.len() == y.len()
                        && queue
                            .iter()
                            .zip(x.iter().zip(y))
                            .all(|(args, (x, y))| same(args, x, y))
                }
                ("debug", ..) if chance.is_some() => true,
                _ => same(args, a, b),
            };
            match &name(args)[..] {
                "multi" => (open, queue) = (true, vec![]),
                "exec" | "discard" => open = false,
                _ if open && *a == Reply::Simple("QUEUED".into()) => queue.push(args),
                _ => {}
            }
            if !equal && found.is_none() {
                found = Some(format!(
                    "{}\n  redis:    {}\n  ringside: {}",
                    shown(args),
                    a.pretty(),
                    b.pretty()
                ));
            }
        }
        let a = tidied(self.real.until(marker.as_bytes())?);
        let b = tidied(
            self.ours
                .until(marker.as_bytes())
                .map_err(|t| format!("ringside: {t}"))?,
        );
        // the marker of the next run follows a FLUSHALL
        let equal = if chance.is_some() {
            let forms = |s: &[Args]| s.iter().map(|c| (name(c), c.len())).collect::<Vec<_>>();
            forms(&a) == forms(&b)
        } else {
            same_stream(&a, &b)
        };
        if !equal && found.is_none() {
            let text = |s: &[Args]| s.iter().map(shown).collect::<Vec<_>>().join("\n    ");
            found = Some(format!(
                "replication streams\n  redis:\n    {}\n  ringside:\n    {}",
                text(&a),
                text(&b)
            ));
        }
        Ok(found)
    }

    /// Leaves out whatever the difference does not need.
    fn shrink(&mut self, mut commands: Vec<Args>) -> Vec<Args> {
        let mut size = commands.len() / 2;
        while size > 0 {
            let mut at = 0;
            while at < commands.len() {
                let mut fewer = commands.clone();
                fewer.drain(at..(at + size).min(commands.len()));
                if matches!(self.difference(&fewer), Ok(Some(_))) {
                    commands = fewer;
                } else {
                    at += size;
                }
            }
            size /= 2;
        }
        commands
    }
}

#[test]
fn ringside_answers_as_redis_does() {
    let setting = std::env::var("SEEDS").ok();
    let family = std::env::var("FAMILY").ok();
    let (from, to) = match setting
        .as_deref()
        .map(|s| s.split_once("..").unwrap_or(("0", s)))
    {
        Some((from, to)) => (
            from.parse().expect("SEEDS=n or a..b"),
            to.parse().expect("SEEDS=n or a..b"),
        ),
        None => (0, 2000),
    };
    let begin = Instant::now();
    let mut pair = Pair::new();
    let mut failures = vec![];
    let mut played = 0;
    for seed in from..to {
        if setting.is_none() && begin.elapsed() > MINUTE {
            break;
        }
        played += 1;
        let commands = stream(seed, family.as_deref());
        match pair.difference(&commands) {
            Ok(None) => {}
            // a millisecond passed here and not there
            Ok(Some(_)) if matches!(pair.difference(&commands), Ok(None)) => {}
            Ok(Some(_)) => {
                let small = pair.shrink(commands);
                let text = pair.difference(&small);
                let small: Vec<String> = small.iter().map(shown).collect();
                failures.push(match text {
                    Ok(Some(text)) => format!("seed {seed}:\n{}\n=> {text}", small.join("\n")),
                    other => format!("seed {seed}: not every time ({other:?})"),
                });
            }
            Err(text) => {
                let small: Vec<String> = commands.iter().map(shown).collect();
                failures.push(format!("seed {seed}: {text}\n{}", small.join("\n")));
                pair = Pair::new();
            }
        }
        if failures.len() >= 10 {
            break;
        }
    }
    eprintln!("{played} streams, {} commands", pair.commands);
    assert!(failures.is_empty(), "\n{}", failures.join("\n\n"));
}

/// The table says of every command what `COMMAND INFO` of the real server says.
#[test]
fn the_table_is_the_real_one() {
    use ringside::node::commands::{DATA, flag};
    let mut real = Side::new(real(&["--repl-diskless-sync", "no"]));
    let int = |r: &Reply| match r {
        Reply::Integer(n) => *n as i32,
        other => panic!("{other:?}"),
    };
    for spec in DATA {
        let info = real.play(&[line(&format!("COMMAND INFO {}", spec.name))]);
        let info = info.expect("a reply");
        let [Reply::Array(rows)] = &info[..] else {
            panic!("{info:?}")
        };
        let Reply::Array(row) = &rows[0] else {
            panic!("{} is no command", spec.name)
        };
        assert_eq!(int(&row[1]), spec.arity, "{}", spec.name);
        if matches!(spec.name, "object" | "xgroup" | "xinfo") {
            continue; // their flags and keys are those of their subcommands
        }
        let has = |f: &'static str| matches!(&row[2], Reply::Array(flags) if flags.contains(&Reply::Simple(f.into())));
        for (f, bit) in [
            ("write", flag::WRITE),
            ("readonly", flag::READONLY),
            ("denyoom", flag::DENYOOM),
            ("fast", flag::FAST),
        ] {
            assert_eq!(has(f), spec.flags & bit != 0, "{} {f}", spec.name);
        }
        let keys = (int(&row[3]), int(&row[4]), int(&row[5]));
        assert_eq!(keys, spec.keys, "{}", spec.name);
    }
    drop(real.server);
}
