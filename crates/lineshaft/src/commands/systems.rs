//! `lineshaft systems list|test|pause|resume|breaker`.

mod trial;

use clap::{Args, Subcommand};
use lineshaft_model::shown::{LaneRow, SystemRow};

use super::Around;
use super::dead_letters::{Because, Done};
use super::listing::{ListArgs, Shape, list};
use super::reach::{Reach, wait};
use crate::client::escaped;
use crate::failure::{Exit, Outcome};
use crate::table::Column;

/// Lists the connected systems, pauses and resumes one, sets its breaker.
#[derive(Args, Debug)]
pub struct Systems {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    reach: Reach,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Every system and how it is
    List(ListArgs),
    /// Connect to a system from here, log in, read one thing of each source, and say what is missing
    Test(trial::Trial),
    /// Hold deliveries to a system back; nothing is lost
    Pause(Pause),
    /// Deliver to a system again
    Resume(Resume),
    /// Hold a system's breaker open or closed, or leave it to itself
    Breaker(SetBreaker),
}

#[derive(Args, Debug)]
struct SetBreaker {
    /// Name of the system
    name: String,
    /// `open` holds every call back, `close` lets every call through, `auto` leaves it to itself
    set: Set,
    /// Why, for the record and for whoever looks; `auto` needs none
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Set {
    Open,
    Close,
    Auto,
}

impl Set {
    const fn action(self) -> &'static str {
        match self {
            Self::Open => "breaker-open",
            Self::Close => "breaker-close",
            Self::Auto => "breaker-auto",
        }
    }
}

#[derive(Args, Debug)]
struct Pause {
    /// Name of the system
    name: String,
    /// Why, for the record and for whoever looks
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Args, Debug)]
struct Resume {
    /// Name of the system
    name: String,
    /// Why, for the record
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

const COLUMNS: &[Column] = &[
    Column::new("SYSTEM"),
    Column::new("HEALTH"),
    Column::new("BREAKER"),
    Column::number("RECEIVED"),
    Column::number("DELIVERED"),
    Column::number("PENDING"),
    Column::number("PARKED"),
    Column::number("DEAD"),
    Column::flexible("LAST FAILURE"),
];

fn cells(row: &SystemRow) -> Vec<String> {
    let sum = |of: fn(&LaneRow) -> u64| row.lanes.iter().map(of).sum::<u64>().to_string();
    let failure = row.lanes.iter().find_map(|lane| lane.last_failure.clone()).unwrap_or_default();
    vec![
        row.name.clone(),
        row.health.clone(),
        if row.pace.forced.is_some() {
            format!("{}, set", row.pace.breaker)
        } else {
            row.pace.breaker.clone()
        },
        row.received.to_string(),
        sum(|lane| lane.delivered),
        sum(|lane| lane.pending),
        sum(|lane| lane.parked),
        sum(|lane| lane.dead),
        remark(row).unwrap_or(failure),
    ]
}

/// What holds a system on purpose.
fn remark(row: &SystemRow) -> Option<String> {
    let paused = row.paused.as_ref().map(|reason| format!("paused: {reason}"));
    let set = || row.pace.forced.as_ref().map(|reason| format!("breaker set: {reason}"));
    paused
        .or_else(set)
        .or_else(|| row.pace.maintenance_until.map(|until| format!("maintenance until {until}")))
}

impl Systems {
    /// Runs the command.
    pub fn run(&self, around: &Around) -> Outcome {
        if let What::Test(trial) = &self.what {
            return trial.run(self.reach.workspace(), around);
        }
        let hub = self.reach.hub(around)?;
        wait(async {
            let (name, action, reason) = match &self.what {
                What::List(rows) => {
                    let shape = Shape { columns: COLUMNS, cells, empty: "no systems" };
                    return list(around, &hub, "/v1/systems", &[], rows, shape).await;
                }
                What::Test(_) => return Ok(Exit::Well),
                What::Pause(given) => (&given.name, "pause", &given.reason),
                What::Resume(given) => (&given.name, "resume", &given.reason),
                What::Breaker(given) => (&given.name, given.set.action(), &given.reason),
            };
            let done: Done =
                hub.post(&format!("/v1/systems/{}/{action}", escaped(name)), &Because { reason }).await?;
            around.terminal.line(&format!("{name}  {action}  recorded at {}", done.position))?;
            Ok(Exit::Well)
        })
    }
}
