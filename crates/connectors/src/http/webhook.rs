//! Checks that what is posted to a source comes from who it should: signatures over the raw bytes.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
use hmac::{Hmac, Mac};
use http::HeaderMap;
use lineshaft_model::{Millis, Reason};
use lineshaft_ports::{Gate, GateResult};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use super::request::header_name;
use crate::settings::Section;
use crate::{SecretText, Secrets};

/// How far a message's time may be from the hub's, in milliseconds, either way.
const WINDOW_MS: i64 = 5 * 60_000;
/// Signatures and secrets that are compared at most: two of each are enough to change a key.
const MOST_SIGNATURES: usize = 16;
const MOST_SECRETS: usize = 4;

/// `webhook` of a source that is signed.
#[derive(Debug, Clone)]
pub(crate) struct WebhookConfig {
    scheme: Scheme,
    secrets: Vec<SecretText>,
}

#[derive(Debug, Clone)]
enum Scheme {
    /// The public specification of that name, version 1: HMAC-SHA-256 over `id.timestamp.body`.
    StandardWebhooks,
    /// HMAC-SHA-256 over the body, as many products do in their own header.
    HmacSha256 { header: String, prefix: String, identity: Option<String> },
    /// A user and a password in `Authorization` (RFC 7617), for senders that cannot sign.
    Basic { user: String, identity: Option<String> },
}

impl WebhookConfig {
    /// Reads `webhook`. The outer `None` is a problem, the inner one a webhook without a signature.
    pub(crate) fn parse(mut section: Section<'_>, system: &str, source: &str) -> Option<Option<Self>> {
        #[derive(Clone, Copy)]
        enum Word {
            Standard,
            Hmac,
            Basic,
            None,
        }
        let words = [
            ("standard-webhooks", Word::Standard),
            ("hmac-sha256", Word::Hmac),
            ("basic", Word::Basic),
            ("none", Word::None),
        ];
        if section.text("signature").is_none() {
            section.missing("signature", "use standard-webhooks, hmac-sha256, basic or none");
        }
        let word = section.choice("signature", Word::None, &words);
        let scheme = match word {
            Word::None => None,
            Word::Standard => Some(Scheme::StandardWebhooks),
            Word::Hmac => hmac_scheme(&mut section),
            Word::Basic => basic_scheme(&mut section),
        };
        let secrets = match word {
            Word::None => Vec::new(),
            Word::Standard | Word::Hmac | Word::Basic => secrets(&mut section, system, source),
        };
        section.finish();
        match (word, scheme) {
            (Word::None, _) => Some(None),
            (_, Some(scheme)) => Some(Some(Self { scheme, secrets })),
            (_, None) => None,
        }
    }

    /// Resolves the secrets.
    pub(crate) fn build(&self, secrets: &dyn Secrets) -> Result<Arc<dyn Gate>, Reason> {
        let mut keys = Vec::new();
        for text in &self.secrets {
            let secret = text.resolve(secrets)?;
            keys.push(match self.scheme {
                Scheme::StandardWebhooks => {
                    Key(standard_key(&secret).map_err(|reason| reason.at(text.at()))?)
                }
                Scheme::HmacSha256 { .. } | Scheme::Basic { .. } => {
                    Key(Zeroizing::new(secret.expose_secret().as_bytes().to_vec()))
                }
            });
        }
        Ok(Arc::new(SignatureGate { scheme: self.scheme.clone(), keys }))
    }
}

fn hmac_scheme(section: &mut Section<'_>) -> Option<Scheme> {
    let header = section.required_text("header", "name the header, for instance X-Hub-Signature-256");
    let header = header.and_then(|name| header_name(section, "header", name));
    let prefix = section.text("prefix").unwrap_or("sha256=").to_owned();
    let identity = identity_header(section)?;
    Some(Scheme::HmacSha256 { header: header?, prefix, identity })
}

