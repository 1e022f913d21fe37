//! Checks a transaction set or message against what the standards say of it: its segments, their elements.
//!
//! What is checked is what all versions agree on. A set that has no definition here is checked by its envelope only.

mod dictionary;

use std::fmt;

use super::dialect::{Dialect, FaultKind};
use super::loops::{self, Definition, Place};
use super::received::{Interchange, Transaction};
use super::segment::{Segment, Tag};
use dictionary::{Spec, Type};

/// What is wrong with a segment or an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindingKind {
    /// No set that is known here has such a segment.
    SegmentUnknown,
    /// Other sets have it, this one has not.
    SegmentForeign,
    /// The set has it, but not here.
    SegmentUnexpected,
    /// The set must have it.
    SegmentMissing,
    /// The segment must have the element, or the element the component.
    ElementMissing,
    /// Shorter than it may be.
    TooShort,
    /// Longer than it may be.
    TooLong,
    /// A character that the type of the element has not.
    Character,
    /// No date.
    Date,
    /// No time.
    Time,
}

/// A fault of a segment or of an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub kind: FindingKind,
    /// The identifier of the segment.
    pub segment: String,
    /// Which segment: ST or UNH is the first.
    pub position: usize,
    /// Which element, from 1; 0 for the segment as a whole.
    pub element: usize,
    /// Which component, from 1; 0 for the element as a whole.
    pub component: usize,
    /// What stands there.
    pub value: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, segment, position, element, component, value } = self;
        let what = match kind {
            FindingKind::SegmentUnknown => "no set has such a segment",
            FindingKind::SegmentForeign => "the set has no such segment",
            FindingKind::SegmentUnexpected => "the segment does not belong here",
            FindingKind::SegmentMissing => "the segment is missing",
            FindingKind::ElementMissing => "it is missing",
            FindingKind::TooShort => "it is too short",
            FindingKind::TooLong => "it is too long",
            FindingKind::Character => "it has a character that it may not have",
            FindingKind::Date => "it is no date",
            FindingKind::Time => "it is no time",
        };
        write!(f, "segment {position}, {segment}")?;
        if *element > 0 {
            write!(f, "{element:02}")?;
        }
        if *component > 0 {
            write!(f, "-{component:02}")?;
        }
        if !value.is_empty() {
            write!(f, " {value:?}")?;
        }
        write!(f, ": {what}")
    }
}

/// More findings than anybody reads; a set that is of another kind altogether has one for each segment.
const MOST: usize = 100;

/// The faults of a set, in the order of its segments.
pub(crate) fn check(interchange: &Interchange, input: &[u8], transaction: &Transaction) -> Vec<Finding> {
    let dialect = interchange.dialect;
    let Some(definition) = loops::definition(dialect, &transaction.kind) else { return Vec::new() };
    let mut findings = Vec::new();
    let mut open = vec![0];
    let mut seen: Vec<Tag> = Vec::new();
    for (index, place) in transaction.segments.iter().enumerate() {
        let segment = interchange.segment(input, place);
        let tag = segment.tag();
        if !seen.contains(&tag) {
            seen.push(tag);
        }
        let position = index + 2;
        match stand(definition, &mut open, tag) {
            true => elements(dialect, segment, position, &mut findings),
            false => findings.push(Finding {
                kind: displaced(dialect, definition, tag),
                segment: String::from_utf8_lossy(segment.id()).chars().take(20).collect(),
                position,
                element: 0,
                component: 0,
                value: String::new(),
            }),
        }
        if findings.len() >= MOST {
            break;
        }
    }
    let missing = definition.mandatory.iter().filter(|tag| !seen.contains(tag)).map(|tag| {
        let is_first = definition.mandatory.first() == Some(tag);
        let position = if is_first { 2 } else { transaction.segments.len() + 2 };
        let (segment, kind) = (tag.text(), FindingKind::SegmentMissing);
        Finding { kind, segment, position, element: 0, component: 0, value: String::new() }
    });
    findings.extend(missing);
    findings.sort_by_key(|finding| finding.position);
    findings
}

/// Puts a segment into the innermost open loop that may hold it. False when none may.
fn stand(definition: &Definition, open: &mut Vec<usize>, tag: Tag) -> bool {
    let found =
        open.iter().enumerate().rev().find_map(|(depth, each)| Some((depth, definition.find(*each, tag)?)));
    let Some((depth, place)) = found else { return false };
    open.truncate(depth + 1);
    if let Place::Opens(inner) = place {
        open.push(inner);
    }
    true
}

fn displaced(dialect: Dialect, definition: &Definition, tag: Tag) -> FindingKind {
    let is_known = |set: &str| loops::definition(dialect, set).is_some_and(|other| other.knows(tag));
    if tag != Tag::NONE && definition.knows(tag) {
        FindingKind::SegmentUnexpected
    } else if tag != Tag::NONE && loops::defined(dialect).any(is_known) {
        FindingKind::SegmentForeign
    } else {
        FindingKind::SegmentUnknown
    }
}

fn elements(dialect: Dialect, segment: Segment<'_>, position: usize, findings: &mut Vec<Finding>) {
    let Some(specs) = dictionary::segment(dialect, segment.tag()) else { return };
    for (index, components) in specs.iter().enumerate() {
        let number = index + 1;
        let element = segment.element(number);
        let is_composite = components.len() > 1;
        for repetition in segment.repetitions(element) {
            let mut values = segment.components(repetition);
            for (at, spec) in components.iter().enumerate() {
                let value = values
                    .next()
                    .map(|bytes| super::segment::plain(bytes, segment.marks))
                    .unwrap_or_default();
                // A component is asked for only where its composite is there.
                let is_asked = !is_composite || !repetition.is_empty() || at == 0;
                if let Some(kind) = fault(dialect, *spec, &value, is_asked) {
                    findings.push(Finding {
                        kind,
                        segment: segment.tag().text(),
                        position,
                        element: number,
                        component: if is_composite { at + 1 } else { 0 },
                        value: value.chars().take(99).collect(),
                    });
                }
            }
        }
    }
}

