//! `GET /v1/objects/{type}` and what is known of one object.
//!
//! A key may hold slashes, so everything after the type is the key, but for a last part `history`, `timeline` or `systems`.

use axum::Json;
use axum::extract::State as Extract;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use lineshaft_model::shown::{ObjectRow, ObjectType, Page};
use lineshaft_model::sight::Act;
use lineshaft_model::{Millis, Moment, Reason};
use lineshaft_store::views::ObjectFilter;
use serde::Deserialize;

use super::{listing, read};
use crate::access::Caller;
use crate::extract::{Listing, Path};
use crate::problem::Problem;
use crate::state::State;

/// Filters of the listing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    /// The key starts with this.
    key: Option<String>,
    status: Option<String>,
    /// The system that sent its latest event.
    system: Option<String>,
    /// Changed at or after this RFC 3339 time.
    since: Option<String>,
}

/// The types of objects that are held.
pub(super) async fn types(
    Extract(state): Extract<State>,
    caller: Caller,
) -> Result<Json<Page<ObjectType>>, Problem> {
    caller.allow(Act::See)?;
    let tenant = state.hub.tenant();
    let types = read(&state, &caller, move |reading| Ok(reading.object_types(&tenant))).await?;
    let items = types.into_iter().map(|object_type| ObjectType { object_type }).collect();
    Ok(Json(Page { items, next: None }))
}

/// Objects of a type, by key.
pub(super) async fn list(
    Extract(state): Extract<State>,
    caller: Caller,
    Path(object_type): Path<String>,
    wanted: Listing<Filter>,
) -> Result<Json<Page<ObjectRow>>, Problem> {
    let query = wanted.filter;
    let filter = ObjectFilter {
        tenant: state.hub.tenant(),
        object_type,
        key_prefix: query.key,
        status: query.status,
        system: query.system,
        changed_since: time(query.since.as_deref(), "?since")?,
    };
    listing::page(&state, &caller, wanted.page, move |reading, cursor, limit| {
        reading.objects(&filter, cursor, limit)
    })
    .await
}

/// `?at=` of one object, and paging of its history.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct At {
    at: Option<String>,
}

/// One object, its history, its timeline through all systems, or how each system stands to it.
pub(super) async fn show(
    Extract(state): Extract<State>,
    caller: Caller,
    Path((object_type, rest)): Path<(String, String)>,
    Listing { filter: query, page }: Listing<At>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.allow(Act::See)?;
    let tenant = state.hub.tenant();
    let missing = format!("there is no {object_type} {rest}");
    let found = match rest.rsplit_once('/') {
        Some((key, "history")) => {
            let (key, page) = (key.to_owned(), page);
            let read_page = move |r: &lineshaft_store::reading::Reading| {
                r.history(&tenant, &object_type, &key, page.cursor.as_deref(), page.limit())
            };
            read(&state, &caller, read_page).await?.map(|page| Json(page).into_response())
        }
        Some((key, "timeline")) => {
            let (key, limit) = (key.to_owned(), page.limit_or(200));
            let timeline =
                read(&state, &caller, move |r| r.timeline(&tenant, &object_type, &key, limit)).await?;
            timeline.map(|entries| Json(entries).into_response())
        }
        Some((key, "systems")) => {
            let key = key.to_owned();
            let systems =
                read(&state, &caller, move |r| r.object_systems(&tenant, &object_type, &key)).await?;
            systems.map(|systems| Json(systems).into_response())
        }
        _ => {
            let at = time(query.at.as_deref(), "?at")?;
            let object = read(&state, &caller, move |r| r.object(&tenant, &object_type, &rest, at)).await?;
            object.map(|object| {
                with_etag(&headers, &object.row.position.to_string(), Json(object).into_response())
            })
        }
    };
    found.ok_or_else(|| Problem::not_found(missing))
}

/// The latest event's position is the state's tag.
fn with_etag(request: &HeaderMap, tag: &str, mut response: Response) -> Response {
    let tag = format!("W/\"{tag}\"");
    let known = request.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|one| one.trim() == tag)) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response();
    }
    if let Ok(value) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}

fn time(text: Option<&str>, at: &str) -> Result<Option<Millis>, Problem> {
    let parse = |text: &str| text.parse::<Moment>().map(|moment| moment.millis());
    text.map(parse).transpose().map_err(|reason: Reason| Problem::of(reason.at(at)))
}