fn basic_scheme(section: &mut Section<'_>) -> Option<Scheme> {
    let user = section.required_text("user", "name the user that the sender logs in as");
    let user = user.map(str::to_owned).filter(|user| {
        let good = !user.is_empty() && !user.contains(':');
        if !good {
            section.problem(
                "user",
                "auth-user",
                "a user of basic auth cannot contain a colon",
                "choose another name",
            );
        }
        good
    });
    let identity = identity_header(section)?;
    Some(Scheme::Basic { user: user?, identity })
}

/// The header that names a message, if one does; the outer `None` is a problem.
fn identity_header(section: &mut Section<'_>) -> Option<Option<String>> {
    match section.text("identity_header") {
        Some(name) => header_name(section, "identity_header", name).map(Some),
        None => Some(None),
    }
}

fn secrets(section: &mut Section<'_>, system: &str, source: &str) -> Vec<SecretText> {
    let Some(list) = section.list("secret") else {
        return vec![SecretText::named(&format!("{system}-{source}"), &section.at("secret"))];
    };
    if list.is_empty() || list.len() > MOST_SECRETS {
        let hint = "give one secret, or the old and the new one while it is being changed";
        section.problem(
            "secret",
            "setting-range",
            format!("there must be 1 to {MOST_SECRETS} secrets"),
            hint,
        );
    }
    list.iter().take(MOST_SECRETS).filter_map(|(value, at)| section.secret_text(value, at)).collect()
}

/// A key of a Standard Webhooks secret: the base64 after `whsec_`.
pub(super) fn standard_key(secret: &SecretString) -> Result<Zeroizing<Vec<u8>>, Reason> {
    let text = secret.expose_secret();
    let encoded = text.strip_prefix("whsec_").unwrap_or(text).trim_end_matches('=');
    let key = BASE64_STANDARD_NO_PAD.decode(encoded).map(Zeroizing::new).ok();
    key.filter(|key| key.len() >= 16).ok_or_else(|| {
        Reason::new("webhook-secret", "the secret is not one of Standard Webhooks")
            .hint("it begins with whsec_ and goes on with the base64 of 24 to 64 random bytes")
    })
}

#[derive(Clone)]
pub(super) struct Key(pub(super) Zeroizing<Vec<u8>>);

impl Key {
    pub(super) fn sign(&self, parts: &[&[u8]]) -> Option<[u8; 32]> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        for part in parts {
            mac.update(part);
        }
        Some(mac.finalize().into_bytes().into())
    }
}

/// Checks one source's signatures.
struct SignatureGate {
    scheme: Scheme,
    keys: Vec<Key>,
}

impl fmt::Debug for SignatureGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignatureGate").field("scheme", &self.scheme).field("keys", &self.keys.len()).finish()
    }
}

impl Gate for SignatureGate {
    fn check(&self, headers: &HeaderMap, body: &[u8], now: Millis) -> Result<GateResult, Reason> {
        match &self.scheme {
            Scheme::StandardWebhooks => self.check_standard(headers, body, now),
            Scheme::HmacSha256 { header, prefix, identity } => {
                self.check_hmac(headers, body, header, prefix)?;
                named(headers, identity.as_deref())
            }
            Scheme::Basic { user, identity } => {
                self.check_basic(headers, user)?;
                named(headers, identity.as_deref())
            }
        }
    }
}

