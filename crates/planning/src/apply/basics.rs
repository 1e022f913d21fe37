//! Master data: sites, calendars, items, suppliers, terms, bills of material, substitutions, work centres.

use std::sync::Arc;

use lineshaft_model::Reason;
use rust_decimal::Decimal;

use crate::amount::{MOST_DECIMALS, Measure};
use crate::calendar::Working;
use crate::flow::{Owner, duration};
use crate::master::{list, unlist};
use crate::plan::Plan;
use crate::record::{Bom, Calendar, Item, Name, Site, Source, Stocking, Substitution, Supplier, WorkCentre};

impl Plan {
    pub(super) fn put_site(&mut self, site: Site) {
        let id = self.master.site(&site.key);
        self.master.site_rows[id as usize].record = Some(site);
        self.reclock_site(id);
    }

    pub(super) fn remove_site(&mut self, key: &str) {
        if let Some(id) = self.master.sites.find(key) {
            self.master.site_rows[id as usize].record = None;
            self.reclock_site(id);
        }
    }

    fn reclock_site(&mut self, site: u32) {
        let row = &self.master.site_rows[site as usize];
        let calendar = row.record.as_ref().and_then(|record| record.calendar.as_ref());
        let working = self.master.working_of(calendar);
        if row.working == working {
            return;
        }
        self.master.site_rows[site as usize].working = working;
        let nodes: Vec<u32> = (0..self.flow.nodes.len() as u32)
            .filter(|node| self.flow.nodes[*node as usize].site == site)
            .collect();
        self.reread(&nodes);
    }

    pub(super) fn put_calendar(&mut self, calendar: Calendar) {
        let name = Name::Calendar { key: calendar.key.clone() };
        let working = match Working::of(&calendar) {
            Ok(working) => {
                self.well(&name);
                Some(Arc::new(working))
            }
            Err(reason) => {
                self.ill(name, vec![reason]);
                None
            }
        };
        let key = calendar.key.clone();
        self.master.calendars.insert(key.clone(), (calendar, working));
        self.reclock(&key);
    }

    pub(super) fn remove_calendar(&mut self, key: &str) {
        if self.master.calendars.remove(key).is_some() {
            self.reclock(key);
        }
    }

    fn reclock(&mut self, calendar: &str) {
        let uses = |own: Option<&String>| own.is_some_and(|own| own == calendar);
        for site in 0..self.master.site_rows.len() {
            let record = self.master.site_rows[site].record.as_ref();
            if uses(record.and_then(|record| record.calendar.as_ref())) {
                self.reclock_site(site as u32);
            }
        }
        for centre in 0..self.master.centre_rows.len() {
            let record = self.master.centre_rows[centre].record.as_ref();
            if uses(record.and_then(|record| record.calendar.as_ref())) {
                self.reload_centre(centre as u32);
            }
        }
    }

    pub(super) fn put_work_centre(&mut self, centre: WorkCentre) {
        let id = self.master.centre(&centre.key);
        self.master.centre_rows[id as usize].record = Some(centre);
        self.reload_centre(id);
    }

    pub(super) fn remove_work_centre(&mut self, key: &str) {
        if let Some(id) = self.master.centres.find(key) {
            self.master.centre_rows[id as usize].record = None;
            self.reload_centre(id);
        }
    }

    fn reload_centre(&mut self, centre: u32) {
        let row = &self.master.centre_rows[centre as usize];
        let calendar = row.record.as_ref().and_then(|record| record.calendar.as_ref());
        let working = self.master.working_of(calendar);
        self.master.centre_rows[centre as usize].working = working;
        if !self.finite {
            return;
        }
        let here: Vec<u32> = self
            .flow
            .orders
            .iter()
            .filter(|(_, order)| order.operations.iter().any(|(at, _)| *at == centre))
            .map(|(id, _)| id)
            .collect();
        for order in here {
            self.unload(order);
            self.mark_order(order);
        }
    }

