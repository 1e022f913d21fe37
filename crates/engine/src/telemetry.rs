//! What the hub measures of itself: counters and latencies for `/metrics` and for the console's first page.

mod latency;
mod rates;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use lineshaft_logic::alarm::Kind;

use lineshaft_model::{Destination, Millis, Outcome, OutcomeKind};
use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

pub use latency::Latency;
pub use rates::Rates;

/// An input's intake and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InputLabels {
    intake: String,
    status: String,
}

/// A destination and what became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    destination: String,
    outcome: String,
}

/// What every delivery to one destination is counted with, found once.
#[derive(Debug)]
pub struct LaneMeter {
    destination: String,
    delivered: Counter,
    took: Histogram,
}

impl LaneMeter {
    fn labels(&self, kind: OutcomeKind) -> OutcomeLabels {
        OutcomeLabels { destination: self.destination.clone(), outcome: kind.as_str().to_owned() }
    }
}

/// A destination and a state of its deliveries.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct DepthLabels {
    pub(crate) destination: String,
    pub(crate) state: String,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AlarmLabels {
    alarm: String,
}

/// A system.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct SystemLabels {
    pub(crate) system: String,
}

/// A destination.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct LaneLabels {
    pub(crate) destination: String,
}

/// Seconds, from a tenth of a millisecond to a minute.
const SECONDS: [f64; 18] = [
    0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
    30.0, 60.0,
];

/// Everything measured. One for the hub; shared by all its rooms.
#[derive(Debug)]
pub struct Telemetry {
    registry: Mutex<Registry>,
    inputs: Family<InputLabels, Counter>,
    outcomes: Family<OutcomeLabels, Counter>,
    acknowledged: Histogram,
    delivered: Family<LaneLabels, Histogram>,
    commits: Counter,
    commit_bytes: Counter,
    commit_events: Histogram,
    pub(crate) depth: Family<DepthLabels, Gauge>,
    pub(crate) oldest_seconds: Family<LaneLabels, Gauge>,
    pub(crate) in_flight: Family<LaneLabels, Gauge>,
    pub(crate) breaker_open: Family<SystemLabels, Gauge>,
    pub(crate) maintenance: Family<SystemLabels, Gauge>,
    pub(crate) journal_end: Gauge,
    pub(crate) views_lag: Gauge,
    pub(crate) quarantined: Gauge,
    pub(crate) intake_open: Gauge,
    pub(crate) retention_held: Gauge,
    alarms: Family<AlarmLabels, Gauge>,
    pub(crate) spans_exported: Counter,
    pub(crate) spans_dropped: Counter,
    events: AtomicU64,
    deliveries: AtomicU64,
    /// Acknowledgement, last minute.
    pub(crate) acknowledged_recent: Latency,
    /// Acceptance to delivery, last minute.
    pub(crate) delivered_recent: Latency,
    /// Per second, last minute.
    pub(crate) rates: Rates,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self::new()
    }
}

fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

