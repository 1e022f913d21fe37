//! What lives on when the oldest segments are dropped: objects carried forward, and the sums of what is gone.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::rest::{Counts, json};
use super::wire::{Cursor, WireError, put_bytes};
use crate::{Millis, Position};

/// An object, written again because records it was known from are about to be dropped. It stands for all of them: reading
/// the object needs nothing before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// What it is, and what the views know of it.
    pub head: CarriedHead,
    /// Its state as JSON; empty when only its cross references are carried.
    pub data: Bytes,
}

/// What is known of a carried object besides its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarriedHead {
    /// Whose it is.
    pub tenant: String,
    /// Its type.
    #[serde(rename = "type")]
    pub object_type: String,
    /// Its key.
    pub key: String,
    /// The object's latest event when this was written.
    pub through: Position,
    /// Where it stands; `None` when only its cross references are carried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<CarriedState>,
    /// Keys that systems have for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<CarriedReference>,
}

/// Where a carried object stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarriedState {
    /// Its revision; zero for none.
    #[serde(default)]
    pub revision: u64,
    /// The type of the latest event that changed it.
    pub event_type: String,
    /// The system that sent that event.
    pub system: String,
    /// When it was received.
    pub updated: Millis,
    /// The fingerprint of its data, by which an echo is known.
    pub hash: u64,
    /// The object's status, when it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The systems it was owed to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owed: Vec<String>,
    /// The site it concerns; empty when unknown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub site: String,
    /// Every partner it names, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partners: Vec<String>,
}

/// A system's own key for a carried object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarriedReference {
    /// The system.
    pub system: String,
    /// Its key for the object.
    pub foreign: String,
    /// The record that said so.
    pub position: Position,
}

impl Carried {
    /// Appends the payload: a JSON head with its length, then the state.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        put_bytes(buf, &json(&self.head));
        buf.extend_from_slice(&self.data);
    }

    /// Reads the payload: the head and the state as it lies there.
    pub fn decode(payload: &[u8]) -> Result<(CarriedHead, &[u8]), WireError> {
        let mut cursor = Cursor::new(payload);
        let head = cursor.bytes()?;
        let head = serde_json::from_slice(head).map_err(|_| cursor.error("a carried head"))?;
        Ok((head, cursor.rest()))
    }
}

/// Everything up to a record is carried forward: it may be dropped at any time from here on. Holds the sums of what its last
/// segment held, so that the books are whole without it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// The last record of the segment.
    pub upto: Position,
    /// What its events owed, all of it finished.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub destinations: Vec<DroppedDeliveries>,
    /// The inputs it held.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<DroppedInputs>,
}

/// Finished deliveries of one destination.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DroppedDeliveries {
    /// `system.operation`.
    pub destination: String,
    /// How many were owed.
    pub routed: u64,
    /// How many of them a person gave up; the others were delivered.
    #[serde(default)]
    pub discarded: u64,
}

/// Inputs of one intake.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DroppedInputs {
    /// The intake.
    pub intake: String,
    /// How many of each kind.
    pub counts: Counts,
}

impl super::JsonPayload for Dropped {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::JsonPayload;

    proptest! {
        #[test]
        fn a_carried_object_reads_back(
            texts in (".{0,9}", "[a-z]{1,9}", ".{1,20}"), revision: u64, hash: u64, through: u64, at: i64,
            with_state: bool, status in proptest::option::of(".{0,9}"), data in proptest::collection::vec(any::<u8>(), 0..50),
        ) {
            let (tenant, object_type, key) = texts;
            let state = with_state.then(|| CarriedState {
                revision,
                event_type: "lineshaft.item.changed.v1".into(),
                system: "erp".into(),
                updated: Millis(at),
                hash,
                status,
                owed: vec!["wms".into()],
                site: "P100".into(),
                partners: vec!["S1".into()],
            });
            let references =
                vec![CarriedReference { system: "wms".into(), foreign: key.clone(), position: Position(through) }];
            let head = CarriedHead { tenant, object_type, key, through: Position(through), state, references };
            let carried = Carried { head, data: Bytes::from(data) };
            let mut buf = Vec::new();
            carried.encode(&mut buf);
            let (head, data) = Carried::decode(&buf).unwrap();
            prop_assert_eq!(&head, &carried.head);
            prop_assert_eq!(data, &carried.data[..]);
        }

        #[test]
        fn any_payload_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Carried::decode(&bytes);
            let _ = Dropped::decode(&bytes);
        }
    }
}
