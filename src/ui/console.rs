//! The console: a redis-cli for every node at once. It runs nothing itself; a line goes to the player as it was typed.

use super::View;
use super::dom::{El, el, int, leaf};

use super::sentence::{Said, behind, group};
use super::stage::Layout;
use super::stage::select::bytes_hit;
use super::text::fill;
use super::views::words as w;
use super::wire::toggle;
use crate::player::{Line, Player};
use crate::sim::snapshot::FrameKind;

/// The line being typed.
#[derive(Default)]
pub struct Prompt {
    pub text: String,
    /// How far back in the history, and what had been typed before going there.
    back: (usize, String),
    /// Which of the completions is marked, and whether they were sent away.
    pick: usize,
    folded: bool,
}

impl Prompt {
    pub fn set(&mut self, text: String) {
        *self = Self {
            text,
            ..Self::default()
        };
    }

    /// What it may become; nothing of a line that was recalled.
    fn list(&self, player: &Player) -> Vec<String> {
        if self.text.is_empty() || self.folded || self.back.0 > 0 {
            return Vec::new();
        }
        let mut all = player.completions(&self.text);
        all.retain(|full| full.len() > self.text.len() && full.starts_with(&self.text));
        all
    }

    /// What Tab would make of it.
    pub fn completed(&self, player: &Player) -> Option<String> {
        let mut all = self.list(player);
        let last = all.len().checked_sub(1)?;
        Some(all.swap_remove(self.pick.min(last)))
    }

    /// The completions go away until something is typed.
    pub fn fold(&mut self) {
        (self.folded, self.pick) = (true, 0);
    }

    /// An arrow: to the next completion and back again; else through what was typed before.
    pub fn arrow(&mut self, player: &Player, up: bool) {
        match (up, self.list(player).len()) {
            (true, 0) | (false, 0) => self.recall(player.history(), up),
            (true, _) if self.pick == 0 => self.recall(player.history(), true),
            (true, _) => self.pick -= 1,
            (false, n) => self.pick = (self.pick + 1).min(n - 1),
        }
    }

    /// The next older or newer line that begins as the visitor began; none: all stays as it is.
    fn recall(&mut self, history: &[String], older: bool) {
        let (steps, typed) = &self.back;
        let prefix = if *steps == 0 { &self.text } else { typed };
        let steps = if older {
            steps + 1
        } else {
            steps.saturating_sub(1)
        };
        let line = if steps == 0 {
            Some(prefix)
        } else {
            history
                .iter()
                .rev()
                .filter(|l| l.starts_with(prefix.as_str()))
                .nth(steps - 1)
        };
        if let Some(line) = line {
            *self = Self {
                text: line.clone(),
                back: (steps, prefix.clone()),
                ..Self::default()
            };
        }
    }
}

pub fn console(v: &View<'_>) -> El {
    let t = v.t;
    let now = v.player.target();
    let target = |node: &str, label: &str, dead: bool| {
        leaf("button", label.to_string())
            .class(&[("target", true), ("dead", dead)])
            .pressed(now == node)
            .does(["target ", node].concat())
    };
    let mut targets = el("div targets role=group").a("aria-label", t.console_to);
    for n in v.s.nodes.iter().filter(|n| !n.outside()) {
        targets = targets.put(target(&n.name, &n.name, !n.alive));
    }
    let known = v.s.nodes.iter().any(|n| n.name == now);
    let sign = if known {
        v.player.prompt(now)
    } else {
        now.to_string()
    };
    el("section console")
        .a("aria-label", t.console)
        .put(
            el("div head")
                .put(leaf("h3", t.console))
                .put(targets.put(target("all", t.all, false))),
        )
        .put(output(v))
        .put(leaf(
            "p hidden aria-live=polite translate=no",
            latest(v.lines).to_string(),
        ))
        .put(prompt(v, [&sign, ">"].concat()))
}

