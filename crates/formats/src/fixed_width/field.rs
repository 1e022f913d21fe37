//! The fields of a record: bytes at a place to a value.

use std::borrow::Cow;

use lineshaft_model::json::write_string;

use super::options::{Notation, Span, Trim};
use super::{Layout, PlacedField};
use crate::csv::EmptyField;
use crate::document::Location;
use crate::encoding::Encoding;
use crate::error::FormatError;

/// A record by its characters.
pub(crate) struct Cells<'a> {
    record: &'a [u8],
    /// Where each character starts, when some have several bytes.
    starts: Vec<usize>,
}

impl<'a> Cells<'a> {
    pub(crate) fn new(encoding: Encoding, record: &'a [u8]) -> Self {
        let text = match encoding {
            Encoding::Utf8 if !record.is_ascii() => std::str::from_utf8(record).unwrap_or_default(),
            _ => "",
        };
        Self { record, starts: text.char_indices().map(|(at, _)| at).collect() }
    }

    fn byte(&self, character: usize) -> usize {
        match self.starts.is_empty() {
            true => character.min(self.record.len()),
            false => self.starts.get(character).copied().unwrap_or(self.record.len()),
        }
    }

    /// What stands at a place; less, or nothing, where the record ends before.
    pub(crate) fn slice(&self, span: Span) -> &'a [u8] {
        &self.record[self.byte(span.start - 1)..self.byte(span.end())]
    }

    /// What stands behind so many characters.
    pub(crate) fn after(&self, characters: usize) -> &'a [u8] {
        &self.record[self.byte(characters)..]
    }

    /// The place of a character, from 1, of the record at `at`.
    pub(crate) fn locate(&self, character: usize, at: &Location) -> Location {
        let offset = at.offset + self.byte(character - 1) as u64;
        Location { offset, column: character as u64, ..at.clone() }
    }
}

impl Layout {
    /// The members of a record, without braces.
    pub(super) fn read(&self, kind: usize, record: &[u8], at: &Location) -> Result<Vec<u8>, FormatError> {
        let kind = &self.records[kind];
        let has_bytes = kind.fields.iter().any(|field| field.field.number != Notation::Text);
        let cells = Cells::new(self.encoding, record);
        // Numbers in bytes are no text; each text field is checked by itself then.
        if !has_bytes && let Err(good) = self.encoding.check(record) {
            return Err(bad_bytes(self.encoding, record, good, at));
        }
        let rest = cells.after(kind.length);
        let blank = self.encoding.byte(b' ');
        if rest.iter().any(|byte| *byte != blank && *byte != 0) {
            let message = format!("the record goes on behind its last field, which ends at {}", kind.length);
            return Err(FormatError::new("fixed-width-length", message, cells.locate(kind.length + 1, at))
                .hint("does the layout lack a field?"));
        }
        let mut json = Vec::with_capacity(record.len() * 2);
        for field in kind.fields.iter().filter(|field| !field.name.starts_with('_')) {
            let value = self.value(field, &cells, at)?;
            let value = Some(value).filter(|value| !value.is_empty() || self.empty == EmptyField::String);
            if value.is_none() && self.empty == EmptyField::Omit {
                continue;
            }
            if !json.is_empty() {
                json.push(b',');
            }
            json.extend_from_slice(&field.key);
            match value {
                Some(value) => write_string(&mut json, &value),
                None => json.extend_from_slice(b"null"),
            }
        }
        Ok(json)
    }

    fn value<'a>(
        &self,
        field: &PlacedField,
        cells: &Cells<'a>,
        at: &Location,
    ) -> Result<Cow<'a, str>, FormatError> {
        let bytes = cells.slice(field.span);
        let PlacedField { name, field, span, .. } = field;
        let locate = || Location { path: name.clone(), ..cells.locate(span.start, at) };
        let number = |digits: Option<String>| {
            digits.map(Cow::Owned).ok_or_else(|| {
                let text = self.encoding.decode(bytes).ok().filter(|_| field.number != Notation::Packed);
                let shown = text.map_or_else(|| format!("{bytes:02X?}"), |text| format!("{text:?}"));
                FormatError::new("fixed-width-number", format!("{shown} is no number for `{name}`"), locate())
                    .hint(
                        "digits with one sign at most, and no point; check the layout's places and `number`",
                    )
            })
        };
        let decimals = field.decimals.unwrap_or_default();
        if field.number == Notation::Packed {
            let is_blank = bytes.iter().all(|byte| *byte == self.encoding.byte(b' ') || *byte == 0);
            return if is_blank { Ok(Cow::Borrowed("")) } else { number(packed(bytes, decimals)) };
        }
        let text = match self.encoding.decode(bytes) {
            Ok(text) => text,
            Err(good) => return Err(bad_bytes(self.encoding, bytes, good, &locate())),
        };
        if !field.is_number() {
            return Ok(trim(text, field.trim));
        }
        match text.trim_matches([' ', '\0']) {
            "" => Ok(Cow::Borrowed("")),
            text if field.number == Notation::Zoned => number(zoned(text, bytes, self.encoding, decimals)),
            text => number(signed(text, decimals)),
        }
    }
}

