//! Loading a snapshot: in steps, between which other events are served; into the keyspace, or beside the old data until
//! all of it is there; from the disk, or straight from the master's connection. Follows `rdbLoad`, `startLoading` and
//! the second half of `readSyncBulkPayload`.

use super::history::NO_ID;
use super::keyspace::{Keyspace, value_from_rdb};
use super::mutant::Mutant;
use super::session::unlinked;
use super::upstream::{Stage, Transfer};
use super::{Level, Loading, Milestone, Node, Outbox, Output};
use crate::time::{Instant, MILLISECOND_US};
use crate::wire::Bytes;
use crate::wire::rdb::number::fixed;
use crate::wire::rdb::read::{self, Loader, Problem, RdbError};

/// A snapshot on its way into memory.
#[derive(Clone)]
pub(super) struct Load {
    loader: Loader,
    /// Where the keys go while the old data stays (`repl-diskless-load swapdb`).
    aside: Option<Keyspace>,
    /// The old data is served meanwhile: it is that of the same history at an earlier time.
    pub asynchronous: bool,
    /// From the master's connection, not from the disk.
    direct: bool,
    /// Bytes of the file; 0 when that is not known.
    total: u64,
    started: Instant,
    /// When the next step is due, unless more bytes have to come first.
    resume_at: Instant,
    waiting: bool,
    keys: u64,
    /// Keys that a master left out, because their time was over when it began, and their databases.
    expired: Vec<(usize, Bytes)>,
    /// How many of the file's facts were logged.
    told: usize,
}

const SHORT_READ: &str = "Short read or OOM loading DB. Unrecoverable error, aborting now.";

/// Why a step ended.
enum Step {
    /// There is more to do, later.
    Pause,
    /// More bytes have to come first.
    Wait,
    Done,
    Failed(RdbError),
    /// Something that ends the process.
    Fatal(String),
}

/// How Redis begins whatever it says of a damaged snapshot.
fn internal_error(offset: usize, why: &str) -> String {
    format!("Internal error in RDB reading offset {offset} -> {why}")
}

/// What is wrong with the payload of a RESTORE.
pub(super) fn log_bad_data(payload: &[u8], out: &mut Outbox) {
    let body = &payload[..payload.len().saturating_sub(10)];
    let text = match read::value(body) {
        Err((offset, problem)) => internal_error(offset, &problem.to_string()),
        Ok(None) => "rdbLoadObject failed: an empty value".into(),
        Ok(Some(value)) => {
            let why = value_from_rdb(value).err().unwrap_or_default();
            let packed = Problem::twice(body.first().copied().unwrap_or_default());
            internal_error(0, &packed.map_or_else(|| why.into(), |p| p.to_string()))
        }
    };
    out.log(Level::Verbose, text);
}

impl Node {
    pub(super) fn loads_aside(&self) -> bool {
        self.load.as_ref().is_some_and(|load| load.asynchronous)
    }

    /// When the next step of loading is due.
    pub(super) fn next_load_step(&self) -> Option<Instant> {
        let load = self.load.as_ref().filter(|load| !load.waiting)?;
        Some(load.resume_at)
    }

    /// The fields of `INFO persistence` that are there while a snapshot is loaded.
    pub(super) fn info_loading(&self, out: &mut String) {
        let Some(load) = &self.load else { return };
        let (done, total) = (load.loader.position() as u64, load.total);
        let seconds = self.seconds_since(load.started);
        let percent = done as f64 * 100.0 / total.max(done).max(1) as f64;
        let left = match done {
            0 => 1,
            done => seconds * total.saturating_sub(done) / done,
        };
        let used = load.loader.facts().aux_number("used-mem").unwrap_or(0);
        for (name, value) in [
            ("start_time", load.started.unix_s().to_string()),
            ("total_bytes", total.to_string()),
            ("rdb_used_mem", used.to_string()),
            ("loaded_bytes", done.to_string()),
            ("loaded_perc", fixed(percent, 2)),
            ("eta_seconds", left.to_string()),
        ] {
            out.push_str(&format!("loading_{name}:{value}\r\n"));
        }
    }

    fn begin_load(&mut self, loader: Loader, direct: bool, total: u64) {
        let loader = match self.config.rdbchecksum {
            true => loader,
            false => loader.unchecked(),
        };
        self.load = Some(Load {
            loader,
            aside: None,
            asynchronous: false,
            direct,
            total,
            started: self.now,
            resume_at: self.now,
            waiting: false,
            keys: 0,
            expired: Vec::new(),
            told: 0,
        });
    }

