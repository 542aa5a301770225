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
    let Some(old) = getrlimit(Resource::Nofile).current else {
        return Some(clients);
    };
    if old >= wanted {
        return Some(clients);
    }
    let (mut best, mut why) = (wanted, String::new());
    while best > old {
        let limit = Rlimit {
            current: Some(best),
            maximum: Some(best),
        };
        match setrlimit(Resource::Nofile, limit) {
            Ok(()) => break,
            Err(error) => why = super::options::reason(&error.into()),
        }
        best = best.saturating_sub(STEP);
    }
    let best = best.max(old);
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
