//! Every scenario that a real `redis-server` can play is played by real ones too, and comes out the same: replies,
//! offsets, datasets, full and partial synchronizations. Prints which scenarios were left out, and why.

use ringside::native::check::{Verdict, check};
use ringside::script::Script;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

mod folder;

/// Scenarios that are played at once: most of their time they wait.
const AT_ONCE: usize = 8;

fn play(file: &Path) -> Verdict {
    let text = std::fs::read_to_string(file).expect("a script can be read");
    let script = Script::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    check(&script, Path::new("redis-server")).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

#[test]
fn real_servers_do_the_same() {
    let only = std::env::var("SCRIPT").unwrap_or_default();
    let mut files = folder::scripts();
    files.retain(|f| f.to_string_lossy().contains(&only));
    let left: Mutex<Vec<PathBuf>> = Mutex::new(files.clone());
    let verdicts: Mutex<Vec<(PathBuf, Verdict)>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(file) = left.lock().expect("nobody fails here").pop() else {
                        return;
                    };
                    let mut verdict = play(&file);
                    if let Verdict::Different(what) = &verdict {
                        // Real time on a busy machine: only what differs again counts.
                        eprintln!(
                            "{}: once more, for {}",
                            folder::name(&file),
                            what.join("; ")
                        );
                        verdict = play(&file);
                    }
                    verdicts
                        .lock()
                        .expect("nobody fails here")
                        .push((file, verdict));
                }
            });
        }
    });
    let mut verdicts = verdicts.into_inner().expect("nobody fails here");
    verdicts.sort_by(|a, b| a.0.cmp(&b.0));
    let (mut same, mut different) = (0, Vec::new());
    for (file, verdict) in &verdicts {
        let name = folder::name(file);
        match verdict {
            Verdict::Same { replies, states } => {
                same += 1;
                eprintln!("{name}: {replies} replies, {states} states");
            }
            Verdict::Ineligible(why) => eprintln!("{name}: left out: {why}"),
            Verdict::Different(what) => different.push(format!("{name}:\n  {}", what.join("\n  "))),
        }
    }
    eprintln!(
        "{same} of {} scenarios were played by real servers and came out the same",
        files.len()
    );
    assert!(
        !only.is_empty() || same * 10 >= files.len() * 9,
        "only {same} of {} scenarios can be played by real servers",
        files.len()
    );
    assert!(
        different.is_empty(),
        "{} differ:\n{}",
        different.len(),
        different.join("\n")
    );
}

/// A comparison that cannot fail would be worth nothing: two clocks do not tell the same time.
#[test]
fn what_differs_is_told() {
    let script =
        Script::parse("cluster replicas=0\n\nm> PING\nm> TIME\nsettle\n").expect("a good script");
    let verdict = check(&script, Path::new("redis-server")).expect("it can be played");
    let Verdict::Different(what) = verdict else {
        panic!("{verdict:?}")
    };
    assert_eq!(what.len(), 1, "{what:?}");
    assert!(what[0].starts_with("reply 2 of m: ours "), "{what:?}");
}
