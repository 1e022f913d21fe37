//! What is wrong with a JSON text, and where.

use std::fmt;

use super::pointer;
use crate::Reason;

/// A text that is not acceptable JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} (line {line}, column {column}{})", at(.pointer))]
pub struct JsonError {
    /// What is wrong.
    pub kind: JsonErrorKind,
    /// Bytes before the place.
    pub offset: usize,
    /// Line of the place, from 1. Lines end with a line feed.
    pub line: usize,
    /// Characters of that line up to and including the place, from 1.
    pub column: usize,
    /// JSON pointer (RFC 6901) of the value being read, long keys cut short; empty for the document itself.
    pub pointer: String,
}

impl JsonError {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        self.kind.hint()
    }
}

impl From<JsonError> for Reason {
    fn from(error: JsonError) -> Self {
        let reason = Reason::new(error.kind.code(), error.kind.to_string()).at(format!(
            "line {}, column {}{}",
            error.line,
            error.column,
            at(&error.pointer)
        ));
        match error.hint() {
            Some(hint) => reason.hint(hint),
            None => reason,
        }
    }
}

fn at(pointer: &str) -> String {
    if pointer.is_empty() { String::new() } else { format!(", at {pointer}") }
}

/// What is wrong with a JSON text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JsonErrorKind {
    /// Nothing but white space.
    Empty,
    /// Longer than [`Limits::bytes`](super::Limits::bytes); carries the limit.
    TooLong(usize),
    /// Deeper than [`Limits::depth`](super::Limits::depth); carries the limit.
    TooDeep(usize),
    /// More values than [`Limits::values`](super::Limits::values); carries the limit.
    TooManyValues(usize),
    /// More parts to cut out than anybody wants in memory; carries the limit.
    TooManyParts(usize),
    /// A number longer than [`Limits::number`](super::Limits::number); carries the limit.
    NumberTooLong(usize),
    /// Starts with a byte order mark.
    ByteOrderMark,
    /// Bytes that are not UTF-8.
    NotUtf8,
    /// The object has this key already. The pointer is the object's, the offset is the second key's.
    DuplicateKey(String),
    /// The text ends too early; says what was missing.
    Ends(&'static str),
    /// Something else stands where this was expected.
    Unexpected {
        /// What the grammar wants here.
        wanted: &'static str,
        /// The character found.
        found: char,
    },
    /// More text after the end of the document.
    Trailing(char),
    /// A comma with nothing after it.
    TrailingComma,
    /// A number such as `012`.
    LeadingZero,
    /// A number such as `1.` or `-`, `+1`, `.5`.
    BadNumber,
    /// A control character inside a string.
    ControlCharacter(u8),
    /// A backslash followed by something that is no escape.
    BadEscape,
    /// Half of a surrogate pair.
    LoneSurrogate,
}

impl JsonErrorKind {
    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong(_)
            | Self::TooDeep(_)
            | Self::TooManyValues(_)
            | Self::TooManyParts(_)
            | Self::NumberTooLong(_) => "json-limit",
            Self::DuplicateKey(_) => "json-duplicate-key",
            Self::NotUtf8 | Self::ByteOrderMark => "json-encoding",
            _ => "json-syntax",
        }
    }

    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::ByteOrderMark => "write the file as UTF-8 without a byte order mark",
            Self::NotUtf8 => "JSON is always UTF-8; convert the text before sending it",
            Self::DuplicateKey(_) => "keep one of the two members",
            Self::TrailingComma => "remove the comma before the closing bracket",
            Self::LeadingZero => "write 12 for 012, or put the digits in quotes if the zeros matter",
            Self::ControlCharacter(_) => "write it as an escape, such as \\n or \\u0007",
            Self::Ends(_) => "the text is cut off; was it sent whole?",
            Self::TooManyParts(_) => "send fewer at a time",
            Self::TooLong(_) | Self::TooDeep(_) | Self::TooManyValues(_) | Self::NumberTooLong(_) => {
                "send smaller documents, or raise the limit where this source is configured"
            }
            Self::Unexpected { found, .. } | Self::Trailing(found) => return hint_for(*found),
            _ => return None,
        })
    }
}

