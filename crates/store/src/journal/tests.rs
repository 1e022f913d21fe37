//! Tests of the file journal as a whole.

mod faults;
mod flips;
mod life;
mod look;
mod power;

use std::path::{Path, PathBuf};

use lineshaft_model::{Millis, Position};
use lineshaft_ports::journal::Batch;

use super::disk::sim::SimDisk;
use super::{Journal, JournalError, Options, Reader};

const NOW: Millis = Millis(1_795_411_800_250);

fn dir() -> PathBuf {
    PathBuf::from("/journal")
}

fn options() -> Options {
    Options { segment_bytes: 4096, reserve_bytes: 0, journal: Some(4711), ..Options::default() }
}

fn open(disk: &SimDisk) -> Result<Journal, JournalError> {
    Journal::open(disk.clone(), dir(), options(), NOW)
}

/// What the record at `position` holds: recognisable, of many lengths, now and then empty or mostly zeros.
fn payload_of(position: u64) -> Vec<u8> {
    match position % 13 {
        0 => Vec::new(),
        1 => vec![0; (position % 90) as usize],
        rest => format!("{{\"position\":{position},\"text\":\"{}\"}}", "ab".repeat((rest * 7) as usize))
            .into_bytes(),
    }
}

const fn kind_of(position: u64) -> u8 {
    (position % 7) as u8 + 1
}

/// A batch of `count` records that starts at `first`.
fn batch_from(first: u64, count: u64) -> Batch {
    let mut batch = Batch::new();
    for position in first..first + count {
        batch.push_bytes(kind_of(position), 1, &payload_of(position)).unwrap();
    }
    batch
}

/// Appends batches of one to five records until `last` is reached; returns the last acknowledged position.
fn append_up_to(journal: &mut Journal, last: u64) -> u64 {
    let mut end = journal.end().0;
    while end < last {
        let count = (end % 5 + 1).min(last - end);
        match journal.append(&batch_from(end + 1, count), Millis(NOW.0 + end as i64)) {
            Ok(appended) => {
                assert_eq!((appended.first.0, appended.last.0), (end + 1, end + count));
                end += count;
            }
            Err(_) => break,
        }
    }
    end
}

/// Reads everything in both ways and compares it with what was written.
fn assert_holds(reader: &Reader, last: u64) {
    assert_eq!(reader.end(), Position(last));
    let mut next = reader.first().0;
    for record in reader.read_from(Position::ZERO).unwrap() {
        let record = record.unwrap();
        assert_eq!(record.position.0, next);
        assert_eq!((record.kind, record.version), (kind_of(next), 1));
        assert_eq!(record.payload, payload_of(next), "position {next}");
        assert_eq!(reader.get(Position(next)).unwrap().as_ref(), Some(&record));
        next += 1;
    }
    assert_eq!(next, last + 1);
    assert_eq!(reader.get(Position(last + 1)).unwrap(), None);
}

/// The segment files of a simulated disk with how much of each is used.
fn segments_of(reader: &Reader) -> Vec<(PathBuf, u64)> {
    reader.segments().into_iter().map(|info| (info.path, info.bytes)).collect()
}

fn last_segment(reader: &Reader) -> (PathBuf, u64) {
    segments_of(reader).pop().unwrap()
}

fn file(name: &str) -> PathBuf {
    Path::new("/journal").join(name)
}
