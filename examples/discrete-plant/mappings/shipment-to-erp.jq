{
  DeliveryDocumentBySupplier: .subject,
  Supplier: (.data.supplier | pad_left(10; "0")),
  DeliveryDate: .data.expected,
  to_DeliveryDocumentItem: [
    .data.lines[]
    | {
        PurchaseOrder: .purchase_order,
        PurchaseOrderItem: (.line | pad_left(5; "0")),
        Material: .item,
        ActualDeliveryQuantity: .quantity.value,
        DeliveryQuantityUnit: code_back("units-erp"; .quantity.unit),
        Batch: .lot
      }
  ]
}
