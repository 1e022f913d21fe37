//! One segment: its identifier, its elements, and what it is as JSON text.

use std::borrow::Cow;

use super::charset;
use super::delimiters::{Delimiters, class};
use crate::encoding::Encoding;

/// A segment without its terminator.
#[derive(Clone, Copy)]
pub(crate) struct Segment<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) marks: &'a Delimiters,
}

/// The identifier of a segment as a number: two or three of `A` to `Z` and `0` to `9`; 0 for anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub(crate) struct Tag(pub(crate) u32);

impl Tag {
    /// What is no identifier of a segment.
    pub(crate) const NONE: Self = Self(0);

    pub(crate) const fn new(bytes: &[u8]) -> Self {
        if bytes.len() < 2 || bytes.len() > 3 {
            return Self::NONE;
        }
        let mut number = 0;
        let mut at = 0;
        while at < bytes.len() {
            if !(bytes[at].is_ascii_uppercase() || bytes[at].is_ascii_digit()) {
                return Self::NONE;
            }
            number = number << 8 | bytes[at] as u32;
            at += 1;
        }
        Self(number)
    }

    /// Appends its characters.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        let bytes = self.0.to_be_bytes();
        out.extend(bytes.iter().filter(|byte| **byte != 0));
    }

    pub(crate) fn text(self) -> String {
        let mut out = Vec::new();
        self.write(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }
}

impl<'a> Segment<'a> {
    /// The bytes before the first delimiter.
    pub(crate) fn id(self) -> &'a [u8] {
        let table = self.marks.table();
        let is_end =
            |byte: &u8| matches!(table[usize::from(*byte)], class::ELEMENT | class::COMPONENT | class::LONG);
        let end = self.bytes.iter().position(is_end).unwrap_or(self.bytes.len());
        &self.bytes[..end]
    }

    pub(crate) fn tag(self) -> Tag {
        Tag::new(self.id())
    }

    /// The elements after the identifier.
    pub(crate) fn elements(self) -> impl Iterator<Item = &'a [u8]> {
        Split { rest: Some(self.bytes), marks: self.marks, at: class::ELEMENT }.skip(1)
    }

    /// Element number `number`, from 1, as it is written; empty when it is not there.
    pub(crate) fn element(self, number: usize) -> &'a [u8] {
        self.elements().nth(number.saturating_sub(1)).unwrap_or_default()
    }

    /// The text of an element, or of its first component if it has several.
    pub(crate) fn text(self, number: usize) -> String {
        self.component(number, 0)
    }

    /// The text of a component, from 0, of the first repetition of an element.
    pub(crate) fn component(self, number: usize, component: usize) -> String {
        let element = self.element(number);
        let first = self.repetitions(element).next().unwrap_or_default();
        let bytes = self.components(first).nth(component).unwrap_or_default();
        plain(bytes, self.marks)
    }

    /// The text of an element that has no components: what looks like one is of it.
    pub(crate) fn whole(self, number: usize) -> String {
        plain(self.element(number), self.marks)
    }

    pub(crate) fn repetitions(self, element: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        Split { rest: Some(element), marks: self.marks, at: class::REPETITION }
    }

    pub(crate) fn components(self, repetition: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        Split { rest: Some(repetition), marks: self.marks, at: class::COMPONENT }
    }
}

/// The text of a component: release characters are gone.
pub(crate) fn plain(bytes: &[u8], marks: &Delimiters) -> String {
    let text = |bytes: &[u8]| decoded(bytes).into_owned();
    let Some(release) = marks.release.filter(|release| bytes.contains(release)) else {
        return text(bytes);
    };
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        out.push(if *byte == release { *rest.next().unwrap_or(byte) } else { *byte });
    }
    text(&out)
}

/// UTF-8 where the bytes are that, else Windows-1252.
fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    let utf8 = std::str::from_utf8(bytes).map(Cow::Borrowed);
    utf8.unwrap_or_else(|_| charset::usual().decode(bytes).unwrap_or_default())
}

/// Pieces between delimiters of one kind.
struct Split<'a, 'm> {
    rest: Option<&'a [u8]>,
    marks: &'m Delimiters,
    at: u8,
}

