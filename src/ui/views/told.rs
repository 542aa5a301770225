//! Paste your own: two texts of `INFO replication`, and the verdict that a master would give, drawn as every other one.

use super::psync::decision;
use super::words as w;
use crate::sim::snapshot::Outcome;
use crate::sim::told::{Problem, Side, Unread, verdict};
use crate::ui::View;
use crate::ui::dom::{El, el, leaf};
use crate::ui::text::fill;

/// The verbs of the two fields, and their labels.
pub const FIELDS: [&str; 2] = ["told-master", "told-replica"];

#[inline(never)]
pub fn told(v: &View<'_>) -> El {
    let mut fields = el("div told-texts");
    for ((id, label), text) in FIELDS.into_iter().zip(w::TOLD_OF).zip(&v.views.told) {
        fields = fields.put(
            el("div").put(leaf("label", v.w(&label)).a("for", id)).put(
                el("textarea rows=7 spellcheck=false autocomplete=off translate=no placeholder=role:…")
                    .a("id", id)
                    .a("data-input", id)
                    .value(text),
            ),
        );
    }
    let [master, replica] = &v.views.told;
    let empty = master.trim().is_empty() || replica.trim().is_empty();
    let answer = (!empty).then(|| verdict(master, replica));
    let said = match &answer {
        None => leaf("p muted", v.w(&w::TOLD_WAITS)),
        Some(Ok(said)) => {
            let yes = matches!(said.outcome, Outcome::Continue { .. });
            el("div psync")
                .put(leaf(
                    "h3",
                    v.w(if yes { &w::TOLD_YES } else { &w::TOLD_NO }),
                ))
                .put(decision(v, said, false))
        }
        Some(Err(problem)) => leaf(
            "p nothing problem data-testid=told-problem",
            problem_text(v, problem),
        ),
    };
    el("div told")
        .put(leaf("h2 id=dialog-title", v.w(&w::TOLD)))
        .put(leaf("p muted", v.w(&w::TOLD_HOW)))
        .put(fields)
        .put(el("div role=status data-testid=told").put(said))
}

fn problem_text(v: &View<'_>, problem: &Problem) -> String {
    let of = |side: &Side| v.w(&w::TOLD_OF[usize::from(*side == Side::Replica)]);
    match problem {
        Problem::Unread(side, Unread::Nothing) => v.put(&w::TOLD_NOTHING, &[of(side)]),
        Problem::Unread(side, Unread::Missing(field)) => {
            v.put(&w::TOLD_MISSING, &[of(side), field])
        }
        Problem::Unread(side, Unread::Wrong(field, value)) => {
            fill(v.w(&w::TOLD_WRONG), &[of(side), field, value])
        }
        Problem::Swapped => v.w(&w::TOLD_SWAPPED).into(),
        Problem::Same => v.w(&w::TOLD_SAME).into(),
        Problem::NoLink => v.w(&w::TOLD_NO_LINK).into(),
    }
}
