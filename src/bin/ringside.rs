//! The command line: `ringside server` is a server that speaks Redis replication on TCP, `ringside run` plays a
//! scenario in a simulated world.

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    std::process::exit(cli::main());
}

#[cfg(target_arch = "wasm32")]
fn main() {}

#[cfg(not(target_arch = "wasm32"))]
mod cli {
    use ringside::native::bridge::{self, Bridge};
    use ringside::native::export::{self, Format};
    use ringside::native::options::{Options, OptionsError};
    use ringside::native::{Server, asked, check, daemon, lesson, scenario, server, verdict};
    use ringside::sim::action;
    use ringside::ui::{self, Lang};
    use std::io::Write;
    use std::path::Path;

    const HELP: &str = "\
ringside: a server that speaks Redis 7.0 replication, and a world of them to try things in

Usage: ringside server [CONF-FILE] [--NAME VALUE …]
       ringside run FILE [--seed N] [--json]
       ringside check FILE|FOLDER [--server redis-server]
       ringside link FILE [--seed N] [--at TIME]
       ringside open LINK
       ringside svg FILE [--at TIME | --mark NAME] [--node NAME] [--theme light|dark] [--lang en|zh]
       ringside export FILE --format sh|compose
       ringside swarm [--seeds N] [--from S]
       ringside lesson new|lint|preview|script FILE…
       ringside bridge [--listen 127.0.0.1:6390] [--redis 127.0.0.1:6379] [--page dist]
       ringside verdict MASTER.txt REPLICA.txt
       ringside exhaust [--bounds W,C,P,R[,E]] [--layout star|chain] [--no-loops]

CONF-FILE is a redis.conf; `-` reads it from standard input. Options override it: they have the names and values of
redis-server.

  ringside server                                   listens on port 6379
  ringside server --port 7001 --save \"\"             keeps nothing when it ends
  ringside server --port 7002 --replicaof 127.0.0.1 7001
  ringside server redis.conf --loglevel verbose

FILE is a scenario (see tests/scripts): `run` plays it in virtual time and prints it with what came of it, `link`
prints the share link of the session (`--at 2s`: standing there),
`check` plays it on real redis-server processes as well and compares (a whole folder of them: and tells how many real
processes can play, and why not the others), `open` prints a link (or a whole address) as a scenario, `svg` draws
it as the page would (times are those that `run` prints), and `export` prints what does the same with redis-server and redis-cli, or with docker compose.

  ringside run tests/scripts/psync/a-blink-of-the-link.txt

A swarm plays random worlds with random faults, judges them after every event, and prints how to repeat what failed.

  ringside swarm --seeds 2000 --from 1

To exhaust a small world is to look at all its states: a master, two replicas, and in any order up to W writes, C cuts,
P promotions, R times another master and E ends of a process, which starts again; 2,1,1,1,0 unless it is told otherwise.
Masters that follow each other in a circle have many states; --no-loops leaves them out.

  ringside exhaust --bounds 3,2,2,2 --no-loops

A lesson is a text file (see src/lessons/texts/README.md): `new` makes one to begin with, `lint` says what is wrong with
it and plays its golden run and its wrong ones, `preview` prints what a learner will read, `script` the golden run.

A bridge lets a node of the page be a replica of a real server: it serves the page, prints the address to open, and
passes on what a replica says and nothing else.

  ringside bridge --redis 127.0.0.1:6379 --page dist

A verdict reads two texts of INFO replication, the master's and the replica's, and says whether the next reconnect would
be a partial one, why, and what would have made the difference.

  redis-cli -p 6379 INFO replication > m.txt; redis-cli -p 6380 INFO replication > r.txt
  ringside verdict m.txt r.txt

  -h, --help      this text
  -V, --version   the version
";

