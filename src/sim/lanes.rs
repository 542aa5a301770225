//! Connections at work: dialling, sending, what arrives and what is held, the end. Towards each side of a connection
//! there is a lane, first in first out; a stall, a cut that nobody saw, a process that stands still or does not read
//! hold what is in it, and nothing ever overtakes.

use super::cluster::{Cluster, Due};
use super::network::{Armed, Byte, Conn, Connect, End, FOREVER, Item, PACKET_MAX, SOCKET_BUFFER};
use crate::node::{Addr, ConnId, Input};
use crate::time::SECOND_US;

impl Cluster {
    pub(super) fn dial(&mut self, i: usize, conn: ConnId, addr: &Addr) {
        let epoch = self.machines[i].epoch;
        let fail = |why| Due::DialFailed {
            machine: i,
            epoch,
            conn,
            why,
        };
        let named = self.machines.iter().position(|m| m.name == addr.host);
        let Some(peer) = self.machine_at_port(addr.port).or(named) else {
            return self.due(self.now.after(1_000), fail("Connection refused"));
        };
        if peer == i {
            return self.due(self.now.after(1_000), fail("Connection refused"));
        }
        let path = self.network.path(i, peer);
        let hangs = path.cut && path.silent;
        if path.cut && !hangs {
            return self.due(self.now.after(1_000), fail("No route to host"));
        }
        let slower = match self.network.direction(i, peer).connect {
            Connect::After(us) => Some(us),
            Connect::Refused => None,
        };
        let gone = self.machines[peer].node.is_none() && !self.is_outside(peer);
        let refused = slower.is_none() || gone;
        if refused && !hangs {
            let trip = self.network.delay_us(i, peer) + self.network.delay_us(peer, i);
            return self.due(self.now.after(trip), fail("Connection refused"));
        }
        let end = |machine, conn| End {
            machine,
            conn,
            open: true,
        };
        let now = self.now.after(slower.unwrap_or(0));
        let new = Conn::new(end(i, conn), end(peer, ConnId(0)), now);
        let id = self.network.open(new);
        self.travel(id, 1, 0, Item::Syn);
    }

    /// Puts something on its way to side `to`.
    pub(super) fn travel(&mut self, conn: u64, to: usize, len: usize, item: Item) {
        if let Some(at) = self.network.schedule(conn, to, len, self.now) {
            self.due(at, Due::Arrive { conn, to, item });
        }
    }

    pub(super) fn send(&mut self, i: usize, conn: ConnId, bytes: &[u8]) {
        if let Some(number) = self.client_of(i, conn) {
            return self.reply(i, number, bytes);
        }
        let Some((id, side)) = self.network.find(i, conn) else {
            return;
        };
        let to = 1 - side;
        let Some(peer) = self.network.conn(id).map(|c| c.ends[to].machine) else {
            return;
        };
        let most = match self.network.direction(i, peer).segment {
            0 => PACKET_MAX,
            bytes => (bytes as usize).min(PACKET_MAX),
        };
        let mut left = bytes.len() as u64;
        let newest = self.stream_end(i, peer, conn);
        for chunk in bytes.chunks(most) {
            let Some(at) = self.network.schedule(id, to, chunk.len(), self.now) else {
                return;
            };
            let Some(c) = self.network.conn_mut(id) else {
                return;
            };
            c.lanes[to].undelivered += chunk.len() as u64;
            left -= chunk.len() as u64;
            let payload = super::network::Payload::from(chunk);
            if let Some(oracle) = self.oracle_mut() {
                oracle.sent(id, to, chunk);
            }
            let packet = super::watch::packet(self, id, side, at, payload.clone());
            let item = Item::Bytes {
                bytes: payload,
                packet,
                offset: newest.map(|newest| newest - left.min(newest)),
            };
            self.due(at, Due::Arrive { conn: id, to, item });
        }
        if self.network.conn(id).is_some_and(|c| c.lanes[to].presses()) {
            self.pressed.push((id, to));
        }
    }

