//! The event loop: what happens on the sockets becomes [`Input`]s, and the [`Output`]s of the node are performed. One
//! thread does it all, as in Redis.

use super::daemon;
use super::disk::{self, Disk};
use super::files;
use super::host::Machine;
use super::link::{Link, Phase, Stream};
#[cfg(unix)]
use super::listen::listen_on_path;
use super::listen::{connect, keep_alive, listen};
use super::log::Log;
use super::options::{Options, reason as words};
use super::signals::Signal;
use super::supervisor::Supervisor;
use crate::node::child::Save;
use crate::node::config::Config;

use crate::node::{Addr, ConnId, Input, Level, Milestone, Node, Outbox, Output, Stage, Upstream};
use crate::rng::Rng;
use crate::time::Instant;
use crate::wire::rdb::check::check;
use mio::net::TcpListener;
#[cfg(unix)]
use mio::net::UnixListener;
use mio::{Events, Interest, Poll, Token};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Tokens below this are listeners and signals; connections come after, by their number.
const FIRST_LINK: usize = 1024;
const FIRST_SIGNAL: usize = 512;
#[cfg(unix)]
const UNIX: usize = 256;
/// How long the child works before the sockets are looked at again.
const CHILD_SLICE: Duration = Duration::from_millis(5);
/// … or how much it writes at once.
const CHILD_PIECE: u64 = 256 * 1024;
/// How long a closed connection may take to accept what was sent before.
const LINGER: Duration = Duration::from_secs(5);

const NOWHERE: &str = "Configured to not listen anywhere, exiting.";

/// Where a server in the background writes its number unless told otherwise.
const PIDFILE: &str = "/var/run/redis.pid";

/// A node, its sockets and its files.
pub struct Server {
    node: Node,
    poll: Poll,
    listeners: Vec<TcpListener>,
    /// The addresses and the port that they listen on.
    listening: (String, u16),
    /// A listener may have a connection for us.
    accepting: bool,
    signals: Vec<Signal>,
    #[cfg(unix)]
    unix: Option<(UnixListener, PathBuf)>,
    links: BTreeMap<ConnId, Link>,
    /// Those that may have bytes for us, in the order in which they told; that do not take what they are sent, and that are closed once they have.
    ready: Vec<ConnId>,
    slow: BTreeSet<ConnId>,
    closing: BTreeSet<ConnId>,
    /// Those that something is to be sent to before the loop sleeps: all that came up for one goes in one piece.
    unsent: Vec<ConnId>,
    next_accepted: u64,
    disk: Disk,
    child: Option<Child>,
    /// Answers to outputs that are performed at once.
    answers: VecDeque<Input<'static>>,
    log: Log,
    clock: Clock,
    pidfile: Option<PathBuf>,
    supervisor: Supervisor,
    exit: Option<i32>,
}

/// The dump in progress, which is done by the loop itself, a slice at a time.
struct Child {
    save: Save,
    begun: std::time::Instant,
    /// Bytes of it that the node has.
    told: u64,
}

impl Child {
    fn new(save: Save) -> Self {
        Self {
            save,
            begun: std::time::Instant::now(),
            told: 0,
        }
    }

    /// How many keys it may write now, which a delay for each of them limits (`rdb-key-save-delay`).
    fn keys_due(&self) -> usize {
        const BATCH: usize = 64;
        let late = self.begun.elapsed().as_micros() as u64;
        match late.checked_div(self.save.key_delay_us()) {
            Some(due) if self.save.keys_done() < self.save.keys_total() => (due as usize)
                .saturating_sub(self.save.keys_done())
                .min(BATCH),
            _ => BATCH,
        }
    }

    /// How long until the next key is due.
    fn patience(&self) -> Duration {
        let delay = self.save.key_delay_us();
        match (self.keys_due(), delay) {
            (0, _) => Duration::from_micros(delay.min(100_000)),
            // It is the readers that it waits for, and their sockets that wake us.
            _ => Duration::MAX,
        }
    }
}

