//! Errors of the disk: a journal that met one never acknowledges anything again, and is well after a restart.

use super::*;
use crate::journal::disk::sim::{Cut, Fault};

/// Appends until an error; returns what was acknowledged and what was tried last.
fn append_until_failure(disk: &SimDisk) -> (u64, u64) {
    let Ok(mut journal) = open(disk) else { return (0, 0) };
    for batch in 0..100 {
        let end = journal.end().0;
        if let Err(fatal) = journal.append(&batch_from(end + 1, batch % 3 + 1), NOW) {
            assert_eq!(fatal.reason.code, "journal-failed");
            assert!(!fatal.reason.hint.is_empty());
            let calls = disk.calls();
            for _ in 0..3 {
                journal.append(&batch_from(end + 1, 1), NOW).unwrap_err();
                journal.trim_before(Position(end)).unwrap_err();
            }
            assert_eq!(disk.calls(), calls, "a failed journal touched the disk");
            assert_eq!(journal.reader().end(), Position(end), "an unacknowledged record is seen");
            return (end, end + batch % 3 + 1);
        }
    }
    (journal.end().0, journal.end().0)
}

#[test]
fn after_an_error_at_any_call_nothing_is_acknowledged_and_a_restart_is_well() {
    let (mut failed, mut longest) = (0, 0);
    for (fault, step) in [(Fault::Error, 1), (Fault::NoSpace, 5)] {
        for call in (1..=220).step_by(step) {
            let disk = SimDisk::new(call);
            disk.fail_at(call, fault);
            let (acknowledged, attempted) = append_until_failure(&disk);
            failed += u64::from(attempted > acknowledged);
            longest = longest.max(acknowledged);
            // Started again at once, and also after the power went.
            let off = [Cut::Nothing, Cut::Everything, Cut::Sectors(call)].map(|cut| disk.after(cut));
            for disk in [disk].iter().chain(&off) {
                let mut journal = open(disk).unwrap_or_else(|error| panic!("call {call} {fault:?}: {error}"));
                let end = journal.end().0;
                assert!(end == acknowledged || end == attempted, "call {call} {fault:?}: end {end}");
                append_up_to(&mut journal, end + 20);
                assert_holds(&journal.reader(), end + 20);
                drop(journal);
                assert_holds(&open(&disk.after(Cut::Nothing)).unwrap().reader(), end + 20);
            }
        }
    }
    assert!(failed > 180 && longest > 100, "{failed} failures, {longest} records");
}

#[test]
fn what_a_failed_sync_left_in_memory_only_is_not_taken_for_durable() {
    let disk = SimDisk::new(1);
    let mut journal = open(&disk).unwrap();
    append_up_to(&mut journal, 10);
    disk.fail_at(disk.calls() + 2, Fault::Error);
    journal.append(&batch_from(11, 2), NOW).unwrap_err();
    drop(journal);
    // The pages are still there to be read, and the next sync will say that all is well.
    let mut journal = open(&disk).unwrap();
    assert_holds(&journal.reader(), 10);
    append_up_to(&mut journal, 12);
    assert_holds(&open(&disk.after(Cut::Nothing)).unwrap().reader(), 12);
}

#[test]
fn a_nearly_full_disk_stops_intake_before_appends_fail() {
    let disk = SimDisk::new(1);
    disk.set_free_bytes(Some(60_000));
    let options = Options { reserve_bytes: 10_000, preallocate: false, ..options() };
    let mut journal = Journal::open(disk.clone(), dir(), options, NOW).unwrap();
    let reader = journal.reader();
    let (mut now, mut end) = (NOW, 0);
    while journal.has_room(now) {
        end = append_up_to(&mut journal, end + 5);
        now = now.plus(200);
    }
    assert!(!reader.has_room());
    assert!(end > 100, "intake went on to {end}");
    // Outcomes still find room.
    assert_eq!(append_up_to(&mut journal, end + 50), end + 50);
    disk.set_free_bytes(Some(1_000_000));
    assert!(journal.has_room(now.plus(200)) && reader.has_room());
}

#[test]
fn a_full_disk_is_no_reason_not_to_open() {
    let disk = SimDisk::new(1);
    let mut journal = open(&disk).unwrap();
    append_up_to(&mut journal, 40);
    drop(journal);
    disk.set_free_bytes(Some(0));
    let mut journal = open(&disk).unwrap();
    assert_holds(&journal.reader(), 40);
    // The space of the segment was reserved, so there is room for outcomes in it.
    assert_eq!(append_up_to(&mut journal, 41), 41);
}
