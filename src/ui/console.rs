//! The console: a redis-cli for every node at once. It runs nothing itself; a line goes to the player as it was typed.

use super::Shared;
use super::app::Msg;
use super::sentence::{behind, group};
use super::stage::select::Sel;
use super::text::Lang;
use crate::player::{Line, Player};
use crate::sim::snapshot::Snapshot;
use std::cell::RefCell;
use web_sys::{Element, HtmlInputElement};
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub lang: Lang,
    pub snapshot: Shared<Snapshot>,
    pub lines: Shared<Vec<Line>>,
    /// A node, or `all`.
    pub target: String,
    /// Chips beside the prompt: label, line.
    pub suggestions: Vec<(AttrValue, AttrValue)>,
    pub selected: Option<Sel>,
    /// For completion, hints and history; never to act.
    pub player: Shared<RefCell<Player>>,
    pub send: Callback<Msg>,
}

#[component]
pub fn Console(props: &Props) -> Html {
    let t = props.lang.text();
    html! {
        <section class="console" aria-label={t.console}>
            <div class="head">
                <h3>{ t.console }</h3>
                <div class="targets" role="group" aria-label={t.console_to}>
                    { for props.snapshot.nodes.iter().enumerate().map(|(i, n)| target(props, i, n.name.clone(), n.name.clone(), !n.alive)) }
                    { target(props, usize::MAX, "all".into(), t.all.into(), false) }
                </div>
            </div>
            <Output lang={props.lang} lines={props.lines.clone()} selected={props.selected.clone()} root={root(&props.snapshot)} send={props.send.clone()} />
            <Prompt lang={props.lang} target={prompt(props)} suggestions={props.suggestions.clone()}
                player={props.player.clone()} send={props.send.clone()} />
        </section>
    }
}

fn target(props: &Props, key: usize, node: String, label: String, dead: bool) -> Html {
    let on = props.target == node;
    let onclick = props
        .send
        .reform(move |_: MouseEvent| Msg::Target(node.clone()));
    html! { <button {key} class={classes!("target", dead.then_some("dead"))} aria-pressed={if on { "true" } else { "false" }} {onclick}>{ label }</button> }
}

/// The prompt as redis-cli writes it.
fn prompt(props: &Props) -> String {
    let known = props.snapshot.nodes.iter().any(|n| n.name == props.target);
    let prompt = if known {
        props.player.borrow().prompt(&props.target)
    } else {
        props.target.clone()
    };
    format!("{prompt}>")
}

/// The node whose stream the offsets of a line count, unless the line's own node is a master.
fn root(s: &Snapshot) -> AttrValue {
    s.nodes
        .iter()
        .find(|n| !n.replica && n.alive)
        .or_else(|| s.nodes.first())
        .map(|n| n.name.clone())
        .unwrap_or_default()
        .into()
}

#[derive(Properties, PartialEq)]
struct OutputProps {
    lang: Lang,
    lines: Shared<Vec<Line>>,
    selected: Option<Sel>,
    root: AttrValue,
    send: Callback<Msg>,
}

/// What was typed and answered. The list itself is silent; one live region speaks the newest reply only.
#[component]
fn Output(props: &OutputProps) -> Html {
    let t = props.lang.text();
    let list = use_node_ref();
    use_effect_with(props.lines.clone(), {
        let list = list.clone();
        move |_| {
            if let Some(list) = list.cast::<Element>() {
                list.set_scroll_top(list.scroll_height());
            }
        }
    });
    let latest = props.lines.iter().rev().find_map(|l| match l {
        Line::Reply { text, .. } | Line::Note(text) => Some(text.clone()),
        Line::Input { .. } => None,
    });
    html! {
        <>
            <ol class="output" role="log" aria-live="off" aria-label={t.output} tabindex="0" data-testid="console-output" ref={list} translate="no">
                if props.lines.is_empty() { <li key="welcome" class="note">{ t.welcome }</li> }
                { for props.lines.iter().enumerate().map(|(i, l)| line(props, i, l)) }
            </ol>
            <p class="hidden" aria-live="polite" translate="no">{ latest }</p>
        </>
    }
}

