//! Reading while another thread appends: single records, and streams of them.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use lineshaft_model::{Millis, Position};
use lineshaft_ports::journal::{
    JournalRead, MAX_PAYLOAD_BYTES, RECORD_HEADER_BYTES, ReadError, Record, RecordHeader, Records, Segment,
};

use super::damage::Expected;
use super::disk::File;
use super::error::JournalError;
use super::frame::{END_BYTES, END_MARK, FrameHeader, HEADER_BYTES, Salt};
use super::segment::SegmentInfo;
use super::shelf::{Place, Shelf};
use super::table::STRIDE_BYTES;

/// How much a stream reads at once.
const CHUNK_BYTES: usize = 256 << 10;

/// The reading side of a file journal. Cheap to clone, for use on any thread.
#[derive(Clone, Debug)]
pub struct Reader {
    shelf: Arc<Shelf>,
}

impl Reader {
    pub(crate) const fn new(shelf: Arc<Shelf>) -> Self {
        Self { shelf }
    }

    /// The first position still kept; the position the next record will take when there is none.
    #[must_use]
    pub fn first(&self) -> Position {
        self.shelf.first()
    }

    /// The last durable position; the one before [`Reader::first`] when the journal is empty.
    #[must_use]
    pub fn end(&self) -> Position {
        self.shelf.end()
    }

    /// The segments in order, the one being written last.
    #[must_use]
    pub fn segments(&self) -> Vec<SegmentInfo> {
        self.shelf.list()
    }

    /// What [`super::Journal::has_room`] said last.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.shelf.has_room()
    }

    /// One record, or `None` when it is not kept. One or two small reads.
    pub fn get(&self, position: Position) -> Result<Option<Record>, ReadError> {
        let Some(place) = self.shelf.find(position)? else { return Ok(None) };
        let mut source = Source::open(place, self.shelf.salt, SingleRange::Yes)?;
        loop {
            match source.next()? {
                Some(mut record) if record.position == position => {
                    // A small payload should not keep all that was read to find it.
                    record.payload = Bytes::copy_from_slice(&record.payload);
                    return Ok(Some(record));
                }
                Some(record) if record.position < position => {}
                _ => return Err(source.corrupt("the record is not where the segment's table has it")),
            }
        }
    }

    /// The records from `position` (zero means from the first) to the end; see [`JournalRead::read_from`].
    pub fn read_from(&self, position: Position) -> Result<Stream, ReadError> {
        let first = self.first();
        let from = if position.is_zero() { first } else { position };
        if from < first {
            return Err(ReadError::Trimmed { position: from, first });
        }
        Ok(Stream { shelf: Arc::clone(&self.shelf), next: from, source: None })
    }
}

impl JournalRead for Reader {
    fn first(&self) -> Position {
        Self::first(self)
    }

    fn end(&self) -> Position {
        Self::end(self)
    }

    fn get(&self, position: Position) -> Result<Option<Record>, ReadError> {
        Self::get(self, position)
    }

    fn read_from(&self, position: Position) -> Result<Records, ReadError> {
        Ok(Box::new(Self::read_from(self, position)?))
    }

    fn segments(&self) -> Vec<Segment> {
        let infos = Self::segments(self);
        // A segment is closed when the one after it is made.
        let closed = infos.iter().skip(1).map(|next| Some(next.created)).chain([None]);
        let segment = |(info, closed): (&SegmentInfo, Option<Millis>)| Segment {
            first: info.first,
            last: info.last,
            bytes: info.bytes,
            closed: closed.filter(|_| info.closed),
        };
        infos.iter().zip(closed).map(segment).collect()
    }
}

/// Records in order, with memory for one chunk or one record, whichever is longer. Payloads share the chunk they were
/// read in.
#[derive(Debug)]
pub struct Stream {
    shelf: Arc<Shelf>,
    next: Position,
    source: Option<Source>,
}

