//! The reader itself: one pass over checked UTF-8, handing values to a builder.

use super::Limits;
use super::error::{Fault, JsonError, JsonErrorKind as Kind, clip};
use super::keys::Keys;
use super::text::{Text, hex4, plain_until};

/// Makes values of some kind from what the reader finds, so that no tree stands between the text and the value that
/// somebody wants. Values come inside out: the elements of an array before its end.
pub trait Build<'a> {
    /// A finished value.
    type Value;
    /// An array that is being filled.
    type Array;
    /// An object that is being filled.
    type Object;

    /// Makes a value without parts.
    fn scalar(&mut self, scalar: Scalar<'a>) -> Self::Value;
    /// Begins an array.
    fn array(&mut self) -> Self::Array;
    /// Adds the next element.
    fn element(&mut self, array: &mut Self::Array, value: Self::Value);
    /// Ends an array.
    fn end_array(&mut self, array: Self::Array) -> Self::Value;
    /// Begins an object.
    fn object(&mut self) -> Self::Object;
    /// Adds the next member. If the object turns out to have a key twice the whole document is refused later, so
    /// builders need not look.
    fn member(&mut self, object: &mut Self::Object, key: Text<'a>, value: Self::Value);
    /// Ends an object.
    fn end_object(&mut self, object: Self::Object) -> Self::Value;
}

/// A value without parts, borrowed from the text.
#[derive(Debug, Clone, Copy)]
pub enum Scalar<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number as it was written.
    Number(&'a str),
    /// A string as it was written.
    String(Text<'a>),
}

/// Reads one document and builds its value.
///
/// # Errors
/// When the text is not exactly one JSON document within the limits.
pub fn parse<'a, B: Build<'a>>(
    bytes: &'a [u8],
    limits: &Limits,
    build: &mut B,
) -> Result<B::Value, JsonError> {
    Parser::document(bytes, limits, |parser| parser.value(build))
}

/// Reads one document and keeps nothing; the text itself, now known to be well formed, comes back.
///
/// # Errors
/// When the text is not exactly one JSON document within the limits.
pub fn check<'a>(bytes: &'a [u8], limits: &Limits) -> Result<&'a str, JsonError> {
    Parser::document(bytes, limits, |parser| parser.skip_value().map(|()| parser.text))
}

/// Builds nothing.
struct Nothing;

impl Build<'_> for Nothing {
    type Value = ();
    type Array = ();
    type Object = ();

    fn scalar(&mut self, _: Scalar<'_>) {}
    fn array(&mut self) {}
    fn element(&mut self, (): &mut (), (): ()) {}
    fn end_array(&mut self, (): ()) {}
    fn object(&mut self) {}
    fn member(&mut self, (): &mut (), _: Text<'_>, (): ()) {}
    fn end_object(&mut self, (): ()) {}
}

#[derive(Debug)]
pub(super) struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    position: usize,
    limits: Limits,
    depth: usize,
    values: usize,
    keys: Keys<'a>,
}

impl<'a> Parser<'a> {
    /// Checks size and encoding, runs `read` on the document and makes sure that nothing follows.
    pub(super) fn document<T>(
        bytes: &'a [u8],
        limits: &Limits,
        read: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, JsonError> {
        let whole = || {
            let text = text_of(bytes, limits)?;
            let limits = Limits { depth: limits.depth.min(Limits::DEEPEST), ..*limits };
            let mut parser =
                Self { text, bytes, position: 0, limits, depth: 0, values: 0, keys: Keys::default() };
            let value = read(&mut parser)?;
            match parser.next_token() {
                None => Ok(value),
                Some(_) => Err(parser.fault(Kind::Trailing(parser.found()))),
            }
        };
        whole().map_err(|fault: Fault| fault.locate(bytes))
    }

    pub(super) fn value<B: Build<'a>>(&mut self, build: &mut B) -> Result<B::Value, Fault> {
        let first = self.next_token();
        self.values += 1;
        if self.values > self.limits.values {
            return Err(self.fault(Kind::TooManyValues(self.limits.values)));
        }
        let scalar = match first {
            Some(b'"') => Scalar::String(self.string()?),
            Some(b'{') => {
                let mut object = build.object();
                self.object(|parser, key| {
                    let value = parser.value(build)?;
                    build.member(&mut object, key, value);
                    Ok(())
                })?;
                return Ok(build.end_object(object));
            }
            Some(b'[') => {
                let mut array = build.array();
                self.array(|parser, _| {
                    let value = parser.value(build)?;
                    build.element(&mut array, value);
                    Ok(())
                })?;
                return Ok(build.end_array(array));
            }
            Some(b'-' | b'0'..=b'9') => Scalar::Number(self.number()?),
            Some(b't') => self.literal("true", Scalar::Bool(true))?,
            Some(b'f') => self.literal("false", Scalar::Bool(false))?,
            Some(b'n') => self.literal("null", Scalar::Null)?,
            _ => return Err(self.no_value()),
        };
        Ok(build.scalar(scalar))
    }

