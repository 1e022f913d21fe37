//! A disk in memory that loses power, fails and fills up when it is told to, the same way for the same seed.
//!
//! It promises what [`super::Disk`] promises and no more. [`SimDisk::after`] gives the disk as a power cut may leave it:
//! unsynced changes kept, lost, torn at a byte, or kept sector by sector in any order. A failed sync leaves what was
//! written visible but never makes it durable, as operating systems do.

mod contents;
mod file;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use contents::{Chance, Change, Contents, NameChange};
use file::SimFile;

use super::{Access, Disk, File, Held};

/// What happens at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It fails. A write may have been done in part; a failed sync never makes durable what it should have.
    Error,
    /// The disk is full: a call that needs space fails, others go well.
    NoSpace,
    /// It does nothing and fails, because the process is killed there. What was written before stays to be seen by the
    /// next process, durable or not.
    Kill,
    /// The power goes while it is at work. This call and all later ones fail.
    PowerCut,
}

/// How much of what was not synced is there after a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Nothing.
    Nothing,
    /// Everything.
    Everything,
    /// The changes in the order they were made, up to this many units; see [`SimDisk::unsynced`].
    Prefix(u64),
    /// Files have become longer, but what was written is not in them: they have zeros there.
    Zeros,
    /// Each changed sector, length and name is there or not, by chance, and one sector may be torn.
    Sectors(u64),
}

/// The disk. A clone is the same disk.
#[derive(Clone, Debug)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    /// What a process sees.
    seen: Contents,
    /// What survives whatever happens.
    durable: Contents,
    /// What was changed since, in order.
    unsynced: Vec<Change>,
    next_file: u64,
    locks: BTreeSet<PathBuf>,
    calls: u64,
    faults: BTreeMap<u64, Fault>,
    power: bool,
    free_bytes: Option<u64>,
    chance: Chance,
}

