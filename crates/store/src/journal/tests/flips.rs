//! Decay: a flipped bit anywhere is noticed, named with its place, and never served.

use lineshaft_ports::journal::ReadError;

use super::*;
use crate::journal::disk::sim::Cut;

const LAST: u64 = 400;
const FLIPS: u64 = 1000;

/// How a flip was noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Noticed {
    AtOpen,
    WhileReading,
}

/// Opens and reads everything in both ways; every record served must be as it was written.
fn notice(disk: &SimDisk) -> Option<Noticed> {
    let journal = match open(disk) {
        Ok(journal) => journal,
        Err(JournalError::Corrupt { segment, .. } | JournalError::Foreign { segment, .. }) => {
            assert!(segment.starts_with("/journal"));
            return Some(Noticed::AtOpen);
        }
        Err(error) => panic!("{error}"),
    };
    let reader = journal.reader();
    assert_eq!(reader.end(), Position(LAST), "something durable was cut");
    let mut noticed = None;
    for position in 1..=LAST {
        match reader.get(Position(position)) {
            Ok(record) => assert_eq!(record.unwrap().payload, payload_of(position)),
            Err(ReadError::Corrupt { position: named, .. }) => {
                assert!(named.0 <= position);
                noticed = Some(Noticed::WhileReading);
            }
            Err(error) => panic!("{error}"),
        }
    }
    let mut next = 1;
    for record in reader.read_from(Position::ZERO).unwrap() {
        match record {
            Ok(record) => {
                assert_eq!((record.position.0, &record.payload[..]), (next, &payload_of(next)[..]));
                next += 1;
            }
            Err(ReadError::Corrupt { position, .. }) => {
                assert_eq!(position.0, next);
                return Some(Noticed::WhileReading);
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(next, LAST + 1);
    noticed
}

fn written() -> (SimDisk, Vec<(PathBuf, u64)>) {
    let disk = SimDisk::new(1);
    let mut journal = open(&disk).unwrap();
    append_up_to(&mut journal, LAST);
    let segments = segments_of(&journal.reader());
    (disk, segments)
}

#[test]
fn each_of_a_thousand_flipped_bits_is_noticed() {
    let (disk, segments) = written();
    let total: u64 = segments.iter().map(|(_, bytes)| bytes * 8).sum();
    let (mut at_open, mut while_reading) = (0, 0);
    for n in 0..FLIPS {
        let mut bit = (n * 2_654_435_761 + 12_345) % total;
        let (path, _) = segments
            .iter()
            .find(|(_, bytes)| {
                let here = bit < bytes * 8;
                bit -= if here { 0 } else { bytes * 8 };
                here
            })
            .unwrap();
        let disk = disk.after(Cut::Nothing);
        disk.flip(path, bit);
        match notice(&disk) {
            Some(Noticed::AtOpen) => at_open += 1,
            Some(Noticed::WhileReading) => while_reading += 1,
            None => panic!("bit {bit} of {} was flipped and nobody noticed", path.display()),
        }
    }
    assert!(at_open > 50 && while_reading > 500, "{at_open} at open, {while_reading} while reading");
}

#[test]
fn any_bit_of_the_last_segment_is_refused_at_open() {
    let (disk, segments) = written();
    let (path, bytes) = segments.last().unwrap();
    for bit in (0..bytes * 8).step_by(3) {
        let disk = disk.after(Cut::Nothing);
        disk.flip(path, bit);
        assert!(matches!(open(&disk), Err(JournalError::Corrupt { .. })), "bit {bit}");
    }
}

#[test]
fn damage_that_looks_torn_is_refused_when_the_position_is_known_to_be_durable() {
    let (disk, segments) = written();
    let (path, bytes) = segments.last().unwrap();
    disk.flip(path, bytes * 8 - 70);
    disk.flip(path, bytes * 8 - 140);
    let known = |known_durable| {
        let options = Options { known_durable: Position(known_durable), ..options() };
        Journal::open(disk.after(Cut::Nothing), dir(), options, NOW).map(|journal| journal.end().0)
    };
    let error = known(LAST).unwrap_err();
    assert_eq!(error.code(), "journal-corrupt");
    // Nothing told that it was durable, so it counts as never acknowledged.
    assert!(known(0).unwrap() < LAST);
}
