//! The beads on the wires: what is in flight, drawn where it is at a moment. In the page they are moved every frame (see
//! `motion`); for a picture they are drawn once. A frame costs arithmetic and a few attributes.

use super::paper::{Document, Element, hide, node, set, show};
use super::pen::{D, P, degrees, group, num, place, push_int, sin_cos, width};
use super::ring::kind_class;
use crate::sim::snapshot::{Frame, FrameKind, Packet};
use crate::time::Instant;
use crate::ui::dom::within;
use std::rc::Rc;

/// Units between two samples of a wire.
const STEP: f32 = 4.0;
/// More beads than this on one wire become a train.
const MOST: usize = 6;
/// More of a train than this is not drawn one by one.
const MOST_CARS: usize = 60;

/// The beads of one drawing.
#[derive(Default)]
pub struct Beads {
    /// Where they are drawn.
    pub layer: Option<Element>,
    /// The selected bytes, first and last.
    pub bytes: Option<(u64, u64)>,
    /// The selected packet.
    pub packet: u64,
    pub scale: f32,
    /// Nothing moves: all are drawn in the middle of their wires.
    pub still: bool,
    pub wires: Vec<Way>,
    shown: Vec<Shown>,
    trains: Vec<Train>,
}

/// A sampled wire, from the master's plug to the replica's.
pub struct Way {
    master: String,
    replica: String,
    len: f32,
    points: Vec<P>,
    /// Beads have the second hue.
    promoted: bool,
    left: f32,
    right: f32,
    /// Where words stand at it: left, top, right, bottom.
    taken: Option<Rect>,
}

type Rect = [f32; 4];

pub struct Shown {
    pub id: u64,
    pub packet: Rc<Packet>,
    pub root: Element,
    pub beads: Vec<Bead>,
}

pub struct Bead {
    pub shape: Element,
    label: Option<Element>,
    /// Units that the label takes.
    need: f32,
    pub visible: bool,
    pub middle: P,
}

/// The beads that go one way on one wire.
#[derive(Clone, Copy, Default)]
struct Crowd {
    packets: usize,
    beads: usize,
    units: f32,
    train: bool,
}

struct Train {
    wire: usize,
    down: bool,
    root: Element,
    cars: Element,
    marked: Element,
    chip: Element,
    text: Element,
    used: bool,
}

impl Beads {
    /// Draws the packets where they are at `now`. What is no longer there goes; `fallen` is told of each packet that is
    /// gone, while it can still be seen, and says whether its drawing stays.
    pub fn draw(
        &mut self,
        document: &Document,
        now: Instant,
        in_flight: &[Rc<Packet>],
        fallen: &mut dyn FnMut(&Shown) -> bool,
    ) {
        let counts = self.count(in_flight);
        let train = |wire: usize, down: bool| counts[wire][usize::from(down)].train;
        let wires = &self.wires;
        self.shown.retain(|s| {
            let flies = in_flight.iter().any(|p| p.id == s.id);
            let alone = flies && find(wires, &s.packet).is_some_and(|(w, down)| !train(w, down));
            if !alone && (flies || !fallen(s)) {
                s.root.remove();
            }
            alone
        });

        for train in &mut self.trains {
            train.used = false;
        }
        for (wire, count) in counts.iter().enumerate() {
            for down in [false, true] {
                if count[usize::from(down)].train {
                    self.train(
                        document,
                        wire,
                        down,
                        &count[usize::from(down)],
                        now,
                        in_flight,
                    );
                }
            }
        }
        self.trains.retain(|t| {
            if !t.used {
                t.root.remove();
            }
            t.used
        });

        let mut said: Vec<Rect> = self.wires.iter().filter_map(|w| w.taken).collect();
        for packet in in_flight {
            let Some((wire, down)) = find(&self.wires, packet) else {
                continue;
            };
            if train(wire, down) {
                continue;
            }
            let at = match self.shown.iter().position(|s| s.id == packet.id) {
                Some(at) => at,
                None => {
                    let Some(shown) = self.create(document, packet, wire) else {
                        continue;
                    };
                    self.shown.push(shown);
                    self.shown.len() - 1
                }
            };
            let (way, shown, look) = (
                &self.wires[wire],
                &mut self.shown[at],
                (self.scale, self.still),
            );
            place_packet(way, shown, down, now, look, &mut |here| {
                let meet =
                    |r: &Rect| here[0] < r[2] && r[0] < here[2] && here[1] < r[3] && r[1] < here[3];
                let free = !said.iter().any(meet);
                if free {
                    said.push(here);
                }
                free
            });
        }
    }

