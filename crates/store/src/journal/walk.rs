//! Walking over the frames of a segment from its start, checking everything. Used at open and by the whole check.

use std::io;

use lineshaft_model::Position;
use lineshaft_ports::journal::RecordHeader;

use super::damage::Expected;
use super::disk::File;
use super::frame::{BodyFault, FrameHeader, HEADER_BYTES, Salt, check_body};

/// How much is read at once.
const CHUNK_BYTES: usize = 1 << 20;

/// A part of a file held in memory, moved forward as it is read.
#[derive(Debug)]
struct Window {
    file: File,
    size: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    /// The `length` bytes at `offset`; fewer where the file ends.
    fn read(&mut self, offset: u64, length: usize) -> io::Result<&[u8]> {
        let length = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(length).min(length);
        let held = offset >= self.start && offset + length as u64 <= self.start + self.bytes.len() as u64;
        if !held {
            self.fill(offset, CHUNK_BYTES.max(length))?;
        }
        let from = usize::try_from(offset.saturating_sub(self.start)).unwrap_or(usize::MAX);
        Ok(self.bytes.get(from..from + length).unwrap_or_default())
    }
}

impl Window {
    /// Takes in the `wanted` bytes at `offset`, or what there is of them.
    fn fill(&mut self, offset: u64, wanted: usize) -> io::Result<()> {
        loop {
            let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(wanted);
            self.bytes.clear();
            self.bytes.resize(left.min(wanted), 0);
            self.start = offset;
            match self.file.read_at(&mut self.bytes, offset) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    // The writer has closed the segment and given back what it did not use.
                    let size = self.file.size()?;
                    if size >= self.size {
                        return Err(error);
                    }
                    self.size = size;
                }
                other => return other,
            }
        }
    }
}

/// What comes next in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A good frame, which starts at this offset.
    Frame { offset: u64, header: FrameHeader },
    /// A good seal: the segment ends after it.
    Seal { offset: u64, header: FrameHeader },
    /// The file ends here.
    End,
    /// No good frame stands here.
    Bad(Bad),
}

/// Why what stands in a place is no good frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bad {
    /// No header.
    Header,
    /// A good header, but not the one that must come next.
    Misplaced,
    /// A good header whose body does not hold.
    Body(FrameHeader, BodyFault),
}

/// Walks over one segment.
#[derive(Debug)]
pub(crate) struct Walk {
    window: Window,
    salt: Salt,
    offset: u64,
    expected: Expected,
}

impl Walk {
    /// Starts at `offset`, where `expected` must stand, in a file of this size.
    pub(crate) const fn new(file: File, size: u64, salt: Salt, offset: u64, expected: Expected) -> Self {
        Self { window: Window { file, size, start: 0, bytes: Vec::new() }, salt, offset, expected }
    }

    /// Where the walk stands.
    pub(crate) const fn offset(&self) -> u64 {
        self.offset
    }

    /// What must stand there.
    pub(crate) const fn expected(&self) -> Expected {
        self.expected
    }

    /// Checks what stands next and, if it is good, moves past it. Calls `each` with the position, the offset, the
    /// header and the payload of every good record.
    pub(crate) fn step(
        &mut self,
        mut each: impl FnMut(Position, u64, &RecordHeader, &[u8]),
    ) -> io::Result<Step> {
        let offset = self.offset;
        let head = self.window.read(offset, HEADER_BYTES)?;
        if head.is_empty() {
            return Ok(Step::End);
        }
        let Some((header, check)) = head.first_chunk().and_then(|b| FrameHeader::decode(b, self.salt)) else {
            return Ok(Step::Bad(Bad::Header));
        };
        if !self.expected.is(&header) {
            return Ok(Step::Bad(Bad::Misplaced));
        }
        let frame = self.window.read(offset, header.frame_bytes() as usize)?;
        let rest = frame.get(HEADER_BYTES..).unwrap_or_default();
        let body_at = offset + HEADER_BYTES as u64;
        let mut position = header.first;
        let checked = check_body(&header, rest, |at, record, payload| {
            each(position, body_at + at as u64, record, payload);
            position = position.next();
        });
        if let Err(fault) = checked {
            return Ok(Step::Bad(Bad::Body(header, fault)));
        }
        self.offset = offset + header.frame_bytes();
        self.expected = Expected { first: header.next(), previous: check };
        Ok(if header.is_seal() { Step::Seal { offset, header } } else { Step::Frame { offset, header } })
    }

    /// The body of a frame that [`Walk::step`] has just found good.
    pub(crate) fn body_of(&mut self, header: &FrameHeader, offset: u64) -> &[u8] {
        self.window.read(offset + HEADER_BYTES as u64, header.body_len()).unwrap_or_default()
    }

    /// Forgets what was read ahead, because the writer may have gone on meanwhile.
    pub(crate) fn refresh(&mut self) -> io::Result<()> {
        self.window.bytes.clear();
        self.window.size = self.window.file.size()?;
        Ok(())
    }

    /// Goes on elsewhere.
    pub(crate) const fn resume(&mut self, offset: u64, expected: Expected) {
        self.offset = offset;
        self.expected = expected;
    }

    /// What stands from here to the end of the file, without the zeros at its end. A whole frame never ends in a zero.
    pub(crate) fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut rest = Vec::new();
        let mut at = self.offset;
        loop {
            self.window.fill(at, CHUNK_BYTES)?;
            let bytes = &self.window.bytes;
            if bytes.is_empty() {
                return Ok(rest);
            }
            let used = without_zeros(bytes);
            if !used.is_empty() {
                rest.resize((at - self.offset) as usize, 0);
                rest.extend_from_slice(used);
            }
            at += bytes.len() as u64;
        }
    }
}

/// The bytes before the zeros at their end. Most are nothing but zeros, so these are passed over in strides.
fn without_zeros(bytes: &[u8]) -> &[u8] {
    const ZEROS: [u8; 4096] = [0; 4096];
    let mut rest = bytes;
    while let Some((before, last)) = rest.split_last_chunk()
        && *last == ZEROS
    {
        rest = before;
    }
    let used = rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    &rest[..used]
}
