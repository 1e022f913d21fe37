//! Goods coming in: what is expected, what is on its way, what was received.

use serde_json::{Value, json};

use crate::amount::Amount;
use crate::clock::HOUR_MS;
use crate::dice::Dice;
use crate::plan::PLANT;
use crate::station::answer::Answer;
use crate::station::delivery::Fields;
use crate::station::outbox::Document;
use crate::station::system::Desk;
use crate::wms::{Todo, Wms, documents};

/// A purchase order as the warehouse expects it.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    pub(crate) revision: u64,
    pub(crate) state: String,
    lines: usize,
}

impl Expected {
    pub(super) fn view(&self, order: &str) -> Value {
        json!({ "order": order, "revision": self.revision, "state": self.state, "lines": self.lines })
    }
}

/// A shipment on its way.
#[derive(Clone, Debug)]
pub(super) struct Shipment {
    lines: Vec<ShipmentLine>,
    receipt: Option<String>,
}

#[derive(Clone, Debug)]
struct ShipmentLine {
    order: String,
    order_line: u64,
    item: String,
    quantity: Amount,
    lot: String,
}

impl Shipment {
    pub(super) fn view(&self, asn: &str) -> Value {
        json!({ "asn": asn, "lines": self.lines.len(), "receipt": self.receipt })
    }
}

impl Wms {
    pub(super) fn expect_order(
        &mut self,
        order: &str,
        body: &Value,
        desk: &mut Desk<'_, Todo>,
    ) -> Result<Answer, Answer> {
        let revision = body.count("revision")?;
        let state = body.text("state")?.to_owned();
        let lines = body.list("lines")?;
        for line in lines {
            line.text("item")?;
            line.amount("quantity")?;
        }
        desk.effect("expect-order", order, Some(revision));
        if desk.in_order("purchase-order", order, revision) {
            self.expected.insert(order.to_owned(), Expected { revision, state, lines: lines.len() });
        }
        Ok(Answer::ok(json!({ "order": order, "revision": revision })))
    }

    /// A shipment is announced; the truck comes some hours later.
    pub(super) fn expect_shipment(
        &mut self,
        asn: &str,
        body: &Value,
        desk: &mut Desk<'_, Todo>,
    ) -> Result<Answer, Answer> {
        let lines = body.list("lines")?.iter().map(read_line).collect::<Result<Vec<_>, Answer>>()?;
        desk.effect("expect-shipment", asn, None);
        if !self.shipments.contains_key(asn) {
            let hours = Dice::for_name(self.seed, &format!("truck of {asn}")).between(1, 5);
            desk.later(hours * HOUR_MS, Todo::Arrive { asn: asn.to_owned() });
            self.shipments.insert(asn.to_owned(), Shipment { lines, receipt: None });
        }
        Ok(Answer::ok(json!({ "asn": asn })))
    }

    /// The truck is unloaded: one receipt for the shipment. Now and then a piece is damaged.
    pub(super) fn arrive(&mut self, asn: &str, desk: &mut Desk<'_, Todo>) {
        let Some(shipment) = self.shipments.get_mut(asn).filter(|shipment| shipment.receipt.is_none()) else {
            return;
        };
        let receipt = format!("GR-{}", asn.trim_start_matches("ASN-"));
        shipment.receipt = Some(receipt.clone());
        let shipped = shipment.lines.clone();
        let mut dice = Dice::for_name(self.seed, &format!("unloading {asn}"));
        let mut lines: Vec<Value> = Vec::new();
        for (line, n) in shipped.iter().zip(1..) {
            let rejected = if dice.chance(60) { Amount::whole(1).min(line.quantity) } else { Amount::ZERO };
            let accepted = line.quantity - rejected;
            let location = self
                .catalogue
                .item(&line.item)
                .map_or_else(|| "B-00-00".to_owned(), |item| item.bulk.clone());
            let place = self.shelves.change(&line.item, &location, accepted);
            lines.push(json!({
                "line": n,
                "order": line.order,
                "order_line": line.order_line.to_string(),
                "item": line.item,
                "location": location,
                "lot": line.lot,
                "accepted": accepted.to_string(),
                "rejected": rejected.to_string(),
                "unit": documents::unit(&self.catalogue, &line.item),
                "on_hand": place.on_hand.to_string(),
                "change": place.change,
            }));
        }
        self.receipts += 1;
        let at = desk.clock.now().to_string();
        let body = json!({ "receipt": receipt, "warehouse": PLANT, "asn": asn, "at": at, "lines": lines });
        desk.send(Document::json("receipts", asn, &receipt, &body));
    }
}

fn read_line(body: &Value) -> Result<ShipmentLine, Answer> {
    Ok(ShipmentLine {
        order: body.text("order")?.to_owned(),
        order_line: body.count("order_line")?,
        item: body.text("item")?.to_owned(),
        quantity: body.amount("quantity")?,
        lot: body.text("lot")?.to_owned(),
    })
}
