//! A name for the state that a world is in, without its clock: two worlds with the same name go on alike. Replication ids
//! are named in the order in which they are met, connections by their machines; timers, counters, acknowledged offsets
//! and the moment that stands in a snapshot do not count.

use super::cluster::{Cluster, Due};
use super::hurry::Next;
use super::network::Item;
use crate::node::essence::Essence;
use crate::node::{Loading, Stage, Upstream};

/// Two FNV-1a hashes side by side, which differ in where they begin and in their prime.
pub(super) fn name_of(bytes: &[u8]) -> u128 {
    let mut hash = (0xcbf2_9ce4_8422_2325_u64, 0x6c62_272e_07bb_0142_u64);
    for &b in bytes {
        hash.0 = (hash.0 ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
        hash.1 = (hash.1 ^ u64::from(b)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        hash.1 ^= hash.1 >> 29;
    }
    u128::from(hash.0) << 64 | u128::from(hash.1)
}

impl Cluster {
    /// The machines in an order that does not depend on what they are called, except for the first one, where they differ
    /// in something that is quickly seen: worlds that are mirror images have one name.
    fn order(&self) -> Vec<usize> {
        let sight = |i: &usize| {
            let node = self.machines[*i].node.as_ref()?;
            let busy = |(next, _): &(Next, &Due)| match next {
                Next::Way(_, at) | Next::Job(at) => at == i,
            };
            let port = node.upstream().map(|u| u.addr.port);
            let first = port == Some(self.machines[0].config.port);
            Some((
                node.history().offset,
                node.upstream().map(|u| u.word()),
                first,
                node.attached().len(),
                self.all_pending().filter(busy).count(),
                &node.history().replid
                    == self.machines[0]
                        .node
                        .as_ref()
                        .map(|n| &n.history().replid)?,
                node.history().second_offset,
            ))
        };
        let mut order: Vec<usize> = (0..self.machines.len()).collect();
        if let Some(rest) = order.get_mut(1..) {
            rest.sort_by_cached_key(sight);
        }
        order
    }

    /// The name of this state, for whoever adds `more` to it; with the files on its disks, or without.
    pub(super) fn essence(&self, more: &[u8], files: bool) -> u128 {
        let mut e = Essence::default();
        e.bytes(more);
        let order = self.order();
        let rank = |i: usize| order.iter().position(|m| *m == i).unwrap_or(9);
        let conns: Vec<(u64, [usize; 2])> = self
            .network
            .ids()
            .into_iter()
            .filter_map(|id| Some((id, self.network.conn(id)?.ends.map(|end| rank(end.machine)))))
            .collect();
        // The number of a connection among those between the same machines.
        let number = |id: u64| {
            let ends = conns.iter().find(|(i, _)| *i == id).map(|(_, ends)| *ends);
            let [a, b] = ends.unwrap_or([9, 9]);
            let before = conns.iter().filter(|(i, e)| *i < id && *e == [a, b]);
            (a * 100 + b * 10 + before.count()) as u64
        };
        for &i in &order {
            let machine = &self.machines[i];
            e.small(b'N');
            let Some(node) = &machine.node else { continue };
            let conn = |conn| {
                let found = self.network.find(i, conn);
                found.map_or(999, |(id, _)| number(id))
            };
            let peer = |port| self.machine_at_port(port).map_or(9, rank) as u64;
            node.essence(&mut e, conn, peer);
            e.number(machine.child.as_ref().map_or(0, |c| 1 + c.save.bytes()));
            let receives = |u: &Upstream| matches!(u.stage, Stage::Transfer(_));
            if node.upstream().is_some_and(receives) {
                snapshot_essence(&mut e, &machine.disk.temp.bytes());
            }
            // A process that ends goes on with its file.
            if files || node.loading() == Some(Loading::Start) {
                let file = machine.disk.dump.as_ref();
                snapshot_essence(&mut e, file.map_or(&[], |file| file));
            }
        }
        let mut sorted: Vec<u64> = conns.iter().map(|(id, _)| *id).collect();
        sorted.sort_by_key(|id| number(*id));
        for id in sorted {
            let Some(conn) = self.network.conn(id) else {
                continue;
            };
            e.number(number(id));
            e.small(u8::from(conn.established) | u8::from(conn.half_open) << 1);
            e.small(u8::from(conn.ends[0].open) | u8::from(conn.ends[1].open) << 1);
        }
        let mut ways: Vec<(usize, &Due)> = self
            .all_pending()
            .map(|(next, due)| match next {
                Next::Way(from, to) => (rank(from) * 10 + rank(to), due),
                Next::Job(machine) => (100 + rank(machine), due),
            })
            .collect();
        ways.sort_by_key(|(way, _)| *way);
        for (way, due) in ways {
            e.number(way as u64);
            due_essence(&mut e, due, &number);
        }
        name_of(&renamed(&e.0))
    }
}

fn due_essence(e: &mut Essence, due: &Due, number: &impl Fn(u64) -> u64) {
    match due {
        Due::Arrive { conn, item, .. } => {
            e.number(number(*conn));
            match item {
                Item::Syn => e.small(1),
                Item::Accepted => e.small(2),
                Item::Dialed => e.small(3),
                Item::Bytes { bytes, .. } => snapshot_essence(e, bytes),
                Item::Fin => e.small(5),
                Item::Reset => e.small(6),
            }
        }
        Due::DialFailed { .. } => e.small(11),
        Due::Dump { .. } => e.small(12),
        Due::Stored { total, .. } => e.number(*total),
        Due::StoreFailed { .. } => e.small(13),
        Due::Loaded { .. } => e.small(14),
        _ => {}
    }
}

/// Bytes in which a snapshot may be: without the moment at which it was made, and what follows from it.
fn snapshot_essence(e: &mut Essence, bytes: &[u8]) {
    let mut copy = bytes.to_vec();
    if let Some(begin) = copy.windows(5).position(|w| w == b"REDIS") {
        for name in [&b"\xfa\x05ctime"[..], b"\xfa\x08used-mem"] {
            let at = copy.windows(name.len()).position(|w| w == name);
            let Some(at) = at.map(|at| at + name.len()) else {
                continue;
            };
            let len = match copy.get(at) {
                Some(0xc0) => 2,
                Some(0xc1) => 3,
                _ => 5,
            };
            let end = (at + len).min(copy.len());
            copy[at..end].fill(0);
        }
        // The checksum: at the end of what the line before it announces, or of the file.
        let line = copy[..begin].rsplit(|b| *b == b'$').next();
        let announced: Option<usize> = line
            .and_then(|line| std::str::from_utf8(line).ok())
            .and_then(|line| line.trim_end().parse().ok());
        let end = (begin + announced.unwrap_or(copy.len() - begin)).min(copy.len());
        copy[end.saturating_sub(8).max(begin)..end].fill(0);
    }
    e.bytes(&copy);
}

/// With every id (40 hexadecimal digits) replaced by the number of its first appearance.
fn renamed(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut ids: Vec<&[u8]> = Vec::new();
    let mut run = 0;
    for (i, b) in bytes.iter().enumerate() {
        out.push(*b);
        run = if matches!(b, b'0'..=b'9' | b'a'..=b'f') {
            run + 1
        } else {
            0
        };
        if run == 40 {
            let id = &bytes[i - 39..=i];
            let known = ids.iter().position(|other| *other == id);
            let n = known.unwrap_or_else(|| {
                ids.push(id);
                ids.len() - 1
            });
            out.truncate(out.len() - 40);
            out.extend_from_slice(b"id");
            out.push(n as u8);
            run = 0;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::sim::{Action, Cluster, Options};

    /// A world without keys, to which this was done; no time passes.
    fn world(seed: u64, lines: &[&str]) -> Cluster {
        let mut world = Cluster::ready(Options {
            seed,
            keys: Vec::new(),
            ..Options::default()
        });
        for line in lines {
            let action = Action::parse(line).expect("a line of this file");
            world.act(&action).expect("it can be done");
        }
        world
    }

    fn essence(lines: &[&str]) -> u128 {
        world(1, lines).essence(&[], false)
    }

    #[test]
    fn ids_and_clocks_and_counters_do_not_count() {
        let here = essence(&["m> SET a 1"]);
        let mut other = world(2, &["m> GET a", "m> SET a 1"]);
        assert_eq!(here, other.essence(&[], false), "another seed, other ids");
        other.now = other.now.after(50);
        assert_eq!(
            here,
            other.essence(&[], false),
            "later, and nothing has happened"
        );
    }

    #[test]
    fn mirror_images_have_one_name() {
        let one = essence(&["m> SET a 1", "hurry m -> r1"]);
        assert_eq!(one, essence(&["m> SET a 1", "hurry m -> r2"]));
        let chain = essence(&["r1> REPLICAOF 127.0.0.1 6381"]);
        assert_eq!(chain, essence(&["r2> REPLICAOF 127.0.0.1 6380"]));
    }

    #[test]
    fn what_can_make_a_difference_does() {
        let lines: [&[&str]; 10] = [
            &[],
            &["m> SET a 1"],
            &["m> SET a 2"],
            &["m> SET b 1"],
            &["m> SET a 1", "hurry m -> r1"],
            &["m> SET a 1", "hurry m -> r1", "hurry m -> r2"],
            &["m> SELECT 1", "m> SET a 1"],
            &["cut m r1"],
            &["r1> REPLICAOF NO ONE"],
            &["r1> REPLICAOF 127.0.0.1 6381"],
        ];
        let mut names: Vec<u128> = lines.into_iter().map(essence).collect();
        names.push(world(1, &[]).essence(&[1], false));
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
