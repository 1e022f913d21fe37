//! Tables that are polled.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::BoxFuture;
use lineshaft_ports::suite::source::{self as suite, Hub, Orders, Stand};
use lineshaft_ports::{HandOver, Input, Receipt, Refusal};
use tokio_util::sync::CancellationToken;

use super::*;

const TABLE: [&str; 2] = [
    "CREATE TABLE NAME (id bigint PRIMARY KEY, item text, quantity numeric(12,3), note text, changed_at timestamptz NOT NULL DEFAULT now());
     ALTER TABLE NAME OWNER TO hub;",
    "CREATE TABLE NAME (id bigint PRIMARY KEY, item varchar(80), quantity decimal(12,3), note varchar(80),
     changed_at datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6));",
];

fn table(database: &Database, name: &str) {
    database.either(&TABLE[0].replace("NAME", name), &TABLE[1].replace("NAME", name));
}

fn fill(database: &Database, name: &str, from: usize, count: usize) {
    let to = from + count - 1;
    database.either(
        &format!("INSERT INTO {name} SELECT n, 'ITEM-' || n, n * 1.5, NULL, '2026-11-01T06:00:00Z'::timestamptz + n % 7 * interval '1 second' FROM generate_series({from}, {to}) n"),
        &format!("INSERT INTO {name} SELECT seq, CONCAT('ITEM-', seq), seq * 1.5, NULL, TIMESTAMP'2026-11-01 06:00:00' + INTERVAL seq % 7 SECOND FROM seq_{from}_to_{to}"),
    );
}

fn documents(database: &Database, name: &str) -> Vec<String> {
    let rows = database.either(
        &format!("SELECT row_to_json(t)::text FROM (SELECT id, item, quantity FROM {name}) t"),
        &format!("SELECT JSON_OBJECT('id', id, 'item', item, 'quantity', quantity) FROM {name}"),
    );
    rows.lines().map(str::to_owned).collect()
}

fn feed(name: &str) -> Value {
    json!({ "table": { "name": name, "since": "changed_at", "key": "id", "columns": ["id", "item", "quantity"], "page": 40, "every": "100ms" } })
}

struct TableStand<'a> {
    database: &'a Database,
    name: String,
}

impl Stand for TableStand<'_> {
    fn source(&self) -> Box<dyn Source> {
        source(&self.database.config(), feed(&self.name))
    }

    fn documents(&self) -> Vec<String> {
        documents(self.database, &self.name)
    }

    fn broken(&self) -> usize {
        0
    }

    fn is_endless(&self) -> bool {
        true
    }

    fn offers_again(&self) -> bool {
        true
    }
}

async fn the_suite(engine: &str) {
    let database = Database::start(engine);
    let count = AtomicUsize::new(0);
    suite::run_all(|| {
        let name = format!("orders_{}", count.fetch_add(1, Ordering::Relaxed));
        table(&database, &name);
        // Several pages of rows, many with the same time.
        fill(&database, &name, 1, 150);
        TableStand { database: &database, name }
    })
    .await;
}

#[tokio::test]
async fn the_suite_of_sources_on_postgresql() {
    the_suite("postgresql").await;
}

#[tokio::test]
async fn the_suite_of_sources_on_mariadb() {
    the_suite("mariadb").await;
}

async fn run(database: &Database, feed: &Value, hub: &Hub) {
    hub.restart(Orders::default());
    suite::run_until_idle(source(&database.config(), feed.clone()), hub).await;
}

/// A hub that really waits between polls.
struct Unhurried<'a>(&'a Hub);

impl HandOver for Unhurried<'_> {
    fn hand_over(&self, input: Input) -> BoxFuture<'_, Result<Receipt, Refusal>> {
        self.0.hand_over(input)
    }

    fn resume(&self) -> BoxFuture<'_, Vec<(String, String)>> {
        self.0.resume()
    }

    fn pause(&self, delay_ms: u64) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let _ = tokio::time::timeout(
                std::time::Duration::from_millis(delay_ms),
                std::future::pending::<()>(),
            )
            .await;
        })
    }
}

