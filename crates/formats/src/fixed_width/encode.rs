//! Writes documents as records of fixed width. Nothing is cut: a value that does not fit is an error.

use std::borrow::Cow;

use lineshaft_model::json::Value;

use super::options::{Align, Field, FixedWidthOptions, Notation, Sign};
use super::{Kind, Layout, PlacedField};
use crate::document::Location;
use crate::encoding::Encoding;
use crate::error::FormatError;

/// Writes records one after the other.
#[derive(Debug)]
pub(crate) struct FixedWidthWriter {
    layout: Layout,
    /// What ends a record, in the encoding of the file.
    end: Vec<u8>,
    /// The bytes of each record, when they have no ends.
    record_bytes: Option<usize>,
}

impl FixedWidthWriter {
    pub(crate) fn new(options: &FixedWidthOptions) -> Self {
        let end = options.line_end.bytes(options.encoding);
        let record_bytes = options.record_bytes.map(|size| size.0.max(1));
        Self { layout: Layout::new(options), end, record_bytes }
    }

    pub(crate) fn document(&self, document: &Value<'_>, out: &mut Vec<u8>) -> Result<(), FormatError> {
        if !self.layout.is_named {
            return self.record(0, document, out);
        }
        let kind = match document.as_object() {
            Some([(name, value)]) => {
                self.layout.records.iter().position(|kind| kind.name == *name).map(|at| (at, value))
            }
            _ => None,
        };
        match kind {
            Some((kind, value)) if self.layout.records[kind].under.is_none() => self.record(kind, value, out),
            _ => {
                let tops = self.layout.records.iter().filter(|kind| kind.under.is_none());
                let names: Vec<&str> = tops.map(|kind| kind.name.as_str()).collect();
                Err(refused("a document has one member, named after its record type".to_owned())
                    .hint(format!("the record types of documents are {}", names.join(", "))))
            }
        }
    }

    /// Writes a record and those under it.
    fn record(&self, at: usize, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), FormatError> {
        let kind = &self.layout.records[at];
        if value.as_object().is_none() {
            return Err(refused(format!("a record is an object, and this is {}", value.kind())));
        }
        let start = out.len();
        let blank = self.layout.encoding.byte(b' ');
        let mut next = 1;
        let tag = self.layout.tag.map(|span| (span, None));
        let fields = kind.fields.iter().map(|field| (field.span, Some(field)));
        let mut parts: Vec<_> = tag.into_iter().chain(fields).collect();
        parts.sort_by_key(|(span, _)| span.start);
        for (span, field) in parts {
            out.resize(out.len() + (span.start - next), blank);
            next = span.start + span.length;
            match field {
                None => {
                    out.extend_from_slice(&kind.tag);
                    let text = self.layout.encoding.decode(&kind.tag).unwrap_or_default();
                    out.resize(out.len() + span.length.saturating_sub(text.chars().count()), blank);
                }
                Some(field) => {
                    let value = value.get(&field.name).filter(|_| !field.name.starts_with('_'));
                    self.field(field, value.unwrap_or(&Value::Null), out)?;
                }
            }
        }
        match self.record_bytes {
            Some(length) if out.len() - start > length => {
                return Err(refused(format!("the record{} is longer than {length} bytes", self.of(kind))));
            }
            Some(length) => out.resize(start + length, blank),
            None => {
                let ends = self.layout.encoding.line_ends();
                if out[start..].iter().any(|byte| ends.has(*byte)) {
                    return Err(refused(format!("a value{} has a line end in it", self.of(kind))));
                }
                out.extend_from_slice(&self.end);
            }
        }
        for (under, kind) in self.layout.records.iter().enumerate().filter(|(_, kind)| kind.under == Some(at))
        {
            match value.get(&kind.name) {
                None | Some(Value::Null) => {}
                Some(Value::Array(members)) => {
                    members.iter().try_for_each(|member| self.record(under, member, out))?;
                }
                Some(member) => self.record(under, member, out)?,
            }
        }
        Ok(())
    }

    /// Names the record type, if there are several.
    fn of(&self, kind: &Kind) -> String {
        if self.layout.is_named { format!(" of `{}`", kind.name) } else { String::new() }
    }

