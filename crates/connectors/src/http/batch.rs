//! `$batch` of OData: the requests that a mapping made go out as one body, and the answer says of each what became of it.

use lineshaft_formats::{Format, OdataOptions, decode, encode};
use lineshaft_model::Reason;
use lineshaft_model::json::{Limits, Value};

/// What the answer to a `$batch` came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Every part succeeded; the JSON of the first part that has a body.
    Done(Option<Vec<u8>>),
    /// A part failed, with its status and its body. A change set fails as a whole.
    Failed(u16, Vec<u8>),
    /// The answer cannot be read.
    Unclear(String),
}

/// The media type of a body of [`body`].
pub(super) fn media_type() -> &'static str {
    format().media_type()
}

fn format() -> Format {
    Format::Odata(OdataOptions { batch: true, ..OdataOptions::default() })
}

/// The body of a `$batch` from an array of requests, or from one.
pub(super) fn body(mapped: &[u8]) -> Result<Vec<u8>, Reason> {
    let limits = Limits { bytes: usize::MAX, ..Limits::DEFAULT };
    let value = Value::parse(mapped, &limits)?;
    let single = std::slice::from_ref(&value);
    let requests: Vec<Vec<u8>> = value.as_array().unwrap_or(single).iter().map(Value::to_vec).collect();
    if requests.is_empty() {
        return Err(Reason::new("odata-encode", "the mapping made no request for the batch")
            .hint("it makes an array of { method, path, body }"));
    }
    encode(&format(), requests.iter().map(Vec::as_slice)).map_err(Reason::from)
}

/// What an answer says of the parts.
pub(super) fn outcome(answer: &[u8]) -> Outcome {
    let limits = Limits { bytes: usize::MAX, ..Limits::DEFAULT };
    let mut first = None;
    let mut parts = 0;
    for part in decode(&format(), answer) {
        let part = match part {
            Ok(part) => part,
            Err(error) => return Outcome::Unclear(error.message),
        };
        let Ok(value) = Value::parse(&part.json, &limits) else {
            return Outcome::Unclear("a part is no JSON".to_owned());
        };
        let status =
            value.get("status").and_then(Value::as_number).and_then(|status| status.parse::<u16>().ok());
        let Some(status) = status else { return Outcome::Unclear("a part has no status".to_owned()) };
        let body = value.get("body").map(|body| match body.as_str() {
            Some(text) => text.as_bytes().to_vec(),
            None => body.to_vec(),
        });
        if !(200..300).contains(&status) {
            // Only changes that follow one another are one change set: what came before a read is there.
            if parts > 0 {
                return Outcome::Unclear(format!("a part is answered {status} after {parts} had succeeded"));
            }
            return Outcome::Failed(status, body.unwrap_or_default());
        }
        parts += 1;
        first = first.or(body);
    }
    if parts == 0 { Outcome::Unclear("it has no parts".to_owned()) } else { Outcome::Done(first) }
}
