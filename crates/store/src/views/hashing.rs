//! Hashes: a quick one for keys that are numbers already, and the fingerprint of an event's data.

use std::hash::{BuildHasherDefault, Hasher};

use siphasher::sip::SipHasher13;

/// A map whose keys are positions or fingerprints.
pub(super) type NumberMap<K, V> = std::collections::HashMap<K, V, BuildHasherDefault<Folded>>;

/// Multiplies and folds: enough for numbers that the hub chose itself or that are hashes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Folded(u64);

impl Hasher for Folded {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u32(&mut self, n: u32) {
        self.write_u64(u64::from(n));
    }

    fn write_u64(&mut self, n: u64) {
        let product = u128::from(self.0 ^ n ^ 0x9e37_79b9_7f4a_7c15) * 0xa076_1d64_78bd_642f;
        self.0 = (product >> 64) as u64 ^ product as u64;
    }

    fn write_u128(&mut self, n: u128) {
        self.0 = (n >> 64) as u64 ^ n as u64;
    }
}

/// The fingerprint of an event's data that the views keep with its object: what comes back from a system with the same
/// fingerprint is an echo. Chosen once: the views hold it.
#[must_use]
pub fn data_hash(data: &[u8]) -> u64 {
    SipHasher13::new_with_keys(0x6c69_6e65_7368_6166, 0x7420_6461_7461_7631).hash(data)
}
