//! A YAML document as a tree in which every node knows where it stands.

use lineshaft_model::json::{Pointer, Value};

/// Where a node stands in its file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// First byte.
    pub start: usize,
    /// Behind the last byte.
    pub end: usize,
}

impl Mark {
    /// The first character of a file.
    pub const TOP: Self = Self { line: 1, column: 1, start: 0, end: 0 };

    /// Some errors are noticed only at the end of the text, on a line that no editor shows: then this is the end of the
    /// last one it does.
    #[must_use]
    pub fn within(self, text: &str) -> Self {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).max(1);
        let lines = number(text.lines().count());
        if self.line <= lines {
            return self;
        }
        let last = text.lines().last().unwrap_or("");
        let end = text.trim_end_matches(['\n', '\r']).len();
        let start = text.floor_char_boundary(end.saturating_sub(1));
        Self { line: lines, column: number(last.chars().count()), start, end }
    }
}

/// One value and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it stands.
    pub mark: Mark,
    /// What it is.
    pub kind: Kind,
}

/// The kinds of values, by the core schema of YAML 1.2 (so `on`, `yes` and `no` are texts).
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as JSON would write it, kept as text.
    Number(String),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping in the order of the file; no key comes twice.
    Map(Vec<Entry>),
}

/// One key of a mapping with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub mark: Mark,
    /// The value.
    pub value: Node,
}

impl Node {
    /// An empty mapping, for a file with nothing in it.
    #[must_use]
    pub fn empty() -> Self {
        Self { mark: Mark::TOP, kind: Kind::Map(Vec::new()) }
    }

    /// The entries of a mapping; none for anything else.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none for anything else.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    /// The entry with this key.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value under this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The text it is.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Takes the entry with this key out of a mapping.
    pub fn take(&mut self, key: &str) -> Option<Entry> {
        match &mut self.kind {
            Kind::Map(entries) => {
                let at = entries.iter().position(|entry| entry.key == key)?;
                Some(entries.remove(at))
            }
            _ => None,
        }
    }

    /// The place of what a JSON pointer names, or of the innermost thing around it that exists.
    #[must_use]
    pub fn place(&self, pointer: &str) -> Mark {
        let Some(pointer) = Pointer::parse(pointer) else { return self.mark };
        let (mut node, mut mark) = (self, self.mark);
        for token in pointer.tokens() {
            let next = match &node.kind {
                Kind::Map(_) => node.entry(token).map(|entry| (&entry.value, entry.value.mark)),
                Kind::List(items) => {
                    token.parse().ok().and_then(|at: usize| items.get(at)).map(|n| (n, n.mark))
                }
                _ => None,
            };
            let Some(found) = next else { break };
            (node, mark) = found;
        }
        mark
    }

    /// The place of the key that a JSON pointer ends with; of the innermost thing around it that exists otherwise.
    #[must_use]
    pub fn key_place(&self, pointer: &str) -> Mark {
        let around = pointer.rsplit_once('/').and_then(|(parent, key)| {
            let tokens = Pointer::parse(parent)?;
            let node = tokens.tokens().iter().try_fold(self, |node, token| match &node.kind {
                Kind::List(items) => items.get(token.parse::<usize>().ok()?),
                _ => node.get(token),
            })?;
            node.entry(&key.replace("~1", "/").replace("~0", "~")).map(|entry| entry.mark)
        });
        around.unwrap_or_else(|| self.place(pointer))
    }

    /// The same as plain JSON.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(truth) => Value::Bool(*truth),
            Kind::Number(number) => {
                serde_json::from_str(number).unwrap_or_else(|_| Value::from(number.as_str()))
            }
            Kind::Text(text) => Value::from(text.as_str()),
            Kind::List(items) => items.iter().map(Self::to_json).collect(),
            Kind::Map(entries) => {
                Value::Object(entries.iter().map(|e| (e.key.clone(), e.value.to_json())).collect())
            }
        }
    }

    /// The same as exact JSON: numbers stay as they are written.
    #[must_use]
    pub fn to_value(&self) -> Value<'static> {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(truth) => Value::Bool(*truth),
            Kind::Number(number) => Value::Number(number.clone().into()),
            Kind::Text(text) => Value::String(text.clone().into()),
            Kind::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Kind::Map(entries) => {
                Value::Object(entries.iter().map(|e| (e.key.clone().into(), e.value.to_value())).collect())
            }
        }
    }

    /// What it is, in words.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.kind {
            Kind::Null => "nothing".to_owned(),
            Kind::Bool(truth) => format!("`{truth}`"),
            Kind::Number(number) => format!("the number {number}"),
            Kind::Text(text) => format!("the text `{}`", super::spelling::clip(text)),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a mapping".to_owned(),
        }
    }

    /// Calls `see` for every text in the tree, so that it may change it in place.
    pub fn each_text(&mut self, see: &mut dyn FnMut(&mut String, Mark)) {
        match &mut self.kind {
            Kind::Text(text) => see(text, self.mark),
            Kind::List(items) => items.iter_mut().for_each(|item| item.each_text(see)),
            Kind::Map(entries) => entries.iter_mut().for_each(|entry| entry.value.each_text(see)),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) => {}
        }
    }
}
