//! Reading a tree with a place: every problem is kept, and reading goes on where it can.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use lineshaft_mapping::Environment;
use lineshaft_model::json::Value;

use super::{Retry, Task};
use crate::expression::{Expression, Scope, Shape, clip, pointer};
use crate::problem::{MALFORMED, Problem, UNKNOWN_NAME, UNSUPPORTED};

/// A value and its place.
#[derive(Clone, Debug)]
pub(super) struct At<'v> {
    pub(super) value: &'v Value<'v>,
    pub(super) pointer: String,
}

impl<'v> At<'v> {
    /// The member with this key.
    pub(super) fn get(&self, key: &str) -> Option<At<'v>> {
        let value = self.value.get(key)?;
        Some(At { value, pointer: pointer(&self.pointer, key) })
    }

    /// The items of a list.
    pub(super) fn items(&self) -> Vec<At<'v>> {
        let items = self.value.as_array().unwrap_or_default();
        let at = |(n, value)| At { value, pointer: format!("{}/{n}", self.pointer) };
        items.iter().enumerate().map(at).collect()
    }

    /// The members of an object.
    pub(super) fn members(&self) -> Vec<(&'v str, At<'v>)> {
        let members = self.value.as_object().unwrap_or_default();
        members
            .iter()
            .map(|(key, value)| (&**key, At { value, pointer: pointer(&self.pointer, key) }))
            .collect()
    }
}

/// Names of what `use` holds, known before anything refers to them.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) functions: BTreeSet<String>,
    pub(super) authentications: BTreeSet<String>,
    pub(super) secrets: Vec<String>,
}

/// What is known while a definition is read.
pub(super) struct Reader<'v, 'e> {
    pub(super) environment: &'e Environment,
    pub(super) problems: Vec<Problem>,
    pub(super) names: Names,
    /// The part `use`.
    pub(super) uses: Option<At<'v>>,
    pub(super) retries: HashMap<String, Arc<Retry>>,
    pub(super) tasks: HashMap<Box<str>, Arc<Task>>,
    pub(super) depth: usize,
}

