//! CloudEvents 1.0 over HTTP: binary, structured and batched content mode.
//!
//! <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md>

use bytes::Bytes;
use lineshaft_model::json::{self, Limits, Value};
use lineshaft_model::{Reason, Reasons};

use crate::draft::Draft;

/// One event of a request, or why it is none, with its own bytes.
#[derive(Debug)]
pub struct Part {
    /// Its bytes: the whole body, or the element of a batch.
    pub bytes: Bytes,
    /// What it came to.
    pub draft: Result<Draft, Reasons>,
}

/// The three content modes, told apart by the media type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Attributes in `ce-` headers, data in the body.
    Binary,
    /// One event as JSON.
    Structured,
    /// An array of events as JSON.
    Batch,
}

impl Mode {
    /// The mode of a request, `None` for a media type that carries no CloudEvents.
    #[must_use]
    pub fn of(content_type: &str, has_ce_headers: bool) -> Option<Self> {
        let media = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match media.as_str() {
            "application/cloudevents+json" => Some(Self::Structured),
            "application/cloudevents-batch+json" => Some(Self::Batch),
            "application/json" | "" if has_ce_headers => Some(Self::Binary),
            "application/json" => Some(Self::Structured),
            _ if has_ce_headers && media.ends_with("+json") => Some(Self::Binary),
            _ => None,
        }
    }
}

/// Reads the events of a request. `headers` are in lower case. A batch that is no array is one broken part.
#[must_use]
pub fn read(mode: Mode, headers: &[(String, String)], body: &Bytes, limits: &Limits) -> Vec<Part> {
    match mode {
        Mode::Binary => vec![Part { bytes: body.clone(), draft: binary(headers, body, limits).map_err(one) }],
        Mode::Structured => vec![Part { bytes: body.clone(), draft: structured(body, limits) }],
        Mode::Batch => {
            let Some(path) = json::Path::parse("/*") else { return Vec::new() };
            match json::cut(body, &path, limits) {
                Ok(pieces) if body.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'[') => pieces
                    .into_iter()
                    .map(|piece| {
                        let bytes = body.slice(piece.offset..piece.offset + piece.text.len());
                        Part { draft: structured(&bytes, limits), bytes }
                    })
                    .collect(),
                Ok(_) => {
                    let reason = Reason::new("batch-malformed", "a batch is a JSON array of events");
                    vec![Part { bytes: body.clone(), draft: Err(one(reason)) }]
                }
                Err(error) => vec![Part { bytes: body.clone(), draft: Err(one(error.into())) }],
            }
        }
    }
}

fn one(reason: Reason) -> Reasons {
    vec![reason]
}

fn version(text: &str) -> Result<(), Reason> {
    if text == "1.0" {
        return Ok(());
    }
    Err(Reason::new("specversion-unsupported", format!("CloudEvents version `{}` is not spoken", clip(text)))
        .at("/specversion")
        .hint("send specversion 1.0"))
}

fn clip(text: &str) -> String {
    text.chars().take(32).collect()
}

/// Values of headers are percent-encoded (section 3.1.3.2).
fn percent_decoded(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] == b'%' {
            let hex = text.get(i + 1..i + 3)?;
            out.push(u8::from_str_radix(hex, 16).ok()?);
            i += 3;
        } else {
            out.push(bytes[i]);
            i += 1;
        }
    }
    String::from_utf8(out).ok()
}

fn binary(headers: &[(String, String)], body: &Bytes, limits: &Limits) -> Result<Draft, Reason> {
    let mut draft = Draft::default();
    let mut has_version = false;
    for (name, value) in headers {
        let Some(attribute) = name.strip_prefix("ce-") else {
            if name == "traceparent" {
                draft.set("traceparent", value)?;
            }
            continue;
        };
        let text = percent_decoded(value).ok_or_else(|| {
            Reason::new("attribute-malformed", format!("the header `{name}` is not percent-encoded UTF-8"))
                .at(format!("/{attribute}"))
        })?;
        if attribute == "specversion" {
            version(&text)?;
            has_version = true;
        } else {
            draft.set(attribute, &text)?;
        }
    }
    if !has_version {
        return Err(
            Reason::new("attribute-missing", "the header `ce-specversion` is missing").at("/specversion")
        );
    }
    json::check(body, limits)?;
    draft.data = body.clone();
    finish(draft)
}

fn structured(bytes: &Bytes, limits: &Limits) -> Result<Draft, Reasons> {
    let mut draft = Draft::default();
    let mut reasons = Reasons::new();
    let mut has_version = false;
    let members = json::members(bytes, limits).map_err(|error| one(error.into()))?;
    for member in members {
        let outcome = match &*member.key {
            "specversion" => {
                has_version = true;
                text_of(member.value, "specversion").and_then(|text| version(&text))
            }
            "data" => {
                draft.data = bytes.slice(member.offset..member.offset + member.value.len());
                Ok(())
            }
            "data_base64" => Err(Reason::new("data-binary", "binary data is not taken as an event")
                .at("/data_base64")
                .hint("send the system's own bytes to /v1/in/{system}/{source}")),
            "datacontenttype" => text_of(member.value, "datacontenttype").and_then(|text| {
                let json = text.split(';').next().is_some_and(|m| m.trim().ends_with("json"));
                if json {
                    Ok(())
                } else {
                    Err(Reason::new("data-not-json", format!("the data is {}, not JSON", clip(&text)))
                        .at("/datacontenttype"))
                }
            }),
            name => text_of(member.value, name).and_then(|text| draft.set(name, &text).map(|_| ())),
        };
        reasons.extend(outcome.err());
    }
    if !has_version {
        reasons.push(Reason::new("attribute-missing", "the event has no `specversion`").at("/specversion"));
    }
    if !reasons.is_empty() {
        return Err(reasons);
    }
    finish(draft).map_err(one)
}

