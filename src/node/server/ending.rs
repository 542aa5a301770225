//! Snapshots on demand and the end of the process: `SAVE`, `BGSAVE`, `SHUTDOWN`.

use super::{Done, ok};
use crate::node::blocked::On;
use crate::node::pause::Why;
use crate::node::{Level, Node, Outbox, Output, Session};
use crate::time::{Instant, SECOND_US};
use crate::wire::resp;

pub(super) fn save(node: &mut Node, s: &mut Session<'_>) -> Done {
    if node.child.is_some() {
        return Err("ERR Background save already in progress".into());
    }
    node.save_now(s.out);
    ok(s)
}

pub(super) fn bgsave(node: &mut Node, s: &mut Session<'_>) -> Done {
    if node.child.is_some() {
        return Err("ERR Background save already in progress".into());
    }
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
        if node.stopping.take().is_none() {
            return Err("ERR No shutdown in progress.".into());
        }
        s.out.log(Level::Notice, "Shutdown manually aborted.");
        for conn in node.blocked.clone() {
            let blocked = node.clients.get(&conn).and_then(|c| c.blocked.as_ref());
            if blocked.is_some_and(|b| matches!(b.on, On::Shutdown)) {
                let text = b"-ERR Errors trying to SHUTDOWN. Check logs.\r\n";
                node.unblock(conn, text, s.out);
            }
        }
        node.unpause(Why::Shutdown, s.out);
        return ok(s);
    }
    let save = has("save") || (!node.config.save.is_empty() && !has("nosave"));
    s.out.log(Level::Warning, "User requested shutdown...");
    node.stop(save, has("now"), s.out);
    if node.stopping.is_some() {
        node.block(s.conn, Instant(0), On::Shutdown);
    }
    Ok(())
}

/// The process will end when the replicas have everything, or then.
#[derive(Clone, Debug)]
pub(in crate::node) struct Stopping {
    pub until: Instant,
    save: bool,
}

impl Node {
    /// Ends the process in order, as SIGTERM does, with a snapshot when one is wanted. Unless it has to be `now`, replicas
    /// that lack something get some time to fetch it.
    pub fn stop(&mut self, save: bool, now: bool, out: &mut Outbox) {
        let patience = self.config.shutdown_timeout_s;
        if now || patience == 0 || self.replicas_have_all() {
            return self.end(save, out);
        }
        if self.stopping.is_none() {
            out.log(Level::Notice, "Waiting for replicas before shutting down.");
            self.ask_for_acks(out);
            self.pause(Why::Shutdown, false, None);
            let until = self.now.after(patience * SECOND_US);
            self.stopping = Some(Stopping { until, save });
        }
    }

    pub(in crate::node) fn stop_when_ready(&mut self, out: &mut Outbox) {
        if let Some(Stopping { until, save }) = self.stopping
            && (until <= self.now || self.replicas_have_all())
        {
            self.stopping = None;
            let all = self.replicas.len();
            let synced = self.acknowledged(self.history.offset);
            out.log(
                Level::Notice,
                format!("{synced} of {all} replicas are in sync when shutting down."),
            );
            self.end(save, out);
        }
    }

    fn end(&mut self, save: bool, out: &mut Outbox) {
        if save {
            out.log(
                Level::Notice,
                "Saving the final RDB snapshot before exiting.",
            );
            let save = self.new_save();
            out.push(Output::Save(Box::new(save)));
            out.log(Level::Notice, "DB saved on disk");
        }
        out.log(Level::Warning, "Redis is now ready to exit, bye bye...");
        out.push(Output::Exit(0));
    }
}
