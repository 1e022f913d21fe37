//! The whole check: every byte of every segment, the chain through them, and every fault with its place.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lineshaft_model::Position;

use super::damage::{Expected, Tail, judge};
use super::disk::{Access, Disk, File};
use super::error::JournalError;
use super::frame::{FrameHeader, Salt, find_later_header};
use super::look::listed;
use super::recover::Chain;
use super::segment::{self, SegmentHeader};
use super::table::Table;
use super::walk::{Bad, Step, Walk};
use super::{RECORD_HEADER_BYTES, seal};

/// How many faults are described; further ones are counted.
const MOST_FAULTS: usize = 1000;

/// How much is checked between two reports of progress.
const REPORT_EVERY_BYTES: u64 = 8 << 20;

/// What a whole check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Segments checked.
    pub segments: u64,
    /// Good frames.
    pub frames: u64,
    /// Good records.
    pub records: u64,
    /// Bytes of good frames.
    pub bytes: u64,
    /// Good records by kind.
    pub kinds: BTreeMap<u8, u64>,
    /// The first position of the first segment; zero when there is none.
    pub first: Position,
    /// The position of the last good record.
    pub end: Position,
    /// Bytes of a frame after the last whole one: being written, or torn and to be cut off at the next start. No fault.
    pub unfinished_bytes: u64,
    /// What does not hold, in order; at most 1,000.
    pub faults: Vec<Fault>,
    /// How many faults there are.
    pub fault_count: u64,
}

impl Verified {
    /// Whether everything holds.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        self.fault_count == 0
    }
}

/// One thing that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub segment: PathBuf,
    /// Byte offset in it.
    pub offset: u64,
    /// The first position that is affected.
    pub position: Position,
    /// The first position after it that is good again, if there is one in this segment.
    pub good_from: Option<Position>,
    /// What does not hold.
    pub what: String,
}

/// How far a check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Segments begun.
    pub segment: u64,
    /// Segments in all.
    pub segments: u64,
    /// Bytes checked.
    pub bytes: u64,
    /// The position reached.
    pub position: Position,
}

/// Checks the whole journal in `dir`, also while another process appends to it: then up to the last whole frame.
///
/// A fault does not end the check: it goes on at the next frame that can be found. An error means that the check could
/// not be made, for instance because the disk did not answer.
pub fn verify(
    disk: &dyn Disk,
    dir: impl AsRef<Path>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Verified, JournalError> {
    let dir = dir.as_ref();
    let files = listed(disk, dir)?;
    if files.is_empty() {
        return Err(JournalError::Absent { dir: dir.to_owned() });
    }
    let mut check = Check {
        disk,
        dir,
        verified: Verified::default(),
        chain: Chain::default(),
        journal: known_id(disk, &files),
        segments: files.len() as u64,
        reported: 0,
        progress,
    };
    for (at, (first, path)) in files.iter().enumerate() {
        check.segment(*first, path, at + 1 == files.len())?;
    }
    check.report();
    Ok(check.verified)
}

/// The id of the journal, from the first good header: it is needed to check a segment whose own header is damaged.
fn known_id(disk: &dyn Disk, files: &[(Position, PathBuf)]) -> Option<u64> {
    files.iter().find_map(|(first, path)| {
        let mut bytes = [0; segment::HEADER_BYTES];
        disk.open(path, Access::Read).ok()?.read_at(&mut bytes, 0).ok()?;
        SegmentHeader::of_file(path, *first, &bytes).ok().map(|(header, _)| header.journal)
    })
}

struct Check<'a> {
    disk: &'a dyn Disk,
    dir: &'a Path,
    verified: Verified,
    chain: Chain,
    journal: Option<u64>,
    segments: u64,
    reported: u64,
    progress: &'a mut dyn FnMut(Progress),
}

/// A segment being checked.
struct Checked<'a> {
    path: &'a Path,
    is_last: bool,
    walk: Walk,
    salt: Salt,
    table: Table,
    /// Whether no fault was found in it so far, so that its table can be compared.
    whole: bool,
}