    fn field(&self, placed: &PlacedField, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), FormatError> {
        let PlacedField { name, field, .. } = placed;
        let encoding = self.layout.encoding;
        let text = match value {
            Value::Null => "",
            Value::Bool(true) => "true",
            Value::Bool(false) => "false",
            Value::Number(text) | Value::String(text) => text,
            Value::Array(_) | Value::Object(_) => {
                return Err(refused(format!("`{name}` would hold an {}", value.kind())));
            }
        };
        if text.is_empty() && field.number == Notation::Text {
            out.resize(out.len() + field.length, encoding.byte(b' '));
            return Ok(());
        }
        let no_fit = || refused(format!("`{name}` has {} places, and {text:?} does not fit", field.length));
        let text = if field.is_number() {
            let (negative, digits) =
                digits(if text.is_empty() { "0" } else { text }, field).ok_or_else(|| {
                    refused(format!(
                        "{text:?} is no number with {} decimals for `{name}`",
                        field.decimals.unwrap_or_default()
                    ))
                })?;
            match field.number {
                Notation::Packed => return packed(field, negative, &digits, out).ok_or_else(no_fit),
                Notation::Zoned => return zoned(field, negative, &digits, encoding, out).ok_or_else(no_fit),
                Notation::Text => Cow::Owned(number(field, negative, &digits).ok_or_else(no_fit)?),
            }
        } else {
            Cow::Borrowed(text)
        };
        let rest = field.length.checked_sub(text.chars().count()).ok_or_else(no_fit)?;
        let fill: String = std::iter::repeat_n(field.pad.unwrap_or(' '), rest).collect();
        let whole = match field.align.unwrap_or(if field.is_number() { Align::Right } else { Align::Left }) {
            Align::Left => [text.as_ref(), &fill].concat(),
            Align::Right => [&fill, text.as_ref()].concat(),
        };
        encoding.encode(&whole, out).map_err(|character| {
            refused(format!("{} has no {character:?}, which `{name}` holds", encoding.name()))
                .hint("choose another `encoding`, or replace the character in the mapping")
        })
    }
}

/// The sign and the digits of a decimal with the field's scale; `None` if it has more decimals, or is none.
fn digits(text: &str, field: &Field) -> Option<(bool, String)> {
    let decimals = field.decimals.unwrap_or_default();
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let kept = fraction.trim_end_matches('0');
    if whole.is_empty()
        || !is_digits(whole)
        || !is_digits(fraction)
        || kept.len() > decimals
        || rest.ends_with('.')
    {
        return None;
    }
    let digits = format!("{whole}{kept:0<decimals$}");
    let digits = digits.trim_start_matches('0');
    Some((negative && !digits.is_empty(), digits.to_owned()))
}

/// With zeros before it, so that the point has its place.
fn filled(digits: &str, length: usize) -> Option<String> {
    (digits.len() <= length).then(|| format!("{digits:0>length$}"))
}

fn number(field: &Field, negative: bool, digits: &str) -> Option<String> {
    let signs = usize::from(negative);
    let least = field.decimals.unwrap_or_default() + 1;
    let digits = match field.pad {
        None | Some('0') => filled(digits, field.length.checked_sub(signs)?)?,
        Some(_) => filled(digits, digits.len().max(least).min(field.length))?,
    };
    Some(match (negative, field.sign) {
        (false, _) => digits,
        (true, Sign::Leading) => format!("-{digits}"),
        (true, Sign::Trailing) => format!("{digits}-"),
    })
}

fn packed(field: &Field, negative: bool, digits: &str, out: &mut Vec<u8>) -> Option<()> {
    let digits = filled(digits, field.length * 2 - 1)?;
    let mut halves: Vec<u8> = digits.bytes().map(|byte| byte - b'0').collect();
    halves.push(if negative { 0xD } else { 0xC });
    out.extend(halves.chunks(2).map(|pair| pair[0] << 4 | pair[1]));
    Some(())
}

fn zoned(field: &Field, negative: bool, digits: &str, encoding: Encoding, out: &mut Vec<u8>) -> Option<()> {
    let digits = filled(digits, field.length)?;
    let (rest, last) = digits.as_bytes().split_at(digits.len() - 1);
    out.extend(rest.iter().map(|byte| encoding.byte(*byte)));
    let digit = last[0] - b'0';
    out.push(match (encoding.has_ascii(), negative, digit) {
        (false, true, digit) => 0xD0 | digit,
        (false, false, digit) => 0xC0 | digit,
        (true, true, 0) => b'}',
        (true, false, 0) => b'{',
        (true, true, digit) => b'J' + digit - 1,
        (true, false, digit) => b'A' + digit - 1,
    });
    Some(())
}

fn refused(message: String) -> FormatError {
    FormatError::new("fixed-width-encode", message, Location { line: 1, ..Location::default() })
}
