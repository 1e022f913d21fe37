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

#[cfg(test)]
mod tests;

pub(crate) use encode::CsvWriter;
pub use options::{CsvOptions, EmptyField};

use std::borrow::Cow;

use lineshaft_model::json::write_string;

use crate::decoder::{Cut, Step};
use crate::document::{Document, Location};
use crate::encoding::Encoding;
use crate::error::FormatError;
use group::Group;
use rows::{Dialect, Fault, Field, Scan, scan};

/// More columns than any table has; bounds the memory of one row.
const MAX_COLUMNS: usize = 16_384;

/// Reads one table.
pub(crate) struct CsvCutter {
    options: CsvOptions,
    dialect: Dialect,
    /// Names as JSON text with a colon, once they are known.
    columns: Option<Vec<Column>>,
    /// A header row is still to come.
    header: bool,
    group_column: Option<usize>,
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

struct Column {
    name: String,
    /// `"name":`
    key: Vec<u8>,
}

/// A row that is text in its encoding. Fields are places in its bytes.
#[derive(Clone, Copy)]
enum Text<'a> {
    Utf8(&'a str),
    OneByte(Encoding, &'a [u8]),
}

impl<'a> Text<'a> {
    fn field(self, field: Field) -> Cow<'a, str> {
        let place = field.start..field.end;
        match self {
            Self::Utf8(text) => Cow::Borrowed(text.get(place).unwrap_or_default()),
            Self::OneByte(encoding, bytes) => {
                encoding.decode(bytes.get(place).unwrap_or_default()).unwrap_or_default()
            }
        }
    }
}

/// A row that was read: its text as JSON, and the value of the column that groups.
struct Row {
    json: Vec<u8>,
    group_value: Vec<u8>,
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
        let mut cutter = Self {
            dialect: Dialect { delimiter: options.delimiter.0, quote: options.quote.map(|quote| quote.0) },
            columns: None,
            header: options.has_header(),
            group_column: None,
            group: None,
            refused: 0,
            fields: Vec::new(),
            offset: 0,
            at: 0,
            line: 1,
            state: State::Start,
            options: options.clone(),
        };
        if let Some(names) = &options.columns {
            cutter.name_columns(names.clone());
        }
        cutter
    }

