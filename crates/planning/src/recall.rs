//! Records as they were given, made again from what is kept of them.

use lineshaft_model::Millis;

use crate::flow::Node;
use crate::plan::Plan;
use crate::record::{Component, Demand, Name, Operation, Order, OrderKind, Record, Supply};

impl Plan {
    /// The record that is kept under a name.
    #[must_use]
    pub fn record(&self, name: &Name) -> Option<Record> {
        let master = &self.master;
        match name {
            Name::Site { key } => {
                master.site_rows[master.sites.find(key)? as usize].record.clone().map(Record::Site)
            }
            Name::Calendar { key } => {
                master.calendars.get(key).map(|(record, _)| Record::Calendar(record.clone()))
            }
            Name::Item { key } => {
                master.item_rows[master.items.find(key)? as usize].record.clone().map(Record::Item)
            }
            Name::Stocking { item, site } => {
                let Node { stocking, .. } = &self.flow.nodes[self.find_node(item, site)? as usize];
                stocking.as_deref().cloned().map(Record::Stocking)
            }
            Name::Supplier { key } => {
                master.supplier_rows[master.suppliers.find(key)? as usize].clone().map(Record::Supplier)
            }
            Name::Source { key } => master.sources.get(key).cloned().map(Record::Source),
            Name::Bom { key } => master.boms.get(key).cloned().map(Record::Bom),
            Name::Substitution { key } => master.substitutions.get(key).cloned().map(Record::Substitution),
            Name::WorkCentre { key } => {
                master.centre_rows[master.centres.find(key)? as usize].record.clone().map(Record::WorkCentre)
            }
            Name::Supply { key } => self.recall_supply(key).map(Record::Supply),
            Name::Demand { key } => self.recall_demand(key).map(Record::Demand),
            Name::Order { key } => self.recall_order(key).map(Record::Order),
            Name::Reservation { key } => {
                let held = self.flow.reservations.get(self.flow.reservations.find(key)?)?;
                Some(Record::Reservation(held.record.clone()))
            }
        }
    }

    pub(crate) fn recall_supply(&self, key: &str) -> Option<Supply> {
        let held = self.flow.supplies.get(self.flow.supplies.find(key)?)?;
        let (item, site) = self.place(self.flow.supply_rows.get(held.row)?.node);
        Some(Supply {
            key: key.to_owned(),
            item,
            site,
            kind: held.kind,
            quantity: held.quantity,
            status: held.status,
            requested: held.requested.map(Millis),
            confirmed: held.confirmed.map(Millis),
            expires: held.expires.map(Millis),
            supplier: held.supplier.map(|id| self.master.suppliers.name(id).to_owned()),
            location: held.location.as_deref().map(str::to_owned),
            lot: held.lot.as_deref().map(str::to_owned),
        })
    }

    pub(crate) fn recall_demand(&self, key: &str) -> Option<Demand> {
        let held = self.flow.demands.get(self.flow.demands.find(key)?)?;
        let row = self.flow.demand_rows.get(held.row)?;
        let (item, site) = self.place(row.node);
        Some(Demand {
            key: key.to_owned(),
            item,
            site,
            kind: held.kind,
            quantity: held.quantity,
            due: Millis(row.due),
            priority: row.priority,
            customer: held.customer.as_deref().map(str::to_owned),
        })
    }

    pub(crate) fn recall_order(&self, key: &str) -> Option<Order> {
        let held = self.flow.orders.get(self.flow.orders.find(key)?)?;
        let (item, site) = self.place(held.node);
        let component = |&(item, quantity, offset_ms): &(u32, _, i64)| Component {
            item: self.master.items.name(item).to_owned(),
            quantity,
            offset_ms,
        };
        let operation = |&(centre, duration_ms): &(u32, i64)| Operation {
            work_centre: self.master.centres.name(centre).to_owned(),
            duration_ms,
        };
        Some(Order {
            key: key.to_owned(),
            item,
            site,
            kind: match held.from {
                None => OrderKind::Production,
                Some(from) => OrderKind::Transfer { from: self.master.sites.name(from).to_owned() },
            },
            quantity: held.quantity,
            good: held.good,
            start: Millis(held.start),
            end: Millis(held.end),
            priority: held.priority,
            status: held.status,
            components: held.own.as_ref().map(|own| own.iter().map(component).collect()),
            operations: held.operations.iter().map(operation).collect(),
            customer: held.customer.as_deref().map(str::to_owned),
        })
    }
}
