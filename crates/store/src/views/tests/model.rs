//! The rules of the views, written down plainly: maps, and every question answered by looking at everything.

use std::collections::{BTreeMap, BTreeSet};

use lineshaft_model::record::{
    Action, Counts, Disposition, EventRecord, JsonPayload, OutcomeRecord, Quarantine, RecordKind, Step,
    Tally, Token,
};
use lineshaft_model::{DeliveryId, DeliveryState, EventType, OutcomeKind, Position, Priority};
use lineshaft_ports::journal::Record;

use crate::views::{DestinationCounts, LaneEntry};

#[derive(Clone, Debug)]
pub(super) struct Owed {
    destination: String,
    order: u64,
    class: Priority,
    parks: bool,
    state: DeliveryState,
    attempts: u16,
}

/// Position, changed, since, revision, status.
type Object = (Position, Position, Position, u64, Option<String>);

#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) deliveries: BTreeMap<DeliveryId, Owed>,
    pub(super) inputs: BTreeMap<String, Counts>,
    pub(super) objects: BTreeMap<(String, String), Object>,
    pub(super) quarantine: BTreeMap<Position, bool>,
    pub(super) tokens: BTreeMap<String, String>,
    /// Phase, and whether it has ended.
    pub(super) processes: BTreeMap<String, (String, bool)>,
    pub(super) paused: BTreeMap<String, String>,
    pub(super) breakers: BTreeMap<String, (bool, String)>,
    pub(super) references: BTreeMap<(String, String, String), String>,
    ended: BTreeMap<String, (u64, u64, u64)>,
    events: BTreeMap<Position, (String, String)>,
}

/// A row without what the model does not say.
type Told = (DeliveryId, DeliveryState, u16);

pub(super) fn of_rows(rows: &[LaneEntry]) -> Vec<Told> {
    rows.iter().map(|row| (row.delivery, row.state, row.attempts)).collect()
}

impl Model {
    pub(super) fn of(records: &[Record]) -> Self {
        let mut model = Self::default();
        for record in records {
            model.take(record);
        }
        model
    }

    fn take(&mut self, record: &Record) {
        let payload = &record.payload[..];
        match RecordKind::from_byte(record.kind).unwrap() {
            RecordKind::Event => {
                if let Ok(event) = EventRecord::decode(payload) {
                    self.take_event(record.position, &event);
                }
            }
            RecordKind::Outcome => {
                if let Ok(outcome) = OutcomeRecord::decode(payload) {
                    self.take_outcome(&outcome);
                }
            }
            RecordKind::Quarantine => {
                let (head, _) = Quarantine::decode(payload).unwrap();
                self.inputs.entry(head.intake).or_default().quarantined += 1;
                self.quarantine.insert(record.position, true);
            }
            RecordKind::Action => {
                let action = Action::decode(payload).unwrap();
                match action.action.as_str() {
                    "system.pause" => drop(self.paused.insert(action.target, action.reason)),
                    "system.resume" => drop(self.paused.remove(&action.target)),
                    "system.breaker-open" => drop(self.breakers.insert(action.target, (true, action.reason))),
                    "system.breaker-close" => {
                        drop(self.breakers.insert(action.target, (false, action.reason)));
                    }
                    "system.breaker-auto" => drop(self.breakers.remove(&action.target)),
                    _ => {
                        let position = Position(action.target.parse().unwrap());
                        self.quarantine.entry(position).and_modify(|open| *open = false);
                    }
                }
            }
            RecordKind::Token => {
                let token = Token::decode(payload).unwrap();
                if token.token.is_empty() {
                    self.tokens.remove(&token.part);
                } else {
                    self.tokens.insert(token.part, token.token);
                }
            }
            RecordKind::Tally => {
                for duplicate in Tally::decode(payload).unwrap().duplicates {
                    self.inputs.entry(duplicate.intake).or_default().duplicate += duplicate.count;
                }
            }
            RecordKind::Step => {
                let (head, _) = Step::decode(payload).unwrap();
                self.processes.insert(head.instance, (head.phase, head.ended));
            }
            RecordKind::Configured
            | RecordKind::Carried
            | RecordKind::Dropped
            | RecordKind::Amended
            | RecordKind::Job
            | RecordKind::Defined
            | RecordKind::Replayed => {}
        }
    }

    fn take_event(&mut self, position: Position, event: &EventRecord<'_>) {
        let counts = self.inputs.entry(event.intake.to_owned()).or_default();
        match event.disposition {
            Disposition::Accepted => counts.accepted += 1,
            Disposition::Stale => counts.stale += 1,
            Disposition::Echo => counts.echo += 1,
        }
        let event_type = EventType::parse(event.event_type).unwrap();
        let (object_type, key) = event.object().unwrap();
        let place = (object_type.to_owned(), key.to_owned());
        self.events.insert(position, place.clone());
        if event.disposition == Disposition::Accepted {
            let own = event_type.split_subject(event.subject).1.is_none();
            let object = self.objects.entry(place).or_insert((position, position, position, 0, None));
            (object.0, object.1) = (position, position);
            if own && event_type.is_whole() {
                (object.2, object.4) = (position, None);
            }
            if own && event.revision > 0 {
                object.3 = event.revision;
            }
            let data: serde_json::Value = serde_json::from_slice(event.data).unwrap();
            if let Some(status) = data.get("status").filter(|_| own) {
                object.4 = status.as_str().map(str::to_owned);
            }
        } else if let Some(object) = self.objects.get_mut(&place) {
            object.0 = position;
        }
        for (of_type, foreign) in event.keys() {
            if let Some(system) = of_type.strip_prefix("ref:") {
                let place = (object_type.to_owned(), key.to_owned(), system.to_owned());
                self.references.insert(place, foreign.to_owned());
            }
        }
        for (n, owed) in (0..).zip(event.owed()) {
            let held = self.held_orders(owed.destination).contains(&owed.order());
            let state = if held { DeliveryState::Parked } else { DeliveryState::Pending };
            let delivery = Owed {
                destination: owed.destination.to_owned(),
                order: owed.order(),
                class: owed.priority,
                parks: owed.parks,
                state,
                attempts: 0,
            };
            self.deliveries.insert(DeliveryId { event: position, n }, delivery);
            self.ended.entry(owed.destination.to_owned()).or_default().0 += 1;
        }
    }

