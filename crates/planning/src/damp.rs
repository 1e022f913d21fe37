//! When to tell of a shortage: not of every flicker, but of each that stays, of each that grows, and of each that is over.
//!
//! A pure decision. Whoever applies changes says what is missing at an item-site afterwards ([`Damper::observe`]) and collects what
//! is due to be told ([`Damper::due`]), at the latest when [`Damper::next`] says.

mod moves;

use std::collections::{BTreeMap, BTreeSet};

use lineshaft_model::Millis;
use serde::{Deserialize, Serialize};

use crate::impact::Missing;

pub use moves::{Moved, Moves};

/// How patient to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patience {
    /// A shortage is told when it has stayed so long.
    pub settle_ms: i64,
    /// Its end is told when it has stayed away so long.
    pub clear_ms: i64,
    /// The same shortage is not told again sooner than this.
    pub again_ms: i64,
    /// It is told again when its quantity has changed by this many hundredths, or its first date by a day, or when it came to be
    /// covered or not to be.
    pub change_percent: u32,
}

impl Default for Patience {
    /// Five seconds, a minute, an hour, a fifth.
    fn default() -> Self {
        Self { settle_ms: 5_000, clear_ms: 60_000, again_ms: 3_600_000, change_percent: 20 }
    }
}

/// What is to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// The item.
    pub item: String,
    /// The site.
    pub site: String,
    /// What is missing; none: it is resolved.
    pub missing: Option<Missing>,
    /// Whether it was told before and is now another.
    pub again: bool,
    /// The event that brought it about.
    pub cause: String,
}

/// What has been told, and what waits to be.
#[derive(Clone, Debug, Default)]
pub struct Damper {
    patience: Patience,
    places: BTreeMap<(String, String), Watch>,
    timers: BTreeSet<(Millis, (String, String))>,
}

#[derive(Clone, Debug)]
struct Watch {
    told: Option<Missing>,
    told_at: Millis,
    current: Option<Missing>,
    cause: String,
    /// When the difference between what is told and what is began.
    since: Option<Millis>,
    due: Option<Millis>,
}

impl Damper {
    /// One that has told nothing yet.
    #[must_use]
    pub fn new(patience: Patience) -> Self {
        Self { patience, ..Self::default() }
    }

    /// Takes what an earlier life has told of an item-site: what was missing, and when that was told.
    pub fn remember(&mut self, item: &str, site: &str, missing: Missing, told_at: Millis) {
        let place = (item.to_owned(), site.to_owned());
        let told = Some(missing);
        let watch = Watch { told, told_at, current: told, cause: String::new(), since: None, due: None };
        self.places.insert(place, watch);
    }

    /// The item-sites whose shortage is told or waits to be.
    pub fn places(&self) -> impl Iterator<Item = (&str, &str)> {
        self.places.keys().map(|(item, site)| (item.as_str(), site.as_str()))
    }

    /// Takes what is missing at an item-site now, and which event made it so.
    pub fn observe(&mut self, item: &str, site: &str, missing: Option<Missing>, cause: &str, now: Millis) {
        let place = (item.to_owned(), site.to_owned());
        if missing.is_none() && !self.places.contains_key(&place) {
            return;
        }
        let watch = self.places.entry(place.clone()).or_insert_with(|| Watch {
            told: None,
            told_at: Millis(i64::MIN),
            current: None,
            cause: String::new(),
            since: None,
            due: None,
        });
        if let Some(due) = watch.due.take() {
            self.timers.remove(&(due, place.clone()));
        }
        // A difference of another kind begins anew: a shortage that ends and comes back has not stayed.
        if watch.current.is_some() != missing.is_some() {
            watch.since = None;
        }
        if watch.current != missing {
            watch.current = missing;
            cause.clone_into(&mut watch.cause);
        }
        let patience = &self.patience;
        let due = |since: Millis| match (&watch.told, &watch.current) {
            (None, None) => None,
            (None, Some(_)) => Some(since.plus(patience.settle_ms)),
            (Some(_), None) => Some(since.plus(patience.clear_ms)),
            (Some(told), Some(current)) if is_other(told, current, patience.change_percent) => {
                Some(since.plus(patience.settle_ms).max(watch.told_at.plus(patience.again_ms)))
            }
            (Some(_), Some(_)) => None,
        };
        let since = watch.since.unwrap_or(now);
        watch.due = due(since);
        watch.since = watch.due.map(|_| since);
        match watch.due {
            Some(due) => {
                self.timers.insert((due, place));
            }
            None if watch.told.is_none() && watch.current.is_none() => {
                self.places.remove(&place);
            }
            None => {}
        }
    }

    /// When something is due next.
    #[must_use]
    pub fn next(&self) -> Option<Millis> {
        self.timers.first().map(|(due, _)| *due)
    }

