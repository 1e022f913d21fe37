//! The options of `x12` and `edifact`.

use serde::{Deserialize, Deserializer, de};

use super::delimiters::{Delimiter, Delimiters};
use crate::encoding::Encoding;
use crate::size::Size;

/// What happens to a transaction set or message whose envelope has a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFault {
    /// It is a document that tells its `faults`.
    #[default]
    Show,
    /// It is an error, and is quarantined with its bytes.
    Refuse,
}

/// What comes between segments when writing, besides the terminator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineEnd {
    /// Nothing.
    None,
    /// A line feed.
    Lf,
    /// Carriage return and line feed.
    Crlf,
}

/// What happens to empty elements and components at an end when writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trailing {
    /// They are left out, as the standards ask.
    #[default]
    Trim,
    /// They are written; only `null` is left out.
    Keep,
}

/// A party of an interchange.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Party {
    /// Who: ISA06 or ISA08, the first of S002 or S003.
    pub id: String,
    /// What kind of identifier that is: ISA05 or ISA07, 0007.
    pub qualifier: String,
    /// The identifier in the functional group: GS02 or GS03. The usual: `id`.
    pub application: Option<String>,
}

/// A delimiter in the options: one character.
fn mark<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() => Ok(Some(*byte)),
        _ => Err(de::Error::custom(format!(
            "`{text}` is not one ASCII character that is neither letter nor digit"
        ))),
    }
}

/// Options of `x12`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct X12Options {
    /// How bytes stand for characters. The usual: UTF-8 where a transaction set is that, else Windows-1252.
    pub encoding: Option<Encoding>,
    /// Longest transaction set.
    pub bytes: Size,
    /// Whether segments are put into their loops; without them they stand side by side.
    pub loops: bool,
    /// What happens to a transaction set whose envelope has a fault.
    pub on_fault: OnFault,
    /// When writing: who sends.
    pub sender: Party,
    /// When writing: who receives.
    pub receiver: Party,
    /// When writing: the version of the interchange, ISA12.
    pub version: String,
    /// When writing: the version of the functional group, GS08.
    pub group_version: String,
    /// When writing: `P` for production, `T` for test: ISA15.
    pub usage: String,
    /// When writing: whether a TA1 is asked for: ISA14.
    pub acknowledge: bool,
    /// When writing: between elements.
    #[serde(deserialize_with = "mark")]
    pub element: Option<u8>,
    /// When writing: between components.
    #[serde(deserialize_with = "mark")]
    pub component: Option<u8>,
    /// When writing: between repetitions, from version 00402 on.
    #[serde(deserialize_with = "mark")]
    pub repetition: Option<u8>,
    /// When writing: after each segment.
    #[serde(deserialize_with = "mark")]
    pub segment: Option<u8>,
    /// When writing: what follows the terminator.
    pub line_end: Option<LineEnd>,
    /// When writing: what happens to empty elements at the end of a segment.
    pub trailing: Trailing,
}

impl Default for X12Options {
    fn default() -> Self {
        Self {
            encoding: None,
            bytes: Size::mib(4),
            loops: true,
            on_fault: OnFault::Show,
            sender: Party::default(),
            receiver: Party::default(),
            version: "00401".to_owned(),
            group_version: "004010".to_owned(),
            usage: "P".to_owned(),
            acknowledge: false,
            element: None,
            component: None,
            repetition: None,
            segment: None,
            line_end: None,
            trailing: Trailing::Trim,
        }
    }
}

