//! What is handed to the recorder: the only way to put anything into the journal.

use std::sync::Arc;

use lineshaft_logic::lane::Change;
use lineshaft_model::record::{
    Action, Amended, Configured, Defined, Disposition, Job, Quarantine, Step, Token,
};
use lineshaft_model::{DeliveryId, Event, Outcome, Position, Priority, Raw, Reason, Reasons};
use lineshaft_ports::Refusal;
use lineshaft_store::reading::Carry;
use smallvec::SmallVec;
use tokio::sync::{mpsc, oneshot};

use crate::lanes::Door;

/// One piece of work. Everything in it becomes durable in one batch or not at all.
#[derive(Debug)]
pub enum Work {
    /// What one input came to.
    Intake(Intake),
    /// How attempts ended, and what persons did to deliveries.
    Outcomes(Vec<Settled>),
    /// An attempt is about to be made that must not be repeated unasked.
    Begun {
        /// The delivery, with an outcome of that kind.
        settled: Settled,
        /// Told the record's position once durable.
        reply: oneshot::Sender<Position>,
    },
    /// What a person did, with what it does to deliveries.
    Action {
        /// The audit record.
        action: Action,
        /// Outcomes it causes.
        outcomes: Vec<Settled>,
        /// Told the action's position once durable.
        reply: oneshot::Sender<Position>,
    },
    /// What a person does to a dead letter or a refused input.
    Mend(Box<Mending>),
    /// A step of long work.
    Job(Box<JobStep>),
    /// Steps that instances of processes took, and how far the journal was followed to take them.
    Steps {
        /// Definitions that are not in the journal yet.
        defined: Vec<Defined>,
        /// In the order in which they were taken.
        steps: Vec<Step>,
        /// How far the journal was followed.
        resume: Option<Token>,
        /// Told the position of the last record once all of it is durable.
        reply: oneshot::Sender<Position>,
    },
    /// A configuration took effect.
    Configured(Configured),
    /// What is written again before the journal's oldest segment is dropped. What has changed since the views were asked is
    /// left out: the keeper asks again.
    Carry {
        /// In any order.
        carries: Vec<Carry>,
        /// How far the views were at least when they were asked.
        asked: Position,
        /// Told the journal's end once all of it is durable.
        reply: oneshot::Sender<Position>,
    },
    /// The journal's oldest segments are dropped that end before a position.
    Drop {
        /// The first record that stays.
        keep: Position,
        /// Told the first record that is kept.
        reply: oneshot::Sender<Position>,
    },
    /// The recorder looks whether the disk has room.
    Look,
    /// Nothing more will come: write what is there and end.
    Stop,
}

/// Pieces of work in one group commit at most.
pub(crate) const GROUP: usize = 4096;

/// Bytes in one group commit after which no more work joins it: far below what one batch of the journal holds, so that the
/// last piece, however large, fits as well.
const GROUP_BYTES: usize = 64 << 20;

/// What a record takes besides the payload, attributes and the names of routes included, generously.
const RECORD_OVERHEAD_BYTES: usize = 1024;

/// Takes the work that is waiting, as much as goes into one group commit.
pub(crate) fn gather(first: Work, waiting: &mut mpsc::Receiver<Work>, group: &mut Vec<Work>) {
    let mut bytes = first.weight();
    group.push(first);
    while group.len() < GROUP
        && bytes < GROUP_BYTES
        && let Ok(next) = waiting.try_recv()
    {
        bytes += next.weight();
        group.push(next);
    }
}

impl Work {
    /// About how many bytes it adds to the journal.
    fn weight(&self) -> usize {
        match self {
            Self::Intake(intake) => intake.items.iter().map(Item::weight).sum(),
            Self::Outcomes(outcomes) => outcomes.len() * RECORD_OVERHEAD_BYTES,
            Self::Action { outcomes, .. } => (outcomes.len() + 1) * RECORD_OVERHEAD_BYTES,
            Self::Mend(mending) => mending.weight(),
            Self::Job(step) => step.weight(),
            Self::Steps { defined, steps, .. } => {
                let bytes = steps.iter().map(|step| step.state.len());
                let bytes = bytes.chain(defined.iter().map(|defined| defined.source.len()));
                bytes.map(|bytes| bytes + RECORD_OVERHEAD_BYTES).sum::<usize>() + RECORD_OVERHEAD_BYTES
            }
            Self::Carry { carries, .. } => carries.iter().map(carry_weight).sum(),
            Self::Begun { .. } | Self::Configured(_) | Self::Drop { .. } | Self::Look | Self::Stop => {
                RECORD_OVERHEAD_BYTES
            }
        }
    }
}

