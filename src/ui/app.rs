//! State of the page, its messages, and the only animation loop. The loop asks for the next frame only while the
//! player says that something moves: an idle page requests none.

use super::View;
use super::ask::Ask;
use super::console::{Prompt, console, in_ascii};
use super::dialog::{self, Dialog, dialog};
use super::dom::{El, el, int, leaf};
use super::guide::{Progress, act, guide, next};
use super::header::header;
use super::help::commands;
use super::inspector::{PAGES, WIRE, inspector};
use super::keys;
use super::lesson::{self, Lessons};
use super::palette;
use super::peek::{BACKLOG, CONSOLE, INSPECT, NODES, TABS, peek, tabs};
use super::share;
use super::stage::layer::Layers;
use super::stage::motion::Motion;
use super::stage::select::{Hit, Sel};
use super::stage::{Layout, stage};
use super::story::{SAY_MS, SAYS, Saying, story};
use super::tail::Tail;
use super::text::{Lang, fill};
use super::timeline::{moment, timeline};
use super::transport::{PACES, clock, transport};
use super::views::{self, Views};
use super::wire;
use crate::player::{COLON, Pace, Player};
use crate::sim::snapshot::Snapshot;
use crate::sim::{Action, Options, Outside, REAL};
use crate::time::{Instant, SECOND_US};
use gloo_timers::callback::Timeout;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, Event, HtmlElement};
use yew::prelude::*;

/// Panels are drawn again at most this often.
const REFRESH_MS: u32 = 100;
/// How long `Reset` waits for its second click.
const SURE_MS: u32 = 3_000;
/// What a list keeps free for its scrollbar, in pixels.
const SCROLLBAR: i32 = 11;
/// A link opens at this moment unless something else is chosen.
const HERE: usize = 1;
/// How long the page says that something was copied.
const COPIED_MS: u32 = 2_500;
/// A drawing that is asked for is there by then.
const SHOWN_MS: u32 = 50;
/// A tab that slept does not make up for lost time.
const LONGEST_FRAME_US: u64 = 100_000;
/// Every world of the page is this one; `Reset` makes it anew.
const SEED: u64 = 1;

/// With a real server outside: the ring of the nodes of the page, the least that a real one has, and how long each way to
/// the server takes in the drawing.
const REAL_RING: u64 = 16_384;
const REAL_WAY_US: u64 = 200_000;

/// How many lines that were typed are kept for the next visit, and how long one may be, in bytes.
const LINES_KEPT: usize = 60;
const LONG_LINE: usize = 400;
/// Parts of lines that are not.
const SECRETS: [&str; 3] = ["auth", "requirepass", "acl setuser"];

/// The verbs after which the world is another one.
const CHANGING: [&str; 11] = [
    "run",
    "try",
    "act",
    "promote",
    "full-sync",
    "send",
    "step",
    "pass",
    "set",
    "take-back",
    "panic",
];

/// What a visitor may who is only to look (`?readonly`): to and fro in time, and what is looked at.
const HARMLESS: [&str; 30] = [
    "",
    "refresh",
    "calm",
    "play",
    "pause",
    "step",
    "back",
    "undo",
    "redo",
    "live",
    "start",
    "marker",
    "seek-x",
    "seek-us",
    "page",
    "cross",
    "pace",
    "select",
    "keyboard",
    "focus",
    "tab",
    "full",
    "close",
    "theme",
    "help",
    "face",
    "face-id",
    "face-byte",
    "probe",
    "probe-byte",
];

/// Everything that can happen to the page.
pub enum Msg {
    /// An animation frame, with its time in ms.
    Frame(f64),
    /// A line for [`App::act`].
    Do(String),
    /// The same from the keyboard: it means the node that is looked at.
    Key(String),
    /// The same from a script of the page, which may everything.
    Told(String),
    /// What the pointer rests on, as its `data-sel`; empty: nothing that has bytes.
    Over(String),
    /// What the prompt holds now.
    Typed(String),
    /// The page around this one wants to know, or to do, something.
    Ask(Ask),
    Resized,
}

/// Light, dark, or as the system says.
#[derive(Clone, Copy, PartialEq)]
pub enum Theme {
    Auto,
    Light,
    Dark,
}

