//! Consecutive rows that make one document, such as the lines of an order.
//!
//! A refused row has no place in any group. But a group next to it may have lost a row, so it says so with a member
//! `refused_rows`: how many rows were refused directly before, within or directly after it. A mapping decides what that
//! is worth; an order that may lack a line need not be sent as if it were whole.

use std::borrow::Cow;

use super::{CsvOptions, Span};
use crate::document::{Document, Location};
use crate::error::FormatError;

#[derive(Debug)]
pub(super) struct Group {
    /// The value that its rows have in common, as JSON.
    pub(super) value: Vec<u8>,
    /// Where its rows lie in the input that is left.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Of its first row.
    line: u64,
    json: Vec<u8>,
    rows: u64,
    /// Refused rows before and within.
    refused: u64,
    /// It was more than a group may have; its rows are refused as they come.
    is_refused: bool,
}

impl Group {
    /// A group of one row. `key` is the name of its column as JSON, with a colon.
    pub(super) fn open(key: &[u8], value: Vec<u8>, row: &[u8], span: Span, refused: u64) -> Self {
        let json = [b"{", key, &value, b",\"rows\":[", row].concat();
        let Span { start, end, line } = span;
        Self { value, start, end, line, json, rows: 1, refused, is_refused: false }
    }

    /// Adds the next row, which ends at `end`, after `refused` rows that were no good.
    pub(super) fn add(&mut self, row: &[u8], end: usize, refused: u64) {
        self.rows += 1;
        self.refused += refused;
        self.end = end;
        if !self.is_refused {
            self.json.push(b',');
            self.json.extend_from_slice(row);
        }
    }

    /// Refuses the rows so far, which end before `at`, if they are too many. Later rows of the group are refused in
    /// parts of the same size, so that every byte of it is told.
    pub(super) fn refuse_if_long(
        &mut self,
        input: &[u8],
        at: usize,
        offset: u64,
        options: &CsvOptions,
    ) -> Option<FormatError> {
        let limit = options.group_bytes.0;
        if self.json.len() <= limit && at - self.start <= limit {
            return None;
        }
        self.is_refused = true;
        self.json = Vec::new();
        let error = self.too_long(input, offset, limit);
        self.start = at;
        self.end = at;
        Some(error)
    }

    /// The document, with `refused` rows that were no good after it. `None` if nothing of it is left to tell.
    pub(super) fn finish<'a>(
        mut self,
        input: &'a [u8],
        offset: u64,
        refused: u64,
        options: &CsvOptions,
    ) -> Option<Result<Document<'a>, FormatError>> {
        if self.is_refused {
            let is_told = self.start == self.end;
            return (!is_told).then(|| Err(self.too_long(input, offset, options.group_bytes.0)));
        }
        self.json.push(b']');
        if self.refused + refused > 0 {
            self.json.extend_from_slice(format!(",\"refused_rows\":{}", self.refused + refused).as_bytes());
        }
        self.json.push(b'}');
        let raw = Cow::Borrowed(&input[self.start..self.end]);
        Some(Ok(Document { at: self.at(offset), json: Cow::Owned(self.json), raw }))
    }

    fn too_long(&self, input: &[u8], offset: u64, limit: usize) -> FormatError {
        let message = format!("{} rows with the same value make more than {limit} bytes", self.rows);
        FormatError::new("csv-limit", message, self.at(offset))
            .hint("is `group_by` the right column? Else raise `group_bytes` in the options of the format")
            .raw(&input[self.start..self.end], offset + self.start as u64)
    }

    fn at(&self, offset: u64) -> Location {
        Location { offset: offset + self.start as u64, line: self.line, ..Location::default() }
    }
}
