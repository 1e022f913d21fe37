//! Reading durations, timeouts, retries and authentication.

use std::sync::Arc;

use lineshaft_model::Millis;
use lineshaft_model::json::Value;

use super::reader::{At, Reader};
use super::{Authentication, Backoff, Private, Retry};
use crate::expression::{Expression, Scope, clip, inner, names_secrets};
use crate::lasts::{Lasts, later, span_of};
use crate::problem::{Problem, UNKNOWN_NAME};

const SCHEMES: &[(&str, &[&str])] = &[
    ("basic", &["username", "password"]),
    ("bearer", &["token"]),
    ("digest", &["username", "password"]),
    ("oauth2", OAUTH2),
    ("oidc", OAUTH2),
];
const OAUTH2: &[&str] = &[
    "authority",
    "endpoints",
    "grant",
    "client",
    "request",
    "issuers",
    "scopes",
    "audiences",
    "username",
    "password",
    "subject",
    "actor",
];

impl<'v> Reader<'v, '_> {
    pub(super) fn duration(&mut self, at: &At<'v>, scope: &Scope) -> Option<Lasts> {
        if let Some(expression) = at.value.as_str().and_then(inner) {
            let compiled = Expression::compile(expression, &at.pointer, scope, self.environment);
            return self.keep(compiled).map(Lasts::Computed);
        }
        match span_of(at.value) {
            Ok(span) => Some(Lasts::Fixed(span)),
            Err(message) => {
                self.malformed(&at.pointer, message, "write for instance `seconds: 30` or PT30S");
                None
            }
        }
    }

    fn fixed_ms(&mut self, at: &At<'v>, key: &str) -> Option<i64> {
        let at = at.get(key)?;
        let lasts = self.duration(&at, &Scope::default())?;
        if lasts.span().is_none() {
            self.malformed(&at.pointer, "a retry has fixed durations", "write for instance `seconds: 3`");
        }
        lasts.span().map(|span| later(Millis(0), span).0)
    }

    /// A timeout, or the name of one.
    pub(super) fn timeout(&mut self, at: &At<'v>, scope: &Scope) -> Option<Lasts> {
        let at = at.get("timeout")?;
        let Some(name) = at.value.as_str() else { return self.timeout_of(&at, scope) };
        let found = self.used("timeouts", name);
        if found.is_none() {
            self.unknown(&at.pointer, "timeout", name, "define it under use.timeouts");
        }
        found.and_then(|found| self.timeout_of(&found, scope))
    }

    pub(super) fn timeout_of(&mut self, at: &At<'v>, scope: &Scope) -> Option<Lasts> {
        self.object(at, &["after"]);
        let after = self.required(at, "after")?;
        self.duration(&after, scope)
    }

    pub(super) fn retry_or_name(&mut self, at: &At<'v>, scope: &Scope) -> Option<Arc<Retry>> {
        let Some(name) = at.value.as_str() else { return Some(Arc::new(self.retry(at, scope))) };
        let found = self.retries.get(name).cloned();
        if found.is_none() {
            self.unknown(&at.pointer, "retry", name, "define it under use.retries");
        }
        found
    }

    pub(super) fn retry(&mut self, at: &At<'v>, scope: &Scope) -> Retry {
        self.object(at, &["when", "exceptWhen", "delay", "backoff", "limit", "jitter"]);
        let mut retry = Retry {
            when: self.optional_expression(at, "when", scope),
            except_when: self.optional_expression(at, "exceptWhen", scope),
            delay_ms: self.fixed_ms(at, "delay"),
            ..Retry::default()
        };
        if let Some(at) = at.get("backoff") {
            self.object(&at, &["constant", "exponential", "linear"]);
            retry.backoff = match at.members().as_slice() {
                [("linear", _)] => Backoff::Linear,
                [("exponential", _)] => Backoff::Exponential,
                [("constant", _)] => Backoff::Constant,
                _ => {
                    self.malformed(&at.pointer, "exactly one of constant, linear and exponential", "");
                    Backoff::Constant
                }
            };
            for (_, at) in at.members() {
                if at.value.as_object().is_none() {
                    self.malformed(&at.pointer, "a mapping is expected here", "write `{}`");
                }
            }
        }
        if let Some(at) = at.get("limit") {
            self.object(&at, &["attempt", "duration"]);
            retry.total_ms = self.fixed_ms(&at, "duration");
            if let Some(attempt) = at.get("attempt") {
                self.object(&attempt, &["count", "duration"]);
                retry.attempt_ms = self.fixed_ms(&attempt, "duration");
                let count = self.whole(&attempt, "count");
                retry.count = count.map(|count| u32::try_from(count.max(0)).unwrap_or(u32::MAX));
            }
        }
        if let Some(at) = at.get("jitter") {
            self.object(&at, &["from", "to"]);
            retry.jitter_ms = self.fixed_ms(&at, "from").zip(self.fixed_ms(&at, "to"));
            if retry.jitter_ms.is_none() {
                self.malformed(&at.pointer, "a jitter has `from` and `to`", "");
            }
        }
        retry
    }

    /// The authentication under this key, or the one it names.
    pub(super) fn authenticated(&mut self, at: &At<'v>, scope: &Scope) -> Option<Arc<Authentication>> {
        let at = at.get("authentication")?;
        let Some(named) = at.get("use") else { return self.authentication(&at, scope).map(Arc::new) };
        self.object(&at, &["use"]);
        let name = self.text(&named)?;
        if !self.names.authentications.contains(name) {
            self.unknown(&named.pointer, "authentication", name, "define it under use.authentications");
            return None;
        }
        let found = self.used("authentications", name)?;
        self.authentication(&found, scope).map(Arc::new)
    }

    pub(super) fn authentication(&mut self, at: &At<'v>, scope: &Scope) -> Option<Authentication> {
        let schemes: Vec<&str> = SCHEMES.iter().map(|(scheme, _)| *scheme).collect();
        self.object(at, &schemes);
        let given = SCHEMES.iter().find(|(scheme, _)| at.get(scheme).is_some());
        let Some((scheme, keys)) = given else {
            let hint = format!("one of {}", schemes.join(", "));
            self.malformed(&at.pointer, "nothing here says how to authenticate", hint);
            return None;
        };
        if *scheme == "digest" {
            let hint = "use basic over TLS, a bearer token or oauth2";
            self.unsupported(&at.pointer, "digest authentication is not available", hint);
            return None;
        }
        let at = at.get(scheme)?;
        if let Some(named) = at.get("use") {
            self.object(&at, &["use"]);
            let name = self.text(&named)?;
            self.secret(name, &named.pointer);
            return Some(Authentication { scheme, values: Vec::new(), secret: Some(name.to_owned()) });
        }
        self.object(&at, keys);
        if matches!(*scheme, "basic" | "bearer") {
            for key in *keys {
                self.required_text(&at, key);
            }
        }
        let mut values = Vec::new();
        self.credentials(&at, "", scope, &mut values);
        Some(Authentication { scheme, values, secret: None })
    }

    fn credentials(&mut self, at: &At<'v>, prefix: &str, scope: &Scope, values: &mut Vec<(String, Private)>) {
        for (key, member) in at.members() {
            let name = if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") };
            match member.value {
                Value::Object(_) => self.credentials(&member, &name, scope, values),
                _ => values.extend(self.private(&member, scope).map(|private| (name, private))),
            }
        }
    }

    /// A value that may be a secret, alone.
    pub(super) fn private(&mut self, at: &At<'v>, scope: &Scope) -> Option<Private> {
        let text = at.value.as_str().and_then(inner).filter(|text| names_secrets(text));
        let Some(text) = text else { return self.shape(at, scope).map(Private::Plain) };
        let word = |part: &&str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        };
        let path = text.trim().strip_prefix("$secrets.").map(|path| path.split('.').collect::<Vec<_>>());
        match path.filter(|path| path.iter().all(word)).as_deref() {
            Some([name, path @ ..]) => {
                self.secret(name, &at.pointer);
                let path = path.iter().map(|part| (*part).to_owned()).collect();
                Some(Private::Secret { name: (*name).to_owned(), path })
            }
            _ => {
                let message =
                    "a secret may only stand alone: what is computed from it would end up in the journal";
                self.unsupported(&at.pointer, message, "write `${ $secrets.NAME }` and nothing around it");
                None
            }
        }
    }

    fn secret(&mut self, name: &str, at: &str) {
        if !self.names.secrets.iter().any(|known| known == name) {
            let message = format!("the secret `{}` is not named under use.secrets", clip(name));
            let hint = format!("add `- {}` there", clip(name));
            self.problems.push(Problem::new(at, UNKNOWN_NAME, message).hint(hint));
        }
    }
}
