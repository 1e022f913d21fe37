//! Objects, cross references, quarantine, tokens, pauses and configurations as they are asked for.

use std::collections::BTreeMap;

use lineshaft_model::record::Configured;
use lineshaft_model::shown::{ObjectRef, ObjectRow, Page};
use lineshaft_model::sight::{About, Act, Sight};
use lineshaft_model::{Millis, Position};
use rusqlite::{OptionalExtension, params};

use super::names::{KindId, NameId};
use super::objects::{ObjectBound, ObjectHead, signed};
use super::{Views, ViewsError};

/// Rows looked at for one page at most: a filter that hits rarely gives short pages instead of slow ones.
const MOST_ROWS_LOOKED_AT: i64 = 50_000;

/// Which objects a listing shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectFilter {
    /// Whose; `main` unless the workspace says otherwise.
    pub tenant: String,
    /// Of which type.
    pub object_type: String,
    /// Whose key starts so.
    pub key_prefix: Option<String>,
    /// With this status.
    pub status: Option<String>,
    /// Whose latest event came from this system.
    pub system: Option<String>,
    /// Changed at or after this time.
    pub changed_since: Option<Millis>,
}

/// A quarantined input's row: everything else is in its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuarantineEntry {
    /// Its record.
    pub position: Position,
    /// Whether nobody has closed it.
    pub open: bool,
    /// The record that says who closed it; zero while it is open.
    pub closed: Position,
}

struct ObjectColumns {
    key: String,
    changed: i64,
    revision: i64,
    event_type: NameId,
    system: NameId,
    updated: i64,
    status: Option<String>,
    site: String,
    partners: String,
}

impl ObjectColumns {
    fn is_seen(&self, sight: &dyn Sight, filter: &ObjectFilter, system: &str) -> bool {
        let partners: Vec<&str> = self.partners.split('\n').filter(|partner| !partner.is_empty()).collect();
        let about = About {
            tenant: &filter.tenant,
            object_type: &filter.object_type,
            site: &self.site,
            partners: &partners,
            system,
        };
        sight.may(Act::See, &about)
    }
}

