//! One [`Node`](crate::node::Node) behind TCP: what `ringside server` runs. Here are the things that a node has not of
//! its own: sockets, a clock, luck, a disk and signals. Everything runs in one thread; a snapshot is written in slices
//! between two looks at the sockets, as a simulated child is.
//!
//! | file | what it is |
//! |---|---|
//! | [`options`] | redis.conf and the command line |
//! | [`asked`] | what it answers instead of starting: its usage, its version, how the system is |
//! | [`server`] | the event loop: sockets to [`Input`](crate::node::Input)s, [`Output`](crate::node::Output)s to sockets |
//! | `listen` | listening sockets |
//! | `signals` | SIGTERM and SIGINT |
//! | `supervisor` | what systemd is told |
//! | `files` | how many files may be open |
//! | `host` | what a node asks of the machine: a stopwatch, the process, the configuration file |
//! | `link` | one connection: an out-buffer in front of a socket |
//! | `disk` | `dump.rdb`, and the temporary file next to it |
//! | `log` | lines in Redis's format |
//! | [`bridge`] | `ringside bridge`: a door from the page to one real server |
//! | [`check`] | `ringside check`: the same scenario on real servers |
//! | [`export`] | `ringside export`: a scenario as a shell script or for docker compose |
//! | [`scenario`] | `ringside run`, `link` and `open` |
//! | [`swarm`] | many random worlds at once, and the report |
//! | [`verdict`] | `ringside verdict`: what two `INFO replication` texts say of the next reconnect |

pub mod asked;
pub mod bridge;
pub mod check;
pub mod daemon;
mod disk;
pub mod exhaust;
pub mod export;
mod files;
mod host;
pub mod lesson;
mod link;
mod listen;
mod log;
pub mod options;
pub mod scenario;
pub mod server;
mod signals;
mod supervisor;
pub mod swarm;
pub mod verdict;

pub use options::Options;
pub use server::Server;
