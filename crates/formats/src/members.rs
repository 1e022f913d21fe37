//! The members of an object while it is read, found by name in short time however many there are.

use std::borrow::Cow;
use std::collections::HashMap;

use lineshaft_model::json::Value;

/// Up to so many names, looking through them beats a table.
const FEW: usize = 16;

/// The members of an element that is being read.
#[derive(Default)]
pub(crate) struct Members {
    pub(crate) list: Vec<(Cow<'static, str>, Value<'static>)>,
    /// Where each is, once there are many.
    table: HashMap<String, usize>,
}

impl Members {
    fn find(&self, name: &str) -> Option<usize> {
        if self.list.len() > FEW {
            return self.table.get(name).copied();
        }
        self.list.iter().position(|(key, _)| key == name)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Adds a value; with one of that name there already it makes an array of both.
    pub(crate) fn add(&mut self, name: String, value: Value<'static>, is_array: bool) {
        if let Some(at) = self.find(&name) {
            match &mut self.list[at].1 {
                Value::Array(values) => values.push(value),
                single => {
                    let first = std::mem::take(single);
                    *single = Value::Array(vec![first, value]);
                }
            }
            return;
        }
        let value = if is_array { Value::Array(vec![value]) } else { value };
        if self.list.len() == FEW {
            let known = self.list.iter().enumerate().map(|(at, (key, _))| (key.clone().into_owned(), at));
            self.table = known.collect();
        }
        if self.list.len() >= FEW {
            self.table.insert(name.clone(), self.list.len());
        }
        self.list.push((Cow::Owned(name), value));
    }
}
