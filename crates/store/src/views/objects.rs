//! What is current of each object: its latest event, revision and status.

use lineshaft_model::json::{self, Limits, Value};
use lineshaft_model::record::{CarriedHead, CarriedState, Disposition, EventRecord};
use lineshaft_model::sight::{MANY_PARTNERS, PARTNER_TYPE};
use lineshaft_model::{EventType, Fingerprint, Millis, Position};
use rusqlite::{Connection, OptionalExtension};

use super::hashing::{NumberMap, data_hash};
use super::names::{KindId, NameId, Names};

/// A status longer than this is no status.
const MOST_STATUS_BYTES: usize = 64;

/// What intake must know of an object before it takes another event of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectHead {
    /// Its latest event, stale ones and echoes included: `previous` of the next.
    pub position: Position,
    /// Its latest event that changed it.
    pub changed: Position,
    /// The revision it has; zero for none.
    pub revision: u64,
    /// Its last whole event, or its first.
    pub since: Position,
    /// [`data_hash`] of the data of the event at `changed`.
    pub hash: u64,
    /// The system that sent it.
    pub system: String,
    /// Its type.
    pub event_type: String,
}

/// What decides who may see an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectBound {
    /// The site it concerns; empty when unknown.
    pub site: String,
    /// Every partner it names, sorted; one of them is [`MANY_PARTNERS`] when there are more than are kept.
    pub partners: Vec<String>,
}

/// The most partners that are kept of an object.
const MOST_PARTNERS: usize = 16;

/// How objects change in what was gathered since the last commit.
#[derive(Debug, Default)]
pub(super) struct Objects {
    changes: NumberMap<u128, ObjectChange>,
}

#[derive(Debug)]
struct ObjectChange {
    kind: KindId,
    key: Box<str>,
    position: u64,
    state: Option<StateChange>,
}

#[derive(Debug)]
struct StateChange {
    /// The first and the latest event that changed it.
    first: u64,
    changed: u64,
    /// Zero: as stored.
    since: u64,
    /// Zero: as stored.
    revision: u64,
    event_type: NameId,
    system: NameId,
    updated: Millis,
    hash: u64,
    status: StatusChange,
    /// Empty: as stored.
    site: Box<str>,
    /// Whether `partners` are all there are, or more of them.
    sets_partners: bool,
    partners: Vec<Box<str>>,
}

#[derive(Debug)]
enum StatusChange {
    Keep,
    Set(Option<Box<str>>),
}

impl Objects {
    /// Takes in an event. One whose type cannot be read changes no object.
    pub(super) fn take(&mut self, names: &mut Names, position: Position, event: &EventRecord<'_>) {
        let Ok(event_type) = EventType::parse(event.event_type) else { return };
        let (key, below) = event_type.split_subject(event.subject);
        let object_type = event_type.object_type();
        let fingerprint = Fingerprint::of(&[event.tenant, object_type, key]).0;
        let change = self.changes.entry(fingerprint).or_insert_with(|| ObjectChange {
            kind: names.kind(event.tenant, object_type),
            key: key.into(),
            position: 0,
            state: None,
        });
        change.position = position.0;
        if event.disposition != Disposition::Accepted {
            return;
        }
        let before = change.state.take();
        let mut state = StateChange {
            first: before.as_ref().map_or(position.0, |before| before.first),
            changed: position.0,
            since: before.as_ref().map_or(0, |before| before.since),
            revision: before.as_ref().map_or(0, |before| before.revision),
            event_type: names.id(event.event_type),
            system: names.id(event.system()),
            updated: event.received,
            hash: data_hash(event.data),
            site: Box::default(),
            sets_partners: before.as_ref().is_some_and(|before| before.sets_partners),
            partners: Vec::new(),
            status: StatusChange::Keep,
        };
        if let Some(before) = before {
            (state.site, state.partners, state.status) = (before.site, before.partners, before.status);
        }
        if !event.site.is_empty() {
            state.site = event.site.into();
        }
        if below.is_none() && event_type.is_whole() {
            state.sets_partners = true;
            state.partners.clear();
        }
        let named = event.keys().filter(|(of_type, _)| *of_type == PARTNER_TYPE).map(|(_, partner)| partner);
        let own = (object_type == PARTNER_TYPE).then_some(key);
        add_partners(&mut state.partners, named.chain(own));
        if below.is_none() {
            if event_type.is_whole() {
                state.since = position.0;
                state.status = StatusChange::Set(None);
            }
            if event.revision > 0 {
                state.revision = event.revision;
            }
            if let change @ StatusChange::Set(_) = status_in(event.data) {
                state.status = change;
            }
        }
        change.state = Some(state);
    }

