//! Messages out: one for each delivery, confirmed by the stream that keeps it.

use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::{Client, HeaderMap};
use futures::future::BoxFuture;
use lineshaft_model::{Answer, Envelope, Reason};
use lineshaft_ports::{Delivery, Sink, Slot};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::config::{Operation, Subject, is_subject};
use super::server::{Server, chain, is_open};

/// One operation, ready to be called.
pub(super) struct NatsSink {
    server: Server,
    operation: Operation,
    client: Mutex<Option<Client>>,
    /// Whether an attempt was cut off before it had an answer: the connection may be as silent for the next.
    doubtful: AtomicBool,
}

/// Held by an attempt that waits for an answer; dropped before there is one, it puts the connection in doubt.
struct Waiting<'a> {
    doubtful: &'a AtomicBool,
    answered: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.doubtful.store(true, Ordering::Relaxed);
        }
    }
}

/// Errors of JetStream by its own numbers: the message is larger than the stream takes, and the same with its headers.
const TOO_LARGE: [u64; 2] = [10054, 10097];

impl NatsSink {
    pub(super) fn new(server: Server, operation: Operation) -> Self {
        Self { server, operation, client: Mutex::new(None), doubtful: AtomicBool::new(false) }
    }

    /// The connection, opened anew when it is lost. One call opens it for all.
    async fn client(&self) -> Result<Client, Reason> {
        let mut held = self.client.lock().await;
        if self.doubtful.swap(false, Ordering::Relaxed) {
            *held = None;
        }
        if let Some(client) = held.as_ref().filter(|client| is_open(client)) {
            return Ok(client.clone());
        }
        *held = None;
        let client = self.server.connect().await?;
        *held = Some(client.clone());
        Ok(client)
    }

    /// Lets a connection go that gave no answer: the next attempt opens another one.
    async fn drop_client(&self) {
        *self.client.lock().await = None;
    }

    fn subject<'a>(&'a self, delivery: &'a Delivery) -> Result<&'a str, Reason> {
        let subject = match &self.operation.subject {
            Subject::Fixed(subject) => subject,
            Subject::Rendered => delivery.slots.first().map_or("", String::as_str),
        };
        if is_subject(subject, false) {
            return Ok(subject);
        }
        Err(Reason::new("subject-unsafe", "the event's values make no subject")
            .hint("a value of the subject is empty, or has a space, a wildcard or characters beyond ASCII; check its expression"))
    }

