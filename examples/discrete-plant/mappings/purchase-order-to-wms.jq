{
  revision: (.sequence | tonumber),
  state: .data.status,
  supplier: .data.supplier,
  lines: [
    .data.lines[]
    | { line, item, quantity: .quantity.value, unit: code_back("units-wms"; .quantity.unit), due: .schedule_lines[0].date }
  ]
}
