//! The disk port: every file operation of the journal, so that a simulated disk can lose power in the middle of it.
//!
//! A disk keeps two promises and no others. What was written to a file before a successful `sync_data` or `sync_all`
//! of that file survives a power cut. A file that was created, renamed or removed before a successful `sync_dir` of its
//! folder stays so. Everything else may be there afterwards, or not, or in part, in any order.

mod real;
pub mod sim;

use std::any::Any;
use std::fmt::Debug;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use real::RealDisk;

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// An existing file, to read it.
    Read,
    /// An existing file, to read and change it.
    Write,
    /// A new file, to read and change it. One that exists is an error.
    Create,
}

/// An open file.
pub type File = Arc<dyn DiskFile>;

/// What holds a lock; dropping it lets go.
pub type Held = Box<dyn Any + Send + Sync>;

/// Folders and the files in them.
pub trait Disk: Debug + Send + Sync {
    /// Makes a folder with all its parents; well if it exists.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;

    /// Opens a file.
    fn open(&self, path: &Path, access: Access) -> io::Result<File>;

    /// The files of a folder, in no order, without its folders.
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>>;

    /// Gives a file another name in the same folder.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the creations, renames and removals in a folder durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Bytes that this process may still use on the file system of `dir`.
    fn free_bytes(&self, dir: &Path) -> io::Result<u64>;

    /// Locks a file, made when missing, against other processes. `None` when somebody else holds the lock.
    fn lock(&self, path: &Path) -> io::Result<Option<Held>>;
}

/// A file. All offsets are in bytes from its start.
pub trait DiskFile: Debug + Send + Sync {
    /// Its length.
    fn size(&self) -> io::Result<u64>;

    /// Fills `buf`; an error of kind `UnexpectedEof` when the file ends before.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()>;

    /// Writes all the parts one after the other, in one system call where possible, and lengthens the file if needed.
    fn write_at(&self, parts: &[&[u8]], offset: u64) -> io::Result<()>;

    /// Cuts the file, or lengthens it with zeros.
    fn truncate(&self, length: u64) -> io::Result<()>;

    /// Reserves space so that the file is at least `length` long, with zeros where nothing was written.
    fn allocate(&self, length: u64) -> io::Result<()>;

    /// Makes what was written durable, and what is needed to read it back.
    fn sync_data(&self) -> io::Result<()>;

    /// Makes what was written durable, with all that is known of the file.
    fn sync_all(&self) -> io::Result<()>;

    /// Forgets what is only remembered and not on the disk, so that what is read next is what the disk holds.
    ///
    /// After a failed sync the kernel may keep pages that never reached the disk and report the next sync as well.
    fn drop_cache(&self) -> io::Result<()>;
}

impl<D: Disk + ?Sized> Disk for Arc<D> {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        (**self).create_dir(dir)
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<File> {
        (**self).open(path, access)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        (**self).list(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        (**self).rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        (**self).remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        (**self).sync_dir(dir)
    }

    fn free_bytes(&self, dir: &Path) -> io::Result<u64> {
        (**self).free_bytes(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Held>> {
        (**self).lock(path)
    }
}

/// The parts as the system call wants them, without the first `skip` bytes.
fn slices_from<'a>(parts: &[&'a [u8]], mut skip: usize) -> Vec<IoSlice<'a>> {
    let mut slices = Vec::with_capacity(parts.len());
    for part in parts {
        let rest = part.get(skip..).unwrap_or_default();
        skip = skip.saturating_sub(part.len());
        if !rest.is_empty() {
            slices.push(IoSlice::new(rest));
        }
    }
    slices
}
