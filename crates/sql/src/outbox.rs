//! An outbox: rows that an application wrote in its own transaction, claimed, handed over, and only then deleted or marked.

use std::sync::Arc;

use futures::future::BoxFuture;
use lineshaft_connectors::Feeder;
use lineshaft_connectors::batch::{Batch, content_identity};
use lineshaft_formats::decode;
use lineshaft_model::Reason;
use lineshaft_ports::{HandOver, Source};
use tokio_util::sync::CancellationToken;

use crate::catalogue::{Catalogue, as_json, as_text};
use crate::config::OutboxSettings;
use crate::connection::{Connection, Row, Server};
use crate::identifier::{Column, Dialect, Statement};
use crate::table::{Ended, not_json, result};

/// A source that empties an outbox.
#[derive(Debug)]
pub(crate) struct OutboxSource {
    server: Arc<Server>,
    settings: OutboxSettings,
}

impl OutboxSource {
    pub(crate) fn new(server: Arc<Server>, settings: OutboxSettings) -> Self {
        Self { server, settings }
    }
}

impl Source for OutboxSource {
    fn run<'a>(
        &'a mut self,
        hub: &'a dyn HandOver,
        stop: CancellationToken,
    ) -> BoxFuture<'a, Result<(), Reason>> {
        let Self { server, settings } = &*self;
        Box::pin(async move {
            let feeder = Feeder::new(hub, stop, &settings.source);
            match Emptying::open(server, settings, feeder).await {
                Ok(emptying) => result(emptying.run().await),
                Err(ended) => result(ended),
            }
        })
    }
}

struct Emptying<'a> {
    server: &'a Server,
    settings: &'a OutboxSettings,
    feeder: Feeder<'a>,
    connection: Connection,
    columns: Vec<Column>,
    key_casts: Vec<Option<String>>,
}

/// Rows that are deleted or marked by one statement.
const MOST_KEYS: usize = 200;

impl<'a> Emptying<'a> {
    async fn open(
        server: &'a Server,
        settings: &'a OutboxSettings,
        feeder: Feeder<'a>,
    ) -> Result<Self, Ended> {
        let mut connection = feeder.unless_stopped(server.connect()).await??;
        let read = Catalogue::read(&mut connection, server.dialect, &settings.table);
        let catalogue = feeder.unless_stopped(server.within(read)).await??;
        for column in settings.payload.iter().chain(&settings.mark) {
            catalogue.of(column)?;
        }
        let key_casts: Result<Vec<_>, Ended> =
            settings.key.iter().map(|key| Ok(catalogue.of(key)?.cast.clone())).collect();
        Ok(Self {
            columns: catalogue.chosen(&settings.columns)?,
            key_casts: key_casts?,
            server,
            settings,
            feeder,
            connection,
        })
    }

    async fn run(mut self) -> Ended {
        loop {
            match self.empty_once().await {
                Ok(taken) if taken >= self.settings.page => {}
                Ok(_) => {
                    if let Err(stopped) = self.feeder.pause(self.settings.every_ms).await {
                        return stopped.into();
                    }
                }
                Err(ended) => return ended,
            }
        }
    }

    /// Claims rows, hands them over, and lets them go once they are durable. Whatever fails before that is rolled back by the
    /// database, and the rows come again under the same identity.
    async fn empty_once(&mut self) -> Result<u64, Ended> {
        let (feeder, server) = (self.feeder.clone(), self.server);
        let claim = self.claim();
        let claimed = async {
            self.connection.run("BEGIN").await?;
            self.connection.rows(&claim).await
        };
        let rows = feeder.unless_stopped(server.within(claimed)).await??;
        if !rows.is_empty() {
            self.hand_over(&rows).await?;
        }
        let done: Vec<Statement> = rows.chunks(MOST_KEYS).map(|rows| self.let_go(rows)).collect();
        let letting_go = async {
            for statement in &done {
                self.connection.execute(statement).await?;
            }
            self.connection.run("COMMIT").await
        };
        // Not to be cut short by a stop: what is durable may as well be let go.
        server.within(letting_go).await?;
        Ok(rows.len() as u64)
    }

