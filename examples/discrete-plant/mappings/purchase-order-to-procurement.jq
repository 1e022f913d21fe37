{
  order: .subject,
  revision: (.sequence | tonumber),
  status: .data.status,
  supplier: .data.supplier,
  currency: .data.currency,
  lines: [
    .data.lines[]
    | {
        line,
        item,
        quantity: .quantity.value,
        unit: code_back("units-procurement"; .quantity.unit),
        price: .price.amount,
        deliveries: [.schedule_lines[] | { quantity: .quantity.value, date }]
      }
  ]
}
