//! Character encodings: UTF-8 and the two single-byte ones that factories still meet.

use std::borrow::Cow;

use serde::Deserialize;

/// How bytes stand for characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum Encoding {
    /// UTF-8, and so ASCII.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// ISO 8859-1: each byte is the character of that number.
    #[serde(rename = "latin-1")]
    Latin1,
    /// Windows-1252 as the WHATWG Encoding Standard has it: the five bytes that Microsoft left undefined are control
    /// characters.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

/// Windows-1252 from 0x80 to 0x9F; the rest is ISO 8859-1.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž', '\u{8F}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}', 'ž', 'Ÿ',
];

impl Encoding {
    /// The encoding that an XML declaration or a `charset` names.
    pub fn named(name: &str) -> Option<Self> {
        const NAMES: [(&str, Encoding); 8] = [
            ("utf-8", Encoding::Utf8),
            ("utf8", Encoding::Utf8),
            ("us-ascii", Encoding::Utf8),
            ("ascii", Encoding::Utf8),
            ("iso-8859-1", Encoding::Latin1),
            ("latin-1", Encoding::Latin1),
            ("latin1", Encoding::Latin1),
            ("windows-1252", Encoding::Windows1252),
        ];
        NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, encoding)| *encoding)
    }

    /// The text of `bytes`, or how many of them are good.
    pub(crate) fn decode(self, bytes: &[u8]) -> Result<Cow<'_, str>, usize> {
        match self {
            Self::Utf8 => std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|error| error.valid_up_to()),
            _ if bytes.is_ascii() => Self::Utf8.decode(bytes),
            Self::Latin1 => Ok(bytes.iter().map(|byte| char::from(*byte)).collect()),
            Self::Windows1252 => Ok(bytes
                .iter()
                .map(|byte| match byte {
                    0x80..0xA0 => WINDOWS_1252[usize::from(byte - 0x80)],
                    other => char::from(*other),
                })
                .collect()),
        }
    }

    /// Appends `text` in this encoding, or names the character that it does not have.
    pub(crate) fn encode(self, text: &str, out: &mut Vec<u8>) -> Result<(), char> {
        if self == Self::Utf8 || text.is_ascii() {
            out.extend_from_slice(text.as_bytes());
            return Ok(());
        }
        for character in text.chars() {
            let high = WINDOWS_1252.iter().position(|known| *known == character);
            let byte = match (self, high) {
                (Self::Windows1252, Some(place)) => u8::try_from(0x80 + place).ok(),
                (Self::Windows1252, None) if ('\u{80}'..'\u{A0}').contains(&character) => None,
                _ => u8::try_from(character).ok(),
            };
            out.push(byte.ok_or(character)?);
        }
        Ok(())
    }

    /// Bytes of the original before the place that is `offset` bytes into the decoded `text`.
    pub(crate) fn original_offset(self, text: &str, offset: usize) -> usize {
        match self {
            Self::Utf8 => offset,
            // One byte each.
            _ => text.get(..offset).map_or(offset, |before| before.chars().count()),
        }
    }
}
