//! Branches, in a dialog: what was left by acting in the past. To go to one, to name it, to forget it, and to see where
//! two of them part.

use super::words as w;
use crate::player::Player;
use crate::tape::{BranchId, BranchView, Difference};
use crate::time::Instant;
use crate::ui::View;
use crate::ui::dom::{El, el, int, leaf};
use crate::ui::sentence::{group, seconds};

/// What the visitor is doing with the branches.
#[derive(Default)]
pub struct Branches {
    /// A branch that is being named, and what the field holds.
    naming: Option<(BranchId, String)>,
    /// It was asked to forget this one: the second time it is.
    forget: Option<BranchId>,
    /// The current branch and another one, and where they part.
    compared: Option<(BranchId, BranchId, Option<Difference>)>,
}

/// `ID TEXT`.
fn of(line: &str) -> Option<(BranchId, &str)> {
    let (id, text) = line.split_once(' ').unwrap_or((line, ""));
    Some((BranchId(id.parse().ok()?), text))
}

impl Branches {
    /// Does what a line says: `branch-naming 1 text`, `branch-name 1 text`, `branch-forget 1`, `branch-compare 1`.
    pub fn act(&mut self, verb: &str, rest: &str, player: &mut Player) {
        let Some((id, text)) = of(rest) else { return };
        let sure = self.forget.take() == Some(id);
        match verb {
            "branch-naming" => self.naming = Some((id, text.into())),
            "branch-name" => {
                // Of a branch that is gone there is no name to change.
                let _ = player.rename(id, text);
                self.naming = None;
            }
            "branch-forget" if sure => {
                // The current one has no such button.
                let _ = player.delete(id);
                self.compared = None;
            }
            "branch-forget" => self.forget = Some(id),
            "branch-compare" => {
                let here = player.position().branch;
                self.compared = player.compare(here, id).ok().map(|d| (here, id, d));
            }
            _ => {}
        }
    }
}

#[inline(never)]
pub fn branches(v: &View<'_>) -> El {
    let all = v.player.branches();
    let mut rows = Vec::new();
    for b in &all {
        rows.push(row(v, b, &all));
    }
    let words = if all.len() > 1 {
        &w::BRANCHES_HOW
    } else {
        &w::BRANCHES_ONE
    };
    el("div")
        .put(leaf("h2 id=dialog-title", v.w(&w::BRANCHES)))
        .put(leaf("p muted", v.w(words)))
        .put(
            el("ul branch-list")
                .a("aria-label", v.w(&w::BRANCHES))
                .list(rows),
        )
}

fn row(v: &View<'_>, b: &BranchView, all: &[BranchView]) -> El {
    let state = &v.views.branches;
    let id = int(u64::from(b.id.0));
    let naming = state.naming.as_ref().filter(|n| n.0 == b.id);
    let typed = naming.map_or(b.name.as_str(), |n| n.1.as_str());
    let named = ["branch-name ", &id].concat();
    let field = el("input field-small type=text maxlength=40 autocomplete=off spellcheck=false")
        .a("data-input", ["branch-naming ", &id].concat())
        .a("data-enter", named.clone())
        .a("aria-label", v.put(&w::BRANCH_NAME, &[&b.name]))
        .value(typed);
    let change = naming
        .filter(|n| n.1.trim() != b.name)
        .map(|n| leaf("button act-on", v.w(&w::BRANCH_RENAME)).does([&named, " ", &n.1].concat()));
    let mut what = v.put(
        &w::BRANCH_END,
        &[&seconds(b.end_at.since(v.zero)), &group(b.end)],
    );
    if let Some((from, event)) = b.from {
        let from = all.iter().find(|o| o.id == from).map_or("", |o| &o.name);
        what.push_str(&v.put(&w::BRANCH_FROM, &[from, &group(event)]));
    }
    let began = b
        .began_with
        .as_ref()
        .map(|line| leaf("code translate=no lang=en", line.clone()));
    let mut buttons = el("span branch-deeds").slot(change);
    if b.here {
        buttons = buttons.put(leaf("b", v.w(&w::BRANCH_HERE)));
    } else {
        let forget = if state.forget == Some(b.id) {
            &w::BRANCH_SURE
        } else {
            &w::BRANCH_FORGET
        };
        let button = |words, line: &str| {
            let name = [v.w(words), ": ", &b.name].concat();
            leaf("button act-on", v.w(words))
                .a("aria-label", name)
                .does([line, &id].concat())
        };
        buttons = buttons
            .put(button(&w::BRANCH_GO, "take branch "))
            .put(button(&w::BRANCH_COMPARE, "branch-compare "))
            .put(button(forget, "branch-forget "));
    }
    let here = v.player.position().branch;
    let compared = state.compared.as_ref();
    let compared = compared.filter(|c| c.0 == here && c.1 == b.id);
    el("li")
        .key(&id)
        .class(&[("here", b.here)])
        .put(el("div").put(field).put(buttons))
        .put(leaf("p muted", what).slot(began))
        .slot(compared.map(|c| difference(v, b, c.2.as_ref())))
}

/// The first event in which a branch differs from the current one.
fn difference(v: &View<'_>, b: &BranchView, found: Option<&Difference>) -> El {
    let out = el("div difference role=status data-testid=difference");
    let Some(d) = found else {
        return out.put(leaf("p", v.w(&w::BRANCH_SAME)));
    };
    let side = |name: String, what: &Option<(Instant, String)>| {
        let (at, text) = match what {
            Some((at, text)) => (
                [&seconds(at.since(v.zero)), " s"].concat(),
                leaf("code translate=no lang=en", text.clone()),
            ),
            None => (String::new(), leaf("span muted", v.w(&w::BRANCH_ENDS))),
        };
        el("li")
            .put(leaf("b", name))
            .put(leaf("span num", at))
            .put(text)
    };
    out.put(leaf("p", v.put(&w::BRANCH_PARTS, &[&group(d.event)])))
        .put(
            el("ul")
                .put(side(v.w(&w::BRANCH_HERE).into(), &d.left))
                .put(side(b.name.clone(), &d.right)),
        )
        .put(
            leaf("button act-on", v.w(&w::BRANCH_TO))
                .does(["take seek ", &int(d.event.saturating_sub(1))].concat()),
        )
}
