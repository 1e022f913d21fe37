//! What a person may do to a dead letter: send it again, map it again, change it, approve a change, give it up.

use std::sync::Arc;

use bytes::Bytes;
use lineshaft_logic::mend::{self, Edited};
use lineshaft_logic::prepare::Around;
use lineshaft_model::record::{Amended, AmendedHead, Cause, FieldChange};
use lineshaft_model::{
    DeliveryId, DeliveryState, Destination, Millis, Outcome, OutcomeKind, Position, Reason, Reasons,
};
use lineshaft_ports::Refusal;
use lineshaft_store::views::Unfinished;
use tokio::sync::oneshot;

use super::{Asked, Handle, unreadable};
use crate::references::ViewReferences;
use crate::work::{Item, Mended, Mending, Settled, Target, Work};

/// What a person asks to be done with a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mend {
    /// Deliver it again as it is.
    Retry,
    /// Map the original bytes again and deliver what comes of them.
    Restart,
    /// Give it up.
    Discard,
    /// Its outcome was unknown, and somebody has seen that the effect is there.
    Confirm,
}

/// Other content for a dead letter or a refused input.
#[derive(Clone, Debug)]
pub struct Edit {
    /// What takes the place of what is there.
    pub data: Bytes,
    /// The roles of whoever asks.
    pub roles: Vec<String>,
    /// Who asks, and why.
    pub asked: Asked,
}

impl Edit {
    pub(super) fn roles(&self) -> Vec<&str> {
        self.roles.iter().map(String::as_str).collect()
    }
}

/// What an edit would come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Preview {
    /// Where it differs from what is there.
    pub changes: Vec<FieldChange>,
    /// Whether it waits for a second person once it is asked for.
    pub needs_approval: bool,
}

/// What was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Done {
    /// The audit record.
    pub position: Position,
    /// Whether it waits for a second person.
    pub proposed: bool,
}

/// A dead letter as the views had it, and how far they were.
struct Letter {
    asked: Position,
    row: Unfinished,
}

impl Handle {
    /// Does what a person asks with a dead letter. Durable when it returns; the position is that of the audit record.
    pub async fn mend(&self, id: DeliveryId, mend: Mend, asked: Asked) -> Result<Position, Reasons> {
        if matches!(mend, Mend::Discard | Mend::Confirm) && asked.reason.trim().is_empty() {
            let what = if mend == Mend::Discard { "discarded" } else { "confirmed" };
            let message = format!("a dead letter is {what} with a reason");
            return Err(one(Reason::new("reason-missing", message).at("/reason")));
        }
        let letter = self.letter(id).map_err(one)?;
        match mend {
            Mend::Restart => return self.restart(id, letter, asked).await,
            Mend::Confirm if !self.is_unknown(id).map_err(one)? => {
                let message = format!("it is known what became of {id}: its effect is not there");
                return Err(one(Reason::new("outcome-known", message).hint("retry or discard it")));
            }
            _ => {}
        }
        let (kind, action) = match mend {
            Mend::Confirm => (OutcomeKind::Delivered, "dead-letter.confirm"),
            Mend::Discard => (OutcomeKind::Discarded, "dead-letter.discard"),
            Mend::Retry | Mend::Restart => (OutcomeKind::Retried, "dead-letter.retry"),
        };
        let settled = self.settled_by(&letter.row, kind, Position::ZERO, &asked).map_err(one)?;
        let done = self.record(Target::Letter(id), letter.asked, action, asked, Some(settled), None);
        done.await.map(|mended| mended.position)
    }

    /// What an edit of a dead letter would come to; every reason why it cannot be.
    pub fn preview_edit(&self, id: DeliveryId, edit: &Edit) -> Result<Preview, Reasons> {
        let letter = self.letter(id).map_err(one)?;
        let edited = self.edited(id, &letter, edit)?;
        let needs_approval = self.shared.setup.load().plan.mending.second_person;
        Ok(Preview { changes: edited.changes, needs_approval })
    }

