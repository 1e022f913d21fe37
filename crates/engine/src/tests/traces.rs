//! One trace for each event, told to a collector that may be away.

use std::collections::BTreeMap;

use lineshaft_ports::{NotExported, Span, SpanExport, SpanKind};
use tokio::sync::watch;

use super::*;
use crate::tracer::TraceOptions;

/// Keeps what it is sent; refuses the first calls when told to.
#[derive(Debug, Default)]
struct Collector {
    spans: Mutex<Vec<Span>>,
    /// How many they are.
    taken: watch::Sender<usize>,
    away: AtomicUsize,
}

impl SpanExport for Collector {
    fn export<'a>(&'a self, spans: &'a [Span]) -> BoxFuture<'a, Result<(), NotExported>> {
        Box::pin(async move {
            if self.away.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
            {
                return Err(NotExported::Again { after_ms: Some(1), why: "away".into() });
            }
            self.spans.lock().extend_from_slice(spans);
            self.taken.send_modify(|taken| *taken += spans.len());
            Ok(())
        })
    }
}

fn traced(collector: &Arc<Collector>, one_in: u64) -> Rig {
    let (erp, aps) = (Arc::<Target>::default(), Arc::<Target>::default());
    let (disk, folder) = (SimDisk::new(1), tempfile::tempdir().unwrap());
    let hub = opened(&disk, folder.path(), setup(&erp, &aps));
    let export: Arc<dyn SpanExport> = Arc::<Collector>::clone(collector);
    hub.trace_to(export, TraceOptions { one_in });
    let hub = hub.start(Vec::new()).unwrap();
    Rig { disk, folder, erp, aps, hub }
}

const GIVEN: &str = r#","traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01""#;

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_one_trace_from_its_sender_to_its_targets() {
    let collector = Arc::<Collector>::default();
    collector.away.store(2, Ordering::SeqCst);
    let rig = traced(&collector, 1);
    rig.aps.refuses.store(true, Ordering::SeqCst);
    rig.send("wms", "BOLT", "1", GIVEN, "{}").await;
    rig.until(|hub| {
        hub.balance().unwrap().destinations.iter().map(|d| d.delivered + d.dead).sum::<u64>() == 2
    })
    .await;
    // It was away twice, and gets them all the same.
    collector.taken.subscribe().wait_for(|taken| *taken >= 5).await.unwrap();
    rig.hub.stop().await;

    let spans = collector.spans.lock();
    assert!(spans.iter().all(|span| span.trace == 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c), "{spans:#?}");
    let by_name: BTreeMap<&str, &Span> = spans.iter().map(|span| (span.name.as_str(), span)).collect();
    let names: Vec<&str> = by_name.keys().copied().collect();
    assert_eq!(names, ["append", "deliver aps.put", "deliver erp.post", "prepare", "receive events"]);
    let receipt = by_name["receive events"];
    assert_eq!((receipt.parent, receipt.kind), (0xb7ad_6b71_6920_3331, SpanKind::Server));
    for name in ["append", "prepare", "deliver aps.put", "deliver erp.post"] {
        let span = by_name[name];
        assert_eq!(span.parent, receipt.id, "{name}");
        assert!(span.start_ns <= span.end_ns && span.start_ns >= receipt.start_ns, "{name}: {span:#?}");
    }
    assert!(
        by_name["prepare"].end_ns == by_name["append"].start_ns && receipt.end_ns >= by_name["append"].end_ns
    );
    assert_eq!(
        (by_name["deliver erp.post"].error.as_str(), by_name["deliver aps.put"].error.as_str()),
        ("", "http-status")
    );
    let of = |name: &str, key: &str| {
        by_name[name].attributes.iter().find(|(k, _)| *k == key).map(|(_, value)| value.clone())
    };
    assert_eq!(of("receive events", "cloudevents.event_subject").as_deref(), Some("BOLT"));
    assert_eq!(of("receive events", "lineshaft.status").as_deref(), Some("accepted"));
    assert_eq!(of("deliver aps.put", "lineshaft.outcome").as_deref(), Some("refused"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_span_a_target_was_told_of_is_the_one_that_is_exported() {
    let collector = Arc::<Collector>::default();
    let rig = traced(&collector, 1);
    rig.send("wms", "NUT", "2", "", "{}").await;
    rig.settled().await;
    rig.hub.stop().await;
    let spans = collector.spans.lock();
    let told = rig.erp.told.lock().clone();
    let attempt = spans.iter().find(|span| span.name == "deliver erp.post").unwrap();
    assert_eq!(told, [format!("00-{:032x}-{:016x}-01", attempt.trace, attempt.id)]);
    let receipt = spans.iter().find(|span| span.name == "receive events").unwrap();
    assert_eq!(
        (receipt.parent, receipt.trace),
        (0, attempt.trace),
        "a trace of its own when none came along"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_its_sender_does_not_sample_is_not_exported() {
    let collector = Arc::<Collector>::default();
    let rig = traced(&collector, 1);
    let unsampled = GIVEN.replace("31-01", "31-00");
    rig.send("wms", "BOLT", "1", &unsampled, "{}").await;
    rig.settled().await;
    rig.hub.stop().await;
    assert_eq!(collector.spans.lock().len(), 0);
    assert!(rig.erp.told.lock()[0].ends_with("-00"), "and its targets hear so");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_traces_some_are_exported_whole() {
    let collector = Arc::<Collector>::default();
    let rig = traced(&collector, 4);
    for n in 0..64 {
        rig.send("wms", &format!("I-{n}"), &n.to_string(), "", "{}").await;
    }
    rig.settled().await;
    rig.hub.stop().await;
    let mut spans: BTreeMap<u128, usize> = BTreeMap::new();
    for span in collector.spans.lock().iter() {
        *spans.entry(span.trace).or_default() += 1;
    }
    assert!((1..64).contains(&spans.len()), "{} traces of 64", spans.len());
    assert!(spans.values().all(|count| *count == 5), "each trace is whole: {spans:?}");
}
