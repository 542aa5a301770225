//! The wire list: packets as a protocol analyser shows them; list, commands with offsets, bytes.

use super::View;
use super::app::State;
use super::dom::{El, el, int, leaf};
use super::field::{Field, fields, letter};
use super::icons::{Icon, icon};
use super::sentence::{Said, commands, group, seconds};
use super::stage::select::{Sel, bytes, bytes_hit};
use super::text::Lang;
use super::views::{pick, rdb, words as w};
use crate::sim::snapshot::{Frame, FrameKind, Packet, Snapshot};
use std::rc::Rc;

/// Rows shown; older packets are kept by the world but not drawn.
const ROWS: usize = 120;
/// Bytes of one packet that are shown.
const HEX_BYTES: usize = 1024;
const HEX_ROW: usize = 16;

/// What can be listed alone, and its kind of frame; the first is everything.
const KINDS: [(Said, &[FrameKind]); 6] = [
    (["all", "全部"], &[]),
    (
        ["handshake", "握手"],
        &[FrameKind::Request, FrameKind::Reply],
    ),
    (["stream", "复制流"], STREAM),
    (["RDB", "RDB"], &[FrameKind::Rdb]),
    (["ACK", "ACK"], &[FrameKind::Ack]),
    (["PING", "PING"], &[FrameKind::Ping]),
];
/// From here on heartbeats are meant, and every one of them.
const HEARTBEATS: usize = 4;
const STREAM: &[FrameKind] = &[
    FrameKind::Write,
    FrameKind::Select,
    FrameKind::Transaction,
    FrameKind::Getack,
    FrameKind::Ping,
];
const SIFT: Said = ["What is listed", "列出哪些"];
const FIND_SHORT: Said = ["Find", "查找"];
const FIND: Said = ["Find in the packets", "在报文中查找"];
const COPY: [(&str, Said); 2] = [
    ("hex", ["Copy hex", "复制十六进制"]),
    ("text", ["Copy text", "复制文本"]),
];

/// Heartbeats that are folded into a row.
const BEATS: [(FrameKind, &str); 3] = [
    (FrameKind::Ack, " × ACK"),
    (FrameKind::Ping, " × PING"),
    (FrameKind::Newline, " × \\n"),
];
const WHOLE: [Said; 2] = [["this packet", "本报文"], ["reassembled RDB", "重组的 RDB"]];
const BYTE: Said = ["Byte {}: {}, {}", "第 {} 字节：{}，{}"];
const BYTE_WAYS: [Said; 2] = [
    ["The byte before", "前一字节"],
    ["The next byte", "后一字节"],
];
const PIECES: Said = [
    "{} bytes from {}; packets: {}",
    "来自 {1}，共 {0} 字节；报文 {2} 个",
];

/// A packet as text for the clipboard: its bytes in hexadecimal, or what they say.
pub fn as_text(p: &Packet, hex: bool) -> String {
    if !hex {
        let texts: Vec<&str> = p.frames.iter().map(|f| f.text.as_str()).collect();
        return texts.join("\n");
    }
    let mut out = String::with_capacity(p.bytes.len() * 3);
    for &byte in p.bytes.iter() {
        push_hex(&mut out, byte);
    }
    out
}

pub fn push_hex(out: &mut String, byte: u8) {
    for digit in [byte >> 4, byte & 15] {
        out.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
    }
    out.push(' ');
}

/// Filters and search, above the list.
fn sift(v: &View<'_>) -> El {
    let mut kinds = Vec::new();
    for (i, (name, _)) in KINDS.iter().enumerate() {
        let line = ["wire-kind ", &int(i as u64)].concat();
        kinds.push((v.w(name).into(), v.views.kind == i, line));
    }
    el("div sift").put(pick(v.w(&SIFT), kinds)).put(
        el("input field-small type=search autocomplete=off spellcheck=false data-input=wire-find")
            .a("aria-label", v.w(&FIND))
            .a("placeholder", v.w(&FIND_SHORT))
            .a("title", v.w(&FIND))
            .value(&v.views.find),
    )
}

