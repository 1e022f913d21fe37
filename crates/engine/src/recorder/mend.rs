//! What a person does to a dead letter or a refused input: written whole, and only while it is as the person saw it.

use lineshaft_logic::lane::Entry;
use lineshaft_model::record::{JsonPayload, Owed, RecordKind, Replayed, ReplayedHead};
use lineshaft_model::{DeliveryId, Millis, Position, Reason};
use lineshaft_ports::journal::Batch;
use smallvec::SmallVec;

use super::{Recorder, Reply};
use crate::work::{JobStep, LetterItem, Mended, Mending, ReplayItem, Target, Verdict};

impl Recorder {
    /// Writes what came of mending: the amendment, the events, the audit record and the outcome, in one batch. Two who mend the
    /// same thing at the same time are told apart here: the second is told so, and nothing of his is written.
    pub(super) fn take_mending(
        &mut self,
        mending: Mending,
        batch: &mut Batch,
        replies: &mut SmallVec<[Reply; 8]>,
        now: Millis,
    ) -> Result<(), Reason> {
        let Mending { target, asked, mut action, amended, mut settled, items, intake, reply } = mending;
        if !self.mended.is_unchanged(target, asked) {
            drop(reply.send(Err(mended_meanwhile(target))));
            return Ok(());
        }
        if let Some(mut amended) = amended {
            amended.head.at = now;
            let position = self.push(batch, RecordKind::Amended, |buf| amended.encode(buf))?;
            if let Some(settled) = &mut settled {
                settled.outcome.amendment = position;
            }
        }
        let admitted = self.take_items(items, &intake, batch)?;
        action.at = now;
        action.events =
            admitted.iter().filter(|of| of.verdict != Verdict::Quarantined).map(|of| of.position).collect();
        let position: Position = self.push(batch, RecordKind::Action, |buf| {
            JsonPayload::encode(&action, buf);
        })?;
        if let Some(settled) = &settled {
            self.take_outcome(settled, batch)?;
        }
        self.mended.note(Some(target), position);
        replies.push(Reply::Mend(reply, Mended { position, admitted }));
        Ok(())
    }
}

impl Recorder {
    /// Writes a step of long work with what it does. A dead letter that somebody has done something to meanwhile is left out and
    /// counted as skipped.
    pub(super) fn take_step(
        &mut self,
        step: JobStep,
        batch: &mut Batch,
        replies: &mut SmallVec<[Reply; 8]>,
        now: Millis,
    ) -> Result<(), Reason> {
        let JobStep { asked, mut job, action, replays, letters, reply } = step;
        let target = Target::Job(job.id);
        if !job.id.is_zero() && !self.mended.is_unchanged(target, asked) {
            drop(reply.send(Err(mended_meanwhile(target))));
            return Ok(());
        }
        for item in replays {
            self.take_replay(job.id, &item, batch)?;
        }
        for LetterItem { mut settled, amended } in letters {
            let letter = Target::Letter(settled.outcome.delivery);
            if !self.mended.is_unchanged(letter, asked) {
                job.done = job.done.saturating_sub(1);
                job.skipped += 1;
                continue;
            }
            if let Some(mut amended) = amended {
                amended.head.at = now;
                settled.outcome.amendment =
                    self.push(batch, RecordKind::Amended, |buf| amended.encode(buf))?;
            }
            let position = self.next;
            self.take_outcome(&settled, batch)?;
            self.mended.note(Some(letter), position);
        }
        if let Some(mut action) = action {
            action.at = now;
            self.push(batch, RecordKind::Action, |buf| JsonPayload::encode(&action, buf))?;
        }
        job.at = now;
        let position = self.push(batch, RecordKind::Job, |buf| JsonPayload::encode(&job, buf))?;
        let id = if job.id.is_zero() { position } else { job.id };
        self.mended.note(Some(Target::Job(id)), position);
        replies.push(Reply::Step(reply, position));
        Ok(())
    }

    fn take_replay(&mut self, job: Position, item: &ReplayItem, batch: &mut Batch) -> Result<(), Reason> {
        let ReplayItem { original, event, owing, new_scope } = item;
        let head = ReplayedHead { job, original: *original, new_scope: *new_scope };
        let order_key = owing.order_key.as_deref().unwrap_or_else(|| event.envelope.order_key());
        let owed = Owed {
            route: &owing.route,
            destination: owing.door.destination().as_str(),
            priority: owing.priority,
            order_key,
            parks: owing.parks,
        };
        let position =
            self.push(batch, RecordKind::Replayed, |buf| Replayed::encode(buf, &head, event, &owed))?;
        let entry = Entry {
            id: DeliveryId { event: position, n: 0 },
            order: owed.order(),
            share: lineshaft_model::share_of(&event.envelope.source),
            class: owing.priority,
            attempts: 0,
            due: Millis(0),
            since: event.received,
            parks: owing.parks,
            unknown: false,
            amended: Position::ZERO,
        };
        self.for_lane(&owing.door).owed.push(entry);
        Ok(())
    }
}

fn mended_meanwhile(target: Target) -> Reason {
    let what = match target {
        Target::Letter(id) => format!("the dead letter {id}"),
        Target::Input(position) => format!("the quarantined input {position}"),
        Target::Job(id) => format!("the job {id}"),
    };
    Reason::new("mended-meanwhile", format!("somebody else has just done something to {what}"))
        .hint("look at it again and decide anew")
}
