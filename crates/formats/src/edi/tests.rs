//! X12 and EDIFACT read and written: shapes, faults, delimiters of every kind, and what must hold for any bytes.
#![allow(clippy::panic, reason = "a test fails by panicking")]

mod generated;
mod shapes;

pub(crate) use generated::interchanges;

use lineshaft_model::json::{Limits, Value};

use crate::tests::{decoded, format};
use crate::{Document, FormatError, encode};

/// An ISA of the standard's width.
pub(crate) fn isa(control: &str, version: &str, eleven: char, component: char, segment: char) -> String {
    format!(
        "ISA*00*          *00*          *ZZ*ACME           *ZZ*BOLTS          *260131*0915*{eleven}*{version}*{control:0>9}*0*P*{component}{segment}"
    )
}

/// An interchange of one group around these transaction sets, each with ST and SE around it.
pub(crate) fn x12(sets: &[(&str, &str)]) -> String {
    let mut text = isa("7", "00401", 'U', '>', '~');
    text.push_str("\nGS*PO*ACME*BOLTS*20260131*0915*7*X*004010~\n");
    for (number, (set, body)) in sets.iter().enumerate() {
        let segments = body.split_terminator('~').count() + 2;
        text.push_str(&format!("ST*{set}*{:04}~\n", number + 1));
        text.push_str(&body.replace('~', "~\n"));
        text.push_str(&format!("SE*{segments}*{:04}~\n", number + 1));
    }
    text.push_str(&format!("GE*{}*7~\nIEA*1*000000007~\n", sets.len()));
    text
}

/// An interchange around these messages.
pub(crate) fn edifact(messages: &[(&str, &str)]) -> String {
    let mut text = "UNB+UNOC:3+ACME:14+BOLTS:14+260131:0915+7'\n".to_owned();
    for (number, (message, body)) in messages.iter().enumerate() {
        let segments = body.split_terminator('\'').count() + 2;
        text.push_str(&format!("UNH+{}+{message}:D:96A:UN'\n", number + 1));
        text.push_str(body);
        text.push_str(&format!("UNT+{segments}+{}'\n", number + 1));
    }
    text.push_str(&format!("UNZ+{}+7'\n", messages.len()));
    text
}

/// The documents and errors of an input, by every way of decoding.
pub(crate) fn read(yaml: &str, input: impl AsRef<[u8]>) -> Vec<Result<Document<'static>, FormatError>> {
    decoded(&format(yaml), input.as_ref())
}

/// The one document of an input.
pub(crate) fn one(yaml: &str, input: impl AsRef<[u8]>) -> Value<'static> {
    let items = read(yaml, input);
    match &items[..] {
        [Ok(document)] => parsed(&document.json),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn parsed(json: &[u8]) -> Value<'static> {
    Value::parse(json, &Limits::DEFAULT).expect("well-formed").into_owned()
}

/// The part of a value that a JSON pointer names, as text.
pub(crate) fn at(value: &Value<'_>, pointer: &str) -> String {
    let found = value.pointer(pointer).unwrap_or_else(|| panic!("nothing at {pointer}"));
    String::from_utf8(found.to_vec()).expect("text")
}

/// Each error as its code and words.
pub(crate) fn errors(items: &[Result<Document<'static>, FormatError>]) -> Vec<String> {
    items
        .iter()
        .filter_map(|item| item.as_ref().err())
        .map(|error| format!("{}: {error}", error.code))
        .collect()
}

/// Writes documents, and gives the text.
pub(crate) fn written(yaml: &str, documents: &[&str]) -> Result<String, String> {
    let out = encode(&format(yaml), documents.iter().map(|text| text.as_bytes()));
    out.map(|out| String::from_utf8(out).expect("text"))
        .map_err(|error| format!("{}: {}", error.code, error.message))
}
