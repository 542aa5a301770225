//! What was said between a replica and its master before the stream began, read from the packets that passed.

use super::snapshot::{FrameKind, Packet, Snapshot};
use crate::time::Instant;
use std::rc::Rc;

/// A request of the handshake, and its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchange {
    pub request: String,
    pub sent: Instant,
    /// Number of the packet with the request, and of the one with the answer.
    pub packet: u64,
    pub answer: Option<(String, Instant, u64)>,
}

impl Snapshot {
    /// The newest handshake of `replica` with `master`, as far as its packets are kept; an answer counts once it has
    /// arrived.
    pub fn handshake(&self, replica: &str, master: &str) -> Vec<Exchange> {
        let up = |p: &Rc<Packet>| *p.from == *replica && *p.to == *master;
        let first = |p: &Rc<Packet>| {
            let greets = |f: &crate::wire::tap::Frame| {
                f.kind == FrameKind::Request && f.text.eq_ignore_ascii_case("ping")
            };
            up(p) && p.frames.iter().any(greets)
        };
        let mut out: Vec<Exchange> = Vec::new();
        let Some(start) = self.wire.iter().rposition(first) else {
            return out;
        };
        for p in &self.wire[start..] {
            let down = *p.from == *master && *p.to == *replica && p.delivered == Some(true);
            for f in p.frames.iter() {
                if up(p) && f.kind == FrameKind::Request {
                    out.push(Exchange {
                        request: f.text.clone(),
                        sent: p.sent,
                        packet: p.id,
                        answer: None,
                    });
                } else if down
                    && f.kind == FrameKind::Reply
                    && let Some(open) = out.iter_mut().find(|e| e.answer.is_none())
                {
                    open.answer = Some((f.text.clone(), p.arrives, p.id));
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use crate::sim::{Action, Cluster, Options};

    #[test]
    fn requests_and_answers_stand_side_by_side() {
        let mut world = Cluster::ready(Options::default());
        for line in ["cut m r1", "restore m r1"] {
            world
                .act(&Action::parse(line).expect("an action"))
                .expect("it can be done");
        }
        world.settle(10_000_000);
        let said = world.snapshot().handshake("r1", "m");
        let words = |text: &str| text.split(' ').take(2).collect::<Vec<_>>().join(" ");
        let pairs: Vec<(String, String)> = said
            .iter()
            .map(|e| {
                let (text, at, _) = e.answer.clone().expect("it was answered");
                assert!(at > e.sent);
                (
                    words(&e.request),
                    text.split(' ').next().unwrap_or("").into(),
                )
            })
            .collect();
        let expected = [
            ("PING", "+PONG"),
            ("REPLCONF listening-port", "+OK"),
            ("REPLCONF capa", "+OK"),
        ]
        .map(|(a, b)| (a.to_string(), b.to_string()));
        assert_eq!(pairs[..3], expected);
        assert!(pairs[3].0.starts_with("PSYNC "), "{pairs:?}");
        assert_eq!(pairs[3].1, "+CONTINUE");
    }
}
