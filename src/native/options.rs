//! redis.conf and the command line, with the syntax and the error texts of redis-server: `name value` lines, quotes,
//! `#` comments, `include`, and `--name value …` options that are lines after those of the file.

use crate::node::commands::matches;
use crate::node::config::{self, Config, user_rule};
use crate::wire::resp::{quote, split_args};
use std::fmt;
use std::io;
use std::path::PathBuf;

/// What a server is started with.
#[derive(Debug)]
pub struct Options {
    pub config: Config,
    /// The file, when there is one, as an absolute path.
    pub file: Option<PathBuf>,
    /// Directives that exist in Redis but do nothing here; to be logged.
    pub warnings: Vec<String>,
}

/// Why a server cannot be started with these options.
#[derive(Debug)]
pub enum OptionsError {
    File {
        path: String,
        error: io::Error,
    },
    Directive {
        line: usize,
        text: String,
        reason: String,
    },
    Log(io::Error),
}

const FATAL: &str = "\n*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***";

impl fmt::Display for OptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, error } => {
                write!(
                    f,
                    "Fatal error, can't open config file '{path}': {}",
                    reason(error)
                )
            }
            Self::Directive { line, text, reason } => write!(
                f,
                "{FATAL}\nReading the configuration file, at line {line}\n>>> '{text}'\n{reason}"
            ),
            Self::Log(error) => write!(f, "{FATAL}\nCan't open the log file: {}", reason(error)),
        }
    }
}

impl std::error::Error for OptionsError {}

/// The system's own words for an error, without the number that Rust adds.
pub(super) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().into()
}

/// Directives that are no settings: accepted, told in the log, and without effect.
const NOT_HERE: [&str; 2] = ["loadmodule", "user"];
/// Directives of older versions that 7.0 still accepts and ignores.
const FORGOTTEN: [&str; 3] = [
    "list-max-ziplist-entries",
    "list-max-ziplist-value",
    "lua-replicate-commands",
];

impl Options {
    /// Reads `[CONF-FILE] [--name value …] [-]`, the arguments of `ringside server`. `-` reads standard input too.
    ///
    /// # Errors
    /// The file cannot be read, or a line of it is wrong.
    pub fn parse(args: &[String]) -> Result<Self, OptionsError> {
        let mut args = args;
        let mut text = String::new();
        let mut file = None;
        if let Some(path) = args.first().filter(|a| !a.starts_with('-')) {
            // One without a name is none.
            if !path.is_empty() {
                let path = std::path::absolute(path).unwrap_or_else(|_| path.into());
                text = read(&path.to_string_lossy())?;
                file = Some(path);
            }
            args = &args[1..];
        }
        let first = args.first().is_some_and(|a| a == "-");
        let last = args.last().is_some_and(|a| a == "-");
        if first || last {
            args = if first {
                &args[1..]
            } else {
                &args[..args.len() - 1]
            };
            super::server::log_start("Reading config from stdin");
            let input = io::read_to_string(io::stdin());
            text.push_str(&input.map_err(|error| OptionsError::File {
                path: "-".into(),
                error,
            })?);
        }
        if !args.is_empty() {
            text.push('\n');
            text.push_str(&lines(args));
        }
        let mut reader = Reader::default();
        reader.text(&text, 0)?;
        reader.try_log()?;
        Ok(reader.finish(file))
    }
}

/// The options as lines of a configuration file, quoted.
fn lines(args: &[String]) -> String {
    let mut text = String::new();
    // An option has its value yet to come: what follows is one, even if it looks like an option.
    let mut open = false;
    for (i, arg) in args.iter().enumerate() {
        if open || !arg.starts_with("--") {
            text.push_str(&quote(arg.as_bytes()));
            text.push(' ');
            open = false;
            continue;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&arg[2..]);
        text.push(' ');
        open = split_args(arg.as_bytes()).is_some_and(|words| words.len() == 1);
        // `--save` alone switches snapshots off.
        let bare = args.get(i + 1).is_none_or(|next| next.starts_with("--"));
        if open && bare && arg.eq_ignore_ascii_case("--save") {
            text.push_str("\"\"");
            open = false;
        }
    }
    text
}

fn read(path: &str) -> Result<String, OptionsError> {
    std::fs::read_to_string(path).map_err(|error| OptionsError::File {
        path: path.into(),
        error,
    })
}

