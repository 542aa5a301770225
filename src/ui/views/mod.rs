//! The inspector's pages, a file a page, and what the visitor has chosen in them. Each is a function from the
//! [`View`](super::View) to an element; words are in `words.rs`, looks in `www/views.css`.

pub mod blocks;
pub mod branches;
pub mod charts;
pub mod config;
pub mod dataset;
pub mod experiments;
pub mod face;
pub mod faults;
pub mod labels;
pub mod ledger;
pub mod node;
pub mod octets;
pub mod psync;
pub mod rdb;
pub mod ring;
pub mod sequence;
pub mod told;
pub mod words;

use super::View;
use super::dom::{El, el, leaf};
use super::icons::{Icon, icon};
use super::sentence::{Said, seconds};
use super::stage::select;
use super::tail::Tail;
use super::text::{Lang, fill};
use crate::player::{Line, Player};
use crate::sim::snapshot::{Mark, NodeView, Packet, Snapshot};
use crate::tape::BranchId;
use crate::time::Instant;
use charts::Samples;
use gloo_timers::callback::Timeout;
use js_sys::Function;
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};
use yew::NodeRef;

/// What the visitor has chosen in the pages.
#[derive(Default)]
pub struct Views {
    /// The inspector has the place of the stage.
    pub big: bool,
    /// Who asks in the hypothetical PSYNC, and for which byte; none: the last real answer is shown.
    pub probe: Option<(String, Option<i64>)>,
    /// Which packets are listed, an index; and what they have to hold.
    pub kind: usize,
    pub find: String,
    /// A packet of a run of heartbeats that is not folded; the whole snapshot is shown, of a packet that is a piece of it.
    pub unfolded: Option<u64>,
    pub whole: bool,
    /// Only the keys in which nodes differ; what their names have to fit; and which part of those that do.
    pub differing: bool,
    pub keys: String,
    pub keys_page: usize,
    /// The charts as a table.
    pub table: bool,
    pub samples: Samples,
    /// A setting that is being typed: node, name, value, and the error that the node replied.
    pub setting: Option<(String, String, String, Option<String>)>,
    pub scroll: Tail,
    /// The byte of the snapshot that is selected, and the field by which it was.
    pub byte: Option<usize>,
    pub field: Option<usize>,
    /// Its bytes, and how far the list of them has to go so that the selected one is seen.
    pub hex: NodeRef,
    pub hex_row: Option<usize>,
    /// The node that the pages about one node are about; none: the one that is looked at.
    pub of: Option<String>,
    /// The two texts that were pasted to be judged.
    pub told: [String; 2],
    /// Lines that were pasted and not run yet.
    pub pasted: Vec<String>,
    /// A node that is being dragged, and one that is to follow the next one that is chosen.
    pub dragged: Option<String>,
    pub follower: Option<String>,
    /// Nodes that may be cut off from the rest, and that this is asked now.
    pub apart: Option<Vec<String>>,
    pub to_apart: bool,
    pub futures: Futures,
    /// A branch that was left by acting in the past, and the one that began.
    pub branched: Option<(BranchId, BranchId)>,
    pub branches: branches::Branches,
    pub face: face::Face,
    /// What was copied a moment ago; the page says so until the timer runs out.
    pub copied: Option<(String, Timeout)>,
    /// How a link is to open: see [`super::share::link_of`].
    pub opens: usize,
    /// The part of the dialog about embedding is wanted, once it is drawn.
    pub to_embed: bool,
    /// How an embedded page is to be.
    pub embed: super::share::Chosen,
}

/// The marks of each branch as they were at its end: in the past a snapshot knows no later ones.
#[derive(Default)]
pub struct Futures(Vec<(BranchId, Rc<Vec<Mark>>)>);

impl Futures {
    pub fn of(&self, branch: BranchId) -> Option<Rc<Vec<Mark>>> {
        let found = self.0.iter().find(|known| known.0 == branch);
        found.map(|known| known.1.clone())
    }

    fn keep(&mut self, branch: BranchId, marks: &Rc<Vec<Mark>>) {
        match self.0.iter_mut().find(|known| known.0 == branch) {
            Some(known) => known.1 = marks.clone(),
            None => self.0.push((branch, marks.clone())),
        }
    }
}

