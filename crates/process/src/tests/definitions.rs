//! What is refused, and where it says it is.

use proptest::prelude::*;

use super::world::{read, tree};
use crate::{Definition, MALFORMED, UNKNOWN_NAME, UNSUPPORTED};

const HEAD: &str = "document: { dsl: '1.0.3', namespace: t, name: it, version: '1.0.0' }\n";

fn problems(rest: &str) -> Vec<(String, String)> {
    let problems = read(&format!("{HEAD}{rest}")).err().unwrap_or_default();
    problems.into_iter().map(|problem| (problem.pointer, problem.code.to_owned())).collect()
}

#[track_caller]
fn refused(rest: &str, pointer: &str, code: &str) {
    assert_eq!(problems(rest), [(pointer.to_owned(), code.to_owned())], "{rest}");
}

#[test]
fn malformed_definitions_say_where() {
    refused("do: [{ a: { set: { b: 1 }, foo: 1 } }]", "/do/0/a/foo", MALFORMED);
    refused("do: [{ a: { set: { b: 1 } }, b: { set: { b: 1 } } }]", "/do/0", MALFORMED);
    refused("do: [{ a: { set: { b: 1 } } }, { a: { set: { b: 1 } } }]", "/do/1", MALFORMED);
    refused("do: [{ a: { sett: { b: 1 } } }]", "/do/0/a", MALFORMED);
    refused("do: [{ a: { set: {} } }]", "/do/0/a/set", MALFORMED);
    refused("do: [{ a: { wait: 30s } }]", "/do/0/a/wait", MALFORMED);
    refused("do: [{ a: { set: { b: 'x ${ .y } z' } } }]", "/do/0/a/set/b", MALFORMED);
    refused("do: [{ a: { for: { in: '.', each: a-b }, do: [] } }]", "/do/0/a/for/each", MALFORMED);
    refused("do: [{ a: { listen: { to: { all: [] } } } }]", "/do/0/a/listen/to", MALFORMED);
    refused(
        "do: [{ a: { listen: { to: { any: [], until: { any: [], until: '${ false }' } } } } }]",
        "/do/0/a/listen/to/until/until",
        MALFORMED,
    );
    refused(
        "do: [{ a: { call: http, with: { method: get, endpoint: 'ftp://a.test' } } }]",
        "/do/0/a/with/endpoint",
        MALFORMED,
    );
    refused(
        "do: [{ a: { call: http, with: { method: get, endpoint: 'http://a.test/{?x}' } } }]",
        "/do/0/a/with/endpoint",
        MALFORMED,
    );
    refused("schedule: { every: PT0S }\ndo: []", "/schedule/every", MALFORMED);
    refused("nothing: 1\ndo: []", "/nothing", MALFORMED);
}

#[test]
fn names_that_nothing_has_are_told() {
    refused("do: [{ a: { set: { b: 1 }, then: nowhere } }]", "/do/0/a/then", UNKNOWN_NAME);
    refused("do: [{ a: { do: [{ b: { set: { c: 1 }, then: a } }] } }]", "/do/0/a/do/0/b/then", UNKNOWN_NAME);
    refused("do: [{ a: { call: nothing } }]", "/do/0/a/call", UNKNOWN_NAME);
    refused("do: [{ a: { raise: { error: none } } }]", "/do/0/a/raise/error", UNKNOWN_NAME);
    refused("do: [{ a: { set: { b: 1 }, timeout: none } }]", "/do/0/a/timeout", UNKNOWN_NAME);
    refused("do: [{ a: { try: [], catch: { retry: none } } }]", "/do/0/a/catch/retry", UNKNOWN_NAME);
    refused(
        "do: [{ a: { set: { b: 1 }, metadata: { compensate: none } } }]",
        "/do/0/a/metadata/compensate",
        UNKNOWN_NAME,
    );
    refused(
        "do: [{ a: { call: http, with: { method: get, endpoint: { uri: 'http://a.test', authentication: { bearer: { token: '${ $secrets.none }' } } } } } }]",
        "/do/0/a/with/endpoint/authentication/bearer/token",
        UNKNOWN_NAME,
    );
}

