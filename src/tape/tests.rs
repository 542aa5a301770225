//! Going back is the same as never having left.

use super::*;
use crate::rng::Rng;
use crate::time::MILLISECOND_US;
use crate::time::SECOND_US;

fn do_line(tape: &mut Tape, line: &str) {
    let action = match line.split_once("> ") {
        Some((node, words)) => Action::exec(node, &words.split(' ').collect::<Vec<_>>()),
        None => Action::parse(line).expect("a good line"),
    };
    let _ = tape.act(action); // cutting what is cut may be refused, and that is fine
}

/// A minute of trouble; for every event what the world looked like when it was new.
fn live(seed: u64) -> (Tape, Vec<(u64, u64)>) {
    let mut rng = Rng::new(seed).split("live");
    let mut tape = Tape::new(Options {
        seed,
        backlog_size: 200,
        ..Options::default()
    });
    let mut seen = vec![look(&tape)];
    for _ in 0..25 {
        let line = match rng.below(9) {
            0..=3 => format!("m> SET k{} {}", rng.below(9), rng.below(1000)),
            4 => "cut m r1".into(),
            5 => "restore m r1".into(),
            6 => ["kill r2", "start r2"][rng.below(2) as usize].into(),
            7 => "m> WAIT 2 0".into(),
            _ => format!("load m {}/s", rng.below(3) * 10),
        };
        let before = tape.event();
        do_line(&mut tape, &line);
        if tape.event() > before {
            assert_eq!(tape.event(), before + 1);
            seen.push(look(&tape));
        }
        let until = tape.now().after(rng.below(2_000) * MILLISECOND_US);
        while tape.next_at().is_some_and(|at| at <= until) {
            tape.step();
            seen.push(look(&tape));
        }
        tape.run_until(until);
    }
    (tape, seen)
}

/// Hashes of all that happened, and of all that shows.
fn look(tape: &Tape) -> (u64, u64) {
    let shown = format!("{:?}", tape.world().snapshot());
    let hash = shown.bytes().fold(7, |h: u64, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    });
    (tape.world().trace(), hash)
}

#[test]
fn every_moment_is_again_what_it_was() {
    for seed in 0..3 {
        let (mut tape, seen) = live(seed);
        let end = tape.end();
        assert_eq!(end.0 as usize + 1, seen.len());
        let mut rng = Rng::new(seed).split("seek");
        for _ in 0..30 {
            let event = rng.below(seen.len() as u64);
            tape.seek(event);
            assert_eq!(tape.event(), event);
            assert_eq!(
                look(&tape),
                seen[event as usize],
                "seed {seed}, event {event}"
            );
            if event > 0 {
                tape.step_back();
                assert_eq!(
                    look(&tape),
                    seen[event as usize - 1],
                    "seed {seed}, one before {event}"
                );
            }
        }
        assert_eq!(tape.end(), end, "looking changes nothing");
        assert_eq!(tape.branches().len(), 1);
    }
}

#[test]
fn a_time_is_after_all_that_is_due_by_then() {
    let (mut tape, _) = live(1);
    let (end, end_at) = tape.end();
    tape.seek(0);
    let begin = tape.now();
    for part in [0, 3, 1, 7, 10, 2] {
        let at = begin.after(end_at.since(begin) / 10 * part);
        tape.seek_time(at);
        assert_eq!(tape.now(), at);
        assert!(tape.event() == end || tape.next_at().is_none_or(|next| next > at));
        let event = tape.event();
        tape.seek(end);
        tape.seek(event);
        assert!(tape.now() <= at);
    }
    tape.seek_time(end_at.after(99 * SECOND_US));
    assert_eq!((tape.event(), tape.now()), (end, end_at));
}

#[test]
fn acting_in_the_past_keeps_the_old_future() {
    let mut tape = Tape::new(Options::default());
    do_line(&mut tape, "m> SET a 1");
    tape.run_until(tape.now().after(SECOND_US));
    do_line(&mut tape, "m> SET a 2");
    tape.run_until(tape.now().after(SECOND_US));
    let old = tape.world().trace();
    let (a, end_a) = (tape.branch(), tape.end());

    assert!(tape.undo(), "there is something to undo");
    assert!(tape.in_the_past());
    do_line(&mut tape, "m> SET a 3");
    tape.run_until(tape.now().after(2 * SECOND_US));
    let (b, new) = (tape.branch(), tape.world().trace());
    assert_ne!(a, b);
    assert_eq!(
        tape.branches()
            .iter()
            .map(|b| (b.name.as_str(), b.began_with.as_deref(), b.here))
            .collect::<Vec<_>>(),
        [("A", None, false), ("B", Some("m> SET a 3"), true)]
    );

    tape.switch(a).expect("A is there");
    tape.seek(u64::MAX);
    assert_eq!((tape.world().trace(), tape.end()), (old, end_a));
    tape.switch(b).expect("B is there");
    tape.seek(u64::MAX);
    assert_eq!(tape.world().trace(), new);

    let difference = tape
        .compare(a, b)
        .expect("both are there")
        .expect("they differ");
    let what = |side: &Option<(Instant, String)>| side.as_ref().map(|(_, what)| what.clone());
    assert_eq!(what(&difference.left).as_deref(), Some("m> SET a 2"));
    assert_eq!(what(&difference.right).as_deref(), Some("m> SET a 3"));
    assert_eq!(tape.compare(a, a), Ok(None));
}

