//! PostgreSQL and MariaDB as counterparts: the suites, transactions that commit late, servers that restart, and what the door
//! says when something is wrong.
#![allow(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::float_arithmetic,
    clippy::needless_pass_by_value,
    reason = "tests end so and read better so"
)]

mod outboxes;
mod sinks;
mod tables;
mod tls;

use std::path::Path;
use std::sync::Arc;

use lineshaft_connectors::{Connector, Secrets, Surroundings};
use lineshaft_model::Reason;
use lineshaft_ports::{Sink, Source};
use lineshaft_sql::KIND;
use lineshaft_stands::{MariaDb, Postgres};
use serde_json::{Value, json};

/// A database of either kind.
pub(crate) enum Database {
    Postgres(Postgres),
    MariaDb(MariaDb),
}

/// What the tests are run against.
pub(crate) const ENGINES: [&str; 2] = ["postgresql", "mariadb"];

impl Database {
    pub(crate) fn start(engine: &str) -> Self {
        match engine {
            "postgresql" => Self::Postgres(Postgres::start()),
            _ => Self::MariaDb(MariaDb::start()),
        }
    }

    pub(crate) fn sql(&self, sql: &str) -> String {
        match self {
            Self::Postgres(server) => server.sql(sql),
            Self::MariaDb(server) => server.sql(sql),
        }
    }

    /// The same SQL in the words of each.
    pub(crate) fn either(&self, postgres: &str, maria: &str) -> String {
        match self {
            Self::Postgres(server) => server.sql(postgres),
            Self::MariaDb(server) => server.sql(maria),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        match self {
            Self::Postgres(server) => server.port,
            Self::MariaDb(server) => server.port,
        }
    }

    pub(crate) fn engine(&self) -> &'static str {
        match self {
            Self::Postgres(_) => "postgresql",
            Self::MariaDb(_) => "mariadb",
        }
    }

    pub(crate) fn stop(&mut self) {
        match self {
            Self::Postgres(server) => server.stop(),
            Self::MariaDb(server) => server.stop(),
        }
    }

    pub(crate) fn start_again(&mut self) {
        match self {
            Self::Postgres(server) => server.start_again(),
            Self::MariaDb(server) => server.start_again(),
        }
    }

    /// A system's settings, its sources and operations left out.
    pub(crate) fn config(&self) -> Value {
        settings(self.engine(), self.port())
    }
}

pub(crate) fn settings(engine: &str, port: u16) -> Value {
    json!({
        "system": "erp", "connector": "sql", "engine": engine, "host": "127.0.0.1", "port": port, "database": "plant",
        "auth": { "basic": { "user": "hub", "password": "${secret:db}" } },
        "limits": { "timeout": "20s", "concurrency": 8 }
    })
}

/// Knows the password, or a wrong one.
#[derive(Debug)]
pub(crate) struct Password(pub(crate) &'static str);

impl Secrets for Password {
    fn secret(&self, _: &str) -> Result<secrecy::SecretString, Reason> {
        Ok(secrecy::SecretString::from(self.0))
    }
}

pub(crate) fn parse(config: &Value) -> Box<dyn Connector> {
    (KIND.parse)(config, "erp").unwrap_or_else(|reasons| panic!("{reasons:#?}"))
}

pub(crate) fn source(config: &Value, feed: Value) -> Box<dyn Source> {
    let mut config = config.clone();
    config["sources"] = json!({ "rows": feed });
    parse(&config).build_source("rows", &Surroundings::new(&Password("hub-dummy"), Path::new("."))).unwrap()
}

pub(crate) fn sink(config: &Value, operation: Value) -> Arc<dyn Sink> {
    let mut config = config.clone();
    config["operations"] = json!({ "post": operation });
    parse(&config).build_sink("post", &Surroundings::new(&Password("hub-dummy"), Path::new("."))).unwrap()
}

/// Everything that is wrong with settings, by place and code.
fn problems(mut change: impl FnMut(&mut Value)) -> Vec<String> {
    let mut config = settings("postgresql", 5432);
    change(&mut config);
    let reasons = (KIND.parse)(&config, "erp").err().unwrap_or_default();
    reasons.iter().map(|reason| format!("{} {}", reason.at, reason.code)).collect()
}

#[test]
fn every_problem_of_the_settings_is_reported() {
    assert_eq!(problems(|_| {}), [""; 0]);
    let strange = problems(|config| {
        config["host"] = json!("db.example");
        config["encrypt"] = json!(false);
        config["engine"] = json!("oracle");
        config["port"] = json!(0);
        config["auth"] = json!({ "bearer": {} });
        config["sources"] = json!({
            "a": { "table": { "name": "a b", "since": "x;", "key": [] } },
            "b": { "table": { "name": "t" }, "outbox": { "name": "o", "key": "id" } },
            "c": { "format": "json" },
            "d": { "outbox": { "name": "o", "key": "id", "page": 0, "every": "1ms", "paylod": "p" } }
        });
        config["operations"] = json!({
            "a": { "rows": { "table": "t", "key": ["id"] } },
            "b": { "call": { "procedure": "p", "arguments": ["item"], "keeps_key": true } },
            "c": {},
            "d": { "rows": { "table": "t", "mode": "merge", "key": ["id"], "columns": ["a'b"] }, "keys": { "table": "k.k.k" } }
        });
    });
    assert_eq!(
        strange,
        [
            "/engine setting-choice",
            "/port setting-range",
            "/encrypt login-in-the-clear",
            "/auth setting-missing",
            "/auth/bearer setting-unknown",
            "/sources/a/table/name identifier-malformed",
            "/sources/a/table/since identifier-malformed",
            "/sources/a/table setting-missing",
            "/sources/b/outbox source-ambiguous",
            "/sources/c setting-missing",
            "/sources/d/outbox/page setting-range",
            "/sources/d/outbox/every setting-range",
            "/sources/d/outbox/paylod setting-unknown",
            "/operations/a/rows setting-missing",
            "/operations/b/call/arguments/0 pointer-malformed",
            "/operations/b/call/keeps_key key-not-sent",
            "/operations/c setting-missing",
            "/operations/d/rows/mode setting-choice",
            "/operations/d/rows/columns/0 identifier-malformed",
            "/operations/d/keys/table identifier-malformed",
        ]
    );
    let missing = problems(|config| *config = json!({ "system": "erp", "connector": "sql" }));
    assert_eq!(missing, [" setting-missing"; 4]);
}