impl Telemetry {
    /// Takes in what is wrong now.
    pub(crate) fn alarms(&self, wrong: &HashMap<Kind, u64>) {
        for kind in Kind::ALL {
            let labels = AlarmLabels { alarm: kind.as_str().to_owned() };
            let count = wrong.get(&kind).copied().unwrap_or(0);
            self.alarms.get_or_create(&labels).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// Nothing measured yet.
    #[must_use]
    pub fn new() -> Self {
        let this = Self {
            registry: Mutex::new(Registry::with_prefix("lineshaft")),
            inputs: Family::default(),
            outcomes: Family::default(),
            acknowledged: seconds(),
            delivered: Family::new_with_constructor(seconds),
            commits: Counter::default(),
            commit_bytes: Counter::default(),
            commit_events: Histogram::new([1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 16384.0]),
            depth: Family::default(),
            oldest_seconds: Family::default(),
            in_flight: Family::default(),
            breaker_open: Family::default(),
            maintenance: Family::default(),
            journal_end: Gauge::default(),
            views_lag: Gauge::default(),
            quarantined: Gauge::default(),
            intake_open: Gauge::default(),
            retention_held: Gauge::default(),
            alarms: Family::default(),
            spans_exported: Counter::default(),
            spans_dropped: Counter::default(),
            events: AtomicU64::new(0),
            deliveries: AtomicU64::new(0),
            acknowledged_recent: Latency::default(),
            delivered_recent: Latency::default(),
            rates: Rates::default(),
        };
        this.register();
        this
    }

    fn register(&self) {
        let mut r = self.registry.lock();
        r.register("inputs", "Inputs by what became of them", self.inputs.clone());
        r.register("outcomes", "Attempts and actions by what became of the delivery", self.outcomes.clone());
        let what = "From arrival to durable and answered";
        r.register_with_unit("acknowledgement", what, Unit::Seconds, self.acknowledged.clone());
        r.register_with_unit(
            "delivery",
            "From acceptance to delivered",
            Unit::Seconds,
            self.delivered.clone(),
        );
        r.register("journal_commits", "Group commits of the journal", self.commits.clone());
        r.register_with_unit(
            "journal_written",
            "Appended to the journal",
            Unit::Bytes,
            self.commit_bytes.clone(),
        );
        r.register("journal_commit_events", "Events in a group commit", self.commit_events.clone());
        r.register("lane_deliveries", "Unfinished deliveries by state", self.depth.clone());
        r.register_with_unit(
            "lane_oldest",
            "Age of the oldest unfinished delivery",
            Unit::Seconds,
            self.oldest_seconds.clone(),
        );
        r.register("lane_in_flight", "Attempts under way", self.in_flight.clone());
        r.register(
            "breaker_open",
            "1 while a system's breaker is open or half open, and no maintenance window is",
            self.breaker_open.clone(),
        );
        r.register(
            "maintenance",
            "1 while a maintenance window of a system is open",
            self.maintenance.clone(),
        );
        r.register("journal_position", "The journal's end", self.journal_end.clone());
        r.register("views_lag_records", "Records the views have not applied yet", self.views_lag.clone());
        r.register("quarantined_open", "Refused inputs that nobody has dealt with", self.quarantined.clone());
        r.register("alarms", "What is wrong now, by kind", self.alarms.clone());
        r.register_with_unit(
            "retention_held",
            "How long something unfinished has kept the journal from dropping what is due; 0 when nothing does",
            Unit::Seconds,
            self.retention_held.clone(),
        );
        r.register("intake_open", "1 while the hub takes input", self.intake_open.clone());
        r.register("spans_exported", "Spans of traces that a collector took", self.spans_exported.clone());
        r.register(
            "spans_dropped",
            "Spans that no collector took in time: traces have gaps, events have none",
            self.spans_dropped.clone(),
        );
    }

    /// Counts what became of inputs of one intake.
    pub fn inputs(&self, intake: &str, status: &str, count: u64) {
        let labels = InputLabels { intake: intake.to_owned(), status: status.to_owned() };
        self.inputs.get_or_create(&labels).inc_by(count);
    }

    /// Measures one acknowledgement.
    #[expect(
        clippy::float_arithmetic,
        reason = "metrics are floating point by their format; no quantity or money"
    )]
    pub fn acknowledged(&self, took_us: u64) {
        self.acknowledged.observe(took_us as f64 / 1e6);
        self.acknowledged_recent.record(took_us);
    }

    /// Measures an attempt's end.
    #[expect(
        clippy::float_arithmetic,
        reason = "metrics are floating point by their format; no quantity or money"
    )]
    pub fn outcome(&self, lane: &LaneMeter, outcome: &Outcome, since: Millis) {
        if outcome.kind == OutcomeKind::Delivered {
            lane.delivered.inc();
            let took_ms = outcome.at.since(since);
            lane.took.observe(took_ms as f64 / 1e3);
            self.delivered_recent.record(u64::try_from(took_ms).unwrap_or(0).saturating_mul(1000));
        } else {
            self.outcomes.get_or_create(&lane.labels(outcome.kind)).inc();
        }
    }

    /// The meter of one destination.
    pub fn lane(&self, destination: &Destination) -> LaneMeter {
        let destination = destination.as_str().to_owned();
        let delivered = OutcomeLabels {
            destination: destination.clone(),
            outcome: OutcomeKind::Delivered.as_str().to_owned(),
        };
        LaneMeter {
            delivered: self.outcomes.get_or_create(&delivered).clone(),
            took: self.delivered.get_or_create(&LaneLabels { destination: destination.clone() }).clone(),
            destination,
        }
    }

    /// Measures a group commit.
    pub fn committed(&self, tallied: crate::recorder::Tallied, now: Millis) {
        self.commits.inc();
        self.commit_bytes.inc_by(tallied.bytes);
        self.commit_events.observe(tallied.events as f64);
        self.events.fetch_add(tallied.events, Ordering::Relaxed);
        self.deliveries.fetch_add(tallied.delivered, Ordering::Relaxed);
        self.rates.count(now, tallied.events, tallied.delivered);
    }

    /// Events and deliveries since start.
    #[must_use]
    pub fn totals(&self) -> (u64, u64) {
        (self.events.load(Ordering::Relaxed), self.deliveries.load(Ordering::Relaxed))
    }

    /// The text of `/metrics` (OpenMetrics 1.0).
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::new();
        match prometheus_client::encoding::text::encode(&mut text, &self.registry.lock()) {
            Ok(()) => text,
            // Writing into a String does not fail.
            Err(std::fmt::Error) => String::new(),
        }
    }
}
