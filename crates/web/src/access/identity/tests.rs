//! Tokens and logins of providers, right and wrong.

use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{EncodingKey, Header, encode};
use parking_lot::Mutex;
use serde_json::json;

use super::*;

const NOW: Millis = Millis(1_795_420_800_000);
const NOW_S: i64 = NOW.0 / 1_000;
const ISSUER: &str = "https://idp.example";

/// A key of the provider's.
struct Key {
    kid: &'static str,
    pair: rcgen::KeyPair,
}

impl Key {
    fn new(kid: &'static str) -> Self {
        Self { kid, pair: rcgen::KeyPair::generate().unwrap() }
    }

    fn jwk(&self) -> Value {
        let raw = self.pair.public_key_raw();
        let part = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&raw[range]);
        json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.kid, "x": part(1..33), "y": part(33..65) })
    }

    fn sign(&self, claims: &Value) -> String {
        self.sign_as(&Header { kid: Some(self.kid.to_owned()), ..Header::new(Algorithm::ES256) }, claims)
    }

    fn sign_as(&self, header: &Header, claims: &Value) -> String {
        encode(header, claims, &EncodingKey::from_ec_der(&self.pair.serialize_der())).unwrap()
    }
}

/// A provider on paper: what it answers, and how often it was asked.
#[derive(Default)]
struct Paper {
    keys: Mutex<Vec<Value>>,
    asked: AtomicUsize,
    down: Mutex<bool>,
    id_token: Mutex<String>,
    form: Mutex<String>,
}

impl Fetch for Paper {
    fn get<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Bytes, Reason>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            if *self.down.lock() {
                return Err(Reason::new("identity-unreachable", "down"));
            }
            let answer = if url.ends_with("/keys") {
                self.asked.fetch_add(1, Ordering::Relaxed);
                json!({ "keys": *self.keys.lock() })
            } else {
                json!({ "issuer": ISSUER, "jwks_uri": "https://idp.example/keys",
                        "authorization_endpoint": "https://idp.example/auth", "token_endpoint": "https://idp.example/token" })
            };
            Ok(Bytes::from(answer.to_string()))
        })
    }

    fn post_form<'a>(
        &'a self,
        _url: &'a str,
        _login: Option<(&'a str, &'a SecretString)>,
        form: String,
    ) -> BoxFuture<'a, Result<Bytes, Reason>> {
        *self.form.lock() = form;
        let answer = json!({ "id_token": *self.id_token.lock(), "token_type": "Bearer" });
        Box::pin(async move { Ok(Bytes::from(answer.to_string())) })
    }
}

fn options() -> ProviderOptions {
    let texts = ["sub", "groups", "partner", "", ""].map(str::to_owned);
    let [name, roles, partner, sites, system] = texts;
    ProviderOptions {
        name: "plant".to_owned(),
        title: "Plant".to_owned(),
        issuer: ISSUER.to_owned(),
        audience: Some("lineshaft".to_owned()),
        algorithms: vec![Algorithm::RS256, Algorithm::ES256],
        jwks: None,
        claims: ClaimNames { name, roles, partner, sites, system },
        roles: [("suppliers".to_owned(), "supplier".to_owned())].into(),
        login: Some(LoginOptions {
            client_id: "console".to_owned(),
            client_secret: None,
            redirect: "https://hub.example/login/return".to_owned(),
            scopes: vec!["openid".to_owned()],
        }),
    }
}

fn provider(keys: &[&Key]) -> (Arc<Paper>, Provider) {
    let paper = Arc::new(Paper::default());
    *paper.keys.lock() = keys.iter().map(|key| key.jwk()).collect();
    let provider = Provider::new(options(), Arc::clone(&paper) as Arc<dyn Fetch>);
    (paper, provider)
}

