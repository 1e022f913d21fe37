//! The recorder: the one writer of the journal. It takes whatever work is waiting, decides what is new, appends all of it
//! in one group commit, and only then tells anyone.

pub(crate) mod admission;
mod carry;
mod mend;
pub(crate) mod recent;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use lineshaft_logic::admit;
use lineshaft_logic::lane::{Change, Entry};
use lineshaft_model::record::{
    Duplicate, EventHead, EventRecord, JsonPayload, OutcomeRecord, Owed, RecordKind, Tally, Token, VERSION,
};
use lineshaft_model::{DeliveryId, Event, Fingerprint, Millis, OutcomeKind, Position, Raw, Reason};
use lineshaft_ports::Refusal;
use lineshaft_ports::journal::{Appended, Batch, BatchError, Journal};
use smallvec::SmallVec;
use tokio::sync::oneshot;

use crate::lanes::Door;
use crate::work::{Admitted, Candidate, Intake, Item, Mended, Settled, Target, Verdict, Work};
use admission::Admission;
use carry::{Latest, Thing};
use recent::{Accepted, Recent, worth_keeping};

/// A durable batch on its way to the views.
#[derive(Debug)]
pub struct Committed {
    /// The records.
    pub batch: Batch,
    /// Where they stand.
    pub appended: Appended,
}

/// What a group commit came to, besides the durable batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tallied {
    /// Events kept.
    pub events: u64,
    /// Outcomes of `Delivered`.
    pub delivered: u64,
    /// Refused parts kept.
    pub quarantined: u64,
    /// Events known already.
    pub duplicates: u64,
    /// Bytes appended.
    pub bytes: u64,
}

/// Who is to be told once the batch is durable.
enum Reply {
    Intake(oneshot::Sender<Result<Vec<Admitted>, Refusal>>, Vec<Admitted>),
    Action(oneshot::Sender<Position>, Position),
    Mend(oneshot::Sender<Result<Mended, Reason>>, Mended),
    Step(oneshot::Sender<Result<Position, Reason>>, Position),
}

/// What a lane is to be told once the batch is durable.
#[derive(Default)]
struct ForLane {
    owed: Vec<Entry>,
    settled: Vec<(Change, Position)>,
}

/// The one writer of the journal.
pub struct Recorder {
    journal: Box<dyn Journal>,
    admission: Admission,
    next: Position,
    segment: Option<Position>,
    for_lanes: HashMap<usize, (Arc<Door>, ForLane)>,
    recent: Arc<Recent>,
    accepted: Vec<(Position, Accepted)>,
    duplicates: HashMap<Arc<str>, u64>,
    tallied: Tallied,
    latest: Latest,
    has_room: bool,
    /// Dead letters and refused inputs that a person has done something to lately.
    mended: Latest<Target>,
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").field("next", &self.next).finish_non_exhaustive()
    }
}

impl Recorder {
    /// The writer of a journal, all of which `admission` knows.
    pub(crate) fn new(journal: Box<dyn Journal>, admission: Admission) -> Self {
        let next = journal.reader().end().next();
        Self {
            journal,
            admission,
            next,
            segment: None,
            for_lanes: HashMap::new(),
            recent: Arc::default(),
            accepted: Vec::new(),
            duplicates: HashMap::new(),
            tallied: Tallied::default(),
            latest: Latest::from(next),
            has_room: true,
            mended: Latest::from(next),
        }
    }

    /// Whether the disk had room at the last look.
    pub(crate) const fn has_room(&self) -> bool {
        self.has_room
    }

    /// Where the events that are written are kept a while for their deliveries.
    pub(crate) fn recent(&self) -> Arc<Recent> {
        Arc::clone(&self.recent)
    }

    /// Makes all of `work` durable in one batch and tells everyone. `batch` is empty and lends its memory. An error is final:
    /// nobody is told anything and the process ends.
    pub fn commit(
        &mut self,
        work: impl IntoIterator<Item = Work>,
        mut batch: Batch,
        now: Millis,
    ) -> Result<(Option<Committed>, Tallied), Reason> {
        self.tallied = Tallied::default();
        let room = self.journal.has_room(now);
        self.has_room = room;
        let first = self.next;
        let mut replies: SmallVec<[Reply; 8]> = SmallVec::new();
        for work in work {
            self.take(work, room, &mut batch, &mut replies, now)?;
        }
        self.tally(&mut batch)?;
        let committed = if batch.is_empty() {
            None
        } else {
            let appended = self.journal.append(&batch, now).map_err(|fatal| fatal.reason)?;
            if appended.first != first {
                return Err(Reason::new(
                    "journal-position",
                    format!("the batch stands at {} instead of {first}", appended.first),
                )
                .hint("another process writes the same journal: stop it"));
            }
            self.segment = Some(appended.segment);
            self.tallied.bytes = appended.bytes;
            Some(Committed { batch, appended })
        };
        if !self.accepted.is_empty() {
            self.recent.keep(self.accepted.drain(..));
        }
        for (door, told) in self.for_lanes.values_mut() {
            door.leave(&mut told.owed, &mut told.settled);
        }
        for reply in replies {
            // Whoever asked may have gone away; what they asked for is durable all the same.
            match reply {
                Reply::Intake(to, admitted) => drop(to.send(Ok(admitted))),
                Reply::Action(to, position) => drop(to.send(position)),
                Reply::Mend(to, mended) => drop(to.send(Ok(mended))),
                Reply::Step(to, position) => drop(to.send(Ok(position))),
            }
        }
        self.admission.prune();
        Ok((committed, self.tallied))
    }

