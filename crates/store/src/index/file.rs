//! The file of a segment's index: blocks of pairs, then what is read at open, then a footer that says where that starts.
//!
//! ```text
//! 0            blocks of one page, see `pairs`
//! head_at      the head: JSON, then the first key of every block of every table, little endian
//! end - 24     8  magic
//!              4  version of the format, little endian
//!              4  bytes of the head's JSON
//!              4  bytes of the head
//!              4  CRC32C of the head and of these 20 bytes
//! ```
//!
//! Nothing here is synced to the disk: a file that a power cut left unfinished fails its checksums and is made again.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use lineshaft_model::Position;

use super::IndexError;
use super::pairs::BLOCK_BYTES;

const MAGIC: [u8; 8] = *b"\x89LSINDX\n";
const VERSION: u32 = 1;
const FOOTER_BYTES: usize = 24;
/// A head larger than this is none: the first keys of a hundred million pairs take a megabyte or two.
const MOST_HEAD_BYTES: u64 = 64 << 20;

/// An open index file.
#[derive(Debug)]
pub(super) struct BlockFile {
    file: File,
    path: PathBuf,
    /// Bytes of it.
    pub(super) bytes: u64,
}

/// What is read at open.
pub(super) struct Head {
    pub(super) json: Vec<u8>,
    pub(super) fences: Vec<u64>,
}

/// The file of the segment that starts here.
pub(super) fn path_of(dir: &Path, first: Position) -> PathBuf {
    dir.join(format!("{:020}.idx", first.0))
}

/// The segment whose index this file is, by its name.
pub(super) fn position_in_name(path: &Path) -> Option<Position> {
    let (stem, extension) = path.file_name()?.to_str()?.split_once('.')?;
    let named = extension == "idx" && stem.len() == 20;
    Some(Position(named.then(|| stem.parse().ok())??))
}

/// Writes a file whole: under another name first, so that a process killed meanwhile leaves no half of it.
pub(super) fn write(path: &Path, mut bytes: Vec<u8>, json: &[u8], fences: &[u64]) -> Result<(), IndexError> {
    let head_at = bytes.len();
    bytes.extend_from_slice(json);
    bytes.extend(fences.iter().flat_map(|key| key.to_le_bytes()));
    let head_bytes = bytes.len() - head_at;
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&(json.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&(head_bytes as u32).to_le_bytes());
    let check = crc32c::crc32c(&bytes[head_at..]);
    bytes.extend_from_slice(&check.to_le_bytes());

    let unfinished = path.with_extension("idx.new");
    let written = File::create(&unfinished)
        .and_then(|mut file| file.write_all(&bytes))
        .and_then(|()| fs::rename(&unfinished, path));
    written.map_err(|source| IndexError::File { path: path.to_owned(), verb: "written", source })
}

impl BlockFile {
    /// Opens a file and reads its head.
    pub(super) fn open(path: &Path) -> Result<(Self, Head), IndexError> {
        let failed = |source| IndexError::File { path: path.to_owned(), verb: "read", source };
        let damaged = || IndexError::Damaged { path: path.to_owned() };
        let file = File::open(path).map_err(failed)?;
        let bytes = file.metadata().map_err(failed)?.len();
        let footer_at = bytes.checked_sub(FOOTER_BYTES as u64).ok_or_else(damaged)?;
        let mut footer = [0; FOOTER_BYTES];
        file.read_exact_at(&mut footer, footer_at).map_err(failed)?;
        let number =
            |at: usize| u32::from_le_bytes([footer[at], footer[at + 1], footer[at + 2], footer[at + 3]]);
        if footer[..8] != MAGIC || number(8) != VERSION {
            return Err(damaged());
        }
        let (json_bytes, head_bytes, check) = (number(12) as usize, u64::from(number(16)), number(20));
        let head_at = footer_at.checked_sub(head_bytes).filter(|_| head_bytes <= MOST_HEAD_BYTES);
        let head_at = head_at.filter(|at| at % BLOCK_BYTES as u64 == 0).ok_or_else(damaged)?;
        let mut head = vec![0; head_bytes as usize];
        file.read_exact_at(&mut head, head_at).map_err(failed)?;
        let holds = crc32c::crc32c_append(crc32c::crc32c(&head), &footer[..FOOTER_BYTES - 4]) == check;
        if !holds || json_bytes > head.len() {
            return Err(damaged());
        }
        let fences = head.split_off(json_bytes);
        let fences = fences.chunks_exact(8).map(|key| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(key);
            u64::from_le_bytes(bytes)
        });
        let head = Head { fences: fences.collect(), json: head };
        Ok((Self { file, path: path.to_owned(), bytes }, head))
    }

    /// Reads one block.
    pub(super) fn read_block(&self, block: u64, page: &mut [u8; BLOCK_BYTES]) -> Result<(), IndexError> {
        self.file.read_exact_at(page, block * BLOCK_BYTES as u64).map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => self.damaged(),
            _ => IndexError::File { path: self.path.clone(), verb: "read", source },
        })
    }

    pub(super) fn damaged(&self) -> IndexError {
        IndexError::Damaged { path: self.path.clone() }
    }
}