impl Theme {
    fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// What the visitor has chosen and done; the panels are drawn from it.
pub struct State {
    pub lang: Lang,
    pub theme: Theme,
    pub focus: usize,
    pub selected: Option<Sel>,
    /// Bytes that the pointer rests on, or was on last.
    pub over: Option<Sel>,
    /// The `data-sel` of the button of the stage that has the keyboard.
    pub keyboard: String,
    /// Index in [`TABS`].
    pub tab: usize,
    /// One of [`PAGES`].
    pub page: &'static str,
    /// Of the stage the drum alone.
    pub alone: bool,
    /// Heartbeats are listed too.
    pub beats: bool,
    pub views: Views,
    pub saying: Saying,
    /// What the dialog shows.
    pub open: Option<Dialog>,
    /// What is looked for in the palette, and which of what was found is marked.
    pub find: String,
    pub pick: usize,
    /// Of the dialog: it is made when that opens.
    pub link: Result<String, String>,
    /// The same as a QR code: see [`share::code`].
    pub code: Option<(i32, String)>,
    /// Keys without Ctrl do nothing.
    pub keys_off: bool,
    /// `Reset` was clicked once; the question goes away by itself.
    pub asked: Option<Timeout>,
    pub progress: Progress,
    pub lessons: Lessons,
    pub prompt: Prompt,
    /// The name, as the page had it before the module came.
    pub logo: Html,
    pub dialog: NodeRef,
    /// Where the timeline is, and its width and height.
    pub frame: NodeRef,
    pub strip: (f32, f32),
    /// Where the stage is, and the drawing that fits there.
    pub stage: NodeRef,
    pub layout: Layout,
    /// How wide a list in the inspector is.
    pub side: f32,
    pub output: Tail,
    pub packets: Tail,
    pub log: Tail,
}

#[derive(PartialEq, Properties)]
pub struct Props {
    logo: Html,
}

/// Puts the page into `root`. The logo that is there already moves into the new header.
pub fn mount(root: Element) {
    let logo = root.query_selector(".logo").ok().flatten();
    let logo = logo.map_or_else(|| "ringside".into(), |logo| Html::VRef(logo.into()));
    yew::Renderer::<App>::with_root_and_props(root, Props { logo }).render();
}

pub struct App {
    player: Player,
    snapshot: Rc<Snapshot>,
    /// What was wanted last of a real server.
    wanted: String,
    /// The tab that was drawn last.
    tab: usize,
    state: State,
    motion: Motion,
    send: Callback<Msg>,
    on_frame: Closure<dyn FnMut(f64)>,
    frame: Option<i32>,
    last_frame_ms: Option<f64>,
    refresh: Option<Timeout>,
    _on_event: Closure<dyn Fn(Event)>,
}

impl Component for App {
    type Message = Msg;
    type Properties = Props;

    fn create(ctx: &Context<Self>) -> Self {
        let send = ctx.link().callback(|msg| msg);
        let on_frame = {
            let send = send.clone();
            Closure::new(move |ms| send.emit(Msg::Frame(ms)))
        };
        // Not `FnMut`: to focus something from one event is another event.
        let on_event: Closure<dyn Fn(Event)> = {
            let send = send.clone();
            Closure::new(move |event: Event| {
                if let Some(msg) = keys::read(&event) {
                    send.emit(msg);
                }
            })
        };
        if let Some(window) = web_sys::window() {
            for name in keys::EVENTS {
                // A browser that refuses listeners shows the page without them; nothing else to do about it.
                let _ = window.add_event_listener_with_callback_and_bool(
                    name,
                    on_event.as_ref().unchecked_ref(),
                    name == "cancel",
                );
            }
        }
        let lang = if on_root("lang").starts_with("zh") {
            Lang::Zh
        } else {
            Lang::En
        };
        let (mut player, view) = opened(lang).unwrap_or_else(|| (Player::new(SEED), String::new()));
        if matches("(prefers-reduced-motion: reduce)") {
            player.set_pace(Pace::Step);
        }
        let mut app = Self {
            snapshot: player.snapshot(),
            player,
            wanted: String::new(),
            tab: NODES,
            state: State {
                lang,
                theme: match on_root("data-theme").as_str() {
                    "light" => Theme::Light,
                    "dark" => Theme::Dark,
                    _ => Theme::Auto,
                },
                focus: 0,
                selected: None,
                over: None,
                keyboard: String::new(),
                tab: NODES,
                page: WIRE,
                alone: false,
                beats: false,
                views: Views {
                    opens: HERE,
                    ..Views::default()
                },
                saying: Saying::kept(&stored("say")),
                open: None,
                find: String::new(),
                pick: 0,
                link: Ok(String::new()),
                code: None,
                keys_off: on_root("data-keys") == "off",
                asked: None,
                progress: Progress::default(),
                lessons: Lessons::new(on_root("data-lessons"), on_root("data-notes") == "on"),
                prompt: Prompt::default(),
                logo: ctx.props().logo.clone(),
                dialog: NodeRef::default(),
                frame: NodeRef::default(),
                strip: (800.0, 92.0),
                stage: NodeRef::default(),
                layout: Layout::fit(1148.0, 450.0, narrow()),
                side: 660.0,
                output: Tail::default(),
                packets: Tail::default(),
                log: Tail::default(),
            },
            motion: Motion::default(),
            send,
            on_frame,
            frame: None,
            last_frame_ms: None,
            refresh: None,
            _on_event: on_event,
        };
        app.bring_history();
        app.show(&view);
        app.show_panes(&on_root("data-panes"));
        app.show_language();
        app.wake();
        app
    }

    fn update(&mut self, _ctx: &Context<Self>, msg: Msg) -> bool {
        match msg {
            Msg::Frame(ms) => return self.on_frame(ms),
            Msg::Do(lines) => lines.split('\n').for_each(|line| self.may(line)),
            Msg::Key(key) => match self.meaning(&key) {
                Some(line) if !self.state.keys_off || key == "select" => self.may(&line),
                _ => return false,
            },
            Msg::Told(line) => self.act(&line),
            Msg::Ask(ask) => {
                let view = self.keep();
                if let Some((player, view)) = ask.answer(&mut self.player, &view) {
                    self.begin(player, &view);
                }
            }
            Msg::Over(hit) => return self.point_at(&hit),
            Msg::Typed(text) => self.state.prompt.set(text),
            Msg::Resized => {
                self.measure();
                return true;
            }
        }
        self.observe();
        self.wake();
        true
    }

