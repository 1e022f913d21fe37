//! Business keys and the fingerprints by which indexes find them.

use std::fmt;
use std::hash::Hasher;

use serde::{Deserialize, Serialize};
use siphasher::sip128::{Hasher128, SipHasher13};

/// Which object: tenant, type and the business key as the system of record writes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectKey {
    /// The tenant that owns it.
    pub tenant: String,
    /// The object's type, for instance `purchase-order`.
    #[serde(rename = "type")]
    pub object_type: String,
    /// The business key.
    pub key: String,
}

impl ObjectKey {
    /// A key from its three parts.
    pub fn new(tenant: impl Into<String>, object_type: impl Into<String>, key: impl Into<String>) -> Self {
        Self { tenant: tenant.into(), object_type: object_type.into(), key: key.into() }
    }

    /// The fingerprint by which caches and indexes find the object.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&[self.tenant.as_str(), self.object_type.as_str(), self.key.as_str()])
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.object_type, self.key)
    }
}

/// A 128-bit SipHash-1-3 of some texts, the same on every machine and in every version: it is written to index files.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub u128);

impl Fingerprint {
    /// The fingerprint of these texts; the boundaries between them count.
    #[must_use]
    pub fn of(parts: &[&str]) -> Self {
        let mut hasher = SipHasher13::new_with_keys(0x6c69_6e65_7368_6166, 0x7420_6b65_7920_7631);
        for part in parts {
            hasher.write(part.as_bytes());
            hasher.write(&[0xff]);
        }
        Self(hasher.finish128().as_u128())
    }

    /// The first half, for arrays where eight bytes are enough because a hit is checked against the record.
    #[must_use]
    pub const fn short(self) -> u64 {
        (self.0 >> 64) as u64
    }
}

/// The fingerprint of who sends: an event's `source`, which names tenant and system. Senders share lanes by it.
#[must_use]
pub fn share_of(source: &str) -> u32 {
    (Fingerprint::of(&[source]).0 >> 96) as u32
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_stable_and_heeds_boundaries() {
        assert_eq!(Fingerprint::of(&["a", "bc"]), Fingerprint::of(&["a", "bc"]));
        assert_ne!(Fingerprint::of(&["a", "bc"]), Fingerprint::of(&["ab", "c"]));
        assert_ne!(Fingerprint::of(&["a"]), Fingerprint::of(&["a", ""]));
        // Written to index files: a change here would make every index on disk wrong.
        assert_eq!(
            format!("{:?}", Fingerprint::of(&["main", "item", "BOLT"])),
            "d0f08a861e9176ea958c6aff85015032"
        );
    }
}
