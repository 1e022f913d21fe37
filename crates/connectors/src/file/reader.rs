//! Reads one file in batches of documents, in memory that does not depend on its size.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::ops::Range;

use bytes::Bytes;
use lineshaft_formats::{Decoder, FormatError};
use lineshaft_ports::Input;
use lineshaft_ports::source::{Broken, Cut};
use sha2::{Digest, Sha256};

use super::config::{FilesConfig, Identity};
use super::folder::stamp;
use super::token::Token;
use super::watch::Stamp;

/// One pass over an open file.
#[derive(Debug)]
pub(super) struct FileReader {
    file: File,
    stamp: Stamp,
    decoder: Decoder,
    block: Vec<u8>,
    at_end: bool,
    name: String,
    content_type: &'static str,
    identity: Identity,
    /// How many items are durable already and are not handed over again.
    skip: u64,
    token: Token,
    pub(super) tally: Tally,
}

/// What was found in a file, over all its passes: what is skipped is counted again.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Tally {
    pub(super) good: u64,
    pub(super) broken: u64,
    /// Whether what follows some place could not be read at all.
    pub(super) cut_short: bool,
}

/// Why a file cannot be read on.
#[derive(Debug)]
pub(super) enum ReadFault {
    /// It is not the file any more whose checksum was taken.
    Changed,
    /// It cannot be read.
    Io(io::Error),
}

/// A batch is full at this many items or bytes: large enough that one durable write serves many, small enough that a
/// handful of sources fit into memory.
const BATCH_ITEMS: usize = 512;
const BATCH_BYTES: usize = 1 << 20;
const BLOCK_BYTES: usize = 256 * 1024;

/// A batch while it is put together.
#[derive(Default)]
struct Batch {
    raw: Vec<u8>,
    json: Vec<u8>,
    good: Vec<Piece>,
    broken: Vec<Broken>,
}

struct Piece {
    raw: Range<usize>,
    json: Range<usize>,
    line: u64,
    identity: String,
}

impl FileReader {
    /// Reads `file` from its start; `content` is its checksum. Items that `resume` counts are passed over.
    pub(super) fn new(
        mut file: File,
        stamp: Stamp,
        config: &FilesConfig,
        name: &str,
        content: String,
        resume: Option<Token>,
    ) -> io::Result<Self> {
        file.rewind()?;
        let fits = |token: &Token| token.content == content && token.format == config.format_mark;
        let skip = resume.filter(fits).map_or(0, |token| token.items);
        Ok(Self {
            file,
            stamp,
            decoder: Decoder::new(&config.format),
            block: vec![0; BLOCK_BYTES],
            at_end: false,
            name: name.to_owned(),
            content_type: config.format.media_type(),
            identity: config.identity,
            skip,
            token: Token { content, format: config.format_mark.clone(), items: 0, offset: 0, line: 1 },
            tally: Tally::default(),
        })
    }

    /// The next documents and broken parts, with the token to record with them; `None` at the end.
    pub(super) fn next_batch(&mut self) -> Result<Option<Input>, ReadFault> {
        let mut batch = Batch::default();
        while !batch.is_full() && !self.tally.cut_short {
            if !self.next_item(&mut batch) {
                if self.at_end {
                    break;
                }
                self.fill()?;
            }
        }
        self.check_unchanged()?;
        if batch.is_empty() { Ok(None) } else { Ok(Some(self.input(batch))) }
    }

    /// Takes one item out of the decoder; false when it needs more bytes.
    fn next_item(&mut self, batch: &mut Batch) -> bool {
        let Some(item) = self.decoder.next() else { return false };
        self.token.items += 1;
        let is_known = self.token.items <= self.skip;
        match item {
            Ok(document) => {
                self.tally.good += 1;
                self.token.offset = document.range().end;
                self.token.line = document.at.line;
                if !is_known {
                    let identity = match self.identity {
                        Identity::File => format!("{}@{}", self.token.content, document.at.offset),
                        Identity::Content => hex::encode(&Sha256::digest(&document.json)[..16]),
                    };
                    let raw = append(&mut batch.raw, &document.raw);
                    let json = append(&mut batch.json, &document.json);
                    batch.good.push(Piece { raw, json, line: document.at.line, identity });
                }
            }
            Err(error) => {
                self.tally.broken += 1;
                self.tally.cut_short |= error.fatal;
                self.token.offset = error.range().end;
                self.token.line = error.at.line;
                if !is_known {
                    batch.broken.push(broken(&self.name, error, &mut batch.raw));
                }
            }
        }
        true
    }

    /// Doubles what is buffered, so that a long row is looked at few times.
    fn fill(&mut self) -> Result<(), ReadFault> {
        let wanted = self.decoder.buffered().max(BLOCK_BYTES);
        let mut taken = 0;
        while taken < wanted {
            match self.file.read(&mut self.block) {
                Ok(0) => {
                    self.at_end = true;
                    self.decoder.end();
                    return Ok(());
                }
                Ok(n) => {
                    self.decoder.feed(&self.block[..n]);
                    taken += n;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(ReadFault::Io(error)),
            }
        }
        Ok(())
    }

    fn check_unchanged(&self) -> Result<(), ReadFault> {
        match self.file.metadata() {
            Ok(metadata) if stamp(&metadata) == self.stamp => Ok(()),
            Ok(_) => Err(ReadFault::Changed),
            Err(error) => Err(ReadFault::Io(error)),
        }
    }

    fn input(&self, batch: Batch) -> Input {
        let json = Bytes::from(batch.json);
        let documents = batch.good.into_iter().map(|piece| Cut {
            json: json.slice(piece.json),
            raw: piece.raw,
            origin: format!("{} line {}", self.name, piece.line),
            identity: piece.identity,
        });
        Input {
            bytes: Bytes::from(batch.raw),
            content_type: self.content_type.to_owned(),
            identity: format!("{}#{}", self.token.content, self.token.items),
            origin: self.name.clone(),
            documents: documents.collect(),
            broken: batch.broken,
            resume: Some((self.name.clone(), self.token.to_string())),
            ..Input::default()
        }
    }
}

impl Batch {
    fn is_full(&self) -> bool {
        self.good.len() + self.broken.len() >= BATCH_ITEMS
            || self.raw.len() >= BATCH_BYTES
            || self.json.len() >= BATCH_BYTES
    }

    fn is_empty(&self) -> bool {
        self.good.is_empty() && self.broken.is_empty()
    }
}

fn append(whole: &mut Vec<u8>, part: &[u8]) -> Range<usize> {
    let start = whole.len();
    whole.extend_from_slice(part);
    start..whole.len()
}

fn broken(name: &str, error: FormatError, raw: &mut Vec<u8>) -> Broken {
    let range = append(raw, &error.raw);
    let origin = format!("{name} line {}", error.at.line);
    Broken { raw: range, origin, reasons: vec![error.into()] }
}
