//! The projector: feeds durable batches to the index and the views.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use lineshaft_model::{Position, Reason};
use lineshaft_store::views::{AppliedRecord, Projector};
use tokio::sync::watch;

use crate::recorder::Committed;

/// The views commit when nothing has come for so long ...
const REST: Duration = Duration::from_millis(10);

/// ... or after so many batches, so that their lag stays bounded.
const MOST_BATCHES: u32 = 256;

/// Applies batches until the recorder is gone. An error is final for the process: the views can no longer follow.
pub(crate) fn run(
    projector: &mut Projector,
    batches: &Receiver<Committed>,
    applied: &watch::Sender<Position>,
    recycle: &std::sync::mpsc::SyncSender<lineshaft_ports::journal::Batch>,
) -> Result<(), Reason> {
    let mut segment = None;
    let mut gathered = 0;
    loop {
        let next = if gathered == 0 {
            batches.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            batches.recv_timeout(REST)
        };
        match next {
            Ok(committed) => {
                gather(projector, &committed, &mut segment)?;
                gathered += 1;
                let mut batch = committed.batch;
                batch.clear();
                // The recorder takes the memory back if it has room for it.
                drop(recycle.try_send(batch));
            }
            Err(RecvTimeoutError::Timeout) => gathered = MOST_BATCHES,
            Err(RecvTimeoutError::Disconnected) => {
                commit(projector, applied)?;
                return Ok(());
            }
        }
        if gathered >= MOST_BATCHES {
            commit(projector, applied)?;
            gathered = 0;
        }
    }
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
