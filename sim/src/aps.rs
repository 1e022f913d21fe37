//! The scheduler: knows supplies, stock and production orders, and holds what can no longer be built.

mod feasibility;
mod intake;
mod request;
mod routes;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};

use crate::amount::Amount;
use crate::clock::HOUR_MS;
use crate::plan::PLANT;
use crate::station::outbox::Document;
use crate::station::system::{Desk, Simulated, System};
use crate::story::Note;

use feasibility::{Need, Shortage, shortages};
pub(crate) use routes::routes;

pub(crate) type ApsSystem = System<Aps>;

/// The scheduler does nothing by itself; it answers what it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Todo {}

/// A purchase order as a supply.
#[derive(Clone, Debug, Default)]
pub(crate) struct Supply {
    pub(crate) revision: u64,
    pub(crate) state: String,
    lines: BTreeMap<u64, SupplyLine>,
}

#[derive(Clone, Debug)]
struct SupplyLine {
    item: String,
    quantity: Amount,
    day: Date,
}

#[derive(Clone, Debug)]
struct Job {
    revision: u64,
    state: String,
    start: Timestamp,
    priority: u64,
    parts: Vec<(String, Amount)>,
    held: bool,
    /// What a running order has not been issued yet: still on the shelf, and no longer free.
    owed: Vec<(String, Amount)>,
}

impl Job {
    /// Not started: it can be held.
    fn is_open(&self) -> bool {
        matches!(self.state.as_str(), "created" | "released")
    }
}

#[derive(Debug, Default)]
pub(crate) struct Aps {
    /// Stock by item and location.
    positions: BTreeMap<(String, String), Amount>,
    supplies: BTreeMap<String, Supply>,
    confirmations: BTreeMap<String, Value>,
    inbound: BTreeMap<String, Value>,
    jobs: BTreeMap<String, Job>,
    /// The schedule's version: each that leaves the house has the next number.
    version: u64,
}

impl Aps {
    pub(crate) fn positions(&self) -> &BTreeMap<(String, String), Amount> {
        &self.positions
    }

    pub(crate) fn supplies(&self) -> &BTreeMap<String, Supply> {
        &self.supplies
    }

    /// The revision of a production order as the scheduler knows it.
    pub(crate) fn job_revision(&self, number: &str) -> Option<u64> {
        self.jobs.get(number).map(|job| job.revision)
    }

    /// What of an item lies anywhere; `None` when no position of it is known, which is not the same as nothing.
    fn on_hand(&self, item: &str) -> Option<Amount> {
        let mut known = self
            .positions
            .range((item.to_owned(), String::new())..)
            .take_while(|((held, _), _)| held == item)
            .peekable();
        known.peek()?;
        Some(known.map(|(_, amount)| *amount).sum())
    }

    /// Stock of an item went down: running orders were issued what they were owed.
    fn issued(&mut self, item: &str, mut taken: Amount) {
        for job in self.jobs.values_mut() {
            for (_, owed) in job.owed.iter_mut().filter(|(owed_item, _)| owed_item == item) {
                let part = taken.min(*owed);
                *owed -= part;
                taken -= part;
            }
            job.owed.retain(|(_, owed)| !owed.is_zero());
        }
    }

    /// Holds what can no longer be built of these items and takes up what can be built again.
    fn review(&mut self, items: &[&str], cause: &str, desk: &mut Desk<'_, Todo>) {
        let concerned = |job: &Job| job.parts.iter().any(|(item, _)| items.contains(&item.as_str()));
        if !self.jobs.values().any(concerned) {
            return;
        }
        let needs: Vec<Need<'_>> = self
            .jobs
            .iter()
            .filter_map(|(order, job)| match job.is_open() {
                true => Some(Need { order, start: job.start, priority: job.priority, parts: &job.parts }),
                false if job.owed.is_empty() => None,
                false => Some(Need { order, start: Timestamp::MIN, priority: 0, parts: &job.owed }),
            })
            .collect();
        let short = shortages(needs, |item| self.on_hand(item));
        let mut moves: Vec<Value> = Vec::new();
        for (order, job) in &mut self.jobs {
            let open = job.is_open();
            let shortage = short.get(order.as_str()).filter(|_| open);
            match (shortage, job.held) {
                (Some(shortage), false) => {
                    job.held = true;
                    moves.push(hold(order, job, shortage));
                    desk.note(Note::Held { order: order.clone() });
                }
                (None, true) => {
                    job.held = false;
                    if open {
                        moves.push(json!({ "order": order, "action": "resume", "state": job.state, "start": job.start.to_string(), "reason": "material available" }));
                    }
                }
                _ => {}
            }
        }
        self.publish(&moves, cause, desk);
    }

