//! The face of the drum: its ring, the same as a line or a table beside the drawing, and a `PSYNC` that nobody sends. For
//! that one chooses an id and a byte; the node itself says what it would answer, and the ring shows it.

use super::psync::decision;
use super::{blocks, pick, ring, words as w};
use crate::sim::snapshot::{NodeView, Verdict};
use crate::ui::View;
use crate::ui::dom::{El, el, int, leaf};
use crate::ui::sentence::{Said, group};
use crate::ui::stage::Layout;

/// The forms: their names in the lines of the buttons, and their labels.
const FORMS: [(&str, Said); 4] = [
    ("ring", ["Ring", "环"]),
    ("line", ["Line", "线"]),
    ("table", ["Table", "表"]),
    ("try", ["Try PSYNC", "试 PSYNC"]),
];
const LINE: usize = 1;
const TRY: usize = 3;
/// An id that no node has.
const STRANGE: &str = "5ca1ab1e0ddba11f00dfeedc0ffee0decade1234";

/// What the visitor has chosen for the drum.
#[derive(Default)]
pub struct Face {
    /// Index in [`FORMS`]; of the ring or of the line, while a `PSYNC` is tried.
    form: usize,
    /// A `PSYNC` is tried.
    tries: bool,
    /// The line is all that is shown: there is room for the table below it.
    pub alone: bool,
    /// Index in what [`ids`] gives.
    id: usize,
    /// The blocks of Redis 7 are shown too.
    pub blocks: bool,
    /// What was typed; nothing means the oldest byte that the ring keeps.
    byte: String,
    /// The drawing has another size since the form was chosen.
    pub moved: bool,
}

impl Face {
    /// Does what a line says: `face line`, `face next`, `face blocks`, `face-id 1`, `face-byte 57`, `face-try 57`.
    pub fn act(&mut self, verb: &str, rest: &str) {
        match verb {
            "face-id" => self.id = rest.parse().unwrap_or(0),
            "face-byte" => self.byte = rest.trim().into(),
            "face-try" => {
                self.begin();
                if !rest.is_empty() {
                    self.byte = rest.into();
                }
            }
            _ if rest == "blocks" => {
                self.blocks = !self.blocks;
                self.moved = true;
                // A ring cannot show what goes beyond it.
                if self.blocks && self.form == 0 {
                    self.form = LINE;
                }
            }
            _ => {
                let named = FORMS.iter().position(|f| f.0 == rest);
                match named {
                    Some(TRY) if !self.tries => self.begin(),
                    Some(TRY) => self.tries = false,
                    Some(form) => {
                        // The same again, and the table: without the needle.
                        self.tries &= form != self.form && form <= LINE;
                        self.form = form;
                    }
                    None => (self.form, self.tries) = ((self.form + 1) % TRY, false),
                }
                self.moved = true;
            }
        }
    }

    /// The needle is on the ring, or on the line.
    fn begin(&mut self) {
        self.tries = true;
        self.moved = true;
        if self.form > LINE {
            self.form = 0;
        }
    }

    /// A click on a command asks for its first byte.
    pub fn ask(&mut self, byte: u64) {
        self.byte = int(byte);
    }

    /// The ring shows a `PSYNC` that nobody sends.
    pub fn tries(&self) -> bool {
        self.tries
    }

    pub fn beside(&self) -> bool {
        self.form > 0 || self.tries
    }
}

/// The node on the drum.
fn drum<'a>(v: &View<'a>) -> Option<&'a NodeView> {
    v.s.nodes.get(v.focus).map(|n| &**n)
}

/// The ids that can be named: the node's own, its second one where it has one, one of nobody, none at all.
fn ids(v: &View<'_>, n: &NodeView) -> Vec<(String, String)> {
    let short = |said: &Said, id: &str| [v.w(said), " ", id.get(..8).unwrap_or(id), "…"].concat();
    let mut out = vec![(short(&w::TRY_OWN, &n.replid), n.replid.clone())];
    if n.second_offset > 0 {
        out.push((short(&w::TRY_SECOND, &n.replid2), n.replid2.clone()));
    }
    out.push((v.w(&w::TRY_OTHER).into(), STRANGE.into()));
    out.push(("?".into(), "?".into()));
    out
}

