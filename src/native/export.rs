//! `ringside export`: a scenario as commands for real servers, so that a learner can repeat it: a shell script of
//! redis-server and redis-cli, or a file for docker compose with the same steps. What plain servers cannot do is refused
//! with its line.
//!
//! A link is cut without a tool of the system: every replica logs in at its masters as a user of its own name, and a
//! user that is switched off, and whose connections are killed, comes in no more.

use super::scenario;
use crate::script::{Line, Script, Verb, cluster_lines};
use crate::sim::{Action, Options, action};
use crate::wire::{Bytes, resp};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Sh,
    Compose,
}

/// One thing to do, with nodes by name.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    Note(String),
    /// Commands on one connection, as redis-cli takes them.
    Tell(String, Vec<String>),
    Cut(String, String),
    Restore(String, String),
    Kill(String),
    Start {
        node: String,
        empty: bool,
    },
    Add {
        node: String,
        of: String,
    },
    Pause(String),
    Resume(String),
    Sleep(u64),
    Settle,
    Until(String, String),
    Status,
}

/// `ringside export FILE`.
///
/// # Errors
/// The file cannot be read, or a line of it cannot be done with plain servers, with the reason.
pub fn run(file: &Path, format: Format) -> Result<String, String> {
    let script = scenario::read(file, None)?;
    let bad = |e: String| format!("{}: {e}", file.display());
    let name = file.display().to_string();
    export(&script, &name, format).map_err(bad)
}

/// The same for a script that was read.
///
/// # Errors
/// A line that cannot be done with plain servers.
pub fn export(script: &Script, name: &str, format: Format) -> Result<String, String> {
    let mut plan = Plan::new();
    for line in script.blocks.iter().flat_map(|b| &b.input) {
        let at = |e: String| format!("line {}: {e}", line.number);
        plan.line(line).map_err(at)?;
    }
    plan.close()?;
    let title = script.title().unwrap_or("A scenario");
    Ok(match format {
        Format::Sh => plan.sh(name, title),
        Format::Compose => plan.compose(name, title),
    })
}

struct Plan {
    options: Options,
    /// Names in the order of their ports, from 6379.
    nodes: Vec<String>,
    steps: Vec<Step>,
}

impl Plan {
    fn new() -> Self {
        let mut plan = Self {
            options: Options::default(),
            nodes: Vec::new(),
            steps: Vec::new(),
        };
        plan.begin(Options::default());
        plan
    }

    fn begin(&mut self, options: Options) {
        self.nodes = vec!["m".into()];
        let replicas = (1..=options.replicas).map(|i| format!("r{i}"));
        self.nodes.extend(replicas);
        self.options = options;
    }

    fn line(&mut self, line: &Line) -> Result<(), String> {
        if line.fails {
            self.steps
                .push(Step::Note(format!("this would be refused: {}", line.text)));
            return Ok(());
        }
        let step = match &line.verb {
            Verb::Prose => Step::Note(line.text.trim_start_matches('#').trim().into()),
            Verb::Cluster(options) if self.acted() => {
                return Err(format!(
                    "a second world ({}) would be a second script",
                    cluster_lines(options).trim()
                ));
            }
            Verb::Cluster(options) => {
                self.begin(options.clone());
                return Ok(());
            }
            Verb::Key(name, value) => {
                self.options.keys.push((name.clone(), value.clone()));
                return Ok(());
            }
            Verb::Act(action) => self.action(action)?,
            Verb::Settle => Step::Settle,
            Verb::Run(us) => Step::Sleep(*us),
            Verb::Step(_) => return Err("real servers cannot be stepped event by event".into()),
            Verb::Until { node, phase } => match phase.as_str() {
                "master" | "online" | "down" | "cut" | "dead" => {
                    Step::Until(node.clone(), phase.clone())
                }
                other => return Err(format!("a real server does not stand still in '{other}'")),
            },
            Verb::Status | Verb::Digest => Step::Status,
            Verb::Mark(_) | Verb::Judge | Verb::Wire(_) | Verb::Backlog(_) | Verb::Log { .. } => {
                Step::Note(format!("only in Ringside: {}", line.text))
            }
        };
        match (self.steps.last_mut(), step) {
            // A transaction is one connection, and so are all commands that follow each other.
            (Some(Step::Tell(node, told)), Step::Tell(to, more)) if *node == to => {
                told.extend(more);
            }
            (Some(Step::Status), Step::Status) => {}
            (_, step) => self.steps.push(step),
        }
        Ok(())
    }

