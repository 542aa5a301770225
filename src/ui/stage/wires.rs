//! The wires between nodes. The beads on them are not here: see `motion`.

use super::Cx;
use super::pen::{D, El, P, circle, g, int, path, place, rect, text, width};
use super::place::{Layout, Scene, Wire};
use super::ring::cross;
use super::words::{duration, fill_n};
use crate::sim::snapshot::{LinkView, Phase};
use core::cmp::Ordering;

/// The steps of a handshake, from dialling to online; how far apart their marks stand, and how high they are.
const STEPS: u8 = 10;
const PITCH: f32 = 8.5;
const MARK: f32 = 6.0;
/// A wire that leads less far to the side has no room for them.
const SHORT: f32 = 40.0;
/// From one line of words to the next.
const LINE: f32 = 16.0;
/// A longer delay than the usual one is written at the wire.
const USUAL_US: u64 = 100_000;

pub fn wires(cx: &Cx<'_>, scene: &Scene) -> El {
    let list = scene
        .wires
        .iter()
        .map(|w| wire(cx, w, &cx.snap.links[w.link]))
        .collect();
    g("wires").list(list)
}

fn wire(cx: &Cx<'_>, w: &Wire, link: &LinkView) -> El {
    let busy = cx.snap.in_flight.iter().any(|p| {
        (*p.from == *link.master && *p.to == *link.replica)
            || (*p.from == *link.replica && *p.to == *link.master)
    });
    let dead = [&link.master, &link.replica]
        .iter()
        .any(|n| cx.node(n).is_some_and(|n| !n.alive));
    let phone = matches!(cx.layout, Layout::Phone(_));
    let mut class = String::from("wire");
    class.push_str(if link.cut {
        " cut"
    } else if dead || !link.up {
        " down"
    } else if link.transfer {
        " transfer"
    } else if busy {
        " use"
    } else {
        " rest"
    });
    if cx.selected_link(&link.replica) {
        class.push_str(" picked");
    }
    if cx.keyboard_link(&link.replica) {
        class.push_str(" kbd");
    }
    let d = || D(w.d.clone());
    let promoted = promoted(cx, link);
    // The `d` of this path is also the way of the beads: `motion` samples it.
    let mut out = g(class)
        .key(&link.replica)
        .a("data-sel", ["link:", &link.replica].concat())
        .a("data-wire", link.replica.clone())
        .a("data-from", link.master.clone());
    if promoted {
        out = out.a("data-promoted", "");
    }
    out = out.put(path("hit", d())).put(path("way", d()));
    if link.transfer && link.up && !link.cut {
        out = out.put(path("core", d()));
    }
    out = out.put(waiting(cx, w, link));
    if link.cut {
        let side = if phone { 6.0 } else { 8.0 };
        out = out
            .put(circle("hole", w.gap, side + if phone { 2.0 } else { 5.0 }))
            .put(cross(w.gap, side - 0.5));
    }
    // The plug at the replica is the one that comes off; the rail of the phone has one socket for all, and no room for
    // a plug beside the cross.
    let rail = |p: (P, f32)| phone && (p.1 == 90.0 || link.cut);
    out = out.put(plug(w.plugs[0], false, rail(w.plugs[0]))).put(plug(
        w.plugs[1],
        link.cut || dead,
        rail(w.plugs[1]),
    ));
    if let Some(taken) = taken(cx, w, link) {
        let whole = taken.map(|p| p.max(0.0) as u64);
        out = out.a("data-said", whole.map(int).join(" "));
    }
    out.put(g("said").slot(label(cx, w, link)).slot(steps(cx, w, link)))
}

/// The step of a handshake that is under way, and its word.
fn handshake<'a>(cx: &Cx<'a>, link: &LinkView) -> Option<(u8, &'a str)> {
    match &cx.node(&link.replica)?.phase {
        Phase::Handshake { step, name } => Some((*step, name.rsplit(' ').next().unwrap_or(name))),
        _ => None,
    }
}