impl SimDisk {
    /// An empty disk. The seed decides how much of a failing write is done.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::with(Contents::default(), seed)
    }

    fn with(contents: Contents, seed: u64) -> Self {
        let next_file = contents.files.keys().next_back().map_or(0, |last| last + 1);
        let state = State {
            seen: contents.clone(),
            durable: contents,
            unsynced: Vec::new(),
            next_file,
            locks: BTreeSet::new(),
            calls: 0,
            faults: BTreeMap::new(),
            power: true,
            free_bytes: None,
            chance: Chance(seed),
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// How many calls so far changed or synced something. Only these count for [`SimDisk::fail_at`].
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.state.lock().calls
    }

    /// Makes the call with this number fail. The first call has number 1.
    pub fn fail_at(&self, call: u64, fault: Fault) {
        self.state.lock().faults.insert(call, fault);
    }

    /// Whether a power cut has struck.
    #[must_use]
    pub fn is_off(&self) -> bool {
        !self.state.lock().power
    }

    /// Sets the free space that is reported and that writes use up; `None` for plenty.
    pub fn set_free_bytes(&self, free_bytes: Option<u64>) {
        self.state.lock().free_bytes = free_bytes;
    }

    /// How much is not synced: a byte written counts one, and so does a changed length or name.
    #[must_use]
    pub fn unsynced(&self) -> u64 {
        self.state.lock().unsynced.iter().map(Change::units).sum()
    }

    /// Another disk: this one as a power cut at this moment may leave it, with the power back.
    #[must_use]
    pub fn after(&self, cut: Cut) -> Self {
        let state = self.state.lock();
        let mut left = state.durable.clone();
        let changes = &state.unsynced;
        match cut {
            Cut::Nothing => {}
            Cut::Everything => changes.iter().for_each(|change| left.apply(change)),
            Cut::Prefix(mut units) => {
                for change in changes {
                    left.apply_part(change, units);
                    units = units.saturating_sub(change.units());
                }
            }
            Cut::Zeros => {
                for change in changes {
                    match change {
                        Change::Data { file, offset, bytes, .. } => {
                            let end = *offset as usize + bytes.len();
                            let content = left.files.entry(*file).or_default();
                            content.resize(content.len().max(end), 0);
                        }
                        other => left.apply(other),
                    }
                }
            }
            Cut::Sectors(seed) => {
                let mut chance = Chance(seed);
                changes.iter().for_each(|change| left.apply_by_chance(change, &mut chance));
            }
        }
        // A name may have survived without anything of its file.
        for file in left.names.values() {
            left.files.entry(*file).or_default();
        }
        Self::with(left, state.chance.0)
    }

    /// What a file holds, as a process sees it.
    #[must_use]
    pub fn contents(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state.lock();
        state.seen.names.get(path).and_then(|file| state.seen.files.get(file)).cloned()
    }

    /// Puts a file there, durable.
    pub fn put(&self, path: &Path, contents: &[u8]) {
        let mut state = self.state.lock();
        let file = state.next_file;
        state.next_file += 1;
        for side in [Side::Seen, Side::Durable] {
            let side = state.side(side);
            side.names.insert(path.to_owned(), file);
            side.files.insert(file, contents.to_vec());
        }
    }

    /// Flips one bit of what is stored, as decay does. Bits count from the file's start, the lowest of each byte first.
    pub fn flip(&self, path: &Path, bit: u64) {
        let mut state = self.state.lock();
        for side in [Side::Seen, Side::Durable] {
            let side = state.side(side);
            let content = side.names.get(path).and_then(|file| side.files.get_mut(file));
            if let Some(byte) = content.and_then(|content| content.get_mut((bit / 8) as usize)) {
                *byte ^= 1 << (bit % 8);
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Side {
    Seen,
    Durable,
}

/// What a call that changes something is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    /// Needs space on the disk.
    Grow,
    Other,
}

impl State {
    const fn side(&mut self, side: Side) -> &mut Contents {
        match side {
            Side::Seen => &mut self.seen,
            Side::Durable => &mut self.durable,
        }
    }

    fn powered(&self) -> io::Result<()> {
        if self.power { Ok(()) } else { Err(io::Error::other("the power is off")) }
    }

    /// Counts a call. The outer result is that of a call that must do nothing, the inner one what it must return after
    /// having done what it does.
    fn count(&mut self, call: Call) -> io::Result<io::Result<()>> {
        self.powered()?;
        self.calls += 1;
        match self.faults.get(&self.calls) {
            None => Ok(Ok(())),
            Some(Fault::NoSpace) if call == Call::Other => Ok(Ok(())),
            Some(Fault::NoSpace) => Err(ErrorKind::StorageFull.into()),
            Some(Fault::Error) => Err(io::Error::other("the disk failed")),
            Some(Fault::Kill) => Err(io::Error::other("the process is killed")),
            Some(Fault::PowerCut) => {
                self.power = false;
                Ok(Err(io::Error::other("the power is off")))
            }
        }
    }

    /// Whether the call counted last was to be the process's end.
    fn is_killed(&self) -> bool {
        self.faults.get(&self.calls) == Some(&Fault::Kill)
    }

    fn change(&mut self, change: Change) {
        self.seen.apply(&change);
        self.unsynced.push(change);
    }

    /// Takes space for a file to become `length` long, or gives it back.
    fn resize(&mut self, file: u64, length: u64) -> io::Result<()> {
        let held = self.seen.files.get(&file).map_or(0, Vec::len) as u64;
        if let Some(free) = &mut self.free_bytes {
            *free = (*free + held).checked_sub(length).ok_or(ErrorKind::StorageFull)?;
        }
        Ok(())
    }

    fn sync(&mut self, is_meant: impl Fn(&Change) -> bool) {
        let (synced, rest) = std::mem::take(&mut self.unsynced)
            .into_iter()
            .partition(|change| is_meant(change) && !change.is_lost());
        self.unsynced = rest;
        let synced: Vec<Change> = synced;
        synced.iter().for_each(|change| self.durable.apply(change));
    }

    fn file_named(&self, path: &Path) -> io::Result<u64> {
        self.seen.names.get(path).copied().ok_or_else(|| ErrorKind::NotFound.into())
    }
}

impl Disk for SimDisk {
    fn create_dir(&self, _dir: &Path) -> io::Result<()> {
        self.state.lock().powered()
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<File> {
        let mut state = self.state.lock();
        state.powered()?;
        let file = if access == Access::Create {
            if state.seen.names.contains_key(path) {
                return Err(ErrorKind::AlreadyExists.into());
            }
            let end = state.count(Call::Grow)?;
            let file = state.next_file;
            state.next_file += 1;
            state.seen.files.insert(file, Vec::new());
            state.durable.files.insert(file, Vec::new());
            state.change(Change::Name(NameChange::Make { path: path.to_owned(), file }));
            end?;
            file
        } else {
            state.file_named(path)?
        };
        let writable = access != Access::Read;
        Ok(Arc::new(SimFile { state: Arc::clone(&self.state), file, writable }))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let state = self.state.lock();
        state.powered()?;
        Ok(state.seen.names.keys().filter(|path| path.parent() == Some(dir)).cloned().collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        let file = state.file_named(from)?;
        let end = state.count(Call::Other)?;
        let (from, to) = (from.to_owned(), to.to_owned());
        state.change(Change::Name(NameChange::Rename { from, to, file }));
        end
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        let file = state.file_named(path)?;
        let end = state.count(Call::Other)?;
        state.resize(file, 0)?;
        state.change(Change::Name(NameChange::Remove { path: path.to_owned() }));
        end
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.count(Call::Other)??;
        state.sync(|change| change.is_in(dir));
        Ok(())
    }

    fn free_bytes(&self, _dir: &Path) -> io::Result<u64> {
        let state = self.state.lock();
        state.powered()?;
        Ok(state.free_bytes.unwrap_or(u64::MAX))
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Held>> {
        let mut state = self.state.lock();
        state.powered()?;
        if !state.locks.insert(path.to_owned()) {
            return Ok(None);
        }
        Ok(Some(Box::new(Lock { state: Arc::clone(&self.state), path: path.to_owned() })))
    }
}

struct Lock {
    state: Arc<Mutex<State>>,
    path: PathBuf,
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.state.lock().locks.remove(&self.path);
    }
}

#[cfg(test)]
mod tests;
