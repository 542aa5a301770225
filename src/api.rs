//! The engine for JavaScript, without the page: a cluster that is created from options, told what to do line by line,
//! and looked at as plain objects. Errors are thrown as `Error` with the text that the console shows; a failed call
//! changes nothing.

use crate::sim::{Action, Cluster, Options};
use crate::time::SECOND_US;
use crate::wire::resp::{self, Reply};
use serde::Serialize;
use wasm_bindgen::prelude::*;

/// A world of virtual Redis servers.
#[wasm_bindgen]
pub struct Playground {
    world: Cluster,
}

/// A notable thing, as JavaScript sees it.
#[derive(Serialize)]
struct Told<'a> {
    n: u64,
    /// Microseconds since the world began.
    at_us: u64,
    text: String,
    what: &'a crate::sim::snapshot::Happening,
}

fn to_js<T: Serialize>(value: &T) -> Result<JsValue, JsError> {
    Ok(value.serialize(&serde_wasm_bindgen::Serializer::json_compatible())?)
}

#[wasm_bindgen]
impl Playground {
    /// A world with its replicas attached and in step. `options` is an object with any of `seed`, `replicas`,
    /// `latency_us`, `backlog_size` and `keys` (pairs of strings), or undefined.
    #[wasm_bindgen(constructor)]
    pub fn new(options: JsValue) -> Result<Self, JsError> {
        let options: Options = if options.is_undefined() {
            Options::default()
        } else {
            serde_wasm_bindgen::from_value(options)?
        };
        Ok(Self {
            world: Cluster::ready(options),
        })
    }

    /// Runs a command, written as in redis-cli, and returns its reply as redis-cli prints it. An error reply is text
    /// that begins with `(error)`.
    pub fn exec(&mut self, node: &str, command: &str) -> Result<String, JsError> {
        let args = resp::split_args(command.as_bytes())
            .ok_or_else(|| JsError::new("Invalid argument(s)"))?;
        let replies = self
            .world
            .act(&Action::Exec {
                node: node.into(),
                args,
            })
            .map_err(|e| JsError::new(&e.0))?;
        Ok(replies
            .iter()
            .map(Reply::pretty)
            .collect::<Vec<_>>()
            .join("\n"))
    }

    /// Does what a console line without its colon does: `cut m r1`, `restore m r1`, `kill m`, …
    pub fn act(&mut self, line: &str) -> Result<(), JsError> {
        let action = Action::parse(line).map_err(|e| JsError::new(&e.0))?;
        self.world.act(&action).map_err(|e| JsError::new(&e.0))?;
        Ok(())
    }

    /// Lets the next event happen; false when nothing is due ever again.
    pub fn step(&mut self) -> bool {
        self.world.step()
    }

    /// Lets this many milliseconds of virtual time pass.
    pub fn run(&mut self, ms: f64) {
        let us = (ms.clamp(0.0, 86_400_000.0) * 1000.0) as u64;
        self.world.run_until(self.world.now().after(us));
    }

    /// Runs until nothing but heartbeats is left, for at most a minute of virtual time; whether it came to that.
    pub fn settle(&mut self) -> bool {
        self.world.settle(60 * SECOND_US)
    }

    /// Everything that a screen shows, as a plain object.
    pub fn snapshot(&mut self) -> Result<JsValue, JsError> {
        to_js(&self.world.snapshot())
    }

    /// Notable things after number `since`, oldest first.
    pub fn events(&self, since: f64) -> Result<JsValue, JsError> {
        let told = |s: &std::rc::Rc<crate::sim::snapshot::Story>| {
            let at_us = s.at.since(crate::time::Instant::WORLD);
            to_js(&Told {
                n: s.n,
                at_us,
                text: s.what.to_string(),
                what: &s.what,
            })
        };
        let list = js_sys::Array::new();
        for story in self.world.stories(since.max(0.0) as u64) {
            list.push(&told(story)?);
        }
        Ok(list.into())
    }

    /// A hash of all that happened, as 16 hexadecimal digits: equal seeds and actions give equal hashes everywhere.
    pub fn trace(&self) -> String {
        format!("{:016x}", self.world.trace())
    }
}