    fn view(&self, _ctx: &Context<Self>) -> Html {
        self.with_view(|v| self.draw(v))
    }

    fn rendered(&mut self, _ctx: &Context<Self>, first: bool) {
        let moved = std::mem::take(&mut self.state.views.face.moved)
            | (std::mem::replace(&mut self.tab, self.state.tab) != self.state.tab);
        if (first || moved) && self.measure() {
            self.send.emit(Msg::Do(String::new()));
        }
        // What Yew has just drawn anew gets its moving parts back at once, also when no frame is due.
        self.motion
            .frame(self.player.now(), &self.player.in_flight());
        let (s, state) = (&self.snapshot, &mut self.state);
        dialog::show(&state.dialog, state.open.is_some());
        if std::mem::take(&mut state.views.to_apart) {
            focus("apart");
        }
        if std::mem::take(&mut state.views.to_embed)
            && let Some(part) = by_id("embed-part")
        {
            focus("embed-part");
            part.scroll_into_view();
        }
        state.output.follow(self.player.lines().len() as u64, true);
        let newest = wire::newest(s, wire::listed(state));
        state.packets.follow(newest, false);
        state.views.scroll.follow(newest, false);
        state.views.show_bytes();
        let node = super::looked_at(s, state);
        state.log.follow(
            node.map_or(0, |n| (u64::from(n.port) << 32) + n.log.len() as u64),
            true,
        );
    }
}

impl App {
    /// Hands on all that the panels are drawn from.
    fn with_view<T>(&self, f: impl FnOnce(&View<'_>) -> T) -> T {
        let s = &self.snapshot;
        let lines = self.player.lines();
        f(&View {
            s,
            lines: &lines,
            player: &self.player,
            state: &self.state,
            t: self.state.lang.text(),
            focus: self.state.focus.min(s.nodes.len().saturating_sub(1)),
            zero: Instant(s.now.0 - s.elapsed_us.min(s.now.0)),
        })
    }

    fn draw(&self, v: &View<'_>) -> Html {
        let imagines = v.views.probe.is_some() || v.views.face.tries();
        let imagined = imagines.then(|| Snapshot {
            verdict: views::psync::shown(v).map(Rc::new),
            ..v.s.clone()
        });
        let drum = v.s.nodes.get(v.focus);
        let over = Layers {
            memory: if v.alone {
                Vec::new()
            } else {
                views::node::memories(v)
            },
            needle: views::psync::needle(v),
            blocks: drum.and_then(|n| views::blocks::of(v, n)),
        };
        let seen = imagined.as_ref().unwrap_or(v.s);
        let drum = drum.filter(|_| v.alone).map(|_| Snapshot {
            nodes: vec![v.s.nodes[v.focus].clone()],
            links: Vec::new(),
            ..seen.clone()
        });
        let focus = if drum.is_some() { 0 } else { v.focus };
        let stage = stage(
            drum.as_ref().unwrap_or(seen),
            focus,
            v.layout,
            v.lang,
            v.over.as_ref().or(v.selected.as_ref()),
            &v.keyboard,
            &over,
        );
        el("div")
            .class(&[
                ("app", true),
                ("big", v.views.big),
                ("past", v.player.position().past),
            ])
            .a("data-tab", TABS[v.tab])
            .put(
                el("nav skip")
                    .a("aria-label", v.t.skip)
                    .put(leaf("a href=#console-input", v.t.skip_console))
                    .put(leaf("a href=#stage", v.t.skip_stage))
                    .put(leaf("a href=#guide", v.t.skip_guide))
                    .put(leaf("a href=#inspector", v.t.skip_inspector))
                    .put(leaf("a href=#time", v.t.skip_time)),
            )
            .put(header(v))
            .put(
                el("aside guide id=guide tabindex=-1")
                    .a("aria-label", v.t.guide)
                    .put_if((!v.lessons.open()).then(|| lesson::opener(v)))
                    .slot((!v.lessons.open()).then(|| {
                        let name = v.w(&views::experiments::EXPERIMENTS);
                        leaf("button plain cramped data-do=experiments", name)
                    }))
                    .put(if v.lessons.open() {
                        lesson::panel(v)
                    } else {
                        guide(v)
                    })
                    .put(act(v)),
            )
            .put(
                el("main id=stage tabindex=-1")
                    .class(&[("scene", true), ("faced", v.views.face.beside())])
                    .put(story(v))
                    .slot(views::face::face(v))
                    .slot(v.player.position().past.then(|| views::past(v)))
                    .slot(
                        v.views
                            .follower
                            .as_deref()
                            .map(|node| views::following(v, node)),
                    )
                    .slot(
                        v.views
                            .apart
                            .as_deref()
                            .map(|chosen| views::apart(v, chosen)),
                    )
                    .put(peek(v))
                    .put(el("div stage-box").at(&v.stage).put(stage))
                    .put(views::octets::under(v))
                    .slot((!v.lessons.open()).then(|| next(v)).flatten()),
            )
            .put(console(v))
            .put(inspector(v))
            .put(transport(v))
            .put(timeline(v))
            .put(clock(v))
            .put(tabs(v))
            .put(borders(v))
            .put(views::toast(v))
            .put(dialog(v))
            .node()
    }

    /// One frame: lets time pass, moves what moves, and asks for the next frame only if there is a reason.
    fn on_frame(&mut self, ms: f64) -> bool {
        self.frame = None;
        let wall_us = self.last_frame_ms.map_or(16_000, |last| {
            (((ms - last) * 1000.0) as u64).min(LONGEST_FRAME_US)
        });
        let moving = self.player.advance(wall_us);
        self.tell_outside();
        self.motion
            .frame(self.player.now(), &self.player.in_flight());
        if !moving {
            self.last_frame_ms = None;
            self.refresh = None;
            if self.observe() {
                self.wake();
            }
            return true;
        }
        self.last_frame_ms = Some(ms);
        self.wake();
        if self.refresh.is_none() {
            self.refresh = Some(self.later(REFRESH_MS, "refresh"));
        }
        false
    }

    /// Asks for a frame, if none is due.
    fn wake(&mut self) {
        if self.frame.is_none() {
            let Some(window) = web_sys::window() else {
                return;
            };
            self.frame = window
                .request_animation_frame(self.on_frame.as_ref().unchecked_ref())
                .ok();
        }
    }

    /// Does a line after a while, unless the timer is dropped.
    fn later(&self, ms: u32, line: &'static str) -> Timeout {
        let send = self.send.clone();
        Timeout::new(ms, move || send.emit(Msg::Do(line.into())))
    }

    /// Looks at the world, and ticks off what the visitor has done.
    /// True when more of a lesson is to be shown.
    fn observe(&mut self) -> bool {
        let (page, player) = (self.state.page, &self.player);
        let node = super::looked_at(&self.snapshot, &self.state);
        // Without a file there is nothing to see on that page.
        let file = node.is_some_and(|n| player.world().file(&n.name).is_some());
        if page != "rdb" || file {
            self.state.lessons.saw(page);
        }
        let more = self.state.lessons.observe(&mut self.player);
        self.tell_outside();
        self.snapshot = self.player.snapshot();
        self.state.views.observe(&self.snapshot, &mut self.player);
        let lang = self.state.lang;
        if self.state.saying.observe(lang, &self.snapshot) && self.state.saying.later.is_none() {
            self.state.saying.later = Some(self.later(SAY_MS, "said"));
        }
        self.state
            .progress
            .observe(&self.snapshot, &self.player.lines());
        more
    }

    /// Tells `bridge.js` what the world wants of a real server, and whether it runs.
    fn tell_outside(&mut self) {
        let player = &mut self.player;
        if player.world().outside().is_none() {
            // A lesson, or another session: nobody is outside any more.
            if !std::mem::take(&mut self.wanted).is_empty() {
                set_on_root("data-world", "gone");
                set_on_root("data-outside", "conns");
            }
            return;
        }
        let here = player.position();
        let cut = self
            .snapshot
            .links
            .iter()
            .any(|l| l.cut && l.master == REAL);
        let world = match (here.past, player.playing()) {
            (true, _) => "past",
            (false, true) => "live",
            (false, false) => "paused",
        };
        let world = [world, if cut { " cut" } else { "" }].concat();
        if on_root("data-world") != world {
            set_on_root("data-world", &world);
        }
        let Some(wants) = player.wants() else {
            return;
        };
        if wants.contains('\n') || self.wanted != wants {
            let waits = on_root("data-outside");
            let gap = if waits.is_empty() { "" } else { "\n" };
            set_on_root("data-outside", &[&waits, gap, &wants].concat());
        }
        self.wanted = wants;
    }

    /// A line about lessons.
    fn teach(&mut self, verb: &str, rest: &str) {
        let lang = self.state.lang;
        let after = self.state.lessons.act(verb, rest, lang, &mut self.player);
        if let Some(player) = after.player {
            self.adopt(player);
            self.state.selected = None;
            self.state.focus = 0;
            // On a phone the words come first.
            self.state.tab = 0;
            self.bring_history();
        } else if verb == "lesson-close" {
            self.bring_history();
        }
        self.snapshot = self.player.snapshot();
        if let Some(text) = after.prompt {
            self.state.prompt.set(text);
            self.act("console");
        }
        if let Some(words) = after.store {
            store("lessons", &words);
        }
        if let Some(what) = after.fetch {
            set_on_root("data-fetch", &what);
        }
        let tab = self.state.tab;
        after.looks.iter().for_each(|line| self.act(line));
        // On a phone the words stay.
        self.state.tab = tab;
    }

    /// Where the lines that were typed are kept: those of a lesson are its own.
    fn shelf(&self) -> String {
        match self.state.lessons.place() {
            Some(place) => ["history.", place.split('.').next().unwrap_or_default()].concat(),
            None => "history".into(),
        }
    }

    /// Keeps them for the next visit; none that could hold a password, as redis-cli does it.
    #[inline(never)]
    fn keep_history(&self) {
        let secret = |line: &str| {
            let line = line.to_ascii_lowercase();
            SECRETS.iter().any(|word| line.contains(word))
        };
        let lines = self.player.history().iter().rev();
        let kept: Vec<&str> = lines
            .map(String::as_str)
            .filter(|line| line.len() < LONG_LINE && !secret(line))
            .take(LINES_KEPT)
            .collect();
        let oldest_first: Vec<&str> = kept.into_iter().rev().collect();
        store(&self.shelf(), &oldest_first.join("\n"));
    }

    /// Brings them back.
    #[inline(never)]
    fn bring_history(&mut self) {
        let kept = stored(&self.shelf());
        let lines = kept.lines().map(String::from).collect();
        self.player.set_history(lines);
    }

    /// The pointer rests on something; true if that is drawn otherwise than before.
    fn point_at(&mut self, hit: &str) -> bool {
        let over = match Hit::parse(hit) {
            Some(Hit::Select(sel)) => Some(sel),
            _ => None,
        };
        let changed = self.state.over != over;
        self.state.over = over;
        changed
    }

    /// Notes what `boot.js` opens when the next step breaks the module; what the page shows.
    fn keep(&self) -> String {
        let view = self.looks();
        if let Ok(session) = self.player.link(&view) {
            set_on_root("data-session", &session);
        }
        view
    }

    /// Another world takes the place of this one; the pace stays as it was chosen.
    fn adopt(&mut self, player: Player) {
        let old = std::mem::replace(&mut self.player, player);
        // That of a real server was not.
        if old.world().outside().is_none() && old.pace() != self.player.pace() {
            self.player.set_pace(old.pace());
        }
    }

    /// Another session is looked at.
    fn begin(&mut self, player: Player, view: &str) {
        self.state.selected = None;
        self.state.progress = Progress::default();
        self.state.lessons.session = None;
        self.adopt(player);
        self.bring_history();
        self.snapshot = self.player.snapshot();
        self.show(view);
    }

    /// What the visitor wants to be done, who may be one that is only to look.
    fn may(&mut self, line: &str) {
        let verb = line.split(' ').next().unwrap_or_default();
        if on_root("data-readonly").is_empty() || HARMLESS.contains(&verb) {
            self.act(line);
        }
    }

    /// Does what a line says: the `data-do` of a button, or a key.
    fn act(&mut self, line: &str) {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let view = if CHANGING.contains(&verb) {
            self.keep()
        } else {
            self.looks()
        };
        let (player, state) = (&mut self.player, &mut self.state);
        let index = || rest.parse().unwrap_or(0);
        let place = |names: &[&str]| names.iter().position(|name| *name == rest).unwrap_or(0);
        match verb {
            // The world.
            "run" => match own(rest) {
                Some(line) => {
                    player.remember(rest.trim());
                    self.act(&line);
                    self.keep_history();
                }
                None => {
                    player.submit(rest);
                    self.keep_history();
                }
            },
            "try" => {
                let master = self.snapshot.nodes.iter().find(|n| !n.replica && n.alive);
                if let Some(master) = master.filter(|_| !rest.starts_with(':')) {
                    player.set_target(&master.name);
                }
                player.submit(rest);
            }
            "act" => {
                if let Ok(action) = Action::parse(rest) {
                    player.perform(action);
                }
            }
            "promote" => player.promote(rest),
            "full-sync" => player.full_sync(rest),
            // The address has another link now.
            "open" => {
                if let Some((player, view)) = opened(state.lang) {
                    self.begin(player, &view);
                }
            }
            "target" => player.set_target(rest),
            "write" => {
                player.set_target(rest);
                self.act("console");
            }
            // A real server outside: see `bridge.js`.
            "bridge" => {
                if let Some(outside) = outside(rest) {
                    self.player = Player::with(Options {
                        seed: SEED,
                        replicas: 0,
                        backlog_size: REAL_RING,
                        latency_us: REAL_WAY_US,
                        outside: Some(outside),
                        ..Options::default()
                    });
                    (state.selected, state.focus) = (None, 1);
                    state.lessons.session = None;
                    state.views.probe = None;
                    self.snapshot = self.player.snapshot();
                }
            }
            "outside" => rest.split('\n').for_each(|line| player.hear(line)),
            "tick" => {
                for _ in 0..index().min(600) {
                    player.advance(LONGEST_FRAME_US);
                }
            }
            // Time.
            "play" if player.pace() == Pace::Step => player.step(),
            "play" => player.play(!player.playing()),
            "pause" => player.play(false),
            "step" => player.step(),
            "pass" => player.let_pass(index() as u64 * SECOND_US),
            "pace" => player.set_pace(PACES.get(index()).unwrap_or(&PACES[0]).1),
            // What is looked at.
            "select" if state.views.follower.is_some() => {
                let node = state.views.follower.take().unwrap_or_default();
                if let Some(Hit::Focus(master) | Hit::Select(Sel::Node(master))) = Hit::parse(rest)
                {
                    views::follow(&node, &master, player);
                }
            }
            "select" => {
                state.over = None;
                state.selected = match Hit::parse(rest) {
                    Some(Hit::Select(sel)) => Some(sel),
                    Some(Hit::Focus(name)) => {
                        state.focus = self
                            .snapshot
                            .nodes
                            .iter()
                            .position(|n| n.name == name && !n.outside())
                            .unwrap_or(state.focus);
                        Some(Sel::Node(name))
                    }
                    None => None,
                };
                match &state.selected {
                    Some(Sel::Node(name) | Sel::Link(name)) => {
                        state.views.of = Some(name.clone());
                    }
                    Some(Sel::Bytes { from, .. }) => state.views.face.ask(*from),
                    _ => {}
                }
            }
            "keyboard" => state.keyboard = rest.into(),
            "focus"
                if self
                    .snapshot
                    .nodes
                    .get(index())
                    .is_some_and(|n| !n.outside()) =>
            {
                state.focus = index();
                state.views.of = None;
            }
            "tab" => {
                state.tab = place(&TABS);
                for list in [&mut state.output, &mut state.packets, &mut state.log] {
                    list.forget();
                }
            }
            "keys-find" => {
                (state.page, state.tab) = ("keys", INSPECT);
                state.views.act(verb, rest, player);
            }
            "page" => {
                let named = PAGES.iter().find(|page| page.0 == rest);
                (state.page, state.tab) = (named.map_or(state.page, |page| page.0), INSPECT);
            }
            "faults" => (state.page, state.tab) = ("faults", INSPECT),
            "face-try" | "face" => {
                // The page of the ring has the switch of the blocks too.
                if state.tab != BACKLOG && (state.page != "ring" || state.tab != INSPECT) {
                    state.tab = NODES;
                }
                state.views.act(verb, rest, player);
            }
            "apart" => {
                state.tab = NODES;
                state.views.act(verb, rest, player);
            }
            "heartbeats" => state.beats = !state.beats,
            "help" => state.open = Some(Dialog::Help),
            "experiments" => state.open = Some(Dialog::Experiments),
            "layout" => set_on_root("data-layout", ""),
            "branches" => state.open = Some(Dialog::Branches),
            "experiment" => {
                state.open = None;
                state.lessons.session = None;
                // Sure: it says that it begins anew.
                self.act("reset");
                self.act("reset");
                let lines = views::experiments::lines(rest.parse().unwrap_or(usize::MAX));
                lines
                    .unwrap_or_default()
                    .split('\n')
                    .for_each(|line| self.act(line));
            }
            "verdict" => state.open = Some(Dialog::Told),
            "share" | "opens" => {
                if verb == "opens" {
                    state.views.opens = index();
                }
                state.open = Some(Dialog::Share);
                state.link = link(player, &view, state.views.opens);
                state.code = state.link.as_deref().ok().and_then(share::code);
                state.views.to_embed = rest == "embed";
            }
            // How much is said of what happens.
            "say" => {
                let how = if rest == "next" {
                    state.saying.how + 1
                } else {
                    index()
                };
                state.saying = Saying::kept(SAYS[how % SAYS.len()].1);
                store("say", SAYS[state.saying.how].1);
            }
            "said" => state.saying.later = None,
            "find" => {
                state.open = Some(Dialog::Find);
                state.find = rest.into();
                state.pick = 0;
            }
            "pick-next" => state.pick += 1,
            "pick-before" => state.pick = state.pick.saturating_sub(1),
            "close" => state.open = None,
            "pick" => {
                if let Some(line) = self.with_view(palette::picked) {
                    self.act(&["take ", &line].concat());
                }
            }
            "take" => {
                state.open = None;
                match rest.strip_prefix("key ") {
                    None => self.act(rest),
                    Some(key) => {
                        if let Some(line) = self.meaning(key) {
                            self.act(&line);
                        }
                    }
                }
            }
            "copy-text" => {
                views::copy(rest);
                let gone = self.later(COPIED_MS, "copied");
                self.state.views.copied = Some((rest.into(), gone));
            }
            "save" => {
                let node = super::looked_at(&self.snapshot, state).map_or("", |n| &n.name);
                share::save(rest, player, &self.snapshot, node);
            }
            "keys" => {
                state.keys_off = !state.keys_off;
                let keys = if state.keys_off { "off" } else { "on" };
                store("keys", keys);
                set_on_root("data-keys", keys);
            }
            // The prompt; behind another tab it is there after the next drawing.
            "console" => {
                let there = std::mem::replace(&mut state.tab, CONSOLE) == CONSOLE;
                if there || !narrow() {
                    focus_console();
                } else {
                    self.later(SHOWN_MS, "console").forget();
                }
            }
            // The list of lessons, or the one that is open.
            "learn" => {
                if !state.lessons.open() {
                    self.teach("lessons", "");
                }
                self.state.tab = 0;
                focus("guide");
            }
            "send" => {
                let line = std::mem::take(&mut state.prompt).text;
                self.act(&["run ", &line].concat());
            }
            "accept" => {
                let marked = || state.prompt.completed(player);
                let full = Some(rest).filter(|full| !full.is_empty());
                if let Some(full) = full.map(String::from).or_else(marked) {
                    state.prompt.set(full);
                }
                focus_console();
            }
            // A line is begun for the visitor.
            "begin" => {
                state.prompt.set(rest.into());
                focus_console();
            }
            "fold" => state.prompt.fold(),
            "commands" => player.tell_of(":help", commands(state.lang)),
            "in-ascii" => {
                if let Some(text) = in_ascii(&state.prompt.text) {
                    state.prompt.set(text);
                }
                focus_console();
            }
            "older" | "newer" => {
                state.prompt.arrow(player, verb == "older");
                focus_console();
            }
            "interrupt" if !state.prompt.text.is_empty() => state.prompt.set(String::new()),
            "interrupt" => {
                for node in player
                    .world()
                    .names()
                    .into_iter()
                    .map(String::from)
                    .collect::<Vec<_>>()
                {
                    let meant = player.target() == node || player.target() == "all";
                    if meant && player.world().console_blocked(&node) {
                        player.perform(Action::Interrupt { node });
                    }
                }
            }
            "erase" => state.prompt.set(String::new()),
            // The page.
            "language" => {
                state.lang = state.lang.other();
                store("lang", state.lang.tag());
                self.show_language();
            }
            "theme" => {
                state.theme = match state.theme {
                    Theme::Auto => Theme::Light,
                    Theme::Light => Theme::Dark,
                    Theme::Dark => Theme::Auto,
                };
                store("theme", state.theme.name());
                set_on_root("data-theme", state.theme.name());
            }
            "reset" if state.asked.take().is_some() => {
                player.reset();
                state.selected = None;
                state.focus = 0;
                state.progress = Progress::default();
                state.views.samples.clear();
                if let Some(what) = state.lessons.again() {
                    set_on_root("data-fetch", &what.join(" "));
                }
            }
            "reset" => self.state.asked = Some(self.later(SURE_MS, "calm")),
            "calm" => state.asked = None,
            "refresh" => self.refresh = None,
            "full" => {
                if let (Some(window), Ok(link)) = (web_sys::window(), link(player, &view, HERE)) {
                    // Refused by a browser that lets no window open: then nothing happens.
                    let _ = window.open_with_url_and_target(&link, "_blank");
                }
            }
            "panic" => panic!("a drill, as it was asked for"),
            "seek-x" => {
                // Whole pixels: reading a float takes a table of twelve kilobytes.
                let x: u32 = rest.parse().unwrap_or(0);
                player.seek_time(moment(&self.snapshot, state, player, x as f32));
            }
            _ if verb.starts_with("lesson") => self.teach(verb, rest),
            _ => state.views.act(verb, rest, player),
        }
    }

    /// The line that a key means at this moment.
    fn meaning(&self, key: &str) -> Option<String> {
        let s = &self.snapshot;
        let node = super::looked_at(s, &self.state)?;
        let name = node.name.as_str();
        Some(match key {
            "wire" => {
                // A master has no way up: then the first way down is meant.
                let link = s
                    .links
                    .iter()
                    .find(|l| l.replica == name)
                    .or_else(|| s.links.iter().find(|l| l.master == name))?;
                fill(
                    if link.cut {
                        "act restore {} {}"
                    } else {
                        "act cut {} {}"
                    },
                    &[&link.master, &link.replica],
                )
            }
            "promote" if node.replica && node.alive => ["promote ", name].concat(),
            "promote" => return None,
            "kill" => [
                if node.alive {
                    "act kill "
                } else {
                    "act start "
                },
                name,
            ]
            .concat(),
            "write" if node.alive && !node.outside() => ["write ", name].concat(),
            "write" => return None,
            "add" => ["act add of ", name].concat(),
            "sub" => {
                // Of a master its first replica is meant.
                let below = s.links.iter().find(|l| l.master == name);
                let of = below.filter(|_| !node.replica).map_or(name, |l| &l.replica);
                ["act add of ", of].concat()
            }
            "follow" => ["follow ", name].concat(),
            "apart" => ["apart ", name].concat(),
            "open" => ["page ", self.page_of_selected()].concat(),
            _ => key.into(),
        })
    }

    /// The page that shows most of what is selected.
    fn page_of_selected(&self) -> &'static str {
        match &self.state.selected {
            Some(Sel::Bytes { .. } | Sel::Packet(_) | Sel::Octet(..)) => WIRE,
            Some(Sel::Link(_)) => "faults",
            _ => "node",
        }
    }

