//! What the visitor does, read from the events of the window into messages: one listener for the whole page.

use super::app::{Msg, focus_console, on_root, set_on_root};
use super::ask::Ask;
use super::dom::int;
use super::palette::line_of;
use super::stage::needle::{KEYS, turned};
use super::stage::{lasso, walk};
use std::sync::atomic::{AtomicU32, Ordering};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, Event, HtmlDialogElement, HtmlInputElement, KeyboardEvent, PointerEvent};

/// The events that are listened to. `cancel` does not bubble; it is caught on its way down.
pub const EVENTS: [&str; 16] = [
    "click",
    "input",
    "keydown",
    "focusin",
    "focusout",
    "resize",
    "cancel",
    "command",
    "ask",
    "paste",
    "hashchange",
    "pointerdown",
    "pointermove",
    "pointerup",
    "pointercancel",
    "pointerover",
];

pub fn read(event: &Event) -> Option<Msg> {
    let target = event.target().and_then(|t| t.dyn_into::<Element>().ok());
    match event.type_().as_str() {
        "resize" => Some(Msg::Resized),
        // A script of the page wants something: its line is taken now, before another one can take its place.
        "command" => {
            let line = on_root("data-do");
            set_on_root("data-do", "");
            Some(Msg::Told(line))
        }
        "ask" => Ask::read(event).map(Msg::Ask),
        "hashchange" => Some(Msg::Do("open".into())),
        // The browser closes a dialog by Escape on its own, and says so before; its `close` comes after, when the dialog
        // may be meant to be open again.
        "cancel" => {
            target?.dyn_into::<HtmlDialogElement>().ok()?;
            Some(Msg::Do("close".into()))
        }
        "click" => clicked(&target?),
        "paste" => pasted(event, &target?),
        "pointerover" => pointed(event.dyn_ref::<PointerEvent>()?, &target?),
        "pointerdown" | "pointermove" | "pointerup" | "pointercancel" => {
            drag(event.dyn_ref::<PointerEvent>()?, &target?)
        }
        "focusin" | "focusout" => {
            let button = target?.closest(".stage-tree [data-sel]").ok()??;
            let sel = button
                .get_attribute("data-sel")
                .filter(|_| event.type_() == "focusin");
            Some(Msg::Do(["keyboard ", &sel.unwrap_or_default()].concat()))
        }
        "input" => typed(target?),
        _ => pressed(event.dyn_ref::<KeyboardEvent>()?, target),
    }
}

/// What was clicked on; like the others below it is not needed before somebody does something.
#[inline(never)]
fn clicked(target: &Element) -> Option<Msg> {
    let hit = target.closest("[data-do], [data-sel], .stage").ok()??;
    let select = || {
        [
            "select ",
            &hit.get_attribute("data-sel").unwrap_or_default(),
        ]
        .concat()
    };
    // Some lines come with a second one: what else is meant by the same click.
    let also = hit.get_attribute("data-also");
    let line = hit.get_attribute("data-do").unwrap_or_else(select);
    Some(Msg::Do(match also {
        Some(also) => [&line, "\n", &also].concat(),
        None => line,
    }))
}

#[inline(never)]
fn typed(target: Element) -> Option<Msg> {
    if target.tag_name() == "TEXTAREA" {
        let value = js_sys::Reflect::get(&target, &"value".into())
            .ok()?
            .as_string()?;
        let verb = target.get_attribute("data-input")?;
        // A message is lines.
        return Some(Msg::Do(
            [&verb, " ", &value.replace('\n', "\u{1e}")].concat(),
        ));
    }
    let input = target.dyn_into::<HtmlInputElement>().ok()?;
    // A field of a page has the verb for what it holds.
    Some(match input.get_attribute("data-input") {
        Some(verb) => Msg::Do([&verb, " ", &input.value()].concat()),
        None => Msg::Typed(input.value()),
    })
}

