//! The planner: keeps the plan of supply and demand in step with the objects, and tells what each event does to it.
//!
//! It follows the journal behind the views. The plan can be dropped and made anew from the objects at any time: it is made so at
//! every start.

mod ask;
mod exchange;
mod facts;
mod follow;
mod ideas;
mod options;
mod read;
mod spans;
mod tell;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use jiff::tz::TimeZone;
use lineshaft_logic::draft::Draft;
use lineshaft_model::json::{Limits, Value};
use lineshaft_model::record::Disposition;
use lineshaft_model::shown::ObjectRow;
use lineshaft_model::{Millis, Position, Reason};
pub use lineshaft_planning::damp::Patience;
pub use lineshaft_planning::exchange::{Comparison, Difference, OrderDifference, QuantityDifference};
pub use lineshaft_planning::options::{Alternative, Objective, OptionKind};
pub use lineshaft_planning::record::{DemandKind, OrderStatus, SupplyKind};
pub use lineshaft_planning::{
    Availability, Counts, Coverage, Dates, DemandImpact, Direction, Impact, Link, Movement, MovementKind,
    OrderImpact, OrderState, Peg, PegEnd, Shortage,
};
use lineshaft_planning::{Change, Missing, Plan, Settings};
use lineshaft_store::reading::Reading;
use lineshaft_store::views::ObjectFilter;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

pub use self::ask::{Problems, Supposed, SupposedEvent, Unread};
use self::exchange::Proposed;
pub(crate) use self::exchange::request_event;
pub use self::exchange::{Asked, AskedResource, Compared, Horizon, PlanRequest};
use self::facts::{Facts, OBJECT_TYPES, Places};
pub(crate) use self::follow::run;
pub use self::ideas::{Idea, IdeaKind};
pub use self::options::{Compare, Judgement, Options, OptionsOf, Ranked, Variant};
use self::tell::{Telling, Told};

/// Impacts kept for those who ask later.
const MOST_IMPACTS: usize = 500;

const YEAR_MS: i64 = 366 * 86_400_000;

/// Objects read at a time while loading.
const PAGE: usize = 500;

/// Events of an order that are looked through for its dates.
const MOST_LOOKED_AT: usize = 50;

/// How planning is done here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanningSetup {
    /// The site of whatever names none.
    pub site: String,
    /// The IANA time zone of each site.
    pub zones: BTreeMap<String, String>,
    /// Whether operations wait for their work centres.
    pub finite_capacity: bool,
    /// Whether a running order whose components do not say what was issued has all of them.
    pub issued_at_start: bool,
    /// How patient to be before an event tells of something.
    pub patience: Patience,
    /// Whether schedules of other planning systems are taken as they come.
    pub takes_schedules: bool,
    /// What options are ranked by.
    pub objective: Objective,
}

impl Default for PlanningSetup {
    fn default() -> Self {
        Self {
            site: String::new(),
            zones: BTreeMap::new(),
            finite_capacity: false,
            issued_at_start: true,
            patience: Patience::default(),
            takes_schedules: false,
            objective: Objective::default(),
        }
    }
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
    objective: Objective,
    takes_schedules: bool,
    zones: Zones,
    /// The last position that the plan has taken in.
    position: AtomicU64,
    loaded: AtomicBool,
    /// Counts what has happened to the plan, for those who wait for the next thing.
    happened: watch::Sender<u64>,
}

