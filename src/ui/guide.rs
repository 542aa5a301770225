//! The left column: what one sees, what to try first, and what can be done to the node or wire that is selected.

use super::Shared;
use super::app::Msg;
use super::icons::{Icon, glyph, icon};
use super::stage::select::Sel;
use super::text::Lang;
use crate::player::Line;
use crate::sim::Action;
use crate::sim::snapshot::{NodeView, Outcome, Snapshot};
use std::rc::Rc;
use yew::prelude::*;

/// The lines of the first half minute; the last step is the world's own.
const FIRST_LINES: [&str; 5] = [
    "SET hello world",
    ":cut m r1",
    "SET city Oslo",
    ":restore m r1",
    "",
];

/// Which steps of the guide have been seen to happen. A step once done stays done.
#[derive(Clone, Copy, Default, PartialEq)]
pub struct Progress {
    pub done: [bool; 5],
}

impl Progress {
    pub fn count(&self) -> usize {
        self.done.iter().filter(|d| **d).count()
    }

    /// Reads the world; the visitor may have used buttons, keys or the console, in any order that makes sense.
    pub fn observe(&mut self, s: &Snapshot, lines: &[Line]) {
        let offset = |name: &str| {
            s.nodes
                .iter()
                .find(|n| n.name == name)
                .map_or(0, |n| n.offset)
        };
        let cut = s.links.iter().any(|l| l.cut);
        let gap = s
            .links
            .iter()
            .any(|l| l.cut && offset(&l.master) > offset(&l.replica));
        let wrote = self.done[0]
            || lines.iter().any(|l| {
                matches!(
                    l,
                    Line::Input {
                        offsets: Some(_),
                        ..
                    }
                )
            });
        let mended = self.done[1] && !cut;
        let partial = s
            .verdict
            .as_ref()
            .is_some_and(|v| matches!(v.outcome, Outcome::Continue { bytes } if bytes > 0));
        let seen = [
            wrote || gap,
            cut,
            gap,
            self.done[1] && self.done[2] && mended,
            self.done[3] && partial,
        ];
        for (done, seen) in self.done.iter_mut().zip(seen) {
            *done |= seen;
        }
    }
}

#[derive(Properties, PartialEq)]
pub struct GuideProps {
    pub lang: Lang,
    pub done: [bool; 5],
    pub send: Callback<Msg>,
}

#[component]
pub fn Guide(props: &GuideProps) -> Html {
    let t = props.lang.text();
    let next = props.done.iter().position(|d| !d);
    let step = |i: usize| {
        let (line, step) = (FIRST_LINES[i], &t.steps[i]);
        let (done, now) = (props.done[i], next == Some(i));
        // What was seen is told for the step before only: the column stays short.
        let fresh = done && next == Some(i + 1);
        let run = props.send.reform(move |_: MouseEvent| Msg::Guided(line));
        html! {
            <li key={i} class={classes!(done.then_some("done"), now.then_some("now"))} data-testid={format!("step-{}", i + 1)}>
                <span class="tick">
                    if done { { icon(Icon::Check) }<span class="hidden">{ t.step_done }</span> } else { <span class="box" /> }
                </span>
                <div>
                    <p>{ step.todo }</p>
                    <div class="more">
                        if fresh {
                            <p class="muted">{ step.seen }</p>
                        } else if now && !line.is_empty() {
                            <button class="line strong" title={t.run_it} onclick={run} translate="no">{ line }</button>
                        }
                    </div>
                </div>
            </li>
        }
    };
    html! {
        <section class="intro">
            <h2>{ t.guide_title }</h2>
            <p class="prose">{ for t.guide_text.iter().enumerate().map(|(i, line)| html! { <span key={i}>{ *line }{ t.gap }</span> }) }</p>
            <h3>{ if next.is_some() { t.try_title } else { t.all_done } }</h3>
            <ol class="steps">
                if next.is_some() {
                    { for (0..FIRST_LINES.len()).map(step) }
                } else {
                    { for t.done_more.iter().map(|(line, why)| {
                        let line: &'static str = line;
                        let run = props.send.reform(move |_: MouseEvent| Msg::Guided(line));
                        html! {
                            <li key={line} class="further">
                                <div><p>{ *why }</p><div class="more"><button class="line" title={t.run_it} onclick={run} translate="no">{ line }</button></div></div>
                            </li>
                        }
                    }) }
                }
            </ol>
        </section>
    }
}

