//! A string of a JSON text as it was written, decoded only when somebody wants it.

use std::borrow::Cow;

/// A checked JSON string, still escaped. Comparing and storing go through [`Text::decode`].
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    raw: &'a str,
    escaped: bool,
}

impl<'a> Text<'a> {
    /// `raw` is what stands between the quotes, its escapes checked already.
    pub(super) fn new(raw: &'a str, escaped: bool) -> Self {
        Self { raw, escaped }
    }

    /// What stands between the quotes, escapes and all.
    pub fn raw(self) -> &'a str {
        self.raw
    }

    /// True when [`Text::raw`] has escapes, so that decoding it allocates.
    pub fn is_escaped(self) -> bool {
        self.escaped
    }

    /// The string that is meant; borrowed unless it has escapes.
    #[inline]
    pub fn decode(self) -> Cow<'a, str> {
        if self.escaped { Cow::Owned(unescape(self.raw)) } else { Cow::Borrowed(self.raw) }
    }
}

fn unescape(raw: &str) -> String {
    let mut plain = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        let (character, length) = escape(&rest.as_bytes()[at..]);
        plain.push(character);
        rest = rest.get(at + length..).unwrap_or_default();
    }
    plain.push_str(rest);
    plain
}

/// The character of the escape that `bytes` start with, and its length. The escapes were checked when the string
/// was read, so the replacement character never shows.
fn escape(bytes: &[u8]) -> (char, usize) {
    let simple = match bytes.get(1) {
        Some(b'n') => '\n',
        Some(b't') => '\t',
        Some(b'r') => '\r',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'u') => {
            let high = bytes.get(2..).and_then(hex4).unwrap_or(0xFFFD);
            if !(0xD800..0xDC00).contains(&high) {
                return (char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), 6);
            }
            let low = bytes.get(8..).and_then(hex4).unwrap_or(0xDC00);
            let code = 0x10000 + ((high - 0xD800) << 10) + (low.wrapping_sub(0xDC00) & 0x3FF);
            return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12);
        }
        Some(other) => char::from(*other),
        None => char::REPLACEMENT_CHARACTER,
    };
    (simple, 2)
}

/// The value of the four hexadecimal digits that `bytes` start with.
pub(super) fn hex4(bytes: &[u8]) -> Option<u32> {
    let digits: &[u8; 4] = bytes.first_chunk()?;
    digits.iter().try_fold(0, |value, digit| Some(value << 4 | char::from(*digit).to_digit(16)?))
}

/// The first byte from `at` on that ends the plain part of a string: a quote, a backslash, a control character; or the
/// end. Eight bytes at a time.
#[inline]
pub(super) fn plain_until(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    // A byte that is zero borrows from its high bit. Bytes above the first hit may be set wrongly, the first never is.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word;
    let rest = bytes.get(at..).unwrap_or_default();
    let (chunks, tail) = rest.as_chunks::<8>();
    for chunk in chunks {
        let word = u64::from_le_bytes(*chunk);
        let quotes = zeros(word ^ (ONES * u64::from(b'"')));
        let backslashes = zeros(word ^ (ONES * u64::from(b'\\')));
        let controls = word.wrapping_sub(ONES * 0x20) & !word;
        let hits = (quotes | backslashes | controls) & HIGHS;
        if hits != 0 {
            return at + (hits.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    at + tail.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..0x20)).unwrap_or(tail.len())
}
