//! Writes documents as interchanges: the envelope around each, counts and references in its trailers.

use std::borrow::Cow;
use std::collections::HashMap;

use lineshaft_model::json::Value;

use super::delimiters::{Delimiter, Delimiters};
use super::dialect::Dialect;
use super::header::{self, Settings};
use super::options::{EdifactOptions, Trailing, X12Options};
use super::segment::Tag;
use crate::document::Location;
use crate::encoding::Encoding;
use crate::error::FormatError;

/// A document that cannot be written.
pub(super) fn refused(dialect: Dialect, message: impl Into<String>, hint: &str) -> FormatError {
    let code = dialect.of("x12-encode", "edifact-encode");
    FormatError::new(code, message, Location { line: 1, ..Location::default() }).hint(hint)
}

/// Writes documents one after the other. Those with the same interchange and group share an envelope.
#[derive(Debug, Clone)]
pub(crate) struct EdiWriter {
    settings: Settings,
    open: Option<Interchange>,
}

#[derive(Debug, Clone)]
struct Interchange {
    /// Its member of the document, to see whether the next document has the same.
    key: Vec<u8>,
    control: String,
    syntax: Syntax,
    /// Groups, and messages outside of any.
    count: u64,
    /// Transaction sets so far, which numbers those that bring no number.
    transactions: u64,
    /// The number that the first of them brought. When it comes again, another interchange begins that has the same header.
    first: Option<String>,
    group: Option<Group>,
}

#[derive(Debug, Clone)]
struct Group {
    key: Vec<u8>,
    control: String,
    count: u64,
}

/// How segments are written.
#[derive(Debug, Clone)]
pub(super) struct Syntax {
    pub(super) dialect: Dialect,
    pub(super) marks: Delimiters,
    pub(super) line_end: Cow<'static, str>,
    pub(super) trailing: Trailing,
    pub(super) encoding: Encoding,
}

/// An element: repetitions of components.
pub(super) type Element<'a> = Vec<Vec<Cow<'a, str>>>;

/// An element with one component.
pub(super) fn simple<'a>(text: impl Into<Cow<'a, str>>) -> Element<'a> {
    vec![vec![text.into()]]
}

impl EdiWriter {
    pub(crate) fn x12(options: &X12Options) -> Self {
        Self { settings: Settings::x12(options), open: None }
    }

    pub(crate) fn edifact(options: &EdifactOptions) -> Self {
        Self { settings: Settings::edifact(options), open: None }
    }

    /// Appends a document, given as it would be read.
    pub(crate) fn document(&mut self, document: &Value<'_>, out: &mut Vec<u8>) -> Result<(), FormatError> {
        let before = self.open.clone();
        let result = self.write(document, out);
        if result.is_err() {
            self.open = before;
        }
        result
    }

