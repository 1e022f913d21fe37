//! JSON: one document, or the parts of it that a path names.

use lineshaft_model::json::{Limits, Path, check, cut};
use serde::{Deserialize, Deserializer, de};

use crate::document::Location;
use crate::error::FormatError;
use crate::size::Size;
use crate::whole::Piece;

/// Options of `json`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JsonOptions {
    /// Makes a document of each part that this path names: a JSON pointer in which `*` stands for every element.
    /// `/d/results/*` is each result of an OData V2 answer. An empty array gives no documents; a path that leads nowhere
    /// is an error, so that an error page is never taken for an empty answer. Of several paths the first that leads
    /// somewhere is taken: `/d/results/*` and then `/d` for a list or one record. None for the document as a whole.
    #[serde(deserialize_with = "paths")]
    pub split: Vec<Path>,
    /// Longest input.
    pub bytes: Size,
    /// Deepest nesting; at most 256.
    pub depth: usize,
}

impl Default for JsonOptions {
    fn default() -> Self {
        Self { split: Vec::new(), bytes: Size::mib(16), depth: Limits::DEFAULT.depth }
    }
}

/// More alternatives than this are a mistake.
const MOST_PATHS: usize = 8;

/// A path, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Paths {
    One(String),
    Several(Vec<String>),
}

fn paths<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Path>, D::Error> {
    let texts = match Paths::deserialize(deserializer)? {
        Paths::One(text) => vec![text],
        Paths::Several(texts) if texts.is_empty() || texts.len() > MOST_PATHS => {
            return Err(de::Error::custom(format!("`split` is a path, or a list of 1 to {MOST_PATHS}")));
        }
        Paths::Several(texts) => texts,
    };
    let bad =
        |text: &str| de::Error::custom(format!("`{text}` is not a path. hint: write it like /d/results/*"));
    texts.iter().map(|text| Path::parse(text).ok_or_else(|| bad(text))).collect()
}

/// The parts of a document.
pub(crate) fn pieces(options: &JsonOptions, input: &[u8]) -> Result<Vec<Piece>, FormatError> {
    let start = if input.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let bytes = input.get(start..).unwrap_or_default();
    let mut limits = limits(options.bytes, options.depth);
    let located = |error: &_| FormatError::json(error, start as u64, 1);
    if options.split.is_empty() {
        let text = check(bytes, &limits).map_err(|error| located(&error))?;
        let offset = start + text.len() - text.trim_start().len();
        let line = 1 + newlines(&input[..offset]);
        return Ok(vec![Piece { raw: offset..offset + text.trim().len(), line, ..Piece::default() }]);
    }
    // Together the parts may have more values than one document.
    limits.values = limits.values.max(bytes.len() / 4);
    let mut paths = options.split.iter();
    let found = loop {
        let Some(split) = paths.next() else { return Err(nothing_there(&options.split)) };
        let found = cut(bytes, split, &limits).map_err(|error| located(&error))?;
        if !found.is_empty() || has_empty_container(bytes, split, &limits) {
            break found;
        }
    };
    let mut counted = 0;
    let mut line = 1;
    let pieces = found.into_iter().map(|piece| {
        let offset = start + piece.offset;
        line += newlines(&input[counted..offset]);
        counted = offset;
        Piece { raw: offset..offset + piece.text.len(), json: None, line, path: piece.pointer, failure: None }
    });
    Ok(pieces.collect())
}

/// Nothing was found: fine if the path ends in `*` and what it looks into is there and empty.
fn has_empty_container(bytes: &[u8], split: &Path, limits: &Limits) -> bool {
    let path = split.to_string();
    let container = path.strip_suffix("/*").and_then(Path::parse);
    let found = container.map(|container| cut(bytes, &container, limits)).and_then(Result::ok);
    found.iter().flatten().any(|piece| piece.text.starts_with(['[', '{']))
}

fn nothing_there(paths: &[Path]) -> FormatError {
    let path = paths.iter().map(Path::to_string).collect::<Vec<_>>().join(" or ");
    let at = Location { line: 1, path: path.clone(), ..Location::default() };
    FormatError::new("json-split", format!("the document has nothing at {path}"), at)
        .hint("check `split`, and whether the answer is an error message")
}

pub(crate) fn limits(bytes: Size, depth: usize) -> Limits {
    Limits { depth, bytes: bytes.0, ..Limits::DEFAULT }
}

pub(crate) fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}