impl Views {
    /// Does what a line says, if it is one of the pages' own.
    pub fn act(&mut self, verb: &str, rest: &str, player: &mut Player) {
        match verb {
            "big" => (self.big, self.face.moved) = (!self.big, true),
            "probe" => self.probe = (!rest.is_empty()).then(|| (rest.into(), None)),
            "probe-byte" => {
                if let Some((_, byte)) = &mut self.probe {
                    *byte = rest.trim().parse().ok();
                }
            }
            "of" => self.of = Some(rest.into()),
            "rdb-byte" => (self.byte, self.field) = (rest.parse().ok(), None),
            "rdb-field" => {
                let (field, byte) = rest.split_once(' ').unwrap_or_default();
                (self.byte, self.field) = (byte.parse().ok(), field.parse().ok());
                self.hex_row = self.byte.map(|b| b / self.hex_wide());
            }
            "drag" => self.dragged = Some(rest.into()),
            "drop" => {
                if let Some(node) = self.dragged.take() {
                    follow(&node, rest, player);
                }
            }
            "follow" => self.follower = Some(rest.into()),
            "apart" => {
                self.apart = Some(rest.split(' ').map(String::from).collect());
                self.to_apart = true;
            }
            "apart-node" => {
                let chosen = self.apart.get_or_insert_default();
                match chosen.iter().position(|n| n == rest) {
                    Some(at) => drop(chosen.remove(at)),
                    None => chosen.push(rest.into()),
                }
            }
            "apart-not" => self.apart = None,
            "follow-not" => self.follower = None,
            "paste" => self.pasted = rest.split('\u{1e}').map(String::from).collect(),
            "paste-run" => {
                for line in std::mem::take(&mut self.pasted) {
                    player.submit(&line);
                }
            }
            "paste-drop" => self.pasted.clear(),
            _ if verb.starts_with("told-") => {
                self.told[usize::from(verb == told::FIELDS[1])] = rest.replace('\u{1e}', "\n");
            }
            "differing" => (self.differing, self.keys_page) = (!self.differing, 0),
            "keys-find" => (self.keys, self.keys_page) = (rest.into(), 0),
            "keys-page" => self.keys_page = rest.parse().unwrap_or(0),
            "table" => self.table = !self.table,
            "setting" => self.setting = setting(rest),
            "set" => self.set(rest, player),
            "back" => player.step_back(),
            "marker" if rest == "next" => drop(player.seek_next_marker()),
            "marker" => drop(player.seek_previous_marker()),
            "start" => player.seek_start(),
            "live" => player.seek_live(),
            "undo" => drop(player.undo()),
            "redo" => drop(player.redo()),
            "branch" => drop(rest.parse().map(|id| player.switch(BranchId(id)))),
            "seek" => rest.parse().map_or((), |event| player.seek(event)),
            "seek-us" => player.seek_time(Instant(rest.parse().unwrap_or(0))),
            "cross" => self.samples.cross = rest.parse().ok(),
            _ if verb.starts_with("face") => self.face.act(verb, rest),
            _ if verb.starts_with("branch-") => self.branches.act(verb, rest, player),
            "take-back" => {
                if let Some((old, new)) = self.branched.take()
                    && player.switch(old).is_ok()
                {
                    let _ = player.delete(new);
                }
            }
            "keep" => self.branched = None,
            "copied" => self.copied = None,
            "embed" => super::share::embed(&mut self.embed, rest),
            "wire-kind" => self.kind = rest.parse().unwrap_or(0),
            "wire-fold" => self.unfolded = rest.parse().ok(),
            "wire-whole" => self.whole = rest == "1",
            "wire-find" => self.find = rest.into(),
            "copy-packet" => {
                let (how, id) = rest.split_once(' ').unwrap_or_default();
                let s = player.snapshot();
                if let Some(p) = s.wire.iter().find(|p| super::dom::int(p.id) == id) {
                    copy(&super::wire::as_text(p, how == "hex"));
                }
            }
            "copy-mermaid" => copy(&player.snapshot().mermaid(100, false)),
            _ => {}
        }
    }

    /// Bytes in a row of the snapshot.
    pub fn hex_wide(&self) -> usize {
        if self.big { 16 } else { 8 }
    }

    /// After a drawing: shows the selected bytes of the snapshot.
    pub fn show_bytes(&mut self) {
        let list = self.hex.cast::<web_sys::Element>();
        let (Some(row), Some(list)) = (self.hex_row.take(), list) else {
            return;
        };
        let height = list.first_element_child().map_or(0, |r| r.client_height());
        list.set_scroll_top((row as i32 - 2) * height);
    }

