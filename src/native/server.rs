//! The event loop: what happens on the sockets becomes [`Input`]s, and the [`Output`]s of the node are performed. One
//! thread does it all, as in Redis.

use super::disk::{self, Disk};
use super::link::{Link, Phase};
use super::log::Log;
use super::options::Options;
use crate::node::child::Save;
use crate::node::{Addr, ConnId, Input, Level, Node, Outbox, Output};
use crate::rng::Rng;
use crate::time::Instant;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Tokens below this are listeners and signals; connections come after, by their number.
const FIRST_LINK: usize = 1024;
const FIRST_SIGNAL: usize = 512;
/// How long the child works before the sockets are looked at again.
const CHILD_SLICE: Duration = Duration::from_millis(5);
/// … or how much it writes at once.
const CHILD_PIECE: u64 = 256 * 1024;
/// How long a closed connection may take to accept what was sent before.
const LINGER: Duration = Duration::from_secs(5);

/// A node, its sockets and its files.
pub struct Server {
    node: Node,
    poll: Poll,
    listeners: Vec<TcpListener>,
    /// A listener may have a connection for us.
    accepting: bool,
    signals: Vec<Signal>,
    links: BTreeMap<ConnId, Link>,
    next_accepted: u64,
    disk: Disk,
    child: Option<Child>,
    /// Answers to outputs that are performed at once.
    answers: VecDeque<Input<'static>>,
    log: Log,
    clock: Clock,
    pidfile: Option<PathBuf>,
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
    /// Nothing could listen on the port; said in the log already.
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
            config,
            logfile,
            pidfile,
            warnings,
        } = options;
        let clock = Clock::new();
        let mut log = Log::open(logfile.as_deref())
            .map_err(|e| OpenError::Io("Can't open the log file", e))?;
        let pid = std::process::id();
        let (port, loglevel) = (config.port, config.loglevel.clone());
        let mut say =
            |role, text: &str| log.line(clock.now(), role, Level::Warning, &loglevel, text);
        say('C', "oO0OoO0OoO0Oo Ringside is starting oO0OoO0OoO0Oo");
        say(
            'C',
            &format!(
                "Ringside version={}, following Redis 7.0.15, just started",
                env!("CARGO_PKG_VERSION")
            ),
        );
        for warning in warnings {
            say('C', &warning);
        }
        let role = if config.replicaof.is_some() { 'S' } else { 'M' };
        say(
            role,
            &format!("Running mode=standalone, port={port}, PID: {pid}"),
        );
        let poll = Poll::new().map_err(|e| OpenError::Io("Can't ask the system for events", e))?;
        let mut listeners = listen(&config.bind, port, |text| say(role, text));
        for (i, listener) in listeners.iter_mut().enumerate() {
            let registered = poll
                .registry()
                .register(listener, Token(i), Interest::READABLE);
            registered.map_err(|e| OpenError::Io("Can't wait for connections", e))?;
        }
        if listeners.is_empty() {
            say(
                role,
                &format!("Failed listening on port {port} (TCP), aborting."),
            );
            return Err(OpenError::Listen);
        }
        let signals = Signal::all(&poll).map_err(|e| OpenError::Io("Can't wait for signals", e))?;
        if let Some(path) = &pidfile
            && let Err(error) = std::fs::write(path, format!("{pid}\n"))
        {
            say(
                role,
                &format!("Can't write the pid file '{}': {error}", path.display()),
            );
        }
        let mut out = Outbox::default();
        let node = Node::start(config, Rng::new(seed()), clock.now(), &mut out);
        let mut server = Self {
            node,
            poll,
            listeners,
            accepting: true,
            signals,
            links: BTreeMap::new(),
            next_accepted: 1,
            disk: Disk::default(),
            child: None,
            answers: VecDeque::new(),
            log,
            clock,
            pidfile,
            exit: None,
        };
        server.perform(out);
        Ok(server)
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
                        event.is_writable(),
                    ),
                }
            }
            self.accept();
            self.read(&mut buffer);
            self.work_as_child();
            if self.clock.now() >= self.node.next_wake() {
                for conn in self.links.keys().copied().collect::<Vec<_>>() {
                    self.tell_pending(conn);
                }
                self.input(Input::Wake);
            }
            self.drop_lingering();
        }
        self.disk.forget();
        if let Some(path) = &self.pidfile {
            let _ = std::fs::remove_file(path);
        }
        self.exit.unwrap_or(0)
    }

    /// How long nothing has to be done.
    fn patience(&self) -> Duration {
        if self.child_is_due()
            || self
                .links
                .values()
                .any(|l| l.readable && matches!(l.phase, Phase::Open))
        {
            return Duration::ZERO;
        }
        let wake = Duration::from_micros(self.node.next_wake().since(self.clock.now()));
        let wake = self
            .child
            .as_ref()
            .map_or(wake, |child| wake.min(child.patience()));
        let busy = self.accepting
            || self
                .links
                .values()
                .any(|l| matches!(l.phase, Phase::Closing(_)));
        if busy {
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
            Output::Fork(save) => self.child = Some(Child::new(*save)),
            Output::KillChild => self.child = None,
            Output::Store(bytes, fresh) => match self.disk.store(&self.dir(), &bytes, fresh) {
                Ok(total) => self.answers.push_back(Input::Stored(total)),
                Err(error) => self
                    .answers
                    .push_back(Input::StoreFailed(error.to_string())),
            },
            Output::Load(install) => self.load(install),
            Output::Save(save) => {
                let bytes = save.finish();
                if let Err(error) = disk::save(&self.snapshot(), &bytes) {
                    self.say(Level::Warning, &format!("Error saving DB on disk: {error}"));
                }
            }
            Output::Log(level, text) => self.say(level, &text),
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

    fn say(&mut self, level: Level, text: &str) {
        let role = if self.node.upstream().is_some() {
            'S'
        } else {
            'M'
        };
        self.log.line(
            self.clock.now(),
            role,
            level,
            &self.node.config.loglevel,
            text,
        );
    }

    // --- the disk ----------------------------------------------------------------------------------------------------

    fn dir(&self) -> PathBuf {
        PathBuf::from(&self.node.config.dir)
    }

    fn snapshot(&self) -> PathBuf {
        self.dir().join(Path::new(&self.node.config.dbfilename))
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
                    &format!("Fatal error loading the DB: {error}. Exiting."),
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
        let saved = if to_disk {
            disk::save(&self.snapshot(), &bytes)
        } else {
            Ok(())
        };
        match saved {
            Ok(()) => self.input(Input::Saved(bytes)),
            Err(error) => self.input(Input::SaveFailed(error.to_string())),
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
                if self.watch(conn, stream, Phase::Open).is_ok() {
                    self.input(Input::Accepted(
                        conn,
                        Addr {
                            host: peer.ip().to_canonical().to_string(),
                            port: peer.port(),
                        },
                    ));
                }
            }
        }
    }

    fn watch(&mut self, conn: ConnId, mut stream: TcpStream, phase: Phase) -> io::Result<()> {
        let _ = stream.set_nodelay(true);
        self.poll.registry().register(
            &mut stream,
            Token(FIRST_LINK + conn.0 as usize),
            Interest::READABLE | Interest::WRITABLE,
        )?;
        self.links.insert(conn, Link::new(stream, phase));
        Ok(())
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
            let connected = TcpStream::connect(addrs.remove(0));
            match connected
                .and_then(|stream| self.watch(conn, stream, Phase::Dialing(addrs.clone())))
            {
                Ok(()) => return,
                Err(error) => why = reason(&error),
            }
        }
        self.answers.push_back(Input::DialFailed(conn, why));
    }

    fn link_event(&mut self, conn: ConnId, readable: bool, writable: bool) {
        let Some(link) = self.links.get_mut(&conn) else {
            return;
        };
        match &link.phase {
            Phase::Dialing(_) => self.dial_event(conn),
            Phase::Open | Phase::Closing(_) => {
                link.readable |= readable;
                if writable {
                    self.flush(conn);
                }
            }
        }
    }

    fn dial_event(&mut self, conn: ConnId) {
        let Some(link) = self.links.get_mut(&conn) else {
            return;
        };
        let outcome = match link.stream.take_error() {
            Ok(None) => link.stream.peer_addr().map(|_| ()),
            Ok(Some(error)) | Err(error) => Err(error),
        };
        match outcome {
            Ok(()) => {
                link.phase = Phase::Open;
                link.readable = true;
                self.input(Input::Dialed(conn));
            }
            Err(error) if error.kind() == io::ErrorKind::NotConnected => {} // not yet
            Err(error) => {
                let Some(Link {
                    phase: Phase::Dialing(rest),
                    ..
                }) = self.links.remove(&conn)
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
        let ready: Vec<ConnId> = self
            .links
            .iter()
            .filter(|(_, l)| l.readable && matches!(l.phase, Phase::Open))
            .map(|(conn, _)| *conn)
            .collect();
        for conn in ready {
            // An earlier one may have closed this one.
            let Some(link) = self
                .links
                .get_mut(&conn)
                .filter(|l| matches!(l.phase, Phase::Open))
            else {
                continue;
            };
            match link.read(buffer) {
                Ok(None) => {}
                Ok(Some(n)) => self.input(Input::Bytes(conn, &buffer[..n])),
                Err(_) => {
                    self.links.remove(&conn);
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
            let idle = link.flushed();
            link.send(bytes);
            if idle {
                self.flush(conn);
            }
            self.tell_pending(conn);
        }
    }

    /// Tells the node of a connection that does not take what it is sent.
    fn tell_pending(&mut self, conn: ConnId) {
        let link = self.links.get(&conn).filter(|link| !link.flushed());
        let told = |input: &Input<'_>| matches!(input, Input::Pending(c, _) if *c == conn);
        if let Some(link) = link
            && !self.answers.iter().any(told)
        {
            let pending = link.pending() as u64;
            self.answers.push_back(Input::Pending(conn, pending));
        }
    }

    fn flush(&mut self, conn: ConnId) {
        let Some(link) = self.links.get_mut(&conn) else {
            return;
        };
        let (result, closing) = (link.flush(), matches!(link.phase, Phase::Closing(_)));
        if closing && (result.is_err() || link.flushed()) {
            self.links.remove(&conn);
        } else if result.is_err() {
            // The reading side will find the end too, after what the peer sent before it.
            link.readable = true;
        }
    }

    fn close(&mut self, conn: ConnId) {
        let Some(link) = self.links.get_mut(&conn) else {
            return;
        };
        let dead = link.flush().is_err();
        if dead || link.flushed() || matches!(link.phase, Phase::Dialing(_)) {
            self.links.remove(&conn);
        } else {
            link.phase = Phase::Closing(std::time::Instant::now() + LINGER);
        }
    }

    fn drop_lingering(&mut self) {
        let now = std::time::Instant::now();
        self.links
            .retain(|_, link| !matches!(link.phase, Phase::Closing(until) if until < now));
    }

    // --- signals -----------------------------------------------------------------------------------------------------

    fn signalled(&mut self, which: usize) {
        let Some(name) = self.signals.get_mut(which).and_then(Signal::received) else {
            return;
        };
        self.say(
            Level::Warning,
            &format!("Received {name} scheduling shutdown..."),
        );
        let mut out = Outbox::default();
        let save = !self.node.config.save.is_empty();
        out.outputs.push(Output::Log(
            Level::Warning,
            "User requested shutdown...".into(),
        ));
        self.node.stop(save, false, &mut out);
        self.perform(out);
    }
}

/// Listens on every address of `bind`; those that cannot be listened on are told to `say`. A leading `-` means that an
/// address may be missing on this machine.
fn listen(bind: &str, port: u16, mut say: impl FnMut(&str)) -> Vec<TcpListener> {
    if port == 0 {
        return Vec::new();
    }
    let mut listeners = Vec::new();
    for given in bind.split_whitespace() {
        let (host, optional) = given
            .strip_prefix('-')
            .map_or((given, false), |host| (host, true));
        let host = match host {
            "*" => "0.0.0.0",
            "::*" => "::",
            host => host,
        };
        let found = (host, port)
            .to_socket_addrs()
            .map(Vec::from_iter)
            .unwrap_or_default();
        let mut why = "no such host".to_string();
        let listened = found.iter().find_map(|addr| {
            TcpListener::bind(*addr)
                .map_err(|error| why = error.to_string())
                .ok()
        });
        match listened {
            Some(listener) => listeners.push(listener),
            None if optional => {}
            None => {
                say(&format!(
                    "Warning: Could not create server TCP listening socket {given}:{port}: bind: {why}"
                ));
                return Vec::new();
            }
        }
    }
    listeners
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

/// A signal that ends the server in order: its handler writes a byte into a pipe that the loop waits on.
#[cfg(unix)]
struct Signal {
    name: &'static str,
    pipe: mio::net::UnixStream,
}

#[cfg(unix)]
impl Signal {
    fn all(poll: &Poll) -> io::Result<Vec<Self>> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        let mut signals = Vec::new();
        for (i, (number, name)) in [(SIGTERM, "SIGTERM"), (SIGINT, "SIGINT")]
            .into_iter()
            .enumerate()
        {
            let (writer, reader) = std::os::unix::net::UnixStream::pair()?;
            signal_hook::low_level::pipe::register(number, writer)?;
            reader.set_nonblocking(true)?;
            let mut pipe = mio::net::UnixStream::from_std(reader);
            poll.registry()
                .register(&mut pipe, Token(FIRST_SIGNAL + i), Interest::READABLE)?;
            signals.push(Self { name, pipe });
        }
        Ok(signals)
    }

    fn received(&mut self) -> Option<&'static str> {
        let mut byte = [0; 16];
        io::Read::read(&mut self.pipe, &mut byte)
            .is_ok_and(|n| n > 0)
            .then_some(self.name)
    }
}

#[cfg(not(unix))]
struct Signal;

#[cfg(not(unix))]
impl Signal {
    fn all(_: &Poll) -> io::Result<Vec<Self>> {
        Ok(Vec::new())
    }

    fn received(&mut self) -> Option<&'static str> {
        None
    }
}
