//! Every business document kept beside the checkout: read whole, written back where the format writes, and mapped by the packs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use lineshaft_formats::{Document, Format, FormatError, decode, encode};
use serde_json::{Value, json};

use super::recorded;
use crate::packs::{Pack, cases, written};

/// A row of the table that is printed: by format and message.
#[derive(Default)]
struct Row {
    files: usize,
    documents: usize,
    written_back: usize,
    events: usize,
}

#[derive(Default)]
struct Table(BTreeMap<(String, String), Row>);

impl Table {
    fn row(&mut self, format: &str, message: &str) -> &mut Row {
        self.0.entry((format.to_owned(), message.to_owned())).or_default()
    }

    fn print(&self) {
        eprintln!(
            "{:<12} {:<34} {:>5} {:>9} {:>12} {:>6}",
            "format", "message", "files", "documents", "written back", "events"
        );
        for ((format, message), row) in &self.0 {
            let Row { files, documents, written_back, events } = row;
            eprintln!("{format:<12} {message:<34} {files:>5} {documents:>9} {written_back:>12} {events:>6}");
        }
    }
}

fn files(folder: &str, extension: &str) -> Vec<(String, Vec<u8>)> {
    let folder = recorded().join(folder);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.to_str().unwrap().ends_with(extension));
    files.sort();
    assert!(!files.is_empty(), "{folder:?} has no {extension}");
    files
        .into_iter()
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap()))
        .collect()
}

fn named(name: &str) -> Format {
    Format::named(name).unwrap()
}

fn with(options: Value) -> Format {
    serde_json::from_value(options).unwrap()
}

/// Every document of a file; none may be refused.
fn read<'a>(name: &str, format: &Format, bytes: &'a [u8]) -> Vec<(Value, Document<'a>)> {
    let items: Result<Vec<_>, FormatError> = decode(format, bytes).collect();
    let items = items.unwrap_or_else(|error| panic!("{name}: {} {error}", error.code));
    items.into_iter().map(|document| (serde_json::from_slice(&document.json).unwrap(), document)).collect()
}

/// Writes a document and reads it again: it must be the same.
fn written_back(name: &str, format: &Format, document: &Value) {
    let text = document.to_string();
    let bytes = encode(format, [text.as_bytes()]).unwrap_or_else(|error| panic!("{name}: {error}"));
    let again = read(name, format, &bytes);
    assert_eq!(again.len(), 1, "{name}");
    assert_eq!(&again[0].0, document, "{name}");
}

/// The events that a mapping makes of a document.
fn events(pack: &Pack, mapping: &str, name: &str, document: &Document<'_>) -> usize {
    let events = pack.run(mapping, &document.json).unwrap_or_else(|error| panic!("{name}: {error}"));
    for event in &events {
        assert!(
            event["subject"].as_str().is_some_and(|subject| !subject.is_empty() && !subject.contains("null")),
            "{name}: {event:#}"
        );
        assert!(event["type"].as_str().unwrap().starts_with("lineshaft."), "{name}");
    }
    events.len()
}

/// Segments of an IDoc: every object but the document and its control record.
fn segments(document: &Value) -> usize {
    match document {
        Value::Array(values) => values.iter().map(|value| 1 + segments(value)).sum(),
        Value::Object(members) => {
            members.iter().filter(|(key, _)| *key != "EDI_DC40").map(|(_, value)| segments(value)).sum()
        }
        _ => 0,
    }
}

fn occurrences(text: &[u8], needle: &str) -> usize {
    text.windows(needle.len()).filter(|window| *window == needle.as_bytes()).count()
}

fn orders05() -> Format {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/packs/idoc/layouts/orders05.yaml");
    let (tree, faults) = lineshaft::workspace::yaml::read(&std::fs::read_to_string(path).unwrap());
    assert!(faults.is_empty());
    with(json!({ "idoc": { "form": "flat", "layout": tree.unwrap().to_json() } }))
}

/// Without what only a flat file says of segments whose layout is not known.
fn bare(document: &mut Value) {
    match document {
        Value::Array(values) => values.iter_mut().for_each(bare),
        Value::Object(members) => {
            members.remove("@SEGNAM");
            members.values_mut().for_each(bare);
        }
        _ => {}
    }
}

