//! Identity providers as the settings name them, and how they are asked: bounded in time and size, no redirects.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use lineshaft_connectors::{SecretText, Secrets};
use lineshaft_model::{Reason, Reasons};
use lineshaft_web::access::identity::{ClaimNames, Fetch, LoginOptions, ProviderOptions};
use secrecy::{ExposeSecret, SecretString};

use crate::client::{Plain, plain_client};
use crate::workspace::settings::{IdentitySettings, LoginSettings};

/// How long a provider may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer of one.
const MOST_BYTES: usize = 1 << 20;

/// The providers that the settings name, with their secrets; every reason why one cannot be used.
pub(crate) fn providers(
    settings: &[IdentitySettings],
    secrets: &dyn Secrets,
) -> Result<Vec<ProviderOptions>, Reasons> {
    let mut reasons = Reasons::new();
    let mut options = Vec::new();
    for (n, provider) in settings.iter().enumerate() {
        let login = provider.login.as_ref().map(|login| {
            login_options(login, secrets).map_err(|reason| Reason {
                at: format!("/access/identity/{n}/login/client_secret"),
                ..reason
            })
        });
        match login.transpose() {
            Ok(login) => options.push(provider_options(provider, login)),
            Err(reason) => reasons.push(reason),
        }
    }
    if reasons.is_empty() { Ok(options) } else { Err(reasons) }
}

fn provider_options(provider: &IdentitySettings, login: Option<LoginOptions>) -> ProviderOptions {
    let claims = &provider.claims;
    ProviderOptions {
        name: provider.name.clone(),
        title: provider.title.clone().unwrap_or_else(|| provider.name.clone()),
        issuer: provider.issuer.clone(),
        audience: provider.audience.clone(),
        // The check has seen that each is one.
        algorithms: provider.algorithms.iter().filter_map(|name| name.parse().ok()).collect(),
        jwks: provider.jwks.clone(),
        claims: ClaimNames {
            name: claims.name.clone(),
            roles: claims.roles.clone(),
            partner: claims.partner.clone(),
            sites: claims.sites.clone(),
            system: claims.system.clone(),
        },
        roles: provider.roles.clone(),
        login,
    }
}

fn login_options(login: &LoginSettings, secrets: &dyn Secrets) -> Result<LoginOptions, Reason> {
    let secret = login.client_secret.as_ref().map(|text| SecretText::parse(text, "")?.resolve(secrets));
    Ok(LoginOptions {
        client_id: login.client_id.clone(),
        client_secret: secret.transpose()?,
        redirect: login.redirect.clone(),
        scopes: login.scopes.clone(),
    })
}

/// Asks providers over the network.
pub(crate) struct Network {
    client: Plain,
}

impl Network {
    /// Trusts the well-known authorities.
    pub(crate) fn reach() -> Result<Arc<dyn Fetch>, Reason> {
        let client = plain_client()
            .map_err(|error| Reason::new("tls-unusable", format!("TLS cannot be set up: {error}")))?;
        Ok(Arc::new(Self { client }))
    }

    async fn send(&self, url: &str, request: Request<Full<Bytes>>) -> Result<Bytes, Reason> {
        let failed = |why: String| {
            Reason::new("identity-unreachable", format!("{url}: {why}"))
                .hint("look whether the identity provider is up and can be reached from here")
        };
        let exchange = async {
            let answer = self.client.request(request).await.map_err(|error| failed(error.to_string()))?;
            let status = answer.status();
            if status != StatusCode::OK {
                return Err(failed(format!("it answered {status}")));
            }
            let body = Limited::new(answer.into_body(), MOST_BYTES).collect().await;
            body.map(http_body_util::Collected::to_bytes).map_err(|error| failed(error.to_string()))
        };
        match tokio::time::timeout(PATIENCE, exchange).await {
            Ok(answer) => answer,
            Err(_) => Err(failed(format!("no answer within {PATIENCE:?}"))),
        }
    }
}

fn unfit(url: &str, error: &http::Error) -> Reason {
    Reason::new("identity-unusable", format!("{url}: {error}"))
}

impl Fetch for Network {
    fn get<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Bytes, Reason>> {
        Box::pin(async move {
            let request = Request::get(url).header(header::ACCEPT, "application/json").body(Full::default());
            self.send(url, request.map_err(|error| unfit(url, &error))?).await
        })
    }

    fn post_form<'a>(
        &'a self,
        url: &'a str,
        login: Option<(&'a str, &'a SecretString)>,
        form: String,
    ) -> BoxFuture<'a, Result<Bytes, Reason>> {
        Box::pin(async move {
            let mut request = Request::post(url)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(header::ACCEPT, "application/json")
                .body(Full::new(Bytes::from(form)))
                .map_err(|error| unfit(url, &error))?;
            if let Some((id, secret)) = login {
                // Both parts are encoded as in a form first (RFC 6749, 2.3.1).
                let part = |text: &str| form_encoded(text);
                let pair = format!("{}:{}", part(id), part(secret.expose_secret()));
                let value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair)));
                let mut value = value.map_err(|error| unfit(url, &error.into()))?;
                value.set_sensitive(true);
                request.headers_mut().insert(header::AUTHORIZATION, value);
            }
            self.send(url, request).await
        })
    }
}

/// `application/x-www-form-urlencoded`, of one text.
fn form_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => {
                encoded.push(char::from(byte));
            }
            b' ' => encoded.push('+'),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}
