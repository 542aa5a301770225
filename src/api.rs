//! The engine for JavaScript, without the page: a tape that is created from a scenario, told what to do, and looked at
//! as plain objects. `www/package/ringside-engine.js` makes the `Playground` of it that people use; what it promises
//! (errors with a code, *busy*, a new start after a panic) is there, what happens is here. A failed call throws an
//! `Error` with a `code` and changes nothing.

mod shapes;

use self::shapes::{LateReply, Position, Told};
use crate::link::Link;
use crate::script::{Runner, Script};
use crate::sim::action::requests;
use crate::sim::snapshot::Story;
use crate::sim::{Action, Options};
use crate::tape::Tape;
use crate::time::{Instant, SECOND_US};
use crate::wire::rdb::{read, write};
use crate::wire::resp::{self, Limits, Reply};
use js_sys::{Array, Error, Reflect};
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use std::fmt::Display;
use wasm_bindgen::prelude::*;

/// The largest snapshot that is taken in, in bytes.
const RDB_MAX: usize = 64 << 20;
/// What `settle` waits for at most.
const PATIENCE_US: u64 = 300 * SECOND_US;

type Thrown<T> = Result<T, JsValue>;

/// A world of virtual Redis servers on its tape.
#[wasm_bindgen]
pub struct Engine {
    tape: Tape,
}

fn fault(code: &str, message: impl Display) -> JsValue {
    let error = Error::new(&message.to_string());
    // A fresh object takes every property.
    let _ = Reflect::set(&error, &"code".into(), &code.into());
    error.into()
}

fn coded<E: Display>(code: &'static str) -> impl Fn(E) -> JsValue {
    move |error| fault(code, error)
}

/// Plain objects, numbers and `Uint8Array`s. Where a number does not fit (a client can send any), all numbers of more
/// than 32 bits are BigInts; the script around this makes numbers of those that fit.
fn to_js<T: Serialize>(value: &T) -> Thrown<JsValue> {
    let plain = || Serializer::json_compatible().serialize_bytes_as_arrays(false);
    let wide = plain().serialize_large_number_types_as_bigints(true);
    let value = value
        .serialize(&plain())
        .or_else(|_| value.serialize(&wide));
    value.map_err(coded("argument"))
}

/// As redis-cli prints it; `INFO` as it is.
fn shown(reply: &Reply) -> String {
    match reply {
        Reply::Bulk(text) if text.starts_with(b"# ") => String::from_utf8_lossy(text).into_owned(),
        other => other.pretty(),
    }
}

fn since_begin(at: Instant) -> u64 {
    at.since(Instant::WORLD)
}

fn told(story: &Story) -> Thrown<JsValue> {
    to_js(&Told {
        n: story.n,
        at_us: since_begin(story.at),
        text: story.what.to_string(),
        what: &story.what,
    })
}

/// From now on a panic is thrown with its text, as an error with the code `broken`.
#[wasm_bindgen]
pub fn init() {
    std::panic::set_hook(Box::new(|info| {
        wasm_bindgen::throw_val(fault("broken", info));
    }));
}

#[wasm_bindgen]
impl Engine {
    /// The world at the end of a scenario; an empty one is a master and two replicas in step.
    #[wasm_bindgen(constructor)]
    pub fn new(script: &str) -> Thrown<Self> {
        let script = Script::parse(script).map_err(coded("script"))?;
        let mut runner = Runner::new(Options::default());
        for block in &script.blocks {
            runner.block(block).map_err(coded("script"))?;
        }
        let link = Link::of_runner(&runner);
        let tape = link.play(|_, _, _| {}).map_err(coded("script"))?;
        Ok(Self { tape })
    }

    /// From now on nothing is kept for onlookers: what happens is the same, byte for byte, and nobody is told.
    pub fn unwatched(&mut self) {
        self.tape.unwatched();
    }

