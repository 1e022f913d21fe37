//! What the planner tells the world: events about shortages that come and go, and about orders that move.

use lineshaft_logic::draft::Draft;
use lineshaft_model::{Envelope, Priority};
use lineshaft_planning::{Impact, Missing, ShortageImpact};
use serde_json::{Value, json};

use super::Assessed;

/// Orders, demands and shortages named in one event; the rest is counted.
const MOST_NAMED: usize = 100;

/// The events that an assessment gives: ids come from the cause, so that the same assessment is the same event.
pub(super) fn events(assessed: &Assessed) -> Vec<Draft> {
    let Impact { orders, demands, shortages, .. } = &assessed.impact;
    let mut drafts: Vec<Draft> =
        shortages.iter().filter_map(|shortage| shortage_event(assessed, shortage)).collect();
    let moved: Vec<_> = orders
        .iter()
        .filter(|order| order.before.is_some() && order.after.is_some() && order.slip_ms != Some(0))
        .collect();
    if !moved.is_empty() {
        let named = |count: usize| count.saturating_sub(MOST_NAMED);
        let data = json!({
            "cause": assessed.cause,
            "orders": moved.iter().take(MOST_NAMED).collect::<Vec<_>>(),
            "demands": demands.iter().take(MOST_NAMED).collect::<Vec<_>>(),
            "shortages": shortages.iter().take(MOST_NAMED).collect::<Vec<_>>(),
            "not_named": { "orders": named(moved.len()), "demands": named(demands.len()), "shortages": named(shortages.len()) },
        });
        let later = moved.iter().any(|order| order.slip_ms.is_none_or(|slip| slip > 0));
        let subject = format!("impact-{}", identity(assessed));
        let priority = if later { Priority::High } else { Priority::Normal };
        drafts.push(draft(
            "lineshaft.schedule.impact-assessed.v1",
            subject.clone(),
            subject,
            &data,
            priority,
        ));
    }
    drafts
}

/// A shortage that was not there before, or is no more. One that only changes is told by the impact.
fn shortage_event(assessed: &Assessed, shortage: &ShortageImpact) -> Option<Draft> {
    let real = |missing: &Option<Missing>| missing.filter(|missing| missing.demands > 0);
    let (before, after) = (real(&shortage.before), real(&shortage.after));
    let (event_type, missing, priority) = match (before, after) {
        (None, Some(missing)) => ("lineshaft.material.shortage-detected.v1", missing, Priority::High),
        (Some(missing), None) => ("lineshaft.material.shortage-resolved.v1", missing, Priority::Normal),
        _ => return None,
    };
    let (item, site) = (&shortage.item, &shortage.site);
    let orders: Vec<&str> = assessed.impact.orders.iter().map(|order| order.order.as_str()).collect();
    let data = json!({
        "item": item,
        "site": site,
        "missing": missing,
        "orders": orders.iter().take(MOST_NAMED).collect::<Vec<_>>(),
        "cause": assessed.cause,
    });
    let id = format!("{}-{}-{item}-{site}", event_type, identity(assessed));
    Some(draft(event_type, id, format!("{item}/{site}"), &data, priority))
}

/// What makes the assessment the same again.
fn identity(assessed: &Assessed) -> String {
    match &assessed.cause {
        Some(cause) => cause.position.to_string(),
        None => format!("time-{}", assessed.at.0),
    }
}

fn draft(event_type: &str, id: String, subject: String, data: &Value, priority: Priority) -> Draft {
    let envelope = Envelope {
        id,
        event_type: event_type.to_owned(),
        subject,
        priority: Some(priority),
        ..Envelope::default()
    };
    Draft { envelope, data: data.to_string().into(), keys: Vec::new() }
}
