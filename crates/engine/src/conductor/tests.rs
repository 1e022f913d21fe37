//! Instances on a real hub over a simulated disk: through the journal, the couriers and restarts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures::future::BoxFuture;
use lineshaft_model::{Answer, Destination, Reason};
use lineshaft_ports::{Delivery, Sink};
use lineshaft_process::{Definition, Doc, Environment, Phase, ProcessName};
use lineshaft_store::index::Span;
use lineshaft_store::journal::disk::sim::{Cut, SimDisk};
use lineshaft_store::journal::{Journal, Options};
use lineshaft_store::views::ProcessFilter;
use parking_lot::Mutex;

use super::{Conductor, Decision, Started};
use crate::clock::{Clock, SystemClock};
use crate::handle::Asked;
use crate::intake::{EventsCall, Mode};
use crate::setup::Setup;
use crate::{Handle, Hub, HubOptions, Supervisor, SystemSetup};

/// A system that keeps what it was asked for, by idempotency key.
#[derive(Debug, Default)]
struct Target {
    got: Mutex<BTreeMap<String, String>>,
    calls: Mutex<Vec<String>>,
    refuses: AtomicBool,
    hangs: AtomicBool,
}

impl Sink for Target {
    fn deliver<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Answer> {
        Box::pin(async move {
            if self.hangs.load(Ordering::SeqCst) {
                futures::future::pending::<()>().await;
            }
            if self.refuses.load(Ordering::SeqCst) {
                return Answer::Refused { status: 422, reason: Reason::new("http-status", "no such item") };
            }
            let body = String::from_utf8_lossy(&delivery.body).into_owned();
            self.calls.lock().push(body.clone());
            self.got.lock().insert(format!("{:?}", delivery.idempotency_key), body);
            Answer::Delivered { status: 201, foreign_key: Some("F1".to_owned()) }
        })
    }

    fn keeps_idempotency_key(&self) -> bool {
        true
    }
}

impl Target {
    fn bodies(&self) -> Vec<String> {
        self.calls.lock().clone()
    }
}

struct Rig {
    disk: SimDisk,
    folder: tempfile::TempDir,
    targets: BTreeMap<String, Arc<Target>>,
    yaml: Vec<String>,
    hub: Handle,
}

const OPERATIONS: [&str; 4] = ["erp.order", "erp.cancel", "wms.ship", "erp.pay"];

/// A definition in JSON, as the workspace's reader hands it over.
fn define(json: &str) -> Arc<Definition> {
    Arc::new(Definition::written(json, &Environment::default()).unwrap())
}

fn process(name: &str, rest: &str) -> String {
    format!(
        r#"{{"document":{{"dsl":"1.0.3","namespace":"t","name":"{name}","version":"1.0.0","metadata":{{"businessKey":".order"}}}},{rest}}}"#
    )
}

impl Rig {
    fn start(processes: &[String]) -> Self {
        let targets = OPERATIONS.iter().map(|name| ((*name).to_owned(), Arc::<Target>::default())).collect();
        let (disk, folder) = (SimDisk::new(1), tempfile::tempdir().unwrap());
        let hub = open(&disk, folder.path(), setup(&targets, processes));
        Self { disk, folder, targets, yaml: processes.to_vec(), hub }
    }

    async fn restart(self) -> Self {
        self.hub.stop().await;
        let Self { disk, folder, targets, yaml, .. } = self;
        let hub = open(&disk, folder.path(), setup(&targets, &yaml));
        Self { disk, folder, targets, yaml, hub }
    }

    fn target(&self, name: &str) -> &Target {
        &self.targets[name]
    }

    async fn begin(&self, name: &str, input: &str, key: &str) -> Started {
        let name = ProcessName { namespace: "t".into(), name: name.into(), version: "latest".into() };
        self.hub.conductor().start(name, Doc::parse(input).unwrap(), key, Asked::default()).await.unwrap()
    }