    /// The snapshot file was read from the disk.
    pub(super) fn loaded(&mut self, file: Option<Vec<u8>>, out: &mut Outbox) {
        match (self.loading, file) {
            (None, _) => {}
            (Some(Loading::Start), None) => self.ready(out),
            (Some(_), file) => {
                let file = file.unwrap_or_default();
                let total = file.len() as u64;
                self.begin_load(Loader::of(file), false, total);
                self.load_step(out);
            }
        }
    }

    /// Before the snapshot comes from the master: whether it goes from the connection into memory
    /// (`useDisklessLoad`).
    pub(super) fn loads_directly(&self) -> bool {
        match self.config.repl_diskless_load.as_str() {
            "swapdb" => true,
            "on-empty-db" => (0..self.keyspace.databases()).all(|db| self.keyspace.len(db) == 0),
            _ => false,
        }
    }

    /// The first bytes come and are loaded as they do.
    pub(super) fn begin_direct_load(&mut self, total: u64, same_history: bool, out: &mut Outbox) {
        self.kill_child(out);
        self.begin_load(Loader::default(), true, total);
        if self.config.repl_diskless_load == "swapdb" {
            let aside = self.keyspace.aside();
            if let Some(load) = &mut self.load {
                load.aside = Some(aside);
                load.asynchronous = same_history;
            }
        } else {
            self.give_up_old_data(out);
        }
        if !self.loads_aside() {
            self.loading = Some(Loading::Sync);
        }
        out.log(
            Level::Notice,
            "MASTER <-> REPLICA sync: Loading DB in memory",
        );
    }

    /// A new dataset is coming: nobody can continue from the old one any more.
    pub(super) fn give_up_old_data(&mut self, out: &mut Outbox) {
        self.attach_to_new_master(out);
        out.log(Level::Notice, "MASTER <-> REPLICA sync: Flushing old data");
        if self.keyspace.flush_all() > 0 {
            self.newline_to_master(out);
        }
    }

    /// `replicationAttachToNewMaster`.
    fn attach_to_new_master(&mut self, out: &mut Outbox) {
        if Mutant::ReplicasKept2694.on() {
            return;
        }
        if self.cached.take().is_some() {
            out.log(Level::Notice, "Discarding previously cached master state.");
        }
        self.disconnect_replicas(out);
        self.backlog = None;
    }

    /// More of a snapshot that is loaded as it comes.
    pub(super) fn feed_load(&mut self, bytes: &[u8], out: &mut Outbox) {
        if let Some(load) = &mut self.load {
            load.loader.feed(bytes);
            load.waiting = false;
            self.load_step(out);
        }
    }

    // --- steps -------------------------------------------------------------------------------------------------------

    /// Loads for a while (`loading-process-events-interval-bytes`).
    pub(super) fn load_step(&mut self, out: &mut Outbox) {
        if self
            .load
            .as_ref()
            .is_none_or(|load| load.resume_at > self.now)
        {
            return;
        }
        let step = self.load_some(false);
        self.log_facts(out);
        match step {
            Step::Pause => self.newline_to_master(out),
            Step::Wait => self.await_bytes(),
            Step::Done => self.load_done(out),
            Step::Failed(error) => self.load_failed(&error, out),
            Step::Fatal(why) => {
                out.log(Level::Warning, why);
                self.load = None;
                out.push(Output::Exit(1));
            }
        }
    }

    fn await_bytes(&mut self) {
        if let Some(load) = &mut self.load {
            load.waiting = true;
        }
    }

