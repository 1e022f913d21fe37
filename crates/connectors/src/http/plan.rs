//! A request laid out once, so that sending it only copies.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lineshaft_model::{Envelope, Reason};
use lineshaft_ports::{Delivery, Slot};
use secrecy::{ExposeSecret, SecretString};

use super::auth::{Auth, Login, header_secret, sign_standard};
use super::request::{
    HeaderValue, Request, Text, check_filled, check_target, empty_segments, is_header_safe, percent_encode,
};
use super::target::Target;
use super::webhook::Key;
use crate::Secrets;

/// One request of an operation with everything that does not depend on the event.
pub(super) struct Plan {
    pub(super) method: &'static str,
    pub(super) idempotency_header: Option<String>,
    pub(super) sends_body: bool,
    pub(super) ce_headers: bool,
    base_path: String,
    path: Text,
    /// Empty segments of the path's template.
    empty: usize,
    query: Vec<(String, Text)>,
    /// Header lines that are the same on every request, the login among them.
    fixed: SecretString,
    slot_headers: Vec<(String, usize)>,
    signature: Option<Signature>,
    /// Keys of Standard Webhooks; none when it is not signed so.
    keys: Vec<Key>,
}

pub(super) struct Signature {
    name: String,
    prefix: String,
    secret: SecretString,
}

/// The header lines of a request that are the same for every event, and what is not.
pub(super) struct Fixed {
    pub(super) lines: String,
    slot_headers: Vec<(String, usize)>,
    pub(super) signature: Option<Signature>,
    /// Of Standard Webhooks.
    keys: Vec<Key>,
}

impl Signature {
    /// The header line that signs a body.
    pub(super) fn line(&self, body: &[u8]) -> String {
        format!("{}: {}\r\n", self.name, Login::sign(&self.prefix, &self.secret, body))
    }
}

impl Fixed {
    /// Lays the lines out; every secret in them is added to `sent`.
    pub(super) fn build(
        target: &Target,
        auth: &Auth,
        request: &Request,
        content_type: Option<&str>,
        secrets: &dyn Secrets,
        sent: &mut Vec<SecretString>,
    ) -> Result<Self, Reason> {
        let mut lines = String::new();
        let mut line = |name: &str, value: &str| {
            for part in [name, ": ", value, "\r\n"] {
                lines.push_str(part);
            }
        };
        line("host", &target.authority);
        if !request.has_header("user-agent") {
            line("user-agent", super::USER_AGENT);
        }
        if !request.has_header("accept") {
            line("accept", "application/json, */*;q=0.5");
        }
        if let (Some(content_type), true) = (content_type, request.sends_body) {
            line("content-type", content_type);
        }
        let (mut signature, mut standard) = (None, Vec::new());
        match auth.login(secrets)? {
            Login::None => {}
            Login::Fixed { name, value } => {
                line(&name, value.expose_secret());
                remember(sent, &value);
            }
            Login::Signature { name, prefix, secret } => {
                remember(sent, &secret);
                signature = Some(Signature { name, prefix, secret });
            }
            Login::StandardWebhooks { keys, secrets } => {
                secrets.iter().for_each(|secret| remember(sent, secret));
                standard = keys;
            }
        }
        let mut slot_headers = Vec::new();
        for (name, value) in &request.headers {
            match value {
                HeaderValue::Text(Text::Fixed(value)) => line(name, value),
                HeaderValue::Text(Text::Slot(slot)) => slot_headers.push((name.clone(), *slot)),
                HeaderValue::Secret(secret) => {
                    let value = header_secret(secret, secrets)?;
                    line(name, value.expose_secret());
                    remember(sent, &value);
                }
            }
        }
        Ok(Self { lines, slot_headers, signature, keys: standard })
    }
}

impl Plan {
    /// Lays a request out; every secret in it is added to `sent`.
    pub(super) fn build(
        target: &Target,
        auth: &Auth,
        request: &Request,
        content_type: Option<&str>,
        slots: &[Slot],
        secrets: &dyn Secrets,
        sent: &mut Vec<SecretString>,
    ) -> Result<Self, Reason> {
        let Fixed { lines, slot_headers, signature, keys } =
            Fixed::build(target, auth, request, content_type, secrets, sent)?;
        let template = match &request.path {
            Text::Fixed(path) => path.as_str(),
            Text::Slot(slot) => slots.get(*slot).map_or("", |slot| slot.template.as_str()),
        };
        Ok(Self {
            method: request.method,
            idempotency_header: request.idempotency_header.clone(),
            sends_body: request.sends_body,
            ce_headers: false,
            base_path: target.base_path.clone(),
            empty: empty_segments(template),
            path: request.path.clone(),
            query: request.query.clone(),
            fixed: SecretString::from(lines),
            slot_headers,
            signature,
            keys,
        })
    }

    /// Whether the target recognises a repeated call: by the header that is configured, or by `webhook-id`, as receivers of
    /// Standard Webhooks do.
    pub(super) fn keeps_key(&self) -> bool {
        self.idempotency_header.is_some() || !self.keys.is_empty()
    }

