//! Answers of OData services, V2 and V4, to records of one shape; `$batch` bodies read and written.
//!
//! Each record of a list is a document by itself, and one that cannot be read does not refuse the others. What the versions
//! write differently is made alike: lists of navigations are arrays, metadata are annotations as V4 has them, dates are RFC 3339.

mod batch;
mod loose;
mod record;

#[cfg(test)]
mod tests;

pub(crate) use batch::BatchWriter;

use std::borrow::Cow;

use lineshaft_model::json::{Limits, Value, check};
use serde::Deserialize;

use crate::document::Location;
use crate::error::FormatError;
use crate::json::newlines;
use crate::size::Size;
use crate::whole::Piece;
use loose::Found;

/// Options of `odata`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OdataOptions {
    /// Longest input.
    pub bytes: Size,
    /// Deepest nesting; at most 256.
    pub depth: usize,
    /// When writing: all documents as the requests of one `$batch`. When reading, the input shows whether it is one.
    pub batch: bool,
}

impl Default for OdataOptions {
    fn default() -> Self {
        Self { bytes: Size::mib(16), depth: Limits::DEFAULT.depth, batch: false }
    }
}

impl OdataOptions {
    /// The media type of what it writes.
    pub(crate) const fn media_type(&self) -> &'static str {
        if self.batch { batch::MEDIA_TYPE } else { "application/json" }
    }

    fn limits(&self) -> Limits {
        crate::json::limits(self.bytes, self.depth)
    }
}

/// The records of an answer, or the parts of a `$batch`.
pub(crate) fn pieces(options: &OdataOptions, input: &[u8]) -> Result<Vec<Piece>, FormatError> {
    let start = if input.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let lead = input[start..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    if input[start + lead..].starts_with(b"--") {
        return batch::pieces(options, input, start + lead);
    }
    let found = records(&input[start..], &options.limits());
    let found = found.map_err(|error| FormatError::json(&error, start as u64, 1))?;
    let (mut counted, mut line) = (0, 1);
    let piece = |Found { range, pointer }: Found| {
        let raw = start + range.start..start + range.end;
        line += newlines(&input[counted..raw.start]);
        counted = raw.start;
        let text = &input[raw.clone()];
        match Value::parse(text, &options.limits()) {
            Ok(value) => {
                Piece { json: Some(record::plain(value).to_vec()), raw, line, path: pointer, failure: None }
            }
            Err(error) => {
                let mut failure = FormatError::json(&error, raw.start as u64, line);
                failure.at.path = format!("{pointer}{}", failure.at.path);
                Piece { json: None, raw, line, path: pointer, failure: Some(Box::new(failure)) }
            }
        }
    };
    let pieces: Vec<Piece> = found.into_iter().map(piece).collect();
    refuse_error(&pieces)?;
    Ok(pieces)
}

/// Where the records of an answer are: in `d.results`, `d` or `value`, or it is one record itself.
fn records(bytes: &[u8], limits: &Limits) -> Result<Vec<Found>, lineshaft_model::json::JsonError> {
    match loose::records(bytes) {
        Some(found) => Ok(found),
        // Where the brackets do not fit, nothing of it can be told apart; the strict reader says why.
        None => check(bytes, limits).map(|text| {
            let lead = text.len() - text.trim_start().len();
            let range = lead..lead + text.trim().len();
            vec![Found { range, pointer: String::new() }]
        }),
    }
}

/// An answer that says what went wrong holds no records.
fn refuse_error(pieces: &[Piece]) -> Result<(), FormatError> {
    let [Piece { json: Some(json), path, line, .. }] = pieces else { return Ok(()) };
    if !path.is_empty() {
        return Ok(());
    }
    let answer = Value::parse(json, &Limits::DEFAULT).unwrap_or_default();
    let Some(error) = answer.get("error").filter(|error| error.get("message").is_some()) else {
        return Ok(());
    };
    let text = |value: Option<&Value<'_>>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let message = match error.get("message") {
        // V2 says in which language it is.
        Some(message) if message.as_object().is_some() => text(message.get("value")),
        message => text(message),
    };
    let at = Location { line: *line, path: "/error".to_owned(), ..Location::default() };
    Err(FormatError::new(
        "odata-error",
        format!("the service answered with the error {}: {message}", text(error.get("code"))),
        at,
    )
    .hint("it holds no records; see what the service wants"))
}

/// A record, or a list of records, as `plain` makes them, for a part of a batch.
fn body(bytes: &[u8], limits: &Limits) -> Value<'static> {
    let whole = || Value::String(Cow::Owned(String::from_utf8_lossy(bytes).into_owned()));
    let Some(found) = loose::records(bytes) else { return whole() };
    let is_list = found.first().is_none_or(|found| {
        found
            .pointer
            .rsplit('/')
            .next()
            .is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()) && !last.is_empty())
    });
    let records: Result<Vec<Value<'static>>, _> = found
        .into_iter()
        .map(|found| Value::parse(&bytes[found.range], limits).map(|value| record::plain(value).into_owned()))
        .collect();
    match records {
        Ok(mut records) if !is_list => records.pop().unwrap_or_default(),
        Ok(records) => Value::Array(records),
        Err(_) => whole(),
    }
}
