//! A simulated target: keeps the effects it was asked for, by idempotency key, and answers when the world says so.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use lineshaft_model::{Answer, DeliveryId, Reason};
use lineshaft_ports::{Delivery, Sink};
use parking_lot::Mutex;
use tokio::sync::oneshot;

/// What is to become of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The effect is there, and the answer says so.
    Done,
    /// The effect is there, and the answer is lost.
    Lost,
    /// No effect: not now.
    Again,
    /// No effect: never.
    Refuse,
    /// The request is lost before any effect, and so is the answer.
    Vanish,
}

/// One effect: which event, about which business key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Effect {
    pub(super) subject: String,
    pub(super) id: String,
    /// What was delivered.
    pub(super) data: Bytes,
    pub(super) delivery: DeliveryId,
}

/// What a target can do about a lost answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// It keeps the idempotency key.
    #[default]
    KeepsKey,
    /// It can be asked.
    CanBeAsked,
    /// Neither.
    Neither,
}

#[derive(Debug, Default)]
struct State {
    effects: Vec<Effect>,
    keys: HashMap<String, Effect>,
    /// Deliveries whose effect is there.
    there: HashSet<DeliveryId>,
    waiting: Vec<(Delivery, oneshot::Sender<Fate>)>,
    calls: u64,
}

/// The target. A clone is the same target; it survives the hub's crashes.
#[derive(Clone, Debug, Default)]
pub(super) struct Target(Arc<Mutex<State>>, Kind);

impl Target {
    /// A target that can do this about a lost answer.
    pub(super) fn of(kind: Kind) -> Self {
        Self(Arc::default(), kind)
    }

    /// Whether a person who looks finds the effect of a delivery.
    pub(super) fn shows(&self, id: DeliveryId) -> bool {
        self.0.lock().there.contains(&id)
    }

    pub(super) fn keeps_key(&self) -> bool {
        self.1 == Kind::KeepsKey
    }

    /// Ids of the events whose requests wait for their fate.
    pub(super) fn asked(&self) -> Vec<String> {
        let state = self.0.lock();
        state.waiting.iter().map(|(delivery, _)| delivery.envelope.id.clone()).collect()
    }

    /// Requests that wait for their fate.
    pub(super) fn waiting(&self) -> usize {
        let mut state = self.0.lock();
        state.waiting.retain(|(_, fate)| !fate.is_closed());
        state.waiting.len()
    }

    /// Decides about one of the waiting requests.
    pub(super) fn decide(&self, pick: usize, fate: Fate) {
        let mut state = self.0.lock();
        let i = pick % state.waiting.len();
        let (delivery, answer) = state.waiting.swap_remove(i);
        // A target that knows the key answers as it did.
        let known = self.1 == Kind::KeepsKey && state.there.contains(&delivery.id);
        let fate = if known && fate == Fate::Refuse { Fate::Done } else { fate };
        if matches!(fate, Fate::Done | Fate::Lost) {
            let effect = Effect {
                subject: delivery.envelope.subject.clone(),
                id: delivery.envelope.id.clone(),
                data: delivery.data.clone(),
                delivery: delivery.id,
            };
            let key = delivery.idempotency_key.as_str().to_owned();
            state.there.insert(delivery.id);
            match state.keys.get(&key) {
                Some(known) => {
                    assert_eq!(known, &effect, "one idempotency key for two effects");
                    assert_eq!(self.1, Kind::KeepsKey, "a second effect of {}", delivery.id);
                }
                None => {
                    state.keys.insert(key, effect.clone());
                    state.effects.push(effect);
                }
            }
        }
        let _gone = answer.send(fate);
    }

    /// The process that asked is gone.
    pub(super) fn forget_requests(&self) {
        self.0.lock().waiting.clear();
    }

    /// Every effect in the order in which it came about.
    pub(super) fn effects(&self) -> Vec<Effect> {
        self.0.lock().effects.clone()
    }
}

impl Sink for Target {
    fn deliver<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Answer> {
        let (decided, fate) = oneshot::channel();
        {
            let mut state = self.0.lock();
            state.calls += 1;
            state.waiting.push((delivery.clone(), decided));
        }
        Box::pin(async move {
            let reason = |code: &str| Reason::new(code, "simulated");
            match fate.await {
                Ok(Fate::Done) => Answer::Delivered { status: 200, foreign_key: None },
                Ok(Fate::Again) => Answer::Again { status: 503, after_ms: None, reason: reason("again") },
                Ok(Fate::Refuse) => Answer::Refused { status: 422, reason: reason("refused") },
                Ok(Fate::Lost | Fate::Vanish) => Answer::Unknown { reason: reason("lost") },
                Err(_) => futures::future::pending().await,
            }
        })
    }

    fn keeps_idempotency_key(&self) -> bool {
        self.1 == Kind::KeepsKey
    }

    fn can_verify(&self) -> bool {
        self.1 == Kind::CanBeAsked
    }

    fn verify<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Answer> {
        let (there, reason) = (self.shows(delivery.id), Reason::new("verify-absent", "simulated"));
        Box::pin(async move {
            if there {
                Answer::Delivered { status: 200, foreign_key: None }
            } else {
                Answer::Again { status: 404, after_ms: None, reason }
            }
        })
    }
}
