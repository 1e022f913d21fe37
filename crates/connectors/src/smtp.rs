//! The e-mail door: sends an event as a mail, for instance an alarm to whoever should know.

mod config;
mod sink;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use futures::future::BoxFuture;
use lineshaft_model::{Reason, Reasons};
use lineshaft_ports::{Gate, Sink, Source};
use serde_json::Value;

use crate::connector::no_such;
use crate::{Connector, Finding, OperationSpec, SourceSpec, Surroundings};
use config::MailConfig;

/// Reads the configuration of a system with `connector: smtp`.
pub(crate) fn parse(config: &Value, _: &str) -> Result<Box<dyn Connector>, Reasons> {
    let mail = MailConfig::parse(config)?;
    let spec = |operation: &config::Operation| OperationSpec {
        name: operation.name.clone(),
        keeps_idempotency_key: mail.repeat,
        can_verify: false,
    };
    let operations = mail.operations.iter().map(spec).collect();
    Ok(Box::new(SmtpConnector { mail, operations }))
}

/// A mail server.
#[derive(Debug)]
struct SmtpConnector {
    mail: MailConfig,
    operations: Vec<OperationSpec>,
}

impl Connector for SmtpConnector {
    fn sources(&self) -> &[SourceSpec] {
        &[]
    }

    fn operations(&self) -> &[OperationSpec] {
        &self.operations
    }

    fn build_source(&self, source: &str, _: &Surroundings<'_>) -> Result<Box<dyn Source>, Reason> {
        Err(no_such("source", source))
    }

    fn build_sink(&self, operation: &str, with: &Surroundings<'_>) -> Result<Arc<dyn Sink>, Reason> {
        let found = self.mail.operations.iter().find(|known| known.name == operation);
        let operation = found.ok_or_else(|| no_such("operation", operation))?;
        Ok(Arc::new(sink::MailSink::build(&self.mail, operation, with)?))
    }

    fn gate(&self, source: &str, _: &Surroundings<'_>) -> Result<Option<Arc<dyn Gate>>, Reason> {
        Err(no_such("source", source))
    }

    fn probe<'a>(&'a self, with: Surroundings<'a>) -> BoxFuture<'a, Vec<Finding>> {
        Box::pin(async move {
            let Some(operation) = self.mail.operations.first() else { return Vec::new() };
            let found = match sink::MailSink::build(&self.mail, operation, &with) {
                Ok(sink) => sink.greet().await,
                Err(reason) => Err(reason),
            };
            vec![Finding::new("connection", found)]
        })
    }
}
