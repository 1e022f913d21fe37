//! Character encodings: UTF-8, and the single-byte ones that factories still meet, those of mainframes included.

mod tables;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, de};

use tables::NONE;

/// How bytes stand for characters.
#[derive(Clone, Copy, Default)]
pub enum Encoding {
    /// UTF-8, and so ASCII.
    #[default]
    Utf8,
    /// One byte, one character.
    OneByte(&'static CodePage),
}

/// A single-byte encoding.
pub struct CodePage {
    /// The first is its name in a workspace, the others are what declarations and people call it.
    names: &'static [&'static str],
    characters: [u16; 256],
}

impl PartialEq for Encoding {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Encoding {}

impl fmt::Debug for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for CodePage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.names[0])
    }
}

/// ASCII and the control characters above it, then what the standard says.
const fn iso(high: &[u16; 96]) -> [u16; 256] {
    let mut characters = [0; 256];
    let mut at = 0;
    while at < 256 {
        characters[at] = if at < 160 { at as u16 } else { high[at - 160] };
        at += 1;
    }
    characters
}

const fn latin_1() -> [u16; 256] {
    let mut characters = [0; 256];
    let mut at = 0;
    while at < 256 {
        characters[at] = at as u16;
        at += 1;
    }
    characters
}

const fn windows_1252() -> [u16; 256] {
    let mut characters = latin_1();
    let mut at = 0;
    while at < 32 {
        characters[0x80 + at] = tables::WINDOWS_1252[at] as u16;
        at += 1;
    }
    characters
}

const fn ebcdic(latin: &[u8; 256]) -> [u16; 256] {
    let mut characters = [0; 256];
    let mut at = 0;
    while at < 256 {
        characters[at] = latin[at] as u16;
        at += 1;
    }
    characters
}

static CODE_PAGES: [CodePage; 19] = [
    CodePage { names: &["latin-1", "iso-8859-1", "latin1"], characters: latin_1() },
    CodePage { names: &["windows-1252", "cp1252"], characters: windows_1252() },
    CodePage { names: &["iso-8859-2", "latin2"], characters: iso(&tables::ISO_8859_2) },
    CodePage { names: &["iso-8859-3", "latin3"], characters: iso(&tables::ISO_8859_3) },
    CodePage { names: &["iso-8859-4", "latin4"], characters: iso(&tables::ISO_8859_4) },
    CodePage { names: &["iso-8859-5"], characters: iso(&tables::ISO_8859_5) },
    CodePage { names: &["iso-8859-6"], characters: iso(&tables::ISO_8859_6) },
    CodePage { names: &["iso-8859-7"], characters: iso(&tables::ISO_8859_7) },
    CodePage { names: &["iso-8859-8"], characters: iso(&tables::ISO_8859_8) },
    CodePage { names: &["iso-8859-9", "latin5"], characters: iso(&tables::ISO_8859_9) },
    CodePage { names: &["iso-8859-10", "latin6"], characters: iso(&tables::ISO_8859_10) },
    CodePage { names: &["iso-8859-11", "tis-620"], characters: iso(&tables::ISO_8859_11) },
    CodePage { names: &["iso-8859-13", "latin7"], characters: iso(&tables::ISO_8859_13) },
    CodePage { names: &["iso-8859-14", "latin8"], characters: iso(&tables::ISO_8859_14) },
    CodePage { names: &["iso-8859-15", "latin9"], characters: iso(&tables::ISO_8859_15) },
    CodePage { names: &["cp037", "ibm037", "ebcdic-cp-us"], characters: ebcdic(&tables::CP037) },
    CodePage { names: &["cp273", "ibm273"], characters: ebcdic(&tables::CP273) },
    CodePage { names: &["cp500", "ibm500"], characters: ebcdic(&tables::CP500) },
    CodePage { names: &["cp1047", "ibm1047"], characters: ebcdic(&tables::CP1047) },
];

