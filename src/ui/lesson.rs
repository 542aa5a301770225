//! The lesson in the left column, and the list of all. Their texts are no part of the module: `boot.js` fetches one when
//! it is opened (`data-fetch` asks for it) and hands it over as the line `lesson-text`. One that a visitor brings along
//! comes from `www/own.js` the same way, as `own`.

use super::View;
use super::dom::{El, el, int, leaf};
use super::icons::{Icon, icon};
use super::sentence::Said;
use super::text::{Lang, fill};
use crate::lessons::{Ask, Facts, Lesson, Session, Step};
use crate::player::Player;
use std::rc::Rc;
use yew::AttrValue;

const ALL: Said = ["Lessons", "课程"];
const CLOSE: Said = ["Free play", "自由操作"];
const STEP: Said = ["step {} of {}", "第 {} / {} 步"];
const MINUTES: Said = ["{} min", "{} 分钟"];
const PREDICT: Said = ["Predict", "预测"];
const NUMBER: Said = ["Your prediction, a number", "你的预测（数字）"];
const YOURS: Said = ["Your prediction: {}", "你的预测：{}"];
const RIGHT: Said = ["Right: {}", "正确：{}"];
const OTHERWISE: Said = ["The engine says: {}", "引擎给出：{}"];
const NEXT: Said = ["Next: ", "下一步："];
const HAVE: Said = ["Now: ", "现状："];
const MET: Said = ["{} of {} done", "已完成 {} / {}"];
const PASSED: Said = ["Step passed", "本步已通过"];
const ASK_FIRST: Said = ["A prediction is still missing.", "还缺一个预测。"];
const GO_ON: Said = ["Continue", "继续"];
const HINT: Said = ["Hint {} of {}", "提示 {} / {}"];
const SHOW: Said = ["Show me", "演示"];
const SHOWN: Said = [
    "Shown on a branch of its own: line {} of {}.",
    "正在独立分支上演示：第 {} / {} 行。",
];
const BACK: Said = ["Back to my own", "回到我的操作"];
const AGAIN: Said = ["Reset step", "重置步骤"];
const SKIP: Said = ["Skip", "跳过"];
const NOTES: Said = ["For the instructor: ", "讲师提示："];
const ANSWER: Said = ["Expected: {}. ", "预期答案：{}。"];
const DONE: Said = ["Done", "完成"];
const SCORE: Said = ["Predictions right: {} of {}", "预测正确：{} / {}"];
const FOLLOWING: Said = ["Next lesson", "下一课"];
const RECORD: Said = ["What I have done", "我的学习记录"];
const GONE: Said = ["The lesson could not be opened: {}", "无法打开课程：{}"];
const LINE: Said = ["line {}: {}", "第 {} 行：{}"];
const BRING: Said = [
    "Open a lesson file, or drop one here",
    "打开课程文件，或拖放到这里",
];
const RECALL: Said = ["Recall: {} of {}", "回顾：第 {} / {} 题"];
const RECALLED: Said = ["Recalled: {} of {}", "回顾正确：{} / {}"];
/// What a lesson is called that is none of the course.
const OWN: &str = "own";

/// Progress, the list, and the lesson that is open.
#[derive(Default)]
pub struct Lessons {
    pub session: Option<Session>,
    /// Lines of the index: id, minutes, titles.
    index: Vec<[String; 4]>,
    listed: bool,
    error: String,
    /// Words such as `l01=2/2+3/3` (done; predictions right, questions after the end right) and `l06.3` (begun).
    progress: String,
    /// The open one was brought along: nothing of it is kept.
    own: bool,
    draft: String,
    /// Show what an instructor wants to know.
    notes: bool,
    class: String,
}

/// What the page has to do after a line.
#[derive(Default)]
pub struct After {
    /// Another world.
    pub player: Option<Player>,
    /// Lines of the page.
    pub looks: Vec<String>,
    pub fetch: Option<String>,
    pub store: Option<String>,
    pub prompt: Option<String>,
}

impl Lessons {
    pub fn new(progress: String, notes: bool) -> Self {
        Self {
            progress,
            notes,
            ..Self::default()
        }
    }

    /// The column is the lessons'.
    pub fn open(&self) -> bool {
        self.listed || self.session.is_some()
    }

    /// The lesson from its first step: what to open, and for which class.
    pub fn again(&self) -> Option<[String; 2]> {
        let id = &self.session.as_ref()?.lesson.id;
        let id = if self.own { OWN } else { id };
        Some([[id, ".1"].concat(), self.class.clone()])
    }