impl Check<'_> {
    fn segment(&mut self, first: Position, path: &Path, is_last: bool) -> Result<(), JournalError> {
        let file = match self.disk.open(path, Access::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.is_dropped(first)? => {
                self.chain = Chain::default();
                return Ok(());
            }
            Err(error) => return Err(JournalError::io("open", path)(error)),
        };
        let size = file.size().map_err(JournalError::io("read", path))?;
        self.verified.segments += 1;
        if self.verified.first.is_zero() {
            self.verified.first = first;
        }
        let Some((journal, expected)) = self.header(&file, size, first, path)? else { return Ok(()) };
        let salt = Salt::of(journal);
        let start = segment::HEADER_BYTES as u64;
        let mut walk = Walk::new(
            Arc::clone(&file),
            size,
            salt,
            start,
            expected.unwrap_or(Expected { first, previous: 0 }),
        );
        let mut whole = true;
        if expected.is_none() {
            whole = false;
            let rest = walk.rest().map_err(JournalError::io("read", path))?;
            let Some((at, header)) = find_later_header(&rest, salt, Position(first.0 - 1)) else {
                return Ok(());
            };
            walk.resume(start + at as u64, expected_at(&header));
        }
        let checked = Checked { path, is_last, walk, salt, table: Table::new(first), whole };
        self.frames(checked, journal)?;
        if !is_last {
            self.seal(&file, path, size, first, journal);
        }
        Ok(())
    }

    /// Whether the writer has dropped this segment since the folder was listed.
    fn is_dropped(&self, first: Position) -> Result<bool, JournalError> {
        Ok(listed(self.disk, self.dir)?.first().is_none_or(|(kept, _)| *kept > first))
    }

    /// The journal's id, and what the first frame must follow unless the header is damaged. `None` when nothing of the
    /// segment can be checked.
    fn header(
        &mut self,
        file: &File,
        size: u64,
        first: Position,
        path: &Path,
    ) -> Result<Option<(u64, Option<Expected>)>, JournalError> {
        match self.chain.header(file, size, first, path) {
            Ok((header, check)) => Ok(Some((header.journal, Some(Expected { first, previous: check })))),
            Err(error @ JournalError::Io { .. }) => Err(error),
            Err(error @ (JournalError::Missing { .. } | JournalError::Foreign { .. })) => {
                self.fault(path, 0, first, None, &error.to_string());
                // In itself it may be well.
                let alone = Chain::default().header(file, size, first, path)?;
                Ok(Some((alone.0.journal, Some(Expected { first, previous: alone.1 }))))
            }
            Err(error) => {
                self.fault(path, 0, first, None, &what_of(error));
                Ok(self.journal.filter(|_| size > segment::HEADER_BYTES as u64).map(|id| (id, None)))
            }
        }
    }

    fn frames(&mut self, mut checked: Checked<'_>, journal: u64) -> Result<(), JournalError> {
        let mut retried = false;
        loop {
            let step = self.step(&mut checked)?;
            match step {
                Step::Frame { .. } => retried = false,
                Step::Seal { offset, header } => {
                    return self.end_of_segment(&mut checked, journal, offset, header);
                }
                Step::End | Step::Bad(_) if checked.is_last && !retried => {
                    // The writer may have been in the middle of it.
                    retried = true;
                    checked.walk.refresh().map_err(JournalError::io("read", checked.path))?;
                }
                Step::End => {
                    if !checked.is_last {
                        let (offset, position) = (checked.walk.offset(), checked.walk.expected().first);
                        self.fault(
                            checked.path,
                            offset,
                            position,
                            None,
                            "the segment does not end with a seal",
                        );
                    }
                    return Ok(());
                }
                Step::Bad(bad) => {
                    if !self.bad(&mut checked, bad)? {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn step(&mut self, checked: &mut Checked<'_>) -> Result<Step, JournalError> {
        let mut seen = Vec::new();
        let step = checked.walk.step(|position, at, record, payload| {
            seen.push((position, at, at + (RECORD_HEADER_BYTES + payload.len()) as u64, record.kind));
        });
        let step = step.map_err(JournalError::io("read", checked.path))?;
        if let Step::Frame { offset, header } = step {
            for (position, at, end, kind) in seen {
                checked.table.note(position, offset, at, end);
                *self.verified.kinds.entry(kind).or_default() += 1;
            }
            self.verified.frames += 1;
            self.verified.records += u64::from(header.count);
            self.verified.bytes += header.frame_bytes();
            self.verified.end = Position(header.next().0 - 1);
            if self.verified.bytes - self.reported >= REPORT_EVERY_BYTES {
                self.report();
            }
        }
        Ok(step)
    }

    /// A good seal, after which nothing may follow.
    fn end_of_segment(
        &mut self,
        checked: &mut Checked<'_>,
        journal: u64,
        offset: u64,
        header: FrameHeader,
    ) -> Result<(), JournalError> {
        let end = checked.walk.offset();
        let expected = checked.walk.expected();
        self.chain.ended(journal, expected.first, expected.previous);
        let rest = checked.walk.rest().map_err(JournalError::io("read", checked.path))?;
        if !rest.is_empty() {
            self.fault(checked.path, end, header.first, None, "something follows the seal");
        }
        if checked.whole && checked.table.encode(offset) != checked.walk.body_of(&header, offset) {
            self.fault(checked.path, offset, header.first, None, "the seal's table does not fit the records");
        }
        Ok(())
    }

    /// Describes what is bad and moves on to the next frame; false when there is none.
    fn bad(&mut self, checked: &mut Checked<'_>, bad: Bad) -> Result<bool, JournalError> {
        let at = checked.walk.offset();
        let expected = checked.walk.expected();
        let mut rest = checked.walk.rest().map_err(JournalError::io("read", checked.path))?;
        let (offset, position, what) = match judge(&mut rest, checked.salt, expected) {
            Tail::Damaged { offset, position, what } => (at + offset as u64, position, what),
            Tail::Clean if checked.is_last => return Ok(false),
            Tail::Torn if checked.is_last => {
                self.verified.unfinished_bytes = rest.len() as u64;
                return Ok(false);
            }
            Tail::Clean | Tail::Torn => match bad {
                Bad::Body(header, fault) => (at, header.first.plus(u64::from(fault.good)), fault.what),
                Bad::Header | Bad::Misplaced => (at, expected.first, "no good frame stands where one must"),
            },
        };
        checked.whole = false;
        let next = match bad {
            Bad::Body(header, _) => find_later_header(
                rest.get(header.frame_bytes() as usize..).unwrap_or_default(),
                checked.salt,
                header.first,
            )
            .map(|(found, next)| (found + header.frame_bytes() as usize, next)),
            Bad::Misplaced => find_later_header(&rest, checked.salt, Position::ZERO),
            Bad::Header => find_later_header(
                rest.get(1..).unwrap_or_default(),
                checked.salt,
                Position(expected.first.0 - 1),
            )
            .map(|(found, next)| (found + 1, next)),
        };
        self.fault(checked.path, offset, position, next.map(|(_, header)| header.first), what);
        let Some((found, header)) = next else { return Ok(false) };
        checked.walk.resume(at + found as u64, expected_at(&header));
        Ok(true)
    }

    /// The seal as it is found from the end of the file, which is how readers find it.
    fn seal(&mut self, file: &File, path: &Path, size: u64, first: Position, journal: u64) {
        match seal::read(file, path, size, first, Salt::of(journal)) {
            Ok(seal) => self.chain.ended(journal, seal.next, seal.check),
            Err(error) => {
                let already = self.verified.faults.last().is_some_and(|fault| fault.segment == path);
                if !already {
                    self.fault(path, size, first, None, &what_of(error));
                }
                self.chain = Chain::default();
            }
        }
    }

    fn fault(
        &mut self,
        segment: &Path,
        offset: u64,
        position: Position,
        good_from: Option<Position>,
        what: &str,
    ) {
        self.verified.fault_count += 1;
        if self.verified.faults.len() < MOST_FAULTS {
            let (segment, what) = (segment.to_owned(), what.to_owned());
            self.verified.faults.push(Fault { segment, offset, position, good_from, what });
        }
    }

    fn report(&mut self) {
        self.reported = self.verified.bytes;
        let Verified { segments: segment, bytes, end: position, .. } = self.verified;
        (self.progress)(Progress { segment, segments: self.segments, bytes, position });
    }
}

/// Takes a header for what it says of itself, where what came before is not known.
const fn expected_at(header: &FrameHeader) -> Expected {
    Expected { first: header.first, previous: header.previous }
}

/// What is wrong, without the place, which a fault names itself.
fn what_of(error: JournalError) -> String {
    match error {
        JournalError::Corrupt { what, .. } => what,
        other => other.to_string(),
    }
}
