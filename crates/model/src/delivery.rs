//! What an event owes its destinations, and how each attempt ended.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Millis, Position, Reason};

/// One delivery: the event's position and which of the deliveries it owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId {
    /// The event's record.
    pub event: Position,
    /// Which of the event's deliveries, from 0.
    pub n: u8,
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.event, self.n)
    }
}

impl FromStr for DeliveryId {
    type Err = Reason;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once('.').and_then(|(event, n)| Some((event.parse().ok()?, n.parse().ok()?)));
        let (event, n) = parsed.ok_or_else(|| {
            Reason::new(
                "delivery-id-malformed",
                format!("`{}` is not a delivery", crate::moment::clip(text, 40)),
            )
            .hint("write the event's position, a dot and the delivery's number, for instance 1042.0")
        })?;
        Ok(Self { event, n })
    }
}

impl Serialize for DeliveryId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DeliveryId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Where a delivery goes: a system's operation, written `system.operation`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Destination(String);

impl Destination {
    /// Reads `system.operation`.
    pub fn parse(text: &str) -> Result<Self, Reason> {
        let good = text.split_once('.').is_some_and(|(system, operation)| {
            crate::event_type::is_word(system) && crate::event_type::is_word(operation)
        });
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err(Reason::new(
                "destination-malformed",
                format!("`{}` is not a destination", crate::moment::clip(text, 80)),
            )
            .hint("write system.operation, for instance erp.post-inventory-difference"))
        }
    }

    /// The receiving system.
    #[must_use]
    pub fn system(&self) -> &str {
        self.0.split_once('.').map_or(self.0.as_str(), |(system, _)| system)
    }

    /// The operation called there.
    #[must_use]
    pub fn operation(&self) -> &str {
        self.0.split_once('.').map_or("", |(_, operation)| operation)
    }

    /// `system.operation`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The key that makes a repeated call harmless: the same for every attempt and replay of one event to one destination.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Derived from what the effect is: the event's identity, the destination and the route.
    #[must_use]
    pub fn derive(source: &str, id: &str, destination: &str, route: &str) -> Self {
        Self::of(&[source, id, destination, route])
    }

    /// The key of an amended delivery: other content is another effect, and a target that keeps keys refuses it under the old
    /// one. The same for every attempt of one revision.
    #[must_use]
    pub fn revised(source: &str, id: &str, destination: &str, route: &str, revision: u32) -> Self {
        Self::of(&[source, id, destination, route, &format!("revision {revision}")])
    }

    /// The key of a replay whose effect shall happen again.
    #[must_use]
    pub fn scoped(&self, job: Position) -> Self {
        Self::of(&[&self.0, &format!("replay {job}")])
    }

    fn of(parts: &[&str]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part.as_bytes());
            hasher.update([0xff]);
        }
        let digest = hasher.finalize();
        let mut text = String::with_capacity(35);
        text.push_str("ls-");
        for byte in &digest[..16] {
            text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
            text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        }
        Self(text)
    }

    /// The key as sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a sink says of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The effect is there.
    Delivered {
        /// The protocol's status, for instance 200; 0 when it has none.
        status: u16,
        /// The key the target gave the object, for a cross reference.
        foreign_key: Option<String>,
    },
    /// Not now; no effect.
    Again {
        /// The protocol's status; 0 when there was no answer.
        status: u16,
        /// How long the target asked us to wait, in milliseconds.
        after_ms: Option<u64>,
        /// What happened.
        reason: Reason,
    },
    /// Never, as it is; no effect.
    Refused {
        /// The protocol's status.
        status: u16,
        /// What the target said.
        reason: Reason,
    },
    /// The answer was lost after the request had gone out: there may be an effect.
    Unknown {
        /// What happened.
        reason: Reason,
    },
}

/// How a delivery's record in the journal reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum OutcomeKind {
    /// The effect is there; the end.
    Delivered = 1,
    /// An attempt failed; the next is due at `due`.
    Again = 2,
    /// Given up: a dead letter that waits for a person.
    Dead = 3,
    /// The answer was lost; it will be verified, or tried again under the same key, at `due`.
    Unknown = 4,
    /// A person gave it up, with a reason; the end.
    Discarded = 5,
    /// A person sent a dead letter back to be delivered again.
    Retried = 6,
    /// An attempt begins that could not be repeated without a second effect: should no other outcome follow, it is unknown.
    Begun = 7,
}

