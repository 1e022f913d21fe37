//! Builds JSON from the elements of a document.
//!
//! An element with neither attributes nor elements inside is its text. Any other is an object: attributes as `@name`,
//! elements by name in the order in which each name first comes, an array where a name comes again, text as `#text`.
//! `xsi:nil="true"` makes `null`.

use std::borrow::Cow;

use lineshaft_model::json::{Limits, Value};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::names::{INSTANCE, attribute_value, is_character, is_name, resolve};
use super::{Doctype, XmlNames, XmlOptions};
use crate::document::Location;
use crate::error::FormatError;
use crate::members::Members;
use crate::whole::Piece;

/// No name is longer in any standard; paths in errors are made of them.
const LONGEST_NAME: usize = 256;

/// More documents of one input would take many times its memory.
const MOST_DOCUMENTS: usize = 250_000;

/// The deepest that any setting allows: each element may cost two levels of JSON.
const DEEPEST: usize = 120;

pub(super) struct Tree<'t> {
    options: &'t XmlOptions,
    shape: fn(Value<'static>) -> Value<'static>,
    text: &'t str,
    reader: Reader<&'t [u8]>,
    open: Vec<Element>,
    /// Declared prefixes, and whether each stands for the instance namespace.
    prefixes: Vec<(String, bool)>,
    pieces: Vec<Piece>,
    /// Elements and attributes so far.
    values: usize,
    is_root_closed: bool,
    counted: usize,
    line: u64,
}

struct Element {
    name: String,
    start: usize,
    line: u64,
    members: Members,
    text: String,
    has_elements: bool,
    is_nil: bool,
    /// Of [`Tree::prefixes`] before it.
    prefixes: usize,
    role: Role,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Around documents: nothing of it is kept.
    Around,
    /// A document of its own.
    Document,
    /// Part of a document.
    Part,
}

impl<'t> Tree<'t> {
    pub(super) fn new(
        options: &'t XmlOptions,
        text: &'t str,
        shape: fn(Value<'static>) -> Value<'static>,
    ) -> Self {
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.check_comments = true;
        config.expand_empty_elements = true;
        Self {
            options,
            shape,
            text,
            reader,
            open: Vec::new(),
            prefixes: vec![("xml".to_owned(), false)],
            pieces: Vec::new(),
            values: 0,
            is_root_closed: false,
            counted: 0,
            line: 1,
        }
    }

    pub(super) fn read(mut self) -> Result<Vec<Piece>, FormatError> {
        loop {
            let start = self.position();
            let event = self.reader.read_event().map_err(|error| {
                let at = usize::try_from(self.reader.error_position()).unwrap_or(start);
                self.fail("xml-syntax", error.to_string(), at)
            })?;
            match event {
                Event::Start(tag) => self.start(&tag, start)?,
                Event::End(_) => self.end()?,
                Event::Text(text) => self.add_text(&text.xml10_content(), start, false)?,
                Event::CData(text) => self.add_text(&text.xml10_content(), start, true)?,
                Event::GeneralRef(reference) => match resolve(&reference) {
                    Some(character) => self.add_text(character.encode_utf8(&mut [0; 4]), start, true)?,
                    None => return Err(self.unknown_entity(&reference, start)),
                },
                Event::DocType(doctype) => self.check_doctype(&doctype, start)?,
                Event::Decl(_) if start > 0 => {
                    let message = "an XML declaration stands at the start of a document only".to_owned();
                    return Err(self.fail("xml-syntax", message, start));
                }
                // Empty elements are expanded.
                Event::Decl(_) | Event::Comment(_) | Event::PI(_) | Event::Empty(_) => {}
                Event::Eof => return self.finish(),
            }
        }
    }

    fn check_doctype(&self, doctype: &str, start: usize) -> Result<(), FormatError> {
        let is_misplaced = !self.open.is_empty() || self.is_root_closed;
        let has_declarations = doctype.contains('[');
        if self.options.doctype == Doctype::Skip && !is_misplaced && !has_declarations {
            return Ok(());
        }
        let message = match has_declarations {
            true => "the document has a DOCTYPE with declarations, which is refused",
            false => "the document has a DOCTYPE, which is refused",
        };
        Err(self.fail("xml-doctype", message.to_owned(), start).hint(
            "send it without; nothing here reads or fetches a DTD (`doctype: skip` passes over a plain one)",
        ))
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX).min(self.text.len())
    }

    fn finish(self) -> Result<Vec<Piece>, FormatError> {
        let at = self.text.len();
        if let Some(open) = self.open.last() {
            let message = format!("the document ends inside <{}>", open.name);
            return Err(self.fail("xml-syntax", message, at).hint("it is cut off; was it sent whole?"));
        }
        if !self.is_root_closed {
            return Err(self.fail("xml-syntax", "there is no element in the document".to_owned(), at));
        }
        Ok(self.pieces)
    }

