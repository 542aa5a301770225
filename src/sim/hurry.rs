//! What could happen next if everything else were slower: of every direction between two nodes the oldest thing on its
//! way, of every machine its next own job. Any of them may come first, because delays are anybody's guess; what is on the
//! same way keeps its order.

use super::action::BadAction;
use super::cluster::{Cluster, Due};
use super::network::{End, Item};

/// Something that may happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The oldest on its way from a machine to another one.
    Way(usize, usize),
    /// A machine's child, disk, loader, or a call that is not answered.
    Job(usize),
}

impl Cluster {
    /// What a thing that is due belongs to; `None` for the timers.
    fn next_of(&self, due: &Due) -> Option<Next> {
        match due {
            Due::Arrive { conn, to, .. } => {
                let ends = self.network.conn(*conn)?.ends;
                Some(Next::Way(ends[1 - to].machine, ends[*to].machine))
            }
            Due::DialFailed { machine, epoch, .. }
            | Due::Dump { machine, epoch }
            | Due::Stored { machine, epoch, .. }
            | Due::StoreFailed { machine, epoch }
            | Due::Loaded { machine, epoch } => {
                let current = self.machines[*machine].epoch == *epoch;
                current.then_some(Next::Job(*machine))
            }
            _ => None,
        }
    }

    /// The first thing of each kind, in the order in which they are due.
    pub(super) fn pending(&self) -> Vec<(Next, &Due)> {
        let mut found: Vec<(Next, &Due)> = Vec::new();
        for (_, _, due) in self.queue.iter() {
            if let Some(next) = self.next_of(due)
                && found.iter().all(|(other, _)| *other != next)
            {
                found.push((next, due));
            }
        }
        found
    }

    /// All that is on its way between nodes and due on machines, in order.
    pub(super) fn all_pending(&self) -> impl Iterator<Item = (Next, &Due)> {
        let due = self.queue.iter().map(|(_, _, due)| due);
        due.filter_map(|due| Some((self.next_of(due)?, due)))
    }

    /// Lets the first thing of this kind happen now; false when there is none.
    pub(super) fn happen_next(&mut self, next: Next) -> bool {
        let at = self
            .queue
            .iter()
            .position(|(_, _, due)| self.next_of(due) == Some(next));
        let Some((_, _, due)) = at.and_then(|at| self.queue.remove(at)) else {
            return false;
        };
        self.happen(due);
        true
    }

    pub(super) fn hurry(&mut self, node: &str, to: Option<&str>) -> Result<(), BadAction> {
        let from = self.index(node)?;
        let next = match to {
            Some(to) => Next::Way(from, self.index(to)?),
            None => Next::Job(from),
        };
        if self.happen_next(next) {
            return Ok(());
        }
        Err(BadAction(match to {
            Some(to) => format!("nothing is on its way from '{node}' to '{to}'"),
            None => format!("'{node}' is busy with nothing"),
        }))
    }

    /// Bytes of the oldest packet on its way from one machine to another, if that is what comes next.
    pub(super) fn next_bytes(&self, from: usize, to: usize) -> Option<u64> {
        let pending = self.pending();
        let (_, due) = pending.iter().find(|(n, _)| *n == Next::Way(from, to))?;
        match due {
            Due::Arrive {
                item: Item::Bytes { bytes, .. },
                ..
            } => Some(bytes.len() as u64),
            _ => None,
        }
    }

    /// The end towards which something travels.
    pub(super) fn end_of(&self, conn: u64, to: usize) -> Option<End> {
        Some(self.network.conn(conn)?.ends[to])
    }
}

#[cfg(test)]
mod tests {
    use crate::sim::{Action, Cluster, Options};

    #[test]
    fn what_is_hurried_comes_before_all_that_is_due() {
        let mut world = Cluster::ready(Options::default());
        let mut act = |line: &str| world.act(&Action::parse(line).expect("an action"));
        act("m> SET k v").expect("a write");
        let text = act("hurry r1").expect_err("nothing to do").0;
        assert_eq!(text, "'r1' is busy with nothing");
        let text = act("hurry r1 -> r2").expect_err("nothing is on its way").0;
        assert_eq!(text, "nothing is on its way from 'r1' to 'r2'");
        act("hurry m -> r2").expect("the write");
        let key = |world: &mut Cluster, node: &str| world.exec(node, &["EXISTS", "k"]);
        assert_eq!(format!("{:?}", key(&mut world, "r2")), "Some(Integer(1))");
        assert_eq!(format!("{:?}", key(&mut world, "r1")), "Some(Integer(0))");
    }
}