    fn acted(&self) -> bool {
        self.steps.iter().any(|s| !matches!(s, Step::Note(_)))
    }

    fn action(&mut self, action: &Action) -> Result<Step, String> {
        if let Action::Exec { node, args } = action {
            return Ok(Step::Tell(node.clone(), vec![words(&self.ported(args))]));
        }
        if let Action::Pipeline { node, commands } = action {
            let told = action::requests(commands).map(|args| words(&self.ported(&args)));
            return Ok(Step::Tell(node.clone(), told.collect()));
        }
        let text = action.to_string();
        let words: Vec<&str> = text.split_whitespace().collect();
        let own = |word: &&str| (*word).to_string();
        Ok(match words.as_slice() {
            ["cut", a, b] => Step::Cut(own(a), own(b)),
            ["restore", a, b] => Step::Restore(own(a), own(b)),
            ["kill", node] => Step::Kill(own(node)),
            ["start", node] => Step::Start {
                node: own(node),
                empty: false,
            },
            ["start", node, "empty"] => Step::Start {
                node: own(node),
                empty: true,
            },
            ["pause", node] => Step::Pause(own(node)),
            ["resume", node] => Step::Resume(own(node)),
            ["add", named @ .., "of", of] => {
                let next = || format!("r{}", self.nodes.len());
                let node = named.first().map_or_else(next, own);
                self.nodes.push(node.clone());
                Step::Add { node, of: own(of) }
            }
            _ => {
                return Err(format!(
                    "'{text}' needs more than servers: a network that can be told so"
                ));
            }
        })
    }

    /// Addresses of nodes, `127.0.0.1 6380`, get a mark that each format replaces.
    fn ported(&self, args: &[Bytes]) -> Vec<Bytes> {
        let node = |port: &[u8]| {
            let port: usize = std::str::from_utf8(port).ok()?.parse().ok()?;
            self.nodes.get(port.checked_sub(6379)?)
        };
        let mut args = args.to_vec();
        for i in 1..args.len() {
            if &*args[i - 1] == b"127.0.0.1"
                && let Some(node) = node(&args[i])
            {
                args[i - 1] = Bytes::from(format!("@{node}:host@").as_bytes());
                args[i] = Bytes::from(format!("@{node}:port@").as_bytes());
            }
        }
        args
    }

    /// Every group of commands leaves its connection as it found it: the next one has a new connection.
    fn close(&self) -> Result<(), String> {
        for step in &self.steps {
            let Step::Tell(node, commands) = step else {
                continue;
            };
            let (mut open, mut db) = (false, "0");
            for command in commands {
                let words: Vec<&str> = command.split_whitespace().collect();
                match words[0].to_ascii_lowercase().as_str() {
                    "multi" => open = true,
                    "exec" | "discard" => open = false,
                    "select" => db = words.get(1).copied().unwrap_or("0"),
                    "hello" | "subscribe" | "psubscribe" | "ssubscribe" | "monitor" | "watch"
                    | "blpop" | "brpop" | "blmove" | "sync" | "psync" => {
                        return Err(format!(
                            "'{command}' on {node} wants a connection that stays"
                        ));
                    }
                    _ => {}
                }
            }
            let more = self
                .steps
                .iter()
                .filter(|s| matches!(s, Step::Tell(other, _) if other == node));
            if open || db != "0" && more.count() > 1 {
                return Err(format!(
                    "'{}' on {node} wants a connection that stays",
                    commands[0]
                ));
            }
        }
        Ok(())
    }

