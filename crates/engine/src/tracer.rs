//! The tracer: one trace for each event, with a span for its receipt, its preparation, its append and each attempt.
//!
//! Spans are told to it after the fact and wait in a bounded channel for the exporter. When that is full they are dropped and
//! counted: a trace is worth less than an event. A hub without an exporter has no tracer, and asking for it is one load.

use std::sync::Arc;

use lineshaft_model::{Answer, Destination, Millis};
use lineshaft_ports::{Delivery, NotExported, Span, SpanExport, SpanKind};
use prometheus_client::metrics::counter::Counter;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::telemetry::Telemetry;
use crate::trace::{self, Context};
use crate::work::{Admitted, Item, Verdict};

/// Spans that may wait for the exporter.
const WAITING: usize = 16_384;

/// Spans in one export at most.
const TOGETHER: usize = 512;

/// How long spans are gathered for one export.
const GATHER_MS: u64 = 1_000;

/// Attempts to export the same spans, and the wait before the second; each wait is twice the one before.
const ATTEMPTS: u32 = 5;
const FIRST_WAIT_MS: u64 = 1_000;

/// The longest wait between two attempts, whatever the receiver asks for.
const LONGEST_WAIT_MS: u64 = 30_000;

/// Which traces are exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceOptions {
    /// One trace in so many, 1 for all; decided by the trace's id, so that a trace is exported whole or not at all.
    pub one_in: u64,
}

/// Where spans are told.
#[derive(Debug)]
pub(crate) struct Tracer {
    spans: mpsc::Sender<Span>,
    one_in: u64,
    dropped: Counter,
}

/// The events of one input that are traced, told before they go to the recorder.
#[derive(Debug)]
pub(crate) struct Received {
    /// By their place among the items.
    events: Vec<(usize, Seen)>,
}

#[derive(Debug)]
struct Seen {
    own: Context,
    parent: u64,
    attributes: Vec<(&'static str, String)>,
}

/// When an input arrived, was prepared and was acknowledged, in the clock's ticks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) arrived_us: u64,
    pub(crate) prepared_us: u64,
    pub(crate) acknowledged_us: u64,
}

impl Tracer {
    /// A tracer, and the task that takes its spans to the exporter.
    pub(crate) fn new(
        export: Arc<dyn SpanExport>,
        options: TraceOptions,
        telemetry: &Telemetry,
        clock: Arc<dyn Clock>,
        stop: CancellationToken,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (spans, waiting) = mpsc::channel(WAITING);
        let dropped = telemetry.spans_dropped.clone();
        let tracer = Self { spans, one_in: options.one_in.max(1), dropped: dropped.clone() };
        let exported = telemetry.spans_exported.clone();
        (tracer, Exporter { export, waiting, clock, stop, exported, dropped }.run())
    }

    fn is_wanted(&self, context: Context) -> bool {
        context.is_sampled && ((context.trace >> 1) as u64).is_multiple_of(self.one_in)
    }

    /// What of an input is traced.
    pub(crate) fn received(&self, items: &[Item]) -> Option<Received> {
        let events = items.iter().enumerate().filter_map(|(n, item)| Some((n, self.seen(item)?)));
        let events: Vec<_> = events.collect();
        (!events.is_empty()).then_some(Received { events })
    }

    fn seen(&self, item: &Item) -> Option<Seen> {
        match item {
            Item::Event(candidate) => {
                let envelope = &candidate.event.envelope;
                let (own, parent) = trace::received(envelope).filter(|(own, _)| self.is_wanted(*own))?;
                let attributes = vec![
                    ("cloudevents.event_id", envelope.id.clone()),
                    ("cloudevents.event_source", envelope.source.clone()),
                    ("cloudevents.event_type", envelope.event_type.clone()),
                    ("cloudevents.event_subject", envelope.subject.clone()),
                ];
                Some(Seen { own, parent, attributes })
            }
            // What was refused has a trace when its sender had one.
            Item::Quarantine(quarantine) => {
                let given =
                    trace::read(&quarantine.head.traceparent).filter(|given| self.is_wanted(*given))?;
                let own = trace::derived(given, &quarantine.head.origin);
                Some(Seen { own, parent: given.span, attributes: Vec::new() })
            }
        }
    }

    /// The input's events are durable: their spans are told.
    pub(crate) fn acknowledged(
        &self,
        received: Received,
        intake: &str,
        admitted: &[Admitted],
        times: Times,
        clock: &dyn Clock,
    ) {
        let ends = Ends::now(clock.now(), times.acknowledged_us);
        let [arrived, prepared, end] =
            [times.arrived_us, times.prepared_us, times.acknowledged_us].map(|us| ends.at(us));
        for (n, seen) in received.events {
            let Some(admitted) = admitted.get(n) else { continue };
            let Seen { own, parent, mut attributes } = seen;
            attributes.push(("lineshaft.intake", intake.to_owned()));
            attributes.push(("lineshaft.status", admitted.verdict.as_str().to_owned()));
            attributes.push(("lineshaft.position", admitted.position.to_string()));
            let error = match admitted.verdict {
                Verdict::Quarantined => admitted.reasons.first().map_or("refused", |reason| &reason.code),
                _ => "",
            };
            let inside = |name: &str, start_ns, end_ns| Span {
                trace: own.trace,
                id: trace::derived(own, name).span,
                parent: own.span,
                name: name.to_owned(),
                kind: SpanKind::Internal,
                start_ns,
                end_ns,
                error: String::new(),
                attributes: Vec::new(),
            };
            self.tell(inside("prepare", arrived, prepared));
            self.tell(inside("append", prepared, end));
            self.tell(Span {
                trace: own.trace,
                id: own.span,
                parent,
                name: format!("receive {intake}"),
                kind: SpanKind::Server,
                start_ns: arrived,
                end_ns: end,
                error: error.to_owned(),
                attributes,
            });
        }
    }