fn idocs(table: &mut Table) {
    let pack = Pack::open("idoc");
    let format = named("idoc");
    let mut orders = None;
    for (name, bytes) in files("idoc", ".xml") {
        let documents = read(&name, &format, &bytes);
        assert_eq!(documents.len(), occurrences(&bytes, "<IDOC "), "{name}");
        let found: usize = documents.iter().map(|(document, _)| segments(document)).sum();
        let marked = occurrences(&bytes, "SEGMENT=\"1\"");
        assert_eq!(found, marked - documents.len(), "{name}: no segment is lost");
        for (document, cut) in documents {
            let text = |field: &str| document["EDI_DC40"][field].as_str().unwrap().to_owned();
            written_back(&name, &format, &document);
            let mapping = match text("MESTYP").as_str() {
                "ORDERS" | "ORDCHG" => Some("idoc-orders-in"),
                "ORDRSP" => Some("idoc-ordrsp-in"),
                "DESADV" => Some("idoc-desadv-in"),
                "MATMAS" => Some("idoc-matmas-in"),
                "LOIPRO" => Some("idoc-loipro-in"),
                _ => None,
            };
            let made = mapping.map_or(0, |mapping| events(&pack, mapping, &name, &cut));
            assert!(mapping.is_none() || made > 0, "{name}");
            let row = table.row("idoc", &format!("{} {}", text("IDOCTYP"), text("MESTYP")));
            row.files += 1;
            row.documents += 1;
            row.written_back += 1;
            row.events += made;
            if text("MESTYP") == "ORDERS" {
                orders = Some(document);
            }
        }
    }
    let format = orders05();
    for (name, bytes) in files("idoc", ".txt") {
        let documents = read(&name, &format, &bytes);
        assert_eq!(documents.len(), 1, "{name}");
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
        assert_eq!(segments(&documents[0].0), lines - 1, "{name}: no segment is lost");
        written_back(&name, &format, &documents[0].0);
        let (mut flat, mut xml) = (documents[0].0.clone(), orders.clone().unwrap());
        bare(&mut flat);
        // The two files were not made from one IDoc: their numbers and some segments below E1EDL37 and E1EDC01 differ.
        for document in [&mut flat, &mut xml] {
            document.as_object_mut().unwrap().retain(|name, _| name.starts_with("E1EDK"));
        }
        assert_eq!(flat, xml, "{name}: both forms give the same");
        let row = table.row("idoc", "ORDERS05 ORDERS, flat");
        row.files += 1;
        row.documents += 1;
        row.written_back += 1;
        row.events += events(&pack, "idoc-orders-in", &name, &documents[0].1);
    }
}

fn cxml(table: &mut Table) {
    let pack = Pack::open("cxml");
    let format = named("cxml");
    for (name, bytes) in files("cxml", ".xml") {
        let documents = read(&name, &format, &bytes);
        assert_eq!(documents.len(), 1, "{name}");
        let (document, cut) = &documents[0];
        let part = |part: &str| {
            document["cXML"][part]
                .as_object()
                .and_then(|part| part.keys().find(|key| !key.starts_with('@') && *key != "Status"))
        };
        let message = part("Request")
            .or(part("Message"))
            .or(part("Response"))
            .cloned()
            .unwrap_or_else(|| document.as_object().unwrap().keys().next().unwrap().clone());
        let row = table.row("cxml", &message);
        row.files += 1;
        row.documents += 1;
        if document.get("cXML").is_some() {
            written_back(&name, &format, document);
            row.written_back += 1;
        }
        let mapping = match message.as_str() {
            "OrderRequest" => "cxml-order-in",
            "ConfirmationRequest" => "cxml-confirmation-in",
            "ShipNoticeRequest" => "cxml-ship-notice-in",
            _ => continue,
        };
        let made = events(&pack, mapping, &name, cut);
        assert!(made > 0, "{name}");
        row.events += made;
    }
}

