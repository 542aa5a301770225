//! Elements without macros: one call costs a few bytes of wasm where each `html!` costs hundreds. An element begins as a
//! line of text, `button plain only data-do=help`: tag, classes, fixed attributes; the rest is chained to it.

#[cfg(not(target_arch = "wasm32"))]
pub use super::plain::AttrValue;
#[cfg(not(target_arch = "wasm32"))]
use super::plain::{NodeRef, VList, VNode, VTag, VText};
use std::rc::Rc;
#[cfg(target_arch = "wasm32")]
use yew::NodeRef;
#[cfg(target_arch = "wasm32")]
pub use yew::virtual_dom::AttrValue;
#[cfg(target_arch = "wasm32")]
use yew::virtual_dom::{VList, VNode, VTag, VText};

/// An element under construction: a pointer, so that handing it on is cheap. Its methods are never inlined: the page has
/// more than a thousand calls.
pub struct El(Rc<VTag>);

/// An element from its line. A word with `=` begins the attributes; their values have no spaces.
#[inline(never)]
pub fn el(line: &'static str) -> El {
    let attributes = line
        .find('=')
        .map_or(line.len(), |at| line.split_at(at).0.rfind(' ').unwrap_or(0));
    let (names, attributes) = line.split_at(attributes);
    let (tag, class) = names.split_once(' ').unwrap_or((names, ""));
    let mut out = create(tag, class.into());
    for word in attributes.split(' ') {
        if let Some((key, value)) = word.split_once('=') {
            out = out.set(key, value.into());
        }
    }
    out
}

/// An element with nothing but text in it.
#[inline(never)]
pub fn leaf(line: &'static str, text: impl Into<AttrValue>) -> El {
    el(line).words(text.into())
}

/// An element whose class is only known now.
#[inline(never)]
pub fn create(tag: &'static str, class: AttrValue) -> El {
    let out = El(Rc::new(VTag::new(tag)));
    if class.is_empty() {
        out
    } else {
        out.set("class", class)
    }
}

impl El {
    fn tag(&mut self) -> &mut VTag {
        // The only pointer to it, always: nothing is cloned here.
        Rc::make_mut(&mut self.0)
    }

    #[inline(never)]
    pub fn a(self, key: &'static str, value: impl Into<AttrValue>) -> Self {
        self.set(key, value.into())
    }

    #[inline(never)]
    fn set(mut self, key: &'static str, value: AttrValue) -> Self {
        self.tag().add_attribute(key, value);
        self
    }

    /// A number, with one decimal.
    #[inline(never)]
    pub fn n(self, key: &'static str, value: f32) -> Self {
        self.set(key, num(value).into())
    }

    /// The classes whose condition holds.
    #[inline(never)]
    pub fn class(self, names: &[(&'static str, bool)]) -> Self {
        let mut class = String::new();
        for (name, on) in names {
            if *on {
                if !class.is_empty() {
                    class.push(' ');
                }
                class.push_str(name);
            }
        }
        if class.is_empty() {
            self
        } else {
            self.set("class", class.into())
        }
    }

    /// What a click on it means: a line for `App::act`.
    #[inline(never)]
    pub fn does(self, line: impl Into<AttrValue>) -> Self {
        self.set("data-do", line.into())
    }

    #[inline(never)]
    pub fn pressed(self, on: bool) -> Self {
        self.set("aria-pressed", if on { "true" } else { "false" }.into())
    }

    /// The same words for the pointer and for the ear.
    #[inline(never)]
    pub fn named(self, name: &'static str) -> Self {
        self.set("title", name.into())
            .set("aria-label", name.into())
    }

    #[inline(never)]
    pub fn key(mut self, key: &str) -> Self {
        self.tag().key = Some(key.into());
        self
    }

    /// A key for an element of a list that only grows at its end.
    #[inline(never)]
    pub fn nth(self, index: usize) -> Self {
        self.key(&int(index as u64))
    }

    #[inline(never)]
    pub fn at(mut self, node: &NodeRef) -> Self {
        self.tag().node_ref = node.clone();
        self
    }

    /// What an input holds.
    #[inline(never)]
    pub fn value(mut self, value: &str) -> Self {
        self.tag().set_value(AttrValue::from(value.to_string()));
        self
    }

    #[inline(never)]
    pub fn put(self, child: Self) -> Self {
        self.child(VNode::VTag(child.0))
    }

    #[inline(never)]
    pub fn child(mut self, child: VNode) -> Self {
        self.tag().add_child(child);
        self
    }

    /// A child that may be missing; its place among its siblings stays.
    #[inline(never)]
    pub fn slot(self, child: Option<Self>) -> Self {
        self.child(child.map_or_else(VNode::default, Self::node))
    }

    /// Children that come and go, each with its key.
    #[inline(never)]
    pub fn list(self, children: Vec<Self>) -> Self {
        let mut list = VList::new();
        for child in children {
            list.add_child(child.node());
        }
        self.child(VNode::VList(Rc::new(list)))
    }

    #[inline(never)]
    pub fn text(self, text: impl Into<AttrValue>) -> Self {
        self.words(text.into())
    }

    #[inline(never)]
    fn words(self, text: AttrValue) -> Self {
        self.child(VText::new(text).into())
    }

    #[inline(never)]
    pub fn put_if(self, child: Option<Self>) -> Self {
        match child {
            Some(child) => self.put(child),
            None => self,
        }
    }

    /// What a shape says when the pointer rests on it.
    #[inline(never)]
    pub fn title(self, text: String) -> Self {
        self.put(leaf("title", text))
    }

    pub fn node(self) -> VNode {
        VNode::VTag(self.0)
    }
}

/// `x`, or the nearest that is between the two. Not `f32::clamp`: its complaint about wrong limits prints floats.
pub fn within(x: f32, low: f32, high: f32) -> f32 {
    if x < low {
        low
    } else if x > high {
        high
    } else {
        x
    }
}

/// At most one decimal, `12.3`, `-0.5`, `7`. Not `format!`: the float printer of the standard library is large.
pub fn num(value: f32) -> String {
    let mut out = String::new();
    push_num(&mut out, value);
    out
}

#[inline(never)]
pub fn push_num(out: &mut String, value: f32) {
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

/// A whole number with `space` between thousands.
#[inline(never)]
pub fn grouped(value: u64, space: char) -> String {
    let digits = int(value);
    let mut out = String::with_capacity(digits.len() + 9);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(space);
        }
        out.push(c);
    }
    out
}

pub fn int(value: u64) -> String {
    let mut out = String::new();
    push_int(&mut out, value);
    out
}

#[inline(never)]
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
