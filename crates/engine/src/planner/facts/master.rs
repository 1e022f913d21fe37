//! Items, suppliers, bills of material and work centres.

use lineshaft_model::{Reason, Unit};
use lineshaft_planning::Record;
use lineshaft_planning::record::{Bom, BomLine, Factor, Item, Stocking, Supplier, WorkCentre};
use rust_decimal::Decimal;

use super::{Part, Places, Read};

/// Decimal places kept of an item's quantities when it does not say.
const DECIMALS: u8 = 6;

/// `unit`, or that of its safety stock; `units: [{unit, factor}]`, `decimals`; how it is kept at its site, and under `sites` at
/// others.
pub(super) fn item(places: &Places, key: &str, part: &Part<'_>) -> Read {
    let mut read = Read::default();
    let reasons = &mut read.reasons;
    let safety_stock = part.quantity("safety_stock", reasons);
    let unit = match part.text("unit").map(Unit::parse) {
        Some(Ok(unit)) => unit,
        Some(Err(reason)) => {
            part.note("unit", &reason.code, &reason.message, reasons);
            return read;
        }
        None => safety_stock.map_or(Unit::ONE, |quantity| quantity.unit),
    };
    let mut units = Vec::new();
    for other in part.each("units") {
        let factor = other.decimal("factor", reasons);
        match (other.text("unit").map(Unit::parse), factor) {
            (Some(Ok(unit)), Some(factor)) => units.push(Factor { unit, factor }),
            _ => other.note("", "unit-malformed", "a further unit has `unit` and `factor`", reasons),
        }
    }
    let decimals = part.whole("decimals", reasons).and_then(|n| u8::try_from(n).ok()).unwrap_or(DECIMALS);
    read.records.push(Record::Item(Item { key: key.to_owned(), unit, decimals, units }));
    let own = stocking(part, key, places.site(part), reasons);
    let mut sites: Vec<Stocking> = Vec::new();
    for site in part.each("sites") {
        match site.text("site") {
            Some(name) => sites.extend(stocking(&site, key, name, reasons)),
            None => site.note("site", "attribute-missing", "`sites` names a `site` each", reasons),
        }
    }
    // What is said of a site goes before what is said of all.
    let general = own.filter(|own| sites.iter().all(|one| one.site != own.site));
    read.records.extend(general.into_iter().chain(sites).map(Record::Stocking));
    read
}

/// `safety_stock`, `safety_priority`, `lead_time_days`, `receipt_days`, `time_fence_days`; none when nothing is said.
fn stocking(part: &Part<'_>, item: &str, site: &str, reasons: &mut Vec<Reason>) -> Option<Stocking> {
    let safety_stock = part.quantity("safety_stock", reasons);
    let safety_priority = part.whole("safety_priority", reasons);
    let lead_time_ms = part.days_ms("lead_time_days", reasons);
    let receipt_ms = part.days_ms("receipt_days", reasons);
    let time_fence_ms = part.days_ms("time_fence_days", reasons);
    let says =
        safety_stock.is_some() || [lead_time_ms, receipt_ms, time_fence_ms].iter().any(Option::is_some);
    says.then(|| Stocking {
        item: item.to_owned(),
        site: site.to_owned(),
        safety_stock,
        // Everybody may use it up unless it is kept from some.
        safety_priority: safety_priority.unwrap_or(u32::MAX),
        lead_time_ms,
        receipt_ms: receipt_ms.unwrap_or(0),
        time_fence_ms: time_fence_ms.unwrap_or(0),
    })
}

/// `lateness_days`: how much later than asked it is used to deliver.
pub(super) fn supplier(key: &str, part: &Part<'_>) -> Read {
    let mut read = Read::default();
    let lateness_ms = part.days_ms("lateness_days", &mut read.reasons).unwrap_or(0);
    read.records.push(Record::Supplier(Supplier { key: key.to_owned(), lateness_ms }));
    read
}

/// `item` (or `assembly`), `site`, `quantity` of the product that the components are for, `valid_from`, `valid_to`, and
/// `components: [{component, quantity, scrap, offset_days, valid_from, valid_to}]`.
pub(super) fn bill_of_material(places: &Places, key: &str, part: &Part<'_>) -> Read {
    let mut read = Read::default();
    let reasons = &mut read.reasons;
    let Some(item) = part.text_of(&["item", "assembly"]) else {
        part.note("item", "attribute-missing", "the bill of material does not say what is made", reasons);
        return read;
    };
    let site = part.text("site");
    let zone = places.zone(site.unwrap_or(&places.site));
    let made = part.quantity("quantity", reasons).map_or(Decimal::ONE, |quantity| quantity.value);
    let mut lines = Vec::new();
    for line in part.each("components") {
        let (component, quantity) =
            (line.text_of(&["component", "item"]), line.quantity("quantity", reasons));
        let (Some(component), Some(quantity)) = (component, quantity) else {
            line.note("", "attribute-missing", "a component has `component` and `quantity`", reasons);
            continue;
        };
        let Some(per) = quantity.value.checked_div(made) else {
            part.note("quantity", "quantity-zero", "the components are for none of the product", reasons);
            return read;
        };
        lines.push(BomLine {
            item: component.to_owned(),
            per,
            scrap: line.decimal("scrap", reasons).unwrap_or_default(),
            offset_ms: line.days_ms("offset_days", reasons).unwrap_or(0),
            valid_from: line.time(&["valid_from"], zone, reasons),
            valid_until: line.time(&["valid_to"], zone, reasons),
        });
    }
    read.records.push(Record::Bom(Bom {
        key: key.to_owned(),
        item: item.to_owned(),
        site: site.map(str::to_owned),
        valid_from: part.time(&["valid_from"], zone, reasons),
        valid_until: part.time(&["valid_to"], zone, reasons),
        lines,
    }));
    read
}

/// `places`: how many operations it does at a time; `calendar`: when it works.
pub(super) fn work_centre(key: &str, part: &Part<'_>) -> Read {
    let mut read = Read::default();
    let calendar = part.text("calendar").map(str::to_owned);
    let places = part.whole("places", &mut read.reasons).and_then(|n| u16::try_from(n).ok()).unwrap_or(1);
    read.records.push(Record::WorkCentre(WorkCentre { key: key.to_owned(), calendar, places }));
    read
}
