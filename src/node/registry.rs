//! All commands and subcommands in one table, made once out of the rows in Rust and of `facts.txt`: found by name, known
//! by number.

use super::commands::{self, Handler, Spec, flag};
use super::server;
use crate::wire::Bytes;
use std::sync::OnceLock;

/// A command, or a subcommand (`config|get`), which has its command's handler.
pub struct Command {
    /// Its place in [`all`].
    pub id: usize,
    /// Lower case, as `COMMAND` lists it.
    pub name: &'static str,
    /// Number of arguments with the name; negative for "at least".
    pub arity: i32,
    pub flags: u32,
    /// First key, last key (negative from the end), step; zeros when there are no keys.
    pub keys: (i32, i32, i32),
    pub hint: &'static str,
    pub handler: Handler,
    /// Numbers of the subcommands.
    pub subcommands: Vec<usize>,
    pub parent: Option<usize>,
    facts: Facts,
}

/// The columns of `facts.txt` that only `COMMAND` asks for.
#[derive(Clone, Copy, Default)]
struct Facts {
    categories: &'static str,
    tips: &'static str,
    keys: &'static str,
    origin: &'static str,
}

/// Names of flags, in the order in which `COMMAND INFO` lists them.
const FLAGS: [(u32, &str); 20] = [
    (flag::WRITE, "write"),
    (flag::READONLY, "readonly"),
    (flag::DENYOOM, "denyoom"),
    (flag::ADMIN, "admin"),
    (flag::PUBSUB, "pubsub"),
    (flag::NOSCRIPT, "noscript"),
    (flag::BLOCKING, "blocking"),
    (flag::LOADING, "loading"),
    (flag::STALE, "stale"),
    (flag::SKIP_MONITOR, "skip_monitor"),
    (flag::SKIP_SLOWLOG, "skip_slowlog"),
    (flag::ASKING, "asking"),
    (flag::FAST, "fast"),
    (flag::NO_AUTH, "no_auth"),
    (flag::NO_MANDATORY_KEYS, "no_mandatory_keys"),
    (flag::NO_ASYNC_LOADING, "no_async_loading"),
    (flag::NO_MULTI, "no_multi"),
    (flag::MOVABLE_KEYS, "movablekeys"),
    (flag::ALLOW_BUSY, "allow_busy"),
    (flag::MAY_REPLICATE, "may_replicate"),
];

/// Access categories, in the order in which they are listed, and the flags that they follow from.
pub const CATEGORIES: [(&str, u32); 21] = [
    ("keyspace", 0),
    ("read", flag::READONLY),
    ("write", flag::WRITE),
    ("set", 0),
    ("sortedset", 0),
    ("list", 0),
    ("hash", 0),
    ("string", 0),
    ("bitmap", 0),
    ("hyperloglog", 0),
    ("geo", 0),
    ("stream", 0),
    ("pubsub", flag::PUBSUB),
    ("admin", flag::ADMIN),
    ("fast", flag::FAST),
    ("slow", 0),
    ("blocking", flag::BLOCKING),
    ("dangerous", flag::ADMIN),
    ("connection", 0),
    ("transaction", 0),
    ("scripting", 0),
];

/// Where some keys of a command are.
pub struct KeySpec {
    pub from: From,
    pub find: Find,
    /// What happens to them, as `COMMAND INFO` names it.
    pub flags: Vec<&'static str>,
}

/// Where the search begins.
pub enum From {
    Index(usize),
    /// After this word, which is looked for from here on.
    Keyword(&'static str, i64),
    Unknown,
}

/// Which arguments from there on are keys.
pub enum Find {
    Range {
        last: i64,
        step: usize,
        limit: i64,
    },
    Counted {
        count: usize,
        first: usize,
        step: usize,
    },
    Unknown,
}

impl Command {
    pub fn flag_names(&self) -> impl Iterator<Item = &'static str> {
        let flags = self.flags & !flag::MAY_REPLICATE;
        let set = FLAGS.iter().filter(move |(bit, _)| flags & bit != 0);
        set.map(|(_, name)| *name)
    }

    pub fn in_category(&self, name: &str) -> bool {
        let by_flag = |(category, bits): &(&str, u32)| *category == name && self.flags & bits != 0;
        CATEGORIES.iter().any(by_flag)
            || (name == "slow" && self.flags & flag::FAST == 0)
            || self.facts.categories.split(' ').any(|own| own == name)
    }

