//! What the page around an embedded one asks. `www/embed.js` reads and checks its messages, and asks here by an event
//! `ask` of the window, whose `detail` is a line and a function. That one is called once, `answer(code, text, bytes)`:
//! with a code and what is wrong, or without a code and with what the engine says, as text and as bytes.

use crate::player::{Player, pretty};
use crate::time::Instant;
use js_sys::{Array, Function, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Event;

/// A line (`exec m SET k v`, `act cut m r1`, `pass 1000000`, `seek 12`, `seek-time 2000000`, `rdb m`, `link`, `open LINK`,
/// `where`), and who wants to know.
pub struct Ask {
    line: String,
    answer: Function,
}

/// What is wrong: its code in the protocol, and a text.
type Wrong = (&'static str, String);

impl Ask {
    pub fn read(event: &Event) -> Option<Self> {
        let detail: Array = Reflect::get(event, &"detail".into())
            .ok()?
            .dyn_into()
            .ok()?;
        Some(Self {
            line: detail.get(0).as_string()?,
            answer: detail.get(1).dyn_into().ok()?,
        })
    }

    /// Does what is asked for and tells; the session that is to be shown instead, with its view, if one was opened.
    pub fn answer(&self, player: &mut Player, view: &str) -> Option<(Player, String)> {
        let (verb, rest) = self.line.split_once(' ').unwrap_or((&self.line, ""));
        let mut opened = None;
        let said = match verb {
            "open" => match Player::open(rest) {
                Ok(other) => {
                    opened = Some(other);
                    Ok(Default::default())
                }
                Err(error) => Err(("link", error.to_string())),
            },
            _ => said(verb, rest, player, view),
        };
        let (code, text, bytes) = match said {
            Ok((text, bytes)) => ("", text, bytes),
            Err((code, text)) => (code, text, Vec::new()),
        };
        // Whoever asked has a function that throws nothing.
        let bytes = Uint8Array::from(bytes.as_slice());
        let _ = self
            .answer
            .call3(&JsValue::NULL, &code.into(), &text.into(), &bytes);
        opened
    }
}

fn said(
    verb: &str,
    rest: &str,
    player: &mut Player,
    view: &str,
) -> Result<(String, Vec<u8>), Wrong> {
    let mut bytes = Vec::new();
    let number = || rest.parse::<u64>().unwrap_or(0);
    match verb {
        "exec" => {
            let (node, command) = rest.split_once(' ').unwrap_or((rest, ""));
            let replies = player.exec(node, command).map_err(|e| ("action", e.0))?;
            let mut texts = Vec::new();
            for reply in &replies {
                reply.write(&mut bytes);
                texts.push(pretty(reply));
            }
            return Ok((texts.join("\n"), bytes));
        }
        "act" => player.tell(rest).map_err(|e| ("action", e.0))?,
        "pass" => player.let_pass(number()),
        "seek" => player.seek(number()),
        "seek-time" => player.seek_time(Instant::WORLD.after(number())),
        "rdb" => {
            let node = player.world().node(rest);
            let node = node.ok_or_else(|| ("action", ["no such node runs: ", rest].concat()))?;
            return Ok((String::new(), node.rdb()));
        }
        "link" => {
            let link = player.link(view).map_err(|e| ("link", e.to_string()))?;
            return Ok((link, bytes));
        }
        _ => {}
    }
    Ok((place(player), bytes))
}

/// Where the player is: event, last event of the branch, microseconds since the world began, and to its end.
fn place(player: &Player) -> String {
    let at = player.position();
    let since = |t: Instant| t.since(Instant::WORLD);
    [at.event, at.end, since(at.at), since(at.end_at)]
        .map(super::dom::int)
        .join(" ")
}
