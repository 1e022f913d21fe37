//! `lineshaft events list|show|tail`.

use clap::{Args, Subcommand};
use lineshaft_model::Position;
use lineshaft_model::shown::{DeliveryRow, EventDetail, EventRow};

use super::Around;
use super::listing::{Facts, ListArgs, Shape, list, pretty, short_type, table, time};
use super::reach::{Reach, wait};
use crate::client::Hub;
use crate::failure::{Exit, Failure, Outcome};
use crate::table::Column;

/// Lists, shows and follows events.
#[derive(Args, Debug)]
pub struct Events {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    reach: Reach,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Events, newest first
    List(List),
    /// One event with its data, what the source sent, and every delivery
    Show(Show),
    /// Events as they become durable, until interrupted
    Tail(Tail),
}

#[derive(Args, Debug)]
struct List {
    /// Only this type, for instance lineshaft.goods.received.v1
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Only this business key
    #[arg(long, value_name = "KEY")]
    subject: Option<String>,
    /// Only from this system
    #[arg(long, value_name = "SYSTEM")]
    system: Option<String>,
    /// Only from this position or RFC 3339 time on
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    #[command(flatten)]
    rows: ListArgs,
}

#[derive(Args, Debug)]
struct Show {
    /// Position of the event
    position: Position,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
struct Tail {
    /// Begin behind this position instead of now
    #[arg(long, value_name = "POSITION")]
    after: Option<Position>,
    /// A JSON object a line
    #[arg(long)]
    json: bool,
}

pub(super) const COLUMNS: &[Column] = &[
    Column::number("POSITION"),
    Column::new("RECEIVED"),
    Column::flexible("TYPE"),
    Column::flexible("SUBJECT"),
    Column::flexible("FROM"),
    Column::new("STATUS"),
];

pub(super) fn cells(row: &EventRow) -> Vec<String> {
    vec![
        row.position.to_string(),
        time(row.received),
        short_type(&row.envelope.event_type),
        row.envelope.subject.clone(),
        row.intake.clone(),
        row.status.as_str().to_owned(),
    ]
}

impl Events {
    /// Runs the command.
    pub fn run(&self, around: &Around) -> Outcome {
        let hub = self.reach.hub(around)?;
        wait(async {
            match &self.what {
                What::List(given) => {
                    let filters = [
                        ("type", given.event_type.as_deref()),
                        ("subject", given.subject.as_deref()),
                        ("system", given.system.as_deref()),
                        ("since", given.since.as_deref()),
                    ];
                    let shape = Shape { columns: COLUMNS, cells, empty: "no events" };
                    list(around, &hub, "/v1/events", &filters, &given.rows, shape).await
                }
                What::Show(given) => show(around, &hub, given).await,
                What::Tail(given) => tail(around, &hub, given).await,
            }
        })
    }
}

async fn show(around: &Around, hub: &Hub, given: &Show) -> Outcome {
    let event: EventDetail = hub.get(&format!("/v1/events/{}", given.position), &[]).await?;
    if given.json {
        around.terminal.json(&event)?;
        return Ok(Exit::Well);
    }
    let envelope = &event.row.envelope;
    let object = event
        .object
        .as_ref()
        .map_or(String::new(), |object| format!("{} {}", object.object_type, object.key));
    let mut facts = Facts::default();
    facts
        .add("position", event.row.position)
        .add("status", event.row.status.as_str())
        .add("type", &envelope.event_type)
        .add("subject", &envelope.subject)
        .add("object", object)
        .add("id", &envelope.id)
        .add("source", &envelope.source)
        .add("came by", &event.row.intake)
        .add("received", event.row.received)
        .add("time", &envelope.time)
        .add("trace", &envelope.traceparent);
    if !event.previous.is_zero() {
        facts.add("previous", event.previous);
    }
    around.terminal.write(facts.render().as_bytes())?;
    around.terminal.line(&format!("\ndata\n{}", pretty(event.data.get())))?;
    let raw = &event.raw;
    let sent = raw.text.as_deref().or(raw.base64.as_deref()).unwrap_or("");
    around.terminal.line(&format!(
        "\nsent ({}, {} bytes)\n{}",
        raw.content_type,
        raw.bytes,
        printable(sent)
    ))?;
    if !event.deliveries.is_empty() {
        around.terminal.line("\ndeliveries")?;
        table(around, &event.deliveries, super::deliveries::shape())?;
        for delivery in &event.deliveries {
            attempts(around, delivery)?;
        }
    }
    Ok(Exit::Well)
}

const ATTEMPTS: &[Column] = &[
    Column::number("ATTEMPT"),
    Column::new("AT"),
    Column::new("OUTCOME"),
    Column::number("STATUS"),
    Column::flexible("REASON"),
];

/// Every outcome of a delivery.
pub(super) fn attempts(around: &Around, delivery: &DeliveryRow) -> Result<(), Failure> {
    if delivery.outcomes.is_empty() {
        return Ok(());
    }
    around.terminal.line(&format!("\n{} to {}", delivery.id, delivery.destination))?;
    let cells = |row: &lineshaft_model::shown::OutcomeRow| {
        vec![
            row.attempt.to_string(),
            time(row.at),
            row.kind.as_str().to_owned(),
            if row.status == 0 { String::new() } else { row.status.to_string() },
            super::listing::in_short(row.reason.as_ref()),
        ]
    };
    table(around, &delivery.outcomes, Shape { columns: ATTEMPTS, cells, empty: "" })
}

/// Text from outside without what would move a terminal's cursor.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
}

async fn tail(around: &Around, hub: &Hub, given: &Tail) -> Outcome {
    let after = given.after.map(|position| position.to_string());
    let mut stream = hub.stream("/v1/events/stream", after.as_deref()).await?;
    around.terminal.note("waiting for events; end with ctrl-c");
    while let Some(data) = stream.next().await? {
        if given.json {
            around.terminal.line(&data)?;
            continue;
        }
        match serde_json::from_str::<EventRow>(&data) {
            Ok(row) => around.terminal.line(&cells(&row).join("  ").replace(char::is_control, " "))?,
            Err(error) => around.terminal.say(&format!("an event of the stream cannot be read: {error}")),
        }
    }
    Ok(Exit::Well)
}
