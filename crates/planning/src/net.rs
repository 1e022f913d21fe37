//! Netting: the demands of an item-site take its supplies, the most urgent first.

use std::cmp::{Ordering, Reverse};

use rust_decimal::Decimal;

use crate::flow::{BEGIN, Covered, Flow, NEVER, Node, Owner, PegRow, SAFETY, Short};
use crate::master::Master;
use crate::plan::Plan;
use crate::shelf::{Bin, Shelf};

/// One demand while it is netted.
#[derive(Clone, Copy, Debug)]
struct Want {
    priority: u32,
    due: i64,
    id: u32,
    /// Which item-site of the pool.
    member: u32,
    left: i64,
    on_time: i64,
    latest: i64,
}

/// Another item-site of the pool that may stand in, and how many of it for one: `numerator / denominator` in last places.
#[derive(Clone, Copy, Debug)]
struct StandIn {
    member: u32,
    ratio: (i64, i64),
    from: i64,
    until: i64,
}

/// What is used again from one netting to the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scratch {
    shelves: Vec<Shelf>,
    wants: Vec<Want>,
    stand_ins: Vec<Vec<StandIn>>,
    pegs: Vec<Vec<PegRow>>,
}

impl Plan {
    /// Nets a pool and marks the orders that fare differently from before.
    pub(crate) fn net(&mut self, root: u32) {
        let single = [root];
        let members = self.flow.pools.get(&root).cloned();
        let members: &[u32] = members.as_deref().unwrap_or(&single);
        let mut scratch = std::mem::take(&mut self.work.scratch);
        scratch.gather(&mut self.flow, &self.master, members, self.now);
        scratch.reserve(&self.flow, &self.master, members);
        for place in 0..scratch.wants.len() {
            scratch.cover(place, self.now);
        }
        self.keep(&mut scratch, members);
        self.work.scratch = scratch;
    }

    fn keep(&mut self, scratch: &mut Scratch, members: &[u32]) {
        let mut shorts = vec![Short::NONE; members.len()];
        for want in &scratch.wants {
            let member = want.member as usize;
            let node = &self.flow.nodes[members[member] as usize];
            let short = &mut shorts[member];
            if want.id == SAFETY {
                short.safety = node.safety - want.on_time;
                continue;
            }
            // What comes later than it could be had anew is had anew.
            let anew = node.lead_ms.map_or(NEVER, |lead| self.now + lead);
            let reached = if want.left > 0 { NEVER } else { want.latest };
            let Some(row) = self.flow.demand_rows.get_mut(want.id) else { continue };
            let outcome = Covered {
                at: want.due.max(reached.min(anew)),
                on_time: want.on_time,
                pegged: row.quantity - want.left,
            };
            if outcome.on_time < row.quantity {
                short.quantity += i128::from(row.quantity - outcome.on_time);
                short.first = short.first.min(row.due);
                short.until = short.until.max(outcome.at);
                short.demands += 1;
            }
            let before = std::mem::replace(&mut row.outcome, outcome);
            if before == outcome {
                continue;
            }
            match row.owner {
                Owner::Order(order) if before.at != outcome.at && !row.cut => self.mark_order(order),
                Owner::Order(_) => {}
                Owner::Record(demand) => self.touch_demand(demand, before),
            }
        }
        for (place, (&member, short)) in members.iter().zip(shorts).enumerate() {
            self.touch_node(member);
            let node = &mut self.flow.nodes[member as usize];
            node.short = short;
            std::mem::swap(&mut node.pegs, &mut scratch.pegs[place]);
            node.pegs.shrink_to(scratch.pegs[place].len().max(node.pegs.len()));
        }
        self.work.netted += members.len() as u64;
    }
}

