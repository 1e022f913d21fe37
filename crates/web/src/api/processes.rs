//! Processes: instances listed, shown and acted on, what they ask persons, and commands that start them.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State as Extract;
use http::{HeaderMap, StatusCode};
use lineshaft_engine::conductor::{Acted, CaseRow, Conductor, Decision, Doc, ProcessDetail, ProcessName};
use lineshaft_engine::handle::Asked;
use lineshaft_model::shown::Page;
use lineshaft_model::sight::Act;
use lineshaft_model::{Moment, Reason};
use lineshaft_store::reading::{ProcessFilter, ProcessRow};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::listing::page;
use super::read;
use crate::access::Caller;
use crate::extract::{Listing, Path, Query};
use crate::problem::Problem;
use crate::state::State;

/// The longest a synchronous call waits.
const LONGEST_WAIT_MS: u64 = 60_000;

const PHASES: [&str; 6] = ["running", "compensating", "held", "completed", "faulted", "cancelled"];

/// Filters of the listing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    name: Option<String>,
    phase: Option<String>,
    key: Option<String>,
    started_before: Option<String>,
}

impl Filter {
    fn rows(self) -> Result<ProcessFilter, Problem> {
        if let Some(phase) = self.phase.as_deref().filter(|phase| !PHASES.contains(phase)) {
            let message = format!("`{phase}` is no phase of a process");
            return Err(Problem::of(
                Reason::new("parameter-malformed", message).at("?phase").hint(PHASES.join(", ")),
            ));
        }
        let before = self.started_before.map(|text| text.parse::<Moment>()).transpose();
        let before = before.map_err(|reason| Problem::of(reason.at("?started_before")))?;
        Ok(ProcessFilter {
            name: self.name,
            phase: self.phase,
            business_key: self.key,
            started_before: before.map(|moment| moment.millis()),
            with_cases: false,
        })
    }
}

/// Instances, the latest first.
pub(super) async fn list(
    Extract(state): Extract<State>,
    caller: Caller,
    listing: Listing<Filter>,
) -> Result<Json<Page<ProcessRow>>, Problem> {
    caller.allow(Act::SeeHub)?;
    let filter = listing.filter.rows()?;
    page(&state, &caller, listing.page, move |reading, cursor, limit| {
        reading.processes(&filter, cursor, limit)
    })
    .await
}

/// Asks the conductor where blocking is allowed.
async fn ask<T: Send + 'static>(
    state: &State,
    question: impl FnOnce(&Conductor) -> Result<T, Reason> + Send + 'static,
) -> Result<T, Problem> {
    let conductor = state.hub.conductor().clone();
    let answer = tokio::task::spawn_blocking(move || question(&conductor)).await;
    let answer =
        answer.map_err(|_| Problem::of(Reason::new("internal-fault", "the process could not be read")))?;
    Ok(answer?)
}

/// One instance, whole.
pub(super) async fn show(
    Extract(state): Extract<State>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ProcessDetail>, Problem> {
    caller.allow_unbound(Act::SeeHub)?;
    let missing = format!("there is no instance {id}");
    let found = ask(&state, move |conductor| conductor.detail(&id)).await?;
    found.map(|detail| Json(caller.shown_process(detail))).ok_or_else(|| Problem::not_found(missing))
}

/// No filters.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct All {}

/// What instances ask persons.
pub(super) async fn cases(
    Extract(state): Extract<State>,
    caller: Caller,
    listing: Listing<All>,
) -> Result<Json<Page<CaseRow>>, Problem> {
    caller.allow_unbound(Act::SeeHub)?;
    let All {} = listing.filter;
    let (filter, asked) = (ProcessFilter { with_cases: true, ..ProcessFilter::default() }, listing.page);
    let rows = read(&state, &caller, move |reading| {
        reading.processes(&filter, asked.cursor.as_deref(), asked.limit())
    })
    .await?;
    let (items, next) = (rows.items, rows.next);
    let mut items = ask(&state, move |conductor| conductor.cases(items)).await?;
    for case in &mut items {
        case.question.about = caller.shown(&case.question.about);
    }
    Ok(Json(Page { items, next }))
}

/// What a person decides.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Decided {
    #[serde(default)]
    reason: String,
    /// The key of the question or task.
    #[serde(default)]
    key: String,
    #[serde(default)]
    output: Option<Box<RawValue>>,
}

