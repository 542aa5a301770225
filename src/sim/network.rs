//! Connections as TCP has them: ordered bytes that arrive whole or not at all, with a delay, and an end that both sides
//! learn of. A *path* is a pair of nodes; its delay, bandwidth and whether it is cut hold for every connection on it.

use crate::node::ConnId;
use crate::time::{Instant, SECOND_US};
use crate::wire::tap::Tap;
use std::rc::Rc;

/// More bytes than this travel as several packets, as a socket takes them.
pub const PACKET_MAX: usize = 16 * 1024;

/// What is between two nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// One-way delay.
    pub latency_us: u64,
    /// 0 is unlimited.
    pub bytes_per_s: u64,
    pub cut: bool,
}

/// One side of a connection: the machine, and what its node calls the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    pub machine: usize,
    pub conn: ConnId,
    /// This side has closed, or learned that it is closed.
    pub open: bool,
}

#[derive(Clone, Debug)]
pub struct Conn {
    /// `ends[0]` dialled.
    pub ends: [End; 2],
    pub established: bool,
    /// When the last packet to each side arrives, and when the line to it is free again.
    arrives: [Instant; 2],
    free: [Instant; 2],
    pub tap: Tap,
}

impl Conn {
    pub fn new(dialer: End, acceptor: End, now: Instant) -> Self {
        Self {
            ends: [dialer, acceptor],
            established: false,
            arrives: [now; 2],
            free: [now; 2],
            tap: Tap::default(),
        }
    }

    /// When `len` bytes that are written now arrive at side `to`; moves the line's clock.
    pub fn schedule(&mut self, to: usize, len: usize, path: &Path, now: Instant) -> Instant {
        let start = self.free[to].max(now);
        let transmit = if path.bytes_per_s == 0 {
            0
        } else {
            (len as u64 * SECOND_US).div_ceil(path.bytes_per_s)
        };
        self.free[to] = start.after(transmit);
        self.arrives[to] = self.free[to].after(path.latency_us).max(self.arrives[to]);
        self.arrives[to]
    }
}

/// All paths and connections.
#[derive(Clone, Debug)]
pub struct Network {
    pub default: Path,
    /// Those that differ from the default, by the smaller and the larger machine.
    paths: Vec<((usize, usize), Path)>,
    conns: Vec<(u64, Conn)>,
    next: u64,
}

/// A packet's content, kept by the event that delivers it.
pub type Payload = Rc<[u8]>;

impl Network {
    pub fn new(latency_us: u64) -> Self {
        Self {
            default: Path {
                latency_us,
                bytes_per_s: 0,
                cut: false,
            },
            paths: Vec::new(),
            conns: Vec::new(),
            next: 0,
        }
    }

    pub fn path(&self, a: usize, b: usize) -> &Path {
        let pair = (a.min(b), a.max(b));
        self.paths
            .iter()
            .find(|(p, _)| *p == pair)
            .map_or(&self.default, |(_, path)| path)
    }

    pub fn path_mut(&mut self, a: usize, b: usize) -> &mut Path {
        let pair = (a.min(b), a.max(b));
        let at = self
            .paths
            .iter()
            .position(|(p, _)| *p == pair)
            .unwrap_or_else(|| {
                self.paths.push((pair, self.default.clone()));
                self.paths.len() - 1
            });
        &mut self.paths[at].1
    }

    pub fn open(&mut self, conn: Conn) -> u64 {
        self.next += 1;
        self.conns.push((self.next, conn));
        self.next
    }

    pub fn conn(&self, id: u64) -> Option<&Conn> {
        self.conns.iter().find(|(i, _)| *i == id).map(|(_, c)| c)
    }

    pub fn conn_mut(&mut self, id: u64) -> Option<&mut Conn> {
        self.conns
            .iter_mut()
            .find(|(i, _)| *i == id)
            .map(|(_, c)| c)
    }

    pub fn remove(&mut self, id: u64) -> Option<Conn> {
        let at = self.conns.iter().position(|(i, _)| *i == id)?;
        Some(self.conns.remove(at).1)
    }

    /// The connection that a node knows by this name, and which side the node is.
    pub fn find(&self, machine: usize, conn: ConnId) -> Option<(u64, usize)> {
        let side = |c: &Conn| {
            c.ends
                .iter()
                .position(|e| e.machine == machine && e.conn == conn)
        };
        self.conns
            .iter()
            .find_map(|(id, c)| side(c).map(|s| (*id, s)))
    }

    /// All connections of a machine, and which side it is.
    pub fn ends_of(&self, machine: usize) -> Vec<(u64, usize)> {
        let side = |c: &Conn| c.ends.iter().position(|e| e.machine == machine);
        self.conns
            .iter()
            .filter_map(|(id, c)| side(c).map(|s| (*id, s)))
            .collect()
    }

    pub fn between(&self, a: usize, b: usize) -> Vec<u64> {
        let on = |c: &Conn| [(a, b), (b, a)].contains(&(c.ends[0].machine, c.ends[1].machine));
        self.conns
            .iter()
            .filter(|(_, c)| on(c))
            .map(|(id, _)| *id)
            .collect()
    }
}
