//! Bytes, nothing else: what Redis servers write to each other and to their disks. Knows no node, no clock, no
//! network. `resp` is the protocol of commands and replies, `rdb` the snapshot format, `tap` decodes a connection for
//! people to look at.

#[cfg(not(target_arch = "wasm32"))]
mod bytes;
pub mod rdb;
pub mod resp;
pub mod tap;

/// A string of any bytes, cheap to share: command arguments, keys, members and values are all of this type.
#[cfg(not(target_arch = "wasm32"))]
pub use bytes::Bytes;
/// In the page short strings do not stand in place: the code for it would be downloaded.
#[cfg(target_arch = "wasm32")]
pub type Bytes = std::rc::Rc<[u8]>;
