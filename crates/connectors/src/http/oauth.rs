//! OAuth 2.0 client credentials (RFC 6749, section 4.4): one token for a whole system, fetched by one call at a time.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lineshaft_model::Reason;
use lineshaft_model::json::{Limits, Value};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::client::{Client, Reply};
use super::connect::Dial;
use super::detail;
use super::pool::Pool;
use super::request::percent_encode;
use super::target::Target;
use crate::settings::Section;
use crate::tls::TlsSettings;
use crate::{SecretText, Surroundings};

/// `auth.oauth2` of a system.
#[derive(Clone, Debug)]
pub(super) struct OAuthSettings {
    pub(super) target: Target,
    client_id: SecretText,
    client_secret: SecretText,
    scope: Option<String>,
    parameters: Vec<(String, String)>,
    login: ClientLogin,
    ca: Ca,
    /// The same for all operations and sources of the system.
    tokens: Arc<Tokens>,
}

/// Where the client's own login stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClientLogin {
    Header,
    Body,
}

#[derive(Clone, Debug)]
enum Ca {
    OfSystem,
    Machine,
    File(String, String),
}

/// The token that is good now, and the one place where it is fetched.
#[derive(Debug, Default)]
struct Tokens {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    /// The last attempt that failed: those who waited for it share what it came to.
    failed: Option<(Instant, Reason)>,
    count: u64,
}

struct Token {
    value: SecretString,
    until: Instant,
    number: u64,
}

/// A token to be sent.
pub(super) struct Pass {
    pub(super) value: SecretString,
    number: u64,
    /// Whether it was fetched for this very call: then another one would be no better.
    pub(super) fresh: bool,
}

/// Fetches tokens.
pub(super) struct OAuth {
    client: Client,
    head: SecretString,
    body: SecretString,
    secrets: Vec<SecretString>,
    tokens: Arc<Tokens>,
}

/// A token whose server does not say how long it is good for.
const USUAL_LIFE_S: u64 = 300;
const LONGEST_LIFE_S: u64 = 86_400;
/// An answer with a token is small.
const MOST_ANSWER_BYTES: u64 = 256 * 1024;

impl OAuthSettings {
    /// Reads `oauth2`.
    pub(super) fn parse(mut section: Section<'_>) -> Option<Self> {
        let example = "name the address that gives tokens: token_url: https://login.example/oauth2/token";
        let target = section.required_text("token_url", example).and_then(|url| {
            Target::read(url, false)
                .map_err(|(message, hint)| section.problem("token_url", "base-url-malformed", message, hint))
                .ok()
        });
        let client_id = section.secret("client_id", "name the client: client_id: lineshaft");
        let client_secret =
            section.secret("client_secret", "name the secret: client_secret: ${secret:erp-client}");
        let scope = section.text("scope").map(str::to_owned);
        let parameters = section.texts("parameters");
        let login = section.choice(
            "client_login",
            ClientLogin::Header,
            &[("basic", ClientLogin::Header), ("body", ClientLogin::Body)],
        );
        let ca = match section.text("ca") {
            None => Ca::OfSystem,
            Some("machine") => Ca::Machine,
            Some(file) => Ca::File(file.to_owned(), section.here().to_owned()),
        };
        section.finish();
        Some(Self {
            target: target?,
            client_id: client_id?,
            client_secret: client_secret?,
            scope,
            parameters: parameters.into_iter().map(|(k, v, _)| (k.to_owned(), v.to_owned())).collect(),
            login,
            ca,
            tokens: Arc::new(Tokens::default()),
        })
    }

    /// Resolves the secrets. `tls` is the system's.
    pub(super) fn build(
        &self,
        tls: &TlsSettings,
        timeout_ms: u64,
        with: &Surroundings<'_>,
    ) -> Result<OAuth, Reason> {
        let id = self.client_id.resolve(with.secrets)?;
        let secret = self.client_secret.resolve(with.secrets)?;
        let (id_text, secret_text) =
            (percent_encode(id.expose_secret()), percent_encode(secret.expose_secret()));
        let mut body = "grant_type=client_credentials".to_owned();
        let mut add = |name: &str, value: &str| {
            for part in ["&", &percent_encode(name), "=", &percent_encode(value)] {
                body.push_str(part);
            }
        };
        if let Some(scope) = &self.scope {
            add("scope", scope);
        }
        for (name, value) in &self.parameters {
            add(name, value);
        }
        let mut login = String::new();
        match self.login {
            // Both are form-encoded first (RFC 6749, section 2.3.1).
            ClientLogin::Header => {
                let pair = format!("{id_text}:{secret_text}");
                login = format!("authorization: Basic {}\r\n", BASE64_STANDARD.encode(pair));
            }
            ClientLogin::Body => {
                add("client_id", id.expose_secret());
                add("client_secret", secret.expose_secret());
            }
        }
        let path = if self.target.base_path.is_empty() { "/" } else { &self.target.base_path };
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\nuser-agent: {}\r\naccept: application/json\r\n\
             content-type: application/x-www-form-urlencoded\r\n{login}content-length: {}\r\n\r\n",
            self.target.authority,
            super::USER_AGENT,
            body.len()
        );
        let tls = match &self.ca {
            Ca::OfSystem => tls.clone(),
            Ca::Machine => tls.with_machine_authorities(),
            Ca::File(file, at) => tls.with_authority(file, at),
        };
        let dial = Dial {
            tls: if self.target.tls { Some(tls.client(super::ALPN, with)?) } else { None },
            target: self.target.clone(),
            outbound: Arc::clone(with.outbound),
            limit_ms: timeout_ms.min(5_000),
        };
        let client =
            Client { dial, pool: Pool::new(1, 30_000), timeout_ms, answer_limit_bytes: MOST_ANSWER_BYTES };
        Ok(OAuth {
            client,
            head: SecretString::from(head),
            body: SecretString::from(body),
            secrets: vec![secret],
            tokens: Arc::clone(&self.tokens),
        })
    }
}

