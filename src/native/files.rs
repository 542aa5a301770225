//! How many files a process may have open, which is how many clients a server can have.

use crate::node::Level;

/// Files that are no clients (`CONFIG_MIN_RESERVED_FDS`).
const RESERVED: u64 = 32;

/// Asks the system for as many files as so many clients need; how many clients there can be (`adjustOpenFilesLimit`).
/// `None` when it is too few to start with, which is said like the rest.
#[cfg(unix)]
pub(super) fn allow(clients: usize, say: &mut dyn FnMut(Level, &str)) -> Option<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    const STEP: u64 = 16;
    let wanted = clients as u64 + RESERVED;
    let now = getrlimit(Resource::Nofile);
    let Some(old) = now.current else {
        return Some(clients);
    };
    if old >= wanted {
        return Some(clients);
    }
    let set = |files: u64, maximum| {
        let current = Some(files);
        setrlimit(Resource::Nofile, Rlimit { current, maximum })
    };
    // The fewest steps down from what is wanted that the system allows; after the last one it is as it was.
    let (mut fewest, mut most) = (0, (wanted - old).div_ceil(STEP));
    let mut why = String::new();
    while fewest < most {
        let steps = fewest.midpoint(most);
        let files = wanted - steps * STEP;
        match set(files, now.maximum.map(|maximum| maximum.max(files))) {
            Ok(()) => most = steps,
            Err(error) => {
                why = super::options::reason(&error.into());
                fewest = steps + 1;
            }
        }
    }
    let best = wanted.saturating_sub(fewest * STEP).max(old);
    if best > old {
        let _ = set(best, Some(best)); // which it allowed before
    }
    if best == wanted {
        let text = format!(
            "Increased maximum number of open files to {wanted} (it was originally set to {old})."
        );
        say(Level::Notice, &text);
        return Some(clients);
    }
    if best <= RESERVED {
        let text = format!(
            "Your current 'ulimit -n' of {old} is not enough for the server to start. Please increase your open file limit to \
             at least {wanted}. Exiting."
        );
        say(Level::Warning, &text);
        return None;
    }
    let most = best - RESERVED;
    for text in [
        format!(
            "You requested maxclients of {clients} requiring at least {wanted} max file descriptors."
        ),
        format!("Server can't set maximum open files to {wanted} because of OS error: {why}."),
        format!(
            "Current maximum open files is {best}. maxclients has been reduced to {most} to compensate for low ulimit. If \
             you need higher maxclients increase 'ulimit -n'."
        ),
    ] {
        say(Level::Warning, &text);
    }
    Some(most as usize)
}

/// Where there is no such limit.
#[cfg(not(unix))]
pub(super) fn allow(clients: usize, _: &mut dyn FnMut(Level, &str)) -> Option<usize> {
    Some(clients)
}
