//! `lineshaft replay` and `lineshaft jobs list|show|cancel|resume`.

use clap::{Args, Subcommand};
use lineshaft_model::Position;
use lineshaft_model::record::{JobOrder, JobState};
use lineshaft_model::shown::{Counted, JobRow};
use serde::{Deserialize, Serialize};

use super::Around;
use super::dead_letters::{Because, Done};
use super::listing::{Facts, ListArgs, Shape, list, time};
use super::reach::{Reach, wait};
use crate::client::Hub;
use crate::failure::{Exit, Outcome};
use crate::table::Column;

/// Has events of the past go to a destination again, slowly, behind what is live.
#[derive(Args, Debug)]
pub struct Replay {
    #[command(flatten)]
    order: Order,
    /// Only count what would be replayed
    #[arg(long)]
    dry_run: bool,
    /// Wait until it is through
    #[arg(long)]
    wait: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reach: Reach,
}

#[derive(Args, Clone, Debug, Serialize)]
struct Order {
    /// Where to, system.operation
    #[arg(long, value_name = "DESTINATION")]
    to: String,
    /// From this position or RFC 3339 time on; from the journal's start without it
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// Up to this position or time; up to now without it
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    /// Only events that took this route
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<String>,
    /// Only of this type; parts may be *
    #[arg(long = "type", value_name = "TYPE")]
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    event_type: Option<String>,
    /// Only about exactly this
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// Only from this system
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<String>,
    /// Only those for which this jq expression over the event is true
    #[arg(long = "where", value_name = "EXPRESSION")]
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    condition: Option<String>,
    /// Effects that are there already shall happen again: new idempotency keys
    #[arg(long)]
    new_scope: bool,
    /// At most so many a second; 50 without it
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    per_second: u32,
    /// Why, for the record
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

#[derive(Serialize)]
struct Asked<'a> {
    #[serde(flatten)]
    order: &'a Order,
    dry_run: bool,
}

/// The job that was begun.
#[derive(Deserialize)]
pub(super) struct Begun {
    id: Position,
}

impl Replay {
    /// Runs the command.
    pub fn run(&self, around: &Around) -> Outcome {
        let hub = self.reach.hub(around)?;
        let asked = Asked { order: &self.order, dry_run: self.dry_run };
        wait(async {
            if self.dry_run {
                let counted: Counted = hub.post("/v1/replays", &asked).await?;
                return tell_counted(around, &counted, "events", self.json);
            }
            let begun: Begun = hub.post("/v1/replays", &asked).await?;
            begun.follow(around, &hub, self.wait, self.json).await
        })
    }
}

impl Begun {
    /// Tells what was begun, and waits for its end where that is wanted.
    pub(super) async fn follow(&self, around: &Around, hub: &Hub, to_the_end: bool, json: bool) -> Outcome {
        let path = format!("/v1/jobs/{}", self.id);
        let mut row: JobRow = hub.get(&path, &[]).await?;
        while to_the_end && row.job.state == JobState::Running {
            tokio::time::sleep(std::time::Duration::from_millis(250)).await;
            row = hub.get(&path, &[]).await?;
        }
        if json {
            around.terminal.json(&row)?;
        } else {
            let job = &row.job;
            around.terminal.line(&format!("job {}  {}  {} done", job.id, job.state.as_str(), job.done))?;
        }
        let failed = matches!(row.job.state, JobState::Failed);
        Ok(if failed { Exit::Problems } else { Exit::Well })
    }
}

/// What would be done.
pub(super) fn tell_counted(around: &Around, counted: &Counted, what: &str, json: bool) -> Outcome {
    if json {
        around.terminal.json(counted)?;
        return Ok(Exit::Well);
    }
    let more = if counted.complete { "" } else { "more than " };
    around.terminal.line(&format!("{more}{} {what} match", counted.matching))?;
    for (of, count) in &counted.by {
        around.terminal.line(&format!("  {count}  {of}"))?;
    }
    Ok(Exit::Well)
}

/// Lists, shows, cancels and resumes replays and other long work.
#[derive(Args, Debug)]
pub struct Jobs {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    reach: Reach,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Long work, newest first
    List(List),
    /// One of them
    Show(Show),
    /// Stop it; it can be resumed
    Cancel(Act),
    /// Have it go on from where it stopped
    Resume(Act),
}

#[derive(Args, Debug)]
struct List {
    /// Only what is under way
    #[arg(long)]
    running: bool,
    #[command(flatten)]
    rows: ListArgs,
}

#[derive(Args, Debug)]
struct Show {
    /// The job, for instance 1042
    id: Position,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
struct Act {
    /// The job, for instance 1042
    id: Position,
    /// Why, for the record
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

const COLUMNS: &[Column] = &[
    Column::number("ID"),
    Column::new("BEGUN"),
    Column::new("STATE"),
    Column::number("DONE"),
    Column::number("OF"),
    Column::new("BY"),
    Column::flexible("WHAT"),
];

fn what(order: &JobOrder) -> String {
    match order {
        JobOrder::Replay(order) => format!("replay to {} of {} to {}", order.to, order.from, order.until),
        JobOrder::DeadLetters(order) => {
            let of = order.destination.as_deref().unwrap_or("every destination");
            format!("{} dead letters of {of}", order.action.as_str())
        }
    }
}

fn cells(row: &JobRow) -> Vec<String> {
    let job = &row.job;
    vec![
        job.id.to_string(),
        time(job.begun),
        job.state.as_str().to_owned(),
        job.done.to_string(),
        if job.expected == 0 { String::new() } else { job.expected.to_string() },
        job.actor.clone(),
        what(&job.order),
    ]
}

impl Jobs {
    /// Runs the command.
    pub fn run(&self, around: &Around) -> Outcome {
        let hub = self.reach.hub(around)?;
        wait(async {
            match &self.what {
                What::List(given) => {
                    let filters = [("running", given.running.then_some("true"))];
                    let shape = Shape { columns: COLUMNS, cells, empty: "no long work" };
                    list(around, &hub, "/v1/jobs", &filters, &given.rows, shape).await
                }
                What::Show(given) => show(around, &hub, given).await,
                What::Cancel(given) => act(around, &hub, given, "cancel").await,
                What::Resume(given) => act(around, &hub, given, "resume").await,
            }
        })
    }
}

async fn act(around: &Around, hub: &Hub, given: &Act, action: &str) -> Outcome {
    let path = format!("/v1/jobs/{}/{action}", given.id);
    let done: Done = hub.post(&path, &Because { reason: &given.reason }).await?;
    around.terminal.line(&format!("{}  {action}  recorded at {}", given.id, done.position))?;
    Ok(Exit::Well)
}

async fn show(around: &Around, hub: &Hub, given: &Show) -> Outcome {
    let row: JobRow = hub.get(&format!("/v1/jobs/{}", given.id), &[]).await?;
    if given.json {
        around.terminal.json(&row)?;
        return Ok(Exit::Well);
    }
    let job = &row.job;
    let mut facts = Facts::default();
    facts
        .add("id", job.id)
        .add("what", what(&job.order))
        .add("by", &job.actor)
        .add("why", &job.reason)
        .add("begun", time(job.begun))
        .add("state", job.state.as_str())
        .add("done", job.done)
        .add("left as they are", job.skipped)
        .add("reached", job.reached);
    if let Some(problem) = &job.problem {
        facts.add("problem", problem);
    }
    around.terminal.write(facts.render().as_bytes())?;
    Ok(Exit::Well)
}
