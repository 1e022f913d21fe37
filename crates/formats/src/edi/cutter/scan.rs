//! Finds the heads of interchanges, and the segments behind them.

use std::sync::Arc;

use super::{Around, BYTE_ORDER_MARK, EdiCutter, Flow, State, is_filler};
use crate::edi::context;
use crate::edi::delimiters::Delimiters;
use crate::edi::dialect::{Dialect, Fault, FaultKind, Level};
use crate::edi::head::{Head, Measure, measure};
use crate::edi::received::Interchange;
use crate::edi::segment::Segment;

impl EdiCutter {
    /// Between interchanges: finds the next one.
    pub(super) fn seek(&mut self, input: &[u8], at_end: bool) -> Flow {
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
    pub(super) fn pass_over(&mut self, input: &[u8], at_end: bool) -> Flow {
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
    pub(super) fn begin(&mut self, input: &[u8], head: Head) {
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
    pub(super) fn step(&mut self, input: &[u8], at_end: bool) -> Flow {
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
    pub(super) fn is_head(&self, rest: &[u8], at_end: bool) -> Option<bool> {
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
    pub(super) fn name_interchange(&mut self, gap: &[u8]) {
        let Some((header, una)) = self.interchange.header.take() else { return };
        // What ISA11 and ISA16 hold are the delimiters themselves.
        let bare = Delimiters::new(self.marks.element, None, None, None, self.marks.segment);
        let marks = if self.dialect == Dialect::X12 { &bare } else { &*self.marks };
        let header = self.interchange.has_header.then_some(Segment { bytes: &header, marks });
        let faults = &self.interchange.faults;
        self.interchange.json =
            context::interchange(self.dialect, header, &self.marks, una.as_deref(), gap, faults);
    }
}