pub fn wire(v: &View<'_>) -> El {
    let t = v.t;
    let shown = shown(v);
    let current = current(v.s, v.selected.as_ref(), shown.last().copied());
    let on = |p: &Packet| v.selected.is_some() && current.is_some_and(|c| c.id == p.id);
    let mut rows = Vec::new();
    for run in shown.chunk_by(|a, b| folds(v, a) && folds(v, b)) {
        let open = match run {
            [_] => true,
            run => {
                let open = run.iter().any(|p| v.views.unfolded == Some(p.id) || on(p));
                rows.push(fold(v, run, open));
                open
            }
        };
        if open {
            rows.extend(run.iter().map(|p| row(v, p, on(p))));
        }
    }
    let mut head = el("tr");
    for name in [t.wire_time, t.wire_way, t.wire_type, t.wire_info] {
        head = head.put(leaf("th scope=col", name));
    }
    // Only the large one has room for it.
    if v.views.big {
        head = head.put(leaf("th num scope=col", v.w(&w::OFFSETS)));
    }
    head = head.put(leaf("th num scope=col", t.wire_len)).put(
        leaf("th state scope=col", t.wire_state).put(
            el("button filter data-do=heartbeats")
                .named(t.heartbeats_title)
                .pressed(listed(v))
                .put(icon(Icon::Pulse)),
        ),
    );
    let nothing = el("div").slot(shown.is_empty().then(|| leaf("p nothing", t.wire_empty)));
    let bytes = el("div bytes role=region tabindex=0").a("aria-label", t.hex);
    el("div wire")
        .put(
            el("div packets role=region tabindex=0")
                .a("aria-label", t.wire)
                .at(&v.packets.list)
                .put(sift(v))
                .put(
                    el("table")
                        .put(el("thead").put(head))
                        .put(el("tbody").list(rows)),
                )
                .put(nothing),
        )
        .put(match current {
            Some(p) => details(v, p, bytes),
            None => bytes.put(leaf("p nothing", t.packet_empty)),
        })
}

/// The newest packets, oldest first.
fn shown<'a>(v: &View<'a>) -> Vec<&'a Rc<Packet>> {
    let mut newest: Vec<&Rc<Packet>> = Vec::new();
    let mut rows = 0;
    for p in v.s.wire.iter().rev() {
        if rows < ROWS && (listed(v) || !heartbeat(p)) && meant(v, p) {
            rows += usize::from(!folds(v, p) || !newest.last().is_some_and(|l| folds(v, l)));
            newest.push(p);
        }
    }
    newest.reverse();
    newest
}

/// Heartbeats are among what is listed.
pub fn listed(state: &State) -> bool {
    state.beats || state.views.kind >= HEARTBEATS
}

/// Heartbeats in a row are one row, unless something is looked for among them.
fn folds(v: &View<'_>, p: &Packet) -> bool {
    heartbeat(p) && v.views.find.is_empty() && v.views.kind < HEARTBEATS
}

/// A run of heartbeats as one row, which opens.
#[inline(never)]
fn fold(v: &View<'_>, run: &[&Rc<Packet>], open: bool) -> El {
    let mut info = Vec::new();
    for (kind, name) in BEATS {
        let has = |p: &&&Rc<Packet>| p.frames.iter().any(|f| f.kind == kind);
        match run.iter().filter(has).count() {
            0 => {}
            count => info.push([&int(count as u64), name].concat()),
        }
    }
    let (first, last) = (run[0], run[run.len() - 1]);
    let same = run
        .iter()
        .all(|p| (&p.from, &p.to) == (&first.from, &first.to));
    let way = if same {
        [&first.from, "→", &first.to].concat()
    } else {
        "…".into()
    };
    let bytes: usize = run.iter().map(|p| p.bytes.len()).sum();
    let line = match open {
        true => "wire-fold".into(),
        false => ["wire-fold ", &int(last.id)].concat(),
    };
    let button = leaf("button", seconds(first.sent.since(v.zero)))
        .a("aria-expanded", if open { "true" } else { "false" });
    el("tr fold")
        .key(&["f", &int(first.id)].concat())
        .does(line)
        .put(el("td").put(button))
        .put(leaf("td", way))
        .put(leaf("td info", info.join(", ")).a("colspan", if v.views.big { "3" } else { "2" }))
        .put(leaf("td num", int(bytes as u64)))
        .put(el("td state"))
}

