//! What listings share: a cursor, a bound, and what a person's action carries.

use axum::body::Bytes;
use lineshaft_engine::handle::Asked;
use lineshaft_model::Reason;
use serde::Deserialize;

use crate::access::Caller;
use crate::problem::Problem;

/// `?cursor=&limit=` of every listing.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct PageQuery {
    /// Where the last page ended.
    pub(crate) cursor: Option<String>,
    /// Rows wanted, 1 to 500; 50 when absent.
    pub(crate) limit: Option<usize>,
}

impl PageQuery {
    pub(crate) fn limit(&self) -> usize {
        self.limit.unwrap_or(50).clamp(1, 500)
    }
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
    if because.reason.len() > 1000 {
        return Err(Problem::of(
            Reason::new("reason-too-long", "a reason has at most 1000 bytes").at("/reason"),
        ));
    }
    Ok(Asked { actor: caller.name.clone(), reason: because.reason })
}

/// A path's number.
pub(crate) fn position(text: &str) -> Result<lineshaft_model::Position, Problem> {
    text.parse().map_err(|_| {
        Problem::of(
            Reason::new("position-malformed", "a position is a whole number").hint("take it from a listing"),
        )
    })
}
