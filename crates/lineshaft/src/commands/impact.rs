//! `lineshaft impact list|ask`: what events did to orders, and what supposed ones would do.

use std::io::Read;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::Around;
use super::listing::{ListArgs, Shape, list, table, time};
use super::plan::words::{amount, at, count, moment, slip};
use super::reach::{Reach, wait};
use crate::failure::{Exit, Failure, Outcome};
use crate::table::Column;

/// The longest question that is read, in bytes.
const MOST_BYTES: u64 = 16 << 20;

/// Lists what events did to orders, or asks what supposed events would do.
#[derive(Args, Debug)]
pub struct Impact {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    reach: Reach,
}

#[derive(Subcommand, Debug)]
enum What {
    /// What the latest events did, the latest first
    List(ListArgs),
    /// What would follow from `{"changes": [...]}`, or how `{"alternatives": [{"name", "changes"}]}` compare; nothing is kept
    Ask(Ask),
}

#[derive(Args, Debug)]
struct Ask {
    /// File with the question [default: standard input]
    file: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

const COLUMNS: &[Column] = &[
    Column::new("AT"),
    Column::flexible("EVENT"),
    Column::flexible("SUBJECT"),
    Column::number("ORDERS"),
    Column::number("DEMANDS"),
    Column::number("SHORTAGES"),
];

fn cells(row: &Value) -> Vec<String> {
    let cause = match at(row, "/cause/type") {
        none if none.is_empty() => "the passing of time".to_owned(),
        event_type => super::listing::short_type(&event_type),
    };
    vec![
        row["at"].as_i64().map(|ms| time(lineshaft_model::Millis(ms))).unwrap_or_default(),
        cause,
        at(row, "/cause/subject"),
        count(row, "/impact/orders"),
        count(row, "/impact/demands"),
        count(row, "/impact/shortages"),
    ]
}

const ORDERS: &[Column] = &[
    Column::flexible("ORDER"),
    Column::flexible("ITEM"),
    Column::number("PRIORITY"),
    Column::new("END BEFORE"),
    Column::new("END AFTER"),
    Column::number("SLIP"),
    Column::flexible("CUSTOMER"),
];

fn order(row: &Value) -> Vec<String> {
    vec![
        at(row, "/order"),
        at(row, "/item"),
        at(row, "/priority"),
        moment(row, "/before/end"),
        moment(row, "/after/end"),
        slip(row, "/slip_ms"),
        at(row, "/customer"),
    ]
}

const ALTERNATIVES: &[Column] = &[
    Column::number("RANK"),
    Column::flexible("ALTERNATIVE"),
    Column::number("DAYS SAVED"),
    Column::number("ORDERS"),
    Column::number("DEMANDS"),
    Column::number("SHORTAGES"),
];

fn alternative(row: &Value) -> Vec<String> {
    vec![
        at(row, "/rank"),
        at(row, "/name"),
        amount(row, "/saved_days"),
        count(row, "/impact/orders"),
        count(row, "/impact/demands"),
        count(row, "/impact/shortages"),
    ]
}

impl Impact {
    /// Runs the command.
    pub fn run(&self, around: &Around) -> Outcome {
        let hub = self.reach.hub(around)?;
        let given = match &self.what {
            What::List(rows) => {
                let shape =
                    Shape { columns: COLUMNS, cells, empty: "no event has moved anything since the start" };
                return wait(list::<Value>(around, &hub, "/v1/impacts", &[], rows, shape));
            }
            What::Ask(given) => given,
        };
        let question = question(given)?;
        let answer: Value = wait(hub.post("/v1/impact", &question))?;
        if given.json {
            around.terminal.json(&answer)?;
        } else if let Some(rows) = answer["alternatives"].as_array() {
            table(
                around,
                rows,
                Shape { columns: ALTERNATIVES, cells: alternative, empty: "no alternatives" },
            )?;
            around.terminal.note(&at(&answer, "/ranked_by"));
        } else {
            let rows = answer["orders"].as_array().cloned().unwrap_or_default();
            table(around, &rows, Shape { columns: ORDERS, cells: order, empty: "no order would move" })?;
            let rest = format!(
                "{} demands and {} shortages change",
                count(&answer, "/demands"),
                count(&answer, "/shortages")
            );
            around.terminal.note(&rest);
        }
        Ok(Exit::Well)
    }
}

/// The question as it was written; it is only looked at for being JSON.
fn question(given: &Ask) -> Result<Box<serde_json::value::RawValue>, Failure> {
    let mut text = String::new();
    let (name, read) = match &given.file {
        Some(path) => {
            let file = std::fs::File::open(path);
            let read = file.and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text));
            (path.display().to_string(), read)
        }
        None => ("standard input".to_owned(), std::io::stdin().take(MOST_BYTES).read_to_string(&mut text)),
    };
    read.map_err(|error| Failure::io("the question cannot be read", name.clone(), &error))?;
    serde_json::from_str(&text).map_err(|error| {
        Failure::wrong_use(
            format!("{name} is no JSON: {error}"),
            "write {\"changes\": [{\"type\", \"subject\", \"data\"}]}; docs/guides/plan-with-the-hub.md has an example",
        )
    })
}
