//! Tries a system over HTTP: connects, logs in, and asks every poll for its first page.

use std::sync::Arc;

use super::ALPN;
use super::config::HttpConfig;
use super::connect::Dial;
use super::connection::Connection;
use super::poll::PollConfig;
use super::target::Target;
use crate::probe::Finding;
use crate::tls::certificate::not_after;
use crate::{Surroundings, outbound};
use lineshaft_model::Reason;

/// How long connecting, and a token, may take.
const LIMIT_MS: u64 = 10_000;

/// Tries the connection and the login.
pub(super) async fn system(http: &HttpConfig, with: &Surroundings<'_>) -> Vec<Finding> {
    let Some(target) = &http.target else { return Vec::new() };
    let mut findings = vec![connection(http, target, with).await];
    findings.extend(own_certificate(http, with));
    match http.auth.tokens(&http.tls, LIMIT_MS, with) {
        Ok(None) => {
            // Secrets are resolved at least; whether the system takes them shows when something is read.
            let login = http.auth.login(with.secrets).map(|_| "the secrets are there".to_owned());
            findings.push(Finding::new("login", login));
        }
        Ok(Some(tokens)) => {
            let token = tokens.pass().await.map(|_| "a token was given".to_owned());
            findings.push(Finding::new("login", token));
        }
        Err(reason) => findings.push(Finding::new("login", Err(reason))),
    }
    findings
}

/// Tries one poll.
pub(super) async fn poll(
    name: &str,
    poll: &PollConfig,
    http: &HttpConfig,
    with: &Surroundings<'_>,
) -> Finding {
    Finding::new(format!("source {name}"), poll.probe(http, with).await)
}

async fn connection(http: &HttpConfig, target: &Target, with: &Surroundings<'_>) -> Finding {
    let dialled: Result<Connection, Reason> = async {
        let tls = if target.tls { Some(http.tls.client(ALPN, with)?) } else { None };
        let outbound: Arc<outbound::Outbound> = Arc::clone(with.outbound);
        let dial = Dial { target: target.clone(), tls, outbound, limit_ms: LIMIT_MS };
        Ok(Connection::new(dial.connect().await?))
    }
    .await;
    match dialled {
        Err(reason) => Finding::new("connection", Err(reason)),
        Ok(open) => Finding {
            part: "connection".to_owned(),
            found: Ok(format!("{} takes connections", target.authority)),
            good_until: open.certificate().and_then(not_after),
        },
    }
}

/// The hub's own certificate for this system, when it has one.
fn own_certificate(http: &HttpConfig, with: &Surroundings<'_>) -> Option<Finding> {
    let part = "own certificate".to_owned();
    match http.tls.own_chain(with.folder) {
        Ok(chain) => {
            let own = chain.first()?;
            let found = Ok("it can be read".to_owned());
            Some(Finding { part, found, good_until: not_after(own) })
        }
        Err(reason) => Some(Finding::new(part, Err(reason))),
    }
}
