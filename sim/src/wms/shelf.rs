//! What lies where, and how often each place has changed.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::amount::Amount;
use crate::plan::Stock;

/// One item at one location.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) on_hand: Amount,
    /// Counts the changes of this place: the revision of its position.
    pub(crate) change: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Shelves {
    places: BTreeMap<(String, String), Place>,
}

impl Shelves {
    pub(super) fn opening(stock: &[Stock]) -> Self {
        let place = |stock: &Stock| {
            ((stock.item.clone(), stock.location.clone()), Place { on_hand: stock.quantity, change: 1 })
        };
        Self { places: stock.iter().map(place).collect() }
    }

    pub(crate) fn place(&self, item: &str, location: &str) -> Place {
        self.places.get(&(item.to_owned(), location.to_owned())).copied().unwrap_or_default()
    }

    /// Adds or takes, and says how the place is afterwards.
    pub(super) fn change(&mut self, item: &str, location: &str, by: Amount) -> Place {
        let place = self.places.entry((item.to_owned(), location.to_owned())).or_default();
        place.on_hand += by;
        place.change += 1;
        *place
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&(String, String), &Place)> {
        self.places.iter()
    }

    pub(super) fn view(&self, item: &str) -> Value {
        self.places
            .iter()
            .filter(|((known, _), _)| item.is_empty() || known == item)
            .map(|((item, location), place)| {
                json!({ "item": item, "location": location, "on_hand": place.on_hand.to_string(), "change": place.change })
            })
            .collect()
    }
}