    fn write(&mut self, document: &Value<'_>, out: &mut Vec<u8>) -> Result<(), FormatError> {
        let dialect = self.settings.dialect;
        let refuse = |message: &str, hint: &str| Err(refused(dialect, message, hint));
        if document.as_object().is_none() {
            return refuse("a document is an object", "make one with `type`, `interchange` and `body`");
        }
        let Some(body) = document.get("body") else {
            return refuse("the document has no `body`", "put the segments into `body`");
        };
        let kind = document.get("type").and_then(Value::as_str).unwrap_or_default();
        let number = header::number(dialect, document);
        if number.is_some() && self.open.as_ref().is_some_and(|open| open.first == number) {
            self.finish(out)?;
        }
        self.enter_interchange(document, out)?;
        let is_bare = kind.is_empty() && document.get("segment").is_none() || kind == "TA1";
        if is_bare && document.get("group").is_none() {
            self.leave_group(out)?;
        } else if dialect == Dialect::X12 || document.get("group").is_some_and(|group| !group.is_null()) {
            self.enter_group(document, kind, out)?;
        } else {
            self.leave_group(out)?;
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        let mut syntax = open.syntax.clone();
        syntax.encoding = encoding(document, dialect)?.unwrap_or(syntax.encoding);
        if is_bare {
            return write_body(&syntax, body, out).map(|_| ());
        }
        open.transactions += 1;
        if open.transactions == 1 {
            open.first = number;
        }
        match &mut open.group {
            Some(group) => group.count += 1,
            None => open.count += 1,
        }
        let header = header::transaction(&self.settings, document, kind, open.transactions)?;
        let control = header.control;
        segment(&syntax, &header.elements, out)?;
        let count = write_body(&syntax, body, out)? + 2;
        let [_, trailer] = dialect.envelope().transaction;
        segment(&syntax, &[simple(trailer.text()), simple(count.to_string()), simple(control)], out)
    }

    fn enter_interchange(&mut self, document: &Value<'_>, out: &mut Vec<u8>) -> Result<(), FormatError> {
        let member = document.get("interchange").unwrap_or(&Value::Null);
        let key = member.to_vec();
        if self.open.as_ref().is_some_and(|open| open.key == key) {
            return Ok(());
        }
        self.finish(out)?;
        let made = header::interchange(&self.settings, member)?;
        if let Some(una) = &made.una {
            out.extend_from_slice(una);
            out.extend_from_slice(made.syntax.line_end.as_bytes());
        }
        let mut bare = made.syntax.clone();
        if self.settings.dialect == Dialect::X12 {
            // What ISA11 and ISA16 hold are the delimiters themselves.
            bare.marks = Delimiters::new(bare.marks.element, None, None, None, bare.marks.segment);
        }
        segment(&bare, &made.elements, out)?;
        self.open = Some(Interchange {
            key,
            control: made.control,
            syntax: made.syntax,
            count: 0,
            transactions: 0,
            first: None,
            group: None,
        });
        Ok(())
    }

    fn enter_group(
        &mut self,
        document: &Value<'_>,
        kind: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        let member = document.get("group").unwrap_or(&Value::Null);
        let interchange = document.get("interchange").unwrap_or(&Value::Null);
        let function = header::function(&self.settings, member, kind)?;
        let mut key = member.to_vec();
        // Sets of different functions never share a group.
        key.extend_from_slice(function.as_bytes());
        let Some(open) = &self.open else { return Ok(()) };
        if open.group.as_ref().is_some_and(|group| group.key == key) {
            return Ok(());
        }
        let number = open.count + 1;
        let made = header::group(&self.settings, interchange, member, function, &open.control, number)?;
        self.leave_group(out)?;
        let Some(open) = &mut self.open else { return Ok(()) };
        segment(&open.syntax, &made.elements, out)?;
        open.count += 1;
        open.group = Some(Group { key, control: made.control, count: 0 });
        Ok(())
    }

    fn leave_group(&mut self, out: &mut Vec<u8>) -> Result<(), FormatError> {
        let Some(open) = &mut self.open else { return Ok(()) };
        let Some(group) = open.group.take() else { return Ok(()) };
        let [_, trailer] = self.settings.dialect.envelope().group;
        let elements = [simple(trailer.text()), simple(group.count.to_string()), simple(group.control)];
        segment(&open.syntax, &elements, out)
    }

    /// Appends the trailers of what is open.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), FormatError> {
        self.leave_group(out)?;
        let Some(open) = self.open.take() else { return Ok(()) };
        let [_, trailer] = self.settings.dialect.envelope().interchange;
        let elements = [simple(trailer.text()), simple(open.count.to_string()), simple(open.control)];
        segment(&open.syntax, &elements, out)
    }
}

fn encoding(document: &Value<'_>, dialect: Dialect) -> Result<Option<Encoding>, FormatError> {
    let Some(name) = document.get("encoding").filter(|name| !name.is_null()) else { return Ok(None) };
    let known = name.as_str().and_then(Encoding::named);
    let refuse =
        || refused(dialect, "`encoding` is none that is known", "use utf-8, latin-1 or windows-1252");
    known.map(Some).ok_or_else(refuse)
}

/// Appends the segments of a body, and counts them.
fn write_body(syntax: &Syntax, body: &Value<'_>, out: &mut Vec<u8>) -> Result<u64, FormatError> {
    match body {
        Value::Array(_) => write_member(syntax, "body", body, out),
        Value::Object(members) => write_loop(syntax, members, out),
        _ => Err(refused(syntax.dialect, "`body` is neither an object nor an array of segments", "")),
    }
}

