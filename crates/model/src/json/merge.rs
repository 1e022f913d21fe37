//! Writes one tree over another: JSON merge patch, RFC 7386.

use std::borrow::Cow;
use std::collections::HashMap;

use super::value::Value;

/// Up to so many comparisons of keys, looking through the target beats building a table of it.
const FEW: usize = 1024;

/// Applies `patch` to `target` as RFC 7386 says: objects merge member by member, `null` removes a member, and anything
/// else replaces what was there, arrays included. New members come last, in the patch's order.
pub fn merge<'a>(target: &mut Value<'a>, patch: Value<'a>) {
    let Value::Object(changes) = patch else {
        *target = patch;
        return;
    };
    if !matches!(target, Value::Object(_)) {
        *target = Value::Object(Vec::new());
    }
    if let Value::Object(members) = target {
        merge_members(members, changes);
    }
}

type Members<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

fn merge_members<'a>(members: &mut Members<'a>, changes: Members<'a>) {
    let table: Option<HashMap<Cow<'a, str>, usize>> = (members.len() * changes.len() > FEW)
        .then(|| members.iter().enumerate().map(|(at, (key, _))| (key.clone(), at)).collect());
    let known = members.len();
    let mut removed = vec![];
    for (key, change) in changes {
        // The keys of a patch differ from each other, so what this patch added need not be searched.
        let found = match &table {
            Some(table) => table.get(&key).copied(),
            None => members[..known].iter().position(|(name, _)| *name == key),
        };
        match (found, change) {
            (Some(at), Value::Null) => removed.push(at),
            (None, Value::Null) => {}
            (Some(at), change) => merge(&mut members[at].1, change),
            (None, change) => {
                // Merging into nothing drops the nulls inside.
                let mut fresh = Value::Null;
                merge(&mut fresh, change);
                members.push((key, fresh));
            }
        }
    }
    if !removed.is_empty() {
        removed.sort_unstable();
        let mut at = 0;
        members.retain(|_| {
            at += 1;
            removed.binary_search(&(at - 1)).is_err()
        });
    }
}
