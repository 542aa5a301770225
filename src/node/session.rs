//! A client's connection and the way of a command through the server: parse, look up, check (in Redis's order), queue
//! in a MULTI or run, propagate, reply. Follows `readQueryFromClient` and `processCommand`.

use super::blocked::{Blocked, On};
use super::buffers::{self, Buffers};
use super::commands::{self, Call, Expired, Handler, Lazy, Propagate, flag};
use super::config::Config;
use super::downstream::Replica;
use super::registry::{self, Command};
use super::upstream::Upstream;
use super::{Addr, ConnId, Level, Node, Outbox};
use crate::time::Instant;
use crate::wire::Bytes;
use crate::wire::resp::{self, Limits, Writer};

/// A connection that somebody opened to this node.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub id: u64,
    pub addr: Addr,
    /// The address of this server that it came to.
    pub local: Addr,
    pub name: Bytes,
    pub since: Instant,
    /// When it last sent something, and what its last command was.
    pub last_at: Instant,
    pub last_command: Option<&'static Command>,
    pub inbuf: Vec<u8>,
    /// Bytes that were in it when the command that runs began; how many arguments that has, and their bytes.
    pub query: usize,
    pub args_count: usize,
    pub args_bytes: usize,
    pub buffers: Buffers,
    /// Bytes that wait to leave.
    pub pending: u64,
    pub no_evict: bool,
    /// What the slow log gets when its command, which waits, is over.
    pub slow: Option<Box<super::measure::Slow>>,
    /// Bytes of replies to it that are on their way since the machine last told of `pending`.
    pub unsent: u64,
    pub db: usize,
    /// The version of the protocol that its replies are in.
    pub resp3: bool,
    pub replies: Replies,
    /// How many subscriptions it has, by [`super::pubsub::Kind`].
    pub subscriptions: [usize; 3],
    pub authenticated: bool,
    pub multi: Option<Multi>,
    /// Keys under WATCH, and whether one of them was touched.
    pub watched: Vec<super::watch::Watched>,
    pub touched: bool,
    /// Its command waits; what it sends meanwhile is kept.
    pub blocked: Option<Blocked>,
    /// Where the stream ended after its last command: what WAIT waits for.
    pub written: u64,
    /// What `REPLCONF` told before `PSYNC`, and the state after it.
    pub replica: Option<Replica>,
    pub facts: ReplicaFacts,
    pub close_after_reply: bool,
    /// Since when more waits to be sent to it than the soft limit.
    slow_since: Option<Instant>,
}

/// What `CLIENT REPLY` asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Replies {
    #[default]
    On,
    Off,
    /// Not to the next command, and then not to this one.
    SkipNext,
    Skip,
}

impl Replies {
    pub(super) fn are_silent(self) -> bool {
        matches!(self, Self::Off | Self::Skip)
    }
}

/// What a replica tells about itself with `REPLCONF`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ReplicaFacts {
    pub port: u16,
    pub ip: Option<String>,
    pub eof: bool,
    pub psync2: bool,
    /// Wants the snapshot and no stream, as `redis-cli --rdb` does.
    pub rdb_only: bool,
    /// Wants no data in the snapshot, but the functions if so (`rdb-filter-only`).
    pub filter: Option<bool>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Multi {
    pub queue: Vec<Vec<Bytes>>,
    /// Bytes of all arguments in the queue.
    pub bytes: u64,
    /// A command was refused while queueing: EXEC will abort.
    broken: bool,
}

/// One command on its way: who sent it, its arguments, and where the reply goes.
pub struct Session<'a> {
    pub(super) conn: ConnId,
    pub(super) args: Vec<Bytes>,
    pub(super) reply: Writer,
    pub(super) out: &'a mut Outbox,
    /// Inside EXEC, or from the master.
    pub(super) nested: bool,
}

impl Session<'_> {
    /// Argument `i` as text for comparisons; empty when missing.
    pub(super) fn word(&self, i: usize) -> String {
        self.args
            .get(i)
            .map(|a| String::from_utf8_lossy(a).to_ascii_lowercase())
            .unwrap_or_default()
    }

    pub(super) fn text(&self, i: usize) -> String {
        self.args
            .get(i)
            .map(|a| String::from_utf8_lossy(a).into_owned())
            .unwrap_or_default()
    }
}

impl Client {
    /// Whether so many more bytes for it are more than it may have waiting, before the machine has tried to send any of
    /// them. As Redis counts, the first 16 KB stand in a buffer of their own, and the others in pieces of 20 KB.
    fn overflows(&mut self, more: u64, config: &Config) -> bool {
        const OWN: u64 = 16 * 1024;
        const CHUNK: u64 = 20 * 1024 - 16;
        let listens = self.subscriptions != [0; 3];
        let limit = config.output_limits[if listens { 2 } else { 0 }].hard;
        self.unsent += more;
        self.buffers.replied(self.unsent);
        let used = self.pending + self.unsent;
        let used = used.saturating_sub(OWN).next_multiple_of(CHUNK);
        limit > 0 && used >= limit
    }
}

