//! The newest packets as a sequence diagram in Mermaid's language, for documents.

use super::snapshot::{Packet, Snapshot};

/// Longest label, in characters.
const LABEL: usize = 60;

impl Packet {
    /// Nothing but heartbeats.
    pub fn heartbeat(&self) -> bool {
        self.frames.iter().all(|f| f.kind.heartbeat())
    }
}

impl Snapshot {
    /// The newest `most` packets, oldest first, with or without heartbeats.
    pub fn newest_packets(&self, most: usize, beats: bool) -> Vec<&Packet> {
        let wanted = self.wire.iter().rev().filter(|p| beats || !p.heartbeat());
        let mut out: Vec<&Packet> = wanted.take(most).map(|p| &**p).collect();
        out.reverse();
        out
    }

    /// `sequenceDiagram` of the newest `most` packets; those that were lost end in a cross.
    pub fn mermaid(&self, most: usize, beats: bool) -> String {
        let mut out = String::from("sequenceDiagram\n");
        for node in &self.nodes {
            out.push_str("    participant ");
            out.push_str(&node.name);
            out.push('\n');
        }
        for p in self.newest_packets(most, beats) {
            let arrow = if p.delivered == Some(false) {
                "-x"
            } else {
                "->>"
            };
            out.push_str("    ");
            for part in [&p.from, arrow, &p.to, ": "] {
                out.push_str(part);
            }
            let first = p.frames.first().map_or("", |f| f.text.as_str());
            // `;` and `#` would end the text.
            let clean = |c: char| {
                if matches!(c, ';' | '#' | '\n' | '\r') {
                    ' '
                } else {
                    c
                }
            };
            out.extend(first.chars().take(LABEL).map(clean));
            if first.chars().count() > LABEL {
                out.push('…');
            }
            if p.frames.len() > 1 {
                out.push_str(&[" +", &(p.frames.len() - 1).to_string()].concat());
            }
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use crate::sim::{Action, Cluster, Options};

    #[test]
    fn a_cut_and_its_end_as_a_diagram() {
        let mut world = Cluster::ready(Options::default());
        let act = |world: &mut Cluster, line: &str| {
            world
                .act(&Action::parse(line).expect("an action"))
                .expect("it can be done");
        };
        world.exec("m", &["SET", "k", "a;b#c"]);
        act(&mut world, "cut m r1");
        act(&mut world, "restore m r1");
        world.settle(10_000_000);
        let text = world.snapshot().mermaid(100, false);
        let has = |line: &str| text.lines().any(|l| l.trim().starts_with(line));
        assert!(text.starts_with("sequenceDiagram\n    participant m\n    participant r1\n"));
        assert!(
            has("m-xr1: SELECT 0 +1"),
            "what was on its way is lost\\n{text}"
        );
        assert!(has("r1->>m: PSYNC ") && has("m->>r1: +CONTINUE "), "{text}");
        assert!(!text.contains(';') && !text.contains('#'), "{text}");
        assert!(!has("r1->>m: REPLCONF ACK"), "heartbeats are left out");
    }
}
