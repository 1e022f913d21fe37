//! Vectors and forgeries for the webhook gates.

use serde_json::{Value, json};

use super::*;
use crate::secrets::tests::Listed;
use crate::settings::Problems;

/// Base64 of the 24 bytes 0 to 23.
const OLD: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
/// Base64 of the 24 bytes 24 to 47.
const NEW: &str = "whsec_GBkaGxwdHh8gISIjJCUmJygpKissLS4v";
const BODY: &[u8] = br#"{"item":"4711","counted":"12"}"#;
const SECONDS: &str = "1795411800";
const NOW: Millis = Millis(1_795_411_800_000);

fn gate(webhook: &Value) -> Arc<dyn Gate> {
    let problems = Problems::default();
    let section = Section::open(webhook, "/webhook".to_owned(), &problems).unwrap();
    let config = WebhookConfig::parse(section, "wms", "counts").unwrap().unwrap();
    assert_eq!(problems.into_result(Some(())), Ok(()));
    let secrets = Listed(vec![
        ("wms-counts", OLD),
        ("old", OLD),
        ("new", NEW),
        ("plain", "It's a Secret to Everybody"),
    ]);
    config.build(&secrets).unwrap()
}

fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in list {
        headers.append(*name, value.parse().unwrap());
    }
    headers
}

fn standard(signature: &str) -> HeaderMap {
    headers(&[("webhook-id", "msg_1"), ("webhook-timestamp", SECONDS), ("webhook-signature", signature)])
}

// Computed with: printf '%s' 'msg_1.1795411800.{"item":"4711","counted":"12"}' |
//   openssl dgst -sha256 -mac HMAC -macopt hexkey:000102030405060708090a0b0c0d0e0f1011121314151617 -binary | base64
const SIGNED_OLD: &str = "v1,n9yQ9HKLsXVJRwlnLFWfpz9Vefp4z4C4OUwInTmSAkY=";
const SIGNED_NEW: &str = "v1,VVVeMTPGocrvH4Y+mgKbBcLNXnNi7TqEot162+1Vgus=";

#[test]
fn a_signed_message_comes_in_with_its_id() {
    let gate = gate(&json!({ "signature": "standard-webhooks" }));
    let admitted = gate.check(&standard(SIGNED_OLD), BODY, NOW).unwrap();
    assert_eq!(admitted.identity.as_deref(), Some("msg_1"));
}

#[test]
fn while_the_key_changes_both_are_good_and_either_signature_will_do() {
    let gate =
        gate(&json!({ "signature": "standard-webhooks", "secret": ["${secret:new}", "${secret:old}"] }));
    for signature in
        [SIGNED_OLD, SIGNED_NEW, &format!("v1a,xyz {SIGNED_NEW}"), &format!("v1,AAAA {SIGNED_OLD}")]
    {
        assert!(gate.check(&standard(signature), BODY, NOW).is_ok(), "{signature}");
    }
}

#[test]
fn nothing_forged_comes_in() {
    let gate = gate(&json!({ "signature": "standard-webhooks" }));
    let refused = |headers: &HeaderMap, body: &[u8], now| gate.check(headers, body, now).unwrap_err().code;
    assert_eq!(refused(&standard(SIGNED_NEW), BODY, NOW), "webhook-signature", "another key");
    assert_eq!(refused(&standard(SIGNED_OLD), b"{}", NOW), "webhook-signature", "another body");
    assert_eq!(
        refused(&standard(SIGNED_OLD.trim_start_matches("v1,")), BODY, NOW),
        "webhook-signature",
        "no version"
    );
    assert_eq!(refused(&standard("v1,"), BODY, NOW), "webhook-signature", "empty");
    let mut other_id = standard(SIGNED_OLD);
    other_id.insert("webhook-id", "msg_2".parse().unwrap());
    assert_eq!(refused(&other_id, BODY, NOW), "webhook-signature", "another id");
    let mut twice = standard(SIGNED_OLD);
    twice.append("webhook-id", "msg_2".parse().unwrap());
    assert_eq!(refused(&twice, BODY, NOW), "webhook-header");
    assert_eq!(refused(&HeaderMap::new(), BODY, NOW), "webhook-header");
}

