//! Bytes, nothing else: what Redis servers write to each other and to their disks. Knows no node, no clock, no
//! network. `resp` is the protocol of commands and replies, `rdb` the snapshot format, `tap` decodes a connection for
//! people to look at.

mod bytes;
pub mod rdb;
pub mod resp;
pub mod tap;

pub use bytes::Bytes;
