//! State of the page, its messages, and the only animation loop. The loop asks for the next frame only while the
//! player says that something moves: an idle page requests none.

use super::Shared;
use super::console::Console;
use super::guide::{Act, Guide, Progress};
use super::header::Header;
use super::help::Help;
use super::inspector::Inspector;
use super::keys;
use super::peek::{Peek, Tab, Tabs};
use super::stage::motion::Motion;
use super::stage::select::Sel;
use super::stage::{Layout, Stage};
use super::story::StoryLine;
use super::text::Lang;
use super::timeline::Timeline;
use super::transport::{Clock, Transport};
use crate::player::{Pace, Player};
use crate::sim::Action;
use gloo_timers::callback::Timeout;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::HtmlElement;
use yew::prelude::*;

/// Panels are drawn again at most this often.
const REFRESH_MS: u32 = 100;
/// A tab that slept does not make up for lost time.
const LONGEST_FRAME_US: f64 = 100_000.0;
/// Every world of the page is this one; `Reset` makes it anew.
const SEED: u64 = 1;

/// Everything that can happen to the page.
pub enum Msg {
    /// An animation frame, with its time in ms.
    Frame(f64),
    /// The panels may be drawn again.
    Refresh,
    Resized,
    /// Runs a console line as if typed.
    Submit(String),
    /// Runs a console line on the master, as the guide does.
    Guided(&'static str),
    Target(String),
    Perform(Action),
    Promote(String),
    FullSync(String),
    Play,
    Step,
    Pass(u64),
    Pace(Pace),
    Select(Option<Sel>),
    Focus(usize),
    Tab(Tab),
    Language,
    Theme,
    Help(bool),
    Reset,
    Key(keys::Key),
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

pub struct App {
    player: Rc<RefCell<Player>>,
    motion: Motion,
    lang: Lang,
    theme: Theme,
    viewport: (u32, u32),
    focus: usize,
    selected: Option<Sel>,
    tab: Tab,
    help: bool,
    progress: Progress,
    send: Callback<Msg>,
    on_select: Callback<Option<Sel>>,
    on_focus: Callback<usize>,
    on_frame: Closure<dyn FnMut(f64)>,
    frame: Option<i32>,
    last_frame_ms: Option<f64>,
    refresh: Option<Timeout>,
    _on_key: Closure<dyn FnMut(KeyboardEvent)>,
    _on_resize: Closure<dyn FnMut()>,
}

impl Component for App {
    type Message = Msg;
    type Properties = ();

    fn create(ctx: &Context<Self>) -> Self {
        let link = ctx.link();
        let send = link.callback(|msg| msg);
        let on_frame = {
            let send = send.clone();
            Closure::new(move |ms| send.emit(Msg::Frame(ms)))
        };
        let on_key: Closure<dyn FnMut(KeyboardEvent)> = {
            let send = send.clone();
            Closure::new(move |event| {
                if let Some(key) = keys::read(&event) {
                    event.prevent_default();
                    send.emit(Msg::Key(key));
                }
            })
        };
        let on_resize: Closure<dyn FnMut()> = {
            let send = send.clone();
            Closure::new(move || send.emit(Msg::Resized))
        };
        if let Some(window) = web_sys::window() {
            // A browser that refuses listeners shows the page without keys; nothing else to do about it.
            let _ =
                window.add_event_listener_with_callback("keydown", on_key.as_ref().unchecked_ref());
            let _ = window
                .add_event_listener_with_callback("resize", on_resize.as_ref().unchecked_ref());
        }
        let mut app = Self {
            player: Rc::new(RefCell::new(Player::new(SEED))),
            motion: Motion::default(),
            lang: stored_language(),
            theme: match stored("theme").as_deref() {
                Some("light") => Theme::Light,
                Some("dark") => Theme::Dark,
                _ => Theme::Auto,
            },
            viewport: viewport(),
            focus: 0,
            selected: None,
            tab: Tab::Nodes,
            help: false,
            progress: Progress::default(),
            on_select: link.callback(Msg::Select),
            on_focus: link.callback(Msg::Focus),
            send,
            on_frame,
            frame: None,
            last_frame_ms: None,
            refresh: None,
            _on_key: on_key,
            _on_resize: on_resize,
        };
        app.show_language();
        app.wake();
        app
    }

    fn update(&mut self, ctx: &Context<Self>, msg: Msg) -> bool {
        match msg {
            Msg::Frame(ms) => return self.on_frame(ctx, ms),
            Msg::Refresh => {
                self.refresh = None;
                self.observe();
                return true;
            }
            Msg::Resized => {
                let now = viewport();
                return std::mem::replace(&mut self.viewport, now) != now;
            }
            Msg::Submit(line) => self.player.borrow_mut().submit(&line),
            Msg::Guided(line) => {
                let mut player = self.player.borrow_mut();
                if !line.starts_with(':') {
                    let master = player
                        .snapshot()
                        .nodes
                        .iter()
                        .find(|n| !n.replica && n.alive)
                        .map(|n| n.name.clone());
                    if let Some(master) = master {
                        player.set_target(&master);
                    }
                }
                player.submit(line);
            }
            Msg::Target(node) => self.player.borrow_mut().set_target(&node),
            Msg::Perform(action) => self.player.borrow_mut().perform(action),
            Msg::Promote(node) => self.player.borrow_mut().promote(&node),
            Msg::FullSync(node) => self.player.borrow_mut().full_sync(&node),
            Msg::Play => {
                let mut player = self.player.borrow_mut();
                let on = !player.playing();
                player.play(on);
            }
            Msg::Step => self.player.borrow_mut().step(),
            Msg::Pass(us) => self.player.borrow_mut().let_pass(us),
            Msg::Pace(pace) => self.player.borrow_mut().set_pace(pace),
            Msg::Select(selected) => {
                self.selected = selected;
                return true;
            }
            Msg::Focus(index) => {
                self.focus = index.min(
                    self.player
                        .borrow()
                        .snapshot()
                        .nodes
                        .len()
                        .saturating_sub(1),
                );
                return true;
            }
            Msg::Tab(tab) => {
                self.tab = tab;
                return true;
            }
            Msg::Language => {
                self.lang = self.lang.other();
                store("lang", self.lang.tag());
                self.show_language();
                return true;
            }
            Msg::Theme => {
                self.theme = match self.theme {
                    Theme::Auto => Theme::Light,
                    Theme::Light => Theme::Dark,
                    Theme::Dark => Theme::Auto,
                };
                store("theme", self.theme.name());
                if let Some(root) = root_element() {
                    let _ = root.set_attribute("data-theme", self.theme.name());
                }
                return true;
            }
            Msg::Help(open) => {
                self.help = open;
                return true;
            }
            Msg::Reset => {
                self.player.borrow_mut().reset();
                self.selected = None;
                self.focus = 0;
                self.progress = Progress::default();
            }
            Msg::Key(key) => {
                if let Some(msg) = self.meaning(key) {
                    return Component::update(self, ctx, msg);
                }
                return false;
            }
        }
        self.observe();
        self.wake();
        true
    }

    fn view(&self, _ctx: &Context<Self>) -> Html {
        let player = self.player.borrow();
        let snapshot = Shared(player.snapshot());
        let (lang, t) = (self.lang, self.lang.text());
        let send = &self.send;
        let layout = self.layout();
        let focus = self.focus.min(snapshot.nodes.len().saturating_sub(1));
        html! {
            <div class="app" data-tab={self.tab.name()}>
                <nav class="skip">
                    <a href="#console-input">{ t.skip_console }</a>
                    <a href="#stage">{ t.skip_stage }</a>
                    <a href="#guide">{ t.skip_guide }</a>
                </nav>
                <Header {lang} theme={self.theme} send={send} />
                <aside class="guide" id="guide" tabindex="-1" aria-label={t.guide}>
                    <Guide {lang} done={self.progress.done} send={send} />
                    <Act {lang} snapshot={&snapshot} {focus} selected={self.selected.clone()} lines={Shared(player.lines())} send={send} />
                </aside>
                <main class="scene" id="stage" tabindex="-1">
                    <StoryLine {lang} snapshot={&snapshot} />
                    <Peek {lang} snapshot={&snapshot} {focus} send={send} />
                    <div class="stage-box">
                        <Stage snapshot={snapshot.0.clone()} {focus} {layout} {lang} selected={self.selected.clone()}
                            on_select={&self.on_select} on_focus={&self.on_focus} />
                    </div>
                </main>
                <Console {lang} snapshot={&snapshot} lines={Shared(player.lines())} target={player.target().to_string()}
                    suggestions={suggestions(&player)} selected={self.selected.clone()}
                    player={Shared(self.player.clone())} send={send} />
                <Inspector {lang} snapshot={&snapshot} {focus} selected={self.selected.clone()} on_select={&self.on_select} />
                <Transport {lang} playing={player.playing()} pace={player.pace()} send={send} />
                <Timeline {lang} snapshot={&snapshot} viewport={self.viewport} selected={self.selected.clone()} />
                <Clock {lang} snapshot={&snapshot} playing={player.playing()} />
                <Tabs {lang} tab={self.tab} done={self.progress.count()} send={send} />
                <Help {lang} open={self.help} send={send} />
            </div>
        }
    }

    fn rendered(&mut self, _ctx: &Context<Self>, _first: bool) {
        // What Yew has just drawn anew gets its moving parts back at once, also when no frame is due.
        let player = self.player.borrow();
        self.motion.frame(player.now(), &player.in_flight());
    }
}

impl App {
    /// One frame: lets time pass, moves what moves, and asks for the next frame only if there is a reason.
    fn on_frame(&mut self, ctx: &Context<Self>, ms: f64) -> bool {
        self.frame = None;
        let wall_us = self.last_frame_ms.map_or(16_000.0, |last| {
            ((ms - last) * 1000.0).clamp(0.0, LONGEST_FRAME_US)
        });
        let moving = {
            let mut player = self.player.borrow_mut();
            let moving = player.advance(wall_us as u64);
            self.motion.frame(player.now(), &player.in_flight());
            moving
        };
        if !moving {
            self.last_frame_ms = None;
            self.refresh = None;
            self.observe();
            return true;
        }
        self.last_frame_ms = Some(ms);
        self.wake();
        if self.refresh.is_none() {
            let send = ctx.link().callback(|()| Msg::Refresh);
            self.refresh = Some(Timeout::new(REFRESH_MS, move || send.emit(())));
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

    /// Ticks off what the visitor has done.
    fn observe(&mut self) {
        let player = self.player.borrow();
        self.progress.observe(&player.snapshot(), &player.lines());
    }

    fn layout(&self) -> Layout {
        // The same border as in the style sheet: 36 em, in the reader's own font size.
        let narrow = web_sys::window()
            .and_then(|w| w.match_media("(max-width: 35.99em)").ok().flatten())
            .is_some_and(|m| m.matches());
        if narrow { Layout::Phone } else { Layout::Wide }
    }

    fn show_language(&self) {
        if let Some(root) = root_element() {
            let _ = root.set_attribute("lang", self.lang.tag());
        }
    }

    /// What a key means at this moment.
    fn meaning(&self, key: keys::Key) -> Option<Msg> {
        use keys::Key;
        if self.help {
            return matches!(key, Key::Help).then_some(Msg::Help(false));
        }
        let snapshot = self.player.borrow().snapshot();
        let node = || match &self.selected {
            Some(Sel::Node(name) | Sel::Link(name)) => {
                snapshot.nodes.iter().find(|n| n.name == *name)
            }
            _ => snapshot.nodes.get(self.focus),
        };
        match key {
            Key::Console => {
                focus_console();
                None
            }
            Key::Play => Some(Msg::Play),
            Key::Step => Some(Msg::Step),
            Key::Node(index) => (index < snapshot.nodes.len()).then_some(Msg::Focus(index)),
            Key::Wire => {
                let name = &node()?.name;
                // A master has no way up: then the first way down is meant.
                let link = snapshot
                    .links
                    .iter()
                    .find(|l| l.replica == *name)
                    .or_else(|| snapshot.links.iter().find(|l| l.master == *name))?;
                let (a, b) = (link.master.clone(), link.replica.clone());
                Some(Msg::Perform(if link.cut {
                    Action::Restore { a, b }
                } else {
                    Action::Cut { a, b }
                }))
            }
            Key::Promote => node()
                .filter(|n| n.replica && n.alive)
                .map(|n| Msg::Promote(n.name.clone())),
            Key::Kill => {
                let node = node()?;
                let name = node.name.clone();
                Some(Msg::Perform(if node.alive {
                    Action::Kill { node: name }
                } else {
                    Action::Start {
                        node: name,
                        empty: false,
                    }
                }))
            }
            Key::Add => Some(Msg::Perform(Action::Add {
                name: None,
                of: node()?.name.clone(),
            })),
            Key::Leave => self.selected.is_some().then_some(Msg::Select(None)),
            Key::Help => Some(Msg::Help(true)),
        }
    }
}

fn suggestions(player: &Player) -> Vec<(AttrValue, AttrValue)> {
    player
        .suggestions()
        .into_iter()
        .map(|s| (s.label.into(), s.line.into()))
        .collect()
}

fn focus_console() {
    let input = web_sys::window()
        .and_then(|w| w.document())
        .and_then(|d| d.get_element_by_id("console-input"));
    if let Some(input) = input.and_then(|e| e.dyn_into::<HtmlElement>().ok()) {
        let _ = input.focus();
    }
}

fn root_element() -> Option<web_sys::Element> {
    web_sys::window()?.document()?.document_element()
}

fn viewport() -> (u32, u32) {
    let Some(window) = web_sys::window() else {
        return (1440, 900);
    };
    let read =
        |v: Result<wasm_bindgen::JsValue, _>| v.ok().and_then(|v| v.as_f64()).unwrap_or(0.0) as u32;
    (read(window.inner_width()), read(window.inner_height()))
}

/// A value that the page remembers; `None` also where storage is blocked.
fn stored(key: &str) -> Option<String> {
    web_sys::window()?
        .local_storage()
        .ok()??
        .get_item(&format!("ringside.{key}"))
        .ok()?
}

fn store(key: &str, value: &str) {
    if let Some(storage) = web_sys::window().and_then(|w| w.local_storage().ok().flatten()) {
        // Full or blocked storage: the choice holds for this visit only.
        let _ = storage.set_item(&format!("ringside.{key}"), value);
    }
}

/// `?lang=zh` first, then the last choice, then English.
fn stored_language() -> Lang {
    let asked = web_sys::window()
        .and_then(|w| w.location().search().ok())
        .unwrap_or_default();
    let zh = if asked.contains("lang=") {
        asked.contains("lang=zh")
    } else {
        stored("lang").is_some_and(|l| l.starts_with("zh"))
    };
    if zh { Lang::Zh } else { Lang::En }
}