/// Writers with transactions of every length, some rolled back, while the hub polls without a pause and is restarted; nothing
/// that was committed is missed.
fn late_commits(engine: &str) {
    let database = Database::start(engine);
    table(&database, "orders");
    if let Database::Postgres(server) = &database {
        server.sql("GRANT pg_read_all_stats TO hub;");
    }
    let mut feed = feed("orders");
    // Without an overlap nothing but the knowledge of open transactions helps.
    feed["table"]["every"] = json!("150ms");
    feed["table"]["overlap"] = json!(if engine == "postgresql" { "0s" } else { "1s" });
    let hub = Hub::default();
    let unhurried = Unhurried(&hub);
    let writers = 12;
    let scripts: Vec<String> = (0..writers)
        .map(|writer| {
            let mut script = String::new();
            for n in 0..60 {
                let (id, end) = (writer * 1_000 + n, if n % 9 == 8 { "ROLLBACK" } else { "COMMIT" });
                let wait = f64::from((n * 7 + writer * 3) % 11) / 100.0;
                let sleep = if engine == "postgresql" { "pg_sleep" } else { "SLEEP" };
                script.push_str(&format!(
                    "BEGIN; SELECT {sleep}({:.2}); INSERT INTO orders (id, item, quantity) VALUES ({id}, 'I', 1); SELECT {sleep}({wait:.2}); {end};\n",
                    wait / 3.0
                ));
            }
            script
        })
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    std::thread::scope(|scope| {
        let handles: Vec<_> = scripts.iter().map(|script| scope.spawn(|| database.sql(script))).collect();
        let mut restarts = 0;
        while handles.iter().any(|handle| !handle.is_finished()) {
            restarts += 1;
            let stop = CancellationToken::new();
            let mut source = source(&database.config(), feed.clone());
            runtime.block_on(async {
                // Some polls, then as after a kill.
                let length_ms = if engine == "postgresql" { 700 } else { 2_500 };
                let polled = source.run(&unhurried, stop.clone());
                let polled = tokio::time::timeout(std::time::Duration::from_millis(length_ms), polled).await;
                assert!(polled.is_err(), "it polls until it is stopped: {polled:?}");
            });
        }
        assert!(restarts > 1, "the writers took long enough for a restart");
    });
    let tokens = hub.tokens();
    assert!(!tokens.is_empty(), "the place moved while they wrote");
    runtime.block_on(run(&database, &feed, &hub));
    let (taken, committed) = (hub.documents().len(), documents(&database, "orders").len());
    assert_eq!(taken, committed, "every committed row, none that was rolled back; place {tokens:?}");
}

#[test]
fn nothing_committed_late_is_missed_on_postgresql() {
    late_commits("postgresql");
}

#[test]
fn nothing_committed_late_is_missed_on_mariadb() {
    late_commits("mariadb");
}

/// A row from a clock that is far ahead does not hide what is changed after it.
async fn a_time_ahead(engine: &str) {
    let database = Database::start(engine);
    table(&database, "orders");
    let feed = feed("orders");
    let hub = Hub::default();
    database.either(
        "INSERT INTO orders (id, item, changed_at) VALUES (1, 'AHEAD', '2999-01-01T00:00:00Z')",
        "INSERT INTO orders (id, item, changed_at) VALUES (1, 'AHEAD', '2999-01-01 00:00:00')",
    );
    for id in 2..=6 {
        // Several polls each time: the place moves once the transactions of a poll have ended.
        for _ in 0..3 {
            run(&database, &feed, &hub).await;
        }
        let row = format!("INSERT INTO orders (id, item) VALUES ({id}, 'NOW')");
        database.either(&row, &row);
    }
    run(&database, &feed, &hub).await;
    let taken: std::collections::BTreeSet<String> = hub.documents().into_iter().collect();
    assert_eq!(taken, documents(&database, "orders").into_iter().collect());
}

#[tokio::test]
async fn a_time_ahead_of_the_clock_hides_nothing_on_postgresql() {
    a_time_ahead("postgresql").await;
}

#[tokio::test]
async fn a_time_ahead_of_the_clock_hides_nothing_on_mariadb() {
    a_time_ahead("mariadb").await;
}

async fn long_transaction(engine: &str) {
    let mut database = Database::start(engine);
    table(&database, "orders");
    fill(&database, "orders", 1, 10);
    let hub = Hub::default();
    let feed = feed("orders");
    run(&database, &feed, &hub).await;
    assert_eq!(hub.documents().len(), 10);
    // A change of a row is a document of its own, and so is a change back.
    for (note, quantity) in [("a", 2), ("b", 3), ("c", 2)] {
        database.sql(&format!("UPDATE orders SET quantity = {quantity}, note = '{note}', changed_at = CURRENT_TIMESTAMP WHERE id = 1"));
        database.either("SELECT pg_sleep(0.01)", "SELECT SLEEP(1)");
        run(&database, &feed, &hub).await;
    }
    assert_eq!(hub.identities().len(), 13);
    // The server restarts in mid-flow: the source says so and goes on afterwards.
    let stop = CancellationToken::new();
    let mut running = source(&database.config(), feed.clone());
    let ended = {
        let run = running.run(&hub, stop.clone());
        tokio::pin!(run);
        // A few polls first.
        for _ in 0..3 {
            let polled = tokio::time::timeout(std::time::Duration::from_millis(50), &mut run).await;
            assert!(polled.is_err(), "{polled:?}");
        }
        database.stop();
        run.await
    };
    let reason = ended.unwrap_err();
    assert!(matches!(reason.code.as_str(), "connection-lost" | "database-not-now"), "{reason:?}");
    let again = source(&database.config(), feed.clone()).run(&hub, stop.clone()).await.unwrap_err();
    assert!(matches!(again.code.as_str(), "connect-failed" | "connection-lost"), "{again:?}");
    database.start_again();
    fill(&database, "orders", 11, 5);
    database.sql("UPDATE orders SET changed_at = CURRENT_TIMESTAMP WHERE id > 10");
    run(&database, &feed, &hub).await;
    assert_eq!(hub.identities().len(), 18);
}

