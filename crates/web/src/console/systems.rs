//! The connected systems: how each is, its lanes, pausing and resuming it.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State as Extract};
use axum::response::{IntoResponse, Redirect};
use lineshaft_engine::Handle;
use lineshaft_model::shown::{LaneRow, SystemRow};
use lineshaft_model::sight::Act;
use serde::Deserialize;

use super::dead_letters::because;
use super::fault::Fault;
use super::session::Viewer;
use super::shell::{Section, Shell};
use super::words::Badge;
use super::{Answer, ask, show};
use crate::api::act_on;
use crate::state::State;

#[derive(Template)]
#[template(path = "systems.html")]
pub(super) struct Page {
    pub(super) shell: Shell,
    pub(super) systems: Vec<SystemRow>,
}

#[derive(Template)]
#[template(path = "lanes.html")]
struct Lanes<'a> {
    shell: &'a Shell,
    lanes: &'a [LaneRow],
}

/// A template of ours: it has escaped what it shows already.
impl askama::filters::HtmlSafe for Lanes<'_> {}

impl Lanes<'_> {
    fn lanes(&self) -> std::slice::Iter<'_, LaneRow> {
        self.lanes.iter()
    }
}

impl Page {
    /// The calls it takes, in words.
    fn limits_of(&self, system: &SystemRow) -> String {
        let pace = &system.pace;
        let rate = match pace.per_1000_s {
            0 => String::from("no rate"),
            rate => format!("{}/s", super::words::rate(rate / 10)),
        };
        format!("{} of {} calls under way, {rate}", pace.under_way, pace.concurrency)
    }

    const fn lanes_of<'a>(&'a self, system: &'a SystemRow) -> Lanes<'a> {
        Lanes { shell: &self.shell, lanes: system.lanes.as_slice() }
    }
}

/// A form's fields.
#[derive(Debug, Deserialize)]
pub(super) struct Filled {
    form_token: String,
    #[serde(default)]
    reason: String,
}

/// Every system with its lanes.
pub(super) async fn page(Extract(state): Extract<State>, viewer: Viewer) -> Answer {
    viewer.caller.allow(Act::SeeHub)?;
    let shell = Shell::new(&state, viewer, Section::Systems, "Systems").live(2_000);
    show(&Page { shell, systems: ask(&state, Handle::systems).await? })
}

/// Pauses or resumes one, or sets its breaker.
pub(super) async fn act(
    Extract(state): Extract<State>,
    viewer: Viewer,
    Path((name, action)): Path<(String, String)>,
    Form(form): Form<Filled>,
) -> Answer {
    viewer.sent(&form.form_token)?;
    viewer.caller.allow_with(Act::Operate, &name)?;
    act_on(&state.hub, &name, &action, because(&viewer, &form.reason)?).await.map_err(Fault::from)?;
    Ok(Redirect::to(&format!("/systems#{name}")).into_response())
}
