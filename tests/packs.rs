//! The packs of `examples/packs`: what a mapping writes in a format, the mapping back reads as the same event.

use std::path::{Path, PathBuf};

use lineshaft::workspace::{Variables, Workspace, load};
use lineshaft_formats::{Format, decode, encode};
use lineshaft_mapping::{Budget, CodeList, Environment, Input, Mapping, Units, Vars};
use serde_json::{Value, json};

const NOW: &str = "2026-11-27T10:00:00Z";

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// The mappings of a pack.
pub(crate) struct Pack {
    folder: PathBuf,
    environment: Environment,
}

impl Pack {
    pub(crate) fn open(name: &str) -> Self {
        let folder = examples().join("packs").join(name);
        let lists = std::fs::read_dir(folder.join("codes")).unwrap().map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap();
            CodeList::parse(name, &std::fs::read(&path).unwrap())
                .unwrap_or_else(|faults| panic!("{faults:?}"))
        });
        let environment = Environment::new(lists.collect::<Vec<_>>(), Units::default());
        Self { folder, environment }
    }

    fn mapping(&self, name: &str) -> Mapping {
        let text = std::fs::read_to_string(self.folder.join(format!("mappings/{name}.jq"))).unwrap();
        Mapping::compile(name, &text, &self.environment)
            .unwrap_or_else(|faults| panic!("{name}: {faults:#?}"))
    }

    /// What a mapping makes of a document.
    pub(crate) fn run(&self, name: &str, document: &[u8]) -> Result<Vec<Value>, String> {
        let vars = Vars { tenant: "main", now: NOW, ..Vars::default() };
        let outputs = self.mapping(name).run_bytes(document, &vars, &Budget::DEFAULT);
        let outputs = outputs.map_err(|error| format!("{error}: {:?}", error.reason))?;
        Ok(outputs.iter().map(|output| serde_json::from_slice(output).unwrap()).collect())
    }
}

/// The contracts that the events of the examples keep.
fn contracts() -> Workspace {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("contracts")).unwrap();
    std::fs::write(folder.path().join("lineshaft.yaml"), "").unwrap();
    for entry in std::fs::read_dir(examples().join("discrete-plant/contracts")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join("contracts").join(path.file_name().unwrap())).unwrap();
    }
    load(folder.path(), &Variables::default()).workspace.unwrap()
}

/// Whether the data of an event keeps the contract of its type.
fn broken(contracts: &Workspace, event: &Value) -> Option<String> {
    let contract = contracts.contracts.get(event["type"].as_str()?)?.compiled.as_ref()?;
    let data = event["data"].to_string();
    contract
        .validate(&Input::parse(data.as_bytes()).unwrap(), 5)
        .err()
        .map(|violations| format!("{violations:?} in {event:#}"))
}

fn format(text: &str) -> Format {
    match text.starts_with('{') {
        true => serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}")),
        false => Format::named(text).unwrap(),
    }
}

fn quantity(value: &str) -> Value {
    json!({ "value": value, "unit": "C62" })
}

fn order() -> Value {
    json!({
        "type": "lineshaft.purchase-order.released.v1",
        "id": "e-1",
        "subject": "4500000101",
        "time": "2026-11-20T08:00:00Z",
        "sequence": "1",
        "data": {
            "supplier": "100015",
            "currency": "EUR",
            "ordered": "2026-11-20",
            "status": "open",
            "lines": [
                {
                    "line": "10", "item": "M-100", "description": "Bearing", "site": "P100",
                    "quantity": quantity("100"), "price": { "amount": "12.50", "currency": "EUR" }, "price_per": quantity("10"),
                    "status": "open",
                    "schedule_lines": [{ "quantity": quantity("60"), "date": "2026-12-07" }, { "quantity": quantity("40"), "date": "2026-12-14" }]
                },
                {
                    "line": "20", "item": "M-200", "description": "Oil", "site": "P100",
                    "quantity": { "value": "2.5", "unit": "LTR" }, "price": { "amount": "3.99", "currency": "EUR" },
                    "price_per": { "value": "1", "unit": "LTR" }, "status": "open",
                    "schedule_lines": [{ "quantity": { "value": "2.5", "unit": "LTR" }, "date": "2026-12-07" }]
                }
            ]
        }
    })
}

fn confirmation(status: &str, outcome: &str, splits: &Value) -> Value {
    json!({
        "type": "lineshaft.purchase-order.confirmed.v1",
        "id": "e-2",
        "subject": "4500000101/10/AB-77",
        "time": "2026-11-21T09:30:00Z",
        "data": {
            "purchase_order": "4500000101", "line": "10", "item": "M-100", "confirmation": "AB-77", "supplier": "100015",
            "outcome": outcome, "status": status, "splits": splits, "price": { "amount": "12.50", "currency": "EUR" }
        }
    })
}

