//! Scripts are read, printed and run; mistakes have a place.

use super::*;

fn bad(text: &str) -> BadScript {
    let error = Script::parse(text).and_then(|s| s.run().map(|_| s));
    error.expect_err("it is wrong")
}

#[test]
fn a_script_prints_back_as_it_was_read() {
    let text = "# Title\ncluster seed=1\n\nm> PING\n---\nPONG\n";
    let script = Script::parse(text).expect("a good script");
    let outputs = script.run().expect("it runs");
    assert_eq!(script.print(&outputs), text);
    assert_eq!(script.title(), Some("Title"));
}

#[test]
fn a_script_has_an_end() {
    let error = bad(&"status\n".repeat(10_001));
    assert_eq!(error.line, 10_001);
    assert!(error.text.contains("at most 10000 lines"), "{error}");
}

#[test]
fn a_mistake_is_told_with_its_place() {
    for (text, line, column, says) in [
        ("\n# t\nfly m", 3, 1, "no such verb: 'fly'"),
        ("# t\ncluster seed=x", 2, 14, "seed: a number, not 'x'"),
        ("cluster sea=1", 1, 9, "not 'sea'"),
        ("run 5", 1, 5, "such as 50ms or 2s, not '5'"),
        ("(silent) run 5", 1, 14, "not '5'"),
        ("run", 1, 5, "expected: run TIME"),
        ("until r1 happy", 1, 10, "not 'happy'"),
        ("step many", 1, 6, "not 'many'"),
        ("m> SET \"a", 1, 11, "quotes do not balance"),
        ("status\n\nkill x", 3, 6, "there is no node 'x'"),
        ("!m> PING", 1, 10, "expected to fail"),
        ("key a", 1, 7, "expected: key NAME VALUE"),
        ("# prose\ncluster replicas=9", 2, 18, "at most 7, not '9'"),
    ] {
        let error = bad(text);
        assert!(error.text.contains(says), "{text}: {error}");
        assert_eq!(
            (error.line, error.column),
            (line, column),
            "{text}: {error}"
        );
    }
}

#[test]
fn a_script_runs_to_a_mark_and_line_by_line() {
    let text = "m> SET a 1\nmark one\nrun 1s\nm> SET a 2\nmark two\n";
    let script = Script::parse(text).expect("a good script");
    let value = |runner: &mut Runner| {
        runner
            .world
            .exec("m", &["GET", "a"])
            .expect("a reply")
            .pretty()
    };
    let mut one = script
        .run_to_mark("one")
        .expect("it runs")
        .expect("there is one");
    assert_eq!(value(&mut one), "\"1\"");
    let mut two = script
        .run_to_mark("two")
        .expect("it runs")
        .expect("there are two");
    assert_eq!(value(&mut two), "\"2\"");
    assert!(script.run_to_mark("three").expect("it runs").is_none());
    let mut runner = Runner::new(crate::sim::Options::default());
    let done: Vec<String> = script.blocks[0]
        .input
        .iter()
        .map(|l| runner.line(l).expect("it runs"))
        .collect();
    assert_eq!(done[0], "OK\n");
    assert!(done[2].contains("m writes"), "{done:?}");
}

#[test]
fn a_world_can_be_written_down_and_read_again() {
    let options = crate::sim::Options {
        seed: 3,
        latency_us: 1_500,
        keys: vec![("a b".into(), "1\n".into()), ("c".into(), String::new())],
        ..crate::sim::Options::default()
    };
    let text = cluster_lines(&options);
    let script = Script::parse(&text).expect("a good script");
    let mut runner = Runner::new(crate::sim::Options::default());
    runner.block(&script.blocks[0]).expect("it runs");
    assert_eq!(*runner.world.options(), options);
}