    fn take(
        &mut self,
        work: Work,
        room: bool,
        batch: &mut Batch,
        replies: &mut SmallVec<[Reply; 8]>,
        now: Millis,
    ) -> Result<(), Reason> {
        match work {
            // The hub's own alarms are few and small, and one of them tells of this.
            Work::Intake(intake) if !room && *intake.intake != *crate::watchman::HUB => {
                let why = "the disk is filling up and the reserve is kept for deliveries".to_owned();
                drop(intake.reply.send(Err(Refusal::Busy { after_ms: 5_000, why })));
            }
            Work::Intake(intake) => self.take_intake(intake, batch, replies)?,
            Work::Outcomes(outcomes) => {
                for settled in outcomes {
                    self.take_outcome(&settled, batch)?;
                }
            }
            Work::Begun { settled, reply } => {
                let position = self.next;
                self.take_outcome(&settled, batch)?;
                replies.push(Reply::Action(reply, position));
            }
            Work::Action { mut action, outcomes, reply } => {
                action.at = now;
                let position = self.push(batch, RecordKind::Action, |buf| action.encode(buf))?;
                self.latest.note(Thing::of_action(&action), position);
                replies.push(Reply::Action(reply, position));
                for settled in outcomes {
                    self.take_outcome(&settled, batch)?;
                }
            }
            Work::Mend(mending) => self.take_mending(*mending, batch, replies, now)?,
            Work::Job(step) => self.take_step(*step, batch, replies, now)?,
            Work::Steps { defined, steps, resume, reply } => {
                for defined in &defined {
                    self.push(batch, RecordKind::Defined, |buf| defined.encode(buf))?;
                }
                for step in &steps {
                    let position = self.push(batch, RecordKind::Step, |buf| step.encode(buf))?;
                    self.latest.note(Some(Thing::of_process(&step.head.instance)), position);
                }
                if let Some(token) = &resume {
                    self.push_token(token, batch)?;
                }
                replies.push(Reply::Action(reply, Position(self.next.0 - 1)));
            }
            Work::Configured(configured) => {
                let position = self.push(batch, RecordKind::Configured, |buf| configured.encode(buf))?;
                self.latest.note(Some(Thing::Configuration), position);
            }
            Work::Carry { carries, asked, reply } => {
                for carry in carries {
                    self.take_carry(&carry, asked, batch)?;
                }
                replies.push(Reply::Action(reply, Position(self.next.0 - 1)));
            }
            Work::Drop { keep, reply } => {
                let first = self.journal.trim_before(keep).map_err(|fatal| fatal.reason)?;
                replies.push(Reply::Action(reply, first));
            }
            Work::Look | Work::Stop => {}
        }
        Ok(())
    }

    fn take_intake(
        &mut self,
        intake: Intake,
        batch: &mut Batch,
        replies: &mut SmallVec<[Reply; 8]>,
    ) -> Result<(), Reason> {
        let admitted = self.take_items(intake.items, &intake.intake, batch)?;
        for token in intake.resume.iter().chain(&intake.sequence) {
            self.push_token(token, batch)?;
        }
        replies.push(Reply::Intake(intake.reply, admitted));
        Ok(())
    }

    fn take_items(
        &mut self,
        items: Vec<Item>,
        intake: &Arc<str>,
        batch: &mut Batch,
    ) -> Result<Vec<Admitted>, Reason> {
        let mut admitted = Vec::with_capacity(items.len());
        let mut kept_raw: Option<(Bytes, Position)> = None;
        for item in items {
            admitted.push(match item {
                Item::Event(candidate) => self.take_event(*candidate, intake, &mut kept_raw, batch)?,
                Item::Quarantine(quarantine) => {
                    let position = self.push(batch, RecordKind::Quarantine, |buf| quarantine.encode(buf))?;
                    self.tallied.quarantined += 1;
                    Admitted {
                        id: String::new(),
                        verdict: Verdict::Quarantined,
                        position,
                        reasons: quarantine.head.reasons,
                    }
                }
            });
        }
        Ok(admitted)
    }

    fn push_token(&mut self, token: &Token, batch: &mut Batch) -> Result<(), Reason> {
        let position = self.push(batch, RecordKind::Token, |buf| token.encode(buf))?;
        self.latest.note(Some(Thing::of_token(token)), position);
        Ok(())
    }

