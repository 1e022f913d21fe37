//! Writes IDocs: the way back of both forms.

use lineshaft_model::json::Value;

use super::layout::{IdocLayout, Segment};
use super::records::{CONTROL, CONTROL_FIELDS, DATA_LENGTH, STATUS, STATUS_FIELDS};
use super::{DEEPEST, IdocForm, IdocOptions};
use crate::document::Location;
use crate::encoding::Encoding;
use crate::error::FormatError;
use crate::xml::{DECLARATION, check_name, tag, write_text};

/// Writes IDocs one after the other.
#[derive(Debug)]
pub(crate) struct IdocWriter {
    form: IdocForm,
    layout: IdocLayout,
    encoding: Encoding,
    end: Vec<u8>,
    /// XML: the type of the first, which is the root of all.
    root: Option<String>,
}

/// Members of a JSON object.
type Members<'v> = [(std::borrow::Cow<'v, str>, Value<'v>)];

impl IdocWriter {
    pub(crate) fn new(options: &IdocOptions) -> Self {
        Self {
            form: options.form,
            layout: options.layout.clone(),
            encoding: options.encoding,
            end: options.line_end.bytes(options.encoding),
            root: None,
        }
    }

    pub(crate) fn document(&mut self, document: &Value<'_>, out: &mut Vec<u8>) -> Result<(), FormatError> {
        let Some(members) = document.as_object() else {
            return Err(refused("an IDoc is an object".to_owned()));
        };
        if let Some(status) = document.get(STATUS).filter(|_| self.form == IdocForm::Flat) {
            return self.table(STATUS, STATUS_FIELDS, status, out);
        }
        let Some(control) = document.get(CONTROL).filter(|control| control.as_object().is_some()) else {
            return Err(refused(format!("the document has no control record `{CONTROL}`"))
                .hint("the mapping gives {\"EDI_DC40\": {\"IDOCTYP\": ..., ...}, and the segments}"));
        };
        match self.form {
            IdocForm::Xml => self.xml(control, members, out),
            IdocForm::Flat => self.flat(control, members, out),
        }
    }

    pub(crate) fn finish(&self, out: &mut Vec<u8>) -> Result<(), FormatError> {
        match (&self.root, self.form) {
            (Some(root), _) => tag(b"</", root, b">\n", out),
            (None, IdocForm::Xml) => return Err(refused("there is no document to write".to_owned())),
            (None, IdocForm::Flat) => {}
        }
        Ok(())
    }

    fn xml(
        &mut self,
        control: &Value<'_>,
        members: &Members<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        let Some(kind) = control.get("IDOCTYP").and_then(Value::as_str).filter(|kind| !kind.is_empty())
        else {
            return Err(refused(format!("`{CONTROL}` has no IDOCTYP, which is the root of the XML")));
        };
        match &self.root {
            Some(root) if root != kind => {
                return Err(refused(format!("the file has IDocs of type {root}, and this is {kind}"))
                    .hint("write each type to a file of its own"));
            }
            Some(_) => {}
            None => {
                check_name(kind)?;
                out.extend_from_slice(DECLARATION);
                tag(b"<", kind, b">\n", out);
            }
        }
        out.extend_from_slice(b"<IDOC BEGIN=\"1\">");
        element(CONTROL, control, &self.layout, 0, out)?;
        for (name, value) in ordered(&self.layout, members) {
            elements(name, value, &self.layout, 1, out)?;
        }
        out.extend_from_slice(b"</IDOC>\n");
        self.root.get_or_insert_with(|| kind.to_owned());
        Ok(())
    }

    fn flat(&self, control: &Value<'_>, members: &Members<'_>, out: &mut Vec<u8>) -> Result<(), FormatError> {
        let mut control = control.clone();
        if let Value::Object(fields) = &mut control
            && !fields.iter().any(|(name, _)| name == "TABNAM")
        {
            fields.push(("TABNAM".into(), Value::from(CONTROL.to_owned())));
        }
        self.table(CONTROL, CONTROL_FIELDS, &control, out)?;
        let field = |name: &str| control.get(name).and_then(Value::as_str).unwrap_or_default();
        let key = Key { client: field("MANDT"), document: field("DOCNUM") };
        let mut number = 0;
        self.segments(members, &key, 0, 0, &mut number, out)
    }

