//! Reads and plays every lesson: its golden run has to pass, its wrong ones must not, and every number that it tells
//! has to be the engine's. The golden runs are played on real redis-servers too, where their faults allow.

use ringside::lessons::{Lesson, Session, lint};
use ringside::native::check;
use ringside::script::Script;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lessons/texts");
    let entries = std::fs::read_dir(folder).expect("the folder of lessons");
    let mut files: Vec<PathBuf> = entries
        .map(|e| e.expect("an entry").path())
        .filter(|p| p.extension().is_some_and(|e| e == "txt"))
        .filter(|p| p.file_stem().is_some_and(|s| s != "index"))
        .collect();
    files.sort();
    files
}

fn text(file: &Path) -> String {
    std::fs::read_to_string(file).expect("a lesson can be read")
}

fn lesson(file: &Path) -> Lesson {
    Lesson::parse(&text(file)).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

#[test]
fn golden_runs_pass_and_wrong_ones_do_not() {
    let (mut all, mut bad) = (lint::Played::default(), Vec::new());
    for file in files() {
        match lint::lint(&text(&file)) {
            Ok(p) => {
                eprintln!("{}: {p:?}", file.display());
                all.steps += p.steps;
                all.checks += p.checks;
                all.questions += p.questions;
                all.claims += p.claims;
                all.wrong += p.wrong;
                all.recalls += p.recalls;
                all.judged += p.judged;
            }
            Err(errors) => bad.extend(errors.iter().map(|e| format!("{}: {e}", file.display()))),
        }
    }
    eprintln!("{} lessons in all: {all:?}", files().len());
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// The list that the page shows: `UPDATE=1 cargo test --test lessons` writes it anew.
#[test]
fn the_index_has_every_lesson() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lessons/texts/index.txt");
    let mut fresh = String::new();
    for path in files() {
        let lesson = lesson(&path);
        let stem = path
            .file_stem()
            .and_then(|s| s.to_str())
            .unwrap_or_default();
        assert_eq!(stem, lesson.id, "a lesson's file has its name");
        if lesson.id != "example" {
            let [en, zh] = &lesson.title.text;
            fresh += &format!("{} {} {en}|{zh}\n", lesson.id, lesson.minutes);
        }
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, &fresh).expect("the index can be written");
    }
    assert_eq!(text(&file), fresh, "UPDATE=1 writes it anew");
}

#[test]
fn the_table_of_what_is_taught_names_steps_that_there_are() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lessons/texts");
    let readme = text(&folder.join("README.md"));
    let (_, table) = readme
        .split_once("## What is taught where")
        .expect("the table");
    let rows = table
        .lines()
        .filter(|l| l.starts_with("| ") && !l.contains("what is told"));
    let (mut rows_seen, mut taught) = (0, Vec::new());
    for row in rows {
        rows_seen += 1;
        let steps = row
            .trim_end_matches('|')
            .rsplit('|')
            .next()
            .unwrap_or_default();
        assert!(!steps.trim().is_empty(), "{row}");
        for step in steps.split_whitespace() {
            let (id, at) = step.split_once('.').expect("l04.2");
            let lesson = lesson(&folder.join(format!("{id}.txt")));
            let at: usize = at.parse().expect("a number");
            assert!((1..=lesson.steps.len()).contains(&at), "{step}");
            taught.push(id.to_string());
        }
    }
    assert!(rows_seen >= 15, "{rows_seen} rows");
    for id in ["l01", "l02", "l03", "l04", "l05", "l06", "l07", "l09"] {
        assert!(taught.iter().any(|t| t == id), "{id} teaches nothing of it");
    }
}

