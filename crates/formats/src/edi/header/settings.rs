//! What the options say of writing, and the delimiters that follow from them and from a document.

use std::borrow::Cow;

use lineshaft_model::json::Value;

use super::text;
use crate::edi::delimiters::{Delimiter, Delimiters};
use crate::edi::dialect::Dialect;
use crate::edi::options::{EdifactOptions, LineEnd, Party, Trailing, X12Options, given};
use crate::edi::write::refused;
use crate::encoding::Encoding;
use crate::error::FormatError;

/// The options that writing needs.
#[derive(Debug, Clone)]
pub(in crate::edi) struct Settings {
    pub(in crate::edi) dialect: Dialect,
    pub(super) sender: Party,
    pub(super) receiver: Party,
    pub(super) version: String,
    pub(super) group_version: String,
    pub(super) character_set: String,
    pub(super) usage: String,
    pub(super) acknowledge: bool,
    element: Option<u8>,
    component: Option<u8>,
    repetition: Option<u8>,
    release: Option<u8>,
    segment: Option<u8>,
    pub(super) una: Option<bool>,
    pub(super) line_end: Option<LineEnd>,
    pub(super) trailing: Trailing,
    pub(super) encoding: Encoding,
}

impl Settings {
    pub(in crate::edi) fn x12(options: &X12Options) -> Self {
        let options = options.clone();
        Self {
            dialect: Dialect::X12,
            sender: options.sender,
            receiver: options.receiver,
            version: options.version,
            group_version: options.group_version,
            character_set: String::new(),
            usage: options.usage,
            acknowledge: options.acknowledge,
            element: options.element,
            component: options.component,
            repetition: options.repetition,
            release: None,
            segment: options.segment,
            una: None,
            line_end: options.line_end,
            trailing: options.trailing,
            encoding: options.encoding.unwrap_or_default(),
        }
    }

    pub(in crate::edi) fn edifact(options: &EdifactOptions) -> Self {
        let options = options.clone();
        Self {
            dialect: Dialect::Edifact,
            sender: options.sender,
            receiver: options.receiver,
            version: options.version,
            group_version: String::new(),
            character_set: options.character_set,
            usage: if options.test { "1".to_owned() } else { String::new() },
            acknowledge: options.acknowledge,
            element: options.element,
            component: options.component,
            repetition: options.repetition,
            release: options.release,
            segment: options.segment,
            una: options.una,
            line_end: options.line_end,
            trailing: options.trailing,
            encoding: options.encoding.unwrap_or_default(),
        }
    }

    /// The delimiters: those of the options, else those that the document was read with, else the usual ones.
    pub(super) fn marks(&self, interchange: &Value<'_>) -> Result<Delimiters, FormatError> {
        let usual = match self.dialect {
            Dialect::X12 => Delimiters::x12(),
            Dialect::Edifact => Delimiters::edifact(),
        };
        let named = interchange.get("delimiters");
        let read = |key: &str| {
            let Some(text) = named.and_then(|named| named.get(key)?.as_str()) else { return Ok(None) };
            match Delimiter::first_of(text.as_bytes()).filter(|mark| mark.len() == text.len()) {
                // A byte that was no character was read as the character of that number.
                Some(mark)
                    if mark.len() == 2 && text.chars().all(|each| ('\u{80}'..='\u{9F}').contains(&each)) =>
                {
                    Ok(text.chars().next().and_then(|each| u8::try_from(each).ok()).map(Delimiter::byte))
                }
                Some(mark) => Ok(Some(mark)),
                None => Err(refused(
                    self.dialect,
                    format!("the delimiter `{key}` is {text:?}, not one character"),
                    "",
                )),
            }
        };
        let release = match (named, self.dialect) {
            (Some(_), Dialect::Edifact) => read("release")?.map(Delimiter::first),
            _ => usual.release,
        };
        let (component, repetition) = match named {
            Some(_) => (read("component")?, read("repetition")?),
            None => (usual.component, None),
        };
        let document = Delimiters::new(
            read("element")?.unwrap_or(usual.element),
            component,
            repetition,
            release,
            read("segment")?.unwrap_or(usual.segment),
        );
        let mut marks =
            given(&document, self.element, self.component, self.repetition, self.release, self.segment);
        if named.is_none() && self.repetition.is_none() && self.has_repetition(interchange) {
            let mark = if self.dialect == Dialect::X12 { b'^' } else { b'*' };
            let Delimiters { element, component, release, segment, .. } = marks;
            marks = Delimiters::new(element, component, Some(Delimiter::byte(mark)), release, segment);
        }
        let all = [
            Some(marks.element),
            marks.component,
            marks.repetition,
            Some(marks.segment),
            marks.release.map(Delimiter::byte),
        ];
        let all: Vec<_> = all.into_iter().flatten().collect();
        if let Some(twice) = all.iter().enumerate().find(|(at, mark)| all[..*at].contains(mark)) {
            let message = format!("the delimiter {:?} stands for two things", twice.1);
            return Err(refused(self.dialect, message, "choose different characters"));
        }
        Ok(marks)
    }

    fn has_repetition(&self, interchange: &Value<'_>) -> bool {
        let version = text(interchange, "version").unwrap_or(Cow::Borrowed(&self.version));
        match self.dialect {
            Dialect::X12 => version.as_ref() >= "00402",
            Dialect::Edifact => version.as_ref() >= "4",
        }
    }

    /// Whether the options change a delimiter.
    pub(super) fn has_marks(&self) -> bool {
        [self.element, self.component, self.repetition, self.release, self.segment]
            .iter()
            .any(Option::is_some)
    }
}