fn ubl(table: &mut Table) {
    let pack = Pack::open("ubl");
    let format = named("ubl");
    for (name, bytes) in files("ubl", ".xml") {
        let documents = read(&name, &format, &bytes);
        assert_eq!(documents.len(), 1, "{name}");
        let (document, cut) = &documents[0];
        let root = document.as_object().unwrap().keys().next().unwrap().clone();
        let row = table.row("ubl", &root);
        row.files += 1;
        row.documents += 1;
        written_back(&name, &format, document);
        row.written_back += 1;
        let mapping = match root.as_str() {
            "Order" => "ubl-order-in",
            "OrderResponse" => "ubl-order-response-in",
            "DespatchAdvice" => "ubl-despatch-advice-in",
            _ => continue,
        };
        let made = events(&pack, mapping, &name, cut);
        assert!(made > 0, "{name}");
        row.events += made;
    }
    for (name, bytes) in files("peppol_unit", ".xml") {
        let root = ["OrderResponse", "OrderChange", "Order"]
            .into_iter()
            .find(|root| occurrences(&bytes, &format!("</{root}>")) > 0);
        let root = root.unwrap_or_else(|| panic!("{name}"));
        let documents = read(&name, &with(json!({ "ubl": { "split": root } })), &bytes);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let shown: String = text
            .split("<!--")
            .enumerate()
            .map(|(at, part)| if at == 0 { part } else { part.split_once("-->").unwrap().1 })
            .collect();
        let closed = occurrences(shown.as_bytes(), &format!("</{root}>"));
        assert!(documents.len() >= closed && closed > 0, "{name}: {} of {closed}", documents.len());
        let row = table.row("ubl", &format!("Peppol {root}, rules"));
        row.files += 1;
        row.documents += documents.len();
        for (document, _) in &documents {
            // Parts made to break a rule may break the schema too, which the writer refuses; a part with nothing in it is no document.
            let text = document.to_string();
            if document[root].is_object() && encode(&format, [text.as_bytes()]).is_ok() {
                written_back(&name, &format, document);
                row.written_back += 1;
            }
        }
    }
}

fn b2mml(table: &mut Table) {
    let pack = Pack::open("b2mml");
    let format = named("b2mml");
    for (name, bytes) in files("b2mml", ".xml") {
        let documents = read(&name, &format, &bytes);
        assert_eq!(documents.len(), 1, "{name}");
        let (document, cut) = &documents[0];
        let root = document.as_object().unwrap().keys().next().unwrap().clone();
        let mapping = match root.as_str() {
            "SyncProductionSchedule" => Some("b2mml-operations-request-in"),
            "SyncMaterialInformation" => Some("b2mml-material-lot-in"),
            _ => None,
        };
        let row = table.row("b2mml", &format!("{root} V0401"));
        row.files += 1;
        row.documents += 1;
        row.events += mapping.map_or(0, |mapping| events(&pack, mapping, &name, cut));
    }
}

fn odata(table: &mut Table) {
    for (name, bytes) in files("sap_odata_recorded", ".json") {
        let answer: Value = serde_json::from_slice(&bytes).unwrap();
        let items: Vec<_> = decode(&named("odata"), &bytes).collect();
        let row = table.row("odata", if answer.get("error").is_some() { "error" } else { "records" });
        row.files += 1;
        if answer.get("error").is_some() {
            assert!(matches!(&items[..], [Err(error)] if error.code == "odata-error"), "{name}: {items:?}");
            continue;
        }
        let expected = answer["d"]["results"].as_array().map_or(1, Vec::len);
        assert_eq!(items.len(), expected, "{name}");
        for item in items {
            let document = item.unwrap();
            let text = String::from_utf8_lossy(&document.json);
            assert!(
                !["/Date(", "__metadata", "__deferred", "\"results\""].iter().any(|raw| text.contains(raw)),
                "{name}: {text}"
            );
            row.documents += 1;
        }
    }
    for folder in ["erp_d365bc", "erp_erpnext", "erp_netsuite"] {
        for (name, bytes) in files(folder, ".json") {
            let answer: Value = serde_json::from_slice(&bytes).unwrap();
            let expected = answer.as_array().or(answer["value"].as_array()).map_or(1, Vec::len);
            let documents = read(&name, &named("odata"), &bytes);
            assert_eq!(documents.len(), expected, "{folder}/{name}");
            let row = table.row("odata", folder);
            row.files += 1;
            row.documents += documents.len();
        }
    }
}

