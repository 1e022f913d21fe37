//! What may be asked of the plan.

use std::collections::BTreeMap;

use lineshaft_model::json::{Limits, Value, merge};
use lineshaft_model::{EventType, Reason};
use lineshaft_planning::options::Judged;
use lineshaft_planning::{
    Availability, Change, Circle, Counts, Direction, Impact, OrderState, Peg, PegEnd, Problem, Shortage,
};
use lineshaft_store::reading::Reading;
use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::spans::{Dates, set_end};
use super::{Assessed, Planner, State};

/// Orders named of which something was assumed.
const MOST_ASSUMED: usize = 100;

/// Changes of one question at most.
const MOST_SUPPOSED: usize = 1_000;

/// Something that has not happened, and is looked at as if it had.
#[derive(Debug)]
pub enum Supposed {
    /// An event, as a source would send it.
    Event(SupposedEvent),
    /// A change of the plan's own records.
    Change(Change),
}

/// An event that has not happened.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupposedEvent {
    /// Its type, for instance `lineshaft.purchase-order.confirmed.v1`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Its subject.
    pub subject: String,
    /// Its canonical data.
    pub data: Box<RawValue>,
}

/// By hand, because the data of an event is kept as it is written, and choices by trial do not allow that.
impl<'de> Deserialize<'de> for Supposed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Kind {
            #[serde(rename = "type")]
            event_type: Option<IgnoredAny>,
        }
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let kind: Kind = serde_json::from_str(raw.get()).map_err(D::Error::custom)?;
        let supposed = match kind.event_type {
            Some(_) => serde_json::from_str(raw.get()).map(Self::Event),
            None => serde_json::from_str(raw.get()).map(Self::Change),
        };
        supposed.map_err(D::Error::custom)
    }
}

/// An object that planning could not read whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unread {
    /// Its type.
    pub object_type: String,
    /// Its key.
    pub key: String,
    /// What is wrong with it.
    pub reasons: Vec<Reason>,
}

/// What is wrong with what the plan was told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Problems {
    /// Objects that could not be read whole.
    pub objects: Vec<Unread>,
    /// Records that do not count.
    pub records: Vec<Problem>,
    /// Items that are made of one another.
    pub circles: Vec<Circle>,
    /// Running orders whose components do not say what was issued, so that it was assumed as `planning.issued_at_start` says;
    /// at most 100.
    pub assumed_issued: Vec<String>,
}

impl Planner {
    /// Supply and demand of an item at a site over time; the hub's own site when none is named.
    #[must_use]
    pub fn availability(&self, item: &str, site: Option<&str>) -> Option<Availability> {
        let state = self.state.lock();
        state.plan.availability(item, site.unwrap_or(state.facts.site()))
    }

    /// What is missing, the most urgent and soonest first.
    #[must_use]
    pub fn shortages(&self, most: usize) -> Vec<Shortage> {
        self.state.lock().plan.shortages(most)
    }

    /// What is missing of an item at a site.
    #[must_use]
    pub fn shortage(&self, item: &str, site: &str) -> Option<Shortage> {
        self.state.lock().plan.shortage(item, site)
    }

    /// Orders that end later than planned, the most urgent first.
    #[must_use]
    pub fn late_orders(&self, most: usize) -> Vec<OrderState> {
        self.state.lock().plan.slips(most)
    }

    /// An order with its causes.
    #[must_use]
    pub fn order(&self, key: &str) -> Option<OrderState> {
        self.state.lock().plan.order(key)
    }

    /// What covers a demand or order, or what a supply or order is for.
    #[must_use]
    pub fn pegging(&self, root: &PegEnd, direction: Direction, most: usize) -> Vec<Peg> {
        self.state.lock().plan.pegging(root, direction, most)
    }

    /// What events did lately, the latest first.
    #[must_use]
    pub fn impacts(&self, most: usize) -> Vec<Assessed> {
        self.state.lock().impacts.iter().rev().take(most).cloned().collect()
    }