fn bad_bytes(encoding: Encoding, bytes: &[u8], good: usize, at: &Location) -> FormatError {
    let column = at.column.max(1) + Cells::new(encoding, &bytes[..good]).characters() as u64;
    let at = Location { offset: at.offset + good as u64, column, ..at.clone() };
    let byte = bytes.get(good).copied().unwrap_or_default();
    FormatError::new(
        "fixed-width-encoding",
        format!("the byte {byte:#04X} is no character of {}", encoding.name()),
        at,
    )
    .hint("set `encoding` in the options of the format to the one of the file")
}

impl Cells<'_> {
    fn characters(&self) -> usize {
        if self.starts.is_empty() { self.record.len() } else { self.starts.len() }
    }
}

fn trim(text: Cow<'_, str>, trim: Trim) -> Cow<'_, str> {
    let trimmed = |text: &str| -> (usize, usize) {
        let start = match trim {
            Trim::Left | Trim::Both => text.len() - text.trim_start_matches(' ').len(),
            Trim::Right | Trim::None => 0,
        };
        let end = match trim {
            Trim::Right | Trim::Both => text.trim_end_matches(' ').len(),
            Trim::Left | Trim::None => text.len(),
        };
        (start.min(end), end)
    };
    let (start, end) = trimmed(&text);
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[start..end]),
        Cow::Owned(text) if start == 0 && end == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(text[start..end].to_owned()),
    }
}

/// Digits with a sign before or after them.
fn signed(text: &str, decimals: usize) -> Option<String> {
    let (negative, digits) = match text.strip_prefix('-').or_else(|| text.strip_suffix('-')) {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').or_else(|| text.strip_suffix('+')).unwrap_or(text)),
    };
    point(digits.trim(), negative, decimals)
}

/// The last digit of a zoned number carries the sign. In ASCII, files that were translated have the characters of EBCDIC's
/// C0 to C9 and D0 to D9; compilers of personal computers add 0x40 to a negative digit.
fn zoned(text: &str, bytes: &[u8], encoding: Encoding, decimals: usize) -> Option<String> {
    let (at, last) = text.char_indices().next_back()?;
    let (negative, digit) = if encoding.has_ascii() {
        match last {
            '0'..='9' => (false, last),
            '{' => (false, '0'),
            '}' => (true, '0'),
            'A'..='I' => (false, shifted(last, b'A', b'1')?),
            'J'..='R' => (true, shifted(last, b'J', b'1')?),
            'p'..='y' => (true, shifted(last, b'p', b'0')?),
            _ => return None,
        }
    } else {
        let last = *bytes.iter().rev().find(|byte| **byte != encoding.byte(b' '))?;
        let digit = char::from_digit(u32::from(last & 0x0F), 10)?;
        (sign_of(last >> 4)?, digit)
    };
    point(&format!("{}{digit}", &text[..at]), negative, decimals)
}

fn shifted(character: char, from: u8, to: u8) -> Option<char> {
    u8::try_from(character).ok().map(|byte| char::from(byte - from + to))
}

/// Whether a half byte that means a sign means minus.
fn sign_of(half: u8) -> Option<bool> {
    match half {
        0xA | 0xC | 0xE | 0xF => Some(false),
        0xB | 0xD => Some(true),
        _ => None,
    }
}

/// Two digits a byte, the last half is the sign.
fn packed(bytes: &[u8], decimals: usize) -> Option<String> {
    let mut digits = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        digits.push(char::from_digit(u32::from(byte >> 4), 10)?);
        digits.push(char::from_digit(u32::from(byte & 0x0F), 16)?);
    }
    digits.pop();
    point(&digits, sign_of(bytes.last()? & 0x0F)?, decimals)
}

/// Puts the point that is not written into digits, and drops the zeros before them.
fn point(digits: &str, negative: bool, decimals: usize) -> Option<String> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let zeros = "0".repeat((decimals + 1).saturating_sub(digits.len()));
    let all = format!("{zeros}{digits}");
    let (whole, fraction) = all.split_at(all.len() - decimals);
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    let is_zero = all.bytes().all(|byte| byte == b'0');
    let sign = if negative && !is_zero { "-" } else { "" };
    let dot = if decimals > 0 { "." } else { "" };
    Some(format!("{sign}{whole}{dot}{fraction}"))
}
