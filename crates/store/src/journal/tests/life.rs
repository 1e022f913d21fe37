//! The life of a journal: appending, reading, closing segments, trimming, stopping and starting again.

use std::thread;

use lineshaft_ports::journal::{Journal as JournalPort, JournalRead, ReadError};
use tempfile::tempdir;

use super::*;
use crate::journal::disk::RealDisk;
use crate::journal::{Work, segment};

#[test]
fn what_was_appended_is_read_back_also_after_a_restart() {
    let disk = SimDisk::new(1);
    let mut journal = open(&disk).unwrap();
    assert_eq!((journal.first(), journal.end()), (Position(1), Position(0)));
    assert_holds(&journal.reader(), 0);
    assert_eq!(append_up_to(&mut journal, 500), 500);
    assert!(journal.segments().len() > 5);
    assert_holds(&journal.reader(), 500);
    drop(journal);
    let mut journal = open(&disk).unwrap();
    assert_holds(&journal.reader(), 500);
    assert_eq!(append_up_to(&mut journal, 600), 600);
    assert_holds(&journal.reader(), 600);
}

#[test]
fn the_same_on_a_real_disk() {
    let folder = tempdir().unwrap();
    for preallocate in [true, false] {
        let dir = folder.path().join(preallocate.to_string());
        let options = Options { preallocate, ..options() };
        let open = || Journal::open(RealDisk, &dir, options.clone(), NOW);
        let mut journal = open().unwrap();
        append_up_to(&mut journal, 300);
        assert_holds(&journal.reader(), 300);
        let error = open().unwrap_err();
        assert_eq!(error.code(), "journal-locked");
        assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
        drop(journal);
        let mut journal = open().unwrap();
        append_up_to(&mut journal, 400);
        assert_holds(&journal.reader(), 400);
        assert!(journal.has_room(NOW));
    }
}

#[test]
fn an_append_is_one_write_and_one_sync() {
    let disk = SimDisk::new(1);
    let mut journal = open(&disk).unwrap();
    let (before, calls) = (journal.work(), disk.calls());
    let batch = batch_from(1, 5);
    let appended = journal.append(&batch, NOW).unwrap();
    let after = journal.work();
    assert_eq!(disk.calls() - calls, 2);
    assert_eq!(appended.bytes, batch.body().len() as u64 + 44);
    assert_eq!(
        after,
        Work { writes: before.writes + 1, syncs: before.syncs + 1, bytes: before.bytes + appended.bytes }
    );
}

#[test]
fn a_batch_never_straddles_segments_and_the_closed_one_is_named() {
    let disk = SimDisk::new(1);
    let mut journal = open(&disk).unwrap();
    let mut closed = Vec::new();
    for _ in 0..60 {
        let first = journal.end().next();
        let appended = journal.append(&batch_from(first.0, 4), NOW).unwrap();
        let segment = journal.segments().pop().unwrap();
        assert_eq!(appended.segment, segment.first);
        assert!(segment.first <= appended.first && appended.last == segment.last);
        closed.extend(appended.closed);
    }
    let segments = journal.segments();
    let firsts: Vec<_> = segments.iter().filter(|info| info.closed).map(|info| info.first).collect();
    assert!(firsts.len() > 2);
    assert_eq!(closed, firsts);
    for pair in segments.windows(2) {
        assert_eq!(pair[0].last.next(), pair[1].first);
        assert!(pair[0].bytes <= 4096 + 200, "{pair:?}");
    }
}

#[test]
fn a_batch_longer_than_a_segment_gets_its_own() {
    let disk = SimDisk::new(1);
    let mut journal = open(&disk).unwrap();
    append_up_to(&mut journal, 3);
    let mut batch = Batch::new();
    batch.push_bytes(1, 1, &[7; 100_000]).unwrap();
    batch.push_bytes(2, 1, b"small").unwrap();
    assert_eq!(journal.append(&batch, NOW).unwrap().segment, Position(4));
    journal.append(&batch_from(6, 1), NOW).unwrap();
    let reader = journal.reader();
    assert_eq!(reader.get(Position(4)).unwrap().unwrap().payload, vec![7; 100_000]);
    assert_eq!(reader.get(Position(5)).unwrap().unwrap().payload, &b"small"[..]);
    assert_eq!(
        reader.read_from(Position(4)).unwrap().map(|r| r.unwrap().position.0).collect::<Vec<_>>(),
        [4, 5, 6]
    );
    drop(journal);
    assert_eq!(open(&disk).unwrap().end(), Position(6));
}