/// Id and byte of the question.
fn question(v: &View<'_>, n: &NodeView) -> (String, i64) {
    let face = &v.views.face;
    let mut all = ids(v, n);
    let id = all.swap_remove(face.id.min(all.len() - 1)).1;
    if id == "?" {
        return (id, -1);
    }
    let oldest = n.backlog.first.max(1) as i64;
    (id, face.byte.parse().unwrap_or(oldest))
}

/// What the node on the drum would answer, or the error that it would reply; none where it does not run.
pub fn tried(v: &View<'_>) -> Option<Result<Verdict, &'static str>> {
    let n = drum(v)?;
    let (id, byte) = question(v, n);
    v.player.world().try_psync(&n.name, &id, byte)
}

/// The switch, beside the story line.
pub fn switch(v: &View<'_>) -> El {
    let face = &v.views.face;
    let mut forms = Vec::new();
    for (i, (name, said)) in FORMS.iter().enumerate() {
        let on = if i == TRY { face.tries } else { i == face.form };
        forms.push((v.w(said).into(), on, ["face ", name].concat()));
    }
    el("div switch")
        .put(blocks::switch(v))
        .put(pick(v.w(&w::FACE), forms))
}

/// What stands beside the drawing, if not the ring alone.
pub fn face(v: &View<'_>) -> Option<El> {
    let n = drum(v)?;
    let flat = v.views.face.form == LINE && !v.views.face.tries;
    let body = match v.views.face.form {
        _ if v.views.face.tries => question_and_answer(v, n),
        0 => return None,
        form => {
            let out = el("div backlog");
            if !n.backlog.active || n.backlog.size == 0 {
                out
            } else if form == LINE {
                let table = v.views.face.alone.then(|| ring::table(v, n));
                out.put(ring::line(v, n)).slot(table)
            } else {
                out.put(ring::table(v, n))
            }
        }
    };
    Some(
        el("section tabindex=0 data-testid=face")
            .class(&[("face", true), ("flat", flat)])
            .a("aria-label", v.put(&w::FACE_OF, &[&n.name]))
            .put(body),
    )
}

#[inline(never)]
fn question_and_answer(v: &View<'_>, n: &NodeView) -> El {
    let (id, byte) = question(v, n);
    let mut known = Vec::new();
    for (i, (label, it)) in ids(v, n).into_iter().enumerate() {
        known.push((label, it == id, ["face-id ", &int(i as u64)].concat()));
    }
    let asks = ["PSYNC ", &id, " ", &byte.to_string()].concat();
    // A phone has no room for the ring beside it.
    let line = v.views.face.form == LINE || matches!(v.layout, Layout::Phone(_));
    let line = (line && n.backlog.active && n.backlog.size > 0).then(|| ring::line(v, n));
    let mut out = el("div trying")
        .put(leaf("h3", v.put(&w::TRY_TITLE, &[&n.name])))
        .put_if(line)
        .put(leaf("p asks translate=no lang=en", asks))
        .put(pick(v.w(&w::TRY_ID), known));
    if id != "?" {
        let field = el("input field-small type=text inputmode=numeric autocomplete=off data-input=face-byte data-testid=face-byte")
            .a("aria-label", v.w(&w::BYTE))
            .a("placeholder", byte.to_string())
            .value(&v.views.face.byte);
        let (first, next) = (n.backlog.first, n.offset + 1);
        let mut places = Vec::new();
        for (said, at) in [
            (&w::TRY_GONE, first.saturating_sub(1)),
            (&w::TRY_OLDEST, first),
            (&w::TRY_NEXT, next),
            (&w::TRY_AHEAD, next + 1),
        ] {
            if at > 0 {
                let label = [v.w(said), " ", &group(at)].concat();
                places.push((label, byte == at as i64, ["face-byte ", &int(at)].concat()));
            }
        }
        let label = el("label").text(v.w(&w::BYTE)).text(" ").put(field);
        out = out.put(
            el("div bytes-of")
                .put(label)
                .put(pick(v.w(&w::BYTE), places)),
        );
    }
    let out = match tried(v) {
        Some(Ok(said)) => out.put(decision(v, &said, false)),
        Some(Err(refusal)) => out.put(leaf("p nothing translate=no lang=en", refusal)),
        None => out.put(leaf("p nothing", v.w(&w::NOT_RUNNING))),
    };
    out.put(leaf("p muted", v.w(&w::TRY_HOW)))
}
