//! What is on order, on its way and received: a purchase order's open quantity depends on its shipments and receipts.

use std::collections::{BTreeSet, HashMap};

use lineshaft_model::{Millis, Quantity, Reason};
use lineshaft_planning::Record;
use lineshaft_planning::record::{StockStatus, Supply, SupplyKind};
use rust_decimal::Decimal;

use super::{Object, Part, Places};

const PURCHASE_ORDER: &str = "purchase-order";
const SHIPMENT: &str = "shipment";

/// Purchase orders, shipments and receipts, joined by order and line.
#[derive(Debug, Default)]
pub(super) struct Receiving {
    orders: HashMap<String, Vec<Line>>,
    shipments: HashMap<String, Vec<Sent>>,
    receipts: HashMap<String, Receipt>,
    /// The shipments and receipts of each purchase order.
    of_order: HashMap<String, Related>,
}

#[derive(Debug, Default)]
struct Related {
    shipments: BTreeSet<String>,
    receipts: BTreeSet<String>,
}

/// An open line of a purchase order.
#[derive(Debug)]
struct Line {
    line: String,
    item: String,
    site: String,
    supplier: Option<String>,
    ordered: Quantity,
    /// In the order of their dates.
    parts: Vec<Expected>,
    /// What the order itself says was received.
    received: Decimal,
}

/// A schedule line, or a part of the supplier's confirmation.
#[derive(Debug)]
struct Expected {
    quantity: Decimal,
    requested: Option<Millis>,
    confirmed: Option<Millis>,
}

/// A line of a shipment.
#[derive(Debug)]
struct Sent {
    order: String,
    line: String,
    item: String,
    site: String,
    quantity: Quantity,
    expected: Option<Millis>,
    supplier: Option<String>,
    lot: Option<String>,
    expires: Option<Millis>,
}

#[derive(Debug)]
struct Receipt {
    order: String,
    line: String,
    shipment: Option<String>,
    accepted: Quantity,
}

impl Receiving {
    /// Takes an object's state; gives the objects whose supplies are others now.
    pub(super) fn take(
        &mut self,
        places: &Places,
        object_type: &'static str,
        key: &str,
        part: Option<&Part<'_>>,
        reasons: &mut Vec<Reason>,
    ) -> BTreeSet<Object> {
        let mut touched = BTreeSet::new();
        match object_type {
            PURCHASE_ORDER => {
                let lines = part.map(|part| lines(places, part, reasons)).unwrap_or_default();
                self.orders.insert(key.to_owned(), lines);
                touched.insert((PURCHASE_ORDER, key.to_owned()));
            }
            SHIPMENT => {
                let sent = part.map(|part| sent(places, part, reasons)).unwrap_or_default();
                touched.insert((SHIPMENT, key.to_owned()));
                for order in sent.iter().map(|sent| &sent.order) {
                    self.of_order.entry(order.clone()).or_default().shipments.insert(key.to_owned());
                }
                let before = self.shipments.insert(key.to_owned(), sent).unwrap_or_default();
                let now = self.shipments.get(key).into_iter().flatten();
                touched.extend(now.chain(&before).map(|sent| (PURCHASE_ORDER, sent.order.clone())));
            }
            _ => {
                let receipt = part.and_then(|part| receipt(part, reasons));
                if let Some(receipt) = &receipt {
                    let related = self.of_order.entry(receipt.order.clone()).or_default();
                    related.receipts.insert(key.to_owned());
                }
                let before = match receipt {
                    Some(receipt) => self.receipts.insert(key.to_owned(), receipt),
                    None => self.receipts.remove(key),
                };
                for receipt in before.iter().chain(self.receipts.get(key)) {
                    touched.insert((PURCHASE_ORDER, receipt.order.clone()));
                    touched.extend(receipt.shipment.iter().map(|shipment| (SHIPMENT, shipment.clone())));
                }
            }
        }
        touched
    }

    /// What is still to come of a purchase order or a shipment.
    pub(super) fn supplies(&self, places: &Places, object_type: &str, key: &str) -> Vec<Record> {
        let supplies = if object_type == PURCHASE_ORDER { self.on_order(key) } else { self.on_its_way(key) };
        supplies
            .into_iter()
            .map(|mut supply| {
                if supply.site.is_empty() {
                    supply.site.clone_from(&places.site);
                }
                Record::Supply(supply)
            })
            .collect()
    }

