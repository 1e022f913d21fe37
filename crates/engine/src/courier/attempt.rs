//! One attempt: reads the event from the journal, makes the request, asks the sink.

use std::sync::Arc;

use bytes::Bytes;
use lineshaft_logic::deliver::TargetCan;
use lineshaft_logic::lane::Entry;
use lineshaft_logic::request::{self, Rendered};
use lineshaft_model::record::{RecordKind, Replayed};
use lineshaft_model::{
    Answer, Destination, Envelope, IdempotencyKey, Millis, Outcome, OutcomeKind, Position, Reason,
};
use lineshaft_ports::journal::Record;
use lineshaft_ports::{Delivery, Sink};
use lineshaft_store::reading::event_in;
use tokio::sync::{mpsc, oneshot};

use super::can_of;
use crate::hub::Shared;
use crate::lanes::Door;
use crate::recorder::recent::Accepted;
use crate::references::ViewReferences;
use crate::setup::Setup;
use crate::work::{Settled, Work};

/// How an attempt ended.
pub(super) struct Attempted {
    /// The delivery.
    pub(super) entry: Entry,
    /// Whether it was a repeated attempt.
    pub(super) again: bool,
    /// What the sink said; `None` when the event could not be read and nothing was sent.
    pub(super) answer: Option<Answer>,
    /// The route that asked for it.
    pub(super) route: Arc<str>,
    /// What the target can do about a lost answer.
    pub(super) can: TargetCan,
}

/// Where an attempt is made, and where it is said that one begins.
pub(super) struct Place {
    pub(super) door: Arc<Door>,
    pub(super) work: mpsc::Sender<Work>,
}

/// Makes one attempt.
pub(super) async fn attempt(
    shared: Arc<Shared>,
    setup: Arc<Setup>,
    sink: Arc<dyn Sink>,
    place: Place,
    entry: Entry,
    again: bool,
) -> Attempted {
    let can = can_of(&*sink);
    let ended = |answer, route| Attempted { entry, again, answer, route, can };
    let event = match find(&shared, &entry) {
        Ok(Some(event)) => event,
        Ok(None) => {
            let reason = Reason::new("event-not-kept", "the event is no longer in the journal")
                .hint("retention dropped it: discard the delivery");
            return ended(Some(Answer::Refused { status: 0, reason }), Arc::default());
        }
        Err(reason) => {
            tracing::error!(delivery = entry.id.to_string(), code = reason.code, "{}", reason.message);
            shared.supervisor.fatal(&reason);
            return ended(None, Arc::default());
        }
    };
    let (envelope, mut data) = (Arc::clone(&event.envelope), event.data.clone());
    let revision = match amended(&shared, &entry) {
        Ok(None) => None,
        Ok(Some((revision, content))) => {
            data = content;
            Some(revision)
        }
        Err(reason) => {
            tracing::error!(delivery = entry.id.to_string(), code = reason.code, "{}", reason.message);
            shared.supervisor.fatal(&reason);
            return ended(None, Arc::default());
        }
    };
    let scope = event.scope;
    let route = event.route(entry.id.n).map_or_else(Arc::default, Arc::clone);
    drop(event);
    let destination = place.door.destination();
    let operation = setup.plan.operations.get(destination.as_str());
    let request = match operation {
        Some(operation) => {
            let escapes = sink.slots().iter().map(|slot| crate::references::escape(slot.escape));
            let references = ViewReferences::new(&shared.views, &envelope.tenant);
            request::render(operation, escapes, &envelope, &data, shared.clock.now(), &references)
        }
        None => Ok(Rendered { body: data.clone(), slots: Vec::new() }),
    };
    let Rendered { body, slots } = match request {
        Ok(request) => request,
        Err(reason) => return ended(Some(Answer::Refused { status: 0, reason }), route),
    };
    let delivery = Delivery {
        id: entry.id,
        idempotency_key: key_of(&envelope, destination, &route, revision, scope),
        attempt: entry.attempts.saturating_add(1),
        now: shared.clock.now(),
        traceparent: crate::trace::child(&envelope.traceparent, entry.id, entry.attempts),
        envelope,
        data,
        body,
        slots,
    };
    // A call that may be repeated needs no word before it: after a crash it is made again.
    if !can.keep_key && !entry.unknown && !begin(&shared, &place, &entry).await {
        return ended(None, route);
    }
    let tracer = shared.tracer.get().map(|tracer| (tracer, shared.clock.ticks_us()));
    let answer = deliver(&*sink, &delivery, entry.unknown, can).await;
    if let Some((tracer, begun_us)) = tracer {
        tracer.attempted(&delivery, destination, &answer, begun_us, &*shared.clock);
    }
    ended(Some(answer), route)
}