/// Several lines into the prompt: they are asked about, not joined.
#[inline(never)]
fn pasted(event: &Event, target: &Element) -> Option<Msg> {
    if target.id() != "console-input" {
        return None;
    }
    let get = |of: &JsValue, name: &str| js_sys::Reflect::get(of, &name.into()).ok();
    let data = get(event, "clipboardData")?;
    let read = get(&data, "getData")?.dyn_into::<js_sys::Function>().ok()?;
    let text = read.call1(&data, &"text".into()).ok()?.as_string()?;
    let lines = text.trim().replace('\r', "").replace('\n', "\u{1e}");
    if !lines.contains('\u{1e}') {
        return None;
    }
    event.prevent_default();
    Some(Msg::Do(["paste ", &lines].concat()))
}

/// A press on the timeline goes to that moment, and so does moving while it is held.
#[inline(never)]
fn drag(event: &PointerEvent, target: &Element) -> Option<Msg> {
    if let Some(hand) = target.closest("[data-hand]").ok()? {
        return turn(event, &hand);
    }
    moved(event);
    if event.type_() == "pointermove"
        && let Some(plot) = target.closest(".curves").ok()?
    {
        let at = plot.get_bounding_client_rect();
        let part = (f64::from(event.client_x()) - at.left()) / at.width().max(1.0);
        return Some(Msg::Do(["cross ", &int((part * 1000.0) as u64)].concat()));
    }
    if let Some(line) = lasso(event, target) {
        return Some(Msg::Do(line));
    }
    // A node that is dragged onto another one is to follow it.
    let stage = target.closest(".stage [data-sel]").ok()?;
    let node = || {
        let sel = stage?.get_attribute("data-sel")?;
        let name = sel
            .strip_prefix("focus:")
            .or_else(|| sel.strip_prefix("node:"))?;
        Some(String::from(name))
    };
    match event.type_().as_str() {
        "pointerup" => return Some(Msg::Do(["drop ", &node()?].concat())),
        "pointerdown" => {
            if let Some(node) = node() {
                return Some(Msg::Do(["drag ", &node].concat()));
            }
        }
        _ => {}
    }
    if event.buttons() & 1 == 0 {
        return None;
    }
    // What can be clicked in it is no place to go to.
    if target.closest(".strip [data-do]").ok()?.is_some() {
        return None;
    }
    let strip = target.closest(".strip").ok()??;
    if event.type_() == "pointerdown" {
        // Refused only for a pointer that is gone already.
        let _ = strip.set_pointer_capture(event.pointer_id());
    } else if !strip.has_pointer_capture(event.pointer_id()) {
        return None;
    }
    let left = strip.get_bounding_client_rect().left();
    let x = f64::from(event.client_x()) - left;
    Some(Msg::Do(["seek-x ", &int(x.max(0.0) as u64)].concat()))
}

/// Where the mouse was last, as two halves.
static MOUSE: AtomicU32 = AtomicU32::new(0);

/// True if the mouse is elsewhere than at the event before. A browser sends some also when the page moves below it.
fn moved(event: &PointerEvent) -> bool {
    let now = (event.client_x() as u32) << 16 | (event.client_y() as u32 & 0xffff);
    MOUSE.swap(now, Ordering::Relaxed) != now
}

/// What a mouse comes to rest on; near the ring and in the bytes of a packet the last one stays, so that one can go on to its bytes.
fn pointed(event: &PointerEvent, target: &Element) -> Option<Msg> {
    const BYTES: &str =
        "[data-sel^='bytes:'], [data-do^='select bytes:'], [data-do^='select octet:']";
    // A finger rests on nothing.
    if event.pointer_type() != "mouse" || !moved(event) {
        return None;
    }
    let hit = match target.closest(BYTES).ok()? {
        Some(hit) => {
            let line = hit.get_attribute("data-sel");
            let line = line.or_else(|| hit.get_attribute("data-do"))?;
            String::from(line.strip_prefix("select ").unwrap_or(&line))
        }
        None if target.closest(".scene, .bytes").ok()?.is_some() => return None,
        None => String::new(),
    };
    Some(Msg::Over(hit))
}

/// A number that stands at an element.
fn number(of: &Element, name: &str) -> Option<u64> {
    of.get_attribute(name)?.parse().ok()
}