fn confirmations() -> Vec<Value> {
    let split = |value: &str, date: Value, status: &str| json!({ "quantity": quantity(value), "date": date, "status": status });
    let week = |day: &str| json!(format!("2026-12-{day}"));
    vec![
        confirmation("confirmed", "full", &json!([split("100", week("07"), "confirmed")])),
        confirmation(
            "changed",
            "full",
            &json!([split("60", week("07"), "confirmed"), split("40", week("14"), "confirmed")]),
        ),
        confirmation(
            "partial",
            "partial",
            &json!([split("60", week("07"), "confirmed"), split("40", Value::Null, "backordered")]),
        ),
        confirmation("rejected", "rejected", &json!([split("100", Value::Null, "rejected")])),
    ]
}

fn shipment() -> Value {
    json!({
        "type": "lineshaft.shipment.notified.v1",
        "id": "e-3",
        "subject": "ASN-000042",
        "time": "2026-12-05T06:00:00Z",
        "data": {
            "supplier": "100015", "shipped": "2026-12-05T06:00:00Z", "expected": "2026-12-07T08:00:00Z", "carrier": "DHL",
            "lines": [
                { "purchase_order": "4500000101", "line": "10", "item": "M-100", "quantity": quantity("60"), "lot": "L-1", "sscc": "340123450000000018" },
                { "purchase_order": "4500000101", "line": "20", "item": "M-200", "quantity": { "value": "2.5", "unit": "LTR" } }
            ]
        }
    })
}

fn production_order() -> Value {
    json!({
        "type": "lineshaft.production-order.released.v1",
        "id": "e-4",
        "subject": "1000123",
        "time": "2026-11-25T07:00:00Z",
        "data": {
            "item": "F-1", "site": "P100", "status": "released", "quantity": quantity("50"),
            "start": "2026-12-01T06:00:00Z", "end": "2026-12-02T14:00:00Z", "priority": 3,
            "components": [
                { "component": "M-100", "location": "0001", "quantity": quantity("100") },
                { "component": "M-200", "quantity": { "value": "1.25", "unit": "LTR" } }
            ],
            "operations": [{ "operation": "10", "work_centre": "MILL", "description": "Mill" }, { "operation": "20", "work_centre": "ASSY" }]
        }
    })
}

fn item() -> Value {
    json!({
        "type": "lineshaft.item.changed.v1", "id": "e-5", "subject": "M-100", "time": "2026-11-25T07:00:00Z",
        "data": { "description": "Bearing", "kind": "bought", "unit": "C62", "status": "active" }
    })
}

fn lot() -> Value {
    json!({
        "type": "lineshaft.inventory.positioned.v1", "id": "e-6", "subject": "M-100/BIN-7/L-1", "time": "2026-11-25T07:00:00Z",
        "data": { "item": "M-100", "location": "BIN-7", "lot": "L-1", "on_hand": quantity("12.5") }
    })
}

/// Pack, mapping out and in without their ending, format, event.
pub(crate) fn cases() -> Vec<(&'static str, &'static str, &'static str, Value)> {
    let mut cases = vec![
        ("idoc", "idoc-orders", "idoc", order()),
        ("idoc", "idoc-desadv", "idoc", shipment()),
        ("idoc", "idoc-matmas", "idoc", item()),
        ("idoc", "idoc-loipro", "idoc", production_order()),
        ("cxml", "cxml-order", "cxml", order()),
        ("cxml", "cxml-ship-notice", "cxml", shipment()),
        ("ubl", "ubl-order", "ubl", order()),
        ("ubl", "ubl-despatch-advice", "ubl", shipment()),
        ("b2mml", "b2mml-operations-request", "b2mml", production_order()),
        ("b2mml", "b2mml-material-lot", "b2mml", lot()),
    ];
    for confirmed in confirmations() {
        cases.push(("cxml", "cxml-confirmation", "cxml", confirmed.clone()));
        cases.push(("ubl", "ubl-order-response", "ubl", confirmed.clone()));
        cases.push(("idoc", "idoc-ordrsp", "idoc", confirmed));
    }
    cases
}

/// The document that a pack writes for an event.
pub(crate) fn written(pack: &Pack, name: &str, format: &Format, event: &Value) -> Vec<u8> {
    let documents = pack
        .run(&format!("{name}-out"), event.to_string().as_bytes())
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(documents.len(), 1, "{name}");
    let text = documents[0].to_string();
    encode(format, [text.as_bytes()]).unwrap_or_else(|error| panic!("{name}: {error}\n{text}"))
}

/// What the standard has no place for does not come back, and what it does not say is null.
fn comparable(name: &str, mut event: Value, original: &Value) -> Value {
    let data = event["data"].as_object_mut().unwrap();
    data.remove("extensions");
    data.retain(|key, value| !value.is_null() || original["data"].get(key).is_some());
    for line in data.get_mut("lines").and_then(Value::as_array_mut).into_iter().flatten() {
        line.as_object_mut().unwrap().remove("extensions");
        if name.starts_with("cxml") || name.starts_with("ubl") {
            line["site"] = json!("P100");
        }
    }
    json!({ "type": event["type"], "subject": event["subject"], "time": event["time"], "data": event["data"] })
}

