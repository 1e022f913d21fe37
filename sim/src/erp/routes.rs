//! The ERP's HTTP face: `/sap/opu/odata/sap/{service}/{entity}`.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::{Value, json};

use crate::clock::read_odata_day;
use crate::erp::orders::Split;
use crate::erp::{Erp, ErpSystem, Todo, documents};
use crate::station::answer::Answer;
use crate::station::delivery::{Delivery, Fields};
use crate::station::system::Desk;

pub(crate) fn routes(system: &Arc<ErpSystem>) -> Router {
    Router::new()
        .route("/sap/opu/odata/sap/{service}/{entity}", get(read).post(create).put(replace))
        .with_state(Arc::clone(system))
}

/// `A_PurchaseOrder('4500000001')` is the entity set and its key; without a key it is the set alone.
fn entity(text: &str) -> (&str, Option<&str>) {
    match text.split_once('(') {
        Some((set, key)) => (set, key.strip_suffix(')').map(|key| key.trim_matches('\''))),
        None => (text, None),
    }
}

async fn read(State(system): State<Arc<ErpSystem>>, Path((_, path)): Path<(String, String)>) -> Answer {
    let (set, key) = entity(&path);
    let clock = &system.station.clock;
    let erp = system.state.lock();
    let found = match (set, key) {
        ("A_PurchaseOrder", Some(key)) => erp
            .purchases
            .get(key)
            .map(|purchase| documents::purchase_order_entity(purchase, &erp.catalogue, clock.now())),
        ("A_PurchaseOrder", None) => {
            let latest = erp.purchases.values().rev().take(50);
            let results: Vec<Value> = latest
                .map(|purchase| documents::purchase_order_entity(purchase, &erp.catalogue, clock.now()))
                .collect();
            Some(json!({ "results": results }))
        }
        ("A_ProductionOrder_2", Some(key)) => erp
            .productions
            .get(key)
            .map(|production| documents::production_order_entity(production, &erp.catalogue, clock)),
        // Posted documents are found by the reference of whoever asked for them: that is how a lost answer is looked up.
        (
            "A_MaterialDocumentHeader"
            | "A_InventoryDifference"
            | "A_SupplierConfirmation"
            | "A_InboundDelivery",
            Some(key),
        ) => erp.posted.get(key).map(|document| document.get("d").cloned().unwrap_or_default()),
        _ => None,
    };
    found.map_or_else(|| Answer::not_found(&path), |entity| Answer::ok(json!({ "d": entity })))
}

async fn create(
    State(system): State<Arc<ErpSystem>>,
    Path((_, path)): Path<(String, String)>,
    delivery: Delivery,
) -> Answer {
    let body = &delivery.body;
    match path.as_str() {
        "A_MaterialDocumentHeader" => {
            system.once("post-movement", &delivery, |erp, desk| erp.post_movement(body, desk))
        }
        "A_InventoryDifference" => {
            system.once("post-difference", &delivery, |erp, desk| erp.post_difference(body, desk))
        }
        "A_SupplierConfirmation" => {
            system.once("post-confirmation", &delivery, |erp, desk| erp.confirm(body, desk))
        }
        "A_InboundDelivery" => {
            system.once("post-inbound-delivery", &delivery, |erp, desk| erp.announce(body, desk))
        }
        _ => Answer::not_found(&path),
    }
}

async fn replace(
    State(system): State<Arc<ErpSystem>>,
    Path((_, path)): Path<(String, String)>,
    delivery: Delivery,
) -> Answer {
    match entity(&path) {
        ("A_ProductionOrder_2", Some(key)) => {
            system.once("put-schedule", &delivery, |erp, desk| erp.reschedule(key, &delivery.body, desk))
        }
        _ => Answer::not_found(&path),
    }
}

impl Erp {
    /// A supplier's confirmation of one order line.
    fn confirm(&mut self, body: &Value, desk: &mut Desk<'_, Todo>) -> Result<Answer, Answer> {
        let number = body.text("PurchaseOrder")?;
        let line = body.count("PurchaseOrderItem")?;
        let confirmation = body.text("SupplierConfirmation")?.to_owned();
        let splits =
            body.list("to_ConfirmationLine")?.iter().map(read_split).collect::<Result<Vec<_>, Answer>>()?;
        let Some(purchase) = self.purchases.get_mut(number) else {
            return Err(Answer::refused(422, format!("purchase order {number} does not exist")));
        };
        if purchase.order.lines.iter().all(|known| known.line != line) {
            return Err(Answer::refused(422, format!("purchase order {number} has no line {line}")));
        }
        let id = format!("{number}-{line}-{confirmation}");
        desk.effect("post-confirmation", &id, None);
        purchase.confirmations.insert((line, confirmation), splits);
        let document = json!({ "d": { "SupplierConfirmation": id } });
        self.posted.insert(id, document.clone());
        Ok(Answer::created(document))
    }

    /// A shipping notification becomes an inbound delivery.
    fn announce(&mut self, body: &Value, desk: &mut Desk<'_, Todo>) -> Result<Answer, Answer> {
        let reference = body.text("DeliveryDocumentBySupplier")?.to_owned();
        let items = body.list("to_DeliveryDocumentItem")?;
        let orders =
            items.iter().map(|item| item.text("PurchaseOrder")).collect::<Result<Vec<_>, Answer>>()?;
        if let Some(unknown) = orders.iter().find(|order| !self.purchases.contains_key(**order)) {
            return Err(Answer::refused(422, format!("purchase order {unknown} does not exist")));
        }
        desk.effect("post-inbound-delivery", &reference, None);
        for order in orders {
            if let Some(purchase) =
                self.purchases.get_mut(order).filter(|purchase| !purchase.deliveries.contains(&reference))
            {
                purchase.deliveries.push(reference.clone());
            }
        }
        let number = self.next_document();
        let document =
            json!({ "d": { "DeliveryDocument": number, "DeliveryDocumentBySupplier": reference } });
        self.posted.insert(reference, document.clone());
        Ok(Answer::created(document))
    }

    /// What the scheduler decided about a production order.
    fn reschedule(
        &mut self,
        number: &str,
        body: &Value,
        desk: &mut Desk<'_, Todo>,
    ) -> Result<Answer, Answer> {
        let version = body.count("ScheduleVersion")?;
        let action = body.text("ScheduleAction")?;
        if !matches!(action, "HOLD" | "RESUME" | "MOVE") {
            return Err(Answer::refused(422, format!("ScheduleAction {action} is not known here")));
        }
        if !self.productions.contains_key(number) {
            return Err(Answer::refused(422, format!("production order {number} does not exist")));
        }
        desk.effect("put-schedule", number, Some(version));
        if desk.in_order("schedule", number, version) {
            match action {
                "HOLD" => self.hold(number, true, version, desk),
                "RESUME" => self.hold(number, false, version, desk),
                _ => {
                    if let Some(production) = self.productions.get_mut(number) {
                        production.schedule_version = version;
                    }
                }
            }
        }
        Ok(Answer::ok(
            json!({ "d": { "ManufacturingOrder": number, "ScheduleVersion": version.to_string() } }),
        ))
    }
}

/// A split has a quantity, and a day unless it was refused.
fn read_split(body: &Value) -> Result<Split, Answer> {
    let quantity = body.amount("ConfirmedQuantity")?;
    let day = match body.get("DeliveryDate").and_then(Value::as_str) {
        Some(text) => Some(read_odata_day(text).ok_or_else(|| Answer::missing("DeliveryDate"))?),
        None => None,
    };
    Ok((quantity, day))
}
