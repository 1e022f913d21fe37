//! `policies/*.cedar`: who may see and do what, checked against the schema and against what the workspace has.

use std::collections::BTreeSet;
use std::sync::Arc;

use lineshaft_access::{Fault, FieldGroups, Policies, PolicyText};
use lineshaft_mapping::Place;

use super::load::Loading;
use super::marked::Mark;
use super::problem::{Problem, Severity};
use super::settings::Settings;
use super::spelling::{clip, meant};
use super::systems::System;

const FOLDER: &str = "policies";

/// Reads the policies of the workspace beside those that are shipped; `None` when something is wrong with one.
pub(super) fn read(
    loading: &mut Loading<'_>,
    settings: &Settings,
    systems: &[System],
) -> Option<Arc<Policies>> {
    let mut groups = FieldGroups::default();
    for (group, fields) in &settings.access.fields {
        groups.extend(group, fields.iter().cloned());
    }
    let files = loading.files;
    let start = FOLDER.len() + 1;
    let texts: Vec<PolicyText<'_>> =
        files.of(FOLDER).map(|(_, path, text)| PolicyText { file: &path[start..], text }).collect();
    let known_groups: BTreeSet<String> = groups.iter().map(|(name, _)| name.to_owned()).collect();
    let (policies, faults) = Policies::with(&texts, groups);
    for fault in faults {
        loading.problems.push(problem(&texts, fault));
    }
    let policies = policies?;
    let sites: BTreeSet<String> = settings.sites.keys().cloned().collect();
    let named: BTreeSet<String> = systems.iter().map(|system| system.name.clone()).collect();
    let known = [
        ("Site", "site", &sites),
        ("System", "system", &named),
        ("FieldGroup", "group of fields", &known_groups),
    ];
    for (entity, what, known) in known {
        for name in policies.named(entity).filter(|name| !known.contains(*name)) {
            unknown(loading, &texts, (entity, what, name), known);
        }
    }
    Some(Arc::new(policies))
}

fn problem(texts: &[PolicyText<'_>], fault: Fault) -> Problem {
    let text = texts.iter().find(|text| text.file == fault.file).map_or("", |text| text.text);
    let mark = mark(text, fault.span);
    let mut problem = Problem::of_reason(&format!("{FOLDER}/{}", fault.file), mark, fault.reason);
    if fault.is_warning {
        problem.severity = Severity::Warning;
    }
    problem
}

fn mark(text: &str, span: std::ops::Range<usize>) -> Mark {
    let place = Place::of(text, span.clone());
    Mark { line: place.line, column: place.column, start: span.start, end: span.end }
}

/// A name that only this policy knows: it decides about nothing.
fn unknown(
    loading: &mut Loading<'_>,
    texts: &[PolicyText<'_>],
    (entity, what, name): (&str, &str, &str),
    known: &BTreeSet<String>,
) {
    let written = format!("{entity}::\"{name}\"");
    let found = texts.iter().find_map(|text| Some((text, text.text.find(&written)?)));
    // One that the shipped policies name is not the workspace's to mend.
    let Some((text, at)) = found else { return };
    let hint = meant(name, known.iter().map(String::as_str));
    let hint = if hint.is_empty() { "policies about it decide about nothing".to_owned() } else { hint };
    let message = format!("the workspace has no {what} `{}`", clip(name));
    let place = mark(text.text, at..at + written.len());
    let file = format!("{FOLDER}/{}", text.file);
    loading.problems.push(Problem::warning(&file, place, "policy-name-unknown", message).hint(hint));
}