    /// Nothing is drawn, and nothing has to go.
    #[cfg(target_arch = "wasm32")]
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty() && self.trains.is_empty()
    }

    /// Takes all of them away.
    #[cfg(target_arch = "wasm32")]
    pub fn clear(&mut self) {
        for s in self.shown.drain(..) {
            s.root.remove();
        }
        for t in self.trains.drain(..) {
            t.root.remove();
        }
    }

    /// What is on each wire: going up, going down.
    fn count(&self, in_flight: &[Rc<Packet>]) -> Vec<[Crowd; 2]> {
        let mut counts = vec![[Crowd::default(); 2]; self.wires.len()];
        for p in in_flight {
            if let Some((wire, down)) = find(&self.wires, p) {
                let c = &mut counts[wire][usize::from(down)];
                c.packets += 1;
                c.beads += p.frames.len().max(1);
                c.units += p.frames.iter().map(|f| length(f, self.scale)).sum::<f32>();
                // Packets that follow each other closer than they are long would lie on each other.
                c.train = c.beads > MOST || (c.packets > 2 && c.units > self.wires[wire].len * 0.9);
            }
        }
        counts
    }

    fn marked(&self, packet: &Packet, frame: &Frame) -> bool {
        packet.id == self.packet
            || frame
                .offsets
                .zip(self.bytes)
                .is_some_and(|((a, z), (from, to))| a <= to && z >= from)
    }

    fn create(&self, document: &Document, packet: &Rc<Packet>, wire: usize) -> Option<Shown> {
        let root = node(document, self.layer.as_ref()?, "g", "packet")?;
        let mut id = String::from("packet:");
        push_int(&mut id, packet.id);
        set(&root, "data-sel", &id);
        let mut beads = Vec::new();
        for frame in packet.frames.iter() {
            let mut class = String::from("bead ");
            class.push_str(match frame.kind {
                FrameKind::Ack => "k-ack",
                FrameKind::Request => "k-ask",
                FrameKind::Reply => "k-say",
                FrameKind::Rdb => "k-rdb",
                FrameKind::Newline => "k-nl",
                kind => kind_class(kind),
            });
            class.push_str(if self.wires[wire].promoted {
                " h1 b1"
            } else {
                " b1"
            });
            if self.marked(packet, frame) {
                class.push_str(" on");
            }
            beads.push(bead(
                document,
                &root,
                frame,
                &class,
                self.scale,
                &self.wires[wire],
            )?);
        }
        Some(Shown {
            id: packet.id,
            packet: packet.clone(),
            root,
            beads,
        })
    }

    /// Many beads as one train with their number.
    fn train(
        &mut self,
        document: &Document,
        wire: usize,
        down: bool,
        crowd: &Crowd,
        now: Instant,
        in_flight: &[Rc<Packet>],
    ) {
        let at = match self
            .trains
            .iter()
            .position(|t| t.wire == wire && t.down == down)
        {
            Some(at) => at,
            None => {
                let Some(train) = self.couple(document, wire, down) else {
                    return;
                };
                self.trains.push(train);
                self.trains.len() - 1
            }
        };
        let way = &self.wires[wire];
        let (mut cars, mut marked) = (String::new(), String::new());
        let (mut sum, mut n) = (0.0, 0.0);
        let half = if down { 8.0 } else { 4.0 } * self.scale;
        let shrink = (way.len * 0.85 / crowd.units.max(1.0)).min(1.0);
        for packet in in_flight
            .iter()
            .filter(|p| find(&self.wires, p) == Some((wire, down)))
        {
            let lens: Vec<f32> = packet
                .frames
                .iter()
                .map(|f| length(f, self.scale) * shrink)
                .collect();
            let total: f32 = lens.iter().sum();
            let mut s = progress(packet, now, self.still) * (way.len + total);
            for (frame, len) in packet.frames.iter().zip(lens) {
                let (a, b) = ((s - len + 1.0).max(0.0), s.min(way.len));
                if b - a > 1.0 && (n as usize) < MOST_CARS {
                    let out = if self.marked(packet, frame) {
                        &mut marked
                    } else {
                        &mut cars
                    };
                    out.push_str(&band(way, down, a, b, half));
                }
                sum += within(s, 0.0, way.len);
                n += 1.0;
                s -= len;
            }
        }
        let train = &mut self.trains[at];
        train.used = true;
        set(&train.cars, "d", &cars);
        set(&train.marked, "d", &marked);
        let mut label = String::from("×");
        label.push_str(&group(crowd.beads as u64));
        if train.text.text_content().as_deref() != Some(&label) {
            train.text.set_text_content(Some(&label));
        }
        let middle = within(sum / f32::max(n, 1.0), 24.0, (way.len - 24.0).max(24.0));
        let (p, _) = way.at(if down { middle } else { way.len - middle });
        set(&train.chip, "transform", &place(p.0, p.1, 0.0));
    }

    fn couple(&self, document: &Document, wire: usize, down: bool) -> Option<Train> {
        let root = node(
            document,
            self.layer.as_ref()?,
            "g",
            if down { "train" } else { "train up" },
        )?;
        set(
            &root,
            "data-sel",
            &["link:", &self.wires[wire].replica].concat(),
        );
        let cars = node(
            document,
            &root,
            "path",
            if self.wires[wire].promoted {
                "cars h1"
            } else {
                "cars"
            },
        )?;
        let marked = node(document, &root, "path", "cars on")?;
        let chip = node(document, &root, "g", "chip-n")?;
        let rect = node(document, &chip, "rect", "")?;
        for (key, value) in [
            ("x", "-19"),
            ("y", "-10"),
            ("width", "38"),
            ("height", "20"),
            ("rx", "10"),
        ] {
            set(&rect, key, value);
        }
        let text = node(document, &chip, "text", "t12 b m")?;
        set(&text, "y", "4.3");
        Some(Train {
            wire,
            down,
            root,
            cars,
            marked,
            chip,
            text,
            used: true,
        })
    }
}

