//! Formats that are read whole before the first document comes out, so that a file cut in half gives nothing.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;

use crate::decoder::{Cut, Step};
use crate::document::{Document, Location};
use crate::error::{FormatError, clip};
use crate::size::Size;

/// One document of an input, by its place.
#[derive(Debug, Default)]
pub(crate) struct Piece {
    /// Its bytes in the input.
    pub(crate) raw: Range<usize>,
    /// Its JSON text; `None` when that is just what its bytes are.
    pub(crate) json: Option<Vec<u8>>,
    pub(crate) line: u64,
    pub(crate) path: String,
    /// Why it cannot be read, when the others can.
    pub(crate) failure: Option<Box<FormatError>>,
}

/// Collects the whole input, then hands its pieces out.
pub(crate) struct Whole<F> {
    limit_code: &'static str,
    limit: Size,
    read: F,
    pieces: Option<VecDeque<Piece>>,
}

impl<F: Fn(&[u8]) -> Result<Vec<Piece>, FormatError> + Send> Whole<F> {
    pub(crate) fn new(limit_code: &'static str, limit: Size, read: F) -> Self {
        Self { limit_code, limit, read, pieces: None }
    }

    fn too_long(&self, input: &[u8]) -> FormatError {
        let at = Location { line: 1, ..Location::default() };
        let message = format!("the document is longer than {} bytes", self.limit.0);
        FormatError::new(self.limit_code, message, at)
            .hint("send smaller documents, or raise `bytes` in the options of the format")
            .raw(input.get(..self.limit.0).unwrap_or(input), 0)
            .fatal()
    }
}

impl<F: Fn(&[u8]) -> Result<Vec<Piece>, FormatError> + Send> Cut for Whole<F> {
    fn next<'a>(&mut self, input: &'a [u8], at_end: bool) -> Step<'a> {
        let failed = |error: FormatError| Step::Item { used: input.len(), item: Err(error) };
        let pieces = match &mut self.pieces {
            Some(pieces) => pieces,
            None if input.len() > self.limit.0 => {
                self.pieces = Some(VecDeque::new());
                return failed(self.too_long(input));
            }
            None if !at_end => return Step::More { used: 0 },
            pieces => match (self.read)(input) {
                Ok(found) => pieces.insert(found.into()),
                Err(error) => {
                    *pieces = Some(VecDeque::new());
                    return failed(error.raw(input, 0).fatal());
                }
            },
        };
        let Some(piece) = pieces.pop_front() else {
            return Step::End;
        };
        let raw = input.get(piece.raw.clone()).unwrap_or_default();
        if let Some(failure) = piece.failure {
            return Step::Item { used: 0, item: Err(failure.raw(raw, piece.raw.start as u64)) };
        }
        let json = piece.json.map_or(Cow::Borrowed(raw), Cow::Owned);
        let at =
            Location { offset: piece.raw.start as u64, line: piece.line, column: 0, path: clip(piece.path) };
        Step::Item { used: 0, item: Ok(Document { json, raw: Cow::Borrowed(raw), at }) }
    }
}
