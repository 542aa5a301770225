//! Snapshots on demand and the end of the process: `SAVE`, `BGSAVE`, save points, `SHUTDOWN`.

use super::{Done, ok};
use crate::node::blocked::On;
use crate::node::pause::Why;
use crate::node::{ConnId, Level, Milestone, Node, Outbox, Output, Session};
use crate::time::{Instant, SECOND_US};
use crate::wire::resp;

const RUNNING: &str = "ERR Background save already in progress";

/// The reply comes when the file is written ([`Node::saved_now`]).
pub(super) fn save(node: &mut Node, s: &mut Session<'_>) -> Done {
    if node.child.is_some() {
        return Err(RUNNING.into());
    }
    node.stats.saves += 1;
    node.save_now(s.out);
    node.block(s.conn, Instant(0), On::Save);
    Ok(())
}

/// `BGSAVE [SCHEDULE]`: there is no other child that could stand in the way and make it wait.
pub(super) fn bgsave(node: &mut Node, s: &mut Session<'_>) -> Done {
    if s.args.len() > 2 || (s.args.len() == 2 && s.word(1) != "schedule") {
        return Err("ERR syntax error".into());
    }
    if node.child.is_some() {
        return Err(RUNNING.into());
    }
    node.stats.bgsave_tried_unix_s = node.now.unix_s();
    if !node.fork(false, true, false, s.out) {
        return Err("ERR".into());
    }
    resp::simple(&mut s.reply, "Background saving started");
    Ok(())
}

/// `SHUTDOWN [NOSAVE|SAVE] [NOW] [FORCE] | ABORT`.
pub(super) fn shutdown(node: &mut Node, s: &mut Session<'_>) -> Done {
    let words: Vec<String> = (1..s.args.len()).map(|i| s.word(i)).collect();
    let has = |word: &str| words.iter().any(|w| w == word);
    let known = ["save", "nosave", "now", "force", "abort"];
    if words.iter().any(|w| !known.contains(&w.as_str()))
        || (has("save") && has("nosave"))
        || (has("abort") && words.len() > 1)
    {
        return Err("ERR syntax error".into());
    }
    if has("abort") {
        let signal = node.signal.take();
        if node.stopping.take().is_none() && signal.is_none() {
            return Err("ERR No shutdown in progress.".into());
        }
        s.out.log(Level::Notice, "Shutdown manually aborted.");
        node.shutdown_failed(s.out);
        return ok(s);
    }
    if node.is_blocked(s.conn) {
        return Ok(());
    }
    s.out.log(Level::Warning, "User requested shutdown...");
    s.out.reached(Milestone::Stopping);
    let way = Way {
        save: has("save") || (!node.config.save.is_empty() && !has("nosave")),
        now: has("now"),
        force: has("force"),
    };
    node.block(s.conn, Instant(0), On::Shutdown);
    node.stop(way, s.out);
    Ok(())
}

/// How the process is to end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Way {
    /// With a snapshot.
    pub save: bool,
    /// Without waiting for replicas.
    pub now: bool,
    /// Even if the snapshot cannot be written.
    pub force: bool,
}

/// The process will end when the replicas have everything, or then.
#[derive(Clone, Debug)]
pub(in crate::node) struct Stopping {
    pub until: Instant,
    way: Way,
}

impl Node {
    /// Ends the process in order, as SIGTERM does, with a snapshot when one is wanted. Unless it has to be now, replicas
    /// that lack something get some time to fetch it.
    pub fn stop(&mut self, way: Way, out: &mut Outbox) {
        let patience = self.config.shutdown_timeout_s;
        if way.now || patience == 0 || self.replicas_have_all() {
            return self.end(way, out);
        }
        if self.stopping.is_none() {
            out.log(Level::Notice, "Waiting for replicas before shutting down.");
            self.ask_for_acks(out);
            self.pause(Why::Shutdown, false, None);
            let until = self.now.after(patience * SECOND_US);
            self.stopping = Some(Stopping { until, way });
        }
    }

    /// Whether the end is near: somebody asked for it.
    pub fn stops(&self) -> bool {
        self.stopping.is_some() || self.signal.is_some()
    }

    /// Ends the process as a signal asks for, by `shutdown-on-sigterm` or `shutdown-on-sigint`.
    pub fn stop_on_signal(&mut self, directive: &'static str, out: &mut Outbox) {
        self.signal = Some(directive);
        self.heed_signal(out);
    }

    /// Signals are heeded by cron.
    pub(super) fn heed_signal(&mut self, out: &mut Outbox) {
        let Some(directive) = self.signal.filter(|_| !self.cron_paused) else {
            return;
        };
        self.signal = None;
        let flags = self.config.get(directive).unwrap_or_default();
        let has = |word: &str| flags.split(' ').any(|flag| flag == word);
        let way = Way {
            save: has("save") || (!self.config.save.is_empty() && !has("nosave")),
            now: has("now"),
            force: has("force"),
        };
        out.log(Level::Warning, "User requested shutdown...");
        out.reached(Milestone::Stopping);
        self.stop(way, out);
    }

