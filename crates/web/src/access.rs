//! Who may do what: tokens, their scopes, and the check in front of every handler.

mod tokens;

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{StatusCode, header};
use lineshaft_model::Reason;

pub use tokens::{NewToken, TokenFile, TokenRow};

use crate::console::same_origin;
use crate::problem::Problem;
use crate::state::State;

/// What a token may be used for. Each handler asks for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Send events and inputs.
    Send,
    /// See everything.
    Read,
    /// Retry, discard, pause.
    Operate,
    /// Change the configuration.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 4] = [Self::Send, Self::Read, Self::Operate, Self::Admin];

    /// The word used by the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Admin => "admin",
        }
    }
}

impl std::str::FromStr for Scope {
    type Err = Reason;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or_else(|| {
            Reason::new("scope-unknown", format!("`{text}` is not a scope"))
                .hint("use send, read, operate or admin")
        })
    }
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The token's name.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The system it speaks for; empty for any.
    pub system: String,
}

impl Caller {
    /// Whether the caller has a scope; `admin` has all.
    #[must_use]
    pub fn has(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope) || self.scopes.contains(&Scope::Admin)
    }

    /// The names of its scopes, by which it is said who may change what.
    #[must_use]
    pub fn roles(&self) -> Vec<String> {
        self.scopes.iter().map(|scope| scope.as_str().to_owned()).collect()
    }

    /// Refuses a caller without the scope.
    pub fn need(&self, scope: Scope) -> Result<(), Problem> {
        if self.has(scope) {
            return Ok(());
        }
        let message = format!("the token `{}` may not {}", self.name, scope.as_str());
        let hint = format!("create one with `lineshaft token create NAME --scope {}`", scope.as_str());
        Err(Problem::with_status(StatusCode::FORBIDDEN, Reason::new("forbidden", message).hint(hint)))
    }
}

/// The tokens, and the name of the cookie that carries one in a browser.
#[derive(Debug)]
pub struct Access {
    tokens: TokenFile,
}

/// The browser's session: the token itself, unreadable by scripts, sent to this host only.
pub const COOKIE: &str = "lineshaft_session";

impl Access {
    /// Access by the tokens of a file.
    #[must_use]
    pub const fn new(tokens: TokenFile) -> Self {
        Self { tokens }
    }

    /// The caller that a token stands for.
    #[must_use]
    pub fn caller(&self, token: &str, now: lineshaft_model::Millis) -> Option<Caller> {
        self.tokens.find(token, now)
    }

    /// The caller of a request: a bearer token, or the browser's cookie.
    pub fn of_request(&self, parts: &Parts, now: lineshaft_model::Millis) -> Result<Caller, Problem> {
        let unauthorised = |message: &str| {
            let reason = Reason::new("unauthorised", message)
                .hint("send `Authorization: Bearer TOKEN`; `lineshaft token create` makes one");
            Problem::with_status(StatusCode::UNAUTHORIZED, reason)
        };
        let bearer = match parts.headers.get(header::AUTHORIZATION) {
            Some(value) => {
                let text = value.to_str().ok().and_then(|text| text.split_once(' '));
                match text {
                    Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Some(token.trim()),
                    _ => return Err(unauthorised("only bearer tokens are taken")),
                }
            }
            // A browser adds the cookie by itself, also to what another port of this host had it send.
            None => cookie(parts).filter(|_| parts.method.is_safe() || same_origin(&parts.headers)),
        };
        let token = bearer.ok_or_else(|| unauthorised("this needs a token"))?;
        self.caller(token, now).ok_or_else(|| unauthorised("the token is unknown, expired or revoked"))
    }
}

/// The token in the browser's cookie.
#[must_use]
pub fn cookie(parts: &Parts) -> Option<&str> {
    let cookies = parts.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == COOKIE).then_some(value))
}

impl FromRequestParts<State> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Problem> {
        state.access.of_request(parts, state.hub.now())
    }
}
