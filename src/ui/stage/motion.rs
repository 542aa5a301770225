//! What moves every frame: the beads on the wires. They live in one `<g data-beads>` whose children Yew does not know,
//! and are moved by plain attributes. The way of a wire is read from its path once, when the drawing changes.

use super::beads::{Beads, Shown, Way};
use super::paper::{node, set};
use super::pen::place;
use crate::sim::snapshot::Packet;
use crate::time::Instant;
use crate::ui::app::matches;
use gloo_timers::callback::Timeout;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use web_sys::{Document, Element, SvgGeometryElement};

/// Moves the beads of the one stage of the page.
#[derive(Default)]
pub struct Motion {
    beads: Beads,
    /// Of `data-beads`: revision of the wires, selected bytes, selected packet, scale.
    state: String,
    revision: String,
    last: Instant,
}

impl Motion {
    /// Draws the packets where they are at `now`. Call it once a frame, and after each drawing by Yew.
    pub fn frame(&mut self, now: Instant, in_flight: &[Rc<Packet>]) {
        if in_flight.is_empty() && self.beads.is_empty() {
            return;
        }
        let Some(document) = web_sys::window().and_then(|w| w.document()) else {
            return;
        };
        if !self.attach(&document) {
            return;
        }
        // Gone: arrived, lost with its connection, or time went back.
        let last = self.last;
        self.beads.draw(&document, now, in_flight, &mut |s| {
            let lost = now >= last
                && now < s.packet.arrives
                && now >= s.packet.sent
                && last < s.packet.arrives;
            if lost {
                fall(&document, s);
            }
            lost
        });
        self.last = now;
    }

    /// Finds the layer and reads what Yew wrote on it.
    fn attach(&mut self, document: &Document) -> bool {
        if self.beads.layer.as_ref().is_none_or(|l| !l.is_connected()) {
            self.beads.clear();
            self.state.clear();
            self.revision.clear();
            self.beads.layer = document.query_selector("[data-beads]").ok().flatten();
        }
        let Some(layer) = self.beads.layer.clone() else {
            return false;
        };
        let state = layer.get_attribute("data-beads").unwrap_or_default();
        if state == self.state {
            return true;
        }
        let mut parts = state.split('|');
        let revision = parts.next().unwrap_or_default();
        let from = parts.next().and_then(|s| s.parse().ok());
        let to = parts.next().and_then(|s| s.parse().ok());
        self.beads.bytes = from.zip(to);
        self.beads.packet = parts.next().and_then(|s| s.parse().ok()).unwrap_or(0);
        self.beads.scale = if parts.next() == Some("wide") {
            1.0
        } else {
            0.82
        };
        self.beads.still = matches("(prefers-reduced-motion: reduce)");
        if revision != self.revision {
            self.revision = revision.into();
            self.beads.wires = sample(&layer);
        }
        self.state = state;
        // Labels and marks are made when a bead is made: make them anew.
        self.beads.clear();
        true
    }
}

/// Reads the paths of all wires beside the layer.
fn sample(layer: &Element) -> Vec<Way> {
    let mut out = Vec::new();
    let Some(list) = layer
        .closest("svg")
        .ok()
        .flatten()
        .and_then(|svg| svg.query_selector_all("[data-wire]").ok())
    else {
        return out;
    };
    for i in 0..list.length() {
        let Some(wire) = list.item(i).and_then(|n| n.dyn_into::<Element>().ok()) else {
            continue;
        };
        let Some(path) = wire
            .query_selector(".way")
            .ok()
            .flatten()
            .and_then(|p| p.dyn_into::<SvgGeometryElement>().ok())
        else {
            continue;
        };
        let len = path.get_total_length();
        let n = Way::pieces(len);
        let mut points = Vec::with_capacity(n + 1);
        for k in 0..=n {
            if let Ok(p) = path.get_point_at_length(len * k as f32 / n as f32) {
                points.push((p.x(), p.y()));
            }
        }
        let attr = |name| wire.get_attribute(name).unwrap_or_default();
        let promoted = wire.has_attribute("data-promoted");
        let way = Way::new(attr("data-from"), attr("data-wire"), promoted, len, points);
        // Whole numbers: reading others takes a table of twelve kilobytes.
        let said = attr("data-said");
        let mut sides = said.split(' ').filter_map(|n| n.parse::<u32>().ok());
        let mut side = || sides.next().map(|n| n as f32);
        let taken = side().and_then(|left| Some([left, side()?, side()?, side()?]));
        out.extend(way.map(|way| way.keeping(taken)));
    }
    out
}

/// Lost with its connection: falls off the wire.
fn fall(document: &Document, shown: &Shown) {
    let root = shown.root.clone();
    for bead in shown.beads.iter().filter(|b| b.visible) {
        let Some(g) = bead.shape.parent_element() else {
            continue;
        };
        let Some(x) = node(document, &g, "path", "x") else {
            continue;
        };
        set(&x, "d", "M-6-6L6 6M-6 6L6-6");
        set(&x, "transform", &place(bead.middle.0, bead.middle.1, 0.0));
    }
    set(&root, "class", "packet fallen");
    Timeout::new(1100, move || root.remove()).forget();
}