    /// Bytes for a client of the world itself.
    fn reply(&mut self, i: usize, number: usize, bytes: &[u8]) {
        let Some(client) = &mut self.machines[i].clients[number] else {
            return;
        };
        let known = client.replies.len();
        client.receive(bytes);
        self.hash(bytes);
        if self.executing == Some((i, number)) {
            return;
        }
        // To what was sent earlier.
        self.with_oracle(|oracle, world| {
            let replies = world.machines[i].clients[number].iter();
            for reply in replies.flat_map(|client| &client.replies[known..]) {
                oracle.replied(world, i, number, reply);
            }
        });
    }

    /// Number of the newest byte in the stream, when somebody waits for one on this path and the connection is fed.
    fn stream_end(&self, i: usize, peer: usize, conn: ConnId) -> Option<u64> {
        let armed = self.network.path(i, peer).armed.as_ref()?;
        if armed.from != i || matches!(armed.at, Byte::After(_)) {
            return None;
        }
        let node = self.machines[i].node.as_ref()?;
        let fed = |r: &crate::node::Attached| {
            r.conn == conn && r.buffered == 0 && r.state == crate::node::ReplicaState::Online
        };
        node.attached()
            .iter()
            .any(fed)
            .then(|| node.history().offset)
    }

    /// The sender learns what is still pending once all has come that comes at this moment.
    fn relieve(&mut self, conn: u64, to: usize) {
        let Some(c) = self.network.conn_mut(conn) else {
            return;
        };
        let lane = &mut c.lanes[to];
        if lane.presses() && !lane.press_due {
            lane.press_due = true;
            self.due(self.now, Due::Pressure { conn, to });
        }
    }

    /// Tells the sender how much of what it wrote to side `to` is pending.
    pub(super) fn press(&mut self, conn: u64, to: usize) {
        let Some(c) = self.network.conn_mut(conn) else {
            return;
        };
        let pending = c.lanes[to].undelivered.saturating_sub(SOCKET_BUFFER);
        let sender = c.ends[1 - to];
        let news = pending > 0 || c.lanes[to].pressed;
        c.lanes[to].pressed = pending > 0;
        c.lanes[to].press_due = false;
        if news && sender.open && self.machines[sender.machine].paused_until.is_none() {
            self.input(sender.machine, Input::Pending(sender.conn, pending));
        }
    }

    // --- arriving ----------------------------------------------------------------------------------------------------

    /// Something has come to side `to`: delivered, or held behind what is held already.
    pub(super) fn arrive(&mut self, conn: u64, to: usize, item: Item) {
        let waits = self
            .network
            .conn(conn)
            .is_some_and(|c| !c.lanes[to].held.is_empty())
            || !self.passes(conn, to, &item);
        match self.network.conn_mut(conn) {
            Some(c) if waits => c.lanes[to].held.push_back(item),
            Some(_) => self.deliver(conn, to, item),
            None => {
                if let Item::Bytes { packet, .. } = item {
                    self.watch.fate(packet, false);
                }
            }
        }
    }

    /// Delivers all that was held and may pass now.
    pub(super) fn release(&mut self) {
        for conn in self.network.ids() {
            for to in [0, 1] {
                while let Some(item) = self
                    .network
                    .conn(conn)
                    .and_then(|c| c.lanes[to].held.front().cloned())
                    && self.passes(conn, to, &item)
                {
                    if let Some(c) = self.network.conn_mut(conn) {
                        c.lanes[to].held.pop_front();
                    }
                    self.deliver(conn, to, item);
                }
            }
        }
    }

    /// Whether nothing holds what has come to side `to`.
    fn passes(&mut self, conn: u64, to: usize, item: &Item) -> bool {
        let Some(c) = self.network.conn(conn) else {
            return true;
        };
        let (from, machine) = (c.ends[1 - to].machine, c.ends[to].machine);
        if self.network.path(from, machine).cut
            || self.now < self.network.direction(from, machine).stalled_until
        {
            return false;
        }
        let machine = &self.machines[machine];
        if machine.paused_until.is_some() && !matches!(item, Item::Syn) {
            return false;
        }
        if !matches!(item, Item::Bytes { .. }) {
            return true;
        }
        match machine.reads {
            None => true,
            Some(0) => false,
            Some(_) if machine.reads_at <= self.now => true,
            Some(_) => {
                let (at, machine) = (machine.reads_at, c.ends[to].machine);
                if self.machines[machine].release_at != at {
                    self.machines[machine].release_at = at;
                    self.due(at, Due::Release);
                }
                false
            }
        }
    }

