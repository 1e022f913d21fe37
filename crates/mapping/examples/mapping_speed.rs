//! Measures one core's time for parsing, validating, mapping and writing documents of two sizes.
//!
//! `cargo run --release -p lineshaft-mapping --example mapping_speed`

#![allow(
    clippy::disallowed_methods,
    clippy::float_arithmetic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measuring tool for developers"
)]

use std::hint::black_box;
use std::time::Instant;

use lineshaft_mapping::{
    Budget, CodeList, Condition, Contract, Environment, Input, Mapping, Schemas, Units, Vars,
};

const CONFIRMATION: &str = include_str!("speed/confirmation.json");

/// A purchase order as the OData service of an ERP gives it, with so many lines.
fn order(lines: usize) -> String {
    let metadata = |kind: &str, key: usize| {
        format!(
            r#""__metadata":{{"id":"https://erp.example/sap/opu/odata/sap/API_PURCHASEORDER_PROCESS_SRV/{kind}(PurchaseOrder='4500017842',Item='{key}')","uri":"https://erp.example/sap/opu/odata/sap/API_PURCHASEORDER_PROCESS_SRV/{kind}('{key}')","type":"API_PURCHASEORDER_PROCESS_SRV.{kind}Type"}}"#
        )
    };
    let line = |n: usize| {
        format!(
            r#"{{{},"PurchaseOrder":"4500017842","PurchaseOrderItem":"{:05}","PurchasingDocumentDeletionCode":"","PurchaseOrderItemText":"Hex screw M8x{n} zinc plated","Plant":"P100","StorageLocation":"","MaterialGroup":"L001","PurchasingInfoRecord":"53000{n:05}","SupplierMaterialNumber":"HX-{n}","OrderQuantity":"{}.000","PurchaseOrderQuantityUnit":"ST","OrderPriceUnit":"ST","OrderPriceUnitToOrderUnitNmrtr":"1","OrdPriceUnitToOrderUnitDnmntr":"1","DocumentCurrency":"EUR","NetPriceAmount":"12.34","NetPriceQuantity":"100","TaxCode":"V1","OverdelivTolrtdLmtRatioInPct":"0.0","UnlimitedOverdeliveryIsAllowed":false,"UnderdelivTolrtdLmtRatioInPct":"0.0","ValuationType":"","IsCompletelyDelivered":false,"IsFinallyInvoiced":false,"PurchaseOrderItemCategory":"0","AccountAssignmentCategory":"","Material":"SCREW-M8-{n}","ManufacturerMaterial":"","PurchasingItemStatus":null,"to_ScheduleLine":{{"results":[{{{},"PurchasingDocument":"4500017842","PurchasingDocumentItem":"{:05}","ScheduleLine":"0001","DelivDateCategory":"1","ScheduleLineDeliveryDate":"/Date(1796083200000)/","PurchaseOrderQuantityUnit":"ST","ScheduleLineOrderQuantity":"{}.000"}}]}}}}"#,
            metadata("PurchaseOrderItem", n),
            n * 10,
            100 + n,
            metadata("ScheduleLine", n),
            n * 10,
            100 + n
        )
    };
    let lines: Vec<_> = (1..=lines).map(line).collect();
    format!(
        r#"{{"d":{{{},"PurchaseOrder":"4500017842","CompanyCode":"1010","PurchaseOrderType":"NB","PurchasingProcessingStatus":"02","CreatedByUser":"BUYER","CreationDate":"/Date(1795478400000)/","LastChangeDateTime":"/Date(1795510467000+0000)/","Supplier":"0000104711","Language":"EN","PaymentTerms":"0004","CashDiscount1Days":"14","PurchasingOrganization":"1010","PurchasingGroup":"001","DocumentCurrency":"EUR","ExchangeRate":"1.00000","IncotermsClassification":"DAP","IncotermsLocation1":"","to_PurchaseOrderItem":{{"results":[{}]}}}}}}"#,
        metadata("PurchaseOrder", 0),
        lines.join(",")
    )
}

/// The best of several rounds, in microseconds: what the work costs when nothing disturbs it.
fn micros(mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    work();
    let once = start.elapsed().as_secs_f64();
    let times = ((0.02 / once.max(1e-7)) as usize).clamp(5, 20_000);
    let mut best = f64::MAX;
    for _ in 0..10 {
        let start = Instant::now();
        for _ in 0..times {
            work();
        }
        best = best.min(start.elapsed().as_secs_f64() / times as f64);
    }
    best * 1e6
}

