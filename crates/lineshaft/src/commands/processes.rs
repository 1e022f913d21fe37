//! `lineshaft processes list|show|start|retry|skip|cancel|abandon|answer` and `lineshaft cases list`.

use clap::{Args, Subcommand};
use lineshaft_model::{Millis, Reason};
use lineshaft_store::views::ProcessRow;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Around;
use super::listing::{Facts, ListArgs, Shape, list, pretty, table, time};
use super::reach::{Reach, wait};
use crate::client::Hub;
use crate::failure::{Exit, Failure, Outcome};
use crate::table::Column;

/// Lists, shows, starts and acts on instances of processes.
#[derive(Args, Debug)]
pub struct Processes {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    reach: Reach,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Instances, the latest first
    List(List),
    /// One instance with its tasks and what it asks
    Show(Show),
    /// Start an instance
    Start(Start),
    /// Try again what failed
    Retry(Plain),
    /// Count a task as done
    Skip(Skip),
    /// End it, and undo what can be undone
    Cancel(Why),
    /// Let the rest of an undo be
    Abandon(Why),
    /// Answer a question
    Answer(Answer),
}

/// What instances ask persons.
#[derive(Args, Debug)]
pub struct Cases {
    #[command(subcommand)]
    what: CasesWhat,
    #[command(flatten)]
    reach: Reach,
}

#[derive(Subcommand, Debug)]
enum CasesWhat {
    /// Open questions, the latest instance first
    List(CaseList),
}

#[derive(Args, Debug)]
struct CaseList {
    #[command(flatten)]
    rows: ListArgs,
}

#[derive(Args, Debug)]
struct List {
    /// Only of this process
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Only in this phase, for instance held
    #[arg(long, value_name = "PHASE")]
    phase: Option<String>,
    /// Only those known by this in business
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Only those started at or before this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    started_before: Option<String>,
    #[command(flatten)]
    rows: ListArgs,
}

#[derive(Args, Debug)]
struct Show {
    /// The instance
    id: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
struct Start {
    /// The process
    name: String,
    /// What it is given, as JSON
    #[arg(long, value_name = "JSON", default_value = "{}")]
    input: String,
}

#[derive(Args, Debug)]
struct Plain {
    /// The instance
    id: String,
    /// Why, for the record
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

#[derive(Args, Debug)]
struct Why {
    /// The instance
    id: String,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Args, Debug)]
struct Skip {
    /// The instance
    id: String,
    /// The key of the task; the one that failed when left out
    #[arg(long, value_name = "KEY", default_value = "")]
    key: String,
    /// What the task is to have given, as JSON; its input when left out
    #[arg(long, value_name = "JSON", default_value = "null")]
    output: String,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Args, Debug)]
struct Answer {
    /// The instance
    id: String,
    /// The key of the question
    #[arg(long, value_name = "KEY")]
    key: String,
    /// The answer, as JSON
    #[arg(long, value_name = "JSON")]
    output: String,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// What an action carries.
#[derive(Serialize)]
struct Decided<'a> {
    reason: &'a str,
    key: &'a str,
    output: &'a RawValue,
}

#[derive(Deserialize)]
struct Acted {
    id: String,
    phase: String,
}

#[derive(Deserialize)]
struct Commanded {
    id: String,
}

/// As much of an instance as is printed.
#[derive(Deserialize)]
struct Detail {
    id: String,
    name: String,
    version: String,
    business_key: String,
    phase: String,
    started: Millis,
    updated: Millis,
    parent: String,
    fault: Option<Fault>,
    tasks: Vec<TaskRow>,
    questions: Vec<Question>,
}

#[derive(Deserialize)]
struct Fault {
    #[serde(rename = "type")]
    kind: String,
    status: i64,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    instance: String,
}

#[derive(Deserialize)]
struct TaskRow {
    name: String,
    kind: String,
    what: String,
    depth: usize,
    phase: Option<String>,
    runs: u32,
    started: Option<Millis>,
    ended: Option<Millis>,
}

#[derive(Deserialize, Serialize)]
struct Question {
    key: String,
    kind: String,
    task: String,
    about: serde_json::Value,
}

#[derive(Deserialize, Serialize)]
struct CaseRow {
    process: String,
    name: String,
    business_key: String,
    since: Millis,
    key: String,
    kind: String,
    task: String,
    about: serde_json::Value,
}

const COLUMNS: &[Column] = &[
    Column::new("ID"),
    Column::new("PHASE"),
    Column::new("STARTED"),
    Column::new("UPDATED"),
    Column::flexible("KEY"),
    Column::number("ASKS"),
];

fn cells(row: &ProcessRow) -> Vec<String> {
    vec![
        row.id.clone(),
        row.phase.clone(),
        time(row.started),
        time(row.updated),
        row.business_key.clone(),
        row.cases.to_string(),
    ]
}

const TASKS: &[Column] = &[
    Column::flexible("TASK"),
    Column::new("KIND"),
    Column::flexible("WHAT"),
    Column::new("PHASE"),
    Column::number("RUNS"),
    Column::new("STARTED"),
    Column::new("ENDED"),
];

