//! Whether everything that one schema allows is allowed by another, and where not.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::schema::{Part, Side, is_among, type_names};
use crate::datum::clip;
use crate::decimal::Exact;

/// Levels of data compared; schemas may refer to themselves.
const MOST_LEVELS: usize = 24;
/// Findings of one comparison.
const MOST_FINDINGS: usize = 200;
/// Alternatives of `anyOf` and `oneOf` looked at, multiplied out.
const MOST_BRANCHES: usize = 64;

/// Something that the first schema allows and the second does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// Where in the data.
    pub(super) at: Vec<String>,
    /// The keyword.
    pub(super) keyword: String,
    /// What the first says.
    pub(super) from: String,
    /// What the second says.
    pub(super) to: String,
}

/// Where the second schema allows less than the first.
pub(super) fn narrows(from: &Side<'_>, to: &Side<'_>) -> Vec<Finding> {
    let mut narrowing = Narrowing { at: Vec::new(), found: Vec::new(), branches: MOST_BRANCHES };
    narrowing.compare(from, to);
    narrowing.found
}

struct Narrowing {
    at: Vec<String>,
    found: Vec<Finding>,
    branches: usize,
}

impl Narrowing {
    fn find(&mut self, keyword: &str, from: impl Into<String>, to: impl Into<String>) {
        if self.found.len() < MOST_FINDINGS {
            let at = self.at.clone();
            self.found.push(Finding { at, keyword: keyword.to_owned(), from: from.into(), to: to.into() });
        }
    }

    fn below(&mut self, token: &str, from: &Side<'_>, to: &Side<'_>) {
        self.at.push(token.to_owned());
        self.compare(from, to);
        self.at.pop();
    }

    fn compare(&mut self, from: &Side<'_>, to: &Side<'_>) {
        if from.is_nothing() || self.at.len() > MOST_LEVELS {
            return;
        }
        let before = self.found.len();
        for part in &to.parts {
            match part.schema {
                Value::Bool(false) => self.find("false", "allowed", "not allowed"),
                Value::Object(object) => self.part(from, to, *part, object),
                _ => {}
            }
        }
        if self.found.len() > before {
            self.by_branches(from, to, before);
        }
    }

    /// What does not hold for an alternative as a whole may hold for each of its branches.
    fn by_branches(&mut self, from: &Side<'_>, to: &Side<'_>, before: usize) {
        for keyword in ["anyOf", "oneOf"] {
            for (part, branches) in from.all(keyword) {
                let branches = branches.as_array().map_or(&[][..], Vec::as_slice);
                let Some(left) = self.branches.checked_sub(branches.len()) else { return };
                let expanded = from.parts.iter().any(|p| branches.iter().any(|b| std::ptr::eq(p.schema, b)));
                if expanded || branches.is_empty() {
                    continue;
                }
                self.branches = left;
                let mut worst = Vec::new();
                for schema in branches {
                    let mut inner = Self { at: self.at.clone(), found: Vec::new(), branches: self.branches };
                    inner.compare(&from.and(Part { schema, ..part }), to);
                    worst.extend(inner.found);
                }
                self.found.truncate(before);
                self.found.extend(worst);
                return;
            }
        }
    }

