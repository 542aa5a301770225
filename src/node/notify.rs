//! Keyspace events (`notify-keyspace-events`, `notify.c`): what a command did to its keys, told to those who listen to
//! `__keyspace@db__:key` and `__keyevent@db__:event`. Which event it is follows from the name of the command and from
//! what the keyspace saw.

use super::commands::flag;
use super::keyspace::Change;
use super::registry;
use super::{Node, Outbox};
use crate::wire::Bytes;

/// By class: an event, and the commands that cause it where their names are others.
const EVENTS: &[(char, &str)] = &[
    (
        '$',
        "set=set,setnx,setex,psetex,getset,mset,msetnx,bitop setrange append incrby=incr,decr,incrby,decrby incrbyfloat \
         setbit=setbit,bitfield pfadd=pfadd,pfmerge",
    ),
    (
        'l',
        "lpush=lpush,lpushx rpush=rpush,rpushx linsert lset ltrim lrem lpop rpop sortstore=sort",
    ),
    ('s', "sadd srem spop sinterstore sunionstore sdiffstore"),
    ('h', "hset=hset,hsetnx,hmset hincrby hincrbyfloat hdel"),
    (
        'z',
        "zadd=zadd,geoadd zincr=zincrby zrem zremrangebyscore zremrangebyrank zremrangebylex zpopmin zpopmax zunionstore \
         zinterstore zdiffstore zrangestore geosearchstore georadiusstore=georadius,georadiusbymember",
    ),
    ('t', "xadd xtrim xdel xsetid"),
    (
        'g',
        "del=del,unlink,getdel expire=expire,pexpire,expireat,pexpireat persist restore copy_to=copy",
    ),
];

/// What is told of what happens to keys.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// By the letters of the directive; empty when nobody could hear of it.
    classes: String,
    /// What is not told yet.
    events: Vec<Event>,
}

impl Told {
    /// Whether there is something to tell.
    pub(super) fn has_news(&self) -> bool {
        !self.events.is_empty()
    }
}

