//! `GET /v1/events` and `GET /v1/events/{position}`.

use axum::Json;
use axum::extract::State as Extract;
use lineshaft_model::shown::{EventDetail, EventRow, Page};
use lineshaft_model::{Moment, Reason};
use lineshaft_store::reading::EventFilter;
use serde::Deserialize;

use super::listing::{page, position, single};
use crate::access::Caller;
use crate::extract::{Listing, Path};
use crate::problem::Problem;
use crate::state::State;

/// Filters of the listing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    #[serde(rename = "type")]
    event_type: Option<String>,
    subject: Option<String>,
    system: Option<String>,
    /// A position, or an RFC 3339 time.
    since: Option<String>,
}

/// Events, newest first.
pub(super) async fn list(
    Extract(state): Extract<State>,
    caller: Caller,
    listing: Listing<Filter>,
) -> Result<Json<Page<EventRow>>, Problem> {
    let query = listing.filter;
    let mut filter = EventFilter {
        event_type: query.event_type,
        subject: query.subject,
        system: query.system,
        ..EventFilter::default()
    };
    if let Some(since) = query.since {
        match since.parse() {
            Ok(position) => filter.since = Some(position),
            Err(_) => {
                let moment: Moment =
                    since.parse().map_err(|reason: Reason| Problem::of(reason.at("?since")))?;
                filter.since_time = Some(moment.millis());
            }
        }
    }
    page(&state, &caller, listing.page, move |reading, cursor, limit| reading.events(&filter, cursor, limit))
        .await
}

/// One event with everything known of it.
pub(super) async fn show(
    Extract(state): Extract<State>,
    caller: Caller,
    Path(at): Path<String>,
) -> Result<Json<EventDetail>, Problem> {
    let at = position(&at)?;
    let missing = format!("there is no event at position {at}");
    single(&state, &caller, missing, move |reading| reading.event(at)).await
}