fn find(wires: &[Way], p: &Packet) -> Option<(usize, bool)> {
    wires.iter().enumerate().find_map(|(i, w)| {
        if *p.from == *w.master && *p.to == *w.replica {
            Some((i, true))
        } else if *p.to == *w.master && *p.from == *w.replica {
            Some((i, false))
        } else {
            None
        }
    })
}

impl Way {
    /// A wire between two nodes, through points that are equally far from each other, `len` units in all; nothing where
    /// there is no way.
    pub fn new(
        master: String,
        replica: String,
        promoted: bool,
        len: f32,
        points: Vec<P>,
    ) -> Option<Self> {
        let (left, right) = points
            .iter()
            .fold((f32::MAX, f32::MIN), |(l, r), p| (l.min(p.0), r.max(p.0)));
        (points.len() > 1).then_some(Self {
            master,
            replica,
            len,
            points,
            promoted,
            left,
            right,
            taken: None,
        })
    }

    /// The same with words at it that are to stay legible.
    pub fn keeping(self, taken: Option<Rect>) -> Self {
        Self { taken, ..self }
    }

    /// How many pieces a wire is sampled in.
    pub fn pieces(len: f32) -> usize {
        (len / STEP).ceil().max(1.0) as usize
    }

    /// Place and direction in degrees at `s` units from the master's plug.
    fn at(&self, s: f32) -> (P, f32) {
        let n = self.points.len() - 1;
        let x = within(s / self.len.max(0.1), 0.0, 1.0) * n as f32;
        let i = (x as usize).min(n - 1);
        let (a, b) = (self.points[i], self.points[i + 1]);
        let t = x - i as f32;
        let deg = degrees(b.1 - a.1, b.0 - a.0);
        ((a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t), deg)
    }

    /// `off` units to the side of the wire at `s`.
    fn beside(&self, s: f32, off: f32) -> P {
        let (p, deg) = self.at(s);
        let (sin, cos) = sin_cos(deg);
        (p.0 - sin * off, p.1 + cos * off)
    }
}

fn progress(packet: &Packet, now: Instant, still: bool) -> f32 {
    if still {
        return 0.5;
    }
    let whole = packet.arrives.since(packet.sent).max(1) as f32;
    within(now.since(packet.sent) as f32 / whole, 0.0, 1.0)
}

/// Units on the wire for one frame: 1.3 for each byte of the stream.
fn length(frame: &Frame, scale: f32) -> f32 {
    let bytes = (frame.end.saturating_sub(frame.start)) as f32;
    scale
        * match frame.kind {
            FrameKind::Ack => 14.0,
            FrameKind::Request | FrameKind::Reply => 18.0,
            FrameKind::Rdb => 26.0,
            FrameKind::Newline => 6.0,
            _ => within(bytes * 1.3, 9.0, 160.0),
        }
}

