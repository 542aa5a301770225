//! Elements where there is no browser: the part of Yew's that `dom` builds with, as values that print themselves as XML.

use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;

pub type AttrValue = Cow<'static, str>;

/// Nothing is mounted, so nothing is pointed at.
#[derive(Clone, Debug, Default)]
pub struct NodeRef;

#[derive(Clone, Debug)]
pub struct VTag {
    tag: &'static str,
    attributes: Vec<(&'static str, AttrValue)>,
    children: Vec<VNode>,
    pub key: Option<String>,
    pub node_ref: NodeRef,
}

#[derive(Clone, Debug)]
pub struct VText(AttrValue);

#[derive(Clone, Debug, Default)]
pub struct VList(Vec<VNode>);

#[derive(Clone, Debug)]
#[expect(clippy::enum_variant_names, reason = "the names are Yew's")]
pub enum VNode {
    VTag(Rc<VTag>),
    VText(VText),
    VList(Rc<VList>),
}

impl Default for VNode {
    fn default() -> Self {
        Self::VList(Rc::default())
    }
}

impl VTag {
    pub fn new(tag: &'static str) -> Self {
        Self {
            tag,
            attributes: Vec::new(),
            children: Vec::new(),
            key: None,
            node_ref: NodeRef,
        }
    }

    pub fn add_attribute(&mut self, key: &'static str, value: AttrValue) {
        self.attributes.push((key, value));
    }

    pub fn set_value(&mut self, value: AttrValue) {
        self.add_attribute("value", value);
    }

    pub fn add_child(&mut self, child: VNode) {
        self.children.push(child);
    }
}

impl VText {
    pub fn new(text: AttrValue) -> Self {
        Self(text)
    }
}

impl From<VText> for VNode {
    fn from(text: VText) -> Self {
        Self::VText(text)
    }
}

impl VList {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn add_child(&mut self, child: VNode) {
        self.0.push(child);
    }
}

/// Text for XML, also inside of quotes. What XML cannot hold is left out.
fn escaped(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    use fmt::Write;
    for c in text.chars() {
        match c {
            '&' => f.write_str("&amp;")?,
            '<' => f.write_str("&lt;")?,
            '>' => f.write_str("&gt;")?,
            '"' => f.write_str("&quot;")?,
            '\0'..=' ' if !matches!(c, ' ' | '\t' | '\n') => {}
            '\u{fffe}' | '\u{ffff}' => {}
            c => f.write_char(c)?,
        }
    }
    Ok(())
}

impl fmt::Display for VNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::VTag(tag) => tag.fmt(f),
            Self::VText(text) => escaped(f, &text.0),
            Self::VList(list) => list.0.iter().try_for_each(|node| node.fmt(f)),
        }
    }
}

impl fmt::Display for VTag {
    /// Without what only the page's own scripts read (`data-…`).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}", self.tag)?;
        for (i, (key, value)) in self.attributes.iter().enumerate() {
            let again = self.attributes[i + 1..].iter().any(|(k, _)| k == key);
            if key.starts_with("data-") || again {
                continue;
            }
            write!(f, " {key}=\"")?;
            escaped(f, value)?;
            f.write_str("\"")?;
        }
        if self.children.is_empty() {
            return f.write_str("/>");
        }
        f.write_str(">")?;
        self.children.iter().try_for_each(|child| child.fmt(f))?;
        write!(f, "</{}>", self.tag)
    }
}
