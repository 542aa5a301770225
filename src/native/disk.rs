//! The files of one server: `dbfilename` in the folder of the process, and the temporary file into which a snapshot from the master is stored.
//! A snapshot only ever takes its place by a rename, so that a crash leaves the old file or the new one.

use super::options::reason;
use crate::time::Instant;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

#[derive(Debug, Default)]
pub(super) struct Disk {
    /// The temporary file and how many bytes it has.
    receiving: Option<(PathBuf, File, u64)>,
}

impl Disk {
    /// Appends to the temporary file, begun anew when `fresh`; how many bytes it has now.
    pub(super) fn store(&mut self, now: Instant, bytes: &[u8], fresh: bool) -> io::Result<u64> {
        if fresh || self.receiving.is_none() {
            self.forget();
            let name = format!("temp-{}.{}.rdb", now.unix_s(), std::process::id());
            let path = PathBuf::from(name);
            let file = File::create(&path)?;
            self.receiving = Some((path, file, 0));
        }
        let (_, file, total) = self.receiving.as_mut().ok_or(io::ErrorKind::NotFound)?;
        file.write_all(bytes)?;
        *total += bytes.len() as u64;
        Ok(*total)
    }

    /// Puts the temporary file in the place of the snapshot.
    pub(super) fn install(&mut self, target: &Path) -> io::Result<()> {
        let Some((path, file, _)) = self.receiving.take() else {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "no snapshot was received",
            ));
        };
        file.sync_all()?;
        drop(file);
        fs::rename(path, target)
    }

    pub(super) fn receives(&self) -> bool {
        self.receiving.is_some()
    }

    /// Removes a temporary file that nobody will finish.
    pub(super) fn forget(&mut self) {
        if let Some((path, ..)) = self.receiving.take() {
            let _ = fs::remove_file(path);
        }
    }
}

/// The snapshot, or `None` when there is none yet.
pub(super) fn load(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The file that becomes the snapshot when it is complete.
fn temp() -> PathBuf {
    format!("temp-{}.rdb", std::process::id()).into()
}

/// Writes the snapshot.
///
/// # Errors
/// What Redis says of it, about the folder `dir` of the server.
pub(super) fn save(target: &Path, dir: &str, bytes: &[u8]) -> Result<(), String> {
    let temp = temp();
    let name = temp.display();
    let mut file = File::create(&temp).map_err(|error| {
        let why = reason(&error);
        format!(
            "Failed opening the temp RDB file {name} (in server root dir {dir}) for saving: {why}"
        )
    })?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    let done = written.map_err(|error| {
        format!(
            "Write error saving DB on disk(rdbSaveRio): {}",
            reason(&error)
        )
    });
    let done = done.and_then(|()| {
        fs::rename(&temp, target).map_err(|error| {
            let (to, why) = (target.display(), reason(&error));
            format!(
                "Error moving temp DB file {name} on the final destination {to} (in server root dir {dir}): {why}"
            )
        })
    });
    if done.is_err() {
        let _ = fs::remove_file(&temp);
    }
    done
}
