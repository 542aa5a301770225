//! The stage: one drawing of all nodes, their wires and the ring of the node in focus. Knows only a `Snapshot` and what
//! is selected. Start with `place` (where things stand), then `drum` and `ring`; `beads` draws what is in flight, and
//! `motion` moves it.

mod beads;
mod browse;
mod drum;
mod keys;
#[cfg(target_arch = "wasm32")]
mod lasso;
pub mod layer;
#[cfg(target_arch = "wasm32")]
pub mod motion;
pub mod needle;
mod paper;
mod pen;
mod place;
mod plate;
mod ring;
pub mod select;
mod tree;
mod wires;
mod words;

#[cfg(target_arch = "wasm32")]
pub use lasso::lasso;
#[cfg(target_arch = "wasm32")]
pub use pen::{P, short, width};
pub use place::Layout;
pub use ring::runs;
#[cfg(target_arch = "wasm32")]
pub use tree::walk;

#[cfg(target_arch = "wasm32")]
use crate::sim::snapshot::Cell;
use crate::sim::snapshot::{FullCause, NodeView, Outcome, Snapshot};
use crate::ui::text::Lang;
use pen::{El, el, g, group, line, num, push_int};
use place::{Scene, scene};
use select::Sel;
use words::{Words, fill, words};

/// What all parts of the drawing look things up in.
pub struct Cx<'a> {
    pub snap: &'a Snapshot,
    pub w: &'static Words,
    pub layout: Layout,
    pub sel: Option<&'a Sel>,
    /// Masters that run.
    pub masters: usize,
    /// `data-sel` of the button that has the keyboard's focus.
    kbd: &'a str,
}

impl<'a> Cx<'a> {
    fn new(
        snap: &'a Snapshot,
        layout: Layout,
        lang: Lang,
        sel: Option<&'a Sel>,
        kbd: &'a str,
    ) -> Self {
        Self {
            snap,
            w: words(lang),
            layout,
            sel,
            masters: snap.nodes.iter().filter(|n| n.alive && !n.replica).count(),
            kbd,
        }
    }

