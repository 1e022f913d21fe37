//! Fixed width: records whose fields stand at places, as mainframes and older systems write them.
//!
//! The layout is declared: record types by a tag, fields by length or by start and length, records under others. A
//! document is a record with those under it. Values are strings; an implied decimal point is put in, never a number made.

mod encode;
mod field;
mod options;

#[cfg(test)]
mod tests;

pub(crate) use encode::FixedWidthWriter;
pub use options::{Align, Field, FixedWidthOptions, LineBreak, Named, Notation, RecordLayout, Sign, Trim};

use std::collections::HashMap;

use lineshaft_model::json::write_string;

use crate::blocks::{Blocks, Grammar, Place, Rules};
use crate::csv::EmptyField;
use crate::document::Location;
use crate::encoding::Encoding;
use crate::error::FormatError;
use crate::records::Records;
use field::Cells;
use options::Span;

/// The layout, made ready for reading and writing.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) encoding: Encoding,
    pub(crate) empty: EmptyField,
    /// Where the type of a record stands.
    tag: Option<Span>,
    /// Whether documents carry the name of their record type.
    is_named: bool,
    records: Vec<Kind>,
    by_tag: HashMap<Vec<u8>, usize>,
}

/// A record type.
#[derive(Debug)]
struct Kind {
    name: String,
    /// In the encoding of the file.
    tag: Vec<u8>,
    under: Option<usize>,
    /// There are record types under it.
    has_others: bool,
    fields: Vec<PlacedField>,
    /// Characters up to the end of its last field.
    length: usize,
}

#[derive(Debug)]
struct PlacedField {
    name: String,
    /// `"name":`
    key: Vec<u8>,
    span: Span,
    field: Field,
}

/// Makes the decoder.
pub(crate) fn cutter(options: &FixedWidthOptions) -> Blocks<FixedWidth> {
    let records = match options.record_bytes {
        Some(size) => Records::Fixed(size.0.max(1)),
        None => Records::lines(options.encoding, options.line_bytes.0),
    };
    let rules = Rules {
        records,
        document_bytes: options.document_bytes.0,
        limit_code: "fixed-width-limit",
        limit_hints: [
            "raise `line_bytes` in the options of the format if such records are right",
            "raise `document_bytes` in the options of the format if such documents are right",
        ],
        is_whole: false,
        has_mark: options.encoding == Encoding::Utf8,
    };
    Blocks::new(FixedWidth { layout: Layout::new(options), open: Vec::new() }, rules)
}

impl Layout {
    /// Expects options that were checked.
    pub(crate) fn new(options: &FixedWidthOptions) -> Self {
        let tag = options.tag;
        let plain =
            [(String::new(), RecordLayout { fields: options.fields.clone(), ..RecordLayout::default() })];
        let is_named = options.fields.0.is_empty();
        let given: &[(String, RecordLayout)] = if is_named { &options.records.0 } else { &plain };
        let place = |name: &String| given.iter().position(|(known, _)| known == name);
        let records: Vec<Kind> = given
            .iter()
            .map(|(name, record)| {
                let mut bytes = Vec::new();
                // A tag that the encoding does not have was refused with the options.
                let _ = options.encoding.encode(record.tag.as_deref().unwrap_or_default(), &mut bytes);
                let fields: Vec<PlacedField> = (record.placed(tag).into_iter())
                    .map(|(name, span, field)| {
                        let mut key = Vec::with_capacity(name.len() + 3);
                        write_string(&mut key, name);
                        key.push(b':');
                        PlacedField { name: name.to_owned(), key, span, field: field.clone() }
                    })
                    .collect();
                let length = fields.iter().map(|field| field.span.end()).max().unwrap_or_default();
                let length = length.max(tag.map_or(0, Span::end));
                Kind {
                    name: name.clone(),
                    tag: bytes,
                    under: record.under.as_ref().and_then(place),
                    has_others: given.iter().any(|(_, other)| other.under.as_ref() == Some(name)),
                    fields,
                    length,
                }
            })
            .collect();
        let by_tag = records.iter().enumerate().map(|(at, kind)| (kind.tag.clone(), at)).collect();
        Self { encoding: options.encoding, empty: options.empty, tag, is_named, records, by_tag }
    }

