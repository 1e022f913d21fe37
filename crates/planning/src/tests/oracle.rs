//! The same rules written down plainly: decimals, names, and every list looked through from end to end, all anew each time.
//! It knows no calendars and no units; those have tests of their own.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::build::DAY;
use crate::record::{
    Bom, Demand, Order, OrderKind, OrderStatus, Reservation, StockStatus, Stocking, Substitution, Supplier,
    Supply, SupplyKind, WorkCentre,
};
use crate::{Name, Record};

pub(super) type Place = (String, String);
pub(super) type Records = BTreeMap<Name, Record>;

/// A time; none is never.
type When = Option<i64>;

#[derive(Clone, Debug)]
struct Want {
    place: Place,
    owner: Owner,
    line: usize,
    priority: u32,
    due: i64,
    quantity: Decimal,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    Safety,
    Demand(String),
    Order(String),
}

#[derive(Clone, Debug)]
struct Bin {
    place: Place,
    key: (String, bool),
    /// None: it is there.
    at: Option<i64>,
    expires: When,
    left: Decimal,
}

/// How a demand fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fared {
    pub(super) at: When,
    pub(super) on_time: Decimal,
    pub(super) pegged: Decimal,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) demands: BTreeMap<String, Fared>,
    /// Start and end.
    pub(super) orders: BTreeMap<String, (When, When)>,
    /// Missing, demands, safety stock missing.
    pub(super) shortages: BTreeMap<Place, (Decimal, u32, Decimal)>,
    pub(super) circles: BTreeSet<Place>,
}

pub(super) struct Oracle<'a> {
    now: i64,
    finite: bool,
    supplies: Vec<&'a Supply>,
    demands: Vec<&'a Demand>,
    orders: Vec<&'a Order>,
    boms: Vec<&'a Bom>,
    stockings: BTreeMap<Place, &'a Stocking>,
    suppliers: BTreeMap<&'a str, &'a Supplier>,
    substitutions: Vec<&'a Substitution>,
    reservations: Vec<&'a Reservation>,
    centres: BTreeMap<&'a str, &'a WorkCentre>,
    pools: BTreeMap<Place, Place>,
    wants: Vec<Want>,
    fared: BTreeMap<(Owner, usize), Fared>,
    dates: BTreeMap<String, (When, When)>,
    /// Per work centre and place: what is taken.
    busy: BTreeMap<String, Vec<Vec<(i64, i64)>>>,
}

impl<'a> Oracle<'a> {
    pub(super) fn answer(records: &'a Records, now: i64, finite: bool) -> Answer {
        let mut oracle = Self::read(records, now, finite);
        oracle.pool();
        oracle.list();
        let mut answer = Answer::default();
        let cut = oracle.cut();
        for (product, component) in &cut {
            for place in oracle.pools.keys() {
                if oracle.pools[place] == *product || oracle.pools[place] == *component {
                    answer.circles.insert(place.clone());
                }
            }
        }
        let levels = oracle.levels(&cut);
        let deepest = levels.values().copied().max().unwrap_or(0);
        for level in 0..=deepest {
            let mut orders: Vec<&Order> = oracle
                .orders
                .iter()
                .copied()
                .filter(|order| levels[&oracle.pool_of(order)] == level)
                .collect();
            orders.sort_by_key(|order| (order.priority, order.start, order.key.clone()));
            for order in orders {
                oracle.evaluate(order, &cut);
            }
            let pools: BTreeSet<Place> = oracle.pools.values().cloned().collect();
            for pool in pools.iter().filter(|pool| levels[*pool] == level) {
                oracle.net(pool, &mut answer);
            }
        }
        for demand in &oracle.demands {
            answer
                .demands
                .insert(demand.key.clone(), oracle.fared[&(Owner::Demand(demand.key.clone()), 0)].clone());
        }
        answer.orders = oracle.dates;
        answer
    }

