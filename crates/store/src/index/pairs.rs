//! The table that everything in an index file is kept in: sorted (key, value) pairs in blocks of one page.
//!
//! ```text
//! block   0   4  CRC32C of the rest of the block, little endian
//!         4   2  number of pairs, little endian
//!         6   8  the first pair's key, little endian
//!        14  ..  the first pair's value, LEB128; then for each further pair the difference of its key to the one before,
//!                LEB128, and the difference of its value, LEB128 of the zigzag form; zeros to the end of the page
//! ```
//!
//! A random identity among 200,000 takes about seven bytes so, an outcome about four.

use super::IndexError;
use super::file::BlockFile;

/// Bytes of a block.
pub(super) const BLOCK_BYTES: usize = 4096;
const HEAD_BYTES: usize = 14;
/// The most a further pair can take: two LEB128 integers of 64 bits.
const MOST_BYTES: usize = 20;

/// Where a table lies in its file, and the first key of each of its blocks.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    /// Blocks of the file before it.
    pub(super) start: u64,
    /// How many pairs it has.
    pub(super) count: u64,
    /// The first key of each block.
    pub(super) fences: Box<[u64]>,
}

/// Appends the blocks of a sorted table to `out`, which holds whole blocks; returns where the table is.
pub(super) fn write(out: &mut Vec<u8>, pairs: &[(u64, u32)]) -> Pairs {
    let start = (out.len() / BLOCK_BYTES) as u64;
    let mut fences = Vec::new();
    let mut rest = pairs;
    while let Some((&first, further)) = rest.split_first() {
        let at = out.len();
        fences.push(first.0);
        out.extend_from_slice(&[0; 6]);
        out.extend_from_slice(&first.0.to_le_bytes());
        put_int(out, u64::from(first.1));
        let mut last = first;
        let mut count = 1u16;
        rest = further;
        while let Some((&pair, further)) = rest.split_first() {
            if out.len() - at + MOST_BYTES > BLOCK_BYTES {
                break;
            }
            put_int(out, pair.0 - last.0);
            let delta = i64::from(pair.1) - i64::from(last.1);
            put_int(out, ((delta << 1) ^ (delta >> 63)).cast_unsigned());
            (last, rest) = (pair, further);
            count += 1;
        }
        out.resize(at + BLOCK_BYTES, 0);
        out[at + 4..at + 6].copy_from_slice(&count.to_le_bytes());
        let check = crc32c::crc32c(&out[at + 4..]);
        out[at..at + 4].copy_from_slice(&check.to_le_bytes());
    }
    Pairs { start, count: pairs.len() as u64, fences: fences.into() }
}

impl Pairs {
    /// The greatest values of one key below `before`, greatest first, until `values` has `most`.
    pub(super) fn latest(
        &self,
        file: &BlockFile,
        key: u64,
        before: u32,
        most: usize,
        values: &mut Vec<u32>,
    ) -> Result<(), IndexError> {
        let mut block = self.fences.partition_point(|fence| *fence <= key);
        let mut page = [0; BLOCK_BYTES];
        let mut found = Vec::new();
        while let Some(at) = block.checked_sub(1).filter(|_| values.len() < most) {
            found.clear();
            self.read(file, at, &mut page, |k, value| {
                if k == key && value < before {
                    found.push(value);
                }
                k <= key
            })?;
            let room = most - values.len();
            values.extend(found.iter().rev().take(room));
            if self.fences[at] < key {
                break;
            }
            block = at;
        }
        Ok(())
    }

    /// Every pair whose key is in the range, in order.
    pub(super) fn in_range(
        &self,
        file: &BlockFile,
        from: u64,
        to: u64,
        mut found: impl FnMut(u64, u32),
    ) -> Result<(), IndexError> {
        let first = self.fences.partition_point(|fence| *fence < from).saturating_sub(1);
        let mut page = [0; BLOCK_BYTES];
        for at in first..self.fences.len() {
            if self.fences[at] > to {
                break;
            }
            self.read(file, at, &mut page, |key, value| {
                if (from..=to).contains(&key) {
                    found(key, value);
                }
                key <= to
            })?;
        }
        Ok(())
    }

    /// The last pair whose key is not above `key`.
    pub(super) fn last_to(&self, file: &BlockFile, key: u64) -> Result<Option<(u64, u32)>, IndexError> {
        let Some(at) = self.fences.partition_point(|fence| *fence <= key).checked_sub(1) else {
            return Ok(None);
        };
        let mut last = None;
        self.read(file, at, &mut [0; BLOCK_BYTES], |k, value| {
            if k <= key {
                last = Some((k, value));
            }
            k <= key
        })?;
        Ok(last)
    }

    /// Reads a block and gives its pairs to `take` until that says `false`.
    fn read(
        &self,
        file: &BlockFile,
        at: usize,
        page: &mut [u8; BLOCK_BYTES],
        take: impl FnMut(u64, u32) -> bool,
    ) -> Result<(), IndexError> {
        file.read_block(self.start + at as u64, page)?;
        decode(page, take).ok_or_else(|| file.damaged())
    }
}

/// Gives the pairs of a block to `take` until that says `false`; `None` when the block is not as it was written.
pub(super) fn decode(page: &[u8; BLOCK_BYTES], mut take: impl FnMut(u64, u32) -> bool) -> Option<()> {
    let (check, body) = page.split_first_chunk()?;
    if crc32c::crc32c(body) != u32::from_le_bytes(*check) {
        return None;
    }
    let (count, body) = body.split_first_chunk()?;
    let (key, mut rest) = body.split_first_chunk()?;
    let mut key = u64::from_le_bytes(*key);
    let mut value = i64::try_from(take_int(&mut rest)?).ok()?;
    if !take(key, u32::try_from(value).ok()?) {
        return Some(());
    }
    for _ in 1..u16::from_le_bytes(*count) {
        key = key.checked_add(take_int(&mut rest)?)?;
        let delta = take_int(&mut rest)?;
        value = value.checked_add((delta >> 1).cast_signed() ^ -((delta & 1).cast_signed()))?;
        if !take(key, u32::try_from(value).ok()?) {
            break;
        }
    }
    Some(())
}

fn put_int(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push((n as u8) | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn take_int(rest: &mut &[u8]) -> Option<u64> {
    let mut n = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        n |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(n);
        }
    }
    None
}

const _: () = assert!(HEAD_BYTES + MOST_BYTES < BLOCK_BYTES);
