//! An instance as people are shown it: its definition with what happened at each task.

use std::collections::BTreeMap;

use lineshaft_model::{Millis, Reason};
use lineshaft_process::{Doc, Fault, ShownTask, State, TaskPhase, Trace};
use lineshaft_store::reading::ProcessRow;
use serde::Serialize;
use serde_json::value::RawValue;

use super::ask::{Conductor, Wanted};

/// An instance, whole.
#[derive(Clone, Debug, Serialize)]
pub struct ProcessDetail {
    /// Where it stands.
    #[serde(flatten)]
    pub row: ProcessRow,
    /// What people call its process.
    pub title: String,
    /// What it was given.
    pub input: Box<RawValue>,
    /// Its context.
    pub context: Box<RawValue>,
    /// Its output; `null` until it is completed.
    pub output: Box<RawValue>,
    /// The error that ended or holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// The tasks of its definition in order, those inside others behind them.
    pub tasks: Vec<TaskShown>,
    /// What it waits for: the keys of live tasks, outermost first.
    pub live: Vec<LiveTask>,
    /// What it asks persons.
    pub questions: Vec<Wanted>,
}

/// A live task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LiveTask {
    /// Its name in the instance: what `skip` takes.
    pub key: String,
    /// Its place in the definition.
    pub task: String,
}

/// A task of the definition, with what happened at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskShown {
    /// Its name.
    pub name: String,
    /// What people call it; empty when it has no other name.
    pub title: String,
    /// JSON pointer to it in the definition.
    pub place: String,
    /// `call`, `wait` and so on.
    pub kind: &'static str,
    /// What it calls; empty for most kinds.
    pub what: String,
    /// How deep it stands inside others.
    pub depth: u32,
    /// The part of the task around it that it belongs to, for instance `catch`.
    pub part: String,
    /// Whether it names its undo.
    pub undo: bool,
    /// Its phase; absent when it was not entered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<TaskPhase>,
    /// How often it was entered.
    pub runs: u32,
    /// When it was last entered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<Millis>,
    /// When it last ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<Millis>,
}

/// A question to a person, with the instance that asks.
#[derive(Clone, Debug, Serialize)]
pub struct CaseRow {
    /// The instance.
    pub process: String,
    /// The name of its process.
    pub name: String,
    /// What it is known by in business.
    pub business_key: String,
    /// Since when.
    pub since: Millis,
    /// What is asked.
    #[serde(flatten)]
    pub question: Wanted,
}

impl Conductor {
    /// An instance, whole. Blocks.
    pub fn detail(&self, id: &str) -> Result<Option<ProcessDetail>, Reason> {
        let Some(row) = self.row(id)? else { return Ok(None) };
        let Some((state, definition, _)) = self.show(id)? else { return Ok(None) };
        let mut tasks = Vec::new();
        flatten(&definition.shown().tasks, "", 0, state.trail(), &mut tasks);
        let live = state.live_keys().into_iter();
        Ok(Some(ProcessDetail {
            row,
            title: definition.title().to_owned(),
            input: raw(state.input())?,
            context: raw(state.context())?,
            output: raw(state.output())?,
            fault: state.fault().cloned(),
            tasks,
            live: live.map(|(key, task)| LiveTask { key: key.to_owned(), task: task.to_owned() }).collect(),
            questions: Self::questions(&state),
        }))
    }

    /// The questions of these instances. Blocks.
    pub fn cases(&self, rows: Vec<ProcessRow>) -> Result<Vec<CaseRow>, Reason> {
        let mut cases = Vec::new();
        for row in rows {
            let Some((state, ..)) = self.show(&row.id)? else { continue };
            cases.extend(Self::questions(&state).into_iter().map(|question| CaseRow {
                process: row.id.clone(),
                name: row.name.clone(),
                business_key: row.business_key.clone(),
                since: since(&state, &question),
                question,
            }));
        }
        Ok(cases)
    }
}

/// When the task began that asks.
fn since(state: &State, question: &Wanted) -> Millis {
    let trace = state.trail().get(&question.task);
    trace.map_or(state.updated(), |trace| trace.ended.unwrap_or(trace.started))
}

fn flatten(
    tasks: &[ShownTask],
    part: &str,
    depth: u32,
    trail: &BTreeMap<String, Trace>,
    all: &mut Vec<TaskShown>,
) {
    for task in tasks {
        let trace = trail.get(&task.place);
        all.push(TaskShown {
            name: task.name.clone(),
            title: task.title.clone(),
            place: task.place.clone(),
            kind: task.kind,
            what: task.what.clone(),
            depth,
            part: part.to_owned(),
            undo: task.undo,
            phase: trace.map(|trace| trace.phase),
            runs: trace.map_or(0, |trace| trace.runs),
            started: trace.map(|trace| trace.started),
            ended: trace.and_then(|trace| trace.ended),
        });
        for (part, inside) in &task.inside {
            flatten(inside, part, depth + 1, trail, all);
        }
    }
}

fn raw(doc: &Doc) -> Result<Box<RawValue>, Reason> {
    RawValue::from_string(doc.as_str().to_owned())
        .map_err(|error| Reason::new("internal-fault", error.to_string()))
}