impl Views {
    /// What decides who may see an object; `None` for one not held.
    pub fn object_bound(
        &self,
        tenant: &str,
        object_type: &str,
        key: &str,
    ) -> Result<Option<ObjectBound>, ViewsError> {
        let Some(kind) = self.kind(tenant, object_type) else { return Ok(None) };
        let sql = "SELECT site, partners FROM objects WHERE kind = ?1 AND key = ?2";
        self.ask(|connection| {
            let bound = |row: &rusqlite::Row<'_>| {
                let partners: String = row.get(1)?;
                let partners = partners.split('\n').filter(|partner| !partner.is_empty()).map(str::to_owned);
                Ok(ObjectBound { site: row.get(0)?, partners: partners.collect() })
            };
            connection.prepare_cached(sql)?.query_row((kind, key), bound).optional()
        })
    }

    /// What intake must know of an object before it takes another event of it; `None` for one not held.
    pub fn object_head(
        &self,
        tenant: &str,
        object_type: &str,
        key: &str,
    ) -> Result<Option<ObjectHead>, ViewsError> {
        let Some(kind) = self.kind(tenant, object_type) else { return Ok(None) };
        let found = self.ask(|connection| {
            connection
                .prepare_cached(
                    "SELECT position, changed, since, revision, hash, system, event_type FROM objects
                     WHERE kind = ?1 AND key = ?2",
                )?
                .query_row((kind, key), |row| {
                    let number = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
                    let names: (NameId, NameId) = (row.get(5)?, row.get(6)?);
                    Ok(((number(0)?, number(1)?, number(2)?, number(3)?, number(4)?), names))
                })
                .optional()
        })?;
        Ok(found.map(|((position, changed, since, revision, hash), (system, event_type))| {
            self.names(|names| ObjectHead {
                position: Position(position),
                changed: Position(changed),
                since: Position(since),
                revision,
                hash,
                system: names.text(system).as_ref().to_owned(),
                event_type: names.text(event_type).as_ref().to_owned(),
            })
        }))
    }

    /// One object's row.
    pub fn object_row(
        &self,
        tenant: &str,
        object_type: &str,
        key: &str,
    ) -> Result<Option<ObjectRow>, ViewsError> {
        let filter = ObjectFilter {
            tenant: tenant.to_owned(),
            object_type: object_type.to_owned(),
            ..ObjectFilter::default()
        };
        let Some(kind) = self.kind(tenant, object_type) else { return Ok(None) };
        let sql = format!("SELECT {OBJECT_COLUMNS} FROM objects WHERE kind = ?1 AND key = ?2");
        let found = self.ask(|connection| {
            connection.prepare_cached(&sql)?.query_row((kind, key), object_columns).optional()
        })?;
        Ok(found.map(|columns| self.shown(&filter, columns)))
    }

    /// A page of objects of a type in the order of their keys, those that a reader sees; `cursor` is the last key of the page
    /// before. A page may be short, even empty, and still have a next.
    pub fn objects(
        &self,
        filter: &ObjectFilter,
        cursor: Option<&str>,
        limit: usize,
        sight: Option<&dyn Sight>,
    ) -> Result<Page<ObjectRow>, ViewsError> {
        let only = sight.and_then(|sight| sight.only_partner(&filter.tenant, &filter.object_type));
        let system = match &filter.system {
            None => None,
            Some(system) => match self.names(|names| names.find(system)) {
                None => return Ok(Page::default()),
                found => found,
            },
        };
        let Some(kind) = self.kind(&filter.tenant, &filter.object_type) else { return Ok(Page::default()) };
        let prefix = filter.key_prefix.as_deref().unwrap_or("");
        let (from, only_these) = match only {
            Some(_) => ("objects INDEXED BY objects_partner", "partners = ?5 AND partners <> ''"),
            None => ("objects", "?5 IS NULL"),
        };
        let sql = format!(
            "SELECT {OBJECT_COLUMNS} FROM {from} WHERE kind = ?1 AND {only_these} AND key >= ?2 AND key > ?3
             ORDER BY key LIMIT ?4"
        );
        let after = cursor.unwrap_or("");
        let start = if prefix > after { prefix } else { after };
        let limit = limit.max(1);
        self.ask(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            // An empty cursor must not hide an object whose key is empty: no accepted event has one.
            let mut rows = statement.query((kind, start, after, MOST_ROWS_LOOKED_AT, &only))?;
            let mut page = Page::default();
            let (mut looked_at, mut last_key) = (0, String::new());
            while let Some(row) = rows.next()? {
                let columns = object_columns(row)?;
                if !columns.key.starts_with(prefix) {
                    return Ok(page);
                }
                looked_at += 1;
                last_key.clone_from(&columns.key);
                let fits = filter.status.is_none() || filter.status == columns.status;
                let fits = fits && system.is_none_or(|system| system == columns.system);
                let fits = fits
                    && sight.is_none_or(|sight| {
                        let sender = self.names(|names| names.text(columns.system));
                        columns.is_seen(sight, filter, &sender)
                    });
                if fits && filter.changed_since.is_none_or(|since| columns.updated >= since.0) {
                    page.items.push(columns);
                    if page.items.len() == limit {
                        page.next = Some(last_key);
                        return Ok(page);
                    }
                }
            }
            if looked_at == MOST_ROWS_LOOKED_AT {
                page.next = Some(last_key);
            }
            Ok(page)
        })
        .map(|page| Page {
            items: page.items.into_iter().map(|columns| self.shown(filter, columns)).collect(),
            next: page.next,
        })
    }

    fn shown(&self, filter: &ObjectFilter, columns: ObjectColumns) -> ObjectRow {
        self.names(|names| ObjectRow {
            object: ObjectRef { object_type: filter.object_type.clone(), key: columns.key },
            tenant: filter.tenant.clone(),
            revision: columns.revision.cast_unsigned(),
            position: Position(columns.changed.cast_unsigned()),
            event_type: names.text(columns.event_type).as_ref().to_owned(),
            system: names.text(columns.system).as_ref().to_owned(),
            updated: Millis(columns.updated),
            status: columns.status,
        })
    }

    fn kind(&self, tenant: &str, object_type: &str) -> Option<KindId> {
        self.names(|names| names.find_kind(tenant, object_type))
    }

    /// Every kind of object that a tenant has: its types.
    #[must_use]
    pub fn object_types(&self, tenant: &str) -> Vec<String> {
        self.names(|names| names.types_of(tenant).map(|text| text.as_ref().to_owned()).collect())
    }

    /// Our key of the object that a system knows by this key of its own; the latest that was told when there are several.
    pub fn canonical(
        &self,
        tenant: &str,
        object_type: &str,
        system: &str,
        foreign: &str,
    ) -> Result<Option<String>, ViewsError> {
        let Some(kind) = self.kind(tenant, object_type) else { return Ok(None) };
        let Some(system) = self.names(|names| names.find(system)) else { return Ok(None) };
        let sql = "SELECT key FROM refs WHERE kind = ?1 AND system = ?2 AND foreign_key = ?3
                   ORDER BY told DESC, key LIMIT 1";
        self.ask(|connection| {
            connection.prepare_cached(sql)?.query_row((kind, system, foreign), |row| row.get(0)).optional()
        })
    }

    /// The objects that some system knows by a key of its own.
    pub fn known_as(&self, tenant: &str, foreign: &str, limit: usize) -> Result<Vec<ObjectRef>, ViewsError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let found: Vec<(KindId, String)> = self.ask(|connection| {
            let sql = "SELECT DISTINCT kind, key FROM refs WHERE foreign_key = ?1 LIMIT ?2";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map((foreign, limit), |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        })?;
        Ok(self.names(|names| {
            let object = |(kind, key)| {
                let (of_tenant, object_type) = names.kind_texts(kind);
                let object = ObjectRef { object_type: object_type.as_ref().to_owned(), key };
                (*of_tenant == *tenant).then_some(object)
            };
            found.into_iter().filter_map(object).collect()
        }))
    }

    /// A system's own key for an object.
    pub fn foreign(
        &self,
        tenant: &str,
        object_type: &str,
        key: &str,
        system: &str,
    ) -> Result<Option<String>, ViewsError> {
        let Some(kind) = self.kind(tenant, object_type) else { return Ok(None) };
        let Some(system) = self.names(|names| names.find(system)) else { return Ok(None) };
        let sql = "SELECT foreign_key FROM refs WHERE kind = ?1 AND key = ?2 AND system = ?3";
        self.ask(|connection| {
            connection.prepare_cached(sql)?.query_row((kind, key, system), |row| row.get(0)).optional()
        })
    }

    /// Each system's own key for an object.
    pub fn references_of(
        &self,
        tenant: &str,
        object_type: &str,
        key: &str,
    ) -> Result<BTreeMap<String, String>, ViewsError> {
        let Some(kind) = self.kind(tenant, object_type) else { return Ok(BTreeMap::new()) };
        let sql = "SELECT system, foreign_key FROM refs WHERE kind = ?1 AND key = ?2";
        let found: Vec<(NameId, String)> = self.ask(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map((kind, key), |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        })?;
        Ok(self.names(|names| {
            found.into_iter().map(|(system, key)| (names.text(system).as_ref().to_owned(), key)).collect()
        }))
    }

    /// How far each part of an intake has been read: (part, token).
    pub fn tokens(&self, intake: &str) -> Result<Vec<(String, String)>, ViewsError> {
        let Some(intake) = self.names(|names| names.find(intake)) else { return Ok(Vec::new()) };
        self.ask(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT part, token FROM tokens WHERE intake = ?1 ORDER BY part")?;
            let rows = statement.query_map([intake], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        })
    }

    /// The systems that a person has paused, with the reason.
    pub fn paused(&self) -> Result<BTreeMap<String, String>, ViewsError> {
        self.ask(|connection| {
            let mut statement = connection.prepare_cached("SELECT system, reason FROM paused")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        })
    }

    /// The systems whose breaker a person has set, with whether it is open and the reason.
    pub fn breakers(&self) -> Result<BTreeMap<String, (bool, String)>, ViewsError> {
        self.ask(|connection| {
            let mut statement = connection.prepare_cached("SELECT system, breaker, reason FROM breakers")?;
            let rows = statement.query_map([], |row| {
                let breaker: String = row.get(1)?;
                Ok((row.get(0)?, (breaker == "open", row.get(2)?)))
            })?;
            rows.collect()
        })
    }

    /// The configuration that took effect last.
    pub fn latest_configuration(&self) -> Result<Option<Configured>, ViewsError> {
        let sql = "SELECT digest, cause, at FROM configurations ORDER BY position DESC LIMIT 1";
        self.ask(|connection| {
            let configured = |row: &rusqlite::Row<'_>| {
                Ok(Configured { digest: row.get(0)?, cause: row.get(1)?, at: Millis(row.get(2)?) })
            };
            connection.prepare_cached(sql)?.query_row([], configured).optional()
        })
    }

    /// Quarantined inputs before `before`, newest first.
    pub fn quarantine(
        &self,
        open_only: bool,
        before: Position,
        limit: usize,
    ) -> Result<Vec<QuarantineEntry>, ViewsError> {
        let sql = if open_only {
            "SELECT position, open, closed FROM quarantine INDEXED BY quarantine_open
             WHERE open = 1 AND position < ?1 ORDER BY position DESC LIMIT ?2"
        } else {
            "SELECT position, open, closed FROM quarantine WHERE position < ?1 ORDER BY position DESC LIMIT ?2"
        };
        let before = i64::try_from(before.0).unwrap_or(i64::MAX);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.ask(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map((before, limit), quarantine_entry)?;
            rows.collect()
        })
    }

    /// The records that say how long work stands, newest first; only what goes on when `running`.
    pub fn jobs(&self, running: bool, before: Position, limit: usize) -> Result<Vec<Position>, ViewsError> {
        let sql =
            "SELECT position FROM jobs WHERE id < ?1 AND (?2 = 0 OR running = 1) ORDER BY id DESC LIMIT ?3";
        let before = i64::try_from(before.0).unwrap_or(i64::MAX);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.ask(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map((before, running, limit), |row| {
                Ok(Position(row.get::<_, i64>(0)?.cast_unsigned()))
            })?;
            rows.collect()
        })
    }

    /// The record that says how one stands.
    pub fn job(&self, id: Position) -> Result<Option<Position>, ViewsError> {
        let sql = "SELECT position FROM jobs WHERE id = ?1";
        let found: Option<i64> = self.ask(|connection| {
            connection.prepare_cached(sql)?.query_row([signed(id.0)], |row| row.get(0)).optional()
        })?;
        Ok(found.map(|position| Position(position.cast_unsigned())))
    }

    /// The amendment of a delivery or a refused input that waits for a second person.
    pub fn proposal(&self, target: &str) -> Result<Option<Position>, ViewsError> {
        let sql = "SELECT position FROM proposals WHERE target = ?1";
        let found: Option<i64> = self.ask(|connection| {
            connection.prepare_cached(sql)?.query_row([target], |row| row.get(0)).optional()
        })?;
        Ok(found.map(|position| Position(position.cast_unsigned())))
    }

    /// One quarantined input.
    pub fn quarantine_entry(&self, position: Position) -> Result<Option<QuarantineEntry>, ViewsError> {
        let sql = "SELECT position, open, closed FROM quarantine WHERE position = ?1";
        self.ask(|connection| {
            connection.prepare_cached(sql)?.query_row([signed(position.0)], quarantine_entry).optional()
        })
    }

    /// The latest quarantined inputs whose subject could be read and is this one.
    pub fn quarantined_about(&self, subject: &str, limit: usize) -> Result<Vec<QuarantineEntry>, ViewsError> {
        let sql = "SELECT position, open, closed FROM quarantine
                   WHERE subject = ?1 AND subject <> '' ORDER BY position DESC LIMIT ?2";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.ask(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map(params![subject, limit], quarantine_entry)?;
            rows.collect()
        })
    }
}

const OBJECT_COLUMNS: &str = "key, changed, revision, event_type, system, updated, status, site, partners";

fn object_columns(row: &rusqlite::Row<'_>) -> rusqlite::Result<ObjectColumns> {
    Ok(ObjectColumns {
        key: row.get(0)?,
        changed: row.get(1)?,
        revision: row.get(2)?,
        event_type: row.get(3)?,
        system: row.get(4)?,
        updated: row.get(5)?,
        status: row.get(6)?,
        site: row.get(7)?,
        partners: row.get(8)?,
    })
}

fn quarantine_entry(row: &rusqlite::Row<'_>) -> rusqlite::Result<QuarantineEntry> {
    let position: i64 = row.get(0)?;
    let closed: i64 = row.get(2)?;
    Ok(QuarantineEntry {
        position: Position(position.cast_unsigned()),
        open: row.get(1)?,
        closed: Position(closed.cast_unsigned()),
    })
}