    fn read(records: &'a Records, now: i64, finite: bool) -> Self {
        let mut oracle = Self {
            now,
            finite,
            supplies: Vec::new(),
            demands: Vec::new(),
            orders: Vec::new(),
            boms: Vec::new(),
            stockings: BTreeMap::new(),
            suppliers: BTreeMap::new(),
            substitutions: Vec::new(),
            reservations: Vec::new(),
            centres: BTreeMap::new(),
            pools: BTreeMap::new(),
            wants: Vec::new(),
            fared: BTreeMap::new(),
            dates: BTreeMap::new(),
            busy: BTreeMap::new(),
        };
        for record in records.values() {
            match record {
                Record::Supply(supply) => oracle.supplies.push(supply),
                Record::Demand(demand) => oracle.demands.push(demand),
                Record::Order(order) => oracle.orders.push(order),
                Record::Bom(bom) => oracle.boms.push(bom),
                Record::Stocking(one) => {
                    oracle.stockings.insert((one.item.clone(), one.site.clone()), one);
                }
                Record::Supplier(one) => {
                    oracle.suppliers.insert(&one.key, one);
                }
                Record::Substitution(one) => oracle.substitutions.push(one),
                Record::Reservation(one) => oracle.reservations.push(one),
                Record::WorkCentre(one) => {
                    oracle.centres.insert(&one.key, one);
                }
                _ => {}
            }
        }
        oracle
    }

    fn needs(&self, order: &Order) -> Vec<(Place, Decimal, i64)> {
        if let OrderKind::Transfer { from } = &order.kind {
            return vec![((order.item.clone(), from.clone()), order.quantity.value, 0)];
        }
        if let Some(components) = &order.components {
            let need = |one: &crate::record::Component| {
                ((one.item.clone(), order.site.clone()), one.quantity.value, one.offset_ms)
            };
            return components.iter().map(need).collect();
        }
        let mut boms: Vec<&&Bom> = self
            .boms
            .iter()
            .filter(|bom| bom.item == order.item)
            .filter(|bom| bom.site.as_ref().is_none_or(|site| *site == order.site))
            .filter(|bom| bom.valid_from.is_none_or(|from| from <= order.start))
            .filter(|bom| bom.valid_until.is_none_or(|until| order.start < until))
            .collect();
        boms.sort_by_key(|bom| (std::cmp::Reverse((bom.site.is_some(), bom.valid_from)), bom.key.clone()));
        let lines = boms.first().map(|bom| bom.lines.as_slice()).unwrap_or_default();
        let holds = |line: &&crate::record::BomLine| {
            line.valid_from.is_none_or(|from| from <= order.start)
                && line.valid_until.is_none_or(|until| order.start < until)
        };
        lines
            .iter()
            .filter(holds)
            .map(|line| {
                let quantity = order.quantity.value * line.per * (Decimal::ONE + line.scrap);
                ((line.item.clone(), order.site.clone()), quantity, line.offset_ms)
            })
            .collect()
    }

    fn places(&self) -> BTreeSet<Place> {
        let mut places: BTreeSet<Place> = self.stockings.keys().cloned().collect();
        places.extend(self.supplies.iter().map(|one| (one.item.clone(), one.site.clone())));
        places.extend(self.demands.iter().map(|one| (one.item.clone(), one.site.clone())));
        places.extend(self.orders.iter().map(|one| (one.item.clone(), one.site.clone())));
        places
            .extend(self.orders.iter().flat_map(|one| self.needs(one).into_iter().map(|(place, ..)| place)));
        places
    }

    /// Joins places whose items stand in for one another until nothing changes.
    fn pool(&mut self) {
        self.pools = self.places().into_iter().map(|place| (place.clone(), place)).collect();
        loop {
            let before = self.pools.clone();
            for one in self.substitutions.iter().filter(|one| one.automatic && one.item != one.substitute) {
                for place in before.keys().filter(|(item, site)| {
                    *item == one.item && one.site.as_ref().is_none_or(|own| own == site)
                }) {
                    let other = (one.substitute.clone(), place.1.clone());
                    let Some(theirs) = self.pools.get(&other).cloned() else { continue };
                    let ours = self.pools[place].clone();
                    let joint = ours.clone().min(theirs.clone());
                    for pool in self.pools.values_mut().filter(|pool| **pool == ours || **pool == theirs) {
                        *pool = joint.clone();
                    }
                }
            }
            if self.pools == before {
                return;
            }
        }
    }

    fn pool_of(&self, order: &Order) -> Place {
        self.pools[&(order.item.clone(), order.site.clone())].clone()
    }

