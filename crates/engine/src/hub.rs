//! The hub: opens the store, brings everything to the journal's end, starts the rooms and hands out the handle.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc as threads;
use std::sync::{Arc, OnceLock};

use lineshaft_logic::pace::Forced;
use lineshaft_logic::sequence::Sequence;
use lineshaft_model::{Destination, Millis, Position, Reason};
use lineshaft_ports::SpanExport;
use lineshaft_ports::journal::{Batch, Journal, JournalRead};
use lineshaft_store::index::{Index, Progress, Span};
use lineshaft_store::reading::Reading;
use lineshaft_store::views::{Projector, Views};
use parking_lot::Mutex;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::sync::{Notify, Semaphore, mpsc, watch};

use crate::clock::Clock;
use crate::conductor::{Conductor, conductor};
use crate::courier::Courier;
use crate::current::Current;
use crate::handle::{Handle, Rooms};
use crate::intake::{Intake, SourceHandOver};
use crate::keeper::Keeper;
use crate::lanes::Lanes;
use crate::planner::Planner;
use crate::recorder::admission::Admission;
use crate::recorder::recent::Recent;
use crate::recorder::{Committed, Recorder};
use crate::setup::{Setup, Sources};
use crate::supervisor::Supervisor;
use crate::systems::Systems;
use crate::telemetry::Telemetry;
use crate::tracer::{TraceOptions, Tracer};
use crate::work::{GROUP, Work, gather};

/// Work that may wait for the recorder. Intake is bounded in bytes besides.
const WAITING_WORK: usize = 4096;

/// Batches that may wait for the projector: this bounds the views' lag, the recorder waits when it is reached.
const WAITING_BATCHES: usize = 64;

/// What a hub is opened with.
pub struct HubOptions {
    /// The journal, opened for writing.
    pub journal: Box<dyn Journal>,
    /// The journal's id, so that views of another are refused.
    pub journal_id: u64,
    /// Its segments, oldest first; the last is the open one.
    pub segments: Vec<Span>,
    /// Where the segment indexes are kept.
    pub index_dir: PathBuf,
    /// Where the views are kept.
    pub views_dir: PathBuf,
    /// Input that may wait for the disk, in bytes.
    pub waiting_bytes: usize,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Seed for jitter.
    pub seed: u64,
}

impl std::fmt::Debug for HubOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HubOptions").field("views_dir", &self.views_dir).finish_non_exhaustive()
    }
}

/// What all rooms of a running hub share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) setup: Current<Setup>,
    pub(crate) views: Views,
    pub(crate) reading: Reading,
    pub(crate) index: Index,
    pub(crate) records: Arc<dyn JournalRead>,
    pub(crate) recent: Arc<Recent>,
    pub(crate) lanes: Arc<Lanes>,
    pub(crate) systems: Systems,
    pub(crate) telemetry: Telemetry,
    /// Set before the hub starts, when traces are wanted.
    pub(crate) tracer: OnceLock<Tracer>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) supervisor: Supervisor,
    pub(crate) room: Semaphore,
    /// Of that room, what sources of bulk leave to others.
    pub(crate) not_for_bulk: usize,
    /// The latest position at which someone waits for the views.
    pub(crate) views_wanted: AtomicU64,
    /// When each source was heard last.
    pub(crate) heard: Mutex<HashMap<String, Millis>>,
    /// How far the sequences of sources have come.
    pub(crate) sequences: tokio::sync::Mutex<HashMap<String, Sequence>>,
    /// What keeps the journal from dropping what is due, as words, and since when.
    pub(crate) retention_held: Mutex<Option<(Position, &'static str, Millis)>>,
    /// Whether the disk has more than its reserve.
    pub(crate) disk_has_room: AtomicBool,
    /// Wakes long work.
    pub(crate) jobs: Notify,
    jitter: Mutex<SmallRng>,
}

impl Shared {
    /// Uniform in 0..=u32::MAX.
    pub(crate) fn jitter(&self) -> u32 {
        self.jitter.lock().random()
    }
}

