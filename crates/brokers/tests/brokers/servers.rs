//! A NATS server with JetStream as the counterpart: the suites, restarts in mid-flow, limits of streams, certificates.
#![allow(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::float_arithmetic,
    clippy::needless_pass_by_value,
    reason = "tests end so and read better so"
)]

mod nats_in;
mod nats_out;

use std::path::Path;
use std::sync::Arc;

use async_nats::jetstream::{self, stream};
use lineshaft_brokers::KINDS;
use lineshaft_connectors::{Connector, Secrets, Surroundings};
use lineshaft_model::Reason;
use lineshaft_ports::{Sink, Source};
use serde_json::{Value, json};

/// Knows the password, or a wrong one.
#[derive(Debug)]
pub(crate) struct Password(pub(crate) &'static str);

impl Secrets for Password {
    fn secret(&self, _: &str) -> Result<secrecy::SecretString, Reason> {
        Ok(secrecy::SecretString::from(self.0))
    }
}

pub(crate) fn settings(port: u16) -> Value {
    json!({
        "system": "mes", "connector": "nats", "host": "127.0.0.1", "port": port,
        "auth": { "basic": { "user": "hub", "password": "${secret:nats}" } }, "limits": { "timeout": "10s" }
    })
}

pub(crate) fn parse(config: &Value) -> Box<dyn Connector> {
    (KINDS[0].parse)(config, "mes").unwrap_or_else(|reasons| panic!("{reasons:#?}"))
}

pub(crate) fn source(port: u16, feed: Value) -> Box<dyn Source> {
    let mut config = settings(port);
    config["sources"] = json!({ "counts": feed });
    parse(&config).build_source("counts", &Surroundings::new(&Password("hub-dummy"), Path::new("."))).unwrap()
}

pub(crate) fn sink(port: u16, timeout: &str, operation: Value) -> Arc<dyn Sink> {
    let mut config = settings(port);
    config["limits"]["timeout"] = json!(timeout);
    config["connect_timeout"] = json!("60s");
    config["operations"] = json!({ "post": operation });
    parse(&config).build_sink("post", &Surroundings::new(&Password("hub-dummy"), Path::new("."))).unwrap()
}

pub(crate) async fn client(port: u16) -> async_nats::Client {
    let options =
        async_nats::ConnectOptions::with_user_and_password("hub".to_owned(), "hub-dummy".to_owned());
    options.connect(format!("127.0.0.1:{port}")).await.unwrap()
}

pub(crate) async fn make_stream(client: &async_nats::Client, name: &str) {
    let context = jetstream::new(client.clone());
    let config =
        stream::Config { name: name.to_owned(), subjects: vec![format!("{name}.>")], ..Default::default() };
    context.create_stream(config).await.unwrap();
}

#[test]
fn every_problem_of_the_settings_is_reported() {
    let check = |change: fn(&mut Value)| {
        let mut config = settings(4222);
        change(&mut config);
        let reasons = (KINDS[0].parse)(&config, "mes").err().unwrap_or_default();
        reasons.iter().map(|reason| format!("{} {}", reason.at, reason.code)).collect::<Vec<_>>()
    };
    assert_eq!(check(|_| {}), [""; 0]);
    let faulty = check(|config| {
        config["host"] = json!("nats.example");
        config["encrypt"] = json!(false);
        config["auth"] = json!({ "token": "a", "nkey": "b" });
        config["sources"] = json!({
            "a": { "stream": { "name": "A.B", "batch": 0, "every": "1ms", "subject": "a..b" } },
            "b": { "stream": { "name": "A" }, "subject": { "name": "a" } },
            "c": { "headers": ["a b"] },
            "d": { "subject": { "name": "a.>.b", "queu": "x" } }
        });
        config["operations"] = json!({
            "a": { "publish": { "subject": "plant.*" } },
            "b": {},
            "c": { "publish": { "subject": "plant.{{ .data.site }}", "acknowledged_by": "nobody" } }
        });
    });
    assert_eq!(
        faulty,
        [
            "/encrypt login-in-the-clear",
            "/auth auth-ambiguous",
            "/sources/a/stream/name subject-malformed",
            "/sources/a/stream/subject subject-malformed",
            "/sources/a/stream/batch setting-range",
            "/sources/a/stream/every setting-range",
            "/sources/b/subject source-ambiguous",
            "/sources/c/headers/0 header-malformed",
            "/sources/c setting-missing",
            "/sources/d/subject/name subject-malformed",
            "/sources/d/subject/queu setting-unknown",
            "/operations/a/publish/subject subject-malformed",
            "/operations/b setting-missing",
            "/operations/c/publish/acknowledged_by setting-choice",
        ]
    );
}
