//! The routes that all systems have alike: one thing shown, one thing put under its key, one document posted.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::{MethodRouter, get, post, put};
use serde_json::Value;

use crate::station::answer::Answer;
use crate::station::delivery::Delivery;
use crate::station::system::{Desk, Simulated, System};

type DeskOf<'a, S> = Desk<'a, <S as Simulated>::Todo>;
type Answered = Result<Answer, Answer>;

/// Takes what is put under a key.
type Take<S> = fn(&mut S, &str, &Value, &mut DeskOf<'_, S>) -> Answered;

/// Takes what is posted.
type TakeIn<S> = fn(&mut S, &Value, &mut DeskOf<'_, S>) -> Answered;

/// Shows one thing of a part of the state.
pub(crate) fn shows<S: Simulated>(part: &'static str) -> MethodRouter<Arc<System<S>>> {
    get(async move |State(system): State<Arc<System<S>>>, Path(key): Path<String>| {
        let view = system.state.lock().view(&format!("{part}/{key}"));
        view.map_or_else(|| Answer::not_found(&key), Answer::ok)
    })
}

/// Takes what is put under a key, once per idempotency key.
pub(crate) fn takes<S: Simulated>(operation: &'static str, act: Take<S>) -> MethodRouter<Arc<System<S>>> {
    put(async move |State(system): State<Arc<System<S>>>, Path(key): Path<String>, delivery: Delivery| {
        system.once(operation, &delivery, |state, desk| act(state, &key, &delivery.body, desk))
    })
}

/// Takes what is posted, once per idempotency key.
pub(crate) fn takes_in<S: Simulated>(
    operation: &'static str,
    act: TakeIn<S>,
) -> MethodRouter<Arc<System<S>>> {
    post(async move |State(system): State<Arc<System<S>>>, delivery: Delivery| {
        system.once(operation, &delivery, |state, desk| act(state, &delivery.body, desk))
    })
}
