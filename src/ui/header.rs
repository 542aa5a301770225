//! The top line: name, reset, language, theme, help.

use super::app::{Msg, Theme};
use super::icons::{Icon, icon, logo};
use super::text::Lang;
use gloo_timers::callback::Timeout;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub lang: Lang,
    pub theme: Theme,
    pub send: Callback<Msg>,
}

/// How long `Reset` waits for its second click.
const SURE_MS: u32 = 3_000;

#[component]
pub fn Header(props: &Props) -> Html {
    let t = props.lang.text();
    let asked = use_state(|| false);
    // Asks once, in place, and forgets the question after a moment.
    use_effect_with(*asked, {
        let asked = asked.clone();
        move |&on| {
            let timer = on.then(|| Timeout::new(SURE_MS, move || asked.set(false)));
            move || drop(timer)
        }
    });
    let reset = {
        let (asked, send) = (asked.clone(), props.send.clone());
        Callback::from(move |_: MouseEvent| {
            if *asked {
                send.emit(Msg::Reset);
            }
            asked.set(!*asked);
        })
    };
    let theme = match props.theme {
        Theme::Auto => t.theme_auto,
        Theme::Light => t.theme_light,
        Theme::Dark => t.theme_dark,
    };
    html! {
        <header class="top">
            <h1>{ logo() }</h1>
            <p class="tagline">{ t.tagline }</p>
            <button class={classes!("plain", asked.then_some("sure"))} title={t.reset_title} onclick={reset}>
                { icon(Icon::Reset) }<span>{ if *asked { t.reset_sure } else { t.reset } }</span>
            </button>
            <button class="plain lang" title={t.lang_title} onclick={props.send.reform(|_| Msg::Language)}>
                <span lang="en" class={classes!((props.lang == Lang::En).then_some("on"))}>{ "EN" }</span>
                <span aria-hidden="true">{ "/" }</span>
                <span lang="zh-CN" class={classes!((props.lang == Lang::Zh).then_some("on"))}>{ "中文" }</span>
            </button>
            <button class="plain only" title={theme} aria-label={theme} onclick={props.send.reform(|_| Msg::Theme)}>{ icon(Icon::Theme) }</button>
            <button class="plain only" title={t.help} aria-label={t.help} onclick={props.send.reform(|_| Msg::Help(true))}>{ icon(Icon::Help) }</button>
        </header>
    }
}
