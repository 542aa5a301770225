//! What a lesson has to be beyond being readable: whole in both languages, short, and true. Plays its golden run and its
//! wrong ones, and looks for numbers that nobody computed.

use super::session::obey;
use super::{Ask, BadLesson, Both, Facts, Lesson, Session, Step};
use crate::player::Player;
use std::rc::Rc;

/// Words of prose that a step may have; a Chinese character counts as half a word, as it does for the reader's time.
const WORDS_MAX: usize = 60;
/// Wrong runs that a lesson has at least.
const WRONG_MIN: usize = 3;
/// Questions after its end that a lesson has at least.
const RECALLS_MIN: usize = 3;
/// Lines that `look` may have, the page's own: a page of the inspector, the node in focus, what is selected.
const LOOKS: [&str; 3] = ["page", "focus", "select"];
const PAGES: [&str; 12] = [
    "node", "psync", "wire", "sequence", "keys", "ring", "rdb", "charts", "config", "faults",
    "writes", "log",
];

/// What was played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Played {
    pub steps: usize,
    pub checks: usize,
    pub questions: usize,
    pub claims: usize,
    pub wrong: usize,
    pub recalls: usize,
    /// Recalls that the world decides, not the text.
    pub judged: usize,
}

/// Reads and plays a lesson.
///
/// # Errors
/// All that is wrong with it, each with its line.
pub fn lint(text: &str) -> Result<Played, Vec<BadLesson>> {
    let lesson = Lesson::parse(text).map_err(|e| vec![e])?;
    let mut lint = Lint {
        text,
        lesson: Rc::new(lesson),
        bad: Vec::new(),
        played: Played::default(),
    };
    lint.words();
    if lint.bad.is_empty() {
        lint.golden();
    }
    if lint.bad.is_empty() {
        lint.wrong();
    }
    if lint.bad.is_empty() {
        Ok(lint.played)
    } else {
        Err(lint.bad)
    }
}

struct Lint<'a> {
    text: &'a str,
    lesson: Rc<Lesson>,
    bad: Vec<BadLesson>,
    played: Played,
}

