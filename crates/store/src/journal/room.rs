//! The reserve: space kept back so that intake stops early while outcomes of deliveries can still be written.
//!
//! Two parts. Intake stops when less than the reserve is free. And a file of the same size holds space that nobody else
//! on the disk can take; when even the free part has nearly gone, that file is removed, and made again when there is
//! plenty.

use std::io;
use std::path::{Path, PathBuf};

use lineshaft_model::Millis;

use super::disk::{Access, Disk};

const FILE_NAME: &str = "reserve";

/// How old an answer may be.
const CHECK_EVERY_MS: i64 = 100;

/// How much may be appended on an old answer.
const CHECK_EVERY_BYTES: u64 = 8 << 20;

/// Watches the free space.
#[derive(Debug)]
pub(crate) struct Room {
    reserve_bytes: u64,
    path: PathBuf,
    holds_file: bool,
    has_room: bool,
    checked: Option<Millis>,
    appended_bytes: u64,
}

impl Room {
    pub(crate) fn new(dir: &Path, reserve_bytes: u64) -> Self {
        Self {
            reserve_bytes,
            path: dir.join(FILE_NAME),
            holds_file: false,
            has_room: true,
            checked: None,
            appended_bytes: 0,
        }
    }

    /// Notes that so many bytes were appended.
    pub(crate) const fn appended(&mut self, bytes: u64) {
        self.appended_bytes = self.appended_bytes.saturating_add(bytes);
    }

    /// Whether there is room for more input, looking at the disk when the last look is too long ago.
    pub(crate) fn check(&mut self, disk: &dyn Disk, dir: &Path, now: Millis) -> bool {
        let recent = self.checked.is_some_and(|at| (0..CHECK_EVERY_MS).contains(&(now.0 - at.0)));
        if self.reserve_bytes > 0 && !(recent && self.appended_bytes < CHECK_EVERY_BYTES) {
            self.checked = Some(now);
            self.appended_bytes = 0;
            self.look(disk, dir);
        }
        self.has_room
    }

    fn look(&mut self, disk: &dyn Disk, dir: &Path) {
        // A disk that does not answer has no room to promise.
        let free = disk.free_bytes(dir).unwrap_or(0);
        // More must be free to begin again than to go on, so that the answer does not flutter.
        let margin = if self.has_room { 0 } else { self.reserve_bytes / 8 };
        self.has_room = free >= self.reserve_bytes.saturating_add(margin);
        if self.holds_file && free < self.reserve_bytes / 4 {
            self.let_go(disk);
        } else if !self.holds_file && free >= self.reserve_bytes.saturating_mul(3) {
            self.holds_file = self.take(disk).is_ok();
        }
    }

    /// Takes note of a reserve file that an earlier run left, and looks at the disk for the first time.
    pub(crate) fn begin(&mut self, disk: &dyn Disk, dir: &Path, now: Millis) -> bool {
        let held = disk.open(&self.path, Access::Read).and_then(|file| file.size());
        match held {
            Ok(size) if size == self.reserve_bytes && size > 0 => self.holds_file = true,
            Ok(_) => self.let_go(disk),
            Err(_) => {}
        }
        self.check(disk, dir, now)
    }

    fn take(&self, disk: &dyn Disk) -> io::Result<()> {
        let file = disk.open(&self.path, Access::Create)?;
        let taken = file.allocate(self.reserve_bytes);
        if taken.is_err() {
            disk.remove(&self.path)?;
        }
        taken
    }

    fn let_go(&mut self, disk: &dyn Disk) {
        if disk.remove(&self.path).is_ok() {
            self.holds_file = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::disk::sim::SimDisk;

    const DIR: &str = "/j";

    fn room(disk: &SimDisk) -> Room {
        disk.create_dir(Path::new(DIR)).unwrap();
        Room::new(Path::new(DIR), 1000)
    }

    #[test]
    fn intake_stops_before_the_reserve_is_touched_and_begins_again_with_a_margin() {
        let disk = SimDisk::new(1);
        let mut room = room(&disk);
        let mut free = |bytes: u64, now: i64| {
            disk.set_free_bytes(Some(bytes));
            room.check(&disk, Path::new(DIR), Millis(now))
        };
        assert!(free(1000, 0));
        assert!(!free(999, 1000));
        assert!(!free(1124, 2000));
        assert!(free(1125, 3000));
    }

    #[test]
    fn the_disk_is_asked_only_now_and_then() {
        let disk = SimDisk::new(1);
        let mut room = room(&disk);
        assert!(room.check(&disk, Path::new(DIR), Millis(0)));
        disk.set_free_bytes(Some(0));
        assert!(room.check(&disk, Path::new(DIR), Millis(CHECK_EVERY_MS - 1)));
        room.appended(CHECK_EVERY_BYTES);
        assert!(!room.check(&disk, Path::new(DIR), Millis(CHECK_EVERY_MS - 1)));
    }

    #[test]
    fn a_clock_set_back_does_not_stop_the_checks() {
        let disk = SimDisk::new(1);
        let mut room = room(&disk);
        assert!(room.check(&disk, Path::new(DIR), Millis(1_000_000)));
        disk.set_free_bytes(Some(0));
        assert!(!room.check(&disk, Path::new(DIR), Millis(5)));
    }

    #[test]
    fn the_reserve_file_is_taken_when_there_is_plenty_and_let_go_in_need() {
        let disk = SimDisk::new(1);
        let mut room = room(&disk);
        let exists = || disk.open(&Path::new(DIR).join(FILE_NAME), Access::Read).is_ok();
        disk.set_free_bytes(Some(3000));
        room.begin(&disk, Path::new(DIR), Millis(0));
        assert!(exists());
        disk.set_free_bytes(Some(250));
        room.check(&disk, Path::new(DIR), Millis(1000));
        assert!(exists());
        disk.set_free_bytes(Some(249));
        room.check(&disk, Path::new(DIR), Millis(2000));
        assert!(!exists());
    }
}
