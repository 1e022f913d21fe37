//! Fixed width: what comes through, what is refused, and the way back.

use proptest::prelude::*;

use crate::tests::{check, decoded, format};
use crate::{Encoding, Format, encode};

const PLAIN: &str =
    "fixed-width: { fields: { item: 6, qty: { length: 7, decimals: 2 }, note: { length: 5, trim: both } } }";

const ORDERS: &str = "
fixed-width:
  tag: { start: 1, length: 2 }
  records:
    order: { tag: HD, fields: { number: 6, date: 8 } }
    line:
      tag: LI
      under: order
      fields: { position: 3, item: { start: 7, length: 6 }, qty: { length: 5, decimals: 1 } }
    text: { tag: TX, under: line, fields: { text: 10 } }
    total: { tag: ZZ, fields: { count: 4 } }
";

#[test]
fn fields_stand_at_places() {
    check(
        PLAIN,
        "0815  0001250  a b\r\nA-1   -000005\n\n1234561 345-    x\nÄ€    +000100ß\n",
        &[
            r#"line 1: {"item":"0815","qty":"12.50","note":"a b"}"#,
            r#"line 2: {"item":"A-1","qty":"-0.05","note":""}"#,
            "error fixed-width-number \"1 345- \" is no number for `qty` (line 4, column 7, at qty) \"1234561 345-    x\\n\"",
            r#"line 5: {"item":"Ä€","qty":"1.00","note":"ß"}"#,
        ],
    );
}

#[test]
fn what_does_not_fit_the_layout_is_refused() {
    check(
        PLAIN,
        "0815  12 4500\n0815  1234567tooloong\n\u{feff}",
        &[
            "error fixed-width-number \"12 4500\" is no number for `qty` (line 1, column 7, at qty) \"0815  12 4500\\n\"",
            "error fixed-width-length the record goes on behind its last field, which ends at 18 (line 2, column 19) \"0815  1234567tooloong\\n\"",
            r#"line 3: {"item":"﻿","qty":"","note":""}"#,
        ],
    );
    check(
        PLAIN,
        b"08\xFF5\n1\n",
        &[
            "error fixed-width-encoding the byte 0xFF is no character of utf-8 (line 1, column 3) \"08\u{fffd}5\\n\"",
            r#"line 2: {"item":"1","qty":"","note":""}"#,
        ],
    );
    check(
        "fixed-width: { fields: { a: 2, b: 2 }, empty: omit, line_bytes: 4 }",
        "a\nabcde\n  xy",
        &[
            r#"line 1: {"a":"a"}"#,
            "error fixed-width-limit the record is longer than 4 bytes (line 2) \"abcd\"",
            r#"line 3: {"b":"xy"}"#,
        ],
    );
}

#[test]
fn records_belong_to_others() {
    check(
        ORDERS,
        "LI001 A     00010\nHD450010260101\nTXoops\nLI001 A     00010\nTXone\nTXtwo\nLI002 B     00005\nXX\nZZ0002\nHD4500112026",
        &[
            "error fixed-width-order there is no record `order` that this `line` belongs to (line 1) \"LI001 A     00010\\n\"",
            "error fixed-width-order there is no record `line` that this `text` belongs to (line 3) \"TXoops\\n\"",
            "error fixed-width-tag no record of the layout has the tag \"XX\" (line 8, column 1) \"XX\\n\"",
            r#"line 2: {"order":{"number":"450010","date":"260101","line":[{"position":"001","item":"A","qty":"1.0","text":[{"text":"one"},{"text":"two"}]},{"position":"002","item":"B","qty":"0.5"}],"refused_records":3}}"#,
            r#"line 9: {"total":{"count":"0002"}}"#,
            r#"line 10: {"order":{"number":"450011","date":"2026"}}"#,
        ],
    );
    let small = ORDERS.replace("  tag: {", "  document_bytes: 30\n  tag: {");
    check(
        &small,
        "HD1\nLI001 A     00010\nLI002 A     00010\nLI003 A     00010\nZZ0001\n",
        &[
            "error fixed-width-limit the document is longer than 30 bytes (line 1) \"HD1\\nLI001 A     00010\\nLI002 A     00010\\n\"",
            "error fixed-width-limit the document is longer than 30 bytes (line 1) \"LI003 A     00010\\n\"",
            r#"line 5: {"total":{"count":"0001"}}"#,
        ],
    );
}

