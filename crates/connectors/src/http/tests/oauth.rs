//! Tokens: one call for all who need one, another one when a token is spent, and never in a reason.

use futures::future::join_all;

use super::*;

const TOKEN: &str = r#"{"access_token":"canary-access-1","token_type":"bearer","expires_in":3600}"#;

fn oauth_config(server: &Server, login: &Server, extra: Value) -> Value {
    let mut oauth = json!({
        "token_url": format!("http://{}/oauth2/token", login.address),
        "client_id": "line shaft", "client_secret": "${secret:key}", "scope": "orders:write"
    });
    oauth.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    let mut config = config(&format!("http://{}", server.address), plain());
    config["auth"] = json!({ "oauth2": oauth });
    config
}

fn sink(server: &Server, login: &Server, extra: Value) -> Arc<dyn Sink> {
    try_build(&oauth_config(server, login, extra)).unwrap()
}

fn delivered(answer: &Answer) -> bool {
    matches!(answer, Answer::Delivered { .. })
}

#[tokio::test]
async fn many_calls_share_one_token() {
    let (server, login) = (Server::start().await, Server::start().await);
    login.respond(|_| ok(TOKEN));
    let sink = sink(&server, &login, json!({ "parameters": { "resource": "urn:erp" } }));
    let deliveries: Vec<Delivery> = (1..=32).map(suite::delivery).collect();
    let answers = join_all(deliveries.iter().map(|delivery| sink.deliver(delivery))).await;
    assert!(answers.iter().all(delivered), "{answers:?}");
    let asked = login.received();
    assert_eq!(asked.len(), 1, "one call for all");
    assert_eq!(asked[0].line(), "POST /oauth2/token HTTP/1.1");
    // base64 of line%20shaft:canary-key-42
    assert_eq!(asked[0].header("authorization"), Some("Basic bGluZSUyMHNoYWZ0OmNhbmFyeS1rZXktNDI="));
    assert_eq!(asked[0].header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(asked[0].body, b"grant_type=client_credentials&scope=orders%3Awrite&resource=urn%3Aerp");
    assert!(
        server.received().iter().all(|one| one.header("authorization") == Some("Bearer canary-access-1"))
    );
}

#[tokio::test]
async fn the_client_may_log_in_within_the_body() {
    let (server, login) = (Server::start().await, Server::start().await);
    login.respond(|_| ok(TOKEN));
    assert!(delivered(
        &sink(&server, &login, json!({ "client_login": "body" })).deliver(&suite::delivery(1)).await
    ));
    let asked = login.received().remove(0);
    assert_eq!(asked.header("authorization"), None);
    let body = String::from_utf8(asked.body).unwrap();
    assert!(body.ends_with("&client_id=line%20shaft&client_secret=canary-key-42"), "{body}");
}

#[tokio::test]
async fn a_spent_token_is_replaced_once_within_the_attempt() {
    let (server, login) = (Server::start().await, Server::start().await);
    login.then(status(200, "", TOKEN));
    login.respond(|_| ok(r#"{"access_token":"second","token_type":"Bearer","expires_in":"60"}"#));
    let sink = sink(&server, &login, json!({}));
    assert!(delivered(&sink.deliver(&suite::delivery(1)).await));
    server.then(status(401, "", ""));
    assert!(delivered(&sink.deliver(&suite::delivery(2)).await), "with the second token");
    let sent: Vec<_> =
        server.received().iter().map(|one| one.header("authorization").unwrap().to_owned()).collect();
    assert_eq!(sent, ["Bearer canary-access-1", "Bearer canary-access-1", "Bearer second"]);
    server.then(status(401, "", ""));
    server.then(status(401, "", r#"{"detail":"token second is not valid here"}"#));
    let answer = sink.deliver(&suite::delivery(3)).await;
    let Answer::Refused { status: 401, reason } = &answer else { panic!("{answer:?}") };
    assert!(!reason.message.contains("second"), "{reason}");
    assert_eq!((server.received().len(), login.received().len()), (5, 3), "once, and no more");
}

#[tokio::test]
async fn without_a_token_nothing_is_sent_and_it_is_tried_again() {
    for (step, code) in [
        (
            status(401, "", r#"{"error":"invalid_client","error_description":"canary-key-42 is wrong"}"#),
            "oauth-refused",
        ),
        (status(200, "", r#"{"token_type":"bearer"}"#), "oauth-answer"),
        (status(200, "", r#"{"access_token":"a","token_type":"mac"}"#), "oauth-answer"),
        (status(200, "", "{\"access_token\":\"a\\nb\"}"), "oauth-answer"),
        (status(200, "", "<html>"), "oauth-answer"),
        (Step::AnswerAndClose(String::new()), "connection-lost"),
    ] {
        let (server, login) = (Server::start().await, Server::start().await);
        login.then(step.clone());
        let answer = sink(&server, &login, json!({})).deliver(&suite::delivery(1)).await;
        let Answer::Again { reason, .. } = &answer else { panic!("{step:?}: {answer:?}") };
        assert_eq!(reason.code, code, "{step:?}");
        assert!(!format!("{answer:?}").contains("canary"), "{answer:?}");
        assert!(server.received().is_empty());
    }
}

#[tokio::test]
async fn those_who_waited_for_a_token_share_the_failure() {
    let (server, login) = (Server::start().await, Server::start().await);
    login.respond(|_| "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n".to_owned());
    let sink = sink(&server, &login, json!({}));
    let deliveries: Vec<Delivery> = (1..=16).map(suite::delivery).collect();
    let answers = join_all(deliveries.iter().map(|delivery| sink.deliver(delivery))).await;
    assert!(answers.iter().all(|answer| matches!(answer, Answer::Again { .. })), "{answers:?}");
    assert_eq!(login.received().len(), 1);
    assert!(!delivered(&sink.deliver(&suite::delivery(17)).await));
    assert_eq!(login.received().len(), 2, "whoever comes later asks again");
}

#[tokio::test]
async fn a_poll_logs_in_too() {
    let (server, login) = (Server::start().await, Server::start().await);
    login.respond(|_| ok(TOKEN));
    server.then(status(401, "", ""));
    server.respond(|_| ok(r#"[{"id":1}]"#));
    let mut config = oauth_config(&server, &login, json!({}));
    config["sources"] =
        json!({ "s": { "format": { "json": { "split": "/*" } }, "poll": { "path": "/o", "key": "/id" } } });
    let connector = crate::parse(&config, "erp").unwrap();
    let secrets = Listed(vec![("key", "canary-key-42")]);
    let with = Surroundings::new(&secrets, Path::new("."));
    // The sink and the source of one system share its tokens.
    let sink = connector.build_sink("post", &with).unwrap();
    server.then(status(200, "", "{}"));
    let hub = lineshaft_ports::suite::source::Hub::default();
    let stop = tokio_util::sync::CancellationToken::new();
    let reason = connector.build_source("s", &with).unwrap().run(&hub, stop).await.unwrap_err();
    assert_eq!(reason.code, "poll-refused", "a fresh token that is not taken is told");
    let source = connector.build_source("s", &with).unwrap();
    lineshaft_ports::suite::source::run_until_idle(source, &hub).await;
    assert!(delivered(&sink.deliver(&suite::delivery(1)).await));
    assert_eq!(hub.documents(), [r#"{"id":1}"#]);
    assert_eq!(login.received().len(), 2);
}

#[test]
fn every_problem_of_a_login_is_reported() {
    let check = |auth: Value| {
        let mut config = config("https://erp.example", plain());
        config["auth"] = auth;
        let reasons = crate::parse(&config, "erp").err().unwrap_or_default();
        reasons.iter().map(|reason| format!("{} {}", reason.at, reason.code)).collect::<Vec<_>>()
    };
    assert_eq!(check(json!({ "oauth2": {} })), ["/auth/oauth2 setting-missing"; 3]);
    let plain =
        json!({ "oauth2": { "token_url": "http://login.example", "client_id": "a", "client_secret": "b" } });
    assert_eq!(check(plain), ["/auth/oauth2/token_url login-in-the-clear"]);
    let faulty = json!({ "oauth2": {
        "token_url": "login", "client_id": "a", "client_secret": 1, "client_login": "post", "scpe": "x"
    } });
    assert_eq!(
        check(faulty),
        [
            "/auth/oauth2/token_url base-url-malformed",
            "/auth/oauth2/client_secret setting-type",
            "/auth/oauth2/client_login setting-choice",
            "/auth/oauth2/scpe setting-unknown",
        ]
    );
}
