//! Documents and broken parts of one input while it is put together.

use std::ops::Range;

use bytes::Bytes;
use lineshaft_formats::{Format, FormatError};
use lineshaft_model::Reasons;
use lineshaft_ports::Input;
use lineshaft_ports::source::{Broken, Cut};
use sha2::{Digest, Sha256};

/// A batch is full at this many items or bytes: large enough that one durable write serves many, small enough that a
/// handful of sources fit into memory.
const MOST_ITEMS: usize = 512;
const MOST_BYTES: usize = 1 << 20;

/// What a source hands over at once.
#[derive(Debug, Default)]
pub struct Batch {
    raw: Vec<u8>,
    json: Vec<u8>,
    good: Vec<Piece>,
    broken: Vec<Broken>,
}

#[derive(Debug)]
struct Piece {
    raw: Range<usize>,
    json: Range<usize>,
    origin: String,
    identity: String,
}

impl Batch {
    /// Adds a document: the bytes it was made from, its JSON text, where it stood and its identity.
    pub fn push(&mut self, raw: &[u8], json: &[u8], origin: String, identity: String) {
        let (raw, json) = (append(&mut self.raw, raw), append(&mut self.json, json));
        self.good.push(Piece { raw, json, origin, identity });
    }

    /// Adds a part that could not be read.
    pub fn push_broken(&mut self, raw: &[u8], origin: String, reasons: Reasons) {
        let raw = append(&mut self.raw, raw);
        self.broken.push(Broken { raw, origin, reasons });
    }

    /// Adds what a format could not read.
    pub fn push_error(&mut self, origin: &str, error: FormatError) {
        let raw = append(&mut self.raw, &error.raw);
        let origin =
            if origin.is_empty() { error.at.to_string() } else { format!("{origin} line {}", error.at.line) };
        self.broken.push(Broken { raw, origin, reasons: vec![error.into()] });
    }

    /// Whether it should be handed over before more is added.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.good.len() + self.broken.len() >= MOST_ITEMS
            || self.raw.len() >= MOST_BYTES
            || self.json.len() >= MOST_BYTES
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.good.is_empty() && self.broken.is_empty()
    }

    /// The input with everything in it, and how far the source will have read then.
    #[must_use]
    pub fn into_input(self, format: &Format, origin: &str, resume: Option<(String, String)>) -> Input {
        let json = Bytes::from(self.json);
        let documents = self.good.into_iter().map(|piece| Cut {
            json: json.slice(piece.json),
            raw: piece.raw,
            origin: piece.origin,
            identity: piece.identity,
        });
        Input {
            documents: documents.collect(),
            bytes: Bytes::from(self.raw),
            content_type: format.media_type().to_owned(),
            origin: origin.to_owned(),
            broken: self.broken,
            resume,
            ..Input::default()
        }
    }
}

/// An identity of a document's content: the same text has the same.
#[must_use]
pub fn content_identity(json: &[u8]) -> String {
    hex::encode(&Sha256::digest(json)[..16])
}

fn append(whole: &mut Vec<u8>, part: &[u8]) -> Range<usize> {
    let start = whole.len();
    whole.extend_from_slice(part);
    start..whole.len()
}
