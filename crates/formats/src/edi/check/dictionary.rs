//! Elements of segments: type, length, whether they must be there. X12 from 003040 to 007010, EDIFACT from D.93A to D.21B: the
//! widest length of all, and mandatory only what is so in all.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::edi::dialect::Dialect;
use crate::edi::segment::Tag;

/// The type of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    /// A string or a code.
    Text,
    /// `N`: a whole number, its decimals implied.
    Whole,
    /// `R`: a number with a decimal mark.
    Decimal,
    Date,
    Time,
}

/// What an element or a component may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spec {
    pub(super) kind: Type,
    pub(super) least: usize,
    pub(super) most: usize,
    pub(super) is_mandatory: bool,
}

/// A segment: its elements, each with its components.
pub(super) type Elements = Vec<Vec<Spec>>;

static X12: LazyLock<HashMap<Tag, Elements>> = LazyLock::new(|| all(X12_SEGMENTS));
static EDIFACT: LazyLock<HashMap<Tag, Elements>> = LazyLock::new(|| all(EDIFACT_SEGMENTS));

/// The elements of a segment, as far as they are known.
pub(super) fn segment(dialect: Dialect, tag: Tag) -> Option<&'static Elements> {
    match dialect {
        Dialect::X12 => X12.get(&tag),
        Dialect::Edifact => EDIFACT.get(&tag),
    }
}

fn all(segments: &[&str]) -> HashMap<Tag, Elements> {
    let read = |text: &&str| {
        let mut words = text.split_whitespace();
        let tag = Tag::new(words.next().unwrap_or_default().as_bytes());
        (tag, words.map(|element| element.split(',').map(spec).collect()).collect())
    };
    segments.iter().map(read).collect()
}

/// Reads `n1-6!`: a type (none for text, `n` whole, `r` decimal, `d` date, `t` time), a length, whether it must be there.
fn spec(text: &str) -> Spec {
    let (text, is_mandatory) = match text.strip_suffix('!') {
        Some(text) => (text, true),
        None => (text, false),
    };
    let kind = match text.as_bytes().first() {
        Some(b'n') => Type::Whole,
        Some(b'r') => Type::Decimal,
        Some(b'd') => Type::Date,
        Some(b't') => Type::Time,
        _ => Type::Text,
    };
    let lengths = text.trim_start_matches(|letter: char| letter.is_ascii_lowercase());
    let (least, most) = lengths.split_once('-').unwrap_or((lengths, lengths));
    Spec { kind, least: least.parse().unwrap_or(0), most: most.parse().unwrap_or(usize::MAX), is_mandatory }
}

const X12_SEGMENTS: &[&str] = &[
    "ACK 2! r1-15 2 3 d6-8 1-45",
    "AMT 1-3! r1-18! 1",
    "BAK 2! 2! 1-22! d6-8! 1-30 1-30 1-45 1-50 d6-8",
    "BCA 2! 2 1-22! 1-30 1-30 d6-8 1-45 1-50 1-30 d6-8",
    "BCH 2! 2! 1-22! 1-30 1-30 d6-8 1-45 1-30 1-45 d6-8 d6-8",
    "BEG 2! 2! 1-22! 1-30 d6-8! 1-30",
    "BFR 2! 1-30 1-30 2! 1! d6-8! d6-8 d6-8",
    "BGN 2! 1-50! d6-8! t4-8",
    "BIA 2! 2! 1-50! d6-8! t4-8",
    "BIG d6-8! 1-22! d6-8 1-22",
    "BPR 1-2! r1-18! 1! 3!",
    "BRA 1-50! d6-8! 2! 1-2",
    "BSN 2! 2-30! d6-8! t4-8!",
    "BSS 2! 1-50! d6-8! 2! d6-8! d6-8!",
    "CTT n1-6! r1-10",
    "CUR 2-3! 3!",
    "DTM 3! d6-8 t4-8",
    "FST r1-15! 1! 1! d6-8!",
    "HL 1-12! 1-12 1-2! 1",
    "IT1 1-20 r1-15 2 r1-17 2 2 1-80",
    "LIN 1-20 2! 1-80!",
    "N1 2-3! 1-60 1-2 2-80",
    "N3 1-55! 1-55",
    "N4 2-30 2 3-15 2-3 1-2 1-30",
    "N9 2-3! 1-50 1-45 d6-8",
    "OTI 1-2! 2-3! 1-80!",
    "PER 2! 1-60 2 1-256",
    "PID 1! 2-3 2 1-12 1-80",
    "PO1 1-20 r1-15 2 r1-17 2 2 1-80",
    "POC 1-20 2! r1-15 r1-9",
    "PRF 1-22! 1-30 1-8 d6-8",
    "QTY 2! r1-15",
    "REF 2-3! 1-80 1-80",
    "SCH r1-15! 2! 2 1-60 3! d6-8!",
    "SN1 1-20 r1-10! 2!",
    "TDS n1-18!",
    "W01 r1-10! 2!",
    "W05 1! 1-22",
    "W07 r1-10 2",
    "W12 2! r1-10 r1-10",
    "W15 d6-8! 1-22",
    "W17 1! d6-8! 1-30!",
    "W19 2! r1-10! 2!",
];

const EDIFACT_SEGMENTS: &[&str] = &[
    "BGM 1-3,1-17,1-3,1-35 1-70,1-9,1-6 1-3 1-3",
    "CNT 1-3!,r1-18!,1-8",
    "CPS 1-35! 1-35 1-3",
    "CTA 1-3 1-17,1-256",
    "CUX 1-3!,1-3,1-3",
    "DTM 1-3!,1-35,1-3",
    "ERC 1-8!,1-17,1-3",
    "FTX 1-3! 1-3 1-17,1-17,1-3 1-512,1-512,1-512,1-512,1-512",
    "LIN 1-6 1-3 1-35,1-3,1-17,1-3",
    "LOC 1-3! 1-35,1-17,1-3,1-256",
    "MOA 1-3!,r1-35,1-3,1-3,1-3",
    "NAD 1-3! 1-35,1-17,1-3",
    "PIA 1-3! 1-35,1-3,1-17,1-3",
    "PRI 1-3,r1-15,1-3,1-3,n1-9,1-8",
    "QTY 1-3!,1-35!,1-8",
    "RFF 1-3!,1-70,1-6",
    "SCC 1-3! 1-3",
    "SEQ 1-3 1-10",
    "TDT 1-3! 1-17",
    "UNS 1!",
];
