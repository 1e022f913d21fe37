//! What a person may do to a refused input: take it again with today's mapping, change it, approve a change, give it up.

use bytes::Bytes;
use lineshaft_logic::cloudevents::{self, Mode};
use lineshaft_logic::draft::Sender;
use lineshaft_logic::mend;
use lineshaft_logic::prepare::{self, Around, Prepared, Whole};
use lineshaft_model::json::Limits;
use lineshaft_model::record::{Amended, AmendedHead, Cause, FieldChange, QuarantineHead};
use lineshaft_model::{Position, Reason, Reasons};

use super::mending::one;
use super::{Asked, Done, Edit, Handle, Preview, unreadable};
use crate::references::ViewReferences;
use crate::work::{Admitted, Item, Target};

/// What became of a refused input that was taken after all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// What was recorded.
    pub done: Done,
    /// What became of each event.
    pub admitted: Vec<Admitted>,
}

/// A refused input that is open, and how far the views were.
struct Open {
    asked: Position,
    head: QuarantineHead,
    raw: Bytes,
}

impl Handle {
    /// Closes a quarantined input without taking it.
    pub async fn discard_quarantined(&self, position: Position, asked: Asked) -> Result<Taken, Reasons> {
        if asked.reason.trim().is_empty() {
            let message = "a quarantined input is discarded with a reason";
            return Err(one(Reason::new("reason-missing", message).at("/reason")));
        }
        let open = self.open(position).map_err(one)?;
        self.taken(position, open, "quarantine.discard", asked, None, Vec::new()).await
    }

    /// Takes a quarantined input again as it came, with today's format, contract and mapping. When it is refused again, it stays
    /// as it is and the reasons are given.
    pub async fn restart_quarantined(&self, position: Position, asked: Asked) -> Result<Taken, Reasons> {
        let open = self.open(position).map_err(one)?;
        let (raw, head) = (open.raw.clone(), open.head.clone());
        let items = self.take_again(head, raw).await?;
        self.taken(position, open, "quarantine.restart", asked, None, items).await
    }

    /// What an edit of a quarantined input would come to; every reason why it cannot be.
    pub async fn preview_edit_of_input(&self, position: Position, edit: &Edit) -> Result<Preview, Reasons> {
        let open = self.open(position).map_err(one)?;
        let changes = self.changes(&open, edit)?;
        self.take_again(open.head, edit.data.clone()).await?;
        Ok(Preview { changes, needs_approval: self.shared.setup.load().plan.mending.second_person })
    }

    /// Takes other bytes in the place of a quarantined input; where two persons are needed, proposes that.
    pub async fn edit_quarantined(&self, position: Position, edit: Edit) -> Result<Taken, Reasons> {
        if edit.asked.reason.trim().is_empty() {
            let message = "a quarantined input is edited with a reason";
            return Err(one(Reason::new("reason-missing", message).at("/reason")));
        }
        let open = self.open(position).map_err(one)?;
        let changes = self.changes(&open, &edit)?;
        let items = self.take_again(open.head.clone(), edit.data.clone()).await?;
        let proposed = self.shared.setup.load().plan.mending.second_person;
        let head = AmendedHead {
            target: position.to_string(),
            revision: 2,
            previous: position,
            cause: Cause::Edit,
            actor: edit.asked.actor.clone(),
            reason: edit.asked.reason.clone(),
            at: self.now(),
            changes,
            proposed,
        };
        let amended = Amended { head, data: edit.data };
        let (action, items) =
            if proposed { ("quarantine.propose", Vec::new()) } else { ("quarantine.edit", items) };
        let mut taken = self.taken(position, open, action, edit.asked, Some(amended), items).await?;
        taken.done.proposed = proposed;
        Ok(taken)
    }

    /// A second person approves what another proposed, or rejects it with a reason.
    pub async fn approve_input(
        &self,
        position: Position,
        approve: bool,
        asked: Asked,
    ) -> Result<Taken, Reasons> {
        let open = self.open(position).map_err(one)?;
        let proposal = self.reading().proposal(&position.to_string()).map_err(|e| one(unreadable(&e)))?;
        let Some(proposal) = proposal else {
            let reason = Reason::new("no-proposal", format!("nothing is proposed for {position}"));
            return Err(one(reason.hint("somebody may have decided meanwhile: look at it again")));
        };
        if !approve {
            if asked.reason.trim().is_empty() {
                let message = "a proposal is rejected with a reason";
                return Err(one(Reason::new("reason-missing", message).at("/reason")));
            }
            return self.taken(position, open, "quarantine.reject", asked, None, Vec::new()).await;
        }
        self.second_person(&proposal.head.actor, &asked.actor).map_err(one)?;
        let amended = self.reading().amended(proposal.position).map_err(|e| one(unreadable(&e)))?;
        let data = amended.map(|(_, data)| data).unwrap_or_default();
        let items = self.take_again(open.head.clone(), data).await?;
        self.taken(position, open, "quarantine.edit", asked, None, items).await
    }

