//! The warehouse's documents: plain JSON with its own words, and CSV count sheets.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use crate::amount::Amount;
use crate::plan::{Catalogue, PLANT};
use crate::wms::shelf::Place;

/// The warehouse's own unit codes.
pub(super) fn unit(catalogue: &Catalogue, item: &str) -> &'static str {
    match catalogue.item(item).map_or("C62", |item| item.unit) {
        "MTR" => "m",
        "KGM" => "kg",
        "LTR" => "l",
        _ => "pcs",
    }
}

pub(super) fn positions(
    id: &str,
    rows: &[(&(String, String), &Place)],
    catalogue: &Catalogue,
    at: Timestamp,
) -> Value {
    let positions: Vec<Value> = rows
        .iter()
        .map(|((item, location), place)| {
            json!({
                "item": item,
                "location": location,
                "on_hand": place.on_hand.to_string(),
                "unit": unit(catalogue, item),
                "change": place.change,
            })
        })
        .collect();
    json!({ "message": id, "warehouse": PLANT, "at": at.to_string(), "positions": positions })
}

/// One stock move; `kind` is `transfer`, `issue` or `put-away`.
#[derive(Clone, Debug)]
pub(super) struct Moved<'a> {
    pub(super) number: &'a str,
    pub(super) kind: &'static str,
    pub(super) item: &'a str,
    pub(super) quantity: Amount,
    pub(super) from: Option<(&'a str, Place)>,
    pub(super) to: Option<(&'a str, Place)>,
    pub(super) order: Option<&'a str>,
}

impl Moved<'_> {
    pub(super) fn json(&self, catalogue: &Catalogue, at: Timestamp) -> Value {
        let end = |end: Option<(&str, Place)>| {
            end.map(|(location, place)| {
                json!({ "location": location, "on_hand": place.on_hand.to_string(), "change": place.change })
            })
        };
        json!({
            "move": self.number,
            "warehouse": PLANT,
            "at": at.to_string(),
            "kind": self.kind,
            "item": self.item,
            "quantity": self.quantity.to_string(),
            "unit": unit(catalogue, self.item),
            "from": end(self.from),
            "to": end(self.to),
            "order": self.order,
        })
    }
}

/// The header of a count sheet.
pub(super) const COUNT_HEADER: &str =
    "sheet,line,counted_at,warehouse,item,location,unit,book_qty,counted_qty,change\n";

/// One row of a count sheet. The time is the warehouse's wall clock, without an offset, as its terminals print it.
pub(super) fn count_row(
    sheet: &str,
    line: usize,
    item: &str,
    place: (&str, Amount, Place),
    catalogue: &Catalogue,
    at: Timestamp,
) -> String {
    let (location, book, counted) = place;
    let zone = TimeZone::get("Europe/Berlin").unwrap_or(TimeZone::UTC);
    let local = at.to_zoned(zone).strftime("%d.%m.%Y %H:%M:%S").to_string();
    let unit = unit(catalogue, item);
    format!(
        "{sheet},{line},{local},{PLANT},{item},{location},{unit},{book},{},{}\n",
        counted.on_hand, counted.change
    )
}
