//! `processes/*.yaml`: what runs across systems, in the Serverless Workflow DSL. `${ ... }` is an expression there, so the
//! variables of the environment are not replaced.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use lineshaft_logic::calendar::Cron;
use lineshaft_mapping::Place;
use lineshaft_model::json::{Pointer, Value};
use lineshaft_process::{Definition, Problem as Found, ProcessName};

use super::expressions::within;
use super::load::Loading;
use super::marked::{Kind, Mark, Node};
use super::problem::Problem;
use super::spelling::{clip, meant};
use super::systems::System;
use super::yaml;

/// A process with its place.
#[derive(Debug)]
pub struct ProcessFile {
    /// Checked.
    pub definition: Arc<Definition>,
    /// The file.
    pub file: String,
    tree: Node,
}

/// Every process that is well formed, in the order of the files.
pub(super) fn read(loading: &mut Loading<'_>) -> Vec<ProcessFile> {
    let files: Vec<String> = loading.files.of("processes").map(|(_, file, _)| file.to_owned()).collect();
    let mut all: Vec<ProcessFile> = Vec::new();
    let mut names: BTreeMap<(String, String), String> = BTreeMap::new();
    for file in files {
        let Some((tree, definition)) = one(loading, &file) else { continue };
        let name = definition.name();
        let key = (name.namespace.clone(), name.name.clone());
        if let Some(other) = names.get(&key) {
            let message = format!(
                "the process `{}` of `{}` stands in {other} already",
                clip(&name.name),
                clip(&name.namespace)
            );
            let hint = "give it another name: an earlier version stays in the journal for the instances that run by it";
            loading.error(&file, tree.place("/document/name"), "duplicate-name", message, hint);
            continue;
        }
        names.insert(key, file.clone());
        all.push(ProcessFile { definition: Arc::new(definition), file, tree });
    }
    all
}

fn one(loading: &mut Loading<'_>, file: &str) -> Option<(Node, Definition)> {
    let text = loading.files.text(file)?;
    let (tree, faults) = yaml::read(text);
    for fault in faults {
        loading.problems.push(Problem::error(file, fault.mark, fault.code, fault.message).hint(fault.hint));
    }
    let tree = tree?;
    match Definition::read(&value_of(&tree), &loading.environment) {
        Ok(definition) => Some((tree, definition)),
        Err(problems) => {
            loading.problems.extend(problems.iter().map(|found| problem(file, text, &tree, found)));
            None
        }
    }
}

fn problem(file: &str, text: &str, tree: &Node, found: &Found) -> Problem {
    let mark = if found.key { tree.key_place(&found.pointer) } else { tree.place(&found.pointer) };
    let mark = match found.within {
        // The compiler has seen what stands between `${` and `}`.
        Some((line, column)) => {
            let before =
                node_at(tree, &found.pointer).and_then(Node::text).map_or(0, |text| shift_of(text, line));
            let place = Place { line, column: column + before, span: 0..1 };
            within(text, mark, &place)
        }
        None => mark,
    };
    Problem::error(file, mark, found.code, found.message.clone()).hint(found.hint.clone())
}

/// How many characters stand before the expression on its first line.
fn shift_of(text: &str, line: u32) -> u32 {
    let opens = text.trim_start().starts_with("${");
    if line > 1 || !opens {
        return 0;
    }
    u32::try_from(text.chars().take_while(|c| c.is_whitespace()).count()).unwrap_or(0) + 2
}

fn node_at<'n>(tree: &'n Node, pointer: &str) -> Option<&'n Node> {
    Pointer::parse(pointer)?.tokens().iter().try_fold(tree, |node, token| match &node.kind {
        Kind::List(items) => items.get(token.parse::<usize>().ok()?),
        _ => node.get(token),
    })
}

