//! OData: both versions give one shape, a bad record stands alone, batches are read and written.
#![allow(clippy::panic, reason = "a test fails by panicking")]

use proptest::prelude::*;

use crate::tests::{check, decoded, format};
use crate::{Document, FormatError, encode};

#[test]
fn both_versions_give_one_shape() {
    check(
        "odata",
        "{\"d\":{\"__count\":\"2\",\"results\":[\n{\"__metadata\":{\"id\":\"i\",\"uri\":\"u\",\"type\":\"T\",\"etag\":\"W/\\\"1\\\"\"},\"PurchaseOrder\":\"1\",\"Price\":\"12.50\",\
\"Date\":\"/Date(1753142400000)/\",\"to_Item\":{\"results\":[{\"Item\":\"00010\",\"to_Line\":{\"__deferred\":{\"uri\":\"x\"}}}],\"__next\":\"n\"}},\n{\"PurchaseOrder\":\"2\"}]}}",
        &[
            r#"line 2, at /d/results/0: {"@odata.id":"u","@odata.type":"T","@odata.etag":"W/\"1\"","PurchaseOrder":"1","Price":"12.50","Date":"2025-07-22T00:00:00Z","to_Item":[{"Item":"00010"}]}"#,
            r#"line 3, at /d/results/1: {"PurchaseOrder":"2"}"#,
        ],
    );
    check(
        "odata",
        "{\"@odata.context\":\"c\",\"value\":[{\"@odata.etag\":\"e\",\"Price\":12.50,\"_Item\":[{\"Item\":\"10\"}]}],\"@odata.nextLink\":\"n\"}",
        &[r#"line 1, at /value/0: {"@odata.etag":"e","Price":12.50,"_Item":[{"Item":"10"}]}"#],
    );
    check(
        "odata",
        r#"{"d":{"PurchaseOrder":"1","results":"x"}}"#,
        &[r#"line 1, at /d: {"PurchaseOrder":"1","results":"x"}"#],
    );
    check("odata", r#" {"d":[{"a":1}]} "#, &[r#"line 1, at /d/0: {"a":1}"#]);
    check(
        "odata",
        "\u{feff}{\"@odata.context\":\"c\",\"value\":5}",
        &[r#"line 1: {"@odata.context":"c","value":5}"#],
    );
    check("odata", r#"[{"a":1},{"a":2}]"#, &[r#"line 1, at /0: {"a":1}"#, r#"line 1, at /1: {"a":2}"#]);
    check("odata", r#"{"d":{"results":[]}}"#, &[]);
    check("odata", r#"{"value":[ ]}"#, &[]);
}

#[test]
fn dates_are_in_utc() {
    for (date, expected) in [
        ("/Date(0)/", "1970-01-01T00:00:00Z"),
        ("/Date(1753142400123+0120)/", "2025-07-22T00:00:00.123Z"),
        ("/Date(-2208988800000)/", "1900-01-01T00:00:00Z"),
        ("/Date(253402214400000-60)/", "9999-12-31T00:00:00Z"),
        ("/Date()/", "/Date()/"),
        ("/Date(1+)/", "/Date(1+)/"),
        ("/Date(99999999999999999999)/", "/Date(99999999999999999999)/"),
        ("/Date(253402300800000)/", "/Date(253402300800000)/"),
        ("see /Date(0)/", "see /Date(0)/"),
    ] {
        check(
            "odata",
            format!("{{\"d\":{{\"a\":\"{date}\"}}}}"),
            &[&format!("line 1, at /d: {{\"a\":\"{expected}\"}}")],
        );
    }
}

#[test]
fn a_bad_record_does_not_refuse_the_others() {
    check(
        "odata: { depth: 4 }",
        "{\"d\":{\"results\":[{\"a\":1},\n{\"a\":1,\"a\":2},{\"a\":NaN},\n {\"a\":[[[[1]]]]},{\"b\":\"]}\\\"\"},{\"c\":1,}]}}",
        &[
            r#"line 1, at /d/results/0: {"a":1}"#,
            r#"error json-duplicate-key the key "a" is there twice in one object (line 2, column 8, at /d/results/1) "{\"a\":1,\"a\":2}""#,
            r#"error json-syntax expected a value, found 'N' (line 2, column 6, at /d/results/2/a) "{\"a\":NaN}""#,
            r#"error json-limit arrays and objects are nested more than 4 deep (line 3, column 9, at /d/results/3/a/0/0/0) "{\"a\":[[[[1]]]]}""#,
            r#"line 3, at /d/results/4: {"b":"]}\""}"#,
            r#"error json-syntax nothing follows this comma (line 3, column 7, at /d/results/5) "{\"c\":1,}""#,
        ],
    );
    // But half an answer is no answer.
    let half = decoded(&format("odata"), b"{\"d\":{\"results\":[{\"a\":1},{\"a\"");
    assert!(matches!(&half[..], [Err(error)] if error.fatal && error.code == "json-syntax"), "{half:?}");
    for (answer, expected) in [
        (
            r#"{"error":{"code":"005","message":{"lang":"en","value":"not found"}}}"#,
            "odata-error the service answered with the error 005: not found (line 1, at /error)",
        ),
        (
            r#"{"error":{"code":"","message":"no token"}}"#,
            "odata-error the service answered with the error : no token (line 1, at /error)",
        ),
    ] {
        let items = decoded(&format("odata"), answer.as_bytes());
        let [Err(error)] = &items[..] else { panic!("{items:?}") };
        assert_eq!(format!("{} {error}", error.code), expected);
    }
}

const ANSWER: &str = "--b1\r\nContent-Type: multipart/mixed; boundary=c1\r\nContent-Length: 9\r\n\r\n--c1\r\nContent-Type: application/http\r\nContent-ID: 7\r\n\r\n\
HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n\r\n{\"d\":{\"PurchaseOrder\":\"1\",\"Date\":\"/Date(0)/\"}}\r\n--c1--\r\n--b1\r\nContent-Type: application/http\r\n\r\n\
HTTP/1.1 200 OK\r\n\r\n{\"d\":{\"results\":[{\"a\":\"--b1\"}]}}\r\n--b1\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 400 Bad Request\r\n\r\n<html/>\r\n--b1--\r\n";

#[test]
fn a_batch_is_read() {
    check(
        "odata",
        ANSWER,
        &[
            r#"line 6, at part 1: {"status":201,"change_set":1,"content_id":"7","headers":{"content-type":"application/json"},"body":{"PurchaseOrder":"1","Date":"1970-01-01T00:00:00Z"}}"#,
            r#"line 15, at part 2: {"status":200,"headers":{},"body":[{"a":"--b1"}]}"#,
            r#"line 21, at part 3: {"status":400,"headers":{},"body":"<html/>"}"#,
        ],
    );
    check(
        "odata",
        ANSWER.replace("\r\n", "\n").replace("--c1--\n", "--c1--\n\n"),
        &[
            r#"line 6, at part 1: {"status":201,"change_set":1,"content_id":"7","headers":{"content-type":"application/json"},"body":{"PurchaseOrder":"1","Date":"1970-01-01T00:00:00Z"}}"#,
            r#"line 16, at part 2: {"status":200,"headers":{},"body":[{"a":"--b1"}]}"#,
            r#"line 22, at part 3: {"status":400,"headers":{},"body":"<html/>"}"#,
        ],
    );
    for (bytes, expected) in [
        (&ANSWER[..ANSWER.len() - 8], "the closing boundary is missing"),
        ("--b\r\n\r\nhello\r\n--b--", "a part is neither a request nor an answer of HTTP"),
        ("--\r\n", "a boundary is missing where the parts begin"),
        (
            "--b\r\nContent-Type: multipart/mixed\r\n\r\n--c\r\nContent-Type: multipart/mixed\r\n\r\n--d\r\n--c--\r\n--b--\r\n",
            "a change set stands in a change set",
        ),
    ] {
        let items = decoded(&format("odata"), bytes.as_bytes());
        let [Err(error)] = &items[..] else { panic!("{items:?}") };
        assert_eq!((error.code, error.message.as_str(), error.fatal), ("odata-batch", expected, true));
    }
}

#[test]
fn a_batch_is_written_and_read_back() {
    let requests = [
        r#"{"method":"GET","path":"A_PurchaseOrder('1')"}"#,
        r#"{"method":"POST","path":"A_PurchaseOrder","headers":{"Accept":"application/json"},"body":{"a":"é\r\n--batch_lineshaft--"}}"#,
        r#"{"method":"DELETE","path":"A_PurchaseOrder('2')","content_id":"x"}"#,
        r#"{"method":"GET","path":"B"}"#,
    ];
    let format = format("odata: { batch: true }");
    assert_eq!(format.media_type(), "multipart/mixed; boundary=batch_lineshaft");
    let written = encode(&format, requests.map(str::as_bytes)).expect("written");
    let text = String::from_utf8_lossy(&written);
    assert!(text.starts_with("--batch_lineshaft\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 1\r\n\r\nGET A_PurchaseOrder('1') HTTP/1.1\r\n\r\n\r\n--batch_lineshaft\r\nContent-Type: multipart/mixed; boundary=changes_lineshaft\r\n\r\n--changes_lineshaft\r\n"), "{text}");
    assert!(text.ends_with("--changes_lineshaft--\r\n--batch_lineshaft\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 4\r\n\r\nGET B HTTP/1.1\r\n\r\n\r\n--batch_lineshaft--\r\n"), "{text}");
    let read: Vec<String> = decoded(&format, &written)
        .into_iter()
        .map(|item| String::from_utf8_lossy(&item.expect("good").json).into_owned())
        .collect();
    assert_eq!(
        read,
        [
            r#"{"method":"GET","path":"A_PurchaseOrder('1')","content_id":"1","headers":{}}"#,
            r#"{"method":"POST","path":"A_PurchaseOrder","change_set":1,"content_id":"2","headers":{"accept":"application/json","content-type":"application/json","content-length":"33"},"body":{"a":"é\r\n--batch_lineshaft--"}}"#,
            r#"{"method":"DELETE","path":"A_PurchaseOrder('2')","change_set":1,"content_id":"x","headers":{}}"#,
            r#"{"method":"GET","path":"B","content_id":"4","headers":{}}"#,
        ]
    );
    for (document, expected) in [
        ("{}", "a request of a batch has `method` and `path`"),
        (r#"{"method":"TRACE","path":"a"}"#, "`method` is GET, POST, PUT, PATCH, MERGE or DELETE"),
        (
            r#"{"method":"GET","path":"a\r\nX: y"}"#,
            "`path` is an address relative to the service, percent-encoded",
        ),
        (
            r#"{"method":"GET","path":"a","headers":{"A":"b\r\nC: d"}}"#,
            "`headers` are names and texts without line ends",
        ),
    ] {
        assert_eq!(encode(&format, [document.as_bytes()]).expect_err(document).message, expected);
    }
    assert!(encode(&format, []).is_err());
    let plain = encode(&crate::tests::format("odata"), [&br#"{"PurchaseOrder":"1"}"#[..]]);
    assert_eq!(plain.as_deref(), Ok(&br#"{"PurchaseOrder":"1"}"#[..]));
}

fn records(items: &[Result<Document<'_>, FormatError>]) -> Vec<serde_json::Value> {
    items
        .iter()
        .map(|item| serde_json::from_slice(&item.as_ref().expect("good").json).expect("JSON"))
        .collect()
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i32>().prop_map(serde_json::Value::from),
        "[a-z\"\\\\{}\\[\\],:é]{0,6}".prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(serde_json::Value::from),
            prop::collection::btree_map("[a-c]", inner, 0..3)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    /// A list of any records, in either version, gives these records: a JSON reader is the oracle.
    #[test]
    fn every_record_of_a_list_comes_out(list in prop::collection::vec(value(), 0..6)) {
        for answer in [
            serde_json::json!({ "d": { "results": list, "__count": "3" } }),
            serde_json::json!({ "@odata.context": "]", "value": list }),
        ] {
            for text in [answer.to_string(), serde_json::to_string_pretty(&answer).expect("JSON")] {
                prop_assert_eq!(&records(&decoded(&format("odata"), text.as_bytes())), &list);
            }
        }
    }
}
