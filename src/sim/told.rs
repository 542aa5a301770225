//! The verdict on a PSYNC that nobody has sent, between two servers of which only the texts of `INFO replication` are
//! known. The node that decides is the one that decides in the world: see [`node::told`](crate::node::told).

use super::snapshot::Verdict;
use crate::node::told;
pub use crate::node::told::Unread;
use crate::time::Instant;
use std::fmt;

/// Which of the two texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Master,
    Replica,
}

/// Why there is no verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    Unread(Side, Unread),
    /// The first is a replica's and the second a master's.
    Swapped,
    /// Both are the same text.
    Same,
    /// The first server has lost its own master: it would answer `-NOMASTERLINK` to every PSYNC.
    NoLink,
}

/// What the server of the first text would answer the one of the second if that one reconnected now.
///
/// # Errors
/// A text that cannot be read, or two that do not belong together.
pub fn verdict(master: &str, replica: &str) -> Result<Verdict, Problem> {
    let read = |side, text| told::read(text).map_err(|what| Problem::Unread(side, what));
    let (m, r) = (read(Side::Master, master)?, read(Side::Replica, replica)?);
    if m == r {
        return Err(Problem::Same);
    }
    if m.link.is_some() && r.link.is_none() {
        return Err(Problem::Swapped);
    }
    if m.link.as_ref().is_some_and(|link| !link.up) {
        return Err(Problem::NoLink);
    }
    let (id, asked) = r.would_ask();
    let (outcome, log) = m.would_answer(&id, asked, "<replica>");
    Ok(Verdict {
        at: Instant::WORLD,
        master: "master".into(),
        replica: "replica".into(),
        asked_id: id,
        asked,
        outcome,
        first: m.window.map_or(0, |w| w.first),
        size: m.window.map_or(0, |w| w.size),
        offset: m.history.offset,
        replid: m.history.replid,
        replid2: m.history.replid2,
        second_offset: m.history.second_offset,
        log,
    })
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Master => "the master's text",
            Self::Replica => "the replica's text",
        })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread(side, Unread::Nothing) => {
                write!(f, "{side} has no line like role:master: paste all that INFO replication prints")
            }
            Self::Unread(side, Unread::Missing(field)) => {
                write!(f, "{side} lacks the field {field}: paste all that INFO replication prints")
            }
            Self::Unread(side, Unread::Wrong(field, value)) => {
                write!(f, "{field} in {side} cannot be '{value}': was it cut, or changed?")
            }
            Self::Swapped => f.write_str("the first text is a replica's and the second a master's: they look swapped"),
            Self::Same => f.write_str("both texts are of the same server"),
            Self::NoLink => f.write_str(
                "the server of the first text has lost its own master: it would answer -NOMASTERLINK until it is back",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::snapshot::{FullCause, Outcome};
    use crate::sim::{Action, Cluster, Options};
    use crate::wire::resp::Reply;

    fn info(world: &mut Cluster, node: &str) -> String {
        match world.exec(node, &["INFO", "replication"]) {
            Some(Reply::Bulk(text)) => String::from_utf8_lossy(&text).into_owned(),
            other => panic!("{other:?}"),
        }
    }

    fn act(world: &mut Cluster, line: &str) {
        world
            .act(&Action::parse(line).expect("an action"))
            .expect("it can be done");
    }

    /// Both texts of a world say what its nodes would do.
    #[track_caller]
    fn as_probed(world: &mut Cluster, master: &str, replica: &str) -> Verdict {
        let (m, r) = (info(world, master), info(world, replica));
        let told = verdict(&m, &r).unwrap_or_else(|e| panic!("{e}\n{m}\n{r}"));
        let probed = world
            .probe(replica, master, None)
            .expect("both run")
            .expect("a verdict");
        assert_eq!(
            (told.outcome.clone(), told.asked, &told.asked_id),
            (probed.outcome.clone(), probed.asked, &probed.asked_id)
        );
        assert_eq!(told.remedy(), probed.remedy());
        let same = |log: &str| {
            log.replace(|c: char| c.is_ascii_digit() || ":.<>".contains(c), "")
                .replace("replica", "")
        };
        assert_eq!(same(&told.log), same(&probed.log));
        told
    }

    #[test]
    fn two_texts_say_what_two_nodes_would_do() {
        let mut world = Cluster::ready(Options::default());
        world.exec("m", &["SET", "a", "b"]);
        world.settle(10_000_000);
        let said = as_probed(&mut world, "m", "r1");
        assert_eq!(said.outcome, Outcome::Continue { bytes: 0 });
        act(&mut world, "cut m r1");
        for (writes, partial) in [(3, true), (40, false)] {
            for i in 0..writes {
                world.exec("m", &["SET", "k", &i.to_string()]);
            }
            let said = as_probed(&mut world, "m", "r1");
            assert_eq!(matches!(said.outcome, Outcome::Continue { .. }), partial);
        }
        // A promotion: the others are on the new master's second history; the old master wrote past it.
        act(&mut world, "heal");
        world.settle(20_000_000);
        world.exec("r1", &["REPLICAOF", "NO", "ONE"]);
        assert!(matches!(
            as_probed(&mut world, "r1", "r2").outcome,
            Outcome::Continue { .. }
        ));
        world.exec("m", &["SET", "late", "write"]);
        world.settle(20_000_000);
        let said = as_probed(&mut world, "r1", "m");
        assert!(
            matches!(
                said.outcome,
                Outcome::Full {
                    cause: FullCause::BeyondSecond { .. }
                }
            ),
            "{said:?}"
        );
        world.exec("r2", &["DEBUG", "CHANGE-REPL-ID"]);
        assert_eq!(
            as_probed(&mut world, "r1", "r2").outcome,
            Outcome::Full {
                cause: FullCause::OtherHistory
            }
        );
    }

    #[test]
    fn what_is_wrong_with_a_text_is_said() {
        let mut world = Cluster::ready(Options::default());
        let (m, r) = (info(&mut world, "m"), info(&mut world, "r1"));
        let without = |text: &str, field: &str| {
            let lines = text
                .lines()
                .filter(|l| !l.starts_with(&format!("{field}:")));
            lines.collect::<Vec<_>>().join("\n")
        };
        let with = |text: &str, field: &str, value: &str| {
            format!("{field}:{value}\n{}", without(text, field))
        };
        let said = |m: &str, r: &str| {
            verdict(m, r)
                .expect_err("there is something wrong")
                .to_string()
        };
        assert_eq!(
            said(&r, &m),
            "the first text is a replica's and the second a master's: they look swapped"
        );
        assert_eq!(said(&m, &m), "both texts are of the same server");
        assert!(said("", &r).starts_with("the master's text has no line like role:master"));
        assert!(said(&m, "hello").starts_with("the replica's text has no line"));
        for field in [
            "role",
            "master_replid",
            "master_repl_offset",
            "repl_backlog_active",
            "repl_backlog_histlen",
        ] {
            assert!(
                said(&without(&m, field), &r)
                    .starts_with(&format!("the master's text lacks the field {field}:")),
                "{field}"
            );
        }
        for field in ["slave_repl_offset", "master_link_status"] {
            assert!(
                said(&m, &without(&r, field))
                    .starts_with(&format!("the replica's text lacks the field {field}:")),
                "{field}"
            );
        }
        for (field, value) in [
            ("role", "sentinel"),
            ("master_replid", "abc"),
            ("master_repl_offset", "-1"),
            ("master_repl_offset", "99999999999999999999"),
            ("second_repl_offset", "x"),
            ("repl_backlog_histlen", "1"),
        ] {
            let error = said(&with(&m, field, value), &r);
            assert!(
                error.starts_with(&format!("{field} in the master's text cannot be '{value}'")),
                "{error}"
            );
        }
        let alone = with(&r, "master_link_status", "down");
        assert!(said(&alone, &with(&r, "slave_repl_offset", "5")).contains("-NOMASTERLINK"));
        // As it is copied from a terminal, with a prompt and other sections around it.
        let copied = format!(
            "127.0.0.1:6379> INFO\r\n# Server\r\nredis_version:7.0.15\r\n{}\r\n# CPU\r\nused_cpu_sys:1.0\r\n",
            m.replace('\n', "\r\n")
        );
        assert_eq!(verdict(&copied, &r), verdict(&m, &r));
        // A replica that never had a copy, and a master without a ring.
        let fresh = with(
            &with(&r, "master_link_status", "down"),
            "slave_repl_offset",
            "1",
        );
        let new = verdict(&m, &fresh).expect("a verdict");
        assert_eq!(
            (new.asked, new.outcome),
            (
                -1,
                Outcome::Full {
                    cause: FullCause::New
                }
            )
        );
        let bare = with(&m, "repl_backlog_active", "0");
        assert_eq!(
            verdict(&bare, &r).expect("a verdict").outcome,
            Outcome::Full {
                cause: FullCause::NoBacklog
            }
        );
    }
}