impl<'a> Iterator for Split<'a, '_> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        let mut at = 0;
        while at < rest.len() {
            let (class, length) = self.marks.class_at(&rest[at..]);
            if class == self.at {
                self.rest = Some(&rest[at + length..]);
                return Some(&rest[..at]);
            }
            at += if class == class::RELEASE { 2 } else { length };
        }
        self.rest = None;
        Some(rest)
    }
}

/// How bytes beyond ASCII become text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    /// They have been checked to be UTF-8.
    Utf8,
    /// One byte, one character.
    OneByte(Encoding),
}

/// Appends a segment as an array: the identifier, then an element after the other. An element is a string; one with
/// components an array of strings, with `always_composite` every one; one with repetitions an array of such arrays.
pub(crate) fn write_segment(out: &mut Vec<u8>, segment: Segment<'_>, text: Text, always_composite: bool) {
    let (bytes, marks) = (segment.bytes, segment.marks);
    let table = marks.table();
    out.extend_from_slice(b"[\"");
    let mut element = Element { start: out.len() - 1, is_composite: false, is_repeated: false };
    let (mut at, mut run, mut is_high) = (0, 0, false);
    while let Some(byte) = bytes.get(at) {
        let (mut class, mut length) = (table[usize::from(*byte)], 1);
        if class == class::PLAIN {
            at += 1;
            continue;
        }
        if class == class::LONG {
            (class, length) = marks.class_at(&bytes[at..]);
        }
        if class == class::HIGH {
            is_high = true;
            at += length;
            continue;
        }
        write_run(out, &bytes[run..at], is_high, text);
        is_high = false;
        at += length;
        run = at;
        match class {
            class::ELEMENT => {
                element.close(out);
                out.push(b',');
                element = Element { start: out.len(), is_composite: always_composite, is_repeated: false };
                out.extend_from_slice(if always_composite { b"[\"" } else { b"\"" });
            }
            class::COMPONENT => element.component(out),
            class::REPETITION => element.repetition(out),
            class::ESCAPE => write_escape(out, *byte),
            _ => match bytes.get(at) {
                // A release character at the very end releases nothing and is kept.
                None => out.push(*byte),
                Some(released) if needs_escape(*released) => {
                    write_escape(out, *released);
                    at += 1;
                    run = at;
                }
                Some(released) => {
                    is_high = !released.is_ascii();
                    at += 1;
                }
            },
        }
    }
    write_run(out, &bytes[run..], is_high, text);
    element.close(out);
    out.push(b']');
}

/// The element that is being written.
struct Element {
    /// Where its JSON text starts.
    start: usize,
    is_composite: bool,
    is_repeated: bool,
}

impl Element {
    fn close(&self, out: &mut Vec<u8>) {
        out.push(b'"');
        if self.is_composite {
            out.push(b']');
        }
        if self.is_repeated {
            out.push(b']');
        }
    }

    /// The first delimiter inside shows that the element is more than a string.
    fn make_composite(&mut self, out: &mut Vec<u8>) {
        if !self.is_composite {
            out.insert(self.start, b'[');
            self.is_composite = true;
        }
    }

    fn component(&mut self, out: &mut Vec<u8>) {
        self.make_composite(out);
        out.extend_from_slice(b"\",\"");
    }

    fn repetition(&mut self, out: &mut Vec<u8>) {
        self.make_composite(out);
        if !self.is_repeated {
            out.insert(self.start, b'[');
            self.is_repeated = true;
        }
        out.extend_from_slice(b"\"],[\"");
    }
}

fn write_run(out: &mut Vec<u8>, run: &[u8], is_high: bool, text: Text) {
    if !is_high {
        out.extend_from_slice(run);
        return;
    }
    let encoding = match text {
        // A delimiter may have cut a character in two.
        Text::Utf8 if std::str::from_utf8(run).is_ok() => return out.extend_from_slice(run),
        Text::Utf8 => charset::usual(),
        Text::OneByte(encoding) => encoding,
    };
    out.extend_from_slice(encoding.decode(run).unwrap_or_default().as_bytes());
}

fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn write_escape(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0C => b'f',
        ..0x20 => b'u',
        other => other,
    };
    out.extend_from_slice(&[b'\\', short]);
    if short == b'u' {
        out.extend_from_slice(&[b'0', b'0', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0xF)]]);
    }
}
