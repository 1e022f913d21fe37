//! The options of `fixed-width`: the layout.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::csv::EmptyField;
use crate::encoding::Encoding;
use crate::size::Size;

/// Options of `fixed-width`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FixedWidthOptions {
    /// How bytes stand for characters.
    pub encoding: Encoding,
    /// The bytes of each record when there are no line ends between them.
    pub record_bytes: Option<Size>,
    /// Where the type of a record stands, when there are several.
    pub tag: Option<Span>,
    /// The record types by name.
    pub records: Named<RecordLayout>,
    /// The fields, when there is one record type only.
    pub fields: Named<Field>,
    /// What a field with nothing in it becomes.
    pub empty: EmptyField,
    /// When writing: what ends a record.
    pub line_end: LineBreak,
    /// Longest line.
    pub line_bytes: Size,
    /// Most bytes of one document: a record with all under it.
    pub document_bytes: Size,
}

impl Default for FixedWidthOptions {
    fn default() -> Self {
        Self {
            encoding: Encoding::Utf8,
            record_bytes: None,
            tag: None,
            records: Named::default(),
            fields: Named::default(),
            empty: EmptyField::String,
            line_end: LineBreak::Crlf,
            line_bytes: Size::kib(64),
            document_bytes: Size::mib(16),
        }
    }
}

/// One type of record.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecordLayout {
    /// What stands at the place of the tag.
    pub tag: Option<String>,
    /// The record type it belongs to; without it each is a document.
    pub under: Option<String>,
    /// Its fields, in order.
    pub fields: Named<Field>,
}

/// Entries of a mapping in the order in which they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<T>(pub Vec<(String, T)>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// A place in a record, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// Of its first character, from 1.
    pub start: usize,
    /// Characters.
    pub length: usize,
}

impl Span {
    /// Characters up to its end.
    pub(crate) fn end(self) -> usize {
        (self.start - 1).saturating_add(self.length)
    }
}

/// One field: its length, or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Of its first character, from 1; else it follows the field before.
    pub start: Option<usize>,
    /// Characters.
    pub length: usize,
    /// Which blanks are dropped.
    pub trim: Trim,
    /// Digits after the point that is not written; the field is a number then.
    pub decimals: Option<usize>,
    /// How a number is written.
    pub number: Notation,
    /// When writing: where the sign of a number stands.
    pub sign: Sign,
    /// When writing: which side a shorter value goes to. Numbers go to the right.
    pub align: Option<Align>,
    /// When writing: what fills the rest. Zeros for numbers, else blanks.
    pub pad: Option<char>,
}

/// Which blanks of a field are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trim {
    /// Those after the value.
    #[default]
    Right,
    /// Those before it.
    Left,
    /// Both.
    Both,
    /// None.
    None,
}

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Notation {
    /// As digits, with a sign before or after them.
    #[default]
    Text,
    /// As digits, the sign within the last of them (COBOL `DISPLAY`).
    Zoned,
    /// Two digits a byte, the sign in the last half (COBOL `COMP-3`).
    Packed,
}

/// Where the sign of a number stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sign {
    /// Before the digits.
    #[default]
    Leading,
    /// After them, as SAP writes it.
    Trailing,
}

/// A side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Align {
    /// The value stands at the start.
    Left,
    /// The value stands at the end.
    Right,
}

/// What ends a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineBreak {
    /// Carriage return and line feed.
    #[default]
    Crlf,
    /// Line feed.
    Lf,
    /// Next line, as mainframes have it.
    Nel,
}

impl LineBreak {
    /// Its bytes in an encoding.
    pub(crate) fn bytes(self, encoding: Encoding) -> Vec<u8> {
        match self {
            Self::Crlf => vec![encoding.byte(b'\r'), encoding.byte(b'\n')],
            Self::Lf => vec![encoding.byte(b'\n')],
            Self::Nel if encoding.has_ascii() => "\u{85}".into(),
            Self::Nel => vec![0x15],
        }
    }
}

