//! What the source does with its folder. Every call blocks, so they run on the runtime's threads for that.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use lineshaft_model::Reason;
use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::names::{is_unfinished, matches, numbered};
use super::watch::{Found, Stamp};

/// A folder that files are dropped into. Nothing outside it is ever opened or moved: names come from listing it, and
/// links are not followed.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    pub(super) pattern: String,
}

/// The most entries of one look. A folder with more is looked at in parts, as the taken ones leave it.
const MOST_ENTRIES: usize = 100_000;
/// The most files of the same name in `done`.
const MOST_NUMBERED: u32 = 100_000;

/// What became of a look at one entry.
#[derive(Debug, Default)]
pub(super) struct Look {
    pub(super) found: Vec<Found>,
    /// Entries that cannot be taken, with why.
    pub(super) strange: Vec<(String, String)>,
}

impl Folder {
    /// Lists the files that are meant.
    pub(super) fn look(&self) -> Result<Look, Reason> {
        let unreadable = |error: &io::Error| {
            Reason::new(
                "folder-unreadable",
                format!("the folder {} cannot be read: {error}", self.path.display()),
            )
            .hint("make the folder, and let the hub's user read and write it")
        };
        let mut look = Look::default();
        for entry in fs::read_dir(&self.path).map_err(|error| unreadable(&error))?.take(MOST_ENTRIES) {
            let entry = entry.map_err(|error| unreadable(&error))?;
            let Ok(name) = entry.file_name().into_string() else {
                let shown = entry.file_name().to_string_lossy().into_owned();
                look.strange.push((shown, "its name is not UTF-8".to_owned()));
                continue;
            };
            if is_unfinished(&name) || !matches(&self.pattern, &name) {
                continue;
            }
            // Of the entry itself: a link is not followed.
            match fs::symlink_metadata(entry.path()) {
                Ok(metadata) if metadata.is_file() => {
                    look.found.push(Found { name, stamp: stamp(&metadata) });
                }
                Ok(metadata) if metadata.is_symlink() => {
                    look.strange.push((name, "it is a link, and links are not followed".to_owned()));
                }
                // Folders, `done` and `failed` among them, are not meant. A file that is gone meanwhile neither.
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => look.strange.push((name, error.to_string())),
            }
        }
        Ok(look)
    }

    /// Whether a file of that name is there.
    pub(super) fn holds(&self, name: &str) -> bool {
        !name.contains('/') && fs::symlink_metadata(self.path.join(name)).is_ok()
    }

    /// Opens a file that was found, if it still is that file.
    pub(super) fn open(&self, name: &str) -> io::Result<(File, Stamp)> {
        // Not a link, whatever happened since it was listed; and not waiting for the other end of a pipe.
        let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or_default();
        let file = fs::OpenOptions::new().read(true).custom_flags(flags).open(self.path.join(name))?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
        }
        let stamp = stamp(&metadata);
        Ok((file, stamp))
    }

    /// Moves a file into a folder beside it, unless another one has taken its name meanwhile. Gives the name it has there.
    pub(super) fn shelve(&self, name: &str, stamp_read: Stamp, shelf: &str) -> io::Result<Option<String>> {
        let from = self.path.join(name);
        match fs::symlink_metadata(&from) {
            Ok(metadata) if stamp(&metadata) == stamp_read => {}
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        }
        let shelf = self.path.join(shelf);
        match fs::create_dir(&shelf) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if !fs::symlink_metadata(&shelf)?.is_dir() {
                    let message = format!("{} is not a folder", shelf.display());
                    return Err(io::Error::new(io::ErrorKind::NotADirectory, message));
                }
            }
            Err(error) => return Err(error),
        }
        for n in 1..=MOST_NUMBERED {
            let target = numbered(name, n);
            match rename_new(&from, &shelf.join(&target)) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
                Ok(()) => return Ok(Some(target)),
            }
        }
        Err(io::Error::new(io::ErrorKind::AlreadyExists, "too many files have had this name"))
    }
}

/// Renames, but never over a file that is there.
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Some network file systems cannot; there, looking first has to do.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            if fs::symlink_metadata(to).is_ok() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            fs::rename(from, to)
        }
        other => other.map_err(io::Error::from),
    }
}

pub(super) fn stamp(metadata: &fs::Metadata) -> Stamp {
    let modified = metadata.modified().unwrap_or(std::time::UNIX_EPOCH);
    Stamp { size: metadata.len(), modified, inode: metadata.ino() }
}

/// The checksum of an open file from its start: half of its SHA-256, in hexadecimal. `None` when told to stop.
pub(super) fn checksum(file: &mut File, stop: &CancellationToken) -> io::Result<Option<String>> {
    let mut hasher = Sha256::new();
    let mut block = vec![0_u8; 256 * 1024];
    loop {
        if stop.is_cancelled() {
            return Ok(None);
        }
        match file.read(&mut block) {
            Ok(0) => return Ok(Some(hex::encode(&hasher.finalize()[..16]))),
            Ok(n) => hasher.update(&block[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