#[test]
fn an_empty_batch_writes_nothing() {
    let disk = SimDisk::new(1);
    let mut journal = open(&disk).unwrap();
    let calls = disk.calls();
    let appended = journal.append(&Batch::new(), NOW).unwrap();
    assert_eq!((appended.first, appended.last, appended.bytes), (Position(1), Position(0), 0));
    assert_eq!(disk.calls(), calls);
}

#[test]
fn a_stream_goes_on_when_more_is_durable() {
    let disk = SimDisk::new(1);
    let mut journal = open(&disk).unwrap();
    let mut stream = journal.reader().read_from(Position(3)).unwrap();
    assert!(stream.next().is_none());
    let mut seen = Vec::new();
    for end in [1, 2, 3, 4, 50, 51, 200, 400] {
        append_up_to(&mut journal, end);
        seen.extend(stream.by_ref().map(|record| record.unwrap().position.0));
        assert_eq!(seen, (3..=end).collect::<Vec<_>>());
    }
}

#[test]
fn trimming_drops_whole_segments_and_never_the_last() {
    let disk = SimDisk::new(1);
    let mut journal = open(&disk).unwrap();
    append_up_to(&mut journal, 400);
    let segments = journal.segments();
    let third = &segments[2];
    let mut running = journal.reader().read_from(Position(1)).unwrap();
    running.next().unwrap().unwrap();
    assert_eq!(journal.trim_before(third.last).unwrap(), third.first);
    assert_holds(&journal.reader(), 400);
    let reader = journal.reader();
    assert_eq!(reader.get(Position(1)).unwrap(), None);
    let error = reader.read_from(Position(1)).unwrap_err();
    assert!(matches!(error, ReadError::Trimmed { first, .. } if first == third.first));
    // A stream that is inside a dropped segment finishes it and then says where the journal goes on.
    let end = running.find(Result::is_err).unwrap().unwrap_err();
    assert!(matches!(end, ReadError::Trimmed { position, .. } if position == segments[0].last.next()));
    drop(journal);
    let mut journal = open(&disk).unwrap();
    assert_holds(&journal.reader(), 400);
    assert_eq!(journal.trim_before(Position(10_000)).unwrap(), segments.last().unwrap().first);
    append_up_to(&mut journal, 500);
    assert_holds(&journal.reader(), 500);
}

#[test]
fn readers_on_other_threads_see_only_what_is_durable_while_the_writer_appends() {
    let folder = tempdir().unwrap();
    let mut journal = Journal::open(RealDisk, folder.path(), options(), NOW).unwrap();
    let reader = journal.reader();
    thread::scope(|scope| {
        for from in [1, 40, 900] {
            let reader = reader.clone();
            scope.spawn(move || {
                let mut stream = reader.read_from(Position(from)).unwrap();
                let mut next = from;
                while next <= 1500 {
                    let Some(record) = stream.next() else {
                        thread::yield_now();
                        continue;
                    };
                    let record = record.unwrap();
                    assert_eq!(record.position.0, next);
                    assert_eq!(record.payload, payload_of(next));
                    let earlier = next / 2 + 1;
                    let found = reader.get(Position(earlier)).unwrap().unwrap();
                    assert_eq!(found.payload, payload_of(earlier));
                    next += 1;
                }
            });
        }
        append_up_to(&mut journal, 1500);
    });
}

#[test]
fn the_port_gives_the_same() {
    let disk = SimDisk::new(1);
    let mut journal: Box<dyn JournalPort> = Box::new(open(&disk).unwrap());
    journal.append(&batch_from(1, 30), NOW).unwrap();
    let reader: std::sync::Arc<dyn JournalRead> = journal.reader();
    assert_eq!(reader.read_from(Position(10)).unwrap().count(), 21);
    assert_eq!(reader.get(Position(30)).unwrap().unwrap().payload, payload_of(30));
    assert_eq!((reader.first(), reader.end()), (Position(1), Position(30)));
}