    async fn taken(
        &self,
        position: Position,
        open: Open,
        action: &str,
        asked: Asked,
        amended: Option<Amended>,
        items: Vec<Item>,
    ) -> Result<Taken, Reasons> {
        let intake = open.head.intake;
        let target = Target::Input(position);
        let mended =
            self.record_with(target, open.asked, action, asked, (None, amended), (items, &intake)).await?;
        self.intake.count(&intake, &mended.admitted);
        let done = Done { position: mended.position, proposed: false };
        Ok(Taken { done, admitted: mended.admitted })
    }

    fn open(&self, position: Position) -> Result<Open, Reason> {
        let asked = self.shared.views.applied();
        let entry = self.shared.views.quarantine_entry(position).map_err(|e| unreadable(&e))?;
        let found = match entry.filter(|entry| entry.open) {
            Some(_) => self.reading().refused_input(position).map_err(|e| unreadable(&e))?,
            None => None,
        };
        let (head, raw) = found.ok_or_else(|| {
            Reason::new("not-quarantined", format!("{position} is not an open quarantined input"))
        })?;
        Ok(Open { asked, head, raw })
    }

    fn changes(&self, open: &Open, edit: &Edit) -> Result<Vec<FieldChange>, Reasons> {
        let changes = mend::differences_of_bytes(&open.raw, &edit.data);
        if changes.is_empty() {
            let reason = Reason::new("edit-without-change", "nothing is changed");
            return Err(one(reason.hint("restart it to take it as it is with today's mapping")));
        }
        let mending = &self.shared.setup.load().plan.mending;
        mending.allows_input(&edit.roles(), &open.head.intake, &changes)?;
        Ok(changes)
    }

    /// What an input comes to now; all reasons when any part of it is refused.
    async fn take_again(&self, head: QuarantineHead, raw: Bytes) -> Result<Vec<Item>, Reasons> {
        let hub = self.clone();
        let taken = tokio::task::spawn_blocking(move || hub.items_of(&head, &raw)).await;
        taken.map_err(|_| one(Reason::new("internal-fault", "a mapping could not be run")))?
    }

    fn items_of(&self, head: &QuarantineHead, raw: &Bytes) -> Result<Vec<Item>, Reasons> {
        let setup = self.shared.setup.load();
        let now = self.now();
        let references = ViewReferences::new(&self.shared.views, &setup.plan.tenant);
        let around = Around {
            plan: &setup.plan,
            intake: &head.intake,
            content_type: &head.content_type,
            headers: &[],
            traceparent: &head.traceparent,
            now,
            now_text: &now.to_string(),
            references: &references,
        };
        let prepared = match setup.plan.sources.get(&head.intake) {
            Some(source) => {
                let whole = Whole { bytes: raw, identity: &head.identity, origin: &head.origin };
                prepare::whole(&around, source, whole)
            }
            None if head.intake == "events" => {
                let limits = Limits { bytes: setup.plan.document_bytes, ..Limits::DEFAULT };
                let sender = Sender { tenant: &setup.plan.tenant, system: "", site: "" };
                let parts = cloudevents::read(Mode::Structured, &[], raw, &limits);
                let one_of =
                    |part: cloudevents::Part| prepare::cloud_event(&around, sender, &part.bytes, part.draft);
                parts.into_iter().map(one_of).collect()
            }
            None => {
                let message = format!("there is no source `{}` any more", head.intake);
                return Err(one(Reason::new("source-unknown", message).hint("discard it with a reason")));
            }
        };
        let prepared = crate::intake::bounds::keep(&around, prepared, raw, &head.origin);
        let mut reasons = Reasons::new();
        for refused in &prepared {
            if let Prepared::Quarantine(refused) = refused {
                reasons.extend(refused.head.reasons.iter().cloned());
            }
        }
        if !reasons.is_empty() {
            return Err(reasons);
        }
        let item = |prepared| crate::intake::item(&self.shared, &setup.plan, prepared);
        Ok(prepared.into_iter().map(item).collect())
    }
}
