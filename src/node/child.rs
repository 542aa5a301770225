//! The forked child that dumps the dataset. It holds a real point-in-time copy of the keyspace (shards are shared until
//! the parent writes to them) and works key by key, so that whoever runs it can spread the work over time while the
//! parent goes on.

use super::keyspace::{self, Keyspace, Place};
use super::{Level, Node, Outbox, Output};
use crate::wire::rdb::write::{Position, Writer, aux_fields};

/// The work of the child.
#[derive(Clone, Debug)]
pub struct Save {
    keyspace: Keyspace,
    writer: Writer,
    /// The key that comes next.
    place: Place,
    db: Option<usize>,
    keys_total: usize,
    keys_done: usize,
    key_delay_us: u64,
    to_disk: bool,
    /// How keys were used is told, too.
    notes_use: bool,
    /// The history and the offset of the data at the fork.
    origin: (String, u64),
}

impl Save {
    pub(super) fn new(keyspace: Keyspace, writer: Writer, origin: (String, u64)) -> Self {
        let keys_total = keyspace.total();
        Self {
            keyspace,
            writer,
            place: Place::default(),
            db: None,
            keys_total,
            keys_done: 0,
            key_delay_us: 0,
            to_disk: true,
            notes_use: false,
            origin,
        }
    }

    /// The history and the offset of the data at the fork, and its digest.
    pub fn origin(&self) -> (String, u64, [u8; 20]) {
        let (replid, offset) = &self.origin;
        (replid.clone(), *offset, self.keyspace.digest())
    }

    /// Whether it becomes the snapshot file, rather than only going to replicas.
    pub fn to_disk(&self) -> bool {
        self.to_disk
    }

    /// How much longer each key takes (`rdb-key-save-delay`).
    pub fn key_delay_us(&self) -> u64 {
        self.key_delay_us
    }

    /// What was written since the last call.
    pub fn take(&mut self) -> Vec<u8> {
        self.writer.take()
    }

    /// Bytes that were taken.
    pub fn taken(&self) -> u64 {
        self.writer.taken() as u64
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
        for _ in 0..keys {
            let Some((db, key, entry)) = self.keyspace.next(&mut self.place) else {
                return true;
            };
            if self.db != Some(db) {
                self.db = Some(db);
                self.writer
                    .select(db, self.keyspace.len(db), self.keyspace.expires(db));
            }
            let value = keyspace::rdb_value(&entry.value);
            let shape = self.keyspace.shape(&entry.value);
            if self.notes_use {
                self.writer.used(self.keyspace.clock.told(entry.access));
            }
            self.writer.entry(key, entry.expire_at_ms, &value, shape);
            self.keys_done += 1;
        }
        self.keys_done == self.keys_total
    }

    /// All the rest at once; what of the file was not taken.
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
    /// The mark was announced.
    announced: bool,
    pub started_unix_s: i64,
    /// Changes that the snapshot has in it.
    dirty: u64,
}

impl Node {
    /// The work of a child that forks now.
    pub(super) fn new_save(&mut self) -> Save {
        let position = self.stream_db_for_rdb().map(|stream_db| Position {
            stream_db,
            replid: &self.history.replid,
            offset: self.history.offset as i64,
        });
        let mut writer = Writer::new(
            &aux_fields(self.now.unix_s(), self.used_memory() as i64, position),
            self.config.rdbcompression,
        );
        if !self.config.rdbchecksum {
            writer = writer.unchecked();
        }
        let origin = (self.history.replid.clone(), self.history.offset);
        let mut save = Save::new(self.keyspace.fork(), writer, origin);
        save.notes_use = self.config.maxmemory_policy.notes_use();
        save
    }