fn json(text: &str, at: &str) -> Result<Doc, Problem> {
    Doc::parse(text)
        .map_err(|why| Problem::of(Reason::new("body-malformed", format!("this is not JSON: {why}")).at(at)))
}

/// Retries, skips, cancels, abandons or answers.
pub(super) async fn act(
    Extract(state): Extract<State>,
    caller: Caller,
    Path((id, action)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<Acted>, Problem> {
    caller.allow_bulk()?;
    let decided = if body.is_empty() {
        Decided::default()
    } else {
        serde_json::from_slice::<Decided>(&body).map_err(|error| {
            let message = format!(
                "the body is not `{{\"reason\": \"...\", \"key\": \"...\", \"output\": ...}}`: {error}"
            );
            Problem::of(Reason::new("body-malformed", message))
        })?
    };
    if decided.reason.chars().count() > 1000 {
        return Err(Problem::of(
            Reason::new("reason-too-long", "a reason has at most 1000 characters").at("/reason"),
        ));
    }
    let output = decided.output.map_or_else(|| Ok(Doc::null()), |raw| json(raw.get(), "/output"))?;
    let key = decided.key;
    let decision = match action.as_str() {
        "retry" => Decision::Retry,
        "skip" => Decision::Skip { key, output },
        "cancel" => Decision::Cancel,
        "abandon" => Decision::Abandon,
        "answer" => Decision::Answer { key, output },
        _ => {
            let message = format!("a process cannot be `{action}`: retry, skip, cancel, abandon or answer");
            return Err(Problem::not_found(message));
        }
    };
    let asked = Asked { actor: caller.name.clone(), reason: decided.reason };
    Ok(Json(state.hub.conductor().decide(&id, decision, asked).await?))
}

/// `?wait=ended&timeout=5s`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wait {
    wait: Option<String>,
    timeout: Option<String>,
}

/// What a command answers.
#[derive(Debug, Serialize)]
pub(super) struct Commanded {
    id: String,
    /// Whether it was begun now; if not, the same was asked before.
    new: bool,
    /// Where its state is shown.
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    phase: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<Box<RawValue>>,
}

/// Starts a process.
pub(super) async fn command(
    Extract(state): Extract<State>,
    caller: Caller,
    Path(name): Path<String>,
    Query(wait): Query<Wait>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Commanded>), Problem> {
    caller.allow(Act::Send)?;
    let wait_ms = wait.parse()?;
    let text = if body.is_empty() { "{}" } else { std::str::from_utf8(&body).unwrap_or("") };
    let input = json(text, "")?;
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default();
    if key.len() > 256 {
        let reason = Reason::new("parameter-malformed", "an Idempotency-Key has at most 256 characters");
        return Err(Problem::of(reason));
    }
    // One caller's keys are not another's.
    let key = if key.is_empty() { String::new() } else { format!("{}\n{key}", caller.name) };
    let process = ProcessName { namespace: String::new(), name, version: "latest".to_owned() };
    let asked = Asked { actor: caller.name.clone(), reason: String::new() };
    let conductor = state.hub.conductor();
    let started = conductor.start(process, input, &key, asked).await?;
    let status = format!("/v1/processes/{}", started.id);
    let mut answer = Commanded { id: started.id, new: started.new, status, phase: None, output: None };
    if let Some(wait_ms) = wait_ms
        && conductor.ended(&answer.id, wait_ms, &state.hub).await?
    {
        let id = answer.id.clone();
        let detail = ask(&state, move |conductor| conductor.detail(&id)).await?;
        answer.phase = detail.as_ref().map(|detail| detail.row.phase.clone());
        answer.output = detail.map(|detail| detail.output);
    }
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

impl Wait {
    /// How long to wait; nothing for not at all.
    fn parse(self) -> Result<Option<u64>, Problem> {
        let timeout = self.timeout.as_deref().map(lineshaft_engine::intake::parse_span_ms).transpose();
        let timeout =
            timeout.map_err(|why| Problem::of(Reason::new("timeout-malformed", why).at("?timeout")))?;
        match self.wait.as_deref() {
            None => Ok(None),
            Some("ended") => Ok(Some(timeout.unwrap_or(10_000).min(LONGEST_WAIT_MS))),
            Some(other) => {
                let message = format!("`wait` takes `ended` only, not `{other}`");
                Err(Problem::of(Reason::new("wait-unknown", message).at("?wait")))
            }
        }
    }
}
