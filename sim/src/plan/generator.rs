//! The rhythm: an endless stream of steps in the order of their time.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::amount::Amount;
use crate::clock::{HOUR_MS, after, days_after};
use crate::dice::Dice;
use crate::plan::{
    Action, Catalogue, Component, CountLine, Item, OrderLine, PLANT, ProductionOrder, PurchaseOrder, Scene,
    Step, StockMove,
};

/// Events that one beginning (an order, a move, a count) causes on average until everything it led to is done. Measured, so
/// that the configured rate comes out about right.
const EVENTS_A_BEGINNING: u64 = 8;

/// What the rhythm is made from.
#[derive(Clone, Debug)]
pub struct Rhythm {
    pub seed: u64,
    /// Events a wall second, all together; 0 for none.
    pub rate_per_s: u32,
    /// Scenario seconds in a wall second.
    pub speed: u32,
    pub begins: Timestamp,
    /// When the cycle count begins, in scenario milliseconds.
    pub scene_at_ms: Option<u64>,
}

/// The endless plan. Two plans of the same rhythm are equal step for step.
#[derive(Debug)]
pub struct Plan {
    catalogue: Catalogue,
    rhythm: Rhythm,
    dice: Dice,
    /// Steps already decided, by time and then by the order of deciding.
    ahead: BTreeMap<(u64, u64), Action>,
    decided: u64,
    next_beginning_ms: u64,
    /// The average time between two beginnings; `None` when there are none.
    gap_ms: Option<u64>,
    purchase_orders: u64,
    production_orders: u64,
    moves: u64,
    sheets: u64,
}

impl Plan {
    #[must_use]
    pub fn new(rhythm: Rhythm) -> Self {
        let catalogue = Catalogue::new(rhythm.seed);
        let gap_ms = match u64::from(rhythm.rate_per_s) {
            0 => None,
            rate => Some(EVENTS_A_BEGINNING * 1000 * u64::from(rhythm.speed.max(1)) / rate),
        };
        let mut plan = Self {
            dice: Dice::for_name(rhythm.seed, "rhythm"),
            ahead: BTreeMap::new(),
            decided: 0,
            next_beginning_ms: gap_ms.unwrap_or(0),
            gap_ms,
            purchase_orders: 0,
            production_orders: 0,
            moves: 0,
            sheets: 0,
            catalogue,
            rhythm,
        };
        let scene = plan.rhythm.scene_at_ms.and_then(|at_ms| Scene::new(&plan.catalogue, 0, at_ms));
        for step in scene.into_iter().flat_map(|scene| scene.steps) {
            plan.put(step.at_ms, step.action);
        }
        plan
    }

    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    fn put(&mut self, at_ms: u64, action: Action) {
        self.decided += 1;
        self.ahead.insert((at_ms, self.decided), action);
    }

    fn day(&self, at_ms: u64) -> Date {
        after(self.rhythm.begins, at_ms).to_zoned(TimeZone::UTC).date()
    }

    fn begin(&mut self, at_ms: u64) {
        match self.dice.between(0, 99) {
            0..34 => self.purchase_order(at_ms),
            34..60 => self.production_order(at_ms),
            60..94 => self.stock_move(at_ms),
            _ => self.count_sheet(at_ms),
        }
    }

    fn purchase_order(&mut self, at_ms: u64) {
        self.purchase_orders += 1;
        let number = (4_500_000_000 + self.purchase_orders).to_string();
        let chosen = usize::try_from(self.dice.between(0, 11)).unwrap_or(0) % self.catalogue.suppliers.len();
        let supplier =
            self.catalogue.suppliers.get(chosen).map(|supplier| supplier.number.clone()).unwrap_or_default();
        let offered: Vec<Item> =
            self.catalogue.items.iter().filter(|item| item.supplier == Some(chosen)).cloned().collect();
        let day = self.day(at_ms);
        let wanted = usize::try_from(self.dice.between(1, 2)).unwrap_or(1);
        let lines = (10..)
            .step_by(10)
            .zip(offered.iter().take(wanted))
            .map(|(line, item)| self.order_line(line, item, day))
            .collect();
        let order = PurchaseOrder { number, revision: 1, supplier, ordered: day, lines };
        self.put(at_ms, Action::PutPurchaseOrder(order.clone()));
        if self.dice.chance(200) {
            self.change(at_ms, order);
        } else if self.dice.chance(30) {
            let at_ms = at_ms + self.dice.between(HOUR_MS / 4, HOUR_MS);
            self.put(at_ms, Action::CancelPurchaseOrder { number: order.number, revision: 2 });
        }
    }

