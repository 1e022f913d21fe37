//! How a workspace names a format and its options.

use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::csv::{CsvCutter, CsvOptions};
use crate::decoder::Cut;
use crate::edi::{Dialect, EdiCutter, EdifactOptions, X12Options};
use crate::fixed_width::{self, FixedWidthOptions};
use crate::idoc::{IdocCutter, IdocOptions};
use crate::json::{self, JsonOptions};
use crate::ndjson::{NdjsonCutter, NdjsonOptions};
use crate::odata::{self, OdataOptions};
use crate::whole::Whole;
use crate::xml::{self, Vocabulary, VocabularyOptions, XmlOptions};

/// A wire format with its options. In a workspace either its name, `format: csv`, or its name with options,
/// `format: { csv: { delimiter: ";" } }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// One JSON document, or parts of it.
    Json(JsonOptions),
    /// A JSON document a line.
    Ndjson(NdjsonOptions),
    /// A table: comma, tab or otherwise separated.
    Csv(CsvOptions),
    /// Records with fields at fixed places.
    FixedWidth(FixedWidthOptions),
    /// SAP IDocs, flat or as XML.
    Idoc(IdocOptions),
    /// Answers of OData services.
    Odata(OdataOptions),
    /// An XML document, or elements of it.
    Xml(XmlOptions),
    /// Interchanges of ANSI ASC X12.
    X12(Box<X12Options>),
    /// Interchanges of UN/EDIFACT.
    Edifact(Box<EdifactOptions>),
}

impl Format {
    /// The names of all formats.
    pub const fn names() -> &'static [&'static str] {
        &[
            "json",
            "ndjson",
            "csv",
            "xml",
            "fixed-width",
            "x12",
            "edifact",
            "idoc",
            "cxml",
            "ubl",
            "b2mml",
            "odata",
        ]
    }

    /// The format of that name with its usual options.
    ///
    /// # Errors
    /// When there is no such format: says which there are, and which was probably meant.
    pub fn named(name: &str) -> Result<Self, String> {
        Ok(match name {
            "fixed-width" => return Err(needs_layout(name)),
            "json" => Self::Json(JsonOptions::default()),
            "ndjson" => Self::Ndjson(NdjsonOptions::default()),
            "csv" => Self::Csv(CsvOptions::default()),
            "xml" => Self::Xml(XmlOptions::default()),
            "x12" => Self::X12(Box::default()),
            "edifact" => Self::Edifact(Box::default()),
            "odata" => Self::Odata(OdataOptions::default()),
            "idoc" => Self::Idoc(IdocOptions::default()),
            other => match Vocabulary::named(other) {
                Some(vocabulary) => Self::Xml(VocabularyOptions::default().of(vocabulary)),
                None => return Err(unknown(other)),
            },
        })
    }

    /// Its name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Json(_) => "json",
            Self::Ndjson(_) => "ndjson",
            Self::Csv(_) => "csv",
            Self::X12(_) => "x12",
            Self::Edifact(_) => "edifact",
            Self::Xml(options) => match options.vocabulary {
                Some(vocabulary) => vocabulary.name(),
                None => "xml",
            },
            Self::FixedWidth(_) => "fixed-width",
            Self::Idoc(_) => "idoc",
            Self::Odata(_) => "odata",
        }
    }

    /// The media type of what it writes.
    pub const fn media_type(&self) -> &'static str {
        match self {
            Self::Json(_) => "application/json",
            Self::Ndjson(_) => "application/x-ndjson",
            Self::Csv(_) => "text/csv",
            Self::Xml(_) => "application/xml",
            Self::X12(_) => "application/edi-x12",
            Self::Edifact(_) => "application/edifact",
            Self::FixedWidth(_) => "text/plain",
            Self::Idoc(options) => options.media_type(),
            Self::Odata(options) => options.media_type(),
        }
    }

    pub(crate) fn cutter(&self) -> Box<dyn Cut> {
        match self {
            Self::Json(options) => {
                let limit = options.bytes;
                let options = options.clone();
                Box::new(Whole::new("json-limit", limit, move |input| json::pieces(&options, input)))
            }
            Self::Ndjson(options) => Box::new(NdjsonCutter::new(options)),
            Self::Csv(options) => Box::new(CsvCutter::new(options)),
            Self::FixedWidth(options) => Box::new(fixed_width::cutter(options)),
            Self::Idoc(options) => Box::new(IdocCutter::new(options)),
            Self::Odata(options) => {
                let limit = options.bytes;
                let options = options.clone();
                Box::new(Whole::new("json-limit", limit, move |input| odata::pieces(&options, input)))
            }
            Self::Xml(options) => {
                let limit = options.bytes;
                let options = options.clone();
                Box::new(Whole::new("xml-limit", limit, move |input| xml::pieces(&options, input)))
            }
            Self::X12(options) => Box::new(EdiCutter::new(Dialect::X12, options.reading())),
            Self::Edifact(options) => Box::new(EdiCutter::new(Dialect::Edifact, options.reading())),
        }
    }
}