    fn list(&mut self) {
        for demand in &self.demands {
            self.wants.push(Want {
                place: (demand.item.clone(), demand.site.clone()),
                owner: Owner::Demand(demand.key.clone()),
                line: 0,
                priority: demand.priority,
                due: demand.due.0,
                quantity: demand.quantity.value,
            });
        }
        for order in self.orders.clone() {
            for (line, (place, quantity, offset)) in self.needs(order).into_iter().enumerate() {
                let owner = Owner::Order(order.key.clone());
                let due = order.start.0 + offset;
                self.wants.push(Want { place, owner, line, priority: order.priority, due, quantity });
            }
        }
        for (place, stocking) in &self.stockings {
            let quantity = stocking.safety_stock.map_or(Decimal::ZERO, |stock| stock.value);
            if quantity > Decimal::ZERO {
                let priority = stocking.safety_priority;
                let place = place.clone();
                self.wants.push(Want {
                    place,
                    owner: Owner::Safety,
                    line: 0,
                    priority,
                    due: self.now,
                    quantity,
                });
            }
        }
    }

    /// Pairs of pools, product and component, that go in circles.
    fn cut(&self) -> BTreeSet<(Place, Place)> {
        let mut edges: BTreeSet<(Place, Place)> = BTreeSet::new();
        for order in &self.orders {
            for (place, ..) in self.needs(order) {
                edges.insert((self.pool_of(order), self.pools[&place].clone()));
            }
        }
        let mut reach = edges.clone();
        loop {
            let further: Vec<(Place, Place)> = reach
                .iter()
                .flat_map(|(a, b)| {
                    reach.iter().filter(move |(c, _)| c == b).map(move |(_, d)| (a.clone(), d.clone()))
                })
                .filter(|pair| !reach.contains(pair))
                .collect();
            if further.is_empty() {
                break;
            }
            reach.extend(further);
        }
        edges.retain(|(a, b)| reach.contains(&(b.clone(), a.clone())) || a == b);
        edges
    }

    fn levels(&self, cut: &BTreeSet<(Place, Place)>) -> BTreeMap<Place, usize> {
        let mut levels: BTreeMap<Place, usize> = self.pools.values().map(|pool| (pool.clone(), 0)).collect();
        loop {
            let before = levels.clone();
            for order in &self.orders {
                let product = self.pool_of(order);
                for (place, ..) in self.needs(order) {
                    let component = self.pools[&place].clone();
                    if !cut.contains(&(product.clone(), component.clone())) {
                        let level = levels[&component] + 1;
                        let own = levels.get_mut(&product).unwrap();
                        *own = level.max(*own);
                    }
                }
            }
            if levels == before {
                return levels;
            }
        }
    }

    fn evaluate(&mut self, order: &Order, cut: &BTreeSet<(Place, Place)>) {
        if order.status == OrderStatus::Held {
            self.dates.insert(order.key.clone(), (None, None));
            return;
        }
        let mut start = order.start.0;
        if order.status != OrderStatus::Running {
            start = start.max(self.now);
        }
        let product = self.pool_of(order);
        for (line, (place, _, offset)) in self.needs(order).into_iter().enumerate() {
            if cut.contains(&(product.clone(), self.pools[&place].clone())) {
                continue;
            }
            match self.fared[&(Owner::Order(order.key.clone()), line)].at {
                None => {
                    self.dates.insert(order.key.clone(), (None, None));
                    return;
                }
                Some(at) => start = start.max(at - offset),
            }
        }
        let mut end = start + (order.end.0.max(order.start.0) - order.start.0);
        if order.status == OrderStatus::Running {
            end = end.max(self.now);
        }
        if self.finite && !order.operations.is_empty() {
            (start, end) = self.load(order, start, end);
        }
        self.dates.insert(order.key.clone(), (Some(start), Some(end)));
    }

    fn load(&mut self, order: &Order, start: i64, end: i64) -> (i64, i64) {
        let running = order.status == OrderStatus::Running;
        let mut ready = if running { start.max(self.now) } else { start };
        let mut first = None;
        for operation in &order.operations {
            let Some(centre) = self.centres.get(operation.work_centre.as_str()) else {
                ready += operation.duration_ms;
                continue;
            };
            let lanes = self.busy.entry(centre.key.clone()).or_default();
            lanes.resize(usize::from(centre.places), Vec::new());
            let begin = |lane: &Vec<(i64, i64)>| {
                let mut starts: Vec<i64> =
                    lane.iter().map(|(_, end)| *end).filter(|end| *end > ready).collect();
                starts.push(ready);
                starts.sort_unstable();
                let free = |at: i64| {
                    lane.iter().all(|(from, until)| at + operation.duration_ms <= *from || *until <= at)
                };
                starts.into_iter().find(|at| free(*at)).unwrap()
            };
            let lane = (0..lanes.len()).min_by_key(|lane| begin(&lanes[*lane])).unwrap();
            let at = begin(&lanes[lane]);
            lanes[lane].push((at, at + operation.duration_ms));
            ready = at + operation.duration_ms;
            first = first.or(Some(at));
        }
        match first {
            Some(first) if !running => {
                let moved = first.max(start);
                (moved, (end + (moved - start)).max(ready))
            }
            _ => (start, end.max(ready)),
        }
    }

