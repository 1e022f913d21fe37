//! `lineshaft balance`: the books.

use clap::Args;
use lineshaft_model::record::Counts;
use lineshaft_model::shown::{Balance as Books, DestinationBooks};

use super::Around;
use super::listing::{Shape, table};
use super::reach::{Reach, wait};
use crate::failure::{Exit, Outcome};
use crate::table::Column;

/// Shows the books: every input and every owed delivery accounted for. Exit code 1 if they do not balance.
#[derive(Args, Debug)]
pub struct Balance {
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reach: Reach,
}

const INPUTS: &[Column] = &[
    Column::flexible("INPUT"),
    Column::number("ACCEPTED"),
    Column::number("DUPLICATE"),
    Column::number("STALE"),
    Column::number("ECHO"),
    Column::number("QUARANTINED"),
];

const DESTINATIONS: &[Column] = &[
    Column::flexible("DESTINATION"),
    Column::number("ROUTED"),
    Column::number("DELIVERED"),
    Column::number("PENDING"),
    Column::number("PARKED"),
    Column::number("DEAD"),
    Column::number("DISCARDED"),
    Column::number("OFF BY"),
];

fn input(row: &(String, Counts)) -> Vec<String> {
    let counts = &row.1;
    let numbers = [counts.accepted, counts.duplicate, counts.stale, counts.echo, counts.quarantined];
    std::iter::once(row.0.clone()).chain(numbers.map(|n| n.to_string())).collect()
}

fn destination(row: &DestinationBooks) -> Vec<String> {
    let numbers = [row.routed, row.delivered, row.pending, row.parked, row.dead, row.discarded];
    let difference = if row.difference == 0 { String::new() } else { row.difference.to_string() };
    std::iter::once(row.destination.clone())
        .chain(numbers.map(|n| n.to_string()))
        .chain([difference])
        .collect()
}

impl Balance {
    /// Runs the command.
    pub fn run(&self, around: &Around) -> Outcome {
        let hub = self.reach.hub(around)?;
        let books: Books = wait(hub.get("/v1/balance", &[]))?;
        if self.json {
            around.terminal.json(&books)?;
        } else {
            let inputs: Vec<(String, Counts)> = books.inputs.clone().into_iter().collect();
            table(around, &inputs, Shape { columns: INPUTS, cells: input, empty: "no input yet" })?;
            around.terminal.line("")?;
            let shape = Shape { columns: DESTINATIONS, cells: destination, empty: "nothing routed yet" };
            table(around, &books.destinations, shape)?;
            let verdict = if books.balanced {
                "the books balance"
            } else {
                "the books do NOT balance: please report it"
            };
            around.terminal.line(&format!("\n{verdict} at position {}", books.applied))?;
        }
        Ok(if books.balanced { Exit::Well } else { Exit::Problems })
    }
}