/// Everything that EXPECTATIONS.tsv says is well formed in these folders, read as plain XML or JSON.
fn well_formed() -> usize {
    let listed = std::fs::read_to_string(recorded().join("EXPECTATIONS.tsv")).unwrap();
    let folders = [
        "idoc",
        "cxml",
        "ubl",
        "peppol_unit",
        "b2mml",
        "b2mml_schema_V0700",
        "sap_odata_recorded",
        "erp_d365bc",
        "erp_erpnext",
        "erp_netsuite",
    ];
    let xml = with(json!({ "xml": { "names": "prefixed", "doctype": "skip" } }));
    let mut count = 0;
    for line in listed.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        // One collection of schemas has a key twice in an object, which is no document to be taken.
        if !folders.contains(&cells[1]) || cells[0].ends_with("AllSchemas.json") {
            continue;
        }
        let format = match cells[2] {
            "xml_wellformed" => &xml,
            "json_ok" => &named("json"),
            other => panic!("{}: {other}", cells[0]),
        };
        let bytes = std::fs::read(recorded().join(cells[0])).unwrap();
        assert_eq!(read(cells[0], format, &bytes).len(), 1, "{}", cells[0]);
        count += 1;
    }
    count
}

/// What the packs write in B2MML, against the schemas of V0700.
fn valid_b2mml() -> usize {
    let folder = tempfile::tempdir().unwrap();
    let schemas = files("b2mml_schema_V0700", ".xsd");
    let mut groups: Vec<String> = Vec::new();
    for (name, bytes) in &schemas {
        let text = String::from_utf8_lossy(bytes);
        groups.extend(
            text.split("Extended:").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned),
        );
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    groups.sort();
    groups.dedup();
    groups.retain(|name| !name.contains(['=', ' ']));
    // The schemas import one of extensions that is every company's own: here it has none.
    let empty: String =
        groups.iter().map(|name| format!("<xsd:group name=\"{name}\"><xsd:sequence/></xsd:group>")).collect();
    let space = "http://www.mesa.org/xml/B2MML-AllExtensions";
    let stub = format!(
        "<xsd:schema xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" targetNamespace=\"{space}\">{empty}</xsd:schema>"
    );
    std::fs::write(folder.path().join("B2MML-AllExtensions.xsd"), stub).unwrap();
    // Three schemas are not in the collection; what the others take from them is in no document of the packs.
    let types: String = [
        "InformationObjectType",
        "InformationObjectTypeType",
        "TestSpecificationType",
        "TestResultType",
        "WorkDirectiveType",
    ]
    .map(|name| format!("<xsd:complexType name=\"{name}\"><xsd:sequence/></xsd:complexType>"))
    .concat();
    for (missing, types) in
        [("InformationObject", types.as_str()), ("OperationsTest", ""), ("WorkDefinition", "")]
    {
        let space = "http://www.mesa.org/xml/B2MML";
        let stub = format!(
            "<xsd:schema xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" targetNamespace=\"{space}\">{types}</xsd:schema>"
        );
        std::fs::write(folder.path().join(format!("B2MML-{missing}.xsd")), stub).unwrap();
    }
    let pack = Pack::open("b2mml");
    let mut count = 0;
    for (_, name, format, event) in cases().into_iter().filter(|(pack, ..)| *pack == "b2mml") {
        let schema = if name.contains("lot") { "B2MML-Material.xsd" } else { "B2MML-OperationsSchedule.xsd" };
        let path = folder.path().join(format!("{name}.xml"));
        std::fs::write(&path, written(&pack, name, &named(format), &event)).unwrap();
        let said = Command::new("xmllint")
            .args(["--noout", "--nonet", "--schema"])
            .arg(folder.path().join(schema))
            .arg(&path)
            .output();
        let said = said.unwrap_or_else(|error| panic!("xmllint is needed (libxml2-utils): {error}"));
        assert!(said.status.success(), "{name}: {}", String::from_utf8_lossy(&said.stderr));
        count += 1;
    }
    count
}

#[test]
fn every_business_document_is_read_and_mapped() {
    let mut table = Table::default();
    let count = well_formed();
    idocs(&mut table);
    cxml(&mut table);
    ubl(&mut table);
    b2mml(&mut table);
    odata(&mut table);
    table.print();
    let valid = valid_b2mml();
    eprintln!("{count} files are well formed as expected; {valid} documents of B2MML V0700 are valid");
}