    /// The open step as an address has it, `l06.3`; none of a lesson that was brought along.
    pub fn place(&self) -> Option<String> {
        let session = self.session.as_ref().filter(|_| !self.own)?;
        let step = int(session.at as u64 + 1);
        Some([&session.lesson.id, ".", &step].concat())
    }

    /// A page of the inspector is shown, with something on it.
    pub fn saw(&mut self, page: &str) {
        if let Some(session) = &mut self.session {
            session.saw(page);
        }
    }

    /// Looks at the world; true when more of what is shown is due.
    pub fn observe(&mut self, player: &mut Player) -> bool {
        let Some(session) = &mut self.session else {
            return false;
        };
        let more = session.play(player);
        session.observe(player);
        more
    }

    /// Does a line whose verb begins with `lesson`.
    pub fn act(&mut self, verb: &str, rest: &str, lang: Lang, player: &mut Player) -> After {
        let mut after = After::default();
        match verb {
            "lessons" => {
                self.listed = !self.listed || self.session.is_none() && self.index.is_empty();
                after.fetch = (self.listed && self.index.is_empty()).then(|| "index".into());
            }
            "lesson" => after.fetch = Some(self.resumed(rest)),
            "lesson-text" => self.text(rest, lang, &mut after),
            "lesson-close" => {
                self.session = None;
                self.listed = false;
            }
            "lesson-draft" => self.draft = rest.into(),
            "lesson-refused" => {
                self.error = rest.into();
                self.listed = true;
                after.fetch = self.index.is_empty().then(|| "index".into());
            }
            _ => self.step(verb, rest, player, &mut after),
        }
        after
    }

    /// `l06` where it was left.
    fn resumed(&self, what: &str) -> String {
        let (id, class) = what.split_once(' ').unwrap_or((what, ""));
        let begun = |word: &&str| word.split_once('.').is_some_and(|w| w.0 == id);
        let from = self.progress.split(' ').find(begun).unwrap_or(id);
        [from, " ", class].concat()
    }

    /// A text has come: what was asked for, and on the next lines the file.
    fn text(&mut self, rest: &str, lang: Lang, after: &mut After) {
        let (head, text) = rest.split_once('\n').unwrap_or((rest, ""));
        let mut words = head.split(' ').filter(|w| !w.is_empty());
        let what = words.next().unwrap_or_default();
        if what == "index" {
            self.index = text.lines().filter_map(indexed).collect();
            return;
        }
        let (id, at) = what.split_once('.').unwrap_or((what, "1"));
        let at = at.parse::<usize>().unwrap_or(1).max(1) - 1;
        let class: Vec<&str> = words.collect();
        let begun = match Lesson::parse(text) {
            Ok(lesson) => Session::begin_as(Rc::new(lesson), at, &class),
            Err(error) => Err(fill(
                LINE[usize::from(lang == Lang::Zh)],
                &[&int(error.line as u64), &error.text],
            )),
        };
        match begun {
            Ok((session, player)) => {
                self.class = class.join(" ");
                self.own = id == OWN;
                self.session = Some(session);
                self.listed = false;
                self.error.clear();
                after.player = Some(player);
                self.enter(after);
                after.fetch = self.index.is_empty().then(|| "index".into());
            }
            Err(error) => {
                self.error = error;
                self.listed = true;
                after.fetch = self.index.is_empty().then(|| "index".into());
            }
        }
    }

    /// A step begins, or the end.
    fn enter(&mut self, after: &mut After) {
        self.draft.clear();
        let Some(session) = &self.session else {
            return;
        };
        let lesson = &session.lesson;
        after.looks = session
            .step()
            .map_or(&lesson.looks, |step| &step.looks)
            .clone();
        self.keep(after);
    }

    /// How far one is, for the next visit.
    fn keep(&mut self, after: &mut After) {
        let Some(session) = self.session.as_ref().filter(|_| !self.own) else {
            return;
        };
        let id = session.lesson.id.as_str();
        let end = session.step().is_none();
        let now = if end {
            let recalled = [session.remembered(), session.recalled.len() as u64].map(int);
            let (right, asked) = (int(session.right), int(session.asked));
            [
                id,
                "=",
                &right,
                "/",
                &asked,
                "+",
                &recalled[0],
                "/",
                &recalled[1],
            ]
            .concat()
        } else {
            [id, ".", &int(session.at as u64 + 1)].concat()
        };
        let mut words: Vec<&str> = Vec::new();
        for word in self.progress.split(' ') {
            let about = word.split(['.', '=']).next().unwrap_or_default();
            if about != id || word.contains('=') && !end {
                words.push(word);
            }
        }
        words.push(&now);
        self.progress = words.join(" ");
        after.store = Some(self.progress.clone());
    }