    /// Takes the sizes of the stage and of the timeline; true if they are others.
    fn measure(&mut self) -> bool {
        let size = |node: &NodeRef| {
            let e = node.cast::<Element>()?;
            let (w, h) = (e.client_width() as f32, e.client_height() as f32);
            (w > 0.0).then_some((w, h))
        };
        let state = &mut self.state;
        let mut changed = false;
        if let Some((w, h)) = size(&state.frame) {
            let now = (w.max(200.0), h.max(60.0));
            changed |= std::mem::replace(&mut state.strip, now) != now;
        }
        let side = web_sys::window()
            .and_then(|w| w.document()?.get_element_by_id("inspector"))
            .map_or(0, |panel| panel.client_width());
        if side > SCROLLBAR {
            let now = (side - SCROLLBAR) as f32;
            changed |= std::mem::replace(&mut state.side, now) != now;
        }
        if let Some((w, h)) = size(&state.stage) {
            let now = Layout::fit(w, h, narrow());
            changed |= std::mem::replace(&mut state.layout, now) != now;
        }
        changed
    }

    /// What of the page goes into a link: the node in focus and the page of the inspector.
    fn looks(&self) -> String {
        let focus = self.snapshot.nodes.get(self.state.focus);
        [focus.map_or("m", |n| &n.name), " ", self.state.page].concat()
    }