/// Why a server could not be opened.
#[derive(Debug)]
pub enum OpenError {
    /// Nothing could listen on the port, or there could be no client; said in the log already.
    Listen,
    Io(&'static str, io::Error),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen => write!(f, "nothing listens; the log says why"),
            Self::Io(what, error) => write!(f, "{what}: {error}"),
        }
    }
}

impl std::error::Error for OpenError {}

impl Server {
    /// Listens, and starts the node, which reads its snapshot.
    ///
    /// # Errors
    /// The port is taken, or the log file cannot be written.
    pub fn open(options: Options) -> Result<Self, OpenError> {
        let Options {
            mut config,
            file,
            warnings,
        } = options;
        let supervisor = Supervisor::of(&config);
        let machine = Machine::get(file.as_deref(), supervisor.is_there());
        let clock = Clock::new();
        let path = |name| config.path(name).map(PathBuf::from);
        let (logfile, mut pidfile) = (path("logfile"), path("pidfile"));
        if daemon::wanted(&config) {
            pidfile.get_or_insert_with(|| PIDFILE.into());
        }
        let mut log = Log::open(logfile.as_deref())
            .map_err(|e| OpenError::Io("Can't open the log file", e))?;
        let pid = std::process::id();
        let (port, loglevel) = (config.port, config.loglevel.clone());
        let mut tell =
            |role, level, text: &str| log.line(clock.now(), role, level, &loglevel, text);
        supervisor.starts(&mut |level, text| tell('C', level, text));
        let mut say = |role, text: &str| tell(role, Level::Warning, text);
        say('C', "oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo");
        say(
            'C',
            &format!(
                "Redis version=7.0.15, bits=64, commit=00000000, modified=0, pid={pid}, just started (Ringside {})",
                env!("CARGO_PKG_VERSION")
            ),
        );
        if file.is_none() && std::env::args_os().len() <= 2 {
            say(
                'C',
                "Warning: no config file specified, using the default config. In order to specify a config file use \
                      ringside server /path/to/redis.conf",
            );
        } else {
            say('C', "Configuration loaded");
        }
        for warning in warnings {
            say('C', &warning);
        }
        let role = if config.replicaof.is_some() { 'S' } else { 'M' };
        let clients = files::allow(config.maxclients, &mut |level, text| {
            tell(role, level, text);
        });
        config.maxclients = clients.ok_or(OpenError::Listen)?;
        tell(role, Level::Notice, "monotonic clock: POSIX clock_gettime");
        let mut say = |role, text: &str| tell(role, Level::Warning, text);
        let poll = Poll::new().map_err(|e| OpenError::Io("Can't ask the system for events", e))?;
        #[cfg(unix)]
        let unix = open_unix(&config, &poll, &mut |text| say(role, text))?;
        #[cfg(unix)]
        let elsewhere = unix.is_some();
        #[cfg(not(unix))]
        let elsewhere = false;
        if port == 0 && !elsewhere {
            say(role, NOWHERE);
            return Err(OpenError::Listen);
        }
        let addresses = if port == 0 { "" } else { &config.bind };
        let listeners = listen(addresses, port, tcp_backlog(&config), |text| {
            say(role, text);
        });
        let Some(listeners) = listeners else {
            say(
                role,
                &format!("Failed listening on port {port} (TCP), aborting."),
            );
            return Err(OpenError::Listen);
        };
        if listeners.is_empty() && !elsewhere {
            say(role, NOWHERE);
            return Err(OpenError::Listen);
        }
        // Where Redis shows its logo, which programs search for the number of the process, it says nothing else.
        let logo = config.get("always-show-logo").as_deref() == Some("yes");
        let more = if logo {
            format!(" PID: {pid}")
        } else {
            String::new()
        };
        let text = format!("Running mode=standalone, port={port}.{more}");
        tell(role, Level::Notice, &text);
        let signals = Signal::all(&poll, FIRST_SIGNAL)
            .map_err(|e| OpenError::Io("Can't wait for signals", e))?;
        if let Some(path) = &pidfile {
            // Nobody is told where that cannot be done.
            let _ = std::fs::write(path, format!("{pid}\n"));
        }
        let mut out = Outbox::default();
        let listening = (config.bind.clone(), port);
        let mut node = Node::start(config, Rng::new(seed()), clock.now(), &mut out);
        node.host = machine;
        let mut server = Self {
            node,
            poll,
            listeners: Vec::new(),
            listening,
            accepting: true,
            signals,
            #[cfg(unix)]
            unix,
            links: BTreeMap::new(),
            ready: Vec::new(),
            slow: BTreeSet::new(),
            closing: BTreeSet::new(),
            unsent: Vec::new(),
            next_accepted: 1,
            disk: Disk::default(),
            child: None,
            answers: VecDeque::new(),
            log,
            clock,
            pidfile,
            supervisor,
            exit: None,
        };
        server.wait_on(listeners)?;
        server.perform(out);
        server.warn_of_little_memory();
        Ok(server)
    }

