//! The supplier network: takes purchase orders, and its suppliers confirm and ship them after a while.

mod routes;
mod supplier;

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::{Value, json};

use crate::amount::Amount;
use crate::station::answer::Answer;
use crate::station::delivery::Fields;
use crate::station::outbox::Document;
use crate::station::system::{Desk, Simulated, System};

pub(crate) use routes::routes;
use supplier::{Behaviour, LineReply};

pub(crate) type ProcurementSystem = System<Procurement>;

/// What the suppliers do later by themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Todo {
    Confirm { number: String, revision: u64 },
    Ship { number: String, revision: u64 },
}

/// An order as the network knows it.
#[derive(Clone, Debug)]
pub(crate) struct NetworkOrder {
    pub(crate) revision: u64,
    pub(crate) state: String,
    supplier: String,
    lines: Vec<NetworkLine>,
    confirmed_revision: u64,
    asn: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct NetworkLine {
    pub(crate) line: u64,
    pub(crate) item: String,
    pub(crate) quantity: Amount,
    pub(crate) unit: String,
    pub(crate) price: Amount,
    pub(crate) due: Date,
}

#[derive(Debug)]
pub(crate) struct Procurement {
    seed: u64,
    orders: BTreeMap<String, NetworkOrder>,
    /// Goods the buyer says have arrived, by receipt.
    receipts: BTreeMap<String, Value>,
}

impl Procurement {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, orders: BTreeMap::new(), receipts: BTreeMap::new() }
    }

    pub(crate) fn orders(&self) -> &BTreeMap<String, NetworkOrder> {
        &self.orders
    }

    fn behaviour(&self, number: &str, revision: u64) -> Behaviour {
        Behaviour::of(self.seed, number, revision)
    }

    /// An order, or a newer revision of it, comes from the buyer.
    fn put_order(&mut self, number: &str, body: &Value, desk: &mut Desk<'_, Todo>) -> Result<Answer, Answer> {
        let revision = body.count("revision")?;
        let state = body.text("status")?.to_owned();
        if !matches!(state.as_str(), "open" | "cancelled" | "closed") {
            return Err(Answer::refused(422, format!("status {state} is not known here")));
        }
        let supplier = body.text("supplier")?.to_owned();
        let lines = body.list("lines")?.iter().map(read_line).collect::<Result<Vec<_>, Answer>>()?;
        desk.effect("put-purchase-order", number, Some(revision));
        if desk.in_order("purchase-order", number, revision) {
            let before = self.orders.remove(number);
            let asn = before.as_ref().and_then(|order| order.asn.clone());
            let confirmed_revision = before.map_or(0, |order| order.confirmed_revision);
            if state == "open" && asn.is_none() {
                let wait_ms = self.behaviour(number, revision).confirms_after_ms;
                desk.later(wait_ms, Todo::Confirm { number: number.to_owned(), revision });
            }
            self.orders.insert(
                number.to_owned(),
                NetworkOrder { revision, state, supplier, lines, confirmed_revision, asn },
            );
        }
        Ok(Answer::ok(json!({ "order": number, "revision": revision, "received": true })))
    }

    /// The buyer says what arrived.
    fn post_receipt(&mut self, body: &Value, desk: &mut Desk<'_, Todo>) -> Result<Answer, Answer> {
        let receipt = body.text("receipt")?;
        let accepted = body.amount("accepted")?;
        let order = body.text("order")?;
        desk.effect("post-receipt", receipt, None);
        let view = json!({ "order": order, "accepted": accepted.to_string() });
        self.receipts.insert(receipt.to_owned(), view);
        Ok(Answer::created(json!({ "receipt": receipt })))
    }

    fn confirm(&mut self, number: &str, revision: u64, desk: &mut Desk<'_, Todo>) {
        let behaviour = self.behaviour(number, revision);
        let current = |order: &&mut NetworkOrder| {
            order.revision == revision && order.state == "open" && order.asn.is_none()
        };
        let Some(order) = self.orders.get_mut(number).filter(current) else { return };
        order.confirmed_revision = revision;
        let confirmation = format!("AB-{number}-{revision}");
        let lines: Vec<Value> =
            order.lines.iter().map(|line| confirmation_line(line, &behaviour.reply(line))).collect();
        let body = json!({
            "messageId": confirmation,
            "order": number,
            "orderRevision": revision,
            "supplier": order.supplier,
            "confirmation": confirmation,
            "confirmedAt": desk.clock.now().to_string(),
            "lines": lines,
        });
        desk.send(Document::json("confirmations", number, &confirmation, &body));
        desk.later(behaviour.ships_after_ms, Todo::Ship { number: number.to_owned(), revision });
    }

    fn ship(&mut self, number: &str, revision: u64, desk: &mut Desk<'_, Todo>) {
        let behaviour = self.behaviour(number, revision);
        let current = |order: &&mut NetworkOrder| {
            order.revision == revision && order.state == "open" && order.asn.is_none()
        };
        let Some(order) = self.orders.get_mut(number).filter(current) else { return };
        let asn = format!("ASN-{number}");
        let lines: Vec<Value> = order
            .lines
            .iter()
            .filter_map(|line| {
                let quantity = behaviour.reply(line).shipped()?;
                Some(json!({
                    "order": number,
                    "orderLine": line.line.to_string(),
                    "item": line.item,
                    "quantity": quantity.to_string(),
                    "unit": line.unit,
                    "lot": format!("L{number}{}", line.line),
                    "sscc": behaviour.sscc(line.line),
                }))
            })
            .collect();
        if lines.is_empty() {
            return;
        }
        order.asn = Some(asn.clone());
        let now = desk.clock.now();
        let body = json!({
            "messageId": asn,
            "asn": asn,
            "order": number,
            "supplier": order.supplier,
            "shippedAt": now.to_string(),
            "expectedAt": crate::clock::after(now, behaviour.travels_ms).to_string(),
            "carrier": "RHENUS-21",
            "lines": lines,
        });
        desk.send(Document::json("shipments", number, &asn, &body));
    }
}

