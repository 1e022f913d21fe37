//! What could be done about a shortage, side by side.

use askama::Template;
use axum::extract::{Query, State as Extract};
use lineshaft_engine::planner::{Impact, OptionKind, Options, OptionsOf, OrderImpact};
use lineshaft_model::Reason;
use serde::Deserialize;

use super::{Answer, Section, Shell, State, Viewer, ask, show};
use crate::console::fault::Fault;
use crate::console::query::filled;
use crate::problem::Problem;

/// Orders shown of each option.
const MOST_ORDERS: usize = 12;

/// Which item, and how to rank.
#[derive(Debug, Default, Deserialize)]
pub(in crate::console) struct Which {
    #[serde(default)]
    item: String,
    site: Option<String>,
    day_cost: Option<String>,
    all: Option<String>,
}

#[derive(Template)]
#[template(path = "planning_options.html")]
struct Page {
    shell: Shell,
    found: Options,
    day_cost: String,
    all: bool,
}

/// What could be done.
pub(in crate::console) async fn options(
    Extract(state): Extract<State>,
    viewer: Viewer,
    Query(which): Query<Which>,
) -> Answer {
    viewer.caller.allow_whole_plan()?;
    let title = format!("{} · what could be done", which.item);
    let shell = Shell::new(&state, viewer, Section::Planning, title);
    let missing = format!("nothing is known of {} there", which.item);
    let all = which.all.is_some();
    let day_cost = match filled(which.day_cost).map(|text| text.parse::<rust_decimal::Decimal>()) {
        None => None,
        Some(Ok(amount)) if !amount.is_sign_negative() => Some(amount),
        Some(_) => {
            let reason = Reason::new("parameter-malformed", "what a day costs is a decimal of 0 or more");
            return Err(Fault::from(reason));
        }
    };
    let asked = OptionsOf { item: which.item, site: which.site, day_cost, all, most: 20 };
    let found = ask(&state, move |planner| planner.options(&asked)).await.map_err(Fault::from)?;
    let Some(found) = found else { return Err(Fault::from(Problem::not_found(missing))) };
    let day_cost = found.objective.day_cost.normalize().to_string();
    show(&Page { shell, found, day_cost, all })
}

impl Page {
    /// The orders an option moves, those of others that it makes later too.
    fn moved<'a>(&self, impact: &'a Impact) -> Vec<&'a OrderImpact> {
        impact.orders.iter().take(MOST_ORDERS).collect()
    }

    fn more(&self, impact: &Impact) -> usize {
        impact.orders.len().saturating_sub(MOST_ORDERS)
    }
}

/// Orders that end sooner, and such that end later.
pub(super) fn sooner_and_later(impact: &Impact) -> (usize, usize) {
    let end = |dates: Option<lineshaft_engine::planner::Dates>| {
        dates.map(|dates| dates.end.map_or(i64::MAX, |at| at.0))
    };
    let mut found = (0, 0);
    for order in &impact.orders {
        match (end(order.before), end(order.after)) {
            (Some(before), Some(after)) if after < before => found.0 += 1,
            (Some(before), Some(after)) if after > before => found.1 += 1,
            _ => {}
        }
    }
    found
}

/// What kind of thing is done, in words.
fn kind(kind: OptionKind) -> &'static str {
    match kind {
        OptionKind::UseSafetyStock => "use safety stock",
        OptionKind::Expedite => "expedite",
        OptionKind::SplitDelivery => "split delivery",
        OptionKind::Transfer => "transfer",
        OptionKind::Substitute => "substitute",
        OptionKind::Buy => "buy",
        OptionKind::Resequence => "resequence",
        OptionKind::Reduce => "reduce",
        OptionKind::Delay => "delay",
    }
}
