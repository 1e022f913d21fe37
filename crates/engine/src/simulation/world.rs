//! The simulated world: clients that send, a process that may die at any moment, targets that misbehave, and the ledgers by
//! which everything is judged at the end.

mod happened;
mod keeping;
mod mending;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use lineshaft_logic::calendar::{Cron, Maintenance, Window};
use lineshaft_logic::deliver::RetryRule;
use lineshaft_logic::pace::{Breaker, BreakerRule, Limits};
use lineshaft_logic::plan::Route;
use lineshaft_model::shown::DeadLetter;
use lineshaft_model::{Destination, Envelope, Event, Position, Priority, Raw, Reason};
use lineshaft_ports::journal::Batch;
use lineshaft_store::index::Span;
use lineshaft_store::journal::disk::sim::{Cut, Fault, SimDisk};
use lineshaft_store::journal::{Journal, Options};
use lineshaft_store::reading::Reading;
use lineshaft_store::views::Projector;
use parking_lot::Mutex;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::clock::SimClock;
use super::target::{Fate, Kind, Target};
use crate::clock::Clock;
use crate::courier::Courier;
use crate::handle::{Asked, Forced};
use crate::hub::Shared;
use crate::keeper::Keeper;
use crate::recorder::admission::hash_of;
use crate::recorder::{Committed, Recorder};
use crate::setup::Setup;
use crate::work::{Admitted, Candidate, Intake, Item, Owing, Verdict, Work};
use crate::{Handle, Supervisor};
pub(super) use happened::Happened;
use mending::edited_under_way;

/// Two lanes share a system; each of the other two can do less about a lost answer.
const DESTINATIONS: [(&str, Kind); 4] = [
    ("aps.put", Kind::KeepsKey),
    ("erp.post", Kind::KeepsKey),
    ("erp.tell", Kind::CanBeAsked),
    ("mes.start", Kind::Neither),
];
const SYSTEMS: [&str; 3] = ["aps", "erp", "mes"];
const STEPS: usize = 160;
const SUBJECTS: u32 = 4;

/// The destination of a flood.
const FLOODED: &str = "erp.post";

/// What became of a critical delivery behind a flood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Overtaken {
    /// Calls under way when it came.
    pub(super) held: u64,
    /// Slots until it was asked for.
    pub(super) slots: u64,
    /// Slots of bulk in the next three hundred, while critical deliveries were plenty.
    pub(super) bulk: u64,
}

/// An event that was sent and what its client has heard.
struct Sent {
    event: Event,
    answer: oneshot::Receiver<Result<Vec<Admitted>, lineshaft_ports::Refusal>>,
}

/// One life of the process.
struct Process {
    shared: Arc<Shared>,
    recorder: Recorder,
    projector: Projector,
    work: mpsc::Sender<Work>,
    waiting: mpsc::Receiver<Work>,
    applied: watch::Sender<Position>,
    to_apply: Vec<Committed>,
    segment: Option<Position>,
    couriers: Vec<JoinHandle<()>>,
    handle: Handle,
    keeper: Keeper,
    /// What the keeper waits for: how far the views must be.
    keeper_waits: Option<oneshot::Receiver<Position>>,
    _end: watch::Sender<Position>,
}

pub(super) struct World {
    rng: SmallRng,
    clock: Arc<SimClock>,
    disk: SimDisk,
    folder: tempfile::TempDir,
    targets: BTreeMap<&'static str, Target>,
    process: Option<Process>,
    pending: Vec<Sent>,
    history: Vec<Event>,
    /// Ids that a client was told are durable, by the position it was told.
    acknowledged: HashMap<String, Position>,
    next_id: u64,
    revisions: HashMap<String, u64>,
    /// How much of the journal is kept; everything when not given.
    keeps_bytes: Option<u64>,
    /// The events that were in the journal before it was cut.
    seen: BTreeMap<Position, Seen>,
    /// Whether an edit needs a second person.
    second_person: bool,
    happened: Happened,
    fatal: Arc<Mutex<Option<Reason>>>,
}

/// An event as the journal had it.
#[derive(Clone, Debug)]
struct Seen {
    id: String,
    subject: String,
    owed: usize,
}

impl World {
    /// A world whose journal keeps only so many bytes.
    pub(super) fn that_keeps(seed: u64, bytes: u64) -> Self {
        Self { keeps_bytes: Some(bytes), ..Self::new(seed) }
    }

