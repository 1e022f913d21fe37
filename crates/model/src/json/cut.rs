//! Takes parts out of a document as exact slices of its text, without building anything.

use std::borrow::Cow;
use std::fmt;

use super::Limits;
use super::error::{Fault, JsonError, JsonErrorKind};
use super::parser::Parser;
use super::pointer::{Pointer, index_of, push_index, push_token};

/// A member of an object, its value untouched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member<'a> {
    /// The decoded key.
    pub key: Cow<'a, str>,
    /// The value exactly as written, without white space around it.
    pub value: &'a str,
    /// Bytes of the document before the value.
    pub offset: usize,
}

/// The members of a document that is an object, in order. The whole document is checked as by
/// [`check`](super::check).
///
/// # Errors
/// When the text is not exactly one JSON object within the limits.
pub fn members<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Vec<Member<'a>>, JsonError> {
    Parser::document(bytes, limits, |parser| {
        if parser.next_token() != Some(b'{') {
            return Err(parser.expected("an object"));
        }
        let mut members = Vec::with_capacity(16);
        parser.object(|parser, key| {
            let (value, offset) = slice(parser)?;
            members.push(Member { key: key.decode(), value, offset });
            Ok(())
        })?;
        Ok(members)
    })
}

/// More pieces would take many times the memory of the document.
const MOST_PIECES: usize = 250_000;

/// A part of a document that a [`Path`] names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The value exactly as written, without white space around it.
    pub text: &'a str,
    /// Bytes of the document before it.
    pub offset: usize,
    /// Where it stands.
    pub pointer: String,
}

/// Which parts of a document are meant: a JSON pointer where the token `*` stands for every element of an array or every
/// member of an object. `/d/results/*` is each result of an OData V2 answer, the empty path the document itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Path(Pointer);

impl Path {
    /// Reads a path; `None` if it is neither empty nor starts with a slash, or has a bad `~` escape.
    pub fn parse(text: &str) -> Option<Self> {
        Pointer::parse(text).map(Self)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The parts of a document that `path` names, in order; none if nothing is there. The whole document is checked as by
/// [`check`](super::check).
///
/// # Errors
/// When the text is not exactly one JSON document within the limits.
pub fn cut<'a>(bytes: &'a [u8], path: &Path, limits: &Limits) -> Result<Vec<Piece<'a>>, JsonError> {
    Parser::document(bytes, limits, |parser| {
        let mut pieces = Vec::new();
        follow(parser, path.0.tokens(), &mut String::new(), &mut pieces)?;
        Ok(pieces)
    })
}

fn follow<'a>(
    parser: &mut Parser<'a>,
    tokens: &[String],
    pointer: &mut String,
    pieces: &mut Vec<Piece<'a>>,
) -> Result<(), Fault> {
    let Some((token, rest)) = tokens.split_first() else {
        let (text, offset) = slice(parser)?;
        if pieces.len() == MOST_PIECES {
            return Err(Fault::new(JsonErrorKind::TooManyParts(MOST_PIECES), offset));
        }
        pieces.push(Piece { text, offset, pointer: pointer.clone() });
        return Ok(());
    };
    let outer = pointer.len();
    match parser.next_token() {
        Some(b'[') => parser.array(|parser, index| {
            if token != "*" && index_of(token) != Some(index) {
                return parser.skip_value();
            }
            push_index(pointer, index);
            let result = follow(parser, rest, pointer, pieces);
            pointer.truncate(outer);
            result
        }),
        Some(b'{') => parser.object(|parser, key| {
            let key = key.decode();
            if token != "*" && *token != key {
                return parser.skip_value();
            }
            push_token(pointer, &key);
            let result = follow(parser, rest, pointer, pieces);
            pointer.truncate(outer);
            result
        }),
        _ => parser.skip_value(),
    }
}

/// Reads one value: its text and its offset.
fn slice<'a>(parser: &mut Parser<'a>) -> Result<(&'a str, usize), Fault> {
    parser.next_token();
    let offset = parser.position();
    parser.skip_value()?;
    Ok((parser.since(offset), offset))
}
