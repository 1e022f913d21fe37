//! What nobody would notice is told: once, through intake and routes, and never to what it is about.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use lineshaft_logic::alarm::Damping;
use lineshaft_logic::plan::SourcePlan;
use lineshaft_logic::{Environment, Expression};
use lineshaft_model::{Destination, Position};
use lineshaft_ports::Input;
use lineshaft_store::journal::disk::sim::SimDisk;

use super::{Rig, Target, opened_at, setup};
use crate::handle::{Asked, Mend};
use crate::simulation::clock::SimClock;
use crate::watchman::{Cadence, Watch};

/// A hub whose clock the test moves, with a source that is expected to send; alarms go to both systems.
struct Watched {
    rig: Rig,
    clock: Arc<SimClock>,
}

impl Watched {
    fn start() -> Self {
        let (erp, aps) = (Arc::<Target>::default(), Arc::<Target>::default());
        let mut setup = setup(&erp, &aps);
        // Items go to the ERP alone, alarms to both.
        setup.plan.routes.retain(|route| route.to.as_str() == "erp.post");
        for name in ["erp.post", "aps.put"] {
            setup.plan.routes.push(lineshaft_logic::plan::Route {
                name: Arc::from(format!("alarms-{name}")),
                on: "hub.*.*.*".parse().unwrap(),
                when: None,
                to: Destination::parse(name).unwrap(),
                priority: lineshaft_logic::plan::Class::OfTheEvent,
                order_by: None,
                parks: true,
            });
        }
        let source = SourcePlan {
            system: "wms".into(),
            source: "counts".into(),
            tenant: "main".into(),
            site: String::new(),
            format: lineshaft_logic::Format::Json(Default::default()),
            contract: None,
            mapping: None,
            emits: Vec::new(),
            priority: None,
            sequence: Expression::compile(".data.n", &Environment::default()).ok(),
        };
        setup.plan.sources.insert("wms/counts".into(), Arc::new(source));
        let cadence = Cadence { every_ms: 900_000, during: Default::default() };
        setup.cadences.insert("wms/counts".into(), cadence);
        let damping = Damping { quiet_ms: 60_000, remind_ms: 86_400_000, per_minute: 30 };
        setup.watch = Some(Watch { lane_older_ms: 600_000, damping });
        let clock = Arc::<SimClock>::default();
        let (disk, folder) = (SimDisk::new(1), tempfile::tempdir().unwrap());
        let hub = opened_at(&disk, folder.path(), setup, Arc::clone(&clock) as _).start(Vec::new()).unwrap();
        Self { rig: Rig { disk, folder, erp, aps, hub }, clock }
    }

    async fn send(&self, n: u64) {
        let document = format!(
            r#"{{"type":"lineshaft.item.changed.v1","subject":"BOLT","id":"{n}","data":{{"n":{n}}}}}"#
        );
        let input = Input { bytes: Bytes::from(document), ..Input::default() };
        self.rig.hub.intake().input("wms/counts", input).await.unwrap().unwrap();
    }

    /// Lets time pass until the alarms that a target got are as wanted.
    async fn until(&self, what: &str, wanted: impl Fn(&BTreeMap<String, u64>) -> bool) {
        let mut ticks = tokio::time::interval(Duration::from_millis(2));
        for _ in 0..5_000 {
            if wanted(&self.told()) {
                return;
            }
            self.clock.advance(1_000);
            ticks.tick().await;
        }
        panic!("{what} is not told: {:?}", self.told());
    }

    /// How often each alarm is in the journal.
    fn told(&self) -> BTreeMap<String, u64> {
        let (events, _) = self.rig.hub.reading().events_after(Position::ZERO, 10_000).unwrap();
        let mut told = BTreeMap::new();
        for row in events {
            let of = &row.envelope;
            if of.event_type.starts_with("hub.") {
                *told.entry(format!("{} {}", of.event_type, of.subject)).or_default() += 1;
            }
        }
        told
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_gaps_and_dead_letters_are_told_once_and_not_to_themselves() {
    let watched = Watched::start();
    let rig = &watched.rig;
    rig.erp.refuses.store(true, Ordering::SeqCst);
    for n in [1, 2, 5] {
        watched.send(n).await;
    }
    let has = |told: &BTreeMap<String, u64>, alarm: &str| told.contains_key(alarm);
    watched.until("the dead letter", |told| has(told, "hub.delivery.dead.v1 erp.post")).await;
    watched.until("the gap", |told| has(told, "hub.sequence.broken.v1 wms/counts")).await;
    watched.until("the silence", |told| has(told, "hub.source.silent.v1 wms/counts")).await;
    // What was late comes, and what was silent is heard again.
    watched.send(3).await;
    watched.send(4).await;
    watched.until("that it is whole", |told| has(told, "hub.sequence.whole.v1 wms/counts")).await;
    watched.until("that it is heard", |told| has(told, "hub.source.heard.v1 wms/counts")).await;
    // The ERP takes what it is sent again: the items, and the alarms about the source, but never those about itself.
    rig.erp.refuses.store(false, Ordering::SeqCst);
    rig.until(|hub| hub.balance().unwrap().applied == hub.balance().unwrap().position).await;
    loop {
        let letters = rig.hub.reading().dead_letters(None, false, None, 100).unwrap().items;
        let Some(letter) = letters.first() else { break };
        let asked = Asked { actor: "ann".into(), reason: "mended".into() };
        rig.hub.mend(letter.delivery.id, Mend::Retry, asked).await.unwrap();
        let id = letter.delivery.id;
        rig.until(|hub| hub.reading().dead_letter(id).unwrap().is_none()).await;
    }
    watched.until("that it is mended", |told| has(told, "hub.delivery.mended.v1 erp.post")).await;
    rig.settled().await;
    let told = watched.told();
    assert!(told.values().all(|times| *times == 1), "each is told once: {told:?}");
    let got = |target: &Arc<Target>, subject: &str| {
        target.got.lock().iter().filter(|(of, _)| of == subject).count()
    };
    assert!(got(&rig.erp, "wms/counts") >= 4 && got(&rig.aps, "wms/counts") >= 4, "{told:?}");
    assert_eq!(got(&rig.erp, "erp.post"), 0, "an alarm about a system never goes to it");
    let about_it = told.keys().filter(|alarm| alarm.ends_with(" erp.post")).count();
    assert_eq!(got(&rig.aps, "erp.post"), about_it, "{told:?}");
    rig.hub.stop().await;
}