    pub(super) fn new(seed: u64) -> Self {
        let targets = DESTINATIONS.iter().map(|(name, kind)| (*name, Target::of(*kind))).collect();
        Self {
            rng: SmallRng::seed_from_u64(seed),
            clock: Arc::default(),
            disk: SimDisk::new(seed),
            folder: tempfile::tempdir().unwrap(),
            targets,
            process: None,
            pending: Vec::new(),
            history: Vec::new(),
            acknowledged: HashMap::new(),
            next_id: 1,
            revisions: HashMap::new(),
            keeps_bytes: None,
            seen: BTreeMap::new(),
            second_person: seed.is_multiple_of(3),
            happened: Happened::default(),
            fatal: Arc::default(),
        }
    }

    /// Plays a whole schedule and judges it.
    pub(super) async fn play(mut self) -> Happened {
        self.start();
        if self.keeps_bytes.is_some() {
            // Only what is finished can go: the schedule comes to rest now and then.
            for _ in 0..3 {
                for _ in 0..STEPS / 3 {
                    self.step().await;
                }
                self.finish().await;
                self.keep_to_the_end().await;
            }
        } else {
            for _ in 0..STEPS {
                self.step().await;
            }
        }
        self.finish().await;
        self.judge();
        self.happened
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn setup(&self) -> Setup {
        let mut setup = Setup::default();
        setup.plan.tenant = "main".into();
        setup.plan.document_bytes = 1 << 20;
        setup.plan.batch_events = 1_000;
        setup.plan.mending.second_person = self.second_person;
        setup.retention.bytes = self.keeps_bytes;
        for (name, target) in &self.targets {
            let sink: Arc<dyn lineshaft_ports::Sink> = Arc::new(target.clone());
            setup.sinks.insert((*name).to_owned(), sink);
            let destination = Destination::parse(name).unwrap();
            setup.systems.insert(destination.system().to_owned(), system(destination.system()));
            setup.plan.retries.insert(
                (*name).to_owned(),
                RetryRule { first_ms: 100, factor_x100: 200, ceiling_ms: 2_000, give_up_after_ms: 20_000 },
            );
            setup.plan.routes.push(Route {
                name: Arc::from(*name),
                on: "lineshaft.*.*.*".parse().unwrap(),
                when: None,
                to: destination,
                priority: lineshaft_logic::plan::Class::OfTheEvent,
                order_by: None,
                parks: true,
            });
        }
        setup
    }

    /// Starts a process over what the last one left.
    fn start(&mut self) {
        let options = Options {
            segment_bytes: if self.keeps_bytes.is_some() { 4 << 10 } else { 8 << 10 },
            reserve_bytes: 0,
            journal: Some(7),
            known_durable: lineshaft_store::views::Views::applied_in(&self.path("views")).unwrap_or_default(),
            ..Options::default()
        };
        let journal = Journal::open(self.disk.clone(), "/journal", options, self.clock.now()).unwrap();
        let segments: Vec<Span> =
            journal.segments().iter().map(|s| Span { first: s.first, last: s.last }).collect();
        let options = crate::HubOptions {
            journal_id: journal.id(),
            journal: Box::new(journal),
            segments,
            index_dir: self.path("index"),
            views_dir: self.path("views"),
            waiting_bytes: 1 << 20,
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            seed: self.rng.random(),
        };
        let fatal = Arc::clone(&self.fatal);
        let supervisor =
            Supervisor::new(Arc::new(move |reason: &Reason| *fatal.lock() = Some(reason.clone())));
        let hub = crate::Hub::open(options, self.setup(), supervisor, &mut |_| {}).unwrap();
        self.process = Some(Process::start(hub));
    }

    async fn step(&mut self) {
        match self.rng.random_range(0..100) {
            0..25 => self.send_new(),
            25..30 => self.send_again(),
            30..50 => self.commit(),
            50..60 => {
                self.apply();
                self.keep();
            }
            60..84 => self.answer(),
            84..92 => {
                let by_ms = self.rng.random_range(1..700);
                self.clock.advance(by_ms);
            }
            92..94 => self.mend().await,
            94 => self.act().await,
            95 => self.set_clock(),
            96..98 => self.kill(),
            _ => self.cut_power(),
        }
        settle().await;
        self.listen();
        assert_eq!(*self.fatal.lock(), None);
    }

    fn send_new(&mut self) {
        let subject = format!("ITEM-{}", self.rng.random_range(0..SUBJECTS));
        let revision = if self.rng.random_bool(0.7) {
            let next = self.revisions.entry(subject.clone()).or_default();
            *next += 1;
            *next
        } else {
            0
        };
        let id = format!("e{}", self.next_id);
        self.next_id += 1;
        let envelope = Envelope {
            id: id.clone(),
            source: "urn:lineshaft:main:wms".into(),
            event_type: "lineshaft.item.changed.v1".into(),
            subject,
            tenant: "main".into(),
            revision,
            priority: Some(Priority::ALL[self.rng.random_range(0..4)]),
            ..Envelope::default()
        };
        let event = Event {
            envelope,
            data: Bytes::from(format!("{{\"n\":\"{id}\"}}")),
            raw: Raw::Same,
            intake: "events".into(),
            keys: Vec::new(),
            received: self.clock.now(),
        };
        self.history.push(event.clone());
        self.send(event);
    }

    /// A client that heard nothing sends again; so does one that forgot it had heard.
    fn send_again(&mut self) {
        if self.history.is_empty() {
            return;
        }
        let pick = self.rng.random_range(0..self.history.len());
        if self.keeps_bytes.is_some() && self.may_be_forgotten(&self.history[pick].envelope.id) {
            return;
        }
        let event = Event { received: self.clock.now(), ..self.history[pick].clone() };
        self.send(event);
    }

    fn send(&mut self, event: Event) {
        let Some(process) = &self.process else { return };
        let (reply, answer) = oneshot::channel();
        let owed = DESTINATIONS.iter().map(|(name, _)| Owing {
            route: Arc::from(*name),
            door: process.shared.lanes.door(&Destination::parse(name).unwrap()),
            priority: event.envelope.priority.unwrap_or_default(),
            order_key: None,
            parks: true,
        });
        let candidate = Candidate { hash: hash_of(&event.data), owed: owed.collect(), event: event.clone() };
        let items = vec![Item::Event(Box::new(candidate))];
        let intake = Intake { intake: Arc::from("events"), items, resume: None, sequence: None, reply };
        if process.work.try_send(Work::Intake(intake)).is_ok() {
            self.happened.sent += 1;
            self.pending.push(Sent { event, answer });
        }
    }

    /// A flood: many events to one destination, as one input brings them.
    fn flood(&mut self, from: u64, count: u64, class: Priority) {
        let Some(process) = &self.process else { return };
        let door = process.shared.lanes.door(&Destination::parse(FLOODED).unwrap());
        let items = (from..from + count).map(|n| {
            let envelope = Envelope {
                id: format!("{class}-{n}"),
                source: "urn:lineshaft:main:wms".into(),
                event_type: "lineshaft.item.changed.v1".into(),
                subject: format!("{class}-{n}"),
                tenant: "main".into(),
                ..Envelope::default()
            };
            let event = Event {
                envelope,
                data: Bytes::from_static(b"{}"),
                raw: Raw::Same,
                intake: "events".into(),
                keys: Vec::new(),
                received: self.clock.now(),
            };
            let owing = Owing {
                route: Arc::from(FLOODED),
                door: Arc::clone(&door),
                priority: class,
                order_key: None,
                parks: true,
            };
            let owed = std::iter::once(owing).collect();
            Item::Event(Box::new(Candidate { hash: hash_of(&event.data), owed, event }))
        });
        let (reply, _) = oneshot::channel();
        let intake = Intake {
            intake: Arc::from("events"),
            items: items.collect(),
            resume: None,
            sequence: None,
            reply,
        };
        assert!(process.work.try_send(Work::Intake(intake)).is_ok());
        self.commit();
        self.apply();
    }

    /// One slot: the oldest call under way is done, and what follows is asked for. Gives the events asked for then.
    async fn slot(&mut self) -> Vec<String> {
        self.targets[FLOODED].decide(0, Fate::Done);
        settle().await;
        self.commit();
        self.apply();
        settle().await;
        self.targets[FLOODED].asked()
    }

    /// Queues a flood of bulk, then one critical delivery, then many; gives after how many slots the one was asked for, and
    /// how many of the slots bulk had while critical ones were plenty.
    pub(super) async fn overtake(mut self, bulk: u64) -> Overtaken {
        self.start();
        for from in (0..bulk).step_by(1_000) {
            self.flood(from, 1_000, Priority::Bulk);
            settle().await;
        }
        let held = self.targets[FLOODED].waiting() as u64;
        self.flood(0, 1, Priority::Critical);
        settle().await;
        let mut slots = 0;
        while !self.slot().await.iter().any(|id| id.starts_with("critical")) {
            slots += 1;
            assert!(slots < 100, "the critical delivery is not asked for");
        }
        self.flood(1, 400, Priority::Critical);
        let before = self.effects_of("bulk");
        for _ in 0..300 {
            self.slot().await;
        }
        Overtaken { held, slots, bulk: self.effects_of("bulk") - before }
    }

    fn effects_of(&self, class: &str) -> u64 {
        self.targets[FLOODED].effects().iter().filter(|effect| effect.id.starts_with(class)).count() as u64
    }

    fn commit(&mut self) {
        let Some(process) = &mut self.process else { return };
        let now = self.clock.now();
        let mut group = Vec::new();
        while let Ok(work) = process.waiting.try_recv() {
            group.push(work);
        }
        match process.recorder.commit(group, Batch::new(), now) {
            Ok((committed, tallied)) => {
                self.happened.delivered += tallied.delivered;
                process.to_apply.extend(committed);
            }
            Err(_fatal) => {
                // The disk failed in the middle: the process ends, and the power comes back.
                self.happened.power_cuts += 1;
                self.die(true);
            }
        }
    }

    fn apply(&mut self) {
        let Some(process) = &mut self.process else { return };
        for committed in std::mem::take(&mut process.to_apply) {
            crate::projector::gather(&mut process.projector, &committed, &mut process.segment).unwrap();
        }
        crate::projector::commit(&mut process.projector, &process.applied).unwrap();
    }

    fn answer(&mut self) {
        let open: Vec<&'static str> =
            self.targets.iter().filter(|(_, t)| t.waiting() > 0).map(|(n, _)| *n).collect();
        if open.is_empty() {
            return;
        }
        let name = open[self.rng.random_range(0..open.len())];
        let fate = match self.rng.random_range(0..100) {
            0..62 => Fate::Done,
            62..75 => Fate::Lost,
            75..88 => Fate::Again,
            88..94 => Fate::Refuse,
            _ => Fate::Vanish,
        };
        self.happened.lost_answers += u64::from(fate == Fate::Lost);
        self.happened.dead += u64::from(fate == Fate::Refuse);
        let pick = self.rng.random_range(0..1024);
        self.targets[name].decide(pick, fate);
    }

    /// A person pauses or resumes a system, or sets its breaker.
    async fn act(&mut self) {
        let system = SYSTEMS[self.rng.random_range(0..SYSTEMS.len())];
        let what = self.rng.random_range(0..6);
        let Some(process) = &self.process else { return };
        let handle = process.handle.clone();
        self.done(async move {
            match what {
                0 => handle.pause_system(system, true, asked()).await,
                1 | 2 => handle.pause_system(system, false, asked()).await,
                3 => handle.force_breaker(system, Some(Forced::Open), asked()).await,
                4 => handle.force_breaker(system, Some(Forced::Closed), asked()).await,
                _ => handle.force_breaker(system, None, asked()).await,
            }
        })
        .await;
    }

    /// What a person does, carried through unless the power goes.
    async fn done<T: Send + 'static>(&mut self, what: impl Future<Output = T> + Send + 'static) {
        let doing = tokio::spawn(what);
        settle().await;
        self.commit();
        settle().await;
        doing.abort();
    }