/// A hub that is ready to run.
pub struct Hub {
    shared: Arc<Shared>,
    recorder: Recorder,
    projector: Projector,
    end: Position,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").field("end", &self.end).finish_non_exhaustive()
    }
}

impl Hub {
    /// Opens the store over a journal and applies what the views have not applied yet. Blocks; `progress` is told how far it
    /// is.
    pub fn open(
        options: HubOptions,
        setup: Setup,
        supervisor: Supervisor,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, Reason> {
        let records = options.journal.reader();
        let end = records.end();
        let index = Index::open(
            &options.index_dir,
            options.journal_id,
            &options.segments,
            Arc::clone(&records),
            progress,
        )
        .map_err(|e| store_failed("the segment indexes", &e))?;
        let seen = index.seen().map_err(|e| store_failed("the segment indexes", &e))?;
        let (mut projector, views) =
            Projector::open(&options.views_dir, options.journal_id, end, index.clone())
                .map_err(|e| store_failed("the views", &e))?;
        projector.catch_up(&*records, progress).map_err(|e| store_failed("the views", &e))?;
        let lanes = Arc::new(Lanes::default());
        let systems = Systems::default();
        systems.configure(&setup);
        let now = options.clock.both();
        for (system, reason) in views.paused().map_err(|e| store_failed("the views", &e))? {
            systems.get(&system).pause(Some(reason), now);
        }
        for (system, (open, reason)) in views.breakers().map_err(|e| store_failed("the views", &e))? {
            let forced = if open { Forced::Open } else { Forced::Closed };
            systems.get(&system).force(Some((forced, reason)), now);
        }
        let admission = Admission::new(seen, index.clone(), views.clone(), Arc::clone(&records));
        let recorder = Recorder::new(options.journal, admission);
        let room = (options.waiting_bytes / 1024).max(1024);
        let shared = Shared {
            setup: Current::new(setup),
            reading: Reading::new(Arc::clone(&records), views.clone(), index.clone()),
            index,
            views,
            records,
            recent: recorder.recent(),
            lanes,
            systems,
            telemetry: Telemetry::new(),
            tracer: OnceLock::new(),
            clock: options.clock,
            supervisor,
            room: Semaphore::new(room),
            not_for_bulk: room / 4,
            views_wanted: AtomicU64::new(0),
            heard: Mutex::default(),
            sequences: tokio::sync::Mutex::default(),
            retention_held: Mutex::default(),
            disk_has_room: AtomicBool::new(true),
            jobs: Notify::new(),
            jitter: Mutex::new(SmallRng::seed_from_u64(options.seed)),
        };
        Ok(Self { shared: Arc::new(shared), recorder, projector, end })
    }

    /// What a hub is made of, for the simulation, which runs the rooms itself.
    #[cfg(test)]
    pub(crate) fn into_parts(self) -> (Arc<Shared>, Recorder, Projector, Position) {
        (self.shared, self.recorder, self.projector, self.end)
    }

    /// Exports the traces of events. For a hub that has not started yet.
    pub fn trace_to(&self, export: Arc<dyn SpanExport>, options: TraceOptions) {
        let supervisor = &self.shared.supervisor;
        let clock = Arc::clone(&self.shared.clock);
        let (tracer, task) =
            Tracer::new(export, options, &self.shared.telemetry, clock, supervisor.stopping());
        if self.shared.tracer.set(tracer).is_ok() {
            supervisor.task("tracer", task);
        }
    }

    /// Starts every room. Returns once they run; the handle is how everyone else speaks to them.
    pub fn start(self, sources: Sources) -> Result<Handle, Reason> {
        let Self { shared, recorder, projector, end } = self;
        let (work, waiting) = mpsc::channel(WAITING_WORK);
        let (batches, to_apply) = threads::sync_channel(WAITING_BATCHES);
        let (recycle, spare) = threads::sync_channel(WAITING_BATCHES);
        let (applied_tx, applied) = watch::channel(end);
        let (ended, end_of_journal) = watch::channel(end);
        start_recorder(&shared, recorder, waiting, batches, spare, ended)?;
        start_projector(&shared, projector, to_apply, applied_tx, recycle)?;
        let intake = Intake::new(Arc::clone(&shared), work.clone());
        start_keeper(&shared, work.clone(), applied.clone());
        let planner = start_planner(&shared, &intake, &applied, &end_of_journal);
        let conductor = start_conductor(&shared, &intake, &work, &applied, &end_of_journal);
        let rooms = Rooms { planner, conductor };
        let handle = Handle::new(Arc::clone(&shared), intake, work, applied, end_of_journal, rooms);
        handle.start_couriers(end)?;
        handle.start_sources(sources);
        start_watch(&shared);
        start_jobs(&shared, &handle);
        start_watchman(&shared, &handle);
        Ok(handle)
    }
}

/// The thread that writes the journal.
fn start_recorder(
    shared: &Arc<Shared>,
    mut recorder: Recorder,
    mut waiting: mpsc::Receiver<Work>,
    batches: threads::SyncSender<Committed>,
    spare: threads::Receiver<Batch>,
    ended: watch::Sender<Position>,
) -> Result<(), Reason> {
    let supervisor = shared.supervisor.clone();
    let shared = Arc::clone(shared);
    supervisor.thread("recorder", move || {
        let mut group = Vec::with_capacity(GROUP);
        while let Some(first) = waiting.blocking_recv() {
            gather(first, &mut waiting, &mut group);
            let stopping = group.iter().any(|work| matches!(work, Work::Stop));
            let batch = spare.try_recv().unwrap_or_default();
            let now = shared.clock.now();
            match recorder.commit(group.drain(..), batch, now) {
                Ok((committed, tallied)) => {
                    shared.telemetry.committed(tallied, now);
                    shared.disk_has_room.store(recorder.has_room(), Ordering::Relaxed);
                    if let Some(committed) = committed {
                        ended.send_replace(committed.appended.last);
                        if batches.send(committed).is_err() {
                            return;
                        }
                    }
                    if stopping {
                        return;
                    }
                }
                Err(reason) => return shared.supervisor.fatal(&reason),
            }
        }
    })
}

/// The thread that feeds the views.
fn start_projector(
    shared: &Arc<Shared>,
    mut projector: Projector,
    to_apply: threads::Receiver<Committed>,
    applied: watch::Sender<Position>,
    recycle: threads::SyncSender<Batch>,
) -> Result<(), Reason> {
    let supervisor = shared.supervisor.clone();
    let watch = shared.supervisor.clone();
    let shared = Arc::clone(shared);
    supervisor.thread("projector", move || {
        if let Err(reason) = crate::projector::run(
            &mut projector,
            &to_apply,
            &applied,
            &recycle,
            &*shared.clock,
            &shared.views_wanted,
        ) {
            watch.fatal(&reason);
        }
    })
}

/// The task that keeps the plan, where the workspace wants one.
fn start_planner(
    shared: &Arc<Shared>,
    intake: &Intake,
    applied: &watch::Receiver<Position>,
    end: &watch::Receiver<Position>,
) -> Option<Arc<Planner>> {
    let setup = shared.setup.load();
    let planning = setup.planning.as_ref()?;
    let planner = Arc::new(Planner::new(planning, setup.plan.tenant.clone(), shared.clock.now()));
    let watch = shared.supervisor.clone();
    let runs = crate::planner::run(
        Arc::clone(&planner),
        Arc::clone(shared),
        intake.clone(),
        applied.clone(),
        end.clone(),
    );
    shared.supervisor.task("planner", async move {
        if let Err(reason) = runs.await {
            watch.fatal(&reason);
        }
    });
    Some(planner)
}

/// The task that runs the instances of processes.
fn start_conductor(
    shared: &Arc<Shared>,
    intake: &Intake,
    work: &mpsc::Sender<Work>,
    applied: &watch::Receiver<Position>,
    end: &watch::Receiver<Position>,
) -> Conductor {
    let watch = shared.supervisor.clone();
    let (conductor, runs) =
        conductor(Arc::clone(shared), intake.clone(), work.clone(), applied.clone(), end.clone());
    shared.supervisor.task("conductor", async move {
        if let Err(reason) = runs.await {
            watch.fatal(&reason);
        }
    });
    conductor
}

/// The task that turns the latency halves and keeps the gauges of `/metrics` fresh.
fn start_watch(shared: &Arc<Shared>) {
    let watched = Arc::clone(shared);
    let stop = shared.supervisor.stopping();
    shared.supervisor.task("watch", async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = watched.clock.pause(30_000) => {
                    watched.telemetry.acknowledged_recent.turn();
                    watched.telemetry.delivered_recent.turn();
                }
            }
        }
    });
}

