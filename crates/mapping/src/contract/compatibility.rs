//! What a new version of a contract changes, and whom that breaks.
//!
//! | kind | holds when | breaks when |
//! |---|---|---|
//! | backward | new readers can read old data | something that the old version allows is not allowed any more |
//! | forward | old readers can read new data | something is allowed now that the old version does not allow |
//!
//! Both are the same question with the sides exchanged: is everything that one schema allows allowed by the other? Data is
//! taken to hold only what its version describes, as producers do, so that a further optional field breaks neither way. What
//! cannot be compared (`not`, `if`, patterns that differ, ...) counts as a break: better asked about than missed.

mod narrowing;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use lineshaft_model::json::push_token;
use serde_json::Value;

use super::Schemas;
use narrowing::{Finding, narrows};
pub(crate) use schema::Side;

/// One version of a contract, as far as comparing needs it.
#[derive(Clone, Copy, Debug)]
pub struct Version<'s> {
    /// The file it stands in, which its references start from.
    pub file: &'s str,
    /// Its schema.
    pub schema: &'s Value,
    /// The schemas of the other files beside it.
    pub others: &'s Schemas,
}

/// One thing that a new version changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// Where in the data, as a JSON pointer with `*` for every element; empty for the whole.
    pub pointer: String,
    /// What was and what is.
    pub message: String,
    /// New readers cannot read all old data.
    pub breaks_backward: bool,
    /// Old readers cannot read all new data.
    pub breaks_forward: bool,
}

/// Everything that changes from one version to the next, in the order of the data.
#[must_use]
pub fn changes(old: Version<'_>, new: Version<'_>) -> Vec<Change> {
    let (old_side, new_side) = (Side::of(old), Side::of(new));
    let backward = narrows(&old_side, &new_side);
    let forward = narrows(&new_side, &old_side);
    let mut changes: Vec<Change> = Vec::new();
    for Finding { at, keyword, from, to } in backward {
        let message = told(&keyword, &from, &to);
        changes.push(Change { pointer: pointer(&at), message, breaks_backward: true, breaks_forward: false });
    }
    for Finding { at, keyword, from, to } in forward {
        let (pointer, message) = (pointer(&at), told(&keyword, &to, &from));
        match changes.iter_mut().find(|known| known.pointer == pointer && known.message == message) {
            Some(known) => known.breaks_forward = true,
            None => {
                changes.push(Change { pointer, message, breaks_backward: false, breaks_forward: true });
            }
        }
    }
    changes.sort();
    changes.dedup();
    changes
}

fn told(keyword: &str, old: &str, new: &str) -> String {
    format!("`{keyword}` was {old}, is {new}")
}

fn pointer(at: &[String]) -> String {
    let mut pointer = String::new();
    at.iter().for_each(|token| push_token(&mut pointer, token));
    pointer
}

/// The fields that a version describes, each as the names that lead to it, `*` for every element.
#[must_use]
pub fn fields(version: Version<'_>) -> BTreeSet<Vec<String>> {
    let mut found = BTreeSet::new();
    Side::of(version).describe(&mut Vec::new(), &mut found);
    found
}
