//! The objects as planning sees them: what each object puts into the plan, and what other objects change of that.
//!
//! The shapes are those of the canonical model. Pure: an object's state goes in, changes of the plan come out.

mod making;
mod master;
mod receiving;
mod terms;
mod wanting;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::tz::TimeZone;
use lineshaft_model::json::Value;
use lineshaft_model::{Millis, Reason};
use lineshaft_planning::{Change, Name, Record};

use self::receiving::Receiving;
use self::wanting::Wanting;
use super::read::Part;

/// Object types that planning is about.
pub(super) const OBJECT_TYPES: [&str; 17] = [
    "calendar",
    "item",
    "supplier",
    "source-of-supply",
    "bill-of-material",
    "substitution",
    "work-centre",
    "purchase-order",
    "shipment",
    "goods-receipt",
    "inventory-position",
    "production-order",
    "transfer",
    "sales-order",
    "demand",
    "reservation",
    "plan",
];

/// Where things are when they do not say so, and the time zones of dates.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// The site of whatever names none.
    pub(super) site: String,
    /// By site.
    pub(super) zones: BTreeMap<String, TimeZone>,
    /// From when until when a calendar holds that does not say.
    pub(super) calendars: (Millis, Millis),
    /// Whether a running order whose components do not say what was issued has all of them.
    pub(super) issued_at_start: bool,
}

impl Places {
    fn site<'a>(&'a self, part: &Part<'a>) -> &'a str {
        part.text("site").unwrap_or(&self.site)
    }

    pub(super) fn zone(&self, site: &str) -> &TimeZone {
        self.zones.get(site).unwrap_or(const { &TimeZone::UTC })
    }
}

/// What an object came to.
#[derive(Debug, Default)]
pub(super) struct Read {
    records: Vec<Record>,
    reasons: Vec<Reason>,
    /// Whether it was assumed what had been issued.
    assumed: bool,
}

/// Which object.
type Object = (&'static str, String);

/// What all objects have put into the plan.
#[derive(Debug, Default)]
pub(super) struct Facts {
    places: Places,
    /// The records of each object that has any.
    put: HashMap<Object, Vec<Name>>,
    /// What could not be read of an object.
    unread: BTreeMap<Object, Vec<Reason>>,
    receiving: Receiving,
    wanting: Wanting,
    /// Production orders of which it was assumed what had been issued.
    assumed: BTreeSet<String>,
    /// While something is supposed: the records that objects had before it.
    before: Option<HashMap<Object, Vec<Name>>>,
}

impl Facts {
    pub(super) fn new(places: Places) -> Self {
        Self { places, ..Self::default() }
    }

    /// Takes an object's state, `None` when it is no longer held; gives what changes in the plan.
    pub(super) fn take(&mut self, object_type: &str, key: &str, state: Option<&Value<'_>>) -> Vec<Change> {
        let Some(object_type) = OBJECT_TYPES.into_iter().find(|known| *known == object_type) else {
            return Vec::new();
        };
        let part = state.map(Part::new);
        let object = (object_type, key.to_owned());
        let mut changes = Vec::new();
        let mut reasons = Vec::new();
        match object_type {
            "purchase-order" | "shipment" | "goods-receipt" => {
                let (places, part) = (&self.places, part.as_ref());
                for (object_type, key) in self.receiving.take(places, object_type, key, part, &mut reasons) {
                    let records = self.receiving.supplies(&self.places, object_type, &key);
                    self.replace((object_type, key), records, &mut changes);
                }
            }
            "demand" | "sales-order" => {
                for touched in self.wanting.take(&self.places, &object, part.as_ref(), &mut reasons) {
                    let records = self.wanting.demands(&touched);
                    self.replace(touched, records, &mut changes);
                }
            }
            _ => {
                let read = part.map(|part| self.read(object_type, key, &part)).unwrap_or_default();
                reasons = read.reasons;
                if read.assumed {
                    self.assumed.insert(key.to_owned());
                } else if object_type == "production-order" {
                    self.assumed.remove(key);
                }
                self.replace(object.clone(), read.records, &mut changes);
            }
        }
        self.set_unread(object, reasons);
        changes
    }

    /// What an object that needs no other comes to.
    fn read(&self, object_type: &str, key: &str, part: &Part<'_>) -> Read {
        let places = &self.places;
        match object_type {
            "calendar" => terms::calendar(places, key, part),
            "item" => master::item(places, key, part),
            "supplier" => master::supplier(key, part),
            "source-of-supply" => terms::source_of_supply(places, key, part),
            "bill-of-material" => master::bill_of_material(places, key, part),
            "substitution" => terms::substitution(places, key, part),
            "work-centre" => master::work_centre(key, part),
            "inventory-position" => making::position(places, key, part),
            "production-order" => making::production_order(places, key, part),
            "transfer" => making::transfer(places, key, part),
            "reservation" => wanting::reservation(places, key, part),
            // A schedule of another planner is compared and puts nothing into the plan.
            _ => Read::default(),
        }
    }

    /// From now on objects are taken in only to see what that would change; the plan is not told.
    pub(super) fn begin_supposing(&mut self) {
        self.before = Some(HashMap::new());
    }

    /// Ends it, after what was supposed has been taken back. The objects may be later ones by now than those the plan was told
    /// of, so what they had put there is still theirs to remove.
    pub(super) fn end_supposing(&mut self) {
        for (object, had) in self.before.take().unwrap_or_default() {
            let names = self.put.entry(object).or_default();
            let lost: Vec<Name> = had.into_iter().filter(|name| !names.contains(name)).collect();
            names.extend(lost);
        }
    }

    /// The site of whatever names none.
    pub(super) fn site(&self) -> &str {
        &self.places.site
    }

    /// Where things are, and in which time.
    pub(super) const fn places(&self) -> &Places {
        &self.places
    }

    /// Running orders of which it was assumed what had been issued.
    pub(super) const fn assumed(&self) -> &BTreeSet<String> {
        &self.assumed
    }

    /// What could not be read: object type, key and the reasons.
    pub(super) fn unread(&self) -> impl Iterator<Item = (&str, &str, &[Reason])> {
        self.unread.iter().map(|((object_type, key), reasons)| (*object_type, key.as_str(), &reasons[..]))
    }

    /// Puts an object's records in place of those it had.
    fn replace(&mut self, object: Object, records: Vec<Record>, changes: &mut Vec<Change>) {
        let names: Vec<Name> = records.iter().map(Record::name).collect();
        if let Some(supposing) = &mut self.before {
            let had = || self.put.get(&object).cloned().unwrap_or_default();
            supposing.entry(object.clone()).or_insert_with(had);
        }
        let before =
            if names.is_empty() { self.put.remove(&object) } else { self.put.insert(object, names.clone()) };
        let gone = before.unwrap_or_default().into_iter().filter(|name| !names.contains(name));
        changes.extend(gone.map(Change::Remove));
        changes.extend(records.into_iter().map(Change::Put));
    }

    fn set_unread(&mut self, object: Object, reasons: Vec<Reason>) {
        if reasons.is_empty() {
            self.unread.remove(&object);
        } else {
            self.unread.insert(object, reasons);
        }
    }
}
