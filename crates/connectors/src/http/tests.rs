//! The HTTP sink against a scripted target on a real socket.
#![allow(clippy::disallowed_methods, reason = "the scripted target runs in tasks of its own")]
#![allow(clippy::panic, clippy::needless_pass_by_value, reason = "a test ends so and reads better so")]

mod oauth;
mod poll;
pub(crate) mod server;
mod settings;
mod tls;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use lineshaft_model::Answer;
use lineshaft_ports::suite::sink::{self as suite, Act, Stand};
use lineshaft_ports::{Delivery, Sink};
use serde_json::{Value, json};

use crate::secrets::tests::Listed;
use crate::{Connector, Surroundings};
use server::{Received, Server, Step, ok, status};

const CANARY: &str = "canary-token-4711";

fn config(address: &str, operation: Value) -> Value {
    json!({
        "system": "erp",
        "connector": "http",
        "base_url": address,
        "auth": { "bearer": { "token": "${secret:token}" } },
        "operations": { "post": operation }
    })
}

fn try_build(config: &Value) -> Result<Arc<dyn Sink>, lineshaft_model::Reason> {
    let connector: Box<dyn Connector> =
        crate::parse(config, "erp").unwrap_or_else(|reasons| panic!("{reasons:#?}"));
    let secrets = Listed(vec![("token", CANARY), ("key", "canary-key-42")]);
    connector.build_sink("post", &Surroundings::new(&secrets, Path::new(".")))
}

fn build(server: &Server, operation: Value) -> Arc<dyn Sink> {
    try_build(&config(&format!("http://{}/api", server.address), operation)).unwrap()
}

fn plain() -> Value {
    json!({ "request": { "path": "/orders", "idempotency_header": "Idempotency-Key" }, "timeout": "30s" })
}

fn without_key() -> Value {
    json!({ "request": { "path": "/orders" }, "timeout": "30s" })
}

struct HttpStand {
    server: Server,
    sink: Arc<dyn Sink>,
}

impl Stand for HttpStand {
    fn sink(&self) -> Arc<dyn Sink> {
        Arc::clone(&self.sink)
    }

    fn order(&self, act: Act) {
        self.server.then(match act {
            Act::Accept => Step::Answer(ok("{}")),
            Act::Refuse => status(422, "", r#"{"detail":"no such item"}"#),
            Act::Busy(seconds) => status(429, &format!("Retry-After: {seconds}\r\n"), ""),
            Act::LoseAnswer => Step::AnswerAndClose(String::new()),
            Act::StaySilent => Step::Hold,
            Act::TalkNonsense => Step::Answer("220 smtp.example ESMTP\r\n".to_owned()),
        });
    }

    fn received(&self) -> Vec<(String, Vec<u8>)> {
        let key = |one: &Received| one.header("idempotency-key").unwrap().to_owned();
        self.server.received().into_iter().map(|one| (key(&one), one.body)).collect()
    }

    fn until_received(&self, count: usize) -> BoxFuture<'_, ()> {
        Box::pin(self.server.until_received(count))
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.server.stop())
    }
}

#[tokio::test]
async fn the_suite_of_sinks() {
    suite::run_all(async || {
        let server = Server::start().await;
        let mut operation = plain();
        operation["timeout"] = json!("300ms");
        operation["connect_timeout"] = json!("30s");
        let sink = build(&server, operation);
        HttpStand { server, sink }
    })
    .await;
}

