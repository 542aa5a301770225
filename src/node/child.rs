//! The forked child that dumps the dataset. It holds a real point-in-time copy of the keyspace (shards are shared until
//! the parent writes to them) and works key by key, so that whoever runs it can spread the work over time while the
//! parent goes on.

use super::keyspace::{self, Keyspace};
use super::{Level, Node, Outbox, Output};
use crate::wire::Bytes;
use crate::wire::rdb::write::{Position, Writer, aux_fields};

/// The work of the child.
#[derive(Clone, Debug)]
pub struct Save {
    keyspace: Keyspace,
    writer: Writer,
    /// What is left to write, last first, once the child has looked at the keyspace.
    left: Option<Vec<(usize, Bytes)>>,
    db: Option<usize>,
    keys_total: usize,
    keys_done: usize,
    to_disk: bool,
}

impl Save {
    pub(super) fn new(keyspace: Keyspace, writer: Writer) -> Self {
        let keys_total = (0..keyspace.databases()).map(|db| keyspace.len(db)).sum();
        Self {
            keyspace,
            writer,
            left: None,
            db: None,
            keys_total,
            keys_done: 0,
            to_disk: true,
        }
    }

    /// Whether it becomes the snapshot file, rather than only going to replicas.
    pub fn to_disk(&self) -> bool {
        self.to_disk
    }

    pub fn keys_total(&self) -> usize {
        self.keys_total
    }

    pub fn keys_done(&self) -> usize {
        self.keys_done
    }

    /// Bytes written so far.
    pub fn bytes(&self) -> u64 {
        self.writer.len() as u64
    }

    /// Writes up to `keys` more keys; true when none is left.
    pub fn advance(&mut self, keys: usize) -> bool {
        if self.left.is_none() {
            let databases = (0..self.keyspace.databases()).rev();
            let all = databases.flat_map(|db| {
                let mut keys: Vec<_> = self
                    .keyspace
                    .iter(db)
                    .map(|(key, _)| (db, key.clone()))
                    .collect();
                keys.reverse();
                keys
            });
            self.left = Some(all.collect());
        }
        for _ in 0..keys {
            let Some((db, key)) = self.left.as_mut().and_then(Vec::pop) else {
                return true;
            };
            if self.db != Some(db) {
                self.db = Some(db);
                self.writer
                    .select(db, self.keyspace.len(db), self.keyspace.expires(db));
            }
            if let Some(entry) = self.keyspace.get(db, &key) {
                self.writer
                    .entry(&key, entry.expire_at_ms, &keyspace::rdb_value(&entry.value));
            }
            self.keys_done += 1;
        }
        self.left.as_ref().is_some_and(Vec::is_empty)
    }

    /// All the rest at once; the file.
    pub fn finish(mut self) -> Vec<u8> {
        while !self.advance(1024) {}
        self.writer.finish()
    }
}

/// What the parent knows of its child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// `master_repl_offset` at the fork: the snapshot holds the effect of every byte up to here.
    pub offset: u64,
    /// For replicas (and for the disk), rather than for BGSAVE alone.
    pub for_replicas: bool,
    /// For replicas and not for the disk: what marks the end of the snapshot.
    pub mark: Option<String>,
    pub started_unix_s: i64,
}

impl Node {
    /// The work of a child that forks now.
    pub(super) fn new_save(&mut self) -> Save {
        let position = self.stream_db_for_rdb().map(|stream_db| Position {
            stream_db,
            replid: &self.history.replid,
            offset: self.history.offset as i64,
        });
        let writer = Writer::new(
            &aux_fields(self.now.unix_s(), self.used_memory() as i64, position),
            self.config.rdbcompression,
        );
        Save::new(self.keyspace.fork(), writer)
    }

    /// `repl-stream-db`: on a master the database that the stream has selected, on a replica the one that its master
    /// has selected. `None` when there is no stream that anybody could continue (`rdbPopulateSaveInfo`).
    fn stream_db_for_rdb(&self) -> Option<usize> {
        match (&self.upstream, &self.cached) {
            (None, _) => self.backlog.as_ref().map(|_| self.stream_db.unwrap_or(0)),
            (Some(upstream), _) if upstream.connected() => Some(upstream.db()),
            (Some(_), cached) => cached.as_ref().map(|cached| cached.db),
        }
    }

    /// Whether the system let us fork.
    pub(super) fn fork(&mut self, for_replicas: bool, to_disk: bool, out: &mut Outbox) -> bool {
        if self.fork_refused {
            self.stats.bgsave_failed = true;
            out.log(
                Level::Warning,
                "Can't save in background: fork: Cannot allocate memory",
            );
            return false;
        }
        let mut save = self.new_save();
        save.to_disk = to_disk;
        self.child = Some(Running {
            offset: self.history.offset,
            for_replicas,
            mark: (!to_disk).then(|| self.rng.hex40()),
            started_unix_s: self.now.unix_s(),
        });
        out.log(
            Level::Notice,
            match (to_disk, for_replicas) {
                (false, _) => "Background RDB transfer started",
                (_, true) => "Background saving started for replication",
                _ => "Background saving started",
            },
        );
        out.push(Output::Fork(Box::new(save)));
        true
    }

    /// `serverCron` saw the child end.
    pub(super) fn child_done(&mut self, file: Vec<u8>, out: &mut Outbox) {
        let Some(child) = self.child.take() else {
            return;
        };
        if child.mark.is_some() {
            out.log(
                Level::Notice,
                "Background RDB transfer terminated with success",
            );
            return self.send_snapshot(&file, child.mark.as_deref(), out);
        }
        self.stats.last_save_unix_s = self.now.unix_s();
        self.stats.dirty = 0;
        self.stats.bgsave_failed = false;
        out.log(Level::Notice, "Background saving terminated with success");
        self.send_snapshot(&file, None, out);
    }

    /// The child could not write its file: those who waited for it have to ask again.
    pub(super) fn child_failed(&mut self, why: &str, out: &mut Outbox) {
        if self.child.take().is_none() {
            return;
        }
        let what = if why.starts_with("terminated") {
            format!("Background saving {why}")
        } else {
            format!("Background saving error: {why}")
        };
        out.log(Level::Warning, what);
        self.stats.bgsave_failed = true;
        self.snapshot_failed(out);
    }
}