    pub fn categories(&self) -> impl Iterator<Item = &'static str> {
        let names = CATEGORIES.iter().map(|(name, _)| *name);
        names.filter(|name| self.in_category(name))
    }

    pub fn tips(&self) -> impl Iterator<Item = &'static str> {
        self.facts.tips.split(' ').filter(|tip| !tip.is_empty())
    }

    /// The group, such as `sorted-set`, and the version in which it came.
    pub fn origin(&self) -> (&'static str, &'static str) {
        self.facts
            .origin
            .split_once(' ')
            .unwrap_or(("server", "7.0.0"))
    }

    pub fn key_specs(&self) -> Vec<KeySpec> {
        let specs = self.facts.keys.split(", ").filter(|spec| !spec.is_empty());
        specs.map(key_spec).collect()
    }

    /// Places of the keys in these arguments, and what happens to them; `None` when the arguments make no sense.
    pub fn keys_of(&self, args: &[Bytes]) -> Option<Vec<(usize, Vec<&'static str>)>> {
        let mut found = Vec::new();
        for spec in self.key_specs() {
            if spec.flags.contains(&"not_key") {
                continue;
            }
            let Some(first) = spec.from.find(args) else {
                continue;
            };
            for place in spec.find.places(first, args)? {
                found.push((place, spec.flags.clone()));
            }
        }
        self.odd_keys(args, &mut found);
        if found
            .iter()
            .any(|(_, flags)| flags.contains(&"variable_flags"))
        {
            found[0].1 = self.varying(args);
        }
        (!found.is_empty()).then_some(found)
    }

    /// What happens to the key of a command that says so with its arguments.
    fn varying(&self, args: &[Bytes]) -> Vec<&'static str> {
        let rest = args.get(2..).unwrap_or_default();
        let says = |words: &[&str]| {
            let is = |arg: &Bytes| words.iter().any(|w| arg.eq_ignore_ascii_case(w.as_bytes()));
            rest.iter().any(is)
        };
        match self.name {
            "set"
                if !rest
                    .iter()
                    .skip(1)
                    .any(|arg| arg.eq_ignore_ascii_case(b"get")) =>
            {
                vec!["OW", "update"]
            }
            "bitfield" if !says(&["set", "incrby"]) => vec!["RO", "access"],
            _ => vec!["RW", "access", "update"],
        }
    }

    /// Keys that no description reaches: those that come with `STORE`, of which the last one counts.
    fn odd_keys(&self, args: &[Bytes], found: &mut Vec<(usize, Vec<&'static str>)>) {
        let stores = match self.name {
            "sort" => &[&b"store"[..]][..],
            "georadius" | "georadiusbymember" => &[&b"store"[..], b"storedist"],
            _ => return,
        };
        found.truncate(1);
        let from = if self.name == "sort" { 2 } else { 5 };
        let is = |i: &usize| stores.contains(&&args[*i].to_ascii_lowercase()[..]);
        let last = (from..args.len().saturating_sub(1)).rfind(is);
        if let Some(i) = last {
            found.push((i + 1, vec!["OW", "update"]));
        }
    }
}

fn key_spec(text: &'static str) -> KeySpec {
    let mut words = text.split(' ');
    let from = words.next().unwrap_or_default().trim_start_matches('@');
    let from = match (from.split_once(':'), from.parse()) {
        (Some((word, at)), _) => From::Keyword(word, at.parse().unwrap_or(1)),
        (None, Ok(index)) => From::Index(index),
        _ => From::Unknown,
    };
    let find = words.next().unwrap_or_default();
    let counted = find.starts_with('#');
    let numbers: Vec<i64> = find
        .trim_start_matches('#')
        .split(':')
        .filter_map(|n| n.parse().ok())
        .collect();
    let find = match numbers[..] {
        [count, first, step] if counted => Find::Counted {
            count: count as usize,
            first: first as usize,
            step: step as usize,
        },
        [last, step, limit] => Find::Range {
            last,
            step: step.max(1) as usize,
            limit,
        },
        _ => Find::Unknown,
    };
    KeySpec {
        from,
        find,
        flags: words.collect(),
    }
}

