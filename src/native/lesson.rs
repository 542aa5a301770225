//! `ringside lesson`: for whoever writes one. `new` makes one to begin with, `lint` reads and plays it, `preview` shows
//! what a learner will read, filled in by the golden run, and `script` the golden run as a scenario.

use crate::lessons::{Lesson, Session, lint};
use crate::player::Player;
use std::fmt::Write;
use std::path::Path;
use std::rc::Rc;

/// A lesson of one step, to begin with.
pub const NEW: &str = include_str!("../lessons/texts/example.txt");

fn read(file: &Path) -> Result<String, String> {
    std::fs::read_to_string(file)
        .map_err(|e| format!("ringside: cannot read '{}': {e}", file.display()))
}

fn parse(file: &Path) -> Result<Rc<Lesson>, String> {
    let lesson = Lesson::parse(&read(file)?).map_err(|e| format!("{}: {e}", file.display()))?;
    Ok(Rc::new(lesson))
}

/// Makes a lesson to begin with; what was made.
///
/// # Errors
/// The file is there already, which is never overwritten, or cannot be made.
pub fn new_file(file: &Path) -> Result<String, String> {
    let name = file.display();
    std::fs::File::create_new(file)
        .and_then(|mut made| std::io::Write::write_all(&mut made, NEW.as_bytes()))
        .map_err(|e| format!("ringside: cannot make '{name}': {e}"))?;
    Ok(format!("{name}: a lesson of one step that passes\n"))
}

/// Reads and plays a lesson; what was played.
///
/// # Errors
/// All that is wrong with it, a line each, with file and line.
pub fn lint_file(file: &Path) -> Result<String, String> {
    let name = file.display();
    match lint::lint(&read(file)?) {
        Ok(p) => Ok(format!(
            "{name}: {} steps, {} checks, {} questions, {} claims; golden run passes, {} wrong runs do not\n",
            p.steps, p.checks, p.questions, p.claims, p.wrong
        )),
        Err(bad) => Err(bad
            .iter()
            .map(|b| format!("{name}: {b}"))
            .collect::<Vec<_>>()
            .join("\n")),
    }
}

/// The golden run as a scenario.
///
/// # Errors
/// The lesson cannot be read.
pub fn script(file: &Path) -> Result<String, String> {
    Ok(parse(file)?.script())
}

/// What a learner will read, in both languages, with the values of the golden run.
///
/// # Errors
/// The lesson cannot be read, or its setup cannot be played.
pub fn preview(file: &Path) -> Result<String, String> {
    let lesson = parse(file)?;
    let mut text = String::new();
    for zh in [false, true] {
        let (mut session, mut player) = Session::begin(lesson.clone(), 0)?;
        let _ = writeln!(
            text,
            "# {}\n\n{}",
            lesson.title.get(zh),
            lesson.goal.get(zh)
        );
        while session.step().is_some() {
            step(&mut text, &mut session, &mut player, zh);
        }
        let end = session.facts(&player).fill(lesson.end.get(zh));
        let _ = writeln!(text, "\n{end}\n[{}]\n", lesson.looks.join("; "));
    }
    Ok(text)
}

fn step(text: &mut String, session: &mut Session, player: &mut Player, zh: bool) {
    let lesson = session.lesson.clone();
    let Some(step) = lesson.steps.get(session.at) else {
        return;
    };
    let facts = session.facts(player);
    let _ = writeln!(
        text,
        "\n## {}. {}\n\n{}",
        session.at + 1,
        step.title.get(zh),
        facts.fill(step.prose.get(zh))
    );
    if let Some(ask) = &step.ask {
        let _ = writeln!(text, "\n? {}", facts.fill(ask.words.get(zh)));
        for option in &ask.options {
            let mark = if option.name == ask.answer { '*' } else { ' ' };
            let _ = writeln!(text, "  {mark} {}", facts.fill(option.words.get(zh)));
        }
    }
    for check in session.judge(player, zh) {
        let _ = writeln!(text, "- {}\n  {} · {}", check.want, check.have, check.next);
    }
    for hint in &step.hints {
        let _ = writeln!(text, "  ({})", facts.fill(hint.get(zh)));
    }
    for line in &step.show {
        let _ = writeln!(text, "      {}", line.text.trim());
    }
    session.skip(player);
    if let Some(ask) = &step.ask {
        let why = session.facts(player).fill(ask.why.get(zh));
        let _ = writeln!(text, "= {} {why}", ask.answer);
    }
}