    fn order_line(&mut self, line: u64, item: &Item, day: Date) -> OrderLine {
        let quantity = Amount::whole(i64::try_from(self.dice.between(2, 60) * 10).unwrap_or(20));
        let due = days_after(day, self.dice.between(2, 15));
        let schedule = if self.dice.chance(250) {
            let first = Amount::whole(quantity.as_thousandths() / 2000);
            vec![(first, due), (quantity - first, days_after(due, self.dice.between(3, 7)))]
        } else {
            vec![(quantity, due)]
        };
        OrderLine { line, item: item.number.clone(), quantity, price: item.price, schedule }
    }

    /// A buyer changes a quantity or a day of the first line, soon after the order went out.
    fn change(&mut self, at_ms: u64, mut order: PurchaseOrder) {
        order.revision = 2;
        if let Some(line) = order.lines.first_mut() {
            let (quantity, due) = line.schedule.first().copied().unwrap_or((line.quantity, order.ordered));
            if self.dice.chance(500) {
                let more = Amount::whole(i64::try_from(self.dice.between(1, 9) * 10).unwrap_or(10));
                line.schedule = vec![(line.quantity + more, due)];
                line.quantity += more;
            } else {
                line.schedule = vec![(quantity, days_after(due, self.dice.between(1, 10)))];
                line.quantity = quantity;
            }
        }
        let at_ms = at_ms + self.dice.between(HOUR_MS / 4, 2 * HOUR_MS);
        self.put(at_ms, Action::PutPurchaseOrder(order));
    }

    fn production_order(&mut self, at_ms: u64) {
        let made: Vec<Item> = self.catalogue.items.iter().filter(|item| item.is_made()).cloned().collect();
        let Some(item) = self.dice.pick(&made).cloned() else { return };
        self.production_orders += 1;
        let number = format!("PRO-{}", 20_000 + self.production_orders);
        let pieces = i64::try_from(self.dice.between(1, 20)).unwrap_or(1);
        let components = item
            .components
            .iter()
            .filter_map(|(component, each)| {
                let location = self.catalogue.item(component)?.pick.clone();
                let quantity = Amount::thousandths(each.as_thousandths().saturating_mul(pieces));
                Some(Component { item: component.clone(), location, quantity })
            })
            .collect();
        let released_ms = at_ms + self.dice.between(HOUR_MS / 2, 2 * HOUR_MS);
        let start_ms = released_ms + self.dice.between(HOUR_MS, 6 * HOUR_MS);
        let order = ProductionOrder {
            number: number.clone(),
            item: item.number,
            quantity: Amount::whole(pieces),
            start_ms,
            lasts_ms: self.dice.between(HOUR_MS, 6 * HOUR_MS),
            scrap: if self.dice.chance(100) { Amount::whole(1) } else { Amount::ZERO },
            priority: self.dice.between(1, 9),
            components,
        };
        self.put(at_ms, Action::CreateProduction(order));
        self.put(released_ms, Action::ReleaseProduction { number: number.clone() });
        self.put(start_ms, Action::StartProduction { number });
    }

    fn bought(&mut self) -> Option<Item> {
        let bought: Vec<Item> = self.catalogue.items.iter().filter(|item| !item.is_made()).cloned().collect();
        self.dice.pick(&bought).cloned()
    }

    fn stock_move(&mut self, at_ms: u64) {
        let Some(item) = self.bought() else { return };
        self.moves += 1;
        let number = format!("TA{:08}", self.moves);
        let quantity = Amount::whole(i64::try_from(self.dice.between(1, 40)).unwrap_or(1));
        self.put(
            at_ms,
            Action::MoveStock(StockMove {
                number,
                item: item.number,
                from: item.bulk,
                to: item.pick,
                quantity,
            }),
        );
    }

    fn count_sheet(&mut self, at_ms: u64) {
        self.sheets += 1;
        let sheet = format!("CC-{PLANT}-{:05}", 10_000 + self.sheets);
        let mut lines: Vec<CountLine> = Vec::new();
        for _ in 0..self.dice.between(1, 3) {
            let Some(item) = self.bought() else { continue };
            let missing = i64::try_from(self.dice.between(0, 4)).unwrap_or(0);
            // Most counts find what the book says.
            let found = if self.dice.chance(650) { Amount::ZERO } else { Amount::whole(1 - missing) };
            if lines.iter().all(|line| line.item != item.number) {
                lines.push(CountLine { item: item.number, location: item.pick, found });
            }
        }
        self.put(at_ms, Action::Count { sheet, lines });
    }
}

impl Iterator for Plan {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        // Everything that can come before the next decided step must be decided first.
        while let Some(gap_ms) = self.gap_ms
            && self.ahead.first_key_value().is_none_or(|((at_ms, _), _)| *at_ms >= self.next_beginning_ms)
        {
            let at_ms = self.next_beginning_ms;
            self.begin(at_ms);
            // Between half and one and a half of the average gap.
            self.next_beginning_ms = at_ms + gap_ms / 2 + self.dice.between(0, gap_ms);
        }
        let ((at_ms, _), action) = self.ahead.pop_first()?;
        Some(Step { at_ms, action })
    }
}