#[derive(Properties, PartialEq)]
pub struct ActProps {
    pub lang: Lang,
    pub snapshot: Shared<Snapshot>,
    pub focus: usize,
    pub selected: Option<Sel>,
    pub lines: Shared<Vec<Line>>,
    pub send: Callback<Msg>,
}

const DELAYS: [(&str, u64); 4] = [
    ("10 ms", 10_000),
    ("100 ms", 100_000),
    ("400 ms", 400_000),
    ("2 s", 2_000_000),
];
const SPEEDS: [(&str, u64); 3] = [("1 kB/s", 1_000), ("64 B/s", 64), ("", 0)];
const RATES: [(&str, u32); 4] = [("", 0), ("5/s", 5), ("50/s", 50), ("500/s", 500)];
const FACTORS: [(&str, u32); 3] = [("1×", 1), ("10×", 10), ("100×", 100)];

/// Controls for the node or wire that is selected; without a selection for the node in focus.
#[component]
pub fn Act(props: &ActProps) -> Html {
    let t = props.lang.text();
    let s = &props.snapshot;
    let node = match &props.selected {
        Some(Sel::Node(name) | Sel::Link(name)) => s.nodes.iter().find(|n| n.name == *name),
        _ => None,
    };
    let Some(node) = node
        .or_else(|| s.nodes.get(props.focus))
        .or_else(|| s.nodes.first())
    else {
        return html! { <section class="act" /> };
    };
    html! {
        <section class="act" aria-label={format!("{} {}", t.act, node.name)}>
            <h3><span>{ t.act }</span>{ glyph(node.replica, node.depth) }<b>{ node.name.clone() }</b><span class="muted">{ role(props.lang, node) }</span></h3>
            { node_controls(props, node) }
            <div class="rows">
                { follow_controls(props, node) }
                { wire_controls(props, node) }
                { machine_controls(props, node) }
            </div>
        </section>
    }
}

/// The role in a word.
pub fn role(lang: Lang, node: &NodeView) -> &'static str {
    let t = lang.text();
    match (node.replica, node.depth) {
        (false, _) => t.master,
        (true, 0 | 1) => t.replica,
        (true, _) => t.sub_replica,
    }
}

fn node_controls(props: &ActProps, node: &Rc<NodeView>) -> Html {
    let t = props.lang.text();
    let name = node.name.clone();
    let on = |msg: fn(String) -> Msg| {
        let name = name.clone();
        props.send.reform(move |_: MouseEvent| msg(name.clone()))
    };
    let link = props.snapshot.links.iter().find(|l| l.replica == node.name);
    html! {
        <div class="buttons">
            if node.alive {
                if node.replica {
                    <button key="promote" class="act-on" title={t.promote_title} onclick={on(Msg::Promote)}>{ t.promote }</button>
                    <button key="full" class="act-on" title={t.full_sync_title} onclick={on(Msg::FullSync)}>{ t.full_sync }</button>
                }
                <button key="kill" class="act-on" title={t.kill_title}
                    onclick={on(|node| Msg::Perform(Action::Kill { node }))}>{ t.kill }</button>
            } else {
                <button key="start" class="act-on" title={t.start_title}
                    onclick={on(|node| Msg::Perform(Action::Start { node, empty: false }))}>{ t.start }</button>
                <button key="empty" class="act-on" title={t.start_empty_title}
                    onclick={on(|node| Msg::Perform(Action::Start { node, empty: true }))}>{ t.start_empty }</button>
            }
            if let Some(link) = link {
                <button key="wire" class="act-on" title={if link.cut { t.restore_title } else { t.cut_title }} onclick={{
                    let (a, b, cut) = (link.master.clone(), link.replica.clone(), link.cut);
                    props.send.reform(move |_: MouseEvent| {
                        let (a, b) = (a.clone(), b.clone());
                        Msg::Perform(if cut { Action::Restore { a, b } } else { Action::Cut { a, b } })
                    })
                }}>{ if link.cut { t.restore } else { t.cut } }</button>
            }
            <button key="add" class="act-on" title={t.add_title}
                onclick={on(|of| Msg::Perform(Action::Add { name: None, of }))}>{ icon(Icon::Plus) }{ t.add }</button>
        </div>
    }
}

