//! Writes the documents of a vocabulary: elements in the sequence of its schema, in its namespaces.

use lineshaft_model::json::Value;

use super::encode::{DECLARATION, refused, scalar_text, tag, text};
use super::names::is_name;
use super::vocabulary::{Rule, Vocabulary};
use crate::error::FormatError;

/// Writes a document of the form `{"Order": {...}}`.
pub(super) fn document(
    vocabulary: Vocabulary,
    document: &Value<'_>,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    let standard = vocabulary.name();
    let Some([(name, root)]) = document.as_object() else {
        return Err(refused(format!("a document for {standard} is an object with one member"))
            .hint("the member names the element: {\"Order\": {...}}"));
    };
    if !vocabulary.has_root(name) || root.as_object().is_none() {
        return Err(refused(format!("`{name}` is no document of {standard}"))
            .hint("the names of documents and elements are those of the standard, without prefixes"));
    }
    out.extend_from_slice(DECLARATION);
    out.extend_from_slice(vocabulary.prolog(root).as_bytes());
    tag(b"<", name, vocabulary.namespaces(name).as_bytes(), out);
    content(vocabulary, name, root, out)?;
    tag(b"</", name, b">\n", out);
    Ok(())
}

/// Writes what stands in an element whose tag is open, and closes the tag.
fn content(
    vocabulary: Vocabulary,
    name: &str,
    value: &Value<'_>,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    let Some(members) = value.as_object() else {
        out.push(b'>');
        return text(scalar_text(name, value)?, false, out);
    };
    let mut children = Vec::with_capacity(members.len());
    let mut own_text = "";
    for (key, value) in members.iter().filter(|(_, value)| !value.is_null()) {
        match key.strip_prefix('@') {
            // The writer knows the namespaces.
            Some(attribute) if attribute == "xmlns" || attribute.starts_with("xmlns:") => {}
            Some(attribute) => {
                check(attribute)?;
                tag(b" ", vocabulary.attribute(attribute), b"=\"", out);
                text(scalar_text(attribute, value)?, true, out)?;
                out.push(b'"');
            }
            None if key == "#text" => own_text = scalar_text(key, value)?,
            None => children.push((place(vocabulary, name, key, value)?, key.as_ref(), value)),
        }
    }
    out.push(b'>');
    text(own_text, false, out)?;
    // Equal places keep the order of the document.
    children.sort_by_key(|(place, ..)| *place);
    for (_, key, value) in children {
        match value {
            Value::Array(values) => {
                values.iter().try_for_each(|value| element(vocabulary, key, value, out))?;
            }
            value => element(vocabulary, key, value, out)?,
        }
    }
    Ok(())
}

/// The place of an element in the sequence of the one around it.
fn place(vocabulary: Vocabulary, parent: &str, name: &str, value: &Value<'_>) -> Result<usize, FormatError> {
    check(name)?;
    let standard = vocabulary.name();
    match vocabulary.rule(parent, name) {
        Rule::At(place, repeats) => {
            let count = value.as_array().map_or(1, <[Value<'_>]>::len);
            let is_known = place < usize::MAX;
            if count > 1 && !repeats && is_known {
                return Err(refused(format!(
                    "`{name}` comes once in `{parent}` of {standard}, and there are {count}"
                )));
            }
            Ok(place)
        }
        Rule::Unknown => Ok(usize::MAX),
        Rule::Foreign => Err(refused(format!("`{parent}` of {standard} holds no `{name}`"))
            .hint("the names are those of the standard, without prefixes, and each has its place")),
    }
}

fn element(
    vocabulary: Vocabulary,
    name: &str,
    value: &Value<'_>,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    if value.is_null() {
        return Ok(());
    }
    if vocabulary == Vocabulary::Ubl && name == "ExtensionContent" && value.as_object().is_some() {
        return Err(refused(
            "what an extension of UBL holds is of another namespace, and is not written".to_owned(),
        ));
    }
    let prefix = vocabulary.prefix(name, value);
    tag(b"<", prefix, name.as_bytes(), out);
    content(vocabulary, name, value, out)?;
    tag(b"</", prefix, name.as_bytes(), out);
    out.push(b'>');
    Ok(())
}

fn check(name: &str) -> Result<(), FormatError> {
    match is_name(name) && !name.contains(':') {
        true => Ok(()),
        false => Err(refused(format!("{name:?} is not a name for an element or attribute"))),
    }
}
