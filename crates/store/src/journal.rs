//! The file journal: every fact in one ordered, checksummed, append-only log on the local disk.
//!
//! # Layout
//!
//! A journal is a folder of segment files, each named by the position of its first record, `00000000000000000001.seg`.
//! Beside them lie `lock` (held by the process that writes), perhaps `reserve` (space kept back), perhaps a segment being
//! made (`.seg.new`), and files of others. All integers are little endian. All checksums are CRC32C.
//!
//! A segment is a header, frames, and once it is closed a seal; what follows in a segment not closed are zeros.
//!
//! ```text
//! segment header, 64 bytes
//! 0   8  magic: 89 4C 53 48 41 46 54 0A
//! 8   4  format version, 1
//! 12  4  checksum of the seal of the segment before; 0 in the first segment of a journal
//! 16  8  position of the first record
//! 24  8  when it was made, milliseconds since 1970 UTC, signed
//! 32  8  id of the journal, a random number
//! 40 20  zeros
//! 60  4  checksum of bytes 0..60
//!
//! frame, what one append writes
//! 0   4  magic: 4C 53 46 F5
//! 4   4  number of records, at least 1
//! 8   8  position of the first record
//! 16  8  when it was written, milliseconds since 1970 UTC, signed
//! 24  4  length of the body
//! 28  4  checksum (bytes 36..40) of the frame before; of the segment header in the first frame of a segment
//! 32  4  checksum of all record headers in the body, one after the other
//! 36  4  checksum of the id of the journal (8 bytes) and bytes 0..36
//! 40  .. body: the records
//! ..  4  end mark: A5 4C 53 B7
//!
//! record
//! 0   4  length of the payload
//! 4   1  kind
//! 5   1  version of the payload's form
//! 6   4  checksum of bytes 0..6 and the payload
//! 10  .. payload
//!
//! seal, a frame with number of records 0
//! 8   8  position of the first record of the next segment
//! 32  4  checksum of the body
//! 40  .. body: entries of 12 bytes each, then 8 bytes, the offset of the seal in the file
//! ..  4  end mark
//!
//! entry, for a record at most every 16 KiB
//! 0   4  position, counted from the segment's first
//! 4   4  offset of its frame in the file
//! 8   4  offset of the record in the file
//! ```
//!
//! A payload is hashed once: the frame's checksum covers the record headers, and these hold the payloads' checksums. The
//! header's own checksum starts from the id, so that a frame sent in inside a payload never passes for one of ours.
//!
//! # Durability
//!
//! An append is one write and one `fdatasync`; the next one starts when it is durable. A new segment is made under another
//! name, synced, renamed, and the folder synced, before a frame goes into it; the one before is sealed and synced first.
//! So at most the last frame or seal of the last segment can be torn. [`Journal::open`] cuts it off, tells it from
//! damage (see `damage.rs`), and refuses to open a journal of which something durable does not hold.

pub mod disk;

mod damage;
mod error;
mod export;
mod frame;
mod look;
mod reader;
mod recover;
mod room;
mod seal;
mod segment;
mod shelf;
mod table;
mod verify;
mod walk;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use lineshaft_model::{Millis, Position, Reason};
use lineshaft_ports::journal::{
    Appended, Batch, Fatal, Journal as JournalPort, JournalRead, RECORD_HEADER_BYTES,
};

use damage::Expected;
use disk::{Access, Disk, File, Held};
use frame::{AROUND_BYTES, END_MARK, Salt};
use room::Room;
use shelf::Shelf;

pub use error::JournalError;
pub use export::{ExportError, Render, export};
pub use look::{Stat, read_only, stat};
pub use reader::{Reader, Stream};
pub use segment::{FORMAT_VERSION, SegmentInfo};
pub use verify::{Fault, Progress, Verified, verify};

const LOCK_FILE: &str = "lock";

/// How a journal is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// A segment is closed when the next batch would make it longer. A batch longer than this gets a segment of its own.
    /// Between 4 KiB and 1 GiB.
    pub segment_bytes: u64,
    /// Reserve the space of a segment when it is made. Syncs are faster then, because the file's length stays, and the
    /// disk cannot run full in the middle of a segment.
    pub preallocate: bool,
    /// Intake stops when less is free on the disk; zero keeps no reserve. As much again is held in a file while there
    /// is plenty.
    pub reserve_bytes: u64,
    /// A position that the caller knows to have been durable, for instance the one the views have applied. A journal that
    /// ends before it is refused instead of cut. Zero when nothing is known.
    pub known_durable: Position,
    /// The id of a journal that is made anew; chosen at random when not given. Only a simulation gives one.
    pub journal: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            preallocate: true,
            reserve_bytes: 256 << 20,
            known_durable: Position::ZERO,
            journal: None,
        }
    }
}

impl Options {
    fn check(&self) -> Result<(), JournalError> {
        if (4 << 10..=1 << 30).contains(&self.segment_bytes) {
            return Ok(());
        }
        let what = format!("segments of {} bytes are not between 4 KiB and 1 GiB", self.segment_bytes);
        Err(JournalError::Options { what })
    }
}

