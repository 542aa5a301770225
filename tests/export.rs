//! What `ringside export` writes does the same on real servers: the shell form is run with the installed redis-server, and
//! its replies and the states of its nodes are held against the simulated world. Prints what cannot be exported, and why.

use ringside::native::check::simulated;
use ringside::native::export::{Format, export};
use ringside::script::Script;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

mod folder;

/// Scenarios that are run, of all that can be exported: some of every kind.
const RUN: &[&str] = &[
    "psync/a-blink-of-the-link",
    "psync/another-history",
    "psync/both-replicas",
    "promotion/the-other-replica-continues",
    "promotion/the-lost-write",
    "chain/three-deep",
    "restart/",
    "full-sync/an-empty-master",
];

/// Of these, what is played as compose has it.
const DOCKED: &[&str] = &[
    "psync/a-blink-of-the-link",
    "promotion/the-other-replica-continues",
    "chain/three-deep",
    "restart/",
];

fn read(file: &Path) -> Script {
    let text = std::fs::read_to_string(file).expect("a script can be read");
    Script::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

/// The first of eight ports that are free.
fn base() -> u16 {
    static NEXT: Mutex<u16> = Mutex::new(21_000);
    let mut next = NEXT.lock().expect("nobody fails here");
    loop {
        let first = *next;
        *next += 8;
        if (first..first + 8).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            return first;
        }
    }
}

/// What the script printed: replies, and the last status.
fn run(text: &str) -> Result<(Vec<String>, Vec<String>), String> {
    let file =
        std::env::temp_dir().join(format!("ringside-export-{}-{}", std::process::id(), base()));
    std::fs::write(&file, text).map_err(|e| e.to_string())?;
    let port = base().to_string();
    let out = Command::new("sh").arg(&file).env("BASE", &port).output();
    let _ = std::fs::remove_file(&file);
    let out = out.map_err(|e| e.to_string())?;
    let printed = String::from_utf8_lossy(&out.stdout).into_owned();
    if !out.status.success() {
        let errors = String::from_utf8_lossy(&out.stderr);
        return Err(format!("{printed}{errors}"));
    }
    let (mut replies, mut states) = (Vec::new(), Vec::new());
    for line in printed.lines() {
        let first = line.split(' ').next().unwrap_or_default();
        if line.contains(" at byte ") || line.ends_with(" is dead") {
            states.push(line.to_string());
        } else if !first.ends_with('>') {
            replies.push(line.trim_end().to_string());
        }
    }
    Ok((replies, states))
}

fn compare(file: &Path, form: fn(&Script, &str) -> Result<String, String>) -> Result<(), String> {
    let script = read(file);
    let text = form(&script, &folder::name(file))?;
    let (replies, states) = simulated(&script)?.ok_or("it needs a smaller ring")?;
    let ours: Vec<String> = replies
        .iter()
        .flat_map(|(_, reply)| {
            reply
                .pretty()
                .lines()
                .map(|l| l.trim_end().to_string())
                .collect::<Vec<_>>()
        })
        .collect();
    let states: Vec<String> = states
        .iter()
        .map(|s| match &s.role {
            None => format!("{} is dead", s.node),
            Some(role) => format!(
                "{} {role} at byte {}, digest {}, sync_full {}, sync_partial_ok {}",
                s.node, s.offset, s.digest, s.sync_full, s.sync_partial_ok
            ),
        })
        .collect();
    let (theirs, mut seen) = run(&text)?;
    let seen = seen.split_off(seen.len().saturating_sub(states.len()));
    if ours != theirs || states != seen {
        return Err(format!(
            "ours {ours:#?} {states:#?}\nredis-server {theirs:#?} {seen:#?}"
        ));
    }
    Ok(())
}

/// A scenario's compose form as a script that real servers can play without docker: each service's command is run as it
/// stands, and only names become ports. A pause for things to settle lasts until they are.
fn undocked(script: &Script, name: &str) -> Result<String, String> {
    let sh = export(script, name, Format::Sh)?;
    let (prelude, _) = sh.split_once("\nstart m\n").expect("every script starts m");
    let compose = export(script, name, Format::Compose)?;
    let (services, steps) = compose.split_once("\nx-steps: |\n").expect("steps");
    let (mut cases, mut node) = (String::new(), "");
    let list = |text: &str| text.trim().trim_matches(['[', ']']).to_string();
    let mut command = String::new();
    for line in services.lines() {
        match line.trim_end_matches(':').strip_prefix("  ") {
            Some(name) if !name.starts_with(' ') => node = name,
            Some(part) if part.trim().starts_with(['[', '"']) => {
                command.push_str(&list(part));
                command.push(' ');
                if part.ends_with(']') {
                    let words = command.replace("\",", "\"").replace("\", \"", "\" \"");
                    cases.push_str(&format!("    {node}) set -- {words};;\n"));
                    command.clear();
                }
            }
            _ => {}
        }
    }
    // The keys that m has from the start are no part of what is compared.
    let quiet = |(i, l): (usize, &str)| match l.trim() {
        l if i == 1 && l.starts_with("printf") => format!("{l} >/dev/null\n"),
        l => format!("{l}\n"),
    };
    let steps: String = steps.lines().enumerate().map(quiet).collect();
    Ok(format!(
        "{prelude}\n{}\n{steps}status\n",
        DOCK.replace("@CASES@", &cases)
    ))
}

