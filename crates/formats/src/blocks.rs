//! Documents made of records: one record opens a document, those after it join.

use std::borrow::Cow;

use crate::decoder::{Cut, Step};
use crate::document::{Document, Location};
use crate::error::FormatError;
use crate::records::{Record, Records};

/// What a record is to the documents of its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// It begins a document.
    Opens,
    /// It is a document by itself: nothing could join it.
    Alone,
    /// It belongs to the document that is open.
    Joins,
    /// It says nothing, such as an empty line.
    Passed,
}

/// What the records of a format mean. It holds the document that is open.
pub(crate) trait Grammar: Send {
    /// What the record at `at` is, without taking it. `is_open`: there is a document it could join.
    fn place(&self, record: &[u8], at: &Location, is_open: bool) -> Result<Place, FormatError>;

    /// Takes a record. One that cannot be read leaves the document as it was.
    fn add(&mut self, record: &[u8], at: &Location) -> Result<(), FormatError>;

    /// The open document as JSON, after which none is open. `refused` records beside it were no good.
    fn finish(&mut self, refused: u64) -> Result<Vec<u8>, FormatError>;

    /// Forgets the open document.
    fn discard(&mut self);
}

/// How documents are cut.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) records: Records,
    /// Most bytes of one document.
    pub(crate) document_bytes: usize,
    /// The code of an error about a size.
    pub(crate) limit_code: &'static str,
    /// What to do about a record or a document that is too long.
    pub(crate) limit_hints: [&'static str; 2],
    /// Whether one bad record refuses its whole document; else the document counts it.
    pub(crate) is_whole: bool,
    /// Whether the input may begin with the byte order mark of UTF-8.
    pub(crate) has_mark: bool,
}

pub(crate) struct Blocks<G> {
    grammar: G,
    rules: Rules,
    /// Where the input that is left starts.
    offset: u64,
    /// The next record, in the input that is left; what lies before belongs to the open document.
    at: usize,
    line: u64,
    open: Option<Open>,
    /// Refused records since the last good one.
    refused: u64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    Records,
    /// Inside a record that was refused for its length.
    Skipping,
    Done,
}

/// The open document: where it lies in the input that is left.
struct Open {
    start: usize,
    end: usize,
    line: u64,
    /// Refused records before and within.
    refused: u64,
    /// Why all of it is refused.
    failure: Option<FormatError>,
    /// It was more than a document may have; its records are refused as they come.
    is_long: bool,
}

impl<G: Grammar> Blocks<G> {
    pub(crate) fn new(grammar: G, rules: Rules) -> Self {
        Self { grammar, rules, offset: 0, at: 0, line: 1, open: None, refused: 0, state: State::Start }
    }

    /// Bytes of `input` that no open document needs any more; positions count from there afterwards.
    fn release(&mut self) -> usize {
        let used = self.open.as_ref().map_or(self.at, |open| open.start);
        self.at -= used;
        self.offset += used as u64;
        if let Some(open) = &mut self.open {
            open.start -= used;
            open.end -= used;
        }
        used
    }