    /// The nodes that are there from the start.
    fn first(&self) -> usize {
        self.options.replicas + 1
    }

    fn settings(&self) -> String {
        let size = self.options.backlog_size.max(16 * 1024);
        format!(
            "--save '' --repl-backlog-size {size} --repl-ping-replica-period 3600 \
             --repl-diskless-sync no --repl-diskless-sync-delay 0 --enable-debug-command yes"
        )
    }

    // --- a shell script ----------------------------------------------------------------------------------------------

    fn sh(&self, name: &str, title: &str) -> String {
        let mut out = format!(
            "#!/bin/sh\n# {title}\n# {name}, as Ringside exported it: the same on real servers (Redis 7). Needs redis-server and redis-cli.\n\
             # BASE is the port of m; the others follow it. Delays are those of this machine.\n"
        );
        if self.options.backlog_size < 16 * 1024 {
            let _ = writeln!(
                out,
                "# The ring has {} bytes in Ringside, and 16384 here, which is Redis's least: it goes round later.",
                self.options.backlog_size
            );
        }
        let users: Vec<&str> = self.nodes.iter().map(String::as_str).collect();
        let mut ports = String::new();
        for (i, node) in self.nodes.iter().enumerate() {
            let _ = writeln!(ports, "    {node}) echo $((BASE + {i})) ;;");
        }
        out.push_str(
            &SH.replace("@PORTS@", ports.trim_end())
                .replace("@SETTINGS@", &self.settings())
                .replace("@USERS@", &users.join(" ")),
        );
        out.push_str("\nstart m\n");
        for (key, value) in &self.options.keys {
            let args = ["SET", key, value].map(|s| Bytes::from(s.as_bytes()));
            let _ = writeln!(out, "tell m {} >/dev/null", quoted(&[words(&args)], &[]));
        }
        for node in &self.nodes[1..self.first()] {
            let _ = writeln!(out, "start {node} m");
        }
        out.push_str("settle\n");
        for step in &self.steps {
            let _ = writeln!(out, "{}", self.sh_step(step));
        }
        out.push_str("status\n");
        out
    }

    fn sh_step(&self, step: &Step) -> String {
        match step {
            Step::Note(text) => format!("# {text}"),
            Step::Tell(node, commands) => format!("say {node} {}", quoted(commands, &self.nodes)),
            Step::Cut(a, b) => format!("cut {a} {b}"),
            Step::Restore(a, b) => format!("restore {a} {b}"),
            Step::Kill(node) => format!("end {node}"),
            Step::Start { node, empty } => {
                format!(
                    "{}start {node}",
                    if *empty {
                        format!("rm -f \"$DIR/{node}/dump.rdb\"; ")
                    } else {
                        String::new()
                    }
                )
            }
            Step::Add { node, of } => format!("start {node} {of}"),
            Step::Pause(node) => format!("kill -STOP \"$(cat \"$DIR/{node}/pid\")\""),
            Step::Resume(node) => format!("kill -CONT \"$(cat \"$DIR/{node}/pid\")\""),
            Step::Sleep(us) => format!("sleep {}", seconds(*us)),
            Step::Settle => "settle".into(),
            Step::Until(node, phase) => format!("until_is {node} {phase}"),
            Step::Status => "status".into(),
        }
    }

    // --- docker compose ----------------------------------------------------------------------------------------------

