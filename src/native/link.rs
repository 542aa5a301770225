//! One connection: a socket, of TCP or of this machine, with an out-buffer in front of it, because the other end may be slow. A link that is closed
//! first delivers what was sent before.

use mio::event::Source;
use mio::net::TcpStream;
#[cfg(unix)]
use mio::net::UnixStream;
use mio::{Interest, Registry, Token};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Instant;

pub(super) enum Phase {
    /// On its way to one of several addresses; these are left to try.
    Dialing(Vec<SocketAddr>),
    Open,
    /// The node is done with it; only what is in the out-buffer is still delivered, at most until then.
    Closing(Instant),
}

pub(super) enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Stream {
    fn source(&mut self) -> &mut dyn Source {
        match self {
            Self::Tcp(stream) => stream,
            #[cfg(unix)]
            Self::Unix(stream) => stream,
        }
    }

    /// Whether the connection that was dialled stands.
    ///
    /// # Errors
    /// It does not, or (`NotConnected`) not yet.
    pub(super) fn connected(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => match stream.take_error() {
                Ok(None) => stream.peer_addr().map(|_| ()),
                Ok(Some(error)) | Err(error) => Err(error),
            },
            #[cfg(unix)]
            Self::Unix(_) => Ok(()),
        }
    }
}

impl Source for Stream {
    fn register(&mut self, to: &Registry, token: Token, what: Interest) -> io::Result<()> {
        self.source().register(to, token, what)
    }

    fn reregister(&mut self, to: &Registry, token: Token, what: Interest) -> io::Result<()> {
        self.source().reregister(to, token, what)
    }

    fn deregister(&mut self, from: &Registry) -> io::Result<()> {
        self.source().deregister(from)
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            #[cfg(unix)]
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            #[cfg(unix)]
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) struct Link {
    pub stream: Stream,
    pub phase: Phase,
    /// The socket may have bytes for us.
    pub readable: bool,
    /// The other end sends no more than what is here.
    pub ended: bool,
    /// It stands in the list of those that may have bytes.
    pub queued: bool,
    /// How much the node was told to be pending.
    pub told: usize,
    out: Vec<u8>,
    /// How much of `out` is with the kernel already.
    sent: usize,
}

impl Link {
    pub(super) fn new(stream: Stream, phase: Phase) -> Self {
        Self {
            stream,
            phase,
            readable: false,
            ended: false,
            queued: false,
            told: 0,
            out: Vec::new(),
            sent: 0,
        }
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    pub(super) fn flushed(&self) -> bool {
        self.pending() == 0
    }

    /// Bytes that the kernel has not taken yet.
    pub(super) fn pending(&self) -> usize {
        self.out.len() - self.sent
    }

    /// Hands to the kernel what it takes.
    ///
    /// # Errors
    /// The connection is dead.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        while !self.flushed() {
            match self.stream.write(&self.out[self.sent..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => self.sent += n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.flushed() {
            self.out.clear();
            self.sent = 0;
        } else if self.sent > self.out.len() / 2 {
            self.out.drain(..self.sent);
            self.sent = 0;
        }
        Ok(())
    }

    /// Reads once: `None` when there is nothing now.
    ///
    /// # Errors
    /// The connection ended, in order or not.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => {
                    // A buffer that was not filled has emptied the socket: an event will tell of more.
                    self.readable = n == buffer.len() || self.ended;
                    return Ok(Some(n));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.readable = false;
                    return Ok(None);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
