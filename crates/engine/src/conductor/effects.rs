//! Carrying out: operations and events go through intake under the key of the effect, so that they are durable, retried and
//! delivered like everything else; what nobody waits for any more is given up.

use std::sync::Arc;

use lineshaft_logic::draft::Draft;
use lineshaft_model::json::Value;
use lineshaft_model::{
    DeliveryId, DeliveryState, Destination, Envelope, Millis, Outcome, OutcomeKind, Priority, Reason,
};
use lineshaft_ports::Refusal;
use lineshaft_process::{Answer, Doc, Effect, Fault, Standard};

use super::Runner;
use super::desk::{Desk, Todo};
use super::follow::{done, failed};
use crate::work::{Admitted, Owing, Settled, Verdict, Work};

/// The type of the event that carries a request.
const REQUESTED: &str = "lineshaft.process-request.made.v1";
/// The route that asks, as deliveries show it.
const ROUTE: &str = "process";
/// How long to wait when intake is full.
const BUSY_MS: u64 = 200;

/// An effect that goes through intake.
pub(crate) struct Sent {
    pub(crate) draft: Draft,
    /// The delivery it owes, of an operation.
    pub(crate) owing: Option<Owing>,
}

/// Who waits for what was sent.
struct Waits {
    id: String,
    key: String,
    operation: bool,
}

type Answers = Vec<(String, String, Answer)>;

impl Runner {
    /// Does what is to be done. Gives the answers that are there at once; nothing when the hub is stopping.
    pub(super) async fn carry_out(
        &mut self,
        desk: &mut Desk,
        todo: Vec<Todo>,
    ) -> Result<Option<Answers>, Reason> {
        let mut answers = Answers::new();
        let (mut sent, mut waits) = (Vec::new(), Vec::new());
        let mut withdrawn = Vec::new();
        for one in todo {
            match one {
                Todo::Withdraw { key } => {
                    // What is withdrawn in the same breath is not sent at all.
                    if let Some(n) = waits.iter().position(|wait: &Waits| wait.key == key) {
                        waits.remove(n);
                        sent.remove(n);
                    } else if let Some(delivery) = desk.asked.remove(&key) {
                        desk.deliveries.remove(&delivery);
                        withdrawn.push(delivery);
                    }
                }
                Todo::Send { id, key, effect } => match self.prepare(desk, &id, &key, &effect) {
                    Ok(one) => {
                        let operation = one.owing.is_some();
                        sent.push(one);
                        waits.push(Waits { id, key, operation });
                    }
                    Err(fault) => answers.push((id, key, Answer::Fault(*fault))),
                },
            }
        }
        if !withdrawn.is_empty() && !self.give_up(withdrawn).await? {
            return Ok(None);
        }
        if sent.is_empty() {
            return Ok(Some(answers));
        }
        let Some(admitted) = self.send(sent).await else { return Ok(None) };
        let mut again = Vec::new();
        for (wait, admitted) in waits.into_iter().zip(admitted) {
            let delivery = DeliveryId { event: admitted.position, n: 0 };
            match admitted.verdict {
                Verdict::Quarantined => {
                    answers.push((wait.id, wait.key, Answer::Fault(refused(&admitted))));
                }
                _ if !wait.operation => {
                    let position = Doc::string(&admitted.position.to_string());
                    answers.push((wait.id, wait.key, Answer::Done(Doc::object([("position", &position)]))));
                }
                verdict => {
                    desk.deliveries.insert(delivery, (wait.id.clone(), wait.key.clone()));
                    desk.asked.insert(wait.key.clone(), delivery);
                    if verdict == Verdict::Duplicate {
                        again.push((delivery, wait));
                    }
                }
            }
        }
        let opening = desk.opening;
        if !again.is_empty() && !self.asked_again(desk, (again, opening), &mut answers).await? {
            return Ok(None);
        }
        Ok(Some(answers))
    }

    fn prepare(&self, desk: &Desk, id: &str, key: &str, effect: &Effect) -> Result<Sent, Box<Fault>> {
        match effect {
            Effect::Operation { name, data } => {
                let fault = |detail: String| {
                    Box::new(Fault::standard(Standard::Configuration, "No Such Operation", detail))
                };
                let known = desk.setup().is_some_and(|setup| setup.sinks.contains_key(name));
                let destination = Destination::parse(name).ok().filter(|_| known);
                let destination =
                    destination.ok_or_else(|| fault(format!("there is no operation `{name}`")))?;
                let envelope = Envelope {
                    id: key.to_owned(),
                    event_type: REQUESTED.to_owned(),
                    subject: id.to_owned(),
                    ..Envelope::default()
                };
                let owing = Owing {
                    route: Arc::from(ROUTE),
                    door: self.shared.lanes.door(&destination),
                    priority: Priority::High,
                    // What undoes something goes the same way behind it.
                    order_key: Some(key.split("!undo").next().unwrap_or(key).to_owned()),
                    parks: false,
                };
                let draft = Draft { envelope, data: data.as_str().to_owned().into(), keys: Vec::new() };
                Ok(Sent { draft, owing: Some(owing) })
            }
            Effect::Emit(event) => {
                let draft = draft_of(event)
                    .map_err(|detail| Box::new(Fault::standard(Standard::Validation, "No Event", detail)))?;
                Ok(Sent { draft, owing: None })
            }
            other => {
                let detail = format!(
                    "{} calls by address are not carried out: call an operation of a system",
                    other.word()
                );
                Err(Box::new(Fault::standard(Standard::Configuration, "Not Available", detail)))
            }
        }
    }

