//! The sink through real sockets.

use bytes::Bytes;
use http::Request as HttpRequest;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;

use super::*;

async fn put(sink: &Sink, path: &str, key: Option<&str>, body: &str) -> Option<u16> {
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let mut request = HttpRequest::put(format!("{}{path}", sink.url()));
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    let response =
        client.request(request.body(Full::new(Bytes::from(body.to_owned()))).unwrap()).await.ok()?;
    let status = response.status().as_u16();
    response.into_body().collect().await.ok()?;
    Some(status)
}

#[tokio::test]
async fn counts_effects_replays_conflicts_and_order() {
    let sink = Sink::start(SinkConfig::default()).await.unwrap();
    let body = |id: &str, revision: u64| format!(r#"{{"id":"{id}","subject":"A","revision":{revision}}}"#);
    assert_eq!(put(&sink, "/post/A", Some("k1"), &body("e2", 2)).await, Some(201));
    assert_eq!(put(&sink, "/post/A", Some("k1"), &body("e2", 2)).await, Some(200));
    assert_eq!(put(&sink, "/post/A", Some("k1"), &body("e3", 3)).await, Some(422));
    assert_eq!(put(&sink, "/post/A", Some("k2"), &body("e1", 1)).await, Some(201));
    assert_eq!(put(&sink, "/post/A", Some("k3"), &body("e2", 2)).await, Some(201));
    assert_eq!(put(&sink, "/post/A", None, "{").await, Some(400));
    assert!(sink.wait_for(3, Duration::from_secs(5)).await);
    let totals = sink.totals();
    assert_eq!((totals.effects, totals.doubles, totals.replays, totals.key_conflicts), (3, 1, 1, 1));
    assert_eq!((totals.out_of_order, totals.unreadable), (1, 1));
    let order: Vec<String> = sink.arrivals("A").into_iter().map(|arrival| arrival.id).collect();
    assert_eq!(order, ["e2", "e1", "e2"]);
    sink.shutdown().await;
}

#[tokio::test]
async fn a_lost_answer_is_in_the_ledger_and_its_repetition_is_a_replay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.jsonl");
    let sink = Sink::start(SinkConfig { ledger: Some(path.clone()), ..SinkConfig::default() }).await.unwrap();
    sink.fault(Fault::always(Mode::LostAnswer));
    assert_eq!(put(&sink, "/post", Some("k1"), r#"{"id":"e1","subject":"A"}"#).await, None);
    sink.heal_all();
    assert_eq!(put(&sink, "/post", Some("k1"), r#"{"id":"e1","subject":"A"}"#).await, Some(200));
    assert_eq!((sink.totals().effects, sink.totals().replays), (1, 1));
    assert!(sink.struck()["lost-answer"] >= 1);
    sink.shutdown().await;
    let text = std::fs::read_to_string(path).unwrap();
    assert_eq!(text.lines().count(), 1);
    assert!(text.contains(r#""idempotency_key":"k1""#) && text.contains(r#""key":"A""#), "{text}");
}
