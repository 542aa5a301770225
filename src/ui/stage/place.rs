//! Where everything stands: the drum, the plates, the wires. Knows node names and links, nothing of bytes.

use super::pen::{D, P};
use crate::sim::snapshot::{LinkView, Snapshot};
use crate::ui::dom::within;

/// The drawings of the stage. Each has sizes of its own: scaling one would make its letters too small.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Layout {
    /// 1148 × 448 units.
    #[default]
    Wide,
    /// As wide and as high as its box: for boxes that are too low or too narrow for the wide one.
    Low(f32, f32),
    /// As wide as its box, as high as it must be.
    Phone(f32),
}

impl Layout {
    /// The drawing whose letters come out at 12 px or more in a box of so many pixels.
    pub fn fit(width: f32, height: f32, phone: bool) -> Self {
        if phone {
            return Self::Phone(within(width, 280.0, 480.0));
        }
        if width >= 1148.0 && height >= 447.0 {
            return Self::Wide;
        }
        // A large box is drawn larger, a tiny one smaller.
        let scale = within((width / 1000.0).min(height / 400.0), 1.0, 1.3);
        Self::Low((width / scale).max(480.0), (height / scale).max(150.0))
    }
}

/// How much fits into a plate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub enum Size {
    /// One row: name, lamp, offset.
    Line,
    /// Two rows.
    Mini,
    /// Three rows with small tiles.
    Small,
    /// Four rows with small tiles.
    Mid,
    /// Everything: name, offset, twelve tiles, state.
    Full,
    /// The phone's: wide and flat.
    Flat,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Plate {
    /// Index into `snapshot.nodes`.
    pub node: usize,
    pub x: f32,
    pub y: f32,
    pub w: f32,
    pub h: f32,
    pub size: Size,
    /// Top left corner of its photograph, where there is room beside it.
    pub photo: Option<P>,
    /// Wires enter from above or along a rail instead of from the left.
    depth: usize,
    parent: Option<usize>,
}

