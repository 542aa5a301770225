//! The load generator: a client that writes with some rate, and reads elsewhere what it writes.

use super::action::{Kind, Load};
use super::cluster::{Cluster, Due};
use super::machine::LOADER;
use crate::rng::Rng;
use crate::time::SECOND_US;
use crate::wire::Bytes;
use crate::wire::resp::Reply;

/// A [`Load`] that goes on.
#[derive(Clone, Debug)]
pub(super) struct Generator {
    pub what: Load,
    /// Writes that were accepted, and reads that were answered by each reader.
    pub writes: u64,
    pub answered: Vec<u64>,
    rng: Rng,
}

impl Generator {
    pub fn new(what: Load, rng: Rng) -> Self {
        Self {
            writes: 0,
            answered: vec![0; what.reads.len()],
            what,
            rng,
        }
    }

    /// The key and the commands of the next write.
    fn next(&mut self) -> (String, Vec<Vec<String>>) {
        let Load {
            keys, size, mix, ..
        } = &self.what;
        let kind = match mix[..] {
            [only] => only,
            _ => mix[self.rng.below(mix.len() as u64) as usize],
        };
        let number = 1 + self.rng.below(u64::from(*keys));
        let mut value = format!("{:06}", self.rng.below(1_000_000));
        let size = *size as usize;
        value = value.chars().cycle().take(size).collect();
        let words = |words: &[&str]| words.iter().map(|w| w.to_string()).collect::<Vec<_>>();
        let name = match kind {
            Kind::Incr => "hits",
            Kind::Push => "list",
            Kind::Add => "set",
            Kind::Expire => "session",
            _ => "user",
        };
        let key = format!("{name}:{number}");
        let set = words(&["SET", &key, &value]);
        let commands = match kind {
            Kind::Set => vec![set],
            Kind::Incr => vec![words(&["INCR", &key])],
            Kind::Push => vec![words(&["RPUSH", &key, &value])],
            Kind::Add => vec![words(&["SADD", &key, &value])],
            Kind::Del => vec![words(&["DEL", &key])],
            Kind::Expire => {
                let ms = (500 + self.rng.below(2500)).to_string();
                vec![words(&["SET", &key, &value, "PX", &ms])]
            }
            Kind::Multi => {
                let both = [set, words(&["INCR", &format!("hits:{number}")])];
                let begin = [words(&["MULTI"])].into_iter();
                begin.chain(both).chain([words(&["EXEC"])]).collect()
            }
            Kind::Select => vec![words(&["SELECT", "1"]), set, words(&["SELECT", "0"])],
        };
        (key, commands)
    }
}

impl Cluster {
    /// Begins, changes or ends the load.
    pub(super) fn set_load(&mut self, load: &Load) {
        let running = self.load.is_some();
        let generator = || Generator::new(load.clone(), self.rng.split("load"));
        self.load = (load.per_s > 0).then(generator);
        self.watch.load(self.now, &load.node, load.per_s);
        if load.per_s > 0 && !running {
            let after = SECOND_US / u64::from(load.per_s);
            self.due(self.now.after(after), Due::Load);
        }
    }

    pub(super) fn load_tick(&mut self) {
        let Some(mut load) = self.load.take() else {
            return;
        };
        let bytes = |words: &[String]| {
            let words = words.iter().map(|w| Bytes::from(w.as_bytes()));
            words.collect::<Vec<_>>()
        };
        let good = |replies: Vec<Reply>| {
            let good = replies.iter().any(|r| !matches!(r, Reply::Error(_)));
            u64::from(good)
        };
        let (key, commands) = load.next();
        if let Ok(i) = self.running(&load.what.node) {
            for command in &commands {
                let replies = self.exec_on(i, LOADER, &bytes(command));
                if command[0] != "MULTI" && command[0] != "SELECT" && replies.len() == 1 {
                    let queued = replies[0] == Reply::Simple("QUEUED".into());
                    load.writes += if queued { 0 } else { good(replies) };
                }
            }
        }
        for (n, reader) in load.what.reads.iter().enumerate() {
            if let Ok(i) = self.running(reader) {
                let replies = self.exec_on(i, LOADER, &bytes(&["GET".into(), key.clone()]));
                load.answered[n] += good(replies);
            }
        }
        let after = SECOND_US / u64::from(load.what.per_s);
        self.due(self.now.after(after), Due::Load);
        self.load = Some(load);
    }
}
