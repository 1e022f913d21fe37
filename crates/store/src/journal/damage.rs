//! Telling a torn tail from damage.
//!
//! The next frame is written only when the one before is durable. So only the last frame can be torn by a power cut, and
//! it was never acknowledged: cutting it off is right. Anything else that does not hold was durable once, and is
//! reported instead. What gives damage away: a frame after it, or a last frame that is complete and as it was written
//! but for one bit, which no tear leaves behind.

use lineshaft_model::Position;
use lineshaft_ports::journal::{RECORD_HEADER_BYTES, RecordHeader};

use super::frame::{
    BodyFault, END_BYTES, FrameHeader, HEADER_BYTES, Salt, check_body, find_later_header, split_record,
};

/// CRC32C's polynomial, bits reversed.
const POLYNOMIAL: u32 = 0x82F6_3B78;

/// The frame that must come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) first: Position,
    /// The checksum of the frame before, or of the segment's header.
    pub(crate) previous: u32,
}

impl Expected {
    pub(crate) fn is(&self, header: &FrameHeader) -> bool {
        header.first == self.first && header.previous == self.previous
    }
}

/// What stands after the last good frame of the last segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Nothing, or reserved space.
    Clean,
    /// A frame whose writing was cut short and never acknowledged.
    Torn,
    /// Something that was durable and is not as it was written.
    Damaged {
        /// Byte offset from the start of the tail.
        offset: usize,
        /// The first position that is affected.
        position: Position,
        what: &'static str,
    },
}

/// Judges the bytes after the last good frame, up to the last that is not zero. They are as they were when this returns.
pub(crate) fn judge(tail: &mut [u8], salt: Salt, expected: Expected) -> Tail {
    if tail.iter().all(|byte| *byte == 0) {
        return Tail::Clean;
    }
    match tail.first_chunk().and_then(|bytes| FrameHeader::decode(bytes, salt)) {
        Some((header, _)) => judge_body(tail, salt, expected, &header),
        None => judge_header(tail, salt, expected),
    }
}

fn judge_body(tail: &mut [u8], salt: Salt, expected: Expected, header: &FrameHeader) -> Tail {
    if !expected.is(header) {
        let what = "a frame does not follow the one before it";
        return Tail::Damaged { offset: 0, position: expected.first, what };
    }
    let Some((frame, after)) = tail.split_at_mut_checked(header.frame_bytes() as usize) else {
        return Tail::Torn;
    };
    let Err(fault) = check_body(header, &frame[HEADER_BYTES..], |_, _, _| {}) else {
        return Tail::Clean;
    };
    let durable = find_later_header(after, salt, header.first).is_some()
        || flip_in_body(header, &mut frame[HEADER_BYTES..], fault);
    if !durable {
        return Tail::Torn;
    }
    let position = header.first.plus(u64::from(fault.good));
    Tail::Damaged { offset: HEADER_BYTES + fault.offset, position, what: fault.what }
}

fn judge_header(tail: &mut [u8], salt: Salt, expected: Expected) -> Tail {
    let durable = flip_in_header(tail, salt, expected)
        || find_later_header(tail.get(1..).unwrap_or_default(), salt, expected.first).is_some();
    if !durable {
        return Tail::Torn;
    }
    Tail::Damaged { offset: 0, position: expected.first, what: "a frame header's checksum does not hold" }
}

/// Whether one flipped bit in the header is all that is wrong with the frame.
fn flip_in_header(tail: &mut [u8], salt: Salt, expected: Expected) -> bool {
    if tail.len() < HEADER_BYTES + END_BYTES {
        return false;
    }
    (0..HEADER_BYTES * 8).any(|bit| {
        with_flipped(tail, bit, |tail| {
            let header = tail.first_chunk().and_then(|bytes| FrameHeader::decode(bytes, salt));
            header.is_some_and(|(header, _)| {
                let rest = tail.get(HEADER_BYTES..header.frame_bytes() as usize);
                expected.is(&header) && rest.is_some_and(|rest| is_good(&header, rest))
            })
        })
    })
}

