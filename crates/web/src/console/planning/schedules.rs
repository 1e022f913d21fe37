//! Schedules of other planning systems beside ours, and taking one.

use askama::Template;
use axum::extract::{Form, Query, State as Extract};
use axum::response::{IntoResponse, Redirect};
use lineshaft_engine::planner::{Compared, Difference, OrderDifference};
use lineshaft_model::Millis;
use serde::Deserialize;

use super::drawing::{Scale, Spans, Tick};
use super::{Answer, Section, Shell, State, Viewer, ask, show, slip};
use crate::access::Scope;
use crate::console::fault::Fault;
use crate::console::query::link;
use crate::console::session::Bare;
use crate::problem::Problem;

/// Orders shown of a comparison.
const MOST_ORDERS: usize = 200;

#[derive(Template)]
#[template(path = "planning_schedules.html")]
struct List {
    shell: Shell,
    schedules: Vec<Compared>,
    /// About how many orders others were just asked.
    asked: Option<usize>,
}

/// What was just done.
#[derive(Debug, Default, Deserialize)]
pub(in crate::console) struct Done {
    asked: Option<usize>,
}

/// Every schedule.
pub(in crate::console) async fn schedules(
    Extract(state): Extract<State>,
    viewer: Viewer,
    Query(done): Query<Done>,
) -> Answer {
    viewer.caller.allow_whole_plan()?;
    let shell = Shell::new(&state, viewer, Section::Planning, "Schedules · Planning")
        .live(5_000)
        .beating(super::pulse::PATH);
    let schedules = ask(&state, |planner| planner.schedules()).await.map_err(Fault::from)?;
    show(&List { shell, schedules, asked: done.asked })
}

/// Which schedule; what was done with it.
#[derive(Debug, Default, Deserialize)]
pub(in crate::console) struct Which {
    #[serde(default)]
    schedule: String,
    taken: Option<usize>,
}

#[derive(Template)]
#[template(path = "planning_schedule.html")]
struct Page {
    shell: Shell,
    one: Compared,
    rows: Vec<Row>,
    ticks: Vec<Tick>,
    now_x: i64,
    taken: Option<usize>,
}

/// An order by both, drawn.
struct Row {
    order: OrderDifference,
    ours: Option<(i64, i64)>,
    theirs: Option<(i64, i64)>,
    words: String,
}

impl Page {
    /// The last day it looks at.
    fn until(&self) -> &str {
        self.one.horizon.to.get(..10).unwrap_or(&self.one.horizon.to)
    }

    fn span(&self, row: &Row) -> Spans {
        let label = format!("dates of {} by both", row.order.order);
        let spans = Spans::new(label, self.now_x, ("feasible ours", "theirs"));
        spans.upper(row.ours, row.order.ours).lower(row.theirs, row.order.theirs)
    }
}

impl Row {
    fn is_impossible(&self) -> bool {
        self.order.difference == Difference::BeforeMaterial
    }
}

/// One schedule beside ours.
pub(in crate::console) async fn schedule(
    Extract(state): Extract<State>,
    viewer: Viewer,
    Query(which): Query<Which>,
) -> Answer {
    viewer.caller.allow_whole_plan()?;
    let title = format!("{} · Planning", which.schedule);
    let shell = Shell::new(&state, viewer, Section::Planning, title);
    let (missing, taken) =
        (format!("no planning system has sent a schedule {}", which.schedule), which.taken);
    let found = ask(&state, move |planner| planner.schedule(&which.schedule)).await.map_err(Fault::from)?;
    let Some(mut one) = found else { return Err(Fault::from(Problem::not_found(missing))) };
    let orders: Vec<OrderDifference> = one.comparison.orders.drain(..).collect();
    let dates =
        orders.iter().flat_map(|one| [one.ours.start, one.ours.end, one.theirs.start, one.theirs.end]);
    let known: Vec<i64> = dates.flatten().map(|at| at.0).chain([shell.now.0]).collect();
    let from = known.iter().copied().min().unwrap_or(shell.now.0);
    let until = known.iter().copied().max().unwrap_or(shell.now.0).max(from + 3 * super::drawing::DAY_MS);
    let scale = Scale { from, until };
    let rows = orders.into_iter().take(MOST_ORDERS).map(|order| row(order, scale)).collect();
    let (ticks, now_x) = (scale.ticks(), scale.x(shell.now));
    show(&Page { shell, one, rows, ticks, now_x, taken })
}

fn row(order: OrderDifference, scale: Scale) -> Row {
    let span = |start: Option<Millis>, end: Option<Millis>| {
        let (start, end) = (scale.x(start?), scale.x(end?));
        Some((start, (end - start).max(4)))
    };
    let words = match order.difference {
        Difference::BeforeMaterial => {
            let item = order.waits_for.as_deref().unwrap_or("its material");
            format!("theirs starts before {item} is there")
        }
        Difference::OnlyOurs => "theirs has no date for it".to_owned(),
        Difference::OnlyTheirs => "no such order is known here".to_owned(),
        Difference::Later => format!("theirs ends later, {}", slip(order.later_ms)),
        Difference::Sooner => format!("theirs ends sooner, {}", slip(order.later_ms)),
    };
    Row {
        ours: span(order.ours.start, order.ours.end),
        theirs: span(order.theirs.start, order.theirs.end),
        words,
        order,
    }
}

/// The form's fields.
#[derive(Debug, Deserialize)]
pub(in crate::console) struct Filled {
    form_token: String,
    #[serde(default)]
    schedule: String,
    #[serde(default)]
    reason: String,
}

/// Takes a schedule.
pub(in crate::console) async fn take(
    Extract(state): Extract<State>,
    viewer: Viewer,
    Form(form): Form<Filled>,
) -> Answer {
    viewer.sent(&form.form_token)?;
    viewer.caller.need(Scope::Operate)?;
    viewer.caller.allow_whole_plan()?;
    let asked = crate::console::dead_letters::because(&viewer, &form.reason)?;
    let (_, orders) = state.hub.take_schedule(&form.schedule, asked).await.map_err(Fault::from)?;
    let orders = orders.to_string();
    let fields = [("schedule", Some(form.schedule.as_str())), ("taken", Some(orders.as_str()))];
    Ok(Redirect::to(&link("/planning/schedule", &fields)).into_response())
}

/// Asks other planning systems for a schedule.
pub(in crate::console) async fn request(
    Extract(state): Extract<State>,
    viewer: Viewer,
    Form(form): Form<Bare>,
) -> Answer {
    viewer.sent(&form.form_token)?;
    viewer.caller.need(Scope::Operate)?;
    viewer.caller.allow_whole_plan()?;
    let (request, _) = state.hub.ask_planners(None, None).await.map_err(Fault::from)?;
    let orders = request.orders.len().to_string();
    Ok(Redirect::to(&link("/planning/schedules", &[("asked", Some(orders.as_str()))])).into_response())
}

/// Where a schedule's page is.
fn schedule_path(name: &str) -> String {
    link("/planning/schedule", &[("schedule", Some(name))])
}
