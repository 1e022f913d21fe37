//! The cycle count as a scene: three orders of the next shift need 90 of a part, the book says 100, the count finds 40.

use crate::amount::Amount;
use crate::clock::HOUR_MS;
use crate::plan::{Action, Catalogue, Component, CountLine, PLANT, ProductionOrder, Step};

/// One playing of the cycle count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scene {
    /// 0 for the first playing.
    pub number: u64,
    pub sheet: String,
    pub item: String,
    pub location: String,
    pub book: Amount,
    pub counted: Amount,
    /// The orders of the next shift that need the item, in the order they would be built.
    pub orders: Vec<String>,
    pub steps: Vec<Step>,
}

impl Scene {
    /// The scene that begins at `at_ms`. `None` when every part kept for scenes has been counted already.
    #[must_use]
    pub fn new(catalogue: &Catalogue, number: u64, at_ms: u64) -> Option<Self> {
        let pair = usize::try_from(number).ok()?.checked_mul(2)?;
        let (bought, made) = (catalogue.scene_items.get(pair)?, catalogue.scene_items.get(pair + 1)?);
        let (book, counted) = (Amount::whole(100), Amount::whole(40));
        let orders: Vec<ProductionOrder> = (0..3)
            .map(|n| ProductionOrder {
                number: format!("PRO-{}", 1001 + number * 10 + n * 3),
                item: made.number.clone(),
                quantity: Amount::whole(30),
                start_ms: at_ms + (9 + n) * HOUR_MS,
                lasts_ms: 2 * HOUR_MS,
                scrap: Amount::ZERO,
                priority: 2 + n,
                components: vec![Component {
                    item: bought.number.clone(),
                    location: bought.pick.clone(),
                    quantity: Amount::whole(30),
                }],
            })
            .collect();
        let sheet = format!("CC-{PLANT}-{:04}", 9001 + number);
        let mut steps = Vec::new();
        for order in &orders {
            let number = || order.number.clone();
            steps.push(Step { at_ms, action: Action::CreateProduction(order.clone()) });
            steps.push(Step {
                at_ms: at_ms + HOUR_MS,
                action: Action::ReleaseProduction { number: number() },
            });
            steps.push(Step { at_ms: order.start_ms, action: Action::StartProduction { number: number() } });
        }
        let line =
            CountLine { item: bought.number.clone(), location: bought.pick.clone(), found: counted - book };
        steps.push(Step {
            at_ms: at_ms + 4 * HOUR_MS,
            action: Action::Count { sheet: sheet.clone(), lines: vec![line] },
        });
        steps.sort_by_key(|step| step.at_ms);
        Some(Self {
            number,
            sheet,
            item: bought.number.clone(),
            location: bought.pick.clone(),
            book,
            counted,
            orders: orders.into_iter().map(|order| order.number).collect(),
            steps,
        })
    }
}
