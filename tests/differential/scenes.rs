//! Scenes for several clients: played to both servers, everything that each client received must be the same bytes.

use super::{Side, connect};
use ringside::wire::resp;
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const SCENES: &str = include_str!("scenes.txt");
/// After each command, so that the servers see the commands of different clients in this order; and where that was not
/// enough on a machine that is busy.
const PAUSE: Duration = Duration::from_millis(3);
const LONG_PAUSE: Duration = Duration::from_millis(60);
/// For what is still to come in the end.
const PATIENCE: Duration = Duration::from_secs(2);

/// The clients of one scene on one server, and what they received.
struct Cast {
    port: u16,
    clients: BTreeMap<String, (TcpStream, Vec<u8>)>,
}

impl Cast {
    fn says(&mut self, client: &str, command: &str) {
        let args = resp::split_args(command.as_bytes()).expect("quotes balance");
        let port = self.port;
        let (stream, _) = self.clients.entry(client.to_owned()).or_insert_with(|| {
            let stream = connect(port);
            stream
                .set_read_timeout(Some(Duration::from_millis(1)))
                .expect("a socket with a timeout");
            (stream, vec![])
        });
        stream
            .write_all(&resp::command(&args))
            .expect("an open connection");
    }

    fn listen(&mut self) {
        for (stream, heard) in self.clients.values_mut() {
            let mut chunk = [0; 65536];
            match stream.read(&mut chunk) {
                Ok(n) => heard.extend_from_slice(&chunk[..n]),
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(e) => panic!("a connection broke: {e}"),
            }
        }
    }

    fn heard(&self) -> BTreeMap<&str, String> {
        let all = self.clients.iter();
        all.map(|(name, (_, heard))| (&name[..], without_id(&String::from_utf8_lossy(heard))))
            .collect()
    }
}

/// Without the number that the server gave to the client, which `HELLO` tells.
fn without_id(text: &str) -> String {
    let mut parts = text.split("$2\r\nid\r\n:");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + part.trim_start_matches(|c: char| c.is_ascii_digit())
    })
}

/// Plays one scene; what differs.
fn play(scene: &str, sides: &mut [&mut Side; 2], pause: Duration) -> Option<String> {
    let mut casts = [0, 1].map(|side| Cast {
        port: sides[side].server.port,
        clients: BTreeMap::new(),
    });
    for side in sides.iter_mut() {
        side.play(&[super::line("FLUSHALL")]).expect("a reply");
    }
    for step in scene.lines().skip(1).filter(|line| !line.is_empty()) {
        let (who, command) = step.split_at(step.find([':', '+']).expect("client: command"));
        for cast in &mut casts {
            cast.says(who, command[1..].trim());
        }
        if command.starts_with(':') {
            std::thread::sleep(pause);
        }
    }
    let begin = Instant::now();
    loop {
        casts.iter_mut().for_each(Cast::listen);
        let [real, ours] = &casts;
        if real.heard() == ours.heard() && begin.elapsed() > PAUSE * 10 {
            return None;
        }
        if begin.elapsed() > PATIENCE {
            let title = scene.lines().next().unwrap_or_default();
            let (real, ours) = (real.heard(), ours.heard());
            let (who, theirs) = real.iter().find(|(who, text)| ours[*who] != **text)?;
            let same = theirs.bytes().zip(ours[who].bytes());
            let at = same.take_while(|(a, b)| a == b).count().saturating_sub(60);
            let end = |text: &str| {
                let shown: Vec<u8> = text.bytes().skip(at).take(200).collect();
                resp::quote(&shown)
            };
            return Some(format!(
                "{title}: {who}\n  redis:    {}\n  ringside: {}",
                end(theirs),
                end(&ours[who])
            ));
        }
    }
}

#[test]
fn scenes_end_as_with_redis() {
    let options = ["--repl-ping-replica-period", "3600"];
    let mut real = Side::new(super::real(
        &[&options[..], &["--repl-diskless-sync", "no"]].concat(),
    ));
    let mut ours = Side::new(super::ours(&options));
    let only = std::env::var("SCENE").unwrap_or_default();
    let scenes = SCENES.split("\n== ").skip(1).filter(|s| s.contains(&only));
    let failures: Vec<String> = scenes
        .filter_map(|scene| {
            let sides = &mut [&mut real, &mut ours];
            play(scene, sides, PAUSE).and_then(|_| play(scene, sides, LONG_PAUSE))
        })
        .collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n\n"));
}
