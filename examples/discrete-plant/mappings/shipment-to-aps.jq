{
  expected: .data.expected,
  lines: [.data.lines[] | { order: .purchase_order, line, item, quantity: .quantity.value }]
}