impl Scratch {
    fn gather(&mut self, flow: &mut Flow, master: &Master, members: &[u32], now: i64) {
        self.shelves.resize_with(members.len().max(self.shelves.len()), Shelf::default);
        self.pegs.resize_with(members.len().max(self.pegs.len()), Vec::new);
        self.wants.clear();
        self.stand_ins.clear();
        for (place, &member) in members.iter().enumerate() {
            self.pegs[place].clear();
            self.shelve(place, flow, member, now);
            self.list(place, flow, member, now);
            if members.len() > 1 {
                self.stand_ins.push(stand_ins(flow, master, members, member));
            }
        }
        if members.len() > 1 {
            self.wants.sort_unstable_by(|left, right| by_rank(flow, left, right));
        }
    }

    /// Sorts the supplies of an item-site and puts up what may be used.
    fn shelve(&mut self, place: usize, flow: &mut Flow, member: u32, now: i64) {
        let mut ids = std::mem::take(&mut flow.nodes[member as usize].supplies);
        let shelf = &mut self.shelves[place];
        shelf.clear();
        let rows = ids.iter().filter_map(|&id| Some((id, flow.supply_rows.get(id)?)));
        shelf.bins.extend(rows.map(|(id, row)| Bin {
            at: row.at,
            expires: row.expires,
            left: row.quantity,
            id,
        }));
        let in_order = |left: &Bin, right: &Bin| {
            (left.at, Reverse(left.expires))
                .cmp(&(right.at, Reverse(right.expires)))
                .then_with(|| by_supply_key(flow, left.id, right.id))
        };
        if !shelf.bins.is_sorted_by(|left, right| in_order(left, right) != Ordering::Greater) {
            shelf.bins.sort_by(in_order);
            ids.clear();
            ids.extend(shelf.bins.iter().map(|bin| bin.id));
        }
        shelf.bins.retain(|bin| bin.at < NEVER && bin.left > 0 && bin.expires > bin.at.max(now));
        shelf.ready();
        flow.nodes[member as usize].supplies = ids;
    }

    /// Sorts the demands of an item-site, the most urgent first.
    fn list(&mut self, place: usize, flow: &mut Flow, member: u32, now: i64) {
        let mut ids = std::mem::take(&mut flow.nodes[member as usize].demands);
        let node = &flow.nodes[member as usize];
        let first = self.wants.len();
        let want = |priority, due, id, left| Want {
            priority,
            due,
            id,
            member: place as u32,
            left,
            on_time: 0,
            latest: BEGIN,
        };
        let rows = ids.iter().filter_map(|&id| Some((id, flow.demand_rows.get(id)?)));
        self.wants.extend(rows.map(|(id, row)| want(row.priority, row.due, id, row.quantity)));
        let wants = &mut self.wants[first..];
        let in_order = |left: &Want, right: &Want| by_rank(flow, left, right);
        if !wants.is_sorted_by(|left, right| in_order(left, right) != Ordering::Greater) {
            wants.sort_by(in_order);
            ids.clear();
            ids.extend(wants.iter().map(|want| want.id));
        }
        if node.safety > 0 {
            let ahead = wants.partition_point(|want| want.priority < node.safety_priority);
            self.wants.insert(first + ahead, want(node.safety_priority, now, SAFETY, node.safety));
        }
        flow.nodes[member as usize].demands = ids;
    }