/// Makes durable that an attempt begins, so that after a crash it is known that there may be an effect. False when the hub
/// is stopping.
async fn begin(shared: &Shared, place: &Place, entry: &Entry) -> bool {
    let outcome = Outcome {
        delivery: entry.id,
        kind: OutcomeKind::Begun,
        attempt: entry.attempts.saturating_add(1),
        at: shared.clock.now(),
        due: Millis(0),
        status: 0,
        reason: Some(Reason::new("attempt-begun", "an attempt has begun and nothing has come back yet")),
        foreign_key: None,
        actor: None,
        amendment: Position::ZERO,
    };
    let settled = Settled { outcome, door: Arc::clone(&place.door), order: entry.order, parks: entry.parks };
    let (reply, durable) = oneshot::channel();
    place.work.send(Work::Begun { settled, reply }).await.is_ok() && durable.await.is_ok()
}

/// After an unknown outcome the target is asked first, where it can be.
async fn deliver(sink: &dyn Sink, delivery: &Delivery, unknown: bool, can: TargetCan) -> Answer {
    if unknown && !can.verify && !can.keep_key {
        let why = "an attempt was made whose outcome was never learnt";
        return Answer::Unknown { reason: Reason::new("outcome-unknown", why) };
    }
    if unknown && can.verify {
        match sink.verify(delivery).await {
            done @ Answer::Delivered { .. } => return done,
            Answer::Again { .. } => {}
            open @ (Answer::Unknown { .. } | Answer::Refused { .. }) if !can.keep_key => {
                return match open {
                    Answer::Refused { reason, .. } => Answer::Unknown { reason },
                    other => other,
                };
            }
            Answer::Unknown { .. } | Answer::Refused { .. } => {}
        }
    }
    sink.deliver(delivery).await
}

/// The content that a person has put in the place of the event's data, with its revision.
fn amended(shared: &Shared, entry: &Entry) -> Result<Option<(u32, Bytes)>, Reason> {
    if entry.amended.is_zero() {
        return Ok(None);
    }
    let found = shared.reading.amended(entry.amended).map_err(|error| error.reason())?;
    match found {
        Some((head, data)) => Ok(Some((head.revision, data))),
        None => {
            let message = format!("record {} is no amendment of {}", entry.amended, entry.id);
            Err(Reason::new("record-unreadable", message)
                .hint("`lineshaft journal verify` tells what is damaged"))
        }
    }
}

/// The key under which the effect is asked for.
fn key_of(
    envelope: &Envelope,
    destination: &Destination,
    route: &str,
    revision: Option<u32>,
    scope: Option<Position>,
) -> IdempotencyKey {
    let (source, id, destination) = (&envelope.source, &envelope.id, destination.as_str());
    let key = match revision {
        None => IdempotencyKey::derive(source, id, destination, route),
        Some(revision) => IdempotencyKey::revised(source, id, destination, route, revision),
    };
    scope.map_or_else(|| key.clone(), |job| key.scoped(job))
}

/// The event: still in memory, or from the journal.
fn find(shared: &Shared, entry: &Entry) -> Result<Option<Arc<Accepted>>, Reason> {
    if let Some(event) = shared.recent.find(entry.id.event) {
        return Ok(Some(event));
    }
    let record = match shared.records.get(entry.id.event) {
        Ok(Some(record)) => record,
        Ok(None) => return Ok(None),
        Err(error) => return Err(error.reason()),
    };
    let Some(event) = event_in(&record) else { return Ok(None) };
    let event = event.map_err(|error| {
        Reason::new("record-unreadable", format!("record {}: {error}", entry.id.event))
            .hint("a newer version wrote it: run that version")
    })?;
    let scope = scope_of(&record);
    Ok(Some(Arc::new(Accepted::read(&event, record.payload.slice_ref(event.data), scope))))
}

/// The job of a replay whose effect shall happen again.
fn scope_of(record: &Record) -> Option<Position> {
    if record.kind != RecordKind::Replayed as u8 {
        return None;
    }
    let (head, _) = Replayed::decode(&record.payload).ok()?;
    head.new_scope.then_some(head.job)
}
