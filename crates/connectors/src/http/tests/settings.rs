//! What the configuration of a system says wrong, and that reading it never shows a secret.

use serde_json::json;

use super::*;

fn problems(config: &Value) -> Vec<String> {
    let reasons = crate::parse(config, "wms").unwrap_err();
    reasons.iter().map(|reason| format!("{} {}", reason.at, reason.code)).collect()
}

#[test]
fn the_example_of_the_interfaces_is_read() {
    let config = json!({
        "system": "wms",
        "title": "Warehouse management",
        "connector": "http",
        "base_url": "https://wms.example",
        "auth": { "bearer": { "token": "${secret:wms-token}" } },
        "limits": { "rate": "50/s", "concurrency": 8, "timeout": "10s", "body": "4MiB" },
        "breaker": { "failures": 5, "window": "30s", "cool_down": "15s" },
        "maintenance": [{ "cron": "0 2 * * SUN", "lasts": "2h", "timezone": "Europe/Berlin" }],
        "owners": { "business": "warehouse-lead", "it": "integration-team" },
        "sources": {
            "counts": {
                "webhook": { "signature": "standard-webhooks" },
                "format": "json",
                "mapping": "wms-count.jq",
                "emits": ["lineshaft.inventory.counted.v1"]
            },
            "drops": { "files": { "folder": "drop" }, "format": "csv", "mapping": "drop.jq" },
            "moves": { "format": "json" }
        },
        "operations": {
            "reserve": {
                "request": {
                    "method": "PUT", "path": "/reservations/{{ .data.key }}", "idempotency_header": "Idempotency-Key"
                },
                "mapping": "canonical-reservation-to-wms.jq",
                "verify": { "method": "GET", "path": "/reservations/{{ .data.key }}" },
                "answers": { "refused": [400, 409, 422], "again": [408, 425, 429, "5xx"] }
            }
        }
    });
    let connector = crate::parse(&config, "wms").unwrap();
    let sources: Vec<_> = connector.sources().iter().map(|one| (one.name.as_str(), one.kind)).collect();
    assert_eq!(
        sources,
        [
            ("counts", crate::SourceKind::Push { signed: true }),
            ("drops", crate::SourceKind::Pull),
            ("moves", crate::SourceKind::Push { signed: false }),
        ]
    );
    let operation = &connector.operations()[0];
    assert_eq!(
        (operation.name.as_str(), operation.keeps_idempotency_key, operation.can_verify),
        ("reserve", true, true)
    );
    let with = Surroundings::new(&crate::NoSecrets, Path::new("."));
    let reason = connector.build_sink("reserve", &with).unwrap_err();
    assert_eq!((reason.code.as_str(), reason.at.as_str()), ("secret-missing", "/auth/bearer/token"));
    assert!(connector.build_source("counts", &with).is_err());
    assert!(connector.build_sink("cancel", &with).is_err());
    assert!(connector.gate("moves", &with).unwrap().is_none());
}

#[test]
fn every_problem_is_found_at_once() {
    let config = json!({
        "connector": "http",
        "bsae_url": "http://x",
        "auth": { "baerer": { "token": "x" } },
        "tls": { "ca": 7 },
        "operations": {
            "a": {
                "request": {
                    "methd": "PUT", "method": "FETCH", "path": "orders", "idempotency_header": "Content-Length",
                    "headers": { "Host": "x", "X-A": "a\nb", "X-B": 7, "X-C": "${secret:a} {{ .b }}", "bad name": "x" }
                },
                "timeout": "0s", "foreign_key": "d/x", "answers": { "delivered": [42] }
            },
            "b": { "request": { "path": "/a/{{ .b }" } },
            "c": { "request": { "path": "/a b" }, "verify": { "path": "/a", "delivered": ["4xx"] } },
            "d": {},
            "e": null,
            "f": { "request": { "path": "/a" }, "retry": { "first": "1s" } }
        },
        "sources": { "s": { "webhook": {}, "files": { "folder": "x" }, "format": "csv" } }
    });
    assert_eq!(
        problems(&config),
        [
            " setting-missing",
            "/auth auth-ambiguous",
            "/tls/ca setting-type",
            "/operations/a/request/method setting-choice",
            "/operations/a/request/path path-malformed",
            "/operations/a/request/headers/Host header-reserved",
            "/operations/a/request/headers/X-A header-malformed",
            "/operations/a/request/headers/X-B setting-type",
            "/operations/a/request/headers/X-C header-mixed",
            "/operations/a/request/headers/bad name header-malformed",
            "/operations/a/request/idempotency_header header-reserved",
            "/operations/a/request/methd setting-unknown",
            "/operations/a/foreign_key pointer-malformed",
            "/operations/a/timeout setting-range",
            "/operations/a/answers/delivered/0 status-malformed",
            "/operations/b/request/path expression-open",
            "/operations/c/request/path path-malformed",
            "/operations/c/verify/absent answers-ambiguous",
            "/operations/d setting-missing",
            "/operations/e setting-missing",
            "/operations/f/retry setting-unknown",
            "/sources/s/webhook source-ambiguous",
            "/bsae_url setting-unknown",
        ]
    );
}

