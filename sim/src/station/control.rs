//! The pages under `/sim`: faults, sums, effects and state, for people and tests.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::station::fault::{Fault, Mode};
use crate::station::ledger::Effect;
use crate::station::system::{Simulated, System};

/// The control pages of one system, without a prefix.
pub(crate) fn pages<S: Simulated>(system: &Arc<System<S>>) -> Router {
    Router::new()
        .route("/stats", get(stats))
        .route("/effects", get(effects))
        .route("/faults", get(faults).put(set_fault).delete(clear_faults))
        .route("/state", get(parts))
        .route("/state/{*what}", get(state))
        .with_state(Arc::clone(system))
}

async fn stats<S: Simulated>(State(system): State<Arc<System<S>>>) -> Response {
    Json(system.station.stats()).into_response()
}

#[derive(Debug, Deserialize)]
struct EffectQuery {
    /// Only effects whose id contains this.
    id: Option<String>,
    /// Only effects that happened more than once.
    #[serde(default)]
    double: bool,
}

async fn effects<S: Simulated>(
    State(system): State<Arc<System<S>>>,
    Query(query): Query<EffectQuery>,
) -> Json<Value> {
    let wanted = |effect: &Effect, count: u64| {
        query.id.as_ref().is_none_or(|part| effect.id.contains(part)) && (!query.double || count > 1)
    };
    let effects: Vec<Value> = system
        .station
        .ledger
        .lock()
        .effects()
        .into_iter()
        .filter(|(effect, count)| wanted(effect, *count))
        .map(|(effect, count)| json!({ "operation": effect.operation, "id": effect.id, "count": count }))
        .collect();
    Json(json!({ "effects": effects }))
}

async fn faults<S: Simulated>(State(system): State<Arc<System<S>>>) -> Json<Value> {
    Json(json!({ "system": system.station.name, "faults": system.station.faults.view() }))
}

async fn set_fault<S: Simulated>(State(system): State<Arc<System<S>>>, body: Bytes) -> Response {
    match Fault::from_json(&body) {
        Ok(fault) => {
            system.station.faults.set(fault);
            faults(State(system)).await.into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response(),
    }
}

#[derive(Debug, Deserialize)]
struct ClearQuery {
    mode: Option<Mode>,
}

async fn clear_faults<S: Simulated>(
    State(system): State<Arc<System<S>>>,
    Query(query): Query<ClearQuery>,
) -> Json<Value> {
    system.station.faults.clear(query.mode);
    faults(State(system)).await
}

async fn parts<S: Simulated>(State(system): State<Arc<System<S>>>) -> Response {
    state(State(system), Path(String::new())).await
}

async fn state<S: Simulated>(State(system): State<Arc<System<S>>>, Path(what): Path<String>) -> Response {
    let view = system.state.lock().view(&what);
    match view {
        Some(view) => Json(view).into_response(),
        None => (
            StatusCode::NOT_FOUND,
            Json(json!({ "error": format!("there is no `{what}` here; GET /sim/state lists the parts") })),
        )
            .into_response(),
    }
}
