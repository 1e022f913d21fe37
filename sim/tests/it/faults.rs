//! Every fault through a real socket.

use std::time::Duration;

use http::Method;
use lineshaft_sim::{Config, Factory, Fault, Mode};
use serde_json::{Value, json};

use crate::client::Caller;

async fn still() -> (Factory, String) {
    let factory = Factory::start(Config { rate_per_s: 0, scene: false, ..Config::default() }).await.unwrap();
    let url = format!("{}/api/inbound/ASN-1", factory.system("aps").unwrap().url());
    (factory, url)
}

fn inbound() -> Value {
    json!({ "expected": "2026-01-12T08:00:00Z", "lines": [] })
}

#[tokio::test]
async fn down_refuses_connections_and_comes_back_on_the_same_port() {
    let (factory, url) = still().await;
    let caller = Caller::new();
    let aps = factory.system("aps").unwrap();
    assert_eq!(caller.put(&url, "k1", &inbound()).await.unwrap().status, 200);
    let control = format!("http://{}/sim/aps/faults", factory.control());
    let set = caller.call(Method::PUT, &control, None, &json!({ "mode": "down" })).await.unwrap();
    assert_eq!((set.status, set.body["faults"][0]["mode"].as_str()), (200, Some("down")));
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while caller.put(&url, "k2", &inbound()).await.is_some() {
        assert!(tokio::time::Instant::now() < deadline, "the system never went down");
    }
    let refused = tokio::net::TcpStream::connect(aps.address()).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    assert_eq!(caller.call(Method::DELETE, &control, None, &Value::Null).await.unwrap().status, 200);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while caller.put(&url, "k3", &inbound()).await.is_none() {
        assert!(tokio::time::Instant::now() < deadline, "the system never came back");
    }
    assert_eq!(aps.stats().faults_struck.get("down"), Some(&1));
    factory.shutdown().await;
}

#[tokio::test]
async fn down_for_a_while_heals_by_itself() {
    let (factory, url) = still().await;
    factory.system("aps").unwrap().fault(Fault::always(Mode::Down).lasting(Duration::from_millis(200)));
    let caller = Caller::new();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    let mut refused = 0;
    loop {
        match caller.put(&url, "k1", &inbound()).await {
            Some(reply) if refused > 0 => break assert_eq!(reply.status, 200),
            Some(_) => {}
            None => refused += 1,
        }
        assert!(tokio::time::Instant::now() < deadline, "the system never came back");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    factory.shutdown().await;
}

#[tokio::test]
async fn errors_have_no_effect_and_a_lost_answer_has_one() {
    let (factory, url) = still().await;
    let (caller, aps) = (Caller::new(), factory.system("aps").unwrap());
    for (mode, status) in [(Mode::Errors, 503), (Mode::Refuse, 422)] {
        aps.fault(Fault::always(mode));
        assert_eq!(caller.put(&url, "k1", &inbound()).await.unwrap().status, status);
        aps.heal(mode);
    }
    aps.fault(Fault::always(Mode::Reset));
    assert!(caller.put(&url, "k1", &inbound()).await.is_none());
    assert_eq!(aps.stats().ledger.effects, 0);
    aps.heal_all();
    aps.fault(Fault::always(Mode::LostAnswer));
    assert!(caller.put(&url, "k1", &inbound()).await.is_none());
    aps.heal_all();
    assert_eq!(caller.put(&url, "k1", &inbound()).await.unwrap().status, 200);
    let stats = aps.stats();
    assert_eq!((stats.ledger.effects, stats.ledger.replays, stats.ledger.double_effects), (1, 1, 0));
    factory.shutdown().await;
}

#[tokio::test]
async fn too_many_requests_asks_to_wait_in_every_form() {
    let (factory, url) = still().await;
    let (caller, aps) = (Caller::new(), factory.system("aps").unwrap());
    aps.fault(Fault::always(Mode::TooMany));
    let mut forms = Vec::new();
    for _ in 0..4 {
        let reply = caller.put(&url, "k1", &inbound()).await.unwrap();
        assert_eq!(reply.status, 429);
        forms.push(reply.headers.get("retry-after").map(|value| value.to_str().unwrap().to_owned()));
    }
    assert_eq!(forms[0].as_deref(), Some("1"));
    assert!(forms[1].as_ref().unwrap().ends_with(" GMT"), "{forms:?}");
    assert_eq!((forms[2].as_deref(), forms[3].as_deref()), (Some("in a little while"), None));
    factory.shutdown().await;
}

#[tokio::test]
async fn garbage_has_its_effect_and_slow_is_late() {
    let (factory, url) = still().await;
    let (caller, aps) = (Caller::new(), factory.system("aps").unwrap());
    aps.fault(Fault::always(Mode::Garbage));
    let reply = caller.put(&url, "k1", &inbound()).await.unwrap();
    assert!(reply.status == 200 && reply.text.starts_with("<html>"), "{}", reply.text);
    aps.heal_all();
    aps.fault(Fault::always(Mode::Slow).delay_ms(60_000));
    let late = tokio::time::timeout(Duration::from_millis(100), caller.put(&url, "k2", &inbound())).await;
    assert!(late.is_err());
    assert_eq!(aps.stats().ledger.effects, 1);
    factory.shutdown().await;
}

#[tokio::test]
async fn a_wrong_fault_is_explained() {
    let (factory, _) = still().await;
    let url = format!("http://{}/sim/wms/faults", factory.control());
    let reply = Caller::new().call(Method::PUT, &url, None, &json!({ "mode": "sleepy" })).await.unwrap();
    assert_eq!(reply.status, 400);
    assert!(reply.text.contains("lost-answer"), "{}", reply.text);
    factory.shutdown().await;
}
