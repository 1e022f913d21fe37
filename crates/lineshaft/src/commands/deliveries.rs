//! `lineshaft deliveries list`.

use clap::{Args, Subcommand};
use lineshaft_model::shown::DeliveryRow;
use lineshaft_model::{DeliveryState, Reason};

use super::Around;
use super::listing::{ListArgs, Shape, in_short, list, short_type};
use super::reach::{Reach, wait};
use crate::failure::Outcome;
use crate::table::Column;

/// Lists deliveries.
#[derive(Args, Debug)]
pub struct Deliveries {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    reach: Reach,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Deliveries that are not finished, and those in a given state
    List(List),
}

#[derive(Args, Debug)]
struct List {
    /// Only in this state, for instance retrying
    #[arg(long, value_name = "STATE", value_parser = state)]
    state: Option<DeliveryState>,
    /// Only to this system.operation
    #[arg(long, value_name = "DESTINATION")]
    to: Option<String>,
    #[command(flatten)]
    rows: ListArgs,
}

fn state(text: &str) -> Result<DeliveryState, String> {
    text.parse().map_err(|reason: Reason| format!("{}: {}", reason.message, reason.hint))
}

const COLUMNS: &[Column] = &[
    Column::new("ID"),
    Column::flexible("TO"),
    Column::flexible("SUBJECT"),
    Column::flexible("TYPE"),
    Column::new("STATE"),
    Column::number("TRIES"),
    Column::flexible("LAST REASON"),
];

pub(super) fn shape() -> Shape<DeliveryRow> {
    let cells = |row: &DeliveryRow| {
        vec![
            row.id.to_string(),
            row.destination.clone(),
            row.subject.clone(),
            short_type(&row.event_type),
            row.state.as_str().to_owned(),
            row.attempts.to_string(),
            in_short(row.reason.as_ref()),
        ]
    };
    Shape { columns: COLUMNS, cells, empty: "no deliveries" }
}

impl Deliveries {
    /// Runs the command.
    pub fn run(&self, around: &Around) -> Outcome {
        let What::List(given) = &self.what;
        let hub = self.reach.hub(around)?;
        let filters =
            [("state", given.state.map(DeliveryState::as_str)), ("destination", given.to.as_deref())];
        wait(list(around, &hub, "/v1/deliveries", &filters, &given.rows, shape()))
    }
}