/// The usual reason for a character that JSON has no place for.
fn hint_for(found: char) -> Option<&'static str> {
    Some(match found {
        '\'' => "strings and keys stand in double quotes",
        '/' | '#' => "JSON has no comments",
        'N' | 'I' | 'n' | 'i' => "NaN and Infinity are no JSON numbers; use null or a string",
        'T' | 'F' | 'U' | 'u' => "the literals are true, false and null",
        '<' => "this looks like XML or HTML",
        '{' | '[' => "one document only; several documents are sent as NDJSON or as an array",
        _ => return None,
    })
}

impl fmt::Display for JsonErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("there is no JSON here, only white space"),
            Self::TooLong(limit) => write!(f, "the document is longer than {limit} bytes"),
            Self::TooDeep(limit) => write!(f, "arrays and objects are nested more than {limit} deep"),
            Self::TooManyValues(limit) => write!(f, "the document has more than {limit} values"),
            Self::TooManyParts(limit) => write!(f, "the document splits into more than {limit} parts"),
            Self::NumberTooLong(limit) => write!(f, "a number has more than {limit} characters"),
            Self::ByteOrderMark => f.write_str("the document starts with a byte order mark"),
            Self::NotUtf8 => f.write_str("these bytes are not UTF-8"),
            Self::DuplicateKey(key) => write!(f, "the key {key:?} is there twice in one object"),
            Self::Ends(wanted) => write!(f, "the document ends where {wanted} was expected"),
            Self::Unexpected { wanted, found } => write!(f, "expected {wanted}, found {found:?}"),
            Self::Trailing(found) => write!(f, "the document is complete, but {found:?} follows"),
            Self::TrailingComma => f.write_str("nothing follows this comma"),
            Self::LeadingZero => f.write_str("a number must not start with a zero followed by digits"),
            Self::BadNumber => f.write_str("this is not a JSON number"),
            Self::ControlCharacter(byte) => {
                write!(f, "the control character U+{byte:04X} stands unescaped in a string")
            }
            Self::BadEscape => {
                f.write_str("this escape is not one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX")
            }
            Self::LoneSurrogate => f.write_str("this \\u escape is half of a surrogate pair"),
        }
    }
}

/// The start of a key that may be megabytes long: errors are shown and kept.
pub(super) fn clip(key: &str) -> String {
    match key.char_indices().nth(KEY_CHARACTERS) {
        Some((end, _)) => format!("{}…", &key[..end]),
        None => key.to_owned(),
    }
}

/// So much of a key is told in an error.
const KEY_CHARACTERS: usize = 64;

/// An error on its way up through the reader, small so that the good path stays fast. Each level adds its step.
#[derive(Debug)]
pub(super) struct Fault(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: JsonErrorKind,
    offset: usize,
    /// From the inside out.
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    Index(usize),
    Key(String),
}

impl Fault {
    #[cold]
    pub(super) fn new(kind: JsonErrorKind, offset: usize) -> Self {
        Self(Box::new(Inner { kind, offset, steps: Vec::new() }))
    }

    #[cold]
    pub(super) fn in_element(mut self, index: usize) -> Self {
        self.0.steps.push(Step::Index(index));
        self
    }

    #[cold]
    pub(super) fn in_member(mut self, key: &str) -> Self {
        self.0.steps.push(Step::Key(clip(key)));
        self
    }

    /// The public error, with the place worked out from the text.
    #[cold]
    pub(super) fn locate(self, bytes: &[u8]) -> JsonError {
        let Inner { kind, offset, steps } = *self.0;
        let mut path = String::new();
        for step in steps.iter().rev() {
            match step {
                Step::Index(index) => pointer::push_index(&mut path, *index),
                Step::Key(key) => pointer::push_token(&mut path, key),
            }
        }
        let before = bytes.get(..offset).unwrap_or(bytes);
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        // Continuation bytes are no characters of their own.
        let column = 1 + before[line_start..].iter().filter(|byte| **byte & 0xC0 != 0x80).count();
        JsonError { kind, offset, line, column, pointer: path }
    }
}
