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
    use ringside::native::{Options, Server};
    use std::io::Write;

    #[global_allocator]
    static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

    const HELP: &str = "\
ringside: a server that speaks Redis 7.0 replication, and a world of them to try things in

Usage: ringside server [CONF-FILE] [--NAME VALUE …]
       ringside run FILE

CONF-FILE is a redis.conf; `-` reads it from standard input. Options override it: they have the names and values of
redis-server.

  ringside server                                   listens on 127.0.0.1:6379
  ringside server --port 7001 --save \"\"             keeps nothing when it ends
  ringside server --port 7002 --replicaof 127.0.0.1 7001
  ringside server redis.conf --loglevel verbose

FILE is a scenario (see tests/scripts): it is played in virtual time and printed with what came of it.

  ringside run tests/scripts/01-partial-resync.txt

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
            Some("server") => server(&args[1..]),
            Some("run") => run(&args[1..]),
            Some("-h" | "--help" | "help") => say(HELP),
            Some("-V" | "--version") => say(&format!(
                "ringside {} (follows Redis 7.0.15)\n",
                env!("CARGO_PKG_VERSION")
            )),
            Some(other) => complain(&format!("there is no command '{other}'")),
            None => complain("a command is missing"),
        }
    }

    fn server(args: &[String]) -> i32 {
        match args.first().map(String::as_str) {
            Some("-h" | "--help") => return say(HELP),
            Some("-v" | "--version") => {
                return say(&format!(
                    "ringside {} (follows Redis 7.0.15)\n",
                    env!("CARGO_PKG_VERSION")
                ));
            }
            _ => {}
        }
        let options = match Options::parse(args) {
            Ok(options) => options,
            Err(error) => return fail(&error.to_string()),
        };
        match Server::open(options) {
            Ok(server) => server.run(),
            Err(error) => fail(&format!("ringside: {error}")),
        }
    }

    /// Plays a scenario; status 1 when it cannot be played to its end.
    fn run(args: &[String]) -> i32 {
        let [file] = args else {
            return complain("run wants one FILE");
        };
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) => return fail(&format!("ringside: cannot read '{file}': {error}")),
        };
        let blocks = ringside::script::parse(&text);
        match ringside::script::run(&blocks) {
            Ok(outputs) => say(&ringside::script::print(&blocks, &outputs)),
            Err(error) => fail(&format!("{file}: {error}")),
        }
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
