//! Which encoding a character set of EDIFACT is.

use crate::encoding::Encoding;

/// What bytes that are not UTF-8 are taken for: the larger of the two that UNOA to UNOC allow and that X12 meets.
pub(super) fn usual() -> Encoding {
    Encoding::named("windows-1252").unwrap_or_default()
}

/// The encoding of a character set by data element 0001; `None` for one that is not read here.
pub(super) fn named(set: &str) -> Option<Encoding> {
    const SETS: [(&str, &str); 8] = [
        ("UNOD", "iso-8859-2"),
        ("UNOE", "iso-8859-5"),
        ("UNOF", "iso-8859-7"),
        ("UNOG", "iso-8859-3"),
        ("UNOH", "iso-8859-4"),
        ("UNOI", "iso-8859-6"),
        ("UNOJ", "iso-8859-8"),
        ("UNOK", "iso-8859-9"),
    ];
    match SETS.iter().find(|(known, _)| *known == set) {
        Some((_, name)) => Encoding::named(name),
        None if set == "UNOX" => None,
        None => Some(usual()),
    }
}
