//! Changes of known kinds, and a property: what is said to hold does hold for generated data.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{Contract, Input};

fn told(old: &Value, new: &Value) -> Vec<String> {
    let none = Schemas::new();
    let version = |schema| Version { file: "it.yaml", schema, others: &none };
    changes(version(old), version(new))
        .into_iter()
        .map(|change| {
            let kinds = match (change.breaks_backward, change.breaks_forward) {
                (true, true) => "both",
                (true, false) => "backward",
                _ => "forward",
            };
            format!("{kinds} {} {}", change.pointer, change.message)
        })
        .collect()
}

#[test]
fn what_changes_is_told_with_the_way_it_breaks() {
    let object = |required: Value, properties: Value| json!({"type": "object", "required": required, "properties": properties});
    let old = object(json!(["a"]), json!({"a": {"type": "string"}, "b": {"type": "integer"}}));
    assert_eq!(told(&old, &old), Vec::<String>::new());
    let optional =
        object(json!(["a"]), json!({"a": {"type": "string"}, "b": {"type": "integer"}, "c": true}));
    assert_eq!(told(&old, &optional), Vec::<String>::new(), "a further optional field breaks nobody");
    let required = object(json!(["a", "b"]), json!({"a": {"type": "string"}, "b": {"type": "integer"}}));
    assert_eq!(told(&old, &required), ["backward /b `required` was false, is true"]);
    assert_eq!(told(&required, &old), ["forward /b `required` was true, is false"]);
    let wider = object(json!(["a"]), json!({"a": {"type": ["string", "null"]}, "b": {"type": "number"}}));
    assert_eq!(
        told(&old, &wider),
        ["forward /a `type` was string, is null or string", "forward /b `type` was integer, is number",]
    );
    let other = object(json!(["a"]), json!({"a": {"type": "boolean"}, "b": {"type": "integer"}}));
    assert_eq!(told(&old, &other), ["both /a `type` was string, is boolean"]);
}

#[test]
fn lists_bounds_and_elements_are_compared() {
    let of = |schema: Value| json!({"type": "array", "items": schema});
    let check = |old: Value, new: Value, expected: &[&str]| assert_eq!(told(&of(old), &of(new)), expected);
    check(
        json!({"enum": ["A", "B"]}),
        json!({"enum": ["A", "B", "C"]}),
        &[r#"forward /* `enum` was "A", "B", is "A", "B", "C""#],
    );
    check(
        json!({"type": "number", "minimum": 1}),
        json!({"type": "number", "minimum": 0.5}),
        &["forward /* `minimum` was 1, is 0.5"],
    );
    check(
        json!({"type": "number"}),
        json!({"type": "number", "exclusiveMaximum": 9}),
        &["backward /* `exclusiveMaximum` was not limited, is 9"],
    );
    // That whole numbers are integers is not seen this way round.
    check(
        json!({"type": "integer"}),
        json!({"type": "number", "multipleOf": 1}),
        &["forward /* `type` was integer, is number"],
    );
    check(
        json!({"const": 5}),
        json!({"type": "integer", "minimum": 5}),
        &["forward /* `const` was 5, is not limited"],
    );
    check(
        json!({"type": "string", "maxLength": 10}),
        json!({"type": "string", "maxLength": 20}),
        &["forward /* `maxLength` was 10, is 20"],
    );
    check(
        json!({"type": "string", "pattern": "^a"}),
        json!({"type": "string", "pattern": "^b"}),
        &[r#"both /* `pattern` was "^a", is "^b""#],
    );
    // A keyword for numbers says nothing of texts.
    check(json!({"type": "string"}), json!({"type": "string", "minimum": 3}), &[]);
}

#[test]
fn closed_objects_alternatives_and_references_are_followed() {
    let closed = |properties: Value| json!({"type": "object", "properties": properties, "additionalProperties": false});
    assert_eq!(
        told(&closed(json!({"a": {}, "b": {}})), &closed(json!({"a": {}}))),
        ["backward /b `false` was allowed, is not allowed"]
    );
    let one = json!({"type": "string"});
    let either = json!({"anyOf": [{"type": "string"}, {"type": "integer"}]});
    assert_eq!(told(&one, &either).len(), 1, "wider: {:?}", told(&one, &either));
    assert!(told(&one, &either)[0].starts_with("forward"));
    assert!(
        told(&either, &json!({"type": ["integer", "string"]})).iter().all(|t| !t.starts_with("backward"))
    );
    let by_reference = json!({"$defs": {"q": {"type": "object", "required": ["value"]}}, "type": "object",
        "properties": {"q": {"$ref": "#/$defs/q"}}});
    let written_out =
        json!({"type": "object", "properties": {"q": {"type": "object", "required": ["value"]}}});
    assert_eq!(told(&by_reference, &written_out), Vec::<String>::new());
    let mut weaker = by_reference.clone();
    weaker["$defs"]["q"]["required"] = json!([]);
    assert_eq!(told(&by_reference, &weaker), ["forward /q/value `required` was true, is false"]);
    let endless = json!({"$defs": {"n": {"type": "object", "properties": {"n": {"$ref": "#/$defs/n"}}}}, "$ref": "#/$defs/n"});
    assert_eq!(told(&endless, &endless), Vec::<String>::new());
}

#[test]
fn another_file_is_followed() {
    let others = |kind: &str| Schemas::from([("q.yaml".to_owned(), json!({"$defs": {"v": {"type": kind}}}))]);
    let schema = json!({"type": "object", "properties": {"q": {"$ref": "q.yaml#/$defs/v"}}});
    let (old, new) = (others("string"), others("number"));
    let version = |others| Version { file: "it.yaml", schema: &schema, others };
    let found = changes(version(&old), version(&new));
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].pointer.as_str(), found[0].message.as_str()),
        ("/q", "`type` was string, is number")
    );
    let named: Vec<Vec<String>> = fields(version(&old)).into_iter().collect();
    assert_eq!(named, [vec!["q".to_owned()]]);
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({"type": "string"})),
        (0..4_u8, 2..6_u8).prop_map(|(a, b)| json!({"type": "string", "minLength": a, "maxLength": b})),
        (0..5_i8).prop_map(|n| json!({"type": "integer", "minimum": n})),
        (0..5_i8).prop_map(|n| json!({"type": "number", "exclusiveMaximum": n})),
        (1..4_u8).prop_map(|n| json!({"type": ["number", "null"], "multipleOf": n})),
        prop::collection::btree_set("[a-c]", 1..4).prop_map(|values| json!({ "enum": values })),
        prop_oneof![Just(json!({"const": 3})), Just(json!({"const": "b"})), Just(json!(true))],
        Just(json!({"type": ["string", "null"]})),
    ]
}

