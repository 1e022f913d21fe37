//! Changes of what is known: records are put in the place of those with their key, and what depends on them is marked.

mod basics;
mod moving;

use lineshaft_model::{Millis, Reason};

use crate::flow::{NEVER, Node, Owner, Short, time};
use crate::impact::Impact;
use crate::plan::Plan;
use crate::record::{Change, Name, Record};

impl Plan {
    /// Takes changes, computes what follows from them, and says what that does to orders, demands and item-sites.
    pub fn apply(&mut self, changes: impl IntoIterator<Item = Change>) -> Impact {
        self.begin_noting();
        for change in changes {
            self.change(change);
        }
        self.settle();
        self.end_noting()
    }

    /// Takes changes without saying what they do: for a first load.
    pub fn load(&mut self, changes: impl IntoIterator<Item = Change>) {
        for change in changes {
            self.change(change);
        }
        self.settle();
    }

    /// Moves the time on: what is overdue is expected now, orders that should have started start now. A time before the plan's
    /// own changes nothing.
    pub fn advance(&mut self, now: Millis) -> Impact {
        self.begin_noting();
        let now = time(now.0);
        if now > self.now {
            let before = std::mem::replace(&mut self.now, now);
            self.mark_overdue(before);
            self.settle();
        }
        self.end_noting()
    }

    /// What would follow from these changes. Nothing is kept.
    pub fn what_if(&mut self, changes: &[Change]) -> Impact {
        self.what_if_seen(changes, |_| ()).0
    }

