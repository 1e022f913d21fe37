//! Processes: the instances, and one drawn as a diagram with its live position and the times of each step.

use askama::Template;
use axum::extract::{Form, Path, Query, State as Extract};
use axum::response::{IntoResponse, Redirect};
use lineshaft_engine::conductor::{Decision, Doc, ProcessDetail, TaskPhase, TaskShown};
use lineshaft_model::Millis;
use lineshaft_model::shown::Page as Rows;
use lineshaft_model::sight::Act;
use lineshaft_store::reading::{ProcessFilter, ProcessRow};
use serde::Deserialize;

use super::dead_letters::because;
use super::fault::Fault;
use super::pretty::pretty;
use super::query::{ROWS, filled, link};
use super::session::Viewer;
use super::shell::{Section, Shell};
use super::words::Badge;
use super::{Answer, ask, follow, show};
use crate::api::read;
use crate::problem::Problem;
use crate::state::State;

const PHASES: [&str; 6] = ["running", "compensating", "held", "completed", "faulted", "cancelled"];

/// Sizes of the diagram, in pixels.
const STEP_HEIGHT: u32 = 54;
const BOX_HEIGHT: u32 = 42;
const BOX_WIDTH: u32 = 222;
const INDENT: u32 = 16;

#[derive(Template)]
#[template(path = "processes.html")]
pub(super) struct Listing {
    pub(super) shell: Shell,
    pub(super) rows: Rows<ProcessRow>,
    pub(super) name: String,
    pub(super) key: String,
    pub(super) phase: String,
    pub(super) asking: bool,
    pub(super) next: Option<String>,
}

#[derive(Template)]
#[template(path = "process.html")]
pub(super) struct Single {
    pub(super) shell: Shell,
    pub(super) detail: ProcessDetail,
    pub(super) input: String,
    pub(super) output: String,
    pub(super) done: bool,
}

/// One box of the diagram.
pub(super) struct Step<'t> {
    task: &'t TaskShown,
    x: u32,
    y: u32,
    width: u32,
    /// Where the line from the step before, or from the task around it, begins; none for the first.
    from: Option<(u32, u32)>,
}

impl Single {
    /// The boxes, each below the one before; those inside a task stand further right.
    fn steps(&self) -> Vec<Step<'_>> {
        let mut steps: Vec<Step<'_>> = Vec::with_capacity(self.detail.tasks.len());
        for (number, task) in (0_u32..).zip(&self.detail.tasks) {
            let x = 8 + task.depth.min(10) * INDENT;
            let y = 8 + number * STEP_HEIGHT;
            let before = steps.iter().rev().find(|step| step.task.depth <= task.depth);
            let from =
                before.map(|before| match before.task.depth == task.depth && before.task.part == task.part {
                    true => (x + 14, before.y + BOX_HEIGHT),
                    // The first one inside another hangs on it.
                    false => (before.x + 10, before.y + BOX_HEIGHT),
                });
            steps.push(Step { task, x, y, width: BOX_WIDTH - x, from });
        }
        steps
    }

    fn indented(&self, json: &serde_json::value::RawValue) -> String {
        pretty(json.get())
    }

    fn height(&self) -> usize {
        self.detail.tasks.len() * STEP_HEIGHT as usize + 8
    }

    /// The key of a live task that is waited for at this place.
    fn waits(&self) -> Vec<&str> {
        self.detail.live.iter().map(|live| live.key.as_str()).collect()
    }

    fn may_retry(&self) -> bool {
        matches!(self.detail.row.phase.as_str(), "held" | "faulted") || self.is_stuck()
    }

    fn is_stuck(&self) -> bool {
        self.detail.questions.iter().any(|question| question.kind == "undo")
    }

    fn may_cancel(&self) -> bool {
        matches!(self.detail.row.phase.as_str(), "running" | "held")
    }
}

impl Step<'_> {
    fn tone(&self) -> &'static str {
        self.task.phase.map_or("ahead", tone)
    }

    fn mark(&self) -> Badge {
        Badge::of_task(self.task.phase)
    }

    fn name(&self) -> &str {
        if self.task.title.is_empty() { &self.task.name } else { &self.task.title }
    }

    /// What kind it is, in a few words.
    fn about(&self) -> String {
        let part = if self.task.part.is_empty() { String::new() } else { format!("{}: ", self.task.part) };
        let what = if self.task.what.is_empty() { String::new() } else { format!(" {}", self.task.what) };
        let undo = if self.task.undo { ", can be undone" } else { "" };
        let about = format!("{part}{}{what}{undo}", self.task.kind);
        // The whole of it stands in the title of the box.
        match about.char_indices().nth(34) {
            Some((at, _)) => format!("{}…", about.get(..at).unwrap_or_default()),
            None => about,
        }
    }

    /// When, and for how long.
    fn times(&self) -> String {
        let Some(started) = self.task.started else { return String::new() };
        let at = clock(started);
        let runs = if self.task.runs > 1 { format!(", {} times", self.task.runs) } else { String::new() };
        match self.task.ended {
            Some(ended) => format!("{at}, took {}{runs}", span(ended.since(started))),
            None => format!("since {at}{runs}"),
        }
    }
}

