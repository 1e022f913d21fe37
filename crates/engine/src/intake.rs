//! Intake: from bytes to a durable answer. Documents are cut, checked, mapped and routed here; the recorder decides what is
//! new and writes it.

pub(crate) mod bounds;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use lineshaft_logic::cloudevents;
pub use lineshaft_logic::cloudevents::Mode;
use lineshaft_logic::draft::Draft;
use lineshaft_logic::draft::Sender;
use lineshaft_logic::plan::{Plan, SourcePlan};
use lineshaft_logic::prepare::{self, Around, Document, Prepared, Whole};
use lineshaft_logic::sequence::Sequence;
use lineshaft_model::json::Limits;
use lineshaft_model::record::Token;
use lineshaft_model::{Fingerprint, Priority, Reason};
use lineshaft_ports::{HandOver, Receipt};
pub use lineshaft_ports::{Input, Refusal};
use parking_lot::Mutex;
use tokio::sync::{MutexGuard, mpsc, oneshot};

use crate::conductor::{PROCESSES, Sent};
use crate::hub::Shared;
use crate::recorder::admission::hash_of;
use crate::references::ViewReferences;
use crate::tracer::Times;
use crate::watchman::HUB;
use crate::work::{Admitted, Candidate, Intake as IntakeWork, Item, Owing, Verdict, Work};

/// The system that the planner's own events come from.
pub(crate) const PLANNING: &str = "planning";
/// The part of an intake whose token tells how far the sequence of its source has come. No file of a source is called so.
const SEQUENCE: &str = "#sequence";

/// Inputs larger than this are prepared on the pool for blocking work, so that they hold up nobody else.
const LARGE_BYTES: usize = 128 * 1024;

/// The way in. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Intake {
    shared: Arc<Shared>,
    work: mpsc::Sender<Work>,
}

/// The events of one HTTP request.
#[derive(Clone, Debug)]
pub struct EventsCall {
    /// The content mode.
    pub mode: Mode,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
    /// Media type.
    pub content_type: String,
    /// W3C trace context of the request; empty for none.
    pub traceparent: String,
    /// The system the caller speaks for; empty when it may speak for any.
    pub system: String,
}

/// What goes into the journal with the events of an input.
#[derive(Debug, Default)]
struct Besides {
    /// How far the source has been read.
    resume: Option<Token>,
    /// A delivery that no route asked for, for each event that owes one; it comes first.
    owing: Vec<Option<Owing>>,
    /// The numbers that preparing gave the events in the sequence of their source.
    numbers: Option<Arc<Mutex<Vec<u64>>>>,
}

impl Intake {
    pub(crate) const fn new(shared: Arc<Shared>, work: mpsc::Sender<Work>) -> Self {
        Self { shared, work }
    }

    /// Takes the events of a CloudEvents request; answers once they are durable.
    pub async fn events(&self, call: EventsCall) -> Result<Vec<Admitted>, Refusal> {
        let bytes = call.body.len();
        self.take("events", bytes, Besides::default(), move |plan, references, now_text, now| {
            let around = Around {
                plan,
                intake: "events",
                content_type: &call.content_type,
                headers: &call.headers,
                traceparent: &call.traceparent,
                now,
                now_text,
                references,
            };
            let limits = Limits { bytes: plan.document_bytes, ..Limits::DEFAULT };
            let sender = Sender { tenant: &plan.tenant, system: &call.system, site: "" };
            let parts = cloudevents::read(call.mode, &call.headers, &call.body, &limits);
            if parts.len() > plan.batch_events.max(1) {
                return vec![prepare::too_many(&around, &call.body, "")];
            }
            let prepared = parts
                .into_iter()
                .map(|part| prepare::cloud_event(&around, sender, &part.bytes, part.draft))
                .collect();
            bounds::keep(&around, prepared, &call.body, "")
        })
        .await
    }

