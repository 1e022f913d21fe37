//! Opening: what a stop of any kind left behind is brought to the state that was promised.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lineshaft_model::{Millis, Position};
use lineshaft_ports::journal::RECORD_HEADER_BYTES;

use super::damage::{Expected, Tail, judge};
use super::disk::{Access, Disk, File};
use super::error::JournalError;
use super::frame::Salt;
use super::segment::{self, SegmentHeader, SegmentInfo};
use super::shelf::Active;
use super::table::Table;
use super::walk::{Step, Walk};
use super::{Options, seal};

/// No segment file is longer: the largest segment, one batch that did not fit, and the seal.
pub(crate) const MAX_FILE_BYTES: u64 = 2 << 30;

/// A journal after recovery, ready to be appended to.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) journal: u64,
    pub(crate) closed: Vec<SegmentInfo>,
    pub(crate) active: Active,
    /// What the next frame must follow.
    pub(crate) expected: Expected,
    /// What was cut off: bytes of a frame that was never acknowledged.
    pub(crate) torn_bytes: u64,
}

/// Brings the journal in `dir` to its last durable state, or makes a new one. Nothing is changed before everything that
/// has to hold has been found to hold.
pub(crate) fn recover(
    disk: &dyn Disk,
    dir: &Path,
    options: &Options,
    now: Millis,
) -> Result<Recovered, JournalError> {
    // What a process that was killed renamed or removed may not be durable yet.
    disk.sync_dir(dir).map_err(JournalError::io("sync", dir))?;
    let mut files = segment_files(disk, dir)?;
    let Some((last_first, last_path)) = files.pop() else {
        if options.known_durable > Position::ZERO {
            return Err(JournalError::Behind { end: Position::ZERO, known: options.known_durable });
        }
        return begin(disk, dir, options, now);
    };
    let mut chain = Chain::default();
    let closed =
        files.iter().map(|(first, path)| chain.closed(disk, *first, path)).collect::<Result<Vec<_>, _>>()?;
    let last = Last::read(disk, &mut chain, last_first, &last_path, Purpose::Own(options.known_durable))?;
    remove_unfinished(disk, dir)?;
    last.make_ready(disk, dir, closed, options, now)
}

/// The first positions and files of all segments, in order.
pub(crate) fn segment_files(disk: &dyn Disk, dir: &Path) -> Result<Vec<(Position, PathBuf)>, JournalError> {
    let files = disk.list(dir).map_err(JournalError::io("list", dir))?;
    let mut segments: Vec<_> = files
        .into_iter()
        .filter_map(|path| segment::position_in_name(&path).map(|first| (first, path)))
        .collect();
    segments.sort_unstable();
    Ok(segments)
}

fn remove_unfinished(disk: &dyn Disk, dir: &Path) -> Result<(), JournalError> {
    let files = disk.list(dir).map_err(JournalError::io("list", dir))?;
    for path in files.iter().filter(|path| segment::is_unfinished(path)) {
        disk.remove(path).map_err(JournalError::io("remove", path))?;
    }
    Ok(())
}

fn begin(disk: &dyn Disk, dir: &Path, options: &Options, now: Millis) -> Result<Recovered, JournalError> {
    remove_unfinished(disk, dir)?;
    let journal = options.journal.unwrap_or_else(unforeseeable);
    let header = SegmentHeader { journal, first: Position(1), created: now, previous: 0 };
    let (active, check) = make_segment(disk, dir, &header, options)?;
    let expected = Expected { first: header.first, previous: check };
    Ok(Recovered { journal, closed: Vec::new(), active, expected, torn_bytes: 0 })
}

/// A number that nobody outside can foresee: the seed the standard library gives to its hash tables.
fn unforeseeable() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

