//! `DEBUG`: for tests.

use super::{Done, ok};
use crate::node::{Node, Session};
use crate::wire::resp;

pub(super) fn debug(node: &mut Node, s: &mut Session<'_>) -> Done {
    match (s.word(1).as_str(), s.args.len()) {
        ("digest", 2) => {
            let hex: String = node
                .keyspace
                .digest()
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect();
            resp::simple(&mut s.reply, &hex);
            Ok(())
        }
        ("set-active-expire", 3) => {
            node.active_expire = s.text(2) != "0";
            ok(s)
        }
        ("change-repl-id", 2) => {
            node.history.renew(&mut node.rng);
            ok(s)
        }
        _ => Err(format!(
            "ERR DEBUG {} is not one of DIGEST, SET-ACTIVE-EXPIRE, CHANGE-REPL-ID",
            s.text(1).to_ascii_uppercase()
        )),
    }
}