    pub(super) fn put_item(&mut self, item: Item) {
        let name = Name::Item { key: item.key.clone() };
        let id = self.master.item(&item.key);
        let mut reasons = Vec::new();
        if item.decimals > MOST_DECIMALS {
            reasons.push(
                Reason::new(
                    "item-malformed",
                    format!("`{}` asks for {} decimal places", item.key, item.decimals),
                )
                .hint("12 is the most"),
            );
        }
        if item.units.iter().any(|factor| factor.factor <= Decimal::ZERO) {
            reasons.push(
                Reason::new(
                    "item-malformed",
                    format!("`{}` has a unit whose factor is not above zero", item.key),
                )
                .hint("say how many of the item's own unit are one of the other"),
            );
        }
        let measure = Measure {
            unit: item.unit,
            decimals: item.decimals.min(MOST_DECIMALS),
            units: item
                .units
                .iter()
                .filter(|factor| factor.factor > Decimal::ZERO)
                .map(|factor| (factor.unit, factor.factor))
                .collect(),
        };
        self.ill(name, reasons);
        self.master.item_rows[id as usize].record = Some(item);
        self.remeasure(id, measure);
    }

    pub(super) fn remove_item(&mut self, key: &str) {
        if let Some(id) = self.master.items.find(key) {
            self.master.item_rows[id as usize].record = None;
            self.remeasure(id, Measure::default());
        }
    }

    fn remeasure(&mut self, item: u32, measure: Measure) {
        let row = &mut self.master.item_rows[item as usize];
        if row.measure == measure {
            return;
        }
        row.measure = measure;
        let nodes = row.nodes.clone();
        self.reread(&nodes);
    }

    pub(super) fn put_stocking(&mut self, stocking: Stocking) {
        let node = self.node(&stocking.item, &stocking.site);
        let receipt = self.flow.nodes[node as usize].receipt_ms;
        self.set_stocking(node, Some(stocking));
        self.mark_node(node);
        if self.flow.nodes[node as usize].receipt_ms != receipt {
            self.reread(&[node]);
        }
    }

    pub(super) fn remove_stocking(&mut self, item: &str, site: &str) {
        let Some(node) = self.find_node(item, site) else { return };
        self.set_stocking(node, None);
        self.reread(&[node]);
    }

    pub(super) fn set_stocking(&mut self, node: u32, stocking: Option<Stocking>) {
        let item = self.flow.nodes[node as usize].item;
        let mut safety = 0;
        if let Some(stocking) = &stocking {
            let name = Name::Stocking { item: stocking.item.clone(), site: stocking.site.clone() };
            let read =
                stocking.safety_stock.map(|stock| self.master.measure(item).scaled(stock, &stocking.item));
            match read.unwrap_or(Ok(0)) {
                Ok(scaled) => {
                    safety = scaled;
                    self.well(&name);
                }
                Err(reason) => self.ill(name, vec![reason.at("safety_stock")]),
            }
        }
        let row = &mut self.flow.nodes[node as usize];
        let was_live = row.is_live();
        row.safety = safety;
        row.safety_priority = stocking.as_ref().map_or(0, |stocking| stocking.safety_priority);
        row.lead_ms =
            stocking.as_ref().and_then(|stocking| stocking.lead_time_ms).map(|lead| duration(lead).max(0));
        row.receipt_ms = stocking.as_ref().map_or(0, |stocking| duration(stocking.receipt_ms).max(0));
        row.stocking = stocking.map(Box::new);
        let changed = row.pooled && row.is_live() != was_live;
        self.flow.regroup |= changed;
    }

    pub(super) fn put_supplier(&mut self, supplier: Supplier) {
        let id = self.master.supplier(&supplier.key);
        self.set_supplier(id, Some(supplier));
    }

    pub(super) fn remove_supplier(&mut self, key: &str) {
        if let Some(id) = self.master.suppliers.find(key) {
            self.set_supplier(id, None);
        }
    }

    fn set_supplier(&mut self, id: u32, supplier: Option<Supplier>) {
        let lateness = |supplier: &Option<Supplier>| supplier.as_ref().map_or(0, |one| one.lateness_ms);
        let row = &mut self.master.supplier_rows[id as usize];
        let same = lateness(row) == lateness(&supplier);
        *row = supplier;
        if same {
            return;
        }
        let theirs: Vec<u32> = self
            .flow
            .supplies
            .iter()
            .filter(|(_, supply)| supply.supplier == Some(id))
            .map(|(id, _)| id)
            .collect();
        for supply in theirs {
            self.read_supply(supply);
        }
    }

    pub(super) fn put_source(&mut self, source: Source) {
        self.remove_source(&source.key.clone());
        let item = self.master.item(&source.item);
        self.master.site(&source.site);
        list(&mut self.master.item_rows[item as usize].sources, &source.key);
        self.master.sources.insert(source.key.clone(), source);
    }