    fn take_event(
        &mut self,
        mut candidate: Candidate,
        intake: &Arc<str>,
        kept_raw: &mut Option<(Bytes, Position)>,
        batch: &mut Batch,
    ) -> Result<Admitted, Reason> {
        let position = self.next;
        let id = candidate.event.envelope.id.clone();
        let head = match self.admission.admit(&candidate, position)? {
            admit::Verdict::Duplicate(first) => {
                *self.duplicates.entry(Arc::clone(intake)).or_default() += 1;
                self.tallied.duplicates += 1;
                return Ok(Admitted {
                    id,
                    verdict: Verdict::Duplicate,
                    position: first,
                    reasons: Vec::new(),
                });
            }
            admit::Verdict::Keep(head) => head,
        };
        share_raw(&mut candidate.event, kept_raw, position);
        let accepted = head.disposition == lineshaft_model::record::Disposition::Accepted;
        let owed = if accepted { &candidate.owed[..] } else { &[] };
        self.push_event(batch, head, &candidate.event, owed)?;
        self.tallied.events += 1;
        let order_of = |key: &str| Fingerprint::of(&[key]).short();
        let own_order = order_of(candidate.event.envelope.order_key());
        let share =
            if owed.is_empty() { 0 } else { lineshaft_model::share_of(&candidate.event.envelope.source) };
        for (n, owing) in owed.iter().enumerate() {
            let entry = Entry {
                id: DeliveryId { event: position, n: n as u8 },
                order: owing.order_key.as_deref().map_or(own_order, order_of),
                share,
                class: owing.priority,
                attempts: 0,
                due: Millis(0),
                since: candidate.event.received,
                parks: owing.parks,
                unknown: false,
                amended: Position::ZERO,
            };
            self.for_lane(&owing.door).owed.push(entry);
        }
        if accepted {
            self.accepted.extend(worth_keeping(candidate).map(|event| (position, event)));
        }
        Ok(Admitted { id, verdict: Verdict::Kept(head.disposition), position, reasons: Vec::new() })
    }

    fn push_event(
        &mut self,
        batch: &mut Batch,
        head: EventHead,
        event: &Event,
        owed: &[crate::work::Owing],
    ) -> Result<Position, Reason> {
        let owed: SmallVec<[Owed<'_>; 4]> = owed
            .iter()
            .map(|owing| Owed {
                route: &owing.route,
                destination: owing.door.destination().as_str(),
                priority: owing.priority,
                order_key: owing.order_key.as_deref().unwrap_or_else(|| event.envelope.order_key()),
                parks: owing.parks,
            })
            .collect();
        self.push(batch, RecordKind::Event, |buf| EventRecord::encode(buf, head, event, &owed))
    }

    fn take_outcome(&mut self, settled: &Settled, batch: &mut Batch) -> Result<(), Reason> {
        let position =
            self.push_version(batch, RecordKind::Outcome, OutcomeRecord::version(&settled.outcome), |buf| {
                OutcomeRecord::encode(buf, &settled.outcome);
            })?;
        if settled.outcome.kind == OutcomeKind::Delivered {
            self.tallied.delivered += 1;
        }
        self.for_lane(&settled.door).settled.push((settled.change(), position));
        Ok(())
    }

    /// Duplicates need no record of their own; the books need their number.
    fn tally(&mut self, batch: &mut Batch) -> Result<(), Reason> {
        if self.duplicates.is_empty() {
            return Ok(());
        }
        let mut duplicates: Vec<Duplicate> = self
            .duplicates
            .drain()
            .map(|(intake, count)| Duplicate { intake: intake.to_string(), count })
            .collect();
        duplicates.sort_by(|a, b| a.intake.cmp(&b.intake));
        let tally = Tally { duplicates };
        self.push(batch, RecordKind::Tally, |buf| tally.encode(buf)).map(|_| ())
    }

    fn push(
        &mut self,
        batch: &mut Batch,
        kind: RecordKind,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<Position, Reason> {
        self.push_version(batch, kind, VERSION, write)
    }

    fn push_version(
        &mut self,
        batch: &mut Batch,
        kind: RecordKind,
        version: u8,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<Position, Reason> {
        batch.push(kind as u8, version, write).map_err(|error: BatchError| {
            Reason::new("record-too-long", error.to_string()).hint("lower limits.body in lineshaft.yaml")
        })?;
        let position = self.next;
        self.next = position.next();
        Ok(position)
    }

    fn for_lane(&mut self, door: &Arc<Door>) -> &mut ForLane {
        let told = self
            .for_lanes
            .entry(Arc::as_ptr(door).addr())
            .or_insert_with(|| (Arc::clone(door), ForLane::default()));
        &mut told.1
    }
}

/// Raw input that several events of one input share is stored with the first of them that is kept.
fn share_raw(event: &mut Event, kept: &mut Option<(Bytes, Position)>, position: Position) {
    let Raw::Inline { bytes, .. } = &event.raw else { return };
    match kept {
        Some((first, at))
            if first.as_ptr() == bytes.as_ptr() && first.len() == bytes.len() && !bytes.is_empty() =>
        {
            event.raw = Raw::Before(position.0 - at.0);
        }
        _ => *kept = Some((bytes.clone(), position)),
    }
}
