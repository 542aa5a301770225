//! The lasso: a rectangle drawn over the empty stage chooses the nodes in it. Like the beads it is moved outside of Yew.

use super::paper::{node, set};
use crate::ui::app::matches;
use crate::ui::dom::num;
use wasm_bindgen::JsCast;
use web_sys::{Element, PointerEvent};

/// A press that moves less, in pixels, is a click.
const LEAST: i32 = 6;

/// Where the page does not scroll: there a finger draws too. The same border as in the style sheet.
const STANDS: &str = "(min-width: 56em)";

/// What the pointer does on the stage; a line for `App::act` when it lets go and nodes are in the rectangle.
#[inline(never)]
pub fn lasso(event: &PointerEvent, target: &Element) -> Option<String> {
    let document = target.owner_document()?;
    let drawn = document.query_selector("svg.lasso").ok()?;
    let here = (event.client_x(), event.client_y());
    if event.type_() == "pointerdown" {
        if let Some(old) = drawn {
            old.remove();
        }
        let empty = target
            .closest("[data-sel], [data-do], [data-hand]")
            .ok()?
            .is_none();
        let draws = event.pointer_type() != "touch" || matches(STANDS);
        if empty && draws && event.buttons() == 1 {
            let stage = target.closest(".stage").ok()??;
            let svg = node(&document, &stage.parent_element()?, "svg", "lasso")?;
            set(
                &svg,
                "data-from",
                &[num(here.0 as f32), num(here.1 as f32)].join(" "),
            );
            node(&document, &svg, "rect", "")?;
        }
        return None;
    }
    let svg = drawn?;
    let from = svg.get_attribute("data-from")?;
    let (x, y) = from.split_once(' ')?;
    let from: (i32, i32) = (x.parse().ok()?, y.parse().ok()?);
    let (left, right) = (from.0.min(here.0), from.0.max(here.0));
    let (top, bottom) = (from.1.min(here.1), from.1.max(here.1));
    if event.type_() == "pointermove" {
        if right - left + bottom - top > LEAST {
            // What is captured is no click on what lies below; refused only for a pointer that is gone already.
            let _ = svg
                .parent_element()?
                .set_pointer_capture(event.pointer_id());
            let rect = svg.first_element_child()?;
            let sides = [
                ("x", left),
                ("y", top),
                ("width", right - left),
                ("height", bottom - top),
            ];
            for (name, value) in sides {
                set(&rect, name, &num(value as f32));
            }
        }
        return None;
    }
    svg.remove();
    if event.type_() == "pointercancel" {
        return None;
    }
    let mut line = String::from("apart");
    let all = document.query_selector_all(".drawing [data-node]").ok()?;
    for i in 0..all.length() {
        let Some(one) = all.item(i).and_then(|n| n.dyn_into::<Element>().ok()) else {
            continue;
        };
        let at = one.get_bounding_client_rect();
        let (x, y) = (at.left() + at.width() / 2.0, at.top() + at.height() / 2.0);
        let inside = x > f64::from(left)
            && x < f64::from(right)
            && y > f64::from(top)
            && y < f64::from(bottom);
        if inside && at.width() > 0.0 {
            line.push(' ');
            line.push_str(&one.get_attribute("data-node")?);
        }
    }
    (line.len() > 5).then_some(line)
}