impl OutcomeKind {
    /// The kind with this number in the journal.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Delivered,
            2 => Self::Again,
            3 => Self::Dead,
            4 => Self::Unknown,
            5 => Self::Discarded,
            6 => Self::Retried,
            7 => Self::Begun,
            _ => return None,
        })
    }

    /// Whether nothing more will happen to the delivery.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Delivered | Self::Discarded)
    }

    /// The word used in the API and the console.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Again => "again",
            Self::Dead => "dead",
            Self::Unknown => "unknown",
            Self::Discarded => "discarded",
            Self::Retried => "retried",
            Self::Begun => "begun",
        }
    }
}

/// How one attempt, or one person's action, changed a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Which delivery.
    pub delivery: DeliveryId,
    /// What became of it.
    pub kind: OutcomeKind,
    /// Which attempt this was, from 1; the number so far for a person's action.
    pub attempt: u16,
    /// When, by the hub's clock.
    pub at: Millis,
    /// When the next attempt is due, for `Again` and `Unknown`.
    pub due: Millis,
    /// The protocol's status, 0 when there was none.
    pub status: u16,
    /// Cause in words for anything but `Delivered`; a person's reason for `Discarded` and `Retried`.
    pub reason: Option<Reason>,
    /// The key the target gave the object.
    pub foreign_key: Option<String>,
    /// Who, for a person's action.
    pub actor: Option<String>,
    /// The amendment that is delivered from now on in place of the event's data, for `Retried`; zero for none.
    pub amendment: Position,
}

/// Where a delivery stands, as shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum DeliveryState {
    /// Owed, not yet tried or waiting for its turn.
    Pending = 0,
    /// Tried, due again later.
    Retrying = 1,
    /// Behind a dead letter of the same key.
    Parked = 2,
    /// A dead letter.
    Dead = 3,
    /// The answer was lost and has not been settled.
    Unknown = 4,
    /// Done.
    Delivered = 5,
    /// Given up by a person.
    Discarded = 6,
}

impl DeliveryState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::Retrying,
        Self::Parked,
        Self::Dead,
        Self::Unknown,
        Self::Delivered,
        Self::Discarded,
    ];

    /// The word used in the API and the console.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Retrying => "retrying",
            Self::Parked => "parked",
            Self::Dead => "dead",
            Self::Unknown => "unknown",
            Self::Delivered => "delivered",
            Self::Discarded => "discarded",
        }
    }

    /// The state with this number in the views.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| *state as u8 == byte)
    }
}

impl FromStr for DeliveryState {
    type Err = Reason;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|s| s.as_str()).collect();
            Reason::new(
                "delivery-state-unknown",
                format!("`{}` is not a state", crate::moment::clip(text, 32)),
            )
            .hint(format!("use one of {}", names.join(", ")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_depends_on_every_part_and_on_nothing_else() {
        let key = IdempotencyKey::derive("urn:lineshaft:main:wms", "1", "erp.post", "r");
        assert_eq!(key, IdempotencyKey::derive("urn:lineshaft:main:wms", "1", "erp.post", "r"));
        assert_ne!(key, IdempotencyKey::derive("urn:lineshaft:main:wms", "2", "erp.post", "r"));
        assert_ne!(key, IdempotencyKey::derive("urn:lineshaft:main:wms", "1", "erp.pos", "tr"));
        assert_eq!(key.as_str().len(), 35);
    }

    #[test]
    fn ids_and_destinations_read_back() {
        let id: DeliveryId = "1042.3".parse().unwrap();
        assert_eq!((id.event, id.n, id.to_string().as_str()), (Position(1042), 3, "1042.3"));
        assert!("1042".parse::<DeliveryId>().is_err());
        let d = Destination::parse("erp.post-inventory-difference").unwrap();
        assert_eq!((d.system(), d.operation()), ("erp", "post-inventory-difference"));
        assert!(Destination::parse("erp").is_err());
        assert!(Destination::parse("erp.a.b").is_err());
    }

    #[test]
    fn states_read_back() {
        for state in DeliveryState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
            assert_eq!(DeliveryState::from_byte(state as u8), Some(state));
        }
    }
}
