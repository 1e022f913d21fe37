//! What is wrong with how the contracts of a workspace have changed.

use std::collections::BTreeMap;

use lineshaft_mapping::{Change, Schemas, Version, changes, fields};

use super::readers::{Reader, Readers};
use crate::workspace::contracts::{file_name, schemas_of};
use crate::workspace::parts::{Compatibility, ContractStatus};
use crate::workspace::problem::{Problem, Problems};
use crate::workspace::{ContractFile, Workspace};

/// Judges every contract that was there before. `today` is a date, `2026-11-28`.
#[must_use]
pub fn judge(old: &Workspace, new: &Workspace, today: &str) -> Problems {
    let mut judging = Judging {
        readers: Readers::of(new),
        old: schemas_of(&old.contracts),
        new: schemas_of(&new.contracts),
        problems: Problems::default(),
    };
    for (name, before) in &old.contracts {
        match new.contracts.get(name) {
            Some(after) => judging.changed(name, before, after),
            None => judging.gone(name, before, new),
        }
    }
    judging.sunsets(&new.contracts, today);
    judging.problems.sort();
    judging.problems
}

/// What one version of a contract is.
#[must_use]
pub fn version<'s>(contract: &'s ContractFile, others: &'s Schemas) -> Version<'s> {
    Version { file: file_name(&contract.file), schema: &contract.spec.schema, others }
}

struct Judging {
    readers: Readers,
    old: Schemas,
    new: Schemas,
    problems: Problems,
}

impl Judging {
    fn gone(&mut self, name: &str, before: &ContractFile, new: &Workspace) {
        if matches!(before.spec.status, ContractStatus::Draft | ContractStatus::Retired) {
            return;
        }
        let declared = before.spec.consumers.iter().map(String::as_str);
        let routes = new.routes.iter().filter(|route| route.route.on.covers(name));
        let mut who: Vec<&str> = routes.map(|route| route.route.to.as_str()).chain(declared).collect();
        who.sort_unstable();
        who.dedup();
        let message = match who.is_empty() {
            true => format!("the contract `{name}` is gone, and it was not retired"),
            false => format!("the contract `{name}` is gone, and {} lives by it", and(&who)),
        };
        let hint =
            "set `status: deprecated` and a `sunset` first, then `retired` when nobody uses it any more";
        self.problems.push(Problem::error(&before.file, before.mark, "contract-gone", message).hint(hint));
    }

    fn changed(&mut self, name: &str, before: &ContractFile, after: &ContractFile) {
        if before.spec.status == ContractStatus::Draft || after.spec.status == ContractStatus::Draft {
            return;
        }
        let (old, new) = (version(before, &self.old), version(after, &self.new));
        let changes = changes(old, new);
        let described = fields(new);
        let removed: Vec<Vec<String>> =
            fields(old).into_iter().filter(|field| !described.contains(field)).collect();
        let mut found = Vec::new();
        if (!changes.is_empty() || !removed.is_empty()) && before.spec.version == after.spec.version {
            let message = format!("`{name}` has changed, and its version is still {}", said(after));
            let hint = "raise `version`, so that everybody can say which one they mean";
            found.push(Problem::error(&after.file, after.mark, "contract-version-same", message).hint(hint));
        }
        let readers = self.readers.of_contract(name);
        for field in &removed {
            // A field below one that is gone is gone with it.
            if !removed.contains(&field[..field.len() - 1].to_vec()) {
                found.extend(field_gone(after, field, readers));
            }
        }
        let rule = after.spec.compatibility.or(before.spec.compatibility).unwrap_or(Compatibility::None);
        for change in &changes {
            found.extend(broken(before, after, change, rule, readers));
        }
        self.problems.extend(found);
    }

    /// What is used after the day it was to be gone.
    fn sunsets(&mut self, contracts: &BTreeMap<String, ContractFile>, today: &str) {
        for (name, contract) in contracts {
            let readers = self.readers.of_contract(name);
            let who: Vec<&str> = readers.iter().map(|reader| reader.who.as_str()).collect();
            let Some(sunset) = contract.spec.sunset.as_deref().filter(|sunset| *sunset <= today) else {
                continue;
            };
            if !who.is_empty() && contract.spec.status != ContractStatus::Retired {
                let message =
                    format!("`{name}` was to be gone by {sunset}, and {} still lives by it", and(&who));
                let hint = "move them to the next version, or set another `sunset`";
                self.problems.push(
                    Problem::warning(&contract.file, contract.mark, "contract-sunset", message).hint(hint),
                );
            }
        }
    }
}

fn field_gone(after: &ContractFile, field: &[String], readers: &[Reader]) -> Option<Problem> {
    let path: Vec<&str> = field.iter().map(String::as_str).collect();
    let reading: Vec<String> = readers
        .iter()
        .filter(|reader| reader.reads.touches(&path))
        .map(|reader| format!("{} ({})", reader.who, reader.by))
        .collect();
    if reading.is_empty() {
        return None;
    }
    let message = format!("the field {} is gone, and {} reads it", pointer(field), and(&reading));
    let hint = "keep the field until they no longer read it, or change their mappings in the same step";
    Some(Problem::error(&after.file, after.place_of(field), "contract-field-gone", message).hint(hint))
}

fn broken(
    before: &ContractFile,
    after: &ContractFile,
    change: &Change,
    rule: Compatibility,
    readers: &[Reader],
) -> Option<Problem> {
    let backward = change.breaks_backward && matches!(rule, Compatibility::Backward | Compatibility::Full);
    let forward = change.breaks_forward && matches!(rule, Compatibility::Forward | Compatibility::Full);
    let tokens = lineshaft_model::json::Pointer::parse(&change.pointer);
    let field: Vec<String> = tokens.map(|pointer| pointer.tokens().to_vec()).unwrap_or_default();
    let path: Vec<&str> = field.iter().map(String::as_str).collect();
    let reading = readers.iter().filter(|reader| reader.reads.touches(&path));
    let who: Vec<&str> = reading.map(|reader| reader.who.as_str()).collect();
    let place = if change.pointer.is_empty() { "the data" } else { change.pointer.as_str() };
    let concerned = match who.is_empty() {
        true => String::new(),
        false => format!("; it concerns {}", and(&who)),
    };
    let (old, new) = (said(before), said(after));
    let why = match (backward, forward) {
        (true, _) => format!("data of version {old} may not be valid any more"),
        (false, true) => format!("readers of version {old} may not understand data of {new}"),
        (false, false) if change.breaks_forward && !who.is_empty() => {
            let message = format!("{place}: {}{concerned}", change.message);
            let hint = "its compatibility allows that; see that they can read it";
            let mark = after.place_of(&field);
            return Some(Problem::warning(&after.file, mark, "contract-widened", message).hint(hint));
        }
        (false, false) => return None,
    };
    let message = format!("{place}: {}: {why}{concerned}", change.message);
    let hint = "make the change so that both versions fit, or name a new major version of the event type";
    Some(Problem::error(&after.file, after.place_of(&field), "contract-breaks", message).hint(hint))
}

fn said(contract: &ContractFile) -> &str {
    contract.spec.version.as_deref().unwrap_or("1")
}

fn pointer(field: &[String]) -> String {
    let mut pointer = String::new();
    field.iter().for_each(|token| lineshaft_model::json::push_token(&mut pointer, token));
    pointer
}

/// `a`, `a and b`, `a, b and c`.
fn and<T: AsRef<str>>(names: &[T]) -> String {
    match names {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [most @ .., last] => {
            let most: Vec<&str> = most.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", most.join(", "), last.as_ref())
        }
    }
}