fn line(props: &OutputProps, key: usize, line: &Line) -> Html {
    match line {
        Line::Input {
            prompt,
            text,
            offsets,
        } => {
            let sign = if prompt.is_empty() {
                String::new()
            } else {
                format!("{prompt}> ")
            };
            let typed = html! { <><span class="prompt">{ sign }</span><b>{ text.clone() }</b></> };
            let Some((from, to)) = *offsets else {
                return html! { <li {key} class="input">{ typed }</li> };
            };
            let on = matches!(&props.selected, Some(Sel::Bytes { from: a, to: b, .. }) if *a <= to && *b >= from);
            let node = props.root.to_string();
            let onclick = props.send.reform(move |_: MouseEvent| {
                Msg::Select((!on).then(|| Sel::Bytes {
                    node: node.clone(),
                    from,
                    to,
                }))
            });
            html! {
                <li {key} class={classes!("input", on.then_some("on"))}>
                    <button title={props.lang.text().select_bytes} aria-pressed={if on { "true" } else { "false" }} {onclick}>
                        <span class="typed">{ typed }</span>
                        <span class="range">{ format!("{} B, {}–{}", group(to + 1 - from), group(from), group(to)) }</span>
                    </button>
                </li>
            }
        }
        Line::Reply {
            node,
            text,
            error,
            behind: bytes,
        } => html! {
            <li {key} class={classes!("reply", error.then_some("error"), node.is_some().then_some("of-node"))}>
                if let Some(node) = node { <span class="of">{ node.clone() }</span> }
                <span>{ text.clone() }</span>
                if *bytes > 0 { <span class="stale">{ behind(props.lang, *bytes) }</span> }
            </li>
        },
        Line::Note(text) => html! { <li {key} class="note">{ text.clone() }</li> },
    }
}

#[derive(Properties, PartialEq)]
struct PromptProps {
    lang: Lang,
    target: String,
    suggestions: Vec<(AttrValue, AttrValue)>,
    player: Shared<RefCell<Player>>,
    send: Callback<Msg>,
}

