//! XML: one document, or some of its elements, to JSON and back.
//!
//! No DOCTYPE is ever read, so no entities beyond the five and character references, nothing fetched and nothing expanded. Depth,
//! attributes and size are bounded. A document that is not well formed gives nothing at all.

mod encode;
mod names;
mod ordered;
mod tree;
mod vocabulary;

#[cfg(test)]
mod tests;

pub(crate) use encode::{DECLARATION, XmlWriter, check_name, tag, text as write_text};

pub use vocabulary::{Vocabulary, VocabularyOptions};

use std::borrow::Cow;

use lineshaft_model::json::Value;
use serde::Deserialize;

use crate::document::Location;
use crate::encoding::Encoding;
use crate::error::FormatError;
use crate::size::Size;
use crate::whole::Piece;
use tree::Tree;

/// Options of `xml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct XmlOptions {
    /// Makes a document of each element with this name; elements inside such an element belong to it. Without it the
    /// whole input is one document. No such element is no document.
    pub split: Option<String>,
    /// Elements that become arrays even when they come once, by name.
    pub arrays: Vec<String>,
    /// What happens to prefixes.
    pub names: XmlNames,
    /// Whether a DOCTYPE is an error or skipped. Even then nothing is fetched, no entity is known, and one with
    /// declarations inside is an error.
    pub doctype: Doctype,
    /// Whether white space around texts is dropped.
    pub trim: bool,
    /// Longest input.
    pub bytes: Size,
    /// Elements inside each other; at most 120.
    pub depth: usize,
    /// Attributes of one element.
    pub attributes: usize,
    /// When writing: an element to put all documents in.
    pub root: Option<String>,
    /// The standard of the documents, which knows more of their elements. Formats of their own set it.
    #[serde(skip)]
    pub vocabulary: Option<Vocabulary>,
}

impl Default for XmlOptions {
    fn default() -> Self {
        Self {
            split: None,
            arrays: Vec::new(),
            names: XmlNames::Local,
            doctype: Doctype::Refuse,
            trim: false,
            bytes: Size::mib(16),
            depth: 60,
            attributes: 256,
            root: None,
            vocabulary: None,
        }
    }
}

/// What happens to the prefixes of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum XmlNames {
    /// `cbc:ID` becomes `ID`, whatever the prefix stands for.
    #[default]
    Local,
    /// `cbc:ID` stays as the sender wrote it.
    Prefixed,
}

/// What to do with a DOCTYPE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Doctype {
    /// A document that has one is refused.
    #[default]
    Refuse,
    /// One that only points elsewhere is passed over, as every cXML document has it.
    Skip,
}

/// The documents of an input.
pub(crate) fn pieces(options: &XmlOptions, input: &[u8]) -> Result<Vec<Piece>, FormatError> {
    shaped(options, input, |document| document)
}

/// The documents of an input, each turned into another shape.
pub(crate) fn shaped(
    options: &XmlOptions,
    input: &[u8],
    shape: fn(Value<'static>) -> Value<'static>,
) -> Result<Vec<Piece>, FormatError> {
    let (text, encoding, start) = text(input)?;
    let pieces = Tree::new(options, &text, shape).read().map_err(|mut error| {
        let within = encoding.original_offset(&text, usize::try_from(error.at.offset).unwrap_or_default());
        error.at.offset = (start + within) as u64;
        error
    })?;
    // Pieces come in order, so the text before each is counted once.
    let (mut counted, mut original) = (0, start);
    let mut advance = |to: usize| {
        original += match encoding {
            Encoding::Utf8 => to - counted,
            _ => text.get(counted..to).map_or(0, |part| part.chars().count()),
        };
        counted = to;
        original
    };
    Ok(pieces
        .into_iter()
        .map(|piece| Piece { raw: advance(piece.raw.start)..advance(piece.raw.end), ..piece })
        .collect())
}

/// The text of an input without its byte order mark, in which encoding it was, and how long the mark is.
fn text(input: &[u8]) -> Result<(Cow<'_, str>, Encoding, usize), FormatError> {
    let start = if input.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let at = Location { offset: start as u64, line: 1, ..Location::default() };
    if input.starts_with(b"\xFF\xFE") || input.starts_with(b"\xFE\xFF") {
        let error = FormatError::new("xml-encoding", "the document is UTF-16, not a supported encoding", at);
        return Err(error.hint("send it as UTF-8"));
    }
    let bytes = input.get(start..).unwrap_or_default();
    let named = declared_encoding(bytes).unwrap_or(Cow::Borrowed("utf-8"));
    // The declaration was read as ASCII, so it cannot name an encoding of mainframes.
    let Some(encoding) = Encoding::named(&named).filter(|encoding| encoding.has_ascii()) else {
        let message = format!("the document says that its encoding is {named}, which is not supported");
        return Err(FormatError::new("xml-encoding", message, at)
            .hint("the encodings are UTF-8, windows-1252 and those of ISO 8859"));
    };
    match encoding.decode(bytes) {
        Ok(text) => Ok((text, encoding, start)),
        Err(good) => {
            let before = &bytes[..good];
            let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let column = 1 + String::from_utf8_lossy(&before[line_start..]).chars().count();
            let at = Location {
                offset: (start + good) as u64,
                line: 1 + crate::json::newlines(before),
                column: column as u64,
                ..Location::default()
            };
            let message = match encoding {
                Encoding::Utf8 => "these bytes are not UTF-8".to_owned(),
                _ => format!("the byte {:#04X} is no character of {}", bytes[good], encoding.name()),
            };
            Err(FormatError::new("xml-encoding", message, at).hint(
                "a document in another encoding says so: <?xml version=\"1.0\" encoding=\"windows-1252\"?>",
            ))
        }
    }
}

/// The encoding that the XML declaration names.
fn declared_encoding(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let head = bytes.get(..bytes.len().min(256))?.strip_prefix(b"<?xml")?;
    let end = head.windows(2).position(|pair| pair == b"?>")?;
    let declaration = &head[..end];
    let word = b"encoding";
    let after = declaration.windows(word.len()).position(|window| window == word)? + word.len();
    let rest = declaration[after..].trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (quote, rest) = rest.split_first()?;
    let close = rest.iter().position(|byte| byte == quote)?;
    Some(String::from_utf8_lossy(&rest[..close]))
}
