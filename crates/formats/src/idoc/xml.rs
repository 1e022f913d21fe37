//! IDocs as XML: `<ORDERS05><IDOC BEGIN="1"><EDI_DC40 SEGMENT="1">...`.

use std::borrow::Cow;

use lineshaft_model::json::Value;

use super::IdocOptions;
use super::records::CONTROL;
use super::tree::Fields;
use crate::document::Location;
use crate::error::FormatError;
use crate::whole::Piece;
use crate::xml::{Doctype, XmlOptions, shaped};

/// The element that is a document, wherever it stands.
const IDOC: &str = "IDOC";

/// The IDocs of an input.
pub(super) fn pieces(options: &IdocOptions, input: &[u8]) -> Result<Vec<Piece>, FormatError> {
    let options = XmlOptions {
        split: Some(IDOC.to_owned()),
        doctype: Doctype::Skip,
        bytes: options.bytes,
        ..XmlOptions::default()
    };
    let pieces = shaped(&options, input, shape)?;
    if pieces.is_empty() {
        let at = Location { line: 1, ..Location::default() };
        return Err(FormatError::new("idoc-missing", "there is no IDOC element in the document", at)
            .hint("is it an answer or an error page, and not an IDoc?"));
    }
    Ok(pieces)
}

/// The document of an `IDOC` element.
fn shape(document: Value<'static>) -> Value<'static> {
    let Value::Object(mut members) = document else { return document };
    match members.pop() {
        Some((_, Value::Object(inside))) => Value::Object(segments(inside, true)),
        _ => Value::Object(Vec::new()),
    }
}

/// Fields stay, but for empty ones; segments become arrays, whether they come once or more.
fn segments(members: Fields, is_top: bool) -> Fields {
    let mut shaped = Vec::with_capacity(members.len());
    for (name, value) in members {
        if name.starts_with('@') {
            continue;
        }
        // Text between the fields belongs nowhere; it is kept.
        let name = if name == "#text" { Cow::Borrowed("SDATA") } else { name };
        match value {
            Value::Object(inside) if name == CONTROL => {
                shaped.push((name, Value::Object(segments(inside, false))));
            }
            Value::Array(values) => {
                // Fields come once; what comes again is a segment.
                shaped.push((name, Value::Array(values.into_iter().map(segment).collect())));
            }
            Value::Object(_) => shaped.push((name, Value::Array(vec![segment(value)]))),
            Value::String(text) => {
                let text = trimmed(text);
                if is_top {
                    shaped.push((name, Value::Array(vec![segment(Value::String(text))])));
                } else if !text.is_empty() {
                    shaped.push((name, Value::String(text)));
                }
            }
            _ => {}
        }
    }
    shaped
}

fn segment(value: Value<'static>) -> Value<'static> {
    match value {
        Value::Object(inside) => Value::Object(segments(inside, false)),
        // A segment without attributes and with nothing in it, or a text where none belongs: it is kept.
        Value::String(text) if !trimmed(text.clone()).is_empty() => {
            Value::Object(vec![(Cow::Borrowed("SDATA"), Value::String(text))])
        }
        _ => Value::Object(Vec::new()),
    }
}

/// Blanks at the end say nothing: flat files are filled up with them.
fn trimmed(text: Cow<'static, str>) -> Cow<'static, str> {
    let length = text.trim_end_matches([' ', '\n', '\r', '\t']).len();
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..length]),
        Cow::Owned(mut text) => {
            text.truncate(length);
            Cow::Owned(text)
        }
    }
}
