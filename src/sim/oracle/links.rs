//! Masters and replicas with each other: verdicts, and links that are there, are gone, or come to nothing. S5, S6, S16,
//! S20, and L2, L3, L4, L6.

use super::board::Rare;
use super::{Oracle, Seen, short};
use crate::node::{ConnId, FullCause, Node, Outcome, ReplicaState, Stage};
use crate::sim::cluster::Cluster;
use crate::sim::network::End;
use crate::time::{Instant, MILLISECOND_US, SECOND_US};

impl Oracle {
    /// S5, S6, L2: the answer to PSYNC.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn judge_answer(
        &mut self,
        world: &Cluster,
        i: usize,
        before: &Seen,
        conn: ConnId,
        id: &str,
        asked: i64,
        outcome: &Outcome,
    ) {
        let Some(node) = &world.machines[i].node else {
            return;
        };
        // A failover promotes before it answers; otherwise the ids before this event count.
        let h = node.history();
        let promoted = !before.master && node.upstream().is_none();
        let (id1, id2, second) = if promoted {
            (&h.replid, &h.replid2, h.second_offset)
        } else {
            (&before.id, &before.id2, before.second)
        };
        let offset = h.offset as i64;
        let by_first = id.eq_ignore_ascii_case(id1);
        let by_second = id.eq_ignore_ascii_case(id2) && asked <= second;
        let ring = before.ring.map(|(kept, _)| kept as i64);
        let covered = ring.is_some_and(|first| (first..=offset + 1).contains(&asked));
        let legal = (by_first || by_second) && covered;
        let accepted = matches!(outcome, Outcome::Continue { .. });
        if legal != accepted {
            let verb = if legal { "continue" } else { "be refused" };
            let text = format!(
                "PSYNC {} {asked} should {verb}: ids {} and {} up to {second}, bytes {ring:?} to {offset}; it was {outcome:?}",
                short(id),
                short(id1),
                short(id2)
            );
            self.violated(world, i, "S5", text);
        }
        if accepted {
            let asks = self.ghost.place(id, (asked - 1).max(0) as u64);
            let here = self.ghost.place(&h.replid, h.offset);
            let truly = asks.zip(here).is_none_or(|(a, h)| self.ghost.holds(&h, &a));
            if !truly {
                let text = format!(
                    "byte {} of {} is not in the history that was continued",
                    asked - 1,
                    short(id)
                );
                self.violated(world, i, "S6", text);
            }
        }
        self.board_answer(by_first, second, asked, outcome);
        let peer = world.network.find(i, conn);
        let peer = peer.and_then(|(id, side)| Some(world.network.conn(id)?.ends[1 - side]));
        if let Some(peer) = peer {
            self.judge_need(world, i, before, peer, id, outcome);
        }
    }

    fn board_answer(&mut self, by_first: bool, second: i64, asked: i64, outcome: &Outcome) {
        let board = &mut self.board;
        match outcome {
            Outcome::Continue { .. } => {
                board.saw(if by_first {
                    Rare::PartialById
                } else {
                    Rare::PartialById2
                });
                if !by_first && asked == second {
                    board.saw(Rare::PartialAtSecond);
                }
            }
            Outcome::Full { cause } => match cause {
                FullCause::BeyondSecond { .. } => board.saw(Rare::RefusedBeyondSecond),
                FullCause::OtherHistory => board.saw(Rare::RefusedOtherHistory),
                FullCause::TooOld { gone } => {
                    board.saw(Rare::RefusedByRing);
                    if *gone <= 64 {
                        board.saw(Rare::RefusedByOneByte);
                    }
                }
                _ => {}
            },
        }
    }

    /// L2: a replica that could be continued is, by the ids and bytes that both have.
    fn judge_need(
        &mut self,
        world: &Cluster,
        i: usize,
        before: &Seen,
        peer: End,
        id: &str,
        outcome: &Outcome,
    ) {
        let j = peer.machine;
        let replica = self.seen(j).clone();
        let Outcome::Full { .. } = outcome else {
            if world.machines[j].epoch > 1 && !replica.connected && replica.promise.is_none() {
                self.board.saw(Rare::RestartContinued);
            }
            return;
        };
        self.count_round(world, j);
        let master = world.machines[i].node.as_ref();
        if master.is_some_and(|n| n.keyspace().is_empty()) {
            self.board.saw(Rare::EmptySync);
        }
        let Some(place) = replica.place.filter(|_| replica.whole) else {
            return self.fulls.first += 1; // its first attachment
        };
        let fits = before.ring.is_some_and(|(first, _)| place.1 + 1 >= first);
        let known = self.seen(i).place;
        let known = known.is_some_and(|here| self.ghost.holds(&here, &place));
        let vouched = (place.1 as i64) < before.second && replica.id == before.id2;
        let named = replica.id == before.id || vouched;
        // What it asked before it turned to another master, or before its process ended, is answered as it was asked.
        let current = peer.open && replica.link == Some(peer.conn);
        if known && fits && current && (id.starts_with('?') || named) {
            let text = format!(
                "{} was at byte {} of a history that this node can continue, and asked for {id}",
                world.machines[j].name, place.1
            );
            self.violated(world, i, "L2", text);
        }
        let fulls = &mut self.fulls;
        *match (known, fits) {
            (false, _) => &mut fulls.other_history,
            (true, false) => &mut fulls.backlog,
            (true, true) => &mut fulls.ids,
        } += 1;
    }

    /// L3: three full resynchronizations of a replica that came to nothing are told.
    fn count_round(&mut self, world: &Cluster, j: usize) {
        let now = world.now;
        let seen = self.seen(j);
        seen.rounds += 1;
        if seen.rounds == 1 {
            seen.first_round = Some(now);
        }
        let (rounds, first) = (seen.rounds, seen.first_round.unwrap_or(now));
        if rounds % ROUNDS != 0 {
            return;
        }
        self.board.saw(Rare::Endless);
        let node = world.machines[j].name.clone();
        self.endless.push(Endless {
            node,
            from: first,
            at: now,
            rounds,
        });
    }

    /// What is so of the links of a node after every event: S16, S20, L4, L6. Whether its cron had time for its work.
    pub(super) fn judge_links(
        &mut self,
        world: &Cluster,
        i: usize,
        node: &Node,
        before: &Seen,
        applied: bool,
    ) -> bool {
        let arrived = self.seen(i).arrived.take();
        let failed = std::mem::take(&mut self.seen(i).failed);
        let link = node.upstream().and_then(|u| u.conn());
        if let Some(conn) = arrived.filter(|conn| before.link != Some(*conn))
            && !before.master
            && applied
        {
            let text = format!(
                "bytes of connection {} were applied, its master's is {:?}",
                conn.0, before.link
            );
            self.violated(world, i, "S16", text);
        }
        if failed && node.upstream().is_some() {
            self.board.saw(Rare::FailedInStream);
            if before.connected && !node.upstream().is_some_and(|u| u.connected()) {
                let text = "a command of the stream failed, and the link with it".into();
                self.violated(world, i, "S20", text);
            }
        }
        let calm = self.is_awake(world, i, node);
        let (now, timeout_s) = (world.now, node.config.repl_timeout_s);
        let seen = self.seen(i);
        seen.link = link;
        let dials =
            node.upstream().is_some_and(|u| u.stage == Stage::Connect) && node.loading().is_none();
        let idle = dials.then(|| *seen.idle_since.get_or_insert(now));
        seen.idle_since = idle;
        if !calm {
            return false;
        }
        if idle.is_some_and(|since| now.since(since) > CRON_US + CRON_US / 10) {
            self.violated(
                world,
                i,
                "L6",
                "has no link to its master and does not dial".into(),
            );
        }
        let late = node
            .attached()
            .into_iter()
            .find(|r| r.state == ReplicaState::Online && r.lag_s > timeout_s + 2);
        if let Some(late) = late {
            let text = format!(
                "{} was silent for {} s and is not dropped",
                late.port, late.lag_s
            );
            self.violated(world, i, "L4", text);
        }
        let silent = node
            .upstream()
            .filter(|u| u.conn().is_some() && node.loading().is_none());
        let silent = silent.and_then(|u| match &u.stage {
            Stage::Transfer(t) if t.complete => None,
            Stage::Transfer(t) => Some(now.since(t.last_io)),
            _ => Some(now.since(u.last_io)),
        });
        if let Some(us) = silent.filter(|us| *us > (timeout_s + 2) * SECOND_US + CRON_US / 10) {
            let text = format!(
                "its master was silent for {} ms and is not dropped",
                us / MILLISECOND_US
            );
            self.violated(world, i, "L4", text);
        }
        true
    }

    /// Its cron had the time to do what is due: it did not stand still, and its time-out is not a new one.
    fn is_awake(&mut self, world: &Cluster, i: usize, node: &Node) -> bool {
        let (now, timeout_s) = (world.now, node.config.repl_timeout_s);
        let seen = self.seen(i);
        let slept = seen
            .looked
            .is_none_or(|at| now.since(at) > CRON_US + CRON_US / 10);
        if slept || seen.timeout_s != timeout_s {
            seen.awake_since = now;
        }
        (seen.looked, seen.timeout_s) = (Some(now), timeout_s);
        now.since(seen.awake_since) > 3 * CRON_US
    }
}

/// A replica for which full resynchronizations came to nothing, one after the other: the backlog is too small for what
/// is written while they go on, or something else ends them every time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endless {
    pub node: String,
    pub from: Instant,
    pub at: Instant,
    pub rounds: u32,
}

/// Full resynchronizations by their reason. The efficiency law is that there is no other one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fulls {
    /// The replica had nothing that could be continued.
    pub first: u64,
    /// What it had is not in the master's history.
    pub other_history: u64,
    /// The master's backlog begins later.
    pub backlog: u64,
    /// The master has the bytes, and does not know any more under which id: it was promoted twice.
    pub ids: u64,
}

impl Fulls {
    pub fn all(&self) -> u64 {
        self.first + self.other_history + self.backlog + self.ids
    }

    pub fn add(&mut self, other: &Self) {
        self.first += other.first;
        self.other_history += other.other_history;
        self.backlog += other.backlog;
        self.ids += other.ids;
    }
}

/// So many full resynchronizations in a row are told.
const ROUNDS: u32 = 3;
/// Time between two runs of the replication cron.
pub(super) const CRON_US: u64 = SECOND_US;