#[test]
fn a_login_crosses_a_network_only_encrypted() {
    let with = |address: &str| config(address, plain());
    assert_eq!(problems(&with("http://wms.example")), ["/base_url login-in-the-clear"]);
    assert!(crate::parse(&with("http://localhost:8080"), "wms").is_ok());
    let mut allowed = with("http://wms.example");
    allowed["allow_plain_login"] = json!(true);
    assert!(crate::parse(&allowed, "wms").is_ok());
}

#[test]
fn a_secret_is_shown_neither_by_a_problem_nor_by_what_is_built() {
    let mut config = config("https://wms.example", plain());
    config["auth"] = json!({ "basic": { "user": "canary-user", "password": "canary-password" } });
    config["operations"]["post"]["request"]["headers"] = json!({ "X-A": "${secret:key}" });
    let connector = crate::parse(&config, "wms").unwrap();
    let secrets = Listed(vec![("key", "canary-key")]);
    let with = Surroundings::new(&secrets, Path::new("."));
    let sink = connector.build_sink("post", &with).unwrap();
    assert!(!format!("{connector:?} {sink:?} {with:?}").contains("canary"));

    let secrets = Listed(vec![("key", "canary\nkey")]);
    let with = Surroundings::new(&secrets, Path::new("."));
    let reason = connector.build_sink("post", &with).unwrap_err();
    assert_eq!(
        (reason.code.as_str(), reason.at.as_str()),
        ("secret-not-a-header", "/operations/post/request/headers/X-A")
    );
    assert!(!format!("{reason:?}").contains("canary"));

    config["auth"] = json!({ "bearer": { "token": ["canary-list"] } });
    let reasons = crate::parse(&config, "wms").unwrap_err();
    assert_eq!(reasons[0].at, "/auth/bearer/token");
    assert!(!format!("{reasons:?}").contains("canary"));
    config["auth"] = json!({ "bearer": "canary-text" });
    assert!(!format!("{:?}", crate::parse(&config, "wms").unwrap_err()).contains("canary"));
}

#[test]
fn any_value_in_any_place_is_a_problem_or_a_configuration_and_never_a_panic() {
    let whole = json!({
        "connector": "http", "base_url": "https://wms.example", "auth": { "basic": { "user": "u", "password": "p" } },
        "tls": { "ca": "x" }, "limits": { "timeout": "1s", "concurrency": 3 }, "idle_timeout": "1s",
        "operations": { "a": {
            "request": { "method": "PUT", "path": "/x/{{ .a }}", "query": { "a": "{{ .b }}" }, "headers": { "X-A": "{{ .c }}" },
                "idempotency_header": "K", "body": true },
            "verify": { "path": "/x", "delivered": [200], "absent": [404] },
            "answers": { "delivered": ["2xx"], "refused": [400] }, "timeout": "1s", "content_type": "a/b", "foreign_key": "/a"
        } },
        "sources": { "s": { "webhook": { "signature": "hmac-sha256", "header": "X", "secret": ["a", "b"] } },
            "f": { "files": { "folder": "x", "pattern": "*" }, "format": { "csv": { "delimiter": ";" } } } }
    });
    assert!(crate::parse(&whole, "wms").is_ok());
    let strange = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(""),
        json!("\u{0}"),
        json!("{{"),
        json!("${secret:"),
        json!([]),
        json!([[null]]),
        json!({}),
        json!({ "": {} }),
        json!("x".repeat(100_000)),
    ];
    let mut paths = Vec::new();
    collect(&whole, String::new(), &mut paths);
    assert!(paths.len() > 40);
    for path in &paths {
        for value in &strange {
            let mut changed = whole.clone();
            *changed.pointer_mut(path).unwrap() = value.clone();
            if let Err(reasons) = crate::parse(&changed, "wms") {
                assert!(
                    !reasons.is_empty() && reasons.iter().all(|reason| reason.message.len() < 2_000),
                    "{path}"
                );
            }
        }
    }
}

fn collect(value: &Value, at: String, paths: &mut Vec<String>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(n, value)| (n.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (key, value) in inner {
        collect(value, format!("{at}/{key}"), paths);
    }
    paths.push(at);
}
