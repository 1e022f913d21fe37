//! What a person or a program is shown: the answers of the API, the CLI and the console.
//!
//! The views fill them, the API serialises them, the command line reads them back. Fields are added freely and never
//! renamed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::record::{Action, AmendedHead, Counts, Disposition, Job};
use crate::{DeliveryId, DeliveryState, Envelope, Millis, OutcomeKind, Position, Priority, Reason, Reasons};

/// One page of a listing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Give it back as `cursor` for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { items: Vec::new(), next: None }
    }
}

/// An event in a listing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventRow {
    /// Its record.
    pub position: Position,
    /// When the hub took it.
    pub received: Millis,
    /// What was decided.
    pub status: Disposition,
    /// CloudEvents attributes.
    #[serde(flatten)]
    pub envelope: Envelope,
    /// Where it came in.
    pub intake: String,
    /// How many deliveries it owes.
    pub owes: u8,
}

/// An event with everything known of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventDetail {
    /// As in a listing.
    #[serde(flatten)]
    pub row: EventRow,
    /// The object it changes: type and key.
    pub object: Option<ObjectRef>,
    /// The object's event before this one.
    pub previous: Position,
    /// Canonical data.
    pub data: Box<RawValue>,
    /// What the source sent.
    pub raw: RawShown,
    /// Further business keys.
    pub keys: Vec<ObjectRef>,
    /// Its deliveries with every attempt.
    pub deliveries: Vec<DeliveryRow>,
    /// What of it is not for this reader: `data`, `raw`, `deliveries`, groups of fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<String>,
}

impl EventDetail {
    /// Whether this is not for the reader.
    #[must_use]
    pub fn withholds(&self, what: &str) -> bool {
        self.withheld.iter().any(|withheld| withheld == what)
    }
}

/// An object by type and key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ObjectRef {
    /// For instance `purchase-order`.
    #[serde(rename = "type")]
    pub object_type: String,
    /// The business key.
    pub key: String,
}

/// Raw input as shown: text when it is UTF-8, base64 otherwise.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RawShown {
    /// Media type.
    pub content_type: String,
    /// Size in bytes.
    pub bytes: usize,
    /// The bytes as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The bytes in base64, when they are not text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
}

/// A delivery.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeliveryRow {
    /// `position.n`.
    pub id: DeliveryId,
    /// The route that asked for it.
    pub route: String,
    /// `system.operation`.
    pub destination: String,
    /// Its class.
    pub priority: Priority,
    /// What keeps its order.
    pub order_key: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// Attempts so far.
    pub attempts: u16,
    /// When the next attempt is due, for `retrying` and `unknown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Millis>,
    /// The event's type and subject, for listings.
    pub event_type: String,
    /// The event's subject.
    pub subject: String,
    /// When the hub took the event.
    pub received: Millis,
    /// The latest outcome's time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<Millis>,
    /// The latest cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Every outcome, oldest first; filled for a single delivery or event only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<OutcomeRow>,
}

/// One outcome of a delivery.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OutcomeRow {
    /// Its record.
    pub position: Position,
    /// What became of the attempt.
    pub kind: OutcomeKind,
    /// Which attempt.
    pub attempt: u16,
    /// When.
    pub at: Millis,
    /// When the next is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Millis>,
    /// The protocol's status; 0 for none.
    pub status: u16,
    /// Cause in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Who, for a person's action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The amendment that is delivered from here on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amendment: Option<Position>,
}

/// Other content for a delivery or a refused input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AmendmentRow {
    /// Its record.
    pub position: Position,
    /// What it says of itself.
    #[serde(flatten)]
    pub head: AmendedHead,
}

/// Who closed a refused input, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedRow {
    /// The record that says so.
    pub position: Position,
    /// What was done.
    #[serde(flatten)]
    pub action: Action,
}

/// Long work that a person asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRow {
    /// The record that says how it stands.
    pub position: Position,
    /// All of it.
    #[serde(flatten)]
    pub job: Job,
}

/// What long work would do, counted before it is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// What matches.
    pub matching: u64,
    /// By what they are: event types, or destination and cause.
    pub by: BTreeMap<String, u64>,
    /// What was looked at.
    pub looked_at: u64,
    /// Whether everything was looked at; otherwise there is more.
    pub complete: bool,
    /// The first records that match.
    pub first: Vec<String>,
}

