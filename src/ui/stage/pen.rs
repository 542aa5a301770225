//! The pen: shapes, arcs and text along a circle.

use crate::ui::dom::{AttrValue, grouped};
pub use crate::ui::dom::{El, create, el, int, num, push_int, push_num};

/// A point of the drawing, in its own units.
pub type P = (f32, f32);

/// A group, the class of which may be put together.
#[inline(never)]
pub fn g(class: impl Into<AttrValue>) -> El {
    create("g", class.into())
}

/// A whole number with thin spaces: `1 234`.
pub fn group(value: u64) -> String {
    grouped(value, '\u{2009}')
}

/// Path data.
#[derive(Default)]
pub struct D(pub String);

impl D {
    #[inline(never)]
    fn op(mut self, op: char, numbers: &[f32]) -> Self {
        self.0.push(op);
        for (i, &n) in numbers.iter().enumerate() {
            if i > 0 {
                self.0.push(' ');
            }
            push_num(&mut self.0, n);
        }
        self
    }

    pub fn m(self, p: P) -> Self {
        self.op('M', &[p.0, p.1])
    }

    pub fn l(self, p: P) -> Self {
        self.op('L', &[p.0, p.1])
    }

    pub fn q(self, c: P, p: P) -> Self {
        self.op('Q', &[c.0, c.1, p.0, p.1])
    }

    pub fn c(self, a: P, b: P, p: P) -> Self {
        self.op('C', &[a.0, a.1, b.0, b.1, p.0, p.1])
    }

    /// A circular arc; `large` the long way round, `cw` clockwise on screen.
    pub fn arc(self, r: f32, large: bool, cw: bool, p: P) -> Self {
        self.op(
            'A',
            &[
                r,
                r,
                0.0,
                f32::from(u8::from(large)),
                f32::from(u8::from(cw)),
                p.0,
                p.1,
            ],
        )
    }

    pub fn z(mut self) -> Self {
        self.0.push('Z');
        self
    }
}

/// The way of path data made by `D::m`, `l`, `q` and `c`: its length, and points on it that are equally far from each other,
/// `pieces(length)` and one. The browser's `getPointAtLength` where there is no browser.
#[cfg(not(target_arch = "wasm32"))]
pub fn walk(d: &str, pieces: fn(f32) -> usize) -> (f32, Vec<P>) {
    let fine = flat(d);
    let far = |a: P, b: P| (b.0 - a.0).hypot(b.1 - a.1);
    let len: f32 = fine.windows(2).map(|w| far(w[0], w[1])).sum();
    let n = pieces(len);
    let mut out = Vec::with_capacity(n + 1);
    let (mut at, mut gone) = (0, 0.0);
    for k in 0..=n {
        let s = len * k as f32 / n as f32;
        while at + 2 < fine.len() && gone + far(fine[at], fine[at + 1]) < s {
            gone += far(fine[at], fine[at + 1]);
            at += 1;
        }
        let Some((&a, &b)) = fine.get(at).zip(fine.get(at + 1)) else {
            break;
        };
        let t = (s - gone) / far(a, b).max(f32::EPSILON);
        out.push((a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t));
    }
    (len, out)
}

/// Path data as a line of many short pieces.
#[cfg(not(target_arch = "wasm32"))]
fn flat(d: &str) -> Vec<P> {
    const PIECES: usize = 64;
    let mut out: Vec<P> = Vec::new();
    for part in d
        .split_inclusive(|c: char| c.is_ascii_alphabetic())
        .skip(1)
        .zip(ops(d))
    {
        let (numbers, op) = part;
        let numbers = numbers.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let numbers: Vec<f32> = numbers.split(' ').filter_map(|n| n.parse().ok()).collect();
        let points: Vec<P> = numbers.chunks_exact(2).map(|p| (p[0], p[1])).collect();
        let from = out.last().copied();
        match (op, from, points.as_slice()) {
            ('Q', Some(p0), &[c, p1]) => {
                // A quadratic curve as the cubic one that it is.
                let near = |p: P| (p.0 + (c.0 - p.0) * 2.0 / 3.0, p.1 + (c.1 - p.1) * 2.0 / 3.0);
                out.extend((1..=PIECES).map(|i| cubic([p0, near(p0), near(p1), p1], i, PIECES)));
            }
            ('C', Some(p0), &[a, b, p1]) => {
                out.extend((1..=PIECES).map(|i| cubic([p0, a, b, p1], i, PIECES)));
            }
            (_, _, points) => out.extend(points),
        }
    }
    out
}

#[cfg(not(target_arch = "wasm32"))]
fn ops(d: &str) -> impl Iterator<Item = char> + '_ {
    d.chars().filter(char::is_ascii_alphabetic)
}

#[cfg(not(target_arch = "wasm32"))]
fn cubic(p: [P; 4], i: usize, n: usize) -> P {
    let t = i as f32 / n as f32;
    let u = 1.0 - t;
    let weights = [u * u * u, 3.0 * u * u * t, 3.0 * u * t * t, t * t * t];
    let sum = |of: fn(&P) -> f32| p.iter().zip(weights).map(|(p, w)| of(p) * w).sum();
    (sum(|p| p.0), sum(|p| p.1))
}

