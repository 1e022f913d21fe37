//! Requests whose framing can be read in two ways. Whoever stands before the hub may read them the other way, so the hub
//! either refuses them or answers once and closes.

use std::time::Duration;

use super::Hostile;
use crate::caller::raw;

/// Longer than the hub waits for the rest of a head.
const PATIENCE: Duration = Duration::from_secs(20);

/// A second request that must never be answered.
const SMUGGLED: &str = "GET /healthz HTTP/1.1\r\nhost: hub\r\n\r\n";

/// Heads and bodies after the request line and host. Each is followed by [`SMUGGLED`].
const AMBIGUOUS: &[(&str, &str)] = &[
    ("two lengths", "content-length: 2\r\ncontent-length: 40\r\n\r\n{}"),
    ("two lengths in one", "content-length: 2, 40\r\n\r\n{}"),
    ("a length with a sign", "content-length: +2\r\n\r\n{}"),
    ("a negative length", "content-length: -2\r\n\r\n{}"),
    ("a hexadecimal length", "content-length: 0x2\r\n\r\n{}"),
    ("a length beyond all numbers", "content-length: 18446744073709551618\r\n\r\n{}"),
    ("length, then chunks", "content-length: 40\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("chunks, then length", "transfer-encoding: chunked\r\ncontent-length: 40\r\n\r\n0\r\n\r\n"),
    ("chunks twice, not last", "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
    ("chunks that are none", "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n"),
    ("space before the colon", "content-length : 2\r\n\r\n{}"),
    ("space before the name", " content-length: 2\r\n\r\n{}"),
    ("a folded header", "x-a: b\r\n content-length: 2\r\n\r\n{}"),
    ("a bare CR in a value", "x-a: b\rcontent-length: 2\r\n\r\n"),
    ("a NUL in a value", "x-a: b\0c\r\ncontent-length: 2\r\n\r\n{}"),
    ("a name with a space", "content length: 2\r\n\r\n{}"),
    (
        "a chunk size beyond all numbers",
        "transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n",
    ),
    ("a chunk size with a sign", "transfer-encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n"),
    ("a chunk size that is none", "transfer-encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n"),
    ("a chunk longer than it says", "transfer-encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n"),
    ("a chunk ended by a bare LF", "transfer-encoding: chunked\r\n\r\n2\n{}\n0\n\n"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_reads_two_ways_is_refused_or_ends_the_connection() {
    let hostile = Hostile::start().await;
    let address = hostile.caller.address;
    let login = format!("authorization: Bearer {}\r\n", hostile.token);
    let talks = AMBIGUOUS.iter().map(|(what, rest)| {
        let head = format!(
            "POST /v1/in/plant/json HTTP/1.1\r\nhost: hub\r\n{login}content-type: application/json\r\n"
        );
        let bytes = format!("{head}{rest}{SMUGGLED}");
        async move { (*what, raw(address, bytes.as_bytes(), PATIENCE).await) }
    });
    for (what, (heard, closed)) in futures::future::join_all(talks).await {
        let heard = String::from_utf8_lossy(&heard);
        let answers = heard.matches("HTTP/1.1 ").count();
        assert!(!heard.contains("alive"), "{what}: the second request was answered:\n{heard}");
        assert!(answers <= 1 && closed, "{what}: {answers} answers, closed: {closed}\n{heard}");
        let status = heard.split(' ').nth(1).unwrap_or("400");
        assert!(status.starts_with('4'), "{what}: answered {status}\n{heard}");
    }
    // Refused by their framing, or as inputs that are no JSON object: these the hub has kept.
    let mut caller = hostile.another_caller();
    let kept =
        crate::plant::drained(&mut caller, crate::plant::PATIENCE).await["inputs"]["plant/json"].clone();
    assert_eq!(kept["accepted"].as_u64().unwrap_or(0), 0, "{kept}");
    let quarantined = kept["quarantined"].as_u64().unwrap_or(0);
    if quarantined > 0 {
        hostile
            .counted
            .lock()
            .unwrap()
            .insert(("plant/json".to_owned(), "quarantined".to_owned()), quarantined);
    }
    hostile.assert_unharmed().await;
}

/// Half a request, bytes that are no HTTP, and another protocol's hello: the connection ends, the hub goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_http_ends_the_connection() {
    let hostile = Hostile::start().await;
    let address = hostile.caller.address;
    let noise: Vec<u8> = (0..=255_u8).cycle().take(200_000).collect();
    let talks: [(&str, &[u8]); 9] = [
        ("half a request line", b"POST /v1/ev"),
        ("half a head", b"POST /v1/events HTTP/1.1\r\nhost: hub\r\ncontent-le"),
        ("an old version", b"GET /v1/events\r\n"),
        ("a version to come", b"GET /healthz HTTP/9.9\r\nhost: hub\r\n\r\n"),
        ("HTTP/2 without asking", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
        ("noise", &noise),
        ("line ends without end", &b"\r\n".repeat(100_000)),
        ("a tunnel", b"CONNECT example.org:443 HTTP/1.1\r\nhost: example.org\r\n\r\n"),
    ];
    let talks = talks.map(|(what, bytes)| async move { (what, raw(address, bytes, PATIENCE).await) });
    for (what, (heard, closed)) in futures::future::join_all(talks).await {
        let heard = String::from_utf8_lossy(&heard);
        let status = heard.split(' ').nth(1).unwrap_or("400");
        assert!(status.starts_with('4'), "{what}: answered {status}\n{heard}");
        // A whole request may keep its connection once it has been refused.
        assert!(closed || what == "a tunnel", "{what}: the connection stays open\n{heard}");
    }
    hostile.assert_unharmed().await;
}
