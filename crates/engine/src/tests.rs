//! The engine as its callers see it: a real hub over a real journal in a temporary folder, with targets that do as they are told.

mod alarms;
mod traces;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use futures::future::BoxFuture;
use lineshaft_logic::own::{OnConflict, Owner};
use lineshaft_logic::plan::Route;
use lineshaft_model::{Answer, DeliveryState, Destination, Reason};
use lineshaft_ports::{Delivery, Refusal, Sink};
use lineshaft_store::index::Span;
use lineshaft_store::journal::disk::sim::SimDisk;
use lineshaft_store::journal::{Journal, Options};
use parking_lot::Mutex;

use crate::clock::{Clock, SystemClock};
use crate::handle::{Asked, Forced, Mend};
use crate::intake::{EventsCall, Mode};
use crate::setup::Setup;
use crate::work::{Admitted, Verdict};
use crate::{Handle, Hub, HubOptions, Supervisor, SystemSetup};
use lineshaft_model::record::Disposition;

/// A target that answers by a switch.
#[derive(Debug, Default)]
struct Target {
    got: Mutex<Vec<(String, String)>>,
    /// The trace context of each call.
    told: Mutex<Vec<String>>,
    refuses: AtomicBool,
    hangs: AtomicBool,
    calls: AtomicUsize,
}

impl Sink for Target {
    fn deliver<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Answer> {
        Box::pin(async move {
            self.calls.fetch_add(1, Ordering::SeqCst);
            self.told.lock().push(delivery.traceparent.clone());
            if self.hangs.load(Ordering::SeqCst) {
                futures::future::pending::<()>().await;
            }
            if self.refuses.load(Ordering::SeqCst) {
                return Answer::Refused { status: 422, reason: Reason::new("http-status", "no such item") };
            }
            self.got.lock().push((delivery.envelope.subject.clone(), delivery.envelope.id.clone()));
            Answer::Delivered { status: 200, foreign_key: Some(format!("F-{}", delivery.envelope.subject)) }
        })
    }

    fn keeps_idempotency_key(&self) -> bool {
        true
    }
}

/// A hub with two destinations, `erp.post` and `aps.put`.
struct Rig {
    disk: SimDisk,
    folder: tempfile::TempDir,
    erp: Arc<Target>,
    aps: Arc<Target>,
    hub: Handle,
}

impl Rig {
    fn start() -> Self {
        let (erp, aps) = (Arc::<Target>::default(), Arc::<Target>::default());
        let (disk, folder) = (SimDisk::new(1), tempfile::tempdir().unwrap());
        let hub = open(&disk, folder.path(), setup(&erp, &aps));
        Self { disk, folder, erp, aps, hub }
    }

    async fn restart(self) -> Self {
        self.hub.stop().await;
        let Self { disk, folder, erp, aps, .. } = self;
        let hub = open(&disk, folder.path(), setup(&erp, &aps));
        Self { disk, folder, erp, aps, hub }
    }

    /// Sends one event and gives what became of it.
    async fn send(&self, system: &str, subject: &str, id: &str, more: &str, data: &str) -> Admitted {
        self.try_send(system, subject, id, more, data).await.unwrap()
    }

    async fn try_send(
        &self,
        system: &str,
        subject: &str,
        id: &str,
        more: &str,
        data: &str,
    ) -> Result<Admitted, Refusal> {
        let body = format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"urn:lineshaft:main:{system}","type":"lineshaft.item.changed.v1","subject":"{subject}"{more},"data":{data}}}"#
        );
        let call = EventsCall {
            mode: Mode::Structured,
            headers: Vec::new(),
            body: Bytes::from(body),
            content_type: "application/cloudevents+json".into(),
            traceparent: String::new(),
            system: String::new(),
        };
        self.hub.intake().events(call).await.map(|mut admitted| admitted.remove(0))
    }

    /// Waits until the views show what is wanted.
    async fn until(&self, mut wanted: impl FnMut(&Handle) -> bool) {
        let mut applied = self.hub.applied();
        loop {
            if wanted(&self.hub) {
                return;
            }
            applied.changed().await.unwrap();
        }
    }

    async fn settled(&self) {
        self.until(|hub| {
            let books = hub.balance().unwrap();
            let open = books.destinations.iter().map(|d| d.pending + d.parked).sum::<u64>();
            books.applied == books.position && open == 0
        })
        .await;
    }
}