    pub fn node(&self, name: &str) -> Option<&'a NodeView> {
        self.snap
            .nodes
            .iter()
            .find(|n| n.name == name)
            .map(|n| &**n)
    }

    /// The master at the top of a node's chain; itself, where it is one.
    pub fn root(&self, node: &'a NodeView) -> Option<&'a NodeView> {
        let mut at = node;
        for _ in 0..self.snap.nodes.len() {
            match at.master.as_deref() {
                None => return Some(at),
                Some(name) => at = self.node(name)?,
            }
        }
        None
    }

    /// The node whose keys this one should have.
    pub fn reference(&self, node: &'a NodeView) -> Option<&'a NodeView> {
        self.root(node)
            .filter(|root| !root.outside())
            .filter(|root| root.name != node.name && (root.alive || !root.keys.is_empty()))
    }

    /// The selected bytes, where they are bytes of this node's history too.
    pub fn bytes_on(&self, node: &NodeView) -> Option<(u64, u64)> {
        let (name, from, to) = self.bytes()?;
        let same = select::shares(self.snap, name, node);
        same.then_some((from, to))
    }

    fn bytes(&self) -> Option<(&str, u64, u64)> {
        select::bytes(self.snap, self.sel)
    }

    pub fn selected_node(&self, name: &str) -> bool {
        matches!(self.sel, Some(Sel::Node(n)) if n == name)
    }

    pub fn selected_link(&self, replica: &str) -> bool {
        matches!(self.sel, Some(Sel::Link(n)) if n == replica)
    }

    pub fn keyboard(&self, node: &str) -> bool {
        self.kbd.strip_prefix("focus:") == Some(node)
    }

    pub fn keyboard_link(&self, replica: &str) -> bool {
        self.kbd.strip_prefix("link:") == Some(replica)
    }

    /// Commands that the ring has lost, as far as packets still tell: first byte, last byte, label.
    pub fn old_beads(&self, node: &NodeView, from: u64, to: u64) -> Vec<(u64, u64, String)> {
        let mut out: Vec<(u64, u64, String)> = Vec::new();
        for p in self
            .snap
            .wire
            .iter()
            .filter(|p| *p.from == *node.name || *p.to == *node.name)
        {
            for f in p.frames.iter() {
                if let Some((a, z)) = f
                    .offsets
                    .filter(|&(a, z)| a <= to && z >= from && !out.iter().any(|o| o.0 == a))
                {
                    out.insert(out.partition_point(|o| o.0 < a), (a, z, f.label.clone()));
                }
            }
        }
        out
    }

    /// The one sentence in the margin: what the eye should link.
    pub fn note(&self) -> Option<[String; 2]> {
        let put = |t: &[&str; 2], a: &str, b: &str| Some([fill(t[0], &[a]), fill(t[1], &[b])]);
        if let Some(v) = self.snap.verdict.as_deref() {
            match v.outcome {
                Outcome::Continue { bytes } if bytes > 0 => {
                    let flies = self.snap.in_flight.iter().find(|p| {
                        *p.from == *v.master && *p.to == *v.replica && p.sent.since(v.at) < 100_000
                    });
                    let beads = flies.map_or(0, |p| {
                        p.frames.iter().filter(|f| f.offsets.is_some()).count()
                    });
                    if (2..=6).contains(&beads) {
                        return put(&self.w.note_partial, &group(beads as u64), &group(bytes));
                    }
                }
                Outcome::Full {
                    cause: FullCause::TooOld { gone },
                } if self.snap.now.since(v.at) < 3_000_000 => {
                    let [a, b] = self.w.note_gone;
                    return Some([a.into(), fill(b, &[&group(gone)])]);
                }
                _ => {}
            }
        }
        if let Some(child) = self.snap.nodes.iter().find_map(|n| n.child.as_ref()) {
            let [a, b] = self.w.note_photo;
            return Some([a.into(), fill(b, &[&group(child.frozen_at)])]);
        }
        let cut = self.snap.links.iter().find(|l| l.cut)?;
        let master = self.node(&cut.master)?;
        let r = master
            .replicas
            .iter()
            .find(|r| r.name == cut.replica && r.state == "offline")?;
        if r.ack < master.offset && r.ack + 1 >= master.backlog.first {
            return put(&self.w.note_cut, &cut.replica, "");
        }
        None
    }
}

/// What there is to say of a command in the ring of a node, in lines.
#[cfg(target_arch = "wasm32")]
pub fn about(snap: &Snapshot, lang: Lang, node: &NodeView, cell: &Cell) -> String {
    let cx = Cx::new(snap, Layout::Wide, lang, None, "");
    browse::about(&cx, node, cell)
}

/// The ring of a node in words.
pub fn caption(lang: Lang, node: &NodeView) -> String {
    tree::caption(words(lang), node)
}

/// The stage for the node `focus`; `kbd` is the `data-sel` of the button in the tree that has the keyboard; `over` is laid over
/// the ring of that node.
pub fn stage(
    snap: &Snapshot,
    focus: usize,
    layout: Layout,
    lang: Lang,
    sel: Option<&Sel>,
    kbd: &str,
    over: &layer::Layers,
) -> El {
    let out = el(match layout {
        Layout::Wide => "div stage wide",
        Layout::Low(..) => "div stage low",
        Layout::Phone(_) => "div stage phone",
    });
    let Some(node) = snap.nodes.get(focus) else {
        return out;
    };
    let cx = Cx::new(snap, layout, lang, sel, kbd);
    let scene = scene(snap, focus, layout);
    let beads = g("beads").a("data-beads", beads_state(&cx, &scene));
    out.put(drawing(&cx, &scene, node, beads))
        .slot(
            over.blocks
                .as_ref()
                .map(|b| layer::borders(&scene, node, b)),
        )
        .slot((!over.memory.is_empty()).then(|| layer::memory(&scene, focus, &over.memory)))
        .slot(browse::browse(&cx, &scene, node))
        .slot(over.needle.as_ref().map(|n| needle::on_ring(&scene, n)))
        .put(el("div stage-tree").put(tree::tree(&cx, &node.name)))
}

/// The drawing of the stage alone, for a picture, with what is in flight.
#[cfg(not(target_arch = "wasm32"))]
pub fn picture(snap: &Snapshot, focus: &NodeView, layout: Layout, lang: Lang) -> El {
    let cx = Cx::new(snap, layout, lang, None, "");
    let index = snap.nodes.iter().position(|n| n.name == focus.name);
    let scene = scene(snap, index.unwrap_or(0), layout);
    let beads = g("beads").list(in_flight(&cx, &scene));
    drawing(&cx, &scene, focus, beads)
}

/// The beads of this moment.
#[cfg(not(target_arch = "wasm32"))]
fn in_flight(cx: &Cx<'_>, scene: &Scene) -> Vec<El> {
    let way = |w: &place::Wire| {
        let link = &cx.snap.links[w.link];
        let (len, points) = pen::walk(&w.d, beads::Way::pieces);
        let ends = (link.master.clone(), link.replica.clone());
        let way = beads::Way::new(ends.0, ends.1, wires::promoted(cx, link), len, points)?;
        Some(way.keeping(wires::taken(cx, w, link)))
    };
    let layer = paper::Element::group();
    let mut beads = beads::Beads::default();
    beads.layer = Some(layer.clone());
    beads.scale = if cx.layout == Layout::Wide { 1.0 } else { 0.82 };
    beads.wires = scene.wires.iter().filter_map(way).collect();
    let in_flight = &cx.snap.in_flight;
    beads.draw(&paper::Document, cx.snap.now, in_flight, &mut |_| false);
    layer.list()
}

/// All of it, in an order that never changes: Yew must not touch what is in the last group.
fn drawing(cx: &Cx<'_>, scene: &Scene, focus: &NodeView, beads: El) -> El {
    let (x, y, w, h) = scene.view;
    let view = [num(x), num(y), num(w), num(h)].join(" ");
    let plates = scene.plates.iter().map(|p| plate::plate(cx, p)).collect();
    let mut extra = g("extra");
    for p in &scene.plates {
        if let Some(at) = p.photo {
            let beside = at.0 < 980.0;
            extra = extra.put_if(plate::photo(cx, &cx.snap.nodes[p.node], at, beside));
        }
    }
    // Nodes without room are still there for tests and for the count.
    for &i in &scene.left_out {
        extra = extra.put(plate::data(g(""), &cx.snap.nodes[i]));
    }
    if !scene.left_out.is_empty() {
        extra = extra.put(pen::text(
            "t12 muted e",
            x + w - 18.0,
            y + h - 3.0,
            words::fill_n(cx.w.more_nodes, scene.left_out.len() as u64),
        ));
    }
    if cx.layout == Layout::Wide {
        if let Some(at) = scene.note {
            extra = extra.put(wires::note(cx, at));
        }
        let child = scene
            .plates
            .iter()
            .any(|p| p.photo.is_some() && cx.snap.nodes[p.node].child.is_some() && p.y > 280.0);
        if let Some(at) = scene.legend.filter(|_| !child) {
            extra = extra.put(wires::legend(cx, at));
        }
    }
    el("svg drawing")
        .a("viewBox", view)
        .a("preserveAspectRatio", "xMidYMid meet")
        .a("aria-hidden", "true")
        .a("focusable", "false")
        .put(patterns())
        .put(drum::drum(cx, scene, focus))
        .put(g("plates").list(plates))
        .put(wires::wires(cx, scene))
        .put(extra)
        .put(beads)
}

fn patterns() -> El {
    let pattern = |id: &'static str, class: &'static str, step: f32| {
        el("pattern")
            .a("id", id)
            .n("width", step)
            .n("height", step)
            .a("patternUnits", "userSpaceOnUse")
            .a("patternTransform", "rotate(45)")
            .put(line(class, (0.0, 0.0), (0.0, step)))
    };
    el("defs")
        .put(pattern("st-hatch", "hatch-line", 9.0))
        .put(pattern("st-gone", "gone-line", 5.0))
}

/// For `motion`: revision of the wires, selected bytes, selected packet, scale.
fn beads_state(cx: &Cx<'_>, scene: &Scene) -> String {
    // FNV-1a.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut eat = |s: &str| {
        for b in s.bytes() {
            hash = (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for w in &scene.wires {
        let link = &cx.snap.links[w.link];
        eat(&w.d);
        eat(&link.replica);
        eat(&link.master);
        eat(if wires::promoted(cx, link) { "1" } else { "0" });
        if let Some([left, top, ..]) = wires::taken(cx, w, link) {
            eat(&num(left));
            eat(&num(top));
        }
    }
    let mut out = String::new();
    push_int(&mut out, hash);
    out.push('|');
    let bytes = cx.bytes();
    if let Some((_, from, _)) = bytes {
        push_int(&mut out, from);
    }
    out.push('|');
    if let Some((_, _, to)) = bytes {
        push_int(&mut out, to);
    }
    out.push('|');
    if let Some(Sel::Packet(id)) = cx.sel {
        push_int(&mut out, *id);
    }
    out.push_str(if cx.layout == Layout::Wide {
        "|wide"
    } else {
        "|small"
    });
    out
}
