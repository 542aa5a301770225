//! `daemonize yes`: the server goes on in a process of its own, without a terminal, and the one that was started ends.

use super::supervisor::Supervisor;
use crate::node::config::Config;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

/// In the environment of the process that goes on.
const MARK: &str = "RINGSIDE_DAEMON";

/// Whether another process was started that goes on, with the same arguments of `ringside server`, given in `dir`.
///
/// # Errors
/// No process can be started.
pub fn left_to_another(config: &Config, args: &[String], dir: &Path) -> io::Result<bool> {
    if !wanted(config) || std::env::var_os(MARK).is_some() {
        return Ok(false);
    }
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("server").args(args);
    command.current_dir(dir).env(MARK, "1").stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    // Ctrl-C in the terminal is not for it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn()?;
    Ok(true)
}

/// `daemonize yes`, and nobody takes care of the process that was started.
pub(super) fn wanted(config: &Config) -> bool {
    config.get("daemonize").as_deref() == Some("yes") && !Supervisor::of(config).is_there()
}
