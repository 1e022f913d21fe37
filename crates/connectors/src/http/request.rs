//! What an operation sends: method, path, query and headers, checked when read and again when an event's values are in it.

use lineshaft_model::Reason;
use lineshaft_ports::{Escape, Slot};

use crate::SecretText;
use crate::settings::{Section, short};

/// One request of an operation: the call itself or the question of `verify`.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: &'static str,
    pub(super) path: Text,
    /// Names already percent-encoded.
    pub(super) query: Vec<(String, Text)>,
    pub(super) headers: Vec<(String, HeaderValue)>,
    pub(super) idempotency_header: Option<String>,
    pub(super) sends_body: bool,
}

/// A text of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Text {
    /// The same for every event.
    Fixed(String),
    /// Rendered for each: its place among the operation's slots.
    Slot(usize),
}

/// The value of a configured header.
#[derive(Debug, Clone)]
pub(super) enum HeaderValue {
    Text(Text),
    Secret(SecretText),
}

/// Methods that people integrate with; `MERGE` is how OData V2 spells a partial update.
const METHODS: &[(&str, &str)] = &[
    ("POST", "POST"),
    ("PUT", "PUT"),
    ("PATCH", "PATCH"),
    ("DELETE", "DELETE"),
    ("GET", "GET"),
    ("MERGE", "MERGE"),
];

/// Headers that the door writes itself.
const RESERVED: &[&str] = &[
    "host",
    "content-length",
    "content-type",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "accept-encoding",
    "proxy-connection",
    "traceparent",
];

impl Request {
    /// Reads `request` or `verify`; new slots are appended to `slots`.
    pub(super) fn parse(
        section: &mut Section<'_>,
        default_method: &'static str,
        slots: &mut Vec<Slot>,
    ) -> Option<Self> {
        let method = section.choice("method", default_method, METHODS);
        let path = section
            .required_text("path", "say what to call, for instance path: \"/reservations/{{ .data.key }}\"");
        let path = path.and_then(|path| {
            if !path.starts_with('/') {
                section.problem(
                    "path",
                    "path-malformed",
                    "a path begins with a slash",
                    format!("write /{}", short(path)),
                );
                return None;
            }
            uri_text(section, section.at("path"), path, Escape::PathSegment, slots)
        });
        let mut query = Vec::new();
        for (name, value, at) in section.texts("query") {
            let encoded = percent_encode(name);
            // A fixed value may be written as it is meant; in one with expressions only those are encoded.
            let value = if value.contains("{{") {
                uri_text(section, at, value, Escape::QueryValue, slots)
            } else {
                Some(Text::Fixed(percent_encode(value)))
            };
            query.extend(value.map(|value| (encoded, value)));
        }
        let headers = headers(section, slots);
        Some(Self { method, path: path?, query, headers, idempotency_header: None, sends_body: true })
    }

    /// A request of the base itself, for questions of the door's own.
    pub(super) fn plain(method: &'static str) -> Self {
        Self {
            method,
            path: Text::Fixed(String::new()),
            query: Vec::new(),
            headers: Vec::new(),
            idempotency_header: None,
            sends_body: false,
        }
    }

    /// Whether a header of this name is configured.
    pub(super) fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|(known, _)| known == name)
    }
}

fn headers(section: &mut Section<'_>, slots: &mut Vec<Slot>) -> Vec<(String, HeaderValue)> {
    let Some(inner) = section.section("headers") else { return Vec::new() };
    let mut headers: Vec<(String, HeaderValue)> = Vec::new();
    for (name, value, at) in inner.entries() {
        let Some(name) = header_name(&inner, name, name) else { continue };
        if headers.iter().any(|(known, _)| *known == name) {
            inner.note(Reason::new("header-twice", format!("`{name}` is listed twice")).at(at));
            continue;
        }
        let Some(text) = value.as_str() else {
            inner.note(
                Reason::new("setting-type", "a header's value must be a text")
                    .at(at)
                    .hint("put it in quotes"),
            );
            continue;
        };
        if SecretText::is_in(text) {
            if text.contains("{{") {
                let reason = Reason::new("header-mixed", "a header holds either a secret or an expression");
                inner.note(reason.at(at).hint("use two headers"));
            } else if let Some(secret) = inner.secret_text(value, &at) {
                headers.push((name, HeaderValue::Secret(secret)));
            }
            continue;
        }
        let problem = match literals(text) {
            None => Some(unbalanced()),
            Some(parts) if parts.iter().any(|part| !is_header_safe(part)) => Some(
                Reason::new("header-malformed", "the value cannot be sent in a header")
                    .hint("use plain ASCII"),
            ),
            Some(_) => None,
        };
        match problem {
            Some(reason) => inner.note(reason.at(at)),
            None => headers.push((name, HeaderValue::Text(text_of(text, at, Escape::Header, slots)))),
        }
    }
    headers
}

/// A header's name in lower case, if it is one and not the door's own.
pub(super) fn header_name(section: &Section<'_>, key: &str, name: &str) -> Option<String> {
    let Ok(parsed) = http::HeaderName::from_bytes(name.as_bytes()) else {
        section.problem(
            key,
            "header-malformed",
            format!("`{}` is not a header name", short(name)),
            "use letters, digits and `-`",
        );
        return None;
    };
    if RESERVED.contains(&parsed.as_str()) {
        section.problem(
            key,
            "header-reserved",
            format!("`{parsed}` is written by the hub itself"),
            "take it out; `content_type` of the operation sets the media type",
        );
        return None;
    }
    Some(parsed.as_str().to_owned())
}