/// The line being typed, with the rest that a Tab would add in a paler ink behind it.
#[component]
fn Prompt(props: &PromptProps) -> Html {
    let t = props.lang.text();
    let text = use_state_eq(String::new);
    // How far back in the history, and what had been typed before going there.
    let back = use_state(|| (0usize, String::new()));
    let player = props.player.borrow();
    let ghost = if text.is_empty() {
        None
    } else {
        player
            .complete(&text)
            .filter(|c| c.len() > text.len() && c.starts_with(text.as_str()))
    };
    let hint = if text.is_empty() {
        String::new()
    } else {
        player.hint(&text)
    };
    drop(player);
    let rest = match &ghost {
        Some(full) => full.get(text.len()..).unwrap_or_default().to_string(),
        None if hint.is_empty() || text.ends_with(' ') => hint,
        None => format!(" {hint}"),
    };
    let oninput = {
        let (text, back) = (text.clone(), back.clone());
        Callback::from(move |event: InputEvent| {
            if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                text.set(input.value());
                back.set((0, String::new()));
            }
        })
    };
    let submit = {
        let (text, back, send) = (text.clone(), back.clone(), props.send.clone());
        Callback::from(move |()| {
            let line = text.trim();
            if !line.is_empty() {
                send.emit(Msg::Submit(line.to_string()));
            }
            text.set(String::new());
            back.set((0, String::new()));
        })
    };
    let onkeydown = {
        let (text, back, ghost, submit, player) = (
            text.clone(),
            back,
            ghost.clone(),
            submit.clone(),
            props.player.clone(),
        );
        Callback::from(move |event: KeyboardEvent| {
            // An input method owns every key, also the Enter that ends its composition (keyCode 229 in some browsers).
            if event.is_composing() || event.key_code() == 229 {
                return;
            }
            match event.key().as_str() {
                "Enter" => submit.emit(()),
                "Tab" if !event.shift_key() => {
                    let Some(full) = &ghost else { return };
                    text.set(full.clone());
                }
                "ArrowRight" => {
                    let at_end = event
                        .target_dyn_into::<HtmlInputElement>()
                        .and_then(|i| i.selection_start().ok().flatten());
                    let Some(full) = ghost
                        .as_ref()
                        .filter(|_| at_end == Some(text.encode_utf16().count() as u32))
                    else {
                        return;
                    };
                    text.set(full.clone());
                }
                "ArrowUp" | "ArrowDown" => {
                    let up = event.key() == "ArrowUp";
                    let Some((steps, line)) = recall(player.borrow().history(), &back, &text, up)
                    else {
                        return;
                    };
                    let before = if back.0 == 0 {
                        text.to_string()
                    } else {
                        back.1.clone()
                    };
                    text.set(line);
                    back.set((steps, before));
                }
                "Escape" if !text.is_empty() => text.set(String::new()),
                "Escape" => {
                    if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                        let _ = input.blur();
                    }
                }
                _ => return,
            }
            event.prevent_default();
        })
    };
    let chip = |(i, (label, line)): (usize, &(AttrValue, AttrValue))| {
        let send = props.send.clone();
        let to_run = line.to_string();
        html! {
            <button key={i} class="line" title={t.run_it} data-testid="suggestion"
                onclick={move |_: MouseEvent| send.emit(Msg::Submit(to_run.clone()))} translate="no">{ label }</button>
        }
    };
    let empty = text.is_empty();
    let field = use_node_ref();
    html! {
        <div class={classes!("prompt-row", empty.then_some("empty"))}>
            <label for="console-input" class="prompt" translate="no">{ props.target.clone() }<span class="hidden">{ t.command_for }</span></label>
            <div class="field">
                <span class="ghost" aria-hidden="true" translate="no"><span>{ text.to_string() }</span><i>{ rest }</i></span>
                <input ref={field.clone()} id="console-input" data-testid="console-input" type="text" value={text.to_string()} {oninput} {onkeydown}
                    autocomplete="off" autocapitalize="off" autocorrect="off" spellcheck="false" enterkeyhint="send" translate="no" />
            </div>
            <div class="chips">
                if empty {
                    if !props.suggestions.is_empty() { <span class="muted">{ t.try_word }</span> }
                    { for props.suggestions.iter().enumerate().map(chip) }
                } else if let Some(full) = ghost {
                    <button class="accept" tabindex="-1" onclick={accept(&text, &field, full)}><kbd>{ "Tab" }</kbd>{ " " }{ t.accepts }</button>
                }
            </div>
            <button class="plain send" onclick={submit.reform(|_: MouseEvent| ())} disabled={empty}>{ t.run }</button>
        </div>
    }
}

/// What Tab does, for those who have none: completes, and goes on typing.
fn accept(text: &UseStateHandle<String>, field: &NodeRef, full: String) -> Callback<MouseEvent> {
    let (text, field) = (text.clone(), field.clone());
    Callback::from(move |_| {
        text.set(full.clone());
        if let Some(input) = field.cast::<HtmlInputElement>() {
            let _ = input.focus();
        }
    })
}

/// The next older or newer line that begins as the visitor began; `None` when there is none.
fn recall(
    history: &[String],
    back: &(usize, String),
    typed: &str,
    up: bool,
) -> Option<(usize, String)> {
    let prefix = if back.0 == 0 { typed } else { back.1.as_str() };
    if !up && back.0 <= 1 {
        return (back.0 == 1).then(|| (0, prefix.to_string()));
    }
    let steps = if up { back.0 + 1 } else { back.0 - 1 };
    let line = history
        .iter()
        .rev()
        .filter(|l| l.starts_with(prefix))
        .nth(steps - 1)?;
    Some((steps, line.clone()))
}
