//! Lets the JSON Schema validator walk our tree, so that one parse serves contract and mapping.

use std::borrow::Cow;

use jsonschema::JsonType;
use jsonschema::json::{Array, Json, JsonNumber, Node, NodeIdentity, Object};
use lineshaft_model::json::Value;
use serde_json::Number;

use crate::decimal::Exact;

/// Our tree as a representation of JSON.
#[derive(Debug)]
pub(crate) struct Tree;

/// A value of the tree, or the name of a member seen as a string.
#[derive(Clone, Copy)]
pub(crate) enum Place<'a> {
    Value(&'a Value<'a>),
    Name(&'a str),
}

impl Json for Tree {
    type Node<'a> = Place<'a>;
    type PreparedKey = String;
    type StringBuffer = ();

    // A lookup compares keys one by one.
    const KEYS_PER_LOOKUP: usize = 4;
    const ACYCLIC: bool = true;

    fn prepare_key(key: &str) -> String {
        key.to_owned()
    }

    fn with_string_node<T>((): &mut (), string: &str, f: impl FnOnce(Place<'_>) -> T) -> T {
        f(Place::Name(string))
    }
}

impl<'a> Node<'a, Tree> for Place<'a> {
    type Object = Members<'a>;
    type Array = Elements<'a>;
    type Number = Digits<'a>;

    fn as_object(&self) -> Option<Members<'a>> {
        match self {
            Self::Value(Value::Object(members)) => Some(Members(members)),
            _ => None,
        }
    }

    fn as_array(&self) -> Option<Elements<'a>> {
        match self {
            Self::Value(Value::Array(items)) => Some(Elements(items)),
            _ => None,
        }
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        match self {
            Self::Value(Value::String(text)) => Some(Cow::Borrowed(text)),
            Self::Name(text) => Some(Cow::Borrowed(text)),
            Self::Value(_) => None,
        }
    }

    fn as_number(&self) -> Option<Digits<'a>> {
        match self {
            Self::Value(Value::Number(text)) => Some(Digits(text)),
            _ => None,
        }
    }

    fn as_boolean(&self) -> Option<bool> {
        match self {
            Self::Value(Value::Bool(value)) => Some(*value),
            _ => None,
        }
    }

    fn is_null(&self) -> bool {
        matches!(self, Self::Value(Value::Null))
    }

    fn is_number(&self) -> bool {
        matches!(self, Self::Value(Value::Number(_)))
    }

    fn json_type(&self) -> JsonType {
        match self {
            Self::Name(_) | Self::Value(Value::String(_)) => JsonType::String,
            Self::Value(Value::Null) => JsonType::Null,
            Self::Value(Value::Bool(_)) => JsonType::Boolean,
            Self::Value(Value::Number(_)) => JsonType::Number,
            Self::Value(Value::Array(_)) => JsonType::Array,
            Self::Value(Value::Object(_)) => JsonType::Object,
        }
    }

    fn equals_value(&self, expected: &serde_json::Value) -> bool {
        // Constants and enumerations of strings are by far the most common.
        match (self, expected) {
            (Self::Value(Value::String(text)), serde_json::Value::String(wanted)) => text == wanted,
            (Self::Value(Value::String(_)), _) => false,
            (Self::Value(Value::Number(text)), serde_json::Value::Number(wanted)) => {
                same_number(text, &wanted.to_string())
            }
            _ => self.to_value().as_ref() == expected,
        }
    }

    fn to_value(&self) -> Cow<'a, serde_json::Value> {
        Cow::Owned(match self {
            Self::Name(text) => serde_json::Value::String((*text).to_owned()),
            Self::Value(value) => plain(value),
        })
    }

    fn identity(&self) -> Option<NodeIdentity> {
        Some(match self {
            Self::Value(value) => NodeIdentity::new(std::ptr::from_ref::<Value<'_>>(value) as usize),
            Self::Name(text) => NodeIdentity::tagged(text.as_ptr() as usize, 1),
        })
    }
}

fn same_number(left: &str, right: &str) -> bool {
    match (Exact::parse(left), Exact::parse(right)) {
        (Some(left), Some(right)) => left.compare(right).is_eq(),
        _ => left == right,
    }
}

/// The value for messages, uniqueness and constants; numbers that no float holds become strings there.
fn plain(value: &Value<'_>) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => serde_json::Value::Bool(*value),
        Value::Number(text) => {
            let number = text.parse::<Number>().ok().filter(|n| same_number(text, &n.to_string()));
            number.map_or_else(|| serde_json::Value::String(text.to_string()), serde_json::Value::Number)
        }
        Value::String(text) => serde_json::Value::String(text.to_string()),
        Value::Array(items) => serde_json::Value::Array(items.iter().map(plain).collect()),
        Value::Object(members) => {
            serde_json::Value::Object(members.iter().map(|(k, v)| (k.to_string(), plain(v))).collect())
        }
    }
}

/// The text of a number.
#[derive(Clone, Copy)]
pub(crate) struct Digits<'a>(pub(crate) &'a str);

impl JsonNumber for Digits<'_> {
    fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    fn as_f64(&self) -> Option<f64> {
        self.0.parse().ok().filter(|value: &f64| value.is_finite())
    }

    fn as_str(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.0)
    }

    fn to_number(&self) -> Cow<'_, Number> {
        Cow::Owned(self.0.parse().unwrap_or_else(|_| Number::from(0)))
    }

    fn is_integer(&self) -> bool {
        let plain = self.0.strip_prefix('-').unwrap_or(self.0);
        plain.bytes().all(|b| b.is_ascii_digit())
            || Exact::parse(self.0).is_some_and(|n| n.to_whole().is_some())
    }
}

/// The members of an object.
#[derive(Clone, Copy)]
pub(crate) struct Members<'a>(&'a [(Cow<'a, str>, Value<'a>)]);

/// Walks members.
pub(crate) struct MembersIter<'a>(std::slice::Iter<'a, (Cow<'a, str>, Value<'a>)>);

impl<'a> Iterator for MembersIter<'a> {
    type Item = (&'a str, Place<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, value)| (&**key, Place::Value(value)))
    }
}

impl<'a> Object<'a, Tree> for Members<'a> {
    type Node = Place<'a>;
    type MemberName = &'a str;
    type MembersIter = MembersIter<'a>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, key: &String) -> Option<Place<'a>> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| Place::Value(value))
    }

    fn members(&self) -> MembersIter<'a> {
        MembersIter(self.0.iter())
    }
}

/// The elements of an array.
#[derive(Clone, Copy)]
pub(crate) struct Elements<'a>(&'a [Value<'a>]);

/// Walks elements.
pub(crate) struct ElementsIter<'a>(std::slice::Iter<'a, Value<'a>>);

impl<'a> Iterator for ElementsIter<'a> {
    type Item = Place<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(Place::Value)
    }
}

impl<'a> Array<'a, Tree> for Elements<'a> {
    type Node = Place<'a>;
    type ElementsIter = ElementsIter<'a>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn elements(&self) -> ElementsIter<'a> {
        ElementsIter(self.0.iter())
    }
}
