//! What the bridge answers to a browser besides the bridge itself: the page's own files. Its `index.html` becomes the
//! bridged page on the way: the one place where its policy lets a connection out, to this bridge and nowhere else.

use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, Instant};

/// Bytes of the head of a request, and how long it may take to come.
const HEAD_MAX: usize = 8 * 1024;
const PATIENCE: Duration = Duration::from_secs(5);

/// The head of a request.
#[derive(Debug)]
pub(super) struct Head {
    pub method: String,
    /// Without what is behind a question mark.
    pub path: String,
    headers: Vec<(String, String)>,
}

impl Head {
    /// Reads it, and nothing behind it.
    ///
    /// # Errors
    /// It does not come, is too long, or is none.
    pub fn read(stream: &mut TcpStream) -> io::Result<Self> {
        let until = Instant::now() + PATIENCE;
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            let left = until.saturating_duration_since(Instant::now());
            if bytes.len() >= HEAD_MAX || left.is_zero() {
                return Err(io::ErrorKind::InvalidData.into());
            }
            stream.set_read_timeout(Some(left))?;
            let mut one = [0];
            stream.read_exact(&mut one)?;
            bytes.push(one[0]);
        }
        Self::parse(&bytes).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut headers);
        request.parse(bytes).ok()?.is_complete().then_some(())?;
        let header = |h: &httparse::Header<'_>| {
            let value = String::from_utf8_lossy(h.value).trim().to_string();
            (h.name.to_ascii_lowercase(), value)
        };
        Some(Self {
            method: request.method?.into(),
            path: request.path?.split('?').next()?.into(),
            headers: request.headers.iter().map(header).collect(),
        })
    }

    /// A header that stands there once; empty where there is none, or where there are several.
    pub fn header(&self, name: &str) -> &str {
        let mut all = self.headers.iter().filter(|(n, _)| n == name);
        match (all.next(), all.next()) {
            (Some((_, value)), None) => value,
            _ => "",
        }
    }

    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }
}

/// What is answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub status: &'static str,
    pub kind: &'static str,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(status: &'static str, text: &str) -> Self {
        Self {
            status,
            kind: "text/plain; charset=utf-8",
            body: [text, "\n"].concat().into_bytes(),
        }
    }

    pub fn send(&self, stream: &mut TcpStream, head_only: bool) -> io::Result<()> {
        stream.set_write_timeout(Some(PATIENCE))?;
        let head = format!(
            "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
             X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n\
             Cross-Origin-Resource-Policy: same-origin\r\nCross-Origin-Opener-Policy: same-origin\r\n\
             Content-Security-Policy: frame-ancestors 'none'\r\nConnection: close\r\n\r\n",
            self.status,
            self.kind,
            self.body.len()
        );
        stream.write_all(head.as_bytes())?;
        if !head_only {
            stream.write_all(&self.body)?;
        }
        stream.flush()
    }
}

/// A file of the page in `folder`; `host` is the address under which the browser knows the bridge.
pub(super) fn file(folder: &Path, path: &str, host: &str, redis: &str) -> Answer {
    let missing = || Answer::text("404 Not Found", "there is no such file");
    let Some(file) = inside(folder, path) else {
        return missing();
    };
    let Ok(bytes) = fs::read(&file) else {
        return if path == "/" {
            let text = format!(
                "There is no page in {}. Build it (trunk build --release) or name its folder with --page DIR.",
                folder.display()
            );
            Answer::text("404 Not Found", &text)
        } else {
            missing()
        };
    };
    let name = file
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or_default();
    let kind = match name {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "json" => "application/json",
        _ => "text/plain; charset=utf-8",
    };
    if file.file_name().is_some_and(|name| name == "index.html") && path == "/" {
        return match bridged(&String::from_utf8_lossy(&bytes), host, redis) {
            Some(page) => Answer {
                status: "200 OK",
                kind,
                body: page.into_bytes(),
            },
            None => Answer::text(
                "500 Internal Server Error",
                "the page in this folder is of another version: its policy is not where the bridge looks for it",
            ),
        };
    }
    Answer {
        status: "200 OK",
        kind,
        body: bytes,
    }
}

