//! The replication backlog: a ring of fixed size that keeps the newest bytes of the stream, so that a replica which was
//! away for a while needs only what it missed. Bytes have global offsets; the ring keeps the last `histlen` of them.
//! The ring is made of pages behind `Rc`: a copy of a node shares them, and a write copies the one that it touches.
//! This is the ring of Redis up to 6.2. Redis 7 keeps the same promise with a list of blocks, which may keep more.

use super::mutant::Mutant;
use std::rc::Rc;

/// Bytes of a page.
const PAGE: usize = 4096;

/// The ring. `offset` is the newest byte's number, as in `History`; it is kept here too so that the ring can never be
/// asked with another's arithmetic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Pages of [`PAGE`] bytes, the last one shorter.
    ring: Vec<Rc<Vec<u8>>>,
    size: usize,
    /// Where the next byte goes.
    idx: usize,
    histlen: u64,
    offset: u64,
    origin: u64,
}

/// What of a ring the verdict on a PSYNC asks for, and `INFO` tells: its size, the number of the oldest byte kept, and how
/// many are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub size: u64,
    pub first: u64,
    pub histlen: u64,
}

impl Window {
    /// Whether a replica that wants the bytes from number `from` on can be served: `from` is in the ring, or the very
    /// next byte.
    pub fn covers(&self, from: i64) -> bool {
        let first = self.first as i64 - i64::from(Mutant::RingByOne.on());
        from >= first && from <= self.first.saturating_add(self.histlen) as i64
    }
}

impl Backlog {
    /// An empty ring whose next byte has the number `offset + 1`. The size is at least 1.
    pub fn new(size: u64, offset: u64) -> Self {
        let size = size.max(1) as usize;
        let blank = Rc::new(vec![0; PAGE.min(size)]);
        let mut ring = vec![blank; size / PAGE.min(size)];
        if ring.len() * PAGE < size {
            ring.push(Rc::new(vec![0; size % PAGE]));
        }
        Self {
            ring,
            size,
            idx: 0,
            histlen: 0,
            offset,
            origin: offset + 1,
        }
    }

    pub fn size(&self) -> u64 {
        self.size as u64
    }

    pub fn histlen(&self) -> u64 {
        self.histlen
    }

    /// Number of the oldest byte kept; one past the newest when the ring is empty.
    pub fn first(&self) -> u64 {
        self.offset - self.histlen + 1
    }

    /// Number of the byte that was written first into slot 0.
    pub fn origin(&self) -> u64 {
        self.origin
    }

    pub fn write(&mut self, bytes: &[u8]) {
        let size = self.size;
        self.offset += bytes.len() as u64;
        self.histlen = (self.histlen + bytes.len() as u64).min(size as u64);
        // Of a write longer than the ring only the end can stay; what comes before it still moves the head.
        let mut rest = bytes;
        if let Some(skipped) = bytes.len().checked_sub(size) {
            self.idx = (self.idx + skipped) % size;
            rest = &bytes[skipped..];
        }
        while !rest.is_empty() {
            let (page, at) = (self.idx / PAGE, self.idx % PAGE);
            let room = (PAGE - at).min(size - self.idx).min(rest.len());
            Rc::make_mut(&mut self.ring[page])[at..at + room].copy_from_slice(&rest[..room]);
            self.idx += room;
            if self.idx == size {
                self.idx = 0;
            }
            rest = &rest[room..];
        }
    }

    pub fn window(&self) -> Window {
        Window {
            size: self.size(),
            first: self.first(),
            histlen: self.histlen,
        }
    }

    /// As [`Window::covers`].
    pub fn covers(&self, from: i64) -> bool {
        self.window().covers(from)
    }

    /// The bytes from number `from` to the newest; `from` must be covered.
    pub fn since(&self, from: u64) -> Vec<u8> {
        assert!(
            self.covers(from as i64),
            "byte {from} was asked of a ring that keeps {}..={}",
            self.first(),
            self.offset
        );
        let len = (self.offset + 1 - from) as usize;
        let mut at = (self.idx + 2 * self.size - len) % self.size;
        let mut out = Vec::with_capacity(len);
        while out.len() < len {
            let page = &self.ring[at / PAGE][at % PAGE..];
            out.extend_from_slice(&page[..page.len().min(len - out.len())]);
            at = (at / PAGE + 1) * PAGE;
            if at >= self.size {
                at = 0;
            }
        }
        out
    }

    /// Another size: the newest bytes that fit are kept.
    pub fn resize(&mut self, size: u64) {
        if size == self.size() {
            return;
        }
        let keep = self.histlen.min(size.max(1));
        let bytes = self.since(self.offset + 1 - keep);
        let mut new = Self::new(size, self.offset - keep);
        new.write(&bytes);
        *self = new;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_window_is_the_newest_bytes() {
        let mut ring = Backlog::new(4, 10);
        assert_eq!((ring.first(), ring.histlen()), (11, 0));
        assert!(ring.covers(11) && !ring.covers(10) && !ring.covers(12));
        ring.write(b"abcdef");
        assert_eq!(
            (ring.first(), ring.histlen(), ring.since(13)),
            (13, 4, b"cdef".to_vec())
        );
        assert_eq!(ring.since(17), b"");
    }

    proptest! {
        #[test]
        fn the_ring_agrees_with_an_endless_tape(size in prop_oneof![1u64..40, 4000u64..12_400], writes in prop::collection::vec(prop_oneof![prop::collection::vec(any::<u8>(), 0..60), prop::collection::vec(any::<u8>(), 3000..9000)], 0..20), resized in prop_oneof![1u64..40, 4000u64..12_400]) {
            let mut ring = Backlog::new(size, 100);
            let mut tape = Vec::new();
            for bytes in &writes {
                ring.write(bytes);
                tape.extend_from_slice(bytes);
            }
            let check = |ring: &Backlog, kept: usize| {
                let expected = &tape[tape.len() - kept..];
                prop_assert_eq!(ring.since(ring.first()), expected);
                prop_assert_eq!(ring.first() + ring.histlen(), 101 + tape.len() as u64);
                Ok(())
            };
            let kept = tape.len().min(size as usize);
            check(&ring, kept)?;
            ring.resize(resized);
            check(&ring, kept.min(resized as usize))?;
        }
    }
}
