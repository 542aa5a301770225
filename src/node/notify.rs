//! Keyspace events (`notify-keyspace-events`, `notify.c`), told to those who listen to `__keyspace@db__:key` and
//! `__keyevent@db__:event`; and, at their places among them, what is told to those who track keys. Commands note what
//! there is to tell where in their replies it happens ([`Notice`]).

use super::commands::{Notice, What};
use super::{ConnId, Node, Outbox};
use crate::wire::Bytes;

/// What is told of what happens to keys.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// By the letters of the directive; empty when nobody could hear of it.
    classes: String,
    /// What is not told yet.
    pub(super) notices: Vec<Notice>,
}

impl Told {
    /// The reply in which something was noted, `part`, is the end of one now that begins at `start` of `whole` and may
    /// have a head before it. What came before all of the part comes before that head too.
    pub(super) fn within(&mut self, start: usize, whole: &[u8], part: &[u8]) {
        let moved = whole.len() - part.len();
        for notice in &mut self.notices {
            let is_first = notice.at == 0;
            notice.at = if is_first { start } else { notice.at + moved };
        }
    }
}

impl Node {
    /// Which events are told follows from the configuration; nothing when nobody could hear them.
    pub(super) fn set_notify(&mut self) {
        let wanted = self.config.events();
        let heard = wanted.contains(['K', 'E']);
        self.told.classes = if heard { wanted.into() } else { String::new() };
    }

    /// Whether anybody may want to know what happens to keys.
    pub(super) fn hears(&self) -> bool {
        !self.told.classes.is_empty() || self.tracks()
    }

    /// The server itself deleted a key, and why.
    pub(super) fn key_deleted(&mut self, what: What, db: usize, key: &Bytes) {
        if self.hears() {
            let (at, key) = (0, key.clone());
            self.told.notices.push(Notice { at, db, key, what });
        }
    }

    /// Tells what there is to tell, and amid it sends this client what stands before in its reply; how much that was.
    pub(super) fn tell_amid(&mut self, conn: ConnId, reply: &[u8], out: &mut Outbox) -> usize {
        let mut sent = 0;
        for notice in std::mem::take(&mut self.told.notices) {
            let at = notice.at.min(reply.len());
            if at > sent {
                self.send_part(conn, &reply[sent..at], out);
                sent = at;
            }
            self.tell(&notice, out);
        }
        sent
    }

    /// Tells what there is to tell.
    pub(super) fn notify(&mut self, out: &mut Outbox) {
        if !self.told.notices.is_empty() {
            for notice in std::mem::take(&mut self.told.notices) {
                self.tell(&notice, out);
            }
        }
    }

    fn tell(&mut self, notice: &Notice, out: &mut Outbox) {
        let Notice { db, key, what, .. } = notice;
        match *what {
            What::Changed => self.key_changed(key, self.tracking.current, false),
            What::Event(class, event) => self.tell_event(class, event, *db, key, out),
            What::Flushed => self.keys_flushed(),
            What::Evicted => {
                let current = self.tracking.current.take();
                self.key_changed(key, None, false);
                self.tell_changes(out);
                self.tracking.current = current;
                self.tell_event('e', "evicted", *db, key, out);
            }
            What::Expired => {
                self.tell_event('x', "expired", *db, key, out);
                self.key_changed(key, None, false);
            }
        }
        self.tell_changes(out);
    }

    fn tell_event(&mut self, class: char, event: &str, db: usize, key: &Bytes, out: &mut Outbox) {
        let wants = |c: char| self.told.classes.contains(c);
        if !(wants(class) || wants('A') && !"nm".contains(class)) {
            return;
        }
        let (by_key, by_event) = (wants('K'), wants('E'));
        let mut tell = |channel: Vec<u8>, message: Bytes| {
            let args = [Bytes::from(&b"publish"[..]), channel.into(), message];
            self.deliver_message(&args, out);
        };
        if by_key {
            let channel = [format!("__keyspace@{db}__:").as_bytes(), key].concat();
            tell(channel, event.as_bytes().into());
        }
        if by_event {
            tell(
                format!("__keyevent@{db}__:{event}").into_bytes(),
                key.clone(),
            );
        }
    }
}
