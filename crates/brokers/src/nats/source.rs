//! Messages in: from a stream, acknowledged when they are durable, or from a core subject.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, Consumer, DeliverPolicy, pull};
use async_nats::{Client, HeaderMap};
use futures::StreamExt;
use futures::future::BoxFuture;
use lineshaft_connectors::feeder::Stopped;
use lineshaft_connectors::{Batch, Feeder};
use lineshaft_formats::decode;
use lineshaft_model::Reason;
use lineshaft_ports::{HandOver, Input, Source};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::config::{Feed, SourceSettings, StreamSettings};
use super::server::{Server, chain, is_open, unreadable};

/// A source of messages.
#[derive(Debug)]
pub(super) struct NatsSource {
    server: Server,
    settings: SourceSettings,
}

enum Ended {
    Stopped,
    Failed(Reason),
}

impl From<Stopped> for Ended {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

impl From<Reason> for Ended {
    fn from(reason: Reason) -> Self {
        Self::Failed(reason)
    }
}

impl NatsSource {
    pub(super) fn new(server: Server, settings: SourceSettings) -> Self {
        Self { server, settings }
    }
}

impl Source for NatsSource {
    fn run<'a>(
        &'a mut self,
        hub: &'a dyn HandOver,
        stop: CancellationToken,
    ) -> BoxFuture<'a, Result<(), Reason>> {
        let Self { server, settings } = &*self;
        Box::pin(async move {
            let taking = Taking { server, settings, feeder: Feeder::new(hub, stop, &settings.shown) };
            let ended = match &settings.feed {
                Feed::Stream(stream) => taking.take_stream(stream).await,
                Feed::Subject { subject, queue } => taking.take_subject(subject, queue).await,
            };
            match ended {
                Ok(()) | Err(Ended::Stopped) => Ok(()),
                Err(Ended::Failed(reason)) => Err(reason),
            }
        })
    }
}

/// One run of a source.
struct Taking<'a> {
    server: &'a Server,
    settings: &'a SourceSettings,
    feeder: Feeder<'a>,
}