/// What was typed and answered. The list itself is silent; one live region speaks the newest reply only.
fn output(v: &View<'_>) -> El {
    let mut lines = Vec::new();
    if v.lines.is_empty() {
        lines.push(leaf("li note", v.t.welcome).key("welcome"));
    }
    for (i, l) in v.lines.iter().enumerate() {
        lines.push(line(v, l).nth(i));
    }
    for n in
        v.s.nodes
            .iter()
            .filter(|n| v.player.world().console_blocked(&n.name))
    {
        let give_up = leaf("button line", "Ctrl+C").does(["act interrupt ", &n.name].concat());
        let words = v.put(&w::WAITS, &[&n.name]);
        lines.push(
            leaf("li note waiting data-testid=waiting", words)
                .key(&n.name)
                .put(give_up),
        );
    }
    el("div output role=log aria-live=off tabindex=0 data-testid=console-output translate=no")
        .a("aria-label", v.t.output)
        .at(&v.output.list)
        .put(el("ol").list(lines))
}

fn latest(lines: &[Line]) -> &str {
    let spoken = |line: &&Line| !matches!(line, Line::Input { .. });
    match lines.iter().rev().find(spoken) {
        Some(Line::Reply { text, .. } | Line::Note(text)) => text,
        _ => "",
    }
}

fn line(v: &View<'_>, line: &Line) -> El {
    match line {
        Line::Input {
            prompt,
            text,
            offsets,
        } => {
            let sign = if prompt.is_empty() {
                String::new()
            } else {
                [prompt, "> "].concat()
            };
            let typed = |out: El| {
                out.put(leaf("span prompt", sign))
                    .put(leaf("b", text.clone()))
            };
            let Some((from, to)) = *offsets else {
                return typed(el("li input"));
            };
            let on = v.lit(root(v), from, to);
            let chosen = v.chosen(root(v), from, to);
            let range = fill(
                "{} B, {}–{}",
                &[&group(to + 1 - from), &group(from), &group(to)],
            );
            let button = el("button")
                .a("title", v.t.select_bytes)
                .pressed(chosen)
                .does(toggle(chosen, &bytes_hit(root(v), from, to)))
                .put(typed(el("span typed")))
                .put(leaf("span range", range));
            el("li")
                .class(&[("input", true), ("on", on)])
                .put(button)
                .slot(became(v, text, (from, to)))
        }
        Line::Reply {
            node,
            text,
            error,
            behind: bytes,
        } => el("li")
            .class(&[
                ("reply", true),
                ("error", *error),
                ("of-node", node.is_some()),
            ])
            .slot(node.as_ref().map(|node| leaf("span of", node.clone())))
            .put(leaf("span", text.clone()))
            .slot((*bytes > 0).then(|| leaf("span stale", behind(v.lang, *bytes))))
            .slot(error.then(|| explained(v, text)).flatten()),
        Line::Note(text) => leaf("li note", text.clone()),
    }
}

/// What of a command went into the stream, where that is another one: a time to live becomes a moment.
#[inline(never)]
fn became(v: &View<'_>, typed: &str, (from, to): (u64, u64)) -> Option<El> {
    let node = v.s.nodes.iter().find(|n| n.name == root(v))?;
    let cells = node.backlog.cells.iter();
    let own = cells.filter(|c| c.from >= from && c.to <= to && c.kind == FrameKind::Write);
    let texts: Vec<String> = own.map(|c| c.text()).collect();
    let text = texts.join("; ");
    // Quotes are the console's, and the case of a command does not matter.
    let plain = |text: &str| -> String {
        let kept = text.chars().filter(|c| !"\"' ".contains(*c));
        kept.map(|c| c.to_ascii_lowercase()).collect()
    };
    let same = text.is_empty() || text.ends_with("…") || plain(&text) == plain(typed);
    (!same).then(|| leaf("span became", v.w(&w::BECAME)).put(leaf("code", text)))
}

