//! The small alphabet of the binary payloads: variable length integers and length-prefixed bytes.

use thiserror::Error;

/// A payload that passed its checksum but does not read as its kind: written by a newer version, or a fault of ours.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("record payload unreadable at byte {at}: {what}")]
pub struct WireError {
    /// Offset in the payload.
    pub at: usize,
    /// What was expected there.
    pub what: &'static str,
}

/// Appends an unsigned LEB128 integer.
pub(super) fn put_int(buf: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        buf.push((n as u8) | 0x80);
        n >>= 7;
    }
    buf.push(n as u8);
}

/// Appends a signed integer, zigzag coded.
pub(super) fn put_signed(buf: &mut Vec<u8>, n: i64) {
    put_int(buf, ((n << 1) ^ (n >> 63)) as u64);
}

/// Appends a length and the bytes.
pub(super) fn put_bytes(buf: &mut Vec<u8>, bytes: &[u8]) {
    put_int(buf, bytes.len() as u64);
    buf.extend_from_slice(bytes);
}

/// Appends a length and the text.
pub(super) fn put_str(buf: &mut Vec<u8>, text: &str) {
    put_bytes(buf, text.as_bytes());
}

/// Reads a payload from front to back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) const fn error(&self, what: &'static str) -> WireError {
        WireError { at: self.at, what }
    }

    #[cfg(test)]
    pub(super) const fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    pub(super) fn byte(&mut self) -> Result<u8, WireError> {
        let byte = *self.bytes.get(self.at).ok_or_else(|| self.error("a byte"))?;
        self.at += 1;
        Ok(byte)
    }

    pub(super) fn int(&mut self) -> Result<u64, WireError> {
        let mut n = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            n |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(n);
            }
        }
        Err(self.error("an integer of at most 64 bits"))
    }

    pub(super) fn signed(&mut self) -> Result<i64, WireError> {
        let n = self.int()?;
        Ok((n >> 1) as i64 ^ -((n & 1) as i64))
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], WireError> {
        let length = usize::try_from(self.int()?).map_err(|_| self.error("a length"))?;
        let end = self.at.checked_add(length).ok_or_else(|| self.error("a length"))?;
        let bytes =
            self.bytes.get(self.at..end).ok_or_else(|| self.error("as many bytes as the length says"))?;
        self.at = end;
        Ok(bytes)
    }

    pub(super) fn str(&mut self) -> Result<&'a str, WireError> {
        let at = self.at;
        std::str::from_utf8(self.bytes()?).map_err(|_| WireError { at, what: "UTF-8 text" })
    }

    /// What has not been read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn integers_read_back(n: u64, s: i64, text in ".{0,40}") {
            let mut buf = Vec::new();
            put_int(&mut buf, n);
            put_signed(&mut buf, s);
            put_str(&mut buf, &text);
            let mut cursor = Cursor::new(&buf);
            prop_assert_eq!(cursor.int(), Ok(n));
            prop_assert_eq!(cursor.signed(), Ok(s));
            prop_assert_eq!(cursor.str(), Ok(text.as_str()));
            prop_assert!(cursor.is_empty());
        }

        #[test]
        fn any_bytes_end_in_a_value_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut cursor = Cursor::new(&bytes);
            while let Ok(_text) = cursor.bytes() {
                if cursor.is_empty() {
                    break;
                }
            }
            prop_assert!(cursor.at <= bytes.len());
        }
    }
}
