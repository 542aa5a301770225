//! Changing masters: `REPLICAOF host port`, `REPLICAOF NO ONE`, the promotion, and `FAILOVER`, both at once.

use super::backlog::Backlog;
use super::mutant::Mutant;
use super::pause::Why;
use super::upstream::{Cached, Upstream};
use super::{Level, Node, Outbox, ReplicaState, Session};
use crate::time::{Instant, MILLISECOND_US};
use crate::wire::resp;

/// While a failover goes on the cron runs as often as this.
pub(super) const FAILOVER_CRON: u64 = 100 * MILLISECOND_US;

impl Node {
    /// Follows another master. Data, history and our own replicas stay; what is synchronised is decided by PSYNC
    /// (`replicationSetMaster`).
    pub(super) fn follow(&mut self, host: String, port: u16, out: &mut Outbox) {
        self.disconnect_blocked(out);
        let was_master = self.upstream.is_none();
        if let Some(upstream) = self.upstream.take() {
            self.abandon_link(upstream, out);
        }
        if was_master {
            // Our own history may be what the new master continues from.
            self.cached = Some(Cached {
                replid: self.history.replid.clone(),
                offset: self.history.offset - self.forgotten_pings(),
                db: self.stream_db.unwrap_or(0),
                client: None,
            });
            out.log(
                Level::Notice,
                "Before turning into a replica, using my own master parameters to synthesize a cached master: \
                 I may be able to synchronize with the new master with just a partial transfer.",
            );
        }
        self.config.replicaof = Some((host.clone(), port));
        self.upstream = Some(Upstream::new(host, port, self.now));
        self.set_oom_score(out);
        self.connect_upstream(out);
    }

    /// A master and a replica may be ended by the system more or less gladly.
    pub(super) fn set_oom_score(&mut self, out: &mut Outbox) {
        let score = self.config.oom_score(self.upstream.is_some());
        if let Err(why) = self.host.oom_score(score) {
            out.log(Level::Warning, why);
        }
    }

    /// Bytes of the PINGs at the end of the stream, if they are not counted; they are.
    fn forgotten_pings(&self) -> u64 {
        const PING: &[u8] = b"*1\r\n$4\r\nping\r\n";
        let ring = self
            .backlog
            .as_ref()
            .filter(|_| Mutant::PingsForgotten7314.on());
        let bytes = ring
            .map(|ring| ring.since(ring.first()))
            .unwrap_or_default();
        let mut rest = &bytes[..];
        while let Some(before) = rest.strip_suffix(PING) {
            rest = before;
        }
        (bytes.len() - rest.len()) as u64
    }

    /// Becomes a master: a new id, and the old one is vouched for up to here. Replicas are disconnected, so that they
    /// ask again and learn the new id (`replicationUnsetMaster`).
    pub(super) fn promote(&mut self, out: &mut Outbox) {
        let Some(upstream) = self.upstream.take() else {
            return;
        };
        self.config.replicaof = None;
        self.set_oom_score(out);
        self.abandon_link(upstream, out);
        self.cached = None;
        self.history.shift(&mut self.rng);
        out.log(
            Level::Warning,
            format!(
                "Setting secondary replication ID to {}, valid up to offset: {}. New replication ID is {}",
                self.history.replid2, self.history.second_offset, self.history.replid
            ),
        );
        self.disconnect_replicas(out);
        self.stream_db = None;
        if !Mutant::Timer4607.on() {
            self.no_replicas_since = self.now;
        }
    }

    /// Gives a replica a master before it has started to talk: used when a snapshot on disk says where it was.
    pub(super) fn remember_master(&mut self, replid: String, offset: u64, db: usize) {
        self.history.replid.clone_from(&replid);
        self.history.offset = offset;
        self.cached = Some(Cached {
            replid,
            offset,
            db,
            client: None,
        });
    }

    /// A master that starts again from its snapshot: it has a new id, and vouches for the old one up to the snapshot, so
    /// that its replicas need no full synchronization.
    pub(super) fn continue_history(&mut self, replid: String, offset: u64) {
        self.history.offset = offset;
        if Mutant::IdOfFile4268.on() {
            self.history.replid = replid;
        } else {
            self.history.replid2 = replid;
            self.history.second_offset = offset as i64 + 1;
        }
        self.backlog = Some(Backlog::new(self.config.repl_backlog_size, offset));
        self.no_replicas_since = self.now;
    }

    /// Seconds between `earlier` and now, as Redis counts them.
    pub(super) fn seconds_since(&self, earlier: Instant) -> u64 {
        self.now.ticks_since(earlier)
    }
}

// --- FAILOVER --------------------------------------------------------------------------------------------------------

/// A planned change of roles with a replica of ours: writes are paused until it has everything, then we follow it.
#[derive(Clone, Debug)]
pub(super) struct Failover {
    target: Option<(String, u16)>,
    until: Option<Instant>,
    force: bool,
    /// We have asked the target to take over.
    pub in_progress: bool,
}

