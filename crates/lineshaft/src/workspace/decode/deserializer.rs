//! serde's view of a marked tree: an error knows the way to what was wrong.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use crate::workspace::marked::{Entry, Kind, Mark, Node};
use crate::workspace::problem::Problem;
use crate::workspace::spelling;

/// One step down the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The nth entry of a mapping.
    Entry(usize),
    /// The nth item of a list.
    Item(usize),
}

/// What was wrong.
#[derive(Clone, Debug)]
pub(super) enum Cause {
    /// A value of the wrong kind or out of its range.
    Wrong { code: String, message: String, hint: String },
    /// A key that has no meaning here, and those that do.
    UnknownKey(String, &'static [&'static str]),
    /// A key that must be there.
    MissingKey(String),
}

/// An error and the way to it.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) cause: Cause,
    /// From the root to what was wrong. It is gathered from the inside out and turned once, by the outermost reader.
    pub(super) path: Vec<Step>,
    at_key: bool,
}

impl Fault {
    fn new(cause: Cause) -> Self {
        Self { cause, path: Vec::new(), at_key: false }
    }

    fn wrong(message: impl Into<String>, hint: impl Into<String>) -> Self {
        let code = "wrong-value".to_owned();
        Self::new(Cause::Wrong { code, message: message.into(), hint: hint.into() })
    }

    fn below(mut self, step: Step) -> Self {
        self.path.insert(0, step);
        self
    }

    /// The place in the tree.
    pub(super) fn place(&self, tree: &Node) -> Mark {
        let (mut node, mut mark) = (tree, tree.mark);
        for (depth, step) in self.path.iter().enumerate() {
            match step {
                Step::Entry(at) => {
                    let Some(entry) = node.entries().get(*at) else { break };
                    let last = depth + 1 == self.path.len();
                    mark = if last && self.at_key { entry.mark } else { entry.value.mark };
                    node = &entry.value;
                    // An empty value has no extent: its key is what can be seen.
                    if mark.start == mark.end {
                        mark = entry.mark;
                    }
                }
                Step::Item(at) => {
                    let Some(item) = node.items().get(*at) else { break };
                    (node, mark) = (item, item.mark);
                }
            }
        }
        mark
    }

    pub(super) fn problem(&self, file: &str, mark: Mark) -> Problem {
        match &self.cause {
            Cause::Wrong { code, message, hint } => Problem::error(file, mark, code, message).hint(hint),
            Cause::UnknownKey(key, known) => {
                let message = format!("the key `{}` has no meaning here", spelling::clip(key));
                let hint = match known {
                    [] => "take it out".to_owned(),
                    known => spelling::meant(key, known.iter().copied()),
                };
                Problem::error(file, mark, "unknown-key", message).hint(hint)
            }
            Cause::MissingKey(key) => {
                Problem::error(file, mark, "missing-key", format!("the key `{key}` is missing here"))
                    .hint(format!("add `{key}:`; `docs/reference/workspace.md` describes it"))
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Wrong { message, .. } => f.write_str(message),
            Cause::UnknownKey(key, _) => write!(f, "the key `{key}` has no meaning here"),
            Cause::MissingKey(key) => write!(f, "the key `{key}` is missing"),
        }
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    /// What a type says of its own value, often a `Reason` turned into text: its hint is taken apart again.
    fn custom<T: fmt::Display>(said: T) -> Self {
        let said = said.to_string();
        match said.split_once("; hint: ") {
            Some((message, hint)) => Self::wrong(message, hint),
            None => Self::wrong(said, ""),
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let hint = match found {
            Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) | Unexpected::Bool(_)
                if expected.to_string().contains("string") =>
            {
                "write it as text, in quotes, with its unit if it is an amount"
            }
            _ => "",
        };
        Self::wrong(format!("{} does not fit here: expected {expected}", named(&found)), hint)
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::wrong(format!("{} does not fit here: expected {expected}", named(&found)), "")
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Cause::UnknownKey(field.to_owned(), expected))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let hint = spelling::meant(variant, expected.iter().copied());
        Self::wrong(format!("`{}` is not known here", spelling::clip(variant)), hint)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(Cause::MissingKey(field.to_owned()))
    }
}

/// A value in the words of YAML rather than of serde.
fn named(found: &Unexpected<'_>) -> String {
    match found {
        Unexpected::Str(text) => format!("the text `{}`", spelling::clip(text)),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a mapping".to_owned(),
        Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
        Unexpected::Unsigned(number) => format!("the number {number}"),
        Unexpected::Signed(number) => format!("the number {number}"),
        Unexpected::Float(number) => format!("the number {number}"),
        other => other.to_string(),
    }
}

/// Reads one node.
pub(super) struct NodeDeserializer<'t> {
    node: &'t Node,
}

