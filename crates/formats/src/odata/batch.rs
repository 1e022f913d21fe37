//! `$batch`: requests or answers as the parts of a multipart body (OData V2 and V4, RFC 2046).

use std::borrow::Cow;
use std::ops::Range;

use lineshaft_model::json::Value;

use super::{OdataOptions, body};
use crate::document::Location;
use crate::error::FormatError;
use crate::json::newlines;
use crate::whole::Piece;

/// A boundary: JSON written without line ends cannot hold it.
const BOUNDARY: &str = "batch_lineshaft";
const CHANGES: &str = "changes_lineshaft";
pub(super) const MEDIA_TYPE: &str = "multipart/mixed; boundary=batch_lineshaft";

/// More parts are no batch that any service takes.
const MOST_PARTS: usize = 10_000;

/// The parts of a body whose first boundary stands at `start`, each a document; a change set is as many as it has parts.
pub(super) fn pieces(options: &OdataOptions, input: &[u8], start: usize) -> Result<Vec<Piece>, FormatError> {
    let mut pieces = Vec::new();
    let reader = Reader { options, input };
    reader.parts(start..input.len(), None, &mut pieces)?;
    Ok(pieces)
}

struct Reader<'a> {
    options: &'a OdataOptions,
    input: &'a [u8],
}

impl Reader<'_> {
    /// Reads the parts between boundaries. `set`: the number of the change set they are of.
    fn parts(
        &self,
        range: Range<usize>,
        set: Option<usize>,
        pieces: &mut Vec<Piece>,
    ) -> Result<(), FormatError> {
        let (first, after) = self.line(range.start, range.end);
        let boundary = self.input[first].trim_ascii_end();
        if boundary.len() < 3 || !boundary.starts_with(b"--") {
            return Err(self.fail("a boundary is missing where the parts begin", range.start));
        }
        let mut start = after;
        let mut sets = 0;
        let mut at = start;
        loop {
            if at >= range.end {
                return Err(self
                    .fail("the closing boundary is missing", range.end)
                    .hint("is the body cut off?"));
            }
            let (line, next) = self.line(at, range.end);
            let text = self.input[line.clone()].trim_ascii_end();
            let rest = text.strip_prefix(boundary);
            if let Some(rest) = rest.filter(|rest| rest.is_empty() || *rest == b"--") {
                // The line end in front of a boundary belongs to it.
                let before = &self.input[start..line.start];
                let text = before.strip_suffix(b"\n").unwrap_or(before);
                let text = text.strip_suffix(b"\r").unwrap_or(text);
                self.part(start..start + text.len(), set, &mut sets, pieces)?;
                if !rest.is_empty() {
                    return Ok(());
                }
                start = next;
            }
            at = next;
        }
    }

    fn part(
        &self,
        range: Range<usize>,
        set: Option<usize>,
        sets: &mut usize,
        pieces: &mut Vec<Piece>,
    ) -> Result<(), FormatError> {
        let (headers, content) = self.headers(range.clone());
        let kind = header(&headers, "content-type");
        if kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("multipart/mixed")) {
            if set.is_some() {
                return Err(self.fail("a change set stands in a change set", range.start));
            }
            *sets += 1;
            let lead =
                self.input[content.clone()].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            return self.parts(content.start + lead..content.end, Some(*sets), pieces);
        }
        if pieces.len() == MOST_PARTS {
            return Err(self.fail("the batch has more than 10000 parts", range.start));
        }
        let lead = self.input[content.clone()].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let (first, after) = self.line(content.start + lead, content.end);
        let first = String::from_utf8_lossy(&self.input[first]).trim().to_owned();
        let (own, text) = self.headers(after..content.end);
        let mut members: Vec<(Cow<'static, str>, Value<'static>)> = Vec::new();
        let mut push = |name: &'static str, value: Value<'static>| members.push((Cow::Borrowed(name), value));
        let mut words = first.split_whitespace();
        match (words.next(), words.next()) {
            (Some(version), Some(status))
                if version.starts_with("HTTP/")
                    && status.len() == 3
                    && status.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                let status: u16 = status.parse().unwrap_or_default();
                push("status", Value::Number(Cow::Owned(status.to_string())));
            }
            (Some(method), Some(path)) if method.bytes().all(|byte| byte.is_ascii_uppercase()) => {
                push("method", Value::from(method.to_owned()));
                push("path", Value::from(path.to_owned()));
            }
            _ => return Err(self.fail("a part is neither a request nor an answer of HTTP", range.start)),
        }
        if let Some(set) = set {
            push("change_set", Value::Number(Cow::Owned(set.to_string())));
        }
        if let Some(id) = header(&own, "content-id").or_else(|| header(&headers, "content-id")) {
            push("content_id", Value::from(id.to_owned()));
        }
        let shown = own.into_iter().map(|(name, value)| (Cow::Owned(name), Value::from(value)));
        push("headers", Value::Object(shown.collect()));
        let text = self.input[text].trim_ascii();
        if !text.is_empty() {
            push("body", body(text, &self.options.limits()));
        }
        let line = 1 + newlines(&self.input[..range.start]);
        let json = Some(Value::Object(members).to_vec());
        pieces.push(Piece {
            path: format!("part {}", pieces.len() + 1),
            raw: range,
            json,
            line,
            failure: None,
        });
        Ok(())
    }

    /// The header lines at the start of a range, names in lower case, and what follows the empty line after them.
    fn headers(&self, range: Range<usize>) -> (Vec<(String, String)>, Range<usize>) {
        let mut headers: Vec<(String, String)> = Vec::new();
        let mut at = range.start;
        while at < range.end {
            let (line, next) = self.line(at, range.end);
            let text = String::from_utf8_lossy(&self.input[line]).trim().to_owned();
            at = next;
            if text.is_empty() {
                break;
            }
            if let Some((name, value)) = text.split_once(':') {
                let name = name.trim().to_ascii_lowercase();
                if headers.iter().all(|(known, _)| *known != name) {
                    headers.push((name, value.trim().to_owned()));
                }
            }
        }
        (headers, at..range.end)
    }

    /// The line at `at` without its end, and where the next one starts.
    fn line(&self, at: usize, end: usize) -> (Range<usize>, usize) {
        match self.input[at..end].iter().position(|byte| *byte == b'\n') {
            Some(length) => (at..at + length, at + length + 1),
            None => (at..end, end),
        }
    }

    fn fail(&self, message: &str, at: usize) -> FormatError {
        let line = 1 + newlines(&self.input[..at.min(self.input.len())]);
        FormatError::new("odata-batch", message, Location { offset: at as u64, line, ..Location::default() })
    }
}