    fn on_order(&self, order: &str) -> Vec<Supply> {
        let mut supplies = Vec::new();
        for line in self.orders.get(order).into_iter().flatten() {
            let (shipped, received) = self.moved(order, line);
            // What is received or on its way was taken from what was to come first.
            let mut moved = shipped + received.max(line.received);
            for (n, part) in line.parts.iter().enumerate() {
                let taken = part.quantity.min(moved);
                moved -= taken;
                let left = part.quantity - taken;
                if left > Decimal::ZERO {
                    supplies.push(Supply {
                        key: format!("{order}/{}/{n}", line.line),
                        item: line.item.clone(),
                        site: line.site.clone(),
                        kind: SupplyKind::PurchaseOrder,
                        quantity: Quantity { value: left, unit: line.ordered.unit },
                        status: StockStatus::Available,
                        requested: part.requested,
                        confirmed: part.confirmed,
                        expires: None,
                        supplier: line.supplier.clone(),
                        location: None,
                        lot: None,
                    });
                }
            }
        }
        supplies
    }

    /// How much of a line is on its way, and how much was received.
    fn moved(&self, order: &str, line: &Line) -> (Decimal, Decimal) {
        let Some(related) = self.of_order.get(order) else { return (Decimal::ZERO, Decimal::ZERO) };
        let unit = line.ordered.unit;
        let shipped = related.shipments.iter().flat_map(|key| {
            let sent = self.shipments.get(key).into_iter().flatten();
            let ours = sent.filter(|sent| sent.order == order && sent.line == line.line);
            ours.filter(move |sent| sent.quantity.unit == unit).map(|sent| self.left(key, sent))
        });
        let receipts = related.receipts.iter().filter_map(|key| self.receipts.get(key));
        let received = receipts
            .filter(|receipt| receipt.order == order && receipt.line == line.line)
            .filter(|receipt| receipt.accepted.unit == unit)
            .map(|receipt| receipt.accepted.value);
        (shipped.sum(), received.sum())
    }

    /// What of a shipment's line has not been received.
    fn left(&self, shipment: &str, sent: &Sent) -> Decimal {
        let related = self.of_order.get(&sent.order);
        let receipts = related.into_iter().flat_map(|related| &related.receipts);
        let received: Decimal = receipts
            .filter_map(|key| self.receipts.get(key))
            .filter(|receipt| receipt.order == sent.order && receipt.line == sent.line)
            .filter(|receipt| receipt.shipment.as_deref() == Some(shipment))
            .filter(|receipt| receipt.accepted.unit == sent.quantity.unit)
            .map(|receipt| receipt.accepted.value)
            .sum();
        (sent.quantity.value - received).max(Decimal::ZERO)
    }

    fn on_its_way(&self, shipment: &str) -> Vec<Supply> {
        let lines = self.shipments.get(shipment).into_iter().flatten().enumerate();
        lines
            .filter_map(|(n, sent)| {
                let left = self.left(shipment, sent);
                (left > Decimal::ZERO).then(|| Supply {
                    key: format!("{shipment}/{n}"),
                    item: sent.item.clone(),
                    site: sent.site.clone(),
                    kind: SupplyKind::Shipment,
                    quantity: Quantity { value: left, unit: sent.quantity.unit },
                    status: StockStatus::Available,
                    requested: None,
                    confirmed: sent.expected,
                    expires: sent.expires,
                    supplier: sent.supplier.clone(),
                    location: None,
                    lot: sent.lot.clone(),
                })
            })
            .collect()
    }
}

/// Open lines: `lines: [{line, item, site, quantity, received, status, due_on, schedule_lines: [{quantity, date}]}]`, and under
/// `confirmed`, by line and confirmation, `splits: [{quantity, date, status}]`: a later confirmation of a line replaces the one
/// before.
fn lines(places: &Places, part: &Part<'_>, reasons: &mut Vec<Reason>) -> Vec<Line> {
    if matches!(part.text("status"), Some("cancelled" | "closed" | "rejected" | "completed")) {
        return Vec::new();
    }
    let supplier = part.text("supplier").map(str::to_owned);
    let mut lines = Vec::new();
    for line in part.each("lines") {
        if matches!(line.text("status"), Some("cancelled" | "closed" | "rejected")) {
            continue;
        }
        let (Some(number), Some(item), Some(ordered)) =
            (line.text("line"), line.text("item"), line.quantity("quantity", reasons))
        else {
            line.note("", "attribute-missing", "a line has `line`, `item` and `quantity`", reasons);
            continue;
        };
        let site = places.site(&line);
        let mut parts = confirmed(places, part, number, site, ordered, reasons)
            .unwrap_or_else(|| scheduled(places, &line, site, ordered, reasons));
        parts.sort_by_key(|part| part.confirmed.or(part.requested).unwrap_or(Millis(i64::MAX)));
        let received = line.quantity("received", reasons).filter(|received| received.unit == ordered.unit);
        lines.push(Line {
            line: number.to_owned(),
            item: item.to_owned(),
            site: site.to_owned(),
            supplier: supplier.clone(),
            ordered,
            parts,
            received: received.map_or(Decimal::ZERO, |received| received.value),
        });
    }
    lines
}