    /// Whether sending it twice does no more than sending it once: the target keeps our key, or nothing is changed.
    pub(super) fn is_repeatable(&self) -> bool {
        self.keeps_key() || self.method == "GET"
    }

    /// Writes the request's head; `sent` is the body as it goes out, `extra` are lines of this very attempt. Refuses what the event's values make of it when that is not one request to the place
    /// that was meant.
    pub(super) fn write(
        &self,
        head: &mut Vec<u8>,
        delivery: &Delivery,
        sent: &[u8],
        extra: &str,
    ) -> Result<(), Reason> {
        head.clear();
        put(head, &[self.method, " "]);
        let start = head.len();
        let path = rendered(&self.path, delivery)?;
        put(head, &[&self.base_path, path]);
        let mut joint = if path.contains('?') { "&" } else { "?" };
        for (name, value) in &self.query {
            put(head, &[joint, name, "=", rendered(value, delivery)?]);
            joint = "&";
        }
        check_filled(self.empty, path)?;
        // Built from texts, so it is one.
        check_target(std::str::from_utf8(&head[start..]).unwrap_or_default())?;
        put(head, &[" HTTP/1.1\r\n", self.fixed.expose_secret()]);
        put(head, &[extra]);
        for (name, slot) in &self.slot_headers {
            let value = filled(*slot, delivery)?.trim();
            if !is_header_safe(value) {
                return Err(Reason::new(
                    "header-unsafe",
                    format!("the value of header `{name}` cannot be sent"),
                )
                .hint("it has line breaks or characters beyond ASCII; encode it in the expression"));
            }
            put(head, &[name, ": ", value, "\r\n"]);
        }
        if let Some(name) = &self.idempotency_header {
            put(head, &[name, ": ", delivery.idempotency_key.as_str(), "\r\n"]);
        }
        if !delivery.traceparent.is_empty() && is_header_safe(&delivery.traceparent) {
            put(head, &["traceparent: ", &delivery.traceparent, "\r\n"]);
        }
        if self.ce_headers {
            put_ce_headers(head, &delivery.envelope);
        }
        let body: &[u8] = if self.sends_body { sent } else { &[] };
        if let Some(signature) = &self.signature {
            put(head, &[&signature.line(body)]);
        }
        if !self.keys.is_empty() {
            let (id, seconds) = (delivery.idempotency_key.as_str(), delivery.now.0.div_euclid(1_000));
            let signature = sign_standard(&self.keys, id, seconds, body);
            put(head, &["webhook-id: ", id, "\r\nwebhook-timestamp: ", &seconds.to_string()]);
            put(head, &["\r\nwebhook-signature: ", &signature, "\r\n"]);
        }
        if self.sends_body {
            put(head, &["content-length: "]);
            put_decimal(head, body.len());
            put(head, &["\r\n"]);
        }
        put(head, &["\r\n"]);
        Ok(())
    }
}

/// Keeps a secret in the forms a target may echo it: as a header's value, without its scheme, and decoded.
fn remember(sent: &mut Vec<SecretString>, value: &SecretString) {
    let text = value.expose_secret();
    if let Some((_, bare)) = text.split_once(' ') {
        let decoded = BASE64_STANDARD.decode(bare).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        if let Some((_, password)) = decoded.as_deref().and_then(|pair| pair.split_once(':')) {
            sent.push(SecretString::from(password));
        }
        sent.push(SecretString::from(bare));
    }
    sent.push(value.clone());
}

fn rendered<'a>(text: &'a Text, delivery: &'a Delivery) -> Result<&'a str, Reason> {
    match text {
        Text::Fixed(text) => Ok(text),
        Text::Slot(slot) => filled(*slot, delivery),
    }
}

fn filled(slot: usize, delivery: &Delivery) -> Result<&str, Reason> {
    delivery.slots.get(slot).map(String::as_str).ok_or_else(|| {
        Reason::new("slot-missing", "an expression of the operation was not evaluated")
            .hint("this is a fault of the hub; report it")
    })
}

fn put(head: &mut Vec<u8>, parts: &[&str]) {
    for part in parts {
        head.extend_from_slice(part.as_bytes());
    }
}

fn put_decimal(head: &mut Vec<u8>, number: usize) {
    use std::io::Write;
    // Writing to a Vec cannot fail.
    let _ = write!(head, "{number}");
}

/// The event's attributes as headers, by the CloudEvents binding for HTTP (section 3.1.3).
fn put_ce_headers(head: &mut Vec<u8>, envelope: &Envelope) {
    let attributes = [
        ("ce-specversion", "1.0"),
        ("ce-id", &envelope.id),
        ("ce-source", &envelope.source),
        ("ce-type", &envelope.event_type),
        ("ce-subject", &envelope.subject),
        ("ce-time", &envelope.time),
    ];
    for (name, value) in attributes {
        if !value.is_empty() {
            let safe = value.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'%');
            let encoded = if safe { None } else { Some(percent_encode(value)) };
            put(head, &[name, ": ", encoded.as_deref().unwrap_or(value), "\r\n"]);
        }
    }
}