/// The needle is taken and turned, or moved along the line.
#[inline(never)]
fn turn(event: &PointerEvent, hand: &Element) -> Option<Msg> {
    if event.type_() == "pointerdown" {
        // Refused only for a pointer that is gone already.
        let _ = hand.set_pointer_capture(event.pointer_id());
        return None;
    }
    if event.type_() != "pointermove" || !hand.has_pointer_capture(event.pointer_id()) {
        return None;
    }
    let at = |name: &str| number(hand, name);
    let ends = (at("aria-valuemin")?, at("aria-valuemax")?);
    let (x, y) = (f64::from(event.client_x()), f64::from(event.client_y()));
    let byte = if hand.get_attribute("data-hand")? == "line" {
        let line = hand.closest("svg.over").ok()??.get_bounding_client_rect();
        let left = at("data-left")? as f64 / 100.0;
        let part = ((x - line.left()) / line.width() - left) / (1.0 - 2.0 * left);
        let byte = at("data-low")? + (part.max(0.0) * at("data-bytes")? as f64 + 0.5) as u64;
        byte.clamp(ends.0, ends.1)
    } else {
        let dial = hand
            .query_selector(".dial")
            .ok()??
            .get_bounding_client_rect();
        let (dx, dy) = (
            x - dial.left() - dial.width() / 2.0,
            y - dial.top() - dial.height() / 2.0,
        );
        let turn = (js_sys::Math::atan2(dx, -dy) / core::f64::consts::TAU).rem_euclid(1.0);
        let size = at("data-size")?;
        let to = (turn * size as f64 + 0.5) as u64 % size.max(1);
        turned(at("aria-valuenow")?, size, at("data-slot")?, to, ends)
    };
    Some(Msg::Do(
        [&hand.get_attribute("data-verb")?, " ", &int(byte)].concat(),
    ))
}

/// Keys of the needle, of the ring and of the charts while one of them has the focus.
#[inline(never)]
fn nudge(key: &str, hand: &Element) -> Option<String> {
    let bytes = hand.get_attribute("data-keys")?;
    if key == "Enter" {
        return hand.get_attribute("data-enter");
    }
    let (_, byte) = KEYS.iter().zip(bytes.split(' ')).find(|k| *k.0 == key)?;
    Some([&hand.get_attribute("data-verb")?, " ", byte].concat())
}

/// Keys of the timeline while it has the focus.
fn slide(key: &str) -> Option<&'static str> {
    Some(match key {
        "ArrowLeft" | "ArrowDown" => "back",
        "ArrowRight" | "ArrowUp" => "step",
        "PageDown" => "marker previous",
        "PageUp" => "marker next",
        "Home" => "start",
        "End" => "live",
        _ => return None,
    })
}

#[inline(never)]
fn pressed(event: &KeyboardEvent, target: Option<Element>) -> Option<Msg> {
    // An input method owns every key, also the Enter that ends its composition (keyCode 229 in some browsers).
    if event.is_composing() || event.key_code() == 229 || event.default_prevented() {
        return None;
    }
    if target
        .as_ref()
        .is_some_and(|button| walk(&event.key(), button))
    {
        event.prevent_default();
        return None;
    }
    if let Some(line) = target.as_ref().and_then(|t| nudge(&event.key(), t)) {
        event.prevent_default();
        return Some(Msg::Do(line));
    }
    let on_strip = target.as_ref().is_some_and(|t| t.id() == "time");
    if let Some(line) = slide(&event.key()).filter(|_| on_strip) {
        event.prevent_default();
        return Some(Msg::Do(line.into()));
    }
    let tag = target.as_ref().map(Element::tag_name).unwrap_or_default();
    if let Some(line) = held(event) {
        event.prevent_default();
        return Some(Msg::Do(line.into()));
    }
    // A dialog closes itself, and has no use for the keys of the page.
    let inside = |t: &Element| t.closest("dialog, textarea").is_ok_and(|d| d.is_some());
    // What had the focus may have gone away while it is open.
    let open = || {
        let document = web_sys::window()?.document()?;
        document.query_selector("dialog[open]").ok()?
    };
    let in_dialog = target.as_ref().is_some_and(inside) || open().is_some();
    let msg = match target.and_then(|t| t.dyn_into::<HtmlInputElement>().ok()) {
        Some(input) if input.has_attribute("data-input") => Msg::Do(entered(event, &input)?),
        _ if in_dialog => return None,
        Some(input) => typing(event, &input)?,
        None => {
            let line = command(event, &tag)?;
            if line == "console" && on_root("data-keys") != "off" {
                focus_console();
            }
            Msg::Key(line)
        }
    };
    event.prevent_default();
    Some(msg)
}

