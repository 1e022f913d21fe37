//! The example workspaces as a newcomer gets them: written by `lineshaft new`, checked, run and fed.

use serde_json::{Value, json};

use crate::hub::{Plant, until};
use crate::receiver::Receiver;

/// A row of each table, tab separated and without a header, as the exports have them. One order has two lines, and a stock
/// position has a quantity that is none.
const TABLES: &[(&str, &str)] = &[
    (
        "Product.csv",
        "9001\tHinge\tHG-9001\t0\t0\t\t1000\t750\t.2500\t.0000\t\t\tG  \t12.50\t0\t\t\t\t\t\t2024-04-30 00:00:00.000\t\t\tguid\t2025-02-07 10:01:36.827\n",
    ),
    ("Vendor.csv", "7001\tFOUNDRY0001\tFoundry\t1\t1\t1\t\t2024-12-22 00:00:00.000\n"),
    (
        "ProductInventory.csv",
        "9001\t6\tB\t5\t324\tguid\t2025-08-07 00:00:00.000\n9002\t6\tB\t6\tmany\tguid\t2025-08-07 00:00:00.000\n",
    ),
    (
        "BillOfMaterials.csv",
        "1\t9100\t9001\t2024-03-03 00:00:00.000\t\tEA \t1\t4.00\t2024-05-02 00:00:00.000\n",
    ),
    (
        "PurchaseOrderHeader.csv",
        "501\t5\t2\t258\t7001\t3\t2025-04-15 00:00:00.000\t\t201.0400\t16.0832\t5.0260\t222.1492\t2025-04-24 00:00:00.000\n",
    ),
    (
        "PurchaseOrderDetail.csv",
        "501\t1\t2025-04-29 00:00:00.000\t4\t9001\t50.2600\t201.0400\t3.00\t.00\t3.00\t2025-04-22 00:00:00.000\n\
         501\t2\t2025-04-29 00:00:00.000\t1\t9001\t50.2600\t50.2600\t1.00\t.00\t1.00\t2025-04-22 00:00:00.000\n",
    ),
];

fn sap_order(number: &str, status: &str) -> Value {
    json!({
        "PurchaseOrder": number, "PurchaseOrderType": "NB", "CompanyCode": "1710", "Supplier": "S-1", "DocumentCurrency": "EUR",
        "PurchaseOrderDate": "/Date(1753142400000)/", "PurchasingProcessingStatus": status,
    })
}