impl Node {
    pub(super) fn accepted(&mut self, conn: ConnId, addr: Addr, local: Addr, out: &mut Outbox) {
        self.say_accepted(&addr, out);
        let masters = usize::from(self.upstream.as_ref().is_some_and(|u| u.conn().is_some()));
        if self.clients.len() + masters >= self.config.maxclients {
            self.stats.rejected_connections += 1;
            out.send(conn, b"-ERR max number of clients reached\r\n");
            return out.push(super::Output::Close(conn));
        }
        let open = self.config.protected_mode && self.config.requirepass.is_empty();
        if open && !addr.is_local() {
            self.stats.rejected_connections += 1;
            out.send(conn, DENIED.as_bytes());
            return out.push(super::Output::Close(conn));
        }
        self.next_client += 1;
        self.stats.connections += 1;
        let client = Client {
            id: self.next_client,
            addr,
            local,
            name: Bytes::from(&b""[..]),
            since: self.now,
            last_at: self.now,
            last_command: None,
            inbuf: Vec::new(),
            query: 0,
            args_count: 0,
            args_bytes: 0,
            buffers: Buffers::new(self.now),
            pending: 0,
            no_evict: false,
            slow: None,
            unsent: 0,
            db: 0,
            resp3: false,
            replies: Replies::On,
            subscriptions: [0; 3],
            authenticated: self.config.requirepass.is_empty(),
            multi: None,
            watched: Vec::new(),
            touched: false,
            blocked: None,
            written: 0,
            replica: None,
            facts: ReplicaFacts::default(),
            close_after_reply: false,
            slow_since: None,
        };
        self.clients.insert(conn, client);
    }

    pub(super) fn drop_client(&mut self, conn: ConnId, out: &mut Outbox) {
        self.stop_tracking(conn);
        let Some(client) = self.clients.remove(&conn) else {
            return;
        };
        self.blocked.retain(|c| *c != conn);
        self.monitors.retain(|c| *c != conn);
        self.forget_subscriptions(conn);
        if client.blocked.is_some() || !client.watched.is_empty() {
            self.renew_interest();
        }
        if client.replica.is_some() {
            self.replica_gone(conn, &client, out);
        }
    }

    /// Whether it is a replica. To Redis one who monitors is one too (`CLIENT_SLAVE`).
    pub(super) fn is_replica(&self, conn: ConnId) -> bool {
        self.clients.get(&conn).is_some_and(|c| c.replica.is_some())
            || self.monitors.contains(&conn)
    }

    /// So many bytes may wait for a replica before its connection is closed, 0 for any number: what is set, but no less
    /// than the ring, of which they are a part.
    pub fn replica_limit(&self) -> u64 {
        match self.config.output_limits[1].hard {
            0 => 0,
            hard => hard.max(self.config.repl_backlog_size),
        }
    }

    /// Closes a connection to which more waits to be sent than its class may have (`checkClientOutputBufferLimits`).
    pub(super) fn check_output(&mut self, conn: ConnId, pending: u64, out: &mut Outbox) {
        let (listens, replica_limit) = (self.listens(conn), self.replica_limit());
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        if let Some(replica) = &mut client.replica {
            replica.pending(pending, self.now);
        }
        client.pending = pending;
        // A snapshot on its way does not count, only the stream behind it.
        let (class, used) = match &client.replica {
            Some(replica) => (1, replica.output(pending)),
            None => (if listens { 2 } else { 0 }, pending),
        };
        let limit = self.config.output_limits[class];
        let hard = if class == 1 {
            replica_limit
        } else {
            limit.hard
        };
        let slow = limit.soft > 0 && used >= limit.soft;
        let since = client.slow_since.filter(|_| slow).unwrap_or(self.now);
        client.slow_since = slow.then_some(since);
        let too_long = slow && self.now.ticks_since(since) > limit.soft_s;
        if hard > 0 && used >= hard {
            self.overcame(conn, SCHEDULED, out);
        } else if too_long {
            // As a rule Redis sees that when it looks at all clients.
            self.overcame(conn, "closed", out);
        }
    }

    fn overcame(&mut self, conn: ConnId, closed: &str, out: &mut Outbox) {
        let who = self.client_line(conn);
        let text = format!("Client {who} {closed} for overcoming of output buffer limits.");
        out.log(Level::Warning, text);
        self.close_client(conn, out);
    }

    /// Looks again at those for whom more waits than their soft limit (`clientsCron`): when nothing is sent to them any
    /// more, it is time alone that passes the limit.
    pub(super) fn close_slow(&mut self, out: &mut Outbox) {
        let slow = self.clients.iter().filter(|(_, c)| c.slow_since.is_some());
        let slow: Vec<(ConnId, u64)> = slow.map(|(conn, c)| (*conn, c.pending)).collect();
        for (conn, pending) in slow {
            self.check_output(conn, pending, out);
        }
    }

