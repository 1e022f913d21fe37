//! `GET /v1/events/stream`: events as they become durable, as server-sent events that resume with `Last-Event-ID`.

use std::convert::Infallible;

use axum::extract::State as Extract;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use http::request::Parts;
use lineshaft_model::Position;
use lineshaft_model::sight::Act;

use super::read;
use crate::access::Caller;
use crate::problem::Problem;
use crate::state::State;

/// Rows read at once.
const STEP: usize = 256;

/// Streams event rows from after `Last-Event-ID`, or from now on.
pub(super) async fn events(
    Extract(state): Extract<State>,
    caller: Caller,
    parts: Parts,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    caller.allow(Act::See)?;
    let last = parts
        .headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse().ok());
    let mut end = state.hub.end();
    let mut after: Position = last.unwrap_or(*end.borrow_and_update());
    let stream = async_stream::stream! {
        loop {
            // A token that was ended, or other policies, end what it still hears.
            let Ok(caller) = state.access.of_request(&parts, state.hub.now()).await else { return };
            if caller.allow(Act::See).is_err() {
                return;
            }
            let upto = *end.borrow_and_update();
            while after < upto {
                let from = after;
                let rows = read(&state, &caller, move |reading| reading.events_after(from, STEP)).await;
                let Ok((rows, reached)) = rows else { return };
                for row in rows {
                    let text = serde_json::to_string(&row).unwrap_or_default();
                    yield Ok(Event::default().id(row.position.to_string()).event("event").data(text));
                }
                if reached <= after {
                    break;
                }
                after = reached;
            }
            tokio::select! {
                changed = end.changed() => if changed.is_err() { return },
                () = state.hub.stopping() => return,
            }
        }
    };
    Ok(Sse::new(stream).keep_alive(KeepAlive::default()))
}