/// Deeper records are no layout but a mistake.
const DEEPEST: usize = 16;
/// More fields than any record has.
const MOST_FIELDS: usize = 10_000;
/// Longer than any record is.
const LONGEST: usize = 1 << 20;

impl RecordLayout {
    /// Its fields with their places. `tag` is where the type stands.
    pub(super) fn placed(&self, tag: Option<Span>) -> Vec<(&str, Span, &Field)> {
        let mut next = tag.filter(|tag| tag.start == 1).map_or(1, |tag| tag.length.saturating_add(1));
        let mut placed = Vec::with_capacity(self.fields.0.len());
        for (name, field) in &self.fields.0 {
            let start = field.start.unwrap_or(next).max(1);
            next = start.saturating_add(field.length);
            placed.push((name.as_str(), Span { start, length: field.length }, field));
        }
        placed
    }

    fn check(&self, name: &str, tag: Option<Span>, options: &FixedWidthOptions) -> Result<(), String> {
        if self.fields.0.len() > MOST_FIELDS {
            return Err(format!("{name} has more than {MOST_FIELDS} fields"));
        }
        let mut taken: Vec<(Span, &str)> = tag.map(|tag| (tag, "the tag")).into_iter().collect();
        for (field_name, span, field) in self.placed(tag) {
            if field.length == 0 || field.start == Some(0) {
                return Err(format!(
                    "the field `{field_name}` of {name} needs a `length`, and a `start` from 1"
                ));
            }
            if span.end() > options.record_bytes.map_or(LONGEST, |size| size.0) {
                return Err(format!("the field `{field_name}` of {name} ends behind the record"));
            }
            field.check(field_name, options)?;
            taken.push((span, field_name));
        }
        taken.sort_by_key(|(span, _)| span.start);
        match taken.windows(2).find(|pair| pair[0].0.end() >= pair[1].0.start) {
            Some(pair) => {
                Err(format!("`{}` and `{}` of {name} stand at the same place", pair[0].1, pair[1].1))
            }
            None => Ok(()),
        }
    }
}

impl Field {
    fn check(&self, name: &str, options: &FixedWidthOptions) -> Result<(), String> {
        if self.number == Notation::Packed
            && (options.encoding == Encoding::Utf8 || options.record_bytes.is_none())
        {
            return Err(format!(
                "`{name}` is packed: that takes `record_bytes` and a single-byte `encoding`"
            ));
        }
        let digits = match self.number {
            Notation::Packed => self.length.saturating_mul(2) - 1,
            _ => self.length,
        };
        if self.decimals.is_some_and(|decimals| decimals > digits) {
            return Err(format!("`{name}` has fewer digits than `decimals`"));
        }
        if self.pad.is_some_and(|pad| {
            options.encoding.encode(pad.encode_utf8(&mut [0; 4]), &mut Vec::new()).is_err()
        }) {
            return Err(format!("`pad` of `{name}` is no character of the encoding"));
        }
        Ok(())
    }

    /// Whether it is a number.
    pub(super) fn is_number(&self) -> bool {
        self.decimals.is_some() || self.number != Notation::Text
    }
}

impl FixedWidthOptions {
    /// Finds options that do not go together.
    ///
    /// # Errors
    /// Says what is wrong and what to do.
    pub fn check(&self) -> Result<(), String> {
        if self.tag.is_some_and(|tag| tag.start == 0 || tag.length == 0 || tag.end() > 1024) {
            return Err("`tag` is a place such as { start: 1, length: 2 }".to_owned());
        }
        match (self.fields.0.is_empty(), self.records.0.is_empty()) {
            (true, true) => return Err("there is no layout: give `fields`, or `records`".to_owned()),
            (false, false) => {
                return Err("`fields` are of the only record type, `records` of several".to_owned());
            }
            (false, true) => {
                let only = RecordLayout { fields: self.fields.clone(), ..RecordLayout::default() };
                return only.check("the record", None, self);
            }
            (true, false) => {}
        }
        for (at, (name, record)) in self.records.0.iter().enumerate() {
            self.check_record(at, name, record)?;
        }
        if self.records.0[0].1.under.is_some() {
            return Err("the first of `records` makes a document and is under none".to_owned());
        }
        Ok(())
    }

