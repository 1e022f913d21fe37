//! Orders are created, polled, changed under their tags and batched on a service that was made from SAP's metadata.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use bytes::Bytes;
use lineshaft_connectors::{Secrets, Surroundings, parse};
use lineshaft_model::{Answer, Reason};
use lineshaft_ports::suite::sink::delivery;
use lineshaft_ports::suite::source::{Hub, Orders, run_until_idle};
use lineshaft_ports::{Delivery, Sink};
use serde_json::{Value, json};

/// Where the service listens: a port that nothing else of the checkout uses.
const PORT: &str = "7946";
const ROOT: &str = "http://127.0.0.1:7946/sap/opu/odata/sap/API_PURCHASEORDER_PROCESS_SRV";

/// The running service; dropping it ends it by its process number.
struct Service(PathBuf);

impl Service {
    fn start() -> Option<Self> {
        let folder = PathBuf::from(std::env::var_os("LINESHAFT_RECORDED")?).join("real");
        if !folder.join("cap").is_dir() {
            println!("there is no {}/cap: passed over", folder.display());
            return None;
        }
        start_anew();
        let started = Command::new(folder.join("up")).arg("cap").env("PORT", PORT).status();
        assert!(started.is_ok_and(|status| status.success()), "the service does not start");
        Some(Self(folder))
    }
}

/// Takes the mark of a filled database away, if there is one. The service numbers its orders from the same number at
/// each start but keeps its database, so orders of an earlier run would stand in the way.
fn start_anew() {
    let home = std::env::var_os("LINESHAFT_REAL")
        .map(PathBuf::from)
        .or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cache/lineshaft-real")));
    let Some(home) = home else { return };
    if let Err(error) = std::fs::remove_file(home.join("cap/run/fresh")) {
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{}: {error}", home.display());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = Command::new(self.0.join("down")).arg("cap").status();
    }
}

#[derive(Debug)]
struct Password;

impl Secrets for Password {
    fn secret(&self, _: &str) -> Result<secrecy::SecretString, Reason> {
        Ok(secrecy::SecretString::from("mw-dummy"))
    }
}

fn config() -> Value {
    json!({
        "system": "sap", "connector": "odata", "version": "v2", "base_url": ROOT,
        "auth": { "basic": { "user": "mw", "password": "${secret:sap}" } },
        "limits": { "timeout": "30s" },
        "sources": { "orders": { "entity": {
            "set": "A_PurchaseOrder", "changed": "LastChangeDateTime", "expand": ["to_PurchaseOrderItem"], "every": "100ms"
        } } },
        "operations": {
            "create": { "create": "A_PurchaseOrder", "foreign_key": "/d/PurchaseOrder" },
            "change": { "update": { "set": "A_PurchaseOrder", "key": { "PurchaseOrder": "{{ .data.key }}" }, "if_match": "read" } },
            "stale": { "update": { "set": "A_PurchaseOrder", "key": { "PurchaseOrder": "{{ .data.key }}" }, "if_match": "{{ .data.tag }}" } },
            "both": { "batch": true, "foreign_key": "/PurchaseOrder" }
        }
    })
}

fn sink(operation: &str) -> Arc<dyn Sink> {
    let connector = parse(&config(), "sap").unwrap_or_else(|reasons| panic!("{reasons:#?}"));
    connector.build_sink(operation, &Surroundings::new(&Password, Path::new("."))).unwrap()
}

fn with(body: &Value, slots: &[&str]) -> Delivery {
    let slots = slots.iter().map(|slot| (*slot).to_owned()).collect();
    Delivery { body: Bytes::from(body.to_string()), slots, ..delivery(1) }
}

async fn poll(hub: &Hub) {
    hub.restart(Orders::default());
    let connector = parse(&config(), "sap").unwrap();
    let source = connector.build_source("orders", &Surroundings::new(&Password, Path::new("."))).unwrap();
    run_until_idle(source, hub).await;
}

fn order(supplier: &str) -> Value {
    json!({
        "Supplier": supplier, "CompanyCode": "1010", "PurchaseOrderType": "NB",
        "to_PurchaseOrderItem": [{ "Material": "RM-BOLT-M8", "OrderQuantity": "500.000", "PurchaseOrderQuantityUnit": "EA" }]
    })
}

#[tokio::test]
async fn the_service_that_is_made_from_saps_metadata() {
    let Some(_service) = Service::start() else { return };
    let hub = Hub::default();
    poll(&hub).await;
    let before = hub.documents().len();
    let created = sink("create").deliver(&with(&order("17300001"), &[])).await;
    let Answer::Delivered { status: 201, foreign_key: Some(number) } = created else { panic!("{created:?}") };
    let refused = sink("create").deliver(&with(&order(""), &[])).await;
    let Answer::Refused { reason, .. } = &refused else { panic!("{refused:?}") };
    assert!(reason.message.contains("Enter supplier"), "the service's own words: {reason}");
    poll(&hub).await;
    let documents = hub.documents();
    assert_eq!(documents.len(), before + 1, "{documents:?}");
    assert!(documents.iter().any(|one| one.contains(&number) && one.contains("RM-BOLT-M8")), "{documents:?}");
    let path = format!("/A_PurchaseOrder(PurchaseOrder='{number}')");
    let changed = sink("change").deliver(&with(&json!({ "Supplier": "17300002" }), &[&path])).await;
    assert!(matches!(changed, Answer::Delivered { .. }), "{changed:?}");
    poll(&hub).await;
    assert!(hub.documents().iter().any(|one| one.contains("17300002")), "the change is a document");
    let stale = sink("stale")
        .deliver(&with(&json!({ "Supplier": "3" }), &[&path, "W/\"'2001-01-01T00:00:00Z'\""]))
        .await;
    assert!(matches!(stale, Answer::Refused { status: 412, .. }), "{stale:?}");
    let request =
        |supplier: &str| json!({ "method": "POST", "path": "A_PurchaseOrder", "body": order(supplier) });
    let both = sink("both").deliver(&with(&json!([request("17300003"), request("17300004")]), &[])).await;
    assert!(matches!(both, Answer::Delivered { foreign_key: Some(_), .. }), "{both:?}");
    poll(&hub).await;
    let count = hub.documents().len();
    let half = sink("both").deliver(&with(&json!([request("17300005"), request("")]), &[])).await;
    let Answer::Refused { reason, .. } = &half else { panic!("{half:?}") };
    assert!(reason.message.contains("Enter supplier"), "{reason}");
    poll(&hub).await;
    assert_eq!(hub.documents().len(), count, "neither of the two was taken");
}
