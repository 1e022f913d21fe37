//! Processes of a workspace: each fault at its line, and what they refer to.

use super::said;

const GOOD: &str = r#"document:
  dsl: '1.0.3'
  namespace: plant
  name: count-difference
  version: '1.0.0'
  title: A count differs
schedule:
  on:
    one:
      with:
        type: lineshaft.inventory.counted.v1
do:
  - tell:
      if: ${ .[0].data.delta.value != "0" }
      call: erp.post-inventory-difference
      with:
        item: ${ .[0].subject }
"#;

fn with(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    said("processes/count-difference.yaml", "", &GOOD.replacen(from, to, 1))
}

#[test]
fn a_good_process_is_good() {
    assert_eq!(with("plant", "plant"), "no problems\n");
}

#[test]
fn faults_are_told_at_their_line() {
    for (from, to, told) in [
        ("      call:", "      cal:", ":14:7: error[process-malformed]"),
        ("version: '1.0.0'", "version: 1", ":5:12: error[process-malformed]"),
        (
            "      if: ${ .[0].data.delta.value != \"0\" }",
            "      if: ${ .[0] | oops }",
            ":14:21: error[mapping-unknown-function]",
        ),
        ("erp.post-inventory-difference", "erp.post-difference", ":15:13: error[operation-missing]"),
        ("erp.post-inventory-difference", "epr.post", ":15:13: error[system-missing]"),
        ("erp.post-inventory-difference", "post", ":15:13: error[process-unknown-name]"),
        (
            "    one:\n      with:\n        type: lineshaft.inventory.counted.v1",
            "    all: [{ with: { type: a.b.c.v1 } }]",
            "error[process-unsupported]",
        ),
        ("schedule:\n", "schedule:\n  cron: '61 * * * *'\n", ":8:9: error[process-malformed]"),
        (
            "      call: erp.post-inventory-difference",
            "      call: http\n      with2: 1",
            "error[process-malformed]",
        ),
    ] {
        let said = with(from, to);
        assert!(said.contains("processes/count-difference.yaml") && said.contains(told), "{to}\n{said}");
    }
}

#[test]
fn expressions_are_not_taken_for_variables() {
    assert_eq!(with("item: ${ .[0].subject }", "item: ${ $workflow.input[0].subject }"), "no problems\n");
}

#[test]
fn what_a_process_runs_must_be_there() {
    let run = "    run: { workflow: { namespace: plant, name: count-diference, version: latest } }\n";
    let said = with("  - tell:\n", &format!("  - sub:\n  {run}  - tell:\n"));
    assert!(
        said.contains("error[process-missing]") && said.contains("did you mean `count-difference`"),
        "{said}"
    );
    let said = with(
        "  - tell:\n",
        &format!(
            "  - sub:\n  {}  - tell:\n",
            run.replace("diference", "difference").replace("latest", "2.0.0")
        ),
    );
    assert!(said.contains("the workspace has version 1.0.0"), "{said}");
}

#[test]
fn calls_by_address_are_told_to_be_missing() {
    let said = with(
        "      call: erp.post-inventory-difference\n      with:\n        item: ${ .[0].subject }",
        "      call: http\n      with: { method: get, endpoint: 'https://a.test/' }",
    );
    assert!(said.contains(":15:13: error[process-unsupported]"), "{said}");
}
