//! The rarer records: quarantined inputs, persons' actions, configurations, source tokens and tallies.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::wire::{Cursor, WireError, put_bytes};
use crate::{Millis, Position, Reasons};

/// What is known of a refused input besides its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineHead {
    /// Whose it is.
    pub tenant: String,
    /// The intake it came through: `system/source`, or `events`.
    pub intake: String,
    /// The media type the source gave.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub content_type: String,
    /// Where in a larger input it stood, for instance `orders.csv line 17`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub origin: String,
    /// Its identity within the source, when the source has one for it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub identity: String,
    /// When the hub took it.
    pub received: Millis,
    /// Everything that is wrong with it.
    pub reasons: Reasons,
    /// The business key, when it could be read.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// The event type, when it could be read.
    #[serde(default, rename = "type", skip_serializing_if = "String::is_empty")]
    pub event_type: String,
    /// W3C trace context it came with.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub traceparent: String,
}

/// A refused input with its bytes, never lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantine {
    /// What is known of it.
    pub head: QuarantineHead,
    /// As sent.
    pub raw: bytes::Bytes,
}

impl Quarantine {
    /// Appends the payload: a JSON head with its length, then the bytes.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        put_bytes(buf, &json(&self.head));
        buf.extend_from_slice(&self.raw);
    }

    /// Reads the payload: the head and the bytes as they lie there.
    pub fn decode(payload: &[u8]) -> Result<(QuarantineHead, &[u8]), WireError> {
        let mut cursor = Cursor::new(payload);
        let head = cursor.bytes()?;
        let head = serde_json::from_slice(head).map_err(|_| cursor.error("a quarantine head"))?;
        Ok((head, cursor.rest()))
    }
}

/// What a person, or the command line on a person's behalf, did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Who: the name of the token or login.
    pub actor: String,
    /// What, for instance `dead-letter.retry`, `quarantine.discard`, `system.pause`.
    pub action: String,
    /// On what, for instance `1042.0` or `erp`.
    pub target: String,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// When.
    pub at: Millis,
    /// The events it brought about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Position>,
}

/// A configuration that took effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configured {
    /// SHA-256 of the workspace's files, hexadecimal.
    pub digest: String,
    /// Who or what asked for it: `start`, `reload`.
    pub cause: String,
    /// When.
    pub at: Millis,
}

/// How far a source has been read. Written with the events it covers, in the same batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// The intake, `system/source`.
    pub intake: String,
    /// What of it the token is for, for instance a file's name; a source may have several.
    pub part: String,
    /// The source's own resume token; empty means finished with, forget it.
    pub token: String,
}

/// How many inputs of one intake were the same event again, for the books.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duplicate {
    /// The intake.
    pub intake: String,
    /// How many.
    pub count: u64,
}

/// How many inputs of a batch needed no record of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Duplicates by intake.
    pub duplicates: Vec<Duplicate>,
}

/// Sums by which the books of the inputs are checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Events that changed their object.
    pub accepted: u64,
    /// Kept, changed nothing.
    pub stale: u64,
    /// Our own changes coming back.
    pub echo: u64,
    /// The same event again.
    pub duplicate: u64,
    /// Refused, kept with their bytes.
    pub quarantined: u64,
}

/// A record whose payload is JSON.
pub trait JsonPayload: Serialize + DeserializeOwned {
    /// Appends the payload.
    fn encode(&self, buf: &mut Vec<u8>) {
        buf.extend_from_slice(&json(self));
    }

    /// Reads the payload.
    fn decode(payload: &[u8]) -> Result<Self, WireError> {
        serde_json::from_slice(payload).map_err(|_| WireError { at: 0, what: "the JSON of its kind" })
    }
}

impl JsonPayload for Action {}
impl JsonPayload for Configured {}
impl JsonPayload for Token {}
impl JsonPayload for Tally {}

pub(super) fn json<T: Serialize>(value: &T) -> Vec<u8> {
    // These types are structs of texts and numbers: there is no value of theirs that JSON cannot hold.
    serde_json::to_vec(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reason;

    #[test]
    fn a_quarantined_input_keeps_every_byte() {
        let quarantine = Quarantine {
            head: QuarantineHead {
                tenant: "main".into(),
                intake: "wms/counts".into(),
                content_type: "text/csv".into(),
                origin: "counts.csv line 17".into(),
                identity: "counts.csv#17".into(),
                received: Millis(5),
                reasons: vec![Reason::new("csv-columns", "3 columns instead of 4").at("line 17")],
                subject: String::new(),
                event_type: String::new(),
                traceparent: String::new(),
            },
            raw: bytes::Bytes::from_static(b"\xff\x00;\"broken"),
        };
        let mut buf = Vec::new();
        quarantine.encode(&mut buf);
        let (head, raw) = Quarantine::decode(&buf).unwrap();
        assert_eq!((head, raw), (quarantine.head, &quarantine.raw[..]));
    }

    #[test]
    fn a_json_payload_reads_back_or_is_refused() {
        let token = Token { intake: "erp/drop".into(), part: "a.csv".into(), token: "42".into() };
        let mut buf = Vec::new();
        token.encode(&mut buf);
        assert_eq!(Token::decode(&buf), Ok(token));
        assert!(Tally::decode(&buf).is_err());
    }
}
