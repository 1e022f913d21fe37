//! Tests of the simulated disk: it must lose what it may lose, or tests that rely on it prove nothing.

use super::*;

fn path() -> PathBuf {
    PathBuf::from("/d/file")
}

fn dir() -> PathBuf {
    PathBuf::from("/d")
}

/// A disk with one durable file of 1,000 `a`.
fn disk() -> (SimDisk, File) {
    let disk = SimDisk::new(1);
    let file = disk.open(&path(), Access::Create).unwrap();
    file.write_at(&[&[b'a'; 600], &[b'a'; 400]], 0).unwrap();
    file.sync_data().unwrap();
    disk.sync_dir(&dir()).unwrap();
    assert_eq!(disk.unsynced(), 0);
    (disk, file)
}

fn left(disk: &SimDisk, cut: Cut) -> Option<Vec<u8>> {
    disk.after(cut).contents(&path())
}

#[test]
fn what_is_synced_stays_and_what_is_not_may_go() {
    let (disk, file) = disk();
    file.write_at(&[&[b'b'; 100]], 950).unwrap();
    assert_eq!(left(&disk, Cut::Nothing).unwrap(), [b'a'; 1000]);
    let everything = [&[b'a'; 950][..], &[b'b'; 100]].concat();
    assert_eq!(left(&disk, Cut::Everything).unwrap(), everything);
    assert_eq!(left(&disk, Cut::Prefix(7)).unwrap(), [&[b'a'; 950][..], &[b'b'; 7], &[b'a'; 43]].concat());
    assert_eq!(left(&disk, Cut::Prefix(60)).unwrap(), everything[..1010]);
    assert_eq!(left(&disk, Cut::Zeros).unwrap(), [&[b'a'; 1000][..], &[0; 50]].concat());
    file.sync_data().unwrap();
    assert_eq!(left(&disk, Cut::Nothing).unwrap(), everything);
}

#[test]
fn sectors_survive_in_any_order() {
    let (disk, file) = disk();
    file.write_at(&[&[b'b'; 2048]], 0).unwrap();
    let (mut later_only, mut torn) = (false, false);
    for seed in 0..200 {
        let left = left(&disk, Cut::Sectors(seed)).unwrap();
        later_only |= left.len() == 2048 && left[0] == b'a';
        torn |= !left.len().is_multiple_of(512) && left.len() != 1000;
    }
    assert!(later_only && torn);
    assert_eq!(left(&disk, Cut::Sectors(5)), left(&disk, Cut::Sectors(5)));
}

#[test]
fn a_name_that_is_not_synced_may_go_with_all_its_synced_data() {
    let disk = SimDisk::new(1);
    let file = disk.open(&path(), Access::Create).unwrap();
    file.write_at(&[b"data"], 0).unwrap();
    file.sync_all().unwrap();
    assert_eq!(left(&disk, Cut::Nothing), None);
    assert_eq!(left(&disk, Cut::Everything).unwrap(), b"data");
    disk.sync_dir(&dir()).unwrap();
    disk.remove(&path()).unwrap();
    assert_eq!(disk.contents(&path()), None);
    assert_eq!(left(&disk, Cut::Nothing).unwrap(), b"data");
    disk.sync_dir(&dir()).unwrap();
    assert_eq!(left(&disk, Cut::Everything), None);
}

#[test]
fn a_failed_sync_never_makes_durable_what_it_should_have() {
    let (disk, file) = disk();
    file.write_at(&[b"new"], 1000).unwrap();
    disk.fail_at(disk.calls() + 1, Fault::Error);
    file.sync_data().unwrap_err();
    file.sync_data().unwrap();
    assert_eq!(disk.contents(&path()).unwrap().len(), 1003);
    assert_eq!(left(&disk, Cut::Nothing).unwrap().len(), 1000);
    file.drop_cache().unwrap();
    assert_eq!(disk.contents(&path()).unwrap().len(), 1000);
}

#[test]
fn a_failing_write_may_be_done_in_part() {
    let lengths: BTreeSet<usize> = (0..50)
        .map(|seed| {
            let disk = SimDisk::new(seed);
            let file = disk.open(&path(), Access::Create).unwrap();
            disk.fail_at(2, Fault::Error);
            file.write_at(&[&[1; 100]], 0).unwrap_err();
            disk.contents(&path()).unwrap().len()
        })
        .collect();
    assert!(lengths.len() > 20 && lengths.iter().all(|length| *length <= 100), "{lengths:?}");
}

#[test]
fn after_a_power_cut_nothing_works_until_the_power_is_back() {
    let (disk, file) = disk();
    disk.fail_at(disk.calls() + 1, Fault::PowerCut);
    file.write_at(&[b"x"], 0).unwrap_err();
    assert!(disk.is_off());
    file.write_at(&[b"y"], 0).unwrap_err();
    file.size().unwrap_err();
    disk.list(&dir()).unwrap_err();
    assert_eq!(left(&disk, Cut::Everything).unwrap()[0], b'x');
    assert_eq!(disk.after(Cut::Nothing).list(&dir()).unwrap(), [path()]);
}

#[test]
fn space_is_used_up_and_given_back() {
    let (disk, file) = disk();
    disk.set_free_bytes(Some(100));
    assert_eq!(file.write_at(&[&[1; 101]], 1000).unwrap_err().kind(), ErrorKind::StorageFull);
    file.write_at(&[&[1; 101]], 900).unwrap();
    assert_eq!(disk.free_bytes(&dir()).unwrap(), 99);
    file.allocate(1100).unwrap();
    assert_eq!(file.allocate(1101).unwrap_err().kind(), ErrorKind::StorageFull);
    file.truncate(100).unwrap();
    assert_eq!(disk.free_bytes(&dir()).unwrap(), 1000);
}

#[test]
fn a_lock_is_held_by_one() {
    let disk = SimDisk::new(1);
    let held = disk.lock(&path()).unwrap();
    assert!(held.is_some() && disk.lock(&path()).unwrap().is_none());
    drop(held);
    assert!(disk.lock(&path()).unwrap().is_some());
}
