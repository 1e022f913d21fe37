//! Writes documents in a format.

use lineshaft_model::json::{Limits, Value};

use crate::config::Format;
use crate::csv::CsvWriter;
use crate::document::Location;
use crate::edi::EdiWriter;
use crate::error::FormatError;
use crate::fixed_width::FixedWidthWriter;
use crate::idoc::IdocWriter;
use crate::odata::BatchWriter;
use crate::xml::XmlWriter;

/// Writes documents one after the other, so that an export of any length takes little memory.
#[derive(Debug)]
pub struct Encoder {
    writer: Writer,
    /// Documents written.
    count: u64,
}

#[derive(Debug)]
enum Writer {
    /// One document, or an array of all.
    Json {
        is_array: bool,
    },
    Ndjson,
    Csv(Box<CsvWriter>),
    Xml(XmlWriter),
    Edi(Box<EdiWriter>),
    FixedWidth(Box<FixedWidthWriter>),
    Idoc(Box<IdocWriter>),
    Batch(BatchWriter),
}

/// Writes all documents.
///
/// # Errors
/// When a document is no JSON, or the format cannot hold it.
pub fn encode<'a>(
    format: &Format,
    documents: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<u8>, FormatError> {
    let mut encoder = Encoder::new(format);
    let mut out = Vec::new();
    for document in documents {
        encoder.document(document, &mut out)?;
    }
    encoder.finish(&mut out)?;
    Ok(out)
}

impl Encoder {
    /// An encoder that has written nothing yet. JSON writes one document, or with `split` an array of all; XML one
    /// document, or with `root` all inside that element.
    pub fn new(format: &Format) -> Self {
        let writer = match format {
            Format::Json(options) => Writer::Json { is_array: !options.split.is_empty() },
            Format::Ndjson(_) => Writer::Ndjson,
            Format::Csv(options) => Writer::Csv(Box::new(CsvWriter::new(options))),
            Format::Xml(options) => Writer::Xml(XmlWriter::new(options)),
            Format::X12(options) => Writer::Edi(Box::new(EdiWriter::x12(options))),
            Format::Edifact(options) => Writer::Edi(Box::new(EdiWriter::edifact(options))),
            Format::Odata(options) if options.batch => Writer::Batch(BatchWriter::default()),
            Format::Odata(_) => Writer::Json { is_array: false },
            Format::Idoc(options) => Writer::Idoc(Box::new(IdocWriter::new(options))),
            Format::FixedWidth(options) => Writer::FixedWidth(Box::new(FixedWidthWriter::new(options))),
        };
        Self { writer, count: 0 }
    }

    /// Appends a document, given as JSON text.
    ///
    /// # Errors
    /// When it is no JSON, or the format cannot hold it. Nothing of it is written then, and others may follow.
    pub fn document(&mut self, json: &[u8], out: &mut Vec<u8>) -> Result<(), FormatError> {
        let limits =
            Limits { bytes: usize::MAX, values: usize::MAX, depth: Limits::DEEPEST, ..Limits::DEFAULT };
        let value = Value::parse(json, &limits).map_err(|error| FormatError::json(&error, 0, 1))?;
        let length = out.len();
        let result = self.write(&value, out);
        match &result {
            Ok(()) => self.count += 1,
            Err(_) => out.truncate(length),
        }
        result
    }

    fn write(&mut self, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), FormatError> {
        match &mut self.writer {
            Writer::Json { is_array: false } if self.count > 0 => {
                let at = Location { line: 1, ..Location::default() };
                return Err(FormatError::new(
                    "json-encode",
                    "a JSON text is one document, and this is the second",
                    at,
                )
                .hint("use ndjson, or `split: /*` for an array of all"));
            }
            Writer::Json { is_array } => {
                if *is_array {
                    out.push(if self.count == 0 { b'[' } else { b',' });
                }
                value.write_to(out);
            }
            Writer::Ndjson => {
                value.write_to(out);
                out.push(b'\n');
            }
            Writer::Csv(writer) => writer.document(value, out)?,
            Writer::Xml(writer) => writer.document(value, self.count == 0, out)?,
            Writer::Edi(writer) => writer.document(value, out)?,
            Writer::FixedWidth(writer) => writer.document(value, out)?,
            Writer::Idoc(writer) => writer.document(value, out)?,
            Writer::Batch(writer) => writer.document(value, out)?,
        }
        Ok(())
    }

    /// Appends what closes the text.
    ///
    /// # Errors
    /// When no document was written and the format cannot be empty.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), FormatError> {
        match &mut self.writer {
            Writer::Json { is_array: true } => {
                out.extend_from_slice(if self.count == 0 { b"[]" } else { b"]" });
                Ok(())
            }
            Writer::Json { is_array: false } if self.count == 0 => {
                let at = Location { line: 1, ..Location::default() };
                Err(FormatError::new("json-encode", "there is no document to write", at))
            }
            Writer::Json { .. } | Writer::Ndjson | Writer::Csv(_) | Writer::FixedWidth(_) => Ok(()),
            Writer::Xml(writer) => writer.finish(self.count == 0, out),
            Writer::Edi(writer) => writer.finish(out),
            Writer::Idoc(writer) => writer.finish(out),
            Writer::Batch(writer) => writer.finish(out),
        }
    }
}