fn read_line(body: &Value) -> Result<NetworkLine, Answer> {
    let deliveries = body.list("deliveries")?;
    let due = deliveries.first().ok_or_else(|| Answer::missing("deliveries"))?.text("date")?;
    Ok(NetworkLine {
        line: body.count("line")?,
        item: body.text("item")?.to_owned(),
        quantity: body.amount("quantity")?,
        unit: body.text("unit")?.to_owned(),
        price: body.amount("price")?,
        due: due.parse().map_err(|_| Answer::missing("date"))?,
    })
}

fn confirmation_line(line: &NetworkLine, reply: &LineReply) -> Value {
    let splits: Vec<Value> = reply
        .splits
        .iter()
        .map(|split| {
            json!({
                "quantity": split.quantity.to_string(),
                "date": split.day.map(|day| day.to_string()),
                "status": split.status,
            })
        })
        .collect();
    json!({
        "line": line.line.to_string(),
        "item": line.item,
        "ack": reply.code,
        "unit": line.unit,
        "price": line.price.fixed(2),
        "currency": "EUR",
        "splits": splits,
        "reason": reply.reason,
    })
}

impl Simulated for Procurement {
    type Todo = Todo;

    fn perform(&mut self, todo: Todo, desk: &mut Desk<'_, Todo>) {
        match todo {
            Todo::Confirm { number, revision } => self.confirm(&number, revision, desk),
            Todo::Ship { number, revision } => self.ship(&number, revision, desk),
        }
    }

    fn view(&self, what: &str) -> Option<Value> {
        let order = |number: &str, order: &NetworkOrder| {
            json!({
                "number": number,
                "revision": order.revision,
                "state": order.state,
                "supplier": order.supplier,
                "lines": order.lines.len(),
                "confirmed_revision": order.confirmed_revision,
                "shipment": order.asn,
            })
        };
        match what.split_once('/').unwrap_or((what, "")) {
            ("", _) => Some(json!({ "purchase-orders": self.orders.len(), "receipts": self.receipts.len() })),
            ("purchase-orders", "") => {
                Some(self.orders.iter().map(|(number, known)| order(number, known)).collect())
            }
            ("purchase-orders", number) => self.orders.get(number).map(|known| order(number, known)),
            ("receipts", "") => Some(json!(self.receipts)),
            _ => None,
        }
    }
}