    fn start(&mut self, tag: &BytesStart<'_>, start: usize) -> Result<(), FormatError> {
        let qualified = tag.name().into_inner();
        if qualified.len() > LONGEST_NAME {
            let message = format!("the name of an element is longer than {LONGEST_NAME} bytes");
            return Err(self.fail("xml-limit", message, start));
        }
        if !is_name(qualified) {
            return Err(self.fail("xml-syntax", format!("{qualified:?} is not a name"), start));
        }
        if self.is_root_closed {
            let message = format!("<{qualified}> follows the end of the document");
            return Err(self.fail("xml-syntax", message, start));
        }
        if self.open.len() >= self.options.depth.min(DEEPEST) {
            let message = format!("elements are nested more than {} deep", self.open.len());
            return Err(self
                .fail("xml-limit", message, start)
                .hint("raise `depth` in the options of the format"));
        }
        self.count(start)?;
        self.line += crate::json::newlines(&self.text.as_bytes()[self.counted..start]);
        self.counted = start;
        let prefixes = self.prefixes.len();
        let attributes = self.attributes(tag, start)?;
        let name = self.name(qualified, start)?.to_owned();
        let role = self.role(&name);
        let mut element = Element {
            name,
            start,
            line: self.line,
            members: Members::default(),
            text: String::new(),
            has_elements: false,
            is_nil: false,
            prefixes,
            role,
        };
        self.add_attributes(&mut element, attributes, start)?;
        if let Some(parent) = self.open.last_mut() {
            parent.has_elements = true;
        }
        self.open.push(element);
        Ok(())
    }

    fn role(&self, name: &str) -> Role {
        let is_inside = self.open.last().is_some_and(|parent| parent.role != Role::Around);
        let is_document = match &self.options.split {
            Some(split) => split == name,
            None => self.open.is_empty(),
        };
        match (is_inside, is_document) {
            (true, _) => Role::Part,
            (false, true) => Role::Document,
            (false, false) => Role::Around,
        }
    }

    /// The attributes of a tag, its declarations of prefixes taken out.
    fn attributes(
        &mut self,
        tag: &BytesStart<'_>,
        start: usize,
    ) -> Result<Vec<(String, String)>, FormatError> {
        let mut attributes = Vec::new();
        for (index, attribute) in tag.attributes().enumerate() {
            let attribute = attribute.map_err(|error| self.fail("xml-syntax", error.to_string(), start))?;
            if index == self.options.attributes {
                let message = format!("an element has more than {index} attributes");
                return Err(self.fail("xml-limit", message, start));
            }
            self.count(start)?;
            let name = attribute.key.into_inner();
            if !is_name(name) {
                return Err(self.fail("xml-syntax", format!("{name:?} is not a name"), start));
            }
            if let Some(bad) = attribute.value.chars().find(|found| *found == '<' || !is_character(*found)) {
                let message = format!("the attribute {name} has the character {bad:?} in it");
                return Err(self.fail("xml-syntax", message, start));
            }
            let value =
                attribute_value(&attribute.value).map_err(|name| self.unknown_entity(&name, start))?;
            match name.strip_prefix("xmlns:") {
                Some(prefix) => self.prefixes.push((prefix.to_owned(), value == INSTANCE)),
                None if name == "xmlns" => {}
                None => attributes.push((name.to_owned(), value)),
            }
        }
        Ok(attributes)
    }

    fn add_attributes(
        &self,
        element: &mut Element,
        attributes: Vec<(String, String)>,
        start: usize,
    ) -> Result<(), FormatError> {
        for (qualified, value) in attributes {
            if let Some(name) = self.instance_name(&qualified) {
                match name {
                    "nil" => element.is_nil = matches!(value.trim(), "true" | "1"),
                    "schemaLocation" | "noNamespaceSchemaLocation" => {}
                    _ => element.members.add(format!("@{name}"), value.into(), false),
                }
                continue;
            }
            let key = format!("@{}", self.name(&qualified, start)?);
            if element.members.has(&key) {
                let message =
                    format!("two attributes of <{}> are called {key} without their prefixes", element.name);
                return Err(self
                    .fail("xml-names", message, start)
                    .hint("set `names: prefixed` in the options of the format"));
            }
            element.members.add(key, value.into(), false);
        }
        Ok(())
    }

