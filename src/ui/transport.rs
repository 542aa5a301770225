//! Time: play, pause, step, pace, and the read-out.

use super::View;
use super::dom::{El, el, int, leaf};
use super::guide::choice;
use super::icons::{Icon, icon};
use super::sentence::{Said, group, seconds};
use super::views::{pick, words as w};
use crate::player::Pace;

/// The paces with their labels; those that are words are translated.
pub const PACES: [(&str, Pace); 5] = [
    ("", Pace::Auto),
    ("0.1×", Pace::Tenth),
    ("1×", Pace::Real),
    ("10×", Pace::Tenfold),
    ("step", Pace::Step),
];

pub fn transport(v: &View<'_>) -> El {
    let t = v.t;
    let playing = v.player.playing();
    let play = if playing { t.pause } else { t.play };
    let mut paces = Vec::new();
    for (i, (label, pace)) in PACES.into_iter().enumerate() {
        let label = match pace {
            Pace::Auto => t.pace_auto,
            Pace::Step => v.w(&w::PACE_STEP),
            _ => label,
        };
        paces.push((
            label.into(),
            v.player.pace() == pace,
            ["pace ", &int(i as u64)].concat(),
        ));
    }
    let jump = |what, flip, name: &Said, line: &'static str| {
        el("button")
            .class(&[("plain", true), ("only", true), ("flip", flip)])
            .does(line)
            .named(v.w(name))
            .put(icon(what))
    };
    let p = v.player.position();
    let end = |button: El, there: bool| {
        if there {
            button.a("disabled", "disabled")
        } else {
            button
        }
    };
    // The unit is in their names: there is little room.
    let pass = |button, label: &'static str, name| leaf(button, label).named(name);
    el("section transport")
        .a("aria-label", t.transport)
        .put(end(jump(Icon::End, true, &w::FIRST, "start"), p.event == 0))
        .put(end(jump(Icon::Step, true, &w::BACK, "back"), p.event == 0))
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
        .put(end(jump(Icon::End, false, &w::LIVE, "live"), !p.past))
        .put(choice(t.pace, t.pace_title, paces))
        .put(
            el("div pass role=group")
                .a("aria-label", t.let_pass)
                .a("title", t.let_pass_title)
                .put(pass("button plain data-testid=pass-1", "+1", "+1 s").does("pass 1"))
                .put(pass("button plain data-testid=pass-10", "+10", "+10 s").does("pass 10"))
                .put(pass("button plain data-testid=pass-60", "+60", "+60 s").does("pass 60")),
        )
}

pub fn clock(v: &View<'_>) -> El {
    let t = v.t;
    let (playing, us) = (v.player.playing(), v.s.elapsed_us);
    let p = v.player.position();
    let (word, title) = if p.past {
        (v.w(&w::PAST), "")
    } else if v.player.pace() == Pace::Step {
        (v.w(&w::BY_STEPS), t.step_title)
    } else if !playing {
        (t.paused, "")
    } else if v.s.idle {
        (t.idle, t.idle_title)
    } else {
        (t.running, "")
    };
    el("section clock")
        .a("aria-label", t.clock)
        .put(leaf("p time data-testid=clock", [&seconds(us), " s"].concat()).a("data-us", int(us)))
        .put(leaf(
            "p muted data-testid=events",
            [t.event, " ", &group(p.event), " / ", &group(p.end)].concat(),
        ))
        .put(
            el("div standing")
                .put(
                    leaf("p data-testid=state", word)
                        .class(&[("state", true), ("live", playing && !v.s.idle && !p.past)])
                        .a("title", title),
                )
                .slot(branches(v)),
        )
}

/// The branches, where there is a choice.
#[inline(never)]
fn branches(v: &View<'_>) -> Option<El> {
    let all = v.player.branches();
    if all.len() < 2 {
        return None;
    }
    let mut options = Vec::new();
    for b in all {
        let line = ["branch ", &int(u64::from(b.id.0))].concat();
        options.push((b.name, b.here, line));
    }
    let open = el("button plain only data-do=branches")
        .named(v.w(&w::BRANCHES_TITLE))
        .put(icon(Icon::Branch));
    Some(
        el("div branches")
            .put(open)
            .put(pick(v.w(&w::BRANCH), options)),
    )
}
