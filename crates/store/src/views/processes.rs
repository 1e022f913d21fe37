//! Instances of processes: where each stands, and which are still under way.

use lineshaft_model::record::{Defined, RecordKind, Step, StepHead};
use lineshaft_model::shown::Page;
use lineshaft_model::{Millis, Position};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use super::objects::signed;
use super::{Views, ViewsError};
use crate::applied::AppliedRecord;

const COLUMNS: &str = "id, position, namespace, name, version, digest, business_key, phase, ended, cases, started, updated, parent";

/// Which instances a listing shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessFilter {
    /// Of this process.
    pub name: Option<String>,
    /// In this phase.
    pub phase: Option<String>,
    /// Known by this in business.
    pub business_key: Option<String>,
    /// Started at or before this time: what is old.
    pub started_before: Option<Millis>,
    /// Only those that ask a person something.
    pub with_cases: bool,
}

/// An instance's row; its state is in the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessRow {
    /// The instance.
    pub id: String,
    /// The record of its latest step.
    pub position: Position,
    /// Where the name of its process is meant.
    pub namespace: String,
    /// Its process.
    pub name: String,
    /// The version of its definition.
    pub version: String,
    /// Which definition exactly.
    pub digest: String,
    /// What it is known by in business.
    pub business_key: String,
    /// Its phase.
    pub phase: String,
    /// Whether nothing more happens by itself.
    pub ended: bool,
    /// Open questions to persons.
    pub cases: u32,
    /// When it started.
    pub started: Millis,
    /// When it took its latest step.
    pub updated: Millis,
    /// The instance that waits for it; empty for none.
    pub parent: String,
}

/// Applies a step or a definition; what does not read as its kind changes nothing.
pub(super) fn apply(
    connection: &Connection,
    kind: RecordKind,
    record: AppliedRecord<'_>,
) -> rusqlite::Result<()> {
    let position = signed(record.position.0);
    if kind == RecordKind::Defined {
        let Ok((head, _)) = Defined::decode(record.payload) else { return Ok(()) };
        let upsert = "INSERT OR REPLACE INTO definitions VALUES (?1, ?2)";
        return connection.prepare_cached(upsert)?.execute((&head.digest, position)).map(|_| ());
    }
    let Ok((head, _)) = Step::decode(record.payload) else { return Ok(()) };
    let StepHead { instance, namespace, name, version, digest, business_key, phase, parent, .. } = &head;
    let upsert =
        "INSERT OR REPLACE INTO processes VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    connection
        .prepare_cached(upsert)?
        .execute(params![
            instance,
            position,
            namespace,
            name,
            version,
            digest,
            business_key,
            phase,
            head.ended,
            head.cases,
            head.started.0,
            head.updated.0,
            parent
        ])
        .map(|_| ())
}

/// Forgets what is known only from records that are dropped.
pub(super) fn forget(connection: &Connection, upto: Position) -> rusqlite::Result<()> {
    for table in ["processes", "definitions"] {
        let delete = format!("DELETE FROM {table} WHERE position <= ?1");
        connection.prepare_cached(&delete)?.execute([signed(upto.0)])?;
    }
    Ok(())
}

impl Views {
    /// One instance.
    pub fn process(&self, id: &str) -> Result<Option<ProcessRow>, ViewsError> {
        let sql = format!("SELECT {COLUMNS} FROM processes WHERE id = ?1");
        self.ask(|connection| connection.prepare_cached(&sql)?.query_row([id], row_of).optional())
    }

    /// Instances that have not ended, in the order of their ids; `after` is the last one of the page before.
    pub fn live_processes(&self, after: &str, limit: usize) -> Result<Vec<ProcessRow>, ViewsError> {
        let sql = format!("SELECT {COLUMNS} FROM processes WHERE ended = 0 AND id > ?1 ORDER BY id LIMIT ?2");
        self.ask(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            statement.query_map(params![after, limit], row_of)?.collect()
        })
    }

    /// A page of instances, the latest first; `cursor` is `next` of the page before.
    pub fn processes(
        &self,
        filter: &ProcessFilter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<ProcessRow>, ViewsError> {
        let unknown = || ViewsError::Cursor(cursor.unwrap_or_default().to_owned());
        let (started, id) = match cursor {
            None => (i64::MAX, String::new()),
            Some(text) => {
                let (started, id) = text.split_once('~').ok_or_else(unknown)?;
                (started.parse().map_err(|_| unknown())?, id.to_owned())
            }
        };
        let sql = format!(
            "SELECT {COLUMNS} FROM processes
             WHERE (started < ?1 OR (started = ?1 AND id > ?2))
               AND (?3 IS NULL OR name = ?3) AND (?4 IS NULL OR phase = ?4) AND (?5 IS NULL OR business_key = ?5)
               AND (?6 IS NULL OR started <= ?6) AND (?7 = 0 OR cases > 0)
             ORDER BY started DESC, id LIMIT ?8"
        );
        let wanted = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        let before = filter.started_before.map(|at| at.0);
        let mut items: Vec<ProcessRow> = self.ask(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let given = params![
                started,
                id,
                filter.name,
                filter.phase,
                filter.business_key,
                before,
                filter.with_cases,
                wanted
            ];
            statement.query_map(given, row_of)?.collect()
        })?;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|last| format!("{}~{}", last.started.0, last.id));
        Ok(Page { items, next })
    }

    /// The record of a definition.
    pub fn definition(&self, digest: &str) -> Result<Option<Position>, ViewsError> {
        let sql = "SELECT position FROM definitions WHERE digest = ?1";
        self.ask(|connection| {
            let position = |row: &Row<'_>| row.get::<_, i64>(0).map(|at| Position(at.cast_unsigned()));
            connection.prepare_cached(sql)?.query_row([digest], position).optional()
        })
    }

    /// Whether any instance that is known has this definition.
    pub fn is_defined_for(&self, digest: &str) -> Result<bool, ViewsError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM processes WHERE digest = ?1)";
        self.ask(|connection| connection.prepare_cached(sql)?.query_row([digest], |row| row.get(0)))
    }
}

fn row_of(row: &Row<'_>) -> rusqlite::Result<ProcessRow> {
    Ok(ProcessRow {
        id: row.get(0)?,
        position: Position(row.get::<_, i64>(1)?.cast_unsigned()),
        namespace: row.get(2)?,
        name: row.get(3)?,
        version: row.get(4)?,
        digest: row.get(5)?,
        business_key: row.get(6)?,
        phase: row.get(7)?,
        ended: row.get(8)?,
        cases: row.get(9)?,
        started: Millis(row.get(10)?),
        updated: Millis(row.get(11)?),
        parent: row.get(12)?,
    })
}