fn header<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// Writes requests: reads by themselves, consecutive changes as one change set, which a service takes whole or not at all.
#[derive(Debug, Default)]
pub(crate) struct BatchWriter {
    is_in_changes: bool,
    count: usize,
}

impl BatchWriter {
    pub(crate) fn document(&mut self, document: &Value<'_>, out: &mut Vec<u8>) -> Result<(), FormatError> {
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        let (Some(method), Some(path)) = (text("method"), text("path")) else {
            return Err(refused("a request of a batch has `method` and `path`"));
        };
        if !matches!(method, "GET" | "POST" | "PUT" | "PATCH" | "MERGE" | "DELETE") {
            return Err(refused("`method` is GET, POST, PUT, PATCH, MERGE or DELETE"));
        }
        let is_clean = |text: &str| !text.is_empty() && text.bytes().all(|byte| (0x21..0x7F).contains(&byte));
        if !is_clean(path) {
            return Err(refused("`path` is an address relative to the service, percent-encoded"));
        }
        let mut headers = String::new();
        for (name, value) in document.get("headers").and_then(Value::as_object).unwrap_or_default() {
            let value = value.as_str().filter(|value| value.bytes().all(|byte| (0x20..0x7F).contains(&byte)));
            let Some(value) = value.filter(|_| is_clean(name) && !name.contains(':')) else {
                return Err(refused("`headers` are names and texts without line ends"));
            };
            headers.push_str(&format!("{name}: {value}\r\n"));
        }
        let is_change = method != "GET";
        self.turn(is_change, out);
        let boundary = if is_change { CHANGES } else { BOUNDARY };
        self.count += 1;
        let id = text("content_id")
            .filter(|id| is_clean(id))
            .map_or_else(|| self.count.to_string(), str::to_owned);
        let mut part = format!(
            "--{boundary}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: {id}\r\n\r\n{method} {path} HTTP/1.1\r\n{headers}"
        )
        .into_bytes();
        match document.get("body").filter(|body| !body.is_null()) {
            Some(body) => {
                let json = body.to_vec();
                part.extend(
                    format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n", json.len())
                        .bytes(),
                );
                part.extend(json);
                part.extend(b"\r\n");
            }
            None => part.extend(b"\r\n\r\n"),
        }
        out.extend(part);
        Ok(())
    }

    /// Opens or closes a change set.
    fn turn(&mut self, is_change: bool, out: &mut Vec<u8>) {
        if is_change && !self.is_in_changes {
            out.extend(
                format!("--{BOUNDARY}\r\nContent-Type: multipart/mixed; boundary={CHANGES}\r\n\r\n").bytes(),
            );
        }
        if !is_change && self.is_in_changes {
            out.extend(format!("--{CHANGES}--\r\n").bytes());
        }
        self.is_in_changes = is_change;
    }

    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), FormatError> {
        if self.count == 0 {
            return Err(refused("there is no request to write"));
        }
        self.turn(false, out);
        out.extend(format!("--{BOUNDARY}--\r\n").bytes());
        Ok(())
    }
}

fn refused(message: &str) -> FormatError {
    FormatError::new("odata-encode", message, Location { line: 1, ..Location::default() })
        .hint("{\"method\": \"POST\", \"path\": \"A_PurchaseOrder\", \"body\": {...}}")
}
