//! What a target said in an answer's body: its key for the object, and its words when it said no.

use lineshaft_model::json::{Limits, Value};
use secrecy::{ExposeSecret, SecretString};

/// Where the usual error bodies keep their words: RFC 9457, OData V2 and V4, and plain habits.
const WORDS: &[&str] = &[
    "/detail",
    "/error/message/value",
    "/error/message",
    "/error_description",
    "/message",
    "/title",
    "/errors/0/message",
    "/errors/0/detail",
    "/errors/0",
    "/error",
    "/reason",
];

/// The longest excerpt kept in a reason, in characters.
const MOST_CHARACTERS: usize = 300;
/// The largest body that is searched for words.
const MOST_BYTES: usize = 64 * 1024;

/// A body without a secret, before anything of it is cut.
pub(super) fn without(body: &[u8], secret: &str) -> Vec<u8> {
    String::from_utf8_lossy(body).replace(secret, "[secret]").into_bytes()
}

/// The target's words, fit for one line of a log, without the secrets that were sent; empty when there are none.
pub(super) fn words(body: &[u8], secrets: &[SecretString]) -> String {
    let body = &body[..body.len().min(MOST_BYTES)];
    let found = Value::parse(body, &Limits::DEFAULT).ok().and_then(|value| {
        let main = WORDS
            .iter()
            .find_map(|pointer| value.pointer(pointer)?.as_str().map(str::to_owned))
            .filter(|text| !text.is_empty())?;
        Some(with_details(main, &value))
    });
    let text = found.or_else(|| in_xml(body)).unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
    // A page made for a browser says nothing to a person who reads a log.
    let start = text.trim_start();
    if start
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case("<html") || start.eq_ignore_ascii_case("<!doc"))
    {
        return String::new();
    }
    // Secrets first: cut to size, one might remain in part.
    let mut text = text;
    for secret in secrets.iter().filter(|secret| secret.expose_secret().len() >= 4) {
        if text.contains(secret.expose_secret()) {
            text = text.replace(secret.expose_secret(), "[secret]");
        }
    }
    let mut line = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > MOST_CHARACTERS * 4 {
            break;
        }
    }
    line.chars().take(MOST_CHARACTERS).collect()
}

/// Lists of further messages in error bodies of OData V2 (SAP) and V4, and how many are told.
const DETAILS: &[&str] = &["/error/innererror/errordetails", "/error/details"];
const MOST_DETAILS: usize = 4;

/// A main message, and those of its details that say something else.
fn with_details(main: String, value: &Value<'_>) -> String {
    let lists = DETAILS.iter().filter_map(|at| value.pointer(at)?.as_array());
    let details = lists.flatten().filter_map(|detail| detail.get("message")?.as_str());
    let mut whole = main;
    for detail in details.take(MOST_DETAILS) {
        if !whole.contains(detail) {
            whole.push_str("; ");
            whole.push_str(detail);
        }
    }
    whole
}

/// The message of an error in Atom, as OData V2 gives it when it does not look at what is accepted.
fn in_xml(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, after) = text.split_once("<message").filter(|_| text.contains("<error"))?;
    let (message, _) = after.split_once('>')?.1.split_once("</message>")?;
    Some(message.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&"))
}

/// Whether a JSON body holds something at a pointer.
pub(super) fn holds(body: &[u8], pointer: &str) -> bool {
    let limits = Limits { bytes: usize::MAX, ..Limits::DEFAULT };
    let value = Value::parse(body, &limits).ok();
    value.as_ref().and_then(|value| value.pointer(pointer)).is_some_and(|found| !found.is_null())
}

/// The text or number at a pointer of a JSON body, as it is written there; at most 256 bytes.
pub(super) fn foreign_key(body: &[u8], pointer: &str) -> Option<String> {
    let value = Value::parse(body, &Limits::DEFAULT).ok()?;
    let found = value.pointer(pointer)?;
    let key = found.as_str().or_else(|| found.as_number())?;
    ((1..=256).contains(&key.len()) && !key.contains(char::is_control)).then(|| key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_usual_errors_are_found() {
        let said = |body: &str| words(body.as_bytes(), &[]);
        assert_eq!(said(r#"{"title":"No","detail":"Item 4711 is\n locked"}"#), "Item 4711 is locked");
        assert_eq!(
            said(r#"{"error":{"code":"X","message":{"lang":"en","value":"Locked by BATCH"}}}"#),
            "Locked by BATCH"
        );
        assert_eq!(said(r#"{"error":{"code":"X","message":"Locked"}}"#), "Locked");
        assert_eq!(said("plain\u{0} words"), "plain words");
        assert_eq!(said("<!DOCTYPE html><p>Oh"), "");
        assert_eq!(said(&"x".repeat(5_000)).len(), MOST_CHARACTERS);
        assert_eq!(words(b"\xff\xfe", &[]), "\u{fffd}\u{fffd}");
    }

    #[test]
    fn an_echoed_secret_is_taken_out_before_the_cut() {
        let secret = [SecretString::from("canary-4711")];
        let long = format!("{} canary-4711", "x".repeat(MOST_CHARACTERS - 8));
        assert!(!words(long.as_bytes(), &secret).contains("canary"));
        assert_eq!(words(br#"{"detail":"token canary-4711 bad"}"#, &secret), "token [secret] bad");
    }

    #[test]
    fn a_foreign_key_keeps_its_digits() {
        let body = br#"{"d":{"PurchaseOrder":"4500001234","n":12345678901234567890.10,"o":{}}}"#;
        assert_eq!(foreign_key(body, "/d/PurchaseOrder").as_deref(), Some("4500001234"));
        assert_eq!(foreign_key(body, "/d/n").as_deref(), Some("12345678901234567890.10"));
        assert_eq!(foreign_key(body, "/d/o"), None);
        assert_eq!(foreign_key(body, "/d/gone"), None);
        assert_eq!(foreign_key(b"<xml/>", "/d"), None);
    }
}
