//! The real world of a comparison: `redis-server` processes in a directory of their own, which end with the value.

use super::path::{Path as Wire, Told, Way};
use super::{NO_PINGS, Seen, State, dead};
use crate::script::{Line, Verb};
use crate::sim::{Action, Options, action};
use crate::wire::Bytes;
use crate::wire::resp::{self, Reply};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What `until` can wait for in a real world.
pub const PHASES: &[&str] = &[
    "master",
    "dead",
    "cut",
    "down",
    "waits-for-snapshot",
    "transfer",
    "online",
];

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

type Done<T = ()> = Result<T, String>;

pub struct Real {
    server: PathBuf,
    dir: PathBuf,
    options: Options,
    nodes: Vec<Node>,
    /// From the node that dials to the node that listens.
    wires: BTreeMap<(usize, usize), Wire>,
    seen: Seen,
}

struct Node {
    name: String,
    /// As the script knows it.
    virtual_port: u16,
    port: u16,
    process: Option<Child>,
    console: Option<Client>,
    /// Looks at the node without being in anybody's way.
    watcher: Option<Client>,
    /// `CONFIG SET`s, which outlive the process as in the simulated world.
    set: Vec<String>,
    master: Option<usize>,
    /// Commands whose replies are still to come.
    owed: usize,
}

