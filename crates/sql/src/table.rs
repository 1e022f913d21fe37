//! A table that is polled by a column that grows with every change, safe against transactions that commit late.
//!
//! A row is visible when its transaction commits, and its time is older than that. So the place moves on to the highest value
//! of a poll only when every transaction that was open during that poll has ended and another poll has read what they left.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use futures::future::BoxFuture;
use lineshaft_connectors::Feeder;
use lineshaft_connectors::batch::{Batch, content_identity};
use lineshaft_connectors::feeder::Stopped;
use lineshaft_model::{Reason, Reasons};
use lineshaft_ports::{HandOver, Input, Source};
use tokio_util::sync::CancellationToken;

use crate::catalogue::{Catalogue, Kind, as_json, as_text};
use crate::config::TableSettings;
use crate::connection::{Connection, Row, Server};
use crate::fault::Fault;
use crate::identifier::{Column, Dialect, Statement};

/// A source that polls a table.
#[derive(Debug)]
pub(crate) struct TableSource {
    server: Arc<Server>,
    settings: TableSettings,
}

/// Why a run came to its end.
pub(crate) enum Ended {
    Stopped,
    Failed(Reason),
}

impl From<Stopped> for Ended {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

impl From<Fault> for Ended {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault.reason)
    }
}

/// What a run came to, as the contract of sources has it.
pub(crate) fn result(ended: Ended) -> Result<(), Reason> {
    match ended {
        Ended::Stopped => Ok(()),
        Ended::Failed(reason) => Err(reason),
    }
}

impl TableSource {
    pub(crate) fn new(server: Arc<Server>, settings: TableSettings) -> Self {
        Self { server, settings }
    }
}

impl Source for TableSource {
    fn run<'a>(
        &'a mut self,
        hub: &'a dyn HandOver,
        stop: CancellationToken,
    ) -> BoxFuture<'a, Result<(), Reason>> {
        let Self { server, settings } = &*self;
        Box::pin(async move {
            let feeder = Feeder::new(hub, stop, &settings.source);
            match Poll::open(server, settings, feeder).await {
                Ok(poll) => result(poll.go_on().await),
                Err(ended) => result(ended),
            }
        })
    }
}

/// Which transactions were open at a moment.
#[derive(Clone, Copy, Debug, Default)]
struct Horizon {
    /// The oldest that was open, and the next that will be begun, as PostgreSQL numbers them; zero elsewhere.
    oldest: i64,
    next: i64,
    /// When the oldest was begun, as far as the login may know, and the time itself: microseconds of the database's clock.
    oldest_began_us: Option<i64>,
    now_us: i64,
}

/// The highest value of a poll, waiting for the transactions of its time to end.
#[derive(Clone, Debug)]
struct Waiting {
    horizon: Horizon,
    highest: String,
}

/// Polls whose values wait. When more wait, a transaction has been open for very long, and in-between values are let go.
const MOST_WAITING: usize = 256;
/// Rows above the place that are remembered, so that they are not handed over with every poll. Beyond it the hub
/// recognises them.
const MOST_SEEN: usize = 200_000;
const PART: &str = "place";
const VERSION: &str = "1";

struct Poll<'a> {
    server: &'a Server,
    settings: &'a TableSettings,
    feeder: Feeder<'a>,
    connection: Connection,
    columns: Vec<Column>,
    kind: Kind,
    since_cast: Option<String>,
    key_casts: Vec<Option<String>>,
    place: Option<String>,
    waiting: VecDeque<Waiting>,
    /// Rows of the last poll, by key and content.
    seen: HashSet<String>,
    /// Whether the login may see when transactions were begun.
    sees_transactions: bool,
}

/// One row of a page.
struct Found {
    since: String,
    key: Vec<Option<String>>,
    json: Option<String>,
    /// Its time lies ahead of the database's clock.
    is_ahead: bool,
}