    /// The session of a share link, where that points.
    pub fn open(link: &str) -> Thrown<Self> {
        let tape = Link::decode(link).and_then(|link| link.play(|_, _, _| {}));
        Ok(Self {
            tape: tape.map_err(coded("link"))?,
        })
    }

    /// A command as in redis-cli; its reply as redis-cli prints it, or nothing when it comes later.
    pub fn exec(&mut self, node: &str, command: &str) -> Thrown<String> {
        let args = resp::split_args(command.as_bytes())
            .ok_or_else(|| fault("argument", "Invalid argument(s)"))?;
        if args.is_empty() {
            return Err(fault("argument", "a command is missing"));
        }
        let node = node.into();
        let replies = self.tape.act(Action::Exec { node, args });
        let replies = replies.map_err(|e| fault("action", e))?;
        let mut texts = replies.iter().map(shown);
        let first = texts.next().unwrap_or_default();
        Ok(texts.fold(first, |all, text| all + "\n" + &text))
    }

    /// Any number of commands as the bytes that a client sends in one go, and the bytes of their replies. A command that
    /// the server does not live to run ends the batch, as it ends a connection.
    pub fn raw(&mut self, node: &str, bytes: &[u8]) -> Thrown<Vec<u8>> {
        let (mut commands, mut count, mut at) = (Vec::with_capacity(bytes.len()), 0, 0);
        let mut args = Vec::new();
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let before = commands.len();
            let whole = resp::copy_request(&mut commands, &mut args, rest, Limits::CLIENT);
            at += whole.map_err(coded("protocol"))?.ok_or_else(|| {
                let text = format!("the command that begins at byte {at} is not complete");
                fault("protocol", text)
            })?;
            count += usize::from(commands.len() > before);
        }
        let action = match requests(&commands).next() {
            None => return Ok(Vec::new()),
            Some(args) if count == 1 => Action::Exec {
                node: node.into(),
                args,
            },
            Some(_) => Action::pipeline(node, &commands),
        };
        let replies = self.tape.act(action).map_err(coded("action"))?;
        let mut out = Vec::new();
        replies.iter().for_each(|reply| reply.write(&mut out));
        Ok(out)
    }

    /// An action of the script language: `cut m r1`, `restore m r1`, `kill m`, …
    pub fn act(&mut self, line: &str) -> Thrown<()> {
        let action = crate::script::parse_action(line).map_err(coded("action"))?;
        self.tape.act(action).map_err(coded("action"))?;
        Ok(())
    }

    /// Lets the next event happen; false when nothing is due ever again.
    pub fn step(&mut self) -> bool {
        self.tape.step()
    }

    /// Lets so many microseconds of virtual time pass.
    pub fn run(&mut self, us: f64) {
        self.tape.run_until(self.tape.now().after(us as u64));
    }

    /// Runs until nothing but heartbeats is left, for at most five minutes of virtual time; whether it came to that.
    pub fn settle(&mut self) -> bool {
        let limit = self.tape.now().after(PATIENCE_US);
        while !self.tape.world().idle() {
            if self.tape.now() > limit || !self.tape.step() {
                return false;
            }
        }
        true
    }

    /// Goes to just after an event of the current branch.
    pub fn seek(&mut self, event: f64) {
        self.tape.seek(event as u64);
    }

    /// Goes to a moment of it, in microseconds since the world began.
    pub fn seek_time(&mut self, us: f64) {
        self.tape.seek_time(Instant::WORLD.after(us as u64));
    }

    pub fn undo(&mut self) -> bool {
        self.tape.undo()
    }

    pub fn redo(&mut self) -> bool {
        self.tape.redo()
    }

    pub fn position(&self) -> Thrown<JsValue> {
        let (end, end_at) = self.tape.end();
        to_js(&Position {
            event: self.tape.event(),
            end,
            elapsed_us: since_begin(self.tape.now()),
            end_us: since_begin(end_at),
            past: self.tape.in_the_past(),
        })
    }

    /// Everything that a screen shows.
    pub fn snapshot(&self) -> Thrown<JsValue> {
        to_js(&self.tape.world().snapshot())
    }

    /// Notable things after number `since`, oldest first.
    pub fn events(&self, since: f64) -> Thrown<Array> {
        let list = Array::new();
        for story in self.tape.world().stories(since as u64) {
            list.push(&told(story)?);
        }
        Ok(list)
    }

    /// Number of the newest notable thing.
    pub fn told(&self) -> f64 {
        self.tape.world().told() as f64
    }

    /// Whether there are [`Engine::late`] ones.
    pub fn has_late(&self) -> bool {
        self.tape.has_late()
    }

    /// Replies that came since this was asked last, later than their commands.
    pub fn late(&mut self) -> Thrown<JsValue> {
        let late = self.tape.take_late().into_iter().map(|late| LateReply {
            node: late.node,
            text: shown(&late.reply),
        });
        to_js(&late.collect::<Vec<_>>())
    }

    /// The dataset of a node as `SAVE` would write it now, or what is on the disk of a dead one.
    pub fn rdb(&self, node: &str) -> Thrown<Vec<u8>> {
        let world = self.tape.world();
        let bytes = match world.node(node) {
            Some(node) => Some(node.rdb()),
            None => world.file(node).map(<[u8]>::to_vec),
        };
        bytes.ok_or_else(|| {
            let names = world.names().join(", ");
            let text = format!("'{node}' has no dataset and no file; there are {names}");
            fault("action", text)
        })
    }

    /// Puts all keys of a snapshot into a node, as a client would, with `RESTORE`; how many they were. The console is
    /// in database 0 then.
    pub fn restore(&mut self, node: &str, bytes: &[u8]) -> Thrown<u32> {
        if bytes.len() > RDB_MAX {
            let text = format!("a snapshot of at most {RDB_MAX} bytes is taken in");
            return Err(fault("limit", text));
        }
        let snapshot = read::read(bytes).map_err(coded("rdb"))?;
        let (mut deeds, mut db) = (Vec::new(), None);
        for entry in &snapshot.entries {
            if db.replace(entry.db) != Some(entry.db) {
                deeds.push(Action::exec(node, &["SELECT", &entry.db.to_string()]));
            }
            let ttl = entry.expire_at_ms.unwrap_or(0).to_string();
            let value = write::dump(&entry.value, write::Shape::SMALL, true);
            let words: [&[u8]; 6] = [
                b"RESTORE",
                &entry.key,
                ttl.as_bytes(),
                &value,
                b"REPLACE",
                b"ABSTTL",
            ];
            deeds.push(Action::exec(node, &words));
        }
        deeds.push(Action::exec(node, &["SELECT", "0"]));
        // First on a copy: when one of them is refused, nothing has changed.
        let mut trial = self.tape.world().clone();
        for deed in &deeds {
            let replies = trial.act(deed).map_err(coded("action"))?;
            if let Some(Reply::Error(text)) = replies.first() {
                return Err(fault("action", text));
            }
        }
        for deed in deeds {
            self.tape.act(deed).map_err(coded("action"))?;
        }
        Ok(snapshot.entries.len() as u32)
    }

    /// The session as a share link, without `#`.
    pub fn link(&self) -> Thrown<String> {
        let link = Link::of(&self.tape, "").and_then(|link| link.encode());
        link.map_err(coded("link"))
    }

    /// The current branch up to here, as a scenario that does the same.
    pub fn script(&self) -> Thrown<String> {
        let link = Link::of(&self.tape, "").map_err(coded("link"))?;
        Ok(link.to_script())
    }

    /// A hash of all that happened, as 16 hexadecimal digits: equal seeds and actions give equal hashes everywhere.
    pub fn trace(&self) -> String {
        format!("{:016x}", self.tape.world().trace())
    }

    /// A drill: what a mistake in the engine would look like.
    pub fn panic(&mut self) {
        panic!("a drill, as it was asked for");
    }
}
