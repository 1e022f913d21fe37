//! `lineshaft trace KEY`: one number, followed through every system.

use clap::Args;
use lineshaft_model::Reason;
use lineshaft_model::shown::{Hit, TimelineEntry};
use serde::Serialize;

use super::Around;
use super::listing::{Shape, in_short, table, time};
use super::reach::{Reach, wait};
use crate::client::{Hub, escaped};
use crate::failure::{Exit, Failure, Outcome};
use crate::table::Column;

/// Follows a business key, for instance an order number, through every system.
#[derive(Args, Debug)]
pub struct Trace {
    /// Business key, of any object and as any system writes it
    key: String,
    /// Only objects of this type
    #[arg(long = "type", value_name = "TYPE")]
    object_type: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reach: Reach,
}

#[derive(Serialize)]
struct Traced {
    #[serde(flatten)]
    hit: Hit,
    timeline: Vec<TimelineEntry>,
}

const COLUMNS: &[Column] = &[
    Column::new("AT"),
    Column::new("WHAT"),
    Column::flexible("SYSTEM"),
    Column::flexible("TITLE"),
    Column::number("EVENT"),
    Column::flexible("REASON"),
];

fn cells(entry: &TimelineEntry) -> Vec<String> {
    vec![
        time(entry.at),
        entry.what.clone(),
        entry.system.clone(),
        entry.title.clone(),
        entry.event.to_string(),
        in_short(entry.reason.as_ref()),
    ]
}

impl Trace {
    /// Runs the command.
    pub fn run(&self, around: &Around) -> Outcome {
        let hub = self.reach.hub(around)?;
        let traced = wait(self.traced(&hub))?;
        if self.json {
            around.terminal.json(&traced)?;
            return Ok(Exit::Well);
        }
        for (n, Traced { hit, timeline }) in traced.iter().enumerate() {
            let gap = if n > 0 { "\n" } else { "" };
            around.terminal.line(&format!(
                "{gap}{} {}",
                hit.object.object_type,
                super::events::printable(&hit.object.key)
            ))?;
            table(
                around,
                timeline,
                Shape { columns: COLUMNS, cells, empty: "only mentioned by events of other objects" },
            )?;
        }
        Ok(Exit::Well)
    }

    async fn traced(&self, hub: &Hub) -> Result<Vec<Traced>, Failure> {
        let hits: Vec<Hit> = hub.get("/v1/search", &[("q", &self.key)]).await?;
        let wanted =
            |hit: &Hit| self.object_type.as_ref().is_none_or(|wanted| *wanted == hit.object.object_type);
        let mut traced = Vec::new();
        for hit in hits.into_iter().filter(wanted) {
            let path = format!(
                "/v1/objects/{}/{}/timeline",
                escaped(&hit.object.object_type),
                escaped(&hit.object.key)
            );
            let timeline = if hit.held { hub.get(&path, &[]).await? } else { Vec::new() };
            traced.push(Traced { hit, timeline });
        }
        if traced.is_empty() {
            let reason = Reason::new("not-found", format!("nothing carries the key `{}`", self.key));
            return Err(reason.hint("keys are whole and written as the system of record writes them").into());
        }
        Ok(traced)
    }
}
