//! Asks the views for unfinished deliveries that a lane has no room for in memory.

use std::sync::Arc;

use lineshaft_logic::lane::{Entry, Refill, Wanted};
use lineshaft_model::{Destination, Position, Reason};
use tokio::sync::watch;

use super::entry_of;
use crate::hub::Shared;

/// The answer to a refill.
pub(super) struct Refilled {
    /// What was asked.
    pub(super) refill: Refill,
    /// In order.
    pub(super) entries: Vec<Entry>,
    /// How far the views were at least.
    pub(super) applied: Position,
}

/// Waits until the views are far enough, then asks them.
pub(super) async fn refill(
    shared: Arc<Shared>,
    destination: Destination,
    refill: Refill,
    mut applied: watch::Receiver<Position>,
) -> Result<Refilled, Reason> {
    // The projector is gone only when the hub stops.
    let reached = applied.wait_for(|position| *position >= refill.need).await.map(|position| *position);
    let Ok(reached) = reached else { return futures::future::pending().await };
    let rows = match refill.what {
        Wanted::Class(class) => {
            shared.views.runnable(destination.as_str(), class, refill.after, refill.limit)
        }
        Wanted::Key(order) => shared.views.of_order(destination.as_str(), order, refill.after, refill.limit),
    };
    let rows = rows.map_err(|error| {
        Reason::new("views-unreadable", error.to_string()).hint("`lineshaft views rebuild` makes them anew")
    })?;
    let now = shared.clock.now();
    let entries = rows.iter().filter_map(|row| entry_of(row, now)).collect();
    Ok(Refilled { refill, entries, applied: reached })
}
