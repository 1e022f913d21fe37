//! `lineshaft plan show|late|order|pegging|request|schedules|compare|take`.

pub(super) mod words;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use self::words::{amount, at, moment, slip};
use super::Around;
use super::dead_letters::Because;
use super::listing::{Facts, ListArgs, Shape, list, table};
use super::reach::{Reach, wait};
use crate::client::{Hub, escaped};
use crate::failure::{Exit, Failure, Outcome};
use crate::table::Column;

/// Looks into the plan: late orders with their causes, pegs, other planning systems' schedules.
#[derive(Args, Debug)]
pub struct Plan {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    reach: Reach,
}

#[derive(Subcommand, Debug)]
enum What {
    /// How much it holds and what could not be read; exit code 1 if there is such
    Show(Json),
    /// Orders that end later than planned, the most urgent first
    Late(ListArgs),
    /// One order with what holds it up
    Order(Order),
    /// What covers an order or demand, or what an order or supply is for
    Pegging(Pegging),
    /// What another planning system would be asked, as JSON
    Request(Request),
    /// Schedules that other planning systems have sent
    Schedules(Json),
    /// A schedule beside ours; exit code 1 if it cannot be done as it is
    Compare(Compare),
    /// Take a schedule: it goes out as schedule.revised, wherever routes carry it
    Take(Take),
}

