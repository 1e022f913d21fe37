//! Rows that are written and routines that are called, through a proxy that loses answers.

use bytes::Bytes;
use futures::future::BoxFuture;
use lineshaft_model::Answer;
use lineshaft_ports::Delivery;
use lineshaft_ports::suite::sink::{self as suite, Act, Stand};
use lineshaft_stands::{Proxy, Trick};

use super::*;

/// A routine that keeps what it is given, and refuses when a script tells it to.
const ROUTINE: [&str; 2] = [
    "CREATE SEQUENCE requests; CREATE TABLE script (n bigint PRIMARY KEY, act text); CREATE TABLE received (k text, b text);
     GRANT ALL ON SEQUENCE requests TO hub; GRANT ALL ON script, received TO hub;
     CREATE FUNCTION record(k text, b text) RETURNS void LANGUAGE plpgsql AS $$
     DECLARE this bigint := nextval('requests'); what text;
     BEGIN
       SELECT act INTO what FROM script WHERE n = this;
       IF what = 'refuse' THEN RAISE EXCEPTION 'no such item'; END IF;
       IF what = 'busy' THEN RAISE EXCEPTION USING ERRCODE = '53200', MESSAGE = 'no room now'; END IF;
       INSERT INTO received VALUES (k, b);
     END $$;",
    "CREATE SEQUENCE requests; CREATE TABLE script (n bigint PRIMARY KEY, act text); CREATE TABLE received (k text, b longtext);
     DELIMITER //
     CREATE PROCEDURE record(k text, b longtext) MODIFIES SQL DATA
     BEGIN
       DECLARE this bigint; DECLARE what text;
       SET this = NEXT VALUE FOR requests;
       SELECT act INTO what FROM script WHERE n = this;
       IF what = 'refuse' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no such item'; END IF;
       IF what = 'busy' THEN SIGNAL SQLSTATE '40001' SET MESSAGE_TEXT = 'no room now', MYSQL_ERRNO = 1213; END IF;
       INSERT INTO received VALUES (k, b);
     END //",
];

struct SinkStand<'a> {
    database: &'a Database,
    proxy: Proxy,
    sink: Arc<dyn Sink>,
}

impl SinkStand<'_> {
    /// The texts that were bound together with a key, wherever the key stands in what was sent.
    fn bodies(&self, key: &str, sent: &[u8]) -> Vec<Vec<u8>> {
        let positions = sent.windows(key.len()).enumerate().filter(|(_, window)| *window == key.as_bytes());
        positions.filter_map(|(at, _)| self.body_after(&sent[at + key.len()..])).collect()
    }

    /// The next bound value, by its length in front of it; nothing when it has not come yet.
    fn body_after(&self, rest: &[u8]) -> Option<Vec<u8>> {
        let (length, rest) = match self.database {
            Database::Postgres(_) => {
                (u32::from_be_bytes(rest.get(..4)?.try_into().ok()?) as usize, &rest[4..])
            }
            Database::MariaDb(_) => match *rest.first()? {
                short @ ..=0xfa => (usize::from(short), &rest[1..]),
                0xfc => (usize::from(u16::from_le_bytes([rest[1], rest[2]])), &rest[3..]),
                _ => (
                    usize::from(rest[1]) | usize::from(rest[2]) << 8 | usize::from(rest[3]) << 16,
                    &rest[4..],
                ),
            },
        };
        rest.get(..length).map(<[u8]>::to_vec)
    }
}

impl Stand for SinkStand<'_> {
    fn sink(&self) -> Arc<dyn Sink> {
        Arc::clone(&self.sink)
    }

    fn order(&self, act: Act) {
        match act {
            Act::Accept => {}
            Act::Refuse | Act::Busy(_) => {
                let word = if act == Act::Refuse { "refuse" } else { "busy" };
                self.database.either(
                    &format!("INSERT INTO script SELECT CASE WHEN is_called THEN last_value + 1 ELSE 1 END, '{word}' FROM requests"),
                    // Reading the next value uses it up, so the request after it has the number after that.
                    &format!("INSERT INTO script SELECT NEXT VALUE FOR requests + 1, '{word}'"),
                );
            }
            Act::LoseAnswer => self.proxy.then(Trick::LoseAnswer),
            Act::StaySilent => self.proxy.then(Trick::StaySilent),
            Act::TalkNonsense => self.proxy.then(Trick::TalkNonsense),
        }
    }

    fn received(&self) -> Vec<(String, Vec<u8>)> {
        let sent = self.proxy.sent();
        let keys = (1..=64).map(|n| suite::delivery(n).idempotency_key.as_str().to_owned());
        keys.flat_map(|key| self.bodies(&key, &sent).into_iter().map(move |body| (key.clone(), body)))
            .collect()
    }

    fn until_received(&self, count: usize) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            while self.received().len() < count || self.proxy.tricks_left() > 0 {
                tokio::task::yield_now().await;
            }
        })
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.proxy.stop())
    }

    fn says_when(&self) -> bool {
        false
    }
}