    /// Every keyword of one part of the second schema.
    fn part(&mut self, from: &Side<'_>, to: &Side<'_>, part: Part<'_>, object: &Map<String, Value>) {
        let types = from.types();
        let has = |kind: &str| types.contains(kind) || (kind == "number" && types.contains("integer"));
        for (keyword, value) in object {
            match keyword.as_str() {
                "type" => self.types(&types, value),
                "enum" | "const" => self.values(from, keyword, value),
                "minimum" | "exclusiveMinimum" | "maximum" | "exclusiveMaximum" | "multipleOf"
                    if has("number") =>
                {
                    self.bound(from, keyword, value);
                }
                "minLength" | "maxLength" if has("string") => self.count(from, keyword, value),
                "minItems" | "maxItems" if has("array") => self.count(from, keyword, value),
                "minProperties" | "maxProperties" if has("object") => self.count(from, keyword, value),
                "pattern" | "format" if has("string") => self.same(from, keyword, value),
                "uniqueItems" if *value == Value::Bool(true) && has("array") => {
                    self.same(from, keyword, value);
                }
                "required" if has("object") => self.required(from, value),
                "properties" if has("object") => {
                    for name in value.as_object().into_iter().flat_map(Map::keys) {
                        if from.properties().contains(name.as_str()) {
                            self.below(name, &from.property(name), &to.property(name));
                        }
                    }
                }
                "additionalProperties" if has("object") => self.additional(from, to, part, object),
                "items" if has("array") => self.below("*", &from.items(), &to.items()),
                "anyOf" => self.any_of(from, to, part, value),
                "prefixItems" | "contains" | "minContains" | "maxContains" | "unevaluatedItems"
                    if has("array") =>
                {
                    self.same(from, keyword, value);
                }
                "patternProperties"
                | "propertyNames"
                | "dependentRequired"
                | "dependentSchemas"
                | "unevaluatedProperties"
                    if has("object") =>
                {
                    self.same(from, keyword, value);
                }
                "oneOf" | "not" | "if" | "then" | "else" => self.same(from, keyword, value),
                _ => {}
            }
        }
    }

    fn types(&mut self, from: &BTreeSet<&'static str>, to: &Value) {
        let allowed = type_names(to);
        if !from.iter().all(|kind| is_among(kind, &allowed)) {
            let listed = |types: &BTreeSet<&str>| types.iter().copied().collect::<Vec<_>>().join(" or ");
            let from = if from.len() == 6 { "anything".to_owned() } else { listed(from) };
            self.find("type", from, listed(&allowed));
        }
    }

    fn values(&mut self, from: &Side<'_>, keyword: &str, to: &Value) {
        let single = std::slice::from_ref(to);
        let allowed = if keyword == "enum" { to.as_array().map_or(&[][..], Vec::as_slice) } else { single };
        let listed = |values: &[&Value]| {
            let shown = values.iter().take(12).map(|value| value.to_string()).collect::<Vec<_>>().join(", ");
            clip(&shown)
        };
        let allowed_refs: Vec<&Value> = allowed.iter().collect();
        match from.values() {
            None => self.find(keyword, "not limited", listed(&allowed_refs)),
            Some(values) if values.iter().all(|value| allowed.contains(value)) => {}
            Some(values) => self.find(keyword, listed(&values), listed(&allowed_refs)),
        }
    }

    fn bound(&mut self, from: &Side<'_>, keyword: &str, to: &Value) {
        let Some(limit) = exact(to) else { return };
        let known =
            |keyword: &str| from.all(keyword).filter_map(|(_, value)| exact(value)).collect::<Vec<Exact>>();
        let any = |keyword: &str, wanted: fn(Ordering) -> bool| {
            known(keyword).into_iter().any(|bound| wanted(bound.compare(limit)))
        };
        let holds = match keyword {
            "minimum" => any("minimum", Ordering::is_ge) || any("exclusiveMinimum", Ordering::is_ge),
            "exclusiveMinimum" => any("minimum", Ordering::is_gt) || any("exclusiveMinimum", Ordering::is_ge),
            "maximum" => any("maximum", Ordering::is_le) || any("exclusiveMaximum", Ordering::is_le),
            "exclusiveMaximum" => any("maximum", Ordering::is_lt) || any("exclusiveMaximum", Ordering::is_le),
            _ => {
                let whole = !from.types().contains("number") && Exact::ONE.is_multiple_of(limit);
                whole || known("multipleOf").into_iter().any(|of| of.is_multiple_of(limit))
            }
        };
        if !holds && !listed_within(from, keyword, limit) {
            self.find(keyword, said(from, keyword), to.to_string());
        }
    }