    pub(super) fn remove_source(&mut self, key: &str) {
        if let Some(source) = self.master.sources.remove(key) {
            let item = self.master.item(&source.item);
            unlist(&mut self.master.item_rows[item as usize].sources, key);
        }
    }

    pub(super) fn put_bom(&mut self, bom: Bom) {
        let reasons: Vec<Reason> = bom
            .lines
            .iter()
            .enumerate()
            .filter(|(_, line)| line.gross().is_none())
            .map(|(place, line)| {
                Reason::new(
                    "bill-malformed",
                    format!(
                        "{} of `{}` with {} scrap is below zero or has too many digits",
                        line.per, line.item, line.scrap
                    ),
                )
                .at(format!("lines/{place}"))
                .hint("give a quantity and a scrap factor of zero or more")
            })
            .collect();
        self.ill(Name::Bom { key: bom.key.clone() }, reasons);
        let key = bom.key.clone();
        let item = self.master.item(&bom.item);
        for line in &bom.lines {
            self.master.item(&line.item);
        }
        let before = self.master.boms.insert(key.clone(), bom);
        list(&mut self.master.item_rows[item as usize].boms, &key);
        if let Some(before) = before {
            let old = self.master.item(&before.item);
            if old != item {
                unlist(&mut self.master.item_rows[old as usize].boms, &key);
                self.explode(old);
            }
        }
        self.explode(item);
    }

    pub(super) fn remove_bom(&mut self, key: &str) {
        if let Some(bom) = self.master.boms.remove(key) {
            let item = self.master.item(&bom.item);
            unlist(&mut self.master.item_rows[item as usize].boms, key);
            self.explode(item);
        }
    }

    /// Reads the orders of a product again that go by its bill of material.
    fn explode(&mut self, item: u32) {
        let nodes = &self.master.item_rows[item as usize].nodes;
        let supplies = nodes.iter().flat_map(|node| &self.flow.nodes[*node as usize].supplies);
        let orders: Vec<u32> = supplies
            .filter_map(|row| match self.flow.supply_rows.get(*row)?.owner {
                Owner::Order(order) => Some(order),
                Owner::Record(_) => None,
            })
            .filter(|order| {
                self.flow.orders.get(*order).is_some_and(|order| order.own.is_none() && order.from.is_none())
            })
            .collect();
        for order in orders {
            self.read_order(order);
        }
    }

    pub(super) fn put_substitution(&mut self, substitution: Substitution) {
        self.remove_substitution(&substitution.key.clone());
        let item = self.master.item(&substitution.item);
        let other = self.master.item(&substitution.substitute);
        let name = Name::Substitution { key: substitution.key.clone() };
        if crate::net::fraction(substitution.ratio, 0, 0).is_none() {
            let message = format!("a ratio of {} is not above zero or too fine", substitution.ratio);
            let hint = "say how many of the substitute stand in for one";
            self.ill(name, vec![Reason::new("substitution-malformed", message).hint(hint)]);
        }
        if substitution.automatic {
            self.master.item_rows[item as usize].substituted += 1;
            self.master.item_rows[other as usize].substituted += 1;
            self.renet(item, other);
        }
        let rank = (substitution.preference, substitution.key.clone());
        let ranks = &mut self.master.item_rows[item as usize].substitutions;
        let place = ranks.partition_point(|other| *other < rank);
        ranks.insert(place, rank);
        self.master.substitutions.insert(substitution.key.clone(), substitution);
    }

    pub(super) fn remove_substitution(&mut self, key: &str) {
        let Some(substitution) = self.master.substitutions.remove(key) else { return };
        self.well(&Name::Substitution { key: key.to_owned() });
        let item = self.master.item(&substitution.item);
        let other = self.master.item(&substitution.substitute);
        self.master.item_rows[item as usize].substitutions.retain(|(_, other)| other != key);
        if substitution.automatic {
            self.master.item_rows[item as usize].substituted -= 1;
            self.master.item_rows[other as usize].substituted -= 1;
            self.renet(item, other);
        }
    }

    fn renet(&mut self, item: u32, other: u32) {
        self.flow.regroup = true;
        for one in [item, other] {
            let pooled = self.master.item_rows[one as usize].substituted > 0;
            for node in self.master.item_rows[one as usize].nodes.clone() {
                self.flow.nodes[node as usize].pooled = pooled;
                self.mark_node(node);
            }
        }
    }
}
