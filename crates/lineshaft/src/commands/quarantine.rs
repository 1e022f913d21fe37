//! `lineshaft quarantine list|show|restart|edit|approve|reject|discard`.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand};
use lineshaft_model::Position;
use lineshaft_model::shown::QuarantineRow;
use serde::{Deserialize, Serialize};

use super::Around;
use super::dead_letters::{Because, Preview, read_file};
use super::events::printable;
use super::listing::{Facts, ListArgs, Shape, in_short, list, time};
use super::reach::{Reach, wait};
use crate::client::Hub;
use crate::failure::{Exit, Outcome};
use crate::table::Column;

/// Lists, shows, restarts, edits and discards input that was refused and kept.
#[derive(Args, Debug)]
pub struct Quarantine {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    reach: Reach,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Refused inputs, newest first
    List(List),
    /// One refused input with every reason and its bytes
    Show(Show),
    /// Take one again as it came, with today's mapping
    Restart(Act),
    /// Take other bytes in its place
    Edit(Edit),
    /// Approve what another person proposed
    Approve(Act),
    /// Reject what another person proposed
    Reject(Discard),
    /// Put one aside for good
    Discard(Discard),
}

#[derive(Args, Debug)]
struct List {
    /// Discarded ones as well
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    rows: ListArgs,
}

#[derive(Args, Debug)]
struct Show {
    /// Position of the refused input
    position: Position,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
struct Discard {
    /// Position of the refused input
    position: Position,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Args, Debug)]
struct Act {
    /// Position of the refused input
    position: Position,
    /// Why, for the record
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

#[derive(Args, Debug)]
struct Edit {
    /// Position of the refused input
    position: Position,
    /// The whole input as it should have come; - for standard input
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// Why, for the record
    #[arg(long, value_name = "TEXT", required_unless_present = "dry_run", default_value = "")]
    reason: String,
    /// Only show what would change
    #[arg(long)]
    dry_run: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Other bytes, and why.
#[derive(Serialize)]
struct Other<'a> {
    base64: String,
    reason: &'a str,
}

/// What became of a refused input.
#[derive(Deserialize)]
struct Taken {
    position: Position,
    proposed: bool,
    results: Vec<OfEvent>,
}

#[derive(Deserialize)]
struct OfEvent {
    id: String,
    status: String,
    position: Position,
}

const COLUMNS: &[Column] = &[
    Column::number("POSITION"),
    Column::new("RECEIVED"),
    Column::flexible("CAME BY"),
    Column::flexible("SUBJECT"),
    Column::number("REASONS"),
    Column::flexible("FIRST REASON"),
];

fn cells(row: &QuarantineRow) -> Vec<String> {
    vec![
        row.position.to_string(),
        time(row.received),
        if row.origin.is_empty() { row.intake.clone() } else { format!("{} {}", row.intake, row.origin) },
        row.subject.clone(),
        row.reasons.len().to_string(),
        in_short(row.reasons.first()),
    ]
}

impl Quarantine {
    /// Runs the command.
    pub fn run(&self, around: &Around) -> Outcome {
        let hub = self.reach.hub(around)?;
        wait(async {
            match &self.what {
                What::List(given) => {
                    let filters = [("all", given.all.then_some("true"))];
                    let shape = Shape { columns: COLUMNS, cells, empty: "nothing in quarantine" };
                    list(around, &hub, "/v1/quarantine", &filters, &given.rows, shape).await
                }
                What::Show(given) => show(around, &hub, given).await,
                What::Restart(given) => act(around, &hub, given.position, "restart", &given.reason).await,
                What::Approve(given) => act(around, &hub, given.position, "approve", &given.reason).await,
                What::Reject(given) => act(around, &hub, given.position, "reject", &given.reason).await,
                What::Discard(given) => act(around, &hub, given.position, "discard", &given.reason).await,
                What::Edit(given) => edit(around, &hub, given).await,
            }
        })
    }
}

async fn act(around: &Around, hub: &Hub, at: Position, action: &str, reason: &str) -> Outcome {
    let taken: Taken = hub.post(&format!("/v1/quarantine/{at}/{action}"), &Because { reason }).await?;
    tell(around, at, action, &taken)
}

fn tell(around: &Around, at: Position, action: &str, taken: &Taken) -> Outcome {
    let action = if taken.proposed { "proposed, waits for a second person" } else { action };
    around.terminal.line(&format!("{at}  {action}  recorded at {}", taken.position))?;
    for of in &taken.results {
        around.terminal.line(&format!("  {}  event {}  {}", of.status, of.position, printable(&of.id)))?;
    }
    Ok(Exit::Well)
}

async fn edit(around: &Around, hub: &Hub, given: &Edit) -> Outcome {
    let body = Other { base64: STANDARD.encode(read_file(&given.data)?), reason: &given.reason };
    let path = |action: &str| format!("/v1/quarantine/{}/{action}", given.position);
    if given.dry_run {
        return hub.post::<Preview>(&path("preview"), &body).await?.tell(around, given.json);
    }
    let taken: Taken = hub.post(&path("edit"), &body).await?;
    tell(around, given.position, "edit", &taken)
}

async fn show(around: &Around, hub: &Hub, given: &Show) -> Outcome {
    let row: QuarantineRow = hub.get(&format!("/v1/quarantine/{}", given.position), &[]).await?;
    if given.json {
        around.terminal.json(&row)?;
        return Ok(Exit::Well);
    }
    let mut facts = Facts::default();
    facts
        .add("position", row.position)
        .add("came by", &row.intake)
        .add("origin", &row.origin)
        .add("received", row.received)
        .add("type", &row.event_type)
        .add("subject", &row.subject)
        .add("state", if row.open { "open" } else { "discarded" });
    around.terminal.write(facts.render().as_bytes())?;
    around.terminal.line("\nreasons")?;
    for reason in &row.reasons {
        around.terminal.line(&format!("  {}", printable(&reason.to_string())))?;
    }
    if let Some(raw) = &row.raw {
        let sent = raw.text.as_deref().or(raw.base64.as_deref()).unwrap_or("");
        around.terminal.line(&format!(
            "\nsent ({}, {} bytes)\n{}",
            raw.content_type,
            raw.bytes,
            printable(sent)
        ))?;
    }
    Ok(Exit::Well)
}
