//! The supplies of one item-site in the order of their dates, and what is left of each.

/// Up to here looking at one after the other is faster than a tree.
const FEW: usize = 48;
const EMPTY: i64 = i64::MIN;

/// One supply.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bin {
    /// When it may be used.
    pub(crate) at: i64,
    /// From when on no longer.
    pub(crate) expires: i64,
    pub(crate) left: i64,
    pub(crate) id: u32,
}

/// Supplies sorted by date and, on one date, the one that keeps longest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shelf {
    pub(crate) bins: Vec<Bin>,
    /// When there are many: a tree of the latest expiry of what is not empty. The leaves are the second half.
    tree: Vec<i64>,
}

impl Shelf {
    pub(crate) fn clear(&mut self) {
        self.bins.clear();
        self.tree.clear();
    }

    /// To be called when the bins stand in order.
    pub(crate) fn ready(&mut self) {
        self.tree.clear();
        if self.bins.len() <= FEW {
            return;
        }
        let leaves = self.bins.len().next_power_of_two();
        self.tree.resize(2 * leaves, EMPTY);
        for (place, bin) in self.bins.iter().enumerate() {
            self.tree[leaves + place] = if bin.left > 0 { bin.expires } else { EMPTY };
        }
        for place in (1..leaves).rev() {
            self.tree[place] = self.tree[2 * place].max(self.tree[2 * place + 1]);
        }
    }

    /// How many supplies are there by `due`.
    pub(crate) fn there_by(&self, due: i64) -> usize {
        self.bins.partition_point(|bin| bin.at <= due)
    }

    /// The last supply before place `end` that is still usable at `used`; of equals that is the one that expires first.
    pub(crate) fn on_time(&self, end: usize, used: i64) -> Option<usize> {
        if self.tree.is_empty() {
            return self.bins[..end].iter().rposition(|bin| bin.left > 0 && bin.expires > used);
        }
        self.last_before(end, used)
    }

    /// The first supply from place `start` on.
    pub(crate) fn late(&self, start: usize) -> Option<usize> {
        if self.tree.is_empty() {
            return self.bins[start..].iter().position(|bin| bin.left > 0).map(|place| start + place);
        }
        self.first_from(start)
    }

    /// Takes some of a supply, which must have as much.
    pub(crate) fn take(&mut self, place: usize, quantity: i64) {
        self.bins[place].left -= quantity;
        if self.bins[place].left > 0 || self.tree.is_empty() {
            return;
        }
        let mut node = self.tree.len() / 2 + place;
        self.tree[node] = EMPTY;
        while node > 1 {
            node /= 2;
            self.tree[node] = self.tree[2 * node].max(self.tree[2 * node + 1]);
        }
    }

    /// The last place before `end` whose expiry is above `used`.
    fn last_before(&self, end: usize, used: i64) -> Option<usize> {
        let leaves = self.tree.len() / 2;
        let mut right = leaves + end;
        let mut left = leaves;
        // The ranges that make up the prefix are met from the right end, the nearest first.
        let mut later_left = None;
        while left < right {
            if right & 1 == 1 {
                right -= 1;
                if self.tree[right] > used {
                    return Some(self.descend(right, used, true) - leaves);
                }
            }
            if left & 1 == 1 {
                if self.tree[left] > used {
                    later_left = Some(left);
                }
                left += 1;
            }
            left /= 2;
            right /= 2;
        }
        later_left.map(|node| self.descend(node, used, true) - leaves)
    }

    fn first_from(&self, start: usize) -> Option<usize> {
        let leaves = self.tree.len() / 2;
        let (mut left, mut right) = (leaves + start, 2 * leaves);
        let mut last_right = None;
        while left < right {
            if left & 1 == 1 {
                if self.tree[left] > EMPTY {
                    return Some(self.descend(left, EMPTY, false) - leaves);
                }
                left += 1;
            }
            if right & 1 == 1 {
                right -= 1;
                if self.tree[right] > EMPTY {
                    last_right = Some(right);
                }
            }
            left /= 2;
            right /= 2;
        }
        last_right.map(|node| self.descend(node, EMPTY, false) - leaves)
    }

    fn descend(&self, mut node: usize, above: i64, last: bool) -> usize {
        while node < self.tree.len() / 2 {
            let preferred = 2 * node + usize::from(last);
            node = if self.tree[preferred] > above { preferred } else { preferred ^ 1 };
        }
        node
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The tree finds what looking at every bin finds.
        #[test]
        fn many_are_found_as_few_are(
            bins in prop::collection::vec((0_i64..60, 0_i64..80, 1_i64..4), 49..200),
            asks in prop::collection::vec((0_i64..60, 0_i64..80, any::<bool>()), 1..300),
        ) {
            let mut bins: Vec<Bin> = bins
                .into_iter()
                .enumerate()
                .map(|(id, (at, life, left))| Bin { at, expires: at + life, left, id: id as u32 })
                .collect();
            bins.sort_by_key(|bin| (bin.at, std::cmp::Reverse(bin.expires), bin.id));
            let mut shelf = Shelf { bins, tree: Vec::new() };
            shelf.ready();
            for (due, used, late) in asks {
                let place = shelf.there_by(due);
                let found = if late { shelf.late(place) } else { shelf.on_time(place, used) };
                let plain = Shelf { bins: shelf.bins.clone(), tree: Vec::new() };
                prop_assert_eq!(found, if late { plain.late(place) } else { plain.on_time(place, used) });
                if let Some(place) = found {
                    shelf.take(place, 1);
                }
            }
        }
    }
}