/// What stands for docker compose.
const DOCK: &str = r#"
up() {
  alive "$1" && return
  node=$1
  mkdir -p "$DIR/$node"
  case " $NODES " in *" $node "*) ;; *) NODES="$NODES $node" ;; esac
  case $node in
@CASES@
  esac
  of=""
  for word; do [ "$word" != --replicaof ] || of=m; done
  [ -z "$of" ] || set -- "$@" --replicaof 127.0.0.1 "$(port m)"
  "$@" --port "$(port "$node")" --dir "$DIR/$node" --logfile log --pidfile "$DIR/$node/pid" --daemonize yes >/dev/null
  until [ "$(cli "$node" PING 2>/dev/null)" = PONG ]; do command sleep 0.05; done
}
docker() {
  shift; verb=$1; shift
  case $verb in
    up) for node; do case $node in -*) ;; *) up "$node" ;; esac; done ;;
    kill) end "$1" ;;
    rm) rm -f "$DIR/$2/dump.rdb" ;;
    pause) kill -STOP "$(cat "$DIR/$1/pid")" ;;
    unpause) kill -CONT "$(cat "$DIR/$1/pid")" ;;
    exec)
      to=$(port "$2"); shift 3
      case "$*" in
        *INFO*) redis-cli -p "$to" INFO replication | sed 's/^/INFO> /' || true ;;
        *ACL* | *CLIENT* | *REPLICAOF*) named "$*" | sed 's/^--no-raw //' | redis-cli -p "$to" >/dev/null || true ;;
        *) named "$(cat)" | redis-cli "$@" -p "$to" | sed '/^$/d' ;;
      esac ;;
  esac
}
named() { text=$1; for name in $NODES; do text=$(printf '%s
' "$text" | sed "s/ $name 6379/ 127.0.0.1 $(port "$name")/"); done; printf '%s
' "$text"; }
sleep() { case $1 in 3) settle ;; *) command sleep "$1" ;; esac; }
"#;

#[test]
fn the_shell_form_does_the_same_on_real_servers() {
    on_real_servers(RUN, |script, name| export(script, name, Format::Sh));
}

#[test]
fn the_services_and_steps_of_the_compose_form_do_the_same_on_real_servers() {
    on_real_servers(DOCKED, undocked);
}

fn on_real_servers(run: &[&str], form: fn(&Script, &str) -> Result<String, String>) {
    let mut files = folder::scripts();
    let only = std::env::var("SCRIPT").unwrap_or_default();
    files.retain(|f| {
        let name = folder::name(f);
        run.iter().any(|r| name.starts_with(r)) && name.contains(&only)
    });
    let (left, wrong) = (Mutex::new(files), Mutex::new(Vec::new()));
    let played = Mutex::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some(file) = left.lock().expect("nobody fails here").pop() else {
                        return;
                    };
                    let name = folder::name(&file);
                    let script = read(&file);
                    match form(&script, &name) {
                        Err(why) => eprintln!("{name}: cannot be exported: {why}"),
                        Ok(_) if simulated(&script).is_ok_and(|s| s.is_none()) => {
                            eprintln!("{name}: left out, it needs a smaller ring");
                        }
                        // Real time on a busy machine: only what differs again counts.
                        Ok(_) => match compare(&file, form).or_else(|_| compare(&file, form)) {
                            Ok(()) => *played.lock().expect("nobody fails here") += 1,
                            Err(why) => wrong
                                .lock()
                                .expect("nobody fails here")
                                .push(format!("{name}: {why}")),
                        },
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("nobody fails here");
    let played = played.into_inner().expect("nobody fails here");
    eprintln!("{played} scenarios came out the same");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(played >= 4 || !only.is_empty(), "only {played} were played");
}

#[test]
fn what_plain_servers_cannot_do_is_refused_with_its_line() {
    let refused = |text: &str| {
        let script = Script::parse(text).expect("a good script");
        export(&script, "x", Format::Sh).expect_err("it cannot be exported")
    };
    assert_eq!(
        refused("# x\nlatency m r1 5s\n"),
        "line 2: 'latency m r1 5s' needs more than servers: a network that can be told so"
    );
    assert_eq!(
        refused("m> SET a 1\nstep 3\n"),
        "line 2: real servers cannot be stepped event by event"
    );
    assert!(refused("m> MULTI\nsettle\nm> EXEC\n").contains("wants a connection that stays"));
}

#[test]
fn every_scenario_that_has_a_shell_form_has_one_for_compose() {
    let mut exported = 0;
    for file in folder::scripts() {
        let script = read(&file);
        let sh = export(&script, "x", Format::Sh);
        let compose = export(&script, "x", Format::Compose);
        assert_eq!(sh.is_ok(), compose.is_ok());
        let Ok(compose) = compose else { continue };
        exported += 1;
        assert!(!compose.contains(":host@") && compose.contains("\nx-steps: |\n  docker"));
        // A name after a dollar is a variable for compose, whose value it would put there.
        let steps = compose.replace("$$", "");
        assert!(!steps.contains('$') && !steps.contains('\t'), "{compose}");
    }
    eprintln!("{exported} scenarios can be exported");
    assert!(exported >= 40, "{exported}");
}
