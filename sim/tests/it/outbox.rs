//! What the systems send: everything, in order per key, until it is acknowledged.

use std::collections::HashMap;
use std::time::Duration;

use lineshaft_sim::{Config, Factory, Fault, Mode};
use serde_json::Value;

use crate::hub::{Hub, Taken};

fn quick(seed: u64) -> Config {
    Config { seed, rate_per_s: 200, ..Config::default() }
}

/// Number and revision of every purchase order, in the order they came.
fn purchase_orders(taken: &[Taken]) -> Vec<(String, u64)> {
    taken
        .iter()
        .filter(|taken| taken.source == "purchase-orders")
        .map(|taken| {
            let body: Value = serde_json::from_str(&taken.body).unwrap();
            let revision = body["d"]["YY1_Revision_PDH"].as_str().unwrap().parse().unwrap();
            (body["d"]["PurchaseOrder"].as_str().unwrap().to_owned(), revision)
        })
        .collect()
}

#[tokio::test]
async fn documents_are_sent_again_until_the_hub_takes_them() {
    let hub = Hub::start(30, None).await;
    let factory = Factory::start(Config { hub: Some(hub.address()), ..quick(1) }).await.unwrap();
    hub.wait_for(200).await;
    factory.rest();
    assert!(factory.drained(Duration::from_secs(20)).await);
    let audit = factory.audit();
    assert_eq!(audit.acknowledged, u64::try_from(hub.taken().len()).unwrap());
    let repeated: u64 = factory.systems().iter().map(|system| system.stats().outbox.repeated).sum();
    assert_eq!(repeated, 30);
    let mut latest: HashMap<String, u64> = HashMap::new();
    for (number, revision) in purchase_orders(&hub.taken()) {
        assert_eq!(latest.insert(number.clone(), revision).unwrap_or(0) + 1, revision, "{number}");
    }
    assert!(latest.len() > 5, "{latest:?}");
    factory.shutdown().await;
}

#[tokio::test]
async fn nothing_is_lost_while_nobody_knows_where_the_hub_is() {
    let factory = Factory::start(quick(2)).await.unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while factory.waiting() < 90 && tokio::time::Instant::now() < deadline {
        tokio::task::yield_now().await;
    }
    let waiting = factory.waiting();
    assert!(waiting >= 90, "{waiting}");
    let hub = Hub::start(0, None).await;
    factory.connect(hub.address());
    hub.wait_for(usize::try_from(waiting).unwrap()).await;
    factory.shutdown().await;
}

#[tokio::test]
async fn duplicates_and_reordering_come_on_demand_and_are_counted() {
    let hub = Hub::start(0, None).await;
    let factory = Factory::start(quick(3)).await.unwrap();
    for system in factory.systems() {
        system.fault(Fault::always(Mode::Duplicate).share_permille(300));
        system.fault(Fault::always(Mode::OutOfOrder).share_permille(300).delay_ms(50));
    }
    factory.connect(hub.address());
    hub.wait_for(200).await;
    factory.rest();
    for system in factory.systems() {
        system.heal_all();
    }
    assert!(factory.drained(Duration::from_secs(20)).await);
    let sum = |part: fn(&lineshaft_sim::OutboxTotals) -> u64| {
        factory.systems().iter().map(|system| part(&system.stats().outbox)).sum::<u64>()
    };
    let (acknowledged, duplicates, reordered) = (
        sum(|totals| totals.acknowledged),
        sum(|totals| totals.duplicates_sent),
        sum(|totals| totals.reordered),
    );
    assert!(duplicates > 10 && reordered > 10, "{duplicates} {reordered}");
    assert_eq!(u64::try_from(hub.taken().len()).unwrap(), acknowledged + duplicates);
    factory.shutdown().await;
}

#[tokio::test]
async fn count_sheets_are_dropped_whole() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub::start(0, None).await;
    let config = Config {
        hub: Some(hub.address()),
        count_drop: Some(folder.path().to_owned()),
        scene: false,
        rate_per_s: 0,
        ..quick(4)
    };
    let factory = Factory::start(config).await.unwrap();
    assert!(factory.play_cycle_count());
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    let path = folder.path().join("CC-P100-9001.csv");
    while !path.exists() && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let text = std::fs::read_to_string(&path).unwrap();
    let rows: Vec<&str> = text.lines().collect();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].split(',').count(), rows[1].split(',').count());
    assert!(rows[1].starts_with("CC-P100-9001,1,") && rows[1].ends_with(",pcs,100,40,2"), "{}", rows[1]);
    assert!(hub.taken().iter().all(|taken| taken.source != "counts"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    factory.shutdown().await;
}