async fn the_suite(engine: &str) {
    let database = Database::start(engine);
    database.either(ROUTINE[0], ROUTINE[1]);
    let call = if engine == "postgresql" { "function" } else { "procedure" };
    suite::run_all(async || {
        let proxy = Proxy::start(database.port(), b"COMMIT").await;
        database.either("TRUNCATE script", "TRUNCATE script");
        let mut config = settings(database.engine(), proxy.address.port());
        config["limits"]["timeout"] = json!("4s");
        config["connect_timeout"] = json!("60s");
        let operation = json!({ "call": { call: "record", "arguments": ["idempotency-key", ""] } });
        let sink = sink(&config, operation);
        SinkStand { database: &database, proxy, sink }
    })
    .await;
}

#[tokio::test]
async fn the_suite_of_sinks_on_postgresql() {
    the_suite("postgresql").await;
}

#[tokio::test]
async fn the_suite_of_sinks_on_mariadb() {
    the_suite("mariadb").await;
}

fn with_body(n: u64, body: &Value) -> Delivery {
    Delivery { body: Bytes::from(body.to_string()), ..suite::delivery(n) }
}

fn stock(database: &Database) {
    database.either(
        "CREATE TABLE stock (item text, site text, quantity numeric(12,3), blocked boolean, extra json, counted_at timestamptz,
         PRIMARY KEY (item, site), CHECK (quantity >= 0)); ALTER TABLE stock OWNER TO hub;
         CREATE TABLE done (key text PRIMARY KEY); ALTER TABLE done OWNER TO hub;",
        "CREATE TABLE stock (item varchar(80), site varchar(80), quantity decimal(12,3), blocked boolean, extra json,
         counted_at datetime(6), PRIMARY KEY (item, site), CHECK (quantity >= 0));
         CREATE TABLE done (`key` varchar(80) PRIMARY KEY);",
    );
}

fn rows_of(mode: &str) -> Value {
    json!({ "rows": { "table": "stock", "mode": mode, "key": ["item", "site"], "columns": ["quantity", "blocked", "extra", "counted_at"] } })
}

fn is_refused(answer: &Answer, code: &str) -> bool {
    matches!(answer, Answer::Refused { reason, .. } if reason.code == code)
}