    fn item<'a>(&mut self, item: Result<Document<'a>, FormatError>) -> Step<'a> {
        Step::Item { used: self.release(), item }
    }

    /// Where the next record stands.
    fn here(&self) -> Location {
        Location { offset: self.offset + self.at as u64, line: self.line, ..Location::default() }
    }

    /// Takes the record of that length: `None` when there is nothing to tell of it yet.
    fn record<'a>(&mut self, input: &'a [u8], length: usize, text_length: usize) -> Option<Step<'a>> {
        let record = &input[self.at..self.at + text_length];
        let at = self.here();
        let place = match self.grammar.place(record, &at, self.open.is_some()) {
            Ok(Place::Opens | Place::Alone) if self.open.is_some() => return self.close(input),
            Ok(place) => place,
            Err(error) => return self.refuse(input, length, error),
        };
        let is_lost = self.open.as_ref().is_some_and(|open| open.is_long || open.failure.is_some());
        if place != Place::Passed
            && !is_lost
            && let Err(error) = self.grammar.add(record, &at)
        {
            return self.refuse(input, length, error);
        }
        if matches!(place, Place::Opens | Place::Alone) {
            self.open = Some(self.open_here());
        }
        self.at += length;
        self.line += 1;
        if place != Place::Passed {
            let refused = std::mem::take(&mut self.refused);
            if let Some(open) = &mut self.open {
                open.end = self.at;
                open.refused += refused;
            }
        }
        if place == Place::Alone { self.close(input) } else { None }
    }

    fn open_here(&self) -> Open {
        let (start, line) = (self.at, self.line);
        Open { start, end: start, line, refused: 0, failure: None, is_long: false }
    }

    /// Refuses a record of that length and goes on after it; or the document it stands in.
    fn refuse<'a>(&mut self, input: &[u8], length: usize, error: FormatError) -> Option<Step<'a>> {
        let start = self.at;
        self.at += length;
        self.line += u64::from(self.state != State::Skipping);
        if self.rules.is_whole {
            let line = error.at.line;
            let fresh = Open { start, end: start, line, refused: 0, failure: None, is_long: false };
            let open = self.open.get_or_insert(fresh);
            open.end = self.at;
            open.failure.get_or_insert(error);
            return None;
        }
        self.refused += 1;
        let raw = input.get(start..start + length).unwrap_or_default();
        let error = error.raw(raw, self.offset + start as u64);
        Some(self.item(Err(error)))
    }

    fn refuse_long<'a>(&mut self, input: &[u8], length: usize) -> Option<Step<'a>> {
        let message = format!("the record is longer than {length} bytes");
        let error =
            FormatError::new(self.rules.limit_code, message, self.here()).hint(self.rules.limit_hints[0]);
        self.state = State::Skipping;
        let told = self.refuse(input, length, error);
        // What follows is skipped, so the document is told now.
        told.or_else(|| self.break_off(input))
    }

    /// The input ends within a record.
    fn refuse_cut<'a>(&mut self, input: &[u8], length: usize) -> Option<Step<'a>> {
        let rest = &input[self.at..];
        // What editors and transfers put at the end of a file.
        if rest.iter().all(|byte| matches!(byte, b'\n' | b'\r' | 0 | 0x15 | 0x25 | 0x1A)) {
            self.at = input.len();
            return None;
        }
        let message = format!("the input ends with {length} bytes of a record");
        let error = FormatError::new("fixed-width-cut", message, self.here())
            .hint("it is cut off, or `record_bytes` is not the length of its records");
        self.refuse(input, length, error)
    }

    /// Hands the open document out; `None` if all of it was told already.
    fn close<'a>(&mut self, input: &'a [u8]) -> Option<Step<'a>> {
        let open = self.open.take()?;
        let raw = &input[open.start..open.end];
        let offset = self.offset + open.start as u64;
        let at = Location { offset, line: open.line, ..Location::default() };
        if open.is_long || open.failure.is_some() {
            self.grammar.discard();
            let error = match open.failure {
                Some(failure) => failure,
                None if raw.is_empty() => return None,
                None => self.too_long(at),
            };
            return Some(self.item(Err(error.raw(raw, offset))));
        }
        let item = match self.grammar.finish(open.refused + self.refused) {
            Ok(json) => Ok(Document { json: Cow::Owned(json), raw: Cow::Borrowed(raw), at }),
            Err(error) => Err(error.raw(raw, offset)),
        };
        Some(self.item(item))
    }

    fn too_long(&self, at: Location) -> FormatError {
        let message = format!("the document is longer than {} bytes", self.rules.document_bytes);
        FormatError::new(self.rules.limit_code, message, at).hint(self.rules.limit_hints[1])
    }

    /// Refuses what the open document has so far if that is too much, so that what is kept stays bounded.
    fn check_length<'a>(&mut self, input: &[u8]) -> Option<Step<'a>> {
        let is_long = |open: &Open| self.at - open.start > self.rules.document_bytes;
        if self.open.as_ref().is_some_and(is_long) { self.break_off(input) } else { None }
    }

    /// Refuses the open document as far as it is read. What follows of it is refused in parts of the same size.
    fn break_off<'a>(&mut self, input: &[u8]) -> Option<Step<'a>> {
        let open = self.open.as_mut()?;
        let (start, line) = (open.start, open.line);
        open.start = self.at;
        open.end = self.at;
        open.is_long = true;
        let failure = open.failure.take();
        self.grammar.discard();
        let offset = self.offset + start as u64;
        let at = Location { offset, line, ..Location::default() };
        let error = failure.unwrap_or_else(|| self.too_long(at)).raw(&input[start..self.at], offset);
        Some(self.item(Err(error)))
    }
}

impl<G: Grammar> Cut for Blocks<G> {
    fn next<'a>(&mut self, input: &'a [u8], at_end: bool) -> Step<'a> {
        loop {
            match self.state {
                State::Done => return Step::End,
                State::Start if self.rules.has_mark && input.len() < 3 && !at_end => {
                    return Step::More { used: 0 };
                }
                State::Start => {
                    self.at = if self.rules.has_mark && input.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
                    self.state = State::Records;
                }
                State::Skipping => {
                    let rest = self.rules.records.rest(&input[self.at..], at_end);
                    // Up to a line end of two bytes that may be there only in half.
                    let kept = usize::from(rest.is_none() && input.last() == Some(&b'\r'));
                    self.at = rest.map_or(input.len() - kept, |length| self.at + length);
                    if let Some(open) = self.open.as_mut().filter(|_| self.rules.is_whole) {
                        open.start = self.at;
                        open.end = self.at;
                    }
                    if rest.is_none() {
                        return Step::More { used: self.release() };
                    }
                    self.line += 1;
                    self.state = State::Records;
                }
                State::Records => {}
            }
            if let Some(step) = self.check_length(input) {
                return step;
            }
            let rest = &input[self.at..];
            if rest.is_empty() {
                if !at_end {
                    return Step::More { used: self.release() };
                }
                self.state = State::Done;
                return self.close(input).unwrap_or(Step::End);
            }
            let step = match self.rules.records.next(rest, at_end) {
                Record::More => return Step::More { used: self.release() },
                Record::Whole { length, text_length } => self.record(input, length, text_length),
                Record::Long { length } => self.refuse_long(input, length),
                Record::Cut { length } => self.refuse_cut(input, length),
            };
            if let Some(step) = step {
                return step;
            }
        }
    }
}
