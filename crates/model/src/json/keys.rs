//! Finds a key that an object has twice, without a table per object.
//!
//! The keys of all open objects lie on one stack. While an object is small each new key is compared with the others by
//! hash; a large one has its keys sorted once, when it closes. Neither depends on the hash being hard to predict:
//! sorting breaks ties by the key itself, so crafted collisions cost no more than any other large object.

use std::cmp::Ordering;

use smallvec::SmallVec;

use super::text::Text;

/// Up to so many keys, comparing each with each is cheaper than sorting.
const SMALL: usize = 24;

/// So many keys of open objects are held without allocating.
const INLINE: usize = 32;

#[derive(Debug, Default)]
pub(super) struct Keys<'a> {
    /// Apart from the texts, so that comparing is a run over a few words.
    hashes: SmallVec<[u64; INLINE]>,
    texts: SmallVec<[(Text<'a>, usize); INLINE]>,
}

/// The open object whose keys start here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark(usize);

impl<'a> Keys<'a> {
    #[inline]
    pub(super) fn open(&self) -> Mark {
        Mark(self.hashes.len())
    }

    /// Notes a key of the innermost object; false if the object is small and has it already.
    #[inline]
    pub(super) fn add(&mut self, mark: Mark, text: Text<'a>, offset: usize) -> bool {
        let hash =
            if text.is_escaped() { hash(text.decode().as_bytes()) } else { hash(text.raw().as_bytes()) };
        let siblings = &self.hashes[mark.0..];
        let is_new = siblings.len() >= SMALL || !siblings.contains(&hash) || !self.has(mark, text);
        self.hashes.push(hash);
        self.texts.push((text, offset));
        is_new
    }

    #[cold]
    fn has(&self, mark: Mark, text: Text<'a>) -> bool {
        self.texts[mark.0..].iter().any(|(other, _)| other.decode() == text.decode())
    }

    /// Forgets the keys of the innermost object, after a last look if it is a large one: the first key that repeats
    /// an earlier one, and its offset.
    #[inline]
    pub(super) fn close(&mut self, mark: Mark) -> Option<(Text<'a>, usize)> {
        let is_large = self.hashes.len() - mark.0 > SMALL;
        let repeated = if is_large { self.first_repeated(mark) } else { None };
        self.hashes.truncate(mark.0);
        self.texts.truncate(mark.0);
        repeated
    }

    fn first_repeated(&self, mark: Mark) -> Option<(Text<'a>, usize)> {
        let hashes = self.hashes[mark.0..].iter().copied();
        let mut keys: Vec<Key<'a>> = hashes.zip(self.texts[mark.0..].iter().copied()).collect();
        keys.sort_unstable_by(|a, b| order(a, b).then(a.1.1.cmp(&b.1.1)));
        let pairs = keys.windows(2).filter(|pair| order(&pair[0], &pair[1]).is_eq());
        pairs.map(|pair| pair[1].1).min_by_key(|(_, offset)| *offset)
    }
}

/// Hash, text and offset.
type Key<'a> = (u64, (Text<'a>, usize));

fn order(a: &Key<'_>, b: &Key<'_>) -> Ordering {
    let ((a_hash, (a, _)), (b_hash, (b, _))) = (a, b);
    a_hash.cmp(b_hash).then_with(|| match a.is_escaped() || b.is_escaped() {
        true => a.decode().cmp(&b.decode()),
        false => a.raw().cmp(b.raw()),
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
