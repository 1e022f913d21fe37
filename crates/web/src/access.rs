//! Who may do what: who calls is found here, what they may is decided by the policies.
//!
//! A token's scopes say what it may be used for at all; the policies say what its holder may see and do. Both must agree.

mod attempts;
mod caller;
pub mod identity;
mod sessions;
mod stored;
mod tokens;
mod users;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use http::request::Parts;
use http::{StatusCode, header};
use lineshaft_access::{Policies, Principal, ReaderSight};
use lineshaft_model::{Millis, Reason};
use parking_lot::{Mutex, RwLock};
use tokio::sync::Semaphore;

pub use caller::Caller;
pub use tokens::{NewToken, TokenFile, TokenOptions, TokenRow};
pub use users::{UserFile, UserOptions, UserRow};

use attempts::Attempts;
use identity::{Fetch, Logins, Provider, ProviderOptions};
use sessions::{Holder, Sessions};

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

/// Passwords looked at at once: Argon2id takes 19 MiB and a core for each.
const PASSWORDS_AT_ONCE: usize = 2;

/// Sights remembered at most. With more callers than that some are made again.
const MOST_SIGHTS: usize = 4_096;

/// Who is known, and what they may.
#[derive(Debug)]
pub struct Access {
    tokens: TokenFile,
    users: Arc<UserFile>,
    sessions: Sessions,
    providers: Vec<Provider>,
    /// Logins at a provider that are under way.
    pub(crate) logins: Logins,
    /// Logins that failed of late.
    pub(crate) attempts: Attempts,
    /// Passwords looked at at once: each takes memory and time.
    passwords: Semaphore,
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
    /// Access by the tokens and people of a data folder, to what belongs to this tenant, by these policies.
    #[must_use]
    pub fn new(data: &Path, policies: Arc<Policies>, tenant: &str) -> Self {
        let rules = Rules { policies, tenant: tenant.to_owned() };
        Self {
            tokens: TokenFile::in_folder(data),
            users: Arc::new(UserFile::in_folder(data)),
            sessions: Sessions::default(),
            providers: Vec::new(),
            logins: Logins::default(),
            attempts: Attempts::default(),
            passwords: Semaphore::new(PASSWORDS_AT_ONCE),
            rules: RwLock::new(rules),
            sights: Mutex::default(),
        }
    }

    /// And by what these identity providers say.
    #[must_use]
    pub fn with_providers(mut self, providers: Vec<ProviderOptions>, fetch: &Arc<dyn Fetch>) -> Self {
        let provider = |options| Provider::new(options, Arc::clone(fetch));
        self.providers = providers.into_iter().map(provider).collect();
        self
    }

    /// The provider of this name.
    pub(crate) fn provider(&self, name: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.options.name == name)
    }

    /// The providers that people log in by: name and title.
    pub(crate) fn login_providers(&self) -> Vec<(String, String)> {
        let login = self.providers.iter().filter(|provider| provider.options.login.is_some());
        login.map(|provider| (provider.options.name.clone(), provider.options.title.clone())).collect()
    }

    /// Whether anybody logs in by a name and a password.
    pub(crate) fn has_users(&self) -> bool {
        self.users.has_some()
    }

    /// Begins a session of the person of a name, when the password is theirs: what its cookie holds.
    pub(crate) async fn log_in(&self, name: &str, password: String, now: Millis) -> Option<(Caller, String)> {
        let Ok(_place) = self.passwords.acquire().await else { return None };
        let (users, called) = (Arc::clone(&self.users), name.to_owned());
        let row = tokio::task::spawn_blocking(move || users.check(&called, &password)).await.ok()??;
        let holder = Holder::User { name: row.name.clone(), changed: row.changed };
        Some((self.known(row.principal(), row.scopes()), self.sessions.begin(holder, now)))
    }

    /// Begins a session of somebody whom a provider knows: what its cookie holds.
    pub(crate) fn begin_session(&self, principal: Principal, now: Millis) -> (Caller, String) {
        let scopes = scopes_of(&principal.roles);
        let holder = Holder::Foreign { principal: principal.clone(), scopes: scopes.clone() };
        (self.known(principal, scopes), self.sessions.begin(holder, now))
    }

    /// Ends the session of a cookie; a token in it stays good.
    pub(crate) fn end_session(&self, cookie: &str) {
        self.sessions.end(cookie);
    }

    /// Whose cookie this is: a session's, or that of a token which logged in.
    fn of_cookie(&self, cookie: &str, now: Millis) -> Option<Caller> {
        if !cookie.starts_with(sessions::PREFIX) {
            return self.caller(cookie, now);
        }
        match self.sessions.find(cookie, now)? {
            Holder::Foreign { principal, scopes } => Some(self.known(principal, scopes)),
            Holder::User { name, changed } => {
                let row = self.users.find(&name).filter(|row| row.changed == changed)?;
                Some(self.known(row.principal(), row.scopes()))
            }
        }
    }

    /// Whose bearer token this is: one of ours, or one that a provider signed.
    async fn of_bearer(&self, token: &str, now: Millis) -> Result<Option<Caller>, Reason> {
        if let Some(caller) = self.caller(token, now) {
            return Ok(Some(caller));
        }
        let Some(provider) = self.providers.iter().find(|provider| provider.issued(token)) else {
            return Ok(None);
        };
        let principal = provider.machine(token, now).await?;
        let scopes = scopes_of(&principal.roles);
        Ok(Some(self.known(principal, scopes)))
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
        // Held first: what other policies clear is not put back by who had looked before.
        let mut sights = self.sights.lock();
        let rules = self.rules.read().clone();
        principal.tenant = rules.tenant;
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
    pub async fn of_request(&self, parts: &Parts, now: Millis) -> Result<Caller, Problem> {
        let unauthorised = |message: &str| {
            let reason = Reason::new("unauthorised", message)
                .hint("send `Authorization: Bearer TOKEN`; `lineshaft token create` makes one");
            Problem::with_status(StatusCode::UNAUTHORIZED, reason)
        };
        let unknown = || unauthorised("the token is unknown, expired or revoked");
        match parts.headers.get(header::AUTHORIZATION) {
            Some(value) => {
                let text = value.to_str().ok().and_then(|text| text.split_once(' '));
                let Some((_, token)) = text.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
                else {
                    return Err(unauthorised("only bearer tokens are taken"));
                };
                let found =
                    self.of_bearer(token.trim(), now).await.map_err(|reason| match reason.code.as_str() {
                        "unauthorised" => Problem::with_status(StatusCode::UNAUTHORIZED, reason),
                        // Whoever should know the token cannot be asked.
                        _ => Problem::busy(5_000, reason.message),
                    })?;
                found.ok_or_else(unknown)
            }
            None => {
                // A browser adds the cookie by itself, also to what another port of this host had it send.
                let cookie = cookie(parts).filter(|_| parts.method.is_safe() || same_origin(&parts.headers));
                let cookie = cookie.ok_or_else(|| unauthorised("this needs a token"))?;
                self.of_cookie(cookie, now).ok_or_else(unknown)
            }
        }
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
                // The planner reads the objects it is asked about for itself, for callers who see the plan of all sites.
                let planner = ["planner.what_if(", "planner.compared(", "judge(planner,"]
                    .iter()
                    .any(|p| line.contains(p));
                assert!(seen || planner, "{}:{}: {line}", path.display(), n + 1);
            }
        }
    }
}
