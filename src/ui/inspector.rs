//! The inspector: what passed on the wires, a node's fields under the names of `INFO replication`, its log.

use super::Shared;
use super::guide::role;
use super::icons::glyph;
use super::sentence::{phase, seconds};
use super::stage::select::Sel;
use super::story;
use super::text::Lang;
use super::wire::Wire;
use crate::sim::snapshot::{NodeView, Outcome, Snapshot, Verdict};
use crate::time::Instant;
use web_sys::Element;
use yew::prelude::*;

#[derive(Clone, Copy, PartialEq)]
enum Page {
    Node,
    Wire,
    Log,
}

#[derive(Properties, PartialEq)]
pub struct Props {
    pub lang: Lang,
    pub snapshot: Shared<Snapshot>,
    pub focus: usize,
    pub selected: Option<Sel>,
    pub on_select: Callback<Option<Sel>>,
}

#[component]
pub fn Inspector(props: &Props) -> Html {
    let t = props.lang.text();
    let page = use_state(|| Page::Wire);
    let s = &props.snapshot;
    let chosen = match &props.selected {
        Some(Sel::Node(name) | Sel::Link(name)) => s.nodes.iter().find(|n| n.name == *name),
        _ => None,
    };
    let node = chosen.or_else(|| s.nodes.get(props.focus));
    let tab = |to: Page, label: &'static str| {
        let set = page.setter();
        let on = *page == to;
        html! {
            <button key={label} role="tab" id={format!("tab-{}", to as u8)} aria-controls="inspector" aria-selected={if on { "true" } else { "false" }}
                onclick={move |_: MouseEvent| set.set(to)}>{ label }</button>
        }
    };
    html! {
        <section class="inspector" aria-label={t.inspector}>
            <div class="head" role="tablist" aria-label={t.inspector}>
                { tab(Page::Node, t.node) }
                { tab(Page::Wire, t.wire) }
                { tab(Page::Log, t.log) }
                <span class="of-node">
                    if let (Some(n), true) = (node, *page != Page::Wire) { { glyph(n.replica, n.depth) }<b>{ n.name.clone() }</b> }
                </span>
            </div>
            <div class="page" id="inspector" role="tabpanel" aria-labelledby={format!("tab-{}", *page as u8)}>
                { match (*page, node) {
                    (Page::Wire, _) => html! { <Wire key="wire" lang={props.lang} snapshot={props.snapshot.clone()} selected={props.selected.clone()} on_select={props.on_select.clone()} /> },
                    (Page::Node, Some(n)) => html! { <div key="node" class="fields" tabindex="0" role="region" aria-label={t.node}>{ fields(props.lang, n, s.verdict.as_deref()) }</div> },
                    (Page::Log, Some(n)) => html! { <Log key="log" lang={props.lang} node={Shared(n.clone())} zero={Instant(s.now.0 - s.elapsed_us.min(s.now.0))} /> },
                    (_, None) => html! { <p key="none" class="nothing">{ t.packet_empty }</p> },
                } }
            </div>
        </section>
    }
}