fn task_cells(row: &TaskRow) -> Vec<String> {
    let at = |at: Option<Millis>| at.map(time).unwrap_or_default();
    vec![
        format!("{}{}", "  ".repeat(row.depth), row.name),
        row.kind.clone(),
        row.what.clone(),
        row.phase.clone().unwrap_or_default(),
        row.runs.to_string(),
        at(row.started),
        at(row.ended),
    ]
}

const CASES: &[Column] = &[
    Column::new("SINCE"),
    Column::new("PROCESS"),
    Column::new("KIND"),
    Column::flexible("KEY"),
    Column::flexible("ABOUT"),
];

fn case_cells(row: &CaseRow) -> Vec<String> {
    let about = row.about.get("title").and_then(|title| title.as_str()).map(str::to_owned);
    let about = about.unwrap_or_else(|| row.about.to_string());
    vec![time(row.since), row.process.clone(), row.kind.clone(), row.key.clone(), about]
}

impl Processes {
    /// Runs the command.
    pub fn run(&self, around: &Around) -> Outcome {
        let hub = self.reach.hub(around)?;
        wait(async {
            match &self.what {
                What::List(given) => {
                    let filters = [
                        ("name", given.name.as_deref()),
                        ("phase", given.phase.as_deref()),
                        ("key", given.key.as_deref()),
                        ("started_before", given.started_before.as_deref()),
                    ];
                    let shape = Shape { columns: COLUMNS, cells, empty: "no instances" };
                    list(around, &hub, "/v1/processes", &filters, &given.rows, shape).await
                }
                What::Show(given) => show(around, &hub, given).await,
                What::Start(given) => {
                    let input = json(&given.input)?;
                    let started: Commanded =
                        hub.post(&format!("/v1/commands/{}", given.name), &input).await?;
                    around.terminal.line(&started.id)?;
                    Ok(Exit::Well)
                }
                What::Retry(given) => {
                    act(around, &hub, &given.id, "retry", &given.reason, ("", "null")).await
                }
                What::Skip(given) => {
                    act(around, &hub, &given.id, "skip", &given.reason, (&given.key, &given.output)).await
                }
                What::Cancel(given) => {
                    act(around, &hub, &given.id, "cancel", &given.reason, ("", "null")).await
                }
                What::Abandon(given) => {
                    act(around, &hub, &given.id, "abandon", &given.reason, ("", "null")).await
                }
                What::Answer(given) => {
                    act(around, &hub, &given.id, "answer", &given.reason, (&given.key, &given.output)).await
                }
            }
        })
    }
}

impl Cases {
    /// Runs the command.
    pub fn run(&self, around: &Around) -> Outcome {
        let hub = self.reach.hub(around)?;
        wait(async {
            let CasesWhat::List(given) = &self.what;
            let shape = Shape { columns: CASES, cells: case_cells, empty: "no open questions" };
            list(around, &hub, "/v1/cases", &[], &given.rows, shape).await
        })
    }
}

fn json(text: &str) -> Result<Box<RawValue>, Failure> {
    RawValue::from_string(text.to_owned()).map_err(|error| {
        let reason = Reason::new("body-malformed", format!("this is not JSON: {error}"));
        Failure { exit: Exit::WrongUse, reasons: vec![reason.hint("quote texts: '\"yes\"'")] }
    })
}

async fn act(
    around: &Around,
    hub: &Hub,
    id: &str,
    action: &str,
    reason: &str,
    (key, output): (&str, &str),
) -> Outcome {
    let output = json(output)?;
    let decided = Decided { reason, key, output: &output };
    let acted: Acted = hub.post(&format!("/v1/processes/{id}/{action}"), &decided).await?;
    around.terminal.line(&format!("{}  {action}  {}", acted.id, acted.phase))?;
    Ok(Exit::Well)
}

async fn show(around: &Around, hub: &Hub, given: &Show) -> Outcome {
    let detail: Box<RawValue> = hub.get(&format!("/v1/processes/{}", given.id), &[]).await?;
    if given.json {
        around.terminal.write(pretty(detail.get()).as_bytes())?;
        return Ok(Exit::Well);
    }
    let unreadable = |error: serde_json::Error| Failure {
        exit: Exit::Problems,
        reasons: vec![Reason::new("body-malformed", format!("the hub's answer cannot be read: {error}"))],
    };
    let detail: Detail = serde_json::from_str(detail.get()).map_err(unreadable)?;
    let mut facts = Facts::default();
    facts
        .add("id", &detail.id)
        .add("process", format!("{} {}", detail.name, detail.version))
        .add("key", &detail.business_key)
        .add("phase", &detail.phase)
        .add("started", time(detail.started))
        .add("updated", time(detail.updated))
        .add("for", &detail.parent);
    if let Some(fault) = &detail.fault {
        facts
            .add("error", format!("{} {}", fault.status, fault.kind))
            .add("detail", &fault.detail)
            .add("at", &fault.instance);
    }
    for question in &detail.questions {
        facts.add("asks", format!("{} ({}, {})", question.key, question.kind, question.task));
        facts.add("about", question.about.to_string());
    }
    around.terminal.write(facts.render().as_bytes())?;
    table(around, &detail.tasks, Shape { columns: TASKS, cells: task_cells, empty: "no tasks" })?;
    Ok(Exit::Well)
}
