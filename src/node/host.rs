//! What a node may ask of the machine it runs on and gets an answer to at once. In a simulated world there is nobody to
//! ask: commands take no time, there is no process and no folder.

use super::Level;

/// The machine. Every method has the answer of a simulated one.
pub trait Host: Sync {
    /// Microseconds of a clock that never goes back, to measure how long commands take.
    fn micros(&self) -> u64 {
        0
    }

    /// Does nothing for so many microseconds, and lets nothing else happen.
    fn sleep(&self, _us: u64) {}

    fn process(&self) -> Process {
        Process::default()
    }

    /// Changes into a folder; its absolute path.
    ///
    /// # Errors
    /// The system's words.
    fn change_dir(&self, path: &str) -> Result<String, String> {
        Ok(path.into())
    }

    /// The snapshot file with this name in the folder of the process.
    fn snapshot(&self, _name: &str) -> Option<Vec<u8>> {
        None
    }

    /// Whether the addresses (`bind`) and the port can be listened on now; if not, what is said of it.
    fn can_listen(&self, _bind: &str, _port: u16, _say: &mut dyn FnMut(Level, &str)) -> bool {
        true
    }

    /// How many clients there can be where so many are asked for (`maxclients`), and what is said of it.
    fn clients(&self, wanted: usize, _say: &mut dyn FnMut(Level, &str)) -> usize {
        wanted
    }

    /// Tells the system how gladly it may end this process when memory runs out: `None` as it was before the first
    /// call, otherwise this, `relative` to that or not.
    ///
    /// # Errors
    /// What could not be done, in Redis's words.
    fn oom_score(&self, _score: Option<OomScore>) -> Result<(), String> {
        Ok(())
    }

    /// Replaces the text of the configuration file by what `edit` makes of it.
    ///
    /// # Errors
    /// The server was started without such a file, or it cannot be read or written.
    fn rewrite(&self, _edit: &dyn Fn(&str) -> String) -> Result<(), String> {
        Err("The server is running without a config file".into())
    }
}

/// Between -1000 (never) and 1000 (first); see `oom-score-adj`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OomScore {
    pub score: i64,
    pub relative: bool,
}

/// What `INFO` tells of the process.
#[derive(Clone, Debug, Default)]
pub struct Process {
    pub id: u32,
    pub os: String,
    pub executable: String,
    pub config_file: String,
    /// systemd takes care of it.
    pub supervised: bool,
    /// Bytes of memory that the process has, the most it ever had, and those of the machine.
    pub resident: u64,
    pub resident_peak: u64,
    pub system_memory: u64,
    /// Seconds of processor time: in the system and in the program.
    pub cpu_sys: f64,
    pub cpu_user: f64,
}

/// Nobody.
pub struct NoHost;

impl Host for NoHost {}
