//! Inline drawings. No emoji and no media symbols, which many systems lack.

use super::dom::{El, create, el};
use crate::sim::snapshot::NodeView;

/// Icons on a grid of 20, drawn with a line of 1.7.
#[derive(Clone, Copy, PartialEq)]
pub enum Icon {
    Play,
    Pause,
    Step,
    Reset,
    Theme,
    Help,
    Plus,
    Check,
    Learn,
    Nodes,
    Backlog,
    Console,
    Inspect,
    Close,
    Grow,
    End,
    Shrink,
    Pulse,
    Share,
    Undo,
    Try,
    Branch,
    Copy,
    Embed,
}

/// Decorative; the words stand beside it or in the button's label.
pub fn icon(which: Icon) -> El {
    let (solid, d) = match which {
        Icon::Play => (
            true,
            "M6 3.6v12.8a.8.8 0 0 0 1.2.7l10-6.4a.8.8 0 0 0 0-1.4l-10-6.4a.8.8 0 0 0-1.2.7z",
        ),
        Icon::Pause => (true, "M5 3.5h3.4v13H5zM11.6 3.5H15v13h-3.4z"),
        Icon::Step => (
            true,
            "M4 4.2v11.6a.7.7 0 0 0 1.1.6l8.2-5.8a.7.7 0 0 0 0-1.2L5.1 3.6a.7.7 0 0 0-1.1.6zM14.6 3.6h2.2v12.8h-2.2z",
        ),
        Icon::Reset => (false, "M15.6 6.5A6.6 6.6 0 1 0 16.6 10M16 2.8v4h-4"),
        Icon::Theme => (false, "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14z"),
        Icon::Help => (
            false,
            "M10 2.8a7.2 7.2 0 1 0 0 14.4 7.2 7.2 0 0 0 0-14.4zM7.9 8a2.2 2.2 0 1 1 3.2 2c-.8.4-1.1.8-1.1 1.6M10 14v.1",
        ),
        Icon::Plus => (false, "M10 4v12M4 10h12"),
        Icon::Check => (false, "M3.5 10.5l4.3 4.3L16.5 5.5"),
        Icon::Learn => (
            false,
            "M10 5.5C8 4 5.5 3.8 2.8 4v11.5c2.7-.2 5.2 0 7.2 1.5 2-1.5 4.5-1.7 7.2-1.5V4c-2.7-.2-5.2 0-7.2 1.5zM10 5.5V17",
        ),
        Icon::Nodes => (
            false,
            "M5 7.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5zM15 2.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5zM15 12.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5zM7.3 8.9l5.5-2.8M7.3 11.1l5.5 2.8",
        ),
        Icon::Backlog => (
            false,
            "M10 2.8a7.2 7.2 0 1 0 0 14.4 7.2 7.2 0 0 0 0-14.4zM10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM10 3v3.5",
        ),
        Icon::Console => (
            false,
            "M3 4h14a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H3a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1zM5 8l2.5 2L5 12M9.5 12.5h4",
        ),
        Icon::Inspect => (
            false,
            "M1.8 10C3.5 6.8 6.5 5 10 5s6.5 1.8 8.2 5c-1.7 3.2-4.7 5-8.2 5s-6.5-1.8-8.2-5zM10 7.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z",
        ),
        Icon::Close => (false, "M5 5l10 10M15 5L5 15"),
        Icon::End => (
            true,
            "M2.6 4.6v10.8a.6.6 0 0 0 1 .5l6.2-5.4a.7.7 0 0 0 0-1L3.6 4.1a.6.6 0 0 0-1 .5zM9.4 4.6v10.8a.6.6 0 0 0 1 .5l6-5.4a.7.7 0 0 0 0-1l-6-5.4a.6.6 0 0 0-1 .5zM16.4 4h1.8v12h-1.8z",
        ),
        Icon::Grow => (
            false,
            "M12 3.2h4.8V8M16.4 3.6L11 9M8 16.8H3.2V12M3.6 16.4L9 11",
        ),
        Icon::Shrink => (
            false,
            "M16.8 3.2L11.4 8.6M11.2 3.8v5h5M3.2 16.8l5.4-5.4M8.8 16.2v-5h-5",
        ),
        Icon::Pulse => (false, "M1.8 10.5h4l2.4-6 3.8 11 2.2-5h4"),
        Icon::Undo => (false, "M7.5 3.5L3.5 7.5l4 4M4 7.5h8a4.5 4.5 0 0 1 0 9H8"),
        Icon::Try => (
            false,
            "M7.5 2.8h5M8.5 3v5L4 15.4A1.2 1.2 0 0 0 5 17.2h10a1.2 1.2 0 0 0 1-1.8L11.5 8V3M6.3 12.5h7.4",
        ),
        Icon::Branch => (
            false,
            "M6 2.6a2 2 0 1 0 0 4 2 2 0 0 0 0-4zM6 13.4a2 2 0 1 0 0 4 2 2 0 0 0 0-4zM14 4.6a2 2 0 1 0 0 4 2 2 0 0 0 0-4zM6 6.6v6.8M14 8.6c0 3-4 2.4-7.3 4.9",
        ),
        Icon::Embed => (
            false,
            "M6.5 5.5L2 10l4.5 4.5M13.5 5.5L18 10l-4.5 4.5M11.4 3.5l-2.8 13",
        ),
        Icon::Copy => (false, "M7.5 7.5h9v9h-9zM4.5 12.5h-1v-9h9v1"),
        Icon::Share => (
            false,
            "M10 12.5V3M6.5 6L10 2.6 13.5 6M5.5 9.5H4v7.5h12V9.5h-1.5",
        ),
    };
    let half = (which == Icon::Theme).then(|| el("path half").a("d", "M10 3a7 7 0 0 1 0 14z"));
    let class = if solid { "icon solid" } else { "icon" };
    create("svg", class.into())
        .a("viewBox", "0 0 20 20")
        .a("aria-hidden", "true")
        .a("focusable", "false")
        .put(el("path").a("d", d))
        .slot(half)
}

/// Shape of a node's role: pentagon for a master, circle for a replica, diamond for a replica of a replica.
pub fn glyph(n: &NodeView) -> El {
    let (class, d) = if !n.replica {
        ("glyph master", "M7 .6L13.4 5.3 11 12.9H3L.6 5.3z")
    } else if n.depth < 2 {
        ("glyph replica", "M7 1a6 6 0 1 1 0 12A6 6 0 0 1 7 1z")
    } else {
        ("glyph sub", "M7 .3L13.7 7 7 13.7.3 7z")
    };
    create("svg", class.into())
        .a("viewBox", "0 0 14 14")
        .a("aria-hidden", "true")
        .put(el("path").a("d", d))
}
