//! `GET /v1/events` and `GET /v1/events/{position}`.

use axum::Json;
use axum::extract::{Path, Query, State as Extract};
use lineshaft_model::shown::{EventDetail, EventRow, Page};
use lineshaft_model::{Moment, Reason};
use lineshaft_store::reading::EventFilter;
use serde::Deserialize;

use super::listing::{PageQuery, position};
use super::read;
use crate::access::{Caller, Scope};
use crate::problem::Problem;
use crate::state::State;

/// Filters of the listing.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Filter {
    #[serde(rename = "type")]
    event_type: Option<String>,
    subject: Option<String>,
    system: Option<String>,
    /// A position, or an RFC 3339 time.
    since: Option<String>,
    cursor: Option<String>,
    limit: Option<usize>,
}

/// Events, newest first.
pub(super) async fn list(
    Extract(state): Extract<State>,
    caller: Caller,
    Query(query): Query<Filter>,
) -> Result<Json<Page<EventRow>>, Problem> {
    caller.need(Scope::Read)?;
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
    let page = PageQuery { cursor: query.cursor, limit: query.limit };
    let page =
        read(&state, move |reading| reading.events(&filter, page.cursor.as_deref(), page.limit())).await?;
    Ok(Json(page))
}

/// One event with everything known of it.
pub(super) async fn show(
    Extract(state): Extract<State>,
    caller: Caller,
    Path(at): Path<String>,
) -> Result<Json<EventDetail>, Problem> {
    caller.need(Scope::Read)?;
    let at = position(&at)?;
    let event = read(&state, move |reading| reading.event(at)).await?;
    event.map(Json).ok_or_else(|| Problem::not_found(format!("there is no event at position {at}")))
}
