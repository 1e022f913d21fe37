//! The ERP's documents: OData V2 JSON with decimals as text, dates as `/Date(ms)/` and numbers padded with zeros.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::amount::Amount;
use crate::clock::{ScenarioClock, odata_day, odata_moment};
use crate::erp::orders::{Production, ProductionState, Purchase, PurchaseState};
use crate::plan::{Catalogue, Item, OrderLine, PLANT, Supplier, Terms};
use crate::station::outbox::Document;

const CURRENCY: &str = "EUR";
const PURCHASING: &str = "API_PURCHASEORDER_PROCESS_SRV";

/// The ERP's own unit codes.
fn unit(rec20: &str) -> &'static str {
    match rec20 {
        "MTR" => "M",
        "KGM" => "KG",
        "LTR" => "L",
        _ => "PC",
    }
}

fn unit_of(catalogue: &Catalogue, item: &str) -> &'static str {
    unit(catalogue.item(item).map_or("C62", |item| item.unit))
}

/// A supplier number padded to ten places, as the ERP keeps it inside.
fn padded(number: &str) -> String {
    format!("{number:0>10}")
}

fn metadata(service: &str, entity: &str, key: &str) -> Value {
    let uri = format!("/sap/opu/odata/sap/{service}/{entity}('{key}')");
    json!({ "id": uri, "uri": uri, "type": format!("{service}.{entity}Type") })
}

pub(super) fn purchase_order_entity(purchase: &Purchase, catalogue: &Catalogue, changed: Timestamp) -> Value {
    let order = &purchase.order;
    let cancelled = purchase.state == PurchaseState::Cancelled;
    let items: Vec<Value> = order.lines.iter().map(|line| order_item(purchase, line, catalogue)).collect();
    json!({
        "__metadata": metadata(PURCHASING, "A_PurchaseOrder", &order.number),
        "PurchaseOrder": order.number,
        "PurchaseOrderType": "NB",
        "CompanyCode": "1000",
        "PurchasingOrganization": "1000",
        "PurchasingGroup": "001",
        "Supplier": padded(&order.supplier),
        "DocumentCurrency": CURRENCY,
        "Language": "EN",
        "PurchaseOrderDate": odata_day(order.ordered),
        "LastChangeDateTime": odata_moment(changed),
        "PurchasingProcessingStatus": "02",
        "PurchasingDocumentDeletionCode": if cancelled { "L" } else { "" },
        "YY1_Revision_PDH": purchase.revision.to_string(),
        "to_PurchaseOrderItem": { "results": items },
    })
}

fn order_item(purchase: &Purchase, line: &OrderLine, catalogue: &Catalogue) -> Value {
    let number = format!("{:05}", line.line);
    let item = catalogue.item(&line.item);
    let received = purchase.received.get(&line.line).copied().unwrap_or_default();
    let schedule: Vec<Value> = line
        .schedule
        .iter()
        .zip(1..)
        .map(|((quantity, day), n)| {
            json!({
                "ScheduleLine": format!("{n:04}"),
                "ScheduleLineOrderQuantity": quantity.fixed(3),
                "ScheduleLineDeliveryDate": odata_day(*day),
            })
        })
        .collect();
    json!({
        "PurchaseOrder": purchase.order.number,
        "PurchaseOrderItem": number,
        "PurchaseOrderItemText": item.map_or("", |item| item.text.as_str()),
        "Material": line.item,
        "Plant": PLANT,
        "StorageLocation": "0001",
        "OrderQuantity": line.quantity.fixed(3),
        "PurchaseOrderQuantityUnit": unit_of(catalogue, &line.item),
        "NetPriceAmount": line.price.fixed(2),
        "NetPriceQuantity": "1.000",
        "DocumentCurrency": CURRENCY,
        "TaxCode": "V1",
        "IsCompletelyDelivered": purchase.state == PurchaseState::Closed || received >= line.quantity,
        "to_ScheduleLine": { "results": schedule },
    })
}

pub(super) fn purchase_order(purchase: &Purchase, catalogue: &Catalogue, changed: Timestamp) -> Document {
    let number = &purchase.order.number;
    let body = json!({ "d": purchase_order_entity(purchase, catalogue, changed) });
    Document::json("purchase-orders", number, &format!("{number}@{}", purchase.revision), &body)
}

