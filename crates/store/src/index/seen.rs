//! Whether an identity may have been seen before: a blocked Bloom filter in layers.
//!
//! Each identity sets one bit in each of the eight words of one cache line, so a question costs one cache miss per layer.
//! Twelve bits an identity leave about one false "maybe" in two hundred, which only costs a look into the indexes. A full
//! layer is followed by one of twice its size; at the next start all are made one again.

use lineshaft_model::Fingerprint;

use super::cut;

/// Bits of a layer for each identity it may hold.
const BITS_EACH: u64 = 12;
const LINE_BITS: u64 = 512;
const SMALLEST: u64 = 1 << 18;

/// The identities of all retained events, as a filter: it never denies one that was inserted.
#[derive(Debug, Default)]
pub struct Seen {
    /// Newest, and largest, last.
    layers: Vec<Layer>,
}

#[derive(Debug)]
struct Layer {
    lines: Vec<[u64; 8]>,
    held: u64,
    room: u64,
}

impl Seen {
    /// A filter whose first layer has room for `expected` identities and as many again.
    #[must_use]
    pub fn with_room_for(expected: u64) -> Self {
        Self { layers: vec![Layer::new(expected.saturating_mul(2).max(SMALLEST))] }
    }

    /// Remembers an identity.
    pub fn insert(&mut self, identity: Fingerprint) {
        self.insert_cut(cut(identity));
    }

    /// Remembers an identity as the index files hold it.
    pub(super) fn insert_cut(&mut self, cut: u64) {
        let room = self.layers.last().map_or(SMALLEST, |layer| layer.room * 2);
        if self.layers.last().is_none_or(|layer| layer.held >= layer.room) {
            self.layers.push(Layer::new(room));
        }
        if let Some(layer) = self.layers.last_mut() {
            layer.insert(cut);
        }
    }

    /// Whether it may have been inserted; `false` is certain.
    #[must_use]
    pub fn maybe(&self, identity: Fingerprint) -> bool {
        let cut = cut(identity);
        self.layers.iter().rev().any(|layer| layer.maybe(cut))
    }

    /// How many were inserted, repeats included.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.layers.iter().map(|layer| layer.held).sum()
    }

    /// Whether nothing was inserted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The memory it takes, in bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.layers.iter().map(|layer| layer.lines.len() * size_of::<[u64; 8]>()).sum()
    }
}

impl Layer {
    fn new(room: u64) -> Self {
        let lines = (room.saturating_mul(BITS_EACH) / LINE_BITS).max(1);
        Self { lines: vec![[0; 8]; usize::try_from(lines).unwrap_or(usize::MAX)], held: 0, room }
    }

    /// The line of an identity, in the order of identities: those of an index file come sorted and walk through the memory
    /// once, instead of missing the cache each.
    const fn line(&self, cut: u64) -> usize {
        ((((cut << 16) as u128) * (self.lines.len() as u128)) >> 64) as usize
    }

    fn insert(&mut self, cut: u64) {
        let line = self.line(cut);
        for (word, bit) in self.lines[line].iter_mut().zip(bits(cut)) {
            *word |= 1 << bit;
        }
        self.held += 1;
    }

    fn maybe(&self, cut: u64) -> bool {
        self.lines[self.line(cut)].iter().zip(bits(cut)).all(|(word, bit)| word >> bit & 1 == 1)
    }
}

/// A bit for each word of a line: eight times six bits of the identity, mixed (the finaliser of splitmix64) because its
/// upper bits chose the line.
fn bits(cut: u64) -> impl Iterator<Item = u32> {
    let mut hash = cut.wrapping_add(0x9e37_79b9_7f4a_7c15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^= hash >> 31;
    (0..8).map(move |n| ((hash >> (n * 6)) & 63) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(n: u64) -> Fingerprint {
        Fingerprint::of(&["urn:lineshaft:main:erp", &n.to_string()])
    }

    #[test]
    fn nothing_inserted_is_ever_denied_and_few_others_are_suspected() {
        let mut seen = Seen::default();
        // More than the first layer holds.
        let held = SMALLEST * 2;
        for n in 0..held {
            seen.insert(identity(n));
        }
        assert!((0..held).all(|n| seen.maybe(identity(n))));
        assert_eq!(seen.layers.len(), 2);
        let wrong = (held..held + 100_000).filter(|n| seen.maybe(identity(*n))).count();
        assert!(wrong < 1500, "{wrong} of 100000 suspected");
        assert!(seen.memory_bytes() as u64 * 8 <= SMALLEST * 3 * BITS_EACH);
    }

    #[test]
    fn an_empty_filter_denies() {
        assert!(!Seen::default().maybe(identity(1)));
    }
}
