//! What beads are drawn on: the browser's own elements in the page, and where there is none, elements that become part of
//! a picture.

#[cfg(not(target_arch = "wasm32"))]
pub use host::{Document, Element};
#[cfg(target_arch = "wasm32")]
pub use web_sys::{Document, Element};

#[cfg(target_arch = "wasm32")]
pub fn node(
    document: &Document,
    parent: &Element,
    tag: &'static str,
    class: &str,
) -> Option<Element> {
    let svg = Some("http://www.w3.org/2000/svg");
    let element = document.create_element_ns(svg, tag).ok()?;
    if !class.is_empty() {
        set(&element, "class", class);
    }
    parent.append_child(&element).ok()?;
    Some(element)
}

#[cfg(target_arch = "wasm32")]
pub fn set(element: &Element, key: &'static str, value: &str) {
    // A name or value that the browser refuses leaves the bead where it is.
    let _ = element.set_attribute(key, value);
}

#[cfg(target_arch = "wasm32")]
pub fn show(element: &Element) {
    let _ = element.remove_attribute("display");
}

#[cfg(not(target_arch = "wasm32"))]
pub use host::{node, set, show};

pub fn hide(element: &Element) {
    set(element, "display", "none");
}

#[cfg(not(target_arch = "wasm32"))]
mod host {
    use crate::ui::stage::pen::{El, create};
    use std::cell::RefCell;
    use std::rc::{Rc, Weak};

    /// There is none, and it makes nothing.
    pub struct Document;

    #[derive(Clone)]
    pub struct Element(Rc<Inner>);

    struct Inner {
        tag: &'static str,
        parent: Weak<Self>,
        attributes: RefCell<Vec<(&'static str, String)>>,
        text: RefCell<Option<String>>,
        children: RefCell<Vec<Element>>,
    }

    pub fn node(_: &Document, parent: &Element, tag: &'static str, class: &str) -> Option<Element> {
        let element = Element::new(tag, Rc::downgrade(&parent.0));
        if !class.is_empty() {
            set(&element, "class", class);
        }
        parent.0.children.borrow_mut().push(element.clone());
        Some(element)
    }

    pub fn set(element: &Element, key: &'static str, value: &str) {
        let mut attributes = element.0.attributes.borrow_mut();
        match attributes.iter_mut().find(|(k, _)| *k == key) {
            Some((_, old)) => *old = value.into(),
            None => attributes.push((key, value.into())),
        }
    }

    pub fn show(element: &Element) {
        element
            .0
            .attributes
            .borrow_mut()
            .retain(|(k, _)| *k != "display");
    }

    impl Element {
        fn new(tag: &'static str, parent: Weak<Inner>) -> Self {
            Self(Rc::new(Inner {
                tag,
                parent,
                attributes: RefCell::default(),
                text: RefCell::default(),
                children: RefCell::default(),
            }))
        }

        /// A group that stands in no other element.
        pub fn group() -> Self {
            Self::new("g", Weak::new())
        }

        pub fn parent_element(&self) -> Option<Self> {
            self.0.parent.upgrade().map(Self)
        }

        pub fn remove(&self) {
            if let Some(parent) = self.0.parent.upgrade() {
                let mut siblings = parent.children.borrow_mut();
                siblings.retain(|e| !Rc::ptr_eq(&e.0, &self.0));
            }
        }

        pub fn text_content(&self) -> Option<String> {
            self.0.text.borrow().clone()
        }

        pub fn set_text_content(&self, text: Option<&str>) {
            *self.0.text.borrow_mut() = text.map(Into::into);
        }

        /// What is in it, without what is hidden or empty.
        pub fn list(&self) -> Vec<El> {
            let children = self.0.children.borrow();
            children.iter().filter_map(Self::seen).collect()
        }

        fn seen(&self) -> Option<El> {
            let attributes = self.0.attributes.borrow();
            let children = self.list();
            if self.0.tag == "g" && children.is_empty() {
                return None;
            }
            if attributes
                .iter()
                .any(|(k, v)| *k == "display" && v == "none")
            {
                return None;
            }
            let mut out = create(self.0.tag, "".into());
            for (key, value) in attributes.iter().filter(|(_, v)| !v.is_empty()) {
                out = out.a(key, value.clone());
            }
            if let Some(text) = self.text_content() {
                out = out.text(text);
            }
            Some(out.list(children))
        }
    }
}
