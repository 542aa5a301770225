//! The needle: the first byte of a `PSYNC` that nobody sends, as a handle on the ring or on the line, for the pointer, a
//! finger and the keyboard. What it is turned to is told as a line, like that of any button.

use super::layer::over;
use super::pen::{D, El, P, circle, el, g, int, line, num, path, place, polar};
use super::place::Scene;
use super::ring::Dial;
use crate::sim::snapshot::NodeView;
use crate::ui::dom::within;

/// Where it stands, and how far it goes.
pub struct Needle {
    /// What its line begins with: `face-byte`.
    pub verb: &'static str,
    pub byte: u64,
    /// The least and the most that it goes to: what was overwritten lately, and a bit more than is written.
    pub low: u64,
    pub high: u64,
    /// First bytes of the commands before and after, and both ends of what is kept.
    before: u64,
    after: u64,
    first: u64,
    next: u64,
    dial: Dial,
    label: &'static str,
    /// The answer, for the ear.
    says: String,
}

impl Needle {
    /// On byte `byte` of the ring of `n`; none where there is no ring.
    pub fn new(
        n: &NodeView,
        (verb, byte): (&'static str, u64),
        label: &'static str,
        says: String,
    ) -> Option<Self> {
        let b = &n.backlog;
        let (first, next) = (b.first, n.offset + 1);
        if !b.active || b.size == 0 {
            return None;
        }
        // The next command begins at the next byte.
        let starts = || b.cells.iter().map(|c| c.from.max(first)).chain([next]);
        let beyond = (b.size / 4).max(8);
        Some(Self {
            verb,
            byte,
            low: byte.min(first.saturating_sub(beyond)).max(1),
            high: byte.max(next + beyond),
            before: starts().rfind(|s| *s < byte).unwrap_or(byte),
            after: starts().find(|s| *s > byte).unwrap_or(byte),
            first,
            next,
            dial: Dial::of(b),
            label,
            says,
        })
    }

    /// The line of a key on it.
    fn key(&self, key: &str) -> Option<u64> {
        let to = match key {
            "ArrowLeft" | "ArrowDown" => self.byte.saturating_sub(1),
            "ArrowRight" | "ArrowUp" => self.byte + 1,
            "PageDown" => self.before,
            "PageUp" => self.after,
            "Home" => self.first,
            "End" => self.next,
            _ => return None,
        };
        Some(to.clamp(self.low, self.high))
    }

    /// What the listener reads and the ear hears; `on` is `ring` or `line`.
    pub fn slider(&self, out: El, on: &'static str) -> El {
        let mut keys = String::new();
        for key in KEYS {
            if !keys.is_empty() {
                keys.push(' ');
            }
            keys.push_str(&int(self.key(key).unwrap_or(self.byte)));
        }
        // A press on it is not one on what lies below.
        out.does("")
            .a("role", "slider")
            .a("tabindex", "0")
            .a("aria-label", self.label)
            .a("aria-valuemin", int(self.low))
            .a("aria-valuemax", int(self.high))
            .a("aria-valuenow", int(self.byte))
            .a("aria-valuetext", self.says.clone())
            .a("data-hand", on)
            .a("data-verb", self.verb)
            .a("data-keys", keys)
            .a("data-size", int(self.dial.bytes()))
            .a("data-slot", int(self.dial.slot(self.byte as i64)))
    }
}

/// The keys of a slider, in the order of `data-keys`.
pub const KEYS: [&str; 8] = [
    "ArrowLeft",
    "ArrowDown",
    "ArrowRight",
    "ArrowUp",
    "PageDown",
    "PageUp",
    "Home",
    "End",
];

/// The byte when the hand on `byte`, which lies in `slot`, is turned to the slot `to` of a ring of `size`: the nearer way
/// round, no further than `low` and `high`.
pub fn turned(byte: u64, size: u64, slot: u64, to: u64, (low, high): (u64, u64)) -> u64 {
    let size = size.max(1);
    let on = (to + size - slot % size) % size;
    let byte = if on * 2 <= size {
        byte + on
    } else {
        byte.saturating_sub(size - on)
    };
    byte.clamp(low, high)
}

/// What is taken hold of: a knob that says in which directions it goes, with room for a finger.
fn grip(at: P, turn: f32) -> [El; 3] {
    let tips = D::default()
        .m((-2.6, -3.4))
        .l((-6.0, 0.0))
        .l((-2.6, 3.4))
        .m((2.6, -3.4))
        .l((6.0, 0.0))
        .l((2.6, 3.4));
    [
        circle("touch", at, 24.0),
        circle("grip", at, 10.5),
        path("tips", tips).a("transform", place(at.0, at.1, turn)),
    ]
}

/// On the ring of the drum: a drawing over the drawing, since that one is nothing for ears and keys.
#[inline(never)]
pub fn on_ring(scene: &Scene, needle: &Needle) -> El {
    let (c, (r0, r1)) = (scene.ring, scene.band);
    let deg = needle.dial.deg(needle.byte as i64);
    let stick = line("", polar(c, r0 - 9.0, deg), polar(c, r1 + 9.0, deg));
    let [touch, knob, tips] = grip(polar(c, (r0 + r1) / 2.0, deg), deg);
    let hand = g("hand")
        .put(touch)
        .put(circle("dial", c, r1))
        .put(stick)
        .put(knob)
        .put(tips);
    over(scene).put(needle.slider(hand, "ring"))
}

/// How bytes lie on a line: which is the first, how many there are, and how many percent stay free at each end.
pub struct Scale {
    pub low: u64,
    pub bytes: u64,
    pub left: f32,
}

/// On a line, so many pixels below its top. The listener reads the scale from the attributes.
#[inline(never)]
pub fn on_line(needle: &Needle, scale: &Scale, y: f32) -> El {
    let wide = 100.0 - 2.0 * scale.left;
    let part = needle.byte.saturating_sub(scale.low) as f32 * wide / scale.bytes.max(1) as f32;
    let x = within(scale.left + part, 0.5, 99.5);
    let mut at = el("svg overflow=visible").a("x", [&num(x), "%"].concat());
    for part in grip((0.0, y), 0.0) {
        at = at.put(part);
    }
    let hand = el("g hand")
        .a("data-low", int(scale.low))
        .a("data-bytes", int(scale.bytes))
        .a("data-left", int(scale.left as u64))
        .put(at);
    el("svg over focusable=false").put(needle.slider(hand, "line"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Cluster, Options};

    #[test]
    fn it_is_turned_the_nearer_way_and_no_further_than_it_goes() {
        let ends = (80, 220);
        assert_eq!(turned(100, 128, 99, 109, ends), 110);
        assert_eq!(turned(100, 128, 99, 89, ends), 90);
        assert_eq!(turned(100, 128, 99, 69, ends), 80, "not below the least");
        assert_eq!(
            turned(120, 128, 119, 3, ends),
            132,
            "past the top of the ring"
        );
        assert_eq!(turned(210, 128, 81, 121, ends), 220);
        assert_eq!(turned(7, 0, 0, 0, (1, 9)), 7, "no ring, no movement");
    }

    #[test]
    fn keys_go_by_bytes_by_commands_and_to_the_ends() {
        let mut world = Cluster::ready(Options::default());
        for key in ["one", "two", "three"] {
            world.exec("m", &["SET", key, "x"]);
        }
        let s = world.snapshot();
        let n = &s.nodes[0];
        let starts: Vec<u64> = n.backlog.cells.iter().map(|c| c.from).collect();
        let at = |byte| Needle::new(n, ("b", byte), "", String::new()).expect("m has a ring");
        let (second, third) = (starts[starts.len() - 2], starts[starts.len() - 1]);
        assert_eq!(at(second).key("ArrowRight"), Some(second + 1));
        assert_eq!(at(second).key("PageUp"), Some(third));
        assert_eq!(at(third).key("PageDown"), Some(second));
        assert_eq!(at(third).key("PageUp"), Some(n.offset + 1), "the next byte");
        let ahead = at(n.offset + 5);
        assert_eq!(ahead.key("PageDown"), Some(n.offset + 1), "and back to it");
        assert_eq!(ahead.key("PageUp"), Some(n.offset + 5), "nothing further");
        assert_eq!(at(second).key("Home"), Some(n.backlog.first));
        assert_eq!(at(1).key("ArrowLeft"), Some(1), "no byte before the first");
        assert_eq!(at(9_999).high, 9_999, "as far as somebody typed");
        assert_eq!(at(second).key("x"), None);
    }
}