    async fn decide(&self, id: &str, decision: Decision) -> Result<&'static str, Reason> {
        let asked = Asked { actor: "anna".into(), reason: "because".into() };
        self.hub.conductor().decide(id, decision, asked).await.map(|acted| acted.phase)
    }

    /// Waits until the views show an instance as wanted.
    async fn until(
        &self,
        id: &str,
        wanted: impl Fn(&lineshaft_process::State) -> bool,
    ) -> lineshaft_process::State {
        let mut applied = self.hub.applied();
        loop {
            applied.borrow_and_update();
            if let Some((state, ..)) = self.hub.conductor().show(id).unwrap()
                && wanted(&state)
            {
                return state;
            }
            applied.changed().await.unwrap();
        }
    }

    async fn phase(&self, id: &str, phase: Phase) -> lineshaft_process::State {
        self.until(id, |state| state.phase() == phase).await
    }

    async fn event(&self, id: &str, subject: &str, data: &str) {
        let body = format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"urn:lineshaft:main:wms","type":"lineshaft.goods.received.v1","subject":"{subject}","data":{data}}}"#
        );
        let call = EventsCall {
            mode: Mode::Structured,
            headers: Vec::new(),
            body: Bytes::from(body),
            content_type: "application/cloudevents+json".into(),
            traceparent: String::new(),
            system: String::new(),
        };
        self.hub.intake().events(call).await.unwrap();
    }
}

fn setup(targets: &BTreeMap<String, Arc<Target>>, processes: &[String]) -> Setup {
    let mut setup = Setup::default();
    setup.plan.tenant = "main".into();
    setup.plan.document_bytes = 1 << 20;
    setup.plan.batch_events = 1_000;
    for (name, target) in targets {
        let destination = Destination::parse(name).unwrap();
        setup.systems.insert(destination.system().to_owned(), SystemSetup::default());
        let sink: Arc<dyn Sink> = Arc::<Target>::clone(target);
        setup.sinks.insert(name.clone(), sink);
    }
    setup.processes = processes.iter().map(|json| define(json)).collect();
    setup
}

fn open(disk: &SimDisk, folder: &std::path::Path, setup: Setup) -> Handle {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let options =
        Options { reserve_bytes: 1 << 20, segment_bytes: 1 << 20, journal: Some(7), ..Options::default() };
    let journal = Journal::open(disk.clone(), "/journal", options, clock.now()).unwrap();
    let segments = journal.segments().iter().map(|s| Span { first: s.first, last: s.last }).collect();
    let options = HubOptions {
        journal_id: journal.id(),
        journal: Box::new(journal),
        segments,
        index_dir: folder.join("index"),
        views_dir: folder.join("views"),
        waiting_bytes: 1 << 20,
        clock,
        seed: 1,
    };
    let supervisor = Supervisor::new(Arc::new(|reason: &Reason| panic!("{reason}")));
    Hub::open(options, setup, supervisor, &mut |_| {}).unwrap().start(Vec::new()).unwrap()
}

