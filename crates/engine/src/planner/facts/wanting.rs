//! What is wanted: sales orders, demands, forecasts less the sales that use them up, and reservations.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lineshaft_model::{Millis, Quantity, Reason};
use lineshaft_planning::Record;
use lineshaft_planning::record::{Demand, DemandKind, Reservation};
use rust_decimal::Decimal;

use super::making::USUAL_PRIORITY;
use super::{Object, Part, Places, Read};

/// Item and site.
type Place = (String, String);

/// Sales and forecasts, joined by item and site.
#[derive(Debug, Default)]
pub(super) struct Wanting {
    objects: HashMap<Object, Held>,
    /// The objects that sell or forecast something there.
    at: HashMap<Place, BTreeSet<Object>>,
}

/// What one object wants.
#[derive(Debug, Default)]
struct Held {
    /// What customers want, as it goes into the plan.
    sales: Vec<Demand>,
    /// What was ordered for a time, delivered or not: it uses up forecasts.
    ordered: Vec<(Place, Millis, Quantity)>,
    forecast: Option<Forecast>,
}

/// What is expected to be ordered from a time on, until another when that is told.
#[derive(Debug)]
struct Forecast {
    demand: Demand,
    until: Option<Millis>,
}

impl Held {
    fn places(&self) -> impl Iterator<Item = Place> {
        let ordered = self.ordered.iter().map(|(place, ..)| place.clone());
        let forecast = self.forecast.iter().map(|one| (one.demand.item.clone(), one.demand.site.clone()));
        ordered.chain(forecast)
    }
}

impl Wanting {
    /// Takes an object's state; gives the objects whose demands are others now.
    pub(super) fn take(
        &mut self,
        places: &Places,
        object: &Object,
        part: Option<&Part<'_>>,
        reasons: &mut Vec<Reason>,
    ) -> BTreeSet<Object> {
        let held = part.map(|part| match object.0 {
            "sales-order" => sales_order(places, &object.1, part, reasons),
            _ => demand(places, &object.1, part, reasons),
        });
        let held = held.unwrap_or_default();
        let now: BTreeSet<Place> = held.places().collect();
        let before = self.objects.insert(object.clone(), held).unwrap_or_default();
        let mut touched = BTreeSet::from([object.clone()]);
        for place in now.iter().cloned().chain(before.places()) {
            let here = self.at.entry(place.clone()).or_default();
            if now.contains(&place) {
                here.insert(object.clone());
            } else {
                here.remove(object);
            }
            let is_forecast =
                |one: &&Object| self.objects.get(*one).is_some_and(|one| one.forecast.is_some());
            touched.extend(here.iter().filter(is_forecast).cloned());
        }
        touched
    }

    /// What an object wants, a forecast less what sales have used up of it.
    pub(super) fn demands(&self, object: &Object) -> Vec<Record> {
        let Some(held) = self.objects.get(object) else { return Vec::new() };
        let mut demands: Vec<Record> = held.sales.iter().cloned().map(Record::Demand).collect();
        if let Some(forecast) = &held.forecast {
            let mut demand = forecast.demand.clone();
            demand.quantity.value -= self.used_up(object, forecast);
            if demand.quantity.value > Decimal::ZERO {
                demands.push(Record::Demand(demand));
            }
        }
        demands
    }

    /// How much of a forecast is ordered already. Each order uses up the forecast that begins first of those that cover its date.
    fn used_up(&self, object: &Object, of: &Forecast) -> Decimal {
        let place = (of.demand.item.clone(), of.demand.site.clone());
        let here = self.at.get(&place).into_iter().flatten();
        let here: Vec<(&Object, &Held)> =
            here.filter_map(|one| Some((one, self.objects.get(one)?))).collect();
        let mut left: BTreeMap<(Millis, &Object), (Option<Millis>, Decimal)> = BTreeMap::new();
        for (one, held) in &here {
            if let Some(forecast) = &held.forecast
                && forecast.demand.quantity.unit == of.demand.quantity.unit
            {
                let quantity = forecast.demand.quantity.value;
                left.insert((forecast.demand.due, one), (forecast.until, quantity));
            }
        }
        let mut ordered: Vec<(Millis, &Object, Decimal)> = Vec::new();
        for (one, held) in here {
            for (at, due, quantity) in &held.ordered {
                if *at == place && quantity.unit == of.demand.quantity.unit {
                    ordered.push((*due, one, quantity.value));
                }
            }
        }
        ordered.sort();
        let mut used = Decimal::ZERO;
        for (due, _, mut quantity) in ordered {
            for ((from, one), (until, left)) in &mut left {
                if *from > due || until.is_none_or(|until| due >= until) {
                    continue;
                }
                let taken = quantity.min(*left);
                *left -= taken;
                quantity -= taken;
                if *one == object {
                    used += taken;
                }
            }
        }
        used
    }
}

