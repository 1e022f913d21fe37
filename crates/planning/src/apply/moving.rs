//! What moves: supplies, demands, orders, reservations.

use std::sync::Arc;

use lineshaft_model::{Quantity, Reason};
use rust_decimal::Decimal;

use crate::amount::{Finer, decimal, product, scaled};
use crate::flow::{
    BEGIN, Covered, DemandHeld, DemandRow, NEVER, OrderHeld, Outcome, Owner, ReservationHeld, SupplyHeld,
    SupplyRow, duration, time,
};
use crate::plan::Plan;
use crate::record::{Demand, Name, Order, OrderKind, Reservation, StockStatus, Supply, SupplyKind};

/// More components or operations than this are not planned.
const MOST_LINES: usize = 10_000;

/// A component as it will stand: item-site, quantity, offset.
type Need = (u32, i64, i64);

impl Plan {
    pub(super) fn put_supply(&mut self, supply: Supply) {
        let node = self.node(&supply.item, &supply.site);
        let supplier = supply.supplier.as_deref().map(|key| self.master.supplier(key));
        let known = self.flow.supplies.find(&supply.key);
        let there =
            known.and_then(|id| self.flow.supplies.get(id)).map(|held| (Arc::clone(&held.key), held.row));
        let (key, row) = there.unwrap_or_else(|| (supply.key.as_str().into(), u32::MAX));
        let mut held = SupplyHeld {
            key,
            row,
            kind: supply.kind,
            status: supply.status,
            quantity: supply.quantity,
            requested: supply.requested.map(|at| time(at.0)),
            confirmed: supply.confirmed.map(|at| time(at.0)),
            expires: supply.expires.map(|at| time(at.0)),
            supplier,
            location: supply.location.map(String::into_boxed_str),
            lot: supply.lot.map(String::into_boxed_str),
        };
        let stays = self.flow.supply_rows.get(row).is_some_and(|row| row.node == node);
        if !stays && let Some(old) = self.flow.take_supply(row) {
            self.mark_node(old.node);
        }
        let id = match known {
            Some(id) => id,
            None => self.flow.supplies.add(held.clone()),
        };
        if !stays {
            let owner = Owner::Record(id);
            held.row =
                self.flow.add_supply(SupplyRow { node, owner, at: NEVER, expires: NEVER, quantity: 0 });
        }
        if let Some(place) = self.flow.supplies.get_mut(id) {
            *place = held;
        }
        self.read_supply(id);
    }

    pub(super) fn remove_supply(&mut self, key: &str) {
        let Some(held) = self.flow.supplies.find(key).and_then(|id| self.flow.supplies.take(id)) else {
            return;
        };
        if let Some(row) = self.flow.take_supply(held.row) {
            self.mark_node(row.node);
        }
    }

    /// Works out how much a supply is and when it comes.
    pub(super) fn read_supply(&mut self, id: u32) {
        let Some(held) = self.flow.supplies.get(id) else { return };
        let Some(row) = self.flow.supply_rows.get(held.row) else { return };
        let (node, row_id) = (row.node, held.row);
        let item = self.flow.nodes[node as usize].item;
        let mut reasons = Vec::new();
        let quantity = self.master.measure(item).scaled(held.quantity, self.master.items.name(item));
        let quantity = quantity.unwrap_or_else(|reason| {
            reasons.push(reason.at("quantity"));
            0
        });
        let at = match (held.status, held.kind) {
            (StockStatus::Blocked, _) => NEVER,
            (StockStatus::Quality, _) => held.requested.map_or(NEVER, |at| at.max(self.now)),
            (StockStatus::Available, SupplyKind::OnHand) => BEGIN,
            (StockStatus::Available, _) => match self.arrival(held) {
                Some(at) => self.usable_at(node, at.max(self.now)),
                None => {
                    let message = format!("`{}` has neither a requested nor a confirmed date", held.key);
                    let reason = Reason::new("supply-undated", message);
                    reasons.push(reason.hint("send a date; until then it is not counted on"));
                    NEVER
                }
            },
        };
        let expires = held.expires.unwrap_or(NEVER);
        let name = if reasons.is_empty() && self.problems.is_empty() {
            None
        } else {
            Some(Name::Supply { key: held.key.as_ref().to_owned() })
        };
        if let Some(name) = name {
            self.ill(name, reasons);
        }
        let Some(row) = self.flow.supply_rows.get_mut(row_id) else { return };
        if (row.quantity, row.at, row.expires) != (quantity, at, expires) {
            (row.quantity, row.at, row.expires) = (quantity, at, expires);
            self.mark_node(node);
        }
    }