    fn bins(&self, pool: &Place) -> Vec<Bin> {
        let mut bins = Vec::new();
        for supply in &self.supplies {
            let place = (supply.item.clone(), supply.site.clone());
            let receipt = self.stockings.get(&place).map_or(0, |one| one.receipt_ms);
            let late = supply.supplier.as_deref().and_then(|key| self.suppliers.get(key));
            let late = late.map_or(0, |supplier| supplier.lateness_ms);
            let at = match (supply.status, supply.kind) {
                (StockStatus::Blocked, _) => continue,
                (StockStatus::Quality, _) => match supply.requested {
                    None => continue,
                    Some(at) => Some(at.0.max(self.now)),
                },
                (StockStatus::Available, SupplyKind::OnHand) => None,
                _ => match supply.confirmed.map(|at| at.0).or(supply.requested.map(|at| at.0 + late)) {
                    None => continue,
                    Some(at) => Some(at.max(self.now) + receipt),
                },
            };
            bins.push(Bin {
                place,
                key: (supply.key.clone(), false),
                at,
                expires: supply.expires.map(|at| at.0),
                left: supply.quantity.value,
            });
        }
        for order in &self.orders {
            let place = (order.item.clone(), order.site.clone());
            let receipt = self.stockings.get(&place).map_or(0, |one| one.receipt_ms);
            if let Some((_, Some(end))) = self.dates.get(&order.key) {
                let left = order.quantity.value * order.good;
                let key = (order.key.clone(), true);
                bins.push(Bin { place, key, at: Some(end + receipt), expires: None, left });
            }
        }
        bins.retain(|bin| {
            let first = bin.at.unwrap_or(self.now).max(self.now);
            self.pools[&bin.place] == *pool && bin.expires.is_none_or(|expires| expires > first)
        });
        bins
    }

    fn net(&mut self, pool: &Place, answer: &mut Answer) {
        let mut bins = self.bins(pool);
        let mut wants: Vec<Want> =
            self.wants.iter().filter(|want| self.pools[&want.place] == *pool).cloned().collect();
        wants.sort_by_key(|want| {
            let key = match &want.owner {
                Owner::Safety => (want.place.0.clone(), false),
                Owner::Demand(key) => (key.clone(), false),
                Owner::Order(key) => (key.clone(), true),
            };
            (want.priority, want.owner != Owner::Safety, want.due, key, want.line)
        });
        let mut pegs: Vec<Vec<(Option<i64>, Decimal)>> = vec![Vec::new(); wants.len()];
        self.reserve(&wants, &mut bins, &mut pegs);
        for (want, pegs) in wants.iter().zip(&mut pegs) {
            let pegged: Decimal = pegs.iter().map(|(_, quantity)| *quantity).sum();
            let mut left = want.quantity - pegged;
            while left > Decimal::ZERO {
                let Some((bin, ratio)) = self.choose(want, &bins) else { break };
                let quantity = left.min(bins[bin].left / ratio);
                bins[bin].left -= quantity * ratio;
                left -= quantity;
                pegs.push((bins[bin].at, quantity));
            }
        }
        for (want, pegs) in wants.iter().zip(pegs) {
            self.keep(want, &pegs, answer);
        }
    }

