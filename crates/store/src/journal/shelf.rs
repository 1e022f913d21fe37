//! What the writer and the readers share: which segments there are, how far each is durable, and where records lie.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lineshaft_model::Position;
use parking_lot::{Mutex, RwLock};

use super::disk::{Access, Disk, File};
use super::error::JournalError;
use super::frame::Salt;
use super::seal;
use super::segment::SegmentInfo;
use super::table::{Range, Table};

/// How many closed segments are kept open with their tables. Each takes a file descriptor and some 50 KB.
const OPEN_CLOSED: usize = 64;

/// The segments of a journal.
#[derive(Debug)]
pub(crate) struct Shelf {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) dir: PathBuf,
    pub(crate) salt: Salt,
    pub(crate) has_room: AtomicBool,
    segments: RwLock<Segments>,
    /// The closed segments used last, the most recent one at the end.
    opened: Mutex<Vec<Arc<Opened>>>,
}

/// Closed segments in order, and the one being written.
#[derive(Debug)]
struct Segments {
    closed: Vec<Arc<SegmentInfo>>,
    active: Active,
}

/// The segment being written. Its `bytes` and `last` say how far it is durable.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) info: SegmentInfo,
    pub(crate) file: File,
    pub(crate) table: Table,
}

/// A closed segment with its table in memory.
#[derive(Debug)]
struct Opened {
    info: Arc<SegmentInfo>,
    file: File,
    table: Table,
    frames_end: u64,
}

/// Where to look for a record.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) file: File,
    pub(crate) path: PathBuf,
    pub(crate) range: Range,
    /// The first position of the segment.
    pub(crate) segment: Position,
    /// Where its durable frames end.
    pub(crate) frames_end: u64,
}

