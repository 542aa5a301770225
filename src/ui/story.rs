//! The story line: one sentence on what just happened, and the last PSYNC verdict in the server's own words.

use super::View;
use super::dom::{El, create, el, int, leaf};
use super::icons::{Icon, icon};
use super::sentence::{self, Said};
use super::text::Lang;
use super::views::face::switch;
use super::views::words as w;
use crate::sim::snapshot::{Frame, FullCause, Outcome, Packet, Snapshot};
use gloo_timers::callback::Timeout;
use std::rc::Rc;

/// The smallest `repl-backlog-size` of a real server.
const REAL_MINIMUM: u64 = 16_384;

pub const SAY: Said = ["What just happened", "刚刚发生"];
/// How much of it is said: a label, and its name where it is kept.
pub const SAYS: [(Said, &str); 3] = [
    (["key events", "要事"], ""),
    (["all", "全部"], "all"),
    (["nothing", "不说"], "off"),
];
const ALL: usize = 1;
const OFF: usize = 2;
/// The least time between two sentences when all is said, in ms: one wants to read them, or to hear them.
pub const SAY_MS: u32 = 700;

/// How much is said, and what was said last.
#[derive(Default)]
pub struct Saying {
    /// Index in [`SAYS`].
    pub how: usize,
    said: String,
    /// The story and the packet of that, by their numbers, and when it was, in ms.
    story: u64,
    packet: u64,
    at_ms: f64,
    /// There is more to say; when this timer ends.
    pub later: Option<Timeout>,
}

impl Saying {
    /// As it was kept.
    pub fn kept(name: &str) -> Self {
        let how = SAYS.iter().position(|s| s.1 == name).unwrap_or(0);
        Self {
            how,
            ..Self::default()
        }
    }

    /// Looks for what is new; true when something is that has to wait.
    pub fn observe(&mut self, lang: Lang, s: &Snapshot) -> bool {
        self.how == ALL && self.say(lang, s)
    }

    #[inline(never)]
    fn say(&mut self, lang: Lang, s: &Snapshot) -> bool {
        let newest = s.wire.last().map_or(0, |p| p.id);
        // Back in time; and what was before one asked for it is no news.
        self.packet = if self.said.is_empty() {
            newest
        } else {
            self.packet.min(newest)
        };
        let story = s.story.as_ref().filter(|story| story.n != self.story);
        if newest == self.packet && story.is_none() {
            return false;
        }
        let now = js_sys::Date::now();
        if now < self.at_ms + f64::from(SAY_MS) {
            return true;
        }
        self.at_ms = now;
        if let Some(story) = story {
            self.story = story.n;
            self.said = sentence::story(lang, &story.what);
        } else {
            let fresh = s.wire.iter().rev().take_while(|p| p.id > self.packet);
            self.said = sentence::packets(lang, &fresh.map(|p| &**p).collect::<Vec<_>>());
            self.packet = newest;
        }
        newest != self.packet
    }
}

/// What just happened.
pub fn happened(v: &View<'_>) -> String {
    match &v.s.story {
        Some(story) => sentence::story(v.lang, &story.what),
        None => v.w(&w::QUIET).into(),
    }
}

/// The same as far as one wants to be told. A heading is never empty.
fn told(v: &View<'_>) -> String {
    match v.saying.how {
        OFF => v.t.guide_title.into(),
        ALL if !v.saying.said.is_empty() => v.saying.said.clone(),
        _ => happened(v),
    }
}

pub fn story(v: &View<'_>) -> El {
    // Of the ring that is drawn.
    let ring = v.s.nodes.get(v.focus).map(|n| &n.backlog);
    let teaching = ring.is_some_and(|b| b.active && b.size < REAL_MINIMUM);
    el("div story")
        .put(
            el("div telling")
                .put(el("h2").put(leaf("span role=status data-testid=story", told(v))))
                .put(switch(v)),
        )
        .put(
            el("div under").put(verdict(v)).slot(
                teaching.then(|| leaf("p scale", v.t.scale[0]).put(leaf("span", v.t.scale[1]))),
            ),
        )
}

/// The line with which a real server has answered last, while its packet is kept.
fn heard<'a>(v: &View<'a>) -> Option<&'a str> {
    let real = v.s.nodes.iter().find(|n| n.outside())?;
    let from = |p: &&Rc<Packet>| *p.from == *real.name;
    let answers = |f: &&Frame| matches!(f.label.as_str(), "+CONTINUE" | "+FULLRESYNC");
    let mut frames =
        v.s.wire
            .iter()
            .rev()
            .filter(from)
            .flat_map(|p| p.frames.iter());
    frames.find(answers).map(|f| f.text.as_str())
}

fn verdict(v: &View<'_>) -> El {
    let Some(said) = &v.s.verdict else {
        if let Some(line) = heard(v) {
            let continues = line.starts_with("+CONTINUE");
            let chip = create(
                "span",
                if continues { "chip good" } else { "chip full" }.into(),
            )
            .a("translate", "no")
            .a("lang", "en")
            .put(if continues {
                icon(Icon::Check)
            } else {
                el("span square")
            })
            .text(line.split(' ').next().unwrap_or_default().to_string());
            return el("p verdict data-testid=verdict")
                .a("title", line.to_string())
                .a("data-outcome", if continues { "continue" } else { "full" })
                .put(leaf("span since", v.t.last_verdict))
                .put(chip)
                .put(leaf("span", v.w(&w::OUTSIDE_ANSWERED)));
        }
        return leaf("p verdict muted data-testid=verdict", v.t.no_verdict);
    };
    let mut out = el("p verdict data-testid=verdict")
        .a("title", said.log.clone())
        .a("data-asked", said.asked.to_string())
        .a("data-replica", said.replica.clone());
    let (word, class, mark) = match &said.outcome {
        Outcome::Continue { bytes } => {
            out = out
                .a("data-outcome", "continue")
                .a("data-bytes", int(*bytes));
            ("+CONTINUE", "chip good", icon(Icon::Check))
        }
        Outcome::Full { .. } => {
            out = out
                .a("data-outcome", "full")
                .a("data-cause", cause(&said.outcome));
            ("+FULLRESYNC", "chip full", el("span square"))
        }
    };
    out = out.put(leaf("span since", v.t.last_verdict)).put(
        create("span", class.into())
            .a("translate", "no")
            .a("lang", "en")
            .put(mark)
            .text(word),
    );
    for part in sentence::verdict(v.lang, said) {
        out = out.put(leaf("span", part));
    }
    out
}

/// Why a partial resync was refused, as a short fixed word; empty if it was not.
pub fn cause(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Continue { .. } => "",
        Outcome::Full { cause } => match cause {
            FullCause::New => "new",
            FullCause::OtherHistory => "other-history",
            FullCause::BeyondSecond { .. } => "beyond-second",
            FullCause::TooOld { .. } => "too-old",
            FullCause::TooFar => "too-far",
            FullCause::NoBacklog => "no-backlog",
        },
    }
}
