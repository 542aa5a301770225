//! A lesson under way. A step begins at a place of the tape; what is checked is what is so, and what happened since that
//! place, on the way that led here: so going back in time takes it back too. A step once passed stays passed.

use super::{Ask, Check, Facts, Lesson, Step};
use crate::player::{Place, Player};
use crate::script::{Line, Verb, phase_word};
use crate::sim::Options;
use crate::sim::snapshot::Snapshot;
use crate::time::{Instant, SECOND_US};
use std::rc::Rc;

/// Where a step began.
#[derive(Clone)]
pub struct Base {
    pub place: Place,
    pub event: u64,
    pub at: Instant,
    /// Number of the newest story then.
    pub told: u64,
    pub snapshot: Rc<Snapshot>,
    /// Pages of the inspector that were looked at since.
    pub seen: Vec<String>,
}

impl Base {
    pub fn here(player: &Player) -> Self {
        let place = player.place();
        Self {
            event: place.event,
            at: place.at,
            place,
            told: player.world().told(),
            snapshot: player.snapshot(),
            seen: Vec::new(),
        }
    }
}

/// A check, told.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    pub ok: bool,
    pub want: String,
    pub have: String,
    pub next: String,
}

/// `Show me`: the next line, until when it waits, and where to go back to.
struct Show {
    next: usize,
    until: Instant,
    home: Place,
}

pub struct Session {
    pub lesson: Rc<Lesson>,
    /// Index of the step; as many as there are steps: the end.
    pub at: usize,
    base: Base,
    /// Where the lesson began.
    begun: Base,
    pub answer: Option<String>,
    /// How many hints were asked for.
    pub hints: usize,
    /// The step is passed; with a question: whether the prediction was right, and what the engine says.
    pub passed: Option<Option<(bool, String)>>,
    show: Option<Show>,
    /// Predictions that were right, of all that were graded.
    pub right: u64,
    pub asked: u64,
    /// What was answered after the end, and what is right.
    pub recalled: Vec<(String, String)>,
}

/// What `settle` and `until` wait for at most.
const PATIENCE_US: u64 = 300 * SECOND_US;

impl Session {
    /// A lesson from its step `at`: the world of its setup, and the steps before played as they are shown.
    ///
    /// # Errors
    /// Its setup makes no world.
    pub fn begin(lesson: Rc<Lesson>, at: usize) -> Result<(Self, Player), String> {
        Self::begin_as(lesson, at, &[])
    }

    /// The same for a class: `seed=42` and settings such as `repl-timeout=10`, so that all screens show the same.
    ///
    /// # Errors
    /// As [`Session::begin`].
    pub fn begin_as(
        lesson: Rc<Lesson>,
        at: usize,
        class: &[&str],
    ) -> Result<(Self, Player), String> {
        let mut options = Options::default();
        for line in &lesson.setup {
            match &line.verb {
                Verb::Cluster(o) => options = o.clone(),
                Verb::Key(name, value) => options.keys.push((name.clone(), value.clone())),
                _ => {}
            }
        }
        let class = || class.iter().filter_map(|word| word.split_once('='));
        for (name, value) in class() {
            if name == "seed" {
                options.seed = value.parse().unwrap_or(options.seed);
            }
        }
        let mut player = Player::with(options);
        for (name, value) in class() {
            if name != "seed" {
                player.submit(&["@all CONFIG SET ", name, " ", value].concat());
            }
        }
        let before = lesson.steps.iter().take(at);
        for line in &lesson.setup {
            obey(&mut player, line)?;
        }
        let begun = Base::here(&player);
        let mut base = begun.clone();
        for step in before {
            // Where the last one began: at the end that is what is told of.
            base = Base::here(&player);
            for line in &step.show {
                obey(&mut player, line)?;
            }
        }
        if at < lesson.steps.len() {
            base = Base::here(&player);
        }
        let session = Self {
            at: at.min(lesson.steps.len()),
            base,
            begun,
            lesson,
            answer: None,
            hints: 0,
            passed: None,
            show: None,
            right: 0,
            asked: 0,
            recalled: Vec::new(),
        };
        Ok((session, player))
    }

    /// The step that one is in; `None` at the end.
    pub fn step(&self) -> Option<&Step> {
        self.lesson.steps.get(self.at)
    }

    pub fn facts<'a>(&'a self, player: &'a Player) -> Facts<'a> {
        Facts::new(player, &self.base)
    }