    /// What the supplier confirmed, or what was asked for and how late that supplier is used to be.
    fn arrival(&self, held: &SupplyHeld) -> Option<i64> {
        let supplier = held.supplier.and_then(|id| self.master.supplier_rows[id as usize].as_ref());
        let lateness = supplier.map_or(0, |supplier| duration(supplier.lateness_ms).max(0));
        held.confirmed.or(held.requested.map(|at| at + lateness))
    }

    pub(super) fn put_demand(&mut self, demand: Demand) {
        let node = self.node(&demand.item, &demand.site);
        let known = self.flow.demands.find(&demand.key);
        let there =
            known.and_then(|id| self.flow.demands.get(id)).map(|held| (Arc::clone(&held.key), held.row));
        let (key, row) = there.unwrap_or_else(|| (demand.key.as_str().into(), u32::MAX));
        let mut held = DemandHeld {
            key,
            row,
            kind: demand.kind,
            quantity: demand.quantity,
            customer: demand.customer.map(String::into_boxed_str),
        };
        self.note_demand(&held);
        let stays = self.flow.demand_rows.get(row).is_some_and(|row| row.node == node);
        if !stays && let Some(old) = self.flow.take_demand(row) {
            self.mark_node(old.node);
        }
        let id = match known {
            Some(id) => id,
            None => self.flow.demands.add(held.clone()),
        };
        if !stays {
            held.row = self.flow.add_demand(DemandRow {
                node,
                owner: Owner::Record(id),
                line: 0,
                cut: false,
                priority: demand.priority,
                due: time(demand.due.0),
                quantity: 0,
                outcome: Covered::NOT,
            });
        }
        let row = held.row;
        if let Some(place) = self.flow.demands.get_mut(id) {
            *place = held;
        }
        if let Some(row) = self.flow.demand_rows.get_mut(row) {
            (row.priority, row.due) = (demand.priority, time(demand.due.0));
        }
        self.mark_node(node);
        self.read_demand(id);
    }

    fn note_demand(&mut self, held: &DemandHeld) {
        if self.work.noting {
            let row = self.flow.demand_rows.get(held.row);
            let before = row.map(|row| (row.outcome, row.due, row.quantity, row.node));
            self.work.noted_demands.entry(Arc::clone(&held.key)).or_insert(before);
        }
    }

    pub(super) fn remove_demand(&mut self, key: &str) {
        let Some(held) = self.flow.demands.find(key).and_then(|id| self.flow.demands.take(id)) else {
            return;
        };
        self.note_demand(&held);
        if let Some(row) = self.flow.take_demand(held.row) {
            self.mark_node(row.node);
        }
    }

    /// Works out how much is wanted.
    pub(super) fn read_demand(&mut self, id: u32) {
        let Some(held) = self.flow.demands.get(id) else { return };
        let Some(row) = self.flow.demand_rows.get(held.row) else { return };
        let (node, row_id) = (row.node, held.row);
        let item = self.flow.nodes[node as usize].item;
        let mut reasons = Vec::new();
        let quantity = self.master.measure(item).scaled(held.quantity, self.master.items.name(item));
        let quantity = quantity.unwrap_or_else(|reason| {
            reasons.push(reason.at("quantity"));
            0
        });
        if !(reasons.is_empty() && self.problems.is_empty()) {
            self.ill(Name::Demand { key: held.key.as_ref().to_owned() }, reasons);
        }
        let Some(row) = self.flow.demand_rows.get_mut(row_id) else { return };
        if row.quantity != quantity {
            row.quantity = quantity;
            self.mark_node(node);
        }
    }

