//! A good workspace passes; every way of breaking it is reported with a file and a line.

mod mutants;
mod processes;

use std::path::{Path, PathBuf};

use super::{Loaded, Severity, Style, Variables, load, render};

/// A good, small workspace.
fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/plant")
}

/// Every file of the fixture with its text.
fn texts() -> Vec<(String, String)> {
    let root = fixture();
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                found.push((name, std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// Loads a workspace of these files.
fn load_texts(files: &[(String, String)]) -> Loaded {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    load(folder.path(), &Variables::default())
}

/// The fixture with one file changed, and what is then said in a pipe.
fn said(file: &str, from: &str, to: &str) -> String {
    let mut files = texts();
    match files.iter_mut().find(|(name, _)| name == file) {
        Some((_, text)) => {
            assert!(text.contains(from), "{file} has no {from:?}");
            *text = text.replacen(from, to, 1);
        }
        None => files.push((file.to_owned(), to.to_owned())),
    }
    let loaded = load_texts(&files);
    render(&loaded.problems, &loaded.files, Style::Lines)
}

#[test]
fn a_collector_is_an_address_and_its_login_stays_out_of_it() {
    let with = |endpoint: &str| {
        let telemetry = format!("tenant: main\ntelemetry: {{ otlp: {{ endpoint: \"{endpoint}\" }} }}");
        said("lineshaft.yaml", "tenant: main", &telemetry)
    };
    for good in ["http://127.0.0.1:4318", "https://collector.example/otlp/"] {
        assert!(!with(good).contains("error"), "{good}: {}", with(good));
    }
    for bad in ["127.0.0.1:4318", "grpc://127.0.0.1:4317", ""] {
        assert!(with(bad).contains("error[telemetry-endpoint]"), "{bad}: {}", with(bad));
    }
    let told = with("http://robot:canary@127.0.0.1:4318");
    assert!(told.contains("error[telemetry-endpoint]") && !told.contains("canary"), "{told}");
}

#[test]
fn the_fixture_is_a_good_workspace() {
    let loaded = load(&fixture(), &Variables::default());
    assert_eq!(render(&loaded.problems, &loaded.files, Style::Lines), "no problems\n");
    let mut workspace = loaded.workspace.unwrap();
    assert_eq!(workspace.digest.len(), 64);
    assert_eq!(workspace.systems.len(), 2);
    let plan = workspace.take_plan();
    assert_eq!(plan.routes.len(), 1);
    assert!(plan.sources["wms/counts"].mapping.is_some() && plan.sources["wms/counts"].contract.is_some());
    assert!(plan.operations["erp.post-inventory-difference"].mapping.is_some());
    assert_eq!(plan.contracts.keys().collect::<Vec<_>>(), ["lineshaft.inventory.counted.v1"]);
}

#[test]
fn a_layout_stands_in_a_file_of_its_own() {
    let with = |format: &str, layouts: &[(&str, &str)]| {
        let mut files = texts();
        let (_, system) = files.iter_mut().find(|(name, _)| name == "systems/wms.yaml").unwrap();
        *system = system.replacen("format: json", &format!("format: {format}"), 1);
        files.extend(layouts.iter().map(|(name, text)| (format!("layouts/{name}"), (*text).to_owned())));
        let loaded = load_texts(&files);
        render(&loaded.problems, &loaded.files, Style::Lines)
    };
    let plain = ("orders.yaml", "fields: { order: 10, item: 18 }");
    let parser = ("orders05.txt", "BEGIN_SEGMENT E2EDK14\nNAME QUALF\nLENGTH 000003\nEND_SEGMENT\n");
    let listed = ("own.yaml", "Z2NOTE: { fields: { TEXT: 20 } }");
    assert_eq!(with("{ fixed-width: orders.yaml }", &[plain]), "no problems\n");
    assert_eq!(with("{ idoc: { layout: orders05.txt } }", &[parser]), "no problems\n");
    assert_eq!(with("{ idoc: { layout: [orders05.txt, own.yaml] } }", &[parser, listed]), "no problems\n");
    assert_eq!(with("{ idoc: { layout: { E2A: { fields: { B: 1 } } } } }", &[]), "no problems\n");
    let said = with("{ fixed-width: order.yaml }", &[plain]);
    assert!(
        said.contains("there is no layout `layouts/order.yaml`") && said.contains("`orders.yaml`"),
        "{said}"
    );
    assert!(said.contains("no format names this layout"), "{said}");
    let said = with("{ fixed-width: orders.yaml }", &[("orders.yaml", "fields: { order: 0 }")]);
    assert!(said.contains("the field `order` of the record needs a `length`"), "{said}");
}

#[test]
fn the_digest_changes_with_any_file() {
    let before = load(&fixture(), &Variables::default()).workspace.unwrap().digest;
    let mut files = texts();
    assert_eq!(load_texts(&files).workspace.unwrap().digest, before);
    files[0].1.push_str("\n ");
    assert_ne!(load_texts(&files).files.digest(), before);
}

#[test]
fn a_folder_that_is_none_is_said() {
    let loaded = load(Path::new("/nowhere/at/all"), &Variables::default());
    assert!(loaded.workspace.is_none());
    assert_eq!(loaded.problems.as_slice()[0].code, "file-unreadable");
    let empty = tempfile::tempdir().unwrap();
    let loaded = load(empty.path(), &Variables::default());
    assert_eq!(loaded.problems.as_slice()[0].code, "file-missing");
}

#[test]
fn warnings_do_not_keep_it_from_running() {
    let mut files = texts();
    files.push(("mappings/lonely.jq".to_owned(), ".".to_owned()));
    files.push(("routes/old.yml".to_owned(), String::new()));
    files.push(("ownershp.yaml".to_owned(), String::new()));
    files.push(("tests/a.yaml".to_owned(), "{{".to_owned()));
    files.push(("README.md".to_owned(), String::new()));
    let loaded = load_texts(&files);
    assert!(loaded.workspace.is_some());
    assert!(loaded.problems.as_slice().iter().all(|p| p.severity == Severity::Warning));
    insta::assert_snapshot!(render(&loaded.problems, &loaded.files, Style::Lines));
}

/// One of each: what is said is what a person has to work with.
#[test]
fn references_that_lead_nowhere() {
    let mut out = String::new();
    for (file, from, to) in [
        ("routes/inventory.yaml", "to: erp.post", "to: erpp.post"),
        ("routes/inventory.yaml", "inventory-difference", "inventory-diffrence"),
        ("routes/inventory.yaml", "on: lineshaft.inventory.counted.v1", "on: lineshaft.inventory.conted.v1"),
        ("routes/inventory.yaml", "on: lineshaft.inventory.counted.v1", "on: inventory"),
        ("routes/inventory.yaml", ".data.counted.value != \"0\"", ".data.counted.value !="),
        ("routes/inventory.yaml", "first: 1s", "first: 1 sec"),
        ("routes/inventory.yaml", "factor: 2", "factor: 0.5"),
        (
            "routes/more.yaml",
            "",
            "- {route: counts-to-erp, on: lineshaft.inventory.counted.v1, to: erp.post-inventory-difference}\n",
        ),
        ("systems/wms.yaml", "mapping: wms-count.jq", "mapping: wms-cuont.jq"),
        ("systems/wms.yaml", "contract: wms-count", "contract: wms-cnt"),
        ("systems/wms.yaml", "format: json", "format: jsno"),
        ("systems/wms.yaml", "site: P100", "site: P10"),
        ("systems/wms.yaml", "connector: http", "connector: htpp"),
        ("systems/wms.yaml", "system: wms", "system: WMS"),
        ("systems/wms2.yaml", "", "system: wms\nconnector: http\n"),
        ("systems/erp.yaml", "${ERP_URL:-http://127.0.0.1:9000}", "${ERP_ULR}"),
        ("systems/erp.yaml", "rate: 50/s", "rate: 50"),
        ("systems/erp.yaml", "timeout: 10s", "timeuot: 10s"),
        (
            "systems/erp.yaml",
            "breaker:",
            "maintenance: [{ cron: \"2 * * SUN\", lasts: 2h, timezone: Europe/Berlin }]\nbreaker:",
        ),
        (
            "systems/erp.yaml",
            "breaker:",
            "maintenance:\n  - { cron: \"0 2 31 2 *\", lasts: 2h }\n  - { cron: \"0 2 * * SUM\", lasts: 60d, timezone: Europe/Berln }\nbreaker:",
        ),
        (
            "systems/erp.yaml",
            "    mapping: count-to-erp.jq",
            "    limits: { rate: 5, cuncurrency: 2 }\n    mapping: count-to-erp.jq",
        ),
        ("routes/inventory.yaml", "priority: high", "priority: urgent"),
        (
            "routes/inventory.yaml",
            "priority: high",
            "priority: 'if .data.line_down then \"critical\" els \"bulk\" end'",
        ),
        ("systems/erp.yaml", "{{ .data.item }}", "{{ .data.item | }}"),
        ("ownership.yaml", "receipts: wms", "reciepts: wms"),
        ("ownership.yaml", "owner: erp", "owner: epr"),
        ("lineshaft.yaml", "Europe/Berlin", "Europe/Berln"),
        ("lineshaft.yaml", "segment: 64MiB", "segment: 64MB"),
        ("lineshaft.yaml", "listen: 127.0.0.1:7070", "listen: localhost"),
        ("mappings/wms-count.jq", "subject:", "subject"),
        ("codes/wms-units.csv", "from,to", "form,to"),
        ("contracts/wms-count.yaml", "type: object", "type: objekt"),
    ] {
        out.push_str(&format!("# {file}: {from} -> {to}\n{}\n", said(file, from, to)));
    }
    insta::assert_snapshot!(out);
}

#[test]
fn a_terminal_is_shown_the_lines() {
    let mut files = texts();
    for (name, text) in &mut files {
        if name == "routes/inventory.yaml" {
            *text = text.replace("priority", "prioritty").replace("park_key", "park");
        }
    }
    let loaded = load_texts(&files);
    insta::assert_snapshot!(render(&loaded.problems, &loaded.files, Style::Snippets { colour: false }));
}

#[test]
fn a_secret_that_is_not_at_hand_is_a_warning() {
    let text =
        said("systems/erp.yaml", "limits:", "auth: { bearer: { token: \"${secret:erp-token}\" } }\nlimits:");
    insta::assert_snapshot!(text);
}

#[test]
fn retention_is_a_span_or_bounds_and_keeps_more_than_a_moment() {
    let with = |retention: &str| {
        let mut files = texts();
        let (_, text) = files.iter_mut().find(|(name, _)| name == "lineshaft.yaml").unwrap();
        *text = text.replacen("retention: 400d", retention, 1);
        load_texts(&files).workspace.map(|workspace| {
            let kept = workspace.settings.retention;
            (kept.age.0 / 86_400_000, kept.size.map(|size| size.bytes >> 20))
        })
    };
    assert_eq!(with("retention: 30d"), Some((30, None)));
    assert_eq!(with("retention: { age: 30d, size: 2GiB }"), Some((30, Some(2048))));
    assert_eq!(with("retention: { size: 256MiB }"), Some((400, Some(256))));
    assert_eq!(with("# all as usual"), Some((400, None)));
    for (bad, why) in [
        ("retention: 10m", "within the hour"),
        ("retention: { age: 10m }", "within the hour"),
        ("retention: { size: 255MiB }", "less than four segments"),
        ("retention: { sise: 1GiB }", "sise"),
        ("retention: 12", "400d"),
        ("retention: { age: 12 }", "lineshaft.yaml:8"),
    ] {
        let told = said("lineshaft.yaml", "retention: 400d", bad);
        assert!(told.contains("lineshaft.yaml:8") && told.contains(why), "{bad}: {told}");
    }
}
