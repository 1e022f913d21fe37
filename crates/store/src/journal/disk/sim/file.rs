//! The files of a simulated disk.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use parking_lot::Mutex;

use super::contents::Change;
use super::{Call, State};
use crate::journal::disk::DiskFile;

pub(super) struct SimFile {
    pub(super) state: Arc<Mutex<State>>,
    pub(super) file: u64,
    pub(super) writable: bool,
}

impl std::fmt::Debug for SimFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimFile").field("file", &self.file).finish_non_exhaustive()
    }
}

impl SimFile {
    fn check_writable(&self) -> io::Result<()> {
        if self.writable { Ok(()) } else { Err(ErrorKind::PermissionDenied.into()) }
    }

    fn set_length(&self, length: u64, call: Call) -> io::Result<()> {
        self.check_writable()?;
        let mut state = self.state.lock();
        let end = state.count(call)?;
        state.resize(self.file, length)?;
        state.change(Change::Length { file: self.file, length, lost: false });
        end
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        let before = state.calls;
        let ends = state.count(Call::Other);
        if let Err(error) = ends {
            // What should have become durable never will, though it can still be seen.
            if state.calls > before && !state.is_killed() {
                let own = state.unsynced.iter_mut().filter(|change| change.is_of(self.file));
                own.for_each(Change::lose);
            }
            return Err(error);
        }
        ends??;
        state.sync(|change| change.is_of(self.file));
        Ok(())
    }
}

impl DiskFile for SimFile {
    fn size(&self) -> io::Result<u64> {
        let state = self.state.lock();
        state.powered()?;
        Ok(state.seen.files.get(&self.file).map_or(0, Vec::len) as u64)
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        let state = self.state.lock();
        state.powered()?;
        let content = state.seen.files.get(&self.file).map(Vec::as_slice).unwrap_or_default();
        let end = offset.saturating_add(buf.len() as u64);
        let found = content.get(offset as usize..end as usize).ok_or(ErrorKind::UnexpectedEof)?;
        buf.copy_from_slice(found);
        Ok(())
    }

    fn write_at(&self, parts: &[&[u8]], offset: u64) -> io::Result<()> {
        self.check_writable()?;
        let mut bytes = parts.concat();
        let mut state = self.state.lock();
        let before = state.calls;
        let counted = state.count(Call::Grow);
        let end = match counted {
            Ok(end) => end,
            Err(error) if state.calls > before && !state.is_killed() => {
                // A failing write may have been done in part.
                let done = state.chance.below(bytes.len() as u64 + 1);
                bytes.truncate(done as usize);
                Err(error)
            }
            Err(error) => return Err(error),
        };
        let held = state.seen.files.get(&self.file).map_or(0, Vec::len) as u64;
        state.resize(self.file, held.max(offset + bytes.len() as u64))?;
        state.change(Change::Data { file: self.file, offset, bytes, lost: false });
        end
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.set_length(length, Call::Other)
    }

    fn allocate(&self, length: u64) -> io::Result<()> {
        let held = self.size()?;
        self.set_length(length.max(held), Call::Grow)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync()
    }

    fn drop_cache(&self) -> io::Result<()> {
        let mut guard = self.state.lock();
        guard.powered()?;
        let state = &mut *guard;
        state.unsynced.retain(|change| !(change.is_of(self.file) && change.is_lost()));
        let on_disk = state.durable.files.get(&self.file).cloned().unwrap_or_default();
        state.seen.files.insert(self.file, on_disk);
        for change in state.unsynced.iter().filter(|change| change.is_of(self.file)) {
            state.seen.apply(change);
        }
        Ok(())
    }
}
