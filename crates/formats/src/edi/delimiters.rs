//! The delimiters of an interchange, measured at its head.

use std::fmt;

/// What a byte is to the scanner.
pub(super) mod class {
    /// A byte of a value.
    pub(in crate::edi) const PLAIN: u8 = 0;
    /// A byte beyond ASCII: of a value, and to be decoded.
    pub(in crate::edi) const HIGH: u8 = 1;
    /// A byte of a value that JSON text must escape.
    pub(in crate::edi) const ESCAPE: u8 = 2;
    /// Between elements.
    pub(in crate::edi) const ELEMENT: u8 = 3;
    /// Between components.
    pub(in crate::edi) const COMPONENT: u8 = 4;
    /// Between repetitions.
    pub(in crate::edi) const REPETITION: u8 = 5;
    /// The next byte is of a value, whatever it is.
    pub(in crate::edi) const RELEASE: u8 = 6;
    /// The first byte of a delimiter of several bytes.
    pub(in crate::edi) const LONG: u8 = 7;
}

/// One delimiter: a byte, or a character of several bytes in a file that was carried over to UTF-8 on its way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Delimiter {
    bytes: [u8; 4],
    length: u8,
}

impl Delimiter {
    /// A delimiter of one byte.
    pub const fn byte(byte: u8) -> Self {
        Self { bytes: [byte, 0, 0, 0], length: 1 }
    }

    /// The delimiter that stands at the start of `bytes`: a whole character where the bytes are UTF-8, else one byte.
    pub(super) fn first_of(bytes: &[u8]) -> Option<Self> {
        let lead = *bytes.first()?;
        let length: usize = match lead {
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            _ => 1,
        };
        match bytes.get(..length).filter(|character| std::str::from_utf8(character).is_ok()) {
            Some(character) if length > 1 => {
                let mut delimiter = Self { bytes: [0; 4], length: length as u8 };
                delimiter.bytes[..length].copy_from_slice(character);
                Some(delimiter)
            }
            _ => Some(Self::byte(lead)),
        }
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    pub(super) fn len(self) -> usize {
        usize::from(self.length)
    }

    pub(super) fn first(self) -> u8 {
        self.bytes[0]
    }

    pub(super) fn is_long(self) -> bool {
        self.length > 1
    }

    /// Its first place in `bytes`, from `from` on.
    pub(super) fn find(self, bytes: &[u8], from: usize) -> Option<usize> {
        let rest = bytes.get(from..)?;
        let found = match self.is_long() {
            false => memchr::memchr(self.bytes[0], rest),
            true => memchr::memmem::find(rest, self.as_bytes()),
        };
        found.map(|at| from + at)
    }

    /// Its text; a byte that is not ASCII as the character of that number.
    pub fn text(&self) -> String {
        match std::str::from_utf8(self.as_bytes()) {
            Ok(text) => text.to_owned(),
            Err(_) => self.as_bytes().iter().map(|byte| char::from(*byte)).collect(),
        }
    }
}

impl fmt::Debug for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text())
    }
}

/// The delimiters of an interchange.
#[derive(Clone, PartialEq, Eq)]
pub struct Delimiters {
    /// Between elements.
    pub element: Delimiter,
    /// Between the components of an element; none where the head names a character that can be none.
    pub component: Option<Delimiter>,
    /// Between the repetitions of an element, where the version has them.
    pub repetition: Option<Delimiter>,
    /// Makes the character after it part of a value: EDIFACT only.
    pub release: Option<u8>,
    /// After each segment.
    pub segment: Delimiter,
    /// What each byte is.
    table: [u8; 256],
}

impl fmt::Debug for Delimiters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { element, component, repetition, release, segment, .. } = self;
        write!(f, "{element:?} {component:?} {repetition:?} {release:?} {segment:?}")
    }
}

impl Delimiters {
    /// Delimiters and what each byte is to them.
    pub fn new(
        element: Delimiter,
        component: Option<Delimiter>,
        repetition: Option<Delimiter>,
        release: Option<u8>,
        segment: Delimiter,
    ) -> Self {
        let mut table = [class::PLAIN; 256];
        table[..0x20].fill(class::ESCAPE);
        table[0x80..].fill(class::HIGH);
        table[usize::from(b'"')] = class::ESCAPE;
        table[usize::from(b'\\')] = class::ESCAPE;
        let mut made = Self { element, component, repetition, release, segment, table };
        // Where a head names one character for two things, the outer one holds: it is set last.
        if let Some(release) = release {
            made.table[usize::from(release)] = class::RELEASE;
        }
        made.set(repetition, class::REPETITION);
        made.set(component, class::COMPONENT);
        made.set(Some(element), class::ELEMENT);
        made
    }

    /// `*`, `>`, `~`: what X12 is written with where nothing else is agreed.
    pub fn x12() -> Self {
        let byte = Delimiter::byte;
        Self::new(byte(b'*'), Some(byte(b'>')), None, None, byte(b'~'))
    }

    /// `+`, `:`, `?`, `'`: what EDIFACT is written with where no UNA says otherwise.
    pub fn edifact() -> Self {
        let byte = Delimiter::byte;
        Self::new(byte(b'+'), Some(byte(b':')), None, Some(b'?'), byte(b'\''))
    }

    fn set(&mut self, delimiter: Option<Delimiter>, class: u8) {
        if let Some(delimiter) = delimiter {
            let class = if delimiter.is_long() { class::LONG } else { class };
            self.table[usize::from(delimiter.first())] = class;
        }
    }

    pub(super) fn table(&self) -> &[u8; 256] {
        &self.table
    }

    /// Which delimiter of several bytes `rest` starts with, and how many bytes that has.
    pub(super) fn long_at(&self, rest: &[u8]) -> Option<(u8, usize)> {
        let named = [
            (Some(self.element), class::ELEMENT),
            (self.component, class::COMPONENT),
            (self.repetition, class::REPETITION),
        ];
        named.iter().find_map(|(delimiter, class)| {
            delimiter
                .filter(|delimiter| rest.starts_with(delimiter.as_bytes()))
                .map(|found| (*class, found.len()))
        })
    }

    /// What the byte at the start of `rest` is, and how many bytes that has. `rest` is not empty.
    pub(super) fn class_at(&self, rest: &[u8]) -> (u8, usize) {
        match self.table[usize::from(rest.first().copied().unwrap_or_default())] {
            class::LONG => self.long_at(rest).unwrap_or((class::HIGH, 1)),
            class => (class, 1),
        }
    }

    /// Whether a value may hold a delimiter. It is said of each byte, so a delimiter of several bytes is only suspected.
    pub(super) fn may_be_in(&self, value: &[u8]) -> bool {
        let end = self.segment.first();
        value.iter().any(|byte| self.table[usize::from(*byte)] >= class::ELEMENT || *byte == end)
    }

    /// The end of the segment that starts at `start`: the place of its terminator, from `from` on. A terminator that is
    /// released is none, and whether it is depends on how many release characters stand before it.
    pub(super) fn segment_end(&self, bytes: &[u8], start: usize, from: usize) -> Option<usize> {
        let mut from = from;
        loop {
            let end = self.segment.find(bytes, from)?;
            let Some(release) = self.release else { return Some(end) };
            if end == start || bytes[end - 1] != release {
                return Some(end);
            }
            let released = bytes[start..end].iter().rev().take_while(|byte| **byte == release).count();
            if released % 2 == 0 {
                return Some(end);
            }
            from = end + 1;
        }
    }
}
