{
  GoodsMovementCode: "01",
  ReferenceDocument: .subject,
  DocumentDate: .time,
  to_MaterialDocumentItem: [
    .data
    | {
        GoodsMovementType: "101",
        PurchaseOrder: .purchase_order,
        PurchaseOrderItem: (.order_line | pad_left(5; "0")),
        Material: .item,
        StorageBin: .location,
        Batch: .lot,
        QuantityInEntryUnit: .accepted.value,
        EntryUnit: code_back("units-erp"; .accepted.unit)
      }
  ]
}
