//! What a replica says before it is sent anything, and the answer to its `PSYNC`.

use super::{Stage, Transfer, Upstream};
use crate::node::mutant::Mutant;
use crate::node::{ConnId, Level, Milestone, Node, Outbox};
use crate::wire::resp;

impl Node {
    /// One reply line of the handshake; false when more bytes are needed or the link is gone.
    pub(super) fn handshake_line(&mut self, out: &mut Outbox) -> bool {
        let Some(line) = self.take_line() else {
            return false;
        };
        let Some(Upstream {
            stage,
            conn: Some(conn),
            ..
        }) = &self.upstream
        else {
            return false;
        };
        let (stage, conn) = (stage.clone(), *conn);
        let failed = line.starts_with('-');
        match stage {
            Stage::ReceivePingReply => {
                let fine = !failed
                    || ["-NOAUTH", "-NOPERM", "-ERR operation not permitted"]
                        .iter()
                        .any(|p| line.starts_with(p));
                if !fine {
                    out.log(
                        Level::Warning,
                        format!("Error reply to PING from master: '{line}'"),
                    );
                    self.drop_link(out);
                    return false;
                }
                out.log(
                    Level::Notice,
                    "Master replied to PING, replication can continue...",
                );
                self.send_handshake(conn, out);
            }
            Stage::ReceiveAuthReply => {
                if failed {
                    out.log(Level::Warning, format!("Unable to AUTH to MASTER: {line}"));
                    self.drop_link(out);
                    return false;
                }
                self.set_stage(Stage::ReceivePortReply);
            }
            Stage::ReceivePortReply => {
                self.non_critical(failed, "listening-port", &line, out);
                let next = if self.config.replica_announce_ip.is_empty() {
                    Stage::ReceiveCapaReply
                } else {
                    Stage::ReceiveIpReply
                };
                self.set_stage(next);
            }
            Stage::ReceiveIpReply => {
                self.non_critical(failed, "ip-address", &line, out);
                self.set_stage(Stage::ReceiveCapaReply);
            }
            Stage::ReceiveCapaReply => {
                self.non_critical(failed, "capa", &line, out);
                self.send_psync(conn, out);
                self.set_stage(Stage::ReceivePsyncReply);
            }
            Stage::ReceivePsyncReply => return self.psync_reply(&line, conn, out),
            Stage::Connect | Stage::Connecting | Stage::Transfer(_) | Stage::Connected => {
                return false;
            }
        }
        true
    }

    fn non_critical(&self, failed: bool, option: &str, line: &str, out: &mut Outbox) {
        if failed {
            out.log(
                Level::Notice,
                format!("(Non critical) Master does not understand REPLCONF {option}: {line}"),
            );
        }
    }

    /// AUTH and REPLCONF, written back to back; the replies are read one by one.
    fn send_handshake(&mut self, conn: ConnId, out: &mut Outbox) {
        let config = &self.config;
        let mut next = Stage::ReceivePortReply;
        if !config.masterauth.is_empty() {
            let mut auth = vec!["AUTH"];
            if !config.masteruser.is_empty() {
                auth.push(&config.masteruser);
            }
            auth.push(&config.masterauth);
            out.send(conn, &resp::command(&auth));
            next = Stage::ReceiveAuthReply;
        }
        let port = if config.replica_announce_port > 0 {
            config.replica_announce_port
        } else {
            config.port
        };
        out.send(
            conn,
            &resp::command(&["REPLCONF", "listening-port", &port.to_string()]),
        );
        if !config.replica_announce_ip.is_empty() {
            out.send(
                conn,
                &resp::command(&["REPLCONF", "ip-address", &config.replica_announce_ip]),
            );
        }
        out.send(
            conn,
            &resp::command(&["REPLCONF", "capa", "eof", "capa", "psync2"]),
        );
        self.set_stage(next);
    }

    fn send_psync(&mut self, conn: ConnId, out: &mut Outbox) {
        let (id, offset) = match &self.cached {
            Some(cached) => {
                let wanted = (cached.offset + 1).to_string();
                out.log(
                    Level::Notice,
                    format!(
                        "Trying a partial resynchronization (request {}:{wanted}).",
                        cached.replid
                    ),
                );
                (cached.replid.clone(), wanted)
            }
            None => {
                out.log(
                    Level::Notice,
                    "Partial resynchronization not possible (no cached master)",
                );
                ("?".to_string(), "-1".to_string())
            }
        };
        let mut args = vec!["PSYNC", &id, &offset];
        if self.failing_over() {
            args.push("FAILOVER");
        }
        out.send(conn, &resp::command(&args));
    }

