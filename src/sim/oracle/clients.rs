//! What clients were told, and whether it is true: S11, S13, S14, L5, and the writes that were acknowledged.

use super::board::Rare;
use super::ghost::Place;
use super::{Oracle, Wait};
use crate::node::Node;
use crate::sim::action;
use crate::sim::cluster::Cluster;
use crate::time::{MILLISECOND_US, SECOND_US};
use crate::wire::Bytes;
use crate::wire::resp::{Reply, parse_i64};
use std::collections::VecDeque;

impl Oracle {
    /// A client sent a command and has these replies now.
    pub(in crate::sim) fn client(
        &mut self,
        world: &Cluster,
        i: usize,
        client: usize,
        args: &[Bytes],
        replies: &[Reply],
        before: u64,
    ) {
        self.asked(world, i, client, args, replies);
        if !args[0].eq_ignore_ascii_case(b"wait") {
            self.wrote(world, i, client, &action::words(args), replies, before);
        }
    }

    /// The same of commands in one go. What they wrote is one write: it is there when all of it is.
    pub(in crate::sim) fn pipeline(
        &mut self,
        world: &Cluster,
        i: usize,
        client: usize,
        commands: &[u8],
        replies: &[Reply],
        before: u64,
    ) {
        let mut each = replies.chunks(1);
        let mut text = Vec::new();
        for args in action::requests(commands) {
            self.asked(world, i, client, &args, each.next().unwrap_or_default());
            text.push(action::words(&args));
        }
        self.wrote(world, i, client, &text.join("; "), replies, before);
    }

    fn asked(
        &mut self,
        world: &Cluster,
        i: usize,
        client: usize,
        args: &[Bytes],
        replies: &[Reply],
    ) {
        let Some(node) = &world.machines[i].node else {
            return;
        };
        let is = |name: &str| args[0].eq_ignore_ascii_case(name.as_bytes());
        let stale = node.upstream().is_some_and(|u| !u.connected());
        let gated = stale && !node.config.replica_serve_stale_data && is("get");
        let excuses = ["MASTERDOWN", "LOADING", "NOAUTH"];
        let refused =
            |r: &Reply| matches!(r, Reply::Error(e) if excuses.iter().any(|x| e.starts_with(x)));
        if gated && let Some(reply) = replies.iter().find(|r| !refused(r)) {
            let text =
                format!("GET while the link is down should be refused, it replied {reply:?}");
            self.violated(world, i, "S13", text);
        }
        let loads = node.loading().is_some() && is("get");
        if loads && let Some(reply) = replies.iter().find(|r| !refused(r)) {
            let text =
                format!("GET while a snapshot is loaded should be refused, it replied {reply:?}");
            self.violated(world, i, "S11", text);
        }
        let queue = self.open.entry((i, client)).or_default();
        let alone = queue.is_empty();
        queue.push_back(is("wait").then(|| {
            let number = |n: usize| args.get(n).and_then(|a| parse_i64(a)).unwrap_or(0);
            let us = number(2).max(0) as u64 * MILLISECOND_US;
            Wait {
                until: (us > 0 && alone).then(|| world.now.after(us)),
                late: None,
                place: self.written.get(&(i, client)).copied(),
                wanted: number(1),
            }
        }));
        for reply in replies {
            self.replied(world, i, client, reply);
        }
    }

    /// What a client's commands have written, if they have.
    fn wrote(
        &mut self,
        world: &Cluster,
        i: usize,
        client: usize,
        text: &str,
        replies: &[Reply],
        before: u64,
    ) {
        let Some(node) = &world.machines[i].node else {
            return;
        };
        let (offset, master) = (node.history().offset, node.upstream().is_none());
        let place = self.ghost.place(&node.history().replid, offset);
        let fine = replies.iter().any(|r| !matches!(r, Reply::Error(_)));
        if let Some(place) = place.filter(|_| master && fine && offset > before) {
            self.written.insert((i, client), place);
            let name = world.machines[i].name.clone();
            self.ledger.wrote(name, world.now, place, text.into());
        }
    }

    /// A client has a reply to its oldest command without one.
    pub(in crate::sim) fn replied(
        &mut self,
        world: &Cluster,
        i: usize,
        client: usize,
        reply: &Reply,
    ) {
        let queue = self.open.get_mut(&(i, client));
        let Some(Some(wait)) = queue.and_then(VecDeque::pop_front) else {
            return;
        };
        let Reply::Integer(n) = reply else {
            return;
        };
        self.board.saw(if *n >= wait.wanted {
            Rare::WaitSatisfied
        } else {
            Rare::WaitTimedOut
        });
        let Some(place) = wait.place else {
            return;
        };
        // Redis compares numbers: after another history took its place, a write that is gone can still be waited for.
        let here = world.machines[i].node.as_ref().map(Node::history);
        let here = here.and_then(|h| self.ghost.place(&h.replid, h.offset));
        if !here.is_some_and(|here| self.ghost.holds(&here, &place)) {
            return;
        }
        let have = self.holders(world, i, &place);
        if have < *n {
            let text =
                format!("WAIT replied {n}, and {have} other nodes have or had the client's write");
            self.violated(world, i, "S14", text);
        }
    }

    /// How many replicas of `i` have applied all up to `place`, or had when they ended. Redis counts connections: a
    /// replica that is there twice counts twice.
    fn holders(&self, world: &Cluster, i: usize, place: &Place) -> i64 {
        let attached = world.machines[i].node.as_ref().map(Node::attached);
        let attached = attached.unwrap_or_default();
        let others = world.machines.iter().enumerate().filter(|(j, _)| *j != i);
        let have = others.filter(|(j, m)| {
            let history = m.node.as_ref().map(Node::history);
            let now = history.and_then(|h| self.ghost.place(&h.replid, h.offset));
            let once = self.gave_up.iter().filter(|(k, _)| k == j);
            let mut all = now.into_iter().chain(once.map(|(_, place)| *place));
            all.any(|there| self.ghost.holds(&there, place))
        });
        let connections = |port: u16| attached.iter().filter(|r| r.port == port).count().max(1);
        have.map(|(_, m)| connections(m.config.port) as i64).sum()
    }

    /// L5: nobody waits longer than was asked for.
    pub(super) fn judge_waits(&mut self, world: &Cluster, i: usize) {
        if world.machines[i].paused_until.is_some() {
            return;
        }
        let late = |wait: &mut Wait| {
            let over = wait.until.is_some_and(|until| until < world.now);
            over && wait.late.get_or_insert(world.now).after(SECOND_US / 10) < world.now
        };
        let mut mine = self.open.range_mut((i, 0)..=(i, usize::MAX));
        let found = mine.find_map(|(_, queue)| {
            let any = queue.iter_mut().flatten().any(late);
            any.then_some(queue)
        });
        if let Some(queue) = found {
            queue.clear();
            self.violated(world, i, "L5", "WAIT is over and was not answered".into());
        }
    }
}