    fn compose(&self, name: &str, title: &str) -> String {
        let mut out = format!(
            "# {title}\n# {name}, as Ringside exported it: the same on real servers, with docker compose 2.\n\
             # Do the steps below one by one, in the folder of this file.\nservices:\n"
        );
        for node in &self.nodes {
            let command: Vec<String> = self.command(node).iter().map(|w| json(w)).collect();
            let _ = writeln!(
                out,
                "  {node}:\n    image: redis:7.0.15\n    command:\n      [{}]\n    healthcheck:\n      \
                 test: [\"CMD\", \"redis-cli\", \"PING\"]\n      interval: 1s\n      start_period: 10s",
                command.join(", ").replace(", \"--", ",\n       \"--")
            );
        }
        out.push_str("x-steps: |\n");
        for line in self.compose_steps() {
            let _ = writeln!(out, "  {line}");
        }
        out
    }

    /// What a service runs, word by word: no shell is between.
    fn command(&self, node: &str) -> Vec<String> {
        let mut words = format!(
            "redis-server --protected-mode no {} --masteruser {node} --masterauth {node}",
            self.settings()
        );
        for user in &self.nodes {
            let _ = write!(words, " --user {user} on >{user} ~* &* +@all");
        }
        if let Some(master) = self.follows(node) {
            let _ = write!(words, " --replicaof {master} 6379");
        }
        let word = |w: &str| w.replace("''", "");
        words.split_whitespace().map(word).collect()
    }

    /// The master that a node has from the start.
    fn follows(&self, node: &str) -> Option<&str> {
        let first = self.nodes.iter().take(self.first()).skip(1);
        first.into_iter().any(|n| n == node).then_some("m")
    }