    pub(super) fn put_order(&mut self, order: Order) {
        let node = self.node(&order.item, &order.site);
        let from = match &order.kind {
            OrderKind::Production => None,
            OrderKind::Transfer { from } => Some(self.master.site(from)),
        };
        let mut operations: Vec<(u32, i64)> = Vec::with_capacity(order.operations.len().min(MOST_LINES));
        for operation in order.operations.iter().take(MOST_LINES) {
            operations
                .push((self.master.centre(&operation.work_centre), duration(operation.duration_ms).max(0)));
        }
        let own: Option<Box<[(u32, Quantity, i64)]>> = order.components.as_ref().map(|components| {
            let read = components.iter().take(MOST_LINES);
            read.map(|one| (self.master.item(&one.item), one.quantity, duration(one.offset_ms))).collect()
        });
        let mut known = self.flow.orders.find(&order.key);
        if let Some(held) = known.and_then(|id| self.flow.orders.get(id))
            && (held.node, held.from) != (node, from)
        {
            self.remove_order(&order.key);
            known = None;
        }
        let start = time(order.start.0);
        let mut held = OrderHeld {
            key: order.key.as_str().into(),
            node,
            from,
            quantity: order.quantity,
            good: order.good,
            start,
            end: time(order.end.0).max(start),
            priority: order.priority,
            status: order.status,
            own,
            operations: operations.into_boxed_slice(),
            customer: order.customer.map(String::into_boxed_str),
            output: u32::MAX,
            components: Vec::new(),
            dirty: false,
            outcome: Outcome::NOT,
        };
        let id = match known.and_then(|id| Some((id, self.flow.orders.get_mut(id)?))) {
            Some((id, place)) => {
                let moves = (held.priority, held.start) != (place.priority, place.start)
                    || held.operations != place.operations;
                held.key = Arc::clone(&place.key);
                held.components = std::mem::take(&mut place.components);
                (held.output, held.dirty, held.outcome) = (place.output, place.dirty, place.outcome);
                *place = held;
                if moves {
                    self.unload(id);
                }
                id
            }
            None => {
                if self.work.noting {
                    self.work.noted_orders.entry(Arc::clone(&held.key)).or_insert(None);
                }
                let id = self.flow.orders.add(held);
                let owner = Owner::Order(id);
                let row = SupplyRow { node, owner, at: NEVER, expires: NEVER, quantity: 0 };
                let output = self.flow.add_supply(row);
                if let Some(held) = self.flow.orders.get_mut(id) {
                    held.output = output;
                }
                id
            }
        };
        self.read_order(id);
    }

    pub(super) fn remove_order(&mut self, key: &str) {
        let Some(id) = self.flow.orders.find(key) else { return };
        self.unload(id);
        self.sever(id);
        let Some(held) = self.flow.orders.take(id) else { return };
        if self.work.noting {
            self.work.noted_orders.entry(Arc::clone(&held.key)).or_insert(Some(held.outcome));
        }
        if let Some(row) = self.flow.take_supply(held.output) {
            self.mark_node(row.node);
        }
    }

    /// Takes an order's components away.
    fn sever(&mut self, id: u32) {
        let Some(order) = self.flow.orders.get_mut(id) else { return };
        let product = order.node;
        let level = self.flow.level(product);
        let rows = self.flow.orders.get_mut(id).map(|order| std::mem::take(&mut order.components));
        for row in rows.unwrap_or_default() {
            let Some(row) = self.flow.take_demand(row) else { continue };
            self.mark_node(row.node);
            if row.cut || self.flow.level(row.node).saturating_add(1) == level {
                self.work.unlevelled.push(product);
            }
        }
    }

    /// Works out what an order makes and needs.
    pub(super) fn read_order(&mut self, id: u32) {
        let Some(order) = self.flow.orders.get(id) else { return };
        let (node, output) = (order.node, order.output);
        let item = self.flow.nodes[node as usize].item;
        let mut reasons = Vec::new();
        let measure = self.master.measure(item);
        let whole = measure.scaled(order.quantity, self.master.items.name(item)).unwrap_or_else(|reason| {
            reasons.push(reason.at("quantity"));
            0
        });
        let own = decimal(i128::from(whole), measure.decimals);
        let good = (!order.good.is_sign_negative()).then(|| product(own, order.good)).flatten();
        let good = good.and_then(|good| scaled(good, measure.decimals, Finer::Down).ok());
        if good.is_none() {
            let message = format!("a good part of {} is below zero or has too many digits", order.good);
            let hint = "give it as a factor, 0.95 when five of a hundred are lost";
            reasons.push(Reason::new("order-malformed", message).at("good").hint(hint));
        }
        let needs = self.needs(id, own, whole, &mut reasons);
        let Some(order) = self.flow.orders.get(id) else { return };
        if !(reasons.is_empty() && self.problems.is_empty()) {
            self.ill(Name::Order { key: order.key.as_ref().to_owned() }, reasons);
        }
        if let Some(row) = self.flow.supply_rows.get_mut(output)
            && row.quantity != good.unwrap_or(0)
        {
            row.quantity = good.unwrap_or(0);
            self.mark_node(node);
        }
        self.join(id, &needs);
        self.mark_order(id);
    }

