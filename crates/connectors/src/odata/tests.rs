//! An OData service on a real socket that wants tokens, cookies and entity tags, as SAP's do.
#![allow(clippy::panic, clippy::needless_pass_by_value, reason = "a test ends so and reads better so")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::{BoxFuture, join_all};
use lineshaft_model::Answer;
use lineshaft_ports::suite::sink::{self as suite, Act, Stand};
use lineshaft_ports::suite::source::{self as sources, Hub, Orders};
use lineshaft_ports::{Delivery, Sink, Source};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::Surroundings;
use crate::http::tests::server::{Received, Server, Step, ok, status};
use crate::secrets::tests::Listed;

/// Orders by number: entity tag and status.
type Rows = BTreeMap<String, (u64, String)>;

/// The service's state.
#[derive(Default)]
struct Service {
    rows: Rows,
    /// The token that is good now.
    token: u64,
    changes: usize,
}

struct Sap {
    server: Server,
    service: Arc<Mutex<Service>>,
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

fn error(status: &str, words: &str) -> String {
    let body = json!({ "error": { "code": "ME/083", "message": { "lang": "en", "value": words },
        "innererror": { "errordetails": [{ "message": words }, { "message": "Enter a supplier" }] } } });
    answer(status, "", &body.to_string())
}

/// The key in `A_PurchaseOrder(PurchaseOrder='...')`, decoded.
fn key(target: &str) -> String {
    let inner = target.split_once("PurchaseOrder='").unwrap().1.rsplit_once("')").unwrap().0;
    inner.replace("%27", "'").replace("%20", " ").replace("''", "'")
}

fn serve(request: &Received, service: &mut Service) -> String {
    let target = request.line().split(' ').nth(1).unwrap().to_owned();
    let method = request.line().split(' ').next().unwrap().to_owned();
    if method == "GET" && request.header("x-csrf-token").is_some_and(|token| token == "Fetch") {
        service.token += 1;
        let headers = format!(
            "x-csrf-token: t{0}\r\nSet-Cookie: SAP_SESSIONID=s{0}; path=/; HttpOnly\r\nSet-Cookie: sap-usercontext=c\r\n",
            service.token
        );
        return answer("200 OK", &headers, "{}");
    }
    if method == "GET" {
        let key = key(&target);
        return match service.rows.get(&key) {
            Some((tag, status)) => answer(
                "200 OK",
                &format!("ETag: W/\"{tag}\"\r\n"),
                &json!({ "d": { "PurchaseOrder": key, "Status": status } }).to_string(),
            ),
            None => error("404 Not Found", "Not found"),
        };
    }
    let good = request.header("x-csrf-token") == Some(&format!("t{}", service.token))
        && request.header("cookie") == Some(&format!("SAP_SESSIONID=s{}; sap-usercontext=c", service.token));
    if !good {
        return answer("403 Forbidden", "x-csrf-token: Required\r\n", "CSRF token validation failed");
    }
    service.changes += 1;
    if target.ends_with("/$batch") {
        return batch(request, service);
    }
    if method == "POST" {
        let number = format!("45{:08}", service.changes);
        service.rows.insert(number.clone(), (1, "new".to_owned()));
        return answer("201 Created", "", &json!({ "d": { "PurchaseOrder": number } }).to_string());
    }
    let key = key(&target);
    let Some((tag, _)) = service.rows.get(&key).cloned() else { return error("404 Not Found", "Not found") };
    match request.header("if-match") {
        None => return error("428 Precondition Required", "If-Match is missing"),
        Some("*") => {}
        Some(given) if given == format!("W/\"{tag}\"") => {}
        Some(_) => return error("412 Precondition Failed", "The entity was changed"),
    }
    if method == "DELETE" {
        service.rows.remove(&key);
    } else {
        let status = String::from_utf8(request.body.clone()).unwrap();
        service.rows.insert(key, (tag + 1, status));
    }
    answer("204 No Content", "", "")
}

/// Takes a change set whole or not at all: a request whose body says `refuse` fails it.
fn batch(request: &Received, service: &mut Service) -> String {
    let text = String::from_utf8(request.body.clone()).unwrap();
    assert_eq!(request.header("content-type"), Some("multipart/mixed; boundary=batch_lineshaft"));
    let count = text.matches("POST A_PurchaseOrder").count();
    let part = |status: &str, body: &str| {
        format!(
            "Content-Type: application/http\r\n\r\nHTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}\r\n",
            body.len()
        )
    };
    let inner = if text.contains("refuse") {
        part("400 Bad Request", r#"{"error":{"message":{"value":"Item 20 is refused"}}}"#)
    } else {
        service.changes += count;
        let parts: Vec<String> = (0..count)
            .map(|n| part("201 Created", &format!(r#"{{"d":{{"PurchaseOrder":"45{n}"}}}}"#)))
            .collect();
        let parts = parts.join("--c\r\n");
        format!("Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n{parts}--c--\r\n")
    };
    let body = format!("--b\r\n{inner}--b--\r\n");
    answer("202 Accepted", "Content-Type: multipart/mixed; boundary=b\r\n", &body)
}

impl Sap {
    async fn start() -> Self {
        let server = Server::start().await;
        let service = Arc::new(Mutex::new(Service::default()));
        let shared = Arc::clone(&service);
        server.respond(move |request| serve(request, &mut shared.lock()));
        Self { server, service }
    }

    fn config(&self, operation: Value) -> Value {
        json!({
            "system": "sap", "connector": "odata", "version": "v2", "base_url": format!("http://{}/sap/API_PO", self.server.address),
            "auth": { "basic": { "user": "mw", "password": "${secret:sap}" } }, "idle_timeout": "0s",
            "operations": { "post": operation }
        })
    }

    fn sink(&self, operation: Value) -> Arc<dyn Sink> {
        build(&self.config(operation))
    }
}

fn build(config: &Value) -> Arc<dyn Sink> {
    let connector = crate::parse(config, "sap").unwrap_or_else(|reasons| panic!("{reasons:#?}"));
    connector
        .build_sink("post", &Surroundings::new(&Listed(vec![("sap", "canary")]), Path::new(".")))
        .unwrap()
}

fn with(n: u64, body: &str, slots: &[&str]) -> Delivery {
    Delivery {
        body: Bytes::from(body.to_owned()),
        slots: slots.iter().map(|slot| (*slot).to_owned()).collect(),
        ..suite::delivery(n)
    }
}

fn changes(server: &Server) -> usize {
    server.received().iter().filter(|one| !one.line().starts_with("GET")).count()
}

#[tokio::test]
async fn changes_carry_a_token_and_its_cookies_that_are_fetched_once() {
    let sap = Sap::start().await;
    let sink = sap.sink(json!({ "create": "A_PurchaseOrder", "foreign_key": "/d/PurchaseOrder" }));
    let deliveries: Vec<Delivery> = (1..=16).map(suite::delivery).collect();
    let answers = join_all(deliveries.iter().map(|delivery| sink.deliver(delivery))).await;
    for answer in &answers {
        assert!(
            matches!(answer, Answer::Delivered { status: 201, foreign_key: Some(key) } if key.starts_with("45")),
            "{answer:?}"
        );
    }
    assert_eq!(sap.service.lock().token, 1, "one token for all");
    assert_eq!(sap.server.received()[0].line(), "GET /sap/API_PO/ HTTP/1.1");
    // The session has ended: the change is refused for its token, has no effect, and goes out once more.
    sap.service.lock().token = 100;
    assert!(matches!(sink.deliver(&suite::delivery(17)).await, Answer::Delivered { .. }));
    assert_eq!(sap.service.lock().changes, 17);
    // A service that never takes the token is told so, and not asked without end.
    sap.server.respond(|request| {
        let headers = if request.line().starts_with("GET") {
            "x-csrf-token: t\r\n"
        } else {
            "x-csrf-token: Required\r\n"
        };
        answer(if request.line().starts_with("GET") { "200 OK" } else { "403 Forbidden" }, headers, "")
    });
    let before = changes(&sap.server);
    let answer = sink.deliver(&suite::delivery(18)).await;
    assert!(matches!(answer, Answer::Refused { status: 403, .. }), "{answer:?}");
    assert_eq!(changes(&sap.server) - before, 2);
    sap.server.respond(|_| answer_of_a_stranger());
    let answer = sap.sink(json!({ "create": "A_PurchaseOrder" })).deliver(&suite::delivery(19)).await;
    assert!(matches!(&answer, Answer::Again { reason, .. } if reason.code == "csrf-refused"), "{answer:?}");
}

fn answer_of_a_stranger() -> String {
    answer("401 Unauthorized", "", "")
}

#[tokio::test]
async fn an_entity_is_changed_under_its_tag() {
    let sap = Sap::start().await;
    sap.service.lock().rows.insert("O'Neil 1".to_owned(), (7, "open".to_owned()));
    let entity = |if_match: &str| json!({ "update": { "set": "A_PurchaseOrder", "key": { "PurchaseOrder": "{{ .data.key }}" }, "if_match": if_match } });
    let path = "/A_PurchaseOrder(PurchaseOrder='O%27%27Neil%201')";
    let sink = sap.sink(entity("any"));
    let slots = sink.slots();
    assert_eq!(
        slots[0].template,
        "/A_PurchaseOrder(PurchaseOrder='{{ (.data.key) | tostring | gsub(\"'\"; \"''\") }}')"
    );
    assert!(matches!(sink.deliver(&with(1, "a", &[path])).await, Answer::Delivered { status: 204, .. }));
    assert!(sap.server.received().last().unwrap().line().starts_with("MERGE /sap/API_PO/A_PurchaseOrder("));
    let read = sap.sink(entity("read"));
    assert!(matches!(read.deliver(&with(2, "b", &[path])).await, Answer::Delivered { .. }));
    assert_eq!(sap.service.lock().rows["O'Neil 1"], (9, "b".to_owned()));
    let answer = read.deliver(&with(3, "c", &["/A_PurchaseOrder(PurchaseOrder='gone')"])).await;
    assert!(matches!(answer, Answer::Refused { status: 404, .. }), "{answer:?}");
    // Somebody else changes it between the reading and the change.
    sap.server.then(Step::Answer(answer_with_tag("W/\"5\"")));
    let answer = read.deliver(&with(4, "d", &[path])).await;
    assert!(
        matches!(&answer, Answer::Again { status: 412, reason, .. } if reason.code == "target-changed"),
        "{answer:?}"
    );
    // A tag that the event itself carries is what its sender saw: then the conflict is for a person.
    let given = sap.sink(entity("{{ .data.tag }}"));
    let answer = given.deliver(&with(5, "e", &[path, "W/\"5\""])).await;
    assert!(
        matches!(&answer, Answer::Refused { status: 412, reason } if reason.message.contains("The entity was changed; Enter a supplier")),
        "{answer:?}"
    );
    assert!(matches!(given.deliver(&with(6, "f", &[path, "W/\"9\""])).await, Answer::Delivered { .. }));
    let none = sap.sink(entity("none")).deliver(&with(7, "g", &[path])).await;
    assert!(matches!(none, Answer::Refused { status: 428, .. }), "{none:?}");
    let delete =
        sap.sink(json!({ "delete": { "set": "A_PurchaseOrder", "key": { "PurchaseOrder": "{{ .k }}" } } }));
    assert!(matches!(delete.deliver(&with(8, "", &[path])).await, Answer::Delivered { .. }));
    assert!(sap.service.lock().rows.is_empty());
}

fn answer_with_tag(tag: &str) -> String {
    answer("200 OK", &format!("ETag: {tag}\r\n"), "{}")
}

#[tokio::test]
async fn a_batch_is_taken_whole_or_refused_in_words() {
    let sap = Sap::start().await;
    let sink = sap.sink(json!({ "batch": true, "foreign_key": "/PurchaseOrder" }));
    let request = |supplier: &str| json!({ "method": "POST", "path": "A_PurchaseOrder", "body": { "Supplier": supplier } });
    let body = |list: Value| Delivery { body: Bytes::from(list.to_string()), ..suite::delivery(1) };
    let answer = sink.deliver(&body(json!([request("1"), request("2")]))).await;
    assert_eq!(answer, Answer::Delivered { status: 202, foreign_key: Some("450".to_owned()) });
    let answer = sink.deliver(&body(json!([request("1"), request("refuse")]))).await;
    assert!(
        matches!(&answer, Answer::Refused { status: 400, reason } if reason.message.contains("Item 20 is refused")),
        "{answer:?}"
    );
    let answer = sink.deliver(&body(json!([]))).await;
    assert!(matches!(&answer, Answer::Refused { reason, .. } if reason.code == "odata-encode"), "{answer:?}");
    for nonsense in [ok("{}"), ok("--b\r\n"), answer_with_tag("x")] {
        sap.server.then(Step::Answer(nonsense));
        let answer = sink.deliver(&body(json!([request("1")]))).await;
        assert!(matches!(answer, Answer::Unknown { .. }), "{answer:?}");
    }
}

struct SapStand {
    sap: Sap,
    sink: Arc<dyn Sink>,
}

impl Stand for SapStand {
    fn sink(&self) -> Arc<dyn Sink> {
        Arc::clone(&self.sink)
    }

    fn order(&self, act: Act) {
        self.sap.server.then(match act {
            Act::Accept => Step::Answer(ok("{}")),
            Act::Refuse => status(400, "", r#"{"error":{"message":{"value":"no"}}}"#),
            Act::Busy(seconds) => status(503, &format!("Retry-After: {seconds}\r\n"), ""),
            Act::LoseAnswer => Step::AnswerAndClose(String::new()),
            Act::StaySilent => Step::Hold,
            Act::TalkNonsense => Step::Answer("220 smtp.example ESMTP\r\n".to_owned()),
        });
    }

    fn received(&self) -> Vec<(String, Vec<u8>)> {
        let changes = self.sap.server.received().into_iter().filter(|one| one.line().starts_with("POST"));
        // The first one fetched the token, before the suite began.
        changes.skip(1).map(|one| (one.header("request-id").unwrap().to_owned(), one.body)).collect()
    }

    fn until_received(&self, count: usize) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            while self.received().len() < count {
                tokio::task::yield_now().await;
            }
        })
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.sap.server.stop())
    }
}

#[tokio::test]
async fn the_suite_of_sinks() {
    suite::run_all(async || {
        let sap = Sap::start().await;
        let mut operation =
            json!({ "request": { "path": "/A_PurchaseOrder", "idempotency_header": "Request-Id" } });
        operation["timeout"] = json!("300ms");
        operation["connect_timeout"] = json!("30s");
        let sink = sap.sink(operation);
        let first = sink.deliver(&suite::delivery(99)).await;
        assert!(matches!(first, Answer::Delivered { .. }), "{first:?}");
        SapStand { sap, sink }
    })
    .await;
}

fn source(server: &Server, version: &str, entity: Value) -> Box<dyn Source> {
    let config = json!({
        "system": "sap", "connector": "odata", "version": version, "base_url": format!("http://{}/sap", server.address),
        "sources": { "orders": { "entity": entity } }
    });
    let connector = crate::parse(&config, "sap").unwrap_or_else(|reasons| panic!("{reasons:#?}"));
    connector.build_source("orders", &Surroundings::new(&crate::NoSecrets, Path::new("."))).unwrap()
}

#[tokio::test]
async fn entities_are_polled_by_their_change_time_in_both_versions() {
    let first = "1795847400000";
    let v2 = format!(
        r#"{{"d":{{"results":[{{"PurchaseOrder":"1","Changed":"/Date({first}+0000)/"}}],"__next":"http://internal:8000/sap/A_PurchaseOrder?$skiptoken=1"}}}}"#
    );
    let v4 = r#"{"value":[{"PurchaseOrder":"1","Changed":"2026-11-28T06:30:00Z"}],"@odata.nextLink":"A_PurchaseOrder?$skiptoken=1"}"#;
    for (version, page, last, filter) in [
        (
            "v2",
            v2.as_str(),
            r#"{"d":{"results":[{"PurchaseOrder":"2","Changed":"/Date(1795847460000+0000)/"}]}}"#,
            "datetimeoffset%272026-11-28T06%3A26%3A00.000Z%27",
        ),
        (
            "v4",
            v4,
            r#"{"value":[{"PurchaseOrder":"2","Changed":"2026-11-28T06:31:00Z"}]}"#,
            "2026-11-28T06%3A26%3A00.000Z",
        ),
    ] {
        let server = Server::start().await;
        let (page, last) = (page.to_owned(), last.to_owned());
        server
            .respond(move |request| if request.line().contains("skiptoken") { ok(&last) } else { ok(&page) });
        let entity = json!({ "set": "A_PurchaseOrder", "changed": "Changed", "filter": "Type eq 'NB'", "expand": ["to_Item", "to_Note"], "query": { "sap-client": "100" }, "every": "100ms" });
        let hub = Hub::default();
        for _ in 0..2 {
            hub.restart(Orders::default());
            sources::run_until_idle(source(&server, version, entity.clone()), &hub).await;
        }
        let documents = hub.documents();
        assert!(
            documents.len() == 2 && documents[0].contains("2026-11-28T06:30:00Z"),
            "{version}: {documents:?}"
        );
        let line = server.received().last().unwrap().line().to_owned();
        let line = if line.contains("skiptoken") {
            server.received()[server.received().len() - 2].line().to_owned()
        } else {
            line
        };
        assert!(
            line.contains(&format!("%24filter=%28Type%20eq%20%27NB%27%29%20and%20Changed%20ge%20{filter}")),
            "{line}"
        );
        assert!(line.contains("%24expand=to_Item%2Cto_Note") && line.contains("sap-client=100"), "{line}");
        assert_eq!(line.contains("%24format=json"), version == "v2", "{line}");
    }
}

#[tokio::test]
async fn an_error_instead_of_entities_fails_the_poll() {
    let server = Server::start().await;
    server.respond(|_| ok(r#"{"error":{"code":"X","message":{"value":"Service is locked"}}}"#));
    let hub = Hub::default();
    let mut source = source(&server, "v2", json!({ "set": "A", "key": "Id" }));
    let reason = source.run(&hub, tokio_util::sync::CancellationToken::new()).await.unwrap_err();
    assert!(reason.code == "odata-error" && reason.message.contains("Service is locked"), "{reason:?}");
    assert_eq!(hub.offered(), 0);
}

#[tokio::test]
async fn whether_an_entity_is_there_is_read_from_a_list() {
    let server = Server::start().await;
    let mut config = json!({
        "system": "sap", "connector": "odata", "version": "v2", "csrf": false, "base_url": format!("http://{}", server.address),
        "operations": { "post": { "create": "A_PurchaseOrder", "foreign_key": "/d/results/0/PurchaseOrder",
            "verify": { "path": "/A_PurchaseOrder", "query": { "$filter": "Reference eq '7'" }, "found": "/d/results/0" } } }
    });
    let sink = build(&config);
    let delivery = suite::delivery(1);
    server.then(Step::Answer(ok(r#"{"d":{"results":[]}}"#)));
    assert!(matches!(sink.verify(&delivery).await, Answer::Again { .. }));
    server.then(Step::Answer(ok(r#"{"d":{"results":[{"PurchaseOrder":"4500000007"}]}}"#)));
    let found = sink.verify(&delivery).await;
    assert!(
        matches!(&found, Answer::Delivered { foreign_key: Some(key), .. } if key == "4500000007"),
        "{found:?}"
    );
    server.then(Step::AnswerAndClose("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{".to_owned()));
    assert!(matches!(sink.verify(&delivery).await, Answer::Unknown { .. }), "half an answer says nothing");
    config["operations"]["post"]["verify"]["found"] = json!("d");
    assert_eq!(crate::parse(&config, "sap").unwrap_err()[0].code, "pointer-malformed");
}

#[test]
fn every_problem_is_told_where_it_was_written() {
    let check = |change: fn(&mut Value)| {
        let mut config = json!({ "system": "sap", "connector": "odata", "version": "v4", "base_url": "https://sap.example" });
        change(&mut config);
        let reasons = crate::parse(&config, "sap").err().unwrap_or_default();
        reasons.iter().map(|reason| format!("{} {}", reason.at, reason.code)).collect::<Vec<_>>()
    };
    assert_eq!(check(|_| {}), [""; 0]);
    let faulty = check(|config| {
        config["version"] = json!("v3");
        config["sources"] = json!({
            "a": { "entity": { "set": "A B", "changed": "C" } },
            "b": { "entity": { "set": "A" } },
            "c": { "entity": { "set": "A", "changed": "C", "every": "1ms", "exapnd": "x" } }
        });
        config["operations"] = json!({
            "a": { "create": "A", "update": { "set": "A", "key": { "K": "1" } } },
            "b": { "update": { "set": "A" } },
            "c": {},
            "d": { "delete": { "set": "A", "key": { "K k": "1" }, "if_match": "some" } },
            "e": { "create": "A", "timeout": "soon" }
        });
    });
    assert_eq!(
        faulty,
        [
            "/version setting-choice",
            "/sources/a/entity/set path-malformed",
            "/sources/b/entity setting-missing",
            "/sources/c/entity/exapnd setting-unknown",
            "/operations/a/update operation-ambiguous",
            "/operations/b/update setting-missing",
            "/operations/c setting-missing",
            "/operations/d/delete/key/K k path-malformed",
            "/operations/d/delete/if_match setting-choice",
            "/operations/e/timeout setting-type",
            "/sources/c/entity setting-range",
        ]
    );
    let plain = check(|config| {
        config["connector"] = json!("http");
        config["operations"] = json!({ "a": { "request": { "path": "/x", "batch": true } } });
    });
    assert_eq!(plain, ["/operations/a/request/batch setting-unknown", "/version setting-unknown"]);
}
