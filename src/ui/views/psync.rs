//! The verdict on a PSYNC as the decision that it is: four questions in the server's order with the numbers of that
//! moment, its own log line, and what would have made the difference. Also as a what-if, which the node itself answers.

use super::{pick, sign, words as w};
use crate::sim::Remedy;
use crate::sim::snapshot::{FullCause, Outcome, Verdict};
use crate::ui::View;
use crate::ui::dom::{El, create, el, int, leaf, num};
use crate::ui::sentence::{Said, group, seconds};
use crate::ui::stage::needle::{Needle, Scale, on_line};
use crate::ui::story::cause;

/// The what-if that is chosen: its answer, an error that would be replied, or nothing where somebody does not run.
fn probed(v: &View<'_>) -> Option<Option<Result<Verdict, &'static str>>> {
    let (asker, byte) = v.views.probe.as_ref()?;
    let answerer = answerer(v, asker)?;
    Some(v.player.world().probe(asker, &answerer, *byte))
}

/// Whom a node would ask: the node in focus, or its own master where it is in focus itself.
fn answerer(v: &View<'_>, asker: &str) -> Option<String> {
    let nodes = &v.s.nodes;
    let other = |name: &&String| name.as_str() != asker;
    let focus = nodes.get(v.focus).map(|n| &n.name).filter(other);
    let own = || nodes.iter().find(|n| n.name == asker)?.master.as_ref();
    let any = || nodes.iter().map(|n| &n.name).find(other);
    focus.or_else(own).or_else(any).cloned()
}

/// The verdict that the ring shows: the what-if, where one is chosen, else the last real one.
#[inline(never)]
pub fn shown(v: &View<'_>) -> Option<Verdict> {
    if v.views.face.tries() {
        return super::face::tried(v)?.ok();
    }
    match probed(v) {
        Some(answer) => answer?.ok(),
        None => v.s.verdict.as_deref().cloned(),
    }
}

/// A needle on the byte that the what-if asks for.
fn needle_of(v: &View<'_>, said: &Verdict, verb: &'static str) -> Option<Needle> {
    let n = v.s.nodes.iter().find(|n| n.name == said.master)?;
    let byte = u64::try_from(said.asked).ok().filter(|byte| *byte > 0)?;
    let (word, follows) = match said.outcome {
        Outcome::Continue { bytes } => {
            let follow = v.put(&w::BYTES_FOLLOW, &[&group(bytes)]);
            (" +CONTINUE ", follow)
        }
        Outcome::Full { .. } => (" +FULLRESYNC ", v.w(&w::SNAPSHOT).into()),
    };
    let says = [&int(byte), word, &follows].concat();
    Needle::new(n, (verb, byte), v.w(&w::BYTE), says)
}

/// The verb with which the byte of the what-if is set; none where there is none.
fn hypothetical(v: &View<'_>) -> Option<&'static str> {
    if v.views.face.tries() {
        return Some("face-byte");
    }
    v.views.probe.is_some().then_some("probe-byte")
}

/// The needle on the ring of the drum.
#[inline(never)]
pub fn needle(v: &View<'_>) -> Option<Needle> {
    let verb = hypothetical(v)?;
    let said = shown(v)?;
    let drum = v.s.nodes.get(v.focus)?;
    needle_of(v, &said, verb).filter(|_| said.master == drum.name)
}

#[inline(never)]
pub fn psync(v: &View<'_>) -> El {
    let real = v.views.probe.is_none();
    let answer = match probed(v) {
        Some(Some(Ok(said))) => Ok(said),
        Some(Some(Err(refusal))) => Err(refusal),
        Some(None) => Err(v.w(&w::NOT_RUNNING)),
        None => v.s.verdict.as_deref().cloned().ok_or_else(|| {
            let outside = v.s.nodes.iter().any(|n| n.outside());
            v.w(if outside {
                &w::OUTSIDE_ANSWERED
            } else {
                &w::NO_ANSWER
            })
        }),
    };
    let mut out = el("div psync tabindex=0 role=region")
        .a("aria-label", v.w(&w::PSYNC))
        .put(requests(v, answer.as_ref().ok()));
    match answer {
        Ok(said) => {
            out = out.put(decision(v, &said, real));
        }
        Err(text) => out = out.put(leaf("p nothing", text)),
    }
    out
}

/// The questions and their answers, and why.
#[inline(never)]
pub fn decision(v: &View<'_>, said: &Verdict, real: bool) -> El {
    let good = matches!(said.outcome, Outcome::Continue { .. });
    el("div verdict-body data-testid=decision")
        .a("data-outcome", if good { "continue" } else { "full" })
        .a("data-cause", cause(&said.outcome))
        .put(tree(v, said))
        .put(why(v, said, real))
}

/// Which request: the last one answered, or one of anybody now; and its byte.
fn requests(v: &View<'_>, said: Option<&Verdict>) -> El {
    let probe = v.views.probe.as_ref();
    let mut options = vec![(v.w(&w::LAST).into(), probe.is_none(), "probe".into())];
    let focus = v.s.nodes.get(v.focus).map(|n| n.name.as_str());
    for n in v.s.nodes.iter().filter(|n| n.alive) {
        if Some(n.name.as_str()) != focus || n.master.is_some() {
            let on = probe.is_some_and(|p| p.0 == n.name);
            options.push((
                v.put(&w::IF_ASKED, &[&n.name]),
                on,
                ["probe ", &n.name].concat(),
            ));
        }
    }
    let mut row = el("div requests").put(pick(v.w(&w::WHICH), options));
    if let (Some((_, byte)), Some(said)) = (probe, said) {
        let value = byte.map_or(String::new(), |b| b.to_string());
        let field = el("input field-small type=text inputmode=numeric autocomplete=off data-input=probe-byte data-testid=probe-byte")
            .a("aria-label", v.w(&w::BYTE))
            .a("placeholder", said.asked.to_string())
            .value(&value);
        row = row.put(el("label").text(v.w(&w::BYTE)).text(" ").put(field));
    } else if let Some(said) = said {
        let at = seconds(said.at.since(v.zero));
        row = row.put(leaf("span muted num", [&at, " s"].concat()));
    }
    row.put(leaf("button act-on data-do=verdict", v.w(&w::TOLD_OPEN)))
}

/// A question: what it is, the numbers that decide it, and its answer; none where it was not reached.
struct Question {
    ask: &'static Said,
    numbers: String,
    holds: Option<bool>,
}

/// The questions of `masterTryPartialResynchronization`, in its order.
fn questions(v: &View<'_>, said: &Verdict) -> Vec<Question> {
    use FullCause as F;
    let cause = match &said.outcome {
        Outcome::Continue { .. } => None,
        Outcome::Full { cause } => Some(cause),
    };
    let id = |id: &str| [id.get(..8).unwrap_or(id), "…"].concat();
    let new = cause == Some(&F::New);
    let first = said.asked_id.eq_ignore_ascii_case(&said.replid);
    let second = said.asked_id.eq_ignore_ascii_case(&said.replid2);
    let known = first || (second && said.asked <= said.second_offset);
    let sign = |holds: bool, yes: &'static str, no: &'static str| if holds { yes } else { no };
    let own = if new {
        v.w(&w::EVERYTHING).into()
    } else {
        let is = sign(first, " = ", " ≠ ");
        [&id(&said.asked_id), is, &id(&said.replid)].concat()
    };
    let vouched = if first || new {
        v.w(&w::NOT_ASKED).into()
    } else if said.second_offset < 0 {
        v.w(&w::NO_SECOND).into()
    } else {
        let is = sign(second, "= ", "≠ ");
        let mut text = [is, &id(&said.replid2)].concat();
        if second {
            let within = sign(known, " ≤ ", " > ");
            text.push_str(", ");
            text.push_str(
                &[
                    &said.asked.to_string(),
                    within,
                    &said.second_offset.to_string(),
                ]
                .concat(),
            );
        }
        text
    };
    let ring = known && cause != Some(&F::NoBacklog);
    let next = said.offset + 1;
    let window = if ring {
        let (low, high) = (said.first as i64 <= said.asked, said.asked <= next as i64);
        let asked = said.asked.to_string();
        let low = sign(low, " ≤ ", " > ");
        let high = sign(high, " ≤ ", " > ");
        [&int(said.first), low, &asked, high, &int(next)].concat()
    } else {
        v.w(&w::NOT_ASKED).into()
    };
    let size = if known {
        [&int(said.size), " B"].concat()
    } else {
        v.w(&w::NOT_ASKED).into()
    };
    vec![
        Question {
            ask: if new { &w::Q_EVERYTHING } else { &w::Q_ID },
            numbers: own,
            holds: Some(first),
        },
        Question {
            ask: &w::Q_SECOND,
            numbers: vouched,
            holds: (!first && !new).then_some(known),
        },
        Question {
            ask: &w::Q_BACKLOG,
            numbers: size,
            holds: known.then_some(ring),
        },
        Question {
            ask: &w::Q_BYTE,
            numbers: window,
            holds: ring.then_some(cause.is_none()),
        },
    ]
}

/// The tree: a question a row; a `no` that ends it leaves to the right, the last `yes` leads to the bottom.
fn tree(v: &View<'_>, said: &Verdict) -> El {
    let all = questions(v, said);
    let good = matches!(said.outcome, Outcome::Continue { .. });
    let mut rows = Vec::new();
    // Where the way ends: at the last question that was asked and said no.
    let end = all
        .iter()
        .rposition(|q| q.holds == Some(false))
        .filter(|_| !good);
    for (i, q) in all.iter().enumerate() {
        let ends = end == Some(i);
        let reached = q.holds.is_some();
        let word = match q.holds {
            Some(true) => v.w(&w::YES),
            Some(false) => v.w(&w::NO),
            None => "",
        };
        let mut row = el("li")
            .nth(i)
            .class(&[
                ("question", true),
                ("reached", reached),
                ("last", ends),
                ("yes", q.holds == Some(true)),
            ])
            .put(sign(q.holds))
            .put(leaf("span asks", v.w(q.ask)))
            .put(leaf("code", q.numbers.clone()).a("translate", "no"))
            .put(leaf("span hidden", word));
        if ends {
            row = row.put(outcome(
                v,
                "+FULLRESYNC",
                v.w(&w::SNAPSHOT).into(),
                "out no",
            ));
        }
        rows.push(row);
    }
    let mut list = el("ol decision-tree").list(rows);
    if let Outcome::Continue { bytes } = said.outcome {
        let text = v.put(&w::BYTES_FOLLOW, &[&group(bytes)]);
        list = list.put(el("li end").put(outcome(v, "+CONTINUE", text, "out yes")));
    }
    list
}

fn outcome(_v: &View<'_>, word: &'static str, text: String, class: &'static str) -> El {
    create("span", class.into())
        .put(leaf("b translate=no lang=en", word))
        .put(leaf("span", text))
}

/// The window as a bar, the log line, the remedy.
fn why(v: &View<'_>, said: &Verdict, real: bool) -> El {
    let mut out = el("div why");
    if said.asked >= 0 && said.size > 0 {
        let verb = hypothetical(v).filter(|_| !real);
        let needle = verb.and_then(|verb| needle_of(v, said, verb));
        let window = el("div window").put(bar(v, said, needle.as_ref()));
        out = out.put(window.slot(needle.as_ref().map(|needle| {
            let (low, bytes) = (needle.low, needle.high - needle.low);
            on_line(
                needle,
                &Scale {
                    low,
                    bytes,
                    left: 4.0,
                },
                26.0,
            )
        })));
    }
    let logs = if real { &w::LOGGED } else { &w::WOULD_LOG };
    out = out
        .put(leaf("h3", v.put(logs, &[&said.master])))
        .put(leaf("p log-line translate=no lang=en", said.log.clone()));
    let n = |n: u64| group(n);
    let (m, r) = (said.master.as_str(), said.replica.as_str());
    let (title, text) = match said.remedy() {
        Remedy::Spare(left) => (&w::TO_SPARE, v.put(&w::SPARE, &[&n(left + 1), m])),
        Remedy::Ring(size) => (
            &w::SAVED,
            v.put(
                &w::RING,
                &[&n(size), &n(said.size), &n(size - said.size.min(size))],
            ),
        ),
        Remedy::Ahead(more) => (&w::SAVED, v.put(&w::AHEAD, &[m, r, &n(more)])),
        Remedy::SameHistory => (&w::SAVED, v.w(&w::SAME_HISTORY).into()),
        Remedy::AnyRing => (&w::SAVED, v.w(&w::ANY_RING).into()),
        Remedy::Nothing => (&w::SAVED, v.w(&w::NOTHING).into()),
    };
    out.put(leaf("h3", v.w(title)))
        .put(leaf("p remedy data-testid=remedy", text))
}

/// The ring unrolled: what is kept, what was asked for, and what of it is gone or was never written. With a needle on it,
/// it does not grow and shrink under the hand.
fn bar(v: &View<'_>, said: &Verdict, needle: Option<&Needle>) -> El {
    let (asked, next) = (said.asked.max(0) as u64, said.offset + 1);
    let fits = (asked.min(said.first), asked.max(next));
    let (low, high) = needle.map_or(fits, |n| (n.low, n.high));
    let x = |o: u64| {
        4.0 + o.clamp(low, high).saturating_sub(low) as f32 * 92.0 / (high - low).max(1) as f32
    };
    let percent = |p: f32| [&num(p), "%"].concat();
    let rect = |line: &'static str, from: u64, to: u64| {
        el(line)
            .a("x", percent(x(from)))
            .a("width", percent((x(to) - x(from)).max(0.0)))
    };
    let text = |class: &'static str, at: f32, y: &'static str, words: String| {
        let anchor = if at < 15.0 {
            "start"
        } else if at > 85.0 {
            "end"
        } else {
            "middle"
        };
        create("text", class.into())
            .a("x", percent(at))
            .a("y", y)
            .a("text-anchor", anchor)
            .text(words)
    };
    let good = matches!(said.outcome, Outcome::Continue { .. });
    let kept = rect("rect kept y=20 height=12 rx=4", said.first, next);
    let sent = good.then(|| rect("rect sent y=20 height=12 rx=4", asked, next));
    let lacking = match (asked < said.first, asked > next) {
        (true, _) => Some(rect("rect gone y=20 height=12 rx=4", asked, said.first)),
        (_, true) => Some(rect("rect gone y=20 height=12 rx=4", next, asked)),
        _ => None,
    };
    let ask = el("line ask y1=14 y2=38")
        .a("x1", percent(x(asked)))
        .a("x2", percent(x(asked)));
    let label = [v.w(&w::ASKED), " ", &group(asked)].concat();
    create("svg", if good { "bar good" } else { "bar full" }.into())
        .a("aria-hidden", "true")
        .put(kept)
        .slot(sent)
        .slot(lacking)
        .put(ask)
        .put(text("strong", x(asked), "10", label))
        .put(text("", x(said.first), "48", group(said.first)))
        .put(text("", x(next), "48", group(next)))
}
