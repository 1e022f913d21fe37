//! Messages in.

use std::sync::Mutex;

use lineshaft_ports::suite::source::{self as suite, Hub, Orders, Stand};
use lineshaft_stands::Nats;
use tokio_util::sync::CancellationToken;

use super::*;

const MESSAGES: usize = 90;

fn feed(stream: &str) -> Value {
    json!({ "stream": { "name": stream, "batch": 40, "every": "50ms", "ack_wait": "1s" } })
}

async fn fill(client: &async_nats::Client, stream: &str, from: usize, count: usize) {
    let context = jetstream::new(client.clone());
    for n in from..from + count {
        let payload = format!(r#"{{"n":{n}}}"#);
        context.publish(format!("{stream}.a"), payload.into()).await.unwrap().await.unwrap();
    }
}

struct StreamStand {
    port: u16,
    stream: String,
}

impl Stand for StreamStand {
    fn source(&self) -> Box<dyn Source> {
        source(self.port, feed(&self.stream))
    }

    fn documents(&self) -> Vec<String> {
        (0..MESSAGES).map(|n| format!(r#"{{"n":{n}}}"#)).collect()
    }

    fn broken(&self) -> usize {
        0
    }

    fn pace_ms(&self) -> u64 {
        // What was not acknowledged comes again after a second.
        30
    }
}

#[tokio::test]
async fn the_suite_of_sources() {
    let server = Nats::start();
    let client = client(server.port).await;
    let mut streams = Vec::new();
    for n in 0..16 {
        let name = format!("S{n}");
        make_stream(&client, &name).await;
        fill(&client, &name, 0, MESSAGES).await;
        streams.push(name);
    }
    let streams = Mutex::new(streams);
    suite::run_all(|| StreamStand {
        port: server.port,
        stream: streams.lock().unwrap().pop().expect("enough streams were made"),
    })
    .await;
}

async fn run(port: u16, feed: &Value, hub: &Hub) {
    hub.restart(Orders::default());
    suite::run_until_idle(source(port, feed.clone()), hub).await;
}

#[tokio::test]
async fn a_server_that_restarts_loses_nothing() {
    let mut server = Nats::start();
    let own = client(server.port).await;
    make_stream(&own, "COUNTS").await;
    fill(&own, "COUNTS", 0, 300).await;
    let hub = Hub::default();
    let mut first = source(server.port, feed("COUNTS"));
    {
        let run = first.run(&hub, CancellationToken::new());
        let cut = async {
            while hub.documents().len() < 100 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! { ended = run => panic!("{ended:?}"), () = cut => {} }
    }
    server.stop();
    let down = source(server.port, feed("COUNTS")).run(&hub, CancellationToken::new()).await.unwrap_err();
    assert_eq!(down.code, "connect-failed");
    server.start_again();
    let again = client(server.port).await;
    fill(&again, "COUNTS", 300, 20).await;
    // A source that is connected when the server goes ends with a word, and the next one goes on.
    let mut running = source(server.port, feed("COUNTS"));
    let ended = {
        let run = running.run(&hub, CancellationToken::new());
        tokio::pin!(run);
        while hub.documents().len() < 320 {
            // What was taken and not acknowledged comes again after a second.
            let polled = tokio::time::timeout(std::time::Duration::from_millis(200), &mut run).await;
            assert!(polled.is_err(), "{polled:?}");
        }
        server.stop();
        run.await
    };
    assert_eq!(ended.unwrap_err().code, "connection-lost");
    server.start_again();
    let fresh = client(server.port).await;
    fill(&fresh, "COUNTS", 320, 5).await;
    run(server.port, &feed("COUNTS"), &hub).await;
    assert_eq!(hub.documents().len(), 325);
}

#[tokio::test]
async fn what_is_wrong_is_told_and_what_is_broken_set_apart() {
    let server = Nats::start();
    let own = client(server.port).await;
    make_stream(&own, "COUNTS").await;
    let context = jetstream::new(own.clone());
    for payload in [r#"{"n":1}"#, "{ not json", r#"{"n":2}"#] {
        context.publish("COUNTS.b", payload.into()).await.unwrap().await.unwrap();
    }
    let hub = Hub::default();
    run(server.port, &feed("COUNTS"), &hub).await;
    assert_eq!((hub.documents().len(), hub.broken()), (2, vec!["COUNTS.b message 2 line 1".to_owned()]));
    let mut config = settings(server.port);
    config["sources"] = json!({ "counts": feed("COUNTS"), "gone": feed("GONE") });
    let with = Password("hub-dummy");
    let findings = parse(&config).probe(Surroundings::new(&with, Path::new("."))).await;
    let well: Vec<bool> = findings.iter().map(lineshaft_connectors::Finding::is_well).collect();
    assert_eq!(well, [true, true, false], "{findings:?}");
    let gone = source(server.port, feed("GONE")).run(&hub, CancellationToken::new()).await.unwrap_err();
    assert_eq!(gone.code, "stream-unreadable");
    let mut config = settings(server.port);
    config["sources"] = json!({ "counts": feed("COUNTS") });
    let with = Password("canary-wrong");
    let mut wrong = parse(&config).build_source("counts", &Surroundings::new(&with, Path::new("."))).unwrap();
    let reason = wrong.run(&hub, CancellationToken::new()).await.unwrap_err();
    assert!(
        reason.code == "connect-failed" && !format!("{reason:?} {wrong:?}").contains("canary"),
        "{reason:?}"
    );
}

#[tokio::test]
async fn a_core_subject_is_answered_when_the_message_is_durable() {
    let server = Nats::start();
    let own = client(server.port).await;
    let hub = Hub::default();
    let mut listening = source(server.port, json!({ "subject": { "name": "plant.>" } }));
    let stop = CancellationToken::new();
    let asking = async {
        // Until somebody listens there is nobody to answer.
        while own.request("plant.counts", r#"{"n":1}"#.into()).await.is_err() {
            tokio::task::yield_now().await;
        }
        let before = hub.documents().len();
        own.request("plant.counts", r#"{"n":2}"#.into()).await.unwrap();
        assert_eq!((before, hub.documents().len()), (1, 2), "durable before it is answered");
        // Two of the same are two messages.
        own.request("plant.counts", r#"{"n":2}"#.into()).await.unwrap();
        assert_eq!(hub.identities().len(), 3);
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(listening.run(&hub, stop.clone()), asking);
    assert_eq!(ended, Ok(()));
}
