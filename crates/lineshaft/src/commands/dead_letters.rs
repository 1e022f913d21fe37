//! `lineshaft dead-letters list|show|retry|restart|edit|approve|reject|confirm|discard|bulk`.

use std::io::Read as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use lineshaft_model::record::FieldChange;
use lineshaft_model::shown::DeadLetter;
use lineshaft_model::{DeliveryId, Position, Reason};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Around;
use super::events::{attempts, printable};
use super::listing::{Facts, ListArgs, Shape, in_short, list, time};
use super::reach::{Reach, wait};
use crate::client::Hub;
use crate::failure::{Exit, Failure, Outcome};
use crate::table::Column;

/// Lists, shows, retries, restarts, edits, confirms and discards dead letters.
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
    /// Map what was sent again, with today's mapping, and deliver what comes of it
    Restart(Mend),
    /// Deliver other data in its place; what is parked behind it follows in order
    Edit(Edit),
    /// Approve what another person proposed
    Approve(Mend),
    /// Reject what another person proposed
    Reject(Discard),
    /// Say that an effect that was not known about is there; it counts as delivered
    Confirm(Discard),
    /// Retry, restart or discard many, slowly
    Bulk(Bulk),
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

#[derive(Args, Debug)]
struct Edit {
    /// Delivery, for instance 1042.0
    #[arg(value_parser = id)]
    id: DeliveryId,
    /// The whole content as it should be, JSON; - for standard input. `show --json` has it under `data`
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

#[derive(Args, Debug, Serialize)]
struct Bulk {
    /// What to do: retry, restart or discard
    #[arg(value_parser = ["retry", "restart", "discard"])]
    action: String,
    /// Only to this system.operation
    #[arg(long = "to", value_name = "DESTINATION")]
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<String>,
    /// Only with this code as their cause
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// At most so many a second; 50 without it
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    per_second: u32,
    /// Why, for the record
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// Only count them
    #[arg(long)]
    dry_run: bool,
    /// Wait until it is through
    #[arg(long)]
    #[serde(skip)]
    wait: bool,
    /// As JSON
    #[arg(long)]
    #[serde(skip)]
    json: bool,
}

async fn bulk(around: &Around, hub: &Hub, given: &Bulk) -> Outcome {
    if given.dry_run {
        let counted = hub.post("/v1/dead-letters/bulk", given).await?;
        return super::jobs::tell_counted(around, &counted, "dead letters", given.json);
    }
    let begun: super::jobs::Begun = hub.post("/v1/dead-letters/bulk", given).await?;
    begun.follow(around, hub, given.wait, given.json).await
}

/// Other data, and why.
#[derive(Serialize)]
struct Other<'a> {
    data: Box<RawValue>,
    reason: &'a str,
}

/// What an edit answers.
#[derive(Deserialize, Serialize)]
struct Edited {
    position: Position,
    proposed: bool,
}

/// What an edit would come to.
#[derive(Deserialize, Serialize)]
pub(super) struct Preview {
    changes: Vec<FieldChange>,
    needs_approval: bool,
}

impl Preview {
    /// Tells it.
    pub(super) fn tell(&self, around: &Around, json: bool) -> Outcome {
        if json {
            around.terminal.json(self)?;
            return Ok(Exit::Well);
        }
        changes(around, &self.changes)?;
        if self.needs_approval {
            around.terminal.line("a second person must approve it")?;
        }
        Ok(Exit::Well)
    }
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
                What::Restart(given) => mend(around, &hub, &given.ids, "restart", &given.reason).await,
                What::Approve(given) => mend(around, &hub, &given.ids, "approve", &given.reason).await,
                What::Reject(given) => mend(around, &hub, &given.ids, "reject", &given.reason).await,
                What::Edit(given) => edit(around, &hub, given).await,
                What::Bulk(given) => bulk(around, &hub, given).await,
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
        .add("revision", letter.revision)
        .add("business owner", letter.owners.get("business").map_or("", String::as_str))
        .add("IT owner", letter.owners.get("it").map_or("", String::as_str))
        .add("overdue", if letter.overdue { "yes" } else { "" })
        .add("outcome", if letter.unknown { "unknown: the effect may be there" } else { "no effect" });
    if let Some(reason) = &delivery.reason {
        facts.add("reason", in_short(Some(reason))).add("at", &reason.at).add("hint", &reason.hint);
    }
    around.terminal.write(facts.render().as_bytes())?;
    attempts(around, delivery)?;
    for (title, amendment) in letter
        .amendments
        .iter()
        .map(|of| ("edited", of))
        .chain(letter.proposal.iter().map(|of| ("proposed", of)))
    {
        let head = &amendment.head;
        let why = printable(&head.reason);
        around.terminal.line(&format!("\n{title}: revision {} by {}: {why}", head.revision, head.actor))?;
        changes(around, &head.changes)?;
    }
    Ok(Exit::Well)
}

/// Where two documents differ, removed and added lines signed as a patch signs them.
fn changes(around: &Around, changes: &[FieldChange]) -> Result<(), Failure> {
    for change in changes {
        around.terminal.line(&format!("  {}", printable(&change.at)))?;
        for (sign, text) in [("-", &change.before), ("+", &change.after)] {
            if let Some(text) = text {
                around.terminal.line(&format!("    {sign} {}", printable(text)))?;
            }
        }
    }
    Ok(())
}

async fn edit(around: &Around, hub: &Hub, given: &Edit) -> Outcome {
    let data = read_file(&given.data)?;
    let data = String::from_utf8(data).ok().and_then(|text| RawValue::from_string(text).ok());
    let data = data.ok_or_else(|| {
        Failure::problem(
            Reason::new("json-malformed", format!("{} is no JSON document", given.data.display()))
                .hint("take what `lineshaft dead-letters show --json` has under `data`, and change it"),
        )
    })?;
    let body = Other { data, reason: &given.reason };
    let path = |action: &str| format!("/v1/dead-letters/{}/{action}", given.id);
    if given.dry_run {
        return hub.post::<Preview>(&path("preview"), &body).await?.tell(around, given.json);
    }
    let done: Edited = hub.post(&path("edit"), &body).await?;
    if given.json {
        around.terminal.json(&done)?;
    } else {
        let what = if done.proposed { "proposed, waits for a second person" } else { "edit" };
        around.terminal.line(&format!("{}  {what}  recorded at {}", given.id, done.position))?;
    }
    Ok(Exit::Well)
}

/// A file whole, or standard input for `-`.
pub(super) fn read_file(path: &std::path::Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().lock().take(MOST_BYTES).read_to_end(&mut bytes).map(|_| ())
    } else {
        std::fs::read(path).map(|read| bytes = read)
    };
    read.map_err(|error| Failure::io("cannot be read", path.display(), &error))?;
    Ok(bytes)
}

/// The most that is read from standard input; the hub takes less.
const MOST_BYTES: u64 = 64 << 20;

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
