//! The example of table exports and OData answers, run on recorded input that is kept beside the checkout.

mod documents;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::hub::{Door, Plant, until};
use crate::receiver::Receiver;

/// The tables of the example, each with the event type its rows become and the columns that make an object's key.
const TABLES: &[(&str, &str, &[usize])] = &[
    ("Product.csv", "lineshaft.item.changed.v1", &[0]),
    ("Vendor.csv", "lineshaft.supplier.changed.v1", &[0]),
    ("ProductInventory.csv", "lineshaft.inventory.positioned.v1", &[0, 1]),
    ("BillOfMaterials.csv", "lineshaft.bill-of-material.changed.v1", &[1]),
    ("PurchaseOrderHeader.csv", "lineshaft.purchase-order.changed.v1", &[0]),
    ("PurchaseOrderDetail.csv", "lineshaft.purchase-order.changed.v1", &[0]),
];

/// Recorded answers and the source of `sap` they are posted to.
const ANSWERS: &[(&str, &str)] = &[
    ("PO_list_top5_expand_item.json", "purchase-orders"),
    ("BP_list.json", "business-partners"),
    ("PRODUCT_list.json", "products"),
];

/// The folder that holds `corpus/`, as `cargo xtask corpus` names it.
fn recorded() -> PathBuf {
    let folder = std::env::var_os("LINESHAFT_RECORDED").expect("run it with: cargo xtask corpus FOLDER");
    PathBuf::from(folder).join("corpus")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn plant(folder: &Path, planning: &Receiver) -> Plant {
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/adventureworks"), folder);
    std::fs::create_dir(folder.join("drop")).unwrap();
    let mut plant = Plant::at(folder);
    for (name, value) in [
        ("LISTEN", plant.address.to_string()),
        ("PLANNING_URL", format!("http://{}", planning.address)),
        ("SETTLE", "100ms".to_owned()),
        ("POLL", "50ms".to_owned()),
    ] {
        plant.variables.push((name, value));
    }
    plant
}

/// What the tables hold, read without any of the hub's code: events by type, and keys of objects by type.
fn expected(tables: &Path) -> (usize, BTreeMap<&'static str, BTreeSet<String>>) {
    let mut events = 0;
    let mut objects: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (table, kind, columns) in TABLES {
        let text = std::fs::read_to_string(tables.join(table)).unwrap();
        let keys: BTreeSet<String> = text
            .lines()
            .map(|line| {
                let cells: Vec<&str> = line.split('\t').collect();
                let key = columns.iter().map(|column| cells[*column]).collect::<Vec<_>>().join("/");
                if key.is_empty() { "finished-products".to_owned() } else { key }
            })
            .collect();
        events += keys.len();
        objects.entry(kind).or_default().extend(keys);
    }
    (events, objects)
}

fn drop_tables(tables: &Path, plant: &Plant) {
    for (table, ..) in TABLES {
        std::fs::copy(tables.join(table), plant.folder.join("drop").join(table)).unwrap();
    }
}

/// Inputs of all sources that ended so.
fn sum(books: &Value, ending: &str) -> u64 {
    books["inputs"].as_object().unwrap().values().map(|counts| counts[ending].as_u64().unwrap()).sum()
}

fn left_in(folder: &Path) -> usize {
    std::fs::read_dir(folder)
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_type().unwrap().is_file())
        .count()
}

async fn duplicates(door: &Door) -> u64 {
    sum(&door.get("/v1/balance").await.unwrap().json(), "duplicate")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_become_objects_and_the_same_tables_again_deliver_nothing() {
    let tables = recorded().join("planning_adventureworks");
    let folder = tempfile::tempdir().unwrap();
    let planning = Receiver::open().await;
    let plant = plant(folder.path(), &planning);
    let (hub, _) = plant.start(&plant.token()).await;
    let (events, objects) = expected(&tables);

    drop_tables(&tables, &plant);
    // Refused rows would be missed only after a long wait: say so at once.
    until("every table to be taken", async || left_in(&plant.folder.join("drop")) == 0).await;
    let books = hub.door.get("/v1/balance").await.unwrap().json();
    assert_eq!(sum(&books, "quarantined"), 0, "{:#}", books["inputs"]);
    until("every table to be delivered", async || planning.look(|effects| effects.applied.len()) >= events)
        .await;
    let applied = planning.look(|effects| effects.applied.clone());
    assert_eq!(applied.len(), events);
    let mut told: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for body in &applied {
        told.entry(body["type"].as_str().unwrap())
            .or_default()
            .insert(body["key"].as_str().unwrap().to_owned());
    }
    assert_eq!(told, objects);
    let lines: usize = applied.iter().filter_map(|body| body["data"]["lines"].as_array()).map(Vec::len).sum();
    let rows = std::fs::read_to_string(tables.join("PurchaseOrderDetail.csv")).unwrap().lines().count();
    assert_eq!(lines, rows, "every line of every order");

    drop_tables(&tables, &plant);
    until("the same tables to be recognised", async || duplicates(&hub.door).await >= events as u64).await;
    assert_eq!(planning.look(|effects| effects.applied.len()), events, "nothing is delivered twice");
    let books = hub.door.get("/v1/balance").await.unwrap().json();
    assert_eq!(books["balanced"], true, "{books:#}");
    eprintln!("{events} events of {} kinds of objects, {lines} order lines, delivered once", objects.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_answers_become_objects_and_the_same_again_are_duplicates() {
    let answers = recorded().join("sap_odata_recorded");
    let folder = tempfile::tempdir().unwrap();
    let planning = Receiver::open().await;
    let plant = plant(folder.path(), &planning);
    let (hub, _) = plant.start(&plant.token()).await;
    let mut accepted = 0;
    for status in ["accepted", "duplicate"] {
        for (file, source) in ANSWERS {
            let body = std::fs::read(answers.join(file)).unwrap();
            let path = format!("/v1/in/sap/{source}");
            let answer = hub.door.post(&path, "application/json", body.clone()).await.unwrap();
            assert_eq!(answer.status, 202, "{file}: {}", String::from_utf8_lossy(&answer.body));
            let answer = answer.json();
            let results = answer["results"].as_array().unwrap();
            let records =
                serde_json::from_slice::<Value>(&body).unwrap()["d"]["results"].as_array().unwrap().len();
            assert_eq!(results.len(), records, "{file}");
            assert!(results.iter().all(|result| result["status"] == status), "{file}: {answer:#}");
            accepted += if status == "accepted" { records } else { 0 };
        }
    }
    until("every record to be delivered", async || {
        planning.look(|effects| effects.applied.len()) >= accepted
    })
    .await;
    assert_eq!(planning.look(|effects| effects.applied.len()), accepted);
}
