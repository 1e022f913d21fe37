//! Tests of the frame codec.

use proptest::prelude::*;

use super::*;

fn salt() -> Salt {
    Salt::of(4711)
}

fn batch(records: &[Plain]) -> Batch {
    let mut batch = Batch::new();
    for (kind, version, payload) in records {
        batch.push_bytes(*kind, *version, payload).unwrap();
    }
    batch
}

fn records() -> impl Strategy<Value = Vec<Plain>> {
    prop::collection::vec((any::<u8>(), any::<u8>(), prop::collection::vec(any::<u8>(), 0..80)), 1..12)
}

fn frame(batch: &Batch, first: u64) -> Vec<u8> {
    let (header, _) = header_for(batch, Position(first), Millis(-7), 3).encode(salt());
    [&header[..], batch.body(), &END_MARK].concat()
}

/// Kind, version, payload.
type Plain = (u8, u8, Vec<u8>);

/// The records of a frame, or where it fails.
fn read(frame: &[u8]) -> Option<Result<Vec<Plain>, BodyFault>> {
    let (header, _) = FrameHeader::decode(frame.first_chunk()?, salt())?;
    let mut records = Vec::new();
    let checked = check_body(&header, &frame[HEADER_BYTES..], |_, record, payload| {
        records.push((record.kind, record.version, payload.to_vec()));
    });
    Some(checked.map(|()| records))
}

proptest! {
    #[test]
    fn a_frame_reads_back(records in records(), first in 1..=MAX_POSITION) {
        let batch = batch(&records);
        let bytes = frame(&batch, first);
        let (header, _) = FrameHeader::decode(bytes.first_chunk().unwrap(), salt()).unwrap();
        prop_assert_eq!(header.first, Position(first));
        prop_assert_eq!(header.written, Millis(-7));
        prop_assert_eq!(header.frame_bytes() as usize, bytes.len());
        prop_assert_eq!(header.next().0, first + records.len() as u64);
        prop_assert_eq!(read(&bytes), Some(Ok(records)));
    }

    #[test]
    fn no_flipped_bit_passes(records in records(), at in any::<prop::sample::Index>()) {
        let mut bytes = frame(&batch(&records), 1);
        let bit = at.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(!matches!(read(&bytes), Some(Ok(_))));
    }

    #[test]
    fn a_frame_cut_short_does_not_pass(records in records(), at in any::<prop::sample::Index>()) {
        let mut bytes = frame(&batch(&records), 1);
        bytes.truncate(at.index(bytes.len()));
        prop_assert!(!matches!(read(&bytes), Some(Ok(_))));
    }

    #[test]
    fn any_bytes_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(read(&bytes), None);
        prop_assert!(find_later_header(&bytes, salt(), Position::ZERO).is_none());
        let header = FrameHeader {
            count: 3,
            first: Position(1),
            written: Millis(0),
            body_bytes: bytes.len() as u32 / 2,
            previous: 0,
            body_check: 0,
        };
        let checked = check_body(&header, &bytes, |_, _, _| {});
        prop_assert!(checked.is_err());
    }

    #[test]
    fn a_later_header_is_found_wherever_it_stands(records in records(), before in 0usize..200, first in 2..1000u64) {
        let mut bytes = MAGIC.repeat(before);
        bytes.truncate(before);
        bytes.extend(frame(&batch(&records), first));
        let found = |after| find_later_header(&bytes, salt(), Position(after)).map(|(at, _)| at);
        prop_assert_eq!(found(first - 1), Some(before));
        prop_assert_eq!(found(first), None);
    }
}

#[test]
fn a_frame_of_another_journal_is_not_taken() {
    let bytes = frame(&batch(&[(1, 1, b"x".to_vec())]), 1);
    assert_eq!(FrameHeader::decode(bytes.first_chunk().unwrap(), Salt::of(4712)), None);
}

#[test]
fn records_cannot_be_left_out_or_moved() {
    let both = batch(&[(1, 1, b"one".to_vec()), (2, 1, b"two".to_vec())]);
    let swapped = batch(&[(2, 1, b"two".to_vec()), (1, 1, b"one".to_vec())]);
    let header = header_for(&both, Position(1), Millis(0), 0);
    let check = |body: &[u8]| check_body(&header, &[body, &END_MARK].concat(), |_, _, _| {});
    assert_eq!(check(both.body()), Ok(()));
    assert_eq!(check(swapped.body()).unwrap_err().good, 2);
}
