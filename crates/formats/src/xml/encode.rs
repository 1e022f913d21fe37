//! Writes JSON as XML: the way back of what reading does.

use lineshaft_model::json::Value;

use super::names::{is_character, is_name};
use super::vocabulary::Vocabulary;
use super::{XmlOptions, ordered};
use crate::document::Location;
use crate::error::FormatError;

/// Writes documents of the form `{"Name": content}` as elements.
#[derive(Debug)]
pub(crate) struct XmlWriter {
    root: Option<String>,
    vocabulary: Option<Vocabulary>,
}

pub(crate) const DECLARATION: &[u8] = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

impl XmlWriter {
    pub(crate) fn new(options: &XmlOptions) -> Self {
        Self { root: options.root.clone(), vocabulary: options.vocabulary }
    }

    pub(crate) fn document(
        &self,
        document: &Value<'_>,
        is_first: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        if is_first && let Some(vocabulary) = self.vocabulary {
            return ordered::document(vocabulary, document, out);
        }
        if is_first {
            self.open(out)?;
        } else if self.root.is_none() {
            return Err(refused("an XML document has one root, and this is the second document".to_owned())
                .hint("set `root` in the options of the format"));
        }
        match document.as_object() {
            Some([(name, value)]) if !matches!(value, Value::Array(_) | Value::Null) => {
                element(name, value, out)?;
            }
            _ => {
                return Err(refused("a document for XML is an object with one member".to_owned())
                    .hint("the member names the element: {\"Order\": {...}}"));
            }
        }
        if self.root.is_some() {
            out.push(b'\n');
        }
        Ok(())
    }

    pub(crate) fn finish(&self, is_empty: bool, out: &mut Vec<u8>) -> Result<(), FormatError> {
        match &self.root {
            Some(root) => {
                if is_empty {
                    self.open(out)?;
                }
                tag(b"</", root, b">\n", out);
                Ok(())
            }
            None if is_empty => Err(refused("there is no document to write".to_owned())),
            None => Ok(()),
        }
    }

    fn open(&self, out: &mut Vec<u8>) -> Result<(), FormatError> {
        out.extend_from_slice(DECLARATION);
        if let Some(root) = &self.root {
            check_name(root)?;
            tag(b"<", root, b">\n", out);
        }
        Ok(())
    }
}

/// Writes `value` as one element, or as several if it is an array. `null` is no element.
fn element(name: &str, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), FormatError> {
    check_name(name)?;
    let members = match value {
        Value::Null => return Ok(()),
        Value::Array(values) => {
            return values.iter().try_for_each(|value| match value {
                Value::Array(_) => Err(refused(format!("{name} has an array in an array"))),
                value => element(name, value, out),
            });
        }
        Value::Object(members) => members,
        scalar => {
            tag(b"<", name, b">", out);
            text(scalar_text(name, scalar)?, false, out)?;
            tag(b"</", name, b">", out);
            return Ok(());
        }
    };
    tag(b"<", name, b"", out);
    let (attributes, contents): (Vec<_>, Vec<_>) = members.iter().partition(|(key, _)| key.starts_with('@'));
    for (key, value) in attributes {
        let key = &key[1..];
        check_name(key)?;
        if value.is_null() {
            continue;
        }
        tag(b" ", key, b"=\"", out);
        text(scalar_text(key, value)?, true, out)?;
        out.push(b'"');
    }
    out.push(b'>');
    for (key, value) in contents {
        match key.as_ref() {
            "#text" if value.is_null() => {}
            "#text" => text(scalar_text(key, value)?, false, out)?,
            key => element(key, value, out)?,
        }
    }
    tag(b"</", name, b">", out);
    Ok(())
}

pub(crate) fn tag(before: &[u8], name: &str, after: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(before);
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(after);
}

pub(super) fn scalar_text<'a>(name: &str, value: &'a Value<'_>) -> Result<&'a str, FormatError> {
    match value {
        Value::Null => Ok(""),
        Value::Bool(true) => Ok("true"),
        Value::Bool(false) => Ok("false"),
        Value::Number(text) | Value::String(text) => Ok(text),
        Value::Array(_) | Value::Object(_) => {
            Err(refused(format!("{name} is text, not an {}", value.kind())))
        }
    }
}

/// Writes text so that reading gives it back: in attributes, white space would become blanks.
pub(crate) fn text(text: &str, is_attribute: bool, out: &mut Vec<u8>) -> Result<(), FormatError> {
    for character in text.chars() {
        let reference: &[u8] = match character {
            '<' => b"&lt;",
            '>' => b"&gt;",
            '&' => b"&amp;",
            '\r' => b"&#13;",
            '"' if is_attribute => b"&quot;",
            '\n' if is_attribute => b"&#10;",
            '\t' if is_attribute => b"&#9;",
            character if is_character(character) => {
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            character => {
                let code = u32::from(character);
                return Err(refused(format!("XML cannot hold the character U+{code:04X}")));
            }
        };
        out.extend_from_slice(reference);
    }
    Ok(())
}

pub(crate) fn check_name(name: &str) -> Result<(), FormatError> {
    if is_name(name) {
        Ok(())
    } else {
        Err(refused(format!("{name:?} is not a name for an element or attribute")))
    }
}

pub(super) fn refused(message: String) -> FormatError {
    FormatError::new("xml-encode", message, Location { line: 1, ..Location::default() })
}
