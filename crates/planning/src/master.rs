//! Master data: who counts how, who works when, what is made of what. Looked up by number where netting needs it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rust_decimal::Decimal;

use crate::amount::Measure;
use crate::calendar::Working;
use crate::record::{Bom, BomLine, Calendar, Item, Site, Source, Substitution, Supplier, WorkCentre};
use crate::table::Names;

#[derive(Clone, Debug, Default)]
pub(crate) struct Master {
    pub(crate) items: Names,
    pub(crate) sites: Names,
    pub(crate) suppliers: Names,
    pub(crate) centres: Names,
    pub(crate) item_rows: Vec<ItemRow>,
    pub(crate) site_rows: Vec<SiteRow>,
    pub(crate) supplier_rows: Vec<Option<Supplier>>,
    pub(crate) centre_rows: Vec<CentreRow>,
    /// Records as they were given, and their working time when they are sound.
    pub(crate) calendars: HashMap<String, (Calendar, Option<Arc<Working>>)>,
    pub(crate) sources: BTreeMap<String, Source>,
    pub(crate) boms: HashMap<String, Bom>,
    pub(crate) substitutions: BTreeMap<String, Substitution>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ItemRow {
    pub(crate) record: Option<Item>,
    pub(crate) measure: Measure,
    /// Keys of its bills of material, sorted.
    pub(crate) boms: Vec<String>,
    /// Keys of its sources, sorted.
    pub(crate) sources: Vec<String>,
    /// What may stand in for it, by preference and key.
    pub(crate) substitutions: Vec<(u32, String)>,
    /// How many automatic substitutions speak of it, on either side.
    pub(crate) substituted: u32,
    /// Its item-sites.
    pub(crate) nodes: Vec<u32>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct SiteRow {
    pub(crate) record: Option<Site>,
    pub(crate) working: Option<Arc<Working>>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct CentreRow {
    pub(crate) record: Option<WorkCentre>,
    pub(crate) working: Option<Arc<Working>>,
}

impl Master {
    pub(crate) fn item(&mut self, key: &str) -> u32 {
        let id = self.items.number(key);
        self.item_rows.resize_with(self.items.len(), ItemRow::default);
        id
    }

    pub(crate) fn site(&mut self, key: &str) -> u32 {
        let id = self.sites.number(key);
        self.site_rows.resize_with(self.sites.len(), SiteRow::default);
        id
    }

    pub(crate) fn supplier(&mut self, key: &str) -> u32 {
        let id = self.suppliers.number(key);
        self.supplier_rows.resize(self.suppliers.len(), None);
        id
    }

    pub(crate) fn centre(&mut self, key: &str) -> u32 {
        let id = self.centres.number(key);
        self.centre_rows.resize_with(self.centres.len(), CentreRow::default);
        id
    }

    pub(crate) fn measure(&self, item: u32) -> &Measure {
        &self.item_rows[item as usize].measure
    }

    pub(crate) fn site_working(&self, site: u32) -> Option<&Working> {
        self.site_rows[site as usize].working.as_deref()
    }

    pub(crate) fn working_of(&self, calendar: Option<&String>) -> Option<Arc<Working>> {
        self.calendars.get(calendar?)?.1.clone()
    }

    /// The bill of material that holds for a product at a site at a time: one of the site before a general one, then the one
    /// that holds from the latest, then the first by key.
    pub(crate) fn bom(&self, item: u32, site: u32, at: i64) -> Option<&Bom> {
        let site = self.sites.name(site);
        let holds = |bom: &&Bom| {
            bom.site.as_deref().is_none_or(|own| own == site)
                && bom.valid_from.is_none_or(|from| from.0 <= at)
                && bom.valid_until.is_none_or(|until| at < until.0)
        };
        let mut best: Option<&Bom> = None;
        for bom in
            self.item_rows[item as usize].boms.iter().filter_map(|key| self.boms.get(key)).filter(holds)
        {
            let rank = |bom: &Bom| (bom.site.is_some(), bom.valid_from);
            if best.is_none_or(|best| rank(bom) > rank(best)) {
                best = Some(bom);
            }
        }
        best
    }
}

impl BomLine {
    pub(crate) fn holds(&self, at: i64) -> bool {
        self.valid_from.is_none_or(|from| from.0 <= at) && self.valid_until.is_none_or(|until| at < until.0)
    }

    /// How many for one of the product, with what is lost; none when that has no exact form or is below zero.
    pub(crate) fn gross(&self) -> Option<Decimal> {
        let more = Decimal::ONE.checked_add(self.scrap)?;
        if self.per.is_sign_negative() || self.scrap.is_sign_negative() {
            return None;
        }
        crate::amount::product(self.per, more)
    }
}

/// Puts a key into a sorted list once.
pub(crate) fn list(keys: &mut Vec<String>, key: &str) {
    if let Err(place) = keys.binary_search_by(|other| other.as_str().cmp(key)) {
        keys.insert(place, key.to_owned());
    }
}

/// Takes a key out of a list.
pub(crate) fn unlist(keys: &mut Vec<String>, key: &str) {
    keys.retain(|other| other != key);
}
