//! Keys as a screen shows them: those that are listed with every look at the world, and any others by a pattern, when
//! somebody asks for them.

use super::{KEYS_SHOWN, Seen, key_id};
use crate::node::Node;
use crate::node::commands::matches;
use crate::node::keyspace::{Entry, Keyspace, Value};
use crate::sim::cluster::Cluster;
use crate::sim::snapshot::KeyView;
use crate::wire::{Bytes, resp};
use foldhash::fast::FixedState;
use indexmap::IndexMap;

/// The keys of a node by name, and which of many things each belongs to.
type Unknown<'a> = IndexMap<(usize, &'a [u8]), usize, FixedState>;

pub(super) fn listed(world: &Cluster, node: &Node, seen: &Seen) -> Vec<KeyView> {
    let keyspace = node.keyspace();
    let mut placed: Vec<(usize, KeyView)> = Vec::new();
    let mut unknown = Unknown::default();
    for db in 0..keyspace.databases() {
        for (key, entry) in keyspace.iter(db).take(KEYS_SHOWN) {
            let place = world.watch.key_order.get_index_of(&key_id(db, key));
            unknown.insert((db, &key[..]), placed.len());
            placed.push((
                place.unwrap_or(usize::MAX),
                view(keyspace, (db, key), entry),
            ));
        }
    }
    written(seen, unknown, |at, bytes| placed[at].1.set_by = Some(bytes));
    // Keys without a place (those of a command that writes several) come last, by name.
    crate::order::sort_by(&mut placed, |(p, a), (q, b)| {
        (p, a.db, &a.name).cmp(&(q, b.db, &b.name))
    });
    placed.into_iter().map(|(_, view)| view).collect()
}

fn view(keyspace: &Keyspace, (db, key): (usize, &Bytes), entry: &Entry) -> KeyView {
    let digest = keyspace.value_digest(db, key).map_or(0, |d| {
        d.iter().take(8).fold(0, |n, b| n << 8 | u64::from(*b))
    });
    let value = match &entry.value {
        Value::String(text) => resp::quote(&text[..text.len().min(40)]),
        other => [&other.size().to_string(), " members"].concat(),
    };
    KeyView {
        db,
        name: String::from_utf8_lossy(key).into_owned(),
        kind: entry.value.type_name(),
        value,
        digest,
        expire_at_ms: entry.expire_at_ms,
        set_by: None,
    }
}

/// Tells of each key the bytes of the command that wrote it last, where that is known.
fn written<'a>(seen: &'a Seen, mut unknown: Unknown<'a>, mut tell: impl FnMut(usize, (u64, u64))) {
    for cell in seen.written.iter().rev() {
        if unknown.is_empty() {
            break;
        }
        let key = cell.key().map_or(&[][..], |key| &key[..]);
        if let Some(at) = unknown.swap_remove(&(cell.db, key)) {
            tell(at, (cell.from, cell.to));
        }
    }
}

/// What was looked for and found.
#[derive(Debug, Default, PartialEq)]
pub struct Found {
    /// So many keys fit, on all nodes together, each counted once.
    pub all: u64,
    /// A part of them: each with what every node has under it, in the order of `Snapshot::nodes`.
    pub keys: Vec<Vec<Option<KeyView>>>,
    /// How many of all that fit are not on a node as they are on the first one, by node. Those that do not run: 0.
    pub differ: Vec<u64>,
}

impl Cluster {
    /// Keys that the pattern fits, as `KEYS` reads it, or of whose name the text is a part where it has no `*`, `?` or `[`;
    /// nothing fits all. `first` is the node that the others are compared with: its keys come first, in the order in which it
    /// keeps them. With `differing`, only those that are not the same everywhere. Of what fits, `take` after `skip`.
    #[inline(never)]
    pub fn find_keys(
        &self,
        pattern: &str,
        differing: bool,
        first: usize,
        (skip, take): (usize, usize),
    ) -> Found {
        let text = pattern.as_bytes();
        let glob = text.iter().any(|b| b"*?[".contains(b));
        let fits = |key: &[u8]| match text {
            [] | b"*" => true,
            _ if glob => matches(text, key),
            _ => key.windows(text.len()).any(|part| part == text),
        };
        let stores: Vec<Option<&Keyspace>> = self
            .machines
            .iter()
            .map(|m| m.node.as_ref().map(Node::keyspace))
            .collect();
        // Those that run, the first one at the head.
        let running = |i: &usize| stores[*i].is_some();
        let mut order: Vec<usize> = (0..stores.len()).filter(running).collect();
        if let Some(at) = order.iter().position(|i| *i == first) {
            order[..=at].rotate_right(1);
        }
        let mut part = Vec::new();
        let mut found = Found {
            differ: vec![0; stores.len()],
            ..Found::default()
        };
        for (turn, &i) in order.iter().enumerate() {
            let Some(store) = stores[i] else { continue };
            let earlier = &order[..turn];
            for db in 0..store.databases() {
                for (key, entry) in store.iter(db).filter(|(key, _)| fits(key)) {
                    let has = |at: &usize| stores[*at].is_some_and(|s| s.get(db, key).is_some());
                    if earlier.iter().any(has) {
                        continue; // it was found there
                    }
                    // What the first one has is what is right.
                    let upper = (turn == 0).then_some(entry);
                    let mut worst = false;
                    for (at, other) in stores.iter().enumerate() {
                        let Some(other) = other else { continue };
                        let differs =
                            !alike((upper, store), (other.get(db, key), other), (db, key));
                        worst |= differs;
                        found.differ[at] += u64::from(differs);
                    }
                    if differing && !worst {
                        continue;
                    }
                    found.all += 1;
                    if found.all as usize > skip && part.len() < take {
                        part.push((db, key));
                    }
                }
            }
        }
        found.keys = self.everywhere(&part);
        found
    }

