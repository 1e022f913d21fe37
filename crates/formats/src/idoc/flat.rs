//! Flat IDocs: a control record of 524 characters, data records of 63 characters and the segment's fields.
//!
//! Records may have lost the blanks at their end. What belongs under what is told by the numbers in the records (PSGNUM), where these are
//! missing by the layout, and without one by the levels (HLEVEL).

use std::borrow::Cow;

use lineshaft_model::json::Value;

use super::IdocOptions;
use super::layout::{IdocLayout, type_of};
use super::records::{CONTROL, CONTROL_FIELDS, DATA_LENGTH, KEY, KEY_LENGTH, STATUS, STATUS_FIELDS};
use super::tree::{self, Fields, Segment};
use crate::blocks::{Grammar, Place};
use crate::document::Location;
use crate::encoding::Encoding;
use crate::error::FormatError;

pub(super) struct Flat {
    layout: IdocLayout,
    encoding: Encoding,
    /// `EDI_D` and the two record types in the encoding of the file.
    tables: Tables,
    control: Fields,
    segments: Vec<Segment>,
    /// The document is a status record.
    is_status: bool,
}

struct Tables {
    any: Vec<u8>,
    control: Vec<u8>,
    status: Vec<u8>,
    blank: u8,
}

/// A record as text, for reading by characters.
struct Text<'a> {
    text: Cow<'a, str>,
    is_ascii: bool,
}

impl Text<'_> {
    /// The next `length` characters from byte `at` on, less where the record ends.
    fn take(&self, at: &mut usize, length: usize) -> &str {
        let rest = self.text.get(*at..).unwrap_or_default();
        let bytes = match self.is_ascii {
            true => length.min(rest.len()),
            false => rest.char_indices().nth(length).map_or(rest.len(), |(at, _)| at),
        };
        *at += bytes;
        &rest[..bytes]
    }
}

impl Flat {
    pub(super) fn new(options: &IdocOptions) -> Self {
        let encoded = |text: &str| text.bytes().map(|byte| options.encoding.byte(byte)).collect();
        Self {
            layout: options.layout.clone(),
            encoding: options.encoding,
            tables: Tables {
                any: encoded("EDI_D"),
                control: encoded(CONTROL),
                status: encoded(STATUS),
                blank: options.encoding.byte(b' '),
            },
            control: Vec::new(),
            segments: Vec::new(),
            is_status: false,
        }
    }

    fn text<'a>(&self, record: &'a [u8], at: &Location) -> Result<Text<'a>, FormatError> {
        let text = self.encoding.decode(record).map_err(|good| {
            let column = 1 + self.encoding.decode(&record[..good]).map_or(good, |text| text.chars().count()) as u64;
            let byte = record.get(good).copied().unwrap_or_default();
            let message = format!("the byte {byte:#04X} is no character of {}", self.encoding.name());
            let at = Location { offset: at.offset + good as u64, column, ..at.clone() };
            FormatError::new("idoc-encoding", message, at)
                .hint("set `encoding` in the options of the format; Unicode systems write utf-8, others often latin-1")
        })?;
        Ok(Text { is_ascii: text.is_ascii(), text })
    }

    fn segment(&self, text: &Text<'_>, at: &Location) -> Result<Segment, FormatError> {
        let mut next = 0;
        let [definition, _, _, number, above, level] =
            KEY.map(|length| text.take(&mut next, length).trim().to_owned());
        if definition.is_empty() || number.is_empty() && next >= text.text.len() {
            let message = format!(
                "the record is shorter than the {KEY_LENGTH} characters in front of a segment's data"
            );
            return Err(FormatError::new("idoc-record", message, at.clone()).hint(
                "a data record begins with the name, client, number, segment, segment above and level",
            ));
        }
        let layout = self.layout.of_record(&definition);
        let name = layout.map_or_else(|| type_of(&definition), |layout| layout.name.clone());
        let mut fields = Vec::new();
        let rest = match layout {
            Some(layout) => {
                read(
                    text,
                    &mut next,
                    layout.fields.iter().map(|(name, length)| (name.as_str(), *length)),
                    &mut fields,
                );
                "@REST"
            }
            None => {
                push(&mut fields, "@SEGNAM", &definition);
                "SDATA"
            }
        };
        let tail = text.text.get(next..).unwrap_or_default();
        if tail.trim_end_matches(' ').chars().count() > DATA_LENGTH {
            let message = format!("the record has more than the {DATA_LENGTH} characters of a segment");
            return Err(FormatError::new("idoc-record", message, at.clone())
                .hint("is there no line end between two records?"));
        }
        push(&mut fields, rest, tail);
        let level = level.parse().unwrap_or_default();
        Ok(Segment { name, number, above, level, fields, line: at.line })
    }
}

