//! Levels: how deep an item-site stands in the bills of material of the orders that are there, and what goes in circles.

use std::collections::BTreeSet;

use crate::flow::Owner;
use crate::plan::Plan;

/// Levels changed one by one before all are found anew.
const PATIENCE: usize = 2_000;

impl Plan {
    /// Brings pools and levels up to date.
    pub(crate) fn level(&mut self) {
        let mut all = std::mem::take(&mut self.flow.regroup) && self.regroup();
        let unlevelled = std::mem::take(&mut self.work.unlevelled);
        all |= unlevelled.len() > PATIENCE;
        if unlevelled.is_empty() && !all {
            return;
        }
        if all || !self.circles.is_empty() || !self.raise(unlevelled) {
            self.level_all();
        }
    }

    /// Follows the levels from where they changed. False when that goes on for so long that there may be a circle.
    fn raise(&mut self, unlevelled: Vec<u32>) -> bool {
        let mut left: Vec<u32> = unlevelled.into_iter().map(|node| self.flow.pool(node)).collect();
        let mut steps = 0;
        while let Some(pool) = left.pop() {
            let level = self.level_above(pool);
            steps += 1;
            if steps > PATIENCE {
                return false;
            }
            if self.set_level(pool, level) {
                left.extend(self.successors(pool, false));
            }
        }
        true
    }

    /// One more than the deepest component.
    fn level_above(&self, pool: u32) -> u32 {
        let mut level = 0;
        for &node in self.members(&pool) {
            for supply in &self.flow.nodes[node as usize].supplies {
                let Some(Owner::Order(order)) = self.flow.supply_rows.get(*supply).map(|row| row.owner)
                else {
                    continue;
                };
                let components = self.flow.orders.get(order).into_iter().flat_map(|order| &order.components);
                for row in components.filter_map(|row| self.flow.demand_rows.get(*row)).filter(|row| !row.cut)
                {
                    level = level.max(self.flow.level(row.node).saturating_add(1));
                }
            }
        }
        level
    }

    fn set_level(&mut self, pool: u32, level: u32) -> bool {
        if std::mem::replace(&mut self.flow.nodes[pool as usize].level, level) == level {
            return false;
        }
        if self.finite {
            for order in self.producers(pool) {
                self.unload(order);
                self.mark_order(order);
            }
        }
        true
    }

    fn producers(&self, pool: u32) -> Vec<u32> {
        let supplies = self.members(&pool).iter().flat_map(|node| &self.flow.nodes[*node as usize].supplies);
        supplies
            .filter_map(|supply| match self.flow.supply_rows.get(*supply)?.owner {
                Owner::Order(order) => Some(order),
                Owner::Record(_) => None,
            })
            .collect()
    }

