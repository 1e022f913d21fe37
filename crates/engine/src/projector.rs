//! The projector: feeds durable batches to the index and the views.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use lineshaft_model::{Position, Reason};
use lineshaft_ports::journal::Batch;
use lineshaft_store::views::{AppliedRecord, Projector};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::recorder::Committed;

/// The views commit when nothing has come for so long. Few records cost little to commit and are shown at once; while many
/// come, a short gap is not the end of them.
const REST: Duration = Duration::from_millis(10);
const REST_OF_MANY: Duration = Duration::from_millis(100);

/// More records than this are many: then each page of the views that is written serves several of them.
const FEW: u64 = 8_192;

/// They commit at the latest so long after the first record that waits, so that their lag stays bounded: soon when few
/// wait, later when many do.
const SOON_US: u64 = 250_000;
const LATE_US: u64 = 2_000_000;

/// Applies batches until the recorder is gone. The views commit at once when someone waits for a position they have taken
/// in: `wanted` is the latest such. An error is final for the process: the views can no longer follow.
pub(crate) fn run(
    projector: &mut Projector,
    batches: &Receiver<Committed>,
    applied: &watch::Sender<Position>,
    recycle: &std::sync::mpsc::SyncSender<Batch>,
    clock: &dyn Clock,
    wanted: &AtomicU64,
) -> Result<(), Reason> {
    let mut segment = None;
    // When the first record came that has not been committed.
    let mut since_us = None;
    loop {
        let many = waiting(projector) > FEW;
        let next = match since_us {
            None => batches.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(_) => batches.recv_timeout(if many { REST_OF_MANY } else { REST }),
        };
        let rested = match next {
            Ok(committed) => {
                gather(projector, &committed, &mut segment)?;
                let mut batch = committed.batch;
                batch.clear();
                // The recorder takes the memory back if it has room for it.
                drop(recycle.try_send(batch));
                false
            }
            Err(RecvTimeoutError::Timeout) => true,
            Err(RecvTimeoutError::Disconnected) => return commit(projector, applied),
        };
        let now_us = clock.ticks_us();
        let latest_us = if waiting(projector) > FEW { LATE_US } else { SOON_US };
        let is_awaited = (projector.applied().0.saturating_add(1)..=projector.gathered().0)
            .contains(&wanted.load(Ordering::Relaxed));
        if rested || is_awaited || now_us.saturating_sub(*since_us.get_or_insert(now_us)) >= latest_us {
            commit(projector, applied)?;
            since_us = None;
        }
    }
}

/// Records that were taken in and are not committed.
fn waiting(projector: &Projector) -> u64 {
    projector.gathered().0.saturating_sub(projector.applied().0)
}

/// Feeds one batch.
pub(crate) fn gather(
    projector: &mut Projector,
    committed: &Committed,
    segment: &mut Option<Position>,
) -> Result<(), Reason> {
    let appended = &committed.appended;
    if segment.replace(appended.segment) != Some(appended.segment) && appended.segment == appended.first {
        projector.segment_started(appended.segment).map_err(|e| failed(&e))?;
    }
    let records: Vec<AppliedRecord<'_>> = committed
        .batch
        .records()
        .zip(appended.first.0..)
        .map(|(record, position)| AppliedRecord {
            position: Position(position),
            kind: record.kind,
            version: record.version,
            payload: record.payload,
        })
        .collect();
    projector.gather(&records).map_err(|e| failed(&e))
}

/// Commits what was gathered and tells everyone how far the views are.
pub(crate) fn commit(projector: &mut Projector, applied: &watch::Sender<Position>) -> Result<(), Reason> {
    projector.commit().map_err(|e| failed(&e))?;
    applied.send_replace(projector.applied());
    Ok(())
}

fn failed(error: &impl std::fmt::Display) -> Reason {
    Reason::new("views-failed", format!("the views cannot follow the journal: {error}"))
        .hint("nothing is lost: check the disk, then start again; `lineshaft views rebuild` makes them anew")
}
