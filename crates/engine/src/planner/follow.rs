//! Follows the journal: which objects its events change, and what that does to the plan.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use lineshaft_model::record::{Disposition, EventRecord, RecordKind};
use lineshaft_model::{EventType, Position, Reason};
use tokio::sync::watch;

use super::facts::OBJECT_TYPES;
use super::{Cause, Planner, Touched};
use crate::hub::Shared;
use crate::intake::{Intake, PLANNING};

/// Records looked at in one go.
const MOST_RECORDS: u64 = 65_536;

/// From one go to the next: what comes in between is taken in together.
const GATHER_MS: u64 = 20;

/// How often the plan's time moves on.
const ADVANCE_MS: u64 = 60_000;

/// Loads the plan and keeps it in step until the hub stops.
pub(crate) async fn run(
    planner: Arc<Planner>,
    shared: Arc<Shared>,
    intake: Intake,
    mut applied: watch::Receiver<Position>,
    mut end: watch::Receiver<Position>,
) -> Result<(), Reason> {
    let stop = shared.supervisor.stopping();
    let from = *applied.borrow();
    let (loading, reader, now) = (Arc::clone(&planner), shared.reading.clone(), shared.clock.now());
    blocking(move || loading.load(&reader, from, now)).await?;
    let mut advance_at = shared.clock.now().plus(ADVANCE_MS as i64);
    loop {
        let wake_at = planner.next_due().map_or(advance_at, |due| due.min(advance_at));
        let until_wake_ms = u64::try_from(wake_at.since(shared.clock.now())).unwrap_or(0).max(1);
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            changed = end.wait_for(|end| *end > planner.position()) => if changed.is_err() { return Ok(()) },
            () = shared.clock.pause(until_wake_ms) => {}
        }
        let now = shared.clock.now();
        if now >= advance_at {
            advance_at = now.plus(ADVANCE_MS as i64);
            planner.advance(now);
        }
        let target = Position(end.borrow().0.min(planner.position().0 + MOST_RECORDS));
        let (from, seen) = (planner.position(), Arc::clone(&shared));
        let touched = blocking(move || touched(&seen, from, target)).await?;
        let mut proposed = Vec::new();
        if !touched.is_empty() {
            // The views commit at once for whoever waits for them.
            shared.views_wanted.fetch_max(target.0, Ordering::Relaxed);
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                reached = applied.wait_for(|applied| *applied >= target) => if reached.is_err() { return Ok(()) },
            }
            let (planning, shared) = (Arc::clone(&planner), Arc::clone(&shared));
            proposed = blocking(move || take(&planning, &shared, &touched)).await?;
        }
        planner.position.store(target.0, Ordering::Release);
        let drafts = planner.due(shared.clock.now());
        if !drafts.is_empty() {
            intake.derived(PLANNING, drafts).await;
        }
        for name in proposed.iter().filter(|_| planner.takes_schedules) {
            // One that newer ones have displaced meanwhile is not taken.
            let Ok((system, drafts)) = planner.taken(name, "") else { continue };
            intake.derived(&system, drafts).await;
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = shared.clock.pause(GATHER_MS) => {}
        }
    }
}

/// Takes in what was touched; gives the schedules of other planning systems among it.
fn take(planner: &Planner, shared: &Shared, touched: &[Touched]) -> Result<Vec<String>, Reason> {
    let mut proposed = Vec::new();
    for touched in touched {
        let now = shared.clock.now();
        if touched.object_type == "plan" {
            proposed.extend(planner.take_proposed(&shared.reading, &touched.key, now)?);
        } else {
            planner.take(&shared.reading, touched, now)?;
        }
    }
    Ok(proposed)
}

/// The objects that accepted events behind `from` up to `target` have changed, each once, with the latest event.
fn touched(shared: &Shared, from: Position, target: Position) -> Result<Vec<Touched>, Reason> {
    let mut found: Vec<Touched> = Vec::new();
    let mut places: HashMap<(&'static str, String), usize> = HashMap::new();
    if target <= from {
        return Ok(found);
    }
    let records = shared.records.read_from(from.next()).map_err(|error| error.reason())?;
    for record in records {
        let record = record.map_err(|error| error.reason())?;
        if record.position > target {
            break;
        }
        if record.kind != RecordKind::Event as u8 {
            continue;
        }
        let Ok(event) = EventRecord::decode(&record.payload) else { continue };
        if event.disposition != Disposition::Accepted {
            continue;
        }
        let Ok(event_type) = EventType::parse(event.event_type) else { continue };
        let Some(object_type) = OBJECT_TYPES.into_iter().find(|known| *known == event_type.object_type())
        else {
            continue;
        };
        let key = event_type.split_subject(event.subject).0;
        let cause = Cause {
            position: record.position,
            event_type: event.event_type.to_owned(),
            subject: event.subject.to_owned(),
        };
        let next = found.len();
        let place = *places.entry((object_type, key.to_owned())).or_insert(next);
        let touched = Touched { object_type, key: key.to_owned(), cause };
        match found.get_mut(place) {
            Some(before) => *before = touched,
            None => found.push(touched),
        }
    }
    Ok(found)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Reason> + Send + 'static,
) -> Result<T, Reason> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.unwrap_or_else(|_| Err(Reason::new("internal-fault", "the planner's work ended early")))
}
