//! JSON documents on their way through a process: compact text, shared, with numbers kept to the digit.

use std::fmt;
use std::sync::Arc;

use lineshaft_model::json::{Limits, Value, write_string};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// One JSON document. Cloning it copies a pointer; it is written into a state as it stands.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Doc(Arc<str>);

impl Doc {
    /// `null`.
    #[must_use]
    pub fn null() -> Self {
        Self("null".into())
    }

    /// `{}`.
    #[must_use]
    pub fn empty() -> Self {
        Self("{}".into())
    }

    /// The document of a tree.
    #[must_use]
    pub fn of(value: &Value<'_>) -> Self {
        Self(value.to_string().into())
    }

    /// The document that is this text.
    #[must_use]
    pub fn string(text: &str) -> Self {
        let mut out = Vec::with_capacity(text.len() + 2);
        write_string(&mut out, text);
        Self(String::from_utf8_lossy(&out).into())
    }

    /// The document that is this number.
    #[must_use]
    pub fn number(number: impl Into<i64>) -> Self {
        Self(number.into().to_string().into())
    }

    /// Reads strict JSON.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let value =
            Value::parse(text.as_bytes(), &Limits::DEFAULT).map_err(|error| error.kind.to_string())?;
        Ok(Self::of(&value))
    }

    /// Text that is known to be JSON: written by this crate or by the mapping engine.
    pub(crate) fn trusted(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// An object of these members, in order.
    #[must_use]
    pub fn object<'d>(members: impl IntoIterator<Item = (&'d str, &'d Self)>) -> Self {
        let mut out = Vec::from(*b"{");
        for (key, value) in members {
            if out.len() > 1 {
                out.push(b',');
            }
            write_string(&mut out, key);
            out.push(b':');
            out.extend_from_slice(value.0.as_bytes());
        }
        out.push(b'}');
        Self(String::from_utf8_lossy(&out).into())
    }

    /// An array of these documents.
    #[must_use]
    pub fn array<'d>(items: impl IntoIterator<Item = &'d Self>) -> Self {
        let mut out = String::from("[");
        for item in items {
            if out.len() > 1 {
                out.push(',');
            }
            out.push_str(&item.0);
        }
        out.push(']');
        Self(out.into())
    }

    /// The JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tree; `null` for what cannot be read, which a document never is.
    #[must_use]
    pub fn value(&self) -> Value<'_> {
        const WIDE: Limits =
            Limits { depth: Limits::DEEPEST, bytes: 64 << 20, values: 4_000_000, number: 4096 };
        Value::parse(self.0.as_bytes(), &WIDE).unwrap_or_default()
    }

    /// The text of a string.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        self.0.starts_with('"').then(|| self.value().as_str().map(str::to_owned)).flatten()
    }

    /// What a member of an object holds; none when it is no object or has no such member.
    #[must_use]
    pub fn member(&self, key: &str) -> Option<Self> {
        self.value().get(key).map(Self::of)
    }

    /// The truth of a boolean.
    #[must_use]
    pub fn truth(&self) -> Option<bool> {
        match &*self.0 {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }
}

impl fmt::Debug for Doc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Doc {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<&RawValue>(&self.0).map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Doc {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        if raw.get().len() > 64 << 20 {
            return Err(D::Error::custom("a document of more than 64 MiB"));
        }
        Ok(Self(raw.get().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_keeps_its_digits_through_a_state() {
        let doc = Doc::parse(r#"{ "price": 0.10, "id": 12345678901234567890 }"#).unwrap();
        let text = serde_json::to_string(&vec![doc.clone()]).unwrap();
        assert_eq!(text, r#"[{"price":0.10,"id":12345678901234567890}]"#);
        assert_eq!(serde_json::from_str::<Vec<Doc>>(&text).unwrap(), vec![doc]);
    }

    #[test]
    fn documents_are_put_together() {
        let doc = Doc::object([
            ("a\"b", &Doc::string("x\ny")),
            ("n", &Doc::array([&Doc::number(1), &Doc::null()])),
        ]);
        assert_eq!(doc.as_str(), r#"{"a\"b":"x\ny","n":[1,null]}"#);
        assert_eq!(doc.member("n").unwrap().as_str(), "[1,null]");
        assert_eq!(doc.member("a\"b").unwrap().text().unwrap(), "x\ny");
        assert!(Doc::parse("{").is_err());
    }
}
