//! A link is the session it was made from, or an error; never another session.

use super::*;
use crate::time::SECOND_US;

fn act(tape: &mut Tape, line: &str) {
    let action = script::parse_action(line).expect("a good line");
    tape.act(action).expect("it can be done");
    tape.run_until(tape.now().after(SECOND_US));
}

/// A session with two branches, looked at in the past of the second one.
fn session() -> Tape {
    let mut tape = Tape::new(Options {
        seed: 11,
        backlog_size: 200,
        ..Options::default()
    });
    for line in [
        "m> SET city \"New York\"",
        "cut m r1",
        "m> APPEND city !",
        "kill r2",
    ] {
        act(&mut tape, line);
    }
    tape.undo();
    tape.undo();
    act(&mut tape, "m> SET city Oslo");
    act(&mut tape, "restore m r1");
    act(&mut tape, "m> SET n 1");
    let _ = tape.rename(tape.branch(), "what if");
    tape.undo();
    tape.step_back();
    tape
}

#[test]
fn a_link_brings_back_past_branches_and_place() {
    let tape = session();
    let link = Link::of(&tape, "node=r1").expect("it fits");
    let text = link.encode().expect("it fits");
    assert!(text.len() < 400, "{} characters", text.len());
    let read = Link::decode(&text).expect("it is whole");
    assert_eq!(read, link);
    assert_eq!(Link::decode(&format!("#{text}")).as_ref(), Ok(&link));
    let again = read.play(|_, _, _| {}).expect("it can be played");
    assert_eq!((again.event(), again.now()), (tape.event(), tape.now()));
    assert_eq!(again.world().trace(), tape.world().trace());
    assert_eq!(again.branches(), tape.branches());
    assert_eq!(
        Link::of(&again, "node=r1").as_ref(),
        Ok(&link),
        "and so on for ever"
    );
}

#[test]
fn a_moment_between_two_events_of_one_instant_is_kept() {
    let mut tape = Tape::new(Options::default());
    act(&mut tape, "m> SET a 1");
    for event in 0..=tape.end().0 {
        tape.seek(event);
        let link = Link::of(&tape, "").expect("it fits");
        let again = link.play(|_, _, _| {}).expect("it can be played");
        assert_eq!((again.event(), again.now()), (tape.event(), tape.now()));
    }
}

#[test]
fn every_prefix_and_every_flipped_bit_is_found() {
    let mut short = Tape::new(Options::default());
    act(&mut short, "m> SET a 1");
    for link in [
        Link::of(&session(), "node=r1&panel=wire"),
        Link::of(&short, ""),
        Link::of(&Tape::new(Options::default()), ""),
    ] {
        let text = link.expect("it fits").encode().expect("it fits");
        for end in 0..text.len() {
            assert!(
                Link::decode(&text[..end]).is_err(),
                "the first {end} characters were read"
            );
        }
        for bit in 0..text.len() * 8 {
            let mut bytes = text.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            // What is no UTF-8 can be in no address.
            if let Ok(changed) = String::from_utf8(bytes) {
                assert!(
                    Link::decode(&changed).is_err(),
                    "bit {bit} was changed and {changed} was read"
                );
            }
        }
        for extra in ["A", "AAAA", "=", " ", "\n"] {
            assert!(
                Link::decode(&format!("{text}{extra}")).is_err(),
                "{extra:?} was read"
            );
        }
    }
}

#[test]
fn errors_say_what_is_wrong_and_what_to_do() {
    let packed = |text: &[u8]| format!("1{}", URL_SAFE_NO_PAD.encode(pack(text)));
    let error = |link: &str| Link::decode(link).expect_err("it is wrong");
    assert_eq!(error(""), LinkError::Empty);
    assert_eq!(error("#"), LinkError::Empty);
    assert_eq!(error("9abc"), LinkError::Version { found: '9' });
    assert_eq!(error("1ab%20"), LinkError::Character { at: 4 });
    assert_eq!(error("1"), LinkError::Damaged { chars: 1 });
    assert_eq!(
        error(&format!("1{}", "A".repeat(40_000))),
        LinkError::TooLong { chars: 40_001 }
    );
    assert_eq!(
        error(&packed(&vec![b' '; TEXT_MAX + 1])),
        LinkError::TooMuch
    );
    for (text, line, says) in [
        ("", 0, "names a branch"),
        ("cluster seed=x", 1, "seed: a number"),
        ("fly", 1, "not understood"),
        ("+5 m> PING", 1, "before the first branch"),
        ("branch A\n+5 fly m", 2, "no such verb"),
        ("branch A\nbranch B of 1 after 0", 2, "no branch 1"),
        ("branch A\nhere 3 event 0 at 0", 2, "names a branch"),
        ("branch A\nbranch B of 0 after 0", 2, "without a deed"),
        ("branch A\nend -1", 2, "a number was expected"),
        ("view \u{7}", 1, "one line"),
    ] {
        match error(&packed(text.as_bytes())) {
            LinkError::Text { line: at, why } => assert!(
                at == line && why.contains(says),
                "{text:?}: line {at}: {why}"
            ),
            other => panic!("{text:?}: {other}"),
        }
    }
    let play = |text: &str| {
        Link::parse(text)
            .expect("it reads")
            .play(|_, _, _| {})
            .map(|_| ())
            .expect_err("it is wrong")
    };
    assert!(matches!(
        play("branch A\n+0 kill nobody\nend 0"),
        LinkError::Deed { .. }
    ));
    assert!(matches!(
        play("branch A\n+0 kill m\nend 9\nbranch B of 0 after 7\n+0 kill m"),
        LinkError::Deed { .. }
    ));
    assert!(matches!(
        play("branch A\n+0 kill m\nend 9\nbranch B of 0 after 0\n+99999999999 kill m"),
        LinkError::Deed { .. }
    ));
    let endless = "branch A\n+0 load m 10000/s\nend 9000000000000";
    let endless = Link::parse(endless).expect("it reads");
    assert_eq!(
        endless.play_within(5000, |_, _, _| {}).map(|_| ()),
        Err(LinkError::TooManyEvents)
    );
}

#[test]
fn a_session_becomes_a_script_that_does_the_same() {
    let mut tape = session();
    let link = Link::of(&tape, "").expect("it fits");
    let text = link.to_script();
    let script = script::Script::parse(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let mut runner = script::Runner::new(Options::default());
    for block in &script.blocks {
        runner
            .block(block)
            .unwrap_or_else(|e| panic!("{e}\n{text}"));
    }
    tape.seek_time(tape.now()); // a script ends after all that is due
    assert_eq!(runner.world.trace(), tape.world().trace(), "{text}");
}

/// Links that were given out: they have to be read for ever. Never change a line; add one for each new version.
#[test]
fn old_links_stay_readable() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/links");
    let links = std::fs::read_to_string(format!("{folder}/links.txt")).expect("the golden links");
    let mut read = 0;
    for line in links
        .lines()
        .filter(|l| !l.starts_with('#') && !l.is_empty())
    {
        let (name, link) = line.split_once(' ').expect("a name and a link");
        let text =
            std::fs::read_to_string(format!("{folder}/{name}.txt")).expect("what the link says");
        let link = Link::decode(link).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(
            link,
            Link::parse(&text).unwrap_or_else(|e| panic!("{name}: {e}")),
            "{name}"
        );
        let tape = link
            .play(|_, _, _| {})
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(tape.branches().len(), link.branches.len(), "{name}");
        read += 1;
    }
    assert!(read >= 2, "{read} links were read");
}
