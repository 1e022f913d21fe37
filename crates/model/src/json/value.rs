//! A small tree of JSON values that borrows what it can from the text.

use std::borrow::Cow;
use std::fmt;

use super::error::JsonError;
use super::parser::{Build, Scalar, parse};
use super::pointer::{Pointer, index_of};
use super::text::Text;
use super::{Limits, write};

/// A JSON value. Members keep their order; numbers keep their text, so `1.0` and `1.00` are different values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Value<'a> {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number as it is written. Whoever makes one must use JSON's grammar.
    Number(Cow<'a, str>),
    /// A string.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Value<'a>>),
    /// An object: its members in order, each key once.
    Object(Vec<(Cow<'a, str>, Value<'a>)>),
}

impl<'a> Value<'a> {
    /// Reads one document.
    ///
    /// # Errors
    /// When the text is not exactly one JSON document within the limits.
    pub fn parse(bytes: &'a [u8], limits: &Limits) -> Result<Self, JsonError> {
        let mut tree = Tree { elements: Vec::with_capacity(16), members: Vec::with_capacity(32) };
        parse(bytes, limits, &mut tree)
    }

    /// The member of this object with this key.
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        let (_, value) = self.as_object()?.iter().find(|(name, _)| name == key)?;
        Some(value)
    }

    /// The value that a JSON pointer such as `/lines/0/item` leads to; `None` also for a pointer that is none.
    pub fn pointer(&self, pointer: &str) -> Option<&Value<'a>> {
        Pointer::parse(pointer)?.tokens().iter().try_fold(self, |value, token| match value {
            Self::Object(_) => value.get(token),
            Self::Array(elements) => elements.get(index_of(token)?),
            _ => None,
        })
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The text of a number.
    pub fn as_number(&self) -> Option<&str> {
        if let Self::Number(text) = self { Some(text) } else { None }
    }

    /// The truth of a boolean.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// The elements of an array.
    pub fn as_array(&self) -> Option<&[Value<'a>]> {
        if let Self::Array(elements) = self { Some(elements) } else { None }
    }

    /// The members of an object.
    pub fn as_object(&self) -> Option<&[(Cow<'a, str>, Value<'a>)]> {
        if let Self::Object(members) = self { Some(members) } else { None }
    }

    /// True for `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// What kind of value it is, as JSON Schema calls it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }

    /// The same value, owning all its text.
    pub fn into_owned(self) -> Value<'static> {
        let own = |text: Cow<'a, str>| Cow::Owned(text.into_owned());
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Number(text) => Value::Number(own(text)),
            Self::String(text) => Value::String(own(text)),
            Self::Array(elements) => Value::Array(elements.into_iter().map(Value::into_owned).collect()),
            Self::Object(members) => Value::Object(
                members.into_iter().map(|(key, value)| (own(key), value.into_owned())).collect(),
            ),
        }
    }

    /// Appends the value as compact JSON text.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        write::write_value(out, self);
    }

    /// The value as compact JSON text.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        self.write_to(&mut out);
        out
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.to_vec()))
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::String(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::String(Cow::Owned(text))
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u64> for Value<'_> {
    fn from(value: u64) -> Self {
        Self::Number(Cow::Owned(value.to_string()))
    }
}

/// Builds [`Value`]s. Parts wait on a shared stack, so that each array and object is allocated once at its exact size.
#[derive(Debug)]
struct Tree<'a> {
    elements: Vec<Value<'a>>,
    members: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> Build<'a> for Tree<'a> {
    type Value = Value<'a>;
    /// Where its parts start on the stack.
    type Array = usize;
    type Object = usize;

    #[inline]
    fn scalar(&mut self, scalar: Scalar<'a>) -> Value<'a> {
        match scalar {
            Scalar::Null => Value::Null,
            Scalar::Bool(value) => Value::Bool(value),
            Scalar::Number(text) => Value::Number(Cow::Borrowed(text)),
            Scalar::String(text) => Value::String(text.decode()),
        }
    }

    #[inline]
    fn array(&mut self) -> usize {
        self.elements.len()
    }

    #[inline]
    fn element(&mut self, _: &mut usize, value: Value<'a>) {
        self.elements.push(value);
    }

    #[inline]
    fn end_array(&mut self, start: usize) -> Value<'a> {
        Value::Array(self.elements.drain(start..).collect())
    }

    #[inline]
    fn object(&mut self) -> usize {
        self.members.len()
    }

    #[inline]
    fn member(&mut self, _: &mut usize, key: Text<'a>, value: Value<'a>) {
        self.members.push((key.decode(), value));
    }

    #[inline]
    fn end_object(&mut self, start: usize) -> Value<'a> {
        Value::Object(self.members.drain(start..).collect())
    }
}
