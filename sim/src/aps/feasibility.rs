//! Which orders cannot be built with what there is: pure netting, the most urgent start first.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::amount::Amount;

/// What an order that has not started needs.
#[derive(Clone, Debug)]
pub(super) struct Need<'a> {
    pub(super) order: &'a str,
    pub(super) start: Timestamp,
    pub(super) priority: u64,
    pub(super) parts: &'a [(String, Amount)],
}

/// The first part an order lacks, and how much of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shortage {
    pub(super) item: String,
    pub(super) missing: Amount,
}

/// Gives stock to orders in the order of their start, then priority, then number. An order that lacks anything takes nothing.
/// An item without a known position limits nothing.
pub(super) fn shortages<'a>(
    mut needs: Vec<Need<'a>>,
    on_hand: impl Fn(&str) -> Option<Amount>,
) -> HashMap<String, Shortage> {
    needs.sort_by(|a, b| (a.start, a.priority, a.order).cmp(&(b.start, b.priority, b.order)));
    let mut left: HashMap<&'a str, Option<Amount>> = HashMap::new();
    let mut short = HashMap::new();
    for need in needs {
        for (item, _) in need.parts {
            left.entry(item).or_insert_with(|| on_hand(item));
        }
        let lacking = need.parts.iter().find_map(|(item, wanted)| {
            let available = left.get(item.as_str()).copied().flatten()?.max(Amount::ZERO);
            (available < *wanted).then(|| Shortage { item: item.clone(), missing: *wanted - available })
        });
        match lacking {
            Some(shortage) => {
                short.insert(need.order.to_owned(), shortage);
            }
            None => {
                for (item, wanted) in need.parts {
                    if let Some(Some(available)) = left.get_mut(item.as_str()) {
                        *available -= *wanted;
                    }
                }
            }
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_first_shift_is_served_first() {
        let parts = [("X".to_owned(), Amount::whole(30))];
        let need = |order, start| Need { order, start: at(start), priority: 1, parts: &parts };
        let short = shortages(vec![need("C", 3), need("A", 1), need("B", 2)], |_| Some(Amount::whole(40)));
        assert!(!short.contains_key("A"));
        assert_eq!(short["B"], Shortage { item: "X".to_owned(), missing: Amount::whole(20) });
        assert_eq!(short["C"].missing, Amount::whole(20));
    }

    #[test]
    fn a_smaller_order_may_still_be_built() {
        let (large, small) = ([("X".to_owned(), Amount::whole(50))], [("X".to_owned(), Amount::whole(40))]);
        let needs = vec![
            Need { order: "A", start: at(1), priority: 1, parts: &large },
            Need { order: "B", start: at(2), priority: 1, parts: &small },
        ];
        let short = shortages(needs, |_| Some(Amount::whole(40)));
        assert!(short.contains_key("A") && !short.contains_key("B"));
    }

    #[test]
    fn an_unknown_item_limits_nothing() {
        let parts = [("Y".to_owned(), Amount::whole(1))];
        let short = shortages(vec![Need { order: "A", start: at(1), priority: 1, parts: &parts }], |_| None);
        assert!(short.is_empty());
    }
}
