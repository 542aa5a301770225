//! Time: play, pause, step, pace, and the read-out.

use super::View;
use super::dom::{El, el, int, leaf};
use super::guide::choice;
use super::icons::{Icon, icon};
use super::sentence::{group, seconds};
use crate::player::Pace;

/// The paces with their labels; Auto's is translated.
pub const PACES: [(&str, Pace); 4] = [
    ("", Pace::Auto),
    ("0.1×", Pace::Tenth),
    ("1×", Pace::Real),
    ("10×", Pace::Tenfold),
];

pub fn transport(v: &View<'_>) -> El {
    let t = v.t;
    let playing = v.player.playing();
    let play = if playing { t.pause } else { t.play };
    let mut paces = Vec::new();
    for (i, (label, pace)) in PACES.into_iter().enumerate() {
        let label = if label.is_empty() { t.pace_auto } else { label };
        paces.push((
            label.into(),
            v.player.pace() == pace,
            ["pace ", &int(i as u64)].concat(),
        ));
    }
    el("section transport")
        .a("aria-label", t.transport)
        .put(
            el("button round data-testid=play data-do=play")
                .a("title", [play, " (Space)"].concat())
                .a("aria-label", play)
                .put(icon(if playing { Icon::Pause } else { Icon::Play })),
        )
        .put(
            el("button plain only data-testid=step data-do=step")
                .a("title", t.step_title)
                .a("aria-label", t.step)
                .put(icon(Icon::Step)),
        )
        .put(
            el("div pass role=group")
                .a("aria-label", t.let_pass)
                .a("title", t.let_pass_title)
                .put(leaf("span", t.let_pass))
                .put(leaf("button plain data-testid=pass-1", "+1 s").does("pass 1"))
                .put(leaf("button plain data-testid=pass-10", "+10 s").does("pass 10")),
        )
        .put(choice(t.pace, t.pace_title, paces))
}

pub fn clock(v: &View<'_>) -> El {
    let t = v.t;
    let (playing, us) = (v.player.playing(), v.s.elapsed_us);
    let (word, title) = if !playing {
        (t.paused, "")
    } else if v.s.idle {
        (t.idle, t.idle_title)
    } else {
        (t.running, "")
    };
    el("section clock")
        .put(leaf("p time data-testid=clock", [&seconds(us), " s"].concat()).a("data-us", int(us)))
        .put(leaf(
            "p muted data-testid=events",
            [t.event, " ", &group(v.s.event)].concat(),
        ))
        .put(
            leaf("p data-testid=state", word)
                .class(&[("state", true), ("live", playing && !v.s.idle)])
                .a("title", title),
        )
}
