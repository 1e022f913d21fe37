//! NDJSON: a JSON document a line.

use std::borrow::Cow;

use lineshaft_model::json::{Limits, check};
use serde::Deserialize;

use crate::decoder::{Cut, Step};
use crate::document::{Document, Location};
use crate::error::FormatError;
use crate::json::limits;
use crate::size::Size;

/// Options of `ndjson`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NdjsonOptions {
    /// Longest line. A longer one is an error, and the lines after it go on.
    pub line_bytes: Size,
    /// Deepest nesting; at most 256.
    pub depth: usize,
}

impl Default for NdjsonOptions {
    fn default() -> Self {
        Self { line_bytes: Size::mib(4), depth: Limits::DEFAULT.depth }
    }
}

pub(crate) struct NdjsonCutter {
    options: NdjsonOptions,
    /// Where the input that is left starts.
    offset: u64,
    line: u64,
    /// Inside a line that is too long.
    skipping: bool,
}

impl NdjsonCutter {
    pub(crate) fn new(options: &NdjsonOptions) -> Self {
        Self { options: options.clone(), offset: 0, line: 1, skipping: false }
    }

    fn document<'a>(&self, raw: &'a [u8], offset: u64) -> Result<Document<'a>, FormatError> {
        let limits = limits(self.options.line_bytes, self.options.depth);
        match check(raw, &limits) {
            Ok(_) => {
                let at = Location { offset, line: self.line, ..Location::default() };
                Ok(Document { json: Cow::Borrowed(raw), raw: Cow::Borrowed(raw), at })
            }
            Err(error) => Err(FormatError::json(&error, offset, self.line).raw(raw, offset)),
        }
    }

    fn too_long(&self, raw: &[u8], offset: u64) -> FormatError {
        let limit = self.options.line_bytes.0;
        let at = Location { offset, line: self.line, ..Location::default() };
        FormatError::new("ndjson-limit", format!("the line is longer than {limit} bytes"), at)
            .hint("raise `line_bytes` in the options of the format if such lines are right")
            .raw(raw.get(..limit).unwrap_or(raw), offset)
    }
}

impl Cut for NdjsonCutter {
    fn next<'a>(&mut self, input: &'a [u8], at_end: bool) -> Step<'a> {
        let mut at = 0;
        if self.offset == 0 {
            if !at_end && input.len() < 3 {
                return Step::More { used: 0 };
            }
            at = if input.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        }
        loop {
            let rest = &input[at..];
            let base = self.offset + at as u64;
            let end = rest.iter().position(|byte| *byte == b'\n');
            // A long line is refused as soon as it is known to be long, in one piece or in many.
            let is_long = end.unwrap_or(rest.len()) > self.options.line_bytes.0;
            if is_long && !self.skipping {
                self.skipping = true;
                self.offset = base;
                return Step::Item { used: at, item: Err(self.too_long(rest, base)) };
            }
            if end.is_none() && (!at_end || self.skipping) {
                // What belongs to a long line is dropped, the start of a good one waits for the rest.
                let used = if self.skipping { input.len() } else { at };
                self.offset += used as u64;
                return if at_end { Step::End } else { Step::More { used } };
            }
            let (length, used) = end.map_or((rest.len(), rest.len()), |end| (end, end + 1));
            if used == 0 {
                return Step::End;
            }
            let (lead, raw) = trim(&rest[..length]);
            let skipped = std::mem::take(&mut self.skipping) || raw.is_empty();
            let item = if skipped { None } else { Some(self.document(raw, base + lead as u64)) };
            self.line += 1;
            at += used;
            if let Some(item) = item {
                self.offset += at as u64;
                return Step::Item { used: at, item };
            }
        }
    }
}

/// Without white space around it: how much there was in front, and the rest.
fn trim(line: &[u8]) -> (usize, &[u8]) {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let lead = line.iter().take_while(|byte| is_space(byte)).count();
    let trail = line[lead..].iter().rev().take_while(|byte| is_space(byte)).count();
    (lead, &line[lead..line.len() - trail])
}
