//! Giving it away: a link that brings everything back, the code of an embedded page, and files.

use super::View;
use super::dom::{El, el, int, leaf};
use super::guide::choice;
use super::sentence::{Said, group};
use super::text::fill;
use super::views::words as w;
use crate::link::LinkError;
use crate::player::Player;
use crate::sim::snapshot::Snapshot;
use qrcodegen::{QrCode, QrCodeEcc};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// Longer links are cut by some chat programs.
const LONG: usize = 2_000;

/// Links of more bytes make squares that no telephone tells apart on a screen.
const FINE: usize = 1_200;
/// The white border that a reader wants, in squares.
const QUIET: i32 = 4;
const CODE: Said = ["The link as a QR code", "链接的二维码"];

/// The QR code of a link: its width in squares with the border, and the path of the dark ones. None of a long link.
#[inline(never)]
pub fn code(link: &str) -> Option<(i32, String)> {
    let fine = Some(link).filter(|link| link.len() <= FINE)?;
    let code = QrCode::encode_binary(fine.as_bytes(), QrCodeEcc::Low).ok()?;
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let run = (x..code.size()).take_while(|x| code.get_module(*x, y));
            let run = run.count() as i32;
            if run > 0 {
                let [x, y, run] = [x + QUIET, y + QUIET, run].map(|n| int(n as u64));
                path.push_str(&["M", &x, " ", &y, "h", &run, "v1h-", &run, "z"].concat());
            }
            x += run.max(1);
        }
    }
    Some((code.size() + 2 * QUIET, path))
}

