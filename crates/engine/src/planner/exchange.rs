//! To and from another planning system: what it is asked, its schedule beside ours, and what follows when it is taken.
//!
//! A request is an event like any other; a route and a mapping carry it to the planner in its own form. The planner's schedule comes
//! back through a source of its own, as `lineshaft.plan.proposed.v1`, whatever its form was.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use lineshaft_logic::draft::Draft;
use lineshaft_model::event::source_urn;
use lineshaft_model::json::Value;
use lineshaft_model::{Envelope, Millis, Position, Priority, Reason};
use lineshaft_planning::exchange::{Bucketed, Comparison, Move, Open, Resource, Schedule, Scheduled};
use lineshaft_planning::record::SupplyKind;
use serde::Serialize;
use serde_json::json;

use super::Planner;
use super::facts::Places;
use super::read::Part;

/// Orders of one request, and of one schedule that is read.
const MOST_ORDERS: usize = 10_000;
/// Quantities of one schedule that are read.
const MOST_QUANTITIES: usize = 100_000;
/// Buckets of one schedule.
const MOST_BUCKETS: i64 = 4_000;
/// Schedules that are kept, one for each subject.
pub(super) const MOST_SCHEDULES: usize = 16;
/// How far a request looks ahead when it does not say, and at most.
const USUAL_HORIZON_MS: i64 = 14 * DAY_MS;
const LONGEST_HORIZON_MS: i64 = 400 * DAY_MS;
const DAY_MS: i64 = 86_400_000;

/// What another planning system is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanRequest {
    /// Names the request; the answer may name it.
    pub request: String,
    /// The site; none: all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// What it is about, in time.
    pub horizon: Horizon,
    /// The orders that are to start within it, the soonest first.
    pub orders: Vec<Asked>,
    /// The work centres of their operations.
    pub resources: Vec<AskedResource>,
}

/// A stretch of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Horizon {
    /// Its begin, RFC 3339; in a request as the site's clocks show it.
    pub from: String,
    /// Its end.
    pub to: String,
}

/// An order in a request: what is known, and the same in minutes since the horizon's begin for planners that count so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// What is known.
    #[serde(flatten)]
    pub order: Open,
    /// When its material is there; none: nobody knows.
    pub release_minute: Option<i64>,
    /// When it is to end.
    pub due_minute: i64,
    /// How long it takes as planned.
    pub minutes: i64,
}

/// A work centre in a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AskedResource {
    /// What is known.
    #[serde(flatten)]
    pub resource: Resource,
    /// Its closures in minutes since the horizon's begin.
    pub closed_minutes: Vec<(i64, i64)>,
}

/// A schedule that another planning system has sent.
#[derive(Clone, Debug)]
pub(super) struct Proposed {
    /// The subject it came under.
    pub(super) name: String,
    /// The system that sent it.
    pub(super) system: String,
    /// Its event.
    pub(super) position: Position,
    /// When the hub took it.
    pub(super) received: Millis,
    pub(super) schedule: Schedule,
    /// The request it answers.
    pub(super) request: Option<String>,
    /// What could not be read of it.
    pub(super) unread: Vec<Reason>,
}

/// A schedule beside ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// The subject it came under.
    pub schedule: String,
    /// The system that sent it.
    pub system: String,
    /// Its event.
    pub position: Position,
    /// When the hub took it.
    pub received: Millis,
    /// The request it answers, when it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// What it speaks of.
    pub horizon: Horizon,
    /// How many buckets it counts in; 0 when its times are exact.
    pub buckets: usize,
    /// How exact its times are.
    pub step_ms: i64,
    /// What differs.
    pub comparison: Comparison,
    /// How many orders would move if it were taken.
    pub moves: usize,
    /// What could not be read of it.
    pub unread: Vec<Reason>,
}