    /// What is so since the lesson began: for the questions after its end.
    pub fn facts_of_all<'a>(&'a self, player: &'a Player) -> Facts<'a> {
        Facts::new(player, &self.begun)
    }

    /// Every check of the step, told with what is so now.
    pub fn judge(&self, player: &Player, zh: bool) -> Vec<Judged> {
        let facts = self.facts(player);
        let checks = self.step().map_or(&[][..], |step| &step.checks);
        checks.iter().map(|c| judged(c, &facts, zh)).collect()
    }

    /// A page of the inspector is looked at, and has something to show.
    pub fn saw(&mut self, page: &str) {
        if self.show.is_none() && !self.base.seen.iter().any(|seen| seen == page) {
            self.base.seen.push(page.into());
        }
    }

    /// Looks at the world: is the step passed now?
    pub fn observe(&mut self, player: &Player) {
        let Some(step) = self.lesson.steps.get(self.at) else {
            return;
        };
        let answered = step.ask.is_none() || self.answer.is_some();
        if self.passed.is_some() || self.show.is_some() || !answered {
            return;
        }
        let facts = Facts::new(player, &self.base);
        let done = |c: &Check| facts.holds(&c.when) == Ok(true);
        if !step.checks.iter().all(done) {
            return;
        }
        let grade = self.grade(&facts);
        if let Some((right, _)) = &grade {
            self.asked += 1;
            self.right += u64::from(*right);
        }
        self.passed = Some(grade);
    }

    fn grade(&self, facts: &Facts<'_>) -> Option<(bool, String)> {
        let truth = truth(self.step()?.ask.as_ref()?, facts);
        Some((self.answer.as_ref() == Some(&truth), truth))
    }

    /// A prediction; the first one counts.
    pub fn predict(&mut self, answer: &str) {
        let ask = self.step().and_then(|s| s.ask.as_ref());
        if self.answer.is_none() && ask.is_some_and(|ask| fits(ask, answer.trim())) {
            self.answer = Some(answer.trim().into());
        }
    }

    /// The question of the recall that is open.
    pub fn recall(&self) -> Option<&Ask> {
        let ended = self.step().is_none();
        let next = self.lesson.recalls.get(self.recalled.len());
        next.filter(|_| ended)
    }

    /// What is right: as the world has it since the lesson began; where it went another way, as the lesson says.
    pub fn recall_truth(&self, ask: &Ask, player: &Player) -> String {
        let truth = truth(ask, &self.facts_of_all(player));
        if truth.is_empty() {
            ask.answer.clone()
        } else {
            truth
        }
    }

    /// An answer to it; the next one opens.
    pub fn remember(&mut self, answer: &str, player: &Player) {
        let Some(ask) = self.recall().filter(|ask| fits(ask, answer.trim())) else {
            return;
        };
        let truth = self.recall_truth(ask, player);
        self.recalled.push((answer.trim().into(), truth));
    }

    /// Answers of the recall that were right.
    pub fn remembered(&self) -> u64 {
        let right = self
            .recalled
            .iter()
            .filter(|(answer, truth)| answer == truth);
        right.count() as u64
    }

    /// On to the next step, when this one is passed.
    pub fn proceed(&mut self, player: &mut Player) {
        if self.passed.is_some() {
            self.enter(self.at + 1, player);
        }
    }

    fn enter(&mut self, at: usize, player: &Player) {
        self.at = at;
        // The end still tells of the last step.
        if at < self.lesson.steps.len() {
            self.base = Base::here(player);
        }
        self.answer = None;
        self.hints = 0;
        self.passed = None;
    }

    /// Back to how the step began, exactly; what was done stays on a branch.
    pub fn reset(&mut self, player: &mut Player) {
        self.back(player);
        player.branch_at(&self.base.place);
        self.passed = None;
        self.hints = 0;
    }

    /// Does the step as it is shown, from how it began if something was done since, and goes on.
    pub fn skip(&mut self, player: &mut Player) {
        if player.lines_since(self.base.event).is_empty() && self.show.is_none() {
            player.seek_live();
            player.play(true);
        } else {
            self.reset(player);
        }
        let lesson = self.lesson.clone();
        for line in lesson.steps.get(self.at).map_or(&[][..], |s| &s.show) {
            // What cannot be done shows in the console; the next step begins where this leads.
            let _ = obey(player, line);
        }
        self.enter(self.at + 1, player);
    }