impl Real {
    /// No process yet: the first line that needs the world starts it.
    pub fn new(server: &Path) -> Done<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "ringside-check-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let dir = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        Ok(Self {
            server: server.into(),
            dir,
            options: Options::default(),
            nodes: Vec::new(),
            wires: BTreeMap::new(),
            seen: Seen::default(),
        })
    }

    /// Does what a line says; `at_once` replies of a command come before it goes on.
    pub fn line(&mut self, line: &Line, at_once: usize) -> Done {
        match &line.verb {
            Verb::Cluster(options) => {
                self.clear();
                self.options = options.clone();
                return Ok(());
            }
            Verb::Key(name, value) => {
                self.options.keys.push((name.clone(), value.clone()));
                return Ok(());
            }
            Verb::Prose | Verb::Mark(_) | Verb::Judge => return Ok(()),
            _ if self.nodes.is_empty() => self.begin()?,
            _ => {}
        }
        match &line.verb {
            Verb::Act(_) if line.fails => Ok(()), // the world says no before anything happens
            Verb::Act(Action::Exec { node, args }) => self.command(node, args, at_once),
            Verb::Act(action) => self.act(&action.to_string()),
            Verb::Run(us) => {
                sleep(Duration::from_micros(*us));
                Ok(())
            }
            Verb::Settle => {
                self.settle()?;
                let states = (0..self.nodes.len())
                    .map(|i| self.state(i))
                    .collect::<Done<Vec<_>>>()?;
                self.seen.states.push((line.number, states));
                Ok(())
            }
            Verb::Until { node, phase } => self.until(node, phase),
            _ => Ok(()),
        }
    }

    /// Waits for what is still to come; what was seen.
    pub fn end(mut self) -> Seen {
        for i in 0..self.nodes.len() {
            let _ = self.collect(i, 0, Duration::from_secs(3)); // what does not come is missing in the comparison
        }
        std::mem::take(&mut self.seen)
    }

    fn clear(&mut self) {
        for node in &mut self.nodes {
            node.kill();
        }
        self.nodes.clear();
        self.wires.clear();
        self.seen = Seen::default();
    }

    fn begin(&mut self) -> Done {
        self.add("m", None)?;
        for (name, value) in self.options.keys.clone() {
            self.nodes[0].ask(&["SET", &name, &value])?;
        }
        for i in 1..=self.options.replicas {
            self.add(&format!("r{i}"), Some(0))?;
        }
        self.settle()
    }

    fn add(&mut self, name: &str, master: Option<usize>) -> Done {
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(|e| e.to_string())?;
        let port = listener.local_addr().map_err(|e| e.to_string())?.port();
        drop(listener);
        self.nodes.push(Node {
            name: name.into(),
            virtual_port: 6379 + self.nodes.len() as u16,
            port,
            process: None,
            console: None,
            watcher: None,
            set: Vec::new(),
            master,
            owed: 0,
        });
        self.start(self.nodes.len() - 1)
    }

    fn start(&mut self, i: usize) -> Done {
        let master = match self.nodes[i].master {
            Some(master) => Some(self.wire(i, master)?.port),
            None => None,
        };
        let dir = self.dir.join(&self.nodes[i].name);
        std::fs::create_dir_all(&dir).map_err(|e| e.to_string())?;
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(dir.join("log"));
        let mut command = Command::new(&self.server);
        let ring = self
            .options
            .backlog_size
            .max(super::BACKLOG_MIN)
            .to_string();
        command.args([
            "--port",
            &self.nodes[i].port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
        ]);
        command.args([
            "--repl-diskless-sync",
            "no",
            "--repl-diskless-sync-delay",
            "0",
        ]);
        command.args([
            "--repl-backlog-size",
            &ring,
            "--enable-debug-command",
            "yes",
        ]);
        command
            .args([&format!("--{}", NO_PINGS[2]), NO_PINGS[3]])
            .arg("--dir")
            .arg(&dir);
        for pair in self.nodes[i].set.chunks(2) {
            command.args([&format!("--{}", pair[0]), &pair[1]]);
        }
        if let Some(port) = master {
            command.args(["--replicaof", &format!("127.0.0.1 {port}")]);
        }
        command
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .stdout(log.map_err(|e| e.to_string())?);
        let process = command
            .spawn()
            .map_err(|e| format!("{} cannot be run: {e}", self.server.display()))?;
        let node = &mut self.nodes[i];
        node.process = Some(process);
        let begin = Instant::now();
        loop {
            if let Some(mut client) = Client::connect(node.port)
                && client.ask(&["PING"]).is_ok()
            {
                node.watcher = Some(client);
                node.console = Client::connect(node.port);
                return Ok(());
            }
            if begin.elapsed() > PATIENCE {
                return Err(format!("redis-server for {} does not answer", node.name));
            }
            sleep(Duration::from_millis(10));
        }
    }

    fn index(&self, name: &str) -> Done<usize> {
        let found = self.nodes.iter().position(|n| n.name == name);
        found.ok_or_else(|| format!("there is no node '{name}'"))
    }

    fn wire(&mut self, from: usize, to: usize) -> Done<&Wire> {
        let delay = Duration::from_micros(self.options.latency_us);
        if !self.wires.contains_key(&(from, to)) {
            let wire = Wire::new(self.nodes[to].port, delay).map_err(|e| e.to_string())?;
            self.wires.insert((from, to), wire);
        }
        Ok(&self.wires[&(from, to)])
    }

    // --- lines -------------------------------------------------------------------------------------------------------

    fn act(&mut self, line: &str) -> Done {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["cut", a, b, rest @ ..] => {
                let (a, b) = (self.index(a)?, self.index(b)?);
                self.cut(a, b, rest)?;
            }
            ["restore", a, b] => {
                let (a, b) = (self.index(a)?, self.index(b)?);
                for (from, to) in [(a, b), (b, a)] {
                    self.wire(from, to)?.restore();
                }
            }
            [
                verb @ ("stall" | "segment" | "bandwidth"),
                a,
                "->",
                b,
                rest @ ..,
            ] => {
                let (a, b) = (self.index(a)?, self.index(b)?);
                self.flow(verb, a, b, rest.first().unwrap_or(&"0"))?;
            }
            [verb @ ("stall" | "segment" | "bandwidth"), a, b, rest @ ..] => {
                let (a, b) = (self.index(a)?, self.index(b)?);
                self.flow(verb, a, b, rest.first().unwrap_or(&"0"))?;
                self.flow(verb, b, a, rest.first().unwrap_or(&"0"))?;
            }
            ["partition", names @ ..] => {
                let one_way = names.contains(&"->");
                let mut sides = names.split(|w| *w == "->" || *w == "|");
                let (left, right) = (sides.next().unwrap_or(&[]), sides.next().unwrap_or(&[]));
                for (a, b) in left.iter().flat_map(|a| right.iter().map(move |b| (a, b))) {
                    let (a, b) = (self.index(a)?, self.index(b)?);
                    self.flow("stall", a, b, "0")?;
                    if !one_way {
                        self.flow("stall", b, a, "0")?;
                    }
                }
            }
            ["slow", node, factor] => {
                // The child of a node this slow takes about 80 ms for each of its few keys.
                let us = factor
                    .parse::<u64>()
                    .map_or(0, |n| if n == 1 { 0 } else { n * 80_000 });
                let i = self.index(node)?;
                self.nodes[i].ask(&["CONFIG", "SET", "rdb-key-save-delay", &us.to_string()])?;
            }
            ["heal"] => self.wires.values().for_each(Wire::restore),
            ["kill", node] => {
                let i = self.index(node)?;
                self.nodes[i].kill();
            }
            ["start", node, rest @ ..] => {
                let i = self.index(node)?;
                if rest == ["empty"] {
                    let _ = std::fs::remove_file(self.dir.join(node).join("dump.rdb")); // there may be none
                }
                self.start(i)?;
            }
            ["pause", node] => self.signal(node, "STOP")?,
            ["resume", node] => self.signal(node, "CONT")?,
            ["add", rest @ ..] => {
                let (name, of) = match rest {
                    [name, _, of] => ((*name).to_string(), of),
                    [_, of] => (self.free_name(), of),
                    _ => return Err(format!("'{line}' is not understood")),
                };
                let of = self.index(of)?;
                self.add(&name, Some(of))?;
            }
            _ => return Err(format!("'{line}' has no counterpart among real processes")),
        }
        Ok(())
    }

    /// `cut a b`, with what follows: who is told, or after how many bytes.
    fn cut(&mut self, a: usize, b: usize, rest: &[&str]) -> Done {
        for (from, to) in [(a, b), (b, a)] {
            let told = match rest {
                ["told", "none"] => Told::Nobody,
                ["told", node] if self.index(node)? == from => Told::Dialler,
                ["told", _] => Told::Target,
                _ => Told::Both,
            };
            // Bytes count from `a` to `b`, whoever dialled.
            let way = if from == a { Way::Up } else { Way::Down };
            let wire = self.wire(from, to)?;
            match rest {
                ["after", bytes] => wire.cut_after(
                    way,
                    bytes
                        .parse()
                        .map_err(|_| "a number of bytes was expected")?,
                ),
                _ => wire.cut(told),
            }
        }
        Ok(())
    }

    /// Something that holds from one node to another, on the connections that either of them dialled.
    fn flow(&mut self, verb: &str, a: usize, b: usize, amount: &str) -> Done {
        let amount = action::size(amount).map_err(|e| e.0)?;
        for (from, to, way) in [(a, b, Way::Up), (b, a, Way::Down)] {
            let wire = self.wire(from, to)?;
            match verb {
                "stall" => wire.stall(way),
                "segment" => wire.segment(way, amount),
                _ => wire.bandwidth(way, amount),
            }
        }
        Ok(())
    }

    fn free_name(&self) -> String {
        let taken = |name: &String| self.nodes.iter().any(|n| n.name == *name);
        let mut names = (1..).map(|i| format!("r{i}"));
        names.find(|name| !taken(name)).unwrap_or_default()
    }

    fn signal(&mut self, node: &str, signal: &str) -> Done {
        let i = self.index(node)?;
        let Some(process) = &self.nodes[i].process else {
            return Err(format!("'{node}' is not running"));
        };
        let id = process.id().to_string();
        let sent = Command::new("kill")
            .args([format!("-{signal}"), id])
            .status();
        sent.map_err(|e| e.to_string()).map(|_| ())
    }

    fn command(&mut self, node: &str, args: &[Bytes], at_once: usize) -> Done {
        let i = self.index(node)?;
        let mut args = args.to_vec();
        self.translate(i, &mut args)?;
        let words: Vec<String> = args
            .iter()
            .map(|a| String::from_utf8_lossy(a).into_owned())
            .collect();
        if let [config, set, pairs @ ..] = words.as_slice()
            && config.eq_ignore_ascii_case("config")
            && set.eq_ignore_ascii_case("set")
        {
            self.nodes[i].set.extend(pairs.iter().cloned());
        }
        let node = &mut self.nodes[i];
        let console = node
            .console
            .as_mut()
            .ok_or_else(|| format!("'{}' is not running", node.name))?;
        console.send(&args)?;
        if at_once == 0 {
            node.owed += 1;
            return Ok(());
        }
        self.collect(i, at_once, PATIENCE / 6)
    }

    /// Node names and ports of the script become those of the real world.
    fn translate(&mut self, i: usize, args: &mut [Bytes]) -> Done {
        let lower: Vec<String> = args
            .iter()
            .map(|a| String::from_utf8_lossy(a).to_ascii_lowercase())
            .collect();
        let words: Vec<&str> = lower.iter().map(String::as_str).collect();
        let target = |host: &str, port: &str| {
            let port: u16 = port.parse().unwrap_or(0);
            self.nodes
                .iter()
                .position(|n| n.virtual_port == port || n.name == host)
        };
        match words.as_slice() {
            ["replicaof" | "slaveof", "no", "one"] => self.nodes[i].master = None,
            ["replicaof" | "slaveof", host, port] => {
                if let Some(to) = target(host, port) {
                    let port = self.wire(i, to)?.port;
                    self.nodes[i].master = Some(to);
                    args[1] = Bytes::from(&b"127.0.0.1"[..]);
                    args[2] = Bytes::from(port.to_string().as_bytes());
                }
            }
            ["failover", "to", host, port, ..] => {
                if let Some(to) = target(host, port) {
                    args[3] = Bytes::from(self.nodes[to].port.to_string().as_bytes());
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Reads replies of the console: those that are owed, and `more`.
    fn collect(&mut self, i: usize, more: usize, patience: Duration) -> Done {
        let ports: Vec<(u16, u16)> = self.ports();
        let node = &mut self.nodes[i];
        let Some(console) = &mut node.console else {
            return Ok(());
        };
        let mut wanted = node.owed + more;
        let until = Instant::now() + patience;
        while wanted > 0 {
            let Some(reply) = console.read(until) else {
                break;
            };
            self.seen
                .replies
                .push((node.name.clone(), virtual_ports(reply, &ports)));
            wanted -= 1;
        }
        node.owed = if more > 0 { 0 } else { wanted };
        Ok(())
    }

    /// Real ports, of nodes and of the wires to them, and what the script calls them.
    fn ports(&self) -> Vec<(u16, u16)> {
        let nodes = self.nodes.iter().map(|n| (n.port, n.virtual_port));
        let wires = self
            .wires
            .iter()
            .map(|((_, to), wire)| (wire.port, self.nodes[*to].virtual_port));
        nodes.chain(wires).collect()
    }

    // --- looking -----------------------------------------------------------------------------------------------------

    fn until(&mut self, node: &str, phase: &str) -> Done {
        let i = self.index(node)?;
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            let waits = format!("port={},state=wait_bgsave", self.nodes[i].port);
            let is = match (phase, self.nodes[i].info()) {
                ("dead", info) => info.is_none(),
                (_, None) => false,
                ("master", Some(info)) => info.text("role") == "master",
                ("transfer", Some(info)) => info.number("master_sync_read_bytes") > 0,
                ("online", Some(info)) => info.text("master_link_status") == "up",
                ("waits-for-snapshot", Some(_)) => {
                    let mut masters = self.nodes.iter_mut().filter_map(Node::info);
                    masters.any(|info| info.0.contains(&waits))
                }
                (_, Some(info)) => info.text("master_link_status") == "down",
            };
            if is {
                return Ok(());
            }
            sleep(POLL);
        }
        Err(format!("{node} is not '{phase}' within {PATIENCE:?}"))
    }

    /// Waits until every replica that can be is in step and has said so.
    fn settle(&mut self) -> Done {
        let begin = Instant::now();
        let mut calm = 0;
        while calm < 2 {
            if begin.elapsed() > PATIENCE {
                return Err(format!(
                    "the real world did not come to rest within {PATIENCE:?}"
                ));
            }
            sleep(POLL);
            let infos: Vec<Option<Info>> = self.nodes.iter_mut().map(Node::info).collect();
            calm = if (0..infos.len()).all(|i| self.calm(i, &infos)) {
                calm + 1
            } else {
                0
            };
        }
        for i in 0..self.nodes.len() {
            self.collect(i, 0, POLL)?;
        }
        Ok(())
    }

    fn calm(&self, i: usize, infos: &[Option<Info>]) -> bool {
        let Some(info) = &infos[i] else { return true };
        if info.text("loading") == "1"
            || info.text("rdb_bgsave_in_progress") == "1"
            || info.text("master_failover_state") != "no-failover"
        {
            return false;
        }
        if info.text("role") == "master" {
            return true;
        }
        let port = info.number("master_port") as u16;
        let ports = self.ports();
        let known = ports
            .iter()
            .find(|(real, _)| *real == port)
            .map(|(_, virtual_port)| *virtual_port);
        let Some(up) = self
            .nodes
            .iter()
            .position(|n| Some(n.virtual_port) == known)
        else {
            return true;
        };
        let whole = self.wires.get(&(i, up)).is_none_or(Wire::whole);
        let Some(master) = infos[up].as_ref().filter(|_| whole && up != i) else {
            return true;
        };
        let orphan = master.text("role") == "slave" && master.text("master_link_status") != "up";
        if info.text("master_link_status") != "up" {
            return orphan;
        }
        let offset = master.number("master_repl_offset");
        let mine = format!("port={},", self.nodes[i].port);
        // A connection of which only one side knows that it is broken stands there too.
        let mut attached = master
            .0
            .lines()
            .filter(|l| l.starts_with("slave") && l.contains(&mine));
        attached.any(|l| l.contains(&format!("offset={offset},")) && l.contains("state=online"))
            && info.number("slave_repl_offset") == offset
    }

    fn state(&mut self, i: usize) -> Done<State> {
        let Some(info) = self.nodes[i].info() else {
            return Ok(dead(&self.nodes[i].name));
        };
        let digest = match self.nodes[i].ask(&["DEBUG", "DIGEST"])? {
            Reply::Simple(digest) => digest.into_owned(),
            other => other.pretty(),
        };
        Ok(State {
            node: self.nodes[i].name.clone(),
            role: Some(info.text("role").into()),
            offset: info.number("master_repl_offset"),
            digest,
            sync_full: info.number("sync_full"),
            sync_partial_ok: info.number("sync_partial_ok"),
            sync_partial_err: info.number("sync_partial_err"),
        })
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        self.clear();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

impl Node {
    fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill(); // it may have ended by itself
            let _ = process.wait();
        }
        (self.console, self.watcher, self.owed) = (None, None, 0);
    }

    fn ask(&mut self, args: &[&str]) -> Done<Reply> {
        let name = &self.name;
        let watcher = self
            .watcher
            .as_mut()
            .ok_or_else(|| format!("'{name}' is not running"))?;
        watcher.ask(args)
    }

    /// `INFO`; `None` when the process has ended.
    fn info(&mut self) -> Option<Info> {
        if self
            .process
            .as_mut()?
            .try_wait()
            .is_ok_and(|status| status.is_some())
        {
            self.kill();
            return None;
        }
        match self.ask(&["INFO", "EVERYTHING"]) {
            Ok(Reply::Bulk(text)) => Some(Info(String::from_utf8_lossy(&text).into_owned())),
            _ => Some(Info(String::new())),
        }
    }
}

/// The text of `INFO`.
struct Info(String);

impl Info {
    fn text(&self, field: &str) -> &str {
        let line = self
            .0
            .lines()
            .find_map(|l| l.strip_prefix(field)?.strip_prefix(':'));
        line.unwrap_or("").trim_end()
    }

    fn number(&self, field: &str) -> u64 {
        self.text(field).parse().unwrap_or(0)
    }
}

/// Ports in a reply as the script knows them.
fn virtual_ports(reply: Reply, ports: &[(u16, u16)]) -> Reply {
    let change = |text: &str| {
        let mut text = text.to_string();
        for (real, virtual_port) in ports {
            text = text.replace(&real.to_string(), &virtual_port.to_string());
        }
        text
    };
    match reply {
        Reply::Simple(text) => Reply::Simple(change(&text).into()),
        Reply::Error(text) => Reply::Error(change(&text)),
        Reply::Integer(n) => {
            let port = ports.iter().find(|(real, _)| i64::from(*real) == n);
            Reply::Integer(port.map_or(n, |(_, virtual_port)| i64::from(*virtual_port)))
        }
        Reply::Bulk(bytes) => Reply::Bulk(Bytes::from(
            change(&String::from_utf8_lossy(&bytes)).as_bytes(),
        )),
        Reply::Array(items) => Reply::Array(
            items
                .into_iter()
                .map(|item| virtual_ports(item, ports))
                .collect(),
        ),
        other => other,
    }
}

/// A client that waits.
struct Client {
    stream: TcpStream,
    inbuf: Vec<u8>,
}

impl Client {
    fn connect(port: u16) -> Option<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.set_nodelay(true).ok()?;
        Some(Self {
            stream,
            inbuf: Vec::new(),
        })
    }

    fn send(&mut self, args: &[Bytes]) -> Done {
        self.stream
            .write_all(&resp::command(args))
            .map_err(|e| e.to_string())
    }

    fn ask(&mut self, args: &[&str]) -> Done<Reply> {
        let args: Vec<Bytes> = args.iter().map(|a| Bytes::from(a.as_bytes())).collect();
        self.send(&args)?;
        self.read(Instant::now() + Duration::from_secs(5))
            .ok_or_else(|| "no reply".into())
    }

    /// The next reply; `None` when there is none until then, or never.
    fn read(&mut self, until: Instant) -> Option<Reply> {
        loop {
            if let Ok(Some((reply, len))) = resp::reply(&self.inbuf) {
                self.inbuf.drain(..len);
                return Some(reply);
            }
            let left = until
                .checked_duration_since(Instant::now())
                .filter(|left| !left.is_zero())?;
            self.stream.set_read_timeout(Some(left)).ok()?;
            let mut buffer = [0; 16_384];
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(n) => self.inbuf.extend_from_slice(&buffer[..n]),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
    }
}
