//! Measures the head of an interchange: where it starts, which delimiters it has.

use super::delimiters::{Delimiter, Delimiters};
use super::dialect::Dialect;
use super::segment::Segment;

/// Longest head that is looked for.
const HEAD_BYTES: usize = 1024;

/// What stands at the start of some bytes.
pub(super) enum Measure {
    /// It takes more bytes to tell.
    More,
    /// No interchange.
    Nothing,
    /// An interchange.
    Head(Box<Head>),
}

/// The head of an interchange.
pub(super) struct Head {
    pub(super) marks: Delimiters,
    /// Where ISA or UNB starts; equal to `end` when there is none.
    pub(super) start: usize,
    /// Where it ends, before its terminator.
    pub(super) end: usize,
    /// Where the next segment may start.
    pub(super) next: usize,
    /// ISA has the width that it must have; no other format has one.
    pub(super) is_fixed: bool,
    /// Segments end with a line end without being announced.
    pub(super) is_line_end: bool,
    /// What UNA says, for whoever writes the same again.
    pub(super) una: Option<Vec<u8>>,
}

pub(super) fn measure(dialect: Dialect, bytes: &[u8], at_end: bool) -> Measure {
    match dialect {
        Dialect::X12 => isa(bytes, at_end),
        Dialect::Edifact => una_or_unb(bytes, at_end),
    }
}

fn more(bytes: &[u8], at_end: bool) -> Measure {
    if at_end || bytes.len() >= HEAD_BYTES { Measure::Nothing } else { Measure::More }
}

/// Where the delimiters of ISA stand when it has the width that the standard gives it.
const FIXED: [usize; 16] = [3, 6, 17, 20, 31, 34, 50, 53, 69, 76, 81, 83, 89, 99, 101, 103];

fn isa(bytes: &[u8], at_end: bool) -> Measure {
    if !bytes.starts_with(b"ISA") {
        return if b"ISA".starts_with(bytes) { more(bytes, at_end) } else { Measure::Nothing };
    }
    let Some(element) =
        bytes.get(3..7).or_else(|| bytes.get(3..).filter(|_| at_end)).and_then(Delimiter::first_of)
    else {
        return more(bytes, at_end);
    };
    if element.first().is_ascii_alphanumeric() || b" \r\n".contains(&element.first()) {
        return Measure::Nothing;
    }
    let window = &bytes[..bytes.len().min(HEAD_BYTES)];
    let mut places = [0; 16];
    let mut from = 3;
    for place in &mut places {
        let Some(found) = element.find(window, from) else { return more(bytes, at_end) };
        *place = found;
        from = found + element.len();
    }
    let field = |number: usize| &bytes[places[number - 1] + element.len()..places[number]];
    // With an element too few the rest would be another segment's.
    if field(12).len() > 6 || field(15).len() > 2 || field(14).len() > 2 {
        return Measure::Nothing;
    }
    let tail = &bytes[from..];
    if tail.len() < 10 && !at_end {
        return Measure::More;
    }
    let Some(component) = Delimiter::first_of(tail) else { return Measure::Nothing };
    let end = from + component.len();
    let Some(segment) = Delimiter::first_of(&bytes[end..]) else { return Measure::Nothing };
    // A space before the line end is no terminator, or every text would end at its first word.
    let lead = bytes[end..].iter().take_while(|byte| **byte == b' ').count();
    let (segment, lead) = match bytes.get(end + lead) {
        Some(line_end @ (b'\r' | b'\n')) if lead > 0 => (Delimiter::byte(*line_end), lead),
        _ => (segment, 0),
    };
    let is_mark =
        |mark: Delimiter| !mark.first().is_ascii_alphanumeric() && !mark.first().is_ascii_whitespace();
    let component = Some(component).filter(|mark| is_mark(*mark) && *mark != element && *mark != segment);
    let has_repetition = field(12).len() == 5 && field(12) >= b"00402".as_slice();
    let repetition = Delimiter::first_of(field(11))
        .filter(|mark| has_repetition && mark.len() == field(11).len() && is_mark(*mark))
        .filter(|mark| *mark != element && *mark != segment && Some(*mark) != component);
    // The width is one of characters.
    let is_fixed = match std::str::from_utf8(&bytes[..end]) {
        Ok(text) if !text.is_ascii() => {
            FIXED.iter().zip(places).all(|(fixed, place)| text[..place].chars().count() == *fixed)
        }
        _ => places == FIXED,
    };
    Measure::Head(Box::new(Head {
        marks: Delimiters::new(element, component, repetition, None, segment),
        start: 0,
        end,
        next: end + lead + segment.len(),
        is_fixed,
        is_line_end: false,
        una: None,
    }))
}

fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\r' | b'\n' | b'\t')
}

