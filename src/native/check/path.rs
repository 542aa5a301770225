//! The wire from one real node to another: a TCP proxy with a delay, that can be cut and stalled.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Forwards connections to a port of this machine. Its threads end with it.
pub struct Path {
    pub port: u16,
    state: Arc<State>,
}

struct State {
    to: u16,
    delay: Duration,
    /// New connections end at once, old ones have ended.
    cut: AtomicBool,
    /// Nothing passes.
    stalled: AtomicBool,
    over: AtomicBool,
    ends: Mutex<Vec<TcpStream>>,
}

impl Path {
    pub fn new(to: u16, delay: Duration) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let state = Arc::new(State {
            to,
            delay,
            cut: AtomicBool::new(false),
            stalled: AtomicBool::new(false),
            over: AtomicBool::new(false),
            ends: Mutex::default(),
        });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for dialler in listener.incoming().flatten() {
                if shared.over.load(Ordering::SeqCst) {
                    return;
                }
                shared.connect(dialler);
            }
        });
        Ok(Self { port, state })
    }

    /// Ends all connections and takes no new ones.
    pub fn cut(&self) {
        self.state.cut.store(true, Ordering::SeqCst);
        self.state.hang_up();
    }

    pub fn stall(&self) {
        self.state.stalled.store(true, Ordering::SeqCst);
    }

    pub fn restore(&self) {
        self.state.cut.store(false, Ordering::SeqCst);
        self.state.stalled.store(false, Ordering::SeqCst);
    }

    /// Neither cut nor stalled.
    pub fn whole(&self) -> bool {
        !self.state.cut.load(Ordering::SeqCst) && !self.state.stalled.load(Ordering::SeqCst)
    }
}

impl Drop for Path {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::SeqCst);
        self.state.hang_up();
        let _ = TcpStream::connect(("127.0.0.1", self.port)); // wakes the listener
    }
}

impl State {
    fn hang_up(&self) {
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        for end in ends.drain(..) {
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    fn connect(self: &Arc<Self>, dialler: TcpStream) {
        if self.cut.load(Ordering::SeqCst) {
            return;
        }
        let Ok(target) = TcpStream::connect(("127.0.0.1", self.to)) else {
            return;
        };
        for (from, to) in [(&dialler, &target), (&target, &dialler)] {
            let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else {
                return;
            };
            let _ = to.set_nodelay(true);
            let shared = Arc::clone(self);
            thread::spawn(move || shared.carry(from, to));
        }
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        ends.extend([dialler, target]);
    }

    /// One direction of a connection: what was read is written when its delay is over.
    fn carry(&self, mut from: TcpStream, mut to: TcpStream) {
        let _ = from.set_read_timeout(Some(Duration::from_millis(2)));
        let mut flying: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
        let mut buffer = vec![0; 65_536];
        let mut open = true;
        while !self.over.load(Ordering::SeqCst) && (open || !flying.is_empty()) {
            let stalled = self.stalled.load(Ordering::SeqCst);
            if open && !stalled {
                match from.read(&mut buffer) {
                    Ok(0) => open = false,
                    Ok(n) => flying.push_back((Instant::now() + self.delay, buffer[..n].to_vec())),
                    Err(e)
                        if matches!(
                            e.kind(),
                            std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                        ) => {}
                    Err(_) => break,
                }
            } else {
                thread::sleep(Duration::from_millis(2));
            }
            while !stalled
                && flying
                    .front()
                    .is_some_and(|(due, _)| *due <= Instant::now())
            {
                let bytes = flying
                    .pop_front()
                    .map(|(_, bytes)| bytes)
                    .unwrap_or_default();
                if self.cut.load(Ordering::SeqCst) || to.write_all(&bytes).is_err() {
                    open = false;
                    flying.clear();
                }
            }
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    }
}
