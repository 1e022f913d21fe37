{
  expected_at: .data.expected,
  lines: [
    .data.lines[]
    | {
        order: .purchase_order,
        order_line: .line,
        item,
        quantity: .quantity.value,
        unit: code_back("units-wms"; .quantity.unit),
        lot,
        sscc
      }
  ]
}
