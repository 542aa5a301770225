//! The wire list: packets as a protocol analyser shows them; list, commands with offsets, bytes.

use super::Shared;
use super::sentence::{commands, group, seconds};
use super::stage::select::Sel;
use super::text::Lang;
use crate::sim::snapshot::{Frame, FrameKind, Packet, Snapshot};
use crate::time::Instant;
use std::rc::Rc;
use web_sys::Element;
use yew::prelude::*;

/// Rows shown; older packets are kept by the world but not drawn.
const ROWS: usize = 120;
/// Bytes of one packet that are shown.
const HEX_BYTES: usize = 1024;
const HEX_ROW: usize = 8;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub lang: Lang,
    pub snapshot: Shared<Snapshot>,
    pub selected: Option<Sel>,
    pub on_select: Callback<Option<Sel>>,
}

#[component]
pub fn Wire(props: &Props) -> Html {
    let t = props.lang.text();
    let beats = use_state(|| false);
    let s = &props.snapshot;
    let shown: Vec<&Rc<Packet>> = {
        let mut newest: Vec<_> = s
            .wire
            .iter()
            .rev()
            .filter(|p| *beats || !heartbeat(p))
            .take(ROWS)
            .collect();
        newest.reverse();
        newest
    };
    let current = current(s, &props.selected, shown.last().copied());
    let explicit = props.selected.is_some();
    let list = use_node_ref();
    let newest = shown.last().map(|p| p.id);
    // Follows the newest row, unless the reader has scrolled up to look at something.
    let follow = use_mut_ref(|| true);
    use_effect_with((newest, *beats), {
        let (list, follow) = (list.clone(), follow.clone());
        move |_| {
            if let Some(list) = list.cast::<Element>().filter(|_| *follow.borrow()) {
                list.set_scroll_top(list.scroll_height());
            }
        }
    });
    let onscroll = {
        let list = list.clone();
        move |_: Event| {
            if let Some(list) = list.cast::<Element>() {
                *follow.borrow_mut() =
                    list.scroll_height() - list.scroll_top() - list.client_height() < 30;
            }
        }
    };
    let toggle = {
        let beats = beats.clone();
        move |_: MouseEvent| beats.set(!*beats)
    };
    let zero = Instant(s.now.0 - s.elapsed_us.min(s.now.0));
    html! {
        <div class="wire">
            <button class="filter" title={t.heartbeats_title} aria-pressed={if *beats { "true" } else { "false" }} onclick={toggle}>{ t.heartbeats }</button>
            <div class="packets" role="region" aria-label={t.wire} tabindex="0" ref={list} {onscroll}>
                <table>
                    <thead><tr>
                        <th scope="col">{ t.wire_time }</th><th scope="col">{ t.wire_way }</th><th scope="col">{ t.wire_type }</th>
                        <th scope="col">{ t.wire_info }</th><th scope="col" class="num">{ t.wire_len }</th>
                        <th scope="col">{ t.wire_state }</th>
                    </tr></thead>
                    <tbody>
                        { for shown.iter().map(|p| html! {
                            <Row key={p.id} lang={props.lang} packet={Shared((*p).clone())} {zero}
                                on={explicit && current.is_some_and(|c| c.id == p.id)} on_select={props.on_select.clone()} />
                        }) }
                    </tbody>
                </table>
                <div>if shown.is_empty() { <p class="nothing">{ t.wire_empty }</p> }</div>
            </div>
            <div class="bytes" role="region" aria-label={t.hex} tabindex="0">
                { current.map_or_else(|| html! { <p class="nothing">{ t.packet_empty }</p> }, |p| details(props, p)) }
            </div>
        </div>
    }
}

/// The packet to show: the selected one, the newest that carries the selected bytes, or simply the newest.
fn current<'a>(
    s: &'a Snapshot,
    selected: &Option<Sel>,
    newest: Option<&'a Rc<Packet>>,
) -> Option<&'a Rc<Packet>> {
    match selected {
        Some(Sel::Packet(id)) => s.wire.iter().rev().find(|p| p.id == *id),
        Some(Sel::Bytes { from, to, .. }) => s
            .wire
            .iter()
            .rev()
            .find(|p| p.frames.iter().any(|f| covers(f, *from, *to)))
            .or(newest),
        Some(Sel::Link(replica)) => s
            .wire
            .iter()
            .rev()
            .find(|p| (p.from == *replica || p.to == *replica) && !heartbeat(p))
            .or(newest),
        _ => newest,
    }
}

fn covers(f: &Frame, from: u64, to: u64) -> bool {
    f.offsets.is_some_and(|(a, b)| a <= to && b >= from)
}

/// Nothing but heartbeats.
fn heartbeat(p: &Packet) -> bool {
    p.frames.iter().all(|f| f.kind.heartbeat())
}

#[derive(Properties, PartialEq)]
struct RowProps {
    lang: Lang,
    packet: Shared<Packet>,
    zero: Instant,
    on: bool,
    on_select: Callback<Option<Sel>>,
}