impl Taking<'_> {
    async fn take_stream(&self, stream: &StreamSettings) -> Result<(), Ended> {
        let client = self.feeder.unless_stopped(self.server.connect()).await??;
        let consumer = self.feeder.unless_stopped(self.consumer(&client, stream)).await??;
        loop {
            let messages = self.feeder.unless_stopped(self.fetch(&consumer, stream)).await??;
            let count = messages.len();
            self.take(&messages).await?;
            for message in &messages {
                // An acknowledgement that is lost brings the message again, under the same identity.
                let acknowledged = self.feeder.unless_stopped(message.ack()).await?;
                acknowledged.map_err(|error| self.broken(&*error))?;
            }
            if count > 0 {
                // So that the server has the acknowledgements before anything else happens.
                self.feeder.unless_stopped(client.flush()).await?.map_err(|error| self.broken(&error))?;
            }
            if count < stream.batch {
                if !is_open(&client) {
                    return Err(self.broken_off().into());
                }
                self.feeder.pause(stream.every_ms).await?;
            }
        }
    }

    async fn consumer(
        &self,
        client: &Client,
        stream: &StreamSettings,
    ) -> Result<Consumer<pull::Config>, Reason> {
        let mut context = async_nats::jetstream::new(client.clone());
        context.set_timeout(Duration::from_millis(self.server.timeout_ms));
        let found = context.get_stream(&stream.stream).await;
        let found = found.map_err(|error| unreadable(&stream.stream, &error))?;
        let config = pull::Config {
            durable_name: Some(stream.durable.clone()),
            filter_subject: stream.subject.clone(),
            deliver_policy: if stream.from_new { DeliverPolicy::New } else { DeliverPolicy::All },
            ack_policy: AckPolicy::Explicit,
            ack_wait: Duration::from_millis(stream.ack_wait_ms),
            ..pull::Config::default()
        };
        found.get_or_create_consumer(&stream.durable, config).await.map_err(|error| {
            Reason::new(
                "stream-unreadable",
                format!("the consumer `{}` cannot be made: {}", stream.durable, chain(&error)),
            )
            .hint("does it exist with other settings? Remove it, or name another one in `durable`")
        })
    }

    /// What is there now, at most a batch.
    async fn fetch(
        &self,
        consumer: &Consumer<pull::Config>,
        stream: &StreamSettings,
    ) -> Result<Vec<async_nats::jetstream::Message>, Reason> {
        let asked = consumer.fetch().max_messages(stream.batch).messages().await;
        let mut arriving = asked.map_err(|error| self.broken(&error))?;
        let mut messages = Vec::new();
        loop {
            match timeout(Duration::from_millis(self.server.timeout_ms), arriving.next()).await {
                Ok(Some(Ok(message))) => messages.push(message),
                Ok(Some(Err(error))) => return Err(self.broken(&*error)),
                Ok(None) => return Ok(messages),
                // The server has said neither that there is more nor that there is not.
                Err(_) => return Err(self.broken_off()),
            }
        }
    }

    /// Hands messages over: those whose headers matter one by one, others together.
    async fn take(&self, messages: &[async_nats::jetstream::Message]) -> Result<(), Ended> {
        let mut batch = Batch::default();
        for message in messages {
            let info = message.info().map_err(|error| self.broken(&*error))?;
            // A stream that is made anew counts from 1 again; the time tells its messages from those before.
            let published = info.published.unix_timestamp_nanos();
            let identity = format!("{}:{}@{published}", info.stream, info.stream_sequence);
            let origin = format!("{} message {}", message.subject, info.stream_sequence);
            let kept = self.kept(message.headers.as_ref());
            if kept.is_empty() {
                self.add(&mut batch, &message.payload, &origin, &identity);
                if batch.is_full() {
                    self.hand_over(std::mem::take(&mut batch), Vec::new()).await?;
                }
                continue;
            }
            // In their order: what came before goes first.
            self.hand_over(std::mem::take(&mut batch), Vec::new()).await?;
            let mut alone = Batch::default();
            self.add(&mut alone, &message.payload, &origin, &identity);
            self.hand_over(alone, kept).await?;
        }
        self.hand_over(batch, Vec::new()).await
    }

    async fn take_subject(&self, subject: &str, queue: &str) -> Result<(), Ended> {
        let client = self.feeder.unless_stopped(self.server.connect()).await??;
        let subscribing = client.queue_subscribe(subject.to_owned(), queue.to_owned());
        let mut messages =
            self.feeder.unless_stopped(subscribing).await?.map_err(|error| self.broken(&error))?;
        // The server knows of it before the first message is waited for.
        self.feeder.unless_stopped(client.flush()).await?.map_err(|error| self.broken(&error))?;
        let info = client.server_info();
        // Nothing comes twice from a core subject, so a message is named by its place on this connection.
        let connection = format!("{}:{}", info.server_id, info.client_id);
        for number in 1_u64.. {
            let next = loop {
                match self.feeder.unless_stopped(timeout(Duration::from_secs(1), messages.next())).await? {
                    Ok(next) => break next,
                    Err(_) if is_open(&client) => {}
                    Err(_) => break None,
                }
            };
            let Some(message) = next else { return Err(self.broken_off().into()) };
            let mut batch = Batch::default();
            let origin = format!("{} message {number}", message.subject);
            self.add(&mut batch, &message.payload, &origin, &format!("{connection}:{number}"));
            self.hand_over(batch, self.kept(message.headers.as_ref())).await?;
            if let Some(reply) = message.reply {
                // Whoever asked is answered when the message is durable.
                let answered = self.feeder.unless_stopped(client.publish(reply, "+OK".into())).await?;
                answered.map_err(|error| self.broken(&error))?;
            }
        }
        Ok(())
    }

    fn add(&self, batch: &mut Batch, payload: &[u8], origin: &str, identity: &str) {
        for (n, document) in decode(&self.settings.format, payload).enumerate() {
            match document {
                Ok(document) => {
                    let identity = if n == 0 { identity.to_owned() } else { format!("{identity}#{n}") };
                    batch.push(&document.raw, &document.json, origin.to_owned(), identity);
                }
                Err(error) => batch.push_error(origin, error),
            }
        }
    }

    async fn hand_over(&self, batch: Batch, headers: Vec<(String, String)>) -> Result<(), Ended> {
        if batch.is_empty() {
            return Ok(());
        }
        let trace = headers.iter().find(|(name, _)| name == "traceparent").map(|(_, value)| value.clone());
        let input = batch.into_input(&self.settings.format, &self.settings.shown, None);
        let input = Input { headers, traceparent: trace.unwrap_or_default(), ..input };
        self.feeder.hand_over(input).await?;
        Ok(())
    }

    /// The headers of a message that mappings may read.
    fn kept(&self, headers: Option<&HeaderMap>) -> Vec<(String, String)> {
        let Some(headers) = headers.filter(|_| !self.settings.headers.is_empty()) else { return Vec::new() };
        let mut kept = Vec::new();
        for (name, values) in headers.iter() {
            let name = AsRef::<str>::as_ref(name).to_ascii_lowercase();
            if self.settings.headers.contains(&name) {
                kept.extend(values.first().map(|value| (name, value.as_str().to_owned())));
            }
        }
        kept
    }

    fn broken(&self, error: &dyn std::error::Error) -> Reason {
        Reason::new(
            "connection-lost",
            format!("the connection to {} broke: {}", self.server.shown, chain(error)),
        )
        .hint("is the server up? The source starts again by itself")
    }

    fn broken_off(&self) -> Reason {
        Reason::new("connection-lost", format!("the connection to {} is gone", self.server.shown))
            .hint("is the server up? The source starts again by itself")
    }
}
