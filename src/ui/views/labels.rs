//! Where the words of the sequence diagram stand: beside their arrows, and on nothing else. Lengths are pixels.

use crate::ui::dom::within;
use crate::ui::stage::P;

/// A letter of the diagram, and the height of a line above and below its foot.
pub const LETTER: f32 = 7.25;
const UP: f32 = 9.5;
const DOWN: f32 = 3.0;
/// How much further away the next try is, and how many there are.
const STEP: f32 = 14.0;
const STEPS: usize = 4;
/// From here on words lie on words.
const WORSE: f32 = 1000.0;

pub struct Arrow {
    pub from: P,
    pub to: P,
    /// How wide its words are.
    pub wide: f32,
}

/// Left, top, right, bottom.
pub type Rect = [f32; 4];

/// The middle of the foot of the words, and where on the arrow a line leads from them, if they stand away from it.
pub type Spot = (P, Option<P>);

/// A place for the words of each arrow, none where there is no room; `lives` are the lines of the nodes from left to
/// right, `taken` is where other words stand already.
pub fn places(
    arrows: &[Arrow],
    lives: &[f32],
    width: f32,
    mut taken: Vec<Rect>,
) -> Vec<Option<Spot>> {
    let mut out = Vec::new();
    for (i, arrow) in arrows.iter().enumerate() {
        let mut best: Option<(f32, Spot, Rect)> = None;
        for (lane, middle) in lanes(arrow, lives).into_iter().enumerate() {
            for (x, aside) in [(0.0, 0.0), (-0.22, 3.0), (0.22, 3.0)] {
                let half = arrow.wide / 2.0;
                let x = within(middle.0 + x * middle.1, half + 2.0, width - half - 2.0);
                for try_ in 0..STEPS * 2 {
                    let (spot, rect) = beside(arrow, x, try_ % 2 == 0, (try_ / 2) as f32 * STEP);
                    let words = taken.iter().filter(|t| meet(t, &rect)).count() as f32;
                    let lines = crossing(arrows, i, &rect) as f32;
                    let cost =
                        words * WORSE + lines * 9.0 + lane as f32 * 4.0 + aside + try_ as f32 * 5.0;
                    if best.as_ref().is_none_or(|b| cost < b.0) {
                        best = Some((cost, spot, rect));
                    }
                }
            }
        }
        out.push(best.filter(|b| b.0 < WORSE).map(|(_, spot, rect)| {
            taken.push(rect);
            spot
        }));
    }
    out
}

/// The spaces between lines of life through which an arrow goes, the right one first: middle and width.
fn lanes(arrow: &Arrow, lives: &[f32]) -> Vec<(f32, f32)> {
    let (left, right) = (arrow.from.0.min(arrow.to.0), arrow.from.0.max(arrow.to.0));
    let inside = |x: f32| x > left - 0.5 && x < right + 0.5;
    let pairs = lives.windows(2).rev();
    let mut out: Vec<(f32, f32)> = pairs
        .filter(|w| inside(w[0]) || inside(w[1]))
        .map(|w| (w[0].max(left), w[1].min(right)))
        .filter(|w| w.1 - w.0 > 1.0)
        .map(|(a, z)| ((a + z) / 2.0, z - a))
        .collect();
    if out.is_empty() {
        out.push(((left + right) / 2.0, right - left));
    }
    out
}

/// Words above or below an arrow, so far from where they would touch it.
fn beside(arrow: &Arrow, x: f32, above: bool, away: f32) -> (Spot, Rect) {
    let (a, b) = (arrow.from, arrow.to);
    let y = |x: f32| {
        let part = (x - a.0) / (b.0 - a.0);
        a.1 + (b.1 - a.1)
            * if part.is_finite() {
                within(part, 0.0, 1.0)
            } else {
                0.5
            }
    };
    let half = arrow.wide / 2.0;
    let (l, r) = (y(x - half), y(x + half));
    let foot = match above {
        true => l.min(r) - DOWN - 1.0 - away,
        false => l.max(r) + UP + 2.0 + away,
    };
    let rect = [x - half, foot - UP, x + half, foot + DOWN];
    (((x, foot), (away > 0.0).then(|| (x, y(x)))), rect)
}

fn meet(a: &Rect, b: &Rect) -> bool {
    a[0] < b[2] + 4.0 && b[0] < a[2] + 4.0 && a[1] < b[3] && b[1] < a[3]
}

/// How many other arrows go through a place.
fn crossing(arrows: &[Arrow], own: usize, rect: &Rect) -> usize {
    let through = |a: &Arrow| {
        let (from, to) = (a.from, a.to);
        if from.1.max(to.1) < rect[1] || from.1.min(to.1) > rect[3] {
            return false;
        }
        // The part of it that is between the two sides.
        let (left, right) = if from.0 < to.0 {
            (from, to)
        } else {
            (to, from)
        };
        let (x0, x1) = (left.0.max(rect[0]), right.0.min(rect[2]));
        if x0 >= x1 {
            return false;
        }
        let y = |x: f32| left.1 + (right.1 - left.1) * (x - left.0) / (right.0 - left.0);
        let (y0, y1) = (y(x0), y(x1));
        y0.min(y1) < rect[3] && y0.max(y1) > rect[1]
    };
    let others = arrows.iter().enumerate().filter(|(i, _)| *i != own);
    others.filter(|(_, a)| through(a)).count()
}