    fn name_columns(&mut self, names: Vec<String>) {
        let group_by = self.options.group_by.as_ref();
        self.group_column = group_by.and_then(|wanted| names.iter().position(|name| name == wanted));
        let key = |name: String| {
            let mut key = Vec::with_capacity(name.len() + 3);
            write_string(&mut key, &name);
            key.push(b':');
            Column { name, key }
        };
        self.columns = Some(names.into_iter().map(key).collect());
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
        if input.starts_with(b"\xFF\xFE") || input.starts_with(b"\xFE\xFF") {
            let at = self.location(0, 0);
            let error = FormatError::new("csv-encoding", "the file is UTF-16, not a supported encoding", at);
            return Err(Box::new(error.hint("export it as UTF-8").fatal()));
        }
        self.at = if input.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
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

    /// Takes the header row. An error is fatal.
    fn take_header(&mut self, input: &[u8], span: Span) -> Result<(), FormatError> {
        let text = self.text(&input[span.start..span.end])?;
        let names: Vec<String> = (self.fields.iter().map(|field| self.value(text, *field)))
            .map(|name| name.trim().to_owned())
            .collect();
        let problem = names.iter().enumerate().find_map(|(index, name)| {
            if name.is_empty() {
                Some(format!("column {} of the header has no name", index + 1))
            } else if names[..index].contains(name) {
                Some(format!("the header has the column `{name}` twice"))
            } else {
                None
            }
        });
        let at = self.location(span.start, 0);
        let fatal =
            |message: String, hint: &str| Err(FormatError::new("csv-header", message, at.clone()).hint(hint));
        if let Some(problem) = problem {
            return fatal(problem, "mend the header, or give `columns` in the options of the format");
        }
        if self.columns.is_none() {
            if let Some(group_by) = self.options.group_by.as_ref().filter(|wanted| !names.contains(wanted)) {
                let found = names.join(", ");
                return fatal(
                    format!("there is no column `{group_by}` to group by"),
                    &format!("the columns are {found}"),
                );
            }
            self.name_columns(names);
        }
        self.header = false;
        Ok(())
    }

    /// Makes sure that a row is text.
    fn text<'a>(&self, raw: &'a [u8]) -> Result<Text<'a>, FormatError> {
        if let Some(nul) = raw.iter().position(|byte| *byte == 0) {
            let at = self.location(self.at + nul, 1 + nul);
            return Err(FormatError::new("csv-encoding", "the row has a NUL byte", at)
                .hint("is the file UTF-16, or cut off by a full disk?"));
        }
        if self.options.encoding != Encoding::Utf8 {
            return Ok(Text::OneByte(self.options.encoding, raw));
        }
        std::str::from_utf8(raw).map(Text::Utf8).map_err(|error| {
            let good = error.valid_up_to();
            let column = 1 + String::from_utf8_lossy(&raw[..good]).chars().count();
            let at = self.location(self.at + good, column);
            FormatError::new("csv-encoding", "these bytes are not UTF-8", at)
                .hint("set `encoding` to windows-1252 or latin-1 if the file is one of these")
        })
    }

    /// The value of a field within its row.
    fn value<'a>(&self, text: Text<'a>, field: Field) -> Cow<'a, str> {
        let value = text.field(field);
        let value = match self.dialect.quote.map(char::from) {
            Some(quote) if field.doubled => {
                Cow::Owned(value.replace(&format!("{quote}{quote}"), &quote.to_string()))
            }
            _ => value,
        };
        match value {
            Cow::Borrowed(value) if self.options.trim => Cow::Borrowed(value.trim()),
            Cow::Owned(value) if self.options.trim => Cow::Owned(value.trim().to_owned()),
            value => value,
        }
    }

    /// Turns the fields that were scanned last into JSON.
    fn read_row(&self, raw: &[u8]) -> Result<Row, FormatError> {
        let columns = self.columns.as_deref().unwrap_or_default();
        if self.fields.len() != columns.len() {
            let message = format!("the row has {}, not {}", count(self.fields.len()), columns.len());
            return Err(FormatError::new("csv-columns", message, self.location(self.at, 0))
                .hint("is a field with the delimiter in it not quoted, or the delimiter another one?"));
        }
        let text = self.text(raw)?;
        let mut json = Vec::with_capacity(raw.len() * 2 + columns.len() * 16);
        let mut group_value = Vec::new();
        json.push(b'{');
        for (index, (column, field)) in columns.iter().zip(&self.fields).enumerate() {
            let value = self.value(text, *field);
            let value = (!value.is_empty() || self.options.empty == EmptyField::String).then_some(value);
            if self.group_column == Some(index) {
                write_value(&mut group_value, value.as_deref());
            }
            if value.is_none() && self.options.empty == EmptyField::Omit {
                continue;
            }
            if json.len() > 1 {
                json.push(b',');
            }
            json.extend_from_slice(&column.key);
            write_value(&mut json, value.as_deref());
        }
        json.push(b'}');
        Ok(Row { json, group_value })
    }

    /// Takes a good row: a document of its own, or part of a group.
    fn take_row<'a>(&mut self, input: &'a [u8], row: Row, span: Span) -> Option<Step<'a>> {
        self.at = span.end;
        let Some(column) = self.group_column else {
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
        let key = self.columns.as_ref().and_then(|columns| columns.get(column)).map(|column| &column.key);
        let next = Group::open(key.map_or(&[], Vec::as_slice), row.group_value, &row.json, span, refused);
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
            let start = row.iter().rposition(|byte| matches!(byte, b'\n' | b'\r')).map_or(0, |at| at + 1);
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
        let lines = rows::lines(&input[self.at..end]);
        self.refuse(input, Span { start: self.at, end, line: self.line }, lines, error)
    }

    /// Skips to the end of a row that was refused for its length. False when it is not there yet.
    fn skip(&mut self, input: &[u8], at_end: bool) -> bool {
        let rest = &input[self.at..];
        let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
            self.at = input.len();
            return at_end;
        };
        let has_pair = rest[end] == b'\r' && rest.get(end + 1) == Some(&b'\n');
        if rest[end] == b'\r' && end + 1 == rest.len() && !at_end {
            self.at += end;
            return false;
        }
        self.at += end + 1 + usize::from(has_pair);
        self.line += 1;
        self.state = State::Rows;
        true
    }

    /// Refuses a field that is longer than allowed.
    fn check_fields(&self) -> Result<(), FormatError> {
        let limit = self.options.field_bytes.0;
        let Some(index) = self.fields.iter().position(|field| field.end - field.start > limit) else {
            return Ok(());
        };
        let name = self.columns.as_ref().and_then(|columns| columns.get(index)).map(|column| &column.name);
        let name = name.map_or_else(|| format!("number {}", index + 1), |name| format!("`{name}`"));
        let message = format!("the field {name} is longer than {limit} bytes");
        Err(FormatError::new("csv-limit", message, self.location(self.at, 0))
            .hint("raise `field_bytes` in the options of the format if such fields are right"))
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
                let raw = &rest[..text_length];
                let result = self.check_fields().and_then(|()| {
                    if self.header {
                        return self
                            .take_header(input, Span { end: start + text_length, ..span })
                            .map(|()| None);
                    }
                    self.read_row(raw).map(Some)
                });
                match result {
                    Err(error) => Some(self.refuse(input, span, lines, error)),
                    Ok(None) => {
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

fn write_value(out: &mut Vec<u8>, value: Option<&str>) {
    match value {
        Some(value) => write_string(out, value),
        None => out.extend_from_slice(b"null"),
    }
}

fn count(columns: usize) -> String {
    if columns == 1 { "1 column".to_owned() } else { format!("{columns} columns") }
}