struct State {
    plan: Plan,
    facts: Facts,
    /// The latest last.
    impacts: VecDeque<Assessed>,
    telling: Telling,
    /// The latest schedule of each name that other planning systems have sent.
    proposed: BTreeMap<String, Proposed>,
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
            Some((site.clone(), TimeZone::get(zone).ok()?))
        });
        let zones: BTreeMap<String, TimeZone> = zones.collect();
        let places = Places {
            site: setup.site.clone(),
            zones: zones.clone(),
            calendars: (now.plus(-2 * YEAR_MS), now.plus(10 * YEAR_MS)),
            issued_at_start: setup.issued_at_start,
        };
        let settings = Settings { now, finite_capacity: setup.finite_capacity };
        let state = State {
            plan: Plan::new(settings),
            facts: Facts::new(places),
            impacts: VecDeque::new(),
            telling: Telling::new(setup.patience),
            proposed: BTreeMap::new(),
        };
        Self {
            state: Mutex::new(state),
            tenant,
            objective: setup.objective,
            takes_schedules: setup.takes_schedules,
            zones: Zones { site: setup.site.clone(), zones },
            position: AtomicU64::new(0),
            loaded: AtomicBool::new(false),
            happened: watch::Sender::new(0),
        }
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
    pub(crate) fn load(&self, reading: &Reading, applied: Position, now: Millis) -> Result<(), Reason> {
        for object_type in OBJECT_TYPES {
            self.each_object(reading, object_type, |row| {
                if object_type == "plan" {
                    return self.take_proposed(reading, &row.object.key, now).map(drop);
                }
                let changes = self.changes(reading, object_type, &row.object.key)?;
                self.state.lock().plan.load(changes);
                Ok(())
            })?;
        }
        let told = self.told(reading)?;
        let mut state = self.state.lock();
        let State { plan, telling, .. } = &mut *state;
        telling.begin(told, plan, now);
        self.position.store(applied.0, Ordering::Release);
        self.loaded.store(true, Ordering::Release);
        Ok(())
    }

    fn each_object(
        &self,
        reading: &Reading,
        object_type: &str,
        mut take: impl FnMut(&ObjectRow) -> Result<(), Reason>,
    ) -> Result<(), Reason> {
        let filter = ObjectFilter {
            tenant: self.tenant.clone(),
            object_type: object_type.to_owned(),
            ..ObjectFilter::default()
        };
        let mut cursor: Option<String> = None;
        loop {
            let page = reading.objects(&filter, cursor.as_deref(), PAGE).map_err(|e| e.reason())?;
            for row in &page.items {
                take(row)?;
            }
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// The shortages that were told last and are not told to be over: what an earlier life of the hub has said.
    fn told(&self, reading: &Reading) -> Result<Vec<Told>, Reason> {
        #[derive(Deserialize)]
        struct Data {
            item: String,
            site: String,
            missing: Missing,
            #[serde(default)]
            orders: Vec<String>,
        }
        let mut told = Vec::new();
        self.each_object(reading, "material", |row| {
            if row.event_type == tell::DETECTED {
                let object = reading.object(&self.tenant, "material", &row.object.key, None);
                let object = object.map_err(|e| e.reason())?;
                let data = object.and_then(|object| serde_json::from_str::<Data>(object.data.get()).ok());
                told.extend(data.map(|data| Told {
                    item: data.item,
                    site: data.site,
                    missing: data.missing,
                    orders: data.orders,
                    at: row.updated,
                }));
            }
            Ok(())
        })?;
        Ok(told)
    }

    /// Takes in an object as it is now because of an event. Blocks.
    fn take(&self, reading: &Reading, touched: &Touched, now: Millis) -> Result<(), Reason> {
        let changes = self.changes(reading, touched.object_type, &touched.key)?;
        if changes.is_empty() {
            return Ok(());
        }
        let mut state = self.state.lock();
        let impact = state.plan.apply(changes);
        let kept = state.keep(Assessed { cause: Some(touched.cause.clone()), at: now, impact });
        drop(state);
        self.tell_waiting(kept);
        Ok(())
    }

    /// Takes in another planning system's schedule; gives its name. Blocks.
    fn take_proposed(&self, reading: &Reading, key: &str, now: Millis) -> Result<Option<String>, Reason> {
        let object = reading.object(&self.tenant, "plan", key, None).map_err(|e| e.reason())?;
        let Some(object) = object else { return Ok(None) };
        let data = Value::parse(object.data.get().as_bytes(), &Limits::DEFAULT)?;
        let mut state = self.state.lock();
        let (schedule, unread) = exchange::read(state.facts.places(), &data, now);
        let proposed = Proposed {
            name: key.to_owned(),
            system: object.row.system,
            position: object.row.position,
            received: object.row.updated,
            schedule,
            request: data.get("request").and_then(Value::as_str).map(str::to_owned),
            unread,
        };
        state.proposed.insert(key.to_owned(), proposed);
        while state.proposed.len() > exchange::MOST_SCHEDULES {
            let oldest = state.proposed.values().min_by_key(|one| one.position).map(|one| one.name.clone());
            state.proposed.remove(&oldest.unwrap_or_default());
        }
        drop(state);
        self.tell_waiting(true);
        Ok(Some(key.to_owned()))
    }

    /// Moves the plan's time on.
    fn advance(&self, now: Millis) {
        let mut state = self.state.lock();
        let impact = state.plan.advance(now);
        let kept = state.keep(Assessed { cause: None, at: now, impact });
        drop(state);
        self.tell_waiting(kept);
    }

    fn tell_waiting(&self, something: bool) {
        if something {
            self.happened.send_modify(|count| *count += 1);
        }
    }

    /// Changes with everything that happens to the plan.
    #[must_use]
    pub fn happened(&self) -> watch::Receiver<u64> {
        self.happened.subscribe()
    }

    /// What is to be told by now.
    fn due(&self, now: Millis) -> Vec<Draft> {
        let mut state = self.state.lock();
        let State { plan, telling, .. } = &mut *state;
        telling.due(plan, now)
    }

    /// When something is to be told next.
    fn next_due(&self) -> Option<Millis> {
        self.state.lock().telling.next()
    }

    fn changes(&self, reading: &Reading, object_type: &str, key: &str) -> Result<Vec<Change>, Reason> {
        let state_of = self.state_of(reading, object_type, key)?;
        Ok(self.state.lock().facts.take(object_type, key, state_of.as_ref()))
    }

    /// An object's state; a production order's with the end that belongs to its start. Blocks.
    fn state_of(
        &self,
        reading: &Reading,
        object_type: &str,
        key: &str,
    ) -> Result<Option<Value<'static>>, Reason> {
        let object = reading.object(&self.tenant, object_type, key, None).map_err(|e| e.reason())?;
        let Some(object) = object else { return Ok(None) };
        let mut state = Value::parse(object.data.get().as_bytes(), &Limits::DEFAULT)?.into_owned();
        if object_type == "production-order" && spans::may_be_partial(&object.row.event_type) {
            let zone = self.zones.of(state.get("site").and_then(Value::as_str));
            if let Some(dates) = self.dates(reading, key, zone)? {
                spans::set_end(&mut state, dates, zone);
            }
        }
        Ok(Some(state))
    }

    /// The dates of a production order as its own events gave them; none when they say it as its state does.
    fn dates(&self, reading: &Reading, key: &str, zone: &TimeZone) -> Result<Option<spans::Dates>, Reason> {
        let events = reading.history(&self.tenant, "production-order", key, None, MOST_LOOKED_AT);
        let Some(events) = events.map_err(|e| e.reason())? else { return Ok(None) };
        let mut newest_first = Vec::new();
        for row in events.items.iter().filter(|row| row.status == Disposition::Accepted) {
            let Some(event) = reading.event(row.position).map_err(|e| e.reason())? else { break };
            let data = Value::parse(event.data.get().as_bytes(), &Limits::DEFAULT)?;
            let dates = spans::Dates::of(&data, zone);
            newest_first.push(dates);
            if dates.is_whole() || !spans::may_be_partial(&row.envelope.event_type) {
                break;
            }
        }
        if newest_first.len() < 2 {
            return Ok(None);
        }
        Ok(newest_first.into_iter().rev().reduce(spans::Dates::after))
    }
}

/// The time zone of each site.
#[derive(Debug, Default)]
struct Zones {
    site: String,
    zones: BTreeMap<String, TimeZone>,
}

impl Zones {
    fn of(&self, site: Option<&str>) -> &TimeZone {
        self.zones.get(site.unwrap_or(&self.site)).unwrap_or(const { &TimeZone::UTC })
    }
}

impl State {
    /// Keeps what was assessed for those who ask later and for those who are told; says whether anything happened.
    fn keep(&mut self, assessed: Assessed) -> bool {
        let Impact { orders, demands, shortages, problems, .. } = &assessed.impact;
        if orders.is_empty() && demands.is_empty() && shortages.is_empty() && problems.is_empty() {
            return false;
        }
        self.telling.observe(&assessed);
        if self.impacts.len() == MOST_IMPACTS {
            self.impacts.pop_front();
        }
        self.impacts.push_back(assessed);
        true
    }
}

/// An object that an event has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Touched {
    object_type: &'static str,
    key: String,
    cause: Cause,
}
