//! What a run of the demo came to: the hub's books, and what four independent systems say of it.

use std::fmt;

use lineshaft_model::shown::{Balance, Overview};
use lineshaft_sim::{Audit, Story};
use serde::Serialize;

/// The result of a run.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Events accepted.
    events: u64,
    /// Deliveries made.
    deliveries: u64,
    /// From arrival to durable, microseconds.
    acknowledged_p50_us: u64,
    acknowledged_p99_us: u64,
    /// From acceptance to delivered, microseconds.
    delivered_p50_us: u64,
    delivered_p99_us: u64,
    /// The hub's books.
    balance: Balance,
    /// What the systems saw.
    audit: Audit,
    /// The cycle counts.
    stories: Vec<Story>,
}

impl Report {
    pub(super) fn of(overview: &Overview, balance: Balance, audit: Audit, stories: Vec<Story>) -> Self {
        Self {
            events: balance.inputs.values().map(|counts| counts.accepted).sum(),
            deliveries: balance.destinations.iter().map(|books| books.delivered).sum(),
            acknowledged_p50_us: overview.acknowledged_p50_us,
            acknowledged_p99_us: overview.acknowledged_p99_us,
            delivered_p50_us: overview.delivered_p50_us,
            delivered_p99_us: overview.delivered_p99_us,
            balance,
            audit,
            stories,
        }
    }

    /// The books balance, every delivery was made, and no system saw an effect twice or out of order.
    pub(super) fn is_good(&self) -> bool {
        let unfinished = |b: &lineshaft_model::shown::DestinationBooks| b.pending + b.parked + b.dead;
        self.balance.balanced
            && self.audit.is_clean()
            && self.events > 0
            && self.balance.destinations.iter().all(|books| unfinished(books) == 0)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} events, {} deliveries", self.events, self.deliveries)?;
        let (p50, p99) = (self.acknowledged_p50_us, self.acknowledged_p99_us);
        writeln!(f, "acknowledged in {p50} us (median), {p99} us (99 of 100)")?;
        let (p50, p99) = (self.delivered_p50_us / 1000, self.delivered_p99_us / 1000);
        writeln!(f, "delivered after {p50} ms (median), {p99} ms (99 of 100)")?;
        for story in &self.stories {
            writeln!(f, "cycle count: {}", story.tell())?;
        }
        for double in &self.audit.doubles {
            writeln!(f, "TWICE: {double}")?;
        }
        for books in &self.balance.destinations {
            let open = books.pending + books.parked + books.dead;
            if open > 0 || books.difference != 0 {
                let (destination, dead, difference) = (&books.destination, books.dead, books.difference);
                writeln!(
                    f,
                    "{destination}: {open} unfinished ({dead} dead letters), difference {difference}"
                )?;
            }
        }
        write!(f, "{}", if self.balance.balanced { "the books balance" } else { "THE BOOKS DO NOT BALANCE" })
    }
}
