//! A server outside of this world: a real Redis, behind a bridge. It is a machine without a process. A connection to it
//! travels as any other one; where it ends, the bytes are handed out ([`Cluster::take_outgoing`]), and what the server
//! answers comes back as deeds ([`Action::Outside`](super::Action::Outside)) with their bytes and their moment. So the world stays what it
//! is: *seed + actions = everything*, a recorded one plays again without any server, and its trace is a function of
//! the deeds. Whoever holds the sockets compares them with [`Cluster::outside_conns`], and opens and closes what
//! differs.

use super::action::{BadAction, Came};
use super::cluster::{Cluster, Due};
use super::network::Item;
use crate::node::{ConnId, Input, Outbox};
use crate::time::Instant;

/// How a world with a server outside begins: the server as `real`, and `r1` that is told to follow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outside {
    /// Where it listens, out there.
    pub host: String,
    pub port: u16,
    /// It wants a password, for this user (empty: the default one). The password itself is never in the world: nodes
    /// send [`PASSWORD`], and whoever holds the socket puts the true one into its place.
    pub auth: Option<String>,
    /// The clock out there when the world begins, so that times to live are what they are.
    pub begin: Instant,
}

/// Its name in the world.
pub const REAL: &str = "real";
/// What stands in the place of a password.
pub const PASSWORD: &str = "(the password of the real server)";

/// A connection to the server outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutsideConn {
    pub id: u64,
    /// The other end has answered; without it somebody has to dial.
    pub open: bool,
}

impl Cluster {
    /// The server outside, where there is one.
    pub fn outside(&self) -> Option<&Outside> {
        self.options().outside.as_ref()
    }

    /// Whether a node is none of this world.
    pub(super) fn is_outside(&self, i: usize) -> bool {
        i == 0 && self.options().outside.is_some()
    }

    /// The machine of this name, if it is one of this world.
    pub(super) fn inside(&self, name: &str) -> Result<usize, BadAction> {
        let i = self.index(name)?;
        if self.is_outside(i) {
            return Err(BadAction(format!(
                "'{name}' is a real server: nothing can be done to it from here but to cut the path to it"
            )));
        }
        Ok(i)
    }

    /// Connections to the server outside that have come as far as its door, oldest first.
    pub fn outside_conns(&self) -> Vec<OutsideConn> {
        if self.outside().is_none() {
            return Vec::new();
        }
        let ends = self.network.ends_of(0).into_iter();
        ends.filter(|(_, side)| *side == 1)
            .filter_map(|(id, _)| {
                let end = self.network.conn(id)?.ends[1];
                (end.conn != ConnId(0)).then_some(OutsideConn { id, open: end.open })
            })
            .collect()
    }

    /// Bytes that have come to the server outside since this was asked last, in order.
    pub fn take_outgoing(&mut self) -> Vec<(u64, Vec<u8>)> {
        std::mem::take(&mut self.outgoing)
    }

    /// Something came to the end of a connection that is outside.
    pub(super) fn goes_out(&mut self, i: usize, input: &Input<'_>) {
        if let Input::Bytes(conn, bytes) = input
            && let Some((id, _)) = self.network.find(i, *conn)
        {
            self.outgoing.push((id, bytes.to_vec()));
        }
    }

    /// Something happened to a connection out there.
    pub(super) fn came(&mut self, name: &str, id: u64, what: &Came) -> Result<(), BadAction> {
        let i = self.index(name)?;
        if !self.is_outside(i) {
            return Err(BadAction(format!(
                "'{name}' is a node of this world and speaks for itself"
            )));
        }
        let known = self.outside_conns().into_iter().find(|c| c.id == id);
        let fits = known.filter(|c| c.open == matches!(what, Came::Bytes(_) | Came::Closed));
        if fits.is_none() {
            return Err(BadAction(format!(
                "'{name}' has no connection {id} to which that could happen"
            )));
        }
        let Some(c) = self.network.conn_mut(id) else {
            return Ok(());
        };
        let [dialer, end] = c.ends;
        match what {
            Came::Opened => {
                c.ends[1].open = true;
                self.travel(id, 0, 0, Item::Dialed);
            }
            Came::Refused => {
                self.network.remove(id);
                let trip = self.network.delay_us(i, dialer.machine);
                let due = Due::DialFailed {
                    machine: dialer.machine,
                    epoch: self.machines[dialer.machine].epoch,
                    conn: dialer.conn,
                    why: "Connection refused",
                };
                self.due(self.now.after(trip), due);
            }
            Came::Bytes(bytes) => {
                let mut out = Outbox::default();
                out.send(end.conn, bytes);
                self.outputs(i, &mut out);
            }
            Came::Closed => self.hang_up(id, 1),
        }
        Ok(())
    }
}
