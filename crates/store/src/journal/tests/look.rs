//! The whole check, the sums and the export, on journals at rest and in use.

use std::collections::BTreeMap;
use std::thread;

use lineshaft_ports::journal::Record;
use serde_json::value::RawValue;
use tempfile::tempdir;

use super::*;
use crate::journal::disk::{Access, Disk, RealDisk, sim::Cut};
use crate::journal::{Verified, export, read_only, stat, verify};

fn written(last: u64) -> (SimDisk, Vec<(PathBuf, u64)>) {
    let disk = SimDisk::new(1);
    let mut journal = open(&disk).unwrap();
    append_up_to(&mut journal, last);
    let segments = segments_of(&journal.reader());
    (disk, segments)
}

fn verified(disk: &SimDisk) -> Verified {
    verify(disk, dir(), &mut |_| {}).unwrap()
}

#[test]
fn a_good_journal_is_found_good_and_counted() {
    let (disk, segments) = written(400);
    let verified = verified(&disk);
    assert!(verified.is_good() && verified.faults.is_empty(), "{:?}", verified.faults);
    assert_eq!((verified.records, verified.end), (400, Position(400)));
    assert_eq!(verified.segments, segments.len() as u64);
    let mut kinds = BTreeMap::new();
    (1..=400).for_each(|position| *kinds.entry(kind_of(position)).or_insert(0) += 1);
    assert_eq!(verified.kinds, kinds);
}

#[test]
fn progress_is_told_up_to_the_end() {
    let (disk, segments) = written(100);
    let mut told = Vec::new();
    verify(&disk, dir(), &mut |progress| told.push(progress)).unwrap();
    let last = told.last().unwrap();
    assert_eq!((last.segment, last.segments), (segments.len() as u64, segments.len() as u64));
    assert_eq!(last.position, Position(100));
}

#[test]
fn a_flipped_bit_in_any_of_three_segments_is_found_and_the_rest_is_still_checked() {
    let (disk, segments) = written(250);
    for at in [0, 1, segments.len() - 1] {
        let (path, bytes) = &segments[at];
        for bit in (0..bytes * 8).step_by(41) {
            let disk = disk.after(Cut::Nothing);
            disk.flip(path, bit);
            let verified = verified(&disk);
            assert!(!verified.is_good(), "bit {bit} of {}", path.display());
            let fault = &verified.faults[0];
            assert_eq!(&fault.segment, path, "bit {bit}");
            assert!(fault.offset <= bit / 8 + 1 && fault.position <= Position(251), "bit {bit}: {fault:?}");
            // One frame has at most five records.
            assert!(
                verified.records >= 245,
                "bit {bit}: {} records, {:?}",
                verified.records,
                verified.faults
            );
        }
    }
}

#[test]
fn several_faults_are_all_reported() {
    let (disk, segments) = written(400);
    for (path, _) in &segments[1..4] {
        disk.flip(path, 130 * 8);
        disk.flip(path, 1500 * 8 + 3);
    }
    let verified = verified(&disk);
    assert_eq!(verified.fault_count, 6, "{:#?}", verified.faults);
    assert!(verified.faults.iter().all(|fault| fault.good_from.is_some_and(|next| next > fault.position)));
    assert!(verified.faults.is_sorted_by_key(|fault| fault.position));
}

#[test]
fn a_missing_segment_is_a_fault_and_a_trimmed_one_is_none() {
    let (disk, segments) = written(400);
    disk.remove(&segments[0].0).unwrap();
    assert!(verified(&disk).is_good());
    disk.remove(&segments[2].0).unwrap();
    let verified = verified(&disk);
    assert_eq!(verified.fault_count, 1);
    assert!(verified.faults[0].what.contains("missing"), "{:?}", verified.faults);
    assert_eq!(verified.faults[0].segment, segments[3].0);
}

#[test]
fn a_seal_whose_table_is_wrong_is_a_fault() {
    let (disk, segments) = written(400);
    let (path, _) = &segments[0];
    let file = disk.open(path, Access::Write).unwrap();
    let header = crate::journal::segment::HEADER_BYTES as u64;
    // Records are swapped for others of the same lengths with good checksums: only the chain can tell.
    let mut frame = vec![0; 44 + batch_from(1, 1).body().len()];
    file.read_at(&mut frame, header).unwrap();
    let mut other = Batch::new();
    other.push_bytes(9, 1, &vec![b'x'; frame.len() - 54]).unwrap();
    let forged = crate::journal::frame::header_for(&other, Position(1), NOW, {
        crate::journal::frame::u32_at(&frame, 28)
    });
    let (head, _) = forged.encode(crate::journal::frame::Salt::of(4711));
    file.write_at(&[&head, other.body()], header).unwrap();
    let verified = verified(&disk);
    assert_eq!(verified.fault_count, 1, "{:?}", verified.faults);
    assert_eq!(verified.faults[0].position, Position(2));
}

#[test]
fn a_torn_tail_is_told_but_is_no_fault_and_nothing_is_changed() {
    let (disk, segments) = written(100);
    let (path, bytes) = segments.last().unwrap();
    let file = disk.open(path, Access::Write).unwrap();
    file.write_at(&[b"LSF\xF5 the rest was lost"], *bytes).unwrap();
    let before = disk.contents(path);
    let verified = verified(&disk);
    assert!(verified.is_good());
    assert_eq!((verified.end, verified.unfinished_bytes), (Position(100), 22));
    let stat = stat(disk.clone(), dir()).unwrap();
    assert_eq!((stat.end, stat.unfinished_bytes, stat.records()), (Position(100), 22, 100));
    assert_eq!(disk.contents(path), before);
}

