//! The example workspaces that `lineshaft new` copies, shipped in the binary. A test holds the list to the folders.

/// Path within the workspace, and text.
pub(crate) type File = (&'static str, &'static str);

/// The names that `--from` takes.
pub(crate) const fn names() -> [&'static str; 2] {
    ["small", "discrete-plant"]
}

/// The files of an example.
pub(crate) fn files(name: &str) -> &'static [File] {
    match name {
        "discrete-plant" => DISCRETE_PLANT,
        _ => SMALL,
    }
}

const SMALL: &[File] = &[
    ("codes/wms-units.csv", include_str!("../tests/fixtures/plant/codes/wms-units.csv")),
    (
        "contracts/inventory-counted.yaml",
        include_str!("../tests/fixtures/plant/contracts/inventory-counted.yaml"),
    ),
    ("contracts/wms-count.yaml", include_str!("../tests/fixtures/plant/contracts/wms-count.yaml")),
    ("lineshaft.yaml", include_str!("../tests/fixtures/plant/lineshaft.yaml")),
    ("mappings/count-to-erp.jq", include_str!("../tests/fixtures/plant/mappings/count-to-erp.jq")),
    ("mappings/wms-count.jq", include_str!("../tests/fixtures/plant/mappings/wms-count.jq")),
    ("ownership.yaml", include_str!("../tests/fixtures/plant/ownership.yaml")),
    ("routes/inventory.yaml", include_str!("../tests/fixtures/plant/routes/inventory.yaml")),
    ("systems/erp.yaml", include_str!("../tests/fixtures/plant/systems/erp.yaml")),
    ("systems/wms.yaml", include_str!("../tests/fixtures/plant/systems/wms.yaml")),
];