    fn compose_steps(&self) -> Vec<String> {
        let first = self.nodes[..self.first()].join(" ");
        let mut lines = vec!["docker compose up -d --wait m".into()];
        let keys = self.options.keys.iter();
        let set = keys.map(|(k, v)| words(&["SET", k, v].map(|s| Bytes::from(s.as_bytes()))));
        let keys = Step::Tell("m".into(), set.collect());
        if !self.options.keys.is_empty() {
            lines.extend(self.compose_step(&keys));
        }
        if self.first() > 1 {
            lines.push(format!("docker compose up -d --wait {first}"));
        }
        lines.extend(self.compose_step(&Step::Settle));
        // A server that ends forgets what it was told to follow: a container starts with its command again.
        let mut masters: BTreeMap<&str, Option<&str>> = BTreeMap::new();
        for step in &self.steps {
            lines.extend(self.compose_step(step));
            match step {
                Step::Tell(node, commands) => {
                    for command in commands {
                        if let Some(master) = self.told_master(command) {
                            masters.insert(node, master);
                        }
                    }
                }
                Step::Add { node, of } => {
                    masters.insert(node, Some(of));
                }
                Step::Start { node, .. } => {
                    let follows = self.follows(node);
                    match masters.get(node.as_str()) {
                        Some(master) if *master != follows => {
                            let told = master.map_or("NO ONE".into(), |m| format!("{m} 6379"));
                            lines.push(compose_cli(node, &format!("REPLICAOF {told}")));
                        }
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        lines
    }

    /// The master that a command gives its node, if it is such a command.
    fn told_master(&self, command: &str) -> Option<Option<&str>> {
        let words: Vec<&str> = command.split_whitespace().collect();
        let [verb, host, _] = words.as_slice() else {
            return None;
        };
        if !["replicaof", "slaveof"].contains(&verb.to_ascii_lowercase().as_str()) {
            return None;
        }
        let is = |node: &&String| **host == format!("@{node}:host@");
        Some(self.nodes.iter().find(is).map(String::as_str))
    }

    fn compose_step(&self, step: &Step) -> Vec<String> {
        let link = |a: &str, b: &str, on: bool| {
            let mut lines = Vec::new();
            for (at, user) in [(a, b), (b, a)] {
                let word = if on { "on" } else { "off" };
                lines.push(compose_cli(at, &format!("ACL SETUSER {user} {word}")));
                if !on {
                    lines.push(compose_cli(at, &format!("CLIENT KILL USER {user}")));
                }
            }
            lines
        };
        match step {
            Step::Note(text) => vec![format!("# {}", text.replace('$', "$$"))],
            Step::Tell(node, commands) => {
                let mut text = commands.join("\n").replace('\'', "'\\''");
                for node in &self.nodes {
                    text = text
                        .replace(&format!("@{node}:host@"), node)
                        .replace(&format!("@{node}:port@"), "6379");
                }
                let lines: Vec<String> = text.lines().map(|l| format!("'{l}'")).collect();
                let to = compose_cli(node, "");
                vec![format!("printf '%s\\n' {} | {to}", lines.join(" "))]
            }
            Step::Cut(a, b) => link(a, b, false),
            Step::Restore(a, b) => link(a, b, true),
            Step::Kill(node) => vec![format!("docker compose kill {node}")],
            Step::Start { node, empty: true } => vec![
                format!("docker compose rm -fsv {node}"),
                format!("docker compose up -d --wait {node}"),
            ],
            Step::Start { node, .. } => vec![format!("docker compose up -d --wait {node}")],
            Step::Add { node, of } => vec![
                format!("docker compose up -d --wait {node}"),
                compose_cli(node, &format!("REPLICAOF {of} 6379")),
            ],
            Step::Pause(node) => vec![format!("docker compose pause {node}")],
            Step::Resume(node) => vec![format!("docker compose unpause {node}")],
            Step::Sleep(us) => vec![format!("sleep {}", seconds(*us))],
            Step::Settle => vec!["sleep 3".into()],
            Step::Until(node, phase) => {
                let until = |sign: &str| {
                    let info = compose_cli(node, "INFO replication");
                    vec![format!("until {info} | grep -q {sign}; do sleep 0.2; done")]
                };
                match phase.as_str() {
                    "master" => until("role:master"),
                    "online" => until("master_link_status:up"),
                    "down" | "cut" => until("master_link_status:down"),
                    _ => vec![],
                }
            }
            Step::Status => {
                let info = |n: &String| compose_cli(n, "INFO replication");
                self.nodes.iter().map(info).collect()
            }
        }
    }
}

fn compose_cli(node: &str, command: &str) -> String {
    let line = format!("docker compose exec -T {node} redis-cli --no-raw {command}");
    line.trim_end().into()
}

/// Words as redis-cli reads them, without a `$`, in which compose would see a variable.
fn words(args: &[Bytes]) -> String {
    let word = |arg: &Bytes| {
        if arg.contains(&b'$') {
            resp::quote(arg).replace('$', "\\x24")
        } else {
            action::words(std::slice::from_ref(arg))
        }
    };
    args.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// A word as JSON writes it, which YAML reads too.
fn json(word: &str) -> String {
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

fn seconds(us: u64) -> String {
    let text = format!("{}.{:06}", us / 1_000_000, us % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').into()
}

/// Words for a shell, with addresses of nodes as it knows them.
fn quoted(commands: &[String], nodes: &[String]) -> String {
    let quote = |command: &String| {
        let mut text = format!("'{}'", command.replace('\'', "'\\''"));
        for node in nodes {
            text = text
                .replace(&format!("@{node}:host@"), "127.0.0.1")
                .replace(&format!("@{node}:port@"), &format!("'$(port {node})'"));
        }
        text
    };
    commands.iter().map(quote).collect::<Vec<_>>().join(" ")
}

/// What every script begins with.
const SH: &str = r#"set -eu
BASE=${BASE:-6379}
DIR=$(mktemp -d)
NODES=""

port() {
  case $1 in
@PORTS@
  esac
}

cli() { node=$1; shift; redis-cli --no-raw -p "$(port "$node")" "$@"; }

# Commands on one connection.
tell() { node=$1; shift; printf '%s\n' "$@" | redis-cli --no-raw -p "$(port "$node")"; }

say() { for command in "$@"; do [ "$command" = "$1" ] || echo "$1> $command"; done; tell "$@" | sed '/^$/d'; }

# start NODE [MASTER]: a server of its own directory; every node is a user on every other one.
start() {
  mkdir -p "$DIR/$1"
  case " $NODES " in *" $1 "*) ;; *) NODES="$NODES $1" ;; esac
  [ $# -lt 2 ] || echo "replicaof 127.0.0.1 $(port "$2")" >"$DIR/$1/of"
  {
    for user in @USERS@; do echo "user $user on >$user ~* &* +@all"; done
    cat "$DIR/$1/of" 2>/dev/null || true
  } >"$DIR/$1/conf"
  redis-server "$DIR/$1/conf" --port "$(port "$1")" --bind 127.0.0.1 --dir "$DIR/$1" --logfile log --pidfile "$DIR/$1/pid" \
    --daemonize yes --masteruser "$1" --masterauth "$1" @SETTINGS@ >/dev/null
  until [ "$(cli "$1" PING 2>/dev/null)" = PONG ]; do sleep 0.05; done
}

end() {
  pid=$(cat "$DIR/$1/pid")
  # What it followed, it follows again.
  of=$(info "$1" master_port)
  [ -z "$of" ] || echo "replicaof 127.0.0.1 $of" >"$DIR/$1/of"
  [ -n "$of" ] || rm -f "$DIR/$1/of"
  kill -KILL "$pid"
  while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
}

# The one does not let the other in, whichever follows.
cut() { shut "$1" "$2"; shut "$2" "$1"; }
shut() { alive "$1" || return 0; cli "$1" ACL SETUSER "$2" off >/dev/null; cli "$1" CLIENT KILL USER "$2" >/dev/null; }
restore() { open "$1" "$2"; open "$2" "$1"; }
open() { alive "$1" || return 0; cli "$1" ACL SETUSER "$2" on >/dev/null; }

alive() { redis-cli -p "$(port "$1")" PING >/dev/null 2>&1; }
info() { redis-cli -p "$(port "$1")" INFO 2>/dev/null | tr -d '\r' | sed -n "s/^$2://p"; }
shut_out() { redis-cli -p "$1" ACL GETUSER "$2" 2>/dev/null | grep -qx off; }

# Until every replica that is let in is where its master is.
settle() {
  tries=0
  while ! settled; do
    tries=$((tries + 1))
    [ $tries -lt 600 ] || { echo "it did not come to rest within a minute" >&2; exit 1; }
    sleep 0.1
  done
}
settled() {
  for node in $NODES; do
    alive "$node" || continue
    of=$(info "$node" master_port)
    [ -n "$of" ] && redis-cli -p "$of" PING >/dev/null 2>&1 && ! shut_out "$of" "$node" || continue
    [ "$(info "$node" master_link_status)" = up ] || return 1
    theirs=$(redis-cli -p "$of" INFO replication | tr -d '\r' | sed -n 's/^master_repl_offset://p')
    [ "$(info "$node" slave_repl_offset)" = "$theirs" ] || return 1
  done
}

until_is() {
  until is "$1" "$2"; do sleep 0.1; done
}
is() {
  case $2 in
    dead) ! alive "$1" ;;
    master) [ "$(info "$1" role)" = master ] ;;
    online) [ "$(info "$1" master_link_status)" = up ] ;;
    *) [ "$(info "$1" master_link_status)" = down ] ;;
  esac
}

# Role, offset, dataset, full and partial resynchronizations of every node.
status() {
  for node in $NODES; do
    alive "$node" || { echo "$node is dead"; continue; }
    echo "$node $(info "$node" role) at byte $(info "$node" master_repl_offset), digest $(redis-cli -p "$(port "$node")" DEBUG DIGEST)," \
      "sync_full $(info "$node" sync_full), sync_partial_ok $(info "$node" sync_partial_ok)"
  done
}

over() {
  for node in $NODES; do kill -KILL "$(cat "$DIR/$node/pid")" 2>/dev/null || true; done
  rm -rf "$DIR"
}
trap over EXIT
"#;