/// A wire from the master's end to the replica's end, drawn through `d`.
#[derive(Clone, Debug, PartialEq)]
pub struct Wire {
    /// Index into `snapshot.links`.
    pub link: usize,
    pub d: String,
    /// Where a label stands, and its anchor: `e` ends there, `` starts there. Between it and the wire there is room for a
    /// bead, and in the wide drawing for the words of one.
    pub label: (f32, f32, &'static str),
    /// Where the ✕ of a cut stands.
    pub gap: P,
    /// Both plugs: place and turn in degrees (0: the cable leaves to the right).
    pub plugs: [(P, f32); 2],
    /// It is a rail with an elbow.
    pub upright: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scene {
    pub view: (f32, f32, f32, f32),
    /// x, y, width, height; the right side is a half-circle.
    pub drum: (f32, f32, f32, f32),
    pub ring: P,
    pub band: (f32, f32),
    /// x, y, height of the patch panel, where there is one.
    pub panel: Option<(f32, f32, f32)>,
    pub sockets: Vec<P>,
    pub plates: Vec<Plate>,
    /// Nodes for which there was no room.
    pub left_out: Vec<usize>,
    pub wires: Vec<Wire>,
    pub legend: Option<P>,
    /// Right end of the margin note's first line.
    pub note: Option<P>,
}

/// Nodes other than the focused one, in the order of a walk through its neighbours: node, its parent in that walk,
/// depth from 1, the link between them.
struct Walk {
    node: usize,
    parent: Option<usize>,
    depth: usize,
    link: Option<usize>,
}

fn index(snap: &Snapshot, name: &str) -> Option<usize> {
    snap.nodes.iter().position(|n| n.name == name)
}

fn walk(snap: &Snapshot, focus: usize) -> Vec<Walk> {
    let ends: Vec<(usize, usize)> = snap
        .links
        .iter()
        .map(
            |LinkView {
                 master, replica, ..
             }| {
                (
                    index(snap, master).unwrap_or(usize::MAX),
                    index(snap, replica).unwrap_or(usize::MAX),
                )
            },
        )
        .collect();
    let mut seen = vec![false; snap.nodes.len()];
    let mut out = Vec::new();
    if let Some(s) = seen.get_mut(focus) {
        *s = true;
    }
    visit(&ends, focus, 1, &mut seen, &mut out);
    // What hangs on nothing that we know: masters first, each with its own replicas.
    for pass in 0..2 {
        for node in 0..snap.nodes.len() {
            if !seen[node] && (pass == 1 || snap.nodes[node].master.is_none()) {
                seen[node] = true;
                out.push(Walk {
                    node,
                    parent: None,
                    depth: 1,
                    link: None,
                });
                visit(&ends, node, 2, &mut seen, &mut out);
            }
        }
    }
    out
}

fn visit(
    ends: &[(usize, usize)],
    from: usize,
    depth: usize,
    seen: &mut [bool],
    out: &mut Vec<Walk>,
) {
    // The way up first, then the replicas in their order.
    let up = ends
        .iter()
        .enumerate()
        .filter(|(_, e)| e.1 == from)
        .map(|(i, e)| (i, e.0));
    let link = |node: usize| {
        ends.iter()
            .position(|e| *e == (from, node))
            .map(|i| (i, node))
    };
    for (link, node) in up
        .chain((0..seen.len()).filter_map(link))
        .collect::<Vec<_>>()
    {
        if node >= seen.len() || seen[node] {
            continue;
        }
        seen[node] = true;
        out.push(Walk {
            node,
            parent: Some(from),
            depth,
            link: Some(link),
        });
        visit(ends, node, depth + 1, seen, out);
    }
}

/// Places everything for the node `focus`.
pub fn scene(snap: &Snapshot, focus: usize, layout: Layout) -> Scene {
    let walk = walk(snap, focus);
    match layout {
        Layout::Wide => wide(snap, &walk, focus),
        Layout::Low(w, h) => {
            let mut scene = low(snap, &walk, focus, (w, h));
            if walk.is_empty() {
                // Alone it has the whole box.
                let (x, y, w, h) = scene.drum;
                scene.view = (x - 30.0, y - 24.0, w + 80.0, h + 52.0);
            }
            scene
        }
        Layout::Phone(w) => phone(snap, &walk, focus, w),
    }
}

/// Height of a plate and the tops of `n` of them between `top` and `bottom`.
fn stack(n: usize, top: f32, bottom: f32) -> (f32, Vec<f32>, Size) {
    let room = bottom - top;
    let (h, size) = match n {
        0..=3 => (122.0, Size::Full),
        4 => (94.0, Size::Mid),
        5 => (74.0, Size::Small),
        6 => (60.0, Size::Mini),
        _ => (50.0, Size::Mini),
    };
    let middle = top + (room - h) / 2.0;
    let tops = match n {
        0 => Vec::new(),
        1 => vec![middle],
        2 => vec![middle - 92.0, middle + 92.0],
        _ => (0..n)
            .map(|i| top + (room - h) * i as f32 / (n - 1) as f32)
            .collect(),
    };
    (h, tops, size)
}

const WIDE_TOP: f32 = 90.0;
const WIDE_BOTTOM: f32 = 518.0;

fn wide(snap: &Snapshot, walk: &[Walk], focus: usize) -> Scene {
    let mut scene = Scene {
        view: (0.0, 83.0, 1148.0, 448.0),
        drum: (20.0, 92.0, 574.0, 424.0),
        ring: (382.0, 304.0),
        band: (117.0, 163.0),
        note: Some((712.0, 500.0)),
        ..Scene::default()
    };
    let (first, rest): (Vec<&Walk>, Vec<&Walk>) = walk.iter().partition(|w| w.depth == 1);
    let (first, more) = first.split_at(first.len().min(7));
    let (rest, more2) = rest.split_at(rest.len().min(7));
    scene.left_out = more.iter().chain(more2).map(|w| w.node).collect();

    // The lowest of four wires needs the place of the note.
    if first.len() > 3 {
        scene.note = None;
    }
    let (h, tops, size) = stack(first.len(), WIDE_TOP, WIDE_BOTTOM);
    // Room for the gutter between the columns, where more than one wire goes down it.
    let gutter = rest.len() > 1;
    let x = match rest.len() {
        0 => 764.0,
        1 => 772.0,
        _ => 748.0,
    };
    for (w, y) in first.iter().zip(&tops) {
        let photo = Some((x + 198.0, (*y - 4.0).max(86.0)));
        scene.plates.push(Plate {
            node: w.node,
            x,
            y: *y,
            w: 184.0,
            h,
            size,
            photo,
            depth: 1,
            parent: w.parent,
        });
    }

    // The second column leaves its first row free where it can: that is where its parents' wires come from.
    let (h2, tops2, size2) = match rest.len() {
        1 => {
            let parent_row = first
                .iter()
                .position(|w| Some(w.node) == rest[0].parent)
                .unwrap_or(0);
            let top = within(
                tops.get(parent_row).copied().unwrap_or(WIDE_TOP) + 153.0,
                243.0,
                396.0,
            );
            (122.0, vec![top], Size::Full)
        }
        n => stack(n, WIDE_TOP, WIDE_BOTTOM),
    };
    for (w, y) in rest.iter().zip(&tops2) {
        scene.plates.push(Plate {
            node: w.node,
            x: if gutter { 980.0 } else { 974.0 },
            y: *y,
            w: if gutter { 150.0 } else { 156.0 },
            h: h2,
            size: size2,
            photo: None,
            depth: w.depth,
            parent: w.parent,
        });
    }
    let lowest = tops2.last().map_or(0.0, |y| y + h2);
    scene.legend = if lowest < 380.0 {
        Some((if rest.is_empty() { 962.0 } else { 974.0 }, 400.0))
    } else {
        None
    };
    // A photograph, 100 units high, stands in the second column: only where no plate does.
    let taken = |y: f32| tops2.iter().any(|top| y < top + h2 && *top < y + 100.0);
    for p in &mut scene.plates {
        p.photo = p.photo.filter(|at| rest.len() < 2 && !taken(at.1));
    }

    // Sockets at 3 o'clock, one for each wire of the drum.
    let ports = walk
        .iter()
        .filter(|w| w.depth == 1 && w.link.is_some())
        .count();
    let holes = ports.max(3);
    let pitch = if holes <= 4 {
        27.0
    } else {
        108.0 / holes as f32 + 2.0
    };
    let height = pitch * (holes - 1) as f32 + 58.0;
    scene.panel = Some((566.0, 304.0 - height / 2.0, height));
    let socket = |i: usize| (612.0, 304.0 + (i as f32 - (holes - 1) as f32 / 2.0) * pitch);
    scene.sockets = (0..holes).map(socket).collect();

    let (mut port, mut lane) = (0, 0);
    for w in walk {
        let Some(link) = w.link else { continue };
        let Some(to) = scene.plates.iter().find(|p| p.node == w.node).cloned() else {
            continue;
        };
        let down = index(snap, &snap.links[link].replica) == Some(w.node);
        if w.parent == Some(focus) {
            let (x, y) = socket(hole(port, ports));
            port += 1;
            let end = to.y + to.h / 2.0;
            let mut wire = curve(link, (x + 4.0, y), (to.x, end), down);
            wire.label.1 += if wire.label.1 < end { -14.0 } else { 2.0 };
            scene.wires.push(wire);
        } else if let Some(from) = scene
            .plates
            .iter()
            .find(|p| Some(p.node) == w.parent)
            .cloned()
        {
            scene.wires.push(branch(link, &from, &to, down, lane));
            lane += 1;
        }
    }
    scene
}

/// The socket of the i-th wire: one or two wires leave the others of the three free.
fn hole(i: usize, ports: usize) -> usize {
    match ports {
        1 => 1,
        2 => i * 2,
        _ => i,
    }
}

/// From a socket to the left side of a plate.
fn curve(link: usize, a: P, b: P, down: bool) -> Wire {
    let bend = (b.0 - a.0) * 0.5;
    let (p1, p2) = ((a.0 + bend, a.1), (b.0 - bend, b.1));
    cubic(link, [a, p1, p2, b], [0.0, 180.0], down)
}

/// From a plate of the first column to one of the second: into its top, where it is the only one.
fn branch(link: usize, from: &Plate, to: &Plate, down: bool, lane: usize) -> Wire {
    let a = (
        from.x + from.w + 6.0,
        (from.y + from.h - 20.0).max(from.y + from.h * 0.55),
    );
    let right = to.x > from.x + 40.0;
    if right && to.x - from.x - from.w < 20.0 {
        if to.y < a.1 {
            // Beside it, in the same row.
            return cubic(link, [a, a, a, (to.x, a.1)], [0.0, 180.0], down);
        }
        let b = (to.x + 54.0, to.y);
        return cubic(
            link,
            [a, (b.0 - 4.0, a.1), (b.0, a.1 + 8.0), b],
            [0.0, -90.0],
            down,
        );
    }
    // Along the gutter, each wire in a lane of its own; inside the second column, along its left side.
    let (a, b) = if right {
        (a, (to.x, to.y + to.h * 0.5))
    } else {
        ((from.x, from.y + from.h * 0.72), (to.x, to.y + to.h * 0.28))
    };
    let x = b.0 - 10.0 - 6.0 * (lane % 3) as f32;
    let r = 9.0_f32.min((b.1 - a.1).abs() / 2.0);
    let s = if b.1 >= a.1 { r } else { -r };
    let out = if right { -r } else { r };
    let way = [
        a,
        (x + out, a.1),
        (x, a.1),
        (x, a.1 + s),
        (x, b.1 - s),
        (x, b.1),
        (x + r, b.1),
        b,
    ];
    let d = if down {
        D::default()
            .m(way[0])
            .l(way[1])
            .q(way[2], way[3])
            .l(way[4])
            .q(way[5], way[6])
            .l(way[7])
    } else {
        D::default()
            .m(way[7])
            .l(way[6])
            .q(way[5], way[4])
            .l(way[3])
            .q(way[2], way[1])
            .l(way[0])
    };
    let turns = [if right { 0.0 } else { 180.0 }, 180.0];
    let plugs = if down {
        [(a, turns[0]), (b, turns[1])]
    } else {
        [(b, turns[1]), (a, turns[0])]
    };
    Wire {
        link,
        d: d.0,
        label: (to.x + 12.0, to.y - 7.0, ""),
        gap: (x, (a.1 + b.1) / 2.0),
        plugs,
        upright: false,
    }
}

/// A wire along a Bézier curve; turned round where the way from master to replica is the other way.
fn cubic(link: usize, c: [P; 4], turns: [f32; 2], down: bool) -> Wire {
    let at = |t: f32| {
        let u = 1.0 - t;
        let mix = |k: fn(&P) -> f32| {
            u * u * u * k(&c[0])
                + 3.0 * u * u * t * k(&c[1])
                + 3.0 * u * t * t * k(&c[2])
                + t * t * t * k(&c[3])
        };
        (mix(|p| p.0), mix(|p| p.1))
    };
    let straight = (c[0].1 - c[3].1).abs() < 0.5;
    let [p0, p1, p2, p3] = c;
    let d = match (down, straight) {
        (true, true) => D::default().m(p0).l(p3),
        (false, true) => D::default().m(p3).l(p0),
        (true, false) => D::default().m(p0).c(p1, p2, p3),
        (false, false) => D::default().m(p3).c(p2, p1, p0),
    };
    // The end at the plate is the quiet one: before its plug, on the far side of the curve.
    let below = c[3].1 > c[0].1 + 30.0;
    let label = if turns[1] < 0.0 {
        (c[3].0 + 14.0, c[3].1 - 8.0, "")
    } else {
        (
            c[3].0 - if below { 8.0 } else { 20.0 },
            c[3].1 + if below { 22.0 } else { -14.0 },
            "e",
        )
    };
    let plugs = if down {
        [(p0, turns[0]), (p3, turns[1])]
    } else {
        [(p3, turns[1]), (p0, turns[0])]
    };
    Wire {
        link,
        d: d.0,
        label,
        gap: at(0.62),
        plugs,
        upright: false,
    }
}

/// A rail going down with an elbow to the right.
fn elbow(link: usize, a: P, b: P, down: bool) -> Wire {
    let r = 12.0_f32.min(b.0 - a.0);
    let corner = (a.0, b.1);
    let d = if down {
        D::default()
            .m(a)
            .l((a.0, b.1 - r))
            .q(corner, (a.0 + r, b.1))
            .l(b)
    } else {
        D::default()
            .m(b)
            .l((a.0 + r, b.1))
            .q(corner, (a.0, b.1 - r))
            .l(a)
    };
    // On its own branch: the rail belongs to the others too.
    let gap = (b.0 - 12.5, b.1);
    let plugs = if down {
        [(a, 90.0), (b, 180.0)]
    } else {
        [(b, 180.0), (a, 90.0)]
    };
    Wire {
        link,
        d: d.0,
        label: (a.0 + 8.0, b.1 - 42.0, ""),
        gap,
        plugs,
        upright: true,
    }
}

/// The drum on the left, all other nodes in one column on the right.
fn low(snap: &Snapshot, walk: &[Walk], focus: usize, (width, height): P) -> Scene {
    let n = walk.len();
    // Beside a lesson: the ring goes between the words of its drum, and the plates are small.
    let tight = width < TIGHT;
    let plate = match width {
        _ if tight => 140.0,
        ..800.0 => 162.0,
        _ => 184.0,
    };
    // The wires are the plot: a narrow box has a lower drum rather than shorter wires.
    let least = if tight { 44.0 } else { 50.0 };
    let wire = within((width - 520.0) * 0.65, least, 130.0);
    let h = (height - 22.0).min(width - plate - wire - if tight { 122.0 } else { 178.0 });
    let h = if tight { h.min(LOWEST - 1.0) } else { h };
    // Beside the ring: the words, as chips with names or as tiles.
    let words = match h {
        _ if tight => 70.0,
        ..CHIPS_FROM => 126.0,
        _ => 164.0,
    };
    // On the lowest drum the pills may touch its edge.
    let outer = h / 2.0 - if h < LOWEST { 22.0 } else { 33.0 };
    // In a narrow box it stands in the middle, as the plates do.
    let drum = (
        14.0,
        7.0 + (height - 22.0 - h) / 2.0,
        words + outer + 20.0 + h / 2.0,
        h,
    );
    let mut scene = Scene {
        view: (0.0, 0.0, width, height),
        drum,
        ring: (drum.0 + drum.2 - h / 2.0, drum.1 + h / 2.0),
        band: (outer - within(outer * 0.36, 15.0, 44.0), outer),
        ..Scene::default()
    };
    let (top, room) = (7.0, height - 22.0);
    let pitch = (room / n.max(1) as f32).min(if n < 3 { 160.0 } else { 138.0 });
    let (h, size) = match pitch {
        130.0.. => (122.0, Size::Full),
        102.0.. => (94.0, Size::Mid),
        82.0.. => (74.0, Size::Small),
        64.0.. => (58.0, Size::Mini),
        53.0.. => (47.0, Size::Mini),
        _ => (within(pitch, 24.0, 36.0) - 7.0, Size::Line),
    };
    let shown = n.min((room / (h + 7.0)) as usize);
    scene.left_out = walk[shown..].iter().map(|w| w.node).collect();
    let first = top + (room - pitch * shown as f32) / 2.0 + (pitch - h) / 2.0;
    for (i, w) in walk[..shown].iter().enumerate() {
        let x = width - 20.0 - plate + 16.0 * (w.depth.min(3) - 1) as f32;
        scene.plates.push(Plate {
            node: w.node,
            x,
            y: first + pitch * i as f32,
            w: width - 20.0 - x,
            h,
            size,
            photo: None,
            depth: w.depth,
            parent: w.parent,
        });
    }
    let ports = walk
        .iter()
        .filter(|w| w.depth == 1 && w.link.is_some())
        .count();
    let holes = ports.max(3);
    let pitch = if holes <= 3 {
        18.0 + outer / 20.0
    } else {
        (outer + 8.0) / holes as f32
    };
    let panel = pitch * (holes - 1) as f32 + 36.0;
    let (edge, middle) = (drum.0 + drum.2, scene.ring.1);
    scene.panel = Some((edge - 18.0, middle - panel / 2.0, panel));
    let socket = |i: usize| {
        let step = i as f32 - (holes - 1) as f32 / 2.0;
        (edge + 12.0, middle + step * pitch)
    };
    scene.sockets = (0..holes).map(socket).collect();
    let mut port = 0;
    for w in walk {
        let Some(link) = w.link else { continue };
        let socket = (w.parent == Some(focus)).then(|| {
            port += 1;
            socket(hole(port - 1, ports))
        });
        let Some(to) = scene.plates.iter().find(|p| p.node == w.node) else {
            continue;
        };
        let down = index(snap, &snap.links[link].replica) == Some(w.node);
        let b = (to.x, to.y + to.h / 2.0);
        let from = scene.plates.iter().find(|p| Some(p.node) == w.parent);
        let wire = match (socket, from) {
            (Some((x, y)), _) => curve(link, (x + 4.0, y), b, down),
            (None, Some(from)) => elbow(link, (from.x + 8.0, from.y + from.h + 1.0), b, down),
            (None, None) => continue,
        };
        scene.wires.push(wire);
    }
    scene
}

/// Below this height a drum has but its name, its state and its keys: the embedded page's.
pub const LOWEST: f32 = 195.0;

/// A box that is narrower has a drum on which the ring goes between its words.
pub const TIGHT: f32 = 560.0;

/// From this height on a drum in the low drawing has chips with the names of its keys.
pub const CHIPS_FROM: f32 = 296.0;

fn phone(snap: &Snapshot, walk: &[Walk], focus: usize, width: f32) -> Scene {
    // A narrow phone has a smaller ring, and its words stay as they are.
    let outer = (83.0 + (width - 390.0) * 0.42).min(83.0);
    let right = width - 18.0;
    let mut scene = Scene {
        drum: (12.0, 6.0, right - 12.0, 216.0),
        ring: (right - 37.0 - outer, 114.0),
        band: (outer - 28.0, outer),
        ..Scene::default()
    };
    let (h, pitch) = (75.0, 93.0);
    let mut y = 249.0;
    for w in walk {
        let indent = 24.0 * (w.depth - 1) as f32;
        let x = 60.0 + indent;
        scene.plates.push(Plate {
            node: w.node,
            x,
            y,
            w: right - x,
            h,
            size: Size::Flat,
            photo: None,
            depth: w.depth,
            parent: w.parent,
        });
        y += pitch;
    }
    scene.view = (0.0, -4.0, width, if walk.is_empty() { 242.0 } else { y });
    rails(snap, &mut scene, walk, focus, (32.0, 224.0), h);
    if walk.iter().any(|w| w.parent == Some(focus)) {
        scene.sockets.push((32.0, 222.0));
    }
    scene
}

/// Elbows for all wires; those of the drum start at `root`.
fn rails(snap: &Snapshot, scene: &mut Scene, walk: &[Walk], focus: usize, root: P, h: f32) {
    for w in walk {
        let Some(link) = w.link else { continue };
        let Some(to) = scene.plates.iter().find(|p| p.node == w.node) else {
            continue;
        };
        let down = index(snap, &snap.links[link].replica) == Some(w.node);
        let b = (to.x, to.y + h / 2.0);
        let a = if w.parent == Some(focus) {
            root
        } else {
            let Some(from) = scene.plates.iter().find(|p| Some(p.node) == w.parent) else {
                continue;
            };
            (from.x + 12.0, from.y + from.h + 1.0)
        };
        scene.wires.push(elbow(link, a, b, down));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Action, Cluster, Options};

    /// Every picture of this world in the wide drawing: plates and photographs, each beside the others.
    fn nothing_lies_on_another(world: &Cluster, when: &str) {
        let snap = world.snapshot();
        for focus in 0..snap.nodes.len() {
            let plates = scene(&snap, focus, Layout::Wide).plates;
            let boxes: Vec<(f32, f32, f32, f32)> = plates
                .iter()
                .map(|p| (p.x, p.y, p.w, p.h))
                .chain(
                    plates
                        .iter()
                        .filter_map(|p| p.photo.map(|(x, y)| (x, y, 80.0, 96.0))),
                )
                .collect();
            for (i, a) in boxes.iter().enumerate() {
                for b in &boxes[..i] {
                    let apart = a.0 + a.2 <= b.0
                        || b.0 + b.2 <= a.0
                        || a.1 + a.3 <= b.1
                        || b.1 + b.3 <= a.1;
                    let photos = a.2 == 80.0 && b.2 == 80.0; // one node has a child, of those in a column
                    assert!(
                        apart || photos,
                        "{when}, focus on {}: {a:?} on {b:?}",
                        snap.nodes[focus].name
                    );
                }
            }
        }
    }

    #[test]
    fn plates_and_photographs_keep_apart() {
        let mut world = Cluster::ready(Options::default());
        nothing_lies_on_another(&world, "at the start");
        for line in [
            "add of r1",
            "add of m",
            "add of m",
            "kill m",
            "r1> REPLICAOF NO ONE",
            "add of r4",
            "add of r4",
        ] {
            world
                .act(&Action::parse(line).expect("an action"))
                .expect("it can be done");
            nothing_lies_on_another(&world, line);
            world.run_until(world.now().after(300_000));
            nothing_lies_on_another(&world, line);
        }
    }
}