type Members<'a> = [(Cow<'a, str>, Value<'a>)];

const ORDER: &str = "order";

fn write_loop(syntax: &Syntax, members: &Members<'_>, out: &mut Vec<u8>) -> Result<u64, FormatError> {
    let order = members.iter().find(|(key, _)| key == ORDER).and_then(|(_, order)| order.as_array());
    let mut count = 0;
    let mut written: HashMap<&str, usize> = HashMap::new();
    for name in order.unwrap_or_default() {
        let Some((key, value)) = members.iter().find(|(key, _)| Some(key.as_ref()) == name.as_str()) else {
            continue;
        };
        let next = written.entry(key.as_ref()).or_default();
        if let Some(item) = items(value).get(*next) {
            count += write_item(syntax, key, item, out)?;
            *next += 1;
        }
    }
    // What `order` does not name follows, in the order of its keys.
    for (key, value) in members.iter().filter(|(key, _)| key != ORDER) {
        let rest = items(value).get(written.get(key.as_ref()).copied().unwrap_or_default()..);
        for item in rest.unwrap_or_default() {
            count += write_item(syntax, key, item, out)?;
        }
    }
    Ok(count)
}

/// The segments or loops of a member. One alone may stand without an array around it.
fn items<'v, 'a>(value: &'v Value<'a>) -> &'v [Value<'a>] {
    match value {
        Value::Null => &[],
        Value::Array(items) if items.first().is_none_or(|first| !matches!(first, Value::String(_))) => items,
        one => std::slice::from_ref(one),
    }
}

fn write_member(
    syntax: &Syntax,
    key: &str,
    value: &Value<'_>,
    out: &mut Vec<u8>,
) -> Result<u64, FormatError> {
    items(value).iter().map(|item| write_item(syntax, key, item, out)).sum()
}

fn write_item(syntax: &Syntax, key: &str, item: &Value<'_>, out: &mut Vec<u8>) -> Result<u64, FormatError> {
    match item {
        Value::Null => Ok(0),
        Value::Object(members) => write_loop(syntax, members, out),
        Value::Array(values) => {
            let elements: Vec<Element<'_>> = (values.iter().enumerate())
                .map(|(number, value)| element(syntax, key, number, value))
                .collect::<Result<_, _>>()?;
            let id = elements.first().and_then(|element| element.first()?.first()).map_or("", AsRef::as_ref);
            if is_envelope(syntax.dialect, id) {
                let message = format!("`{key}` holds a segment {id}, which is of an envelope");
                return Err(refused(syntax.dialect, message, "the envelope is written around the body"));
            }
            let nulls = values.iter().rev().take_while(|value| value.is_null()).count();
            segment(syntax, &elements[..elements.len() - nulls], out)?;
            Ok(1)
        }
        other => {
            let message = format!("`{key}` holds a {}, not a segment", other.kind());
            Err(refused(syntax.dialect, message, "a segment is an array: its identifier, then its elements"))
        }
    }
}

fn is_envelope(dialect: Dialect, id: &str) -> bool {
    let envelope = dialect.envelope();
    let tag = Tag::new(id.as_bytes());
    let parts = [envelope.interchange, envelope.group, envelope.transaction];
    parts.as_flattened().contains(&tag) || id.starts_with("UNA") && dialect == Dialect::Edifact
}

fn element<'v>(
    syntax: &Syntax,
    key: &str,
    number: usize,
    value: &'v Value<'_>,
) -> Result<Element<'v>, FormatError> {
    let text = |value: &'v Value<'_>| match value {
        Value::Null => Ok(Cow::Borrowed("")),
        Value::String(text) | Value::Number(text) => Ok(Cow::Borrowed(text.as_ref())),
        other => {
            let message = format!("element {number} of a segment in `{key}` holds {}", other.kind());
            Err(refused(
                syntax.dialect,
                message,
                "an element is a text, an array of components, or an array of such arrays",
            ))
        }
    };
    let composite = |values: &'v [Value<'_>]| {
        let nulls = values.iter().rev().take_while(|value| value.is_null()).count();
        values[..values.len() - nulls].iter().map(text).collect::<Result<Vec<_>, _>>()
    };
    match value {
        Value::Array(values) if values.iter().any(|value| matches!(value, Value::Array(_))) => {
            let repetitions = values.iter().map(|value| match value {
                Value::Array(values) => composite(values),
                other => Ok(vec![text(other)?]),
            });
            repetitions.collect()
        }
        Value::Array(values) => Ok(vec![composite(values)?]),
        other => Ok(vec![vec![text(other)?]]),
    }
}

