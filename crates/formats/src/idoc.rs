//! SAP IDocs, flat or as XML, to one and the same JSON and back.
//!
//! A document is an IDoc: its control record `EDI_DC40` as an object, each segment an array under its type, fields and
//! segments below it inside. An empty field is left out, so that both forms give the same. A segment of a flat file
//! whose layout is not known is shown as it stands, `SDATA`, and loses nothing.

mod encode;
mod flat;
mod layout;
mod records;
mod tree;
mod xml;

#[cfg(test)]
mod tests;

pub(crate) use encode::IdocWriter;
pub use layout::IdocLayout;

use serde::Deserialize;

use crate::blocks::{Blocks, Rules};
use crate::decoder::{Cut, Step};
use crate::encoding::Encoding;
use crate::fixed_width::LineBreak;
use crate::records::Records;
use crate::size::Size;
use crate::whole::Whole;
use flat::Flat;

/// Options of `idoc`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdocOptions {
    /// The segments of flat files. In a workspace it may be the name of a file in `layouts/`.
    pub layout: IdocLayout,
    /// When writing: as a flat file or as XML. When reading, the input shows which it is.
    pub form: IdocForm,
    /// How bytes of flat files stand for characters.
    pub encoding: Encoding,
    /// When writing a flat file: what ends a record.
    pub line_end: LineBreak,
    /// Longest IDoc of a flat file, longest input of XML.
    pub bytes: Size,
}

impl Default for IdocOptions {
    fn default() -> Self {
        Self {
            layout: IdocLayout::default(),
            form: IdocForm::Xml,
            encoding: Encoding::Utf8,
            line_end: LineBreak::Crlf,
            bytes: Size::mib(16),
        }
    }
}

impl IdocOptions {
    /// The media type of what it writes.
    pub(crate) const fn media_type(&self) -> &'static str {
        match self.form {
            IdocForm::Xml => "application/xml",
            IdocForm::Flat => "text/plain",
        }
    }
}

/// How an IDoc is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdocForm {
    /// As XML.
    #[default]
    Xml,
    /// As records of 63 characters and the fields of the segment.
    Flat,
}

/// A record is 1063 characters; in UTF-8 each has four bytes at most.
const LONGEST_RECORD_BYTES: usize = 8 * 1024;

/// Segments inside each other; no IDoc type has more than ten.
const DEEPEST: usize = 50;

/// Reads either form: the first byte that is no white space says which.
pub(crate) struct IdocCutter {
    options: IdocOptions,
    form: Option<Box<dyn Cut>>,
}

impl IdocCutter {
    pub(crate) fn new(options: &IdocOptions) -> Self {
        Self { options: options.clone(), form: None }
    }

    fn open(&self, is_xml: bool) -> Box<dyn Cut> {
        if is_xml {
            let options = self.options.clone();
            return Box::new(Whole::new("idoc-limit", options.bytes, move |input| {
                xml::pieces(&options, input)
            }));
        }
        let rules = Rules {
            records: Records::lines(self.options.encoding, LONGEST_RECORD_BYTES),
            document_bytes: self.options.bytes.0,
            limit_code: "idoc-limit",
            limit_hints: [
                "is there no line end between two records?",
                "raise `bytes` in the options of the format if such IDocs are right",
            ],
            is_whole: true,
            has_mark: self.options.encoding == Encoding::Utf8,
        };
        Box::new(Blocks::new(Flat::new(&self.options), rules))
    }
}

impl Cut for IdocCutter {
    fn next<'a>(&mut self, input: &'a [u8], at_end: bool) -> Step<'a> {
        let form = match &mut self.form {
            Some(form) => form,
            None => {
                let text = input.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(input);
                let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
                let is_cut = input.len() < 3 || first.is_none();
                if is_cut && !at_end && input.len() <= LONGEST_RECORD_BYTES {
                    return Step::More { used: 0 };
                }
                let form = self.open(first == Some(&b'<'));
                self.form.insert(form)
            }
        };
        form.next(input, at_end)
    }
}
