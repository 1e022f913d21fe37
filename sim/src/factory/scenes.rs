//! Scenes on demand, and the factory's own pages: the list of systems, the audit, the stories.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde_json::json;

use crate::factory::Floor;
use crate::plan::Scene;

impl Floor {
    /// The scene that the plan itself contains.
    pub(super) fn expect_first_scene(&self, at_ms: u64) {
        if let Some(scene) = Scene::new(&self.catalogue, 0, at_ms) {
            self.story.expect(&scene);
            *self.scenes_played.lock() = 1;
        }
    }

    /// Puts the next scene on the pulse.
    pub(super) fn play_cycle_count(&self) -> Option<Scene> {
        let mut played = self.scenes_played.lock();
        let scene = Scene::new(&self.catalogue, *played, self.clock.elapsed_ms())?;
        *played += 1;
        self.story.expect(&scene);
        self.asked.lock().extend(scene.steps.iter().cloned());
        self.asked_more.notify_one();
        Some(scene)
    }
}

pub(super) fn pages(floor: &Arc<Floor>) -> Router {
    Router::new()
        .route("/sim", get(|| async { Json(json!({ "systems": crate::config::SYSTEMS })) }))
        .route("/sim/stories", get(stories))
        .route("/sim/scenes/cycle-count", post(play))
        .with_state(Arc::clone(floor))
}

async fn stories(State(floor): State<Arc<Floor>>) -> Response {
    let told: Vec<_> = floor
        .story
        .stories()
        .into_iter()
        .map(|story| json!({ "told": story.tell(), "complete": story.is_complete(), "story": story }))
        .collect();
    Json(json!({ "stories": told })).into_response()
}

async fn play(State(floor): State<Arc<Floor>>) -> Response {
    match floor.play_cycle_count() {
        Some(scene) => (
            StatusCode::ACCEPTED,
            Json(json!({ "sheet": scene.sheet, "item": scene.item, "orders": scene.orders })),
        )
            .into_response(),
        None => (
            StatusCode::CONFLICT,
            Json(json!({ "error": "every part kept for this scene has been counted; start again" })),
        )
            .into_response(),
    }
}