    fn deliver(&mut self, conn: u64, to: usize, item: Item) {
        match item {
            Item::Syn => self.accept(conn),
            Item::Accepted => {
                let Some(end) = self.network.conn(conn).map(|c| c.ends[1]) else {
                    return;
                };
                let addr = Addr {
                    host: "127.0.0.1".into(),
                    port: 40_000 + conn as u16,
                };
                let own = self.own_addr(end.machine);
                self.input(end.machine, Input::Accepted(end.conn, addr, own));
            }
            Item::Dialed => {
                let Some(c) = self.network.conn_mut(conn) else {
                    return;
                };
                c.established = true;
                let end = c.ends[0];
                if end.open {
                    self.input(end.machine, Input::Dialed(end.conn));
                }
            }
            Item::Bytes {
                bytes,
                packet,
                offset,
            } => self.deliver_bytes(conn, to, &bytes, packet, offset),
            Item::Fin | Item::Reset => {
                if let Some(oracle) = self.oracle_mut() {
                    oracle.forget(conn);
                }
                if let Some(c) = self.network.remove(conn)
                    && c.ends[to].open
                {
                    self.input(c.ends[to].machine, Input::Closed(c.ends[to].conn));
                }
            }
        }
    }

    fn deliver_bytes(
        &mut self,
        conn: u64,
        to: usize,
        bytes: &[u8],
        packet: u64,
        offset: Option<u64>,
    ) {
        let Some(c) = self.network.conn_mut(conn) else {
            return;
        };
        c.lanes[to].undelivered = c.lanes[to].undelivered.saturating_sub(bytes.len() as u64);
        let (end, from, half_open) = (c.ends[to], c.ends[1 - to].machine, c.half_open);
        self.watch.fate(packet, end.open);
        if !end.open {
            if half_open {
                self.travel(conn, 1 - to, 0, Item::Reset);
            }
            return;
        }
        let (len, cut) = self.armed_cut(from, end.machine, bytes.len(), offset);
        let reads = self.machines[end.machine].reads;
        if let Some(per_s) = reads.filter(|&per_s| per_s > 0) {
            let us = (bytes.len() as u64 * SECOND_US).div_ceil(per_s);
            self.machines[end.machine].reads_at = self.now.after(us);
        }
        self.with_oracle(|oracle, world| oracle.delivered(world, conn, to, &bytes[..len]));
        if len > 0 {
            self.input(end.machine, Input::Bytes(end.conn, &bytes[..len]));
        }
        if let Some(armed) = cut {
            self.cut(from, end.machine, &armed.told);
        }
        self.relieve(conn, to);
    }

    /// How many of these bytes still arrive, and the cut that follows.
    fn armed_cut(
        &mut self,
        from: usize,
        to: usize,
        len: usize,
        offset: Option<u64>,
    ) -> (usize, Option<Armed>) {
        let armed = self.network.path(from, to).armed.clone();
        let Some(mut armed) = armed.filter(|armed| armed.from == from) else {
            return (len, None);
        };
        match (&mut armed.at, offset) {
            (Byte::After(left), _) if *left > len as u64 => {
                *left -= len as u64;
                self.network.path_mut(from, to).armed = Some(armed);
                (len, None)
            }
            (Byte::After(left), _) => (*left as usize, Some(armed)),
            (Byte::Offset(last), Some(newest)) if newest >= *last => {
                let too_many = (newest - *last).min(len as u64);
                (len - too_many as usize, Some(armed))
            }
            (Byte::Offset(_), _) => (len, None),
        }
    }

