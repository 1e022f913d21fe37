//! For tests: a journal held in memory, and histories of every kind of record to fill it with.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use lineshaft_model::record::{
    Action, Carried, Defined, DefinedHead, Disposition, Duplicate, EventHead, EventRecord, JsonPayload,
    OutcomeRecord, Owed, Quarantine, QuarantineHead, RecordKind, Step as Taken, StepHead, Tally, Token,
    VERSION,
};
use lineshaft_model::{
    DeliveryId, Envelope, Event, Millis, ObjectKey, Outcome, OutcomeKind, Position, Priority, Raw, Reason,
};
use lineshaft_ports::journal::{JournalRead, ReadError, Record, Records, Segment};
use parking_lot::RwLock;
use proptest::prelude::*;

/// Records in memory, position 1 first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held(Arc<RwLock<Vec<Record>>>, Arc<AtomicU64>);

impl Held {
    pub(crate) fn push(&self, kind: RecordKind, payload: Vec<u8>) -> Position {
        let mut records = self.0.write();
        let position = Position(records.len() as u64 + 1);
        let payload = Bytes::from(payload);
        let written = Millis(0);
        records.push(Record { position, kind: kind as u8, version: VERSION, written, payload });
        position
    }

    /// Drops everything up to a position.
    pub(crate) fn drop_upto(&self, last: Position) {
        self.1.store(last.0, Ordering::Relaxed);
    }

    pub(crate) fn records(&self) -> Vec<Record> {
        self.0.read().clone()
    }

    pub(crate) fn event(&self, head: EventHead, event: &Event, owed: &[Owed<'_>]) -> Position {
        let mut payload = Vec::new();
        EventRecord::encode(&mut payload, head, event, owed);
        self.push(RecordKind::Event, payload)
    }

    pub(crate) fn outcome(&self, outcome: &Outcome) -> Position {
        let mut payload = Vec::new();
        OutcomeRecord::encode(&mut payload, outcome);
        self.push(RecordKind::Outcome, payload)
    }
}

impl JournalRead for Held {
    fn first(&self) -> Position {
        Position(self.1.load(Ordering::Relaxed) + 1)
    }

    fn end(&self) -> Position {
        Position(self.0.read().len() as u64)
    }

    fn get(&self, position: Position) -> Result<Option<Record>, ReadError> {
        if position < self.first() {
            return Ok(None);
        }
        let at = position.0.checked_sub(1).map(|at| at as usize);
        Ok(at.and_then(|at| self.0.read().get(at).cloned()))
    }

    fn read_from(&self, position: Position) -> Result<Records, ReadError> {
        let held = self.clone();
        let mut next = position.max(self.first());
        Ok(Box::new(std::iter::from_fn(move || {
            let record = held.get(next).transpose();
            next = next.next();
            record
        })))
    }

    fn segments(&self) -> Vec<Segment> {
        vec![Segment { first: self.first(), last: self.end(), bytes: 0, closed: None }]
    }
}

pub(crate) const DESTINATIONS: [&str; 2] = ["erp.post", "aps.tell"];
pub(crate) const TYPES: [&str; 4] = [
    "lineshaft.purchase-order.released.v1",
    "lineshaft.purchase-order.changed.v1",
    "lineshaft.purchase-order.confirmed.v1",
    "lineshaft.item.changed.v1",
];

/// One record of a random history.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Event {
        of_type: usize,
        object: u8,
        disposition: Disposition,
        revision: u64,
        data: usize,
        owed: Vec<(usize, bool)>,
    },
    /// Of the delivery with this number among all ever owed, modulo their count.
    Outcome {
        which: usize,
        kind: OutcomeKind,
        foreign: bool,
    },
    /// Of a delivery that was never owed.
    Stray,
    Refused {
        subject: u8,
    },
    Act {
        action: &'static str,
        target: u8,
    },
    Process {
        which: u8,
        phase: u8,
    },
    Token {
        part: u8,
        token: u8,
    },
    Tally {
        count: u64,
    },
    Unknown,
}

