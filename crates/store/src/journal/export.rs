//! The journal as lines of JSON, for people and other programs.

use std::io::{self, Write};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lineshaft_model::Position;
use lineshaft_model::record::RecordKind;
use lineshaft_ports::journal::{ReadError, Record};
use serde::Serialize;
use serde_json::value::RawValue;

use super::disk::Disk;
use super::error::JournalError;
use super::look::read_only;

/// Turns the payload of a record into JSON, for the kinds it knows.
pub type Render<'a> = &'a dyn Fn(&Record) -> Option<Box<RawValue>>;

/// An export ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The journal cannot be looked at.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A record cannot be read; all before it are written.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The lines cannot be written.
    #[error("the export cannot be written")]
    Write(#[source] io::Error),
}

/// One line.
#[derive(Serialize)]
struct Line<'a> {
    position: u64,
    written: String,
    kind: &'a str,
    version: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_base64: Option<String>,
}

/// Writes the records from `from` to `to`, both included, as one JSON object a line; returns how many. Zero as `from`
/// means the first record, `None` as `to` the last.
///
/// A line has `position`, `written` (RFC 3339), `kind` (its word, or its number when unknown), `version`, and `payload`
/// when `render` gives JSON or the payload is JSON, or else `payload_base64`. Works while another process appends.
pub fn export(
    disk: impl Disk + 'static,
    dir: impl AsRef<Path>,
    from: Position,
    to: Option<Position>,
    render: Render<'_>,
    out: &mut dyn Write,
) -> Result<u64, ExportError> {
    let mut count = 0;
    for record in read_only(disk, dir)?.read_from(from)? {
        let record = record?;
        if to.is_some_and(|to| record.position > to) {
            break;
        }
        write_line(&record, render, out).map_err(ExportError::Write)?;
        count += 1;
    }
    out.flush().map_err(ExportError::Write)?;
    Ok(count)
}

fn write_line(record: &Record, render: Render<'_>, out: &mut dyn Write) -> io::Result<()> {
    let rendered = render(record).and_then(on_one_line).or_else(|| as_json(&record.payload));
    let number = record.kind.to_string();
    let line = Line {
        position: record.position.0,
        written: record.written.to_string(),
        kind: RecordKind::from_byte(record.kind).map_or(&number, |kind| kind.as_str()),
        version: record.version,
        payload: rendered.as_deref(),
        payload_base64: rendered.is_none().then(|| STANDARD.encode(&record.payload)),
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}

/// The payload as it is, if it is JSON.
fn as_json(payload: &[u8]) -> Option<Box<RawValue>> {
    serde_json::from_slice::<&RawValue>(payload).ok().map(RawValue::to_owned).and_then(on_one_line)
}

/// The same value without line breaks. In JSON a bare one stands only between tokens, where a blank means the same.
fn on_one_line(value: Box<RawValue>) -> Option<Box<RawValue>> {
    if value.get().contains(['\n', '\r']) {
        return RawValue::from_string(value.get().replace(['\n', '\r'], " ")).ok();
    }
    Some(value)
}