/// The bent band of a bead between `a` and `b` units of travel.
fn band(way: &Way, down: bool, a: f32, b: f32, half: f32) -> String {
    let (a, b) = if down {
        (a, b)
    } else {
        (way.len - b, way.len - a)
    };
    let k = 5.0_f32.min((b - a) / 2.0).min(half);
    let n = ((b - a - 2.0 * k) / 7.0).ceil().max(1.0) as usize;
    let mid = |i: usize| a + k + (b - a - 2.0 * k) * i as f32 / n as f32;
    let mut d = D::default().m(way.beside(mid(0), -half));
    for i in 1..=n {
        d = d.l(way.beside(mid(i), -half));
    }
    d = d
        .q(way.beside(b, -half), way.beside(b, k - half))
        .l(way.beside(b, half - k))
        .q(way.beside(b, half), way.beside(mid(n), half));
    for i in (0..n).rev() {
        d = d.l(way.beside(mid(i), half));
    }
    d.q(way.beside(a, half), way.beside(a, half - k))
        .l(way.beside(a, k - half))
        .q(way.beside(a, -half), way.beside(mid(0), -half))
        .z()
        .0
}

fn bead(
    document: &Document,
    root: &Element,
    frame: &Frame,
    class: &str,
    scale: f32,
    way: &Way,
) -> Option<Bead> {
    let g = node(document, root, "g", class)?;
    // Words only beside a wire with room for them.
    let wide = scale == 1.0 && way.right - way.left > 100.0;
    let (shape, label, need) = match frame.kind {
        FrameKind::Ack => {
            let shape = node(document, &g, "circle", "shape")?;
            set(&shape, "r", "6");
            let mut s = String::from("ACK ");
            s.push_str(
                &frame
                    .label
                    .trim_start_matches("ACK ")
                    .parse()
                    .map_or_else(|_| frame.label.clone(), group),
            );
            let need = width(&s, 0.55) * 12.0;
            (shape, wide.then_some(s), need)
        }
        FrameKind::Request | FrameKind::Reply => {
            let shape = node(document, &g, "path", "shape")?;
            set(
                &shape,
                "d",
                if frame.kind == FrameKind::Request {
                    "M0-8L8 0L0 8L-8 0Z"
                } else {
                    "M-7-8L1-8L8 0L1 8L-7 8L0 0Z"
                },
            );
            let s = spoken(&frame.text, ((way.right - way.left - 20.0) / 6.9) as usize);
            let need = width(&s, 0.57) * 12.0;
            (shape, wide.then_some(s), need)
        }
        FrameKind::Rdb => {
            let shape = node(document, &g, "g", "shape")?;
            let inner = node(document, &shape, "g", "")?;
            for (x, y, w, class) in [
                (-11.0, -11.0, 22.0, "paper"),
                (-7.0, -8.0, 6.0, "dev"),
                (1.0, -8.0, 6.0, "dev"),
                (-7.0, 0.0, 6.0, "dev"),
                (1.0, 0.0, 6.0, "dev"),
            ] {
                let r = node(document, &inner, "rect", class)?;
                for (key, value) in [("x", x), ("y", y), ("width", w), ("height", w), ("rx", 1.5)] {
                    set(&r, key, &num(value));
                }
            }
            (shape, None, 0.0)
        }
        _ => {
            let shape = node(document, &g, "path", "shape")?;
            let label = matches!(frame.kind, FrameKind::Write).then(|| frame.label.clone());
            let need = width(&frame.label, 0.605) * 12.0 + 6.0;
            (shape, label, need)
        }
    };
    let label = match label {
        Some(s) => {
            let t = node(
                document,
                &g,
                "text",
                if matches!(frame.kind, FrameKind::Write) {
                    "t12 mono m"
                } else {
                    "t12 m said"
                },
            )?;
            t.set_text_content(Some(&s));
            Some(t)
        }
        None => None,
    };
    Some(Bead {
        shape,
        label,
        need,
        visible: true,
        middle: (0.0, 0.0),
    })
}

/// A request or reply as it stands beside its shape: ids short.
fn spoken(text: &str, room: usize) -> String {
    let mut out = String::new();
    for word in text.trim_start_matches("REPLCONF ").split(' ') {
        if !out.is_empty() {
            out.push(' ');
        }
        if word.len() >= 40 && word.bytes().all(|b| b.is_ascii_hexdigit()) {
            out.push_str(&word[..4]);
            out.push('…');
        } else {
            out.push_str(word);
        }
    }
    let room = room.clamp(8, 28);
    // Of a long reply, the first word says it.
    if out.starts_with('+') && out.chars().count() > room {
        return out.split(' ').next().unwrap_or_default().into();
    }
    super::pen::short(&out, room)
}

