//! What could be done about a shortage, and hypothetical alternatives side by side, all by one objective.

use std::cmp::Reverse;

use lineshaft_model::Reason;
use lineshaft_planning::options::{Alternative, Judged, Objective};
use lineshaft_planning::{Impact, Shortage};
use lineshaft_store::reading::Reading;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::Planner;
use super::ask::Supposed;

/// Alternatives of one question at most.
const MOST_VARIANTS: usize = 20;

/// What could be done about what is missing of an item at a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Options {
    /// The item.
    pub item: String,
    /// The site.
    pub site: String,
    /// What is missing; none: nothing, and there is nothing to do.
    pub shortage: Option<Shortage>,
    /// What is ranked by.
    pub objective: Objective,
    /// The same in a sentence.
    pub ranked_by: String,
    /// The best first.
    pub options: Vec<Ranked>,
}

/// An option with its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ranked {
    /// 1 is the best.
    pub rank: usize,
    /// What it is and does.
    #[serde(flatten)]
    pub option: Alternative,
}

/// Which options are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OptionsOf {
    /// The item.
    pub item: String,
    /// The site; the hub's own when none is named.
    pub site: Option<String>,
    /// What a weighted day costs; the workspace's when none is told.
    pub day_cost: Option<Decimal>,
    /// Those too that are worse than doing nothing.
    pub all: bool,
    /// At most so many.
    pub most: usize,
}

/// Several alternatives to be compared.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compare {
    /// Each with its changes.
    pub alternatives: Vec<Variant>,
}

/// One alternative.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// What it is called.
    pub name: String,
    /// What would happen.
    pub changes: Vec<Supposed>,
}

/// How an alternative fares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// What it is called.
    pub name: String,
    /// 1 is the best.
    pub rank: usize,
    /// Weighted days of lateness that it saves, below zero when it adds some.
    #[serde(with = "rust_decimal::serde::str")]
    pub saved_days: Decimal,
    /// What it does.
    pub impact: Impact,
}

impl Planner {
    /// What could be done about what is missing of an item, the best first; `None` when nothing is known of it. Blocks.
    #[must_use]
    pub fn options(&self, asked: &OptionsOf) -> Option<Options> {
        let objective = Objective {
            day_cost: asked.day_cost.unwrap_or(self.objective.day_cost),
            only_better: !asked.all,
            most: asked.most.clamp(1, 100),
        };
        let mut state = self.state.lock();
        let site = asked.site.clone().unwrap_or_else(|| state.facts.site().to_owned());
        state.plan.availability(&asked.item, &site)?;
        let shortage = state.plan.shortage(&asked.item, &site);
        let options = state.plan.options(&asked.item, &site, objective);
        let options = options.into_iter().enumerate().map(|(n, option)| Ranked { rank: n + 1, option });
        Some(Options {
            item: asked.item.clone(),
            site,
            shortage,
            objective,
            ranked_by: objective.sentence(),
            options: options.collect(),
        })
    }

    /// What is ranked by here.
    #[must_use]
    pub const fn objective(&self) -> Objective {
        self.objective
    }

    /// Alternatives side by side, in the order they were given, each with its rank. Nothing is kept. Blocks.
    pub fn compared(&self, reading: &Reading, question: Compare) -> Result<Vec<Judgement>, Reason> {
        if !(1..=MOST_VARIANTS).contains(&question.alternatives.len()) {
            let message = format!("1 to {MOST_VARIANTS} alternatives are compared");
            return Err(Reason::new("question-too-long", message).at("/alternatives").hint("ask in parts"));
        }
        let mut judged = Vec::with_capacity(question.alternatives.len());
        for (n, variant) in question.alternatives.into_iter().enumerate() {
            let Judged { saved_days, impact } = self.judge(reading, variant.changes).map_err(|reason| {
                let at = format!("/alternatives/{n}{}", reason.at);
                Reason { at, ..reason }
            })?;
            judged.push(Judgement { name: variant.name, rank: 0, saved_days, impact });
        }
        let mut ranked: Vec<usize> = (0..judged.len()).collect();
        let touched = |one: &Judgement| one.impact.orders.len() + one.impact.demands.len();
        ranked.sort_by_key(|n| judged.get(*n).map(|one| (Reverse(one.saved_days), touched(one))));
        for (rank, n) in ranked.into_iter().enumerate() {
            if let Some(one) = judged.get_mut(n) {
                one.rank = rank + 1;
            }
        }
        Ok(judged)
    }
}
