# The ERP takes dates as milliseconds, item numbers with five digits and its own units.
def odata: if . == null then null else "/Date(\("\(.)T00:00:00Z" | fromdateiso8601 | tostring | split(".")[0])000)/" end;
.data
| {
    PurchaseOrder: .purchase_order,
    PurchaseOrderItem: (.line | pad_left(5; "0")),
    SupplierConfirmation: .confirmation,
    Status: .status,
    to_ConfirmationLine: [
      .splits[]
      | {
          ConfirmedQuantity: .quantity.value,
          OrderQuantityUnit: code_back("units-erp"; .quantity.unit),
          DeliveryDate: (.date | odata)
        }
    ]
  }
