{
  id: .subject,
  order: .data.purchase_order,
  line: .data.line,
  outcome: .data.outcome,
  splits: [.data.splits[] | { quantity: .quantity.value, date, status }]
}