    fn count(&mut self, from: &Side<'_>, keyword: &str, to: &Value) {
        let Some(limit) = exact(to) else { return };
        let least = keyword.starts_with("min");
        if least && limit.compare(Exact::ZERO).is_le() {
            return;
        }
        let holds = from.all(keyword).filter_map(|(_, value)| exact(value)).any(|bound| {
            let order = bound.compare(limit);
            if least { order.is_ge() } else { order.is_le() }
        });
        if !holds {
            self.find(keyword, said(from, keyword), to.to_string());
        }
    }

    /// What cannot be compared holds only where the same is said.
    fn same(&mut self, from: &Side<'_>, keyword: &str, to: &Value) {
        let mut known = from.all(keyword).map(|(_, value)| value);
        if refers(to) || !known.any(|value| value == to) {
            self.find(keyword, said(from, keyword), clip(&to.to_string()));
        }
    }

    fn required(&mut self, from: &Side<'_>, to: &Value) {
        let known = from.required();
        let names = to.as_array().into_iter().flatten().filter_map(Value::as_str);
        for name in names.filter(|name| !known.contains(name)) {
            self.at.push(name.to_owned());
            self.find("required", "false", "true");
            self.at.pop();
        }
    }

    fn additional(&mut self, from: &Side<'_>, to: &Side<'_>, part: Part<'_>, object: &Map<String, Value>) {
        let named = |name: &str| object.get("properties").is_some_and(|known| known.get(name).is_some());
        let patterns = object.contains_key("patternProperties");
        let Some(additional) = object.get("additionalProperties") else { return };
        let allowed = to.with([Part { schema: additional, ..part }]);
        for name in from.properties() {
            // Whether a pattern takes it is the pattern's to say.
            if !named(name) && !patterns {
                self.below(name, &from.property(name), &allowed);
            }
        }
        let further: Vec<Part<'_>> =
            from.all("additionalProperties").map(|(part, schema)| Part { schema, ..part }).collect();
        // Where one part of it takes no further members, there are none.
        let closed = further.iter().any(|part| *part.schema == Value::Bool(false));
        let open: Vec<Part<'_>> =
            further.into_iter().filter(|part| !closed && part.schema.is_object()).collect();
        if !open.is_empty() {
            self.below("*", &from.with(open), &allowed);
        }
    }

    /// One of the branches has to take all of it.
    fn any_of(&mut self, from: &Side<'_>, to: &Side<'_>, part: Part<'_>, value: &Value) {
        if !refers(value) && from.all("anyOf").any(|(_, known)| known == value) {
            return;
        }
        let holds = value.as_array().into_iter().flatten().any(|schema| {
            let mut inner = Self { at: self.at.clone(), found: Vec::new(), branches: self.branches };
            inner.compare(from, &to.with([Part { schema, ..part }]));
            inner.found.is_empty()
        });
        if !holds {
            self.find("anyOf", said(from, "anyOf"), clip(&value.to_string()));
        }
    }
}

/// What a schema says under a keyword, for people.
fn said(side: &Side<'_>, keyword: &str) -> String {
    match side.all(keyword).next() {
        Some((_, value)) => clip(&value.to_string()),
        None => "not limited".to_owned(),
    }
}

/// Whether it lists its values and all that are numbers keep a bound.
fn listed_within(side: &Side<'_>, keyword: &str, limit: Exact) -> bool {
    let Some(values) = side.values() else { return false };
    values.into_iter().filter(|value| value.is_number()).all(|value| {
        exact(value).is_some_and(|value| {
            let order = value.compare(limit);
            match keyword {
                "minimum" => order.is_ge(),
                "exclusiveMinimum" => order.is_gt(),
                "maximum" => order.is_le(),
                "exclusiveMaximum" => order.is_lt(),
                _ => value.is_multiple_of(limit),
            }
        })
    })
}

fn exact(value: &Value) -> Option<Exact> {
    Exact::parse(&value.as_number()?.to_string())
}

/// Whether there is a reference anywhere in it: the same text may then mean something else.
fn refers(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.contains_key("$ref") || members.values().any(refers),
        Value::Array(elements) => elements.iter().any(refers),
        _ => false,
    }
}