impl Failover {
    /// As `INFO` names it.
    pub(super) fn word(&self) -> &'static str {
        if self.in_progress {
            "failover-in-progress"
        } else {
            "waiting-for-sync"
        }
    }

    fn name(&self) -> String {
        match &self.target {
            Some((host, port)) => format!("{host}:{port}"),
            None => "any replica".into(),
        }
    }
}

impl Node {
    /// `FAILOVER [TO host port [FORCE]] [TIMEOUT milliseconds] | ABORT`.
    pub(super) fn failover(&mut self, s: &mut Session<'_>) -> Result<(), String> {
        if s.args.len() == 2 && s.word(1) == "abort" {
            if self.failover.is_none() {
                return Err("ERR No failover in progress.".into());
            }
            self.abort_failover("Failover manually aborted", s.out);
            resp::ok(&mut s.reply);
            return Ok(());
        }
        let (mut target, mut timeout, mut force) = (None, None, false);
        let number =
            |arg: &[u8]| resp::parse_i64(arg).ok_or("ERR value is not an integer or out of range");
        let mut i = 1;
        while i < s.args.len() {
            let left = s.args.len() - i - 1;
            match s.word(i).as_str() {
                "timeout" if left >= 1 && timeout.is_none() => {
                    let ms = number(&s.args[i + 1])?;
                    if ms <= 0 {
                        return Err("ERR FAILOVER timeout must be greater than 0".into());
                    }
                    timeout = Some(ms as u64);
                    i += 1;
                }
                "to" if left >= 2 && target.is_none() => {
                    let port = number(&s.args[i + 2])?;
                    target = Some((s.text(i + 1), u16::try_from(port).unwrap_or(0)));
                    i += 2;
                }
                "force" if !force => force = true,
                _ => return Err("ERR syntax error".into()),
            }
            i += 1;
        }
        if self.failover.is_some() {
            return Err("ERR FAILOVER already in progress.".into());
        }
        if self.upstream.is_some() {
            return Err("ERR FAILOVER is not valid when server is a replica.".into());
        }
        let replicas = self.attached();
        if replicas.is_empty() {
            return Err("ERR FAILOVER requires connected replicas.".into());
        }
        if force && (timeout.is_none() || target.is_none()) {
            return Err(
                "ERR FAILOVER with force option requires both a timeout and target HOST and IP."
                    .into(),
            );
        }
        if let Some((host, port)) = &target {
            let found = replicas
                .iter()
                .find(|r| r.host == *host && r.port == *port)
                .ok_or("ERR FAILOVER target HOST and PORT is not a replica.")?;
            if found.state != ReplicaState::Online {
                return Err("ERR FAILOVER target replica is not online.".into());
            }
        }
        let failover = Failover {
            target,
            until: timeout.map(|ms| self.now.after(ms.saturating_mul(MILLISECOND_US))),
            force,
            in_progress: false,
        };
        let text = format!("FAILOVER requested to {}.", failover.name());
        s.out.log(Level::Notice, text);
        self.failover = Some(failover);
        self.pause(Why::Failover, false, None);
        self.cron_at = self.cron_at.min(self.now.after(FAILOVER_CRON));
        resp::ok(&mut s.reply);
        Ok(())
    }

    /// Whether the target has everything by now, or the time is over (`updateFailoverStatus`).
    pub(super) fn failover_step(&mut self, out: &mut Outbox) {
        let Some(failover) = self.failover.as_ref().filter(|f| !f.in_progress) else {
            return;
        };
        let late = failover.until.is_some_and(|at| at <= self.now);
        if late && !failover.force {
            return self.abort_failover("Replica never caught up before timeout", out);
        }
        let replicas = self.attached().into_iter();
        let target = match &failover.target {
            Some(target) if late => Some(target.clone()),
            wanted => replicas
                .filter(|r| r.ack == self.history.offset)
                .map(|r| (r.host, r.port))
                .find(|addr| wanted.as_ref().is_none_or(|wanted| wanted == addr)),
        };
        let Some((host, port)) = target else {
            return;
        };
        let text = if late {
            format!("Failover to {host}:{port} time out exceeded, failing over.")
        } else {
            format!("Failover target {host}:{port} is synced, failing over.")
        };
        out.log(Level::Notice, text);
        if let Some(failover) = &mut self.failover {
            failover.target = Some((host.clone(), port));
            failover.in_progress = true;
        }
        self.follow(host, port, out);
    }

    pub(super) fn failing_over(&self) -> bool {
        self.failover.as_ref().is_some_and(|f| f.in_progress)
    }

    pub(super) fn failover_deadline(&self) -> Option<Instant> {
        let failover = self.failover.as_ref().filter(|f| !f.in_progress);
        failover.and_then(|failover| failover.until)
    }

    /// The change of roles is done.
    pub(super) fn end_failover(&mut self, out: &mut Outbox) {
        self.failover = None;
        self.unpause(Why::Failover, out);
    }

    pub(super) fn abort_failover(&mut self, why: &str, out: &mut Outbox) {
        let Some(failover) = self.failover.take() else {
            return;
        };
        out.log(
            Level::Notice,
            format!("FAILOVER to {} aborted: {why}", failover.name()),
        );
        if failover.in_progress {
            self.promote(out);
        }
        self.unpause(Why::Failover, out);
    }
}