    /// The same, with what is seen of the plan while the changes hold.
    pub(crate) fn what_if_seen<T>(
        &mut self,
        changes: &[Change],
        see: impl FnOnce(&Self) -> T,
    ) -> (Impact, T) {
        let mut back = Vec::with_capacity(changes.len());
        self.begin_noting();
        for change in changes {
            let name = match change {
                Change::Put(record) => record.name(),
                Change::Remove(name) => name.clone(),
            };
            back.push(self.record(&name).map_or(Change::Remove(name), Change::Put));
            self.change(change.clone());
        }
        self.settle();
        let impact = self.end_noting();
        let seen = see(self);
        back.reverse();
        self.load(back);
        (impact, seen)
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::Put(record) => self.put(record),
            Change::Remove(name) => self.remove(&name),
        }
    }

    fn put(&mut self, record: Record) {
        match record {
            Record::Site(site) => self.put_site(site),
            Record::Calendar(calendar) => self.put_calendar(calendar),
            Record::Item(item) => self.put_item(item),
            Record::Stocking(stocking) => self.put_stocking(stocking),
            Record::Supplier(supplier) => self.put_supplier(supplier),
            Record::Source(source) => self.put_source(source),
            Record::Bom(bom) => self.put_bom(bom),
            Record::Substitution(substitution) => self.put_substitution(substitution),
            Record::WorkCentre(centre) => self.put_work_centre(centre),
            Record::Supply(supply) => self.put_supply(supply),
            Record::Demand(demand) => self.put_demand(demand),
            Record::Order(order) => self.put_order(order),
            Record::Reservation(reservation) => self.put_reservation(reservation),
        }
    }

    fn remove(&mut self, name: &Name) {
        match name {
            Name::Site { key } => self.remove_site(key),
            Name::Calendar { key } => self.remove_calendar(key),
            Name::Item { key } => self.remove_item(key),
            Name::Stocking { item, site } => self.remove_stocking(item, site),
            Name::Supplier { key } => self.remove_supplier(key),
            Name::Source { key } => self.remove_source(key),
            Name::Bom { key } => self.remove_bom(key),
            Name::Substitution { key } => self.remove_substitution(key),
            Name::WorkCentre { key } => self.remove_work_centre(key),
            Name::Supply { key } => self.remove_supply(key),
            Name::Demand { key } => self.remove_demand(key),
            Name::Order { key } => self.remove_order(key),
            Name::Reservation { key } => self.remove_reservation(key),
        }
        self.well(name);
    }

    /// The item-site, made when it is not there.
    pub(crate) fn node(&mut self, item: &str, site: &str) -> u32 {
        let item = self.master.item(item);
        let site = self.master.site(site);
        self.node_at(item, site)
    }

    pub(crate) fn node_at(&mut self, item: u32, site: u32) -> u32 {
        if let Some(node) = self.flow.node_of.get(&(item, site)) {
            return *node;
        }
        let id = self.flow.nodes.len() as u32;
        self.flow.nodes.push(Node {
            item,
            site,
            pool: id,
            level: 0,
            dirty: false,
            pooled: self.master.item_rows[item as usize].substituted > 0,
            supplies: Vec::new(),
            demands: Vec::new(),
            reservations: Vec::new(),
            pegs: Vec::new(),
            stocking: None,
            safety: 0,
            safety_priority: 0,
            lead_ms: None,
            receipt_ms: 0,
            short: Short::NONE,
        });
        self.flow.node_of.insert((item, site), id);
        self.master.item_rows[item as usize].nodes.push(id);
        id
    }

    /// The item-site when it is there.
    pub(crate) fn find_node(&self, item: &str, site: &str) -> Option<u32> {
        let item = self.master.items.find(item)?;
        let site = self.master.sites.find(site)?;
        self.flow.node_of.get(&(item, site)).copied()
    }

    /// A record is not as it should be: as much of it as cannot be read does not count until it is mended.
    pub(crate) fn ill(&mut self, name: Name, reasons: Vec<Reason>) {
        if reasons.is_empty() {
            return self.well(&name);
        }
        if self.work.noting {
            self.work.noted_problems.push(name.clone());
        }
        self.problems.insert(name, reasons);
    }

    pub(crate) fn well(&mut self, name: &Name) {
        if !self.problems.is_empty() {
            self.problems.remove(name);
        }
    }

    /// Reads the records at these item-sites again, because how they are read has changed.
    pub(crate) fn reread(&mut self, nodes: &[u32]) {
        for &node in nodes {
            let Node { supplies, demands, stocking, .. } = &self.flow.nodes[node as usize];
            let mut owners: Vec<(bool, Owner)> = Vec::with_capacity(supplies.len() + demands.len());
            owners.extend(
                supplies.iter().filter_map(|row| Some((true, self.flow.supply_rows.get(*row)?.owner))),
            );
            owners.extend(
                demands.iter().filter_map(|row| Some((false, self.flow.demand_rows.get(*row)?.owner))),
            );
            if let Some(stocking) = stocking.clone() {
                self.set_stocking(node, Some(*stocking));
            }
            let mut last = None;
            for (supply, owner) in owners {
                match owner {
                    Owner::Record(id) if supply => self.read_supply(id),
                    Owner::Record(id) => self.read_demand(id),
                    Owner::Order(id) if last != Some(id) => {
                        last = Some(id);
                        self.read_order(id);
                    }
                    Owner::Order(_) => {}
                }
            }
            self.mark_node(node);
        }
    }

    fn mark_overdue(&mut self, before: i64) {
        let overdue = |at: Option<i64>| at.is_some_and(|at| at < self.now);
        let late: Vec<u32> = self
            .flow
            .supplies
            .iter()
            .filter(|(_, supply)| overdue(supply.confirmed) || overdue(supply.requested))
            .map(|(id, _)| id)
            .collect();
        for supply in late {
            self.read_supply(supply);
        }
        let waiting: Vec<u32> = self
            .flow
            .orders
            .iter()
            .filter(|(_, order)| {
                order.start < self.now || order.end < self.now || order.outcome.end < NEVER && self.finite
            })
            .map(|(id, _)| id)
            .collect();
        for order in waiting {
            self.mark_order(order);
        }
        for node in 0..self.flow.nodes.len() {
            let Node { safety, short, lead_ms, supplies, .. } = &self.flow.nodes[node];
            let expires = supplies.iter().filter_map(|row| self.flow.supply_rows.get(*row));
            let expired = expires.into_iter().any(|row| row.expires < NEVER && row.expires >= before);
            if *safety > 0 || expired || short.demands > 0 && lead_ms.is_some() {
                self.mark_node(node as u32);
            }
        }
    }
}