/// Whether one flipped bit in the body or the end mark is all that is wrong with the frame.
fn flip_in_body(header: &FrameHeader, bytes: &mut [u8], fault: BodyFault) -> bool {
    let body_len = header.body_len();
    let all_records_good = fault.good == header.count && !header.is_seal();
    if all_records_good || fault.offset == body_len {
        let mut end = body_len * 8..bytes.len() * 8;
        return end.any(|bit| with_flipped(bytes, bit, |bytes| is_good(header, bytes)));
    }
    if header.is_seal() {
        let difference = crc32c::crc32c(&bytes[..body_len]) ^ header.body_check;
        return flipped_bit(difference, body_len)
            .is_some_and(|bit| with_flipped(bytes, bit, |bytes| is_good(header, bytes)));
    }
    let mut record_header = fault.offset * 8..(fault.offset + RECORD_HEADER_BYTES).min(body_len) * 8;
    if record_header.any(|bit| {
        with_flipped(bytes, bit, |bytes| {
            split_record(&bytes[fault.offset..body_len]).is_some() && is_good(header, bytes)
        })
    }) {
        return true;
    }
    let Some((record, rest)) = bytes[fault.offset..body_len].split_first_chunk() else { return false };
    let record = RecordHeader::decode(record);
    let Some(payload) = rest.get(..record.payload_bytes()) else { return false };
    let payload_at = fault.offset + RECORD_HEADER_BYTES;
    flipped_bit(record.check_of(payload) ^ record.check, payload.len())
        .is_some_and(|bit| with_flipped(bytes, payload_at * 8 + bit, |bytes| is_good(header, bytes)))
}

fn is_good(header: &FrameHeader, bytes: &[u8]) -> bool {
    check_body(header, bytes, |_, _, _| {}).is_ok()
}

fn with_flipped(bytes: &mut [u8], bit: usize, look: impl FnOnce(&[u8]) -> bool) -> bool {
    let mask = 1 << (bit % 8);
    bytes[bit / 8] ^= mask;
    let seen = look(bytes);
    bytes[bit / 8] ^= mask;
    seen
}

/// The bit of a message of `length` bytes whose flipping changes its CRC32C by `difference`, if there is one.
///
/// A checksum is linear: the difference that one bit makes depends on nothing but how far it stands from the end.
fn flipped_bit(difference: u32, length: usize) -> Option<usize> {
    let mut made = POLYNOMIAL;
    for from_end in 0..length * 8 {
        if made == difference {
            // Bits are taken into the checksum from the lowest of each byte to the highest.
            return Some(length * 8 - 1 - from_end);
        }
        made = (made >> 1) ^ if made & 1 == 1 { POLYNOMIAL } else { 0 };
    }
    None
}

#[cfg(test)]
mod tests {
    use lineshaft_model::Millis;
    use lineshaft_ports::journal::Batch;

    use super::*;
    use crate::journal::frame::{END_MARK, header_for};

    const EXPECTED: Expected = Expected { first: Position(5), previous: 99 };

    fn salt() -> Salt {
        Salt::of(4711)
    }

    fn frame() -> Vec<u8> {
        let mut batch = Batch::new();
        batch.push_bytes(1, 1, b"{\"order\":\"4500001234\"}").unwrap();
        batch.push_bytes(2, 1, b"").unwrap();
        batch.push_bytes(3, 1, &[0; 30]).unwrap();
        let (header, _) = header_for(&batch, EXPECTED.first, Millis(7), EXPECTED.previous).encode(salt());
        [&header[..], batch.body(), &END_MARK].concat()
    }

    fn seal() -> Vec<u8> {
        let body = b"0123456789abcdefghij";
        let header = FrameHeader {
            count: 0,
            first: EXPECTED.first,
            written: Millis(7),
            body_bytes: body.len() as u32,
            previous: EXPECTED.previous,
            body_check: crc32c::crc32c(body),
        };
        [&header.encode(salt()).0[..], body, &END_MARK].concat()
    }

