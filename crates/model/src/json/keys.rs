//! Finds a key that an object has twice, without a table per object.
//!
//! The keys of all open objects lie on one stack. While an object is small each new key is compared with the others by
//! hash; a large one has its keys sorted once, when it closes. Neither depends on the hash being hard to predict:
//! sorting breaks ties by the key itself, so crafted collisions cost no more than any other large object.

use std::cmp::Ordering;

use super::text::Text;

/// Up to so many keys, comparing each with each is cheaper than sorting.
const SMALL: usize = 24;

#[derive(Debug, Default)]
pub(super) struct Keys<'a> {
    stack: Vec<Key<'a>>,
}

#[derive(Debug, Clone, Copy)]
struct Key<'a> {
    hash: u64,
    text: Text<'a>,
    offset: usize,
}

/// The open object whose keys start here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark(usize);

impl<'a> Keys<'a> {
    #[inline]
    pub(super) fn open(&self) -> Mark {
        Mark(self.stack.len())
    }

    /// Notes a key of the innermost object; false if the object has it already.
    #[inline]
    pub(super) fn add(&mut self, mark: Mark, text: Text<'a>, offset: usize) -> bool {
        let hash =
            if text.is_escaped() { hash(text.decode().as_bytes()) } else { hash(text.raw().as_bytes()) };
        let siblings = &self.stack[mark.0..];
        let is_new = siblings.len() >= SMALL
            || !siblings.iter().any(|other| other.hash == hash && other.text.decode() == text.decode());
        self.stack.push(Key { hash, text, offset });
        is_new
    }

    /// Forgets the keys of the innermost object, after a last look if it is a large one: the first key that repeats
    /// an earlier one, and its offset.
    #[inline]
    pub(super) fn close(&mut self, mark: Mark) -> Option<(Text<'a>, usize)> {
        let keys = &mut self.stack[mark.0..];
        let repeated = if keys.len() > SMALL { first_repeated(keys) } else { None };
        self.stack.truncate(mark.0);
        repeated
    }
}

fn first_repeated<'a>(keys: &mut [Key<'a>]) -> Option<(Text<'a>, usize)> {
    keys.sort_unstable_by(|a, b| same_key(a, b).then(a.offset.cmp(&b.offset)));
    let pairs = keys.windows(2).filter(|pair| same_key(&pair[0], &pair[1]).is_eq());
    pairs.map(|pair| (pair[1].text, pair[1].offset)).min_by_key(|(_, offset)| *offset)
}

fn same_key(a: &Key<'_>, b: &Key<'_>) -> Ordering {
    a.hash.cmp(&b.hash).then_with(|| {
        if a.text.is_escaped() || b.text.is_escaped() {
            a.text.decode().cmp(&b.text.decode())
        } else {
            a.text.raw().cmp(b.text.raw())
        }
    })
}

/// A quick hash of a short text, eight bytes at a time.
#[inline]
fn hash(bytes: &[u8]) -> u64 {
    // The multiplier spreads low bits into high ones: 2^64 divided by the golden ratio, made odd.
    let mix = |hash: u64, word: u64| (hash.rotate_left(23) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut hash = bytes.len() as u64;
    if let Some(last) = bytes.last_chunk::<8>() {
        for chunk in bytes.as_chunks::<8>().0 {
            hash = mix(hash, u64::from_le_bytes(*chunk));
        }
        // Overlaps the chunk before it, which does no harm.
        mix(hash, u64::from_le_bytes(*last))
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        mix(hash, u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last)))
    } else {
        mix(hash, bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)))
    }
}