    /// Loads until it is time to look at other events; where it `merges`, over keys that are there already.
    fn load_some(&mut self, merges: bool) -> Step {
        let interval = self.config.loading_process_events_interval_bytes;
        let delay_us = self.config.key_load_delay_us.max(0) as u64;
        let Some(load) = &mut self.load else {
            return Step::Wait;
        };
        let clock = self.keyspace.clock;
        let keyspace = load.aside.as_mut().unwrap_or(&mut self.keyspace);
        keyspace.clock = clock;
        let (begin, begun_ms) = (load.loader.position(), load.started.unix_ms());
        let mut delayed = 0;
        loop {
            let entry = match load.loader.next_key() {
                Ok(Some(entry)) => entry,
                Ok(None) if load.loader.ended() => return Step::Done,
                Ok(None) if load.direct => return Step::Wait,
                Ok(None) => return Step::Failed(load.loader.cut()),
                Err(error) => return Step::Failed(error),
            };
            let databases = keyspace.databases();
            if entry.db >= databases {
                return Step::Fatal(format!(
                    "FATAL: Data file was created with a Redis server configured to handle more than {databases} databases. Exiting"
                ));
            }
            let over = entry.expire_at_ms.is_some_and(|at| at < begun_ms);
            if over && self.upstream.is_none() {
                load.expired.push((entry.db, entry.key));
                continue;
            }
            if keyspace.len(entry.db) == 0 {
                keyspace.reserve(entry.db, load.loader.promised_keys());
            }
            if let Err(why) = keyspace.insert_rdb(entry, merges) {
                return Step::Fatal(why);
            }
            load.keys += 1;
            delayed += delay_us;
            if delayed >= MILLISECOND_US {
                load.resume_at = self.now.after(delayed);
                return Step::Pause;
            }
            if (load.loader.position() - begin) as u64 >= interval {
                load.resume_at = self.now;
                return Step::Pause;
            }
        }
    }

    /// The facts at the beginning of the file that Redis tells.
    fn log_facts(&mut self, out: &mut Outbox) {
        let now = self.now.unix_s();
        let Some(load) = &mut self.load else { return };
        let facts = load.loader.facts();
        for (name, value) in &facts.aux[load.told..] {
            let number = || crate::wire::resp::parse_i64(value).unwrap_or(0);
            let shown = String::from_utf8_lossy(value);
            let text = match &**name {
                b"redis-ver" => format!("Loading RDB produced by version {shown}"),
                b"ctime" => format!("RDB age {} seconds", now.saturating_sub(number()).max(0)),
                b"used-mem" => {
                    let mb = number() as f64 / f64::from(1 << 20);
                    format!("RDB memory usage when created {} Mb", fixed(mb, 2))
                }
                _ => continue,
            };
            out.log(Level::Notice, text);
        }
        load.told = facts.aux.len();
    }

    /// A byte that only says "still here", for a master that may think otherwise, at most once a second
    /// (`replicationSendNewlineToMaster`).
    fn newline_to_master(&mut self, out: &mut Outbox) {
        let now_s = self.now.unix_s();
        let Some(upstream) = &mut self.upstream else {
            return;
        };
        if let (Stage::Transfer(_), Some(conn)) = (&upstream.stage, upstream.conn())
            && upstream.newline_s != now_s
        {
            upstream.newline_s = now_s;
            out.send(conn, b"\n");
        }
    }

    // --- how it ends -------------------------------------------------------------------------------------------------

    fn load_done(&mut self, out: &mut Outbox) {
        if !self.mark_follows(out) {
            return self.await_bytes();
        }
        let Some(load) = self.load.take() else { return };
        let facts = load.loader.facts();
        if facts.unchecked {
            out.log(
                Level::Warning,
                "RDB file was saved with checksum disabled: no check performed.",
            );
        }
        if facts.functions > 0 {
            let text = format!(
                "{} function libraries of the snapshot were left out: functions are not supported",
                facts.functions
            );
            out.log(Level::Warning, text);
        }
        if facts.volatile_fields > 0 {
            let text = format!(
                "{} hash fields of the snapshot had a time to live of their own, which Redis 7.0 does not know: \
                 they were loaded without it",
                facts.volatile_fields
            );
            out.log(Level::Warning, text);
        }
        match self.loading {
            Some(Loading::Start) => self.started_from(&load, out),
            _ => self.synced_from(load, out),
        }
    }

    /// After a snapshot that came straight from the master its mark has to follow, if it has one; false if it does not,
    /// or not yet.
    fn mark_follows(&mut self, out: &mut Outbox) -> bool {
        let Some(load) = self.load.as_ref().filter(|load| load.direct) else {
            return true;
        };
        let rest = load.loader.rest();
        let Some(Stage::Transfer(Transfer { mark, total, .. })) =
            self.upstream.as_ref().map(|upstream| &upstream.stage)
        else {
            return false;
        };
        match mark {
            Some(mark) if rest.starts_with(mark) => true,
            Some(mark) if rest.len() >= mark.len() => {
                out.log(Level::Warning, "Replication stream EOF marker is broken");
                self.abort_load(out);
                false
            }
            Some(_) => false,
            // What is counted is read to its end, whatever comes after the checksum.
            None => {
                total.is_some_and(|total| load.loader.position() + rest.len() >= total as usize)
            }
        }
    }