    fn check_record(&self, at: usize, name: &str, record: &RecordLayout) -> Result<(), String> {
        let before = &self.records.0[..at];
        match (&record.tag, self.tag) {
            (None, Some(_)) => return Err(format!("the record `{name}` needs a `tag`")),
            (Some(tag), Some(span)) => {
                let is_long = tag.chars().count() > span.length || tag.ends_with(' ');
                if is_long || self.encoding.encode(tag, &mut Vec::new()).is_err() {
                    return Err(format!(
                        "the tag of `{name}` is longer than its place, or not of the encoding"
                    ));
                }
                if let Some((other, _)) = before.iter().find(|(_, other)| other.tag == record.tag) {
                    return Err(format!("`{other}` and `{name}` have the same tag"));
                }
            }
            (_, None) if self.records.0.len() > 1 || record.tag.is_some() => {
                return Err("several records are told apart by a tag: say where it stands, `tag: { start: 1, length: 2 }`".to_owned());
            }
            (_, None) => {}
        }
        let mut under = record.under.as_ref();
        for _ in 0..=DEEPEST {
            let Some(parent) = under else { break };
            let Some((_, parent)) = before.iter().find(|(known, _)| known == parent) else {
                return Err(format!("`under: {parent}` of `{name}` names no record before it"));
            };
            under = parent.under.as_ref();
        }
        if under.is_some() {
            return Err(format!("`{name}` is more than {DEEPEST} records deep"));
        }
        let is_taken = |field: &str| {
            field == "refused_records"
                || self
                    .records
                    .0
                    .iter()
                    .any(|(other, layout)| layout.under.as_deref() == Some(name) && other == field)
        };
        if let Some((field, _)) = record.fields.0.iter().find(|(field, _)| is_taken(field)) {
            return Err(format!(
                "the field `{field}` of `{name}` has the name of a record, or one that is ours; rename it"
            ));
        }
        record.check(&format!("`{name}`"), self.tag, self)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Named<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names with what they mean, in order")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named<T>, A::Error> {
                let mut entries: Vec<(String, T)> = Vec::new();
                let mut seen = std::collections::HashSet::new();
                while let Some(name) = map.next_key::<String>()? {
                    if !seen.insert(name.clone()) {
                        return Err(de::Error::custom(format!("`{name}` is there twice")));
                    }
                    entries.push((name, map.next_value()?));
                }
                Ok(Named(entries))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

/// The long form of a field.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Long {
    #[serde(default)]
    start: Option<usize>,
    length: usize,
    #[serde(default)]
    trim: Trim,
    #[serde(default)]
    decimals: Option<usize>,
    #[serde(default)]
    number: Notation,
    #[serde(default)]
    sign: Sign,
    #[serde(default)]
    align: Option<Align>,
    #[serde(default)]
    pad: Option<char>,
}

impl From<Long> for Field {
    fn from(long: Long) -> Self {
        let Long { start, length, trim, decimals, number, sign, align, pad } = long;
        Self { start, length, trim, decimals, number, sign, align, pad }
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LengthOrMore;
        impl<'de> Visitor<'de> for LengthOrMore {
            type Value = Field;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the length of the field, or { length: 8, ... }")
            }

            fn visit_u64<E: de::Error>(self, length: u64) -> Result<Field, E> {
                let length = usize::try_from(length).map_err(|_| E::custom("the length is too large"))?;
                let (trim, number, sign) = Default::default();
                Ok(Field { start: None, length, trim, decimals: None, number, sign, align: None, pad: None })
            }

            fn visit_i64<E: de::Error>(self, length: i64) -> Result<Field, E> {
                self.visit_u64(u64::try_from(length).map_err(|_| E::custom("a length is positive"))?)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Field, A::Error> {
                Long::deserialize(de::value::MapAccessDeserializer::new(map)).map(Field::from)
            }
        }
        deserializer.deserialize_any(LengthOrMore)
    }
}