/// Makes a segment under another name, and gives it its own when it is durable: so a segment file is never without a
/// good header. Returns it with the checksum of its header.
pub(crate) fn make_segment(
    disk: &dyn Disk,
    dir: &Path,
    header: &SegmentHeader,
    options: &Options,
) -> Result<(Active, u32), JournalError> {
    let path = segment::path_of(dir, header.first);
    let unfinished = segment::unfinished_path_of(dir, header.first);
    let file = disk.open(&unfinished, Access::Create).map_err(JournalError::io("make", &unfinished))?;
    let (bytes, check) = header.encode();
    reserve(&file, options, 0);
    file.write_at(&[&bytes], 0).map_err(JournalError::io("write", &unfinished))?;
    file.sync_all().map_err(JournalError::io("sync", &unfinished))?;
    disk.rename(&unfinished, &path).map_err(JournalError::io("rename", &unfinished))?;
    disk.sync_dir(dir).map_err(JournalError::io("sync", dir))?;
    let info = SegmentInfo {
        first: header.first,
        last: Position(header.first.0 - 1),
        bytes: segment::HEADER_BYTES as u64,
        created: header.created,
        closed: false,
        path,
    };
    Ok((Active { info, file, table: Table::new(header.first) }, check))
}

/// Reserves the space of a whole segment, so that its frames find room and syncing them need not lengthen the file. A
/// file system that cannot, or a disk nearly full, is no reason to stop: then frames lengthen the file.
fn reserve(file: &File, options: &Options, used: u64) {
    if options.preallocate && used < options.segment_bytes && file.allocate(options.segment_bytes).is_err() {
        // Whatever was reserved in part is given back. If that fails too, the zeros do no harm.
        let _ = file.truncate(used);
    }
}

/// What each segment must repeat from the one before.
#[derive(Debug, Default)]
pub(crate) struct Chain {
    before: Option<Link>,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    journal: u64,
    next: Position,
    check: u32,
}

impl Chain {
    /// Reads a segment's header and checks that it follows the segment before. Returns it with its checksum.
    pub(crate) fn header(
        &mut self,
        file: &File,
        size: u64,
        first: Position,
        path: &Path,
    ) -> Result<(SegmentHeader, u32), JournalError> {
        if size > MAX_FILE_BYTES {
            return Err(JournalError::corrupt(path, 0, first, "the file is longer than any segment"));
        }
        let mut bytes = vec![0; (size as usize).min(segment::HEADER_BYTES)];
        file.read_at(&mut bytes, 0).map_err(JournalError::io("read", path))?;
        let (header, check) = SegmentHeader::of_file(path, first, &bytes)?;
        if let Some(before) = self.before {
            let foreign = |what| Err(JournalError::Foreign { segment: path.to_owned(), what });
            if header.journal != before.journal {
                return foreign("it is a segment of another journal");
            }
            if header.first > before.next {
                return Err(JournalError::Missing { expected: before.next, found: path.to_owned() });
            }
            if header.first != before.next || header.previous != before.check {
                return foreign("it does not follow the segment before it");
            }
        }
        Ok((header, check))
    }

    /// Takes note of where a closed segment ended.
    pub(crate) const fn ended(&mut self, journal: u64, next: Position, check: u32) {
        self.before = Some(Link { journal, next, check });
    }

    /// Checks a closed segment's header and seal, not what is between.
    pub(crate) fn closed(
        &mut self,
        disk: &dyn Disk,
        first: Position,
        path: &Path,
    ) -> Result<SegmentInfo, JournalError> {
        let file = disk.open(path, Access::Read).map_err(JournalError::io("open", path))?;
        let size = file.size().map_err(JournalError::io("read", path))?;
        let (header, _) = self.header(&file, size, first, path)?;
        let seal = seal::read(&file, path, size, first, Salt::of(header.journal))?;
        self.ended(header.journal, seal.next, seal.check);
        Ok(SegmentInfo {
            first,
            last: Position(seal.next.0 - 1),
            bytes: size,
            created: header.created,
            closed: true,
            path: path.to_owned(),
        })
    }
}

/// Why the last segment is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To append to it. The position is known to have been durable.
    Own(Position),
    /// To read it, while another process may be appending.
    Look,
}

/// The last segment, read to the end of its good frames.
pub(crate) struct Last {
    pub(crate) header: SegmentHeader,
    pub(crate) file: File,
    pub(crate) info: SegmentInfo,
    pub(crate) table: Table,
    /// Where its frames end; its seal follows there if it is closed.
    pub(crate) frames_end: u64,
    expected: Expected,
    /// Length of the file.
    size: u64,
    /// Whether a torn frame, or space reserved after a seal, must be cut off.
    cut: bool,
    /// How much of a torn frame, or of one being written, there is.
    pub(crate) torn_bytes: u64,
}