    fn claim(&self) -> Statement {
        let dialect = self.server.dialect;
        let mut query = Statement::new(dialect);
        query.push("SELECT ");
        for key in &self.settings.key {
            query.push(&as_text(dialect, key)).push(", ");
        }
        let document = match &self.settings.payload {
            Some(payload) => as_text(dialect, payload),
            None => as_json(dialect, &self.columns),
        };
        query.push(&document).push(" FROM ").push(&self.settings.table.quoted(dialect)).push(" t");
        if let Some(mark) = &self.settings.mark {
            query.push(&format!(" WHERE t.{} IS NULL", mark.quoted(dialect)));
        }
        let keys: Vec<String> =
            self.settings.key.iter().map(|key| format!("t.{}", key.quoted(dialect))).collect();
        let lock = match dialect {
            Dialect::Postgres => "FOR UPDATE OF t SKIP LOCKED",
            Dialect::Mysql => "FOR UPDATE SKIP LOCKED",
        };
        query.push(&format!(" ORDER BY {} LIMIT {} {lock}", keys.join(", "), self.settings.page));
        query
    }

    async fn hand_over(&mut self, rows: &[Row]) -> Result<(), Ended> {
        let mut batch = Batch::default();
        for row in rows {
            let key: Vec<&str> = row
                .iter()
                .take(self.settings.key.len())
                .map(|key| key.as_deref().unwrap_or_default())
                .collect();
            let key = key.join(" ");
            let text = row.last().and_then(Option::as_deref).unwrap_or_default();
            let origin = format!("{} row {key}", self.settings.table.shown());
            // A key that is used again for another row is another document.
            let identity = format!("{key}@{}", content_identity(text.as_bytes()));
            if self.settings.payload.is_none() {
                match not_json(text) {
                    None => batch.push(text.as_bytes(), text.as_bytes(), origin, identity),
                    Some(reasons) => batch.push_broken(text.as_bytes(), origin, reasons),
                }
            } else {
                for (n, document) in decode(&self.settings.format, text.as_bytes()).enumerate() {
                    match document {
                        Ok(document) => {
                            batch.push(
                                &document.raw,
                                &document.json,
                                origin.clone(),
                                format!("{identity}#{n}"),
                            );
                        }
                        Err(error) => batch.push_error(&origin, error),
                    }
                }
            }
            if batch.is_full() {
                let input =
                    std::mem::take(&mut batch).into_input(&self.settings.format, &self.settings.source, None);
                self.feeder.hand_over(input).await?;
            }
        }
        if !batch.is_empty() {
            self.feeder
                .hand_over(batch.into_input(&self.settings.format, &self.settings.source, None))
                .await?;
        }
        Ok(())
    }

    fn let_go(&self, rows: &[Row]) -> Statement {
        let dialect = self.server.dialect;
        let table = self.settings.table.quoted(dialect);
        let mut statement = Statement::new(dialect);
        match &self.settings.mark {
            Some(mark) => {
                let mark = mark.quoted(dialect);
                statement.push(&format!(
                    "UPDATE {table} SET {mark} = CURRENT_TIMESTAMP WHERE {mark} IS NULL AND ("
                ));
            }
            None => {
                statement.push(&format!("DELETE FROM {table} WHERE ("));
            }
        }
        for (n, row) in rows.iter().enumerate() {
            statement.push(if n == 0 { "(" } else { " OR (" });
            for (m, column) in self.settings.key.iter().enumerate() {
                statement.push(if m == 0 { "" } else { " AND " }).push(&column.quoted(dialect)).push(" = ");
                let value = row.get(m).and_then(Option::as_deref).unwrap_or_default();
                statement.bind_as(value, self.key_casts.get(m).and_then(Option::as_deref));
            }
            statement.push(")");
        }
        statement.push(")");
        statement
    }
}
