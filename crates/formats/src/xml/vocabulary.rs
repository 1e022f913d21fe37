//! What the elements of cXML, UBL and B2MML hold: which come again, and in which order the standard has them.
//!
//! With this a reader knows that a single order line is still a list, and a writer puts elements into the sequence of the
//! schema, into its namespaces, and refuses what the schema does not have.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::LazyLock;

use lineshaft_model::json::Value;
use serde::Deserialize;

use super::{Doctype, XmlOptions};
use crate::size::Size;

/// A standard for business documents in XML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vocabulary {
    /// cXML 1.2.
    Cxml,
    /// UBL 2.1, and so Peppol.
    Ubl,
    /// B2MML: V0600 and before are read, V0700 is written.
    B2mml,
}

/// Options of `cxml`, `ubl` and `b2mml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VocabularyOptions {
    /// Makes a document of each element with this name.
    pub split: Option<String>,
    /// Longest input.
    pub bytes: Size,
    /// Elements inside each other.
    pub depth: usize,
}

impl Default for VocabularyOptions {
    fn default() -> Self {
        let XmlOptions { split, bytes, depth, .. } = XmlOptions::default();
        Self { split, bytes, depth }
    }
}

impl VocabularyOptions {
    /// The options of XML that read and write the documents of a standard.
    pub fn of(self, vocabulary: Vocabulary) -> XmlOptions {
        let Self { split, bytes, depth } = self;
        let doctype = if vocabulary == Vocabulary::Cxml { Doctype::Skip } else { Doctype::Refuse };
        let vocabulary = Some(vocabulary);
        XmlOptions { split, bytes, depth, doctype, trim: true, vocabulary, ..XmlOptions::default() }
    }
}

/// What an element holds.
struct Content {
    /// Each element's place in the sequence, and whether it may come again.
    children: HashMap<&'static str, (usize, bool)>,
    /// Only documents of older versions have it.
    is_old: bool,
}

/// The contents of a standard's elements by name.
struct Table {
    contents: Vec<Content>,
    by_name: HashMap<&'static str, usize>,
}

static CXML: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("vocabulary/cxml.txt")));
static UBL: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("vocabulary/ubl.txt")));
static B2MML: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("vocabulary/b2mml.txt")));

impl Table {
    fn read(text: &'static str) -> Self {
        let mut table = Self { contents: Vec::new(), by_name: HashMap::new() };
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((names, children)) = line.split_once(' ') else { continue };
            let is_old = names.starts_with('<');
            let children = children.split(' ').enumerate().map(|(place, child)| {
                let name = child.trim_end_matches('*');
                (name, (place, name.len() < child.len()))
            });
            let names = names.trim_start_matches('<').split(',');
            table.by_name.extend(names.map(|name| (name, table.contents.len())));
            table.contents.push(Content { children: children.collect(), is_old });
        }
        table
    }
}

/// What a standard says of an element within another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Its place in the sequence, and whether it may come again.
    At(usize, bool),
    /// It has no place there.
    Foreign,
    /// Nothing is known of the element around it.
    Unknown,
}

impl Vocabulary {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Cxml, Self::Ubl, Self::B2mml];

    /// The name of its format.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Cxml => "cxml",
            Self::Ubl => "ubl",
            Self::B2mml => "b2mml",
        }
    }

    /// The standard of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    fn table(self) -> &'static Table {
        match self {
            Self::Cxml => &CXML,
            Self::Ubl => &UBL,
            Self::B2mml => &B2MML,
        }
    }

    fn content(self, name: &str) -> Option<&'static Content> {
        let table = self.table();
        table.by_name.get(name).map(|at| &table.contents[*at])
    }

    /// Whether an element can be the root of a document that is written.
    pub(super) fn has_root(self, name: &str) -> bool {
        match self {
            Self::Cxml => name == "cXML",
            _ => self.content(name).is_some_and(|content| !content.is_old),
        }
    }

    /// Whether `child` is a list within `parent`.
    pub(super) fn repeats(self, parent: &str, child: &str) -> bool {
        matches!(self.rule(parent, child), Rule::At(_, true))
    }

    pub(super) fn rule(self, parent: &str, child: &str) -> Rule {
        let Some(content) = self.content(parent) else { return Rule::Unknown };
        match content.children.get(child) {
            Some((place, repeats)) => Rule::At(*place, *repeats),
            // The table of cXML has what orders, confirmations and ship notices need of a larger standard.
            None if self == Self::Cxml => Rule::At(usize::MAX, false),
            None => Rule::Foreign,
        }
    }

    /// The prefix of an element that is written: UBL keeps what holds elements and what holds a text in two namespaces.
    pub(super) fn prefix(self, name: &str, value: &Value<'_>) -> &'static str {
        let has_elements = |value: &Value<'_>| {
            value
                .as_object()
                .is_some_and(|members| members.iter().any(|(key, _)| key != "#text" && !key.starts_with('@')))
        };
        match self {
            Self::Ubl if matches!(name, "UBLExtensions" | "UBLExtension" | "ExtensionContent") => "ext:",
            Self::Ubl if has_elements(value) => "cac:",
            Self::Ubl => "cbc:",
            Self::Cxml | Self::B2mml => "",
        }
    }

    /// What stands in front of the root, such as a DOCTYPE.
    pub(super) fn prolog(self, root: &Value<'_>) -> &'static str {
        const FULFILLED: [&str; 3] = ["ConfirmationRequest", "ShipNoticeRequest", "ReceiptRequest"];
        if self != Self::Cxml {
            return "";
        }
        let has = |name: &&str| root.get("Request").is_some_and(|request| request.get(name).is_some());
        match FULFILLED.iter().any(has) {
            true => "<!DOCTYPE cXML SYSTEM \"http://xml.cxml.org/schemas/cXML/1.2.060/Fulfill.dtd\">\n",
            false => "<!DOCTYPE cXML SYSTEM \"http://xml.cxml.org/schemas/cXML/1.2.060/cXML.dtd\">\n",
        }
    }

    /// The namespaces that the root declares.
    pub(super) fn namespaces(self, root: &str) -> String {
        match self {
            Self::Cxml => String::new(),
            Self::B2mml => " xmlns=\"http://www.mesa.org/xml/B2MML\"".to_owned(),
            Self::Ubl => {
                let urn = "urn:oasis:names:specification:ubl:schema:xsd";
                format!(
                    " xmlns=\"{urn}:{root}-2\" xmlns:cac=\"{urn}:CommonAggregateComponents-2\" \
                     xmlns:cbc=\"{urn}:CommonBasicComponents-2\" xmlns:ext=\"{urn}:CommonExtensionComponents-2\""
                )
            }
        }
    }

    /// The name of an attribute that is written, without its `@`.
    pub(super) fn attribute(self, name: &str) -> &str {
        match (self, name) {
            (Self::Cxml, "lang") => "xml:lang",
            (_, name) => name,
        }
    }
}
