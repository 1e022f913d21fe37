//! Things to try about a shortage: at most a few of each kind, by what is most urgent.

use lineshaft_model::{Millis, Money, Quantity};
use rust_decimal::Decimal;

use super::{OptionKind, Proposal, date, weight};
use crate::amount::{decimal, product};
use crate::flow::{BEGIN, Hold, NEVER, Outcome, Owner};
use crate::plan::Plan;
use crate::record::{
    Change, Component, Order, OrderKind, OrderStatus, Origin, Record, Source, StockStatus, Supply, SupplyKind,
};
use crate::shop::{Goal, Job, Shop, resequence};

/// At most so many of each kind.
const MOST_OF_A_KIND: usize = 5;
/// Resequencing looks at no more orders than this, those that start soonest.
pub const MOST_RESEQUENCED: usize = 24;
/// And at no more schedules.
const MOST_SCHEDULES: u32 = 2_000;
const HOUR_MS: i64 = 3_600_000;

impl Plan {
    pub(crate) fn proposals(&self, node: u32) -> Vec<Proposal> {
        let mut found = Vec::new();
        self.release_safety_stock(node, &mut found);
        self.hasten(node, &mut found);
        self.procure(node, &mut found);
        self.stand_in(node, &mut found);
        for order in self.short_orders(node).into_iter().take(MOST_OF_A_KIND) {
            self.change_places(order, &mut found);
            self.reduce(node, order, &mut found);
            self.delay(order, &mut found);
        }
        found
    }

    fn key(&self, node: u32) -> String {
        self.master.items.name(self.flow.nodes[node as usize].item).to_owned()
    }

    fn site(&self, node: u32) -> String {
        self.master.sites.name(self.flow.nodes[node as usize].site).to_owned()
    }

    /// What is missing in all, the safety stock with it, in the last place.
    fn wanted(&self, node: u32) -> i128 {
        let short = self.flow.nodes[node as usize].short;
        short.quantity + i128::from(short.safety)
    }

    /// Nothing is bought or moved before this.
    fn fence(&self, node: u32) -> i64 {
        let stocking = self.flow.nodes[node as usize].stocking.as_deref();
        self.now + stocking.map_or(0, |stocking| crate::flow::duration(stocking.time_fence_ms).max(0))
    }

    /// Orders that are short here and have not started, the most urgent first.
    fn short_orders(&self, node: u32) -> Vec<u32> {
        let mut found: Vec<(u32, i64, &str, u32)> = Vec::new();
        for row in
            self.flow.nodes[node as usize].demands.iter().filter_map(|id| self.flow.demand_rows.get(*id))
        {
            if let Owner::Order(id) = row.owner
                && row.outcome.at > row.due
                && let Some(order) = self.flow.orders.get(id)
                && order.status != OrderStatus::Running
            {
                found.push((row.priority, row.due, &order.key, id));
            }
        }
        found.sort_unstable();
        found.dedup_by_key(|(.., id)| *id);
        found.into_iter().map(|(.., id)| id).collect()
    }

    fn release_safety_stock(&self, node: u32, found: &mut Vec<Proposal>) {
        let row = &self.flow.nodes[node as usize];
        if row.safety == 0 || row.short.demands == 0 {
            return;
        }
        let Some(mut stocking) = row.stocking.as_deref().cloned() else { return };
        let kept = (i128::from(row.safety) - row.short.quantity).max(0);
        let measure = self.master.measure(row.item);
        let used = measure.quantity(i128::from(row.safety) - kept);
        stocking.safety_stock = Some(measure.quantity(kept));
        found.push(Proposal {
            kind: OptionKind::UseSafetyStock,
            words: format!("Use {used} of the safety stock of `{}`", self.key(node)),
            changes: vec![Change::Put(Record::Stocking(stocking))],
            cost: None,
        });
    }