#[tokio::test]
async fn a_request_has_what_the_operation_says_and_nothing_else() {
    let server = Server::start().await;
    let operation = json!({
        "request": {
            "method": "PUT",
            "path": "/orders/{{ .data.key }}",
            "query": { "$format": "json", "plant": "{{ .data.plant }}" },
            "headers": { "X-Plant": "{{ .data.plant }}", "X-Key": "${secret:key}", "X-Fixed": "yes" },
            "idempotency_header": "Idempotency-Key"
        },
        "content_type": "application/vnd.erp+json",
        "ce_headers": true
    });
    let sink = build(&server, operation);
    let templates: Vec<_> =
        sink.slots().iter().map(|slot| (slot.at.as_str(), slot.template.as_str())).collect();
    assert_eq!(
        templates,
        [
            ("/operations/post/request/path", "/orders/{{ .data.key }}"),
            ("/operations/post/request/query/plant", "{{ .data.plant }}"),
            ("/operations/post/request/headers/X-Plant", "{{ .data.plant }}"),
        ]
    );
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned();
    let slots = vec!["/orders/PO%2F7".to_owned(), "P%20100".to_owned(), "P 100".to_owned()];
    let mut delivery = Delivery { slots, traceparent, ..suite::delivery(1) };
    Arc::make_mut(&mut delivery.envelope).subject = "Zähler 1".to_owned();
    assert!(matches!(sink.deliver(&delivery).await, Answer::Delivered { status: 200, .. }));
    let received = server.received().remove(0);
    let key = delivery.idempotency_key.as_str();
    let expected = format!(
        "PUT /api/orders/PO%2F7?%24format=json&plant=P%20100 HTTP/1.1\r\nhost: {}\r\nuser-agent: lineshaft/0.1.0\r\n\
         accept: application/json, */*;q=0.5\r\ncontent-type: application/vnd.erp+json\r\n\
         authorization: Bearer {CANARY}\r\nx-key: canary-key-42\r\nx-fixed: yes\r\nx-plant: P 100\r\n\
         idempotency-key: {key}\r\ntraceparent: {}\r\nce-specversion: 1.0\r\nce-id: e-1\r\n\
         ce-source: urn:lineshaft:main:wms\r\nce-type: lineshaft.inventory.counted.v1\r\n\
         ce-subject: Z%C3%A4hler%201\r\ncontent-length: {}",
        server.address,
        delivery.traceparent,
        delivery.body.len()
    );
    assert_eq!(received.head, expected);
    assert_eq!(received.body, delivery.body);
}

