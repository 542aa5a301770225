//! `ringside bridge` beside a real `redis-server`: who may come in, what may pass, how much of it; and a whole page
//! without a browser, whose node becomes a replica of the real server, loses the link and comes back.

#[path = "redis/client.rs"]
#[allow(dead_code)]
mod client;
#[path = "redis/process.rs"]
#[allow(dead_code)]
mod process;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use process::{Server, eventually, ours, real};
use ringside::native::bridge::{BRIDGES_MAX, MESSAGE_MAX, Reason, WINDOW};
use ringside::node::config::Config;
use ringside::player::Player;
use ringside::sim::{Action, Options, Outside, PASSWORD};
use ringside::time::Instant;
use ringside::wire::resp;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tungstenite::http::Request;
use tungstenite::{Error, Message, WebSocket};

/// The bridge as a process, on a port that the system has chosen.
struct Bridge {
    process: Child,
    address: SocketAddr,
    token: String,
}

impl Drop for Bridge {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

type Socket = WebSocket<TcpStream>;

impl Bridge {
    fn to(redis: &str) -> Self {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/www");
        let mut process = Command::new(env!("CARGO_BIN_EXE_ringside"))
            .args([
                "bridge",
                "--listen",
                "127.0.0.1:0",
                "--redis",
                redis,
                "--page",
                page,
            ])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the bridge can be started");
        let out = process.stdout.take().expect("it was asked for");
        let mut first = String::new();
        BufReader::new(out)
            .read_line(&mut first)
            .expect("it says where it is");
        let rest = first
            .trim()
            .strip_prefix("Open http://")
            .expect("an address");
        let (address, token) = rest.split_once("/?bridge=").expect("a token");
        Self {
            process,
            address: address.parse().expect("an address"),
            token: token.into(),
        }
    }

    fn beside(server: &Server) -> Self {
        Self::to(&format!("127.0.0.1:{}", server.port))
    }

    /// A request as a browser writes it, with what is wrong with it.
    fn upgrade(&self, origin: &str, host: &str, token: &str) -> Result<Socket, String> {
        let stream = TcpStream::connect(self.address).expect("the bridge listens");
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("a time");
        let request = Request::builder()
            .uri(format!("ws://{}/bridge", self.address))
            .header("Host", host)
            .header("Origin", origin)
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header(
                "Sec-WebSocket-Protocol",
                format!("ringside-bridge-1, token.{token}"),
            )
            .body(())
            .expect("a request");
        match tungstenite::client::client(request, stream) {
            Ok((socket, _)) => Ok(socket),
            Err(error) => Err(error.to_string()),
        }
    }

    fn socket(&self) -> Socket {
        let host = self.address.to_string();
        let own = format!("http://{host}");
        self.upgrade(&own, &host, &self.token)
            .expect("it lets us in")
    }