/// Errors that teach something: how they begin, what they mean, the lesson about it.
const ERRORS: [(&str, Said, &str); 7] = [
    ("READONLY", w::E_READONLY, "l02"),
    ("NOAUTH", w::E_NOAUTH, "l03"),
    ("LOADING", w::E_LOADING, "l04"),
    ("ERR WAIT", w::E_WAIT, "l08"),
    ("NOREPLICAS", w::E_NOREPLICAS, "l11"),
    ("MASTERDOWN", w::E_MASTERDOWN, "l12"),
    ("NOMASTERLINK", w::E_NOMASTERLINK, "l12"),
];
/// Commands of Redis that nobody here knows.
const ELSEWHERE: [&str; 10] = [
    "EVAL",
    "EVALSHA",
    "EVAL_RO",
    "EVALSHA_RO",
    "SCRIPT",
    "FCALL",
    "FCALL_RO",
    "FUNCTION",
    "MIGRATE",
    "BGREWRITEAOF",
];

/// An error in other words, with its lesson.
#[inline(never)]
fn explained(v: &View<'_>, text: &str) -> Option<El> {
    let error = text.strip_prefix("(error) ")?;
    let out = |said: &Said| leaf("span explained translate=yes", v.w(said));
    if let Some((_, said, lesson)) = ERRORS.iter().find(|e| error.starts_with(e.0)) {
        let link = leaf("button", lesson.to_ascii_uppercase()).does(["lesson ", lesson].concat());
        return Some(out(said).put(link));
    }
    let name = error
        .strip_prefix("ERR unknown command '")?
        .split('\'')
        .next()?;
    let known = ELSEWHERE.iter().any(|c| c.eq_ignore_ascii_case(name));
    known.then(|| out(&w::E_ELSEWHERE))
}

/// Quotes and marks of an input method that a server does not take for what they mean, and what they mean.
const MARKS: [(&str, char); 7] = [
    ("“”＂", '"'),
    ("‘’＇", '\''),
    ("，", ','),
    ("：", ':'),
    ("；", ';'),
    ("（", '('),
    ("）", ')'),
];

/// The line with marks that a server understands, where it has others.
pub fn in_ascii(text: &str) -> Option<String> {
    let plain = |c: char| {
        let found = MARKS.iter().find(|m| m.0.contains(c));
        found.map_or(if c == '\u{3000}' { ' ' } else { c }, |m| m.1)
    };
    let out: String = text.chars().map(plain).collect();
    (out != text).then_some(out)
}

/// The node whose stream the offsets of a line count.
fn root<'a>(v: &View<'a>) -> &'a str {
    v.s.nodes
        .iter()
        .find(|n| !n.replica && n.alive)
        .or_else(|| v.s.nodes.first())
        .map_or("", |n| &n.name)
}

/// How most lines begin.
const STARTS: [&str; 3] = ["SET", "GET", "INFO"];
const MAY_BE: Said = ["What it may become", "可补全为"];

/// The list of what the line may become, where there is a choice.
#[inline(never)]
fn completions(v: &View<'_>) -> Option<El> {
    let list = v.prompt.list(v.player);
    if list.len() < 2 {
        return None;
    }
    let typed = &v.prompt.text;
    let start = typed.rfind(char::is_whitespace).map_or(0, |i| i + 1);
    let head = typed.get(..start).unwrap_or_default();
    // Behind the name of a command stand its arguments.
    let named = head.is_empty() || (head.starts_with('@') && head.trim_end().find(' ').is_none());
    let mut rows = Vec::new();
    for (i, full) in list.into_iter().enumerate() {
        let on = i == v.prompt.pick;
        let word = full.get(start..).unwrap_or_default().to_string();
        let hint = named.then(|| leaf("span muted", v.player.hint(&full)));
        rows.push(
            el("li role=option")
                .nth(i)
                .class(&[("on", on)])
                .a("id", ["completion-", &int(i as u64)].concat())
                .a("aria-selected", if on { "true" } else { "false" })
                .put(leaf("b", word))
                .slot(hint)
                .does(["accept ", &full].concat()),
        );
    }
    let out = el("ul completions id=completions role=listbox translate=no");
    Some(out.a("aria-label", v.w(&MAY_BE)).list(rows))
}

