//! Long work: replays and actions on many dead letters, with how far each is; and the form that asks for a replay.

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State as Extract};
use axum::response::{IntoResponse, Redirect};
use lineshaft_model::record::{JobOrder, JobState};
use lineshaft_model::shown::{Counted, JobRow, Page as Rows};
use lineshaft_model::sight::Act;
use lineshaft_model::{Position, Reason};
use serde::Deserialize;

use super::dead_letters::because;
use super::editor::EditStep;
use super::fault::Fault;
use super::query::{ROWS, filled, link};
use super::session::{Bare, Viewer};
use super::shell::{Section, Shell};
use super::words::Badge;
use super::{Answer, ask, show};
use crate::api::jobs::{Asking, counted, order_of};
use crate::api::read;
use crate::problem::Problem;
use crate::state::State;

#[derive(Template)]
#[template(path = "jobs.html")]
pub(super) struct Listing {
    pub(super) shell: Shell,
    pub(super) rows: Rows<JobRow>,
    pub(super) next: Option<String>,
    pub(super) form: Asked,
    /// Where a replay may go.
    pub(super) destinations: Vec<String>,
    pub(super) counted: Option<Counted>,
    pub(super) problem: Option<Reason>,
}

/// Which page.
#[derive(Debug, Deserialize)]
pub(super) struct Which {
    cursor: Option<String>,
}

/// The form of a replay.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Asked {
    pub(super) form_token: String,
    #[serde(default)]
    pub(super) to: String,
    #[serde(default)]
    pub(super) since: String,
    #[serde(default)]
    pub(super) until: String,
    #[serde(default)]
    pub(super) route: String,
    #[serde(default, rename = "type")]
    pub(super) event_type: String,
    #[serde(default)]
    pub(super) key: String,
    #[serde(default)]
    pub(super) system: String,
    #[serde(default, rename = "where")]
    pub(super) condition: String,
    pub(super) new_scope: Option<String>,
    #[serde(default)]
    pub(super) per_second: String,
    #[serde(default)]
    pub(super) reason: String,
    pub(super) step: Option<EditStep>,
}

impl Asked {
    fn asking(&self) -> Asking {
        let some = |text: &String| filled(Some(text.clone()));
        Asking {
            to: self.to.clone(),
            since: some(&self.since),
            until: some(&self.until),
            route: some(&self.route),
            event_type: some(&self.event_type),
            key: some(&self.key),
            system: some(&self.system),
            condition: some(&self.condition),
            new_scope: self.new_scope.is_some(),
            per_second: self.per_second.trim().parse().unwrap_or(0),
            ..Asking::default()
        }
    }
}

/// What a job does, in words.
pub(super) fn words(order: &JobOrder) -> String {
    match order {
        JobOrder::Replay(order) => {
            let mut words = format!("replay to {} of events {} to {}", order.to, order.from, order.until);
            let parts = [
                ("type", &order.event_type),
                ("route", &order.route),
                ("key", &order.key),
                ("system", &order.system),
                ("where", &order.condition),
            ];
            for (name, part) in parts {
                if let Some(part) = part {
                    words.push_str(&format!(", {name} {part}"));
                }
            }
            if order.new_scope {
                words.push_str(", so that effects happen again");
            }
            words
        }
        JobOrder::DeadLetters(order) => {
            let of = order.destination.as_deref().unwrap_or("every destination");
            let code = order.code.as_ref().map(|code| format!(" with the cause {code}")).unwrap_or_default();
            format!("{} dead letters of {of}{code}", order.action.as_str())
        }
    }
}

/// The part that is done, in hundredths; none when nobody counted.
pub(super) fn percent(row: &JobRow) -> Option<u64> {
    let job = &row.job;
    (job.expected > 0).then(|| ((job.done + job.skipped) * 100 / job.expected).min(100))
}

/// All of them.
pub(super) async fn page(
    Extract(state): Extract<State>,
    viewer: Viewer,
    Query(which): Query<Which>,
) -> Answer {
    draw(&state, viewer, which.cursor, Asked::default(), None, None).await
}

async fn draw(
    state: &State,
    viewer: Viewer,
    cursor: Option<String>,
    form: Asked,
    counted: Option<Counted>,
    problem: Option<Reason>,
) -> Answer {
    let first = cursor.is_none() && counted.is_none() && problem.is_none();
    viewer.caller.allow(Act::SeeHub)?;
    let rows =
        read(state, &viewer.caller, move |reading| reading.jobs(false, cursor.as_deref(), ROWS)).await?;
    let destinations = ask(state, |hub| Ok(hub.destinations())).await?;
    let shell = Shell::new(state, viewer, Section::Jobs, "Replays");
    let shell = if first { shell.live(1_000) } else { shell };
    let next = rows.next.as_deref().map(|next| link("/jobs", &[("cursor", Some(next))]));
    show(&Listing { shell, rows, next, form, destinations, counted, problem })
}

/// Counts what a replay would take, or begins it.
pub(super) async fn replay(
    Extract(state): Extract<State>,
    viewer: Viewer,
    Form(form): Form<Asked>,
) -> Answer {
    viewer.sent(&form.form_token)?;
    viewer.caller.allow_bulk()?;
    if form.step == Some(EditStep::Back) {
        return draw(&state, viewer, None, form, None, None).await;
    }
    let outcome = async {
        let order = order_of(&state, &viewer.caller, form.asking()).await?;
        if form.step == Some(EditStep::Send) {
            let asked = because(&viewer, &form.reason).map_err(|_| {
                Problem::of(Reason::new("reason-too-long", "a reason has at most 1000 characters"))
            })?;
            state.hub.start_job(order, asked).await?;
            return Ok(None);
        }
        counted(&state, order).await.map(Some)
    };
    let outcome: Result<Option<Counted>, Problem> = outcome.await;
    match outcome {
        Ok(None) => Ok(Redirect::to("/jobs").into_response()),
        Ok(counted) => draw(&state, viewer, None, form, counted, None).await,
        Err(problem) => draw(&state, viewer, None, form, None, Some(problem.reason())).await,
    }
}

/// Cancels one, or has it go on.
pub(super) async fn act(
    Extract(state): Extract<State>,
    viewer: Viewer,
    Path((id, action)): Path<(String, String)>,
    Form(form): Form<Bare>,
) -> Answer {
    viewer.sent(&form.form_token)?;
    viewer.caller.allow_bulk()?;
    let missing = || Fault::from(Problem::not_found("there is no such job"));
    let id: Position = id.parse().map_err(|_| missing())?;
    let resume = match action.as_str() {
        "cancel" => false,
        "resume" => true,
        _ => return Err(missing()),
    };
    state.hub.steer_job(id, resume, because(&viewer, "")?).await.map_err(Fault::from)?;
    Ok(Redirect::to("/jobs").into_response())
}