    /// Closes connections that were silent for longer than `timeout` (`clientsCronHandleTimeout`). Who waits for
    /// something is not silent.
    pub(super) fn close_idle(&mut self, out: &mut Outbox) {
        let most = self.config.timeout_s;
        if most == 0 {
            return;
        }
        let idle = |conn: ConnId, client: &Client| {
            !self.is_replica(conn)
                && client.blocked.is_none()
                && client.subscriptions == [0; 3]
                && self.seconds_since(client.last_at) > most
        };
        let all = self.clients.iter().filter(|(conn, c)| idle(**conn, c));
        for conn in all.map(|(conn, _)| *conn).collect::<Vec<_>>() {
            out.log(Level::Verbose, "Closing idle client");
            self.close_client(conn, out);
        }
    }

    /// Closes a connection from this side.
    pub(super) fn close_client(&mut self, conn: ConnId, out: &mut Outbox) {
        out.push(super::Output::Close(conn));
        self.drop_client(conn, out);
    }

    pub(super) fn client_bytes(&mut self, conn: ConnId, bytes: &[u8], out: &mut Outbox) {
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        client.look(self.now, self.shrinking);
        let mut inbuf = std::mem::take(&mut client.inbuf);
        inbuf.extend_from_slice(bytes);
        client.query = inbuf.len();
        if !bytes.is_empty() {
            client.buffers.reads();
            client.last_at = self.now;
            client.unsent = 0;
            self.stats.reads += 1;
            self.stats.net_input += bytes.len() as u64;
            let queued = client.multi.as_ref().map_or(0, |multi| multi.bytes);
            if inbuf.len() as u64 + queued > self.config.client_query_buffer_limit {
                let line = self.client_line(conn);
                let text = format!("Closing client that reached max query buffer length: {line}");
                out.log(Level::Warning, text);
                return self.close_client(conn, out);
            }
        }
        let (mut done, mut largest) = (0, 0);
        while !self.is_blocked(conn)
            && let Some(len) = self.one_request(conn, &inbuf[done..], out)
        {
            done += len;
            largest = largest.max(len);
        }
        inbuf.drain(..done);
        if let Some(client) = self.clients.get_mut(&conn) {
            client.query = 0;
            (client.args_count, client.args_bytes) = (0, 0);
            client.inbuf = inbuf;
            // What is around an argument does not count here.
            client.has_read(
                bytes.len(),
                if largest > buffers::BIG { largest } else { 0 },
            );
        }
    }

    /// Runs the first request of these bytes: how long it was, or `None` when it is not complete or the connection is
    /// closed.
    fn one_request(&mut self, conn: ConnId, bytes: &[u8], out: &mut Outbox) -> Option<usize> {
        let client = self.clients.get_mut(&conn)?;
        if bytes.is_empty() {
            return None;
        }
        let limits = if client.authenticated {
            Limits {
                bulk: self.config.proto_max_bulk_len,
                ..Limits::CLIENT
            }
        } else {
            Limits::UNAUTHENTICATED
        };
        match resp::request_in(std::mem::take(&mut self.spare.args), bytes, limits) {
            Ok(None) => None,
            Ok(Some(request)) => {
                if request.args.is_empty() {
                    // A bare newline of a replica is a sign of life (`processInlineBuffer`).
                    if let Some(replica) = &mut client.replica {
                        replica.ack_time = self.now;
                    }
                    return Some(request.len);
                }
                if client.replies == Replies::SkipNext {
                    client.replies = Replies::Skip;
                }
                let mut session = Session {
                    conn,
                    args: request.args,
                    reply: Writer::over(std::mem::take(&mut self.spare.reply), client.resp3),
                    out,
                    nested: false,
                };
                self.set_current(Some(conn));
                self.dispatch(&mut session);
                self.tell_changes(session.out);
                self.set_current(None);
                self.spare.keep_args(session.args);
                let mut reply = session.reply;
                self.silence(conn, &mut reply);
                let closed = self.deliver(conn, &reply, out);
                self.spare.reply = reply.into_spare();
                self.tell_replied(out);
                self.serve_ready(out);
                let held = self.waits(conn);
                let again = held.is_some_and(|b| matches!(b.on, On::Pause));
                (!closed && !again).then_some(request.len)
            }
            Err(text) => {
                self.client_broke(conn, &text, bytes, out);
                None
            }
        }
    }

    /// Takes away the reply of a client that wants none, now or once. What subscribing is answered with is a message.
    pub(super) fn silence(&mut self, conn: ConnId, reply: &mut Writer) {
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        let command = client.last_command.map_or("", |command| command.name);
        let message = command.ends_with("subscribe") && !reply.starts_with(b"-");
        if client.replies.are_silent() && !message {
            reply.clear();
        }
        if client.replies == Replies::Skip {
            client.replies = Replies::On;
        }
    }

