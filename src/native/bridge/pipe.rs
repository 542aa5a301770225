//! One connection of the page and the one to the real server that belongs to it, and what passes between them. The
//! page says how much of what came it is done with; no more than a window is on its way to it, and no more than a
//! buffer towards the server, so that neither a slow page nor a slow server makes the bridge grow.
//!
//! Towards the page: first the text `open HOST:PORT`, then the server's bytes as binary messages. From the page: a
//! replica's bytes as binary messages, and the text `took N`. The end is a close frame with a code and a sentence.

use super::guard::Guard;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::{Duration, Instant};
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tungstenite::{Error, Message, WebSocket};

/// Bytes on their way to the page that it has not taken.
pub const WINDOW: usize = 256 * 1024;
/// Bytes of one message to the page.
const PIECE: usize = 16 * 1024;
/// Bytes of one message of the page, and of what waits for the server.
pub const MESSAGE_MAX: usize = 16 * 1024;
const CONNECT: Duration = Duration::from_secs(5);
/// How long the page may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// Why a connection ends, as the close frame says it: those of the application begin at 4000.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(pub u16, pub String);

impl Reason {
    pub const SERVER_CLOSED: u16 = 4000;
    pub const REFUSED: u16 = 4400;
    pub const TOKEN: u16 = 4401;
    pub const TOO_MANY: u16 = 4429;
    pub const NO_SERVER: u16 = 4502;

    pub(super) fn new(code: u16, text: impl Into<String>) -> Self {
        // A close frame has room for 123 bytes.
        let mut text: String = text.into();
        while text.len() > 123 {
            text.pop();
        }
        Self(code, text)
    }
}

const PAGE: Token = Token(0);
const SERVER: Token = Token(1);

/// Both ends, and what is between them.
struct Pipe {
    page: WebSocket<TcpStream>,
    server: TcpStream,
    guard: Guard,
    /// For the server, not written yet.
    out: Vec<u8>,
    /// How much more may be sent to the page.
    window: usize,
    page_readable: bool,
    server_readable: bool,
    /// What was written to the page is with the kernel.
    page_flushed: bool,
}

fn socket(page: std::net::TcpStream) -> io::Result<WebSocket<TcpStream>> {
    page.set_read_timeout(None)?;
    page.set_nonblocking(true)?;
    page.set_nodelay(true)?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_MAX))
        .max_frame_size(Some(MESSAGE_MAX))
        .read_buffer_size(8 * 1024)
        .write_buffer_size(0);
    Ok(WebSocket::from_raw_socket(
        TcpStream::from_std(page),
        Role::Server,
        Some(config),
    ))
}

/// Ends a connection that the bridge takes no further.
pub(super) fn turn_away(page: std::net::TcpStream, reason: Reason) -> io::Result<()> {
    let mut poll = Poll::new()?;
    let mut page = socket(page)?;
    poll.registry().register(
        page.get_mut(),
        PAGE,
        Interest::READABLE | Interest::WRITABLE,
    )?;
    goodbye(&mut page, &mut poll, reason);
    Ok(())
}

/// Bridges until one side ends it; returns why.
///
/// # Errors
/// What the system says of the page's socket.
pub(super) fn run(page: std::net::TcpStream, target: SocketAddr, name: &str) -> io::Result<Reason> {
    let server = std::net::TcpStream::connect_timeout(&target, CONNECT);
    let server = match server {
        Ok(server) => server,
        Err(error) => {
            let reason = Reason::new(Reason::NO_SERVER, format!("{name}: {error}"));
            turn_away(page, reason.clone())?;
            return Ok(reason);
        }
    };
    server.set_nonblocking(true)?;
    server.set_nodelay(true)?;
    let mut poll = Poll::new()?;
    let mut pipe = Pipe {
        page: socket(page)?,
        server: TcpStream::from_std(server),
        guard: Guard::default(),
        out: Vec::new(),
        window: WINDOW,
        page_readable: true,
        server_readable: true,
        page_flushed: true,
    };
    let both = Interest::READABLE | Interest::WRITABLE;
    poll.registry().register(pipe.page.get_mut(), PAGE, both)?;
    poll.registry().register(&mut pipe.server, SERVER, both)?;
    let reason = match pipe.serve(&mut poll, name) {
        Ok(never) => match never {},
        Err(reason) => reason,
    };
    // The server learns of it at once, the page after it has read why.
    drop(pipe.server);
    goodbye(&mut pipe.page, &mut poll, reason.clone());
    Ok(reason)
}

enum Never {}