    /// Plays the step on a branch, from how it began.
    pub fn show(&mut self, player: &mut Player) {
        self.back(player);
        let home = player.place();
        player.branch_at(&self.base.place);
        player.play(true);
        self.show = Some(Show {
            next: 0,
            until: player.now(),
            home,
        });
    }

    /// What is being shown: how many lines of the step are done, and whether all are.
    pub fn showing(&self) -> Option<(usize, bool)> {
        let lines = self.step()?.show.len();
        self.show.as_ref().map(|s| (s.next, s.next >= lines))
    }

    /// Does what is due of what is being shown; true when it did something.
    pub fn play(&mut self, player: &mut Player) -> bool {
        let Some(show) = &mut self.show else {
            return false;
        };
        let before = show.next;
        let lines = self.lesson.steps.get(self.at).map_or(&[][..], |s| &s.show);
        while let Some(line) = lines.get(show.next) {
            if player.now() < show.until {
                if player.waits() {
                    return show.next > before;
                }
                // Auto pace stops the clock when nothing happens: the rest of the time passes at once.
                player.let_pass(show.until.since(player.now()));
            }
            let more = match &line.verb {
                Verb::Settle if !player.world().idle() => true,
                Verb::Until { node, phase } => !is(player, node, phase),
                _ => false,
            };
            if more && player.waits() {
                return show.next > before;
            }
            match line.verb {
                Verb::Run(us) => show.until = player.now().after(us),
                _ => drop(obey(player, line)),
            }
            show.next += 1;
            player.play(true);
            if matches!(line.verb, Verb::Act(_)) {
                return true; // one deed a look
            }
        }
        show.next > before
    }

    /// Back from what was shown, if something was.
    pub fn back(&mut self, player: &mut Player) {
        if let Some(show) = self.show.take() {
            let shown = player.place().branch;
            player.go(&show.home);
            // It is the current one only if going home failed.
            let _ = player.delete(shown);
        }
    }
}

/// Whether a question can be answered so.
fn fits(ask: &Ask, answer: &str) -> bool {
    if ask.options.is_empty() {
        answer.parse::<i64>().is_ok()
    } else {
        ask.options.iter().any(|o| o.name == answer)
    }
}

/// What the engine says to a question; nothing when none of its options holds.
fn truth(ask: &Ask, facts: &Facts<'_>) -> String {
    if ask.options.is_empty() {
        let number = facts.number(&ask.value);
        return number.map_or_else(|e| e, |n| n.to_string());
    }
    let holds = |when: &str| !when.is_empty() && facts.holds(when) == Ok(true);
    let right = ask.options.iter().find(|o| holds(&o.when));
    right.map_or_else(String::new, |o| o.name.clone())
}

fn judged(check: &Check, facts: &Facts<'_>, zh: bool) -> Judged {
    let tell = |list: &[(String, super::Both)]| {
        let first = list.iter().find(|(when, _)| facts.holds(when) == Ok(true));
        first.map_or_else(String::new, |(_, words)| facts.fill(words.get(zh)))
    };
    let result = facts.holds(&check.when);
    Judged {
        ok: result == Ok(true),
        want: facts.fill(check.want.get(zh)),
        have: result.err().unwrap_or_else(|| tell(&check.have)),
        next: tell(&check.next),
    }
}

fn is(player: &Player, node: &str, phase: &str) -> bool {
    let s = player.snapshot();
    let n = s.nodes.iter().find(|n| n.name == node);
    n.is_some_and(|n| phase_word(&n.phase) == phase)
}

/// Does a line of a script at once.
///
/// # Errors
/// It waits for what does not come.
pub fn obey(player: &mut Player, line: &Line) -> Result<(), String> {
    let patience = player.now().after(PATIENCE_US);
    match &line.verb {
        Verb::Act(action) => player.perform(action.clone()),
        Verb::Run(us) => player.let_pass(*us),
        Verb::Step(n) => (0..*n).for_each(|_| player.step()),
        Verb::Settle | Verb::Until { .. } => {
            let playing = player.playing();
            let there = |player: &Player| match &line.verb {
                Verb::Until { node, phase } => is(player, node, phase),
                _ => player.world().idle(),
            };
            while !there(player) {
                if player.now() > patience {
                    return Err([&line.text, ": not within 300 s"].concat());
                }
                player.step();
            }
            player.play(playing);
        }
        _ => {}
    }
    Ok(())
}
