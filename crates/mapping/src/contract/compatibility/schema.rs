//! A schema as a conjunction: itself, what it refers to, and its `allOf`, each by itself.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Version;

/// References and `allOf` inside each other.
const DEEPEST: usize = 32;
/// Levels of data described; schemas may refer to themselves.
const MOST_LEVELS: usize = 12;

/// A schema of one version: all of its parts have to hold.
#[derive(Clone, Debug)]
pub(crate) struct Side<'s> {
    version: Version<'s>,
    pub(super) parts: Vec<Part<'s>>,
}

/// One part, with the file whose references it has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'s> {
    pub(super) file: &'s str,
    pub(super) schema: &'s Value,
}

impl<'s> Side<'s> {
    pub(crate) fn of(version: Version<'s>) -> Self {
        let mut side = Self { version, parts: Vec::new() };
        side.add(Part { file: version.file, schema: version.schema }, 0);
        side
    }

    /// A conjunction of further schemas of the same version.
    pub(super) fn with(&self, parts: impl IntoIterator<Item = Part<'s>>) -> Self {
        let mut side = Self { version: self.version, parts: Vec::new() };
        parts.into_iter().for_each(|part| side.add(part, 0));
        side
    }

    /// The same and one more.
    pub(super) fn and(&self, part: Part<'s>) -> Self {
        let mut side = self.clone();
        side.add(part, 0);
        side
    }

    fn add(&mut self, part: Part<'s>, depth: usize) {
        self.parts.push(part);
        if depth > DEEPEST {
            return;
        }
        let Some(object) = part.schema.as_object() else { return };
        if let Some(target) = object.get("$ref").and_then(Value::as_str).and_then(|r| self.resolve(part, r)) {
            self.add(target, depth + 1);
        }
        for schema in object.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            self.add(Part { schema, ..part }, depth + 1);
        }
    }

    /// `#/$defs/x`, `other.yaml` or `other.yaml#/$defs/x`.
    fn resolve(&self, part: Part<'s>, reference: &str) -> Option<Part<'s>> {
        let (file, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        let (file, root) = match file {
            "" if part.file == self.version.file => (part.file, self.version.schema),
            "" => (part.file, self.version.others.get(part.file)?),
            named => {
                let (name, schema) = self.version.others.get_key_value(named)?;
                (name.as_str(), schema)
            }
        };
        Some(Part { file, schema: root.pointer(pointer)? })
    }

    /// Every object part.
    pub(super) fn objects(&self) -> impl Iterator<Item = (Part<'s>, &'s Map<String, Value>)> + '_ {
        self.parts.iter().filter_map(|part| Some((*part, part.schema.as_object()?)))
    }

    /// Whether it allows nothing at all.
    pub(super) fn is_nothing(&self) -> bool {
        self.parts.iter().any(|part| *part.schema == Value::Bool(false)) || self.types().is_empty()
    }

    /// Every value of a keyword, with the part it stands in.
    pub(super) fn all<'a>(&'a self, keyword: &'a str) -> impl Iterator<Item = (Part<'s>, &'s Value)> + 'a {
        self.objects().filter_map(move |(part, object)| Some((part, object.get(keyword)?)))
    }

    /// The types that values may have; `integer` beside `number` only when the latter is not there.
    pub(super) fn types(&self) -> BTreeSet<&'static str> {
        let mut types = BTreeSet::from(["array", "boolean", "null", "number", "object", "string"]);
        for (_, object) in self.objects() {
            if let Some(named) = object.get("type") {
                types = meet(&types, &type_names(named));
            }
            if let Some(values) = values_of(object) {
                let of_values = values.iter().map(|value| type_of(value)).collect();
                types = meet(&types, &of_values);
            }
        }
        types
    }

    /// The values it is one of, when it lists them.
    pub(super) fn values(&self) -> Option<Vec<&'s Value>> {
        self.objects()
            .filter_map(|(_, object)| values_of(object))
            .reduce(|known, further| known.into_iter().filter(|value| further.contains(value)).collect())
    }

    /// What must be there.
    pub(super) fn required(&self) -> BTreeSet<&'s str> {
        let lists = self.all("required").filter_map(|(_, value)| value.as_array());
        lists.flatten().filter_map(Value::as_str).collect()
    }

    /// The names of the members that are described.
    pub(super) fn properties(&self) -> BTreeSet<&'s str> {
        let objects = self.all("properties").filter_map(|(_, value)| value.as_object());
        objects.flat_map(Map::keys).map(String::as_str).collect()
    }

    /// What a member must be: what each part says of it, be it by name or of all that it does not name.
    pub(super) fn property(&self, name: &str) -> Self {
        let parts = self.objects().filter_map(|(part, object)| {
            let named = object.get("properties").and_then(|properties| properties.get(name));
            let schema = named.or_else(|| object.get("additionalProperties"))?;
            Some(Part { schema, ..part })
        });
        self.with(parts.collect::<Vec<_>>())
    }

    /// What elements must be.
    pub(super) fn items(&self) -> Self {
        self.with(self.all("items").map(|(part, schema)| Part { schema, ..part }).collect::<Vec<_>>())
    }

    /// The fields below, as the names that lead to them.
    pub(super) fn describe(&self, at: &mut Vec<String>, found: &mut BTreeSet<Vec<String>>) {
        if at.len() > MOST_LEVELS {
            return;
        }
        for name in self.properties() {
            let below = self.property(name);
            if below.is_nothing() {
                continue;
            }
            at.push(name.to_owned());
            found.insert(at.clone());
            below.describe(at, found);
            at.pop();
        }
        let elements = self.items();
        if !elements.parts.is_empty() {
            at.push("*".to_owned());
            elements.describe(at, found);
            at.pop();
        }
        let branches = ["anyOf", "oneOf"].into_iter().flat_map(|keyword| self.all(keyword));
        for (part, branches) in branches.collect::<Vec<_>>() {
            for schema in branches.as_array().into_iter().flatten() {
                self.with([Part { schema, ..part }]).describe(at, found);
            }
        }
    }
}

fn values_of(object: &Map<String, Value>) -> Option<Vec<&Value>> {
    match (object.get("enum").and_then(Value::as_array), object.get("const")) {
        (Some(values), _) => Some(values.iter().collect()),
        (None, Some(value)) => Some(vec![value]),
        (None, None) => None,
    }
}

const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];

/// The types that a `type` names.
pub(super) fn type_names(named: &Value) -> BTreeSet<&'static str> {
    let known = |name: &str| TYPES.into_iter().find(|known| *known == name);
    match named {
        Value::String(name) => known(name).into_iter().collect(),
        Value::Array(names) => names.iter().filter_map(Value::as_str).filter_map(known).collect(),
        _ => BTreeSet::new(),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Whether a type is among others; every integer is a number.
pub(super) fn is_among(kind: &str, types: &BTreeSet<&'static str>) -> bool {
    types.contains(kind) || (kind == "integer" && types.contains("number"))
}

fn meet(a: &BTreeSet<&'static str>, b: &BTreeSet<&'static str>) -> BTreeSet<&'static str> {
    let ours = a.iter().copied().filter(|kind| is_among(kind, b));
    ours.chain(b.iter().copied().filter(|kind| is_among(kind, a))).collect()
}
