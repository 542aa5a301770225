//! The stage for ears and keys: a nested list of buttons for nodes and links, and the ring as a sentence.

use super::Cx;
use super::keys::{count, diff};
use super::pen::{El, el, group};
use super::plate::{difference, role_word, state_words};
use super::words::{Words, fill};
use crate::sim::snapshot::{NodeView, Phase};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen::JsCast;
#[cfg(target_arch = "wasm32")]
use web_sys::{Element, HtmlElement};

pub fn tree(cx: &Cx<'_>, focus: &str) -> El {
    let roots: Vec<&NodeView> = cx
        .snap
        .nodes
        .iter()
        .map(|n| &**n)
        .filter(|n| n.master.as_deref().is_none_or(|m| cx.node(m).is_none()))
        .collect();
    branch(cx, &roots, focus, 0).a("aria-label", cx.w.nodes)
}

fn branch(cx: &Cx<'_>, nodes: &[&NodeView], focus: &str, depth: usize) -> El {
    let mut items = Vec::new();
    for node in nodes {
        let below: Vec<&NodeView> = cx
            .snap
            .nodes
            .iter()
            .map(|n| &**n)
            .filter(|n| n.master.as_deref() == Some(&node.name))
            .collect();
        let mut li = el("li").key(&node.name).put(button(
            &[if node.outside() { "node:" } else { "focus:" }, &node.name].concat(),
            node_words(cx, node),
            node.name == focus,
            cx.selected_node(&node.name),
        ));
        if let Some(link) = cx.snap.links.iter().find(|l| l.replica == node.name) {
            let state = if link.cut {
                cx.w.link_cut
            } else if link.up {
                cx.w.link_up
            } else {
                cx.w.link_down
            };
            let mut label = [
                &fill(cx.w.link_to, &[&link.master, &link.replica]),
                ", ",
                state,
            ]
            .concat();
            if matches!(node.phase, Phase::Handshake { .. }) {
                label.push_str(", ");
                label.push_str(&state_words(cx, node));
            }
            li = li.put(button(
                &["link:", &node.name].concat(),
                label,
                false,
                cx.selected_link(&node.name),
            ));
        }
        if !below.is_empty() && depth < 8 {
            li = li.put(branch(cx, &below, focus, depth + 1));
        }
        items.push(li);
    }
    el("ul").list(items)
}

fn button(sel: &str, label: String, stop: bool, pressed: bool) -> El {
    el("button")
        .a("type", "button")
        .a("data-sel", sel.to_string())
        .a("tabindex", if stop { "0" } else { "-1" })
        .a("aria-pressed", if pressed { "true" } else { "false" })
        .text(label)
}

fn node_words(cx: &Cx<'_>, node: &NodeView) -> String {
    let d = diff(node, cx.reference(node));
    let mut parts = vec![
        node.name.clone(),
        role_word(cx, node).into(),
        group(node.offset),
    ];
    let difference = difference(cx, node);
    if !difference.is_empty() {
        parts.push(difference);
    }
    parts.push(state_words(cx, node));
    parts.push(count(cx.w, d.count));
    if let Some(master) = cx.reference(node) {
        parts.push(d.words(cx.w, &master.name, false));
    }
    parts.join(", ")
}

/// Arrows go through the buttons; the whole tree is one stop of the Tab key. True if the key was one of them.
#[cfg(target_arch = "wasm32")]
pub fn walk(key: &str, button: &Element) -> bool {
    let step: i32 = match key {
        "ArrowDown" | "ArrowRight" => 1,
        "ArrowUp" | "ArrowLeft" => -1,
        _ => return false,
    };
    let Some(buttons) = button
        .closest(".stage-tree")
        .ok()
        .flatten()
        .and_then(|l| l.query_selector_all("button").ok())
    else {
        return false;
    };
    let n = buttons.length() as i32;
    let at = (0..n)
        .find(|&i| {
            buttons
                .item(i as u32)
                .is_some_and(|b| b.is_same_node(Some(button)))
        })
        .unwrap_or(0);
    if let Some(next) = buttons
        .item((at + step).rem_euclid(n) as u32)
        .and_then(|b| b.dyn_into::<HtmlElement>().ok())
    {
        let _ = next.focus();
    }
    true
}

/// The ring in words.
pub fn caption(w: &Words, node: &NodeView) -> String {
    let b = &node.backlog;
    if !node.alive {
        return [&node.name, ": ", w.dead].concat();
    }
    if !b.active {
        return w.no_backlog.join(" ");
    }
    let [size, first] = [group(b.size), group(b.first)];
    let mut out = match b.histlen {
        0 => fill(w.caption_empty, &[&node.name, &size, &first]),
        held => fill(
            w.caption,
            &[&node.name, &group(held), &size, &first, &group(node.offset)],
        ),
    };
    for r in &node.replicas {
        let behind = node.offset.saturating_sub(r.ack);
        let sentence = match r.state {
            "online" if behind == 0 => fill(w.caption_step, &[&r.name]),
            "online" => fill(w.caption_behind, &[&r.name, &group(behind)]),
            "offline" if r.ack + 1 >= b.first => fill(
                w.caption_away,
                &[
                    &r.name,
                    &group(behind),
                    &group(b.size.saturating_sub(behind)),
                ],
            ),
            "offline" => fill(
                w.caption_fell,
                &[&r.name, &group(b.first.saturating_sub(r.ack + 1))],
            ),
            _ => continue,
        };
        out.push(' ');
        out.push_str(&sentence);
    }
    out
}