pub(crate) fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let disposition = prop_oneof![
        6 => Just(Disposition::Accepted), 1 => Just(Disposition::Stale), 1 => Just(Disposition::Echo)
    ];
    let owed = proptest::collection::vec((0..DESTINATIONS.len(), any::<bool>()), 0..4);
    let event = (0..TYPES.len(), 0u8..5, disposition, 0u64..9, 0usize..4, owed).prop_map(
        |(of_type, object, disposition, revision, data, owed)| {
            let owed = if disposition == Disposition::Accepted { owed } else { Vec::new() };
            Step::Event { of_type, object, disposition, revision, data, owed }
        },
    );
    let kind = prop_oneof![
        4 => Just(OutcomeKind::Delivered), 2 => Just(OutcomeKind::Again), 3 => Just(OutcomeKind::Dead),
        1 => Just(OutcomeKind::Unknown), 1 => Just(OutcomeKind::Discarded), 2 => Just(OutcomeKind::Retried), 1 => Just(OutcomeKind::Begun)
    ];
    // Mostly of the latest deliveries, as it is.
    let outcome = (0usize..200, kind, any::<bool>()).prop_map(|(which, kind, foreign)| Step::Outcome {
        which,
        kind,
        foreign,
    });
    let action = prop_oneof![
        Just("quarantine.discard"),
        Just("system.pause"),
        Just("system.resume"),
        Just("system.breaker-open"),
        Just("system.breaker-close"),
        Just("system.breaker-auto")
    ];
    let step = prop_oneof![
        8 => event,
        12 => outcome,
        1 => Just(Step::Stray),
        1 => (0u8..3).prop_map(|subject| Step::Refused { subject }),
        1 => (action, 0u8..40).prop_map(|(action, target)| Step::Act { action, target }),
        1 => (0u8..3, 0u8..3).prop_map(|(part, token)| Step::Token { part, token }),
        1 => (0u8..4, 0u8..3).prop_map(|(which, phase)| Step::Process { which, phase }),
        1 => (1u64..9).prop_map(|count| Step::Tally { count }),
        1 => Just(Step::Unknown),
    ];
    proptest::collection::vec(step, 1..most)
}

/// The data of events: with a status, without, with none any more, with one further inside.
const DATA: [&str; 4] = [
    r#"{"status":"open","quantity":"1.50"}"#,
    r#"{"text":"plain"}"#,
    r#"{"status":null}"#,
    r#"{"lines":[{"status":"inner"}]}"#,
];

/// Writes a history; the chains of objects are as intake makes them.
pub(crate) fn journal_of(steps: &[Step]) -> Held {
    let mut writer = Writer::default();
    for (at, step) in steps.iter().enumerate() {
        writer.write(at, step);
    }
    writer.held
}

/// Lets a history go on that `played` steps have made so far, with whatever else was written behind them.
pub(crate) fn extend(held: &Held, played: usize, steps: &[Step]) {
    let mut writer = Writer { held: held.clone(), ..Writer::default() };
    writer.recall();
    for (at, step) in steps.iter().enumerate() {
        writer.write(played + at, step);
    }
}

#[derive(Default)]
struct Writer {
    held: Held,
    owed: Vec<DeliveryId>,
    chains: HashMap<ObjectKey, Position>,
}

impl Writer {
    /// Takes up what the records say: what is owed, and where the chains of objects end.
    fn recall(&mut self) {
        for record in self.held.records() {
            let position = record.position;
            if let Ok(event) = EventRecord::decode(&record.payload)
                && record.kind == RecordKind::Event as u8
            {
                self.chains.extend(event.object_key().map(|key| (key, position)));
                self.owed.extend((0..event.owed_count()).map(|n| DeliveryId { event: position, n }));
            }
            if record.kind == RecordKind::Carried as u8
                && let Ok((head, _)) = Carried::decode(&record.payload)
                && head.state.is_some()
            {
                self.chains.insert(ObjectKey::new(&head.tenant, &head.object_type, &head.key), position);
            }
        }
    }