    /// Open deliveries that come too late, whole or the missing part of them, as much sooner as their source allows.
    fn hasten(&self, node: u32, found: &mut Vec<Proposal>) {
        let row = &self.flow.nodes[node as usize];
        let measure = self.master.measure(row.item);
        let mut late: Vec<(i64, Supply)> = Vec::new();
        for supply in row.supplies.iter().filter_map(|id| self.flow.supply_rows.get(*id)) {
            if supply.at > row.short.first.min(NEVER) && supply.at < NEVER && supply.at > BEGIN {
                let recalled = self.recall_supply(self.flow.supply_key(supply.owner));
                let outside = matches!(supply.owner, Owner::Record(_));
                late.extend(
                    recalled
                        .filter(|one| outside && one.kind != SupplyKind::OnHand)
                        .map(|one| (supply.at, one)),
                );
            }
        }
        late.sort_by(|one, other| (one.0, &one.1.key).cmp(&(other.0, &other.1.key)));
        for (_, supply) in late.into_iter().take(MOST_OF_A_KIND) {
            let Some(source) = self.source_of(&supply) else { continue };
            let Some(sooner) = source.expedite_ms.filter(|ms| *ms > 0) else { continue };
            let Some(on) = supply.confirmed.or(supply.requested) else { continue };
            let on = Millis(on.0.saturating_sub(sooner).max(self.fence(node)).min(on.0));
            let hastened = Supply { confirmed: Some(on), ..supply.clone() };
            let (item, from) = (&supply.item, supply.supplier.as_deref().unwrap_or("its supplier"));
            found.push(Proposal {
                kind: OptionKind::Expedite,
                words: format!(
                    "Expedite `{}` from {from} with {} of `{item}` to {}",
                    supply.key,
                    supply.quantity,
                    date(on)
                ),
                changes: vec![Change::Put(Record::Supply(hastened.clone()))],
                cost: source.expedite_price,
            });
            let Ok(whole) = measure.scaled(supply.quantity, item) else { continue };
            let part = self.wanted(node).min(i128::from(whole));
            if part > 0 && part < i128::from(whole) {
                let rest = Supply { quantity: measure.quantity(i128::from(whole) - part), ..supply.clone() };
                let first = Supply {
                    key: format!("{} (first part)", supply.key),
                    quantity: measure.quantity(part),
                    ..hastened
                };
                found.push(Proposal {
                    kind: OptionKind::SplitDelivery,
                    words: format!(
                        "Have {} of `{}` from {from} by {}, the rest as it is",
                        first.quantity,
                        supply.key,
                        date(on)
                    ),
                    changes: vec![Change::Put(Record::Supply(rest)), Change::Put(Record::Supply(first))],
                    cost: source.expedite_price,
                });
            }
        }
    }

    fn source_of(&self, supply: &Supply) -> Option<&Source> {
        let item = self.master.items.find(&supply.item)?;
        let sources = self.master.item_rows[item as usize].sources.iter();
        sources.filter_map(|key| self.master.sources.get(key)).find(|source| {
            source.site == supply.site
                && matches!((&source.from, &supply.supplier), (Origin::Supplier(from), Some(by)) if from == by)
        })
    }