impl Stream {
    /// The position that comes next.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.next
    }

    fn advance(&mut self) -> Result<Option<Record>, ReadError> {
        loop {
            let source = match &mut self.source {
                Some(source) => source,
                None => match self.shelf.find(self.next)? {
                    Some(place) => self.source.insert(Source::open(place, self.shelf.salt, SingleRange::No)?),
                    None => return self.nothing_found(),
                },
            };
            while let Some(record) = source.next()? {
                if record.position == self.next {
                    self.next = self.next.next();
                    return Ok(Some(record));
                }
            }
            if self.next > self.shelf.end() {
                return Ok(None);
            }
            // The segment has grown, or the records go on in the next one.
            match self.shelf.frames_end(source.segment)? {
                Some(end) if end > source.frames_end => source.frames_end = end,
                _ if self.shelf.holds(source.segment, self.next) => {
                    return Err(source.corrupt("the segment ends before its last record"));
                }
                _ => self.source = None,
            }
        }
    }

    fn nothing_found(&self) -> Result<Option<Record>, ReadError> {
        let first = self.shelf.first();
        if self.next < first {
            return Err(ReadError::Trimmed { position: self.next, first });
        }
        Ok(None)
    }
}

impl Iterator for Stream {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let result = self.advance();
        if result.is_err() {
            self.source = None;
        }
        result.transpose()
    }
}

/// Whether only the range of one table entry is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SingleRange {
    Yes,
    No,
}

/// Records of one segment, from an entry of its table on. Every record is checked before it is given out, those that are
/// only passed over too, because the way to a record depends on the lengths of those before it.
#[derive(Debug)]
struct Source {
    file: File,
    path: PathBuf,
    segment: Position,
    salt: Salt,
    frames_end: u64,
    chunk: usize,
    /// Where `buffer` starts in the file.
    at: u64,
    buffer: BytesMut,
    next: Position,
    frame: Option<OpenFrame>,
    /// The checksum of the last frame header seen.
    previous: Option<u32>,
}

/// The frame whose records are being read.
#[derive(Clone, Copy, Debug)]
struct OpenFrame {
    header: FrameHeader,
    body_left: u64,
    /// CRC32C of the record headers so far; unknown when reading did not start at the first one.
    headers_check: Option<u32>,
}

impl Source {
    fn open(place: Place, salt: Salt, single: SingleRange) -> Result<Self, ReadError> {
        let Place { file, path, range, segment, frames_end } = place;
        let wanted = match (single, range.end) {
            (SingleRange::No, _) => CHUNK_BYTES,
            (SingleRange::Yes, Some(end)) => end.saturating_sub(range.start) as usize + HEADER_BYTES,
            (SingleRange::Yes, None) => STRIDE_BYTES as usize,
        };
        let chunk = wanted.min(CHUNK_BYTES);
        let mut source = Self {
            file,
            path,
            segment,
            salt,
            frames_end,
            chunk,
            at: range.frame,
            buffer: BytesMut::new(),
            next: range.position,
            frame: None,
            previous: None,
        };
        let records_at = range.frame + HEADER_BYTES as u64;
        if range.start > records_at {
            source.enter(range.start)?;
        }
        Ok(source)
    }

    /// Goes on in the middle of a frame, at the record that starts at `start`.
    fn enter(&mut self, start: u64) -> Result<(), ReadError> {
        let mut head = [0; HEADER_BYTES];
        self.file.read_at(&mut head, self.at).map_err(JournalError::io("read", &self.path))?;
        let decoded = FrameHeader::decode(&head, self.salt);
        let Some((header, check)) = decoded.filter(|(header, _)| {
            header.first <= self.next && self.next < header.next() && start < self.at + header.frame_bytes()
        }) else {
            return Err(self.corrupt("a frame header's checksum does not hold"));
        };
        let body_end = self.at + header.frame_bytes() - END_BYTES as u64;
        self.frame =
            Some(OpenFrame { header, body_left: body_end.saturating_sub(start), headers_check: None });
        self.previous = Some(check);
        self.at = start;
        Ok(())
    }