    /// The `PSYNC` that this node would send if its link broke now, or if it was told to follow somebody: id and first
    /// byte wanted; `?` and -1 for everything.
    pub fn would_ask(&self) -> (String, i64) {
        let ask = |id: &str, offset: u64| (id.to_string(), offset as i64 + 1);
        match (&self.upstream, &self.cached) {
            (None, _) => ask(&self.history.replid, self.history.offset),
            (Some(u), _) if u.connected() && !u.legacy => {
                ask(&self.history.replid, self.history.offset)
            }
            (Some(_), Some(cached)) => ask(&cached.replid, cached.offset),
            (Some(_), None) => ("?".into(), -1),
        }
    }

    /// `slaveTryPartialResynchronization`, the reading half.
    fn psync_reply(&mut self, line: &str, conn: ConnId, out: &mut Outbox) -> bool {
        if line.is_empty() {
            return true; // a newline: the master prepares its answer
        }
        if self.failing_over() {
            if !line.starts_with("+FULLRESYNC") && !line.starts_with("+CONTINUE") {
                self.abort_failover("Failover target rejected psync request", out);
                return false;
            }
            self.end_failover(out);
        }
        if let Some(rest) = line.strip_prefix("+FULLRESYNC") {
            self.full_resync(rest, out);
            return true;
        }
        if let Some(rest) = line.strip_prefix("+CONTINUE") {
            self.continued(rest.trim(), out);
            return true;
        }
        if line.starts_with("-NOMASTERLINK") || line.starts_with("-LOADING") {
            out.log(
                Level::Notice,
                format!("Master is currently unable to PSYNC but should be in the future: {line}"),
            );
            self.drop_link(out);
            return false;
        }
        if line.starts_with("-ERR") {
            out.log(
                Level::Notice,
                format!("Master does not support PSYNC or is in error state (reply: {line})"),
            );
        } else {
            out.log(
                Level::Warning,
                format!("Unexpected reply to PSYNC from master: {line}"),
            );
        }
        out.log(Level::Notice, "Retrying with SYNC...");
        out.send(conn, b"SYNC\r\n");
        self.begin_transfer(None, true);
        true
    }

    /// `+FULLRESYNC`, with the id and the offset that the snapshot will have.
    fn full_resync(&mut self, told: &str, out: &mut Outbox) {
        let mut words = told.split_whitespace();
        let id = words.next().filter(|id| id.len() == 40);
        let offset = words.next().and_then(|word| word.parse::<u64>().ok());
        match (id, offset) {
            (Some(id), Some(offset)) => {
                let text = format!("Full resync from master: {id}:{offset}");
                out.log(Level::Notice, text);
                self.begin_transfer(Some((id.to_string(), offset)), false);
            }
            _ => {
                let text = "Master replied with wrong +FULLRESYNC syntax.";
                out.log(Level::Warning, text);
                self.begin_transfer(None, false);
            }
        }
    }

    fn begin_transfer(&mut self, promised: Option<(String, u64)>, legacy: bool) {
        let now = self.now;
        if let Some(upstream) = &mut self.upstream {
            let (id, offset) = promised.unzip();
            (upstream.promised_id, upstream.promised_offset) = (id.unwrap_or_default(), offset);
            upstream.legacy = legacy;
            upstream.client = None;
            upstream.stage = Stage::Transfer(Transfer {
                total: None,
                mark: None,
                direct: false,
                got: 0,
                stored: 0,
                tail: Vec::new(),
                complete: false,
                last_io: now,
            });
        }
    }

    /// `+CONTINUE`: the stream goes on where we are (`replicationResurrectCachedMaster`).
    fn continued(&mut self, new_id: &str, out: &mut Outbox) {
        out.log(
            Level::Notice,
            "Successful partial resynchronization with master.",
        );
        if let Some(cached) = self.cached.take() {
            if new_id.len() == 40 && new_id != cached.replid {
                self.history.replid = cached.replid;
                self.history.adopt(new_id.to_string());
                out.log(
                    Level::Warning,
                    format!("Master replication ID changed to {new_id}"),
                );
                if !Mutant::NewIdKept7306.on() {
                    self.disconnect_replicas(out);
                }
            }
            if let Some(upstream) = &mut self.upstream {
                (upstream.db, upstream.client) = (cached.db, cached.client);
                if Mutant::SelectLost.on() {
                    upstream.db = 0;
                }
            }
        }
        self.online();
        self.ensure_backlog();
        out.log(
            Level::Notice,
            "MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.",
        );
        out.reached(Milestone::Resumed);
    }
}
