//! A batch of records in the form they are stored in, so that a payload is written once and never copied again.
//!
//! The body of a batch is its records one after the other, each as
//!
//! ```text
//! 0   4  length of the payload, little endian
//! 4   1  kind
//! 5   1  version
//! 6   4  CRC32C of bytes 0..6 and the payload, little endian
//! 10  .. payload
//! ```

use std::fmt;

/// Bytes before each payload.
pub const RECORD_HEADER_BYTES: usize = 10;

/// The longest payload a record may have.
pub const MAX_PAYLOAD_BYTES: usize = 64 << 20;

/// The longest body a batch may have.
pub const MAX_BODY_BYTES: usize = 256 << 20;

/// The bytes between a record's start and its checksum.
const CHECKED_HEADER_BYTES: usize = 6;

/// Records waiting to be appended together. Reusable: [`Batch::clear`] keeps the memory.
#[derive(Default)]
pub struct Batch {
    body: Vec<u8>,
    count: u32,
    check: u32,
}

/// A record cannot join the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Its payload is longer than any record may be.
    #[error("a payload of {bytes} bytes is longer than the {MAX_PAYLOAD_BYTES} a record may have")]
    PayloadTooLong {
        /// The payload's length.
        bytes: usize,
    },
    /// It would make the batch longer than [`MAX_BODY_BYTES`]: append what there is first.
    #[error("the batch is full")]
    Full,
    /// The function that writes the payload removed bytes that were there before.
    #[error("the payload was not appended but written over earlier records")]
    Overwritten,
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub const fn new() -> Self {
        Self { body: Vec::new(), count: 0, check: 0 }
    }

    /// An empty batch with room for `body_bytes` of records and their headers.
    #[must_use]
    pub fn with_capacity(body_bytes: usize) -> Self {
        Self { body: Vec::with_capacity(body_bytes), count: 0, check: 0 }
    }

    /// Adds a record whose payload `write` appends to the buffer it is given. The buffer already holds the records
    /// before it: `write` must only append. On an error the batch is as it was before, except after
    /// [`BatchError::Overwritten`], when it is empty.
    pub fn push(
        &mut self,
        kind: u8,
        version: u8,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), BatchError> {
        let start = self.body.len();
        self.body.extend_from_slice(&[0; RECORD_HEADER_BYTES]);
        let payload_at = self.body.len();
        write(&mut self.body);
        self.seal_record(start, payload_at, kind, version)
    }

    /// Adds a record with this payload.
    pub fn push_bytes(&mut self, kind: u8, version: u8, payload: &[u8]) -> Result<(), BatchError> {
        if payload.len() > MAX_PAYLOAD_BYTES {
            return Err(BatchError::PayloadTooLong { bytes: payload.len() });
        }
        self.push(kind, version, |body| body.extend_from_slice(payload))
    }

    fn seal_record(
        &mut self,
        start: usize,
        payload_at: usize,
        kind: u8,
        version: u8,
    ) -> Result<(), BatchError> {
        let Some(bytes) = self.body.len().checked_sub(payload_at) else {
            self.clear();
            return Err(BatchError::Overwritten);
        };
        if bytes > MAX_PAYLOAD_BYTES {
            self.body.truncate(start);
            return Err(BatchError::PayloadTooLong { bytes });
        }
        if self.body.len() > MAX_BODY_BYTES {
            self.body.truncate(start);
            return Err(BatchError::Full);
        }
        let (before, payload) = self.body.split_at_mut(payload_at);
        let header = RecordHeader::for_payload(kind, version, payload).encode();
        before[start..].copy_from_slice(&header);
        self.check = crc32c::crc32c_append(self.check, &header);
        self.count += 1;
        Ok(())
    }

    /// Forgets the records and keeps the memory.
    pub fn clear(&mut self) {
        self.body.clear();
        self.count = 0;
        self.check = 0;
    }

    /// Number of records.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Whether there is no record.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The records as they are stored.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// CRC32C of all record headers one after the other. It covers the payloads too, through their checksums.
    #[must_use]
    pub const fn headers_check(&self) -> u32 {
        self.check
    }

    /// The records in order.
    #[must_use]
    pub fn records(&self) -> BatchRecords<'_> {
        BatchRecords { rest: &self.body }
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("count", &self.count)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// One record of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchRecord<'a> {
    /// What it is.
    pub kind: u8,
    /// The version of its payload's form.
    pub version: u8,
    /// The payload.
    pub payload: &'a [u8],
}

/// The records of a batch, in order.
#[derive(Clone, Debug)]
pub struct BatchRecords<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for BatchRecords<'a> {
    type Item = BatchRecord<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let (header, rest) = self.rest.split_first_chunk()?;
        let header = RecordHeader::decode(header);
        let (payload, rest) = rest.split_at_checked(header.payload_bytes())?;
        self.rest = rest;
        Some(BatchRecord { kind: header.kind, version: header.version, payload })
    }
}