    /// The time of day is set: by days, or by less than an hour.
    fn set_clock(&mut self) {
        self.happened.clock_sets += 1;
        let by_ms = if self.rng.random_bool(0.3) {
            self.rng.random_range(-90 * 86_400_000..90 * 86_400_000)
        } else {
            self.rng.random_range(-3_600_000..3_600_000)
        };
        self.clock.set_by(by_ms);
    }

    /// What a crash finds: each state of a lane, and of the systems.
    fn note_states(&mut self) {
        let Some(process) = &self.process else { return };
        let mut note = |state, is| {
            if is {
                *self.happened.with.entry(state).or_default() += 1;
            }
        };
        for counts in process.shared.views.counts() {
            note("pending", counts.pending > 0);
            note("retrying", counts.retrying > 0);
            note("unknown", counts.unknown > 0);
            note("parked", counts.parked > 0);
            note("dead", counts.dead > 0);
        }
        let edited = edited_under_way(process);
        self.happened.crashed_edited += edited;
        let mut note = |state, is| {
            if is {
                *self.happened.with.entry(state).or_default() += 1;
            }
        };
        note("under way", self.targets.values().any(|target| target.waiting() > 0));
        let now = self.clock.both();
        for name in SYSTEMS {
            let system = process.shared.systems.get(name);
            let standing = system.standing(now);
            note("paused", system.paused().is_some());
            note("breaker set", standing.forced.is_some());
            note(
                "breaker open",
                standing.forced.is_none() && matches!(standing.breaker, Breaker::Open { .. }),
            );
            note("breaker half open", standing.breaker == Breaker::HalfOpen);
            note("maintenance", system.maintenance(now).until.is_some());
        }
    }