    pub(in crate::node) fn stop_when_ready(&mut self, out: &mut Outbox) {
        if let Some(Stopping { until, way }) = self.stopping
            && (until <= self.now || self.replicas_have_all())
        {
            self.stopping = None;
            let end = self.history.offset;
            for lagging in self.attached().iter().filter(|replica| replica.ack < end) {
                out.log(
                    Level::Warning,
                    format!(
                        "Lagging replica {}:{} reported offset {} behind master, lag={}, state={}.",
                        lagging.host,
                        lagging.port,
                        end - lagging.ack,
                        lagging.lag_s,
                        lagging.state.word()
                    ),
                );
            }
            let all = self.replicas.len();
            let synced = self.acknowledged(self.history.offset);
            out.log(
                Level::Notice,
                format!("{synced} of {all} replicas are in sync when shutting down."),
            );
            self.end(way, out);
        }
    }

    fn end(&mut self, way: Way, out: &mut Outbox) {
        if self.child.take().is_some() {
            out.log(
                Level::Warning,
                "There is a child saving an .rdb. Killing it!",
            );
            out.push(Output::KillChild);
        }
        if !way.save {
            return self.exit(out);
        }
        out.log(
            Level::Notice,
            "Saving the final RDB snapshot before exiting.",
        );
        out.reached(Milestone::SavesLast);
        self.ending = Some(way);
        self.save_now(out);
    }

    fn exit(&mut self, out: &mut Outbox) {
        if self.config.path("pidfile").is_some() {
            out.log(Level::Notice, "Removing the pid file.");
        }
        if self.config.path("unixsocket").is_some() {
            out.log(Level::Notice, "Removing the unix socket file.");
        }
        out.log(Level::Warning, "Redis is now ready to exit, bye bye...");
        out.push(Output::Exit(0));
    }

    /// The end does not come: those who asked for it are told.
    fn shutdown_failed(&mut self, out: &mut Outbox) {
        for conn in self.waiting_for(|on| matches!(on, On::Shutdown)) {
            let text = b"-ERR Errors trying to SHUTDOWN. Check logs.\r\n";
            self.unblock(conn, text, out);
        }
        self.unpause(Why::Shutdown, out);
    }

    fn waiting_for(&self, what: fn(&On) -> bool) -> Vec<ConnId> {
        let waits = |conn: &&ConnId| {
            let blocked = self.clients.get(conn).and_then(|c| c.blocked.as_ref());
            blocked.is_some_and(|b| what(&b.on))
        };
        self.blocked.iter().filter(waits).copied().collect()
    }

    pub(in crate::node) fn save_now(&mut self, out: &mut Outbox) {
        let save = self.new_save();
        out.push(Output::Save(Box::new(save)));
    }

    /// The snapshot that [`Output::Save`] asked for was written, or why it was not.
    pub(in crate::node) fn saved_now(&mut self, result: Result<(), String>, out: &mut Outbox) {
        let waiting = self.waiting_for(|on| matches!(on, On::Save));
        match &result {
            Ok(()) => {
                out.log(Level::Notice, "DB saved on disk");
                self.stats.last_save_unix_s = self.now.unix_s();
                self.stats.dirty = 0;
                self.stats.bgsave_failed = false;
            }
            // The machine has said it itself.
            Err(why) if why.is_empty() => {}
            Err(why) => out.log(Level::Warning, format!("Error saving DB on disk: {why}")),
        }
        for conn in waiting {
            let reply: &[u8] = if result.is_ok() {
                b"+OK\r\n"
            } else {
                b"-ERR\r\n"
            };
            self.unblock(conn, reply, out);
        }
        match self.ending.take() {
            Some(way) if result.is_ok() || way.force => self.exit(out),
            Some(_) => {
                out.log(Level::Warning, "Error trying to save the DB, can't exit.");
                out.reached(Milestone::CannotStop);
                let text =
                    "Errors trying to shut down the server. Check the logs for more information.";
                out.log(Level::Warning, text);
                self.shutdown_failed(out);
            }
            None => {}
        }
    }

    /// Begins a snapshot when a save point was reached: so many changes in so many seconds. After a failure a new try
    /// waits some seconds.
    pub(in crate::node) fn save_by_point(&mut self, out: &mut Outbox) {
        const RETRY_S: i64 = 5;
        if self.child.is_some() || self.loading.is_some() {
            return;
        }
        let now = self.now.unix_s();
        let since = now - self.stats.last_save_unix_s;
        let dirty = self.stats.dirty;
        let due = |(seconds, changes): &&(u64, u64)| dirty >= *changes && since > *seconds as i64;
        let waited = now - self.stats.bgsave_tried_unix_s > RETRY_S;
        if let Some((seconds, changes)) = self.config.save.iter().find(due)
            && (waited || !self.stats.bgsave_failed)
        {
            out.log(
                Level::Notice,
                format!("{changes} changes in {seconds} seconds. Saving..."),
            );
            self.stats.bgsave_tried_unix_s = now;
            self.fork(false, true, false, out);
        }
    }
}
