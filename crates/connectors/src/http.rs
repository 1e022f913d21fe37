//! The HTTP door: calls a system's operations, and knows the sources that push to the hub or drop files beside it.
//!
//! The client is our own, on a TCP or TLS stream with `httparse` for the answer's head. What an attempt may report depends on
//! one fact, whether a byte of the request had left when it failed, and only the owner of the socket knows it exactly. It
//! also costs one write and one read an attempt, and nothing is allocated on a warm connection but the future itself.

mod answers;
mod auth;
mod batch;
mod body;
mod client;
mod config;
mod connect;
mod connection;
mod csrf;
mod detail;
mod head;
mod oauth;
mod operation;
mod plan;
pub(crate) mod poll;
mod pool;
mod probe;
mod request;
mod sink;
mod stream;
mod target;
pub(crate) mod webhook;

#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

use futures::future::BoxFuture;
use lineshaft_model::{Reason, Reasons};
use lineshaft_ports::{Gate, Sink, Source};
use serde_json::Value;

use crate::connector::no_such;
use crate::sources::Sources;
use crate::{Connector, Finding, OperationSpec, SourceSpec, Surroundings};
pub(crate) use config::HttpConfig;
pub(crate) use config::LOADED_ELSEWHERE;

const USER_AGENT: &str = concat!("lineshaft/", env!("CARGO_PKG_VERSION"));
const ALPN: &[&[u8]] = &[b"http/1.1"];

/// Reads the configuration of a system with `connector: http`.
pub(crate) fn parse(config: &Value, system: &str) -> Result<Box<dyn Connector>, Reasons> {
    parse_as(config, system, Flavour::default())
}

/// What a system speaks besides plain HTTP.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flavour {
    /// Whether operations may be batches of OData and read entity tags.
    pub(crate) odata: bool,
    /// Whether changes need a CSRF token.
    pub(crate) csrf: bool,
}

/// Reads the same for a system that speaks more than plain HTTP.
pub(crate) fn parse_as(
    config: &Value,
    system: &str,
    flavour: Flavour,
) -> Result<Box<dyn Connector>, Reasons> {
    let (http, sources) = HttpConfig::parse(config, system, flavour)?;
    let spec = |operation: &operation::Operation| {
        let mut spec = operation.spec();
        spec.keeps_idempotency_key |= http.auth.is_standard_webhooks();
        spec
    };
    let specs = http.operations.iter().map(spec).collect();
    Ok(Box::new(HttpConnector { http, sources, operations: specs }))
}

/// A system reached over HTTP.
#[derive(Debug)]
struct HttpConnector {
    http: HttpConfig,
    sources: Sources,
    operations: Vec<OperationSpec>,
}

impl Connector for HttpConnector {
    fn sources(&self) -> &[SourceSpec] {
        self.sources.specs()
    }

    fn operations(&self) -> &[OperationSpec] {
        &self.operations
    }

    fn build_source(&self, source: &str, with: &Surroundings<'_>) -> Result<Box<dyn Source>, Reason> {
        self.sources.build(source, Some(&self.http), with)
    }

    fn build_sink(&self, operation: &str, with: &Surroundings<'_>) -> Result<Arc<dyn Sink>, Reason> {
        let found = self.http.operations.iter().find(|known| known.name == operation);
        let operation = found.ok_or_else(|| no_such("operation", operation))?;
        Ok(Arc::new(sink::HttpSink::build(&self.http, operation, with)?))
    }

    fn gate(&self, source: &str, with: &Surroundings<'_>) -> Result<Option<Arc<dyn Gate>>, Reason> {
        self.sources.gate(source, with)
    }

    fn probe<'a>(&'a self, with: Surroundings<'a>) -> BoxFuture<'a, Vec<Finding>> {
        Box::pin(async move {
            let mut findings = probe::system(&self.http, &with).await;
            for (name, poll) in self.sources.polls() {
                findings.push(probe::poll(name, poll, &self.http, &with).await);
            }
            findings.extend(self.sources.probe(&with));
            findings
        })
    }
}