    /// What all nodes have under some keys.
    fn everywhere(&self, keys: &[(usize, &Bytes)]) -> Vec<Vec<Option<KeyView>>> {
        let mut out: Vec<Vec<Option<KeyView>>> = keys.iter().map(|_| Vec::new()).collect();
        for (i, machine) in self.machines.iter().enumerate() {
            let store = machine.node.as_ref().map(Node::keyspace);
            let mut unknown = Unknown::default();
            for (at, &(db, key)) in keys.iter().enumerate() {
                unknown.insert((db, &key[..]), at);
                let found = store.and_then(|s| Some(view(s, (db, key), s.get(db, key)?)));
                out[at].push(found);
            }
            if let Some(seen) = self.watch.seen.get(i) {
                written(seen, unknown, |at, bytes| {
                    if let Some(Some(view)) = out[at].last_mut() {
                        view.set_by = Some(bytes);
                    }
                });
            }
        }
        out
    }
}

/// The same value and the same end. Values that are not equal as they are kept may still have one digest.
fn alike(
    (a, at): (Option<&Entry>, &Keyspace),
    (b, bt): (Option<&Entry>, &Keyspace),
    (db, key): (usize, &Bytes),
) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => {
            a.expire_at_ms == b.expire_at_ms
                && (a.value == b.value || at.value_digest(db, key) == bt.value_digest(db, key))
        }
        (a, b) => a.is_none() && b.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use crate::sim::{Action, Cluster, Options};

    fn world() -> Cluster {
        let mut world = Cluster::ready(Options::default());
        for i in 0..1_200 {
            world.exec("m", &["SET", &format!("key:{i}"), "x"]);
        }
        world.settle(20_000_000);
        let cut = Action::parse("cut m r1").expect("an action");
        world.act(&cut).expect("it can be cut");
        world.exec("m", &["SET", "key:700", "other"]);
        world.exec("m", &["DEL", "key:900"]);
        world.exec("m", &["SADD", "tags", "a", "b"]);
        world.settle(20_000_000);
        world
    }

    #[test]
    fn any_key_is_found_and_compared_on_all_nodes() {
        let world = world();
        let snapshot = world.snapshot();
        assert!(!snapshot.nodes[0].lists_all_keys(), "more than are listed");
        let found = world.find_keys("key:700", false, 0, (0, 10));
        assert_eq!(found.all, 1);
        let values: Vec<_> = found.keys[0]
            .iter()
            .flatten()
            .map(|k| k.value.as_str())
            .collect();
        assert_eq!(values, ["\"other\"", "\"x\"", "\"other\""]);
        assert_eq!(found.differ, [0, 1, 0]);
        let found = world.find_keys("key:9*", true, 0, (0, 10));
        assert_eq!(found.all, 1, "the one that r1 alone still has");
        let there: Vec<bool> = found.keys[0].iter().map(Option::is_some).collect();
        assert_eq!(there, [false, true, false]);
        assert_eq!(found.differ, [0, 1, 0]);
    }

    #[test]
    fn pages_have_every_key_once() {
        let world = world();
        let (mut names, mut skip) = (Vec::new(), 0);
        loop {
            let found = world.find_keys("", false, 0, (skip, 100));
            let name = |key: &Vec<Option<_>>| {
                let view: &crate::sim::snapshot::KeyView =
                    key.iter().flatten().next().expect("somewhere");
                view.name.clone()
            };
            names.extend(found.keys.iter().map(name));
            skip += 100;
            if skip as u64 >= found.all {
                assert_eq!(found.all, names.len() as u64);
                break;
            }
        }
        names.sort();
        let with_twins = names.len();
        names.dedup();
        assert_eq!(names.len(), with_twins);
        assert!(names.len() >= 1_201, "{}", names.len());
        assert_eq!(world.find_keys("", true, 0, (0, 9)).all, 3);
    }

    #[test]
    fn a_node_that_does_not_run_is_not_compared() {
        let mut world = world();
        let kill = Action::parse("kill r1").expect("an action");
        world.act(&kill).expect("it runs");
        let found = world.find_keys("tags", false, 0, (0, 9));
        assert_eq!(found.differ, [0, 0, 0]);
        assert_eq!(found.keys[0][1], None);
    }
}