impl Last {
    pub(crate) fn read(
        disk: &dyn Disk,
        chain: &mut Chain,
        first: Position,
        path: &Path,
        purpose: Purpose,
    ) -> Result<Self, JournalError> {
        let io = |what| JournalError::io(what, path);
        let (access, known_durable) = match purpose {
            Purpose::Own(known_durable) => (Access::Write, known_durable),
            Purpose::Look => (Access::Read, Position::ZERO),
        };
        let file = disk.open(path, access).map_err(io("open"))?;
        if access == Access::Write {
            // What was written before a kill is made durable before anybody is told of it. If a sync failed before,
            // pages that never reached the disk may look well in memory: forget them and see what the disk has.
            file.sync_all().map_err(io("sync"))?;
            file.drop_cache().map_err(io("read"))?;
        }
        let size = file.size().map_err(io("read"))?;
        let (header, check) = chain.header(&file, size, first, path)?;
        let salt = Salt::of(header.journal);
        let mut table = Table::new(first);
        let expected = Expected { first, previous: check };
        let mut walk = Walk::new(Arc::clone(&file), size, salt, segment::HEADER_BYTES as u64, expected);
        let sealed_at = loop {
            let mut ends = Vec::new();
            let step = walk.step(|_, at, _, payload| {
                ends.push((at, at + (RECORD_HEADER_BYTES + payload.len()) as u64));
            });
            match step.map_err(io("read"))? {
                Step::Frame { offset, header } => {
                    for (position, (at, end)) in (header.first.0..).zip(ends) {
                        table.note(Position(position), offset, at, end);
                    }
                }
                Step::Seal { offset, .. } => break Some(offset),
                Step::End | Step::Bad(_) => break None,
            }
        };
        let mut rest = walk.rest().map_err(io("read"))?;
        let (end, expected, closed) = (walk.offset(), walk.expected(), sealed_at.is_some());
        let cut = if closed {
            if !rest.is_empty() {
                return Err(JournalError::corrupt(path, end, expected.first, "something follows the seal"));
            }
            size > end
        } else {
            match judge(&mut rest, salt, expected) {
                Tail::Clean => false,
                Tail::Torn => true,
                Tail::Damaged { offset, position, what } => {
                    return Err(JournalError::corrupt(path, end + offset as u64, position, what));
                }
            }
        };
        let last = Position(expected.first.0 - 1);
        if known_durable > last {
            return Err(if cut && !closed {
                let what = "a frame that was durable does not hold";
                JournalError::corrupt(path, end, expected.first, what)
            } else {
                JournalError::Behind { end: last, known: known_durable }
            });
        }
        let info =
            SegmentInfo { first, last, bytes: end, created: header.created, closed, path: path.to_owned() };
        let frames_end = sealed_at.unwrap_or(end);
        Ok(Self { header, file, info, table, frames_end, expected, size, cut, torn_bytes: rest.len() as u64 })
    }

    /// Cuts off what was torn and makes sure of a segment that can be appended to.
    fn make_ready(
        self,
        disk: &dyn Disk,
        dir: &Path,
        mut closed: Vec<SegmentInfo>,
        options: &Options,
        now: Millis,
    ) -> Result<Recovered, JournalError> {
        let Self { header, file, info, table, mut expected, size, cut, torn_bytes, .. } = self;
        let path = info.path.clone();
        if cut {
            file.truncate(info.bytes).map_err(JournalError::io("cut", &path))?;
            file.sync_all().map_err(JournalError::io("sync", &path))?;
        }
        let journal = header.journal;
        let active = if info.closed {
            let header =
                SegmentHeader { journal, first: expected.first, created: now, previous: expected.previous };
            closed.push(info);
            let (active, check) = make_segment(disk, dir, &header, options)?;
            expected.previous = check;
            active
        } else {
            if cut || size < options.segment_bytes {
                reserve(&file, options, info.bytes);
                file.sync_all().map_err(JournalError::io("sync", &path))?;
            }
            Active { info, file, table }
        };
        Ok(Recovered { journal, closed, active, expected, torn_bytes })
    }
}
