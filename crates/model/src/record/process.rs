//! Records of processes: a step that an instance took, and the definition it runs by.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::rest::json;
use super::wire::{Cursor, WireError, put_bytes};
use crate::Millis;

/// A step of an instance: what occurred, and all of its state after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is known of it without reading the state.
    pub head: StepHead,
    /// The state as JSON, in the form of the crate that takes steps.
    pub state: Bytes,
}

/// What is known of a step besides the state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepHead {
    /// The instance.
    pub instance: String,
    /// Where the name of its process is meant.
    pub namespace: String,
    /// Its process.
    pub name: String,
    /// The version of its definition.
    pub version: String,
    /// The fingerprint of the definition, hexadecimal.
    pub digest: String,
    /// What it is known by in business; empty for nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub business_key: String,
    /// `running`, `compensating`, `held`, `completed`, `faulted` or `cancelled`.
    pub phase: String,
    /// Whether nothing more happens by itself.
    #[serde(default)]
    pub ended: bool,
    /// How many questions to persons are open.
    #[serde(default)]
    pub cases: u32,
    /// When the instance started.
    pub started: Millis,
    /// When the step was taken.
    pub updated: Millis,
    /// The instance that waits for this one; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub parent: String,
    /// What occurred: `started`, `answered`, `time`, `event`, `retry`, `skip`, `cancel`, `abandon`.
    pub cause: String,
    /// The key of the effect or task that is meant; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// Who, when it was a person.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub actor: String,
    /// Why, when it was a person.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

impl Step {
    /// Appends the payload: a JSON head with its length, then the state.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        put_bytes(buf, &json(&self.head));
        buf.extend_from_slice(&self.state);
    }

    /// Reads the payload: the head and the state as it lies there.
    pub fn decode(payload: &[u8]) -> Result<(StepHead, &[u8]), WireError> {
        let mut cursor = Cursor::new(payload);
        let head = cursor.bytes()?;
        let head = serde_json::from_slice(head).map_err(|_| cursor.error("the head of a step"))?;
        Ok((head, cursor.rest()))
    }
}

/// A definition of a process, written before the first step that is taken by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defined {
    /// What is known of it.
    pub head: DefinedHead,
    /// The definition as JSON.
    pub source: Bytes,
}

/// What is known of a definition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefinedHead {
    /// The fingerprint of the definition, hexadecimal.
    pub digest: String,
    /// Where the name is meant.
    pub namespace: String,
    /// The process.
    pub name: String,
    /// A semantic version.
    pub version: String,
    /// When it took effect.
    pub at: Millis,
}

impl Defined {
    /// Appends the payload: a JSON head with its length, then the definition.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        put_bytes(buf, &json(&self.head));
        buf.extend_from_slice(&self.source);
    }

    /// Reads the payload: the head and the definition as it lies there.
    pub fn decode(payload: &[u8]) -> Result<(DefinedHead, &[u8]), WireError> {
        let mut cursor = Cursor::new(payload);
        let head = cursor.bytes()?;
        let head = serde_json::from_slice(head).map_err(|_| cursor.error("the head of a definition"))?;
        Ok((head, cursor.rest()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_step_reads_back(texts in proptest::collection::vec(".{0,12}", 6), cases: u32, at: i64, ended: bool, state in ".{0,40}") {
            let text = |n: usize| texts[n].clone();
            let head = StepHead {
                instance: text(0), namespace: text(1), name: text(2), version: text(3), business_key: text(4), reason: text(5),
                cases, ended, started: Millis(at), ..StepHead::default()
            };
            let step = Step { head, state: Bytes::from(state) };
            let mut buf = Vec::new();
            step.encode(&mut buf);
            let (head, state) = Step::decode(&buf).unwrap();
            prop_assert_eq!((&head, state), (&step.head, &step.state[..]));
            let defined = Defined { head: DefinedHead { digest: text(0), ..DefinedHead::default() }, source: step.state };
            buf.clear();
            defined.encode(&mut buf);
            let (head, source) = Defined::decode(&buf).unwrap();
            prop_assert_eq!((&head, source), (&defined.head, &defined.source[..]));
        }

        #[test]
        fn any_payload_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Step::decode(&bytes);
            let _ = Defined::decode(&bytes);
        }
    }
}