    fn warn_of_little_memory(&mut self) {
        let most = self.node.config.maxmemory;
        if (1..1024 * 1024).contains(&most) {
            let text = format!(
                "WARNING: You specified a maxmemory value that is less than 1MB (current value is {most} bytes). Are you sure \
                 this is what you really want?"
            );
            self.say(Level::Warning, &text);
        }
    }

    /// Lets these listeners take the place of those so far.
    fn wait_on(&mut self, listeners: Vec<TcpListener>) -> Result<(), OpenError> {
        for old in &mut self.listeners {
            let _ = self.poll.registry().deregister(old);
        }
        self.listeners = listeners;
        for (i, listener) in self.listeners.iter_mut().enumerate() {
            let registry = self.poll.registry();
            let registered = registry.register(listener, Token(i), Interest::READABLE);
            registered.map_err(|e| OpenError::Io("Can't wait for connections", e))?;
        }
        Ok(())
    }

    /// `CONFIG SET port` and `bind`: listens elsewhere. The node has asked whether that is possible.
    fn listen_again(&mut self) {
        let config = &self.node.config;
        if (&self.listening.0, self.listening.1) == (&config.bind, config.port) {
            return;
        }
        self.listening = (config.bind.clone(), config.port);
        let backlog = tcp_backlog(config);
        // The sockets so far stand in the way of new ones on the same port.
        let _ = self.wait_on(Vec::new());
        let mut complaints = Vec::new();
        let (bind, port) = self.listening.clone();
        if port > 0 {
            let listeners = listen(&bind, port, backlog, |text| {
                complaints.push(text.to_string());
            });
            let _ = self.wait_on(listeners.unwrap_or_default());
        }
        for complaint in complaints {
            self.say(Level::Warning, &complaint);
        }
    }

