//! CSV: rows of a table to documents, each a row or a group of rows.
//!
//! RFC 4180 with the liberties that files in the field take: any one-byte delimiter, `\n`, `\r\n` or `\r` at the end of
//! a row, rows without a header, a byte order mark, a quote inside a field that does not start with one. What would have
//! to be guessed is refused, row by row: a wrong number of columns, text after a closing quote, a quote that is never
//! closed, bytes that are not of the encoding.

mod encode;
mod group;
mod options;
mod rows;
mod table;

#[cfg(test)]
mod tests;

pub(crate) use encode::CsvWriter;
pub use options::{CsvOptions, EmptyField, Mark};

use std::borrow::Cow;

use crate::decoder::{Cut, Step};
use crate::document::{Document, Location};
use crate::error::FormatError;
use group::Group;
use rows::{Dialect, Fault, Field, Scan, scan};
use table::{Row, Table};

/// More columns than any table has; bounds the memory of one row.
const MAX_COLUMNS: usize = 16_384;

/// Reads one table.
pub(crate) struct CsvCutter {
    options: CsvOptions,
    dialect: Dialect,
    table: Table,
    /// A header row is still to come.
    header: bool,
    group: Option<Group>,
    /// Refused rows since the last good one, while grouping.
    refused: u64,
    fields: Vec<Field>,
    /// Where the input that is left starts.
    offset: u64,
    /// The next row, in the input that is left; what lies before belongs to the open group.
    at: usize,
    /// The line of the next row.
    line: u64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    Rows,
    /// Inside a row that was refused for its length: up to its end.
    Skipping,
    Done,
}

/// Where a row lies in the input that is left, and which line it starts on.
#[derive(Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
    line: u64,
}

impl CsvCutter {
    pub(crate) fn new(options: &CsvOptions) -> Self {
        Self {
            dialect: options.dialect(),
            table: Table::new(options),
            header: options.has_header(),
            group: None,
            refused: 0,
            fields: Vec::new(),
            offset: 0,
            at: 0,
            line: 1,
            state: State::Start,
            options: options.clone(),
        }
    }

    /// Bytes of `input` that no open group needs any more; positions count from there afterwards.
    fn release(&mut self) -> usize {
        let used = self.group.as_ref().map_or(self.at, |group| group.start);
        self.at -= used;
        self.offset += used as u64;
        if let Some(group) = &mut self.group {
            group.start -= used;
            group.end -= used;
        }
        used
    }

    fn item<'a>(&mut self, item: Result<Document<'a>, FormatError>) -> Step<'a> {
        Step::Item { used: self.release(), item }
    }

    /// Skips a byte order mark. False when it takes more bytes to tell; an error for UTF-16.
    fn start(&mut self, input: &[u8], at_end: bool) -> Result<bool, Box<FormatError>> {
        if input.len() < 3 && !at_end {
            return Ok(false);
        }
        let has_marks = self.options.encoding.has_ascii();
        if has_marks && (input.starts_with(b"\xFF\xFE") || input.starts_with(b"\xFE\xFF")) {
            let at = self.location(0, 0);
            let error = FormatError::new("csv-encoding", "the file is UTF-16, not a supported encoding", at);
            return Err(Box::new(error.hint("export it as UTF-8").fatal()));
        }
        self.at = if has_marks && input.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        self.state = State::Rows;
        Ok(true)
    }

    /// A place `within` bytes of the input that is left, in the current row.
    fn location(&self, within: usize, column: usize) -> Location {
        Location {
            offset: self.offset + within as u64,
            line: self.line,
            column: column as u64,
            path: String::new(),
        }
    }

    /// Refuses the row at `span` and goes on after it.
    fn refuse<'a>(&mut self, input: &[u8], span: Span, lines: u64, error: FormatError) -> Step<'a> {
        let raw = input.get(span.start..span.end).unwrap_or_default();
        let error = error.raw(raw, self.offset + span.start as u64);
        self.at = span.end;
        self.line += lines;
        if self.options.group_by.is_some() {
            self.refused += 1;
        }
        if self.header {
            // Without the header no row has names.
            self.state = State::Done;
            return self.item(Err(error.fatal()));
        }
        self.item(Err(error))
    }

    /// Takes a good row: a document of its own, or part of a group.
    fn take_row<'a>(&mut self, input: &'a [u8], row: Row, span: Span) -> Option<Step<'a>> {
        self.at = span.end;
        let Some(key) = self.table.group_key() else {
            let at =
                Location { offset: self.offset + span.start as u64, line: span.line, ..Location::default() };
            let raw = Cow::Borrowed(&input[span.start..span.end]);
            return Some(self.item(Ok(Document { json: Cow::Owned(row.json), raw, at })));
        };
        let refused = std::mem::take(&mut self.refused);
        if let Some(group) = self.group.as_mut().filter(|group| group.value == row.group_value) {
            group.add(&row.json, span.end, refused);
            return None;
        }
        let next = Group::open(key, row.group_value, &row.json, span, refused);
        // A refused row between two groups may have belonged to either.
        let closed = self.group.replace(next)?;
        self.close(input, closed, refused)
    }

    /// Hands a complete group out; nothing if all of it was refused already.
    fn close<'a>(&mut self, input: &'a [u8], group: Group, refused: u64) -> Option<Step<'a>> {
        let item = group.finish(input, self.offset, refused, &self.options)?;
        Some(self.item(item))
    }

    /// Refuses what the open group has so far if it is more than a group may have, so that what is kept stays bounded.
    fn check_group<'a>(&mut self, input: &[u8]) -> Option<Step<'a>> {
        let group = self.group.as_mut()?;
        let error = group.refuse_if_long(input, self.at, self.offset, &self.options)?;
        Some(self.item(Err(error)))
    }

    /// What a fault of the scanner means to a person.
    fn explain(&self, input: &[u8], fault: Fault) -> FormatError {
        let at = |within: usize, line: u64| {
            let place = self.at + within;
            let row = &input[self.at..place.min(input.len())];
            let start = row.iter().rposition(|byte| self.dialect.ends.has(*byte)).map_or(0, |at| at + 1);
            let column = 1 + String::from_utf8_lossy(&row[start..]).chars().count();
            Location { line, ..self.location(place, column) }
        };
        match fault {
            Fault::Unterminated { opened, line } => {
                let message = "the quote that opens here is never closed";
                FormatError::new("csv-quote", message, at(opened, self.line + line))
                    .hint("close it; a quote inside a quoted field is written twice")
            }
            Fault::AfterQuote { place, line, opened } => {
                let opened = at(opened.0, self.line + opened.1);
                let message = format!("text follows the closing quote of the field that opens at {opened}");
                FormatError::new("csv-quote", message, at(place, self.line + line))
                    .hint("a quote inside a quoted field is written twice")
            }
            Fault::TooManyColumns => {
                let message = format!("the row has more than {MAX_COLUMNS} columns");
                FormatError::new("csv-limit", message, self.location(self.at, 0))
            }
        }
    }

    /// Refuses a row that goes on beyond the longest that is allowed.
    fn refuse_long<'a>(&mut self, input: &[u8], opened: Option<(usize, u64)>) -> Step<'a> {
        let limit = self.options.row_bytes.0;
        let end = self.at + limit;
        let error = match opened {
            Some((opened, line)) => {
                let fault = self.explain(input, Fault::Unterminated { opened, line });
                FormatError { message: format!("{}, or not within {limit} bytes", fault.message), ..fault }
            }
            None => {
                let message = format!("the row is longer than {limit} bytes");
                FormatError::new("csv-limit", message, self.location(self.at, 0))
                    .hint("raise `row_bytes` in the options of the format if such rows are right")
            }
        };
        self.state = State::Skipping;
        let lines = self.dialect.ends.count(&input[self.at..end]);
        self.refuse(input, Span { start: self.at, end, line: self.line }, lines, error)
    }

    /// Skips to the end of a row that was refused for its length. False when it is not there yet.
    fn skip(&mut self, input: &[u8], at_end: bool) -> bool {
        let rest = &input[self.at..];
        let Some(end) = rest.iter().position(|byte| self.dialect.ends.has(*byte)) else {
            self.at = input.len();
            return at_end;
        };
        let Some(length) = self.dialect.ends.length(rest, end, at_end) else {
            self.at += end;
            return false;
        };
        self.at += end + length;
        self.line += 1;
        self.state = State::Rows;
        true
    }
}

