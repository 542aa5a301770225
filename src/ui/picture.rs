//! The page where there is no browser: its drawing alone, as a picture that stands for itself. The drawing is the page's
//! own code, and so are its colours and shapes; what moves there, the beads on the wires, stands still in it.

mod dom;
mod lang;
mod plain;
pub mod stage;

/// Where the page's other parts look for these.
mod text {
    pub use super::lang::{Lang, fill};
}

pub use lang::Lang;

use crate::sim::snapshot::Snapshot;
use stage::Layout;

/// The page's own style sheets.
const STYLE: &str = include_str!("../../www/style.css");
const STAGE: &str = include_str!("../../www/stage.css");

/// The stage at this moment as an SVG file, with the ring of the node `focus`; `None` where there is no such node. `dark`
/// is the theme; without one it is the reader's.
pub fn svg(snapshot: &Snapshot, focus: &str, lang: Lang, dark: Option<bool>) -> Option<String> {
    let node = snapshot.nodes.iter().find(|n| n.name == focus)?;
    let drawing = stage::picture(snapshot, node, Layout::Wide, lang)
        .a("xmlns", "http://www.w3.org/2000/svg")
        .a("role", "img")
        .a("aria-hidden", "false")
        .a("aria-label", stage::caption(lang, node))
        .a("lang", lang.tag());
    let text = drawing.node().to_string();
    let theme = dark.map_or("", |dark| {
        if dark {
            " data-theme=\"dark\""
        } else {
            " data-theme=\"light\""
        }
    });
    let style = squeezed(&[tokens(STYLE), STAGE, OWN].concat());
    let (head, rest) = text.split_once('>')?;
    Some(format!("{head}{theme}><style>{style}</style>{rest}\n"))
}

/// What the page's own frame does for the drawing elsewhere.
const OWN: &str = "svg.drawing { background: var(--stage); font-family: var(--sans); }";

/// The colours and letters at the beginning of the page's style sheet.
fn tokens(style: &str) -> &str {
    let end = style.find("/* ---- Ground").unwrap_or(style.len());
    let begin = style.find(":root {").unwrap_or(0);
    style.get(begin..end).unwrap_or_default()
}

/// Rules without comments and line breaks, and without those that no drawing needs.
fn squeezed(style: &str) -> String {
    let mut out = String::new();
    let mut rest = style;
    while let Some((text, comment)) = rest.split_once("/*") {
        out.push_str(text);
        rest = comment.split_once("*/").map_or("", |(_, rest)| rest);
    }
    out.push_str(rest);
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Action, Cluster, Options};

    fn world(lines: &[&str]) -> Snapshot {
        let mut world = Cluster::ready(Options::default());
        for line in lines {
            let action = Action::parse(line).expect("an action");
            world.act(&action).expect("it can be done");
        }
        world.snapshot()
    }

    #[test]
    fn a_picture_shows_what_the_snapshot_has() {
        let snapshot = world(&["cut m r1", "m> SET <city> \"Oslo & Bergen\""]);
        let svg = svg(&snapshot, "m", Lang::En, None).expect("there is an m");
        let offset = dom::grouped(snapshot.nodes[0].offset, '\u{2009}');
        assert!(svg.starts_with("<svg class=\"drawing\""), "{svg:.200}");
        assert!(svg.contains(&format!(">{offset}<")), "its offset, {offset}");
        assert!(svg.contains("&lt;city&gt;") && !svg.contains("<city>"));
        assert!(
            svg.contains(" xmlns=\"http://www.w3.org/2000/svg\"") && !svg.contains(" data-sel=\"")
        );
        for name in ["m", "r1", "r2"] {
            assert!(svg.contains(&format!(">{name}<")), "{name}");
        }
        let closed = svg.matches("</g>").count() + svg.matches("<g/>").count();
        let groups = svg.split("<g ").skip(1).filter_map(|g| g.split('>').next());
        let empty = groups.filter(|tag| tag.ends_with('/')).count();
        assert_eq!(svg.matches("<g").count(), closed + empty);
    }

    fn run(world: &mut Cluster, us: u64) {
        world.run_until(world.now().after(us));
    }

    /// The beads of a picture, as XML.
    fn beads(snapshot: &Snapshot) -> String {
        let svg = svg(snapshot, "m", Lang::En, None).expect("there is an m");
        let (_, beads) = svg.rsplit_once("<g class=\"beads\"").expect("a layer");
        beads.trim_end().trim_end_matches("</svg>").into()
    }

    #[test]
    fn what_is_in_flight_is_drawn_where_it_is() {
        let mut world = Cluster::ready(Options::default());
        assert_eq!(beads(&world.snapshot()), "></g>", "nothing flies");
        let set = Action::parse("m> SET hello world").expect("an action");
        world.act(&set).expect("it can be done");
        run(&mut world, 50_000);
        // Half of the way to r1 is gone, and of that to r2; recorded, and looked at.
        let half = beads(&world.snapshot());
        let shapes: Vec<&str> = half.split(" d=\"").skip(1).collect();
        let starts: Vec<&str> = shapes.iter().filter_map(|d| d.split('L').next()).collect();
        assert_eq!(
            starts,
            ["M694.6 226.8", "M657.1 256.4", "M707.9 365", "M667.7 333.5"]
        );
        let label = "x=\"667.5 673.7 679.7 685.4 690.9 \"";
        assert!(half.contains(label), "{half}");
        assert_eq!(half.matches("<g class=\"bead k-select b1\">").count(), 2);
        run(&mut world, 30_000);
        let later = beads(&world.snapshot());
        assert_eq!(later.matches(">hello</text>").count(), 2);
        assert!(!later.contains(starts[0]), "they moved");
        run(&mut world, 20_000);
        assert!(
            !beads(&world.snapshot()).contains(">hello<"),
            "they are there"
        );
    }

    #[test]
    fn many_beads_are_a_train() {
        let mut world = Cluster::ready(Options::default());
        for i in 0..9 {
            let set = Action::parse(&format!("m> SET k{i} v")).expect("an action");
            world.act(&set).expect("it can be done");
        }
        run(&mut world, 60_000);
        let beads = beads(&world.snapshot());
        assert_eq!(beads.matches("<g class=\"train\">").count(), 2, "{beads}");
        assert_eq!(
            beads.matches(">×10</text>").count(),
            2,
            "SELECT and nine writes"
        );
    }

    #[test]
    fn the_theme_is_the_reader_s_unless_it_is_said() {
        let snapshot = world(&[]);
        let of = |dark| svg(&snapshot, "r1", Lang::Zh, dark).expect("there is an r1");
        assert!(!of(None).contains(" data-theme=\"dark\">"));
        assert!(of(Some(true)).contains(" data-theme=\"dark\"><style>"));
        assert!(of(Some(false)).contains(" data-theme=\"light\"><style>"));
        assert!(svg(&snapshot, "nobody", Lang::En, None).is_none());
    }
}
