.data
| {
    PhysicalInventoryDocument: .count,
    Material: .item,
    StorageBin: .location,
    BookQuantity: .book.value,
    CountedQuantity: .counted.value,
    DifferenceQuantity: .delta.value,
    EntryUnit: code_back("units-erp"; .delta.unit),
    GoodsMovementType: (if dec_cmp(.delta.value; "0") > 0 then "701" else "702" end)
  }