/// Reads fields one after the other.
fn read<'n>(
    text: &Text<'_>,
    next: &mut usize,
    fields: impl Iterator<Item = (&'n str, usize)>,
    out: &mut Fields,
) {
    for (name, length) in fields {
        push(out, name, text.take(next, length));
    }
}

/// Adds a field, unless it is empty.
fn push(out: &mut Fields, name: &str, value: &str) {
    let value = value.trim_end_matches([' ', '\0']);
    if !value.is_empty() {
        out.push((Cow::Owned(name.to_owned()), Value::String(Cow::Owned(value.to_owned()))));
    }
}

impl Grammar for Flat {
    fn place(&self, record: &[u8], at: &Location, is_open: bool) -> Result<Place, FormatError> {
        if record.iter().all(|byte| *byte == self.tables.blank || *byte == 0 || *byte == 0x1A) {
            return Ok(Place::Passed);
        }
        if record.starts_with(&self.tables.control) {
            return Ok(Place::Opens);
        }
        if record.starts_with(&self.tables.status) {
            return Ok(Place::Alone);
        }
        if record.starts_with(&self.tables.any) {
            let message = "the control record is not EDI_DC40, which this reads";
            return Err(FormatError::new("idoc-record", message, at.clone())
                .hint("set the version of the port in SAP to 3 (IDoc record types SAP release 4.x)"));
        }
        if is_open {
            return Ok(Place::Joins);
        }
        Err(FormatError::new(
            "idoc-record",
            "the IDoc does not begin with its control record EDI_DC40",
            at.clone(),
        )
        .hint("is it a flat IDoc, and whole? In EBCDIC or UTF-16 set `encoding`, or convert it"))
    }

    fn add(&mut self, record: &[u8], at: &Location) -> Result<(), FormatError> {
        let text = self.text(record, at)?;
        self.is_status = record.starts_with(&self.tables.status);
        let own = match self.is_status {
            true => Some(STATUS_FIELDS),
            false => record.starts_with(&self.tables.control).then_some(CONTROL_FIELDS),
        };
        if let Some(own) = own {
            let mut next = 0;
            read(&text, &mut next, own.iter().copied(), &mut self.control);
            push(&mut self.control, "@REST", text.text.get(next..).unwrap_or_default());
            return Ok(());
        }
        let segment = self.segment(&text, at)?;
        self.segments.push(segment);
        Ok(())
    }

    fn finish(&mut self, _: u64) -> Result<Vec<u8>, FormatError> {
        let control = std::mem::take(&mut self.control);
        let segments = std::mem::take(&mut self.segments);
        if self.is_status {
            let name = Cow::Borrowed(STATUS);
            return Ok(Value::Object(vec![(name, Value::Object(control))]).to_vec());
        }
        match tree::build(control, segments, &self.layout) {
            Ok(document) => Ok(document.to_vec()),
            Err(fault) => {
                let at = Location { line: fault.line, ..Location::default() };
                Err(FormatError::new("idoc-hierarchy", fault.message, at)
                    .hint("PSGNUM names a segment before it, or is left blank in the whole IDoc"))
            }
        }
    }

    fn discard(&mut self) {
        self.control.clear();
        self.segments.clear();
    }
}
