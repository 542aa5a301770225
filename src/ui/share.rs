//! Giving it away: a link that brings everything back, the code of an embedded page, and files.

use super::View;
use super::dom::{El, el, int, leaf};
use super::sentence::group;
use super::text::fill;
use super::views::words as w;
use crate::player::Player;
use crate::sim::snapshot::Snapshot;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// Longer links are cut by some chat programs.
const LONG: usize = 2_000;

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
    let element = fill(
        "<script type=\"module\" src=\"{}ringside.js\"></script>\n<ringside-playground link=\"{}\" style=\"display:block;height:480px\"></ringside-playground>",
        &[folder, state],
    );
    let preview = || el("iframe preview title=Ringside").a("src", ["?embed#", state].concat());
    let code = fill(
        "<iframe src=\"{}?embed#{}\" width=\"720\" height=\"480\" style=\"max-width:100%\" loading=\"lazy\" title=\"Ringside\"></iframe>",
        &[page, state],
    );
    let linked = fill("[![{}]({}poster.svg)]({})", &[t.share_alt, folder, link]);
    el("div")
        .put(leaf("h2 id=dialog-title", t.share))
        .put(field(t.share_link, "share-link", "3", link, t.copy))
        .put(leaf("p muted", [&length, t.gap, note].concat()))
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