/// Whom a node follows. As an operator does it: `REPLICAOF` with the address.
fn follow_controls(props: &ActProps, node: &NodeView) -> Html {
    let t = props.lang.text();
    // A master that others follow has no business here; with more nodes the row would not fit.
    let others: Vec<&Rc<NodeView>> = props
        .snapshot
        .nodes
        .iter()
        .filter(|n| n.name != node.name)
        .collect();
    let followed = props.snapshot.links.iter().any(|l| l.master == node.name);
    if !node.alive || others.is_empty() || others.len() > 5 || (!node.replica && followed) {
        return html! {};
    }
    let follow = |other: &NodeView| {
        let line = format!("@{} REPLICAOF 127.0.0.1 {}", node.name, other.port);
        props
            .send
            .reform(move |_: MouseEvent| Msg::Submit(line.clone()))
    };
    choice(
        t.follow,
        t.follow_title,
        others
            .into_iter()
            .map(|o| {
                (
                    o.name.clone(),
                    node.master.as_ref() == Some(&o.name),
                    follow(o),
                )
            })
            .collect(),
    )
}

fn wire_controls(props: &ActProps, node: &NodeView) -> Html {
    let t = props.lang.text();
    let Some(link) = props.snapshot.links.iter().find(|l| l.replica == node.name) else {
        return html! {};
    };
    let path = (link.master.clone(), link.replica.clone());
    let delay = |us: u64| {
        let (a, b) = path.clone();
        props.send.reform(move |_: MouseEvent| {
            Msg::Perform(Action::Latency {
                a: a.clone(),
                b: b.clone(),
                us,
            })
        })
    };
    let speed = |bytes_per_s: u64| {
        let (a, b) = path.clone();
        props.send.reform(move |_: MouseEvent| {
            Msg::Perform(Action::Bandwidth {
                a: a.clone(),
                b: b.clone(),
                bytes_per_s,
            })
        })
    };
    html! {
        <>
            { choice(t.latency, t.latency_title, DELAYS.iter().map(|&(label, us)| (label, link.latency_us == us, delay(us))).collect()) }
            { choice(t.bandwidth, t.bandwidth_title,
                SPEEDS.iter().map(|&(label, b)| (if b == 0 { t.unlimited } else { label }, link.bytes_per_s == b, speed(b))).collect()) }
        </>
    }
}

fn machine_controls(props: &ActProps, node: &NodeView) -> Html {
    let t = props.lang.text();
    let name = &node.name;
    let replicas: Vec<String> = props
        .snapshot
        .links
        .iter()
        .filter(|l| l.master == *name)
        .map(|l| l.replica.clone())
        .collect();
    let load = props.snapshot.load.as_ref().filter(|l| l.node == *name);
    let rate = |per_s: u32| {
        let (node, replicas) = (name.clone(), replicas.clone());
        props.send.reform(move |_: MouseEvent| {
            let reads = if per_s > 0 {
                replicas.clone()
            } else {
                Vec::new()
            };
            Msg::Perform(Action::Load {
                node: node.clone(),
                per_s,
                reads,
            })
        })
    };
    let slow = |factor: u32| {
        let node = name.clone();
        props.send.reform(move |_: MouseEvent| {
            Msg::Perform(Action::Slow {
                node: node.clone(),
                factor,
            })
        })
    };
    let now_slow = slowness(&props.lines, name);
    html! {
        <>
            { choice(t.slow, t.slow_title, FACTORS.iter().map(|&(label, f)| (label, now_slow == f, slow(f))).collect()) }
            if !node.replica {
                { choice(t.load, t.load_title,
                    RATES.iter().map(|&(label, r)| (if r == 0 { t.load_off } else { label }, load.map_or(0, |l| l.per_s) == r, rate(r))).collect()) }
            }
        </>
    }
}

/// The factor set last: each change of it is a line of the console.
fn slowness(lines: &[Line], node: &str) -> u32 {
    let of_line = |line: &Line| {
        let Line::Input { text, .. } = line else {
            return None;
        };
        let mut words = text.strip_prefix(':')?.split_whitespace();
        (words.next() == Some("slow") && words.next() == Some(node))
            .then(|| words.next()?.parse().ok())
            .flatten()
    };
    lines.iter().rev().find_map(of_line).unwrap_or(1)
}

/// A row with a few values, of which one holds now.
pub fn choice<V: Into<AttrValue>>(
    label: &'static str,
    title: &'static str,
    values: Vec<(V, bool, Callback<MouseEvent>)>,
) -> Html {
    html! {
        <div key={label} class="choice" role="group" aria-label={label} title={title}>
            <span>{ label }</span>
            <div class="segments">
                { for values.into_iter().enumerate().map(|(i, (value, on, onclick))| html! {
                    <button key={i} aria-pressed={if on { "true" } else { "false" }} {onclick}>{ value.into() }</button>
                }) }
            </div>
        </div>
    }
}
