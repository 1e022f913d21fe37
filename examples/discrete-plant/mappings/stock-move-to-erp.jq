{
  GoodsMovementCode: "04",
  ReferenceDocument: .data.move,
  DocumentDate: .time,
  to_MaterialDocumentItem: [
    .data
    | {
        GoodsMovementType: code("movement-types"; .kind),
        ManufacturingOrder: .production_order,
        Material: .item,
        StorageBin: (.from // .to),
        IssuingOrReceivingStorageBin: (if .from and .to then .to else null end),
        QuantityInEntryUnit: .quantity.value,
        EntryUnit: code_back("units-erp"; .quantity.unit)
      }
  ]
}
