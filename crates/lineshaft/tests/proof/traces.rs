//! One trace through everything: the caller's context goes in, the target's call carries it on, and a collector that was away
//! at first gets every span of it.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::caller::Call;
use crate::load::FEED;
use crate::plant::{PATIENCE, Plant, drained, until};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// What reached the witness: a collector and a system in one.
#[derive(Debug, Default)]
struct Heard {
    /// Spans, read from the requests.
    spans: Vec<Span>,
    /// Requests with spans, those that were sent away included.
    exports: usize,
    /// The login of each.
    logins: Vec<String>,
    /// The trace context of each delivery.
    contexts: Vec<String>,
}

/// A span as far as the test looks.
#[derive(Debug, Default, Clone)]
struct Span {
    trace: String,
    id: String,
    parent: String,
    name: String,
    kind: u64,
    start_ns: u64,
    end_ns: u64,
    failed: bool,
}

/// A field of a protobuf message.
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// Reads a message by the encoding's rules alone; anything that does not fit fails the test.
fn fields(mut rest: &[u8]) -> Vec<(u64, Field<'_>)> {
    fn varint(rest: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let (byte, after) = rest.split_first().expect("a varint ends");
            *rest = after;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        value
    }
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let tag = varint(&mut rest);
        let field = match tag & 7 {
            0 => Field::Number(varint(&mut rest)),
            1 => {
                let (number, after) = rest.split_first_chunk::<8>().expect("eight bytes");
                rest = after;
                Field::Number(u64::from_le_bytes(*number))
            }
            2 => {
                let length = usize::try_from(varint(&mut rest)).unwrap();
                let (bytes, after) = rest.split_at(length);
                rest = after;
                Field::Bytes(bytes)
            }
            other => panic!("wire type {other}"),
        };
        fields.push((tag >> 3, field));
    }
    fields
}

/// The messages of a repeated field.
fn inside(message: &[u8], field: u64) -> Vec<&[u8]> {
    let all = fields(message).into_iter();
    all.filter_map(|(n, value)| match value {
        Field::Bytes(bytes) if n == field => Some(bytes),
        _ => None,
    })
    .collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn spans_of(request: &[u8]) -> Vec<Span> {
    let mut spans = Vec::new();
    for resource_spans in inside(request, 1) {
        for scope_spans in inside(resource_spans, 2) {
            spans.extend(inside(scope_spans, 2).into_iter().map(span_of));
        }
    }
    spans
}

fn span_of(message: &[u8]) -> Span {
    let mut span = Span::default();
    for (n, value) in fields(message) {
        match (n, value) {
            (1, Field::Bytes(id)) => span.trace = hexadecimal(id),
            (2, Field::Bytes(id)) => span.id = hexadecimal(id),
            (4, Field::Bytes(id)) => span.parent = hexadecimal(id),
            (5, Field::Bytes(name)) => span.name = String::from_utf8(name.to_vec()).unwrap(),
            (6, Field::Number(kind)) => span.kind = kind,
            (7, Field::Number(at)) => span.start_ns = at,
            (8, Field::Number(at)) => span.end_ns = at,
            (15, Field::Bytes(_)) => span.failed = true,
            _ => {}
        }
    }
    span
}

async fn witness(heard: Arc<Mutex<Heard>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let heard = Arc::clone(&heard);
            let service = service_fn(move |request| hear(Arc::clone(&heard), request));
            let serving = hyper::server::conn::http1::Builder::new();
            tokio::spawn(serving.serve_connection(TokioIo::new(stream), service));
        }
    });
    url
}

async fn hear(heard: Arc<Mutex<Heard>>, request: Request<Incoming>) -> hyper::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let text = |name: &str| head.headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    let mut heard = heard.lock().unwrap();
    let mut answer = Response::new(Full::default());
    if head.uri.path() == "/v1/traces" {
        heard.exports += 1;
        heard.logins.push(text("authorization"));
        if heard.exports == 1 {
            *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        } else {
            assert_eq!(text("content-type"), "application/x-protobuf");
            heard.spans.extend(spans_of(&body));
        }
    } else {
        heard.contexts.push(text("traceparent"));
    }
    Ok(answer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_goes_in_through_and_out() {
    let heard = Arc::<Mutex<Heard>>::default();
    let url = witness(Arc::clone(&heard)).await;
    let mut plant = Plant::new(&format!(
        "telemetry:\n  otlp:\n    endpoint: {url}\n    headers: {{ authorization: \"Bearer ${{secret:otlp}}\" }}\n"
    ));
    plant.set("LINESHAFT_SECRET_OTLP", "let-me-in");
    plant.write("systems/feed.yaml", FEED);
    for destination in ["erp", "wms"] {
        plant.write_destination(destination, &url, "concurrency: 4");
        plant.write_route(destination);
    }
    let token = plant.token();
    let (mut hub, mut caller) = plant.started(&token).await;
    let event = r#"{"specversion":"1.0","id":"1","source":"urn:lineshaft:main:feed","type":"lineshaft.item.changed.v1","subject":"BOLT","data":{}}"#;
    let call = Call::post("/v1/events", "application/cloudevents+json", event)
        .with("traceparent", &format!("00-{TRACE}-{CALLER}-01"));
    assert_eq!(caller.call(&call).await.unwrap().status, 202);
    drained(&mut caller, PATIENCE).await;
    until("the spans", PATIENCE, async || heard.lock().unwrap().spans.len() >= 5).await;
    let metrics = caller.get("/metrics").await.unwrap().text();
    assert!(hub.stop().await.success());

    let heard = heard.lock().unwrap();
    assert!(heard.logins.iter().all(|login| login == "Bearer let-me-in"), "{:?}", heard.logins);
    assert!(heard.spans.iter().all(|span| span.trace == TRACE), "{:#?}", heard.spans);
    let named = |name: &str| heard.spans.iter().find(|span| span.name == name).unwrap().clone();
    let receipt = named("receive events");
    assert_eq!((receipt.parent.as_str(), receipt.kind), (CALLER, 2));
    for name in ["prepare", "append", "deliver erp.post", "deliver wms.post"] {
        let span = named(name);
        assert_eq!(span.parent, receipt.id, "{name}");
        assert!(span.start_ns <= span.end_ns && !span.failed, "{span:#?}");
    }
    let mut told = heard.contexts.clone();
    told.sort();
    let mut expected: Vec<String> = ["deliver erp.post", "deliver wms.post"]
        .map(|name| format!("00-{TRACE}-{}-01", named(name).id))
        .into();
    expected.sort();
    assert_eq!(told, expected, "each target hears of the span that is its attempt");
    assert!(metrics.contains("lineshaft_spans_dropped_total 0"), "{metrics}");
    plant.assert_no_fault();
}
