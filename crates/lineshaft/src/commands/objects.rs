//! `lineshaft objects get|list`.

use clap::{Args, Subcommand};
use lineshaft_model::shown::{ObjectDetail, ObjectRow};

use super::Around;
use super::listing::{Facts, ListArgs, Shape, list, pretty, time};
use super::reach::{Reach, wait};
use crate::client::{Hub, escaped};
use crate::failure::{Exit, Outcome};
use crate::table::Column;

/// Lists business objects and shows one with its state.
#[derive(Args, Debug)]
pub struct Objects {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    reach: Reach,
}

#[derive(Subcommand, Debug)]
enum What {
    /// One object with its state, now or at a time
    Get(Get),
    /// Objects of one type
    List(List),
}

#[derive(Args, Debug)]
struct Get {
    /// Object type, for instance purchase-order
    #[arg(value_name = "TYPE")]
    object_type: String,
    /// Business key
    key: String,
    /// As it was at this RFC 3339 time
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
struct List {
    /// Object type, for instance purchase-order
    #[arg(value_name = "TYPE")]
    object_type: String,
    /// Only keys that begin with this
    #[arg(long, value_name = "PREFIX")]
    key: Option<String>,
    /// Only in this status
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    /// Only last changed by this system
    #[arg(long, value_name = "SYSTEM")]
    system: Option<String>,
    /// Only changed since this RFC 3339 time
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    #[command(flatten)]
    rows: ListArgs,
}

const COLUMNS: &[Column] = &[
    Column::flexible("KEY"),
    Column::new("STATUS"),
    Column::number("REVISION"),
    Column::new("UPDATED"),
    Column::flexible("BY"),
    Column::number("POSITION"),
];

fn cells(row: &ObjectRow) -> Vec<String> {
    vec![
        row.object.key.clone(),
        row.status.clone().unwrap_or_default(),
        row.revision.to_string(),
        time(row.updated),
        row.system.clone(),
        row.position.to_string(),
    ]
}

impl Objects {
    /// Runs the command.
    pub fn run(&self, around: &Around) -> Outcome {
        let hub = self.reach.hub(around)?;
        wait(async {
            match &self.what {
                What::Get(given) => get(around, &hub, given).await,
                What::List(given) => {
                    let filters = [
                        ("key", given.key.as_deref()),
                        ("status", given.status.as_deref()),
                        ("system", given.system.as_deref()),
                        ("since", given.since.as_deref()),
                    ];
                    let path = format!("/v1/objects/{}", escaped(&given.object_type));
                    let shape = Shape { columns: COLUMNS, cells, empty: "no objects" };
                    list(around, &hub, &path, &filters, &given.rows, shape).await
                }
            }
        })
    }
}

async fn get(around: &Around, hub: &Hub, given: &Get) -> Outcome {
    let path = format!("/v1/objects/{}/{}", escaped(&given.object_type), escaped(&given.key));
    let query: Vec<(&str, &str)> = given.at.iter().map(|at| ("at", at.as_str())).collect();
    let object: ObjectDetail = hub.get(&path, &query).await?;
    if given.json {
        around.terminal.json(&object)?;
        return Ok(Exit::Well);
    }
    let row = &object.row;
    let mut facts = Facts::default();
    facts
        .add("type", &row.object.object_type)
        .add("key", &row.object.key)
        .add("status", row.status.as_deref().unwrap_or(""))
        .add("revision", row.revision)
        .add("updated", row.updated)
        .add("by", &row.system)
        .add("position", row.position);
    around.terminal.write(facts.render().as_bytes())?;
    for (system, key) in &object.references {
        around.terminal.line(&format!("known to {system} as {}", super::events::printable(key)))?;
    }
    around.terminal.line(&format!("\n{}", pretty(object.data.get())))?;
    Ok(Exit::Well)
}
