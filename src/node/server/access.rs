//! What a server with one user and no modules, scripts and cluster has to say about them: `ACL`, `MODULE`, `CLUSTER`;
//! and `LOLWUT`.

use super::{Done, help, not_allowed, ok, unknown_subcommand};
use crate::node::config;
use crate::node::registry::{self, CATEGORIES};
use crate::node::{Node, Session};
use crate::wire::Bytes;
use crate::wire::resp::{self, parse_i64};

/// There is one user, `default`, whose password is `requirepass` and who may do everything.
pub(super) fn acl(node: &mut Node, s: &mut Session<'_>) -> Done {
    match s.word(1).as_str() {
        "whoami" => resp::bulk(&mut s.reply, b"default"),
        "users" => resp::command_into(&mut s.reply, &["default"]),
        "list" => {
            let rule = config::user_rule(&node.config.requirepass);
            resp::command_into(&mut s.reply, &[rule]);
        }
        "getuser" if &*s.args[2] == b"default" => get_user(node, s),
        "getuser" => s.reply.nil(),
        "cat" if s.args.len() == 2 => {
            let names: Vec<&str> = CATEGORIES.iter().map(|(name, _)| *name).collect();
            resp::command_into(&mut s.reply, &names);
        }
        "cat" if s.args.len() == 3 => {
            let wanted = s.word(2);
            if !CATEGORIES.iter().any(|(name, _)| *name == wanted) {
                return Err(format!("ERR Unknown category '{}'", s.text(2)));
            }
            let all = registry::all().iter().filter(|c| c.in_category(&wanted));
            let names: Vec<&str> = all.map(|c| c.name).collect();
            resp::command_into(&mut s.reply, &names);
        }
        "genpass" if s.args.len() <= 3 => {
            let bits = s.args.get(2).map_or(Some(256), |arg| parse_i64(arg));
            let bits = bits.filter(|n| (1..=4096).contains(n)).ok_or(
                "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096",
            )?;
            let digits = (bits as usize).div_ceil(4);
            let mut text = String::new();
            while text.len() < digits {
                text.push_str(&node.rng.hex40());
            }
            resp::bulk(&mut s.reply, &text.as_bytes()[..digits]);
        }
        "log" if s.word(2) == "reset" => return ok(s),
        "log" => resp::array_len(&mut s.reply, 0),
        "dryrun" if &*s.args[2] != b"default" => {
            return Err(format!("ERR User '{}' not found", s.text(2)));
        }
        "dryrun" => {
            let command = registry::find(&s.args[3..]);
            command.ok_or_else(|| format!("ERR Command '{}' not found", s.text(3)))?;
            return ok(s);
        }
        "load" | "save" => {
            return Err("ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the \
                        ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file \
                        set) in order to store users in the Redis configuration."
                .into());
        }
        "setuser" if s.args.len() > 2 && &*s.args[2] == b"default" => {
            set_password(node, &s.args[3..])?;
            return ok(s);
        }
        "setuser" | "deluser" => return Err(ONE_USER.into()),
        "help" => {
            return help(
                s,
                &[
                    (
                        "CAT [<category>]",
                        "The categories of commands, or the commands of one.",
                    ),
                    (
                        "DRYRUN <username> <command> [<arg> ...]",
                        "Whether a user may run a command.",
                    ),
                    (
                        "GETUSER <username>",
                        "What a user may do. There is only 'default' here.",
                    ),
                    ("GENPASS [<bits>]", "A password that nobody can guess."),
                    ("LIST", "The users, as rules."),
                    (
                        "LOG [<count> | RESET]",
                        "What was forbidden to whom: nothing.",
                    ),
                    ("USERS", "The names of the users."),
                    ("WHOAMI", "The user of this connection."),
                ],
            );
        }
        _ => return unknown_subcommand(s),
    }
    Ok(())
}

const ONE_USER: &str =
    "ERR this server has the default user alone, who may do everything and has one password";

/// Of the rules of `ACL SETUSER` those that leave the user what it is; all of them, or none.
fn set_password(node: &mut Node, rules: &[Bytes]) -> Done {
    let mut password = node.config.requirepass.clone();
    for rule in rules {
        let rule = std::str::from_utf8(rule).map_err(|_| ONE_USER)?;
        match (rule.to_ascii_lowercase().as_str(), rule.strip_prefix('>')) {
            (_, Some(new)) if password.is_empty() || password == new => password = new.into(),
            ("nopass", _) => password.clear(),
            ("on" | "~*" | "allkeys" | "&*" | "allchannels" | "+@all" | "allcommands", _) => {}
            _ => return Err(ONE_USER.into()),
        }
    }
    node.config.requirepass = password;
    Ok(())
}

fn get_user(node: &Node, s: &mut Session<'_>) {
    s.reply.map(6);
    resp::bulk(&mut s.reply, b"flags");
    let open = node.config.requirepass.is_empty();
    let flags: &[&str] = if open { &["on", "nopass"] } else { &["on"] };
    s.reply.set(flags.len());
    for flag in flags {
        resp::bulk(&mut s.reply, flag.as_bytes());
    }
    resp::bulk(&mut s.reply, b"passwords");
    let password = node.config.requirepass.as_bytes();
    let hashes: Vec<_> = if open {
        Vec::new()
    } else {
        vec![config::password_hash(password)]
    };
    resp::command_into(&mut s.reply, &hashes);
    for (field, value) in [("commands", "+@all"), ("keys", "~*"), ("channels", "&*")] {
        resp::bulk(&mut s.reply, field.as_bytes());
        resp::bulk(&mut s.reply, value.as_bytes());
    }
    resp::bulk(&mut s.reply, b"selectors");
    resp::array_len(&mut s.reply, 0);
}

pub(super) fn module(_: &mut Node, s: &mut Session<'_>) -> Done {
    match s.word(1).as_str() {
        "list" => {
            resp::array_len(&mut s.reply, 0);
            Ok(())
        }
        "help" => help(s, &[("LIST", "The modules: none.")]),
        "load" | "loadex" | "unload" => Err(not_allowed("MODULE", "enable-module-command")),
        _ => unknown_subcommand(s),
    }
}

pub(super) fn cluster(_: &mut Node, _: &mut Session<'_>) -> Done {
    Err("ERR This instance has cluster support disabled".into())
}

pub(super) fn lolwut(_: &mut Node, s: &mut Session<'_>) -> Done {
    let art = if s.args.len() > 1 {
        ""
    } else {
        "A ring, seen from ringside.\n"
    };
    let text = format!("{art}Redis ver. 7.0.15\n");
    s.reply.verbatim(*b"txt", text.as_bytes());
    Ok(())
}
