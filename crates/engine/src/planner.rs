//! The planner: keeps the plan of supply and demand in step with the objects, and tells what each event does to it.
//!
//! It follows the journal behind the views. The plan can be dropped and made anew from the objects at any time: it is made so at
//! every start.

mod ask;
mod facts;
mod follow;
mod read;
mod tell;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use lineshaft_model::json::Value;
use lineshaft_model::{Millis, Position, Reason};
pub use lineshaft_planning::record::{DemandKind, SupplyKind};
pub use lineshaft_planning::{
    Availability, Counts, Direction, Impact, Link, MovementKind, OrderImpact, OrderState, Peg, PegEnd,
    Shortage,
};
use lineshaft_planning::{Change, Plan, Settings};
use lineshaft_store::reading::Reading;
use lineshaft_store::views::ObjectFilter;
use parking_lot::Mutex;
use serde::Serialize;

pub use self::ask::{Problems, Supposed, SupposedEvent, Unread};
use self::facts::{Facts, OBJECT_TYPES, Places};
pub(crate) use self::follow::run;

/// Impacts kept for those who ask later.
const MOST_IMPACTS: usize = 500;

/// Objects read at a time while loading.
const PAGE: usize = 500;

/// How planning is done here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanningSetup {
    /// The site of whatever names none.
    pub site: String,
    /// The IANA time zone of each site.
    pub zones: BTreeMap<String, String>,
    /// Whether operations wait for their work centres.
    pub finite_capacity: bool,
}

/// What one event did to the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Assessed {
    /// The event; none when it was the passing of time.
    pub cause: Option<Cause>,
    /// When it was assessed.
    pub at: Millis,
    /// What it did.
    pub impact: Impact,
}

/// The event that changed the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// Its position.
    pub position: Position,
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Its subject.
    pub subject: String,
}

/// The plan and what it is made from.
pub struct Planner {
    state: Mutex<State>,
    tenant: String,
    /// The last position that the plan has taken in.
    position: AtomicU64,
    loaded: AtomicBool,
}

struct State {
    plan: Plan,
    facts: Facts,
    /// The latest last.
    impacts: VecDeque<Assessed>,
}

impl std::fmt::Debug for Planner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Planner").field("position", &self.position).finish_non_exhaustive()
    }
}

impl Planner {
    /// A planner that knows nothing yet.
    pub(crate) fn new(setup: &PlanningSetup, tenant: String, now: Millis) -> Self {
        let zones = setup.zones.iter().filter_map(|(site, zone)| {
            // The workspace's check has refused those that do not exist.
            Some((site.clone(), jiff::tz::TimeZone::get(zone).ok()?))
        });
        let places = Places { site: setup.site.clone(), zones: zones.collect() };
        let settings = Settings { now, finite_capacity: setup.finite_capacity };
        let state = State { plan: Plan::new(settings), facts: Facts::new(places), impacts: VecDeque::new() };
        Self { state: Mutex::new(state), tenant, position: AtomicU64::new(0), loaded: AtomicBool::new(false) }
    }

    /// The last position that the plan has taken in.
    #[must_use]
    pub fn position(&self) -> Position {
        Position(self.position.load(Ordering::Acquire))
    }

    /// Whether every object that was there at the start is in the plan.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.loaded.load(Ordering::Acquire)
    }

    /// Takes in every object as the views have it, which is at `applied` or later: what comes after is taken in again by the
    /// events. Blocks.
    pub(crate) fn load(&self, reading: &Reading, applied: Position) -> Result<(), Reason> {
        for object_type in OBJECT_TYPES {
            let filter = ObjectFilter {
                tenant: self.tenant.clone(),
                object_type: object_type.to_owned(),
                ..ObjectFilter::default()
            };
            let mut cursor: Option<String> = None;
            loop {
                let page = reading.objects(&filter, cursor.as_deref(), PAGE).map_err(|e| e.reason())?;
                let mut changes = Vec::new();
                for row in &page.items {
                    changes.extend(self.changes(reading, object_type, &row.object.key)?);
                }
                self.state.lock().plan.load(changes);
                match page.next {
                    Some(next) => cursor = Some(next),
                    None => break,
                }
            }
        }
        self.position.store(applied.0, Ordering::Release);
        self.loaded.store(true, Ordering::Release);
        Ok(())
    }

    /// Takes in an object as it is now because of an event. Blocks.
    fn take(&self, reading: &Reading, touched: &Touched, now: Millis) -> Result<Option<Assessed>, Reason> {
        let changes = self.changes(reading, touched.object_type, &touched.key)?;
        if changes.is_empty() {
            return Ok(None);
        }
        let mut state = self.state.lock();
        let impact = state.plan.apply(changes);
        Ok(state.keep(Assessed { cause: Some(touched.cause.clone()), at: now, impact }))
    }

    /// Moves the plan's time on.
    fn advance(&self, now: Millis) -> Option<Assessed> {
        let mut state = self.state.lock();
        let impact = state.plan.advance(now);
        state.keep(Assessed { cause: None, at: now, impact })
    }

    fn changes(&self, reading: &Reading, object_type: &str, key: &str) -> Result<Vec<Change>, Reason> {
        let object = reading.object(&self.tenant, object_type, key, None).map_err(|e| e.reason())?;
        let mut state = self.state.lock();
        let Some(object) = object else { return Ok(state.facts.take(object_type, key, None)) };
        let data = Value::parse(object.data.get().as_bytes(), &lineshaft_model::json::Limits::DEFAULT)?;
        Ok(state.facts.take(object_type, key, Some(&data)))
    }
}

impl State {
    /// Keeps what was assessed for those who ask later, if anything happened.
    fn keep(&mut self, assessed: Assessed) -> Option<Assessed> {
        let Impact { orders, demands, shortages, problems, .. } = &assessed.impact;
        if orders.is_empty() && demands.is_empty() && shortages.is_empty() && problems.is_empty() {
            return None;
        }
        if self.impacts.len() == MOST_IMPACTS {
            self.impacts.pop_front();
        }
        self.impacts.push_back(assessed.clone());
        Some(assessed)
    }
}

/// An object that an event has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Touched {
    object_type: &'static str,
    key: String,
    cause: Cause,
}
