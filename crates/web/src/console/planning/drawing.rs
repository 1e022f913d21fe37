//! Time on the width of a drawing, and what a cause is in words.

use askama::Template;
use askama::filters::HtmlSafe;
use lineshaft_engine::planner::{Dates, Link, OrderState};
use lineshaft_model::Millis;

/// Width of a drawing in its own units.
pub(super) const WIDTH: i64 = 1_000;

/// Two stretches of time, one above the other.
#[derive(Template)]
#[template(path = "planning_span.html")]
pub(super) struct Spans {
    label: String,
    now_x: i64,
    classes: (&'static str, &'static str),
    upper: Option<(i64, i64, String)>,
    lower: Option<(i64, i64, String)>,
}

/// A template of ours: it has escaped what it shows already.
impl HtmlSafe for Spans {}

impl Spans {
    /// An order as planned and as it can be, or as two schedules have it.
    pub(super) fn new(label: String, now_x: i64, classes: (&'static str, &'static str)) -> Self {
        Self { label, now_x, classes, upper: None, lower: None }
    }

    pub(super) fn upper(mut self, span: Option<(i64, i64)>, dates: Dates) -> Self {
        self.upper = span.map(|(x, width)| (x, width, dates_in_words(dates)));
        self
    }

    pub(super) fn lower(mut self, span: Option<(i64, i64)>, dates: Dates) -> Self {
        self.lower = span.map(|(x, width)| (x, width, dates_in_words(dates)));
        self
    }
}

fn dates_in_words(dates: Dates) -> String {
    let minute = |at: Option<Millis>| {
        at.map_or_else(|| "?".to_owned(), |at| at.to_string().get(..16).unwrap_or_default().replace('T', " "))
    };
    format!("{} to {}", minute(dates.start), minute(dates.end))
}

/// A day on the axis.
pub(super) struct Tick {
    pub(super) x: i64,
    pub(super) label: String,
}

/// A stretch of time on the width of a drawing.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    pub(super) from: i64,
    pub(super) until: i64,
}

pub(super) const DAY_MS: i64 = 86_400_000;

impl Scale {
    pub(super) fn x(self, at: Millis) -> i64 {
        let along = i128::from(at.0.clamp(self.from, self.until) - self.from) * i128::from(WIDTH);
        i64::try_from(along / i128::from((self.until - self.from).max(1))).unwrap_or(0)
    }

    /// At most about eight days, at their beginning.
    pub(super) fn ticks(self) -> Vec<Tick> {
        let days = (self.until - self.from) / DAY_MS;
        let step = (days / 8).max(1) * DAY_MS;
        let first = (self.from / DAY_MS + 1) * DAY_MS;
        let at = (0..10).map(|n| Millis(first + n * step)).take_while(|at| at.0 < self.until);
        at.map(|at| Tick { x: self.x(at), label: at.to_string().get(5..10).unwrap_or_default().to_owned() })
            .collect()
    }
}

/// From now or the first planned start to the last end, three days at least.
pub(super) fn horizon(orders: &[OrderState], now: Millis) -> (i64, i64) {
    let dates = orders
        .iter()
        .flat_map(|order| [order.planned.start, order.planned.end, order.feasible.start, order.feasible.end]);
    let known: Vec<i64> = dates.flatten().map(|at| at.0).chain([now.0]).collect();
    let from = known.iter().copied().min().unwrap_or(now.0).max(now.0 - 30 * DAY_MS);
    let until = known.iter().copied().max().unwrap_or(now.0).min(now.0 + 400 * DAY_MS);
    (from, until.max(from + 3 * DAY_MS))
}

/// The chain of causes as one sentence, its first and last links.
pub(super) fn why(chain: &[Link]) -> String {
    match chain {
        [] => String::new(),
        [only] => said(only),
        [first, second] => format!("{}: {}", said(first), said(second)),
        [first, .., last] => format!("{}: {} (through {} steps)", said(first), said(last), chain.len()),
    }
}

/// One cause in words.
pub(super) fn said(link: &Link) -> String {
    match link {
        Link::StartPassed { order } => format!("{order} should have started"),
        Link::Held { order } => format!("{order} is held"),
        Link::WorkCentre { order, work_centre } => format!("{order} waits for {work_centre}"),
        Link::Component { item, site, .. } => format!("waits for {item} at {site}"),
        Link::Supply { supply, supplier, usable_at, .. } => {
            let whose = supplier.as_deref().map(|name| format!(" of {name}")).unwrap_or_default();
            match usable_at {
                Some(at) => format!("{supply}{whose} comes on {}", day(*at)),
                None => format!("{supply}{whose} has no date"),
            }
        }
        Link::Order { order, usable_at } => match usable_at {
            Some(at) => format!("made by {order} on {}", day(*at)),
            None => format!("made by {order}, nobody knows when"),
        },
        Link::Missing { item, quantity, .. } => {
            format!("{} {} of {item} are covered by nothing", quantity.value.normalize(), quantity.unit)
        }
    }
}

pub(super) fn day(at: Millis) -> String {
    at.to_string().get(..10).unwrap_or_default().to_owned()
}