    fn load_failed(&mut self, error: &RdbError, out: &mut Outbox) {
        let direct = self.load.as_ref().is_some_and(|load| load.direct);
        if error.refused() {
            out.log(Level::Warning, error.problem.to_string());
        } else {
            let mut why = error.to_string();
            match error.problem {
                Problem::Truncated { .. } => out.log(Level::Warning, SHORT_READ),
                Problem::Checksum { .. } => {
                    out.log(Level::Warning, format!("{}. Aborting now.", error.problem));
                    why = "RDB CRC error".into();
                }
                _ => {}
            }
            let text = internal_error(error.offset, &why);
            self.load = None;
            if direct {
                out.log(
                    Level::Warning,
                    format!("{text}. Failure loading rdb format"),
                );
                let text = "Terminating server after rdb file reading failure.";
                out.log(Level::Warning, text);
            } else {
                out.log(Level::Warning, text);
                out.reached(Milestone::Unreadable);
            }
            return out.push(Output::Exit(1));
        }
        if self.loading == Some(Loading::Start) {
            out.log(
                Level::Warning,
                "Fatal error loading the DB: Invalid argument. Exiting.",
            );
            out.push(Output::Exit(1));
        } else if direct {
            self.abort_direct_load("Invalid argument", out);
        } else {
            self.load = None;
            self.loading = None;
            out.log(
                Level::Warning,
                "Failed trying to load the MASTER synchronization DB from disk: Invalid argument",
            );
            self.dial_again(out);
            self.remove_received_file(out);
        }
    }

    /// A replica that saves nothing keeps no file of its master's either.
    fn remove_received_file(&self, out: &mut Outbox) {
        if self.config.rdb_del_sync_files && self.config.save.is_empty() {
            let text = "Removing the RDB file obtained from the master. This replica has persistence disabled";
            out.log(Level::Notice, text);
            out.push(Output::Remove);
        }
    }

    /// The connection was lost, or said nothing for too long, in the middle of a snapshot that is loaded as it comes.
    pub(super) fn cut_direct_load(&mut self, out: &mut Outbox) -> bool {
        let Some(load) = self.load.as_mut().filter(|load| load.direct) else {
            return false;
        };
        let error = load.loader.cut();
        out.log(Level::Warning, SHORT_READ);
        let text = internal_error(error.offset, &error.to_string());
        let then = "Failure loading rdb format from socket, assuming connection error, resuming operation.";
        out.log(Level::Warning, format!("{text}. {then}"));
        self.abort_direct_load("Input/output error", out);
        true
    }

    fn abort_direct_load(&mut self, why: &str, out: &mut Outbox) {
        let text =
            format!("Failed trying to load the MASTER synchronization DB from socket: {why}");
        out.log(Level::Warning, text);
        self.abort_load(out);
    }

    /// Gives up a snapshot that was loaded as it came: what came of it goes, the old data stays if it is still there.
    fn abort_load(&mut self, out: &mut Outbox) {
        let Some(load) = self.load.take() else { return };
        self.loading = None;
        self.dial_again(out);
        if load.aside.is_some() {
            out.log(
                Level::Notice,
                "MASTER <-> REPLICA sync: Discarding temporary DB in background",
            );
        } else {
            self.keyspace.flush_all();
        }
    }

    fn log_loaded(&mut self, load: &Load, out: &mut Outbox) {
        let (keys, expired) = (load.keys, load.expired.len() as u64);
        let empty = load.loader.facts().empty_keys_skipped;
        self.stats.loaded_keys = keys;
        self.stats.loaded_expired_keys = expired;
        for key in &load.loader.facts().empty_keys {
            let key = String::from_utf8_lossy(key);
            let text = format!("rdbLoadObject skipping empty key: {key}");
            out.log(Level::Warning, text);
        }
        let text = format!("Done loading RDB, keys loaded: {keys}, keys expired: {expired}");
        if empty > 0 {
            let text = format!("{text}, empty keys skipped: {empty}.");
            return out.log(Level::Warning, text);
        }
        out.log(Level::Notice, format!("{text}."));
    }