    fn step(&mut self, verb: &str, rest: &str, player: &mut Player, after: &mut After) {
        let Some(session) = &mut self.session else {
            return;
        };
        let before = session.at;
        match verb {
            "lesson-answer" => {
                let answer = if rest.is_empty() { &self.draft } else { rest };
                session.predict(answer);
                session.remember(answer, player);
                if session.step().is_none() {
                    self.draft.clear();
                    return self.keep(after);
                }
            }
            "lesson-hint" => session.hints += 1,
            "lesson-insert" => after.prompt = Some(rest.into()),
            "lesson-show" => {
                after.looks = session.step().map_or_else(Vec::new, |s| s.opens.clone());
                session.show(player);
            }
            "lesson-back" => session.back(player),
            "lesson-reset" => session.reset(player),
            "lesson-skip" => session.skip(player),
            "lesson-next" => session.proceed(player),
            _ => {}
        }
        if session.at != before {
            self.enter(after);
        }
    }

    fn done(&self, id: &str) -> Option<&str> {
        let done = |word: &str| Some(word.split_once('=').filter(|w| w.0 == id)?.1.len());
        self.progress.split(' ').find(|word| done(word).is_some())
    }
}

/// `l01 6 One dataset, two nodes|一份数据，两个节点`
fn indexed(line: &str) -> Option<[String; 4]> {
    let (id, rest) = line.split_once(' ')?;
    let (minutes, titles) = rest.split_once(' ')?;
    let (en, zh) = titles.split_once('|')?;
    Some([id, minutes, en, zh].map(String::from))
}

// --- what is seen ----------------------------------------------------------------------------------------------------

/// The button that opens the list, above the guide.
pub fn opener(v: &View<'_>) -> El {
    el("div lessons-open").put(
        el("button plain data-do=lessons")
            .put(icon(Icon::Learn))
            .put(leaf("span", v.w(&ALL))),
    )
}

#[inline(never)]
pub fn panel(v: &View<'_>) -> El {
    let lessons = &v.state.lessons;
    match &lessons.session {
        Some(session) if !lessons.listed => match session.step() {
            Some(step) => in_step(v, session, step),
            None => at_end(v, session),
        },
        _ => list(v, lessons),
    }
}

fn list(v: &View<'_>, lessons: &Lessons) -> El {
    let mut items = Vec::new();
    for entry in &lessons.index {
        let id = entry[0].as_str();
        let title = &entry[if v.lang == Lang::Zh { 3 } else { 2 }];
        let done = lessons.done(id).map(|_| icon(Icon::Check));
        let minutes = fill(v.w(&MINUTES), &[&entry[1]]);
        let button = el("button plain")
            .does(["lesson ", id].concat())
            .put(leaf("b num", id.to_ascii_uppercase()))
            .put(leaf("span", title.clone()))
            .put(leaf("span muted num", minutes))
            .put(el("span tick").put_if(done));
        items.push(el("li").key(id).put(button));
    }
    let error =
        (!lessons.error.is_empty()).then(|| leaf("p problem", fill(v.w(&GONE), &[&lessons.error])));
    el("section lesson")
        .put(crumbs(v, String::new()))
        .put(leaf("h2", v.w(&ALL)))
        .slot(error)
        .put(el("ul all").list(items))
        .put(leaf("button plain data-bring=1", v.w(&BRING)))
        .put(leaf("a href=./workshop/record.html", v.w(&RECORD)))
}

fn crumbs(v: &View<'_>, place: String) -> El {
    el("div crumbs")
        .put(leaf("button plain data-do=lessons", v.w(&ALL)))
        .put(leaf("span muted num", place))
        .put(leaf("button plain data-do=lesson-close", v.w(&CLOSE)))
}

/// Words with code between backticks.
fn prose(line: &'static str, text: &str) -> El {
    let mut out = el(line);
    for (i, part) in text.split('`').enumerate() {
        let part = String::from(part);
        out = if i % 2 == 0 {
            out.text(part)
        } else {
            out.put(leaf("code translate=no", part))
        };
    }
    out
}