impl<'a> Poll<'a> {
    async fn open(
        server: &'a Server,
        settings: &'a TableSettings,
        feeder: Feeder<'a>,
    ) -> Result<Self, Ended> {
        let tokens = feeder.resume().await?;
        let mark = format!("{VERSION} {} ", settings.since.as_str());
        let place = tokens.into_iter().find(|(part, _)| part == PART);
        let place = place.and_then(|(_, token)| token.strip_prefix(&mark).map(str::to_owned));
        let mut connection = feeder.unless_stopped(server.connect()).await??;
        let read = Catalogue::read(&mut connection, server.dialect, &settings.table);
        let catalogue = feeder.unless_stopped(server.within(read)).await??;
        let since = catalogue.of(&settings.since)?;
        let keys: Result<Vec<_>, Fault> =
            settings.key.iter().map(|key| catalogue.of(key).map(|found| found.cast.clone())).collect();
        Ok(Self {
            columns: catalogue.chosen(&settings.columns)?,
            kind: since.kind,
            since_cast: since.cast.clone(),
            key_casts: keys?,
            server,
            settings,
            feeder,
            connection,
            place,
            waiting: VecDeque::new(),
            seen: HashSet::new(),
            sees_transactions: true,
        })
    }

    async fn go_on(mut self) -> Ended {
        loop {
            if let Err(ended) = self.poll().await {
                return ended;
            }
            if let Err(stopped) = self.feeder.pause(self.settings.every_ms).await {
                return stopped.into();
            }
        }
    }

    async fn poll(&mut self) -> Result<(), Ended> {
        let before = self.horizon().await?;
        let mut seen = HashSet::new();
        let mut last: Option<Found> = None;
        let mut highest: Option<String> = None;
        loop {
            let query = self.page(last.as_ref());
            let rows = self.ask(&query).await?;
            let full = rows.len() as u64 >= self.settings.page;
            let found: Vec<Found> = rows.into_iter().filter_map(|row| self.found(row)).collect();
            self.hand_over(&found, &mut seen).await?;
            // A time that lies ahead of the database's clock must not carry the place past what is still to come.
            highest = found.iter().rfind(|row| !row.is_ahead).map(|row| row.since.clone()).or(highest);
            last = found.into_iter().next_back().or(last);
            if !full {
                break;
            }
        }
        self.seen = seen;
        let Some(highest) = highest else { return self.move_on(before, None).await };
        // A transaction that was begun while the pages were read has to end as well.
        let after = self.horizon().await?;
        self.move_on(before, Some(Waiting { horizon: after, highest })).await
    }

    async fn ask(&mut self, query: &Statement) -> Result<Vec<Row>, Ended> {
        let feeder = self.feeder.clone();
        Ok(feeder.unless_stopped(self.server.within(self.connection.rows(query))).await??)
    }

    async fn run(&mut self, sql: &str) -> Result<(), Ended> {
        let feeder = self.feeder.clone();
        feeder.unless_stopped(self.server.within(self.connection.run(sql))).await??;
        Ok(())
    }

    /// The next page after a row, or the first.
    fn page(&self, after: Option<&Found>) -> Statement {
        let dialect = self.server.dialect;
        let since = format!("t.{}", self.settings.since.quoted(dialect));
        let keys: Vec<String> =
            self.settings.key.iter().map(|key| format!("t.{}", key.quoted(dialect))).collect();
        let mut query = Statement::new(dialect);
        query.push("SELECT ").push(&as_text(dialect, &self.settings.since));
        for key in &self.settings.key {
            query.push(", ").push(&as_text(dialect, key));
        }
        query.push(", ").push(&as_json(dialect, &self.columns)).push(", ").push(&self.ahead(&since));
        query.push(" FROM ").push(&self.settings.table.quoted(dialect)).push(" t WHERE ").push(&since);
        match (after, &self.place, &self.settings.start) {
            (Some(after), ..) => {
                query.push(" >= ").bind_as(&after.since, self.since_cast.as_deref());
                query.push(" AND (").push(&since).push(" > ");
                query.bind_as(&after.since, self.since_cast.as_deref());
                let mut open = 1;
                for (n, key) in keys.iter().enumerate() {
                    let before = if n == 0 {
                        (since.as_str(), Some(after.since.as_str()), &self.since_cast)
                    } else {
                        (
                            keys[n - 1].as_str(),
                            after.key.get(n - 1).and_then(Option::as_deref),
                            &self.key_casts[n - 1],
                        )
                    };
                    query.push(" OR (").push(before.0).push(" = ");
                    query.bind_as(before.1.unwrap_or_default(), before.2.as_deref());
                    query.push(" AND (").push(key).push(" > ");
                    let value = after.key.get(n).and_then(Option::as_deref).unwrap_or_default();
                    query.bind_as(value, self.key_casts.get(n).and_then(Option::as_deref));
                    open += 2;
                }
                query.push(&")".repeat(open));
            }
            (None, Some(place), start) => {
                query.push(" >= ");
                self.overlapped(&mut query, place);
                // The overlap does not reach behind where everything starts.
                if let Some(start) = start {
                    query.push(" AND ").push(&since).push(" >= ").bind_as(start, self.since_cast.as_deref());
                }
            }
            (None, None, Some(start)) => {
                query.push(" >= ").bind_as(start, self.since_cast.as_deref());
            }
            (None, None, None) => {
                query.push(" IS NOT NULL");
            }
        }
        query.push(" ORDER BY ").push(&since);
        for key in &keys {
            query.push(", ").push(key);
        }
        query.push(&format!(" LIMIT {}", self.settings.page));
        query
    }

