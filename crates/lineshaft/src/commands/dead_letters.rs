//! `lineshaft dead-letters list|show|retry|confirm|discard`.

use clap::{Args, Subcommand};
use lineshaft_model::shown::DeadLetter;
use lineshaft_model::{DeliveryId, Position, Reason};
use serde::{Deserialize, Serialize};

use super::Around;
use super::events::attempts;
use super::listing::{Facts, ListArgs, Shape, in_short, list, time};
use super::reach::{Reach, wait};
use crate::client::Hub;
use crate::failure::{Exit, Failure, Outcome};
use crate::table::Column;

/// Lists, shows, retries, confirms and discards dead letters.
#[derive(Args, Debug)]
pub struct DeadLetters {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    reach: Reach,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Dead letters, newest first
    List(List),
    /// One dead letter with every attempt
    Show(Show),
    /// Deliver again, with the same idempotency key; what is parked behind it follows in order
    Retry(Mend),
    /// Say that an effect that was not known about is there; it counts as delivered
    Confirm(Discard),
    /// Give up for good; what is parked behind it follows
    Discard(Discard),
}

#[derive(Args, Debug)]
struct List {
    /// Only to this system.operation
    #[arg(long, value_name = "DESTINATION")]
    to: Option<String>,
    /// Oldest first
    #[arg(long)]
    oldest: bool,
    #[command(flatten)]
    rows: ListArgs,
}

#[derive(Args, Debug)]
struct Show {
    /// Delivery, for instance 1042.0
    #[arg(value_parser = id)]
    id: DeliveryId,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
struct Mend {
    /// Deliveries, for instance 1042.0
    #[arg(required = true, value_parser = id)]
    ids: Vec<DeliveryId>,
    /// Why, for the record
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

#[derive(Args, Debug)]
struct Discard {
    /// Deliveries, for instance 1042.0
    #[arg(required = true, value_parser = id)]
    ids: Vec<DeliveryId>,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

fn id(text: &str) -> Result<DeliveryId, String> {
    text.parse().map_err(|reason: Reason| format!("{}: {}", reason.message, reason.hint))
}

/// What an action carries.
#[derive(Serialize)]
pub(super) struct Because<'a> {
    pub(super) reason: &'a str,
}

/// What an action answers: the position of its audit record.
#[derive(Deserialize)]
pub(super) struct Done {
    pub(super) position: Position,
}

const COLUMNS: &[Column] = &[
    Column::new("ID"),
    Column::new("SINCE"),
    Column::flexible("TO"),
    Column::flexible("SUBJECT"),
    Column::number("TRIES"),
    Column::number("PARKED"),
    Column::flexible("REASON"),
];

fn cells(row: &DeadLetter) -> Vec<String> {
    vec![
        row.delivery.id.to_string(),
        time(row.since),
        row.delivery.destination.clone(),
        row.delivery.subject.clone(),
        row.delivery.attempts.to_string(),
        row.parked.to_string(),
        in_short(row.delivery.reason.as_ref()),
    ]
}

impl DeadLetters {
    /// Runs the command.
    pub fn run(&self, around: &Around) -> Outcome {
        let hub = self.reach.hub(around)?;
        wait(async {
            match &self.what {
                What::List(given) => {
                    let order = given.oldest.then_some("oldest");
                    let filters = [("destination", given.to.as_deref()), ("order", order)];
                    let shape = Shape { columns: COLUMNS, cells, empty: "no dead letters" };
                    list(around, &hub, "/v1/dead-letters", &filters, &given.rows, shape).await
                }
                What::Show(given) => show(around, &hub, given).await,
                What::Retry(given) => mend(around, &hub, &given.ids, "retry", &given.reason).await,
                What::Confirm(given) => mend(around, &hub, &given.ids, "confirm", &given.reason).await,
                What::Discard(given) => mend(around, &hub, &given.ids, "discard", &given.reason).await,
            }
        })
    }
}

async fn show(around: &Around, hub: &Hub, given: &Show) -> Outcome {
    let letter: DeadLetter = hub.get(&format!("/v1/dead-letters/{}", given.id), &[]).await?;
    if given.json {
        around.terminal.json(&letter)?;
        return Ok(Exit::Well);
    }
    let delivery = &letter.delivery;
    let mut facts = Facts::default();
    facts
        .add("id", delivery.id)
        .add("to", &delivery.destination)
        .add("route", &delivery.route)
        .add("type", &delivery.event_type)
        .add("subject", &delivery.subject)
        .add("dead since", time(letter.since))
        .add("parked behind", letter.parked)
        .add("outcome", if letter.unknown { "unknown: the effect may be there" } else { "no effect" });
    if let Some(reason) = &delivery.reason {
        facts.add("reason", in_short(Some(reason))).add("at", &reason.at).add("hint", &reason.hint);
    }
    around.terminal.write(facts.render().as_bytes())?;
    attempts(around, delivery)?;
    Ok(Exit::Well)
}

/// Acts on each; one that fails does not keep the others from being done.
async fn mend(around: &Around, hub: &Hub, ids: &[DeliveryId], action: &str, reason: &str) -> Outcome {
    let mut failed = Failure { exit: Exit::Problems, reasons: Vec::new() };
    for id in ids {
        match hub.post::<Done>(&format!("/v1/dead-letters/{id}/{action}"), &Because { reason }).await {
            Ok(done) => around.terminal.line(&format!("{id}  {action}  recorded at {}", done.position))?,
            Err(failure) if failure.exit == Exit::Problems => {
                failed.reasons.extend(failure.reasons.into_iter().map(|reason| {
                    let message = format!("{id}: {}", reason.message);
                    Reason { message, ..reason }
                }));
            }
            Err(failure) => return Err(failure),
        }
    }
    if failed.reasons.is_empty() { Ok(Exit::Well) } else { Err(failed) }
}