const DISCRETE_PLANT: &[File] = &[
    ("README.md", include_str!("../../../examples/discrete-plant/README.md")),
    (
        "codes/acknowledgements.csv",
        include_str!("../../../examples/discrete-plant/codes/acknowledgements.csv"),
    ),
    ("codes/movement-types.csv", include_str!("../../../examples/discrete-plant/codes/movement-types.csv")),
    ("codes/outcomes.csv", include_str!("../../../examples/discrete-plant/codes/outcomes.csv")),
    ("codes/units-erp.csv", include_str!("../../../examples/discrete-plant/codes/units-erp.csv")),
    (
        "codes/units-procurement.csv",
        include_str!("../../../examples/discrete-plant/codes/units-procurement.csv"),
    ),
    ("codes/units-wms.csv", include_str!("../../../examples/discrete-plant/codes/units-wms.csv")),
    (
        "contracts/bill-of-material.changed.yaml",
        include_str!("../../../examples/discrete-plant/contracts/bill-of-material.changed.yaml"),
    ),
    (
        "contracts/erp-purchase-orders.yaml",
        include_str!("../../../examples/discrete-plant/contracts/erp-purchase-orders.yaml"),
    ),
    (
        "contracts/goods.received.yaml",
        include_str!("../../../examples/discrete-plant/contracts/goods.received.yaml"),
    ),
    (
        "contracts/inventory.counted.yaml",
        include_str!("../../../examples/discrete-plant/contracts/inventory.counted.yaml"),
    ),
    (
        "contracts/inventory.moved.yaml",
        include_str!("../../../examples/discrete-plant/contracts/inventory.moved.yaml"),
    ),
    (
        "contracts/inventory.positioned.yaml",
        include_str!("../../../examples/discrete-plant/contracts/inventory.positioned.yaml"),
    ),
    (
        "contracts/item.changed.yaml",
        include_str!("../../../examples/discrete-plant/contracts/item.changed.yaml"),
    ),
    (
        "contracts/production-order.completed.yaml",
        include_str!("../../../examples/discrete-plant/contracts/production-order.completed.yaml"),
    ),
    (
        "contracts/production-order.created.yaml",
        include_str!("../../../examples/discrete-plant/contracts/production-order.created.yaml"),
    ),
    (
        "contracts/production-order.held.yaml",
        include_str!("../../../examples/discrete-plant/contracts/production-order.held.yaml"),
    ),
    (
        "contracts/production-order.released.yaml",
        include_str!("../../../examples/discrete-plant/contracts/production-order.released.yaml"),
    ),
    (
        "contracts/production-order.rescheduled.yaml",
        include_str!("../../../examples/discrete-plant/contracts/production-order.rescheduled.yaml"),
    ),
    (
        "contracts/production-order.started.yaml",
        include_str!("../../../examples/discrete-plant/contracts/production-order.started.yaml"),
    ),
    (
        "contracts/purchase-order.cancelled.yaml",
        include_str!("../../../examples/discrete-plant/contracts/purchase-order.cancelled.yaml"),
    ),
    (
        "contracts/purchase-order.changed.yaml",
        include_str!("../../../examples/discrete-plant/contracts/purchase-order.changed.yaml"),
    ),
    (
        "contracts/purchase-order.closed.yaml",
        include_str!("../../../examples/discrete-plant/contracts/purchase-order.closed.yaml"),
    ),
    (
        "contracts/purchase-order.confirmed.yaml",
        include_str!("../../../examples/discrete-plant/contracts/purchase-order.confirmed.yaml"),
    ),
    (
        "contracts/purchase-order.released.yaml",
        include_str!("../../../examples/discrete-plant/contracts/purchase-order.released.yaml"),
    ),
    (
        "contracts/schedule.revised.yaml",
        include_str!("../../../examples/discrete-plant/contracts/schedule.revised.yaml"),
    ),
    (
        "contracts/shipment.notified.yaml",
        include_str!("../../../examples/discrete-plant/contracts/shipment.notified.yaml"),
    ),
    (
        "contracts/supplier.changed.yaml",
        include_str!("../../../examples/discrete-plant/contracts/supplier.changed.yaml"),
    ),
    ("contracts/wms-counts.yaml", include_str!("../../../examples/discrete-plant/contracts/wms-counts.yaml")),
    ("lineshaft.yaml", include_str!("../../../examples/discrete-plant/lineshaft.yaml")),
    ("mappings/aps-schedule.jq", include_str!("../../../examples/discrete-plant/mappings/aps-schedule.jq")),
    (
        "mappings/confirmation-to-aps.jq",
        include_str!("../../../examples/discrete-plant/mappings/confirmation-to-aps.jq"),
    ),
    (
        "mappings/confirmation-to-erp.jq",
        include_str!("../../../examples/discrete-plant/mappings/confirmation-to-erp.jq"),
    ),
    ("mappings/count-to-erp.jq", include_str!("../../../examples/discrete-plant/mappings/count-to-erp.jq")),
    (
        "mappings/erp-bill-of-material.jq",
        include_str!("../../../examples/discrete-plant/mappings/erp-bill-of-material.jq"),
    ),
    ("mappings/erp-item.jq", include_str!("../../../examples/discrete-plant/mappings/erp-item.jq")),
    (
        "mappings/erp-production-order.jq",
        include_str!("../../../examples/discrete-plant/mappings/erp-production-order.jq"),
    ),
    (
        "mappings/erp-purchase-order.jq",
        include_str!("../../../examples/discrete-plant/mappings/erp-purchase-order.jq"),
    ),
    ("mappings/erp-supplier.jq", include_str!("../../../examples/discrete-plant/mappings/erp-supplier.jq")),
    (
        "mappings/goods-receipt-to-erp.jq",
        include_str!("../../../examples/discrete-plant/mappings/goods-receipt-to-erp.jq"),
    ),
    (
        "mappings/goods-receipt-to-procurement.jq",
        include_str!("../../../examples/discrete-plant/mappings/goods-receipt-to-procurement.jq"),
    ),
    (
        "mappings/position-to-aps.jq",
        include_str!("../../../examples/discrete-plant/mappings/position-to-aps.jq"),
    ),
    (
        "mappings/procurement-confirmation.jq",
        include_str!("../../../examples/discrete-plant/mappings/procurement-confirmation.jq"),
    ),
    (
        "mappings/procurement-shipment.jq",
        include_str!("../../../examples/discrete-plant/mappings/procurement-shipment.jq"),
    ),
    (
        "mappings/production-order-to-aps.jq",
        include_str!("../../../examples/discrete-plant/mappings/production-order-to-aps.jq"),
    ),
    (
        "mappings/production-order-to-wms.jq",
        include_str!("../../../examples/discrete-plant/mappings/production-order-to-wms.jq"),
    ),
    (
        "mappings/purchase-order-to-aps.jq",
        include_str!("../../../examples/discrete-plant/mappings/purchase-order-to-aps.jq"),
    ),
    (
        "mappings/purchase-order-to-procurement.jq",
        include_str!("../../../examples/discrete-plant/mappings/purchase-order-to-procurement.jq"),
    ),
    (
        "mappings/purchase-order-to-wms.jq",
        include_str!("../../../examples/discrete-plant/mappings/purchase-order-to-wms.jq"),
    ),
    (
        "mappings/schedule-to-erp.jq",
        include_str!("../../../examples/discrete-plant/mappings/schedule-to-erp.jq"),
    ),
    (
        "mappings/shipment-to-aps.jq",
        include_str!("../../../examples/discrete-plant/mappings/shipment-to-aps.jq"),
    ),
    (
        "mappings/shipment-to-erp.jq",
        include_str!("../../../examples/discrete-plant/mappings/shipment-to-erp.jq"),
    ),
    (
        "mappings/shipment-to-wms.jq",
        include_str!("../../../examples/discrete-plant/mappings/shipment-to-wms.jq"),
    ),
    (
        "mappings/stock-move-to-erp.jq",
        include_str!("../../../examples/discrete-plant/mappings/stock-move-to-erp.jq"),
    ),
    ("mappings/wms-count.jq", include_str!("../../../examples/discrete-plant/mappings/wms-count.jq")),
    ("mappings/wms-move.jq", include_str!("../../../examples/discrete-plant/mappings/wms-move.jq")),
    ("mappings/wms-position.jq", include_str!("../../../examples/discrete-plant/mappings/wms-position.jq")),
    ("mappings/wms-receipt.jq", include_str!("../../../examples/discrete-plant/mappings/wms-receipt.jq")),
    ("ownership.yaml", include_str!("../../../examples/discrete-plant/ownership.yaml")),
    ("routes/inventory.yaml", include_str!("../../../examples/discrete-plant/routes/inventory.yaml")),
    ("routes/production.yaml", include_str!("../../../examples/discrete-plant/routes/production.yaml")),
    ("routes/purchasing.yaml", include_str!("../../../examples/discrete-plant/routes/purchasing.yaml")),
    ("systems/aps.yaml", include_str!("../../../examples/discrete-plant/systems/aps.yaml")),
    ("systems/erp.yaml", include_str!("../../../examples/discrete-plant/systems/erp.yaml")),
    ("systems/procurement.yaml", include_str!("../../../examples/discrete-plant/systems/procurement.yaml")),
    ("systems/wms.yaml", include_str!("../../../examples/discrete-plant/systems/wms.yaml")),
];

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
        for (name, folder) in
            [("small", "tests/fixtures/plant"), ("discrete-plant", "../../examples/discrete-plant")]
        {
            let root = here.join(folder);
            let mut found = Vec::new();
            listed(&root, &root, &mut found);
            found.sort();
            let shipped: Vec<&str> = files(name).iter().map(|(path, _)| *path).collect();
            assert_eq!(shipped, found, "{name}");
        }
    }
}