/// Where the handshake in small stands: beyond what else is said there, away from the wire. The left end, where its words
/// stand, and the top of its marks.
fn small(cx: &Cx<'_>, w: &Wire, link: &LinkView, word: &str) -> [f32; 4] {
    let (x, y, anchor) = w.label;
    // The plug at the plate is the nearer one.
    let far = |plug: &(P, f32)| (plug.0.0 - x).abs() + (plug.0.1 - y).abs();
    let [a, b] = &w.plugs;
    let plug = if far(a) < far(b) { a } else { b };
    let under = y > plug.0.1;
    let wide = (PITCH * f32::from(STEPS)).max(width(word, 0.56) * 12.0);
    let left = if anchor == "e" { x - wide } else { x };
    let lines = if words(cx, w, link).is_some() {
        LINE
    } else {
        0.0
    };
    if under {
        [left, y + lines, y + lines + 8.0, wide]
    } else {
        [left, y - lines, y - lines - 20.0, wide]
    }
}

/// The handshake in small: a mark for each step, the one that is under way with its word. A click opens all of it. Along a
/// rail or a short wire there is no room; the plate tells the step.
#[inline(never)]
fn steps(cx: &Cx<'_>, w: &Wire, link: &LinkView) -> Option<El> {
    let [a, b] = &w.plugs;
    let long = !w.upright && (a.0.0 - b.0.0).abs() > SHORT;
    let (now, word) = handshake(cx, link).filter(|_| long)?;
    let word = [&int(u64::from(now)), "/", &int(u64::from(STEPS)), " ", word].concat();
    let [left, base, top, wide] = small(cx, w, link, &word);
    let (said, x, from) = if w.label.2 == "e" {
        let right = left + wide;
        ("t12 e", right, right - PITCH * f32::from(STEPS))
    } else {
        ("t12", left, left)
    };
    let out = marks(now, from, top)
        .does(["select link:", &link.replica].concat())
        .a("data-also", "page node");
    let high = base.min(top + 12.0) - 12.0;
    let hit = rect("hit", left, high, wide, 30.0, 3.0);
    Some(
        out.put(text(said, x, base, word.clone()))
            .put(hit)
            .title(word),
    )
}

/// A mark for each step of a handshake of which `now` is under way.
pub fn marks(now: u8, left: f32, top: f32) -> El {
    let mut out = g("steps").a("data-step", int(u64::from(now)));
    for i in 1..=STEPS {
        let class = match i.cmp(&now) {
            Ordering::Less => "done",
            Ordering::Equal => "now",
            Ordering::Greater => "",
        };
        let x = left + PITCH * f32::from(i - 1);
        out = out.put(rect(class, x, top, MARK, MARK, 1.5));
    }
    out
}

/// The newest bytes of its master are of a later history than the first: they have the second hue.
pub fn promoted(cx: &Cx<'_>, link: &LinkView) -> bool {
    cx.node(&link.master)
        .and_then(|m| m.backlog.cells.back())
        .is_some_and(|c| c.history % 2 == 1)
}

/// A plug; pulled out, it hangs before its socket.
fn plug((at, turn): (P, f32), pulled: bool, hidden: bool) -> El {
    if hidden {
        return g("");
    }
    let step = if pulled { 9.0 } else { 0.0 };
    g("plug")
        .a("transform", place(at.0, at.1, turn))
        .put(rect("", step - 2.0, -5.5, 12.0, 11.0, 3.0))
        .put(rect("", step + 9.0, -2.6, 7.0, 5.2, 2.0))
}

/// Bytes that wait in the output buffer until the snapshot is through: a bead behind a bar.
fn waiting(cx: &Cx<'_>, w: &Wire, link: &LinkView) -> El {
    let bytes = buffered(cx, link);
    if bytes == 0 || w.upright {
        return g("");
    }
    let long = (bytes as f32 * 1.3).min(36.0);
    let dash = |a: f32, len: f32| {
        [
            "0 ",
            &super::pen::num(a),
            " ",
            &super::pen::num(len),
            " 9999",
        ]
        .concat()
    };
    g("waiting")
        .put(path("edge", D(w.d.clone())).a("stroke-dasharray", dash(15.0, long + 2.0)))
        .put(path("bead", D(w.d.clone())).a("stroke-dasharray", dash(16.0, long)))
        .put(path("stop", D(w.d.clone())).a("stroke-dasharray", dash(long + 21.0, 3.5)))
}

