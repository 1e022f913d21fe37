//! The book: goods movements by movement type, and inventory differences.

use serde_json::{Value, json};

use crate::amount::Amount;
use crate::erp::{Erp, Todo};
use crate::station::answer::Answer;
use crate::station::delivery::Fields;
use crate::station::system::Desk;
use crate::story::Note;

/// One checked item of a material document.
struct Movement {
    kind: &'static str,
    item: String,
    bin: String,
    /// Where it goes, for a transfer.
    other_bin: Option<String>,
    quantity: Amount,
    order: Option<(String, u64)>,
}

impl Movement {
    fn read(body: &Value) -> Result<Self, Answer> {
        let kind = match body.text("GoodsMovementType")? {
            "101" => "101",
            "131" => "131",
            "261" => "261",
            "311" => "311",
            other => return Err(Answer::refused(422, format!("movement type {other} is not known here"))),
        };
        let quantity = body.amount("QuantityInEntryUnit")?;
        if quantity < Amount::ZERO {
            return Err(Answer::refused(422, "a movement has no negative quantity"));
        }
        let other_bin = match kind {
            "311" => Some(body.text("IssuingOrReceivingStorageBin")?.to_owned()),
            _ => None,
        };
        let order = match kind {
            "101" => Some((body.text("PurchaseOrder")?.to_owned(), body.count("PurchaseOrderItem")?)),
            _ => None,
        };
        let (item, bin) = (body.text("Material")?.to_owned(), body.text("StorageBin")?.to_owned());
        Ok(Self { kind, item, bin, other_bin, quantity, order })
    }
}

impl Erp {
    /// Posts a material document. Its reference is the business id of the effect.
    pub(super) fn post_movement(
        &mut self,
        body: &Value,
        desk: &mut Desk<'_, Todo>,
    ) -> Result<Answer, Answer> {
        let reference = body.text("ReferenceDocument")?.to_owned();
        let movements = body
            .list("to_MaterialDocumentItem")?
            .iter()
            .map(Movement::read)
            .collect::<Result<Vec<_>, Answer>>()?;
        if movements.is_empty() {
            return Err(Answer::missing("to_MaterialDocumentItem"));
        }
        for movement in &movements {
            if self.catalogue.item(&movement.item).is_none() {
                return Err(Answer::refused(422, format!("material {} does not exist", movement.item)));
            }
            if let Some((order, _)) =
                movement.order.as_ref().filter(|(order, _)| !self.purchases.contains_key(order))
            {
                return Err(Answer::refused(422, format!("purchase order {order} does not exist")));
            }
        }
        let receipt = movements.iter().any(|movement| movement.kind == "101");
        desk.effect(if receipt { "post-goods-receipt" } else { "post-stock-move" }, &reference, None);
        for movement in movements {
            self.book_movement(movement, desk);
        }
        Ok(self.posted("MaterialDocument", reference))
    }

    fn book_movement(&mut self, movement: Movement, desk: &mut Desk<'_, Todo>) {
        let Movement { kind, item, bin, other_bin, quantity, order } = movement;
        let signed = if matches!(kind, "261" | "311") { -quantity } else { quantity };
        *self.book.entry((item.clone(), bin)).or_default() += signed;
        if let Some(other) = other_bin {
            *self.book.entry((item, other)).or_default() += quantity;
        }
        if let Some((number, line)) = order {
            self.receive(&number, line, quantity, desk);
        }
    }

    /// Posts what a count found: movement 701 for more, 702 for less.
    pub(super) fn post_difference(
        &mut self,
        body: &Value,
        desk: &mut Desk<'_, Todo>,
    ) -> Result<Answer, Answer> {
        let reference = body.text("PhysicalInventoryDocument")?.to_owned();
        let item = body.text("Material")?.to_owned();
        let bin = body.text("StorageBin")?.to_owned();
        let difference = body.amount("DifferenceQuantity")?;
        let movement = body.text("GoodsMovementType")?;
        if (movement == "701") != (difference > Amount::ZERO) || !matches!(movement, "701" | "702") {
            return Err(Answer::refused(
                422,
                format!("movement {movement} does not fit a difference of {difference}"),
            ));
        }
        desk.effect("post-inventory-difference", &reference, None);
        *self.book.entry((item.clone(), bin.clone())).or_default() += difference;
        desk.note(Note::DifferencePosted { item, location: bin, difference });
        Ok(self.posted("InventoryDifference", reference))
    }

    fn posted(&mut self, kind: &str, reference: String) -> Answer {
        let number = self.next_document();
        let document = json!({ "d": { kind: number, "ReferenceDocument": reference } });
        self.posted.insert(reference, document.clone());
        Answer::created(document)
    }
}
