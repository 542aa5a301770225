//! What a visitor does, without a page.

use super::*;
use crate::node;
use crate::sim::snapshot::Phase;

fn wait(player: &mut Player) {
    for _ in 0..4000 {
        if !player.advance(50_000) {
            return;
        }
    }
    panic!("the world never comes to rest");
}

#[test]
fn the_page_opens_in_step_and_at_rest() {
    let player = Player::new(7);
    let s = player.snapshot();
    assert!(s.idle);
    assert_eq!(
        s.nodes
            .iter()
            .map(|n| (n.name.as_str(), n.keys.len(), n.behind))
            .collect::<Vec<_>>(),
        [("m", 3, None), ("r1", 3, Some(0)), ("r2", 3, Some(0))]
    );
}

#[test]
fn the_first_half_minute_ends_with_a_partial_resynchronization() {
    let mut player = Player::new(7);
    let mut had = 0;
    for line in [
        "SET hello world",
        ":cut m r1",
        "SET city Oslo",
        ":restore m r1",
    ] {
        assert!(
            player.suggestions().iter().any(|s| s.line == line),
            "{line} is not suggested: {:?}",
            player.suggestions()
        );
        had = player.snapshot().nodes[1].offset;
        player.submit(line);
        wait(&mut player);
    }
    let s = player.snapshot();
    let verdict = s.verdict.as_ref().expect("r1 asked");
    assert_eq!(
        verdict.outcome,
        node::Outcome::Continue {
            bytes: verdict.offset - had
        }
    );
    assert!(
        verdict.offset - had >= 33,
        "SET city Oslo is 33 bytes, a PING may have come after it"
    );
    assert_eq!(s.nodes[1].keys.len(), 5);
    assert_eq!(s.nodes[1].offset, s.nodes[0].offset);
}

#[test]
fn at_the_pace_of_steps_nothing_moves_unless_somebody_asks() {
    let mut player = Player::new(1);
    player.set_pace(Pace::Step);
    player.submit("SET a 1");
    let written = player.snapshot().nodes[0].offset;
    assert_eq!(written, 50, "what is done is shown, though no time passes");
    let (now, event) = (player.now(), player.position().event);
    assert!(!player.playing() && !player.advance(1_000_000));
    player.play(true);
    assert!(!player.playing() && !player.advance(1_000_000));
    assert_eq!((player.now(), player.position().event), (now, event));
    player.step();
    assert_eq!(player.position().event, event + 1);
    player.set_pace(Pace::Real);
    assert!(player.playing() && player.advance(1_000_000));
}

#[test]
fn the_lag_of_a_replica_is_what_its_master_says() {
    let mut player = Player::new(7);
    // A stalled way: the master hears nothing from r2 while r1 goes on.
    player.submit(":stall r2 -> m");
    for pause_us in [700_000, 1_600_000, 3_000_000] {
        player.let_pass(pause_us);
        player.submit("INFO replication");
        let s = player.snapshot();
        let info = player.lines().iter().rev().find_map(|line| match line {
            Line::Reply { text, .. } => Some(text.clone()),
            _ => None,
        });
        let info = info.expect("it answers");
        for i in 0..2 {
            let line = info
                .lines()
                .find(|l| l.starts_with(&format!("slave{i}:")))
                .expect("its line");
            let lag = line.trim_end().rsplit('=').next().map(str::parse);
            assert_eq!(
                lag,
                Some(Ok(s.nodes[i + 1].lag_s.expect("online"))),
                "{line}"
            );
        }
    }
    assert!(player.snapshot().nodes[2].lag_s >= Some(4));
}

#[test]
fn a_write_tells_which_bytes_of_the_stream_it_became() {
    let mut player = Player::new(7);
    let offset = player.snapshot().nodes[0].offset;
    player.submit("SET hello world");
    let Some(Line::Input { offsets, .. }) = player.lines().first().cloned() else {
        panic!("no line")
    };
    assert_eq!(
        offsets,
        Some((offset + 1, offset + 23 + 35)),
        "SELECT 0 is 23 bytes, SET hello world 35"
    );
}