    /// From suppliers as much as they sell at a time, from other sites as much as they can spare.
    fn procure(&self, node: u32, found: &mut Vec<Proposal>) {
        let row = &self.flow.nodes[node as usize];
        let (item, site) = (self.key(node), self.site(node));
        let measure = self.master.measure(row.item);
        let valid = |source: &&Source| {
            source.site == site
                && source.valid_from.is_none_or(|from| from.0 <= self.now)
                && source.valid_until.is_none_or(|until| self.now < until.0)
        };
        let sources = self.master.item_rows[row.item as usize].sources.iter();
        let mut sources: Vec<&Source> =
            sources.filter_map(|key| self.master.sources.get(key)).filter(valid).collect();
        sources.sort_by_key(|source| (source.lead_time_ms, &source.key));
        for source in sources.into_iter().take(MOST_OF_A_KIND) {
            let arrives = Millis(self.now.saturating_add(crate::flow::duration(source.lead_time_ms).max(0)));
            if arrives.0 < self.fence(node) {
                continue;
            }
            let scaled = |quantity| measure.scaled(quantity, &item).unwrap_or(0);
            let minimum = source.minimum.map_or(0, scaled);
            let multiple = i128::from(source.multiple.map_or(0, scaled).max(1));
            let least = self.wanted(node).max(i128::from(minimum));
            let quantity = (least + multiple - 1) / multiple * multiple;
            if quantity <= 0 {
                continue;
            }
            match &source.from {
                Origin::Supplier(supplier) => {
                    let bought = measure.quantity(quantity);
                    let amount = |price: Money| {
                        product(price.amount, bought.value).map(|amount| (amount, price.currency))
                    };
                    let cost = source.price.and_then(amount);
                    let mut supply = self.blank(&item, &site);
                    supply.key = format!("new order by {}", source.key);
                    (supply.quantity, supply.confirmed) = (bought, Some(arrives));
                    supply.supplier = Some(supplier.clone());
                    found.push(Proposal {
                        kind: OptionKind::Buy,
                        words: format!("Buy {bought} of `{item}` from {supplier}, here on {}", date(arrives)),
                        changes: vec![Change::Put(Record::Supply(supply))],
                        cost: cost.map(|(amount, currency)| Money { amount: amount.normalize(), currency }),
                    });
                }
                Origin::Site(from) => {
                    let quantity = self.spare(&item, from).min(self.wanted(node));
                    found.extend(self.transfer(source, from, measure.quantity(quantity), arrives));
                }
            }
        }
    }

    fn transfer(&self, source: &Source, from: &str, sent: Quantity, arrives: Millis) -> Option<Proposal> {
        if sent.value <= Decimal::ZERO {
            return None;
        }
        let item = &source.item;
        let transfer = Order {
            key: format!("new transfer by {}", source.key),
            item: item.clone(),
            site: source.site.clone(),
            kind: OrderKind::Transfer { from: from.to_owned() },
            quantity: sent,
            good: Decimal::ONE,
            start: Millis(self.now),
            end: arrives,
            // It takes what others do not need.
            priority: u32::MAX,
            status: OrderStatus::Planned,
            components: None,
            operations: Vec::new(),
            customer: None,
        };
        Some(Proposal {
            kind: OptionKind::Transfer,
            words: format!("Bring {sent} of `{item}` from site {from}, here on {}", date(arrives)),
            changes: vec![Change::Put(Record::Order(transfer))],
            cost: source.price.and_then(|price| {
                let amount = product(price.amount, sent.value)?.normalize();
                Some(Money { amount, currency: price.currency })
            }),
        })
    }

    fn blank(&self, item: &str, site: &str) -> Supply {
        Supply {
            key: String::new(),
            item: item.to_owned(),
            site: site.to_owned(),
            kind: SupplyKind::PurchaseOrder,
            quantity: crate::amount::Measure::default().quantity(0),
            status: StockStatus::Available,
            requested: None,
            confirmed: None,
            expires: None,
            supplier: None,
            location: None,
            lot: None,
        }
    }

    /// What an item-site can give away today, in the last place.
    fn spare(&self, item: &str, site: &str) -> i128 {
        let Some(node) = self.find_node(item, site) else { return 0 };
        let decimals = self.master.measure(self.flow.nodes[node as usize].item).decimals;
        let Some(available) = self.availability(item, site) else { return 0 };
        let spare = available
            .promisable
            .iter()
            .take_while(|one| one.from.0 <= self.now)
            .map(|one| one.quantity)
            .max();
        let scaled = crate::amount::scaled(spare.unwrap_or_default(), decimals, crate::amount::Finer::Down);
        scaled.map_or(0, i128::from)
    }

