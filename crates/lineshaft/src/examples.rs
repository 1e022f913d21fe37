//! The example workspaces that `lineshaft new` copies, shipped in the binary. A test holds the lists to the folders.

/// Path within the workspace, and text.
pub(crate) type File = (&'static str, &'static str);

/// The names that `--from` takes.
pub(crate) const fn names() -> [&'static str; 3] {
    ["small", "discrete-plant", "adventureworks"]
}

/// The files of an example.
pub(crate) fn files(name: &str) -> &'static [File] {
    match name {
        "discrete-plant" => DISCRETE_PLANT,
        "adventureworks" => ADVENTUREWORKS,
        _ => SMALL,
    }
}

/// The files of a folder, by their paths within it.
macro_rules! shipped {
    ($folder:literal, $($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!($folder, $path)))),+]
    };
}

const SMALL: &[File] = shipped!(
    "../tests/fixtures/plant/",
    "codes/wms-units.csv",
    "contracts/inventory-counted.yaml",
    "contracts/wms-count.yaml",
    "lineshaft.yaml",
    "mappings/count-to-erp.jq",
    "mappings/wms-count.jq",
    "ownership.yaml",
    "routes/inventory.yaml",
    "systems/erp.yaml",
    "systems/wms.yaml",
);

const DISCRETE_PLANT: &[File] = shipped!(
    "../../../examples/discrete-plant/",
    "README.md",
    "codes/acknowledgements.csv",
    "codes/movement-types.csv",
    "codes/outcomes.csv",
    "codes/units-erp.csv",
    "codes/units-procurement.csv",
    "codes/units-wms.csv",
    "contracts/bill-of-material.changed.yaml",
    "contracts/erp-purchase-orders.yaml",
    "contracts/goods.received.yaml",
    "contracts/inventory.counted.yaml",
    "contracts/inventory.moved.yaml",
    "contracts/inventory.positioned.yaml",
    "contracts/item.changed.yaml",
    "contracts/plan-request.issued.yaml",
    "contracts/plan.proposed.yaml",
    "contracts/production-order.completed.yaml",
    "contracts/production-order.created.yaml",
    "contracts/production-order.held.yaml",
    "contracts/production-order.released.yaml",
    "contracts/production-order.rescheduled.yaml",
    "contracts/production-order.started.yaml",
    "contracts/purchase-order.cancelled.yaml",
    "contracts/purchase-order.changed.yaml",
    "contracts/purchase-order.closed.yaml",
    "contracts/purchase-order.confirmed.yaml",
    "contracts/purchase-order.released.yaml",
    "contracts/schedule.revised.yaml",
    "contracts/shipment.notified.yaml",
    "contracts/source-of-supply.changed.yaml",
    "contracts/supplier.changed.yaml",
    "contracts/wms-counts.yaml",
    "lineshaft.yaml",
    "mappings/aps-plan.jq",
    "mappings/aps-schedule.jq",
    "mappings/confirmation-to-aps.jq",
    "mappings/confirmation-to-erp.jq",
    "mappings/count-to-erp.jq",
    "mappings/erp-bill-of-material.jq",
    "mappings/erp-info-record.jq",
    "mappings/erp-item.jq",
    "mappings/erp-production-order.jq",
    "mappings/erp-purchase-order.jq",
    "mappings/erp-supplier.jq",
    "mappings/goods-receipt-to-erp.jq",
    "mappings/goods-receipt-to-procurement.jq",
    "mappings/plan-request-to-aps.jq",
    "mappings/position-to-aps.jq",
    "mappings/procurement-confirmation.jq",
    "mappings/procurement-shipment.jq",
    "mappings/production-order-to-aps.jq",
    "mappings/production-order-to-wms.jq",
    "mappings/purchase-order-to-aps.jq",
    "mappings/purchase-order-to-procurement.jq",
    "mappings/purchase-order-to-wms.jq",
    "mappings/schedule-to-erp.jq",
    "mappings/shipment-to-aps.jq",
    "mappings/shipment-to-erp.jq",
    "mappings/shipment-to-wms.jq",
    "mappings/stock-move-to-erp.jq",
    "mappings/wms-count.jq",
    "mappings/wms-move.jq",
    "mappings/wms-position.jq",
    "mappings/wms-receipt.jq",
    "ownership.yaml",
    "routes/inventory.yaml",
    "routes/production.yaml",
    "routes/purchasing.yaml",
    "systems/aps.yaml",
    "systems/erp.yaml",
    "systems/procurement.yaml",
    "systems/wms.yaml",
    "tests/count-sheet.csv",
    "tests/counts.yaml",
    "tests/masters.yaml",
    "tests/planning.yaml",
    "tests/production.yaml",
    "tests/purchasing.yaml",
    "tests/samples/bill-of-material.json",
    "tests/samples/confirmation-full.json",
    "tests/samples/confirmation-partial.json",
    "tests/samples/issue.json",
    "tests/samples/item.json",
    "tests/samples/production-order-created.json",
    "tests/samples/production-order-released.json",
    "tests/samples/purchase-order-changed.json",
    "tests/samples/purchase-order-released.json",
    "tests/samples/receipt.json",
    "tests/samples/schedule-with-holds.json",
    "tests/samples/shipment.json",
    "tests/samples/supplier.json",
    "tests/snapshots/production--an-order-is-planned-by-scheduling-first-and-known-to-the-warehouse-once-it-is-re.json",
    "tests/snapshots/purchasing--a-shipment-is-announced-to-the-warehouse-the-erp-and-scheduling.json",
);

const ADVENTUREWORKS: &[File] = shipped!(
    "../../../examples/adventureworks/",
    "README.md",
    "codes/order-status-adventureworks.csv",
    "codes/order-status-sap.csv",
    "codes/units-adventureworks.csv",
    "codes/units-sap.csv",
    "contracts/purchase-order.changed.yaml",
    "contracts/sap-purchase-order.yaml",
    "lineshaft.yaml",
    "mappings/aw-bill.jq",
    "mappings/aw-item.jq",
    "mappings/aw-order-header.jq",
    "mappings/aw-order-lines.jq",
    "mappings/aw-stock.jq",
    "mappings/aw-supplier.jq",
    "mappings/sap-business-partner.jq",
    "mappings/sap-product.jq",
    "mappings/sap-purchase-order.jq",
    "mappings/to-planning.jq",
    "ownership.yaml",
    "routes/planning.yaml",
    "systems/adventureworks.yaml",
    "systems/planning.yaml",
    "systems/sap.yaml",
);

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn listed(root: &Path, folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                listed(root, &path, found);
            } else {
                found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }

    #[test]
    fn every_file_of_an_example_is_shipped() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        for name in names() {
            let root = match name {
                "small" => here.join("tests/fixtures/plant"),
                name => here.join("../../examples").join(name),
            };
            let mut found = Vec::new();
            listed(&root, &root, &mut found);
            found.sort();
            let shipped: Vec<&str> = files(name).iter().map(|(path, _)| *path).collect();
            assert_eq!(shipped, found, "{name}");
        }
    }
}
