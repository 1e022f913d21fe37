//! How the hub logs in to a system.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use lineshaft_model::Reason;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::oauth::{OAuth, OAuthSettings};
use super::request::header_name;
use super::webhook::{Key, standard_key};
use crate::settings::{Section, did_you_mean};
use crate::tls::TlsSettings;
use crate::{SecretText, Secrets, Surroundings};

/// Keys with which one message is signed at most.
const MOST_KEYS: usize = 4;

/// `auth` of a system.
#[derive(Clone, Debug, Default)]
pub(super) enum Auth {
    #[default]
    None,
    Bearer {
        token: SecretText,
    },
    Basic {
        user: SecretText,
        password: SecretText,
    },
    Header {
        name: String,
        value: SecretText,
    },
    Hmac {
        header: String,
        secret: SecretText,
        prefix: String,
    },
    Tokens(Box<OAuthSettings>),
    /// The public specification of that name, version 1; several keys while one is being changed.
    StandardWebhooks {
        secrets: Vec<SecretText>,
    },
}

/// The same with its secrets, ready to be written.
pub(super) enum Login {
    None,
    /// A header that is the same on every request.
    Fixed {
        name: String,
        value: SecretString,
    },
    /// A signature over each body.
    Signature {
        name: String,
        prefix: String,
        secret: SecretString,
    },
    /// Signatures over id, time and body, one with each key.
    StandardWebhooks {
        keys: Vec<Key>,
        secrets: Vec<SecretString>,
    },
}

const KINDS: &[&str] = &["bearer", "basic", "header", "hmac", "oauth2", "standard_webhooks"];

impl Auth {
    /// Reads `auth`.
    pub(super) fn parse(system: &mut Section<'_>) -> Self {
        let Some(mut auth) = system.section("auth") else { return Self::None };
        let named: Vec<&str> =
            auth.entries().iter().map(|(key, ..)| *key).filter(|key| KINDS.contains(key)).collect();
        if named.len() != 1 {
            let stray = auth.entries().iter().map(|(key, ..)| *key).find(|key| !KINDS.contains(key));
            let hint = stray
                .map_or_else(|| format!("use one of {}", KINDS.join(", ")), |key| did_you_mean(key, KINDS));
            auth.note(
                Reason::new("auth-ambiguous", "`auth` needs exactly one way to log in")
                    .at(auth.here())
                    .hint(hint),
            );
            return Self::None;
        }
        let found = match named[0] {
            "bearer" => auth.section("bearer").and_then(bearer),
            "basic" => auth.section("basic").and_then(basic),
            "header" => auth.section("header").and_then(header),
            "oauth2" => auth
                .section("oauth2")
                .and_then(OAuthSettings::parse)
                .map(|oauth| Self::Tokens(Box::new(oauth))),
            "standard_webhooks" => auth.section("standard_webhooks").and_then(standard_webhooks),
            _ => auth.section("hmac").and_then(hmac),
        };
        auth.finish();
        found.unwrap_or_default()
    }

    /// What fetches tokens, when that is how the hub logs in.
    pub(super) fn tokens(
        &self,
        tls: &TlsSettings,
        timeout_ms: u64,
        with: &Surroundings<'_>,
    ) -> Result<Option<OAuth>, Reason> {
        match self {
            Self::Tokens(settings) => settings.build(tls, timeout_ms, with).map(Some),
            _ => Ok(None),
        }
    }

    /// Whether every call carries an id by which its receiver recognises a repeated one.
    pub(super) const fn is_standard_webhooks(&self) -> bool {
        matches!(self, Self::StandardWebhooks { .. })
    }

    /// Resolves the secrets.
    pub(super) fn login(&self, secrets: &dyn Secrets) -> Result<Login, Reason> {
        match self {
            // A token is fetched when a call is made.
            Self::None | Self::Tokens(_) => Ok(Login::None),
            Self::Bearer { token } => {
                let token = header_secret(token, secrets)?;
                let value = SecretString::from(format!("Bearer {}", token.expose_secret()));
                Ok(Login::Fixed { name: "authorization".to_owned(), value })
            }
            Self::Basic { user, password } => {
                let (name, password) = (user.resolve(secrets)?, password.resolve(secrets)?);
                if name.expose_secret().contains(':') {
                    return Err(Reason::new("auth-user", "a user of basic auth cannot contain a colon")
                        .at(user.at())
                        .hint("RFC 7617 has no way to write it; ask for another login"));
                }
                let pair =
                    SecretString::from(format!("{}:{}", name.expose_secret(), password.expose_secret()));
                let value =
                    SecretString::from(format!("Basic {}", BASE64_STANDARD.encode(pair.expose_secret())));
                Ok(Login::Fixed { name: "authorization".to_owned(), value })
            }
            Self::Header { name, value } => {
                Ok(Login::Fixed { name: name.clone(), value: header_secret(value, secrets)? })
            }
            Self::Hmac { header, secret, prefix } => Ok(Login::Signature {
                name: header.clone(),
                prefix: prefix.clone(),
                secret: secret.resolve(secrets)?,
            }),
            Self::StandardWebhooks { secrets: texts } => {
                let (mut keys, mut resolved) = (Vec::new(), Vec::new());
                for text in texts {
                    let secret = text.resolve(secrets)?;
                    keys.push(Key(standard_key(&secret).map_err(|reason| reason.at(text.at()))?));
                    resolved.push(secret);
                }
                Ok(Login::StandardWebhooks { keys, secrets: resolved })
            }
        }
    }
}