fn claims() -> Value {
    json!({ "iss": ISSUER, "aud": "lineshaft", "sub": "acme-edi", "groups": ["suppliers", "everybody"], "partner": "S1",
            "iat": NOW_S - 10, "exp": NOW_S + 300 })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

#[tokio::test]
async fn a_right_token_is_who_it_says_bound_as_it_says() {
    let key = Key::new("k1");
    let (_, provider) = provider(&[&key]);
    let token = key.sign(&claims());
    assert!(provider.issued(&token));
    let who = provider.machine(&token, NOW).await.unwrap();
    assert_eq!((who.name.as_str(), who.partner.as_str()), ("plant:acme-edi", "S1"));
    assert_eq!((who.roles, who.kind), (vec!["supplier".to_owned()], Kind::Machine));
}

#[tokio::test]
async fn whatever_is_not_as_agreed_is_refused() {
    let (key, stranger) = (Key::new("k1"), Key::new("k1"));
    let (_, provider) = provider(&[&key]);
    let good = key.sign(&claims());
    let mut parts: Vec<&str> = good.split('.').collect();
    let forged = URL_SAFE_NO_PAD.encode(with("partner", json!("S2")).to_string());
    parts[1] = &forged;
    let none = format!(
        "{}.{}.",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#),
        URL_SAFE_NO_PAD.encode(claims().to_string())
    );
    // The public key, taken as a shared secret.
    let shared = Header { kid: Some("k1".to_owned()), ..Header::new(Algorithm::HS256) };
    let shared = encode(&shared, &claims(), &EncodingKey::from_secret(key.pair.public_key_raw())).unwrap();
    let typed = Header {
        kid: Some("k1".to_owned()),
        typ: Some("dpop+jwt".to_owned()),
        ..Header::new(Algorithm::ES256)
    };
    let mut endless = claims();
    endless.as_object_mut().unwrap().remove("exp");
    let mut unbound = claims();
    unbound.as_object_mut().unwrap().remove("partner");
    let wrong = [
        ("another's signature", stranger.sign(&claims())),
        ("claims that were changed", parts.join(".")),
        ("no signature", none),
        ("a shared secret", shared),
        ("another type", key.sign_as(&typed, &claims())),
        ("an end that has passed", key.sign(&with("exp", json!(NOW_S - 61)))),
        ("no end", key.sign(&endless)),
        ("a beginning to come", key.sign(&with("nbf", json!(NOW_S + 61)))),
        ("issued tomorrow", key.sign(&with("iat", json!(NOW_S + 86_400)))),
        ("another audience", key.sign(&with("aud", json!("elsewhere")))),
        ("another issuer", key.sign(&with("iss", json!("https://evil.example")))),
        ("a login's token", key.sign(&with("nonce", json!("n")))),
        ("nobody's name", key.sign(&with("sub", json!("")))),
        ("no partner where one is asked", key.sign(&unbound)),
        ("partners, where one is asked", key.sign(&with("partner", json!(["S1", "S2"])))),
        ("a number for a partner", key.sign(&with("partner", json!(7)))),
        ("an end that is a word", key.sign(&with("exp", json!("soon")))),
        ("too long", key.sign(&with("pad", json!("x".repeat(20_000))))),
        ("not a token", "a.b.c".to_owned()),
    ];
    for (what, token) in wrong {
        let refused = provider.machine(&token, NOW).await;
        assert_eq!(refused.unwrap_err().code, "unauthorised", "{what}");
    }
}

#[tokio::test]
async fn keys_change_and_are_asked_for_once_however_many_wait() {
    let (old, new) = (Key::new("k1"), Key::new("k2"));
    let (paper, provider) = provider(&[&old]);
    provider.machine(&old.sign(&claims()), NOW).await.unwrap();
    assert_eq!(paper.asked.load(Ordering::Relaxed), 1);
    paper.keys.lock().push(new.jwk());
    // Asked a moment ago: not again for whoever makes names of keys up.
    assert!(provider.machine(&new.sign(&claims()), NOW.plus(1_000)).await.is_err());
    let later = NOW.plus(20_000);
    let token = new.sign(&claims());
    let many = (0..50).map(|_| provider.machine(&token, later));
    for outcome in futures::future::join_all(many).await {
        outcome.unwrap();
    }
    assert_eq!(paper.asked.load(Ordering::Relaxed), 2);
    // Withdrawn keys end with the hour, and a provider that is down does not end the others.
    *paper.keys.lock() = vec![new.jwk()];
    let hour = NOW.plus(3_700_000);
    let lasting = |key: &Key| key.sign(&with("exp", json!(NOW_S + 90_000_000)));
    assert!(provider.machine(&lasting(&old), hour).await.is_err());
    *paper.down.lock() = true;
    provider.machine(&lasting(&new), hour.plus(3_700_000)).await.unwrap();
    let day = hour.plus(25 * 3_600_000);
    assert_eq!(provider.machine(&lasting(&new), day).await.unwrap_err().code, "identity-unreachable");
}

/// What stands in an address's query.
fn query(address: &str, name: &str) -> String {
    let fields: Vec<(String, String)> =
        serde_urlencoded::from_str(address.split_once('?').unwrap().1).unwrap();
    fields.into_iter().find(|(known, _)| known == name).unwrap().1
}

#[tokio::test]
async fn a_login_is_finished_once_with_its_own_nonce_and_verifier() {
    use sha2::{Digest, Sha256};
    let key = Key::new("k1");
    let (paper, provider) = provider(&[&key]);
    let logins = Logins::default();
    let (state, address) = provider.begin(&logins, "/events", NOW).await.unwrap();
    assert!(
        address.starts_with("https://idp.example/auth?response_type=code&client_id=console&"),
        "{address}"
    );
    assert_eq!(
        (query(&address, "state"), query(&address, "code_challenge_method")),
        (state.clone(), "S256".to_owned())
    );
    let begun = logins.take(&state, NOW).unwrap();
    assert!(logins.take(&state, NOW).is_none(), "it can be finished once");
    assert!(logins.take("made-up", NOW).is_none());
    let told = |nonce: &str, azp: &str| {
        let mut claims = claims();
        claims["aud"] = json!(["console", "other"]);
        claims["nonce"] = json!(nonce);
        claims["azp"] = json!(azp);
        claims
    };
    let nonce = query(&address, "nonce");
    for wrong in [told("another", "console"), told(&nonce, "other"), with("nonce", json!(nonce))] {
        *paper.id_token.lock() = key.sign(&wrong);
        assert_eq!(provider.finish(&begun, "code", NOW).await.unwrap_err().code, "unauthorised");
    }
    *paper.id_token.lock() = key.sign(&told(&nonce, "console"));
    let who = provider.finish(&begun, "code", NOW).await.unwrap();
    assert_eq!((who.name.as_str(), who.kind), ("plant:acme-edi", Kind::User));
    let form: std::collections::HashMap<String, String> =
        serde_urlencoded::from_str(&paper.form.lock()).unwrap();
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"].as_bytes()));
    assert_eq!(challenge, query(&address, "code_challenge"));
    assert_eq!((form["client_id"].as_str(), form["grant_type"].as_str()), ("console", "authorization_code"));
    let (state, _) = provider.begin(&logins, "/", NOW).await.unwrap();
    assert!(logins.take(&state, NOW.plus(600_000)).is_none(), "it took too long");
}