    /// A supply comes later than the orders that were planned on it: they move behind it.
    fn supply_slipped(&mut self, item: &str, was: Date, day: Date, cause: &str, desk: &mut Desk<'_, Todo>) {
        let zone = jiff::tz::TimeZone::UTC;
        let (Ok(was), Ok(until)) = (was.to_zoned(zone.clone()), day.to_zoned(zone)) else { return };
        let (was, until) = (was.timestamp(), until.timestamp());
        let mut moves: Vec<Value> = Vec::new();
        for (order, job) in &mut self.jobs {
            let waits = job.state == "created" && job.start >= was && job.start < until;
            if waits && job.parts.iter().any(|(part, _)| part == item) && moves.len() < 3 {
                let from = std::mem::replace(&mut job.start, until);
                moves.push(json!({
                    "order": order,
                    "action": "move",
                    "state": job.state,
                    "from": from.to_string(),
                    "start": until.to_string(),
                    "reason": format!("{item} comes on {day}"),
                }));
            }
        }
        self.publish(&moves, cause, desk);
    }

    fn publish(&mut self, moves: &[Value], cause: &str, desk: &mut Desk<'_, Todo>) {
        if moves.is_empty() {
            return;
        }
        self.version += 1;
        let now = desk.clock.now();
        let id = format!("{PLANT}-V{}", self.version);
        let body = json!({
            "schedule": PLANT,
            "version": self.version,
            "base": self.version - 1,
            "at": now.to_string(),
            "horizonEnd": crate::clock::after(now, 14 * 24 * HOUR_MS).to_string(),
            "cause": cause,
            "moves": moves,
        });
        desk.send(Document::json("schedule", PLANT, &id, &body));
    }
}

fn hold(order: &str, job: &Job, shortage: &Shortage) -> Value {
    json!({
        "order": order,
        "action": "hold",
        "state": job.state,
        "start": job.start.to_string(),
        "reason": format!("{} of {} missing", shortage.missing, shortage.item),
        "item": shortage.item,
        "missing": shortage.missing.to_string(),
    })
}

impl Simulated for Aps {
    type Todo = Todo;

    fn perform(&mut self, todo: Todo, _: &mut Desk<'_, Todo>) {
        match todo {}
    }

    fn view(&self, what: &str) -> Option<Value> {
        let job = |order: &str, job: &Job| {
            json!({
                "order": order,
                "revision": job.revision,
                "state": job.state,
                "held": job.held,
                "start": job.start.to_string(),
                "priority": job.priority,
            })
        };
        match what.split_once('/').unwrap_or((what, "")) {
            ("", _) => Some(json!({
                "positions": self.positions.len(),
                "supplies": self.supplies.len(),
                "confirmations": self.confirmations.len(),
                "inbound": self.inbound.len(),
                "production-orders": self.jobs.len(),
                "held": self.jobs.values().filter(|job| job.held).count(),
                "schedule_version": self.version,
            })),
            ("positions", "") => Some(
                self.positions
                    .iter()
                    .map(|((item, location), amount)| json!({ "item": item, "location": location, "quantity": amount.to_string() }))
                    .collect(),
            ),
            ("supplies", "") => Some(
                self.supplies
                    .iter()
                    .map(|(order, supply)| json!({ "order": order, "revision": supply.revision, "state": supply.state, "lines": supply.lines.len() }))
                    .collect(),
            ),
            ("production-orders", "") => Some(self.jobs.iter().map(|(order, known)| job(order, known)).collect()),
            ("production-orders", order) => self.jobs.get(order).map(|known| job(order, known)),
            _ => None,
        }
    }
}