fn in_step(v: &View<'_>, session: &Session, step: &Step) -> El {
    let zh = v.lang == Lang::Zh;
    let facts = session.facts(v.player);
    let count = [session.at + 1, session.lesson.steps.len()].map(|n| int(n as u64));
    let place = [
        &session.lesson.id.to_ascii_uppercase(),
        " · ",
        &fill(v.w(&STEP), &[&count[0], &count[1]]),
    ]
    .concat();
    let mut out = el("section lesson")
        .key(&[&session.lesson.id, step.name.as_str()].concat())
        .put(crumbs(v, place))
        .put(leaf("h2", String::from(step.title.get(zh))))
        .put(prose("p prose", &facts.fill(step.prose.get(zh))))
        .slot(question(v, session, step))
        .put(checks(v, session))
        .put(foot(v, session, step));
    if v.state.lessons.notes {
        let answer = step.ask.as_ref().map_or_else(String::new, |ask| {
            let option = ask.options.iter().find(|o| o.name == ask.answer);
            let words = option.map_or(ask.answer.as_str(), |o| o.words.get(zh));
            fill(v.w(&ANSWER), &[words])
        });
        let note = [v.w(&NOTES), &answer, &facts.fill(step.note.get(zh))].concat();
        out = out.put(prose("p note", &note));
    }
    out
}

fn question(v: &View<'_>, session: &Session, step: &Step) -> Option<El> {
    let ask = step.ask.as_ref()?;
    let facts = session.facts(v.player);
    let Some(answer) = &session.answer else {
        return Some(choices(v, ask, &facts));
    };
    let truth = match &session.passed {
        Some(Some((_, truth))) => Some(truth.as_str()),
        _ => None,
    };
    Some(answered(v, ask, &facts, answer, truth))
}

fn asked(v: &View<'_>, ask: &Ask, facts: &Facts<'_>) -> El {
    let words = facts.fill(ask.words.get(v.lang == Lang::Zh));
    el("div ask role=group")
        .a("aria-label", words.replace('`', ""))
        .put(prose("p", &words))
}

/// A question with its answer, and with what is right once that is known.
fn answered(v: &View<'_>, ask: &Ask, facts: &Facts<'_>, answer: &str, truth: Option<&str>) -> El {
    let zh = v.lang == Lang::Zh;
    let words = |name: &str| {
        let option = ask.options.iter().find(|o| o.name == name);
        option.map_or_else(|| name.into(), |o| facts.fill(o.words.get(zh)))
    };
    let out = asked(v, ask, facts).put(prose("p muted", &fill(v.w(&YOURS), &[&words(answer)])));
    let Some(truth) = truth else {
        return out;
    };
    let right = answer == truth;
    let told = fill(
        v.w(if right { &RIGHT } else { &OTHERWISE }),
        &[&words(truth)],
    );
    out.put(prose("p", &told).class(&[("graded", true), ("right", right)]))
        .put(prose("p why", &facts.fill(ask.why.get(zh))))
}

/// A question that is open.
fn choices(v: &View<'_>, ask: &Ask, facts: &Facts<'_>) -> El {
    let zh = v.lang == Lang::Zh;
    let out = asked(v, ask, facts);
    if ask.options.is_empty() {
        let draft = &v.state.lessons.draft;
        return out.put(
                el("div number")
                    .put(
                        el("input type=text inputmode=numeric autocomplete=off data-input=lesson-draft data-enter=lesson-answer")
                            .a("aria-label", v.w(&NUMBER))
                            .value(draft),
                    )
                    .put(leaf("button data-do=lesson-answer", v.w(&PREDICT))),
        );
    }
    let mut options = Vec::new();
    for option in &ask.options {
        options.push(
            prose("button choose", &facts.fill(option.words.get(zh)))
                .key(&option.name)
                .does(["lesson-answer ", &option.name].concat()),
        );
    }
    out.put(el("div options").list(options))
}

fn checks(v: &View<'_>, session: &Session) -> El {
    let judged = session.judge(v.player, v.lang == Lang::Zh);
    let passed = session.passed.is_some();
    let met = judged.iter().filter(|j| j.ok || passed).count();
    let next = judged.iter().position(|j| !j.ok);
    let mut items = Vec::new();
    for (i, check) in judged.iter().enumerate() {
        let ok = check.ok || passed;
        let tick = el("span tick").put(if ok {
            icon(Icon::Check)
        } else {
            el("span box")
        });
        let mut body = el("div").put(prose("p", &check.want));
        if !ok {
            body = body.put(prose("p muted", &[v.w(&HAVE), &check.have].concat()));
        }
        if !ok && next == Some(i) {
            body = body.put(prose("p next", &[v.w(&NEXT), &check.next].concat()));
        }
        items.push(
            el("li")
                .nth(i)
                .class(&[("done", ok), ("now", next == Some(i))])
                .put(tick)
                .put(body),
        );
    }
    let numbers = [met, judged.len()].map(|n| int(n as u64));
    let said = if passed {
        v.w(&PASSED).into()
    } else if met == judged.len() {
        v.w(&ASK_FIRST).into()
    } else {
        fill(v.w(&MET), &[&numbers[0], &numbers[1]])
    };
    el("div checks")
        .put(leaf("p muted num role=status", said))
        .put(el("ul steps").list(items))
}