fn uri_text(
    section: &Section<'_>,
    at: String,
    text: &str,
    escape: Escape,
    slots: &mut Vec<Slot>,
) -> Option<Text> {
    let reason = match literals(text) {
        None => unbalanced(),
        Some(parts) => match parts.iter().flat_map(|part| part.chars()).find(|c| !is_uri_char(*c)) {
            None => return Some(text_of(text, at, escape, slots)),
            Some(c) => Reason::new("path-malformed", format!("{c:?} cannot stand in a URL"))
                .hint("write it percent-encoded, for instance %20 for a space"),
        },
    };
    section.note(reason.at(at));
    None
}

fn text_of(text: &str, at: String, escape: Escape, slots: &mut Vec<Slot>) -> Text {
    if !text.contains("{{") {
        return Text::Fixed(text.to_owned());
    }
    slots.push(Slot { at, template: text.to_owned(), escape });
    Text::Slot(slots.len() - 1)
}

fn unbalanced() -> Reason {
    Reason::new("expression-open", "an expression is not closed").hint("write {{ expression }}")
}

/// The parts of a template outside its expressions; `None` when an expression is not closed.
fn literals(text: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        parts.push(&rest[..start]);
        rest = &rest[start + 2..];
        rest = &rest[rest.find("}}")? + 2..];
    }
    parts.push(rest);
    Some(parts)
}

fn is_uri_char(c: char) -> bool {
    c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}' | '#')
}

/// Whether a text may be the value of a header: printable ASCII, so that no line can be ended in it.
pub(super) fn is_header_safe(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t'))
}

/// Whether the target of a request, with an event's values in it, is what its template promised. An empty value or one
/// of dots would name another resource than the one that is meant.
pub(super) fn check_target(target: &str) -> Result<(), Reason> {
    let refuse = |message: &str, hint: &str| Err(Reason::new("path-unsafe", message).hint(hint));
    if let Some(c) = target.chars().find(|c| !is_uri_char(*c)) {
        return refuse(
            &format!("{c:?} cannot stand in a URL, and the path has it"),
            "check the expressions of the path and of the query",
        );
    }
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    if path.split('/').any(is_dots) {
        return refuse("a segment of the path is `.` or `..`", "check the event's key");
    }
    Ok(())
}

/// Whether a segment is `.` or `..`, however its dots are written.
fn is_dots(segment: &str) -> bool {
    let mut rest = segment;
    let mut dots = 0;
    while !rest.is_empty() {
        let encoded = rest.get(..3).filter(|start| start.eq_ignore_ascii_case("%2e")).map(|_| &rest[3..]);
        let Some(after) = rest.strip_prefix('.').or(encoded) else { return false };
        rest = after;
        dots += 1;
    }
    dots == 1 || dots == 2
}

/// Whether a value left a segment of the path empty that its template fills; `empty` is [`empty_segments`] of the template.
pub(super) fn check_filled(empty: usize, rendered: &str) -> Result<(), Reason> {
    if count_empty(rendered) == empty {
        return Ok(());
    }
    Err(Reason::new("path-incomplete", "a value of the path is empty")
        .hint("the event lacks what the path is made of; check its mapping"))
}

/// How many segments of a template's path are empty whatever the event says.
pub(super) fn empty_segments(template: &str) -> usize {
    count_empty(&literals(template).unwrap_or_default().join("x"))
}

fn count_empty(text: &str) -> usize {
    let path = text.split_once('?').map_or(text, |(path, _)| path);
    path.split('/').skip(1).filter(|segment| segment.is_empty()).count()
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
pub(super) fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for nibble in [byte >> 4, byte & 15] {
                encoded.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0').to_ascii_uppercase());
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_stays_what_its_template_promised() {
        assert!(check_target("/a/b%2Fc?d=e%20f").is_ok());
        for bad in ["/a/../b", "/a/%2e%2E", "/a/.%2e/", "/a/.", "/a b", "/a\r\nX: y", "/a#b", "/a/ü", "/a{b}"]
        {
            assert_eq!(check_target(bad).unwrap_err().code, "path-unsafe", "{bad}");
        }
        assert!(check_target("/a?next=../b").is_ok());
        assert!(check_target("/a/.../b.c/%2").is_ok());
        let check = |template, rendered| check_filled(empty_segments(template), rendered);
        assert!(check("/a/{{ .x }}", "/a/b").is_ok());
        assert!(
            check("/a/{{ .x // \"?\" }}/", "/a/b/").is_ok(),
            "an expression's own slashes are not the path's"
        );
        assert_eq!(check("/a/{{.x}}", "/a/").unwrap_err().code, "path-incomplete");
        assert_eq!(check("/a/{{.x}}/b", "/a//b").unwrap_err().code, "path-incomplete");
    }

    #[test]
    fn literals_are_what_stands_outside_expressions() {
        assert_eq!(literals("/a/{{ .b }}/c{{d}}").unwrap(), ["/a/", "/c", ""]);
        assert_eq!(literals("/a/{{ .b }"), None);
    }

    #[test]
    fn encoding_leaves_only_unreserved_characters() {
        assert_eq!(percent_encode("a-b_c.d~1 ä&=/"), "a-b_c.d~1%20%C3%A4%26%3D%2F");
    }
}
