//! Polls against a system that keeps records, pages them in every usual way, and commits some late.

use lineshaft_ports::Source;
use lineshaft_ports::suite::source::{self as suite, Hub, Orders, Stand};
use parking_lot::Mutex;

use super::*;

/// A record as the system keeps it: key, when it was changed (seconds since 1970), what it says.
type Row = (u64, i64, String);

const START: i64 = 1_795_000_000;

/// A system with records.
struct System {
    server: Server,
    rows: Arc<Mutex<Vec<Row>>>,
    /// The system's own clock, for the `Date` of its answers.
    clock: Arc<Mutex<i64>>,
}

fn time(seconds: i64) -> String {
    lineshaft_model::Millis(seconds * 1_000).to_string()
}

fn shown(row: &Row) -> String {
    format!(r#"{{"id":"{}","changed_at":"{}","text":"{}"}}"#, row.0, time(row.1), row.2)
}

fn page_of(rows: &[Row], start: usize, size: usize) -> String {
    let texts: Vec<String> = rows.iter().skip(start).take(size).map(shown).collect();
    texts.join(",")
}

fn http_date(seconds: i64) -> String {
    let since = std::time::Duration::from_secs(u64::try_from(seconds).unwrap());
    httpdate::fmt_http_date(std::time::UNIX_EPOCH + since)
}

/// Answers a request of a poll by whichever paging its query asks for.
fn answer(request: &Received, rows: &[Row], clock: i64) -> String {
    let since = request.query("since").map_or(0, |text| {
        let text = text.replace("%3A", ":");
        text.parse::<lineshaft_model::Moment>().unwrap().millis().0 / 1_000
    });
    let mut found: Vec<Row> = rows.iter().filter(|row| row.1 >= since).cloned().collect();
    found.sort_by_key(|row| (row.1, row.0));
    let number = |name: &str| request.query(name).map(|text| text.parse::<usize>().unwrap());
    let size = number("limit").unwrap_or(100);
    let kind = request.query("by").unwrap_or_default().to_owned();
    let start = match kind.as_str() {
        "number" => (number("page").unwrap() - 1) * size,
        _ => number("offset").or(number("cursor")).unwrap_or(0),
    };
    let items = page_of(&found, start, size);
    let end = start + size;
    let more = end < found.len();
    let here = request.line().split(' ').nth(1).unwrap().to_owned();
    let here = here.split("&offset").next().unwrap();
    let (field, member) = match kind.as_str() {
        "link" if more => (
            format!(
                "Link: <http://x/first>; rel=\"first\", <{here}&offset={end}>; title=\"a;b\"; rel=\"next\"\r\n"
            ),
            String::new(),
        ),
        "next" if more => (String::new(), format!(r#","next":"http://internal.example{here}&offset={end}""#)),
        "cursor" if more => (String::new(), format!(r#","next_cursor":{end}"#)),
        _ => (String::new(), String::new()),
    };
    let body = format!(r#"{{"items":[{items}]{member}}}"#);
    format!(
        "HTTP/1.1 200 OK\r\nDate: {}\r\n{field}Content-Length: {}\r\n\r\n{body}",
        http_date(clock),
        body.len()
    )
}

impl System {
    async fn start(rows: Vec<Row>) -> Self {
        let server = Server::start().await;
        let rows = Arc::new(Mutex::new(rows));
        let clock = Arc::new(Mutex::new(START + 1_000_000));
        let (shared, time) = (Arc::clone(&rows), Arc::clone(&clock));
        server.respond(move |request| answer(request, &shared.lock(), *time.lock()));
        Self { server, rows, clock }
    }

    fn put(&self, key: u64, changed: i64, text: &str) {
        let mut rows = self.rows.lock();
        rows.retain(|row| row.0 != key);
        rows.push((key, changed, text.to_owned()));
    }

    fn source(&self, poll: Value) -> Box<dyn Source> {
        let config = json!({
            "system": "erp", "connector": "http", "base_url": format!("http://{}/api", self.server.address),
            "sources": { "orders": { "format": { "json": { "split": "/items/*" } }, "poll": poll } }
        });
        let connector = crate::parse(&config, "erp").unwrap_or_else(|reasons| panic!("{reasons:#?}"));
        connector.build_source("orders", &Surroundings::new(&crate::NoSecrets, Path::new("."))).unwrap()
    }
}

fn since(by: &str, pages: Value) -> Value {
    let mut poll = json!({
        "path": "/orders", "query": { "by": by, "since": "{since}" }, "every": "100ms",
        "since": { "at": "/changed_at", "overlap": "60s" }
    });
    if !pages.is_null() {
        poll["pages"] = pages;
    }
    poll
}

fn rows(count: u64) -> Vec<Row> {
    (0..count).map(|n| (n, START + n as i64 * 7, format!("row {n}"))).collect()
}

struct PollStand {
    system: System,
    poll: Value,
    offers_again: bool,
}

impl Stand for PollStand {
    fn source(&self) -> Box<dyn Source> {
        self.system.source(self.poll.clone())
    }

    fn documents(&self) -> Vec<String> {
        self.system.rows.lock().iter().map(shown).collect()
    }

    fn broken(&self) -> usize {
        0
    }

    fn is_endless(&self) -> bool {
        true
    }

    fn offers_again(&self) -> bool {
        self.offers_again
    }
}

async fn the_suite(count: u64, poll: Value, offers_again: bool) {
    // Each stand has a server of its own, started before it is needed because stands are made without waiting.
    let mut systems = Vec::new();
    for _ in 0..40 {
        systems.push(System::start(rows(count)).await);
    }
    let systems = Mutex::new(systems);
    suite::run_all(|| PollStand {
        system: systems.lock().pop().expect("enough systems were started"),
        poll: poll.clone(),
        offers_again,
    })
    .await;
}

#[tokio::test]
async fn the_suite_of_sources_with_since() {
    the_suite(37, since("link", json!({ "by": "link" })), true).await;
}

#[tokio::test]
async fn the_suite_of_sources_with_order() {
    let mut poll = since("cursor", json!({ "by": "cursor" }));
    poll["query"]["limit"] = json!("10");
    poll["since"]["order"] = json!("ascending");
    the_suite(37, poll, true).await;
}

#[tokio::test]
async fn the_suite_of_sources_by_key() {
    the_suite(9, json!({ "path": "/orders", "key": "/id", "every": "100ms" }), false).await;
}

async fn poll_until_idle(system: &System, poll: &Value, hub: &Hub) {
    hub.restart(Orders::default());
    suite::run_until_idle(system.source(poll.clone()), hub).await;
}

#[tokio::test]
async fn every_kind_of_page_gives_every_record() {
    for (by, pages) in [
        ("link", json!({ "by": "link" })),
        ("next", json!({ "by": "next", "at": "/next" })),
        ("cursor", json!({ "by": "cursor" })),
        ("offset", json!({ "by": "offset" })),
        ("offset", json!({ "by": "offset", "size": 10 })),
        ("number", json!({ "by": "number", "size": 10 })),
    ] {
        let mut poll = since(by, pages.clone());
        poll["query"]["limit"] = json!("10");
        if pages["size"].is_number() {
            poll["query"].as_object_mut().unwrap().remove("limit");
        }
        let system = System::start(rows(95)).await;
        let hub = Hub::default();
        poll_until_idle(&system, &poll, &hub).await;
        assert_eq!(hub.documents().len(), 95, "{pages}");
    }
}

#[tokio::test]
async fn what_is_committed_late_is_not_missed() {
    let system = System::start(rows(50)).await;
    let hub = Hub::default();
    let poll = since("", Value::Null);
    poll_until_idle(&system, &poll, &hub).await;
    let place = hub.tokens();
    // A transaction that began before the last record and was committed after it was read.
    system.put(1_000, START + 49 * 7 - 30, "late");
    poll_until_idle(&system, &poll, &hub).await;
    assert_eq!(hub.documents().len(), 51);
    assert_eq!(hub.tokens(), place, "the place only moves forward");
}

#[tokio::test]
async fn a_clock_that_is_ahead_does_not_carry_the_place_away() {
    let system = System::start(rows(5)).await;
    *system.clock.lock() = START + 100;
    system.put(99, START + 900_000_000, "from a clock that is ahead");
    let hub = Hub::default();
    let poll = since("", Value::Null);
    poll_until_idle(&system, &poll, &hub).await;
    assert_eq!(hub.tokens(), [("since".to_owned(), format!("1 {}", (START + 100) * 1_000))]);
    system.put(100, START + 110, "after it");
    poll_until_idle(&system, &poll, &hub).await;
    assert_eq!(hub.documents().len(), 7);
}

#[tokio::test]
async fn what_moves_between_pages_while_they_are_read_is_read_again() {
    let system = System::start(rows(30)).await;
    let hub = Hub::default();
    let mut poll = since("offset", json!({ "by": "offset", "size": 10 }));
    poll["since"]["overlap"] = json!("0s");
    // After the first page a record of it is changed: it goes to the end, and the eleventh slips onto the first page.
    let (rows, clock, moved) = (Arc::clone(&system.rows), Arc::clone(&system.clock), Mutex::new(false));
    system.server.respond(move |request| {
        let answered = answer(request, &rows.lock(), *clock.lock());
        if !std::mem::replace(&mut *moved.lock(), true) {
            let mut rows = rows.lock();
            rows[3].1 = START + 5_000;
            rows[3].2 = "changed".to_owned();
        }
        answered
    });
    poll_until_idle(&system, &poll, &hub).await;
    assert_eq!(hub.documents().len(), 31, "thirty, and the changed one twice");
}

#[tokio::test]
async fn a_record_that_returns_to_an_earlier_state_is_a_change() {
    let system = System::start(vec![(1, START, "a".to_owned()), (2, START, "x".to_owned())]).await;
    let hub = Hub::default();
    let poll = json!({ "path": "/orders", "key": "/id", "every": "100ms" });
    for (text, expected) in [("a", 2), ("b", 3), ("a", 4), ("a", 4)] {
        system.put(1, START, text);
        poll_until_idle(&system, &poll, &hub).await;
        assert_eq!(hub.identities().len(), expected, "{text}");
    }
    system.rows.lock().retain(|row| row.0 != 1);
    poll_until_idle(&system, &poll, &hub).await;
    system.put(1, START, "a");
    poll_until_idle(&system, &poll, &hub).await;
    assert_eq!(hub.identities(), ["1@1", "1@2", "1@3", "1@4", "2@1"], "gone and back is a change");
}

#[tokio::test]
async fn a_page_that_has_not_changed_is_not_sent_again() {
    let server = Server::start().await;
    let tagged = |request: &Received| match request.header("if-none-match") {
        Some("\"v1\"") => "HTTP/1.1 304 Not Modified\r\n\r\n".to_owned(),
        _ => {
            let body = r#"{"items":[{"id":"1"}]}"#;
            format!("HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        }
    };
    server.respond(tagged);
    let system = System { server, rows: Arc::default(), clock: Arc::default() };
    let hub = Hub::default();
    poll_until_idle(&system, &json!({ "path": "/o", "key": "/id", "every": "100ms" }), &hub).await;
    assert_eq!(hub.documents(), [r#"{"id":"1"}"#]);
    let asked = system.server.received();
    assert!(asked.len() > 10 && asked[1..].iter().all(|one| one.header("if-none-match") == Some("\"v1\"")));
}

async fn failure(step: Step) -> (lineshaft_model::Reason, usize) {
    let system = System::start(rows(3)).await;
    system.server.then(step);
    let hub = Hub::default();
    let stop = tokio_util::sync::CancellationToken::new();
    let reason = system.source(since("", Value::Null)).run(&hub, stop).await.unwrap_err();
    (reason, hub.offered())
}

#[tokio::test]
async fn an_answer_that_is_no_page_fails_the_poll_and_moves_nothing() {
    let page = status(200, "", "<html>Please log in</html>");
    for (step, code) in [
        (status(401, "", ""), "poll-refused"),
        (status(500, "", r#"{"error":{"message":"database is down"}}"#), "poll-refused"),
        (status(302, "Location: http://elsewhere.example/\r\n", ""), "poll-refused"),
        (page, "json-malformed"),
        (
            Step::AnswerAndClose("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"items\":[".to_owned()),
            "page-incomplete",
        ),
        (Step::AnswerAndClose(String::new()), "connection-lost"),
        (Step::Answer("220 smtp.example ESMTP\r\n".to_owned()), "answer-malformed"),
    ] {
        let (reason, offered) = failure(step.clone()).await;
        assert!(
            reason.code == code || (code == "json-malformed" && reason.code.starts_with("json")),
            "{step:?}: {reason:?}"
        );
        assert_eq!(offered, 0, "{step:?}");
    }
    assert!(
        failure(status(500, "", r#"{"error":{"message":"database is down"}}"#))
            .await
            .0
            .message
            .contains("database is down")
    );
}

#[tokio::test]
async fn a_system_without_time_is_asked_again_when_it_says() {
    let system = System::start(rows(3)).await;
    system.server.then(status(429, "Retry-After: 7\r\n", ""));
    system.server.then(status(503, "", ""));
    let hub = Hub::default();
    poll_until_idle(&system, &since("", Value::Null), &hub).await;
    assert_eq!(hub.documents().len(), 3);
}

#[tokio::test]
async fn pages_that_never_end_are_told() {
    let system = System::start(rows(3)).await;
    system.server.respond(|_| ok(r#"{"items":[],"next":"/api/orders?by=next"}"#));
    let hub = Hub::default();
    let poll = json!({ "path": "/orders", "query": { "by": "next" }, "key": "/id", "pages": { "by": "next", "at": "/next" } });
    let stop = tokio_util::sync::CancellationToken::new();
    let reason = system.source(poll).run(&hub, stop).await.unwrap_err();
    assert_eq!(reason.code, "page-loop");
}

#[test]
fn every_problem_of_a_poll_is_reported() {
    let check = |poll: Value| {
        let config = json!({
            "system": "erp", "connector": "http", "base_url": "https://erp.example", "sources": { "s": { "poll": poll } }
        });
        let reasons = crate::parse(&config, "erp").err().unwrap_or_default();
        reasons
            .iter()
            .map(|r| format!("{} {}", r.at.trim_start_matches("/sources/s/poll"), r.code))
            .collect::<Vec<_>>()
    };
    assert_eq!(check(json!({ "path": "/x" })), [" setting-missing"]);
    assert_eq!(check(json!({ "path": "/{{ .a }}", "key": "/id" })), ["/path poll-expression"]);
    assert_eq!(
        check(json!({ "path": "/x", "method": "POST", "key": "id" })),
        ["/method poll-method", "/key pointer-malformed"]
    );
    assert_eq!(check(json!({ "path": "/x", "since": { "at": "/c" } })), ["/since since-unused"]);
    let both = json!({ "path": "/x", "query": { "s": "{since}" }, "since": { "at": "/c" }, "key": "/id" });
    assert_eq!(check(both), ["/key changes-ambiguous"]);
    let faulty = json!({
        "path": "/x", "query": { "s": "{since}" }, "every": "1ms",
        "since": { "at": "c", "start": "soon", "overlap": 5, "written": "iso", "order": "down" },
        "pages": { "by": "links", "sise": 1 }
    });
    assert_eq!(
        check(faulty),
        [
            "/pages/by setting-choice",
            "/pages/sise setting-unknown",
            "/since/at pointer-malformed",
            "/since/written setting-choice",
            "/since/start since-malformed",
            "/since/overlap setting-type",
            "/since/order setting-choice",
            "/every setting-range",
        ]
    );
    assert_eq!(check(json!({ "path": "/x", "key": "/id", "pages": {} })), ["/pages setting-missing"]);
    let config = json!({ "system": "erp", "connector": "http", "sources": { "s": { "poll": { "path": "/x", "key": "/id" } } } });
    assert_eq!(
        crate::parse(&config, "erp").unwrap_err()[0].code,
        "setting-missing",
        "a poll needs a base_url"
    );
}

#[tokio::test]
async fn a_trial_says_what_is_there_and_what_is_missing() {
    let system = System::start(rows(5)).await;
    let folder = tempfile::tempdir().unwrap();
    let mut config = json!({
        "system": "erp", "connector": "http", "base_url": format!("http://{}/api", system.server.address),
        "auth": { "bearer": { "token": "${secret:token}" } },
        "sources": {
            "orders": { "format": { "json": { "split": "/items/*" } }, "poll": since("", Value::Null) },
            "drop": { "files": { "folder": "gone" } },
            "pushed": { "webhook": { "signature": "hmac-sha256", "header": "X-Sig", "secret": "${secret:nobody-knows}" } }
        }
    });
    let secrets = Listed(vec![("token", CANARY)]);
    let try_it = async |config: &Value| {
        let connector = crate::parse(config, "erp").unwrap();
        let findings = connector.probe(Surroundings::new(&secrets, folder.path())).await;
        assert!(!format!("{findings:?}").contains("canary"));
        let shown = |finding: &crate::Finding| match &finding.found {
            Ok(found) => format!("{}: {found}", finding.part),
            Err(reason) => format!("{}: {}", finding.part, reason.code),
        };
        findings.iter().map(shown).collect::<Vec<_>>()
    };
    let address = system.server.address;
    let expected = [
        format!("connection: {address} takes connections"),
        "login: the secrets are there".to_owned(),
        "source orders: its first page has 5 records".to_owned(),
        "source drop: folder-unreadable".to_owned(),
        "source pushed: secret-missing".to_owned(),
    ];
    assert_eq!(try_it(&config).await, expected);
    std::fs::create_dir(folder.path().join("gone")).unwrap();
    system.server.then(status(401, "", ""));
    config["sources"].as_object_mut().unwrap().remove("pushed");
    let found = try_it(&config).await;
    assert_eq!(
        found[2..],
        ["source orders: poll-refused", "source drop: the folder can be read; 0 files wait"]
    );
    system.server.stop().await;
    assert_eq!(try_it(&config).await[0], "connection: connect-failed");
}