#[tokio::test]
async fn rows_are_written_as_the_mode_says_all_or_none() {
    for engine in ENGINES {
        let database = Database::start(engine);
        stock(&database);
        let upsert = sink(&database.config(), rows_of("upsert"));
        let row = |item: &str, quantity: Value| json!({ "item": item, "site": "P1", "quantity": quantity });
        let ok = async |sink: &Arc<dyn Sink>, body: Value| {
            let answer = sink.deliver(&with_body(1, &body)).await;
            assert!(matches!(answer, Answer::Delivered { .. }), "{engine} {body}: {answer:?}");
        };
        let shown = || database.sql("SELECT item, quantity FROM stock ORDER BY item").replace('\t', "|");
        ok(&upsert, json!([row("A", json!("10.500")), row("B'; DROP TABLE stock; --", json!(2))])).await;
        ok(&upsert, row("A", json!("11.250"))).await;
        let extra = json!({ "item": "A", "site": "P1", "blocked": true, "extra": { "lot": "L'1" }, "counted_at": "2026-11-28 06:30:00" });
        ok(&upsert, extra).await;
        assert_eq!(
            shown().lines().collect::<Vec<_>>(),
            ["A|11.250", "B'; DROP TABLE stock; --|2.000"],
            "{engine}"
        );
        let lot = database.either(
            "SELECT extra->>'lot' FROM stock WHERE blocked",
            "SELECT JSON_VALUE(extra, '$.lot') FROM stock WHERE blocked",
        );
        assert_eq!(lot.trim(), "L'1", "{engine}");
        // The second row breaks a rule: neither is there.
        let answer = upsert.deliver(&with_body(2, &json!([row("C", json!(1)), row("D", json!(-1))]))).await;
        assert!(is_refused(&answer, "database-refused"), "{engine}: {answer:?}");
        let answer = upsert.deliver(&with_body(2, &row("C", json!("many")))).await;
        assert!(is_refused(&answer, "database-refused"), "{engine}: {answer:?}");
        assert_eq!(shown().lines().count(), 2, "{engine}");
        for (body, code) in [
            (json!({ "item": "A", "site": "P1", "price": 1 }), "column-not-listed"),
            (json!({ "item": "A", "quantity": 1 }), "row-without-key"),
            (json!("A"), "row-malformed"),
        ] {
            assert!(is_refused(&upsert.deliver(&with_body(3, &body)).await, code), "{engine} {body}");
        }
        let insert = sink(&database.config(), rows_of("insert"));
        assert!(
            is_refused(&insert.deliver(&with_body(4, &row("A", json!(1)))).await, "database-refused"),
            "{engine}"
        );
        ok(&insert, row("E", json!(5))).await;
        let update = sink(&database.config(), rows_of("update"));
        ok(&update, row("E", json!(6))).await;
        ok(&update, row("E", json!(6))).await;
        assert!(
            is_refused(&update.deliver(&with_body(5, &row("F", json!(1)))).await, "row-missing"),
            "{engine}"
        );
        let delete = sink(&database.config(), rows_of("delete"));
        ok(&delete, json!({ "item": "E", "site": "P1" })).await;
        assert_eq!(shown().lines().count(), 2, "{engine}");
    }
}

/// Kept keys make an insert happen once, whatever was lost on the way, and let the hub ask what happened.
#[tokio::test]
async fn kept_keys_make_a_write_happen_once() {
    for engine in ENGINES {
        let mut database = Database::start(engine);
        stock(&database);
        let proxy = Proxy::start(database.port(), b"COMMIT").await;
        let mut config = settings(engine, proxy.address.port());
        config["limits"]["timeout"] = json!("4s");
        config["connect_timeout"] = json!("60s");
        let mut operation = rows_of("insert");
        operation["rows"]["table"] = json!("log");
        operation["keys"] = json!({ "table": "done", "column": "key" });
        database.either(
            "CREATE TABLE log (item text, site text); ALTER TABLE log OWNER TO hub;",
            "CREATE TABLE log (item varchar(80), site varchar(80));",
        );
        let sink = sink(&config, operation);
        assert!(sink.can_verify() && sink.keeps_idempotency_key());
        let delivery = with_body(1, &json!({ "item": "A", "site": "P1" }));
        assert!(matches!(sink.verify(&delivery).await, Answer::Again { .. }), "{engine}: not yet");
        proxy.then(Trick::LoseAnswer);
        let answer = sink.deliver(&delivery).await;
        assert!(matches!(answer, Answer::Unknown { .. }), "{engine}: {answer:?}");
        assert!(matches!(sink.verify(&delivery).await, Answer::Delivered { .. }), "{engine}: it is there");
        let again = sink.deliver(&delivery).await;
        assert!(matches!(again, Answer::Delivered { .. }), "{engine}: {again:?}");
        assert_eq!(database.sql("SELECT count(*) FROM log").trim(), "1", "{engine}");
        // Idle connections outlive no restart: the next attempt opens another.
        database.stop();
        let down = sink.deliver(&with_body(2, &json!({ "item": "B", "site": "P1" }))).await;
        assert!(matches!(down, Answer::Again { .. }), "{engine}: {down:?}");
        database.start_again();
        let up = sink.deliver(&with_body(2, &json!({ "item": "B", "site": "P1" }))).await;
        assert!(matches!(up, Answer::Delivered { .. }), "{engine}: {up:?}");
        assert_eq!(database.sql("SELECT count(*) FROM log").trim(), "2", "{engine}");
    }
}