    /// Serves until the node ends; the exit status.
    pub fn run(mut self) -> i32 {
        let mut events = Events::with_capacity(1024);
        let mut buffer = vec![0; 256 * 1024];
        while self.exit.is_none() {
            match self.poll.poll(&mut events, Some(self.patience())) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.say(Level::Warning, &format!("Can't wait for events: {error}"));
                    return 1;
                }
            }
            for event in &events {
                match event.token().0 {
                    token if token < FIRST_SIGNAL => self.accepting = true,
                    token if token < FIRST_LINK => self.signalled(token - FIRST_SIGNAL),
                    token => self.link_event(
                        ConnId((token - FIRST_LINK) as u64),
                        event.is_readable(),
                        event.is_read_closed(),
                        event.is_writable(),
                    ),
                }
            }
            self.accept();
            self.read(&mut buffer);
            self.work_as_child();
            if self.clock.now() >= self.node.next_wake() {
                for conn in self.slow.clone() {
                    self.tell_pending(conn);
                }
                self.input(Input::Wake);
            }
            // Whoever is told that the port is another one finds it there.
            self.listen_again();
            self.send_all();
            self.drop_lingering();
            self.forget_transfer();
        }
        self.disk.forget();
        if let Some(path) = &self.pidfile {
            let _ = std::fs::remove_file(path);
        }
        #[cfg(unix)]
        if let Some((_, path)) = &self.unix {
            let _ = std::fs::remove_file(path);
        }
        self.exit.unwrap_or(0)
    }

    /// How long nothing has to be done.
    fn patience(&self) -> Duration {
        if self.child_is_due() || !self.ready.is_empty() {
            return Duration::ZERO;
        }
        let wake = Duration::from_micros(self.node.next_wake().since(self.clock.now()));
        let wake = self
            .child
            .as_ref()
            .map_or(wake, |child| wake.min(child.patience()));
        if self.accepting || !self.closing.is_empty() {
            wake.min(Duration::from_millis(100))
        } else {
            wake
        }
    }

    // --- the node ----------------------------------------------------------------------------------------------------

    fn input(&mut self, input: Input<'_>) {
        if self.exit.is_some() {
            return;
        }
        let mut out = Outbox::default();
        self.node.handle(self.clock.now(), input, &mut out);
        self.perform(out);
    }

    fn perform(&mut self, out: Outbox) {
        for output in out.outputs {
            self.perform_one(output);
        }
        if let Some(answer) = self.answers.pop_front() {
            self.input(answer);
        }
    }

    fn perform_one(&mut self, output: Output) {
        match output {
            Output::Dial(conn, addr) => self.dial(conn, &addr),
            Output::Send(conn, bytes) => self.send(conn, &bytes),
            Output::Close(conn) => self.close(conn),
            Output::Fork(save) => {
                self.node.child_keys = (0, save.keys_total());
                self.child = Some(Child::new(*save));
            }
            Output::KillChild => self.child = None,
            // Nothing is lost with it, and it may be gone already.
            Output::Remove => drop(std::fs::remove_file(self.snapshot())),
            Output::Store(bytes, fresh) => match self.disk.store(self.clock.now(), &bytes, fresh) {
                Ok(total) => self.answers.push_back(Input::Stored(total)),
                Err(error) => self.answers.push_back(Input::StoreFailed(words(&error))),
            },
            Output::Load(install) => self.load(install),
            Output::Save(save) => {
                let bytes = save.finish();
                let saved = disk::save(&self.snapshot(), &self.node.config.dir, &bytes);
                let saved = saved.map_err(|why| {
                    self.say(Level::Warning, &why);
                    String::new()
                });
                self.answers.push_back(Input::SavedNow(saved));
            }
            Output::Log(level, text) => self.say(level, &text),
            Output::Reached(Milestone::Unreadable) => self.check_snapshot(),
            Output::Reached(milestone) => {
                let (now, loglevel) = (self.clock.now(), &self.node.config.loglevel);
                let (role, log) = (self.role(), &mut self.log);
                let mut say = |level, text: &str| log.line(now, role, level, loglevel, text);
                self.supervisor.hears(milestone, role == 'S', &mut say);
            }
            Output::Note(_) => {}
            Output::Exit(status) => {
                // What was sent before is still delivered, as far as the other end takes it.
                for link in self.links.values_mut() {
                    let _ = link.flush();
                }
                self.exit = Some(status);
            }
        }
    }

    fn role(&self) -> char {
        if self.node.upstream().is_some() {
            'S'
        } else {
            'M'
        }
    }

    fn say(&mut self, level: Level, text: &str) {
        self.say_as(self.role(), level, text);
    }

    fn say_as(&mut self, role: char, level: Level, text: &str) {
        self.log.line(
            self.clock.now(),
            role,
            level,
            &self.node.config.loglevel,
            text,
        );
    }

    /// The file of a transfer that was given up stands in the way of the next one.
    fn forget_transfer(&mut self) {
        let upstream = self.node.upstream();
        let goes_on = |upstream: &Upstream| matches!(upstream.stage, Stage::Transfer(_));
        if self.disk.receives() && !upstream.is_some_and(goes_on) {
            self.disk.forget();
        }
    }

    // --- the disk ----------------------------------------------------------------------------------------------------

    /// In the folder of the process, which `dir` names: files go with it when somebody gives it another name.
    fn snapshot(&self) -> PathBuf {
        PathBuf::from(&self.node.config.dbfilename)
    }

    /// What redis-check-rdb would say of the file, which goes where that would go.
    fn check_snapshot(&self) {
        let path = self.snapshot();
        let bytes = std::fs::read(&path).unwrap_or_default();
        let (report, _) = check(&bytes, &path.to_string_lossy(), self.clock.now().unix_ms());
        // Nobody can be told if that cannot be written.
        let _ = io::stdout().lock().write_all(report.as_bytes());
    }

    fn load(&mut self, install: bool) {
        let path = self.snapshot();
        let installed = if install {
            self.disk.install(&path)
        } else {
            Ok(())
        };
        match installed.and_then(|()| disk::load(&path)) {
            Ok(file) => self.answers.push_back(Input::Loaded(file)),
            Err(error) => {
                self.say(
                    Level::Warning,
                    &format!("Fatal error loading the DB: {}. Exiting.", words(&error)),
                );
                self.exit = Some(1);
            }
        }
    }

    /// A slice of the child's work. A snapshot that has no file goes no faster than the slowest of those who read it.
    fn work_as_child(&mut self) {
        if !self.child_is_due() {
            return;
        }
        let Some(child) = &mut self.child else { return };
        let begin = std::time::Instant::now();
        let mut done = false;
        while !done
            && begin.elapsed() < CHILD_SLICE
            && child.save.bytes() < child.told + CHILD_PIECE
        {
            done = child.save.advance(child.keys_due());
            if child.keys_due() == 0 {
                break;
            }
        }
        let to_disk = child.save.to_disk();
        self.node.child_keys = (child.save.keys_done(), child.save.keys_total());
        child.told = child.save.bytes();
        if !done {
            if !to_disk {
                let part = child.save.take();
                if !part.is_empty() {
                    self.input(Input::Dumped(part));
                }
            }
            return;
        }
        let Some(child) = self.child.take() else {
            return;
        };
        let bytes = child.save.finish();
        if !to_disk {
            return self.input(Input::Saved(bytes));
        }
        match disk::save(&self.snapshot(), &self.node.config.dir, &bytes) {
            Ok(()) => {
                self.say_as('C', Level::Notice, "DB saved on disk");
                self.input(Input::Saved(bytes));
            }
            Err(why) => {
                self.say_as('C', Level::Warning, &why);
                self.input(Input::SaveFailed(String::new()));
            }
        }
    }

    /// Whether there is a child that can go on now.
    fn child_is_due(&self) -> bool {
        let slow = |conn: &ConnId| self.links.get(conn).is_some_and(|link| !link.flushed());
        self.child.as_ref().is_some_and(|child| {
            child.keys_due() > 0 && !self.node.snapshot_readers().iter().any(slow)
        })
    }

    // --- connections -------------------------------------------------------------------------------------------------

    fn accept(&mut self) {
        if !self.accepting {
            return;
        }
        self.accepting = false;
        #[cfg(unix)]
        self.accept_unix();
        for i in 0..self.listeners.len() {
            loop {
                let (stream, peer) = match self.listeners[i].accept() {
                    Ok(accepted) => accepted,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error)
                        if matches!(
                            error.kind(),
                            io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted
                        ) =>
                    {
                        continue;
                    }
                    Err(error) => {
                        // Out of file descriptors, most likely: tried again later.
                        self.say(
                            Level::Warning,
                            &format!("Accepting client connection: {error}"),
                        );
                        self.accepting = true;
                        break;
                    }
                };
                let conn = ConnId(self.next_accepted);
                self.next_accepted += 2;
                let local = stream.local_addr().unwrap_or(peer);
                let _ = stream.set_nodelay(true);
                let seconds = self.node.config.get("tcp-keepalive");
                keep_alive(&stream, seconds.and_then(|s| s.parse().ok()).unwrap_or(0));
                if self.watch(conn, Stream::Tcp(stream), Phase::Open).is_ok() {
                    let addr = |addr: SocketAddr| Addr {
                        host: addr.ip().to_canonical().to_string(),
                        port: addr.port(),
                    };
                    self.input(Input::Accepted(conn, addr(peer), addr(local)));
                }
            }
        }
    }

    /// Connections over the socket of this machine: they come from its path.
    #[cfg(unix)]
    fn accept_unix(&mut self) {
        while let Some((listener, path)) = &self.unix
            && let Ok((stream, _)) = listener.accept()
        {
            let conn = ConnId(self.next_accepted);
            self.next_accepted += 2;
            let addr = Addr {
                host: path.to_string_lossy().into_owned(),
                port: 0,
            };
            if self.watch(conn, Stream::Unix(stream), Phase::Open).is_ok() {
                self.input(Input::Accepted(conn, addr.clone(), addr));
            }
        }
    }

    fn watch(&mut self, conn: ConnId, mut stream: Stream, phase: Phase) -> io::Result<()> {
        self.poll.registry().register(
            &mut stream,
            Token(FIRST_LINK + conn.0 as usize),
            Interest::READABLE | Interest::WRITABLE,
        )?;
        self.links.insert(conn, Link::new(stream, phase));
        Ok(())
    }

    /// It may have bytes for us.
    fn queue(&mut self, conn: ConnId) {
        if let Some(link) = self.links.get_mut(&conn)
            && !std::mem::replace(&mut link.queued, true)
        {
            self.ready.push(conn);
        }
    }

    /// Takes a connection away.
    fn forget(&mut self, conn: ConnId) -> Option<Link> {
        self.slow.remove(&conn);
        self.closing.remove(&conn);
        self.links.remove(&conn)
    }

    fn dial(&mut self, conn: ConnId, addr: &Addr) {
        match (addr.host.as_str(), addr.port).to_socket_addrs() {
            Ok(found) => self.dial_next(conn, found.collect(), "Cannot assign requested address"),
            Err(_) => self
                .answers
                .push_back(Input::DialFailed(conn, "Name or service not known")),
        }
    }

    /// Tries the addresses of a host one after the other.
    fn dial_next(&mut self, conn: ConnId, mut addrs: Vec<SocketAddr>, mut why: &'static str) {
        while !addrs.is_empty() {
            let source = self.node.config.get("bind-source-addr");
            let source = source.and_then(|source| source.parse().ok());
            let connected = connect(addrs.remove(0), source);
            match connected.and_then(|stream| {
                let _ = stream.set_nodelay(true);
                self.watch(conn, Stream::Tcp(stream), Phase::Dialing(addrs.clone()))
            }) {
                Ok(()) => return,
                Err(error) => why = reason(&error),
            }
        }
        self.answers.push_back(Input::DialFailed(conn, why));
    }

    fn link_event(&mut self, conn: ConnId, readable: bool, ended: bool, writable: bool) {
        let Some(link) = self.links.get_mut(&conn) else {
            return;
        };
        match &link.phase {
            Phase::Dialing(_) => self.dial_event(conn),
            Phase::Open | Phase::Closing(_) => {
                link.ended |= ended;
                link.readable |= readable;
                let open = matches!(link.phase, Phase::Open);
                let unsent = !link.flushed();
                if readable && open {
                    self.queue(conn);
                }
                if writable && unsent {
                    self.flush(conn);
                    // Whoever was slow has caught up.
                    if self.links.get(&conn).is_some_and(Link::flushed) {
                        self.input(Input::Pending(conn, 0));
                    }
                }
            }
        }
    }

    fn dial_event(&mut self, conn: ConnId) {
        let Some(link) = self.links.get_mut(&conn) else {
            return;
        };
        let outcome = link.stream.connected();
        match outcome {
            Ok(()) => {
                link.phase = Phase::Open;
                link.readable = true;
                self.queue(conn);
                self.input(Input::Dialed(conn));
            }
            Err(error) if error.kind() == io::ErrorKind::NotConnected => {} // not yet
            Err(error) => {
                let Some(Link {
                    phase: Phase::Dialing(rest),
                    ..
                }) = self.forget(conn)
                else {
                    return;
                };
                self.dial_next(conn, rest, reason(&error));
                if let Some(answer) = self.answers.pop_front() {
                    self.input(answer);
                }
            }
        }
    }

    /// One read from each connection that may have something, so that a busy one does not starve the others.
    fn read(&mut self, buffer: &mut [u8]) {
        for conn in std::mem::take(&mut self.ready) {
            // An earlier one may have closed this one.
            let Some(link) = self.links.get_mut(&conn) else {
                continue;
            };
            link.queued = false;
            if !matches!(link.phase, Phase::Open) {
                continue;
            }
            let read = link.read(buffer);
            if link.readable && read.is_ok() {
                self.queue(conn);
            }
            match read {
                Ok(None) => {}
                Ok(Some(n)) => self.input(Input::Bytes(conn, &buffer[..n])),
                Err(_) => {
                    self.forget(conn);
                    self.input(Input::Closed(conn));
                }
            }
        }
    }

    fn send(&mut self, conn: ConnId, bytes: &[u8]) {
        if let Some(link) = self
            .links
            .get_mut(&conn)
            .filter(|l| matches!(l.phase, Phase::Open))
        {
            let (idle, slow) = (link.flushed(), link.told > 0);
            link.send(bytes);
            if idle {
                self.unsent.push(conn);
            } else if slow {
                self.tell_pending(conn);
            }
        }
    }

    /// Hands over what came up for each connection since the loop woke.
    fn send_all(&mut self) {
        while !self.unsent.is_empty() {
            for conn in std::mem::take(&mut self.unsent) {
                self.flush(conn);
                self.tell_pending(conn);
            }
            while let Some(answer) = self.answers.pop_front() {
                self.input(answer);
            }
        }
    }

    /// Tells the node how much waits for a connection that does not take what it is sent, and when it has taken all.
    fn tell_pending(&mut self, conn: ConnId) {
        let Some(link) = self.links.get_mut(&conn) else {
            return;
        };
        let pending = link.pending();
        if pending == 0 && link.told == 0 {
            return;
        }
        link.told = pending;
        if pending > 0 {
            self.slow.insert(conn);
        } else {
            self.slow.remove(&conn);
        }
        let told = |input: &Input<'_>| matches!(input, Input::Pending(c, _) if *c == conn);
        self.answers.retain(|input| !told(input));
        self.answers.push_back(Input::Pending(conn, pending as u64));
    }

    fn flush(&mut self, conn: ConnId) {
        let Some(link) = self.links.get_mut(&conn) else {
            return;
        };
        let (result, closing) = (link.flush(), matches!(link.phase, Phase::Closing(_)));
        if closing && (result.is_err() || link.flushed()) {
            self.forget(conn);
        } else if result.is_err() {
            // The reading side will find the end too, after what the peer sent before it.
            link.readable = true;
            self.queue(conn);
        } else if link.flushed() && link.told > 0 {
            self.tell_pending(conn);
            if let Some(answer) = self.answers.pop_front() {
                self.input(answer);
            }
        }
    }

    fn close(&mut self, conn: ConnId) {
        let Some(link) = self.links.get_mut(&conn) else {
            return;
        };
        let dead = link.flush().is_err();
        if dead || link.flushed() || matches!(link.phase, Phase::Dialing(_)) {
            self.forget(conn);
        } else {
            link.phase = Phase::Closing(std::time::Instant::now() + LINGER);
            self.closing.insert(conn);
        }
    }

    fn drop_lingering(&mut self) {
        if self.closing.is_empty() {
            return;
        }
        let now = std::time::Instant::now();
        for conn in self.closing.clone() {
            let link = self.links.get(&conn);
            if link.is_none_or(|l| matches!(l.phase, Phase::Closing(until) if until < now)) {
                self.forget(conn);
            }
        }
    }

    // --- signals -----------------------------------------------------------------------------------------------------

    fn signalled(&mut self, which: usize) {
        let Some(name) = self.signals.get_mut(which).and_then(Signal::received) else {
            return;
        };
        if name == "SIGABRT" {
            self.say(
                Level::Warning,
                "Redis 7.0.15 crashed by signal: 6, si_code: 0",
            );
            self.exit = Some(134); // as a shell tells the end by SIGABRT
            return;
        }
        if self.node.loading().is_some() {
            self.log.signal(
                self.clock.now(),
                "Received shutdown signal during loading, exiting now.",
            );
            self.exit = Some(0);
            return;
        }
        // Whoever presses Ctrl-C twice means it.
        if name == "SIGINT" && self.node.stops() {
            self.log
                .signal(self.clock.now(), "You insist... exiting now.");
            self.exit = Some(1);
            return;
        }
        let text = format!("Received {name} scheduling shutdown...");
        self.log.signal(self.clock.now(), &text);
        let mut out = Outbox::default();
        let directive = if name == "SIGINT" {
            "shutdown-on-sigint"
        } else {
            "shutdown-on-sigterm"
        };
        self.node.stop_on_signal(directive, &mut out);
        self.perform(out);
    }
}

