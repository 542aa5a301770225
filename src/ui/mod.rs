//! The page. Knows a `Player` and the plain data of its snapshots, nothing of the engine. One component a file: start
//! with `app.rs` (state, messages, the only animation loop), then `stage/` for the drawing. Words are in `text.rs` and
//! `sentence.rs`, colours in `www/style.css`.
//!
//! Panels are drawn by Yew, at most ten times a second; what moves every frame is moved by the stage itself, outside
//! of Yew's diff.

mod app;
mod console;
mod guide;
mod header;
mod help;
mod icons;
mod inspector;
mod keys;
mod peek;
pub mod sentence;
pub mod stage;
mod story;
pub mod text;
mod timeline;
mod transport;
mod wire;

pub use app::App;
use std::ops::Deref;
use std::rc::Rc;

/// Shared data, compared by address: a component is drawn again when it gets another value, not when it gets a long one.
pub struct Shared<T>(pub Rc<T>);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> yew::html::ImplicitClone for Shared<T> {}

impl<T> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