    /// An attempt ended. Its span is the one its target was told of.
    pub(crate) fn attempted(
        &self,
        delivery: &Delivery,
        destination: &Destination,
        answer: &Answer,
        begun_us: u64,
        clock: &dyn Clock,
    ) {
        let Some(own) = trace::read(&delivery.traceparent).filter(|own| self.is_wanted(*own)) else { return };
        let Some((receipt, _)) = trace::received(&delivery.envelope) else { return };
        let ended_us = clock.ticks_us();
        let ends = Ends::now(clock.now(), ended_us);
        let (outcome, status, error) = match answer {
            Answer::Delivered { status, .. } => ("delivered", *status, ""),
            Answer::Again { status, reason, .. } => ("again", *status, reason.code.as_str()),
            Answer::Refused { status, reason } => ("refused", *status, reason.code.as_str()),
            Answer::Unknown { reason } => ("unknown", 0, reason.code.as_str()),
        };
        let mut attributes = vec![
            ("lineshaft.delivery", delivery.id.to_string()),
            ("lineshaft.destination", destination.as_str().to_owned()),
            ("lineshaft.attempt", delivery.attempt.to_string()),
            ("lineshaft.outcome", outcome.to_owned()),
        ];
        if status > 0 {
            attributes.push(("http.response.status_code", status.to_string()));
        }
        self.tell(Span {
            trace: own.trace,
            id: own.span,
            parent: receipt.span,
            name: format!("deliver {destination}"),
            kind: SpanKind::Client,
            start_ns: ends.at(begun_us),
            end_ns: ends.at(ended_us),
            error: error.to_owned(),
            attributes,
        });
    }

    fn tell(&self, span: Span) {
        if self.spans.try_send(span).is_err() {
            self.dropped.inc();
        }
    }
}

/// Ticks as times of day, counted back from now.
#[derive(Clone, Copy)]
struct Ends {
    now_ns: u64,
    now_us: u64,
}

impl Ends {
    fn now(now: Millis, now_us: u64) -> Self {
        Self { now_ns: u64::try_from(now.0).unwrap_or(0).saturating_mul(1_000_000), now_us }
    }

    const fn at(self, ticks_us: u64) -> u64 {
        self.now_ns.saturating_sub(self.now_us.saturating_sub(ticks_us).saturating_mul(1_000))
    }
}

/// Takes the spans that wait to the collector.
struct Exporter {
    export: Arc<dyn SpanExport>,
    waiting: mpsc::Receiver<Span>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
    exported: Counter,
    dropped: Counter,
}

impl Exporter {
    async fn run(mut self) {
        let mut spans = Vec::with_capacity(TOGETHER);
        loop {
            let more = tokio::select! {
                taken = self.waiting.recv_many(&mut spans, TOGETHER) => taken > 0,
                () = self.stop.cancelled() => false,
            };
            let more = more && self.gather(&mut spans).await;
            if !more {
                self.last(spans).await;
                return;
            }
            self.send(&mut spans).await;
        }
    }

    /// Waits a moment for more, so that a quiet hub does not send span by span. Whether the hub goes on.
    async fn gather(&mut self, spans: &mut Vec<Span>) -> bool {
        let mut enough = self.clock.pause(GATHER_MS);
        while spans.len() < TOGETHER {
            let room = TOGETHER - spans.len();
            tokio::select! {
                taken = self.waiting.recv_many(spans, room) => if taken == 0 { return false },
                () = &mut enough => return true,
                () = self.stop.cancelled() => return false,
            }
        }
        true
    }

    /// Sends with a few attempts; what is not taken then is dropped.
    async fn send(&mut self, spans: &mut Vec<Span>) {
        let mut wait_ms = FIRST_WAIT_MS;
        for attempt in 1..=ATTEMPTS {
            match self.export.export(spans).await {
                Ok(()) => {
                    self.exported.inc_by(spans.len() as u64);
                    spans.clear();
                    return;
                }
                Err(NotExported::Again { after_ms, .. }) if attempt < ATTEMPTS => {
                    let wait = after_ms.unwrap_or(wait_ms).min(LONGEST_WAIT_MS);
                    tokio::select! {
                        () = self.clock.pause(wait) => {}
                        () = self.stop.cancelled() => break,
                    }
                    wait_ms *= 2;
                }
                Err(NotExported::Again { why, .. } | NotExported::Refused { why }) => {
                    tracing::warn!(
                        code = "spans-dropped",
                        spans = spans.len(),
                        "spans were not taken: {why}"
                    );
                    break;
                }
            }
        }
        self.dropped.inc_by(spans.len() as u64);
        spans.clear();
    }

    /// The hub stops: what waits is sent once.
    async fn last(mut self, mut spans: Vec<Span>) {
        while let Ok(span) = self.waiting.try_recv() {
            spans.push(span);
        }
        for some in spans.chunks(TOGETHER) {
            match self.export.export(some).await {
                Ok(()) => self.exported.inc_by(some.len() as u64),
                Err(_) => return,
            };
        }
    }
}