/// Passes the filters and holds what is looked for.
fn meant(v: &View<'_>, p: &Packet) -> bool {
    let kinds = KINDS.get(v.views.kind).map_or(&[][..], |k| k.1);
    let typed = v.views.find.to_ascii_lowercase();
    let holds = |text: &str| text.to_ascii_lowercase().contains(&typed);
    (kinds.is_empty() || p.frames.iter().any(|f| kinds.contains(&f.kind)))
        && (typed.is_empty()
            || p.frames.iter().any(|f| holds(&f.text))
            || holds(&[&p.from, "→", &p.to].concat()))
}

/// What the newest row is, for a list that follows it.
pub fn newest(s: &Snapshot, beats: bool) -> u64 {
    s.wire
        .iter()
        .rev()
        .find(|p| beats || !heartbeat(p))
        .map_or(0, |p| p.id)
        * 2
        + u64::from(beats)
}

/// The packet to show: the selected one, the newest that carries the selected bytes, or simply the newest.
fn current<'a>(
    s: &'a Snapshot,
    selected: Option<&Sel>,
    newest: Option<&'a Rc<Packet>>,
) -> Option<&'a Rc<Packet>> {
    let meant = |p: &&Rc<Packet>| match selected {
        Some(Sel::Packet(id) | Sel::Octet(id, _)) => p.id == *id,
        Some(Sel::Bytes { from, to, .. }) => p.frames.iter().any(|f| covers(f, *from, *to)),
        Some(Sel::Link(replica)) => (*p.from == **replica || *p.to == **replica) && !heartbeat(p),
        _ => false,
    };
    let found = s.wire.iter().rev().find(meant);
    if matches!(selected, Some(Sel::Packet(_) | Sel::Octet(..))) {
        found
    } else {
        found.or(newest)
    }
}

fn covers(f: &Frame, from: u64, to: u64) -> bool {
    f.offsets.is_some_and(|(a, b)| a <= to && b >= from)
}

/// Nothing but heartbeats.
fn heartbeat(p: &Packet) -> bool {
    p.frames.iter().all(|f| f.kind.heartbeat())
}

fn packet_hit(p: &Packet) -> String {
    ["packet:", &int(p.id)].concat()
}

/// The line that selects a packet by its number.
pub fn packet_line(id: u64) -> String {
    ["select packet:", &int(id)].concat()
}

/// The line that selects, or leaves what is selected already.
pub fn toggle(on: bool, hit: &str) -> String {
    ["select ", if on { "" } else { hit }].concat()
}

fn row(v: &View<'_>, p: &Packet, on: bool) -> El {
    let (kind, info) = summary(v.lang, p);
    let state = match p.delivered {
        None => v.t.in_flight,
        Some(true) => "",
        Some(false) => v.t.lost,
    };
    el("tr")
        .key(&int(p.id))
        .class(&[
            ("on", on),
            ("lit", !on && v.carries(p)),
            ("lost", p.delivered == Some(false)),
        ])
        .does(toggle(on, &packet_hit(p)))
        .put(el("td").put(leaf("button", seconds(p.sent.since(v.zero))).pressed(on)))
        .put(leaf("td", [&p.from, "→", &p.to].concat()))
        .put(leaf("td", kind))
        .put(leaf("td info", info.clone()).a("title", info))
        .put_if(v.views.big.then(|| leaf("td num", offsets(p))))
        .put(leaf("td num", int(p.bytes.len() as u64)))
        .put(leaf("td state", state))
}

/// The bytes of the stream that a packet carries.
#[inline(never)]
fn offsets(p: &Packet) -> String {
    let all = || p.frames.iter().filter_map(|f| f.offsets);
    match (all().map(|o| o.0).min(), all().map(|o| o.1).max()) {
        (Some(from), Some(to)) => [&group(from), "–", &group(to)].concat(),
        _ => String::new(),
    }
}

/// Type and info of a row.
pub fn summary(lang: Lang, p: &Packet) -> (String, String) {
    let Some(first) = p.frames.first() else {
        return Default::default();
    };
    let more = p.frames.len() - 1;
    let text = first.text.as_str();
    let (kind, info) = match first.kind {
        FrameKind::Ack => ("ACK", first.label.as_str()),
        FrameKind::Rdb => ("RDB", text),
        FrameKind::Request | FrameKind::Reply => {
            let (kind, info) = text.split_once(' ').unwrap_or((text, ""));
            if more > 0 {
                return (kind.into(), [info, " +", &int(more as u64)].concat());
            }
            (kind, info)
        }
        _ if more > 0 => return ("STREAM".into(), commands(lang, p.frames.len())),
        FrameKind::Ping => ("PING", ""),
        FrameKind::Newline => ("\\n", ""),
        _ => ("STREAM", text),
    };
    (kind.into(), info.into())
}