    /// A control or status record.
    fn table(
        &self,
        name: &str,
        fields: &[(&str, usize)],
        value: &Value<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        let mut record = String::new();
        for (field, length) in fields {
            fill(name, field, value.get(field), *length, &mut record)?;
        }
        if let Some(members) = value.as_object() {
            let is_known = |name: &str| name == "@REST" || fields.iter().any(|(field, _)| *field == name);
            if let Some((other, _)) =
                members.iter().find(|(other, value)| !is_known(other) && !value.is_null())
            {
                return Err(refused(format!("`{name}` has no field `{other}`")));
            }
        }
        self.record(&record, out)
    }

    fn record(&self, record: &str, out: &mut Vec<u8>) -> Result<(), FormatError> {
        self.encoding.encode(record, out).map_err(|character| {
            refused(format!("{} has no {character:?}", self.encoding.name()))
                .hint("choose another `encoding`, or replace the character in the mapping")
        })?;
        out.extend_from_slice(&self.end);
        Ok(())
    }

    /// Writes the segments among the members, each with those below it.
    fn segments(
        &self,
        members: &Members<'_>,
        key: &Key<'_>,
        above: u32,
        depth: usize,
        number: &mut u32,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        if depth > DEEPEST {
            return Err(refused(format!("segments are nested more than {DEEPEST} deep")));
        }
        for (name, value) in ordered(&self.layout, members) {
            let values = match value {
                Value::Array(values) => values.as_slice(),
                single => std::slice::from_ref(single),
            };
            for value in values {
                let Some(inside) = value.as_object() else {
                    return Err(refused(format!(
                        "the segment `{name}` is an object, and this is {}",
                        value.kind()
                    )));
                };
                *number += 1;
                if *number > 999_999 {
                    return Err(refused("an IDoc has at most 999999 segments".to_owned()));
                }
                let layout = self.layout.of_type(name);
                let given = value.get("@SEGNAM").and_then(Value::as_str);
                let Some(definition) = given.or(layout.map(|layout| layout.definition.as_str())) else {
                    return Err(refused(format!("the layout has no segment `{name}`"))
                        .hint("add it to `layout` in the options of the format"));
                };
                let mut record = String::new();
                let level = format!("{:02}", depth + 2);
                let numbers = [format!("{number:06}"), format!("{above:06}"), level];
                let [segment, parent, level] = numbers.each_ref().map(String::as_str);
                for (text, length) in [definition, key.client, key.document, segment, parent, level]
                    .iter()
                    .zip(super::records::KEY)
                {
                    filled(name, "SEGNAM", text, length, &mut record)?;
                }
                data(name, value, layout.filter(|_| given.is_none()), &mut record)?;
                self.record(&record, out)?;
                self.segments(inside, key, *number, depth + 1, number, out)?;
            }
        }
        Ok(())
    }
}

struct Key<'k> {
    client: &'k str,
    document: &'k str,
}

/// Whether a member is a segment and not a field.
fn is_segment(value: &Value<'_>) -> bool {
    matches!(value, Value::Array(_) | Value::Object(_))
}

