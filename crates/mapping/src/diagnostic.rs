//! What is wrong with a piece of configuration, with its place in the text.

use std::fmt;
use std::ops::Range;

use lineshaft_model::Reason;

/// One problem of a mapping, condition, template, contract or code list, found before anything runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable kebab-case code, for instance `mapping-unknown-function`.
    pub code: &'static str,
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
    /// What to do about it; empty when the message says it all.
    pub hint: String,
    /// Where in the text; none when the whole text is meant.
    pub place: Option<Place>,
}

/// A stretch of a source text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// Byte range within the text.
    pub span: Range<usize>,
}

impl Place {
    /// The place of a byte range of `source`; the range is cut to the text and to character boundaries.
    #[must_use]
    pub fn of(source: &str, span: Range<usize>) -> Self {
        let start = source.floor_char_boundary(span.start.min(source.len()));
        let end = source.ceil_char_boundary(span.end.clamp(start, source.len()));
        let before = &source[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        let column = before[line_start..].chars().count() + 1;
        Self {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
            span: start..end,
        }
    }

    /// The place of `part` within `source`, when it is a slice of it (compared by address).
    #[must_use]
    pub fn of_slice(source: &str, part: &str) -> Option<Self> {
        let start = (part.as_ptr() as usize).checked_sub(source.as_ptr() as usize)?;
        let end = start.checked_add(part.len()).filter(|end| *end <= source.len())?;
        Some(Self::of(source, start..end))
    }
}

impl Diagnostic {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: String::new(), place: None }
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    #[must_use]
    pub(crate) fn place(mut self, place: Option<Place>) -> Self {
        self.place = place;
        self
    }

    /// The same as a reason, `file:line:column` as its place.
    #[must_use]
    pub fn to_reason(&self, file: &str) -> Reason {
        let at = match &self.place {
            Some(place) => format!("{file}:{}:{}", place.line, place.column),
            None => file.to_owned(),
        };
        Reason::new(self.code, self.message.clone()).at(at).hint(self.hint.clone())
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{}:{}: ", place.line, place.column)?;
        }
        f.write_str(&self.message)?;
        if !self.hint.is_empty() {
            write!(f, "; hint: {}", self.hint)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_in_characters() {
        let source = "a\nüb = c";
        let place = Place::of_slice(source, &source[source.find('b').unwrap()..][..1]).unwrap();
        assert_eq!((place.line, place.column), (2, 2));
        assert_eq!(Place::of_slice(source, "elsewhere"), None);
        assert_eq!(Place::of(source, 3..900).span.end, source.len());
    }
}