    /// What is due to be told by now; it counts as told.
    pub fn due(&mut self, now: Millis) -> Vec<Notice> {
        let mut notices = Vec::new();
        while let Some((_, place)) = self.timers.first().filter(|(due, _)| *due <= now).cloned() {
            self.timers.pop_first();
            let Some(watch) = self.places.get_mut(&place) else { continue };
            (watch.due, watch.since) = (None, None);
            let (item, site) = place.clone();
            let again = watch.told.is_some() && watch.current.is_some();
            notices.push(Notice { item, site, missing: watch.current, again, cause: watch.cause.clone() });
            watch.told = watch.current;
            watch.told_at = now;
            if watch.told.is_none() {
                self.places.remove(&place);
            }
        }
        notices
    }

    /// Item-sites whose shortage is told or waits to be.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}

/// Whether a shortage is so different from what was told that it is to be told again.
fn is_other(told: &Missing, current: &Missing, percent: u32) -> bool {
    const DAY_MS: i64 = 86_400_000;
    let moved = match (told.first, current.first) {
        (Some(told), Some(current)) => told.0.abs_diff(current.0) >= DAY_MS.unsigned_abs(),
        (told, current) => told != current,
    };
    let quantity = |missing: &Missing| missing.quantity.value.saturating_add(missing.safety_stock.value);
    let difference = quantity(told).saturating_sub(quantity(current)).abs();
    let allowed = quantity(told).saturating_mul(rust_decimal::Decimal::new(percent.into(), 2));
    moved || difference > allowed || told.until.is_some() != current.until.is_some()
}

#[cfg(test)]
mod tests {
    use lineshaft_model::{Quantity, Unit};
    use proptest::prelude::*;

    use super::*;

    fn missing(n: i64) -> Option<Missing> {
        let quantity = |n: i64| Quantity { value: n.into(), unit: Unit::ONE };
        (n > 0).then(|| Missing {
            quantity: quantity(n),
            first: Some(Millis(0)),
            until: None,
            demands: 1,
            safety_stock: quantity(0),
        })
    }

    fn told(notices: &[Notice]) -> Vec<(bool, bool, &str)> {
        notices.iter().map(|one| (one.missing.is_some(), one.again, one.cause.as_str())).collect()
    }

    #[test]
    fn what_stays_is_told_once_and_its_end_once() {
        let mut damper = Damper::new(Patience::default());
        damper.observe("A", "P", missing(5), "e1", Millis(0));
        damper.observe("A", "P", missing(5), "e2", Millis(1_000));
        assert_eq!(damper.next(), Some(Millis(5_000)));
        assert_eq!(told(&damper.due(Millis(4_999))), []);
        assert_eq!(told(&damper.due(Millis(5_000))), [(true, false, "e1")]);
        assert_eq!(damper.next(), None);
        damper.observe("A", "P", missing(6), "a fifth more", Millis(10_000));
        assert_eq!(damper.next(), None);
        damper.observe("A", "P", missing(9), "much more", Millis(20_000));
        assert_eq!(told(&damper.due(Millis(3_605_000))), [(true, true, "much more")]);
        damper.observe("A", "P", None, "delivered", Millis(3_700_000));
        assert_eq!(told(&damper.due(Millis(3_760_000))), [(false, false, "delivered")]);
        assert!(damper.is_empty());
    }

    #[test]
    fn what_an_earlier_life_told_is_not_told_again() {
        let mut damper = Damper::new(Patience::default());
        damper.remember("A", "P", missing(5).unwrap(), Millis(0));
        damper.remember("B", "P", missing(5).unwrap(), Millis(0));
        damper.observe("A", "P", missing(5), "start", Millis(10_000));
        damper.observe("B", "P", None, "start", Millis(10_000));
        damper.observe("C", "P", missing(5), "start", Millis(10_000));
        let notices = damper.due(Millis(100_000));
        let of: Vec<&str> = notices.iter().map(|notice| notice.item.as_str()).collect();
        assert_eq!(of, ["C", "B"]);
        assert_eq!(told(&notices), [(true, false, "start"), (false, false, "start")]);
    }

    #[test]
    fn flapping_is_not_told() {
        let mut damper = Damper::new(Patience::default());
        for second in 0..600 {
            damper.observe("A", "P", missing(5 * (second % 2)), "e", Millis(second * 1_000));
            assert_eq!(damper.due(Millis(second * 1_000)), []);
        }
    }

    proptest! {
        /// However it flickers: what is told alternates, and in the end it is what is so.
        #[test]
        fn what_is_told_last_is_what_is_so(steps in prop::collection::vec((0_i64..3, 0_i64..90_000), 1..60)) {
            let mut damper = Damper::new(Patience::default());
            let (mut now, mut current, mut short) = (Millis(0), None, false);
            let mut notices = Vec::new();
            for (n, wait) in steps {
                current = missing(n * 10);
                damper.observe("A", "P", current, "e", now);
                now = now.plus(wait);
                notices.extend(damper.due(now));
            }
            notices.extend(damper.due(now.plus(10_000_000)));
            for notice in &notices {
                prop_assert_eq!(notice.again, short && notice.missing.is_some());
                prop_assert!(notice.missing.is_some() || short);
                short = notice.missing.is_some();
            }
            prop_assert_eq!(short, current.is_some());
            prop_assert_eq!(damper.next(), None);
        }
    }
}