    pub fn main() -> i32 {
        let mut args = Vec::new();
        for arg in std::env::args_os().skip(1) {
            match arg.into_string() {
                Ok(arg) => args.push(arg),
                Err(arg) => {
                    return complain(&format!("an argument is not UTF-8 text: {}", arg.display()));
                }
            }
        }
        match args.first().map(String::as_str) {
            Some("server") => serve(&args[1..]),
            Some("run") => run(&args[1..]),
            Some("check") => check(&args[1..]),
            Some("link") => link(&args[1..]),
            Some("open") => match &args[1..] {
                [link] => print(scenario::open(link)),
                _ => complain("open wants one LINK"),
            },
            Some("svg") => svg(&args[1..]),
            Some("export") => match &args[1..] {
                [file, option, format] if option == "--format" => {
                    let format = match format.as_str() {
                        "sh" => Format::Sh,
                        "compose" => Format::Compose,
                        _ => return complain("export: --format sh or --format compose"),
                    };
                    print(export::run(Path::new(file), format))
                }
                _ => complain("export wants one FILE, and --format sh|compose"),
            },
            Some("swarm") => swarm(&args[1..]),
            Some("lesson") => lessons(&args[1..]),
            Some("exhaust") => exhaust(&args[1..]),
            Some("bridge") => bridge(&args[1..]),
            Some("verdict") => match &args[1..] {
                [master, replica] => print(verdict::run(Path::new(master), Path::new(replica))),
                _ => complain("verdict wants two files: MASTER.txt and REPLICA.txt"),
            },
            Some("-h" | "--help" | "help") => say(HELP),
            Some("-V" | "--version") => say(&format!(
                "ringside {} (follows Redis 7.0.15)\n",
                env!("CARGO_PKG_VERSION")
            )),
            Some(other) => complain(&format!("there is no command '{other}'")),
            None => complain("a command is missing"),
        }
    }

    fn serve(args: &[String]) -> i32 {
        if let Some(answer) = asked::answer(args) {
            if answer.complains {
                let _ = std::io::stderr().write_all(answer.text.as_bytes());
            } else {
                say(&answer.text);
            }
            return answer.status;
        }
        // A configuration may go elsewhere.
        let dir = std::env::current_dir().unwrap_or_default();
        let options = match Options::parse(args) {
            Ok(options) => options,
            Err(error @ OptionsError::File { .. }) => {
                server::log_start(&error.to_string());
                return 1;
            }
            Err(error) => return fail(&error.to_string()),
        };
        match daemon::left_to_another(&options.config, args, &dir) {
            Ok(false) => {}
            Ok(true) => return 0,
            Err(error) => return fail(&format!("ringside: no process for the server: {error}")),
        }
        match Server::open(options) {
            Ok(server) => server.run(),
            Err(server::OpenError::Listen) => 1, // the log says why
            Err(error) => fail(&format!("ringside: {error}")),
        }
    }

    /// A door to a real server; returns only when it cannot be opened.
    fn bridge(args: &[String]) -> i32 {
        let options = match bridge::Options::parse(args) {
            Ok(options) => options,
            Err(error) => return complain(&error),
        };
        match Bridge::open(options) {
            Ok(bridge) => {
                say(&bridge.greeting());
                bridge.run()
            }
            Err(error) => fail(&format!("ringside: {error}")),
        }
    }

