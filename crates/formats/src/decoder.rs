//! Runs a format over an input: a slice in memory, pieces pushed in, or a reader.

use std::io::{self, Read};

use crate::config::Format;
use crate::document::Document;
use crate::error::FormatError;

/// A document, or a part that cannot be read.
pub(crate) type Item<'a> = Result<Document<'a>, FormatError>;

/// Finds the documents of one input, step by step. `input` is what the input has from where the last step left off.
pub(crate) trait Cut: Send {
    /// Takes the next step; `at_end` says that nothing follows `input`.
    fn next<'a>(&mut self, input: &'a [u8], at_end: bool) -> Step<'a>;
}

/// What a step came to.
pub(crate) enum Step<'a> {
    /// Nothing yet. The first bytes are done with; the next call has more than the rest, or says that there is no more.
    More {
        /// How many bytes are done with.
        used: usize,
    },
    /// A document or an error.
    Item {
        /// How many bytes are done with, so that the next call starts after them.
        used: usize,
        /// The find.
        item: Item<'a>,
    },
    /// The input has been read, or cannot be read any further.
    End,
}

/// The documents of an input that is in memory. Those of JSON borrow from it.
pub fn decode<'a>(format: &Format, bytes: &'a [u8]) -> Documents<'a> {
    Documents { cutter: format.cutter(), input: bytes, rest: bytes }
}

/// Iterator over the documents of an input in memory, made by [`decode`]. It ends after a fatal error.
pub struct Documents<'a> {
    cutter: Box<dyn Cut>,
    input: &'a [u8],
    rest: &'a [u8],
}

impl std::fmt::Debug for Documents<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Documents").field("rest_bytes", &self.rest.len()).finish_non_exhaustive()
    }
}

impl<'a> Iterator for Documents<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.cutter.next(self.rest, true) {
            Step::Item { used, item } => {
                self.rest = self.rest.get(used..).unwrap_or_default();
                Some(item.map_err(|error| with_rest(error, self.input)))
            }
            Step::More { .. } | Step::End => None,
        }
    }
}

/// A fatal error refuses all that follows, so it takes the bytes of that along.
fn with_rest(error: FormatError, input: &[u8]) -> FormatError {
    let start = usize::try_from(error.raw_offset).unwrap_or(usize::MAX);
    match input.get(start..) {
        Some(rest) if error.fatal => error.raw(rest, start as u64),
        _ => error,
    }
}

/// Decodes an input that arrives in pieces. Memory stays within the limits of the format, however long the input: NDJSON
/// holds a line, CSV a row or a group, X12 and EDIFACT a set or message, JSON and XML the one document.
pub struct Decoder {
    cutter: Box<dyn Cut>,
    buffer: Vec<u8>,
    /// How much of the buffer is done with.
    start: usize,
    at_end: bool,
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("buffered_bytes", &self.buffered()).finish_non_exhaustive()
    }
}

impl Decoder {
    /// A decoder at the start of an input.
    pub fn new(format: &Format) -> Self {
        Self { cutter: format.cutter(), buffer: Vec::new(), start: 0, at_end: false }
    }

    /// Adds the next bytes of the input. Large pieces are cheaper than small ones: a row that is not complete is looked
    /// at again after each.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// Says that nothing follows.
    pub fn end(&mut self) {
        self.at_end = true;
    }

    /// Bytes that were fed and are not yet part of any document.
    pub fn buffered(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// The next document or error; `None` when it takes more bytes, or after [`Decoder::end`] when there are no more.
    // An iterator could not lend from its own buffer.
    #[expect(clippy::should_implement_trait, reason = "documents borrow from the decoder")]
    pub fn next(&mut self) -> Option<Item<'_>> {
        match self.cutter.next(&self.buffer[self.start..], self.at_end) {
            Step::Item { used, item } => {
                self.start += used;
                Some(item)
            }
            Step::More { used } => {
                self.start += used;
                None
            }
            Step::End => None,
        }
    }
}

/// Iterator over the documents of a reader, in constant memory.
#[derive(Debug)]
pub struct Reader<R> {
    decoder: Decoder,
    input: R,
    chunk: Vec<u8>,
}

/// The least that is read at once.
const CHUNK_BYTES: usize = 64 * 1024;

impl<R: Read> Reader<R> {
    /// Reads `input` from where it stands; needs no buffering of its own.
    pub fn new(format: &Format, input: R) -> Self {
        Self { decoder: Decoder::new(format), input, chunk: vec![0; CHUNK_BYTES] }
    }

    /// The next document or error; `None` at the end of the input.
    ///
    /// # Errors
    /// When the reader fails. Nothing is lost: the call may be repeated.
    pub fn next_document(&mut self) -> io::Result<Option<Item<'static>>> {
        loop {
            if let Some(item) = self.decoder.next() {
                return Ok(Some(item.map(Document::into_owned)));
            }
            if self.decoder.at_end {
                return Ok(None);
            }
            self.fill()?;
        }
    }

    /// Doubles what is buffered, so that a long row is looked at few times.
    fn fill(&mut self) -> io::Result<()> {
        let wanted = self.decoder.buffered().max(CHUNK_BYTES);
        let mut taken = 0;
        while taken < wanted {
            match self.input.read(&mut self.chunk) {
                Ok(0) => {
                    self.decoder.end();
                    break;
                }
                Ok(count) => {
                    self.decoder.feed(&self.chunk[..count]);
                    taken += count;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = io::Result<Item<'static>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_document().transpose()
    }
}
