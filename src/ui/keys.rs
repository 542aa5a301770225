//! The keyboard outside of text fields: which key asks for what.

use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Console,
    Play,
    Step,
    /// Index of a node.
    Node(usize),
    Wire,
    Promote,
    Kill,
    Add,
    Leave,
    Help,
}

/// `None` for keys that belong to the browser, to a text field or to a focused control.
pub fn read(event: &KeyboardEvent) -> Option<Key> {
    if event.ctrl_key()
        || event.meta_key()
        || event.alt_key()
        || event.default_prevented()
        || event.is_composing()
    {
        return None;
    }
    let tag = event
        .target()
        .and_then(|t| t.dyn_into::<Element>().ok())
        .map(|e| e.tag_name())
        .unwrap_or_default();
    if matches!(tag.as_str(), "INPUT" | "TEXTAREA" | "SELECT") {
        return None;
    }
    let key = event.key();
    Some(match key.as_str() {
        "/" | "`" => Key::Console,
        // Space presses the button that has the focus.
        " " if !matches!(tag.as_str(), "BUTTON" | "A" | "SUMMARY" | "g") => Key::Play,
        "." => Key::Step,
        "x" => Key::Wire,
        "p" => Key::Promote,
        "k" => Key::Kill,
        "n" => Key::Add,
        "Escape" => Key::Leave,
        "?" => Key::Help,
        _ => match key.as_bytes() {
            [digit @ b'1'..=b'9'] => Key::Node(usize::from(digit - b'1')),
            _ => return None,
        },
    })
}