    /// Takes one input of a source; answers once all of it is durable. `None` when no such source is configured.
    pub async fn input(&self, intake: &str, input: Input) -> Option<Result<Vec<Admitted>, Refusal>> {
        let source = Arc::clone(self.shared.setup.load().plan.sources.get(intake)?);
        let bytes = input.bytes.len();
        // Bulk is slowed down first, so that what is urgent still finds room.
        if source.priority == Some(Priority::Bulk)
            && self.shared.room.available_permits() < self.shared.not_for_bulk
        {
            let why =
                "much input is waiting for the disk, and the last of the room is not for bulk".to_owned();
            return Some(Err(Refusal::Busy { after_ms: 1_000, why }));
        }
        let resume =
            input.resume.clone().map(|(part, token)| Token { intake: intake.to_owned(), part, token });
        let name = intake.to_owned();
        let numbers = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&numbers);
        let numbers = source.sequence.is_some().then_some(numbers);
        let besides = Besides { resume, numbers, ..Besides::default() };
        let taken = self
            .take(intake, bytes, besides, move |plan, references, now_text, now| {
                let around = Around {
                    plan,
                    intake: &name,
                    content_type: &input.content_type,
                    headers: &input.headers,
                    traceparent: &input.traceparent,
                    now,
                    now_text,
                    references,
                };
                let prepared = prepare_input(&around, &source, &input);
                if let Some(sequence) = &source.sequence {
                    *noted.lock() = prepare::numbers(&around, sequence, &prepared);
                }
                bounds::keep(&around, prepared, &input.bytes, &input.origin)
            })
            .await;
        Some(taken)
    }

    /// Takes events that the hub itself has come to, as from a system of this name. What is refused is quarantined like any
    /// input; a hub that stops comes to the same again.
    pub(crate) async fn derived(&self, system: &str, drafts: Vec<Draft>) -> Vec<Admitted> {
        let bytes = drafts.iter().map(|draft| draft.data.len()).sum();
        // What is taken over from another planning system comes the planner's way as well.
        let way = if system == HUB { HUB } else { PLANNING };
        let name = system.to_owned();
        let taken = self
            .take(way, bytes, Besides::default(), move |plan, references, now_text, now| {
                let around = Around {
                    plan,
                    intake: way,
                    content_type: "application/json",
                    headers: &[],
                    traceparent: "",
                    now,
                    now_text,
                    references,
                };
                let sender = Sender { tenant: &plan.tenant, system: &name, site: "" };
                drafts.into_iter().map(|draft| prepare::derived(&around, sender, draft)).collect()
            })
            .await;
        if let Err(Refusal::Busy { why, .. }) = &taken {
            tracing::warn!(code = "derived-not-kept", "what {system} came to is not kept: {why}");
        }
        taken.unwrap_or_default()
    }

    /// Takes what processes ask for: requests to operations, each with the delivery it owes, and events. Asked for again they are
    /// duplicates.
    pub(crate) async fn requested(&self, sent: Arc<Vec<Sent>>) -> Result<Vec<Admitted>, Refusal> {
        let bytes = sent.iter().map(|sent| sent.draft.data.len()).sum();
        let owing = sent.iter().map(|sent| sent.owing.clone()).collect();
        let besides = Besides { owing, ..Besides::default() };
        self.take(PROCESSES, bytes, besides, move |plan, references, now_text, now| {
            let around = Around {
                plan,
                intake: PROCESSES,
                content_type: "application/json",
                headers: &[],
                traceparent: "",
                now,
                now_text,
                references,
            };
            let one = |sent: &Sent| {
                // An event says itself where it comes from.
                let system = if sent.owing.is_some() { PROCESSES } else { "" };
                let sender = Sender { tenant: &plan.tenant, system, site: "" };
                prepare::derived(&around, sender, sent.draft.clone())
            };
            sent.iter().map(one).collect()
        })
        .await
    }

    /// Waits for room, prepares, hands to the recorder and waits until it is durable.
    async fn take<F>(
        &self,
        intake: &str,
        bytes: usize,
        besides: Besides,
        prepare: F,
    ) -> Result<Vec<Admitted>, Refusal>
    where
        F: FnOnce(&Plan, &ViewReferences<'_>, &str, lineshaft_model::Millis) -> Vec<Prepared>
            + Send
            + 'static,
    {
        let Besides { resume, owing, numbers } = besides;
        bounds::check(bytes)?;
        let arrived_us = self.shared.clock.ticks_us();
        let Ok(_room) = self.shared.room.try_acquire_many(permits(bytes)) else {
            let why = "more input is waiting for the disk than memory is set aside for".to_owned();
            return Err(Refusal::Busy { after_ms: 1_000, why });
        };
        let shared = Arc::clone(&self.shared);
        let make = move || {
            let setup = shared.setup.load();
            let now = shared.clock.now();
            let references = ViewReferences::new(&shared.views, &setup.plan.tenant);
            let prepared = prepare(&setup.plan, &references, &now.to_string(), now);
            let owing = owing.into_iter().chain(std::iter::repeat(None));
            let items = prepared.into_iter().zip(owing).map(|(prepared, owing)| {
                let mut item = item(&shared, &setup.plan, prepared);
                if let (Item::Event(candidate), Some(owing)) = (&mut item, owing) {
                    candidate.owed.insert(0, owing);
                }
                item
            });
            items.collect::<Vec<Item>>()
        };
        let items = if bytes > LARGE_BYTES {
            tokio::task::spawn_blocking(make).await.map_err(|_| Refusal::Closed)?
        } else {
            make()
        };
        let prepared_us = self.shared.clock.ticks_us();
        let tracer = self.shared.tracer.get();
        let traced = tracer.and_then(|tracer| Some((tracer, tracer.received(&items)?)));
        let (reply, answer) = oneshot::channel();
        {
            // Held until it is handed over, so that what is written last is how far the sequence has come.
            let (sequence, _held) = match numbers {
                None => (None, None),
                Some(numbers) => self.note_numbers(intake, &numbers).await?,
            };
            let work = IntakeWork { intake: Arc::from(intake), items, resume, sequence, reply };
            self.work.send(Work::Intake(work)).await.map_err(|_| Refusal::Closed)?;
        }
        let admitted = answer.await.map_err(|_| Refusal::Closed)??;
        let acknowledged_us = self.shared.clock.ticks_us();
        self.shared.telemetry.acknowledged(acknowledged_us.saturating_sub(arrived_us));
        if let Some((tracer, received)) = traced {
            let times = Times { arrived_us, prepared_us, acknowledged_us };
            tracer.acknowledged(received, intake, &admitted, times, &*self.shared.clock);
        }
        self.count(intake, &admitted);
        Ok(admitted)
    }

    /// Takes numbers into the sequence of their source; gives how far it has come then.
    async fn note_numbers(
        &self,
        intake: &str,
        numbers: &Mutex<Vec<u64>>,
    ) -> Result<(Option<Token>, Option<MutexGuard<'_, HashMap<String, Sequence>>>), Refusal> {
        let numbers = std::mem::take(&mut *numbers.lock());
        if numbers.is_empty() {
            return Ok((None, None));
        }
        let mut sequences = self.shared.sequences.lock().await;
        if !sequences.contains_key(intake) {
            let tokens = self.shared.views.tokens(intake).map_err(|_| Refusal::Closed)?;
            let kept = tokens.iter().find(|(part, _)| part == SEQUENCE);
            let sequence = kept.map_or_else(Sequence::default, |(_, token)| Sequence::from_token(token));
            sequences.insert(intake.to_owned(), sequence);
        }
        let now = self.shared.clock.now();
        let Some(sequence) = sequences.get_mut(intake) else { return Ok((None, None)) };
        numbers.into_iter().for_each(|number| sequence.note(number, now));
        let token = sequence.to_token();
        let token = Token { intake: intake.to_owned(), part: SEQUENCE.to_owned(), token };
        Ok((Some(token), Some(sequences)))
    }

    pub(crate) fn count(&self, intake: &str, admitted: &[Admitted]) {
        for verdict in ["accepted", "stale", "echo", "duplicate", "quarantined"] {
            let count = admitted.iter().filter(|a| a.verdict.as_str() == verdict).count() as u64;
            if count > 0 {
                self.shared.telemetry.inputs(intake, verdict, count);
            }
        }
        if let Some((system, _)) = intake.split_once('/') {
            self.shared.heard.lock().insert(intake.to_owned(), self.shared.clock.now());
            self.shared.systems.get(system).received(admitted.len() as u64, self.shared.clock.now());
        }
        for refused in admitted.iter().filter(|a| a.verdict == Verdict::Quarantined) {
            let (code, message) =
                refused.reasons.first().map_or(("", ""), |r| (r.code.as_str(), r.message.as_str()));
            tracing::warn!(intake, position = refused.position.0, code, "quarantined: {message}");
        }
    }
}