/// The segments among the members, in the order of the layout where it knows all of them.
fn ordered<'m, 'v>(layout: &IdocLayout, members: &'m Members<'v>) -> Vec<(&'m str, &'m Value<'v>)> {
    let mut segments: Vec<(Option<usize>, &str, &Value<'v>)> = members
        .iter()
        .filter(|(name, value)| is_segment(value) && name != CONTROL)
        .map(|(name, value)| (layout.order(name), name.as_ref(), value))
        .collect();
    if segments.iter().all(|(order, ..)| order.is_some()) {
        segments.sort_by_key(|(order, ..)| *order);
    }
    segments.into_iter().map(|(_, name, value)| (name, value)).collect()
}

/// The fields of a segment, filled up with blanks.
fn data(
    name: &str,
    value: &Value<'_>,
    layout: Option<&Segment>,
    record: &mut String,
) -> Result<(), FormatError> {
    let members = value.as_object().unwrap_or_default();
    let start = record.chars().count();
    let rest = match layout {
        Some(layout) => {
            for (field, length) in &layout.fields {
                fill(name, field, value.get(field), *length, record)?;
            }
            "@REST"
        }
        None => "SDATA",
    };
    let is_known = |field: &str| {
        field == rest
            || field == "@SEGNAM"
            || layout.is_some_and(|layout| layout.fields.iter().any(|(known, _)| known == field))
    };
    if let Some((other, _)) =
        members.iter().find(|(field, value)| !is_segment(value) && !value.is_null() && !is_known(field))
    {
        return Err(refused(format!("the segment `{name}` has no field `{other}` in the layout")));
    }
    record.push_str(value.get(rest).and_then(Value::as_str).unwrap_or_default());
    if record.chars().count() - start > DATA_LENGTH {
        return Err(refused(format!("the segment `{name}` is longer than {DATA_LENGTH} characters")));
    }
    Ok(())
}

fn fill(
    segment: &str,
    field: &str,
    value: Option<&Value<'_>>,
    length: usize,
    record: &mut String,
) -> Result<(), FormatError> {
    filled(segment, field, scalar(segment, field, value.unwrap_or(&Value::Null))?, length, record)
}

/// Adds a value with the blanks up to its length; one that is too long is never cut.
fn filled(
    segment: &str,
    field: &str,
    text: &str,
    length: usize,
    record: &mut String,
) -> Result<(), FormatError> {
    let blanks = length.checked_sub(text.chars().count()).ok_or_else(|| {
        refused(format!("`{field}` of `{segment}` has {length} characters, and {text:?} does not fit"))
    })?;
    if text.contains(['\n', '\r', '\u{85}']) {
        return Err(refused(format!("`{field}` of `{segment}` has a line end in it"))
            .hint("texts go into several segments, such as E1EDKT2"));
    }
    record.push_str(text);
    record.extend(std::iter::repeat_n(' ', blanks));
    Ok(())
}

fn scalar<'v>(segment: &str, field: &str, value: &'v Value<'_>) -> Result<&'v str, FormatError> {
    match value {
        Value::Null => Ok(""),
        Value::Bool(true) => Ok("X"),
        Value::Bool(false) => Ok(""),
        Value::Number(text) | Value::String(text) => Ok(text),
        Value::Array(_) | Value::Object(_) => {
            Err(refused(format!("`{field}` of `{segment}` is a field, not a segment")))
        }
    }
}

/// Writes a segment once, or as often as the array says.
fn elements(
    name: &str,
    value: &Value<'_>,
    layout: &IdocLayout,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    match value {
        Value::Array(values) => values.iter().try_for_each(|value| element(name, value, layout, depth, out)),
        value => element(name, value, layout, depth, out),
    }
}

fn element(
    name: &str,
    value: &Value<'_>,
    layout: &IdocLayout,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    let Some(members) = value.as_object() else {
        return Err(refused(format!("the segment `{name}` is an object, and this is {}", value.kind())));
    };
    if depth > DEEPEST {
        return Err(refused(format!("segments are nested more than {DEEPEST} deep")));
    }
    check_name(name)?;
    tag(b"<", name, b" SEGMENT=\"1\">", out);
    for (field, value) in members.iter().filter(|(_, value)| !is_segment(value)) {
        let text = scalar(name, field, value)?;
        if field.starts_with('@') {
            return Err(refused(format!("the segment `{name}` is as it stood in a flat file"))
                .hint("give its fields in `layout` of the format that reads it"));
        }
        if !text.is_empty() {
            check_name(field)?;
            tag(b"<", field, b">", out);
            write_text(text, false, out)?;
            tag(b"</", field, b">", out);
        }
    }
    for (name, value) in ordered(layout, members) {
        elements(name, value, layout, depth + 1, out)?;
    }
    tag(b"</", name, b">", out);
    Ok(())
}

fn refused(message: String) -> FormatError {
    FormatError::new("idoc-encode", message, Location { line: 1, ..Location::default() })
}