#[derive(Default)]
struct Reader {
    config: Config,
    warnings: Vec<String>,
    /// Save points of lines so far: the first line replaces the defaults, others add.
    save: Option<String>,
}

impl Reader {
    fn text(&mut self, text: &str, depth: usize) -> Result<(), OptionsError> {
        for (i, line) in text.split('\n').enumerate() {
            let line = line.trim_matches([' ', '\t', '\r', '\n']);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |reason: &str| OptionsError::Directive {
                line: i + 1,
                text: line.into(),
                reason: reason.into(),
            };
            let args = split_args(line.as_bytes())
                .ok_or_else(|| wrong("Unbalanced quotes in configuration line"))?;
            let words: Result<Vec<String>, _> =
                args.iter().map(|a| String::from_utf8(a.to_vec())).collect();
            let words =
                words.map_err(|_| wrong("a value that is not UTF-8 text is not supported"))?;
            let Some((name, values)) = words.split_first() else {
                continue;
            };
            match values {
                [path] if name.eq_ignore_ascii_case("include") => self.include(path, depth)?,
                _ => self.directive(name, values).map_err(|e| wrong(&e))?,
            }
        }
        Ok(())
    }

    /// One file, or all of a folder that fit a pattern.
    fn include(&mut self, path: &str, depth: usize) -> Result<(), OptionsError> {
        if depth >= 16 {
            return Err(OptionsError::File {
                path: path.into(),
                error: io::Error::other("included files are nested too deep"),
            });
        }
        if !path.contains(['*', '?', '[']) {
            return self.text(&read(path)?, depth + 1);
        }
        let (folder, pattern) = path.rsplit_once('/').unwrap_or((".", path));
        let names = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let names = names.filter_map(|entry| entry.file_name().into_string().ok());
        let mut fitting: Vec<String> = names
            .filter(|name| !name.starts_with('.') && matches(pattern.as_bytes(), name.as_bytes()))
            .collect();
        fitting.sort();
        for name in fitting {
            self.text(&read(&format!("{folder}/{name}"))?, depth + 1)?;
        }
        Ok(())
    }

    fn directive(&mut self, given: &str, values: &[String]) -> Result<(), String> {
        let given = given.to_ascii_lowercase();
        let Some(directive) = config::directive(&given) else {
            return self.other(&given, values);
        };
        let name = directive.name;
        if values.len() != 1 && !config::takes_many(name) {
            return Err("wrong number of arguments".into());
        }
        let value = match values {
            // A list in one argument is split as a line is.
            [one] if config::takes_many(name) && !one.is_empty() => {
                let words = split_args(one.as_bytes()).unwrap_or_default();
                let words = words
                    .iter()
                    .map(|w| String::from_utf8_lossy(w).into_owned());
                words.collect::<Vec<_>>().join(" ")
            }
            values => values.join(" "),
        };
        match name {
            "save" => self.save(&value, values.is_empty()),
            "replicaof" if values.is_empty() => Err("wrong number of arguments".into()),
            "dir" => {
                std::env::set_current_dir(&value).map_err(|error| reason(&error))?;
                self.config.set(name, &value)
            }
            _ => self.config.set(name, &value),
        }
    }

    /// Once it is known in which folder.
    fn try_log(&self) -> Result<(), OptionsError> {
        let path = self.config.get("logfile").unwrap_or_default();
        if path.is_empty() {
            return Ok(());
        }
        let mut log = std::fs::OpenOptions::new();
        let opened = log.append(true).create(true).open(path);
        opened.map(|_| ()).map_err(OptionsError::Log)
    }

    fn save(&mut self, value: &str, nothing: bool) -> Result<(), String> {
        let points = self.save.get_or_insert_default();
        if value.is_empty() && !nothing {
            points.clear();
        } else if !nothing {
            if !points.is_empty() {
                points.push(' ');
            }
            points.push_str(value);
        }
        self.config.set("save", &points.clone())
    }