    /// `CONFIG SET` on a node, through the console; what the node objects to stays beside the field.
    fn set(&mut self, line: &str, player: &mut Player) {
        let Some((node, name, value, _)) = setting(line) else {
            return;
        };
        let quoted = if value.is_empty() || value.contains(' ') {
            ["\"", &value, "\""].concat()
        } else {
            value.clone()
        };
        player.submit(&fill("@{} CONFIG SET {} {}", &[&node, &name, &quoted]));
        let refused = match player.lines().last() {
            Some(Line::Reply {
                text, error: true, ..
            }) => Some(text.clone()),
            _ => None,
        };
        self.setting = refused.map(|error| (node, name, value, Some(error)));
    }

    /// After anything may have changed.
    pub fn observe(&mut self, s: &Snapshot, player: &mut Player) {
        let here = player.position();
        self.samples.observe(s, player);
        if !here.past {
            self.futures.keep(here.branch, &s.marks);
        }
        if let Some(branched) = player.take_branched() {
            self.branched = Some(branched);
            // Who acts wants to see what comes of it.
            player.play(true);
        }
    }
}

/// `REPLICAOF`, as an operator would type it.
pub fn follow(node: &str, master: &str, player: &mut Player) {
    let Some(port) = player.world().port(master).filter(|_| node != master) else {
        return;
    };
    let port = super::dom::int(u64::from(port));
    player.submit(&fill("@{} REPLICAOF 127.0.0.1 {}", &[node, &port]));
}

/// `NODE NAME VALUE`.
fn setting(line: &str) -> Option<(String, String, String, Option<String>)> {
    let mut parts = line.splitn(3, ' ');
    let mut part = || parts.next().map(String::from);
    Some((part()?, part()?, part().unwrap_or_default(), None))
}

/// Into the clipboard, where the browser lets a page.
pub fn copy(text: &str) {
    let get = |of: &JsValue, name: &str| js_sys::Reflect::get(of, &name.into()).ok();
    let clipboard = web_sys::window()
        .and_then(|window| get(&window, "navigator"))
        .and_then(|navigator| get(&navigator, "clipboard"));
    let write = clipboard.as_ref().and_then(|c| get(c, "writeText"));
    if let (Some(clipboard), Some(write)) =
        (clipboard, write.and_then(|w| w.dyn_into::<Function>().ok()))
    {
        // Refused without focus or over plain HTTP: then nothing is copied.
        let _ = write.call1(&clipboard, &text.into());
    }
}

/// Sorts by a number, the largest first; equal ones stay in their order.
pub fn sort_down<T>(items: &mut [T], number: impl Fn(&T) -> u64) {
    crate::order::sort_by(items, |a, b| number(b).cmp(&number(a)));
}

impl<'a> View<'a> {
    /// The node that the pages about one node are about.
    pub fn subject(&self) -> Option<&'a NodeView> {
        let chosen = self.views.of.as_ref();
        let found = chosen.and_then(|of| self.s.nodes.iter().find(|n| n.name == *of));
        found.map(|n| &**n).or_else(|| self.node())
    }

    /// The words of a pair in the page's language.
    pub fn w(&self, said: &Said) -> &'static str {
        said[usize::from(self.lang == Lang::Zh)]
    }

    /// The selected bytes of a stream: the node that counts them, first, last.
    pub fn bytes(&self) -> Option<(&str, u64, u64)> {
        select::bytes(self.s, self.selected.as_ref())
    }

    /// Whether bytes that a node counts are among the selected ones.
    pub fn chosen(&self, node: &str, from: u64, to: u64) -> bool {
        self.means(self.selected.as_ref(), node, from, to)
    }

    /// The same, or under the pointer.
    pub fn lit(&self, node: &str, from: u64, to: u64) -> bool {
        self.chosen(node, from, to) || self.means(self.over.as_ref(), node, from, to)
    }

    /// Whether bytes that a node counts are among those that are meant.
    pub fn means(&self, sel: Option<&select::Sel>, node: &str, from: u64, to: u64) -> bool {
        let here = || self.s.nodes.iter().find(|n| n.name == node);
        select::bytes(self.s, sel).is_some_and(|(name, a, z)| {
            from <= z
                && to >= a
                && (name == node || here().is_some_and(|n| select::shares(self.s, name, n)))
        })
    }

    /// Whether a packet carries any of the selected bytes.
    pub fn carries(&self, p: &Packet) -> bool {
        p.frames
            .iter()
            .any(|f| f.offsets.is_some_and(|(a, z)| self.lit(&p.from, a, z)))
    }

    /// The same with values in it.
    #[inline(never)]
    pub fn put(&self, said: &Said, values: &[&str]) -> String {
        fill(self.w(said), values)
    }
}

