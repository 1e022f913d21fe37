//! Asked for a schedule, it makes one in its own way: one line, by due dates, whole days, blind to what it was not told.

use serde_json::{Value, json};

use crate::aps::{Aps, Todo};
use crate::plan::PLANT;
use crate::station::answer::Answer;
use crate::station::delivery::Fields;
use crate::station::outbox::Document;
use crate::station::system::Desk;

const DAY_MINUTES: u64 = 1_440;

/// An order as it is asked about.
struct Asked {
    order: String,
    release: Option<u64>,
    due: u64,
    minutes: u64,
}

impl Aps {
    /// Takes a request and sends a plan back: for each order the first and the last day, counted from the request's first.
    pub(super) fn request_schedule(
        &mut self,
        body: &Value,
        desk: &mut Desk<'_, Todo>,
    ) -> Result<Answer, Answer> {
        let request = body.text("request")?.to_owned();
        let from = body.text("from")?.to_owned();
        let days = body.count("days")?;
        let mut orders: Vec<Asked> = Vec::new();
        for order in body.list("orders")? {
            let release = order.get("release").filter(|release| !release.is_null());
            orders.push(Asked {
                order: order.text("order")?.to_owned(),
                release: release.and_then(Value::as_u64),
                due: order.count("due")?,
                minutes: order.count("minutes")?,
            });
        }
        desk.effect("request-schedule", &request, None);
        orders.sort_by(|one, other| (one.due, &one.order).cmp(&(other.due, &other.order)));
        let mut free = 0;
        let planned: Vec<Value> = orders
            .iter()
            .map(|order| {
                let start = free.max(order.release.unwrap_or(0));
                let end = start + order.minutes;
                // The line is shared by many: an order holds up the next one for a tenth of its time.
                free = start + order.minutes / 10;
                json!({ "order": order.order, "firstDay": start / DAY_MINUTES, "lastDay": end / DAY_MINUTES })
            })
            .collect();
        let body =
            json!({ "plan": PLANT, "request": request, "from": from, "days": days, "orders": planned });
        desk.send(Document::json("plans", PLANT, &format!("plan-{request}"), &body));
        Ok(Answer::ok(json!({ "request": request, "orders": orders.len() })))
    }
}
