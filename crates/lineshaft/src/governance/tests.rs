//! Changes of a workspace's contracts, and who is named.

use std::path::{Path, PathBuf};

use super::*;
use crate::workspace::{Variables, Workspace, load};

const SYSTEM: &str = r#"
system: erp
connector: http
base_url: ${ERP_URL}
operations:
  post: { request: { method: POST, path: "/orders/{{ .data.plant }}" }, mapping: to-erp.jq }
  all: { request: { method: POST, path: /all } }
"#;

const ROUTES: &str = r"
- { route: some, on: lineshaft.purchase-order.released.v1, when: .data.urgent, to: erp.post }
";

const CONTRACT: &str = r"
contract: lineshaft.purchase-order.released.v1
version: '1.0'
status: active
compatibility: backward
consumers: [archive]
schema:
  type: object
  required: [plant, lines]
  properties:
    plant: { type: string }
    urgent: { type: boolean }
    note: { type: string }
    lines:
      type: array
      items:
        type: object
        required: [item]
        properties:
          item: { type: string }
          price: { type: object, properties: { amount: { type: string } } }
          text: { type: string }
";

fn workspace(folder: &Path, contract: &str, routes: &str) -> Workspace {
    let files = [
        ("lineshaft.yaml", ""),
        ("systems/erp.yaml", SYSTEM),
        ("mappings/to-erp.jq", "{ lines: [.data.lines[] | { i: .item, p: .price.amount }] }"),
        ("routes/routes.yaml", routes),
        ("contracts/order.yaml", contract),
    ];
    for (file, text) in files {
        let path: PathBuf = folder.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let loaded = load(folder, &Variables::default().with_stand_ins());
    loaded.workspace.unwrap_or_else(|| panic!("{:?}", loaded.problems))
}

/// What is said when the contract becomes another.
fn told(before: &str, after: &str) -> Vec<String> {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (old, new) = (workspace(old.path(), before, ROUTES), workspace(new.path(), after, ROUTES));
    let problems = judge(&old, &new, "2026-11-28");
    problems
        .iter()
        .map(|p| format!("{} {}:{} {}", p.severity.as_str(), p.mark.line, p.code, p.message))
        .collect()
}

fn raised(contract: &str) -> String {
    contract.replace("version: '1.0'", "version: '1.1'").replace("consumers: [archive]", "consumers: []")
}

#[test]
fn readers_are_found_in_routes_mappings_and_requests() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = workspace(folder.path(), CONTRACT, ROUTES);
    let readers = Readers::of(&workspace);
    let found = readers.of_contract("lineshaft.purchase-order.released.v1");
    let who: Vec<&str> = found.iter().map(|reader| reader.who.as_str()).collect();
    assert_eq!(who, ["erp.post", "archive"]);
    let read: Vec<String> = found[0].reads.pointers().collect();
    assert_eq!(read, ["/lines/*/item", "/lines/*/price/amount", "/plant", "/urgent"]);
    assert!(found[1].reads.is_everything(), "who is only declared may read all of it");
}

#[test]
fn nothing_is_said_of_what_breaks_nobody() {
    assert_eq!(told(CONTRACT, CONTRACT), Vec::<String>::new());
    let optional = raised(CONTRACT).replace("    note:", "    remark: { type: string }\n    note:");
    assert_eq!(told(CONTRACT, &optional), Vec::<String>::new());
    let unread_gone = raised(CONTRACT).replace("    note: { type: string }\n", "");
    assert_eq!(told(CONTRACT, &unread_gone), Vec::<String>::new());
}

#[test]
fn a_field_that_somebody_reads_may_not_go() {
    let gone = raised(CONTRACT)
        .replace("          price: { type: object, properties: { amount: { type: string } } }\n", "");
    insta::assert_debug_snapshot!(told(CONTRACT, &gone), @r#"
    [
        "error 20:contract-field-gone the field /lines/*/price is gone, and erp.post (mappings/to-erp.jq) reads it",
    ]
    "#);
    let by_condition = raised(CONTRACT).replace("    urgent: { type: boolean }\n", "");
    assert_eq!(told(CONTRACT, &by_condition).len(), 1);
    // Who is declared lives by all of it.
    let declared =
        CONTRACT.replace("version: '1.0'", "version: '1.1'").replace("    note: { type: string }\n", "");
    assert!(told(CONTRACT, &declared)[0].contains("archive (contracts/order.yaml) reads it"));
}

#[test]
fn a_change_against_the_rule_is_an_error_and_names_whom_it_concerns() {
    let stricter = raised(CONTRACT).replace("required: [item]", "required: [item, price]");
    insta::assert_debug_snapshot!(told(CONTRACT, &stricter), @r#"
    [
        "error 21:contract-breaks /lines/*/price: `required` was false, is true: data of version 1.0 may not be valid any more; it concerns erp.post",
    ]
    "#);
    let wider = raised(CONTRACT).replace("item: { type: string }", "item: { type: [string, 'null'] }");
    insta::assert_debug_snapshot!(told(CONTRACT, &wider), @r#"
    [
        "warning 20:contract-widened /lines/*/item: `type` was string, is null or string; it concerns erp.post",
    ]
    "#);
    let full = wider.replace("compatibility: backward", "compatibility: full");
    assert!(told(CONTRACT, &full)[0].starts_with("error 20:contract-breaks"));
    let unnumbered = CONTRACT.replace("required: [plant, lines]", "required: [plant]");
    assert!(told(CONTRACT, &unnumbered).iter().any(|t| t.contains("contract-version-same")));
    let draft = CONTRACT.replace("status: active", "status: draft");
    assert_eq!(told(&draft, &stricter), Vec::<String>::new(), "a draft may become anything");
}

#[test]
fn a_contract_does_not_go_while_somebody_lives_by_it() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let old = workspace(old.path(), CONTRACT, ROUTES);
    let other = CONTRACT.replace("purchase-order.released", "purchase-order.changed");
    let new = workspace(new.path(), &other, ROUTES);
    let problems = judge(&old, &new, "2026-11-28");
    let gone = problems.iter().next().unwrap();
    assert_eq!(gone.code, "contract-gone");
    assert!(gone.message.contains("archive and erp.post lives by it"), "{gone}");
    let sunset = raised(CONTRACT).replace("status: active", "status: deprecated\nsunset: 2026-11-27");
    assert!(told(&raised(CONTRACT), &sunset)[0].contains("contract-sunset"));
}

#[test]
fn the_workspace_as_it_was_is_read_from_git() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("plant");
    std::fs::create_dir(&inner).unwrap();
    let _ = workspace(&inner, CONTRACT, ROUTES);
    std::fs::write(inner.join("README.md"), "not read").unwrap();
    let git = |arguments: &[&str]| {
        let name = ["-c", "user.name=it", "-c", "user.email=it@example.com", "-c", "init.defaultBranch=main"];
        let ran = std::process::Command::new("git")
            .arg("-C")
            .arg(folder.path())
            .args(name)
            .args(arguments)
            .output();
        let ran = ran.unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    };
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "first"]);
    std::fs::write(inner.join("contracts/order.yaml"), "broken: [").unwrap();
    let files = crate::workspace::Files::at_revision(&inner, "HEAD").unwrap();
    assert_eq!(files.text("contracts/order.yaml"), Some(CONTRACT));
    assert_eq!(files.text("README.md"), None);
    let error = crate::workspace::Files::at_revision(&inner, "nowhere").unwrap_err();
    assert_eq!(error.code, "revision-unreadable");
}
