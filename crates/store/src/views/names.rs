//! Small numbers for the texts that rows repeat: destinations, routes, systems, event types, intakes, kinds of objects.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::Connection;

/// A text's number in the views.
pub(super) type NameId = u32;
/// The number of a tenant's kind of object.
pub(super) type KindId = u32;

/// Numbers are given in the order in which the journal first speaks of a text, so they are the same in every rebuild.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    ids: HashMap<Arc<str>, NameId>,
    texts: Vec<Arc<str>>,
    kinds: HashMap<(NameId, NameId), KindId>,
    pairs: Vec<(NameId, NameId)>,
    /// How many of each are stored.
    stored: (usize, usize),
}

impl Names {
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let mut names = Self::default();
        let mut statement = connection.prepare("SELECT text FROM names ORDER BY id")?;
        for text in statement.query_map([], |row| row.get::<_, String>(0))? {
            names.id(&text?);
        }
        let mut statement = connection.prepare("SELECT tenant, type FROM kinds ORDER BY id")?;
        for pair in statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))? {
            names.kind_of_ids(pair?);
        }
        names.stored = (names.texts.len(), names.pairs.len());
        Ok(names)
    }

    /// The number of a text, a new one if need be.
    pub(super) fn id(&mut self, text: &str) -> NameId {
        if let Some(&id) = self.ids.get(text) {
            return id;
        }
        let id = self.texts.len() as NameId;
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        self.ids.insert(text, id);
        id
    }

    /// The number of a tenant's kind of object, a new one if need be.
    pub(super) fn kind(&mut self, tenant: &str, object_type: &str) -> KindId {
        let pair = (self.id(tenant), self.id(object_type));
        self.kind_of_ids(pair)
    }

    fn kind_of_ids(&mut self, pair: (NameId, NameId)) -> KindId {
        *self.kinds.entry(pair).or_insert_with(|| {
            self.pairs.push(pair);
            (self.pairs.len() - 1) as KindId
        })
    }

    pub(super) fn find(&self, text: &str) -> Option<NameId> {
        self.ids.get(text).copied()
    }

    pub(super) fn find_kind(&self, tenant: &str, object_type: &str) -> Option<KindId> {
        self.kinds.get(&(self.find(tenant)?, self.find(object_type)?)).copied()
    }

    /// The text with this number; empty for a number never given.
    pub(super) fn text(&self, id: NameId) -> Arc<str> {
        self.texts.get(id as usize).cloned().unwrap_or_default()
    }

    /// Tenant and type of a kind.
    pub(super) fn kind_texts(&self, kind: KindId) -> (Arc<str>, Arc<str>) {
        let pair = self.pairs.get(kind as usize);
        pair.map(|(tenant, object_type)| (self.text(*tenant), self.text(*object_type))).unwrap_or_default()
    }

    /// The types of object that a tenant has.
    pub(super) fn types_of(&self, tenant: &str) -> impl Iterator<Item = Arc<str>> + '_ {
        let tenant = self.find(tenant);
        let own = self.pairs.iter().filter(move |pair| Some(pair.0) == tenant);
        own.map(|pair| self.text(pair.1))
    }

    /// Whether there is something that is not stored yet.
    pub(super) fn has_news(&self) -> bool {
        self.stored != (self.texts.len(), self.pairs.len())
    }

    pub(super) fn store(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let (texts, pairs) = self.stored;
        let mut statement = connection.prepare_cached("INSERT INTO names (id, text) VALUES (?1, ?2)")?;
        for (id, text) in self.texts.iter().enumerate().skip(texts) {
            statement.execute((id, &**text))?;
        }
        let mut statement =
            connection.prepare_cached("INSERT INTO kinds (id, tenant, type) VALUES (?1, ?2, ?3)")?;
        for (id, (tenant, object_type)) in self.pairs.iter().enumerate().skip(pairs) {
            statement.execute((id, tenant, object_type))?;
        }
        self.stored = (self.texts.len(), self.pairs.len());
        Ok(())
    }
}
