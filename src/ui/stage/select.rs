//! What is selected on the page. The stage writes it into the drawing as text (`data-sel`), so that one click handler
//! serves every shape, the beads that Yew does not know included.

use crate::sim::snapshot::{NodeView, Snapshot};
use crate::ui::dom::int;
use crate::ui::text::fill;

/// The selected thing; `Bytes` lights up everywhere where the same bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sel {
    Node(String),
    /// The link of this replica to its master.
    Link(String),
    /// First and last byte, inclusive, of the stream of a node.
    Bytes {
        node: String,
        from: u64,
        to: u64,
    },
    /// A packet by its number.
    Packet(u64),
    /// One byte of a packet, from 0, that no stream counts.
    Octet(u64, usize),
}

/// What a click on a shape means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hit {
    Select(Sel),
    /// Draw this node as the drum, and select it.
    Focus(String),
}

impl Hit {
    /// Reads `data-sel`: `focus:r1`, `node:m`, `link:r1`, `packet:12`, `octet:12:0`, `bytes:723:755:m`.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        Some(match kind {
            "focus" => Self::Focus(rest.into()),
            "node" => Self::Select(Sel::Node(rest.into())),
            "link" => Self::Select(Sel::Link(rest.into())),
            "packet" => Self::Select(Sel::Packet(rest.parse().ok()?)),
            "octet" => {
                let (packet, at) = rest.split_once(':')?;
                Self::Select(Sel::Octet(packet.parse().ok()?, at.parse().ok()?))
            }
            "bytes" => {
                let mut parts = rest.splitn(3, ':');
                let from = parts.next()?.parse().ok()?;
                let to = parts.next()?.parse().ok()?;
                Self::Select(Sel::Bytes {
                    node: parts.next()?.into(),
                    from,
                    to,
                })
            }
            _ => return None,
        })
    }
}

/// The bytes of a stream that are selected, directly or as those of a packet: the node that counts them, first, last.
pub fn bytes<'a>(s: &'a Snapshot, sel: Option<&'a Sel>) -> Option<(&'a str, u64, u64)> {
    match sel? {
        Sel::Bytes { node, from, to } => Some((node, *from, *to)),
        Sel::Packet(id) => {
            let all = s.in_flight.iter().chain(s.wire.iter());
            let packet = all.into_iter().find(|p| p.id == *id)?;
            let offsets = || packet.frames.iter().filter_map(|f| f.offsets);
            let from = offsets().map(|o| o.0).min()?;
            let to = offsets().map(|o| o.1).max()?;
            Some((&packet.from, from, to))
        }
        _ => None,
    }
}

/// Whether bytes that the node `name` counts are bytes of this node's history too.
pub fn shares(s: &Snapshot, name: &str, node: &NodeView) -> bool {
    let other = || s.nodes.iter().find(|n| n.name == name);
    name == node.name
        || other().is_some_and(|n| {
            n.replid == node.replid || n.replid2 == node.replid || n.replid == node.replid2
        })
}

/// The `data-sel` of a range of bytes.
pub fn bytes_hit(node: &str, from: u64, to: u64) -> String {
    fill("bytes:{}:{}:{}", &[&int(from), &int(to), node])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let sel = Sel::Bytes {
            node: "m".into(),
            from: 1170,
            to: 1201,
        };
        assert_eq!(
            Hit::parse(&bytes_hit("m", 1170, 1201)),
            Some(Hit::Select(sel))
        );
        assert_eq!(Hit::parse("focus:r1"), Some(Hit::Focus("r1".into())));
        let octet = Hit::Select(Sel::Octet(12, 3));
        assert_eq!(Hit::parse("octet:12:3"), Some(octet));
        assert_eq!(Hit::parse("packet:x"), None);
    }
}