impl Cut for CsvCutter {
    fn next<'a>(&mut self, input: &'a [u8], at_end: bool) -> Step<'a> {
        loop {
            match self.state {
                State::Done => return Step::End,
                State::Start => match self.start(input, at_end) {
                    Ok(true) => {}
                    Ok(false) => return Step::More { used: 0 },
                    Err(error) => {
                        self.state = State::Done;
                        return self.item(Err(error.raw(&input[..input.len().min(3)], 0)));
                    }
                },
                State::Skipping => {
                    if !self.skip(input, at_end) {
                        return Step::More { used: self.release() };
                    }
                }
                State::Rows => {}
            }
            if let Some(step) = self.check_group(input) {
                return step;
            }
            if input.len() == self.at {
                if !at_end {
                    return Step::More { used: self.release() };
                }
                self.state = State::Done;
                let last = self.group.take().and_then(|group| self.close(input, group, self.refused));
                return last.unwrap_or(Step::End);
            }
            if let Some(step) = self.next_row(input, at_end) {
                return step;
            }
        }
    }
}

impl CsvCutter {
    /// Reads the row at the position; `None` when there is nothing to tell of it yet.
    fn next_row<'a>(&mut self, input: &'a [u8], at_end: bool) -> Option<Step<'a>> {
        let rest = &input[self.at..];
        // Only so much is looked at, so that the answer does not depend on how much of the input is there.
        let is_cut = rest.len() > self.options.row_bytes.0;
        let window = if is_cut { &rest[..=self.options.row_bytes.0] } else { rest };
        self.fields.clear();
        let start = self.at;
        let span = |length: usize| Span { start, end: start + length, line: self.line };
        match scan(window, at_end && !is_cut, self.dialect, &mut self.fields) {
            Scan::More { opened } if is_cut => Some(self.refuse_long(input, opened)),
            Scan::More { .. } => Some(Step::More { used: self.release() }),
            Scan::Blank { length } => {
                self.at += length;
                self.line += 1;
                None
            }
            Scan::Broken { length, lines, fault } => {
                let error = self.explain(input, fault);
                let span = span(length);
                Some(self.refuse(input, span, lines, error))
            }
            Scan::Row { length, text_length, lines } => {
                let span = span(length);
                let (raw, at) = (&rest[..text_length], self.location(start, 0));
                let result = match self.header {
                    true => self.table.read_header(raw, &self.fields, &at).map(|()| None),
                    false => self.table.read_row(raw, &self.fields, &at).map(Some),
                };
                match result {
                    Err(error) => Some(self.refuse(input, span, lines, error)),
                    Ok(None) => {
                        self.header = false;
                        self.at += length;
                        self.line += lines;
                        None
                    }
                    Ok(Some(row)) => {
                        self.line += lines;
                        self.take_row(input, row, span)
                    }
                }
            }
        }
    }
}