impl SignatureGate {
    fn check_standard(&self, headers: &HeaderMap, body: &[u8], now: Millis) -> Result<GateResult, Reason> {
        let id = single(headers, "webhook-id")?;
        let timestamp = single(headers, "webhook-timestamp")?;
        let offered = single(headers, "webhook-signature")?;
        let digits = !timestamp.is_empty() && timestamp.bytes().all(|byte| byte.is_ascii_digit());
        let seconds: Option<i64> = if digits { timestamp.parse().ok() } else { None };
        let sent = seconds.and_then(|seconds| seconds.checked_mul(1_000)).ok_or_else(|| {
            refused(
                "webhook-timestamp",
                "`webhook-timestamp` is not a number of seconds since 1970",
                "send it so",
            )
        })?;
        if now.0.saturating_sub(sent).saturating_abs() > WINDOW_MS {
            return Err(refused(
                "webhook-expired",
                "the message's time is more than five minutes from the hub's",
                "send it again with a new time and signature, and check both clocks",
            ));
        }
        let parts = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
        let signatures = offered.split(' ').filter_map(|one| one.strip_prefix("v1,"));
        let decoded = signatures.take(MOST_SIGNATURES).filter_map(|text| BASE64_STANDARD.decode(text).ok());
        self.compare(&parts, &decoded.collect::<Vec<_>>())?;
        Ok(GateResult { identity: Some(id.to_owned()) })
    }

    fn check_hmac(&self, headers: &HeaderMap, body: &[u8], header: &str, prefix: &str) -> Result<(), Reason> {
        let offered = single(headers, header)?;
        let text = offered.strip_prefix(prefix).unwrap_or(offered);
        // 64 characters are hexadecimal, 44 are base64 of 32 bytes: no text is both.
        let decoded = hex::decode(text).ok().or_else(|| BASE64_STANDARD.decode(text).ok());
        self.compare(&[body], &decoded.into_iter().collect::<Vec<_>>())
    }

    fn check_basic(&self, headers: &HeaderMap, user: &str) -> Result<(), Reason> {
        let offered = single(headers, "authorization")?;
        let (scheme, pair) = offered.split_once(' ').unwrap_or_default();
        let decoded = BASE64_STANDARD.decode(pair.trim()).map(Zeroizing::new).unwrap_or_default();
        let mut matches = Choice::from(0);
        for key in &self.keys {
            let expected = Zeroizing::new([user.as_bytes(), b":", &key.0].concat());
            matches |= decoded.as_slice().ct_eq(&expected);
        }
        if scheme.eq_ignore_ascii_case("basic") && bool::from(matches) {
            return Ok(());
        }
        Err(refused(
            "webhook-login",
            "the user or the password is not the one of this source",
            "check that both sides have the same, and that the sender logs in with basic auth",
        ))
    }

    /// Compares every signature with every key, all of them whatever matches, so that time tells nothing.
    fn compare(&self, parts: &[&[u8]], offered: &[Vec<u8>]) -> Result<(), Reason> {
        let mut matches = Choice::from(0);
        for key in &self.keys {
            let Some(expected) = key.sign(parts) else { continue };
            for signature in offered {
                matches |= signature.as_slice().ct_eq(&expected);
            }
        }
        if bool::from(matches) {
            return Ok(());
        }
        Err(refused(
            "webhook-signature",
            "the signature does not fit the message",
            "check that both sides have the same secret and that nothing between them changes the body",
        ))
    }
}

/// The sender's name for the message, when a header says it.
fn named(headers: &HeaderMap, identity: Option<&str>) -> Result<GateResult, Reason> {
    let identity = identity.map(|name| single(headers, name).map(str::to_owned)).transpose()?;
    Ok(GateResult { identity })
}

/// A header that must be there exactly once: with two, sender and hub could read different ones.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Reason> {
    let mut values = headers.get_all(name).iter();
    let missing =
        || refused("webhook-header", &format!("header `{name}` is missing or not a text"), "send it once");
    match (values.next(), values.next()) {
        (Some(value), None) => {
            value.to_str().ok().filter(|text| (1..=2048).contains(&text.len())).ok_or_else(missing)
        }
        (Some(_), Some(_)) => {
            Err(refused("webhook-header", &format!("header `{name}` is there twice"), "send it once"))
        }
        (None, _) => Err(missing()),
    }
}

fn refused(code: &str, message: &str, hint: &str) -> Reason {
    Reason::new(code, message).hint(hint)
}

#[cfg(test)]
mod tests;