impl Encoding {
    /// The encoding that an XML declaration, a `charset` or a workspace names.
    pub fn named(name: &str) -> Option<Self> {
        const UTF_8: [&str; 4] = ["utf-8", "utf8", "us-ascii", "ascii"];
        if UTF_8.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return Some(Self::Utf8);
        }
        let is_named = |page: &&CodePage| page.names.iter().any(|known| known.eq_ignore_ascii_case(name));
        CODE_PAGES.iter().find(is_named).map(Self::OneByte)
    }

    /// Its name in a workspace.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::OneByte(page) => page.names[0],
        }
    }

    /// The names of all encodings in a workspace.
    pub fn names() -> impl Iterator<Item = &'static str> {
        std::iter::once("utf-8").chain(CODE_PAGES.iter().map(|page| page.names[0]))
    }

    /// Whether the first 128 bytes are ASCII, as they are in all but the encodings of mainframes.
    pub(crate) const fn has_ascii(self) -> bool {
        match self {
            Self::Utf8 => true,
            Self::OneByte(page) => page.characters[b'A' as usize] == b'A' as u16,
        }
    }

    /// The byte of an ASCII character or control character.
    pub(crate) fn byte(self, ascii: u8) -> u8 {
        match self {
            Self::OneByte(page) if !self.has_ascii() => place(page, u16::from(ascii)).unwrap_or(ascii),
            _ => ascii,
        }
    }

    /// The bytes that end a line.
    pub(crate) fn line_ends(self) -> LineEnds {
        let lf = self.byte(b'\n');
        // Mainframes end a line with NEL, which in other encodings is a rare control character.
        LineEnds { lf, cr: self.byte(b'\r'), nel: if self.has_ascii() { lf } else { 0x15 } }
    }

    /// The text of `bytes`, or how many of them are good.
    pub(crate) fn decode(self, bytes: &[u8]) -> Result<Cow<'_, str>, usize> {
        let page = match self {
            Self::OneByte(page) if !(self.has_ascii() && bytes.is_ascii()) => page,
            _ => {
                return std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|error| error.valid_up_to());
            }
        };
        let mut text = String::with_capacity(bytes.len() + bytes.len() / 4);
        for (at, byte) in bytes.iter().enumerate() {
            let code = page.characters[usize::from(*byte)];
            let character = char::from_u32(u32::from(code)).filter(|_| code != NONE);
            text.push(character.ok_or(at)?);
        }
        Ok(Cow::Owned(text))
    }

    /// Whether `bytes` are text in this encoding, or how many of them are good.
    pub(crate) fn check(self, bytes: &[u8]) -> Result<(), usize> {
        match self {
            Self::Utf8 => std::str::from_utf8(bytes).map(|_| ()).map_err(|error| error.valid_up_to()),
            Self::OneByte(page) => {
                let is_none = |byte: &u8| page.characters[usize::from(*byte)] == NONE;
                bytes.iter().position(is_none).map_or(Ok(()), Err)
            }
        }
    }

    /// Appends `text` in this encoding, or names the character that it does not have.
    pub(crate) fn encode(self, text: &str, out: &mut Vec<u8>) -> Result<(), char> {
        let page = match self {
            Self::OneByte(page) if !(self.has_ascii() && text.is_ascii()) => page,
            _ => {
                out.extend_from_slice(text.as_bytes());
                return Ok(());
            }
        };
        for character in text.chars() {
            let code = u16::try_from(u32::from(character)).ok().filter(|code| *code != NONE);
            out.push(code.and_then(|code| place(page, code)).ok_or(character)?);
        }
        Ok(())
    }

    /// Bytes of the original before the place that is `offset` bytes into the decoded `text`.
    pub(crate) fn original_offset(self, text: &str, offset: usize) -> usize {
        match self {
            Self::Utf8 => offset,
            Self::OneByte(_) => text.get(..offset).map_or(offset, |before| before.chars().count()),
        }
    }
}

/// The byte that stands for a character.
fn place(page: &CodePage, code: u16) -> Option<u8> {
    // Most characters are where ASCII has them.
    let direct = u8::try_from(code).ok().filter(|byte| page.characters[usize::from(*byte)] == code);
    let search = || page.characters.iter().position(|known| *known == code);
    direct.or_else(|| search().and_then(|at| u8::try_from(at).ok()))
}

/// The bytes that end a line: LF, CR LF, CR, or NEL. Where there is no NEL it is the same as LF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LineEnds {
    pub(crate) lf: u8,
    pub(crate) cr: u8,
    pub(crate) nel: u8,
}

impl LineEnds {
    pub(crate) fn has(self, byte: u8) -> bool {
        byte == self.lf || byte == self.cr || byte == self.nel
    }

    /// How many lines end in `bytes`.
    pub(crate) fn count(self, bytes: &[u8]) -> u64 {
        let ends = bytes.iter().enumerate().filter(|(at, byte)| {
            self.has(**byte) && !(**byte == self.cr && bytes.get(at + 1) == Some(&self.lf))
        });
        ends.count() as u64
    }

    /// The length of the line end at `at`, where there is one; `None` when the next byte has to be known first.
    pub(crate) fn length(self, input: &[u8], at: usize, at_end: bool) -> Option<usize> {
        match (input.get(at), input.get(at + 1)) {
            (Some(first), Some(second)) if *first == self.cr && *second == self.lf => Some(2),
            (Some(first), None) if *first == self.cr && !at_end => None,
            _ => Some(1),
        }
    }
}

impl<'de> Deserialize<'de> for Encoding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| {
            let known: Vec<&str> = Self::names().collect();
            let name: String = name.chars().take(40).collect();
            de::Error::custom(format!(
                "there is no encoding `{name}`; the encodings are {}",
                known.join(", ")
            ))
        })
    }
}
