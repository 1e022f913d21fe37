//! Stock, production orders, demands and reservations.

use lineshaft_planning::Record;
use lineshaft_planning::record::{
    Component, Demand, DemandKind, Operation, Order, OrderKind, OrderStatus, Reservation, StockStatus,
    Supply, SupplyKind,
};
use rust_decimal::Decimal;

use super::{Part, Places, Read};

/// Orders and demands that say nothing are this urgent; the smaller, the more urgent.
const USUAL_PRIORITY: u32 = 100;

/// `item`, `site`, `location`, `lot`, `on_hand`, `status` (available, quality, blocked), `released`, `expires`.
pub(super) fn position(places: &Places, key: &str, part: &Part<'_>) -> Read {
    let mut read = Read::default();
    let reasons = &mut read.reasons;
    let Some(quantity) = part.quantity("on_hand", reasons) else { return read };
    let item = part.text("item").or_else(|| key.split('/').next());
    let site = places.site(part);
    let zone = places.zone(site);
    read.records.push(Record::Supply(Supply {
        key: key.to_owned(),
        item: item.unwrap_or_default().to_owned(),
        site: site.to_owned(),
        kind: SupplyKind::OnHand,
        quantity,
        status: match part.text("status") {
            Some("quality") => StockStatus::Quality,
            Some("blocked") => StockStatus::Blocked,
            _ => StockStatus::Available,
        },
        requested: part.time(&["released"], zone, reasons),
        confirmed: None,
        expires: part.time(&["expires"], zone, reasons),
        supplier: None,
        location: part.text("location").map(str::to_owned),
        lot: part.text("lot").map(str::to_owned),
    }));
    read
}

/// `item`, `site`, `quantity` less `yield`, `start`, `end`, `priority`, `status`, `components: [{component, quantity, issued}]`,
/// `operations: [{work_centre, duration_minutes}]`, `customer`. Without components the bill of material counts. A running order
/// whose components say nothing of what was issued has all of them.
pub(super) fn production_order(places: &Places, key: &str, part: &Part<'_>) -> Read {
    let mut read = Read::default();
    let reasons = &mut read.reasons;
    let status = match part.text("status") {
        Some("completed" | "closed" | "cancelled") => return read,
        Some("running") => OrderStatus::Running,
        Some("released") => OrderStatus::Released,
        Some("held") => OrderStatus::Held,
        _ => OrderStatus::Planned,
    };
    let site = places.site(part);
    let zone = places.zone(site);
    let (item, quantity) = (part.text("item"), part.quantity("quantity", reasons));
    let start = part.time(&["start"], zone, reasons);
    let (Some(item), Some(mut quantity), Some(start)) = (item, quantity, start) else {
        part.note("", "attribute-missing", "an order has `item`, `quantity` and `start`", reasons);
        return read;
    };
    // A schedule that moves the start alone leaves the end behind.
    let end = part.time(&["end"], zone, reasons).unwrap_or(start).max(start);
    if let Some(made) = part.quantity("yield", reasons).filter(|made| made.unit == quantity.unit) {
        quantity.value = (quantity.value - made.value).max(Decimal::ZERO);
    }
    let components = part.has_list("components").then(|| {
        let mut components = Vec::new();
        for line in part.each("components") {
            let (component, needed) =
                (line.text_of(&["component", "item"]), line.quantity("quantity", reasons));
            let (Some(component), Some(mut needed)) = (component, needed) else {
                line.note("", "attribute-missing", "a component has `component` and `quantity`", reasons);
                continue;
            };
            let issued = line.quantity("issued", reasons).filter(|issued| issued.unit == needed.unit);
            match issued {
                Some(issued) => needed.value = (needed.value - issued.value).max(Decimal::ZERO),
                None if status == OrderStatus::Running => needed.value = Decimal::ZERO,
                None => {}
            }
            if needed.value > Decimal::ZERO {
                let offset_ms = line.days_ms("offset_days", reasons).unwrap_or(0);
                components.push(Component { item: component.to_owned(), quantity: needed, offset_ms });
            }
        }
        components
    });
    let mut operations = Vec::new();
    for step in part.each("operations") {
        let minutes = step.whole("duration_minutes", reasons);
        // Without a duration it takes no capacity.
        if let (Some(work_centre), Some(minutes)) = (step.text("work_centre"), minutes) {
            let duration_ms = i64::from(minutes) * 60_000;
            operations.push(Operation { work_centre: work_centre.to_owned(), duration_ms });
        }
    }
    read.records.push(Record::Order(Order {
        key: key.to_owned(),
        item: item.to_owned(),
        site: site.to_owned(),
        kind: OrderKind::Production,
        quantity,
        good: Decimal::ONE,
        start,
        end,
        priority: part.whole("priority", reasons).unwrap_or(USUAL_PRIORITY),
        status,
        components,
        operations,
        customer: part.text("customer").map(str::to_owned),
    }));
    read
}

/// `item`, `site`, `quantity`, `date`, `priority`, `kind` (sales, forecast), `customer`.
pub(super) fn demand(places: &Places, key: &str, part: &Part<'_>) -> Read {
    let mut read = Read::default();
    let reasons = &mut read.reasons;
    if matches!(part.text("status"), Some("closed" | "cancelled" | "completed")) {
        return read;
    }
    let site = places.site(part);
    let due = part.time(&["date", "due"], places.zone(site), reasons);
    let (Some(item), Some(quantity), Some(due)) =
        (part.text("item"), part.quantity("quantity", reasons), due)
    else {
        part.note("", "attribute-missing", "a demand has `item`, `quantity` and `date`", reasons);
        return read;
    };
    read.records.push(Record::Demand(Demand {
        key: key.to_owned(),
        item: item.to_owned(),
        site: site.to_owned(),
        kind: if part.text("kind") == Some("forecast") { DemandKind::Forecast } else { DemandKind::Sales },
        quantity,
        due,
        priority: part.whole("priority", reasons).unwrap_or(USUAL_PRIORITY),
        customer: part.text("customer").map(str::to_owned),
    }));
    read
}

/// `order` (or `demand`), `item`, `quantity` and `supply`; one without a supply is only a demand of its order.
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
