//! Cuts bytes into rows and fields, without copying them.

use super::MAX_COLUMNS;
use crate::encoding::LineEnds;

/// The bytes with a meaning.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dialect {
    pub(super) delimiter: u8,
    pub(super) quote: Option<u8>,
    pub(super) ends: LineEnds,
}

/// A field by its place in the row, without the quotes around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) start: usize,
    pub(super) end: usize,
    /// It has doubled quotes inside.
    pub(super) doubled: bool,
}

/// What the bytes start with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Scan {
    /// The start of a row; when inside quotes, the byte and the line of the row where they open.
    More { opened: Option<(usize, u64)> },
    /// An empty line.
    Blank { length: usize },
    /// A row: its length with and without the line end, and the lines it takes.
    Row { length: usize, text_length: usize, lines: u64 },
    /// A row that cannot be told apart into fields.
    Broken { length: usize, lines: u64, fault: Fault },
}

/// Why a row cannot be told apart. Places are bytes from the start of the row; lines count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Unterminated { opened: usize, line: u64 },
    AfterQuote { place: usize, line: u64, opened: (usize, u64) },
    TooManyColumns,
}

/// How the text of a field ends.
enum End {
    Delimiter,
    /// A line end of that length; none at the end of the input.
    Line(usize),
}

/// Reads the row that `input` starts with into `fields`. `at_end`: nothing follows `input`.
pub(super) fn scan(input: &[u8], at_end: bool, dialect: Dialect, fields: &mut Vec<Field>) -> Scan {
    let mut at = 0;
    let mut lines = 0;
    let mut has_quotes = false;
    loop {
        let mut field = Field { start: at, end: at, doubled: false };
        if dialect.quote.is_some() && input.get(at).copied() == dialect.quote {
            let opened = (at, lines);
            has_quotes = true;
            match quoted(input, at_end, dialect, &mut field) {
                Some(end) => at = end,
                None if !at_end => return Scan::More { opened: Some(opened) },
                None => {
                    let fault = Fault::Unterminated { opened: opened.0, line: opened.1 };
                    return Scan::Broken {
                        length: input.len(),
                        lines: lines + dialect.ends.count(&input[at..]),
                        fault,
                    };
                }
            }
            lines += dialect.ends.count(&input[field.start..field.end]);
            let is_end = input.get(at).is_none_or(|byte| dialect.ends.has(*byte));
            if !is_end && input.get(at) != Some(&dialect.delimiter) {
                let fault = Fault::AfterQuote { place: at, line: lines, opened };
                return broken(input, at, at_end, dialect, lines, fault);
            }
        } else {
            let rest = &input[at..];
            let is_end = |byte: &u8| *byte == dialect.delimiter || dialect.ends.has(*byte);
            at += rest.iter().position(is_end).unwrap_or(rest.len());
            field.end = at;
        }
        let Some(end) = end_of_field(input, at, at_end, dialect) else {
            return Scan::More { opened: None };
        };
        if fields.len() == MAX_COLUMNS {
            return broken(input, at, at_end, dialect, lines, Fault::TooManyColumns);
        }
        fields.push(field);
        match end {
            End::Delimiter => at += 1,
            End::Line(length) if at == 0 && !has_quotes => return Scan::Blank { length },
            End::Line(length) => {
                return Scan::Row { length: at + length, text_length: at, lines: lines + 1 };
            }
        }
    }
}

/// Reads a quoted field: the place after its closing quote; `None` when that is not there.
fn quoted(input: &[u8], at_end: bool, dialect: Dialect, field: &mut Field) -> Option<usize> {
    let quote = dialect.quote?;
    field.start += 1;
    let mut at = field.start;
    loop {
        at += input.get(at..)?.iter().position(|byte| *byte == quote)?;
        match input.get(at + 1) {
            Some(next) if *next == quote => {
                field.doubled = true;
                at += 2;
            }
            // The next byte decides whether this quote closes.
            None if !at_end => return None,
            _ => {
                field.end = at;
                return Some(at + 1);
            }
        }
    }
}

/// What stands at `at`, where the text of a field ends; `None` when that is not there yet.
fn end_of_field(input: &[u8], at: usize, at_end: bool, dialect: Dialect) -> Option<End> {
    match input.get(at) {
        None => at_end.then_some(End::Line(0)),
        Some(byte) if *byte == dialect.delimiter => Some(End::Delimiter),
        Some(_) => dialect.ends.length(input, at, at_end).map(End::Line),
    }
}

/// A row with a fault at `at` ends with the line that the fault is on.
fn broken(input: &[u8], at: usize, at_end: bool, dialect: Dialect, lines: u64, fault: Fault) -> Scan {
    let rest = &input[at..];
    let line_end = rest.iter().position(|byte| dialect.ends.has(*byte));
    let length = match line_end {
        Some(end) => dialect.ends.length(rest, end, at_end).map(|length| end + length),
        None => at_end.then_some(rest.len()),
    };
    let Some(length) = length else { return Scan::More { opened: None } };
    Scan::Broken { length: at + length, lines: lines + 1, fault }
}
