//! The event and its CloudEvents envelope.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{EventType, Fingerprint, Millis, ObjectKey, Priority, Reason};

/// CloudEvents 1.0 attributes and the extensions the hub always knows. Texts are kept as they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Unique within `source`.
    pub id: String,
    /// `urn:lineshaft:<tenant>:<system>`.
    pub source: String,
    /// `lineshaft.<object>.<verb>.v<major>`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The business key.
    pub subject: String,
    /// When it happened in the business, RFC 3339 with offset. Empty when the source did not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub time: String,
    /// The contract the data follows.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub dataschema: String,
    /// Who owns the data.
    pub tenant: String,
    /// The plant or site it concerns.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub site: String,
    /// What keeps order, when that is not the subject.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub partitionkey: String,
    /// The object's revision in its system of record, 0 when the source has none.
    #[serde(default, rename = "sequence", skip_serializing_if = "is_zero")]
    pub revision: u64,
    /// W3C trace context.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub traceparent: String,
    /// How urgent the source says it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// The business transaction it belongs to.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub correlationid: String,
    /// The event or delivery that caused it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub causationid: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Envelope {
    /// The sending system: the last part of `source`.
    #[must_use]
    pub fn system(&self) -> &str {
        system_of(&self.source)
    }

    /// The parsed type.
    pub fn parsed_type(&self) -> Result<EventType<'_>, Reason> {
        EventType::parse(&self.event_type)
    }

    /// The object whose state the event changes.
    pub fn object(&self) -> Result<ObjectKey, Reason> {
        let event_type = self.parsed_type()?;
        let (key, _) = event_type.split_subject(&self.subject);
        Ok(ObjectKey::new(&self.tenant, event_type.object_type(), key))
    }

    /// What makes it the same event again: (source, id).
    #[must_use]
    pub fn identity(&self) -> Fingerprint {
        Fingerprint::of(&[&self.source, &self.id])
    }

    /// What keeps its order: the partition key, or the subject.
    #[must_use]
    pub fn order_key(&self) -> &str {
        if self.partitionkey.is_empty() { &self.subject } else { &self.partitionkey }
    }
}

/// The system named by a source URN; the whole text when it is not one of ours.
#[must_use]
pub fn system_of(source: &str) -> &str {
    match source.strip_prefix("urn:lineshaft:") {
        Some(rest) => rest.rsplit(':').next().unwrap_or(rest),
        None => source,
    }
}

/// The URN of a system within a tenant.
#[must_use]
pub fn source_urn(tenant: &str, system: &str) -> String {
    format!("urn:lineshaft:{tenant}:{system}")
}

/// What the source sent, byte for byte, kept so that a wrong mapping can be mended and the event restarted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Raw {
    /// The canonical data is what was sent.
    #[default]
    Same,
    /// The bytes and their media type.
    Inline {
        /// For instance `text/csv`.
        content_type: String,
        /// As sent.
        bytes: Bytes,
    },
    /// The same input produced several events; the bytes are in the first of them, this many records before.
    Before(u64),
}

/// An event on its way into the journal: canonical, with the input it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The CloudEvents attributes.
    pub envelope: Envelope,
    /// Canonical data, compact JSON.
    pub data: Bytes,
    /// What the source sent.
    pub raw: Raw,
    /// The intake it came through, `system/source`, or `events` for the CloudEvents API.
    pub intake: String,
    /// Further business keys it can be found by, besides its object's: (object type, key).
    pub keys: Vec<(String, String)>,
    /// When the hub took it.
    pub received: Millis,
}
