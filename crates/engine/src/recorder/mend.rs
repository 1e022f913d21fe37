//! What a person does to a dead letter or a refused input: written whole, and only while it is as the person saw it.

use lineshaft_model::record::RecordKind;
use lineshaft_model::{Millis, Position, Reason};
use lineshaft_ports::journal::Batch;
use smallvec::SmallVec;

use super::{Recorder, Reply};
use crate::work::{Mended, Mending, Target, Verdict};

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
            lineshaft_model::record::JsonPayload::encode(&action, buf);
        })?;
        if let Some(settled) = &settled {
            self.take_outcome(settled, batch)?;
        }
        self.mended.note(Some(target), position);
        replies.push(Reply::Mend(reply, Mended { position, admitted }));
        Ok(())
    }
}

fn mended_meanwhile(target: Target) -> Reason {
    let what = match target {
        Target::Letter(id) => format!("the dead letter {id}"),
        Target::Input(position) => format!("the quarantined input {position}"),
    };
    Reason::new("mended-meanwhile", format!("somebody else has just done something to {what}"))
        .hint("look at it again and decide anew")
}
