//! Looking at a journal from outside, without its lock: also while another process appends to it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lineshaft_model::Position;

use super::disk::Disk;
use super::error::JournalError;
use super::frame::Salt;
use super::reader::Reader;
use super::recover::{Chain, Last, Purpose, segment_files};
use super::segment::SegmentInfo;
use super::shelf::{Active, Shelf};

/// How often to begin again when the writer drops a segment, or is in the middle of a frame, at that moment.
const ATTEMPTS: usize = 5;

/// What a journal holds, from the segments' headers and seals and the last segment's frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// The id of the journal.
    pub journal: u64,
    /// The first position that is kept.
    pub first: Position,
    /// The last whole record.
    pub end: Position,
    /// Bytes of all segments, without space reserved for later frames.
    pub bytes: u64,
    /// Bytes of a frame after the last whole one: being written, or torn and to be cut off at the next start.
    pub unfinished_bytes: u64,
    /// The segments in order.
    pub segments: Vec<SegmentInfo>,
}

impl Stat {
    /// Number of records.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.end.0 + 1 - self.first.0
    }
}

/// Says what the journal in `dir` holds, without reading all of it.
pub fn stat(disk: impl Disk + 'static, dir: impl AsRef<Path>) -> Result<Stat, JournalError> {
    let disk: Arc<dyn Disk> = Arc::new(disk);
    let look = look(&disk, dir.as_ref())?;
    let segments = look.reader.segments();
    Ok(Stat {
        journal: look.journal,
        first: look.reader.first(),
        end: look.reader.end(),
        bytes: segments.iter().map(|info| info.bytes).sum(),
        unfinished_bytes: look.unfinished_bytes,
        segments,
    })
}

/// A reader of the journal in `dir` as it is now: what is appended later is not seen.
pub fn read_only(disk: impl Disk + 'static, dir: impl AsRef<Path>) -> Result<Reader, JournalError> {
    let disk: Arc<dyn Disk> = Arc::new(disk);
    look(&disk, dir.as_ref()).map(|look| look.reader)
}

struct Look {
    journal: u64,
    reader: Reader,
    unfinished_bytes: u64,
}

fn look(disk: &Arc<dyn Disk>, dir: &Path) -> Result<Look, JournalError> {
    let mut attempt = 1;
    loop {
        match look_once(disk, dir) {
            Err(error) if attempt < ATTEMPTS && may_pass(&error) => attempt += 1,
            other => return other,
        }
    }
}

/// Whether the error may come from what the writer was doing at that moment.
fn may_pass(error: &JournalError) -> bool {
    match error {
        JournalError::Io { source, .. } => {
            matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof)
        }
        JournalError::Corrupt { .. } => true,
        _ => false,
    }
}

fn look_once(disk: &Arc<dyn Disk>, dir: &Path) -> Result<Look, JournalError> {
    let mut files = listed(&**disk, dir)?;
    let Some((last_first, last_path)) = files.pop() else {
        return Err(JournalError::Absent { dir: dir.to_owned() });
    };
    let mut chain = Chain::default();
    let closed = files
        .iter()
        .map(|(first, path)| chain.closed(&**disk, *first, path))
        .collect::<Result<Vec<_>, _>>()?;
    let last = Last::read(&**disk, &mut chain, last_first, &last_path, Purpose::Look)?;
    let Last { header, file, mut info, table, frames_end, torn_bytes, .. } = last;
    let unfinished_bytes = if info.closed { 0 } else { torn_bytes };
    // To a reader the last segment is one whose frames end here, sealed or not.
    info.bytes = frames_end;
    let active = Active { info, file, table };
    let shelf = Shelf::new(Arc::clone(disk), dir.to_owned(), Salt::of(header.journal), closed, active);
    Ok(Look { journal: header.journal, reader: Reader::new(Arc::new(shelf)), unfinished_bytes })
}

/// The segment files; a folder that is not there has none. A listing is not taken at one moment, so it is repeated until
/// nothing was made or dropped meanwhile.
pub(crate) fn listed(disk: &dyn Disk, dir: &Path) -> Result<Vec<(Position, PathBuf)>, JournalError> {
    let list = || match segment_files(disk, dir) {
        Err(JournalError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other,
    };
    let mut files = list()?;
    for _ in 0..ATTEMPTS {
        let again = list()?;
        if again == files {
            break;
        }
        files = again;
    }
    Ok(files)
}
