# A supplier answers all lines of an order at once; the canonical event speaks of one line.
. as $answer
| .lines[]
| . as $line
| unit(.unit; "procurement") as $unit
| code("acknowledgements"; .ack) as $status
| {
    type: "lineshaft.purchase-order.confirmed.v1",
    subject: "\($answer.order)/\(.line)/\($answer.confirmation)",
    id: "\($answer.messageId)-\(.line)",
    time: $answer.confirmedAt,
    data: {
      purchase_order: $answer.order,
      line: .line,
      item: .item,
      confirmation: $answer.confirmation,
      supplier: $answer.supplier,
      order_revision: $answer.orderRevision,
      outcome: code("outcomes"; $status),
      status: $status,
      splits: [.splits[] | { quantity: qty(.quantity; $unit), date, status }],
      price: { amount: .price, currency: .currency },
      reason: .reason,
      extensions: { procurement: { ack: .ack } }
    }
  }
