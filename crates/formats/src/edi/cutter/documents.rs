//! Makes documents of transaction sets that are closed.

use std::ops::Range;

use super::{EdiCutter, Kind, Open, Pending};
use crate::document::Location;
use crate::edi::charset;
use crate::edi::context;
use crate::edi::dialect::{Dialect, Fault, FaultKind, Level};
use crate::edi::loops;
use crate::edi::options::OnFault;
use crate::edi::segment::{Segment, Text};
use crate::edi::tree::Source;
use crate::encoding::Encoding;
use crate::error::FormatError;

impl EdiCutter {
    pub(super) fn hand_out(&mut self, input: &[u8], open: &Open, faults: Vec<Fault>, raw: Range<usize>) {
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
    pub(super) fn text(&self, bytes: &[u8], faults: &mut Vec<Fault>) -> Result<Text, usize> {
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

    pub(super) fn document(&mut self, bytes: &[u8], open: &Open, faults: &[Fault], text: Text) -> Vec<u8> {
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
            let name = encoding.name();
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
}