fn schema() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 24, 4, |inner| {
        let object = (
            prop::collection::btree_map("[a-d]", inner.clone(), 0..4),
            prop::collection::btree_set("[a-d]", 0..3),
            prop::option::of(prop_oneof![Just(json!(false)), scalar()]),
        )
            .prop_map(|(properties, required, additional)| {
                let mut schema = json!({"type": "object", "properties": properties, "required": required});
                if let Some(additional) = additional {
                    schema["additionalProperties"] = additional;
                }
                schema
            });
        let array = (inner.clone(), 0..3_u8).prop_map(|(items, n)| json!({"type": "array", "items": items, "minItems": n}));
        let several = |keyword: &'static str| {
            prop::collection::vec(inner.clone(), 1..3).prop_map(move |all| json!({ keyword: all }))
        };
        prop_oneof![4 => object, 2 => array, 1 => several("anyOf"), 1 => several("allOf"), 1 => several("oneOf")]
    })
}

fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2..8_i8).prop_map(Value::from),
        Just(json!(2.5)),
        "[a-d]{0,6}".prop_map(Value::from),
    ];
    scalar.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::btree_map("[a-d]", inner.clone(), 0..4).prop_map(|m| json!(m)),
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
        ]
    })
}

/// Whether data holds only what a schema describes.
fn described(side: &Side<'_>, value: &Value) -> bool {
    let mut known = BTreeSet::new();
    side.describe(&mut Vec::new(), &mut known);
    fn walk(value: &Value, at: &mut Vec<String>, known: &BTreeSet<Vec<String>>) -> bool {
        match value {
            Value::Object(members) => members.iter().all(|(name, value)| {
                at.push(name.clone());
                let well = known.contains(at) && walk(value, at, known);
                at.pop();
                well
            }),
            Value::Array(elements) => {
                at.push("*".to_owned());
                let well = elements.iter().all(|element| walk(element, at, known));
                at.pop();
                well
            }
            _ => true,
        }
    }
    walk(value, &mut Vec::new(), &known)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_said_to_hold_does(old in schema(), new in schema(), data in prop::collection::vec(value(), 12)) {
        let none = Schemas::new();
        let version = |schema| Version { file: "it.yaml", schema, others: &none };
        let changes = changes(version(&old), version(&new));
        let compile = |schema: &Value| Contract::compile("it", "1", schema, &none).unwrap();
        let (of_old, of_new) = (compile(&old), compile(&new));
        let takes = |contract: &Contract, value: &Value| {
            contract.validate(&Input::parse(value.to_string().as_bytes()).unwrap(), 1).is_ok()
        };
        for value in &data {
            if changes.iter().all(|c| !c.breaks_backward) && takes(&of_old, value) && described(&Side::of(version(&old)), value) {
                prop_assert!(takes(&of_new, value), "backward: {value} in {old} not in {new}");
            }
            if changes.iter().all(|c| !c.breaks_forward) && takes(&of_new, value) && described(&Side::of(version(&new)), value) {
                prop_assert!(takes(&of_old, value), "forward: {value} in {new} not in {old}");
            }
        }
    }

    /// The same schema, and one that only adds to it.
    #[test]
    fn nothing_changes_where_nothing_has(old in schema()) {
        let none = Schemas::new();
        let version = |schema| Version { file: "it.yaml", schema, others: &none };
        prop_assert_eq!(changes(version(&old), version(&old)), vec![]);
    }
}
