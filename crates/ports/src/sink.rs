//! The sink contract: one operation of one system, as the courier sees it.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use lineshaft_model::{Answer, DeliveryId, Envelope, IdempotencyKey, Millis};

/// One attempt to deliver one event to one operation.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Which delivery, for logs.
    pub id: DeliveryId,
    /// The event's attributes, shared by its deliveries.
    pub envelope: Arc<Envelope>,
    /// The event's canonical data, compact JSON.
    pub data: Bytes,
    /// What the operation's mapping made of the event; the canonical data when the operation has no mapping.
    pub body: Bytes,
    /// The texts of [`Sink::slots`], rendered for this event, in the same order.
    pub slots: Vec<String>,
    /// The same on every attempt and replay.
    pub idempotency_key: IdempotencyKey,
    /// Which attempt this is, from 1.
    pub attempt: u16,
    /// The W3C trace context to send on: the event's trace with this attempt as the parent. Empty for none.
    pub traceparent: String,
    /// The hub's time, for signatures that carry one; doors have no clock.
    pub now: Millis,
}

/// A text of an operation that depends on the event, for instance a path with `{{ .data.key }}` in it. The engine renders
/// it, so that doors need no expression language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Where it stands in the system's configuration, as a JSON pointer.
    pub at: String,
    /// The text with its `{{ }}` expressions.
    pub template: String,
    /// How the value of an expression is made safe.
    pub escape: Escape,
}

/// How the value of an expression is made safe for its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// Percent-encoded as one path segment.
    PathSegment,
    /// Percent-encoded as a query value.
    QueryValue,
    /// Control characters refused, as header values ask.
    Header,
    /// As it is.
    Plain,
}

/// One operation of one system.
///
/// - It makes exactly one attempt for each call and never waits between attempts, retries or sleeps on its own: the
///   courier decides when, the lane decides in which order.
/// - Every answer is final for the attempt: [`Answer::Delivered`] only when the target confirmed the effect,
///   [`Answer::Refused`] when the target said the request itself is wrong, [`Answer::Again`] when there was certainly no
///   effect (connection refused, 429, 503), [`Answer::Unknown`] when the request had gone out and no answer came back.
/// - It bounds itself: connect, write, answer and body size have limits from its configuration.
/// - Dropping the future cancels the attempt; the courier then treats the outcome as unknown.
/// - It may be called many times at once; the courier keeps to the configured concurrency.
pub trait Sink: Send + Sync + fmt::Debug {
    /// Makes one attempt.
    fn deliver<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Answer>;

    /// The texts that depend on the event; rendered before each attempt.
    fn slots(&self) -> &[Slot] {
        &[]
    }

    /// Asks the target whether the effect of this delivery is there, after an unknown outcome. `Delivered` when it is,
    /// `Again` when it certainly is not, `Unknown` when the target cannot tell. The default cannot tell.
    fn verify<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Answer> {
        let _ = delivery;
        Box::pin(async {
            Answer::Unknown {
                reason: lineshaft_model::Reason::new(
                    "verify-not-configured",
                    "the operation has no way to ask the target what happened",
                ),
            }
        })
    }

    /// Whether the target keeps our idempotency key, so that an unknown outcome may simply be tried again.
    fn keeps_idempotency_key(&self) -> bool;

    /// Whether [`Sink::verify`] can tell.
    fn can_verify(&self) -> bool {
        false
    }
}