    fn synced_from(&mut self, mut load: Load, out: &mut Outbox) {
        self.log_loaded(&load, out);
        if let Some(aside) = load.aside.take() {
            self.attach_to_new_master(out);
            out.log(
                Level::Notice,
                "MASTER <-> REPLICA sync: Swapping active DB with loaded DB",
            );
            self.keyspace.flush_all();
            self.take_news();
            self.keyspace = aside;
            self.renew_interest();
            out.log(
                Level::Notice,
                "MASTER <-> REPLICA sync: Discarding old DB in background",
            );
        }
        if load.direct {
            // The file on disk is not that of this dataset.
            self.stats.dirty += 1;
        } else if self.upstream.is_some() {
            self.remove_received_file(out);
        }
        self.loading = None;
        let Some(upstream) = &mut self.upstream else {
            return;
        };
        let mark = matches!(&upstream.stage, Stage::Transfer(t) if t.mark.is_some());
        let stream_db = load.loader.facts().aux_number("repl-stream-db");
        let rest = load.loader.rest();
        let rest = if mark && load.direct {
            &rest[40..]
        } else {
            &[]
        };
        let (id, offset) = upstream.loaded(stream_db.unwrap_or(0).max(0) as usize, rest);
        self.history.replid = if id.is_empty() { NO_ID.into() } else { id };
        self.history.offset = offset;
        self.history.forget_second();
        self.online();
        self.ensure_backlog();
        out.log(
            Level::Notice,
            "MASTER <-> REPLICA sync: Finished with success",
        );
        out.reached(Milestone::Synced);
        if self.upstream.as_ref().is_some_and(|u| u.conn().is_none()) {
            // The link was lost while we loaded.
            return self.master_lost(out);
        }
        if mark {
            self.acknowledge(out);
        }
        self.stream(out);
    }

    /// `loadDataFromDisk` at the start of the process.
    fn started_from(&mut self, load: &Load, out: &mut Outbox) {
        let facts = load.loader.facts();
        let id = facts.aux("repl-id").filter(|id| id.len() == 40);
        let offset = facts
            .aux_number("repl-offset")
            .filter(|&offset| offset >= 0);
        if let (Some(id), Some(offset)) = (id, offset) {
            let id = String::from_utf8_lossy(id).into_owned();
            let db = facts.aux_number("repl-stream-db").unwrap_or(0).max(0) as usize;
            match self.upstream {
                Some(_) => self.remember_master(id, offset as u64, db),
                None => self.continue_history(id, offset as u64),
            }
        }
        // The replicas of the earlier process have to hear of them.
        for (db, key) in &load.expired {
            let del = vec![Bytes::from(&b"DEL"[..]), key.clone()];
            let del = unlinked(del, self.config.lazyfree_lazy_expire);
            self.propagate(&[(*db, del)], false, out);
        }
        self.log_loaded(load, out);
        let us = self.now.since(load.started);
        let text = format!(
            "DB loaded from disk: {}.{:03} seconds",
            us / 1_000_000,
            us / 1000 % 1000
        );
        out.log(Level::Notice, text);
        self.ready(out);
    }

    /// `DEBUG RELOAD`: all of a file at once; with `merges` keys may be there already. False when it was not loaded.
    pub(super) fn reload(&mut self, file: Vec<u8>, merges: bool, out: &mut Outbox) -> bool {
        let total = file.len() as u64;
        self.begin_load(Loader::of(file), false, total);
        let step = loop {
            match self.load_some(merges) {
                Step::Pause => {}
                step => break step,
            }
        };
        self.log_facts(out);
        let Some(load) = self.load.take() else {
            return false;
        };
        match step {
            Step::Done => {
                self.log_loaded(&load, out);
                out.log(Level::Warning, "DB reloaded by DEBUG RELOAD");
                true
            }
            Step::Failed(error) if error.refused() => {
                out.log(Level::Warning, error.problem.to_string());
                false
            }
            Step::Failed(error) => {
                self.load_failed(&error, out);
                false
            }
            Step::Fatal(why) => {
                out.log(Level::Warning, why);
                out.push(Output::Exit(1));
                false
            }
            Step::Pause | Step::Wait => false,
        }
    }

    /// The process has its data and serves.
    fn ready(&mut self, out: &mut Outbox) {
        self.loading = None;
        self.set_oom_score(out);
        if self.config.port > 0 && !self.config.bind.is_empty() {
            out.log(Level::Notice, "Ready to accept connections");
        }
        if let Some(path) = self.config.path("unixsocket") {
            let text = format!("The server is now ready to accept connections at {path}");
            out.log(Level::Notice, text);
        }
        out.reached(Milestone::Ready);
        if self.upstream.is_some() {
            self.connect_upstream(out);
        }
    }
}
