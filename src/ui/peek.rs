//! What a narrow screen has instead of space: a strip of nodes above the other panels, and the tabs.

use super::Shared;
use super::app::Msg;
use super::icons::{Icon, glyph, icon};
use super::sentence::group;
use super::text::Lang;
use crate::sim::snapshot::Snapshot;
use yew::prelude::*;

/// The panel that a narrow screen shows.
#[derive(Clone, Copy, PartialEq)]
pub enum Tab {
    Learn,
    Nodes,
    Console,
    Inspect,
}

impl Tab {
    pub fn name(self) -> &'static str {
        match self {
            Self::Learn => "learn",
            Self::Nodes => "nodes",
            Self::Console => "console",
            Self::Inspect => "inspect",
        }
    }
}

#[derive(Properties, PartialEq)]
pub struct PeekProps {
    pub lang: Lang,
    pub snapshot: Shared<Snapshot>,
    pub focus: usize,
    pub send: Callback<Msg>,
}

/// Nodes with their offsets, so that typing still shows its consequence.
#[component]
pub fn Peek(props: &PeekProps) -> Html {
    html! {
        <ul class="peek">
            { for props.snapshot.nodes.iter().enumerate().map(|(i, n)| {
                let difference = match n.behind {
                    Some(0) | None => String::new(),
                    Some(bytes) => format!("−{} B", group(bytes)),
                };
                html! {
                    <li key={n.name.clone()} class={classes!((!n.alive).then_some("dead"), (props.focus == i).then_some("focus"))}>
                        <button onclick={props.send.reform(move |_: MouseEvent| Msg::Focus(i))}>
                            { glyph(n.replica, n.depth) }<b>{ n.name.clone() }</b>
                            <span class="num">{ group(n.offset) }</span><span class="num less">{ difference }</span>
                        </button>
                    </li>
                }
            }) }
        </ul>
    }
}

#[derive(Properties, PartialEq)]
pub struct TabsProps {
    pub lang: Lang,
    pub tab: Tab,
    pub done: usize,
    pub send: Callback<Msg>,
}

#[component]
pub fn Tabs(props: &TabsProps) -> Html {
    let t = props.lang.text();
    let tab = |to: Tab, label: &'static str, which: Icon| {
        let current = (props.tab == to).then_some("page");
        html! {
            <button key={to.name()} aria-current={current} onclick={props.send.reform(move |_: MouseEvent| Msg::Tab(to))}>
                { icon(which) }<span>{ label }</span>
                if to == Tab::Learn && (1..5).contains(&props.done) { <b class="badge">{ format!("{}/5", props.done) }</b> }
            </button>
        }
    };
    html! {
        <nav class="tabs">
            { tab(Tab::Learn, t.tab_learn, Icon::Learn) }
            { tab(Tab::Nodes, t.tab_nodes, Icon::Nodes) }
            { tab(Tab::Console, t.tab_console, Icon::Console) }
            { tab(Tab::Inspect, t.tab_inspect, Icon::Inspect) }
        </nav>
    }
}