fn foot(v: &View<'_>, session: &Session, step: &Step) -> El {
    let zh = v.lang == Lang::Zh;
    let facts = session.facts(v.player);
    let mut out = el("div foot");
    let hints = &step.hints[..session.hints.min(step.hints.len())];
    for (i, hint) in hints.iter().enumerate() {
        let text = facts.fill(hint.get(zh));
        let last = i + 1 == step.hints.len();
        let mut line = if last {
            el("p hint")
        } else {
            prose("p hint", &text)
        };
        line = line.nth(i);
        if last {
            // The lines that do it; each can be put into the prompt.
            for (i, code) in hint.get(false).split('`').enumerate() {
                if i % 2 == 0 {
                    continue;
                }
                line = line.put(
                    leaf(
                        "button line translate=no",
                        AttrValue::from(String::from(code)),
                    )
                    .does(["lesson-insert ", code].concat()),
                );
            }
        }
        out = out.put(line);
    }
    if let Some((line, done)) = session.showing() {
        let numbers = [line, step.show.len()].map(|n| int(n as u64));
        let told = fill(v.w(&SHOWN), &[&numbers[0], &numbers[1]]);
        return out.put(leaf("p muted role=status", told)).put(
            leaf("button data-do=lesson-back", v.w(&BACK)).class(&[("go", true), ("ready", done)]),
        );
    }
    let more = session.hints as u64 + 1;
    let hint = fill(v.w(&HINT), &[&int(more), "3"]);
    let hint = (more <= 3).then(|| leaf("button data-do=lesson-hint", hint));
    let ready = session.passed.is_some();
    out.put(
        el("div buttons")
            .slot(hint)
            .put(leaf("button data-do=lesson-show", v.w(&SHOW)))
            .put(leaf("button data-do=lesson-reset", v.w(&AGAIN)))
            .put(leaf("button data-do=lesson-skip", v.w(&SKIP))),
    )
    .put(
        leaf("button data-do=lesson-next", v.w(&GO_ON))
            .class(&[("go", true), ("ready", ready)])
            .a("aria-disabled", if ready { "false" } else { "true" }),
    )
}

fn at_end(v: &View<'_>, session: &Session) -> El {
    let zh = v.lang == Lang::Zh;
    let lesson = &session.lesson;
    let end = session.facts(v.player).fill(lesson.end.get(zh));
    let ids = &v.state.lessons.index;
    let here = ids.iter().position(|entry| entry[0] == lesson.id);
    let following = here.and_then(|i| ids.get(i + 1));
    let next = match following {
        Some(entry) => ["lesson ", &entry[0]].concat(),
        None => "lessons".into(),
    };
    let mut out = el("section lesson end")
        .put(crumbs(v, lesson.id.to_ascii_uppercase()))
        .put(leaf("h2", String::from(lesson.title.get(zh))))
        .put(leaf("p muted role=status", v.w(&DONE)))
        .put(prose("p prose", &end));
    if session.asked > 0 {
        let numbers = [session.right, session.asked].map(int);
        let score = fill(v.w(&SCORE), &[&numbers[0], &numbers[1]]);
        out = out.put(leaf("p num", score));
    }
    out = recall(v, session, out);
    let label = v.w(if following.is_some() {
        &FOLLOWING
    } else {
        &ALL
    });
    out.put(
        leaf("button", label)
            .does(next)
            .class(&[("go", true), ("ready", true)]),
    )
    .put(leaf("a href=./workshop/record.html", v.w(&RECORD)))
}

/// Questions after the end, one at a time, below what the one before came to.
fn recall(v: &View<'_>, session: &Session, mut out: El) -> El {
    let recalls = &session.lesson.recalls;
    let facts = session.facts_of_all(v.player);
    let done = session.recalled.len();
    let counted = |words: &Said, n: u64, of: usize| fill(v.w(words), &[&int(n), &int(of as u64)]);
    if let (Some((answer, truth)), Some(ask)) =
        (session.recalled.last(), recalls.get(done.max(1) - 1))
    {
        out = out.put(answered(v, ask, &facts, answer, Some(truth)).key("last"));
    }
    match session.recall() {
        Some(ask) => {
            let place = counted(&RECALL, done as u64 + 1, recalls.len());
            out.put(leaf("h3", place))
                .put(choices(v, ask, &facts).key(&int(done as u64)))
        }
        None if done > 0 => {
            let score = counted(&RECALLED, session.remembered(), done);
            out.put(leaf("p num role=status", score))
        }
        None => out,
    }
}
