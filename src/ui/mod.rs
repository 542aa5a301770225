//! The page. Knows a `Player` and the plain data of its snapshots, nothing of the engine. One panel a file: start with
//! `app.rs` (state, messages, the only animation loop), then `stage/` for the drawing. Words are in `text.rs` and
//! `sentence.rs`, colours in `www/style.css`.
//!
//! A panel is a function from the [`View`] to an element, drawn at most ten times a second; what moves every frame is
//! moved by the stage itself, outside of Yew's diff. No element has a handler of its own: it carries a line of text in
//! `data-do` (`act cut m r1`, `page log`), and `App::act` does what the line says.
//!
//! A panel that has to be opened is `inline(never)`: out of line it can be in the late half of the module, which follows
//! after the first moments (`.ci/halve.mjs`, `www/late.txt`).

mod app;
mod ask;
mod console;
mod dialog;
mod dom;
mod field;
mod guide;
mod header;
mod help;
mod icons;
mod inspector;
mod keys;
mod lang;
mod lesson;
mod palette;
mod peek;
pub mod sentence;
mod share;
pub mod stage;
mod story;
mod tail;
pub mod text;
mod timeline;
mod transport;
mod views;
mod wire;

pub use app::{App, mount};

use crate::player::{Line, Player};
use crate::sim::snapshot::{NodeView, Snapshot};
use crate::time::Instant;
use app::State;
use stage::select::Sel;
use std::ops::Deref;
use text::Text;

/// All that the panels are drawn from: the world as it is, and what the visitor has chosen.
struct View<'a> {
    s: &'a Snapshot,
    lines: &'a [Line],
    player: &'a Player,
    state: &'a State,
    t: &'static Text,
    /// Index of the node in focus.
    focus: usize,
    /// When the world began.
    zero: Instant,
}

impl Deref for View<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        self.state
    }
}

impl<'a> View<'a> {
    fn node(&self) -> Option<&'a NodeView> {
        looked_at(self.s, self.state)
    }
}

/// The node that is selected or whose wire is; else the one in focus.
fn looked_at<'a>(s: &'a Snapshot, state: &State) -> Option<&'a NodeView> {
    let chosen = match &state.selected {
        Some(Sel::Node(name) | Sel::Link(name)) => s.nodes.iter().find(|n| n.name == *name),
        _ => None,
    };
    chosen
        .or_else(|| s.nodes.get(state.focus))
        .or_else(|| s.nodes.first())
        .map(|n| &**n)
}