    /// The dataset as a snapshot of this moment would hold it: the bytes of an RDB file. Changes nothing.
    pub fn rdb(&self) -> Vec<u8> {
        self.clone().new_save().finish()
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

    /// Whether the system let us fork. `without_data`: for replicas that asked for a snapshot of everything else
    /// (`rdb-filter-only`).
    pub(super) fn fork(
        &mut self,
        for_replicas: bool,
        to_disk: bool,
        without_data: bool,
        out: &mut Outbox,
    ) -> bool {
        // One that cannot be made is counted, too.
        self.stats.saves += u64::from(to_disk);
        if self.fork_refused {
            self.stats.bgsave_failed = true;
            out.log(
                Level::Warning,
                "Can't save in background: fork: Cannot allocate memory",
            );
            return false;
        }
        let mut save = self.new_save();
        if without_data {
            save = Save::new(
                Keyspace::new(self.config.databases),
                save.writer,
                save.origin,
            );
        }
        save.to_disk = to_disk;
        save.key_delay_us = self.config.rdb_key_save_delay_us.max(0) as u64;
        self.child = Some(Running {
            offset: self.history.offset,
            for_replicas,
            mark: (!to_disk).then(|| self.rng.hex40()),
            announced: false,
            started_unix_s: self.now.unix_s(),
            dirty: self.stats.dirty,
        });
        self.stats.forks += 1;
        let what = if to_disk { "saving" } else { "RDB transfer" };
        // What has no process has no child either, and the reader of its log is helped by another word.
        let text = match self.host.process().id {
            0 if to_disk && for_replicas => "Background saving started for replication".into(),
            0 => format!("Background {what} started"),
            pid => format!("Background {what} started by pid {pid}"),
        };
        out.log(Level::Notice, text);
        out.push(Output::Fork(Box::new(save)));
        true
    }

    /// The child wrote more of a snapshot that goes to replicas as it is made.
    pub(super) fn child_wrote(&mut self, part: &[u8], out: &mut Outbox) {
        let Some(Running {
            mark: Some(mark),
            announced,
            ..
        }) = &mut self.child
        else {
            return;
        };
        if std::mem::replace(announced, true) {
            self.stream_snapshot(part, out);
        } else {
            let head = format!("$EOF:{mark}\r\n");
            self.stream_snapshot(&[head.as_bytes(), part].concat(), out);
        }
    }

    /// `serverCron` saw the child end.
    pub(super) fn child_done(&mut self, file: Vec<u8>, out: &mut Outbox) {
        if self
            .child
            .as_ref()
            .is_some_and(|child| child.mark.is_some())
        {
            self.child_wrote(&file, out);
        }
        let Some(child) = self.child.take() else {
            return;
        };
        if let Some(mark) = child.mark {
            self.stream_snapshot(mark.as_bytes(), out);
            return self.snapshot_streamed(out);
        }
        self.stats.last_save_unix_s = self.now.unix_s();
        self.stats.bgsave_took_s = Some(self.now.unix_s() - child.started_unix_s);
        self.stats.dirty -= child.dirty.min(self.stats.dirty);
        self.stats.bgsave_failed = false;
        out.log(Level::Notice, "Background saving terminated with success");
        self.saved_for_replicas |= child.for_replicas && self.config.rdb_del_sync_files;
        self.send_snapshot(&file, out);
    }

    /// Stops the child, whatever it is for (`killRDBChild`); those who waited for its snapshot have to ask again.
    pub(super) fn kill_child(&mut self, out: &mut Outbox) {
        let Some(child) = self.child.take() else {
            return;
        };
        out.push(Output::KillChild);
        let what = if child.mark.is_some() {
            "transfer"
        } else {
            "saving"
        };
        let text = format!("Background {what} terminated by signal 10");
        out.log(Level::Warning, text);
        self.snapshot_failed(out);
    }

    /// What a child still saves is gone. With save points the file on disk is emptied, too
    /// (`flushAllDataAndResetRDB`).
    pub(super) fn after_flushall(&mut self, out: &mut Outbox) {
        self.kill_child(out);
        if !self.config.save.is_empty() {
            self.save_now(out);
        }
    }

    /// The child could not write its file: those who waited for it have to ask again.
    pub(super) fn child_failed(&mut self, why: &str, out: &mut Outbox) {
        let Some(child) = self.child.take() else {
            return;
        };
        let what = match child.mark {
            Some(_) => "transfer",
            None => "saving",
        };
        let text = match why {
            // The machine has said it itself.
            "" => format!("Background {what} error"),
            why if why.starts_with("terminated") => format!("Background {what} {why}"),
            why => format!("Background {what} error: {why}"),
        };
        out.log(Level::Warning, text);
        self.stats.bgsave_failed |= child.mark.is_none();
        self.snapshot_failed(out);
    }
}