impl<'t> NodeDeserializer<'t> {
    pub(super) const fn new(node: &'t Node) -> Self {
        Self { node }
    }
}

impl<'de> Deserializer<'de> for NodeDeserializer<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.kind {
            Kind::Null => visitor.visit_unit(),
            Kind::Bool(truth) => visitor.visit_bool(*truth),
            Kind::Number(number) => match (number.parse::<u64>(), number.parse::<i64>()) {
                (Ok(number), _) => visitor.visit_u64(number),
                (_, Ok(number)) => visitor.visit_i64(number),
                _ => visitor.visit_f64(number.parse().map_err(|_| Fault::wrong("not a number", ""))?),
            },
            Kind::Text(text) => visitor.visit_str(text),
            Kind::List(items) => {
                let mut access = Items { items, next: 0 };
                let value = visitor.visit_seq(&mut access)?;
                match items.len() > access.next {
                    true => Err(Fault::wrong(format!("{} items are too many here", items.len()), "")),
                    false => Ok(value),
                }
            }
            Kind::Map(entries) => visitor.visit_map(Entries { entries, next: 0 }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.node.kind {
            Kind::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    /// A derived struct would also take a list of its fields in order, which nobody writes on purpose.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.node.kind {
            // `counts:` with nothing behind it is a source that says nothing.
            Kind::Null => visitor.visit_map(Entries { entries: &[], next: 0 }),
            Kind::Map(_) => self.deserialize_any(visitor),
            _ => Err(Fault::wrong(
                format!("{} does not fit here: expected a mapping", self.node.describe()),
                "",
            )),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match &self.node.kind {
            Kind::Text(text) => {
                let variant: StrDeserializer<'_, Fault> = text.as_str().into_deserializer();
                visitor.visit_enum(variant)
            }
            Kind::Map(entries) => match entries.as_slice() {
                [entry] => visitor.visit_enum(Variant { entry }),
                _ => Err(Fault::wrong(
                    format!("{} keys where one was expected", entries.len()),
                    format!("give one of {}", spelling::list(variants)),
                )),
            },
            _ => Err(Fault::wrong(
                format!("{} does not fit here", self.node.describe()),
                format!("use one of {}", spelling::list(variants)),
            )),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

struct Items<'t> {
    items: &'t [Node],
    next: usize,
}

impl<'de> de::SeqAccess<'de> for &mut Items<'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some(node) = self.items.get(self.next) else { return Ok(None) };
        let at = self.next;
        self.next += 1;
        seed.deserialize(NodeDeserializer { node }).map(Some).map_err(|fault| fault.below(Step::Item(at)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len() - self.next)
    }
}

struct Entries<'t> {
    entries: &'t [Entry],
    next: usize,
}

impl<'de> de::MapAccess<'de> for Entries<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some(entry) = self.entries.get(self.next) else { return Ok(None) };
        self.next += 1;
        let key: StrDeserializer<'_, Fault> = entry.key.as_str().into_deserializer();
        seed.deserialize(key).map(Some).map_err(|mut fault| {
            fault.at_key = true;
            fault.below(Step::Entry(self.next - 1))
        })
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let at = self.next - 1;
        let Some(entry) = self.entries.get(at) else { return Err(Fault::wrong("a value without a key", "")) };
        seed.deserialize(NodeDeserializer { node: &entry.value })
            .map_err(|fault| fault.below(Step::Entry(at)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len() - self.next)
    }
}

/// An enum written as a mapping with one key: the key is the variant, the value its content.
struct Variant<'t> {
    entry: &'t Entry,
}

impl<'de> de::EnumAccess<'de> for Variant<'de> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let key: StrDeserializer<'_, Fault> = self.entry.key.as_str().into_deserializer();
        let value = seed.deserialize(key).map_err(|mut fault| {
            fault.at_key = true;
            fault.below(Step::Entry(0))
        })?;
        Ok((value, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'de> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.entry.value.kind {
            Kind::Null => Ok(()),
            _ => Err(Fault::wrong(format!("`{}` takes no value", self.entry.key), "write the word alone")
                .below(Step::Entry(0))),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(NodeDeserializer { node: &self.entry.value })
            .map_err(|fault| fault.below(Step::Entry(0)))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        NodeDeserializer { node: &self.entry.value }
            .deserialize_any(visitor)
            .map_err(|fault| fault.below(Step::Entry(0)))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        NodeDeserializer { node: &self.entry.value }
            .deserialize_any(visitor)
            .map_err(|fault| fault.below(Step::Entry(0)))
    }
}
