//! Power cuts at every write and sync of a run, and everything each may leave.

use std::collections::BTreeSet;

use super::*;
use crate::journal::disk::sim::{Cut, Fault};

const BATCHES: u64 = 300;

/// What a run had achieved when it ended.
#[derive(Clone, Copy, Debug, Default)]
struct Achieved {
    /// The last position that was acknowledged.
    acknowledged: u64,
    /// The last position of the batch that failed.
    attempted: u64,
    /// No record from here on was given up.
    keep: u64,
}

/// Appends and trims until the end, or until the power goes.
fn run(disk: &SimDisk) -> Achieved {
    let mut achieved = Achieved { keep: 1, ..Achieved::default() };
    let Ok(mut journal) = open(disk) else { return achieved };
    for batch in 0..BATCHES {
        let first = achieved.acknowledged + 1;
        let count = batch % 4 + 1;
        achieved.attempted = achieved.acknowledged + count;
        let Ok(appended) = journal.append(&batch_from(first, count), Millis(batch as i64)) else {
            assert!(journal.append(&batch_from(first, 1), NOW).is_err(), "a failed journal goes on");
            return achieved;
        };
        achieved.acknowledged = appended.last.0;
        if batch % 50 == 49 {
            achieved.keep = achieved.acknowledged.saturating_sub(70).max(achieved.keep);
            if journal.trim_before(Position(achieved.keep)).is_err() {
                return achieved;
            }
        }
    }
    achieved
}

/// The states to be looked at when so much is not synced.
fn cuts(unsynced: u64, seed: u64) -> Vec<Cut> {
    let mut cuts = vec![Cut::Nothing];
    if unsynced > 0 {
        cuts.extend([Cut::Everything, Cut::Zeros]);
        cuts.extend((0..5).map(|n| Cut::Sectors(seed * 5 + n)));
        // Near the ends every byte, in between some.
        let bytes = (1..unsynced).filter(|n| *n < 6 || unsynced - n < 9 || (n * 7919 + seed) % unsynced < 8);
        cuts.extend(bytes.map(Cut::Prefix));
    }
    cuts
}

/// Opens what a cut left and checks every promise.
fn assert_recovers(disk: &SimDisk, achieved: Achieved, what: &str) -> u64 {
    let mut journal = open(disk).unwrap_or_else(|error| panic!("{what}: {error}"));
    let end = journal.end().0;
    let whole = end == achieved.acknowledged || end == achieved.attempted;
    assert!(whole, "{what}: the end is {end} after {achieved:?}");
    let reader = journal.reader();
    assert!(reader.first().0 <= achieved.keep, "{what}: starts at {} after {achieved:?}", reader.first());
    let mut next = reader.first().0;
    for record in reader.read_from(Position::ZERO).unwrap() {
        let record = record.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!((record.position.0, record.kind), (next, kind_of(next)), "{what}");
        assert_eq!(record.payload, payload_of(next), "{what}");
        next += 1;
    }
    assert_eq!(next, end + 1, "{what}");
    assert_eq!(append_up_to(&mut journal, end + 3), end + 3, "{what}");
    drop(journal);
    assert_eq!(open(disk).map(|journal| journal.end().0).unwrap(), end + 3, "{what}");
    end
}

/// One share of the calls, so that shares can run side by side.
fn cut_the_power_at_each_call(share: u64, shares: u64) {
    let quiet = SimDisk::new(0);
    let whole = run(&quiet);
    assert_eq!(whole.acknowledged, whole.attempted);
    let calls = quiet.calls();
    assert!(calls > 2 * BATCHES, "{calls} calls");
    let (mut states, mut ends) = (0, BTreeSet::new());
    for call in (1..=calls).filter(|call| call % shares == share) {
        let disk = SimDisk::new(call);
        disk.fail_at(call, Fault::PowerCut);
        let achieved = run(&disk);
        assert!(disk.is_off());
        for cut in cuts(disk.unsynced(), call) {
            let end = assert_recovers(&disk.after(cut), achieved, &format!("call {call}, {cut:?}"));
            ends.insert(end > achieved.acknowledged);
            states += 1;
        }
    }
    assert!(states > 2000, "only {states} states");
    assert_eq!(ends.len(), 2, "an unacknowledged batch must be seen both kept and cut");
}

#[test]
fn nothing_acknowledged_is_lost_by_a_power_cut_share_0() {
    cut_the_power_at_each_call(0, 4);
}

#[test]
fn nothing_acknowledged_is_lost_by_a_power_cut_share_1() {
    cut_the_power_at_each_call(1, 4);
}

#[test]
fn nothing_acknowledged_is_lost_by_a_power_cut_share_2() {
    cut_the_power_at_each_call(2, 4);
}

#[test]
fn nothing_acknowledged_is_lost_by_a_power_cut_share_3() {
    cut_the_power_at_each_call(3, 4);
}

#[test]
fn a_power_cut_during_recovery_is_recovered_from() {
    for call in (40..400).step_by(7) {
        let disk = SimDisk::new(call);
        disk.fail_at(call, Fault::PowerCut);
        let achieved = run(&disk);
        for first_cut in [Cut::Zeros, Cut::Sectors(call), Cut::Prefix(disk.unsynced() / 2)] {
            for second in 1..6 {
                let disk = disk.after(first_cut);
                disk.fail_at(second, Fault::PowerCut);
                drop(open(&disk));
                for second_cut in [Cut::Nothing, Cut::Everything, Cut::Sectors(call * 6 + second)] {
                    let what = format!("call {call}, {first_cut:?}, then {second}, {second_cut:?}");
                    assert_recovers(&disk.after(second_cut), achieved, &what);
                }
            }
        }
    }
}

#[test]
fn what_a_killed_process_wrote_is_durable_before_the_next_one_tells_of_it() {
    for call in 1..60 {
        let disk = SimDisk::new(1);
        disk.fail_at(call, Fault::Kill);
        let achieved = run(&disk);
        let Ok(journal) = open(&disk) else { panic!("call {call}: the next process cannot open") };
        let told = journal.end().0;
        assert!(told >= achieved.acknowledged, "call {call}");
        assert_holds(&journal.reader(), told);
        let after_power_cut = open(&disk.after(Cut::Nothing)).unwrap();
        assert_holds(&after_power_cut.reader(), told);
    }
}

#[test]
fn the_last_frame_cut_at_any_byte_is_cut_off() {
    for preallocate in [true, false] {
        let options = Options { preallocate, ..options() };
        let disk = SimDisk::new(1);
        let open = |disk: &SimDisk| Journal::open(disk.clone(), dir(), options.clone(), NOW).unwrap();
        let mut journal = open(&disk);
        append_up_to(&mut journal, 15);
        let (path, start) = last_segment(&journal.reader());
        let bytes = journal.append(&batch_from(16, 3), NOW).unwrap().bytes;
        drop(journal);
        let whole = disk.contents(&path).unwrap();
        for kept in 0..bytes {
            for zeros in [true, false] {
                let disk = disk.after(Cut::Everything);
                let mut torn = whole[..(start + kept) as usize].to_vec();
                if zeros {
                    torn.resize(whole.len(), 0);
                }
                disk.put(&path, &torn);
                let mut journal = open(&disk);
                assert_holds(&journal.reader(), 15);
                assert_eq!(journal.torn_bytes() > 0, kept > 0, "kept {kept}");
                append_up_to(&mut journal, 30);
                assert_holds(&journal.reader(), 30);
            }
        }
    }
}
