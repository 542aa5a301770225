//! The newest packets as a sequence diagram in Mermaid's language, for documents.

use super::snapshot::{Mark, MarkKind, Packet, Snapshot};

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

    /// `sequenceDiagram` of the newest `most` packets and of what children and `WAIT` were at meanwhile; packets that
    /// were lost end in a cross.
    pub fn mermaid(&self, most: usize, beats: bool) -> String {
        let packets = self.newest_packets(most, beats);
        let since = packets.first().map(|p| p.sent);
        let marks = self.marks.iter().filter(|m| Some(m.at) >= since);
        let mut lines: Vec<_> = packets.iter().map(|p| (p.sent, line(p))).collect();
        lines.extend(notes(marks).into_iter().map(|(mark, text)| (mark.at, text)));
        crate::order::sort_by(&mut lines, |a, b| a.0.cmp(&b.0));
        let nodes = self.nodes.iter();
        let heads = nodes.map(|node| ["participant ", &node.name].concat());
        let mut out = String::from("sequenceDiagram\n");
        for line in heads.chain(lines.into_iter().map(|(_, line)| line)) {
            out.push_str(&["    ", &line, "\n"].concat());
        }
        out
    }
}

/// A packet as an arrow with the first thing that is in it.
fn line(p: &Packet) -> String {
    let lost = p.delivered == Some(false);
    let arrow = if lost { "-x" } else { "->>" };
    let mut out = [&p.from, arrow, &p.to, ": "].concat();
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
    out
}

/// What children and `WAIT` were at: a note when a child begins and ends, a bar from a `WAIT` to its answer.
fn notes<'a>(marks: impl Iterator<Item = &'a Mark>) -> Vec<(&'a Mark, String)> {
    let mut waiting: Vec<&str> = Vec::new();
    let mut out = Vec::new();
    for mark in marks {
        let node = &*mark.node;
        out.push((
            mark,
            match mark.kind {
                MarkKind::Fork => ["Note over ", node, ": fork: a child dumps"].concat(),
                MarkKind::Dumped => ["Note over ", node, ": the child is gone"].concat(),
                MarkKind::Wait if !waiting.contains(&node) => {
                    waiting.push(node);
                    ["activate ", node].concat()
                }
                MarkKind::Waited if waiting.contains(&node) => {
                    waiting.retain(|other| *other != node);
                    ["deactivate ", node].concat()
                }
                _ => continue,
            },
        ));
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::sim::{Action, Cluster, Options};

    #[test]
    fn a_child_is_noted_and_a_wait_is_a_bar() {
        let mut world = Cluster::ready(Options::default());
        world.exec("m", &["SET", "k", "v"]);
        world.exec("m", &["WAIT", "2", "0"]);
        world.settle(10_000_000);
        for line in ["kill r1", "start r1 empty"] {
            let act = Action::parse(line).expect("an action");
            world.act(&act).expect("it can be done");
        }
        world.settle(10_000_000);
        let text = world.snapshot().mermaid(100, false);
        let mut at = 0;
        for wanted in [
            "activate m",
            "deactivate m",
            "Note over m: fork: a child dumps",
            "Note over m: the child is gone",
        ] {
            let line = text[at..].find(wanted);
            at += line.unwrap_or_else(|| panic!("no {wanted} from {at} on:\n{text}"));
        }
    }

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