    /// Takes in an object that is written again: nothing before says anything of it any more.
    pub(super) fn carry(
        &mut self,
        names: &mut Names,
        position: Position,
        head: &CarriedHead,
        of: &CarriedState,
    ) {
        let fingerprint = Fingerprint::of(&[&head.tenant, &head.object_type, &head.key]).0;
        let state = StateChange {
            first: position.0,
            changed: position.0,
            since: position.0,
            revision: of.revision,
            event_type: names.id(&of.event_type),
            system: names.id(&of.system),
            updated: of.updated,
            hash: of.hash,
            status: StatusChange::Set(of.status.as_deref().map(Box::from)),
            site: of.site.as_str().into(),
            sets_partners: true,
            partners: of.partners.iter().map(|partner| partner.as_str().into()).collect(),
        };
        let change = ObjectChange {
            kind: names.kind(&head.tenant, &head.object_type),
            key: head.key.as_str().into(),
            position: position.0,
            state: Some(state),
        };
        self.changes.insert(fingerprint, change);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Writes every change, in the order of the table, and forgets it.
    pub(super) fn store(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut changes: Vec<ObjectChange> = self.changes.drain().map(|(_, change)| change).collect();
        changes.sort_unstable_by(|a, b| (a.kind, &a.key).cmp(&(b.kind, &b.key)));
        let mut upsert = connection.prepare_cached(
            "INSERT INTO objects (kind, key, position, changed, since, revision, event_type, system, updated, hash, status,
                site, partners)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?14, ?15)
             ON CONFLICT (kind, key) DO UPDATE SET position = excluded.position, changed = excluded.changed,
                since = CASE ?12 WHEN 0 THEN since ELSE excluded.since END,
                revision = CASE excluded.revision WHEN 0 THEN revision ELSE excluded.revision END,
                event_type = excluded.event_type, system = excluded.system, updated = excluded.updated,
                hash = excluded.hash, status = CASE ?13 WHEN 0 THEN status ELSE excluded.status END,
                site = CASE excluded.site WHEN '' THEN site ELSE excluded.site END, partners = CASE ?16 WHEN 0 THEN partners
                ELSE excluded.partners END",
        )?;
        let mut known_partners =
            connection.prepare_cached("SELECT partners FROM objects WHERE kind = ?1 AND key = ?2")?;
        let mut touch =
            connection.prepare_cached("UPDATE objects SET position = ?3 WHERE kind = ?1 AND key = ?2")?;
        for change in &mut changes {
            let Some(state) = &mut change.state else {
                touch.execute((change.kind, &*change.key, signed(change.position)))?;
                continue;
            };
            let since = if state.since == 0 { state.first } else { state.since };
            let (sets_status, status) = match &state.status {
                StatusChange::Keep => (false, None),
                StatusChange::Set(status) => (true, status.as_deref()),
            };
            let sets_partners = state.sets_partners || !state.partners.is_empty();
            if !state.sets_partners && sets_partners {
                // What an event adds does not take away who was named before.
                let known: Option<String> =
                    known_partners.query_row((change.kind, &*change.key), |row| row.get(0)).optional()?;
                add_partners(&mut state.partners, known.iter().flat_map(|known| known.split('\n')));
            }
            let partners = state.partners.join("\n");
            upsert.execute(rusqlite::params![
                change.kind,
                &*change.key,
                signed(change.position),
                signed(state.changed),
                signed(since),
                signed(state.revision),
                state.event_type,
                state.system,
                state.updated.0,
                signed(state.hash),
                status,
                signed(state.since),
                sets_status,
                &*state.site,
                partners,
                sets_partners,
            ])?;
        }
        Ok(())
    }
}

/// Adds partners that are not there yet, in order; with too many of them the rest is one that nobody is.
fn add_partners<'a>(partners: &mut Vec<Box<str>>, more: impl Iterator<Item = &'a str>) {
    for partner in more.filter(|partner| !partner.is_empty()) {
        // A line break would part one name into two.
        let partner =
            if partner.contains('\n') || partners.len() >= MOST_PARTNERS { MANY_PARTNERS } else { partner };
        if let Err(at) = partners.binary_search_by(|known| (**known).cmp(partner)) {
            partners.insert(at, partner.into());
        }
    }
}

/// SQLite's integers are signed; positions stay far below the sign, hashes and order keys use it.
pub(super) const fn signed(n: u64) -> i64 {
    n.cast_signed()
}

/// What the data says of the object's status: a text, `null` for none any more, or nothing.
fn status_in(data: &[u8]) -> StatusChange {
    // Most data has no status: a scan for the word is ten times as fast as reading the document.
    let named = std::str::from_utf8(data).is_ok_and(|text| text.contains("\"status\""));
    if !named {
        return StatusChange::Keep;
    }
    let Ok(members) = json::members(data, &Limits::DEFAULT) else { return StatusChange::Keep };
    let Some(member) = members.iter().find(|member| member.key == "status") else {
        return StatusChange::Keep;
    };
    match Value::parse(member.value.as_bytes(), &Limits::DEFAULT) {
        Ok(Value::String(text)) if text.len() <= MOST_STATUS_BYTES => {
            StatusChange::Set(Some(text.into_owned().into_boxed_str()))
        }
        _ => StatusChange::Set(None),
    }
}