/// How many of them there are up to the last that is not empty.
fn trimmed<T>(values: &[T], trailing: Trailing, is_empty: impl Fn(&T) -> bool) -> usize {
    match trailing {
        Trailing::Keep => values.len(),
        Trailing::Trim => values.len() - values.iter().rev().take_while(|value| is_empty(value)).count(),
    }
}

fn is_empty(element: &Element<'_>) -> bool {
    element.iter().flatten().all(|component| component.is_empty())
}

/// Appends a segment: its identifier, then its elements.
pub(super) fn segment(
    syntax: &Syntax,
    elements: &[Element<'_>],
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    let id = elements.first().and_then(|element| element.first()?.first()).map_or("", AsRef::as_ref);
    if id.is_empty() || id.starts_with([' ', '\t', '\r', '\n', '\0', '\x1A']) {
        let message = "a segment has no identifier";
        return Err(refused(syntax.dialect, message, "the first of a segment's array is its identifier"));
    }
    let Delimiters { element: between, component, repetition, .. } = &syntax.marks;
    let count = trimmed(elements, syntax.trailing, is_empty).max(1);
    for (number, element) in elements[..count].iter().enumerate() {
        if number > 0 {
            out.extend_from_slice(between.as_bytes());
        }
        for (index, components) in element.iter().enumerate() {
            if index > 0 {
                delimiter(syntax, *repetition, "repetitions", id, out)?;
            }
            let count = trimmed(components, syntax.trailing, |component| component.is_empty());
            for (index, text) in components[..count].iter().enumerate() {
                if index > 0 {
                    delimiter(syntax, *component, "components", id, out)?;
                }
                write_text(syntax, id, number, text, out)?;
            }
        }
    }
    out.extend_from_slice(syntax.marks.segment.as_bytes());
    out.extend_from_slice(syntax.line_end.as_bytes());
    Ok(())
}

fn delimiter(
    syntax: &Syntax,
    mark: Option<Delimiter>,
    what: &str,
    id: &str,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    let Some(mark) = mark else {
        let message = format!("an element of {id} has {what}, and the interchange has no delimiter for them");
        return Err(refused(
            syntax.dialect,
            message,
            "set it in the options of the format, or choose a version that has it",
        ));
    };
    out.extend_from_slice(mark.as_bytes());
    Ok(())
}

fn write_text(
    syntax: &Syntax,
    id: &str,
    number: usize,
    text: &str,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    let encode = |text: &str, out: &mut Vec<u8>| {
        syntax.encoding.encode(text, out).map_err(|character| {
            let message = format!("the encoding has no {character:?}, which stands in {id}{number:02}");
            refused(
                syntax.dialect,
                message,
                "set `encoding: utf-8` in the document, or leave the character out",
            )
        })
    };
    let Delimiters { element, component, repetition, release, segment, .. } = &syntax.marks;
    let marks = [Some(*element), *component, *repetition, Some(*segment), release.map(Delimiter::byte)];
    let is_mark = |rest: &str| {
        marks
            .iter()
            .flatten()
            .find(|mark| rest.as_bytes().starts_with(mark.as_bytes()))
            .map(|mark| mark.len())
    };
    if !syntax.marks.may_be_in(text.as_bytes())
        || text.char_indices().all(|(at, _)| is_mark(&text[at..]).is_none())
    {
        return encode(text, out);
    }
    let Some(release) = *release else {
        let message = format!("{id}{number:02} holds {text:?}, which has a delimiter in it");
        return Err(refused(syntax.dialect, message, "choose other delimiters, or leave the character out"));
    };
    for (at, character) in text.char_indices() {
        if is_mark(&text[at..]).is_some() {
            out.push(release);
        }
        encode(character.encode_utf8(&mut [0; 4]), out)?;
    }
    Ok(())
}