#[tokio::test]
async fn changes_and_restarts_on_postgresql() {
    long_transaction("postgresql").await;
}

#[tokio::test]
async fn changes_and_restarts_on_mariadb() {
    long_transaction("mariadb").await;
}

#[tokio::test]
async fn what_is_wrong_is_told_by_its_name() {
    for engine in ENGINES {
        let database = Database::start(engine);
        table(&database, "orders");
        fill(&database, "orders", 1, 3);
        let told = async |config: &Value, feed: Value, password: &'static str| {
            let mut config = config.clone();
            config["sources"] = json!({ "rows": feed });
            let with = Password(password);
            let mut source =
                parse(&config).build_source("rows", &Surroundings::new(&with, Path::new("."))).unwrap();
            let hub = Hub::default();
            let reason = source.run(&hub, CancellationToken::new()).await.unwrap_err();
            assert!(!format!("{reason:?} {source:?}").contains("canary"), "{reason:?}");
            (reason.code.clone(), reason.to_string())
        };
        let config = database.config();
        let (code, _) =
            told(&config, json!({ "table": { "name": "gone", "since": "a", "key": "id" } }), "hub-dummy")
                .await;
        assert_eq!(code, "table-unknown", "{engine}");
        let (code, words) = told(
            &config,
            json!({ "table": { "name": "orders", "since": "changed", "key": "id" } }),
            "hub-dummy",
        )
        .await;
        assert!(code == "column-unknown" && words.contains("changed_at"), "{engine}: {words}");
        let (code, words) = told(&config, feed("orders"), "canary-wrong").await;
        assert!(code == "database-not-now" && words.contains("check `auth`"), "{engine}: {code} {words}");
        let mut faulty = feed("orders");
        faulty["table"]["start"] = json!("soon");
        if engine == "postgresql" {
            assert_eq!(told(&config, faulty, "hub-dummy").await.0, "database-refused", "{engine}");
        }
        // Numbers as a cursor, a start, and a schema.
        let schema = if engine == "postgresql" { "public" } else { "plant" };
        let numbered = json!({ "table": { "name": format!("{schema}.orders"), "since": "id", "key": ["id"], "start": 2, "every": "100ms" } });
        let hub = Hub::default();
        run(&database, &numbered, &hub).await;
        assert_eq!(hub.documents().len(), 2, "{engine}: {:?}", hub.documents());
        fill(&database, "orders", 4, 1);
        run(&database, &numbered, &hub).await;
        assert_eq!(hub.documents().len(), 3, "{engine}");
        // MariaDB tells when transactions began in whole seconds, so there the place moves later than these polls end.
        if engine == "postgresql" {
            assert_eq!(hub.tokens(), [("place".to_owned(), "1 id 4".to_owned())]);
        }
    }
}

#[tokio::test]
async fn a_trial_says_what_is_there_and_what_is_missing() {
    for engine in ENGINES {
        let database = Database::start(engine);
        table(&database, "orders");
        fill(&database, "orders", 1, 3);
        let mut config = database.config();
        config["sources"] = json!({
            "good": feed("orders"), "gone": { "outbox": { "name": "gone", "key": "id" } }
        });
        config["operations"] = json!({
            "good": { "rows": { "table": "orders", "key": "id", "columns": ["item"] }, "keys": { "table": "gone" } },
            "bad": { "rows": { "table": "orders", "key": "id", "columns": ["colour"] } }
        });
        let with = Password("hub-dummy");
        let findings = parse(&config).probe(Surroundings::new(&with, Path::new("."))).await;
        let codes: Vec<String> = findings
            .iter()
            .map(|finding| {
                format!(
                    "{} {}",
                    finding.part,
                    finding.found.as_ref().map_or_else(|reason| reason.code.as_str(), |_| "well")
                )
            })
            .collect();
        assert_eq!(
            codes,
            [
                "connection well",
                "source good well",
                "source gone table-unknown",
                "operation good well",
                "operation good, keys table-unknown",
                "operation bad column-unknown"
            ],
            "{engine}"
        );
        let wrong = Password("wrong");
        let findings = parse(&config).probe(Surroundings::new(&wrong, Path::new("."))).await;
        assert!(findings.len() == 1 && !findings[0].is_well(), "{engine}: {findings:?}");
    }
}