    #[test]
    fn the_flipped_bit_is_found_from_the_checksum() {
        let message = b"a message to be damaged";
        for bit in 0..message.len() * 8 {
            let mut flipped = message.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let difference = crc32c::crc32c(message) ^ crc32c::crc32c(&flipped);
            assert_eq!(flipped_bit(difference, message.len()), Some(bit));
        }
        assert_eq!(flipped_bit(0, message.len()), None);
    }

    #[test]
    fn any_one_flipped_bit_in_a_complete_last_frame_is_damage() {
        for whole in [frame(), seal()] {
            for spare in [0, 100] {
                for bit in 0..whole.len() * 8 {
                    let mut tail = whole.clone();
                    tail.resize(whole.len() + spare, 0);
                    tail[bit / 8] ^= 1 << (bit % 8);
                    let before = tail.clone();
                    let judged = judge(&mut tail, salt(), EXPECTED);
                    assert!(matches!(judged, Tail::Damaged { .. }), "bit {bit}: {judged:?}");
                    assert_eq!(tail, before);
                }
            }
        }
    }

    #[test]
    fn a_frame_cut_at_any_byte_is_torn_whether_zeros_follow_or_nothing() {
        for whole in [frame(), seal()] {
            for length in 1..whole.len() {
                let mut cut = whole[..length].to_vec();
                assert_eq!(judge(&mut cut, salt(), EXPECTED), Tail::Torn, "cut at {length}");
                cut.resize(whole.len() + 60, 0);
                assert_eq!(judge(&mut cut, salt(), EXPECTED), Tail::Torn, "zeros from {length}");
            }
        }
    }

    #[test]
    fn a_frame_of_which_a_part_became_zeros_is_torn() {
        let whole = frame();
        for start in 0..whole.len() {
            let end = (start + 16).min(whole.len());
            let mut tail = whole.clone();
            tail[start..end].fill(0);
            if (tail.iter().zip(&whole)).map(|(a, b)| (a ^ b).count_ones()).sum::<u32>() > 1 {
                assert_eq!(judge(&mut tail, salt(), EXPECTED), Tail::Torn, "zeros from {start}");
            }
        }
    }

    #[test]
    fn two_flipped_bits_are_damage_when_a_frame_follows() {
        let mut batch = Batch::new();
        batch.push_bytes(9, 1, b"later").unwrap();
        let (header, _) = header_for(&batch, Position(8), Millis(8), 1).encode(salt());
        let whole = frame();
        for bit in 0..whole.len() * 8 - 3 {
            let mut tail = [&whole[..], &header, batch.body(), &END_MARK].concat();
            tail[bit / 8] ^= 1 << (bit % 8);
            tail[(bit + 3) / 8] ^= 1 << ((bit + 3) % 8);
            let judged = judge(&mut tail, salt(), EXPECTED);
            assert!(matches!(judged, Tail::Damaged { .. }), "bit {bit}: {judged:?}");
        }
    }

    #[test]
    fn a_good_frame_out_of_place_is_damage() {
        let elsewhere = Expected { first: Position(6), ..EXPECTED };
        assert!(matches!(judge(&mut frame(), salt(), elsewhere), Tail::Damaged { offset: 0, .. }));
    }

    #[test]
    fn a_forged_frame_inside_a_torn_payload_does_not_pass_for_a_later_one() {
        let mut inner = Batch::new();
        inner.push_bytes(1, 1, b"x").unwrap();
        let (forged, _) = header_for(&inner, Position(1000), Millis(8), 1).encode(Salt::of(1));
        let mut batch = Batch::new();
        batch.push_bytes(1, 1, &forged).unwrap();
        let (header, _) = header_for(&batch, EXPECTED.first, Millis(7), EXPECTED.previous).encode(salt());
        let mut tail = [&header[..], batch.body(), &[0; 40]].concat();
        tail[..20].fill(0);
        assert_eq!(judge(&mut tail, salt(), EXPECTED), Tail::Torn);
    }
}