    /// Whether a row's time lies ahead of the database's clock, as `1` or `0`.
    fn ahead(&self, since: &str) -> String {
        let clock = match (self.kind, self.server.dialect) {
            (Kind::Time, Dialect::Postgres) => {
                format!("CAST(clock_timestamp() AS {})", self.since_cast.as_deref().unwrap_or("timestamptz"))
            }
            // Most sessions write times as the server's machine shows them, ours has UTC.
            (Kind::Time, Dialect::Mysql) => {
                "GREATEST(SYSDATE(6), CONVERT_TZ(SYSDATE(6), '+00:00', 'SYSTEM'))".to_owned()
            }
            (Kind::Number | Kind::Other, _) => return "'0'".to_owned(),
        };
        format!("CASE WHEN {since} > {clock} THEN '1' ELSE '0' END")
    }

    /// The place less the overlap, computed by the database.
    fn overlapped(&self, query: &mut Statement, place: &str) {
        let cast = self.since_cast.as_deref();
        match (self.kind, self.server.dialect) {
            (Kind::Time, Dialect::Postgres) => {
                query.bind_as(place, cast).push(" - ");
                query.bind_as(&format!("{} milliseconds", self.settings.overlap_ms), Some("interval"));
            }
            (Kind::Time, Dialect::Mysql) => {
                let micros = self.settings.overlap_ms.saturating_mul(1_000);
                query.bind_as(place, Some("DATETIME(6)")).push(&format!(" - INTERVAL {micros} MICROSECOND"));
            }
            (Kind::Number, _) => {
                query.bind_as(place, cast).push(&format!(" - {}", self.settings.overlap_count));
            }
            (Kind::Other, _) => {
                query.bind_as(place, cast);
            }
        }
    }

    fn found(&self, row: Row) -> Option<Found> {
        let mut values = row.into_iter();
        let since = values.next()??;
        let key: Vec<Option<String>> = values.by_ref().take(self.settings.key.len()).collect();
        let json = values.next().flatten();
        let is_ahead = values.next().flatten().as_deref() == Some("1");
        Some(Found { since, key, json, is_ahead })
    }

