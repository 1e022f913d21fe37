//! Logging in at a provider: the code flow with state, nonce and PKCE.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lineshaft_access::{Kind, Principal};
use lineshaft_model::{Millis, Reason};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Provider, refused, unusable};
use crate::access::sessions::secret;

/// A login that was begun must be finished within.
const LONGEST_MS: i64 = 10 * 60_000;
/// Logins under way at most; the oldest is forgotten for the next.
const MOST: usize = 1_000;

/// A login under way.
#[derive(Debug)]
pub(crate) struct Begun {
    /// Which provider, by its name.
    pub(crate) provider: String,
    /// Where to go afterwards.
    pub(crate) back: String,
    nonce: String,
    verifier: String,
    at: Millis,
}

/// Logins under way, by their state.
#[derive(Debug, Default)]
pub(crate) struct Logins {
    begun: Mutex<HashMap<String, Begun>>,
}

impl Logins {
    /// The login of this state. It can be finished once.
    pub(crate) fn take(&self, state: &str, now: Millis) -> Option<Begun> {
        let begun = self.begun.lock().remove(state)?;
        (now.0 - begun.at.0 < LONGEST_MS).then_some(begun)
    }

    fn keep(&self, state: String, login: Begun) {
        let mut begun = self.begun.lock();
        let now = login.at;
        if begun.len() >= MOST {
            begun.retain(|_, known| now.0 - known.at.0 < LONGEST_MS);
        }
        if begun.len() >= MOST
            && let Some(oldest) =
                begun.iter().min_by_key(|(_, known)| known.at).map(|(state, _)| state.clone())
        {
            begun.remove(&oldest);
        }
        begun.insert(state, login);
    }
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

impl Provider {
    /// Begins a login: the state that binds it to the browser, and where the browser goes.
    pub(crate) async fn begin(
        &self,
        logins: &Logins,
        back: &str,
        now: Millis,
    ) -> Result<(String, String), Reason> {
        let login = self.options.login.as_ref().ok_or_else(|| refused("nobody logs in by this provider"))?;
        let discovered = self.discovered(now).await?;
        if discovered.authorization_endpoint.is_empty() || discovered.token_endpoint.is_empty() {
            return Err(unusable(&self.options.issuer, "names no addresses for logging in"));
        }
        let (state, nonce, verifier) = (secret(), secret(), secret());
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let scope = login.scopes.join(" ");
        let query = [
            ("response_type", "code"),
            ("client_id", &login.client_id),
            ("redirect_uri", &login.redirect),
            ("scope", &scope),
            ("state", &state),
            ("nonce", &nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let query = serde_urlencoded::to_string(query).unwrap_or_default();
        let joint = if discovered.authorization_endpoint.contains('?') { '&' } else { '?' };
        let address = format!("{}{joint}{query}", discovered.authorization_endpoint);
        let begun =
            Begun { provider: self.options.name.clone(), back: back.to_owned(), nonce, verifier, at: now };
        logins.keep(state.clone(), begun);
        Ok((state, address))
    }

    /// Finishes a login with the code that the browser brought: who it is.
    pub(crate) async fn finish(&self, begun: &Begun, code: &str, now: Millis) -> Result<Principal, Reason> {
        let login = self.options.login.as_ref().ok_or_else(|| refused("nobody logs in by this provider"))?;
        let discovered = self.discovered(now).await?;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &login.redirect),
            ("code_verifier", &begun.verifier),
        ];
        let basic = login.client_secret.as_ref().map(|secret| (login.client_id.as_str(), secret));
        if basic.is_none() {
            form.push(("client_id", &login.client_id));
        }
        let form = serde_urlencoded::to_string(form).unwrap_or_default();
        let body = self.fetch.post_form(&discovered.token_endpoint, basic, form).await?;
        let tokens: Tokens = serde_json::from_slice(&body)
            .map_err(|_| unusable(&discovered.token_endpoint, "gave no token that tells who logged in"))?;
        let claims = self.verified(&tokens.id_token, &login.client_id, now).await?;
        let is = |name: &str, wanted: &str| claims.get(name).and_then(Value::as_str) == Some(wanted);
        if !is("nonce", &begun.nonce) {
            return Err(refused("it belongs to another login"));
        }
        // Of several audiences, it must have been given to us (OpenID Connect Core 1.0, 3.1.3.7).
        let several = claims.get("aud").is_some_and(|aud| aud.as_array().is_some_and(|all| all.len() > 1));
        if (several || claims.contains_key("azp")) && !is("azp", &login.client_id) {
            return Err(refused("it was given to somebody else"));
        }
        self.principal(Kind::User, &claims)
    }
}
