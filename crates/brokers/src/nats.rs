//! NATS: streams of JetStream that are acknowledged when their messages are durable, and core subjects.

mod config;
mod server;
mod sink;
mod source;

use std::sync::Arc;

use futures::future::BoxFuture;
use lineshaft_connectors::connector::no_such;
use lineshaft_connectors::{Connector, Finding, OperationSpec, SourceKind, SourceSpec, Surroundings};
use lineshaft_model::{Reason, Reasons};
use lineshaft_ports::{Gate, Sink, Source};
use serde_json::Value;

use config::NatsConfig;

/// Reads the configuration of a system with `connector: nats`.
pub(crate) fn parse(config: &Value, system: &str) -> Result<Box<dyn Connector>, Reasons> {
    let config = NatsConfig::parse(config, system)?;
    let spec =
        |source: &config::SourceSettings| SourceSpec { name: source.name.clone(), kind: SourceKind::Pull };
    let sources = config.sources.iter().map(spec).collect();
    let operations = config.operations.iter().map(config::Operation::spec).collect();
    Ok(Box::new(NatsConnector { config, sources, operations }))
}

/// A system that is reached through NATS.
#[derive(Debug)]
struct NatsConnector {
    config: NatsConfig,
    sources: Vec<SourceSpec>,
    operations: Vec<OperationSpec>,
}

impl Connector for NatsConnector {
    fn sources(&self) -> &[SourceSpec] {
        &self.sources
    }

    fn operations(&self) -> &[OperationSpec] {
        &self.operations
    }

    fn build_source(&self, source: &str, with: &Surroundings<'_>) -> Result<Box<dyn Source>, Reason> {
        let found = self.config.sources.iter().find(|known| known.name == source);
        let source = found.ok_or_else(|| no_such("source", source))?;
        Ok(Box::new(source::NatsSource::new(self.config.server.build(with)?, source.clone())))
    }

    fn build_sink(&self, operation: &str, with: &Surroundings<'_>) -> Result<Arc<dyn Sink>, Reason> {
        let found = self.config.operations.iter().find(|known| known.name == operation);
        let operation = found.ok_or_else(|| no_such("operation", operation))?;
        Ok(Arc::new(sink::NatsSink::new(self.config.server.build(with)?, operation.clone())))
    }

    fn gate(&self, source: &str, _: &Surroundings<'_>) -> Result<Option<Arc<dyn Gate>>, Reason> {
        let found = self.config.sources.iter().any(|known| known.name == source);
        if found { Ok(None) } else { Err(no_such("source", source)) }
    }

    fn probe<'a>(&'a self, with: Surroundings<'a>) -> BoxFuture<'a, Vec<Finding>> {
        Box::pin(async move {
            let opened = async {
                let server = self.config.server.build(&with)?;
                let client = server.connect().await?;
                Ok::<_, Reason>((server, client))
            };
            let (server, client) = match opened.await {
                Ok(open) => open,
                Err(reason) => return vec![Finding::new("connection", Err(reason))],
            };
            let mut findings =
                vec![Finding::new("connection", Ok(format!("{} took the login", server.shown)))];
            for source in &self.config.sources {
                if let config::Feed::Stream(stream) = &source.feed {
                    let found = server.waiting(&client, &stream.stream).await;
                    let found =
                        found.map(|messages| format!("the stream {} has {messages} messages", stream.stream));
                    findings.push(Finding::new(format!("source {}", source.name), found));
                }
            }
            findings
        })
    }
}