    /// Sends what there is of the reply, before something else that the client is told amid it. Whether that was too
    /// much is seen when the rest is delivered.
    pub(super) fn send_so_far(&mut self, s: &mut Session<'_>) {
        self.send_part(s.conn, &s.reply, s.out);
        s.reply.clear();
    }

    pub(super) fn send_part(&mut self, conn: ConnId, reply: &[u8], out: &mut Outbox) {
        let client = self.clients.get_mut(&conn);
        if let Some(client) = client.filter(|c| c.replica.is_none() && !c.replies.are_silent()) {
            client.unsent += reply.len() as u64;
            out.send(conn, reply);
        }
    }

    /// Sends something that was not asked for just now. Who is sent something is not idle.
    pub(super) fn send_aside(&mut self, conn: ConnId, bytes: &[u8], out: &mut Outbox) {
        if let Some(client) = self.clients.get_mut(&conn) {
            client.last_at = self.now;
            client.buffers.replied(bytes.len() as u64);
        }
        out.send(conn, bytes);
    }

    /// A writer in the protocol of this client.
    pub(super) fn writer(&self, conn: ConnId) -> Writer {
        Writer::new(self.clients.get(&conn).is_some_and(|client| client.resp3))
    }

    /// Sends a reply; true when the connection was closed. A replica gets no replies: a command of its that would
    /// produce one closes the link (`prepareClientToWrite`).
    pub(super) fn deliver(&mut self, conn: ConnId, reply: &[u8], out: &mut Outbox) -> bool {
        let Some(client) = self.clients.get_mut(&conn) else {
            return true;
        };
        let close = client.close_after_reply || (client.replica.is_some() && !reply.is_empty());
        if client.replica.is_none() && !reply.is_empty() {
            if client.overflows(reply.len() as u64, &self.config) {
                out.drop_unsent(conn);
                self.overcame(conn, SCHEDULED, out);
                return true;
            }
            out.send(conn, reply);
        } else if client.replica.is_some() && !reply.is_empty() {
            let name = self.command_name(conn);
            let line = self.client_line(conn);
            let text =
                format!("Replica generated a reply to command '{name}', disconnecting it: {line}");
            out.log(Level::Warning, text);
            if reply[0] == b'-' {
                let text = String::from_utf8_lossy(&reply[1..]);
                self.unexpected_error(["master", "replica"], text.trim_end(), name, out);
            }
        }
        if close {
            self.close_client(conn, out);
        }
        close
    }