/// Carries a piece of a snapshot.
fn of_rdb(p: &Packet) -> bool {
    p.frames.iter().any(|f| f.kind == FrameKind::Rdb)
}

/// The snapshot of whose transfer a packet is, as far as packets are kept: its bytes without the frame around them, and in
/// how many packets it came.
fn reassembled(s: &Snapshot, p: &Packet) -> (Vec<u8>, usize) {
    let (mut bytes, mut pieces, mut found) = (Vec::new(), 0, false);
    for q in s.wire.iter() {
        if q.from != p.from || q.to != p.to {
            continue;
        }
        if !of_rdb(q) {
            if found {
                break;
            }
            // Another transfer, before this one.
            bytes.clear();
            pieces = 0;
            continue;
        }
        found |= q.id == p.id;
        pieces += 1;
        for f in q.frames.iter() {
            if f.kind == FrameKind::Rdb {
                bytes.extend_from_slice(q.bytes.get(f.start..f.end).unwrap_or_default());
            }
        }
    }
    // `$208` and a line end before it; or `$EOF:` and forty bytes, which come again behind it.
    if bytes.first() == Some(&b'$') {
        let end = bytes.iter().position(|b| *b == b'\n');
        let rest = bytes.split_off(end.map_or(0, |at| at + 1));
        let mark = bytes.strip_prefix(b"$EOF:").unwrap_or_default();
        let body = rest.strip_suffix(mark.trim_ascii_end());
        bytes = body.unwrap_or(&rest).to_vec();
    }
    (bytes, pieces)
}

/// Commands with their offsets, and the bytes; or the whole snapshot of which this is a piece.
#[inline(never)]
fn details(v: &View<'_>, p: &Packet, out: El) -> El {
    if !of_rdb(p) {
        return packet(v, p, out);
    }
    let mut forms = Vec::new();
    for (i, name) in WHOLE.iter().enumerate() {
        let on = v.views.whole == (i == 1);
        forms.push((
            v.w(name).into(),
            on,
            ["wire-whole ", &int(i as u64)].concat(),
        ));
    }
    let out = out.put(pick(v.w(&SIFT), forms));
    let Some(sender) =
        v.s.nodes
            .iter()
            .find(|n| *n.name == *p.from && v.views.whole)
    else {
        return packet(v, p, out);
    };
    let (bytes, pieces) = reassembled(v.s, p);
    let words = v.put(
        &PIECES,
        &[&group(bytes.len() as u64), &p.from, &int(pieces as u64)],
    );
    out.put(leaf("p muted", words))
        .put(rdb::taken_apart(v, sender, &bytes).0)
}

