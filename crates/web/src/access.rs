//! Who may do what: who calls is found here, what they may is decided by the policies.
//!
//! A token's scopes say what it may be used for at all; the policies say what its holder may see and do. Both must agree.

mod caller;
mod tokens;

use std::collections::HashMap;
use std::sync::Arc;

use http::request::Parts;
use http::{StatusCode, header};
use lineshaft_access::{Policies, Principal, ReaderSight};
use lineshaft_model::{Millis, Reason};
use parking_lot::{Mutex, RwLock};

pub use caller::Caller;
pub use tokens::{NewToken, TokenFile, TokenOptions, TokenRow};

use crate::console::same_origin;
use crate::problem::Problem;

/// What a token may be used for. Each handler asks for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Send events and inputs.
    Send,
    /// See what the policies show.
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

/// The scopes that somebody of these roles has when none are named.
#[must_use]
pub fn scopes_of(roles: &[String]) -> Vec<Scope> {
    let mut scopes: Vec<Scope> = Vec::new();
    for role in roles {
        scopes.extend(match role.as_str() {
            "integration-engineer" => &[Scope::Admin][..],
            "operator" | "buyer" | "planner" | "warehouse-lead" => &[Scope::Read, Scope::Operate],
            "application" => &[Scope::Read, Scope::Send],
            "agent" => &[Scope::Send],
            _ => &[Scope::Read],
        });
    }
    scopes.sort_unstable();
    scopes.dedup();
    scopes
}

/// The roles of somebody who was given scopes and no role: who may read sees everything, as before there were roles.
#[must_use]
pub fn roles_of(scopes: &[Scope]) -> Vec<String> {
    let has = |scope| scopes.contains(&scope);
    let mut roles = Vec::new();
    if has(Scope::Admin) {
        roles.push("integration-engineer".to_owned());
    }
    if has(Scope::Operate) {
        roles.push("operator".to_owned());
    }
    if has(Scope::Read) || has(Scope::Send) {
        roles.push("application".to_owned());
    }
    roles
}

/// Sights remembered at most. With more callers than that some are made again.
const MOST_SIGHTS: usize = 4_096;

/// Who is known, and what they may.
#[derive(Debug)]
pub struct Access {
    tokens: TokenFile,
    rules: RwLock<Rules>,
    sights: Mutex<HashMap<Principal, Arc<ReaderSight>>>,
}

/// What is decided by.
#[derive(Clone, Debug)]
struct Rules {
    policies: Arc<Policies>,
    tenant: String,
}

/// The browser's session: unreadable by scripts, sent to this host only.
pub const COOKIE: &str = "lineshaft_session";

/// The same where the browser speaks TLS: no other host can set a cookie of this name.
pub const HOST_COOKIE: &str = "__Host-lineshaft_session";

impl Access {
    /// Access by the tokens of a file, to what belongs to this tenant, by these policies.
    #[must_use]
    pub fn new(tokens: TokenFile, policies: Arc<Policies>, tenant: &str) -> Self {
        let rules = Rules { policies, tenant: tenant.to_owned() };
        Self { tokens, rules: RwLock::new(rules), sights: Mutex::default() }
    }

    /// Decides by these policies from now on.
    pub fn configure(&self, policies: Arc<Policies>, tenant: &str) {
        *self.rules.write() = Rules { policies, tenant: tenant.to_owned() };
        self.sights.lock().clear();
    }

    /// The caller that a token stands for.
    #[must_use]
    pub fn caller(&self, token: &str, now: Millis) -> Option<Caller> {
        let (principal, scopes) = self.tokens.find(token, now)?;
        Some(self.known(principal, scopes))
    }

    /// A caller whose name was found to be right.
    pub(crate) fn known(&self, mut principal: Principal, scopes: Vec<Scope>) -> Caller {
        let rules = self.rules.read().clone();
        principal.tenant = rules.tenant;
        let mut sights = self.sights.lock();
        let sight = match sights.get(&principal) {
            Some(sight) => Arc::clone(sight),
            None => {
                let sight = Arc::new(ReaderSight::new(rules.policies, principal.clone()));
                if sights.len() >= MOST_SIGHTS {
                    sights.clear();
                }
                sights.insert(principal.clone(), Arc::clone(&sight));
                sight
            }
        };
        drop(sights);
        Caller { name: principal.name.clone(), scopes, system: principal.system.clone(), principal, sight }
    }

    /// The caller of a request: a bearer token, or the browser's cookie.
    pub fn of_request(&self, parts: &Parts, now: Millis) -> Result<Caller, Problem> {
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

/// What the browser's cookie holds.
#[must_use]
pub fn cookie(parts: &Parts) -> Option<&str> {
    named_cookie(parts, HOST_COOKIE).or_else(|| named_cookie(parts, COOKIE))
}

/// The value of a cookie.
pub(crate) fn named_cookie<'a>(parts: &'a Parts, wanted: &str) -> Option<&'a str> {
    let cookies = parts.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == wanted).then_some(value))
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }

    /// What a window shows goes through `api::read`, which sees with the caller's eyes.
    #[test]
    fn no_window_reads_past_the_callers_sight() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut found = Vec::new();
        sources(&root, &mut found);
        let word = concat!(".read", "ing()");
        for path in found {
            let text = std::fs::read_to_string(&path).unwrap();
            for (n, line) in text.lines().enumerate().filter(|(_, line)| line.contains(word)) {
                let seen = line.contains("seen_by");
                // The planner reads the objects it is asked about for itself; what it answers is filtered by site.
                let planner = line.contains("planner.what_if(");
                assert!(seen || planner, "{}:{}: {line}", path.display(), n + 1);
            }
        }
    }
}
