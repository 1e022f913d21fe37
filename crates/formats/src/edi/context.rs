//! What the envelope around a document says, as JSON text.

use lineshaft_model::json::write_string;

use super::delimiters::Delimiters;
use super::dialect::{Dialect, Fault};
use super::segment::{Segment, Text, write_segment};

/// Text for headers: they are read before it is known what the set inside is encoded in.
const HEADER: Text = Text::Utf8;

fn member(out: &mut Vec<u8>, key: &str, value: &str) {
    if !matches!(out.last(), Some(b'{')) {
        out.push(b',');
    }
    write_string(out, key);
    out.push(b':');
    write_string(out, value);
}

fn raw(out: &mut Vec<u8>, key: &str, write: impl FnOnce(&mut Vec<u8>)) {
    if !matches!(out.last(), Some(b'{')) {
        out.push(b',');
    }
    write_string(out, key);
    out.push(b':');
    write(out);
}

/// What follows the terminators of an interchange, as far as it is a line end.
pub(crate) fn line_end(gap: &[u8]) -> &'static str {
    match gap {
        [b'\r', b'\n', ..] => "\r\n",
        [b'\n', ..] => "\n",
        [b'\r', ..] => "\r",
        _ => "",
    }
}

/// The interchange of a document.
pub(crate) fn interchange(
    dialect: Dialect,
    header: Option<Segment<'_>>,
    marks: &Delimiters,
    una: Option<&[u8]>,
    gap: &[u8],
    faults: &[Fault],
) -> Vec<u8> {
    let mut out = b"{".to_vec();
    if let Some(header) = header {
        match dialect {
            Dialect::X12 => isa(&mut out, header),
            Dialect::Edifact => unb(&mut out, header),
        }
        let always = dialect == Dialect::Edifact;
        raw(&mut out, "segment", |out| write_segment(out, header, HEADER, always));
    }
    raw(&mut out, "delimiters", |out| {
        out.push(b'{');
        member(out, "element", &marks.element.text());
        if let Some(component) = marks.component {
            member(out, "component", &component.text());
        }
        if let Some(repetition) = marks.repetition {
            member(out, "repetition", &repetition.text());
        }
        if let Some(release) = marks.release {
            member(out, "release", &char::from(release).to_string());
        }
        member(out, "segment", &marks.segment.text());
        if let Some(una) = una {
            member(out, "una", &String::from_utf8_lossy(una));
        }
        member(out, "line_end", line_end(gap));
        out.push(b'}');
    });
    if !faults.is_empty() {
        raw(&mut out, "faults", |out| write_faults(out, faults));
    }
    out.push(b'}');
    out
}

fn isa(out: &mut Vec<u8>, header: Segment<'_>) {
    let text = |number: usize| header.text(number).trim_end().to_owned();
    for (key, qualifier, id) in [("sender", 5, 6), ("receiver", 7, 8)] {
        raw(out, key, |out| {
            out.push(b'{');
            member(out, "qualifier", &text(qualifier));
            member(out, "id", &text(id));
            out.push(b'}');
        });
    }
    for (key, number) in
        [("date", 9), ("time", 10), ("version", 12), ("control", 13), ("acknowledge", 14), ("usage", 15)]
    {
        member(out, key, &text(number));
    }
}

fn unb(out: &mut Vec<u8>, header: Segment<'_>) {
    for (key, number) in [("sender", 2), ("receiver", 3)] {
        raw(out, key, |out| {
            out.push(b'{');
            member(out, "qualifier", &header.component(number, 1));
            member(out, "id", &header.component(number, 0));
            for (key, component) in [("internal", 2), ("sub", 3)] {
                let value = header.component(number, component);
                if !value.is_empty() {
                    member(out, key, &value);
                }
            }
            out.push(b'}');
        });
    }
    let named = [
        ("date", 4, 0),
        ("time", 4, 1),
        ("character_set", 1, 0),
        ("version", 1, 1),
        ("control", 5, 0),
        ("application", 7, 0),
        ("acknowledge", 9, 0),
        ("agreement", 10, 0),
        ("test", 11, 0),
    ];
    for (key, number, component) in named {
        let value = header.component(number, component);
        if !value.is_empty() || number < 6 {
            member(out, key, &value);
        }
    }
}

/// The functional group of a document.
pub(crate) fn group(dialect: Dialect, header: Segment<'_>) -> Vec<u8> {
    let mut out = b"{".to_vec();
    match dialect {
        Dialect::X12 => {
            let named = [
                ("function", 1),
                ("sender", 2),
                ("receiver", 3),
                ("date", 4),
                ("time", 5),
                ("control", 6),
                ("agency", 7),
                ("version", 8),
            ];
            for (key, number) in named {
                member(&mut out, key, &header.text(number));
            }
        }
        Dialect::Edifact => {
            let named = [
                ("function", 1, 0),
                ("sender", 2, 0),
                ("receiver", 3, 0),
                ("date", 4, 0),
                ("time", 4, 1),
                ("control", 5, 0),
                ("agency", 6, 0),
                ("version", 7, 0),
                ("release", 7, 1),
            ];
            for (key, number, component) in named {
                member(&mut out, key, &header.component(number, component));
            }
        }
    }
    raw(&mut out, "segment", |out| write_segment(out, header, HEADER, dialect == Dialect::Edifact));
    out.push(b'}');
    out
}

/// Appends the members of the header of a transaction set or message.
pub(crate) fn transaction(out: &mut Vec<u8>, dialect: Dialect, header: Segment<'_>, group_version: &str) {
    match dialect {
        Dialect::X12 => {
            member(out, "type", &header.text(1));
            member(out, "control", &header.text(2));
            member(out, "version", group_version);
            let implementation = header.text(3);
            if !implementation.is_empty() {
                member(out, "implementation", &implementation);
            }
        }
        Dialect::Edifact => {
            member(out, "type", &header.component(2, 0));
            member(out, "control", &header.component(1, 0));
            let named = [("version", 1), ("release", 2), ("agency", 3), ("association", 4)];
            for (key, component) in named {
                let value = header.component(2, component);
                if !value.is_empty() || component < 4 {
                    member(out, key, &value);
                }
            }
            let access = header.component(3, 0);
            if !access.is_empty() {
                member(out, "access", &access);
            }
        }
    }
    raw(out, "segment", |out| write_segment(out, header, HEADER, dialect == Dialect::Edifact));
}

/// Appends faults as an array of objects.
pub(crate) fn write_faults(out: &mut Vec<u8>, faults: &[Fault]) {
    out.push(b'[');
    for (index, fault) in faults.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.push(b'{');
        member(out, "level", fault.level.name());
        member(out, "fault", fault.kind.name());
        if !fault.declared.is_empty() {
            member(out, "declared", &fault.declared);
        }
        if !fault.actual.is_empty() {
            member(out, "actual", &fault.actual);
        }
        member(out, "message", &fault.to_string());
        out.push(b'}');
    }
    out.push(b']');
}