    /// What may stand in, for the most urgent of what is short, as far as it can be spared.
    fn stand_in(&self, node: u32, found: &mut Vec<Proposal>) {
        let row = &self.flow.nodes[node as usize];
        let (item, site) = (self.key(node), self.site(node));
        let substitutions = self.master.item_rows[row.item as usize].substitutions.iter();
        for one in
            substitutions.filter_map(|(_, key)| self.master.substitutions.get(key)).take(MOST_OF_A_KIND)
        {
            let here = one.site.as_deref().is_none_or(|own| own == site);
            let Some(other) =
                self.master.items.find(&one.substitute).filter(|other| here && *other != row.item)
            else {
                continue;
            };
            let measure = self.master.measure(other);
            let mut left = decimal(self.spare(&one.substitute, &site), measure.decimals);
            let mut changes = Vec::new();
            for order in self.short_orders(node).into_iter().take(MOST_OF_A_KIND) {
                changes.extend(self.with_stand_in(order, &item, &one.substitute, one.ratio, &mut left));
            }
            if !changes.is_empty() {
                found.push(Proposal {
                    kind: OptionKind::Substitute,
                    words: format!("Let `{}` stand in for `{item}`", one.substitute),
                    changes,
                    cost: None,
                });
            }
        }
    }

    /// An order with another component in the place of one, when enough of it can be spared.
    fn with_stand_in(
        &self,
        id: u32,
        item: &str,
        other: &str,
        ratio: Decimal,
        left: &mut Decimal,
    ) -> Option<Change> {
        let mut order = self.explicit(id)?;
        let unit = self.master.measure(self.master.items.find(other)?).unit;
        for component in order.components.iter_mut().flatten().filter(|component| component.item == item) {
            let need = product(component.quantity.value, ratio)?.normalize();
            *left = left.checked_sub(need).filter(|left| !left.is_sign_negative())?;
            other.clone_into(&mut component.item);
            (component.quantity.value, component.quantity.unit) = (need, unit);
        }
        Some(Change::Put(Record::Order(order)))
    }

    /// An order with its components written out.
    fn explicit(&self, id: u32) -> Option<Order> {
        let held = self.flow.orders.get(id)?;
        let mut order = self.recall_order(&held.key)?;
        if order.components.is_none() && held.from.is_none() {
            let component = |row: &u32| {
                let row = self.flow.demand_rows.get(*row)?;
                let item = self.flow.nodes[row.node as usize].item;
                Some(Component {
                    item: self.master.items.name(item).to_owned(),
                    quantity: self.master.measure(item).quantity(row.quantity.into()),
                    offset_ms: row.due - held.start,
                })
            };
            order.components = Some(held.components.iter().filter_map(component).collect());
        }
        Some(order)
    }

    /// Orders at the first work centre of a short one change places: those that wait go back, others take their place.
    fn change_places(&self, id: u32, found: &mut Vec<Proposal>) {
        let Some((centre, _)) = self.flow.orders.get(id).and_then(|order| order.operations.first().copied())
        else {
            return;
        };
        let here = |order: &&crate::flow::OrderHeld| {
            matches!(order.status, OrderStatus::Planned | OrderStatus::Released)
                && order.outcome.end < NEVER
                && order.start >= self.fence(order.node)
                && order.operations.first().is_some_and(|(first, _)| *first == centre)
        };
        let mut orders: Vec<&crate::flow::OrderHeld> =
            self.flow.orders.iter().map(|(_, order)| order).filter(here).collect();
        orders.sort_by_key(|order| (order.start, &order.key));
        orders.truncate(MOST_RESEQUENCED);
        if orders.len() < 2 {
            return;
        }
        let begin = orders.first().map_or(self.now, |order| order.start);
        let job = |order: &&crate::flow::OrderHeld| Job {
            // Material may hold it up; a sooner start than the first of them is not looked for.
            release: match self.by_material(order) {
                Outcome { start, hold: Hold::Component(_), .. } => start.max(begin),
                _ => begin,
            },
            due: order.end,
            weight: weight(order.priority) as i64,
            steps: vec![(
                0,
                order.operations.first().map_or(0, |(_, duration)| (*duration).max(HOUR_MS / 60)),
            )],
        };
        let shop = Shop { jobs: orders.iter().map(job).collect() };
        let sequence = resequence(&shop, Goal::Lateness, MOST_SCHEDULES);
        let mut changes = Vec::new();
        for (order, starts) in orders.iter().zip(&sequence.starts) {
            let Some(&start) = starts.first() else { continue };
            let (start, end) = self.moved(order, start);
            if let Some(recalled) = self.recall_order(&order.key).filter(|_| start != order.start) {
                changes.push(Change::Put(Record::Order(Order {
                    start: Millis(start),
                    end: Millis(end),
                    ..recalled
                })));
            }
        }
        if !changes.is_empty() {
            let words = format!(
                "Change the places of {} orders at work centre {}",
                changes.len(),
                self.master.centres.name(centre)
            );
            found.push(Proposal { kind: OptionKind::Resequence, words, changes, cost: None });
        }
    }

