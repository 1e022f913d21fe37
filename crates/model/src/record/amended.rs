//! The amendment record: other content for a delivery or a refused input, with what was changed, by whom and why.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::rest::json;
use super::wire::{Cursor, WireError, put_bytes};
use crate::{Millis, Position};

/// Other content in the place of what an event, or a refused input, holds. The original stays as it is: an amendment is
/// the next revision of it, and says which one it follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amended {
    /// What is known of it.
    pub head: AmendedHead,
    /// The content: canonical data of an event, or the bytes of an input.
    pub data: Bytes,
}

/// What is known of an amendment besides its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AmendedHead {
    /// The delivery, for instance `1042.0`, or the position of the refused input.
    pub target: String,
    /// Which revision of the content this is; the original is the first.
    pub revision: u32,
    /// The record of the revision before: the original, or an amendment.
    pub previous: Position,
    /// How it came about.
    pub cause: Cause,
    /// Who made it.
    pub actor: String,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// When.
    pub at: Millis,
    /// Where it differs from the revision before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<FieldChange>,
    /// Whether it only takes effect once a second person approves.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub proposed: bool,
}

/// How an amendment came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// A person wrote it.
    Edit,
    /// The original bytes were mapped again.
    Restart,
}

impl Cause {
    /// The word used in the API and the console.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Edit => "edit",
            Self::Restart => "restart",
        }
    }
}

/// One place in which two documents differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Where, a JSON pointer (RFC 6901); `line 7` in what is not JSON.
    pub at: String,
    /// What stood there, as JSON text; absent when nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What stands there now; absent when nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

impl Amended {
    /// Appends the payload: a JSON head with its length, then the content.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        put_bytes(buf, &json(&self.head));
        buf.extend_from_slice(&self.data);
    }

    /// Reads the payload: the head, and the content as it lies there.
    pub fn decode(payload: &[u8]) -> Result<(AmendedHead, &[u8]), WireError> {
        let mut cursor = Cursor::new(payload);
        let head = cursor.bytes()?;
        let head = serde_json::from_slice(head).map_err(|_| cursor.error("the head of an amendment"))?;
        Ok((head, cursor.rest()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_amendment_reads_back(texts in (".{1,9}", ".{0,20}", ".{0,20}"), revision: u32, previous: u64,
                                   proposed: bool, data in proptest::collection::vec(any::<u8>(), 0..60)) {
            let (target, reason, before) = texts;
            let changes = vec![FieldChange { at: "/lines/0/item".into(), before: Some(before), after: None }];
            let head = AmendedHead {
                target, revision, previous: Position(previous), cause: Cause::Edit, actor: "a".into(), reason,
                at: Millis(7), changes, proposed,
            };
            let amended = Amended { head, data: Bytes::from(data) };
            let mut buf = Vec::new();
            amended.encode(&mut buf);
            let (head, data) = Amended::decode(&buf).unwrap();
            prop_assert_eq!((&head, data), (&amended.head, &amended.data[..]));
        }

        #[test]
        fn any_payload_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Amended::decode(&bytes);
        }
    }
}