fn needs_layout(name: &str) -> String {
    format!("`{name}` needs its layout. hint: write `format: {{ {name}: {{ fields: ... }} }}`")
}

fn unknown(name: &str) -> String {
    let meant = match name.to_ascii_lowercase().as_str() {
        "jsonl" | "jsonlines" | "json-lines" | "nd-json" => Some("ndjson"),
        "edi" | "ansi" | "asc-x12" => Some("x12 or edifact"),
        "fixed" | "fixedwidth" | "fixed_width" | "flat" => Some("fixed-width"),
        "peppol" => Some("ubl"),
        "tsv" | "tab" | "txt" => Some("csv with delimiter: tab"),
        lower => Format::names().iter().copied().find(|known| *known == lower),
    };
    let known = Format::names().join(", ");
    match meant {
        Some(meant) => format!("there is no format `{name}`; the formats are {known}. hint: use {meant}"),
        None => format!("there is no format `{name}`; the formats are {known}"),
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FormatVisitor)
    }
}

struct FormatVisitor;

impl<'de> Visitor<'de> for FormatVisitor {
    type Value = Format;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a format, alone or with its options")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Format, E> {
        Format::named(name).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Format, A::Error> {
        let Some(name) = map.next_key::<String>()? else {
            return Err(de::Error::invalid_length(0, &self));
        };
        let format = match name.as_str() {
            "json" => Format::Json(map.next_value()?),
            "ndjson" => Format::Ndjson(map.next_value()?),
            "csv" => {
                let options: CsvOptions = map.next_value()?;
                options.check().map_err(de::Error::custom)?;
                Format::Csv(options)
            }
            "xml" => Format::Xml(map.next_value()?),
            "x12" => {
                let options: Box<X12Options> = map.next_value()?;
                options.check().map_err(de::Error::custom)?;
                Format::X12(options)
            }
            "edifact" => {
                let options: Box<EdifactOptions> = map.next_value()?;
                options.check().map_err(de::Error::custom)?;
                Format::Edifact(options)
            }
            "idoc" => Format::Idoc(map.next_value()?),
            "odata" => Format::Odata(map.next_value()?),
            "fixed-width" => {
                let options: FixedWidthOptions = map.next_value()?;
                options.check().map_err(de::Error::custom)?;
                Format::FixedWidth(options)
            }
            other => match Vocabulary::named(other) {
                Some(vocabulary) => Format::Xml(map.next_value::<VocabularyOptions>()?.of(vocabulary)),
                None => return Err(de::Error::custom(unknown(other))),
            },
        };
        match map.next_key::<String>()? {
            None => Ok(format),
            Some(second) => {
                Err(de::Error::custom(format!("one format only: there is `{name}` and `{second}`")))
            }
        }
    }
}