impl Lint<'_> {
    fn complain(&mut self, line: usize, text: impl Into<String>) {
        let text = text.into();
        self.bad.push(BadLesson { line, text });
    }

    /// The line on which a text stands.
    fn line_of(&self, words: &str) -> usize {
        let start: String = words.chars().take(12).collect();
        let line = self.text.lines().position(|l| l.contains(&start));
        line.map_or(1, |i| i + 1)
    }

    // --- words -------------------------------------------------------------------------------------------------------

    fn words(&mut self) {
        let lesson = self.lesson.clone();
        self.both(1, "title", &lesson.title);
        self.both(1, "goal", &lesson.goal);
        self.both(self.text.lines().count(), "end", &lesson.end);
        if lesson.minutes == 0 {
            self.complain(1, "lesson: how many minutes does it take?");
        }
        if lesson.looks.is_empty() {
            self.complain(1, "end: the closing picture is missing; 'look' says which");
        }
        for step in &lesson.steps {
            self.step(step);
        }
        for ask in &lesson.recalls {
            self.recall(ask);
        }
        if lesson.recalls.len() < RECALLS_MIN {
            let n = lesson.recalls.len();
            self.complain(1, format!("{n} recalls, {RECALLS_MIN} are wanted"));
        }
        let looks = lesson
            .steps
            .iter()
            .flat_map(|s| s.looks.iter().chain(&s.opens));
        for look in looks.chain(&lesson.looks) {
            let (verb, what) = look.split_once(' ').unwrap_or((look, ""));
            if verb == "page" && !PAGES.contains(&what) {
                self.complain(
                    self.line_of(look),
                    format!("look page: one of {PAGES:?}, not '{what}'"),
                );
            }
            if !LOOKS.contains(&verb) {
                self.complain(
                    self.line_of(look),
                    format!("look: one of {LOOKS:?}, not '{verb}'"),
                );
            }
        }
        for wrong in &lesson.wrong {
            self.both(wrong.number, "wrong", &wrong.title);
            if !lesson.steps.iter().any(|s| s.name == wrong.step) {
                self.complain(
                    wrong.number,
                    format!("wrong: there is no step '{}'", wrong.step),
                );
            }
        }
        if lesson.wrong.len() < WRONG_MIN {
            let n = lesson.wrong.len();
            self.complain(1, format!("{n} wrong runs, {WRONG_MIN} are wanted"));
        }
    }

    fn step(&mut self, step: &Step) {
        let at = step.number;
        self.both(at, "step", &step.title);
        self.both(at, "prose", &step.prose);
        self.both(at, "note", &step.note);
        for (zh, text) in step.prose.text.iter().enumerate() {
            let words = length(text);
            if words > WORDS_MAX {
                let lang = ["en", "zh"][zh];
                self.complain(
                    self.line_of(text),
                    format!("prose {lang}: {words} words, at most {WORDS_MAX}"),
                );
            }
        }
        if step.checks.is_empty() {
            self.complain(at, "step: it has no check");
        }
        if step.hints.len() != 3 {
            self.complain(
                at,
                "step: three hints: where to look, what to do, the line that does it",
            );
        }
        let hints = step.hints.clone();
        for hint in &hints {
            self.both(at, "hint", hint);
        }
        for check in &step.checks {
            self.both(check.number, "check", &check.want);
            for (list, key) in [(&check.have, "have"), (&check.next, "next")] {
                match list.last() {
                    Some((when, _)) if when.is_empty() => {}
                    _ => self.complain(
                        check.number,
                        format!("check: it wants a '{key}' without a condition at its end"),
                    ),
                }
                for (_, words) in list {
                    self.both(check.number, key, words);
                }
            }
            if !check
                .have
                .iter()
                .any(|(_, words)| words.get(false).contains('{'))
            {
                self.complain(
                    check.number,
                    "have: it names no live value, such as {r1.offset}",
                );
            }
        }
        if let Some(ask) = &step.ask {
            self.question(ask);
            if ask.options.iter().any(|o| o.when.is_empty()) {
                self.complain(ask.number, "option: it wants a condition");
            }
        }
        self.numbers(step);
    }

    fn question(&mut self, ask: &Ask) {
        let at = ask.number;
        self.both(at, "ask", &ask.words);
        self.both(at, "why", &ask.why);
        for option in &ask.options {
            self.both(at, "option", &option.words);
        }
        if ask.options.len() == 1 || ask.options.is_empty() == ask.value.is_empty() {
            self.complain(at, "ask: a number to compute, or at least two options");
        }
    }

    /// Plain digits in it have to stand in what it computes, or in a line that was played.
    fn recall(&mut self, ask: &Ask) {
        self.question(ask);
        let named = |o: &super::Choice| o.name == ask.answer;
        if !ask.options.is_empty() && !ask.options.iter().any(named) {
            self.complain(ask.number, "answer: it is none of the options");
        }
        let lesson = self.lesson.clone();
        let shown = lesson.steps.iter().flat_map(|s| &s.show);
        let mut known: Vec<String> = digits(&ask.value);
        known.extend(
            lesson
                .setup
                .iter()
                .chain(shown)
                .flat_map(|l| digits(&l.text)),
        );
        let whens = ask.options.iter().map(|o| &o.when);
        known.extend(whens.flat_map(|when| digits(when)));
        let mut told = vec![&ask.words, &ask.why];
        told.extend(ask.options.iter().map(|o| &o.words));
        self.computed(&told, &known);
    }

    /// Both languages, with the same places to fill.
    fn both(&mut self, line: usize, key: &str, words: &Both) {
        let places = |text: &str| {
            let mut places: Vec<String> = text
                .split('{')
                .skip(1)
                .map(|p| p.split('}').next().unwrap_or_default().to_string())
                .collect();
            places.sort();
            places
        };
        let [en, zh] = &words.text;
        if en.is_empty() {
            self.complain(line, format!("{key}: 'en' is missing"));
        } else if zh.is_empty() {
            self.complain(line, format!("{key}: 'zh' is missing"));
        } else if places(en) != places(zh) {
            let line = self.line_of(en);
            self.complain(
                line,
                format!("{key}: the languages fill in different values"),
            );
        } else if plain(zh).chars().any(char::is_alphabetic) && !zh.chars().any(|c| c >= '\u{2e80}')
        {
            self.complain(line, format!("{key}: 'zh' has no Chinese in it"));
        }
    }

    /// Plain digits in what is told have to stand in a claim, a check or a line of the step: those are played.
    fn numbers(&mut self, step: &Step) {
        let mut known: Vec<String> = Vec::new();
        let mut learn = |text: &str| known.extend(digits(text));
        step.claims.iter().for_each(|c| learn(&c.when));
        step.checks.iter().for_each(|c| learn(&c.when));
        let lines = self.lesson.setup.iter().chain(&step.show);
        lines.for_each(|l| learn(&l.text));
        let mut told = vec![&step.prose];
        told.extend(step.checks.iter().map(|c| &c.want));
        if let Some(ask) = &step.ask {
            learn(&ask.value);
            told.extend([&ask.words, &ask.why]);
            told.extend(ask.options.iter().map(|o| &o.words));
        }
        self.computed(&told, &known);
    }

    fn computed(&mut self, told: &[&Both], known: &[String]) {
        let texts: Vec<String> = told.iter().flat_map(|b| b.text.clone()).collect();
        for text in texts {
            for number in digits(&plain(&text)) {
                if !known.contains(&number) {
                    let line = self.line_of(&text);
                    self.complain(
                        line,
                        format!("{number}: nothing computes it; add a 'claim', or fill it in"),
                    );
                }
            }
        }
    }

    // --- runs --------------------------------------------------------------------------------------------------------

    fn golden(&mut self) {
        let lesson = self.lesson.clone();
        let (mut session, mut player) = match Session::begin(lesson.clone(), 0) {
            Ok(begun) => begun,
            Err(error) => return self.complain(1, format!("setup: {error}")),
        };
        for step in &lesson.steps {
            self.unknown(step, &session.facts(&player));
            session.observe(&player);
            if step
                .checks
                .iter()
                .all(|c| session.facts(&player).holds(&c.when) == Ok(true))
            {
                self.complain(
                    step.number,
                    format!("step {}: it is passed before it begins", step.name),
                );
            }
            if let Some(ask) = &step.ask {
                session.predict(&ask.answer);
            }
            if let Err(error) = play(&mut session, &mut player, &step.show) {
                return self.complain(step.number, format!("show: {error}"));
            }
            open(&mut session, &player, step);
            self.played.steps += 1;
            self.played.checks += step.checks.len();
            let Some(grade) = session.passed.clone() else {
                for (check, judged) in step.checks.iter().zip(session.judge(&player, false)) {
                    if !judged.ok {
                        let text = format!(
                            "the golden run does not pass it: {} (have: {})",
                            check.when, judged.have
                        );
                        self.complain(check.number, text);
                    }
                }
                if step.ask.is_some() && session.answer.is_none() {
                    self.complain(step.number, "answer: it is missing, or no number");
                }
                return;
            };
            if let (Some(ask), Some((right, truth))) = (&step.ask, grade) {
                self.played.questions += 1;
                if !right {
                    let (line, answer) = (step.number, &ask.answer);
                    self.complain(
                        line,
                        format!("answer: '{answer}', but the engine says '{truth}'"),
                    );
                }
                let holding =
                    |o: &&super::Choice| session.facts(&player).holds(&o.when) == Ok(true);
                if ask.options.iter().filter(holding).count() > 1 {
                    self.complain(step.number, "option: more than one is right");
                }
            }
            for claim in &step.claims {
                self.played.claims += 1;
                match session.facts(&player).holds(&claim.when) {
                    Ok(true) => {}
                    Ok(false) => self.complain(
                        claim.number,
                        format!("the engine says otherwise: {}", claim.when),
                    ),
                    Err(error) => self.complain(claim.number, error),
                }
            }
            self.filled(step, &session.facts(&player));
            session.proceed(&mut player);
        }
        let facts = session.facts(&player);
        self.fills(self.text.lines().count(), &lesson.end, &facts);
        self.recalled(&session, &player);
    }

    /// The questions after the end: what the world says has to be what the lesson says.
    fn recalled(&mut self, session: &Session, player: &Player) {
        let lesson = self.lesson.clone();
        let facts = session.facts_of_all(player);
        for ask in &lesson.recalls {
            self.played.recalls += 1;
            let mut holding = 0;
            let conditions = ask.options.iter().filter(|o| !o.when.is_empty());
            for option in conditions.clone() {
                match facts.holds(&option.when) {
                    Ok(holds) => holding += usize::from(holds),
                    Err(error) => self.complain(ask.number, error),
                }
            }
            let judged = conditions.count() > 0 || ask.options.is_empty();
            self.played.judged += usize::from(judged);
            if judged && !ask.options.is_empty() && holding != 1 {
                self.complain(ask.number, format!("recall: {holding} options are right"));
            }
            let (truth, answer) = (session.recall_truth(ask, player), &ask.answer);
            if truth != *answer {
                let text = format!("answer: '{answer}', but the engine says '{truth}'");
                self.complain(ask.number, text);
            }
            let options = ask.options.iter().map(|o| &o.words);
            for words in [&ask.words, &ask.why].into_iter().chain(options) {
                self.fills(ask.number, words, &facts);
            }
        }
    }

    /// Conditions that ask for what there is not.
    fn unknown(&mut self, step: &Step, facts: &Facts<'_>) {
        for check in &step.checks {
            let told = check.have.iter().chain(&check.next).map(|(when, _)| when);
            for when in std::iter::once(&check.when).chain(told) {
                if let Err(error) = facts.holds(when) {
                    self.complain(check.number, error);
                }
            }
        }
        for option in step.ask.iter().flat_map(|a| &a.options) {
            if let Err(error) = facts.holds(&option.when) {
                self.complain(step.number, error);
            }
        }
    }

    /// Every text of the step, filled in at its end.
    fn filled(&mut self, step: &Step, facts: &Facts<'_>) {
        let mut all = vec![&step.prose, &step.note];
        all.extend(&step.hints);
        for check in &step.checks {
            all.push(&check.want);
            all.extend(check.have.iter().chain(&check.next).map(|(_, words)| words));
        }
        if let Some(ask) = &step.ask {
            all.extend([&ask.words, &ask.why]);
        }
        for words in all {
            self.fills(step.number, words, facts);
        }
    }

    fn fills(&mut self, line: usize, words: &Both, facts: &Facts<'_>) {
        let filled = facts.fill(words.get(false));
        if let Some((_, error)) = filled.split_once("no such node or fact") {
            self.complain(line, format!("no such node or fact{error}"));
        }
    }

    fn wrong(&mut self) {
        let lesson = self.lesson.clone();
        for wrong in &lesson.wrong {
            let at = lesson.steps.iter().position(|s| s.name == wrong.step);
            let begun = Session::begin(lesson.clone(), at.unwrap_or(0));
            let Ok((mut session, mut player)) = begun else {
                continue; // the golden run has told it
            };
            if let Some(ask) = session.step().and_then(|s| s.ask.clone())
                && !wrong.silent
            {
                session.predict(&ask.answer);
            }
            if let Err(error) = play(&mut session, &mut player, &wrong.lines) {
                self.complain(wrong.number, format!("wrong: {error}"));
            }
            self.played.wrong += 1;
            if session.passed.is_some() {
                self.complain(wrong.number, "wrong: this run passes");
            }
            if wrong.silent {
                continue;
            }
            for judged in session.judge(&player, true).iter().filter(|j| !j.ok) {
                if judged.have.is_empty() || judged.next.is_empty() {
                    self.complain(
                        wrong.number,
                        format!("wrong: nothing is told of what is missing: {}", judged.want),
                    );
                }
            }
        }
    }
}

