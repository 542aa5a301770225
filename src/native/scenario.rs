//! Scenario files on the command line: `ringside run`, `link`, `open`. Each returns what to print.

use crate::link::Link;
use crate::script::{Runner, Script, Verb};
use crate::sim::{Options, Snapshot};
use crate::tape::Tape;
use crate::time::Instant;
use serde::Serialize;
use std::path::Path;

/// Reads a script, and takes another seed for its worlds when one is given.
///
/// # Errors
/// The file cannot be read, or its first mistake, each with the file's name.
pub fn read(file: &Path, seed: Option<u64>) -> Result<Script, String> {
    let name = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|e| format!("ringside: cannot read '{name}': {e}"))?;
    let mut script = Script::parse(&text).map_err(|e| format!("{name}: {e}"))?;
    let lines = script.blocks.iter_mut().flat_map(|b| &mut b.input);
    for line in lines {
        if let (Verb::Cluster(options), Some(seed)) = (&mut line.verb, seed) {
            options.seed = seed;
        }
    }
    Ok(script)
}

/// The world before the first line of a script.
fn begin(seed: Option<u64>) -> Runner {
    let mut options = Options::default();
    options.seed = seed.unwrap_or(options.seed);
    Runner::new(options)
}

/// One block of a run, for programs.
#[derive(Serialize)]
struct Told<'a> {
    line: usize,
    input: Vec<&'a str>,
    output: Vec<String>,
    /// Microseconds since the world began, events so far, and the hash of all of them.
    elapsed_us: u64,
    events: u64,
    trace: String,
}

/// Plays a script to its end: as the script with fresh outputs, or as one JSON object a block.
///
/// # Errors
/// The line that cannot be done.
pub fn run(file: &Path, seed: Option<u64>, json: bool) -> Result<String, String> {
    let script = read(file, seed)?;
    let mut runner = begin(seed);
    let (mut outputs, mut told) = (Vec::new(), String::new());
    for block in &script.blocks {
        let output = runner
            .block(block)
            .map_err(|e| format!("{}: {e}", file.display()))?;
        if json {
            let block = Told {
                line: block.input.first().map_or(0, |l| l.number),
                input: block.input.iter().map(|l| l.text.as_str()).collect(),
                output: output.clone(),
                elapsed_us: runner.world.now().since(Instant::WORLD),
                events: runner.world.events(),
                trace: format!("{:016x}", runner.world.trace()),
            };
            told.push_str(&serde_json::to_string(&block).map_err(|e| e.to_string())?);
            told.push('\n');
        }
        outputs.push(output);
    }
    Ok(if json { told } else { script.print(&outputs) })
}

/// The link to the session that a script plays; it stands at the end, or at this time of the world, in
/// microseconds as in transcripts.
///
/// # Errors
/// A line that cannot be done, or a session that is too big.
pub fn link(file: &Path, seed: Option<u64>, at_us: Option<u64>) -> Result<String, String> {
    let tape = tape(file, seed, at_us)?;
    let link = Link::of(&tape, "").and_then(|link| link.encode());
    link.map(|link| link + "\n")
        .map_err(|e| format!("{}: {e}", file.display()))
}

/// What a script plays, as a tape that stands at its end, or at a time of the world in microseconds.
///
/// # Errors
/// A line that cannot be done.
pub fn tape(file: &Path, seed: Option<u64>, at_us: Option<u64>) -> Result<Tape, String> {
    let script = read(file, seed)?;
    let bad = |e: &dyn std::fmt::Display| format!("{}: {e}", file.display());
    let mut runner = begin(seed);
    for block in &script.blocks {
        runner.block(block).map_err(|e| bad(&e))?;
    }
    let tape = Link::of_runner(&runner).play(|_, _, _| {});
    let mut tape = tape.map_err(|e| bad(&e))?;
    if let Some(us) = at_us {
        tape.seek_time(Instant::WORLD.after(us));
    }
    Ok(tape)
}

/// What a screen shows at a mark of a script.
///
/// # Errors
/// A line before the mark that cannot be done, or no such mark.
pub fn seen_at_mark(file: &Path, seed: Option<u64>, mark: &str) -> Result<Snapshot, String> {
    let name = file.display();
    let runner = read(file, seed)?.run_to_mark(mark);
    let runner = runner.map_err(|e| format!("{name}: {e}"))?;
    let runner = runner.ok_or_else(|| format!("{name}: there is no 'mark {mark}'"))?;
    Ok(runner.world.snapshot())
}

/// What a link holds, as a script; a whole address will do.
///
/// # Errors
/// What is wrong with the link.
pub fn open(link: &str) -> Result<String, String> {
    let fragment = link.rsplit_once('#').map_or(link, |(_, fragment)| fragment);
    let link = Link::decode(fragment.trim()).map_err(|e| format!("ringside: {e}"))?;
    Ok(link.to_script())
}