#[inline(never)]
pub fn path(class: &'static str, d: D) -> El {
    create("path", class.into()).a("d", d.0)
}

#[inline(never)]
pub fn rect(class: &'static str, x: f32, y: f32, w: f32, h: f32, r: f32) -> El {
    let rect = create("rect", class.into())
        .n("x", x)
        .n("y", y)
        .n("width", w)
        .n("height", h);
    if r > 0.0 { rect.n("rx", r) } else { rect }
}

#[inline(never)]
pub fn circle(class: &'static str, c: P, r: f32) -> El {
    create("circle", class.into())
        .n("cx", c.0)
        .n("cy", c.1)
        .n("r", r)
}

#[inline(never)]
pub fn line(class: &'static str, a: P, b: P) -> El {
    create("line", class.into())
        .n("x1", a.0)
        .n("y1", a.1)
        .n("x2", b.0)
        .n("y2", b.1)
}

#[inline(never)]
pub fn text(class: impl Into<AttrValue>, x: f32, y: f32, s: impl Into<AttrValue>) -> El {
    words(class.into(), x, y, s.into())
}

#[inline(never)]
fn words(class: AttrValue, x: f32, y: f32, s: AttrValue) -> El {
    create("text", class).n("x", x).n("y", y).text(s)
}

/// `translate(x y)` and, where it is not zero, a turn in degrees.
pub fn place(x: f32, y: f32, turn: f32) -> String {
    let mut s = String::from("translate(");
    push_num(&mut s, x);
    s.push(' ');
    push_num(&mut s, y);
    s.push(')');
    if turn != 0.0 {
        s.push_str("rotate(");
        push_num(&mut s, turn);
        s.push(')');
    }
    s
}

/// Sine and cosine of degrees. In the page the browser's own: those of the standard library are large.
#[inline(never)]
pub fn sin_cos(deg: f32) -> (f32, f32) {
    let radians = f64::from(deg.to_radians());
    #[cfg(target_arch = "wasm32")]
    let (sin, cos) = (js_sys::Math::sin(radians), js_sys::Math::cos(radians));
    #[cfg(not(target_arch = "wasm32"))]
    let (sin, cos) = radians.sin_cos();
    (sin as f32, cos as f32)
}

/// The direction of a way that goes `dx` to the right and `dy` down, in degrees: 0 to the right, 90 down.
pub fn degrees(dy: f32, dx: f32) -> f32 {
    let (dy, dx) = (f64::from(dy), f64::from(dx));
    #[cfg(target_arch = "wasm32")]
    let radians = js_sys::Math::atan2(dy, dx);
    #[cfg(not(target_arch = "wasm32"))]
    let radians = dy.atan2(dx);
    (radians as f32).to_degrees()
}

/// An angle without its whole turns.
pub fn turn(deg: f32) -> f32 {
    deg - (deg / 360.0).floor() * 360.0
}

/// The point at `deg` degrees clockwise from 12 o'clock.
#[inline(never)]
pub fn polar(c: P, r: f32, deg: f32) -> P {
    let (sin, cos) = sin_cos(deg);
    (c.0 + r * sin, c.1 - r * cos)
}

/// An open arc, clockwise from `a` over `sweep` degrees.
pub fn arc(c: P, r: f32, a: f32, sweep: f32) -> D {
    let start = D::default().m(polar(c, r, a));
    if sweep >= 359.9 {
        let half = polar(c, r, a + 180.0);
        return start
            .arc(r, false, true, half)
            .arc(r, false, true, polar(c, r, a + 359.9));
    }
    start.arc(r, sweep > 180.0, true, polar(c, r, a + sweep))
}

/// A bead of the ring: the band between two radii from `a` over `sweep` degrees, with round corners and `gap` between beads.
/// `saw` gives its first edge teeth.
pub fn bead(
    c: P,
    (r0, r1): (f32, f32),
    (a, sweep): (f32, f32),
    gap: f32,
    corner: f32,
    saw: bool,
) -> D {
    let deg = |len: f32, r: f32| (len / r).to_degrees();
    let inner_len = (sweep.to_radians() * r0 - gap).max(0.2);
    let k = corner.min(inner_len / 2.0).min((r1 - r0) / 2.0);
    let (a1, b1) = (a + deg(gap / 2.0, r1), a + sweep - deg(gap / 2.0, r1));
    let (a0, b0) = (
        a + deg(gap / 2.0, r0),
        (a + sweep - deg(gap / 2.0, r0)).max(a + deg(gap / 2.0, r0) + 0.02),
    );
    let (k1, k0) = (deg(k, r1), deg(k, r0));
    let long = sweep > 181.0;
    let mut d = D::default();
    d = if saw {
        d.m(polar(c, r1, a1))
    } else {
        d.m(polar(c, r1, a1 + k1))
    };
    d = d
        .arc(r1, long, true, polar(c, r1, b1 - k1))
        .q(polar(c, r1, b1), polar(c, r1 - k, b1));
    d = d
        .l(polar(c, r0 + k, b0))
        .q(polar(c, r0, b0), polar(c, r0, b0 - k0));
    if saw {
        d = d.arc(r0, long, false, polar(c, r0, a0));
        let teeth = 4;
        let step = (r1 - r0) / teeth as f32;
        for i in 0..teeth {
            let r = r0 + step * i as f32;
            let tip = deg(4.5_f32.min(inner_len), r + step / 2.0);
            d = d
                .l(polar(c, r + step / 2.0, a + tip))
                .l(polar(c, r + step, a1));
        }
        return d.z();
    }
    d = d
        .arc(r0, long, false, polar(c, r0, a0 + k0))
        .q(polar(c, r0, a0), polar(c, r0 + k, a0));
    d.l(polar(c, r1 - k, a1))
        .q(polar(c, r1, a1), polar(c, r1, a1 + k1))
        .z()
}