/// What the journal asked of the disk since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Writes.
    pub writes: u64,
    /// Syncs of files and folders.
    pub syncs: u64,
    /// Bytes written.
    pub bytes: u64,
}

/// The writing side of a file journal.
#[derive(Debug)]
pub struct Journal {
    shelf: Arc<Shelf>,
    options: Options,
    id: u64,
    file: File,
    path: PathBuf,
    /// Where the next frame goes.
    offset: u64,
    /// What the next frame must follow.
    expected: Expected,
    room: Room,
    work: Work,
    torn_bytes: u64,
    /// Why nothing may be written any more.
    failed: Option<Reason>,
    /// Given up when the journal is dropped.
    _lock: Held,
}

impl Journal {
    /// Opens the journal in `dir`, or makes one. `now` is the time at which a new segment was made, should one be needed.
    ///
    /// What a crash left is brought in order: a frame that was never acknowledged is cut off. A journal of which
    /// anything else does not hold is left as it is and refused.
    pub fn open(
        disk: impl Disk + 'static,
        dir: impl AsRef<Path>,
        options: Options,
        now: Millis,
    ) -> Result<Self, JournalError> {
        options.check()?;
        let disk: Arc<dyn Disk> = Arc::new(disk);
        let dir = dir.as_ref().to_owned();
        disk.create_dir(&dir).map_err(JournalError::io("make", &dir))?;
        let lock = lock(&*disk, &dir)?;
        let recovered = recover::recover(&*disk, &dir, &options, now)?;
        let recover::Recovered { journal, closed, active, expected, torn_bytes } = recovered;
        if torn_bytes > 0 {
            let (path, after) = (&active.info.path, active.info.last);
            tracing::info!(segment = %path.display(), %after, torn_bytes, "cut off a frame that was never acknowledged");
        }
        let file = Arc::clone(&active.file);
        let path = active.info.path.clone();
        let offset = active.info.bytes;
        let mut room = Room::new(&dir, options.reserve_bytes);
        let has_room = room.begin(&*disk, &dir, now);
        let shelf = Shelf::new(disk, dir, Salt::of(journal), closed, active);
        shelf.has_room.store(has_room, Ordering::Relaxed);
        Ok(Self {
            shelf: Arc::new(shelf),
            options,
            id: journal,
            file,
            path,
            offset,
            expected,
            room,
            work: Work::default(),
            torn_bytes,
            failed: None,
            _lock: lock,
        })
    }

    /// Appends a batch and returns when it is durable; see [`JournalPort::append`].
    pub fn append(&mut self, batch: &Batch, now: Millis) -> Result<Appended, Fatal> {
        self.refuse_after_failure()?;
        let first = self.expected.first;
        let segment = self.shelf.with_active(|active| active.info.first);
        if batch.is_empty() {
            let last = Position(first.0 - 1);
            return Ok(Appended { first, last, bytes: 0, segment, closed: None });
        }
        let frame_bytes = (batch.body().len() + AROUND_BYTES) as u64;
        let full = self.offset > segment::HEADER_BYTES as u64
            && self.offset + frame_bytes > self.options.segment_bytes;
        let closed = full.then_some(segment);
        if full {
            self.start_next_segment(now).map_err(|error| self.fail(error))?;
        }
        self.write_frame(batch, now).map_err(|error| self.fail(error))?;
        let last = Position(self.expected.first.0 - 1);
        let segment = if full { first } else { segment };
        Ok(Appended { first, last, bytes: frame_bytes, segment, closed })
    }

    fn write_frame(&mut self, batch: &Batch, now: Millis) -> Result<(), JournalError> {
        let header = frame::header_for(batch, self.expected.first, now, self.expected.previous);
        let (head, check) = header.encode(self.shelf.salt);
        let at = self.offset;
        self.write(&[&head, batch.body(), &END_MARK], at)?;
        self.work.syncs += 1;
        self.file.sync_data().map_err(JournalError::io("sync", &self.path))?;
        self.offset = at + header.frame_bytes();
        self.expected = Expected { first: header.next(), previous: check };
        self.room.appended(header.frame_bytes());
        let last = Position(header.next().0 - 1);
        let lengths = batch.records().map(|record| (RECORD_HEADER_BYTES + record.payload.len()) as u64);
        self.shelf.publish(at, header.first, last, self.offset, lengths);
        Ok(())
    }

    fn write(&mut self, parts: &[&[u8]], offset: u64) -> Result<(), JournalError> {
        self.work.writes += 1;
        self.work.bytes += parts.iter().map(|part| part.len() as u64).sum::<u64>();
        self.file.write_at(parts, offset).map_err(JournalError::io("write", &self.path))
    }

