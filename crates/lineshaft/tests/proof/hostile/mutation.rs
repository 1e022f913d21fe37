//! Ten thousand good requests with something wrong with each.

use std::sync::Arc;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::{Hostile, count};
use crate::caller::Call;

/// Callers side by side.
const CALLERS: u64 = 8;

const CONTENT_TYPES: &[&str] = &[
    "application/cloudevents+json",
    "application/cloudevents-batch+json",
    "application/json",
    "application/json; charset=utf-16",
    "application/x-ndjson",
    "text/csv",
    "application/xml",
    "text/plain",
    "multipart/form-data; boundary=x",
    "a/b/c;;;",
    "",
];

/// Pieces that readers have stumbled over.
const PIECES: &[&[u8]] = &[
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"null",
    b"true",
    b"1e999",
    b"-0",
    b"NaN",
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xc0\xaf",
    b"\r\n",
    b"\n",
    b";",
    b"/*",
    b"//",
    b"<",
    b">",
    b"</count>",
    b"&b;",
    b"<!DOCTYPE a [<!ENTITY b \"c\">]>",
    b"<![CDATA[",
    b"<?xml version=\"1.1\" encoding=\"utf-7\"?>",
    b"&#x0;",
    b"\"id\":\"again\",",
    b"\"data\":{},",
    b"\xe2\x80\xae",
    b"=cmd|' /C calc'!A0",
    b"../../../../etc/passwd",
    b"999999999999999999999999999999999999999999999999",
    b"0.1e-9999999999",
    b"{{ .data }}",
    b"${secret:a}",
    b"' OR 1=1 --",
];

/// Values of attributes and parts of paths that are odd, and still fit into a head.
const ODD: &[&str] = &[
    "",
    " ",
    "%",
    "%zz",
    "%00",
    "%0d%0aset-cookie:a=b",
    "1.0",
    "0.3",
    "null",
    "../..",
    "a b",
    "%ff%fe",
    "-1",
    "1e9",
    "+1",
    "18446744073709551616",
    "9999-12-31T23:59:60Z",
    "2026-02-30T00:00:00Z",
    "urn:lineshaft:other:erp",
    "urn:::",
    "..",
    "\u{fffd}",
    "lineshaft.inventory.counted.v1",
    "lineshaft.*.*.v1",
    "lineshaft.inventory.counted.v99999999999",
];

const QUERIES: &[&str] = &[
    "",
    "",
    "",
    "",
    "?wait=delivered&timeout=1ms",
    "?wait=never",
    "?wait=delivered&timeout=-5",
    "?wait=%00",
    "?a=b&&&=",
];

/// A good event with this id.
pub(super) fn event(id: &str) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "urn:lineshaft:main:wms", "type": "lineshaft.inventory.counted.v1",
        "subject": format!("BIN-{id}"), "time": "2026-03-02T10:00:00+01:00", "datacontenttype": "application/json",
        "data": { "id": id, "subject": "BIN-1", "counted": { "value": "12.500", "unit": "KGM" } },
    })
}