    /// What is not in the table of settings.
    fn other(&mut self, name: &str, values: &[String]) -> Result<(), String> {
        if FORGOTTEN.contains(&name) && values.len() == 1 {
            return Ok(());
        }
        if let ("rename-command", [command, renamed]) = (name, values) {
            return self.config.rename(command, renamed);
        }
        // Redis adds the word on a second rewriting; nobody is asked for less here.
        let rule = || values.join(" ").replace(" sanitize-payload", "");
        if name == "user" && format!("user {}", rule()) == user_rule(&self.config.requirepass) {
            return Ok(());
        }
        if !NOT_HERE.contains(&name) || values.is_empty() {
            return Err("Bad directive or wrong number of arguments".into());
        }
        self.warn(name, &values.join(" "));
        Ok(())
    }

    fn warn(&mut self, name: &str, value: &str) {
        self.warnings.push(format!(
            "The directive '{name} {value}' of Redis has no effect here"
        ));
    }

    fn finish(mut self, file: Option<PathBuf>) -> Options {
        let idle: Vec<(&str, String)> = self
            .config
            .without_effect()
            .map(|(name, value)| (name, value.to_string()))
            .collect();
        for (name, value) in idle {
            self.warn(name, &value);
        }
        if let Ok(dir) = std::env::current_dir() {
            self.config.dir = dir.to_string_lossy().into_owned();
        }
        Options {
            config: self.config,
            file,
            warnings: self.warnings,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Options, OptionsError> {
        Options::parse(&args.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    fn file(text: &str) -> Result<Options, OptionsError> {
        let mut reader = Reader::default();
        reader.text(text, 0)?;
        Ok(reader.finish(None))
    }

    fn reason(result: Result<Options, OptionsError>) -> (usize, String) {
        match result {
            Err(OptionsError::Directive { line, reason, .. }) => (line, reason),
            other => panic!("not a wrong directive: {other:?}"),
        }
    }

    #[test]
    fn a_file_as_redis_writes_it_is_read() {
        let text = "# a comment\n\n  PORT 7001\r\nslaveof 10.0.0.1 6380\nrequirepass \"two words\\x21\"\nrepl-backlog-size 1mb\nsave 900 1\nsave 300 10\n\
                    appendonly no\nactivedefrag yes\nuser default on\n";
        let options = file(text).expect("a good file");
        assert_eq!(options.config.port, 7001);
        assert_eq!(options.config.replicaof, Some(("10.0.0.1".into(), 6380)));
        assert_eq!(options.config.requirepass, "two words!");
        assert_eq!(options.config.save, [(900, 1), (300, 10)]);
        assert_eq!(options.warnings.len(), 2, "{:?}", options.warnings);
    }

    #[test]
    fn options_of_one_word_or_several() {
        let options = parse(&[
            "--port",
            "7002",
            "--replicaof",
            "localhost 7001",
            "--save",
            "",
            "--bind",
            "127.0.0.1",
            "::1",
        ])
        .expect("good options");
        assert_eq!(
            (options.config.port, &options.config.save[..]),
            (7002, &[][..])
        );
        assert_eq!(options.config.replicaof, Some(("localhost".into(), 7001)));
        assert_eq!(options.config.bind, "127.0.0.1 ::1");
        let options = parse(&[
            "--slaveof",
            "localhost",
            "7001",
            "--save",
            "--min-slaves-to-write",
            "1",
        ])
        .expect("good options");
        assert_eq!(options.config.replicaof, Some(("localhost".into(), 7001)));
        assert_eq!(
            (
                &options.config.save[..],
                options.config.min_replicas_to_write
            ),
            (&[][..], 1)
        );
    }

    #[test]
    fn a_wrong_line_is_named_with_the_reason() {
        assert_eq!(
            reason(file("\nport 70000")),
            (2, "argument must be between 0 and 65535 inclusive".into())
        );
        assert_eq!(
            reason(file("port \"1")),
            (1, "Unbalanced quotes in configuration line".into())
        );
        assert_eq!(
            reason(file("colour blue")),
            (1, "Bad directive or wrong number of arguments".into())
        );
        assert_eq!(
            reason(parse(&["--port"])),
            (2, "wrong number of arguments".into())
        );
        assert_eq!(
            reason(parse(&["--port", "1", "2"])),
            (2, "wrong number of arguments".into())
        );
        assert_eq!(
            reason(parse(&["--port", "7000", "--replica-read-only", "maybe"])),
            (3, "argument must be 'yes' or 'no'".into())
        );
        assert!(parse(&["/no/such/file"]).is_err_and(|e| {
            e.to_string()
                .contains("can't open config file '/no/such/file'")
        }));
    }
}
