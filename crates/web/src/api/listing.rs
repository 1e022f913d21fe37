//! What resources share: a page of rows, a single one, and what a person's action carries.

use axum::Json;
use axum::body::Bytes;
use lineshaft_engine::handle::Asked;
use lineshaft_model::Reason;
use lineshaft_model::shown::Page;
use lineshaft_model::sight::Act;
use lineshaft_store::reading::{Reading, ReadingError};
use serde::Deserialize;

use super::read;
use crate::access::Caller;
use crate::extract::PageQuery;
use crate::problem::Problem;
use crate::state::State;

/// Answers one page of a listing of records.
pub(super) async fn page<T: Send + 'static>(
    state: &State,
    caller: &Caller,
    page: PageQuery,
    read_page: impl FnOnce(&Reading, Option<&str>, usize) -> Result<Page<T>, ReadingError> + Send + 'static,
) -> Result<Json<Page<T>>, Problem> {
    caller.allow(Act::See)?;
    let rows =
        read(state, caller, move |reading| read_page(reading, page.cursor.as_deref(), page.limit())).await?;
    Ok(Json(rows))
}

/// Answers one record; `missing` says what there is not.
pub(super) async fn single<T: Send + 'static>(
    state: &State,
    caller: &Caller,
    missing: String,
    read_one: impl FnOnce(&Reading) -> Result<Option<T>, ReadingError> + Send + 'static,
) -> Result<Json<T>, Problem> {
    caller.allow(Act::See)?;
    let found = read(state, caller, read_one).await?;
    found.map(Json).ok_or_else(|| Problem::not_found(missing))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Because {
    #[serde(default)]
    reason: String,
}

/// Who asks and why: the body of an action is `{"reason": "..."}` or empty.
pub(crate) fn asked(caller: &Caller, body: &Bytes) -> Result<Asked, Problem> {
    let because = if body.is_empty() {
        Because::default()
    } else {
        serde_json::from_slice::<Because>(body).map_err(|error| {
            Problem::of(Reason::new(
                "body-malformed",
                format!("the body is not `{{\"reason\": \"...\"}}`: {error}"),
            ))
        })?
    };
    self::because(caller, because.reason)
}

/// Who asks and why.
pub(crate) fn because(caller: &Caller, reason: String) -> Result<Asked, Problem> {
    if reason.chars().count() > 1000 {
        return Err(Problem::of(
            Reason::new("reason-too-long", "a reason has at most 1000 characters").at("/reason"),
        ));
    }
    Ok(Asked { actor: caller.name.clone(), reason })
}

/// A path's number.
pub(crate) fn position(text: &str) -> Result<lineshaft_model::Position, Problem> {
    text.parse().map_err(|_| {
        Problem::of(
            Reason::new("position-malformed", "a position is a whole number").hint("take it from a listing"),
        )
    })
}
