//! What a replica says to masters of every kind: each case is a master's part, played to a real replica and to ours. All
//! bytes that they send, and where they stand in the end, must be the same.

#[allow(dead_code)]
#[path = "redis/client.rs"]
mod client;
#[allow(dead_code)]
#[path = "redis/master.rs"]
mod master;
#[allow(dead_code)]
#[path = "redis/process.rs"]
mod process;

use client::Client;
use master::{Master, snapshot};
use process::{eventually, ours, real};
use ringside::wire::resp;

const ID: &str = "1234567890123456789012345678901234567890";
const OTHER: &str = "abcdefabcdefabcdefabcdefabcdefabcdefabcd";
const PONG: &str = "+PONG\r\n";
const TWO: &str = "+OK\r\n+OK\r\n";

/// How a connection ends.
#[derive(Clone, Copy)]
enum End {
    /// The replica closes it.
    Closed,
    /// The master does, when the replica has applied the stream so far.
    At(i64),
    /// It stays.
    Open,
}

/// So many commands are read, then this is said.
type Steps = Vec<(usize, Vec<u8>)>;

struct Case {
    name: &'static str,
    args: &'static [&'static str],
    links: Vec<(Steps, End)>,
}

fn said(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

/// `PING` and the two `REPLCONF`, answered as they wish; then what is said to `PSYNC`, and to each command after it.
fn greeted(psync: &[Vec<u8>]) -> Steps {
    let mut steps = vec![(1, said(PONG)), (2, said(TWO))];
    steps.extend(psync.iter().map(|bytes| (1, bytes.clone())));
    steps
}

/// A whole file, by its length.
fn file(id: &str, offset: i64) -> Vec<u8> {
    let file = snapshot(id, offset, 0, 0);
    [format!("${}\r\n", file.len()).into_bytes(), file].concat()
}

/// A whole file, with a mark at its end.
fn marked(id: &str, offset: i64) -> Vec<u8> {
    let mark = "f".repeat(40);
    let head = format!("$EOF:{mark}\r\n").into_bytes();
    [head, snapshot(id, offset, 0, 0), mark.into_bytes()].concat()
}

fn full(id: &str, offset: i64) -> Vec<u8> {
    format!("+FULLRESYNC {id} {offset}\r\n").into_bytes()
}

/// 51 bytes of stream.
fn stream() -> Vec<u8> {
    let words: [&[&str]; 2] = [&["SELECT", "0"], &["SET", "k", "ab"]];
    words.map(resp::command).concat()
}

fn refused(name: &'static str, reply: &str) -> Case {
    Case {
        name,
        args: &[],
        links: vec![
            (greeted(&[said(reply)]), End::Closed),
            (greeted(&[]), End::Open),
        ],
    }
}

/// What cannot be understood is behind a whole command, which is applied; it is not continued from there.
fn broken(name: &'static str, bytes: &[u8]) -> Case {
    let bytes = [&full(ID, 1000), &file(ID, 1000), &stream()[..], bytes].concat();
    Case {
        name,
        args: &[],
        links: vec![
            (greeted(&[bytes]), End::Closed),
            (greeted(&[vec![]]), End::Open),
        ],
    }
}

fn cases() -> Vec<Case> {
    let case = |name, args, links| Case { name, args, links };
    let ping = |text: &str| (vec![(1, said(text))], End::Closed);
    let whole = greeted(&[[full(ID, 1000), file(ID, 1000)].concat(), stream()]);
    let synced = |end: &[u8], applied: i64| {
        let bytes = [&full(ID, 1000), &file(ID, 1000), end].concat();
        (greeted(&[bytes]), End::At(1000 + applied))
    };
    let fallback = |bytes: Vec<u8>| (greeted(&[bytes, file(ID, 1000)]), End::At(-1));
    let again = |bytes: &str| (greeted(&[said(bytes), vec![]]), End::Open);
    let half = [
        stream(),
        resp::command(&["SET", "half", "x"])[..15].to_vec(),
    ]
    .concat();
    vec![
        case(
            "a file, then the first acknowledgement",
            &[],
            vec![(whole, End::At(1051))],
        ),
        case(
            "a password",
            &["--masterauth", "secret"],
            vec![(
                vec![
                    (1, said("-NOAUTH Authentication required.\r\n")),
                    (3, said("+OK\r\n+OK\r\n+OK\r\n")),
                    (1, vec![]),
                ],
                End::Open,
            )],
        ),
        case(
            "a user, and an address of its own",
            &[
                "--masterauth",
                "secret",
                "--masteruser",
                "bob",
                "--replica-announce-ip",
                "10.0.0.5",
                "--replica-announce-port",
                "7777",
            ],
            vec![(
                vec![
                    (1, said(PONG)),
                    (4, said("+OK\r\n+OK\r\n+OK\r\n+OK\r\n")),
                    (1, vec![]),
                ],
                End::Open,
            )],
        ),
        case(
            "a wrong password",
            &["--masterauth", "bad"],
            vec![
                (
                    vec![
                        (1, said(PONG)),
                        (3, said("-WRONGPASS invalid\r\n+OK\r\n+OK\r\n")),
                    ],
                    End::Closed,
                ),
                (vec![(1, vec![])], End::Open),
            ],
        ),
        case(
            "PING: loading",
            &[],
            vec![
                ping("-LOADING Redis is loading\r\n"),
                (greeted(&[]), End::Open),
            ],
        ),
        case(
            "PING: master down",
            &[],
            vec![ping("-MASTERDOWN Link\r\n"), (vec![(1, vec![])], End::Open)],
        ),
        case(
            "PING: no permission",
            &[],
            vec![(
                vec![
                    (1, said("-NOPERM this user\r\n")),
                    (2, said(TWO)),
                    (1, vec![]),
                ],
                End::Open,
            )],
        ),
        case(
            "REPLCONF refused",
            &[],
            vec![(
                vec![
                    (1, said(PONG)),
                    (2, said("-ERR unknown command\r\n-ERR syntax\r\n")),
                    (1, vec![]),
                ],
                End::Open,
            )],
        ),
        refused("PSYNC: no master link", "-NOMASTERLINK Can't SYNC\r\n"),
        refused("PSYNC: loading", "-LOADING x\r\n"),
        case(
            "PSYNC: an error",
            &[],
            vec![fallback(said("-ERR unknown command `PSYNC`\r\n"))],
        ),
        case("PSYNC: nonsense", &[], vec![fallback(said("+HELLO\r\n"))]),
        case(
            "newlines",
            &[],
            vec![(
                greeted(&[
                    [said("\n\n"), full(ID, 5), said("\n\n"), file(ID, 5)].concat(),
                    vec![],
                ]),
                End::At(5),
            )],
        ),
        case(
            "a mark",
            &[],
            vec![(
                greeted(&[[full(ID, 5), marked(ID, 5)].concat(), stream()]),
                End::At(56),
            )],
        ),
        case(
            "a mark, loaded beside the old data",
            &["--repl-diskless-load", "swapdb"],
            vec![(
                greeted(&[[full(ID, 5), marked(ID, 5)].concat(), stream()]),
                End::At(56),
            )],
        ),
        case(
            "no snapshot after all",
            &[],
            vec![
                (
                    greeted(&[[full(ID, 5), said("-ERR BGSAVE failed\r\n")].concat()]),
                    End::Closed,
                ),
                (greeted(&[vec![]]), End::Open),
            ],
        ),
        case(
            "a malformed FULLRESYNC",
            &[],
            vec![(
                greeted(&[[said("+FULLRESYNC short 5\r\n"), file(ID, 5)].concat()]),
                End::At(-1),
            )],
        ),
        case(
            "continued",
            &[],
            vec![synced(&stream(), 51), again("+CONTINUE\r\n")],
        ),
        case(
            "continued under another id",
            &[],
            vec![
                synced(&stream(), 51),
                again(&format!("+CONTINUE {OTHER}\r\n")),
            ],
        ),
        case(
            "half a command is forgotten",
            &[],
            vec![synced(&half, 51), again("+CONTINUE\r\n")],
        ),
        case(
            "an inline command is a protocol error",
            &[],
            vec![
                (
                    greeted(&[[full(ID, 1000), file(ID, 1000), said("SET a b\r\n")].concat()]),
                    End::Closed,
                ),
                (greeted(&[vec![]]), End::Open),
            ],
        ),
        broken("something that is no bulk string", b"*1\r\n:3\r\n"),
        broken("too many arguments", b"*99999999999\r\n"),
        broken("quotes that are not closed", b"SET \"a\r\n"),
        case(
            "not continued",
            &[],
            vec![
                synced(&stream(), 51),
                (
                    greeted(&[[full(OTHER, 77), file(OTHER, 77)].concat()]),
                    End::At(77),
                ),
            ],
        ),
    ]
}

/// All that the replica sends and where it stands at the end; its own id and port are left out.
fn played(case: &Case, is_ours: bool) -> Vec<String> {
    let server = if is_ours {
        ours(case.args)
    } else {
        real(case.args)
    };
    let (master, mut client) = (Master::new(), server.client());
    let own = client.replication("master_replid");
    client.ok(&format!("REPLICAOF 127.0.0.1 {}", master.port));
    let mut told = Vec::new();
    let mut kept = Vec::new();
    for (steps, end) in &case.links {
        let mut link = master.accept();
        told.push("connects".into());
        for (commands, reply) in steps {
            for _ in 0..*commands {
                told.push(link.raw_command().replace(&own, "(own id)"));
            }
            link.send(reply);
        }
        match end {
            End::Closed => {
                assert!(link.closed(), "{}", case.name);
                told.push("closes".into());
            }
            End::At(offset) => {
                eventually(case.name, || {
                    client.linked() && client.replication("slave_repl_offset") == offset.to_string()
                });
                told.push(stands(&mut client));
            }
            End::Open => kept.push(link),
        }
    }
    if !kept.is_empty() {
        told.push(stands(&mut client));
    }
    told.extend(broke(&server.log()));
    let port = format!("{}\\r\\n", server.port);
    let width = server.port.to_string().len();
    told.iter()
        .map(|line| {
            line.replace(&format!("${width}\\r\\n{port}"), "(port)")
                .replace(&own, "(own id)")
        })
        .collect()
}

/// What the log says of a master that broke the protocol, as far as it is the same each time.
fn broke(log: &str) -> Vec<String> {
    let begins = [
        "WARNING: Receiving",
        "== CRITICAL",
        "Latest backlog",
        "Protocol error",
    ];
    let vary = [
        "id=",
        "addr=",
        "laddr=",
        "fd=",
        "age=",
        "idle=",
        "qbuf-free=",
        "rbs=",
        "rbp=",
        "tot-mem=",
    ];
    let texts = log.lines().filter_map(|line| {
        let begin = begins.iter().find_map(|begin| line.find(begin));
        begin.map(|begin| &line[begin..])
    });
    let words = |text: &str| {
        let words = text.split(' ');
        let words = words.filter(|word| !vary.iter().any(|begin| word.starts_with(begin)));
        words.collect::<Vec<_>>().join(" ")
    };
    texts.map(words).collect()
}

fn stands(client: &mut Client) -> String {
    let info = client.info("replication");
    let names = "role master_link_status master_replid master_replid2 master_repl_offset second_repl_offset \
                 slave_read_repl_offset slave_repl_offset repl_backlog_active repl_backlog_first_byte_offset \
                 repl_backlog_histlen master_sync_in_progress";
    let fields = names.split_whitespace().map(|name| {
        let value = info.get(name).map_or("-", String::as_str);
        // After a SYNC nobody knows the history: it has an id that was drawn.
        let known = value.len() < 40 || [ID, OTHER].contains(&value) || value.starts_with("00000");
        format!("{name}={}", if known { value } else { "(an id)" })
    });
    fields.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_replica_says_what_a_real_one_says() {
    let cases = cases();
    std::thread::scope(|scope| {
        let play = |case| move || (played(case, true), played(case, false));
        let plays: Vec<_> = cases
            .iter()
            .map(|case| (case.name, scope.spawn(play(case))))
            .collect();
        for (name, play) in plays {
            let (ours, real) = play.join().unwrap_or_else(|_| panic!("{name}"));
            assert_eq!(ours, real, "{name}");
        }
    });
}
