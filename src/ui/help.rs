//! The help: the idea in five lines, and the keys.

use super::app::Msg;
use super::icons::{Icon, icon};
use super::text::Lang;
use web_sys::HtmlDialogElement;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub lang: Lang,
    pub open: bool,
    pub send: Callback<Msg>,
}

#[component]
pub fn Help(props: &Props) -> Html {
    let t = props.lang.text();
    let dialog = use_node_ref();
    use_effect_with(props.open, {
        let dialog = dialog.clone();
        move |&open| {
            if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
                if open && !dialog.open() {
                    // Throws only for a dialog outside of the document.
                    let _ = dialog.show_modal();
                } else if !open {
                    dialog.close();
                }
            }
        }
    });
    // The browser closes a dialog by Escape on its own; the page then learns of it.
    let onclose = props.send.reform(|_: Event| Msg::Help(false));
    let close = props.send.reform(|_: MouseEvent| Msg::Help(false));
    html! {
        <dialog class="help" ref={dialog} {onclose} aria-labelledby="idea">
            <button class="plain only close" aria-label={t.close} title={t.close} onclick={close}>{ icon(Icon::Close) }</button>
            <h2 id="idea">{ t.idea_title }</h2>
            <ol class="idea">{ for t.idea.iter().enumerate().map(|(i, line)| html! { <li key={i}>{ *line }</li> }) }</ol>
            <h3>{ t.keys_title }</h3>
            <dl class="keys">
                { for t.keys.iter().map(|(key, what)| html! { <div key={*key}><dt><kbd>{ *key }</kbd></dt><dd>{ *what }</dd></div> }) }
            </dl>
            <p class="muted">{ t.keys_note }</p>
        </dialog>
    }
}
