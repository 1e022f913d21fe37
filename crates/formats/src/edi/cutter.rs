//! Cuts an input into a document for each transaction set or message.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use super::charset;
use super::context;
use super::delimiters::Delimiters;
use super::dialect::{Dialect, Fault, FaultKind, Level};
use super::head::{Head, Measure, measure};
use super::loops;
use super::options::{OnFault, Reading};
use super::received::{Group, Interchange, Trace, Transaction};
use super::segment::{Segment, Tag, Text};
use super::tree::{Source, Tree};
use crate::decoder::{Cut, Step};
use crate::document::{Document, Location};
use crate::encoding::Encoding;
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

    /// Between interchanges: finds the next one.
    fn seek(&mut self, input: &[u8], at_end: bool) -> Flow {
        let rest = &input[self.at..];
        self.at += rest.iter().take_while(|byte| is_filler(byte)).count();
        let rest = &input[self.at..];
        if rest.starts_with(BYTE_ORDER_MARK) {
            self.at += BYTE_ORDER_MARK.len();
            return Flow::Go;
        }
        if rest.is_empty() || !at_end && BYTE_ORDER_MARK.starts_with(rest) {
            if at_end {
                self.state = State::Done;
            }
            return if at_end { Flow::Go } else { Flow::More };
        }
        match measure(self.dialect, rest, at_end) {
            Measure::More => Flow::More,
            Measure::Head(head) => {
                self.begin(input, *head);
                Flow::Go
            }
            Measure::Nothing => self.pass_over(input, at_end),
        }
    }

    /// Refuses bytes that belong to no interchange, up to the next one.
    fn pass_over(&mut self, input: &[u8], at_end: bool) -> Flow {
        // A tag that is cut in two is found at the start of the next part.
        const TAG: usize = 3;
        let limit = self.reading.bytes.max(64);
        let rest = &input[self.at..];
        let window = &rest[..rest.len().min(limit)];
        let mut from = self.searched.saturating_sub(self.at).max(1);
        let tags: &[&[u8]] = if self.dialect == Dialect::X12 { &[b"ISA"] } else { &[b"UNA", b"UNB"] };
        let mut end = None;
        loop {
            let next = tags.iter().filter_map(|tag| memchr::memmem::find(window.get(from..)?, tag)).min();
            let Some(found) = next else { break };
            match measure(self.dialect, &rest[from + found..], at_end) {
                Measure::More => {
                    self.searched = self.at + from + found;
                    return Flow::More;
                }
                Measure::Head(_) => {
                    end = Some(from + found);
                    break;
                }
                Measure::Nothing => from += found + 1,
            }
        }
        let end = match end {
            Some(end) => end,
            None if rest.len() >= limit => limit - TAG,
            None if at_end => rest.len(),
            None => {
                self.searched = self.at + window.len().saturating_sub(TAG).max(from);
                return Flow::More;
            }
        };
        let code = self.dialect.of("x12-outside", "edifact-outside");
        let (head, format) = (self.dialect.of("ISA", "UNA or UNB"), self.dialect.of("X12", "EDIFACT"));
        let message =
            format!("{end} bytes belong to no interchange: no {head} that can be read stands before them");
        let error = self.error(input, code, message, self.at..self.at + end);
        self.refuse(error.hint(format!("is the file {format}, and whole?")));
        self.at += end;
        self.searched = self.at;
        Flow::Go
    }

    /// Opens the interchange whose head stands at the position.
    fn begin(&mut self, input: &[u8], head: Head) {
        self.state = State::Inside;
        let start = self.at;
        let has_header = head.end > head.start;
        let header = input.get(start + head.start..start + head.end).unwrap_or_default();
        let segment = Segment { bytes: header, marks: &head.marks };
        let control = match self.dialect {
            Dialect::X12 => segment.whole(13),
            Dialect::Edifact => segment.whole(5),
        };
        let mut faults = Vec::new();
        let mut fault = |kind| faults.push(Fault::new(self.dialect, Level::Interchange, kind));
        if !head.is_fixed {
            fault(FaultKind::Width);
        }
        if head.is_line_end {
            fault(FaultKind::Terminator);
        }
        if !has_header {
            fault(FaultKind::NoHeader);
        }
        if let Some(trace) = &mut self.trace {
            let offset = self.offset as usize + start;
            trace.interchanges.push(Interchange {
                dialect: self.dialect,
                delimiters: head.marks.clone(),
                header: has_header.then_some(offset + head.start..offset + head.end),
                groups: Vec::new(),
                service: Vec::new(),
                faults: faults.clone(),
                segments: usize::from(has_header),
            });
        }
        self.interchange = Around {
            has_header,
            control: control.trim_end().to_owned(),
            header: Some((header.to_vec(), head.una)),
            faults,
            version: if self.dialect == Dialect::Edifact { segment.text(1) } else { String::new() },
            ..Around::default()
        };
        self.group = None;
        self.marks = Arc::new(head.marks);
        self.at += head.next;
        self.searched = self.at;
    }

    /// In an interchange: takes the next segment.
    fn step(&mut self, input: &[u8], at_end: bool) -> Flow {
        let gap = self.at;
        if self.state == State::Inside {
            let blanks = input[self.at..].iter().take_while(|byte| is_filler(byte)).count();
            self.at += blanks;
        }
        let rest = &input[self.at..];
        if rest.is_empty() {
            if at_end {
                self.name_interchange(&input[gap..]);
                self.finish(input);
            } else {
                // The gap is looked at again, as it may go on.
                self.at = gap;
            }
            return if at_end { Flow::Go } else { Flow::More };
        }
        if self.state == State::Inside {
            match self.is_head(rest, at_end) {
                Some(true) => {
                    self.name_interchange(&input[gap..]);
                    self.close_all(input, self.at);
                    self.state = State::Seeking;
                    return Flow::Go;
                }
                Some(false) => self.name_interchange(&input[gap..]),
                None => {
                    self.at = gap;
                    return Flow::More;
                }
            }
        }
        let limit = self.reading.bytes;
        let window = &input[..input.len().min(self.at + limit + 1)];
        let from = self.searched.max(self.at);
        match self.marks.segment_end(window, self.at, from.min(window.len())) {
            Some(end) => {
                self.take(input, end, end + self.marks.segment.len());
                Flow::Go
            }
            None if window.len() > self.at + limit => {
                self.refuse_long(input, self.at + limit);
                Flow::Go
            }
            None if !at_end => {
                // A release character may stand before what comes next.
                self.searched = input.len().saturating_sub(self.marks.segment.len() - 1).max(self.at);
                Flow::More
            }
            None => {
                let trail = rest.iter().rev().take_while(|byte| is_filler(byte)).count();
                let end = input.len() - trail;
                self.take(input, end, input.len());
                Flow::Go
            }
        }
    }

    /// Whether `rest` starts with another interchange; `None` when it takes more bytes to tell.
    fn is_head(&self, rest: &[u8], at_end: bool) -> Option<bool> {
        let is_candidate = match self.dialect {
            Dialect::X12 => rest.starts_with(b"ISA") || b"ISA".starts_with(rest),
            // UNH alone is no head: it belongs to the interchange that is open.
            Dialect::Edifact => {
                let heads: [&[u8]; 2] = [b"UNA", b"UNB"];
                heads.iter().any(|tag| rest.starts_with(tag) || tag.starts_with(rest))
            }
        };
        if !is_candidate {
            return Some(false);
        }
        match measure(self.dialect, rest, at_end) {
            Measure::More => None,
            Measure::Nothing => Some(false),
            // UNA is one only before an UNB: it could be a value that a line end cut off.
            Measure::Head(head) => Some(!rest.starts_with(b"UNA") || head.end > head.start),
        }
    }

    /// Makes the JSON text of the interchange, once the line end after its head is there to see.
    fn name_interchange(&mut self, gap: &[u8]) {
        let Some((header, una)) = self.interchange.header.take() else { return };
        // What ISA11 and ISA16 hold are the delimiters themselves.
        let bare = Delimiters::new(self.marks.element, None, None, None, self.marks.segment);
        let marks = if self.dialect == Dialect::X12 { &bare } else { &*self.marks };
        let header = self.interchange.has_header.then_some(Segment { bytes: &header, marks });
        let faults = &self.interchange.faults;
        self.interchange.json =
            context::interchange(self.dialect, header, &self.marks, una.as_deref(), gap, faults);
    }

    /// Takes the segment from the position to `end`; `next` is behind its terminator.
    fn take(&mut self, input: &[u8], end: usize, next: usize) {
        let start = self.at;
        let is_tail = std::mem::replace(&mut self.state, State::Inside) == State::Long;
        let mut end = end;
        if self.marks.segment.first() == b'\n' && end > start && input[end - 1] == b'\r' {
            end -= 1;
        }
        self.at = next;
        self.searched = next;
        if is_tail {
            if let Some(open) = &mut self.open {
                open.count += 1;
            }
            self.refuse_part(input, start..next);
            return;
        }
        if end == start {
            return;
        }
        if let Some(interchange) = self.trace.as_mut().and_then(Trace::last) {
            interchange.segments += 1;
        }
        let tag = Segment { bytes: &input[start..end], marks: &self.marks }.tag();
        let envelope = self.dialect.envelope();
        if tag != Tag::NONE {
            if tag == envelope.transaction[0] {
                return self.open_transaction(input, start..end);
            } else if tag == envelope.transaction[1] {
                return self.end_transaction(input, start..end, next);
            } else if tag == envelope.group[0] {
                return self.open_group(input, start..end);
            } else if tag == envelope.group[1] {
                return self.end_group(input, start..end, next);
            } else if tag == envelope.interchange[1] {
                return self.end_interchange(input, start..end, next);
            }
        }
        self.add(input, tag, start..end, next);
    }

    /// A segment of a transaction set, or one that stands elsewhere.
    fn add(&mut self, input: &[u8], tag: Tag, place: Range<usize>, next: usize) {
        let is_service = self.dialect == Dialect::X12 && tag == TA1 && self.group.is_none();
        let wanted = if is_service { Kind::Service } else { Kind::Outside };
        let fits =
            self.open.as_ref().is_some_and(|open| open.kind == Kind::Transaction || open.kind == wanted);
        if !fits {
            self.close_open(input, None, place.start);
            let line = self.line_at(input, place.start);
            self.open = Some(Open::new(wanted, place.start, line));
        }
        let bound = self.reading.bytes;
        if let Some(open) = &mut self.open {
            open.count += 1;
            if next - open.start > bound && place.start > open.start {
                let raw = open.start..place.start;
                self.refuse_part(input, raw);
            }
        }
        if let Some(open) = &mut self.open {
            open.segments.push(((place.start - open.start) as u32, (place.end - open.start) as u32));
        }
    }

    /// A segment goes on beyond the longest transaction set: what there is of it is refused.
    fn refuse_long(&mut self, input: &[u8], end: usize) {
        if self.open.is_none() {
            let line = self.line_at(input, self.at);
            self.open = Some(Open::new(Kind::Outside, self.at, line));
        }
        let start = self.open.as_ref().map_or(self.at, |open| open.start);
        self.refuse_part(input, start..end);
        self.at = end;
        self.searched = end;
        self.state = State::Long;
    }

    /// Refuses what there is of the open transaction set; the rest of it follows.
    fn refuse_part(&mut self, input: &[u8], raw: Range<usize>) {
        let Some(mut open) = self.open.take() else { return };
        let end = raw.end;
        self.refuse_as_long(input, &open, raw);
        open.is_refused = true;
        open.segments.clear();
        open.start = end;
        open.line = self.line_at(input, end);
        self.open = Some(open);
    }

    fn refuse_as_long(&mut self, input: &[u8], open: &Open, raw: Range<usize>) {
        let limit = self.reading.bytes;
        let term = self.dialect.of("transaction set", "message");
        let message = format!("the {term} {} is longer than {limit} bytes; this is a part of it", open.name);
        let offset = self.offset + raw.start as u64;
        let at = Location { offset, line: open.line, ..Location::default() };
        let error = FormatError::new(self.dialect.limit_code(), message, at)
            .hint("raise `bytes` in the options of the format if such documents are right")
            .raw(input.get(raw).unwrap_or_default(), offset);
        self.refuse(error);
    }

    fn open_transaction(&mut self, input: &[u8], place: Range<usize>) {
        self.close_open(input, None, place.start);
        let marks = Arc::clone(&self.marks);
        let segment = Segment { bytes: &input[place.clone()], marks: &marks };
        let line = self.line_at(input, place.start);
        let mut open = Open::new(Kind::Transaction, place.start, line);
        open.header = (0, (place.end - place.start) as u32);
        open.count = 1;
        (open.name, open.control) = match self.dialect {
            Dialect::X12 => (segment.text(1), segment.whole(2)),
            Dialect::Edifact => (segment.component(2, 0), segment.whole(1)),
        };
        self.open = Some(open);
        match &mut self.group {
            Some(group) => group.count += 1,
            None => self.interchange.count += 1,
        }
    }

    fn end_transaction(&mut self, input: &[u8], place: Range<usize>, next: usize) {
        if self.open.as_ref().is_some_and(|open| open.kind == Kind::Transaction) {
            self.close_open(input, Some(place), next);
        } else {
            self.add(input, self.dialect.envelope().transaction[1], place, next);
        }
    }

    fn open_group(&mut self, input: &[u8], place: Range<usize>) {
        self.close_open(input, None, place.start);
        self.close_group(input, None, place.start);
        let marks = Arc::clone(&self.marks);
        let segment = Segment { bytes: &input[place.clone()], marks: &marks };
        let number = if self.dialect == Dialect::X12 { 6 } else { 5 };
        self.group = Some(Around {
            has_header: true,
            control: segment.whole(number),
            json: context::group(self.dialect, segment),
            version: if self.dialect == Dialect::X12 { segment.text(8) } else { String::new() },
            ..Around::default()
        });
        self.interchange.count += 1;
        let offset = self.offset as usize;
        if let Some(interchange) = self.trace.as_mut().and_then(Trace::last) {
            let header = Some(place.start + offset..place.end + offset);
            interchange.groups.push(Group { header, ..Group::default() });
        }
    }

    fn end_group(&mut self, input: &[u8], place: Range<usize>, next: usize) {
        self.close_open(input, None, place.start);
        if self.group.is_some() {
            self.close_group(input, Some(place), next);
        } else {
            self.add(input, self.dialect.envelope().group[1], place, next);
        }
    }

    fn end_interchange(&mut self, input: &[u8], place: Range<usize>, next: usize) {
        self.close_open(input, None, place.start);
        self.close_group(input, None, place.start);
        if self.interchange.has_header {
            self.close_interchange(input, Some(place), next);
        } else {
            self.add(input, self.dialect.envelope().interchange[1], place, next);
        }
    }

    /// Another interchange starts, or the input ends.
    fn close_all(&mut self, input: &[u8], end: usize) {
        self.close_open(input, None, end);
        self.close_group(input, None, end);
        if self.interchange.has_header {
            self.close_interchange(input, None, end);
        }
    }

    fn finish(&mut self, input: &[u8]) {
        self.close_all(input, input.len());
        self.state = State::Done;
    }

    /// What the trailer at `place` says that is not so.
    fn trailer_faults(
        &self,
        input: &[u8],
        level: Level,
        place: Option<&Range<usize>>,
        control: &str,
        count: u64,
    ) -> Vec<Fault> {
        let fault = |kind| Fault::new(self.dialect, level, kind);
        let Some(place) = place else {
            return vec![fault(FaultKind::NoTrailer).says("", control)];
        };
        let segment = Segment { bytes: &input[place.clone()], marks: &self.marks };
        let mut faults = Vec::new();
        let declared = segment.whole(1);
        if declared.trim().parse() != Ok(count) {
            faults.push(fault(FaultKind::Count).says(declared, count.to_string()));
        }
        let declared = segment.whole(2);
        if declared.trim() != control.trim() {
            faults.push(fault(FaultKind::Control).says(declared, control));
        }
        faults
    }

    /// Closes the open transaction set, and makes a document of it. `end` is behind it.
    fn close_open(&mut self, input: &[u8], trailer: Option<Range<usize>>, end: usize) {
        let Some(mut open) = self.open.take() else { return };
        let mut faults = Vec::new();
        match open.kind {
            Kind::Service => {}
            Kind::Outside => faults.push(Fault::new(self.dialect, Level::Interchange, FaultKind::Outside)),
            Kind::Transaction => {
                open.count += u64::from(trailer.is_some());
                let (control, count) = (open.control.as_str(), open.count);
                faults = self.trailer_faults(input, Level::Transaction, trailer.as_ref(), control, count);
                if !self.interchange.has_header {
                    faults.push(Fault::new(self.dialect, Level::Interchange, FaultKind::NoHeader));
                }
            }
        }
        let mut end = end.max(open.start);
        if trailer.is_none() {
            let trail = input[open.start..end].iter().rev().take_while(|byte| is_blank(byte)).count();
            // The terminator may itself be a line end.
            let last = open.segments.last().map_or(open.header.1, |last| last.1) as usize;
            end = (end - trail).max((open.start + last + self.marks.segment.len()).min(end));
        }
        self.trace_transaction(&open, &faults);
        self.hand_out(input, &open, faults, open.start..end);
    }

    fn trace_transaction(&mut self, open: &Open, faults: &[Fault]) {
        let start = self.offset as usize + open.start;
        let place = |(from, to): (u32, u32)| start + from as usize..start + to as usize;
        let Some(trace) = &mut self.trace else { return };
        match open.kind {
            Kind::Service | Kind::Outside => {
                if let Some(interchange) = trace.last() {
                    interchange.faults.extend(faults.iter().cloned());
                    if open.kind == Kind::Service {
                        interchange.service.extend(open.segments.iter().map(|segment| place(*segment)));
                    }
                }
            }
            Kind::Transaction => {
                if let Some(group) = trace.group() {
                    let of_itself = faults.iter().filter(|fault| fault.level == Level::Transaction);
                    group.transactions.push(Transaction {
                        kind: open.name.clone(),
                        control: open.control.clone(),
                        header: place(open.header),
                        segments: open.segments.iter().map(|segment| place(*segment)).collect(),
                        faults: of_itself.cloned().collect(),
                    });
                }
            }
        }
    }

    fn hand_out(&mut self, input: &[u8], open: &Open, faults: Vec<Fault>, raw: Range<usize>) {
        if self.trace.is_some() {
            return;
        }
        if open.is_refused {
            if !raw.is_empty() {
                self.refuse_as_long(input, open, raw);
            }
            return;
        }
        let bytes = &input[raw.clone()];
        let mut faults = faults;
        let text = match self.text(bytes, &mut faults) {
            Ok(text) => text,
            Err(at) => {
                let code = self.dialect.of("x12-encoding", "edifact-encoding");
                let error = self.error(input, code, "these bytes are not UTF-8".to_owned(), raw);
                let error = FormatError {
                    at: Box::new(Location { offset: error.at.offset + at as u64, ..*error.at }),
                    ..error
                };
                return self.refuse(error.hint("leave `encoding` out, or set it to windows-1252 or latin-1"));
            }
        };
        if self.reading.on_fault == OnFault::Refuse && !faults.is_empty() {
            let told: Vec<String> = faults.iter().map(Fault::to_string).collect();
            let error = self.error(input, self.dialect.envelope_code(), told.join("; "), raw);
            return self.refuse(error.hint("ask the sender to send it again, mended"));
        }
        let json = self.document(bytes, open, &faults, text);
        self.interchange.shown += 1;
        self.pending.push_back(Pending::Document { json, raw, line: open.line });
    }

    /// How the bytes of a transaction set become text, or how many of them are good.
    fn text(&self, bytes: &[u8], faults: &mut Vec<Fault>) -> Result<Text, usize> {
        match self.reading.encoding {
            None if std::str::from_utf8(bytes).is_ok() => Ok(Text::Utf8),
            None if self.dialect == Dialect::X12 => Ok(Text::OneByte(charset::usual())),
            None => {
                let set = &self.interchange.version;
                let known = charset::named(set);
                if known.is_none() {
                    let fault = Fault::new(self.dialect, Level::Interchange, FaultKind::Charset);
                    faults.push(fault.says(set.clone(), ""));
                }
                Ok(Text::OneByte(known.unwrap_or_else(charset::usual)))
            }
            Some(Encoding::Utf8) => match std::str::from_utf8(bytes) {
                Ok(_) => Ok(Text::Utf8),
                Err(error) => Err(error.valid_up_to()),
            },
            Some(other) => Ok(Text::OneByte(other)),
        }
    }

    fn document(&mut self, bytes: &[u8], open: &Open, faults: &[Fault], text: Text) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len() * 2 + self.interchange.json.len() + 512);
        out.push(b'{');
        match open.kind {
            Kind::Transaction => {
                let header = bytes.get(open.header.0 as usize..open.header.1 as usize).unwrap_or_default();
                let header = Segment { bytes: header, marks: &self.marks };
                let version = self.group.as_ref().map_or("", |group| &group.version);
                context::transaction(&mut out, self.dialect, header, version);
            }
            Kind::Service => out.extend_from_slice(b"\"type\":\"TA1\""),
            Kind::Outside => out.extend_from_slice(b"\"type\":null"),
        }
        if let Text::OneByte(encoding) = text {
            let name = charset::name(encoding);
            out.extend_from_slice(format!(",\"encoding\":\"{name}\"").as_bytes());
        }
        if self.interchange.has_header {
            out.extend_from_slice(b",\"interchange\":");
            out.extend_from_slice(&self.interchange.json);
        }
        if let Some(group) = &self.group {
            out.extend_from_slice(b",\"group\":");
            out.extend_from_slice(&group.json);
        }
        if !faults.is_empty() {
            out.extend_from_slice(b",\"faults\":");
            context::write_faults(&mut out, faults);
        }
        out.extend_from_slice(b",\"body\":");
        let source = Source {
            bytes,
            segments: &open.segments,
            marks: &self.marks,
            text,
            always_composite: self.dialect == Dialect::Edifact,
        };
        let name = if open.kind == Kind::Service { "TA1" } else { &open.name };
        let definition = if self.reading.loops { loops::definition(self.dialect, name) } else { None };
        self.tree.write(&mut out, source, definition);
        out.push(b'}');
        out
    }

    fn close_group(&mut self, input: &[u8], trailer: Option<Range<usize>>, end: usize) {
        let Some(group) = self.group.take() else { return };
        let faults = self.trailer_faults(input, Level::Group, trailer.as_ref(), &group.control, group.count);
        if let Some(group) = self.trace.as_mut().and_then(Trace::group) {
            if let Some(place) = &trailer {
                group.declared = Segment { bytes: &input[place.clone()], marks: &self.marks }.text(1);
            }
            group.faults.extend(faults.iter().cloned());
        }
        self.tell(input, &faults, trailer.map_or(end..end, |place| place.start..end));
    }

    fn close_interchange(&mut self, input: &[u8], trailer: Option<Range<usize>>, end: usize) {
        let interchange = std::mem::take(&mut self.interchange);
        let faults = self.trailer_faults(
            input,
            Level::Interchange,
            trailer.as_ref(),
            &interchange.control,
            interchange.count,
        );
        if let Some(last) = self.trace.as_mut().and_then(Trace::last) {
            last.faults.extend(faults.iter().cloned());
        }
        let raw = trailer.map_or(end..end, |place| place.start..end);
        let was_shown = interchange.shown > 0 || !faults.is_empty();
        self.tell(input, &faults, raw.clone());
        if !was_shown {
            let code = self.dialect.of("x12-empty", "edifact-empty");
            let term = self.dialect.of("transaction set", "message");
            let message = format!("the interchange {} holds no {term}", interchange.control);
            let error = self.error(input, code, message, raw);
            self.refuse(error.hint("nothing is lost if the sender meant to send nothing"));
        }
        self.state = State::Seeking;
    }

    /// Tells what is wrong with a trailer, or that there is none.
    fn tell(&mut self, input: &[u8], faults: &[Fault], raw: Range<usize>) {
        if faults.is_empty() {
            return;
        }
        let told: Vec<String> = faults.iter().map(Fault::to_string).collect();
        let error = self.error(input, self.dialect.envelope_code(), told.join("; "), raw);
        let hint = "what is inside was read; an acknowledgement tells the sender";
        self.refuse(error.hint(hint));
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
