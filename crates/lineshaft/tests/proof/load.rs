//! The load: writers that send numbered events, each until it is acknowledged, at a bounded rate over connections kept alive.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::caller::{Answer, Call, Caller};
use crate::ledger::Ledger;

/// Writers side by side, each with a connection.
const WRITERS: u64 = 12;

/// Keys of each writer. Only it writes them, one request after the other, so the order of each is known.
const KEYS: usize = 4;

/// Events of one batch.
const BATCH: u64 = 4;

/// The system that the events come from; its source `counts` takes them as documents.
pub(crate) const FEED: &str = "system: feed\nconnector: http\nsources:\n  counts: { format: json }\n";

/// What the writers share.
#[derive(Debug)]
pub(crate) struct Load {
    /// Where the hub is, while it is.
    pub(crate) address: watch::Sender<Option<SocketAddr>>,
    token: String,
    pub(crate) ledger: Ledger,
    stop: AtomicBool,
    /// Events in the ledger.
    pub(crate) acknowledged: watch::Sender<u64>,
    /// Requests on their way.
    pub(crate) in_flight: watch::Sender<u64>,
    /// Requests that were sent and never answered: the proof that something struck.
    pub(crate) cut_off: AtomicU64,
    /// Events that the hub knew when they were sent again: kept before the kill, the answer lost.
    pub(crate) known_already: AtomicU64,
    /// Requests put off by 429 or 503.
    pub(crate) put_off: AtomicU64,
}

/// An event of the load: a key of a writer and its number within the key.
#[derive(Clone, Copy, Debug)]
struct Numbered {
    writer: u64,
    key: usize,
    number: u64,
}

impl Load {
    pub(crate) fn new(token: &str, ledger: Ledger) -> Arc<Self> {
        Arc::new(Self {
            address: watch::Sender::new(None),
            token: token.to_owned(),
            ledger,
            stop: AtomicBool::new(false),
            acknowledged: watch::Sender::new(0),
            in_flight: watch::Sender::new(0),
            cut_off: AtomicU64::new(0),
            known_already: AtomicU64::new(0),
            put_off: AtomicU64::new(0),
        })
    }

    /// Starts the writers, about `rate` events a second in all.
    pub(crate) fn start(self: &Arc<Self>, seed: u64, rate: u64) -> Vec<JoinHandle<()>> {
        // A quarter of the requests are batches.
        let events_of_four_requests = 3 + BATCH;
        let pause = Duration::from_micros(WRITERS * events_of_four_requests * 1_000_000 / (4 * rate.max(1)));
        (0..WRITERS).map(|writer| tokio::spawn(Arc::clone(self).write(writer, seed, pause))).collect()
    }

    /// Lets each writer finish what it has begun.
    pub(crate) async fn finish(&self, writers: Vec<JoinHandle<()>>) {
        self.stop.store(true, Ordering::Release);
        for writer in writers {
            writer.await.unwrap();
        }
    }

    /// Waits until so many events are acknowledged in all.
    pub(crate) async fn reached(&self, goal: u64) {
        let mut acknowledged = self.acknowledged.subscribe();
        let waited =
            tokio::time::timeout(Duration::from_secs(60), acknowledged.wait_for(|count| *count >= goal))
                .await;
        assert!(waited.is_ok(), "the hub stopped acknowledging at {}", *self.acknowledged.borrow());
    }

    /// Waits until a request has been on its way for `moment`, and says how many are.
    pub(crate) async fn under_way(&self, moment: Duration) -> u64 {
        let mut in_flight = self.in_flight.subscribe();
        let waited = tokio::time::timeout(Duration::from_secs(60), async {
            loop {
                let _ = in_flight.wait_for(|count| *count > 0).await;
                let begun = Instant::now();
                // A timer is too coarse for a request that takes less than a millisecond.
                while begun.elapsed() < moment {
                    tokio::task::yield_now().await;
                }
                let count = *in_flight.borrow();
                if count > 0 {
                    return count;
                }
            }
        });
        waited.await.unwrap_or_else(|_| panic!("no request was on its way for {moment:?}"))
    }