    fn command_name(&self, conn: ConnId) -> &'static str {
        let client = self.clients.get(&conn);
        let command = client.and_then(|client| client.last_command);
        command.map_or("<unknown>", |command| command.name)
    }

    /// An error where nobody reads it: of a replica for its master, or of a master for its replica (`afterErrorReply`).
    /// Their data may not be the same.
    pub(super) fn unexpected_error(
        &mut self,
        [from, to]: [&str; 2],
        text: &str,
        name: &str,
        out: &mut Outbox,
    ) {
        self.stats.unexpected_errors += 1;
        // Redis puts the word that says nothing before the text only afterwards.
        let text = text
            .strip_prefix("ERR ")
            .map_or_else(|| format!("-{text}"), String::from);
        let text = format!(
            "== CRITICAL == This {from} is sending an error to its {to}: '{text}' after processing the command '{name}'"
        );
        out.log(Level::Warning, text);
        let backlog = self
            .backlog
            .as_ref()
            .filter(|backlog| from == "replica" && backlog.histlen() > 0);
        if let Some(backlog) = backlog {
            let end = backlog.first() + backlog.histlen();
            let last = backlog.since(end - backlog.histlen().min(256));
            out.log(
                Level::Warning,
                format!("Latest backlog is: '{}'", resp::quote(&last)),
            );
        }
    }

    /// One command of a client: checks, then the queue or the handler.
    fn dispatch(&mut self, session: &mut Session<'_>) {
        let conn = session.conn;
        let name = &session.args[0];
        if name.eq_ignore_ascii_case(b"host:") || name.eq_ignore_ascii_case(b"post") {
            return self.cross_protocol(conn, session.out);
        }
        let found = self
            .by_own_name(session)
            .and_then(|()| lookup(&session.args));
        let command = match found {
            Ok(command) => command,
            Err(text) => {
                // Known commands are rejected when only the number of arguments is wrong.
                let command = registry::find(&session.args);
                if let Some(client) = self.clients.get_mut(&conn) {
                    client.last_command = command;
                }
                return self.reject(command, session, text);
            }
        };
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        client.last_command = Some(command);
        self.evict_clients(session.out);
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        // From now on its arguments count as its own.
        client.args_count = session.args.len();
        client.args_bytes = session.args.iter().map(|arg| arg.len()).sum();
        let full = !self.evict(session.out);
        self.tell_evicted(session.out);
        if let Err(text) = self.checked(command, session, full) {
            return self.reject(Some(command), session, text);
        }
        if self.is_held_back(command, conn) {
            return self.block(conn, Instant(0), On::Pause);
        }
        let multi = self.clients.get_mut(&conn).and_then(|c| c.multi.as_mut());
        if let Some(multi) = multi
            && !matches!(
                command.name,
                "exec" | "discard" | "multi" | "watch" | "quit" | "reset"
            )
        {
            let args = std::mem::take(&mut session.args);
            multi.bytes += args.iter().map(|arg| arg.len() as u64 + 8).sum::<u64>();
            multi.queue.push(args);
            return resp::simple(&mut session.reply, "QUEUED");
        }
        let us = self.call(command, session);
        // What it was that long is over for those who were woken by it.
        self.now = self.now.after(us);
        let unwrapped = matches!(command.name, "scan" | "randomkey");
        self.propagate_effects(!unwrapped, session.out);
        let end = self.history.offset;
        if let Some(client) = self.clients.get_mut(&conn) {
            client.written = end;
        }
    }

    /// Puts a command's name in the place of the one that `rename-command` gave it here; it has no other.
    fn by_own_name(&self, s: &mut Session<'_>) -> Result<(), String> {
        for (name, renamed) in &self.config.renamed {
            // An empty name is none.
            if !renamed.is_empty() && s.args[0].eq_ignore_ascii_case(renamed.as_bytes()) {
                s.args[0] = Bytes::from(name.as_bytes());
                return Ok(());
            }
            if s.args[0].eq_ignore_ascii_case(name.as_bytes()) {
                return Err(unknown(&s.args));
            }
        }
        Ok(())
    }

    /// A command that is not run. A transaction that it was meant for will not run either, or does not if it is `EXEC`.
    fn reject(&mut self, command: Option<&Command>, session: &mut Session<'_>, text: String) {
        if let Some(command) = command {
            self.measures.of(command).rejected += 1;
        }
        let client = self.clients.get_mut(&session.conn);
        let multi = client.map(|client| &mut client.multi);
        let mut text = text;
        if command.is_some_and(|c| c.name == "exec") {
            let why = text.strip_prefix("ERR ").unwrap_or(&text);
            text = format!("EXECABORT Transaction discarded because of: {why}");
            if multi.and_then(Option::take).is_some() {
                self.forget_watched(session.conn);
            }
        } else if let Some(Some(multi)) = multi {
            multi.broken = true;
        }
        self.measures.error(&text);
        resp::error(&mut session.reply, text.as_bytes());
    }

    /// A browser was made to talk to this port: gets nothing.
    fn cross_protocol(&mut self, conn: ConnId, out: &mut Outbox) {
        let addr = self
            .clients
            .get(&conn)
            .map(|client| client.addr.to_string());
        out.drop_unsent(conn);
        out.log(
            Level::Warning,
            format!(
                "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to Redis. \
                 This is likely due to an attacker attempting to use Cross Protocol Scripting to compromise your Redis \
                 instance. Connection from {} aborted.",
                addr.unwrap_or_default()
            ),
        );
        self.close_client(conn, out);
    }

    /// Whether a pause holds this command, or for EXEC one of its queue.
    fn is_held_back(&self, spec: &Command, conn: ConnId) -> bool {
        if !self.paused() {
            return false;
        }
        let Some(client) = self.clients.get(&conn).filter(|_| !self.is_replica(conn)) else {
            return false;
        };
        let queue = client.multi.as_ref().filter(|_| spec.name == "exec");
        let mut queued = queue
            .iter()
            .flat_map(|multi| &multi.queue)
            .filter_map(|args| lookup(args).ok());
        self.holds(spec) || queued.any(|spec| self.holds(spec))
    }

    /// The checks of `processCommand`, in its order.
    fn checked(
        &self,
        spec: &'static Command,
        session: &Session<'_>,
        full: bool,
    ) -> Result<(), String> {
        if spec.name == "debug" && !self.allows(&self.config.enable_debug_command, session.conn) {
            return Err(super::server::not_allowed("DEBUG", "enable-debug-command"));
        }
        let client = self
            .clients
            .get(&session.conn)
            .ok_or("ERR no such client")?;
        if !client.authenticated && spec.flags & flag::NO_AUTH == 0 {
            return Err("NOAUTH Authentication required.".into());
        }
        if spec.flags & flag::NO_MULTI != 0 && client.multi.is_some() {
            return Err("ERR Command not allowed inside a transaction".into());
        }
        if full && self.may_grow(spec, session.conn) {
            return Err("OOM command not allowed when used memory > 'maxmemory'.".into());
        }
        // EXEC inherits the flags of what is queued.
        let queue = if spec.name == "exec" {
            client.multi.as_ref().map(|m| &m.queue[..])
        } else {
            None
        };
        let queued = || {
            queue
                .unwrap_or_default()
                .iter()
                .filter_map(|args| lookup(args).ok())
        };
        let writes = spec.flags & flag::WRITE != 0 || queued().any(|s| s.flags & flag::WRITE != 0);
        let stale_ok =
            spec.flags & flag::STALE != 0 && queued().all(|s| s.flags & flag::STALE != 0);
        let loading_ok =
            spec.flags & flag::LOADING != 0 && queued().all(|s| s.flags & flag::LOADING != 0);
        let config = &self.config;
        let unsaved = self.stats.bgsave_failed && !config.save.is_empty();
        if unsaved && config.stop_writes_on_bgsave_error && (writes || spec.name == "ping") {
            return Err(MISCONF.into());
        }
        if writes
            && self.upstream.is_none()
            && config.min_replicas_to_write > 0
            && self.good_replicas() < config.min_replicas_to_write
        {
            return Err("NOREPLICAS Not enough good replicas to write.".into());
        }
        if writes && self.upstream.is_some() && config.replica_read_only {
            return Err("READONLY You can't write against a read only replica.".into());
        }
        if !client.resp3
            && self.listens(session.conn)
            && !matches!(
                spec.name,
                "subscribe"
                    | "ssubscribe"
                    | "psubscribe"
                    | "unsubscribe"
                    | "sunsubscribe"
                    | "punsubscribe"
                    | "ping"
                    | "quit"
                    | "reset"
            )
        {
            return Err(format!(
                "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
                spec.name
            ));
        }
        let stale = self.upstream.as_ref().is_some_and(|u| !u.connected());
        if stale && !config.replica_serve_stale_data && !stale_ok {
            return Err(
                "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."
                    .into(),
            );
        }
        // While the old data is served, only what would disturb the loading is refused.
        let disturbs = || {
            let names = ["bgsave", "save", "replicaof", "slaveof", "psync", "sync"];
            names.contains(&spec.name)
        };
        if (self.loading.is_some() && !loading_ok) || (self.loads_aside() && disturbs()) {
            return Err("LOADING Redis is loading the dataset in memory".into());
        }
        let touches = spec.flags & (flag::WRITE | flag::READONLY | flag::MAY_REPLICATE) != 0;
        if touches && self.is_replica(session.conn) {
            return Err("ERR Replica can't interact with the keyspace".into());
        }
        Ok(())
    }

    /// Runs one command that passed the checks; the reply goes into the session, its effects into `self.effects`. How
    /// many microseconds it took.
    fn call(&mut self, spec: &'static Command, session: &mut Session<'_>) -> u64 {
        let (start, begin) = (session.reply.len(), self.host.micros());
        self.measures.failed_others = false;
        let result = match spec.handler {
            Handler::Node(run) => run(self, session),
            Handler::Data(run) => {
                let db = self.clients.get(&session.conn).map_or(0, |c| c.db);
                let expired = match &self.upstream {
                    None if self.paused() => Expired::Hide,
                    None => Expired::Delete,
                    Some(_) if !self.config.replica_read_only && spec.flags & flag::WRITE != 0 => {
                        Expired::Delete
                    }
                    Some(_) => Expired::Hide,
                };
                let done = self.data(run, &session.args, db, expired, &mut session.reply);
                self.wait_for_keys(session);
                if done.is_ok() && spec.name == "flushall" {
                    self.after_flushall(session.out);
                }
                done
            }
        };
        let failed = result.is_err() || self.measures.failed_others;
        if let Err(text) = result {
            session.reply.truncate(start);
            for notice in &mut self.told.notices {
                notice.at = notice.at.min(start);
            }
            match &text[..] {
                commands::BAD_DATA => super::load::log_bad_data(&session.args[3], session.out),
                // Redis would see after so many bytes whether the client may have more.
                commands::TOO_MANY => {
                    if let Some(client) = self.clients.get_mut(&session.conn) {
                        client.unsent += 6 * commands::REPEATED_MAX as u64;
                    }
                }
                _ => {}
            }
            self.measures.error(&text);
            resp::error(&mut session.reply, text.as_bytes());
        }
        let us = self.host.micros().saturating_sub(begin);
        let blocked = self.is_blocked(session.conn);
        self.measure(spec, us, failed, blocked);
        let told = self.tell_amid(session.conn, &session.reply, session.out);
        session.reply.drain(..told);
        self.called(spec, session);
        if self.is_seen(spec) && self.monitors.contains(&session.conn) {
            self.send_so_far(session);
        }
        self.after_call(spec, session.conn, &session.args, us, session.out);
        us
    }

    /// Counts a call. One that waits now is not done yet: how long it took is known when it is served.
    fn measure(&mut self, command: &'static Command, us: u64, failed: bool, blocked: bool) {
        self.stats.commands += 1;
        let timed = self.config.latency_tracking && !blocked;
        let calls = self.measures.of(command);
        calls.calls += 1;
        calls.usec += us;
        calls.failed += u64::from(failed);
        if timed {
            calls.took(us);
        }
        let fast = command.flags & flag::FAST != 0;
        self.latency(if fast { "fast-command" } else { "command" }, us);
    }

    /// Something took so many microseconds, which may be long enough to be remembered.
    pub(super) fn latency(&mut self, event: &'static str, us: u64) {
        let least = self.config.latency_monitor_threshold_ms;
        if least > 0 && us / 1000 >= least {
            self.measures.peak(event, self.now.unix_s(), us / 1000);
        }
    }

    /// Whether small integers are one object for all keys.
    pub(super) fn shares_numbers(&self) -> bool {
        self.config.maxmemory == 0 || !self.config.maxmemory_policy.notes_use()
    }

    /// Runs a data command and collects its effects.
    pub(super) fn data(
        &mut self,
        run: commands::DataFn,
        args: &[Bytes],
        db: usize,
        expired: Expired,
        reply: &mut Writer,
    ) -> Result<(), String> {
        let writable_replica = self.upstream.is_some() && !self.config.replica_read_only;
        self.keyspace.own_expiries = writable_replica && expired != Expired::Ignore;
        let share_numbers = self.shares_numbers();
        let notices = self.hears().then(Vec::new);
        let mut call = Call {
            args,
            db,
            now_ms: self.now.unix_ms(),
            expired,
            keyspace: &mut self.keyspace,
            rng: &mut self.rng,
            reply,
            dirty: 0,
            hits: 0,
            misses: 0,
            before: Vec::new(),
            propagate: Propagate::Verbatim,
            wait: None,
            // a touch would copy what a child still reads
            touch: self.child.is_none(),
            share_numbers,
            lazy: None,
            notices,
        };
        let result = run(&mut call);
        let (dirty, before, propagate) = (call.dirty, call.before, call.propagate);
        let lazy = match call.lazy {
            Some(Lazy::Expire) => self.config.lazyfree_lazy_expire,
            Some(Lazy::User) => self.config.lazyfree_lazy_user_del,
            Some(Lazy::Server) => self.config.lazyfree_lazy_server_del,
            None => false,
        };
        self.wait = call.wait;
        self.stats.keyspace_hits += call.hits;
        self.stats.keyspace_misses += call.misses;
        if let Some(notices) = call.notices {
            self.told.notices.extend(notices);
        }
        self.keyspace.settle();
        self.stats.expired_keys += before.len() as u64;
        self.stats.dirty += dirty + before.len() as u64;
        if expired == Expired::Ignore {
            return result; // the master has told its stream
        }
        let lazy_expire = self.config.lazyfree_lazy_expire;
        self.effects.extend(
            before
                .into_iter()
                .map(|(db, del)| (db, unlinked(del, lazy_expire))),
        );
        if dirty > 0 {
            match propagate {
                Propagate::Verbatim => {
                    let mut copy = std::mem::take(&mut self.spare.effect);
                    copy.extend_from_slice(args);
                    self.effects.push((db, copy));
                }
                Propagate::Instead(commands) => {
                    let commands = commands.into_iter();
                    self.effects
                        .extend(commands.map(|command| (db, unlinked(command, lazy))));
                }
            }
        }
        result
    }

    /// A command of the master: no checks, no reply, every key as the master sees it. Its effects are not propagated
    /// again; the bytes themselves are passed on. It counts as a call here as well.
    pub(super) fn apply(&mut self, args: &[Bytes], db: usize, out: &mut Outbox) {
        let begin = self.host.micros();
        let command = lookup(args);
        self.master_asks(command.as_ref().ok());
        let result = match &command {
            Ok(spec) => match spec.handler {
                Handler::Data(run) => {
                    let mut reply = Writer::over(std::mem::take(&mut self.spare.reply), false);
                    let done = self.data(run, args, db, Expired::Ignore, &mut reply);
                    self.spare.reply = reply.into_spare();
                    if spec.name == "flushall" {
                        self.pass_on(out);
                        self.after_flushall(out);
                    }
                    done
                }
                Handler::Node(_) => {
                    if matches!(spec.name, "publish" | "spublish") {
                        self.deliver_message(args, out);
                    }
                    Ok(())
                }
            },
            Err(text) => Err(text.clone()),
        };
        self.notify(out);
        if let Err(text) = &result {
            self.measures.error(text);
            self.pass_on(out);
            let name = command.as_ref().map_or("<unknown>", |command| command.name);
            self.unexpected_error(["replica", "master"], text, name, out);
        }
        if let Ok(spec) = command {
            self.has_applied(spec, args, begin, result.is_err(), out);
        }
    }

    /// The master is a client of ours, of which `CLIENT LIST` tells what it asked for last.
    fn master_asks(&mut self, command: Option<&&'static Command>) {
        if let Some(client) = self.upstream.as_mut().and_then(|u| u.client.as_mut()) {
            client.last_command = command.map(|command| command.name);
        }
    }

    /// Counts what the master's stream says to the replica itself, as `SELECT`; `begin` is in microseconds of the host.
    pub(super) fn count_applied(&mut self, args: &[Bytes], begin: u64, out: &mut Outbox) {
        if let Ok(command) = lookup(args) {
            self.master_asks(Some(&command));
            self.has_applied(command, args, begin, false, out);
        }
    }

    fn has_applied(
        &mut self,
        command: &'static Command,
        args: &[Bytes],
        begin: u64,
        failed: bool,
        out: &mut Outbox,
    ) {
        let us = self.host.micros().saturating_sub(begin);
        self.measure(command, us, failed, false);
        if let Some(conn) = self.upstream.as_ref().and_then(Upstream::conn) {
            self.after_call(command, conn, args, us, out);
        }
    }

    pub(super) fn multi(&mut self, s: &mut Session<'_>) -> Result<(), String> {
        let client = self.clients.get_mut(&s.conn).ok_or("ERR no such client")?;
        if client.multi.is_some() {
            return Err("ERR MULTI calls can not be nested".into());
        }
        client.multi = Some(Multi::default());
        resp::ok(&mut s.reply);
        Ok(())
    }

    pub(super) fn discard(&mut self, s: &mut Session<'_>) -> Result<(), String> {
        let client = self.clients.get_mut(&s.conn).ok_or("ERR no such client")?;
        client.multi.take().ok_or("ERR DISCARD without MULTI")?;
        self.forget_watched(s.conn);
        resp::ok(&mut s.reply);
        Ok(())
    }

    pub(super) fn exec(&mut self, s: &mut Session<'_>) -> Result<(), String> {
        let client = self.clients.get_mut(&s.conn).ok_or("ERR no such client")?;
        let multi = client.multi.take().ok_or("ERR EXEC without MULTI")?;
        let touched = self.watched_changed(s.conn);
        self.forget_watched(s.conn);
        if multi.broken {
            return Err("EXECABORT Transaction discarded because of previous errors.".into());
        }
        if touched {
            s.reply.nil_array();
            return Ok(());
        }
        resp::array_len(&mut s.reply, multi.queue.len());
        let outer = s.nested;
        let own = std::mem::take(&mut s.args);
        for args in multi.queue {
            s.args = args;
            s.nested = true;
            match lookup(&s.args) {
                Ok(spec) => {
                    self.call(spec, s);
                }
                Err(text) => resp::error(&mut s.reply, text.as_bytes()),
            }
        }
        s.nested = outer;
        s.args = own;
        Ok(())
    }
}