#[test]
fn what_is_not_available_says_why() {
    for (task, pointer) in [
        ("run: { shell: { command: ls } }", "/run/shell"),
        ("run: { script: { language: js, code: '' } }", "/run/script"),
        ("run: { container: { image: x } }", "/run/container"),
        ("call: grpc, with: {}", "/call"),
        ("call: mcp, with: {}", "/call"),
        ("call: 'log:1.0.0@default'", "/call"),
        ("set: { a: '${ $secrets.key }' }", "/set/a"),
        ("listen: { to: { any: [] }, read: raw }", "/listen/read"),
        (
            "input: { schema: { resource: { endpoint: 'http://a.test' } } }, set: { a: 1 }",
            "/input/schema/resource",
        ),
    ] {
        refused(&format!("do: [{{ a: {{ {task} }} }}]"), &format!("/do/0/a{pointer}"), UNSUPPORTED);
    }
    refused("evaluate: { language: js }\ndo: []", "/evaluate/language", UNSUPPORTED);
    refused("use: { extensions: [] }\ndo: []", "/use/extensions", UNSUPPORTED);
}

#[test]
fn a_faulty_expression_says_where_within_it() {
    let problems =
        read(&format!("{HEAD}do: [{{ a: {{ set: {{ b: '${{ .x | nothing($item) }}' }} }} }}]")).unwrap_err();
    assert_eq!(problems[0].pointer, "/do/0/a/set/b");
    let item = problems.iter().find(|problem| problem.message.contains("$item")).unwrap();
    assert_eq!(item.within, Some((1, 15)));
    assert!(item.hint.contains("$context"), "{}", item.hint);
    assert!(problems.iter().all(|problem| problem.within.is_some()));
}

#[test]
fn the_head_is_checked() {
    let head = |document: &str| read(&format!("document: {document}\ndo: []")).unwrap_err().remove(0);
    assert_eq!(head("{ dsl: '0.9.0', namespace: t, name: it, version: '1.0.0' }").code, UNSUPPORTED);
    assert_eq!(
        head("{ dsl: '1.0.3', namespace: t_x, name: it, version: '1.0.0' }").pointer,
        "/document/namespace"
    );
    assert_eq!(head("{ dsl: '1.0.3', namespace: t, name: it, version: '1' }").pointer, "/document/version");
    assert_eq!(head("{ dsl: '1.0.3', namespace: t, version: '1.0.0' }").pointer, "/document");
    for version in ["1.0.0", "0.1.0-alpha.1", "1.2.3-0a+build.007"] {
        assert!(
            read(&format!(
                "document: {{ dsl: '1.0.3', namespace: t, name: it, version: '{version}' }}\ndo: []"
            ))
            .is_ok()
        );
    }
    for version in ["01.0.0", "1.0", "1.0.0-", "1.0.0-01", "v1.0.0"] {
        assert!(
            read(&format!(
                "document: {{ dsl: '1.0.3', namespace: t, name: it, version: '{version}' }}\ndo: []"
            ))
            .is_err()
        );
    }
}

#[test]
fn nesting_is_bounded() {
    let mut tasks = r#""set":{"a":1}"#.to_owned();
    for _ in 0..30 {
        tasks = format!(r#""do":[{{"a":{{{tasks}}}}}]"#);
    }
    let text =
        format!(r#"{{"document":{{"dsl":"1.0.3","namespace":"t","name":"it","version":"1.0.0"}},{tasks}}}"#);
    let tree = lineshaft_model::json::Value::parse(text.as_bytes(), &Default::default()).unwrap();
    let problems = Definition::read(&tree, &lineshaft_mapping::Environment::default()).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].message.contains("inside one another"));
}

fn any_tree() -> impl Strategy<Value = serde_json::Value> {
    let words = [
        "do", "set", "call", "http", "for", "in", "try", "catch", "listen", "to", "any", "with", "then",
        "wait", "PT1S", "fork", "branches", "run", "workflow", "document", "dsl", "1.0.3", "${ .a }", "${",
        "use", "schedule", "switch", "when",
    ];
    let word = proptest::sample::select(words.to_vec()).prop_map(str::to_owned);
    let leaf = prop_oneof![
        word.clone().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<bool>().prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
    ];
    leaf.prop_recursive(8, 60, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            proptest::collection::vec((word.clone(), inner), 0..5)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_tree_is_read_or_refused_with_a_place(value in any_tree()) {
        let text = serde_json::to_string(&value).unwrap();
        let tree = tree(&text);
        if let Err(problems) = Definition::read(&tree, &lineshaft_mapping::Environment::default()) {
            prop_assert!(!problems.is_empty());
            for problem in problems {
                prop_assert!(!problem.message.is_empty());
            }
        }
    }
}
