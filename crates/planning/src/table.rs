//! Records by number and by key: dense rows with a free list, and an index that holds no key twice.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

/// Rows without keys of their own.
#[derive(Clone, Debug)]
pub(crate) struct Rows<T> {
    rows: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), free: Vec::new() }
    }
}

impl<T> Rows<T> {
    /// Keeps a row under a number that was free.
    pub(crate) fn add(&mut self, row: T) -> u32 {
        if let Some(id) = self.free.pop() {
            self.rows[id as usize] = Some(row);
            return id;
        }
        self.rows.push(Some(row));
        (self.rows.len() - 1) as u32
    }

    pub(crate) fn take(&mut self, id: u32) -> Option<T> {
        let row = self.rows.get_mut(id as usize)?.take()?;
        self.free.push(id);
        Some(row)
    }

    pub(crate) fn get(&self, id: u32) -> Option<&T> {
        self.rows.get(id as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, id: u32) -> Option<&mut T> {
        self.rows.get_mut(id as usize)?.as_mut()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.rows.iter().enumerate().filter_map(|(id, row)| Some((id as u32, row.as_ref()?)))
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len() - self.free.len()
    }
}

/// A row that carries its key.
pub(crate) trait Keyed {
    fn key(&self) -> &str;
}

/// Rows that are found by their key.
#[derive(Clone, Debug)]
pub(crate) struct Table<T> {
    rows: Rows<T>,
    index: HashTable<u32>,
    hasher: RandomState,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: Rows::default(), index: HashTable::new(), hasher: RandomState::new() }
    }
}

impl<T: Keyed> Table<T> {
    pub(crate) fn find(&self, key: &str) -> Option<u32> {
        let same = |id: &u32| self.rows.get(*id).is_some_and(|row| row.key() == key);
        self.index.find(self.hasher.hash_one(key), same).copied()
    }

    /// Keeps a new row; one of this key must not be there.
    pub(crate) fn add(&mut self, row: T) -> u32 {
        let hash = self.hasher.hash_one(row.key());
        let id = self.rows.add(row);
        let rehash = |id: &u32| self.rows.get(*id).map_or(0, |row| self.hasher.hash_one(row.key()));
        self.index.insert_unique(hash, id, rehash);
        id
    }

    pub(crate) fn take(&mut self, id: u32) -> Option<T> {
        let row = self.rows.take(id)?;
        if let Ok(entry) = self.index.find_entry(self.hasher.hash_one(row.key()), |other| *other == id) {
            entry.remove();
        }
        Some(row)
    }

    pub(crate) fn get(&self, id: u32) -> Option<&T> {
        self.rows.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: u32) -> Option<&mut T> {
        self.rows.get_mut(id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.rows.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }
}

/// Keys that stay for good: items, sites, suppliers, work centres, calendars.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    table: Table<Box<str>>,
}

impl Keyed for Box<str> {
    fn key(&self) -> &str {
        self
    }
}

impl Names {
    pub(crate) fn number(&mut self, key: &str) -> u32 {
        match self.table.find(key) {
            Some(id) => id,
            None => self.table.add(key.into()),
        }
    }

    pub(crate) fn find(&self, key: &str) -> Option<u32> {
        self.table.find(key)
    }

    pub(crate) fn name(&self, id: u32) -> &str {
        self.table.get(id).map_or("", |name| name)
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_used_again_and_the_key_is_found_no_more() {
        let mut table: Table<Box<str>> = Table::default();
        let first = table.add("a".into());
        let second = table.add("b".into());
        assert_eq!(table.find("b"), Some(second));
        assert_eq!(table.take(first).as_deref(), Some("a"));
        assert_eq!(table.find("a"), None);
        assert_eq!(table.add("c".into()), first);
        assert_eq!((table.find("c"), table.len()), (Some(first), 2));
    }
}