fn buffered(cx: &Cx<'_>, link: &LinkView) -> u64 {
    cx.node(&link.master)
        .and_then(|m| {
            m.replicas
                .iter()
                .find(|r| r.name == link.replica && r.state != "online")
        })
        .map_or(0, |r| r.buffered)
}

/// What stands at a wire all the time, where anything does.
fn words(cx: &Cx<'_>, w: &Wire, link: &LinkView) -> Option<String> {
    let mut said: Vec<String> = Vec::new();
    let waits = buffered(cx, link);
    if waits > 0 {
        said.push(fill_n(cx.w.wait, waits));
    }
    if link.latency_us > USUAL_US {
        said.push(duration(cx.w, link.latency_us));
    }
    if link.bytes_per_s > 0 {
        said.push(fill_n(cx.w.per_second, link.bytes_per_s));
    }
    let handshake = cx
        .node(&link.replica)
        .is_some_and(|n| matches!(n.phase, Phase::Handshake { .. }));
    // Along a rail its left side has to be free.
    let room = !w.upright || w.label.0 <= 60.0;
    let shown = room && !said.is_empty() && (!link.cut || handshake);
    shown.then(|| said.join(" · "))
}

/// Where they stand: left, top, right, bottom. What moves along the wire keeps its own words off that.
pub fn taken(cx: &Cx<'_>, w: &Wire, link: &LinkView) -> Option<[f32; 4]> {
    if w.upright {
        return None;
    }
    let (x, y, anchor) = w.label;
    let said = words(cx, w, link).map(|said| {
        let wide = width(&said, 0.56) * 13.0;
        let left = if anchor == "e" { x - wide } else { x };
        [left, y - 11.0, left + wide, y + 4.0]
    });
    let steps = handshake(cx, link).map(|(_, word)| {
        let [left, base, top, wide] = small(cx, w, link, &["7/10 ", word].concat());
        let (high, low) = (base.min(top + 11.0) - 11.0, base.max(top + 2.0) + 4.0);
        [left, high, left + wide, low]
    });
    match (said, steps) {
        (Some(a), Some(b)) => Some([
            a[0].min(b[0]),
            a[1].min(b[1]),
            a[2].max(b[2]),
            a[3].max(b[3]),
        ]),
        (a, b) => a.or(b),
    }
}

fn label(cx: &Cx<'_>, w: &Wire, link: &LinkView) -> Option<El> {
    let said = words(cx, w, link)?;
    let (x, y, anchor) = w.label;
    // The end at the plate is the quiet one: above it, before the plug.
    Some(if w.upright {
        text("t12 muted", 0.0, 0.0, said).a("transform", place(x - 21.0, y + 28.0, -90.0))
    } else {
        text(["t13 muted ", anchor].concat(), x, y, said)
    })
}

/// What the shapes mean; only where there is room.
pub fn legend(cx: &Cx<'_>, at: P) -> El {
    let (x, y) = at;
    let mut out = g("legend");
    for (i, words) in cx.w.legend.iter().enumerate() {
        let cy = y + 12.0 + 26.0 * i as f32;
        let sample = match i {
            0 => rect("bead", x, cy - 7.0, 28.0, 14.0, 4.5),
            1 => rect("ping", x + 5.0, cy - 6.5, 17.0, 13.0, 4.0),
            2 => circle("ack", (x + 13.5, cy), 5.4),
            3 => path("lag", D::default().m((x, cy)).l((x + 28.0, cy))),
            _ => g("")
                .put(
                    g("tile old")
                        .put(rect("", x - 1.0, cy - 6.5, 13.0, 13.0, 3.0))
                        .put(super::pen::line(
                            "",
                            (x + 2.0, cy + 3.5),
                            (x + 9.0, cy - 3.5),
                        )),
                )
                .put(g("tile missing").put(rect("", x + 15.5, cy - 6.5, 13.0, 13.0, 3.0))),
        };
        out = out
            .put(sample)
            .put(text("t13 muted", x + 38.0, cy + 4.5, *words));
    }
    out
}

/// The one note in the margin: two lines that end at `at`.
pub fn note(cx: &Cx<'_>, at: P) -> El {
    let Some([a, b]) = cx.note() else {
        return g("note");
    };
    g("note")
        .put(text("e", at.0, at.1, a))
        .put(text("e", at.0, at.1 + 19.0, b))
}
