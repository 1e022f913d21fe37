//! Follows the journal: events to those who wait for them, outcomes to those who asked.

use lineshaft_model::record::{Disposition, EventRecord, OutcomeRecord, RecordKind};
use lineshaft_model::{OutcomeKind, Position, Reason};
use lineshaft_process::{Answer, Doc, Fault, Occurrence, Standard, Start};

use super::desk::{By, Desk};

impl Desk {
    /// Looks at the records up to `target` and tells what they are to whom.
    pub(crate) fn follow(&mut self, target: Position) -> Result<(), Reason> {
        if target <= self.followed {
            return Ok(());
        }
        if self.is_idle() {
            self.followed = target;
            return Ok(());
        }
        let records =
            self.shared()?.records.read_from(self.followed.next()).map_err(|error| error.reason())?;
        for record in records {
            let record = record.map_err(|error| error.reason())?;
            if record.position > target {
                break;
            }
            self.followed = record.position;
            match RecordKind::from_byte(record.kind) {
                Some(RecordKind::Event) => {
                    let Ok(event) = EventRecord::decode(&record.payload) else { continue };
                    if event.disposition == Disposition::Accepted {
                        self.event(record.position, &event)?;
                    }
                }
                Some(RecordKind::Outcome) => {
                    if let Ok(outcome) = OutcomeRecord::decode(&record.payload) {
                        self.outcome(&outcome);
                    }
                }
                _ => {}
            }
            self.run()?;
            // All steps are one batch of the journal: the rest is followed with the next.
            if self.is_full() {
                return Ok(());
            }
        }
        self.followed = target;
        Ok(())
    }

    fn event(&mut self, position: Position, event: &EventRecord<'_>) -> Result<(), Reason> {
        let waiting = self.hearing(event.event_type);
        let starting: Vec<_> = self
            .current
            .values()
            .filter(|definition| {
                definition.schedule().on_events()
                    && definition
                        .started_by()
                        .is_none_or(|types| types.iter().any(|of| of == event.event_type))
            })
            .cloned()
            .collect();
        if waiting.is_empty() && starting.is_empty() {
            return Ok(());
        }
        let doc = as_cloud_event(event)?;
        for id in waiting {
            let occurrence = Occurrence::Event { position: position.0, event: doc.clone() };
            self.queue.push_back((id, occurrence, By::default()));
        }
        let now = self.shared()?.clock.now();
        for definition in starting {
            let trigger = self.triggers.entry(definition.digest().to_owned()).or_default();
            if let Some(input) = trigger.hear(&definition, &doc, now) {
                let id = format!("{}-{position}", definition.name().name);
                let new = Start { id, input, parent: None, seen: position.0 };
                self.begin(&definition, new, &By::default())?;
            }
        }
        Ok(())
    }

    fn outcome(&mut self, outcome: &OutcomeRecord<'_>) {
        let answer = match outcome.kind {
            OutcomeKind::Delivered => done(outcome.status, outcome.foreign_key),
            OutcomeKind::Dead | OutcomeKind::Discarded => {
                let unknown = outcome.code == "outcome-unknown";
                failed(outcome.status, outcome.message, unknown)
            }
            OutcomeKind::Again | OutcomeKind::Unknown | OutcomeKind::Begun | OutcomeKind::Retried => return,
        };
        if let Some((id, key)) = self.deliveries.remove(&outcome.delivery) {
            self.asked.remove(&key);
            self.queue.push_back((id, Occurrence::Answered { key, answer }, By::default()));
        }
    }
}

/// What an operation gives: the protocol's status, and the key the system gave.
pub(super) fn done(status: u16, foreign_key: &str) -> Answer {
    let key = if foreign_key.is_empty() { Doc::null() } else { Doc::string(foreign_key) };
    Answer::Done(Doc::object([("status", &Doc::number(status)), ("key", &key)]))
}

/// The error of an operation that was refused or given up.
pub(super) fn failed(status: u16, message: &str, unknown: bool) -> Answer {
    let fault = Fault::standard(Standard::Communication, "Not Delivered", message);
    let fault = if status >= 400 { fault.status(i64::from(status)) } else { fault };
    Answer::Fault(if unknown { fault.unknown() } else { fault })
}

/// An event as processes see it.
fn as_cloud_event(event: &EventRecord<'_>) -> Result<Doc, Reason> {
    let unreadable = |error: serde_json::Error| Reason::new("internal-fault", error.to_string());
    let envelope = serde_json::to_string(&event.envelope()).map_err(unreadable)?;
    let envelope = Doc::parse(&envelope).map_err(|error| Reason::new("internal-fault", error))?;
    let value = envelope.value();
    let members = value.as_object().unwrap_or_default();
    let mut all: Vec<(&str, Doc)> = vec![("specversion", Doc::string("1.0"))];
    all.extend(members.iter().map(|(name, value)| (&**name, Doc::of(value))));
    let data = std::str::from_utf8(event.data).ok().and_then(|text| Doc::parse(text).ok());
    all.push(("data", data.unwrap_or_else(Doc::null)));
    Ok(Doc::object(all.iter().map(|(name, value)| (*name, value))))
}
