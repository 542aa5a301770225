//! The machine, as a node asks for it: its clock for short spans, the process, the configuration file.

use super::options::reason;
use crate::node::Level;
use crate::node::host::{Host, OomScore, Process};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// The one machine there is.
#[derive(Debug)]
pub(super) struct Machine {
    epoch: Instant,
    config_file: Option<PathBuf>,
    supervised: bool,
    /// What the system was told before we told it anything.
    oom_before: Mutex<Option<i64>>,
}

static MACHINE: OnceLock<Machine> = OnceLock::new();

impl Machine {
    /// The configuration file is the one of the first server of this process, and so is who takes care of it.
    pub(super) fn get(config_file: Option<&Path>, supervised: bool) -> &'static Self {
        MACHINE.get_or_init(|| Self {
            epoch: Instant::now(),
            config_file: config_file.map(Path::to_path_buf),
            supervised,
            oom_before: Mutex::new(None),
        })
    }
}

impl Host for Machine {
    fn micros(&self) -> u64 {
        self.epoch.elapsed().as_micros() as u64
    }

    fn sleep(&self, us: u64) {
        std::thread::sleep(Duration::from_micros(us));
    }

    fn process(&self) -> Process {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let [cpu_user, cpu_sys] = processor_time();
        let path = |path: Option<PathBuf>| {
            path.map(|p| p.to_string_lossy().into_owned())
                .unwrap_or_default()
        };
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Process {
            id: std::process::id(),
            os: format!("Linux {} {}", release.trim(), std::env::consts::ARCH),
            executable: path(std::env::current_exe().ok()),
            config_file: path(self.config_file.clone()),
            supervised: self.supervised,
            resident: kilobytes(&status, "VmRSS:"),
            resident_peak: kilobytes(&status, "VmHWM:"),
            system_memory: kilobytes(&memory, "MemTotal:"),
            cpu_sys,
            cpu_user,
        }
    }

    fn change_dir(&self, path: &str) -> Result<String, String> {
        std::env::set_current_dir(path).map_err(|error| reason(&error))?;
        let dir = std::env::current_dir().map_err(|error| reason(&error))?;
        Ok(dir.to_string_lossy().into_owned())
    }

    fn snapshot(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(name).ok()
    }

    fn can_listen(&self, bind: &str, port: u16, say: &mut dyn FnMut(Level, &str)) -> bool {
        let listeners = super::listen::listen(bind, port, 1, |text| say(Level::Warning, text));
        listeners.is_some_and(|found| !found.is_empty())
    }

    fn clients(&self, wanted: usize, say: &mut dyn FnMut(Level, &str)) -> usize {
        super::files::allow(wanted, say).unwrap_or(0)
    }

    fn oom_score(&self, score: Option<OomScore>) -> Result<(), String> {
        const FILE: &str = "/proc/self/oom_score_adj";
        let failed = |what: &str, error: &io::Error| {
            format!("Unable to {what} oom_score_adj: {}", reason(error))
        };
        let mut before = self
            .oom_before
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let to = match score {
            None => match before.take() {
                None => return Ok(()),
                Some(before) => before,
            },
            Some(OomScore { score, relative }) => {
                let text = || fs::read_to_string(FILE).map_err(|error| failed("read", &error));
                let base = match *before {
                    Some(base) => base,
                    None => text()?.trim().parse().unwrap_or(0),
                };
                *before = Some(base);
                (score + if relative { base } else { 0 }).clamp(-1000, 1000)
            }
        };
        fs::write(FILE, format!("{to}\n")).map_err(|error| failed("write", &error))
    }

    fn rewrite(&self, edit: &dyn Fn(&str) -> String) -> Result<(), String> {
        let path = self.config_file.as_ref();
        let path = path.ok_or("The server is running without a config file")?;
        let write = || {
            // A file that is gone is written anew.
            let old = match fs::read_to_string(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
                old => old?,
            };
            let temp = path.with_extension(format!("{}.tmp", std::process::id()));
            let mut file = fs::File::create(&temp)?;
            file.write_all(edit(&old).as_bytes())?;
            file.sync_all()?;
            fs::rename(&temp, path)
        };
        write().map_err(|error| format!("Rewriting config file: {}", reason(&error)))
    }
}

/// The kilobytes of one line of a file below `/proc`, in bytes.
fn kilobytes(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    number.unwrap_or(0) * 1024
}

/// Seconds in the program and in the system, from `/proc/self/stat`, which counts hundredths.
pub(super) fn processor_time() -> [f64; 2] {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let mut fields = after_name.split(' ').skip(11);
    [(); 2].map(|()| {
        let ticks = fields.next().and_then(|t| t.parse::<f64>().ok());
        ticks.unwrap_or(0.0) / 100.0
    })
}