impl Planner {
    /// What another planning system would be asked now.
    pub fn request(
        &self,
        site: Option<&str>,
        horizon_ms: Option<i64>,
        now: Millis,
    ) -> Result<PlanRequest, Reason> {
        let span = horizon_ms.unwrap_or(USUAL_HORIZON_MS);
        if !(60_000..=LONGEST_HORIZON_MS).contains(&span) {
            let message = "a horizon is a minute at least and 400 days at most";
            return Err(Reason::new("horizon-range", message).at("?horizon").hint("write for instance 14d"));
        }
        let until = now.plus(span);
        let zone = self.zones.of(site);
        let state = self.state.lock();
        let orders = state.plan.open_orders(site, until, MOST_ORDERS);
        let centres: BTreeSet<&str> = orders
            .iter()
            .flat_map(|order| order.operations.iter().map(|step| step.work_centre.as_str()))
            .collect();
        let minute = |at: Millis| at.0.saturating_sub(now.0).div_euclid(60_000);
        let resource = |name: &str| {
            let resource = state.plan.resource(name, now, until);
            let closed_minutes = resource.closed.iter().map(|one| (minute(one.from), minute(one.until)));
            AskedResource { closed_minutes: closed_minutes.collect(), resource }
        };
        let resources = centres.into_iter().map(resource).collect();
        let asked = |order: Open| Asked {
            release_minute: order.material_at.map(|at| minute(at.plus(59_999)).max(0)),
            due_minute: order.planned.end.map_or(0, minute),
            minutes: match (order.planned.start, order.planned.end) {
                (Some(start), Some(end)) => (end.since(start) / 60_000).max(1),
                _ => 1,
            },
            order,
        };
        Ok(PlanRequest {
            request: format!("{}-{}", site.unwrap_or("all"), now.0),
            site: site.map(str::to_owned),
            horizon: Horizon { from: local(now, zone), to: local(until, zone) },
            orders: orders.into_iter().map(asked).collect(),
            resources,
        })
    }

    /// The schedules of other planning systems beside ours, by name.
    #[must_use]
    pub fn schedules(&self) -> Vec<Compared> {
        let state = self.state.lock();
        state.proposed.values().map(|proposed| proposed.beside(&state.plan)).collect()
    }

    /// One of them.
    #[must_use]
    pub fn schedule(&self, name: &str) -> Option<Compared> {
        let state = self.state.lock();
        state.proposed.get(name).map(|proposed| proposed.beside(&state.plan))
    }

    /// The events by which a schedule is taken, and the system that they come from: itself and each order that moves.
    pub(crate) fn taken(&self, name: &str, why: &str) -> Result<(String, Vec<Draft>), Reason> {
        let state = self.state.lock();
        let Some(proposed) = state.proposed.get(name) else {
            let message = format!("no planning system has sent a schedule `{name}`");
            return Err(Reason::new("schedule-unknown", message).hint("GET /v1/plan/schedules lists them"));
        };
        Ok((
            proposed.system.clone(),
            proposed.events(&state.plan.moves(&proposed.schedule), &self.tenant, why),
        ))
    }
}