const fn tone(phase: TaskPhase) -> &'static str {
    match phase {
        TaskPhase::Running => "busy",
        TaskPhase::Completed => "ok",
        TaskPhase::Passed | TaskPhase::Cancelled => "none",
        TaskPhase::Faulted => "bad",
        TaskPhase::Skipped => "off",
        TaskPhase::Compensated => "warn",
    }
}

/// The time of day in UTC.
fn clock(at: Millis) -> String {
    at.to_string().get(11..19).unwrap_or_default().to_owned()
}

fn span(ms: i64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..120_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        120_000..7_200_000 => format!("{} min", ms / 60_000),
        7_200_000..172_800_000 => format!("{} h", ms / 3_600_000),
        _ => format!("{} days", ms / 86_400_000),
    }
}

/// What is looked for.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    name: Option<String>,
    key: Option<String>,
    phase: Option<String>,
    asking: Option<String>,
    cursor: Option<String>,
}

/// Instances, the latest first.
pub(super) async fn list(
    Extract(state): Extract<State>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> Answer {
    viewer.caller.allow(Act::SeeHub)?;
    let (name, key, phase) = (filled(asked.name), filled(asked.key), filled(asked.phase));
    let asking = asked.asking.is_some();
    let filter = ProcessFilter {
        name: name.clone(),
        business_key: key.clone(),
        phase: phase.clone(),
        with_cases: asking,
        ..ProcessFilter::default()
    };
    let cursor = asked.cursor;
    let first = cursor.is_none();
    let rows =
        read(&state, &viewer.caller, move |reading| reading.processes(&filter, cursor.as_deref(), ROWS))
            .await?;
    let shell = Shell::new(&state, viewer, Section::Processes, "Processes");
    let shell = if first { shell.live(2_000) } else { shell };
    let next = rows.next.as_deref().map(|next| {
        let fields = [
            ("name", name.as_deref()),
            ("key", key.as_deref()),
            ("phase", phase.as_deref()),
            ("asking", asking.then_some("1")),
            ("cursor", Some(next)),
        ];
        link("/processes", &fields)
    });
    let (name, key, phase) = (name.unwrap_or_default(), key.unwrap_or_default(), phase.unwrap_or_default());
    show(&Listing { shell, rows, name, key, phase, asking, next })
}

/// Whether an action was just taken.
#[derive(Debug, Deserialize)]
pub(super) struct Done {
    done: Option<String>,
}

/// One instance.
pub(super) async fn single(
    Extract(state): Extract<State>,
    viewer: Viewer,
    Path(id): Path<String>,
    Query(asked): Query<Done>,
) -> Answer {
    viewer.caller.allow_unbound(Act::SeeHub)?;
    let missing = format!("there is no instance {id}");
    let found = ask(&state, move |hub| hub.conductor().detail(&id)).await?;
    let Some(detail) = found else { return Err(Fault::from(Problem::not_found(missing))) };
    let detail = viewer.caller.shown_process(detail);
    let shell = Shell::new(&state, viewer, Section::Processes, detail.title.clone());
    let shell = if detail.row.ended { shell } else { shell.live(2_000) };
    let (input, output) = (pretty(detail.input.get()), pretty(detail.output.get()));
    show(&Single { shell, detail, input, output, done: asked.done.is_some() })
}

/// What a form sends.
#[derive(Debug, Deserialize)]
pub(super) struct Filled {
    form_token: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    key: String,
    #[serde(default)]
    output: String,
}

/// Retries, skips, cancels, abandons or answers.
pub(super) async fn act(
    Extract(state): Extract<State>,
    viewer: Viewer,
    Path((id, action)): Path<(String, String)>,
    Form(form): Form<Filled>,
) -> Answer {
    viewer.sent(&form.form_token)?;
    viewer.caller.allow_bulk()?;
    let key = form.key.clone();
    let decision = match action.as_str() {
        "retry" => Decision::Retry,
        "skip" => Decision::Skip { key, output: Doc::null() },
        "cancel" => Decision::Cancel,
        "abandon" => Decision::Abandon,
        "answer" => {
            // What is no JSON is taken as the word of a choice.
            let text = form.output.trim();
            let output = Doc::parse(text).unwrap_or_else(|_| Doc::object([("choice", &Doc::string(text))]));
            Decision::Answer { key, output }
        }
        _ => {
            return Err(Fault::from(Problem::not_found(
                "a process is retried, skipped, cancelled, abandoned or answered",
            )));
        }
    };
    let end = *state.hub.end().borrow();
    state.hub.conductor().decide(&id, decision, because(&viewer, &form.reason)?).await?;
    follow(&state, lineshaft_model::Position(end.0 + 1)).await;
    Ok(Redirect::to(&format!("/processes/{id}?done={action}")).into_response())
}