    /// How much the plan holds.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.state.lock().plan.counts()
    }

    /// What is wrong with what the plan was told.
    #[must_use]
    pub fn problems(&self) -> Problems {
        let state = self.state.lock();
        let unread = |(object_type, key, reasons): (&str, &str, &[Reason])| Unread {
            object_type: object_type.to_owned(),
            key: key.to_owned(),
            reasons: reasons.to_vec(),
        };
        Problems {
            objects: state.facts.unread().map(unread).collect(),
            records: state.plan.problems(),
            circles: state.plan.circles(),
            assumed_issued: state.facts.assumed().iter().take(MOST_ASSUMED).cloned().collect(),
        }
    }

    /// What would follow if these things happened. Nothing is kept. Blocks.
    pub fn what_if(&self, reading: &Reading, supposed: Vec<Supposed>) -> Result<Impact, Reason> {
        self.judge(reading, supposed).map(|judged| judged.impact)
    }

    /// The same, with how much lateness it saves.
    pub(super) fn judge(&self, reading: &Reading, supposed: Vec<Supposed>) -> Result<Judged, Reason> {
        if supposed.len() > MOST_SUPPOSED {
            let message = format!("more than {MOST_SUPPOSED} changes in one question");
            return Err(Reason::new("question-too-long", message).at("/changes").hint("ask in parts"));
        }
        let mut state = self.state.lock();
        let mut changes = Vec::new();
        let mut supposing = Supposing::default();
        let mut outcome = Ok(());
        state.facts.begin_supposing();
        for (n, supposed) in supposed.into_iter().enumerate() {
            match supposed {
                Supposed::Change(change) => changes.push(change),
                Supposed::Event(event) => match self.suppose(&mut state, reading, &event, &mut supposing) {
                    Ok(supposed) => changes.extend(supposed),
                    Err(reason) => {
                        let at = format!("/changes/{n}{}", reason.at);
                        outcome = Err(Reason { at, ..reason });
                        break;
                    }
                },
            }
        }
        // The facts go back to what they were; the plan has seen none of it.
        for ((object_type, key), held) in supposing.held {
            drop(state.facts.take(&object_type, &key, held.as_ref()));
        }
        state.facts.end_supposing();
        outcome.map(|()| state.plan.judge(&changes))
    }

    /// Puts an event's data over its object's state, or over what was supposed of the object before.
    fn suppose(
        &self,
        state: &mut State,
        reading: &Reading,
        event: &SupposedEvent,
        supposing: &mut Supposing,
    ) -> Result<Vec<Change>, Reason> {
        let event_type = EventType::parse(&event.event_type)?;
        let (key, below) = event_type.split_subject(&event.subject);
        let object_type = event_type.object_type();
        let object = (object_type.to_owned(), key.to_owned());
        if !supposing.held.contains_key(&object) {
            let held = self.state_of(reading, object_type, key)?;
            supposing.now.insert(object.clone(), held.clone().unwrap_or_default());
            supposing.held.insert(object.clone(), held);
        }
        let now = supposing.now.entry(object).or_default();
        let data = Value::parse(event.data.get().as_bytes(), &Limits::DEFAULT)?.into_owned();
        match below {
            None if event_type.is_whole() => *now = data,
            None => {
                let zone = self.zones.of(now.get("site").and_then(Value::as_str));
                let dates = Dates::of(now, zone).after(Dates::of(&data, zone));
                merge(now, data);
                if object_type == "production-order" {
                    set_end(now, dates, zone);
                }
            }
            Some(below) => {
                let part = Value::Object(vec![(below.to_owned().into(), data)]);
                merge(now, Value::Object(vec![(event_type.verb().to_owned().into(), part)]));
            }
        }
        Ok(state.facts.take(object_type, key, Some(now)))
    }
}

/// The objects of one question, by type and key.
#[derive(Debug, Default)]
struct Supposing {
    /// As they are.
    held: BTreeMap<(String, String), Option<Value<'static>>>,
    /// As they are supposed to be.
    now: BTreeMap<(String, String), Value<'static>>,
}
