//! `lineshaft shortages list|options`.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::Around;
use super::listing::{ListArgs, Shape, list, table};
use super::plan::words::{amount, at, moment, names};
use super::reach::{Reach, wait};
use crate::client::Hub;
use crate::failure::{Exit, Outcome};
use crate::table::Column;

/// Lists what is missing, and what could be done about it.
#[derive(Args, Debug)]
pub struct Shortages {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    reach: Reach,
}

#[derive(Subcommand, Debug)]
enum What {
    /// What is missing, what has the largest effect first
    List(ListArgs),
    /// What could be done about what is missing of an item, the best first
    Options(Options),
}

#[derive(Args, Debug)]
struct Options {
    /// The item
    item: String,
    /// Where [default: the hub's own site]
    #[arg(long, value_name = "SITE")]
    site: Option<String>,
    /// What a weighted day of lateness costs [default: planning.day_cost of the workspace]
    #[arg(long, value_name = "AMOUNT")]
    day_cost: Option<String>,
    /// Those too that are worse than doing nothing
    #[arg(long)]
    all: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

const COLUMNS: &[Column] = &[
    Column::flexible("ITEM"),
    Column::new("SITE"),
    Column::number("MISSING"),
    Column::new("FIRST MISSED"),
    Column::new("COVERED"),
    Column::number("DAYS LATE"),
    Column::flexible("ORDERS"),
];

fn cells(row: &Value) -> Vec<String> {
    vec![
        at(row, "/item"),
        at(row, "/site"),
        format!("{} {}", amount(row, "/missing/quantity/value"), at(row, "/missing/quantity/unit")),
        moment(row, "/missing/first"),
        moment(row, "/missing/until"),
        amount(row, "/late_days"),
        names(row, "/orders"),
    ]
}

const OPTIONS: &[Column] = &[
    Column::number("RANK"),
    Column::new("KIND"),
    Column::number("DAYS SAVED"),
    Column::number("COST"),
    Column::number("SCORE"),
    Column::flexible("WHAT"),
];

fn option(row: &Value) -> Vec<String> {
    let cost = format!("{} {}", amount(row, "/cost/amount"), at(row, "/cost/currency"));
    vec![
        at(row, "/rank"),
        at(row, "/kind"),
        amount(row, "/saved_days"),
        cost.trim().to_owned(),
        amount(row, "/score"),
        at(row, "/sentence"),
    ]
}

impl Shortages {
    /// Runs the command.
    pub fn run(&self, around: &Around) -> Outcome {
        let hub = self.reach.hub(around)?;
        wait(async {
            match &self.what {
                What::List(rows) => {
                    let shape = Shape { columns: COLUMNS, cells, empty: "nothing is missing" };
                    list::<Value>(around, &hub, "/v1/shortages", &[], rows, shape).await
                }
                What::Options(given) => options(around, &hub, given).await,
            }
        })
    }
}

async fn options(around: &Around, hub: &Hub, given: &Options) -> Outcome {
    let mut query = vec![("item", given.item.as_str())];
    query.extend(given.site.as_deref().map(|site| ("site", site)));
    query.extend(given.day_cost.as_deref().map(|cost| ("day_cost", cost)));
    if given.all {
        query.push(("all", "true"));
    }
    let answer: Value = hub.get("/v1/shortages/options", &query).await?;
    if given.json {
        around.terminal.json(&answer)?;
        return Ok(Exit::Well);
    }
    if answer["shortage"].is_null() {
        around.terminal.note(&format!("nothing is missing of {} there", given.item));
        return Ok(Exit::Well);
    }
    let rows = answer["options"].as_array().cloned().unwrap_or_default();
    let empty = "nothing that is known would make it better; --all shows what else was tried";
    table(around, &rows, Shape { columns: OPTIONS, cells: option, empty })?;
    around.terminal.note(&at(&answer, "/ranked_by"));
    Ok(Exit::Well)
}