    /// The local part of a name in the instance namespace.
    fn instance_name<'n>(&self, qualified: &'n str) -> Option<&'n str> {
        let (prefix, local) = qualified.split_once(':')?;
        self.prefixes.iter().rev().find(|(known, _)| known == prefix)?.1.then_some(local)
    }

    /// The name as the options want it; its prefix must be declared.
    fn name<'n>(&self, qualified: &'n str, start: usize) -> Result<&'n str, FormatError> {
        let Some((prefix, local)) = qualified.split_once(':') else {
            return Ok(qualified);
        };
        if !self.prefixes.iter().any(|(known, _)| known == prefix) {
            let message = format!("the prefix of {qualified} is not declared");
            return Err(self
                .fail("xml-names", message, start)
                .hint(format!("it lacks xmlns:{prefix}=\"...\"")));
        }
        Ok(if self.options.names == XmlNames::Local { local } else { qualified })
    }

    fn add_text(&mut self, text: &str, start: usize, is_literal: bool) -> Result<(), FormatError> {
        if let Some(bad) = text.chars().find(|found| !is_character(*found)) {
            let message = format!("the character U+{:04X} is not allowed in XML", u32::from(bad));
            return Err(self.fail("xml-syntax", message, start));
        }
        if !is_literal && text.contains("]]>") {
            return Err(self.fail("xml-syntax", "]]> stands outside a CDATA section".to_owned(), start));
        }
        match self.open.last_mut() {
            Some(open) if open.role == Role::Around => {}
            Some(open) => open.text.push_str(text),
            None if !is_literal && text.chars().all(|found| matches!(found, ' ' | '\t' | '\n' | '\r')) => {}
            None => {
                let message = "there is text outside the elements".to_owned();
                return Err(self.fail("xml-syntax", message, start).hint("is it XML at all?"));
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), FormatError> {
        let end = self.position();
        let Some(element) = self.open.pop() else {
            return Err(self.fail("xml-syntax", "an element ends that never began".to_owned(), end));
        };
        self.prefixes.truncate(element.prefixes);
        self.is_root_closed = self.open.is_empty();
        let Element { start, line, role, .. } = element;
        let name = element.name.clone();
        match role {
            Role::Around => {}
            Role::Part => {
                let is_list = |parent: &Element| {
                    self.options.vocabulary.is_some_and(|known| known.repeats(&parent.name, &element.name))
                };
                let is_array =
                    self.options.arrays.contains(&element.name) || self.open.last().is_some_and(is_list);
                let value = element.into_value(self.options.trim);
                if let Some(parent) = self.open.last_mut() {
                    parent.members.add(name, value, is_array);
                }
            }
            Role::Document if self.pieces.len() == MOST_DOCUMENTS => {
                let message = format!("the document splits into more than {MOST_DOCUMENTS} parts");
                return Err(self.fail("xml-limit", message, start).hint("send fewer at a time"));
            }
            Role::Document => {
                let path = format!("{}/{name}", self.path());
                let document = Value::Object(vec![(Cow::Owned(name), element.into_value(self.options.trim))]);
                let document = (self.shape)(document);
                self.pieces.push(Piece {
                    raw: start..end,
                    json: Some(document.to_vec()),
                    line,
                    path,
                    failure: None,
                });
            }
        }
        Ok(())
    }

    /// Counts an element or attribute, so that the memory of a tree is bounded.
    fn count(&mut self, start: usize) -> Result<(), FormatError> {
        self.values += 1;
        if self.values > Limits::DEFAULT.values {
            let message =
                format!("the document has more than {} elements and attributes", Limits::DEFAULT.values);
            return Err(self.fail("xml-limit", message, start).hint("send smaller documents"));
        }
        Ok(())
    }

    fn path(&self) -> String {
        self.open.iter().flat_map(|element| ["/", &element.name]).collect()
    }

    fn unknown_entity(&self, name: &str, start: usize) -> FormatError {
        self.fail("xml-entity", format!("there is no entity &{name};"), start)
            .hint("only &lt; &gt; &amp; &apos; &quot; and character references such as &#233; are known")
    }

    #[cold]
    fn fail(&self, code: &'static str, message: String, at: usize) -> FormatError {
        let before = &self.text.as_bytes()[..at.min(self.text.len())];
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let column = 1 + before[line_start..].iter().filter(|byte| **byte & 0xC0 != 0x80).count();
        let location = Location {
            offset: before.len() as u64,
            line: 1 + crate::json::newlines(before),
            column: column as u64,
            path: self.path(),
        };
        FormatError::new(code, message, location)
    }
}

impl Element {
    fn into_value(mut self, trim: bool) -> Value<'static> {
        // Between elements white space is layout.
        let text = if trim || self.has_elements { self.text.trim().to_owned() } else { self.text };
        if self.members.list.is_empty() {
            return if self.is_nil { Value::Null } else { text.into() };
        }
        if !text.is_empty() {
            self.members.add("#text".to_owned(), text.into(), false);
        }
        Value::Object(self.members.list)
    }
}