    /// Puts other data in the place of a dead letter's and delivers it; where two persons are needed, proposes that.
    pub async fn edit(&self, id: DeliveryId, edit: Edit) -> Result<Done, Reasons> {
        if edit.asked.reason.trim().is_empty() {
            let message = "a dead letter is edited with a reason";
            return Err(one(Reason::new("reason-missing", message).at("/reason")));
        }
        let letter = self.letter(id).map_err(one)?;
        let edited = self.edited(id, &letter, &edit)?;
        let proposed = self.shared.setup.load().plan.mending.second_person;
        let amended = self.amendment(&letter.row, Cause::Edit, edited, &edit.asked, proposed).map_err(one)?;
        let (action, settled) = if proposed {
            ("dead-letter.propose", None)
        } else {
            let kind = OutcomeKind::Retried;
            let settled = self.settled_by(&letter.row, kind, Position::ZERO, &edit.asked).map_err(one)?;
            ("dead-letter.edit", Some(settled))
        };
        let target = Target::Letter(id);
        let mended = self.record(target, letter.asked, action, edit.asked, settled, Some(amended)).await?;
        Ok(Done { position: mended.position, proposed })
    }

    /// A second person approves what another proposed, or rejects it with a reason.
    pub async fn approve(&self, id: DeliveryId, approve: bool, asked: Asked) -> Result<Position, Reasons> {
        let letter = self.letter(id).map_err(one)?;
        let proposal = self.reading().proposal(&id.to_string()).map_err(|e| one(unreadable(&e)))?;
        let Some(proposal) = proposal.filter(|of| of.position > letter.row.entry.outcome) else {
            let reason = Reason::new("no-proposal", format!("nothing is proposed for {id}"));
            return Err(one(reason.hint("somebody may have decided meanwhile: look at it again")));
        };
        if !approve {
            if asked.reason.trim().is_empty() {
                let message = "a proposal is rejected with a reason";
                return Err(one(Reason::new("reason-missing", message).at("/reason")));
            }
            let target = Target::Letter(id);
            let done = self.record(target, letter.asked, "dead-letter.reject", asked, None, None);
            return done.await.map(|mended| mended.position);
        }
        self.second_person(&proposal.head.actor, &asked.actor).map_err(one)?;
        let amended = self.reading().amended(proposal.position).map_err(|e| one(unreadable(&e)))?;
        let event = self.event_type(id).map_err(one)?;
        if let Some((_, data)) = &amended {
            // The contract may have changed since.
            mend::meets_contract(&self.shared.setup.load().plan, &event, data)?;
        }
        let kind = OutcomeKind::Retried;
        let settled = self.settled_by(&letter.row, kind, proposal.position, &asked).map_err(one)?;
        let target = Target::Letter(id);
        let done = self.record(target, letter.asked, "dead-letter.approve", asked, Some(settled), None);
        done.await.map(|mended| mended.position)
    }

    pub(super) fn second_person(&self, first: &str, second: &str) -> Result<(), Reason> {
        if first == second {
            let message = format!("`{first}` proposed it: somebody else approves");
            return Err(Reason::new("second-person-needed", message)
                .hint("ask a colleague with a token or login of their own"));
        }
        Ok(())
    }

    /// What is shown of a dead letter besides what the journal holds: whose it is, and whether it waits too long.
    pub fn told(&self, mut letter: lineshaft_model::shown::DeadLetter) -> lineshaft_model::shown::DeadLetter {
        let setup = self.shared.setup.load();
        let system = letter.delivery.destination.split('.').next().unwrap_or_default();
        letter.owners = setup.systems.get(system).map(|system| system.owners.clone()).unwrap_or_default();
        let age_ms = self.now().since(letter.since);
        letter.overdue = setup.plan.mending.within_ms.is_some_and(|within| age_ms > within);
        letter
    }

    /// The places of a type's data that roles may change; `None` for all of it.
    #[must_use]
    pub fn editable(&self, roles: &[&str], event_type: &str) -> Option<Vec<String>> {
        self.shared.setup.load().plan.mending.fields(roles, event_type)
    }

