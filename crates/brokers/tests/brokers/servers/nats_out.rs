//! Messages out, through a proxy that loses answers.

use bytes::Bytes;
use futures::StreamExt;
use futures::future::BoxFuture;
use lineshaft_model::Answer;
use lineshaft_ports::Delivery;
use lineshaft_ports::suite::sink::{self as suite, Act, Stand};
use lineshaft_stands::{Nats, Proxy, Trick};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::*;

struct SinkStand {
    proxy: Proxy,
    sink: Arc<dyn Sink>,
    port: u16,
    stream: String,
}

/// What a stream has, in its order: the key and the payload of each message.
fn messages(port: u16, stream: &str) -> Vec<(String, Vec<u8>)> {
    let stream = stream.to_owned();
    // The suite asks without waiting, so a thread of its own does the waiting.
    let read = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let context = jetstream::new(client(port).await);
            let mut stream = context.get_stream(&stream).await.unwrap();
            let last = stream.info().await.unwrap().state.last_sequence;
            let mut all = Vec::new();
            for sequence in 1..=last {
                let message = stream.get_raw_message(sequence).await.unwrap();
                let key = message.headers.get("Nats-Msg-Id").unwrap().as_str().to_owned();
                all.push((key, message.payload.to_vec()));
            }
            all
        })
    });
    read.join().unwrap()
}

impl Stand for SinkStand {
    fn sink(&self) -> Arc<dyn Sink> {
        Arc::clone(&self.sink)
    }

    fn order(&self, act: Act) {
        match act {
            Act::Accept => {}
            Act::LoseAnswer => self.proxy.then(Trick::LoseAnswer),
            Act::StaySilent => self.proxy.then(Trick::StaySilent),
            Act::TalkNonsense => self.proxy.then(Trick::TalkNonsense),
            // A stream refuses by its limits and not one message: the tests below set them.
            Act::Refuse | Act::Busy(_) => panic!("not with a stream"),
        }
    }

    fn received(&self) -> Vec<(String, Vec<u8>)> {
        messages(self.port, &self.stream)
    }

    fn until_received(&self, count: usize) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            while self.proxy.tricks_left() > 0 || self.received().len() < count {
                tokio::task::yield_now().await;
            }
        })
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.proxy.stop())
    }
}

#[tokio::test]
async fn the_suite_of_sinks() {
    let server = Nats::start();
    let own = client(server.port).await;
    let number = std::cell::Cell::new(0);
    let make = async || {
        number.set(number.get() + 1);
        let stream = format!("OUT{}", number.get());
        make_stream(&own, &stream).await;
        let proxy = Proxy::start(server.port, b"HPUB").await;
        let operation = json!({ "publish": { "subject": format!("{stream}.orders") } });
        let sink = sink(proxy.address.port(), "4s", operation);
        SinkStand { proxy, sink, port: server.port, stream }
    };
    suite::delivers_once_with_key_and_body(&make().await).await;
    suite::never_guesses_when_the_answer_is_lost(&make().await).await;
    suite::says_again_when_nothing_listens(&make().await).await;
    suite::can_be_cancelled(&make().await).await;
    suite::carries_a_large_body(&make().await).await;
    suite::keeps_many_deliveries_apart(&make().await).await;
    // After every failure that a connection can have, the next attempt is well.
    let stand = make().await;
    for act in [Act::LoseAnswer, Act::StaySilent, Act::TalkNonsense] {
        stand.order(act);
        stand.sink.deliver(&suite::delivery(1)).await;
        let answer = stand.sink.deliver(&suite::delivery(2)).await;
        assert!(matches!(answer, Answer::Delivered { .. }), "after {act:?}: {answer:?}");
    }
    assert_eq!(stand.received().len(), 2, "each key is kept once, however often it was sent");
}