    /// Seals the segment being written and makes the next one.
    fn start_next_segment(&mut self, now: Millis) -> Result<(), JournalError> {
        let Expected { first, previous } = self.expected;
        let (at, salt) = (self.offset, self.shelf.salt);
        let (seal, check) =
            self.shelf.with_active(|active| seal::encode(&active.table, at, first, now, previous, salt));
        let sealed_bytes = at + seal.len() as u64;
        self.write(&[&seal], at)?;
        self.file.truncate(sealed_bytes).map_err(JournalError::io("cut", &self.path))?;
        self.file.sync_all().map_err(JournalError::io("sync", &self.path))?;
        let header = segment::SegmentHeader { journal: self.id, first, created: now, previous: check };
        let shelf = &self.shelf;
        let (active, check) = recover::make_segment(&*shelf.disk, &shelf.dir, &header, &self.options)?;
        self.work.syncs += 3;
        self.work.writes += 1;
        self.work.bytes += segment::HEADER_BYTES as u64;
        self.file = Arc::clone(&active.file);
        self.path.clone_from(&active.info.path);
        self.offset = segment::HEADER_BYTES as u64;
        self.expected = Expected { first, previous: check };
        self.shelf.close_active(sealed_bytes, active);
        Ok(())
    }

    /// Drops the oldest segments while all their records stand before `keep`; see [`JournalPort::trim_before`].
    pub fn trim_before(&mut self, keep: Position) -> Result<Position, Fatal> {
        self.refuse_after_failure()?;
        for segment in self.shelf.closed_before(keep) {
            self.shelf.forget(segment.first);
            self.drop_file(&segment.path).map_err(|error| self.fail(error))?;
        }
        Ok(self.shelf.first())
    }

    /// Each removal is made durable before the next, so that a power cut never leaves a gap.
    fn drop_file(&mut self, path: &Path) -> Result<(), JournalError> {
        let Shelf { disk, dir, .. } = &*self.shelf;
        disk.remove(path).map_err(JournalError::io("remove", path))?;
        self.work.syncs += 1;
        disk.sync_dir(dir).map_err(JournalError::io("sync", dir))
    }

    /// Whether there is room for more input; see [`JournalPort::has_room`]. Looks at the disk at most every 100 ms, or
    /// every 8 MiB appended.
    pub fn has_room(&mut self, now: Millis) -> bool {
        let has_room = self.room.check(&*self.shelf.disk, &self.shelf.dir, now);
        self.shelf.has_room.store(has_room, Ordering::Relaxed);
        has_room
    }

    /// The reading side, for use on other threads.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader::new(Arc::clone(&self.shelf))
    }

    /// The first position still kept; the position the next record will take when there is none.
    #[must_use]
    pub fn first(&self) -> Position {
        self.shelf.first()
    }

    /// The last durable position; the one before [`Journal::first`] when the journal is empty.
    #[must_use]
    pub fn end(&self) -> Position {
        self.shelf.end()
    }

    /// The journal's id, a random number chosen when it was made.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// The segments in order, the one being written last.
    #[must_use]
    pub fn segments(&self) -> Vec<SegmentInfo> {
        self.shelf.list()
    }

    /// What was asked of the disk so far.
    #[must_use]
    pub const fn work(&self) -> Work {
        self.work
    }

    /// How many bytes of a frame that was never acknowledged were cut off at open.
    #[must_use]
    pub const fn torn_bytes(&self) -> u64 {
        self.torn_bytes
    }

    fn refuse_after_failure(&self) -> Result<(), Fatal> {
        self.failed.as_ref().map_or(Ok(()), |reason| Err(Fatal { reason: reason.clone(), source: None }))
    }

    /// After an error nobody knows what is on the disk: a sync that is tried again may succeed without having written.
    fn fail(&mut self, error: JournalError) -> Fatal {
        let fatal = Fatal::from(error);
        self.failed = Some(fatal.reason.clone());
        fatal
    }
}

impl JournalPort for Journal {
    fn append(&mut self, batch: &Batch, now: Millis) -> Result<Appended, Fatal> {
        Self::append(self, batch, now)
    }

    fn trim_before(&mut self, keep: Position) -> Result<Position, Fatal> {
        Self::trim_before(self, keep)
    }

    fn has_room(&mut self, now: Millis) -> bool {
        Self::has_room(self, now)
    }

    fn reader(&self) -> Arc<dyn JournalRead> {
        Arc::new(Self::reader(self))
    }
}

fn lock(disk: &dyn Disk, dir: &Path) -> Result<Held, JournalError> {
    let path = dir.join(LOCK_FILE);
    if let Some(held) = disk.lock(&path).map_err(JournalError::io("lock", &path))? {
        return Ok(held);
    }
    Err(JournalError::Locked { dir: dir.to_owned(), holder: holder(disk, &path).unwrap_or_default() })
}

/// Who holds the lock, as that process wrote it down.
fn holder(disk: &dyn Disk, path: &Path) -> Option<String> {
    let file = disk.open(path, Access::Read).ok()?;
    let mut text = vec![0; usize::try_from(file.size().ok()?.min(20)).ok()?];
    file.read_at(&mut text, 0).ok()?;
    let process: u32 = std::str::from_utf8(&text).ok()?.trim().parse().ok()?;
    Some(format!(" (process {process})"))
}

#[cfg(test)]
mod tests;