/// `item`, `site`, `quantity`, `date`, `priority`, `kind` (sales, forecast), `customer`; a forecast with `until` is used up by
/// sales of that time.
fn demand(places: &Places, key: &str, part: &Part<'_>, reasons: &mut Vec<Reason>) -> Held {
    let mut held = Held::default();
    if part.text("status") == Some("cancelled") {
        return held;
    }
    let site = places.site(part);
    let zone = places.zone(site);
    let due = part.time(&["date", "due"], zone, reasons);
    let (Some(item), Some(quantity), Some(due)) =
        (part.text("item"), part.quantity("quantity", reasons), due)
    else {
        part.note("", "attribute-missing", "a demand has `item`, `quantity` and `date`", reasons);
        return held;
    };
    let is_forecast = part.text("kind") == Some("forecast");
    let demand = Demand {
        key: key.to_owned(),
        item: item.to_owned(),
        site: site.to_owned(),
        kind: if is_forecast { DemandKind::Forecast } else { DemandKind::Sales },
        quantity,
        due,
        priority: part.whole("priority", reasons).unwrap_or(USUAL_PRIORITY),
        customer: part.text("customer").map(str::to_owned),
    };
    let is_closed = matches!(part.text("status"), Some("closed" | "completed"));
    if !is_forecast {
        held.ordered.push(((item.to_owned(), site.to_owned()), due, quantity));
        held.sales.extend((!is_closed).then_some(demand));
    } else if !is_closed {
        held.forecast = Some(Forecast { demand, until: part.time(&["until"], zone, reasons) });
    }
    held
}

/// `customer`, `priority`, `status`, `lines: [{line, item, site, quantity, delivered, date, status, schedule_lines}]`.
fn sales_order(places: &Places, key: &str, part: &Part<'_>, reasons: &mut Vec<Reason>) -> Held {
    let mut held = Held::default();
    if part.text("status") == Some("cancelled") {
        return held;
    }
    let is_closed = matches!(part.text("status"), Some("closed" | "completed"));
    let priority = part.whole("priority", reasons).unwrap_or(USUAL_PRIORITY);
    let customer = part.text("customer").map(str::to_owned);
    for line in part.each("lines") {
        if matches!(line.text("status"), Some("cancelled" | "rejected")) {
            continue;
        }
        let (Some(number), Some(item), Some(quantity)) =
            (line.text("line"), line.text("item"), line.quantity("quantity", reasons))
        else {
            line.note("", "attribute-missing", "a line has `line`, `item` and `quantity`", reasons);
            continue;
        };
        let site = line.text("site").unwrap_or_else(|| places.site(part));
        let zone = places.zone(site);
        let mut parts: Vec<(Decimal, Millis)> = Vec::new();
        for schedule in line.each("schedule_lines") {
            let due = schedule.time(&["date"], zone, reasons);
            let part = schedule.quantity("quantity", reasons).filter(|part| part.unit == quantity.unit);
            parts.extend(part.and_then(|part| Some((part.value, due?))));
        }
        if parts.is_empty() {
            let due = line.time(&["date", "due_on"], zone, reasons);
            let due = due.or_else(|| part.time(&["date"], zone, reasons));
            let Some(due) = due else {
                line.note("date", "attribute-missing", "nobody says when the line is wanted", reasons);
                continue;
            };
            parts.push((quantity.value, due));
        }
        parts.sort_by_key(|(_, due)| *due);
        let delivered = line.quantity("delivered", reasons).filter(|one| one.unit == quantity.unit);
        let mut delivered = delivered.map_or(Decimal::ZERO, |one| one.value);
        let done = is_closed || matches!(line.text("status"), Some("closed" | "completed"));
        for (n, (wanted, due)) in parts.into_iter().enumerate() {
            let unit = quantity.unit;
            held.ordered.push(((item.to_owned(), site.to_owned()), due, Quantity { value: wanted, unit }));
            // What was delivered is taken from what was wanted first.
            let taken = wanted.min(delivered);
            delivered -= taken;
            let left = wanted - taken;
            if left > Decimal::ZERO && !done {
                held.sales.push(Demand {
                    key: format!("{key}/{number}/{n}"),
                    item: item.to_owned(),
                    site: site.to_owned(),
                    kind: DemandKind::Sales,
                    quantity: Quantity { value: left, unit },
                    due,
                    priority: line.whole("priority", reasons).unwrap_or(priority),
                    customer: customer.clone(),
                });
            }
        }
    }
    held
}

/// `order` (or `demand`), `item`, `quantity` and `supply`: a lot's position, a shipment, a purchase order's line, an order. One
/// without a supply is only a demand of its order.
pub(super) fn reservation(places: &Places, key: &str, part: &Part<'_>) -> Read {
    let mut read = Read::default();
    let quantity = part.quantity("quantity", &mut read.reasons);
    let named = (part.text("item"), part.text_of(&["order", "demand"]), part.text("supply"));
    let ((Some(item), Some(demand), Some(supply)), Some(quantity)) = (named, quantity) else { return read };
    if matches!(part.text("status"), Some("closed" | "cancelled" | "completed")) {
        return read;
    }
    read.records.push(Record::Reservation(Reservation {
        key: key.to_owned(),
        item: item.to_owned(),
        site: places.site(part).to_owned(),
        demand: demand.to_owned(),
        supply: supply.to_owned(),
        quantity,
    }));
    read
}
