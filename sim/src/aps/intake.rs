//! What the scheduler is told, and what follows from it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};

use crate::amount::Amount;
use crate::aps::{Aps, Job, Supply, SupplyLine, Todo};
use crate::station::answer::Answer;
use crate::station::delivery::Fields;
use crate::station::system::Desk;
use crate::story::Note;

impl Aps {
    pub(super) fn put_supply(
        &mut self,
        order: &str,
        body: &Value,
        desk: &mut Desk<'_, Todo>,
    ) -> Result<Answer, Answer> {
        let revision = body.count("revision")?;
        let state = body.text("state")?.to_owned();
        let mut lines = BTreeMap::new();
        for line in body.list("lines")? {
            let day = day(line, "date")?;
            lines.insert(
                line.count("line")?,
                SupplyLine { item: line.text("item")?.to_owned(), quantity: line.amount("quantity")?, day },
            );
        }
        desk.effect("put-supply", order, Some(revision));
        if desk.in_order("purchase-order", order, revision) {
            self.supplies.insert(order.to_owned(), Supply { revision, state, lines });
        }
        Ok(Answer::ok(json!({ "order": order, "revision": revision })))
    }

    /// A confirmation dates a supply anew. It may come before the order it speaks of.
    pub(super) fn confirm_supply(
        &mut self,
        body: &Value,
        desk: &mut Desk<'_, Todo>,
    ) -> Result<Answer, Answer> {
        let id = body.text("id")?;
        let order = body.text("order")?;
        let line = body.count("line")?;
        let outcome = body.text("outcome")?;
        let mut latest: Option<Date> = None;
        for split in body.list("splits")? {
            split.amount("quantity")?;
            if split.get("date").is_some_and(|date| !date.is_null()) {
                latest = latest.max(Some(day(split, "date")?));
            }
        }
        desk.effect("confirm-supply", id, None);
        self.confirmations.insert(id.to_owned(), json!({ "order": order, "line": line, "outcome": outcome }));
        let slipped =
            self.supplies.get_mut(order).and_then(|supply| supply.lines.get_mut(&line)).and_then(|known| {
                let later = latest.filter(|day| *day > known.day)?;
                let was = std::mem::replace(&mut known.day, later);
                tracing::debug!(order, line, quantity = %known.quantity, "a supply slipped");
                Some((known.item.clone(), was, later))
            });
        if let Some((item, was, later)) = slipped {
            self.supply_slipped(&item, was, later, id, desk);
        }
        Ok(Answer::created(json!({ "id": id })))
    }

    pub(super) fn announce(
        &mut self,
        asn: &str,
        body: &Value,
        desk: &mut Desk<'_, Todo>,
    ) -> Result<Answer, Answer> {
        let expected = body.text("expected")?;
        body.list("lines")?;
        desk.effect("announce-inbound", asn, None);
        self.inbound.insert(asn.to_owned(), json!({ "expected": expected }));
        Ok(Answer::ok(json!({ "asn": asn })))
    }

    /// A stock position, absolute. The newest revision counts, whatever order they come in.
    pub(super) fn put_position(&mut self, body: &Value, desk: &mut Desk<'_, Todo>) -> Result<Answer, Answer> {
        let (item, location) = (body.text("item")?.to_owned(), body.text("location")?.to_owned());
        let quantity = body.amount("quantity")?;
        let revision = body.count("revision")?;
        let key = format!("{item}/{location}");
        desk.effect("put-position", &key, Some(revision));
        if desk.in_order("position", &key, revision) {
            let before = self.positions.insert((item.clone(), location.clone()), quantity);
            if let Some(taken) = before.map(|before| before - quantity).filter(|taken| *taken > Amount::ZERO)
            {
                self.issued(&item, taken);
            }
            desk.note(Note::PositionTaken { item: item.clone(), location, quantity });
            self.review(&[&item], &key, desk);
        }
        Ok(Answer::ok(json!({ "position": key, "revision": revision })))
    }

    pub(super) fn put_job(
        &mut self,
        order: &str,
        body: &Value,
        desk: &mut Desk<'_, Todo>,
    ) -> Result<Answer, Answer> {
        let revision = body.count("revision")?;
        let state = body.text("state")?.to_owned();
        let start: Timestamp = body.text("start")?.parse().map_err(|_| Answer::missing("start"))?;
        let priority = body.count("priority")?;
        let parts = body
            .list("components")?
            .iter()
            .map(|part| Ok((part.text("item")?.to_owned(), part.amount("quantity")?)))
            .collect::<Result<Vec<(String, Amount)>, Answer>>()?;
        desk.effect("put-production-order", order, Some(revision));
        if desk.in_order("production-order", order, revision) {
            let before = self.jobs.get(order);
            let held = before.is_some_and(|job| job.held);
            let owed = match (state.as_str(), before) {
                ("running", Some(job)) if job.state == "running" => job.owed.clone(),
                ("running", _) => parts.clone(),
                _ => Vec::new(),
            };
            let items: Vec<String> = parts.iter().map(|(item, _)| item.clone()).collect();
            self.jobs.insert(order.to_owned(), Job { revision, state, start, priority, parts, held, owed });
            let items: Vec<&str> = items.iter().map(String::as_str).collect();
            self.review(&items, order, desk);
        }
        Ok(Answer::ok(json!({ "order": order, "revision": revision })))
    }
}

fn day(body: &Value, name: &str) -> Result<Date, Answer> {
    body.text(name)?.parse().map_err(|_| Answer::missing(name))
}
