//! Frames: what one append writes. A header, the records of the batch (or the table of a seal), an end mark.
//!
//! The layout is described in the documentation of the [journal](super).

use lineshaft_model::{Millis, Position};
use lineshaft_ports::journal::{Batch, MAX_BODY_BYTES, MAX_PAYLOAD_BYTES, RECORD_HEADER_BYTES, RecordHeader};

/// Bytes of a frame's header.
pub(crate) const HEADER_BYTES: usize = 40;

/// Bytes of the mark after a frame's body.
pub(crate) const END_BYTES: usize = 4;

/// Bytes of a frame besides its body.
pub(crate) const AROUND_BYTES: usize = HEADER_BYTES + END_BYTES;

/// The highest position there can be, so that adding to one never overflows.
pub(crate) const MAX_POSITION: u64 = u64::MAX >> 8;

const MAGIC: [u8; 4] = *b"LSF\xF5";

/// Every byte has several bits set. So where a tear took the end of a frame and left zeros, more than one bit is
/// wrong, and a tear never looks like one flipped bit.
pub(crate) const END_MARK: [u8; END_BYTES] = *b"\xA5LS\xB7";

/// Where the header's own checksum starts.
const CHECK_AT: usize = HEADER_BYTES - 4;

/// CRC32C of the journal's id: the start value of every frame header's checksum. A frame that stands inside a payload,
/// sent in by somebody who knows the format, is no frame of this journal as long as the id is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Salt(u32);

impl Salt {
    pub(crate) fn of(journal: u64) -> Self {
        Self(crc32c::crc32c(&journal.to_le_bytes()))
    }
}

/// What stands before a frame's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    /// Number of records; zero makes the frame a seal.
    pub(crate) count: u32,
    /// Position of the first record; for a seal, the first position of the next segment.
    pub(crate) first: Position,
    pub(crate) written: Millis,
    pub(crate) body_bytes: u32,
    /// The checksum of the frame before, or of the segment's header.
    pub(crate) previous: u32,
    /// CRC32C of all record headers; of the whole body for a seal.
    pub(crate) body_check: u32,
}

impl FrameHeader {
    /// The header as stored, and its checksum.
    pub(crate) fn encode(&self, salt: Salt) -> ([u8; HEADER_BYTES], u32) {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..4].copy_from_slice(&MAGIC);
        bytes[4..8].copy_from_slice(&self.count.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.first.0.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.written.0.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.body_bytes.to_le_bytes());
        bytes[28..32].copy_from_slice(&self.previous.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.body_check.to_le_bytes());
        let check = crc32c::crc32c_append(salt.0, &bytes[..CHECK_AT]);
        bytes[CHECK_AT..].copy_from_slice(&check.to_le_bytes());
        (bytes, check)
    }

    /// The header and its checksum, or `None` when these bytes are not a header of this journal as it was written.
    pub(crate) fn decode(bytes: &[u8; HEADER_BYTES], salt: Salt) -> Option<(Self, u32)> {
        let check = u32_at(bytes, CHECK_AT);
        let header = Self {
            count: u32_at(bytes, 4),
            first: Position(u64_at(bytes, 8)),
            written: Millis(u64_at(bytes, 16).cast_signed()),
            body_bytes: u32_at(bytes, 24),
            previous: u32_at(bytes, 28),
            body_check: u32_at(bytes, 32),
        };
        let sane = bytes[..4] == MAGIC
            && (1..=MAX_POSITION).contains(&header.first.0)
            && header.body_bytes as usize <= MAX_BODY_BYTES
            && header.body_bytes as usize / RECORD_HEADER_BYTES >= header.count as usize;
        (sane && crc32c::crc32c_append(salt.0, &bytes[..CHECK_AT]) == check).then_some((header, check))
    }

    pub(crate) const fn is_seal(&self) -> bool {
        self.count == 0
    }

    pub(crate) const fn body_len(&self) -> usize {
        self.body_bytes as usize
    }

    /// Bytes of the whole frame.
    pub(crate) const fn frame_bytes(&self) -> u64 {
        self.body_bytes as u64 + AROUND_BYTES as u64
    }

    /// The position after the last record.
    pub(crate) const fn next(&self) -> Position {
        self.first.plus(self.count as u64)
    }
}

/// The header for a batch.
pub(crate) fn header_for(batch: &Batch, first: Position, written: Millis, previous: u32) -> FrameHeader {
    FrameHeader {
        count: batch.count(),
        first,
        written,
        body_bytes: batch.body().len() as u32,
        previous,
        body_check: batch.headers_check(),
    }
}

/// Where the body of a frame is not as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BodyFault {
    /// Byte offset from the start of the body.
    pub(crate) offset: usize,
    /// How many records before are well.
    pub(crate) good: u32,
    pub(crate) what: &'static str,
}

/// Checks a body and the end mark that follows it; `bytes` is both. Calls `each` with the offset in the body, the
/// header and the payload of every record that is well. A seal's body has no records.
pub(crate) fn check_body(
    header: &FrameHeader,
    bytes: &[u8],
    mut each: impl FnMut(usize, &RecordHeader, &[u8]),
) -> Result<(), BodyFault> {
    let fault = |offset, good, what| Err(BodyFault { offset, good, what });
    let Some((body, end)) = bytes.split_at_checked(header.body_len()) else {
        return fault(bytes.len(), 0, "the frame ends early");
    };
    if header.is_seal() {
        if crc32c::crc32c(body) != header.body_check {
            return fault(0, 0, "the seal's checksum does not hold");
        }
    } else {
        let mut rest = body;
        let mut headers_check = 0;
        for good in 0..header.count {
            let offset = body.len() - rest.len();
            let Some((record, payload, after)) = split_record(rest) else {
                return fault(offset, good, "a record's length or checksum does not hold");
            };
            headers_check = crc32c::crc32c_append(headers_check, &record.encode());
            each(offset, &record, payload);
            rest = after;
        }
        if !rest.is_empty() || headers_check != header.body_check {
            return fault(body.len() - rest.len(), header.count, "the records are not those of their frame");
        }
    }
    if end != END_MARK {
        return fault(body.len(), header.count, "the frame's end mark does not hold");
    }
    Ok(())
}

/// Takes the first record off a body: its header, its payload and what follows. `None` unless its checksum holds.
pub(crate) fn split_record(body: &[u8]) -> Option<(RecordHeader, &[u8], &[u8])> {
    let (header, rest) = body.split_first_chunk()?;
    let header = RecordHeader::decode(header);
    if header.payload_bytes() > MAX_PAYLOAD_BYTES {
        return None;
    }
    let (payload, rest) = rest.split_at_checked(header.payload_bytes())?;
    header.matches(payload).then_some((header, payload, rest))
}

/// Finds the first header of a later frame in `bytes`, at any offset: one whose records come after `after`, or the
/// seal that ends a segment with records after it.
pub(crate) fn find_later_header(bytes: &[u8], salt: Salt, after: Position) -> Option<(usize, FrameHeader)> {
    let mut from = 0;
    while let Some(found) = bytes.get(from..)?.windows(MAGIC.len()).position(|window| *window == MAGIC) {
        let at = from + found;
        let header = bytes[at..].first_chunk().and_then(|chunk| FrameHeader::decode(chunk, salt));
        if let Some((header, _)) = header
            && header.first > after
        {
            return Some((at, header));
        }
        from = at + 1;
    }
    None
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut raw = [0; 4];
    raw.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(raw)
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut raw = [0; 8];
    raw.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(raw)
}

#[cfg(test)]
mod tests;
