//! The rarer records: quarantined inputs, actions, tokens, tallies, configurations; and the cross references.

use std::collections::BTreeMap;

use lineshaft_model::Position;
use lineshaft_model::record::{Action, Configured, JsonPayload, Quarantine, RecordKind, Tally, Token};
use rusqlite::Connection;

use super::books::Books;
use super::names::{KindId, NameId, Names};
use super::objects::signed;
use crate::applied::AppliedRecord;

/// Cross references gathered since the last commit: the system's key and the record that says so.
#[derive(Debug, Default)]
pub(super) struct References {
    changes: BTreeMap<Place, (Box<str>, Position)>,
}

/// Kind and key of the object, and the system.
type Place = (KindId, Box<str>, NameId);

impl References {
    pub(super) fn set(
        &mut self,
        (kind, key, system): (KindId, &str, NameId),
        foreign: &str,
        position: Position,
    ) {
        self.changes.insert((kind, key.into(), system), (foreign.into(), position));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.changes.len()
    }

    /// Writes every change and forgets it.
    pub(super) fn store(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut upsert = connection.prepare_cached(
            "INSERT INTO refs VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (kind, key, system)
             DO UPDATE SET foreign_key = excluded.foreign_key, position = excluded.position",
        )?;
        for ((kind, key, system), (foreign, position)) in std::mem::take(&mut self.changes) {
            upsert.execute((kind, &*key, system, &*foreign, signed(position.0)))?;
        }
        Ok(())
    }
}

/// Applies a record of one of the rarer kinds at once; what does not read as its kind changes nothing.
pub(super) fn apply(
    connection: &Connection,
    names: &mut Names,
    books: &mut Books,
    kind: RecordKind,
    record: AppliedRecord<'_>,
) -> rusqlite::Result<()> {
    let (position, payload) = (record.position, record.payload);
    match kind {
        RecordKind::Quarantine => {
            let Ok((head, _)) = Quarantine::decode(payload) else { return Ok(()) };
            let intake = names.id(&head.intake);
            books.inputs.of(intake).quarantined += 1;
            books.quarantined += 1;
            let mut insert = connection.prepare_cached("INSERT INTO quarantine VALUES (?1, ?2, ?3, 1)")?;
            insert.execute((signed(position.0), intake, &head.subject)).map(|_| ())
        }
        RecordKind::Action => {
            Action::decode(payload).map_or(Ok(()), |action| apply_action(connection, books, &action))
        }
        RecordKind::Token => {
            let Ok(token) = Token::decode(payload) else { return Ok(()) };
            let intake = names.id(&token.intake);
            if token.token.is_empty() {
                let delete = "DELETE FROM tokens WHERE intake = ?1 AND part = ?2";
                connection.prepare_cached(delete)?.execute((intake, &token.part)).map(|_| ())
            } else {
                let upsert = "INSERT OR REPLACE INTO tokens VALUES (?1, ?2, ?3)";
                let row = (intake, &token.part, &token.token);
                connection.prepare_cached(upsert)?.execute(row).map(|_| ())
            }
        }
        RecordKind::Tally => {
            for duplicate in Tally::decode(payload).unwrap_or_default().duplicates {
                let intake = names.id(&duplicate.intake);
                books.inputs.of(intake).duplicate += duplicate.count;
            }
            Ok(())
        }
        RecordKind::Configured => {
            let Ok(configured) = Configured::decode(payload) else { return Ok(()) };
            let mut insert =
                connection.prepare_cached("INSERT INTO configurations VALUES (?1, ?2, ?3, ?4)")?;
            let row = (signed(position.0), &configured.digest, &configured.cause, configured.at.0);
            insert.execute(row).map(|_| ())
        }
        RecordKind::Event | RecordKind::Outcome => Ok(()),
    }
}

fn apply_action(connection: &Connection, books: &mut Books, action: &Action) -> rusqlite::Result<()> {
    match action.action.as_str() {
        "quarantine.discard" => {
            let Ok(position) = action.target.parse::<i64>() else { return Ok(()) };
            let close = "UPDATE quarantine SET open = 0 WHERE position = ?1 AND open = 1";
            books.quarantined -= connection.prepare_cached(close)?.execute([position])? as u64;
            Ok(())
        }
        "system.pause" => {
            let upsert = "INSERT OR REPLACE INTO paused VALUES (?1, ?2, ?3, ?4)";
            let row = (&action.target, &action.reason, &action.actor, action.at.0);
            connection.prepare_cached(upsert)?.execute(row).map(|_| ())
        }
        "system.resume" => {
            let delete = "DELETE FROM paused WHERE system = ?1";
            connection.prepare_cached(delete)?.execute([&action.target]).map(|_| ())
        }
        "system.breaker-open" => set_breaker(connection, action, "open"),
        "system.breaker-close" => set_breaker(connection, action, "closed"),
        "system.breaker-auto" => {
            let delete = "DELETE FROM breakers WHERE system = ?1";
            connection.prepare_cached(delete)?.execute([&action.target]).map(|_| ())
        }
        _ => Ok(()),
    }
}

fn set_breaker(connection: &Connection, action: &Action, breaker: &str) -> rusqlite::Result<()> {
    let upsert = "INSERT OR REPLACE INTO breakers VALUES (?1, ?2, ?3, ?4, ?5)";
    let row = (&action.target, breaker, &action.reason, &action.actor, action.at.0);
    connection.prepare_cached(upsert)?.execute(row).map(|_| ())
}