/// One permit for each KiB begun.
fn permits(bytes: usize) -> u32 {
    u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX)
}

fn prepare_input(around: &Around<'_>, source: &SourcePlan, input: &Input) -> Vec<Prepared> {
    let mut prepared = Vec::new();
    // An input without bytes only records how far its source has been read.
    let only_token = input.bytes.is_empty() && input.resume.is_some();
    if input.documents.is_empty() && input.broken.is_empty() && !only_token {
        let whole = Whole { bytes: &input.bytes, identity: &input.identity, origin: &input.origin };
        prepared = prepare::whole(around, source, whole);
    }
    for cut in &input.documents {
        let raw = input.bytes.slice(within(&cut.raw, input.bytes.len()));
        let document = Document {
            json: cut.json.clone(),
            raw,
            origin: cut.origin.clone(),
            identity: cut.identity.clone(),
        };
        prepared.extend(prepare::document(around, source, &document));
    }
    for part in &input.broken {
        let raw = input.bytes.slice(within(&part.raw, input.bytes.len()));
        prepared.push(prepare::broken(around, raw, part.origin.clone(), part.reasons.clone()));
    }
    prepared
}

/// A range that a door gave, kept within the bytes it speaks of.
fn within(range: &std::ops::Range<usize>, length: usize) -> std::ops::Range<usize> {
    let end = range.end.min(length);
    range.start.min(end)..end
}

