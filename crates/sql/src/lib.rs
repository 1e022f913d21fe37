//! The door to databases: PostgreSQL, MariaDB and MySQL. Tables are polled, outboxes are emptied, rows are written and procedures
//! are called.
//!
//! Every value is bound and every identifier is one of the configuration, checked against the catalogue of the database: no
//! text of an event ever becomes SQL. The clients of the databases are kept in this crate, so that no other build waits for them.

mod catalogue;
mod config;
mod connection;
mod fault;
mod identifier;
mod mysql;
mod outbox;
mod postgres;
mod probe;
mod sink;
mod table;
mod write;

use std::sync::Arc;

use futures::future::BoxFuture;
use lineshaft_connectors::connector::no_such;
use lineshaft_connectors::{Connector, Finding, Kind, OperationSpec, SourceKind, SourceSpec, Surroundings};
use lineshaft_model::{Reason, Reasons};
use lineshaft_ports::{Gate, Sink, Source};
use serde_json::Value;

use config::{Feed, SqlConfig};

/// `connector: sql`.
pub const KIND: Kind = Kind {
    name: "sql",
    summary: "Polls tables and empties outboxes of PostgreSQL, MariaDB and MySQL, writes rows and calls procedures.",
    parse,
};

/// Reads the configuration of a system with `connector: sql`.
fn parse(config: &Value, system: &str) -> Result<Box<dyn Connector>, Reasons> {
    let config = SqlConfig::parse(config, system)?;
    let sources = config
        .sources
        .iter()
        .map(|source| SourceSpec { name: source.name.clone(), kind: SourceKind::Pull })
        .collect();
    let operations = config.operations.iter().map(config::Operation::spec).collect();
    Ok(Box::new(SqlConnector { config, sources, operations }))
}

/// A database.
#[derive(Debug)]
struct SqlConnector {
    config: SqlConfig,
    sources: Vec<SourceSpec>,
    operations: Vec<OperationSpec>,
}

impl Connector for SqlConnector {
    fn sources(&self) -> &[SourceSpec] {
        &self.sources
    }

    fn operations(&self) -> &[OperationSpec] {
        &self.operations
    }

    fn build_source(&self, source: &str, with: &Surroundings<'_>) -> Result<Box<dyn Source>, Reason> {
        let found = self.config.sources.iter().find(|known| known.name == source);
        let source = found.ok_or_else(|| no_such("source", source))?;
        let server = Arc::new(self.config.server.build(with)?);
        Ok(match &source.feed {
            Feed::Table(table) => Box::new(table::TableSource::new(server, table.clone())),
            Feed::Outbox(outbox) => Box::new(outbox::OutboxSource::new(server, outbox.clone())),
        })
    }

    fn build_sink(&self, operation: &str, with: &Surroundings<'_>) -> Result<Arc<dyn Sink>, Reason> {
        let found = self.config.operations.iter().find(|known| known.name == operation);
        let operation = found.ok_or_else(|| no_such("operation", operation))?;
        let server = self.config.server.build(with)?;
        Ok(Arc::new(sink::SqlSink::new(server, operation.clone(), self.config.connections)))
    }

    fn gate(&self, source: &str, _: &Surroundings<'_>) -> Result<Option<Arc<dyn Gate>>, Reason> {
        let found = self.config.sources.iter().any(|known| known.name == source);
        if found { Ok(None) } else { Err(no_such("source", source)) }
    }

    fn probe<'a>(&'a self, with: Surroundings<'a>) -> BoxFuture<'a, Vec<Finding>> {
        Box::pin(probe::system(&self.config, with))
    }
}
