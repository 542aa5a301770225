//! A lesson from its text. A line at the margin opens an entry, `check r1.online`; the lines indented under it are its
//! words (`en …`, `zh …`, as many as it takes) or lines of the script language. `#` at the margin begins a remark.

use super::{Ask, Both, Check, Choice, Claim, Lesson, Step, Wrong};
use crate::script::{Line, Verb};
use crate::time::SECOND_US;

/// A lesson that cannot be read: where, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLesson {
    /// From 1.
    pub line: usize,
    pub text: String,
}

impl std::fmt::Display for BadLesson {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.text)
    }
}

/// Bytes and steps of a lesson, and the virtual time that all its lines let pass: one may come from anywhere.
const TEXT_MAX: usize = 64 * 1024;
const STEPS_MAX: usize = 20;
const TIME_MAX_US: u64 = 600 * SECOND_US;

#[derive(Default)]
struct Entry {
    number: usize,
    key: String,
    arg: String,
    words: Both,
    lines: Vec<Line>,
}

impl Lesson {
    /// # Errors
    /// The first line that is not understood, or is not where it can be.
    pub fn parse(text: &str) -> Result<Self, BadLesson> {
        let bad = |line, text: String| BadLesson { line, text };
        if text.len() > TEXT_MAX {
            return Err(bad(1, "longer than 64 KiB".into()));
        }
        let mut lesson = Self::default();
        let mut entry = Entry::default();
        let mut passed = 0u64;
        for (i, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let words = line.trim();
            let number = i + 1;
            if words.chars().any(char::is_control) {
                return Err(bad(
                    number,
                    "it has a control character: is this a text?".into(),
                ));
            }
            if words.is_empty() || line.starts_with('#') {
                continue;
            }
            if line.starts_with(' ') {
                passed = passed.saturating_add(entry.add(number, words)?);
                if passed > TIME_MAX_US {
                    return Err(bad(
                        number,
                        "more than ten minutes of virtual time in all".into(),
                    ));
                }
                continue;
            }
            lesson.take(std::mem::take(&mut entry))?;
            let (key, arg) = words.split_once(' ').unwrap_or((words, ""));
            entry.number = number;
            entry.key = key.into();
            entry.arg = arg.trim().into();
        }
        lesson.take(entry)?;
        if lesson.id.is_empty() || lesson.steps.is_empty() {
            return Err(bad(
                1,
                "a lesson begins with 'lesson ID MINUTES' and has steps".into(),
            ));
        }
        Ok(lesson)
    }

    /// An entry, whole, goes where it belongs.
    fn take(&mut self, e: Entry) -> Result<(), BadLesson> {
        let wrong = |text: &str| {
            Err(BadLesson {
                line: e.number,
                text: [&e.key, ": ", text].concat(),
            })
        };
        let ending = !self.end.text[0].is_empty();
        if let (true, "option" | "why" | "answer", Some(ask)) =
            (ending, e.key.as_str(), self.recalls.last_mut())
        {
            ask.take(e);
            return Ok(());
        }
        match e.key.as_str() {
            "" => return Ok(()),
            "lesson" => {
                let (id, minutes) = e.arg.split_once(' ').unwrap_or((&e.arg, ""));
                self.id = id.into();
                self.minutes = minutes.parse().unwrap_or(0);
                self.title = e.words;
                return Ok(());
            }
            "goal" => {
                self.goal = e.words;
                return Ok(());
            }
            "setup" => {
                self.setup = e.lines;
                return Ok(());
            }
            "step" if self.steps.len() < STEPS_MAX => {
                self.steps.push(Step {
                    number: e.number,
                    name: e.arg,
                    title: e.words,
                    ..Step::default()
                });
                return Ok(());
            }
            "step" => return wrong("at most 20 of them"),
            "end" => {
                self.end = e.words;
                return Ok(());
            }
            "recall" if ending => {
                self.recalls.push(Ask::new(e));
                return Ok(());
            }
            "recall" => return wrong("stands after the end"),
            "look" if ending => {
                self.looks.push(e.arg);
                return Ok(());
            }
            "wrong" => {
                let (step, silent) = match e.arg.strip_suffix(" unanswered") {
                    Some(step) => (step, true),
                    None => (e.arg.as_str(), false),
                };
                self.wrong.push(Wrong {
                    number: e.number,
                    step: step.into(),
                    title: e.words,
                    lines: e.lines,
                    silent,
                });
                return Ok(());
            }
            _ => {}
        }
        if ending {
            return wrong("stands after the end, or is no entry of a lesson");
        }
        let Some(step) = self.steps.last_mut() else {
            return wrong("comes before the first step, or is no entry of a lesson");
        };
        if let Some(why) = step.take(e) {
            return Err(why);
        }
        Ok(())
    }
}

impl Step {
    /// An entry that belongs to a step; what is wrong with it.
    fn take(&mut self, e: Entry) -> Option<BadLesson> {
        let bad = |text: &str| {
            Some(BadLesson {
                line: e.number,
                text: [&e.key, ": ", text].concat(),
            })
        };
        match e.key.as_str() {
            "prose" => self.prose = e.words,
            "hint" => self.hints.push(e.words),
            "show" => self.show = e.lines,
            "look" => self.looks.push(e.arg),
            "open" => self.opens.push(e.arg),
            "note" => self.note = e.words,
            "claim" => self.claims.push(Claim {
                number: e.number,
                when: e.arg,
            }),
            "check" => self.checks.push(Check {
                number: e.number,
                when: e.arg,
                want: e.words,
                ..Check::default()
            }),
            "have" | "next" => {
                let Some(check) = self.checks.last_mut() else {
                    return bad("belongs to a check");
                };
                let list = if e.key == "have" {
                    &mut check.have
                } else {
                    &mut check.next
                };
                list.push((e.arg, e.words));
            }
            "ask" => self.ask = Some(Ask::new(e)),
            "option" | "why" | "answer" => match &mut self.ask {
                Some(ask) => ask.take(e),
                None => return bad("belongs to a question"),
            },
            _ => return bad("is no entry of a lesson"),
        }
        None
    }
}

impl Ask {
    fn new(e: Entry) -> Self {
        Self {
            number: e.number,
            words: e.words,
            value: e.arg,
            ..Self::default()
        }
    }

    /// An entry that belongs to a question.
    fn take(&mut self, e: Entry) {
        match e.key.as_str() {
            "why" => self.why = e.words,
            "answer" => self.answer = e.arg,
            _ => {
                let (name, when) = e.arg.split_once(' ').unwrap_or((&e.arg, ""));
                self.options.push(Choice {
                    name: name.into(),
                    when: when.into(),
                    words: e.words,
                });
            }
        }
    }
}

impl Entry {
    /// A line under an entry; the virtual time that it lets pass.
    fn add(&mut self, number: usize, line: &str) -> Result<u64, BadLesson> {
        let (lang, words) = line.split_once(' ').unwrap_or((line, ""));
        let zh = match lang {
            "en" => false,
            "zh" => true,
            _ => {
                let script = Line::parse(number, line).map_err(|e| BadLesson {
                    line: number,
                    text: e.text,
                })?;
                let time = match script.verb {
                    Verb::Run(us) => us,
                    Verb::Step(n) => n.saturating_mul(SECOND_US / 10),
                    _ => 0,
                };
                self.lines.push(script);
                return Ok(time);
            }
        };
        let text = &mut self.words.text[usize::from(zh)];
        if !text.is_empty() && !zh {
            text.push(' ');
        }
        text.push_str(words.trim());
        Ok(0)
    }
}