#[test]
fn a_full_synchronization_can_be_forced() {
    let mut player = Player::new(7);
    let before = player.snapshot().nodes[0].sync_full;
    player.full_sync("r2");
    wait(&mut player);
    let s = player.snapshot();
    assert_eq!(s.nodes[0].sync_full, before + 1);
    assert_eq!(
        (s.nodes[2].behind, s.nodes[2].phase.clone()),
        (Some(0), Phase::Online)
    );
}

#[test]
fn a_dead_master_leaves_the_world_at_rest_and_a_promotion_wakes_it() {
    let mut player = Player::new(7);
    player.submit(":kill m");
    wait(&mut player);
    assert!(
        player
            .suggestions()
            .iter()
            .any(|s| s.line == "@r1 REPLICAOF NO ONE")
    );
    player.promote("r1");
    player.submit("@r2 REPLICAOF 127.0.0.1 6380");
    wait(&mut player);
    let s = player.snapshot();
    assert!(!s.nodes[1].replica && s.nodes[2].behind == Some(0));
    assert_eq!(
        s.nodes[1].replid2, s.nodes[2].replid2,
        "both vouch for the old history"
    );
}

#[test]
fn completion_and_hints_come_from_the_command_table() {
    let player = Player::new(7);
    let all = |text: &str| player.completions(text).join(" / ");
    let first = |text: &str| player.completions(text).into_iter().next();
    assert_eq!(all("GETD"), "GETDEL");
    assert_eq!(all("get"), "getex / getbit / getdel / getset / getrange");
    assert_eq!(all("@"), "@m / @r1 / @r2 / @all");
    assert_eq!(all("@r"), "@r1 / @r2");
    assert_eq!(all("@a"), "@all");
    assert_eq!(all(":re"), ":restore / :resume / :reads / :redo");
    assert_eq!(all(":cut m r"), ":cut m r1 / :cut m r2");
    assert_eq!(all(":cut m r1 t"), ":cut m r1 told");
    assert_eq!(all("DEL h"), "DEL hits");
    assert_eq!(player.completions("S").len(), 6, "a list that one reads");
    assert_eq!(first("GE"), Some("GET".into()));
    assert_eq!(first("@r1 GET la"), Some("@r1 GET lang".into()));
    for (typed, completed) in [
        (":tr", Some(":try")),
        (":blo", Some(":blocks")),
        (":key", Some(":keys")),
        (":keys us", Some(":keys user:1")),
        (":page seq", Some(":page sequence")),
        (":pace a", Some(":pace auto")),
        (":focus r", Some(":focus r1")),
        (":save r", Some(":save rdb")),
        (":verdict", None),
        (":pace r", None),
    ] {
        assert_eq!(first(typed).as_deref(), completed, "{typed}");
    }
    // Subcommands and their arguments are what the node answers to HELP.
    assert_eq!(
        all("CONFIG "),
        "CONFIG GET / CONFIG SET / CONFIG RESETSTAT / CONFIG REWRITE / CONFIG HELP"
    );
    assert_eq!(all("config s"), "config set");
    assert_eq!(all("@r1 CLIENT PA"), "@r1 CLIENT PAUSE");
    assert_eq!(all("DEBUG CHANGE"), "DEBUG CHANGE-REPL-ID");
    assert_eq!(all("XINFO S"), "XINFO STREAM");
    assert_eq!(all("GET "), "", "it has none, and keys are many");
    assert_eq!(
        all("CONFIG GET repl-diskless-l"),
        "CONFIG GET repl-diskless-load"
    );
    assert_eq!(
        all("CONFIG SET hz 10 repl-t"),
        "CONFIG SET hz 10 repl-timeout"
    );
    assert_eq!(
        all("CONFIG SET repl-diskless-load o"),
        "CONFIG SET repl-diskless-load on-empty-db"
    );
    assert_eq!(all("CONFIG S hz"), "", "not a subcommand yet");
    assert_eq!(all("OBJECT ENCODING la"), "OBJECT ENCODING lang");
    assert_eq!(
        player.hint("CONFIG SET "),
        "<directive> <value> [<directive> <value> ...]"
    );
    assert_eq!(
        player.hint("CONFIG SET hz "),
        "<value> [<directive> <value> ...]"
    );
    assert_eq!(player.hint("client pause 100"), "[WRITE|ALL]");
    assert_eq!(player.hint("XINFO STREAM lang"), "[FULL [COUNT <count>]");
    assert_eq!(player.hint("CONFIG NOSUCH"), "");
    for container in [
        "ACL", "CLIENT", "COMMAND", "CONFIG", "DEBUG", "LATENCY", "MEMORY", "OBJECT", "PUBSUB",
        "SLOWLOG", "XGROUP", "XINFO",
    ] {
        assert!(
            player.completions(&[container, " "].concat()).len() > 1,
            "{container}"
        );
    }
    assert_eq!(player.hint(":try "), "[BYTE]");
    assert_eq!(player.hint(":after "), "TIME");
    assert_eq!(player.hint("REPLICAOF "), "host port | NO ONE");
    assert_eq!(player.hint("INFO replication"), "[section …]");
}