    /// What an order needs: what it was given, what it carries, or what the bill of material says.
    fn needs(&mut self, id: u32, own: Decimal, whole: i64, reasons: &mut Vec<Reason>) -> Vec<Need> {
        let Some(order) = self.flow.orders.get(id) else { return Vec::new() };
        let (item, site) = {
            let node = &self.flow.nodes[order.node as usize];
            (node.item, node.site)
        };
        if let Some(from) = order.from {
            return vec![(self.node_at(item, from), whole, 0)];
        }
        let mut found: Vec<(u32, i64, i64)> = Vec::new();
        if let Some(given) = &order.own {
            for (place, &(component, quantity, offset)) in given.iter().enumerate() {
                match self.master.measure(component).scaled(quantity, self.master.items.name(component)) {
                    Ok(quantity) => found.push((component, quantity, offset)),
                    Err(reason) => reasons.push(reason.at(format!("components/{place}/quantity"))),
                }
            }
        } else if let Some(bom) = self.master.bom(item, site, order.start) {
            for line in bom.lines.iter().take(MOST_LINES).filter(|line| line.holds(order.start)) {
                let Some(component) = self.master.items.find(&line.item) else { continue };
                let need = line.gross().and_then(|gross| product(gross, own));
                let decimals = self.master.measure(component).decimals;
                match need.map(|need| scaled(need, decimals, Finer::Up)) {
                    Some(Ok(quantity)) => found.push((component, quantity, duration(line.offset_ms))),
                    Some(Err(reason)) => {
                        reasons.push(reason.at(format!("bill of material, `{}`", line.item)));
                    }
                    None => reasons.push(too_fine(&line.item)),
                }
            }
        }
        found
            .into_iter()
            .map(|(item, quantity, offset)| (self.node_at(item, site), quantity, offset))
            .collect()
    }

    /// Brings an order's component rows to what it needs, in place where they stay the same item-sites.
    fn join(&mut self, id: u32, needs: &[Need]) {
        let Some(order) = self.flow.orders.get(id) else { return };
        let (start, priority, product) = (order.start, order.priority, order.node);
        let same = order.components.len() == needs.len()
            && order.components.iter().zip(needs).all(|(row, (node, ..))| {
                self.flow.demand_rows.get(*row).is_some_and(|row| row.node == *node)
            });
        if same {
            let rows = order.components.clone();
            for (row, &(node, quantity, offset)) in rows.into_iter().zip(needs) {
                let Some(row) = self.flow.demand_rows.get_mut(row) else { continue };
                let now = (start + offset, priority, quantity);
                if (row.due, row.priority, row.quantity) != now {
                    (row.due, row.priority, row.quantity) = now;
                    self.mark_node(node);
                }
            }
            return;
        }
        self.sever(id);
        let level = self.flow.level(product);
        let mut rows = Vec::with_capacity(needs.len());
        for (line, &(node, quantity, offset)) in needs.iter().enumerate() {
            rows.push(self.flow.add_demand(DemandRow {
                node,
                owner: Owner::Order(id),
                line: line as u16,
                cut: false,
                priority,
                due: start + offset,
                quantity,
                outcome: Covered::NOT,
            }));
            if self.flow.level(node) >= level {
                self.work.unlevelled.push(product);
            }
            self.mark_node(node);
        }
        if let Some(order) = self.flow.orders.get_mut(id) {
            order.components = rows;
        }
        if !self.circles.is_empty() {
            self.work.unlevelled.push(product);
        }
    }

    pub(super) fn put_reservation(&mut self, reservation: Reservation) {
        self.remove_reservation(&reservation.key.clone());
        let node = self.node(&reservation.item, &reservation.site);
        let name = Name::Reservation { key: reservation.key.clone() };
        let item = self.flow.nodes[node as usize].item;
        let read = self.master.measure(item).scaled(reservation.quantity, &reservation.item);
        self.ill(name, read.err().map(|reason| reason.at("quantity")).into_iter().collect());
        let id = self.flow.reservations.add(ReservationHeld { record: reservation, node });
        self.flow.nodes[node as usize].reservations.push(id);
        self.mark_node(node);
    }

    pub(super) fn remove_reservation(&mut self, key: &str) {
        let Some(id) = self.flow.reservations.find(key) else { return };
        let Some(held) = self.flow.reservations.take(id) else { return };
        self.flow.nodes[held.node as usize].reservations.retain(|other| *other != id);
        self.mark_node(held.node);
    }
}

fn too_fine(item: &str) -> Reason {
    Reason::new("quantity-too-large", format!("the need for `{item}` has more than 28 digits"))
        .at("bill of material")
        .hint("round the bill's quantities")
}