/// Lines of a run, each looked at.
fn play(
    session: &mut Session,
    player: &mut Player,
    lines: &[crate::script::Line],
) -> Result<(), String> {
    for line in lines {
        obey(player, line).map_err(|e| format!("line {}: {e}", line.number))?;
        session.observe(player);
    }
    Ok(())
}

/// Opens the pages that the golden run opens.
pub fn open(session: &mut Session, player: &Player, step: &Step) {
    for look in &step.opens {
        session.saw(look.strip_prefix("page ").unwrap_or(look));
    }
    session.observe(player);
}

/// In words.
fn length(text: &str) -> usize {
    let han = text.chars().filter(|c| *c >= '\u{2e80}').count();
    let latin = text
        .split(|c: char| c.is_whitespace() || c >= '\u{2e80}')
        .filter(|w| w.chars().any(char::is_alphanumeric))
        .count();
    latin + han / 2
}

/// Numbers of two digits and more.
fn digits(text: &str) -> Vec<String> {
    let numbers = text.split(|c: char| !c.is_ascii_digit());
    numbers.filter(|n| n.len() > 1).map(String::from).collect()
}

/// A text without its places and its code.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let (mut place, mut code) = (false, false);
    for c in text.chars() {
        match c {
            '{' => place = true,
            '}' => place = false,
            '`' => code = !code,
            _ if !place && !code => out.push(c),
            _ => {}
        }
    }
    out
}
