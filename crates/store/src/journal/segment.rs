//! Segments: the files of a journal, their names and their headers.

use std::path::{Path, PathBuf};

use lineshaft_model::{Millis, Position};

use super::error::JournalError;
use super::frame::{MAX_POSITION, u32_at, u64_at};

/// Bytes of a segment's header.
pub(crate) const HEADER_BYTES: usize = 64;

/// The version of the format that is written, and the only one that is read.
pub const FORMAT_VERSION: u32 = 1;

const MAGIC: [u8; 8] = *b"\x89LSHAFT\n";
const CHECK_AT: usize = HEADER_BYTES - 4;
const EXTENSION: &str = "seg";
const UNFINISHED: &str = "new";

/// One segment, as seen from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Position of its first record, which also names it.
    pub first: Position,
    /// Position of its last durable record; the one before `first` when it has none yet.
    pub last: Position,
    /// Bytes of its header, its durable frames and its seal. Space reserved for later frames is not counted.
    pub bytes: u64,
    /// When it was made.
    pub created: Millis,
    /// Whether it is complete: nothing is ever added to it again.
    pub closed: bool,
    /// The file.
    pub path: PathBuf,
}

impl SegmentInfo {
    /// Number of records.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.last.0 + 1 - self.first.0
    }
}

/// What a segment's file starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    /// The id of the journal it belongs to.
    pub(crate) journal: u64,
    pub(crate) first: Position,
    pub(crate) created: Millis,
    /// The checksum of the seal of the segment before; zero in the first one of a journal.
    pub(crate) previous: u32,
}

/// Why a file's start is not a segment header that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderFault {
    /// It is not as it was written, or never was one.
    Damaged,
    /// It is well, but a later version wrote it.
    Version(u32),
}

impl SegmentHeader {
    /// The header as stored, and its checksum.
    pub(crate) fn encode(&self) -> ([u8; HEADER_BYTES], u32) {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.previous.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.first.0.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.created.0.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.journal.to_le_bytes());
        let check = crc32c::crc32c(&bytes[..CHECK_AT]);
        bytes[CHECK_AT..].copy_from_slice(&check.to_le_bytes());
        (bytes, check)
    }

    /// The header and its checksum.
    pub(crate) fn decode(bytes: &[u8; HEADER_BYTES]) -> Result<(Self, u32), HeaderFault> {
        let check = u32_at(bytes, CHECK_AT);
        if bytes[..8] != MAGIC || crc32c::crc32c(&bytes[..CHECK_AT]) != check {
            return Err(HeaderFault::Damaged);
        }
        let version = u32_at(bytes, 8);
        if version != FORMAT_VERSION {
            return Err(HeaderFault::Version(version));
        }
        let header = Self {
            previous: u32_at(bytes, 12),
            first: Position(u64_at(bytes, 16)),
            created: Millis(u64_at(bytes, 24).cast_signed()),
            journal: u64_at(bytes, 32),
        };
        Ok((header, check))
    }

    /// The header of the segment in this file, which must be the one that its name says.
    pub(crate) fn of_file(path: &Path, named: Position, bytes: &[u8]) -> Result<(Self, u32), JournalError> {
        let damaged = |what: &str| JournalError::corrupt(path, 0, named, what);
        let Some(bytes) = bytes.first_chunk() else {
            return Err(damaged("the file is shorter than a segment's header"));
        };
        match Self::decode(bytes) {
            Ok((header, check)) if header.first == named => Ok((header, check)),
            Ok((header, _)) => {
                Err(damaged(&format!("its header says it starts at position {}", header.first)))
            }
            Err(HeaderFault::Damaged) => Err(damaged("the segment header's checksum does not hold")),
            Err(HeaderFault::Version(version)) => {
                Err(JournalError::Version { segment: path.to_owned(), version })
            }
        }
    }
}

/// The file of the segment that starts at this position.
pub(crate) fn path_of(dir: &Path, first: Position) -> PathBuf {
    dir.join(format!("{:020}.{EXTENSION}", first.0))
}

/// The same while it is being made.
pub(crate) fn unfinished_path_of(dir: &Path, first: Position) -> PathBuf {
    dir.join(format!("{:020}.{EXTENSION}.{UNFINISHED}", first.0))
}

/// The first position of the segment in this file, if its name is a segment's.
pub(crate) fn position_in_name(path: &Path) -> Option<Position> {
    let (stem, extension) = path.file_name()?.to_str()?.split_once('.')?;
    let well_formed = extension == EXTENSION && stem.len() == 20 && stem.bytes().all(|b| b.is_ascii_digit());
    let first: u64 = well_formed.then(|| stem.parse().ok())??;
    (1..=MAX_POSITION).contains(&first).then_some(Position(first))
}

/// Whether this is a segment whose making was not finished.
pub(crate) fn is_unfinished(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == UNFINISHED)
        && position_in_name(&path.with_extension("")).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> SegmentHeader {
        SegmentHeader {
            journal: 0x1122_3344_5566_7788,
            first: Position(41),
            created: Millis(1_795_411_800_250),
            previous: 7,
        }
    }

    #[test]
    fn a_header_reads_back_and_no_flipped_bit_passes() {
        let (bytes, check) = header().encode();
        assert_eq!(SegmentHeader::decode(&bytes), Ok((header(), check)));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(SegmentHeader::decode(&flipped), Err(HeaderFault::Damaged), "bit {bit}");
        }
    }

    #[test]
    fn a_later_version_is_told_from_damage() {
        let (mut bytes, _) = header().encode();
        bytes[8] = 9;
        let check = crc32c::crc32c(&bytes[..CHECK_AT]);
        bytes[CHECK_AT..].copy_from_slice(&check.to_le_bytes());
        assert_eq!(SegmentHeader::decode(&bytes), Err(HeaderFault::Version(9)));
    }

    #[test]
    fn names_sort_as_positions_and_read_back() {
        let dir = Path::new("/j");
        assert!(path_of(dir, Position(9)) < path_of(dir, Position(10)));
        assert_eq!(position_in_name(&path_of(dir, Position(10))), Some(Position(10)));
        for other in [
            "/j/lock",
            "/j/00000000000000000001.idx",
            "/j/1.seg",
            "/j/00000000000000000000.seg",
            "/j/18446744073709551615.seg",
            "/j/é.seg",
        ] {
            assert_eq!(position_in_name(Path::new(other)), None, "{other}");
        }
        assert!(is_unfinished(&unfinished_path_of(dir, Position(3))));
        assert!(!is_unfinished(&path_of(dir, Position(3))));
        assert_eq!(position_in_name(&unfinished_path_of(dir, Position(3))), None);
    }
}
