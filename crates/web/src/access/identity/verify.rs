//! Whether a signed token is what it must be: signed as agreed, from this provider, for us, now.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Validation, decode, decode_header};
use lineshaft_access::{Kind, Principal};
use lineshaft_model::{Millis, Reason};
use serde_json::{Map, Value};

use super::{Provider, refused};

/// A longer token is none.
const LONGEST: usize = 16 * 1024;
/// Clocks differ by so much.
const LEEWAY_S: i64 = 60;

impl Provider {
    /// Whether a token says that it is from here; nothing of it is believed yet.
    pub(crate) fn issued(&self, token: &str) -> bool {
        let claims = part(token, 1);
        token.len() <= LONGEST
            && claims.get("iss").and_then(Value::as_str) == Some(self.options.issuer.as_str())
    }

    /// Who a machine's token stands for.
    pub(crate) async fn machine(&self, token: &str, now: Millis) -> Result<Principal, Reason> {
        let Some(audience) = &self.options.audience else {
            return Err(refused("tokens of this provider are for people only"));
        };
        let claims = self.verified(token, audience, now).await?;
        if claims.contains_key("nonce") {
            return Err(refused("it tells who logged in, and is no token for access"));
        }
        self.principal(Kind::Machine, &claims)
    }

    /// The claims of a token, once everything about it is right.
    pub(super) async fn verified(
        &self,
        token: &str,
        audience: &str,
        now: Millis,
    ) -> Result<Map<String, Value>, Reason> {
        if token.len() > LONGEST {
            return Err(refused("it is too long"));
        }
        let header = decode_header(token).map_err(|_| refused("it is no signed token"))?;
        if !self.options.algorithms.contains(&header.alg) {
            return Err(refused(&format!("it is signed with {:?}", header.alg)));
        }
        // An extension that must be understood is not (RFC 7515, 4.1.11).
        if part(token, 0).contains_key("crit") {
            return Err(refused("it asks for an extension"));
        }
        let typ = header.typ.as_deref().unwrap_or("JWT").to_ascii_lowercase();
        if !matches!(typ.trim_start_matches("application/"), "jwt" | "at+jwt") {
            return Err(refused(&format!("it is a `{typ}`")));
        }
        let key = self.key(header.kid.as_deref(), header.alg, now).await?;
        let mut validation = Validation::new(header.alg);
        validation.set_audience(&[audience]);
        validation.set_issuer(&[&self.options.issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        // The hub has one clock, and it is not the library's.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let claims = decode::<Map<String, Value>>(token, &key, &validation)
            .map_err(|error| refused(&error.to_string()))?
            .claims;
        in_time(&claims, now)?;
        Ok(claims)
    }
}

/// A part of a token as it stands there; empty when it is none.
fn part(token: &str, at: usize) -> Map<String, Value> {
    let bytes = token.split('.').nth(at).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

fn in_time(claims: &Map<String, Value>, now: Millis) -> Result<(), Reason> {
    let now_s = now.0.div_euclid(1_000);
    let time = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => {
            // Seconds may have a fraction.
            let whole = value.as_i64().or_else(|| value.to_string().split('.').next()?.parse().ok());
            whole.map(Some).ok_or_else(|| refused(&format!("its `{name}` is no time")))
        }
    };
    let ends = time("exp")?.ok_or_else(|| refused("it does not say when it ends"))?;
    if ends.saturating_add(LEEWAY_S) <= now_s {
        return Err(refused("it has ended"));
    }
    for name in ["nbf", "iat"] {
        if time(name)?.is_some_and(|from| from.saturating_sub(LEEWAY_S) > now_s) {
            return Err(refused("it is not valid yet"));
        }
    }
    Ok(())
}