    async fn write(self: Arc<Self>, writer: u64, seed: u64, pause: Duration) {
        let mut dice = StdRng::seed_from_u64(seed ^ (writer << 32));
        let mut numbers = [0; KEYS];
        let mut ticks = interval(pause);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut caller = None;
        while !self.stop.load(Ordering::Acquire) {
            let shape = dice.random_range(0..4);
            let count = if shape == 0 { BATCH } else { 1 };
            let events: Vec<Numbered> = (0..count)
                .map(|_| {
                    let key = dice.random_range(0..KEYS);
                    numbers[key] += 1;
                    Numbered { writer, key, number: numbers[key] }
                })
                .collect();
            let call = match shape {
                0 => batch(&events),
                1 => structured(events[0]),
                2 => binary(events[0]),
                _ => document(events[0]),
            };
            self.acknowledge(&call, &events, &mut caller, &mut ticks).await;
            let ids: Vec<String> = events.iter().map(|event| event.id()).collect();
            self.ledger.enter(&ids).await;
            self.acknowledged.send_modify(|all| *all += count);
        }
    }

    /// Sends the same request until it is acknowledged.
    async fn acknowledge(
        &self,
        call: &Call,
        events: &[Numbered],
        kept: &mut Option<Caller>,
        ticks: &mut Interval,
    ) {
        let mut address = self.address.subscribe();
        loop {
            ticks.tick().await;
            let Some(now) = *address.wait_for(Option::is_some).await.unwrap() else { continue };
            let mut caller = kept
                .take()
                .filter(|kept| kept.address == now)
                .unwrap_or_else(|| Caller::new(now, &self.token));
            if caller.connect().await.is_err() {
                continue;
            }
            self.in_flight.send_modify(|count| *count += 1);
            let answer = caller.call(call).await;
            self.in_flight.send_modify(|count| *count -= 1);
            match answer {
                Ok(answer) if answer.status == 202 => {
                    self.count(&answer, events);
                    *kept = Some(caller);
                    return;
                }
                Ok(answer) if matches!(answer.status, 429 | 503) => {
                    self.put_off.fetch_add(1, Ordering::Relaxed);
                    *kept = Some(caller);
                }
                Ok(answer) => panic!("{call:?} was answered {}: {}", answer.status, answer.text()),
                Err(_) => {
                    self.cut_off.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    fn count(&self, answer: &Answer, events: &[Numbered]) {
        let verdicts = answer.verdicts();
        assert_eq!(verdicts.len(), events.len(), "{}", answer.text());
        for verdict in verdicts {
            match verdict.as_str() {
                "accepted" => {}
                "duplicate" => drop(self.known_already.fetch_add(1, Ordering::Relaxed)),
                other => panic!("a good event is {other}: {}", answer.text()),
            }
        }
    }
}

impl Numbered {
    fn id(self) -> String {
        format!("{}-{}-{}", self.writer, self.key, self.number)
    }

    fn subject(self) -> String {
        format!("BIN-{}-{}", self.writer, self.key)
    }

    /// What the sink reads: id, subject and revision, and some weight.
    fn data(self) -> Value {
        json!({
            "id": self.id(), "subject": self.subject(), "revision": self.number,
            "counted": { "value": "12.500", "unit": "KGM" }, "remark": "x".repeat(200),
        })
    }

    fn event(self) -> Value {
        json!({
            "specversion": "1.0", "id": self.id(), "source": "urn:lineshaft:main:feed",
            "type": "lineshaft.inventory.counted.v1", "subject": self.subject(), "sequence": self.number.to_string(),
            "datacontenttype": "application/json", "data": self.data(),
        })
    }
}

fn structured(event: Numbered) -> Call {
    Call::post("/v1/events", "application/cloudevents+json", event.event().to_string())
}

fn batch(events: &[Numbered]) -> Call {
    let events: Vec<Value> = events.iter().map(|event| event.event()).collect();
    Call::post("/v1/events", "application/cloudevents-batch+json", Value::Array(events).to_string())
}

fn binary(event: Numbered) -> Call {
    let mut call = Call::post("/v1/events", "application/json", event.data().to_string());
    let Value::Object(attributes) = event.event() else { return call };
    for (name, value) in
        attributes.iter().filter(|(name, _)| !matches!(name.as_str(), "data" | "datacontenttype"))
    {
        call = call.with(&format!("ce-{name}"), value.as_str().unwrap_or_default());
    }
    call
}

/// The same as a document of the source, which has no mapping.
fn document(event: Numbered) -> Call {
    let document = json!({
        "type": "lineshaft.inventory.counted.v1", "id": event.id(), "subject": event.subject(),
        "revision": event.number, "data": event.data(),
    });
    Call::post("/v1/in/feed/counts", "application/json", document.to_string())
}
