//! Fills a store with events of the past, all delivered: straight through the journal and the projector, without a hub.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use lineshaft_model::record::{EventHead, OutcomeRecord, RecordKind, VERSION};
use lineshaft_model::{DeliveryId, Millis, Outcome as Ended, OutcomeKind, Position};
use lineshaft_ports::journal::{Batch, JournalRead};
use lineshaft_store::index::Index;
use lineshaft_store::views::{AppliedRecord, Projector};

use crate::feed::Feed;
use crate::hub::{now, open_journal, spans};
use crate::machine::Outcome;

/// Events in one append.
const GROUP: u64 = 4096;

/// How a fill went.
#[derive(Clone, Copy, Debug)]
pub struct Filled {
    /// Events applied a second, the writing of the journal not counted.
    pub applied_per_s: f64,
}

/// Fills the store in a folder with so many events, each delivered three times.
pub fn fill(folder: &Path, events: u64, bytes: usize) -> Outcome<Filled> {
    std::fs::create_dir_all(folder)?;
    let mut journal = open_journal(folder)?;
    let records: Arc<dyn JournalRead> = Arc::new(journal.reader());
    let index = Index::open(
        &folder.join("index"),
        journal.id(),
        &spans(&journal),
        Arc::clone(&records),
        &mut |_| {},
    )?;
    let (mut projector, _) = Projector::open(&folder.join("views"), journal.id(), records.end(), index)?;
    // A seed that no round uses: their events would be known already.
    let mut feed = Feed::new(u64::MAX, bytes);
    let mut applying = std::time::Duration::ZERO;
    let (mut batch, mut left, mut segment) = (Batch::new(), events, None);
    while left > 0 {
        let count = left.min(GROUP);
        left -= count;
        batch.clear();
        write_group(&mut batch, &mut feed, records.end(), count)?;
        let appended = journal.append(&batch, now()).map_err(|fatal| format!("{fatal:?}"))?;
        let start = Instant::now();
        if segment.replace(appended.segment) != Some(appended.segment) && appended.segment == appended.first {
            projector.segment_started(appended.segment)?;
        }
        let applied: Vec<AppliedRecord<'_>> = batch
            .records()
            .zip(appended.first.0..)
            .map(|(record, position)| AppliedRecord {
                position: Position(position),
                kind: record.kind,
                version: record.version,
                payload: record.payload,
            })
            .collect();
        projector.gather(&applied)?;
        applying += start.elapsed();
    }
    let start = Instant::now();
    projector.commit()?;
    applying += start.elapsed();
    Ok(Filled { applied_per_s: events as f64 / applying.as_secs_f64() })
}

fn write_group(batch: &mut Batch, feed: &mut Feed, end: Position, count: u64) -> Outcome<()> {
    let at = now();
    for _ in 0..count {
        batch
            .push(RecordKind::Event as u8, VERSION, |buf| feed.record(EventHead::default(), at, true, buf))?;
    }
    for n in 0..3 {
        for event in 1..=count {
            let outcome = Ended {
                delivery: DeliveryId { event: Position(end.0 + event), n },
                kind: OutcomeKind::Delivered,
                attempt: 1,
                at,
                due: Millis(0),
                status: 200,
                reason: None,
                foreign_key: None,
                actor: None,
                amendment: Position(0),
            };
            batch.push(RecordKind::Outcome as u8, VERSION, |buf| OutcomeRecord::encode(buf, &outcome))?;
        }
    }
    Ok(())
}
