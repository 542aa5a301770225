//! Scenarios as text: what is done, and what came of it, recorded. A script is a story that can be read, run and
//! checked. It is made of blocks; a block is some lines of input, `---`, and the output that they gave.
//!
//! | line | kind | prints |
//! |---|---|---|
//! | `# prose` | the first one is the title | nothing |
//! | `cluster seed=7 replicas=2 backlog=512 latency=100ms` | do; a fresh world | nothing |
//! | `key NAME VALUE` | right after `cluster … keys=no`: one that `m` has from the start | nothing |
//! | `m> SET city Oslo` | do | the reply |
//! | `m>> "SET a 1" "GET a"` | do, in one go: what is written travels together | the replies |
//! | `cut m r1`, and all other [`Action`](crate::sim::Action)s | do | nothing |
//! | `settle` | wait until only heartbeats are left | what happened, a line each |
//! | `run 2s`, `step 3`, `until r1 online` | wait | what happened |
//! | `status`, `digest`, `wire 5`, `backlog m`, `log r1 3` | show | a table |
//! | `mark NAME` | a place to run to | nothing |
//! | `judge` | do; from now on a broken law fails the line in which it is broken | acknowledged writes, when they are lost |
//!
//! There is no verb to look at a node, to expect or to predict something, because lines and their output do that: `m> GET
//! city` and `r1> GET city` below each other compare two nodes, `m> INFO replication` and `m> ROLE` tell of one; what is
//! expected stands under `---`, and every run compares it; what has to go wrong has a `!`. Questions to a learner, who
//! predicts, belong to lessons, whose texts are made of these lines and more (`src/lessons/texts/README.md`).
//!
//! `(silent)` before a line drops its output; `!` before a line says that it has to fail. `latency=` and `backlog=` may
//! be left out. A reply that is not given at once (`WAIT`, `BLPOP`) is printed by the wait during which it comes.
//! `parse` reads, `run` does.

mod parse;
mod run;

pub use parse::{BadScript, Block, Line, Script, Verb, parse_action, parse_key, parse_options};
pub use run::{Runner, cluster_lines, of_deeds, phase_word};

#[cfg(test)]
mod tests;