fn measure(name: &str, text: &str, source: &str, schema: &serde_json::Value, environment: &Environment) {
    let mapping = Mapping::compile(name, source, environment).unwrap();
    let interpreted = Mapping::compile(name, &format!("label $out | ({source})"), environment).unwrap();
    let contract = Contract::compile(name, "1", schema, &Schemas::new()).unwrap();
    let condition = Condition::compile(r#".type == "x" or .d.PurchaseOrder == "1""#, environment).unwrap();
    let vars = Vars { now: "2026-11-23T10:00:00Z", ..Vars::default() };
    let budget = Budget::DEFAULT;
    let input = Input::parse(text.as_bytes()).unwrap();
    let output = mapping.run(&input, &vars, &budget).unwrap();
    assert_eq!(output, interpreted.run(&input, &vars, &budget).unwrap());
    assert!(contract.validate(&input, 1).is_ok());

    let parse = micros(|| drop(black_box(Input::parse(text.as_bytes()).unwrap())));
    let validate = micros(|| contract.validate(black_box(&input), 1).unwrap());
    let run = micros(|| drop(black_box(mapping.run(&input, &vars, &budget).unwrap())));
    let all = micros(|| {
        let input = Input::parse(text.as_bytes()).unwrap();
        contract.validate(&input, 1).unwrap();
        black_box(mapping.run(&input, &vars, &budget).unwrap());
    });
    let test = micros(|| {
        black_box(condition.test(&input, &vars, &budget).unwrap());
    });
    let jq = micros(|| {
        let input = Input::parse(text.as_bytes()).unwrap();
        black_box(interpreted.run(&input, &vars, &budget).unwrap());
    });
    println!(
        "{name:<22} {:>6} B in {:>6} B out | parse {parse:>7.1}  validate {validate:>6.1}  map and write {run:>7.1}  all {all:>7.1}  condition {test:>5.2}  interpreted {jq:>8.1}  ({:?})",
        text.len(),
        output[0].len(),
        mapping.how(),
    );
}

fn main() {
    let list = |name: &str, text: &str| CodeList::parse(name, text.as_bytes()).unwrap();
    let environment = Environment::new(
        [
            list("outcome", "from,to\nAC,full\nAP,partial\nRJ,rejected\n"),
            list("status", "from,to\nopen,confirmed\n"),
            list("units-network", "from,to\nST,C62\nKG,KGM\n"),
            list("units-erp", "from,to\nST,C62\nKG,KGM\n"),
        ],
        Units::default(),
    );
    let confirmation = serde_json::json!({"type": "object", "required": ["header", "confirmation"], "properties": {
        "header": {"type": "object", "required": ["messageId", "type"]},
        "confirmation": {"type": "object", "required": ["orderNumber", "lineNumber", "status", "schedule"], "properties": {
            "orderNumber": {"type": "string", "pattern": "^[0-9]{10}$"}, "lineNumber": {"type": "string"}, "revision": {"type": "integer", "minimum": 1},
            "sentAt": {"type": "string", "format": "date-time"}, "status": {"enum": ["AC", "AP", "RJ"]},
            "price": {"type": "object", "required": ["amount", "currency"], "properties": {"amount": {"format": "decimal"}, "currency": {"type": "string", "minLength": 3, "maxLength": 3}}},
            "schedule": {"type": "array", "minItems": 1, "items": {"type": "object", "required": ["quantity", "unit", "date"], "properties": {
                "quantity": {"type": "string", "format": "decimal"}, "unit": {"type": "string"}, "date": {"type": "string", "pattern": "^[0-9]{8}$"}}}}}}}});
    let order_schema = serde_json::json!({"type": "object", "required": ["d"], "properties": {"d": {"type": "object", "required": ["PurchaseOrder", "to_PurchaseOrderItem"],
        "properties": {"PurchaseOrder": {"type": "string", "minLength": 1}, "to_PurchaseOrderItem": {"properties": {"results": {"type": "array", "items": {"type": "object",
            "required": ["PurchaseOrderItem", "OrderQuantity"], "properties": {"OrderQuantity": {"type": "string", "format": "decimal"}, "NetPriceAmount": {"format": "decimal"}}}}}}}}}});
    measure(
        "confirmation",
        CONFIRMATION.trim_end(),
        include_str!("speed/confirmation.jq"),
        &confirmation,
        &environment,
    );
    measure("order of 5 lines", &order(5), include_str!("speed/order.jq"), &order_schema, &environment);
    measure("order of 50 lines", &order(50), include_str!("speed/order.jq"), &order_schema, &environment);
}
