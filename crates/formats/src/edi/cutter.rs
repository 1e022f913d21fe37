//! Cuts an input into a document for each transaction set or message.

mod documents;
mod envelope;
mod scan;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use super::delimiters::Delimiters;
use super::dialect::{Dialect, Fault};
use super::options::Reading;
use super::received::Trace;
use super::segment::Tag;
use super::tree::Tree;
use crate::decoder::{Cut, Step};
use crate::document::{Document, Location};
use crate::error::FormatError;
use crate::json::newlines;

const TA1: Tag = Tag::new(b"TA1");
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// White space between segments.
fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// What may fill the space between interchanges: white space, padding, the end mark of old systems.
fn is_filler(byte: &u8) -> bool {
    is_blank(byte) || matches!(byte, 0 | 0x1A)
}

/// Reads one input.
pub(crate) struct EdiCutter {
    dialect: Dialect,
    reading: Reading,
    /// The whole input before what is left of it.
    offset: u64,
    /// The next byte to look at, in what is left.
    at: usize,
    /// Up to here there is no end of the segment at `at`.
    searched: usize,
    /// Line of the byte at `counted`.
    line: u64,
    counted: usize,
    state: State,
    marks: Arc<Delimiters>,
    interchange: Around,
    group: Option<Around>,
    open: Option<Open>,
    pending: VecDeque<Pending>,
    tree: Tree,
    /// For those who want the structure and no documents.
    pub(super) trace: Option<Trace>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between interchanges.
    Seeking,
    /// In an interchange.
    Inside,
    /// In a segment of which a part was refused for its length.
    Long,
    Done,
}

/// An open interchange or group.
#[derive(Default)]
struct Around {
    /// Its header is there.
    has_header: bool,
    control: String,
    /// What comes out of it as JSON text, and GS08.
    json: Vec<u8>,
    version: String,
    /// What it holds: transactions of a group; groups, and messages outside of any.
    count: u64,
    /// Documents and errors that came of it.
    shown: u64,
    /// Where its header lies, as far as it is not in `json` yet.
    header: Option<(Vec<u8>, Option<Vec<u8>>)>,
    faults: Vec<Fault>,
}

/// An open transaction set or message, or segments outside of any.
struct Open {
    kind: Kind,
    /// Where it starts; places of segments count from here.
    start: usize,
    line: u64,
    /// The header; empty when there is none.
    header: (u32, u32),
    segments: Vec<(u32, u32)>,
    /// Segments so far, those included that were refused.
    count: u64,
    control: String,
    name: String,
    /// Too long: what came of it so far was refused in parts.
    is_refused: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Transaction,
    /// TA1.
    Service,
    /// Segments outside of anything they could belong to.
    Outside,
}

enum Pending {
    Document { json: Vec<u8>, raw: Range<usize>, line: u64 },
    Error(Box<FormatError>),
}

/// How it goes on.
enum Flow {
    Go,
    More,
}

impl EdiCutter {
    pub(crate) fn new(dialect: Dialect, reading: Reading) -> Self {
        Self {
            dialect,
            reading,
            offset: 0,
            at: 0,
            searched: 0,
            line: 1,
            counted: 0,
            state: State::Seeking,
            marks: Arc::new(if dialect == Dialect::X12 { Delimiters::x12() } else { Delimiters::edifact() }),
            interchange: Around::default(),
            group: None,
            open: None,
            pending: VecDeque::new(),
            tree: Tree::default(),
            trace: None,
        }
    }

    /// The line of a place that is not before any other that was asked for.
    fn line_at(&mut self, input: &[u8], place: usize) -> u64 {
        if let Some(passed) = input.get(self.counted..place) {
            self.line += newlines(passed);
            self.counted = place;
        }
        self.line
    }

    /// Bytes that nothing needs any more; places count from there afterwards.
    fn release(&mut self, input: &[u8]) -> usize {
        let used = self.open.as_ref().map_or(self.at, |open| open.start.min(self.at));
        self.line_at(input, used);
        self.counted -= used;
        self.at -= used;
        self.searched = self.searched.saturating_sub(used);
        self.offset += used as u64;
        if let Some(open) = &mut self.open {
            open.start -= used;
        }
        used
    }

    fn location(&mut self, input: &[u8], place: usize) -> Location {
        let line = self.line_at(input, place);
        Location { offset: self.offset + place as u64, line, ..Location::default() }
    }

    fn error(&mut self, input: &[u8], code: &'static str, message: String, raw: Range<usize>) -> FormatError {
        let at = self.location(input, raw.start);
        let offset = self.offset + raw.start as u64;
        FormatError::new(code, message, at).raw(input.get(raw).unwrap_or_default(), offset)
    }

    fn refuse(&mut self, error: FormatError) {
        self.interchange.shown += 1;
        self.pending.push_back(Pending::Error(Box::new(error)));
    }
}

impl Open {
    fn new(kind: Kind, start: usize, line: u64) -> Self {
        Self {
            kind,
            start,
            line,
            header: (0, 0),
            segments: Vec::new(),
            count: 0,
            control: String::new(),
            name: String::new(),
            is_refused: false,
        }
    }
}

impl Cut for EdiCutter {
    fn next<'a>(&mut self, input: &'a [u8], at_end: bool) -> Step<'a> {
        loop {
            if let Some(pending) = self.pending.pop_front() {
                let item = match pending {
                    Pending::Error(error) => Err(*error),
                    Pending::Document { json, raw, line } => {
                        let at =
                            Location { offset: self.offset + raw.start as u64, line, ..Location::default() };
                        let raw = Cow::Borrowed(input.get(raw).unwrap_or_default());
                        Ok(Document { json: Cow::Owned(json), raw, at })
                    }
                };
                let used = if self.pending.is_empty() { self.release(input) } else { 0 };
                return Step::Item { used, item };
            }
            let flow = match self.state {
                State::Done => return Step::End,
                State::Seeking => self.seek(input, at_end),
                State::Inside | State::Long => self.step(input, at_end),
            };
            if matches!(flow, Flow::More) {
                return Step::More { used: self.release(input) };
            }
        }
    }
}