    /// The same from a link.
    fn show(&mut self, view: &str) {
        let (node, page) = view.split_once(' ').unwrap_or_default();
        let (nodes, state) = (&self.snapshot.nodes, &mut self.state);
        state.focus = nodes.iter().position(|n| n.name == node).unwrap_or(0);
        let page = page.split(' ').next().unwrap_or_default();
        let named = PAGES.iter().find(|p| p.0 == page);
        state.page = named.map_or(state.page, |p| p.0);
    }

    /// What an embedded page shows instead of the stage.
    fn show_panes(&mut self, panes: &str) {
        let state = &mut self.state;
        for pane in panes.split(' ') {
            match pane {
                "ring" => state.alone = true,
                "line" => {
                    state.views.face.act("face", "line");
                    state.views.face.alone = !panes.contains("stage") && !panes.contains("ring");
                }
                "sequence" => state.page = "sequence",
                _ => {}
            }
        }
        state.alone &= !panes.contains("stage");
    }

    fn show_language(&self) {
        set_on_root("lang", self.state.lang.tag());
    }
}

/// A line of the console as one for the page.
#[inline(never)]
fn own(line: &str) -> Option<String> {
    let line = line.trim().strip_prefix(':')?;
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let (.., does) = COLON.iter().find(|c| c.0 == word && !c.3.is_empty())?;
    let rest = match word {
        "pace" => {
            let named = PACES.iter().position(|p| p.0.trim_end_matches('×') == rest);
            int(named.unwrap_or(0) as u64)
        }
        _ => rest.trim().into(),
    };
    let takes = does.ends_with([' ', ':']);
    let line = if takes {
        [does, rest.as_str()].concat()
    } else {
        (*does).into()
    };
    Some(line.trim_end().into())
}

/// `HOST PORT UNIX-MS`, and `auth` with the user where the server wants a password.
fn outside(line: &str) -> Option<Outside> {
    let words: Vec<&str> = line.split(' ').collect();
    let [host, port, ms, auth @ ..] = words.as_slice() else {
        return None;
    };
    Some(Outside {
        host: (*host).into(),
        port: port.parse().ok()?,
        auth: (!auth.is_empty()).then(|| auth[1..].concat()),
        begin: Instant(ms.parse::<u64>().ok()? * 1000),
    })
}

/// The borders between panels; `split.js` moves them.
fn borders(v: &View<'_>) -> El {
    let border = |name: &'static str, way: &'static str, label| {
        el("div split role=separator tabindex=0 hidden=hidden")
            .named(v.w(label))
            .a("aria-orientation", way)
            .a("data-split", name)
    };
    el("section borders")
        .a("aria-label", v.w(&views::words::SPLITS))
        .put(border("guide", "vertical", &views::words::SPLIT_GUIDE))
        .put(border("stage", "horizontal", &views::words::SPLIT_STAGE))
        .put(border("console", "vertical", &views::words::SPLIT_CONSOLE))
}

/// The same border as in the style sheet: 36 em, in the reader's own font size.
fn narrow() -> bool {
    matches("(max-width: 35.99em)")
}

/// Whether a query of the style sheets holds.
pub fn matches(query: &str) -> bool {
    let window = web_sys::window();
    let found = window.and_then(|w| w.match_media(query).ok().flatten());
    found.is_some_and(|m| m.matches())
}

/// The address of the page with all that brings this moment back.
fn link(player: &Player, view: &str, opens: usize) -> Result<String, String> {
    let state = share::link_of(player, view, opens).map_err(|error| error.to_string())?;
    let address = web_sys::window()
        .and_then(|w| w.location().href().ok())
        .unwrap_or_default();
    let page = address.split(['#', '?']).next().unwrap_or_default();
    Ok([page, "#", &state].concat())
}

/// The session of the link in the address, or of the one that `boot.js` kept of a module that broke, with its view. A
/// damaged one is told in the console, and the world begins anew.
fn opened(lang: Lang) -> Option<(Player, String)> {
    let kept = on_root("data-open");
    let hash = web_sys::window()?.location().hash().ok()?;
    // A link that is to be read has spaces in it.
    let hash = js_sys::decode_uri_component(&hash).map_or(hash, String::from);
    let link = if kept.is_empty() {
        hash.trim_start_matches('#')
    } else {
        &kept
    };
    // The skip links have addresses too.
    let place = || web_sys::window()?.document()?.get_element_by_id(link);
    if link.is_empty() || place().is_some() {
        return None;
    }
    Some(match Player::open(link) {
        Ok((mut player, view)) => {
            player.play(!kept.is_empty() || view.ends_with(share::PLAYS));
            (player, view)
        }
        Err(error) => {
            let mut player = Player::new(SEED);
            let why = error.to_string();
            set_on_root("data-refused", &why);
            player.note(lang.text().bad_link);
            player.note(why);
            (player, String::new())
        }
    })
}

/// The next letter goes to the prompt.
pub fn focus_console() {
    focus("console-input");
}

fn by_id(id: &str) -> Option<Element> {
    web_sys::window()?.document()?.get_element_by_id(id)
}

fn focus(id: &str) {
    let input = by_id(id);
    if let Some(input) = input.and_then(|e| e.dyn_into::<HtmlElement>().ok()) {
        let _ = input.focus();
    }
}

pub fn set_on_root(attribute: &str, value: &str) {
    if let Some(root) = web_sys::window()
        .and_then(|w| w.document())
        .and_then(|d| d.document_element())
    {
        let _ = root.set_attribute(attribute, value);
    }
}

fn store(key: &str, value: &str) {
    if let Some(storage) = web_sys::window().and_then(|w| w.local_storage().ok().flatten()) {
        // Full or blocked storage: the choice holds for this visit only.
        let _ = storage.set_item(&["ringside.", key].concat(), value);
    }
}

fn stored(key: &str) -> String {
    let storage = web_sys::window().and_then(|w| w.local_storage().ok().flatten());
    let found = storage.and_then(|s| s.get_item(&["ringside.", key].concat()).ok().flatten());
    found.unwrap_or_default()
}

/// What `boot.js` has found in the address or in the storage, or what it wants.
pub fn on_root(attribute: &str) -> String {
    web_sys::window()
        .and_then(|w| w.document()?.document_element()?.get_attribute(attribute))
        .unwrap_or_default()
}
