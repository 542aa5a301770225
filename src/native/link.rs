//! One connection: a socket with an out-buffer in front of it, because the other end may be slow. A link that is closed
//! first delivers what was sent before.

use mio::net::TcpStream;
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

pub(super) struct Link {
    pub stream: TcpStream,
    pub phase: Phase,
    /// The socket may have bytes for us.
    pub readable: bool,
    out: Vec<u8>,
    /// How much of `out` is with the kernel already.
    sent: usize,
}

impl Link {
    pub(super) fn new(stream: TcpStream, phase: Phase) -> Self {
        Self {
            stream,
            phase,
            readable: false,
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
                Ok(n) => return Ok(Some(n)),
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
