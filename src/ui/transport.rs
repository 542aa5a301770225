//! Time: play, pause, step, pace, and the read-out.

use super::Shared;
use super::app::Msg;
use super::guide::choice;
use super::icons::{Icon, icon};
use super::sentence::{group, seconds};
use super::text::Lang;
use crate::player::Pace;
use crate::sim::snapshot::Snapshot;
use crate::time::SECOND_US;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub lang: Lang,
    pub playing: bool,
    pub pace: Pace,
    pub send: Callback<Msg>,
}

#[component]
pub fn Transport(props: &Props) -> Html {
    let t = props.lang.text();
    let play = if props.playing { t.pause } else { t.play };
    let pace = |pace: Pace| props.send.reform(move |_: MouseEvent| Msg::Pace(pace));
    let pass = |us: u64| props.send.reform(move |_: MouseEvent| Msg::Pass(us));
    html! {
        <section class="transport" aria-label={t.transport}>
            <button class="round" data-testid="play" title={format!("{play} (Space)")} aria-label={play} onclick={props.send.reform(|_| Msg::Play)}>
                { icon(if props.playing { Icon::Pause } else { Icon::Play }) }
            </button>
            <button class="plain only" data-testid="step" title={t.step_title} aria-label={t.step} onclick={props.send.reform(|_| Msg::Step)}>{ icon(Icon::Step) }</button>
            <div class="pass" role="group" aria-label={t.let_pass} title={t.let_pass_title}>
                <span>{ t.let_pass }</span>
                <button class="plain" data-testid="pass-1" onclick={pass(SECOND_US)}>{ "+1 s" }</button>
                <button class="plain" data-testid="pass-10" onclick={pass(10 * SECOND_US)}>{ "+10 s" }</button>
            </div>
            { choice(t.pace, t.pace_title, vec![
                (t.pace_auto, props.pace == Pace::Auto, pace(Pace::Auto)),
                ("0.1×", props.pace == Pace::Tenth, pace(Pace::Tenth)),
                ("1×", props.pace == Pace::Real, pace(Pace::Real)),
                ("10×", props.pace == Pace::Tenfold, pace(Pace::Tenfold)),
            ]) }
        </section>
    }
}

#[derive(Properties, PartialEq)]
pub struct ClockProps {
    pub lang: Lang,
    pub snapshot: Shared<Snapshot>,
    pub playing: bool,
}

#[component]
pub fn Clock(props: &ClockProps) -> Html {
    let t = props.lang.text();
    let s = &props.snapshot;
    let (word, title) = if !props.playing {
        (t.paused, "")
    } else if s.idle {
        (t.idle, t.idle_title)
    } else {
        (t.running, "")
    };
    html! {
        <section class="clock">
            <p class="time" data-testid="clock" data-us={s.elapsed_us.to_string()}>{ seconds(s.elapsed_us) }{ " s" }</p>
            <p class="muted" data-testid="events">{ format!("{} {}", t.event, group(s.event)) }</p>
            <p class={classes!("state", (props.playing && !s.idle).then_some("live"))} data-testid="state" {title}>{ word }</p>
        </section>
    }
}