/// A good request of any kind.
fn good(dice: &mut StdRng) -> Call {
    let id = format!("m-{}", dice.random_range(0..5_000));
    match dice.random_range(0..7) {
        0 => Call::post("/v1/events", "application/cloudevents+json", event(&id).to_string()),
        1 => {
            let batch = json!([event(&id), event(&format!("{id}-b")), event(&id)]);
            Call::post("/v1/events", "application/cloudevents-batch+json", batch.to_string())
        }
        2 => {
            let call = Call::post("/v1/events", "application/json", event(&id)["data"].to_string());
            let call = call
                .with("ce-specversion", "1.0")
                .with("ce-id", &id)
                .with("ce-source", "urn:lineshaft:main:wms");
            call.with("ce-type", "lineshaft.inventory.counted.v1")
                .with("ce-subject", "BIN-1")
                .with("ce-sequence", "7")
        }
        3 => Call::post(
            "/v1/in/plant/json",
            "application/json",
            format!(r#"{{"item":"RM-{id}","location":"A-01","counted":"98"}}"#),
        ),
        4 => Call::post(
            "/v1/in/plant/lines",
            "application/x-ndjson",
            format!(
                "{{\"item\":\"{id}\",\"location\":\"A\",\"counted\":\"1\"}}\n{{\"item\":\"B\",\"location\":\"B\",\"counted\":\"2\"}}\n"
            ),
        ),
        5 => Call::post(
            "/v1/in/plant/csv",
            "text/csv",
            format!("item;location;counted\n{id};A-01;98\n\"RM;2\";\"A\n02\";\"12,5\"\n\"x\"\"y\";A;1.5\n"),
        ),
        _ => Call::post(
            "/v1/in/plant/xml",
            "application/xml",
            format!(
                "<?xml version=\"1.0\"?><counts><count><item>{id}</item><location>A</location><counted>98</counted></count></counts>"
            ),
        ),
    }
}

/// The request with one to six things wrong. What frames it stays right: that is another test.
fn mutate(dice: &mut StdRng, call: &mut Call) {
    for _ in 0..dice.random_range(1..=6) {
        match dice.random_range(0..12) {
            0 => {
                let media = CONTENT_TYPES.choose(dice).copied().unwrap_or_default();
                call.headers.retain(|(name, _)| name != "content-type");
                call.headers.insert(0, ("content-type".to_owned(), media.to_owned()));
            }
            1 => {
                let at = dice.random_range(0..call.headers.len().max(1));
                if let Some((_, value)) = call.headers.get_mut(at) {
                    ODD.choose(dice).copied().unwrap_or_default().clone_into(value);
                }
            }
            2 => {
                let name = [
                    "ce-id",
                    "ce-subject",
                    "ce-time",
                    "ce-sequence",
                    "ce-tenant",
                    "ce-x",
                    "traceparent",
                    "ce-",
                ]
                .choose(dice);
                let value = ODD.choose(dice).copied().unwrap_or_default();
                call.headers.push((name.copied().unwrap_or_default().to_owned(), value.to_owned()));
            }
            3 if !call.path.contains('?') => {
                call.path.push_str(QUERIES.choose(dice).copied().unwrap_or_default());
            }
            _ => mutate_body(dice, &mut call.body),
        }
    }
}

fn mutate_body(dice: &mut StdRng, body: &mut Vec<u8>) {
    let at = dice.random_range(0..=body.len());
    let end = dice.random_range(at..=body.len().min(at + 40));
    match dice.random_range(0..7) {
        0 => body.truncate(at),
        1 => drop(body.splice(at..end, [])),
        2 => {
            let piece = body[at..end].to_vec();
            drop(body.splice(at..at, piece));
        }
        3 => {
            if let Some(byte) = body.get_mut(at) {
                *byte ^= 1 << dice.random_range(0..8);
            }
        }
        4 => {
            let bytes: Vec<u8> = (0..dice.random_range(1..20)).map(|_| dice.random()).collect();
            drop(body.splice(at..end, bytes));
        }
        5 => {
            let depth = dice.random_range(1..3_000);
            let opening =
                [b"[".as_slice(), b"{\"a\":", b"<a>", b"\""].choose(dice).copied().unwrap_or_default();
            drop(body.splice(at..at, opening.repeat(depth)));
        }
        _ => {
            let piece = PIECES.choose(dice).copied().unwrap_or_default();
            drop(body.splice(at..at, piece.iter().copied()));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_mutated_requests_are_no_fault_and_are_all_in_the_books() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let (seed, mutations): (u64, u64) = (number("SEED").unwrap_or(7), number("MUTATIONS").unwrap_or(10_000));
    let begun = std::time::Instant::now();
    let hostile = Hostile::start().await;
    let mut callers = Vec::new();
    for n in 0..CALLERS {
        let mut caller = hostile.another_caller();
        let counted = Arc::clone(&hostile.counted);
        callers.push(tokio::spawn(async move {
            let mut dice = StdRng::seed_from_u64(seed ^ (n << 32));
            for _ in 0..mutations / CALLERS {
                let mut call = good(&mut dice);
                mutate(&mut dice, &mut call);
                let answer = caller
                    .call(&call)
                    .await
                    .unwrap_or_else(|error| panic!("{error} instead of an answer to {call:?}"));
                count(&counted, &call, &answer);
            }
        }));
    }
    for caller in callers {
        caller.await.unwrap();
    }
    let counted = hostile.counted.lock().unwrap().clone();
    let sum = |word: &str| {
        counted.iter().filter(|((_, verdict), _)| verdict == word).map(|(_, count)| count).sum::<u64>()
    };
    let (accepted, quarantined) = (sum("accepted"), sum("quarantined"));
    assert!(
        accepted > mutations / 50 && quarantined > mutations / 10,
        "the mutations are too wild or too tame: {counted:?}"
    );
    hostile.assert_unharmed().await;
    eprintln!("{mutations} mutated requests in {:.1?} (seed {seed}): {counted:?}", begun.elapsed());
}
