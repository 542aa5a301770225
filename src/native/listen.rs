//! Listening sockets, one for each address of `bind`, and what connections have set on their sockets.

use super::options::reason;
#[cfg(unix)]
use mio::net::UnixListener;
use mio::net::{TcpListener, TcpStream};
use socket2::{Domain, SockRef, Socket, TcpKeepalive, Type};
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
#[cfg(unix)]
use std::path::Path;
use std::time::Duration;

/// Listens on every address of `bind`; those that cannot be listened on are told to `say`. A leading `-` means that an
/// address may be missing on this machine. `None` when one that is needed fails.
pub(super) fn listen(
    bind: &str,
    port: u16,
    backlog: i32,
    mut say: impl FnMut(&str),
) -> Option<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    for given in bind.split_whitespace() {
        let (host, optional) = given
            .strip_prefix('-')
            .map_or((given, false), |host| (host, true));
        let any = match host {
            "*" => "0.0.0.0",
            "::*" => "::",
            host => host,
        };
        match listen_on(any, port, backlog) {
            Ok(listener) => listeners.push(listener),
            Err(error) => {
                let why = reason(&error);
                // A name that nobody knows; the system has more to say of it than its own words.
                let why = match why.strip_prefix("failed to lookup address information: ") {
                    Some(why) => why.into(),
                    None => format!("bind: {why}"),
                };
                say(&format!(
                    "Warning: Could not create server TCP listening socket {host}:{port}: {why}"
                ));
                let missing = error.kind() == io::ErrorKind::AddrNotAvailable && optional;
                if !missing && error.kind() != io::ErrorKind::Unsupported {
                    return None;
                }
            }
        }
    }
    Some(listeners)
}

fn listen_on(host: &str, port: u16, backlog: i32) -> io::Result<TcpListener> {
    let mut last = io::ErrorKind::NotFound.into();
    for addr in (host, port).to_socket_addrs()? {
        match open(addr, backlog) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn open(addr: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    const NO_SUCH_FAMILY: i32 = 97; // EAFNOSUPPORT, a machine without IPv6
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None).map_err(|error| {
        if error.raw_os_error() == Some(NO_SUCH_FAMILY) {
            io::ErrorKind::Unsupported.into()
        } else {
            error
        }
    })?;
    if addr.is_ipv6() {
        // IPv4 has a socket of its own.
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(backlog)?;
    Ok(TcpListener::from_std(socket.into()))
}

/// Lets the system ask now and then whether the other end is still there (`anetKeepAlive`); 0: never.
pub(super) fn keep_alive(stream: &TcpStream, seconds: u64) {
    if seconds > 0 {
        let asks = TcpKeepalive::new()
            .with_time(Duration::from_secs(seconds))
            .with_interval(Duration::from_secs((seconds / 3).max(1)));
        #[cfg(unix)]
        let asks = asks.with_retries(3);
        // A socket that cannot do it works without.
        let _ = SockRef::from(stream).set_tcp_keepalive(&asks);
    }
}

/// Begins to connect, from this address when one is given (`bind-source-addr`).
pub(super) fn connect(addr: SocketAddr, source: Option<IpAddr>) -> io::Result<TcpStream> {
    let Some(source) = source.filter(|source| source.is_ipv4() == addr.is_ipv4()) else {
        return TcpStream::connect(addr);
    };
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::new(source, 0).into())?;
    const IN_PROGRESS: i32 = 115; // EINPROGRESS
    match socket.connect(&addr.into()) {
        Err(error)
            if error.raw_os_error() != Some(IN_PROGRESS)
                && error.kind() != io::ErrorKind::WouldBlock =>
        {
            Err(error)
        }
        _ => Ok(TcpStream::from_std(socket.into())),
    }
}

/// Listens on a path of this machine, in the place of what was there, with this mode.
#[cfg(unix)]
pub(super) fn listen_on_path(path: &Path, mode: Option<u32>) -> io::Result<UnixListener> {
    use std::os::unix::fs::PermissionsExt;
    let _ = std::fs::remove_file(path);
    let listener = UnixListener::bind(path)?;
    if let Some(mode) = mode {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    }
    Ok(listener)
}