    /// A scenario file and its options.
    struct Scenario<'a> {
        file: &'a Path,
        seed: Option<u64>,
        json: bool,
        /// Microseconds since the world began.
        at_us: Option<u64>,
        mark: Option<&'a str>,
        node: &'a str,
        dark: Option<bool>,
        lang: Lang,
    }

    impl<'a> Scenario<'a> {
        fn parse(verb: &str, args: &'a [String]) -> Result<Self, String> {
            let (mut file, mut seed, mut json, mut at_us) = (None, None, false, None);
            let (mut mark, mut node, mut dark, mut lang) = (None, "m", None, Lang::En);
            let mut args = args.iter();
            while let Some(arg) = args.next() {
                match arg.as_str() {
                    "--seed" => {
                        let n = args.next().and_then(|n| n.parse().ok());
                        seed = Some(n.ok_or("--seed wants a number")?);
                    }
                    "--json" if verb == "run" => json = true,
                    "--mark" if verb == "svg" => {
                        mark = Some(args.next().ok_or("--mark wants a name")?.as_str());
                    }
                    "--node" if verb == "svg" => {
                        node = args.next().ok_or("--node wants a name")?;
                    }
                    "--theme" if verb == "svg" => match args.next().map(String::as_str) {
                        Some("light") => dark = Some(false),
                        Some("dark") => dark = Some(true),
                        _ => return Err("--theme wants light or dark".into()),
                    },
                    "--lang" if verb == "svg" => match args.next().map(String::as_str) {
                        Some("en") => lang = Lang::En,
                        Some("zh") => lang = Lang::Zh,
                        _ => return Err("--lang wants en or zh".into()),
                    },
                    "--at" if verb != "run" => {
                        let time = args.next().ok_or("--at wants a time, such as 12s")?;
                        at_us = Some(action::duration_us(time).map_err(|e| e.0)?);
                    }
                    other if other.starts_with("--") => {
                        return Err(format!("{verb} knows no option '{other}'"));
                    }
                    other if file.is_none() => file = Some(Path::new(other)),
                    _ => return Err(format!("{verb} wants one FILE")),
                }
            }
            let file = file.ok_or_else(|| format!("{verb} wants one FILE"))?;
            Ok(Self {
                file,
                seed,
                json,
                at_us,
                mark,
                node,
                dark,
                lang,
            })
        }
    }

    fn run(args: &[String]) -> i32 {
        match Scenario::parse("run", args) {
            Ok(s) => print(scenario::run(s.file, s.seed, s.json)),
            Err(error) => complain(&error),
        }
    }

    fn svg(args: &[String]) -> i32 {
        let s = match Scenario::parse("svg", args) {
            Ok(s) => s,
            Err(error) => return complain(&error),
        };
        let seen = match s.mark {
            Some(mark) => scenario::seen_at_mark(s.file, s.seed, mark),
            None => scenario::tape(s.file, s.seed, s.at_us).map(|tape| tape.world().snapshot()),
        };
        print(seen.and_then(|snapshot| {
            let drawn = ui::svg(&snapshot, s.node, s.lang, s.dark);
            drawn.ok_or_else(|| format!("ringside: there is no node '{}' at that time", s.node))
        }))
    }

    fn check(args: &[String]) -> i32 {
        match args {
            [file] => print(check::run(Path::new(file), Path::new("redis-server"))),
            [file, option, server] | [option, server, file] if option == "--server" => {
                print(check::run(Path::new(file), Path::new(server)))
            }
            _ => complain("check wants one FILE, and --server PROGRAM if it is not redis-server"),
        }
    }

    fn link(args: &[String]) -> i32 {
        match Scenario::parse("link", args) {
            Ok(s) => print(scenario::link(s.file, s.seed, s.at_us)),
            Err(error) => complain(&error),
        }
    }

    /// For whoever writes a lesson; status 1 when one is wrong.
    fn lessons(args: &[String]) -> i32 {
        let Some((verb, files)) = args.split_first() else {
            return complain("lesson wants new, lint, preview or script");
        };
        let of_file = match verb.as_str() {
            "new" if files.is_empty() => return say(lesson::NEW),
            "new" => lesson::new_file,
            "lint" => lesson::lint_file,
            "preview" => lesson::preview,
            "script" => lesson::script,
            other => {
                return complain(&format!(
                    "lesson knows new, lint, preview and script, not '{other}'"
                ));
            }
        };
        if files.is_empty() {
            return complain(&format!("lesson {verb} wants a FILE"));
        }
        let done = files.iter().map(|file| print(of_file(Path::new(file))));
        done.max().unwrap_or(0)
    }

    /// Prints what came of a command; status 1 when it could not be done.
    fn print(result: Result<String, String>) -> i32 {
        match result {
            Ok(text) => say(&text),
            Err(error) => fail(&error),
        }
    }

    /// Random worlds; status 1 when one fails.
    fn swarm(args: &[String]) -> i32 {
        let (mut seeds, mut from) = (100, 1);
        for pair in args.chunks(2) {
            let number = pair.get(1).and_then(|n| n.parse().ok());
            match (pair[0].as_str(), number) {
                ("--seeds", Some(n)) => seeds = n,
                ("--from", Some(n)) => from = n,
                _ => return complain("swarm takes --seeds N and --from S"),
            }
        }
        let report = ringside::native::swarm::run(from, seeds);
        say(&report.text);
        i32::from(report.failed)
    }

    /// All states of a small world; status 1 when a law is broken.
    fn exhaust(args: &[String]) -> i32 {
        let Some(search) = ringside::native::exhaust::Search::parse(args) else {
            return complain(
                "exhaust takes --bounds W,C,P,R or W,C,P,R,E, --layout star or chain, and --no-loops",
            );
        };
        let (text, failed) = search.run(|line| {
            let _ = write!(std::io::stderr(), "\r{line}");
        });
        let _ = writeln!(std::io::stderr());
        say(&text);
        i32::from(failed)
    }

    fn say(text: &str) -> i32 {
        let _ = std::io::stdout().write_all(text.as_bytes());
        0
    }

    /// A mistake on the command line.
    fn complain(text: &str) -> i32 {
        let _ = writeln!(
            std::io::stderr(),
            "ringside: {text}\nTry 'ringside --help'."
        );
        2
    }

    fn fail(text: &str) -> i32 {
        let _ = writeln!(std::io::stderr(), "{text}");
        1
    }
}
