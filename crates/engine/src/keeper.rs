//! The keeper: lets the journal's oldest segments go when they are due, after what must live of them has been written again.
//!
//! One segment at a time, in steps that can each be the last one of a process. Until its sums are written nothing of a segment
//! is missed, and what was written again is only written once more by the next process. After that it may go at any time.

use std::sync::Arc;

use lineshaft_logic::retain::Piece;
use lineshaft_model::{Millis, Position, Reason};
use lineshaft_ports::journal::Segment;
use lineshaft_store::index::Span;
use lineshaft_store::reading::{Carry, Step as Looked, Sweep};
use lineshaft_store::views::Hold;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::hub::Shared;
use crate::work::Work;

/// How long it rests when nothing is due.
const REST_MS: u64 = 60_000;

/// What is to be done next.
#[derive(Debug)]
pub(crate) enum Step {
    /// Nothing is due, or what is due is held back.
    Rest,
    /// This is to be written; the views were that far when they were asked.
    Carry(Vec<Carry>, Position),
    /// Everything before a record may go.
    Drop(Position),
}

/// Decides step by step. Blocks on reads, waits for nothing.
#[derive(Debug)]
pub(crate) struct Keeper {
    shared: Arc<Shared>,
    /// The segment that is gone through, and what was looked at last.
    under_way: Option<(Sweep, Option<Looked>)>,
    /// What held back retention when it was told last.
    told: Option<(Position, Hold)>,
}

impl Keeper {
    pub(crate) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared, under_way: None, told: None }
    }

    /// The next step. Whoever asks does it, and waits until the views have applied what was written, before asking again.
    pub(crate) fn step(&mut self, now: Millis) -> Result<Step, Reason> {
        if self.under_way.is_none() {
            let segments = self.shared.records.segments();
            let Some(oldest) = segments.first().filter(|oldest| oldest.closed.is_some()) else {
                return Ok(Step::Rest);
            };
            let dropped = self.shared.views.dropped();
            if oldest.last <= dropped {
                return Ok(Step::Drop(dropped.next()));
            }
            if !self.is_due(&segments, now) || self.is_held_back(oldest)? {
                return Ok(Step::Rest);
            }
            self.under_way = Some((Sweep::new(Span { first: oldest.first, last: oldest.last }), None));
        }
        let next = self.go_on();
        if next.is_err() {
            // What was counted may be half of a step: the segment is gone through again from its start.
            self.under_way = None;
        }
        next
    }

    fn is_due(&self, segments: &[Segment], now: Millis) -> bool {
        let pieces: Vec<Piece> =
            segments.iter().map(|s| Piece { bytes: s.bytes, closed: s.closed }).collect();
        self.shared.setup.load().retention.due(&pieces, now) > 0
    }

    /// Whether the oldest segment holds something unfinished, as far as the views know; told once for each cause.
    fn is_held_back(&mut self, oldest: &Segment) -> Result<bool, Reason> {
        if self.shared.views.applied() < oldest.last {
            return Ok(true);
        }
        let held = self.shared.views.held_back().map_err(|error| error.reason())?;
        let held = held.filter(|(position, _)| *position <= oldest.last);
        if held != self.told
            && let Some((position, hold)) = held
        {
            tracing::warn!(
                position = position.0,
                by = hold.as_str(),
                "retention waits: the journal's oldest segment holds unfinished business"
            );
        }
        self.told = held;
        {
            let mut shown = self.shared.retention_held.lock();
            let since = shown.map_or(self.shared.clock.now(), |(_, _, since)| since);
            *shown = held.map(|(position, hold)| (position, hold.as_str(), since));
        }
        Ok(held.is_some())
    }

    fn go_on(&mut self) -> Result<Step, Reason> {
        let reading = &self.shared.reading;
        loop {
            let Some((sweep, looked)) = &mut self.under_way else { return Ok(Step::Rest) };
            if looked.is_none() {
                *looked = reading.sweep(sweep).map_err(|error| error.reason())?;
            }
            // Before the views are asked: what they say is then at least as new.
            let asked = self.shared.views.applied();
            let Some(step) = looked else { break };
            let carries = reading.carries(step, sweep.keep()).map_err(|error| error.reason())?;
            if !carries.is_empty() {
                return Ok(Step::Carry(carries, asked));
            }
            *looked = None;
        }
        let asked = self.shared.views.applied();
        let Some((sweep, _)) = self.under_way.take() else { return Ok(Step::Rest) };
        let sums = reading.sums_of(sweep).map_err(|error| error.reason())?;
        Ok(Step::Carry(vec![Carry::Dropped(sums)], asked))
    }

    /// Forgets the indexes of what is gone.
    pub(crate) fn dropped(&self, first: Position) -> Result<(), Reason> {
        self.shared.index.trim_before(first).map_err(|error| {
            Reason::new("index-unreadable", error.to_string())
                .hint("check the disk and the permissions of the data folder")
        })
    }
}

/// Takes one step after the other until told to stop. A step that fails is told and tried again later: nothing is lost by
/// keeping more.
pub(crate) async fn run(
    mut keeper: Keeper,
    work: mpsc::Sender<Work>,
    mut applied: watch::Receiver<Position>,
    stop: CancellationToken,
) -> Result<(), Reason> {
    loop {
        let shared = Arc::clone(&keeper.shared);
        let now = shared.clock.now();
        let stepped = tokio::task::spawn_blocking(move || {
            let step = keeper.step(now);
            (keeper, step)
        });
        let Ok((back, step)) = stepped.await else { return Ok(()) };
        keeper = back;
        let rests = match step {
            Ok(Step::Rest) => true,
            Ok(step) => {
                let Some(()) = take(&keeper, step, &work, &mut applied, &shared).await else { return Ok(()) };
                false
            }
            Err(reason) => {
                tracing::error!(
                    code = reason.code,
                    hint = reason.hint,
                    "retention waits: {}",
                    reason.message
                );
                true
            }
        };
        if rests {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = shared.clock.pause(REST_MS) => {}
            }
        }
    }
}

/// Does what a step asks for; `None` when the hub stops.
async fn take(
    keeper: &Keeper,
    step: Step,
    work: &mpsc::Sender<Work>,
    applied: &mut watch::Receiver<Position>,
    shared: &Shared,
) -> Option<()> {
    let (reply, answer) = oneshot::channel();
    match step {
        Step::Rest => {}
        Step::Carry(carries, asked) => {
            work.send(Work::Carry { carries, asked, reply }).await.ok()?;
            let end = answer.await.ok()?;
            shared.views_wanted.fetch_max(end.0, std::sync::atomic::Ordering::Relaxed);
            applied.wait_for(|position| *position >= end).await.ok()?;
        }
        Step::Drop(keep) => {
            work.send(Work::Drop { keep, reply }).await.ok()?;
            let first = answer.await.ok()?;
            tracing::info!(first = first.0, "dropped the journal's oldest segments");
            if let Err(reason) = keeper.dropped(first) {
                // The next start removes them.
                tracing::warn!(code = reason.code, "{}", reason.message);
            }
        }
    }
    Some(())
}