#[test]
fn sums_are_those_of_the_open_journal() {
    let (disk, _) = written(400);
    let mut journal = open(&disk).unwrap();
    journal.trim_before(Position(100)).unwrap();
    let stat = stat(disk, dir()).unwrap();
    assert_eq!(stat.segments, journal.segments());
    assert_eq!((stat.journal, journal.id()), (4711, 4711));
    assert_eq!((stat.first, stat.end), (journal.first(), journal.end()));
}

#[test]
fn a_journal_that_is_not_there_is_said_to_be_absent() {
    let disk = SimDisk::new(1);
    assert_eq!(stat(disk.clone(), dir()).unwrap_err().code(), "journal-absent");
    assert_eq!(verify(&disk, dir(), &mut |_| {}).unwrap_err().code(), "journal-absent");
    assert_eq!(stat(RealDisk, "/nowhere/at/all").unwrap_err().code(), "journal-absent");
}

#[test]
fn a_journal_just_sealed_and_not_yet_continued_is_read_to_its_end() {
    let (disk, segments) = written(400);
    disk.remove(&segments.last().unwrap().0).unwrap();
    let reader = read_only(disk.clone(), dir()).unwrap();
    let end = reader.end();
    assert_holds(&reader, end.0);
    assert!(verified(&disk).is_good());
    // And it goes on from there.
    let mut journal = open(&disk).unwrap();
    append_up_to(&mut journal, end.0 + 30);
    assert_holds(&journal.reader(), end.0 + 30);
}

fn exported(
    disk: &SimDisk,
    from: u64,
    to: Option<u64>,
    render: crate::journal::Render<'_>,
) -> Vec<serde_json::Value> {
    let mut out = Vec::new();
    let count = export(disk.clone(), dir(), Position(from), to.map(Position), render, &mut out).unwrap();
    let lines: Vec<_> =
        String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len() as u64, count);
    lines
}

#[test]
fn an_export_is_one_object_a_line() {
    let disk = SimDisk::new(1);
    let mut journal = open(&disk).unwrap();
    let mut batch = Batch::new();
    batch.push_bytes(1, 1, b"\x00\xff").unwrap();
    batch.push_bytes(4, 1, b"{\n  \"amount\": 0.10,\r\n  \"text\": \"a\\nb\"\n}").unwrap();
    batch.push_bytes(200, 3, b"{not json").unwrap();
    journal.append(&batch, NOW).unwrap();
    let mut out = Vec::new();
    export(disk, dir(), Position::ZERO, None, &|_| None, &mut out).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        concat!(
            r#"{"position":1,"written":"2026-11-23T05:30:00.250Z","kind":"event","version":1,"payload_base64":"AP8="}"#,
            "\n",
            r#"{"position":2,"written":"2026-11-23T05:30:00.250Z","kind":"action","version":1,"payload":{   "amount": 0.10,    "text": "a\nb" }}"#,
            "\n",
            r#"{"position":3,"written":"2026-11-23T05:30:00.250Z","kind":"200","version":3,"payload_base64":"e25vdCBqc29u"}"#,
            "\n",
        )
    );
}

#[test]
fn an_export_keeps_to_its_bounds_and_uses_the_renderer() {
    let (disk, _) = written(60);
    let _in_use = open(&disk).unwrap();
    let render = |record: &Record| {
        let text = format!("\"record {}\"", record.position);
        record.position.0.is_multiple_of(2).then(|| RawValue::from_string(text).unwrap())
    };
    let lines = exported(&disk, 10, Some(20), &render);
    let positions: Vec<_> = lines.iter().map(|line| line["position"].as_u64().unwrap()).collect();
    assert_eq!(positions, (10..=20).collect::<Vec<_>>());
    assert_eq!(lines[0]["payload"], "record 10");
    assert_eq!(lines[5]["payload"]["position"], 15);
    assert_eq!(exported(&disk, 0, None, &render).len(), 60);
    assert_eq!(exported(&disk, 61, None, &render).len(), 0);
}

#[test]
fn looking_at_a_journal_in_use_finds_no_faults() {
    let folder = tempdir().unwrap();
    let mut journal = Journal::open(RealDisk, folder.path(), options(), NOW).unwrap();
    append_up_to(&mut journal, 20);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for end in (50..=3000).step_by(50) {
                append_up_to(&mut journal, end);
                journal.trim_before(Position(end.saturating_sub(400))).unwrap();
            }
        });
        let mut last = 0;
        while !writer.is_finished() {
            let verified = verify(&RealDisk, folder.path(), &mut |_| {}).unwrap();
            assert!(verified.is_good(), "{:?}", verified.faults);
            assert!(verified.end.0 >= last);
            last = verified.end.0;
            let reader = read_only(RealDisk, folder.path()).unwrap();
            for record in reader.read_from(Position::ZERO).unwrap() {
                match record {
                    Ok(record) => assert_eq!(record.payload, payload_of(record.position.0)),
                    // Segments are being dropped.
                    Err(error) => {
                        assert!(error.to_string().contains("cannot open"), "{error}");
                        break;
                    }
                }
            }
        }
    });
}
