//! The contract of an exporter of spans: where the traces of events go, when somebody wants them.

use std::fmt;

use futures::future::BoxFuture;

/// One step in the life of an event, as OpenTelemetry has it. Ids are W3C trace context's
/// (<https://www.w3.org/TR/trace-context/>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The trace of the event.
    pub trace: u128,
    /// Its own id, never 0.
    pub id: u64,
    /// The span it belongs to; 0 for the first of a trace.
    pub parent: u64,
    /// What is done: `receive wms/counts`.
    pub name: String,
    /// Its place in the exchange.
    pub kind: SpanKind,
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    pub start_ns: u64,
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    pub end_ns: u64,
    /// The code of what went wrong; empty when nothing did.
    pub error: String,
    /// What else is known of it.
    pub attributes: Vec<(&'static str, String)>,
}

/// A span's place in an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// Within the hub.
    Internal,
    /// Somebody asked us.
    Server,
    /// We asked somebody.
    Client,
}

/// Why spans were not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotExported {
    /// Not now: the same spans may be sent again, after so many milliseconds when the receiver said so.
    Again {
        /// What the receiver asked for.
        after_ms: Option<u64>,
        /// What happened.
        why: String,
    },
    /// Never, as they are.
    Refused {
        /// What happened.
        why: String,
    },
}

/// Takes spans to a collector. It makes one attempt for each call, bounds itself, and neither waits nor repeats: the engine
/// does, and drops spans rather than hold up an event.
pub trait SpanExport: Send + Sync + fmt::Debug {
    /// Sends spans.
    fn export<'a>(&'a self, spans: &'a [Span]) -> BoxFuture<'a, Result<(), NotExported>>;
}