/// The text of an attribute: a string, a number or a boolean; `null` reads as absent.
fn text_of(value: &str, name: &str) -> Result<String, Reason> {
    match Value::parse(value.as_bytes(), &Limits::DEFAULT)? {
        Value::String(text) => Ok(text.into_owned()),
        Value::Number(text) => Ok(text.into_owned()),
        Value::Bool(b) => Ok(b.to_string()),
        Value::Null => Ok(String::new()),
        Value::Array(_) | Value::Object(_) => {
            Err(Reason::new("attribute-malformed", format!("the attribute `{}` is not a text", clip(name)))
                .at(format!("/{name}")))
        }
    }
}

fn finish(draft: Draft) -> Result<Draft, Reason> {
    if draft.envelope.id.is_empty() {
        return Err(Reason::new("attribute-missing", "the event has no `id`")
            .at("/id")
            .hint("give every event an id of its own; the same id again is recognised as the same event"));
    }
    if draft.data.is_empty() {
        return Err(Reason::new("attribute-missing", "the event has no `data`").at("/data"));
    }
    Ok(draft)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    fn only(mode: Mode, head: &[(&str, &str)], body: &str) -> Result<Draft, Vec<String>> {
        let mut parts =
            read(mode, &headers(head), &Bytes::copy_from_slice(body.as_bytes()), &Limits::DEFAULT);
        assert_eq!(parts.len(), 1);
        parts
            .remove(0)
            .draft
            .map_err(|reasons| reasons.into_iter().map(|r| format!("{} {}", r.code, r.at)).collect())
    }

    #[test]
    fn the_mode_follows_the_media_type() {
        assert_eq!(Mode::of("application/cloudevents+json; charset=utf-8", false), Some(Mode::Structured));
        assert_eq!(Mode::of("application/cloudevents-batch+json", false), Some(Mode::Batch));
        assert_eq!(Mode::of("application/json", true), Some(Mode::Binary));
        assert_eq!(Mode::of("application/json", false), Some(Mode::Structured));
        assert_eq!(Mode::of("text/plain", true), None);
    }

    #[test]
    fn a_structured_event_keeps_its_data_byte_for_byte() {
        let draft = only(
            Mode::Structured,
            &[],
            r#"{"specversion":"1.0","id":"1","type":"a.b.c.v1","sequence":"7","data":{"q": 0.10 }}"#,
        )
        .unwrap();
        assert_eq!((&draft.data[..], draft.envelope.revision), (&br#"{"q": 0.10 }"#[..], 7));
    }

    #[test]
    fn a_binary_event_has_its_attributes_in_headers() {
        let head =
            [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-subject", "Gr%C3%B6%C3%9Fe"), ("host", "x")];
        let draft = only(Mode::Binary, &head, "{}").unwrap();
        assert_eq!((draft.envelope.subject.as_str(), &draft.data[..]), ("Größe", &b"{}"[..]));
        assert_eq!(
            only(Mode::Binary, &[("ce-specversion", "1.0"), ("ce-id", "%zz")], "{}").unwrap_err(),
            ["attribute-malformed /id"]
        );
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let body = r#"{"specversion":"0.3","id":"1","time":"x","data_base64":"AA==","priority":"soon"}"#;
        let codes = only(Mode::Structured, &[], body).unwrap_err();
        assert_eq!(
            codes,
            [
                "specversion-unsupported /specversion",
                "time-malformed /time",
                "data-binary /data_base64",
                "priority-unknown /priority"
            ]
        );
        assert_eq!(
            only(Mode::Structured, &[], r#"{"specversion":"1.0","data":1}"#).unwrap_err(),
            ["attribute-missing /id"]
        );
    }

    #[test]
    fn one_bad_event_of_a_batch_leaves_the_others() {
        let body = Bytes::from_static(
            br#"[{"specversion":"1.0","id":"1","data":{}}, 5, {"specversion":"1.0","id":"2","data":[]}]"#,
        );
        let parts = read(Mode::Batch, &[], &body, &Limits::DEFAULT);
        assert_eq!(parts.iter().map(|p| p.draft.is_ok()).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(&parts[1].bytes[..], b"5");
        let no_array = read(Mode::Batch, &[], &Bytes::from_static(br#"{"a":{}}"#), &Limits::DEFAULT);
        assert_eq!(no_array[0].draft.as_ref().unwrap_err()[0].code, "batch-malformed");
    }
}
