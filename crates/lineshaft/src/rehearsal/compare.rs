//! What is expected beside what there is: what is named has to be there, and what is named `null` may not.

use lineshaft_model::json::{Value, push_token};

use crate::workspace::marked::{Kind, Mark, Node};
use crate::workspace::spelling;

/// One thing that is not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// Where it is expected.
    pub(super) mark: Mark,
    /// Where it is in what there is, as a JSON pointer.
    pub(super) at: String,
    /// What is wrong.
    pub(super) what: String,
}

/// Compares a value. With `whole`, objects may have no other members than those that are named.
pub(super) fn compare(expected: &Node, found: Option<&Value<'_>>, whole: bool) -> Vec<Difference> {
    let mut comparing = Comparing { at: String::new(), whole, differences: Vec::new() };
    comparing.value(expected, found);
    comparing.differences
}

struct Comparing {
    at: String,
    whole: bool,
    differences: Vec<Difference>,
}

impl Comparing {
    fn differ(&mut self, mark: Mark, what: String) {
        self.differences.push(Difference { mark, at: self.at.clone(), what });
    }

    fn value(&mut self, expected: &Node, found: Option<&Value<'_>>) {
        let found = found.unwrap_or(&Value::Null);
        match (&expected.kind, found) {
            (Kind::Null, Value::Null) => {}
            (Kind::Bool(a), Value::Bool(b)) if a == b => {}
            (Kind::Number(a), Value::Number(b)) if a == b => {}
            (Kind::Text(a), Value::String(b)) if a == b => {}
            (Kind::Map(_), Value::Object(members)) => self.object(expected, members),
            (Kind::List(items), Value::Array(elements)) => {
                if items.len() != elements.len() {
                    let what = format!("expected {}, got {}", count(items.len()), count(elements.len()));
                    self.differ(expected.mark, what);
                }
                for (at, (item, element)) in items.iter().zip(elements).enumerate() {
                    self.below(&at.to_string(), |comparing| comparing.value(item, Some(element)));
                }
            }
            (_, Value::Null) => {
                self.differ(expected.mark, format!("expected {}, got nothing", expected.describe()));
            }
            _ => {
                let what = format!("expected {}, got {}", expected.describe(), described(found));
                self.differ(expected.mark, what);
            }
        }
    }

    fn object(&mut self, expected: &Node, members: &[(std::borrow::Cow<'_, str>, Value<'_>)]) {
        for entry in expected.entries() {
            let found = members.iter().find(|(name, _)| *name == entry.key).map(|(_, value)| value);
            if found.is_none() && entry.value.kind != Kind::Null {
                let names: Vec<&str> = members.iter().map(|(name, _)| &**name).collect();
                let hint = match spelling::closest(&entry.key, names.iter().copied()) {
                    Some(close) => format!("; did you mean `{close}`?"),
                    None => String::new(),
                };
                let expected = entry.value.describe();
                self.below(&entry.key, |c| {
                    c.differ(entry.mark, format!("expected {expected}, got nothing{hint}"));
                });
            } else {
                self.below(&entry.key, |comparing| comparing.value(&entry.value, found));
            }
        }
        if self.whole {
            for (name, value) in members.iter().filter(|(name, _)| expected.entry(name).is_none()) {
                let what = format!("there is {} that is not expected", described(value));
                self.below(name, |comparing| comparing.differ(expected.mark, what));
            }
        }
    }

    fn below(&mut self, token: &str, run: impl FnOnce(&mut Self)) {
        let length = self.at.len();
        push_token(&mut self.at, token);
        run(self);
        self.at.truncate(length);
    }
}

fn count(n: usize) -> String {
    format!("{n} element{}", if n == 1 { "" } else { "s" })
}

/// A value in words, as [`Node::describe`] says it.
pub(super) fn described(value: &Value<'_>) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(truth) => format!("`{truth}`"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the text `{}`", spelling::clip(text)),
        Value::Array(elements) => format!("a list of {}", elements.len()),
        Value::Object(_) => "a mapping".to_owned(),
    }
}
