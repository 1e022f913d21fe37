//! `lineshaft quarantine list|show|discard`.

use clap::{Args, Subcommand};
use lineshaft_model::Position;
use lineshaft_model::shown::QuarantineRow;

use super::Around;
use super::dead_letters::{Because, Done};
use super::events::printable;
use super::listing::{Facts, ListArgs, Shape, in_short, list, time};
use super::reach::{Reach, wait};
use crate::client::Hub;
use crate::failure::{Exit, Outcome};
use crate::table::Column;

/// Lists, shows and discards input that was refused and kept.
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
                What::Discard(given) => {
                    let path = format!("/v1/quarantine/{}/discard", given.position);
                    let done: Done = hub.post(&path, &Because { reason: &given.reason }).await?;
                    around
                        .terminal
                        .line(&format!("{}  discard  recorded at {}", given.position, done.position))?;
                    Ok(Exit::Well)
                }
            }
        })
    }
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