#[tokio::test]
async fn a_streams_limits_are_what_it_says() {
    let server = Nats::start();
    let own = client(server.port).await;
    let context = jetstream::new(own.clone());
    let full = stream::Config {
        name: "FULL".to_owned(),
        subjects: vec!["full.>".to_owned()],
        max_messages: 1,
        discard: stream::DiscardPolicy::New,
        max_message_size: 1_000,
        ..Default::default()
    };
    context.create_stream(full).await.unwrap();
    let to = |subject: &str| sink(server.port, "20s", json!({ "publish": { "subject": subject } }));
    let sink = to("full.a");
    let large = Delivery { body: Bytes::from(vec![b'1'; 2_000]), ..suite::delivery(1) };
    let answer = sink.deliver(&large).await;
    assert!(matches!(answer, Answer::Refused { .. }), "larger than the stream takes: {answer:?}");
    assert!(matches!(sink.deliver(&suite::delivery(2)).await, Answer::Delivered { .. }));
    let answer = sink.deliver(&suite::delivery(3)).await;
    assert!(
        matches!(&answer, Answer::Again { reason, .. } if reason.code == "target-not-now"),
        "full: {answer:?}"
    );
    let huge = Delivery { body: Bytes::from(vec![b'1'; 9 << 20]), ..suite::delivery(4) };
    let answer = sink.deliver(&huge).await;
    assert!(matches!(answer, Answer::Refused { .. }), "larger than the server takes: {answer:?}");
    let answer = to("nobody.keeps.this").deliver(&suite::delivery(5)).await;
    assert!(
        matches!(&answer, Answer::Again { reason, .. } if reason.code == "subject-without-stream"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_message_carries_the_event_and_goes_where_it_says() {
    let server = Nats::start();
    let own = client(server.port).await;
    let mut listening = own.subscribe("plant.>").await.unwrap();
    own.flush().await.unwrap();
    let operation =
        json!({ "publish": { "subject": "plant.{{ .data.site }}", "acknowledged_by": "server" } });
    let sink = sink(server.port, "20s", operation);
    assert_eq!(sink.slots()[0].template, "plant.{{ .data.site }}");
    assert!(!sink.keeps_idempotency_key(), "nobody keeps it");
    let mut delivery = Delivery { slots: vec!["plant.P1".to_owned()], ..suite::delivery(1) };
    Arc::make_mut(&mut delivery.envelope).subject = "Zähler 1".to_owned();
    delivery.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned();
    assert!(matches!(sink.deliver(&delivery).await, Answer::Delivered { .. }));
    let message = listening.next().await.unwrap();
    let headers = message.headers.unwrap();
    let header = |name: &str| headers.get(name).map(|value| value.as_str().to_owned());
    assert_eq!((message.subject.as_str(), message.payload), ("plant.P1", delivery.body.clone()));
    assert_eq!(header("ce-subject").as_deref(), Some("Z%C3%A4hler%201"));
    assert_eq!(header("ce-type").as_deref(), Some("lineshaft.inventory.counted.v1"));
    assert_eq!(header("Nats-Msg-Id").as_deref(), Some(delivery.idempotency_key.as_str()));
    assert_eq!(header("traceparent").as_deref(), Some(delivery.traceparent.as_str()));
    for subject in ["plant.", "plant.*", "plant.a b", "plant.a\r\nPUB x", "", "plant.ü"] {
        let unsafe_one = Delivery { slots: vec![subject.to_owned()], ..suite::delivery(2) };
        let answer = sink.deliver(&unsafe_one).await;
        assert!(
            matches!(&answer, Answer::Refused { reason, .. } if reason.code == "subject-unsafe"),
            "{subject:?}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn a_server_is_known_by_its_certificate() {
    let mut server = Nats::start();
    let authority = |_: &str| {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    };
    let (ours, other) = (authority("ours"), authority("other"));
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &ours).unwrap();
    server.use_certificate(&certificate.pem(), &key.serialize_pem());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), ours.pem()).unwrap();
    std::fs::write(folder.path().join("other.pem"), other.pem()).unwrap();
    let deliver = async |host: &str, ca: &str| {
        let mut config = settings(server.port);
        config["host"] = json!(host);
        config["encrypt"] = json!(true);
        config["tls"] = json!({ "ca": ca });
        config["operations"] =
            json!({ "post": { "publish": { "subject": "a.b", "acknowledged_by": "server" } } });
        let with = Password("hub-dummy");
        parse(&config)
            .build_sink("post", &Surroundings::new(&with, folder.path()))
            .unwrap()
            .deliver(&suite::delivery(1))
            .await
    };
    let answer = deliver("localhost", "ca.pem").await;
    assert!(matches!(answer, Answer::Delivered { .. }), "{answer:?}");
    for (host, ca) in [("127.0.0.1", "ca.pem"), ("localhost", "other.pem")] {
        let answer = deliver(host, ca).await;
        assert!(matches!(answer, Answer::Again { .. }), "{host} {ca}: {answer:?}");
    }
}