    /// kill -9: what was written stays, durable or not.
    fn kill(&mut self) {
        self.happened.crashes += 1;
        self.die(false);
    }

    /// The power goes at once, or in the middle of the next commit.
    fn cut_power(&mut self) {
        if self.rng.random_bool(0.5) {
            let call = self.disk.calls() + self.rng.random_range(1..4);
            self.disk.fail_at(call, Fault::PowerCut);
        } else {
            self.happened.power_cuts += 1;
            self.die(true);
        }
    }

    fn die(&mut self, power: bool) {
        self.listen();
        self.note_states();
        if let Some(process) = self.process.take() {
            for courier in &process.couriers {
                courier.abort();
            }
        }
        for target in self.targets.values() {
            target.forget_requests();
        }
        self.pending.clear();
        let cut = match self.rng.random_range(0..4) {
            _ if !power => Cut::Everything,
            0 => Cut::Nothing,
            1 => Cut::Everything,
            2 => Cut::Prefix(self.rng.random_range(0..4096)),
            _ => Cut::Sectors(self.rng.random()),
        };
        self.disk = self.disk.after(cut);
        self.start();
    }

    /// What clients have heard by now.
    fn listen(&mut self) {
        let mut still = Vec::new();
        for mut sent in std::mem::take(&mut self.pending) {
            match sent.answer.try_recv() {
                Ok(Ok(admitted)) => {
                    let one = &admitted[0];
                    self.happened.acknowledged += 1;
                    self.happened.duplicates += u64::from(one.verdict == Verdict::Duplicate);
                    let first = *self.acknowledged.entry(one.id.clone()).or_insert(one.position);
                    let is_dropped = self.process.as_ref().is_some_and(|p| first < p.shared.records.first());
                    assert!(
                        first == one.position || is_dropped,
                        "{} was acknowledged at two positions",
                        sent.event.envelope.id
                    );
                }
                Ok(Err(refusal)) => panic!("refused: {refusal}"),
                Err(oneshot::error::TryRecvError::Empty) => still.push(sent),
                Err(oneshot::error::TryRecvError::Closed) => {}
            }
        }
        self.pending = still;
    }

