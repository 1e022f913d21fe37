//! The rarer records: quarantined inputs, actions, tokens, tallies, configurations; and the cross references.

use std::collections::BTreeMap;

use lineshaft_model::record::{
    Action, Amended, Configured, Dropped, Job, JobState, JsonPayload, Quarantine, RecordKind, Tally, Token,
};
use lineshaft_model::{DeliveryId, Position};
use rusqlite::Connection;

use super::books::Books;
use super::deliveries::row_id;
use super::names::{KindId, NameId, Names};
use super::objects::signed;
use super::processes;
use crate::applied::AppliedRecord;

/// Cross references gathered since the last commit.
#[derive(Debug, Default)]
pub(super) struct References {
    changes: BTreeMap<Place, Told>,
}

/// The system's key, the record that says so and the record that first said so.
#[derive(Debug)]
struct Told {
    foreign: Box<str>,
    position: Position,
    told: Position,
}

/// Kind and key of the object, and the system.
type Place = (KindId, Box<str>, NameId);

impl References {
    pub(super) fn set(
        &mut self,
        (kind, key, system): (KindId, &str, NameId),
        foreign: &str,
        (position, told): (Position, Position),
    ) {
        let place = (kind, key.into(), system);
        // What is carried forward must not hide what was told since.
        if self.changes.get(&place).is_none_or(|before| before.told <= told) {
            self.changes.insert(place, Told { foreign: foreign.into(), position, told });
        }
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
            "INSERT INTO refs VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (kind, key, system)
             DO UPDATE SET foreign_key = excluded.foreign_key, position = excluded.position, told = excluded.told
             WHERE excluded.told >= told",
        )?;
        for ((kind, key, system), of) in std::mem::take(&mut self.changes) {
            let (position, told) = (signed(of.position.0), signed(of.told.0));
            upsert.execute((kind, &*key, system, &*of.foreign, position, told))?;
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
            let mut insert = connection.prepare_cached("INSERT INTO quarantine VALUES (?1, ?2, ?3, 1, 0)")?;
            insert.execute((signed(position.0), intake, &head.subject)).map(|_| ())
        }
        RecordKind::Action => Action::decode(payload)
            .map_or(Ok(()), |action| apply_action(connection, books, position, &action)),
        RecordKind::Token => {
            let Ok(token) = Token::decode(payload) else { return Ok(()) };
            let intake = names.id(&token.intake);
            if token.token.is_empty() {
                let delete = "DELETE FROM tokens WHERE intake = ?1 AND part = ?2";
                connection.prepare_cached(delete)?.execute((intake, &token.part)).map(|_| ())
            } else {
                let upsert = "INSERT OR REPLACE INTO tokens VALUES (?1, ?2, ?3, ?4)";
                let row = (intake, &token.part, &token.token, signed(position.0));
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
        RecordKind::Dropped => Dropped::decode(payload)
            .map_or(Ok(()), |dropped| apply_dropped(connection, names, books, &dropped)),
        RecordKind::Step | RecordKind::Defined => processes::apply(connection, kind, record),
        RecordKind::Amended => {
            let Ok((head, _)) = Amended::decode(payload) else { return Ok(()) };
            if !head.proposed {
                return Ok(());
            }
            let upsert = "INSERT OR REPLACE INTO proposals VALUES (?1, ?2)";
            connection.prepare_cached(upsert)?.execute((&head.target, signed(position.0))).map(|_| ())
        }
        RecordKind::Job => {
            let Ok(job) = Job::decode(payload) else { return Ok(()) };
            let id = if job.id.is_zero() { position } else { job.id };
            let running = job.state == JobState::Running;
            let upsert = "INSERT OR REPLACE INTO jobs VALUES (?1, ?2, ?3)";
            let row = (signed(id.0), signed(position.0), running);
            connection.prepare_cached(upsert)?.execute(row).map(|_| ())
        }
        RecordKind::Event | RecordKind::Replayed | RecordKind::Outcome | RecordKind::Carried => Ok(()),
    }
}

/// Everything up to a record is carried forward: views that were computed from later records learn the sums of what is gone,
/// and all forget what only such records say.
fn apply_dropped(
    connection: &Connection,
    names: &mut Names,
    books: &mut Books,
    dropped: &Dropped,
) -> rusqlite::Result<()> {
    if dropped.upto <= books.dropped {
        return Ok(());
    }
    books.dropped = dropped.upto;
    if books.since > dropped.upto {
        for of in &dropped.destinations {
            let sums = books.destinations.of(names.id(&of.destination));
            sums.routed += of.routed;
            sums.discarded += of.discarded;
            sums.delivered += of.routed.saturating_sub(of.discarded);
        }
        for of in &dropped.inputs {
            let (sums, gone) = (books.inputs.of(names.id(&of.intake)), &of.counts);
            sums.accepted += gone.accepted;
            sums.stale += gone.stale;
            sums.echo += gone.echo;
            sums.duplicate += gone.duplicate;
            sums.quarantined += gone.quarantined;
        }
    }
    let upto = signed(dropped.upto.0);
    let row = row_id(DeliveryId { event: dropped.upto.next(), n: 0 });
    connection.prepare_cached("DELETE FROM discarded WHERE id < ?1")?.execute([row])?;
    connection.prepare_cached("DELETE FROM quarantine WHERE position <= ?1")?.execute([upto])?;
    connection.prepare_cached("DELETE FROM jobs WHERE position <= ?1 AND running = 0")?.execute([upto])?;
    processes::forget(connection, dropped.upto)?;
    let older = "DELETE FROM configurations
                 WHERE position <= ?1 AND position < (SELECT max(position) FROM configurations)";
    connection.prepare_cached(older)?.execute([upto]).map(|_| ())
}

fn apply_action(
    connection: &Connection,
    books: &mut Books,
    position: Position,
    action: &Action,
) -> rusqlite::Result<()> {
    match action.action.as_str() {
        "quarantine.discard" | "quarantine.restart" | "quarantine.edit" => {
            let Ok(target) = action.target.parse::<i64>() else { return Ok(()) };
            let close = "UPDATE quarantine SET open = 0, closed = ?2 WHERE position = ?1 AND open = 1";
            books.quarantined -=
                connection.prepare_cached(close)?.execute((target, signed(position.0)))? as u64;
            forget_proposal(connection, action)
        }
        "dead-letter.propose" | "quarantine.propose" => Ok(()),
        about if about.starts_with("dead-letter.") || about.starts_with("quarantine.") => {
            forget_proposal(connection, action)
        }
        "system.pause" => {
            let upsert = "INSERT OR REPLACE INTO paused VALUES (?1, ?2, ?3, ?4, ?5)";
            let row = (&action.target, &action.reason, &action.actor, action.at.0, signed(position.0));
            connection.prepare_cached(upsert)?.execute(row).map(|_| ())
        }
        "system.resume" => {
            let delete = "DELETE FROM paused WHERE system = ?1";
            connection.prepare_cached(delete)?.execute([&action.target]).map(|_| ())
        }
        "system.breaker-open" => set_breaker(connection, position, action, "open"),
        "system.breaker-close" => set_breaker(connection, position, action, "closed"),
        "system.breaker-auto" => {
            let delete = "DELETE FROM breakers WHERE system = ?1";
            connection.prepare_cached(delete)?.execute([&action.target]).map(|_| ())
        }
        _ => Ok(()),
    }
}

/// Whatever else is done to a dead letter or a refused input, nobody needs to approve any more.
fn forget_proposal(connection: &Connection, action: &Action) -> rusqlite::Result<()> {
    let delete = "DELETE FROM proposals WHERE target = ?1";
    connection.prepare_cached(delete)?.execute([&action.target]).map(|_| ())
}

fn set_breaker(
    connection: &Connection,
    position: Position,
    action: &Action,
    breaker: &str,
) -> rusqlite::Result<()> {
    let upsert = "INSERT OR REPLACE INTO breakers VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let row = (&action.target, breaker, &action.reason, &action.actor, action.at.0, signed(position.0));
    connection.prepare_cached(upsert)?.execute(row).map(|_| ())
}
