//! The ledger of writes: who has each of them now, what a promotion would cost, and what is lost for good.

use super::words as w;
use crate::ui::View;
use crate::ui::dom::{El, el, int, leaf};
use crate::ui::icons::{Icon, glyph, icon};
use crate::ui::sentence::{group, seconds};
use crate::ui::stage::select::bytes_hit;
use crate::ui::wire::toggle;

const ROWS: usize = 200;

#[inline(never)]
pub fn ledger(v: &View<'_>) -> El {
    let s = v.s;
    let mut head = el("tr")
        .put(leaf("th scope=col", "t"))
        .put(leaf("th scope=col", v.w(&w::WRITE)));
    for n in &s.nodes {
        let cost = s.cost_of_promoting(n) as u64;
        let (words, bad) = if !n.alive {
            (v.w(&w::ABSENT).to_string(), false)
        } else if !n.replica {
            (String::new(), false)
        } else if cost > 0 {
            (v.put(&w::COSTS, &[&group(cost)]), true)
        } else {
            (v.w(&w::COSTS_NOTHING).into(), false)
        };
        head = head.put(
            el("th scope=col")
                .put(glyph(n))
                .put(leaf("b", n.name.clone()))
                .put(leaf("span", words).class(&[("mark", bad), ("muted", !bad)])),
        );
    }
    head = head.put(leaf("th scope=col", v.w(&w::FATE)));
    let mut rows = Vec::new();
    for write in s.writes.iter().rev().take(ROWS) {
        let holders = s.nodes.iter().filter(|n| s.holds(n, write)).count();
        let on = v.lit(&write.node, write.from, write.to);
        let chosen = v.chosen(&write.node, write.from, write.to);
        let mut row =
            el("tr")
                .key(&[&int(u64::from(write.history)), ".", &int(write.to)].concat())
                .class(&[("on", on), ("lost", holders == 0)])
                .does(toggle(
                    chosen,
                    &bytes_hit(&write.node, write.from, write.to),
                ))
                .put(leaf(
                    "td num",
                    [&seconds(write.at.since(v.zero)), " s"].concat(),
                ))
                .put(el("td code").put(
                    leaf("button", [&write.node, "> ", &write.text()].concat()).pressed(chosen),
                ));
        for n in &s.nodes {
            let mut cell = el("td holds");
            if s.holds(n, write) {
                cell = cell
                    .put(icon(Icon::Check))
                    .put(leaf("span hidden", v.w(&w::HAS)));
            } else {
                cell = cell.put(leaf("span muted", if n.alive { "–" } else { "" }));
            }
            row = row.put(cell);
        }
        let fate = match holders {
            0 => leaf("td mark", v.w(&w::LOST)),
            1 => leaf("td risk", v.w(&w::ONLY_ONE)),
            _ => leaf("td muted", v.put(&w::COPIES, &[&int(holders as u64)])),
        };
        rows.push(row.put(fate));
    }
    let lost = s.lost().count() as u64;
    let words = if s.writes.is_empty() {
        v.w(&w::NO_WRITES).into()
    } else if lost > 0 {
        v.put(
            &w::LEDGER_LOST,
            &[&group(lost), &group(s.writes.len() as u64)],
        )
    } else {
        v.put(&w::LEDGER, &[&group(s.writes.len() as u64)])
    };
    el("div ledger dataset tabindex=0 role=region data-testid=ledger")
        .a("aria-label", v.w(&w::WRITES))
        .a("data-lost", int(lost))
        .put(leaf("p caption", words).class(&[("caption", true), ("bad", lost > 0)]))
        .put(
            el("table grid")
                .put(el("thead").put(head))
                .put(el("tbody").list(rows)),
        )
}