    /// Pools that orders make from this one; those in a circle with it only when asked for.
    fn successors(&self, pool: u32, with_cut: bool) -> Vec<u32> {
        let mut found = Vec::new();
        for &node in self.members(&pool) {
            for row in self.flow.nodes[node as usize]
                .demands
                .iter()
                .filter_map(|row| self.flow.demand_rows.get(*row))
            {
                if let Owner::Order(order) = row.owner
                    && (with_cut || !row.cut)
                    && let Some(order) = self.flow.orders.get(order)
                {
                    let next = self.flow.pool(order.node);
                    if found.last() != Some(&next) {
                        found.push(next);
                    }
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The item-sites of a pool.
    pub(crate) fn members<'a>(&'a self, pool: &'a u32) -> &'a [u32] {
        self.flow.pools.get(pool).map_or(std::slice::from_ref(pool), Vec::as_slice)
    }

    /// Finds every circle and every level: R. Tarjan, Depth-first search and linear graph algorithms, 1972, without recursion.
    fn level_all(&mut self) {
        let groups = self.strongly_connected();
        let mut group_of = vec![0_u32; self.flow.nodes.len()];
        for (group, pools) in groups.iter().enumerate() {
            for pool in pools {
                group_of[*pool as usize] = group as u32;
            }
        }
        let mut circular: BTreeSet<u32> = BTreeSet::new();
        let mut changed = Vec::new();
        for (id, order) in self.flow.orders.iter() {
            let made = group_of[self.flow.pool(order.node) as usize];
            for &row in &order.components {
                let Some(component) = self.flow.demand_rows.get(row) else { continue };
                let cut = group_of[self.flow.pool(component.node) as usize] == made;
                if cut {
                    circular.insert(made);
                }
                if cut != component.cut {
                    changed.push((id, row, cut));
                }
            }
        }
        for (order, row, cut) in changed {
            if let Some(component) = self.flow.demand_rows.get_mut(row) {
                component.cut = cut;
            }
            self.mark_order(order);
        }
        // The search ends a group after all that follow from it, so the last group comes first.
        for pools in groups.iter().rev() {
            for &pool in pools {
                let level = self.level_above(pool);
                self.set_level(pool, level);
            }
        }
        let mut circles: Vec<Vec<u32>> = circular
            .into_iter()
            .map(|group| {
                let mut nodes: Vec<u32> =
                    groups[group as usize].iter().flat_map(|pool| self.members(pool).to_vec()).collect();
                nodes.sort_by_key(|node| self.place(*node));
                nodes
            })
            .collect();
        circles.sort_by_key(|nodes| nodes.first().map(|node| self.place(*node)));
        self.circles = circles;
    }

    fn strongly_connected(&self) -> Vec<Vec<u32>> {
        const UNSEEN: u32 = u32::MAX;
        let count = self.flow.nodes.len();
        let (mut seen, mut low, mut open) = (vec![UNSEEN; count], vec![0_u32; count], vec![false; count]);
        let (mut stack, mut groups, mut clock) = (Vec::new(), Vec::new(), 0_u32);
        for root in 0..count as u32 {
            if self.flow.pool(root) != root || seen[root as usize] != UNSEEN {
                continue;
            }
            let mut path: Vec<(u32, std::vec::IntoIter<u32>)> = Vec::new();
            let mut next = Some(root);
            loop {
                if let Some(pool) = next.take() {
                    (seen[pool as usize], low[pool as usize]) = (clock, clock);
                    clock += 1;
                    open[pool as usize] = true;
                    stack.push(pool);
                    path.push((pool, self.successors(pool, true).into_iter()));
                }
                let Some((pool, after)) = path.last_mut() else { break };
                let pool = *pool as usize;
                if let Some(after) = after.next() {
                    if seen[after as usize] == UNSEEN {
                        next = Some(after);
                    } else if open[after as usize] {
                        low[pool] = low[pool].min(seen[after as usize]);
                    }
                    continue;
                }
                path.pop();
                if let Some((above, _)) = path.last() {
                    low[*above as usize] = low[*above as usize].min(low[pool]);
                }
                if low[pool] == seen[pool] {
                    let from = stack.iter().rposition(|other| *other as usize == pool).unwrap_or(0);
                    let group = stack.split_off(from);
                    for member in &group {
                        open[*member as usize] = false;
                    }
                    groups.push(group);
                }
            }
        }
        groups
    }

    /// Joins the item-sites whose items stand in for one another. True when something changed.
    fn regroup(&mut self) -> bool {
        let before: Vec<(u32, u32)> = self
            .flow
            .pools
            .iter()
            .flat_map(|(pool, nodes)| nodes.iter().map(|node| (*node, *pool)))
            .collect();
        for &(node, _) in &before {
            self.flow.nodes[node as usize].pool = node;
        }
        self.flow.pools.clear();
        let mut joined: BTreeSet<u32> = BTreeSet::new();
        for substitution in self.master.substitutions.values().filter(|one| one.automatic) {
            let Some(item) = self.master.items.find(&substitution.item) else { continue };
            let Some(other) = self.master.items.find(&substitution.substitute) else { continue };
            for &node in &self.master.item_rows[item as usize].nodes {
                let site = self.flow.nodes[node as usize].site;
                let here = substitution.site.as_deref().is_none_or(|own| own == self.master.sites.name(site));
                let partner = self.flow.node_of.get(&(other, site)).copied();
                let Some(partner) = partner.filter(|_| here && item != other) else { continue };
                if ![node, partner].iter().all(|one| self.flow.nodes[*one as usize].is_live()) {
                    continue;
                }
                let (one, two) = (find_root(&self.flow.nodes, node), find_root(&self.flow.nodes, partner));
                self.flow.nodes[one.max(two) as usize].pool = one.min(two);
                joined.extend([node, partner]);
            }
        }
        for &node in &joined {
            let root = find_root(&self.flow.nodes, node);
            self.flow.pools.entry(root).or_default().push(node);
        }
        let master = &self.master;
        let nodes = &self.flow.nodes;
        for members in self.flow.pools.values_mut() {
            members.sort_by_key(|node| master.items.name(nodes[*node as usize].item).to_owned());
        }
        for (root, members) in &self.flow.pools {
            for node in members {
                self.flow.nodes[*node as usize].pool = *root;
            }
        }
        let mut after: Vec<(u32, u32)> = joined.iter().map(|node| (*node, self.flow.pool(*node))).collect();
        let mut before = before;
        before.sort_unstable();
        after.sort_unstable();
        for &(node, _) in before.iter().chain(&after) {
            self.flow.nodes[node as usize].dirty = false;
        }
        for &(node, _) in before.iter().chain(&after) {
            self.mark_node(node);
        }
        before != after
    }

    /// Item and site, for sorting and for people.
    pub(crate) fn place(&self, node: u32) -> (String, String) {
        let node = &self.flow.nodes[node as usize];
        (self.master.items.name(node.item).to_owned(), self.master.sites.name(node.site).to_owned())
    }
}

fn find_root(nodes: &[crate::flow::Node], mut node: u32) -> u32 {
    while nodes[node as usize].pool != node {
        node = nodes[node as usize].pool;
    }
    node
}