fn carry_weight(carry: &Carry) -> usize {
    let data = match carry {
        Carry::Object(carried) => carried.data.len(),
        Carry::Process(_, payload) | Carry::Definition(payload) => payload.len(),
        _ => 0,
    };
    data + RECORD_OVERHEAD_BYTES
}

impl JobStep {
    fn weight(&self) -> usize {
        let replayed: usize = self.replays.iter().map(|of| of.event.data.len() + RECORD_OVERHEAD_BYTES).sum();
        let amended: usize =
            self.letters.iter().map(|of| of.amended.as_ref().map_or(0, |amended| amended.data.len())).sum();
        replayed + amended + (2 * self.letters.len() + 2) * RECORD_OVERHEAD_BYTES
    }
}

impl Mending {
    fn weight(&self) -> usize {
        let amended = self.amended.as_ref().map_or(0, |amended| amended.data.len());
        let items: usize = self.items.iter().map(Item::weight).sum();
        amended + items + 3 * RECORD_OVERHEAD_BYTES
    }
}

impl Item {
    fn weight(&self) -> usize {
        let payload = match self {
            Self::Event(candidate) => {
                let raw = match &candidate.event.raw {
                    Raw::Inline { bytes, .. } => bytes.len(),
                    _ => 0,
                };
                candidate.event.data.len() + raw
            }
            Self::Quarantine(quarantine) => {
                let texts =
                    quarantine.head.reasons.iter().map(|r| r.message.len() + r.at.len() + r.hint.len());
                quarantine.raw.len() + texts.sum::<usize>()
            }
        };
        payload + RECORD_OVERHEAD_BYTES
    }
}

/// What a person does to a dead letter or a refused input: all of it takes effect or nothing, and nothing when it is no
/// longer as it was when the person's question was asked of the views.
#[derive(Debug)]
pub struct Mending {
    /// To what.
    pub target: Target,
    /// How far the views were at least when they were asked.
    pub asked: Position,
    /// The audit record.
    pub action: Action,
    /// Other content.
    pub amended: Option<Amended>,
    /// What it does to the delivery; the outcome names the amendment that comes with it.
    pub settled: Option<Settled>,
    /// What a refused input comes to now, and the intake it came by.
    pub items: Vec<Item>,
    /// That intake.
    pub intake: Arc<str>,
    /// Told once all of it is durable, or why nothing is done.
    pub reply: oneshot::Sender<Result<Mended, Reason>>,
}

/// A step of long work: how far it is after it, and what it does. Written whole, and only while the job stands as it did
/// when the views were asked.
#[derive(Debug)]
pub struct JobStep {
    /// How far the views were at least when they were asked.
    pub asked: Position,
    /// How the job stands after the step, but for dead letters that somebody else has done something to meanwhile.
    pub job: Job,
    /// What a person did, for a step that a person takes.
    pub action: Option<Action>,
    /// Events that are owed again.
    pub replays: Vec<ReplayItem>,
    /// Dead letters.
    pub letters: Vec<LetterItem>,
    /// Told the job's record once all of it is durable, or why nothing is done.
    pub reply: oneshot::Sender<Result<Position, Reason>>,
}

/// An event of the past that is owed again.
#[derive(Debug)]
pub struct ReplayItem {
    /// Its own record.
    pub original: Position,
    /// The event, received now.
    pub event: Event,
    /// What is owed.
    pub owing: Owing,
    /// Whether its effect shall happen again.
    pub new_scope: bool,
}

/// A dead letter in long work.
#[derive(Debug)]
pub struct LetterItem {
    /// What becomes of it.
    pub settled: Settled,
    /// Other content.
    pub amended: Option<Amended>,
}

/// What is mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A dead letter.
    Letter(DeliveryId),
    /// A refused input.
    Input(Position),
    /// Long work.
    Job(Position),
}

/// What was recorded of a person's mending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mended {
    /// The audit record.
    pub position: Position,
    /// What became of each event of a refused input.
    pub admitted: Vec<Admitted>,
}

