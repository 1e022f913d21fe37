//! Opens and closes the levels of the envelope, and holds their trailers to what there is.

use std::ops::Range;
use std::sync::Arc;

use super::{Around, EdiCutter, Kind, Open, State, TA1, is_blank};
use crate::document::Location;
use crate::edi::context;
use crate::edi::dialect::{Dialect, Fault, FaultKind, Level};
use crate::edi::received::{Group, Trace, Transaction};
use crate::edi::segment::{Segment, Tag};
use crate::error::FormatError;

impl EdiCutter {
    /// Takes the segment from the position to `end`; `next` is behind its terminator.
    pub(super) fn take(&mut self, input: &[u8], end: usize, next: usize) {
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
    pub(super) fn add(&mut self, input: &[u8], tag: Tag, place: Range<usize>, next: usize) {
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
    pub(super) fn refuse_long(&mut self, input: &[u8], end: usize) {
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
    pub(super) fn refuse_part(&mut self, input: &[u8], raw: Range<usize>) {
        let Some(mut open) = self.open.take() else { return };
        let end = raw.end;
        self.refuse_as_long(input, &open, raw);
        open.is_refused = true;
        open.segments.clear();
        open.start = end;
        open.line = self.line_at(input, end);
        self.open = Some(open);
    }

    pub(super) fn refuse_as_long(&mut self, input: &[u8], open: &Open, raw: Range<usize>) {
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

    pub(super) fn open_transaction(&mut self, input: &[u8], place: Range<usize>) {
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

    pub(super) fn end_transaction(&mut self, input: &[u8], place: Range<usize>, next: usize) {
        if self.open.as_ref().is_some_and(|open| open.kind == Kind::Transaction) {
            self.close_open(input, Some(&place), next);
        } else {
            self.add(input, self.dialect.envelope().transaction[1], place, next);
        }
    }

    pub(super) fn open_group(&mut self, input: &[u8], place: Range<usize>) {
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

    pub(super) fn end_group(&mut self, input: &[u8], place: Range<usize>, next: usize) {
        self.close_open(input, None, place.start);
        if self.group.is_some() {
            self.close_group(input, Some(&place), next);
        } else {
            self.add(input, self.dialect.envelope().group[1], place, next);
        }
    }

    pub(super) fn end_interchange(&mut self, input: &[u8], place: Range<usize>, next: usize) {
        self.close_open(input, None, place.start);
        self.close_group(input, None, place.start);
        if self.interchange.has_header {
            self.close_interchange(input, Some(&place), next);
        } else {
            self.add(input, self.dialect.envelope().interchange[1], place, next);
        }
    }

    /// Another interchange starts, or the input ends.
    pub(super) fn close_all(&mut self, input: &[u8], end: usize) {
        self.close_open(input, None, end);
        self.close_group(input, None, end);
        if self.interchange.has_header {
            self.close_interchange(input, None, end);
        }
    }

    pub(super) fn finish(&mut self, input: &[u8]) {
        self.close_all(input, input.len());
        self.state = State::Done;
    }

    /// What the trailer at `place` says that is not so.
    pub(super) fn trailer_faults(
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
    pub(super) fn close_open(&mut self, input: &[u8], trailer: Option<&Range<usize>>, end: usize) {
        let Some(mut open) = self.open.take() else { return };
        let mut faults = Vec::new();
        match open.kind {
            Kind::Service => {}
            Kind::Outside => faults.push(Fault::new(self.dialect, Level::Interchange, FaultKind::Outside)),
            Kind::Transaction => {
                open.count += u64::from(trailer.is_some());
                let (control, count) = (open.control.as_str(), open.count);
                faults = self.trailer_faults(input, Level::Transaction, trailer, control, count);
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

    pub(super) fn trace_transaction(&mut self, open: &Open, faults: &[Fault]) {
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

    pub(super) fn close_group(&mut self, input: &[u8], trailer: Option<&Range<usize>>, end: usize) {
        let Some(group) = self.group.take() else { return };
        let faults = self.trailer_faults(input, Level::Group, trailer, &group.control, group.count);
        if let Some(group) = self.trace.as_mut().and_then(Trace::group) {
            if let Some(place) = trailer {
                group.declared = Segment { bytes: &input[place.clone()], marks: &self.marks }.text(1);
            }
            group.faults.extend(faults.iter().cloned());
        }
        self.tell(input, &faults, trailer.map_or(end..end, |place| place.start..end));
    }

    pub(super) fn close_interchange(&mut self, input: &[u8], trailer: Option<&Range<usize>>, end: usize) {
        let interchange = std::mem::take(&mut self.interchange);
        let faults =
            self.trailer_faults(input, Level::Interchange, trailer, &interchange.control, interchange.count);
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
    pub(super) fn tell(&mut self, input: &[u8], faults: &[Fault], raw: Range<usize>) {
        if faults.is_empty() {
            return;
        }
        let told: Vec<String> = faults.iter().map(Fault::to_string).collect();
        let error = self.error(input, self.dialect.envelope_code(), told.join("; "), raw);
        let hint = "what is inside was read; an acknowledgement tells the sender";
        self.refuse(error.hint(hint));
    }
}
