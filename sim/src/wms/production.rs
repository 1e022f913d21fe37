//! What production needs from the warehouse, and everything that changes a place: issues, put-aways, transfers, counts.

use serde_json::{Value, json};

use crate::amount::Amount;
use crate::plan::{CountLine, StockMove};
use crate::station::answer::Answer;
use crate::station::delivery::Fields;
use crate::station::outbox::Document;
use crate::station::system::Desk;
use crate::story::Note;
use crate::wms::documents::{COUNT_HEADER, Moved, count_row};
use crate::wms::{Todo, Wms};

/// A production order as the warehouse prepares it.
#[derive(Clone, Debug, Default)]
pub(super) struct Reservation {
    revision: u64,
    state: String,
    held: bool,
    components: Vec<Part>,
    issued: bool,
    put_away: bool,
}

#[derive(Clone, Debug)]
struct Part {
    item: String,
    location: String,
    quantity: Amount,
}

impl Reservation {
    pub(super) fn view(&self, order: &str) -> Value {
        json!({
            "order": order,
            "revision": self.revision,
            "state": self.state,
            "held": self.held,
            "issued": self.issued,
            "put_away": self.put_away,
            "components": self.components.len(),
        })
    }
}

impl Wms {
    /// The order as production keeps it (with `revision`), or the scheduler's word on it (with `schedule_version`).
    pub(super) fn put_production(
        &mut self,
        order: &str,
        body: &Value,
        desk: &mut Desk<'_, Todo>,
    ) -> Result<Answer, Answer> {
        if body.get("schedule_version").is_some() {
            return self.hold_production(order, body, desk);
        }
        let revision = body.count("revision")?;
        let state = body.text("state")?.to_owned();
        let components =
            body.list("components")?.iter().map(read_part).collect::<Result<Vec<_>, Answer>>()?;
        let product = body.text("product")?;
        let made = body.amount("yield")?;
        desk.effect("put-production-order", order, Some(revision));
        if !desk.in_order("production-order", order, revision) {
            return Ok(Answer::ok(json!({ "order": order, "revision": revision })));
        }
        let reservation = self.reservations.entry(order.to_owned()).or_default();
        reservation.revision = revision;
        reservation.state.clone_from(&state);
        reservation.components.clone_from(&components);
        let (runs, is_done) = (matches!(state.as_str(), "running" | "completed"), state == "completed");
        let issue = runs && !reservation.issued;
        let put_away = is_done && !reservation.put_away;
        reservation.issued |= runs;
        reservation.put_away |= is_done;
        if issue {
            self.issue(order, &components, desk);
        }
        if put_away && made > Amount::ZERO {
            self.put_away(order, product, made, desk);
        }
        Ok(Answer::ok(json!({ "order": order, "revision": revision })))
    }

    fn hold_production(
        &mut self,
        order: &str,
        body: &Value,
        desk: &mut Desk<'_, Todo>,
    ) -> Result<Answer, Answer> {
        let version = body.count("schedule_version")?;
        let state = body.text("state")?;
        desk.effect("hold-production-order", order, Some(version));
        if desk.in_order("schedule", order, version) {
            let reservation = self.reservations.entry(order.to_owned()).or_default();
            reservation.held = state == "held";
            if reservation.held {
                desk.note(Note::Stopped { system: "wms", order: order.to_owned() });
            }
        }
        Ok(Answer::ok(json!({ "order": order, "schedule_version": version })))
    }

    /// Takes the components from their places; what is not there cannot be taken.
    fn issue(&mut self, order: &str, components: &[Part], desk: &mut Desk<'_, Todo>) {
        for (part, n) in components.iter().zip(1..) {
            let quantity = part.quantity.min(self.shelves.place(&part.item, &part.location).on_hand);
            if quantity <= Amount::ZERO {
                continue;
            }
            let place = self.shelves.change(&part.item, &part.location, -quantity);
            let moved = Moved {
                number: &format!("IS-{order}-{n}"),
                kind: "issue",
                item: &part.item,
                quantity,
                from: Some((&part.location, place)),
                to: None,
                order: Some(order),
            };
            self.send_move(&moved, desk);
        }
    }

    fn put_away(&mut self, order: &str, product: &str, made: Amount, desk: &mut Desk<'_, Todo>) {
        let location =
            self.catalogue.item(product).map_or_else(|| "F-00-00".to_owned(), |item| item.bulk.clone());
        let place = self.shelves.change(product, &location, made);
        let moved = Moved {
            number: &format!("PA-{order}"),
            kind: "put-away",
            item: product,
            quantity: made,
            from: None,
            to: Some((&location, place)),
            order: Some(order),
        };
        self.send_move(&moved, desk);
    }

    pub(super) fn transfer(&mut self, planned: &StockMove, desk: &mut Desk<'_, Todo>) {
        let quantity = planned.quantity.min(self.shelves.place(&planned.item, &planned.from).on_hand);
        if quantity <= Amount::ZERO {
            return;
        }
        let from = self.shelves.change(&planned.item, &planned.from, -quantity);
        let to = self.shelves.change(&planned.item, &planned.to, quantity);
        let moved = Moved {
            number: &planned.number,
            kind: "transfer",
            item: &planned.item,
            quantity,
            from: Some((&planned.from, from)),
            to: Some((&planned.to, to)),
            order: None,
        };
        self.send_move(&moved, desk);
    }

    fn send_move(&mut self, moved: &Moved<'_>, desk: &mut Desk<'_, Todo>) {
        self.moves += 1;
        let body = moved.json(&self.catalogue, desk.clock.now());
        desk.send(Document::json("moves", moved.item, moved.number, &body));
    }

    /// Somebody counts, and the shelves are what was counted from now on.
    pub(super) fn count(&mut self, sheet: &str, lines: &[CountLine], desk: &mut Desk<'_, Todo>) {
        let at = desk.clock.now();
        let mut text = COUNT_HEADER.to_owned();
        for (line, n) in lines.iter().zip(1..) {
            let book = self.shelves.place(&line.item, &line.location).on_hand;
            // A shelf never holds less than nothing.
            let place = self.shelves.change(&line.item, &line.location, line.found.max(-book));
            text.push_str(&count_row(
                sheet,
                n,
                &line.item,
                (&line.location, book, place),
                &self.catalogue,
                at,
            ));
            desk.note(Note::Counted {
                sheet: sheet.to_owned(),
                item: line.item.clone(),
                location: line.location.clone(),
                book,
                counted: place.on_hand,
            });
        }
        desk.send(Document::csv("counts", sheet, sheet, text));
    }
}

fn read_part(body: &Value) -> Result<Part, Answer> {
    Ok(Part {
        item: body.text("item")?.to_owned(),
        location: body.text("location")?.to_owned(),
        quantity: body.amount("quantity")?,
    })
}
