//! Lists that stay at their newest line.

use web_sys::Element;
use yew::NodeRef;

/// This near to its end, in pixels, a list counts as being at it.
const NEAR: i32 = 30;

#[derive(Default)]
pub struct Tail {
    pub list: NodeRef,
    newest: Option<u64>,
    /// How high the list was.
    height: i32,
}

impl Tail {
    /// After each drawing: goes to the end when `newest` is another one than before. With `always` even when the reader
    /// has scrolled up to look at something.
    pub fn follow(&mut self, newest: u64, always: bool) {
        let Some(list) = self.list.cast::<Element>() else {
            return self.forget();
        };
        if self.newest == Some(newest) {
            return;
        }
        if always || self.height - list.scroll_top() - list.client_height() < NEAR {
            list.set_scroll_top(list.scroll_height());
        }
        self.newest = Some(newest);
        self.height = list.scroll_height();
    }

    /// The next drawing shows the end.
    pub fn forget(&mut self) {
        self.newest = None;
        self.height = 0;
    }
}
