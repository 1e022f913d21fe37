//! Dead letters mended by people while the hub is killed between, and in the middle of, every step: one effect, in order.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::caller::{Answer, Call, Caller};
use crate::load::FEED;
use crate::plant::{Hub, PATIENCE, Plant, drained, until};

/// A target that keeps keys, and refuses what is marked bad.
#[derive(Debug, Default)]
struct Target {
    /// Key and body of every effect, in order.
    effects: Vec<(String, Value)>,
}

async fn target(heard: Arc<Mutex<Target>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let heard = Arc::clone(&heard);
            let serve = service_fn(move |request| answer(Arc::clone(&heard), request));
            tokio::spawn(async move {
                let builder = hyper::server::conn::http1::Builder::new();
                drop(builder.serve_connection(TokioIo::new(stream), serve).await);
            });
        }
    });
    url
}

async fn answer(
    heard: Arc<Mutex<Target>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let key = request.headers()["idempotency-key"].to_str().unwrap().to_owned();
    let body = request.into_body().collect().await?.to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let mut answer = Response::new(Full::default());
    if body["bad"] == true {
        *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(answer);
    }
    let mut heard = heard.lock().unwrap();
    match heard.effects.iter().find(|(known, _)| *known == key) {
        Some((_, known)) => assert_eq!(*known, body, "one key, two contents"),
        None => heard.effects.push((key, body)),
    }
    Ok(answer)
}

fn event(id: &str, subject: &str, data: &Value) -> Call {
    let event = json!({"specversion": "1.0", "id": id, "source": "urn:lineshaft:main:feed",
        "type": "lineshaft.item.changed.v1", "subject": subject, "data": data});
    Call::post("/v1/events", "application/cloudevents+json", event.to_string())
}

/// One life of the hub after the other, each ended by a kill.
struct Lives {
    plant: Plant,
    hub: Hub,
    first: Caller,
    tokens: (String, String),
    kills: u32,
}

impl Lives {
    async fn begin(plant: Plant) -> Self {
        let first = plant.token();
        let made = ["token", "create", "second", "--scope", "operate", "--scope", "read", "--data", "data"];
        let second = plant.printed(&made).trim().to_owned();
        let (hub, caller) = plant.started(&first).await;
        Self { plant, hub, first: caller, tokens: (first, second), kills: 0 }
    }

    async fn kill(&mut self) {
        self.hub.kill();
        self.kills += 1;
        (self.hub, self.first) = self.plant.started(&self.tokens.0).await;
    }

    async fn post(&mut self, path: &str, body: &Value) -> Answer {
        let call = Call::post(path, "application/json", body.to_string());
        self.first.call(&call).await.unwrap()
    }

    async fn post_as_second(&mut self, path: &str, body: &Value) -> Answer {
        let mut second = Caller::new(self.first.address, &self.tokens.1);
        second.call(&Call::post(path, "application/json", body.to_string())).await.unwrap()
    }

    /// Asks for something, and kills the hub before the answer can come.
    async fn post_and_kill(&mut self, path: &str, body: &Value) {
        let call = Call::post(path, "application/json", body.to_string());
        let mut caller = Caller::new(self.first.address, &self.tokens.1);
        let asking = tokio::spawn(async move { caller.call(&call).await });
        tokio::task::yield_now().await;
        self.kill().await;
        // Answered or cut off: both may be.
        drop(asking.await);
    }

    /// The dead letter of a subject, once the views show it.
    async fn letter(&mut self, subject: &str) -> Value {
        let mut found = Value::Null;
        until("the dead letter", PATIENCE, async || {
            let listed = self.first.get("/v1/dead-letters").await.unwrap().json();
            let letter = listed["items"].as_array().unwrap().iter().find(|of| of["subject"] == subject);
            letter.is_some_and(|letter| {
                found = letter.clone();
                true
            })
        })
        .await;
        found
    }