/// Fields as `INFO replication` names them.
fn fields(lang: Lang, n: &NodeView, verdict: Option<&Verdict>) -> Html {
    let b = &n.backlog;
    let row = |name: &'static str, value: String| html! { <div key={name}><dt>{ name }</dt><dd title={value.clone()}>{ value }</dd></div> };
    let count = |n: u64| n.to_string();
    html! {
        <>
            <p class="standing">{ role(lang, n) }{ " · " }{ phase(lang, &n.phase, n.lag_s) }</p>
            <div class="columns" translate="no">
                <dl>
                    { row("role", if n.replica { "slave".into() } else { "master".into() }) }
                    if let Some(master) = &n.master { { row("master", master.clone()) } }
                    { row("master_replid", n.replid.clone()) }
                    { row("master_replid2", n.replid2.clone()) }
                    { row("master_repl_offset", count(n.offset)) }
                    { row("second_repl_offset", n.second_offset.to_string()) }
                </dl>
                <dl>
                    { row("repl_backlog_active", u8::from(b.active).to_string()) }
                    { row("repl_backlog_size", count(b.size)) }
                    { row("repl_backlog_first_byte_offset", count(b.first)) }
                    { row("repl_backlog_histlen", count(b.histlen)) }
                    { row("sync_full", count(n.sync_full)) }
                    { row("sync_partial_ok", count(n.sync_partial_ok)) }
                    { row("sync_partial_err", count(n.sync_partial_err)) }
                    { row("connected_slaves", n.replicas.iter().filter(|r| r.state != "offline").count().to_string()) }
                </dl>
            </div>
            <ul class="attached" translate="no">
                { for n.replicas.iter().enumerate().map(|(i, r)| html! {
                    <li key={i}>
                        <b>{ r.name.clone() }</b>
                        { format!(" state={},offset={}", r.state, r.ack) }
                        if r.buffered > 0 { { format!(",buffered={}", r.buffered) } }
                    </li>
                }) }
            </ul>
            <div>
                if let Some(v) = verdict.filter(|v| v.master == n.name || v.replica == n.name) { { decision(lang, v) } }
            </div>
        </>
    }
}

/// The verdict with the ring unrolled: what was kept, what was asked, and the inequality that decides.
fn decision(lang: Lang, v: &Verdict) -> Html {
    let t = lang.text();
    let good = matches!(v.outcome, Outcome::Continue { .. });
    let asked = u64::try_from(v.asked).ok();
    // The bar spans what the ring held, with a margin for a request on either side of it.
    let low = asked.map_or(v.first, |a| a.min(v.first));
    let high = asked.map_or(v.offset + 1, |a| a.max(v.offset + 1));
    let x = |o: u64| 10 + o.clamp(low, high).saturating_sub(low) * 580 / (high - low).max(1);
    let sign = |holds: bool| if holds { "≤" } else { "≰" };
    let inequality = asked.map(|a| {
        format!(
            "{} {} {} {} {}",
            v.first,
            sign(v.first <= a),
            a,
            sign(a <= v.offset + 1),
            v.offset + 1
        )
    });
    html! {
        <div class="decision" data-cause={story::cause(&v.outcome)}>
            <h4>{ t.decision }<code>{ inequality }</code></h4>
            <div>
                if let Some(a) = asked {
                    <svg viewBox="0 0 600 26" aria-hidden="true" class={if good { "good" } else { "full" }}>
                        <rect class="kept" x={x(v.first).to_string()} y="9" width={(x(v.offset + 1) - x(v.first)).to_string()} height="10" rx="4" />
                        if good { <rect class="sent" x={x(a).to_string()} y="9" width={(x(v.offset + 1) - x(a)).to_string()} height="10" rx="4" /> }
                        <path class="ask" d={format!("M{0} 2V24", x(a))} />
                    </svg>
                }
            </div>
            <p class="log-line" translate="no" lang="en">{ v.log.clone() }</p>
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct LogProps {
    lang: Lang,
    node: Shared<NodeView>,
    zero: Instant,
}

/// The server's own log.
#[component]
fn Log(props: &LogProps) -> Html {
    let t = props.lang.text();
    let list = use_node_ref();
    use_effect_with((props.node.name.clone(), props.node.log.len()), {
        let list = list.clone();
        move |_| {
            if let Some(list) = list.cast::<Element>() {
                list.set_scroll_top(list.scroll_height());
            }
        }
    });
    html! {
        <ol class="log" tabindex="0" role="region" aria-label={t.log} ref={list} translate="no">
            if props.node.log.is_empty() { <li key="none" class="nothing">{ t.log_empty }</li> }
            { for props.node.log.iter().enumerate().map(|(i, l)| html! {
                <li key={i} class={classes!((l.level == '#').then_some("warning"))}>
                    <span class="num">{ seconds(l.at.since(props.zero)) }</span><span>{ l.level.to_string() }</span><span lang="en">{ l.text.clone() }</span>
                </li>
            }) }
        </ol>
    }
}