/// How wide a text is about, at a size of 1: wide characters count full, others by the given advance.
pub fn width(s: &str, advance: f32) -> f32 {
    s.chars()
        .map(|c| {
            if c >= '\u{2e80}' {
                1.0
            } else if c == '\u{2009}' {
                0.2
            } else {
                advance
            }
        })
        .sum()
}

/// At most `max` characters; the last one an ellipsis where some are left out.
pub fn short(s: &str, max: usize) -> String {
    if s.chars().count() <= max {
        return s.into();
    }
    let mut out: String = s.chars().take(max.saturating_sub(1)).collect();
    out.push('…');
    out
}

/// Text along a circle, centred on `mid` degrees: each character gets its own place and turn, at
/// `advance` of the size (0.6 in a monospace). Reads
/// clockwise on the upper half and the other way on the lower one, so that it is never upside down.
pub fn curved(class: &'static str, c: P, r: f32, mid: f32, s: &str, size: f32, advance: f32) -> El {
    let mid = turn(mid);
    let flip = mid > 112.0 && mid < 262.0;
    let total = width(s, advance) * size;
    let radius = if flip {
        r + size * 0.34
    } else {
        r - size * 0.34
    };
    let (mut xs, mut ys, mut turns) = (String::new(), String::new(), String::new());
    let mut at = -total / 2.0;
    for ch in s.chars() {
        let w = width(ch.encode_utf8(&mut [0; 4]), advance) * size;
        let off = ((at + w / 2.0) / r).to_degrees();
        let deg = if flip { mid - off } else { mid + off };
        // A turned character hangs on its start, not its middle: step back half its width.
        let turn = if flip { deg + 180.0 } else { deg };
        let p = polar(c, radius, deg);
        let back = polar((0.0, 0.0), w / 2.0, turn - 90.0);
        push_num(&mut xs, p.0 + back.0);
        push_num(&mut ys, p.1 + back.1);
        push_num(&mut turns, turn);
        for list in [&mut xs, &mut ys, &mut turns] {
            list.push(' ');
        }
        at += w;
    }
    create("text", class.into())
        .a("x", xs)
        .a("y", ys)
        .a("rotate", turns)
        .text(s.to_string())
}

/// The same, on a strip of the card's colour, for text over lines.
pub fn curved_over(
    class: &'static str,
    c: P,
    r: f32,
    mid: f32,
    s: &str,
    size: f32,
    advance: f32,
) -> El {
    let sweep = ((width(s, advance) * size + 8.0) / r).to_degrees();
    g("")
        .put(path("veil", arc(c, r, mid - sweep / 2.0, sweep)))
        .put(curved(class, c, r, mid, s, size, advance))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(num(12.34), "12.3");
        assert_eq!(num(-0.5), "-0.5");
        assert_eq!(num(7.0), "7");
        assert_eq!(group(1_234_567), "1\u{2009}234\u{2009}567");
        assert_eq!(group(999), "999");
    }

    #[test]
    fn a_way_is_walked_in_equal_steps() {
        let d = D::default()
            .m((0.0, 0.0))
            .l((30.0, 0.0))
            .q((40.0, 0.0), (40.0, 10.0));
        let d = d.c((40.0, 20.0), (40.0, 30.0), (40.0, 40.0)).0;
        let (len, points) = walk(&d, |len| (len / 4.0).ceil() as usize);
        // The quarter of a parabola is 16.23 long.
        assert!((len - 76.23).abs() < 0.05, "{len}");
        assert_eq!(points.len(), 21);
        let last = points[20];
        assert!((last.0 - 40.0).abs() < 0.01 && (last.1 - 40.0).abs() < 0.01);
        for w in points.windows(2) {
            let far = (w[1].0 - w[0].0).hypot(w[1].1 - w[0].1);
            assert!((far - len / 20.0).abs() < 0.15, "{far}");
        }
    }

    #[test]
    fn zero_degrees_is_twelve_o_clock() {
        let (x, y) = polar((0.0, 0.0), 10.0, 0.0);
        assert!(x.abs() < 1e-9 && (y + 10.0).abs() < 1e-9);
    }
}
