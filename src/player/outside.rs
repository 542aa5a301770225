//! A world with a real server in it: what came from out there waits here until the world is live and runs, and what the
//! world wants of out there is told in lines. Time is real time, and a paused world is a process that stands still: the
//! server waits for it, and gives it up after its `repl-timeout`.

use super::Player;
use crate::sim::action::Came;
use crate::sim::{Action, REAL};
use crate::tape::BranchId;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The name of a connection for whoever holds the sockets: the same number on another branch is another connection.
fn key(branch: BranchId, conn: u64) -> String {
    [&branch.0.to_string(), ".", &conn.to_string()].concat()
}

impl Player {
    /// Something came from out there: the name of a connection and what follows it in the line of an
    /// [`Action::Outside`]. It happens as soon as the world runs.
    pub fn hear(&mut self, line: &str) {
        let Some((branch, rest)) = line.split_once('.') else {
            return;
        };
        let action = Action::parse(&["outside ", REAL, " ", rest].concat());
        if let (Ok(branch), Ok(action)) = (branch.parse(), action) {
            self.heard.push_back((BranchId(branch), action));
            self.let_in(usize::MAX);
        }
    }

    /// Lets happen what waits, at most so many of it; nothing while the world is paused or in the past.
    pub(super) fn let_in(&mut self, most: usize) {
        if self.heard.is_empty() || self.tape.in_the_past() || !(self.playing || most == 1) {
            return;
        }
        for _ in 0..most.min(self.heard.len()) {
            let Some((branch, action)) = self.heard.pop_front() else {
                break;
            };
            if branch != self.tape.branch() {
                continue; // this branch has connections of its own
            }
            if let Action::Outside { conn, came, .. } = &action
                && let Came::Bytes(bytes) = came
            {
                self.credit.push((key(branch, *conn), bytes.len()));
            }
            // A connection that is gone meanwhile: nobody misses what came on it.
            let _ = self.tape.act(action);
            self.tell_late();
        }
        self.changed();
    }

    /// What the world wants of out there now, a line each: `send CONN BASE64`; `took CONN BYTES`, so much of what came is
    /// done with; and last `conns` with all connections that there are, those that wait to be dialled with a `?`.
    /// `None` where no server is outside, or where the past is looked at.
    pub fn wants(&mut self) -> Option<String> {
        self.world().outside()?;
        if self.tape.in_the_past() {
            return None;
        }
        let (mut out, branch) = (String::new(), self.tape.branch());
        for (conn, bytes) in self.tape.take_outgoing() {
            out.push_str(
                &[
                    "send ",
                    &key(branch, conn),
                    " ",
                    &STANDARD.encode(bytes),
                    "\n",
                ]
                .concat(),
            );
        }
        for (conn, bytes) in std::mem::take(&mut self.credit) {
            out.push_str(&["took ", &conn, " ", &bytes.to_string(), "\n"].concat());
        }
        out.push_str("conns");
        for conn in self.world().outside_conns() {
            out.push_str(if conn.open { " " } else { " ?" });
            out.push_str(&key(branch, conn.id));
        }
        Some(out)
    }
}