    /// A short order makes what the missing component is there for on time.
    fn reduce(&self, node: u32, id: u32, found: &mut Vec<Proposal>) {
        let Some(order) = self.explicit(id) else { return };
        let Some(held) = self.flow.orders.get(id) else { return };
        let rows = held.components.iter().filter_map(|row| self.flow.demand_rows.get(*row));
        // The share of the component that is there decides: as whole numbers, on time of wanted.
        let Some(row) =
            rows.filter(|row| row.node == node && row.quantity > 0).min_by_key(|row| row.outcome.on_time)
        else {
            return;
        };
        let measure = self.master.measure(self.flow.nodes[held.node as usize].item);
        let Ok(whole) = measure.scaled(order.quantity, &order.item) else { return };
        let part = i128::from(whole) * i128::from(row.outcome.on_time) / i128::from(row.quantity);
        // Whole units only, because nobody makes half a pump.
        let one = 10_i128.pow(u32::from(measure.decimals));
        let part = part / one * one;
        if part <= 0 || part >= i128::from(whole) {
            return;
        }
        let (made, later) = (measure.quantity(part), measure.quantity(i128::from(whole) - part));
        let split = self.split(&order, part, i128::from(whole));
        let Some((first, rest)) = split.filter(|_| held.from.is_none()) else { return };
        let words = format!("Let order `{}` make {made} at first and {later} when it can", order.key);
        let first = Order { quantity: made, components: Some(first), ..order.clone() };
        let rest = Order {
            key: format!("{} (rest)", order.key),
            quantity: later,
            components: Some(rest),
            operations: Vec::new(),
            ..order
        };
        let changes = vec![Change::Put(Record::Order(first)), Change::Put(Record::Order(rest))];
        found.push(Proposal { kind: OptionKind::Reduce, words, changes, cost: None });
    }

    /// The components of a part of an order, and of the rest.
    fn split(&self, order: &Order, part: i128, whole: i128) -> Option<(Vec<Component>, Vec<Component>)> {
        let share = |component: &Component| {
            let measure = self.master.measure(self.master.items.find(&component.item)?);
            let quantity = i128::from(measure.scaled(component.quantity, &component.item).ok()?);
            let first = (quantity * part + whole - 1) / whole;
            let with =
                |quantity: i128| Component { quantity: measure.quantity(quantity), ..component.clone() };
            Some((with(first), with(quantity - first)))
        };
        order
            .components
            .iter()
            .flatten()
            .map(share)
            .collect::<Option<Vec<_>>>()
            .map(|pairs| pairs.into_iter().unzip())
    }

    /// A short order is put to when it can be done.
    fn delay(&self, id: u32, found: &mut Vec<Proposal>) {
        let Some(held) = self.flow.orders.get(id).filter(|held| held.outcome.end < NEVER) else { return };
        let Some(order) = self.recall_order(&held.key) else { return };
        let (start, end) = (Millis(held.outcome.start), Millis(held.outcome.end));
        let words = format!("Put order `{}` to {} to {}", order.key, date(start), date(end));
        let changes = vec![Change::Put(Record::Order(Order { start, end, ..order }))];
        found.push(Proposal { kind: OptionKind::Delay, words, changes, cost: None });
    }
}
