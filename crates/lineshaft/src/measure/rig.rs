//! A hub in this process, with sinks that answer at once, or are down.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use lineshaft_engine::clock::{Clock, SystemClock};
use lineshaft_engine::intake::Mode;
use lineshaft_engine::{EventsCall, Handle, Hub, HubOptions, Setup, Supervisor, SystemSetup};
use lineshaft_logic::pace::{BreakerRule, Limits};
use lineshaft_logic::plan::{Class, Route};
use lineshaft_model::{Answer, Destination, Millis, Position, Reason};
use lineshaft_ports::{Delivery, Sink};
use lineshaft_store::index::Span;
use lineshaft_store::journal::disk::RealDisk;
use lineshaft_store::journal::{Journal, Options};
use lineshaft_store::views::Views;

use super::Measured;
use super::feed::ROUTES;

/// A target in this process.
#[derive(Debug, Default)]
pub struct Target {
    /// Deliveries it has taken.
    pub taken: AtomicU64,
    /// Whether it refuses every connection.
    pub down: AtomicBool,
}

impl Sink for Target {
    fn deliver<'a>(&'a self, _delivery: &'a Delivery) -> BoxFuture<'a, Answer> {
        Box::pin(async {
            if self.down.load(Ordering::Relaxed) {
                let reason = Reason::new("connect-failed", "the target is down");
                return Answer::Again { status: 0, after_ms: None, reason };
            }
            self.taken.fetch_add(1, Ordering::Relaxed);
            Answer::Delivered { status: 200, foreign_key: None }
        })
    }

    fn keeps_idempotency_key(&self) -> bool {
        true
    }
}

/// The hub that is measured.
#[derive(Debug)]
pub struct Bench {
    /// The hub.
    pub hub: Handle,
    /// Where everything goes.
    pub target: Arc<Target>,
}

/// Opens the journal of a measurement.
pub fn open_journal(folder: &Path) -> Measured<Journal> {
    let known_durable = Views::applied_in(&folder.join("views")).unwrap_or_default();
    let options = Options { known_durable, reserve_bytes: 0, ..Options::default() };
    let now = SystemClock::new().now();
    Journal::open(RealDisk, folder.join("journal"), options, now).map_err(|error| error.to_string().into())
}

/// The spans of a journal's segments.
#[must_use]
pub fn spans(journal: &Journal) -> Vec<Span> {
    journal.segments().iter().map(|s| Span { first: s.first, last: s.last }).collect()
}

impl Bench {
    /// Opens a hub on a folder, with the first `routes` of [`ROUTES`].
    pub fn open(folder: &Path, routes: usize, down: bool) -> Measured<Self> {
        let target = Arc::new(Target { down: AtomicBool::new(down), ..Target::default() });
        let setup = setup(&target, routes)?;
        let journal = open_journal(folder)?;
        let options = HubOptions {
            journal_id: journal.id(),
            segments: spans(&journal),
            journal: Box::new(journal),
            index_dir: folder.join("index"),
            views_dir: folder.join("views"),
            waiting_bytes: 256 << 20,
            clock: Arc::new(SystemClock::new()),
            seed: 1,
        };
        let supervisor = Supervisor::new(Arc::new(|reason: &Reason| {
            tracing::error!(code = reason.code, at = reason.at, "the hub cannot go on: {}", reason.message);
            std::process::exit(1);
        }));
        let failed = |reason: Reason| format!("{reason:?}");
        let hub = Hub::open(options, setup, supervisor, &mut |_| {}).map_err(failed)?;
        Ok(Self { hub: hub.start(Vec::new()).map_err(failed)?, target })
    }

    /// Sends batches, `in_flight` at a time; resolves when the last is acknowledged.
    pub async fn send(&self, batches: Vec<Bytes>, in_flight: usize) -> Measured<u64> {
        use futures::StreamExt;
        let mut sent = futures::stream::iter(batches.into_iter().map(|body| self.call(body)))
            .buffer_unordered(in_flight);
        let mut events = 0;
        while let Some(taken) = sent.next().await {
            events += taken?;
        }
        Ok(events)
    }

    fn call(&self, body: Bytes) -> BoxFuture<'static, Measured<u64>> {
        let intake = self.hub.intake().clone();
        let call = EventsCall {
            mode: Mode::Batch,
            headers: Vec::new(),
            body,
            content_type: "application/cloudevents-batch+json".to_owned(),
            traceparent: String::new(),
            system: String::new(),
        };
        // A task of its own, as a connection of a server would have one.
        #[expect(clippy::disallowed_methods, reason = "the sender stands outside the hub that is measured")]
        let call = tokio::spawn(async move { intake.events(call).await });
        Box::pin(async move {
            let admitted = call.await?.map_err(|refusal| refusal.to_string())?;
            let refused = admitted.iter().find(|a| a.position == Position::ZERO || !a.reasons.is_empty());
            match refused {
                Some(refused) => Err(format!("an event was refused: {refused:?}").into()),
                None => Ok(admitted.len() as u64),
            }
        })
    }

    /// Resolves when the views have applied everything up to a position.
    pub async fn applied(&self, position: Position) -> Measured<()> {
        let mut applied = self.hub.applied();
        let reached =
            tokio::time::timeout(Duration::from_secs(600), applied.wait_for(|at| *at >= position)).await;
        reached
            .map_err(|_| format!("the views are at {} after ten minutes", *self.hub.applied().borrow()))??;
        Ok(())
    }

    /// The journal's end.
    #[must_use]
    pub fn end(&self) -> Position {
        *self.hub.end().borrow()
    }
}

fn setup(target: &Arc<Target>, routes: usize) -> Measured<Setup> {
    let mut setup = Setup::default();
    setup.plan.tenant = "main".to_owned();
    setup.plan.document_bytes = 4 << 20;
    setup.plan.batch_events = 10_000;
    for (name, to) in &ROUTES[..routes] {
        let destination = Destination::parse(to).map_err(|reason| format!("{reason:?}"))?;
        let system = SystemSetup {
            limits: Limits { concurrency: 64, ..Limits::default() },
            breaker: BreakerRule { cool_down_ms: 1_000, ..BreakerRule::default() },
            ..SystemSetup::default()
        };
        setup.systems.insert(destination.system().to_owned(), system);
        let sink: Arc<dyn Sink> = Arc::<Target>::clone(target);
        setup.sinks.insert((*to).to_owned(), sink);
        setup.plan.routes.push(Route {
            name: Arc::from(*name),
            on: "lineshaft.*.*.*".parse().map_err(|_| "not a pattern")?,
            when: None,
            to: destination,
            priority: Class::OfTheEvent,
            order_by: None,
            parks: true,
        });
    }
    Ok(setup)
}

/// The time of day.
#[must_use]
pub fn now() -> Millis {
    SystemClock::new().now()
}
