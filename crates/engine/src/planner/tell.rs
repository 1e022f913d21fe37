//! What the planner tells the world: events about shortages that come and go, and about orders that move; damped, so that what
//! flaps is not told.

use std::collections::BTreeMap;

use lineshaft_logic::draft::Draft;
use lineshaft_model::{Envelope, Millis, Priority};
use lineshaft_planning::damp::{Damper, Moved, Moves, Notice, Patience};
use lineshaft_planning::{Coverage, Dates, Missing, Plan};
use serde_json::{Value, json};

use super::{Assessed, Cause};

/// Orders, demands and shortages named in one event; the rest is counted.
const MOST_NAMED: usize = 100;
const DAY_MS: u64 = 86_400_000;

/// The types of events about shortages.
pub(super) const DETECTED: &str = "lineshaft.material.shortage-detected.v1";
pub(super) const RESOLVED: &str = "lineshaft.material.shortage-resolved.v1";

/// What has been told, and what waits to be.
pub(super) struct Telling {
    shortages: Damper,
    orders: Moves<Standing<Dates>>,
    demands: Moves<Standing<Option<Coverage>>>,
    /// The orders that were named with the shortage of an item-site.
    named: BTreeMap<(String, String), Vec<String>>,
}

/// How an order or a demand stands, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Standing<T> {
    item: String,
    site: String,
    customer: Option<String>,
    priority: u32,
    is: T,
}

/// A shortage that an earlier life of the hub has told.
pub(super) struct Told {
    pub(super) item: String,
    pub(super) site: String,
    pub(super) missing: Missing,
    pub(super) orders: Vec<String>,
    pub(super) at: Millis,
}

/// Whether two times are a day apart, or one of them is not known.
fn far(one: Option<Millis>, other: Option<Millis>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.0.abs_diff(other.0) >= DAY_MS,
        (one, other) => one != other,
    }
}

fn covered_at(standing: &Standing<Option<Coverage>>) -> Option<Millis> {
    standing.is.and_then(|coverage| coverage.covered_at)
}

impl Telling {
    pub(super) fn new(patience: Patience) -> Self {
        Self {
            shortages: Damper::new(patience),
            orders: Moves::new(patience, |told, now| far(told.is.end, now.is.end)),
            demands: Moves::new(patience, |told, now| far(covered_at(told), covered_at(now))),
            named: BTreeMap::new(),
        }
    }

    /// Takes up what an earlier life has told, and what is missing now. What came or went in between is told.
    pub(super) fn begin(&mut self, told: Vec<Told>, plan: &Plan, now: Millis) {
        let cause = cause_text(None);
        for told in told {
            self.shortages.remember(&told.item, &told.site, told.missing, told.at);
            self.named.insert((told.item, told.site), told.orders);
        }
        let places: Vec<(String, String)> =
            self.shortages.places().map(|(item, site)| (item.to_owned(), site.to_owned())).collect();
        for (item, site) in places {
            let missing = plan.shortage(&item, &site).map(|shortage| shortage.missing);
            self.shortages.observe(&item, &site, missing.filter(is_real), &cause, now);
        }
        for shortage in plan.shortages(usize::MAX) {
            let missing = Some(shortage.missing).filter(is_real);
            self.shortages.observe(&shortage.item, &shortage.site, missing, &cause, now);
        }
    }

    /// Takes what was assessed.
    pub(super) fn observe(&mut self, assessed: &Assessed) {
        let (cause, now) = (cause_text(assessed.cause.as_ref()), assessed.at);
        for one in &assessed.impact.shortages {
            self.shortages.observe(&one.item, &one.site, one.after.filter(is_real), &cause, now);
        }
        for one in &assessed.impact.orders {
            // That orders come and go is told by whoever they belong to.
            let (Some(before), Some(after)) = (one.before, one.after) else { continue };
            let standing = |is: Dates| Standing {
                item: one.item.clone(),
                site: one.site.clone(),
                customer: one.customer.clone(),
                priority: one.priority,
                is,
            };
            self.orders.observe(&one.order, &standing(before), &standing(after), &cause, now);
        }
        for one in &assessed.impact.demands {
            let standing = |is: Option<Coverage>| Standing {
                item: one.item.clone(),
                site: one.site.clone(),
                customer: one.customer.clone(),
                priority: one.priority,
                is,
            };
            self.demands.observe(&one.demand, &standing(one.before), &standing(one.after), &cause, now);
        }
    }

    /// When something is to be told next.
    pub(super) fn next(&self) -> Option<Millis> {
        [self.shortages.next(), self.orders.next(), self.demands.next()].into_iter().flatten().min()
    }

