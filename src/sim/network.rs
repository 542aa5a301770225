//! Connections as TCP has them: ordered bytes that arrive whole or not at all, with a delay, and an end that sides
//! learn of, sooner or later. A *path* is a pair of nodes, with a *direction* each way; what is set there holds for every
//! connection on it. There is no loss, no reordering and no duplicate inside a connection: TCP hides them, as delay.

use crate::node::ConnId;
use crate::rng::Rng;
use crate::time::{Instant, SECOND_US};
use crate::wire::tap::Tap;
use std::collections::VecDeque;
use std::rc::Rc;

/// More bytes than this travel as several packets, as a socket takes them.
pub const PACKET_MAX: usize = 16 * 1024;
/// Bytes on their way in one direction that the kernels keep; what is beyond waits in the sender's own buffers, and is
/// told to it as pending.
pub const SOCKET_BUFFER: u64 = 64 * 1024;
/// A stall without an end.
pub const FOREVER: Instant = Instant(u64::MAX);

/// One direction of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Direction {
    /// One-way delay: the least and the most; drawn for each packet, which never overtakes an earlier one.
    pub latency_us: (u64, u64),
    /// 0 is unlimited.
    pub bytes_per_s: u64,
    /// Bytes arrive at most so many at a time; 0 is as they were written.
    pub segment: u64,
    /// Nothing arrives before this moment.
    pub stalled_until: Instant,
    pub connect: Connect,
    rng: Rng,
}

/// How dialling goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connect {
    Refused,
    /// It takes so much longer than the delay of the path.
    After(u64),
}

/// What is between two nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    pub cut: bool,
    /// Cut without anybody knowing: new connections hang instead of failing.
    pub silent: bool,
    /// From the machine with the smaller number, and from the other one.
    directions: [Direction; 2],
    pub armed: Option<Armed>,
}

/// A cut that waits for a byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Armed {
    /// Machine whose bytes are counted.
    pub from: usize,
    pub at: Byte,
    /// Which machines learn of the cut.
    pub told: Vec<usize>,
}

/// Which byte is the last to arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Byte {
    /// So many more.
    After(u64),
    /// The one with this number in the replication stream.
    Offset(u64),
}

/// What travels towards one side of a connection, in order.
#[derive(Clone, Debug)]
pub enum Item {
    /// Somebody dials.
    Syn,
    /// The kernel has taken the connection; the process learns it.
    Accepted,
    /// The other side's kernel has taken it.
    Dialed,
    Bytes {
        bytes: Payload,
        packet: u64,
        /// Number of the last byte in the replication stream, where somebody wants to know.
        offset: Option<u64>,
    },
    /// The other side has closed.
    Fin,
    /// The other side knows no such connection.
    Reset,
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
    /// One side was told that the connection is gone, the other was not: what that one sends is answered by a reset.
    pub half_open: bool,
    /// Towards each side.
    pub lanes: [Lane; 2],
    pub tap: Tap,
}

/// The way towards one side of a connection.
#[derive(Clone, Debug)]
pub struct Lane {
    /// When the last packet arrives, and when the line is free again.
    arrives: Instant,
    free: Instant,
    /// What has arrived and cannot be delivered now.
    pub held: VecDeque<Item>,
    /// Bytes that were written and not delivered.
    pub undelivered: u64,
    /// The sender was told that bytes are pending.
    pub pressed: bool,
    /// It is about to be told anew.
    pub press_due: bool,
}

impl Conn {
    pub fn new(dialer: End, acceptor: End, now: Instant) -> Self {
        Self {
            ends: [dialer, acceptor],
            established: false,
            half_open: false,
            lanes: [Lane::new(now), Lane::new(now)],
            tap: Tap::default(),
        }
    }
}

impl Lane {
    fn new(now: Instant) -> Self {
        Self {
            arrives: now,
            free: now,
            held: VecDeque::new(),
            undelivered: 0,
            pressed: false,
            press_due: false,
        }
    }