/// The tree with its numbers as they are written.
fn value_of(node: &Node) -> Value<'static> {
    match &node.kind {
        Kind::Null => Value::Null,
        Kind::Bool(truth) => Value::Bool(*truth),
        Kind::Number(number) => Value::Number(Cow::Owned(number.clone())),
        Kind::Text(text) => Value::String(Cow::Owned(text.clone())),
        Kind::List(items) => Value::Array(items.iter().map(value_of).collect()),
        Kind::Map(entries) => {
            Value::Object(entries.iter().map(|e| (Cow::Owned(e.key.clone()), value_of(&e.value))).collect())
        }
    }
}

/// What can be said only when systems and the other processes are known.
pub(super) fn check(loading: &mut Loading<'_>, processes: &[ProcessFile], systems: &[System]) {
    for process in processes {
        for (operation, place) in process.definition.operations() {
            operation_exists(loading, process, systems, operation, place);
        }
        for (name, place) in process.definition.subprocesses() {
            process_exists(loading, process, processes, name, place);
        }
        for place in process.definition.calls_by_address() {
            let message = "calls by address are not carried out by this version of the hub";
            let hint = "connect the service as a system, and call its operation as `system.operation`";
            let at = process.tree.place(&format!("{place}/call"));
            loading.error(&process.file, at, "process-unsupported", message.to_owned(), hint);
        }
        schedule(loading, process);
    }
}

fn operation_exists(
    loading: &mut Loading<'_>,
    process: &ProcessFile,
    systems: &[System],
    operation: &str,
    place: &str,
) {
    let at = process.tree.place(&format!("{place}/call"));
    let (system, name) = operation.split_once('.').unwrap_or((operation, ""));
    let Some(found) = systems.iter().find(|known| known.name == system) else {
        let unreadable = format!("systems/{system}.yaml");
        if loading.unreadable.contains(&unreadable) {
            return;
        }
        let hint = meant(system, systems.iter().map(|system| system.name.as_str()));
        let hint = if hint.is_empty() { format!("write `{unreadable}`") } else { hint };
        let message = format!("there is no system `{}`", clip(system));
        return loading.error(&process.file, at, "system-missing", message, hint);
    };
    if !found.spec.operations.contains_key(name) {
        let message = format!("the system `{system}` has no operation `{}`", clip(name));
        let hint = meant(name, found.spec.operations.keys().map(String::as_str));
        let hint =
            if hint.is_empty() { format!("add it under `operations` in {}", found.file) } else { hint };
        loading.error(&process.file, at, "operation-missing", message, hint);
    }
}

fn process_exists(
    loading: &mut Loading<'_>,
    process: &ProcessFile,
    all: &[ProcessFile],
    name: &ProcessName,
    place: &str,
) {
    let same = |other: &&ProcessFile| {
        let other = other.definition.name();
        other.namespace == name.namespace && other.name == name.name
    };
    let at = process.tree.place(&format!("{place}/run/workflow"));
    match all.iter().find(same) {
        Some(found) if name.version == "latest" || found.definition.name().version == name.version => {}
        Some(found) => {
            let message = format!("the workspace has version {} of it", found.definition.name().version);
            loading.error(&process.file, at, "process-missing", message, "write that version, or `latest`");
        }
        None => {
            let names = all.iter().map(|other| other.definition.name().name.as_str());
            let message =
                format!("there is no process `{}` in `{}`", clip(&name.name), clip(&name.namespace));
            let hint = meant(&name.name, names);
            loading.error(&process.file, at, "process-missing", message, hint);
        }
    }
}

fn schedule(loading: &mut Loading<'_>, process: &ProcessFile) {
    let schedule = process.definition.schedule();
    if let Some(Err(why)) = schedule.cron().map(Cron::parse) {
        let at = process.tree.place("/schedule/cron");
        let hint = "five fields: minute, hour, day of the month, month, day of the week";
        loading.error(
            &process.file,
            at,
            "process-malformed",
            format!("the schedule cannot be read: {why}"),
            hint,
        );
    }
    if schedule.on_several() {
        let at: Mark = process.tree.place("/schedule/on");
        let message =
            "several events together do not start an instance in this version of the hub".to_owned();
        let hint = "start it with one of them, and `listen` to the others";
        loading.error(&process.file, at, "process-unsupported", message, hint);
    }
}
