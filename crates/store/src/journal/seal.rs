//! Seals: the last frame of a closed segment, with its table.

use std::path::Path;

use lineshaft_model::{Millis, Position};

use super::disk::File;
use super::error::JournalError;
use super::frame::{END_BYTES, END_MARK, FrameHeader, HEADER_BYTES, Salt, check_body, u64_at};
use super::segment;
use super::table::{SEAL_OFFSET_BYTES, Table};

/// No seal is longer: two entries of 12 bytes for every 16 KiB of the longest file take 3 MiB.
const MAX_SEAL_BYTES: u64 = 4 << 20;

/// A seal, read from the end of a closed segment.
#[derive(Debug)]
pub(crate) struct Seal {
    /// Where it starts, which is where the frames end.
    pub(crate) offset: u64,
    /// The first position of the next segment.
    pub(crate) next: Position,
    /// Its checksum, which the next segment's header repeats.
    pub(crate) check: u32,
    pub(crate) table: Table,
}

/// The seal's bytes besides its end mark, ready to be written at `offset`, and its checksum.
pub(crate) fn encode(
    table: &Table,
    offset: u64,
    next: Position,
    written: Millis,
    previous: u32,
    salt: Salt,
) -> (Vec<u8>, u32) {
    let body = table.encode(offset);
    let header = FrameHeader {
        count: 0,
        first: next,
        written,
        body_bytes: body.len() as u32,
        previous,
        body_check: crc32c::crc32c(&body),
    };
    let (head, check) = header.encode(salt);
    ([&head[..], &body, &END_MARK].concat(), check)
}

/// Reads the seal of the closed segment that starts at `first`.
pub(crate) fn read(
    file: &File,
    path: &Path,
    size: u64,
    first: Position,
    salt: Salt,
) -> Result<Seal, JournalError> {
    let broken = |offset| {
        JournalError::corrupt(path, offset, first, "the segment does not end with a good seal, as it must")
    };
    let mut end = [0; SEAL_OFFSET_BYTES + END_BYTES];
    let end_at = size.checked_sub(end.len() as u64).ok_or_else(|| broken(size))?;
    file.read_at(&mut end, end_at).map_err(JournalError::io("read", path))?;
    let offset = u64_at(&end, 0);
    let plausible = offset >= segment::HEADER_BYTES as u64
        && offset <= size.saturating_sub((HEADER_BYTES + END_BYTES) as u64)
        && size - offset <= MAX_SEAL_BYTES;
    if !plausible {
        return Err(broken(end_at));
    }
    let mut frame = vec![0; (size - offset) as usize];
    file.read_at(&mut frame, offset).map_err(JournalError::io("read", path))?;
    let (header, check) = frame
        .first_chunk()
        .and_then(|bytes| FrameHeader::decode(bytes, salt))
        .filter(|(header, _)| header.is_seal() && header.frame_bytes() == size - offset)
        .ok_or_else(|| broken(offset))?;
    check_body(&header, &frame[HEADER_BYTES..], |_, _, _| {}).map_err(|_| broken(offset))?;
    let (table, at) = Table::decode(first, &frame[HEADER_BYTES..HEADER_BYTES + header.body_len()])
        .ok_or_else(|| broken(offset))?;
    if at != offset || header.first < first {
        return Err(broken(offset));
    }
    Ok(Seal { offset, next: header.first, check, table })
}