    /// Hands it to intake until it is taken; nothing when the hub is stopping.
    async fn send(&self, sent: Vec<Sent>) -> Option<Vec<Admitted>> {
        let stop = self.shared.supervisor.stopping();
        let sent = Arc::new(sent);
        loop {
            match self.intake.requested(Arc::clone(&sent)).await {
                Ok(admitted) => return Some(admitted),
                Err(Refusal::Busy { .. }) => {}
                Err(Refusal::TooLarge { .. }) => {
                    tracing::error!(
                        code = "process-request-too-large",
                        "what a process asks for is larger than intake takes"
                    );
                }
                Err(_) => return None,
            }
            tokio::select! {
                () = stop.cancelled() => return None,
                () = self.shared.clock.pause(BUSY_MS) => {}
            }
        }
    }

    /// What was asked for before: it may have been done, or be a dead letter that is to be tried again. False when the hub is
    /// stopping.
    async fn asked_again(
        &mut self,
        desk: &mut Desk,
        (again, opening): (Vec<(DeliveryId, Waits)>, bool),
        answers: &mut Answers,
    ) -> Result<bool, Reason> {
        let end = *self.end.borrow();
        if !self.views_at(end).await {
            return Ok(false);
        }
        let mut retried = Vec::new();
        for (delivery, wait) in again {
            let shown = self.shared.reading.event(delivery.event).map_err(|error| error.reason())?;
            let row = shown.and_then(|event| event.deliveries.into_iter().find(|row| row.id == delivery));
            let state = row.as_ref().map(|row| row.state);
            let answer = match state {
                Some(DeliveryState::Delivered) => done(0, ""),
                Some(DeliveryState::Discarded) => failed(0, "it was given up", true),
                None => failed(0, "the request is no longer in the journal", true),
                // Given up before the hub ended: the process has not been told yet.
                Some(DeliveryState::Dead) if opening => {
                    let reason = row.as_ref().and_then(|row| row.reason.clone());
                    let unknown = reason.as_ref().is_some_and(|reason| reason.code == "outcome-unknown");
                    failed(0, &reason.map(|reason| reason.message).unwrap_or_default(), unknown)
                }
                Some(DeliveryState::Dead) => {
                    retried.extend(self.outcome(
                        delivery,
                        OutcomeKind::Retried,
                        "the process tries it again",
                    )?);
                    continue;
                }
                // It is under way, and its outcome is still to come.
                Some(_) => continue,
            };
            desk.deliveries.remove(&delivery);
            answers.push((wait.id, wait.key, answer));
        }
        Ok(retried.is_empty() || self.work.send(Work::Outcomes(retried)).await.is_ok())
    }

    /// Gives up deliveries that nobody waits for. False when the hub is stopping.
    async fn give_up(&mut self, withdrawn: Vec<DeliveryId>) -> Result<bool, Reason> {
        let latest = withdrawn.iter().map(|delivery| delivery.event).max().unwrap_or_default();
        let end = *self.end.borrow();
        if !self.views_at(latest.max(end)).await {
            return Ok(false);
        }
        let mut outcomes = Vec::new();
        for delivery in withdrawn {
            outcomes.extend(self.outcome(
                delivery,
                OutcomeKind::Discarded,
                "the process no longer waits for it",
            )?);
        }
        Ok(outcomes.is_empty() || self.work.send(Work::Outcomes(outcomes)).await.is_ok())
    }

    /// An outcome of a delivery that is not finished.
    fn outcome(&self, delivery: DeliveryId, kind: OutcomeKind, why: &str) -> Result<Option<Settled>, Reason> {
        let row = self.shared.views.unfinished(delivery).map_err(|error| error.reason())?;
        let Some(row) = row else { return Ok(None) };
        let outcome = Outcome {
            delivery,
            kind,
            attempt: row.entry.attempts,
            at: self.shared.clock.now(),
            due: Millis(0),
            status: 0,
            reason: Some(Reason::new("process", why)),
            foreign_key: None,
            actor: Some(super::PROCESSES.to_owned()),
            amendment: lineshaft_model::Position(0),
        };
        let door = self.shared.lanes.door(&Destination::parse(&row.destination)?);
        Ok(Some(Settled { outcome, door, order: row.entry.order, parks: row.entry.parks }))
    }
}

fn refused(admitted: &Admitted) -> Fault {
    let said: Vec<String> = admitted.reasons.iter().map(ToString::to_string).collect();
    let detail = format!("the event is in quarantine at {}: {}", admitted.position, said.join("; "));
    Fault::standard(Standard::Validation, "Refused", detail)
}

/// A CloudEvent as a draft.
fn draft_of(event: &Doc) -> Result<Draft, String> {
    let value = event.value();
    let mut draft = Draft::default();
    for (name, member) in value.as_object().unwrap_or_default() {
        let text = match member {
            _ if name == "data" => {
                draft.data = member.to_vec().into();
                continue;
            }
            _ if matches!(&**name, "specversion" | "datacontenttype") => continue,
            Value::String(text) | Value::Number(text) => text,
            other => return Err(format!("the attribute `{name}` is {}, not a text", other.kind())),
        };
        match draft.set(name, text) {
            Ok(true) => {}
            Ok(false) => return Err(format!("the attribute `{name}` is not known to the hub")),
            Err(reason) => return Err(reason.message),
        }
    }
    if draft.data.is_empty() {
        draft.data = "{}".into();
    }
    Ok(draft)
}
