# A row of PurchaseOrderHeader. Its lines come from another table and join the same object.
{
  type: "lineshaft.purchase-order.changed.v1",
  subject: .PurchaseOrderID,
  time: datetime(.ModifiedDate; "%Y-%m-%d %H:%M:%S%.f"; "America/Los_Angeles"),
  data: ({
    purchase_order: .PurchaseOrderID,
    revision_of_source: .RevisionNumber,
    status: code("order-status-adventureworks"; .Status),
    supplier: .VendorID,
    currency: "USD",
    ordered_on: (.OrderDate | .[0:10]),
    subtotal: { amount: dec_norm(.SubTotal), currency: "USD" },
    tax: { amount: dec_norm(.TaxAmt), currency: "USD" },
    freight: { amount: dec_norm(.Freight), currency: "USD" },
    total: { amount: dec_norm(.TotalDue), currency: "USD" },
    extensions: { adventureworks: { status: .Status, employee: .EmployeeID, ship_method: .ShipMethodID } }
  }
  + (if .ShipDate then { ships_on: (.ShipDate | .[0:10]) } else {} end))
}
