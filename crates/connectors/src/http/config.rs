//! Reads the configuration of a system with `connector: http`.

use std::sync::Arc;

use lineshaft_model::{Reason, Reasons};
use serde_json::Value;

use super::Flavour;
use super::auth::Auth;
use super::csrf::CsrfTokens;
use super::operation::Operation;
use super::target::Target;
use crate::endpoint::is_local;
use crate::settings::{Problems, Section};
use crate::sources::Sources;
use crate::tls::TlsSettings;

/// A system's settings, without its sources.
#[derive(Debug)]
pub(crate) struct HttpConfig {
    /// Absent only when there are no operations and nothing is polled.
    pub(super) target: Option<Target>,
    pub(super) auth: Auth,
    pub(super) tls: TlsSettings,
    pub(super) operations: Vec<Operation>,
    /// Connections kept open for each operation.
    pub(super) connections: usize,
    pub(super) idle_ms: u64,
    /// The system's CSRF token, when changes need one.
    pub(super) csrf: Option<Arc<CsrfTokens>>,
}

/// Settings of a system that the loader of the workspace reads.
pub(crate) const LOADED_ELSEWHERE: &[&str] =
    &["system", "title", "description", "connector", "breaker", "maintenance", "owners"];

impl HttpConfig {
    /// Reads everything and reports every problem.
    pub(super) fn parse(config: &Value, system: &str, flavour: Flavour) -> Result<(Self, Sources), Reasons> {
        let problems = Problems::default();
        let parsed =
            Section::open(config, String::new(), &problems).map(|section| read(section, system, flavour));
        problems.into_result(parsed)
    }
}

fn read(mut section: Section<'_>, system: &str, flavour: Flavour) -> (HttpConfig, Sources) {
    let (timeout_ms, connections) = limits(&mut section);
    let operations = section.each("operations");
    let polls = section.value("sources").and_then(Value::as_object).is_some_and(|sources| {
        sources.values().any(|source| source.get("poll").is_some_and(|poll| !poll.is_null()))
    });
    let target = Target::parse(&mut section, polls || !operations.is_empty());
    let auth = Auth::parse(&mut section);
    if let (Some(target), false) = (&target, matches!(auth, Auth::None))
        && !target.tls
        && !is_local(&target.host)
        && !section.boolean("allow_plain_login", false)
    {
        section.note(login_in_the_clear().at("/base_url"));
    }
    if let Auth::Tokens(oauth) = &auth
        && !oauth.target.tls
        && !is_local(&oauth.target.host)
        && !section.boolean("allow_plain_login", false)
    {
        section.note(login_in_the_clear().at("/auth/oauth2/token_url"));
    }
    let tls = TlsSettings::parse(&mut section);
    let idle_ms = section.duration_ms("idle_timeout", 30_000, 0..=3_600_000);
    let operations = operations
        .into_iter()
        .filter_map(|(name, inner)| Operation::parse(name, inner, timeout_ms, flavour))
        .collect();
    let sources = Sources::parse(&mut section, system, true);
    section.leave(LOADED_ELSEWHERE);
    section.leave(&["allow_plain_login"]);
    section.finish();
    let csrf = flavour.csrf.then(Arc::default);
    let config = HttpConfig { target, auth, tls, operations, connections, idle_ms, csrf };
    (config, sources)
}

/// The whole-answer timeout and the concurrency of `limits`. The loader reports what is wrong with them; here a bad value
/// is passed over, so that nothing is reported twice.
fn limits(section: &mut Section<'_>) -> (u64, usize) {
    let quiet = Problems::default();
    let limits = section.value("limits").and_then(|value| Section::open(value, String::new(), &quiet));
    let Some(mut limits) = limits else { return (10_000, 8) };
    let timeout_ms = limits.duration_ms("timeout", 10_000, 1..=3_600_000);
    let concurrency =
        limits.value("concurrency").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    (timeout_ms, concurrency.unwrap_or(8).clamp(1, 256))
}

fn login_in_the_clear() -> Reason {
    Reason::new("login-in-the-clear", "the login would cross the network unencrypted")
        .hint("use https://, or set `allow_plain_login: true` if the network is safe")
}

/// The reason for an operation that was built without an address, which [`HttpConfig::parse`] rules out.
pub(super) fn no_target() -> Reason {
    Reason::new("setting-missing", "`base_url` is missing").hint("say which address the operations call")
}