/// What the supplier's latest confirmation of a line says; `None` when it has none.
fn confirmed(
    places: &Places,
    part: &Part<'_>,
    line: &str,
    site: &str,
    ordered: Quantity,
    reasons: &mut Vec<Reason>,
) -> Option<Vec<Expected>> {
    let ours = part.members("confirmed").filter(|(below, _)| below.split('/').next() == Some(line));
    let (_, latest) = ours.last()?;
    let mut parts = Vec::new();
    for split in latest.each("splits") {
        let Some(quantity) = split.quantity("quantity", reasons) else { continue };
        if quantity.unit != ordered.unit {
            split.note("quantity", "unit-mismatch", "confirmed in another unit than ordered", reasons);
            return None;
        }
        if split.text("status") == Some("rejected") {
            continue;
        }
        let confirmed = split.time(&["date"], places.zone(site), reasons);
        parts.push(Expected { quantity: quantity.value, requested: None, confirmed });
    }
    let rejected = latest.text("outcome") == Some("rejected");
    (rejected || !parts.is_empty()).then_some(parts)
}

fn scheduled(
    places: &Places,
    line: &Part<'_>,
    site: &str,
    ordered: Quantity,
    reasons: &mut Vec<Reason>,
) -> Vec<Expected> {
    let zone = places.zone(site);
    let mut parts = Vec::new();
    for schedule in line.each("schedule_lines") {
        let quantity =
            schedule.quantity("quantity", reasons).filter(|quantity| quantity.unit == ordered.unit);
        let requested = schedule.time(&["date"], zone, reasons);
        parts.extend(quantity.map(|quantity| Expected {
            quantity: quantity.value,
            requested,
            confirmed: None,
        }));
    }
    if parts.is_empty() {
        let requested = line.time(&["due_on", "date"], zone, reasons);
        parts.push(Expected { quantity: ordered.value, requested, confirmed: None });
    }
    parts
}

/// `expected`, `supplier`, `lines: [{purchase_order, line, item, site, quantity, lot, expires}]`.
fn sent(places: &Places, part: &Part<'_>, reasons: &mut Vec<Reason>) -> Vec<Sent> {
    if matches!(part.text("status"), Some("cancelled" | "closed")) {
        return Vec::new();
    }
    let mut lines = Vec::new();
    for line in part.each("lines") {
        let order = line.text("purchase_order").or_else(|| part.text("purchase_order"));
        let (Some(item), Some(quantity)) = (line.text("item"), line.quantity("quantity", reasons)) else {
            line.note("", "attribute-missing", "a line has `item` and `quantity`", reasons);
            continue;
        };
        let site = line.text("site").unwrap_or_else(|| places.site(part));
        lines.push(Sent {
            order: order.unwrap_or_default().to_owned(),
            line: line.text_of(&["line", "order_line"]).unwrap_or_default().to_owned(),
            item: item.to_owned(),
            site: site.to_owned(),
            quantity,
            expected: part.time(&["expected"], places.zone(site), reasons),
            supplier: part.text("supplier").map(str::to_owned),
            lot: line.text("lot").map(str::to_owned),
            expires: line.time(&["expires"], places.zone(site), reasons),
        });
    }
    lines
}

/// `purchase_order`, `order_line`, `asn`, `accepted`.
fn receipt(part: &Part<'_>, reasons: &mut Vec<Reason>) -> Option<Receipt> {
    Some(Receipt {
        accepted: part.quantity("accepted", reasons)?,
        order: part.text("purchase_order")?.to_owned(),
        line: part.text_of(&["order_line", "line"])?.to_owned(),
        shipment: part.text("asn").map(str::to_owned),
    })
}