#[component]
fn Row(props: &RowProps) -> Html {
    let t = props.lang.text();
    let p = &props.packet;
    let (kind, info) = summary(props.lang, p);
    let (id, on) = (p.id, props.on);
    let onclick = props
        .on_select
        .reform(move |_: MouseEvent| (!on).then_some(Sel::Packet(id)));
    let state = match p.delivered {
        None => t.in_flight,
        Some(true) => "",
        Some(false) => t.lost,
    };
    html! {
        <tr class={classes!(on.then_some("on"), (p.delivered == Some(false)).then_some("lost"))} {onclick}>
            <td><button aria-pressed={if on { "true" } else { "false" }}>{ seconds(p.sent.since(props.zero)) }</button></td>
            <td>{ format!("{}→{}", p.from, p.to) }</td>
            <td>{ kind }</td>
            <td class="info">{ info }</td>
            <td class="num">{ p.bytes.len() }</td>
            <td class="state">{ state }</td>
        </tr>
    }
}

/// Type and info of a row.
fn summary(lang: Lang, p: &Packet) -> (String, String) {
    let stream = |k: FrameKind| {
        matches!(
            k,
            FrameKind::Write
                | FrameKind::Select
                | FrameKind::Transaction
                | FrameKind::Getack
                | FrameKind::Ping
        )
    };
    let Some(first) = p.frames.first() else {
        return (String::new(), String::new());
    };
    let words = |text: &str| {
        let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
        (first.to_string(), rest.to_string())
    };
    match first.kind {
        FrameKind::Ping if p.frames.len() == 1 => ("PING".into(), String::new()),
        FrameKind::Ack => ("ACK".into(), first.label.clone()),
        FrameKind::Newline if p.frames.len() == 1 => ("\\n".into(), String::new()),
        FrameKind::Rdb => ("RDB".into(), first.text.clone()),
        FrameKind::Request | FrameKind::Reply => {
            let (kind, mut info) = words(&first.text);
            if p.frames.len() > 1 {
                info.push_str(&format!(" +{}", p.frames.len() - 1));
            }
            (kind, info)
        }
        k if stream(k) && p.frames.len() == 1 => ("STREAM".into(), first.text.clone()),
        _ => ("STREAM".into(), commands(lang, p.frames.len())),
    }
}

/// Commands with their offsets, and the bytes, eight in a row.
fn details(props: &Props, p: &Rc<Packet>) -> Html {
    // The selected bytes may be several commands, such as a SELECT and a SET.
    let lit = |f: &Frame| match &props.selected {
        Some(Sel::Bytes { from, to, .. }) => covers(f, *from, *to),
        Some(Sel::Packet(id)) => *id == p.id && p.frames.len() == 1,
        _ => false,
    };
    let span = p
        .frames
        .iter()
        .filter(|f| lit(f))
        .map(|f| f.start..f.end)
        .reduce(|a, b| a.start..b.end);
    // A piece of the stream counts in the stream of the node that sent it.
    let row = |(i, f): (usize, &Frame)| {
        let on = lit(f);
        let (id, node, offsets) = (p.id, p.from.clone(), f.offsets);
        let onclick = props.on_select.reform(move |_: MouseEvent| match offsets {
            _ if on => None,
            Some((from, to)) => Some(Sel::Bytes {
                node: node.clone(),
                from,
                to,
            }),
            None => Some(Sel::Packet(id)),
        });
        let left = f
            .offsets
            .map_or_else(|| format!("+{}", f.start), |(from, _)| group(from));
        html! {
            <li key={i} class={classes!(on.then_some("on"))}>
                <button aria-pressed={if on { "true" } else { "false" }} {onclick}>
                    <span class="num">{ left }</span><code>{ f.text.clone() }</code><span class="num">{ f.end - f.start }</span>
                </button>
            </li>
        }
    };
    // Of a selection its bytes only.
    let on = span.is_some();
    let whole = p
        .bytes
        .get(span.unwrap_or(0..p.bytes.len()))
        .unwrap_or_default();
    let bytes = whole.get(..whole.len().min(HEX_BYTES)).unwrap_or_default();
    let more = whole.len() - bytes.len();
    html! {
        <>
            <ol class="frames" translate="no">{ for p.frames.iter().enumerate().map(row) }</ol>
            <div class={classes!("hex", on.then_some("on"))} translate="no">
                { for bytes.chunks(HEX_ROW).enumerate().map(hex_row) }
            </div>
            <p class="muted">{ if more > 0 { format!("+ {} {}", group(more as u64), props.lang.text().more_bytes) } else { String::new() } }</p>
        </>
    }
}

fn hex_row((i, chunk): (usize, &[u8])) -> Html {
    let (mut hex, mut ascii) = (String::with_capacity(24), String::with_capacity(8));
    for &byte in chunk {
        for digit in [byte >> 4, byte & 15] {
            hex.push(char::from_digit(u32::from(digit), 16).unwrap_or('?'));
        }
        hex.push(' ');
        ascii.push(if byte.is_ascii_graphic() || byte == b' ' {
            char::from(byte)
        } else {
            '·'
        });
    }
    html! { <div key={i}><span>{ hex }</span><span>{ ascii }</span></div> }
}