    async fn restart(&self, id: DeliveryId, letter: Letter, asked: Asked) -> Result<Position, Reasons> {
        self.known(id).map_err(one)?;
        let before = self.content(&letter.row).map_err(one)?;
        let hub = self.clone();
        let mapped = tokio::task::spawn_blocking(move || hub.mapped_again(id.event)).await;
        let data = mapped.map_err(|_| one(Reason::new("internal-fault", "a mapping could not be run")))??;
        let kind = OutcomeKind::Retried;
        let settled = self.settled_by(&letter.row, kind, Position::ZERO, &asked).map_err(one)?;
        let changes = mend::differences_of_bytes(&before, &data);
        let amended = if changes.is_empty() {
            None
        } else {
            let edited = Edited { data, changes };
            Some(self.amendment(&letter.row, Cause::Restart, edited, &asked, false).map_err(one)?)
        };
        let target = Target::Letter(id);
        let done =
            self.record(target, letter.asked, "dead-letter.restart", asked, Some(settled), amended).await?;
        Ok(done.position)
    }

    /// What today's mapping makes of the bytes an event came in.
    pub(crate) fn mapped_again(&self, event: Position) -> Result<Bytes, Reasons> {
        let sent = self.reading().sent(event).map_err(|e| one(unreadable(&e)))?;
        let Some(sent) = sent else {
            let reason = Reason::new("event-not-kept", "the event is no longer in the journal");
            return Err(one(reason.hint("retention dropped it: discard the delivery")));
        };
        let Some((content_type, raw)) = sent.raw else {
            let message = "what was sent is the event itself: there is no mapping to run again";
            return Err(one(Reason::new("restart-not-mapped", message).hint("retry or edit it")));
        };
        let setup = self.shared.setup.load();
        let Some(source) = setup.plan.sources.get(&sent.intake) else {
            let message = format!("there is no source `{}` any more", sent.intake);
            return Err(one(Reason::new("source-unknown", message).hint("retry or edit it")));
        };
        let now = self.now();
        let references = ViewReferences::new(&self.shared.views, &setup.plan.tenant);
        let around = Around {
            plan: &setup.plan,
            intake: &sent.intake,
            content_type: &content_type,
            headers: &[],
            traceparent: "",
            now,
            now_text: &now.to_string(),
            references: &references,
        };
        mend::remap(&around, source, &sent.envelope, &raw)
    }

    /// Refuses what may be there already: other content goes under another key and would be a second effect.
    pub(crate) fn known(&self, id: DeliveryId) -> Result<(), Reason> {
        let letter = self.reading().dead_letter(id).map_err(|e| unreadable(&e))?;
        let Some(letter) = letter else { return Ok(()) };
        let message = format!("it is not known what became of {id}: its effect may be there");
        let not_known = Reason::new("outcome-not-known", message);
        if letter.unknown {
            let hint = "look at the target: confirm it when it is there, retry it as it is when it is not";
            return Err(not_known.hint(hint));
        }
        // Where the target keeps our key no word is written before an attempt: one that a crash has cut off may have had its
        // effect, and only the target's own refusal under that key says that it had none.
        let exhausted = letter.delivery.reason.is_some_and(|reason| reason.code == "retries-exhausted");
        let setup = self.shared.setup.load();
        let keeps = |sink: &Arc<dyn lineshaft_ports::Sink>| sink.keeps_idempotency_key();
        if exhausted && setup.sinks.get(&letter.delivery.destination).is_none_or(keeps) {
            let hint = "retry it as it is: under the same key that is harmless, and the target says what is wrong with it";
            return Err(not_known.hint(hint));
        }
        Ok(())
    }

    fn edited(&self, id: DeliveryId, letter: &Letter, edit: &Edit) -> Result<Edited, Reasons> {
        self.known(id).map_err(one)?;
        let before = self.content(&letter.row).map_err(one)?;
        let event_type = self.event_type(id).map_err(one)?;
        mend::edit(&self.shared.setup.load().plan, &edit.roles(), &event_type, &before, &edit.data)
    }

    fn letter(&self, id: DeliveryId) -> Result<Letter, Reason> {
        // Before the views are asked: what they say is then at least as new.
        let asked = self.shared.views.applied();
        let row = self.shared.views.unfinished(id).map_err(|e| unreadable(&e))?;
        let row = row.filter(|row| row.entry.state == DeliveryState::Dead).ok_or_else(|| {
            Reason::new("not-a-dead-letter", format!("{id} is not a dead letter"))
                .hint("it may have been retried or discarded meanwhile: list the dead letters again")
        })?;
        Ok(Letter { asked, row })
    }

