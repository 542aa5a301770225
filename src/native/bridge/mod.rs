//! `ringside bridge`: a door from the page to one real server, and no further. It serves the page itself, so that there
//! is one origin and no mixed content, and one WebSocket beside it (`/bridge`), through which a node of the page is a
//! replica of the real server. Who may come in: a page that the bridge has served itself (`Host` and `Origin`), with
//! the token that was printed at the start. What may pass: see `guard`; how much: see `pipe`.
//!
//! Every connection has a thread of its own: there are few of them, and the event loop of the server has a node in it.
//! WebSocket itself is `tungstenite`: it is well kept, does not come with a runtime, works on any socket (so
//! that a window can be kept in both directions) and limits frames and messages before it has them.

mod guard;
mod http;
mod pipe;

use http::{Answer, Head};
pub use pipe::{MESSAGE_MAX, Reason, WINDOW};
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Connections to the real server at a time, and of all kinds.
pub const BRIDGES_MAX: usize = 8;
const CONNECTIONS_MAX: usize = 64;
/// The subprotocol; the token follows as a second one, so that it is in no address that somebody could log.
const PROTOCOL: &str = "ringside-bridge-1";

/// What the command line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    pub listen: String,
    pub redis: String,
    /// The folder of the built page.
    pub page: PathBuf,
}

impl Options {
    /// Reads `--listen HOST:PORT`, `--redis HOST:PORT` and `--page DIR`.
    ///
    /// # Errors
    /// An option that there is not, or one without its value.
    pub fn parse(args: &[String]) -> Result<Self, String> {
        let mut options = Self {
            listen: "127.0.0.1:6390".into(),
            redis: "127.0.0.1:6379".into(),
            page: "dist".into(),
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = |what: &str| {
                args.next()
                    .cloned()
                    .ok_or_else(|| format!("{arg} wants {what}"))
            };
            match arg.as_str() {
                "--listen" => options.listen = value("HOST:PORT")?,
                "--redis" => options.redis = value("HOST:PORT")?,
                "--page" => options.page = value("a folder")?.into(),
                _ => return Err(format!("bridge knows no option '{arg}'")),
            }
        }
        Ok(options)
    }
}

/// A bridge that listens.
#[derive(Debug)]
pub struct Bridge {
    listener: TcpListener,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    address: SocketAddr,
    target: SocketAddr,
    /// The target as it was given.
    redis: String,
    page: PathBuf,
    token: String,
    bridges: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
}