#[derive(Args, Debug)]
struct Json {
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
struct Order {
    /// The order
    key: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
struct Pegging {
    /// An order
    #[arg(long, value_name = "KEY", conflicts_with_all = ["supply", "demand"], required_unless_present_any = ["supply", "demand"])]
    order: Option<String>,
    /// Or a supply
    #[arg(long, value_name = "KEY", conflicts_with = "demand")]
    supply: Option<String>,
    /// Or a demand
    #[arg(long, value_name = "KEY")]
    demand: Option<String>,
    /// Which way [default: to what covers it; for a supply to what it is for]
    #[arg(long, value_name = "WAY")]
    direction: Option<Way>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Way {
    ToSupply,
    ToDemand,
}

#[derive(Args, Debug)]
struct Request {
    /// Only this site
    #[arg(long, value_name = "SITE")]
    site: Option<String>,
    /// How far ahead
    #[arg(long, value_name = "TIME", default_value = "14d")]
    horizon: String,
    /// Send it out as an event too, wherever routes carry it
    #[arg(long)]
    send: bool,
}

#[derive(Args, Debug)]
struct Compare {
    /// Name of the schedule
    schedule: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
struct Take {
    /// Name of the schedule
    schedule: String,
    /// Why, for the record
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

const LATE: &[Column] = &[
    Column::flexible("ORDER"),
    Column::flexible("ITEM"),
    Column::number("PRIORITY"),
    Column::new("PLANNED END"),
    Column::new("FEASIBLE END"),
    Column::number("SLIP"),
    Column::flexible("WHY"),
];

fn late(row: &Value) -> Vec<String> {
    let chain = row["chain"].as_array().map_or(&[][..], Vec::as_slice);
    vec![
        at(row, "/order"),
        at(row, "/item"),
        at(row, "/priority"),
        moment(row, "/planned/end"),
        moment(row, "/feasible/end"),
        slip(row, "/slip_ms"),
        chain.last().map(link).unwrap_or_default(),
    ]
}

/// One link of a chain of causes.
fn link(row: &Value) -> String {
    let text = |name: &str| at(row, &format!("/{name}"));
    match row["cause"].as_str() {
        Some("start-passed") => format!("{} should have started", text("order")),
        Some("held") => format!("{} is held", text("order")),
        Some("work-centre") => format!("{} waits for {}", text("order"), text("work_centre")),
        Some("component") => format!("{} waits for {} at {}", text("order"), text("item"), text("site")),
        Some("supply") => {
            let when = moment(row, "/usable_at");
            let supplier = text("supplier");
            let whose = if supplier.is_empty() { String::new() } else { format!(" of {supplier}") };
            let when = if when.is_empty() { "has no date".to_owned() } else { format!("comes {when}") };
            format!("{}{whose} {when}", text("supply"))
        }
        Some("order") => format!("made by {}", text("order")),
        _ => format!(
            "{} {} of {} are covered by nothing",
            amount(row, "/quantity/value"),
            at(row, "/quantity/unit"),
            text("item")
        ),
    }
}

const SCHEDULES: &[Column] = &[
    Column::flexible("SCHEDULE"),
    Column::new("SYSTEM"),
    Column::new("FROM"),
    Column::new("TO"),
    Column::number("SAME"),
    Column::number("DIFFERENT"),
    Column::number("MOVES"),
    Column::number("DAYS LATE, OURS"),
    Column::number("THEIRS"),
];

fn schedule(row: &Value) -> Vec<String> {
    vec![
        at(row, "/schedule"),
        at(row, "/system"),
        moment(row, "/horizon/from"),
        moment(row, "/horizon/to"),
        at(row, "/comparison/same"),
        words::count(row, "/comparison/orders"),
        at(row, "/moves"),
        amount(row, "/comparison/late_days_ours"),
        amount(row, "/comparison/late_days_theirs"),
    ]
}

const DIFFERENCES: &[Column] = &[
    Column::flexible("ORDER"),
    Column::flexible("ITEM"),
    Column::new("DIFFERENCE"),
    Column::new("OUR END"),
    Column::new("THEIR END"),
    Column::number("LATER BY"),
    Column::flexible("WAITS FOR"),
];

fn difference(row: &Value) -> Vec<String> {
    vec![
        at(row, "/order"),
        at(row, "/item"),
        at(row, "/difference"),
        moment(row, "/ours/end"),
        moment(row, "/theirs/end"),
        slip(row, "/later_ms"),
        at(row, "/waits_for"),
    ]
}

impl Plan {
    /// Runs the command.
    pub fn run(&self, around: &Around) -> Outcome {
        let hub = self.reach.hub(around)?;
        wait(async {
            match &self.what {
                What::Show(given) => show(around, &hub, given.json).await,
                What::Late(rows) => {
                    let shape = Shape { columns: LATE, cells: late, empty: "every order ends as planned" };
                    list::<Value>(around, &hub, "/v1/plan/late-orders", &[], rows, shape).await
                }
                What::Order(given) => order(around, &hub, given).await,
                What::Pegging(given) => pegging(around, &hub, given).await,
                What::Request(given) => request(around, &hub, given).await,
                What::Schedules(given) => schedules(around, &hub, given.json).await,
                What::Compare(given) => compare(around, &hub, given).await,
                What::Take(given) => take(around, &hub, given).await,
            }
        })
    }
}

async fn show(around: &Around, hub: &Hub, json: bool) -> Outcome {
    let told: Value = hub.get("/v1/plan", &[]).await?;
    let problems = &told["problems"];
    let unread = |name: &str| problems[name].as_array().map_or(&[][..], Vec::as_slice);
    let any = ["objects", "records", "circles"].iter().any(|name| !unread(name).is_empty());
    let exit = if any { Exit::Problems } else { Exit::Well };
    if json {
        around.terminal.json(&told)?;
        return Ok(exit);
    }
    let mut facts = Facts::default();
    facts
        .add("position", at(&told, "/position"))
        .add("item-sites", at(&told, "/counts/item_sites"))
        .add("supplies", at(&told, "/counts/supplies"))
        .add("demands", at(&told, "/counts/demands"))
        .add("orders", at(&told, "/counts/orders"))
        .add("pegs", at(&told, "/counts/pegs"))
        .add("assumed issued", words::names(problems, "/assumed_issued"));
    around.terminal.write(facts.render().as_bytes())?;
    for object in unread("objects") {
        for reason in object["reasons"].as_array().into_iter().flatten() {
            let what = format!("{} {}{}", at(object, "/object_type"), at(object, "/key"), at(reason, "/at"));
            around.terminal.line(&format!("{what}: {}: {}", at(reason, "/code"), at(reason, "/message")))?;
        }
    }
    for record in unread("records") {
        for reason in record["reasons"].as_array().into_iter().flatten() {
            let what = format!("{} {}", at(record, "/name/record"), at(record, "/name/key"));
            around.terminal.line(&format!("{what}: {}: {}", at(reason, "/code"), at(reason, "/message")))?;
        }
    }
    for circle in unread("circles") {
        let places = circle["places"].as_array().into_iter().flatten();
        let places: Vec<String> = places.map(|place| at(place, "/0")).collect();
        around.terminal.line(&format!("made of one another: {}", places.join(", ")))?;
    }
    Ok(exit)
}

async fn order(around: &Around, hub: &Hub, given: &Order) -> Outcome {
    let order: Value = hub.get(&format!("/v1/plan/orders/{}", escaped(&given.key)), &[]).await?;
    if given.json {
        around.terminal.json(&order)?;
        return Ok(Exit::Well);
    }
    let mut facts = Facts::default();
    facts
        .add("order", at(&order, "/order"))
        .add(
            "makes",
            format!(
                "{} {} {}",
                amount(&order, "/quantity/value"),
                at(&order, "/quantity/unit"),
                at(&order, "/item")
            ),
        )
        .add("site", at(&order, "/site"))
        .add("status", at(&order, "/status"))
        .add("priority", at(&order, "/priority"))
        .add("customer", at(&order, "/customer"))
        .add("planned", format!("{} to {}", moment(&order, "/planned/start"), moment(&order, "/planned/end")))
        .add(
            "feasible",
            format!("{} to {}", moment(&order, "/feasible/start"), moment(&order, "/feasible/end")),
        )
        .add("slip", slip(&order, "/slip_ms"));
    around.terminal.write(facts.render().as_bytes())?;
    for one in order["chain"].as_array().into_iter().flatten() {
        around.terminal.line(&format!("  because {}", link(one)))?;
    }
    Ok(Exit::Well)
}

async fn pegging(around: &Around, hub: &Hub, given: &Pegging) -> Outcome {
    let mut query: Vec<(&str, &str)> = Vec::new();
    for (name, key) in [("order", &given.order), ("supply", &given.supply), ("demand", &given.demand)] {
        query.extend(key.as_deref().map(|key| (name, key)));
    }
    let direction = given.direction.map(|way| match way {
        Way::ToSupply => "to-supply",
        Way::ToDemand => "to-demand",
    });
    query.extend(direction.map(|way| ("direction", way)));
    let pegs: Vec<Value> = hub.get("/v1/plan/pegging", &query).await?;
    if given.json {
        around.terminal.json(&pegs)?;
        return Ok(Exit::Well);
    }
    if pegs.is_empty() {
        around.terminal.note("nothing is pegged to it");
    }
    let to_demand = direction.map_or(given.supply.is_some(), |way| way == "to-demand");
    for peg in &pegs {
        let depth = usize::try_from(peg["depth"].as_u64().unwrap_or(0)).unwrap_or(0);
        let end = if to_demand { "demand" } else { "supply" };
        let other = format!("{} {}", at(peg, &format!("/{end}/end")), at(peg, &format!("/{end}/key")));
        let when = match (peg["late"].as_bool(), moment(peg, "/usable_at")) {
            (_, there) if there.is_empty() => ", there".to_owned(),
            (Some(true), when) => format!(", {when}, LATE for {}", moment(peg, "/due")),
            (_, when) => format!(", {when}"),
        };
        let quantity = format!("{} {}", amount(peg, "/quantity/value"), at(peg, "/quantity/unit"));
        around.terminal.line(&format!(
            "{}{quantity} {}: {other}{when}",
            "  ".repeat(depth),
            at(peg, "/item")
        ))?;
    }
    Ok(Exit::Well)
}

async fn request(around: &Around, hub: &Hub, given: &Request) -> Outcome {
    let mut query = vec![("horizon", given.horizon.as_str())];
    query.extend(given.site.as_deref().map(|site| ("site", site)));
    let asked: Value = hub.get("/v1/plan/request", &query).await?;
    if given.send {
        let sent: Value = hub.post_with("/v1/plan/request", &query).await?;
        around.terminal.note(&format!(
            "{} is on its way, recorded at {}",
            at(&sent, "/request"),
            at(&sent, "/position")
        ));
    }
    around.terminal.json(&asked)?;
    Ok(Exit::Well)
}

async fn schedules(around: &Around, hub: &Hub, json: bool) -> Outcome {
    let page: Value = hub.get("/v1/plan/schedules", &[]).await?;
    let rows = page["items"].as_array().cloned().unwrap_or_default();
    if json {
        around.terminal.json(&rows)?;
    } else {
        let empty = "no other planning system has sent a schedule";
        table(around, &rows, Shape { columns: SCHEDULES, cells: schedule, empty })?;
    }
    Ok(Exit::Well)
}

async fn compare(around: &Around, hub: &Hub, given: &Compare) -> Outcome {
    let path = format!("/v1/plan/schedules/{}", escaped(&given.schedule));
    let compared: Value = hub.get(&path, &[]).await?;
    let rows = compared["comparison"]["orders"].as_array().cloned().unwrap_or_default();
    let impossible = rows.iter().any(|row| row["difference"] == "before-material");
    if given.json {
        around.terminal.json(&compared)?;
    } else {
        table(
            around,
            &rows,
            Shape { columns: DIFFERENCES, cells: difference, empty: "both agree on every order" },
        )?;
        let (ours, theirs) = (
            amount(&compared, "/comparison/late_days_ours"),
            amount(&compared, "/comparison/late_days_theirs"),
        );
        around.terminal.note(&format!(
            "weighted days late: ours {ours}, theirs {theirs}; {} agree",
            at(&compared, "/comparison/same")
        ));
    }
    Ok(if impossible { Exit::Problems } else { Exit::Well })
}

async fn take(around: &Around, hub: &Hub, given: &Take) -> Result<Exit, Failure> {
    let path = format!("/v1/plan/schedules/{}/take", escaped(&given.schedule));
    let taken: Value = hub.post(&path, &Because { reason: &given.reason }).await?;
    let told = format!(
        "{}  {} orders move  recorded at {}",
        given.schedule,
        at(&taken, "/orders"),
        at(&taken, "/position")
    );
    around.terminal.line(&told)?;
    Ok(Exit::Well)
}