fn saga() -> String {
    process(
        "saga",
        r#""do":[
            {"order":{"call":"erp.order","with":{"n":"${ .n }"},"metadata":{"compensate":[{"cancel":{"call":"erp.cancel","with":{"of":"${ .output.key }"}}}]}}},
            {"pay":{"call":"erp.pay"}}]"#,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_are_carried_out_and_the_end_is_known() {
    let rig = Rig::start(&[saga()]);
    let started = rig.begin("saga", r#"{"n":7,"order":"PO-1"}"#, "k").await;
    let state = rig.phase(&started.id, Phase::Completed).await;
    assert_eq!(rig.target("erp.order").bodies(), [r#"{"n":7}"#]);
    assert_eq!(state.output().as_str(), r#"{"status":201,"key":"F1"}"#);
    let again = rig.begin("saga", r#"{"n":8}"#, "k").await;
    assert_eq!((again.id, again.new), (started.id.clone(), false), "the same key is the same instance");
    let filter = ProcessFilter { business_key: Some("PO-1".into()), ..ProcessFilter::default() };
    let rows = rig.hub.reading().processes(&filter, None, 10).unwrap().items;
    assert_eq!(rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), [started.id.as_str()]);
    rig.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_undoes_what_was_done() {
    let rig = Rig::start(&[saga()]);
    rig.target("erp.pay").refuses.store(true, Ordering::SeqCst);
    let started = rig.begin("saga", r#"{"n":1}"#, "").await;
    let state = rig.phase(&started.id, Phase::Faulted).await;
    assert_eq!(rig.target("erp.cancel").bodies(), [r#"{"of":"F1"}"#]);
    assert_eq!(state.fault().unwrap().status, 422);
    rig.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_goes_on_after_a_restart_and_asks_once() {
    let mut rig = Rig::start(&[saga()]);
    rig.target("erp.pay").hangs.store(true, Ordering::SeqCst);
    let started = rig.begin("saga", r#"{"n":1}"#, "").await;
    rig.until(&started.id, |state| state.wants().keys().any(|key| key.ends_with("/pay"))).await;
    for _ in 0..3 {
        rig = rig.restart().await;
    }
    rig.target("erp.pay").hangs.store(false, Ordering::SeqCst);
    rig = rig.restart().await;
    rig.phase(&started.id, Phase::Completed).await;
    assert_eq!(rig.target("erp.order").bodies().len(), 1);
    assert_eq!(
        rig.target("erp.pay").got.lock().len(),
        1,
        "one idempotency key, however often it is asked for"
    );
    rig.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_start_instances_and_move_them() {
    let starts = process(
        "watch",
        r#""schedule":{"on":{"one":{"with":{"type":"lineshaft.goods.received.v1","subject":"${ startswith(\"S-\") }"}}}},
           "do":[{"more":{"listen":{"to":{"one":{"with":{"type":"lineshaft.goods.received.v1"},
             "correlate":{"po":{"from":".data.po","expect":"${ $workflow.input[0].data.po }"}}}}}}}]"#,
    );
    let mut rig = Rig::start(&[starts]);
    rig.event("1", "S-1", r#"{"po":"P1"}"#).await;
    rig.event("2", "X-1", r#"{"po":"P2"}"#).await;
    let filter = ProcessFilter::default();
    let mut applied = rig.hub.applied();
    let row = loop {
        applied.borrow_and_update();
        if let Some(row) = rig.hub.reading().processes(&filter, None, 10).unwrap().items.pop() {
            break row;
        }
        applied.changed().await.unwrap();
    };
    rig = rig.restart().await;
    rig.event("3", "X-2", r#"{"po":"P2"}"#).await;
    rig.event("4", "X-3", r#"{"po":"P1","n":4}"#).await;
    let state = rig.phase(&row.id, Phase::Completed).await;
    assert_eq!(state.output().as_str(), r#"[{"po":"P1","n":4}]"#);
    assert_eq!(rig.hub.reading().processes(&filter, None, 10).unwrap().items.len(), 1);
    rig.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emitted_event_is_accepted_once_and_heard_by_others() {
    let emits = process(
        "tells",
        r#""do":[{"tell":{"emit":{"event":{"with":{"source":"urn:lineshaft:main:processes","type":"lineshaft.goods.received.v1","subject":"G-9","data":{"n":"${ .n }"}}}}}}]"#,
    );
    let hears = process(
        "hears",
        r#""do":[{"l":{"listen":{"to":{"one":{"with":{"type":"lineshaft.goods.received.v1"}}}}}}]"#,
    );
    let rig = Rig::start(&[emits, hears]);
    let hears = rig.begin("hears", "{}", "").await;
    let tells = rig.begin("tells", r#"{"n":3}"#, "").await;
    rig.phase(&tells.id, Phase::Completed).await;
    let state = rig.phase(&hears.id, Phase::Completed).await;
    assert_eq!(state.output().as_str(), r#"[{"n":3}]"#);
    rig.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_refused_is_an_error_of_the_process() {
    let emits = process(
        "tells",
        r#""do":[{"tell":{"emit":{"event":{"with":{"source":"urn:x","type":"lineshaft.goods.received.v1"}}}}}]"#,
    );
    let rig = Rig::start(&[emits]);
    let tells = rig.begin("tells", "{}", "").await;
    let state = rig.phase(&tells.id, Phase::Faulted).await;
    assert!(state.fault().unwrap().detail.as_ref().unwrap().contains("no `subject`"), "{:?}", state.fault());
    rig.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_runs_another_and_both_survive() {
    let outer = process(
        "outer",
        r#""do":[{"sub":{"run":{"workflow":{"namespace":"t","name":"saga","version":"1.0.0","input":{"n":5}}}}},{"s":{"set":{"got":"${ . }"}}}]"#,
    );
    let mut rig = Rig::start(&[outer, saga()]);
    rig.target("erp.order").hangs.store(true, Ordering::SeqCst);
    let outer = rig.begin("outer", "{}", "").await;
    rig.until(&outer.id, |state| !state.wants().is_empty()).await;
    rig.target("erp.order").hangs.store(false, Ordering::SeqCst);
    rig = rig.restart().await;
    let state = rig.phase(&outer.id, Phase::Completed).await;
    assert_eq!(state.output().as_str(), r#"{"got":{"status":201,"key":"F1"}}"#);
    assert_eq!(rig.target("erp.order").bodies(), [r#"{"n":5}"#]);
    rig.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_waits_for_a_person_through_a_restart() {
    let asks = process(
        "asks",
        r#""do":[{"ask":{"call":"case.open","with":{"title":"Which?","options":["a","b"]}}},{"s":{"set":{"chose":"${ .choice }"}}}]"#,
    );
    let mut rig = Rig::start(&[asks]);
    let started = rig.begin("asks", "{}", "").await;
    let state = rig.until(&started.id, |state| !state.wants().is_empty()).await;
    let question = Conductor::questions(&state).remove(0);
    assert_eq!((question.kind, question.task.as_str()), ("case", "/do/0/ask"));
    rig = rig.restart().await;
    let filter = ProcessFilter { with_cases: true, ..ProcessFilter::default() };
    assert_eq!(rig.hub.reading().processes(&filter, None, 10).unwrap().items.len(), 1);
    let answer = |key: &str| Decision::Answer {
        key: key.to_owned(),
        output: Doc::parse(r#"{"choice":"b"}"#).unwrap(),
    };
    assert_eq!(rig.decide(&started.id, answer("nothing")).await.unwrap_err().code, "process-not-waiting");
    assert_eq!(rig.decide(&started.id, answer(&question.key)).await, Ok("completed"));
    assert_eq!(rig.decide(&started.id, answer(&question.key)).await.unwrap_err().code, "process-not-waiting");
    let state = rig.phase(&started.id, Phase::Completed).await;
    assert_eq!(state.output().as_str(), r#"{"chose":"b"}"#);
    rig.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_instance_gives_up_what_it_asked_for() {
    let rig = Rig::start(&[saga()]);
    rig.target("erp.pay").hangs.store(true, Ordering::SeqCst);
    let started = rig.begin("saga", r#"{"n":1}"#, "").await;
    rig.until(&started.id, |state| state.wants().keys().any(|key| key.ends_with("/pay"))).await;
    assert_eq!(rig.decide(&started.id, Decision::Cancel).await, Ok("compensating"));
    rig.phase(&started.id, Phase::Cancelled).await;
    assert_eq!(rig.target("erp.cancel").bodies().len(), 1);
    let mut applied = rig.hub.applied();
    loop {
        applied.borrow_and_update();
        let books = rig.hub.balance().unwrap();
        let pay = books.destinations.iter().find(|d| d.destination == "erp.pay").unwrap();
        if pay.discarded == 1 {
            break;
        }
        applied.changed().await.unwrap();
    }
    rig.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_is_the_same_delivery_again() {
    let tries = process(
        "tries",
        r#""do":[{"t":{"try":[{"order":{"call":"erp.order","with":{"n":1}}}],"catch":{"retry":{"delay":{"milliseconds":30},"limit":{"attempt":{"count":100}}}}}}]"#,
    );
    let rig = Rig::start(&[tries]);
    rig.target("erp.order").refuses.store(true, Ordering::SeqCst);
    let started = rig.begin("tries", "{}", "").await;
    rig.until(&started.id, |state| state.trail()["/do/0/t/try/0/order"].runs >= 3).await;
    rig.target("erp.order").refuses.store(false, Ordering::SeqCst);
    rig.phase(&started.id, Phase::Completed).await;
    assert_eq!(rig.target("erp.order").got.lock().len(), 1);
    let order =
        rig.hub.balance().unwrap().destinations.into_iter().find(|d| d.destination == "erp.order").unwrap();
    assert_eq!(order.routed, 1, "one request, tried again");
    rig.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn running_instances_stay_on_their_version() {
    let old = process(
        "p",
        r#""do":[{"ask":{"call":"case.open","with":{"title":"x"}}},{"s":{"set":{"by":"old"}}}]"#,
    );
    let new = process("p", r#""do":[{"s":{"set":{"by":"new"}}}]"#).replace("1.0.0", "2.0.0");
    let mut rig = Rig::start(&[old]);
    let started = rig.begin("p", "{}", "").await;
    let state = rig.until(&started.id, |state| !state.wants().is_empty()).await;
    rig.yaml = vec![new];
    rig = rig.restart().await;
    let key = state.wants().into_keys().next().unwrap();
    rig.decide(&started.id, Decision::Answer { key, output: Doc::empty() }).await.unwrap();
    let state = rig.phase(&started.id, Phase::Completed).await;
    assert_eq!(state.output().as_str(), r#"{"by":"old"}"#);
    let newer = rig.begin("p", "{}", "").await;
    let state = rig.phase(&newer.id, Phase::Completed).await;
    assert_eq!((state.output().as_str(), state.process().version.as_str()), (r#"{"by":"new"}"#, "2.0.0"));
    rig.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn time_moves_instances_and_starts_them() {
    let waits = process("waits", r#""do":[{"w":{"wait":{"milliseconds":20}}}]"#);
    let every = process("every", r#""schedule":{"every":{"seconds":1}},"do":[{"s":{"set":{"a":1}}}]"#);
    let rig = Rig::start(&[waits, every]);
    let started = rig.begin("waits", "{}", "").await;
    rig.phase(&started.id, Phase::Completed).await;
    let filter = ProcessFilter { name: Some("every".into()), ..ProcessFilter::default() };
    let mut applied = rig.hub.applied();
    while rig.hub.reading().processes(&filter, None, 10).unwrap().items.is_empty() {
        applied.changed().await.unwrap();
    }
    rig.hub.stop().await;
}

/// Kills the hub at many moments, each time with nothing left but what the disk holds, and lets the last one run to the end.
#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_every_instance_ends_and_every_effect_is_one() {
    let race = process(
        "race",
        r#""do":[
            {"order":{"call":"erp.order","with":{"n":"${ .n }"},"metadata":{"compensate":[{"cancel":{"call":"erp.cancel"}}]}}},
            {"both":{"fork":{"branches":[
                {"ship":{"call":"wms.ship","with":{"n":"${ $workflow.input.n }"}}},
                {"rest":{"wait":{"milliseconds":3}}}]}}},
            {"pay":{"try":[{"pay":{"call":"erp.pay","with":{"n":"${ $workflow.input.n }"}}}],
                    "catch":{"retry":{"delay":{"milliseconds":2},"limit":{"attempt":{"count":3}}}}}}]"#,
    );
    for seed in 0..5_u64 {
        let mut rig = Rig::start(std::slice::from_ref(&race));
        let mut ids = Vec::new();
        for n in 0..4 {
            ids.push(rig.begin("race", &format!(r#"{{"n":{n}}}"#), &format!("k{n}")).await.id);
        }
        for round in 0..5 {
            // Another moment each time: so many records further.
            let mut applied = rig.hub.applied();
            let next = lineshaft_model::Position(applied.borrow().0 + 1 + (seed * 7 + round * 5) % 9);
            let moved = applied.wait_for(|at| *at >= next);
            tokio::select! {
                _ = moved => {}
                () = rig.hub.pause(30) => {}
            }
            rig.target("erp.pay").refuses.store(round % 2 == 0, Ordering::SeqCst);
            let cut = [Cut::Everything, Cut::Nothing, Cut::Sectors(seed + round)]
                [usize::try_from(round % 3).unwrap()];
            let disk = rig.disk.after(cut);
            rig.hub.stop().await;
            let folder = tempfile::tempdir().unwrap();
            let hub = open(&disk, folder.path(), setup(&rig.targets, &rig.yaml));
            rig = Rig { disk, folder, hub, ..rig };
        }
        rig.target("erp.pay").refuses.store(false, Ordering::SeqCst);
        let mut completed = 0;
        for id in &ids {
            let state = rig.until(id, |state| state.phase().is_final()).await;
            completed += usize::from(state.phase() == Phase::Completed);
        }
        for name in ["erp.order", "wms.ship"] {
            assert_eq!(rig.target(name).got.lock().len(), 4, "seed {seed}: {name}");
        }
        assert!(rig.target("erp.pay").got.lock().len() <= 4, "seed {seed}");
        let cancelled = rig.target("erp.cancel").got.lock().len();
        assert_eq!(completed + cancelled, 4, "seed {seed}: done, or undone");
        assert!(rig.folder.path().exists());
        rig.hub.stop().await;
    }
}