    /// The kernel of the dialled machine answers.
    fn accept(&mut self, id: u64) {
        let Some(c) = self.network.conn(id) else {
            return;
        };
        let (dialer, peer) = (c.ends[0], c.ends[1].machine);
        if self.is_outside(peer) {
            // Who bridges it dials out there, and tells what came of it.
            let conn = self.machines[peer].accept_id();
            if let Some(c) = self.network.conn_mut(id) {
                c.ends[1].conn = conn;
                c.ends[1].open = false;
            }
            return;
        }
        if self.machines[peer].node.is_none() {
            let trip = self.network.delay_us(peer, dialer.machine);
            self.network.remove(id);
            let epoch = self.machines[dialer.machine].epoch;
            let due = Due::DialFailed {
                machine: dialer.machine,
                epoch,
                conn: dialer.conn,
                why: "Connection refused",
            };
            return self.due(self.now.after(trip), due);
        }
        let conn = self.machines[peer].accept_id();
        if let Some(c) = self.network.conn_mut(id) {
            c.ends[1].conn = conn;
        }
        self.travel(id, 0, 0, Item::Dialed);
        self.arrive(id, 1, Item::Accepted);
    }

    // --- the end -----------------------------------------------------------------------------------------------------

    /// A node closes: the other side learns it after all that was written before.
    pub(super) fn close(&mut self, i: usize, conn: ConnId) {
        if let Some(client) = self.client_of(i, conn) {
            self.machines[i].clients[client] = None;
            if let Some(oracle) = self.oracle_mut() {
                oracle.hung_up(i, client);
            }
            return;
        }
        if let Some((id, side)) = self.network.find(i, conn) {
            self.hang_up(id, side);
        }
    }

    pub(super) fn hang_up(&mut self, id: u64, side: usize) {
        if let Some(c) = self.network.conn_mut(id) {
            c.ends[side].open = false;
            self.travel(id, 1 - side, 0, Item::Fin);
        }
    }

    /// A connection breaks, and the machines in `told` learn it now. When both do, what is on its way is lost. When one
    /// does, the other keeps half a connection, and what it sends is answered by a reset once the path is whole. When
    /// none does, everything waits.
    pub(super) fn break_conn(&mut self, id: u64, told: &[usize]) {
        let Some(c) = self.network.conn_mut(id) else {
            return;
        };
        let learns = |end: &End| end.open && told.contains(&end.machine);
        let ends = c.ends;
        if !ends.iter().any(learns) && ends.iter().any(|e| e.open) {
            return;
        }
        let both = ends.iter().all(|end| learns(end) || !end.open);
        for end in c.ends.iter_mut().filter(|end| learns(end)) {
            end.open = false;
        }
        c.half_open = true;
        let established = c.established;
        for lane in &mut c.lanes {
            for item in lane.held.drain(..) {
                if let Item::Bytes { packet, .. } = item {
                    self.watch.fate(packet, false);
                }
            }
            lane.undelivered = 0;
        }
        if both {
            self.network.remove(id);
        }
        if let Some(oracle) = self.oracle_mut() {
            oracle.broken(id, !both);
        }
        self.lose(id);
        for end in ends.iter().filter(|end| learns(end)) {
            let lost = Due::Lost {
                machine: end.machine,
                epoch: self.machines[end.machine].epoch,
                conn: end.conn,
                dialed: established || end.conn.0 % 2 == 1,
            };
            self.happen(lost);
        }
    }

    /// What is on its way on this connection never arrives.
    fn lose(&mut self, id: u64) {
        for (_, _, due) in &self.queue {
            if let Due::Arrive {
                conn,
                item: Item::Bytes { packet, .. },
                ..
            } = due
                && *conn == id
            {
                self.watch.fate(*packet, false);
            }
        }
        self.queue
            .retain(|(_, _, due)| !matches!(due, Due::Arrive { conn, .. } if *conn == id));
    }

    /// Whether nothing passes between two machines, in one direction at least, until somebody acts.
    pub(super) fn blocked(&self, a: usize, b: usize) -> bool {
        self.network.path(a, b).cut
            || [(a, b), (b, a)]
                .iter()
                .any(|&(from, to)| self.network.direction(from, to).stalled_until == FOREVER)
    }
}