    /// What a plain request is answered.
    fn get(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).expect("the bridge listens");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("it answers");
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// The code and the sentence with which a connection ends; what comes before is read and dropped.
#[track_caller]
fn end(socket: &mut Socket) -> (u16, String) {
    loop {
        match socket.read() {
            Ok(Message::Close(Some(frame))) => {
                return (frame.code.into(), frame.reason.to_string());
            }
            Ok(_) => {}
            Err(error) => panic!("no close frame came: {error}"),
        }
    }
}

fn say(socket: &mut Socket, args: &[&str]) {
    socket
        .send(Message::binary(resp::command(args)))
        .expect("it is sent");
}

/// The next bytes from the real server.
fn bytes(socket: &mut Socket) -> Vec<u8> {
    loop {
        if let Message::Binary(bytes) = socket.read().expect("something comes") {
            return bytes.to_vec();
        }
    }
}

#[test]
fn only_its_own_page_with_its_token_comes_in() {
    let server = real(&[]);
    let bridge = Bridge::beside(&server);
    let host = bridge.address.to_string();
    let own = format!("http://{host}");
    for origin in [
        "",
        "null",
        "http://evil.example",
        "https://",
        &own[..own.len() - 1],
        &format!("{own}.evil.example"),
    ] {
        let error = bridge
            .upgrade(origin, &host, &bridge.token)
            .expect_err(origin);
        assert!(error.contains("403"), "{origin}: {error}");
    }
    // A name that somebody else lets point to this machine.
    let evil = format!("evil.example:{}", bridge.address.port());
    let error = bridge
        .upgrade(&format!("http://{evil}"), &evil, &bridge.token)
        .expect_err("rebound");
    assert!(error.contains("421"), "{error}");
    let local = format!("localhost:{}", bridge.address.port());
    assert!(
        bridge
            .upgrade(&format!("http://{local}"), &local, &bridge.token)
            .is_ok()
    );
    for token in ["", "x", &bridge.token[1..], &"0".repeat(32)] {
        let mut socket = bridge.upgrade(&own, &host, token).expect("it is told why");
        let (code, why) = end(&mut socket);
        assert_eq!(code, Reason::TOKEN, "{why}");
        assert!(why.contains("printed"), "{why}");
    }
    assert!(
        !server
            .client()
            .text("INFO stats")
            .contains("rejected_connections:1")
    );
    let seen = server.client().text("INFO stats");
    assert!(seen.contains("sync_full:0"), "nobody came through");
}

#[test]
fn what_is_no_word_of_a_replica_ends_the_connection_and_reaches_nobody() {
    let server = real(&[]);
    let bridge = Bridge::beside(&server);
    server.client().ok("SET k v");
    for args in [
        &["SET", "k", "w"][..],
        &["FLUSHALL"],
        &["CONFIG", "SET", "dir", "/tmp"],
        &["PSYNC", "?", "-1", "FAILOVER"],
        &["REPLCONF", "GETACK", "*"],
    ] {
        let mut socket = bridge.socket();
        say(&mut socket, &["PING"]);
        assert_eq!(bytes(&mut socket), b"+PONG\r\n");
        say(&mut socket, args);
        let (code, why) = end(&mut socket);
        assert_eq!(code, Reason::REFUSED);
        assert!(why.starts_with(&format!("refused: '{}'", args[0])), "{why}");
    }
    let mut socket = bridge.socket();
    socket
        .send(Message::binary(&b"FLUSHALL\r\n"[..]))
        .expect("it is sent");
    assert_eq!(end(&mut socket).0, Reason::REFUSED);
    let mut socket = bridge.socket();
    socket
        .send(Message::text("open the door"))
        .expect("it is sent");
    assert_eq!(end(&mut socket).0, Reason::REFUSED);
    assert_eq!(server.client().text("GET k"), "v");
    let seen = server.client().text("INFO commandstats");
    for name in ["flushall", "config|set", "replconf", "psync"] {
        assert!(
            !seen.contains(&format!("cmdstat_{name}:")),
            "{name} came through:\n{seen}"
        );
    }
}

#[test]
fn messages_and_connections_are_limited() {
    let server = real(&[]);
    let bridge = Bridge::beside(&server);
    let mut socket = bridge.socket();
    socket
        .send(Message::binary(vec![b'\n'; MESSAGE_MAX + 1]))
        .expect("it is sent");
    let (code, why) = end(&mut socket);
    assert_eq!(code, 1009, "{why}");
    // Half a command that never ends.
    let mut socket = bridge.socket();
    let half = [&b"*3\r\n$4\r\nAUTH\r\n$1000\r\n"[..], &[b'x'; 999]].concat();
    socket.send(Message::binary(half)).expect("it is sent");
    socket
        .send(Message::binary(vec![b'x'; 6000]))
        .expect("it is sent");
    assert_eq!(end(&mut socket).0, Reason::REFUSED);
    let mut all: Vec<Socket> = Vec::new();
    eventually("the earlier ones are gone", || {
        all.clear();
        for _ in 0..BRIDGES_MAX {
            let mut socket = bridge.socket();
            if !matches!(socket.read(), Ok(Message::Text(_))) {
                return false;
            }
            all.push(socket);
        }
        true
    });
    let (code, why) = end(&mut bridge.socket());
    assert_eq!(code, Reason::TOO_MANY, "{why}");
    all.pop();
    eventually("there is room again", || {
        matches!(bridge.socket().read(), Ok(Message::Text(_)))
    });
    // A head without an end.
    let mut stream = TcpStream::connect(bridge.address).expect("it listens");
    let _ = stream.write_all(&[b'x'; 10_000]);
    let mut rest = Vec::new();
    let end = stream.read_to_end(&mut rest);
    assert!(end.is_ok() || end.is_err_and(|e| e.kind() == ErrorKind::ConnectionReset));
    assert!(rest.is_empty());
}

#[test]
fn the_end_of_the_real_server_is_told() {
    let port = process::free_port();
    let bridge = Bridge::to(&format!("127.0.0.1:{port}"));
    let (code, why) = end(&mut bridge.socket());
    assert_eq!(code, Reason::NO_SERVER);
    assert!(
        why.starts_with(&format!("127.0.0.1:{port}: Connection refused")),
        "{why}"
    );
    let mut server = real(&[]);
    let bridge = Bridge::beside(&server);
    let mut socket = bridge.socket();
    say(&mut socket, &["PING"]);
    assert_eq!(bytes(&mut socket), b"+PONG\r\n");
    server.signal("KILL");
    server.ended();
    assert_eq!(end(&mut socket).0, Reason::SERVER_CLOSED);
}

/// Kilobytes of memory that a process has.
fn resident_kb(process: &Child) -> u64 {
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap_or_default();
    let line = status
        .lines()
        .find_map(|l| l.strip_prefix("VmRSS:"))
        .unwrap_or_default();
    line.split_whitespace()
        .next()
        .and_then(|n| n.parse().ok())
        .unwrap_or(0)
}

#[test]
fn a_page_that_takes_nothing_gets_no_more_than_a_window() {
    let server = real(&[
        "--repl-diskless-sync",
        "no",
        "--client-output-buffer-limit",
        "replica 0 0 0",
    ]);
    let bridge = Bridge::beside(&server);
    let mut socket = bridge.socket();
    let mut said = 0;
    for args in [&["PING"][..], &["REPLCONF", "capa", "psync2"]] {
        say(&mut socket, args);
        said += bytes(&mut socket).len();
    }
    say(&mut socket, &["PSYNC", "?", "-1"]);
    let brief = |socket: &Socket, ms| {
        let time = Some(Duration::from_millis(ms));
        socket.get_ref().set_read_timeout(time).expect("a time");
    };
    // A window and no byte more, however long one waits.
    let window = |socket: &mut Socket, mut got: usize| {
        brief(socket, 20_000);
        while got < WINDOW {
            if let Message::Binary(bytes) = socket.read().expect("more of the window comes") {
                got += bytes.len();
            }
        }
        assert_eq!(got, WINDOW);
        brief(socket, 500);
        let more = socket.read();
        assert!(matches!(&more, Err(Error::Io(_))), "{more:?}");
    };
    let before = resident_kb(&bridge.process);
    let mut client = server.client();
    for _ in 0..16 {
        client.command(&[&b"SET"[..], b"k", &[b'x'; 1 << 20]]);
    }
    window(&mut socket, said);
    let grown = resident_kb(&bridge.process).saturating_sub(before);
    assert!(
        grown < 4096,
        "16 MB were written, and the bridge has grown by {grown} kB"
    );
    // Everything of it is done with: another window comes. More than was sent cannot be done with.
    socket
        .send(Message::text(format!("took {}", 10 * WINDOW)))
        .expect("it is sent");
    window(&mut socket, 0);
}

#[test]
fn the_page_is_served_with_one_door() {
    let server = real(&[]);
    let bridge = Bridge::beside(&server);
    let host = bridge.address.to_string();
    let get = |path: &str| bridge.get(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    let boot = get("/boot.js?v=1");
    assert!(
        boot.starts_with("HTTP/1.1 200 OK") && boot.contains("text/javascript"),
        "{boot:.300}"
    );
    assert!(boot.contains("frame-ancestors 'none'") && boot.contains("nosniff"));
    assert!(get("/").contains("--page DIR"), "there is no page in www");
    assert!(get("/../Cargo.toml").starts_with("HTTP/1.1 404"));
    assert!(
        get("/bridge").starts_with("HTTP/1.1 403"),
        "a page without an origin"
    );
    let other = bridge.get("GET /boot.js HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    assert!(other.starts_with("HTTP/1.1 421"), "{other}");
    let post = bridge.get(&format!("POST / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    assert!(post.starts_with("HTTP/1.1 405"), "{post}");
}

#[test]
fn it_says_what_is_wrong_with_its_options() {
    let run = |args: &[&str]| {
        let out = Command::new(env!("CARGO_BIN_EXE_ringside"))
            .arg("bridge")
            .args(args)
            .output()
            .expect("it runs");
        assert!(!out.status.success());
        String::from_utf8_lossy(&out.stderr).into_owned()
    };
    assert!(run(&["--listen", "0.0.0.0:0"]).contains("every network"));
    assert!(run(&["--listen"]).contains("--listen wants HOST:PORT"));
    assert!(run(&["--tls"]).contains("knows no option '--tls'"));
    assert!(run(&["--redis", "nowhere"]).contains("--redis nowhere"));
}

// --- a page without a browser ----------------------------------------------------------------------------------------

/// What `www/bridge.js` does, in Rust: a player, and a socket for each connection that it wants.
struct Page<'a> {
    bridge: &'a Bridge,
    player: Player,
    sockets: BTreeMap<String, Socket>,
    password: &'static str,
}

impl<'a> Page<'a> {
    fn open(bridge: &'a Bridge, port: u16, password: &'static str) -> Self {
        let player = Player::with(Options {
            replicas: 0,
            latency_us: 10_000,
            backlog_size: 16_384,
            outside: Some(Outside {
                host: "127.0.0.1".into(),
                port,
                auth: (!password.is_empty()).then(String::new),
                begin: Instant::WORLD,
            }),
            ..Options::default()
        });
        Self {
            bridge,
            player,
            sockets: BTreeMap::new(),
            password,
        }
    }

    /// Lets 10 ms pass, inside and outside.
    fn live(&mut self) {
        self.player.advance(10_000);
        let wants = self.player.wants().expect("a server is outside");
        for line in wants.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["send", key, bytes] => {
                    if let Some(socket) = self.sockets.get_mut(key) {
                        let bytes = STANDARD.decode(bytes).expect("base64");
                        let bytes = with_password(&bytes, self.password);
                        socket.send(Message::binary(bytes)).expect("it is sent");
                    }
                }
                ["took", key, n] => {
                    if let Some(socket) = self.sockets.get_mut(key) {
                        socket
                            .send(Message::text(format!("took {n}")))
                            .expect("it is sent");
                    }
                }
                _ => self.conns(&words[1..]),
            }
        }
        let mut heard = Vec::new();
        self.sockets.retain(|key, socket| {
            loop {
                match socket.read() {
                    Ok(Message::Text(_)) => heard.push(format!("{key} opened")),
                    Ok(Message::Binary(bytes)) => {
                        heard.push(format!("{key} bytes {}", STANDARD.encode(&bytes)));
                    }
                    Ok(Message::Close(frame)) => {
                        let code = frame.map_or(0, |f| u16::from(f.code));
                        let what = if code == Reason::NO_SERVER {
                            "refused"
                        } else {
                            "closed"
                        };
                        heard.push(format!("{key} {what}"));
                        return false;
                    }
                    Ok(_) => {}
                    Err(Error::Io(e))
                        if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                    {
                        return true;
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        });
        for line in heard {
            self.player.hear(&line);
        }
    }

    fn conns(&mut self, conns: &[&str]) {
        self.sockets.retain(|key, socket| {
            let stays = conns.iter().any(|c| c.trim_start_matches('?') == key);
            if !stays {
                let _ = socket.close(None);
            }
            stays
        });
        for conn in conns {
            match conn.strip_prefix('?') {
                Some(key) if !self.sockets.contains_key(key) => {
                    let socket = self.bridge.socket();
                    let brief = Some(Duration::from_millis(2));
                    socket.get_ref().set_read_timeout(brief).expect("a time");
                    self.sockets.insert(key.into(), socket);
                }
                None if !self.sockets.contains_key(*conn) => {
                    self.player.hear(&format!("{conn} closed"));
                }
                _ => {}
            }
        }
    }

    fn until(&mut self, what: &str, mut done: impl FnMut(&mut Player) -> bool) {
        eventually(what, || {
            self.live();
            done(&mut self.player)
        });
    }

    fn history(&self) -> (String, u64) {
        let h = self.player.world().node("r1").expect("it runs").history();
        (h.replid.clone(), h.offset)
    }

    /// Waits until the page and the server say the same of themselves.
    fn agree(&mut self, server: &Server) {
        let mut client = server.client();
        let (mut ids, mut offsets) = ((String::new(), String::new()), (0, 0));
        self.until("id and offset are those of INFO replication", |player| {
            let h = player.world().node("r1").expect("it runs").history();
            let text = client.text("INFO replication");
            let field = |name: &str| {
                let line = text
                    .lines()
                    .find_map(|l| l.strip_prefix(name)?.strip_prefix(':'));
                line.unwrap_or_default().trim().to_string()
            };
            ids = (h.replid.clone(), field("master_replid"));
            offsets = (
                h.offset,
                field("master_repl_offset").parse().unwrap_or(u64::MAX),
            );
            ids.0 == ids.1 && offsets.0 == offsets.1
        });
    }

    fn act(&mut self, line: &str) {
        self.player.perform(Action::parse(line).expect("an action"));
    }
}

/// The password takes the place of its stand-in, on its way out and nowhere else.
fn with_password(bytes: &[u8], password: &str) -> Vec<u8> {
    let stand_in = resp::command(&[PASSWORD])[4..].to_vec();
    match bytes.windows(stand_in.len()).position(|w| w == stand_in) {
        Some(at) => {
            let own = resp::command(&[password])[4..].to_vec();
            [&bytes[..at], &own, &bytes[at + stand_in.len()..]].concat()
        }
        None => bytes.to_vec(),
    }
}

/// A full synchronization, the stream, links killed from either side: the real server is the witness.
fn follows(server: &Server, password: &'static str) {
    let mut client = server.client();
    if !password.is_empty() {
        client.ok(&format!("AUTH {password}"));
    }
    for i in 0..200 {
        client.ok(&format!("SET key:{i} value-{i}"));
    }
    client.run("RPUSH list a b c");
    client.ok("SET brief v EX 1000");
    let bridge = Bridge::beside(server);
    let mut page = Page::open(&bridge, server.port, password);
    page.until("it is online", |p| {
        p.world()
            .node("r1")
            .is_some_and(|n| n.upstream().is_some_and(|u| u.connected()))
    });
    client.ok("SET city Oslo");
    if password.is_empty() {
        page.agree(server);
        let digest = client.text("DEBUG DIGEST");
        let own = page
            .player
            .world()
            .node("r1")
            .expect("it runs")
            .keyspace()
            .digest();
        let own: String = own.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(own, digest);
    }
    let stat = |client: &mut client::Client, name: &str| client.stat(name);
    assert_eq!(
        (
            stat(&mut client, "sync_full"),
            stat(&mut client, "sync_partial_ok")
        ),
        (1, 0)
    );

    // From the server's side.
    assert_eq!(client.number("CLIENT KILL TYPE replica"), 1);
    client.ok("SET while away");
    page.until("the server has taken it back", |_| {
        stat(&mut client, "sync_partial_ok") == 1
    });
    // From the page's side: a cut path, and time to miss something.
    page.act("cut real r1");
    page.until("the server has lost it", |_| {
        client
            .text("INFO replication")
            .contains("connected_slaves:0")
    });
    client.ok("SET while cut");
    page.act("restore real r1");
    page.until("the server has taken it back again", |_| {
        stat(&mut client, "sync_partial_ok") == 2
    });
    let seen = |player: &mut Player| {
        let keys = &player.snapshot().nodes[1].keys;
        keys.iter()
            .any(|k| k.name == "while" && k.value == "\"cut\"")
    };
    page.until("what was missed is there", seen);
    assert_eq!(stat(&mut client, "sync_full"), 1);
    let (_, offset) = page.history();
    assert!(offset > 0);

    // What was seen is on the tape, without the password, and plays again.
    let (end, trace) = (page.player.position().end, page.player.world().trace());
    page.player.seek(end / 2);
    page.player.seek(end);
    assert_eq!(page.player.world().trace(), trace);
    if !password.is_empty() {
        let all: String = page
            .player
            .deeds()
            .iter()
            .map(|d| d.action.to_string())
            .collect();
        let wire = page.player.snapshot();
        let in_wire = wire.wire.iter().any(|p| {
            p.bytes
                .windows(password.len())
                .any(|w| w == password.as_bytes())
        });
        assert!(!all.contains(password) && !in_wire);
    }
    assert!(
        page.player.link("").is_err(),
        "no link holds a real server's bytes"
    );
}

#[test]
fn a_node_of_the_page_follows_a_real_server() {
    follows(&real(&["--repl-diskless-sync", "no"]), "");
}

#[test]
fn a_snapshot_without_a_length_comes_through() {
    follows(&real(&["--repl-diskless-sync", "yes"]), "");
}

#[test]
fn a_password_goes_out_and_is_kept_nowhere() {
    follows(
        &real(&["--requirepass", "s3cret-of-the-server"]),
        "s3cret-of-the-server",
    );
}

#[test]
fn our_own_server_is_a_real_one_too() {
    assert_eq!(Config::default().port, 6379);
    follows(&ours(&[]), "");
}

// --- two texts ---------------------------------------------------------------------------------------------------------

/// `ringside verdict` on what two real servers say of themselves while their link is down, and then what they do.
#[test]
fn two_texts_of_real_servers_say_what_they_will_do() {
    for (writes, partial) in [(3, true), (400, false)] {
        let master = real(&["--repl-backlog-size", "16384", "--repl-diskless-sync", "no"]);
        let replica = real(&[]);
        let (mut m, mut r) = (master.client(), replica.client());
        r.ok(&format!("REPLICAOF 127.0.0.1 {}", master.port));
        eventually("the link is up", || r.linked());
        m.ok("SET a b");
        eventually("it has it", || r.offset() == m.offset());
        // The replica cannot come back: it has another password. (Without one it would ask by SYNC after each refusal, and
        // might do so in the moment in which it is let in.)
        r.ok("CONFIG SET masterauth old");
        m.ok("CONFIG SET requirepass new");
        assert_eq!(m.number("CLIENT KILL TYPE replica"), 1);
        eventually("the link is down", || !r.linked());
        let value = "x".repeat(100);
        for i in 0..writes {
            m.ok(&format!("SET key:{i} {value}"));
        }
        let dir = process::Dir::new();
        let file = |name: &str, text: String| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).expect("a file can be written");
            path
        };
        let files = [
            file("m.txt", m.text("INFO replication")),
            file("r.txt", r.text("INFO replication")),
        ];
        let run = |files: [&std::path::PathBuf; 2]| {
            let out = Command::new(env!("CARGO_BIN_EXE_ringside"))
                .arg("verdict")
                .args(files)
                .output();
            let out = out.expect("it runs");
            let text = [out.stdout, out.stderr].concat();
            (
                out.status.success(),
                String::from_utf8_lossy(&text).into_owned(),
            )
        };
        let (done, said) = run([&files[0], &files[1]]);
        assert!(done, "{said}");
        let answer = if partial { "+CONTINUE" } else { "+FULLRESYNC" };
        assert!(said.starts_with(&format!("answer     {answer}")), "{said}");
        let log = said.lines().find_map(|l| l.strip_prefix("log        "));
        let log = log.expect("a line of the log");
        let (done, swapped) = run([&files[1], &files[0]]);
        assert!(!done && swapped.contains("swapped"), "{swapped}");
        // And so it comes.
        r.ok("CONFIG SET masterauth new");
        let (before, behind) = log.split_once("<replica>").expect("a name");
        eventually("the master logs what was said", || {
            let text = master.log();
            let mut lines = text.lines();
            lines.any(|l| l.contains(before) && l.ends_with(behind))
        });
        eventually("the link is up again", || r.linked());
        assert_eq!(m.stat("sync_partial_ok"), u64::from(partial));
    }
}
