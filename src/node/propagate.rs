//! What goes into the replication stream: SELECT when the database changes, MULTI/EXEC around what must be applied
//! together, and the bytes into the ring and to the replicas. Follows `propagatePendingCommands` and
//! `replicationFeedSlaves` of Redis 7.0: SELECT stands before MULTI.

use super::{Node, Note, Outbox, Output};
use crate::wire::{Bytes, resp};

impl Node {
    /// Feeds what the top-level command that ran has collected.
    pub(super) fn propagate_effects(&mut self, wrap: bool, out: &mut Outbox) {
        let mut effects = std::mem::take(&mut self.effects);
        self.propagate(&effects, wrap, out);
        if let Some((_, args)) = effects.pop() {
            self.spare.keep_effect(args);
        }
        effects.clear();
        self.effects = effects;
    }

    /// Feeds the effects of one top-level command. Only a master writes a stream; a replica passes its master's on.
    pub(super) fn propagate(
        &mut self,
        effects: &[(usize, Vec<Bytes>)],
        wrap: bool,
        out: &mut Outbox,
    ) {
        self.notify(out);
        if effects.is_empty() || self.upstream.is_some() {
            return;
        }
        if wrap && effects.len() > 1 {
            let db = effects[0].0;
            self.feed_command(db, &[Bytes::from(&b"MULTI"[..])], out);
            for (db, args) in effects {
                self.feed_command(*db, args, out);
            }
            self.feed_in_current_db(&[Bytes::from(&b"EXEC"[..])], out);
        } else {
            for (db, args) in effects {
                self.feed_command(*db, args, out);
            }
        }
    }

    fn feed_command(&mut self, db: usize, args: &[Bytes], out: &mut Outbox) {
        if !self.has_stream() {
            return;
        }
        if self.stream_db != Some(db) {
            let number = Bytes::from(db.to_string().as_bytes());
            self.feed_args(db, &[Bytes::from(&b"SELECT"[..]), number], out);
            self.stream_db = Some(db);
        }
        self.feed_args(db, args, out);
    }

    /// A command that belongs to no database: `PING`, `EXEC`, `REPLCONF GETACK`.
    pub(super) fn feed_in_current_db(&mut self, args: &[Bytes], out: &mut Outbox) {
        if self.has_stream() {
            self.feed_args(self.stream_db.unwrap_or(0), args, out);
        }
    }

    /// Without a backlog and without replicas there is no stream, and the offset stands still.
    fn has_stream(&self) -> bool {
        self.upstream.is_none() && (self.backlog.is_some() || !self.replicas.is_empty())
    }

    fn feed_args(&mut self, db: usize, args: &[Bytes], out: &mut Outbox) {
        let mut bytes = std::mem::take(&mut self.spare.stream);
        resp::command_into(&mut bytes, args);
        let from = self.history.offset + 1;
        self.feed_bytes(&bytes, out);
        bytes.clear();
        self.spare.stream = bytes;
        let to = self.history.offset;
        self.note(out, || Note::Fed {
            from,
            to,
            db,
            args: args.to_vec(),
        });
    }

    /// Raw stream bytes: into the ring, to the replicas, and the offset moves.
    pub(super) fn feed_bytes(&mut self, bytes: &[u8], out: &mut Outbox) {
        if self.judged {
            out.push(Output::Note(Note::Stream {
                replid: self.history.replid.clone(),
                from: self.history.offset + 1,
                bytes: bytes.to_vec(),
                own: self.upstream.is_none(),
            }));
        }
        self.history.offset += bytes.len() as u64;
        if let Some(backlog) = &mut self.backlog {
            backlog.write(bytes);
        }
        self.feed_replicas(bytes, out);
    }
}