async fn started(receiver: &Receiver, folder: &std::path::Path) -> Plant {
    let mut plant = Plant::at(folder);
    let values = [
        ("LISTEN", plant.address.to_string()),
        ("PLANNING_URL", format!("http://{}", receiver.address)),
        ("SETTLE", "50ms".to_owned()),
        ("POLL", "20ms".to_owned()),
    ];
    plant.variables.extend(values);
    let written = plant.command(&["new", ".", "--from", "adventureworks"]);
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    let checked = plant.command(&["check", "."]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    plant
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn table_exports_become_objects_and_reach_planning() {
    let folder = tempfile::tempdir().unwrap();
    let planning = Receiver::open().await;
    let plant = started(&planning, folder.path()).await;
    std::fs::create_dir(folder.path().join("drop")).unwrap();
    let (hub, _) = plant.start(&plant.token()).await;
    for (table, rows) in TABLES {
        std::fs::write(folder.path().join("drop").join(table), rows).unwrap();
    }
    until("every object to be delivered", async || planning.look(|effects| effects.applied.len()) == 6).await;
    until("the views", async || {
        hub.door.get("/v1/balance").await.is_ok_and(|books| {
            let books = books.json();
            books["applied"] == books["position"]
        })
    })
    .await;
    let order = hub.door.get("/v1/objects/purchase-order/501").await.unwrap().json();
    assert_eq!(order["status"], "confirmed", "{order:#}");
    assert_eq!(
        order["data"]["lines"].as_array().map(Vec::len),
        Some(2),
        "header and lines are one object: {order:#}"
    );
    let item = hub.door.get("/v1/objects/item/9001").await.unwrap().json();
    assert_eq!(item["data"]["weight"], json!({ "value": "12.5", "unit": "GRM" }));
    let mut refused = Vec::new();
    until("the bad row to be shown", async || {
        let listed = hub.door.get("/v1/quarantine").await.unwrap().json();
        refused = listed["items"].as_array().unwrap().clone();
        !refused.is_empty()
    })
    .await;
    assert_eq!(refused.len(), 1, "only the bad row is refused: {refused:#?}");
    let row = hub.door.get(&format!("/v1/quarantine/{}", refused[0]["position"])).await.unwrap().json();
    assert!(row["raw"]["text"].as_str().is_some_and(|text| text.contains("\tmany\t")), "{row:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_record_with_an_unknown_code_does_not_hold_up_its_list() {
    let folder = tempfile::tempdir().unwrap();
    let planning = Receiver::open().await;
    let plant = started(&planning, folder.path()).await;
    std::fs::create_dir(folder.path().join("drop")).unwrap();
    let (hub, _) = plant.start(&plant.token()).await;
    let send = async |body: Value| {
        hub.door.post("/v1/in/sap/purchase-orders", "application/json", body.to_string()).await.unwrap()
    };

    let list =
        json!({ "d": { "results": [sap_order("1", "05"), sap_order("2", "99"), sap_order("3", "02")] } });
    let answer = send(list.clone()).await;
    assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
    let statuses = |answer: &Value| -> Vec<String> {
        let results = answer["results"].as_array().unwrap();
        results.iter().map(|result| result["status"].as_str().unwrap().to_owned()).collect()
    };
    let told = answer.json();
    assert_eq!(statuses(&told), ["accepted", "quarantined", "accepted"]);
    assert_eq!(told["results"][1]["reasons"][0]["code"], "unknown-code", "{told:#}");
    let shown = format!("/v1/quarantine/{}", told["results"][1]["position"]);
    until("the refused record to be shown", async || {
        hub.door.get(&shown).await.is_ok_and(|answer| answer.status == 200)
    })
    .await;
    let row = hub.door.get(&shown).await.unwrap().json();
    assert_eq!(row["raw"]["text"], sap_order("2", "99").to_string(), "its own bytes and no others: {row:#}");

    // A code that somebody has added since lets the same list in: what was taken is known, what was refused is new.
    let codes = folder.path().join("codes/order-status-sap.csv");
    let known = std::fs::read_to_string(&codes).unwrap();
    std::fs::write(&codes, format!("{known}99,open,a new one\n")).unwrap();
    let reloaded = plant.command(&["reload"]);
    assert!(reloaded.status.success(), "{}", String::from_utf8_lossy(&reloaded.stderr));
    assert_eq!(statuses(&send(list).await.json()), ["duplicate", "accepted", "duplicate"]);

    // One record alone, a refused one, and an error page.
    assert_eq!(send(json!({ "d": sap_order("4", "05") })).await.status, 202);
    assert_eq!(send(json!({ "d": sap_order("5", "98") })).await.status, 422);
    let wrong = send(json!({ "error": { "code": "005056A509B11EE1B9A8FEC11C21D78E" } })).await;
    assert_eq!((wrong.status, wrong.json()["code"].as_str()), (400, Some("json-split")));
}

#[test]
fn the_tests_of_the_discrete_plant_pass_and_use_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let plant = Plant::at(folder.path());
    let written = plant.command(&["new", ".", "--from", "discrete-plant"]);
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    let results = folder.path().join("results.xml");
    let results = results.to_str().unwrap();
    let tested = plant.command(&["test", ".", "--coverage-at-least", "100", "--junit", results]);
    assert!(tested.status.success(), "{}", String::from_utf8_lossy(&tested.stdout));
    assert!(std::fs::read_to_string(results).unwrap().contains("failures=\"0\""));

    // A mapping that changes its mind is found, with the test's line.
    let mapping = folder.path().join("mappings/count-to-erp.jq");
    let text = std::fs::read_to_string(&mapping).unwrap();
    std::fs::write(&mapping, text.replace("\"702\"", "\"703\"")).unwrap();
    let tested = plant.command(&["test", ".", "--filter", "counts.yaml"]);
    assert_eq!(tested.status.code(), Some(1));
    let told = String::from_utf8_lossy(&tested.stdout).into_owned();
    let wrong = "deliveries/0/body/GoodsMovementType: expected the text `702`, got the text `703`";
    assert!(told.contains("tests/counts.yaml:23:") && told.contains(wrong), "{told}");
}