fn place_packet(
    way: &Way,
    shown: &mut Shown,
    down: bool,
    now: Instant,
    (scale, still): (f32, bool),
    free: &mut dyn FnMut(Rect) -> bool,
) {
    let gap = 4.0 * scale;
    let packet = shown.packet.clone();
    let lens: Vec<f32> = packet.frames.iter().map(|f| length(f, scale)).collect();
    let total: f32 = lens.iter().sum::<f32>() + gap * (lens.len().max(1) - 1) as f32;
    let mut s = match still {
        true => (way.len + total) / 2.0,
        false => progress(&packet, now, false) * (way.len + total),
    };
    for ((bead, frame), len) in shown.beads.iter_mut().zip(packet.frames.iter()).zip(lens) {
        let (a, b) = ((s - len).max(0.0), s.min(way.len));
        s -= len + gap;
        let visible = b - a > 1.5;
        if visible != bead.visible {
            bead.visible = visible;
            let root = bead.shape.parent_element();
            if let Some(root) = root {
                if visible {
                    show(&root);
                } else {
                    hide(&root);
                }
            }
        }
        if !visible {
            continue;
        }
        let middle = (a + b) / 2.0;
        let (p, deg) = way.at(if down { middle } else { way.len - middle });
        bead.middle = p;
        // Never upside down.
        let up = if deg > 90.0 {
            deg - 180.0
        } else if deg < -90.0 {
            deg + 180.0
        } else {
            deg
        };
        match frame.kind {
            FrameKind::Ack | FrameKind::Request | FrameKind::Reply | FrameKind::Rdb => {
                let turn = match frame.kind {
                    FrameKind::Reply => {
                        if down {
                            deg
                        } else {
                            deg + 180.0
                        }
                    }
                    FrameKind::Rdb => up,
                    _ => 0.0,
                };
                set(&bead.shape, "transform", &place(p.0, p.1, turn));
                if let Some(label) = &bead.label {
                    // Above the wire, or left of it where it climbs; always between its two ends.
                    let w = bead.need;
                    let steep = sin_cos(deg).0.abs() > 0.45 && p.0 - 12.0 - w > way.left + 8.0;
                    let x = if steep {
                        p.0 - 12.0 - w / 2.0
                    } else {
                        within(
                            p.0,
                            way.left + w / 2.0 + 8.0,
                            (way.right - w / 2.0 - 12.0).max(way.left + w / 2.0 + 8.0),
                        )
                    };
                    set(label, "x", &num(x));
                    let y = p.1 - if steep { 2.0 } else { 13.0 };
                    set(label, "y", &num(y));
                    // One text at a place; the wire list has them all.
                    if free([x - w / 2.0, y - 10.0, x + w / 2.0, y + 3.0]) {
                        show(label);
                    } else {
                        hide(label);
                    }
                }
            }
            _ => {
                let half = if matches!(frame.kind, FrameKind::Newline) {
                    3.0
                } else {
                    10.5 * scale
                };
                set(&bead.shape, "d", &band(way, down, a, b, half));
                if let Some(label) = &bead.label {
                    if b - a >= bead.need {
                        let along = if down { middle } else { way.len - middle };
                        write(label, way, along, bend(way, down, (a, b)), (p, up));
                        show(label);
                    } else {
                        hide(label);
                    }
                }
            }
        }
    }
}

/// A bead lies around a corner.
fn bend(way: &Way, down: bool, (a, b): (f32, f32)) -> bool {
    let deg = |s: f32| way.at(if down { s } else { way.len - s }).1;
    (deg(a) - deg(b)).abs() > 12.0
}

/// The label of a bead: straight, or around a corner letter by letter.
fn write(label: &Element, way: &Way, middle: f32, bent: bool, (p, up): (P, f32)) {
    let [mut xs, mut ys, mut turns] = ["0".into(), "4.2".into(), String::new()];
    if bent {
        [xs, ys] = Default::default();
        let letters = label.text_content().map_or(0, |t| t.chars().count());
        // Never upside down: against the way, where that leads to the left.
        let (step, off, turn) = if way.at(middle).1.abs() > 90.0 {
            (-7.26, -4.2, 180.0)
        } else {
            (7.26, 4.2, 0.0)
        };
        let first = middle - step * (letters as f32 - 1.0) / 2.0;
        for i in 0..letters {
            let s = first + step * i as f32;
            let at = way.beside(s, off);
            for (list, value) in [
                (&mut xs, at.0),
                (&mut ys, at.1),
                (&mut turns, way.at(s).1 + turn),
            ] {
                list.push_str(&num(value));
                list.push(' ');
            }
        }
    }
    let straight = || place(p.0, p.1, up);
    set(
        label,
        "transform",
        &if bent { String::new() } else { straight() },
    );
    set(label, "x", &xs);
    set(label, "y", &ys);
    set(label, "rotate", &turns);
}