    /// The events that are due. Their ids come from their causes, so that the same is told once.
    pub(super) fn due(&mut self, plan: &Plan, now: Millis) -> Vec<Draft> {
        let mut drafts = Vec::new();
        let mut by_cause: BTreeMap<String, Group> = BTreeMap::new();
        for notice in self.shortages.due(now) {
            drafts.push(self.shortage_event(&notice, plan, now));
            by_cause.entry(notice.cause.clone()).or_default().shortages.push(notice);
        }
        for moved in self.orders.due(now) {
            by_cause.entry(moved.cause.clone()).or_default().orders.push(moved);
        }
        for moved in self.demands.due(now) {
            by_cause.entry(moved.cause.clone()).or_default().demands.push(moved);
        }
        drafts.extend(by_cause.iter().filter_map(|(cause, group)| impact_event(cause, group, now)));
        drafts
    }

    fn shortage_event(&mut self, notice: &Notice, plan: &Plan, now: Millis) -> Draft {
        let (item, site) = (&notice.item, &notice.site);
        let place = (item.clone(), site.clone());
        let before = self.named.remove(&place).unwrap_or_default();
        let (event_type, orders, priority) = if notice.missing.is_some() {
            let orders = plan.shortage(item, site).map(|shortage| shortage.orders).unwrap_or_default();
            self.named.insert(place, orders.clone());
            (DETECTED, orders, Priority::High)
        } else {
            (RESOLVED, before, Priority::Normal)
        };
        let data = json!({
            "item": item,
            "site": site,
            "missing": notice.missing,
            "again": notice.again,
            "orders": orders.iter().take(MOST_NAMED).collect::<Vec<_>>(),
            "cause": cause_of(&notice.cause),
        });
        let id = format!("{event_type}-{}-{item}-{site}", identity(&notice.cause, now));
        draft(event_type, id, format!("{item}/{site}"), site, &data, priority)
    }
}

/// What one event brought about.
#[derive(Default)]
struct Group {
    shortages: Vec<Notice>,
    orders: Vec<Moved<Standing<Dates>>>,
    demands: Vec<Moved<Standing<Option<Coverage>>>>,
}

/// Touching the safety stock is no shortage yet.
fn is_real(missing: &Missing) -> bool {
    missing.demands > 0
}

fn impact_event(cause: &str, group: &Group, now: Millis) -> Option<Draft> {
    let mut moved: Vec<_> = group.orders.iter().filter(|one| one.from.is.end != one.to.is.end).collect();
    if moved.is_empty() {
        return None;
    }
    moved.sort_by(|one, other| (one.to.priority, &one.key).cmp(&(other.to.priority, &other.key)));
    let slip = |one: &Moved<Standing<Dates>>| Some(one.to.is.end?.0 - one.from.is.end?.0);
    let orders = moved.iter().take(MOST_NAMED).map(|one| {
        json!({ "order": one.key, "item": one.to.item, "site": one.to.site, "priority": one.to.priority,
                "customer": one.to.customer, "before": one.from.is, "after": one.to.is, "slip_ms": slip(one) })
    });
    let demands = group.demands.iter().take(MOST_NAMED).map(|one| {
        json!({ "demand": one.key, "item": one.to.item, "site": one.to.site, "priority": one.to.priority,
                "customer": one.to.customer, "before": one.from.is, "after": one.to.is })
    });
    let shortages =
        group.shortages.iter().take(MOST_NAMED).map(
            |one| json!({ "item": one.item, "site": one.site, "missing": one.missing, "again": one.again }),
        );
    let named = |count: usize| count.saturating_sub(MOST_NAMED);
    let data = json!({
        "cause": cause_of(cause),
        "orders": orders.collect::<Vec<_>>(),
        "demands": demands.collect::<Vec<_>>(),
        "shortages": shortages.collect::<Vec<_>>(),
        "not_named": { "orders": named(moved.len()), "demands": named(group.demands.len()), "shortages": named(group.shortages.len()) },
    });
    let later = moved.iter().any(|one| slip(one).is_none_or(|slip| slip > 0));
    // An event whose effect is told in parts has one for each time.
    let subject = format!("impact-{}-{}", identity(cause, now), now.0);
    let priority = if later { Priority::High } else { Priority::Normal };
    let event_type = "lineshaft.schedule.impact-assessed.v1";
    Some(draft(event_type, subject.clone(), subject, "", &data, priority))
}

/// The cause as the dampers carry it.
fn cause_text(cause: Option<&Cause>) -> String {
    json!(cause).to_string()
}

fn cause_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// What makes the event the same again: its cause, or the time when that was the passing of time.
fn identity(cause: &str, now: Millis) -> String {
    match cause_of(cause).get("position") {
        Some(position) => position.to_string(),
        None => format!("time-{}", now.0),
    }
}

fn draft(
    event_type: &str,
    id: String,
    subject: String,
    site: &str,
    data: &Value,
    priority: Priority,
) -> Draft {
    let envelope = Envelope {
        id,
        event_type: event_type.to_owned(),
        subject,
        site: site.to_owned(),
        priority: Some(priority),
        ..Envelope::default()
    };
    Draft { envelope, data: data.to_string().into(), keys: Vec::new() }
}