/// A lesson with one line changed.
fn lint_with(from: &str, to: &str) -> Vec<String> {
    let example = ringside::native::lesson::NEW;
    assert!(example.contains(from), "the example has no '{from}'");
    match lint::lint(&example.replacen(from, to, 1)) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_mistake_is_told_with_its_line() {
    for (from, to, says) in [
        ("answer 56", "answer 57", "the engine says '56'"),
        (
            "m.written = 56",
            "m.written = 55",
            "the engine says otherwise",
        ),
        (
            "check m.writes >= 1",
            "check m.writs >= 1",
            "no such node or fact: 'm.writs'",
        ),
        (
            "check m.writes >= 1",
            "check r9.writes >= 1",
            "no such node or fact: 'r9.writes'",
        ),
        (
            "  m> SET key value\n  settle",
            "  m> SET key\n  settle",
            "the golden run does not pass it",
        ),
        ("  m> GET hits\n", "  m> SET hits 1\n", "this run passes"),
        ("look page wire", "", "closing picture is missing"),
        ("look page wire", "look out", "not 'out'"),
        ("look page wire", "look page wires", "not 'wires'"),
        ("  zh 只读取\n", "", "'zh' is missing"),
        ("  zh 只读取\n", "  zh only reads\n", "no Chinese"),
        (
            "it is {was.m.offset} now",
            "it is 4711 now",
            "different values",
        ),
        (
            "Ask `m` for a key, then",
            "Ask `m` for 4711 keys, then",
            "4711: nothing computes it",
        ),
        ("  settle\nnote", "  sttle\nnote", "no such verb: 'sttle'"),
        (
            "check m.writes",
            "czech m.writes",
            "is no entry of a lesson",
        ),
        ("step read", "", "comes before the first step"),
        ("recall\n", "recal\n", "is no entry of a lesson"),
        ("answer set", "answer get", "but the engine says 'set'"),
        ("answer info", "answer infos", "none of the options"),
        (
            "option get m.writes = 0",
            "option get m.writes = 1",
            "2 options are right",
        ),
        (
            "recall bytes(SET key value)",
            "recall bytes(PING)",
            "but the engine says '14'",
        ),
        (
            "and two end bytes",
            "and 4711 bytes",
            "4711: nothing computes it",
        ),
        (
            "option set m.writes >= 1",
            "option set m.writs >= 1",
            "no such node or fact",
        ),
        (
            "look page wire",
            "look page wire\n\nrecall\n  en More?\n  zh 还有？",
            "at least two options",
        ),
        ("ask m.written", "recall m.written", "stands after the end"),
        (
            "look page wire",
            "look page wire\nopen page wire",
            "stands after the end",
        ),
        ("Reads only", "Reads\u{7} only", "control character"),
        (
            "  settle\nnote",
            "  run 601s\nnote",
            "more than ten minutes of virtual time",
        ),
        (
            "wrong read unanswered",
            "wrong end",
            "there is no step 'end'",
        ),
    ] {
        let errors = lint_with(from, to);
        assert!(errors.iter().any(|e| e.contains(says)), "{to}: {errors:?}");
        assert!(
            errors.iter().all(|e| e.starts_with("line ")),
            "{to}: {errors:?}"
        );
    }
    assert!(lint_with("seed=1", "seed=2").is_empty());
}

#[test]
fn a_wrong_prediction_is_graded_as_wrong() {
    for file in files() {
        let lesson = Rc::new(lesson(&file));
        let (mut session, mut player) = Session::begin(lesson.clone(), 0).expect("it begins");
        while let Some(step) = lesson.steps.get(session.at) {
            if let Some(ask) = &step.ask {
                let other = ask.options.iter().find(|o| o.name != ask.answer);
                session.predict(other.map_or("4711", |o| &o.name));
            }
            for line in &step.show {
                play(&mut session, &mut player, line);
            }
            lint::open(&mut session, &player, step);
            let passed = session.passed.clone().expect("it passes all the same");
            if let Some(ask) = &step.ask {
                assert_eq!(
                    passed,
                    Some((false, ask.answer.clone())),
                    "{}: {}",
                    lesson.id,
                    step.name
                );
            }
            session.proceed(&mut player);
        }
    }
}

/// Questions after the end: three a lesson and eight after the last one; which the world decides, where it can.
#[test]
fn recalls_are_graded_by_the_world_where_it_can() {
    for file in files() {
        let lesson = Rc::new(lesson(&file));
        let wanted = if lesson.id == "l14" { 8 } else { 3 };
        assert_eq!(lesson.recalls.len(), wanted, "{}", lesson.id);
        let (mut session, mut player) =
            Session::begin(lesson.clone(), lesson.steps.len()).expect("it begins");
        assert!(session.step().is_none(), "an address can open the end");
        while let Some(ask) = session.recall().cloned() {
            session.remember("no such answer", &player);
            let right = session.recalled.len() % 2 == 0;
            let other = ask.options.iter().find(|o| o.name != ask.answer);
            let wrong = other.map_or("4711", |o| &o.name);
            session.remember(if right { &ask.answer } else { wrong }, &player);
            let (answer, truth) = session.recalled.last().expect("it is answered");
            assert_eq!(
                (answer == truth, truth),
                (right, &ask.answer),
                "{}",
                lesson.id
            );
        }
        assert_eq!(session.remembered() as usize, wanted.div_ceil(2));
        // What the world decides is what happened in it, not what the text says.
        if lesson.id == "l06" {
            let (mut session, _) = Session::begin(lesson.clone(), 3).expect("it begins");
            player.submit("@r3 REPLICAOF NO ONE");
            player.submit("@r3 REPLICAOF m 6379");
            player.submit("@r3 DEBUG CHANGE-REPL-ID");
            player.let_pass(20_000_000);
            session.remember("file", &player);
            assert_eq!(
                session.recalled[0].1, "file",
                "this one did copy everything"
            );
        }
    }
}

fn play(
    session: &mut Session,
    player: &mut ringside::player::Player,
    line: &ringside::script::Line,
) {
    ringside::lessons::obey(player, line).expect("it can be done");
    session.observe(player);
}

/// Steps that are about being quick; those that have to hit a moment wait `until` it, and the learner stops the clock.
const QUICK: [(&str, &str); 4] = [
    ("l08", "stale"),
    ("l08", "wait"),
    ("l11", "bound"),
    ("l13", "storm"),
];

/// People type slower than a script runs: otherwise a right way is right however long they wait between two lines.
#[test]
fn golden_runs_pass_at_anybodys_pace() {
    let seeds = std::env::var("SEEDS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(20);
    let mut bad = Vec::new();
    for file in files() {
        let lesson = Rc::new(lesson(&file));
        for seed in 0..seeds {
            let mut rng = ringside::rng::Rng::new(seed);
            let (mut session, mut player) = Session::begin(lesson.clone(), 0).expect("it begins");
            let mut wait = |session: &mut Session, player: &mut ringside::player::Player| {
                player.let_pass(rng.below(2_500_000));
                session.observe(player);
            };
            for step in &lesson.steps {
                let quick = QUICK.contains(&(lesson.id.as_str(), step.name.as_str()))
                    || step.show.iter().any(|l| l.text.starts_with("until"));
                if !quick {
                    wait(&mut session, &mut player);
                }
                if let Some(ask) = &step.ask {
                    session.predict(&ask.answer);
                }
                for line in &step.show {
                    if !quick {
                        wait(&mut session, &mut player);
                    }
                    play(&mut session, &mut player, line);
                }
                lint::open(&mut session, &player, step);
                if session.passed.is_none() {
                    let have: Vec<_> = session
                        .judge(&player, false)
                        .into_iter()
                        .filter(|j| !j.ok)
                        .map(|j| j.have)
                        .collect();
                    bad.push(format!(
                        "{} {} with seed {seed}: {have:?}",
                        lesson.id, step.name
                    ));
                    break;
                }
                session.proceed(&mut player);
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn a_new_lesson_passes_and_overwrites_nothing() {
    use ringside::native::lesson;
    let dir = tempdir();
    let file = dir.join("my.txt");
    lesson::new_file(&file).expect("it is made");
    assert!(lesson::lint_file(&file).is_ok());
    std::fs::write(&file, "mine").expect("it can be written");
    let refused = lesson::new_file(&file).expect_err("it is there");
    assert!(refused.contains("cannot make"), "{refused}");
    assert_eq!(text(&file), "mine");
    std::fs::remove_dir_all(dir).expect("it was ours");
}

/// A folder of this process's own.
fn tempdir() -> PathBuf {
    let dir = std::env::temp_dir().join(format!("ringside-lessons-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder can be made");
    dir
}

#[test]
fn whoever_kills_all_nodes_is_told_what_is_wanted_all_the_same() {
    for file in files() {
        let lesson = Rc::new(lesson(&file));
        for at in 0..lesson.steps.len() {
            let (mut session, mut player) =
                Session::begin(lesson.clone(), at).expect("it begins there");
            let names: Vec<String> = player.world().names().into_iter().map(Into::into).collect();
            for name in names {
                player.submit(&format!(":kill {name}"));
            }
            player.let_pass(1_000_000);
            session.observe(&player);
            for judged in session.judge(&player, false) {
                for text in [judged.have, judged.next] {
                    assert!(!text.contains("no such"), "{} {at}: {text}", lesson.id);
                }
            }
        }
    }
}

#[test]
fn reset_is_exact_and_show_me_returns() {
    for file in files() {
        let lesson = Rc::new(lesson(&file));
        let (mut session, mut player) = Session::begin(lesson.clone(), 0).expect("it begins");
        while let Some(step) = lesson.steps.get(session.at) {
            let trace = |p: &ringside::player::Player| (p.now(), p.world().trace());
            let begun = trace(&player);
            // Something else first, then a look at how it is done.
            player.submit("@m SET astray 1");
            player.let_pass(300_000);
            let astray = trace(&player);
            session.show(&mut player);
            let mut patience = 0;
            while session.showing().is_some_and(|(_, done)| !done) {
                session.play(&mut player);
                player.advance(100_000);
                session.observe(&player);
                patience += 1;
                assert!(
                    patience < 20_000,
                    "{}: {} is never shown to its end",
                    lesson.id,
                    step.name
                );
            }
            assert_eq!(session.passed, None, "what is shown passes nothing");
            session.back(&mut player);
            assert_eq!(
                trace(&player),
                astray,
                "{}: {}: back from the show",
                lesson.id,
                step.name
            );
            session.reset(&mut player);
            assert_eq!(trace(&player), begun, "{}: {}: reset", lesson.id, step.name);
            assert!(
                !player.position().past,
                "a step that was reset goes on by itself"
            );
            session.skip(&mut player);
        }
        assert!(session.step().is_none());
    }
}

#[test]
fn a_lesson_opens_at_any_step() {
    for file in files() {
        let lesson = Rc::new(lesson(&file));
        for at in 0..lesson.steps.len() {
            let (mut session, mut player) = Session::begin(lesson.clone(), at).expect("it begins");
            let step = &lesson.steps[at];
            if let Some(ask) = &step.ask {
                session.predict(&ask.answer);
            }
            for line in &step.show {
                play(&mut session, &mut player, line);
            }
            lint::open(&mut session, &player, step);
            assert!(session.passed.is_some(), "{} at {}", lesson.id, step.name);
        }
    }
}

/// Plays a golden run on real servers: `None` when they say the same, else what they say; an error where real processes
/// have no counterpart for it, and why.
fn on_real_servers(file: &Path) -> Result<Option<String>, String> {
    let script = Script::parse(&lesson(file).script()).expect("a golden run is a script");
    match check::check(&script, Path::new("redis-server")) {
        Ok(check::Verdict::Same { replies, states }) => {
            let file = file.display();
            eprintln!("{file}: {replies} replies and {states} states are the real server's");
            Ok(None)
        }
        Ok(check::Verdict::Ineligible(why)) => Err(why),
        Ok(check::Verdict::Different(lines)) => {
            // INFO tells the seconds of a lag and the size of the ring, which real servers have larger.
            let info = |l: &String| l.contains("# Replication");
            let lines: Vec<_> = lines.into_iter().filter(|l| !info(l)).collect();
            Ok((!lines.is_empty()).then(|| lines.join("\n")))
        }
        Err(error) => Ok(Some(error)),
    }
}

/// Those that the README names. Real servers run in real time: five lessons at once, for they mostly wait.
#[test]
fn real_servers_say_the_same() {
    let (files, played, next) = (files(), Mutex::new(Vec::new()), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match on_real_servers(file) {
                        Ok(other) => played.lock().expect("no thread panics").push((file, other)),
                        Err(why) => eprintln!("{}: not on a real server: {why}", file.display()),
                    }
                }
            });
        }
    });
    let mut names = Vec::new();
    for (file, mut other) in played.into_inner().expect("no thread panics") {
        if other.is_some() {
            // On a busy machine real time may have run away: what differs alone, too, is another thing.
            other = on_real_servers(file).expect("it was played before");
        }
        assert_eq!(other, None, "{}", file.display());
        names.push(lesson(file).id);
    }
    names.sort();
    assert_eq!(
        names.join(" "),
        "example l01 l03 l06 l09 l10 l11 l12 r5484 r6718"
    );
}