#[test]
fn more_segments_than_are_kept_open() {
    let disk = SimDisk::new(1);
    let mut journal = open(&disk).unwrap();
    append_up_to(&mut journal, 5000);
    assert!(journal.segments().len() > 80);
    let reader = journal.reader();
    for position in (1..=5000).step_by(37).chain((1..=5000).rev().step_by(41)) {
        assert_eq!(reader.get(Position(position)).unwrap().unwrap().payload, payload_of(position));
    }
}

#[test]
fn segments_that_do_not_belong_together_are_refused() {
    let disk = SimDisk::new(1);
    let mut journal = open(&disk).unwrap();
    append_up_to(&mut journal, 300);
    let segments = journal.segments();
    drop(journal);
    let code_after = |change: &dyn Fn(&SimDisk)| {
        let disk = disk.after(crate::journal::disk::sim::Cut::Everything);
        change(&disk);
        open(&disk).unwrap_err().code()
    };
    let second = segments[1].path.clone();
    assert_eq!(
        code_after(&|disk| crate::journal::Disk::remove(disk, &second).unwrap()),
        "journal-segment-missing"
    );

    let other = SimDisk::new(2);
    let stranger = Options { journal: Some(1), ..options() };
    append_up_to(&mut Journal::open(other.clone(), dir(), stranger, NOW).unwrap(), 300);
    let copied = other.contents(&second).unwrap();
    assert_eq!(code_after(&|disk| disk.put(&second, &copied)), "journal-segment-foreign");

    let renamed = segments[1].path.with_file_name("00000000000000000002.seg");
    let contents = disk.contents(&second).unwrap();
    assert_eq!(code_after(&|disk| disk.put(&renamed, &contents)), "journal-corrupt");

    let last = segments.last().unwrap();
    let later = |disk: &SimDisk| {
        let mut bytes = disk.contents(&last.path).unwrap();
        bytes[8] = 2;
        let check = crc32c::crc32c(&bytes[..60]);
        bytes[60..64].copy_from_slice(&check.to_le_bytes());
        disk.put(&last.path, &bytes);
    };
    assert_eq!(code_after(&later), "journal-version");
}

#[test]
fn a_journal_shorter_than_what_is_known_to_be_durable_is_refused() {
    let disk = SimDisk::new(1);
    append_up_to(&mut open(&disk).unwrap(), 20);
    let known = |known_durable| {
        let options = Options { known_durable: Position(known_durable), ..options() };
        Journal::open(disk.clone(), dir(), options, NOW).map(|journal| journal.end())
    };
    assert_eq!(known(20).unwrap(), Position(20));
    assert_eq!(known(21).unwrap_err().code(), "journal-behind");
    let empty = Options { known_durable: Position(1), ..options() };
    assert_eq!(Journal::open(SimDisk::new(1), dir(), empty, NOW).unwrap_err().code(), "journal-behind");
}

#[test]
fn options_that_make_no_sense_are_refused() {
    for segment_bytes in [0, 4095, (1 << 30) + 1] {
        let options = Options { segment_bytes, ..options() };
        assert_eq!(
            Journal::open(SimDisk::new(1), dir(), options, NOW).unwrap_err().code(),
            "journal-options"
        );
    }
}

#[test]
fn files_of_others_and_unfinished_segments_do_no_harm() {
    let disk = SimDisk::new(1);
    append_up_to(&mut open(&disk).unwrap(), 20);
    disk.put(&file("00000000000000000001.idx"), &[1, 2, 3]);
    let unfinished = segment::unfinished_path_of(&dir(), Position(21));
    disk.put(&unfinished, &[9; 10]);
    let journal = open(&disk).unwrap();
    assert_holds(&journal.reader(), 20);
    assert_eq!(disk.contents(&unfinished), None);
    assert!(disk.contents(&file("00000000000000000001.idx")).is_some());
}
