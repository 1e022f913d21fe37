//! What the systems take: once per key, every effect counted.

use lineshaft_sim::{Config, Factory};
use serde_json::json;

use crate::client::Caller;

async fn still() -> Factory {
    Factory::start(Config { rate_per_s: 0, scene: false, ..Config::default() }).await.unwrap()
}

fn order(revision: u64) -> serde_json::Value {
    json!({
        "order": "4500000001", "revision": revision, "status": "open", "supplier": "1000011", "currency": "EUR",
        "lines": [{ "line": "10", "item": "RM-1001", "quantity": "20", "unit": "EA", "price": "1.50",
                    "deliveries": [{ "quantity": "20", "date": "2026-01-12" }] }],
    })
}

#[tokio::test]
async fn the_same_key_has_one_effect_and_another_body_is_refused() {
    let factory = still().await;
    let network = factory.system("procurement").unwrap();
    let (caller, url) = (Caller::new(), format!("{}/api/purchase-orders/4500000001", network.url()));
    let first = caller.put(&url, "k1", &order(1)).await.unwrap();
    let again = caller.put(&url, "k1", &order(1)).await.unwrap();
    assert_eq!((first.status, again.status, &first.body), (200, 200, &again.body));
    assert_eq!(caller.put(&url, "k1", &order(2)).await.unwrap().status, 422);
    let stats = network.stats().ledger;
    assert_eq!((stats.effects, stats.replays, stats.key_conflicts, stats.double_effects), (1, 1, 1, 0));
    assert!(!factory.audit().is_clean());
    factory.shutdown().await;
}

#[tokio::test]
async fn the_same_effect_under_another_key_is_found() {
    let factory = still().await;
    let network = factory.system("procurement").unwrap();
    let (caller, url) = (Caller::new(), format!("{}/api/purchase-orders/4500000001", network.url()));
    for (key, revision) in [("k1", 2), ("k2", 2), ("k3", 1)] {
        assert_eq!(caller.put(&url, key, &order(revision)).await.unwrap().status, 200);
    }
    let audit = factory.audit();
    assert_eq!(audit.doubles, ["procurement put-purchase-order 4500000001@2 x2"]);
    assert_eq!(audit.out_of_order, 1);
    let effects = caller.get(&format!("{}/sim/effects?double=true", network.url())).await.unwrap();
    assert_eq!(effects.body["effects"][0]["count"], 2);
    factory.shutdown().await;
}

#[tokio::test]
async fn a_refusal_has_no_effect_and_says_why() {
    let factory = still().await;
    let erp = factory.system("erp").unwrap();
    let caller = Caller::new();
    let url = format!("{}/sap/opu/odata/sap/API_MATERIAL_DOCUMENT_SRV/A_MaterialDocumentHeader", erp.url());
    let body = json!({ "ReferenceDocument": "GR-1-1", "to_MaterialDocumentItem": [
        { "GoodsMovementType": "101", "Material": "RM-1001", "StorageBin": "B-01-01", "QuantityInEntryUnit": "5.000",
          "PurchaseOrder": "4500000009", "PurchaseOrderItem": "00010" }] });
    let reply = caller.post(&url, "k1", &body).await.unwrap();
    assert_eq!(reply.status, 422);
    assert!(reply.text.contains("purchase order 4500000009 does not exist"), "{}", reply.text);
    for (body, missing) in
        [(json!({}), "ReferenceDocument"), (json!({ "ReferenceDocument": "X" }), "to_MaterialDocumentItem")]
    {
        let reply = caller.post(&url, "k2", &body).await.unwrap();
        assert!(reply.status == 400 && reply.text.contains(missing), "{}", reply.text);
    }
    assert_eq!(erp.stats().ledger.effects, 0);
    factory.shutdown().await;
}

#[tokio::test]
async fn a_posted_document_is_found_by_its_reference() {
    let factory = still().await;
    let erp = factory.system("erp").unwrap();
    let caller = Caller::new();
    let service = format!("{}/sap/opu/odata/sap/API_MATERIAL_DOCUMENT_SRV", erp.url());
    let body = json!({ "ReferenceDocument": "TA00000001", "to_MaterialDocumentItem": [
        { "GoodsMovementType": "311", "Material": "RM-1001", "StorageBin": "B-01-01", "IssuingOrReceivingStorageBin": "K-01-01",
          "QuantityInEntryUnit": "5.000" }] });
    let lookup = format!("{service}/A_MaterialDocumentHeader('TA00000001')");
    assert_eq!(caller.get(&lookup).await.unwrap().status, 404);
    assert_eq!(
        caller.post(&format!("{service}/A_MaterialDocumentHeader"), "k1", &body).await.unwrap().status,
        201
    );
    let found = caller.get(&lookup).await.unwrap();
    assert_eq!((found.status, found.body["d"]["ReferenceDocument"].as_str()), (200, Some("TA00000001")));
    factory.shutdown().await;
}

#[tokio::test]
async fn the_audit_finds_where_the_books_differ() {
    let factory = still().await;
    let erp = factory.system("erp").unwrap();
    let of_erp = || {
        factory
            .audit()
            .differences
            .into_iter()
            .filter(|difference| difference.system == "erp")
            .collect::<Vec<_>>()
    };
    assert_eq!(of_erp(), []);
    // A difference that the warehouse never counted.
    let url = format!("{}/sap/opu/odata/sap/API_PHYSICAL_INVENTORY_DOC_SRV/A_InventoryDifference", erp.url());
    let body = json!({
        "PhysicalInventoryDocument": "CC-1-1", "Material": "RM-9001", "StorageBin": "K-02-02",
        "DifferenceQuantity": "-1", "GoodsMovementType": "702",
    });
    assert_eq!(Caller::new().post(&url, "k1", &body).await.unwrap().status, 201);
    let found = of_erp();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (found[0].key.as_str(), found[0].expected.as_str(), found[0].found.as_str()),
        ("RM-9001/K-02-02", "100", "99")
    );
    // Nobody told the scheduler anything.
    assert!(factory.audit().differences.iter().any(|difference| difference.system == "aps"));
    factory.shutdown().await;
}

#[tokio::test]
async fn a_wrong_token_is_turned_away() {
    let mut config = Config { rate_per_s: 0, scene: false, ..Config::default() };
    config.tokens.from_hub.insert("procurement".to_owned(), "secret".to_owned());
    assert!(!format!("{config:?}").contains("secret"));
    let factory = Factory::start(config).await.unwrap();
    let url = format!("{}/api/purchase-orders/1", factory.system("procurement").unwrap().url());
    assert_eq!(Caller::new().put(&url, "k1", &order(1)).await.unwrap().status, 401);
    factory.shutdown().await;
}