    fn headers(&self, delivery: &Delivery) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", delivery.idempotency_key.as_str());
        headers.insert("content-type", self.operation.content_type.as_str());
        if delivery.traceparent.bytes().all(|byte| byte.is_ascii_graphic())
            && !delivery.traceparent.is_empty()
        {
            headers.insert("traceparent", delivery.traceparent.as_str());
        }
        if self.operation.ce_headers {
            put_attributes(&mut headers, &delivery.envelope);
        }
        headers
    }

    async fn attempt(&self, delivery: &Delivery) -> Answer {
        let again = |reason| Answer::Again { status: 0, after_ms: None, reason };
        let subject = match self.subject(delivery) {
            Ok(subject) => subject.to_owned(),
            Err(reason) => return Answer::Refused { status: 0, reason },
        };
        let client = match self.client().await {
            Ok(client) => client,
            Err(reason) => return again(reason),
        };
        let headers = self.headers(delivery);
        let limit = Duration::from_millis(self.server.timeout_ms);
        let mut waiting = Waiting { doubtful: &self.doubtful, answered: false };
        let sending = self.send(&client, subject, headers, delivery);
        let answer = match timeout(limit, sending).await {
            Ok(answer) => answer,
            Err(_) => {
                let message =
                    format!("{} did not confirm within {} ms", self.server.shown, self.server.timeout_ms);
                Answer::Unknown { reason: Reason::new("answer-timeout", message).hint(MAY_BE_THERE) }
            }
        };
        waiting.answered = true;
        if matches!(answer, Answer::Unknown { .. }) {
            self.drop_client().await;
        }
        answer
    }

    async fn send(
        &self,
        client: &Client,
        subject: String,
        headers: HeaderMap,
        delivery: &Delivery,
    ) -> Answer {
        let delivered = Answer::Delivered { status: 0, foreign_key: None };
        if !self.operation.to_stream {
            if let Err(error) = client.publish_with_headers(subject, headers, delivery.body.clone()).await {
                return match error.kind() {
                    async_nats::client::PublishErrorKind::MaxPayloadExceeded => self.too_large(&error),
                    _ => self.not_sent(&error),
                };
            }
            return match client.flush().await {
                Ok(()) => delivered,
                Err(error) => self.lost(&error),
            };
        }
        let mut context = async_nats::jetstream::new(client.clone());
        context.set_timeout(Duration::from_millis(self.server.timeout_ms));
        let sent = context.publish_with_headers(subject, headers, delivery.body.clone()).await;
        match sent {
            Ok(confirmed) => match confirmed.await {
                // One that the stream has already is there as well.
                Ok(_) => delivered,
                Err(error) => self.not_confirmed(&error),
            },
            Err(error) if error.kind() == PublishErrorKind::MaxPayloadExceeded => self.too_large(&error),
            Err(error) => self.not_sent(&error),
        }
    }

    fn not_confirmed(&self, error: &PublishError) -> Answer {
        let whose = &self.server.shown;
        match error.kind() {
            PublishErrorKind::StreamNotFound => Answer::Again {
                status: 0,
                after_ms: None,
                reason: Reason::new(
                    "subject-without-stream",
                    format!("no stream of {whose} keeps this subject"),
                )
                .hint("make a stream for it, or set `acknowledged_by: server`"),
            },
            PublishErrorKind::MaxPayloadExceeded => self.too_large(error),
            PublishErrorKind::TimedOut | PublishErrorKind::BrokenPipe => self.lost(error),
            _ => match js_code(error) {
                Some(code) if TOO_LARGE.contains(&code) => self.too_large(error),
                Some(_) => Answer::Again {
                    status: 0,
                    after_ms: None,
                    reason: Reason::new(
                        "target-not-now",
                        format!("{whose} did not take the message: {}", chain(error)),
                    )
                    .hint("has the stream reached its limits?"),
                },
                None => self.lost(error),
            },
        }
    }

    fn too_large(&self, error: &dyn Error) -> Answer {
        let message = format!("{} refused the message: {}", self.server.shown, chain(error));
        let reason = Reason::new("target-refused", message)
            .hint("the message is larger than the server or the stream takes");
        Answer::Refused { status: 0, reason }
    }

    fn not_sent(&self, error: &dyn Error) -> Answer {
        let message = format!("nothing was sent to {}: {}", self.server.shown, chain(error));
        Answer::Again { status: 0, after_ms: None, reason: Reason::new("connection-lost", message) }
    }

    fn lost(&self, error: &dyn Error) -> Answer {
        let message = format!("{} gave no word of the message: {}", self.server.shown, chain(error));
        Answer::Unknown { reason: Reason::new("connection-lost", message).hint(MAY_BE_THERE) }
    }
}

/// The number of an error that JetStream answered with; nothing when it did not answer.
fn js_code(error: &PublishError) -> Option<u64> {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(said) = inner.downcast_ref::<async_nats::jetstream::Error>() {
            return Some(said.error_code().0);
        }
        cause = inner.source();
    }
    None
}

const MAY_BE_THERE: &str = "the message may be there; sent again under the same Nats-Msg-Id it is kept once within the stream's duplicate window";

/// The event's attributes as headers, by the CloudEvents binding for NATS.
fn put_attributes(headers: &mut HeaderMap, envelope: &Envelope) {
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
            headers.insert(name, encoded(value).as_str());
        }
    }
}

/// Percent-encodes what a header cannot carry.
fn encoded(value: &str) -> String {
    let mut whole = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_graphic() && !matches!(byte, b'"' | b'%') {
            whole.push(char::from(byte));
        } else {
            whole.push_str(&format!("%{byte:02X}"));
        }
    }
    whole
}

impl Sink for NatsSink {
    fn deliver<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Answer> {
        Box::pin(self.attempt(delivery))
    }

    fn slots(&self) -> &[Slot] {
        &self.operation.slots
    }

    fn keeps_idempotency_key(&self) -> bool {
        self.operation.to_stream
    }
}

impl fmt::Debug for NatsSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsSink")
            .field("server", &self.server)
            .field("operation", &self.operation.name)
            .finish_non_exhaustive()
    }
}