#[test]
fn undo_and_redo_walk_from_deed_to_deed() {
    let mut tape = Tape::new(Options::default());
    for i in 1..=3 {
        do_line(&mut tape, &format!("m> SET n {i}"));
        tape.run_until(tape.now().after(SECOND_US / 3));
    }
    let value = |tape: &Tape| {
        let keys = tape.world().snapshot().nodes[0].keys.clone();
        keys.iter()
            .find(|k| k.name == "n")
            .map_or_else(|| "-".into(), |k| k.value.clone())
    };
    let mut walk = vec![value(&tape)];
    while tape.undo() {
        walk.push(value(&tape));
    }
    while tape.redo() {
        walk.push(value(&tape));
    }
    assert_eq!(walk.join(" "), r#""3" "2" "1" - "1" "2" "3""#);
    assert!(!tape.can_redo() && tape.can_undo());
}

#[test]
fn a_deleted_branch_leaves_what_others_grew_from() {
    let mut tape = Tape::new(Options::default());
    let grow = |tape: &mut Tape, line: &str| {
        do_line(tape, line);
        tape.run_until(tape.now().after(SECOND_US));
        tape.branch()
    };
    let a = grow(&mut tape, "m> SET x 1");
    grow(&mut tape, "m> SET x 2");
    tape.undo();
    let b = grow(&mut tape, "m> SET x 3");
    grow(&mut tape, "m> SET x 4");
    tape.undo();
    let c = grow(&mut tape, "m> SET x 5");
    let end = tape.world().trace();
    assert_eq!(tape.delete(c), Err(NoBranch::Here));
    let from = |tape: &Tape| {
        tape.branches()
            .iter()
            .map(|b| (b.id, b.from.map(|(id, _)| id)))
            .collect::<Vec<_>>()
    };
    assert_eq!(from(&tape), [(a, None), (b, Some(a)), (c, Some(b))]);
    tape.delete(b).expect("B may go");
    assert_eq!(from(&tape), [(a, None), (c, Some(a))]);
    tape.delete(a).expect("A may go");
    assert_eq!(from(&tape), [(c, None)]);
    assert_eq!(tape.switch(a), Err(NoBranch::Unknown));
    tape.seek(0);
    tape.seek(u64::MAX);
    assert_eq!(tape.world().trace(), end);
    let deeds: Vec<String> = tape.deeds().iter().map(|d| d.action.to_string()).collect();
    assert_eq!(deeds, ["m> SET x 1", "m> SET x 3", "m> SET x 5"]);
}

#[test]
fn what_cannot_be_done_changes_nothing() {
    let mut tape = Tape::new(Options::default());
    do_line(&mut tape, "m> SET a 1");
    tape.seek(0);
    let before = look(&tape);
    assert!(
        tape.act(Action::parse("kill nobody").expect("a line"))
            .is_err()
    );
    assert_eq!(look(&tape), before);
    assert_eq!(tape.branches().len(), 1);
}

#[test]
fn a_long_tape_keeps_few_keyframes_and_its_way_back() {
    let mut tape = Tape::new(Options::default());
    tape.unwatched();
    do_line(&mut tape, "load m 400/s");
    let mut traces = Vec::new();
    let most = tape.end().0 + SPACING * (FRAMES_MAX as u64 + 2);
    while tape.spacing == SPACING {
        assert!(
            tape.step() && tape.end().0 < most,
            "keyframes never grow sparser"
        );
        traces.push(tape.world().trace());
        assert!(tape.tree.frames() <= FRAMES_MAX, "{}", tape.tree.frames());
    }
    let end = tape.end().0;
    for event in [2, end, end / 4 * 3, end / 2] {
        tape.seek(event);
        assert_eq!(
            tape.world().trace(),
            traces[event as usize - 2],
            "event {event}"
        );
    }
}

#[test]
fn a_tape_of_heavy_worlds_keeps_fewer_keyframes() {
    let mut tape = Tape::new(Options::default());
    do_line(&mut tape, "m> DEBUG POPULATE 70000");
    do_line(&mut tape, "load m 400/s");
    let end = tape.end().0 + 64 * 40;
    while tape.end().0 < end {
        assert!(tape.step(), "the world stands still");
    }
    let (frames, weight) = (tape.tree.frames(), tape.tree.weight());
    assert!(frames <= 17 && weight <= 24 << 20, "{frames}: {weight}");
    let now = tape.world().trace();
    tape.seek(end / 2);
    tape.seek(end);
    assert_eq!(tape.world().trace(), now);
}

#[test]
fn a_late_reply_is_told_with_its_event() {
    let mut tape = Tape::new(Options::default());
    do_line(&mut tape, "m> SET a 1");
    do_line(&mut tape, "m> WAIT 2 0");
    assert!(tape.take_late().is_empty());
    tape.run_until(tape.now().after(SECOND_US));
    let late = tape.take_late();
    assert_eq!(late.len(), 1);
    assert_eq!(
        (late[0].node.as_str(), &late[0].reply),
        ("m", &Reply::Integer(2))
    );
    tape.seek(0);
    tape.seek(u64::MAX);
    assert!(tape.take_late().is_empty(), "it is told once");
}
