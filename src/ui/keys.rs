//! What the visitor does, read from the events of the window into messages: one listener for the whole page.

use super::app::Msg;
use super::dom::int;
use super::stage::walk;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlInputElement, KeyboardEvent};

/// The events that are listened to. `close` does not bubble; it is caught on its way down.
pub const EVENTS: [&str; 8] = [
    "click", "input", "keydown", "focusin", "focusout", "resize", "close", "command",
];

pub fn read(event: &Event) -> Option<Msg> {
    let target = event.target().and_then(|t| t.dyn_into::<Element>().ok());
    match event.type_().as_str() {
        "resize" => Some(Msg::Resized),
        "command" => Some(Msg::Do("command".into())),
        // The browser closes a dialog by Escape on its own; the page then learns of it.
        "close" => Some(Msg::Do("close".into())),
        "click" => {
            let hit = target?.closest("[data-do], [data-sel], .stage").ok()??;
            let select = || {
                [
                    "select ",
                    &hit.get_attribute("data-sel").unwrap_or_default(),
                ]
                .concat()
            };
            Some(Msg::Do(hit.get_attribute("data-do").unwrap_or_else(select)))
        }
        "focusin" | "focusout" => {
            let button = target?.closest(".stage-tree [data-sel]").ok()??;
            let sel = button
                .get_attribute("data-sel")
                .filter(|_| event.type_() == "focusin");
            Some(Msg::Do(["keyboard ", &sel.unwrap_or_default()].concat()))
        }
        "input" => Some(Msg::Typed(
            target?.dyn_into::<HtmlInputElement>().ok()?.value(),
        )),
        _ => pressed(event.dyn_ref::<KeyboardEvent>()?, target),
    }
}

fn pressed(event: &KeyboardEvent, target: Option<Element>) -> Option<Msg> {
    // An input method owns every key, also the Enter that ends its composition (keyCode 229 in some browsers).
    if event.is_composing() || event.key_code() == 229 || event.default_prevented() {
        return None;
    }
    // A dialog closes itself, and has no use for the keys of the page.
    if target
        .as_ref()
        .is_some_and(|t| t.closest("dialog").is_ok_and(|d| d.is_some()))
    {
        return None;
    }
    if target
        .as_ref()
        .is_some_and(|button| walk(&event.key(), button))
    {
        event.prevent_default();
        return None;
    }
    let tag = target.as_ref().map(Element::tag_name).unwrap_or_default();
    let msg = match target.and_then(|t| t.dyn_into::<HtmlInputElement>().ok()) {
        Some(input) => Msg::Do(typing(event, &input)?.into()),
        None => Msg::Key(command(event, &tag)?),
    };
    event.prevent_default();
    Some(msg)
}

/// Keys that the prompt takes for itself; the others type.
fn typing(event: &KeyboardEvent, input: &HtmlInputElement) -> Option<&'static str> {
    let text = input.value();
    let more = input.has_attribute("data-more");
    let at_end =
        || input.selection_start().ok().flatten() == Some(text.encode_utf16().count() as u32);
    Some(match event.key().as_str() {
        "Enter" => "send",
        "Tab" if more && !event.shift_key() => "accept",
        "ArrowRight" if more && at_end() => "accept",
        "ArrowUp" => "older",
        "ArrowDown" => "newer",
        "Escape" if text.is_empty() => {
            let _ = input.blur();
            return None;
        }
        "Escape" => "erase",
        _ => return None,
    })
}

/// Keys outside of the prompt; none for those that belong to the browser or to a focused control.
fn command(event: &KeyboardEvent, tag: &str) -> Option<String> {
    if event.ctrl_key() || event.meta_key() || event.alt_key() {
        return None;
    }
    let key = event.key();
    let line = match key.as_str() {
        "/" | "`" => "console",
        // Space presses the button that has the focus.
        " " if !matches!(tag, "BUTTON" | "A") => "play",
        "." => "step",
        "x" => "wire",
        "p" => "promote",
        "k" => "kill",
        "n" => "add",
        "Escape" => "select",
        "?" => "help",
        digit => match digit.as_bytes() {
            [digit @ b'1'..=b'9'] => {
                return Some(["focus ", &int(u64::from(digit - b'1'))].concat());
            }
            _ => return None,
        },
    };
    Some(line.into())
}
