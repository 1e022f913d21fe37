//! The HTTP API: one file for each resource.

mod balance;
mod configuration;
pub(crate) mod dead_letters;
mod deliveries;
mod events;
mod health;
mod inputs;
pub(crate) mod jobs;
pub(crate) mod listing;
mod objects;
mod openapi;
pub(crate) mod planning;
mod problems;
mod processes;
pub(crate) mod quarantine;
mod search;
mod stream;
mod systems;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use lineshaft_model::Reason;
use lineshaft_model::sight::Sight;
use lineshaft_store::reading::{Reading, ReadingError};

use crate::access::Caller;
use crate::problem::Problem;
use crate::state::State;
pub(crate) use systems::act_on;

/// Every route of the API. Each handler names the scope it needs; `health` alone is open.
pub fn routes(state: &State) -> Router<State> {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/openapi.json", get(openapi::document))
        .route("/problems/{code}", get(problems::page))
        .route("/v1/events", get(events::list).post(inputs::events))
        .route("/v1/events/stream", get(stream::events))
        .route("/v1/events/{position}", get(events::show))
        .route("/v1/in/{system}/{source}", post(inputs::input))
        .route("/v1/objects", get(objects::types))
        .route("/v1/objects/{type}", get(objects::list))
        .route("/v1/objects/{type}/{*key}", get(objects::show))
        .route("/v1/search", get(search::search))
        .route("/v1/deliveries", get(deliveries::list))
        .route("/v1/deliveries/{id}", get(deliveries::show))
        .route("/v1/dead-letters", get(dead_letters::list))
        .route("/v1/dead-letters/bulk", post(jobs::letters))
        .route("/v1/dead-letters/{id}", get(dead_letters::show))
        .route("/v1/dead-letters/{id}/edit", post(dead_letters::edit))
        .route("/v1/dead-letters/{id}/preview", post(dead_letters::preview))
        .route("/v1/dead-letters/{id}/{action}", post(dead_letters::act))
        .route("/v1/quarantine", get(quarantine::list))
        .route("/v1/quarantine/{position}", get(quarantine::show))
        .route("/v1/quarantine/{position}/edit", post(quarantine::edit))
        .route("/v1/quarantine/{position}/preview", post(quarantine::preview))
        .route("/v1/quarantine/{position}/{action}", post(quarantine::act))
        .route("/v1/replays", post(jobs::replay))
        .route("/v1/jobs", get(jobs::list))
        .route("/v1/jobs/{position}", get(jobs::show))
        .route("/v1/jobs/{position}/{action}", post(jobs::act))
        .route("/v1/systems", get(systems::list))
        .route("/v1/systems/{name}/{action}", post(systems::act))
        .route("/v1/availability", get(planning::availability))
        .route("/v1/shortages", get(planning::shortages))
        .route("/v1/shortages/options", get(planning::options))
        .route("/v1/impact", post(planning::what_if))
        .route("/v1/impacts", get(planning::impacts))
        .route("/v1/plan", get(planning::plan))
        .route("/v1/plan/late-orders", get(planning::late_orders))
        .route("/v1/plan/orders/{*key}", get(planning::order))
        .route("/v1/plan/pegging", get(planning::pegging))
        .route("/v1/plan/request", get(planning::request).post(planning::ask_planners))
        .route("/v1/plan/schedules", get(planning::schedules))
        .route("/v1/plan/schedules/{schedule}", get(planning::schedule))
        .route("/v1/plan/schedules/{schedule}/take", post(planning::take))
        .route("/v1/processes", get(processes::list))
        .route("/v1/processes/{id}", get(processes::show))
        .route("/v1/processes/{id}/{action}", post(processes::act))
        .route("/v1/cases", get(processes::cases))
        .route("/v1/commands/{name}", post(processes::command))
        .route("/v1/balance", get(balance::balance))
        .route("/v1/overview", get(balance::overview))
        .route("/v1/configuration/reload", post(configuration::reload))
        .layer(DefaultBodyLimit::max(state.body_bytes))
}

/// Runs a blocking read on the pool for that, with the caller's eyes.
pub(crate) async fn read<T: Send + 'static>(
    state: &State,
    caller: &Caller,
    read: impl FnOnce(&Reading) -> Result<T, ReadingError> + Send + 'static,
) -> Result<T, Problem> {
    let seen = state.hub.reading().seen_by(Arc::clone(&caller.sight) as Arc<dyn Sight>);
    let outcome = tokio::task::spawn_blocking(move || read(&seen)).await;
    match outcome {
        Ok(Ok(value)) => Ok(value),
        // The caller's own mistake, such as a cursor that no page gave, or the store's.
        Ok(Err(error)) => Err(Problem::of(error.reason())),
        Err(_) => Err(Problem::of(Reason::new("internal-fault", "a read failed"))),
    }
}