/// A row of small buttons of which one is chosen: label, whether it is, its line.
pub fn pick(label: &'static str, options: Vec<(String, bool, String)>) -> El {
    let mut out = Vec::new();
    for (i, (text, on, line)) in options.into_iter().enumerate() {
        out.push(leaf("button", text).nth(i).pressed(on).does(line));
    }
    el("div segments role=group")
        .a("aria-label", label)
        .list(out)
}

/// A check, a cross, or a dot for what was not asked.
pub fn sign(holds: Option<bool>) -> El {
    match holds {
        Some(true) => el("span sign yes").put(icon(Icon::Check)),
        Some(false) => el("span sign no").put(icon(Icon::Close)),
        None => el("span sign"),
    }
}

/// Above the stage while a node waits to be told whom to follow.
#[inline(never)]
pub fn following(v: &View<'_>, node: &str) -> El {
    let mut row =
        el("div past-note data-testid=following").put(leaf("b", v.put(&words::WHOM, &[node])));
    for other in v.s.nodes.iter().filter(|n| n.name != node) {
        let pick = el("button act-on")
            .does(["select focus:", &other.name].concat())
            .put(super::icons::glyph(other))
            .text(other.name.clone());
        row = row.put(pick);
    }
    row.put(leaf("button plain data-do=follow-not", v.w(&words::DROP)))
}

/// Above the stage while nodes are chosen to be cut off from the rest: by the lasso, or one by one.
#[inline(never)]
pub fn apart(v: &View<'_>, chosen: &[String]) -> El {
    let mut row = el("div past-note id=apart role=group tabindex=-1 data-testid=apart")
        .a("aria-label", v.w(&words::APART))
        .put(leaf("b", v.w(&words::APART)));
    let mut sides = [Vec::new(), Vec::new()];
    for n in v.s.nodes.iter().filter(|n| !n.outside()) {
        let on = chosen.contains(&n.name);
        sides[usize::from(!on)].push(n.name.as_str());
        let pick = el("button act-on")
            .key(&n.name)
            .pressed(on)
            .does(["apart-node ", &n.name].concat())
            .put(super::icons::glyph(n))
            .text(n.name.clone());
        row = row.put(pick);
    }
    let [chosen, rest] = sides.map(|names| names.join(" "));
    let mut go = leaf(
        "button act-on strong data-also=apart-not",
        v.w(&words::APART_GO),
    )
    .does(fill("act partition {} | {}", &[&chosen, &rest]));
    if chosen.is_empty() || rest.is_empty() {
        go = go.a("disabled", "disabled");
    }
    let heal = leaf("button act-on data-also=apart-not", v.w(&words::APART_HEAL)).does("act heal");
    row.put(go)
        .put(heal)
        .put(leaf("button plain data-do=apart-not", v.w(&words::DROP)))
}

/// Above the stage while the past is looked at.
#[inline(never)]
pub fn past(v: &View<'_>) -> El {
    let p = v.player.position();
    let at = |t: Instant| seconds(t.since(v.zero));
    let words = v.put(&words::VIEWING, &[&at(p.at), &at(p.end_at)]);
    el("div past-note small data-testid=past")
        .a("title", v.w(&words::ACTING))
        .put(leaf("b", words))
        .put(leaf("button act-on data-do=live", v.w(&words::TO_LIVE)))
}

/// After a deed in the past: what became of the future, and the way back.
pub fn toast(v: &View<'_>) -> El {
    let out = el("div toast role=status");
    if let Some((text, _)) = &v.views.copied {
        return out.put(leaf("span", v.put(&words::COPIED_TEXT, &[text])));
    }
    let Some((old, _)) = v.views.branched else {
        return out.class(&[("toast", true), ("none", true)]);
    };
    let all = v.player.branches();
    let name = all.iter().find(|b| b.id == old).map_or("", |b| &b.name);
    out.put(leaf("span", v.put(&words::BRANCHED, &[name])))
        .put(leaf(
            "button act-on data-do=take-back",
            v.w(&words::TAKE_BACK),
        ))
        .put(leaf(
            "button act-on data-do=branches",
            v.w(&words::BRANCHES_OPEN),
        ))
        .put(
            el("button plain only data-do=keep")
                .named(v.t.close)
                .put(icon(Icon::Close)),
        )
}
