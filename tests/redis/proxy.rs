//! A wire between a replica and its master that can be cut after a chosen number of bytes.

use crate::process::free_port;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Forwards every connection to `port`. The threads end with their connections, the listening one with the process.
pub struct Proxy {
    pub port: u16,
    state: Arc<State>,
}

struct State {
    /// Bytes from the master that may still pass on the connection; negative: any number.
    left: AtomicI64,
    cuts: AtomicU64,
}

impl Proxy {
    pub fn to(port: u16) -> Self {
        let (own, listener) = loop {
            let own = free_port();
            if let Ok(listener) = TcpListener::bind(("127.0.0.1", own)) {
                break (own, listener);
            }
        };
        let state = Arc::new(State {
            left: AtomicI64::new(-1),
            cuts: AtomicU64::new(0),
        });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for replica in listener.incoming().flatten() {
                let Ok(master) = TcpStream::connect(("127.0.0.1", port)) else {
                    continue;
                };
                let (Ok(replica2), Ok(master2)) = (replica.try_clone(), master.try_clone()) else {
                    continue;
                };
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || copy(replica2, master2, None));
                std::thread::spawn(move || copy(master, replica, Some(&shared)));
            }
        });
        Self { port: own, state }
    }

    /// Cuts the connection once this many more bytes have come from the master.
    pub fn cut_after(&self, bytes: i64) {
        self.state.left.store(bytes, Ordering::SeqCst);
    }

    /// How often it was cut.
    pub fn cuts(&self) -> u64 {
        self.state.cuts.load(Ordering::SeqCst)
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, limit: Option<&State>) {
    let mut buffer = [0; 16384];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        let mut pass = n;
        if let Some(state) = limit {
            let left = state.left.load(Ordering::SeqCst);
            if left >= 0 {
                pass = n.min(left as usize);
                state.left.store(left - pass as i64, Ordering::SeqCst);
            }
        }
        if to.write_all(&buffer[..pass]).is_err() {
            break;
        }
        if pass < n {
            if let Some(state) = limit {
                state.left.store(-1, Ordering::SeqCst);
                state.cuts.fetch_add(1, Ordering::SeqCst);
            }
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