fn setup(erp: &Arc<Target>, aps: &Arc<Target>) -> Setup {
    let mut setup = Setup::default();
    setup.plan.tenant = "main".into();
    setup.plan.document_bytes = 1 << 20;
    setup.plan.batch_events = 1_000;
    for (name, sink) in [("erp.post", erp), ("aps.put", aps)] {
        let destination = Destination::parse(name).unwrap();
        setup.systems.insert(destination.system().to_owned(), SystemSetup::default());
        let sink: Arc<dyn Sink> = Arc::<Target>::clone(sink);
        setup.sinks.insert(name.to_owned(), sink);
        setup.plan.routes.push(Route {
            name: Arc::from(name),
            on: "lineshaft.item.changed.v1".parse().unwrap(),
            when: None,
            to: destination,
            priority: lineshaft_logic::plan::Class::OfTheEvent,
            order_by: None,
            parks: true,
        });
    }
    setup
}

fn open(disk: &SimDisk, folder: &std::path::Path, setup: Setup) -> Handle {
    opened(disk, folder, setup).start(Vec::new()).unwrap()
}

fn opened(disk: &SimDisk, folder: &std::path::Path, setup: Setup) -> Hub {
    opened_at(disk, folder, setup, Arc::new(SystemClock::new()))
}

fn opened_at(disk: &SimDisk, folder: &std::path::Path, setup: Setup, clock: Arc<dyn Clock>) -> Hub {
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
    Hub::open(options, setup, supervisor, &mut |_| {}).unwrap()
}

const ACCEPTED: Verdict = Verdict::Kept(Disposition::Accepted);