impl OAuth {
    /// A token that is good now. However many ask at once, one of them fetches it and the others wait for what comes.
    pub(super) async fn pass(&self) -> Result<Pass, Reason> {
        let asked = Instant::now();
        let mut state = self.tokens.state.lock().await;
        let now = Instant::now();
        if let Some(token) = state.token.as_ref().filter(|token| token.until > now) {
            return Ok(Pass { value: token.value.clone(), number: token.number, fresh: false });
        }
        if let Some((at, reason)) = &state.failed
            && *at >= asked
        {
            return Err(reason.clone());
        }
        match self.fetch().await {
            Ok((value, life_s)) => {
                state.count += 1;
                // Left alone shortly before its end, so that it does not end on the way.
                let life = Duration::from_secs(life_s.saturating_sub((life_s / 10).min(30)));
                let number = state.count;
                state.token = Some(Token { value: value.clone(), until: Instant::now() + life, number });
                state.failed = None;
                Ok(Pass { value, number, fresh: true })
            }
            Err(reason) => {
                state.token = None;
                state.failed = Some((Instant::now(), reason.clone()));
                Err(reason)
            }
        }
    }

    /// The target did not take this token: the next call fetches another one.
    pub(super) async fn forget(&self, pass: &Pass) {
        let mut state = self.tokens.state.lock().await;
        if state.token.as_ref().is_some_and(|token| token.number == pass.number) {
            state.token = None;
        }
    }

    async fn fetch(&self) -> Result<(SecretString, u64), Reason> {
        let head = self.head.expose_secret().as_bytes();
        let reply = self.client.call("POST", head, self.body.expose_secret().as_bytes()).await;
        let reply = reply.map_err(|reason| Reason {
            message: format!("no token: {}", reason.message),
            ..reason.hint("check `auth.oauth2.token_url`")
        })?;
        self.read(&reply)
    }

    fn read(&self, reply: &Reply) -> Result<(SecretString, u64), Reason> {
        let whose = &self.client.dial.target.authority;
        if !(200..300).contains(&reply.status) {
            let words = detail::words(&reply.body, &self.secrets);
            let colon = if words.is_empty() { "" } else { ": " };
            return Err(Reason::new(
                "oauth-refused",
                format!("{whose} gave no token and answered {}{colon}{words}", reply.status),
            )
            .hint("check `client_id`, `client_secret` and `scope` of `auth.oauth2`, and the client's rights there"));
        }
        let unusable = |why: &str| {
            Reason::new("oauth-answer", format!("the answer of {whose} holds no token: {why}"))
                .hint("check that `token_url` is the token endpoint")
        };
        if !reply.whole {
            return Err(unusable("it is cut off, or longer than a token's answer"));
        }
        let value = Value::parse(&reply.body, &Limits::DEFAULT).map_err(|_| unusable("it is no JSON"))?;
        let token = value.get("access_token").and_then(Value::as_str).unwrap_or_default();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(unusable("`access_token` is missing, or cannot be sent in a header"));
        }
        let kind = value.get("token_type").and_then(Value::as_str).unwrap_or("Bearer");
        if !kind.eq_ignore_ascii_case("bearer") {
            return Err(unusable("its `token_type` is not Bearer"));
        }
        // A number by the standard; some servers write it as a text.
        let life = value.get("expires_in").and_then(|life| life.as_number().or_else(|| life.as_str()));
        let life_s = life.and_then(|life| life.parse().ok()).unwrap_or(USUAL_LIFE_S);
        Ok((SecretString::from(token), life_s.min(LONGEST_LIFE_S)))
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("count", &self.count).finish_non_exhaustive()
    }
}

impl fmt::Debug for OAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth").field("client", &self.client).finish_non_exhaustive()
    }
}