#[test]
fn records_of_a_mainframe_have_no_ends_and_numbers_in_bytes() {
    let yaml = "fixed-width: { encoding: cp037, record_bytes: 12, fields: { id: 3, zoned: { length: 3, number: zoned }, packed: { length: 3, number: packed, decimals: 2 } } }";
    let mut input = vec![0xC1, 0xF1, 0x40, 0xF1, 0xF2, 0xD3, 0x12, 0x34, 0x5D, 0x40, 0x40, 0x40];
    input.extend([0xC2, 0xF2, 0x40, 0xF0, 0xF0, 0xF7, 0x00, 0x01, 0x0C, 0x40, 0x40, 0x40]);
    input.extend([0xC2, 0xF2, 0x40, 0xF0, 0xF0, 0xF7, 0x00, 0x01, 0x00, 0x40, 0x40, 0x40]);
    input.extend([0xC3; 5]);
    let replaced = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    check(
        yaml,
        &input,
        &[
            r#"line 1: {"id":"A1","zoned":"-123","packed":"-123.45"}"#,
            r#"line 2: {"id":"B2","zoned":"7","packed":"0.10"}"#,
            &format!(
                "error fixed-width-number [00, 01, 00] is no number for `packed` (line 3, column 7, at packed) {:?}",
                replaced(&input[24..36])
            ),
            &format!(
                "error fixed-width-cut the input ends with 5 bytes of a record (line 4) {:?}",
                replaced(&[0xC3; 5])
            ),
        ],
    );
    let written = encode(&format(yaml), [&br#"{"id":"A1","zoned":"-123","packed":"-123.45"}"#[..]]);
    assert_eq!(written.as_deref(), Ok(&input[..12]));
    // A file with line ends: NEL, and what an editor leaves behind.
    check(
        "fixed-width: { encoding: cp273, fields: { a: 2 } }",
        b"\xC0\xF1\x15\xF2\x0D\x25\x25",
        &[r#"line 1: {"a":"ä1"}"#, r#"line 2: {"a":"2"}"#],
    );
    let zoned = "fixed-width: { fields: { n: { length: 3, number: zoned, decimals: 1 } } }";
    check(
        zoned,
        "12{\n12C\n12}\n12L\n12s\n120\n12?",
        &[
            r#"line 1: {"n":"12.0"}"#,
            r#"line 2: {"n":"12.3"}"#,
            r#"line 3: {"n":"-12.0"}"#,
            r#"line 4: {"n":"-12.3"}"#,
            r#"line 5: {"n":"-12.3"}"#,
            r#"line 6: {"n":"12.0"}"#,
            "error fixed-width-number \"12?\" is no number for `n` (line 7, column 1, at n) \"12?\"",
        ],
    );
}

#[test]
fn documents_become_records() {
    let written = |yaml: &str, document: &str| match encode(&format(yaml), [document.as_bytes()]) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => error.message,
    };
    for (document, expected) in [
        (r#"{"item":"0815","qty":"12.50","note":"a b"}"#, "0815  0001250a b  \r\n"),
        (r#"{"qty":-0.05,"other":[1]}"#, "      -000005     \r\n"),
        (r#"{"item":"Ä€","qty":null,"note":"12345"}"#, "Ä€           12345\r\n"),
        (r#"{"item":"1234567"}"#, "`item` has 6 places, and \"1234567\" does not fit"),
        (r#"{"qty":"1.234"}"#, "\"1.234\" is no number with 2 decimals for `qty`"),
        (r#"{"qty":"1.2300"}"#, "      0000123     \r\n"),
        (r#"{"qty":"123456.7"}"#, "`qty` has 7 places, and \"123456.7\" does not fit"),
        (r#"{"qty":"1e3"}"#, "\"1e3\" is no number with 2 decimals for `qty`"),
        (r#"{"note":"a\nb"}"#, "a value has a line end in it"),
        (r#"{"note":[]}"#, "`note` would hold an array"),
        ("[1]", "a record is an object, and this is array"),
    ] {
        assert_eq!(written(PLAIN, document), expected);
    }
    for (document, expected) in [
        (
            r#"{"order":{"number":"450010","date":"26","line":[{"position":"001","item":"A","qty":"1","text":[{"text":"one"}]},{}]}}"#,
            "HD45001026      \r\nLI001 A     00010\r\nTXone       \r\nLI               \r\n",
        ),
        (r#"{"total":{"count":2}}"#, "ZZ2   \r\n"),
        (r#"{"line":{}}"#, "a document has one member, named after its record type"),
        (r#"{"order":{"line":1}}"#, "a record is an object, and this is number"),
    ] {
        assert_eq!(written(ORDERS, document), expected);
    }
    let signs = "fixed-width: { line_end: lf, fields: { a: { length: 6, decimals: 1, sign: trailing, pad: ' ' }, b: { length: 3, align: right, pad: '0' } } }";
    assert_eq!(written(signs, r#"{"a":"-1.5","b":"7"}"#), "   15-007\n");
    assert_eq!(
        written("fixed-width: { encoding: latin-1, fields: { a: 2 } }", r#"{"a":"€"}"#),
        "latin-1 has no '€', which `a` holds"
    );
    let nel = encode(
        &format("fixed-width: { encoding: cp500, line_end: nel, fields: { a: 2 } }"),
        [&b"{\"a\":\"A\"}"[..]],
    );
    assert_eq!(nel.as_deref(), Ok(&b"\xC1\x40\x15"[..]));
}

#[test]
fn a_layout_that_cannot_be_is_told() {
    let wrong = |yaml: &str| serde_saphyr::from_str::<Format>(yaml).expect_err(yaml).to_string();
    for (yaml, expected) in [
        ("fixed-width", "`fixed-width` needs its layout"),
        ("fixed-width: {}", "there is no layout"),
        ("fixed-width: { fields: { a: 0 } }", "the field `a` of the record needs a `length`"),
        ("fixed-width: { fields: { a: -1 } }", "a length is positive"),
        ("fixed-width: { fields: { a: { start: 2 } } }", "missing field `length`"),
        (
            "fixed-width: { fields: { a: 2, b: { start: 2, length: 1 } } }",
            "`a` and `b` of the record stand at the same place",
        ),
        ("fixed-width: { fields: { a: 2 }, record_bytes: 1 }", "ends behind the record"),
        ("fixed-width: { fields: { a: { length: 2, number: packed } } }", "that takes `record_bytes`"),
        ("fixed-width: { fields: { a: { length: 2, decimals: 3 } } }", "fewer digits than `decimals`"),
        ("fixed-width: { fields: { a: 2 }, records: { b: {} } }", "`fields` are of the only record type"),
        (
            "fixed-width: { records: { a: { fields: { x: 1 } }, b: {} } }",
            "several records are told apart by a tag",
        ),
        (
            "fixed-width: { tag: { start: 1, length: 1 }, records: { a: { tag: AB } } }",
            "the tag of `a` is longer",
        ),
        (
            "fixed-width: { tag: { start: 1, length: 1 }, records: { a: { tag: A }, b: { tag: A } } }",
            "have the same tag",
        ),
        (
            "fixed-width: { tag: { start: 1, length: 1 }, records: { a: { tag: A }, b: { tag: B, under: c } } }",
            "`under: c` of `b` names no record before it",
        ),
        (
            "fixed-width: { tag: { start: 1, length: 1 }, records: { a: { tag: A, fields: { b: 1 } }, b: { tag: B, under: a } } }",
            "rename it",
        ),
        ("fixed-width: { tag: { start: 0, length: 1 }, records: { a: { tag: A } } }", "`tag` is a place"),
    ] {
        let error = wrong(yaml);
        assert!(error.contains(expected), "{yaml}: {error}");
    }
}

fn member(length: usize) -> impl Strategy<Value = String> {
    proptest::string::string_regex(&format!("([a-zA-Z0-9äß.-]{{0,{}}}[a-z0-9])?", length - 1))
        .expect("a pattern")
}

prop_compose! {
    fn order()(
        number in member(6),
        lines in prop::collection::vec((member(3), member(6), -999i32..99_999, prop::collection::vec(member(10), 0..3)), 0..4),
    ) -> serde_json::Value {
        let lines: Vec<_> = lines
            .into_iter()
            .map(|(position, item, tenths, texts)| {
                let sign = if tenths < 0 { "-" } else { "" };
                let qty = format!("{sign}{}.{}", tenths.abs() / 10, tenths.abs() % 10);
                let mut line = serde_json::json!({ "position": position, "item": item, "qty": qty });
                if !texts.is_empty() {
                    line["text"] = texts.iter().map(|text| serde_json::json!({ "text": text })).collect();
                }
                line
            })
            .collect();
        let mut order = serde_json::json!({ "number": number, "date": "20261127" });
        if !lines.is_empty() {
            order["line"] = lines.into();
        }
        serde_json::json!({ "order": order })
    }
}

proptest! {
    // Each case is decoded in many ways.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_back(orders in prop::collection::vec(order(), 1..4), encoding in prop::sample::select(Encoding::names().collect::<Vec<_>>())) {
        let latin = ["utf-8", "latin-1", "windows-1252", "iso-8859-2", "iso-8859-15", "cp037", "cp273", "cp500", "cp1047"];
        let encoding = if latin.contains(&encoding) { encoding } else { "cp273" };
        let format = format(&ORDERS.replace("  tag: {", &format!("  encoding: {encoding}\n  tag: {{")));
        let texts: Vec<String> = orders.iter().map(ToString::to_string).collect();
        let written = encode(&format, texts.iter().map(String::as_bytes)).expect("written");
        let read: Vec<serde_json::Value> = decoded(&format, &written)
            .into_iter()
            .map(|item| serde_json::from_slice(&item.expect("good").json).expect("JSON"))
            .collect();
        prop_assert_eq!(read, orders);
    }
}