    /// Hard pegs go first, by the rank of their demands and then by their keys.
    fn reserve(&mut self, flow: &Flow, master: &Master, members: &[u32]) {
        for (member, &node) in members.iter().enumerate() {
            let Node { reservations, item, .. } = &flow.nodes[node as usize];
            if reservations.is_empty() {
                continue;
            }
            let name = master.items.name(*item);
            let mut held: Vec<(usize, &str, &str, i64)> = Vec::new();
            for reservation in reservations.iter().filter_map(|id| flow.reservations.get(*id)) {
                let record = &reservation.record;
                let Ok(quantity) = master.measure(*item).scaled(record.quantity, name) else { continue };
                for (place, want) in self.wants.iter().enumerate() {
                    let of = flow.demand_rows.get(want.id).filter(|_| want.member as usize == member);
                    if of.is_some_and(|row| flow.demand_key(row.owner) == record.demand) {
                        held.push((place, &record.key, &record.supply, quantity));
                    }
                }
            }
            held.sort_unstable();
            for (place, _, supply, quantity) in held {
                let is_meant = |bin: &Bin| {
                    flow.supply_rows.get(bin.id).is_some_and(|row| names(supply, flow.supply_key(row.owner)))
                };
                let bins = &self.shelves[member].bins;
                let meant: Vec<usize> = (0..bins.len()).filter(|bin| is_meant(&bins[*bin])).collect();
                let mut left = quantity;
                for bin in meant {
                    let before = self.wants[place].left;
                    self.peg(place, member, bin, (1, 1), left);
                    left -= before - self.wants[place].left;
                }
            }
        }
    }

    /// What is on time, the latest first; then what is late, the earliest first. Stand-ins go after the item itself.
    fn cover(&mut self, place: usize, now: i64) {
        let Want { due, member, id, .. } = self.wants[place];
        let own = member as usize;
        self.cover_on_time(place, own, (1, 1), now);
        if self.stand_ins.is_empty() || id == SAFETY {
            let start = self.shelves[own].there_by(due);
            while self.wants[place].left > 0 {
                let Some(bin) = self.shelves[own].late(start) else { break };
                self.peg(place, own, bin, (1, 1), i64::MAX);
            }
            return;
        }
        let others = std::mem::take(&mut self.stand_ins[own]);
        let mut choices = vec![(own, (1, 1), self.shelves[own].there_by(due))];
        for other in others.iter().filter(|other| other.from <= due && due < other.until) {
            let shelf = other.member as usize;
            self.cover_on_time(place, shelf, other.ratio, now);
            choices.push((shelf, other.ratio, self.shelves[shelf].there_by(due)));
        }
        while self.wants[place].left > 0 {
            let found = choices.iter().enumerate().filter_map(|(choice, (shelf, _, start))| {
                let bin = self.shelves[*shelf].late(*start)?;
                Some((self.shelves[*shelf].bins[bin].at, choice, bin))
            });
            // The first of the earliest: the item itself, then stand-ins as preferred.
            let Some((_, choice, bin)) = found.min_by_key(|(at, ..)| *at) else { break };
            let (shelf, ratio, start) = &mut choices[choice];
            if !self.peg(place, *shelf, bin, *ratio, i64::MAX) {
                *start = bin + 1;
            }
        }
        self.stand_ins[own] = others;
    }

    fn cover_on_time(&mut self, place: usize, shelf: usize, ratio: (i64, i64), now: i64) {
        let Want { due, .. } = self.wants[place];
        let mut end = self.shelves[shelf].there_by(due);
        while self.wants[place].left > 0 {
            let Some(bin) = self.shelves[shelf].on_time(end, due.max(now)) else { break };
            if !self.peg(place, shelf, bin, ratio, i64::MAX) {
                // What is left of it makes up no part of one.
                end = bin;
            }
        }
    }

    /// Pegs as much as is wanted, left and allowed. False when what is left does not make up the smallest part of one.
    fn peg(
        &mut self,
        place: usize,
        shelf: usize,
        bin: usize,
        (numerator, denominator): (i64, i64),
        most: i64,
    ) -> bool {
        let want = &mut self.wants[place];
        let Bin { at, left, id: supply, .. } = self.shelves[shelf].bins[bin];
        let wide = |a: i64, b: i64| i128::from(a) * i128::from(b);
        let enough = i64::try_from(wide(left, denominator) / i128::from(numerator)).unwrap_or(i64::MAX);
        let quantity = want.left.min(enough).min(most);
        if quantity <= 0 {
            return false;
        }
        let taken = wide(quantity, numerator) + i128::from(denominator) - 1;
        let taken = (taken / i128::from(denominator)) as i64;
        want.left -= quantity;
        want.latest = want.latest.max(at);
        if at <= want.due {
            want.on_time += quantity;
        }
        let peg = PegRow { supply, demand: want.id, quantity, taken };
        self.pegs[want.member as usize].push(peg);
        self.shelves[shelf].take(bin, taken);
        true
    }
}

