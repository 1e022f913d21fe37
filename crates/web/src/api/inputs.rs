//! Intake: `POST /v1/events` and `POST /v1/in/{system}/{source}`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Request, State as Extract};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use lineshaft_engine::intake::{EventsCall, Input, Mode, Refusal, parse_span_ms};
use lineshaft_engine::work::{Admitted, Verdict};
use lineshaft_model::Reason;
use lineshaft_model::shown::IntakeResult;
use lineshaft_model::sight::Act;
use serde::{Deserialize, Serialize};

use crate::access::Caller;
use crate::extract::{Path, Query};
use crate::problem::Problem;
use crate::state::State;

/// `?wait=delivered&timeout=5s` makes the call synchronous. Other fields are the sender's own: webhooks carry what their system likes.
#[derive(Debug, Default, Deserialize)]
pub(super) struct WaitQuery {
    wait: Option<String>,
    timeout: Option<String>,
}

/// The answer to an intake call.
#[derive(Debug, Serialize)]
struct Answer {
    results: Vec<IntakeResult>,
    /// Whether everything was delivered, when the caller waited for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered: Option<bool>,
}

/// The longest a synchronous call waits.
const LONGEST_WAIT_MS: u64 = 60_000;

/// Takes CloudEvents in binary, structured or batched mode; 202 once they are durable.
pub(super) async fn events(
    Extract(state): Extract<State>,
    Query(wait): Query<WaitQuery>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    caller.allow_with(Act::Send, &caller.system)?;
    let wait_ms = wait.parse()?;
    let (parts, body) = request.into_parts();
    let content_type = text_header(&parts.headers, header::CONTENT_TYPE.as_str());
    let headers = kept_headers(&parts.headers, |name| name.starts_with("ce-") || name == "traceparent");
    let has_ce = headers.iter().any(|(name, _)| name.starts_with("ce-"));
    let mode = Mode::of(&content_type, has_ce).ok_or_else(|| {
        let reason = Reason::new("media-type-unsupported", format!("`{content_type}` carries no CloudEvents"))
            .hint("send application/cloudevents+json, application/cloudevents-batch+json, or application/json with ce- headers");
        Problem::with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason)
    })?;
    let body = whole_body(body, state.body_bytes).await?;
    let traceparent = text_header(&parts.headers, "traceparent");
    let call = EventsCall { mode, headers, body, content_type, traceparent, system: caller.system };
    let admitted = state.hub.intake().events(call).await.map_err(refused)?;
    answer(&state, admitted, mode == Mode::Batch, wait_ms).await
}

/// Takes a system's own bytes; 202 once what they came to is durable.
pub(super) async fn input(
    Extract(state): Extract<State>,
    Path((system, source)): Path<(String, String)>,
    Query(wait): Query<WaitQuery>,
    request: Request,
) -> Result<Response, Problem> {
    let wait_ms = wait.parse()?;
    let (parts, body) = request.into_parts();
    let intake = format!("{system}/{source}");
    let now = state.hub.now();
    // Whether a source exists is told only to those who may send to it.
    let gate = state.hub.source(&intake).flatten();
    if gate.is_none() {
        let caller = state.access.of_request(&parts, now).await?;
        caller.allow(Act::Send)?;
        if !caller.may_with(Act::Send, &system) {
            return Err(Problem::not_found(format!("there is no source {intake}")));
        }
    }
    let body = whole_body(body, state.body_bytes).await?;
    let mut identity = String::new();
    if let Some(gate) = gate {
        let passed = gate
            .check(&parts.headers, &body, now)
            .map_err(|reason| Problem::with_status(StatusCode::UNAUTHORIZED, reason))?;
        identity = passed.identity.unwrap_or_default();
    }
    let headers = kept_headers(&parts.headers, |name| name.starts_with("ce-") || KEPT.contains(&name));
    let input = Input {
        bytes: body,
        content_type: text_header(&parts.headers, header::CONTENT_TYPE.as_str()),
        identity,
        headers,
        traceparent: text_header(&parts.headers, "traceparent"),
        ..Input::default()
    };
    let Some(taken) = state.hub.intake().input(&intake, input).await else {
        return Err(Problem::not_found(format!("there is no source {intake}")));
    };
    let admitted = taken.map_err(refused)?;
    let several = admitted.len() != 1;
    answer(&state, admitted, several, wait_ms).await
}

/// Headers of an input that mappings may read and the journal may keep.
const KEPT: [&str; 6] =
    ["content-type", "content-language", "x-request-id", "x-correlation-id", "etag", "last-modified"];

fn kept_headers(headers: &HeaderMap, keep: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let texts = headers.iter().filter(|(name, _)| keep(name.as_str()));
    texts
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .take(64)
        .collect()
}

fn text_header(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

/// The body, or why it was not taken: too long, or the caller went away.
pub(crate) async fn whole_body(body: axum::body::Body, limit: usize) -> Result<Bytes, Problem> {
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.downcast_ref::<LengthLimitError>().is_some() => {
            let reason = Reason::new("body-too-long", format!("the body is longer than {limit} bytes"))
                .hint("send less at once, or raise limits.body in lineshaft.yaml");
            Err(Problem::with_status(StatusCode::PAYLOAD_TOO_LARGE, reason))
        }
        Err(_) => Err(Problem::of(Reason::new("body-incomplete", "the body did not arrive whole"))),
    }
}

fn refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::Busy { after_ms, why } => Problem::busy(after_ms, why),
        Refusal::Closed => Problem::busy(5_000, "the hub is stopping"),
        refusal @ Refusal::TooLarge { .. } => {
            let reason = Reason::new("body-too-long", refusal.to_string()).hint("send less at once");
            Problem::with_status(StatusCode::PAYLOAD_TOO_LARGE, reason)
        }
    }
}

impl WaitQuery {
    fn parse(&self) -> Result<Option<u64>, Problem> {
        match self.wait.as_deref() {
            None => Ok(None),
            Some("delivered") => {
                let text = self.timeout.as_deref().unwrap_or("5s");
                let ms = parse_span_ms(text).map_err(|message| {
                    Problem::of(Reason::new("timeout-malformed", message).at("?timeout"))
                })?;
                Ok(Some(ms.min(LONGEST_WAIT_MS)))
            }
            Some(_) => {
                Err(Problem::of(Reason::new("wait-unknown", "`wait` takes `delivered` only").at("?wait")))
            }
        }
    }
}

/// One event that was refused is a problem; in a batch each result speaks for itself.
async fn answer(
    state: &State,
    admitted: Vec<Admitted>,
    several: bool,
    wait_ms: Option<u64>,
) -> Result<Response, Problem> {
    if !several
        && let [only] = &admitted[..]
        && only.verdict == Verdict::Quarantined
    {
        return Err(Problem::refused(only.reasons.clone(), only.position));
    }
    let mut delivered = None;
    if let Some(wait_ms) = wait_ms {
        let mut all = true;
        for kept in admitted.iter().filter(|a| matches!(a.verdict, Verdict::Kept(_))) {
            all &= state.hub.settled(kept.position, wait_ms).await?;
        }
        delivered = Some(all);
    }
    let results = admitted.into_iter().map(result).collect();
    Ok((StatusCode::ACCEPTED, Json(Answer { results, delivered })).into_response())
}

fn result(admitted: Admitted) -> IntakeResult {
    IntakeResult {
        id: admitted.id,
        status: admitted.verdict.as_str().to_owned(),
        position: admitted.position,
        reasons: admitted.reasons,
    }
}
