//! What a service manager is told, with `supervised systemd` or `auto`: that the server is ready, that it ends, and what
//! it is doing meanwhile, in the datagrams of `sd_notify`.

use crate::node::config::Config;
use crate::node::{Level, Milestone};
use std::env;
use std::ffi::OsString;
use std::io;

/// What the manager is told when the server has come so far, if anything.
fn told(milestone: Milestone, replica: bool) -> Option<&'static str> {
    Some(match milestone {
        Milestone::Ready if replica => {
            "STATUS=Ready to accept connections in read-only mode. Waiting for MASTER <-> REPLICA sync\n"
        }
        Milestone::Ready => "STATUS=Ready to accept connections\n",
        Milestone::Synced => {
            "STATUS=MASTER <-> REPLICA sync: Finished with success. Ready to accept connections in read-write mode.\n"
        }
        Milestone::Resumed => {
            "STATUS=MASTER <-> REPLICA sync: Partial Resynchronization accepted. Ready to accept connections in \
             read-write mode.\n"
        }
        Milestone::Stopping => "STOPPING=1\n",
        Milestone::SavesLast => "STATUS=Saving the final RDB snapshot\n",
        Milestone::CannotStop => "STATUS=Error trying to save the DB, can't exit.\n",
        Milestone::Unreadable => return None,
    })
}

/// The manager that started this process.
pub(super) struct Supervisor {
    /// It is systemd, or was said to be.
    systemd: bool,
    socket: Option<OsString>,
}

impl Supervisor {
    pub(super) fn of(config: &Config) -> Self {
        let socket = env::var_os("NOTIFY_SOCKET");
        let systemd = match config.get("supervised").as_deref() {
            Some("systemd") => true,
            Some("auto") => socket.is_some(),
            _ => false,
        };
        Self { systemd, socket }
    }

    /// Somebody takes care that the server runs, so it stays what it was started as.
    pub(super) fn is_there(&self) -> bool {
        self.systemd && self.socket.is_some()
    }

    /// Before anything else.
    pub(super) fn starts(&self, say: &mut dyn FnMut(Level, &str)) {
        if self.systemd && self.tell("STATUS=Redis is loading...\n", say) {
            let text = "Supervised by systemd. Please make sure you set appropriate values for TimeoutStartSec and \
                        TimeoutStopSec in your service unit.";
            say(Level::Notice, text);
        }
    }

    pub(super) fn hears(
        &self,
        milestone: Milestone,
        replica: bool,
        say: &mut dyn FnMut(Level, &str),
    ) {
        let Some(text) = told(milestone, replica).filter(|_| self.systemd) else {
            return;
        };
        self.tell(text, say);
        if milestone == Milestone::Ready {
            self.tell("READY=1\n", say);
        }
    }

    fn tell(&self, text: &str, say: &mut dyn FnMut(Level, &str)) -> bool {
        let Some(socket) = &self.socket else {
            let text = "systemd supervision error: NOTIFY_SOCKET not found!";
            say(Level::Warning, text);
            return false;
        };
        let sent = send(socket, text);
        if let Err(error) = &sent {
            let number = -error.raw_os_error().unwrap_or(0);
            let text = format!("systemd supervision error: sd_notify: {number}");
            say(Level::Warning, &text);
        }
        sent.is_ok()
    }
}

/// A socket with a name of this machine, or with one that is no file and begins with `@`.
#[cfg(target_os = "linux")]
fn send(socket: &OsString, text: &str) -> io::Result<()> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    let addr = match socket.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(socket)?,
    };
    let sender = UnixDatagram::unbound()?;
    sender.send_to_addr(text.as_bytes(), &addr).map(|_| ())
}

/// Where there is no systemd.
#[cfg(not(target_os = "linux"))]
fn send(_: &OsString, _: &str) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