/// A dead letter: the delivery, and what waits behind it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The delivery.
    #[serde(flatten)]
    pub delivery: DeliveryRow,
    /// Since when it is dead.
    pub since: Millis,
    /// Later deliveries of the same key that wait for it.
    pub parked: u64,
    /// Whether it is not known what became of it: the effect may be there.
    #[serde(default)]
    pub unknown: bool,
    /// Whose it is to mend: `business` and `it`, as the receiving system's file says.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub owners: BTreeMap<String, String>,
    /// Whether it waits for longer than the workspace says it should.
    #[serde(default)]
    pub overdue: bool,
    /// Which revision of the content it is; the event as it came is the first.
    #[serde(default = "first")]
    pub revision: u32,
    /// What would be delivered: the event's data, or an amendment of it; filled for a single one only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Box<RawValue>>,
    /// Every amendment, oldest first; filled for a single one only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amendments: Vec<AmendmentRow>,
    /// An amendment that waits for a second person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<AmendmentRow>,
    /// What the reader may not see: `data`, or the names of groups of fields. Then nothing of what was edited is told either.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<String>,
}

const fn first() -> u32 {
    1
}

/// A refused input.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct QuarantineRow {
    /// Its record, by which it is found.
    pub position: Position,
    /// Where it came in.
    pub intake: String,
    /// Where in a larger input it stood.
    pub origin: String,
    /// When.
    pub received: Millis,
    /// Everything that is wrong with it.
    pub reasons: Reasons,
    /// The event type, when it could be read.
    pub event_type: String,
    /// The business key, when it could be read.
    pub subject: String,
    /// Open, or closed by a person.
    pub open: bool,
    /// Who closed it, and how; filled for a single one only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<ClosedRow>,
    /// An amendment that waits for a second person; filled for a single one only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<AmendmentRow>,
    /// The bytes; filled for a single one only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<RawShown>,
}

/// An object in a listing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ObjectRow {
    /// Type and key.
    #[serde(flatten)]
    pub object: ObjectRef,
    /// Whose it is.
    pub tenant: String,
    /// The revision of its system of record; 0 for none.
    pub revision: u64,
    /// Its latest event's record: also the weak part of the ETag.
    pub position: Position,
    /// Its latest event's type.
    pub event_type: String,
    /// The system that sent its latest event.
    pub system: String,
    /// When the hub took its latest event.
    pub updated: Millis,
    /// Canonical status when its data has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

/// A type of objects that the hub holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ObjectType {
    /// For instance `purchase-order`.
    #[serde(rename = "type")]
    pub object_type: String,
}

/// An object with its state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ObjectDetail {
    /// As in a listing.
    #[serde(flatten)]
    pub row: ObjectRow,
    /// Its state: what its events say together.
    pub data: Box<RawValue>,
    /// Each system's own key.
    pub references: BTreeMap<String, String>,
    /// What of it is not for this reader: `data`, `deliveries`, groups of fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<String>,
}

impl ObjectDetail {
    /// Whether this is not for the reader.
    #[must_use]
    pub fn withholds(&self, what: &str) -> bool {
        self.withheld.iter().any(|withheld| withheld == what)
    }
}

/// How one system stands to an object.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ObjectSystem {
    /// The system.
    pub system: String,
    /// Its own key for the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The latest event it sent about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Position>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Millis>,
    /// The latest event that was delivered to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<Position>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Millis>,
    /// Deliveries about it that are not finished, and their worst state.
    pub unfinished: u64,
    /// The worst state of those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<DeliveryState>,
}

/// One thing that happened to an object, in any system.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// When, by the hub's clock.
    pub at: Millis,
    /// The record that says so.
    pub position: Position,
    /// `event`, `delivered`, `again`, `dead`, `unknown`, `discarded`, `retried`, `quarantined`.
    pub what: String,
    /// The system it happened in.
    pub system: String,
    /// In words, for instance `Purchase order released`.
    pub title: String,
    /// The event it belongs to.
    pub event: Position,
    /// The delivery, for outcomes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<DeliveryId>,
    /// Cause in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// How long after the event, for outcomes, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_ms: Option<i64>,
}

/// One hit of a search by business key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Hit {
    /// The object.
    #[serde(flatten)]
    pub object: ObjectRef,
    /// How many events speak of it (at least; counting stops at the page size).
    pub events: u64,
    /// The latest of them.
    pub latest: Position,
    /// When.
    pub at: Millis,
    /// Whether the hub holds the object itself, or events only mention it.
    pub held: bool,
}

/// A connected system and how it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SystemRow {
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// The connector it uses.
    pub connector: String,
    /// `healthy`, `retrying`, `open` (breaker), `dead-letters`, `paused`, `maintenance`, `idle`.
    pub health: String,
    /// The person's reason when paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<String>,
    /// Its breaker, limits and maintenance windows.
    #[serde(default)]
    pub pace: PaceRow,
    /// Events taken from it since start.
    pub received: u64,
    /// When the latest came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_received: Option<Millis>,
    /// Events taken from it a second over the last ten seconds, times 100 (two decimals).
    #[serde(default)]
    pub received_per_second_x100: u64,
    /// Deliveries made to it a second over the last ten seconds, times 100.
    #[serde(default)]
    pub delivered_per_second_x100: u64,
    /// Its sources' names.
    pub sources: Vec<String>,
    /// A row for each operation.
    pub lanes: Vec<LaneRow>,
}

