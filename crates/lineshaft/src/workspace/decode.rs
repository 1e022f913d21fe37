//! A marked tree to typed configuration, with every problem of the tree and not only the first.
//!
//! serde stops at the first error. Here the part that was wrong is cut out of the tree and the rest is read again, until
//! nothing new is found; what is then missing only because it was cut out is not reported.

mod deserializer;

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;

use super::marked::{Kind, Mark, Node};
use super::problem::Problems;
use deserializer::{Cause, Fault, Step};

/// Reads a `T` out of a tree; `None` when there was any problem, all of which are then in `problems`.
pub fn decode<T: DeserializeOwned>(node: &Node, file: &str, problems: &mut Problems) -> Option<T> {
    const MOST_ROUNDS: usize = 100;
    let mut tree = node.clone();
    let mut cut: BTreeSet<(Mark, String)> = BTreeSet::new();
    let mut well = true;
    for _ in 0..MOST_ROUNDS {
        let fault = match T::deserialize(deserializer::NodeDeserializer::new(&tree)) {
            Ok(value) => return well.then_some(value),
            Err(fault) => fault,
        };
        well = false;
        let place = fault.place(&tree);
        let known = match &fault.cause {
            Cause::MissingKey(key) => cut.contains(&(place, key.clone())),
            _ => false,
        };
        if !known {
            problems.push(fault.problem(file, place));
        }
        if !remove(&mut tree, &fault, &mut cut) {
            return None;
        }
    }
    None
}

/// Cuts the faulty part out. False when that would be the whole tree.
fn remove(tree: &mut Node, fault: &Fault, cut: &mut BTreeSet<(Mark, String)>) -> bool {
    let Some((last, way)) = fault.path.split_last() else { return false };
    let mut node = tree;
    for step in way {
        let next = match (&mut node.kind, step) {
            (Kind::Map(entries), Step::Entry(at)) => entries.get_mut(*at).map(|entry| &mut entry.value),
            (Kind::List(items), Step::Item(at)) => items.get_mut(*at),
            _ => None,
        };
        match next {
            Some(found) => node = found,
            None => return false,
        }
    }
    let mark = node.mark;
    match (&mut node.kind, last) {
        (Kind::Map(entries), Step::Entry(at)) if *at < entries.len() => {
            cut.insert((mark, entries.remove(*at).key));
            true
        }
        (Kind::List(items), Step::Item(at)) if *at < items.len() => {
            items.remove(*at);
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