    /// What is beyond the kernels' buffers is pending, and the sender is told; also when it is pending no more.
    pub fn presses(&self) -> bool {
        self.undelivered > SOCKET_BUFFER || self.pressed
    }

    /// When `len` bytes that are written now arrive; moves the line's clock.
    fn schedule(&mut self, len: usize, bytes_per_s: u64, latency_us: u64, now: Instant) -> Instant {
        let transmit = if bytes_per_s == 0 {
            0
        } else {
            (len as u64 * SECOND_US).div_ceil(bytes_per_s)
        };
        self.free = self.free.max(now).after(transmit);
        self.arrives = self.free.after(latency_us).max(self.arrives);
        self.arrives
    }
}

/// All paths and connections.
#[derive(Clone, Debug)]
pub struct Network {
    default: Path,
    /// Those that differ from the default, by the smaller and the larger machine.
    paths: Vec<((usize, usize), Path)>,
    conns: Vec<(u64, Conn)>,
    next: u64,
    rng: Rng,
}

/// A packet's content, kept by the event that delivers it.
pub type Payload = Rc<[u8]>;

impl Network {
    pub fn new(latency_us: u64, rng: Rng) -> Self {
        let direction = Direction {
            latency_us: (latency_us, latency_us),
            bytes_per_s: 0,
            segment: 0,
            stalled_until: Instant(0),
            connect: Connect::After(0),
            rng: rng.clone(),
        };
        Self {
            default: Path {
                cut: false,
                silent: false,
                directions: [direction.clone(), direction],
                armed: None,
            },
            paths: Vec::new(),
            conns: Vec::new(),
            next: 0,
            rng,
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
                let mut path = self.default.clone();
                for (i, direction) in path.directions.iter_mut().enumerate() {
                    direction.rng = self.rng.split(&format!("{} {} {i}", pair.0, pair.1));
                }
                self.paths.push((pair, path));
                self.paths.len() - 1
            });
        &mut self.paths[at].1
    }

    pub fn direction(&self, from: usize, to: usize) -> &Direction {
        &self.path(from, to).directions[usize::from(from > to)]
    }

    pub fn direction_mut(&mut self, from: usize, to: usize) -> &mut Direction {
        &mut self.path_mut(from, to).directions[usize::from(from > to)]
    }

    /// A delay for the next packet.
    pub fn delay_us(&mut self, from: usize, to: usize) -> u64 {
        let (least, most) = self.direction(from, to).latency_us;
        if least == most {
            return least;
        }
        least + self.direction_mut(from, to).rng.below(most - least + 1)
    }

    /// When `len` bytes that are written now arrive at side `to`; `None` when there is no such connection.
    pub fn schedule(&mut self, id: u64, to: usize, len: usize, now: Instant) -> Option<Instant> {
        let ends = self.conn(id)?.ends;
        let (from, to_machine) = (ends[1 - to].machine, ends[to].machine);
        let delay = self.delay_us(from, to_machine);
        let bytes_per_s = self.direction(from, to_machine).bytes_per_s;
        let lane = &mut self.conn_mut(id)?.lanes[to];
        Some(lane.schedule(len, bytes_per_s, delay, now))
    }

    /// What has arrived and is held, and at which side of its connection.
    pub fn held(&self) -> impl Iterator<Item = (usize, &Item)> {
        let lanes = self
            .conns
            .iter()
            .flat_map(|(_, c)| c.lanes.iter().enumerate());
        lanes.flat_map(|(to, lane)| lane.held.iter().map(move |item| (to, item)))
    }

    pub fn ids(&self) -> Vec<u64> {
        self.conns.iter().map(|(id, _)| *id).collect()
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

    /// The connection that a node knows by this name, and which side the node is. Each process counts anew: of two of
    /// one name the newer one is that of the process that runs.
    pub fn find(&self, machine: usize, conn: ConnId) -> Option<(u64, usize)> {
        let side = |c: &Conn| {
            c.ends
                .iter()
                .position(|e| e.machine == machine && e.conn == conn)
        };
        self.conns
            .iter()
            .rev()
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