impl Shelf {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        salt: Salt,
        closed: Vec<SegmentInfo>,
        active: Active,
    ) -> Self {
        let closed = closed.into_iter().map(Arc::new).collect();
        Self {
            disk,
            dir,
            salt,
            has_room: AtomicBool::new(true),
            segments: RwLock::new(Segments { closed, active }),
            opened: Mutex::new(Vec::new()),
        }
    }

    pub(crate) fn first(&self) -> Position {
        let segments = self.segments.read();
        segments.closed.first().map_or(segments.active.info.first, |info| info.first)
    }

    pub(crate) fn end(&self) -> Position {
        self.segments.read().active.info.last
    }

    pub(crate) fn list(&self) -> Vec<SegmentInfo> {
        let segments = self.segments.read();
        let closed = segments.closed.iter().map(|info| (**info).clone());
        closed.chain([segments.active.info.clone()]).collect()
    }

    /// Makes a durable frame of the segment being written visible.
    pub(crate) fn publish(
        &self,
        frame: u64,
        first: Position,
        last: Position,
        end: u64,
        lengths: impl Iterator<Item = u64>,
    ) {
        let active = &mut self.segments.write().active;
        active.table.note_frame(frame, first, lengths);
        active.info.last = last;
        active.info.bytes = end;
    }

    /// Looks at the segment being written.
    pub(crate) fn with_active<T>(&self, look: impl FnOnce(&Active) -> T) -> T {
        look(&self.segments.read().active)
    }

    /// Replaces the segment being written, which has become `sealed_bytes` long and is closed, by a new one.
    pub(crate) fn close_active(&self, sealed_bytes: u64, next: Active) {
        let mut segments = self.segments.write();
        let Active { mut info, file, table } = std::mem::replace(&mut segments.active, next);
        let frames_end = info.bytes;
        info.bytes = sealed_bytes;
        info.closed = true;
        let info = Arc::new(info);
        segments.closed.push(Arc::clone(&info));
        drop(segments);
        self.keep_open(Arc::new(Opened { info, file, table, frames_end }));
    }

    /// The closed segments whose records all stand before `keep`, oldest first.
    pub(crate) fn closed_before(&self, keep: Position) -> Vec<Arc<SegmentInfo>> {
        let segments = self.segments.read();
        segments.closed.iter().take_while(|info| info.last < keep).map(Arc::clone).collect()
    }

    /// Forgets the oldest segment.
    pub(crate) fn forget(&self, first: Position) {
        self.segments.write().closed.retain(|info| info.first != first);
        self.opened.lock().retain(|opened| opened.info.first != first);
    }

    /// Where to look for the record at `position`; `None` when it is not kept.
    pub(crate) fn find(&self, position: Position) -> Result<Option<Place>, JournalError> {
        let info = {
            let segments = self.segments.read();
            let active = &segments.active;
            if position > active.info.last {
                return Ok(None);
            }
            if position >= active.info.first {
                return Ok(active.table.find(position).map(|range| Place {
                    file: Arc::clone(&active.file),
                    path: active.info.path.clone(),
                    range,
                    segment: active.info.first,
                    frames_end: active.info.bytes,
                }));
            }
            let after = segments.closed.partition_point(|info| info.first <= position);
            match after.checked_sub(1).and_then(|at| segments.closed.get(at)) {
                Some(info) => Arc::clone(info),
                None => return Ok(None),
            }
        };
        let opened = match self.open_closed(&info) {
            // Trimmed between the look above and now.
            Err(JournalError::Io { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound && self.first() > position =>
            {
                return Ok(None);
            }
            other => other?,
        };
        let Some(range) = opened.table.find(position) else {
            let what = "the seal's table leaves out a record";
            return Err(JournalError::corrupt(&info.path, opened.frames_end, position, what));
        };
        let (file, path) = (Arc::clone(&opened.file), info.path.clone());
        Ok(Some(Place { file, path, range, segment: info.first, frames_end: opened.frames_end }))
    }

    /// How far the frames of a segment are durable by now, if it is still kept.
    pub(crate) fn frames_end(&self, segment: Position) -> Result<Option<u64>, JournalError> {
        let info = {
            let segments = self.segments.read();
            if segment == segments.active.info.first {
                return Ok(Some(segments.active.info.bytes));
            }
            match segments.closed.binary_search_by_key(&segment, |info| info.first) {
                Ok(at) => Arc::clone(&segments.closed[at]),
                Err(_) => return Ok(None),
            }
        };
        self.open_closed(&info).map(|opened| Some(opened.frames_end))
    }

    /// Whether the record at `position` belongs in this segment.
    pub(crate) fn holds(&self, segment: Position, position: Position) -> bool {
        let segments = self.segments.read();
        let active = &segments.active.info;
        let mut all = segments.closed.iter().map(|info| &**info).chain([active]);
        all.any(|info| info.first == segment && info.first <= position && position <= info.last)
    }

    fn open_closed(&self, info: &Arc<SegmentInfo>) -> Result<Arc<Opened>, JournalError> {
        {
            let mut opened = self.opened.lock();
            if let Some(at) = opened.iter().rposition(|opened| opened.info.first == info.first) {
                let found = opened.remove(at);
                opened.push(Arc::clone(&found));
                return Ok(found);
            }
        }
        let file = self.disk.open(&info.path, Access::Read).map_err(JournalError::io("open", &info.path))?;
        let seal = seal::read(&file, &info.path, info.bytes, info.first, self.salt)?;
        let opened =
            Arc::new(Opened { info: Arc::clone(info), file, table: seal.table, frames_end: seal.offset });
        self.keep_open(Arc::clone(&opened));
        Ok(opened)
    }

    fn keep_open(&self, segment: Arc<Opened>) {
        let mut opened = self.opened.lock();
        opened.retain(|other| other.info.first != segment.info.first);
        if opened.len() >= OPEN_CLOSED {
            opened.remove(0);
        }
        opened.push(segment);
    }

    pub(crate) fn has_room(&self) -> bool {
        self.has_room.load(Ordering::Relaxed)
    }
}
