//! Contracts against documents that keep and break them.

use serde_json::json;

use super::*;

fn contract(schema: &serde_json::Value) -> Contract {
    Contract::compile("test.yaml", "1.0.0", schema, &Schemas::new()).unwrap()
}

fn check(schema: &serde_json::Value, document: &str) -> Vec<(String, String)> {
    let input = Input::parse(document.as_bytes()).unwrap();
    let violations = contract(schema).validate(&input, 10).err().unwrap_or_default();
    violations.into_iter().map(|v| (v.pointer, v.keyword)).collect()
}

#[test]
fn violations_point_into_the_document() {
    let schema = json!({"type": "object", "required": ["key", "lines"], "properties": {
        "key": {"type": "string", "minLength": 1},
        "when": {"type": "string", "format": "date-time"},
        "mail": {"format": "email"}, "site": {"format": "uri"}, "day": {"format": "date"},
        "lines": {"type": "array", "minItems": 1, "items": {"type": "object", "required": ["qty"], "properties": {
            "qty": {"$ref": "#/$defs/quantity"}}}}},
        "additionalProperties": false,
        "$defs": {"quantity": {"type": "object", "required": ["value", "unit"], "properties": {
            "value": {"type": "string", "format": "decimal"}, "unit": {"format": "unit"}}}}});
    let good = r#"{"key":"1","when":"2026-11-23T10:00:00Z","mail":"a@b.example","site":"https://a.example/","day":"2026-11-23","lines":[{"qty":{"value":"1.50","unit":"KGM"}}]}"#;
    assert!(check(&schema, good).is_empty());
    let bad = r#"{"key":"","when":"yesterday","mail":"a","site":"//","day":"2026-02-30","extra":1,"lines":[{"qty":{"value":"one","unit":"kilo"}},{}]}"#;
    let found = check(&schema, bad);
    for wanted in [
        ("/key", "minLength"),
        ("/when", "format"),
        ("/mail", "format"),
        ("/day", "format"),
        ("", "additionalProperties"),
        ("/lines/0/qty/value", "format"),
        ("/lines/0/qty/unit", "format"),
        ("/lines/1", "required"),
    ] {
        assert!(found.iter().any(|(p, k)| (p.as_str(), k.as_str()) == wanted), "{wanted:?} in {found:?}");
    }
    let input = Input::parse(bad.as_bytes()).unwrap();
    let some = contract(&schema).validate(&input, 3).unwrap_err();
    assert_eq!(some.len(), 3);
    let reason = some[0].to_reason("test.yaml");
    assert_eq!(reason.code, "contract-violation");
    assert!(reason.hint.contains("test.yaml"));
}

#[test]
fn numbers_are_compared_exactly() {
    let of = |keyword: &str, limit: serde_json::Value| json!({ keyword: limit });
    for (keyword, limit, number, passes) in [
        ("multipleOf", json!(0.01), "0.29", true),
        ("multipleOf", json!(0.01), "1070468.14", true),
        ("multipleOf", json!(0.01), "0.295", false),
        ("multipleOf", json!(0.001), "99999999999999999.999", true),
        ("multipleOf", json!(0.01), "99999999999999999.999", false),
        ("multipleOf", json!(3), "9e2", true),
        ("maximum", json!(9007199254740992_u64), "9007199254740993", false),
        ("maximum", json!(0.3), "0.30000000000000000001", false),
        ("maximum", json!(0.3), "0.3", true),
        ("minimum", json!(0.1), "0.09999999999999999999999", false),
        ("minimum", json!(0.1), "0.10", true),
        ("exclusiveMinimum", json!(0), "0.00", false),
        ("exclusiveMinimum", json!(0), "0.0000000000000000000001", true),
        ("exclusiveMaximum", json!(1), "1.0", false),
        ("const", json!(1.5), "1.50", true),
        ("enum", json!([1, 2]), "2.0", true),
        ("type", json!("integer"), "1.0", true),
        ("type", json!("integer"), "1.01", false),
        ("type", json!("integer"), "123456789012345678901234567890", true),
    ] {
        assert_eq!(
            check(&of(keyword, limit.clone()), number).is_empty(),
            passes,
            "{number} {keyword} {limit}"
        );
    }
}

#[test]
fn references_stay_in_the_workspace() {
    let others = Schemas::from([(
        "common.yaml".to_owned(),
        json!({"$defs": {"key": {"type": "string", "pattern": "^[0-9]+$"}}}),
    )]);
    let schema = json!({"properties": {"key": {"$ref": "common.yaml#/$defs/key"}}});
    let contract = Contract::compile("order.yaml", "1", &schema, &others).unwrap();
    assert!(contract.validate(&Input::parse(br#"{"key":"12"}"#).unwrap(), 1).is_ok());
    assert!(contract.validate(&Input::parse(br#"{"key":"x"}"#).unwrap(), 1).is_err());
    for outside in
        ["https://example.com/schema.json", "file:///etc/passwd", "missing.yaml", "http://127.0.0.1/x"]
    {
        let problems =
            Contract::compile("order.yaml", "1", &json!({ "$ref": outside }), &others).unwrap_err();
        assert_eq!(problems[0].code, "contract-schema-invalid", "{outside}");
    }
}

#[test]
fn bad_schemas_are_told() {
    let compile = |text: &str| {
        Contract::compile_text("a.json", "1", text.as_bytes(), &Schemas::new()).map_err(|d| d[0].code)
    };
    assert_eq!(compile("{").unwrap_err(), "contract-not-json");
    assert_eq!(compile(r#"{"type": "strange"}"#).unwrap_err(), "contract-schema-invalid");
    assert_eq!(compile(r#"{"maximum": 0.12345678901234567890123}"#).unwrap_err(), "contract-number-inexact");
    assert_eq!(compile(r#"{"pattern": "(?=a)"}"#).unwrap_err(), "contract-schema-invalid");
    assert!(compile(r#"{"maximum": 100.05}"#).is_ok());
}

#[test]
fn hostile_documents_are_bounded() {
    let schema =
        json!({"type": "array", "uniqueItems": true, "items": {"type": "string", "pattern": "^(a+)+$"}});
    let text = format!("[\"{}b\"]", "a".repeat(50_000));
    assert_eq!(check(&schema, &text).len(), 1);
}