#[test]
fn what_is_written_is_read_as_the_same_event() {
    let contracts = contracts();
    for (folder, name, format_name, event) in cases() {
        let pack = Pack::open(folder);
        let format = format(format_name);
        let bytes = written(&pack, name, &format, &event);
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        let read: Vec<_> = decode(&format, &bytes)
            .map(|item| item.unwrap_or_else(|error| panic!("{name}: {error}\n{shown}")))
            .collect();
        assert_eq!(read.len(), 1, "{name}");
        let events = pack
            .run(&format!("{name}-in"), &read[0].json)
            .unwrap_or_else(|error| panic!("{name}: {error}\n{shown}"));
        assert_eq!(events.len(), 1, "{name}\n{shown}");
        if let Some(violations) = broken(&contracts, &events[0]) {
            panic!("{name}: {violations}");
        }
        let mut expected = event.clone();
        if name == "idoc-ordrsp" && event["data"]["status"] == "partial" {
            // An ORDRSP says what is confirmed; what is missing is the rest of the order's quantity.
            expected["data"]["splits"].as_array_mut().unwrap().pop();
        }
        let back = comparable(name, events[0].clone(), &expected);
        assert_eq!(back, comparable(name, expected.clone(), &expected), "{name}\n{shown}");
        assert!(
            events[0]["id"].as_str().is_some_and(|id| !id.contains("null")),
            "{name}: {}",
            events[0]["id"]
        );
    }
}

#[test]
fn every_mapping_of_the_packs_is_tried() {
    let mut tried: Vec<String> = cases()
        .iter()
        .flat_map(|(pack, name, ..)| ["in", "out"].map(|way| format!("{pack}/{name}-{way}.jq")))
        .collect();
    tried.sort();
    tried.dedup();
    let mut found = Vec::new();
    for pack in ["b2mml", "cxml", "idoc", "ubl"] {
        for entry in std::fs::read_dir(examples().join("packs").join(pack).join("mappings")).unwrap() {
            found.push(format!("{pack}/{}", entry.unwrap().file_name().to_str().unwrap()));
        }
    }
    found.sort();
    assert_eq!(tried, found);
}

#[test]
fn an_answer_to_a_whole_order_names_its_lines_or_is_refused() {
    let cxml = json!({ "cXML": { "@payloadID": "p", "@timestamp": NOW, "Request": { "ConfirmationRequest": {
        "ConfirmationHeader": { "@type": "accept" }, "OrderReference": { "@orderID": "4500000101" } } } } });
    let ubl = json!({ "OrderResponse": { "ID": "AB-1", "IssueDate": "2026-11-27", "OrderResponseCode": "AP", "OrderReference": [{ "ID": "4500000101" }] } });
    for (pack, mapping, document) in
        [("cxml", "cxml-confirmation-in", cxml), ("ubl", "ubl-order-response-in", ubl)]
    {
        let refused = Pack::open(pack).run(mapping, document.to_string().as_bytes()).unwrap_err();
        assert!(
            refused.contains("confirmation-without-lines") && refused.contains("4500000101"),
            "{refused}"
        );
    }
}

#[test]
fn a_code_that_no_list_has_is_refused() {
    let ubl = json!({ "OrderResponse": { "ID": "AB-1", "IssueDate": "2026-11-27", "OrderReference": [{ "ID": "4500000101" }],
        "OrderLine": [{ "LineItem": { "ID": "1", "LineStatusCode": "99", "Item": { "Name": "x" } } }] } });
    let refused = Pack::open("ubl").run("ubl-order-response-in", ubl.to_string().as_bytes()).unwrap_err();
    assert!(refused.contains("unknown-code"), "{refused}");
}

#[test]
fn documents_of_older_b2mml_are_read() {
    let format = format("b2mml");
    let schedule = "<ProductionSchedule xmlns='http://www.mesa.org/xml/B2MML-V0600'><ID>S</ID><ProductionRequest><ID>77</ID><StartTime>2026-12-01T06:00:00Z</StartTime>\
<SegmentRequirement><ID>1</ID><MaterialRequirement><MaterialDefinitionID>F-1</MaterialDefinitionID><MaterialUse>Produced</MaterialUse>\
<Quantity><QuantityString>5</QuantityString><UnitOfMeasure>KG</UnitOfMeasure></Quantity></MaterialRequirement>\
<MaterialRequirement><MaterialDefinitionID>M-1</MaterialDefinitionID><MaterialUse>Consumed</MaterialUse><StorageLocation>BIN-1</StorageLocation>\
<Quantity><QuantityString>2</QuantityString></Quantity></MaterialRequirement></SegmentRequirement></ProductionRequest></ProductionSchedule>";
    let read: Vec<_> = decode(&format, schedule.as_bytes()).map(Result::unwrap).collect();
    let events = Pack::open("b2mml").run("b2mml-operations-request-in", &read[0].json).unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["type"], "lineshaft.production-order.released.v1");
    assert_eq!(events[0]["data"]["quantity"], json!({ "value": "5", "unit": "KGM" }));
    assert_eq!(
        events[0]["data"]["components"],
        json!([{ "component": "M-1", "location": "BIN-1", "quantity": quantity("2") }])
    );
}