    /// Heals everything and lets it come to rest.
    async fn finish(&mut self) {
        self.disk = self.disk.after(Cut::Everything);
        self.kill();
        for system in SYSTEMS {
            for forced in [true, false] {
                let Some(process) = &self.process else { panic!("no process") };
                let handle = process.handle.clone();
                self.done(async move {
                    match forced {
                        true => handle.force_breaker(system, None, asked()).await,
                        false => handle.pause_system(system, false, asked()).await,
                    }
                })
                .await;
            }
        }
        for round in 0..4_000 {
            self.commit();
            self.apply();
            self.keep();
            settle().await;
            self.listen();
            for target in self.targets.values() {
                while target.waiting() > 0 {
                    target.decide(0, Fate::Done);
                }
            }
            settle().await;
            self.commit();
            self.apply();
            settle().await;
            self.clock.advance(500);
            self.mend().await;
            let Some(process) = &self.process else { panic!("no process") };
            let unfinished: u64 = process
                .shared
                .views
                .counts()
                .iter()
                .map(|c| c.pending + c.retrying + c.unknown + c.parked + c.dead)
                .sum();
            if unfinished == 0 && round > 2 {
                return;
            }
        }
        panic!("deliveries are stuck");
    }

    /// Nothing acknowledged lost, one effect for each delivery, order per key, balanced books.
    fn judge(&mut self) {
        self.look_at_the_journal();
        let process = self.process.as_ref().unwrap();
        let reading = process.handle.reading();
        let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut kept = HashSet::new();
        let first = process.shared.records.first();
        for (position, event) in &self.seen {
            // Duplicates are known as long as the first of them is kept; after that the target knows them by their key.
            let is_new = kept.insert(event.id.clone());
            assert!(is_new || self.keeps_bytes.is_some(), "{} is in the journal twice", event.id);
            if is_new && event.owed > 0 {
                expected.entry(event.subject.clone()).or_default().push(event.id.clone());
            }
            let shown = reading.event(*position).unwrap();
            assert_eq!(shown.is_some(), *position >= first);
            assert!(shown.is_none_or(|shown| shown.deliveries.len() == event.owed));
        }
        for id in self.acknowledged.keys() {
            assert!(kept.contains(id), "{id} was acknowledged and is lost");
        }
        for (name, target) in &self.targets {
            let mut got: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for effect in target.effects() {
                got.entry(effect.subject).or_default().push(effect.id);
            }
            assert_eq!(got, expected, "effects at {name}");
            self.happened.effects += got.values().map(|ids| ids.len() as u64).sum::<u64>();
        }
        let books = process.shared.views.balance(process.shared.records.end()).unwrap();
        assert!(books.balanced, "{books:?}");
        let owed = self.seen.values().filter(|event| event.owed > 0).count() as u64;
        for of in &books.destinations {
            assert_eq!(of.routed, owed, "{} in {books:?}", of.destination);
        }
        self.judge_content();
        self.judge_what_is_kept();
    }
}