/// What a connection from elsewhere is told where anybody could come.
const DENIED: &str = "-DENIED Redis is running in protected mode because protected mode is enabled and no password is set \
    for the default user: only connections from the machine itself are accepted. Set a password, or say 'CONFIG SET \
    protected-mode no' from that machine, or start the server with '--protected-mode no'.\r\n";

const SCHEDULED: &str = "scheduled to be closed ASAP";

const MISCONF: &str = "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. \
    Commands that may modify the data set are disabled, because this instance is configured to report errors during \
    writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details \
    about the RDB error.";

/// A `DEL` that says `UNLINK` where deleting is lazy.
pub(super) fn unlinked(mut command: Vec<Bytes>, lazy: bool) -> Vec<Bytes> {
    if lazy && *command[0] == *b"DEL" {
        command[0] = Bytes::from(&b"UNLINK"[..]);
    }
    command
}

/// The row of the command table, with the number of arguments checked.
pub(super) fn lookup(args: &[Bytes]) -> Result<&'static Command, String> {
    let command = registry::find(args).ok_or_else(|| unknown(args))?;
    let count = args.len() as i32;
    let fits = if command.arity >= 0 {
        count == command.arity
    } else {
        count >= -command.arity
    };
    if fits {
        Ok(command)
    } else {
        Err(commands::wrong_arity(command.name))
    }
}

/// Why there is no such command. Text ends at a NUL, as it does in C.
fn unknown(args: &[Bytes]) -> String {
    let shown = |i: usize, most: usize| {
        let arg = args.get(i).map_or(&b""[..], |arg| &arg[..]);
        let end = arg.iter().position(|b| *b == 0).unwrap_or(arg.len());
        String::from_utf8_lossy(&arg[..end.min(most)]).into_owned()
    };
    let name = shown(0, 128);
    let container = |name: &Bytes| {
        registry::by_name(name).is_some_and(|c| c.parent.is_none() && !c.subcommands.is_empty())
    };
    if args.first().is_some_and(container) {
        let name = name.to_ascii_uppercase();
        return format!(
            "ERR unknown subcommand '{}'. Try {name} HELP.",
            shown(1, 128)
        );
    }
    let mut rest = String::new();
    for i in 1..args.len() {
        if rest.len() >= 128 {
            break;
        }
        rest.push_str(&format!("'{}' ", shown(i, 128 - rest.len())));
    }
    format!("ERR unknown command '{name}', with args beginning with: {rest}")
}