/// The task that looks for what nobody would notice.
fn start_watchman(shared: &Arc<Shared>, handle: &Handle) {
    let stop = shared.supervisor.stopping();
    let watch = shared.supervisor.clone();
    let runs = crate::watchman::run(handle.clone(), stop);
    shared.supervisor.task("watchman", async move {
        if let Err(reason) = runs.await {
            watch.fatal(&reason);
        }
    });
}

/// The task that does long work.
fn start_jobs(shared: &Arc<Shared>, handle: &Handle) {
    let stop = shared.supervisor.stopping();
    let watch = shared.supervisor.clone();
    let runs = crate::jobs::run(handle.clone(), stop);
    shared.supervisor.task("jobs", async move {
        if let Err(reason) = runs.await {
            watch.fatal(&reason);
        }
    });
}

/// The task that lets the journal's oldest segments go when they are due.
fn start_keeper(shared: &Arc<Shared>, work: mpsc::Sender<Work>, applied: watch::Receiver<Position>) {
    let keeper = Keeper::new(Arc::clone(shared));
    let stop = shared.supervisor.stopping();
    let watch = shared.supervisor.clone();
    shared.supervisor.task("keeper", async move {
        if let Err(reason) = crate::keeper::run(keeper, work, applied, stop).await {
            watch.fatal(&reason);
        }
    });
}