fn fault(dialect: Dialect, spec: Spec, value: &str, is_asked: bool) -> Option<FindingKind> {
    if value.is_empty() {
        return (spec.is_mandatory && is_asked).then_some(FindingKind::ElementMissing);
    }
    // Sign and decimal mark of a number do not count.
    let marks: &[char] =
        if matches!(spec.kind, Type::Whole | Type::Decimal) { &['-', '.', ','] } else { &[] };
    let length = value.chars().filter(|character| !marks.contains(character)).count();
    if length < spec.least {
        return Some(FindingKind::TooShort);
    }
    if length > spec.most {
        return Some(FindingKind::TooLong);
    }
    let is_digits = value.bytes().all(|byte| byte.is_ascii_digit());
    match spec.kind {
        Type::Text if value.chars().any(char::is_control) => Some(FindingKind::Character),
        Type::Text => None,
        Type::Whole if is_number(value, false, dialect) => None,
        Type::Decimal if is_number(value, true, dialect) => None,
        Type::Whole | Type::Decimal => Some(FindingKind::Character),
        Type::Date if is_digits && is_date(value) => None,
        Type::Date => Some(FindingKind::Date),
        Type::Time if is_digits && is_time(value) => None,
        Type::Time => Some(FindingKind::Time),
    }
}

fn is_number(value: &str, with_decimals: bool, dialect: Dialect) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    // R numbers of X12 may have an exponent.
    let (digits, exponent) = match digits.split_once('E') {
        Some((digits, exponent)) if with_decimals && dialect == Dialect::X12 => (digits, exponent),
        _ => (digits, "0"),
    };
    let marks = digits.chars().filter(|character| matches!(character, '.' | ',')).count();
    let is_digit = |character: char| character.is_ascii_digit() || matches!(character, '.' | ',');
    let exponent = exponent.strip_prefix('-').unwrap_or(exponent);
    digits.chars().all(is_digit)
        && marks <= usize::from(with_decimals)
        && digits.chars().any(|character| character.is_ascii_digit())
        && !exponent.is_empty()
        && exponent.bytes().all(|byte| byte.is_ascii_digit())
}

/// `YYMMDD` or `YYYYMMDD`.
fn is_date(value: &str) -> bool {
    if !matches!(value.len(), 6 | 8) {
        return false;
    }
    let (year, rest) = value.split_at(value.len() - 4);
    let number = |text: &str| text.parse::<u32>().unwrap_or_default();
    let (year, month, day) = (number(year), number(&rest[..2]), number(&rest[2..]));
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// `HHMM`, `HHMMSS`, or that with hundredths.
fn is_time(value: &str) -> bool {
    let number = |at: usize| value.get(at..at + 2).and_then(|text| text.parse::<u32>().ok());
    value.len() >= 4
        && number(0).is_some_and(|hour| hour < 24)
        && number(2).is_some_and(|minute| minute < 60)
        && (value.len() < 6 || number(4).is_some_and(|second| second < 60))
}

impl FindingKind {
    /// The code of X12 in AK304 or IK304 for a segment, in AK403 or IK403 for an element.
    pub(crate) const fn x12(self) -> &'static str {
        match self {
            Self::SegmentUnknown | Self::ElementMissing => "1",
            Self::SegmentUnexpected => "2",
            Self::SegmentMissing => "3",
            Self::TooShort => "4",
            Self::TooLong => "5",
            Self::SegmentForeign | Self::Character => "6",
            Self::Date => "8",
            Self::Time => "9",
        }
    }

    /// The code of EDIFACT, data element 0085.
    pub(crate) const fn edifact(self) -> &'static str {
        match self {
            Self::SegmentUnknown | Self::SegmentForeign | Self::SegmentUnexpected => "15",
            Self::SegmentMissing | Self::ElementMissing => "13",
            Self::TooShort => "40",
            Self::TooLong => "39",
            Self::Character => "37",
            Self::Date | Self::Time => "12",
        }
    }
}

impl FaultKind {
    /// The code of X12 in AK502 or IK502.
    pub(crate) const fn set_code(self) -> &'static str {
        match self {
            Self::NoTrailer => "2",
            Self::Control => "3",
            Self::Count => "4",
            _ => "5",
        }
    }

    /// The code of X12 in AK905.
    pub(crate) const fn group_code(self) -> &'static str {
        match self {
            Self::NoTrailer => "3",
            Self::Control => "4",
            _ => "5",
        }
    }

    /// The code of X12 in TA105.
    pub(crate) const fn interchange_code(self) -> &'static str {
        match self {
            Self::Control => "001",
            Self::Count => "021",
            Self::NoTrailer => "023",
            Self::Outside => "024",
            _ => "022",
        }
    }

    /// The code of EDIFACT, data element 0085.
    pub(crate) const fn edifact(self) -> &'static str {
        match self {
            Self::Control => "28",
            Self::Count => "29",
            Self::NoTrailer | Self::NoHeader => "13",
            Self::Outside => "33",
            Self::Charset => "21",
            _ => "22",
        }
    }
}
