//! **Ringside**: Redis replication, watched from ringside. A full replication engine, several virtual servers joined by
//! in-memory connections, and a page that shows every byte.
//!
//! *Five words.* A person does an [`Action`](sim::Action); a node gets an [`Input`](node::Input) and answers with
//! [`Output`](node::Output)s; what a screen shows is a [`Snapshot`](sim::Snapshot); a [`Cluster`](sim::Cluster) is the
//! world, a plain value: *seed + actions = everything*.
//!
//! | layer | what it is | may import |
//! |---|---|---|
//! | [`time`], [`rng`], [`order`] | a clock and luck as plain values; sorting | nothing |
//! | [`wire`] | bytes: RESP, RDB, and a tap that decodes a connection | nothing |
//! | [`node`] | one Redis server without IO | wire, time, rng |
//! | [`sim`] | the world: network, machines, virtual time | node and below; never script |
//! | [`script`] | scenarios as text with recorded output | sim and below |
//! | [`tape`] | time travel: keyframes, branches, undo | sim and below |
//! | [`link`] | a session as a short text for an address | tape, script and below |
//! | [`player`] | a tape with a remote control and a console | tape and below |
//! | [`lessons`] | what is told, asked and checked, step by step | player and below |
//! | `ui`, `api` (wasm), `native` | the page, the JavaScript handle, TCP | player, sim; native also node |
//!
//! `tests/tidy.rs` keeps these walls.

pub mod lessons;
pub mod link;
pub mod node;
pub mod order;
pub mod player;
pub mod rng;
pub mod script;
pub mod sim;
pub mod tape;
pub mod time;
pub mod wire;

#[cfg(all(target_arch = "wasm32", feature = "api"))]
pub mod api;
#[cfg(not(target_arch = "wasm32"))]
pub mod native;
/// Where there is no JavaScript, what the handle tells is there for the test that writes its types.
#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "api/shapes.rs"]
pub mod shapes;
#[cfg(all(target_arch = "wasm32", feature = "page"))]
pub mod ui;
/// Where there is no browser, the drawing of the page is all that there is of it.
#[cfg(not(target_arch = "wasm32"))]
#[path = "ui/picture.rs"]
pub mod ui;
