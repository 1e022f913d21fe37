//! Plays a case: every step goes the way an input goes through a hub, with the same decisions.

use bytes::Bytes;
use lineshaft_logic::cloudevents::{self, Mode};
use lineshaft_logic::draft::Sender;
use lineshaft_logic::plan::{Route, SourcePlan};
use lineshaft_logic::prepare::{self, Around, Owes, Prepared, Whole};
use lineshaft_logic::request;
use lineshaft_model::event::source_urn;
use lineshaft_model::json::{Limits, Value};
use lineshaft_model::record::Disposition;
use lineshaft_model::{Event, Millis, Reason};

use super::case::{Case, Sent, Step, What};
use super::coverage::{Coverage, Kind};
use super::memory::Memory;
use super::outcome::{self, Members, Outcome};
use super::stage::{Stage, escape};

/// Events of these systems are what the hub itself has come to: nobody owns them.
const HUB: [&str; 2] = ["planning", "hub"];

/// Why a document is dropped that its mapping made nothing of.
const NOTHING_MADE: &str = "no-event";

/// Plays all steps of a case; only what comes of `when` is told.
pub(super) fn play(stage: &Stage, case: &Case, coverage: &mut Coverage) -> Outcome {
    let mut play = Play {
        stage,
        case,
        coverage,
        memory: Memory::new(&case.references),
        outcome: Outcome::default(),
        unnamed: 0,
    };
    let mut now = case.at;
    for step in &case.given {
        now = step.at.unwrap_or(now);
        play.step(step, now);
    }
    play.outcome = Outcome::default();
    for step in &case.when {
        now = step.at.unwrap_or(now);
        play.step(step, now);
    }
    play.outcome
}

struct Play<'p> {
    stage: &'p Stage,
    case: &'p Case,
    coverage: &'p mut Coverage,
    memory: Memory,
    outcome: Outcome,
    /// Events of the API so far, for the ids of those that have none.
    unnamed: usize,
}

impl Play<'_> {
    fn step(&mut self, step: &Step, now: Millis) {
        let now_text = now.to_string();
        let mut prepared = Vec::new();
        let around = Around {
            plan: &self.stage.setup.plan,
            intake: "events",
            content_type: "application/json",
            headers: &[],
            traceparent: "",
            now,
            now_text: &now_text,
            references: &self.memory,
        };
        match &step.what {
            What::Event { event, from } => {
                self.unnamed += 1;
                let bytes = structured(event, &around.plan.tenant, from, self.unnamed);
                let limits = Limits { bytes: around.plan.document_bytes, ..Limits::DEFAULT };
                let sender = Sender { tenant: &around.plan.tenant, system: from, site: "" };
                for part in cloudevents::read(Mode::Structured, &[], &bytes, &limits) {
                    prepared.push(match part.draft {
                        Ok(draft) if HUB.contains(&from.as_str()) => prepare::derived(&around, sender, draft),
                        draft => prepare::cloud_event(&around, sender, &part.bytes, draft),
                    });
                }
            }
            What::Input(sent) => match around.plan.sources.get(&sent.intake) {
                Some(source) => {
                    let around = Around {
                        intake: &sent.intake,
                        content_type: &sent.content_type,
                        headers: &sent.headers,
                        ..around
                    };
                    let (found, empty) = input(&around, source, sent);
                    prepared = found;
                    self.outcome.dropped.extend(empty);
                }
                None => self.outcome.quarantined.push(unknown_source(&sent.intake)),
            },
        }
        if let What::Input(sent) = &step.what
            && prepared.iter().any(|p| matches!(p, Prepared::Event { .. }))
        {
            self.coverage.note(self.stage.parts(), Kind::Source, &sent.intake);
        }
        for prepared in prepared {
            match prepared {
                Prepared::Quarantine(refused) => {
                    self.outcome.quarantined.push(outcome::quarantined(&refused));
                }
                Prepared::Event { event, owes } => self.take(&event, &owes, now),
            }
        }
    }

    /// Takes one event in, and delivers what it owes.
    fn take(&mut self, event: &Event, owes: &[Owes], now: Millis) {
        let why = match self.memory.admit(event) {
            None => "duplicate",
            Some(Disposition::Stale) => "stale",
            Some(Disposition::Echo) => "echo",
            Some(Disposition::Accepted) => {
                self.outcome.events.push(outcome::event(event).done());
                if owes.is_empty() { "unrouted" } else { "" }
            }
        };
        if !why.is_empty() {
            let Value::Object(members) = outcome::event(event).done() else { return };
            let mut dropped = vec![("why".into(), Value::String(why.into()))];
            dropped.extend(members);
            self.outcome.dropped.push(Value::Object(dropped));
            return;
        }
        for owed in owes {
            let route = &self.stage.setup.plan.routes[owed.route];
            self.memory.owe(route.to.system());
            self.coverage.note(self.stage.parts(), Kind::Route, &route.name);
            self.deliver(event, owed, route, now);
        }
    }

    fn deliver(&mut self, event: &Event, owed: &Owes, route: &Route, now: Millis) {
        let destination = route.to.as_str();
        let order_key = owed.order_key.as_deref().unwrap_or_else(|| event.envelope.order_key());
        let members = Members::default()
            .text("to", destination)
            .text("route", &route.name)
            .text("priority", owed.priority.as_str())
            .text("type", &event.envelope.event_type)
            .text("subject", &event.envelope.subject)
            .text("order_key", order_key);
        if self.memory.is_parked(destination, order_key) {
            self.outcome.deliveries.push(members.text("outcome", "parked").done());
            return;
        }
        let (members, refused) = match self.request(event, destination, now) {
            Ok((body, request)) => {
                self.coverage.note(self.stage.parts(), Kind::Operation, destination);
                let answer = self.case.answers.get(destination);
                if let Some(foreign) = answer.and_then(|answer| answer.foreign_key.as_ref()) {
                    self.memory.answered(&event.envelope, route.to.system(), foreign);
                }
                let refused = answer.and_then(|answer| answer.refused.as_ref());
                let refused = refused.map(|why| Reason::new("target-refused", why.clone()));
                (members.value("request", request).value("body", body), refused)
            }
            Err(reason) => (members, Some(reason)),
        };
        if refused.is_some() && route.parks {
            self.memory.park(destination, order_key);
        }
        let outcome = if refused.is_some() { "dead-lettered" } else { "delivered" };
        self.outcome.deliveries.push(members.text("outcome", outcome).reason(refused.as_ref()).done());
    }

    /// What would be sent: the body, and the request as its file describes it.
    fn request(
        &self,
        event: &Event,
        destination: &str,
        now: Millis,
    ) -> Result<(Value<'static>, Value<'static>), Reason> {
        let (operation, sink) = self.stage.operation(destination).ok_or_else(|| {
            Reason::new("operation-missing", format!("there is no operation {destination}"))
        })?;
        let escapes = sink.slots().iter().map(|slot| escape(slot.escape));
        let rendered = request::render(operation, escapes, &event.envelope, &event.data, now, &self.memory)?;
        let request = self.stage.request(destination, sink.slots(), rendered.slots);
        Ok((outcome::document(&rendered.body), request))
    }
}

