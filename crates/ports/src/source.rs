//! The source contract: something that brings bytes from a system to the hub.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use futures::future::BoxFuture;
use lineshaft_model::{Position, Reasons};
use tokio_util::sync::CancellationToken;

/// One input as the source met it: raw bytes, what is known of them, and how far the source will have read once this is
/// durable. One without bytes, documents and broken parts only records its resume token.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// As sent. One document of the source's format, or a whole body that the source's format splits into several.
    pub bytes: Bytes,
    /// Media type; empty when the protocol gave none.
    pub content_type: String,
    /// The source's own identity of this input (file and line, message id, delivery id); empty when it has none. The same
    /// input handed over twice carries the same identity.
    pub identity: String,
    /// Where it stood, for people: `orders.csv line 17`.
    pub origin: String,
    /// Headers worth keeping, names in lower case, from the source's allow-list.
    pub headers: Vec<(String, String)>,
    /// W3C trace context that came with it.
    pub traceparent: String,
    /// Documents already cut out of `bytes` by a source that decodes as it reads; empty when the hub is to decode.
    pub documents: Vec<Cut>,
    /// Rows that could not be decoded; they are quarantined while the documents go on.
    pub broken: Vec<Broken>,
    /// How far the source has read once this input is durable: (part, token); an empty token forgets the part.
    pub resume: Option<(String, String)>,
}

/// One decoded document of an input.
#[derive(Clone, Debug)]
pub struct Cut {
    /// The document as JSON text.
    pub json: Bytes,
    /// Its bytes within the input.
    pub raw: Range<usize>,
    /// Where it stood, for people.
    pub origin: String,
    /// Its identity within the source; empty to derive it from the input.
    pub identity: String,
}

/// A part of an input that could not be decoded.
#[derive(Clone, Debug)]
pub struct Broken {
    /// Its bytes within the input.
    pub raw: Range<usize>,
    /// Where it stood, for people.
    pub origin: String,
    /// What is wrong.
    pub reasons: Reasons,
}

/// The hub's word that an input is durable: events accepted, kept or recognised, and what was refused is quarantined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The last record that this input produced; zero when all of it was known already.
    pub position: Position,
    /// Events taken.
    pub accepted: u32,
    /// Events known already.
    pub duplicates: u32,
    /// Parts refused and kept in quarantine.
    pub quarantined: u32,
}

/// Why the hub did not take an input. Nothing of it was kept; the source keeps its place and tries again later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The hub has no room (queue, disk reserve): try again after so many milliseconds.
    Busy {
        /// How long to wait at least.
        after_ms: u64,
        /// Why, for the log and the answer.
        why: String,
    },
    /// The hub is stopping.
    Closed,
    /// It is more than the hub can keep, even in quarantine: it is no use to hand it over again as it is.
    TooLarge {
        /// Its bytes.
        bytes: usize,
        /// The most that the hub takes.
        most: usize,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy { after_ms, why } => {
                write!(f, "the hub has no room: {why}; try again after {after_ms} ms")
            }
            Self::Closed => f.write_str("the hub is stopping"),
            Self::TooLarge { bytes, most } => {
                write!(f, "the input has {bytes} bytes, and the hub takes {most} at once")
            }
        }
    }
}

/// What the engine gives a source: the way in, the place to resume from, and time.
pub trait HandOver: Send + Sync {
    /// Hands an input over and resolves once it is durable. Only then may the source move on: acknowledge the message,
    /// answer the caller, move the file.
    fn hand_over(&self, input: Input) -> BoxFuture<'_, Result<Receipt, Refusal>>;

    /// The resume tokens recorded for this source: (part, token).
    fn resume(&self) -> BoxFuture<'_, Vec<(String, String)>>;

    /// Resolves after so many milliseconds of the hub's clock.
    fn pause(&self, delay_ms: u64) -> BoxFuture<'_, ()>;
}

/// Something that brings bytes from a system to the hub by itself (a poll, a folder, a subscription).
///
/// - It hands over raw bytes with an identity and a resume token, and moves on only after [`HandOver::hand_over`] said durable:
///   at least once, never less. The hub recognises what comes twice.
/// - On [`Refusal::Busy`] it waits and keeps its place; it never drops and never buffers without bound.
/// - It returns `Ok` when cancelled and `Err` with a reason when it cannot go on; the supervisor starts it again with a backoff.
/// - It spawns nothing that outlives its future.
pub trait Source: Send + fmt::Debug {
    /// Runs until cancelled.
    fn run<'a>(
        &'a mut self,
        hub: &'a dyn HandOver,
        stop: CancellationToken,
    ) -> BoxFuture<'a, Result<(), lineshaft_model::Reason>>;
}
