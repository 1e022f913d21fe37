//! Files of the data folder that only the hub's user may read, written whole or not at all.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use lineshaft_model::Reason;
use parking_lot::{RwLock, RwLockReadGuard};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Writes beside the file, syncs and takes its place.
fn write_whole(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let new = path.with_extension("json.new");
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(text)?;
    file.sync_all()?;
    std::fs::rename(&new, path)
}

/// Rows in a JSON file. Changes by another process, such as the command line, take effect at the next look.
#[derive(Debug)]
pub(super) struct Stored<T> {
    path: PathBuf,
    /// The code of what is wrong with the file.
    code: &'static str,
    kept: RwLock<Kept<T>>,
}

#[derive(Debug)]
struct Kept<T> {
    stamp: Option<(SystemTime, u64)>,
    rows: Vec<T>,
}

impl<T: Clone + Serialize + DeserializeOwned> Stored<T> {
    /// The rows of a file, which may not be there yet.
    pub(super) fn at(path: PathBuf, code: &'static str) -> Self {
        Self { path, code, kept: RwLock::new(Kept { stamp: None, rows: Vec::new() }) }
    }

    /// The rows as they are in the file now.
    pub(super) fn list(&self) -> Result<Vec<T>, Reason> {
        match std::fs::read(&self.path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| self.failed(&error)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Puts rows in the place of all that are there.
    pub(super) fn write(&self, rows: &[T]) -> Result<(), Reason> {
        let text = serde_json::to_vec_pretty(rows).map_err(|error| self.failed(&error))?;
        write_whole(&self.path, &text).map_err(|error| self.failed(&error))
    }

    /// The rows, read again only when the file has changed. A file that cannot be read leaves nobody in.
    pub(super) fn look<R>(&self, look: impl FnOnce(&[T]) -> R) -> R {
        look(&self.fresh().rows)
    }

    fn fresh(&self) -> RwLockReadGuard<'_, Kept<T>> {
        let stamp =
            std::fs::metadata(&self.path).ok().and_then(|meta| Some((meta.modified().ok()?, meta.len())));
        if self.kept.read().stamp != stamp {
            let rows = self.list().unwrap_or_else(|reason| {
                tracing::error!(code = reason.code, "{}", reason.message);
                Vec::new()
            });
            *self.kept.write() = Kept { stamp, rows };
        }
        self.kept.read()
    }

    fn failed(&self, error: &impl std::fmt::Display) -> Reason {
        Reason::new(self.code, format!("{}: {error}", self.path.display()))
            .hint("check the data folder and its permissions")
    }
}