/// The event as the API would get it, with what every event has and tests need not say.
fn structured(event: &Value<'static>, tenant: &str, from: &str, n: usize) -> Bytes {
    let Value::Object(members) = event else { return Bytes::from(event.to_vec()) };
    let mut members = members.clone();
    let usual = [
        ("specversion", "1.0".to_owned()),
        ("id", format!("event-{n}")),
        ("source", if from.is_empty() { String::new() } else { source_urn(tenant, from) }),
    ];
    for (name, text) in usual {
        if !text.is_empty() && !members.iter().any(|(known, _)| known == name) {
            members.push((name.into(), Value::String(text.into())));
        }
    }
    Bytes::from(Value::Object(members).to_vec())
}

/// What the documents of an input come to, and those that came to nothing.
fn input(around: &Around<'_>, source: &SourcePlan, sent: &Sent) -> (Vec<Prepared>, Vec<Value<'static>>) {
    let whole = Whole { bytes: &sent.bytes, identity: "", origin: &sent.file };
    let (mut prepared, mut empty) = (Vec::new(), Vec::new());
    for found in prepare::documents(around, source, whole) {
        match found {
            Ok(document) => {
                let events = prepare::document(around, source, &document);
                if events.is_empty() {
                    let dropped = Members::default()
                        .text("why", NOTHING_MADE)
                        .text("in", &sent.intake)
                        .text("origin", &document.origin)
                        .value("document", outcome::document(&document.json));
                    empty.push(dropped.done());
                }
                prepared.extend(events);
            }
            Err(refused) => prepared.push(refused),
        }
        if prepared.len() > around.plan.batch_events.max(1) {
            return (vec![prepare::too_many(around, &sent.bytes, &sent.file)], Vec::new());
        }
    }
    (prepared, empty)
}

fn unknown_source(intake: &str) -> Value<'static> {
    Members::default()
        .text("in", intake)
        .text("code", "source-missing")
        .text("message", &format!("there is no source {intake}"))
        .done()
}
