//! The world around the nodes: servers with a disk and a child process, the network between them, virtual time. A
//! [`Cluster`] is a plain value: seed and actions are all there is to it. `network` has what TCP promises and
//! `lanes` lets it happen, `machine` has what a node has besides its memory, `cluster` is the only loop; `act` does what
//! an [`Action`] says; `watch` keeps what an onlooker wants to see, and `snapshot` hands it out; `handshake`, `fate`
//! and `sequence` read it, and `probe` asks what would happen, and `told` asks it of two texts; `hurry` lets things happen out of their turn; `outside` is where a real server comes in; the `oracle`
//! judges every event, the `swarm` looks for what it could say, and `exhaust` looks everywhere, in small worlds that it
//! knows again by their `essence`. Never knows the page, and shares no back door with the nodes.

mod act;
pub mod action;
mod cluster;
#[cfg(feature = "judge")]
mod essence;
#[cfg(feature = "judge")]
pub mod exhaust;
pub mod fate;
mod faults;
mod handshake;
#[cfg_attr(not(feature = "judge"), allow(dead_code))]
mod hurry;
mod lanes;
mod load;
mod machine;
mod network;
#[cfg_attr(not(feature = "judge"), allow(dead_code))]
pub mod oracle;
mod outside;
mod probe;
mod sequence;
pub mod snapshot;
#[cfg(feature = "judge")]
pub mod swarm;
pub mod told;
mod trail;
mod watch;

pub use crate::node::Blocks;
pub use action::{Action, BadAction};
pub use cluster::{Cluster, Options, Weight};
pub use handshake::Exchange;
pub use outside::{Outside, OutsideConn, PASSWORD, REAL};
pub use probe::Remedy;
pub use snapshot::Snapshot;
pub use watch::Found as FoundKeys;
