//! The books as they are shown.

use lineshaft_model::Position;
use lineshaft_model::shown::{Balance, DestinationBooks};

use super::books::DestinationCounts;
use super::{Views, ViewsError};

impl Views {
    /// Every destination with its sums, as of the last commit. Answered from memory.
    #[must_use]
    pub fn counts(&self) -> Vec<DestinationCounts> {
        let sums: Vec<_> =
            self.books(|_, books| books.destinations.iter().map(|(id, sums)| (id, sums.clone())).collect());
        self.names(|names| {
            let mut named: Vec<DestinationCounts> = sums
                .into_iter()
                .map(|(id, sums)| DestinationCounts {
                    destination: names.text(id).as_ref().to_owned(),
                    ..sums
                })
                .collect();
            named.sort_by(|a, b| a.destination.cmp(&b.destination));
            named
        })
    }

    /// Open quarantined inputs, as of the last commit. Answered from memory.
    #[must_use]
    pub fn quarantined(&self) -> u64 {
        self.books(|_, books| books.quarantined)
    }

    /// The books, read when the journal's end was `end`: every input and every owed delivery accounted for.
    pub fn balance(&self, end: Position) -> Result<Balance, ViewsError> {
        let (applied, books) = self.books(|applied, books| (applied, books.clone()));
        Ok(self.names(|names| {
            let text = |id| names.text(id).as_ref().to_owned();
            let inputs = books.inputs.iter().map(|(id, counts)| (text(id), *counts)).collect();
            let mut destinations: Vec<DestinationBooks> =
                books.destinations.iter().map(|(id, sums)| shown(text(id), sums)).collect();
            destinations.sort_by(|a, b| a.destination.cmp(&b.destination));
            let balanced = destinations.iter().all(|books| books.difference == 0);
            Balance { position: end, applied, inputs, destinations, balanced }
        }))
    }
}

/// What waits to be tried, tried again or settled counts as pending.
fn shown(destination: String, sums: &DestinationCounts) -> DestinationBooks {
    let pending = sums.pending + sums.retrying + sums.unknown;
    let found = sums.delivered + pending + sums.parked + sums.dead + sums.discarded;
    DestinationBooks {
        destination,
        routed: sums.routed,
        delivered: sums.delivered,
        pending,
        parked: sums.parked,
        dead: sums.dead,
        discarded: sums.discarded,
        difference: sums.routed.cast_signed().saturating_sub(found.cast_signed()),
    }
}
