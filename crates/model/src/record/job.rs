//! The job record: long work that a person asked for, how far it is and how it stands; and what a replay writes.

use serde::{Deserialize, Serialize};

use super::rest::json;
use super::wire::{Cursor, WireError, put_bytes};
use super::{EventHead, EventRecord, Owed};
use crate::{DeliveryId, Event, Millis, Position, Reason};

/// Long work that a person asked for. Each record says all of it; the latest counts. Written in one batch with what the work
/// does, so that after a crash it goes on exactly where it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The position of its first record, by which it is found; zero in that record itself.
    #[serde(default, skip_serializing_if = "is_first")]
    pub id: Position,
    /// What is to be done.
    pub order: JobOrder,
    /// Who asked.
    pub actor: String,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// When it was asked for.
    pub begun: Millis,
    /// When this was written.
    pub at: Millis,
    /// How it stands.
    pub state: JobState,
    /// What it has looked at: the last record, for a replay.
    #[serde(default)]
    pub reached: Position,
    /// The last dead letter it has looked at, and when that died.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub letter: Option<(Millis, DeliveryId)>,
    /// What was done so far.
    #[serde(default)]
    pub done: u64,
    /// What matched and was left as it is, for instance because nobody knows its outcome.
    #[serde(default)]
    pub skipped: u64,
    /// How much there was when it was asked for; zero when that was not counted.
    #[serde(default)]
    pub expected: u64,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Reason>,
}

/// What a job does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum JobOrder {
    /// Events of the past go to a destination again.
    Replay(ReplayOrder),
    /// Dead letters are retried, restarted or discarded.
    DeadLetters(LettersOrder),
}

/// Which events are replayed where to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayOrder {
    /// `system.operation`.
    pub to: String,
    /// From this record.
    #[serde(default)]
    pub from: Position,
    /// Up to this one, it included.
    #[serde(default)]
    pub until: Position,
    /// Only events that took this route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Only of these types; parts may be `*`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// Only about exactly this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Only from this system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Only those for which this jq expression holds.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// Whether effects that are there already shall happen again: another idempotency key.
    #[serde(default)]
    pub new_scope: bool,
    /// At most so many a second.
    #[serde(default)]
    pub per_second: u32,
}

/// Which dead letters, and what becomes of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LettersOrder {
    /// What is done.
    pub action: LettersAction,
    /// Only of this `system.operation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Only with this code as their cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// At most so many a second.
    #[serde(default)]
    pub per_second: u32,
}

/// What is done with many dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LettersAction {
    /// Delivered again as they are.
    Retry,
    /// Mapped again from the original bytes.
    Restart,
    /// Given up.
    Discard,
}

impl LettersAction {
    /// The word used in the API and the console.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Restart => "restart",
            Self::Discard => "discard",
        }
    }
}

/// How a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Under way, also over restarts.
    Running,
    /// Stopped by a person; it can be resumed.
    Cancelled,
    /// Through.
    Done,
    /// It cannot go on; it can be resumed once the cause is mended.
    Failed,
}

impl JobState {
    /// The word used in the API and the console.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Cancelled => "cancelled",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_first(id: &Position) -> bool {
    id.is_zero()
}

impl super::JsonPayload for Job {}

/// An event of the past, owed to a destination again. The whole event is written again, so that nothing before it is needed.
#[derive(Debug)]
pub struct Replayed;

/// What is known of a replayed event besides the event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayedHead {
    /// The job.
    pub job: Position,
    /// The event's own record, which may be gone by now.
    pub original: Position,
    /// Whether its effect shall happen again though it may be there.
    #[serde(default)]
    pub new_scope: bool,
}

impl Replayed {
    /// Appends the payload: a JSON head with its length, then an event record.
    pub fn encode(buf: &mut Vec<u8>, head: &ReplayedHead, event: &Event, owed: &Owed<'_>) {
        put_bytes(buf, &json(head));
        EventRecord::encode(buf, EventHead::default(), event, std::slice::from_ref(owed));
    }

    /// Reads the payload.
    pub fn decode(payload: &[u8]) -> Result<(ReplayedHead, EventRecord<'_>), WireError> {
        let mut cursor = Cursor::new(payload);
        let head = cursor.bytes()?;
        let head = serde_json::from_slice(head).map_err(|_| cursor.error("the head of a replayed event"))?;
        Ok((head, EventRecord::decode(cursor.rest())?))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::record::JsonPayload;
    use crate::{Envelope, Priority, Raw};

    #[test]
    fn a_job_reads_back() {
        let order = ReplayOrder { to: "erp.post".into(), key: Some("BOLT".into()), ..ReplayOrder::default() };
        let job = Job {
            id: Position(7),
            order: JobOrder::Replay(order),
            actor: "kim".into(),
            reason: "its database was restored".into(),
            begun: Millis(1),
            at: Millis(2),
            state: JobState::Cancelled,
            reached: Position(40),
            letter: Some((Millis(3), DeliveryId { event: Position(4), n: 1 })),
            done: 5,
            skipped: 0,
            expected: 9,
            problem: Some(Reason::new("x", "y")),
        };
        let mut buf = Vec::new();
        job.encode(&mut buf);
        assert_eq!(Job::decode(&buf), Ok(job));
    }

    #[test]
    fn a_replayed_event_reads_back() {
        let event = Event {
            envelope: Envelope { id: "e1".into(), source: "urn:x".into(), ..Envelope::default() },
            data: Bytes::from_static(b"{}"),
            raw: Raw::Same,
            intake: "replay".into(),
            keys: Vec::new(),
            received: Millis(9),
        };
        let owed = Owed {
            route: "r",
            destination: "erp.post",
            priority: Priority::Bulk,
            order_key: "BOLT",
            parks: true,
        };
        let head = ReplayedHead { job: Position(7), original: Position(3), new_scope: true };
        let mut buf = Vec::new();
        Replayed::encode(&mut buf, &head, &event, &owed);
        let (read, record) = Replayed::decode(&buf).unwrap();
        assert_eq!((read, record.id, record.owed_at(0)), (head, "e1", Some(owed)));
    }

    proptest! {
        #[test]
        fn any_payload_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Job::decode(&bytes);
            let _ = Replayed::decode(&bytes).map(|(head, _)| head);
        }
    }
}
