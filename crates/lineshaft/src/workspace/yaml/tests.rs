//! What is read, what is refused, and where.

use super::*;

fn tree(text: &str) -> Node {
    let (node, faults) = read(text);
    assert_eq!(faults, []);
    node.unwrap()
}

fn first_fault(text: &str) -> Fault {
    read(text).1.into_iter().next().expect("a fault")
}

#[test]
fn values_follow_the_core_schema() {
    let json = tree(
        "on: yes\nempty:\nnumber: 12\nleading: 007\nquoted: \"12\"\nreal: 1.5e3\ntruth: true\nlist: [a, {b: c}]\n",
    )
    .to_json();
    assert_eq!(
        json,
        serde_json::json!({"on": "yes", "empty": null, "number": 12, "leading": "007", "quoted": "12",
            "real": 1500.0, "truth": true, "list": ["a", {"b": "c"}]})
    );
}

#[test]
fn every_node_knows_its_place() {
    let text = "system: wms\nsources:\n  counts:\n    format: jsön\n    emits: [a,\n      b]\n";
    let node = tree(text);
    let mark = node.place("/sources/counts/format");
    assert_eq!((mark.line, mark.column, &text[mark.start..mark.end]), (4, 13, "jsön"));
    let mark = node.place("/sources/counts/emits/1");
    assert_eq!((mark.line, mark.column), (6, 7));
    let mark = node.key_place("/sources/counts/format");
    assert_eq!((mark.line, mark.column), (4, 5));
    // What is not there is reported at what is around it.
    assert_eq!(node.place("/sources/counts/mapping").line, 4);
}

#[test]
fn a_key_comes_once_and_the_rest_is_still_read() {
    let (node, faults) = read("a: 1\nb: 2\na: 3\n");
    assert_eq!((faults[0].code, faults[0].mark.line), ("yaml-duplicate-key", 3));
    assert_eq!(node.unwrap().to_json(), serde_json::json!({"a": 1, "b": 2}));
}

#[test]
fn broken_text_is_reported_with_its_line() {
    for (text, line) in [
        ("a: [1, 2\nb: 3\n", 2),
        ("a: 'x\n", 1),
        ("a: b: c\n", 1),
        ("a:\n\t- b\n", 2),
        ("a: 1\n  b: 2\n", 2),
        ("a: *nowhere\n", 1),
        ("a: 1\n---\nb: 2\n", 2),
        ("<<: {a: 1}\n", 1),
        ("a: !secret x\n", 1),
        ("%YAML 1.2\n---\na: 1\n", 1),
        ("{a: 1", 1),
    ] {
        let fault = first_fault(text);
        assert_eq!(fault.code, "yaml-malformed", "{text:?}: {fault:?}");
        assert_eq!(fault.mark.line, line, "{text:?}: {fault:?}");
        assert!(!fault.hint.is_empty(), "{text:?}");
    }
}

#[test]
fn aliases_are_unfolded_within_the_budget() {
    assert_eq!(tree("a: &x {b: 1}\nc: *x\n").to_json()["c"]["b"], 1);
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let inner = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
    }
    assert_eq!(first_fault(&bomb).code, "yaml-too-large");
    assert_eq!(first_fault("a: &a [*a]\n").code, "yaml-malformed");
}

#[test]
fn depth_is_bounded() {
    let fault = first_fault(&format!("a: {}{}", "[".repeat(5000), "]".repeat(5000)));
    assert!(matches!(fault.code, "yaml-malformed" | "yaml-too-large"), "{fault:?}");
    let mut block = String::new();
    for level in 0..300 {
        block.push_str(&format!("{}a:\n", " ".repeat(level)));
    }
    assert!(!read(&block).1.is_empty());
}

#[test]
fn an_empty_file_is_an_empty_mapping() {
    for text in ["", "\n", "# nothing yet\n"] {
        assert_eq!(tree(text).to_json(), serde_json::json!({}), "{text:?}");
    }
}
