//! Stock, production orders and transfers.

use lineshaft_model::Reason;
use lineshaft_planning::Record;
use lineshaft_planning::record::{
    Component, Operation, Order, OrderKind, OrderStatus, StockStatus, Supply, SupplyKind,
};
use rust_decimal::Decimal;

use super::{Part, Places, Read};

/// Orders and demands that say nothing are this urgent; the smaller, the more urgent.
pub(super) const USUAL_PRIORITY: u32 = 100;

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

/// `item`, `site`, `quantity` less `yield`, `yield_factor`, `start`, `end`, `priority`, `status`,
/// `components: [{component, quantity, issued, offset_days}]`, `operations: [{work_centre, duration_minutes}]`, `customer`.
/// Without components the bill of material counts. A running order whose components say nothing of what was issued has all of
/// them, or none, as the workspace says; that this was assumed is kept.
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
    let end = part.time(&["end"], zone, reasons).unwrap_or(start).max(start);
    if let Some(made) = part.quantity("yield", reasons).filter(|made| made.unit == quantity.unit) {
        quantity.value = (quantity.value - made.value).max(Decimal::ZERO);
    }
    let assume = (status == OrderStatus::Running).then_some(places.issued_at_start);
    let mut assumed = false;
    let components = part.has_list("components").then(|| {
        part.each("components").filter_map(|line| needed(&line, assume, &mut assumed, reasons)).collect()
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
        good: part.decimal("yield_factor", reasons).unwrap_or(Decimal::ONE),
        start,
        end,
        priority: part.whole("priority", reasons).unwrap_or(USUAL_PRIORITY),
        status,
        components,
        operations,
        customer: part.text("customer").map(str::to_owned),
    }));
    read.assumed = assumed;
    read
}

/// What is still needed of a component; `assume` says for a running order whether what nobody tells of was issued.
fn needed(
    line: &Part<'_>,
    assume: Option<bool>,
    assumed: &mut bool,
    reasons: &mut Vec<Reason>,
) -> Option<Component> {
    let (component, needed) = (line.text_of(&["component", "item"]), line.quantity("quantity", reasons));
    let (Some(component), Some(mut needed)) = (component, needed) else {
        line.note("", "attribute-missing", "a component has `component` and `quantity`", reasons);
        return None;
    };
    let issued = line.quantity("issued", reasons).filter(|issued| issued.unit == needed.unit);
    match (issued, assume) {
        (Some(issued), _) => needed.value = (needed.value - issued.value).max(Decimal::ZERO),
        (None, Some(all)) => {
            *assumed = true;
            if all {
                needed.value = Decimal::ZERO;
            }
        }
        (None, None) => {}
    }
    let offset_ms = line.days_ms("offset_days", reasons).unwrap_or(0);
    let item = component.to_owned();
    (needed.value > Decimal::ZERO).then_some(Component { item, quantity: needed, offset_ms })
}

/// `item`, `from`, `to` (or `site`), `quantity` less `received`, `ship_on`, `arrive_on`, `priority`, `status`. What is in transit
/// has left the site it comes from.
pub(super) fn transfer(places: &Places, key: &str, part: &Part<'_>) -> Read {
    let mut read = Read::default();
    let reasons = &mut read.reasons;
    let status = part.text("status");
    if matches!(status, Some("completed" | "closed" | "cancelled" | "received")) {
        return read;
    }
    let site = part.text("to").unwrap_or_else(|| places.site(part));
    let (item, quantity) = (part.text("item"), part.quantity("quantity", reasons));
    let (Some(item), Some(mut quantity), Some(from)) = (item, quantity, part.text("from")) else {
        part.note("", "attribute-missing", "a transfer has `item`, `quantity`, `from` and `to`", reasons);
        return read;
    };
    if let Some(received) = part.quantity("received", reasons).filter(|one| one.unit == quantity.unit) {
        quantity.value = (quantity.value - received.value).max(Decimal::ZERO);
    }
    let start = part.time(&["ship_on", "start"], places.zone(from), reasons);
    let end = part.time(&["arrive_on", "end"], places.zone(site), reasons);
    if matches!(status, Some("in-transit" | "shipped")) {
        read.records.push(Record::Supply(Supply {
            key: key.to_owned(),
            item: item.to_owned(),
            site: site.to_owned(),
            kind: SupplyKind::Shipment,
            quantity,
            status: StockStatus::Available,
            requested: None,
            confirmed: end,
            expires: part.time(&["expires"], places.zone(site), reasons),
            supplier: Some(from.to_owned()),
            location: None,
            lot: part.text("lot").map(str::to_owned),
        }));
        return read;
    }
    let Some(start) = start.or(end) else {
        part.note("ship_on", "attribute-missing", "nobody says when the transfer is sent", reasons);
        return read;
    };
    read.records.push(Record::Order(Order {
        key: key.to_owned(),
        item: item.to_owned(),
        site: site.to_owned(),
        kind: OrderKind::Transfer { from: from.to_owned() },
        quantity,
        good: Decimal::ONE,
        start,
        end: end.unwrap_or(start).max(start),
        priority: part.whole("priority", reasons).unwrap_or(USUAL_PRIORITY),
        status: match status {
            Some("released") => OrderStatus::Released,
            Some("held") => OrderStatus::Held,
            _ => OrderStatus::Planned,
        },
        components: None,
        operations: Vec::new(),
        customer: part.text("customer").map(str::to_owned),
    }));
    read
}