/// What stands before each payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    /// Length of the payload. Not to be trusted before [`RecordHeader::matches`] has said yes.
    pub length: u32,
    /// What it is.
    pub kind: u8,
    /// The version of the payload's form.
    pub version: u8,
    /// CRC32C of the fields above and the payload.
    pub check: u32,
}

impl RecordHeader {
    /// The header a payload gets, which must be no longer than [`MAX_PAYLOAD_BYTES`].
    #[must_use]
    pub fn for_payload(kind: u8, version: u8, payload: &[u8]) -> Self {
        let mut header = Self { length: payload.len() as u32, kind, version, check: 0 };
        header.check = header.check_of(payload);
        header
    }

    /// The header as stored.
    #[must_use]
    pub fn encode(&self) -> [u8; RECORD_HEADER_BYTES] {
        let mut bytes = [0; RECORD_HEADER_BYTES];
        bytes[..CHECKED_HEADER_BYTES].copy_from_slice(&self.checked_fields());
        bytes[CHECKED_HEADER_BYTES..].copy_from_slice(&self.check.to_le_bytes());
        bytes
    }

    /// Takes a stored header apart. Any bytes give a header; whether it is one, [`RecordHeader::matches`] tells.
    #[must_use]
    pub const fn decode(bytes: &[u8; RECORD_HEADER_BYTES]) -> Self {
        let [l0, l1, l2, l3, kind, version, c0, c1, c2, c3] = *bytes;
        Self {
            length: u32::from_le_bytes([l0, l1, l2, l3]),
            kind,
            version,
            check: u32::from_le_bytes([c0, c1, c2, c3]),
        }
    }

    /// Whether this header belongs to this payload and both are as written.
    #[must_use]
    pub fn matches(&self, payload: &[u8]) -> bool {
        payload.len() == self.payload_bytes() && self.check_of(payload) == self.check
    }

    /// Length of the payload.
    #[must_use]
    pub const fn payload_bytes(&self) -> usize {
        self.length as usize
    }

    /// The checksum that the fields and this payload have.
    #[must_use]
    pub fn check_of(&self, payload: &[u8]) -> u32 {
        crc32c::crc32c_append(crc32c::crc32c(&self.checked_fields()), payload)
    }

    const fn checked_fields(&self) -> [u8; CHECKED_HEADER_BYTES] {
        let [l0, l1, l2, l3] = self.length.to_le_bytes();
        [l0, l1, l2, l3, self.kind, self.version]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_read_back_in_order() {
        let mut batch = Batch::new();
        batch.push_bytes(1, 2, b"first").unwrap();
        batch.push(3, 4, |buf| buf.extend_from_slice(b"second")).unwrap();
        batch.push_bytes(5, 6, b"").unwrap();
        let records: Vec<_> = batch.records().map(|r| (r.kind, r.version, r.payload)).collect();
        assert_eq!(records, [(1, 2, &b"first"[..]), (3, 4, b"second"), (5, 6, b"")]);
        assert_eq!(batch.count(), 3);
    }

    #[test]
    fn the_stored_form_stays() {
        let mut batch = Batch::new();
        batch.push_bytes(1, 1, b"abc").unwrap();
        let check = crc32c::crc32c(&[3, 0, 0, 0, 1, 1, b'a', b'b', b'c']).to_le_bytes();
        assert_eq!(batch.body()[..6], [3, 0, 0, 0, 1, 1]);
        assert_eq!(batch.body()[6..10], check);
        assert_eq!(batch.body()[10..], *b"abc");
        assert_eq!(batch.headers_check(), crc32c::crc32c(&batch.body()[..10]));
    }

    #[test]
    fn a_payload_too_long_leaves_the_batch_as_it_was() {
        let mut batch = Batch::new();
        batch.push_bytes(1, 1, b"kept").unwrap();
        let before = batch.body().to_vec();
        let error = batch.push(1, 1, |buf| buf.resize(buf.len() + MAX_PAYLOAD_BYTES + 1, 0)).unwrap_err();
        assert_eq!(error, BatchError::PayloadTooLong { bytes: MAX_PAYLOAD_BYTES + 1 });
        assert_eq!((batch.body(), batch.count()), (&before[..], 1));
    }

    #[test]
    fn a_writer_that_removes_earlier_records_is_refused() {
        let mut batch = Batch::new();
        batch.push_bytes(1, 1, b"kept").unwrap();
        assert_eq!(batch.push(1, 1, Vec::clear), Err(BatchError::Overwritten));
        assert!(batch.is_empty());
    }

    #[test]
    fn each_flipped_bit_is_noticed() {
        let mut batch = Batch::new();
        batch.push_bytes(7, 1, b"some payload").unwrap();
        for bit in 0..batch.body().len() * 8 {
            let mut body = batch.body().to_vec();
            body[bit / 8] ^= 1 << (bit % 8);
            let header = RecordHeader::decode(body.first_chunk().unwrap());
            assert!(!header.matches(&body[RECORD_HEADER_BYTES..]), "bit {bit}");
        }
    }
}
