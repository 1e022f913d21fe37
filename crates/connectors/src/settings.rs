//! Reads a system's configuration and collects every problem in one pass, each with its JSON pointer.
//!
//! The keys a door asks for are the keys it knows: [`Section::finish`] reports every other one.

mod units;

use std::cell::RefCell;

use lineshaft_model::json::push_token;
use lineshaft_model::{Reason, Reasons};
use serde_json::{Map, Value};

use crate::SecretText;

/// Everything wrong that was found so far.
#[derive(Debug, Default)]
pub struct Problems(RefCell<Reasons>);

impl Problems {
    /// Notes one problem.
    pub fn add(&self, reason: Reason) {
        self.0.borrow_mut().push(reason);
    }

    /// The value, if nothing was wrong.
    pub fn into_result<T>(self, value: Option<T>) -> Result<T, Reasons> {
        let reasons = self.0.into_inner();
        match value {
            Some(value) if reasons.is_empty() => Ok(value),
            _ if reasons.is_empty() => {
                Err(vec![Reason::new("configuration-incomplete", "the configuration cannot be used")])
            }
            _ => Err(reasons),
        }
    }
}

/// A mapping of the configuration, being read.
#[derive(Debug)]
pub struct Section<'a> {
    map: &'a Map<String, Value>,
    at: String,
    problems: &'a Problems,
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// Opens a value that should be a mapping.
    pub fn open(value: &'a Value, at: String, problems: &'a Problems) -> Option<Self> {
        match value {
            Value::Object(map) => Some(Self { map, at, problems, known: Vec::new() }),
            other => {
                problems.add(wrong_type("a mapping", other, &at));
                None
            }
        }
    }

    /// The pointer of a key in this section.
    pub fn at(&self, key: &str) -> String {
        let mut at = self.at.clone();
        push_token(&mut at, key);
        at
    }

    /// The pointer of the section itself.
    pub fn here(&self) -> &str {
        &self.at
    }

    /// Notes a problem with a key.
    pub fn problem(&self, key: &str, code: &str, message: impl Into<String>, hint: impl Into<String>) {
        self.problems.add(Reason::new(code, message).at(self.at(key)).hint(hint));
    }

    /// The value of a key, known from now on. A null counts as absent.
    pub fn value(&mut self, key: &'static str) -> Option<&'a Value> {
        self.known.push(key);
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// Keys that somebody else reads.
    pub fn leave(&mut self, keys: &[&'static str]) {
        self.known.extend_from_slice(keys);
    }

    /// A text. One that names a secret is a problem: it would be shown.
    pub fn text(&mut self, key: &'static str) -> Option<&'a str> {
        let value = self.value(key)?;
        self.plain_text(value, self.at(key))
    }

    /// A text that must be there.
    pub fn required_text(&mut self, key: &'static str, hint: &str) -> Option<&'a str> {
        if self.map.get(key).is_none_or(Value::is_null) {
            self.known.push(key);
            self.missing(key, hint);
            return None;
        }
        self.text(key)
    }

    /// Notes that a key is missing. The problem stands at the section, because the key has no line.
    pub fn missing(&self, key: &str, hint: &str) {
        let reason = Reason::new("setting-missing", format!("`{key}` is missing"));
        self.problems.add(reason.at(self.at.clone()).hint(hint));
    }

    fn plain_text(&self, value: &'a Value, at: String) -> Option<&'a str> {
        match value {
            Value::String(text) if SecretText::is_in(text) => {
                self.problems.add(
                    Reason::new("secret-misplaced", "a secret cannot stand here, it would be shown")
                        .at(at)
                        .hint("secrets belong into `auth`, a webhook's `secret` and secret headers"),
                );
                None
            }
            Value::String(text) => Some(text),
            other => {
                self.problems.add(wrong_type("a text", other, &at));
                None
            }
        }
    }

    /// A text that may name secrets.
    pub fn secret(&mut self, key: &'static str, hint: &str) -> Option<SecretText> {
        let Some(value) = self.value(key) else {
            self.missing(key, hint);
            return None;
        };
        self.secret_text(value, &self.at(key))
    }

    /// A value that should be a text that may name secrets.
    pub fn secret_text(&self, value: &Value, at: &str) -> Option<SecretText> {
        let Value::String(text) = value else {
            // The value itself is not repeated: it may be the secret.
            self.problems.add(Reason::new("setting-type", "this must be a text").at(at));
            return None;
        };
        SecretText::parse(text, at).map_err(|reason| self.problems.add(reason)).ok()
    }

    /// True or false.
    pub fn boolean(&mut self, key: &'static str, default: bool) -> bool {
        match self.value(key) {
            None => default,
            Some(Value::Bool(answer)) => *answer,
            Some(other) => {
                self.problems.add(wrong_type("true or false", other, &self.at(key)));
                default
            }
        }
    }

    /// A duration in milliseconds, from a text like `10s`, within bounds.
    pub fn duration_ms(
        &mut self,
        key: &'static str,
        default: u64,
        bounds: std::ops::RangeInclusive<u64>,
    ) -> u64 {
        self.measured(key, default, bounds, units::duration_ms, "a duration such as 500ms, 10s, 5m or 2h")
    }

    /// A size in bytes, from a text like `4MiB`, within bounds.
    pub fn size_bytes(
        &mut self,
        key: &'static str,
        default: u64,
        bounds: std::ops::RangeInclusive<u64>,
    ) -> u64 {
        self.measured(key, default, bounds, units::size_bytes, "a size such as 64KiB, 4MiB or 5GiB")
    }

    fn measured(
        &mut self,
        key: &'static str,
        default: u64,
        bounds: std::ops::RangeInclusive<u64>,
        read: fn(&str) -> Option<u64>,
        what: &str,
    ) -> u64 {
        let Some(value) = self.value(key) else { return default };
        let read = match value {
            Value::String(text) => read(text),
            _ => None,
        };
        match read {
            Some(number) if bounds.contains(&number) => number,
            Some(_) => {
                let hint = format!("between {} and {} of the smallest unit", bounds.start(), bounds.end());
                self.problem(key, "setting-range", format!("`{key}` is out of bounds"), hint);
                default
            }
            None => {
                self.problem(key, "setting-type", format!("`{key}` is not {what}"), format!("write {what}"));
                default
            }
        }
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&mut self, key: &'static str, default: T, words: &[(&str, T)]) -> T {
        let Some(text) = self.text(key) else { return default };
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, meaning)) => *meaning,
            None => {
                let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                let hint = did_you_mean(text, &names);
                self.problem(key, "setting-choice", format!("`{}` is not a `{key}`", short(text)), hint);
                default
            }
        }
    }

    /// A mapping within this one.
    pub fn section(&mut self, key: &'static str) -> Option<Self> {
        let value = self.value(key)?;
        Section::open(value, self.at(key), self.problems)
    }

    /// The named mappings of a mapping, in order, for instance `operations`.
    pub fn each(&mut self, key: &'static str) -> Vec<(&'a str, Self)> {
        let Some(section) = self.section(key) else { return Vec::new() };
        let open = |(name, value): (&'a String, &'a Value)| {
            // An operation or source without any setting is written `name:` in YAML, which is null.
            static EMPTY: std::sync::LazyLock<Value> = std::sync::LazyLock::new(|| Value::Object(Map::new()));
            let value = if value.is_null() { &EMPTY } else { value };
            Section::open(value, section.at(name), section.problems).map(|inner| (name.as_str(), inner))
        };
        section.map.iter().filter_map(open).collect()
    }

    /// Every key of this mapping with its value and pointer: for mappings whose keys are the user's own.
    pub fn entries(&self) -> Vec<(&'a str, &'a Value, String)> {
        self.map.iter().map(|(key, value)| (key.as_str(), value, self.at(key))).collect()
    }

    /// The texts of a mapping whose keys are the user's own, for instance headers.
    pub fn texts(&mut self, key: &'static str) -> Vec<(&'a str, &'a str, String)> {
        let Some(section) = self.section(key) else { return Vec::new() };
        let read = |(name, value, at): (&'a str, &'a Value, String)| {
            let text = section.plain_text(value, at.clone())?;
            Some((name, text, at))
        };
        section.entries().into_iter().filter_map(read).collect()
    }

    /// The elements of a list with their pointers. A single value counts as a list of one.
    pub fn list(&mut self, key: &'static str) -> Option<Vec<(&'a Value, String)>> {
        let value = self.value(key)?;
        let at = self.at(key);
        Some(match value {
            Value::Array(list) => {
                list.iter().enumerate().map(|(index, value)| (value, format!("{at}/{index}"))).collect()
            }
            single => vec![(single, at)],
        })
    }

    /// Notes a problem at a pointer.
    pub fn note(&self, reason: Reason) {
        self.problems.add(reason);
    }

    /// Reports every key nobody asked for.
    pub fn finish(self) {
        for key in self.map.keys() {
            if !self.known.contains(&key.as_str()) {
                self.problem(
                    key,
                    "setting-unknown",
                    format!("`{}` is not a setting here", short(key)),
                    did_you_mean(key, &self.known),
                );
            }
        }
    }
}

/// A hint: the closest of some names, or all of them.
pub fn did_you_mean(written: &str, names: &[&str]) -> String {
    let closest = names
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&short(written), name), *name))
        .filter(|(distance, name)| *distance <= 1.max(name.len() / 3))
        .min();
    match closest {
        Some((_, name)) => format!("did you mean `{name}`?"),
        None if names.is_empty() => "take it out".to_owned(),
        None => format!("use one of {}", names.join(", ")),
    }
}