pub(super) fn production_order_entity(
    production: &Production,
    catalogue: &Catalogue,
    clock: &ScenarioClock,
) -> Value {
    let order = &production.order;
    let state = production.state;
    let start = clock.scenario(order.start_ms);
    let end = clock.scenario(order.start_ms + order.lasts_ms);
    let done = state == ProductionState::Completed;
    let components: Vec<Value> = order
        .components
        .iter()
        .zip(1..)
        .map(|(component, n)| {
            json!({
                "ReservationItem": format!("{n:04}"),
                "Material": component.item,
                "Plant": PLANT,
                "StorageBin": component.location,
                "RequiredQuantity": component.quantity.fixed(3),
                "BaseUnit": unit_of(catalogue, &component.item),
            })
        })
        .collect();
    let yielded = if done { order.quantity - order.scrap } else { Amount::ZERO };
    json!({
        "__metadata": metadata("API_PRODUCTION_ORDER_2_SRV", "A_ProductionOrder_2", &order.number),
        "ManufacturingOrder": order.number,
        "ManufacturingOrderType": "PP01",
        "Material": order.item,
        "ProductionPlant": PLANT,
        "TotalQuantity": order.quantity.fixed(3),
        "ProductionUnit": unit_of(catalogue, &order.item),
        "ManufacturingOrderImportance": order.priority.to_string(),
        "MfgOrderScheduledStartDateTime": odata_moment(start),
        "MfgOrderScheduledEndDateTime": odata_moment(end),
        "LastChangeDateTime": odata_moment(clock.now()),
        "OrderIsCreated": true,
        "OrderIsReleased": state >= ProductionState::Released,
        "OrderIsPartiallyConfirmed": state >= ProductionState::Running,
        "OrderIsConfirmed": done,
        "MfgOrderConfirmedYieldQty": yielded.fixed(3),
        "MfgOrderConfirmedScrapQty": if done { order.scrap } else { Amount::ZERO }.fixed(3),
        "YY1_Revision_ORD": production.revision.to_string(),
        "to_ProductionOrderComponent": { "results": components },
        "to_ProductionOrderOperation": { "results": [
            { "ManufacturingOrderOperation": "0010", "WorkCenter": "ASM-01", "MfgOrderOperationText": "Assemble" },
            { "ManufacturingOrderOperation": "0020", "WorkCenter": "TST-01", "MfgOrderOperationText": "Test" },
        ] },
    })
}

pub(super) fn production_order(
    production: &Production,
    catalogue: &Catalogue,
    clock: &ScenarioClock,
) -> Document {
    let number = &production.order.number;
    let body = json!({ "d": production_order_entity(production, catalogue, clock) });
    Document::json("production-orders", number, &format!("{number}@{}", production.revision), &body)
}

pub(super) fn supplier(supplier: &Supplier, changed: Timestamp) -> Document {
    let number = &supplier.number;
    let body = json!({ "d": {
        "__metadata": metadata("API_BUSINESS_PARTNER_SRV", "A_BusinessPartner", number),
        "BusinessPartner": padded(number),
        "Supplier": padded(number),
        "BusinessPartnerCategory": "2",
        "BusinessPartnerFullName": supplier.name,
        "BusinessPartnerIsBlocked": false,
        "LastChangeDateTime": odata_moment(changed),
        "to_BusinessPartnerAddress": { "results": [ { "CityName": supplier.city, "Country": supplier.country } ] },
    } });
    Document::json("suppliers", number, number, &body)
}

pub(super) fn item(item: &Item, changed: Timestamp) -> Document {
    let number = &item.number;
    let body = json!({ "d": {
        "__metadata": metadata("API_PRODUCT_SRV", "A_Product", number),
        "Product": number,
        "ProductType": if item.is_made() { "FERT" } else { "ROH" },
        "BaseUnit": unit(item.unit),
        "IsMarkedForDeletion": false,
        "LastChangeDateTime": odata_moment(changed),
        "to_Description": { "results": [ { "Product": number, "Language": "EN", "ProductDescription": item.text } ] },
    } });
    Document::json("items", number, number, &body)
}

/// On what terms a supplier delivers a part to the plant.
pub(super) fn info_record(item: &Item, supplier: &Supplier, terms: &Terms, changed: Timestamp) -> Document {
    let number = format!("53{}{}", item.number.trim_start_matches("RM-"), terms.number);
    let body = json!({ "d": {
        "__metadata": metadata("API_INFORECORD_PROCESS_SRV", "A_PurchasingInfoRecord", &number),
        "PurchasingInfoRecord": number,
        "Supplier": padded(&supplier.number),
        "Material": item.number,
        "BaseUnit": unit(item.unit),
        "IsDeleted": false,
        "LastChangeDateTime": odata_moment(changed),
        "to_PurgInfoRecdOrgPlantData": { "results": [{
            "PurchasingInfoRecord": number,
            "Plant": PLANT,
            "Currency": CURRENCY,
            "NetPriceAmount": terms.price.fixed(2),
            "MaterialPlannedDeliveryDurn": terms.days.to_string(),
            "MinimumPurchaseOrderQuantity": Amount::whole(terms.least).fixed(3),
            "StandardPurchaseOrderQuantity": Amount::whole(terms.least).fixed(3),
        }] },
    } });
    Document::json("info-records", &number, &number, &body)
}

pub(super) fn bill_of_material(item: &Item, catalogue: &Catalogue, changed: Timestamp) -> Document {
    let number = &item.number;
    let components: Vec<Value> = item
        .components
        .iter()
        .zip(1..)
        .map(|((component, each), n)| {
            json!({
                "BillOfMaterialItemNumber": format!("{:04}", n * 10),
                "BillOfMaterialComponent": component,
                "BillOfMaterialItemQuantity": each.fixed(3),
                "BillOfMaterialItemUnit": unit_of(catalogue, component),
            })
        })
        .collect();
    let body = json!({ "d": {
        "__metadata": metadata("API_BILL_OF_MATERIAL_SRV", "MaterialBOM", number),
        "BillOfMaterial": format!("BOM-{number}"),
        "Material": number,
        "Plant": PLANT,
        "BillOfMaterialVariantUsage": "1",
        "BOMHeaderQuantityInBaseUnit": "1.000",
        "BOMHeaderBaseUnit": unit(item.unit),
        "LastChangeDateTime": odata_moment(changed),
        "to_BillOfMaterialItem": { "results": components },
    } });
    Document::json("bills-of-material", number, &format!("BOM-{number}"), &body)
}