    async fn books(&mut self) -> Value {
        drained(&mut self.first, PATIENCE).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_by_two_persons_has_one_effect_whatever_is_killed_between() {
    let heard = Arc::<Mutex<Target>>::default();
    let url = target(Arc::clone(&heard)).await;
    let plant = Plant::new(
        "mending:\n  second_person: true\n  within: 1ms\n  edit:\n    - { role: operate, types: lineshaft.item.*.*, fields: [/bad] }\n",
    );
    plant.write("systems/feed.yaml", FEED);
    plant.write_destination("erp", &url, "concurrency: 4");
    plant.write_route("erp");
    let mut lives = Lives::begin(plant).await;
    for round in 0..4_u32 {
        let subject = format!("PART-{round}");
        for n in 1..=3 {
            let data = json!({"n": n, "round": round, "bad": n == 1, "weight": "1.0"});
            let call = event(&format!("{round}-{n}"), &subject, &data);
            assert_eq!(lives.first.call(&call).await.unwrap().status, 202);
        }
        let letter = lives.letter(&subject).await;
        assert_eq!(letter["overdue"], true);
        until("two behind it", PATIENCE, async || {
            lives.first.get("/v1/dead-letters").await.unwrap().text().contains("\"parked\":2")
        })
        .await;
        let path = format!("/v1/dead-letters/{}", letter["id"].as_str().unwrap());
        let good = json!({"n": 1, "round": round, "bad": false, "weight": "1.0"});
        let edit = json!({"data": good, "reason": "it was not bad"});

        // What a role may not touch is refused with its place, and nothing without a reason.
        let touched = json!({"data": {"n": 2, "round": round, "bad": false, "weight": "1.0"}, "reason": "x"});
        let refused = lives.post_as_second(&format!("{path}/edit"), &touched).await;
        assert_eq!((refused.status, &refused.json()["at"]), (403, &json!("/n")), "{}", refused.text());
        let refused = lives.post_as_second(&format!("{path}/edit"), &json!({"data": good})).await;
        assert_eq!((refused.status, &refused.json()["code"]), (422, &json!("reason-missing")));

        // The first person proposes; the hub dies after the answer, or before.
        if round % 2 == 0 {
            let proposed = lives.post_as_second(&format!("{path}/edit"), &edit).await;
            assert_eq!((proposed.status, &proposed.json()["proposed"]), (200, &json!(true)));
            lives.kill().await;
        } else {
            lives.post_and_kill(&format!("{path}/edit"), &edit).await;
        }
        if lives.letter(&subject).await["proposal"].is_null() {
            assert_eq!(lives.post_as_second(&format!("{path}/edit"), &edit).await.status, 200);
            until("the proposal", PATIENCE, async || {
                lives.first.get(&path).await.unwrap().json()["proposal"].is_object()
            })
            .await;
        }
        let shown = lives.first.get(&path).await.unwrap().json();
        let change = json!([{"at": "/bad", "before": "true", "after": "false"}]);
        assert_eq!(shown["proposal"]["changes"], change);
        let alone = lives.post_as_second(&format!("{path}/approve"), &json!({})).await;
        assert_eq!((alone.status, &alone.json()["code"]), (403, &json!("second-person-needed")));

        // The second person approves; the hub dies after the answer, or before.
        assert_eq!(lives.post(&format!("{path}/approve"), &json!({"reason": "seen"})).await.status, 200);
        lives.kill().await;
        let books = lives.books().await;
        assert_eq!(books["destinations"][0]["dead"], 0, "{books:#}");
        lives.kill().await;
    }
    let books = lives.books().await;
    assert_eq!(books["destinations"][0]["delivered"], 12, "{books:#}");
    let effects = heard.lock().unwrap().effects.clone();
    for round in 0..4 {
        let of = effects.iter().filter(|(_, body)| body["round"] == round);
        let order: Vec<u64> = of.map(|(_, body)| body["n"].as_u64().unwrap()).collect();
        assert_eq!(order, [1, 2, 3], "one effect each, in order: {effects:#?}");
    }
    assert!(lives.kills >= 12);
    // The whole story is in the journal, and views made anew know it too.
    let told = lives.plant.printed(&["journal", "export", "--data", "data"]);
    assert_eq!(told.lines().filter(|line| line.contains("\"kind\":\"amended\"")).count(), 4, "{told}");
    lives.plant.assert_no_fault();
}

const SOURCE: &str =
    "system: mes\nconnector: http\nsources:\n  counts: { format: json, mapping: count.jq }\n";

fn mapping(value: &str) -> String {
    format!(
        r#"{{type: "lineshaft.item.changed.v1", id: .id, subject: .item, data: {{n: .n, bad: {value}}}}}"#
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_mapped_wrongly_is_mapped_again_from_its_bytes() {
    let heard = Arc::<Mutex<Target>>::default();
    let url = target(Arc::clone(&heard)).await;
    let plant = Plant::new("");
    plant.write("systems/mes.yaml", SOURCE);
    plant.write("mappings/count.jq", &mapping("(.n == 1)"));
    plant.write_destination("erp", &url, "concurrency: 4");
    plant.write_route("erp");
    let mut lives = Lives::begin(plant).await;
    for n in [1, 2] {
        let sent =
            lives.post("/v1/in/mes/counts", &json!({"id": n.to_string(), "item": "BOLT", "n": n})).await;
        assert_eq!(sent.status, 202, "{}", sent.text());
    }
    // An input without a subject is refused and kept.
    let refused = lives.post("/v1/in/mes/counts", &json!({"id": "3", "item": "", "n": 3})).await;
    let kept = refused.json()["quarantined"].as_u64().expect("it is kept");
    let letter = lives.letter("BOLT").await;
    let path = format!("/v1/dead-letters/{}", letter["id"].as_str().unwrap());

    // With the same mapping it is refused again, as before.
    assert_eq!(lives.post(&format!("{path}/restart"), &json!({})).await.status, 200);
    until("its second refusal", PATIENCE, async || {
        let shown = lives.first.get(&path).await.unwrap().json();
        shown["outcomes"].as_array().is_some_and(|all| all.len() >= 3 && shown["state"] == "dead")
    })
    .await;
    lives.plant.write("mappings/count.jq", &mapping("false"));
    assert_eq!(lives.post("/v1/configuration/reload", &json!({})).await.status, 200);
    let done = lives.post(&format!("{path}/restart"), &json!({"reason": "the mapping is mended"})).await;
    assert_eq!(done.status, 200, "{}", done.text());
    lives.kill().await;
    let books = lives.books().await;
    assert_eq!(books["destinations"][0]["delivered"], 2, "{books:#}");

    // The refused input: again as it came, then as it should have come, once.
    let path = format!("/v1/quarantine/{kept}");
    let again = lives.post(&format!("{path}/restart"), &json!({})).await;
    assert_eq!(again.status, 400, "{}", again.text());
    let other = json!({"text": r#"{"id":"3","item":"NUT","n":3}"#, "reason": "the item was left out"});
    let preview = lives.post(&format!("{path}/preview"), &other).await;
    assert_eq!(preview.json()["changes"][0]["after"], json!("\"NUT\""), "{}", preview.text());
    assert_eq!(lives.post_as_second(&format!("{path}/edit"), &other).await.status, 403, "no rule allows it");
    let edited = lives.post(&format!("{path}/edit"), &other).await;
    assert_eq!((edited.status, edited.verdicts()), (200, vec!["accepted".to_owned()]), "{}", edited.text());
    let twice = lives.post(&format!("{path}/edit"), &other).await;
    assert_eq!(twice.status, 409, "{}", twice.text());
    lives.kill().await;
    let books = lives.books().await;
    assert_eq!(books["destinations"][0]["delivered"], 3, "{books:#}");
    let shown = lives.first.get(&path).await.unwrap().json();
    assert_eq!((&shown["open"], &shown["closed"]["action"]), (&json!(false), &json!("quarantine.edit")));
    let effects = heard.lock().unwrap().effects.clone();
    let order: Vec<u64> = effects.iter().map(|(_, body)| body["n"].as_u64().unwrap()).collect();
    assert_eq!(order, [1, 2, 3]);
    lives.plant.assert_no_fault();
}