/// The line being typed, with the rest that a Tab would add in a paler ink behind it.
fn prompt(v: &View<'_>, sign: String) -> El {
    let t = v.t;
    let text = v.prompt.text.as_str();
    let empty = text.is_empty();
    let full = v.prompt.completed(v.player);
    let list = (!v.prompt.text.is_empty())
        .then(|| completions(v))
        .flatten();
    let mut input = el("input id=console-input data-testid=console-input type=text autocomplete=off autocapitalize=off autocorrect=off \
                        spellcheck=false enterkeyhint=send translate=no role=combobox aria-autocomplete=list \
                        aria-controls=completions")
        .a("aria-expanded", if list.is_some() { "true" } else { "false" })
        .value(text);
    if list.is_some() && v.prompt.pick > 0 {
        // Chosen by an arrow: Enter takes it too.
        let mark = ["completion-", &int(v.prompt.pick as u64)].concat();
        input = input.a("aria-activedescendant", mark).a("data-picked", "");
    }
    let mut chips = Vec::new();
    let pasted = v.views.pasted.len();
    if pasted > 0 {
        let words = v.put(&w::PASTED, &[&int(pasted as u64)]);
        chips.push(
            leaf(
                "button line strong data-do=paste-run data-testid=paste-run",
                words,
            )
            .key("paste"),
        );
        chips.push(leaf("button plain data-do=paste-drop", v.w(&w::DROP)).key("drop"));
    }
    if in_ascii(text).is_some() {
        chips.push(leaf("button line strong data-do=in-ascii", v.w(&w::IN_ASCII)).key("ascii"));
    }
    // A phone's keyboard has no arrows, and its letters are slow.
    let phone = matches!(v.layout, Layout::Phone(_));
    if !v.player.history().is_empty() && phone {
        for (line, sign, said) in [("older", "↑", &w::OLDER), ("newer", "↓", &w::NEWER)] {
            let sign = leaf("span aria-hidden=true", sign);
            let name = leaf("span hidden", v.w(said));
            let button = el("button plain").key(line).put(sign).put(name);
            chips.push(button.does(line));
        }
    }
    let mut rest = String::new();
    if let Some(full) = full {
        // For the keys: there is something to accept.
        input = input.a("data-more", full.clone());
        rest.push_str(full.get(text.len()..).unwrap_or_default());
        chips.push(
            el("button accept tabindex=-1 data-do=accept")
                .key("accept")
                .put(leaf("kbd", "Tab"))
                .text(" ")
                .text(t.accepts),
        );
    } else if !empty || pasted > 0 {
        let hint = v.player.hint(text);
        if !hint.is_empty() && !text.ends_with(' ') {
            rest.push(' ');
        }
        rest.push_str(&hint);
    } else {
        for (i, s) in v.player.suggestions().into_iter().enumerate() {
            if i == 0 {
                chips.push(leaf("span muted", t.try_word).key("try"));
            }
            let chip = leaf("button line data-testid=suggestion translate=no", s.label)
                .nth(i)
                .a("title", t.run_it);
            chips.push(chip.does(["run ", &s.line].concat()));
        }
        for word in STARTS.into_iter().filter(|_| phone) {
            let chip = leaf("button plain code translate=no", word).key(word);
            chips.push(chip.does(["begin ", word, " "].concat()));
        }
    }
    let mut send = leaf("button plain send data-do=send", t.run);
    if empty {
        send = send.a("disabled", "disabled");
    }
    el("div")
        .class(&[("prompt-row", true), ("empty", empty)])
        .put(
            leaf("label prompt for=console-input translate=no", sign)
                .put(leaf("span hidden", t.command_for)),
        )
        .put(
            el("div typing")
                .put(
                    el("div field")
                        .put(
                            el("span ghost aria-hidden=true translate=no")
                                .put(leaf("span", text.to_string()))
                                .put(leaf("i", rest)),
                        )
                        .put(input),
                )
                .put(list.unwrap_or_else(|| el("ul id=completions role=listbox hidden=hidden"))),
        )
        .put(el("div chips").list(chips))
        .put(send)
}