/// What one input came to: events, refused parts, and how far its source has been read.
#[derive(Debug)]
pub struct Intake {
    /// The intake's name, `system/source`.
    pub intake: Arc<str>,
    /// In the order in which they stood in the input.
    pub items: Vec<Item>,
    /// The source's resume token.
    pub resume: Option<Token>,
    /// How far the source's sequence has come.
    pub sequence: Option<Token>,
    /// Told what became of each item once all of it is durable.
    pub reply: oneshot::Sender<Result<Vec<Admitted>, Refusal>>,
}

/// One item of an input.
#[derive(Debug)]
pub enum Item {
    /// An event and what it owes.
    Event(Box<Candidate>),
    /// A part that was refused.
    Quarantine(Box<Quarantine>),
}

/// An event that intake has found good; whether it is new is decided by the recorder.
#[derive(Debug)]
pub struct Candidate {
    /// The event. Raw input shared by several events of one input is the same `Bytes` in each; it is stored once.
    pub event: Event,
    /// Hash of the data, for recognising echoes.
    pub hash: u64,
    /// What it owes.
    pub owed: SmallVec<[Owing; 4]>,
}

/// One delivery an event will owe.
#[derive(Clone, Debug)]
pub struct Owing {
    /// The route's name.
    pub route: Arc<str>,
    /// The destination's lane.
    pub door: Arc<Door>,
    /// Its class.
    pub priority: Priority,
    /// What keeps its order; `None` for the event's own order key.
    pub order_key: Option<String>,
    /// Whether a dead letter holds back its key.
    pub parks: bool,
}

/// What became of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The event's id; empty for a refused part.
    pub id: String,
    /// What was decided.
    pub verdict: Verdict,
    /// Its record; for a duplicate that of the first.
    pub position: Position,
    /// Why it was refused.
    pub reasons: Reasons,
}

/// What was decided about one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A record was written with this disposition.
    Kept(Disposition),
    /// The same event is in the journal already.
    Duplicate,
    /// It is in quarantine.
    Quarantined,
}

impl Verdict {
    /// The word used in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kept(disposition) => disposition.as_str(),
            Self::Duplicate => "duplicate",
            Self::Quarantined => "quarantined",
        }
    }
}

/// An outcome with what its lane must know of the delivery.
#[derive(Debug)]
pub struct Settled {
    /// The outcome, as recorded.
    pub outcome: Outcome,
    /// The delivery's lane.
    pub door: Arc<Door>,
    /// The fingerprint of its order key.
    pub order: u64,
    /// Whether its dead letter holds back its key.
    pub parks: bool,
}

impl Settled {
    /// The change for the lane.
    #[must_use]
    pub const fn change(&self) -> Change {
        Change {
            id: self.outcome.delivery,
            order: self.order,
            kind: self.outcome.kind,
            attempt: self.outcome.attempt,
            due: self.outcome.due,
            parks: self.parks,
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use lineshaft_model::Millis;
    use lineshaft_model::record::QuarantineHead;

    use super::*;

    fn refused(raw: &Bytes) -> Work {
        let text = String::new;
        let head = QuarantineHead {
            tenant: text(),
            intake: text(),
            content_type: text(),
            origin: text(),
            identity: text(),
            received: Millis(0),
            reasons: Reasons::new(),
            subject: text(),
            event_type: text(),
            traceparent: text(),
        };
        let items = vec![Item::Quarantine(Box::new(Quarantine { head, raw: raw.clone() }))];
        let (reply, _) = oneshot::channel();
        Work::Intake(Intake { intake: Arc::from("events"), items, resume: None, sequence: None, reply })
    }

    #[test]
    fn a_group_is_bounded_in_pieces_and_in_bytes() {
        let gathered = |raw: &Bytes, count: usize| {
            let (send, mut waiting) = mpsc::channel(GROUP * 2);
            (0..count).for_each(|_| send.try_send(refused(raw)).unwrap());
            let mut group = Vec::new();
            let first = waiting.try_recv().unwrap();
            gather(first, &mut waiting, &mut group);
            group.len()
        };
        assert_eq!(gathered(&Bytes::new(), 10), 10);
        assert_eq!(gathered(&Bytes::new(), GROUP + 10), GROUP);
        // The bytes are shared by all pieces: this is one allocation.
        let large = Bytes::from(vec![0; GROUP_BYTES / 4]);
        assert_eq!(gathered(&large, 10), 4);
        assert_eq!(gathered(&Bytes::from(vec![0; GROUP_BYTES * 2]), 10), 1);
    }
}