impl Login {
    /// The signature of a body: the prefix and the HMAC-SHA-256 in hexadecimal.
    pub(super) fn sign(prefix: &str, secret: &SecretString, body: &[u8]) -> String {
        // A key of any length is allowed by HMAC, so this cannot fail; an empty text would be refused by the target.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else {
            return String::new();
        };
        mac.update(body);
        format!("{prefix}{}", hex::encode(mac.finalize().into_bytes()))
    }
}

/// The value of `webhook-signature`: a signature with each key, over what is sent.
pub(super) fn sign_standard(keys: &[Key], id: &str, seconds: i64, body: &[u8]) -> String {
    let mut value = String::new();
    for key in keys {
        let head = format!("{id}.{seconds}.");
        let Some(signature) = key.sign(&[head.as_bytes(), body]) else { continue };
        let signature = BASE64_STANDARD.encode(signature);
        if !value.is_empty() {
            value.push(' ');
        }
        value.push_str("v1,");
        value.push_str(&signature);
    }
    value
}

/// A secret that has to fit into a header. The reason does not repeat it.
pub(super) fn header_secret(text: &SecretText, secrets: &dyn Secrets) -> Result<SecretString, Reason> {
    let value = text.resolve(secrets)?;
    if value.expose_secret().bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Ok(value);
    }
    Err(Reason::new("secret-not-a-header", "the secret has characters that no header can carry")
        .at(text.at())
        .hint("is there a line break at its end? Write the file without one"))
}

fn bearer(mut section: Section<'_>) -> Option<Auth> {
    let token = section.secret("token", "name the secret: token: ${secret:wms-token}");
    section.finish();
    Some(Auth::Bearer { token: token? })
}

fn basic(mut section: Section<'_>) -> Option<Auth> {
    let user = section.secret("user", "name the user");
    let password = section.secret("password", "name the secret: password: ${secret:wms-password}");
    section.finish();
    Some(Auth::Basic { user: user?, password: password? })
}

fn header(mut section: Section<'_>) -> Option<Auth> {
    let name = section.required_text("name", "name the header, for instance X-Api-Key");
    let name = name.and_then(|name| header_name(&section, "name", name));
    let value = section.secret("value", "name the secret: value: ${secret:wms-key}");
    section.finish();
    Some(Auth::Header { name: name?, value: value? })
}

fn standard_webhooks(mut section: Section<'_>) -> Option<Auth> {
    let hint =
        "name the secret: secret: ${secret:alarms-signing}, or the new and the old one while it is changed";
    let list = section.list("secret").unwrap_or_default();
    if list.is_empty() || list.len() > MOST_KEYS {
        section.problem("secret", "setting-range", format!("there must be 1 to {MOST_KEYS} secrets"), hint);
    }
    let secrets = list.iter().filter_map(|(value, at)| section.secret_text(value, at)).collect();
    section.finish();
    Some(Auth::StandardWebhooks { secrets })
}

fn hmac(mut section: Section<'_>) -> Option<Auth> {
    let name = section.required_text("header", "name the header, for instance X-Signature");
    let header = name.and_then(|name| header_name(&section, "header", name));
    let secret = section.secret("secret", "name the secret: secret: ${secret:wms-signing}");
    let prefix = section.text("prefix").unwrap_or("sha256=").to_owned();
    if prefix.bytes().any(|byte| !(0x20..0x7f).contains(&byte)) {
        section.problem(
            "prefix",
            "header-malformed",
            "the prefix cannot be sent in a header",
            "use plain ASCII",
        );
    }
    section.finish();
    Some(Auth::Hmac { header: header?, secret: secret?, prefix })
}