    /// The next record; `None` where the durable frames end.
    fn next(&mut self) -> Result<Option<Record>, ReadError> {
        loop {
            let Some(frame) = self.frame else {
                if !self.begin_frame()? {
                    return Ok(None);
                }
                continue;
            };
            if self.next < frame.header.next() {
                return self.record(frame).map(Some);
            }
            self.end_frame(frame)?;
        }
    }

    fn begin_frame(&mut self) -> Result<bool, ReadError> {
        if self.at >= self.frames_end {
            return Ok(false);
        }
        self.need(HEADER_BYTES)?;
        let decoded = self.buffer.first_chunk().and_then(|bytes| FrameHeader::decode(bytes, self.salt));
        let Some((header, check)) = decoded else {
            return Err(self.corrupt("a frame header's checksum does not hold"));
        };
        let expected = Expected { first: self.next, previous: self.previous.unwrap_or(header.previous) };
        if !expected.is(&header) || header.is_seal() {
            return Err(self.corrupt("a frame does not follow the one before it"));
        }
        self.skip(HEADER_BYTES);
        let body_left = u64::from(header.body_bytes);
        self.frame = Some(OpenFrame { header, body_left, headers_check: Some(0) });
        self.previous = Some(check);
        Ok(true)
    }

    fn end_frame(&mut self, frame: OpenFrame) -> Result<(), ReadError> {
        let checks = frame.headers_check.is_none_or(|check| check == frame.header.body_check);
        if frame.body_left != 0 || !checks {
            return Err(self.corrupt("the records are not those of their frame"));
        }
        self.need(END_BYTES)?;
        if self.buffer[..END_BYTES] != END_MARK {
            return Err(self.corrupt("the frame's end mark does not hold"));
        }
        self.skip(END_BYTES);
        self.frame = None;
        Ok(())
    }

    fn record(&mut self, mut frame: OpenFrame) -> Result<Record, ReadError> {
        const WRONG: &str = "a record's length or checksum does not hold";
        self.need(RECORD_HEADER_BYTES)?;
        let Some(head) = self.buffer.first_chunk().copied() else { return Err(self.corrupt(WRONG)) };
        let header = RecordHeader::decode(&head);
        let total = RECORD_HEADER_BYTES + header.payload_bytes();
        if header.payload_bytes() > MAX_PAYLOAD_BYTES || total as u64 > frame.body_left {
            return Err(self.corrupt(WRONG));
        }
        self.need(total)?;
        if !header.matches(&self.buffer[RECORD_HEADER_BYTES..total]) {
            return Err(self.corrupt(WRONG));
        }
        self.skip(RECORD_HEADER_BYTES);
        let payload = self.buffer.split_to(header.payload_bytes()).freeze();
        self.at += payload.len() as u64;
        frame.body_left -= total as u64;
        frame.headers_check = frame.headers_check.map(|check| crc32c::crc32c_append(check, &head));
        self.frame = Some(frame);
        let position = self.next;
        self.next = position.next();
        let written = frame.header.written;
        Ok(Record { position, kind: header.kind, version: header.version, written, payload })
    }

    /// Makes at least `bytes` bytes of the file available in the buffer.
    fn need(&mut self, bytes: usize) -> Result<(), ReadError> {
        let held = self.buffer.len();
        if held >= bytes {
            return Ok(());
        }
        let from = self.at + held as u64;
        let available = self.frames_end.saturating_sub(from);
        let wanted = self.chunk.max(bytes - held);
        let length = usize::try_from(available).unwrap_or(wanted).min(wanted);
        if held + length < bytes {
            return Err(self.corrupt("the segment ends inside a frame"));
        }
        self.buffer.resize(held + length, 0);
        let read = self.file.read_at(&mut self.buffer[held..], from);
        Ok(read.map_err(JournalError::io("read", &self.path))?)
    }

    fn skip(&mut self, bytes: usize) {
        self.buffer.advance(bytes);
        self.at += bytes as u64;
    }

    fn corrupt(&self, what: &str) -> ReadError {
        JournalError::corrupt(&self.path, self.at, self.next, what).into()
    }
}