fn wrong_type(wanted: &str, found: &Value, at: &str) -> Reason {
    let found = match found {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    };
    Reason::new("setting-type", format!("this must be {wanted} and is {found}")).at(at)
}

/// A text of the configuration for use in a message.
pub fn short(text: &str) -> String {
    text.chars().take(80).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_problem_is_found_with_its_pointer() {
        let value = json!({
            "base_ulr": "x", "base_url": 1, "fast": "yes", "wait": "soon", "big": "9GiB",
            "mode": "quick", "text": "a ${secret:b}", "a/b": 1
        });
        let problems = Problems::default();
        let mut section = Section::open(&value, "/s".to_owned(), &problems).unwrap();
        assert_eq!(section.text("base_url"), None);
        assert!(!section.boolean("fast", false));
        assert_eq!(section.duration_ms("wait", 7, 1..=9), 7);
        assert_eq!(section.size_bytes("big", 7, 1..=9), 7);
        assert_eq!(section.choice("mode", 1, &[("quiet", 1), ("quite", 2)]), 1);
        assert_eq!(section.text("text"), None);
        assert_eq!(section.required_text("gone", "add it"), None);
        section.finish();
        let reasons = problems.into_result(Some(())).unwrap_err();
        let shown: Vec<String> = reasons.iter().map(|r| format!("{} {} {}", r.at, r.code, r.hint)).collect();
        assert_eq!(
            shown,
            [
                "/s/base_url setting-type ",
                "/s/fast setting-type ",
                "/s/wait setting-type write a duration such as 500ms, 10s, 5m or 2h",
                "/s/big setting-range between 1 and 9 of the smallest unit",
                "/s/mode setting-choice use one of quiet, quite",
                "/s/text secret-misplaced secrets belong into `auth`, a webhook's `secret` and secret headers",
                "/s setting-missing add it",
                "/s/base_ulr setting-unknown did you mean `base_url`?",
                "/s/a~1b setting-unknown use one of base_url, fast, wait, big, mode, text, gone",
            ]
        );
    }
}