/// Options of `edifact`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EdifactOptions {
    /// How bytes stand for characters. The usual: UTF-8 where a message is that, else Windows-1252.
    pub encoding: Option<Encoding>,
    /// Longest message.
    pub bytes: Size,
    /// Whether segments are put into their groups; without them they stand side by side.
    pub loops: bool,
    /// What happens to a message whose envelope has a fault.
    pub on_fault: OnFault,
    /// When writing: who sends.
    pub sender: Party,
    /// When writing: who receives.
    pub receiver: Party,
    /// When writing: the character set, 0001.
    pub character_set: String,
    /// When writing: the version of the syntax, 0002.
    pub version: String,
    /// When writing: whether this is a test, 0035.
    pub test: bool,
    /// When writing: whether a CONTRL is asked for, 0031.
    pub acknowledge: bool,
    /// When writing: whether UNA comes first. The usual: when a delimiter is not the usual one.
    pub una: Option<bool>,
    /// When writing: between elements.
    #[serde(deserialize_with = "mark")]
    pub element: Option<u8>,
    /// When writing: between components.
    #[serde(deserialize_with = "mark")]
    pub component: Option<u8>,
    /// When writing: between repetitions, from syntax 4 on.
    #[serde(deserialize_with = "mark")]
    pub repetition: Option<u8>,
    /// When writing: before a character of a value that would be a delimiter.
    #[serde(deserialize_with = "mark")]
    pub release: Option<u8>,
    /// When writing: after each segment.
    #[serde(deserialize_with = "mark")]
    pub segment: Option<u8>,
    /// When writing: what follows the terminator.
    pub line_end: Option<LineEnd>,
    /// When writing: what happens to empty elements and components at an end.
    pub trailing: Trailing,
}

impl Default for EdifactOptions {
    fn default() -> Self {
        Self {
            encoding: None,
            bytes: Size::mib(4),
            loops: true,
            on_fault: OnFault::Show,
            sender: Party::default(),
            receiver: Party::default(),
            character_set: "UNOC".to_owned(),
            version: "3".to_owned(),
            test: false,
            acknowledge: false,
            una: None,
            element: None,
            component: None,
            repetition: None,
            release: None,
            segment: None,
            line_end: None,
            trailing: Trailing::Trim,
        }
    }
}

/// What reading needs of either.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    pub(crate) encoding: Option<Encoding>,
    pub(crate) bytes: usize,
    pub(crate) loops: bool,
    pub(crate) on_fault: OnFault,
}

/// Two delimiters that are one character leave nothing to tell them apart by.
fn distinct(marks: &[(&str, Option<u8>)]) -> Result<(), String> {
    for (at, (name, mark)) in marks.iter().enumerate() {
        let same = marks[..at].iter().find(|(_, other)| mark.is_some() && other == mark);
        if let Some((other, _)) = same {
            return Err(format!("`{other}` and `{name}` are the same character"));
        }
    }
    Ok(())
}

impl X12Options {
    /// What is wrong with the options beyond their form.
    pub(crate) fn check(&self) -> Result<(), String> {
        for (name, party) in [("sender", &self.sender), ("receiver", &self.receiver)] {
            if party.id.chars().count() > 15 || party.qualifier.chars().count() > 2 {
                return Err(format!(
                    "`{name}` is longer than ISA can hold: 15 characters, and 2 of the qualifier"
                ));
            }
        }
        distinct(&[
            ("element", self.element.or(Some(b'*'))),
            ("component", self.component.or(Some(b'>'))),
            ("repetition", self.repetition),
            ("segment", self.segment.or(Some(b'~'))),
        ])
    }

    pub(crate) fn reading(&self) -> Reading {
        let Self { encoding, bytes, loops, on_fault, .. } = *self;
        Reading { encoding, bytes: bytes.0.max(1), loops, on_fault }
    }
}

impl EdifactOptions {
    /// What is wrong with the options beyond their form.
    pub(crate) fn check(&self) -> Result<(), String> {
        distinct(&[
            ("element", self.element.or(Some(b'+'))),
            ("component", self.component.or(Some(b':'))),
            ("repetition", self.repetition),
            ("release", self.release.or(Some(b'?'))),
            ("segment", self.segment.or(Some(b'\''))),
        ])
    }

    pub(crate) fn reading(&self) -> Reading {
        let Self { encoding, bytes, loops, on_fault, .. } = *self;
        Reading { encoding, bytes: bytes.0.max(1), loops, on_fault }
    }
}

pub(crate) fn one(byte: Option<u8>) -> Option<Delimiter> {
    byte.map(Delimiter::byte)
}

/// `usual` with what is given put in place.
pub(crate) fn given(
    usual: &Delimiters,
    element: Option<u8>,
    component: Option<u8>,
    repetition: Option<u8>,
    release: Option<u8>,
    segment: Option<u8>,
) -> Delimiters {
    Delimiters::new(
        one(element).unwrap_or(usual.element),
        one(component).or(usual.component),
        one(repetition).or(usual.repetition),
        release.or(usual.release),
        one(segment).unwrap_or(usual.segment),
    )
}
