//! What is wrong with the world now, as the actions that would bring it about anew.

use super::action::{Action, Part, Told, Way, When};
use super::cluster::Cluster;
use super::machine::Machine;
use super::network::{Connect, Direction};

impl Cluster {
    /// Every fault that is in force, in the order of the nodes; what ends by itself is told without its end. A path is
    /// told once, from the node that was there first.
    pub fn faults(&self) -> Vec<Action> {
        let mut out = Vec::new();
        for (i, a) in self.machines.iter().enumerate() {
            self.of_node(a, &mut out);
            for (j, b) in self.machines.iter().enumerate().skip(i + 1) {
                self.of_path((i, &a.name), (j, &b.name), &mut out);
            }
        }
        out
    }

    fn of_node(&self, m: &Machine, out: &mut Vec<Action>) {
        let node = || m.name.clone();
        let slow = [
            (m.slow.child, Part::Child),
            (m.slow.disk, Part::Disk),
            (m.slow.loader, Part::Loader),
        ];
        if m.node.is_none() {
            out.push(Action::Kill { node: node() });
        }
        if m.paused_until.is_some() {
            out.push(Action::Pause {
                node: node(),
                us: None,
            });
        }
        if slow.iter().all(|part| part.0 == slow[0].0 && part.0 != 1) {
            out.push(Action::Slow {
                node: node(),
                part: Part::All,
                factor: slow[0].0,
            });
        } else {
            for (factor, part) in slow.into_iter().filter(|part| part.0 != 1) {
                out.push(Action::Slow {
                    node: node(),
                    part,
                    factor,
                });
            }
        }
        if m.reads.is_some() {
            out.push(Action::Reads {
                node: node(),
                bytes_per_s: m.reads,
            });
        }
        if m.fork_refused {
            out.push(Action::Fork {
                node: node(),
                refused: true,
            });
        }
        if m.psync_gone {
            out.push(Action::Psync {
                node: node(),
                gone: true,
            });
        }
        if let Some(after) = m.child_dies {
            out.push(Action::Child {
                node: node(),
                after,
            });
        }
        if m.room.is_some() {
            out.push(Action::Disk {
                node: node(),
                room: m.room,
            });
        }
    }

    fn of_path(&self, a: (usize, &str), b: (usize, &str), out: &mut Vec<Action>) {
        let path = self.network.path(a.0, b.0);
        if path.cut {
            let told = if path.silent { Told::None } else { Told::Both };
            out.push(Action::Cut {
                a: a.1.into(),
                b: b.1.into(),
                told,
                when: When::Now,
            });
        }
        let there = self.of_direction(self.network.direction(a.0, b.0), (a.1, b.1));
        let back = self.of_direction(self.network.direction(b.0, a.0), (b.1, a.1));
        // The same both ways is one fault.
        for one in &there {
            let mirrored = flipped(one);
            match mirrored.filter(|m| back.contains(m)) {
                Some(_) => out.push(both_ways(one.clone())),
                None => out.push(one.clone()),
            }
        }
        for one in back {
            if !flipped(&one).is_some_and(|m| there.contains(&m)) {
                out.push(one);
            }
        }
    }

    fn of_direction(&self, d: &Direction, (a, b): (&str, &str)) -> Vec<Action> {
        let way = || Way {
            a: a.into(),
            b: b.into(),
            one_way: true,
        };
        let usual = self.options().latency_us;
        let mut out = Vec::new();
        if d.stalled_until > self.now() {
            out.push(Action::Stall {
                way: way(),
                us: None,
            });
        }
        if d.latency_us != (usual, usual) {
            out.push(Action::Latency {
                way: way(),
                us: d.latency_us,
            });
        }
        if d.bytes_per_s > 0 {
            out.push(Action::Bandwidth {
                way: way(),
                bytes_per_s: d.bytes_per_s,
            });
        }
        if d.segment > 0 {
            out.push(Action::Segment {
                way: way(),
                bytes: d.segment,
            });
        }
        match d.connect {
            Connect::Refused => out.push(Action::Connect {
                way: way(),
                us: None,
            }),
            Connect::After(us @ 1..) => out.push(Action::Connect {
                way: way(),
                us: Some(us),
            }),
            Connect::After(0) => {}
        }
        out
    }
}

fn way_of(action: &mut Action) -> Option<&mut Way> {
    match action {
        Action::Stall { way, .. }
        | Action::Latency { way, .. }
        | Action::Bandwidth { way, .. }
        | Action::Segment { way, .. }
        | Action::Connect { way, .. } => Some(way),
        _ => None,
    }
}

/// The same fault in the other direction.
fn flipped(action: &Action) -> Option<Action> {
    let mut out = action.clone();
    let way = way_of(&mut out)?;
    std::mem::swap(&mut way.a, &mut way.b);
    Some(out)
}

fn both_ways(mut action: Action) -> Action {
    if let Some(way) = way_of(&mut action) {
        way.one_way = false;
    }
    action
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Options;

    #[test]
    fn what_was_done_is_what_is_told_and_its_end_ends_it() {
        let table = [
            ("cut m r1", "restore m r1"),
            ("cut m r1 told none", "restore m r1"),
            ("stall m r1", "restore m r1"),
            ("stall m -> r1", "restore m r1"),
            ("latency m r1 400ms", "latency m r1 100ms"),
            ("latency r1 -> m 20ms..2s", "latency m r1 100ms"),
            ("bandwidth m r1 64", "bandwidth m r1 0"),
            ("segment m r1 7", "segment m r1 0"),
            ("connect m r1 refused", "connect m r1 0ms"),
            ("connect m r1 2s", "connect m r1 0ms"),
            ("pause r1", "resume r1"),
            ("slow r1 10", "slow r1 1"),
            ("slow m 100 child", "slow m 1"),
            ("reads r1 none", "reads r1 all"),
            ("reads r1 64", "reads r1 all"),
            ("fork m refused", "fork m ok"),
            ("disk r1 full", "disk r1 ok"),
            ("disk r1 full after 40", "disk r1 ok"),
            ("kill r1", "start r1"),
        ];
        for (fault, end) in table {
            let mut world = Cluster::ready(Options::default());
            let mut act = |line: &str| {
                let action = Action::parse(line).expect("an action");
                world.act(&action).expect("it can be done");
                let told = world.faults();
                told.iter().map(Action::to_string).collect::<Vec<_>>()
            };
            assert_eq!(act(fault), [fault]);
            assert_eq!(act(end), [""; 0], "{fault}, then {end}");
        }
    }

    #[test]
    fn a_stall_ends_by_itself() {
        let mut world = Cluster::ready(Options::default());
        let action = Action::parse("stall m r1 2s").expect("an action");
        world.act(&action).expect("it can be done");
        assert_eq!(world.faults().len(), 1);
        world.run_until(world.now().after(2_100_000));
        assert_eq!(world.faults(), []);
    }
}