/// How fast a system is called now, and what holds it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PaceRow {
    /// `closed`, `open`, `half-open`.
    pub breaker: String,
    /// When an open breaker lets a probe through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Millis>,
    /// The person's reason when the breaker was set by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forced: Option<String>,
    /// Until when the system asked to be left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_until: Option<Millis>,
    /// When the maintenance window ends that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintenance_until: Option<Millis>,
    /// When the next maintenance window begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintenance_next: Option<Millis>,
    /// How much of its limits a system that is back has again, in per cent.
    pub ramp_percent: u32,
    /// Calls under way.
    pub under_way: u32,
    /// Most calls under way.
    pub concurrency: u32,
    /// Most calls in a thousand seconds; 0 for no limit.
    pub per_1000_s: u64,
    /// Attempts that may be repeated at once; without any, one a second is.
    pub repeats: u32,
}

/// What one class of a lane has in memory.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ClassRow {
    /// `critical`, `high`, `normal`, `bulk`.
    pub class: String,
    /// Order keys that could go now.
    pub ready: u64,
    /// Whether more of the class is only in the views.
    pub beyond: bool,
}

/// A destination's lane and how it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct LaneRow {
    /// `system.operation`.
    pub destination: String,
    /// `closed`, `open`, `half-open`.
    pub breaker: String,
    /// Attempts under way.
    pub in_flight: u64,
    /// Waiting for their first or next attempt, in memory and beyond.
    pub pending: u64,
    /// Those of them whose latest attempt failed.
    #[serde(default)]
    pub retrying: u64,
    /// Of those, deliveries whose outcome is unknown.
    #[serde(default)]
    pub unknown: u64,
    /// Order keys that wait for their next attempt.
    #[serde(default)]
    pub delayed: u64,
    /// By class, the most urgent first.
    #[serde(default)]
    pub classes: Vec<ClassRow>,
    /// Behind a dead letter.
    pub parked: u64,
    /// Dead letters.
    pub dead: u64,
    /// Delivered since start.
    pub delivered: u64,
    /// Failed attempts since start.
    pub failed_attempts: u64,
    /// When the oldest unfinished was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<Millis>,
    /// The latest failure in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<String>,
}

/// The books of one destination. `routed = delivered + pending + parked + dead + discarded`; `difference` is what is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the sum above names them")]
pub struct DestinationBooks {
    pub destination: String,
    pub routed: u64,
    pub delivered: u64,
    pub pending: u64,
    pub parked: u64,
    pub dead: u64,
    pub discarded: u64,
    pub difference: i64,
}

/// The books: every input and every owed delivery accounted for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Balance {
    /// The journal's end when the books were read.
    pub position: Position,
    /// The views' position: what the sums cover.
    pub applied: Position,
    /// By intake.
    pub inputs: BTreeMap<String, Counts>,
    /// By destination.
    pub destinations: Vec<DestinationBooks>,
    /// Whether nothing is missing.
    pub balanced: bool,
}

/// What became of one event of an intake call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IntakeResult {
    /// The event's id.
    pub id: String,
    /// `accepted`, `duplicate`, `stale`, `echo`, `quarantined`.
    pub status: String,
    /// Its record; for a duplicate that of the first.
    pub position: Position,
    /// Why it was quarantined.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Reasons,
}

/// The hub at a glance, for the console's first page.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Overview {
    /// By the hub's clock.
    pub now: Millis,
    /// The journal's end.
    pub position: Position,
    /// What the views have applied.
    pub applied: Position,
    /// Events a second over the last ten seconds, times 100 (two decimals).
    pub events_per_second_x100: u64,
    /// Deliveries a second over the last ten seconds, times 100.
    pub deliveries_per_second_x100: u64,
    /// Acknowledgement latency, median and 99th percentile of the last minute, in microseconds.
    pub acknowledged_p50_us: u64,
    /// As above, 99th percentile.
    pub acknowledged_p99_us: u64,
    /// From acceptance to delivery, in microseconds.
    pub delivered_p50_us: u64,
    /// As above, 99th percentile.
    pub delivered_p99_us: u64,
    /// Open dead letters.
    pub dead: u64,
    /// Parked behind them.
    pub parked: u64,
    /// Waiting.
    pub pending: u64,
    /// Open quarantined inputs.
    pub quarantined: u64,
    /// Whether the hub takes input now, and if not why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// The systems.
    pub systems: Vec<SystemRow>,
    /// Flows since start: (from, to, count), where one end is `hub` and the other a system or a destination.
    pub flows: Vec<(String, String, u64)>,
    /// Events a second, one value a second, the last minute, newest last.
    pub history: Vec<u64>,
}