impl Pipe {
    fn serve(&mut self, poll: &mut Poll, name: &str) -> Result<Never, Reason> {
        let mut events = Events::with_capacity(8);
        self.write_page(Message::text(format!("open {name}")))?;
        loop {
            self.read_page()?;
            self.write_server()?;
            self.read_server()?;
            let system = |error: io::Error| Reason::new(1011, error.to_string());
            match poll.poll(&mut events, None) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                done => done.map_err(system)?,
            }
            for event in &events {
                match event.token() {
                    PAGE => {
                        self.page_readable |= event.is_readable() || event.is_read_closed();
                        self.flush_page()?;
                    }
                    _ => self.server_readable |= event.is_readable() || event.is_read_closed(),
                }
            }
        }
    }

    fn read_page(&mut self) -> Result<(), Reason> {
        while self.page_readable && self.out.len() < MESSAGE_MAX {
            match self.page.read() {
                Ok(Message::Binary(bytes)) => {
                    let passed = self.guard.pass(&bytes, &mut self.out);
                    passed.map_err(|why| Reason::new(Reason::REFUSED, why))?;
                }
                Ok(Message::Text(text)) => {
                    let took = text
                        .strip_prefix("took ")
                        .and_then(|n| n.parse::<usize>().ok());
                    let took = took.ok_or_else(|| {
                        Reason::new(Reason::REFUSED, "refused: a text that is not 'took N'")
                    })?;
                    self.window = self.window.saturating_add(took).min(WINDOW);
                }
                Ok(Message::Close(_)) => return Err(Reason::new(1000, "the page closed it")),
                Ok(_) => {}
                Err(error) if blocks(&error) => self.page_readable = false,
                Err(Error::Capacity(_)) => {
                    let why = format!("refused: a message of more than {MESSAGE_MAX} bytes");
                    return Err(Reason::new(1009, why));
                }
                Err(_) => return Err(Reason::new(1006, "the page is gone")),
            }
        }
        Ok(())
    }

    fn write_server(&mut self) -> Result<(), Reason> {
        while !self.out.is_empty() {
            match self.server.write(&self.out) {
                Ok(n) => drop(self.out.drain(..n)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Reason::new(Reason::SERVER_CLOSED, error.to_string())),
            }
        }
        // There is room again: what the page has sent meanwhile is looked at.
        if self.page_readable && self.out.is_empty() {
            self.read_page()?;
            if !self.out.is_empty() {
                return self.write_server();
            }
        }
        Ok(())
    }

    fn read_server(&mut self) -> Result<(), Reason> {
        let mut buffer = [0; PIECE];
        while self.server_readable && self.page_flushed && self.window > 0 {
            let most = self.window.min(PIECE);
            match self.server.read(&mut buffer[..most]) {
                Ok(0) => {
                    let why = "the server closed the connection";
                    return Err(Reason::new(Reason::SERVER_CLOSED, why));
                }
                Ok(n) => {
                    self.window -= n;
                    self.write_page(Message::binary(buffer[..n].to_vec()))?;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.server_readable = false;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Reason::new(Reason::SERVER_CLOSED, error.to_string())),
            }
        }
        Ok(())
    }

    fn write_page(&mut self, message: Message) -> Result<(), Reason> {
        match self.page.write(message) {
            Err(error) if !blocks(&error) => Err(Reason::new(1006, "the page is gone")),
            _ => self.flush_page(),
        }
    }

    fn flush_page(&mut self) -> Result<(), Reason> {
        self.page_flushed = match self.page.flush() {
            Ok(()) => true,
            Err(error) if blocks(&error) => false,
            Err(_) => return Err(Reason::new(1006, "the page is gone")),
        };
        Ok(())
    }
}

fn blocks(error: &Error) -> bool {
    matches!(error, Error::Io(error) if error.kind() == io::ErrorKind::WouldBlock)
}

/// Sends the close frame and no more, and waits a little for the page to hang up: a socket that is closed with something
/// unread in it would take the reason with it. What still comes is not looked at.
fn goodbye(page: &mut WebSocket<TcpStream>, poll: &mut Poll, Reason(code, reason): Reason) {
    let frame = CloseFrame {
        code: CloseCode::from(if code == 1006 { 1000 } else { code }),
        reason: reason.into(),
    };
    let _ = page.close(Some(frame));
    let (until, mut events) = (Instant::now() + GOODBYE, Events::with_capacity(8));
    let (mut said, mut rest) = (false, [0; PIECE]);
    loop {
        if !said && !page.flush().is_err_and(|error| blocks(&error)) {
            said = true;
            let _ = page.get_mut().shutdown(Shutdown::Write);
        }
        loop {
            match page.get_mut().read(&mut rest) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => return,
            }
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || poll.poll(&mut events, Some(left)).is_err() {
            return;
        }
    }
}