#[test]
fn the_window_is_five_minutes_either_way() {
    let gate = gate(&json!({ "signature": "standard-webhooks" }));
    let check = |now: i64| gate.check(&standard(SIGNED_OLD), BODY, Millis(now)).map_err(|reason| reason.code);
    assert!(check(NOW.0 + WINDOW_MS).is_ok());
    assert!(check(NOW.0 - WINDOW_MS).is_ok());
    assert_eq!(check(NOW.0 + WINDOW_MS + 1), Err("webhook-expired".to_owned()));
    assert_eq!(check(NOW.0 - WINDOW_MS - 1), Err("webhook-expired".to_owned()));
    for odd in ["99999999999999999999", "-1795411800", "now", "+1795411800"] {
        let mut headers = standard(SIGNED_OLD);
        headers.insert("webhook-timestamp", odd.parse().unwrap());
        assert_eq!(gate.check(&headers, BODY, NOW).unwrap_err().code, "webhook-timestamp", "{odd}");
    }
}

#[test]
fn a_plain_hmac_is_taken_in_hexadecimal_and_base64() {
    // The example of GitHub's documentation on validating webhook deliveries.
    let body = b"Hello, World!";
    let hex = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let config = json!({
        "signature": "hmac-sha256", "header": "X-Hub-Signature-256", "secret": "${secret:plain}",
        "identity_header": "X-GitHub-Delivery"
    });
    let gate = gate(&config);
    let base64 = BASE64_STANDARD.encode(hex::decode(hex).unwrap());
    for value in [&format!("sha256={hex}"), hex, &base64] {
        let headers = headers(&[("x-hub-signature-256", value), ("x-github-delivery", "d-1")]);
        assert_eq!(gate.check(&headers, body, NOW).unwrap().identity.as_deref(), Some("d-1"));
        assert_eq!(gate.check(&headers, b"Hello, World?", NOW).unwrap_err().code, "webhook-signature");
    }
    let unnamed = headers(&[("x-hub-signature-256", hex)]);
    assert_eq!(gate.check(&unnamed, body, NOW).unwrap_err().code, "webhook-header");
}

#[test]
fn a_login_is_taken_when_both_parts_are_right() {
    let config = json!({
        "signature": "basic", "user": "wms", "secret": ["${secret:new}", "${secret:plain}"], "identity_header": "X-Id"
    });
    let gate = gate(&config);
    let check = |authorization: &str| {
        gate.check(&headers(&[("authorization", authorization), ("x-id", "m-1")]), BODY, NOW)
    };
    let basic = |pair: &str| format!("Basic {}", BASE64_STANDARD.encode(pair));
    let passed = check(&basic("wms:It's a Secret to Everybody")).unwrap();
    assert_eq!(passed.identity.as_deref(), Some("m-1"));
    assert!(check(&basic(&format!("wms:{NEW}"))).is_ok(), "while the password changes both are good");
    let bearer = basic("wms:It's a Secret to Everybody").replace("Basic", "Bearer");
    for bad in [&basic("wms:"), &basic("erp:It's a Secret to Everybody"), &bearer, "Basic", "Basic !!!"] {
        assert_eq!(check(bad).unwrap_err().code, "webhook-login", "{bad}");
    }
    assert_eq!(gate.check(&HeaderMap::new(), BODY, NOW).unwrap_err().code, "webhook-header");
}

#[test]
fn problems_are_found_when_the_configuration_is_read() {
    let check = |webhook: Value| {
        let problems = Problems::default();
        let section = Section::open(&webhook, "/w".to_owned(), &problems).unwrap();
        let _ = WebhookConfig::parse(section, "wms", "counts");
        let reasons = problems.into_result(Some(())).unwrap_err();
        reasons.iter().map(|reason| format!("{} {}", reason.at, reason.code)).collect::<Vec<_>>()
    };
    assert_eq!(check(json!({})), ["/w setting-missing"]);
    assert_eq!(check(json!({ "signature": "standard-webhook" })), ["/w/signature setting-choice"]);
    assert_eq!(check(json!({ "signature": "hmac-sha256" })), ["/w setting-missing"]);
    assert_eq!(check(json!({ "signature": "standard-webhooks", "secret": [] })), ["/w/secret setting-range"]);
    assert_eq!(check(json!({ "signature": "basic", "user": "a:b" })), ["/w/user auth-user"]);
    assert_eq!(check(json!({ "signature": "none", "secret": "x" })), ["/w/secret setting-unknown"]);
}

#[test]
fn a_secret_that_is_no_key_is_refused_without_being_shown() {
    let config = WebhookConfig {
        scheme: Scheme::StandardWebhooks,
        secrets: vec![SecretText::parse("canary-not-base64!", "/w/secret").unwrap()],
    };
    let reason = config.build(&crate::NoSecrets).unwrap_err();
    assert_eq!((reason.code.as_str(), reason.at.as_str()), ("webhook-secret", "/w/secret"));
    assert!(!format!("{reason:?} {config:?}").contains("canary"));
}
