//! In the page nobody is told of changed keys: neither by `notify-keyspace-events` nor by `CLIENT TRACKING`, which are
//! for programs. Here stands, with nothing in it, what `notify` and `tracking` have for everybody else.

use super::keyspace::Change;
use super::registry::Command;
use super::{ConnId, Node, Outbox, Session};
use crate::wire::Bytes;

const NOT_HERE: &str = "ERR CLIENT TRACKING ON: this server does not track what its clients read";

impl Node {
    /// Whether there are events of keys at all.
    pub(super) const TELLS: bool = false;

    pub(super) fn set_notify(&mut self) {}

    pub(super) fn hears(&self) -> bool {
        false
    }

    pub(super) fn keys_changed(
        &mut self,
        _: &[Bytes],
        _: bool,
        _: &[(usize, Vec<Bytes>)],
        _: Vec<(usize, Bytes, Change)>,
    ) {
    }

    pub(super) fn key_deleted(&mut self, _: char, _: &str, _: usize, _: &Bytes) {}

    pub(super) fn notify(&mut self, _: &mut Outbox) {}

    pub(super) fn tracking_clients(&self) -> usize {
        0
    }

    pub(super) fn tracked(&self) -> [usize; 3] {
        [0; 3]
    }

    pub(super) fn set_tracking(&mut self) {}

    pub(super) fn set_current(&mut self, _: Option<ConnId>) {}

    pub(super) fn tell_evicted(&mut self, _: &mut Outbox) {}

    pub(super) fn tell_replied(&mut self, _: &mut Outbox) {}

    pub(super) fn tell_all(&mut self, _: &mut Outbox) {}

    pub(super) fn called(&mut self, _: &Command, _: &Session<'_>) {}

    pub(super) fn stop_tracking(&mut self, _: ConnId) {}

    pub(super) fn redirect(&self, _: ConnId) -> i64 {
        -1
    }

    pub(super) fn tracking_flags(&self, _: ConnId) -> [bool; 3] {
        [false; 3]
    }

    pub(super) fn tracking_command(&mut self, _: &mut Session<'_>) -> Result<(), String> {
        Err(NOT_HERE.into())
    }

    pub(super) fn caching_command(&mut self, _: &mut Session<'_>) -> Result<(), String> {
        Err(NOT_HERE.into())
    }

    pub(super) fn tracking_info(&self, s: &mut Session<'_>) {
        s.reply.nil();
    }
}