impl From {
    fn find(&self, args: &[Bytes]) -> Option<usize> {
        match self {
            Self::Index(index) => (*index < args.len()).then_some(*index),
            Self::Keyword(word, from) => {
                let is = |i: &usize| args[*i].eq_ignore_ascii_case(word.as_bytes());
                let after = |i: usize| Some(i + 1).filter(|i| *i < args.len());
                if *from >= 0 {
                    (*from as usize..args.len()).find(is).and_then(after)
                } else {
                    let end = args.len().saturating_sub(from.unsigned_abs() as usize - 1);
                    (1..end).rfind(is).and_then(after)
                }
            }
            Self::Unknown => None,
        }
    }
}

impl Find {
    fn places(&self, start: usize, args: &[Bytes]) -> Option<Vec<usize>> {
        match *self {
            Self::Range { last, step, limit } => {
                let all = args.len() as i64;
                let last = match last {
                    0.. => start as i64 + last,
                    // With a limit, keys are the first part of what is left.
                    -1 if limit > 1 => start as i64 + (all - start as i64) / limit - 1,
                    _ => all + last,
                };
                let end = usize::try_from(last).ok().filter(|end| *end < args.len())?;
                Some((start..=end).step_by(step).collect())
            }
            Self::Counted { count, first, step } => {
                let text = std::str::from_utf8(args.get(start + count)?).ok()?;
                let keys = text.parse::<usize>().ok()?;
                let begin = start + first;
                let end = keys.checked_mul(step)?.checked_add(begin)?;
                (end <= args.len()).then(|| (begin..end).step_by(step).collect())
            }
            Self::Unknown => Some(Vec::new()),
        }
    }
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

struct Registry {
    all: Vec<Command>,
    /// The commands by [`drawer`], each with few others.
    by_name: Vec<Vec<usize>>,
}

/// Length and first letter, in any case, tell a command from nearly all others.
fn drawer(name: &[u8]) -> usize {
    let letter = name.first().map_or(0, |letter| letter & 31);
    (name.len() & 15) << 5 | usize::from(letter)
}

fn registry() -> &'static Registry {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    REGISTRY.get_or_init(|| {
        let mut all: Vec<Command> = Vec::new();
        let facts = facts();
        let mut specs: Vec<&Spec> = server::TABLE.iter().chain(commands::DATA).collect();
        crate::order::sort_by(&mut specs, |a, b| a.name.cmp(b.name));
        for spec in specs {
            let parent = all.len();
            let from = facts.partition_point(|row| container(row) < spec.name);
            let rows = facts[from..]
                .iter()
                .take_while(|row| container(row) == spec.name);
            let (own, subs): (Vec<&Row>, Vec<&Row>) = rows.partition(|row| row.0 == spec.name);
            all.push(command(parent, spec, spec.name, own.first().copied(), None));
            for row in subs {
                let id = all.len();
                all.push(command(id, spec, row.0, Some(row), Some(parent)));
                all[parent].subcommands.push(id);
            }
        }
        let mut by_name = vec![Vec::new(); 512];
        for command in &all {
            by_name[drawer(command.name.as_bytes())].push(command.id);
        }
        Registry { all, by_name }
    })
}

type Row = (&'static str, i32, u32, Facts);

/// The command itself, or that of which it is a subcommand.
fn container(row: &Row) -> &'static str {
    row.0.split('|').next().unwrap_or_default()
}

/// By container.
fn facts() -> Vec<Row> {
    let lines = include_str!("facts.txt").lines();
    #[cfg(not(target_arch = "wasm32"))]
    let lines = lines.chain(include_str!("cluster.txt").lines());
    let rows = lines.filter(|line| !line.starts_with('#')).map(|line| {
        let mut columns = line.split("; ").map(str::trim);
        let mut next = || columns.next().unwrap_or_default();
        let (name, arity, flags) = (next(), next(), next());
        let named = |word: &str| FLAGS.iter().find(|(_, name)| *name == word);
        let flags = flags.split(' ').filter_map(named).map(|(bit, _)| bit).sum();
        let facts = Facts {
            categories: next(),
            tips: next(),
            keys: next(),
            origin: next(),
        };
        (name, arity.parse().unwrap_or_default(), flags, facts)
    });
    #[cfg_attr(
        target_arch = "wasm32",
        expect(unused_mut, reason = "one file is in order")
    )]
    let mut rows: Vec<Row> = rows.collect();
    #[cfg(not(target_arch = "wasm32"))]
    rows.sort_by_key(container);
    rows
}