fn typed(player: &Player) -> Vec<String> {
    let lines = player.lines();
    let text = |l: &Line| match l {
        Line::Input { text, .. } => Some(text.clone()),
        _ => None,
    };
    lines.iter().filter_map(text).collect()
}

#[test]
fn the_console_goes_back_with_the_world() {
    let mut player = Player::new(7);
    for line in ["SET a 1", ":cut m r1", "SET a 2"] {
        player.submit(line);
        wait(&mut player);
    }
    let end = player.position();
    assert!(!end.past && end.event == end.end);
    assert!(player.undo());
    assert_eq!(typed(&player), ["SET a 1", ":cut m r1"]);
    assert!(!player.playing() && player.position().past);
    player.seek_start();
    assert!(typed(&player).is_empty());
    player.play(true);
    wait(&mut player);
    assert_eq!(
        typed(&player),
        ["SET a 1", ":cut m r1", "SET a 2"],
        "playing goes through all that was done"
    );
    player.seek_live();
    assert_eq!(player.position(), end);
}

#[test]
fn acting_in_the_past_is_told_and_can_be_taken_back() {
    let mut player = Player::new(7);
    player.submit("SET a 1");
    wait(&mut player);
    player.submit("SET a 2");
    wait(&mut player);
    player.undo();
    player.submit("SET a 3");
    let (old, new) = player.take_branched().expect("a branch began");
    assert_eq!(player.take_branched(), None);
    assert_eq!(typed(&player), ["SET a 1", "SET a 3"]);
    assert_eq!(player.position().branch, new);
    player.switch(old).expect("it is kept");
    player.delete(new).expect("nobody is there");
    player.seek_live();
    assert_eq!(typed(&player), ["SET a 1", "SET a 2"]);
    assert_eq!(player.branches().len(), 1);
}

#[test]
fn markers_tell_what_is_on_the_strip_and_can_be_walked() {
    let mut player = Player::new(7);
    for line in [":cut m r1", "SET a 1", ":restore m r1"] {
        player.submit(line);
        wait(&mut player);
    }
    let kinds: Vec<_> = player.markers().iter().map(|m| m.kind).collect();
    use crate::tape::MarkerKind::*;
    assert_eq!(kinds, [Cut, Write, Restore, Partial]);
    player.seek_start();
    let mut walked = Vec::new();
    while player.seek_next_marker() {
        walked.push(player.position().event);
    }
    let events: Vec<u64> = player.markers().iter().map(|m| m.event).collect();
    assert_eq!(walked, events);
    while player.seek_previous_marker() {
        walked.pop();
    }
    assert_eq!(walked.len(), 1);
}

#[test]
fn a_reply_that_comes_later_is_printed_when_it_comes() {
    let mut player = Player::new(7);
    player.submit("SET a 1");
    player.submit("WAIT 2 0");
    assert_eq!(player.lines().len(), 3, "two lines and OK");
    wait(&mut player);
    let lines = player.lines();
    let Some(Line::Reply { node, text, .. }) = lines.last() else {
        panic!("no reply")
    };
    assert_eq!((node.as_deref(), text.as_str()), (Some("m"), "(integer) 2"));
}