    fn is_unknown(&self, id: DeliveryId) -> Result<bool, Reason> {
        let letter = self.reading().dead_letter(id).map_err(|e| unreadable(&e))?;
        Ok(letter.is_some_and(|letter| letter.unknown))
    }

    fn event_type(&self, id: DeliveryId) -> Result<String, Reason> {
        let row = self.reading().event_row(id.event).map_err(|e| unreadable(&e))?;
        Ok(row.map(|row| row.envelope.event_type).unwrap_or_default())
    }

    pub(crate) fn content(&self, row: &Unfinished) -> Result<Bytes, Reason> {
        let found = self.reading().data_of(&row.entry).map_err(|e| unreadable(&e))?;
        found.ok_or_else(|| Reason::new("event-not-kept", "the event is no longer in the journal"))
    }

    /// The next revision of what a dead letter would deliver.
    pub(crate) fn amendment(
        &self,
        row: &Unfinished,
        cause: Cause,
        edited: Edited,
        asked: &Asked,
        proposed: bool,
    ) -> Result<Amended, Reason> {
        let before = self.reading().amended(row.entry.amended).map_err(|e| unreadable(&e))?;
        let revision = before.map_or(1, |(head, _)| head.revision).saturating_add(1);
        let original = row.entry.delivery.event;
        let previous = if row.entry.amended.is_zero() { original } else { row.entry.amended };
        let head = AmendedHead {
            target: row.entry.delivery.to_string(),
            revision,
            previous,
            cause,
            actor: asked.actor.clone(),
            reason: asked.reason.clone(),
            at: self.now(),
            changes: edited.changes,
            proposed,
        };
        Ok(Amended { head, data: edited.data })
    }

    pub(crate) fn settled_by(
        &self,
        row: &Unfinished,
        kind: OutcomeKind,
        amendment: Position,
        asked: &Asked,
    ) -> Result<Settled, Reason> {
        let why = if asked.reason.is_empty() { "retried by a person" } else { &asked.reason };
        let outcome = Outcome {
            delivery: row.entry.delivery,
            kind,
            attempt: row.entry.attempts,
            at: self.now(),
            due: Millis(0),
            status: 0,
            reason: Some(Reason::new("person", why)),
            foreign_key: None,
            actor: Some(asked.actor.clone()),
            amendment,
        };
        let door = self.shared.lanes.door(&Destination::parse(&row.destination)?);
        Ok(Settled { outcome, door, order: row.entry.order, parks: row.entry.parks })
    }

    async fn record(
        &self,
        target: Target,
        seen: Position,
        action: &str,
        asked: Asked,
        settled: Option<Settled>,
        amended: Option<Amended>,
    ) -> Result<Mended, Reasons> {
        self.record_with(target, seen, action, asked, (settled, amended), (Vec::new(), "")).await
    }

    /// Hands all of it to the recorder and waits until it is durable.
    pub(super) async fn record_with(
        &self,
        target: Target,
        seen: Position,
        action: &str,
        asked: Asked,
        (settled, amended): (Option<Settled>, Option<Amended>),
        (items, intake): (Vec<Item>, &str),
    ) -> Result<Mended, Reasons> {
        let of = match target {
            Target::Letter(id) => id.to_string(),
            Target::Input(position) | Target::Job(position) => position.to_string(),
        };
        tracing::info!(action, target = of, actor = asked.actor, reason = asked.reason, "a person acted");
        let action = self.action(action, &of, asked);
        let (reply, answer) = oneshot::channel();
        let intake = Arc::from(intake);
        let mending = Mending { target, asked: seen, action, amended, settled, items, intake, reply };
        let closed = || one(Reason::new("hub-stopping", Refusal::Closed.to_string()));
        self.work.send(Work::Mend(Box::new(mending))).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?.map_err(one)
    }
}

pub(super) fn one(reason: Reason) -> Reasons {
    vec![reason]
}