/// One of so many connections; given back when it is dropped.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(places: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let place = (places.fetch_add(1, Ordering::SeqCst), Self(places.clone()));
        (place.0 < most).then_some(place.1)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Bridge {
    /// Listens. The real server need not be there yet.
    ///
    /// # Errors
    /// An address that is none, is taken, or stands for all networks of the machine.
    pub fn open(options: Options) -> Result<Self, String> {
        let address = |given: &str, what: &str| {
            let found = given
                .to_socket_addrs()
                .map_err(|e| format!("{what} {given}: {e}"))?;
            // Where a name has both, the old kind is what a browser tries as well.
            let mut all: Vec<SocketAddr> = found.collect();
            all.sort_by_key(|a| !a.is_ipv4());
            all.first()
                .copied()
                .ok_or_else(|| format!("{what} {given}: no address"))
        };
        let listen = address(&options.listen, "--listen")?;
        let target = address(&options.redis, "--redis")?;
        if listen.ip().is_unspecified() {
            return Err(format!(
                "--listen {listen} would let every network in: name one address of this machine"
            ));
        }
        let listener = TcpListener::bind(listen).map_err(|e| format!("--listen {listen}: {e}"))?;
        let address = listener.local_addr().map_err(|e| e.to_string())?;
        if address == target {
            return Err("--listen and --redis are the same address".into());
        }
        let shared = Shared {
            address,
            target,
            redis: options.redis,
            page: options.page,
            token: token(),
            bridges: Arc::default(),
            connections: Arc::default(),
        };
        Ok(Self {
            listener,
            shared: Arc::new(shared),
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// What to tell at the start: the address to open, the target, and what is amiss.
    pub fn greeting(&self) -> String {
        let s = &self.shared;
        let mut out = format!(
            "Open http://{}/?bridge={}\n\
             One target: {}. Only a replica's handshake and its acknowledgements pass to it.\n",
            s.address, s.token, s.redis
        );
        if !s.address.ip().is_loopback() {
            out.push_str(
                "Note: this address is not of this machine alone, and nothing is encrypted.\n",
            );
        }
        if !s.page.join("index.html").is_file() {
            out.push_str(&format!(
                "Note: there is no page in {}. Build it (trunk build --release) or name its folder with --page DIR.\n",
                s.page.display()
            ));
        }
        out
    }

    /// Serves for ever.
    pub fn run(&self) -> ! {
        loop {
            let Ok((stream, _)) = self.listener.accept() else {
                // Out of sockets: some will be given back.
                std::thread::sleep(Duration::from_millis(50));
                continue;
            };
            let shared = self.shared.clone();
            let Some(place) = Place::take(&shared.connections, CONNECTIONS_MAX) else {
                continue; // closed without a word: a browser tries again
            };
            std::thread::spawn(move || {
                let _place = place;
                // A browser that goes away in the middle is no news.
                let _ = shared.serve(stream);
            });
        }
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        let head = Head::read(&mut stream)?;
        let answer = match (head.method.as_str(), head.path.as_str()) {
            // Another name that leads here is how a page of somebody else would come in.
            _ if !self.names_us(head.header("host")) => Answer::text(
                "421 Misdirected Request",
                &format!("this bridge answers to http://{} only", self.address),
            ),
            ("GET", "/bridge") => match self.may_upgrade(&head) {
                Ok(accepted) => return self.bridge(stream, &head, &accepted),
                Err(answer) => answer,
            },
            ("GET" | "HEAD", path) => {
                http::file(&self.page, path, head.header("host"), &self.redis)
            }
            _ => Answer::text("405 Method Not Allowed", "GET or HEAD"),
        };
        answer.send(&mut stream, head.method == "HEAD")
    }

    /// Whether a browser that says this means the address on which we listen.
    fn names_us(&self, host: &str) -> bool {
        let port = self.address.port();
        let local = ["127.0.0.1", "localhost", "[::1]"].map(|name| format!("{name}:{port}"));
        host == self.address.to_string()
            || self.address.ip().is_loopback() && local.iter().any(|l| l == host)
    }

    /// The first line and the headers that make the connection a WebSocket, or why it does not become one.
    fn may_upgrade(&self, head: &Head) -> Result<Vec<u8>, Answer> {
        if head.header("origin") != ["http://", head.header("host")].concat() {
            return Err(Answer::text(
                "403 Forbidden",
                "only a page that this bridge has served may use it",
            ));
        }
        let offered = head.header("sec-websocket-protocol");
        if !offered.split(',').any(|p| p.trim() == PROTOCOL) {
            return Err(Answer::text(
                "400 Bad Request",
                &format!("the subprotocol is {PROTOCOL}"),
            ));
        }
        let mut request = tungstenite::http::Request::builder()
            .method("GET")
            .uri("/bridge");
        for (name, value) in head.headers() {
            request = request.header(name, value);
        }
        let request = request
            .body(())
            .map_err(|e| Answer::text("400 Bad Request", &e.to_string()))?;
        let response = tungstenite::handshake::server::create_response(&request);
        let mut response = response.map_err(|e| Answer::text("400 Bad Request", &e.to_string()))?;
        let own = tungstenite::http::HeaderValue::from_static(PROTOCOL);
        response.headers_mut().insert("sec-websocket-protocol", own);
        let mut bytes = Vec::new();
        match tungstenite::handshake::server::write_response(&mut bytes, &response) {
            Ok(()) => Ok(bytes),
            Err(e) => Err(Answer::text("400 Bad Request", &e.to_string())),
        }
    }

    fn bridge(&self, mut stream: TcpStream, head: &Head, accepted: &[u8]) -> io::Result<()> {
        io::Write::write_all(&mut stream, accepted)?;
        // A browser shows no reason of a handshake that fails, but it does show that of a close frame.
        if !self.has_token(head.header("sec-websocket-protocol")) {
            let why = "the token is not that of this bridge: open the address that it printed at its start";
            return pipe::turn_away(stream, Reason::new(Reason::TOKEN, why));
        }
        let Some(_place) = Place::take(&self.bridges, BRIDGES_MAX) else {
            let why = format!("there are {BRIDGES_MAX} connections through this bridge already");
            return pipe::turn_away(stream, Reason::new(Reason::TOO_MANY, why));
        };
        pipe::run(stream, self.target, &self.redis).map(|_| ())
    }

    /// Takes the same time whatever is offered.
    fn has_token(&self, offered: &str) -> bool {
        let mut offered = offered
            .split(',')
            .filter_map(|p| p.trim().strip_prefix("token."));
        let token = offered.next().unwrap_or_default();
        let differs = token
            .bytes()
            .zip(self.token.bytes())
            .fold(0, |sum, (a, b)| sum | (a ^ b));
        token.len() == self.token.len() && differs == 0
    }
}

/// 128 bits that nobody can guess: a keyed hash, whose key is the system's luck.
fn token() -> String {
    let luck = RandomState::new();
    format!("{:016x}{:016x}", luck.hash_one(1), luck.hash_one(2))
}