    pub(super) fn skip_value(&mut self) -> Result<(), Fault> {
        self.value(&mut Nothing)
    }

    /// Bytes read so far.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// What was read since `start`.
    pub(super) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.position).unwrap_or_default()
    }

    /// Skips white space and looks at the byte after it.
    #[inline]
    pub(super) fn next_token(&mut self) -> Option<u8> {
        loop {
            match self.bytes.get(self.position) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.position += 1,
                other => return other.copied(),
            }
        }
    }

    /// Reads the array whose bracket is next; `each` reads one element.
    pub(super) fn array(
        &mut self,
        mut each: impl FnMut(&mut Self, usize) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.enter()?;
        if self.next_token() == Some(b']') {
            self.leave();
            return Ok(());
        }
        let mut index = 0;
        loop {
            each(self, index).map_err(|fault| fault.in_element(index))?;
            index += 1;
            match self.next_token() {
                Some(b',') => self.after_comma(b']')?,
                Some(b']') => break,
                _ => return Err(self.expected("a comma or ']'")),
            }
        }
        self.leave();
        Ok(())
    }

    /// Reads the object whose brace is next; `each` reads the value of one member.
    pub(super) fn object(
        &mut self,
        mut each: impl FnMut(&mut Self, Text<'a>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.enter()?;
        if self.next_token() == Some(b'}') {
            self.leave();
            return Ok(());
        }
        let mark = self.keys.open();
        loop {
            if self.next_token() != Some(b'"') {
                return Err(self.expected("a key in double quotes"));
            }
            let offset = self.position;
            let key = self.string()?;
            if !self.keys.add(mark, key, offset) {
                return Err(duplicate(key, offset));
            }
            if self.next_token() != Some(b':') {
                return Err(self.expected("a colon after the key"));
            }
            self.position += 1;
            each(self, key).map_err(|fault| fault.in_member(&key.decode()))?;
            match self.next_token() {
                Some(b',') => self.after_comma(b'}')?,
                Some(b'}') => break,
                _ => return Err(self.expected("a comma or '}'")),
            }
        }
        if let Some((key, offset)) = self.keys.close(mark) {
            return Err(duplicate(key, offset));
        }
        self.leave();
        Ok(())
    }

    fn enter(&mut self) -> Result<(), Fault> {
        if self.depth == self.limits.depth {
            return Err(self.fault(Kind::TooDeep(self.limits.depth)));
        }
        self.depth += 1;
        self.position += 1;
        Ok(())
    }

    fn leave(&mut self) {
        self.depth -= 1;
        self.position += 1;
    }

    #[inline]
    fn after_comma(&mut self, closing: u8) -> Result<(), Fault> {
        let comma = self.position;
        self.position += 1;
        if self.next_token() == Some(closing) {
            return Err(Fault::new(Kind::TrailingComma, comma));
        }
        Ok(())
    }

    /// Reads the string whose quote is next and checks its escapes.
    #[inline]
    fn string(&mut self) -> Result<Text<'a>, Fault> {
        let start = self.position + 1;
        let mut at = start;
        let mut escaped = false;
        loop {
            at = plain_until(self.bytes, at);
            match self.bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    at += self.escape(at)?;
                }
                Some(control) => return Err(Fault::new(Kind::ControlCharacter(*control), at)),
                None => return Err(Fault::new(Kind::Ends("the closing quote of a string"), at)),
            }
        }
        self.position = at + 1;
        Ok(Text::new(self.text.get(start..at).unwrap_or_default(), escaped))
    }

    /// Checks the escape at `at`: its length.
    fn escape(&self, at: usize) -> Result<usize, Fault> {
        let bad = || Fault::new(Kind::BadEscape, at);
        match self.bytes.get(at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(2),
            Some(b'u') => match self.bytes.get(at + 2..).and_then(hex4).ok_or_else(bad)? {
                0xDC00..0xE000 => Err(Fault::new(Kind::LoneSurrogate, at)),
                0xD800..0xDC00 => {
                    let low = self.bytes.get(at + 6..).filter(|rest| rest.starts_with(b"\\u"));
                    match low.and_then(|rest| hex4(rest.get(2..)?)) {
                        Some(0xDC00..0xE000) => Ok(12),
                        _ => Err(Fault::new(Kind::LoneSurrogate, at)),
                    }
                }
                _ => Ok(6),
            },
            _ => Err(bad()),
        }
    }

    /// Reads the number that starts here: `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`.
    #[inline]
    fn number(&mut self) -> Result<&'a str, Fault> {
        let start = self.position;
        let mut at = start + usize::from(self.bytes.get(start) == Some(&b'-'));
        let whole = self.digits(at)?;
        if whole > at + 1 && self.bytes.get(at) == Some(&b'0') {
            return Err(Fault::new(Kind::LeadingZero, start));
        }
        at = whole;
        if self.bytes.get(at) == Some(&b'.') {
            at = self.digits(at + 1)?;
        }
        if let Some(b'e' | b'E') = self.bytes.get(at) {
            let signed = matches!(self.bytes.get(at + 1), Some(b'+' | b'-'));
            at = self.digits(at + 1 + usize::from(signed))?;
        }
        if at - start > self.limits.number {
            return Err(Fault::new(Kind::NumberTooLong(self.limits.number), start));
        }
        self.position = at;
        Ok(self.since(start))
    }

    /// The end of the run of digits at `at`, which has one at least.
    #[inline]
    fn digits(&self, at: usize) -> Result<usize, Fault> {
        let rest = self.bytes.get(at..).unwrap_or_default();
        match rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len()) {
            0 if rest.is_empty() => Err(Fault::new(Kind::Ends("a digit"), at)),
            0 => Err(Fault::new(Kind::BadNumber, at)),
            count => Ok(at + count),
        }
    }

    #[inline]
    fn literal(&mut self, word: &'static str, scalar: Scalar<'a>) -> Result<Scalar<'a>, Fault> {
        if self.bytes[self.position..].starts_with(word.as_bytes()) {
            self.position += word.len();
            return Ok(scalar);
        }
        Err(self.expected("true, false or null"))
    }

    /// There is no value here: says why, as well as can be told from one character.
    #[cold]
    fn no_value(&self) -> Fault {
        match self.bytes.get(self.position) {
            None if self.depth == 0 => self.fault(Kind::Empty),
            Some(b'+' | b'.') => self.fault(Kind::BadNumber),
            _ => self.expected("a value"),
        }
    }

    #[cold]
    pub(super) fn expected(&self, wanted: &'static str) -> Fault {
        if self.position == self.bytes.len() {
            return self.fault(Kind::Ends(wanted));
        }
        self.fault(Kind::Unexpected { wanted, found: self.found() })
    }

    #[cold]
    fn fault(&self, kind: Kind) -> Fault {
        Fault::new(kind, self.position)
    }

    /// The character at the position, which is always at the start of one.
    fn found(&self) -> char {
        let rest = self.text.get(self.position..).unwrap_or_default();
        rest.chars().next().unwrap_or(char::REPLACEMENT_CHARACTER)
    }
}

#[cold]
fn duplicate(key: Text<'_>, offset: usize) -> Fault {
    Fault::new(Kind::DuplicateKey(clip(&key.decode())), offset)
}

fn text_of<'a>(bytes: &'a [u8], limits: &Limits) -> Result<&'a str, Fault> {
    let longest = limits.bytes.min(u32::MAX as usize);
    if bytes.len() > longest {
        return Err(Fault::new(Kind::TooLong(longest), longest));
    }
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return Err(Fault::new(Kind::ByteOrderMark, 0));
    }
    std::str::from_utf8(bytes).map_err(|error| Fault::new(Kind::NotUtf8, error.valid_up_to()))
}
