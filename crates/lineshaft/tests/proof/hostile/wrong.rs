//! What is wrong on purpose, one thing at a time, and what the hub says to it.

use super::{Hostile, count};
use crate::caller::Call;

const STRUCTURED: &str = "application/cloudevents+json";

/// The members of a good event, without the closing brace.
const OPEN_EVENT: &str = r#"{"specversion":"1.0","id":"w-1","source":"urn:lineshaft:main:wms","type":"lineshaft.inventory.counted.v1","subject":"A""#;

/// An event with this text as its data.
fn with_data(data: &str) -> Call {
    Call::post("/v1/events", STRUCTURED, format!("{OPEN_EVENT},\"data\":{data}}}"))
}

fn json() -> Vec<(&'static str, Call)> {
    let event = |text: &[u8]| Call::post("/v1/events", STRUCTURED, text);
    vec![
        ("nothing", event(b"")),
        ("white space", event(b" \n\t ")),
        ("cut short", event(OPEN_EVENT.as_bytes())),
        ("two documents", event(b"{}{}")),
        ("no object", event(b"[1]")),
        ("a bare text", event(b"\"x\"")),
        ("comma at the end", with_data("{\"a\":1,}")),
        ("comment", with_data("{/* x */}")),
        ("single quotes", with_data("{'a':1}")),
        ("bare word", with_data("{a:1}")),
        ("NaN", with_data("{\"a\":NaN}")),
        ("infinity", with_data("{\"a\":-Infinity}")),
        ("leading zero", with_data("{\"a\":01}")),
        ("plus", with_data("{\"a\":+1}")),
        ("half a number", with_data("{\"a\":1.}")),
        ("hexadecimal", with_data("{\"a\":0x10}")),
        ("half a surrogate", with_data(r#"{"a":"\ud800"}"#)),
        ("unknown escape", with_data(r#"{"a":"\x41"}"#)),
        ("bare control character", with_data("{\"a\":\"\u{1}\"}")),
        (
            "bad UTF-8",
            Call::post(
                "/v1/events",
                STRUCTURED,
                [OPEN_EVENT.as_bytes(), b",\"data\":\"\xff\xfe\"}"].concat(),
            ),
        ),
        ("UTF-16", event(&"{}".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>())),
        ("deep arrays", with_data(&"[".repeat(100_000))),
        ("deep arrays, closed", with_data(&format!("{}{}", "[".repeat(5_000), "]".repeat(5_000)))),
        ("deep objects", with_data(&format!("{}1{}", "{\"a\":".repeat(5_000), "}".repeat(5_000)))),
        ("a member twice", with_data(r#"{"a":1,"a":2}"#)),
        ("a member twice, written differently", with_data(r#"{"a":1,"\u0061":2}"#)),
        ("a member twice, deep", with_data(r#"[{"b":{"a":1,"c":0,"a":1}}]"#)),
        ("an attribute twice", event(format!("{OPEN_EVENT},\"id\":\"w-2\",\"data\":{{}}}}").as_bytes())),
        ("the data twice", event(format!("{OPEN_EVENT},\"data\":{{}},\"data\":{{}}}}").as_bytes())),
    ]
}

fn other_formats() -> Vec<(&'static str, Call)> {
    let csv = |text: &[u8]| Call::post("/v1/in/plant/csv", "text/csv", text);
    let xml = |text: &str| Call::post("/v1/in/plant/xml", "application/xml", text);
    let count = "<count><item>A</item><location>B</location><counted>1</counted></count>";
    let lol = "<!DOCTYPE l [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;\">]>";
    vec![
        ("CSV: quote never closed", csv(b"item;location;counted\n\"A;B;1\n")),
        ("CSV: text after a quote", csv(b"item;location;counted\n\"A\"x;B;1\n")),
        ("CSV: too few columns", csv(b"item;location;counted\nA;B\n")),
        ("CSV: too many columns", csv(b"item;location;counted\nA;B;1;2\n")),
        ("CSV: a column twice", csv(b"item;item;counted\nA;B;1\n")),
        ("CSV: other columns", csv(b"artikel;platz;menge\nA;B;1\n")),
        ("CSV: bad UTF-8", csv(b"item;location;counted\n\xff\xfe;B;1\n")),
        (
            "CSV: UTF-16",
            csv(&"item;location;counted\nA;B;1\n"
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect::<Vec<u8>>()),
        ),
        ("CSV: no number", csv(b"item;location;counted\nA;B;many\n")),
        ("CSV: no float", csv(b"item;location;counted\nA;B;1e400\n")),
        ("XML: DOCTYPE", xml(&format!("<!DOCTYPE counts><counts>{count}</counts>"))),
        (
            "XML: entity from a file",
            xml(&format!(
                "<!DOCTYPE c [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><c>{}</c>",
                count.replace('A', "&x;")
            )),
        ),
        ("XML: entities of entities", xml(&format!("{lol}<c>{}</c>", count.replace('A', "&c;")))),
        ("XML: unknown entity", xml(&format!("<c>{}</c>", count.replace('A', "&nbsp;")))),
        ("XML: never closed", xml("<counts><count><item>A</item>")),
        ("XML: closed by another", xml("<counts><count></counts></count>")),
        ("XML: deep", xml(&"<a>".repeat(100_000))),
        ("XML: an attribute twice", xml("<c><count a=\"1\" a=\"2\"/></c>")),
        ("XML: no character", xml(&format!("<c>{}</c>", count.replace('A', "&#0;")))),
        ("XML: nothing", xml("")),
        ("lines: a broken one", Call::post("/v1/in/plant/lines", "application/x-ndjson", "{\"item\":\n")),
        (
            "document against its contract",
            Call::post(
                "/v1/in/plant/json",
                "application/json",
                r#"{"item":"","location":"A","counted":"1"}"#,
            ),
        ),
    ]
}

/// Everything of these is refused with its reason, and kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_malformed_is_refused_with_a_reason_and_kept() {
    let mut hostile = Hostile::start().await;
    for (what, call) in json().into_iter().chain(other_formats()) {
        let answer = hostile.caller.call(&call).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        count(&hostile.counted, &call, &answer);
        let text = answer.text();
        // An input with several documents answers 202 and says of each what became of it.
        let refused = match answer.status {
            400 | 422 => answer.json()["quarantined"].as_u64().is_some() && answer.json()["code"].is_string(),
            202 => {
                !answer.verdicts().is_empty()
                    && answer.verdicts().iter().all(|verdict| verdict == "quarantined")
            }
            _ => false,
        };
        assert!(refused, "{what} was answered {}: {text}", answer.status);
        assert!(!text.contains("root:"), "{what}: a file of the machine was read: {text}");
    }
    hostile.assert_unharmed().await;
}

/// Good documents in unusual clothes, and good parts beside bad ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_unusual_is_taken() {
    let mut hostile = Hostile::start().await;
    let csv = |text: &str| Call::post("/v1/in/plant/csv", "text/csv", text);
    let row = "item;location;counted\n";
    let cases = [
        ("CSV with a byte order mark", csv(&format!("\u{feff}{row}A;B;1\n")), &["accepted"][..]),
        ("CSV with quotes", csv(&format!("{row}\"C;\"\"1\"\"\";\"B; \"\"2\"\"\";\"2\"\n")), &["accepted"]),
        (
            "CSV with CRLF and no last line end",
            csv("item;location;counted\r\nD;B;1\r\nE;B;2"),
            &["accepted", "accepted"],
        ),
        (
            "a bad row among good ones",
            csv(&format!("{row}F;B;1\nF;B\nG;B;1\n")),
            &["accepted", "quarantined", "accepted"],
        ),
        (
            "a bad line among good ones",
            Call::post(
                "/v1/in/plant/lines",
                "application/x-ndjson",
                "{\"item\":\"H\",\"location\":\"B\",\"counted\":\"1\"}\n{\n{\"item\":\"I\",\"location\":\"B\",\"counted\":\"1\"}",
            ),
            &["accepted", "quarantined", "accepted"],
        ),
        (
            "XML with everything that is harmless",
            Call::post(
                "/v1/in/plant/xml",
                "application/xml",
                "<?xml version=\"1.0\"?><!-- x --><w:counts xmlns:w=\"urn:w\"><count><item>K&amp;&#65;</item>\
                 <location><![CDATA[<B>]]></location><counted>1.50</counted></count></w:counts>",
            ),
            &["accepted"],
        ),
        (
            "exact decimals of any length",
            Call::post(
                "/v1/in/plant/json",
                "application/json",
                r#"{"item":"J","location":"B","counted":"0.1000000000000000000000001"}"#,
            ),
            &["accepted"],
        ),
    ];
    for (what, call, expected) in cases {
        let answer = hostile.caller.call(&call).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        count(&hostile.counted, &call, &answer);
        assert_eq!(
            (answer.status, answer.verdicts()),
            (202, expected.iter().map(|v| (*v).to_owned()).collect()),
            "{what}: {}",
            answer.text()
        );
    }
    hostile.assert_unharmed().await;
}

/// Refused at the door: nothing of these is an input, so nothing is kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_input_is_refused_at_the_door() {
    let hostile = Hostile::start().await;
    let event = format!("{OPEN_EVENT},\"data\":{{}}}}");
    let post = |path: &str, media: &str| Call::post(path, media, event.clone());
    let cases = [
        ("plain text", post("/v1/events", "text/plain"), &[415][..]),
        ("a form", post("/v1/events", "application/x-www-form-urlencoded"), &[415]),
        ("no media type", post("/v1/events", ""), &[415]),
        ("no such source", post("/v1/in/plant/nothing", "application/json"), &[404]),
        ("no such system", post("/v1/in/nobody/json", "application/json"), &[404]),
        ("a path out of the house", post("/v1/in/..%2f..%2fetc/passwd", "application/json"), &[404]),
        ("nothing there", post("/v2/events", STRUCTURED), &[404]),
        ("another method", Call { method: "PUT", ..post("/v1/events", STRUCTURED) }, &[405]),
        ("no method at all", Call { method: "\u{fffd}", ..post("/v1/events", STRUCTURED) }, &[400]),
        ("a query that is none", post("/v1/events?wait=%ff", STRUCTURED), &[400]),
        ("a cursor of ours that is not", Call::get("/v1/events?cursor=zzzz"), &[400]),
        ("a position that is none", Call::get("/v1/events/-1"), &[400, 404]),
        ("a key that is none", Call::get("/v1/objects/item/%ff%fe"), &[400, 404]),
        ("a body that is too long", Call::post("/v1/events", STRUCTURED, vec![b' '; (1 << 20) + 1]), &[413]),
        (
            "a header that is too long",
            post("/v1/events", STRUCTURED).with("x-long", &"x".repeat(1_000_000)),
            &[400, 431],
        ),
        (
            "a path that is too long",
            post(&format!("/v1/{}", "x".repeat(100_000)), STRUCTURED),
            &[400, 414, 431],
        ),
    ];
    for (what, call, expected) in cases {
        // A new connection each: some of these end it.
        let mut caller = hostile.another_caller();
        let answer = caller.call(&call).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        count(&hostile.counted, &call, &answer);
        assert!(
            expected.contains(&answer.status),
            "{what} was answered {}: {}",
            answer.status,
            answer.text()
        );
    }
    let mut many = post("/v1/events", STRUCTURED);
    for n in 0..500 {
        many = many.with(&format!("x-{n}"), "x");
    }
    let answer = hostile.another_caller().call(&many).await.unwrap();
    assert_eq!(answer.status, 431, "{}", answer.text());
    for token in ["", "lsh_wrong", "Bearer", "\u{fffd}"] {
        let answer = crate::caller::Caller::new(hostile.caller.address, token)
            .call(&post("/v1/events", STRUCTURED))
            .await
            .unwrap();
        assert_eq!(answer.status, 401, "{}", answer.text());
    }
    hostile.assert_unharmed().await;
}

/// A short request of very many parts: one refusal, not a record for each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_too_many_parts_is_refused_as_one() {
    let mut hostile = Hostile::start().await;
    let parts = 50_000;
    let batch = format!("[{}1]", "1,".repeat(parts));
    let element = "<count/>".repeat(parts);
    let cases = [
        ("a batch", Call::post("/v1/events", "application/cloudevents-batch+json", batch)),
        ("lines", Call::post("/v1/in/plant/lines", "application/x-ndjson", "1\n".repeat(parts))),
        ("rows", Call::post("/v1/in/plant/csv", "text/csv", format!("item\n{}", "A\n".repeat(parts)))),
        ("elements", Call::post("/v1/in/plant/xml", "application/xml", format!("<c>{element}</c>"))),
    ];
    for (what, call) in cases {
        let answer = hostile.caller.call(&call).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        count(&hostile.counted, &call, &answer);
        let verdicts = answer.verdicts().len();
        assert!(
            answer.status == 413 || verdicts <= 1,
            "{what} was answered {} with {verdicts} results",
            answer.status
        );
    }
    hostile.assert_unharmed().await;
}