    /// The type of a record.
    fn kind(&self, record: &[u8], at: &Location) -> Result<usize, FormatError> {
        let Some(span) = self.tag else { return Ok(0) };
        let slice = Cells::new(self.encoding, record).slice(span);
        let blank = self.encoding.byte(b' ');
        // A record may have lost blanks at its end, and a tag may be written with some.
        let trimmed = |bytes: &[u8]| bytes.iter().rposition(|byte| *byte != blank).map_or(0, |last| last + 1);
        let tag = &slice[..trimmed(slice)];
        if let Some(kind) = self.by_tag.get(tag) {
            return Ok(*kind);
        }
        let shown = self.encoding.decode(tag).unwrap_or_default();
        let known: Vec<&str> = self.records.iter().map(|kind| kind.name.as_str()).collect();
        let message = format!("no record of the layout has the tag {shown:?}");
        let at = Cells::new(self.encoding, record).locate(span.start, at);
        Err(FormatError::new("fixed-width-tag", message, at)
            .hint(format!("the records are {}; check `tag`, or add this one", known.join(", "))))
    }
}

/// The documents of records.
pub(crate) struct FixedWidth {
    layout: Layout,
    /// The records that another could be put under: the first is the document.
    open: Vec<Node>,
}

/// A record with what is under it.
struct Node {
    kind: usize,
    /// Its members, without braces.
    json: Vec<u8>,
    under: Vec<Node>,
}

impl FixedWidth {
    /// Puts every record under its own, down to `depth`.
    fn fold(&mut self, depth: usize) {
        while self.open.len() > depth.max(1) {
            let (Some(node), Some(parent)) = (self.open.pop(), self.open.last_mut()) else { return };
            parent.under.push(node);
        }
    }

    fn write(&self, node: &Node, refused: u64, out: &mut Vec<u8>) {
        out.push(b'{');
        out.extend_from_slice(&node.json);
        let mut is_first = node.json.is_empty();
        let mut comma = |out: &mut Vec<u8>| {
            if !std::mem::take(&mut is_first) {
                out.push(b',');
            }
        };
        for (at, kind) in self.layout.records.iter().enumerate() {
            let mut members = node.under.iter().filter(|under| under.kind == at).peekable();
            if members.peek().is_none() {
                continue;
            }
            comma(out);
            write_string(out, &kind.name);
            out.extend_from_slice(b":[");
            for (index, member) in members.enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                self.write(member, 0, out);
            }
            out.push(b']');
        }
        if refused > 0 {
            comma(out);
            out.extend_from_slice(format!("\"refused_records\":{refused}").as_bytes());
        }
        out.push(b'}');
    }
}

impl Grammar for FixedWidth {
    fn place(&self, record: &[u8], at: &Location, is_open: bool) -> Result<Place, FormatError> {
        if record.is_empty() {
            return Ok(Place::Passed);
        }
        let kind = &self.layout.records[self.layout.kind(record, at)?];
        let Some(under) = kind.under else {
            return Ok(if kind.has_others { Place::Opens } else { Place::Alone });
        };
        if is_open {
            return Ok(Place::Joins);
        }
        let message = format!(
            "there is no record `{}` that this `{}` belongs to",
            self.layout.records[under].name, kind.name
        );
        Err(FormatError::new("fixed-width-order", message, at.clone())
            .hint("it stands before its own, or that one was refused"))
    }

    fn add(&mut self, record: &[u8], at: &Location) -> Result<(), FormatError> {
        let kind = self.layout.kind(record, at)?;
        let depth = match self.layout.records[kind].under {
            None => 0,
            Some(under) => match self.open.iter().rposition(|node| node.kind == under) {
                Some(parent) => parent + 1,
                None => {
                    let names = [under, kind].map(|at| self.layout.records[at].name.as_str());
                    let message =
                        format!("there is no record `{}` that this `{}` belongs to", names[0], names[1]);
                    return Err(FormatError::new("fixed-width-order", message, at.clone())
                        .hint("it stands before its own, or that one was refused"));
                }
            },
        };
        let json = self.layout.read(kind, record, at)?;
        self.fold(depth);
        self.open.push(Node { kind, json, under: Vec::new() });
        Ok(())
    }

    fn finish(&mut self, refused: u64) -> Result<Vec<u8>, FormatError> {
        self.fold(1);
        let mut out = Vec::new();
        let Some(node) = self.open.pop() else { return Ok(b"{}".to_vec()) };
        let refused = if self.layout.records[node.kind].has_others { refused } else { 0 };
        if self.layout.is_named {
            out.push(b'{');
            write_string(&mut out, &self.layout.records[node.kind].name);
            out.push(b':');
            self.write(&node, refused, &mut out);
            out.push(b'}');
        } else {
            self.write(&node, refused, &mut out);
        }
        Ok(out)
    }

    fn discard(&mut self) {
        self.open.clear();
    }
}
