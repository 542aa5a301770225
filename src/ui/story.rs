//! The story line: one sentence on what just happened, and the last PSYNC verdict in the server's own words.

use super::View;
use super::dom::{El, create, el, int, leaf};
use super::icons::{Icon, icon};
use super::sentence;
use super::views::face::switch;
use super::views::words as w;
use crate::sim::snapshot::{Frame, FullCause, Outcome, Packet};
use std::rc::Rc;

/// The smallest `repl-backlog-size` of a real server.
const REAL_MINIMUM: u64 = 16_384;

/// What just happened. A heading is never empty.
pub fn told(v: &View<'_>) -> String {
    match &v.s.story {
        Some(story) => sentence::story(v.lang, &story.what),
        None => v.w(&w::QUIET).into(),
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