/// Whether a reservation's supply is this one: it names the key, or what it is below, `4500/10` for `4500/10/0`.
fn names(reserved: &str, key: &str) -> bool {
    key.strip_prefix(reserved).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Priority, the safety stock first; due date; key.
fn by_rank(flow: &Flow, left: &Want, right: &Want) -> Ordering {
    let rank = |want: &Want| (want.priority, want.id != SAFETY, want.due);
    rank(left).cmp(&rank(right)).then_with(|| {
        match (flow.demand_rows.get(left.id), flow.demand_rows.get(right.id)) {
            (Some(one), Some(other)) => {
                let rest = |owner: Owner, line: u16| (matches!(owner, Owner::Order(_)), line);
                flow.demand_key(one.owner)
                    .cmp(flow.demand_key(other.owner))
                    .then_with(|| rest(one.owner, one.line).cmp(&rest(other.owner, other.line)))
            }
            // Members of a pool are sorted by their items.
            (one, other) => one.is_some().cmp(&other.is_some()).then(left.member.cmp(&right.member)),
        }
    })
}

fn by_supply_key(flow: &Flow, left: u32, right: u32) -> Ordering {
    match (flow.supply_rows.get(left), flow.supply_rows.get(right)) {
        (Some(one), Some(other)) => {
            let orders = |owner: Owner| matches!(owner, Owner::Order(_));
            flow.supply_key(one.owner)
                .cmp(flow.supply_key(other.owner))
                .then_with(|| orders(one.owner).cmp(&orders(other.owner)))
        }
        (one, other) => one.is_some().cmp(&other.is_some()),
    }
}

fn stand_ins(flow: &Flow, master: &Master, members: &[u32], member: u32) -> Vec<StandIn> {
    let Node { item, site, .. } = flow.nodes[member as usize];
    let site_name = master.sites.name(site);
    let mut found = Vec::new();
    for substitution in master.item_rows[item as usize]
        .substitutions
        .iter()
        .filter_map(|(_, key)| master.substitutions.get(key))
    {
        if !substitution.automatic || substitution.site.as_deref().is_some_and(|own| own != site_name) {
            continue;
        }
        let Some(other) = master.items.find(&substitution.substitute) else { continue };
        let Some(node) = flow.node_of.get(&(other, site)) else { continue };
        let Some(place) = members.iter().position(|member| member == node) else { continue };
        let decimals = (master.measure(item).decimals, master.measure(other).decimals);
        let Some(ratio) = fraction(substitution.ratio, decimals.0, decimals.1) else { continue };
        found.push(StandIn {
            member: place as u32,
            ratio,
            from: substitution.valid_from.map_or(BEGIN, |from| from.0),
            until: substitution.valid_until.map_or(NEVER, |until| until.0),
        });
    }
    found
}

/// A ratio between two items as a fraction of their last places, in lowest terms; none when it is not above zero or too fine.
pub(crate) fn fraction(ratio: Decimal, from_decimals: u8, to_decimals: u8) -> Option<(i64, i64)> {
    let ratio = ratio.normalize();
    let numerator = ratio.mantissa().checked_mul(10_i128.pow(u32::from(to_decimals)))?;
    let denominator = 10_i128.pow(ratio.scale()).checked_mul(10_i128.pow(u32::from(from_decimals)))?;
    let (mut a, mut b) = (numerator, denominator);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    if numerator <= 0 {
        return None;
    }
    let fits = |wide: i128| i64::try_from(wide / a).ok().filter(|whole| *whole < i64::MAX / 2);
    Some((fits(numerator)?, fits(denominator)?))
}