fn packet(v: &View<'_>, p: &Packet, out: El) -> El {
    let chosen = place(v, p, v.selected.as_ref());
    // The selected bytes may be several commands, such as a SELECT and a SET.
    let lit = |f: &Frame| match &v.selected {
        Some(Sel::Packet(id)) if *id == p.id => p.frames.len() == 1,
        _ => chosen.is_some_and(|(a, z)| a < f.end && z > f.start),
    };
    let mut span: Option<(usize, usize)> = None;
    let mut frames = Vec::new();
    for (i, f) in p.frames.iter().enumerate() {
        let on = lit(f);
        if on {
            span = Some((span.map_or(f.start, |s| s.0), f.end));
        }
        // A piece of the stream counts in the stream of the node that sent it.
        let (left, hit) = match f.offsets {
            Some((from, to)) => (group(from), bytes_hit(&p.from, from, to)),
            None => (["+", &int(f.start as u64)].concat(), packet_hit(p)),
        };
        let button = el("button")
            .pressed(on)
            .does(toggle(on, &hit))
            .a("title", f.text.clone())
            .put(leaf("span num", left))
            .put(leaf("code", f.text.clone()))
            .put(leaf("span num", int((f.end - f.start) as u64)));
        frames.push(el("li").nth(i).class(&[("on", on)]).put(button));
    }
    // Of a selection its bytes only.
    let (from, to) = span.unwrap_or((0, p.bytes.len()));
    let looked = Looked {
        chosen,
        over: place(v, p, v.over.as_ref()),
        span: (from, to),
    };
    let whole = p.bytes.get(from..to).unwrap_or_default();
    let parts = taken_apart(v, p, &looked);
    let mut hex = Vec::new();
    for (i, chunk) in whole.chunks(HEX_ROW).take(HEX_BYTES / HEX_ROW).enumerate() {
        hex.push(hex_row(p, from + i * HEX_ROW, chunk, &looked, &parts).nth(i));
    }
    let mut copies = el("div copies");
    for (how, name) in &COPY {
        let line = ["copy-packet ", how, " ", &int(p.id)].concat();
        copies = copies.put(leaf("button act-on", v.w(name)).does(line));
    }
    let more = match whole.len().saturating_sub(HEX_BYTES) {
        0 => String::new(),
        more => ["+ ", &group(more as u64), " ", v.t.more_bytes].concat(),
    };
    out.put(el("ol frames translate=no").list(frames))
        .put(
            el("div translate=no")
                .class(&[("hex", true), ("on", span.is_some())])
                .list(hex),
        )
        // Below what the pointer rests on: that must not move.
        .slot((!parts.is_empty()).then(|| parts_row(v, p, &looked, &parts)))
        .put(steps(v, p, &looked, &parts))
        .put(leaf("p muted", more))
        .put(copies)
}

/// What is looked at of a packet, as bytes of it from 0, without the last: chosen, under the pointer, and shown.
struct Looked {
    chosen: Option<(usize, usize)>,
    over: Option<(usize, usize)>,
    span: (usize, usize),
}

impl Looked {
    fn now(&self) -> Option<(usize, usize)> {
        self.over.or(self.chosen)
    }
}

/// The bytes of a packet that are meant.
fn place(v: &View<'_>, p: &Packet, sel: Option<&Sel>) -> Option<(usize, usize)> {
    if let Some(Sel::Octet(id, at)) = sel {
        return (*id == p.id && *at < p.bytes.len()).then_some((*at, *at + 1));
    }
    let (_, from, to) = bytes(v.s, sel)?;
    let mut out: Option<(usize, usize)> = None;
    for f in p.frames.iter() {
        let Some(last) = f.offsets.map(|o| o.1) else {
            continue;
        };
        // A command that began in an earlier packet ends in this one.
        let first = (last + 1).saturating_sub((f.end - f.start) as u64);
        if v.means(sel, &p.from, first, last) {
            let at = |o: u64| f.start + (o.clamp(first, last) - first) as usize;
            out = Some((out.map_or_else(|| at(from), |o| o.0), at(to) + 1));
        }
    }
    out
}

/// The fields of the one command or answer that is looked at, as bytes of the packet.
#[inline(never)]
fn taken_apart(v: &View<'_>, p: &Packet, looked: &Looked) -> Vec<Field> {
    let (from, to) = looked.span;
    let mut shown = p.frames.iter().filter(|f| f.start >= from && f.end <= to);
    let frame = match looked.now() {
        Some((at, _)) => shown.find(|f| f.start <= at && at < f.end),
        None => shown.next().filter(|f| (f.start, f.end) == (from, to)),
    };
    // Only one that is whole.
    let whole = |f: &&Frame| {
        f.offsets
            .is_none_or(|(a, z)| z + 1 - a == (f.end - f.start) as u64)
    };
    let Some(f) = frame.filter(whole) else {
        return Vec::new();
    };
    let mut out = fields(v, p.bytes.get(f.start..f.end).unwrap_or_default());
    for field in &mut out {
        field.from += f.start;
        field.to += f.start;
    }
    out
}

/// The line that chooses bytes of a packet, of a stream or not.
fn choose(p: &Packet, from: usize, to: usize) -> String {
    match offset(p, from).zip(offset(p, to - 1)) {
        Some((from, to)) => ["select ", &bytes_hit(&p.from, from, to)].concat(),
        None => ["select octet:", &int(p.id), ":", &int(from as u64)].concat(),
    }
}