/// Starts the courier of one destination.
pub(crate) fn start_courier(
    shared: &Arc<Shared>,
    destination: &Destination,
    work: mpsc::Sender<Work>,
    applied: watch::Receiver<Position>,
    end: Position,
) -> Result<(), Reason> {
    let door = shared.lanes.door(destination);
    let courier = Courier::new(door, Arc::clone(shared), work, applied, end)?;
    let stop = shared.supervisor.stopping();
    let watch = shared.supervisor.clone();
    shared.supervisor.task("courier", async move {
        if let Err(reason) = courier.run(stop).await {
            watch.fatal(&reason);
        }
    });
    Ok(())
}

/// Starts a source and keeps it running: when it fails it is started again after a pause that grows to a minute.
pub(crate) fn start_source(
    shared: &Arc<Shared>,
    intake: Intake,
    name: String,
    mut source: Box<dyn lineshaft_ports::Source>,
    stop: tokio_util::sync::CancellationToken,
) {
    let clock = Arc::clone(&shared.clock);
    shared.supervisor.task("source", async move {
        let hand_over = SourceHandOver { intake, name: name.clone() };
        let mut pause_ms = 500;
        loop {
            let began = clock.now();
            let Err(reason) = source.run(&hand_over, stop.clone()).await else { return };
            // One that ran well for a while has met a new failure and not the old one again.
            if clock.now().since(began) > 60_000 {
                pause_ms = 500;
            }
            tracing::error!(
                source = name,
                code = reason.code,
                at = reason.at,
                hint = reason.hint,
                pause_ms,
                "{}",
                reason.message
            );
            tokio::select! {
                () = stop.cancelled() => return,
                () = clock.pause(pause_ms) => {}
            }
            pause_ms = (pause_ms * 2).min(60_000);
        }
    });
}

fn store_failed(what: &str, error: &impl std::fmt::Display) -> Reason {
    Reason::new("store-unreadable", format!("{what} cannot be opened: {error}")).hint(
        "`lineshaft journal verify` tells what is damaged, `lineshaft views rebuild` makes the views anew",
    )
}