    fn reserve(&self, wants: &[Want], bins: &mut [Bin], pegs: &mut [Vec<(Option<i64>, Decimal)>]) {
        for (want, pegs) in wants.iter().zip(pegs) {
            let (Owner::Demand(key) | Owner::Order(key)) = &want.owner else { continue };
            let mut held: Vec<&&Reservation> = self
                .reservations
                .iter()
                .filter(|one| (&one.item, &one.site) == (&want.place.0, &want.place.1) && one.demand == *key)
                .collect();
            held.sort_by_key(|one| &one.key);
            for one in held {
                let pegged: Decimal = pegs.iter().map(|(_, quantity)| *quantity).sum();
                let mut meant: Vec<&mut Bin> = bins
                    .iter_mut()
                    .filter(|bin| bin.place == want.place && bin.key.0 == one.supply)
                    .collect();
                // A supply and an order of one key: the one that comes first in order of dates is meant.
                meant.sort_by_key(|bin| {
                    (bin.at, std::cmp::Reverse(bin.expires.unwrap_or(i64::MAX)), bin.key.clone())
                });
                let Some(bin) = meant.into_iter().next() else { continue };
                let quantity = (want.quantity - pegged).min(bin.left).min(one.quantity.value);
                if quantity > Decimal::ZERO {
                    bin.left -= quantity;
                    pegs.push((bin.at, quantity));
                }
            }
        }
    }

    /// The supply a demand takes next, and how many of it for one.
    fn choose(&self, want: &Want, bins: &[Bin]) -> Option<(usize, Decimal)> {
        let mut allowed: Vec<(u32, String, Place, Decimal)> =
            vec![(0, String::new(), want.place.clone(), Decimal::ONE)];
        let mut others: Vec<&&Substitution> = self
            .substitutions
            .iter()
            .filter(|one| one.automatic && one.item == want.place.0 && one.substitute != one.item)
            .filter(|one| one.site.as_ref().is_none_or(|site| *site == want.place.1))
            .filter(|one| one.valid_from.is_none_or(|from| from.0 <= want.due))
            .filter(|one| one.valid_until.is_none_or(|until| want.due < until.0))
            .collect();
        others.sort_by_key(|one| (one.preference, &one.key));
        if want.owner != Owner::Safety {
            for (rank, one) in others.into_iter().enumerate() {
                let place = (one.substitute.clone(), want.place.1.clone());
                allowed.push((rank as u32 + 1, one.key.clone(), place, one.ratio));
            }
        }
        let used = want.due.max(self.now);
        let mut best: Option<(_, usize, Decimal)> = None;
        for (rank, _, place, ratio) in allowed {
            for (number, bin) in bins.iter().enumerate() {
                if bin.place != place || bin.left <= Decimal::ZERO {
                    continue;
                }
                let on_time = bin.at.is_none_or(|at| at <= want.due);
                if on_time && bin.expires.is_some_and(|expires| expires <= used) {
                    continue;
                }
                let at = bin.at.unwrap_or(i64::MIN);
                let expires = bin.expires.unwrap_or(i64::MAX);
                // The smallest goes first: on time before late, own before others, latest on time, earliest late.
                let order = if on_time {
                    (0, i64::from(rank), -(i128::from(at)), i128::from(expires))
                } else {
                    (1, at, i128::from(rank), -i128::from(expires))
                };
                let key = if on_time { Err(std::cmp::Reverse(bin.key.clone())) } else { Ok(bin.key.clone()) };
                if best.as_ref().is_none_or(|(other, ..)| (order, key.clone()) < *other) {
                    best = Some(((order, key), number, ratio));
                }
            }
        }
        best.map(|(_, number, ratio)| (number, ratio))
    }

    fn keep(&mut self, want: &Want, pegs: &[(Option<i64>, Decimal)], answer: &mut Answer) {
        let pegged: Decimal = pegs.iter().map(|(_, quantity)| *quantity).sum();
        let on_time = pegs.iter().filter(|(at, _)| at.is_none_or(|at| at <= want.due));
        let on_time: Decimal = on_time.map(|(_, quantity)| *quantity).sum();
        let stocking = self.stockings.get(&want.place);
        let last = pegs.iter().filter_map(|(at, _)| *at).max().unwrap_or(want.due);
        let reached = (pegged == want.quantity).then_some(last);
        let anew = stocking.and_then(|one| one.lead_time_ms).map(|lead| self.now + lead);
        let at = reached.into_iter().chain(anew).min().map(|at| at.max(want.due));
        let short = want.quantity - on_time;
        if short > Decimal::ZERO {
            let missing = answer.shortages.entry(want.place.clone()).or_default();
            if want.owner == Owner::Safety {
                missing.2 = short;
            } else {
                missing.0 += short;
                missing.1 += 1;
            }
        }
        self.fared.insert((want.owner.clone(), want.line), Fared { at, on_time, pegged });
    }
}

/// A day in the plan's time.
pub(super) fn at(day: i64) -> lineshaft_model::Millis {
    lineshaft_model::Millis(day * DAY)
}