    fn write(&mut self, at: usize, step: &Step) {
        let now = Millis(1_000 + at as i64 * 10);
        match step {
            Step::Event { .. } => self.event(at, step, now),
            Step::Outcome { which, kind, foreign } => {
                let Some(back) = self.owed.len().checked_sub(1) else { return };
                let delivery = self.owed[back - which % self.owed.len()];
                let foreign_key = foreign.then(|| format!("F{}", at % 3));
                self.held.outcome(&outcome_of(delivery, *kind, now, foreign_key));
            }
            Step::Stray => {
                let delivery = DeliveryId { event: Position(1_000_000), n: 0 };
                self.held.outcome(&outcome_of(delivery, OutcomeKind::Delivered, now, Some("X".into())));
            }
            Step::Refused { subject } => self.refused(at, *subject, now),
            Step::Act { action, target } => self.json(
                RecordKind::Action,
                &Action {
                    actor: "kim".into(),
                    action: (*action).into(),
                    target: target.to_string(),
                    reason: format!("because {at}"),
                    at: now,
                    events: Vec::new(),
                },
            ),
            Step::Token { part, token } => {
                let token = if *token == 0 { String::new() } else { token.to_string() };
                let token = Token { intake: "wms/0".into(), part: part.to_string(), token };
                self.json(RecordKind::Token, &token);
            }
            Step::Tally { count } => {
                let duplicates = vec![Duplicate { intake: "wms/1".into(), count: *count }];
                self.json(RecordKind::Tally, &Tally { duplicates });
            }
            Step::Process { which, phase } => {
                let digest = format!("D{}", which % 2);
                let mut payload = Vec::new();
                if *phase == 0 {
                    let head = DefinedHead { digest: digest.clone(), ..DefinedHead::default() };
                    Defined { head, source: Bytes::from_static(b"{}") }.encode(&mut payload);
                    self.held.push(RecordKind::Defined, std::mem::take(&mut payload));
                }
                let head = StepHead {
                    instance: format!("i-{which}"),
                    digest,
                    phase: ["running", "held", "completed"][usize::from(*phase)].into(),
                    ended: *phase == 2,
                    updated: now,
                    ..StepHead::default()
                };
                Taken { head, state: Bytes::from_static(b"{}") }.encode(&mut payload);
                self.held.push(RecordKind::Step, payload);
            }
            Step::Unknown => {
                // A payload that does not read as its kind.
                let kind = if at.is_multiple_of(2) { RecordKind::Event } else { RecordKind::Outcome };
                self.held.push(kind, vec![0xff, 0xff]);
            }
        }
    }

    fn json(&self, kind: RecordKind, value: &impl JsonPayload) {
        let mut payload = Vec::new();
        value.encode(&mut payload);
        self.held.push(kind, payload);
    }

    fn event(&mut self, at: usize, step: &Step, received: Millis) {
        let Step::Event { of_type, object, disposition, revision, data, owed } = step else { return };
        let below = if *of_type == 2 { "/10/AB1" } else { "" };
        let keys = [("item".into(), format!("I{object}")), ("ref:mes".into(), format!("M{}", at % 7))];
        let event = Event {
            envelope: Envelope {
                id: format!("id-{at}"),
                source: "urn:lineshaft:main:wms".into(),
                event_type: TYPES[*of_type].into(),
                subject: format!("K{object}{below}"),
                tenant: "main".into(),
                revision: *revision,
                correlationid: if at.is_multiple_of(3) { format!("C{}", at % 4) } else { String::new() },
                ..Envelope::default()
            },
            data: Bytes::from_static(DATA[*data].as_bytes()),
            raw: Raw::Same,
            intake: format!("wms/{}", object % 2),
            keys: if at.is_multiple_of(5) { keys.into() } else { Vec::new() },
            received,
        };
        let key = event.envelope.object().unwrap();
        let previous = self.chains.get(&key).copied().unwrap_or_default();
        let order_key = event.envelope.order_key().to_owned();
        let owes = |(destination, parks): &(usize, bool)| Owed {
            route: "r",
            destination: DESTINATIONS[*destination],
            priority: if object % 2 == 0 { Priority::High } else { Priority::Normal },
            order_key: &order_key,
            parks: *parks,
        };
        let owed: Vec<Owed<'_>> = owed.iter().map(owes).collect();
        let head = EventHead { disposition: *disposition, previous };
        let position = self.held.event(head, &event, &owed);
        self.chains.insert(key, position);
        self.owed.extend((0..owed.len() as u8).map(|n| DeliveryId { event: position, n }));
    }

    fn refused(&self, at: usize, subject: u8, received: Millis) {
        let head = QuarantineHead {
            tenant: "main".into(),
            intake: "wms/0".into(),
            content_type: "text/csv".into(),
            identity: String::new(),
            origin: format!("line {at}"),
            received,
            reasons: vec![Reason::new("csv-columns", "3 columns instead of 4")],
            subject: if subject == 0 { String::new() } else { format!("K{subject}") },
            event_type: String::new(),
            traceparent: String::new(),
        };
        let mut payload = Vec::new();
        Quarantine { head, raw: Bytes::from_static(b"a;b;c") }.encode(&mut payload);
        self.held.push(RecordKind::Quarantine, payload);
    }
}

pub(crate) fn outcome_of(
    delivery: DeliveryId,
    kind: OutcomeKind,
    at: Millis,
    foreign_key: Option<String>,
) -> Outcome {
    Outcome {
        delivery,
        kind,
        attempt: (at.0 % 50) as u16 + 1,
        at,
        due: if kind == OutcomeKind::Again { at.plus(500) } else { Millis(0) },
        status: 200,
        reason: (kind == OutcomeKind::Dead).then(|| Reason::new("refused", "no such item")),
        foreign_key,
        actor: None,
        amendment: Position::ZERO,
    }
}