/// The fields as buttons, in their order.
#[inline(never)]
fn parts_row(v: &View<'_>, p: &Packet, looked: &Looked, parts: &[Field]) -> El {
    let mut row = Vec::new();
    for (i, f) in parts.iter().enumerate() {
        let on = looked.now().is_some_and(|(a, z)| f.from <= a && z <= f.to);
        let button = leaf("button code", f.text.clone())
            .nth(i)
            .pressed(on)
            .a("title", f.means.clone())
            .does(choose(p, f.from, f.to));
        row.push(button);
    }
    el("div parts role=group translate=no data-testid=parts")
        .a("aria-label", v.w(&w::PARTS))
        .list(row)
}

/// Where a byte of a packet stands in the stream of its sender, if it is one of that.
fn offset(p: &Packet, at: usize) -> Option<u64> {
    let of = |f: &&Frame| f.start <= at && at < f.end;
    let f = p.frames.iter().find(of)?;
    // A command that began in an earlier packet ends in this one.
    let last = f.offsets?.1;
    Some(last - (f.end - 1 - at) as u64)
}

/// The way to each single byte without a pointer, and what the one is that is looked at.
#[inline(never)]
fn steps(v: &View<'_>, p: &Packet, looked: &Looked, parts: &[Field]) -> El {
    let (from, to) = looked.span;
    let single = |range: Option<(usize, usize)>| range.filter(|r| r.0 + 1 == r.1).map(|r| r.0);
    let at = single(looked.chosen).filter(|at| (from..to).contains(at));
    let ways = [
        at.filter(|at| *at > from).map(|at| at - 1),
        Some(at.map_or(from, |at| at + 1)).filter(|next| *next < to),
    ];
    let mut out = el("div byte");
    for (i, (name, to)) in BYTE_WAYS.iter().zip(ways).enumerate() {
        let button = el("button plain only")
            .class(&[("plain", true), ("only", true), ("flip", i == 0)])
            .named(v.w(name))
            .put(icon(Icon::Step));
        out = out.put(match to {
            Some(to) => button.does(choose(p, to, to + 1)),
            None => button.a("disabled", "disabled"),
        });
    }
    let at = single(looked.over).or(at);
    let words = at.and_then(|at| {
        let byte = *p.bytes.get(at)?;
        let mut said = String::new();
        push_hex(&mut said, byte);
        if byte.is_ascii_graphic() {
            said.push(char::from(byte));
        }
        let number = [
            &int((at + 1).saturating_sub(from) as u64),
            "/",
            &int((to - from) as u64),
        ]
        .concat();
        let place = offset(p, at).map_or_else(|| ["+", &int(at as u64)].concat(), group);
        Some(v.put(&BYTE, &[&place, said.trim_end(), &number]))
    });
    let part = looked
        .now()
        .and_then(|(a, z)| parts.iter().find(|f| f.from <= a && z <= f.to));
    out.put(leaf("span data-testid=byte", words.unwrap_or_default()))
        .put(leaf(
            "span muted data-testid=field",
            part.map_or(String::new(), |f| f.means.clone()),
        ))
}

/// Bytes in hexadecimal and as text, twice eight: beside each other where there is room. Each can be selected.
fn hex_row(p: &Packet, at: usize, chunk: &[u8], looked: &Looked, parts: &[Field]) -> El {
    let part = looked
        .now()
        .and_then(|(a, z)| parts.iter().find(|f| f.from <= a && z <= f.to));
    let mut out = el("div");
    let mut texts = Vec::new();
    for (half, bytes) in chunk.chunks(HEX_ROW / 2).enumerate() {
        let (mut hex, mut text) = (el("span"), String::new());
        for (i, &byte) in bytes.iter().enumerate() {
            let at = at + half * HEX_ROW / 2 + i;
            let mut digits = String::new();
            push_hex(&mut digits, byte);
            let is = |range: Option<(usize, usize)>| range == Some((at, at + 1));
            let within = part.is_some_and(|f| f.from <= at && at < f.to);
            hex = hex.put(
                leaf("i", digits.trim_end().to_owned())
                    .class(&[
                        ("on", is(looked.chosen)),
                        ("near", is(looked.over)),
                        ("of", within),
                    ])
                    .does(choose(p, at, at + 1)),
            );
            text.push(letter(byte));
        }
        out = out.put(hex);
        texts.push(leaf("span text", text));
    }
    texts.into_iter().fold(out, El::put)
}
