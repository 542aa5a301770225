//! SIGTERM and SIGINT, as events of the loop.

use mio::Poll;
#[cfg(unix)]
use mio::{Interest, Token};
use std::io;

/// A signal that ends the server in order: its handler writes a byte into a pipe that the loop waits on.
#[cfg(unix)]
pub(super) struct Signal {
    name: &'static str,
    pipe: mio::net::UnixStream,
}

#[cfg(unix)]
impl Signal {
    pub(super) fn all(poll: &Poll, first: usize) -> io::Result<Vec<Self>> {
        use signal_hook::consts::{SIGABRT, SIGINT, SIGTERM};
        // The terminal may go away.
        let ignored = std::sync::Arc::default();
        signal_hook::flag::register(signal_hook::consts::SIGHUP, ignored)?;
        let mut signals = Vec::new();
        for (i, (number, name)) in [
            (SIGTERM, "SIGTERM"),
            (SIGINT, "SIGINT"),
            (SIGABRT, "SIGABRT"),
        ]
        .into_iter()
        .enumerate()
        {
            let (writer, reader) = std::os::unix::net::UnixStream::pair()?;
            signal_hook::low_level::pipe::register(number, writer)?;
            reader.set_nonblocking(true)?;
            let mut pipe = mio::net::UnixStream::from_std(reader);
            poll.registry()
                .register(&mut pipe, Token(first + i), Interest::READABLE)?;
            signals.push(Self { name, pipe });
        }
        Ok(signals)
    }

    pub(super) fn received(&mut self) -> Option<&'static str> {
        let mut byte = [0; 16];
        io::Read::read(&mut self.pipe, &mut byte)
            .is_ok_and(|n| n > 0)
            .then_some(self.name)
    }
}

#[cfg(not(unix))]
pub(super) struct Signal;

#[cfg(not(unix))]
impl Signal {
    pub(super) fn all(_: &Poll, _: usize) -> io::Result<Vec<Self>> {
        Ok(Vec::new())
    }

    pub(super) fn received(&mut self) -> Option<&'static str> {
        None
    }
}
