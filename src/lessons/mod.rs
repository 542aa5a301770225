//! Lessons: what is told, asked, checked and shown, step by step, read from plain text (`texts/`, both languages side by
//! side) and judged by the engine. Nothing that a lesson says is true because it was written down: numbers are filled in
//! from the world, predictions are graded by it, and `tests/lessons.rs` plays every lesson, and several wrong ways too.
//!
//! | file | what is in it |
//! |---|---|
//! | `read` | a lesson from its text; mistakes with their line |
//! | `facts` | the small language of conditions: `r1.offset = m.offset and r1.continued >= 1` |
//! | `session` | a lesson under way: checks, predictions, hints, reset, show me |
//! | `lint` | what a lesson has to be, beyond being readable (not in the page) |
//! | `texts/*.txt` | the lessons; `texts/README.md` teaches their format by example |
//!
//! Knows `Player`, and no page.

mod facts;
#[cfg(not(target_arch = "wasm32"))]
pub mod lint;
mod read;
mod session;

pub use facts::Facts;
pub use read::BadLesson;
pub use session::{Base, Judged, Session, obey};

use crate::script::Line;

/// The same words in both languages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Both {
    /// English, then 中文.
    pub text: [String; 2],
}

impl Both {
    pub fn get(&self, zh: bool) -> &str {
        &self.text[usize::from(zh)]
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lesson {
    /// Its name in addresses and in progress: `l06`.
    pub id: String,
    pub minutes: u64,
    pub title: Both,
    pub goal: Both,
    /// The world that it begins with.
    pub setup: Vec<Line>,
    pub steps: Vec<Step>,
    /// What remains: one sentence under the closing picture.
    pub end: Both,
    /// Asked after the end. Options without conditions: `answer` is right; else the world decides, judged from where the
    /// lesson began.
    pub recalls: Vec<Ask>,
    /// What the page shows at the end: its own lines, such as `page psync`.
    pub looks: Vec<String>,
    /// Runs that must not pass.
    pub wrong: Vec<Wrong>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    /// Line in the file, from 1.
    pub number: usize,
    pub name: String,
    pub title: Both,
    pub prose: Both,
    pub ask: Option<Ask>,
    pub checks: Vec<Check>,
    /// Where to look, what to do, and the line that does it.
    pub hints: Vec<Both>,
    /// The golden run: script lines that pass the step.
    pub show: Vec<Line>,
    /// What the page shows when the step begins.
    pub looks: Vec<String>,
    /// Pages of the inspector that the golden run opens: see the fact `saw`.
    pub opens: Vec<String>,
    /// For whoever leads a workshop.
    pub note: Both,
    /// Conditions that hold when the step is passed: what the prose says in plain digits.
    pub claims: Vec<Claim>,
}

/// A prediction. The engine knows the answer when the step is passed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ask {
    /// Line in the file, from 1.
    pub number: usize,
    pub words: Both,
    /// The number asked for; empty when there are options.
    pub value: String,
    pub options: Vec<Choice>,
    /// Told afterwards.
    pub why: Both,
    /// What the golden run answers; the engine has to agree.
    pub answer: String,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    pub name: String,
    /// Holds at the end of the step when this is the right one; a recall may have none.
    pub when: String,
    pub words: Both,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Check {
    pub number: usize,
    pub when: String,
    pub want: Both,
    /// The first whose condition holds is told (no condition: always).
    pub have: Vec<(String, Both)>,
    pub next: Vec<(String, Both)>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Claim {
    pub number: usize,
    pub when: String,
}

/// A run that must leave its step open.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wrong {
    pub number: usize,
    pub step: String,
    pub title: Both,
    pub lines: Vec<Line>,
    /// Answers the question, rightly, first: then it is the deeds that fail.
    pub silent: bool,
}

impl Lesson {
    /// The golden run as a scenario, for `ringside run` and `ringside check`.
    pub fn script(&self) -> String {
        let mut text = format!("# {}\n", self.title.get(false));
        let mut add = |lines: &[Line]| {
            for line in lines {
                text.push_str(line.text.trim());
                text.push('\n');
            }
        };
        add(&self.setup);
        self.steps.iter().for_each(|step| add(&step.show));
        text
    }
}
