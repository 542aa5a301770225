//! `COMMAND`: what the command table says of each command.

use super::{Done, TABLE, integer, unknown_subcommand};
use crate::node::commands::{self, Spec, flag};
use crate::node::{Node, Session};
use crate::wire::resp;

pub(super) fn command(_: &mut Node, s: &mut Session<'_>) -> Done {
    let all = || TABLE.iter().chain(commands::DATA.iter());
    match s.word(1).as_str() {
        "count" => integer(s, all().count() as i64),
        "list" => {
            resp::command_into(
                &mut s.reply,
                &all().map(|spec| spec.name).collect::<Vec<_>>(),
            );
            Ok(())
        }
        "docs" => {
            resp::array_len(&mut s.reply, 0);
            Ok(())
        }
        "" | "info" => {
            let wanted: Vec<Option<&Spec>> = if s.args.len() > 2 {
                (2..s.args.len())
                    .map(|i| all().find(|spec| spec.name == s.word(i)))
                    .collect()
            } else {
                all().map(Some).collect()
            };
            resp::array_len(&mut s.reply, wanted.len());
            for spec in wanted {
                match spec {
                    Some(spec) => describe(&mut s.reply, spec),
                    None => s.reply.nil_array(),
                }
            }
            Ok(())
        }
        _ => unknown_subcommand(s),
    }
}

fn describe(reply: &mut resp::Writer, spec: &Spec) {
    const NAMES: [(u16, &str); 10] = [
        (flag::WRITE, "write"),
        (flag::READONLY, "readonly"),
        (flag::DENYOOM, "denyoom"),
        (flag::ADMIN, "admin"),
        (flag::NOSCRIPT, "noscript"),
        (flag::LOADING, "loading"),
        (flag::STALE, "stale"),
        (flag::FAST, "fast"),
        (flag::NO_AUTH, "no_auth"),
        (flag::NO_MULTI, "no_multi"),
    ];
    resp::array_len(reply, 6);
    resp::bulk(reply, spec.name.as_bytes());
    resp::integer(reply, i64::from(spec.arity));
    let flags: Vec<&str> = NAMES
        .iter()
        .filter(|(bit, _)| spec.flags & bit != 0)
        .map(|(_, name)| *name)
        .collect();
    reply.set(flags.len());
    for name in flags {
        resp::simple(reply, name);
    }
    for n in [spec.keys.0, spec.keys.1, spec.keys.2] {
        resp::integer(reply, i64::from(n));
    }
}
