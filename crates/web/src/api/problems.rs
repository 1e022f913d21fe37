//! `GET /problems/{code}`: the page of an error code, open to all because a problem's `type` leads here.

use axum::extract::State as Extract;
use axum::response::{IntoResponse, Response};
use http::header;

use crate::extract::Path;
use crate::problem::Problem;
use crate::state::State;

/// The page as Markdown text.
pub(super) async fn page(
    Extract(state): Extract<State>,
    Path(code): Path<String>,
) -> Result<Response, Problem> {
    let page =
        (state.explain)(&code).ok_or_else(|| Problem::not_found("there is no error with this code"))?;
    Ok(([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], page).into_response())
}