    fn take_outcome(&mut self, outcome: &OutcomeRecord<'_>) {
        let Some(delivery) = self.deliveries.get_mut(&outcome.delivery) else { return };
        let held_before = delivery.state == DeliveryState::Dead;
        if outcome.kind == OutcomeKind::Retried {
            if matches!(delivery.state, DeliveryState::Pending | DeliveryState::Parked) {
                return;
            }
        } else {
            delivery.attempts = outcome.attempt;
        }
        delivery.state = match outcome.kind {
            OutcomeKind::Delivered => DeliveryState::Delivered,
            OutcomeKind::Discarded => DeliveryState::Discarded,
            OutcomeKind::Again => DeliveryState::Retrying,
            OutcomeKind::Unknown | OutcomeKind::Begun => DeliveryState::Unknown,
            OutcomeKind::Dead => DeliveryState::Dead,
            OutcomeKind::Retried => DeliveryState::Pending,
        };
        let delivery = delivery.clone();
        if outcome.kind.is_final() {
            self.deliveries.remove(&outcome.delivery);
            let ended = self.ended.entry(delivery.destination.clone()).or_default();
            match delivery.state {
                DeliveryState::Delivered => ended.1 += 1,
                _ => ended.2 += 1,
            }
        }
        if !outcome.foreign_key.is_empty() {
            let (object_type, key) = self.events[&outcome.delivery.event].clone();
            let system = delivery.destination.split('.').next().unwrap().to_owned();
            self.references.insert((object_type, key, system), outcome.foreign_key.to_owned());
        }
        let held = self.held_orders(&delivery.destination).contains(&delivery.order);
        // A dead letter that is told dead once more holds what it held.
        let newly_held = delivery.state == DeliveryState::Dead && delivery.parks && !held_before;
        for (id, other) in &mut self.deliveries {
            if other.destination != delivery.destination || other.order != delivery.order {
                continue;
            }
            if newly_held && *id > outcome.delivery && other.state == DeliveryState::Pending {
                other.state = DeliveryState::Parked;
            }
            if !held && other.state == DeliveryState::Parked {
                other.state = DeliveryState::Pending;
            }
        }
    }

    pub(super) fn held_orders(&self, destination: &str) -> BTreeSet<u64> {
        let holds =
            |owed: &&Owed| owed.destination == destination && owed.parks && owed.state == DeliveryState::Dead;
        self.deliveries.values().filter(holds).map(|owed| owed.order).collect()
    }

    pub(super) fn orders(&self, destination: &str) -> BTreeSet<u64> {
        self.deliveries
            .values()
            .filter(|owed| owed.destination == destination)
            .map(|owed| owed.order)
            .collect()
    }

    pub(super) fn counts(&self) -> Vec<DestinationCounts> {
        let counts = |(destination, (routed, delivered, discarded)): (&String, &(u64, u64, u64))| {
            let in_state = |state| {
                let there = self.deliveries.values().filter(|owed| owed.destination == *destination);
                there.filter(|owed| owed.state == state).count() as u64
            };
            DestinationCounts {
                destination: destination.clone(),
                routed: *routed,
                delivered: *delivered,
                discarded: *discarded,
                pending: in_state(DeliveryState::Pending),
                retrying: in_state(DeliveryState::Retrying),
                parked: in_state(DeliveryState::Parked),
                dead: in_state(DeliveryState::Dead),
                unknown: in_state(DeliveryState::Unknown),
            }
        };
        self.ended.iter().map(counts).collect()
    }

    fn told(&self, wanted: impl Fn(&Owed) -> bool) -> Vec<Told> {
        let told = |(id, owed): (&DeliveryId, &Owed)| (*id, owed.state, owed.attempts);
        self.deliveries.iter().filter(|(_, owed)| wanted(owed)).map(told).collect()
    }

    pub(super) fn runnable(&self, destination: &str, class: Priority) -> Vec<Told> {
        use DeliveryState::{Pending, Retrying, Unknown};
        self.told(|owed| {
            owed.destination == destination
                && owed.class == class
                && matches!(owed.state, Pending | Retrying | Unknown)
        })
    }

    pub(super) fn of_order(&self, destination: &str, order: u64) -> Vec<Told> {
        self.told(|owed| owed.destination == destination && owed.order == order)
    }

    pub(super) fn unfinished_at(&self, destination: &str) -> Vec<Told> {
        self.told(|owed| owed.destination == destination)
    }

    pub(super) fn dead(&self) -> Vec<Told> {
        let mut dead = self.told(|owed| owed.state == DeliveryState::Dead);
        dead.sort_by_key(|told| (told.0, told.1 as u8, told.2));
        dead
    }
}
