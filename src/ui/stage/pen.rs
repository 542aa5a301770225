//! The pen: elements without macros, short numbers, arcs. Built by hand because one function call here costs a few
//! bytes of wasm where each `html!` costs hundreds.

use std::rc::Rc;
use yew::virtual_dom::{AttrValue, VNode, VTag, VText};

/// A point of the drawing, in its own units.
pub type P = (f64, f64);

/// An element under construction. A pointer, and its methods are never inlined: the drawing has thousands of calls.
pub struct El(Rc<VTag>);

pub fn el(tag: &'static str, class: impl Into<AttrValue>) -> El {
    create(tag, class.into())
}

#[inline(never)]
fn create(tag: &'static str, class: AttrValue) -> El {
    let mut tag = VTag::new(tag);
    if !class.is_empty() {
        tag.add_attribute("class", class);
    }
    El(Rc::new(tag))
}

pub fn g(class: impl Into<AttrValue>) -> El {
    create("g", class.into())
}

impl El {
    pub fn a(self, key: &'static str, value: impl Into<AttrValue>) -> Self {
        self.set(key, value.into())
    }

    #[inline(never)]
    fn set(mut self, key: &'static str, value: AttrValue) -> Self {
        // The only pointer to it, always.
        if let Some(tag) = Rc::get_mut(&mut self.0) {
            tag.add_attribute(key, value);
        }
        self
    }

    /// A number, with one decimal.
    #[inline(never)]
    pub fn n(self, key: &'static str, value: f64) -> Self {
        self.set(key, num(value).into())
    }

    #[inline(never)]
    pub fn key(mut self, key: &str) -> Self {
        if let Some(tag) = Rc::get_mut(&mut self.0) {
            tag.key = Some(key.into());
        }
        self
    }

    #[inline(never)]
    pub fn put(self, child: Self) -> Self {
        self.child(VNode::VTag(child.0))
    }

    #[inline(never)]
    fn child(mut self, child: VNode) -> Self {
        if let Some(tag) = Rc::get_mut(&mut self.0) {
            tag.add_child(child);
        }
        self
    }

    pub fn put_if(self, child: Option<Self>) -> Self {
        match child {
            Some(child) => self.put(child),
            None => self,
        }
    }

    #[inline(never)]
    pub fn all(mut self, children: Vec<VNode>) -> Self {
        if let Some(tag) = Rc::get_mut(&mut self.0) {
            tag.add_children(children);
        }
        self
    }

    pub fn text(self, text: impl Into<AttrValue>) -> Self {
        self.words(text.into())
    }

    #[inline(never)]
    fn words(self, text: AttrValue) -> Self {
        self.child(VText::new(text).into())
    }

    #[inline(never)]
    pub fn title(self, text: String) -> Self {
        self.put(create("title", AttrValue::Static("")).words(text.into()))
    }

    pub fn node(self) -> VNode {
        self.into()
    }
}

impl From<El> for VNode {
    fn from(el: El) -> Self {
        Self::VTag(el.0)
    }
}

/// At most one decimal, `12.3`, `-0.5`, `7`. Not `format!`: the float printer of the standard library is large.
pub fn num(value: f64) -> String {
    let mut out = String::new();
    push_num(&mut out, value);
    out
}

pub fn push_num(out: &mut String, value: f64) {
    let tenths = (value * 10.0).round() as i64;
    if tenths < 0 {
        out.push('-');
    }
    let tenths = tenths.unsigned_abs();
    push_int(out, tenths / 10);
    if !tenths.is_multiple_of(10) {
        out.push('.');
        out.push((b'0' + (tenths % 10) as u8) as char);
    }
}

pub fn push_int(out: &mut String, mut value: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    for &d in &digits[at..] {
        out.push(d as char);
    }
}

/// A whole number with thin spaces: `1 234`.
pub fn group(value: u64) -> String {
    let mut plain = String::new();
    push_int(&mut plain, value);
    let n = plain.len();
    let mut out = String::with_capacity(n + n / 3 * 3);
    for (i, c) in plain.chars().enumerate() {
        if i > 0 && (n - i).is_multiple_of(3) {
            out.push('\u{2009}');
        }
        out.push(c);
    }
    out
}

/// Path data.
#[derive(Default)]
pub struct D(pub String);

impl D {
    #[inline(never)]
    fn op(mut self, op: char, numbers: &[f64]) -> Self {
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
    pub fn arc(self, r: f64, large: bool, cw: bool, p: P) -> Self {
        self.op(
            'A',
            &[
                r,
                r,
                0.0,
                f64::from(u8::from(large)),
                f64::from(u8::from(cw)),
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

#[inline(never)]
pub fn path(class: &'static str, d: D) -> El {
    create("path", class.into()).set("d", d.0.into())
}

#[inline(never)]
pub fn rect(class: &'static str, x: f64, y: f64, w: f64, h: f64, r: f64) -> El {
    let rect = create("rect", class.into())
        .n("x", x)
        .n("y", y)
        .n("width", w)
        .n("height", h);
    if r > 0.0 { rect.n("rx", r) } else { rect }
}

#[inline(never)]
pub fn circle(class: &'static str, c: P, r: f64) -> El {
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

pub fn text(class: impl Into<AttrValue>, x: f64, y: f64, s: impl Into<AttrValue>) -> El {
    write(class.into(), x, y, s.into())
}

#[inline(never)]
fn write(class: AttrValue, x: f64, y: f64, s: AttrValue) -> El {
    create("text", class).n("x", x).n("y", y).words(s)
}

/// `translate(x y)` and, where it is not zero, a turn in degrees.
pub fn place(x: f64, y: f64, turn: f64) -> String {
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

/// The point at `deg` degrees clockwise from 12 o'clock.
#[inline(never)]
pub fn polar(c: P, r: f64, deg: f64) -> P {
    let (sin, cos) = deg.to_radians().sin_cos();
    (c.0 + r * sin, c.1 - r * cos)
}

/// An open arc, clockwise from `a` over `sweep` degrees.
pub fn arc(c: P, r: f64, a: f64, sweep: f64) -> D {
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
    (r0, r1): (f64, f64),
    (a, sweep): (f64, f64),
    gap: f64,
    corner: f64,
    saw: bool,
) -> D {
    let deg = |len: f64, r: f64| (len / r).to_degrees();
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
        let step = (r1 - r0) / f64::from(teeth);
        for i in 0..teeth {
            let r = r0 + step * f64::from(i);
            let tip = deg(4.5_f64.min(inner_len), r + step / 2.0);
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
pub fn width(s: &str, advance: f64) -> f64 {
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
pub fn curved(class: &'static str, c: P, r: f64, mid: f64, s: &str, size: f64, advance: f64) -> El {
    let mid = mid.rem_euclid(360.0);
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
    r: f64,
    mid: f64,
    s: &str,
    size: f64,
    advance: f64,
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
    fn zero_degrees_is_twelve_o_clock() {
        let (x, y) = polar((0.0, 0.0), 10.0, 0.0);
        assert!(x.abs() < 1e-9 && (y + 10.0).abs() < 1e-9);
    }
}