/// The file that a path means: below the folder, whatever the path says.
fn inside(folder: &Path, path: &str) -> Option<PathBuf> {
    let path = path.strip_prefix('/')?;
    let path = if path.is_empty() { "index.html" } else { path };
    let plain = |c: Component<'_>| matches!(c, Component::Normal(name) if !name.to_string_lossy().starts_with('.'));
    if path.contains(['%', '\\']) || !Path::new(path).components().all(plain) {
        return None;
    }
    let file = folder.join(path);
    // A link may not lead out of it either.
    let (real, root) = (file.canonicalize().ok(), folder.canonicalize().ok());
    match (real, root) {
        (Some(real), Some(root)) if !real.starts_with(&root) => None,
        _ => Some(file),
    }
}

const POLICY: &str = "connect-src 'self'";
const HEAD_END: &str = "</head>";

/// The page with one door in its policy, and with the script that goes through it.
fn bridged(page: &str, host: &str, redis: &str) -> Option<String> {
    if page.matches(POLICY).count() != 1 || page.matches(HEAD_END).count() != 1 {
        return None;
    }
    let page = page.replace(POLICY, &format!("{POLICY} ws://{host}"));
    Some(page.replace(HEAD_END, &[&script(redis), HEAD_END].concat()))
}

/// What is put into the page: its script, which learns there which server it is.
fn script(redis: &str) -> String {
    let named = redis
        .replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;");
    format!(
        "<link rel=\"stylesheet\" href=\"bridge.css\" />\
         <script type=\"module\" src=\"bridge.js\" data-redis=\"{named}\"></script>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_page_are_served() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("www");
        assert_eq!(file(&folder, "/boot.js", "h", "r").status, "200 OK");
        for path in [
            "/../Cargo.toml",
            "/x/../../Cargo.toml",
            "//etc/passwd",
            "/.git",
            "boot.js",
            "/%2e%2e/Cargo.toml",
            "/examples",
        ] {
            assert_eq!(
                file(&folder, path, "h", "r").status,
                "404 Not Found",
                "{path}"
            );
        }
        assert!(String::from_utf8_lossy(&file(&folder, "/", "h", "r").body).contains("--page DIR"));
    }

    #[test]
    fn the_bridged_page_differs_by_one_door_and_one_script() {
        let page = include_str!("../../../index.html");
        let bridged =
            bridged(page, "127.0.0.1:6390", "redis:6379").expect("the page has its policy");
        let (_, policy) = bridged.split_once("connect-src ").expect("a policy");
        assert!(
            policy.starts_with("'self' ws://127.0.0.1:6390; worker-src"),
            "{policy:.80}"
        );
        assert_eq!(
            bridged
                .replace(" ws://127.0.0.1:6390", "")
                .replace(&script("redis:6379"), ""),
            page
        );
        assert!(!page.contains("ws:"), "the page itself connects to nothing");
        assert_eq!(super::bridged("<head></head>", "h", "r"), None);
    }

    #[test]
    fn the_name_of_the_server_cannot_leave_its_attribute() {
        assert!(script("a\"><b&").contains("data-redis=\"a&quot;>&lt;b&amp;\""));
    }

    #[test]
    fn the_script_knows_what_stands_in_for_a_password() {
        let script = include_str!("../../../www/bridge.js");
        assert!(script.contains(&format!("const STAND_IN = '{}';", crate::sim::PASSWORD)));
    }

    #[test]
    fn a_header_that_stands_there_twice_counts_for_nothing() {
        let head = Head::parse(b"GET /a?b=c HTTP/1.1\r\nHost: x\r\norigin: y\r\nOrigin: z\r\n\r\n")
            .expect("a head");
        assert_eq!(
            (
                head.path.as_str(),
                head.header("host"),
                head.header("origin")
            ),
            ("/a", "x", "")
        );
    }
}