impl Process {
    fn start(hub: crate::Hub) -> Self {
        let (shared, recorder, projector, end) = hub.into_parts();
        let (work, waiting) = mpsc::channel(1024);
        let (applied, follows) = watch::channel(end);
        let (end_tx, end_rx) = watch::channel(end);
        let intake = crate::intake::Intake::new(Arc::clone(&shared), work.clone());
        // No process runs here: the conductor's own tests have them.
        let (asks, _) = mpsc::channel(1);
        let conductor = crate::conductor::Conductor::new(asks, shared.reading.clone());
        let rooms = crate::handle::Rooms { planner: None, conductor };
        let handle = Handle::new(Arc::clone(&shared), intake, work.clone(), follows.clone(), end_rx, rooms);
        let couriers = DESTINATIONS
            .iter()
            .map(|(name, _)| {
                let door = shared.lanes.door(&Destination::parse(name).unwrap());
                let courier =
                    Courier::new(door, Arc::clone(&shared), work.clone(), follows.clone(), end).unwrap();
                tokio::spawn(async move { courier.run(CancellationToken::new()).await.unwrap() })
            })
            .collect();
        let keeper = Keeper::new(Arc::clone(&shared));
        Self {
            keeper,
            keeper_waits: None,
            shared,
            recorder,
            projector,
            work,
            waiting,
            applied,
            to_apply: Vec::new(),
            segment: None,
            couriers,
            handle,
            _end: end_tx,
        }
    }
}

/// Lets every task run until none can go on.
async fn settle() {
    for _ in 0..24 {
        tokio::task::yield_now().await;
    }
}

fn first_dead(reading: &Reading) -> Option<DeadLetter> {
    reading.dead_letters(None, false, None, 1).unwrap().items.pop()
}

fn asked() -> Asked {
    Asked { actor: "operator".into(), reason: "seen to".into() }
}

/// A system with little room, a quick breaker, and a window of three minutes in every twenty.
fn system(name: &str) -> crate::SystemSetup {
    let window = Window {
        cron: Cron::parse("7-59/20 * * * *").unwrap(),
        lasts_ms: 180_000,
        zone: jiff::tz::TimeZone::UTC,
    };
    crate::SystemSetup {
        limits: Limits { per_1000_s: if name == "mes" { 50_000 } else { 0 }, burst: 3, concurrency: 3 },
        breaker: BreakerRule { failures: 3, window_ms: 5_000, cool_down_ms: 1_000, ramp_ms: 2_000 },
        maintenance: Maintenance::new(if name == "aps" { vec![window] } else { Vec::new() }),
        ..crate::SystemSetup::default()
    }
}