#[tokio::test(flavor = "multi_thread")]
async fn the_same_event_again_is_recognised_across_restarts() {
    let rig = Rig::start();
    let first = rig.send("wms", "BOLT", "1", "", "{}").await;
    assert_eq!(
        (first.verdict, rig.send("wms", "BOLT", "1", "", "{}").await.position),
        (ACCEPTED, first.position)
    );
    rig.settled().await;
    let rig = rig.restart().await;
    let again = rig.send("wms", "BOLT", "1", "", "{}").await;
    assert_eq!((again.verdict, again.position), (Verdict::Duplicate, first.position));
    assert_eq!(
        rig.send("erp", "BOLT", "1", "", "{\"x\":1}").await.verdict,
        ACCEPTED,
        "another sender's id is its own"
    );
    rig.settled().await;
    assert_eq!(rig.erp.got.lock().len(), 2);
    rig.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_revision_is_kept_and_changes_nothing() {
    let rig = Rig::start();
    rig.send("wms", "BOLT", "1", r#","sequence":"5""#, r#"{"n":5}"#).await;
    let stale = rig.send("wms", "BOLT", "2", r#","sequence":"4""#, r#"{"n":4}"#).await;
    assert_eq!(stale.verdict, Verdict::Kept(Disposition::Stale));
    rig.settled().await;
    let object = rig.hub.reading().object("main", "item", "BOLT", None).unwrap().unwrap();
    assert_eq!((object.row.revision, object.data.get()), (5, r#"{"n":5}"#));
    assert_eq!(rig.hub.reading().history("main", "item", "BOLT", None, 10).unwrap().unwrap().items.len(), 2);
    assert_eq!(rig.erp.got.lock().len(), 1);
    rig.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_change_coming_back_stops() {
    let rig = Rig::start();
    rig.send("wms", "BOLT", "1", "", r#"{"n":5}"#).await;
    let echo = rig.send("erp", "BOLT", "e-1", "", r#"{"n":5}"#).await;
    assert_eq!(echo.verdict, Verdict::Kept(Disposition::Echo), "erp was sent just this");
    let stranger = rig.send("mes", "BOLT", "m-1", "", r#"{"n":5}"#).await;
    assert_eq!(stranger.verdict, ACCEPTED, "mes was sent nothing: it says so by itself");
    assert_eq!(rig.send("erp", "BOLT", "e-2", "", r#"{"n":6}"#).await.verdict, ACCEPTED);
    rig.settled().await;
    assert_eq!(rig.aps.got.lock().len(), 3);
    rig.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stranger_changes_is_kept_aside() {
    let (erp, aps) = (Arc::<Target>::default(), Arc::<Target>::default());
    let (disk, folder) = (SimDisk::new(1), tempfile::tempdir().unwrap());
    let mut configuration = setup(&erp, &aps);
    let owner = Owner { owner: "wms".into(), ..Owner::default() };
    configuration.plan.ownership.objects.insert("item".into(), owner);
    configuration.plan.ownership.on_conflict = OnConflict::Reject;
    let hub = open(&disk, folder.path(), configuration);
    let rig = Rig { disk, folder, erp, aps, hub };
    let refused = rig.send("erp", "BOLT", "1", "", "{}").await;
    assert_eq!(
        (refused.verdict, refused.reasons[0].code.as_str()),
        (Verdict::Quarantined, "ownership-conflict")
    );
    assert_eq!(rig.send("wms", "BOLT", "1", "", "{}").await.verdict, ACCEPTED);
    rig.settled().await;
    let kept = rig.hub.reading().quarantined(refused.position).unwrap().unwrap();
    assert!(kept.raw.unwrap().text.unwrap().contains("urn:lineshaft:main:erp"), "with its bytes");
    rig.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_parks_its_key_and_no_other() {
    let rig = Rig::start();
    rig.erp.refuses.store(true, Ordering::SeqCst);
    let first = rig.send("wms", "BOLT", "1", "", r#"{"n":1}"#).await;
    let id = format!("{}.0", first.position).parse().unwrap();
    rig.until(|hub| hub.reading().dead_letter(id).unwrap().is_some()).await;
    rig.erp.refuses.store(false, Ordering::SeqCst);
    let second = rig.send("wms", "BOLT", "2", "", r#"{"n":2}"#).await;
    rig.send("wms", "NUT", "3", "", r#"{"n":3}"#).await;
    rig.until(|hub| hub.balance().unwrap().destinations.iter().map(|d| d.delivered).sum::<u64>() == 4).await;
    assert_eq!(*rig.erp.got.lock(), [("NUT".to_owned(), "3".to_owned())]);
    let shown = rig.hub.reading().event(second.position).unwrap().unwrap();
    assert_eq!(shown.deliveries[0].state, DeliveryState::Parked);

    let no_reason = rig.hub.mend(id, Mend::Discard, Asked::default()).await.unwrap_err();
    assert_eq!(no_reason[0].code, "reason-missing");
    rig.hub.mend(id, Mend::Retry, Asked { actor: "ann".into(), reason: "item made".into() }).await.unwrap();
    rig.settled().await;
    let got: Vec<String> = rig.erp.got.lock().iter().map(|(_, id)| id.clone()).collect();
    assert_eq!(got, ["3", "1", "2"], "the dead letter first, then what waited behind it");
    assert!(rig.hub.balance().unwrap().balanced);
    rig.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_hangs_holds_up_no_other() {
    let rig = Rig::start();
    rig.erp.hangs.store(true, Ordering::SeqCst);
    for n in 0..100 {
        rig.send("wms", &format!("ITEM-{n}"), &n.to_string(), "", "{}").await;
    }
    let delivered = |hub: &Handle, name: &str| {
        hub.balance().unwrap().destinations.iter().find(|d| d.destination == name).map_or(0, |d| d.delivered)
    };
    rig.until(|hub| delivered(hub, "aps.put") == 100).await;
    assert_eq!(delivered(&rig.hub, "erp.post"), 0);
    assert!(rig.erp.calls.load(Ordering::SeqCst) <= 8, "no more calls under way than the system's limit");
    rig.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filling_disk_stops_intake_and_not_deliveries() {
    let rig = Rig::start();
    rig.erp.hangs.store(true, Ordering::SeqCst);
    rig.send("wms", "BOLT", "1", "", "{}").await;
    rig.disk.set_free_bytes(Some(64 << 10));
    let refused = loop {
        // The free space is looked at now and then, not before every batch.
        match rig.try_send("wms", "NUT", "2", "", "{}").await {
            Err(refusal) => break refusal,
            Ok(_) => rig.hub.pause(20).await,
        }
    };
    assert!(matches!(refused, Refusal::Busy { .. }), "{refused}");
    // A load balancer is told.
    while !rig.hub.not_ready().is_some_and(|why| why.contains("reserve")) {
        rig.hub.pause(5).await;
    }
    let before = *rig.hub.end().borrow();
    let paused =
        rig.hub.pause_system("erp", true, Asked { actor: "ann".into(), reason: "maintenance".into() }).await;
    assert!(paused.unwrap() > before, "what persons and couriers do is still recorded");
    rig.disk.set_free_bytes(None);
    while rig.try_send("wms", "NUT", "9", "", "{}").await.is_err() {
        rig.hub.pause(20).await;
    }
    while rig.hub.not_ready().is_some() {
        rig.hub.pause(5).await;
    }
    rig.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_with_too_many_events_is_kept_aside_whole() {
    let rig = Rig::start();
    let one = r#"{"specversion":"1.0","id":"ID","source":"urn:lineshaft:main:wms","type":"lineshaft.item.changed.v1","subject":"S","data":{}}"#;
    let events: Vec<String> = (0..1_001).map(|n| one.replace("ID", &n.to_string())).collect();
    let call = EventsCall {
        mode: Mode::Batch,
        headers: Vec::new(),
        body: Bytes::from(format!("[{}]", events.join(","))),
        content_type: "application/cloudevents-batch+json".into(),
        traceparent: String::new(),
        system: String::new(),
    };
    let admitted = rig.hub.intake().events(call).await.unwrap();
    assert_eq!(admitted.len(), 1);
    assert_eq!(
        (admitted[0].verdict, admitted[0].reasons[0].code.as_str()),
        (Verdict::Quarantined, "batch-too-long")
    );
    rig.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_targets_key_becomes_a_cross_reference() {
    let rig = Rig::start();
    rig.send("wms", "BOLT", "1", "", "{}").await;
    rig.settled().await;
    let object = rig.hub.reading().object("main", "item", "BOLT", None).unwrap().unwrap();
    assert_eq!(object.references["erp"], "F-BOLT");
    rig.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breaker_that_a_person_opened_stays_open_across_a_restart() {
    let rig = Rig::start();
    let asked = |reason: &str| Asked { actor: "ann".into(), reason: reason.into() };
    let no_reason = rig.hub.force_breaker("erp", Some(Forced::Open), asked(" ")).await.unwrap_err();
    assert_eq!(no_reason.code, "reason-missing");
    rig.hub.force_breaker("erp", Some(Forced::Open), asked("it is being restored")).await.unwrap();
    rig.send("wms", "BOLT", "1", "", "{}").await;
    rig.until(|hub| hub.balance().unwrap().destinations.iter().any(|d| d.delivered == 1)).await;
    let rig = rig.restart().await;
    assert_eq!(rig.erp.calls.load(Ordering::SeqCst), 0);
    let shown = rig.hub.systems().unwrap();
    let erp = shown.iter().find(|system| system.name == "erp").unwrap();
    assert_eq!((erp.health.as_str(), erp.pace.forced.as_deref()), ("open", Some("it is being restored")));
    rig.hub.force_breaker("erp", None, asked("")).await.unwrap();
    rig.settled().await;
    assert_eq!(rig.erp.got.lock().len(), 1);
    rig.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_not_to_be_there_is_not_confirmed() {
    let rig = Rig::start();
    rig.erp.refuses.store(true, Ordering::SeqCst);
    let sent = rig.send("wms", "BOLT", "1", "", "{}").await;
    let id = format!("{}.0", sent.position).parse().unwrap();
    rig.until(|hub| hub.reading().dead_letter(id).unwrap().is_some()).await;
    let asked = Asked { actor: "ann".into(), reason: "I saw it".into() };
    assert_eq!(rig.hub.mend(id, Mend::Confirm, asked).await.unwrap_err()[0].code, "outcome-known");
    rig.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_system_is_left_alone_until_resumed() {
    let rig = Rig::start();
    let asked = |reason: &str| Asked { actor: "ann".into(), reason: reason.into() };
    assert_eq!(rig.hub.pause_system("erp", true, asked("")).await.unwrap_err().code, "reason-missing");
    rig.hub.pause_system("erp", true, asked("moving house")).await.unwrap();
    rig.send("wms", "BOLT", "1", "", "{}").await;
    rig.until(|hub| hub.balance().unwrap().destinations.iter().any(|d| d.delivered == 1)).await;
    let rig = rig.restart().await;
    assert_eq!(rig.erp.calls.load(Ordering::SeqCst), 0, "paused across a restart");
    rig.hub.pause_system("erp", false, asked("")).await.unwrap();
    rig.settled().await;
    assert_eq!(rig.erp.got.lock().len(), 1);
    rig.hub.stop().await;
}
