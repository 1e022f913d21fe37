//! An order: its dates, the chain of what holds it up, and its pegs both ways.

use askama::Template;
use axum::extract::{Query, State as Extract};
use lineshaft_engine::planner::{Direction, OrderState, OrderStatus, Peg, PegEnd};
use lineshaft_model::sight::Act;
use serde::Deserialize;

use super::drawing::{Spans, day, said};
use super::{Answer, Bar, Scale, Section, Shell, State, Tick, Viewer, ask, bar, horizon, show};
use crate::console::fault::Fault;
use crate::problem::Problem;

/// Pegs of each way.
const MOST_PEGS: usize = 300;

/// Which order.
#[derive(Debug, Default, Deserialize)]
pub(in crate::console) struct Which {
    #[serde(default)]
    order: String,
}

#[derive(Template)]
#[template(path = "planning_order.html")]
struct Page {
    shell: Shell,
    order: OrderState,
    bar: Bar,
    ticks: Vec<Tick>,
    now_x: i64,
    causes: Vec<Cause>,
    /// What covers it, and what it is for.
    /// None for whoever sees some sites only.
    trees: Vec<(&'static str, &'static str, Vec<Branch>)>,
}

/// One link of the chain, with where more is told.
struct Cause {
    words: String,
    path: Option<String>,
}

/// A peg as a line of a tree.
struct Branch {
    depth: u32,
    what: String,
    path: Option<String>,
    quantity: String,
    when: String,
    late: bool,
}

/// One order.
pub(in crate::console) async fn order(
    Extract(state): Extract<State>,
    viewer: Viewer,
    Query(which): Query<Which>,
) -> Answer {
    viewer.caller.allow(Act::SeePlan)?;
    let caller = viewer.caller.clone();
    let whole = caller.sees_plan("");
    let title = format!("{} · Planning", which.order);
    let shell = Shell::new(&state, viewer, Section::Planning, title).live(2_000).beating(super::pulse::PATH);
    let missing = format!("the plan has no order {}", which.order);
    let found = ask(&state, move |planner| {
        let root = PegEnd::Order { key: which.order.clone() };
        // Pegs lead to every site.
        let pegs = |direction| if whole { planner.pegging(&root, direction, MOST_PEGS) } else { Vec::new() };
        let order = planner.order(&which.order)?;
        Some((order, pegs(Direction::ToSupply), pegs(Direction::ToDemand)))
    });
    let found = found.await.map_err(Fault::from)?;
    let found = found.filter(|(order, ..)| caller.sees_plan(&order.site));
    let Some((order, down, up)) = found else { return Err(Fault::from(Problem::not_found(missing))) };
    let (from, until) = horizon(std::slice::from_ref(&order), shell.now);
    let scale = Scale { from, until };
    let causes =
        order.chain.iter().map(|link| Cause { words: said(link), path: path_of_link(link) }).collect();
    let branches = |pegs: Vec<Peg>, direction| pegs.into_iter().map(|peg| branch(&peg, direction)).collect();
    let trees = if whole {
        vec![
            ("covers", "What covers it", branches(down, Direction::ToSupply)),
            ("for", "What it is for", branches(up, Direction::ToDemand)),
        ]
    } else {
        Vec::new()
    };
    let (ticks, now_x) = (scale.ticks(), scale.x(shell.now));
    show(&Page { shell, bar: bar(order.clone(), scale), order, ticks, now_x, causes, trees })
}

impl Page {
    fn span(&self) -> Spans {
        super::spans(&self.bar, self.now_x)
    }

    fn status(&self) -> &'static str {
        match self.order.status {
            OrderStatus::Planned => "planned",
            OrderStatus::Released => "released",
            OrderStatus::Running => "running",
            OrderStatus::Held => "held",
        }
    }
}

fn path_of_link(link: &lineshaft_engine::planner::Link) -> Option<String> {
    use lineshaft_engine::planner::Link;
    match link {
        Link::Component { item, site, .. } | Link::Missing { item, site, .. } => {
            Some(super::item_path(item, site))
        }
        Link::Order { order, .. } => Some(super::order_path(order)),
        Link::Supply { supply, .. } => {
            let order = supply.split('/').next().unwrap_or_default();
            Some(crate::console::query::link("/search", &[("q", Some(order))]))
        }
        _ => None,
    }
}

fn branch(peg: &Peg, direction: Direction) -> Branch {
    let end = if direction == Direction::ToSupply { &peg.supply } else { &peg.demand };
    let (what, path) = match end {
        PegEnd::Supply { key } => (format!("supply {key}"), None),
        PegEnd::Demand { key } => (format!("demand {key}"), None),
        PegEnd::Order { key } => (format!("order {key}"), Some(super::order_path(key))),
        PegEnd::SafetyStock { .. } => ("safety stock".to_owned(), None),
    };
    let item = peg.substitute.as_ref().filter(|_| direction == Direction::ToSupply).unwrap_or(&peg.item);
    let there = || peg.usable_at.map_or_else(|| "there".to_owned(), |at| format!("there on {}", day(at)));
    let when = match (direction, peg.due) {
        (Direction::ToSupply, Some(due)) if peg.late => format!("{}, due {}", there(), day(due)),
        (Direction::ToSupply, _) | (_, None) => there(),
        (Direction::ToDemand, Some(due)) if peg.late => format!("due {}, {}", day(due), there()),
        (Direction::ToDemand, Some(due)) => format!("due {}", day(due)),
    };
    let quantity = format!("{} {} {item}", peg.quantity.value.normalize(), peg.quantity.unit);
    Branch { depth: peg.depth.min(12), what, path, quantity, when, late: peg.late }
}
