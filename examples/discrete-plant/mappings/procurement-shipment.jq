{
  type: "lineshaft.shipment.notified.v1",
  subject: .asn,
  id: .messageId,
  time: .shippedAt,
  data: {
    supplier: .supplier,
    purchase_order: .order,
    shipped: .shippedAt,
    expected: .expectedAt,
    carrier: .carrier,
    lines: [
      .lines[]
      | {
          purchase_order: .order,
          line: .orderLine,
          item: .item,
          quantity: qty(.quantity; unit(.unit; "procurement")),
          lot: .lot,
          sscc: .sscc
        }
    ]
  }
}
