//! Inline drawings: the logo and the icons. No emoji and no media symbols, which many systems lack.

use yew::prelude::*;

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
    Console,
    Inspect,
    Close,
}

/// Decorative; the words stand beside it or in the button's label.
pub fn icon(which: Icon) -> Html {
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
        Icon::Console => (
            false,
            "M3 4h14a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H3a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1zM5 8l2.5 2L5 12M9.5 12.5h4",
        ),
        Icon::Inspect => (
            false,
            "M1.8 10C3.5 6.8 6.5 5 10 5s6.5 1.8 8.2 5c-1.7 3.2-4.7 5-8.2 5s-6.5-1.8-8.2-5zM10 7.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z",
        ),
        Icon::Close => (false, "M5 5l10 10M15 5L5 15"),
    };
    let half = which == Icon::Theme;
    html! {
        <svg class={classes!("icon", solid.then_some("solid"))} viewBox="0 0 20 20" aria-hidden="true" focusable="false">
            <path {d} />
            if half { <path class="half" d="M10 3a7 7 0 0 1 0 14z" /> }
        </svg>
    }
}

/// Shape of a node's role: pentagon for a master, circle for a replica, diamond for a replica of a replica.
pub fn glyph(replica: bool, depth: usize) -> Html {
    let (class, d) = if !replica {
        ("glyph master", "M7 .6L13.4 5.3 11 12.9H3L.6 5.3z")
    } else if depth < 2 {
        ("glyph replica", "M7 1a6 6 0 1 1 0 12A6 6 0 0 1 7 1z")
    } else {
        ("glyph sub", "M7 .3L13.7 7 7 13.7.3 7z")
    };
    html! { <svg {class} viewBox="0 0 14 14" aria-hidden="true"><path {d} /></svg> }
}

/// The mark, eight beads from new to old, one gap, and a spectator in the front row; and the name.
pub fn logo() -> Html {
    html! {
        <svg class="logo" viewBox="0 0 137.4 32" role="img" aria-label="ringside">
            { ring() }
            <g transform="translate(37.5 8.5)">
                <g class="letters">
                    { for LETTERS.iter().map(|(transform, d)| html! { <path key={*transform} transform={*transform} d={*d} /> }) }
                </g>
                <circle class="dot-m" cx="10.0" cy="-4.6" r="2.3" />
                <circle class="dot-r" cx="62.3" cy="-4.6" r="2.3" />
            </g>
        </svg>
    }
}

fn ring() -> Html {
    html! {
        <>
            <g transform="translate(14 13.5)">
                { for BEADS.iter().zip(AGES).map(|(d, class)| html! { <path key={*d} {class} d={*d} /> }) }
            </g>
            <circle class="seat" cx="19.3" cy="24" r="4.2" />
            <circle class="eye" cx="19.3" cy="24" r="2.7" />
        </>
    }
}

const AGES: [&str; 8] = ["b1", "b1", "b2", "b2", "b3", "b3", "b3", "b3"];

const BEADS: [&str; 8] = [
    "M12.62 3.12A13 13 0 0 1 10.23 8.02Q9.45 8.93 8.57 8.11L6.9 6.53Q6.03 5.7 6.79 4.77A8.3 8.3 0 0 0 7.94 2.41Q8.21 1.24 9.39 1.42L11.67 1.76Q12.85 1.94 12.62 3.12Z",
    "M11.67 -5.72A13 13 0 0 1 12.99 -0.43Q12.98 0.77 11.78 0.7L9.48 0.56Q8.29 0.49 8.27 -0.71A8.3 8.3 0 0 0 7.63 -3.26Q7.08 -4.32 8.11 -4.95L10.07 -6.15Q11.1 -6.77 11.67 -5.72Z",
    "M5.26 -11.89A13 13 0 0 1 9.68 -8.68Q10.44 -7.75 9.47 -7.04L7.63 -5.66Q6.66 -4.95 5.88 -5.86A8.3 8.3 0 0 0 3.75 -7.4Q2.65 -7.87 3.03 -9L3.76 -11.18Q4.15 -12.32 5.26 -11.89Z",
    "M-3.61 -12.49A13 13 0 0 1 1.83 -12.87Q3.01 -12.65 2.73 -11.48L2.2 -9.24Q1.92 -8.07 0.74 -8.27A8.3 8.3 0 0 0 -1.88 -8.08Q-3.03 -7.73 -3.47 -8.85L-4.31 -10.99Q-4.74 -12.1 -3.61 -12.49Z",
    "M-10.79 -7.25A13 13 0 0 1 -6.87 -11.04Q-5.82 -11.62 -5.28 -10.55L-4.25 -8.49Q-3.72 -7.42 -4.75 -6.81A8.3 8.3 0 0 0 -6.64 -4.98Q-7.29 -3.97 -8.34 -4.55L-10.36 -5.65Q-11.41 -6.22 -10.79 -7.25Z",
    "M-12.93 1.38A13 13 0 0 1 -12.36 -4.04Q-11.93 -5.16 -10.83 -4.69L-8.72 -3.77Q-7.62 -3.3 -8.01 -2.16A8.3 8.3 0 0 0 -8.29 0.45Q-8.14 1.64 -9.31 1.88L-11.57 2.33Q-12.74 2.57 -12.93 1.38Z",
    "M-9.01 9.37A13 13 0 0 1 -12.06 4.85Q-12.46 3.71 -11.31 3.37L-9.1 2.71Q-7.95 2.37 -7.53 3.49A8.3 8.3 0 0 0 -6.06 5.67Q-5.18 6.49 -5.93 7.42L-7.36 9.22Q-8.11 10.16 -9.01 9.37Z",
    "M-0.88 12.97A13 13 0 0 1 -6.13 11.47Q-7.16 10.85 -6.5 9.85L-5.23 7.93Q-4.57 6.93 -3.52 7.52A8.3 8.3 0 0 0 -0.99 8.24Q0.2 8.3 0.23 9.5L0.29 11.8Q0.32 13 -0.88 12.97Z",
];

/// r i n g s i d e: where each letter stands, and its line, on an x-height of 14.
const LETTERS: [(&str, &str); 8] = [
    ("translate(0)", "M0 14V.4M0 6.2C0 2.6 2.4.7 5.6 1"),
    ("translate(10)", "M0 14V.4"),
    ("translate(15.5)", "M0 14V.4M0 6.2a5.6 5.6 0 0 1 11.2 0V14"),
    (
        "translate(31.3)",
        "M13 .4V14.6a6 6 0 0 1-11.6 2.2M13 7.2a6.5 6.5 0 1 1-13 0 6.5 6.5 0 0 1 13 0",
    ),
    (
        "translate(48.9)",
        "M8.4 2.6C7.4 1.3 6 .8 4.4.8 2.2.8.6 2 .6 3.9c0 2 1.8 2.7 4 3.2s4.2 1.2 4.2 3.3c0 2-1.8 3.3-4.3 3.3C2.6 13.7 1 13 0 11.5",
    ),
    ("translate(62.3)", "M0 14V.4"),
    (
        "translate(67.8)",
        "M13-6.4V14M13 7.2a6.5 6.5 0 1 1-13 0 6.5 6.5 0 0 1 13 0",
    ),
    ("translate(85.4)", "M.1 7.2H13a6.5 6.5 0 1 0-2.1 4.9"),
];