/// What was prepared, with the doors of the lanes it goes to.
pub(crate) fn item(shared: &Shared, plan: &Plan, prepared: Prepared) -> Item {
    match prepared {
        Prepared::Quarantine(quarantine) => Item::Quarantine(quarantine),
        Prepared::Event { mut event, owes } => {
            if !crate::trace::is_valid(&event.envelope.traceparent) {
                let identity: Fingerprint = event.envelope.identity();
                event.envelope.traceparent = crate::trace::begin(identity);
            }
            let owed = owes
                .into_iter()
                .map(|owes| {
                    let route = &plan.routes[owes.route];
                    Owing {
                        route: Arc::clone(&route.name),
                        door: shared.lanes.door(&route.to),
                        priority: owes.priority,
                        order_key: owes.order_key,
                        parks: route.parks,
                    }
                })
                .collect();
            let hash = hash_of(&event.data);
            Item::Event(Box::new(Candidate { event: *event, hash, owed }))
        }
    }
}

/// The way in for one source that runs by itself.
#[derive(Debug)]
pub(crate) struct SourceHandOver {
    pub(crate) intake: Intake,
    pub(crate) name: String,
}

impl HandOver for SourceHandOver {
    fn hand_over(&self, input: Input) -> BoxFuture<'_, Result<Receipt, Refusal>> {
        Box::pin(async move {
            let admitted = self.intake.input(&self.name, input).await.unwrap_or(Err(Refusal::Closed))?;
            let count = |verdict: Verdict| admitted.iter().filter(|a| a.verdict == verdict).count() as u32;
            let (duplicates, quarantined) = (count(Verdict::Duplicate), count(Verdict::Quarantined));
            Ok(Receipt {
                position: admitted.iter().map(|a| a.position).max().unwrap_or_default(),
                accepted: admitted.len() as u32 - duplicates - quarantined,
                duplicates,
                quarantined,
            })
        })
    }

    fn resume(&self) -> BoxFuture<'_, Vec<(String, String)>> {
        let tokens = self.intake.shared.views.tokens(&self.name);
        Box::pin(async move {
            let mut tokens = tokens.unwrap_or_else(|error| {
                self.intake.shared.supervisor.fatal(&Reason::new("views-unreadable", error.to_string()));
                Vec::new()
            });
            tokens.retain(|(part, _)| part != SEQUENCE);
            tokens
        })
    }

    fn pause(&self, delay_ms: u64) -> BoxFuture<'_, ()> {
        self.intake.shared.clock.pause(delay_ms)
    }
}

/// A span of time as workspaces and the API write it, in milliseconds.
pub fn parse_span_ms(text: &str) -> Result<u64, String> {
    lineshaft_logic::spec::Span::parse(text).map(|span| u64::try_from(span.0).unwrap_or(0))
}