/// A time as the site's clocks show it, with its offset: planners count in days of the site.
fn local(at: Millis, zone: &TimeZone) -> String {
    let stamp = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    stamp.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// A request as an event.
pub(crate) fn request_event(request: &PlanRequest) -> Draft {
    let envelope = Envelope {
        id: format!("plan-request-{}", request.request),
        event_type: "lineshaft.plan-request.issued.v1".to_owned(),
        subject: request.site.clone().unwrap_or_else(|| "all".to_owned()),
        site: request.site.clone().unwrap_or_default(),
        ..Envelope::default()
    };
    Draft { envelope, data: json!(request).to_string().into(), keys: Vec::new() }
}

impl Proposed {
    fn beside(&self, plan: &lineshaft_planning::Plan) -> Compared {
        let Schedule { from, until, borders, step_ms, .. } = &self.schedule;
        Compared {
            schedule: self.name.clone(),
            system: self.system.clone(),
            position: self.position,
            received: self.received,
            request: self.request.clone(),
            horizon: Horizon { from: from.to_string(), to: until.to_string() },
            buckets: borders.len().saturating_sub(1),
            step_ms: *step_ms,
            comparison: plan.compare(&self.schedule),
            moves: plan.moves(&self.schedule).len(),
            unread: self.unread.clone(),
        }
    }

    /// `schedule.revised` with every move and what it needs, and `production-order.rescheduled` for each order.
    pub(super) fn events(&self, moves: &[Move], tenant: &str, why: &str) -> Vec<Draft> {
        let version = self.position.0;
        let id = format!("{}-{version}", self.name);
        let reason = if why.is_empty() {
            format!("schedule {} of {}", self.name, self.system)
        } else {
            why.to_owned()
        };
        let told = moves.iter().map(|one| {
            json!({ "production_order": one.order, "action": "move", "item": one.item, "site": one.site,
                    "from": one.from, "start": one.start.to_string(), "end": one.end.to_string(),
                    "reason": reason, "needs": one.needs })
        });
        let purchases = moves.iter().flat_map(|one| {
            one.needs.iter().flat_map(move |need| {
                let bought = need.supplies.iter().filter(|supply| supply.kind == SupplyKind::PurchaseOrder);
                bought.map(move |supply| {
                    let mut parts = supply.supply.split('/');
                    json!({ "purchase_order": parts.next(), "line": parts.next(), "item": need.item, "site": need.site,
                            "quantity": supply.quantity, "needed_on": need.on.to_string(), "production_order": one.order })
                })
            })
        });
        let data = json!({
            "version": version,
            "base_version": 0,
            "cause": self.position,
            "horizon": { "from": self.schedule.from.to_string(), "to": self.schedule.until.to_string() },
            "moves": told.collect::<Vec<_>>(),
            "purchases": purchases.collect::<Vec<_>>(),
        });
        let envelope = |id: String, event_type: &str, subject: &str| Envelope {
            id,
            source: source_urn(tenant, &self.system),
            event_type: event_type.to_owned(),
            subject: subject.to_owned(),
            priority: Some(Priority::High),
            causationid: self.position.to_string(),
            ..Envelope::default()
        };
        let whole = Draft {
            envelope: envelope(id.clone(), "lineshaft.schedule.revised.v1", &self.name),
            data: data.to_string().into(),
            keys: Vec::new(),
        };
        let orders = moves.iter().map(|one| {
            let data = json!({ "start": one.start.to_string(), "end": one.end.to_string(), "action": "move",
                               "schedule_version": version, "reason": reason });
            let id = format!("{id}-{}", one.order);
            let event_type = "lineshaft.production-order.rescheduled.v1";
            let envelope = Envelope { site: one.site.clone(), ..envelope(id, event_type, &one.order) };
            Draft { envelope, data: data.to_string().into(), keys: Vec::new() }
        });
        std::iter::once(whole).chain(orders).collect()
    }
}

/// Reads a schedule: `site`, `horizon: {from, to}`, `step_minutes`, `bucket_days` or `bucket_minutes`,
/// `orders: [{production_order, start, end}]`, `quantities: [{item, site, date, until, quantity}]`.
pub(super) fn read(places: &Places, state: &Value<'_>, now: Millis) -> (Schedule, Vec<Reason>) {
    let mut reasons = Vec::new();
    let part = Part::new(state);
    let site = part.text("site").unwrap_or(&places.site).to_owned();
    let zone = places.zone(&site);
    let mut schedule = Schedule { from: now, until: now, ..Schedule::default() };
    if let Some(horizon) = part.part("horizon") {
        let from = horizon.time(&["from"], zone, &mut reasons);
        let until = horizon.time(&["to", "until"], zone, &mut reasons);
        (schedule.from, schedule.until) = (from.unwrap_or(now), until.unwrap_or(now));
    }
    if schedule.until <= schedule.from {
        let why = "a schedule says what it looks at: `horizon` with `from` and a later `to`";
        part.note("horizon", "horizon-missing", why, &mut reasons);
    }
    schedule.step_ms = i64::from(part.whole("step_minutes", &mut reasons).unwrap_or(1)) * 60_000;
    match borders(&part, zone, &schedule, &mut reasons) {
        Some(borders) => schedule.borders = borders,
        None => {
            let why = "a bucket is longer than nothing, and there are 4,000 at most";
            part.note("", "bucket-range", why, &mut reasons);
        }
    }
    for order in part.each("orders").take(MOST_ORDERS) {
        let Some(name) = order.text_of(&["production_order", "order"]) else {
            order.note("production_order", "attribute-missing", "an order has its number", &mut reasons);
            continue;
        };
        let start = order.time(&["start"], zone, &mut reasons);
        let end = order.time(&["end"], zone, &mut reasons);
        schedule.orders.push(Scheduled { order: name.to_owned(), start, end });
    }
    for one in part.each("quantities").take(MOST_QUANTITIES) {
        let from = one.time(&["date", "from"], zone, &mut reasons);
        let until = one.time(&["until"], zone, &mut reasons);
        let (Some(item), Some(from), Some(quantity)) =
            (one.text("item"), from, one.quantity("quantity", &mut reasons))
        else {
            let why = "a quantity has `item`, `date` and `quantity`";
            one.note("", "attribute-missing", why, &mut reasons);
            continue;
        };
        let site = one.text("site").unwrap_or(&site).to_owned();
        let (from, until) = bucket_of(&schedule, from, until);
        schedule.quantities.push(Bucketed { item: item.to_owned(), site, from, until, quantity });
    }
    // What is wrong in ten thousand places is wrong in a hundred.
    reasons.truncate(100);
    (schedule, reasons)
}

/// The bucket that a date lies in; a day where there are none and no end is told.
fn bucket_of(schedule: &Schedule, at: Millis, until: Option<Millis>) -> (Millis, Millis) {
    if let Some(until) = until {
        return (at, until);
    }
    let behind = schedule.borders.partition_point(|border| *border <= at);
    match (behind.checked_sub(1).and_then(|n| schedule.borders.get(n)), schedule.borders.get(behind)) {
        (Some(from), Some(until)) => (*from, *until),
        _ => (at, at.plus(DAY_MS)),
    }
}

/// The borders of its buckets: days of the site, which are not all of the same length, or minutes. None when they cannot be.
fn borders(
    part: &Part<'_>,
    zone: &TimeZone,
    schedule: &Schedule,
    reasons: &mut Vec<Reason>,
) -> Option<Vec<Millis>> {
    let (days, minutes) = (part.whole("bucket_days", reasons), part.whole("bucket_minutes", reasons));
    let span = schedule.until.0.saturating_sub(schedule.from.0).max(0);
    let mut borders = Vec::new();
    if let Some(days) = days.map(i64::from) {
        if days == 0 || span / (days * DAY_MS) > MOST_BUCKETS {
            return None;
        }
        let stamp = jiff::Timestamp::from_millisecond(schedule.from.0).ok()?;
        let first = stamp.to_zoned(zone.clone()).date();
        for n in 0..=MOST_BUCKETS {
            let day = first.checked_add(jiff::Span::new().try_days(n * days).ok()?).ok()?;
            let midnight = zone.to_ambiguous_zoned(day.to_datetime(jiff::civil::Time::midnight()));
            let at = Millis(midnight.compatible().ok()?.timestamp().as_millisecond());
            borders.push(at);
            if at >= schedule.until {
                break;
            }
        }
    } else if let Some(minutes) = minutes.map(i64::from) {
        if minutes == 0 || span / (minutes * 60_000) > MOST_BUCKETS {
            return None;
        }
        let at = (0..=MOST_BUCKETS).map(|n| schedule.from.plus(n * minutes * 60_000));
        borders.extend(at.take_while(|at| *at < schedule.until));
        borders.push(schedule.until);
    }
    Some(borders)
}
