//! `lineshaft availability ITEM`: supply and demand of an item over time.

use clap::Args;
use serde_json::Value;

use super::Around;
use super::listing::{Facts, Shape, table};
use super::plan::words::{amount, at, moment, quantity};
use super::reach::{Reach, wait};
use crate::failure::{Exit, Outcome};
use crate::table::Column;

/// Shows what comes, what goes and what is left of an item, and how much can be promised from when on.
#[derive(Args, Debug)]
pub struct Availability {
    /// The item
    item: String,
    /// Where [default: the hub's own site]
    #[arg(long, value_name = "SITE")]
    site: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reach: Reach,
}

const COLUMNS: &[Column] = &[
    Column::new("WHEN"),
    Column::new("WHAT"),
    Column::flexible("KEY"),
    Column::number("CHANGE"),
    Column::number("BALANCE"),
    Column::new("COVERED"),
];

fn cells(row: &Value) -> Vec<String> {
    let kind = match row["kind"]["kind"].as_str() {
        Some(kind) => kind.to_owned(),
        None => at(row, "/kind/movement"),
    };
    vec![
        moment(row, "/at"),
        kind,
        at(row, "/key"),
        amount(row, "/change"),
        amount(row, "/balance"),
        moment(row, "/covered_at"),
    ]
}

impl Availability {
    /// Runs the command.
    pub fn run(&self, around: &Around) -> Outcome {
        let hub = self.reach.hub(around)?;
        let mut query = vec![("item", self.item.as_str())];
        query.extend(self.site.as_deref().map(|site| ("site", site)));
        let answer: Value = wait(hub.get("/v1/availability", &query))?;
        if self.json {
            around.terminal.json(&answer)?;
            return Ok(Exit::Well);
        }
        let promised = answer["promisable"].as_array().into_iter().flatten();
        let promised: Vec<String> = promised
            .map(|one| format!("{} from {}", quantity(one, &answer, "/quantity"), moment(one, "/from")))
            .collect();
        let mut facts = Facts::default();
        facts
            .add("item", at(&answer, "/item"))
            .add("site", at(&answer, "/site"))
            .add("on hand", quantity(&answer, &answer, "/on_hand"))
            .add("not usable", quantity(&answer, &answer, "/unusable"))
            .add("safety stock", quantity(&answer, &answer, "/safety_stock"))
            .add("can be promised", promised.join(", "));
        around.terminal.write(facts.render().as_bytes())?;
        around.terminal.line("")?;
        let rows = answer["movements"].as_array().cloned().unwrap_or_default();
        table(around, &rows, Shape { columns: COLUMNS, cells, empty: "nothing comes and nothing goes" })?;
        Ok(Exit::Well)
    }
}
