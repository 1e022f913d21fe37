//! The plain values our functions take and give, the same for both ways a mapping can run.

use std::borrow::Cow;

use lineshaft_model::Reason;

/// A value on its way into or out of one of our functions; numbers are their text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Datum<'a> {
    Null,
    Bool(bool),
    Number(Cow<'a, str>),
    Text(Cow<'a, str>),
    List(Vec<Datum<'a>>),
    Fields(Vec<(Cow<'a, str>, Datum<'a>)>),
}

impl<'a> Datum<'a> {
    pub(crate) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "an array",
            Self::Fields(_) => "an object",
        }
    }

    /// The text of a string or of a number (a key is often written as either).
    pub(crate) fn as_word(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Number(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Fields(fields) => fields.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// A short form for messages.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Number(text) => clip(text),
            Self::Text(text) => format!("\"{}\"", clip(text)),
            Self::List(_) | Self::Fields(_) => self.kind().to_owned(),
        }
    }

    /// The refusal of an argument of the wrong kind.
    pub(crate) fn unfit(&self, function: &str, wanted: &str) -> Reason {
        Reason::new("argument-unfit", format!("{function} wants {wanted}, not {}", self.shown()))
    }
}

/// The first characters of a text that may be long.
pub(crate) fn clip(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_owned(),
    }
}