fn una_or_unb(bytes: &[u8], at_end: bool) -> Measure {
    if bytes.len() < 4
        && !at_end
        && [b"UNA", b"UNB", b"UNG", b"UNH"].iter().any(|tag| tag.starts_with(&bytes[..bytes.len().min(3)]))
    {
        return Measure::More;
    }
    let (Some(tag), Some(mark)) = (bytes.get(..3), bytes.get(3)) else { return Measure::Nothing };
    if mark.is_ascii_alphanumeric() {
        return Measure::Nothing;
    }
    match tag {
        b"UNA" => una(bytes, at_end),
        b"UNB" | b"UNG" | b"UNH" => {
            let byte = Delimiter::byte;
            let marks = match mark {
                b'+' => Delimiters::edifact(),
                // Level B of syntax 1 to 3: information separators, and nothing to release.
                0x1D => Delimiters::new(byte(0x1D), Some(byte(0x1F)), None, None, byte(0x1C)),
                other if !other.is_ascii_graphic() || *other == b'\'' => return Measure::Nothing,
                other => Delimiters::new(byte(*other), Some(byte(b':')), None, Some(b'?'), byte(b'\'')),
            };
            unb(bytes, 0, &marks, None, at_end)
        }
        _ => Measure::Nothing,
    }
}

fn una(bytes: &[u8], at_end: bool) -> Measure {
    let Some(&[component, element, _, release, reserved, _]) = bytes.get(3..9) else {
        return more(bytes, at_end);
    };
    if bytes.len() < 16 && !at_end {
        return Measure::More;
    }
    // Five characters, as some write it: the reserved one is left out.
    let is_short =
        reserved == b'\'' && bytes.get(8).is_some_and(is_blank) || bytes.get(8..11) == Some(b"UNB");
    let end = if is_short { 7 } else { 8 };
    let Some(segment) = Delimiter::first_of(&bytes[end..]) else { return Measure::Nothing };
    if [component, element, segment.first()].iter().any(|mark| mark.is_ascii_alphanumeric()) {
        return Measure::Nothing;
    }
    let byte = Delimiter::byte;
    let release = Some(release).filter(|release| *release != b' ');
    let repetition =
        Some(byte(reserved)).filter(|_| !is_short && reserved != b' ' && !reserved.is_ascii_alphanumeric());
    let marks = Delimiters::new(byte(element), Some(byte(component)), repetition, release, segment);
    let next = end + segment.len();
    let blanks = bytes[next..].iter().take_while(|byte| is_blank(byte)).count();
    if next + blanks + 4 > bytes.len() {
        return more(bytes, at_end);
    }
    unb(bytes, next + blanks, &marks, Some(bytes[3..next].to_vec()), at_end)
}

/// Reads the segment UNB at `start`, if there is one, for the version of its syntax.
fn unb(bytes: &[u8], start: usize, marks: &Delimiters, una: Option<Vec<u8>>, at_end: bool) -> Measure {
    let repetition = marks.repetition;
    let without = Delimiters::new(marks.element, marks.component, None, marks.release, marks.segment);
    let mut head =
        Head { marks: without, start, end: start, next: start, is_fixed: true, is_line_end: false, una };
    if bytes.get(start..start + 3) != Some(b"UNB") {
        return Measure::Head(Box::new(head));
    }
    let window = &bytes[..bytes.len().min(start + HEAD_BYTES)];
    let found = head.marks.segment_end(window, start, start);
    if head.una.is_none() {
        let line = &window[start..found.unwrap_or(window.len())];
        let place = line.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        if let Some(place) = place {
            let blanks = line[place..].iter().take_while(|byte| is_blank(byte)).count();
            let follows = line.get(place + blanks..place + blanks + 3);
            if follows.is_none() && found.is_none() && !at_end && window.len() < start + HEAD_BYTES {
                return Measure::More;
            }
            if matches!(follows, Some(b"UNH" | b"UNG")) {
                let line_end = Delimiter::byte(line[place]);
                let Delimiters { element, component, release, .. } = head.marks;
                head.marks = Delimiters::new(element, component, None, release, line_end);
                head.is_line_end = true;
            }
        }
    }
    let end = match head.marks.segment_end(window, start, start) {
        Some(end) => end,
        None if at_end && window.len() == bytes.len() => bytes.len(),
        None => return more(&bytes[start..], at_end),
    };
    head.end = end;
    head.next = bytes.len().min(end + head.marks.segment.len());
    let version = Segment { bytes: &bytes[start..end], marks: &head.marks }.component(1, 1);
    if version.parse::<u32>().is_ok_and(|version| version >= 4) {
        let usual = Delimiter::byte(b'*');
        let repetition = if head.una.is_some() { repetition } else { Some(usual) };
        let Delimiters { element, component, release, segment, .. } = head.marks;
        head.marks = Delimiters::new(element, component, repetition, release, segment);
    }
    Measure::Head(Box::new(head))
}