#[test]
fn a_link_opens_paused_with_its_console_and_its_view() {
    let mut player = Player::new(7);
    for line in ["SET a 1", ":cut m r1", "SET a 2"] {
        player.submit(line);
        wait(&mut player);
    }
    player.undo();
    let link = player.link("panel=wire").expect("it fits");
    let (mut again, view) = Player::open(&link).expect("it is whole");
    assert_eq!(view, "panel=wire");
    assert_eq!(again.position(), player.position());
    assert!(
        !again.playing() && !again.advance(1_000_000),
        "nothing moves before the visitor acts"
    );
    assert_eq!(typed(&again), ["SET a 1", ":cut m r1"]);
    assert_eq!(again.snapshot(), player.snapshot());
    again.seek_live();
    assert_eq!(typed(&again), ["SET a 1", ":cut m r1", "SET a 2"]);
    assert!(matches!(
        Player::open("1AAAAAAAA"),
        Err(crate::link::LinkError::Damaged { .. })
    ));
}

/// With a real server outside.
fn bridged() -> Player {
    let mut player = Player::with(Options {
        replicas: 0,
        latency_us: 10_000,
        outside: Some(crate::sim::Outside {
            host: "127.0.0.1".into(),
            port: 6379,
            auth: Some(String::new()),
            begin: Instant::WORLD,
        }),
        ..Options::default()
    });
    player.set_pace(Pace::Auto);
    player
}

/// Lets time pass and returns what is wanted last.
fn wanted(player: &mut Player, ms: u64) -> String {
    let mut out = String::new();
    for _ in 0..ms / 10 {
        player.advance(10_000);
        for line in player.wants().expect("a server is outside").lines() {
            if !line.starts_with("conns") {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    out + &player.wants().expect("a server is outside")
}

fn encoded(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[test]
fn a_server_outside_is_dialled_and_told_in_lines() {
    let mut player = bridged();
    assert_eq!(player.pace(), Pace::Real);
    assert_eq!(player.target(), "r1");
    assert_eq!(wanted(&mut player, 3_000), "conns ?0.1");
    player.hear("0.1 opened");
    let ping = encoded(b"*1\r\n$4\r\nPING\r\n");
    assert_eq!(
        wanted(&mut player, 100),
        format!("send 0.1 {ping}\nconns 0.1")
    );
    player.hear(&format!("0.1 bytes {}", encoded(b"+PONG\r\n")));
    let said = wanted(&mut player, 100);
    assert!(said.starts_with("took 0.1 7\nsend 0.1 "), "{said}");
    let auth = crate::wire::resp::command(&["AUTH", crate::sim::PASSWORD]);
    assert!(
        said.contains(&encoded(&auth)),
        "the page puts the password in: {said}"
    );
}

#[test]
fn what_comes_from_outside_waits_for_a_world_that_stands_still() {
    let mut player = bridged();
    wanted(&mut player, 3_000);
    player.hear("0.1 opened");
    wanted(&mut player, 100);
    player.play(false);
    player.hear(&format!("0.1 bytes {}", encoded(b"+PONG\r\n")));
    let before = player.position().event;
    assert_eq!(
        player.wants().as_deref(),
        Some("conns 0.1"),
        "nothing is taken"
    );
    player.step();
    assert_eq!(
        player.position().event,
        before + 1,
        "a step takes what waits"
    );
    assert_eq!(player.wants().as_deref(), Some("took 0.1 7\nconns 0.1"));
    // In the past nothing is wanted, and acting there is another branch with connections of its own.
    player.seek_time(Instant::WORLD.after(1_000_000));
    assert_eq!(player.wants(), None);
    player.hear(&format!("0.1 bytes {}", encoded(b"+OK\r\n")));
    player.submit("@r1 PING");
    player.play(true);
    player.advance(10_000);
    assert_eq!(wanted(&mut player, 3_000), "conns ?1.1");
}

#[test]
fn a_read_of_a_replica_that_is_behind_is_counted_and_taken_back() {
    let mut player = Player::new(7);
    for line in [
        ":cut m r1",
        "SET a 1",
        "@r1 INFO server",
        "@r1 PING",
        "GET a",
    ] {
        player.submit(line);
    }
    assert_eq!(player.stale_reads(), 0, "nothing old was read");
    player.submit("@r1 GET a");
    player.submit("@r1 GET a b");
    assert_eq!(player.stale_reads(), 1, "an error is no reply to a read");
    player.submit("@all GET a");
    player.submit("clear");
    let stale = player.stale_reads();
    assert!(
        stale >= 2,
        "r1, and r2 where its bytes are on their way: {stale}"
    );
    player.seek_start();
    assert_eq!(player.stale_reads(), 0);
    player.seek_live();
    assert_eq!(player.stale_reads(), stale);
}
