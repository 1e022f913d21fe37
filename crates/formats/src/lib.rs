//! Wire formats to JSON documents and back, with positions in every error.
//!
//! Whatever a system sends, the rest of the hub sees JSON text. A [`Format`] says how to read it; [`decode`] and
//! [`Decoder`] cut an input into [`Document`]s, and a part that cannot be read is a [`FormatError`] with its place and its
//! bytes while the parts around it go on. [`Encoder`] writes documents back.
//!
//! A value that a format does not type is a JSON string: nothing here guesses that `0815` is a number.
//!
//! This crate knows nothing of files, connections or what a document means.

mod blocks;
mod config;
mod csv;
mod decoder;
mod document;
pub mod edi;
mod encode;
mod encoding;
mod error;
mod fixed_width;
mod idoc;
mod json;
mod members;
mod ndjson;
mod odata;
mod records;
mod size;
mod whole;
mod xml;

#[cfg(test)]
mod tests;

pub use config::Format;
pub use csv::{CsvOptions, EmptyField, Mark};
pub use decoder::{Decoder, Documents, Reader, decode};
pub use document::{Document, Location};
pub use edi::{EdifactOptions, X12Options};
pub use encode::{Encoder, encode};
pub use encoding::{CodePage, Encoding};
pub use error::FormatError;
pub use fixed_width::{
    Align, Field, FixedWidthOptions, LineBreak, Named, Notation, RecordLayout, Sign, Trim,
};
pub use idoc::{IdocForm, IdocLayout, IdocOptions};
pub use json::JsonOptions;
pub use ndjson::NdjsonOptions;
pub use odata::OdataOptions;
pub use size::Size;
pub use xml::{Doctype, Vocabulary, VocabularyOptions, XmlNames, XmlOptions};