/// An event: its class, its name, the database and the key.
type Event = (char, &'static str, usize, Bytes);

/// The class and the event of a command that has only one.
fn event_of(command: &str) -> Option<(char, &'static str)> {
    EVENTS.iter().find_map(|(class, events)| {
        events.split_ascii_whitespace().find_map(|event| {
            let (event, commands) = event.split_once('=').unwrap_or((event, event));
            let named = commands.split(',').any(|name| name == command);
            named.then_some((*class, event))
        })
    })
}

/// Whether one of the arguments is this word.
fn says(args: &[Bytes], words: &[&str]) -> bool {
    args.iter()
        .any(|arg| words.iter().any(|w| arg.eq_ignore_ascii_case(w.as_bytes())))
}

/// What a command told by what it did; `gone` says whether a key is not there now.
fn events(
    args: &[Bytes],
    changes: &[(usize, Bytes, Change)],
    gone: impl Fn(usize, &[u8]) -> bool,
) -> Vec<Event> {
    let name = args[0].to_ascii_lowercase();
    let name = std::str::from_utf8(&name).unwrap_or_default();
    let db_of = |key: &[u8]| {
        changes
            .iter()
            .find(|(_, k, _)| **k == *key)
            .map(|(db, ..)| *db)
    };
    let end = |i: usize, left: &'static str, right: &'static str| {
        if says(&args[i..], &["LEFT", "MIN"]) {
            left
        } else {
            right
        }
    };
    let mut told: Vec<Event> = Vec::new();
    let new = |(db, key, change): &(usize, Bytes, Change)| {
        (*change == Change::Created).then(|| ('n', "new", *db, key.clone()))
    };
    // Mostly they were there before anything is told; not so with these.
    let each = name.starts_with("mset") || name == "smove";
    if !each {
        told.extend(changes.iter().filter_map(new));
    }
    let consumers = changes.iter();
    let consumers = consumers.filter(|(.., change)| *change == Change::Consumer);
    told.extend(consumers.map(|(db, key, _)| ('t', "xgroup-createconsumer", *db, key.clone())));
    // Of two keys, each has an event of its own.
    let both = match name {
        "lmove" => Some((
            ('l', end(4, "lpush", "rpush"), 2),
            (
                'l',
                if says(&args[3..4], &["LEFT"]) {
                    "lpop"
                } else {
                    "rpop"
                },
                1,
            ),
        )),
        "rpoplpush" => Some((('l', "lpush", 2), ('l', "rpop", 1))),
        "smove" => Some((('s', "srem", 1), ('s', "sadd", 2))),
        "rename" | "renamenx" => Some((('g', "rename_from", 1), ('g', "rename_to", 2))),
        _ => None,
    };
    if let Some((first, second)) = both {
        for (class, event, at) in [first, second] {
            let Some(db) = db_of(&args[at]) else { continue };
            let of_this = changes.iter().filter(|(_, key, _)| *key == args[at]);
            told.extend(of_this.filter(|_| each).filter_map(new));
            told.push((class, event, db, args[at].clone()));
            if gone(db, &args[at]) && class != 'g' {
                told.push(('g', "del", db, args[at].clone()));
            }
        }
        return told;
    }
    let (class, event) = match name {
        "lmpop" => ('l', end(2, "lpop", "rpop")),
        "zmpop" => ('z', end(2, "zpopmin", "zpopmax")),
        "zadd" if says(&args[2..], &["INCR"]) => ('z', "zincr"),
        "getex" if says(&args[2..], &["PERSIST"]) => ('g', "persist"),
        "getex" => ('g', "expire"),
        "move" => ('g', "move_to"),
        "xgroup" => {
            let groups = [
                "create",
                "setid",
                "destroy",
                "delconsumer",
                "createconsumer",
            ];
            let names = [
                "xgroup-create",
                "xgroup-setid",
                "xgroup-destroy",
                "xgroup-delconsumer",
                "xgroup-createconsumer",
            ];
            let at = groups.iter().position(|word| says(&args[1..2], &[word]));
            ('t', at.map_or("", |at| names[at]))
        }
        _ => event_of(name).unwrap_or_default(),
    };
    // What it leaves may be nothing; or it had nothing to leave, and the key is only gone.
    let takes = matches!(class, 'l' | 's' | 'h' | 'z') && !event.ends_with("store");
    let timed =
        name.ends_with("setex") || name == "set" && says(&args[3..], &["EX", "PX", "EXAT", "PXAT"]);
    for (at, changed) in changes.iter().enumerate() {
        let (db, key, _) = changed;
        if each {
            told.extend(new(changed));
        }
        let again = changes[..at].iter().any(|(d, k, _)| (d, k) == (db, key));
        if event.is_empty() || again && name != "mset" {
            continue;
        }
        let mut tell = |class, event| told.push((class, event, *db, key.clone()));
        match (gone(*db, key), event) {
            (true, "move_to") => tell('g', "move_from"),
            (true, _) if takes => {
                tell(class, event);
                tell('g', "del");
            }
            (true, _) => tell('g', "del"),
            _ => tell(class, event),
        }
        if timed {
            tell('g', "expire");
        }
        if changes
            .iter()
            .any(|(_, k, change)| k == key && *change == Change::Trimmed)
        {
            tell('t', "xtrim");
        }
    }
    told
}

impl Node {
    /// Which events are told follows from the configuration; nothing when nobody could hear them.
    pub(super) fn set_notify(&mut self) {
        let wanted = self.config.events();
        let heard = wanted.contains(['K', 'E']);
        self.told.classes = if heard { wanted.into() } else { String::new() };
    }

    /// Whether anybody may want to know what happens to keys.
    pub(super) fn hears(&self) -> bool {
        !self.told.classes.is_empty() || self.tracks()
    }

    /// After a command: what it changed, and whether it did what it should.
    pub(super) fn keys_changed(
        &mut self,
        args: &[Bytes],
        dirty: bool,
        expired: &[(usize, Vec<Bytes>)],
        changes: Vec<(usize, Bytes, Change)>,
    ) {
        if self.tracks() {
            self.track_changes(args, dirty, &changes);
        }
        if !self.told.classes.is_empty() {
            self.note_events(args, dirty, expired, changes);
        }
    }

    /// The server itself deleted a key, and why.
    pub(super) fn key_deleted(&mut self, class: char, event: &'static str, db: usize, key: &Bytes) {
        if self.tracks() {
            self.key_changed(key, None, false);
        }
        if !self.told.classes.is_empty() {
            self.told.events.push((class, event, db, key.clone()));
        }
    }

    /// After a command: notes what there is to tell. `expired` are the keys that were found to have expired.
    fn note_events(
        &mut self,
        args: &[Bytes],
        dirty: bool,
        expired: &[(usize, Vec<Bytes>)],
        mut changes: Vec<(usize, Bytes, Change)>,
    ) {
        for (db, del) in expired {
            let key = &del[1];
            let is = |(d, k, change): &(usize, Bytes, Change)| {
                (d, k, *change) == (db, key, Change::Removed)
            };
            if let Some(at) = changes.iter().position(is) {
                changes.remove(at);
            }
            self.told.events.push(('x', "expired", *db, key.clone()));
        }
        let command = registry::find(args);
        let reads = |command: &registry::Command| {
            let names = [
                "bitop", "pfmerge", "getdel", "getex", "getset", "sort", "copy",
            ];
            command.flags & flag::READONLY != 0 && !command.name.starts_with("object")
                || names.contains(&command.name)
                || command.name.ends_with("store")
                || command.name.starts_with("georadius")
                || command.name == "set" && says(&args[3..], &["GET"])
        };
        if command.is_some_and(|command| command.name == "pfmerge") {
            changes.dedup();
        }
        if command.is_some_and(reads) {
            let missed = changes
                .iter()
                .filter(|(.., change)| *change == Change::Missed);
            self.told
                .events
                .extend(missed.map(|(db, key, _)| ('m', "keymiss", *db, key.clone())));
        }
        changes.retain(|(.., change)| *change != Change::Missed);
        if dirty
            || changes
                .iter()
                .any(|(.., change)| *change == Change::Touched)
        {
            let gone = |db: usize, key: &[u8]| self.keyspace.get(db, key).is_none();
            self.told.events.extend(events(args, &changes, gone));
        }
    }

    /// Tells those who listen.
    pub(super) fn notify(&mut self, out: &mut Outbox) {
        if self.told.events.is_empty() {
            return;
        }
        for (class, event, db, key) in std::mem::take(&mut self.told.events) {
            let wants = |c: char| self.told.classes.contains(c);
            if !(wants(class) || wants('A') && !"nm".contains(class)) {
                continue;
            }
            let (by_key, by_event) = (wants('K'), wants('E'));
            let mut tell = |channel: Vec<u8>, message: Bytes| {
                let args = [Bytes::from(&b"publish"[..]), channel.into(), message];
                self.deliver_message(&args, out);
            };
            if by_key {
                let channel = [format!("__keyspace@{db}__:").as_bytes(), &key].concat();
                tell(channel, event.as_bytes().into());
            }
            if by_event {
                tell(format!("__keyevent@{db}__:{event}").into_bytes(), key);
            }
        }
    }
}