impl<'v> Reader<'v, '_> {
    pub(super) fn malformed(&mut self, at: &str, message: impl Into<String>, hint: impl Into<String>) {
        self.problems.push(Problem::new(at, MALFORMED, message).hint(hint));
    }

    pub(super) fn unsupported(&mut self, at: &str, message: impl Into<String>, hint: impl Into<String>) {
        self.problems.push(Problem::new(at, UNSUPPORTED, message).hint(hint));
    }

    /// Says that nothing of this sort has this name.
    pub(super) fn unknown(&mut self, at: &str, sort: &str, name: &str, hint: &str) {
        let message = format!("no {sort} is called `{}`", clip(name));
        self.problems.push(Problem::new(at, UNKNOWN_NAME, message).hint(hint));
    }

    /// What stands under a name in a part of `use`.
    pub(super) fn used(&self, part: &str, name: &str) -> Option<At<'v>> {
        self.uses.as_ref()?.get(part)?.get(name)
    }

    /// Keeps the problems of what failed.
    pub(super) fn keep<T>(&mut self, result: Result<T, Vec<Problem>>) -> Option<T> {
        result.map_err(|problems| self.problems.extend(problems)).ok()
    }

    /// Checks that it is an object with no other keys than these.
    pub(super) fn object(&mut self, at: &At<'_>, known: &[&str]) -> bool {
        if at.value.as_object().is_none() {
            let message = format!("{} stands here, and a mapping is expected", at.value.kind());
            self.malformed(&at.pointer, message, format!("its keys are {}", known.join(", ")));
            return false;
        }
        for (key, member) in at.members() {
            if !known.contains(&key) {
                let message = format!("the key `{}` has no meaning here", clip(key));
                let near = known.iter().find(|known| near(known, key));
                let hint = match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("known are {}", known.join(", ")),
                };
                self.problems.push(Problem::new(&member.pointer, MALFORMED, message).hint(hint).at_key());
            }
        }
        true
    }

    pub(super) fn required(&mut self, at: &At<'v>, key: &str) -> Option<At<'v>> {
        let found = at.get(key);
        if found.is_none() && at.value.as_object().is_some() {
            self.malformed(&at.pointer, format!("the key `{key}` is missing here"), format!("add `{key}:`"));
        }
        found
    }

    pub(super) fn text(&mut self, at: &At<'v>) -> Option<&'v str> {
        let text = at.value.as_str();
        if text.is_none() {
            let message = format!("{} stands here, and a text is expected", at.value.kind());
            self.malformed(&at.pointer, message, "write it in quotes");
        }
        text
    }

    pub(super) fn required_text(&mut self, at: &At<'v>, key: &str) -> Option<&'v str> {
        let at = self.required(at, key)?;
        self.text(&at)
    }

    pub(super) fn optional_text(&mut self, at: &At<'v>, key: &str) -> Option<&'v str> {
        let at = at.get(key)?;
        self.text(&at)
    }

    pub(super) fn truth(&mut self, at: &At<'v>, key: &str, default: bool) -> bool {
        let Some(at) = at.get(key) else { return default };
        at.value.as_bool().unwrap_or_else(|| {
            self.malformed(&at.pointer, format!("{} stands here, not true or false", at.value.kind()), "");
            default
        })
    }

    pub(super) fn whole(&mut self, at: &At<'v>, key: &str) -> Option<i64> {
        let at = at.get(key)?;
        let number = at.value.as_number().and_then(|number| number.parse().ok());
        if number.is_none() {
            self.malformed(&at.pointer, "a whole number is expected here", "");
        }
        number
    }

    pub(super) fn list(&mut self, at: &At<'v>) -> Vec<At<'v>> {
        if at.value.as_array().is_none() {
            let message = format!("{} stands here, and a list is expected", at.value.kind());
            self.malformed(&at.pointer, message, "begin each item with `- `");
        }
        at.items()
    }

    /// The one name and the one value of each item of a list.
    pub(super) fn named(&mut self, at: &At<'v>, what: &str) -> Vec<(&'v str, At<'v>)> {
        let mut named: Vec<(&'v str, At<'v>)> = Vec::new();
        for item in self.list(at) {
            let mut members = item.members();
            let (Some((name, value)), true) = (members.pop(), members.is_empty()) else {
                let message = format!("an item of this list is one name with one {what}");
                self.malformed(&item.pointer, message, "write `- name:` and the rest below it");
                continue;
            };
            if named.iter().any(|(other, _)| *other == name) {
                let message = format!("`{}` stands here a second time", clip(name));
                self.malformed(&item.pointer, message, "give it another name");
            }
            named.push((name, value));
        }
        named
    }

    /// An expression that may stand without `${ }`.
    pub(super) fn expression(&mut self, at: &At<'v>, scope: &Scope) -> Option<Expression> {
        let text = self.text(at)?;
        let text = crate::expression::inner(text).unwrap_or(text);
        let compiled = Expression::compile(text, &at.pointer, scope, self.environment);
        self.keep(compiled)
    }

    pub(super) fn optional_expression(
        &mut self,
        at: &At<'v>,
        key: &str,
        scope: &Scope,
    ) -> Option<Expression> {
        let at = at.get(key)?;
        self.expression(&at, scope)
    }

    pub(super) fn shape(&mut self, at: &At<'v>, scope: &Scope) -> Option<Shape> {
        let compiled = Shape::compile(at.value, &at.pointer, scope, self.environment);
        self.keep(compiled)
    }

    pub(super) fn loose(&mut self, at: &At<'v>, scope: &Scope) -> Option<Shape> {
        let compiled = Shape::loose(at.value, &at.pointer, scope, self.environment);
        self.keep(compiled)
    }
}

/// Whether two words differ by one letter, or by case.
pub(super) fn near(a: &str, b: &str) -> bool {
    if a.eq_ignore_ascii_case(b) {
        return true;
    }
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (rest_a, rest_b) = (a.get(same..).unwrap_or_default(), b.get(same..).unwrap_or_default());
    let skip = |rest: &[u8]| rest.get(1..).unwrap_or_default().to_vec();
    skip(rest_a) == rest_b || skip(rest_b) == rest_a || skip(rest_a) == skip(rest_b)
}