    /// Hands over the rows of a page that the last poll did not have.
    async fn hand_over(&mut self, found: &[Found], seen: &mut HashSet<String>) -> Result<(), Ended> {
        let origin = self.settings.table.shown();
        let mut batch = Batch::default();
        for row in found {
            let key: Vec<&str> = row.key.iter().map(|key| key.as_deref().unwrap_or_default()).collect();
            let key = key.join(" ");
            let json = row.json.as_deref().unwrap_or_default();
            let identity = content_identity(format!("{key}\n{}\n{json}", row.since).as_bytes());
            let is_known = self.seen.contains(&identity);
            if seen.len() < MOST_SEEN {
                seen.insert(identity.clone());
            }
            if is_known {
                continue;
            }
            let origin = format!("{origin} row {key}");
            match not_json(json) {
                None => batch.push(json.as_bytes(), json.as_bytes(), origin, identity),
                Some(reasons) => batch.push_broken(json.as_bytes(), origin, reasons),
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

    /// Everything of this poll is durable: the place moves to the highest value of the last earlier poll whose transactions
    /// have all ended; `before` is from before anything of this poll was read.
    async fn move_on(&mut self, before: Horizon, waiting: Option<Waiting>) -> Result<(), Ended> {
        let mut place = None;
        while let Some(first) = self.waiting.front() {
            let ended = first.horizon.next <= before.oldest
                && before.oldest_began_us.is_none_or(|began| began > first.horizon.now_us);
            if !ended {
                break;
            }
            place = self.waiting.pop_front().map(|waiting| waiting.highest);
        }
        if let Some(waiting) = waiting {
            if self.waiting.len() >= MOST_WAITING {
                self.waiting.pop_back();
            }
            self.waiting.push_back(waiting);
        }
        let Some(place) = place.filter(|place| self.place.as_ref() != Some(place)) else { return Ok(()) };
        let token = format!("{VERSION} {} {place}", self.settings.since.as_str());
        self.feeder.hand_over(Input { resume: Some((PART.to_owned(), token)), ..Input::default() }).await?;
        self.place = Some(place);
        Ok(())
    }

    /// Asks which transactions are open.
    async fn horizon(&mut self) -> Result<Horizon, Ended> {
        let mut query = Statement::new(self.server.dialect);
        match self.server.dialect {
            Dialect::Postgres => {
                query.push(
                    "SELECT pg_snapshot_xmin(s)::text, pg_snapshot_xmax(s)::text, \
                     (SELECT floor(extract(epoch FROM min(xact_start)) * 1000000)::bigint::text FROM pg_stat_activity \
                     WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'), \
                     floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint::text FROM pg_current_snapshot() s",
                );
            }
            Dialect::Mysql if self.sees_transactions => {
                // The server keeps this list for a while, and longer while it is asked often. A transaction of our own in it
                // says how old the list is: it is among those of which the oldest counts, and without it the list says nothing.
                // It shows times as the server's machine does, whatever the session's time zone.
                self.run("START TRANSACTION WITH CONSISTENT SNAPSHOT").await?;
                query.push(
                    "SELECT '0', '0', CAST((SELECT CAST(MIN(UNIX_TIMESTAMP(CONVERT_TZ(trx_started, 'SYSTEM', '+00:00'))) * 1000000 AS SIGNED) \
                     * IF(SUM(trx_mysql_thread_id = CONNECTION_ID()) > 0, 1, 0) FROM information_schema.innodb_trx) AS CHAR), \
                     CAST(CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS SIGNED) AS CHAR)",
                );
            }
            Dialect::Mysql => {
                query.push("SELECT '0', '0', NULL, '0'");
            }
        }
        let rows = match self.ask(&query).await {
            Err(Ended::Failed(reason)) if self.sees_transactions && reason.code == "database-refused" => {
                tracing::warn!(
                    source = %self.settings.source,
                    "the login may not see open transactions (PROCESS): what commits later than `overlap` would be missed"
                );
                self.sees_transactions = false;
                self.run("ROLLBACK").await?;
                return Ok(Horizon::default());
            }
            other => other?,
        };
        if self.server.dialect == Dialect::Mysql && self.sees_transactions {
            self.run("ROLLBACK").await?;
        }
        let number = |n: usize| {
            rows.first()
                .and_then(|row| row.get(n))
                .and_then(Option::as_deref)
                .and_then(|text| text.parse().ok())
        };
        // A value that is drawn when it is written cannot be older than the transaction's first write.
        let bounded = self.server.dialect == Dialect::Mysql || self.kind == Kind::Time;
        Ok(Horizon {
            oldest: number(0).unwrap_or(0),
            next: number(1).unwrap_or(0),
            oldest_began_us: match number(2) {
                _ if !bounded => None,
                // An empty list of MariaDB is one that is too old to have our own transaction in it.
                None if self.server.dialect == Dialect::Mysql && self.sees_transactions => Some(0),
                began => began,
            },
            now_us: number(3).unwrap_or(0),
        })
    }
}

/// What is wrong with a text that should be JSON.
pub(crate) fn not_json(text: &str) -> Option<Reasons> {
    use lineshaft_model::json::{Limits, Value};
    let limits = Limits { bytes: usize::MAX, ..Limits::DEFAULT };
    Value::parse(text.as_bytes(), &limits).err().map(|error| vec![error.into()])
}