/// What an embedded page is told besides the session: a label, the name of an attribute, and what it can be, each with a
/// label; the first is how it is unless said.
type Preset = (Said, &'static str, &'static [(Said, &'static str)]);

const PRESETS: [Preset; 5] = [
    (
        ["Size", "尺寸"],
        "",
        &[
            (["720 × 480", "720 × 480"], "720x480"),
            (["960 × 600", "960 × 600"], "960x600"),
            (["whole width", "整行宽"], "100%x420"),
        ],
    ),
    (
        ["Panes", "面板"],
        "panes",
        &[
            (["nodes, console, time", "节点、控制台、时间"], ""),
            (["nodes, time", "节点、时间"], "stage,time"),
            (["nodes", "节点"], "stage"),
            (["and the wire", "加上报文"], "stage,console,time,wire"),
            (["the ring", "环"], "ring"),
            (["the line", "线"], "line"),
            (["the sequence", "时序"], "sequence"),
        ],
    ),
    (
        ["Theme", "主题"],
        "theme",
        &[
            (["the host's", "随网页"], ""),
            (["light", "浅色"], "light"),
            (["dark", "深色"], "dark"),
        ],
    ),
    (
        ["Language", "语言"],
        "lang",
        &[
            (["the reader's", "随读者"], ""),
            (["English", "English"], "en"),
            (["中文", "中文"], "zh"),
        ],
    ),
    (
        ["Visitors", "访客"],
        "readonly",
        &[(["try it", "可操作"], ""), (["only look", "只能看"], "on")],
    ),
];

/// How a link opens: label, and words that are added to its view.
const OPENS: [Said; 4] = [
    ["Opens", "打开时"],
    ["at the beginning", "从头开始"],
    ["here", "停在这里"],
    ["here, playing", "从这里播放"],
];
/// What the view of a link that plays ends with.
pub const PLAYS: &str = " play";
pub const EMBED: Said = ["Embed", "嵌入"];
pub const EMBED_TITLE: Said = ["Show this in a page of your own", "嵌入到你自己的网页"];

/// The link to this moment; `opens` is 0 from the beginning, 1 here, 2 here and playing.
///
/// # Errors
/// As [`Player::link`].
#[inline(never)]
pub fn link_of(player: &Player, view: &str, opens: usize) -> Result<String, LinkError> {
    match opens {
        0 => player.link_from_start(view),
        1 => player.link(view),
        _ => player.link(&[view, PLAYS].concat()),
    }
}

fn opens(v: &View<'_>) -> El {
    let mut buttons = Vec::new();
    for (i, said) in OPENS[1..].iter().enumerate() {
        let line = ["opens ", &int(i as u64)].concat();
        buttons.push((v.w(said).into(), i == v.views.opens, line));
    }
    choice(v.w(&OPENS[0]), "", buttons)
}

/// What is chosen of each preset; and of [`SHOWN`].
pub type Chosen = [usize; PRESETS.len() + 1];

/// What it shows where a lesson is open: this moment, or the step from its beginning.
const SHOWN: [Said; 3] = [
    ["Shows", "内容"],
    ["this moment", "这一刻"],
    ["this step of the lesson", "课程的这一步"],
];

/// The row of it, and the step, such as `l06.3`, where that is chosen.
fn shown(v: &View<'_>) -> Option<(El, Option<String>)> {
    let step = v.lessons.place()?;
    let (at, mut buttons) = (PRESETS.len(), Vec::new());
    let chosen = v.views.embed[at].min(1);
    for (j, said) in SHOWN[1..].iter().enumerate() {
        let line = ["embed ", &int(at as u64), " ", &int(j as u64)].concat();
        buttons.push((v.w(said).into(), j == chosen, line));
    }
    let row = choice(v.w(&SHOWN[0]), "", buttons);
    Some((row, (chosen == 1).then_some(step)))
}

/// `embed 1 2`: of the second preset the third.
pub fn embed(chosen: &mut Chosen, line: &str) {
    let (row, value) = line.split_once(' ').unwrap_or_default();
    let row = row.parse().ok().and_then(|i: usize| chosen.get_mut(i));
    if let (Some(row), Ok(value)) = (row, value.parse()) {
        *row = value;
    }
}

/// The presets, and what the chosen ones are: width and height, the attributes of the element, the query of the frame.
fn presets(v: &View<'_>) -> (El, (&'static str, &'static str), String, String) {
    let (mut rows, mut size) = (el("div presets"), ("", ""));
    let (mut attributes, mut query) = (String::new(), String::new());
    for (i, (label, name, values)) in PRESETS.iter().enumerate() {
        let chosen = v.views.embed[i].min(values.len() - 1);
        let value = values[chosen].1;
        if name.is_empty() {
            size = value.split_once('x').unwrap_or_default();
        } else if !value.is_empty() {
            attributes.push_str(&fill(" {}=\"{}\"", &[name, value]));
            query.push_str(&fill("&{}={}", &[name, value]));
        }
        let mut buttons = Vec::new();
        for (j, (said, _)) in values.iter().enumerate() {
            let line = ["embed ", &int(i as u64), " ", &int(j as u64)].concat();
            buttons.push((v.w(said).into(), j == chosen, line));
        }
        rows = rows.put(choice(v.w(label), "", buttons));
    }
    (rows, size, attributes, query)
}

#[inline(never)]
pub fn share(v: &View<'_>) -> El {
    let t = v.t;
    let link = v.link.as_deref().unwrap_or_default();
    let length = fill(t.share_length, &[&group(link.len() as u64)]);
    let note = match &v.link {
        Err(error) => error,
        Ok(link) if link.len() > LONG => t.share_long,
        Ok(_) => t.share_note,
    };
    if v.player.world().outside().is_some() {
        return el("div")
            .put(leaf("h2 id=dialog-title", t.share))
            .put(leaf("p", v.w(&w::NOT_SHARED)))
            .put(leaf("h3", t.share_files))
            .put(files(v, &["trace", "stream", "rdb"]));
    }
    let (page, state) = link.split_once('#').unwrap_or((link, ""));
    let folder = page.rfind('/').map_or("", |end| &page[..=end]);
    let (mut presets, (width, height), mut attributes, mut query) = presets(v);
    let (mut begin, mut address) = (fill(" link=\"{}\"", &[state]), ["#", state].concat());
    if let Some((row, step)) = shown(v) {
        presets = presets.put(row);
        if let Some(step) = step {
            begin = fill(" lesson=\"{}\"", &[&step]);
            address = String::new();
            query = fill("&lesson={}{}", &[&step, &query]);
        }
    }
    attributes.insert_str(0, &begin);
    let unit = if width.ends_with('%') { "" } else { "px" };
    let element = fill(
        "<script type=\"module\" src=\"{}ringside.js\"></script>\n<ringside-playground{} style=\"display:block;width:{}{};max-width:100%;height:{}px\"></ringside-playground>",
        &[folder, &attributes, width, unit, height],
    );
    let preview = || {
        el("iframe preview title=Ringside")
            .key(&query)
            .a("src", ["?embed", &query, &address].concat())
            .a("width", width)
            .a("height", height)
    };
    let code = fill(
        "<iframe src=\"{}?embed{}{}\" width=\"{}\" height=\"{}\" style=\"max-width:100%\" loading=\"lazy\" title=\"Ringside\"></iframe>",
        &[page, &query, &address, width, height],
    );
    let linked = fill("[![{}]({}poster.svg)]({})", &[t.share_alt, folder, link]);
    el("div")
        .put(leaf("h2 id=dialog-title", t.share))
        .put(
            el("div link-part")
                .put(
                    el("div")
                        .put(field(t.share_link, "share-link", "3", link, t.copy))
                        .put(el("div presets opens").put(opens(v)))
                        .put(leaf("p muted", [&length, t.gap, note].concat())),
                )
                .slot(v.code.as_ref().map(|(size, path)| {
                    let size = int(*size as u64);
                    el("svg qr role=img data-testid=qr shape-rendering=crispEdges")
                        .a("viewBox", ["0 0 ", &size, " ", &size].concat())
                        .a("aria-label", v.w(&CODE))
                        .put(el("path").a("d", path.clone()))
                })),
        )
        .put(leaf("h3 id=embed-part tabindex=-1", v.w(&EMBED)))
        .put(presets)
        .put(field(
            t.share_element,
            "share-element",
            "3",
            &element,
            t.copy,
        ))
        .put(field(t.share_embed, "share-embed", "3", &code, t.copy))
        .put(field(t.share_code, "share-code", "3", &linked, t.copy))
        .slot(v.link.is_ok().then(preview))
        .put(leaf("h3", t.share_files))
        .put(files(v, &FILES))
}

/// What can be saved, in the order of its labels.
const FILES: [&str; 4] = ["session", "trace", "stream", "rdb"];

/// Buttons that save these.
fn files(v: &View<'_>, some: &[&str]) -> El {
    let mut out = el("div buttons");
    for (line, label) in FILES.into_iter().zip(v.t.files) {
        if some.contains(&line) {
            out = out.put(leaf("button act-on", label).does(["save ", line].concat()));
        }
    }
    out
}

/// A text to copy; the button is served by `boot.js`.
fn field(
    label: &'static str,
    id: &'static str,
    rows: &'static str,
    text: &str,
    copy: &'static str,
) -> El {
    el("div")
        .put(leaf("label", label).a("for", id))
        .put(
            el("textarea readonly= spellcheck=false translate=no")
                .value(text)
                .a("id", id)
                .a("rows", rows),
        )
        .put(leaf("button act-on", copy).a("data-copy", id))
}

/// Offers a file for download. `what` is one of the four of the dialog; the stream and the dataset are those of `node`.
pub fn save(what: &str, player: &Player, s: &Snapshot, node: &str) {
    let server = player.world().node(node);
    let (name, kind, bytes) = match what {
        "session" => (
            "session.json".into(),
            "application/json",
            session(player).into_bytes(),
        ),
        "trace" => ("trace.txt".into(), "text/plain", trace(s).into_bytes()),
        "stream" => {
            let Some(b) = server.and_then(|n| n.backlog()) else {
                return;
            };
            let name = fill("{}-from-{}.resp", &[node, &int(b.first())]);
            (name, "application/octet-stream", b.since(b.first()))
        }
        _ => {
            let Some(server) = server else {
                return;
            };
            (
                [node, ".rdb"].concat(),
                "application/octet-stream",
                server.rdb(),
            )
        }
    };
    download(&name, kind, &bytes);
}

fn download(name: &str, kind: &str, bytes: &[u8]) -> Option<()> {
    let window = web_sys::window()?;
    let mut latin = String::with_capacity(bytes.len() * 2);
    for &byte in bytes {
        latin.push(char::from(byte));
    }
    let data = window.btoa(&latin).ok()?;
    let anchor = window.document()?.create_element("a").ok()?;
    anchor
        .set_attribute("href", &["data:", kind, ";base64,", &data].concat())
        .ok()?;
    anchor.set_attribute("download", name).ok()?;
    anchor.unchecked_into::<HtmlElement>().click();
    Some(())
}

/// What was done, as JSON: with the seed it is everything.
fn session(player: &Player) -> String {
    let mut out = fill(
        "{\n  \"format\": \"ringside 1\",\n  \"seed\": {0},\n  \"now_us\": {1},\n  \"deeds\": [",
        &[&int(player.world().options().seed), &int(player.now().0)],
    );
    for (i, deed) in player.deeds().iter().enumerate() {
        out.push_str(if i > 0 { ",\n    " } else { "\n    " });
        out.push_str("{\"at_us\": ");
        out.push_str(&int(deed.at.0));
        out.push_str(", \"do\": ");
        quote(&mut out, &deed.action.to_string());
        out.push('}');
    }
    out.push_str("\n  ]\n}\n");
    out
}

fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c < ' ' => {
                out.push_str("\\u00");
                for digit in [c as u8 >> 4, c as u8 & 15] {
                    out.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// One line a packet: when, between whom, how many bytes, what.
fn trace(s: &Snapshot) -> String {
    let mut out = String::new();
    for p in s.wire.iter() {
        let texts: Vec<&str> = p.frames.iter().map(|f| f.text.as_str()).collect();
        let state = match p.delivered {
            None => "in flight",
            Some(true) => "",
            Some(false) => "lost",
        };
        let (at, bytes) = (
            super::sentence::seconds(p.sent.0),
            int(p.bytes.len() as u64),
        );
        out.push_str(
            [
                &at,
                " ",
                &p.from,
                "->",
                &p.to,
                " ",
                &bytes,
                " B ",
                &texts.join("; "),
                " ",
                state,
            ]
            .concat()
            .trim_end(),
        );
        out.push('\n');
    }
    out
}
