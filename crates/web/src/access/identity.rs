//! Identity providers: who they say somebody is, and what their groups are to our policies.
//!
//! Machines bring a signed token (RFC 7519, RFC 9068); people log in by OpenID Connect with the code flow and PKCE (RFC 7636).
//! Algorithms are pinned, and whatever is not as it was agreed is refused.

mod keys;
mod login;
mod verify;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
pub use jsonwebtoken::Algorithm;
use lineshaft_access::{Kind, Principal};
use lineshaft_model::{Millis, Reason};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Map, Value};

use keys::Keys;
pub(crate) use login::Logins;

/// Asks another host. Bounded in time and size, follows no redirects.
pub trait Fetch: Send + Sync {
    /// The body of a `GET` that was answered with 200.
    fn get<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Bytes, Reason>>;

    /// The body of a posted form that was answered with 200; with a login by HTTP Basic when one is given.
    fn post_form<'a>(
        &'a self,
        url: &'a str,
        login: Option<(&'a str, &'a SecretString)>,
        form: String,
    ) -> BoxFuture<'a, Result<Bytes, Reason>>;
}

/// The names of the claims that say what we ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimNames {
    /// What the person or program is called.
    pub name: String,
    /// Its groups.
    pub roles: String,
    /// The one partner it speaks for; empty for none.
    pub partner: String,
    /// The sites it works at; empty for all.
    pub sites: String,
    /// The one system it speaks for; empty for any.
    pub system: String,
}

/// How people log in.
#[derive(Clone, Debug)]
pub struct LoginOptions {
    /// What the hub is called there.
    pub client_id: String,
    /// The hub's own login there; none for a public client.
    pub client_secret: Option<SecretString>,
    /// Where the provider sends people back to: `https://HUB/login/return`.
    pub redirect: String,
    /// Scopes asked for, with `openid`.
    pub scopes: Vec<String>,
}

/// One identity provider.
#[derive(Clone, Debug)]
pub struct ProviderOptions {
    /// Its name here, a word; names of its people begin with it.
    pub name: String,
    /// For people.
    pub title: String,
    /// Its address, as its tokens say it.
    pub issuer: String,
    /// Whom machines' tokens must be for; none are taken without.
    pub audience: Option<String>,
    /// How its tokens may be signed. Shared secrets are not among them.
    pub algorithms: Vec<Algorithm>,
    /// Where its keys are; as it says itself when left out.
    pub jwks: Option<String>,
    /// Which claims are looked at.
    pub claims: ClaimNames,
    /// Our role for each of its groups.
    pub roles: BTreeMap<String, String>,
    /// How people log in; not by this provider without.
    pub login: Option<LoginOptions>,
}

/// What a provider says of itself, as far as it is needed (OpenID Connect Discovery 1.0).
#[derive(Clone, Debug, Deserialize)]
struct Discovered {
    issuer: String,
    jwks_uri: String,
    #[serde(default)]
    authorization_endpoint: String,
    #[serde(default)]
    token_endpoint: String,
}

/// A provider that is asked.
pub(crate) struct Provider {
    pub(crate) options: ProviderOptions,
    fetch: Arc<dyn Fetch>,
    keys: Keys,
    discovered: tokio::sync::Mutex<Option<(Discovered, Millis)>>,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("issuer", &self.options.issuer).finish_non_exhaustive()
    }
}

/// What a provider says of itself is asked again after so long.
const DISCOVERED_MS: i64 = 3_600_000;

impl Provider {
    pub(crate) fn new(options: ProviderOptions, fetch: Arc<dyn Fetch>) -> Self {
        Self { options, fetch, keys: Keys::default(), discovered: tokio::sync::Mutex::default() }
    }

    /// What the provider says of itself. One question at a time, however many wait for the answer.
    async fn discovered(&self, now: Millis) -> Result<Discovered, Reason> {
        let mut kept = self.discovered.lock().await;
        if let Some((known, at)) = &*kept
            && now.0 - at.0 < DISCOVERED_MS
        {
            return Ok(known.clone());
        }
        let address =
            format!("{}/.well-known/openid-configuration", self.options.issuer.trim_end_matches('/'));
        let body = self.fetch.get(&address).await?;
        let found: Discovered = serde_json::from_slice(&body)
            .map_err(|error| unusable(&address, &format!("is no description of a provider: {error}")))?;
        if found.issuer != self.options.issuer {
            return Err(unusable(&address, &format!("speaks for `{}`", found.issuer)));
        }
        *kept = Some((found.clone(), now));
        Ok(found)
    }

    async fn keys_at(&self, now: Millis) -> Result<String, Reason> {
        match &self.options.jwks {
            Some(address) => Ok(address.clone()),
            None => Ok(self.discovered(now).await?.jwks_uri),
        }
    }

    /// Who somebody is to our policies, by what was verified.
    fn principal(&self, kind: Kind, claims: &Map<String, Value>) -> Result<Principal, Reason> {
        let names = &self.options.claims;
        let text = |name: &str| {
            let claim = if name.is_empty() { None } else { claims.get(name) };
            claim.and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let called = text(&names.name);
        if called.is_empty() || called.len() > 256 || called.chars().any(char::is_control) {
            return Err(refused(&format!("its claim `{}` names nobody", names.name)));
        }
        let groups = texts(claims.get(&names.roles));
        let mut roles: Vec<String> =
            groups.iter().filter_map(|group| self.options.roles.get(group)).cloned().collect();
        roles.sort_unstable();
        roles.dedup();
        // Whoever is to be bound by a claim and does not bring it is nobody: bound to nothing would be more.
        let bound = [&names.partner, &names.sites, &names.system];
        if let Some(missing) =
            bound.into_iter().find(|name| !name.is_empty() && texts(claims.get(*name)).is_empty())
        {
            return Err(refused(&format!("it has no claim `{missing}`")));
        }
        let one = |name: &str| match (name, claims.get(name)) {
            ("", _) => Ok(String::new()),
            (_, Some(Value::String(text))) if !text.is_empty() => Ok(text.clone()),
            (_, claim) => match texts(claim).as_slice() {
                [only] if !only.is_empty() => Ok(only.clone()),
                _ => Err(refused(&format!("its claim `{name}` does not name one"))),
            },
        };
        Ok(Principal {
            kind,
            name: format!("{}:{called}", self.options.name),
            tenant: String::new(),
            roles,
            partner: one(&names.partner)?,
            sites: if names.sites.is_empty() { Vec::new() } else { texts(claims.get(&names.sites)) },
            types: Vec::new(),
            system: one(&names.system)?,
        })
    }
}

/// A claim of several texts: an array, or words in one text.
fn texts(claim: Option<&Value>) -> Vec<String> {
    match claim {
        Some(Value::String(text)) => text.split_whitespace().map(str::to_owned).collect(),
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn refused(why: &str) -> Reason {
    Reason::new("unauthorised", format!("the identity provider's token is not taken: {why}"))
        .hint("ask for a new one; what the hub expects stands under access.identity in lineshaft.yaml")
}

fn unusable(address: &str, why: &str) -> Reason {
    Reason::new("identity-unusable", format!("{address} {why}"))
        .hint("compare access.identity in lineshaft.yaml with what the provider says of itself")
}

#[cfg(test)]
mod tests;
