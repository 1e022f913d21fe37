//! Outboxes that are emptied.

use std::sync::atomic::{AtomicUsize, Ordering};

use lineshaft_ports::suite::source::{self as suite, Hub, Orders, Stand};
use tokio_util::sync::CancellationToken;

use super::*;

fn outbox(database: &Database, name: &str, count: usize) {
    database.either(
        &format!(
            "CREATE TABLE {name} (id bigserial PRIMARY KEY, payload text, taken_at timestamptz); ALTER TABLE {name} OWNER TO hub;
             INSERT INTO {name} (payload) SELECT '{{\"n\": ' || n || '}}' FROM generate_series(1, {count}) n;"
        ),
        &format!(
            "CREATE TABLE {name} (id bigint AUTO_INCREMENT PRIMARY KEY, payload text, taken_at timestamp NULL);
             INSERT INTO {name} (payload) SELECT CONCAT('{{\"n\": ', seq, '}}') FROM seq_1_to_{count};"
        ),
    );
}

fn feed(name: &str, mark: bool) -> Value {
    let mut feed = json!({ "outbox": { "name": name, "key": "id", "payload": "payload", "page": 30, "every": "100ms" } });
    if mark {
        feed["outbox"]["mark"] = json!("taken_at");
    }
    feed
}

struct OutboxStand<'a> {
    database: &'a Database,
    name: String,
    count: usize,
    mark: bool,
}

impl Stand for OutboxStand<'_> {
    fn source(&self) -> Box<dyn Source> {
        source(&self.database.config(), feed(&self.name, self.mark))
    }

    fn documents(&self) -> Vec<String> {
        (1..=self.count).map(|n| format!("{{\"n\": {n}}}")).collect()
    }

    fn broken(&self) -> usize {
        0
    }
}

async fn the_suite(engine: &str) {
    let database = Database::start(engine);
    let number = AtomicUsize::new(0);
    for mark in [false, true] {
        suite::run_all(|| {
            let name = format!("outbox_{}", number.fetch_add(1, Ordering::Relaxed));
            outbox(&database, &name, 70);
            OutboxStand { database: &database, name, count: 70, mark }
        })
        .await;
    }
}

#[tokio::test]
async fn the_suite_of_sources_on_postgresql() {
    the_suite("postgresql").await;
}

#[tokio::test]
async fn the_suite_of_sources_on_mariadb() {
    the_suite("mariadb").await;
}

/// Two hubs at one outbox, and a server that restarts: each row reaches one of them at least, and no row stays.
#[tokio::test]
async fn rows_are_claimed_and_outlive_a_restart_of_the_server() {
    for engine in ENGINES {
        let mut database = Database::start(engine);
        outbox(&database, "outbox", 500);
        let (one, two) = (Hub::default(), Hub::default());
        let feed = feed("outbox", false);
        {
            let stop = CancellationToken::new();
            let (mut first, mut second) =
                (source(&database.config(), feed.clone()), source(&database.config(), feed.clone()));
            let both = async { tokio::join!(first.run(&one, stop.clone()), second.run(&two, stop.clone())) };
            let cut = async {
                while one.documents().len() + two.documents().len() < 150 {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! { _ = both => panic!("sources run until they are cancelled"), () = cut => {} }
        }
        database.stop();
        database.start_again();
        for hub in [&one, &two] {
            hub.restart(Orders::default());
            suite::run_until_idle(source(&database.config(), feed.clone()), hub).await;
        }
        let all: std::collections::BTreeSet<String> =
            one.documents().into_iter().chain(two.documents()).collect();
        assert_eq!(all.len(), 500, "{engine}");
        assert_eq!(database.sql("SELECT count(*) FROM outbox").trim(), "0", "{engine}");
    }
}

#[tokio::test]
async fn a_payload_that_is_broken_is_set_apart_and_the_rest_goes_on() {
    for engine in ENGINES {
        let database = Database::start(engine);
        outbox(&database, "outbox", 3);
        database.sql("UPDATE outbox SET payload = '{ not json' WHERE id = 2");
        let hub = Hub::default();
        suite::run_until_idle(source(&database.config(), feed("outbox", true)), &hub).await;
        assert_eq!((hub.documents().len(), hub.broken().len()), (2, 1), "{engine}: {:?}", hub.broken());
        assert_eq!(
            database.sql("SELECT count(*) FROM outbox WHERE taken_at IS NULL").trim(),
            "0",
            "{engine}"
        );
        // Without a payload the row itself is the document.
        database.sql("UPDATE outbox SET taken_at = NULL");
        let rows = json!({ "outbox": { "name": "outbox", "key": "id", "columns": ["id", "payload"], "every": "100ms" } });
        let hub = Hub::default();
        suite::run_until_idle(source(&database.config(), rows), &hub).await;
        let documents = hub.documents();
        assert!(documents.len() == 3 && documents[0].contains(r#"{\"n\": 1}"#), "{engine}: {documents:?}");
    }
}