#[tokio::test]
async fn one_connection_serves_one_delivery_after_another() {
    let server = Server::start().await;
    let sink = build(&server, plain());
    server.then(Step::Answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n".to_owned()));
    server.then(Step::Answer("HTTP/1.1 204 No Content\r\n\r\n".to_owned()));
    for n in 1..=5 {
        assert!(matches!(sink.deliver(&suite::delivery(n)).await, Answer::Delivered { .. }), "{n}");
    }
    assert_eq!(server.received().iter().map(|one| one.connection).collect::<Vec<_>>(), [0; 5]);
}

#[tokio::test]
async fn a_connection_the_target_closed_while_idle_is_not_used() {
    let server = Server::start().await;
    let sink = build(&server, without_key());
    for n in 1..=20 {
        server.then(Step::AnswerAndClose(ok("")));
        let answer = sink.deliver(&suite::delivery(n)).await;
        // Whether the close is seen before or after the next request went out is a race that the network decides. Unseen,
        // the request meets a closed connection and the outcome is honestly unknown; it is never sent twice.
        assert!(matches!(answer, Answer::Delivered { .. } | Answer::Unknown { .. }), "{n}: {answer:?}");
    }
    let mut bodies: Vec<_> = server.received().into_iter().map(|one| one.body).collect();
    let all = bodies.len();
    bodies.dedup();
    assert_eq!(bodies.len(), all, "none was sent twice");
}

#[tokio::test]
async fn a_reused_connection_that_breaks_is_replaced_once_when_the_target_knows_the_key() {
    let server = Server::start().await;
    let sink = build(&server, plain());
    assert!(matches!(sink.deliver(&suite::delivery(1)).await, Answer::Delivered { .. }));
    server.then(Step::AnswerAndClose(String::new()));
    let answer = sink.deliver(&suite::delivery(2)).await;
    assert!(matches!(answer, Answer::Delivered { .. }), "the fresh connection carries it: {answer:?}");
    let seen: Vec<_> = server.received().iter().map(|one| (one.connection, one.body.clone())).collect();
    let second = suite::delivery(2).body.to_vec();
    assert_eq!(seen[1..], [(0, second.clone()), (1, second)]);

    server.then(Step::AnswerAndClose(String::new()));
    server.then(Step::AnswerAndClose(String::new()));
    let answer = sink.deliver(&suite::delivery(3)).await;
    assert!(matches!(answer, Answer::Unknown { .. }), "once, not twice: {answer:?}");
    assert_eq!(server.received().len(), 5);
}

#[tokio::test]
async fn a_reused_connection_that_breaks_is_unknown_without_a_key() {
    let server = Server::start().await;
    let sink = build(&server, without_key());
    assert!(matches!(sink.deliver(&suite::delivery(1)).await, Answer::Delivered { .. }));
    server.then(Step::AnswerAndClose(String::new()));
    let answer = sink.deliver(&suite::delivery(2)).await;
    assert!(matches!(answer, Answer::Unknown { .. }), "{answer:?}");
    assert_eq!(server.received().len(), 2);
}

#[tokio::test]
async fn a_reset_in_the_middle_of_the_request_is_unknown() {
    let server = Server::start().await;
    let sink = build(&server, plain());
    server.then(Step::Reset);
    let large = Delivery { body: Bytes::from(vec![b'1'; 8 << 20]), ..suite::delivery(1) };
    let answer = sink.deliver(&large).await;
    assert!(matches!(&answer, Answer::Unknown { reason } if reason.code == "connection-lost"), "{answer:?}");
}

#[tokio::test]
async fn an_answer_before_the_whole_body_counts() {
    let server = Server::start().await;
    let sink = build(&server, plain());
    server.then(Step::AnswerEarly("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n".to_owned()));
    let large = Delivery { body: Bytes::from(vec![b'1'; 32 << 20]), ..suite::delivery(1) };
    let answer = sink.deliver(&large).await;
    assert!(matches!(&answer, Answer::Refused { status: 413, .. }), "{answer:?}");
    assert!(matches!(sink.deliver(&suite::delivery(2)).await, Answer::Delivered { .. }));
}

#[tokio::test]
async fn a_status_is_the_answer_even_when_its_body_is_too_large_or_cut() {
    let server = Server::start().await;
    let mut operation = plain();
    operation["answer_limit"] = json!("1KiB");
    let sink = build(&server, operation);
    let big = "x".repeat(5000);
    let cut = |head: &str, body: &str| Step::AnswerAndClose(format!("HTTP/1.1 {head}\r\n\r\n{body}"));
    let steps = [
        (cut("200 OK\r\nContent-Length: 5000", &big), 200),
        (cut("200 OK\r\nContent-Length: 5000", "x"), 200),
        (cut("200 OK\r\nContent-Length: 500", "x"), 200),
        (cut("200 OK\r\nTransfer-Encoding: chunked", "1388\r\nx"), 200),
        (cut("200 OK\r\nTransfer-Encoding: chunked", "zz\r\n"), 200),
        (cut("200 OK", &big), 200),
        (cut("200 OK\r\nContent-Length: 99999999999999999999", ""), 0),
        (cut("200 OK\r\nContent-Length: 18446744073709551615", ""), 200),
    ];
    for (step, expected) in steps {
        server.then(step.clone());
        let answer = sink.deliver(&suite::delivery(1)).await;
        match expected {
            0 => assert!(matches!(answer, Answer::Unknown { .. }), "{step:?}: {answer:?}"),
            _ => assert!(matches!(answer, Answer::Delivered { status: 200, .. }), "{step:?}: {answer:?}"),
        }
    }
}

#[tokio::test]
async fn an_answer_that_drips_forever_is_bounded_by_the_timeout() {
    let server = Server::start().await;
    let mut operation = plain();
    operation["timeout"] = json!("200ms");
    operation["connect_timeout"] = json!("30s");
    let sink = build(&server, operation);
    server.then(Step::Answer("HTTP/1.1 200 OK\r\nX-Half: ".to_owned()));
    let answer = sink.deliver(&suite::delivery(1)).await;
    assert!(matches!(&answer, Answer::Unknown { reason } if reason.code == "answer-timeout"), "{answer:?}");
    server.then(Step::Answer(
        "HTTP/1.1 503 Busy\r\nRetry-After: 3\r\nContent-Length: 10\r\n\r\nhalf".to_owned(),
    ));
    let answer = sink.deliver(&suite::delivery(1)).await;
    assert!(matches!(answer, Answer::Again { status: 503, after_ms: Some(3_000), .. }), "{answer:?}");
}

#[tokio::test]
async fn a_login_never_comes_back_in_a_reason() {
    let server = Server::start().await;
    let sink = build(&server, plain());
    server.then(status(401, "", &format!(r#"{{"detail":"Bearer {CANARY} is not valid here"}}"#)));
    let answer = sink.deliver(&suite::delivery(1)).await;
    let Answer::Refused { status: 401, reason } = &answer else { panic!("{answer:?}") };
    assert!(reason.message.contains("is not valid here"), "{reason}");
    assert!(!format!("{answer:?} {sink:?}").contains("canary"), "{answer:?} {sink:?}");
}

#[tokio::test]
async fn the_key_the_target_gave_is_kept() {
    let server = Server::start().await;
    let mut operation = plain();
    operation["foreign_key"] = json!("/d/PurchaseOrder");
    let sink = build(&server, operation);
    server.then(status(201, "", r#"{"d":{"PurchaseOrder":"4500001234"}}"#));
    let expected = Answer::Delivered { status: 201, foreign_key: Some("4500001234".to_owned()) };
    assert_eq!(sink.deliver(&suite::delivery(1)).await, expected);
    server.then(Step::Answer("HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{\"d\":{\"Pu\r\n18\r\nrchaseOrder\":4500001235}\r\n3\r\n}  \r\n0\r\n\r\n".to_owned()));
    let answer = sink.deliver(&suite::delivery(1)).await;
    assert!(
        matches!(&answer, Answer::Delivered { foreign_key, .. } if foreign_key.as_deref() == Some("4500001235")),
        "{answer:?}"
    );
}

#[tokio::test]
async fn the_target_is_asked_what_happened() {
    let server = Server::start().await;
    let mut operation = plain();
    operation["verify"] = json!({ "path": "/orders/{{ .data.key }}", "absent": [404, 410] });
    let sink = build(&server, operation);
    assert!(sink.can_verify() && sink.keeps_idempotency_key());
    let delivery = Delivery { slots: vec!["/orders/7".to_owned()], ..suite::delivery(1) };
    let mut verdicts = Vec::new();
    for code in [200, 404, 410, 500, 401, 302] {
        server.then(status(code, "", ""));
        verdicts.push(match sink.verify(&delivery).await {
            Answer::Delivered { .. } => "delivered",
            Answer::Again { .. } => "again",
            Answer::Refused { .. } => "refused",
            Answer::Unknown { .. } => "unknown",
        });
    }
    assert_eq!(verdicts, ["delivered", "again", "again", "unknown", "unknown", "unknown"]);
    let received = server.received().remove(0);
    assert_eq!((received.line(), received.body.len()), ("GET /api/orders/7 HTTP/1.1", 0));
    server.stop().await;
    assert!(matches!(sink.verify(&delivery).await, Answer::Unknown { .. }), "a silent target cannot tell");
}

#[tokio::test]
async fn values_that_would_reach_another_resource_are_refused_before_anything_is_sent() {
    let server = Server::start().await;
    let operation = json!({ "request": { "path": "/o/{{ .k }}", "headers": { "X-A": "{{ .k }}" } } });
    let sink = build(&server, operation);
    for (path, header, code) in [
        ("/o/..", "a", "path-unsafe"),
        ("/o/", "a", "path-incomplete"),
        ("/o/a HTTP/1.1\r\nX: y", "a", "path-unsafe"),
        ("/o/a", "b\r\nX: y", "header-unsafe"),
    ] {
        let delivery = Delivery { slots: vec![path.to_owned(), header.to_owned()], ..suite::delivery(1) };
        let answer = sink.deliver(&delivery).await;
        assert!(
            matches!(&answer, Answer::Refused { reason, .. } if reason.code == code),
            "{path}: {answer:?}"
        );
    }
    let unrendered = sink.deliver(&suite::delivery(1)).await;
    assert!(
        matches!(&unrendered, Answer::Refused { reason, .. } if reason.code == "slot-missing"),
        "{unrendered:?}"
    );
    assert_eq!(server.received().len(), 0);
}

#[tokio::test]
async fn what_fails_before_the_request_leaves_has_no_effect() {
    for (address, code) in [("https://name.invalid", "dns-failed"), ("http://127.0.0.1:1", "connect-failed")]
    {
        let sink =
            try_build(&config(address, plain())).unwrap_or_else(|reason| panic!("{address}: {reason}"));
        let answer = sink.deliver(&suite::delivery(1)).await;
        assert!(
            matches!(&answer, Answer::Again { reason, .. } if reason.code == code),
            "{address}: {answer:?}"
        );
    }
}

/// What is sent is what a receiver of Standard Webhooks checks, by each of two keys while one is being changed.
#[tokio::test]
async fn a_standard_webhook_goes_out_signed_with_every_key() {
    const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const NEW: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let server = Server::start().await;
    let config = json!({
        "system": "erp", "connector": "http", "base_url": format!("http://{}", server.address),
        "auth": { "standard_webhooks": { "secret": ["${secret:new}", "${secret:old}"] } },
        "operations": { "post": { "request": { "path": "/alarms" } } }
    });
    let connector = crate::parse(&config, "erp").unwrap_or_else(|reasons| panic!("{reasons:#?}"));
    assert!(connector.operations()[0].keeps_idempotency_key, "webhook-id tells a repeated one");
    let secrets = Listed(vec![("old", OLD), ("new", NEW)]);
    let with = Surroundings::new(&secrets, Path::new("."));
    let sink = connector.build_sink("post", &with).unwrap();
    server.then(Step::Answer(ok("{}")));
    server.then(Step::Answer(ok("{}")));
    let delivery = suite::delivery(1);
    for _ in 0..2 {
        assert!(matches!(sink.deliver(&delivery).await, Answer::Delivered { .. }));
    }
    let received = server.received();
    assert_eq!(received[0].header("webhook-id"), Some(delivery.idempotency_key.as_str()));
    assert_eq!(received[0].header("webhook-id"), received[1].header("webhook-id"));
    let mut headers = http::HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, received[0].header(name).unwrap().parse().unwrap());
    }
    for secret in [OLD, NEW] {
        let receiver = json!({ "signature": "standard-webhooks", "secret": "${secret:it}" });
        let sources =
            json!({ "system": "hub", "connector": "http", "sources": { "alarms": { "webhook": receiver } } });
        let receiver = crate::parse(&sources, "hub").unwrap_or_else(|reasons| panic!("{reasons:#?}"));
        let secrets = Listed(vec![("it", secret)]);
        let gate = receiver.gate("alarms", &Surroundings::new(&secrets, Path::new(".")));
        let gate = gate.unwrap().unwrap();
        assert!(gate.check(&headers, &received[0].body, delivery.now).is_ok());
        assert!(gate.check(&headers, b"{}", delivery.now).is_err(), "another body");
    }
}