fn command(
    id: usize,
    spec: &'static Spec,
    name: &'static str,
    row: Option<&Row>,
    parent: Option<usize>,
) -> Command {
    let (_, arity, flags, facts) = row
        .copied()
        .unwrap_or_else(|| (name, spec.arity, spec.flags, Facts::default()));
    let mut command = Command {
        id,
        name,
        arity,
        flags,
        keys: spec.keys,
        hint: spec.hint,
        handler: spec.handler,
        subcommands: Vec::new(),
        parent,
        facts,
    };
    if parent.is_some() || spec.keys == (0, 0, 0) {
        command.keys = match command.key_specs().first() {
            Some(KeySpec {
                from: From::Index(first),
                find: Find::Range { last, step, .. },
                ..
            }) => {
                let (first, last) = (*first as i32, *last as i32);
                let last = if last < 0 { last } else { first + last };
                (first, last, *step as i32)
            }
            _ => (0, 0, 0),
        };
    }
    let odd = |spec: &KeySpec| {
        let plain = matches!(
            (&spec.from, &spec.find),
            (From::Index(_), Find::Range { .. })
        );
        !plain || spec.flags.contains(&"incomplete")
    };
    if command.key_specs().iter().any(odd) {
        command.flags |= flag::MOVABLE_KEYS;
    }
    command
}

/// All commands, each followed by its subcommands; sorted by name.
pub fn all() -> &'static [Command] {
    &registry().all
}

/// A command, or a subcommand in the form `config|get`, by its name in any case.
pub fn by_name(name: &[u8]) -> Option<&'static Command> {
    let Registry { all, by_name } = registry();
    let mut near = by_name[drawer(name)].iter().map(|id| &all[*id]);
    near.find(|command| command.name.as_bytes().eq_ignore_ascii_case(name))
}

/// The command of these arguments, or its subcommand when it has some.
pub fn find(args: &[Bytes]) -> Option<&'static Command> {
    let command = by_name(args.first()?)?;
    if command.parent.is_some() {
        return None; // written as one word
    }
    let Some(sub) = args.get(1).filter(|_| !command.subcommands.is_empty()) else {
        return Some(command);
    };
    let own = command.name.len() + 1;
    let all = all();
    let is = |id: &&usize| all[**id].name.as_bytes()[own..].eq_ignore_ascii_case(sub);
    command.subcommands.iter().find(is).map(|id| &all[*id])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Vec<Bytes> {
        line.split(' ').map(|w| Bytes::from(w.as_bytes())).collect()
    }

    #[test]
    fn every_row_is_found_and_has_its_facts() {
        assert!(facts().is_sorted_by_key(container));
        assert!(all().is_sorted_by(|a, b| {
            let key = |c: &Command| c.name.replace('|', " ");
            key(a) < key(b)
        }));
        for command in all() {
            let found = by_name(command.name.to_ascii_uppercase().as_bytes());
            assert_eq!(found.map(|c| c.id), Some(command.id), "{}", command.name);
            assert!(
                !command.facts.origin.is_empty(),
                "{} is not in facts.txt",
                command.name
            );
        }
        for spec in server::TABLE.iter().chain(commands::DATA) {
            let command = by_name(spec.name.as_bytes()).expect("it is there");
            assert_eq!(command.arity, spec.arity, "{}", spec.name);
        }
        assert!(find(&args("config|get a")).is_none() && find(&args("nosuch")).is_none());
        assert_eq!(
            find(&args("CONFIG GET a")).map(|c| c.name),
            Some("config|get")
        );
        assert!(find(&args("CONFIG nosuch")).is_none());
    }

    #[test]
    fn keys_are_found_where_they_are() {
        for (line, keys) in [
            ("get k", &["k"][..]),
            ("mset a 1 b 2", &["a", "b"]),
            ("zunionstore d 2 a b weights 1 2", &["d", "a", "b"]),
            ("xread count 2 streams a b 0 0", &["a", "b"]),
            ("blpop a b 0", &["a", "b"]),
            ("sort a by b* store c", &["a", "c"]),
            ("georadius a 1 2 3 m store b storedist c", &["a", "c"]),
            ("object encoding k", &["k"]),
            ("lmpop 2 a b left", &["a", "b"]),
        ] {
            let args = args(line);
            let found = find(&args)
                .and_then(|c| c.keys_of(&args))
                .unwrap_or_default();
            let found: Vec<_> = found
                .iter()
                .map(|(i, _)| String::from_utf8_lossy(&args[*i]).into_owned())
                .collect();
            assert_eq!(found, keys, "{line}");
        }
    }
}
