//! The wire from one real node to another: a TCP proxy with a delay, that can be cut, stalled and made narrow.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

const ORDER: Ordering = Ordering::SeqCst;
/// How often a wire looks at what is due.
const TICK: Duration = Duration::from_millis(2);

/// Which way bytes go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the node that dialled.
    Up,
    /// To it.
    Down,
}

/// Which ends of a broken connection learn of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Told {
    Both,
    Dialler,
    Target,
    Nobody,
}

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
    over: AtomicBool,
    ways: [Flow; 2],
    /// Dialler and target of each connection.
    ends: Mutex<Vec<(TcpStream, TcpStream)>>,
}

/// One direction.
struct Flow {
    /// Nothing passes.
    stalled: AtomicBool,
    /// Most bytes at a time, and bytes a second; 0 is as they come.
    segment: AtomicU64,
    bytes_per_s: AtomicU64,
    /// Bytes that pass before the path is cut; negative: it is not.
    left: AtomicI64,
}

impl Flow {
    fn new() -> Self {
        Self {
            stalled: AtomicBool::new(false),
            segment: AtomicU64::new(0),
            bytes_per_s: AtomicU64::new(0),
            left: AtomicI64::new(-1),
        }
    }
}

impl Path {
    pub fn new(to: u16, delay: Duration) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let state = Arc::new(State {
            to,
            delay,
            cut: AtomicBool::new(false),
            over: AtomicBool::new(false),
            ways: [Flow::new(), Flow::new()],
            ends: Mutex::default(),
        });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for dialler in listener.incoming().flatten() {
                if shared.over.load(ORDER) {
                    return;
                }
                shared.connect(dialler);
            }
        });
        Ok(Self { port, state })
    }

    fn flow(&self, way: Way) -> &Flow {
        &self.state.ways[way as usize]
    }

    /// Ends all connections and takes no new ones.
    pub fn cut(&self, told: Told) {
        self.state.cut(told);
    }

    /// The same, once so many more bytes have passed.
    pub fn cut_after(&self, way: Way, bytes: u64) {
        self.flow(way).left.store(bytes as i64, ORDER);
    }

    pub fn stall(&self, way: Way) {
        self.flow(way).stalled.store(true, ORDER);
    }

    pub fn segment(&self, way: Way, bytes: u64) {
        self.flow(way).segment.store(bytes, ORDER);
    }

    pub fn bandwidth(&self, way: Way, bytes_per_s: u64) {
        self.flow(way).bytes_per_s.store(bytes_per_s, ORDER);
    }

    /// The end of cut and stall. Ends that were not told of a cut learn of it now.
    pub fn restore(&self) {
        if self.state.cut.swap(false, ORDER) {
            self.state.hang_up(Told::Both);
        }
        for flow in &self.state.ways {
            flow.stalled.store(false, ORDER);
            flow.left.store(-1, ORDER);
        }
    }

    /// Neither cut nor stalled.
    pub fn whole(&self) -> bool {
        let flows = self.state.ways.iter().all(|flow| !flow.stalled.load(ORDER));
        flows && !self.state.cut.load(ORDER)
    }
}

impl Drop for Path {
    fn drop(&mut self) {
        self.state.over.store(true, ORDER);
        self.state.hang_up(Told::Both);
        let _ = TcpStream::connect(("127.0.0.1", self.port)); // wakes the listener
    }
}

impl State {
    fn cut(&self, told: Told) {
        self.cut.store(true, ORDER);
        self.hang_up(told);
    }

    fn hang_up(&self, told: Told) {
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        for (dialler, target) in ends.iter() {
            if matches!(told, Told::Both | Told::Dialler) {
                let _ = dialler.shutdown(Shutdown::Both);
            }
            if matches!(told, Told::Both | Told::Target) {
                let _ = target.shutdown(Shutdown::Both);
            }
        }
        if told == Told::Both {
            ends.clear();
        }
    }

    fn connect(self: &Arc<Self>, dialler: TcpStream) {
        if self.cut.load(ORDER) {
            return;
        }
        let Ok(target) = TcpStream::connect(("127.0.0.1", self.to)) else {
            return;
        };
        for (way, from, to) in [(Way::Up, &dialler, &target), (Way::Down, &target, &dialler)] {
            let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else {
                return;
            };
            let _ = to.set_nodelay(true);
            let shared = Arc::clone(self);
            thread::spawn(move || shared.carry(way, from, to));
        }
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        ends.push((dialler, target));
    }

    /// One direction of a connection: what was read is written when its delay is over.
    fn carry(&self, way: Way, mut from: TcpStream, mut to: TcpStream) {
        let flow = &self.ways[way as usize];
        let _ = from.set_read_timeout(Some(TICK));
        let mut flying: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
        let mut buffer = vec![0; 65_536];
        let mut open = true;
        while !self.over.load(ORDER) && (open || !flying.is_empty()) {
            if self.cut.load(ORDER) {
                // What is on its way is lost. Who was not told keeps a connection on which nothing passes.
                flying.clear();
                match from.read(&mut buffer) {
                    Ok(1..) => {}
                    Err(e) if waits(&e) => {}
                    _ => return,
                }
                continue;
            }
            let stalled = flow.stalled.load(ORDER);
            if open && !stalled {
                match from.read(&mut buffer) {
                    Ok(0) => open = false,
                    Ok(n) => flying.push_back((Instant::now() + self.delay, buffer[..n].to_vec())),
                    Err(e) if waits(&e) => {}
                    Err(_) => break,
                }
            } else {
                thread::sleep(TICK);
            }
            while !stalled
                && !self.cut.load(ORDER)
                && flying
                    .front()
                    .is_some_and(|(due, _)| *due <= Instant::now())
            {
                let bytes = flying
                    .pop_front()
                    .map(|(_, bytes)| bytes)
                    .unwrap_or_default();
                if !self.write(flow, &bytes, &mut to) {
                    open = false;
                    flying.clear();
                }
            }
        }
        if !self.cut.load(ORDER) {
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
        }
    }

    /// In pieces, at its pace, and no further than to where the path is to be cut; false when the connection ended.
    fn write(&self, flow: &Flow, bytes: &[u8], to: &mut TcpStream) -> bool {
        let piece = match flow.segment.load(ORDER) {
            0 => bytes.len().max(1),
            n => n as usize,
        };
        for piece in bytes.chunks(piece) {
            let left = flow.left.load(ORDER);
            let pass = if left < 0 {
                piece
            } else {
                &piece[..piece.len().min(left as usize)]
            };
            if to.write_all(pass).is_err() {
                return false;
            }
            if left >= 0 {
                flow.left.store(left - pass.len() as i64, ORDER);
                if left as usize <= piece.len() {
                    thread::sleep(TICK); // what has passed is read before the end
                    flow.left.store(-1, ORDER);
                    self.cut(Told::Both);
                    return false;
                }
            }
            let pace = flow.bytes_per_s.load(ORDER);
            if let Some(us) = (pass.len() as u64 * 1_000_000).checked_div(pace) {
                thread::sleep(Duration::from_micros(us));
            }
        }
        true
    }
}

/// Nothing to read yet.
fn waits(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