/// A line of the log before there is a server to write it.
pub fn log_start(text: &str) {
    if let Ok(mut log) = Log::open(None) {
        log.line(Clock::new().now(), 'C', Level::Warning, "", text);
    }
}

/// The socket of this machine that `unixsocket` names.
#[cfg(unix)]
fn open_unix(
    config: &Config,
    poll: &Poll,
    say: &mut dyn FnMut(&str),
) -> Result<Option<(UnixListener, PathBuf)>, OpenError> {
    let Some(path) = config.path("unixsocket") else {
        return Ok(None);
    };
    let mode = config.get("unixsocketperm");
    let mode = mode.and_then(|mode| u32::from_str_radix(&mode, 8).ok());
    let opened = listen_on_path(Path::new(&path), mode.filter(|mode| *mode > 0));
    let mut listener = opened.map_err(|error| {
        say(&format!(
            "Failed opening Unix socket: bind: {}",
            words(&error)
        ));
        OpenError::Listen
    })?;
    let registered = poll
        .registry()
        .register(&mut listener, Token(UNIX), Interest::READABLE);
    registered.map_err(|e| OpenError::Io("Can't wait for connections", e))?;
    Ok(Some((listener, PathBuf::from(path))))
}

fn tcp_backlog(config: &Config) -> i32 {
    let backlog = config.get("tcp-backlog");
    backlog.and_then(|n| n.parse().ok()).unwrap_or(511)
}

/// In the words of Redis's log.
fn reason(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "Connection refused",
        io::ErrorKind::ConnectionReset => "Connection reset by peer",
        io::ErrorKind::TimedOut => "Connection timed out",
        io::ErrorKind::HostUnreachable => "No route to host",
        io::ErrorKind::NetworkUnreachable => "Network is unreachable",
        io::ErrorKind::AddrNotAvailable => "Cannot assign requested address",
        _ => "Input/output error",
    }
}

/// The machine's time, taken once, and from then on the time that has passed: it never goes back.
struct Clock {
    epoch_us: u64,
    since: std::time::Instant,
}

impl Clock {
    fn new() -> Self {
        let epoch = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
        Self {
            epoch_us: epoch.as_micros() as u64,
            since: std::time::Instant::now(),
        }
    }

    fn now(&self) -> Instant {
        Instant(self.epoch_us).after(self.since.elapsed().as_micros() as u64)
    }
}

/// A number that nobody can foresee: the standard library asks the system for one to key its hash maps.
fn seed() -> u64 {
    RandomState::new().build_hasher().finish()
}