/// Keys that are held with Ctrl (⌘), wherever the focus is.
fn held(event: &KeyboardEvent) -> Option<&'static str> {
    if !(event.ctrl_key() || event.meta_key()) || event.alt_key() || event.shift_key() {
        return None;
    }
    let typing = || {
        let target = event.target()?.dyn_into::<HtmlInputElement>().ok()?;
        (!target.value().is_empty()).then_some(())
    };
    match event.key().as_str() {
        "k" => Some("find"),
        // A field has an undo of its own.
        "z" if typing().is_none() => Some("undo"),
        _ => None,
    }
}

/// Keys in a field of a page: Enter does its line with what it holds, Escape leaves it, the arrows walk its list.
fn entered(event: &KeyboardEvent, input: &HtmlInputElement) -> Option<String> {
    let list = input.has_attribute("data-arrows");
    match event.key().as_str() {
        "Enter" => Some([&input.get_attribute("data-enter")?, " ", &input.value()].concat()),
        "ArrowDown" if list => Some("pick-next".into()),
        "ArrowUp" if list => Some("pick-before".into()),
        "Escape" if list => None,
        "Escape" => {
            let _ = input.blur();
            None
        }
        _ => None,
    }
}

/// Keys that the prompt takes for itself; the others type. A message may have to wait while the page draws, but the next
/// letters do not: the field is made ready for them here.
fn typing(event: &KeyboardEvent, input: &HtmlInputElement) -> Option<Msg> {
    let text = input.value();
    if event.ctrl_key() && event.key() == "c" {
        // With something selected it copies.
        let range = (input.selection_start().ok()?, input.selection_end().ok()?);
        return (range.0 == range.1).then(|| Msg::Do("interrupt".into()));
    }
    let more = || input.get_attribute("data-more");
    let at_end =
        || input.selection_start().ok().flatten() == Some(text.encode_utf16().count() as u32);
    let verb = match event.key().as_str() {
        "Enter" if !input.has_attribute("data-picked") => {
            input.set_value("");
            "send"
        }
        key if (key == "Tab" && !event.shift_key())
            || (key == "ArrowRight" && at_end())
            || key == "Enter" =>
        {
            let full = more().filter(|full| full.starts_with(&text))?;
            input.set_value(&full);
            return Some(Msg::Typed(full));
        }
        "ArrowUp" => "older",
        "ArrowDown" => "newer",
        "Escape" if input.get_attribute("aria-expanded").as_deref() == Some("true") => "fold",
        "Escape" if text.is_empty() => {
            let _ = input.blur();
            return None;
        }
        "Escape" => {
            input.set_value("");
            "erase"
        }
        _ => return None,
    };
    Some(Msg::Do(verb.into()))
}

/// Keys outside of the prompt; none for those that belong to the browser or to a focused control.
fn command(event: &KeyboardEvent, tag: &str) -> Option<String> {
    if event.ctrl_key() || event.meta_key() || event.alt_key() {
        return None;
    }
    let key = event.key();
    let named = match key.as_str() {
        // Space presses the button that has the focus.
        " " if matches!(tag, "BUTTON" | "A") => return None,
        " " => "Space",
        ">" => "Shift .",
        "<" => "Shift ,",
        "B" => "Shift B",
        "R" => "Shift R",
        "N" => "Shift N",
        "Escape" => return Some("select".into()),
        // A button that has the focus is pressed by it.
        "Enter" if tag != "BODY" => return None,
        // A list that has the focus scrolls.
        "Home" | "End" if tag != "BODY" => return None,
        key => key,
    };
    if let [digit @ b'1'..=b'9'] = named.as_bytes() {
        return Some(["focus ", &int(u64::from(digit - b'1'))].concat());
    }
    let line = line_of(named)?;
    Some(line.strip_prefix("key ").unwrap_or(&line).into())
}
